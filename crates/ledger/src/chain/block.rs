//! How blocks, receipts and changes of state are shaped and hashed.

use std::collections::BTreeMap;

use alloy::consensus::proofs::{calculate_receipt_root, calculate_transaction_root};
use alloy::consensus::transaction::Recovered;
use alloy::consensus::{
    EMPTY_ROOT_HASH, Eip658Value, Header, Receipt, ReceiptEnvelope, Sealed, Transaction, TxEnvelope,
};
use alloy::eips::eip1559::BaseFeeParams;
use alloy::eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy::primitives::{Address, B256, Bloom, Bytes, KECCAK256_EMPTY, Log, U256, keccak256};
use alloy::rlp::{Decodable, Encodable};
use revm::state::{AccountInfo, Bytecode};

/// What the ledger keeps of an account, its code and storage apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Number of transactions sent, or of contracts created.
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// Keccak of the code; of nothing for an account without code.
    pub code_hash: B256,
}

/// Bytes of an account as stored: nonce, balance, code hash.
pub(crate) const ACCOUNT_BYTES: usize = 8 + 32 + 32;

impl Account {
    pub(crate) const EMPTY: Self =
        Self { nonce: 0, balance: U256::ZERO, code_hash: KECCAK256_EMPTY };

    pub(crate) fn encode(&self) -> [u8; ACCOUNT_BYTES] {
        let mut out = [0; ACCOUNT_BYTES];
        out[..8].copy_from_slice(&self.nonce.to_be_bytes());
        out[8..40].copy_from_slice(&self.balance.to_be_bytes::<32>());
        out[40..].copy_from_slice(self.code_hash.as_slice());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; ACCOUNT_BYTES] = bytes.try_into().ok()?;
        let (nonce, rest) = bytes.split_first_chunk::<8>()?;
        Some(Self {
            nonce: u64::from_be_bytes(*nonce),
            balance: U256::from_be_slice(&rest[..32]),
            code_hash: B256::from_slice(&rest[32..]),
        })
    }

    pub(crate) fn info(&self) -> AccountInfo {
        AccountInfo {
            balance: self.balance,
            nonce: self.nonce,
            code_hash: self.code_hash,
            code: None,
            ..AccountInfo::default()
        }
    }

    pub(crate) fn from_info(info: &AccountInfo) -> Option<Self> {
        let code_hash =
            if info.is_code_hash_empty_or_zero() { KECCAK256_EMPTY } else { info.code_hash };
        let account = Self { nonce: info.nonce, balance: info.balance, code_hash };
        // EIP-161: an account with nothing in it does not exist.
        (account != Self::EMPTY).then_some(account)
    }
}

/// What a block changes in the state, in the order of addresses and slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Diff {
    /// `None` where the account ceased to exist.
    pub accounts: BTreeMap<Address, Option<Account>>,
    pub storage: BTreeMap<(Address, U256), U256>,
    pub code: BTreeMap<B256, Bytecode>,
}

impl Diff {
    /// The commitment to the state that stands in the header's `stateRoot`.
    ///
    /// Not a Merkle Patricia root: `keccak(parent's commitment ++ keccak(sorted changes))`. It binds the whole history of
    /// states as a Merkle root would, costs one hash a block, and offers no proofs of single accounts (`eth_getProof` is
    /// not served). A block that changes nothing keeps its parent's commitment.
    pub fn commitment(&self, parent: B256) -> B256 {
        if self.accounts.is_empty() && self.storage.is_empty() {
            return parent;
        }
        let mut changes = Vec::with_capacity(self.accounts.len() * 93 + self.storage.len() * 85);
        for (address, account) in &self.accounts {
            changes.push(if account.is_some() { 1 } else { 0 });
            changes.extend_from_slice(address.as_slice());
            changes.extend_from_slice(&account.as_ref().map(Account::encode).unwrap_or([0; 72]));
        }
        for ((address, slot), value) in &self.storage {
            changes.push(2);
            changes.extend_from_slice(address.as_slice());
            changes.extend_from_slice(&slot.to_be_bytes::<32>());
            changes.extend_from_slice(&value.to_be_bytes::<32>());
        }
        keccak256([parent.as_slice(), keccak256(&changes).as_slice()].concat())
    }
}

/// What happened to a transaction, as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub success: bool,
    pub gas_used: u64,
    /// Gas of this transaction and of those before it in the block.
    pub cumulative_gas: u64,
    pub created: Option<Address>,
    pub logs: Vec<Log>,
}

impl Outcome {
    pub fn encode(&self) -> Vec<u8> {
        let flags = u8::from(self.success) | (u8::from(self.created.is_some()) << 1);
        let mut out = vec![flags];
        out.extend_from_slice(&self.gas_used.to_be_bytes());
        out.extend_from_slice(&self.cumulative_gas.to_be_bytes());
        out.extend_from_slice(self.created.unwrap_or_default().as_slice());
        self.logs.encode(&mut out);
        out
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (flags, rest) = bytes.split_first()?;
        let (gas_used, rest) = rest.split_first_chunk::<8>()?;
        let (cumulative, rest) = rest.split_first_chunk::<8>()?;
        let (created, mut rest) = rest.split_first_chunk::<20>()?;
        let logs = Vec::<Log>::decode(&mut rest).ok()?;
        Some(Self {
            success: flags & 1 == 1,
            gas_used: u64::from_be_bytes(*gas_used),
            cumulative_gas: u64::from_be_bytes(*cumulative),
            created: (flags & 2 == 2).then(|| Address::from(*created)),
            logs,
        })
    }

    pub fn envelope(&self, tx: &TxEnvelope) -> ReceiptEnvelope {
        let receipt = Receipt {
            status: Eip658Value::Eip658(self.success),
            cumulative_gas_used: self.cumulative_gas,
            logs: self.logs.clone(),
        };
        ReceiptEnvelope::from_typed(tx.tx_type(), receipt)
    }
}

/// A block with all that it says and changes, ready to be written.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub header: Sealed<Header>,
    pub transactions: Vec<Recovered<TxEnvelope>>,
    pub outcomes: Vec<Outcome>,
    pub diff: Diff,
}

/// The header of the block after `parent`, before its transactions are known.
///
/// `mixHash` (PREVRANDAO) is the hash of the parent's hash: predictable, as one party makes all blocks here, and equal on
/// every replay.
pub(crate) fn next_header(parent: &Sealed<Header>, timestamp: u64, beneficiary: Address) -> Header {
    let base_fee = parent.next_block_base_fee(BaseFeeParams::ethereum());
    Header {
        parent_hash: parent.hash(),
        number: parent.number + 1,
        mix_hash: keccak256(parent.hash()),
        timestamp,
        beneficiary,
        base_fee_per_gas: base_fee,
        gas_limit: parent.gas_limit,
        ..empty_header()
    }
}

/// The fields that are the same in all blocks: no uncles, withdrawals, blobs or consensus requests.
pub(crate) fn empty_header() -> Header {
    Header {
        extra_data: Bytes::from_static(b"caduceus"),
        withdrawals_root: Some(EMPTY_ROOT_HASH),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        parent_beacon_block_root: Some(B256::ZERO),
        requests_hash: Some(EMPTY_REQUESTS_HASH),
        ..Header::default()
    }
}

/// Completes `header` with the roots, bloom and gas of what the block holds.
pub(crate) fn seal(
    mut header: Header,
    transactions: Vec<Recovered<TxEnvelope>>,
    outcomes: Vec<Outcome>,
    diff: Diff,
    parent_state: B256,
) -> Block {
    let plain: Vec<&TxEnvelope> = transactions.iter().map(Recovered::inner).collect();
    let receipts: Vec<ReceiptEnvelope> =
        outcomes.iter().zip(&plain).map(|(outcome, tx)| outcome.envelope(tx)).collect();
    header.transactions_root = calculate_transaction_root(&plain);
    header.receipts_root = calculate_receipt_root(&receipts);
    header.logs_bloom = receipts.iter().fold(Bloom::ZERO, |all, one| all | *one.logs_bloom());
    header.gas_used = outcomes.last().map_or(0, |last| last.cumulative_gas);
    header.state_root = diff.commitment(parent_state);
    Block { header: Sealed::new(header), transactions, outcomes, diff }
}

/// What the sender paid for each unit of gas.
pub(crate) fn effective_gas_price(tx: &TxEnvelope, header: &Header) -> u128 {
    tx.effective_gas_price(header.base_fee_per_gas)
}
