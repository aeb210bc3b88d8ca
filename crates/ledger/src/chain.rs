//! The embedded chain: revm over a durable file.
//!
//! **How a block comes to be.** One thread at a time executes transactions over the newest state and its uncommitted
//! changes, writes the whole block in one transaction of the file, and only then shows it to readers. A process killed at
//! any instruction leaves the last whole block; a write that fails leaves the former state.
//!
//! **Rules.** Prague, base fee by EIP-1559 from 1 gwei, block gas limit 30 million. Base fees are burnt and tips go to the
//! beneficiary. No blobs, no withdrawals, no system calls. A block's time is the clock's plus the offset set by time
//! travel, and never before its parent's; blocks made in the same second share it, so that the ledger's time does not
//! run ahead of the wall's.

mod block;
mod execute;
mod pool;
mod refusal;
mod state;
mod store;
mod time;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, Weak};
use std::time::Duration;

use alloy::consensus::transaction::Recovered;
use alloy::consensus::{Header, Sealed, Transaction, TxEnvelope};
use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::{Address, B256, Bytes, Log, U256};
use alloy::rpc::types::TransactionRequest;
use redb::StorageBackend;

pub use block::Account;
pub(crate) use block::{Outcome, effective_gas_price};
pub use execute::ChainError;
pub use refusal::Refusal;
pub use time::Clock;

use crate::LedgerError;
use block::{Block, Diff, empty_header, next_header, seal};
use pool::Pool;
use state::{Hot, Overlay, StateAt};
use store::Store;
use time::Time;

/// The format of the file; a file of another one is refused.
pub(crate) const FORMAT: u32 = 1;

/// Base fee of the first block, 1 gwei (EIP-1559, `INITIAL_BASE_FEE`).
const FIRST_BASE_FEE: u64 = 1_000_000_000;

/// When blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mining {
    /// A block for each transaction, at once: the receipt is there when sending returns.
    PerTransaction,
    /// A block of all that waits, each time this long has passed, empty or not.
    Interval(Duration),
    /// Only when asked by `evm_mine` or [`Chain::mine`].
    Manual,
}

/// How an embedded chain behaves. What is marked "first block" counts only when the file is created.
#[derive(Clone, Debug)]
pub struct Config {
    /// EIP-155 chain id. A file that holds another chain is refused.
    pub chain_id: u64,
    /// First block: accounts that have ether from the start, in wei.
    pub funded: Vec<(Address, U256)>,
    /// First block: the most gas a block may use.
    pub gas_limit: u64,
    /// When blocks are made.
    pub mining: Mining,
    /// Whether `evm_*` and `anvil_*` methods (time travel, snapshots) are served over RPC.
    pub development: bool,
    /// Who receives tips.
    pub beneficiary: Address,
    /// Where the time of blocks comes from.
    pub clock: Clock,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            chain_id: 31337,
            funded: Vec::new(),
            gas_limit: 30_000_000,
            mining: Mining::PerTransaction,
            development: false,
            beneficiary: Address::ZERO,
            clock: Clock::system(),
        }
    }
}

/// An EVM chain in one file. Clones share it.
#[derive(Clone)]
pub struct Chain(Arc<Inner>);

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("path", &self.path())
            .field("chain_id", &self.0.config.chain_id)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Inner {
    config: Config,
    store: Store,
    view: RwLock<View>,
    /// Held by the one who makes a block or takes blocks back.
    miner: Mutex<Miner>,
    time: Mutex<Time>,
    pool: Mutex<Pool>,
    /// Set when a write failed: the file may be one block ahead of the view, and is read again before the next write.
    stale: AtomicBool,
    pub(crate) filters: Mutex<crate::rpc::Filters>,
}

/// What readers see: the newest block and its state.
#[derive(Debug)]
struct View {
    head: Sealed<Header>,
    hot: Hot,
}

#[derive(Debug, Default)]
struct Miner {
    snapshots: BTreeMap<u64, Snapshot>,
    next_snapshot: u64,
}

#[derive(Clone, Debug)]
struct Snapshot {
    head: u64,
    time: Time,
    pool: Pool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A block with its transactions, as read back.
#[derive(Clone, Debug)]
pub struct BlockRecord {
    /// The header and its hash.
    pub header: Sealed<Header>,
    /// The transactions with their senders, in order.
    pub transactions: Vec<Recovered<TxEnvelope>>,
}

/// What a call would do.
#[derive(Debug)]
pub struct Simulated {
    /// Gas that it would use.
    pub gas_used: u64,
    /// What it would log.
    pub logs: Vec<Log>,
    /// What it would return, or why it would fail.
    pub output: Result<Bytes, ChainError>,
}

impl Chain {
    /// Opens the chain in the file `path`, or starts one there. The folder must exist.
    ///
    /// # Errors
    /// When the file is in use, damaged, of another format or chain, or cannot be read or written.
    pub fn open(path: impl AsRef<Path>, config: Config) -> Result<Self, LedgerError> {
        Self::over_store(Store::open(path.as_ref())?, config)
    }

    /// Opens the chain in the file `path` without changing anything in it; whatever would is refused. It takes no lock
    /// that a folder must be written for, so that a chain in a folder that cannot be written can be read.
    ///
    /// # Errors
    /// As [`Chain::open`], and [`LedgerError::NotClosed`] for a file that must be put in order first.
    pub fn open_read_only(path: impl AsRef<Path>, config: Config) -> Result<Self, LedgerError> {
        let config = Config { mining: Mining::Manual, ..config };
        Self::over_store(Store::open_read_only(path.as_ref())?, config)
    }

    /// A chain that is gone with the process, for tests and simulation.
    ///
    /// # Errors
    /// None in practice; the type is that of [`Chain::open`].
    pub fn in_memory(config: Config) -> Result<Self, LedgerError> {
        Self::over(redb::backends::InMemoryBackend::new, config)
    }

    /// A chain over any storage that redb can use. `backend` is called to open it, and again after a failed write.
    ///
    /// # Errors
    /// As [`Chain::open`].
    pub fn over<B: StorageBackend>(
        backend: impl Fn() -> B + Send + Sync + 'static,
        config: Config,
    ) -> Result<Self, LedgerError> {
        Self::over_store(Store::over(backend)?, config)
    }

    fn over_store(store: Store, config: Config) -> Result<Self, LedgerError> {
        match store.chain_id()? {
            None => store.commit(&first_block(&config), 0, config.chain_id)?,
            Some(found) if found != config.chain_id => {
                let path = store.path().to_owned();
                return Err(LedgerError::OtherChain { path, found, wanted: config.chain_id });
            }
            Some(_) => {}
        }
        let head = read_head(&store)?;
        let time = Time { offset: store.time_offset()?, next: None };
        let chain = Self(Arc::new(Inner {
            view: RwLock::new(View { head, hot: Hot::default() }),
            store,
            miner: Mutex::default(),
            time: Mutex::new(time),
            pool: Mutex::default(),
            stale: AtomicBool::new(false),
            filters: Mutex::default(),
            config,
        }));
        if let Mining::Interval(every) = chain.0.config.mining {
            mine_at_intervals(Arc::downgrade(&chain.0), every);
        }
        Ok(chain)
    }

    /// How the chain behaves.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The file that holds the chain.
    pub fn path(&self) -> &Path {
        self.0.store.path()
    }

    /// The newest block's header.
    pub fn head(&self) -> Sealed<Header> {
        self.view().head.clone()
    }

    pub(crate) fn filters(&self) -> MutexGuard<'_, crate::rpc::Filters> {
        lock(&self.0.filters)
    }

    fn view(&self) -> RwLockReadGuard<'_, View> {
        self.0.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    // ---- writing ----------------------------------------------------------------------------------------------------

    /// Takes a signed transaction in its EIP-2718 bytes and returns its hash. With [`Mining::PerTransaction`] it is in a
    /// block, on the disk, when this returns. Transactions with a nonce above the sender's next are refused, not queued.
    ///
    /// # Errors
    /// [`ChainError::Refused`] with the rule that it breaks, or [`ChainError::Ledger`] when the file fails.
    pub fn submit(&self, raw: &[u8]) -> Result<B256, ChainError> {
        let tx = pool::decode(raw, self.0.config.chain_id)?;
        let hash = *tx.inner().tx_hash();
        let _miner = lock(&self.0.miner);
        self.refresh()?;
        let mut pool = lock(&self.0.pool).clone();
        if pool.contains(hash) || self.0.store.place(hash)?.is_some() {
            return Err(Refusal::AlreadyKnown.into());
        }
        if self.0.config.mining == Mining::PerTransaction {
            let block = self.build(vec![tx], Fit::LastMustRun)?.block;
            self.commit(&block)?;
        } else {
            let next = self.account(tx.signer(), BlockId::latest())?.map_or(0, |a| a.nonce);
            let mut all = pool.all();
            pool.insert(tx.clone(), next)?;
            // Tried on what waits before it, so that its sender is told now what is wrong with it.
            all.retain(|old| {
                (old.signer(), old.inner().nonce()) != (tx.signer(), tx.inner().nonce())
            });
            all.push(tx);
            self.build(all, Fit::LastMustRun)?;
            *lock(&self.0.pool) = pool;
        }
        Ok(hash)
    }

    /// Makes a block of what waits, and returns its number.
    ///
    /// # Errors
    /// [`ChainError::Ledger`] when the file fails.
    pub fn mine(&self) -> Result<u64, ChainError> {
        let _miner = lock(&self.0.miner);
        self.refresh()?;
        let waiting = lock(&self.0.pool).all();
        let built = self.build(waiting, Fit::WhatFits)?;
        self.commit(&built.block)?;
        for (hash, reason) in &built.dropped {
            tracing::warn!(%hash, %reason, "a waiting transaction has become invalid and is dropped");
        }
        lock(&self.0.pool).retain(&built.left);
        Ok(built.block.header.number)
    }

    /// Gives an account a balance, in a block of its own.
    ///
    /// # Errors
    /// [`ChainError::Ledger`] when the file fails.
    pub fn set_balance(&self, address: Address, balance: U256) -> Result<(), ChainError> {
        let _miner = lock(&self.0.miner);
        self.refresh()?;
        let mut built = self.build(Vec::new(), Fit::WhatFits)?;
        let old = self.account(address, BlockId::latest())?.unwrap_or(Account::EMPTY);
        let new = Account { balance, ..old };
        built.block.diff.accounts.insert(address, (new != Account::EMPTY).then_some(new));
        let header = built.block.header.into_inner();
        let parent_state = self.view().head.state_root;
        let block = seal(header, Vec::new(), Vec::new(), built.block.diff, parent_state);
        Ok(self.commit(&block)?)
    }

    /// Moves the ledger's time by `seconds`, durably, and returns how far it now is ahead of the clock.
    ///
    /// # Errors
    /// [`ChainError::Invalid`] when that is past the last second that the ledger knows, at the end of the year 9999;
    /// [`ChainError::Ledger`] when the file fails.
    pub fn increase_time(&self, seconds: i64) -> Result<i64, ChainError> {
        let _miner = lock(&self.0.miner);
        self.refresh()?;
        let time = lock(&self.0.time).moved(&self.0.config.clock, seconds)?;
        self.0.store.set_time_offset(time.offset).map_err(|error| self.failed(error))?;
        *lock(&self.0.time) = time;
        Ok(time.offset)
    }

    /// Sets the time of the next block, in seconds since 1970; the ledger's time goes on from there.
    ///
    /// # Errors
    /// [`ChainError::Invalid`] when that is not after the newest block's time, or past the last second that the ledger
    /// knows, at the end of the year 9999.
    pub fn set_next_timestamp(&self, seconds: u64) -> Result<(), ChainError> {
        // No block may come between the look at the newest one and the setting.
        let _miner = lock(&self.0.miner);
        let newest = self.head().timestamp;
        let mut time = lock(&self.0.time);
        *time = time.with_next(seconds, newest)?;
        Ok(())
    }

    /// Marks the present state, and returns the mark for [`Chain::revert`]. Marks do not outlive the process.
    pub fn snapshot(&self) -> u64 {
        let mut miner = lock(&self.0.miner);
        let head = self.view().head.number;
        let (time, pool) = (*lock(&self.0.time), lock(&self.0.pool).clone());
        miner.next_snapshot += 1;
        let mark = miner.next_snapshot;
        miner.snapshots.insert(mark, Snapshot { head, time, pool });
        mark
    }

    /// Goes back to a mark, takes back all later blocks, and forgets the mark and all later ones. False if there is no
    /// such mark.
    ///
    /// # Errors
    /// [`ChainError::Ledger`] when the file fails.
    pub fn revert(&self, mark: u64) -> Result<bool, ChainError> {
        let mut miner = lock(&self.0.miner);
        self.refresh()?;
        let Some(snapshot) = miner.snapshots.get(&mark).cloned() else { return Ok(false) };
        // Readers wait: what they read from the file is taken away under them.
        let mut view = self.0.view.write().unwrap_or_else(PoisonError::into_inner);
        let done = self.0.store.rewind(snapshot.head, snapshot.time.offset);
        done.map_err(|error| self.failed(error))?;
        *view = View { head: read_head(&self.0.store)?, hot: Hot::default() };
        *lock(&self.0.time) = snapshot.time;
        *lock(&self.0.pool) = snapshot.pool;
        self.filters().rewind(snapshot.head);
        miner.snapshots.split_off(&mark);
        Ok(true)
    }

    /// Executes `candidates` in the block after the newest one.
    fn build(&self, candidates: Vec<Recovered<TxEnvelope>>, fit: Fit) -> Result<Built, ChainError> {
        let time = *lock(&self.0.time);
        let view = self.view();
        let mut state = Overlay::new(self.newest(&view));
        let header = self.header_after(&view.head, time);
        let (mut transactions, mut outcomes) = (Vec::new(), Vec::<Outcome>::new());
        let (mut left, mut dropped) = (Vec::new(), Vec::new());
        let last = candidates.last().map(|tx| *tx.inner().tx_hash());
        for tx in candidates {
            let must_run = fit == Fit::LastMustRun && last == Some(*tx.inner().tx_hash());
            let gas = outcomes.last().map_or(0, |last| last.cumulative_gas);
            let full = fit == Fit::WhatFits && gas + tx.inner().gas_limit() > header.gas_limit;
            if full || !left.is_empty() {
                left.push(*tx.inner().tx_hash());
                continue;
            }
            match execute::apply(&mut state, &header, self.0.config.chain_id, &tx, gas) {
                Ok(outcome) => {
                    transactions.push(tx);
                    outcomes.push(outcome);
                }
                Err(ChainError::Refused(reason)) if !must_run => {
                    dropped.push((*tx.inner().tx_hash(), reason));
                }
                Err(error) => return Err(error),
            }
        }
        let block = seal(header, transactions, outcomes, state.diff, view.head.state_root);
        Ok(Built { block, left, dropped })
    }

    fn header_after(&self, parent: &Sealed<Header>, time: Time) -> Header {
        let (timestamp, _) = time.of_next_block(&self.0.config.clock, parent.timestamp);
        next_header(parent, timestamp, self.0.config.beneficiary)
    }

    /// Writes a block, then shows it.
    fn commit(&self, block: &Block) -> Result<(), LedgerError> {
        let mut time = *lock(&self.0.time);
        if time.next.take().is_some() {
            let now = self.0.config.clock.now().cast_signed();
            time.offset = block.header.timestamp.cast_signed().saturating_sub(now);
        }
        self.0
            .store
            .commit(block, time.offset, self.0.config.chain_id)
            .map_err(|error| self.failed(error))?;
        *lock(&self.0.time) = time;
        let mut view = self.0.view.write().unwrap_or_else(PoisonError::into_inner);
        view.head = block.header.clone();
        view.hot.apply(&block.diff);
        Ok(())
    }

    fn failed(&self, error: LedgerError) -> LedgerError {
        self.0.stale.store(true, Ordering::SeqCst);
        error
    }

    /// After a failed write, learns from the file whether the block got there all the same.
    fn refresh(&self) -> Result<(), LedgerError> {
        if !self.0.stale.load(Ordering::SeqCst) {
            return Ok(());
        }
        let head = read_head(&self.0.store)?;
        let offset = self.0.store.time_offset()?;
        let mut view = self.0.view.write().unwrap_or_else(PoisonError::into_inner);
        *view = View { head, hot: Hot::default() };
        lock(&self.0.time).offset = offset;
        self.0.stale.store(false, Ordering::SeqCst);
        Ok(())
    }

    // ---- reading ----------------------------------------------------------------------------------------------------

    fn newest<'a>(&'a self, view: &'a View) -> StateAt<'a> {
        StateAt { store: &self.0.store, hot: &view.hot, number: view.head.number, newest: true }
    }

    /// Runs `work` over the state after a block, with the header that executions see.
    fn with_state<T>(
        &self,
        at: BlockId,
        work: impl FnOnce(&mut Overlay<'_>, &Header) -> Result<T, ChainError>,
    ) -> Result<T, ChainError> {
        if at.is_pending() {
            return self.with_pending(work);
        }
        let view = self.view();
        let number = self.resolve(at, view.head.number)?;
        if number == view.head.number {
            return work(&mut Overlay::new(self.newest(&view)), &view.head);
        }
        let header = self.0.store.header(number)?;
        let header = header.ok_or(ChainError::UnknownBlock("header not found"))?;
        let state = StateAt { store: &self.0.store, hot: &view.hot, number, newest: false };
        work(&mut Overlay::new(state), &header)
    }

    fn with_pending<T>(
        &self,
        work: impl FnOnce(&mut Overlay<'_>, &Header) -> Result<T, ChainError>,
    ) -> Result<T, ChainError> {
        let pending = self.pending_block()?;
        let view = self.view();
        let mut state = Overlay::new(self.newest(&view));
        // A block made meanwhile holds what waited; its state is then the pending one.
        if pending.header.parent_hash == view.head.hash() {
            state.diff = pending.diff;
        }
        work(&mut state, &pending.header)
    }

    fn pending_block(&self) -> Result<Block, ChainError> {
        let waiting = lock(&self.0.pool).all();
        Ok(self.build(waiting, Fit::WhatFits)?.block)
    }

    fn resolve(&self, at: BlockId, head: u64) -> Result<u64, ChainError> {
        match at {
            BlockId::Hash(hash) => self
                .0
                .store
                .number_of(hash.block_hash)?
                .ok_or(ChainError::UnknownBlock("header for hash not found")),
            BlockId::Number(BlockNumberOrTag::Number(number)) if number > head => {
                Err(ChainError::UnknownBlock("header not found"))
            }
            BlockId::Number(BlockNumberOrTag::Number(number)) => Ok(number),
            BlockId::Number(BlockNumberOrTag::Earliest) => Ok(0),
            // One party makes all blocks, so that the newest one is final.
            BlockId::Number(_) => Ok(head),
        }
    }

    /// The account after a block, if it exists.
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`] or [`ChainError::Ledger`].
    pub fn account(&self, address: Address, at: BlockId) -> Result<Option<Account>, ChainError> {
        self.with_state(at, |state, _| Ok(state.account(address)?))
    }

    /// The code of an account after a block; empty if it has none.
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`] or [`ChainError::Ledger`].
    pub fn code(&self, address: Address, at: BlockId) -> Result<Bytes, ChainError> {
        self.with_state(at, |state, _| match state.account(address)? {
            Some(account) => Ok(state.code(account.code_hash)?.original_bytes()),
            None => Ok(Bytes::new()),
        })
    }

    /// The word in a slot after a block.
    ///
    /// # Errors
    /// [`ChainError::UnknownBlock`] or [`ChainError::Ledger`].
    pub fn storage(&self, address: Address, slot: U256, at: BlockId) -> Result<U256, ChainError> {
        self.with_state(at, |state, _| Ok(state.slot(address, slot)?))
    }

    /// Runs a call after a block and returns its output; changes nothing.
    ///
    /// # Errors
    /// [`ChainError::Reverted`] with the data of the revert, [`ChainError::Halted`], [`ChainError::Refused`],
    /// [`ChainError::UnknownBlock`] or [`ChainError::Ledger`].
    pub fn call(&self, request: &TransactionRequest, at: BlockId) -> Result<Bytes, ChainError> {
        let chain_id = self.0.config.chain_id;
        let tx = execute::call_env(request, chain_id, execute::CALL_GAS_CAP)?;
        self.with_state(at, |state, header| {
            let done = execute::run(state, header, chain_id, tx, execute::Rules::Call)?;
            execute::output(done.result)
        })
    }

    /// Runs calls one after another after a block and tells what each would do; changes nothing.
    ///
    /// # Errors
    /// [`ChainError::Refused`] for a call that may not run at all, [`ChainError::UnknownBlock`] or [`ChainError::Ledger`].
    pub fn simulate(
        &self,
        requests: &[TransactionRequest],
        at: BlockId,
    ) -> Result<Vec<Simulated>, ChainError> {
        let chain_id = self.0.config.chain_id;
        self.with_state(at, |state, header| {
            let one = |request: &TransactionRequest| -> Result<Simulated, ChainError> {
                let tx = execute::call_env(request, chain_id, execute::CALL_GAS_CAP)?;
                let done = execute::run(state, header, chain_id, tx, execute::Rules::Call)?;
                state.absorb(done.state)?;
                let (gas_used, logs) = (done.result.tx_gas_used(), done.result.logs().to_vec());
                Ok(Simulated { gas_used, logs, output: execute::output(done.result) })
            };
            requests.iter().map(one).collect()
        })
    }

    /// The gas limit that a transaction needs after a block.
    ///
    /// # Errors
    /// As [`Chain::call`].
    pub fn estimate(&self, request: &TransactionRequest, at: BlockId) -> Result<u64, ChainError> {
        let chain_id = self.0.config.chain_id;
        self.with_state(at, |state, header| execute::estimate(state, header, chain_id, request))
    }

    /// A block with its transactions; `None` if there is none. The pending block is the one that would be made now.
    ///
    /// # Errors
    /// [`ChainError::Ledger`].
    pub fn block(&self, at: BlockId) -> Result<Option<BlockRecord>, ChainError> {
        if at.is_pending() {
            let Block { header, transactions, .. } = self.pending_block()?;
            return Ok(Some(BlockRecord { header, transactions }));
        }
        let Some(header) = self.header(at)? else { return Ok(None) };
        let transactions = self.0.store.transactions(header.number)?;
        Ok(Some(BlockRecord { header, transactions }))
    }

    /// The header of a block that was made; `None` if there is none.
    ///
    /// # Errors
    /// [`ChainError::Ledger`].
    pub fn header(&self, at: BlockId) -> Result<Option<Sealed<Header>>, ChainError> {
        let view = self.view();
        match self.resolve(at, view.head.number) {
            Ok(number) if number == view.head.number => Ok(Some(view.head.clone())),
            Ok(number) if number < view.head.number => Ok(self.0.store.header(number)?),
            Ok(_) | Err(ChainError::UnknownBlock(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn outcomes(&self, number: u64) -> Result<Vec<Outcome>, ChainError> {
        Ok(self.0.store.outcomes(number)?)
    }

    /// Block and index of a transaction in a block that readers see.
    pub(crate) fn place(&self, hash: B256) -> Result<Option<(u64, u32)>, ChainError> {
        let head = self.view().head.number;
        Ok(self.0.store.place(hash)?.filter(|(number, _)| *number <= head))
    }

    pub(crate) fn waiting(&self, hash: B256) -> Option<Recovered<TxEnvelope>> {
        lock(&self.0.pool).get(hash)
    }

    pub(crate) fn blocks_logged_by(
        &self,
        address: Address,
        from: u64,
        to: u64,
    ) -> Result<Vec<u64>, ChainError> {
        Ok(self.0.store.blocks_logged_by(address, from, to)?)
    }

    /// Sum of all balances after the newest block, in wei. Reads every account: for audits and tests.
    ///
    /// # Errors
    /// [`LedgerError`] when the file fails.
    pub fn total_balance(&self) -> Result<U256, LedgerError> {
        self.0.store.total_balance(self.head().number)
    }
}

/// What to do with a transaction that cannot go into a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// Fail if it is the last one: it was just handed in, and its sender is told why. The block may pass its gas limit,
    /// as it is not to be kept.
    LastMustRun,
    /// Leave it for later if the block is full, and drop it if it has become invalid.
    WhatFits,
}

struct Built {
    block: Block,
    /// Hashes of the transactions that wait for the next block.
    left: Vec<B256>,
    /// Hashes of the transactions that can go into no block any more, and why.
    dropped: Vec<(B256, Refusal)>,
}

fn first_block(config: &Config) -> Block {
    let mut diff = Diff::default();
    for (address, balance) in &config.funded {
        let account = Account { balance: *balance, ..Account::EMPTY };
        diff.accounts.insert(*address, Some(account));
    }
    let header = Header {
        gas_limit: config.gas_limit,
        base_fee_per_gas: Some(FIRST_BASE_FEE),
        timestamp: config.clock.now(),
        beneficiary: config.beneficiary,
        ..empty_header()
    };
    let no_state = header.state_root;
    seal(header, Vec::new(), Vec::new(), diff, no_state)
}

/// The newest header, checked against its own hash and its parent: what a torn or altered file would fail.
fn read_head(store: &Store) -> Result<Sealed<Header>, LedgerError> {
    let number = store.head_number()?;
    let missing = || store.damaged(format!("block {number}, its last, is not there"));
    let head = store.header(number)?.ok_or_else(missing)?;
    if head.number != number || head.inner().hash_slow() != head.hash() {
        return Err(store.damaged(format!("block {number} does not fit its hash")));
    }
    if let Some(before) = number.checked_sub(1) {
        let parent = store.header(before)?;
        if parent.is_none_or(|parent| parent.hash() != head.parent_hash) {
            return Err(store.damaged(format!("block {number} does not follow block {before}")));
        }
    }
    Ok(head)
}

/// Makes blocks from a thread of its own until the last handle to the chain is gone.
fn mine_at_intervals(chain: Weak<Inner>, every: Duration) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(every);
            let Some(chain) = chain.upgrade().map(Chain) else { return };
            if let Err(error) = chain.mine() {
                tracing::error!(%error, "no block was made");
            }
        }
    });
}
