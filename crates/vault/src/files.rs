//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{VaultError, file};

const TEMPORARY: &str = "tmp";

/// Writes a file: under a temporary name first, synced, then renamed. The folder is not synced: see [`sync_folder`].
pub(crate) fn put(path: &Path, parts: &[&[u8]]) -> Result<(), VaultError> {
    let temporary = with_suffix(path, TEMPORARY);
    let written = write_synced(&temporary, parts);
    if written.is_err() {
        // A full disk should not stay full of what could not be finished; the reason that is told is the first one.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(file("write", path))?;
    fs::rename(&temporary, path).map_err(file("write", path))
}

/// Writes a file and makes sure that it is still there after a power cut.
pub(crate) fn put_durably(path: &Path, parts: &[&[u8]]) -> Result<(), VaultError> {
    put(path, parts)?;
    sync_folder(path.parent().unwrap_or(path))
}

/// Makes renames and removals in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), VaultError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(file("sync", folder))
}

/// Reads a file, `None` if there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, VaultError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(file("read", path)(error)),
    }
}

/// The names in a folder, sorted, without temporary ones.
pub(crate) fn names(folder: &Path) -> Result<Vec<String>, VaultError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(file("list", folder))? {
        let name = entry.map_err(file("list", folder))?.file_name();
        if let Some(name) = name.to_str().filter(|name| !name.contains('.')) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Removes what a kill left under temporary names.
pub(crate) fn remove_temporary(folder: &Path) -> Result<(), VaultError> {
    for path in with_extension(folder, TEMPORARY)? {
        fs::remove_file(&path).map_err(file("remove", &path))?;
    }
    Ok(())
}

/// Files of a folder whose name ends like this.
pub(crate) fn with_extension(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, VaultError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(file("list", folder))? {
        let path = entry.map_err(file("list", folder))?.path();
        if path.extension().is_some_and(|found| found == extension) {
            paths.push(path);
        }
    }
    Ok(paths)
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

fn write_synced(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = File::create(path)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.sync_all()
}
