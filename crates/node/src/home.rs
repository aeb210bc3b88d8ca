//! The folder in which a node keeps everything: keys, ledger, vaults, questions, and a journal of what is done.
//!
//! ```text
//! DIR/
//!   parameters.toml  what the contracts started with, where it was not the default
//!   manifest.json    the deployment: where every contract is, its code, who may do what; somebody else's in a home that joined it
//!   home.json        which chain this home speaks to, and the version of this layout
//!   lock             held while a process uses the home
//!   keys/seed        the secret from which a development home derives every key
//!   ledger/          the embedded ledger (absent with --rpc)
//!   outbox.redb      transactions, recorded before they are sent
//!   journal.redb     parties, publications, finished steps
//!   vaults/NAME/     one custodian's vault
//!   exchange/        what parties hand each other outside the ledger: questions in, sealed answers out
//! ```

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use alloy::hex;
use alloy::primitives::keccak256;
use caduceus_identity::Seed;
use redb::{Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, TableDefinition};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tempfile::TempDir;

use crate::error::{NodeError, Result};
use crate::parameters::Parameters;

const VERSION: u32 = 1;
const JOURNAL: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("journal");

/// The parts of a home that are files of their own, by their paths in it.
const SETTINGS: &str = "home.json";
const PARAMETERS: &str = "parameters.toml";
const SEED: &str = "keys/seed";
pub(crate) const LEDGER: &str = "ledger/ledger.redb";
pub(crate) const OUTBOX: &str = "outbox.redb";
pub(crate) const MANIFEST: &str = "manifest.json";
const JOURNAL_FILE: &str = "journal.redb";

/// An opened home: the only process that may write to it.
pub struct Home {
    dir: PathBuf,
    settings: Mutex<Settings>,
    rpc: Option<String>,
    journal: Journal,
    /// Absent where the folder cannot be written: then the home is for reading only.
    lock: Option<File>,
}

/// The journal's file, as it was opened.
enum Journal {
    Writable(Database),
    ReadOnly(ReadOnlyDatabase),
}

/// What is decided once, when a home is made, and what has been in it since.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Settings {
    version: u32,
    rpc: Option<String>,
    /// The parts that were begun and must be there, so that a lost one is told from one that is not there yet.
    #[serde(default)]
    parts: BTreeSet<String>,
    /// Whether the chain held all contracts.
    #[serde(default)]
    deployed: bool,
}

impl Home {
    /// Whether there is a home in `dir`, whole or not.
    pub fn is_in(dir: &Path) -> bool {
        dir.join(SETTINGS).exists()
    }

    /// Makes a home in `dir`, or opens the one that is there.
    ///
    /// A home that speaks to another chain than `rpc` is refused, one that was made from another seed than `seed`, and one
    /// that another process has open. Without `seed`, a new home gets a random one.
    pub fn create_or_open(dir: &Path, rpc: Option<&str>, seed: Option<Seed>) -> Result<Home> {
        if !Home::is_in(dir) {
            Home::create(dir, rpc, seed.as_ref())?;
        }
        let home = Home::open(dir)?;
        if let Some(asked) = rpc
            && home.rpc().map(without_slash) != Some(without_slash(asked))
        {
            return Err(NodeError::OtherChain {
                dir: dir.to_owned(),
                kept: home.rpc().unwrap_or("the embedded ledger").to_owned(),
                asked: asked.to_owned(),
            });
        }
        match seed {
            Some(seed) if home.seed()?.expose() != seed.expose() => {
                Err(NodeError::OtherSeed(dir.to_owned()))
            }
            _ => Ok(home),
        }
    }

    fn create(dir: &Path, rpc: Option<&str>, seed: Option<&Seed>) -> Result<()> {
        fs::create_dir_all(dir).map_err(|error| NodeError::file("create", dir, error))?;
        let Some(lock) = lock(dir)? else { return Err(NodeError::ReadOnly(dir.to_owned())) };
        // Where there are parts without settings, the settings were lost; new keys would fit none of the parts.
        let parts = [LEDGER, OUTBOX, JOURNAL_FILE, "vaults"];
        if parts.iter().any(|part| dir.join(part).exists()) {
            return Err(NodeError::Lost { dir: dir.to_owned(), part: SETTINGS.into() });
        }
        let keys = dir.join("keys");
        fs::create_dir_all(&keys).map_err(|error| NodeError::file("create", &keys, error))?;
        let random = if seed.is_none() { Some(Home::random_seed()?) } else { None };
        if let Some(seed) = seed.or(random.as_ref()) {
            write_secret(&dir.join(SEED), hex::encode(seed.expose()).as_bytes())?;
        }
        let settings = Settings {
            version: VERSION,
            rpc: rpc.map(str::to_owned),
            parts: BTreeSet::new(),
            deployed: false,
        };
        write_atomically(&dir.join(SETTINGS), &to_json(&settings))?;
        drop(lock);
        Ok(())
    }

    /// Writes down the parameters of a home that is to be made in `dir`. One that is there already must have been made with
    /// the same.
    pub(crate) fn keep_parameters(dir: &Path, parameters: &Parameters, text: &str) -> Result<()> {
        if Home::is_in(dir) {
            if parameters_in(dir)? != *parameters {
                return Err(NodeError::Definition(format!(
                    "{} was made with other parameters; leave --parameters out to use it, or name another folder with --dir",
                    dir.display()
                )));
            }
            return Ok(());
        }
        fs::create_dir_all(dir).map_err(|error| NodeError::file("create", dir, error))?;
        write_atomically(&dir.join(PARAMETERS), text.as_bytes())
    }

    /// The parameters that the contracts of this home started with.
    pub(crate) fn parameters(&self) -> Result<Parameters> {
        parameters_in(&self.dir)
    }

    /// Puts the manifest of somebody else's deployment into the folder of a home that is to be made. A home that is there
    /// already must have the same.
    pub(crate) fn keep_joined(dir: &Path, text: &str) -> Result<()> {
        let path = dir.join(MANIFEST);
        if Home::is_in(dir) {
            let kept =
                fs::read_to_string(&path).map_err(|error| NodeError::file("read", &path, error))?;
            return match kept == text {
                true => Ok(()),
                false => Err(NodeError::Definition(format!(
                    "{} belongs to another deployment; leave --join out to use it, or name another folder with --dir",
                    dir.display()
                ))),
            };
        }
        fs::create_dir_all(dir).map_err(|error| NodeError::file("create", dir, error))?;
        write_atomically(&path, text.as_bytes())
    }

    /// Where the manifest of the deployment is.
    pub fn manifest(&self) -> PathBuf {
        self.dir.join(MANIFEST)
    }

    /// Writes the manifest of the deployment.
    pub(crate) fn keep_manifest(&self, text: &str) -> Result<()> {
        self.require_writable()?;
        write_atomically(&self.manifest(), text.as_bytes())
    }

    /// The seed that `number` stands for: the same each time, for development and tests.
    pub fn seed_from(number: u64) -> Seed {
        Seed::new(keccak256([&b"caduceus development seed "[..], &number.to_be_bytes()].concat()).0)
    }

    /// A new secret seed from the operating system.
    pub fn random_seed() -> Result<Seed> {
        Ok(Seed::new(random()?))
    }

    /// A folder for a home that is removed when the guard is dropped.
    pub fn temporary() -> Result<TempDir> {
        TempDir::with_prefix("caduceus-")
            .map_err(|error| NodeError::file("create a folder in", &std::env::temp_dir(), error))
    }

    /// Opens a home that exists; for reading only where its folder cannot be written.
    pub fn open(dir: &Path) -> Result<Home> {
        let settings = read_settings(dir)?;
        let lock = lock(dir)?;
        Home::enter(dir, settings, lock)
    }

    /// Opens a home that exists for reading only: whatever would change it is refused.
    pub fn open_read_only(dir: &Path) -> Result<Home> {
        Home::enter(dir, read_settings(dir)?, None)
    }

    fn enter(dir: &Path, settings: Settings, lock: Option<File>) -> Result<Home> {
        // Before anything is touched. A vault is looked for when it is used; the outbox can be begun anew.
        for part in settings.parts.iter().filter(|part| !part.starts_with("vaults/")) {
            if part != OUTBOX && is_lost(dir, part) {
                return Err(NodeError::Lost { dir: dir.to_owned(), part: part.clone() });
            }
        }
        let path = dir.join(JOURNAL_FILE);
        let failed = |error| NodeError::journal(&path, error);
        let journal = match lock {
            Some(_) => Journal::Writable(Database::create(&path).map_err(failed)?),
            None => Journal::ReadOnly(ReadOnlyDatabase::open(&path).map_err(failed)?),
        };
        let rpc = settings.rpc.clone();
        let home = Home { dir: dir.to_owned(), settings: Mutex::new(settings), rpc, journal, lock };
        home.keep(JOURNAL_FILE)?;
        Ok(home)
    }

    /// Whether nothing can be written to this home.
    pub fn is_read_only(&self) -> bool {
        self.lock.is_none()
    }

    /// Refuses what would change a home that can only be read.
    pub(crate) fn require_writable(&self) -> Result<()> {
        if self.is_read_only() { Err(NodeError::ReadOnly(self.dir.clone())) } else { Ok(()) }
    }

    /// Opens the part of the home in the file `name`, such as `outbox.redb`, and notes that it is there from now on.
    ///
    /// A part that was there once and is lost is refused, rather than begun anew as if nothing had ever been in it.
    pub(crate) fn part<T>(&self, name: &str, open: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
        if let Some(part) = self.lost_beside(name) {
            return Err(NodeError::Lost { dir: self.dir.clone(), part });
        }
        let opened = open(&self.dir.join(name))?;
        self.keep(name)?;
        Ok(opened)
    }

    /// As [`Home::part`], for the file `name` of a custodian's vault.
    pub(crate) fn vault_part<T>(
        &self,
        custodian: &str,
        name: &str,
        open: impl FnOnce(&Path) -> Result<T>,
    ) -> Result<T> {
        self.part(&format!("vaults/{custodian}/{name}"), open)
    }

    /// Whether a part was there once and is not there, or is empty.
    pub(crate) fn has_lost(&self, name: &str) -> bool {
        self.settings(|settings| settings.parts.contains(name)) && is_lost(&self.dir, name)
    }

    /// The part that was lost of those in the folder of `name`: who opens one file of a vault will need the others.
    fn lost_beside(&self, name: &str) -> Option<String> {
        let folder = name.rsplit_once('/').map(|(folder, _)| folder);
        self.settings(|settings| {
            let beside = |part: &&String| {
                *part == name
                    || folder.is_some() && part.rsplit_once('/').map(|(in_it, _)| in_it) == folder
            };
            settings.parts.iter().filter(beside).find(|part| is_lost(&self.dir, part)).cloned()
        })
    }

    /// Whether the chain once held all contracts of this home.
    pub(crate) fn was_deployed(&self) -> bool {
        self.settings(|settings| settings.deployed)
    }

    /// Notes that the chain holds all contracts of this home.
    pub(crate) fn note_deployed(&self) -> Result<()> {
        self.change(|settings| !std::mem::replace(&mut settings.deployed, true))
    }

    fn keep(&self, part: &str) -> Result<()> {
        self.change(|settings| settings.parts.insert(part.to_owned()))
    }

    fn settings<T>(&self, read: impl FnOnce(&Settings) -> T) -> T {
        read(&self.settings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes the settings if `change` says that it changed them. A home for reading keeps them as they are.
    fn change(&self, change: impl FnOnce(&mut Settings) -> bool) -> Result<()> {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = settings.clone();
        if !change(&mut changed) || self.is_read_only() {
            return Ok(());
        }
        write_atomically(&self.dir.join(SETTINGS), &to_json(&changed))?;
        *settings = changed;
        Ok(())
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The URL of the chain, if it is not the embedded ledger.
    pub fn rpc(&self) -> Option<&str> {
        self.rpc.as_deref()
    }

    /// The secret that the home's keys come from.
    pub(crate) fn seed(&self) -> Result<Seed> {
        read_seed(&self.dir.join(SEED))
    }

    /// The folder of one custodian's vault.
    pub fn vault_dir(&self, custodian: &str) -> PathBuf {
        self.dir.join("vaults").join(custodian)
    }

    /// A file that parties hand each other outside the ledger.
    pub fn exchange_path(&self, name: &str) -> PathBuf {
        self.dir.join("exchange").join(name)
    }

    /// What was recorded under `key`, if anything was.
    pub fn recall<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let read = || -> std::result::Result<Option<Vec<u8>>, redb::Error> {
            let transaction = self.journal.begin_read()?;
            match transaction.open_table(JOURNAL) {
                Ok(table) => Ok(table.get(key)?.map(|value| value.value().to_vec())),
                Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
                Err(error) => Err(error.into()),
            }
        };
        let path = self.dir.join(JOURNAL_FILE);
        let Some(bytes) = read().map_err(|error| NodeError::journal(&path, error))? else {
            return Ok(None);
        };
        let value = serde_json::from_slice(&bytes);
        value
            .map(Some)
            .map_err(|error| NodeError::Damaged { path, what: format!("`{key}`: {error}") })
    }

    /// Records `value` under `key`; it is on disk when this returns.
    pub fn record<T: Serialize>(&self, key: &str, value: &T) -> Result<()> {
        let Journal::Writable(journal) = &self.journal else {
            return Err(NodeError::ReadOnly(self.dir.clone()));
        };
        let bytes = to_json(value);
        let write = || -> std::result::Result<(), redb::Error> {
            let transaction = journal.begin_write()?;
            transaction.open_table(JOURNAL)?.insert(key, bytes.as_slice())?;
            transaction.commit()?;
            Ok(())
        };
        write().map_err(|error| NodeError::journal(&self.dir.join(JOURNAL_FILE), error))
    }
}

impl Journal {
    fn begin_read(&self) -> std::result::Result<ReadTransaction, redb::TransactionError> {
        match self {
            Journal::Writable(journal) => journal.begin_read(),
            Journal::ReadOnly(journal) => journal.begin_read(),
        }
    }
}

/// A file that was there and is not, or is empty where it never was.
fn is_lost(dir: &Path, part: &str) -> bool {
    match fs::metadata(dir.join(part)) {
        Ok(found) => found.len() == 0 && part.ends_with(".redb"),
        Err(error) => matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}

fn without_slash(url: &str) -> &str {
    url.trim_end_matches('/')
}

fn read_settings(dir: &Path) -> Result<Settings> {
    let path = dir.join(SETTINGS);
    let text = fs::read(&path).map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => NodeError::NoHome(dir.to_owned()),
        _ => NodeError::file("read", &path, error),
    })?;
    let settings: Settings = serde_json::from_slice(&text)
        .map_err(|error| NodeError::Damaged { path: path.clone(), what: error.to_string() })?;
    if settings.version != VERSION {
        let what =
            format!("its layout is version {}, this program knows {VERSION}", settings.version);
        return Err(NodeError::Damaged { path, what });
    }
    Ok(settings)
}

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let filled = getrandom::fill(&mut bytes);
    filled.map_err(|error| {
        NodeError::Chain(format!("the operating system gives no random numbers: {error}"))
    })?;
    Ok(bytes)
}

fn parameters_in(dir: &Path) -> Result<Parameters> {
    let path = dir.join(PARAMETERS);
    if path.exists() { Ok(Parameters::read(&path)?.0) } else { Ok(Parameters::default()) }
}

/// Writes a file so that it is there whole or not at all, whenever power fails.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = OpenOptions::new();
    replace_file(path, bytes, options.create(true).truncate(true).write(true))
}

fn replace_file(path: &Path, bytes: &[u8], options: &OpenOptions) -> Result<()> {
    let folder = path.parent().expect("every file of a home lies in a folder");
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let partial = path.with_extension("tmp");
        let mut file = options.open(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|error| NodeError::file("write", path, error))
}

/// Takes the home for this process. `None` where the folder does not let anybody write: nobody can change the home then,
/// and it may be read.
fn lock(dir: &Path) -> Result<Option<File>> {
    let path = dir.join("lock");
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = match open {
        Err(error) if forbids_writing(&error) => return Ok(None),
        opened => opened.map_err(|error| NodeError::file("open", &path, error))?,
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(NodeError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(NodeError::file("lock", &path, error)),
    }
}

fn forbids_writing(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

fn read_seed(path: &Path) -> Result<Seed> {
    let text = fs::read_to_string(path).map_err(|error| NodeError::file("read", path, error))?;
    let damaged = || NodeError::Damaged {
        path: path.to_owned(),
        what: "it holds no seed of 64 hex digits".into(),
    };
    let bytes: [u8; 32] = hex::decode(text.trim())
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(damaged)?;
    Ok(Seed::new(bytes))
}

/// Writes what only its owner may read into a file that must not be there yet.
pub(crate) fn write_new_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    if path.exists() {
        let what = format!("{} is there already", path.display());
        return Err(NodeError::not_ready(what, "name another file, so that no key is overwritten"));
    }
    replace_secret(path, bytes)
}

/// Writes what only its owner may read, whole or not at all, wherever the caller's path leads.
pub(crate) fn replace_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    let whole = std::path::absolute(path).map_err(|error| NodeError::file("write", path, error))?;
    write_secret(&whole, bytes)
}

/// Writes a file that only its owner can read.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    replace_file(path, bytes, &options)
}

fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("the node's own records have only string keys")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

    use super::*;

    fn seed() -> Option<Seed> {
        Some(Home::seed_from(1))
    }

    fn names(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => files.extend(names(&path)),
                false => files.push((path.clone(), fs::read(&path).unwrap())),
            }
        }
        files.sort();
        files
    }

    #[test]
    fn a_power_cut_while_a_file_is_replaced_leaves_the_old_one_whole_and_does_not_stop_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("question.json");
        let (old, new) =
            (b"what stood there before".as_slice(), b"what comes in its place".as_slice());
        // The new bytes were written in part, with zeros for blocks that were not, and the rename did not reach the disk.
        for cut in 0..=new.len() {
            for zeros in [0, 512] {
                write_atomically(&path, old).unwrap();
                let mut torn = new[..cut].to_vec();
                torn.resize(cut + zeros, 0);
                fs::write(path.with_extension("tmp"), torn).unwrap();
                assert_eq!(fs::read(&path).unwrap(), old);
                write_atomically(&path, new).unwrap();
                assert_eq!(fs::read(&path).unwrap(), new);
                assert_eq!(names(dir.path()).len(), 1, "nothing is left lying about");
            }
        }
    }

    #[test]
    fn a_part_that_was_lost_is_refused_by_name_and_nothing_takes_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let write = |path: &Path| write_atomically(path, b"content");
        let home = Home::create_or_open(dir.path(), None, seed()).unwrap();
        home.part("ledger/ledger.redb", write).unwrap();
        home.part("vaults/clinic/vault.json", write).unwrap();
        home.record("parties", &["clinic"]).unwrap();
        drop(home);

        fs::remove_dir_all(dir.path().join("vaults")).unwrap();
        let home = Home::open(dir.path()).unwrap();
        let error = home.part("vaults/clinic/vault.json", write).unwrap_err().to_string();
        let folder = dir.path().join("vaults/clinic");
        assert!(error.contains(&format!("restore the folder {}", folder.display())), "{error}");
        home.part("vaults/other/vault.json", write).unwrap();
        drop(home);

        for (part, emptied) in [(LEDGER, false), (JOURNAL_FILE, false), (LEDGER, true)] {
            let path = dir.path().join(part);
            let kept = fs::read(&path).unwrap();
            match emptied {
                true => fs::write(&path, "").unwrap(),
                false => fs::remove_file(&path).unwrap(),
            }
            let before = names(dir.path());
            for refused in [
                Home::open(dir.path()),
                Home::open_read_only(dir.path()),
                Home::create_or_open(dir.path(), None, seed()),
            ] {
                let error = refused.err().unwrap().to_string();
                assert!(error.contains(part) && error.contains("restore"), "{error}");
            }
            assert_eq!(names(dir.path()), before);
            fs::write(&path, kept).unwrap();
        }
        let home = Home::open(dir.path()).unwrap();
        assert_eq!(home.recall::<Vec<String>>("parties").unwrap().unwrap(), ["clinic"]);
    }

    #[test]
    fn lost_settings_do_not_let_new_keys_take_the_place_of_the_old() {
        let dir = tempfile::tempdir().unwrap();
        drop(Home::create_or_open(dir.path(), None, seed()).unwrap());
        fs::remove_file(dir.path().join(SETTINGS)).unwrap();
        let before = names(dir.path());
        let error = Home::create_or_open(dir.path(), None, None).err().unwrap().to_string();
        assert!(error.contains("home.json"), "{error}");
        assert_eq!(names(dir.path()), before);
    }

    #[test]
    fn a_home_keeps_its_seed_and_its_chain() {
        let dir = tempfile::tempdir().unwrap();
        let again = |rpc, seed| Home::create_or_open(dir.path(), rpc, seed).map(drop);
        again(Some("http://127.0.0.1:8545"), seed()).unwrap();
        again(None, None).unwrap();
        again(Some("http://127.0.0.1:8545/"), seed()).unwrap();
        let error = again(None, Some(Home::seed_from(2))).unwrap_err().to_string();
        assert!(error.contains("seed") && error.contains("--dir"), "{error}");
        let error = again(Some("http://127.0.0.1:1"), None).unwrap_err().to_string();
        assert!(error.contains("8545") && error.contains("--rpc"), "{error}");

        let embedded = tempfile::tempdir().unwrap();
        drop(Home::create_or_open(embedded.path(), None, seed()).unwrap());
        let other = Home::create_or_open(embedded.path(), Some("http://127.0.0.1:1"), None);
        let error = other.err().unwrap().to_string();
        assert!(error.contains("embedded") && error.contains("--rpc"), "{error}");
    }

    #[test]
    fn a_home_opened_for_reading_answers_and_changes_not_a_byte() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::create_or_open(dir.path(), None, seed()).unwrap();
        home.record("parties", &["clinic"]).unwrap();
        drop(home);
        let before = names(dir.path());
        let home = Home::open_read_only(dir.path()).unwrap();
        assert!(home.is_read_only());
        assert_eq!(home.recall::<Vec<String>>("parties").unwrap().unwrap(), ["clinic"]);
        let error = home.record("parties", &["other"]).unwrap_err().to_string();
        assert!(error.contains("cannot be written"), "{error}");
        home.note_deployed().unwrap();
        drop(home);
        assert_eq!(names(dir.path()), before);
    }

    #[test]
    fn only_a_lack_of_leave_to_write_opens_a_home_for_reading() {
        let of = |kind: ErrorKind| forbids_writing(&std::io::Error::from(kind));
        assert!(of(ErrorKind::PermissionDenied) && of(ErrorKind::ReadOnlyFilesystem));
        assert!(!of(ErrorKind::StorageFull) && !of(ErrorKind::NotFound));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_cannot_be_written_is_opened_for_reading() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        drop(Home::create_or_open(dir.path(), None, seed()).unwrap());
        fs::remove_file(dir.path().join("lock")).unwrap();
        let allow =
            |mode| fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
        allow(0o555);
        let opened = Home::open(dir.path());
        let everything_allowed = File::create(dir.path().join("probe")).is_ok();
        allow(0o755);
        if everything_allowed {
            eprintln!("skipped: this user may write where nobody may");
            return;
        }
        assert!(opened.unwrap().is_read_only());
    }
}
