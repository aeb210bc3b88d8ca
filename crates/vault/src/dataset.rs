//! Sealing datasets and opening them again.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use caduceus_economics::merkle;
use caduceus_records::Tables;
use caduceus_records::schema::DatasetSchema;
use cid::Cid;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::{VaultError, damaged, file};
use crate::files;
use crate::keyring::{Keyring, Slot};
use crate::keys::{Entropy, SecretKey};
use crate::manifest::{self, Manifest, PersonEntry};
use crate::person::{self, Assembler, ByPerson};
use crate::vault::Vault;

/// A chunk is closed when the next record would make it longer than this; a longer record has a chunk of its own.
const CHUNK: usize = 1 << 20;

/// The published facts of a sealed dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The dataset's name: CIDv1, raw, SHA-256 of its sealed manifest.
    pub cid: Cid,
    /// The SHA-256 in the name.
    pub content_hash: [u8; 32],
    /// Merkle root over one salted leaf for each person's rows.
    pub table_commitment: [u8; 32],
    /// SHA-256 of the report that was sealed with it.
    pub report_hash: [u8; 32],
    /// Persons with rows.
    pub persons: u64,
    /// Rows of all tables.
    pub rows: u64,
}

/// The rows of those who may be counted.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Every table of the schema, sorted by pseudonym.
    pub tables: Tables,
    /// The dataset's published description.
    pub schema: DatasetSchema,
    /// Whose rows these are, sorted.
    pub persons: Vec<String>,
    /// Persons whose key was destroyed; asked for or not, their rows cannot be had.
    pub erased: u64,
    /// Persons whom the caller left out.
    pub ineligible: u64,
}

/// What [`Vault::verify`] counted while it found nothing wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Persons whose rows were opened and agree with their leaf.
    pub persons: u64,
    /// Persons whose key was destroyed; their leaf is taken from the manifest.
    pub erased: u64,
    /// Rows of the former.
    pub rows: u64,
    /// Sealed chunks.
    pub chunks: u64,
    /// The root over all leaves, computed anew.
    pub table_commitment: [u8; 32],
}

impl Vault {
    /// Seals tables as a new dataset.
    ///
    /// The tables must follow `schema` to the column. What is stored depends on the arguments alone: the same tables with
    /// the same entropy make the same dataset, and one that is there already stays as it is, erased persons included.
    /// A kill at any moment leaves the dataset whole or absent.
    ///
    /// # Errors
    /// [`VaultError::Schema`] where tables and schema differ, [`VaultError::Argument`] without any person,
    /// [`VaultError::File`] where the disk refuses.
    pub fn seal(
        &self,
        tables: &Tables,
        schema: &DatasetSchema,
        report_json: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Sealed, VaultError> {
        let mut grouped = ByPerson::new(tables, schema)?;
        if grouped.people.is_empty() {
            return Err(VaultError::Argument(
                "a dataset needs the rows of at least one person".to_owned(),
            ));
        }
        let _writing = self.writing();
        self.sweep()?;
        let key = SecretKey::random(entropy);
        let mut chunks = Chunks { vault: self, key: &key, open: Vec::new(), written: Vec::new() };
        let mut persons = Vec::new();
        let mut keys = Vec::new();
        for (pseudonym, rows) in grouped.people.clone() {
            let record = grouped.record(&pseudonym, entropy)?;
            let own = SecretKey::random(entropy);
            let sealed = own.seal(&[b"record", pseudonym.as_bytes()], &record, entropy);
            let (chunk, offset, length) = chunks.add(&sealed, entropy)?;
            persons.push(PersonEntry {
                chunk,
                offset,
                length,
                rows,
                leaf: hex::encode(person::leaf(&record)),
                pseudonym,
            });
            keys.push(own);
        }
        let chunks = chunks.close(entropy)?;
        let report = self.put_object(&key.seal(&[b"report"], report_json, entropy))?;
        let manifest = Manifest {
            version: 1,
            custodian: self.custodian().to_owned(),
            jurisdiction: self.jurisdiction().to_owned(),
            schema: schema.clone(),
            report_hash: hex::encode(Sha256::digest(report_json)),
            report: report.to_string(),
            chunks: chunks.iter().map(Cid::to_string).collect(),
            rows: tables
                .0
                .iter()
                .map(|(name, batch)| (name.clone(), batch.num_rows() as u64))
                .collect(),
            table_commitment: hex::encode(commitment(&persons)?),
            persons,
        };
        let text = serde_json::to_vec(&manifest)
            .map_err(|error| VaultError::Argument(error.to_string()))?;
        let cid = self.put_object(&key.seal(&[b"manifest"], &text, entropy))?;
        files::sync_folder(&self.objects())?;
        if !Keyring::exists(&self.key_file(&cid)) {
            let people: Vec<(&str, &SecretKey)> =
                manifest.persons.iter().map(|entry| entry.pseudonym.as_str()).zip(&keys).collect();
            Keyring::write(&self.key_file(&cid), &cid, self.wrapping(), &key, &people, entropy)?;
        }
        facts(&cid, &manifest)
    }

    /// The datasets that the vault holds, sorted by name.
    ///
    /// # Errors
    /// [`VaultError::File`] and [`VaultError::Damaged`] where the folder of keys cannot be read.
    pub fn datasets(&self) -> Result<Vec<Cid>, VaultError> {
        Keyring::datasets(&self.keys())
    }

    /// The facts that [`Vault::seal`] gave.
    ///
    /// # Errors
    /// [`VaultError::NoDataset`] where there is none of this name, [`VaultError::Damaged`] where it was altered.
    pub fn facts(&self, cid: &Cid) -> Result<Sealed, VaultError> {
        facts(cid, &self.manifest(cid)?.1)
    }

    /// The published description of a dataset.
    ///
    /// # Errors
    /// As [`Vault::facts`].
    pub fn schema(&self, cid: &Cid) -> Result<DatasetSchema, VaultError> {
        Ok(self.manifest(cid)?.1.schema)
    }

    /// The report that was sealed with a dataset, as it was given.
    ///
    /// # Errors
    /// As [`Vault::facts`].
    pub fn report(&self, cid: &Cid) -> Result<Vec<u8>, VaultError> {
        let (keys, manifest) = self.manifest(cid)?;
        let (path, sealed) = self.object(&manifest.report)?;
        let report = keys
            .dataset
            .open(&[b"report"], &sealed)
            .ok_or_else(|| damaged(&path, "its seal is broken"))?;
        if hex::encode(Sha256::digest(report.as_slice())) != manifest.report_hash {
            return Err(damaged(&path, "the report is not the one that was sealed"));
        }
        Ok(report.to_vec())
    }

    /// The persons of a dataset who were not erased, sorted.
    ///
    /// # Errors
    /// As [`Vault::facts`].
    pub fn persons(&self, cid: &Cid) -> Result<Vec<String>, VaultError> {
        Ok(self.contributions(cid)?.into_iter().map(|(person, _)| person).collect())
    }

    /// The persons of a dataset who were not erased, sorted, with the number of their rows.
    ///
    /// # Errors
    /// As [`Vault::facts`].
    pub fn contributions(&self, cid: &Cid) -> Result<Vec<(String, u64)>, VaultError> {
        let (keys, manifest) = self.manifest(cid)?;
        let people = manifest
            .persons
            .into_iter()
            .enumerate()
            .filter(|(position, _)| !keys.is_erased(*position));
        Ok(people.map(|(_, entry)| (entry.pseudonym, entry.rows)).collect())
    }

    /// The persons whom a dataset was sealed with, sorted, those included who were erased since.
    ///
    /// # Errors
    /// As [`Vault::facts`].
    pub fn everybody(&self, cid: &Cid) -> Result<Vec<String>, VaultError> {
        let (_, manifest) = self.manifest(cid)?;
        Ok(manifest.persons.into_iter().map(|entry| entry.pseudonym).collect())
    }

    /// Opens the rows of the persons for whom `eligible` says yes, and nobody else's.
    ///
    /// Every object that is read is checked against its name first.
    ///
    /// # Errors
    /// As [`Vault::facts`].
    pub fn open_dataset(
        &self,
        cid: &Cid,
        eligible: &dyn Fn(&str) -> bool,
    ) -> Result<Opened, VaultError> {
        let (keys, manifest) = self.manifest(cid)?;
        let mut reader = Reader::new(self, &keys, &manifest);
        let mut assembler = Assembler::new(&manifest.schema)?;
        let mut persons = Vec::new();
        let (mut erased, mut ineligible) = (0, 0);
        for (position, entry) in manifest.persons.iter().enumerate() {
            if keys.is_erased(position) {
                erased += 1;
            } else if !eligible(&entry.pseudonym) {
                ineligible += 1;
            } else if let Some(record) = reader.record(position, entry)? {
                let rows = assembler.add(&record);
                rows.ok_or_else(|| {
                    damaged(&self.key_file(cid), "a person's record holds no rows of the schema")
                })?;
                persons.push(entry.pseudonym.clone());
            }
        }
        Ok(Opened {
            tables: assembler.finish()?,
            schema: manifest.schema.clone(),
            persons,
            erased,
            ineligible,
        })
    }

    /// Reads all that a dataset consists of and computes every hash and the table commitment anew.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] with the first file that is not what was written; otherwise as [`Vault::facts`].
    pub fn verify(&self, cid: &Cid) -> Result<Verification, VaultError> {
        let (keys, manifest) = self.manifest(cid)?;
        self.report(cid)?;
        let name = self.objects().join(cid.to_string());
        for chunk in &manifest.chunks {
            self.object(chunk)?;
        }
        let mut reader = Reader::new(self, &keys, &manifest);
        let mut assembler = Assembler::new(&manifest.schema)?;
        let (mut persons, mut erased, mut rows) = (0, 0, 0);
        for (position, entry) in manifest.persons.iter().enumerate() {
            match reader.record(position, entry)? {
                None => erased += 1,
                Some(record) if hex::encode(person::leaf(&record)) != entry.leaf => {
                    return Err(damaged(&name, "a person's rows do not agree with their leaf"));
                }
                Some(record) => {
                    persons += 1;
                    let found = assembler.add(&record).filter(|found| *found == entry.rows);
                    rows += found.ok_or_else(|| {
                        damaged(&name, "a person has not as many rows as is said")
                    })?;
                }
            }
        }
        let table_commitment = commitment(&manifest.persons)?;
        if hex::encode(table_commitment) != manifest.table_commitment {
            return Err(damaged(&name, "the leaves do not give the table commitment"));
        }
        Ok(Verification {
            persons,
            erased,
            rows,
            chunks: manifest.chunks.len() as u64,
            table_commitment,
        })
    }

    /// A dataset's keys and manifest, the manifest checked against the dataset's name.
    pub(crate) fn manifest(&self, cid: &Cid) -> Result<(Keyring, Manifest), VaultError> {
        let keys = Keyring::read(&self.key_file(cid), cid, self.wrapping())?;
        let (path, sealed) = self.object(&cid.to_string())?;
        let text = keys
            .dataset
            .open(&[b"manifest"], &sealed)
            .ok_or_else(|| damaged(&path, "its seal is broken"))?;
        let manifest: Manifest = serde_json::from_slice(&text)
            .map_err(|_| damaged(&path, "it is no manifest that this version knows"))?;
        if keys.len() != manifest.persons.len() {
            return Err(damaged(
                &self.key_file(cid),
                "it has not as many keys as the dataset has persons",
            ));
        }
        Ok((keys, manifest))
    }

    /// An object, checked against its name.
    pub(crate) fn object(&self, name: &str) -> Result<(PathBuf, Vec<u8>), VaultError> {
        let path = self.objects().join(name);
        let bytes = files::read(&path)?.ok_or_else(|| damaged(&path, "it is missing"))?;
        if manifest::name(&bytes).to_string() != name {
            return Err(damaged(&path, "its bytes do not have the hash that is its name"));
        }
        Ok((path, bytes))
    }

    fn put_object(&self, bytes: &[u8]) -> Result<Cid, VaultError> {
        let cid = manifest::name(bytes);
        files::put(&self.objects().join(cid.to_string()), &[bytes])?;
        Ok(cid)
    }

    /// Removes objects of no dataset, as a sealing that was killed leaves them. While a dataset cannot be read, nothing
    /// is removed: it may be restored.
    fn sweep(&self) -> Result<(), VaultError> {
        let mut needed = HashSet::new();
        for cid in self.datasets()? {
            let Ok((_, manifest)) = self.manifest(&cid) else { return Ok(()) };
            needed.insert(cid.to_string());
            needed.insert(manifest.report);
            needed.extend(manifest.chunks);
        }
        for name in files::names(&self.objects())? {
            if !needed.contains(&name) {
                let path = self.objects().join(name);
                fs::remove_file(&path).map_err(file("remove", &path))?;
            }
        }
        Ok(())
    }
}

fn facts(cid: &Cid, manifest: &Manifest) -> Result<Sealed, VaultError> {
    let bytes = |text: &str| {
        let mut out = [0; 32];
        let read = hex::decode_to_slice(text, &mut out);
        read.map(|()| out).map_err(|_| {
            VaultError::Argument(format!("the manifest of {cid} holds a hash that is none"))
        })
    };
    Ok(Sealed {
        cid: *cid,
        content_hash: manifest::digest(cid)
            .ok_or_else(|| VaultError::NoDataset(cid.to_string()))?,
        table_commitment: bytes(&manifest.table_commitment)?,
        report_hash: bytes(&manifest.report_hash)?,
        persons: manifest.persons.len() as u64,
        rows: manifest.rows.values().sum(),
    })
}

/// The Merkle root over the persons' leaves.
fn commitment(persons: &[PersonEntry]) -> Result<[u8; 32], VaultError> {
    let mut leaves = Vec::with_capacity(persons.len());
    for entry in persons {
        let mut leaf = [0; 32];
        let read = hex::decode_to_slice(&entry.leaf, &mut leaf);
        read.map_err(|_| {
            VaultError::Argument("the manifest holds a leaf that is no hash".to_owned())
        })?;
        leaves.push(leaf.into());
    }
    let root = merkle::root(&leaves).map_err(|error| VaultError::Argument(error.to_string()))?;
    Ok(root.0)
}

/// Chunks as they fill.
struct Chunks<'a> {
    vault: &'a Vault,
    key: &'a SecretKey,
    open: Vec<u8>,
    written: Vec<Cid>,
}

impl Chunks<'_> {
    /// Appends a sealed record and says where it is: chunk, offset, length.
    fn add(
        &mut self,
        sealed: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<(u32, u32, u32), VaultError> {
        if !self.open.is_empty() && self.open.len() + sealed.len() > CHUNK {
            self.flush(entropy)?;
        }
        let number = |n: usize| {
            u32::try_from(n)
                .map_err(|_| VaultError::Argument("the dataset is too large".to_owned()))
        };
        let place = (number(self.written.len())?, number(self.open.len())?, number(sealed.len())?);
        self.open.extend_from_slice(sealed);
        Ok(place)
    }

    fn close(mut self, entropy: &mut dyn Entropy) -> Result<Vec<Cid>, VaultError> {
        self.flush(entropy)?;
        Ok(self.written)
    }

    fn flush(&mut self, entropy: &mut dyn Entropy) -> Result<(), VaultError> {
        let sealed = self.key.seal(&[b"chunk"], &self.open, entropy);
        self.written.push(self.vault.put_object(&sealed)?);
        self.open.clear();
        Ok(())
    }
}

/// Reads persons' records one after the other and keeps the chunk that it is in.
struct Reader<'a> {
    vault: &'a Vault,
    keys: &'a Keyring,
    manifest: &'a Manifest,
    chunk: Option<(u32, PathBuf, Zeroizing<Vec<u8>>)>,
}

impl<'a> Reader<'a> {
    fn new(vault: &'a Vault, keys: &'a Keyring, manifest: &'a Manifest) -> Reader<'a> {
        Reader { vault, keys, manifest, chunk: None }
    }

    /// The record of a person, `None` if their key was destroyed.
    fn record(
        &mut self,
        position: usize,
        entry: &PersonEntry,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let key = match self.keys.person(self.vault.wrapping(), position, &entry.pseudonym)? {
            Slot::Erased => return Ok(None),
            Slot::Key(key) => key,
        };
        if self.chunk.as_ref().is_none_or(|(number, ..)| *number != entry.chunk) {
            self.chunk = Some(self.read(entry.chunk)?);
        }
        let Some((_, path, chunk)) = &self.chunk else { return Ok(None) };
        let start = entry.offset as usize;
        let sealed = chunk.get(start..start + entry.length as usize);
        let record =
            sealed.and_then(|sealed| key.open(&[b"record", entry.pseudonym.as_bytes()], sealed));
        record.map(Some).ok_or_else(|| damaged(path, "the seal of a record in it is broken"))
    }

    fn read(&self, number: u32) -> Result<(u32, PathBuf, Zeroizing<Vec<u8>>), VaultError> {
        let name = self.manifest.chunks.get(number as usize);
        let name = name.ok_or_else(|| {
            damaged(&self.vault.objects(), "a manifest names a chunk that it does not have")
        })?;
        let (path, sealed) = self.vault.object(name)?;
        let chunk = self
            .keys
            .dataset
            .open(&[b"chunk"], &sealed)
            .ok_or_else(|| damaged(&path, "its seal is broken"))?;
        Ok((number, path, chunk))
    }
}
