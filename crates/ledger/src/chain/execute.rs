//! Running transactions and calls, and finding how much gas they need.

use alloy::consensus::transaction::Recovered;
use alloy::consensus::{Header, Transaction, TxEnvelope, Typed2718};
use alloy::primitives::{Address, Bytes, TxKind, U256};
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::{Panic, Revert, SolError};
use revm::context::result::{
    EVMError, ExecutionResult, HaltReason, InvalidTransaction, OutOfGasError, ResultAndState,
};
use revm::context::{BlockEnv, CfgEnv, TxEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::context_interface::either::Either;
use revm::primitives::eip4844::BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE;
use revm::primitives::hardfork::SpecId;
use revm::{Context, ExecuteEvm, MainBuilder, MainContext};

use super::block::Outcome;
use super::state::{Overlay, ReadError};
use crate::LedgerError;
use crate::chain::refusal::Refusal;

/// The rules of execution: Prague, as on Ethereum from May 2025.
pub(crate) const SPEC: SpecId = SpecId::PRAGUE;

/// Gas that a call may use when it asks for none or for more; go-ethereum's default for calls over RPC.
pub(crate) const CALL_GAS_CAP: u64 = 50_000_000;

/// Gas of a plain transfer, and the least of any transaction (yellow paper, appendix G).
const TRANSFER_GAS: u64 = 21_000;

/// Gas that a callee is given for free with value (yellow paper, appendix G).
const CALL_STIPEND: u64 = 2_300;

/// Why an execution gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The contract reverted.
    #[error("{}", revert_message(.0))]
    Reverted(Bytes),
    /// The EVM stopped for another reason, such as a lack of gas.
    #[error("{0}")]
    Halted(String),
    /// No block has this number or hash.
    #[error("{0}")]
    UnknownBlock(&'static str),
    /// A request that makes no sense at this moment, such as a time before the last block's.
    #[error("{0}")]
    Invalid(String),
    /// The transaction may not run at all.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The ledger's file failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// "execution reverted", with the reason where the contract gave one in a standard form.
fn revert_message(data: &Bytes) -> String {
    if let Ok(revert) = Revert::abi_decode(data) {
        return format!("execution reverted: {}", revert.reason);
    }
    if let Ok(panic) = Panic::abi_decode(data) {
        let code = panic.code;
        let reason = panic.kind().map_or_else(|| format!("panic {code:#x}"), |k| k.as_str().into());
        return format!("execution reverted: {reason}");
    }
    "execution reverted".into()
}

/// Whether an execution must meet all rules of a signed transaction, or the looser ones of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    Transaction,
    Call,
}

fn block_env(header: &Header) -> BlockEnv {
    BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        difficulty: U256::ZERO,
        prevrandao: Some(header.mix_hash),
        blob_excess_gas_and_price: Some(BlobExcessGasAndPrice::new(
            0,
            BLOB_BASE_FEE_UPDATE_FRACTION_PRAGUE,
        )),
        ..BlockEnv::default()
    }
}

fn config(chain_id: u64, rules: Rules) -> CfgEnv {
    let mut config = CfgEnv::new_with_spec(SPEC).with_chain_id(chain_id);
    let loose = rules == Rules::Call;
    config.disable_nonce_check = loose;
    config.disable_eip3607 = loose;
    config.disable_block_gas_limit = loose;
    config
}

/// Runs `tx` over `state` in the block of `header`, and changes nothing.
pub(crate) fn run(
    state: &mut Overlay<'_>,
    header: &Header,
    chain_id: u64,
    tx: TxEnv,
    rules: Rules,
) -> Result<ResultAndState, ChainError> {
    let mut env = block_env(header);
    if rules == Rules::Call && tx.gas_price == 0 {
        // A call that offers no price is not held to the base fee.
        env.basefee = 0;
    }
    let (nonce, caller) = (tx.nonce, tx.caller);
    Context::mainnet()
        .with_db(state)
        .with_block(env)
        .with_cfg(config(chain_id, rules))
        .build_mainnet()
        .transact(tx)
        .map_err(|error| match error {
            EVMError::Database(ReadError(error)) => ChainError::Ledger(error),
            EVMError::Transaction(reason) => {
                ChainError::Refused(refusal(reason, caller, nonce, header, chain_id))
            }
            other => ChainError::Halted(other.to_string()),
        })
}

fn refusal(
    reason: InvalidTransaction,
    sender: Address,
    nonce: u64,
    header: &Header,
    chain_id: u64,
) -> Refusal {
    match reason {
        InvalidTransaction::NonceTooLow { tx, state } => Refusal::NonceTooLow { tx, next: state },
        InvalidTransaction::NonceTooHigh { tx, state } => Refusal::NonceTooHigh { tx, next: state },
        InvalidTransaction::LackOfFundForMaxFee { fee, balance } => {
            Refusal::Funds { balance: *balance, cost: *fee }
        }
        InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
            Refusal::IntrinsicGas { gas: gas_limit, needed: initial_gas }
        }
        InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor, gas_limit } => {
            Refusal::FloorGas { gas: gas_limit, needed: gas_floor }
        }
        InvalidTransaction::GasPriceLessThanBasefee => {
            Refusal::BelowBaseFee { base_fee: header.base_fee_per_gas.unwrap_or_default() }
        }
        InvalidTransaction::PriorityFeeGreaterThanMaxFee => Refusal::TipAboveCap,
        InvalidTransaction::CallerGasLimitMoreThanBlock => {
            Refusal::BlockGas { limit: header.gas_limit }
        }
        InvalidTransaction::RejectCallerWithCode => Refusal::SenderIsContract { sender },
        InvalidTransaction::InvalidChainId => Refusal::ChainId { want: chain_id },
        InvalidTransaction::NonceOverflowInTransaction => Refusal::NonceMax { nonce },
        other => Refusal::Other(other.to_string()),
    }
}

/// The EVM's view of a signed transaction.
pub(crate) fn signed_env(tx: &Recovered<TxEnvelope>) -> TxEnv {
    let (sender, tx) = (tx.signer(), tx.inner());
    TxEnv {
        tx_type: tx.ty(),
        caller: sender,
        gas_limit: tx.gas_limit(),
        gas_price: tx.max_fee_per_gas(),
        kind: tx.kind(),
        value: tx.value(),
        data: tx.input().clone(),
        nonce: tx.nonce(),
        chain_id: tx.chain_id(),
        access_list: tx.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: tx.max_priority_fee_per_gas(),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: tx
            .authorization_list()
            .unwrap_or_default()
            .iter()
            .cloned()
            .map(Either::Left)
            .collect(),
    }
}

/// Runs a signed transaction in a block under construction and keeps its changes in `state`.
pub(crate) fn apply(
    state: &mut Overlay<'_>,
    header: &Header,
    chain_id: u64,
    tx: &Recovered<TxEnvelope>,
    gas_before: u64,
) -> Result<Outcome, ChainError> {
    let done = run(state, header, chain_id, signed_env(tx), Rules::Transaction)?;
    state.absorb(done.state)?;
    let gas_used = done.result.tx_gas_used();
    let success = done.result.is_success();
    Ok(Outcome {
        success,
        gas_used,
        cumulative_gas: gas_before + gas_used,
        created: match tx.kind() {
            TxKind::Create => Some(tx.signer().create(tx.nonce())),
            TxKind::Call(_) => None,
        },
        logs: if success { done.result.into_logs() } else { Vec::new() },
    })
}

/// The EVM's view of a call, with at most `gas_cap` gas.
pub(crate) fn call_env(
    request: &TransactionRequest,
    chain_id: u64,
    gas_cap: u64,
) -> Result<TxEnv, Refusal> {
    if request.gas_price.is_some()
        && (request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some())
    {
        return Err(Refusal::BothFeeKinds);
    }
    if request.blob_versioned_hashes.is_some() || request.sidecar.is_some() {
        return Err(Refusal::Kind);
    }
    if request.chain_id.is_some_and(|id| id != chain_id) {
        return Err(Refusal::ChainId { want: chain_id });
    }
    let (input, data) = (&request.input.input, &request.input.data);
    if let (Some(input), Some(data)) = (input, data)
        && input != data
    {
        return Err(Refusal::BothInputs);
    }
    let dynamic = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
    let authorizations = request.authorization_list.clone().unwrap_or_default();
    Ok(TxEnv {
        tx_type: match (dynamic, authorizations.is_empty(), &request.access_list) {
            (_, false, _) => 4,
            (true, ..) => 2,
            (_, _, Some(_)) => 1,
            _ => 0,
        },
        caller: request.from.unwrap_or_default(),
        gas_limit: request.gas.unwrap_or(gas_cap).min(gas_cap),
        gas_price: request.gas_price.or(request.max_fee_per_gas).unwrap_or_default(),
        kind: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        data: input.clone().or_else(|| data.clone()).unwrap_or_default(),
        nonce: request.nonce.unwrap_or_default(),
        chain_id: Some(chain_id),
        access_list: request.access_list.clone().unwrap_or_default(),
        gas_priority_fee: dynamic.then(|| request.max_priority_fee_per_gas.unwrap_or_default()),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: authorizations.into_iter().map(Either::Left).collect(),
    })
}

/// The data that a call returned, or why it returned none.
pub(crate) fn output(result: ExecutionResult) -> Result<Bytes, ChainError> {
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(ChainError::Reverted(output)),
        ExecutionResult::Halt { reason, .. } => Err(ChainError::Halted(halt_message(&reason))),
    }
}

/// The words of go-ethereum for what stopped the EVM, which clients look for.
fn halt_message(reason: &HaltReason) -> String {
    match reason {
        HaltReason::OutOfGas(OutOfGasError::InvalidOperand) => "gas uint64 overflow".into(),
        HaltReason::OutOfGas(_) => "out of gas".into(),
        HaltReason::OpcodeNotFound => "invalid opcode".into(),
        HaltReason::InvalidFEOpcode => "invalid opcode: INVALID".into(),
        HaltReason::InvalidJump => "invalid jump destination".into(),
        HaltReason::StackUnderflow => "stack underflow".into(),
        HaltReason::StackOverflow => "stack limit reached 1024".into(),
        HaltReason::OutOfOffset => "return data out of bounds".into(),
        HaltReason::CreateCollision => "contract address collision".into(),
        HaltReason::CreateContractSizeLimit => "max code size exceeded".into(),
        HaltReason::CreateContractStartingWithEF => "invalid code: must not begin with 0xef".into(),
        HaltReason::CreateInitCodeSizeLimit => "max initcode size exceeded".into(),
        HaltReason::CallTooDeep => "max call depth exceeded".into(),
        HaltReason::OutOfFunds => "insufficient balance for transfer".into(),
        other => format!("{other:?}"),
    }
}

/// The least gas limit with which `request` succeeds, to within 1.5 % above (the tolerance of go-ethereum).
///
/// A search is needed: a callee gets at most 63/64 of what is left (EIP-150), and refunds are paid only at the end
/// (EIP-3529), so that a transaction may need more gas as its limit than it is charged for.
pub(crate) fn estimate(
    state: &mut Overlay<'_>,
    header: &Header,
    chain_id: u64,
    request: &TransactionRequest,
) -> Result<u64, ChainError> {
    let wanted = request.gas.filter(|gas| *gas >= TRANSFER_GAS).unwrap_or(header.gas_limit);
    let mut tx = call_env(request, chain_id, CALL_GAS_CAP.max(header.gas_limit))?;
    let cap = affordable(state, &tx, wanted)?;
    tx.gas_limit = cap;
    if is_transfer(state, &tx)? {
        let mut plain = tx.clone();
        plain.gas_limit = TRANSFER_GAS;
        if run(state, header, chain_id, plain, Rules::Call)?.result.is_success() {
            return Ok(TRANSFER_GAS);
        }
    }
    let mut attempt = |gas: u64| -> Result<ExecutionResult, ChainError> {
        let mut tx = tx.clone();
        tx.gas_limit = gas;
        Ok(run(state, header, chain_id, tx, Rules::Call)?.result)
    };
    let first = match attempt(cap) {
        Ok(ExecutionResult::Halt { reason: HaltReason::OutOfGas(_), .. })
        | Err(ChainError::Refused(Refusal::IntrinsicGas { .. } | Refusal::FloorGas { .. })) => {
            return Err(ChainError::Halted(format!("gas required exceeds allowance ({cap})")));
        }
        other => other?,
    };
    let spent = first.gas().total_gas_spent().max(first.tx_gas_used());
    let (mut low, mut high) = (first.tx_gas_used().saturating_sub(1), cap);
    output(first)?;
    let enough = |result: Result<ExecutionResult, ChainError>| match result {
        Ok(result) => Ok(result.is_success()),
        Err(ChainError::Refused(Refusal::IntrinsicGas { .. } | Refusal::FloorGas { .. })) => {
            Ok(false)
        }
        Err(error) => Err(error),
    };
    // Most transactions need what was spent before refunds, the stipend and the 1/64 that callees are not given.
    let likely = (spent + CALL_STIPEND).saturating_mul(64) / 63;
    if likely < high {
        if enough(attempt(likely))? { high = likely } else { low = likely }
    }
    while low + 1 < high && (high - low) * 1000 > high * 15 {
        // Needs are close to the lower bound more often than not, so that the first steps do not pass twice of it.
        let middle = (low + (high - low) / 2).min(low.saturating_mul(2)).max(low + 1);
        if enough(attempt(middle))? { high = middle } else { low = middle }
    }
    Ok(high)
}

/// The gas that the caller can pay for at the price it offers, at most `wanted`.
fn affordable(state: &Overlay<'_>, tx: &TxEnv, wanted: u64) -> Result<u64, ChainError> {
    if tx.gas_price == 0 {
        return Ok(wanted);
    }
    let balance = state.account(tx.caller)?.map_or(U256::ZERO, |account| account.balance);
    let Some(left) = balance.checked_sub(tx.value) else {
        return Err(Refusal::Funds { balance, cost: tx.value }.into());
    };
    Ok(u64::try_from(left / U256::from(tx.gas_price)).unwrap_or(u64::MAX).min(wanted))
}

fn is_transfer(state: &Overlay<'_>, tx: &TxEnv) -> Result<bool, LedgerError> {
    let TxKind::Call(to) = tx.kind else { return Ok(false) };
    let bare = tx.data.is_empty() && tx.access_list.0.is_empty() && tx.tx_type != 4;
    let code = state.account(to)?.map(|account| account.info().is_empty_code_hash());
    Ok(bare && code.unwrap_or(true))
}
