//! Grants as a FHIR Consent.

use chrono::{SecondsFormat, TimeZone, Utc};
use serde_json::{Map, Value, json};

use super::sets::is_empty;
use super::{
    ACTIONS, CLASSES, COUNTRIES, DOCUMENT, DUO, FROM, NOT_FOR_PROFIT, PERSON, Parties, ROLES,
    RULES, SCOPES, URIS, purpose_code, regions,
};
use crate::codes::{DataClass, Purpose};
use crate::consent::{Grant, PurposeSet};
use crate::table::RuleTable;

const CATEGORIES: &str = "http://loinc.org";
/// The last second that FHIR can write, 9999-12-31T23:59:59Z.
const LAST: u64 = 253_402_300_799;

/// A Consent that says what `grants` say.
///
/// `given` is when it was given, in unix seconds. Times are seconds; an expiry after the year 9999 is written as none, and
/// a grant that permits nothing is not written.
#[must_use]
pub fn write(table: &RuleTable, parties: &Parties<'_>, grants: &[Grant], given: u64) -> Value {
    let grants = grants.iter().filter(|grant| !is_empty(grant));
    let provisions: Vec<Value> = grants.map(|grant| provision(table, parties, grant)).collect();
    let status = if provisions.is_empty() { "inactive" } else { "active" };
    let root = match <[Value; 1]>::try_from(provisions) {
        Ok([single]) => single,
        Err(several) if several.is_empty() => json!({ "type": "deny" }),
        Err(several) => json!({ "type": "deny", "provision": several }),
    };
    json!({
        "resourceType": "Consent",
        "status": status,
        "scope": codeable(SCOPES, "research"),
        "category": [codeable(CATEGORIES, "59284-0")],
        "patient": { "identifier": { "system": PERSON, "value": parties.person } },
        "dateTime": moment(given.min(LAST)),
        "organization": [{ "identifier": { "system": URIS, "value": parties.did(parties.custodian) } }],
        "policyRule": codeable(RULES, "OPTIN"),
        "provision": root,
    })
}

fn provision(table: &RuleTable, parties: &Parties<'_>, grant: &Grant) -> Value {
    let mut out = Map::new();
    out.insert(
        "extension".into(),
        json!([{ "url": DOCUMENT, "valueString": format!("0x{}", hex::encode(grant.document_hash)) }]),
    );
    if !grant.jurisdictions.has_bit(0) {
        let places: Vec<Value> = regions(table)
            .filter(|(_, index)| grant.jurisdictions.has_bit(*index))
            .map(|(region, _)| {
                json!({ "url": FROM, "valueCoding": { "system": COUNTRIES, "code": region } })
            })
            .collect();
        out.insert("modifierExtension".into(), places.into());
    }
    out.insert("type".into(), "permit".into());
    if grant.expiry <= LAST {
        // The last second at which it counts: a period in FHIR includes its end.
        out.insert("period".into(), json!({ "end": moment(grant.expiry.saturating_sub(1)) }));
    }
    if let Some(grantee) = grant.grantee {
        let reference = json!({ "identifier": { "system": URIS, "value": parties.did(grantee) } });
        out.insert(
            "actor".into(),
            json!([{ "role": codeable(ROLES, "IRCP"), "reference": reference }]),
        );
    }
    out.insert("action".into(), json!([codeable(ACTIONS, "use")]));
    out.insert("purpose".into(), purposes(grant.purposes).into());
    let classes = DataClass::ALL.iter().filter(|class| grant.classes.contains(**class));
    let classes = classes.map(|class| json!({ "system": CLASSES, "code": class.code() }));
    out.insert("class".into(), classes.collect());
    out.into()
}

/// The purposes, any of which is permitted. DUO's code for what is not for profit would restrict the others, so that it is
/// written only where it stands alone.
fn purposes(permitted: PurposeSet) -> Vec<Value> {
    if permitted == PurposeSet::of(&[Purpose::NotForProfit]) {
        return vec![json!({ "system": DUO, "code": NOT_FOR_PROFIT })];
    }
    let purposes = Purpose::ALL.iter().filter(|purpose| permitted.contains(**purpose));
    let coding = |(system, code)| json!({ "system": system, "code": code });
    purposes.map(|purpose| coding(purpose_code(*purpose))).collect()
}

fn codeable(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code }] })
}

fn moment(unix: u64) -> String {
    let moment = i64::try_from(unix).ok().and_then(|unix| Utc.timestamp_opt(unix, 0).single());
    moment.map_or_else(String::new, |moment| moment.to_rfc3339_opts(SecondsFormat::Secs, true))
}
