//! `eth_simulateV1`, as far as a look ahead needs it: one block of calls on the state as it is.

use alloy::eips::BlockId;
use alloy::primitives::{B256, U64, U256};
use alloy::rpc::types::TransactionRequest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::params::Params;
use super::{Answer, Failure, json as answer, shape};
use crate::{Chain, ChainError, Simulated};

/// What is asked. A field that is not served is refused rather than passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    block_state_calls: Vec<Calls>,
    #[serde(default)]
    validation: bool,
    #[serde(default, rename = "traceTransfers")]
    traces_transfers: bool,
    #[serde(default, rename = "returnFullTransactions")]
    full_transactions: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Calls {
    calls: Vec<TransactionRequest>,
}

pub(super) fn blocks(chain: &Chain, params: &Params<'_>) -> Answer {
    params.at_most(2)?;
    let wanted: Wanted = params.required(0)?;
    let [block] = &wanted.block_state_calls[..] else {
        return Err(Failure::params("invalid argument 0: want exactly one block"));
    };
    if wanted.validation || wanted.traces_transfers || wanted.full_transactions {
        return Err(Failure::params(
            "invalid argument 0: validation, traceTransfers and returnFullTransactions are not served",
        ));
    }
    // The calls see the block to come: its time is what a transaction will see.
    let at = match params.block_or(1, BlockId::latest())? {
        latest if latest == BlockId::latest() => BlockId::pending(),
        other => other,
    };
    let done = chain.simulate(&block.calls, at)?;
    let record = chain.block(at)?.ok_or(ChainError::UnknownBlock("header not found"))?;
    let mut shaped = serde_json::to_value(shape::block(record, false))
        .map_err(|error| Failure::server(error.to_string()))?;
    shaped["calls"] = done.iter().map(call).collect();
    answer([shaped])
}

fn call(done: &Simulated) -> Value {
    let mut value = json!({
        "status": if done.output.is_ok() { "0x1" } else { "0x0" },
        "gasUsed": U64::from(done.gas_used),
        "returnData": "0x",
        "logs": [],
    });
    match &done.output {
        Ok(output) => {
            value["returnData"] = json!(output);
            let log = |(index, log): (usize, &alloy::primitives::Log)| {
                json!({
                    "address": log.address,
                    "topics": log.topics(),
                    "data": log.data.data,
                    "logIndex": U256::from(index),
                    "blockNumber": U64::ZERO,
                    "blockHash": B256::ZERO,
                    "transactionHash": B256::ZERO,
                    "transactionIndex": U64::ZERO,
                    "removed": false,
                })
            };
            value["logs"] = done.logs.iter().enumerate().map(log).collect();
        }
        Err(error) => {
            let data = match error {
                ChainError::Reverted(data) => data.clone(),
                _ => Default::default(),
            };
            value["returnData"] = json!(data);
            value["error"] = json!({ "code": 3, "message": error.to_string(), "data": data });
        }
    }
    value
}
