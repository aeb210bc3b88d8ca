//! Blocks, transactions and receipts in the shapes that clients read.

use alloy::consensus::transaction::{Recovered, TransactionInfo};
use alloy::consensus::{Block as ConsensusBlock, BlockBody, Transaction as _, TxEnvelope};
use alloy::eips::BlockId;
use alloy::network::primitives::BlockTransactions;
use alloy::primitives::U256;
use alloy::rlp::Encodable;
use alloy::rpc::types::{Block, Header, Log, Transaction, TransactionReceipt};

use crate::chain::{BlockRecord, Outcome, effective_gas_price};
use crate::{Chain, ChainError};

pub(crate) fn block(record: BlockRecord, full: bool) -> Block {
    let size = size(&record);
    let transactions = if full {
        let all = (0..record.transactions.len()).filter_map(|index| transaction(&record, index));
        BlockTransactions::Full(all.collect())
    } else {
        let hashes = record.transactions.iter().map(|tx| *tx.inner().tx_hash());
        BlockTransactions::Hashes(hashes.collect())
    };
    let header = Header::from_consensus(record.header, None, Some(U256::from(size)));
    Block::new(header, transactions).with_withdrawals(Some(Vec::new().into()))
}

/// Length of the block's RLP in bytes.
fn size(record: &BlockRecord) -> usize {
    let transactions = record.transactions.iter().map(|tx| tx.inner().clone()).collect();
    let body = BlockBody { transactions, ommers: vec![], withdrawals: Some(Vec::new().into()) };
    ConsensusBlock::<TxEnvelope>::new(record.header.inner().clone(), body).length()
}

pub(crate) fn transaction(record: &BlockRecord, index: usize) -> Option<Transaction> {
    let tx = record.transactions.get(index)?.clone();
    let info = TransactionInfo {
        hash: Some(*tx.inner().tx_hash()),
        index: u64::try_from(index).ok(),
        block_hash: Some(record.header.hash()),
        block_number: Some(record.header.number),
        base_fee: record.header.base_fee_per_gas,
        block_timestamp: Some(record.header.timestamp),
    };
    Some(Transaction::from_transaction(tx, info))
}

pub(crate) fn waiting(tx: Recovered<TxEnvelope>) -> Transaction {
    Transaction::from_transaction(tx, TransactionInfo::default())
}

/// The receipts of a block in order; `None` if there is no such block.
pub(crate) fn receipts(
    chain: &Chain,
    at: BlockId,
) -> Result<Option<Vec<TransactionReceipt>>, ChainError> {
    if at.is_pending() {
        return Ok(None);
    }
    let Some(record) = chain.block(at)? else { return Ok(None) };
    let outcomes = chain.outcomes(record.header.number)?;
    let mut first_log = 0;
    let mut receipts = Vec::with_capacity(outcomes.len());
    for ((index, tx), outcome) in (0u64..).zip(&record.transactions).zip(outcomes) {
        let logs = u64::try_from(outcome.logs.len()).unwrap_or_default();
        receipts.push(receipt(&record, index, tx, outcome, first_log));
        first_log += logs;
    }
    Ok(Some(receipts))
}

fn receipt(
    record: &BlockRecord,
    index: u64,
    tx: &Recovered<TxEnvelope>,
    outcome: Outcome,
    first_log: u64,
) -> TransactionReceipt {
    let (sender, tx) = (tx.signer(), tx.inner());
    let mut log_index = first_log;
    let inner = outcome.envelope(tx).map_logs(|log| {
        let shaped = shape_log(record, index, tx, log, log_index);
        log_index += 1;
        shaped
    });
    TransactionReceipt {
        inner,
        transaction_hash: *tx.tx_hash(),
        transaction_index: Some(index),
        block_hash: Some(record.header.hash()),
        block_number: Some(record.header.number),
        gas_used: outcome.gas_used,
        effective_gas_price: effective_gas_price(tx, record.header.inner()),
        blob_gas_used: None,
        blob_gas_price: None,
        from: sender,
        to: tx.to(),
        contract_address: outcome.created,
    }
}

fn shape_log(
    record: &BlockRecord,
    index: u64,
    tx: &TxEnvelope,
    inner: alloy::primitives::Log,
    log_index: u64,
) -> Log {
    Log {
        inner,
        block_hash: Some(record.header.hash()),
        block_number: Some(record.header.number),
        block_timestamp: Some(record.header.timestamp),
        transaction_hash: Some(*tx.tx_hash()),
        transaction_index: Some(index),
        log_index: Some(log_index),
        removed: false,
    }
}
