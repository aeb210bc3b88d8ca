//! What a vault's log says of the work of others: what attestors signed, and what members granted.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256};
use caduceus_contracts::AttestationOracle::Proof;
use caduceus_contracts::ConsentRegistry::ConsentGranted;
use caduceus_contracts::MembershipToken::MemberJoined;
use caduceus_vault::audit::{self, Detail, Kind, Record};

use super::{note, number};
use crate::audit::log_path;
use crate::error::Result;
use crate::node::Node;
use crate::party::Party;

/// Notes that attestors signed a `statement` (its name in `Kinds.sol`) for a custodian.
pub(crate) async fn note_attested(
    node: &Node,
    custodian: &Party,
    statement: &str,
    proof: &Proof,
) -> Result<()> {
    let details = [
        ("statement", Detail::from(statement)),
        ("payload", Detail::Text(proof.attestation.payloadHash.to_string())),
        ("signers", number(proof.signers.len() as u64)),
    ];
    let subject = proof.attestation.subject.to_string();
    note(node, custodian, Kind::Attested, &subject, &details).await
}

/// Brings a custodian's log up to the grants that the ledger has for it, however they came there.
pub(crate) async fn note_grants(node: &Node, custodian: &Party) -> Result<()> {
    let topics = [None, Some(custodian.address.into_word())];
    let granted = node.events::<ConsentGranted>(node.at.consent_registry, &topics).await?;
    if granted.is_empty() {
        return Ok(());
    }
    let path = log_path(node, custodian);
    let mut known = BTreeSet::new();
    if path.exists() {
        let records = audit::read(&path)?.into_iter();
        let noted = records.filter(|record| record.kind == Kind::ConsentGranted);
        known.extend(noted.filter_map(|record| match record.details.get("grant") {
            Some(Detail::Number(grant)) => u64::try_from(*grant).ok(),
            _ => None,
        }));
    }
    let joined = node.events::<MemberJoined>(node.at.membership_token, &[]).await?;
    let people: BTreeMap<Address, B256> =
        joined.into_iter().map(|event| (event.member, event.personId)).collect();
    for event in granted {
        let grant: u64 = event.grantId.to();
        let Some(person) = people.get(&event.member).filter(|_| !known.contains(&grant)) else {
            continue;
        };
        let document = Detail::Text(event.terms.documentHash.to_string());
        let details = [("grant", number(grant)), ("document", document)];
        note(node, custodian, Kind::ConsentGranted, &person.to_string(), &details).await?;
    }
    Ok(())
}

/// The records of a custodian's log from the first that `begins` picks, up to the newest.
pub(crate) fn log_since(
    node: &Node,
    custodian: &Party,
    begins: impl Fn(&Record) -> bool,
) -> Result<Vec<Record>> {
    let path = log_path(node, custodian);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut records = audit::read(&path)?;
    let first = records.iter().position(begins).unwrap_or(records.len());
    Ok(records.split_off(first))
}
