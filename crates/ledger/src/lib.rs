//! Where the contracts run: a durable EVM inside the process, or any EVM chain by URL, behind one face.
//!
//! - [`Ledger`] is that face: an alloy provider, a chain id, a line that says what it is. Nothing else in the system can
//!   tell its two homes apart.
//! - [`Chain`] is the embedded home: revm over one crash-safe file. It is a ledger for one organization, for development
//!   and for simulation: one party orders all transactions, and its state commitment is no Merkle root.
//! - [`rpc`] is its JSON-RPC, one table for calls in the process ([`transport`]) and for bytes from a socket.
//! - [`outbox`] sends transactions exactly once, whatever dies in between, to either home.
//!
//! ```
//! use alloy::providers::Provider;
//! use caduceus_ledger::{Config, Ledger};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let ledger = Ledger::embedded(folder.path().join("ledger.redb"), Config::default())?;
//! assert_eq!(ledger.provider().get_block_number().await?, 0);
//! # Ok(())
//! # }
//! ```

pub mod chain;
pub mod deployment;
mod error;
mod ledger;
pub mod outbox;
pub mod rpc;
pub mod transport;

pub use chain::{Chain, ChainError, Clock, Config, Mining, Simulated};
pub use error::{LedgerError, failure};
pub use ledger::{EmbeddedLedger, Ledger};
pub use outbox::{Outbox, OutboxError};
