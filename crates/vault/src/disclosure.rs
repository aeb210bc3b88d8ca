//! A dataset with its keys, as it is handed to somebody who must look inside: an attestor.
//!
//! What is handed over is exactly what the vault keeps, so that the receiver checks the same bytes by the same names. It
//! opens protected rows; whoever sends it seals it to its reader first.

use std::fmt;

use cid::Cid;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::error::VaultError;
use crate::files;
use crate::keyring::{Keyring, Slot};
use crate::keys::{Entropy, SecretKey};
use crate::manifest;
use crate::vault::Vault;

/// A sealed dataset and the keys that open it. Erased persons stay erased: their keys are not in it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Disclosure {
    /// The dataset's name.
    cid: String,
    /// Every object that it consists of, in hex.
    objects: Vec<String>,
    /// The dataset's key, in hex.
    key: String,
    /// Each person with their key, in hex; the key is empty where it was destroyed.
    people: Vec<(String, String)>,
}

impl fmt::Debug for Disclosure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disclosure").field("cid", &self.cid).finish_non_exhaustive()
    }
}

impl Drop for Disclosure {
    fn drop(&mut self) {
        self.key.zeroize();
        self.people.iter_mut().for_each(|(_, key)| key.zeroize());
    }
}

impl Disclosure {
    /// The name of the dataset that is said to be in it.
    #[must_use]
    pub fn cid(&self) -> &str {
        &self.cid
    }
}

fn broken(what: &str) -> VaultError {
    VaultError::Argument(format!("the dataset that was handed over {what}"))
}

fn key(text: &str) -> Result<SecretKey, VaultError> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| broken("holds a key that is none"))?;
    Ok(SecretKey::from_bytes(bytes))
}

impl Vault {
    /// A dataset with its keys.
    ///
    /// # Errors
    /// As [`Vault::facts`].
    pub fn disclose(&self, cid: &Cid) -> Result<Disclosure, VaultError> {
        let (keys, manifest) = self.manifest(cid)?;
        let mut objects = Vec::new();
        let name = cid.to_string();
        for object in [&name, &manifest.report].into_iter().chain(&manifest.chunks) {
            objects.push(hex::encode(self.object(object)?.1));
        }
        let mut people = Vec::new();
        for (position, entry) in manifest.persons.iter().enumerate() {
            let key = match keys.person(self.wrapping(), position, &entry.pseudonym)? {
                Slot::Key(key) => hex::encode(key.bytes().as_slice()),
                Slot::Erased => String::new(),
            };
            people.push((entry.pseudonym.clone(), key));
        }
        let key = hex::encode(keys.dataset.bytes().as_slice());
        Ok(Disclosure { cid: name, objects, key, people })
    }

    /// Takes in a dataset that another vault handed over, under the names that its bytes have. [`Vault::verify`] then says
    /// whether it is what it is said to be.
    ///
    /// # Errors
    /// [`VaultError::Argument`] where it is not whole, [`VaultError::File`].
    pub fn receive(
        &self,
        disclosure: &Disclosure,
        entropy: &mut dyn Entropy,
    ) -> Result<Cid, VaultError> {
        let cid: Cid = disclosure.cid.parse().map_err(|_| broken("has a name that is no CID"))?;
        let _writing = self.writing();
        for object in &disclosure.objects {
            let bytes =
                hex::decode(object).map_err(|_| broken("holds an object that is no hex"))?;
            let name = manifest::name(&bytes).to_string();
            files::put(&self.objects().join(name), &[&bytes])?;
        }
        let mut keys = Vec::new();
        for (_, text) in &disclosure.people {
            // Who was erased gets a slot to be erased again.
            keys.push(if text.is_empty() { SecretKey::random(entropy) } else { key(text)? });
        }
        let names = disclosure.people.iter().map(|(name, _)| name.as_str());
        let people: Vec<(&str, &SecretKey)> = names.zip(&keys).collect();
        let dataset = key(&disclosure.key)?;
        Keyring::write(&self.key_file(&cid), &cid, self.wrapping(), &dataset, &people, entropy)?;
        let written = Keyring::read(&self.key_file(&cid), &cid, self.wrapping())?;
        for (position, (_, text)) in disclosure.people.iter().enumerate() {
            if text.is_empty() {
                written.erase(position)?;
            }
        }
        Ok(cid)
    }
}
