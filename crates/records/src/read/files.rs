//! Which files are read.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::Source;
use crate::error::RecordsError;

/// How a file holds its records, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A resource a line.
    Lines,
    /// A bundle or a single resource, or a resource a line after all.
    Document,
    /// Nothing in the name tells.
    Unknown,
}

pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    pub(crate) bytes: u64,
    /// What is read in place of the file.
    pub(crate) stream: Option<Box<dyn Read + Send>>,
}

#[derive(Default)]
pub(crate) struct Found {
    pub(crate) files: Vec<SourceFile>,
    pub(crate) ignored: Vec<PathBuf>,
    pub(crate) bytes: u64,
}

/// The files that the sources name, those of a folder in the order of their names. Folders within folders are not
/// entered but listed as ignored, as are files within folders whose names are not those of FHIR files.
pub(crate) fn find(sources: Vec<Source>) -> Result<Found, RecordsError> {
    if sources.is_empty() {
        return Err(RecordsError::NoSources);
    }
    let mut found = Found::default();
    for source in sources {
        match source {
            Source::Stream { name, read } => found.files.push(SourceFile {
                path: name.into(),
                format: Format::Unknown,
                bytes: 0,
                stream: Some(read),
            }),
            Source::Path(path) => add(&mut found, path)?,
        }
    }
    Ok(found)
}

fn add(found: &mut Found, source: PathBuf) -> Result<(), RecordsError> {
    let metadata = fs::metadata(&source).map_err(RecordsError::io("read", &source))?;
    if !metadata.is_dir() {
        // A file that is named outright is read whatever it is called; if it is not FHIR, that is said of its content.
        let format = format(&source).unwrap_or(Format::Unknown);
        add_file(found, source, format, metadata.len());
        return Ok(());
    }
    let before = found.files.len();
    for path in list(&source)? {
        let metadata = fs::metadata(&path).map_err(RecordsError::io("read", &path))?;
        match format(&path).filter(|_| !metadata.is_dir()) {
            Some(format) => add_file(found, path, format, metadata.len()),
            None => found.ignored.push(path),
        }
    }
    match found.files.len() == before {
        true => Err(RecordsError::NoFiles(source)),
        false => Ok(()),
    }
}

fn add_file(found: &mut Found, path: PathBuf, format: Format, bytes: u64) {
    found.bytes += bytes;
    found.files.push(SourceFile { path, format, bytes, stream: None });
}

/// What the name says: `.ndjson` or `.jsonl`, `.json`, each also packed as `.gz` or `.zst`.
fn format(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let plain = [".gz", ".zst", ".zstd"].iter().find_map(|packed| name.strip_suffix(packed));
    match plain.unwrap_or(&name).rsplit_once('.')?.1 {
        "ndjson" | "jsonl" => Some(Format::Lines),
        "json" => Some(Format::Document),
        _ => None,
    }
}

/// Whether a name is that of a file of FHIR, packed or not, and if so whether of one document (`.json`) or of lines.
pub fn is_document(path: &Path) -> Option<bool> {
    format(path).map(|format| format == Format::Document)
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, RecordsError> {
    let entries = fs::read_dir(folder).map_err(RecordsError::io("list", folder))?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(RecordsError::io("list", folder))?;
    paths.sort();
    Ok(paths)
}

/// The folders in a folder, in the order of their names; those whose names begin with a dot are left out.
///
/// # Errors
/// [`RecordsError::Io`] where the folder cannot be listed.
pub fn subfolders(folder: &Path) -> Result<Vec<PathBuf>, RecordsError> {
    let hidden = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
    };
    let mut folders = list(folder)?;
    folders.retain(|path| path.is_dir() && !hidden(path));
    Ok(folders)
}
