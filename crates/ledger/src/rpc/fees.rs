//! What gas costs and has cost.

use alloy::consensus::{Sealed, Transaction};
use alloy::eips::BlockId;
use alloy::eips::eip1559::BaseFeeParams;
use alloy::rpc::types::FeeHistory;

use super::params::Params;
use super::{Answer, Failure, json};
use crate::chain::BlockRecord;
use crate::{Chain, ChainError};

/// The most blocks that one answer covers (go-ethereum's default).
const MOST_BLOCKS: u64 = 1024;

/// The most percentiles in one question (go-ethereum's limit).
const MOST_PERCENTILES: usize = 100;

/// Price of blob gas in wei: the least there is, as no block holds blobs (EIP-4844).
const BLOB_BASE_FEE: u128 = 1;

pub(crate) fn next_base_fee(chain: &Chain) -> u64 {
    chain.head().next_block_base_fee(BaseFeeParams::ethereum()).unwrap_or_default()
}

pub(crate) fn history(chain: &Chain, params: &Params<'_>) -> Answer {
    params.at_most(3)?;
    let wanted = params.number(0)?.min(MOST_BLOCKS);
    let percentiles: Vec<f64> = params.optional(2)?.unwrap_or_default();
    check(&percentiles)?;
    let newest = chain.header(params.tag(1)?)?;
    let newest = newest.ok_or_else(|| Failure::server("request beyond head block"))?;
    if wanted == 0 {
        return json(FeeHistory::default());
    }
    // Past the first block there is nothing to tell, and the answer is as much shorter.
    let oldest = (newest.number + 1).saturating_sub(wanted);
    let mut history = FeeHistory { oldest_block: oldest, ..FeeHistory::default() };
    let mut rewards = Vec::new();
    for number in oldest..=newest.number {
        let block = chain.block(BlockId::number(number))?;
        let block = block.ok_or_else(|| Failure::server("header not found"))?;
        let header = &block.header;
        history.base_fee_per_gas.push(header.base_fee_per_gas.unwrap_or_default().into());
        #[expect(
            clippy::cast_precision_loss,
            reason = "a ratio of gas is told as a float by the standard"
        )]
        history.gas_used_ratio.push(header.gas_used as f64 / header.gas_limit as f64);
        history.base_fee_per_blob_gas.push(BLOB_BASE_FEE);
        history.blob_gas_used_ratio.push(0.0);
        rewards.push(tips(chain, &block, &percentiles)?);
    }
    let next = Sealed::inner(&newest).next_block_base_fee(BaseFeeParams::ethereum());
    history.base_fee_per_gas.push(next.unwrap_or_default().into());
    history.base_fee_per_blob_gas.push(BLOB_BASE_FEE);
    history.reward = (!percentiles.is_empty()).then_some(rewards);
    json(history)
}

fn check(percentiles: &[f64]) -> Result<(), Failure> {
    if percentiles.len() > MOST_PERCENTILES {
        return Err(Failure::server(format!(
            "over the query limit: over {MOST_PERCENTILES} percentiles"
        )));
    }
    let mut before = 0.0;
    for (index, percentile) in percentiles.iter().enumerate() {
        if !(0.0..=100.0).contains(percentile) {
            return Err(Failure::server(format!("invalid reward percentile: {percentile}")));
        }
        if index > 0 && *percentile <= before {
            return Err(Failure::server(format!(
                "invalid reward percentile: #{}:{before} >= #{index}:{percentile}",
                index - 1
            )));
        }
        before = *percentile;
    }
    Ok(())
}

/// The tips at the given percentiles of the gas that a block used.
fn tips(chain: &Chain, block: &BlockRecord, percentiles: &[f64]) -> Result<Vec<u128>, ChainError> {
    if percentiles.is_empty() || block.transactions.is_empty() {
        return Ok(vec![0; percentiles.len()]);
    }
    let base_fee = block.header.base_fee_per_gas.unwrap_or_default();
    let outcomes = chain.outcomes(block.header.number)?;
    let mut paid: Vec<(u128, u64)> = block
        .transactions
        .iter()
        .zip(outcomes)
        .map(|(tx, outcome)| {
            (tx.inner().effective_tip_per_gas(base_fee).unwrap_or_default(), outcome.gas_used)
        })
        .collect();
    paid.sort_unstable();
    let at = |percentile: &f64| {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of gas between nothing and all of it"
        )]
        let threshold = (block.header.gas_used as f64 * percentile / 100.0) as u64;
        let mut sum = 0;
        let reached = paid.iter().find(|(_, gas)| {
            sum += gas;
            sum >= threshold
        });
        reached.or(paid.last()).map_or(0, |(tip, _)| *tip)
    };
    Ok(percentiles.iter().map(at).collect())
}
