//! What can go wrong between the ledger and its file, or between the ledger and a remote node.

use std::path::{Path, PathBuf};

use redb::{DatabaseError, StorageError};

/// Why a ledger could not be opened, reached or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another process, or another handle in this one, holds the file.
    #[error(
        "the ledger {path} is in use by another process; stop that process, or give this one another folder",
        path = path.display()
    )]
    InUse {
        /// The ledger's file.
        path: PathBuf,
    },
    /// The file is not a ledger, or part of it cannot be read back.
    #[error(
        "the ledger {path} is damaged ({detail}); restore it from a backup, or move it away to start a new one",
        path = path.display()
    )]
    Damaged {
        /// The ledger's file.
        path: PathBuf,
        /// What was wrong with it.
        detail: String,
    },
    /// The file was written by another version of this program.
    #[error(
        "the ledger {path} has format {found} and this program reads format {expected}; open it with the version that wrote it, or move it away to start a new one",
        path = path.display()
    )]
    Version {
        /// The ledger's file.
        path: PathBuf,
        /// The format in the file.
        found: String,
        /// The format that this program writes.
        expected: u32,
    },
    /// The file holds another chain than the one asked for.
    #[error(
        "the ledger {path} holds chain {found}, not chain {wanted}; ask for chain {found}, or give another file",
        path = path.display()
    )]
    OtherChain {
        /// The ledger's file.
        path: PathBuf,
        /// The chain in the file.
        found: u64,
        /// The chain that was asked for.
        wanted: u64,
    },
    /// The file could not be created, read or written. What was written before is still whole.
    #[error(
        "the ledger {path} cannot be read or written ({source}); check that its folder exists, may be written and has free space, then try again: nothing recorded before is lost",
        path = path.display()
    )]
    File {
        /// The ledger's file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The text given is not an address of a node.
    #[error("{url:?} is not an RPC address; give one like http://127.0.0.1:8545")]
    BadUrl {
        /// What was given.
        url: String,
    },
    /// The node does not answer, or answers what no node answers.
    #[error(
        "the node at {url} does not answer ({detail}); check that it runs and that the address is right"
    )]
    Unreachable {
        /// The node's address.
        url: String,
        /// What happened.
        detail: String,
    },
}

impl LedgerError {
    /// Sorts a failure of the store by what its reader can do about it.
    pub(crate) fn from_redb(path: &Path, error: impl Into<redb::Error>) -> Self {
        let path = path.to_owned();
        match error.into() {
            redb::Error::DatabaseAlreadyOpen => Self::InUse { path },
            redb::Error::UpgradeRequired(found) => Self::Version {
                path,
                found: format!("of store version {found}"),
                expected: crate::chain::FORMAT,
            },
            redb::Error::Io(source) if is_damage(&source) => {
                Self::Damaged { path, detail: source.to_string() }
            }
            redb::Error::Io(source) => Self::File { path, source },
            redb::Error::PreviousIo => {
                Self::File { path, source: std::io::Error::other("an earlier write failed") }
            }
            other => Self::Damaged { path, detail: other.to_string() },
        }
    }

    pub(crate) fn damaged(path: &Path, detail: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), detail: detail.into() }
    }

    pub(crate) fn from_open(path: &Path, error: DatabaseError) -> Self {
        match error {
            DatabaseError::Storage(StorageError::Io(source)) if is_damage(&source) => {
                Self::damaged(path, source.to_string())
            }
            other => Self::from_redb(path, other),
        }
    }
}

/// A file cut short or without the store's mark is damage; every other error is the system's.
fn is_damage(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof)
}
