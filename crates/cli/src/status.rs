//! What is in a home, at one look.

use caduceus_node::governance::{self, Pause, Standing};
use caduceus_node::member::Member;
use caduceus_node::party::{self, Party};
use caduceus_node::story::{self, DatasetReport, usdc};
use caduceus_node::{Node, Result, claims, member, researcher};
use serde::Serialize;

use crate::output::{Outcome, columns};
use crate::{governance as decisions, people};

/// Everything at one look.
#[derive(Serialize)]
struct Status {
    ledger: Ledger,
    parties: Vec<Party>,
    datasets: Vec<Dataset>,
    members: Vec<Member>,
    money: claims::Books,
    pauses: Vec<Pause>,
    proposals: Vec<Standing>,
}

#[derive(Serialize)]
struct Ledger {
    description: String,
    chain_id: u64,
    /// The ledger's clock (RFC 3339).
    time: String,
}

#[derive(Serialize)]
struct Dataset {
    #[serde(flatten)]
    report: DatasetReport,
    in_pool: bool,
}

/// Shows it.
pub async fn show(node: &Node) -> Result<Outcome> {
    let live = researcher::live_datasets(node).await?;
    let datasets = story::datasets(node).await?;
    let status = Status {
        ledger: Ledger {
            description: node.ledger().describe(),
            chain_id: node.chain_id(),
            time: node.clock().await?,
        },
        parties: party::parties(node)?,
        datasets: datasets
            .into_iter()
            .map(|report| Dataset { in_pool: live.contains(&report.token_id), report })
            .collect(),
        members: member::members(node)?,
        money: claims::books(node).await?,
        pauses: governance::pauses(node).await?,
        proposals: governance::open(node).await?,
    };
    let text = in_words(&status);
    Ok(Outcome::new(&status, text))
}

fn in_words(status: &Status) -> String {
    let mut lines = vec![format!("{}, at {}", status.ledger.description, status.ledger.time)];
    let mut part = |title: &str, rows: Vec<String>, none: &str| {
        lines.push(format!("\n{title}"));
        let rows = if rows.is_empty() { vec![none.to_owned()] } else { rows };
        lines.extend(rows.iter().map(|row| format!("  {row}")));
    };
    part("Parties", people::party_lines(&status.parties), people::NO_PARTIES);
    part("Datasets", datasets(&status.datasets), "none yet; `caduceus publish` makes one");
    part("Members", members(status), people::NO_MEMBERS);
    part("Money", money(&status.money), "");
    let pauses =
        status.pauses.iter().map(|one| format!("{} is paused until {}", one.scope, one.until));
    part("Pauses", pauses.collect(), "nothing is paused");
    part("Open proposals", decisions::lines(&status.proposals), "none");
    lines.join("\n")
}

fn datasets(all: &[Dataset]) -> Vec<String> {
    let row = |Dataset { report, in_pool }: &Dataset| {
        [
            report.token_id.to_string(),
            report.custodian.clone(),
            report.jurisdiction.clone(),
            format!("{} patients", report.patients),
            format!("{} rows", report.rows),
            format!("k {}", report.k),
            format!("{} shares", story::shares(&report.shares)),
            if *in_pool { "in the pool" } else { "withdrawn" }.to_owned(),
        ]
    };
    columns(&all.iter().map(row).collect::<Vec<_>>())
}

/// How many members each custodian's patients have among them.
fn members(status: &Status) -> Vec<String> {
    let count = |party: &Party| {
        status.members.iter().filter(|member| member.custodian == party.name).count()
    };
    let some = status.parties.iter().map(|party| (party, count(party)));
    let rows: Vec<[String; 2]> = some
        .filter(|(_, count)| *count > 0)
        .map(|(party, count)| [party.name.clone(), format!("{count} members")])
        .collect();
    columns(&rows)
}

fn money(books: &claims::Books) -> Vec<String> {
    let row = |what: &str, units: u64| [what.to_owned(), format!("{} USDC", usdc(units))];
    columns(&[
        row("paid by researchers", books.paid),
        row("for contributors", books.contributors),
        row("  claimed", books.claimed),
        row("  waiting to be claimed", books.claimable),
        row("for the treasury", books.treasury),
        row("for buy-back", books.buyback),
    ])
}
