//! The services behind every command: vaults, attestors, members, researchers, governance, audit, and the story.
//!
//! A node opens one [`Home`]: the keys of the parties that it plays, a ledger, and their vaults. Each role is a module of
//! functions over [`Node`]; the command line and the story call the same ones.
//!
//! **Architecture invariant.** What a function does on the ledger it does once, however often it is called and
//! wherever it was cut off: it looks at the ledger first, and sends through the outbox under a key that names what is
//! done rather than when.

pub mod accreditation;
pub mod approvals;
pub mod asked;
pub mod attestor;
pub mod audit;
pub mod breach;
pub mod bulk;
pub mod catalog;
pub mod chain;
pub mod claims;
pub mod cohorts;
pub mod confirm;
pub mod consents;
pub mod contract;
pub mod credentials;
pub mod custodian;
pub mod deidentify;
mod error;
pub mod exchange;
pub mod folder;
mod genesis;
pub mod governance;
mod home;
pub mod issuers;
pub mod keystore;
mod listen;
pub mod member;
mod node;
pub mod parameters;
pub mod party;
pub mod policy;
mod report;
pub mod researcher;
pub mod rpc;
pub mod story;
pub mod tables;
pub mod trail;
pub mod views;
mod web;

pub use alloy::primitives::Address;
pub use caduceus_identity::credential::{Audience, StatusPurpose};
pub use caduceus_identity::keystore::Cost;
pub use caduceus_identity::{KeyKind, SecretKey, Seed};
pub use caduceus_ledger::deployment;
pub use caduceus_protect::Date;
pub use caduceus_query::sandbox::{Norm, Selection, Values};
pub use caduceus_query::{AskedLimits, Delta, Epsilon, MAX_SQL_BYTES, Mechanism, Question};
pub use caduceus_records::{CompiledView, RowFormat};
pub use error::{NodeError, Result};
pub use home::Home;
pub use node::Node;
pub use report::{News, Reporter};

/// An amount of ether as a decimal, in wei.
///
/// # Errors
/// [`NodeError::Definition`].
pub fn wei(ether: &str) -> Result<alloy::primitives::U256> {
    alloy::primitives::utils::parse_ether(ether).map_err(|_| {
        NodeError::Definition(format!("`{ether}` is no amount of ether; write one such as 0.1"))
    })
}
