//! FHIR R4 Consent in and out of grants.
//!
//! Out: a member's grants with one custodian become one Consent; a single grant is its root provision (`permit`), several
//! are permits below a root that denies. In: the provision tree is evaluated, and what it permits beyond doubt becomes
//! grants. Whatever cannot be mapped is named and never widens what is permitted: an unknown purpose falls out of its
//! list, a condition that grants do not have (a label, a document, a period of the data, a restriction of DUO) and an
//! element that R4 does not have take their whole permit with them, a denial counts even where part of it is unknown and
//! for every purpose that may be of the denied kind (who wants no research wants no study of a disease either), and
//! an unknown `modifierExtension` refuses what it stands in, as FHIR asks. Codes count in their own system only. A Consent to
//! research that names no purpose or no kind of data permits what such documents are written for, [`UNNAMED_PURPOSES`] and
//! [`UNNAMED_CLASSES`]; one to the use of data in general permits no research unless it names it.
//!
//! Source: HL7 FHIR R4 (4.0.1), Consent. R4 has no element for places, so that regions are a `modifierExtension`: a
//! reader that does not know it must not act on the permit.

mod form;
mod moment;
mod read;
mod sets;
mod write;

use serde_json::Value;

use super::Party;
use crate::codes::{DataClass, Purpose, Region};
use crate::table::RuleTable;

pub use read::{Held, Reading, read, read_held};
pub use write::write;

/// What a Consent to research is for that names no purpose: research and public health.
pub const UNNAMED_PURPOSES: [Purpose; 3] =
    [Purpose::GeneralResearch, Purpose::HealthResearch, Purpose::PublicHealth];
/// What a Consent is about that names no kind of data: what is written down in the course of care.
pub const UNNAMED_CLASSES: [DataClass; 1] = [DataClass::Clinical];

const ACTIONS: &str = "http://terminology.hl7.org/CodeSystem/consentaction";
const SCOPES: &str = "http://terminology.hl7.org/CodeSystem/consentscope";
const RULES: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
/// The policies by which what the person agrees to is permitted, and those by which it is not.
const OPT_IN: [&str; 2] = ["OPTIN", "OPTINR"];
const OPT_OUT: [&str; 2] = ["OPTOUT", "OPTOUTE"];
const ROLES: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
const REASONS: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const DUO: &str = "http://purl.obolibrary.org/obo/duo.owl";
const URIS: &str = "urn:ietf:rfc:3986";
const COUNTRIES: &str = "urn:iso:std:iso:3166";
/// The code of DUO that restricts a permission to what is not for profit.
const NOT_FOR_PROFIT: &str = "DUO_0000045";
/// The code of DUO for research into a disease, which a modifier names.
const DISEASE: &str = "DUO_0000007";
/// Codes of this project where no standard has one.
const CLASSES: &str = "urn:caduceus:data-class";
const PURPOSES: &str = "urn:caduceus:purpose";
/// The person whom a Consent is about, by the identifier on the ledger.
const PERSON: &str = "urn:caduceus:person";
/// Where use is permitted from: a region each.
const FROM: &str = "urn:caduceus:jurisdiction";
/// SHA-256 or Keccak-256 of the text that the member saw.
const DOCUMENT: &str = "urn:caduceus:document-hash";

/// Whom a Consent is about and between.
#[derive(Debug, Clone, Copy)]
pub struct Parties<'a> {
    /// The member, by the identifier on the ledger.
    pub person: &'a str,
    /// The custodian.
    pub custodian: Party,
    /// The chain on which parties have their accounts (EIP-155).
    pub chain_id: u64,
}

impl Parties<'_> {
    fn did(&self, party: Party) -> String {
        format!("did:pkh:eip155:{}:0x{}", self.chain_id, hex::encode(party.0))
    }

    /// The party that a reference means, if it is an account on this chain by an identifier that is in use. The zero address is
    /// nobody's: on the ledger it stands for every researcher.
    fn party(&self, reference: &Value) -> Option<Party> {
        let identifier = reference.get("identifier")?;
        if identifier["use"] == "old" || identifier.get("period").is_some() {
            return None;
        }
        let did = (identifier["system"] == URIS).then(|| identifier["value"].as_str())??;
        let address = did.strip_prefix(&format!("did:pkh:eip155:{}:0x", self.chain_id))?;
        bytes(address).map(Party).filter(|party| party.0 != [0; 20])
    }
}

/// A part of a Consent that has no counterpart in a grant.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unmapped {
    /// Where it stands, as a FHIRPath.
    pub path: String,
    /// What it is, and what became of it.
    pub why: String,
}

const fn purpose_code(purpose: Purpose) -> (&'static str, &'static str) {
    match purpose {
        Purpose::GeneralResearch => (DUO, "DUO_0000042"),
        Purpose::HealthResearch => (DUO, "DUO_0000006"),
        Purpose::DiseaseSpecific => (DUO, DISEASE),
        Purpose::Ancestry => (DUO, "DUO_0000011"),
        Purpose::NotForProfit => (PURPOSES, "NPU"),
        Purpose::Commercial => (PURPOSES, "COM"),
        Purpose::PublicHealth => (REASONS, "PUBHLTH"),
        Purpose::Quality => (REASONS, "HQUALIMP"),
    }
}

/// The purpose of a coding. HRESCH is research in health care, no narrower than HMB and no wider. DUO's code for what is
/// not for profit names a purpose only where it stands alone; beside others it restricts them.
fn purpose_of(coding: &Value) -> Option<Purpose> {
    if is(coding, REASONS, "HRESCH") {
        return Some(Purpose::HealthResearch);
    }
    if is(coding, DUO, NOT_FOR_PROFIT) {
        return Some(Purpose::NotForProfit);
    }
    Purpose::ALL.iter().copied().find(|purpose| {
        let (system, code) = purpose_code(*purpose);
        is(coding, system, code)
    })
}

/// The purposes whose uses may be of a denied kind: every kind of research is research, a use by a company or by somebody who makes
/// no profit may be for anything else, and research in health care is the only research that HL7's purposes know, so that
/// whoever denies it is taken to deny all.
fn denied_with(purpose: Purpose) -> &'static [Purpose] {
    use Purpose::{
        Ancestry, Commercial, DiseaseSpecific, GeneralResearch, HealthResearch, NotForProfit,
        PublicHealth, Quality,
    };
    match purpose {
        GeneralResearch | HealthResearch => {
            &[GeneralResearch, HealthResearch, DiseaseSpecific, Ancestry, NotForProfit, Commercial]
        }
        DiseaseSpecific => {
            &[GeneralResearch, HealthResearch, DiseaseSpecific, NotForProfit, Commercial]
        }
        Ancestry => &[GeneralResearch, Ancestry, NotForProfit, Commercial],
        PublicHealth => &[PublicHealth, NotForProfit, Commercial],
        Quality => &[Quality, NotForProfit, Commercial],
        NotForProfit => &[
            GeneralResearch,
            HealthResearch,
            DiseaseSpecific,
            Ancestry,
            NotForProfit,
            PublicHealth,
            Quality,
        ],
        // Who wants no company to use data may want research all the same; it is a purpose of its own on the ledger.
        Commercial => &[Commercial],
    }
}

/// Whether a coding comes from DUO, whose codes beside the permissions are conditions of them.
fn of_duo(coding: &Value) -> bool {
    ["system", "code"].iter().any(|part| {
        coding[part].as_str().is_some_and(|text| text.to_ascii_lowercase().contains("duo"))
    })
}

/// Whether a coding is this code and says nothing beside it: an extension of a code may narrow what it means.
fn is(coding: &Value, system: &str, code: &str) -> bool {
    let plain = ["id", "system", "version", "code", "display", "userSelected"];
    coding["system"] == system
        && coding["code"] == code
        && coding.as_object().is_some_and(|parts| parts.keys().all(|key| plain.contains(&&**key)))
}

fn regions(table: &RuleTable) -> impl Iterator<Item = (Region, u8)> {
    let mut seen = Vec::new();
    table.countries().filter_map(move |(_, region)| {
        let new = !seen.contains(&region);
        seen.push(region);
        table.region_index(region).filter(|_| new).map(|index| (region, index))
    })
}

fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    hex::decode_to_slice(text, &mut out).ok().map(|()| out)
}
