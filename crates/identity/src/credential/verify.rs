//! Verifying: everything that speaks against a credential or a presentation.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::claims::{Claims, Kind};
use super::form::{Credential, Presentation, StatusEntry};
use super::proof::{self, Expected};
use super::reason::{Finding, Reason};
use super::status::{Bitstring, StatusPurpose, read_list};
use super::time::time_text;
use super::trust::TrustList;
use crate::did::{Directory, Purpose, WebDid};

/// Whom a presentation is made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// The verifier's nonce for this one presentation.
    pub challenge: String,
    /// The verifier's name.
    pub domain: String,
}

/// Status lists by their URL, or a sentence that says why one could not be had.
pub type Lists = BTreeMap<String, Result<Credential, String>>;

/// What verifying needs to know of the world.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// Seconds since 1970.
    pub now: i64,
    /// The documents that were fetched.
    pub directory: &'a Directory,
    /// The status lists that were fetched.
    pub lists: &'a Lists,
    /// Who may issue what. Without a list, an issuer is who it says and no more.
    pub trust: Option<&'a TrustList>,
}

/// Every reason against a credential; none where it verifies.
///
/// With an `audience` it is asked who presents it. A credential by itself does not tell, whoever sends it: that is
/// [`Reason::NotHolder`], and its subject has to make a presentation of it.
#[must_use]
pub fn verify(
    credential: &Credential,
    audience: Option<&Audience>,
    evidence: &Evidence<'_>,
) -> Vec<Reason> {
    let mut reasons = secured(credential, evidence);
    reasons.extend(audience.map(|_| Reason::NotHolder));
    let issuer = &credential.issuer;
    reasons.extend(
        credential.status.iter().filter_map(|entry| status_reason(entry, issuer, evidence)),
    );
    match Kind::of(&credential.types) {
        Some(kind) => {
            let ends = credential.valid_until.is_some();
            let country = match Claims::read(kind, &credential.subject, ends) {
                Ok(claims) => claims.country().map(str::to_owned),
                Err(refusals) => {
                    reasons.extend(refusals);
                    None
                }
            };
            let trusts = |list: &TrustList| {
                list.trusts(&credential.issuer, kind, country.as_deref(), evidence.now)
            };
            if evidence.trust.is_some_and(|list| !trusts(list)) {
                reasons.push(Reason::UntrustedIssuer(kind.name().to_owned()));
            }
        }
        None if evidence.trust.is_some() => {
            reasons.push(Reason::WrongKind("credential of a kind that is known here".to_owned()));
        }
        None => {}
    }
    reasons
}

/// The reasons that any credential can have: context, proof and period.
fn secured(credential: &Credential, evidence: &Evidence<'_>) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if !credential.contexts_are_known() {
        reasons.push(Reason::UnknownContext);
    }
    reasons.extend(proof::check(
        &credential.secured,
        &Expected {
            signer: &credential.issuer,
            role: "issuer",
            purpose: Purpose::Assertion,
            audience: None,
            now: evidence.now,
            directory: evidence.directory,
        },
    ));
    reasons.extend(period(credential.valid_from, credential.valid_until, evidence.now));
    reasons
}

pub(crate) fn period(from: Option<i64>, until: Option<i64>, now: i64) -> Option<Reason> {
    match (from, until) {
        (Some(from), _) if now < from => Some(Reason::NotYetValid(time_text(from))),
        (_, Some(until)) if now >= until => Some(Reason::Expired(time_text(until))),
        _ => None,
    }
}

/// The reason that a status list gives against a credential of `issuer`.
pub(crate) fn status_reason(
    entry: &StatusEntry,
    issuer: &str,
    evidence: &Evidence<'_>,
) -> Option<Reason> {
    let state = status(entry, issuer, evidence);
    state.unwrap_or_else(|why| Some(Reason::StatusUnknown(entry.purpose, why)))
}

/// Whether the entry's bit is set; a sentence where that cannot be told.
fn status(
    entry: &StatusEntry,
    issuer: &str,
    evidence: &Evidence<'_>,
) -> Result<Option<Reason>, String> {
    let list = match evidence.lists.get(&entry.list) {
        None => return Err("its status list was not fetched".to_owned()),
        Some(list) => list.as_ref().map_err(Clone::clone)?,
    };
    // Who may take back is who issued: a list by anybody else could hide a revocation.
    if list.issuer != issuer {
        return Err("the status list is by another issuer".to_owned());
    }
    if list.secured.get("id").is_some_and(|id| id.as_str() != Some(&entry.list)) {
        return Err("the status list is another than the one that the credential names".to_owned());
    }
    if let Some(reason) = secured(list, evidence).first() {
        return Err(format!("the status list does not verify: {reason}"));
    }
    let (purpose, bits) = read_list(list).map_err(|error| error.to_string())?;
    if purpose != entry.purpose {
        return Err("the status list is for another purpose".to_owned());
    }
    set(&bits, entry)
}

fn set(bits: &Bitstring, entry: &StatusEntry) -> Result<Option<Reason>, String> {
    let set = bits.get(entry.index).map_err(|error| error.to_string())?;
    Ok(set.then_some(match entry.purpose {
        StatusPurpose::Revocation => Reason::Revoked,
        StatusPurpose::Suspension => Reason::Suspended,
    }))
}

/// Every finding against a presentation and what it presents; none where all of it verifies.
///
/// The holder must have signed for exactly this `audience`, and be the subject of each credential.
#[must_use]
pub fn verify_presentation(
    presentation: &Presentation,
    audience: &Audience,
    evidence: &Evidence<'_>,
) -> Vec<Finding> {
    let mut reasons = Vec::new();
    if !presentation.contexts_are_known() {
        reasons.push(Reason::UnknownContext);
    }
    reasons.extend(proof::check(
        &presentation.secured,
        &Expected {
            signer: &presentation.holder,
            role: "holder",
            purpose: Purpose::Authentication,
            audience: Some(audience),
            now: evidence.now,
            directory: evidence.directory,
        },
    ));
    let about = |about: String| move |reason| Finding { about: about.clone(), reason };
    let mut findings: Vec<_> = reasons.into_iter().map(about("presentation".into())).collect();
    for (position, credential) in presentation.credentials.iter().enumerate() {
        let mut reasons = verify(credential, None, evidence);
        if credential.subject_id() != Some(&presentation.holder) {
            reasons.push(Reason::NotHolder);
        }
        let name = match presentation.credentials.len() {
            1 => "credential".to_owned(),
            _ => format!("credential {}", position + 1),
        };
        findings.extend(reasons.into_iter().map(about(name)));
    }
    findings
}

/// Every `did:web` that stands where a signer stands in a credential or presentation, so that its document can be
/// fetched before verifying.
#[must_use]
pub fn web_identifiers(value: &Value) -> BTreeSet<WebDid> {
    let mut found = BTreeSet::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut BTreeSet<WebDid>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                let signer = match (name.as_str(), member) {
                    ("issuer" | "holder" | "verificationMethod", Value::String(text)) => Some(text),
                    ("issuer", Value::Object(issuer)) => match issuer.get("id") {
                        Some(Value::String(text)) => Some(text),
                        _ => None,
                    },
                    _ => None,
                };
                let did = signer.map(|text| text.split('#').next().unwrap_or_default());
                found.extend(did.and_then(|did| did.parse::<WebDid>().ok()));
                collect(member, found);
            }
        }
        _ => {}
    }
}
