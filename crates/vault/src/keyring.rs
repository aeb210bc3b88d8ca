//! The key file of a dataset: a head, the dataset's key, then one slot of fixed size for each person, all wrapped.
//!
//! Slots stand in the order of the manifest's persons, so that one person can be erased in place: their slot becomes
//! zeros, and no other byte of the file changes.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use cid::Cid;

use crate::error::{VaultError, damaged, file};
use crate::files;
use crate::keys::{Entropy, SecretKey, WRAPPED};

const MAGIC: &[u8; 8] = b"CADKEYS1";
const ERASED: [u8; WRAPPED] = [0; WRAPPED];

/// The keys of one dataset, as read from their file.
pub(crate) struct Keyring {
    path: PathBuf,
    cid: Vec<u8>,
    pub(crate) dataset: SecretKey,
    slots: Vec<[u8; WRAPPED]>,
}

/// What a slot holds.
pub(crate) enum Slot {
    Key(SecretKey),
    Erased,
}

impl Keyring {
    /// Writes the file. From then on the dataset exists.
    pub(crate) fn write(
        path: &Path,
        cid: &Cid,
        wrapping: &SecretKey,
        dataset: &SecretKey,
        people: &[(&str, &SecretKey)],
        entropy: &mut dyn Entropy,
    ) -> Result<(), VaultError> {
        let cid = cid.to_bytes();
        let mut bytes = MAGIC.to_vec();
        bytes.extend(wrapping.wrap(&[b"dataset key", &cid], dataset, entropy));
        for (person, key) in people {
            bytes.extend(wrapping.wrap(&[b"person key", &cid, person.as_bytes()], key, entropy));
        }
        files::put_durably(path, &[&bytes])
    }

    pub(crate) fn read(
        path: &Path,
        cid: &Cid,
        wrapping: &SecretKey,
    ) -> Result<Keyring, VaultError> {
        let bytes = files::read(path)?.ok_or_else(|| VaultError::NoDataset(cid.to_string()))?;
        let body = bytes
            .strip_prefix(MAGIC)
            .ok_or_else(|| damaged(path, "it does not begin as a key file"))?;
        let (slots, rest) = body.as_chunks::<WRAPPED>();
        let cid = cid.to_bytes();
        let dataset =
            slots.first().and_then(|slot| wrapping.unwrap_key(&[b"dataset key", &cid], slot));
        let dataset = dataset
            .filter(|_| rest.is_empty())
            .ok_or_else(|| damaged(path, "its first key is broken"))?;
        Ok(Keyring { path: path.to_owned(), cid, dataset, slots: slots[1..].to_vec() })
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn is_erased(&self, position: usize) -> bool {
        self.slots.get(position).is_some_and(|slot| *slot == ERASED)
    }

    pub(crate) fn person(
        &self,
        wrapping: &SecretKey,
        position: usize,
        person: &str,
    ) -> Result<Slot, VaultError> {
        let slot =
            self.slots.get(position).ok_or_else(|| damaged(&self.path, "it has too few keys"))?;
        if *slot == ERASED {
            return Ok(Slot::Erased);
        }
        let key = wrapping.unwrap_key(&[b"person key", &self.cid, person.as_bytes()], slot);
        key.map(Slot::Key).ok_or_else(|| {
            damaged(&self.path, format!("key {} of {} is broken", position + 1, self.len()))
        })
    }

    /// Overwrites a person's slot and makes sure that it is overwritten on the disk.
    pub(crate) fn erase(&self, position: usize) -> Result<(), VaultError> {
        let offset = (MAGIC.len() + WRAPPED * (position + 1)) as u64;
        let mut keys =
            OpenOptions::new().write(true).open(&self.path).map_err(file("open", &self.path))?;
        let erased = keys
            .seek(SeekFrom::Start(offset))
            .and_then(|_| keys.write_all(&ERASED))
            .and_then(|()| keys.sync_all());
        erased.map_err(file("overwrite a key in", &self.path))
    }

    /// The datasets whose key files are in a folder.
    pub(crate) fn datasets(folder: &Path) -> Result<Vec<Cid>, VaultError> {
        let parse = |name: String| {
            name.parse().map_err(|_| damaged(&folder.join(&name), "its name is no CID"))
        };
        files::names(folder)?.into_iter().map(parse).collect()
    }

    pub(crate) fn exists(path: &Path) -> bool {
        fs::exists(path).unwrap_or(false)
    }
}
