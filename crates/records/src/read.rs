//! FHIR files through views into tables.
//!
//! A file is read line by line (NDJSON) or as one document (JSON); a record is parsed, run through the views that read
//! its type, and appended to their tables only when all of them took it. What cannot be read is set aside with its place
//! and the reason, never dropped silently and never half loaded. The memory needed is that of the tables and of the
//! longest line or document.

mod files;
mod reader;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use arrow::array::{AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use serde::{Serialize, Serializer};

use crate::consent::ConsentRecord;
use crate::error::RecordsError;
use crate::tables::Tables;
use crate::view::CompiledView;
use reader::Reader;

pub use files::subfolders;

/// The column that says whose row it is. A resource with a row that lacks it is set aside.
pub const PERSON_COLUMN: &str = "patient";

/// How to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// Keep one part of the patients only, `(part, of)`: those whose place among the sorted ids is `part` modulo `of`.
    /// Rows and consents of patients who are not in the files stay with part 0. Lines that cannot be read, and the
    /// counts of resources, are those of all the files in every part.
    pub part: Option<(usize, usize)>,
    /// The longest line of NDJSON that is read, in bytes; longer ones are set aside.
    pub max_line: usize,
}

impl Default for ReadOptions {
    fn default() -> ReadOptions {
        ReadOptions { part: None, max_line: 64 << 20 }
    }
}

/// How far the reading is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Records read, those set aside included.
    pub records: u64,
    /// Records set aside.
    pub set_aside: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Bytes of all files.
    pub bytes_total: u64,
}

/// What came out of the files. Holds rows of identifiable patients: its `Debug` shows sizes only.
pub struct Ingest {
    /// A table for each view, by the view's name, its columns in the view's order.
    pub tables: Tables,
    /// What could not be read, in the order of the files.
    pub set_aside: Vec<SetAside>,
    /// Resources that were read, by type, those that no view reads included.
    pub resources: BTreeMap<String, u64>,
    /// Resources, by type, that a view reads but gave no row for: its `where` left them out, or there was nothing to
    /// unfold.
    pub without_rows: BTreeMap<String, u64>,
    /// Files and folders that were passed over because they are not named `.ndjson` or `.json`.
    pub ignored_files: Vec<PathBuf>,
    /// What the patients' Consent resources say, in the order of the files.
    pub consents: Vec<ConsentRecord>,
    patients: Vec<String>,
}

impl Ingest {
    /// The ids of the patients in the table that was made of Patient resources, sorted, without repetition.
    pub fn patients(&self) -> &[String] {
        &self.patients
    }
}

impl std::fmt::Debug for Ingest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ingest")
            .field("tables", &self.tables)
            .field("set_aside", &self.set_aside.len())
            .field("resources", &self.resources)
            .field("patients", &self.patients.len())
            .field("consents", &self.consents.len())
            .finish_non_exhaustive()
    }
}

/// A record that was not read, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetAside {
    /// The file.
    #[serde(serialize_with = "as_path")]
    pub file: PathBuf,
    /// The line, counted from 1: where the text stops being JSON, otherwise where the record begins.
    pub line: u64,
    /// The same place in bytes from the start of the file.
    pub byte: u64,
    /// Why; written as a sentence.
    #[serde(serialize_with = "as_text")]
    pub reason: Reason,
}

/// Why a record was set aside. Never holds anything of the record's content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// Bytes that are not UTF-8.
    #[error("it is not UTF-8 text")]
    NotUtf8,
    /// Not JSON: cut off, damaged, or something else altogether.
    #[error("it is not JSON: {0}")]
    NotJson(&'static str),
    /// JSON, but not an object.
    #[error("it is not a JSON object, so it is not a FHIR resource")]
    NotAnObject,
    /// An object that does not say which resource it is.
    #[error("it has no resourceType, so it is not a FHIR resource")]
    NotFhir,
    /// Longer than is read.
    #[error("it is longer than {limit} bytes")]
    TooLong {
        /// The limit, in bytes.
        limit: u64,
    },
    /// A bundle's entry without a resource.
    #[error("it is an entry of a bundle without a resource")]
    EmptyEntry,
    /// A view cannot take it.
    #[error("it does not fit the view {view}: {what}")]
    Unfit {
        /// The view.
        view: String,
        /// The column, if it is one column's fault, and what is wrong.
        what: String,
    },
    /// Nobody can tell whose record it is.
    #[error("it names no patient")]
    NoPatient,
    /// A second Patient of the same id.
    #[error("a patient with the same id was read before")]
    Repeated,
    /// So many lines without a single resource that the file is taken for something else.
    #[error(
        "the first {lines} lines of the file hold no FHIR resource; the rest of it was not read"
    )]
    NotFhirFile {
        /// How many lines were tried.
        lines: u64,
    },
}

fn as_text<S: Serializer>(reason: &Reason, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(reason)
}

fn as_path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

/// Reads files and folders of FHIR (NDJSON, bundles, single resources) through views.
///
/// `progress` is called every thousand records and at the end of every file.
///
/// # Errors
/// Where a file cannot be read at all, or there is none. A bad record is no error; see [`Ingest::set_aside`].
pub fn read_fhir(
    sources: &[PathBuf],
    views: &[CompiledView],
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Ingest, RecordsError> {
    read_fhir_with(sources, views, options, progress, &mut |_, _| {})
}

/// As [`read_fhir`], and gives every record that is set aside to `keep`, with its bytes (of an overlong line, its
/// beginning).
///
/// # Errors
/// As [`read_fhir`].
pub fn read_fhir_with(
    sources: &[PathBuf],
    views: &[CompiledView],
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress),
    keep: &mut dyn FnMut(&SetAside, &[u8]),
) -> Result<Ingest, RecordsError> {
    let mut names = BTreeSet::new();
    if let Some(twice) = views.iter().find(|view| !names.insert(view.name())) {
        return Err(RecordsError::SameName(twice.name().to_owned()));
    }
    if let Some((part, of)) = options.part.filter(|(part, of)| part >= of) {
        return Err(RecordsError::NoSuchPart { part, of });
    }
    let found = files::find(sources)?;
    let mut reader = Reader::new(views, options, progress, keep, found.bytes);
    for file in &found.files {
        reader.read(file)?;
    }
    let mut ingest = reader.finish()?;
    ingest.ignored_files = found.ignored;
    if let Some(patients) = views.iter().find(|view| view.resource() == "Patient") {
        ingest.patients = ids(&ingest.tables, patients.name());
    }
    match options.part {
        Some((part, of)) => one_part(ingest, part, of),
        None => Ok(ingest),
    }
}

/// The sorted ids in a table's person column.
fn ids(tables: &Tables, table: &str) -> Vec<String> {
    let column = tables.get(table).and_then(|table| table.column_by_name(PERSON_COLUMN));
    let Some(column) = column.and_then(|column| column.as_string_opt::<i32>()) else {
        return Vec::new();
    };
    let ids: BTreeSet<&str> = column.iter().flatten().collect();
    ids.into_iter().map(str::to_owned).collect()
}

fn one_part(mut ingest: Ingest, part: usize, of: usize) -> Result<Ingest, RecordsError> {
    let everybody = std::mem::take(&mut ingest.patients);
    // Whoever is not a patient in the files goes to part 0, so that no row is in two parts and none is in no part.
    let others: HashSet<&str> = everybody
        .iter()
        .enumerate()
        .filter(|(place, _)| place % of != part)
        .map(|(_, id)| id.as_str())
        .collect();
    let known: HashSet<&str> = everybody.iter().map(String::as_str).collect();
    let ours = |id: &str| !others.contains(id) && (part == 0 || known.contains(id));
    for table in ingest.tables.0.values_mut() {
        *table = filtered(table, &ours)?;
    }
    ingest.consents.retain(|consent| ours(&consent.patient));
    ingest.patients = everybody.iter().filter(|id| ours(id)).cloned().collect();
    Ok(ingest)
}

fn filtered(table: &RecordBatch, ours: &dyn Fn(&str) -> bool) -> Result<RecordBatch, RecordsError> {
    let column =
        table.column_by_name(PERSON_COLUMN).and_then(|column| column.as_string_opt::<i32>());
    let Some(column) = column else { return Ok(table.clone()) };
    let mask: BooleanArray = column.iter().map(|id| Some(id.is_some_and(ours))).collect();
    Ok(filter_record_batch(table, &mask)?)
}
