//! What a vault's log says of the work of others: what attestors signed, what members granted and took back, and what else
//! the ledger shows.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::B256;
use caduceus_contracts::AttestationOracle::Proof;
use caduceus_contracts::ConsentRegistry::{ConsentGranted, ConsentRevoked};
use caduceus_contracts::HealthDataPool::Withdrawn;
use caduceus_vault::audit::{self, Detail, Kind, Record};

use super::{Standing, note, number};
use crate::audit::log_path;
use crate::error::Result;
use crate::node::{Node, Place};
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

/// The detail of a record by which a person's consent on paper began to count or ceased to.
const ON_PAPER: &str = "on_paper";
/// The detail that says up to when a refusal on paper ends what the person granted on the ledger, in seconds since 1970.
const UNTIL: &str = "until";

/// What became of somebody's consent on paper.
#[derive(Clone, Copy)]
pub(crate) enum OnPaper {
    /// It permits use from now on.
    Permits,
    /// It permits it no longer.
    Refuses {
        /// What the person granted on the ledger up to this moment, in seconds since 1970, ends with it; none where the ledger
        /// itself tells what ended.
        until: Option<u64>,
    },
}

/// Notes that what a custodian holds on paper permits the use of a person's records from now on, or no longer does.
pub(crate) async fn note_on_paper(
    node: &Node,
    custodian: &Party,
    person: B256,
    word: OnPaper,
) -> Result<()> {
    let (kind, text, until) = match word {
        OnPaper::Permits => (Kind::ConsentGranted, "permits", None),
        OnPaper::Refuses { until } => (Kind::ConsentRevoked, "refuses", until),
    };
    let mut details = vec![(ON_PAPER, Detail::from(text))];
    details.extend(until.map(|until| (UNTIL, number(until))));
    note(node, custodian, kind, &person.to_string(), &details).await
}

/// Up to when what people granted on the ledger does not count, in seconds since 1970, because they refused on paper since and
/// no paper permits again.
pub(crate) fn refused_until(records: &[Record]) -> BTreeMap<B256, u64> {
    let mut refused: BTreeMap<B256, u64> = BTreeMap::new();
    for record in records.iter().filter(|record| record.details.contains_key(ON_PAPER)) {
        let Ok(person) = record.subject.parse() else { continue };
        match (record.kind, record.details.get(UNTIL)) {
            (Kind::ConsentGranted, _) => drop(refused.remove(&person)),
            (_, Some(Detail::Number(until))) => {
                let until = u64::try_from(*until).unwrap_or_default();
                refused
                    .entry(person)
                    .and_modify(|known| *known = until.max(*known))
                    .or_insert(until);
            }
            _ => {}
        }
    }
    refused
}

/// Of each person of whose paper the log's newest word is that it permits no longer, that word.
pub(crate) fn revoked_on_paper(records: &[Record]) -> impl Iterator<Item = &Record> {
    let mut newest: BTreeMap<&str, &Record> = BTreeMap::new();
    for record in records.iter().filter(|record| record.details.contains_key(ON_PAPER)) {
        newest.insert(&record.subject, record);
    }
    newest.into_values().filter(|record| record.kind == Kind::ConsentRevoked)
}

/// Something that the ledger shows and a custodian's log must tell of.
pub(crate) struct Owed {
    pub(crate) kind: Kind,
    /// The grant, or the dataset.
    pub(crate) number: u64,
    pub(crate) subject: String,
    /// The hash of the document that was agreed to.
    pub(crate) document: Option<String>,
    /// When it was mined, in seconds since 1970.
    pub(crate) time: u64,
}

impl Owed {
    /// As people call it.
    pub(crate) fn in_words(&self) -> String {
        match self.kind {
            Kind::ConsentGranted => format!("grant {}", self.number),
            Kind::ConsentRevoked => format!("the withdrawal of grant {}", self.number),
            _ => format!("the withdrawal of dataset {} from the pool", self.number),
        }
    }

    /// Whether a record tells of it.
    pub(crate) fn is_told_by(&self, record: &Record) -> bool {
        let numbered = match self.kind {
            Kind::Withdrawn => true,
            _ => record.details.get("grant") == Some(&number(self.number)),
        };
        let document = self.document.as_ref().is_none_or(|document| {
            record.details.get("document") == Some(&Detail::Text(document.clone()))
        });
        record.kind == self.kind && record.subject == self.subject && numbered && document
    }
}

/// All that the ledger shows of consent to a custodian and of its datasets that left the pool, by kind, each oldest first.
pub(crate) async fn owed(node: &Node, custodian: &Party) -> Result<Vec<Owed>> {
    let topics = [None, Some(custodian.address.into_word())];
    let registry = node.at.consent_registry;
    let (mut all, mut times) = (Vec::new(), BTreeMap::new());
    let mut people = BTreeMap::new();
    for (place, event) in node.placed_events::<ConsentGranted>(registry, &topics).await? {
        people.insert(event.grantId, event.personId);
        all.push(Owed {
            kind: Kind::ConsentGranted,
            number: event.grantId.to(),
            subject: event.personId.to_string(),
            document: Some(event.terms.documentHash.to_string()),
            time: time(node, &mut times, place).await?,
        });
    }
    for (place, event) in node.placed_events::<ConsentRevoked>(registry, &topics).await? {
        all.push(Owed {
            kind: Kind::ConsentRevoked,
            number: event.grantId.to(),
            subject: people.get(&event.grantId).map(B256::to_string).unwrap_or_default(),
            document: None,
            time: time(node, &mut times, place).await?,
        });
    }
    let pool = node.at.health_data_pool;
    for (place, event) in node.placed_events::<Withdrawn>(pool, &topics).await? {
        let dataset: u64 = event.datasetId.to();
        all.push(Owed {
            kind: Kind::Withdrawn,
            number: dataset,
            subject: format!("dataset/{dataset}"),
            document: None,
            time: time(node, &mut times, place).await?,
        });
    }
    Ok(all)
}

/// Whose no the ledger tells: the moment, in seconds since 1970, at which somebody's membership ended or their last grant did.
pub(crate) async fn gone(node: &Node, custodian: &Party) -> Result<BTreeMap<B256, u64>> {
    let standing = Standing::read(&node.provider, &node.at, custodian.address).await?;
    let (mut gone, mut times) = (BTreeMap::new(), BTreeMap::new());
    for (person, place) in standing.gone() {
        gone.insert(person, time(node, &mut times, place).await?);
    }
    Ok(gone)
}

async fn time(node: &Node, known: &mut BTreeMap<u64, u64>, place: Place) -> Result<u64> {
    if let Some(time) = known.get(&place.block) {
        return Ok(*time);
    }
    let time = node.time_of(place).await?;
    known.insert(place.block, time);
    Ok(time)
}

/// What of `owed` no record tells of. A dataset can leave more than once, and has a record for each time.
pub(crate) fn untold(owed: Vec<Owed>, records: &[Record]) -> Vec<Owed> {
    let mut left = BTreeMap::new();
    for record in records.iter().filter(|record| record.kind == Kind::Withdrawn) {
        *left.entry(record.subject.clone()).or_insert(0_u64) += 1;
    }
    let told: BTreeSet<(bool, u64)> = records
        .iter()
        .filter_map(|record| match (record.kind, record.details.get("grant")) {
            (Kind::ConsentGranted, Some(Detail::Number(grant))) => Some((true, *grant)),
            (Kind::ConsentRevoked, Some(Detail::Number(grant))) => Some((false, *grant)),
            _ => None,
        })
        .filter_map(|(given, grant)| Some((given, u64::try_from(grant).ok()?)))
        .collect();
    let is_untold = |one: &Owed| match (one.kind, left.get_mut(&one.subject)) {
        (Kind::Withdrawn, Some(count)) if *count > 0 => {
            *count -= 1;
            false
        }
        (Kind::Withdrawn, _) => true,
        (kind, _) => !told.contains(&(kind == Kind::ConsentGranted, one.number)),
    };
    let mut owed = owed;
    let mut is_untold = is_untold;
    owed.retain(|one| is_untold(one));
    owed
}

/// Brings a custodian's log up to the ledger: grants, withdrawals of consent, and datasets that left the pool, however they
/// came there. So nothing is forgotten of which a kill left only the transaction.
pub(crate) async fn note_ledger(node: &Node, custodian: &Party) -> Result<()> {
    let owed = owed(node, custodian).await?;
    if owed.is_empty() {
        return Ok(());
    }
    let path = log_path(node, custodian);
    let records = if path.exists() { audit::read(&path)? } else { Vec::new() };
    for one in untold(owed, &records) {
        let grant = || ("grant", number(one.number));
        let details = match (one.kind, one.document) {
            (Kind::Withdrawn, _) => Vec::new(),
            (_, Some(document)) => vec![grant(), ("document", Detail::Text(document))],
            (_, None) => vec![grant()],
        };
        note(node, custodian, one.kind, &one.subject, &details).await?;
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
