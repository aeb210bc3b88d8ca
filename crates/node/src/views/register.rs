//! A register of views: a folder with every version of each, so that whoever reads a table can find what made it.
//!
//! A version is two numbers. The second rises with changes that programs survive which read the older tables; the first
//! with those that they do not. Versions are files, `NAME/1.0.json`, as they were given; none is ever written over.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use caduceus_records::{Change, CompiledView, compare_views};
use serde::Serialize;

use super::open;
use crate::error::{NodeError, Result};

/// A version of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Rises with changes that break programs.
    pub major: u32,
    /// Rises with all others.
    pub minor: u32,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Version {
    const FIRST: Version = Version { major: 1, minor: 0 };

    /// Reads the name of a version's file without its ending.
    fn read(text: &str) -> Option<Version> {
        let (major, minor) = text.split_once('.')?;
        let version = Version { major: major.parse().ok()?, minor: minor.parse().ok()? };
        // `01.+2` is no name that was given here.
        (version.to_string() == text).then_some(version)
    }
}

/// A version in the register.
#[derive(Clone, Debug, Serialize)]
pub struct Registered {
    /// The view.
    pub name: String,
    /// Which version of it.
    pub version: Version,
    /// Where its definition is.
    pub file: PathBuf,
    /// The type of resource that it reads.
    pub resource: String,
    /// Its columns in their order.
    pub columns: Vec<caduceus_records::ColumnInfo>,
}

/// What became of a view that was to be registered.
#[derive(Clone, Debug, Serialize)]
pub struct Registration {
    /// The version that it is now.
    #[serde(flatten)]
    pub registered: Registered,
    /// Whether the version is new, or was there before.
    pub new: bool,
    /// What changed since the version before.
    pub changes: Vec<Change>,
}

/// Registers the view in `file` as the next version of its name; one that is the newest already stays what it is.
///
/// # Errors
/// [`NodeError::View`]; [`NodeError::Breaking`] where programs that read the older tables cannot read the new ones and
/// `breaking` does not say that this is meant; [`NodeError::File`].
pub fn register(register: &Path, file: &Path, breaking: bool) -> Result<Registration> {
    let text = fs::read_to_string(file).map_err(|source| NodeError::file("read", file, source))?;
    let view = open(file)?;
    let newest = all_of(register, view.name())?.pop();
    let Some((before, path)) = newest else {
        return keep(register, &view, &text, Version::FIRST, Vec::new());
    };
    let old = open(&path)?;
    let changes = compare_views(&old, &view);
    if changes.is_empty() && same(&path, &text)? {
        return Ok(Registration { registered: entry(&view, before, path), new: false, changes });
    }
    let broken: Vec<String> = changes
        .iter()
        .filter(|change| !change.old_readers_survive || !change.reads_old)
        .map(Change::to_string)
        .collect();
    let version = match (broken.is_empty(), breaking) {
        (true, _) => Version { minor: before.minor + 1, ..before },
        (false, true) => Version { major: before.major + 1, minor: 0 },
        (false, false) => {
            let (name, what) = (view.name().to_owned(), broken.join("; "));
            return Err(NodeError::Breaking { name, version: before.to_string(), what });
        }
    };
    keep(register, &view, &text, version, changes)
}

/// Every version in the register, by name and number.
///
/// # Errors
/// [`NodeError::File`], and [`NodeError::View`] where a file in the register is not valid any more.
pub fn registered(register: &Path) -> Result<Vec<Registered>> {
    let mut all = Vec::new();
    for folder in caduceus_records::subfolders(register)? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for (version, path) in all_of(register, &name)? {
            all.push(entry(&open(&path)?, version, path));
        }
    }
    Ok(all)
}

fn entry(view: &CompiledView, version: Version, file: PathBuf) -> Registered {
    Registered {
        name: view.name().to_owned(),
        version,
        file,
        resource: view.resource().to_owned(),
        columns: view.columns(),
    }
}

/// The versions of a view with their files, the newest last.
fn all_of(register: &Path, name: &str) -> Result<Vec<(Version, PathBuf)>> {
    let folder = register.join(name);
    let list = match fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|source| NodeError::file("list", &folder, source))?,
    };
    let mut found = Vec::new();
    for item in list {
        let path = item.map_err(|source| NodeError::file("list", &folder, source))?.path();
        let json = path.extension().is_some_and(|ending| ending == "json");
        let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| json);
        if let Some(version) = stem.and_then(Version::read) {
            found.push((version, path));
        }
    }
    found.sort();
    Ok(found)
}

/// Whether the file holds the same JSON as the text.
fn same(file: &Path, text: &str) -> Result<bool> {
    let kept = fs::read_to_string(file).map_err(|source| NodeError::file("read", file, source))?;
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    Ok(json(&kept) == json(text))
}

/// Writes the definition as this version, whole or not at all, and never over another.
fn keep(
    register: &Path,
    view: &CompiledView,
    text: &str,
    version: Version,
    changes: Vec<Change>,
) -> Result<Registration> {
    let folder = register.join(view.name());
    let path = folder.join(format!("{version}.json"));
    let fail = |source| NodeError::file("write", &path, source);
    fs::create_dir_all(&folder).map_err(fail)?;
    let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(fail)?;
    file.write_all(text.as_bytes()).map_err(fail)?;
    file.as_file().sync_all().map_err(fail)?;
    file.persist_noclobber(&path).map_err(|error| fail(error.error))?;
    Ok(Registration { registered: entry(view, version, path), new: true, changes })
}
