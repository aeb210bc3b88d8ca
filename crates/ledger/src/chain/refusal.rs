//! Why a transaction is not taken, in the words that clients of Ethereum nodes look for.

use alloy::primitives::{Address, U256};

/// Why a transaction is not taken. The texts are those of go-ethereum, which wallets and libraries match on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The very same transaction is in a block or waits for one.
    #[error("already known")]
    AlreadyKnown,
    /// The sender has used this nonce.
    #[error("nonce too low: next nonce {next}, tx nonce {tx}")]
    NonceTooLow {
        /// The transaction's nonce.
        tx: u64,
        /// The nonce that the sender must use.
        next: u64,
    },
    /// Transactions of this sender are missing before this one. This ledger queues none.
    #[error("nonce too high: next nonce {next}, tx nonce {tx}")]
    NonceTooHigh {
        /// The transaction's nonce.
        tx: u64,
        /// The nonce that the sender must use.
        next: u64,
    },
    /// The nonce is the last that there is.
    #[error("nonce has max value: {nonce}")]
    NonceMax {
        /// The transaction's nonce.
        nonce: u64,
    },
    /// Another transaction with this nonce waits and pays as much or more.
    #[error("replacement transaction underpriced")]
    Underpriced,
    /// The sender cannot pay gas and value.
    #[error("insufficient funds for gas * price + value: balance {balance}, tx cost {cost}, overshot {}", cost.saturating_sub(*balance))]
    Funds {
        /// What the sender has, in wei.
        balance: U256,
        /// What the transaction may cost, in wei.
        cost: U256,
    },
    /// The gas limit does not cover the fixed costs of the transaction.
    #[error("intrinsic gas too low: gas {gas}, minimum needed {needed}")]
    IntrinsicGas {
        /// The transaction's gas limit.
        gas: u64,
        /// The least it needs.
        needed: u64,
    },
    /// The gas limit does not cover the floor price of its data (EIP-7623).
    #[error("insufficient gas for floor data gas cost: gas {gas}, minimum needed {needed}")]
    FloorGas {
        /// The transaction's gas limit.
        gas: u64,
        /// The least it needs.
        needed: u64,
    },
    /// The gas limit is above the block's.
    #[error("exceeds block gas limit: {limit}")]
    BlockGas {
        /// The block's gas limit.
        limit: u64,
    },
    /// The price is below the base fee of the next block.
    #[error("max fee per gas less than block base fee: baseFee: {base_fee}")]
    BelowBaseFee {
        /// The base fee, in wei a unit of gas.
        base_fee: u64,
    },
    /// The tip is above the whole price.
    #[error("max priority fee per gas higher than max fee per gas")]
    TipAboveCap,
    /// The transaction was signed for another chain.
    #[error("invalid chain id for signer: this chain is {want}")]
    ChainId {
        /// This chain's id.
        want: u64,
    },
    /// The transaction names no chain and could be repeated on any.
    #[error("only replay-protected (EIP-155) transactions allowed over RPC")]
    NotProtected,
    /// Blob transactions and unknown types are not taken.
    #[error("transaction type not supported")]
    Kind,
    /// The bytes are no transaction.
    #[error("rlp: {0}")]
    Encoding(String),
    /// No sender can be recovered from the signature.
    #[error("invalid sender")]
    Signature,
    /// The sender has code, and may not send transactions (EIP-3607).
    #[error("sender not an eoa: address {sender}")]
    SenderIsContract {
        /// The sender.
        sender: Address,
    },
    /// Two ways of naming a price were mixed.
    #[error("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")]
    BothFeeKinds,
    /// Two different inputs were given.
    #[error(r#"both "data" and "input" are set and not equal. Please use "input" to pass transaction call data"#)]
    BothInputs,
    /// Any other rule of the EVM.
    #[error("{0}")]
    Other(String),
}
