//! `caduceus protect`: a custodian's ingested records in a home, or any one table without a home.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use caduceus_node::tables::{self, Account, TableJob, TableResult};
use caduceus_node::{Date, Node, NodeError, Reporter, Result, custodian};
use clap::Args;

use crate::output::Outcome;

/// How to call it, for its help.
pub const EXAMPLE: &str = r#"Example: caduceus protect --dir state --custodian klinikum-nord --k 10 --report report.html
Example: caduceus protect --input patients.csv --policy policy.toml --out protected.csv --report report.html

A policy for one table, with files named relative to its folder:

  k = 5                 # rows that must share every combination of quasi-identifiers
  suppression = 0.02    # share of the rows that may be left out
  utility = "loss"      # what to lose least: loss, discernibility, average_class_size, entropy

  [columns]             # a column that is not named is not released
  name    = { role = "identifying" }
  age     = { role = "quasi-identifier", hierarchy = { kind = "number", widths = [5, 10, 20] } }
  zip     = { role = "quasi-identifier", hierarchy = { kind = "zip" } }
  job     = { role = "quasi-identifier", hierarchy = "job.csv" }  # lines such as Nurse;Health;*
  disease = { role = "sensitive", l = 3, t = 0.3 }
  visits  = { role = "insensitive" }

docs/custodian.md explains every key."#;

#[derive(Debug, Args)]
pub struct Protect {
    /// The custodian whose ingested records are made safe
    #[arg(long, value_name = "NAME", required_unless_present = "input")]
    pub custodian: Option<String>,
    /// A table, CSV or Parquet, that is made safe without a home
    #[arg(long, value_name = "TABLE", conflicts_with = "custodian", requires = "policy")]
    pub input: Option<PathBuf>,
    /// What the columns of the table are and what must hold of the release
    #[arg(long, value_name = "POLICY.toml", requires = "input")]
    pub policy: Option<PathBuf>,
    /// Where the protected table goes; Parquet if the name ends in .parquet, else CSV
    #[arg(long, value_name = "FILE", requires = "input")]
    pub out: Option<PathBuf>,
    /// Where the report goes: a page for people, and its numbers beside it as JSON
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// File with the key of pseudonyms and shifted dates, 64 hex digits; without it a new one that nobody keeps
    #[arg(long, value_name = "FILE", requires = "input")]
    pub key: Option<PathBuf>,
    /// The day at which ages are counted, YYYY-MM-DD; today by default
    #[arg(long, value_name = "DATE", requires = "input")]
    pub date: Option<String>,
    /// Patients or rows that must look alike, in place of the policy's number
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub k: Option<u32>,
}

/// Protects one table.
pub fn one_table(arguments: &Protect, reporter: &Reporter) -> Result<Outcome> {
    let job = TableJob {
        input: arguments.input.clone().unwrap_or_default(),
        policy: arguments.policy.clone().unwrap_or_default(),
        k: arguments.k,
        output: arguments.out.clone(),
        report: arguments.report.clone(),
        key: arguments.key.clone(),
        date: day(arguments.date.as_deref())?,
    };
    let done = tables::protect(&job, reporter)?;
    Ok(Outcome::new(&done, told(&done)))
}

/// The day that was asked for, or today.
pub fn day(asked: Option<&str>) -> Result<Date> {
    match asked {
        Some(text) => Date::parse(text).ok_or_else(|| {
            NodeError::Usage(format!(
                "{text} is no day; write it as YYYY-MM-DD, such as 2026-03-01"
            ))
        }),
        None => {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let today = Date::since_epoch((since.as_secs() / 86_400) as i64);
            today.ok_or_else(|| {
                NodeError::Usage("the clock is wrong; give --date YYYY-MM-DD".into())
            })
        }
    }
}

/// Protects a custodian's records.
pub async fn records(node: &Node, arguments: &Protect) -> Result<Outcome> {
    let name = arguments.custodian.as_deref().unwrap_or_default();
    let done = custodian::protect(node, name, arguments.k, arguments.report.as_deref()).await?;
    let mut lines = vec![format!(
        "{} patients are each hidden among at least {}; {} were left out; {} identifying values removed",
        done.patients_out,
        done.k_reached,
        done.patients_suppressed,
        done.removed()
    )];
    let account = &done.report.account;
    lines.extend(account.generalization.iter().map(|(column, level)| {
        let top = account.levels.get(column).map_or(0, |levels| levels - 1);
        let meaning = done.report.meanings.get(column).map_or("", String::as_str);
        format!("  {column:24} level {level} of {top}: {meaning}")
    }));
    lines.extend(account.may_be_ages.iter().map(|column| {
        format!("  {column:24} has numbers over 89 that may be ages: if so, say reduce = \"age\"")
    }));
    lines.push(risk(account));
    lines.extend(arguments.report.iter().map(|path| format!("report in {}", path.display())));
    Ok(Outcome::new(&done, lines.join("\n")))
}

fn told(done: &TableResult) -> String {
    let account = &done.account;
    let mut lines = vec![
        format!(
            "{} of {} rows are released in {} classes, {} are left out; each {} is like at least {} others",
            account.released,
            account.rows,
            account.classes,
            account.suppressed,
            if account.persons.is_some() { "person" } else { "row" },
            account.k.saturating_sub(1)
        ),
        account.optimum(),
    ];
    for (column, level) in &account.generalization {
        let top = account.levels.get(column).map_or(0, |levels| levels - 1);
        let meaning = account.meanings.get(column).map_or("", String::as_str);
        lines.push(format!("  {column:24} level {level} of {top}: {meaning}"));
    }
    for (column, reached) in &account.sensitive {
        lines.push(format!(
            "  {column:24} at least {} values in every class, at most {:.3} from the whole table",
            reached.distinct, reached.distance
        ));
    }
    lines.extend(
        account
            .not_safe_harbor
            .iter()
            .map(|(column, why)| format!("  {column:24} no Safe Harbor: {why}")),
    );
    lines.push(risk(account));
    lines.extend(done.output.iter().map(|path| format!("written to {path}")));
    lines.extend(done.report.iter().map(|path| format!("report in {path}")));
    lines.join("\n")
}

/// What an attacker can still do, in a sentence.
fn risk(account: &Account) -> String {
    let risk = &account.risk;
    let expected = risk
        .linkage
        .expected_rate
        .map_or(String::new(), |expected| format!(" where {:.2} % is expected", expected * 100.0));
    format!(
        "risk of finding a person's row: {:.4} at most, {:.4} on average; an attacker who knew the quasi-identifiers of all {} people found {} ({:.2} %{expected}; {:.2} % before)",
        risk.prosecutor.highest,
        risk.prosecutor.average,
        risk.linkage.targets,
        risk.linkage.correct,
        risk.linkage.success_rate * 100.0,
        risk.linkage.success_rate_before * 100.0
    )
}
