//! Single tables, without a home and without a ledger: files in, a protected table and its report out.

pub mod synthesis;

use std::path::{Path, PathBuf};

use caduceus_protect::dataset_report::{DatasetReport, digest, report_html};
use caduceus_protect::reduce::Secrets;
pub use caduceus_protect::release::Account;
use caduceus_protect::release::{ATTACK_SEED, Files, ReleaseError};
use caduceus_protect::synthesis::SynthesisError;
use caduceus_protect::table::{Format, Table, TableError};
use caduceus_protect::table_policy::{TablePolicy, TablePolicyError};
use caduceus_protect::{Date, PseudonymKey};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::{NodeError, Result};
use crate::report::Reporter;

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
    /// Where the report goes as a page; its numbers go beside it as JSON. None: nowhere.
    pub report: Option<PathBuf>,
    /// The file with the key of pseudonyms and shifted dates; none: a key that nobody keeps.
    pub key: Option<PathBuf>,
    /// The day of the report, at which ages are counted.
    pub date: Date,
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
    /// SHA-256 of the page, in hex.
    pub report_sha256: Option<String>,
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
    /// The policy is wrong, or no synthetic table can be made.
    #[error("{path}: {source}")]
    Synthesis {
        /// The policy's file.
        path: PathBuf,
        /// What is wrong.
        source: SynthesisError,
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
            TableJobError::Release { source: ReleaseError::Policy(_), .. }
            | TableJobError::Synthesis {
                source:
                    SynthesisError::Policy(_) | SynthesisError::Budget | SynthesisError::Noisy(_),
                ..
            } => 2,
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
    let inputs = [&job.input, &job.policy].into_iter().chain(&job.key);
    let numbers = job.report.as_deref().map(numbers_beside).transpose()?;
    for output in job.output.iter().chain(&job.report).chain(&numbers) {
        keep_apart(output, inputs.clone())?;
    }
    if let Some(output) = &job.output
        && (job.report.as_ref() == Some(output) || numbers.as_ref() == Some(output))
    {
        return Err(NodeError::Usage(format!(
            "the release and its report would both be written to {}; give one of them another name",
            output.display()
        )));
    }
    let text = policy_text(&job.policy)?;
    let mut policy = TablePolicy::parse(&text).map_err(|error| wrong(error.into()))?;
    policy.k = job.k.unwrap_or(policy.k);
    let named = policy.files().map(|(key, name)| (key, name.to_owned()));
    keep_files_apart(job.output.iter().chain(&job.report).chain(&numbers), &job.policy, &policy)?;
    let files = read_files(&job.policy, named).map_err(|error| wrong(error.into()))?;
    progress(reporter, "reading the table", 0);
    let (table, format) = table(&job.input)?;
    progress(reporter, "searching for the best generalization", 1);
    let key = pseudonym_key(job.key.as_deref())?;
    let secrets = Secrets { key: &key, key_kept: job.key.is_some(), today: job.date };
    let release =
        caduceus_protect::release::release(&table, &policy, &files, &secrets, ATTACK_SEED)
            .map_err(wrong)?;
    progress(reporter, "writing", 2);
    let mut released = None;
    if let Some(path) = &job.output {
        let bytes = release.table.write(format_of(path, format));
        let bytes = bytes.map_err(|source| TableJobError::Table { path: path.clone(), source })?;
        write(path, &bytes)?;
        released = Some(digest(&bytes));
    }
    let report = DatasetReport {
        title: job.input.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        date: job.date.to_string(),
        policy: digest(text.as_bytes()),
        release: released,
        account: release.account,
        classes: release.classes,
        records: None,
    };
    let page = job.report.as_deref().map(|path| write_report(path, &report, write)).transpose()?;
    progress(reporter, "done", 3);
    let shown = |path: &PathBuf| path.display().to_string();
    Ok(TableResult {
        account: report.account,
        output: job.output.as_ref().map(shown),
        report: job.report.as_ref().map(shown),
        report_sha256: page,
    })
}

/// Writes the page of a report, and its numbers beside it as JSON. Gives the page's hash.
pub(crate) fn write_report(
    path: &Path,
    report: &DatasetReport,
    write: fn(&Path, &[u8]) -> Result<()>,
) -> Result<String> {
    let page = report_html(report);
    write(path, page.as_bytes())?;
    let numbers = serde_json::to_vec_pretty(report).expect("a report has only string keys");
    write(&path.with_extension("json"), &numbers)?;
    Ok(digest(page.as_bytes()))
}

/// Where the numbers of a report go, beside its page.
///
/// # Errors
/// [`NodeError::Usage`] where they would take the place of the page, or of a file that is not the numbers of a former one.
pub(crate) fn numbers_beside(page: &Path) -> Result<PathBuf> {
    let numbers = page.with_extension("json");
    let shown = numbers.display();
    if numbers == page {
        return Err(NodeError::Usage(format!(
            "a report is a page, and its numbers go to {shown}; give it a name such as {}",
            page.with_extension("html").display()
        )));
    }
    if numbers.exists() && !page.exists() {
        return Err(NodeError::Usage(format!(
            "{shown} is there and would be written over with the numbers of the report; give the report another name"
        )));
    }
    Ok(numbers)
}

/// The key in a file, 64 hex digits, or a new one.
pub(crate) fn pseudonym_key(path: Option<&Path>) -> Result<PseudonymKey> {
    let mut bytes = [0; 32];
    match path {
        Some(path) => {
            let text = Zeroizing::new(read(path)?);
            hex::decode_to_slice(text.trim_ascii(), &mut bytes).map_err(|_| {
                let name = path.display();
                NodeError::Usage(format!(
                    "{name} holds no key; write 64 hex digits into it, such as by `openssl rand -hex 32`"
                ))
            })?;
        }
        None => getrandom::fill(&mut bytes)
            .map_err(|error| NodeError::Chain(format!("there is no randomness: {error}")))?,
    }
    Ok(PseudonymKey::new(bytes))
}

fn progress(reporter: &Reporter, what: &str, done: u64) {
    reporter.progress(what, done, Some(3));
}

/// The text of a policy's file.
fn policy_text(path: &Path) -> Result<String> {
    let wrong = |_| TableJobError::Release {
        path: path.to_owned(),
        source: TablePolicyError::new("line 1", "the file is not UTF-8").into(),
    };
    Ok(String::from_utf8(read(path)?).map_err(wrong)?)
}

fn table(path: &Path) -> Result<(Table, Format)> {
    let table = Table::read(&read(path)?);
    Ok(table.map_err(|source| TableJobError::Table { path: path.to_owned(), source })?)
}

/// The files that the policy names, relative to its own folder.
fn read_files(
    path: &Path,
    named: impl IntoIterator<Item = (String, String)>,
) -> std::result::Result<Files, TablePolicyError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut files = Files::new();
    for (key, name) in named {
        let file = folder.join(&name);
        let bytes = std::fs::read(&file).map_err(|error| {
            TablePolicyError::new(key, format!("cannot read {}: {error}", file.display()))
        })?;
        files.insert(name, bytes);
    }
    Ok(files)
}

/// The format that a file's name asks for; CSV keeps the delimiter of the input.
fn format_of(path: &Path, input: Format) -> Format {
    match input {
        _ if is_parquet(path) => Format::Parquet,
        Format::Parquet => Format::Csv { delimiter: b',' },
        csv => csv,
    }
}

fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| NodeError::file("read", path, error))
}

/// Writes a file where somebody asked for it, which may be no regular file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    make_folder(path)?;
    std::fs::write(path, bytes).map_err(|error| NodeError::file("write", path, error))
}

/// Refuses to write over what is read: an output that is one of the inputs, or a FHIR file within an input folder, by any
/// of its names. To be asked before anything is written.
pub(crate) fn keep_apart<'p>(
    output: &Path,
    inputs: impl IntoIterator<Item = &'p PathBuf>,
) -> Result<()> {
    // What is not there yet cannot be an input.
    let Ok(written) = output.canonicalize() else { return Ok(()) };
    let name = written.file_name().unwrap_or_default().to_string_lossy();
    let fhir = name.contains(".ndjson") || name.contains(".json");
    for input in inputs {
        let Ok(read) = input.canonicalize() else { continue };
        if written == read || (fhir && read.is_dir() && written.starts_with(&read)) {
            return Err(NodeError::Usage(format!(
                "{} is read as input and would be written over; choose another place for the output",
                output.display()
            )));
        }
    }
    Ok(())
}

/// The same of the files that a policy names.
fn keep_files_apart<'p>(
    outputs: impl Iterator<Item = &'p PathBuf>,
    path: &Path,
    policy: &TablePolicy,
) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let files: Vec<PathBuf> = policy.files().map(|(_, name)| folder.join(name)).collect();
    for output in outputs {
        keep_apart(output, &files)?;
    }
    Ok(())
}

/// Makes the folder that a file is to lie in, unless it is there.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    match path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|e| NodeError::file("create", folder, e))
        }
        None => Ok(()),
    }
}
