//! Money to the people whose data was used: members by Merkle claim, custodians by their part and their shares.

use std::collections::BTreeMap;

use alloy::primitives::{B256, U256};
use alloy::sol_types::SolValue;
use caduceus_contracts::{HealthDataPool, MemberClaims, RevenueSplitter, recast};
use caduceus_economics::merkle::{self, MerkleTree};
use serde::{Deserialize, Serialize};

use crate::attestor::{self, Claim};
use crate::custodian::{self, publications};
use crate::error::{NodeError, Result};
use crate::member::Member;
use crate::node::{Node, event};
use crate::party::{self, Party, Role};

/// Who may claim how much of one dataset's usage yield, all told: the content of the posted root.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PayoutTable {
    /// Cumulative USDC units by person, never less than in the table before.
    pub(crate) cumulative: BTreeMap<B256, u64>,
}

impl PayoutTable {
    fn total(&self) -> u64 {
        self.cumulative.values().sum()
    }

    /// Shares `amount` by weight, rounded down, on top of what everybody has; what is left waits for the next time.
    fn add(&mut self, weights: &BTreeMap<B256, u64>, amount: u64) {
        let sum: u128 = weights.values().map(|weight| u128::from(*weight)).sum();
        for (person, weight) in weights {
            let part = u128::from(amount) * u128::from(*weight) / sum.max(1);
            *self.cumulative.entry(*person).or_default() +=
                u64::try_from(part).expect("a part is at most the amount, which fits");
        }
    }

    fn tree(&self, dataset: u64) -> Result<MerkleTree> {
        let leaves = self.cumulative.iter().map(|(person, amount)| leaf(dataset, *person, *amount)).collect();
        MerkleTree::new(leaves).map_err(|error| NodeError::Chain(error.to_string()))
    }
}

/// `MemberClaims.leafOf`.
fn leaf(dataset: u64, person: B256, cumulative: u64) -> B256 {
    merkle::leaf_hash(&(U256::from(dataset), person, U256::from(cumulative)).abi_encode())
}

/// What came out of a claim.
#[derive(Clone, Debug, Serialize)]
pub struct Paid {
    /// Who was paid.
    pub who: String,
    /// USDC units.
    pub amount: u64,
}

/// Posts, for each dataset of a custodian that has new usage yield, the root by which its people can claim.
///
/// New money goes to the people whose consent stands now, by the number of their rows; what people had before stays.
pub async fn post_roots(node: &Node, custodian: &str) -> Result<usize> {
    let custodian = party::find(node, Role::Custodian, custodian)?;
    let claims = MemberClaims::new(node.at.member_claims, &node.provider);
    let mut posted = 0;
    for publication in publications(node, &custodian)? {
        let Some(dataset) = publication.dataset else { continue };
        let on_ledger = claims.claimsOf(U256::from(dataset)).call().await?;
        let vault = custodian::vault(node, &custodian)?;
        let mut table: PayoutTable = custodian::payout_table(&vault, dataset)?;
        let (funded, total) = (on_ledger.funded.to::<u64>(), table.total());
        if U256::from(total) == on_ledger.total {
            let weights = custodian::weights(node, &custodian, &vault, &publication).await?;
            table.add(&weights, funded - total);
            if weights.is_empty() || table.total() == total {
                continue;
            }
            custodian::keep_payout_table(&vault, dataset, &table)?;
        }
        post_root(node, &custodian, dataset, &table, funded).await?;
        posted += 1;
    }
    Ok(posted)
}

async fn post_root(node: &Node, custodian: &Party, dataset: u64, table: &PayoutTable, funded: u64) -> Result<()> {
    let (root, total) = (table.tree(dataset)?.root(), U256::from(table.total()));
    let content = (U256::from(dataset), root, total).abi_encode_params();
    let claim = Claim::new("CONTRIBUTION", U256::from(dataset).into(), &content);
    let examine = || {
        // The attestor builds the tree again from the custodian's table.
        let again = table.tree(dataset).map_err(|error| error.to_string())?;
        let sound = again.root() == root && table.total() <= funded;
        if sound { Ok(()) } else { Err("the payout table does not match its root, or exceeds what came in".into()) }
    };
    let proof = attestor::attest(node, &[claim], examine).await?.remove(0);
    let call = MemberClaims::postRootCall { datasetId: U256::from(dataset), root, total, contribution: recast(&proof) };
    let signer = custodian.signer(node);
    node.send("payout root posted", &format!("payout/{dataset}/{root}"), &signer, node.at.member_claims, &call).await?;
    custodian::note(node, custodian, "payout_root_posted", &[("dataset", dataset.to_string()), ("root", root.to_string())])
        .await
}

/// Pays a member what the posted roots give them. Anybody may ask for it; the money goes to the member alone.
pub async fn claim_member(node: &Node, member: &Member) -> Result<Paid> {
    let custodian = party::find(node, Role::Custodian, &member.custodian)?;
    let claims = MemberClaims::new(node.at.member_claims, &node.provider);
    let vault = custodian::vault(node, &custodian)?;
    let relay = node.key(crate::genesis::RELAY);
    let mut amount = 0;
    for dataset in publications(node, &custodian)?.iter().filter_map(|publication| publication.dataset) {
        let table = custodian::payout_table(&vault, dataset)?;
        let Some(&cumulative) = table.cumulative.get(&member.person) else { continue };
        let tree = table.tree(dataset)?;
        let posted = claims.claimsOf(U256::from(dataset)).call().await?.root == tree.root();
        let claimed = claims.claimed(U256::from(dataset), member.person).call().await?;
        if !posted || claimed >= U256::from(cumulative) {
            continue;
        }
        let proof = tree.proof(leaf(dataset, member.person, cumulative)).map_err(|error| NodeError::Chain(error.to_string()))?;
        let call = MemberClaims::claimCall {
            datasetId: U256::from(dataset),
            personId: member.person,
            cumulative: U256::from(cumulative),
            proof,
        };
        let key = format!("claim/{dataset}/{}/{cumulative}", member.person);
        let receipt = node.send("member claims", &key, &relay, node.at.member_claims, &call).await?;
        amount += event::<MemberClaims::Claimed>(&receipt).map_or(0, |claimed| claimed.amount.to::<u64>());
    }
    Ok(Paid { who: member.name.clone(), amount })
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
        let receipt = node.send("custodian's part released", &key, &signer, node.at.revenue_splitter, &call).await?;
        amount += event::<RevenueSplitter::Released>(&receipt).map_or(0, |released| released.amount.to::<u64>());
    }
    if !pool.claimable(account).call().await?.is_zero() {
        let call = HealthDataPool::claimRewardsCall { provider: account };
        let key = node.next_key("rewards", account).await?;
        let receipt = node.send("pool yield claimed", &key, &signer, node.at.health_data_pool, &call).await?;
        amount += event::<HealthDataPool::RewardsClaimed>(&receipt).map_or(0, |claimed| claimed.amount.to::<u64>());
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
    let splits = node.events::<RevenueSplitter::RevenueDistributed>(node.at.revenue_splitter, &[]).await?;
    let sum = |part: fn(&RevenueSplitter::RevenueDistributed) -> U256| {
        splits.iter().map(part).sum::<U256>().to::<u64>()
    };
    let members = node.events::<MemberClaims::Claimed>(node.at.member_claims, &[]).await?;
    let yields = node.events::<HealthDataPool::RewardsClaimed>(node.at.health_data_pool, &[]).await?;
    let splitter = RevenueSplitter::new(node.at.revenue_splitter, &node.provider);
    let treasury = splitter.treasury().call().await?;
    let released = node.events::<RevenueSplitter::Released>(node.at.revenue_splitter, &[]).await?;
    let to_custodians = released.iter().filter(|released| released.account != treasury).map(|released| released.amount);
    let claimed = members.iter().map(|claim| claim.amount).sum::<U256>()
        + yields.iter().map(|claim| claim.amount).sum::<U256>()
        + to_custodians.sum::<U256>();
    let in_claims = MemberClaims::new(node.at.member_claims, &node.provider).owed().call().await?;
    let in_pool = HealthDataPool::new(node.at.health_data_pool, &node.provider).owed().call().await?;
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
