//! Single tables, without a home and without a ledger: files in, a protected table and its report out.

use std::path::{Path, PathBuf};

use caduceus_protect::release::{Account, Files, ReleaseError};
use caduceus_protect::table::{Format, Table, TableError};
use caduceus_protect::table_policy::{TablePolicy, TablePolicyError};
use serde::Serialize;

use crate::error::{NodeError, Result};
use crate::report::Reporter;

/// The seed of the attacker that the report lets loose on every release, so that its result can be repeated.
const ATTACK_SEED: u64 = 1;

/// What to protect and where to put it.
#[derive(Clone, Debug)]
pub struct TableJob {
    /// CSV or Parquet.
    pub input: PathBuf,
    /// The policy.
    pub policy: PathBuf,
    /// A number in place of the policy's own k.
    pub k: Option<u32>,
    /// Where the release goes: Parquet if the name ends so, else CSV; none: nowhere.
    pub output: Option<PathBuf>,
    /// The folder for the report; none: nowhere.
    pub report: Option<PathBuf>,
}

/// What was done to a table.
#[derive(Clone, Debug, Serialize)]
pub struct TableResult {
    /// The account.
    #[serde(flatten)]
    pub account: Account,
    /// Where the release was written.
    pub output: Option<String>,
    /// Where the report was written, as a page for people; its numbers are beside it as JSON.
    pub report: Option<String>,
}

/// Why a table was not protected.
#[derive(Debug, thiserror::Error)]
pub enum TableJobError {
    /// The table cannot be read.
    #[error("{path}: {source}")]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TableError,
    },
    /// The policy is wrong, or nothing meets it.
    #[error("{path}: {source}")]
    Release {
        /// The policy's file.
        path: PathBuf,
        /// What is wrong.
        source: ReleaseError,
    },
}

impl TableJobError {
    /// What a process exits with: 2 where the policy is wrong, otherwise 1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            TableJobError::Release { source: ReleaseError::Policy(_), .. } => 2,
            _ => 1,
        }
    }
}

/// Protects one table by a policy.
///
/// # Errors
/// [`NodeError::File`] where a file cannot be read or written, [`NodeError::Table`] for everything that is wrong in one.
pub fn protect(job: &TableJob, reporter: &Reporter) -> Result<TableResult> {
    let wrong = |source: ReleaseError| TableJobError::Release { path: job.policy.clone(), source };
    let text = String::from_utf8(read(&job.policy)?)
        .map_err(|_| wrong(TablePolicyError::new("line 1", "the file is not UTF-8").into()))?;
    let mut policy = TablePolicy::parse(&text).map_err(|error| wrong(error.into()))?;
    policy.k = job.k.unwrap_or(policy.k);
    let files = files(&job.policy, &policy).map_err(|error| wrong(error.into()))?;
    progress(reporter, "reading the table", 0);
    let (table, format) = table(&job.input)?;
    progress(reporter, "searching for the best generalization", 1);
    let release = caduceus_protect::release::release(&table, &policy, &files, ATTACK_SEED)
        .map_err(wrong)?;
    progress(reporter, "writing", 2);
    if let Some(path) = &job.output {
        let bytes = release.table.write(format_of(path, format));
        let bytes =
            bytes.map_err(|source| TableJobError::Table { path: path.clone(), source })?;
        write(path, &bytes)?;
    }
    let report = None;
    progress(reporter, "done", 3);
    let output = job.output.as_ref().map(|path| path.display().to_string());
    Ok(TableResult { account: release.account, output, report })
}

fn progress(reporter: &Reporter, what: &str, done: u64) {
    reporter.progress(what, done, Some(3));
}

fn table(path: &Path) -> Result<(Table, Format)> {
    let table = Table::read(&read(path)?);
    Ok(table.map_err(|source| TableJobError::Table { path: path.to_owned(), source })?)
}

/// The files that the policy names, relative to its own folder.
fn files(path: &Path, policy: &TablePolicy) -> std::result::Result<Files, TablePolicyError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut files = Files::new();
    for (key, name) in policy.files() {
        let file = folder.join(name);
        let bytes = std::fs::read(&file).map_err(|error| {
            TablePolicyError::new(key, format!("cannot read {}: {error}", file.display()))
        })?;
        files.insert(name.to_owned(), bytes);
    }
    Ok(files)
}

/// The format that a file's name asks for; CSV keeps the delimiter of the input.
fn format_of(path: &Path, input: Format) -> Format {
    let parquet = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"));
    match input {
        _ if parquet => Format::Parquet,
        Format::Parquet => Format::Csv { delimiter: b',' },
        csv => csv,
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| NodeError::file("read", path, error))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| NodeError::file("create", folder, e))?;
    }
    std::fs::write(path, bytes).map_err(|error| NodeError::file("write", path, error))
}
