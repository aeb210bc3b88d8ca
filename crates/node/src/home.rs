//! The folder in which a node keeps everything: keys, ledger, vaults, questions, and a journal of what is done.
//!
//! ```text
//! DIR/
//!   home.json        which chain this home speaks to, and the version of this layout
//!   lock             held while a process uses the home
//!   keys/seed        the secret from which a development home derives every key
//!   ledger/          the embedded ledger (absent with --rpc)
//!   outbox.redb      transactions, recorded before they are sent
//!   journal.redb     parties, publications, finished steps
//!   vaults/NAME/     one custodian's vault
//!   exchange/        what parties hand each other outside the ledger: questions in, sealed answers out
//! ```

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use alloy::hex;
use alloy::primitives::keccak256;
use caduceus_identity::Seed;
use redb::{Database, ReadableDatabase, TableDefinition};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tempfile::TempDir;

use crate::error::{NodeError, Result};

const VERSION: u32 = 1;
const JOURNAL: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("journal");

/// An opened home: the only process that may write to it.
pub struct Home {
    dir: PathBuf,
    settings: Settings,
    journal: Database,
    _lock: File,
}

/// What is decided once, when a home is made.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Settings {
    version: u32,
    rpc: Option<String>,
}

impl Home {
    /// Makes a home in `dir`, or opens the one that is there.
    ///
    /// A home that speaks to another chain than `rpc` is refused, and so is one that another process has open.
    /// `seed` makes the keys of a new home; a home that exists keeps its own.
    pub fn create_or_open(dir: &Path, rpc: Option<&str>, seed: Seed) -> Result<Home> {
        fs::create_dir_all(dir).map_err(|error| NodeError::file("create", dir, error))?;
        let path = dir.join("home.json");
        if !path.exists() {
            let lock = lock(dir)?;
            let keys = dir.join("keys");
            fs::create_dir_all(&keys).map_err(|error| NodeError::file("create", &keys, error))?;
            write_secret(&keys.join("seed"), hex::encode(seed.expose()).as_bytes())?;
            let settings = Settings { version: VERSION, rpc: rpc.map(str::to_owned) };
            write_atomically(&path, &to_json(&settings))?;
            drop(lock);
        }
        let home = Home::open(dir)?;
        match (rpc, home.rpc()) {
            (Some(asked), kept) if kept != Some(asked) => Err(NodeError::OtherChain {
                dir: dir.to_owned(),
                kept: kept.unwrap_or("the embedded ledger").to_owned(),
                asked: asked.to_owned(),
            }),
            _ => Ok(home),
        }
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

    /// Opens a home that exists.
    pub fn open(dir: &Path) -> Result<Home> {
        let path = dir.join("home.json");
        let text = fs::read(&path).map_err(|_| NodeError::NoHome(dir.to_owned()))?;
        let settings: Settings = serde_json::from_slice(&text)
            .map_err(|error| NodeError::Damaged { path: path.clone(), what: error.to_string() })?;
        if settings.version != VERSION {
            let what =
                format!("its layout is version {}, this program knows {VERSION}", settings.version);
            return Err(NodeError::Damaged { path, what });
        }
        let lock = lock(dir)?;
        let journal_path = dir.join("journal.redb");
        let journal = Database::create(&journal_path)
            .map_err(|error| NodeError::journal(&journal_path, error))?;
        Ok(Home { dir: dir.to_owned(), settings, journal, _lock: lock })
    }

    /// The folder itself.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The URL of the chain, if it is not the embedded ledger.
    pub fn rpc(&self) -> Option<&str> {
        self.settings.rpc.as_deref()
    }

    /// The secret that the home's keys come from.
    pub(crate) fn seed(&self) -> Result<Seed> {
        read_seed(&self.dir.join("keys/seed"))
    }

    /// The folder of the embedded ledger.
    pub fn ledger_dir(&self) -> PathBuf {
        self.dir.join("ledger")
    }

    /// The file of recorded transactions.
    pub fn outbox_path(&self) -> PathBuf {
        self.dir.join("outbox.redb")
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
        let path = self.dir.join("journal.redb");
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
        let bytes = to_json(value);
        let write = || -> std::result::Result<(), redb::Error> {
            let transaction = self.journal.begin_write()?;
            transaction.open_table(JOURNAL)?.insert(key, bytes.as_slice())?;
            transaction.commit()?;
            Ok(())
        };
        write().map_err(|error| NodeError::journal(&self.dir.join("journal.redb"), error))
    }
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

fn lock(dir: &Path) -> Result<File> {
    let path = dir.join("lock");
    let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = open.map_err(|error| NodeError::file("open", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(NodeError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(NodeError::file("lock", &path, error)),
    }
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

/// Writes a file that only its owner can read.
fn write_secret(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    replace_file(path, bytes, &options)
}

fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("the node's own records have only string keys")
}
