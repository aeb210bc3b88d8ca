//! Transactions that wait for a block, in the order in which they will go into it. They do not outlive the process.

use alloy::consensus::transaction::{Recovered, SignerRecoverable};
use alloy::consensus::{Transaction, TxEnvelope, Typed2718};
use alloy::eips::Decodable2718;
use alloy::primitives::{Address, B256};

use super::refusal::Refusal;

/// A replacement must offer this much of the price it replaces, in percent (go-ethereum's default).
const REPLACEMENT_PERCENT: u128 = 110;

#[derive(Clone, Debug, Default)]
pub(crate) struct Pool(Vec<Recovered<TxEnvelope>>);

impl Pool {
    pub fn all(&self) -> Vec<Recovered<TxEnvelope>> {
        self.0.clone()
    }

    pub fn get(&self, hash: B256) -> Option<Recovered<TxEnvelope>> {
        self.0.iter().find(|tx| *tx.inner().tx_hash() == hash).cloned()
    }

    pub fn contains(&self, hash: B256) -> bool {
        self.0.iter().any(|tx| *tx.inner().tx_hash() == hash)
    }

    pub fn retain(&mut self, hashes: &[B256]) {
        self.0.retain(|tx| hashes.contains(tx.inner().tx_hash()));
    }

    fn waiting_of(&self, sender: Address) -> u64 {
        self.0.iter().filter(|tx| tx.signer() == sender).map(|_| 1).sum()
    }

    /// Adds a transaction, or replaces the one of the same sender and nonce if it pays enough more. `next` is the sender's
    /// nonce after the newest block.
    pub fn insert(&mut self, tx: Recovered<TxEnvelope>, next: u64) -> Result<(), Refusal> {
        let (sender, nonce) = (tx.signer(), tx.inner().nonce());
        let expected = next + self.waiting_of(sender);
        if nonce < next {
            return Err(Refusal::NonceTooLow { tx: nonce, next });
        }
        if nonce > expected {
            return Err(Refusal::NonceTooHigh { tx: nonce, next: expected });
        }
        let same = |old: &&mut Recovered<TxEnvelope>| {
            old.signer() == sender && old.inner().nonce() == nonce
        };
        match self.0.iter_mut().find(same) {
            None => self.0.push(tx),
            Some(old) if outbids(tx.inner(), old.inner()) => *old = tx,
            Some(_) => return Err(Refusal::Underpriced),
        }
        Ok(())
    }
}

fn outbids(new: &TxEnvelope, old: &TxEnvelope) -> bool {
    let tip = |tx: &TxEnvelope| tx.max_priority_fee_per_gas().unwrap_or(tx.max_fee_per_gas());
    let enough = |new: u128, old: u128| {
        new.saturating_mul(100) >= old.saturating_mul(REPLACEMENT_PERCENT) && new > old
    };
    enough(new.max_fee_per_gas(), old.max_fee_per_gas()) && enough(tip(new), tip(old))
}

/// Reads a signed transaction and its sender, and applies the rules that need no state.
pub(crate) fn decode(raw: &[u8], chain_id: u64) -> Result<Recovered<TxEnvelope>, Refusal> {
    let mut rest = raw;
    if raw.first().is_some_and(|first| matches!(first, 0x03 | 0x05..=0x7f)) {
        return Err(Refusal::Kind);
    }
    let tx =
        TxEnvelope::decode_2718(&mut rest).map_err(|error| Refusal::Encoding(error.to_string()))?;
    if !rest.is_empty() {
        return Err(Refusal::Encoding("bytes follow the transaction".into()));
    }
    if tx.is_eip4844() || tx.ty() > 4 {
        return Err(Refusal::Kind);
    }
    match tx.chain_id() {
        None => return Err(Refusal::NotProtected),
        Some(id) if id != chain_id => return Err(Refusal::ChainId { want: chain_id }),
        Some(_) => {}
    }
    let sender = tx.recover_signer().map_err(|_| Refusal::Signature)?;
    Ok(Recovered::new_unchecked(tx, sender))
}
