//! Whose credentials count: a list on the ledger.
//!
//! An issuer is a registered party with the role of one. Beside it the registry holds, by the hash of the issuer's DID,
//! what its word counts for. It counts only while the party is in good standing, so that a suspension ends the trust at
//! once, for every home and every attestor.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256, keccak256};
use alloy::providers::Provider;
use caduceus_contracts::ParticipantRegistry;
use caduceus_contracts::ParticipantRegistry::{Issuer, setIssuerCall};
use caduceus_identity::Did;
use caduceus_identity::credential::{Kind, TrustList, TrustedIssuer};
use caduceus_identity::did::WebDid;

use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::party::{self, Change, NewParty, Registration, Role};

/// What the word of an issuer shall count for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Its identifier: a `did:web` or a `did:key`.
    pub did: String,
    /// The kinds of credential; none ends the trust.
    pub kinds: Vec<Kind>,
    /// Whether it counts for every country and not only for the issuer's own.
    pub anywhere: bool,
}

/// The bit of a kind in the registry (`CredentialKinds`); a statement of a key's successor is nobody's privilege.
fn bit(kind: Kind) -> u32 {
    match kind {
        Kind::PatientIdentity => 1,
        Kind::CustodianAccreditation => 2,
        Kind::ResearcherAccreditation => 4,
        Kind::EthicsApproval => 8,
        Kind::KeyRotation => 0,
    }
}

/// The kinds of credential that an issuer can be trusted for, by their names; `none` is none of them.
pub fn kinds(names: &[String]) -> Result<Vec<Kind>> {
    if names == ["none"] {
        return Ok(Vec::new());
    }
    let kind = |name: &String| match name.parse::<Kind>() {
        Ok(kind) if bit(kind) != 0 => Ok(kind),
        Ok(kind) => Err(NodeError::Usage(format!("nobody has to be trusted for a {kind}"))),
        Err(why) => Err(NodeError::Usage(why)),
    };
    names.iter().map(kind).collect()
}

fn hash(did: &str) -> B256 {
    keccak256(did.as_bytes())
}

/// Registers an issuer as a party, and says on the ledger what its word counts for. The same call twice changes nothing.
pub async fn register(node: &Node, new: &NewParty, trust: &Trust) -> Result<Registration> {
    if trust.did.parse::<WebDid>().is_err() && !matches!(trust.did.parse::<Did>(), Ok(Did::Key(_)))
    {
        let what = format!("`{}` is neither a did:web nor a did:key", trust.did);
        return Err(NodeError::Usage(what));
    }
    let mut done = party::register(node, &NewParty { role: Role::Issuer, ..new.clone() }).await?;
    let wanted = Issuer {
        party: done.party.address,
        kinds: trust.kinds.iter().fold(0, |bits, kind| bits | bit(*kind)),
        anywhere: trust.anywhere,
    };
    let to = node.at.participant_registry;
    let registry = ParticipantRegistry::new(to, &node.provider);
    let found = registry.issuer(hash(&trust.did)).call().await?;
    if found == wanted {
        return Ok(done);
    }
    if !found.party.is_zero() && found.party != wanted.party {
        let what = format!("another party answers for {}", trust.did);
        return Err(NodeError::not_ready(what, "name that party"));
    }
    let from = told(&found);
    done.changed.push(Change { what: "trust", from, to: told(&wanted) });
    let registrar = node.key(crate::genesis::REGISTRAR);
    let call = setIssuerCall { didHash: hash(&trust.did), issuer_: wanted };
    let key = node.next_key("issuer", registrar.address()).await?;
    node.send("set issuer", &key, &registrar, to, &call).await?;
    Ok(done)
}

fn told(issuer: &Issuer) -> String {
    let kinds: Vec<&str> = known(issuer.kinds).into_iter().map(Kind::name).collect();
    match (kinds.is_empty(), issuer.anywhere) {
        (true, _) => "none".to_owned(),
        (false, true) => format!("{}, everywhere", kinds.join(", ")),
        (false, false) => kinds.join(", "),
    }
}

fn known(bits: u32) -> Vec<Kind> {
    Kind::ALL.into_iter().filter(|kind| bits & bit(*kind) != 0).collect()
}

/// What the ledger trusts these issuers for now.
pub(crate) async fn trusted(
    provider: &impl Provider,
    registry: Address,
    dids: &BTreeSet<String>,
) -> Result<TrustList> {
    let registry = ParticipantRegistry::new(registry, provider);
    let mut list = Vec::new();
    for did in dids {
        let issuer = registry.issuer(hash(did)).call().await?;
        if !registry.inGoodStanding(issuer.party, Role::Issuer.bit()).call().await? {
            continue;
        }
        let country = registry.jurisdictionOf(issuer.party).call().await?;
        let country = String::from_utf8_lossy(country.as_slice()).into_owned();
        list.push(TrustedIssuer {
            did: did.clone(),
            kinds: known(issuer.kinds),
            countries: if issuer.anywhere { Vec::new() } else { vec![country] },
            until: None,
        });
    }
    Ok(TrustList::of(list))
}
