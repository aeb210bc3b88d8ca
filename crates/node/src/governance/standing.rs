//! How a proposal stands on the ledger, and what it would do, read from the call that it makes.

use alloy::primitives::{Address, Bytes, U256};
use alloy::sol_types::SolCall;
use caduceus_contracts::words::date;
use caduceus_contracts::{CooperativeGovernor, MembershipToken, RevenueSplitter};
use serde::Serialize;

use super::{Proposal, payment_of, proposals};
use crate::error::Result;
use crate::node::Node;
use crate::{member, party};

/// `IGovernor.ProposalState`, by its number.
const STATES: [&str; 8] =
    ["pending", "active", "cancelled", "defeated", "succeeded", "queued", "expired", "executed"];

/// How votes are counted, in the order of `ProposalKinds` in the contracts.
const COUNTINGS: [&str; 3] = ["members", "root of GOV", "locked GOV"];

/// What a proposal does once it is executed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Revenue is split in another way, in basis points.
    Split {
        /// To contributors.
        contributors: u16,
        /// To the treasury.
        treasury: u16,
        /// To buy-back.
        buyback: u16,
        /// Of the contributors' part, to all pool shares.
        pool_yield: u16,
    },
    /// The treasury pays somebody.
    Payment {
        /// The token's symbol.
        token: &'static str,
        /// How much of it, as a decimal.
        amount: String,
        /// Whose account is paid.
        to: Address,
        /// The member or party of this home that has the account.
        name: Option<String>,
    },
    /// Anything else.
    Call {
        /// The contract.
        target: Address,
        /// What it is called with.
        data: Bytes,
    },
}

impl Action {
    /// The call of a proposal, decoded.
    fn of(node: &Node, proposal: &Proposal) -> Result<Action> {
        let Proposal { target, call, .. } = proposal;
        if *target == node.at.revenue_splitter
            && let Ok(set) = RevenueSplitter::setSplitCall::abi_decode(call)
        {
            return Ok(Action::Split {
                contributors: set.split_.contributorsBps,
                treasury: set.split_.treasuryBps,
                buyback: set.split_.buybackBps,
                pool_yield: set.split_.poolYieldBps,
            });
        }
        if let Some((token, payment)) = payment_of(node, proposal) {
            return Ok(Action::Payment {
                token: token.symbol(),
                amount: token.in_words(payment.amount),
                to: payment.to,
                name: name_of(node, payment.to)?,
            });
        }
        Ok(Action::Call { target: *target, data: call.clone() })
    }

    /// As a sentence.
    pub fn in_words(&self) -> String {
        let percent = |bps: &u16| format!("{}.{:02} %", bps / 100, bps % 100);
        match self {
            Action::Split { contributors, treasury, buyback, .. } => format!(
                "revenue is split anew: {} to contributors, {} to the treasury, {} to buy-back",
                percent(contributors),
                percent(treasury),
                percent(buyback)
            ),
            Action::Payment { token, amount, to, name } => {
                let who = name.as_ref().map_or(String::new(), |name| format!("{name}, "));
                format!("the treasury pays {amount} {token} to {who}{to}")
            }
            Action::Call { target, data } => format!("{target} is called with {data}"),
        }
    }
}

fn name_of(node: &Node, account: Address) -> Result<Option<String>> {
    let member = member::members(node)?.into_iter().find(|member| member.address == account);
    let party = party::parties(node)?.into_iter().find(|party| party.address == account);
    Ok(member.map(|member| member.name).or(party.map(|party| party.name)))
}

/// How a proposal stands.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// The governor's number for it, as a decimal.
    pub proposal: String,
    /// The home's number for it.
    pub number: u64,
    /// What its proposer wrote.
    pub description: String,
    /// What it does once it is executed, from the call that members vote on.
    pub actions: Vec<Action>,
    /// In words: pending, active, succeeded ...
    pub state: &'static str,
    /// How votes on it are counted: `members`, `root of GOV` or `locked GOV`.
    pub counting: &'static str,
    /// Members for it.
    pub votes_for: u64,
    /// Members against it.
    pub votes_against: u64,
    /// Members who took part and took no side.
    pub votes_abstain: u64,
    /// Members who may vote.
    pub members: u64,
    /// How many of them must take part.
    pub quorum: u64,
    /// When voting starts (RFC 3339).
    pub voting_starts: String,
    /// When voting ends (RFC 3339).
    pub voting_ends: String,
    /// When it can be executed, once it is queued (RFC 3339).
    pub executable_from: Option<String>,
    /// What else happened on the way, in sentences; it was told to the reporter when it happened.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// When voting ends, in unix seconds.
    #[serde(skip)]
    pub(super) ends: u64,
}

impl Standing {
    /// Whether members can vote, now or soon.
    pub fn is_open(&self) -> bool {
        matches!(self.state, "pending" | "active")
    }

    /// Whether it wins if nobody votes any more.
    pub(super) fn would_win(&self) -> bool {
        self.votes_for > self.votes_against && self.votes_for + self.votes_abstain >= self.quorum
    }

    /// Whether it wins whatever those who have not voted yet may do.
    pub(super) fn is_certain(&self) -> bool {
        // Other votes than those of members are not bounded by the number of members.
        let against = self.members.saturating_sub(self.votes_for + self.votes_abstain);
        self.counting == COUNTINGS[0]
            && self.state == "active"
            && self.would_win()
            && self.votes_for > against
    }

    /// The votes, as a part of a sentence.
    pub fn votes_in_words(&self) -> String {
        format!(
            "{} for, {} against, {} abstained, of {} members (quorum {})",
            self.votes_for, self.votes_against, self.votes_abstain, self.members, self.quorum
        )
    }

    /// As sentences.
    pub fn in_words(&self) -> String {
        let mut lines = vec![format!("proposal {} is {}", self.number, self.state)];
        if self.counting != COUNTINGS[0] {
            lines.push(format!("votes are counted by {}, in units of 1e-18", self.counting));
        }
        lines.extend(
            self.actions.iter().map(|action| format!("what it does: {}", action.in_words())),
        );
        lines.push(format!("votes: {}", self.votes_in_words()));
        lines.push(format!("voting: from {} until {}", self.voting_starts, self.voting_ends));
        if let Some(from) = self.executable_from.as_ref().filter(|_| self.state == "queued") {
            lines.push(format!("it can be executed from {from} on"));
        }
        lines.join("\n")
    }
}

/// How a proposal stands on the ledger.
pub async fn standing(node: &Node, proposal: &Proposal) -> Result<Standing> {
    let governor = CooperativeGovernor::new(node.at.cooperative_governor, &node.provider);
    let id = proposal.id;
    let votes = governor.proposalVotes(id).call().await?;
    let number = governor.state(id).call().await?;
    let starts: u64 = governor.proposalSnapshot(id).call().await?.saturating_to();
    let ends: u64 = governor.proposalDeadline(id).call().await?.saturating_to();
    let eta: u64 = governor.proposalEta(id).call().await?.saturating_to();
    let kind = governor.proposalKind(id).call().await?;
    let (members, mut quorum) = electorate(node, starts).await?;
    if usize::from(kind) == COUNTINGS.len() && starts < node.now().await? {
        quorum = governor.participation(id).call().await?.needed.saturating_to();
    }
    Ok(Standing {
        proposal: id.to_string(),
        number: proposal.number,
        description: proposal.description.clone(),
        actions: vec![Action::of(node, proposal)?],
        state: STATES.get(usize::from(number)).copied().unwrap_or("unknown"),
        // `ProposalKinds` in the contracts: 1 for members, then the others.
        counting: COUNTINGS
            .get(usize::from(kind).saturating_sub(1))
            .copied()
            .unwrap_or(COUNTINGS[0]),
        votes_for: votes.forVotes.saturating_to(),
        votes_against: votes.againstVotes.saturating_to(),
        votes_abstain: votes.abstainVotes.saturating_to(),
        members,
        quorum,
        voting_starts: date(starts),
        voting_ends: date(ends),
        executable_from: (eta != 0).then(|| date(eta)),
        notes: Vec::new(),
        ends,
    })
}

/// How many members may vote, and how many of them must take part. That is settled when voting starts; before it, the
/// members of now are the best that is known.
async fn electorate(node: &Node, starts: u64) -> Result<(u64, u64)> {
    let governor = CooperativeGovernor::new(node.at.cooperative_governor, &node.provider);
    let membership = MembershipToken::new(node.at.membership_token, &node.provider);
    if starts < node.now().await? {
        let start = U256::from(starts);
        let members = membership.getPastTotalSupply(start).call().await?;
        return Ok((members.saturating_to(), governor.quorum(start).call().await?.saturating_to()));
    }
    let members = membership.totalMembers().call().await?;
    // `GovernorVotesQuorumFraction`: the fraction of all votes, rounded down.
    let numerator = governor.quorumNumerator_1().call().await?;
    let denominator = governor.quorumDenominator().call().await?;
    Ok((members.saturating_to(), (members * numerator / denominator).saturating_to()))
}

/// Every proposal of this home that members can still vote on.
pub async fn open(node: &Node) -> Result<Vec<Standing>> {
    let mut open = Vec::new();
    for proposal in proposals(node)? {
        open.push(standing(node, &proposal).await?);
    }
    open.retain(Standing::is_open);
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn votes(state: &'static str, members: u64, quorum: u64, cast: [u64; 3]) -> Standing {
        Standing {
            proposal: "1".into(),
            number: 1,
            description: String::new(),
            actions: Vec::new(),
            state,
            counting: COUNTINGS[0],
            votes_for: cast[0],
            votes_against: cast[1],
            votes_abstain: cast[2],
            members,
            quorum,
            voting_starts: date(0),
            voting_ends: date(1),
            executable_from: None,
            notes: Vec::new(),
            ends: 1,
        }
    }

    #[test]
    fn a_vote_is_certain_exactly_if_no_votes_of_the_others_can_turn_it() {
        for members in 0..7_u64 {
            for cast_for in 0..=members {
                for against in 0..=members - cast_for {
                    for abstain in 0..=members - cast_for - against {
                        for quorum in 0..=members {
                            let now =
                                votes("active", members, quorum, [cast_for, against, abstain]);
                            let left = members - cast_for - against - abstain;
                            let wins_always = (0..=left).all(|more_for| {
                                (0..=left - more_for).all(|more_against| {
                                    let then =
                                        [cast_for + more_for, against + more_against, abstain];
                                    votes("active", members, quorum, then).would_win()
                                })
                            });
                            assert_eq!(now.is_certain(), wins_always, "{now:?}");
                        }
                    }
                }
            }
        }
    }
}
