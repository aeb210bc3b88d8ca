//! Registering with evidence: a party shows its accreditation in place of the operator's word.
//!
//! A party presents a credential to this ledger's registry. The challenge names the chain, the registry and the account,
//! so that a presentation that was made for one account registers no other. Whose credentials count is decided by the
//! home's trust list, `trust.toml`; an issuer in it that has an account counts only while the registry on the ledger
//! has that account verified, so that the registrar can end the trust at once for everybody.

use std::collections::BTreeSet;
use std::path::Path;

use alloy::primitives::Address;
use caduceus_contracts::ParticipantRegistry;
use caduceus_identity::credential::{Audience, Kind, TrustList, parse_time};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::credentials::{About, Sources, Verification, check, trust_list};
use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::party::{NewParty, Registration, Role, check_name, register_until};

/// The trust list's file in a home.
const TRUST: &str = "trust.toml";

/// What a party has to sign to register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Challenge {
    /// The challenge of the presentation.
    pub challenge: String,
    /// Its domain.
    pub domain: String,
    /// The account that will be registered.
    pub account: Address,
}

/// What was shown, as the home remembers it. It names organizations and no person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accreditation {
    /// Who vouches.
    pub issuer: String,
    /// Under which identifier the party presented it.
    pub holder: String,
    /// What kind.
    pub kind: String,
    /// The first moment at which it does not hold any more, in seconds since 1970.
    pub until: u64,
}

/// What the party `name` has to sign.
pub fn challenge(node: &Node, name: &str) -> Result<Challenge> {
    check_name(name)?;
    let account = node.key(&format!("party/{name}")).address();
    let registry = format!("eip155:{}:{}", node.chain_id(), node.at.participant_registry);
    Ok(Challenge { challenge: format!("register:{registry}:{account}"), domain: registry, account })
}

/// What the party `name` has shown, if anything.
pub fn of(node: &Node, name: &str) -> Result<Option<Accreditation>> {
    node.home.recall(&key(name))
}

fn key(name: &str) -> String {
    format!("accreditation/{name}")
}

/// Registers a party whose accreditation is presented in the file `presentation`.
///
/// Its issuer must be trusted for the kind that the role needs, the country must be the party's, and nothing may speak
/// against it. The ledger's accreditation ends when the credential ends.
pub async fn register(
    node: &Node,
    new: &NewParty,
    presentation: &Path,
    mut sources: Sources,
) -> Result<Registration> {
    let path = node.home.dir().join(TRUST);
    if !path.exists() {
        let what = format!("{} does not exist, so that no issuer is trusted", path.display());
        let todo = "write into it whose accreditations count, as docs/identity.md shows";
        return Err(NodeError::not_ready(what, todo));
    }
    sources.trust = Some(in_good_standing(node, trust_list(&path)?).await?);
    let asked = challenge(node, &new.name)?;
    let audience = Audience { challenge: asked.challenge, domain: asked.domain };
    // The newest block of a quiet ledger may be older than the presentation; one that was moved ahead counts.
    let now = i64::try_from(node.now().await?).unwrap_or(i64::MAX).max(crate::credentials::now());
    let found = check(presentation, Some(&audience), &sources, now).await?;
    let shown = fitting(&found, new)?;
    node.home.record(&key(&new.name), &shown)?;
    register_until(node, new, Some(shown.until)).await
}

/// The list without the issuers whose account the registry does not have verified.
async fn in_good_standing(node: &Node, list: TrustList) -> Result<TrustList> {
    let registry = ParticipantRegistry::new(node.at.participant_registry, &node.provider);
    let mut out = BTreeSet::new();
    for issuer in list.issuers() {
        let Some(text) = &issuer.account else { continue };
        let account: Address = text.parse().map_err(|_| {
            NodeError::Malformed(format!("{TRUST}: the account of {} is no address", issuer.did))
        })?;
        if !registry.isVerified(account).call().await? {
            out.insert(issuer.did.clone());
        }
    }
    Ok(list.filtered(|issuer| !out.contains(&issuer.did)))
}

/// The accreditation that fits the role and the country, where nothing speaks against what was presented.
fn fitting(found: &Verification, new: &NewParty) -> Result<Accreditation> {
    let kind = match new.role {
        Role::Custodian => Kind::CustodianAccreditation,
        Role::Researcher => Kind::ResearcherAccreditation,
    };
    let mut reasons: Vec<String> =
        found.reasons.iter().map(|one| format!("{}: {}", one.about, one.reason)).collect();
    // An SD-JWT has no holder of its own; its claims name the key that it is bound to.
    let fits = |one: &&About| one.kind.as_deref() == Some(kind.name());
    let credential = found.credentials.iter().find(fits);
    if found.what == "credential" {
        reasons
            .push("it has to be presented for the challenge of `caduceus party challenge`".into());
    }
    let Some(credential) = credential else {
        reasons.push(format!("no {kind} is presented, which a {} needs", new.role.name()));
        return Err(refused(&reasons));
    };
    let claim = |name: &str| credential.claims.get(name).and_then(Value::as_str);
    if claim("country") != Some(&new.country.to_string()) {
        reasons.push(format!("the {kind} is for another country than {}", new.country));
    }
    let until = credential.valid_until.as_deref().and_then(parse_time);
    let until = until.and_then(|until| u64::try_from(until).ok());
    match (until, reasons.is_empty()) {
        (Some(until), true) => Ok(Accreditation {
            issuer: credential.issuer.clone(),
            holder: claim("id").unwrap_or_default().to_owned(),
            kind: kind.to_string(),
            until,
        }),
        (None, _) => {
            reasons.push(format!("the {kind} has no end"));
            Err(refused(&reasons))
        }
        _ => Err(refused(&reasons)),
    }
}

fn refused(reasons: &[String]) -> NodeError {
    NodeError::Refused {
        action: "registering with this accreditation".into(),
        reason: reasons.join("; "),
    }
}
