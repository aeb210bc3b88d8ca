//! FHIR files through views into tables.
//!
//! A source is a file, a folder or a stream, plain or packed (gzip, Zstandard), a record a line (NDJSON) or one document
//! (a bundle, a resource); what it is, its content says. It is cut into blocks, which workers make into rows: a record is
//! parsed, run through the views that read its type, and appended to their tables only when all of them took it. What
//! cannot be read is set aside with its place and the reason, never dropped silently and never half loaded. What comes
//! out is the same for any number of workers. The memory needed is that of a few blocks, and of the longest line or
//! document.

mod files;
mod gather;
mod pipeline;
mod source;
mod work;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use serde::{Serialize, Serializer};

use crate::consent::ConsentRecord;
use crate::error::RecordsError;
use crate::tables::Tables;
use crate::view::CompiledView;
use gather::Gather;
use work::Job;

pub use files::{is_document, subfolders};
pub use source::open_unpacked;

/// The column that says whose row it is. A resource with a row that lacks it is set aside.
pub const PERSON_COLUMN: &str = "patient";

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Where records come from.
pub enum Source {
    /// A file, or a folder of files.
    Path(PathBuf),
    /// Bytes from elsewhere, such as the standard input.
    Stream {
        /// What the place of a record that is set aside is called.
        name: String,
        /// The bytes.
        read: Box<dyn Read + Send>,
    },
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Source {
        Source::Path(path)
    }
}

/// How to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// Keep one part of the patients only, `(part, of)`: those whose place among the sorted ids is `part` modulo `of`.
    /// Rows and consents of patients who are not in the files stay with part 0. Lines that cannot be read, and the
    /// counts of resources, are those of all the files in every part.
    pub part: Option<(usize, usize)>,
    /// The longest line of NDJSON that is read, in bytes; longer ones are set aside.
    pub max_line: usize,
    /// How many threads make rows, beside the one that reads; the result does not depend on it.
    pub workers: usize,
    /// Whether the first record that cannot be read ends the reading.
    pub strict: bool,
    /// How many records that are set aside are listed one by one, so that the list is bounded too; all are counted.
    pub named: usize,
}

impl Default for ReadOptions {
    /// All of the sources, by as many workers as the machine has cores.
    fn default() -> ReadOptions {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        ReadOptions { part: None, max_line: 64 << 20, workers, strict: false, named: usize::MAX }
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
    /// Files and folders that were passed over because they are not named `.ndjson` or `.json`, or have nothing in them.
    pub ignored_files: Vec<PathBuf>,
    /// The patients' Consent resources, in the order of the files.
    pub consents: Vec<ConsentRecord>,
    /// The ids of a patient and of another record that is said to be about the same patient (FHIR R4, Patient.link).
    pub links: Vec<(String, String)>,
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

/// What a reading found beside the rows.
#[derive(Debug, Default)]
pub struct Summary {
    /// What could not be read, in the order of the sources; not more than [`ReadOptions::named`].
    pub set_aside: Vec<SetAside>,
    /// How many records could not be read, by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Where views ask for what records do not have; those records are set aside. Values of kinds that do not go
    /// together are among them only where the view took no record at all: else it is the record that is wrong.
    pub misfits: Vec<Misfits>,
    /// Resources that were read, by type, those that no view reads included.
    pub resources: BTreeMap<String, u64>,
    /// Resources, by type, that a view reads but gave no row for.
    pub without_rows: BTreeMap<String, u64>,
    /// Files and folders in the folders that were passed over because of their names.
    pub ignored_files: Vec<PathBuf>,
    /// Sources that have nothing in them: no bytes, and so no record that could be bad. An empty document (`.json`) is
    /// set aside, since it is no JSON.
    pub empty_files: Vec<PathBuf>,
    consents: Vec<ConsentRecord>,
    links: Vec<(String, String)>,
}

/// A part of a view that good records did not fit, such as a column for one value where they have several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Misfits {
    /// The view.
    pub view: String,
    /// The part of its definition, `select[0].column[2]`.
    pub place: String,
    /// What was wrong there.
    pub what: String,
    /// What its author can do about it, as the end of a sentence.
    pub advice: String,
    /// How many records it concerned.
    pub records: u64,
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

impl std::fmt::Display for SetAside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let SetAside { file, line, byte, reason } = self;
        write!(f, "{}, line {line} (byte {byte}): {reason}", file.display())
    }
}

/// Why a record was set aside. Never holds anything of the record's content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// A document without anything in it.
    #[error("it is empty")]
    Empty,
    /// A text in another encoding.
    #[error("it is UTF-16 text; convert it to UTF-8")]
    Utf16,
    /// A file of something else.
    #[error("it is not text but binary data of some kind, so it is not FHIR")]
    Binary,
    /// A packed file that is cut off or damaged.
    #[error("the packed data are cut off or damaged here; what came before was read")]
    Packing,
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
    /// The same of a Consent, of which a refusal is lost with it.
    #[error(
        "it is a Consent that names no patient by a reference that can be followed: whom it refuses for cannot be told"
    )]
    ConsentOfNobody,
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
    if let Some((part, of)) = options.part.filter(|(part, of)| part >= of) {
        return Err(RecordsError::NoSuchPart { part, of });
    }
    let sources = sources.iter().cloned().map(Source::Path).collect();
    let mut batches = vec![Vec::new(); views.len()];
    let mut sink = |view: usize, rows| {
        batches[view].push(rows);
        Ok(())
    };
    let summary = stream(sources, views, true, options, progress, keep, &mut sink)?;
    let mut tables = Tables::default();
    for (view, batches) in views.iter().zip(batches) {
        tables.0.insert(view.name().to_owned(), joined(view, batches)?);
    }
    let mut ingest = Ingest {
        tables,
        set_aside: summary.set_aside,
        resources: summary.resources,
        without_rows: summary.without_rows,
        ignored_files: [summary.ignored_files, summary.empty_files].concat(),
        consents: summary.consents,
        links: summary.links,
        patients: Vec::new(),
    };
    if let Some(patients) = views.iter().find(|view| view.resource() == "Patient") {
        ingest.patients = ids(&ingest.tables, patients.name());
    }
    match options.part {
        Some((part, of)) => one_part(ingest, part, of),
        None => Ok(ingest),
    }
}

/// Runs views over sources of any size: `sink` gets the rows of each view, named by its place in `views`, in the order of
/// the sources and a few thousand at a time. Rows need not be anybody's, and a patient may occur twice.
///
/// `progress` is called every thousand records and at the end of every source; `keep` gets every record that is set
/// aside, with its bytes. Of the options, `part` is not used.
///
/// # Errors
/// Where a source cannot be read at all, there is none, `sink` fails, or the reading is strict and a record is bad.
pub fn run_views(
    sources: Vec<Source>,
    views: &[CompiledView],
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress),
    keep: &mut dyn FnMut(&SetAside, &[u8]),
    sink: &mut dyn FnMut(usize, RecordBatch) -> Result<(), RecordsError>,
) -> Result<Summary, RecordsError> {
    stream(sources, views, false, options, progress, keep, sink)
}

fn stream(
    sources: Vec<Source>,
    views: &[CompiledView],
    of_persons: bool,
    options: &ReadOptions,
    progress: &mut dyn FnMut(Progress),
    keep: &mut dyn FnMut(&SetAside, &[u8]),
    sink: &mut gather::Sink<'_>,
) -> Result<Summary, RecordsError> {
    let mut names = BTreeSet::new();
    if let Some(twice) = views.iter().find(|view| !names.insert(view.name())) {
        return Err(RecordsError::SameName(twice.name().to_owned()));
    }
    let found = files::find(sources)?;
    let paths: Vec<PathBuf> = found.files.iter().map(|file| file.path.clone()).collect();
    let job = Job::new(views, of_persons, options.max_line);
    let mut gather = Gather::new(&job, &paths, found.bytes, options, progress, keep, sink);
    pipeline::run(&job, found.files, options.workers, &mut gather)?;
    Ok(Summary { ignored_files: found.ignored, ..gather.finish() })
}

/// All rows of a view as one table.
fn joined(view: &CompiledView, batches: Vec<RecordBatch>) -> Result<RecordBatch, RecordsError> {
    let texts = |batch: &RecordBatch, column: usize| match batch.column(column).data_type() {
        DataType::Utf8 => batch.column(column).as_string::<i32>().value_data().len(),
        _ => 0,
    };
    for column in 0..view.schema().fields().len() {
        if batches.iter().map(|batch| texts(batch, column)).sum::<usize>() > i32::MAX as usize {
            return Err(RecordsError::TooLarge { table: view.name().to_owned() });
        }
    }
    Ok(concat_batches(&Arc::clone(&view.schema()), &batches)?)
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
