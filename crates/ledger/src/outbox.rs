//! Transactions sent exactly once, whatever dies in between.
//!
//! A caller names each intent by a key ("mint dataset 7", "settle job 12"). The signed bytes are on the disk under that key
//! before a node sees them, so that after a crash the same bytes are sent again rather than new ones: an account's nonce
//! lets at most one of them into the chain. Only when another transaction has used up the nonce, so that the recorded bytes
//! can never be mined, is the intent signed anew. All attempts under a key are kept, and a receipt of any of them settles it.
//!
//! The key alone names the intent: what else is passed with a known key counts only if it must be signed anew.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::{BlockId, Encodable2718};
use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256};
use alloy::providers::{DynProvider, Provider};
use alloy::rpc::json_rpc::{ErrorPayload, RpcError};
use alloy::rpc::types::{TransactionReceipt, TransactionRequest};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use alloy::transports::TransportError;
use redb::{
    Database, Durability, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, ReadableTable,
    TableDefinition, TableError,
};
use serde::{Deserialize, Serialize};

use crate::{Ledger, LedgerError};

const ENTRIES: TableDefinition<&str, &[u8]> = TableDefinition::new("outbox 1");

/// Gas limit over the estimate, in percent: state may change before the transaction runs.
const GAS_PERCENT: u64 = 120;

/// From here on a margin on the gas limit may pass the block's, which is then looked up. The cap on one transaction on
/// public chains is 2^24 (EIP-7825).
const LARGE_GAS: u64 = 1 << 24;

/// First and longest pause between two looks for a receipt.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long a receipt is waited for unless [`Outbox::with_patience`] says otherwise.
const PATIENCE: Duration = Duration::from_secs(300);

/// Looks for a receipt before a used-up nonce is believed to be another transaction's: nodes count a transaction a moment
/// before they can show its receipt.
const LOOKS_BEFORE_ANEW: u32 = 8;

/// How often an intent is signed in one call before its sender is taken to be in use elsewhere.
const MOST_SIGNATURES: u32 = 5;

/// Why a transaction was not sent, or not settled.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The contract refuses: at estimation, or when it was mined. Nothing stays recorded; the key may be used again.
    #[error("the contract refuses: {message}")]
    Reverted {
        /// What the contract returned, for the caller to decode.
        data: Bytes,
        /// The node's words.
        message: String,
    },
    /// The node refuses the transaction for another reason, such as a lack of ether for gas.
    #[error("the ledger does not take the transaction {key:?}: {message}")]
    Refused {
        /// The intent.
        key: String,
        /// The node's words.
        message: String,
    },
    /// The node did not answer. What was recorded is sent again by the next call with this key, or by
    /// [`Outbox::resume`].
    #[error("the ledger did not answer ({0}); try again, nothing is sent twice")]
    Unreachable(String),
    /// The transaction is in no block yet.
    #[error(
        "the transaction {hash} of {key:?} is in no block yet; ask again later, nothing is sent twice"
    )]
    Waiting {
        /// The intent.
        key: String,
        /// The newest attempt.
        hash: B256,
    },
    /// The nonce was used by a transaction from elsewhere; only the signer can go on.
    #[error(
        "the nonce of {key:?} was used by another transaction; submit it again with its signer"
    )]
    Overtaken {
        /// The intent.
        key: String,
    },
    /// The key belongs to an intent of another account or another chain.
    #[error("the key {key:?} is recorded for {recorded}; use another key")]
    KeyTaken {
        /// The intent.
        key: String,
        /// The account and chain that it is recorded for.
        recorded: String,
    },
    /// Signing failed.
    #[error("the transaction {key:?} could not be signed ({detail})")]
    Signing {
        /// The intent.
        key: String,
        /// What happened.
        detail: String,
    },
    /// The outbox's file failed.
    #[error("the outbox cannot go on: {0}")]
    File(#[from] LedgerError),
}

impl OutboxError {
    /// The node's words, if it refused because the sender cannot pay for gas and value.
    pub fn lacks_ether(&self) -> Option<&str> {
        let Self::Refused { message, .. } = self else { return None };
        // go-ethereum, Anvil and the embedded chain; Nethermind and Erigon.
        let words = ["insufficient funds", "insufficientfunds", "insufficient sender balance"];
        let lower = message.to_lowercase();
        words.iter().any(|word| lower.contains(word)).then_some(message)
    }
}

/// Where intents and their signed bytes are kept. Clones share it.
#[derive(Clone)]
pub struct Outbox(Arc<Inner>);

struct Inner {
    path: PathBuf,
    file: File,
    patience: Duration,
    /// One account signs one transaction at a time, so that nonces do not race.
    senders: Mutex<HashMap<Address, Arc<tokio::sync::Mutex<()>>>>,
}

enum File {
    Writable(Database),
    ReadOnly(ReadOnlyDatabase),
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("path", &self.0.path).finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    chain_id: u64,
    sender: Address,
    /// Oldest first; never empty.
    attempts: Vec<Attempt>,
    /// The attempt that was mined and succeeded.
    mined: Option<B256>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Attempt {
    nonce: u64,
    hash: B256,
    raw: Bytes,
}

/// What a caller wants done.
struct Intent<'a> {
    key: &'a str,
    signer: &'a PrivateKeySigner,
    to: Option<Address>,
    data: Bytes,
    value: U256,
}

/// Where an entry stands on the chain.
enum Standing {
    Mined(Box<TransactionReceipt>),
    Open,
    /// Another transaction has the nonce of the newest attempt.
    Overtaken,
}

/// What a node said to a transaction.
enum Sent {
    Taken,
    NonceUsed,
    Refused(String),
}

impl Outbox {
    /// Opens the outbox in the file `path`, or starts one there. The folder must exist.
    ///
    /// # Errors
    /// [`OutboxError::File`] when the file is in use, damaged, or cannot be read or written.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OutboxError> {
        let path = path.as_ref().to_owned();
        let database = Database::create(&path);
        let database = database.map_err(|error| LedgerError::from_open(&path, error))?;
        Ok(Self::over(path, File::Writable(database)))
    }

    /// Opens the outbox in the file `path` to look at it; nothing can be sent with it.
    ///
    /// # Errors
    /// As [`Outbox::open`], and where there is no such file.
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Self, OutboxError> {
        let path = path.as_ref().to_owned();
        let database = ReadOnlyDatabase::open(&path);
        let database = database.map_err(|error| LedgerError::from_open(&path, error))?;
        Ok(Self::over(path, File::ReadOnly(database)))
    }

    fn over(path: PathBuf, file: File) -> Self {
        Self(Arc::new(Inner { path, file, patience: PATIENCE, senders: Mutex::default() }))
    }

    /// Waits at most this long for a receipt, in place of five minutes. To be called before the outbox is cloned; a shared
    /// one keeps the patience it has.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.patience = patience;
        }
        self
    }

    /// Sends a transaction once and returns its receipt, which is always that of a success. `to` is `None` to create a
    /// contract. A key that was settled before returns the receipt of then.
    ///
    /// # Errors
    /// See [`OutboxError`]; calling again with the same key is always safe.
    pub async fn submit(
        &self,
        ledger: &Ledger,
        key: &str,
        signer: &PrivateKeySigner,
        to: Option<Address>,
        data: Bytes,
        value: U256,
    ) -> Result<TransactionReceipt, OutboxError> {
        self.writable()?;
        let intent = Intent { key, signer, to, data, value };
        let provider = ledger.provider();
        for _ in 0..MOST_SIGNATURES {
            let entry = {
                let sender = self.sender(signer.address());
                let _turn = sender.lock().await;
                match self.load(key)? {
                    None => self.sign(ledger, &intent, None).await?,
                    Some(entry) => {
                        check_owner(key, &entry, signer.address(), ledger.chain_id())?;
                        match standing(&provider, &entry).await? {
                            Standing::Mined(receipt) => {
                                return self.settle(&provider, key, entry, *receipt).await;
                            }
                            Standing::Overtaken => self.sign(ledger, &intent, Some(entry)).await?,
                            Standing::Open => self.send_again(ledger, &intent, entry).await?,
                        }
                    }
                }
            };
            let Some(entry) = entry else { continue };
            if let Some(receipt) = self.receipt(&provider, key, &entry).await? {
                return self.settle(&provider, key, entry, receipt).await;
            }
        }
        let message = "its sender's nonce is used up by others again and again".into();
        Err(OutboxError::Refused { key: key.into(), message })
    }

    /// The receipt of what was settled under a key before; none where nothing was.
    ///
    /// # Errors
    /// [`OutboxError::File`], [`OutboxError::Unreachable`].
    pub async fn settled(
        &self,
        ledger: &Ledger,
        key: &str,
    ) -> Result<Option<TransactionReceipt>, OutboxError> {
        let Some(entry) = self.load(key)?.filter(|entry| entry.chain_id == ledger.chain_id())
        else {
            return Ok(None);
        };
        let receipt = find_receipt(&ledger.provider(), &entry).await?;
        Ok(receipt.filter(TransactionReceipt::status))
    }

    /// The keys of what was recorded and is not known to be mined, in the order of keys.
    ///
    /// # Errors
    /// [`OutboxError::File`].
    pub fn pending(&self) -> Result<Vec<String>, OutboxError> {
        let transaction = self.read()?;
        let table = match transaction.open_table(ENTRIES) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(error) => return Err(self.fail(error)),
        };
        let mut keys = Vec::new();
        for row in table.iter().map_err(|error| self.fail(error))? {
            let (key, value) = row.map_err(|error| self.fail(error))?;
            if self.decode(key.value(), value.value())?.mined.is_none() {
                keys.push(key.value().to_owned());
            }
        }
        Ok(keys)
    }

    /// Finishes what was left unfinished on this chain, and says for each key how it went. Needs no signer: recorded bytes
    /// are sent again as they are.
    ///
    /// # Errors
    /// [`OutboxError::File`]; what befalls one key is in its own result.
    pub async fn resume(
        &self,
        ledger: &Ledger,
    ) -> Result<Vec<(String, Result<TransactionReceipt, OutboxError>)>, OutboxError> {
        let mut results = Vec::new();
        for key in self.pending()? {
            let Some(entry) = self.load(&key)? else { continue };
            if entry.chain_id == ledger.chain_id() {
                let result = self.finish(ledger, &key, entry).await;
                results.push((key, result));
            }
        }
        Ok(results)
    }

    async fn finish(
        &self,
        ledger: &Ledger,
        key: &str,
        entry: Entry,
    ) -> Result<TransactionReceipt, OutboxError> {
        let provider = ledger.provider();
        let overtaken = || OutboxError::Overtaken { key: key.into() };
        match standing(&provider, &entry).await? {
            Standing::Mined(receipt) => {
                return self.settle(&provider, key, entry, *receipt).await;
            }
            Standing::Overtaken => return Err(overtaken()),
            Standing::Open => {}
        }
        if let Some(newest) = entry.attempts.last()
            && let Sent::Refused(message) = send(&provider, &newest.raw).await?
        {
            return Err(OutboxError::Refused { key: key.into(), message });
        }
        match self.receipt(&provider, key, &entry).await? {
            Some(receipt) => self.settle(&provider, key, entry, receipt).await,
            None => Err(overtaken()),
        }
    }

    fn sender(&self, address: Address) -> Arc<tokio::sync::Mutex<()>> {
        let mut senders = self.0.senders.lock().unwrap_or_else(PoisonError::into_inner);
        senders.entry(address).or_default().clone()
    }

    /// Signs the intent with the next free nonce, records it, and sends it. `None` if the nonce was taken meanwhile.
    async fn sign(
        &self,
        ledger: &Ledger,
        intent: &Intent<'_>,
        before: Option<Entry>,
    ) -> Result<Option<Entry>, OutboxError> {
        let provider = ledger.provider();
        let count = provider.get_transaction_count(intent.signer.address()).pending();
        let nonce = count.await.map_err(unreachable)?;
        let attempt = prepare(ledger, intent, nonce).await?;
        let raw = attempt.raw.clone();
        let first = before.is_none();
        let entry = append(before, attempt, ledger.chain_id(), intent.signer.address());
        self.store(intent.key, &entry, Durability::Immediate)?;
        match send(&provider, &raw).await? {
            Sent::Taken => Ok(Some(entry)),
            Sent::NonceUsed => Ok(None),
            Sent::Refused(message) => {
                // The node has said that it does not have these bytes, and nobody else has seen them.
                if first {
                    self.forget(intent.key)?;
                }
                Err(OutboxError::Refused { key: intent.key.into(), message })
            }
        }
    }

    /// Sends the recorded bytes again. If the node does not take them as they are (its fees have risen, say), the intent is
    /// signed with the same nonce, of which the chain takes one.
    async fn send_again(
        &self,
        ledger: &Ledger,
        intent: &Intent<'_>,
        entry: Entry,
    ) -> Result<Option<Entry>, OutboxError> {
        let provider = ledger.provider();
        let Some(newest) = entry.attempts.last().cloned() else { return Ok(None) };
        match send(&provider, &newest.raw).await? {
            Sent::Taken => return Ok(Some(entry)),
            Sent::NonceUsed => return Ok(None),
            Sent::Refused(_) => {}
        }
        let attempt = prepare(ledger, intent, newest.nonce).await?;
        let raw = attempt.raw.clone();
        let entry = append(Some(entry), attempt, ledger.chain_id(), intent.signer.address());
        self.store(intent.key, &entry, Durability::Immediate)?;
        match send(&provider, &raw).await? {
            Sent::Taken => Ok(Some(entry)),
            Sent::NonceUsed => Ok(None),
            Sent::Refused(message) => Err(OutboxError::Refused { key: intent.key.into(), message }),
        }
    }

    /// Waits for the receipt of any attempt. `None` if another transaction has taken the nonce.
    async fn receipt(
        &self,
        provider: &DynProvider,
        key: &str,
        entry: &Entry,
    ) -> Result<Option<TransactionReceipt>, OutboxError> {
        let (mut pause, mut waited) = (FIRST_PAUSE, Duration::ZERO);
        loop {
            if let Some(receipt) = find_receipt(provider, entry).await? {
                return Ok(Some(receipt));
            }
            if waited >= self.0.patience {
                let hash = entry.attempts.last().map_or(B256::ZERO, |newest| newest.hash);
                return Err(OutboxError::Waiting { key: key.into(), hash });
            }
            tokio::time::sleep(pause).await;
            waited += pause;
            // A node may have dropped it from its memory; once in a while it is sent again.
            if pause == LONGEST_PAUSE
                && let Some(newest) = entry.attempts.last()
                && matches!(send(provider, &newest.raw).await?, Sent::NonceUsed)
                && matches!(standing(provider, entry).await?, Standing::Overtaken)
            {
                return Ok(None);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Records the end of an intent: done, or forgotten if it was mined and reverted.
    async fn settle(
        &self,
        provider: &DynProvider,
        key: &str,
        mut entry: Entry,
        receipt: TransactionReceipt,
    ) -> Result<TransactionReceipt, OutboxError> {
        if receipt.status() {
            if entry.mined.is_none() {
                entry.mined = Some(receipt.transaction_hash);
                // Not worth a wait for the disk: if it is lost, the receipt is found again.
                self.store(key, &entry, Durability::None)?;
            }
            return Ok(receipt);
        }
        let error = why_reverted(provider, &receipt).await;
        self.forget(key)?;
        Err(error)
    }

    // ---- the file ---------------------------------------------------------------------------------------------------

    fn read(&self) -> Result<ReadTransaction, OutboxError> {
        let transaction = match &self.0.file {
            File::Writable(database) => database.begin_read(),
            File::ReadOnly(database) => database.begin_read(),
        };
        transaction.map_err(|error| self.fail(error))
    }

    fn writable(&self) -> Result<&Database, LedgerError> {
        match &self.0.file {
            File::Writable(database) => Ok(database),
            File::ReadOnly(_) => Err(LedgerError::ReadOnly { path: self.0.path.clone() }),
        }
    }

    fn fail(&self, error: impl Into<redb::Error>) -> OutboxError {
        LedgerError::from_redb(&self.0.path, error).into()
    }

    fn decode(&self, key: &str, bytes: &[u8]) -> Result<Entry, OutboxError> {
        serde_json::from_slice(bytes).map_err(|_| {
            LedgerError::damaged(&self.0.path, format!("the entry {key:?} cannot be read")).into()
        })
    }

    fn load(&self, key: &str) -> Result<Option<Entry>, OutboxError> {
        let transaction = self.read()?;
        let table = match transaction.open_table(ENTRIES) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(self.fail(error)),
        };
        let Some(value) = table.get(key).map_err(|error| self.fail(error))? else {
            return Ok(None);
        };
        self.decode(key, value.value()).map(Some)
    }

    fn store(&self, key: &str, entry: &Entry, durability: Durability) -> Result<(), OutboxError> {
        let bytes = serde_json::to_vec(entry)
            .map_err(|error| LedgerError::damaged(&self.0.path, error.to_string()))?;
        self.write(key, Some(&bytes), durability)
    }

    fn forget(&self, key: &str) -> Result<(), OutboxError> {
        self.write(key, None, Durability::Immediate)
    }

    fn write(
        &self,
        key: &str,
        bytes: Option<&[u8]>,
        durability: Durability,
    ) -> Result<(), OutboxError> {
        let database = self.writable()?;
        let write = || -> Result<(), redb::Error> {
            let mut transaction = database.begin_write()?;
            transaction.set_durability(durability)?;
            {
                let mut table = transaction.open_table(ENTRIES)?;
                match bytes {
                    Some(bytes) => table.insert(key, bytes)?,
                    None => table.remove(key)?,
                };
            }
            transaction.commit()?;
            Ok(())
        };
        write().map_err(|error| self.fail(error))
    }
}

fn check_owner(
    key: &str,
    entry: &Entry,
    sender: Address,
    chain_id: u64,
) -> Result<(), OutboxError> {
    if entry.sender == sender && entry.chain_id == chain_id {
        return Ok(());
    }
    let recorded = format!("account {} on chain {}", entry.sender, entry.chain_id);
    Err(OutboxError::KeyTaken { key: key.into(), recorded })
}

fn append(before: Option<Entry>, attempt: Attempt, chain_id: u64, sender: Address) -> Entry {
    let mut entry = before.unwrap_or(Entry { chain_id, sender, attempts: Vec::new(), mined: None });
    entry.attempts.push(attempt);
    entry
}

/// Estimates, prices and signs an intent.
async fn prepare(ledger: &Ledger, intent: &Intent<'_>, nonce: u64) -> Result<Attempt, OutboxError> {
    let provider = ledger.provider();
    let kind = intent.to.map_or(TxKind::Create, TxKind::Call);
    let request = TransactionRequest::default()
        .with_from(intent.signer.address())
        .with_kind(kind)
        .with_input(intent.data.clone())
        .with_value(intent.value);
    let estimate = provider
        .estimate_gas(request)
        .block(BlockId::pending())
        .await
        .map_err(|error| refused_call(intent.key, error))?;
    let fees = provider.estimate_eip1559_fees().await.map_err(unreachable)?;
    let tx = TxEip1559 {
        chain_id: ledger.chain_id(),
        nonce,
        gas_limit: gas_limit(&provider, estimate).await?,
        max_fee_per_gas: fees.max_fee_per_gas,
        max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
        to: kind,
        value: intent.value,
        access_list: Default::default(),
        input: intent.data.clone(),
    };
    let signature = intent.signer.sign_hash_sync(&tx.signature_hash()).map_err(|error| {
        OutboxError::Signing { key: intent.key.into(), detail: error.to_string() }
    })?;
    let signed = TxEnvelope::from(tx.into_signed(signature));
    Ok(Attempt { nonce, hash: *signed.tx_hash(), raw: signed.encoded_2718().into() })
}

async fn gas_limit(provider: &DynProvider, estimate: u64) -> Result<u64, OutboxError> {
    let limit = estimate.saturating_mul(GAS_PERCENT) / 100;
    if limit < LARGE_GAS {
        return Ok(limit);
    }
    let newest = provider.get_block(BlockId::latest()).await.map_err(unreachable)?;
    let most = newest.map_or(limit, |block| block.header.gas_limit);
    Ok(limit.min(most).max(estimate))
}

fn unreachable(error: TransportError) -> OutboxError {
    OutboxError::Unreachable(crate::failure(&error))
}

/// Sorts the failure of an estimation or call.
fn refused_call(key: &str, error: TransportError) -> OutboxError {
    let RpcError::ErrorResp(payload) = error else { return unreachable(error) };
    let message = payload.message.to_string();
    if payload.code == 3 || message.contains("revert") {
        return OutboxError::Reverted { data: revert_data(&payload), message };
    }
    OutboxError::Refused { key: key.into(), message }
}

fn revert_data(payload: &ErrorPayload) -> Bytes {
    payload.as_revert_data().unwrap_or_default()
}

async fn send(provider: &DynProvider, raw: &Bytes) -> Result<Sent, OutboxError> {
    let sent = provider.client().request::<_, B256>("eth_sendRawTransaction", (raw,)).await;
    let payload = match sent {
        Ok(_) => return Ok(Sent::Taken),
        Err(RpcError::ErrorResp(payload)) => payload,
        Err(error) => return Err(unreachable(error)),
    };
    let message = payload.message.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    Ok(if says(&["already known", "already imported", "known transaction"]) {
        Sent::Taken
    } else if says(&["nonce too low", "nonce is too low"]) {
        Sent::NonceUsed
    } else {
        Sent::Refused(payload.message.to_string())
    })
}

async fn find_receipt(
    provider: &DynProvider,
    entry: &Entry,
) -> Result<Option<TransactionReceipt>, OutboxError> {
    for attempt in entry.attempts.iter().rev() {
        let receipt = provider.get_transaction_receipt(attempt.hash).await.map_err(unreachable)?;
        if receipt.is_some() {
            return Ok(receipt);
        }
    }
    Ok(None)
}

/// Looks whether an entry is mined, can still be mined, or never can.
async fn standing(provider: &DynProvider, entry: &Entry) -> Result<Standing, OutboxError> {
    if let Some(receipt) = find_receipt(provider, entry).await? {
        return Ok(Standing::Mined(Box::new(receipt)));
    }
    let nonces = entry.attempts.iter().map(|attempt| attempt.nonce);
    let newest = nonces.max().unwrap_or_default();
    let mut pause = FIRST_PAUSE;
    for _ in 0..LOOKS_BEFORE_ANEW {
        let used = provider.get_transaction_count(entry.sender).await.map_err(unreachable)?;
        if used <= newest {
            return Ok(Standing::Open);
        }
        if let Some(receipt) = find_receipt(provider, entry).await? {
            return Ok(Standing::Mined(Box::new(receipt)));
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    Ok(Standing::Overtaken)
}

/// Asks the contract again, in the state before the block, why it reverted.
async fn why_reverted(provider: &DynProvider, receipt: &TransactionReceipt) -> OutboxError {
    let unknown = || OutboxError::Reverted {
        data: Bytes::new(),
        message: format!("the transaction {} was mined and reverted", receipt.transaction_hash),
    };
    let Ok(Some(tx)) = provider.get_transaction_by_hash(receipt.transaction_hash).await else {
        return unknown();
    };
    let before = receipt.block_number.unwrap_or_default().saturating_sub(1);
    let request = TransactionRequest::from_recovered_transaction(tx.inner);
    let call = TransactionRequest {
        nonce: None,
        gas_price: None,
        max_fee_per_gas: None,
        max_priority_fee_per_gas: None,
        ..request
    };
    match provider.call(call).block(BlockId::number(before)).await {
        Err(error @ RpcError::ErrorResp(_)) => match refused_call("", error) {
            reverted @ OutboxError::Reverted { .. } => reverted,
            _ => unknown(),
        },
        _ => unknown(),
    }
}
