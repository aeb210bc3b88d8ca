//! The cooperative decides: one member, one vote, and a timelock between the vote and its effect.
//!
//! Members sign their ballots; a relay carries them. Nothing here needs the members to hold ether.

use alloy::primitives::utils::Unit;
use alloy::primitives::{Address, Bytes, U256, keccak256};
use alloy::sol_types::SolCall;
use caduceus_contracts::RevenueSplitter::Split;
use caduceus_contracts::{
    AccessManager, CircuitBreaker, CooperativeGovernor, DataToken, RevenueSplitter, typed,
};
use serde::{Deserialize, Serialize};

use crate::error::{NodeError, Result};
use crate::member::Member;
use crate::node::Node;

/// `support` of a vote in favour (OpenZeppelin `GovernorCountingSimple`).
const FOR: u8 = 1;

/// `IGovernor.ProposalState`, by its number.
const STATES: [&str; 8] =
    ["pending", "active", "cancelled", "defeated", "succeeded", "queued", "expired", "executed"];

/// A proposal that this home made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The governor's number for it.
    pub id: U256,
    /// What it would do, in words.
    pub description: String,
    target: Address,
    call: Bytes,
}

/// How a proposal stands.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// The proposal.
    pub proposal: U256,
    /// In words: pending, active, succeeded ...
    pub state: &'static str,
    /// Members for it.
    pub votes_for: u64,
    /// Members against it.
    pub votes_against: u64,
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
    let (target, unit, symbol) = match token {
        Token::Data => (node.at.data_token, Unit::ETHER.wei(), "DATA"),
        Token::Gov => (node.at.governance_token, Unit::ETHER.wei(), "GOV"),
        Token::Usdc => (node.at.usdc, Unit::MWEI.wei(), "USDC"),
    };
    if token == Token::Usdc {
        fetch_revenue(node).await?;
    }
    let what = format!("the treasury pays {amount} {symbol} to {recipient}");
    // All three are ERC-20: one call serves them.
    let call =
        DataToken::transferCall { to: recipient, value: U256::from(amount) * unit }.abi_encode();
    propose(node, proposer, &what, target, call.into()).await
}

/// Moves what the splitter owes to the treasury into it; anybody may.
async fn fetch_revenue(node: &Node) -> Result<()> {
    let (to, account) = (node.at.revenue_splitter, node.at.timelock);
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

async fn propose(
    node: &Node,
    proposer: &Member,
    what: &str,
    target: Address,
    call: Bytes,
) -> Result<Proposal> {
    let number = node.home.recall::<u64>("proposals")?.unwrap_or_default() + 1;
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
    let proposal = Proposal { id, description, target, call };
    node.fund(proposer.address).await?;
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
    node.home.record("last-proposal", &id)?;
    node.home.record("proposals", &number)?;
    Ok(proposal)
}

/// The last proposal that this home made.
pub fn proposal(node: &Node) -> Result<Proposal> {
    let id: Option<U256> = node.home.recall("last-proposal")?;
    let known = id.map(|id| node.home.recall(&format!("proposal/{id}"))).transpose()?.flatten();
    known.ok_or_else(|| {
        NodeError::not_ready(
            "there is no such proposal",
            "make one with `caduceus governance propose`",
        )
    })
}

/// Waits for the vote to open, then lets every member of this home vote for the proposal, each by signature.
pub async fn vote_for(node: &Node, proposal: &Proposal, voters: &[Member]) -> Result<()> {
    let governor = CooperativeGovernor::new(node.at.cooperative_governor, &node.provider);
    pass_until(node, governor.proposalSnapshot(proposal.id).call().await?).await?;
    let relay = node.key(crate::genesis::RELAY);
    for member in voters {
        if governor.hasVoted(proposal.id, member.address).call().await? {
            continue;
        }
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
    Ok(())
}

/// Brings a proposal that won to its effect: waits for the vote's end, queues it, waits for the timelock, executes it.
pub async fn execute(node: &Node, proposal: &Proposal) -> Result<Standing> {
    let governor = CooperativeGovernor::new(node.at.cooperative_governor, &node.provider);
    let relay = node.key(crate::genesis::RELAY);
    let to = node.at.cooperative_governor;
    let (targets, values) = (vec![proposal.target], vec![U256::ZERO]);
    let (calldatas, description) =
        (vec![proposal.call.clone()], keccak256(proposal.description.as_bytes()));
    pass_until(node, governor.proposalDeadline(proposal.id).call().await?).await?;
    if state(node, proposal).await? == "succeeded" {
        let queue = CooperativeGovernor::queueCall {
            targets: targets.clone(),
            values: values.clone(),
            calldatas: calldatas.clone(),
            descriptionHash: description,
        };
        node.send("queue proposal", &format!("queue/{}", proposal.id), &relay, to, &queue).await?;
    }
    if state(node, proposal).await? == "queued" {
        pass_until(node, governor.proposalEta(proposal.id).call().await?).await?;
        let execute = CooperativeGovernor::executeCall {
            targets,
            values,
            calldatas,
            descriptionHash: description,
        };
        node.send("execute proposal", &format!("execute/{}", proposal.id), &relay, to, &execute)
            .await?;
    }
    standing(node, proposal).await
}

/// How a proposal stands on the ledger.
pub async fn standing(node: &Node, proposal: &Proposal) -> Result<Standing> {
    let governor = CooperativeGovernor::new(node.at.cooperative_governor, &node.provider);
    let votes = governor.proposalVotes(proposal.id).call().await?;
    Ok(Standing {
        proposal: proposal.id,
        state: state(node, proposal).await?,
        votes_for: votes.forVotes.to(),
        votes_against: votes.againstVotes.to(),
    })
}

/// The split of revenue that is in force.
pub async fn split(node: &Node) -> Result<Split> {
    Ok(RevenueSplitter::new(node.at.revenue_splitter, &node.provider).split().call().await?)
}

/// The guardian pauses `scopes` (bits of `Scopes` in the contracts) for `seconds`, at most seven days.
pub async fn pause(node: &Node, scopes: u64, seconds: u64, key: &str) -> Result<()> {
    let guardian = node.key(crate::genesis::GUARDIAN);
    let call = CircuitBreaker::pauseCall { scopes: U256::from(scopes), duration: seconds };
    node.send("pause", key, &guardian, node.at.circuit_breaker, &call).await?;
    Ok(())
}

/// The guardian ends a pause before its time.
pub async fn lift(node: &Node, scopes: u64, key: &str) -> Result<()> {
    let guardian = node.key(crate::genesis::GUARDIAN);
    let call = CircuitBreaker::liftCall { scopes: U256::from(scopes) };
    node.send("lift the pause", key, &guardian, node.at.circuit_breaker, &call).await?;
    Ok(())
}

/// True if the deployer kept no power and the timelock alone administers the access manager.
pub async fn deployer_is_powerless(node: &Node) -> Result<bool> {
    let deployer = node.key(crate::genesis::DEPLOYER).address();
    let manager = AccessManager::new(node.at.access_manager, &node.provider);
    let administers = manager.hasRole(0, node.at.timelock).call().await?.isMember;
    Ok(administers && !manager.hasRole(0, deployer).call().await?.isMember)
}

async fn state(node: &Node, proposal: &Proposal) -> Result<&'static str> {
    let governor = CooperativeGovernor::new(node.at.cooperative_governor, &node.provider);
    let number = governor.state(proposal.id).call().await?;
    Ok(STATES.get(usize::from(number)).copied().unwrap_or("unknown"))
}

/// Lets time pass until the ledger's clock is past `moment`.
async fn pass_until(node: &Node, moment: U256) -> Result<()> {
    let (now, moment) = (node.now().await?, moment.to::<u64>());
    if now <= moment { node.pass_time(moment - now + 1).await } else { Ok(()) }
}
