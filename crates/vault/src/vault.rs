//! The vault as a folder: creating and opening it, staging, the register of consent, erasure.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use caduceus_records::Tables;
use cid::Cid;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::consents::Receipt;
use crate::error::{VaultError, damaged, file};
use crate::files;
use crate::keys::{Entropy, MasterKey, SecretKey};
use crate::person;
use crate::sealed_file;

const VERSION: u32 = 1;
const SETTINGS: &str = "vault.json";
const FOLDERS: [&str; 5] = ["objects", "keys", "staging", "documents", "erasing"];
/// The column by which raw tables say whose row it is.
const PERSON_COLUMN: &str = "patient";

/// What a vault is created with. Both are bound to the master key and cannot be changed afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultConfig {
    /// Name of the custodian, as published.
    pub custodian: String,
    /// Where the data is, ISO 3166-1 alpha-2.
    pub jurisdiction: String,
}

/// An open vault: the only process that may use it. Has no `Debug`, since it holds keys.
pub struct Vault {
    dir: PathBuf,
    config: VaultConfig,
    master: MasterKey,
    wrapping: SecretKey,
    staging: SecretKey,
    writing: Mutex<()>,
    _lock: File,
}

/// What an erasure destroyed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erasure {
    /// Datasets in which the person's key was overwritten.
    pub datasets: u64,
    /// Rows that left staging.
    pub staged_rows: u64,
    /// Receipts of the register of consent in whose place there is only the erasure now: 1, or 0 the second time.
    pub receipts: u64,
}

#[derive(Serialize, Deserialize)]
struct Settings {
    version: u32,
    custodian: String,
    jurisdiction: String,
    /// Shows whether a key is the one, and whether the lines above were altered.
    #[serde(with = "hex::serde")]
    check: [u8; 32],
}

impl Vault {
    /// Makes a vault in a folder, which is made if need be.
    ///
    /// # Errors
    /// [`VaultError::AlreadyThere`], [`VaultError::Argument`] for a name or country that is none, [`VaultError::File`].
    pub fn create(
        dir: &Path,
        config: &VaultConfig,
        master: MasterKey,
        entropy: &mut dyn Entropy,
    ) -> Result<Vault, VaultError> {
        let country = config.jurisdiction.len() == 2
            && config.jurisdiction.bytes().all(|b| b.is_ascii_uppercase());
        if !country {
            return Err(VaultError::Argument(
                "the jurisdiction must be two capital letters, such as DE".to_owned(),
            ));
        }
        if config.custodian.trim().is_empty() || config.custodian.len() > 200 {
            return Err(VaultError::Argument(
                "the custodian needs a name of at most 200 bytes".to_owned(),
            ));
        }
        fs::create_dir_all(dir).map_err(file("create", dir))?;
        let lock = lock(dir)?;
        let path = dir.join(SETTINGS);
        if path.exists() {
            return Err(VaultError::AlreadyThere(dir.to_owned()));
        }
        let settings = Settings {
            version: VERSION,
            custodian: config.custodian.clone(),
            jurisdiction: config.jurisdiction.clone(),
            check: master.check(&bound(config)),
        };
        let text = serde_json::to_vec_pretty(&settings)
            .map_err(|error| VaultError::Argument(error.to_string()))?;
        let vault = Vault::enter(dir, config.clone(), master, lock)?;
        // An empty register from the beginning: one that is not there was lost.
        vault.write_consents(&[], entropy)?;
        files::put_durably(&path, &[&text, b"\n"])?;
        Ok(vault)
    }

    /// Opens the vault in a folder and clears away what a kill has left.
    ///
    /// # Errors
    /// [`VaultError::NotAVault`], [`VaultError::InUse`], [`VaultError::WrongKey`], [`VaultError::Damaged`],
    /// [`VaultError::File`].
    pub fn open(dir: &Path, master: MasterKey) -> Result<Vault, VaultError> {
        let path = dir.join(SETTINGS);
        let text = files::read(&path)?.ok_or_else(|| VaultError::NotAVault(dir.to_owned()))?;
        let settings: Settings = serde_json::from_slice(&text)
            .map_err(|_| damaged(&path, "it does not hold the settings of a vault"))?;
        if settings.version != VERSION {
            return Err(damaged(
                &path,
                format!("its version is {}, this program knows {VERSION}", settings.version),
            ));
        }
        let config =
            VaultConfig { custodian: settings.custodian, jurisdiction: settings.jurisdiction };
        if master.check(&bound(&config)) != settings.check {
            return Err(VaultError::WrongKey(dir.to_owned()));
        }
        let lock = lock(dir)?;
        Vault::enter(dir, config, master, lock)
    }

    fn enter(
        dir: &Path,
        config: VaultConfig,
        master: MasterKey,
        lock: File,
    ) -> Result<Vault, VaultError> {
        for folder in FOLDERS.map(|name| dir.join(name)) {
            fs::create_dir_all(&folder).map_err(file("create", &folder))?;
        }
        for folder in FOLDERS.map(|name| dir.join(name)).iter().chain([&dir.to_owned()]) {
            files::remove_temporary(folder)?;
            sealed_file::finish(folder)?;
        }
        let (wrapping, staging) = (master.derive("key wrapping"), master.derive("staging"));
        Ok(Vault {
            dir: dir.to_owned(),
            config,
            master,
            wrapping,
            staging,
            writing: Mutex::new(()),
            _lock: lock,
        })
    }

    /// Name of the custodian.
    pub fn custodian(&self) -> &str {
        &self.config.custodian
    }

    /// Where the data is, ISO 3166-1 alpha-2.
    pub fn jurisdiction(&self) -> &str {
        &self.config.jurisdiction
    }

    /// The key from which this custodian's pseudonyms are made.
    pub fn pseudonym_key(&self) -> Zeroizing<[u8; 32]> {
        self.master.derive("pseudonyms").bytes()
    }

    /// Where the vault's log belongs; [`crate::audit::AuditLog::open`] opens it.
    pub fn audit_path(&self) -> PathBuf {
        self.dir.join("audit.jsonl")
    }

    /// Stages tables under a name, in place of what was there.
    ///
    /// # Errors
    /// [`VaultError::Argument`] for a name that is none, [`VaultError::File`].
    pub fn put_staging(
        &self,
        name: &str,
        tables: &Tables,
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let path = self.slot("staging", name)?;
        let _writing = self.writing();
        let text = person::encode_tables(tables)?;
        sealed_file::write(&path, &self.staging, &format!("staging/{name}"), &text, entropy)
    }

    /// The tables that are staged under a name, if any.
    ///
    /// # Errors
    /// [`VaultError::Argument`] for a name that is none, [`VaultError::Damaged`], [`VaultError::File`].
    pub fn staging(&self, name: &str) -> Result<Option<Tables>, VaultError> {
        let path = self.slot("staging", name)?;
        let Some(text) = sealed_file::read(&path, &self.staging, &format!("staging/{name}"))?
        else {
            return Ok(None);
        };
        person::decode_tables(&text)
            .map(Some)
            .ok_or_else(|| damaged(&path, "it does not hold tables"))
    }

    /// Removes what is staged under a name and makes it unreadable. Says whether there was anything.
    ///
    /// # Errors
    /// [`VaultError::Argument`] for a name that is none, [`VaultError::File`].
    pub fn remove_staging(&self, name: &str) -> Result<bool, VaultError> {
        let path = self.slot("staging", name)?;
        let _writing = self.writing();
        sealed_file::remove(&path)
    }

    /// The names under which tables are staged, sorted.
    ///
    /// # Errors
    /// [`VaultError::File`].
    pub fn staged(&self) -> Result<Vec<String>, VaultError> {
        files::names(&self.dir.join("staging"))
    }

    /// Keeps a small document, such as a schema or a report, sealed. It must not hold rows: erasure does not look into it.
    ///
    /// # Errors
    /// [`VaultError::Argument`] for a name that is none, [`VaultError::File`].
    pub fn put_document(
        &self,
        name: &str,
        text: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let path = self.slot("documents", name)?;
        let _writing = self.writing();
        sealed_file::write(&path, &self.staging, &format!("documents/{name}"), text, entropy)
    }

    /// A document that was kept, if there is one of this name.
    ///
    /// # Errors
    /// [`VaultError::Argument`] for a name that is none, [`VaultError::Damaged`], [`VaultError::File`].
    pub fn document(&self, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
        let path = self.slot("documents", name)?;
        let text = sealed_file::read(&path, &self.staging, &format!("documents/{name}"))?;
        Ok(text.map(|text| text.to_vec()))
    }

    /// Replaces the register of consent. Who was erased stays erased, whatever `receipts` say of them.
    ///
    /// # Errors
    /// [`VaultError::Argument`] where two receipts are of one person or a pseudonym is none, [`VaultError::File`].
    pub fn set_consents(
        &self,
        receipts: &[Receipt],
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let mut receipts = receipts.to_vec();
        receipts.sort_by(|a, b| a.pseudonym.cmp(&b.pseudonym));
        receipts.iter().try_for_each(|receipt| person::check_pseudonym(&receipt.pseudonym))?;
        if receipts.windows(2).any(|pair| pair[0].pseudonym == pair[1].pseudonym) {
            return Err(VaultError::Argument(
                "two receipts are of one person; give the later one".to_owned(),
            ));
        }
        let _writing = self.writing();
        for erased in self.consents()?.into_iter().filter(|receipt| receipt.erased) {
            match receipts.binary_search_by(|receipt| receipt.pseudonym.cmp(&erased.pseudonym)) {
                Ok(at) => receipts[at] = erased,
                Err(at) => receipts.insert(at, erased),
            }
        }
        self.write_consents(&receipts, entropy)
    }

    /// The register of consent, sorted by pseudonym.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], also where it is lost, [`VaultError::File`].
    pub fn consents(&self) -> Result<Vec<Receipt>, VaultError> {
        let path = self.dir.join("consents");
        let Some(text) = sealed_file::read(&path, &self.staging, "consents")? else {
            return Err(damaged(&path, "the register of consent is lost"));
        };
        serde_json::from_slice(&text).map_err(|_| damaged(&path, "it does not hold receipts"))
    }

    /// Turns a person's receipt into a refusal that was made at `moment` (seconds since 1970), or later if it was before. Says
    /// whether there is a receipt.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], [`VaultError::File`].
    pub fn withdraw(
        &self,
        pseudonym: &str,
        moment: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<bool, VaultError> {
        let _writing = self.writing();
        let mut receipts = self.consents()?;
        let Some(receipt) = receipts.iter_mut().find(|receipt| receipt.pseudonym == pseudonym)
        else {
            return Ok(false);
        };
        receipt.permit = false;
        receipt.withdrawn = receipt.withdrawn.max(Some(moment));
        self.write_consents(&receipts, entropy)?;
        Ok(true)
    }

    fn write_consents(
        &self,
        receipts: &[Receipt],
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let text = serde_json::to_vec(receipts)
            .map_err(|error| VaultError::Argument(error.to_string()))?;
        let text = Zeroizing::new(text);
        sealed_file::write(&self.dir.join("consents"), &self.staging, "consents", &text, entropy)
    }

    /// Destroys a person's keys in every dataset, takes their rows out of staging, and leaves of their receipt only that
    /// they were erased ([`Receipt::erased`]), so that no later intake brings them back. No stored byte can be turned into their rows afterwards, copies of the objects included; copies of the
    /// key files must not be kept longer than a custodian is willing to wait for an erasure.
    ///
    /// `pseudonym_of` gives the pseudonym of a resource id, as staged tables have ids. An erasure that a kill interrupts
    /// stays in [`Vault::unfinished_erasures`]; repeating it is harmless.
    ///
    /// # Errors
    /// [`VaultError::Argument`] for a pseudonym that is none, [`VaultError::Damaged`], [`VaultError::File`].
    pub fn erase_person(
        &self,
        pseudonym: &str,
        pseudonym_of: &dyn Fn(&str) -> String,
        entropy: &mut dyn Entropy,
    ) -> Result<Erasure, VaultError> {
        person::check_pseudonym(pseudonym)?;
        let _writing = self.writing();
        let begun = self.dir.join("erasing").join(pseudonym);
        files::put_durably(&begun, &[])?;
        let erasure = Erasure {
            datasets: self.erase_keys(pseudonym)?,
            staged_rows: self.erase_staging(pseudonym, pseudonym_of, entropy)?,
            receipts: self.erase_receipts(pseudonym, entropy)?,
        };
        fs::remove_file(&begun).map_err(file("remove", &begun))?;
        files::sync_folder(&self.dir.join("erasing"))?;
        Ok(erasure)
    }

    /// The persons whose erasure was begun and not finished; call [`Vault::erase_person`] for them again.
    ///
    /// # Errors
    /// [`VaultError::File`].
    pub fn unfinished_erasures(&self) -> Result<Vec<String>, VaultError> {
        files::names(&self.dir.join("erasing"))
    }

    fn erase_keys(&self, pseudonym: &str) -> Result<u64, VaultError> {
        let mut erased = 0;
        for cid in self.datasets()? {
            let (keys, manifest) = self.manifest(&cid)?;
            let position = manifest.persons.iter().position(|entry| entry.pseudonym == pseudonym);
            if let Some(position) = position.filter(|&position| !keys.is_erased(position)) {
                keys.erase(position)?;
                erased += 1;
            }
        }
        Ok(erased)
    }

    fn erase_staging(
        &self,
        pseudonym: &str,
        pseudonym_of: &dyn Fn(&str) -> String,
        entropy: &mut dyn Entropy,
    ) -> Result<u64, VaultError> {
        let theirs = |id: &str| id == pseudonym || pseudonym_of(id) == pseudonym;
        let mut removed = 0;
        for name in self.staged()? {
            let mut tables = self.staging(&name)?.unwrap_or_default();
            let before = tables.rows();
            for batch in tables.0.values_mut() {
                *batch = person::without(batch, PERSON_COLUMN, &theirs)?;
            }
            if tables.rows() < before {
                removed += (before - tables.rows()) as u64;
                let text = person::encode_tables(&tables)?;
                let path = self.slot("staging", &name)?;
                sealed_file::write(
                    &path,
                    &self.staging,
                    &format!("staging/{name}"),
                    &text,
                    entropy,
                )?;
            }
        }
        Ok(removed)
    }

    fn erase_receipts(
        &self,
        pseudonym: &str,
        entropy: &mut dyn Entropy,
    ) -> Result<u64, VaultError> {
        let mut receipts = self.consents()?;
        let erasure = Receipt::erasure(pseudonym);
        if receipts.contains(&erasure) {
            return Ok(0);
        }
        receipts.retain(|receipt| receipt.pseudonym != pseudonym);
        receipts.push(erasure);
        receipts.sort_by(|a, b| a.pseudonym.cmp(&b.pseudonym));
        self.write_consents(&receipts, entropy)?;
        Ok(1)
    }

    pub(crate) fn writing(&self) -> MutexGuard<'_, ()> {
        // The guarded value is empty: a panic elsewhere cannot have left it in a bad state.
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wrapping(&self) -> &SecretKey {
        &self.wrapping
    }

    pub(crate) fn objects(&self) -> PathBuf {
        self.dir.join("objects")
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.dir.join("keys")
    }

    pub(crate) fn key_file(&self, cid: &Cid) -> PathBuf {
        self.keys().join(cid.to_string())
    }

    fn slot(&self, folder: &str, name: &str) -> Result<PathBuf, VaultError> {
        let word = name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte)
        });
        if word && !name.is_empty() && name.len() <= 64 {
            return Ok(self.dir.join(folder).join(name));
        }
        Err(VaultError::Argument(
            "a name has 1 to 64 lower-case letters, digits, - and _".to_owned(),
        ))
    }
}

/// What the check value binds to the key.
fn bound(config: &VaultConfig) -> Vec<u8> {
    format!("{VERSION}\n{}\n{}", config.jurisdiction, config.custodian).into_bytes()
}

fn lock(dir: &Path) -> Result<File, VaultError> {
    let path = dir.join("lock");
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(file("open", &path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(VaultError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(file("lock", &path)(error)),
    }
}
