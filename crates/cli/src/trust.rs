//! Consent in words and as FHIR, receipts, trails and breaches.

use std::path::PathBuf;

use caduceus_node::breach::{self, NewBreach};
use caduceus_node::member;
use caduceus_node::party::{self, Role};
use caduceus_node::story::usdc;
use caduceus_node::trail::{self, Access, Basis, Detail, LogRecord};
use caduceus_node::{Node, NodeError, Result, consents, custodian};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::args;
use crate::output::{Outcome, columns};

#[derive(Debug, Args)]
pub struct ShowConsent {
    /// The member
    #[arg(long, value_name = "NAME")]
    member: String,
    /// en, de, fr, es or ja
    #[arg(long, default_value = "en", value_name = "CODE")]
    language: String,
}

#[derive(Debug, Args)]
pub struct ExportConsent {
    /// The member
    #[arg(long, value_name = "NAME")]
    member: String,
    /// Only this grant, by its number
    #[arg(long, value_name = "ID")]
    grant: Option<u64>,
    /// Write to this file in place of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ImportConsent {
    /// The member
    #[arg(long, value_name = "NAME")]
    member: String,
    /// A FHIR R4 Consent as JSON
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub struct Trail {
    #[command(flatten)]
    of: Of,
    /// The custodian of the patient
    #[arg(long, value_name = "NAME", requires = "patient")]
    custodian: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Of {
    /// Uses of this dataset
    #[arg(long, value_name = "ID")]
    dataset: Option<u64>,
    /// Uses that this member's consent covered
    #[arg(long, value_name = "NAME")]
    member: Option<String>,
    /// Uses by this researcher
    #[arg(long, value_name = "NAME")]
    researcher: Option<String>,
    /// Uses of the records of a patient who need not be a member, by the id of their FHIR Patient
    #[arg(long, value_name = "ID", requires = "custodian")]
    patient: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Breach {
    /// Record a breach in the custodian's log and on the ledger; its clock runs from when it became known
    #[command(
        after_help = "Example: caduceus breach report --dir state --custodian klinikum-nord --what 'a laptop with a key was stolen' --persons 200"
    )]
    Report {
        /// The custodian
        #[arg(long, value_name = "NAME")]
        custodian: String,
        /// What happened; kept sealed in the vault
        #[arg(long, value_name = "TEXT")]
        what: String,
        /// The dataset, if it is one
        #[arg(long, value_name = "ID")]
        dataset: Option<u64>,
        /// About how many persons
        #[arg(long, value_name = "N")]
        persons: Option<u64>,
        /// When it became known, such as 2026-04-01T12:00:00Z; now if left out
        #[arg(long, value_name = "TIME")]
        aware: Option<String>,
    },
    /// Record that the supervisory authority was told
    #[command(
        after_help = "Example: caduceus breach notified --dir state --custodian klinikum-nord --breach 1 --reference AZ-2026-17"
    )]
    Notified {
        /// The custodian
        #[arg(long, value_name = "NAME")]
        custodian: String,
        /// The breach's number
        #[arg(long, value_name = "N")]
        breach: u64,
        /// The authority's reference; its hash is logged
        #[arg(long, value_name = "TEXT")]
        reference: String,
    },
    /// List breaches with their deadlines
    #[command(after_help = "Example: caduceus breach list --dir state --json")]
    List {
        /// Only this custodian
        #[arg(long, value_name = "NAME")]
        custodian: Option<String>,
    },
}

/// What a member agreed to, in words.
pub async fn show(node: &Node, show: &ShowConsent) -> Result<Outcome> {
    let member = member::find_anyone(node, &show.member)?;
    let told = consents::show(node, &member, consents::language(&show.language)?).await?;
    let lines: Vec<String> =
        told.iter().map(|one| format!("grant {}\n{}\n", one.grant, one.text)).collect();
    let none = "no consent stands; `caduceus consent grant` gives one";
    Ok(Outcome::list("grants", &told, &lines, none))
}

/// A member's consent as FHIR.
pub async fn export(node: &Node, export: &ExportConsent) -> Result<Outcome> {
    let member = member::find_anyone(node, &export.member)?;
    let consent = consents::export(node, &member, export.grant).await?;
    let text = serde_json::to_string_pretty(&consent).expect("a JSON value can be written");
    let Some(path) = &export.out else { return Ok(Outcome::new(&consent, text)) };
    std::fs::write(path, text + "\n").map_err(|source| NodeError::File {
        verb: "write",
        path: path.clone(),
        source,
    })?;
    let text = format!("the consent of {} is in {}", member.name, path.display());
    Ok(Outcome::new(&json!({ "member": member.name, "file": path.display().to_string() }), text))
}

/// Grants from a FHIR Consent.
pub async fn import(node: &Node, import: &ImportConsent) -> Result<Outcome> {
    let member = member::find(node, &import.member)?;
    let document = std::fs::read(&import.file).map_err(|source| NodeError::File {
        verb: "read",
        path: import.file.clone(),
        source,
    })?;
    let done = consents::import(node, &member, &document).await?;
    let numbers: Vec<String> = done.grants.iter().map(u64::to_string).collect();
    let mut lines = vec![format!("{} consented: grant {}", done.member, numbers.join(", "))];
    lines.extend(
        done.unmapped.iter().map(|part| format!("not carried over: {}: {}", part.path, part.why)),
    );
    Ok(Outcome::new(&done, lines.join("\n")))
}

/// Every use of a person's data and every payment for it.
pub async fn receipts(node: &Node, of: &args::Person) -> Result<Outcome> {
    let (person, name) = person(node, &of.member, &of.custodian, &of.patient)?;
    let receipts = trail::receipts(node, &person, name.as_deref()).await?;
    let mut lines = told(&receipts.uses);
    lines.extend(receipts.payments.iter().map(|payment| {
        let reason = match payment.job {
            Some(job) => format!("answer {job}"),
            None => "licences and answers to others' questions".to_owned(),
        };
        let (at, amount) = (&payment.at, usdc(payment.amount));
        format!("{at}  dataset {} paid {amount} USDC for {reason}", payment.dataset)
    }));
    lines.extend(receipts.released.iter().map(|record| {
        let texts = ["to", "at"].into_iter().filter_map(|name| match record.details.get(name) {
            Some(Detail::Text(text)) => Some(text.as_str()),
            _ => None,
        });
        let to: Vec<&str> = texts.collect();
        format!("{}  protected records were given to {}", record.at, to.join(" "))
    }));
    if lines.is_empty() {
        let whose = name.as_deref().unwrap_or("this patient");
        lines.push(format!("no use of the data of {whose} yet"));
    }
    Ok(Outcome::new(&receipts, lines.join("\n")))
}

/// A member with their name, or a patient of a custodian: clap sees to it that one of them is named.
fn person(
    node: &Node,
    member: &Option<String>,
    custodian: &Option<String>,
    patient: &Option<String>,
) -> Result<(trail::Person, Option<String>)> {
    if let (Some(custodian), Some(patient)) = (custodian, patient) {
        return Ok((trail::Person::patient(node, custodian, patient)?, None));
    }
    let member = member::find_anyone(node, member.as_deref().unwrap_or_default())?;
    Ok((trail::Person::member(node, &member)?, Some(member.name)))
}

/// Who used what.
pub async fn trail(node: &Node, of: &Trail) -> Result<Outcome> {
    let Trail { of: Of { dataset, member, researcher, patient }, custodian } = of;
    let of = match (dataset, researcher) {
        (Some(dataset), _) => {
            custodian::require_dataset(node, *dataset).await?;
            trail::Of::Dataset(*dataset)
        }
        (_, Some(researcher)) => {
            trail::Of::Researcher(party::find(node, Role::Researcher, researcher)?)
        }
        _ => trail::Of::Person(person(node, member, custodian, patient)?.0),
    };
    let accesses = trail::accesses(node, &of).await?;
    let records = trail::records(node, &of).await?;
    let mut lines = told(&accesses);
    if lines.is_empty() {
        lines.push("no use yet".to_owned());
    }
    lines.extend(noted(&records));
    let value = json!({ "accesses": accesses, "records": records });
    Ok(Outcome::new(&value, lines.join("\n")))
}

fn noted(records: &[LogRecord]) -> Vec<String> {
    let row = |record: &LogRecord| {
        let kind = serde_json::to_value(record.kind).unwrap_or_default();
        let details = record.details.iter().map(|(name, detail)| match detail {
            Detail::Number(number) => format!("{name} {number}"),
            Detail::Text(text) => format!("{name} {text}"),
        });
        [
            record.at.clone(),
            format!("log of {}, record {}", record.custodian, record.record),
            kind.as_str().unwrap_or_default().to_owned(),
            record.subject.clone(),
            details.collect::<Vec<_>>().join(", "),
        ]
    };
    columns(&records.iter().map(row).collect::<Vec<_>>())
}

fn told(accesses: &[Access]) -> Vec<String> {
    let row = |access: &Access| {
        let who = access.researcher.clone().unwrap_or_else(|| access.account.to_string());
        let under = match access.under {
            None => format!("the consents of its people as of change {}", access.consent_counter),
            Some(Basis::Grant(grant)) => format!("grant {grant}"),
            Some(Basis::Paper) => "the consent on paper at the custodian".to_owned(),
        };
        [
            access.at.clone(),
            format!("answer {}", access.job),
            format!("dataset {} of {}", access.dataset, access.custodian),
            format!("{who} in {}", access.country),
            format!("for {}", access.purpose),
            format!("under {under}"),
        ]
    };
    columns(&accesses.iter().map(row).collect::<Vec<_>>())
}

/// Breaches and their clocks.
pub async fn breach(node: &Node, command: &Breach) -> Result<Outcome> {
    match command {
        Breach::Report { custodian, what, dataset, persons, aware } => {
            let new = NewBreach {
                what: what.clone(),
                dataset: *dataset,
                persons: *persons,
                aware: aware.clone(),
            };
            let done = breach::report(node, custodian, &new).await?;
            Ok(Outcome::new(&done, clock(&done)))
        }
        Breach::Notified { custodian, breach, reference } => {
            let done = breach::notified(node, custodian, *breach, reference).await?;
            Ok(Outcome::new(&done, clock(&done)))
        }
        Breach::List { custodian } => {
            let all = breach::list(node, custodian.as_deref()).await?;
            let lines: Vec<String> = all.iter().map(clock).collect();
            Ok(Outcome::list("breaches", &all, &lines, "no breach was reported"))
        }
    }
}

fn clock(breach: &breach::Breach) -> String {
    let state = match (&breach.notified, breach.remaining_seconds) {
        (Some(at), _) if breach.late => format!("the authority was told at {at}, too late"),
        (Some(at), _) => format!("the authority was told at {at}"),
        (None, Some(left)) if left > 0 => {
            format!("{} hours and {} minutes are left", left / 3_600, left % 3_600 / 60)
        }
        _ => "the time is over, and the authority was not told".to_owned(),
    };
    format!(
        "{} breach {}: known since {}; the authority must be told by {} ({}); {state}",
        breach.custodian, breach.breach, breach.aware, breach.deadline, breach.law
    )
}
