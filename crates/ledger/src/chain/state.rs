//! State as the EVM reads it: the file under an in-memory copy of what is hot, and an overlay for what a block changes.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use alloy::primitives::{Address, B256, KECCAK256_EMPTY, U256};
use revm::Database;
use revm::database_interface::DBErrorMarker;
use revm::state::{AccountInfo, Bytecode, EvmState};

use super::block::{Account, Diff};
use super::store::Store;
use crate::LedgerError;

/// Entries of accounts and slots kept in memory; about 100 bytes each. Past it the copy starts again from nothing.
const HOT_ENTRIES: usize = 2_000_000;

/// A failure of the file in the middle of an execution.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct ReadError(#[from] pub LedgerError);

impl DBErrorMarker for ReadError {}

/// The in-memory copy of the newest state.
#[derive(Debug, Default)]
pub(crate) struct Hot {
    accounts: RwLock<HashMap<Address, Option<Account>>>,
    storage: RwLock<HashMap<(Address, U256), U256>>,
    /// Code never changes under its hash, so this copy serves all blocks. The EVM's analysis of it is kept too.
    code: RwLock<HashMap<B256, Bytecode>>,
}

impl Hot {
    /// Takes over what a block that is now in the file has changed.
    pub fn apply(&mut self, diff: &Diff) {
        let accounts = self.accounts.get_mut().unwrap_or_else(PoisonError::into_inner);
        accounts.extend(diff.accounts.iter().map(|(address, account)| (*address, *account)));
        let storage = self.storage.get_mut().unwrap_or_else(PoisonError::into_inner);
        storage.extend(diff.storage.iter().map(|(place, value)| (*place, *value)));
        let code = self.code.get_mut().unwrap_or_else(PoisonError::into_inner);
        code.extend(diff.code.iter().map(|(hash, bytecode)| (*hash, bytecode.clone())));
    }
}

fn cached<K: std::hash::Hash + Eq, V: Clone>(
    cache: &RwLock<HashMap<K, V>>,
    key: K,
    read: impl FnOnce() -> Result<V, LedgerError>,
) -> Result<V, LedgerError> {
    if let Some(value) = cache.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(value.clone());
    }
    let value = read()?;
    let mut cache = cache.write().unwrap_or_else(PoisonError::into_inner);
    if cache.len() >= HOT_ENTRIES {
        cache.clear();
    }
    cache.insert(key, value.clone());
    Ok(value)
}

/// The state after one block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StateAt<'a> {
    pub store: &'a Store,
    pub hot: &'a Hot,
    pub number: u64,
    /// Whether `number` is the newest block, which `hot` describes.
    pub newest: bool,
}

impl StateAt<'_> {
    pub fn account(&self, address: Address) -> Result<Option<Account>, LedgerError> {
        let read = || self.store.account(address, self.number);
        if self.newest { cached(&self.hot.accounts, address, read) } else { read() }
    }

    pub fn storage(&self, address: Address, slot: U256) -> Result<U256, LedgerError> {
        let read = || self.store.storage(address, slot, self.number);
        if self.newest { cached(&self.hot.storage, (address, slot), read) } else { read() }
    }

    pub fn code(&self, hash: B256) -> Result<Bytecode, LedgerError> {
        if hash == KECCAK256_EMPTY || hash.is_zero() {
            return Ok(Bytecode::default());
        }
        cached(&self.hot.code, hash, || {
            let bytes = self.store.code(hash)?;
            let bytes = bytes.ok_or_else(|| self.store.damaged(format!("code {hash} is gone")))?;
            Bytecode::new_raw_checked(bytes)
                .map_err(|_| self.store.damaged(format!("code {hash} cannot be read")))
        })
    }

    pub fn block_hash(&self, number: u64) -> Result<B256, LedgerError> {
        if number > self.number {
            return Ok(B256::ZERO);
        }
        Ok(self.store.header(number)?.map_or(B256::ZERO, |header| header.hash()))
    }
}

/// A state with changes on top that are in no block yet.
#[derive(Debug)]
pub(crate) struct Overlay<'a> {
    pub base: StateAt<'a>,
    pub diff: Diff,
}

impl<'a> Overlay<'a> {
    pub fn new(base: StateAt<'a>) -> Self {
        Self { base, diff: Diff::default() }
    }

    pub fn account(&self, address: Address) -> Result<Option<Account>, LedgerError> {
        match self.diff.accounts.get(&address) {
            Some(account) => Ok(*account),
            None => self.base.account(address),
        }
    }

    pub fn slot(&self, address: Address, slot: U256) -> Result<U256, LedgerError> {
        match self.diff.storage.get(&(address, slot)) {
            Some(value) => Ok(*value),
            None => self.base.storage(address, slot),
        }
    }

    pub fn code(&self, hash: B256) -> Result<Bytecode, LedgerError> {
        match self.diff.code.get(&hash) {
            Some(code) => Ok(code.clone()),
            None => self.base.code(hash),
        }
    }

    /// Takes over what one execution has changed.
    pub fn absorb(&mut self, state: EvmState) -> Result<(), LedgerError> {
        for (address, account) in state {
            if !account.is_touched() {
                continue;
            }
            // Since Cancun (EIP-6780) only a contract made in the same transaction can be destroyed, so that none of its
            // storage was ever written here.
            let gone = account.is_selfdestructed();
            let new = if gone { None } else { Account::from_info(&account.info) };
            if new != self.account(address)? {
                self.diff.accounts.insert(address, new);
            }
            if gone {
                continue;
            }
            if let (Some(new), Some(code)) = (new, &account.info.code)
                && new.code_hash != KECCAK256_EMPTY
                && self.base.account(address)?.is_none_or(|old| old.code_hash != new.code_hash)
            {
                self.diff.code.insert(new.code_hash, code.clone());
            }
            for (slot, value) in account.changed_storage_slots() {
                self.diff.storage.insert((address, *slot), value.present_value());
            }
        }
        Ok(())
    }
}

impl Database for Overlay<'_> {
    type Error = ReadError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, ReadError> {
        Ok(self.account(address)?.map(|account| account.info()))
    }

    fn code_by_hash(&mut self, hash: B256) -> Result<Bytecode, ReadError> {
        Ok(self.code(hash)?)
    }

    fn storage(&mut self, address: Address, slot: U256) -> Result<U256, ReadError> {
        Ok(self.slot(address, slot)?)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, ReadError> {
        Ok(self.base.block_hash(number)?)
    }
}
