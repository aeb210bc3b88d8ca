//! A member's grants as people and other systems read them: in plain words, and as FHIR R4 Consents.

use std::time::Instant;

use alloy::primitives::{Address, B256, U256};
use caduceus_contracts::ConsentRegistry;
use caduceus_contracts::ConsentRegistry::ConsentGranted;
use caduceus_policy::consent::fhir::{self, Parties, Unmapped};
use caduceus_policy::consent::words::{self, Language, Names};
use caduceus_policy::consent::{ClassSet, Grant, Party as Account, PurposeSet, RegionSet};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{NodeError, Result};
use crate::member::{self, Member};
use crate::node::Node;
use crate::party::{self, Party, Role};

/// A Consent is no longer than this, in bytes.
const LONGEST: usize = 1 << 20;

/// A grant in words.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// The grant's number on the ledger.
    pub grant: u64,
    /// What it says, a sentence a line.
    pub text: String,
}

/// What came of a Consent.
#[derive(Clone, Debug, Serialize)]
pub struct Imported {
    /// The member.
    pub member: String,
    /// The grants that the ledger now has.
    pub grants: Vec<u64>,
    /// What the document says beyond them, which permits nothing.
    pub unmapped: Vec<Unmapped>,
}

/// A withdrawal, and when it was effective.
#[derive(Clone, Debug, Serialize)]
pub struct Withdrawn {
    /// The member.
    pub member: String,
    /// How many grants ended.
    pub revoked: usize,
    /// Milliseconds from the request until the ledger permits nothing and the vault knows it.
    pub effective_ms: u64,
    /// The ledger's newest block at that moment: no answer that is committed after it counts the member.
    pub block: u64,
}

/// A grant of the ledger as the rules know it.
pub(crate) fn of_ledger(terms: &ConsentRegistry::Grant) -> Result<Grant> {
    let unknown =
        || NodeError::Chain("a grant on the ledger holds codes of another version".into());
    let bits = |bitmap: U256| u16::try_from(bitmap).map_err(|_| unknown());
    Ok(Grant {
        custodian: Account(terms.custodian.into_array()),
        grantee: (!terms.grantee.is_zero()).then(|| Account(terms.grantee.into_array())),
        classes: ClassSet::from_bits(bits(terms.classes)?).ok_or_else(unknown)?,
        purposes: PurposeSet::from_bits(bits(terms.purposes)?).ok_or_else(unknown)?,
        jurisdictions: RegionSet::from_be_bytes(terms.jurisdictions.to_be_bytes()),
        expiry: terms.expiry,
        document_hash: terms.documentHash.0,
    })
}

/// A grant as the ledger keeps it, where the zero address stands for every researcher and may never be somebody's name.
fn to_ledger(grant: &Grant) -> Result<ConsentRegistry::Grant> {
    if grant.grantee == Some(Account([0; 20])) {
        return Err(NodeError::Usage(member::NOBODY.into()));
    }
    Ok(ConsentRegistry::Grant {
        custodian: Address::from(grant.custodian.0),
        grantee: grant.grantee.map_or(Address::ZERO, |party| Address::from(party.0)),
        classes: U256::from(grant.classes.bits()),
        purposes: U256::from(grant.purposes.bits()),
        jurisdictions: U256::from_be_bytes(grant.jurisdictions.to_be_bytes()),
        expiry: grant.expiry,
        documentHash: B256::from(grant.document_hash),
    })
}

/// A member's grants to the custodian of their records that were not revoked, with their numbers.
async fn standing(node: &Node, member: &Member, custodian: &Party) -> Result<Vec<(u64, Grant)>> {
    let registry = ConsentRegistry::new(node.at.consent_registry, &node.provider);
    let grants = registry.grantsOf(member.address, custodian.address).call().await?;
    grants.into_iter().map(|grant| Ok((grant.id.to(), of_ledger(&grant.terms)?))).collect()
}

/// The language of this code.
pub fn language(code: &str) -> Result<Language> {
    code.parse().map_err(|error: caduceus_policy::UnknownCode| NodeError::Usage(error.to_string()))
}

/// The end that a caller wants of a consent: a day, of which it is the first second, a moment, or so many days from today.
pub async fn until(node: &Node, end: Option<&str>, days: Option<u64>) -> Result<Option<u64>> {
    if let Some(days) = days {
        return Ok(Some(member::in_days(node.now().await?, days)));
    }
    let Some(text) = end else { return Ok(None) };
    let moment = match text.len() {
        10 => crate::credentials::time(&format!("{text}T00:00:00Z"))?,
        _ => crate::credentials::time(text)?,
    };
    u64::try_from(moment)
        .map(Some)
        .map_err(|_| NodeError::Usage(format!("`{text}` is before 1970; name a later end")))
}

/// What a member agreed to and did not take back, in their language.
pub async fn show(node: &Node, member: &Member, language: Language) -> Result<Vec<Told>> {
    let custodian = party::find(node, Role::Custodian, &member.custodian)?;
    let parties = party::parties(node)?;
    let told = standing(node, member, &custodian).await?.into_iter().map(|(number, grant)| {
        let grantee = grant.grantee.and_then(|account| {
            parties.iter().find(|party| party.address.into_array() == account.0)
        });
        let grantee = grantee.map(|party| party.name.as_str());
        let names = Names { custodian: &custodian.name, grantee };
        Told { grant: number, text: words::tell(node.rules, &grant, names, language) }
    });
    Ok(told.collect())
}

/// A member's grants, or one of them, as a FHIR R4 Consent.
pub async fn export(node: &Node, member: &Member, only: Option<u64>) -> Result<Value> {
    let custodian = party::find(node, Role::Custodian, &member.custodian)?;
    let mut grants = standing(node, member, &custodian).await?;
    if let Some(only) = only {
        let known: Vec<String> = grants.iter().map(|(number, _)| number.to_string()).collect();
        grants.retain(|(number, _)| *number == only);
        if grants.is_empty() {
            let known = known.iter().map(String::as_str);
            return Err(NodeError::unknown("grant", &only.to_string(), known));
        }
    }
    if grants.is_empty() {
        let what = format!("{} has no consent standing", member.name);
        return Err(NodeError::not_ready(what, "give one with `caduceus consent grant`"));
    }
    let topic = Some(member.address.into_word());
    let registry = node.at.consent_registry;
    let mut given = 0;
    for (place, event) in
        node.placed_events::<ConsentRegistry::ConsentGranted>(registry, &[topic]).await?
    {
        if grants.iter().any(|(number, _)| event.grantId == U256::from(*number)) {
            given = node.time_of(place).await?;
        }
    }
    let grants: Vec<Grant> = grants.into_iter().map(|(_, grant)| grant).collect();
    let person = member.person.to_string();
    Ok(fhir::write(node.rules, &between(node, &custodian, &person), &grants, given))
}

fn between<'a>(node: &Node, custodian: &Party, person: &'a str) -> Parties<'a> {
    let custodian = Account(custodian.address.into_array());
    Parties { person, custodian, chain_id: node.chain_id() }
}

/// Records what a FHIR R4 Consent permits beyond doubt as a member's grants, by the member's signature.
///
/// Fails with everything that stands in the way where it permits nothing; otherwise names what it left out.
pub async fn import(node: &Node, member: &Member, document: &[u8]) -> Result<Imported> {
    if document.len() > LONGEST {
        return Err(NodeError::Usage("a Consent is at most 1 MiB long".into()));
    }
    let consent = caduceus_policy::consent::strict::parse(document)
        .map_err(|error| NodeError::Usage(format!("the file cannot be read: {error}")))?;
    let custodian = party::find(node, Role::Custodian, &member.custodian)?;
    let person = member.person.to_string();
    let now = node.now().await?;
    let reading = fhir::read(node.rules, &between(node, &custodian, &person), &consent, now);
    if reading.grants.is_empty() {
        let mut why: Vec<String> =
            reading.unmapped.iter().map(|part| format!("{}: {}", part.path, part.why)).collect();
        if why.is_empty() {
            why.push("Consent.provision: it permits nothing".into());
        }
        let text = format!("the Consent gives no grant; {}", why.join("; "));
        return Err(NodeError::Usage(text));
    }
    let mut grants = Vec::new();
    let topics = [Some(member.address.into_word()), Some(custodian.address.into_word())];
    let given = node.events::<ConsentGranted>(node.at.consent_registry, &topics).await?;
    for grant in &reading.grants {
        let mut terms = to_ledger(grant)?;
        // A file says what it likes of the document that it comes from: that is believed of the member's own grants alone.
        let own = given.iter().any(|event| event.terms == terms);
        if !own && terms.documentHash != member::document_of(&terms) {
            terms.documentHash = B256::from_slice(&Sha256::digest(consent.to_string()));
        }
        grants.push(member::give(node, member, terms).await?.to());
    }
    Ok(Imported { member: member.name.clone(), grants, unmapped: reading.unmapped })
}

/// Withdraws all that a member agreed to, and measures how long it took to be effective.
pub async fn withdraw(node: &Node, member: &Member) -> Result<Withdrawn> {
    let asked = Instant::now();
    let revoked = member::revoke(node, member).await?;
    let custodian = party::find(node, Role::Custodian, &member.custodian)?;
    let registry = ConsentRegistry::new(node.at.consent_registry, &node.provider);
    if registry.hasAnyGrant(member.address, custodian.address).call().await? {
        return Err(NodeError::Chain("a grant still stands after it was withdrawn".into()));
    }
    Ok(Withdrawn {
        member: member.name.clone(),
        revoked,
        effective_ms: u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX),
        block: node.block_number().await?,
    })
}
