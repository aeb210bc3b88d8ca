//! Each command: its arguments into calls of the node, the node's results into words.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use caduceus_node::audit::{self, AuditReport};
use caduceus_node::party::{self, Role};
use caduceus_node::researcher;
use caduceus_node::story::usdc;
use caduceus_node::{
    Home, Node, NodeError, Result, approvals, claims, cohorts, consents, custodian, member, policy,
};
use serde::Serialize;
use serde_json::json;

use crate::algorithm::{self, Algorithm};
use crate::args::{
    Arguments, Audit, Claim, Cohort, Command, Consent, LicenceCommand, Person, Policy,
};
use crate::attest::{self, Attestor};
use crate::output::{Outcome, aside, reporter};
use crate::{
    bulk, contract, credential, demo, governance, grants, identity, ledger, people, query, status,
    trust, vault, view,
};

/// The folder of a home that no option names.
const DEFAULT_DIR: &str = "caduceus-home";

/// Does what the arguments say.
pub async fn run(arguments: &Arguments) -> Result<Outcome> {
    match &arguments.command {
        Command::Demo(demo) => demo::tell(arguments, demo).await,
        Command::Cohort(Cohort::Generate { patients, country, seed, out, damaged, force }) => {
            let wanted = cohorts::Wanted {
                patients: *patients as usize,
                country,
                seed: *seed,
                damaged: *damaged,
                force: *force,
            };
            let made = cohorts::generate(&wanted, out, &reporter(false, arguments.json))?;
            let mut text = format!(
                "{} patients with {} conditions, {} encounters, {} observations, {} medications and {} procedures in {}",
                made.patients,
                made.conditions,
                made.encounters,
                made.observations,
                made.medications,
                made.procedures,
                out.display()
            );
            if made.damaged > 0 {
                text.push_str(&format!("; {} records are spoiled", made.damaged));
            }
            Ok(Outcome::new(&made, text))
        }
        Command::View(command) => view::run(command, arguments.json),
        Command::Bulk(command) => bulk::run(command, arguments.json).await,
        Command::Policy(Policy::Explain {
            from,
            to,
            class,
            purpose,
            identifiability,
            safeguards,
        }) => {
            let request = policy::request(from, to, class, purpose)?;
            let as_they_are = policy::identifiability(identifiability)?;
            let held = policy::safeguards(safeguards)?;
            let explained = match &arguments.dir {
                None => policy::explain(&request, as_they_are, held),
                Some(home) => {
                    let node = Node::open(home, reporter(false, arguments.json)).await?;
                    policy::explain_by_ledger(&node, &request, as_they_are, held).await?
                }
            };
            Ok(Outcome::new(&explained, explained.in_words()))
        }
        Command::Attestor(Attestor::Serve(serve)) => attest::serve(serve).await,
        Command::Init(init) => {
            let (dir, rpc) = (dir(arguments), init.rpc.as_deref());
            let seed = init.seed.map(Home::seed_from);
            let report = reporter(false, arguments.json);
            let node = match &init.join {
                Some(manifest) => {
                    Node::join(&dir, rpc.unwrap_or_default(), manifest, seed, report).await?
                }
                None => {
                    Node::create_with(&dir, rpc, seed, init.parameters.as_deref(), report).await?
                }
            };
            let text =
                format!("{} is ready: {}", node.home().dir().display(), node.ledger().describe());
            Ok(Outcome::new(
                &json!({ "dir": node.home().dir().display().to_string(), "contracts": node.addresses() }),
                text,
            ))
        }
        Command::Protect(protect) if protect.input.is_some() => {
            crate::protect::one_table(protect, &reporter(false, arguments.json))
        }
        Command::Deidentify(deidentify) => {
            crate::deidentify::run(deidentify, &reporter(false, arguments.json))
        }
        Command::Synthesize(synthesize) => {
            crate::synthesize::run(synthesize, &reporter(false, arguments.json))
        }
        Command::Query(query::Query { local: Some(local), .. }) => {
            query::local(local, arguments.json)
        }
        Command::Algorithm(Algorithm::Local(local)) => algorithm::local(local, arguments.json),
        Command::Identity(command) => match command.party() {
            None => identity::run(command),
            Some(party) => {
                let node = Node::open(&dir(arguments), reporter(false, arguments.json)).await?;
                identity::export_party(&node, party, command)
            }
        },
        Command::Credential(command) => credential::run(command).await,
        Command::Ledger(command) if !command.needs_home() => ledger::without_home(command).await,
        Command::Contract(command) if !command.needs_home() => contract::without_home(command),
        Command::Vault(command) => {
            let node = Node::open(&dir(arguments), reporter(false, arguments.json)).await?;
            vault::run(Arc::new(node), command).await
        }
        other => {
            on_home(&Node::open(&dir(arguments), reporter(false, arguments.json)).await?, other)
                .await
        }
    }
}

/// Commands on a home that exists.
async fn on_home(node: &Node, command: &Command) -> Result<Outcome> {
    match command {
        Command::Status => status::show(node).await,
        Command::Party(command) => people::parties(node, command).await,
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
        Command::Protect(protect) => crate::protect::records(node, protect).await,
        Command::Export { custodian, out } => {
            let files = custodian::export(node, custodian, out).await?;
            let lines: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            Ok(Outcome::new(&json!({ "files": lines }), lines.join("\n")))
        }
        Command::Catalogue => {
            let all = custodian::catalogue::all(node)?;
            for (custodian, lacks) in &all.missing {
                aside(&format!(
                    "warning: the entries of {custodian} lack what the profile requires: {}; say it with `caduceus party contact --name {custodian}`",
                    lacks.join(", ")
                ));
            }
            let text = serde_json::to_string_pretty(&all.document).expect("a catalogue is JSON");
            Ok(Outcome::new(&all.document, text))
        }
        Command::Publish(publish) => attest::publish(node, publish).await,
        Command::Attestor(command) => attest::run(node, command).await,
        Command::Confirm(command) => crate::confirm::run(node, command).await,
        Command::Withdraw { custodian, dataset } => {
            custodian::withdraw(node, custodian, *dataset).await?;
            let text = format!(
                "dataset {dataset} is out of the pool; what it earned can still be claimed"
            );
            Ok(Outcome::new(&json!({ "withdrawn": dataset }), text))
        }
        Command::Member(command) => people::members(node, command).await,
        Command::Consent(command) => consent(node, command).await,
        Command::Licence(command) => buy(node, command).await,
        Command::Query(query) => query::ask(node, &query.asked).await,
        Command::Algorithm(Algorithm::Ask(ask)) => algorithm::ask(node, ask).await,
        Command::Answers { researcher } => {
            let party = party::find(node, Role::Researcher, researcher)?;
            custodian::answer_all(node, &party).await?;
            answers(node, &party, &researcher::ended_jobs(node, &party).await?).await
        }
        Command::Claim(claim) => pay(node, claim).await,
        Command::Governance(command) => governance::govern(node, command).await,
        Command::Guardian(command) => governance::guard(node, command).await,
        Command::Audit(Audit::Trail(trail)) => trust::trail(node, trail).await,
        Command::Breach(breach) => trust::breach(node, breach).await,
        Command::Audit(Audit::Verify { log, custodian }) => {
            verify(node, log.as_deref(), custodian.as_deref()).await
        }
        Command::Ledger(command) => ledger::run(node, command).await,
        Command::Contract(command) => contract::run(node, command).await,
        Command::Relay { file } => contract::relay(node, file).await,
        Command::Demo(_)
        | Command::Init(_)
        | Command::Cohort(_)
        | Command::View(_)
        | Command::Bulk(_)
        | Command::Policy(_)
        | Command::Deidentify(_)
        | Command::Synthesize(_)
        | Command::Algorithm(Algorithm::Local(_))
        | Command::Identity(_)
        | Command::Vault(_)
        | Command::Credential(_) => {
            unreachable!("these commands open no home, or open it for themselves")
        }
    }
}

/// The home's folder.
pub fn dir(arguments: &Arguments) -> PathBuf {
    arguments.dir.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_DIR))
}

/// A word of the caller's as what it stands for.
pub fn parse<T: FromStr>(text: &str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| NodeError::Usage(error.to_string()))
}

async fn consent(node: &Node, command: &Consent) -> Result<Outcome> {
    match command {
        Consent::Grant(grant) => grants::grant(node, grant).await,
        Consent::Show(show) => trust::show(node, show).await,
        Consent::Export(export) => trust::export(node, export).await,
        Consent::Import(import) => trust::import(node, import).await,
        Consent::Revoke(Person { custodian: Some(custodian), patient: Some(patient), .. }) => {
            let asked = std::time::Instant::now();
            let permitted = custodian::revoke_patient(node, custodian, patient).await?;
            let effective_ms = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
            let value = json!({ "revoked": u64::from(permitted), "effective_ms": effective_ms });
            let text = match permitted {
                true => format!(
                    "what {custodian} holds on paper permits nothing any more; it took {effective_ms} ms, and the next answer no longer counts them"
                ),
                false => "nothing on paper permitted any use; nothing changed".to_owned(),
            };
            Ok(Outcome::new(&value, text))
        }
        Consent::Revoke(Person { member, .. }) => {
            let member = member::find(node, member.as_deref().unwrap_or_default())?;
            let done = consents::withdraw(node, &member).await?;
            let text = match done.revoked {
                0 => format!("{} had no consent standing; nothing changed", member.name),
                ended => format!(
                    "{} withdrew {ended} consent(s) within {} ms, by block {}; the next answer no longer counts them",
                    member.name, done.effective_ms, done.block
                ),
            };
            Ok(Outcome::new(&done, text))
        }
    }
}

async fn buy(node: &Node, command: &LicenceCommand) -> Result<Outcome> {
    let LicenceCommand::Buy { researcher, datasets, purpose, uses } = command;
    let party = party::find(node, Role::Researcher, researcher)?;
    let datasets = if datasets.is_empty() {
        researcher::current_datasets(node).await?
    } else {
        require_live(node, datasets).await?;
        datasets.clone()
    };
    let purpose = parse(purpose)?;
    let ethics_approval_required_by = approvals::will_ask(node, &datasets)?;
    let key = node.new_key("buy")?;
    let licence = researcher::buy(node, &party, &datasets, purpose, *uses, &key).await?;
    let text = format!(
        "licence {} over datasets {} for {} USDC, good for {} question(s)",
        licence.pass,
        numbers(&licence.datasets),
        usdc(licence.paid),
        licence.uses
    );
    Ok(Outcome::new(&Bought { licence, ethics_approval_required_by }, text))
}

/// A licence, and what its holder has to show to ask under it.
#[derive(Serialize)]
struct Bought {
    #[serde(flatten)]
    licence: researcher::Licence,
    /// The custodians that answer only questions with an ethics-approval.
    ethics_approval_required_by: Vec<String>,
}

/// Refuses a dataset that is not in the pool, with those that are.
async fn require_live(node: &Node, datasets: &[u64]) -> Result<()> {
    let live = researcher::live_datasets(node).await?;
    let Some(other) = datasets.iter().find(|dataset| !live.contains(dataset)) else {
        return Ok(());
    };
    let todo = match live.as_slice() {
        [] => "nothing is yet: publish first with `caduceus publish`".to_owned(),
        live => format!("name some of these with --datasets: {}", numbers(live)),
    };
    Err(NodeError::Usage(format!("dataset {other} is not in the pool; {todo}")))
}

fn numbers(all: &[u64]) -> String {
    all.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}

/// What came of these jobs: a failure where all were refused.
pub async fn answers(node: &Node, party: &party::Party, jobs: &[u64]) -> Result<Outcome> {
    let (mut answers, mut lines) = (Vec::new(), Vec::new());
    let mut answered = 0;
    for job in jobs {
        let outcome = researcher::receive(node, party, *job).await?;
        lines.push(match &outcome {
            researcher::Outcome::Answered(one) => {
                answered += 1;
                format!("dataset {}\n{}", one.dataset, one.answer.to_text())
            }
            researcher::Outcome::Refused { job, dataset, refused } => {
                format!("dataset {dataset} gave job {job} back: {refused}")
            }
        });
        answers.push(outcome);
    }
    let none = "no answers yet; `caduceus query` asks for some";
    let mut outcome = Outcome::list("answers", &answers, &lines, none);
    outcome.good = answered > 0 || answers.is_empty();
    Ok(outcome)
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
        paid.extend(claims::claim_members(node, &[member::find(node, name)?]).await?);
    }
    if claim.all {
        for custodian in &custodians {
            paid.push(claims::claim_custodian(node, &custodian.name).await?);
        }
        paid.extend(claims::claim_members(node, &member::members(node)?).await?);
    }
    let lines: Vec<String> =
        paid.iter().map(|one| format!("{} was paid {} USDC", one.who, usdc(one.amount))).collect();
    let none = "there is nobody to pay yet: no custodian and no member is in this home";
    Ok(Outcome::list("claims", &paid, &lines, none))
}

async fn verify(node: &Node, log: Option<&Path>, custodian: Option<&str>) -> Result<Outcome> {
    let report = match custodian {
        None => audit::verify(node).await?,
        Some(name) => {
            let party = party::find(node, Role::Custodian, name)?;
            match log {
                None => audit::verify_custodian(node, &party).await?,
                Some(log) => {
                    let (events, differences) = audit::verify_log(node, &party, log).await?;
                    let verified = differences.is_empty();
                    AuditReport { events, datasets: 0, verified, differences }
                }
            }
        }
    };
    let text = match report.verified {
        true => format!(
            "{} records and {} sealed datasets agree with each other and with the ledger",
            report.events, report.datasets
        ),
        false => report.differences.join("\n"),
    };
    let mut outcome = Outcome::new(&report, text);
    outcome.good = report.verified;
    Ok(outcome)
}
