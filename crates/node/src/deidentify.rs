//! FHIR in, FHIR without identifiers out: files to files, without a home and without a ledger.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use caduceus_protect::Date;
pub use caduceus_protect::fhir::Dates;
use caduceus_protect::fhir::{Deidentifier, RemovedByPath};
use caduceus_protect::safe_harbor::SparseAreas;
use caduceus_records::{WholeFile, is_document, open_unpacked};
use serde::Serialize;
use serde_json::Value;

use crate::error::{NodeError, Result};
use crate::report::Reporter;

/// What to read and where to write.
#[derive(Clone, Debug)]
pub struct FhirJob {
    /// Files or folders of FHIR R4, NDJSON or bundles.
    pub input: Vec<PathBuf>,
    /// The folder for one NDJSON file of each resource type.
    pub output: PathBuf,
    /// The file with the key; none: a key that nobody keeps.
    pub key: Option<PathBuf>,
    /// The day at which ages are counted.
    pub date: Date,
    /// What happens to dates.
    pub dates: Dates,
    /// A file with the areas of the United States that are shown as 000; none: those that are built in.
    pub sparse_zip3: Option<PathBuf>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct FhirResult {
    /// Resources that were read.
    pub read: u64,
    /// Resources that were written, by type.
    pub written: BTreeMap<String, u64>,
    /// Lines or files that are no FHIR: file, line and nothing of their content.
    pub set_aside: Vec<SetAside>,
    /// Files in the folders that were passed over because their names are not those of FHIR files.
    pub ignored_files: Vec<String>,
    /// What was removed, by element and kind.
    pub removed: RemovedByPath,
    /// The folder.
    pub output: String,
}

/// A place that could not be read.
#[derive(Clone, Debug, Serialize)]
pub struct SetAside {
    /// The file.
    pub file: String,
    /// The line, the first being 1.
    pub line: u64,
}

/// Takes the identifiers out of FHIR resources.
///
/// # Errors
/// [`NodeError::File`] where a file cannot be read or written, [`NodeError::Usage`] where the output folder
/// is not empty, or nothing is there to read.
pub fn run(job: &FhirJob, reporter: &Reporter) -> Result<FhirResult> {
    let key = crate::tables::pseudonym_key(job.key.as_deref())?;
    let (mut files, mut ignored) = (Vec::new(), Vec::new());
    job.input.iter().try_for_each(|path| find(path, &mut files, &mut ignored))?;
    if files.is_empty() {
        let what = "there is no .ndjson or .json file, packed or not, in what --input names; name a folder of FHIR R4";
        return Err(NodeError::Usage(what.to_owned()));
    }
    for file in &files {
        let name = file.file_name().unwrap_or_default();
        crate::tables::keep_apart(&job.output.join(name), [file])?;
    }
    empty_folder(&job.output)?;
    let mut deidentifier = Deidentifier::new(&key, job.date, job.dates);
    if let Some(path) = &job.sparse_zip3 {
        deidentifier = deidentifier.with_sparse_areas(sparse_areas(path)?);
    }
    // Everybody's name must be known before the first note is cleaned.
    let mut learnt = 0;
    for file in &files {
        each(
            file,
            &mut |resource| {
                learnt += 1;
                reporter.progress("resources searched for names", learnt, None);
                deidentifier.learn(resource);
                Ok(())
            },
            &mut Vec::new(),
        )?;
    }
    let (mut read, mut written, mut set_aside) = (0, BTreeMap::<String, u64>::new(), Vec::new());
    let mut writers = Writers::new();
    for file in &files {
        each(
            file,
            &mut |resource| {
                read += 1;
                reporter.progress("resources read", read, None);
                let Some(cleaned) = deidentifier.clean(resource) else { return Ok(()) };
                let kind = cleaned["resourceType"].as_str().unwrap_or_default().to_owned();
                *written.entry(kind.clone()).or_default() += 1;
                write(&job.output, &mut writers, kind, &cleaned)
            },
            &mut set_aside,
        )?;
    }
    for (path, writer) in writers.into_values() {
        let failed =
            |error: io::IntoInnerError<_>| NodeError::file("write", &path, error.into_error());
        writer.into_inner().map_err(failed)?.finish()?;
    }
    Ok(FhirResult {
        read,
        written,
        set_aside,
        ignored_files: ignored.iter().map(|path| path.display().to_string()).collect(),
        removed: deidentifier.removed().clone(),
        output: job.output.display().to_string(),
    })
}

/// The files that are written, by the type of resource. None has its name before all of them are whole, so that a folder in
/// which a run failed is as empty as before.
type Writers = BTreeMap<String, (PathBuf, BufWriter<WholeFile>)>;

/// Makes the folder unless it is there, and refuses one that holds anything: files of another export beside those of this
/// one would look like a single export, with pseudonyms of two keys and maybe two ways to treat dates.
fn empty_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|error| NodeError::file("create", folder, error))?;
    let failed = |error| NodeError::file("list", folder, error);
    match std::fs::read_dir(folder).map_err(failed)?.next() {
        None => Ok(()),
        Some(Err(error)) => Err(failed(error)),
        Some(Ok(there)) => Err(NodeError::Usage(format!(
            "the folder {} is not empty ({} is in it), and two exports in one folder would be mixed; name a new folder with --out, or empty this one first",
            folder.display(),
            there.file_name().display()
        ))),
    }
}

/// The areas in a file, separated by spaces, commas or lines.
fn sparse_areas(path: &Path) -> Result<SparseAreas> {
    let text =
        std::fs::read_to_string(path).map_err(|error| NodeError::file("read", path, error))?;
    let prefixes = text.split(|c: char| c == ',' || c.is_whitespace());
    let prefixes = prefixes.filter(|prefix| !prefix.is_empty()).map(str::to_owned).collect();
    SparseAreas::of(prefixes).ok_or_else(|| {
        let name = path.display();
        NodeError::Usage(format!(
            "{name} must hold the first three digits of postal codes and nothing else, such as 036 059"
        ))
    })
}

fn write(folder: &Path, writers: &mut Writers, kind: String, resource: &Value) -> Result<()> {
    let (path, writer) = match writers.entry(kind) {
        std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
        std::collections::btree_map::Entry::Vacant(new) => {
            let path = folder.join(format!("{}.ndjson", new.key()));
            let file = BufWriter::new(WholeFile::create(&path)?);
            new.insert((path, file))
        }
    };
    serde_json::to_writer(&mut *writer, resource)
        .map_err(io::Error::from)
        .and_then(|()| writer.write_all(b"\n"))
        .map_err(|error| NodeError::file("write", path, error))
}

/// The FHIR files of a folder and its folders, in the order of their names, and the others.
fn find(path: &Path, files: &mut Vec<PathBuf>, ignored: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |error| NodeError::file("read", path, error);
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut inside = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        inside.push(entry.map_err(failed)?.path());
    }
    inside.sort();
    for path in inside {
        match path.is_dir() || is_document(&path).is_some() {
            true => find(&path, files, ignored)?,
            false => ignored.push(path),
        }
    }
    Ok(())
}

/// Calls `take` for every resource of a file: each line of NDJSON, or each entry of a bundle.
fn each(
    path: &Path,
    take: &mut dyn FnMut(&Value) -> Result<()>,
    set_aside: &mut Vec<SetAside>,
) -> Result<()> {
    let failed = |error| NodeError::file("read", path, error);
    let mut aside = |line| set_aside.push(SetAside { file: path.display().to_string(), line });
    let mut content = open_unpacked(path)?;
    if is_document(path) == Some(true) {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).map_err(failed)?;
        let Ok(value) = serde_json::from_slice::<Value>(&bytes) else {
            aside(1);
            return Ok(());
        };
        return entries(&value, take);
    }
    let mut reader = BufReader::new(content);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Value>(&line) {
            Ok(value) if value["resourceType"].is_string() => entries(&value, take)?,
            _ => aside(number),
        }
    }
    Ok(())
}

fn entries(value: &Value, take: &mut dyn FnMut(&Value) -> Result<()>) -> Result<()> {
    caduceus_protect::fhir::resources(value).iter().try_for_each(|resource| take(resource))
}
