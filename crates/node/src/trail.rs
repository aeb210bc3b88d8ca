//! Who used which data when, for what, under which consent, and what it paid: from the ledger's events, with the place
//! of each use in the vault's log.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, U256};
use caduceus_contracts::ComputeMarket::{JobCommitted, JobRequested};
use caduceus_contracts::ConsentRegistry::{ConsentGranted, ConsentRevoked};
use caduceus_contracts::ProvenanceLog::AccessRecorded;
use caduceus_contracts::{DatasetToken, MembershipToken, ParticipantRegistry};
use caduceus_policy::consent::{Party as Account, Use, permits};
use caduceus_policy::{Country, DataClass, Purpose};
pub use caduceus_vault::audit::Detail;
use caduceus_vault::audit::{self as vault_audit, Kind, Record};
use serde::Serialize;

use crate::audit::log_path;
use crate::consents;
use crate::custodian::{self, EXPLICIT, Publication, publications};
use crate::error::{NodeError, Result};
use crate::member::{Member, person_id};
use crate::node::{Node, Place};
use crate::party::{self, Party, Role};

/// Which uses are asked for.
#[derive(Clone, Debug)]
pub enum Of {
    /// Those of a dataset, by its number.
    Dataset(u64),
    /// Those that a person's consent covered.
    Person(Person),
    /// Those by a researcher.
    Researcher(Party),
}

/// Somebody whose records a custodian of this home holds, a member or not.
#[derive(Clone, Debug)]
pub struct Person {
    custodian: Party,
    /// The identifier that stands for them on the ledger.
    id: B256,
}

impl Person {
    /// A member of this home.
    ///
    /// # Errors
    /// [`NodeError::Unknown`] where their custodian is of another home.
    pub fn member(node: &Node, member: &Member) -> Result<Person> {
        let custodian = party::find(node, Role::Custodian, &member.custodian)?;
        Ok(Person { custodian, id: member.person })
    }

    /// A patient who need not be one, by the id that the custodian's records have.
    ///
    /// # Errors
    /// [`NodeError::NotReady`] where the vault has no record of them.
    pub fn patient(node: &Node, custodian: &str, patient: &str) -> Result<Person> {
        let custodian = party::find(node, Role::Custodian, custodian)?;
        let id = person_id(&custodian::receipt_of(node, &custodian, patient)?.pseudonym);
        Ok(Person { custodian, id })
    }
}

/// One use: an answer that left a vault.
#[derive(Clone, Debug, Serialize)]
pub struct Access {
    /// The job.
    pub job: u64,
    /// The dataset.
    pub dataset: u64,
    /// Who holds it.
    pub custodian: String,
    /// Who got the answer, if it is a party of this home.
    pub researcher: Option<String>,
    /// The account that got the answer.
    pub account: Address,
    /// From where.
    pub country: String,
    /// For what: GA4GH DUO or HL7 PurposeOfUse.
    pub purpose: String,
    /// Under which licence.
    pub pass: u64,
    /// When the answer was released (RFC 3339).
    pub at: String,
    /// In which block.
    pub block: u64,
    /// The privacy cost, epsilon x 1000.
    pub epsilon_milli: u32,
    /// The custodian's count of changes of consent under which it was computed.
    pub consent_counter: u64,
    /// The record of the answer in the vault's log; none where this home does not have the log.
    pub log_record: Option<u64>,
    /// Of a person: what it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub under: Option<Basis>,
}

/// What a use of a person's data rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// A grant on the ledger, by its number.
    Grant(u64),
    /// The consent at the custodian: of who never joined, or had not yet.
    Paper,
}

/// What a person can hold on to: every use, and every payment.
#[derive(Clone, Debug, Serialize)]
pub struct Receipts {
    /// The member; none of who is not one here.
    pub member: Option<String>,
    /// Every use that counted their rows, oldest first.
    pub uses: Vec<Access>,
    /// Every payment for them, oldest first.
    pub payments: Vec<Payment>,
    /// The records of what was given to others than researchers, such as attestors, and may hold their rows.
    pub released: Vec<LogRecord>,
    /// The sum of the payments, USDC units of 1e-6.
    pub total: u64,
}

/// What a payment brought a member.
#[derive(Clone, Debug, Serialize)]
pub struct Payment {
    /// When (RFC 3339).
    pub at: String,
    /// For the use of which dataset.
    pub dataset: u64,
    /// For which answer; none for a part of a licence's price.
    pub job: Option<u64>,
    /// USDC units of 1e-6.
    pub amount: u64,
}

/// A grant's life on the ledger.
struct Life {
    id: u64,
    granted: Place,
    /// When that was, in seconds since 1970.
    time: u64,
    revoked: Option<Place>,
    terms: caduceus_policy::consent::Grant,
}

/// A record of a vault's log that bears on what is asked for.
#[derive(Clone, Debug, Serialize)]
pub struct LogRecord {
    /// Whose log.
    pub custodian: String,
    /// Its number there.
    pub record: u64,
    /// When (RFC 3339).
    pub at: String,
    /// What happened.
    pub kind: Kind,
    /// What it happened to.
    pub subject: String,
    /// What else is to be known.
    pub details: BTreeMap<String, Detail>,
}

/// The records in the logs of this home that bear on what is asked for, oldest first in each log.
pub async fn records(node: &Node, of: &Of) -> Result<Vec<LogRecord>> {
    let topics = match of {
        Of::Dataset(dataset) => vec![None, Some(B256::from(U256::from(*dataset)))],
        Of::Researcher(party) => vec![None, None, Some(party.address.into_word())],
        Of::Person(_) => Vec::new(),
    };
    let jobs: BTreeSet<u64> = match of {
        Of::Person(_) => BTreeSet::new(),
        _ => {
            let asked = node.events::<JobRequested>(node.at.compute_market, &topics).await?;
            asked.into_iter().map(|event| event.jobId.to()).collect()
        }
    };
    let mut found = Vec::new();
    for custodian in party::custodians(node)? {
        let path = log_path(node, &custodian);
        if !path.exists() {
            continue;
        }
        let subjects = subjects(node, &custodian, of)?;
        let released = released(node, &custodian, of)?;
        let records = vault_audit::read(&path)?;
        let paper = match of {
            Of::Person(person) => Some(Paper::of(person, &records)),
            Of::Dataset(_) | Of::Researcher(_) => None,
        };
        let bears = |one: &&Record| {
            // Files were written of those alone whose paper permitted it.
            let concerns = one.subject != custodian::EXPORTED
                || paper.as_ref().is_none_or(|paper| paper.permits_at(one.sequence));
            let given = one.kind == Kind::Released && released.contains(&one.subject);
            (given && concerns) || bears_on(one, of, &jobs, &subjects)
        };
        found.extend(records.iter().filter(bears).map(|one| {
            let mut details = one.details.clone();
            details.remove("salt");
            LogRecord {
                custodian: custodian.name.clone(),
                record: one.sequence,
                at: caduceus_contracts::words::date(one.time),
                kind: one.kind,
                subject: one.subject.clone(),
                details,
            }
        }));
    }
    Ok(found)
}

/// What records about a dataset or a person are about. The grants, withdrawals and erasures of a dataset's people bear on it.
fn subjects(node: &Node, custodian: &Party, of: &Of) -> Result<BTreeSet<String>> {
    match of {
        Of::Dataset(dataset) => {
            let vault = custodian::vault(node, custodian)?;
            let mut subjects = BTreeSet::new();
            for one in publications(node, custodian)? {
                if one.dataset == Some(*dataset) {
                    let people = custodian::people(&vault, &one)?;
                    subjects.extend(people.iter().map(B256::to_string));
                    let named = format!("dataset/{dataset}");
                    subjects.extend([one.cid, one.content_hash.to_string(), named]);
                }
            }
            Ok(subjects)
        }
        Of::Person(person) => Ok([person.id.to_string()].into()),
        Of::Researcher(_) => Ok(BTreeSet::new()),
    }
}

/// What records of releases are about that may hold rows of a dataset or a person: sealed datasets, and what a custodian wrote
/// into files.
fn released(node: &Node, custodian: &Party, of: &Of) -> Result<BTreeSet<String>> {
    let mut found: BTreeSet<String> = match of {
        Of::Researcher(_) => BTreeSet::new(),
        Of::Person(person) => publications_with(node, custodian, person)?
            .into_iter()
            .map(|publication| publication.cid)
            .collect(),
        Of::Dataset(dataset) => publications(node, custodian)?
            .into_iter()
            .filter(|publication| publication.dataset == Some(*dataset))
            .map(|publication| publication.cid)
            .collect(),
    };
    if !found.is_empty() {
        found.insert(custodian::EXPORTED.to_owned());
    }
    Ok(found)
}

/// What a custodian published with rows of a person.
fn publications_with(node: &Node, custodian: &Party, person: &Person) -> Result<Vec<Publication>> {
    if *custodian != person.custodian {
        return Ok(Vec::new());
    }
    let vault = custodian::vault(node, custodian)?;
    let mut found = Vec::new();
    for publication in publications(node, custodian)? {
        if custodian::people(&vault, &publication)?.contains(&person.id) {
            found.push(publication);
        }
    }
    Ok(found)
}

fn bears_on(record: &Record, of: &Of, jobs: &BTreeSet<u64>, subjects: &BTreeSet<String>) -> bool {
    let number = |name: &str| match record.details.get(name) {
        Some(Detail::Number(number)) => u64::try_from(*number).ok(),
        _ => None,
    };
    let text = |name: &str| match record.details.get(name) {
        Some(Detail::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let job = match text("statement") {
        Some("DELIVERY") => jobs.iter().copied().find(|job| numbered(*job) == record.subject),
        _ => number("job"),
    };
    if let Some(job) = job {
        return jobs.contains(&job);
    }
    let of_dataset = match of {
        Of::Dataset(dataset) => {
            let named =
                matches!(text("statement"), Some("VALUE" | "CONTRIBUTION" | "FEATURES" | "USE"))
                    && record.subject == numbered(*dataset);
            named || number("dataset") == Some(*dataset)
        }
        _ => false,
    };
    of_dataset
        || subjects.contains(&record.subject)
        || text("cid").is_some_and(|cid| subjects.contains(cid))
}

/// A number as attestations have it for a subject.
fn numbered(number: u64) -> String {
    B256::from(U256::from(number)).to_string()
}

/// The uses that are asked for, oldest first.
pub async fn accesses(node: &Node, of: &Of) -> Result<Vec<Access>> {
    Ok(placed(node, of).await?.into_iter().map(|(_, access)| access).collect())
}

async fn placed(node: &Node, of: &Of) -> Result<Vec<(Place, Access)>> {
    let topics = match of {
        Of::Dataset(dataset) => vec![Some(B256::from(U256::from(*dataset)))],
        Of::Researcher(party) => vec![None, Some(party.address.into_word())],
        Of::Person(_) => Vec::new(),
    };
    let log = node.at.provenance_log;
    let recorded = node.placed_events::<AccessRecorded>(log, &topics).await?;
    let market = node.at.compute_market;
    let committed: BTreeMap<U256, (Place, JobCommitted)> = node
        .placed_events::<JobCommitted>(market, &[])
        .await?
        .into_iter()
        .map(|(place, event)| (event.jobId, (place, event)))
        .collect();
    let own = match of {
        Of::Person(person) => Some(Own::read(node, person).await?),
        _ => None,
    };
    let parties = party::parties(node)?;
    let records = answers_in_logs(node)?;
    let mut found = Vec::new();
    for (place, event) in recorded {
        let Some((computed, commitment)) = committed.get(&event.jobId) else { continue };
        let dataset: u64 = event.datasetId.to();
        let registry = ParticipantRegistry::new(node.at.participant_registry, &node.provider);
        let country = registry.participant(event.researcher).call().await?.jurisdiction;
        let record = records.get(&commitment.resultHash.to_string());
        let under = match &own {
            None => None,
            Some(own) => match own.basis(node, *computed, record, &event, country.0).await? {
                None => continue,
                basis => basis,
            },
        };
        let name = |account: Address| {
            parties.iter().find(|party| party.address == account).map(|party| party.name.clone())
        };
        let holder = DatasetToken::new(node.at.dataset_token, &node.provider);
        let holder = holder.dataset(event.datasetId).call().await?.custodian;
        found.push((
            place,
            Access {
                job: event.jobId.to(),
                dataset,
                custodian: name(holder).unwrap_or_else(|| holder.to_string()),
                researcher: name(event.researcher),
                account: event.researcher,
                country: String::from_utf8_lossy(country.as_slice()).into_owned(),
                purpose: Purpose::from_number(event.purpose)
                    .map_or_else(|| event.purpose.to_string(), |purpose| purpose.to_string()),
                pass: event.passId.to(),
                at: caduceus_contracts::words::date(node.time_of(place).await?),
                block: place.block,
                epsilon_milli: commitment.spentEpsilonMilli,
                consent_counter: commitment.consentCounter,
                log_record: record.map(|record| record.sequence),
                under,
            },
        ));
    }
    Ok(found)
}

/// The records of answers in the logs of this home, by the hash of the answer.
fn answers_in_logs(node: &Node) -> Result<BTreeMap<String, Record>> {
    let mut records = BTreeMap::new();
    for custodian in party::custodians(node)? {
        let path = log_path(node, &custodian);
        if path.exists() {
            let answered =
                vault_audit::read(&path)?.into_iter().filter(|one| one.kind == Kind::Answered);
            records.extend(answered.map(|record| (record.subject.clone(), record)));
        }
    }
    Ok(records)
}

/// What is known of one person.
struct Own {
    custodian: Party,
    /// The datasets that hold their rows.
    datasets: BTreeSet<u64>,
    joined: Option<Place>,
    /// What they granted with any account that they held.
    grants: Vec<Life>,
    paper: Paper,
}

/// What a custodian's log tells of a person's consent on paper, by the numbers of its records.
struct Paper {
    words: Vec<Record>,
}

impl Paper {
    fn of(person: &Person, records: &[Record]) -> Paper {
        let subject = person.id.to_string();
        let words = records.iter().filter(|record| record.subject == subject);
        Paper { words: words.cloned().collect() }
    }

    /// Whether it permitted use when a record was written. Whose rows were sealed permitted it in the beginning.
    fn permits_at(&self, record: u64) -> bool {
        let before: Vec<Record> = self.until(record);
        custodian::revoked_on_paper(&before).next().is_none()
    }

    /// Up to when what they had granted on the ledger had ended by it when a record was written, in seconds since 1970.
    fn refused_until(&self, record: u64) -> Option<u64> {
        custodian::refused_until(&self.until(record)).into_values().next()
    }

    fn until(&self, record: u64) -> Vec<Record> {
        self.words.iter().filter(|word| word.sequence < record).cloned().collect()
    }
}

impl Own {
    async fn read(node: &Node, person: &Person) -> Result<Own> {
        let custodian = person.custodian.clone();
        let datasets = publications_with(node, &custodian, person)?;
        let datasets = datasets.into_iter().filter_map(|publication| publication.dataset).collect();
        let token = node.at.membership_token;
        let joins = node.placed_events::<MembershipToken::MemberJoined>(token, &[]).await?;
        let joins: Vec<_> =
            joins.into_iter().filter(|(_, event)| event.personId == person.id).collect();
        let accounts: BTreeSet<Address> = joins.iter().map(|(_, event)| event.member).collect();
        let registry = node.at.consent_registry;
        let mut grants = Vec::new();
        for account in accounts {
            let topics = [Some(account.into_word()), Some(custodian.address.into_word())];
            for (granted, event) in node.placed_events::<ConsentGranted>(registry, &topics).await? {
                let terms = consents::of_ledger(&event.terms)?;
                let time = node.time_of(granted).await?;
                grants.push(Life { id: event.grantId.to(), granted, time, revoked: None, terms });
            }
            for (place, event) in node.placed_events::<ConsentRevoked>(registry, &topics).await? {
                let ended = grants.iter_mut().filter(|grant| U256::from(grant.id) == event.grantId);
                ended.for_each(|grant| grant.revoked = Some(place));
            }
        }
        let path = log_path(node, &custodian);
        let records = if path.exists() { vault_audit::read(&path)? } else { Vec::new() };
        let paper = Paper::of(person, &records);
        let joined = joins.into_iter().map(|(place, _)| place).min();
        Ok(Own { custodian, datasets, joined, grants, paper })
    }

    /// What a use that was computed at a place rests on; none where it did not count the person. The answer's own `record` in the
    /// vault's log tells what their paper said then.
    async fn basis(
        &self,
        node: &Node,
        computed: Place,
        record: Option<&Record>,
        event: &AccessRecorded,
        country: [u8; 2],
    ) -> Result<Option<Basis>> {
        if !self.datasets.contains(&event.datasetId.to()) {
            return Ok(None);
        }
        let explicit = record.is_some_and(|record| record.details.contains_key(EXPLICIT));
        let sequence = record.map_or(u64::MAX, |record| record.sequence);
        if self.joined.is_none_or(|joined| computed < joined) {
            return Ok((!explicit && self.paper.permits_at(sequence)).then_some(Basis::Paper));
        }
        let refused = self.paper.refused_until(sequence);
        let token = DatasetToken::new(node.at.dataset_token, &node.provider);
        let class = token.dataset(event.datasetId).call().await?.dataClass;
        let codes = DataClass::from_number(class)
            .zip(Purpose::from_number(event.purpose))
            .zip(Country::from_bytes(country));
        let Some(((class, purpose), country)) = codes else { return Ok(None) };
        let asked = Use {
            custodian: Account(self.custodian.address.into_array()),
            grantee: Account(event.researcher.into_array()),
            // The ledger asked the registry before it accepted the job.
            in_good_standing: true,
            class,
            purpose,
            country,
        };
        let time = node.time_of(computed).await?;
        let covering = self.grants.iter().find(|grant| {
            grant.granted < computed
                && refused.is_none_or(|until| grant.time > until)
                && grant.revoked.is_none_or(|revoked| computed < revoked)
                && (!explicit || grant.terms.jurisdictions.names(node.rules, country))
                && permits(node.rules, std::slice::from_ref(&grant.terms), &asked, time).is_ok()
        });
        Ok(covering.map(|grant| Basis::Grant(grant.id)))
    }
}

/// Every use of a person's data, and every payment for it that a member got. `name` is the member's.
pub async fn receipts(node: &Node, person: &Person, name: Option<&str>) -> Result<Receipts> {
    let of = Of::Person(person.clone());
    let uses = placed(node, &of).await?;
    let custodian = &person.custodian;
    let vault = custodian::vault(node, custodian)?;
    custodian::settle(node, custodian, &vault).await?;
    let mut payments = Vec::new();
    for publication in publications(node, custodian)? {
        let Some(dataset) = publication.dataset else { continue };
        for (place, amount) in custodian::payments_of(&vault, dataset, person.id)? {
            // A payment stands in the same transaction as the access that it pays for, behind it.
            let job = uses.iter().rev().find(|(used, access)| {
                access.dataset == dataset && used.block == place.block && *used < place
            });
            let at = caduceus_contracts::words::date(node.time_of(place).await?);
            let job = job.map(|(_, access)| access.job);
            payments.push((place, Payment { at, dataset, job, amount }));
        }
    }
    payments.sort_by_key(|(place, _)| *place);
    let payments: Vec<Payment> = payments.into_iter().map(|(_, payment)| payment).collect();
    let total = payments.iter().try_fold(0_u64, |sum, payment| sum.checked_add(payment.amount));
    drop(vault);
    let mut released = records(node, &of).await?;
    released.retain(|record| record.kind == Kind::Released);
    Ok(Receipts {
        member: name.map(str::to_owned),
        released,
        uses: uses.into_iter().map(|(_, access)| access).collect(),
        payments,
        total: total.ok_or_else(|| NodeError::Chain("the payments do not add up".into()))?,
    })
}
