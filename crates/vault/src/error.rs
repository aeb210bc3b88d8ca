//! What can go wrong with a vault, as sentences for the person who has to act.

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;

/// Why a vault did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried, such as `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// There is no vault in the folder.
    #[error("there is no vault in {}; create one, or give the folder of the one you mean", .0.display())]
    NotAVault(PathBuf),
    /// There is a vault in the folder already.
    #[error("there is a vault in {} already; open it, or choose another folder", .0.display())]
    AlreadyThere(PathBuf),
    /// Another process has the vault or the log open.
    #[error("{} is open in another process; wait until it ends, or end it", .0.display())]
    InUse(PathBuf),
    /// The master key does not belong to this vault.
    #[error("the key does not open the vault in {}; give the key that it was created with", .0.display())]
    WrongKey(PathBuf),
    /// A setting, name or argument is not acceptable.
    #[error("{0}")]
    Argument(String),
    /// A stored file is not what was written.
    #[error("{} is damaged: {what}; restore it from a copy", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
    },
    /// The vault holds no dataset of this name.
    #[error("the vault holds no dataset {0}; list its datasets to see which it has")]
    NoDataset(String),
    /// The tables do not follow the schema that they should be sealed with.
    #[error("the table '{table}' does not follow its schema: {what}")]
    Schema {
        /// The table.
        table: String,
        /// What does not fit.
        what: String,
    },
    /// Arrow could not write or read a table.
    #[error("a table could not be written or read: {0}")]
    Arrow(#[from] ArrowError),
}

/// For `map_err` on file operations.
pub(crate) fn file<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> VaultError + 'a {
    move |source| VaultError::File { action, path: path.to_owned(), source }
}

/// A stored file that is not what was written.
pub(crate) fn damaged(path: &Path, what: impl Into<String>) -> VaultError {
    VaultError::Damaged { path: path.to_owned(), what: what.into() }
}
