//! The services behind every command: vaults, attestors, members, researchers, governance, audit, and the story.
//!
//! A node opens one [`Home`]: the keys of the parties that it plays, a ledger, and their vaults. Each role is a module of
//! functions over [`Node`]; the command line and the story call the same ones.
//!
//! **Architecture invariant.** What a function does on the ledger it does once, however often it is called and
//! wherever it was cut off: it looks at the ledger first, and sends through the outbox under a key that names what is
//! done rather than when.

mod attestor;
pub mod audit;
pub mod catalog;
pub mod chain;
pub mod claims;
pub mod cohorts;
pub mod contract;
pub mod custodian;
mod error;
mod genesis;
pub mod governance;
mod home;
pub mod member;
mod node;
pub mod parameters;
pub mod party;
pub mod policy;
mod report;
pub mod researcher;
pub mod rpc;
pub mod story;

pub use alloy::primitives::Address;
pub use caduceus_identity::Seed;
pub use caduceus_ledger::deployment;
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
