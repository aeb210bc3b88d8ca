//! Which files are read.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::RecordsError;

/// How a file holds its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A resource a line.
    Lines,
    /// A bundle or a single resource.
    Document,
}

#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
    pub(crate) bytes: u64,
}

#[derive(Default)]
pub(crate) struct Found {
    pub(crate) files: Vec<SourceFile>,
    pub(crate) ignored: Vec<PathBuf>,
    pub(crate) bytes: u64,
}

/// The files that the sources name, those of a folder in the order of their names. Folders within folders are not
/// entered but listed as ignored.
pub(crate) fn find(sources: &[PathBuf]) -> Result<Found, RecordsError> {
    if sources.is_empty() {
        return Err(RecordsError::NoSources);
    }
    let mut found = Found::default();
    for source in sources {
        let before = found.files.len();
        let metadata = fs::metadata(source).map_err(RecordsError::io("read", source))?;
        let paths = match metadata.is_dir() {
            true => list(source)?,
            false => vec![source.clone()],
        };
        for path in paths {
            add(&mut found, path)?;
        }
        if found.files.len() == before {
            return Err(RecordsError::NoFiles(source.clone()));
        }
    }
    Ok(found)
}

fn add(found: &mut Found, path: PathBuf) -> Result<(), RecordsError> {
    let metadata = fs::metadata(&path).map_err(RecordsError::io("read", &path))?;
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    let format = match extension.as_ref().and_then(|extension| extension.to_str()) {
        Some("ndjson") if !metadata.is_dir() => Format::Lines,
        Some("json") if !metadata.is_dir() => Format::Document,
        _ => {
            found.ignored.push(path);
            return Ok(());
        }
    };
    found.bytes += metadata.len();
    found.files.push(SourceFile { path, format, bytes: metadata.len() });
    Ok(())
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
