//! Views over FHIR files, without a home: what a view is, what rows it makes.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

mod register;

pub use caduceus_records::{Change, ChangeKind};
use caduceus_records::{
    ColumnInfo, CompiledView, Misfits, ParquetTable, ReadOptions, RecordsError, RowFormat,
    RowWriter, SetAside, Source, Summary, ViewWarning, WholeFile, compare_views, run_views,
};
use serde::Serialize;

use crate::error::{NodeError, Result};
use crate::report::Reporter;
use crate::tables::{keep_apart, make_folder};

pub use register::{Registered, Registration, Version, register, registered};

/// Records set aside that a report names; of more, their number and reasons are told.
const NAMED: usize = 1_000;
/// The name that stands for the standard input.
const STDIN: &str = "-";

/// What a view is.
#[derive(Clone, Debug, Serialize)]
pub struct ViewReport {
    /// The table that it makes.
    pub name: String,
    /// The type of resource that it reads.
    pub resource: String,
    /// The columns in their order.
    pub columns: Vec<ColumnInfo>,
    /// What is odd about it although it is valid.
    pub warnings: Vec<ViewWarning>,
}

/// Reads and checks the view in a file.
///
/// # Errors
/// [`NodeError::File`], and [`NodeError::View`] where the view is not valid.
pub fn open(path: &Path) -> Result<CompiledView> {
    let text = fs::read_to_string(path).map_err(|source| NodeError::file("read", path, source))?;
    CompiledView::parse(&text).map_err(|error| match error {
        RecordsError::View(source) => NodeError::View { path: path.to_owned(), source },
        other => other.into(),
    })
}

/// What the view is.
pub fn describe(view: &CompiledView) -> ViewReport {
    ViewReport {
        name: view.name().to_owned(),
        resource: view.resource().to_owned(),
        columns: view.columns(),
        warnings: view.warnings().to_vec(),
    }
}

/// What changed between two versions of a view.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// Whether programs that read the old tables can read the new ones.
    pub old_readers_survive: bool,
    /// Whether the new view can take over tables of the old one.
    pub reads_old: bool,
    /// Every difference.
    pub changes: Vec<Change>,
}

/// Compares two versions of a view.
///
/// # Errors
/// As [`open`].
pub fn compare(old: &Path, new: &Path) -> Result<Compared> {
    let changes = compare_views(&open(old)?, &open(new)?);
    Ok(Compared {
        old_readers_survive: changes.iter().all(|change| change.old_readers_survive),
        reads_old: changes.iter().all(|change| change.reads_old),
        changes,
    })
}

/// Makes a table that an older version of the view wrote (Parquet) into one of this version. Returns its rows.
///
/// # Errors
/// [`NodeError::Records`] where the table cannot be read, written, or taken over; [`NodeError::Usage`] where it would be
/// written over.
pub fn upgrade(view: &Path, input: &Path, format: RowFormat, out: &Path) -> Result<u64> {
    keep_apart(out, [&input.to_owned(), &view.to_owned()])?;
    let (view, older) = (open(view)?, ParquetTable::open(input)?);
    make_folder(out)?;
    let mut writer = RowWriter::new(WholeFile::create(out)?, format, &view.schema())?;
    for rows in older {
        writer.write(&view.adopt(&rows?)?)?;
    }
    let rows = writer.rows();
    writer.finish()?.finish()?;
    Ok(rows)
}

/// Which view to run over what.
#[derive(Clone, Debug)]
pub struct ViewRun {
    /// The file of the view, which nothing is written over.
    pub view: PathBuf,
    /// Files and folders of FHIR; `-` is the standard input.
    pub input: Vec<PathBuf>,
    /// How the rows are written.
    pub format: RowFormat,
    /// Whether the first bad record ends the run.
    pub strict: bool,
}

/// Where rows go.
pub enum Target<'t> {
    /// A file, which is there whole or not at all.
    File(&'t Path),
    /// Somebody who reads along. One who reads no further ends the run without an error.
    Pipe(&'t mut (dyn Write + Send)),
}

/// What came of a run.
#[derive(Debug, Serialize)]
pub struct RunReport {
    /// The table.
    pub view: String,
    /// How many rows there are.
    pub row_count: u64,
    /// Resources that were read, by type.
    pub resources: BTreeMap<String, u64>,
    /// Of the type that the view reads, how many gave no row.
    pub without_rows: u64,
    /// How many records were set aside, by reason.
    pub reasons: BTreeMap<String, u64>,
    /// How many records were set aside in all.
    pub set_aside_count: u64,
    /// The records that were set aside, up to a thousand.
    pub set_aside: Vec<SetAside>,
    /// Where the view asks for what records do not have.
    pub misfits: Vec<Misfits>,
    /// Files and folders that were passed over because of their names.
    pub ignored_files: Vec<String>,
    /// Inputs that have nothing in them.
    pub empty_files: Vec<String>,
}

/// Runs a view over files and writes its rows.
///
/// # Errors
/// [`NodeError::Records`] where an input cannot be read at all, the rows cannot be written, or, in a strict run, a record
/// is bad; [`NodeError::Usage`] where an input would be written over.
pub fn run(
    view: CompiledView,
    run: &ViewRun,
    target: Target<'_>,
    report: &Reporter,
) -> Result<RunReport> {
    let summary = match target {
        Target::File(path) => {
            keep_apart(path, run.input.iter().chain([&run.view]))?;
            make_folder(path)?;
            let output = BufWriter::with_capacity(1 << 18, WholeFile::create(path)?);
            let (rows, output, summary) = rows_into(output, &view, run, report)?;
            let file = output.into_inner().map_err(|error| {
                NodeError::file("write", path, io::Error::from(error.error().kind()))
            })?;
            file.finish()?;
            (rows, summary)
        }
        Target::Pipe(pipe) => {
            let mut pipe = Pipe { inner: pipe, closed: false };
            let done = rows_into(&mut pipe, &view, run, report);
            match done.map(|(rows, _, summary)| (rows, summary)) {
                Ok(done) => done,
                // Whoever read along has seen enough.
                Err(_) if pipe.closed => (0, Summary::default()),
                Err(error) => return Err(error),
            }
        }
    };
    Ok(reported(&view, summary.0, summary.1))
}

fn rows_into<W: Write + Send>(
    output: W,
    view: &CompiledView,
    run: &ViewRun,
    report: &Reporter,
) -> Result<(u64, W, Summary)> {
    let sources = run.input.iter().map(|path| match path.as_os_str() == STDIN {
        true => Source::Stream { name: "standard input".into(), read: Box::new(io::stdin()) },
        false => Source::Path(path.clone()),
    });
    let options = ReadOptions { strict: run.strict, named: NAMED, ..ReadOptions::default() };
    let mut writer = RowWriter::new(output, run.format, &view.schema())?;
    let summary = run_views(
        sources.collect(),
        std::slice::from_ref(view),
        &options,
        &mut |progress| report.progress("records read", progress.records, None),
        &mut |_, _| {},
        &mut |_, rows| writer.write(&rows),
    )?;
    let rows = writer.rows();
    Ok((rows, writer.finish()?, summary))
}

fn reported(view: &CompiledView, row_count: u64, summary: Summary) -> RunReport {
    let shown = |paths: Vec<PathBuf>| paths.iter().map(|path| path.display().to_string()).collect();
    RunReport {
        view: view.name().to_owned(),
        row_count,
        without_rows: summary.without_rows.get(view.resource()).copied().unwrap_or_default(),
        resources: summary.resources,
        set_aside_count: summary.reasons.values().sum(),
        reasons: summary.reasons,
        set_aside: summary.set_aside,
        misfits: summary.misfits,
        ignored_files: shown(summary.ignored_files),
        empty_files: shown(summary.empty_files),
    }
}

/// Notes whether the reader at the other end is gone.
struct Pipe<'p> {
    inner: &'p mut (dyn Write + Send),
    closed: bool,
}

impl Pipe<'_> {
    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            self.closed = true;
        }
        result
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.inner.write(bytes);
        self.note(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.inner.flush();
        self.note(result)
    }
}
