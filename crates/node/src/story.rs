//! The story: one record's whole way, told in ten steps over the same functions that the commands use.
//!
//! Every step is recorded when it is done, and what it does on the ledger is done once. A story that was cut off
//! goes on where it stopped.

mod ethics;
mod modules;
mod sources;

use std::collections::BTreeMap;
use std::time::Instant;

use caduceus_contracts::words;
use caduceus_policy::{Purpose, Safeguards};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::asked::Asked;
use crate::attestor::Panel;
use crate::audit::{self, AuditReport};
use crate::claims::{self, Books};
use crate::custodian;
use crate::error::{NodeError, Result};
use crate::genesis::USDC;
use crate::governance;
use crate::member;
use crate::node::Node;
use crate::party::{self, NewParty, Party, Role};
use crate::researcher::{self, Received};

pub use modules::ModuleReport;
pub use sources::{FolderOf, SourceReport, StoryOptions, check_options};
use sources::{Told, agreed, sources};

const STEPS: usize = 10;
/// Members who join at each custodian, where there are so many patients.
const MEMBERS: usize = 5;
/// Whole test USDC that each researcher is given at first.
const RESEARCHER_USDC: u64 = 10_000;
/// What the story's question offers.
const EPSILON: &str = "1";
/// Where the story keeps its licence, and how many patients its first answers counted.
const PASS: &str = "story/pass";
const PATIENTS: &str = "story/patients";
/// Where the story keeps the number of its proposal.
const PROPOSAL: &str = "story/proposal";
/// The story's question where there are observations, and where there are none.
const ABOUT_PRESSURE: &str = "SELECT COUNT(DISTINCT patient) AS patients, AVG(value) AS mean_systolic FROM observation WHERE code = '8480-6'";
const ABOUT_PATIENTS: &str = "SELECT sex, COUNT(*) AS patients FROM patient GROUP BY sex";

/// The story's custodians: name, country.
const CUSTODIANS: [(&str, &str); 2] = [("klinikum-nord", "DE"), ("lakeside-health", "US")];
/// A researcher in a country that the EU finds adequate, with everything in order.
const GOOD: &str = "sakura-institute";
/// One in a country without adequacy, and without any safeguard.
const BARRED: &str = "ganges-analytics";
/// One who never showed an accreditation.
const UNACCREDITED: &str = "alpine-lab";

/// One that approves studies.
const COMMITTEE: &str = "ethics-committee";

/// What happened, as the ledger and the vaults have it.
#[derive(Clone, Debug, Serialize)]
pub struct StoryReport {
    /// Which folders the records came from, where they were not generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<SourceReport>,
    /// Every Data NFT in the pool.
    pub datasets: Vec<DatasetReport>,
    /// Who was turned away, and why.
    pub refusals: Vec<Refusal>,
    /// The question and what the vaults answered.
    pub query: QueryReport,
    /// Where the money is.
    pub payment: Books,
    /// What a withdrawal of consent changed.
    pub revocation: RevocationReport,
    /// What the members decided.
    pub governance: GovernanceReport,
    /// What every other module did.
    pub modules: Vec<ModuleReport>,
    /// What the audit found.
    pub audit: StoryAudit,
    /// Most gas that a transaction took, by operation.
    pub gas: BTreeMap<String, u64>,
    /// Time by step.
    pub milliseconds: BTreeMap<String, u64>,
}

/// One dataset, from its token and its vault.
#[derive(Clone, Debug, Serialize)]
pub struct DatasetReport {
    /// Number of the Data NFT.
    pub token_id: u64,
    /// Who holds the records.
    pub custodian: String,
    /// Where.
    pub jurisdiction: String,
    /// Patients in it.
    pub patients: u64,
    /// Rows in it.
    pub rows: u64,
    /// Source records that were set aside.
    pub set_aside: u64,
    /// Patients in the smallest class.
    pub k: u16,
    /// Content identifier.
    pub cid: String,
    /// Pool shares, in units of 1e-18.
    pub shares: String,
}

/// Somebody who was turned away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Who.
    pub who: String,
    /// From what.
    pub action: String,
    /// Why.
    pub reason: String,
}

/// The story's question.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QueryReport {
    /// In SQL.
    pub sql: String,
    /// What it cost each dataset, as a decimal.
    pub epsilon: f64,
    /// One answer a dataset.
    pub answers: Vec<Received>,
}

/// A withdrawal of consent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RevocationReport {
    /// Patients that the vaults counted before.
    pub patients_before: u64,
    /// And after.
    pub patients_after: u64,
}

/// A decision.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GovernanceReport {
    /// The governor's number for it.
    pub proposal: String,
    /// Members in favour.
    pub votes_for: u64,
    /// Whether the timelock executed it.
    pub executed: bool,
    /// The split in force, in basis points.
    pub new_split: SplitReport,
}

/// A split of revenue, in basis points.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SplitReport {
    /// To contributors.
    pub contributors: u16,
    /// To the treasury.
    pub treasury: u16,
    /// To buy-back.
    pub buyback: u16,
}

/// The audit at the story's end.
#[derive(Clone, Debug, Serialize)]
pub struct StoryAudit {
    /// Records checked.
    pub events: u64,
    /// Whether log and ledger agree.
    pub verified: bool,
    /// Whether one altered byte in a copy was found.
    pub tampering_found: bool,
}

/// Tells the story on `node`, from where it stopped if it was begun.
///
/// A story that was begun keeps the options that it was begun with; others are refused.
pub async fn tell(node: &Node, options: &StoryOptions) -> Result<StoryReport> {
    require_own_home(node)?;
    let told = agreed(node, options)?;
    let mut teller = Teller { node, milliseconds: BTreeMap::new() };
    teller.step(1, "ledger", "A ledger, its contracts, and who is who", || begin(node)).await?;
    let data = teller
        .step(2, "datasets", "Two hospitals protect and publish their records", || {
            publish(node, &told)
        })
        .await?;
    teller.step(3, "members", "Patients join and consent", || join(node)).await?;
    let refusals = teller.step(4, "refusals", "Who may not ask", || refuse(node)).await?;
    let query = teller
        .step(5, "query", "A licence, a question, two protected answers", || ask(node))
        .await?;
    teller.step(6, "payment", "The people whose data was used are paid", || pay(node)).await?;
    let (revocation, paused) = teller
        .step(7, "revocation", "A patient withdraws, and nothing can stop it", || {
            revoke(node, &query.sql)
        })
        .await?;
    let governance = teller.step(8, "governance", "The members decide", || govern(node)).await?;
    let modules = teller
        .step(9, "modules", "Every other way to share, earn and decide", || modules::visit(node))
        .await?;
    let audit = teller.step(10, "audit", "Everything can be checked", || check(node)).await?;
    Ok(StoryReport {
        data,
        datasets: datasets(node).await?,
        refusals: refusals.into_iter().chain([paused]).collect(),
        query,
        payment: claims::books(node).await?,
        revocation,
        governance,
        modules,
        audit: StoryAudit {
            events: audit.0.events,
            verified: audit.0.verified,
            tampering_found: audit.1,
        },
        gas: node.gas(),
        milliseconds: teller.milliseconds,
    })
}

/// The story speaks of everybody in its home. Other people's parties would be drawn into it, so it does not begin.
fn require_own_home(node: &Node) -> Result<()> {
    if node.home.recall::<()>("story/ledger")?.is_some() {
        return Ok(());
    }
    let own =
        CUSTODIANS.map(|(name, _)| name).into_iter().chain([GOOD, BARRED, UNACCREDITED, COMMITTEE]);
    let own: Vec<&str> = own.collect();
    let others: Vec<String> = party::parties(node)?
        .into_iter()
        .map(|party| party.name)
        .filter(|name| !own.contains(&name.as_str()))
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    let what = format!(
        "{} holds parties that are not of the story: {}",
        node.home().dir().display(),
        others.join(", ")
    );
    Err(NodeError::not_ready(what, "tell the story in another folder with --dir; nothing was done"))
}

struct Teller<'a> {
    node: &'a Node,
    milliseconds: BTreeMap<String, u64>,
}

impl Teller<'_> {
    /// Tells one step, unless it was told before: then its outcome is read from the home.
    async fn step<T: Serialize + DeserializeOwned>(
        &mut self,
        number: usize,
        key: &str,
        title: &str,
        tell: impl AsyncFnOnce() -> Result<T>,
    ) -> Result<T> {
        let begun = Instant::now();
        self.node.report.step(number, STEPS, title);
        let journal = format!("story/{key}");
        let outcome = match self.node.home.recall(&journal)? {
            Some(outcome) => {
                self.node.report.fact("done before");
                outcome
            }
            None => {
                let outcome = tell().await?;
                self.node.home.record(&journal, &outcome)?;
                outcome
            }
        };
        let elapsed = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.milliseconds.insert(key.to_owned(), elapsed);
        Ok(outcome)
    }
}

/// Step 1.
async fn begin(node: &Node) -> Result<()> {
    let report = &node.report;
    report.fact(format!(
        "{}; {} contracts in place",
        node.ledger().describe(),
        node.at.named().len()
    ));
    let powerless = governance::deployer_is_powerless(node).await?;
    if !powerless {
        return Err(NodeError::Chain("the deployer still has power over the contracts".into()));
    }
    report.fact("the deployer has given every power to the members' timelock and kept none");
    let parties = [
        (CUSTODIANS[0].0, Role::Custodian, CUSTODIANS[0].1, true),
        (CUSTODIANS[1].0, Role::Custodian, CUSTODIANS[1].1, true),
        (GOOD, Role::Researcher, "JP", true),
        (BARRED, Role::Researcher, "IN", true),
        (UNACCREDITED, Role::Researcher, "CH", false),
    ];
    for (name, role, country, accredited) in parties {
        let country = country.parse().expect("the story names countries by their codes");
        let new =
            NewParty { name: name.into(), role, country, accredited, safeguards: Safeguards::NONE };
        let party = party::register(node, &new).await?.party;
        if role == Role::Researcher {
            party::give_test_usdc(node, &party, RESEARCHER_USDC * USDC).await?;
        }
    }
    report.fact("registered: hospitals in Germany and the United States, researchers in Japan, India and Switzerland");
    Ok(())
}

/// Step 2.
async fn publish(node: &Node, told: &Told) -> Result<Option<SourceReport>> {
    let (sources, data) = sources(node, told)?;
    for note in data.iter().flat_map(SourceReport::in_words) {
        node.report.fact(note);
    }
    for ((name, _), intake) in CUSTODIANS.iter().zip(&sources) {
        let ingested = custodian::ingest(node, name, intake).await?;
        node.report.fact(format!(
            "{name} read {} patients, {} of whom consent; {} records were set aside",
            ingested.patients, ingested.consenting, ingested.set_aside
        ));
        for note in custodian::shortcomings(&ingested) {
            node.report.fact(format!("{name}: {note}"));
        }
        let protected = custodian::protect(node, name, None, None).await?;
        node.report.fact(format!(
            "{name} made the records safe: {} identifying values removed, every patient hidden among at least {}, {} left out",
            protected.removed(), protected.k_reached, protected.patients_suppressed
        ));
        let published = custodian::publish(node, name, &Panel::default()).await?;
        node.report.fact(format!(
            "{name} sealed {} patients as {}; attestors checked and signed; Data NFT {} is in the pool",
            published.persons, published.cid, published.dataset.unwrap_or_default()
        ));
    }
    Ok(data)
}

/// Step 3.
async fn join(node: &Node) -> Result<()> {
    for (name, _) in CUSTODIANS {
        let custodian = party::find(node, Role::Custodian, name)?;
        let count = custodian::consenting_patients(node, &custodian)?.len().min(MEMBERS);
        let members = member::join(node, name, count).await?;
        for member in &members {
            member::grant(node, member, &member::Terms::default()).await?;
        }
        node.report.fact(format!(
            "{} patients of {name} joined and signed their consent; a relay carried it, none of them needed a wallet or gas",
            members.len()
        ));
    }
    Ok(())
}

/// Step 4.
async fn refuse(node: &Node) -> Result<Vec<Refusal>> {
    let datasets = researcher::current_datasets(node).await?;
    let mut refusals = Vec::new();
    for name in [BARRED, UNACCREDITED] {
        let party = party::find(node, Role::Researcher, name)?;
        let attempt = researcher::buy(
            node,
            &party,
            &datasets,
            Purpose::HealthResearch,
            2,
            &format!("story/buy/{name}"),
        )
        .await;
        let refusal = refused(&party, attempt)?;
        node.report
            .fact(format!("{name} in {} cannot buy a licence. {}", party.country, refusal.reason));
        refusals.push(refusal);
    }
    Ok(refusals)
}

/// Turns the refusal that the story expects into its record; anything else is an error.
fn refused<T>(party: &Party, attempt: Result<T>) -> Result<Refusal> {
    match attempt {
        Err(NodeError::Refused { action, reason }) => {
            Ok(Refusal { who: party.name.clone(), action, reason })
        }
        Err(other) => Err(other),
        Ok(_) => Err(NodeError::Chain(format!("{} was let in where the rules bar it", party.name))),
    }
}

/// Step 5.
async fn ask(node: &Node) -> Result<QueryReport> {
    let party = party::find(node, Role::Researcher, GOOD)?;
    let datasets = researcher::current_datasets(node).await?;
    let licence =
        researcher::buy(node, &party, &datasets, Purpose::HealthResearch, 2, "story/buy").await?;
    node.home.record(PASS, &licence.pass)?;
    node.report.fact(format!(
        "{GOOD} bought licence {} for {} USDC in one transaction",
        licence.pass,
        usdc(licence.paid)
    ));
    let sql = if custodian::everybody_has(node, "observation")? {
        ABOUT_PRESSURE
    } else {
        ABOUT_PATIENTS
    };
    let answers = question(node, &party, licence.pass, &datasets, sql, "story/ask/1").await?;
    node.home.record(PATIENTS, &custodian::patients_in_last_answers(node, &datasets).await?)?;
    let epsilon =
        answers.first().map_or(0.0, |one| f64::from(one.answer.epsilon().milli()) / 1_000.0);
    Ok(QueryReport { epsilon, sql: sql.to_owned(), answers })
}

/// Asks, lets the vaults answer, and opens what they answered.
async fn question(
    node: &Node,
    party: &Party,
    pass: u64,
    datasets: &[u64],
    sql: &str,
    key: &str,
) -> Result<Vec<Received>> {
    node.report.fact(format!("the question: {sql}"));
    let document = Asked::Sql(researcher::question(sql, EPSILON)?);
    let jobs = researcher::ask(node, party, pass, datasets, &document, None, key).await?;
    for custodian in party::custodians(node)? {
        custodian::answer(node, &custodian.name).await?;
    }
    let mut answers = Vec::new();
    for job in jobs {
        let received = researcher::receive(node, party, job).await?.answered()?;
        node.report.fact(format!(
            "the vault of dataset {} answered:\n{}",
            received.dataset,
            received.answer.to_text()
        ));
        answers.push(received);
    }
    Ok(answers)
}

/// Step 6.
async fn pay(node: &Node) -> Result<()> {
    for (name, _) in CUSTODIANS {
        claims::post_roots(node, name).await?;
    }
    let first = claims::claim_custodian(node, CUSTODIANS[0].0).await?;
    node.report.fact(format!("{} claimed {} USDC", first.who, usdc(first.amount)));
    let paid = claims::claim_members(node, &member::members(node)?).await?;
    let to_members = paid.iter().map(|one| one.amount).sum();
    node.report
        .fact(format!("the members claimed {} USDC, each with a Merkle proof", usdc(to_members)));
    let books = claims::books(node).await?;
    node.report.fact(format!(
        "of {} USDC paid, {} are for contributors, {} for the treasury, {} for buy-back; {} wait to be claimed",
        usdc(books.paid), usdc(books.contributors), usdc(books.treasury), usdc(books.buyback), usdc(books.claimable)
    ));
    Ok(())
}

/// Step 7.
async fn revoke(node: &Node, sql: &str) -> Result<(RevocationReport, Refusal)> {
    const TRADING_AND_JOBS: u64 = 4 | 8;
    let researcher = party::find(node, Role::Researcher, GOOD)?;
    let datasets = researcher::current_datasets(node).await?;
    governance::pause(node, TRADING_AND_JOBS, 3_600, "story/pause").await?;
    // After an interruption the pause may be over already; what it refused is then recorded.
    let paused: Refusal = match node.home.recall("story/paused")? {
        Some(refusal) => refusal,
        None => {
            let attempt = researcher::buy(
                node,
                &researcher,
                &datasets,
                Purpose::HealthResearch,
                1,
                "story/buy/paused",
            )
            .await;
            let refusal = refused(&researcher, attempt)?;
            node.home.record("story/paused", &refusal)?;
            refusal
        }
    };
    node.report.fact(format!("the guardian paused trading; {GOOD} cannot buy: {}", paused.reason));
    let members = member::members(node)?;
    let member = members.first().ok_or_else(|| NodeError::Chain("nobody joined".into()))?;
    member::revoke(node, member).await?;
    node.report.fact(format!("{} withdrew consent while trading was paused", member.name));
    governance::lift(node, TRADING_AND_JOBS, "story/lift").await?;
    let before: (Option<u64>, Option<u64>) = (node.home.recall(PASS)?, node.home.recall(PATIENTS)?);
    let (Some(pass), Some(patients_before)) = before else {
        return Err(NodeError::Chain("the story lost its licence".into()));
    };
    question(node, &researcher, pass, &datasets, sql, "story/ask/2").await?;
    let patients_after = custodian::patients_in_last_answers(node, &datasets).await?;
    node.report.fact(format!(
        "the answers now count {patients_after} patients; before they counted {patients_before}"
    ));
    Ok((RevocationReport { patients_before, patients_after }, paused))
}

/// Step 8.
async fn govern(node: &Node) -> Result<GovernanceReport> {
    let voters = member::members(node)?;
    let proposer = voters.first().ok_or_else(|| NodeError::Chain("nobody joined".into()))?;
    let number = match node.home.recall(PROPOSAL)? {
        Some(number) => number,
        None => governance::next_number(node)?,
    };
    node.home.record(PROPOSAL, &number)?;
    let proposal = match governance::find(node, number)? {
        Some(made) => made,
        None => governance::propose_split(node, proposer, 8_700, 800, 500).await?,
    };
    node.report.fact(format!("{} proposes: {}", proposer.name, proposal.description));
    governance::vote_for(node, &proposal, &voters).await?;
    let standing = governance::execute(node, &proposal).await?;
    let split = governance::split(node).await?;
    node.report.fact(format!(
        "{} members voted for it, none can vote twice; after the timelock's delay it is {}",
        standing.votes_for, standing.state
    ));
    Ok(GovernanceReport {
        proposal: proposal.id.to_string(),
        votes_for: standing.votes_for,
        executed: standing.state == "executed",
        new_split: SplitReport {
            contributors: split.contributorsBps,
            treasury: split.treasuryBps,
            buyback: split.buybackBps,
        },
    })
}

/// Step 10.
async fn check(node: &Node) -> Result<(AuditReport, bool)> {
    let report = audit::verify(node).await?;
    node.report.fact(format!(
        "{} records in the vaults' logs agree with each other and with the ledger",
        report.events
    ));
    let custodian = party::find(node, Role::Custodian, CUSTODIANS[0].0)?;
    let found = audit::find_tampering(node, &custodian).await?;
    if let Some(found) = &found {
        node.report.fact(format!("one byte altered in a copy was found: {found}"));
    }
    Ok((report, found.is_some()))
}

/// Every dataset that was published, as its token, the pool and its vault have it.
pub async fn datasets(node: &Node) -> Result<Vec<DatasetReport>> {
    let mut reports = Vec::new();
    for custodian in party::custodians(node)? {
        for publication in custodian::publications(node, &custodian)? {
            let Some(token_id) = publication.dataset else { continue };
            reports
                .push(custodian::dataset_report(node, &custodian, token_id, &publication).await?);
        }
    }
    Ok(reports)
}

/// USDC units as a person reads them.
pub fn usdc(units: u64) -> String {
    words::usdc(alloy::primitives::U256::from(units))
}

/// Pool shares, in units of 1e-18 written as an integer, as a person reads them.
pub fn shares(units: &str) -> String {
    units.parse().map_or_else(|_| units.to_owned(), |units| words::amount(units, 18))
}
