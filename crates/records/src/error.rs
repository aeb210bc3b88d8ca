//! What can go wrong with records as a whole. What is wrong with one record sets that record aside instead.

use std::path::{Path, PathBuf};

use crate::view::ViewError;

/// Why records could not be read, generated or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordsError {
    /// A ViewDefinition is not valid.
    #[error(transparent)]
    View(#[from] ViewError),
    /// Two views make tables of the same name.
    #[error("two views are named {0}; rename one of them")]
    SameName(String),
    /// A resource could not be read by [`crate::CompiledView::run`].
    #[error("resource {index} cannot be read: {reason}")]
    Record {
        /// The resource's place in the input, counted from 0.
        index: usize,
        /// What is wrong with it, without its content.
        reason: String,
    },
    /// The reading is strict, and a record cannot be read.
    #[error("{0}")]
    Strict(Box<crate::read::SetAside>),
    /// A file or folder could not be read or written.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried: "read", "write", "list".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A source has no file that could hold FHIR.
    #[error("{path} has no FHIR files: give a folder with .ndjson or .json files (.gz and .zst as well), or name a file", path = .0.display())]
    NoFiles(PathBuf),
    /// No source was given.
    #[error("no source was given: name at least one file or folder with FHIR records")]
    NoSources,
    /// A file would be written over.
    #[error("{path} is there already", path = .0.display())]
    Exists(PathBuf),
    /// A share of the patients was asked for that does not exist.
    #[error(
        "there is no part {part} of {of}: parts are counted from 0 and are fewer than their number"
    )]
    NoSuchPart {
        /// The part, counted from 0.
        part: usize,
        /// The number of parts.
        of: usize,
    },
    /// A table has more text in one column than an Arrow record batch can hold.
    #[error("the table {table} has more than 2 GiB in one column: read fewer files at a time")]
    TooLarge {
        /// The table.
        table: String,
    },
    /// A table of an older view has values that the newer view cannot take over.
    #[error(
        "column {column} was written as {from} and is {to} now: its values cannot be taken over"
    )]
    Older {
        /// The column.
        column: String,
        /// How it was stored.
        from: String,
        /// How it is stored now.
        to: String,
    },
    /// Rows could not be written.
    #[error("the rows cannot be written: {0}")]
    Rows(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A table could not be put together.
    #[error("the table cannot be put together")]
    Arrow(#[from] arrow::error::ArrowError),
    /// A Parquet file could not be read or written.
    #[error("cannot {action} {path} as Parquet: {source}", path = path.display())]
    Parquet {
        /// What was tried: "read" or "write".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the format's library said.
        source: parquet::errors::ParquetError,
    },
}

impl RecordsError {
    /// For `map_err`: names what was tried on which path.
    pub(crate) fn io(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> RecordsError {
        let path = path.to_path_buf();
        move |source| RecordsError::Io { action, path, source }
    }
}
