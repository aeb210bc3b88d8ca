//! Each command: its arguments into calls of the node, the node's results into words.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use caduceus_node::audit::{self, AuditReport};
use caduceus_node::party::{self, NewParty, Role};
use caduceus_node::researcher;
use caduceus_node::story::{self, StoryOptions, usdc};
use caduceus_node::{
    Address, Home, Node, NodeError, Result, Seed, claims, cohorts, custodian, governance, member,
    policy, rpc,
};
use serde_json::json;

use crate::args::{
    Arguments, Audit, Claim, Cohort, Command, Consent, Demo, Governance, Guardian, LedgerCommand,
    LicenceCommand, MemberCommand, PartyCommand, Policy, RoleName, Scope, TokenName,
};
use crate::output::{Outcome, reporter};

/// The folder of a home that no option names.
const DEFAULT_DIR: &str = "caduceus-home";

/// Does what the arguments say.
pub async fn run(arguments: &Arguments) -> Result<Outcome> {
    match &arguments.command {
        Command::Demo(demo) => tell(arguments, demo).await,
        Command::Cohort(Cohort::Generate { patients, country, seed, out }) => {
            let summary = cohorts::generate(*patients as usize, country, *seed, out)?;
            let text = format!(
                "{} patients with {} conditions, {} encounters and {} observations in {}",
                summary.patients,
                summary.conditions,
                summary.encounters,
                summary.observations,
                out.display()
            );
            Ok(Outcome::new(&summary, text))
        }
        Command::Policy(Policy::Explain { from, to, class, purpose }) => {
            explain(from, to, class, purpose)
        }
        Command::Init(init) => {
            let seed = seed(init.seed)?;
            let node = Node::create(
                &dir(arguments),
                init.rpc.as_deref(),
                seed,
                reporter(false, arguments.json),
            )
            .await?;
            let text =
                format!("{} is ready: {}", node.home().dir().display(), node.ledger().describe());
            Ok(Outcome::new(
                &json!({ "dir": node.home().dir().display().to_string(), "contracts": node.addresses() }),
                text,
            ))
        }
        Command::Query(crate::query::Query { local: Some(local), .. }) => {
            crate::query::local(local, arguments.json)
        }
        Command::Algorithm(algorithm) => crate::algorithm::run(algorithm, arguments.json),
        other => {
            on_home(&Node::open(&dir(arguments), reporter(false, arguments.json)).await?, other)
                .await
        }
    }
}

/// Commands on a home that exists.
async fn on_home(node: &Node, command: &Command) -> Result<Outcome> {
    match command {
        Command::Status => status(node).await,
        Command::Party(command) => parties(node, command).await,
        Command::Ingest(ingest) => {
            let intake = custodian::Intake {
                input: ingest.input.clone(),
                part: None,
                vouch: ingest.vouch_consent,
            };
            let done = custodian::ingest(node, &ingest.custodian, &intake).await?;
            let mut lines = vec![format!(
                "{} patients, {} of whom consent; {} records set aside",
                done.patients, done.consenting, done.set_aside
            )];
            lines.extend(custodian::shortcomings(&done));
            Ok(Outcome::new(&done, lines.join("\n")))
        }
        Command::Protect(protect) => {
            let done = custodian::protect(node, &protect.custodian, protect.k).await?;
            let text = format!(
                "{} patients are each hidden among at least {}; {} were left out; {} identifying values removed",
                done.patients_out,
                done.k_reached,
                done.patients_suppressed,
                done.removed()
            );
            Ok(Outcome::new(&done, text))
        }
        Command::Export { custodian, out } => {
            let files = custodian::export(node, custodian, out)?;
            let lines: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            Ok(Outcome::new(&json!({ "files": lines }), lines.join("\n")))
        }
        Command::Publish(of) => {
            let done = custodian::publish(node, &of.custodian).await?;
            let dataset = done.dataset.unwrap_or_default();
            let text = format!(
                "{} patients sealed as {}; Data NFT {dataset} is in the pool",
                done.persons, done.cid
            );
            Ok(Outcome::new(&done, text))
        }
        Command::Withdraw { custodian, dataset } => {
            custodian::withdraw(node, custodian, *dataset).await?;
            let text = format!(
                "dataset {dataset} is out of the pool; what it earned can still be claimed"
            );
            Ok(Outcome::new(&json!({ "withdrawn": dataset }), text))
        }
        Command::Member(MemberCommand::Erase { member }) => {
            let datasets = custodian::erase(node, &member::find(node, member)?).await?;
            let text =
                format!("the keys to {member}'s rows in {datasets} dataset(s) are destroyed");
            Ok(Outcome::new(&json!({ "member": member, "datasets": datasets }), text))
        }
        Command::Member(command) => members(node, command).await,
        Command::Consent(command) => consent(node, command).await,
        Command::Licence(LicenceCommand::Buy { researcher, datasets, purpose, uses }) => {
            let party = party::find(node, Role::Researcher, researcher)?;
            let datasets = if datasets.is_empty() {
                researcher::live_datasets(node).await?
            } else {
                datasets.clone()
            };
            let purpose = parse(purpose)?;
            let key = node.new_key("buy")?;
            let licence = researcher::buy(node, &party, &datasets, purpose, *uses, &key).await?;
            let text = format!(
                "licence {} over datasets {:?} for {} USDC",
                licence.pass,
                licence.datasets,
                usdc(licence.paid)
            );
            Ok(Outcome::new(&licence, text))
        }
        Command::Query(query) => crate::query::ask(node, &query.asked).await,
        Command::Answers { researcher } => {
            let party = party::find(node, Role::Researcher, researcher)?;
            work(node).await?;
            answers(node, &party, &researcher::settled_jobs(node, &party).await?).await
        }
        Command::Claim(claim) => pay(node, claim).await,
        Command::Governance(command) => govern(node, command).await,
        Command::Guardian(command) => guard(node, command).await,
        Command::Audit(Audit::Verify { log, custodian }) => {
            verify(node, log.as_deref(), custodian.as_deref()).await
        }
        Command::Ledger(command) => ledger(node, command).await,
        Command::Demo(_) | Command::Init(_) | Command::Cohort(_) | Command::Policy(_) => {
            unreachable!("these commands need no home")
        }
    }
}

fn dir(arguments: &Arguments) -> PathBuf {
    arguments.dir.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_DIR))
}

fn seed(number: Option<u64>) -> Result<Seed> {
    match number {
        Some(number) => Ok(Home::seed_from(number)),
        None => Home::random_seed(),
    }
}

fn parse<T: FromStr>(text: &str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| NodeError::Usage(error.to_string()))
}

async fn tell(arguments: &Arguments, demo: &Demo) -> Result<Outcome> {
    let temporary = match arguments.dir {
        Some(_) => None,
        None => Some(Home::temporary()?),
    };
    let dir = temporary.as_ref().map_or_else(|| dir(arguments), |kept| kept.path().to_owned());
    let seed_number = demo.seed.unwrap_or(1);
    let options = StoryOptions {
        patients: demo.patients as usize,
        data: demo.data.clone(),
        seed: seed_number,
    };
    story::check_options(&options)?;
    let node =
        Node::create(&dir, demo.rpc.as_deref(), seed(demo.seed)?, reporter(true, arguments.json))
            .await?;
    let served = if demo.serve { Some(rpc::listen(&node, demo.port).await?) } else { None };
    let report = story::tell(&node, &options).await?;
    let kept =
        arguments.dir.as_ref().map(|dir| format!("\nThe state is kept in {}.", dir.display()));
    let outcome = Outcome::new(&report, kept.unwrap_or_default());
    let Some(served) = served else { return Ok(outcome) };
    eprint_url(&served.url()?);
    crate::output::print(&outcome, arguments.json);
    served.until(interrupted()).await?;
    Ok(Outcome::new(&json!({}), ""))
}

#[allow(clippy::print_stderr, reason = "the one line that a waiting server says")]
fn eprint_url(url: &str) {
    eprintln!("the ledger answers at {url}; interrupt to stop");
}

async fn interrupted() {
    // Without a signal handler the process ends at the signal itself, which stops the server as well.
    let _ = tokio::signal::ctrl_c().await;
}

fn explain(from: &str, to: &str, class: &str, purpose: &str) -> Result<Outcome> {
    let decision = policy::explain(parse(from)?, parse(to)?, parse(class)?, parse(purpose)?);
    let text = policy::in_words(&decision);
    Ok(Outcome::new(&decision, text))
}

async fn status(node: &Node) -> Result<Outcome> {
    let parties = party::parties(node)?;
    let members = member::members(node)?;
    let datasets = researcher::live_datasets(node).await?;
    let books = claims::books(node).await?;
    let mut lines = vec![node.ledger().describe()];
    lines.extend(
        parties
            .iter()
            .map(|party| format!("{} in {}: {}", party.name, party.country, party.address)),
    );
    lines.push(format!("datasets in the pool: {datasets:?}; members: {}", members.len()));
    lines.push(format!(
        "paid {} USDC, claimed {}, waiting to be claimed {}",
        usdc(books.paid),
        usdc(books.claimed),
        usdc(books.claimable)
    ));
    let value =
        json!({ "parties": parties, "members": members, "datasets": datasets, "money": books });
    Ok(Outcome::new(&value, lines.join("\n")))
}

async fn parties(node: &Node, command: &PartyCommand) -> Result<Outcome> {
    match command {
        PartyCommand::Register { name, role, country, unaccredited, safeguards, usdc: amount } => {
            let role = match role {
                RoleName::Custodian => Role::Custodian,
                RoleName::Researcher => Role::Researcher,
            };
            let safeguards = policy::safeguards(safeguards)?;
            let new = NewParty {
                name: name.clone(),
                role,
                country: parse(country)?,
                accredited: !unaccredited,
                safeguards,
            };
            let party = party::register(node, &new).await?;
            if *amount > 0 {
                party::give_test_usdc(node, &party, amount * 1_000_000).await?;
            }
            let text =
                format!("{} is registered in {} as {}", party.name, party.country, party.address);
            Ok(Outcome::new(&party, text))
        }
        PartyCommand::List => {
            let all = party::parties(node)?;
            let lines = all.iter().map(|party| {
                format!(
                    "{:24} {:?} in {}  {}",
                    party.name, party.role, party.country, party.address
                )
            });
            Ok(Outcome::new(&all, lines.collect::<Vec<_>>().join("\n")))
        }
    }
}

async fn members(node: &Node, command: &MemberCommand) -> Result<Outcome> {
    let all = match command {
        MemberCommand::Join { custodian, count } => member::join(node, custodian, *count).await?,
        MemberCommand::Leave { member } => {
            member::leave(node, &member::find(node, member)?).await?;
            member::members(node)?
        }
        MemberCommand::List | MemberCommand::Erase { .. } => member::members(node)?,
    };
    let lines = all.iter().map(|member| format!("{:24} {}", member.name, member.address));
    Ok(Outcome::new(&all, lines.collect::<Vec<_>>().join("\n")))
}

async fn consent(node: &Node, command: &Consent) -> Result<Outcome> {
    match command {
        Consent::Grant { member, purposes, classes } => {
            let member = member::find(node, member)?;
            let terms = member::Terms {
                classes: classes.iter().map(|class| parse(class)).collect::<Result<_>>()?,
                purposes: purposes.iter().map(|purpose| parse(purpose)).collect::<Result<_>>()?,
            };
            let grant = member::grant(node, &member, &terms).await?;
            let value = json!({ "member": member.name, "grant": grant.to_string() });
            Ok(Outcome::new(&value, format!("{} consented: grant {grant}", member.name)))
        }
        Consent::Revoke { member } => {
            let member = member::find(node, member)?;
            let ended = member::revoke(node, &member).await?;
            let text = match ended {
                0 => format!("{} had no consent standing; nothing changed", member.name),
                _ => format!(
                    "{} withdrew {ended} consent(s); the next answer no longer counts them",
                    member.name
                ),
            };
            Ok(Outcome::new(&json!({ "member": member.name, "revoked": ended }), text))
        }
    }
}

/// Lets every vault of this home bring its open jobs to their end.
pub async fn work(node: &Node) -> Result<()> {
    for custodian in party::custodians(node)? {
        custodian::answer(node, &custodian.name).await?;
    }
    Ok(())
}

pub async fn answers(node: &Node, party: &party::Party, jobs: &[u64]) -> Result<Outcome> {
    let mut answers = Vec::new();
    for job in jobs {
        answers.push(researcher::receive(node, party, *job).await?);
    }
    let lines = answers
        .iter()
        .map(|one| format!("dataset {}\n{}", one.dataset, one.answer.to_text_table()));
    let text = lines.collect::<Vec<_>>().join("\n");
    Ok(Outcome::new(&answers, text))
}

async fn pay(node: &Node, claim: &Claim) -> Result<Outcome> {
    let custodians = party::custodians(node)?;
    for custodian in &custodians {
        claims::post_roots(node, &custodian.name).await?;
    }
    let mut paid = Vec::new();
    if let Some(name) = &claim.custodian {
        paid.push(claims::claim_custodian(node, name).await?);
    }
    if let Some(name) = &claim.member {
        paid.push(claims::claim_member(node, &member::find(node, name)?).await?);
    }
    if claim.all {
        for custodian in &custodians {
            paid.push(claims::claim_custodian(node, &custodian.name).await?);
        }
        for member in member::members(node)? {
            paid.push(claims::claim_member(node, &member).await?);
        }
    }
    let lines = paid.iter().map(|one| format!("{} was paid {} USDC", one.who, usdc(one.amount)));
    Ok(Outcome::new(&paid, lines.collect::<Vec<_>>().join("\n")))
}

async fn govern(node: &Node, command: &Governance) -> Result<Outcome> {
    let proposal = match command {
        Governance::Propose { member, contributors, treasury, buyback } => {
            let proposer = member::find(node, member)?;
            governance::propose_split(node, &proposer, *contributors, *treasury, *buyback).await?
        }
        Governance::Pay { member, token, amount, to } => {
            let proposer = member::find(node, member)?;
            let token = match token {
                TokenName::Data => governance::Token::Data,
                TokenName::Gov => governance::Token::Gov,
                TokenName::Usdc => governance::Token::Usdc,
            };
            governance::propose_payment(node, &proposer, token, *amount, account(node, to)?).await?
        }
        _ => governance::proposal(node)?,
    };
    match command {
        Governance::Vote { members } if members.is_empty() => {
            governance::vote_for(node, &proposal, &member::members(node)?).await?;
        }
        Governance::Vote { members } => {
            let voters =
                members.iter().map(|name| member::find(node, name)).collect::<Result<Vec<_>>>()?;
            governance::vote_for(node, &proposal, &voters).await?;
        }
        Governance::Execute => {
            governance::execute(node, &proposal).await?;
        }
        Governance::Propose { .. } | Governance::Pay { .. } | Governance::Show => {}
    }
    let standing = governance::standing(node, &proposal).await?;
    let text = format!(
        "{}: {}, {} for, {} against",
        proposal.description, standing.state, standing.votes_for, standing.votes_against
    );
    Ok(Outcome::new(&standing, text))
}

/// The account of a member, whose name has a slash, or of a party.
fn account(node: &Node, name: &str) -> Result<Address> {
    if name.contains('/') {
        return Ok(member::find(node, name)?.address);
    }
    let parties = party::parties(node)?;
    match parties.iter().find(|party| party.name == name) {
        Some(party) => Ok(party.address),
        None => {
            Err(NodeError::unknown("party", name, parties.iter().map(|party| party.name.as_str())))
        }
    }
}

async fn guard(node: &Node, command: &Guardian) -> Result<Outcome> {
    let bits =
        |scopes: &[Scope]| scopes.iter().fold(0, |bits, scope| bits | 1_u64 << (*scope as u8));
    let text = match command {
        Guardian::Pause { scopes, hours } => {
            governance::pause(node, bits(scopes), hours * 3_600, &node.new_key("pause")?).await?;
            format!(
                "paused for {hours} hours; leaving, revoking, withdrawing, claiming and voting go on"
            )
        }
        Guardian::Lift { scopes } => {
            governance::lift(node, bits(scopes), &node.new_key("lift")?).await?;
            "reopened".to_owned()
        }
    };
    Ok(Outcome::new(&json!({ "done": text }), text.clone()))
}

async fn verify(node: &Node, log: Option<&Path>, custodian: Option<&str>) -> Result<Outcome> {
    let report = match custodian {
        None => audit::verify(node).await?,
        Some(name) => {
            let party = party::find(node, Role::Custodian, name)?;
            let own = audit::log_path(node, &party);
            let (events, differences) =
                audit::verify_log(node, &party, log.unwrap_or(&own)).await?;
            AuditReport { events, verified: differences.is_empty(), differences }
        }
    };
    let text = match report.verified {
        true => format!("{} records agree with each other and with the ledger", report.events),
        false => report.differences.join("\n"),
    };
    let mut outcome = Outcome::new(&report, text);
    outcome.good = report.verified;
    Ok(outcome)
}

async fn ledger(node: &Node, command: &LedgerCommand) -> Result<Outcome> {
    match command {
        LedgerCommand::Serve { port } => {
            let served = rpc::listen(node, *port).await?;
            eprint_url(&served.url()?);
            served.until(interrupted()).await?;
            Ok(Outcome::new(&json!({ "stopped": true }), ""))
        }
        LedgerCommand::Contracts => {
            let lines = node
                .addresses()
                .named()
                .into_iter()
                .map(|(name, address)| format!("{name:24} {address}"));
            Ok(Outcome::new(node.addresses(), lines.collect::<Vec<_>>().join("\n")))
        }
    }
}
