//! The ledger's file: one redb database, one write transaction a block.
//!
//! State is kept with the number of the block that wrote it, so that the newest entry at or below a number is the state
//! after that block: every past state can be read, and taking blocks back deletes entries and restores nothing.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use alloy::consensus::transaction::Recovered;
use alloy::consensus::{Header, Sealed, TxEnvelope};
use alloy::eips::{Decodable2718, Encodable2718};
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::rlp::{Decodable, Encodable};
use redb::{
    Database, Durability, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, ReadableTable,
    StorageBackend, TableDefinition, TableError, TransactionError, WriteTransaction,
};

use super::FORMAT;
use super::block::{Account, Block, Outcome};
use crate::LedgerError;

/// Address, slot and the block that wrote it.
type SlotKey = (&'static [u8; 20], &'static [u8; 32], u64);

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
/// Number to hash and RLP of the header.
const HEADERS: TableDefinition<u64, &[u8]> = TableDefinition::new("headers");
const NUMBERS: TableDefinition<&[u8; 32], u64> = TableDefinition::new("numbers");
/// Block and index to sender and EIP-2718 bytes.
const TRANSACTIONS: TableDefinition<(u64, u32), &[u8]> = TableDefinition::new("transactions");
const PLACES: TableDefinition<&[u8; 32], (u64, u32)> = TableDefinition::new("places");
const OUTCOMES: TableDefinition<(u64, u32), &[u8]> = TableDefinition::new("outcomes");
/// Which address logged something in which block.
const EMITTERS: TableDefinition<(&[u8; 20], u64), ()> = TableDefinition::new("emitters");
/// Address and block to the account after that block; no bytes for an account that ceased to exist.
const ACCOUNTS: TableDefinition<(&[u8; 20], u64), &[u8]> = TableDefinition::new("accounts");
const STORAGE: TableDefinition<SlotKey, &[u8; 32]> = TableDefinition::new("storage");
const CODE: TableDefinition<&[u8; 32], &[u8]> = TableDefinition::new("code");
/// What each block touched, so that it can be taken back: addresses (20 bytes) and slots (52 bytes).
const CHANGED_ACCOUNTS: TableDefinition<u64, &[u8]> = TableDefinition::new("changed_accounts");
const CHANGED_STORAGE: TableDefinition<u64, &[u8]> = TableDefinition::new("changed_storage");

const META_FORMAT: &str = "format";
const META_CHAIN: &str = "chain";
const META_HEAD: &str = "head";
const META_TIME_OFFSET: &str = "time offset";

/// Where a transaction stands: its block and its index in it.
pub(crate) type Place = (u64, u32);

pub(crate) struct Store {
    path: PathBuf,
    /// Empty between a failed write and the next use of the file, which opens it anew.
    database: RwLock<Option<File>>,
    open: Opener,
}

/// Opens the file, at first and after a failed write.
type Opener = Box<dyn Fn(&Path) -> Result<File, LedgerError> + Send + Sync>;

/// The file as it was opened.
enum File {
    Writable(Database),
    ReadOnly(ReadOnlyDatabase),
}

impl File {
    fn begin_read(&self) -> Result<ReadTransaction, TransactionError> {
        match self {
            File::Writable(database) => database.begin_read(),
            File::ReadOnly(database) => database.begin_read(),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Store {
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Self::opened_by(path.to_owned(), Box::new(open_file))
    }

    /// Opens a file that exists, and changes nothing in it.
    pub fn open_read_only(path: &Path) -> Result<Self, LedgerError> {
        let open = |path: &Path| {
            let opened = ReadOnlyDatabase::open(path);
            opened.map(File::ReadOnly).map_err(|error| LedgerError::from_open(path, error))
        };
        Self::opened_by(path.to_owned(), Box::new(open))
    }

    pub fn over<B: StorageBackend>(
        backend: impl Fn() -> B + Send + Sync + 'static,
    ) -> Result<Self, LedgerError> {
        let open = move |path: &Path| {
            Database::builder()
                .create_with_backend(backend())
                .map(File::Writable)
                .map_err(|error| LedgerError::from_open(path, error))
        };
        Self::opened_by(PathBuf::from("(in memory)"), Box::new(open))
    }

    fn opened_by(path: PathBuf, open: Opener) -> Result<Self, LedgerError> {
        let database = RwLock::new(Some(open(&path)?));
        Ok(Self { path, database, open })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn fail(&self, error: impl Into<redb::Error>) -> LedgerError {
        LedgerError::from_redb(&self.path, error)
    }

    pub fn damaged(&self, detail: impl Into<String>) -> LedgerError {
        LedgerError::damaged(&self.path, detail)
    }

    /// The chain id in the file, or `None` for a file without a first block.
    pub fn chain_id(&self) -> Result<Option<u64>, LedgerError> {
        let meta = |name| self.meta(name);
        match meta(META_FORMAT)? {
            None => return Ok(None),
            Some(found) if found == u64::from(FORMAT) => {}
            Some(found) => {
                return Err(LedgerError::Version {
                    path: self.path.clone(),
                    found: found.to_string(),
                    expected: FORMAT,
                });
            }
        }
        meta(META_CHAIN)?.map(Some).ok_or_else(|| self.damaged("it does not name its chain"))
    }

    fn meta(&self, name: &str) -> Result<Option<u64>, LedgerError> {
        let transaction = self.read()?;
        match transaction.open_table(META) {
            Ok(table) => {
                Ok(table.get(name).map_err(|error| self.fail(error))?.map(|guard| guard.value()))
            }
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(self.fail(error)),
        }
    }

    pub fn head_number(&self) -> Result<u64, LedgerError> {
        self.meta(META_HEAD)?.ok_or_else(|| self.damaged("it has no last block"))
    }

    /// Seconds between the wall clock and the ledger's, as last set.
    pub fn time_offset(&self) -> Result<i64, LedgerError> {
        Ok(self.meta(META_TIME_OFFSET)?.map_or(0, u64::cast_signed))
    }

    pub fn read(&self) -> Result<ReadTransaction, LedgerError> {
        {
            let guard = self.database.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(database) = guard.as_ref() {
                return database.begin_read().map_err(|error| self.fail(error));
            }
        }
        let mut guard = self.database.write().unwrap_or_else(PoisonError::into_inner);
        self.reopened(&mut guard)?.begin_read().map_err(|error| self.fail(error))
    }

    fn reopened<'a>(&self, database: &'a mut Option<File>) -> Result<&'a File, LedgerError> {
        match database {
            Some(database) => Ok(database),
            empty => Ok(empty.insert((self.open)(&self.path)?)),
        }
    }

    /// Runs `work` in one durable write transaction: all of it is on the disk when this returns, or none of it.
    fn write<T>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, LedgerError> {
        let result = {
            self.read()?;
            let guard = self.database.read().unwrap_or_else(PoisonError::into_inner);
            match guard.as_ref() {
                Some(File::Writable(database)) => attempt(database, work),
                Some(File::ReadOnly(_)) => {
                    return Err(LedgerError::ReadOnly { path: self.path.clone() });
                }
                None => Err(redb::Error::PreviousIo),
            }
        };
        result.map_err(|error| {
            // After a failed write the store refuses every later use until it is opened anew.
            *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
            self.fail(error)
        })
    }

    pub fn commit(
        &self,
        block: &Block,
        time_offset: i64,
        chain_id: u64,
    ) -> Result<(), LedgerError> {
        self.write(|transaction| {
            write_block(transaction, block)?;
            write_state(transaction, block)?;
            let mut meta = transaction.open_table(META)?;
            meta.insert(META_HEAD, block.header.number)?;
            meta.insert(META_TIME_OFFSET, time_offset.cast_unsigned())?;
            if block.header.number == 0 {
                meta.insert(META_FORMAT, u64::from(FORMAT))?;
                meta.insert(META_CHAIN, chain_id)?;
            }
            Ok(())
        })
    }

    pub fn set_time_offset(&self, seconds: i64) -> Result<(), LedgerError> {
        self.write(|transaction| {
            let mut meta = transaction.open_table(META)?;
            meta.insert(META_TIME_OFFSET, seconds.cast_unsigned())?;
            Ok(())
        })
    }

    /// Takes back all blocks above `keep`, which becomes the head.
    pub fn rewind(&self, keep: u64, time_offset: i64) -> Result<(), LedgerError> {
        let head = self.head_number()?;
        self.write(|transaction| {
            for number in (keep + 1..=head).rev() {
                remove_state(transaction, number)?;
                remove_block(transaction, number)?;
            }
            let mut meta = transaction.open_table(META)?;
            meta.insert(META_HEAD, keep)?;
            meta.insert(META_TIME_OFFSET, time_offset.cast_unsigned())?;
            Ok(())
        })
    }

    pub fn header(&self, number: u64) -> Result<Option<Sealed<Header>>, LedgerError> {
        let transaction = self.read()?;
        let table = transaction.open_table(HEADERS).map_err(|error| self.fail(error))?;
        let Some(guard) = table.get(number).map_err(|error| self.fail(error))? else {
            return Ok(None);
        };
        decode_header(guard.value())
            .map(Some)
            .ok_or_else(|| self.damaged(format!("the header of block {number} cannot be read")))
    }

    pub fn number_of(&self, hash: B256) -> Result<Option<u64>, LedgerError> {
        let transaction = self.read()?;
        let table = transaction.open_table(NUMBERS).map_err(|error| self.fail(error))?;
        Ok(table.get(&hash.0).map_err(|error| self.fail(error))?.map(|guard| guard.value()))
    }

    pub fn place(&self, hash: B256) -> Result<Option<Place>, LedgerError> {
        let transaction = self.read()?;
        let table = transaction.open_table(PLACES).map_err(|error| self.fail(error))?;
        Ok(table.get(&hash.0).map_err(|error| self.fail(error))?.map(|guard| guard.value()))
    }

    pub fn transactions(&self, number: u64) -> Result<Vec<Recovered<TxEnvelope>>, LedgerError> {
        let transaction = self.read()?;
        let table = transaction.open_table(TRANSACTIONS).map_err(|error| self.fail(error))?;
        let range =
            table.range((number, 0)..=(number, u32::MAX)).map_err(|error| self.fail(error))?;
        range
            .map(|entry| {
                let (_, value) = entry.map_err(|error| self.fail(error))?;
                decode_transaction(value.value()).ok_or_else(|| {
                    self.damaged(format!("a transaction of block {number} cannot be read"))
                })
            })
            .collect()
    }

    pub fn outcomes(&self, number: u64) -> Result<Vec<Outcome>, LedgerError> {
        let transaction = self.read()?;
        let table = transaction.open_table(OUTCOMES).map_err(|error| self.fail(error))?;
        let range =
            table.range((number, 0)..=(number, u32::MAX)).map_err(|error| self.fail(error))?;
        range
            .map(|entry| {
                let (_, value) = entry.map_err(|error| self.fail(error))?;
                Outcome::decode(value.value()).ok_or_else(|| {
                    self.damaged(format!("a receipt of block {number} cannot be read"))
                })
            })
            .collect()
    }

    /// The blocks between `from` and `to`, both included, in which `address` logged something.
    pub fn blocks_logged_by(
        &self,
        address: Address,
        from: u64,
        to: u64,
    ) -> Result<Vec<u64>, LedgerError> {
        let transaction = self.read()?;
        let table = transaction.open_table(EMITTERS).map_err(|error| self.fail(error))?;
        let key = &address.0.0;
        let range = table.range((key, from)..=(key, to)).map_err(|error| self.fail(error))?;
        range.map(|entry| Ok(entry.map_err(|error| self.fail(error))?.0.value().1)).collect()
    }

    /// The account after block `number`.
    pub fn account(&self, address: Address, number: u64) -> Result<Option<Account>, LedgerError> {
        let transaction = self.read()?;
        let table = transaction.open_table(ACCOUNTS).map_err(|error| self.fail(error))?;
        let key = &address.0.0;
        let mut range = table.range((key, 0)..=(key, number)).map_err(|error| self.fail(error))?;
        let Some(entry) = range.next_back() else { return Ok(None) };
        let (_, value) = entry.map_err(|error| self.fail(error))?;
        match value.value() {
            [] => Ok(None),
            bytes => Account::decode(bytes)
                .map(Some)
                .ok_or_else(|| self.damaged(format!("the account {address} cannot be read"))),
        }
    }

    /// The word in a slot after block `number`.
    pub fn storage(&self, address: Address, slot: U256, number: u64) -> Result<U256, LedgerError> {
        let transaction = self.read()?;
        let table = transaction.open_table(STORAGE).map_err(|error| self.fail(error))?;
        let (address, slot) = (&address.0.0, &slot.to_be_bytes::<32>());
        let mut range = table
            .range((address, slot, 0)..=(address, slot, number))
            .map_err(|error| self.fail(error))?;
        let Some(entry) = range.next_back() else { return Ok(U256::ZERO) };
        let (_, value) = entry.map_err(|error| self.fail(error))?;
        Ok(U256::from_be_bytes(*value.value()))
    }

    pub fn code(&self, hash: B256) -> Result<Option<Bytes>, LedgerError> {
        let transaction = self.read()?;
        let table = transaction.open_table(CODE).map_err(|error| self.fail(error))?;
        let guard = table.get(&hash.0).map_err(|error| self.fail(error))?;
        Ok(guard.map(|guard| Bytes::copy_from_slice(guard.value())))
    }

    /// Sum of all balances after block `number`, in wei: what a check of conservation needs.
    pub fn total_balance(&self, number: u64) -> Result<U256, LedgerError> {
        let transaction = self.read()?;
        let table = transaction.open_table(ACCOUNTS).map_err(|error| self.fail(error))?;
        let mut newest = std::collections::BTreeMap::new();
        for entry in table.iter().map_err(|error| self.fail(error))? {
            let (key, value) = entry.map_err(|error| self.fail(error))?;
            let (address, block) = key.value();
            if block <= number {
                let balance = Account::decode(value.value()).map_or(U256::ZERO, |a| a.balance);
                newest.insert(*address, balance);
            }
        }
        Ok(newest.into_values().fold(U256::ZERO, |sum, balance| sum + balance))
    }
}

fn open_file(path: &Path) -> Result<File, LedgerError> {
    // A store cut in the wrong place may trip an assertion inside the library rather than an error.
    std::panic::catch_unwind(|| Database::create(path))
        .map_err(|_| LedgerError::damaged(path, "its pages do not fit together"))?
        .map(File::Writable)
        .map_err(|error| LedgerError::from_open(path, error))
}

fn attempt<T>(
    database: &Database,
    work: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
) -> Result<T, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    let value = work(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

fn write_block(transaction: &WriteTransaction, block: &Block) -> Result<(), redb::Error> {
    let number = block.header.number;
    let mut header = block.header.hash().to_vec();
    block.header.inner().encode(&mut header);
    transaction.open_table(HEADERS)?.insert(number, header.as_slice())?;
    transaction.open_table(NUMBERS)?.insert(&block.header.hash().0, number)?;

    let mut transactions = transaction.open_table(TRANSACTIONS)?;
    let mut places = transaction.open_table(PLACES)?;
    let mut outcomes = transaction.open_table(OUTCOMES)?;
    let mut emitters = transaction.open_table(EMITTERS)?;
    for ((index, tx), outcome) in (0u32..).zip(&block.transactions).zip(&block.outcomes) {
        let mut bytes = tx.signer().to_vec();
        tx.inner().encode_2718(&mut bytes);
        transactions.insert((number, index), bytes.as_slice())?;
        places.insert(&tx.inner().tx_hash().0, (number, index))?;
        outcomes.insert((number, index), outcome.encode().as_slice())?;
        for log in &outcome.logs {
            emitters.insert((&log.address.0.0, number), ())?;
        }
    }
    Ok(())
}

fn write_state(transaction: &WriteTransaction, block: &Block) -> Result<(), redb::Error> {
    let number = block.header.number;
    let mut accounts = transaction.open_table(ACCOUNTS)?;
    let mut changed = Vec::with_capacity(block.diff.accounts.len() * 20);
    for (address, account) in &block.diff.accounts {
        let bytes = account.as_ref().map(Account::encode);
        accounts.insert((&address.0.0, number), bytes.as_ref().map_or(&[][..], |b| &b[..]))?;
        changed.extend_from_slice(address.as_slice());
    }
    transaction.open_table(CHANGED_ACCOUNTS)?.insert(number, changed.as_slice())?;

    let mut storage = transaction.open_table(STORAGE)?;
    let mut changed = Vec::with_capacity(block.diff.storage.len() * 52);
    for ((address, slot), value) in &block.diff.storage {
        let slot = slot.to_be_bytes::<32>();
        storage.insert((&address.0.0, &slot, number), &value.to_be_bytes::<32>())?;
        changed.extend_from_slice(address.as_slice());
        changed.extend_from_slice(&slot);
    }
    transaction.open_table(CHANGED_STORAGE)?.insert(number, changed.as_slice())?;

    let mut code = transaction.open_table(CODE)?;
    for (hash, bytecode) in &block.diff.code {
        code.insert(&hash.0, bytecode.original_byte_slice())?;
    }
    Ok(())
}

fn remove_state(transaction: &WriteTransaction, number: u64) -> Result<(), redb::Error> {
    // Code stays: it is found by its hash, and belongs to any account that names it.
    let mut accounts = transaction.open_table(ACCOUNTS)?;
    if let Some(changed) = transaction.open_table(CHANGED_ACCOUNTS)?.remove(number)? {
        for address in changed.value().as_chunks::<20>().0 {
            accounts.remove((address, number))?;
        }
    }
    let mut storage = transaction.open_table(STORAGE)?;
    if let Some(changed) = transaction.open_table(CHANGED_STORAGE)?.remove(number)? {
        for entry in changed.value().as_chunks::<52>().0 {
            if let (Some(address), Some(slot)) = (entry.first_chunk(), entry.last_chunk()) {
                storage.remove((address, slot, number))?;
            }
        }
    }
    Ok(())
}

fn remove_block(transaction: &WriteTransaction, number: u64) -> Result<(), redb::Error> {
    if let Some(header) = transaction.open_table(HEADERS)?.remove(number)?
        && let Some(hash) = header.value().first_chunk::<32>()
    {
        transaction.open_table(NUMBERS)?.remove(hash)?;
    }
    let mut transactions = transaction.open_table(TRANSACTIONS)?;
    let mut outcomes = transaction.open_table(OUTCOMES)?;
    let mut places = transaction.open_table(PLACES)?;
    let mut emitters = transaction.open_table(EMITTERS)?;
    for index in 0.. {
        let Some(tx) = transactions.remove((number, index))? else { break };
        if let Some(tx) = decode_transaction(tx.value()) {
            places.remove(&tx.inner().tx_hash().0)?;
        }
        if let Some(outcome) = outcomes.remove((number, index))? {
            for log in Outcome::decode(outcome.value()).into_iter().flat_map(|o| o.logs) {
                emitters.remove((&log.address.0.0, number))?;
            }
        }
    }
    Ok(())
}

fn decode_header(bytes: &[u8]) -> Option<Sealed<Header>> {
    let (hash, mut rest) = bytes.split_first_chunk::<32>()?;
    let header = Header::decode(&mut rest).ok()?;
    Some(header.seal(B256::from(*hash)))
}

fn decode_transaction(bytes: &[u8]) -> Option<Recovered<TxEnvelope>> {
    let (sender, mut rest) = bytes.split_first_chunk::<20>()?;
    let tx = TxEnvelope::decode_2718(&mut rest).ok()?;
    Some(Recovered::new_unchecked(tx, Address::from(*sender)))
}
