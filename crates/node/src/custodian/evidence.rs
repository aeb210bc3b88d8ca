//! What a sealed dataset shows of itself: everything that attestors count again before they sign for it.

use std::collections::BTreeSet;

use alloy::primitives::{Address, B256, U256, keccak256};
use alloy::sol_types::SolValue;
use arrow::datatypes::DataType;
use caduceus_contracts::DatasetToken::MintRequest;
use caduceus_contracts::HealthDataPool::Value;
use caduceus_economics::merkle;
use caduceus_protect::quality::{self, Quality};
use caduceus_protect::{PATIENT_TABLE, PERSON_COLUMN};
use caduceus_records::Tables;
use caduceus_records::schema::DatasetSchema;
use caduceus_vault::{Receipt, Vault};
use serde::Deserialize;

use super::publishing::{Publication, cid, persons};
use super::{PROTECTION, ProtectedSummary};
use crate::attestor::Claim;
use crate::error::{NodeError, Result};
use crate::member::person_id;
use crate::party::Party;

/// A new custodian's reputation, in basis points: nothing added, nothing taken.
const NEUTRAL_REPUTATION: u16 = 10_000;

/// What attestors look at.
pub(crate) struct Evidence<'a> {
    pub(crate) custodian: &'a Party,
    pub(crate) vault: &'a Vault,
    pub(crate) summary: &'a ProtectedSummary,
}

impl Evidence<'_> {
    /// The consent of the people in a dataset who were not erased.
    pub(crate) fn receipts(&self, cid_text: &str) -> Result<Vec<Receipt>> {
        let people: BTreeSet<String> = persons(self.vault, cid_text)?.into_iter().collect();
        let mut receipts = self.vault.consents()?;
        receipts.retain(|receipt| people.contains(&receipt.pseudonym));
        Ok(receipts)
    }
}

/// What protection did to a sealed dataset, as its sealed report says.
pub(crate) fn summary(vault: &Vault, publication: &Publication) -> Result<ProtectedSummary> {
    let report = vault.report(&cid(&publication.cid)?)?;
    serde_json::from_slice(&report)
        .map_err(|_| NodeError::Chain("the protection report cannot be read".into()))
}

/// The three statements that minting needs, hashed as `DatasetToken.mint` hashes them.
pub(crate) fn claims(custodian: Address, request: &MintRequest) -> [Claim; 3] {
    let subject = request.contentHash;
    let authenticity = (
        custodian,
        request.contentHash,
        request.tableCommitment,
        request.schemaId,
        U256::from(request.schemaVersion),
        U256::from(request.dataClass),
        U256::from(request.recordCount),
        U256::from(request.personCount),
    );
    let consent =
        (custodian, request.contentHash, request.consentRoot, U256::from(request.personCount));
    let anonymization =
        (request.contentHash, U256::from(request.k), U256::from(request.l), request.method);
    [
        Claim::new("AUTHENTICITY", subject, &authenticity.abi_encode_params()),
        Claim::new("CONSENT", subject, &consent.abi_encode_params()),
        Claim::new("ANONYMIZATION", subject, &anonymization.abi_encode_params()),
    ]
}

/// What one attestor does before signing: opens the sealed dataset and counts everything again.
pub(crate) fn examine(
    evidence: &Evidence<'_>,
    publication: &Publication,
    request: &MintRequest,
) -> std::result::Result<(), String> {
    let words = |error: caduceus_vault::VaultError| error.to_string();
    let cid =
        publication.cid.parse().map_err(|_| "the content identifier cannot be read".to_owned())?;
    evidence.vault.verify(&cid).map_err(words)?;
    let opened = evidence.vault.open_dataset(&cid, &|_| true).map_err(words)?;
    let objection = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    objection(
        opened.persons.len() as u64 == request.personCount,
        "the number of persons is another",
    )?;
    objection(opened.tables.rows() as u64 == request.recordCount, "the number of rows is another")?;
    let quasi: Vec<&str> =
        evidence.summary.report.account.generalization.keys().map(String::as_str).collect();
    if let Some(column) = uncounted(&opened.tables, &quasi) {
        return Err(format!(
            "`{column}` of the patients tells them apart and is not among the quasi-identifiers"
        ));
    }
    let smallest = caduceus_protect::smallest_class(&opened.tables, &quasi)
        .map_err(|error| error.to_string())?;
    objection(smallest >= u32::from(request.k), "a class is smaller than k")?;
    let root = consent_root(evidence.vault, &publication.cid).map_err(|error| error.to_string())?;
    objection(root == request.consentRoot, "the consent receipts have another root")
}

/// A column of the patients that is none of the quasi-identifiers and could tell them apart: whoever published it could make any
/// k true by not counting it. What need not be counted, an attestor takes from its own program: the flags of the patients in the
/// protection policy that it is built with, while they are yes or no.
fn uncounted(tables: &Tables, quasi: &[&str]) -> Option<String> {
    let patients = tables.get(PATIENT_TABLE)?.schema();
    let flags = flags();
    let tells = patients.fields().iter().filter(|field| {
        let is_flag = field.data_type() == &DataType::Boolean && flags.contains(field.name());
        field.name() != PERSON_COLUMN && !is_flag
    });
    let mut names = tells.map(|field| field.name());
    names.find(|name| !quasi.contains(&name.as_str())).cloned()
}

/// The columns of the patients that this program's policy publishes as they are, yes or no.
fn flags() -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct Policy {
        table: Vec<Table>,
    }
    #[derive(Deserialize)]
    struct Table {
        name: String,
        columns: Vec<Column>,
    }
    #[derive(Deserialize)]
    struct Column {
        name: String,
        rule: String,
    }
    let policy: Policy = toml::from_str(PROTECTION).expect("the policy is compiled in and tested");
    let patients = policy.table.into_iter().filter(|table| table.name == PATIENT_TABLE);
    let columns = patients.flat_map(|table| table.columns);
    columns.filter(|column| column.rule == "flag").map(|column| column.name).collect()
}

/// Merkle root over the receipts of a dataset's patients; fails where one of them permits no use now.
pub(super) fn consent_root(vault: &Vault, cid: &str) -> Result<B256> {
    let receipts = vault.consents()?;
    let permitted = super::permitted(&receipts);
    if persons(vault, cid)?.iter().any(|pseudonym| !permitted.contains(pseudonym.as_str())) {
        let reason = super::AGAIN.to_owned();
        return Err(NodeError::Refused { action: "publishing".into(), reason });
    }
    Ok(merkle_root(&standing_leaves(vault, cid)?))
}

/// A receipt as it stands under a consent root.
pub(super) fn leaf(receipt: &Receipt) -> B256 {
    merkle::leaf_hash(
        &(person_id(&receipt.pseudonym), B256::from(receipt.document_hash)).abi_encode(),
    )
}

/// The receipts of a dataset's patients that permit, as leaves.
pub(super) fn standing_leaves(vault: &Vault, cid: &str) -> Result<Vec<B256>> {
    let in_dataset: BTreeSet<String> = persons(vault, cid)?.into_iter().collect();
    let receipts = vault.consents()?;
    let standing =
        receipts.iter().filter(|receipt| receipt.permit && in_dataset.contains(&receipt.pseudonym));
    Ok(standing.map(leaf).collect())
}

/// The root over the receipts of a dataset's patients that permit, with or without everybody's.
pub(crate) fn standing_root(vault: &Vault, cid: &str) -> Result<B256> {
    Ok(merkle_root(&standing_leaves(vault, cid)?))
}

/// The root of leaves; where none is left, a value that is no root of any.
pub(super) fn merkle_root(leaves: &[B256]) -> B256 {
    merkle::root(leaves).unwrap_or(keccak256("no consent stands"))
}

/// The statement that a deposit needs, hashed as `HealthDataPool.deposit` hashes it.
pub(crate) fn value_claim(dataset: U256, value: &Value) -> Claim {
    let content = (
        dataset,
        U256::from(value.completeness),
        U256::from(value.freshness),
        U256::from(value.rarity),
        U256::from(value.reputation),
    );
    Claim::new("VALUE", dataset.into(), &content.abi_encode_params())
}

/// The quality scores of a sealed dataset, counted from what is in it.
pub(crate) fn measure(evidence: &Evidence<'_>, publication: &Publication) -> Result<Value> {
    let scores = scores(evidence, publication)?;
    // The pool takes no score below its floor; what is worth less counts as the floor.
    let at_least = |score: u16| score.max(crate::genesis::SCORE_FLOOR);
    Ok(Value {
        completeness: at_least(scores.completeness),
        freshness: at_least(scores.freshness),
        rarity: at_least(scores.rarity),
        reputation: at_least(scores.reputation),
    })
}

/// How good a sealed dataset is, counted from what is in it.
pub(crate) fn scores(evidence: &Evidence<'_>, publication: &Publication) -> Result<Quality> {
    let opened = evidence.vault.open_dataset(&cid(&publication.cid)?, &|_| true)?;
    quality(evidence.summary, &opened.tables, &opened.schema)
}

/// How good protected tables are.
pub(super) fn quality(
    summary: &ProtectedSummary,
    tables: &Tables,
    schema: &DatasetSchema,
) -> Result<Quality> {
    Ok(quality::scores(tables, schema, summary.reference()?, NEUTRAL_REPUTATION))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};

    use super::*;

    #[test]
    fn what_tells_patients_apart_has_to_be_counted() {
        let text = |value: &str| Arc::new(StringArray::from(vec![value.to_owned()])) as ArrayRef;
        let yes = || Arc::new(BooleanArray::from(vec![true])) as ArrayRef;
        let missed = |more: Option<(&str, ArrayRef)>, quasi: &[&str]| {
            let columns = [
                ("patient", text("a pseudonym")),
                ("sex", text("female")),
                ("region", text("D-20")),
                ("deceased", yes()),
            ];
            let batch = RecordBatch::try_from_iter(columns.into_iter().chain(more)).unwrap();
            uncounted(&Tables([("patient".to_owned(), batch)].into()), quasi)
        };
        assert_eq!(missed(None, &["sex", "region"]), None);
        assert_eq!(missed(None, &["sex"]).as_deref(), Some("region"));
        assert_eq!(missed(None, &[]).as_deref(), Some("sex"));
        // A column for each value tells what one column of values would.
        let split = Some(("region_d20", yes()));
        assert_eq!(missed(split, &["sex", "region"]).as_deref(), Some("region_d20"));
    }

    #[test]
    fn the_flags_of_the_policy_are_those_of_what_it_publishes() {
        assert_eq!(flags(), BTreeSet::from(["deceased".to_owned()]));
    }
}
