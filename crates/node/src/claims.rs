//! Money to the people whose data was used: members by Merkle claim, custodians by their part and their shares.

use std::collections::BTreeMap;

use alloy::primitives::U256;
use caduceus_contracts::{HealthDataPool, MemberClaims, RevenueSplitter, recast};
use caduceus_economics::{ClaimTree, PersonId, Usdc};
use caduceus_vault::audit::Kind;
use serde::{Deserialize, Serialize};

use crate::attestor::{Case, Claim, Panel, Payout, Sealed, Subject};
use crate::custodian::{self, Evidence, publications};
use crate::error::{NodeError, Result};
use crate::member::Member;
use crate::node::{Node, event};
use crate::party::{self, Role};

/// What every person has earned from one dataset in all: the content of the posted root.
pub(crate) type Earned = BTreeMap<PersonId, Usdc>;

/// What came out of a claim.
#[derive(Clone, Debug, Serialize)]
pub struct Paid {
    /// Who was paid.
    pub who: String,
    /// USDC units.
    pub amount: u64,
}

/// Posts, for each dataset of a custodian that has new usage yield, the root by which its people can claim.
pub async fn post_roots(node: &Node, custodian: &str) -> Result<usize> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let claims = MemberClaims::new(node.at.member_claims, &node.provider);
    let mut posted = 0;
    for publication in publications(node, &custodian)? {
        let Some(dataset) = publication.dataset else { continue };
        let vault = custodian::vault(node, &custodian)?;
        let earned = custodian::settled(node, &custodian, &vault, &publication, dataset).await?;
        let total = Usdc::sum(earned.values().copied()).map_err(unpayable)?;
        let on_ledger = claims.claimsOf(U256::from(dataset)).call().await?;
        if total.to_u256() == on_ledger.total {
            continue;
        }
        let tree = ClaimTree::new(U256::from(dataset), earned).map_err(unpayable)?;
        let summary = custodian::summary(&vault, &publication)?;
        let evidence = Evidence { custodian: &custodian, vault: &vault, summary: &summary };
        let sealed = Sealed { evidence: &evidence, publication: &publication };
        post_root(node, sealed, dataset, &tree).await?;
        posted += 1;
    }
    Ok(posted)
}

async fn post_root(node: &Node, sealed: Sealed<'_>, dataset: u64, tree: &ClaimTree) -> Result<()> {
    let (root, total) = (tree.root(), tree.total().to_u256());
    let Evidence { custodian, vault, .. } = *sealed.evidence;
    let payments = custodian::weighed(vault, dataset)?;
    let about = Subject::Payout(Payout { root, total, payments });
    let case = Case { custodian, about, sealed: Some(sealed) };
    let claim = Claim::contribution(dataset, root, total);
    let proof = Panel::of(node)?.attest_one(node, &case, claim).await?;
    custodian::note_attested(node, custodian, "CONTRIBUTION", &proof).await?;
    let call = MemberClaims::postRootCall {
        datasetId: U256::from(dataset),
        root,
        total,
        contribution: recast(&proof),
    };
    let details = [("dataset", custodian::number(dataset))];
    custodian::note(node, custodian, Kind::PayoutRootPosted, &root.to_string(), &details).await?;
    let (key, signer) = (format!("payout/{dataset}/{root}"), custodian.signer(node));
    node.send("payout root posted", &key, &signer, node.at.member_claims, &call).await?;
    Ok(())
}

pub(crate) fn usdc(units: U256) -> Result<Usdc> {
    Usdc::try_from(units).map_err(unpayable)
}

pub(crate) fn unpayable(error: impl std::fmt::Display) -> NodeError {
    NodeError::Chain(format!("the payouts do not add up: {error}"))
}

/// Pays members what the posted roots give them. Anybody may ask for it; the money goes to each member alone.
pub async fn claim_members(node: &Node, members: &[Member]) -> Result<Vec<Paid>> {
    let mut trees: BTreeMap<&str, Vec<ClaimTree>> = BTreeMap::new();
    let mut paid = Vec::new();
    for member in members {
        if !trees.contains_key(member.custodian.as_str()) {
            trees.insert(&member.custodian, posted_trees(node, &member.custodian).await?);
        }
        let mut amount = 0;
        for tree in trees.get(member.custodian.as_str()).into_iter().flatten() {
            amount += claim_from(node, member, tree).await?;
        }
        paid.push(Paid { who: member.name.clone(), amount });
        node.report.progress("members paid", paid.len() as u64, Some(members.len() as u64));
    }
    Ok(paid)
}

/// The trees behind the roots that a custodian has posted, one a dataset.
async fn posted_trees(node: &Node, custodian: &str) -> Result<Vec<ClaimTree>> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let claims = MemberClaims::new(node.at.member_claims, &node.provider);
    let vault = custodian::vault(node, &custodian)?;
    let mut trees = Vec::new();
    for publication in publications(node, &custodian)? {
        let Some(dataset) = publication.dataset else { continue };
        let earned = custodian::earned(&vault, dataset)?;
        if earned.is_empty() {
            continue;
        }
        let tree = ClaimTree::new(U256::from(dataset), earned).map_err(unpayable)?;
        if claims.claimsOf(U256::from(dataset)).call().await?.root == tree.root() {
            trees.push(tree);
        }
    }
    Ok(trees)
}

/// Pays a member what one dataset's tree gives them beyond what they had. Gives USDC units.
async fn claim_from(node: &Node, member: &Member, tree: &ClaimTree) -> Result<u64> {
    let person = PersonId(member.person);
    if !tree.earned().contains_key(&person) {
        return Ok(0);
    }
    let claims = MemberClaims::new(node.at.member_claims, &node.provider);
    let (cumulative, proof) = tree.claim(person).map_err(unpayable)?;
    let claimed = claims.claimed(tree.dataset_id(), member.person).call().await?;
    if claimed >= cumulative.to_u256() {
        return Ok(0);
    }
    let call = MemberClaims::claimCall {
        datasetId: tree.dataset_id(),
        personId: member.person,
        cumulative: cumulative.to_u256(),
        proof,
    };
    let key = format!("claim/{}/{}/{}", tree.dataset_id(), member.person, cumulative.units());
    let relay = node.key(crate::genesis::RELAY);
    let receipt = node.send("member claims", &key, &relay, node.at.member_claims, &call).await?;
    Ok(event::<MemberClaims::Claimed>(&receipt).map_or(0, |claimed| claimed.amount.to()))
}

/// Pays a custodian its part of usage yield and the yield of its pool shares.
pub async fn claim_custodian(node: &Node, name: &str) -> Result<Paid> {
    let custodian = party::find(node, Role::Custodian, name)?;
    let splitter = RevenueSplitter::new(node.at.revenue_splitter, &node.provider);
    let pool = HealthDataPool::new(node.at.health_data_pool, &node.provider);
    let signer = custodian.signer(node);
    let account = custodian.address;
    let mut amount = 0;
    if !splitter.owed(account).call().await?.is_zero() {
        let call = RevenueSplitter::releaseCall { account };
        let key = node.next_key("release", account).await?;
        let receipt = node
            .send("custodian's part released", &key, &signer, node.at.revenue_splitter, &call)
            .await?;
        amount += event::<RevenueSplitter::Released>(&receipt)
            .map_or(0, |released| released.amount.to::<u64>());
    }
    if !pool.claimable(account).call().await?.is_zero() {
        let call = HealthDataPool::claimRewardsCall { provider: account };
        let key = node.next_key("rewards", account).await?;
        let receipt =
            node.send("pool yield claimed", &key, &signer, node.at.health_data_pool, &call).await?;
        amount += event::<HealthDataPool::RewardsClaimed>(&receipt)
            .map_or(0, |claimed| claimed.amount.to::<u64>());
    }
    Ok(Paid { who: custodian.name, amount })
}

/// Where every unit that came in is, by the ledger's own books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// USDC units that researchers paid and that were split.
    pub paid: u64,
    /// To contributors.
    pub contributors: u64,
    /// To the treasury.
    pub treasury: u64,
    /// To buy-back.
    pub buyback: u64,
    /// Contributors' money that was paid out.
    pub claimed: u64,
    /// Contributors' money that waits for its owners.
    pub claimable: u64,
}

/// Adds up the money from the ledger's events and holdings.
pub async fn books(node: &Node) -> Result<Books> {
    let splits =
        node.events::<RevenueSplitter::RevenueDistributed>(node.at.revenue_splitter, &[]).await?;
    let sum = |part: fn(&RevenueSplitter::RevenueDistributed) -> U256| {
        splits.iter().map(part).sum::<U256>().to::<u64>()
    };
    let members = node.events::<MemberClaims::Claimed>(node.at.member_claims, &[]).await?;
    let yields =
        node.events::<HealthDataPool::RewardsClaimed>(node.at.health_data_pool, &[]).await?;
    let splitter = RevenueSplitter::new(node.at.revenue_splitter, &node.provider);
    let treasury = splitter.treasury().call().await?;
    let released = node.events::<RevenueSplitter::Released>(node.at.revenue_splitter, &[]).await?;
    let to_custodians = released
        .iter()
        .filter(|released| released.account != treasury)
        .map(|released| released.amount);
    let claimed = members.iter().map(|claim| claim.amount).sum::<U256>()
        + yields.iter().map(|claim| claim.amount).sum::<U256>()
        + to_custodians.sum::<U256>();
    let in_claims = MemberClaims::new(node.at.member_claims, &node.provider).owed().call().await?;
    let in_pool =
        HealthDataPool::new(node.at.health_data_pool, &node.provider).owed().call().await?;
    let of_custodians = splitter.totalOwed().call().await? - splitter.owed(treasury).call().await?;
    Ok(Books {
        paid: sum(|split| split.amount),
        contributors: sum(|split| split.contributors),
        treasury: sum(|split| split.treasury),
        buyback: sum(|split| split.buyback),
        claimed: claimed.to(),
        claimable: (in_claims + in_pool + of_custodians).to(),
    })
}
