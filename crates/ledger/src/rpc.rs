//! The embedded chain's JSON-RPC: one table of methods for calls in the process and for bytes from a socket.
//!
//! Answers and error texts follow go-ethereum, which wallets and libraries are written against. What is not known gets
//! -32601. What differs, and why:
//!
//! - `pending` is answered as the block that would be made now, hash included, where go-ethereum leaves the hash out.
//! - `safe` and `finalized` are the newest block: one party makes them all.
//! - A transaction that is in a block already is "already known", not "nonce too low".
//! - A nonce above the sender's next is "nonce too high": nothing is queued.
//! - `eth_simulateV1` takes one block without overrides and does not validate.
//! - `eth_call` takes no state overrides, `eth_getProof` is not served (see the state commitment in the header).

mod fees;
mod logs;
mod params;
mod shape;
mod simulate;

use std::borrow::Cow;

use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes, U64, U256, keccak256};
use alloy::rpc::json_rpc::{self, ErrorPayload, Id, ResponsePayload};
use alloy::rpc::types::{Filter, TransactionRequest};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

pub(crate) use logs::Filters;

use crate::{Chain, ChainError};
use params::Params;

/// The most requests in one batch (go-ethereum's default).
const BATCH_LIMIT: usize = 1_000;

/// A tip of 1 gwei is suggested, as Anvil does; blocks are hardly ever full here, so that any tip will do.
const SUGGESTED_TIP: u64 = 1_000_000_000;

/// One call of a method.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the answer is marked with.
    pub id: Id,
    /// The method's name.
    pub method: String,
    /// A JSON array, or nothing.
    pub params: Option<Box<RawValue>>,
}

/// The answer to one call.
pub type Response = json_rpc::Response;

/// Why a call got no result, with JSON-RPC's code for it.
#[derive(Debug)]
pub(crate) struct Failure {
    code: i64,
    message: String,
    data: Option<Bytes>,
}

impl Failure {
    fn server(message: impl Into<String>) -> Self {
        Self { code: -32000, message: message.into(), data: None }
    }

    fn params(message: impl Into<String>) -> Self {
        Self { code: -32602, message: message.into(), data: None }
    }

    fn no_method(method: &str) -> Self {
        let message = format!("the method {method} does not exist/is not available");
        Self { code: -32601, message, data: None }
    }

    fn payload(self) -> ErrorPayload {
        let data = self.data.and_then(|data| to_raw_value(&data).ok());
        ErrorPayload { code: self.code, message: Cow::Owned(self.message), data }
    }
}

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        let message = error.to_string();
        match error {
            ChainError::Reverted(data) => Self { code: 3, message, data: Some(data) },
            ChainError::Ledger(_) => Self { code: -32603, message, data: None },
            _ => Self::server(message),
        }
    }
}

type Answer = Result<Box<RawValue>, Failure>;

fn json(value: impl Serialize) -> Answer {
    to_raw_value(&value).map_err(|error| Failure {
        code: -32603,
        message: error.to_string(),
        data: None,
    })
}

/// Answers one call.
pub fn handle(chain: &Chain, request: &Request) -> Response {
    let payload = answer(chain, &request.method, request.params.as_deref());
    Response { id: request.id.clone(), payload }
}

/// Answers a call given as method and parameters.
pub(crate) fn answer(chain: &Chain, method: &str, params: Option<&RawValue>) -> ResponsePayload {
    let answer = Params::read(params).and_then(|params| dispatch(chain, method, &params));
    match answer {
        Ok(value) => ResponsePayload::Success(value),
        Err(failure) => ResponsePayload::Failure(failure.payload()),
    }
}

/// Answers the body of an HTTP request: one call or a batch. A body of notifications gets no bytes.
pub fn handle_bytes(chain: &Chain, body: &[u8]) -> Vec<u8> {
    let reply = |response: &Response| serde_json::to_vec(response).unwrap_or_default();
    let Ok(value) = serde_json::from_slice::<&RawValue>(body) else {
        return reply(&refuse(Id::None, -32700, "parse error"));
    };
    if !value.get().starts_with('[') {
        return handle_value(chain, value).as_ref().map(reply).unwrap_or_default();
    }
    let calls: Vec<&RawValue> = serde_json::from_str(value.get()).unwrap_or_default();
    if calls.is_empty() {
        return reply(&refuse(Id::None, -32600, "empty batch"));
    }
    if calls.len() > BATCH_LIMIT {
        return reply(&refuse(Id::None, -32600, "batch too large"));
    }
    let responses: Vec<Response> =
        calls.into_iter().filter_map(|call| handle_value(chain, call)).collect();
    if responses.is_empty() {
        return Vec::new();
    }
    serde_json::to_vec(&responses).unwrap_or_default()
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(default)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "even_null")]
    id: Option<&'a RawValue>,
    #[serde(default)]
    method: Option<String>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// Tells `"id": null`, which wants an answer, from no id at all, which wants none.
fn even_null<'de: 'a, 'a, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

fn handle_value(chain: &Chain, value: &RawValue) -> Option<Response> {
    let Ok(wire) = serde_json::from_str::<Wire<'_>>(value.get()) else {
        return Some(refuse(Id::None, -32600, "invalid request"));
    };
    let id = wire.id.map_or(Ok(Id::None), |id| serde_json::from_str::<Id>(id.get()));
    match (wire.jsonrpc.as_deref(), wire.method, id) {
        (Some("2.0"), Some(method), Ok(id)) => {
            let payload = answer(chain, &method, wire.params);
            wire.id.is_some().then_some(Response { id, payload })
        }
        (_, _, id) => Some(refuse(id.unwrap_or(Id::None), -32600, "invalid request")),
    }
}

fn refuse(id: Id, code: i64, message: &'static str) -> Response {
    let error = ErrorPayload { code, message: Cow::Borrowed(message), data: None };
    Response { id, payload: ResponsePayload::Failure(error) }
}

fn dispatch(chain: &Chain, method: &str, params: &Params<'_>) -> Answer {
    match method {
        "eth_chainId" => json(U64::from(chain.config().chain_id)),
        "net_version" => json(chain.config().chain_id.to_string()),
        "web3_clientVersion" => json(concat!("caduceus-ledger/", env!("CARGO_PKG_VERSION"))),
        "web3_sha3" => json(keccak256(params.required::<Bytes>(0)?)),
        "eth_syncing" => json(false),
        "eth_accounts" => json(Vec::<Address>::new()),
        "eth_blockNumber" => json(U64::from(chain.head().number)),
        "eth_gasPrice" => json(U64::from(fees::next_base_fee(chain) + SUGGESTED_TIP)),
        "eth_maxPriorityFeePerGas" => json(U64::from(SUGGESTED_TIP)),
        "eth_feeHistory" => fees::history(chain, params),
        "eth_getBalance" | "eth_getTransactionCount" | "eth_getCode" | "eth_getStorageAt" => {
            state(chain, method, params)
        }
        "eth_call" => {
            params.at_most(2)?;
            let request = params.required::<TransactionRequest>(0)?;
            json(chain.call(&request, params.block_or(1, BlockId::latest())?)?)
        }
        "eth_simulateV1" => simulate::blocks(chain, params),
        "eth_estimateGas" => {
            params.at_most(2)?;
            let request = params.required::<TransactionRequest>(0)?;
            // By default in the block to come: its time is what the transaction will see.
            json(U64::from(chain.estimate(&request, params.block_or(1, BlockId::pending())?)?))
        }
        "eth_sendRawTransaction" => {
            params.at_most(1)?;
            json(chain.submit(&params.required::<Bytes>(0)?)?)
        }
        "eth_getLogs" => {
            params.at_most(1)?;
            json(logs::matching(chain, &params.required::<Filter>(0)?)?)
        }
        _ if method.starts_with("eth_getBlock") || method.starts_with("eth_getTransaction") => {
            block(chain, method, params)
        }
        "eth_newFilter"
        | "eth_newBlockFilter"
        | "eth_getFilterChanges"
        | "eth_getFilterLogs"
        | "eth_uninstallFilter" => logs::filters(chain, method, params),
        _ if chain.config().development => develop(chain, method, params),
        _ => Err(Failure::no_method(method)),
    }
}

fn state(chain: &Chain, method: &str, params: &Params<'_>) -> Answer {
    let address: Address = params.required(0)?;
    if method == "eth_getStorageAt" {
        params.at_most(3)?;
        let slot = params.slot(1)?;
        let value = chain.storage(address, slot, params.block_or(2, BlockId::latest())?)?;
        return json(B256::from(value));
    }
    params.at_most(2)?;
    let at = params.block_or(1, BlockId::latest())?;
    if method == "eth_getCode" {
        return json(chain.code(address, at)?);
    }
    let account = chain.account(address, at)?;
    match method {
        "eth_getBalance" => json(account.map_or(U256::ZERO, |account| account.balance)),
        _ => json(U64::from(account.map_or(0, |account| account.nonce))),
    }
}

fn block(chain: &Chain, method: &str, params: &Params<'_>) -> Answer {
    match method {
        "eth_getBlockByNumber" | "eth_getBlockByHash" => {
            params.at_most(2)?;
            let at = block_named(method, params)?;
            let full = params.required::<bool>(1)?;
            json(chain.block(at)?.map(|block| shape::block(block, full)))
        }
        "eth_getBlockTransactionCountByNumber" | "eth_getBlockTransactionCountByHash" => {
            params.at_most(1)?;
            let block = chain.block(block_named(method, params)?)?;
            json(block.map(|block| U64::from(block.transactions.len())))
        }
        "eth_getTransactionByBlockNumberAndIndex" | "eth_getTransactionByBlockHashAndIndex" => {
            params.at_most(2)?;
            let at = block_named(method, params)?;
            let index = params.quantity(1)?;
            let block = chain.block(at)?;
            json(block.and_then(|block| shape::transaction(&block, usize::try_from(index).ok()?)))
        }
        "eth_getTransactionByHash" => {
            let hash = params.required::<B256>(0)?;
            if let Some(tx) = chain.waiting(hash) {
                return json(shape::waiting(tx));
            }
            let Some((number, index)) = chain.place(hash)? else { return json(()) };
            let block = chain.block(number.into())?;
            json(block.and_then(|block| shape::transaction(&block, usize::try_from(index).ok()?)))
        }
        "eth_getTransactionReceipt" => {
            let hash = params.required::<B256>(0)?;
            let Some((number, index)) = chain.place(hash)? else { return json(()) };
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            json(shape::receipts(chain, number.into())?.and_then(|all| all.into_iter().nth(index)))
        }
        "eth_getBlockReceipts" => {
            json(shape::receipts(chain, params.block_or(0, BlockId::latest())?)?)
        }
        _ => Err(Failure::no_method(method)),
    }
}

fn block_named(method: &str, params: &Params<'_>) -> Result<BlockId, Failure> {
    if method.contains("Hash") { Ok(params.required::<B256>(0)?.into()) } else { params.tag(0) }
}

/// Time travel and marks, for tests and simulations only.
fn develop(chain: &Chain, method: &str, params: &Params<'_>) -> Answer {
    match method {
        "evm_snapshot" => json(U64::from(chain.snapshot())),
        "evm_revert" => json(chain.revert(params.number(0)?)?),
        "evm_increaseTime" => {
            let seconds = i64::try_from(params.number(0)?)
                .map_err(|_| Failure::params("invalid argument 0: too many seconds"))?;
            json(chain.increase_time(seconds)?)
        }
        "evm_setNextBlockTimestamp" => {
            chain.set_next_timestamp(params.number(0)?)?;
            json(())
        }
        "evm_mine" => {
            if params.is_given(0) {
                chain.set_next_timestamp(params.number(0)?)?;
            }
            chain.mine()?;
            json("0x0")
        }
        "anvil_setBalance" => {
            chain.set_balance(params.required(0)?, params.required::<U256>(1)?)?;
            json(())
        }
        _ => Err(Failure::no_method(method)),
    }
}
