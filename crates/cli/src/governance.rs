//! The cooperative's decisions and the guardian's brake.

use caduceus_node::governance::{self, SCOPES, Standing};
use caduceus_node::{Address, Node, NodeError, Result, member, party};
use serde_json::json;

use crate::args::{Governance, Guardian, Scope, TokenName};
use crate::output::{Outcome, columns};

/// Proposes, votes, executes, shows.
pub async fn govern(node: &Node, command: &Governance) -> Result<Outcome> {
    match command {
        Governance::Propose { member, contributors, treasury, buyback } => {
            let proposer = member::find(node, member)?;
            let made =
                governance::propose_split(node, &proposer, *contributors, *treasury, *buyback);
            show(&governance::standing(node, &made.await?).await?)
        }
        Governance::Pay { member, token, amount, to } => {
            let proposer = member::find(node, member)?;
            let token = match token {
                TokenName::Data => governance::Token::Data,
                TokenName::Gov => governance::Token::Gov,
                TokenName::Usdc => governance::Token::Usdc,
            };
            let account = account(node, to)?;
            let made =
                governance::propose_payment(node, &proposer, token, *amount, account).await?;
            show(&governance::standing(node, &made).await?)
        }
        Governance::ProposeUpgrade { member, contract, artifact } => {
            let proposer = member::find(node, member)?;
            let made = governance::propose_upgrade(node, &proposer, contract, artifact).await?;
            show(&governance::standing(node, &made).await?)
        }
        Governance::Vote { members, of } => vote(node, members, of.proposal).await,
        Governance::Execute(of) => execute(node, of.proposal).await,
        Governance::Show(of) => {
            let proposal = governance::proposal(node, of.proposal)?;
            show(&governance::standing(node, &proposal).await?)
        }
        Governance::List => list(node).await,
    }
}

fn show(standing: &Standing) -> Result<Outcome> {
    Ok(Outcome::new(standing, standing.in_words()))
}

async fn vote(node: &Node, names: &[String], number: Option<u64>) -> Result<Outcome> {
    let proposal = governance::proposal(node, number)?;
    let voters = match names {
        [] => member::members(node)?,
        names => names.iter().map(|name| member::find(node, name)).collect::<Result<_>>()?,
    };
    show(&governance::vote_for(node, &proposal, &voters).await?)
}

async fn execute(node: &Node, number: Option<u64>) -> Result<Outcome> {
    let proposal = governance::proposal(node, number)?;
    let before = governance::standing(node, &proposal).await?.state;
    let standing = governance::execute(node, &proposal).await?;
    let text = match before {
        "executed" => format!("it was executed before; nothing changed\n{}", standing.in_words()),
        _ => standing.in_words(),
    };
    Ok(Outcome::new(&standing, text))
}

async fn list(node: &Node) -> Result<Outcome> {
    let mut all = Vec::new();
    for proposal in governance::proposals(node)? {
        all.push(governance::standing(node, &proposal).await?);
    }
    let none = "no proposals yet; `caduceus governance propose` makes one";
    Ok(Outcome::list("proposals", &all, &lines(&all), none))
}

/// A line for each proposal.
pub fn lines(all: &[Standing]) -> Vec<String> {
    let row = |one: &Standing| {
        let what: Vec<String> = one.actions.iter().map(|action| action.in_words()).collect();
        let votes = format!("{} for, {} against", one.votes_for, one.votes_against);
        let until = format!("voting until {}", one.voting_ends);
        [one.number.to_string(), one.state.to_owned(), votes, until, what.join("; ")]
    };
    columns(&all.iter().map(row).collect::<Vec<_>>())
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

/// Pauses and reopens.
pub async fn guard(node: &Node, command: &Guardian) -> Result<Outcome> {
    let bits =
        |scopes: &[Scope]| scopes.iter().fold(0, |bits, scope| bits | 1_u64 << (*scope as u8));
    match command {
        Guardian::Pause { scopes, hours } => {
            let bits = bits(scopes);
            governance::pause(node, bits, hours * 3_600, &node.new_key("pause")?).await?;
            let mut paused = governance::pauses(node).await?;
            paused.retain(|one| asked(bits, one.scope));
            let mut lines: Vec<String> = paused
                .iter()
                .map(|one| format!("{} is paused until {}", one.scope, one.until))
                .collect();
            lines.push("leaving, revoking, withdrawing, claiming and voting go on".to_owned());
            Ok(Outcome::new(&json!({ "paused": paused }), lines.join("\n")))
        }
        Guardian::Lift { scopes } => {
            let done = governance::lift(node, bits(scopes), &node.new_key("lift")?).await?;
            let mut lines = Vec::new();
            lines.extend(done.lifted.iter().map(|scope| format!("{scope} runs again")));
            lines.extend(
                done.not_paused
                    .iter()
                    .map(|scope| format!("{scope} was not paused; nothing changed")),
            );
            lines.extend(done.still_paused.iter().map(|one| {
                format!("{} stays paused until {}, by the members' vote", one.scope, one.until)
            }));
            Ok(Outcome::new(&done, lines.join("\n")))
        }
    }
}

fn asked(bits: u64, scope: &str) -> bool {
    SCOPES.iter().position(|known| *known == scope).is_some_and(|place| bits & (1 << place) != 0)
}
