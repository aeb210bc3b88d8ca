//! Breaches of personal data: recorded in the custodian's log, anchored on the ledger, with the clock of GDPR Art. 33.
//!
//! The log holds when the custodian became aware, the deadline, and a hash of the description; the description itself,
//! which may say more than a log should, lies sealed in the vault.

use alloy::primitives::keccak256;
use caduceus_contracts::ProvenanceLog;
use caduceus_vault::audit::{self as vault_audit, Detail, Kind, Record};
use serde::Serialize;

use crate::audit::log_path;
use crate::custodian::{self, anchor, note, number};
use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::party::{self, Party, Role};

/// From becoming aware to notifying the supervisory authority, in seconds: 72 hours (GDPR and UK GDPR Art. 33(1)).
pub const CLOCK: u64 = 72 * 3_600;

/// What is known of a breach when it is reported.
#[derive(Clone, Debug, Default)]
pub struct NewBreach {
    /// What happened, for the custodian and the authority.
    pub what: String,
    /// The dataset, if it is one.
    pub dataset: Option<u64>,
    /// About how many persons, if that is known.
    pub persons: Option<u64>,
    /// When the custodian became aware (RFC 3339); now if left out.
    pub aware: Option<String>,
}

/// A breach and its clock.
#[derive(Clone, Debug, Serialize)]
pub struct Breach {
    /// The custodian.
    pub custodian: String,
    /// Counted from 1 for each custodian.
    pub breach: u64,
    /// What happened, as it was reported.
    pub what: Option<String>,
    /// The dataset, if it is one.
    pub dataset: Option<u64>,
    /// About how many persons.
    pub persons: Option<u64>,
    /// When the custodian became aware (RFC 3339).
    pub aware: String,
    /// Until when the authority must be told (RFC 3339).
    pub deadline: String,
    /// Seconds until the deadline, negative once it has passed; none once the authority was told.
    pub remaining_seconds: Option<i64>,
    /// When the authority was told (RFC 3339).
    pub notified: Option<String>,
    /// Whether the deadline passed before.
    pub late: bool,
    /// The record in the log.
    pub record: u64,
    /// Whether the ledger holds a head of the log that covers the record.
    pub anchored: bool,
    /// The duty.
    pub law: &'static str,
}

/// Records a breach, starts its clock and anchors the record.
pub async fn report(node: &Node, custodian: &str, new: &NewBreach) -> Result<Breach> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let now = node.now().await?;
    let aware = match &new.aware {
        None => now,
        Some(text) => moment(text)?,
    };
    if aware > now {
        return Err(NodeError::Usage(format!(
            "nobody became aware at {}, which is still to come; give a time that has passed",
            new.aware.as_deref().unwrap_or_default()
        )));
    }
    if new.what.trim().is_empty() {
        return Err(NodeError::Usage("say in --what what happened".into()));
    }
    if let Some(dataset) = new.dataset {
        let holder = custodian::custodian_of(node, dataset)?;
        if holder.name != custodian.name {
            return Err(NodeError::Usage(format!(
                "dataset {dataset} is held by {}, not by {}",
                holder.name, custodian.name
            )));
        }
    }
    let known = records(node, &custodian)?;
    let number_of = known.iter().filter(|record| record.kind == Kind::BreachReported).count() + 1;
    let subject = format!("breach/{number_of}");
    custodian::seal_document(node, &custodian, &document(&subject), new.what.as_bytes())?;
    let mut details = vec![
        ("aware", number(aware)),
        ("deadline", number(aware.saturating_add(CLOCK))),
        ("what", Detail::Text(keccak256(new.what.as_bytes()).to_string())),
    ];
    details.extend(new.dataset.map(|dataset| ("dataset", number(dataset))));
    details.extend(new.persons.map(|persons| ("persons", number(persons))));
    note(node, &custodian, Kind::BreachReported, &subject, &details).await?;
    anchor(node, &custodian).await?;
    of(node, &custodian, number_of as u64).await
}

/// Records that the supervisory authority was told of a breach, which stops its clock.
pub async fn notified(
    node: &Node,
    custodian: &str,
    breach: u64,
    reference: &str,
) -> Result<Breach> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let before = of(node, &custodian, breach).await?;
    if before.notified.is_none() {
        let hash = Detail::Text(keccak256(reference.as_bytes()).to_string());
        let subject = format!("breach/{breach}");
        note(node, &custodian, Kind::BreachNotified, &subject, &[("reference", hash)]).await?;
    }
    anchor(node, &custodian).await?;
    of(node, &custodian, breach).await
}

/// Every breach of this home's custodians, or of one of them.
pub async fn list(node: &Node, custodian: Option<&str>) -> Result<Vec<Breach>> {
    let custodians = match custodian {
        Some(name) => vec![party::find(node, Role::Custodian, name)?],
        None => party::custodians(node)?,
    };
    let mut all = Vec::new();
    for custodian in custodians {
        all.extend(of_custodian(node, &custodian).await?);
    }
    Ok(all)
}

async fn of(node: &Node, custodian: &Party, breach: u64) -> Result<Breach> {
    let all = of_custodian(node, custodian).await?;
    let known: Vec<String> = all.iter().map(|one| one.breach.to_string()).collect();
    let found = all.into_iter().find(|one| one.breach == breach);
    found.ok_or_else(|| {
        NodeError::unknown("breach", &breach.to_string(), known.iter().map(String::as_str))
    })
}

async fn of_custodian(node: &Node, custodian: &Party) -> Result<Vec<Breach>> {
    let records = records(node, custodian)?;
    let now = node.now().await?;
    let log = ProvenanceLog::new(node.at.provenance_log, &node.provider);
    let anchored = log.head(custodian.address).call().await?.sequence;
    let mut all = Vec::new();
    for record in records.iter().filter(|record| record.kind == Kind::BreachReported) {
        let told = records
            .iter()
            .find(|later| later.kind == Kind::BreachNotified && later.subject == record.subject);
        let what = custodian::sealed_document(node, custodian, &document(&record.subject))?;
        let deadline = detail(record, "deadline").unwrap_or_default();
        let left = i64::try_from(deadline).unwrap_or(i64::MAX) - i64::try_from(now).unwrap_or(0);
        let date = caduceus_contracts::words::date;
        all.push(Breach {
            custodian: custodian.name.clone(),
            breach: all.len() as u64 + 1,
            what: what.and_then(|text| String::from_utf8(text).ok()),
            dataset: detail(record, "dataset"),
            persons: detail(record, "persons"),
            aware: date(detail(record, "aware").unwrap_or_default()),
            deadline: date(deadline),
            remaining_seconds: told.is_none().then_some(left),
            notified: told.map(|told| date(told.time)),
            late: told.map_or(now, |told| told.time) > deadline,
            record: record.sequence,
            anchored: anchored >= record.sequence,
            law: "GDPR Art. 33(1)",
        });
    }
    Ok(all)
}

fn records(node: &Node, custodian: &Party) -> Result<Vec<Record>> {
    let path = log_path(node, custodian);
    if path.exists() { Ok(vault_audit::read(&path)?) } else { Ok(Vec::new()) }
}

fn detail(record: &Record, name: &str) -> Option<u64> {
    match record.details.get(name) {
        Some(Detail::Number(number)) => u64::try_from(*number).ok(),
        _ => None,
    }
}

fn document(subject: &str) -> String {
    subject.replace('/', "-")
}

fn moment(text: &str) -> Result<u64> {
    let moment = chrono::DateTime::parse_from_rfc3339(text).ok();
    moment.and_then(|moment| u64::try_from(moment.timestamp()).ok()).ok_or_else(|| {
        NodeError::Usage(format!(
            "`{text}` is no moment: write it as in 2026-04-01T12:00:00Z (RFC 3339)"
        ))
    })
}
