//! What can go wrong between the ledger and its file, or between the ledger and a remote node.

use std::path::{Path, PathBuf};

use alloy::rpc::json_rpc::RpcError;
use alloy::transports::http::reqwest;
use alloy::transports::{HttpError, TransportError, TransportErrorKind};
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
    /// The file was opened for reading only.
    #[error(
        "the ledger {path} is opened for reading only, as its folder cannot be written; give yourself leave to write there, or work on a copy",
        path = path.display()
    )]
    ReadOnly {
        /// The ledger's file.
        path: PathBuf,
    },
    /// A file that a process left without closing it can be read only after it was put in order.
    #[error(
        "the ledger {path} was not closed in order when it was last used, and cannot be put in order where it cannot be written; run the command once with leave to write there, or on a copy",
        path = path.display()
    )]
    NotClosed {
        /// The ledger's file.
        path: PathBuf,
    },
    /// The text given is not an address of a node.
    #[error("{url:?} is not an RPC address; give one like http://127.0.0.1:8545")]
    BadUrl {
        /// What was given.
        url: String,
    },
    /// Something answers that is no Ethereum node, such as a web server.
    #[error(
        "{url} answers, but is no Ethereum JSON-RPC endpoint ({detail}); give the address of a node, like http://127.0.0.1:8545"
    )]
    NotANode {
        /// The address.
        url: String,
        /// What it answered, in words.
        detail: String,
    },
    /// The node does not answer.
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
    /// Sorts the failure of the first request to the address `url`.
    pub(crate) fn from_first_request(url: &str, error: &TransportError) -> Self {
        let (url, detail) = (url.to_owned(), failure(error));
        let is_no_node = match error {
            RpcError::ErrorResp(_) | RpcError::NullResp | RpcError::DeserError { .. } => true,
            RpcError::Transport(kind) => answered(kind).is_some_and(|http| !is_passing(http)),
            _ => false,
        };
        match is_no_node {
            true => Self::NotANode { url, detail },
            false => Self::Unreachable { url, detail },
        }
    }

    /// Sorts a failure of the store by what its reader can do about it.
    pub(crate) fn from_redb(path: &Path, error: impl Into<redb::Error>) -> Self {
        let path = path.to_owned();
        match error.into() {
            redb::Error::DatabaseAlreadyOpen => Self::InUse { path },
            redb::Error::RepairAborted => Self::NotClosed { path },
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

/// What went wrong with a request to a node, in words. What a stranger answered, such as a web page, is left out.
pub fn failure(error: &TransportError) -> String {
    match error {
        RpcError::ErrorResp(payload) => payload.message.to_string(),
        RpcError::DeserError { .. } => "what it answered is not JSON-RPC".into(),
        RpcError::Transport(kind) => match (answered(kind), kind) {
            (Some(http), _) => format!("HTTP status {}", http.status),
            (None, TransportErrorKind::Custom(cause)) => match cause.downcast_ref() {
                Some(error) => of_connection(error),
                None => innermost(cause.as_ref()),
            },
            (None, other) => innermost(other),
        },
        other => other.to_string(),
    }
}

fn answered(kind: &TransportErrorKind) -> Option<&HttpError> {
    match kind {
        TransportErrorKind::HttpError(error)
        | TransportErrorKind::HttpErrorWithRetryAfter { error, .. } => Some(error),
        _ => None,
    }
}

/// Answers of a gate before a node or of a node in trouble, which say nothing about what is behind: no leave, too many
/// requests, no node behind the gate, a failure that is not told as a page.
fn is_passing(answer: &HttpError) -> bool {
    match answer.status {
        401 | 403 | 408 | 429 | 502..=504 => true,
        500 => !answer.body.trim_start().starts_with('<'),
        _ => false,
    }
}

fn of_connection(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "it keeps silent"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection failed"
    };
    format!("{what}: {}", innermost(error))
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// A file cut short or without the store's mark is damage; every other error is the system's.
fn is_damage(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof)
}
