//! A custodian's vault: sealed, content-addressed datasets, the keys to them, and a log of what was done.
//!
//! ```text
//! DIR/
//!   vault.json            whose vault it is and where; written once
//!   lock                  held while a process has the vault open
//!   objects/CID           sealed chunks, reports and manifests, named by the hash of their bytes
//!   keys/CID              one dataset's keys, a slot of fixed size for each person; a dataset exists if this file does
//!   staging/NAME          tables on their way in, sealed
//!   documents/NAME        small documents without rows, sealed
//!   consents              the custodian's register of consent, sealed
//!   erasing/PSEUDONYM     an erasure that was begun and not finished
//!   audit.jsonl           the hash-chained log
//! ```
//!
//! Keys: from the custodian's master key comes, by HKDF, a key that wraps other keys. Every dataset has a random key for
//! its chunks and manifest, every person in it a random key for their rows; overwriting a person's slot in the key file
//! makes their rows unreadable wherever copies of the objects are. Staged tables and the register have a random key at
//! the head of their file, which is overwritten when the file is replaced.
//!
//! Files appear whole or not at all: written under a temporary name, synced, renamed, and the folder synced. Whatever a
//! kill leaves behind is cleared away or finished when the vault is opened next.

pub mod audit;
mod consents;
mod dataset;
mod disclosure;
mod error;
mod files;
mod keyring;
mod keys;
mod manifest;
mod person;
mod sealed_file;
mod vault;

pub use cid::Cid;
pub use consents::{Decided, Receipt};
pub use dataset::{Opened, Sealed, Verification};
pub use disclosure::Disclosure;
pub use error::VaultError;
pub use keys::{Entropy, MasterKey};
pub use vault::{Erasure, Vault, VaultConfig};
