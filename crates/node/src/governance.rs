//! The cooperative decides: one member, one vote, and a timelock between the vote and its effect.
//!
//! Members sign their ballots; a relay carries them. Nothing here needs the members to hold ether. Where a chain lets
//! time pass on request, these functions let it, but never past the end of a vote that is not won: what is lost by
//! waiting is lost by its members' silence, and they must have had their say.

mod breaker;
mod standing;
mod upgrade;

use alloy::primitives::utils::Unit;
use alloy::primitives::{Address, Bytes, U256, keccak256};
use alloy::sol_types::SolCall;
use caduceus_contracts::RevenueSplitter::Split;
use caduceus_contracts::words::{amount, date};
use caduceus_contracts::{
    AccessManager, CooperativeGovernor, DataToken, RevenueSplitter, Treasury, typed,
};
use serde::{Deserialize, Serialize};

use crate::contract::Call;
use crate::error::{NodeError, Result};
use crate::member::Member;
use crate::node::Node;

pub use breaker::{Lifted, Pause, SCOPES, lift, pause, pauses};
pub use standing::{Action, Standing, open, standing};
pub use upgrade::propose_upgrade;

/// `support` of a vote in favour (OpenZeppelin `GovernorCountingSimple`).
const FOR: u8 = 1;

/// A proposal that this home made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The governor's number for it.
    pub id: U256,
    /// The home's number for it, counted from 1; its description begins with it.
    #[serde(default)]
    pub number: u64,
    /// What it would do, in words.
    pub description: String,
    target: Address,
    call: Bytes,
}

/// A member proposes that revenue be split in another way from now on, in basis points that sum to 10,000.
pub async fn propose_split(
    node: &Node,
    proposer: &Member,
    contributors: u16,
    treasury: u16,
    buyback: u16,
) -> Result<Proposal> {
    if u32::from(contributors) + u32::from(treasury) + u32::from(buyback) != 10_000 {
        return Err(NodeError::Usage(
            "the parts of a split must sum to exactly 10000 basis points".into(),
        ));
    }
    let current = split(node).await?;
    let wanted = Split {
        contributorsBps: contributors,
        treasuryBps: treasury,
        buybackBps: buyback,
        ..current
    };
    let what = format!(
        "of revenue, {contributors} basis points to contributors, {treasury} to the treasury, {buyback} to buy-back"
    );
    let call = RevenueSplitter::setSplitCall { split_: wanted }.abi_encode();
    propose(node, proposer, &what, node.at.revenue_splitter, call.into()).await
}

/// A token that the treasury holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// The utility token, units of 1e-18.
    Data,
    /// The governance token, units of 1e-18.
    Gov,
    /// Test USDC, units of 1e-6.
    Usdc,
}

impl Token {
    const ALL: [Token; 3] = [Token::Data, Token::Gov, Token::Usdc];

    fn at(self, node: &Node) -> Address {
        match self {
            Token::Data => node.at.data_token,
            Token::Gov => node.at.governance_token,
            Token::Usdc => node.at.usdc,
        }
    }

    fn symbol(self) -> &'static str {
        match self {
            Token::Data => "DATA",
            Token::Gov => "GOV",
            Token::Usdc => "USDC",
        }
    }

    /// An amount in its units, as a decimal.
    fn in_words(self, units: U256) -> String {
        amount(units, if self == Token::Usdc { 6 } else { 18 })
    }
}

/// A member proposes that the treasury pays `amount` whole tokens to `recipient`.
///
/// Revenue that is owed to the treasury is fetched first, so that it can be paid out.
pub async fn propose_payment(
    node: &Node,
    proposer: &Member,
    token: Token,
    amount: u64,
    recipient: Address,
) -> Result<Proposal> {
    let target = token.at(node);
    let unit = if token == Token::Usdc { Unit::MWEI.wei() } else { Unit::ETHER.wei() };
    if token == Token::Usdc {
        fetch_revenue(node).await?;
    }
    let what = format!("the treasury pays {amount} {} to {recipient}", token.symbol());
    let pay = Treasury::payCall {
        token: target,
        to: recipient,
        amount: U256::from(amount) * unit,
        purpose: keccak256(what.as_bytes()),
    };
    propose(node, proposer, &what, node.at.treasury, pay.abi_encode().into()).await
}

/// Moves what the splitter owes to the treasury into it; anybody may.
async fn fetch_revenue(node: &Node) -> Result<()> {
    let (to, account) = (node.at.revenue_splitter, node.at.treasury);
    if RevenueSplitter::new(to, &node.provider).owed(account).call().await?.is_zero() {
        return Ok(());
    }
    let relay = node.key(crate::genesis::RELAY);
    let key = node.next_key("treasury", relay.address()).await?;
    node.send(
        "treasury's part released",
        &key,
        &relay,
        to,
        &RevenueSplitter::releaseCall { account },
    )
    .await?;
    Ok(())
}

/// A member proposes any call of a contract.
pub async fn propose_call(node: &Node, proposer: &Member, call: &Call) -> Result<Proposal> {
    let what = call.in_words(node).join("; ");
    propose(node, proposer, &what, call.at, call.data.clone()).await
}

pub(crate) async fn propose(
    node: &Node,
    proposer: &Member,
    what: &str,
    target: Address,
    call: Bytes,
) -> Result<Proposal> {
    let number = next_number(node)?;
    let description = format!("Proposal {number}: {what}");
    let governor = CooperativeGovernor::new(node.at.cooperative_governor, &node.provider);
    let id = governor
        .getProposalId(
            vec![target],
            vec![U256::ZERO],
            vec![call.clone()],
            keccak256(description.as_bytes()),
        )
        .call()
        .await?;
    let proposal = Proposal { id, number, description, target, call };
    node.fund(proposer.address).await?;
    let before = U256::from(node.now().await?.saturating_sub(1));
    if governor.getVotes(proposer.address, before).call().await?.is_zero() {
        // A membership counts from the second after joining on; a chain that keeps its own time lets it pass by itself.
        let _ = node.pass_time(1).await;
    }
    let propose = CooperativeGovernor::proposeCall {
        targets: vec![target],
        values: vec![U256::ZERO],
        calldatas: vec![proposal.call.clone()],
        description: proposal.description.clone(),
    };
    let signer = proposer.signer(node);
    node.send("propose", &format!("propose/{id}"), &signer, node.at.cooperative_governor, &propose)
        .await?;
    node.home.record(&format!("proposal/{id}"), &proposal)?;
    node.home.record(&format!("proposal-number/{number}"), &id)?;
    node.home.record("proposals", &number)?;
    Ok(proposal)
}

/// The number that the next proposal of this home gets.
pub(crate) fn next_number(node: &Node) -> Result<u64> {
    Ok(node.home.recall::<u64>("proposals")?.unwrap_or_default() + 1)
}

/// Every proposal that this home made, oldest first.
pub fn proposals(node: &Node) -> Result<Vec<Proposal>> {
    let mut all = Vec::new();
    for number in 1..next_number(node)? {
        all.extend(find(node, number)?);
    }
    Ok(all)
}

/// The proposal of this number, if this home made it.
pub(crate) fn find(node: &Node, number: u64) -> Result<Option<Proposal>> {
    let id: Option<U256> = node.home.recall(&format!("proposal-number/{number}"))?;
    Ok(id.map(|id| node.home.recall(&format!("proposal/{id}"))).transpose()?.flatten())
}

/// The proposal of this number, or the last that this home made.
pub fn proposal(node: &Node, number: Option<u64>) -> Result<Proposal> {
    let last = next_number(node)? - 1;
    let known = find(node, number.unwrap_or(last))?;
    known.ok_or_else(|| match last {
        0 => NodeError::not_ready(
            "there is no proposal yet",
            "make one with `caduceus governance propose`",
        ),
        _ => NodeError::not_ready(
            format!("there is no proposal {}", number.unwrap_or(last)),
            format!("this home made those from 1 to {last}; see `caduceus governance list`"),
        ),
    })
}

/// Waits for the vote to open, then lets `voters` vote for the proposal, each by signature. Who has voted is left alone.
///
/// Its notes say what else happened: who has no vote in it, and which other vote ended while the clock moved on.
pub async fn vote_for(node: &Node, proposal: &Proposal, voters: &[Member]) -> Result<Standing> {
    if voters.is_empty() {
        return Err(NodeError::not_ready(
            "there are no members who could vote",
            "bring them in with `caduceus member join`",
        ));
    }
    let governor = CooperativeGovernor::new(node.at.cooperative_governor, &node.provider);
    let snapshot = governor.proposalSnapshot(proposal.id).call().await?;
    let mut notes = pass_until(node, proposal, snapshot).await?;
    let relay = node.key(crate::genesis::RELAY);
    for member in voters {
        if governor.hasVoted(proposal.id, member.address).call().await? {
            continue;
        }
        if governor.getVotes(member.address, snapshot).call().await?.is_zero() {
            let note = format!(
                "{} became a member after this vote was called and has no vote in it",
                member.name
            );
            node.report.fact(note.clone());
            notes.push(note);
            continue;
        }
        require_open(&standing(node, proposal).await?)?;
        let nonce = governor.nonces(member.address).call().await?;
        let ballot =
            typed::Ballot { proposalId: proposal.id, support: FOR, voter: member.address, nonce };
        let to = node.at.cooperative_governor;
        let signature =
            node.sign(&member.signer(node), "Caduceus CooperativeGovernor", to, &ballot).into();
        let call = CooperativeGovernor::castVoteBySigCall {
            proposalId: proposal.id,
            support: FOR,
            voter: member.address,
            signature,
        };
        node.send("vote", &format!("vote/{}/{}", proposal.id, member.address), &relay, to, &call)
            .await?;
    }
    Ok(Standing { notes, ..standing(node, proposal).await? })
}

fn require_open(standing: &Standing) -> Result<()> {
    if standing.is_open() {
        return Ok(());
    }
    Err(NodeError::not_ready(
        format!(
            "voting on proposal {} ended on {}, and it is {}",
            standing.number, standing.voting_ends, standing.state
        ),
        "make another with `caduceus governance propose` if there is more to decide",
    ))
}

/// Brings a proposal that has won to its effect: waits for the vote's end, queues it, waits for the timelock, executes
/// it. One that was executed before is left as it is.
///
/// A vote that is open and could still be lost is not waited for, and one that was lost is an error.
pub async fn execute(node: &Node, proposal: &Proposal) -> Result<Standing> {
    let governor = CooperativeGovernor::new(node.at.cooperative_governor, &node.provider);
    let before = settled(node, proposal).await?;
    if before.state == "executed" {
        return Ok(before);
    }
    require_funds(node, proposal).await?;
    let relay = node.key(crate::genesis::RELAY);
    let to = node.at.cooperative_governor;
    let (targets, values) = (vec![proposal.target], vec![U256::ZERO]);
    let (calldatas, description) =
        (vec![proposal.call.clone()], keccak256(proposal.description.as_bytes()));
    let deadline = governor.proposalDeadline(proposal.id).call().await?;
    let mut notes = pass_until(node, proposal, deadline).await?;
    if standing(node, proposal).await?.state == "succeeded" {
        let queue = CooperativeGovernor::queueCall {
            targets: targets.clone(),
            values: values.clone(),
            calldatas: calldatas.clone(),
            descriptionHash: description,
        };
        node.send("queue proposal", &format!("queue/{}", proposal.id), &relay, to, &queue).await?;
    }
    if standing(node, proposal).await?.state == "queued" {
        let ready = governor.proposalEta(proposal.id).call().await?;
        notes.extend(pass_until(node, proposal, ready).await?);
        let execute = CooperativeGovernor::executeCall {
            targets,
            values,
            calldatas,
            descriptionHash: description,
        };
        node.send("execute proposal", &format!("execute/{}", proposal.id), &relay, to, &execute)
            .await?;
    }
    let after = standing(node, proposal).await?;
    require_won(&after)?;
    Ok(Standing { notes, ..after })
}

/// How a proposal stands, if what is to come cannot make it lose.
async fn settled(node: &Node, proposal: &Proposal) -> Result<Standing> {
    let mut now = standing(node, proposal).await?;
    if now.is_open() && !now.is_certain() {
        // A ledger without business has no new block that would tell that the vote is over. A chain that makes its
        // blocks itself refuses, and needs none.
        let _ = node.pass_time(0).await;
        now = standing(node, proposal).await?;
    }
    require_won(&now)?;
    if !now.is_open() || now.is_certain() {
        return Ok(now);
    }
    let what = format!(
        "proposal {} has not won yet: {}, and voting is open until {}",
        now.number,
        now.votes_in_words(),
        now.voting_ends
    );
    let todo = format!(
        "let members vote first with `caduceus governance vote --proposal {}`, or execute it when voting is over",
        now.number
    );
    Err(NodeError::not_ready(what, todo))
}

fn require_won(standing: &Standing) -> Result<()> {
    match standing.state {
        "defeated" | "cancelled" | "expired" => Err(NodeError::not_ready(
            format!(
                "proposal {} is {}: {} when voting ended on {}",
                standing.number,
                standing.state,
                standing.votes_in_words(),
                standing.voting_ends
            ),
            "nothing was changed; make another with `caduceus governance propose`",
        )),
        _ => Ok(()),
    }
}

/// The payment that a proposal makes, of a token that is known.
fn payment_of(node: &Node, proposal: &Proposal) -> Option<(Token, Treasury::payCall)> {
    if proposal.target != node.at.treasury {
        return None;
    }
    let payment = Treasury::payCall::abi_decode(&proposal.call).ok()?;
    let token = Token::ALL.into_iter().find(|token| token.at(node) == payment.token)?;
    Some((token, payment))
}

/// Refuses a payment that the treasury cannot make, before any time passes for it.
async fn require_funds(node: &Node, proposal: &Proposal) -> Result<()> {
    let Some((token, payment)) = payment_of(node, proposal) else { return Ok(()) };
    if token == Token::Usdc {
        fetch_revenue(node).await?;
    }
    let held = DataToken::new(payment.token, &node.provider);
    let held = held.balanceOf(node.at.treasury).call().await?;
    if held >= payment.amount {
        return Ok(());
    }
    let symbol = token.symbol();
    Err(NodeError::not_ready(
        format!(
            "the treasury holds {} {symbol}, and proposal {} pays {}",
            token.in_words(held),
            proposal.number,
            token.in_words(payment.amount)
        ),
        "execute it when the treasury holds enough",
    ))
}

/// The split of revenue that is in force.
pub async fn split(node: &Node) -> Result<Split> {
    Ok(RevenueSplitter::new(node.at.revenue_splitter, &node.provider).split().call().await?)
}

/// True if the deployer kept no power and the timelock alone administers the access manager.
pub async fn deployer_is_powerless(node: &Node) -> Result<bool> {
    let deployer = node.key(crate::genesis::DEPLOYER).address();
    let manager = AccessManager::new(node.at.access_manager, &node.provider);
    let administers = manager.hasRole(0, node.at.timelock).call().await?.isMember;
    Ok(administers && !manager.hasRole(0, deployer).call().await?.isMember)
}

/// Lets time pass for `proposal` until the ledger's clock is past `moment`. Gives a sentence for every other proposal of
/// this home whose vote ends by that.
async fn pass_until(node: &Node, proposal: &Proposal, moment: U256) -> Result<Vec<String>> {
    let (now, moment) = (node.now().await?, moment.saturating_to::<u64>());
    if now > moment {
        return Ok(Vec::new());
    }
    let mut notes = Vec::new();
    for other in open(node).await? {
        if other.number == proposal.number || other.ends > moment {
            continue;
        }
        let outcome = if other.would_win() { "won" } else { "lost" };
        let note = format!(
            "the ledger's clock moves on to {}, which ends the vote on proposal {}: as it stands ({}) it is {outcome}",
            date(moment + 1),
            other.number,
            other.votes_in_words()
        );
        node.report.fact(note.clone());
        notes.push(note);
    }
    node.pass_time(moment - now + 1).await?;
    Ok(notes)
}
