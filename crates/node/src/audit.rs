//! Checks every vault's log against the ledger, from end to end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use alloy::primitives::U256;
use caduceus_contracts::{
    ComputeMarket, ConsentRegistry, DatasetToken, MemberClaims, ProvenanceLog,
};
use caduceus_vault::Vault;
use caduceus_vault::audit::{self as vault_audit, AuditError, Detail, Kind, Record};
use serde::{Deserialize, Serialize};

use crate::custodian::{self, Publication};
use crate::error::{NodeError, Result};
use crate::member::person_id;
use crate::node::Node;
use crate::party::{self, Party};

/// What an audit found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuditReport {
    /// Records whose hashes were checked.
    pub events: u64,
    /// Sealed datasets of which every byte was read and every hash computed anew.
    pub datasets: u64,
    /// True if nothing differs.
    pub verified: bool,
    /// The differences, each in a sentence.
    pub differences: Vec<String>,
}

/// The log file of a custodian's vault.
pub fn log_path(node: &Node, custodian: &Party) -> PathBuf {
    node.home().vault_dir(&custodian.name).join("audit.jsonl")
}

/// Verifies the log of every custodian of this home: its hash chain, its anchors on the ledger, and that every
/// dataset minted and every answer committed there has its record; and its vault: every sealed byte, against the Data NFT.
pub async fn verify(node: &Node) -> Result<AuditReport> {
    let mut report =
        AuditReport { events: 0, datasets: 0, verified: true, differences: Vec::new() };
    for custodian in party::custodians(node)? {
        let of_one = verify_custodian(node, &custodian).await?;
        report.events += of_one.events;
        report.datasets += of_one.datasets;
        let named = |text: String| format!("{}: {text}", custodian.name);
        report.differences.extend(of_one.differences.into_iter().map(named));
    }
    report.verified = report.differences.is_empty();
    Ok(report)
}

/// The same for one custodian: the log and the vault.
pub async fn verify_custodian(node: &Node, custodian: &Party) -> Result<AuditReport> {
    let path = log_path(node, custodian);
    // A log or a vault that cannot be read is this custodian's difference: the others are verified all the same.
    let (events, mut differences) = match verify_log(node, custodian, &path).await {
        Err(NodeError::Audit(_)) if !path.exists() => {
            let what = format!("{} is lost, and the ledger has anchors of it", path.display());
            (0, vec![what])
        }
        Err(NodeError::Audit(error)) => (0, vec![error.to_string()]),
        verified => verified?,
    };
    let (datasets, of_vault) = match verify_vault(node, custodian).await {
        Err(error @ (NodeError::Vault(_) | NodeError::Lost { .. })) => (0, vec![error.to_string()]),
        verified => verified?,
    };
    differences.extend(of_vault);
    match custodian::check_budget(node, custodian) {
        // A log that cannot be read was told of above.
        Err(NodeError::Audit(_)) => {}
        Err(
            error @ (NodeError::Damaged { .. } | NodeError::Lost { .. } | NodeError::Budget(_)),
        ) => {
            differences.push(error.to_string());
        }
        checked => checked?,
    }
    Ok(AuditReport { events, datasets, verified: differences.is_empty(), differences })
}

/// Verifies one log file, which may be a copy, as the log of `custodian`.
pub async fn verify_log(node: &Node, custodian: &Party, path: &Path) -> Result<(u64, Vec<String>)> {
    let topic = Some(custodian.address.into_word());
    let anchored = node.events::<ProvenanceLog::Anchored>(node.at.provenance_log, &[topic]).await?;
    let anchors: Vec<(u64, [u8; 32])> =
        anchored.iter().map(|anchor| (anchor.sequence, anchor.head.0)).collect();
    if anchors.is_empty() && !path.exists() {
        return Ok((0, missing(node, custodian, &[]).await?)); // a log that was never begun
    }
    match vault_audit::verify(path, &anchors) {
        Err(AuditError::Altered { difference, .. }) => Ok((0, vec![difference.to_string()])),
        Err(error) => Err(error.into()),
        Ok(verified) => {
            let records = vault_audit::read(path)?;
            let mut differences: Vec<String> =
                invented(node, custodian, &records).await?.into_iter().collect();
            differences.extend(missing(node, custodian, &records).await?);
            let anchored = anchors.iter().map(|(sequence, _)| *sequence).max().unwrap_or_default();
            differences.extend(unfollowed(node, custodian, &records, anchored).await?);
            Ok((verified.events, differences))
        }
    }
}

/// The first point at which a log and the ledger tell differently of consent to a custodian, or of its datasets that left the
/// pool. The log may be behind what was mined after its newest anchored record, and no further.
async fn unfollowed(
    node: &Node,
    custodian: &Party,
    records: &[Record],
    anchored: u64,
) -> Result<Option<String>> {
    let owed = custodian::owed(node, custodian).await?;
    let of_consent = owed.iter().filter(|one| one.kind != Kind::Withdrawn);
    let by_grant: BTreeMap<(bool, u64), &custodian::Owed> =
        of_consent.map(|one| ((one.kind == Kind::ConsentGranted, one.number), one)).collect();
    let told = |kind| matches!(kind, Kind::ConsentGranted | Kind::ConsentRevoked);
    for record in records.iter().filter(|record| told(record.kind)) {
        let Some(Detail::Number(grant)) = record.details.get("grant") else { continue };
        let key = u64::try_from(*grant).map(|grant| (record.kind == Kind::ConsentGranted, grant));
        let on_ledger = key.ok().and_then(|key| by_grant.get(&key));
        if !on_ledger.is_some_and(|one| one.is_told_by(record)) {
            let sequence = record.sequence;
            return Ok(Some(format!(
                "line {sequence} of the log, record {sequence}: it tells otherwise of grant {grant} than the ledger"
            )));
        }
    }
    let newest = records.iter().filter(|record| record.sequence <= anchored).map(|one| one.time);
    let newest = newest.max().unwrap_or_default();
    let mut missing = custodian::untold(owed, records);
    missing.retain(|one| one.time < newest);
    missing.sort_by_key(|one| one.time);
    let first = missing.first();
    Ok(first.map(|one| format!("{} is on the ledger and not in the log", one.in_words())))
}

/// Reads every sealed dataset of a custodian's vault, and holds it to its Data NFT. Gives how many are in order, and the
/// differences with their place.
async fn verify_vault(node: &Node, custodian: &Party) -> Result<(u64, Vec<String>)> {
    let publications = custodian::publications(node, custodian)?;
    let records = custodian::log_since(node, custodian, |_| true).unwrap_or_default();
    if publications.is_empty() && records.is_empty() {
        return Ok((0, Vec::new()));
    }
    let vault = custodian::vault(node, custodian)?;
    let mut datasets = 0;
    let mut differences = forgotten(&vault, &publications, &records)?;
    let token = DatasetToken::new(node.at.dataset_token, &node.provider);
    let consents = ConsentRegistry::new(node.at.consent_registry, &node.provider);
    let minted = minted(node, custodian).await?;
    let known = |dataset: &U256| {
        publications.iter().any(|publication| publication.dataset.map(U256::from) == Some(*dataset))
    };
    differences.extend(minted.iter().filter(|dataset| !known(dataset)).map(|dataset| {
        format!("dataset {dataset} is on the ledger and the home no longer knows it: an old copy of its journal was put back")
    }));
    for publication in publications {
        let cid = publication.cid.parse().map_err(|_| {
            NodeError::Chain(format!("{} is no content identifier", publication.cid))
        })?;
        let found = match vault.verify(&cid) {
            Ok(found) => found,
            Err(error) => {
                differences.push(format!("dataset {}: {error}", publication.cid));
                continue;
            }
        };
        datasets += 1;
        let Some(dataset) = publication.dataset else { continue };
        let id = U256::from(dataset);
        if !minted.contains(&id) {
            differences.push(format!(
                "dataset {dataset} is in the vault and not on the ledger: an old copy of one of them was put back"
            ));
            continue;
        }
        let on_ledger = token.dataset(id).call().await?;
        let posted = consents.consentRoot(id).call().await?;
        let standing = custodian::standing_root(&vault, &publication.cid)?;
        for (what, same) in [
            ("root of consent", posted.is_zero() || posted == standing),
            ("content hash", on_ledger.contentHash == publication.content_hash),
            ("table commitment", on_ledger.tableCommitment.0 == found.table_commitment),
            ("number of persons", on_ledger.personCount == found.persons + found.erased),
        ] {
            if !same {
                differences.push(format!(
                    "dataset {dataset}: its {what} in the vault is not the one on the ledger"
                ));
            }
        }
    }
    Ok((datasets, differences))
}

/// What the log tells of people's decisions and the vault no longer knows: an old copy that was put back.
fn forgotten(
    vault: &Vault,
    publications: &[Publication],
    records: &[Record],
) -> Result<Vec<String>> {
    let mut permitting = BTreeSet::new();
    let mut here: BTreeMap<String, &str> = BTreeMap::new();
    for receipt in vault.consents()? {
        let person = person_id(&receipt.pseudonym).to_string();
        if receipt.permit {
            permitting.insert(person.clone());
        }
        if !receipt.erased {
            here.insert(person, "the register of consent");
        }
    }
    for publication in publications {
        // What cannot be read is told of where every dataset is.
        let persons = vault.persons(&custodian::cid(&publication.cid)?).unwrap_or_default();
        let persons = persons.iter().map(|pseudonym| person_id(pseudonym).to_string());
        here.extend(persons.map(|person| (person, "the keys of a dataset")));
    }
    let mut differences = Vec::new();
    for record in records {
        let sequence = record.sequence;
        if let Some(where_found) = here.get(&record.subject).filter(|_| record.kind == Kind::Erased)
        {
            differences.push(format!(
                "record {sequence} of the log tells of an erasure, and {where_found} still has the person: an old copy was put back; erase them again"
            ));
        }
    }
    let revoked = custodian::revoked_on_paper(records);
    for record in revoked.filter(|record| permitting.contains(&record.subject)) {
        differences.push(format!(
            "record {} of the log tells of a withdrawal, and the register of consent permits: an old copy was put back; withdraw again",
            record.sequence
        ));
    }
    Ok(differences)
}

/// The datasets of a custodian that the ledger has.
async fn minted(node: &Node, custodian: &Party) -> Result<BTreeSet<U256>> {
    let topics = [None, Some(custodian.address.into_word())];
    let minted = node.events::<DatasetToken::DatasetMinted>(node.at.dataset_token, &topics).await?;
    Ok(minted.iter().map(|mint| mint.datasetId).collect())
}

/// The first record of a log that tells of a job or of a dataset of the custodian's that the ledger does not have.
async fn invented(node: &Node, custodian: &Party, records: &[Record]) -> Result<Option<String>> {
    let market = node.at.compute_market;
    let jobs = node.events::<ComputeMarket::JobRequested>(market, &[]).await?;
    let jobs: BTreeSet<U256> = jobs.iter().map(|job| job.jobId).collect();
    let minted = minted(node, custodian).await?;
    let unknown = |record: &Record, detail: &str, known: &BTreeSet<U256>| {
        let Some(Detail::Number(number)) = record.details.get(detail) else { return None };
        let there = u64::try_from(*number).is_ok_and(|number| known.contains(&U256::from(number)));
        (!there).then(|| {
            let at = record.sequence;
            format!(
                "record {at} of the log tells of {detail} {number}, which the ledger does not have"
            )
        })
    };
    let mut found = records.iter().filter_map(|record| match record.kind {
        Kind::Published => unknown(record, "dataset", &minted),
        _ => unknown(record, "job", &jobs),
    });
    Ok(found.next())
}

/// What the ledger shows of a custodian that its log does not, oldest first: datasets that were minted, answers that were
/// committed, settled or not, and payout roots. A vault writes the record of an answer or a root before it sends it.
async fn missing(node: &Node, custodian: &Party, records: &[Record]) -> Result<Vec<String>> {
    let of_kind = |kind: Kind| records.iter().filter(move |record| record.kind == kind);
    let published: Vec<&Detail> =
        of_kind(Kind::Published).filter_map(|record| record.details.get("dataset")).collect();
    let topic = Some(custodian.address.into_word());
    let token = node.at.dataset_token;
    let minted = node.placed_events::<DatasetToken::DatasetMinted>(token, &[None, topic]).await?;
    let own: BTreeSet<U256> = minted.iter().map(|(_, mint)| mint.datasetId).collect();
    let mut differences = Vec::new();
    for (place, mint) in &minted {
        let dataset = mint.datasetId;
        if !published.contains(&&Detail::Number(dataset.to::<i64>())) {
            let what = format!("dataset {dataset} is on the ledger and not in the log");
            differences.push((*place, what));
        }
    }
    let at = node.at.compute_market;
    let market = ComputeMarket::new(at, &node.provider);
    for (place, committed) in node.placed_events::<ComputeMarket::JobCommitted>(at, &[]).await? {
        let (job, hash) = (committed.jobId, committed.resultHash.to_string());
        let number = Detail::Number(job.to::<i64>());
        let told = of_kind(Kind::Answered)
            .any(|record| record.subject == hash && record.details.get("job") == Some(&number));
        if !told && own.contains(&market.job(job).call().await?.datasetId) {
            let what = format!(
                "the answer of job {job} was committed on the ledger and is not in the log"
            );
            differences.push((place, what));
        }
    }
    let claims = node.at.member_claims;
    for (place, posted) in node.placed_events::<MemberClaims::RootPosted>(claims, &[]).await? {
        let (dataset, root) = (posted.datasetId, posted.root.to_string());
        let number = Detail::Number(dataset.to::<i64>());
        let told = of_kind(Kind::PayoutRootPosted)
            .any(|record| record.subject == root && record.details.get("dataset") == Some(&number));
        if !told && own.contains(&dataset) {
            let what = format!(
                "a payout root of dataset {dataset} was posted on the ledger and is not in the log"
            );
            differences.push((place, what));
        }
    }
    differences.sort_by_key(|(place, _)| *place);
    Ok(differences.into_iter().map(|(_, what)| what).collect())
}

/// Copies a custodian's log, alters one byte in the middle of the copy, and verifies the copy.
///
/// Gives what was found, which is nothing only if the check is worthless.
pub async fn find_tampering(node: &Node, custodian: &Party) -> Result<Option<String>> {
    let original = log_path(node, custodian);
    let copy =
        node.home().dir().join("exchange").join(format!("tampered-{}.jsonl", custodian.name));
    let mut bytes =
        std::fs::read(&original).map_err(|error| NodeError::file("read", &original, error))?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    crate::home::write_atomically(&copy, &bytes)?;
    let (_, differences) = verify_log(node, custodian, &copy).await?;
    std::fs::remove_file(&copy).map_err(|error| NodeError::file("remove", &copy, error))?;
    Ok(differences.into_iter().next())
}
