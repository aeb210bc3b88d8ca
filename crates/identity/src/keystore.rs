//! A secret key in a file, sealed with a password.
//!
//! For secp256k1 the file is Web3 Secret Storage, version 3, as wallets and nodes of Ethereum read and write it: scrypt
//! (RFC 7914) or PBKDF2-HMAC-SHA256 (RFC 8018) turn the password into 32 bytes; AES-128-CTR under the first half
//! encrypts the key; keccak-256 over the second half and the ciphertext is the MAC.
//!
//! There is no such standard for Ed25519. Such a key takes the same envelope with `"type": "ed25519"`, and its MAC
//! covers that word as well: a program that knows only version 3, and would take the bytes for an account's key, finds
//! the password to be wrong instead.
//!
//! What a file may ask of the reader is bounded: [`MAX_MEMORY`], [`MAX_WORK`], [`MAX_R`] and [`MAX_ROUNDS`].

mod crypt;
mod envelope;

use alloy::primitives::Address;
use serde::Serialize as _;
use zeroize::Zeroizing;

use crate::did::Did;
use crate::signing::{KeyKind, SecretKey};
use crate::uuid_v4;
use envelope::{Cipher, Crypto, Envelope, Kdf, ScryptParams};

/// The most memory that a file may make its reader take, in bytes (scrypt takes `128 · r · (N + p + 2)`: RFC 7914,
/// sections 4 to 6).
pub const MAX_MEMORY: u64 = 512 << 20;
/// The most work that a file may make its reader do, in `N · r · p` of scrypt: four times what geth writes by default.
pub const MAX_WORK: u64 = 4 * 262_144 * 8;
/// The largest `r` of scrypt that a file may ask for; everybody writes 1 or 8.
pub const MAX_R: u32 = 64;
/// The most rounds of PBKDF2 that a file may ask for.
pub const MAX_ROUNDS: u32 = 10_000_000;
/// The longest file that is read, in bytes.
pub const MAX_BYTES: usize = 16 << 10;

/// The word under `type`, and behind the ciphertext in the MAC, that marks an Ed25519 key.
const ED25519: &str = "ed25519";

/// Why a keystore cannot be read or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeystoreError {
    /// The text is not such a file.
    #[error("this is not a keystore of version 3 (Web3 Secret Storage): {0}")]
    Malformed(String),
    /// A part that is not supported.
    #[error(
        "this keystore uses {0}, which is not supported: export the key anew with scrypt and aes-128-ctr"
    )]
    Unsupported(String),
    /// The cost of opening is out of bounds.
    #[error(
        "this keystore asks for {0}, which no honest program writes: it was altered or made to exhaust its reader"
    )]
    Absurd(String),
    /// The MAC does not fit.
    #[error("the keystore does not open: the password is wrong, or the file was altered")]
    DoesNotOpen,
    /// The key is not the one that the file names.
    #[error("the keystore holds another key than it names: the file was altered")]
    OtherKey,
}

/// How much work it takes to try one password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    log_n: u8,
    r: u32,
    p: u32,
}

impl Cost {
    /// N = 2^18, r = 8, p = 1: 256 MiB and about a second, the default of geth.
    pub const STANDARD: Cost = Cost { log_n: 18, r: 8, p: 1 };
    /// N = 2^12, r = 8, p = 6: 4 MiB, for machines that have no more. A short password falls to it.
    pub const LIGHT: Cost = Cost { log_n: 12, r: 8, p: 6 };
}

/// 64 fresh random bytes for one file: salt, IV and identifier. They serve once and are no secret afterwards.
pub struct Freshness([u8; 64]);

impl Freshness {
    /// Takes bytes from the system's random generator.
    #[must_use]
    pub fn new(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    fn part<const N: usize>(&self, at: usize) -> [u8; N] {
        let part = self.0[at..].first_chunk();
        *part.expect("the three parts of 32, 16 and 16 bytes fill the 64")
    }
}

/// A sealed key, as its file says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Keystore(Envelope);

impl Keystore {
    /// Reads the text of a file. Nothing is decrypted yet, but what it will cost is known to be bearable.
    ///
    /// # Errors
    /// [`KeystoreError::Malformed`], [`KeystoreError::Unsupported`] or [`KeystoreError::Absurd`].
    pub fn read(text: &str) -> Result<Self, KeystoreError> {
        if text.len() > MAX_BYTES {
            return Err(KeystoreError::Malformed(format!("it is longer than {MAX_BYTES} bytes")));
        }
        let envelope: Envelope = serde_json::from_str(text)
            .map_err(|error| KeystoreError::Malformed(position(&error)))?;
        if envelope.version != 3 {
            let what = format!("its version is {}", envelope.version);
            return Err(KeystoreError::Malformed(what));
        }
        if envelope.kind.as_deref().is_some_and(|kind| kind != ED25519) {
            return Err(KeystoreError::Unsupported("another type of key than ed25519".into()));
        }
        envelope.crypto.check()?;
        Ok(Self(envelope))
    }

    /// Seals `key` with `password` at the given cost.
    #[must_use]
    pub fn seal(key: &SecretKey, password: &[u8], cost: Cost, fresh: &Freshness) -> Self {
        let (salt, iv, id): ([u8; 32], [u8; 16], [u8; 16]) =
            (fresh.part(0), fresh.part(32), fresh.part(48));
        let params = ScryptParams {
            dklen: 32,
            n: 1 << cost.log_n,
            r: cost.r,
            p: cost.p,
            salt: hex::encode(salt),
        };
        let derived = crypt::scrypt(password, &salt, &params).expect("the costs above are valid");
        let mut ciphertext = *key.expose();
        crypt::aes_128_ctr(&derived, iv, &mut ciphertext);
        let (kind, account, public) = match key.account() {
            Some(account) => (None, Some(hex::encode(account.address())), None),
            None => (Some(ED25519.to_owned()), None, Some(key.did().to_string())),
        };
        let mac = crypt::mac(&derived, &ciphertext, kind.as_deref());
        Self(Envelope {
            address: account,
            crypto: Crypto {
                cipher: Cipher::Aes128Ctr,
                cipherparams: envelope::CipherParams { iv: hex::encode(iv) },
                ciphertext: hex::encode(ciphertext),
                kdf: Kdf::Scrypt(params),
                mac: hex::encode(mac),
            },
            did: public,
            id: Some(uuid_v4(id)),
            kind,
            version: 3,
        })
    }

    /// Opens the file.
    ///
    /// # Errors
    /// [`KeystoreError::DoesNotOpen`] for a wrong password or an altered file, [`KeystoreError::OtherKey`] where the
    /// address or DID beside the key is not the key's.
    pub fn open(&self, password: &[u8]) -> Result<SecretKey, KeystoreError> {
        let crypto = &self.0.crypto;
        let sealed = crypto.decoded()?;
        let derived = match &crypto.kdf {
            Kdf::Scrypt(params) => crypt::scrypt(password, &sealed.salt, params)?,
            Kdf::Pbkdf2(params) => crypt::pbkdf2(password, &sealed.salt, params.c),
        };
        if crypt::mac(&derived, &sealed.ciphertext, self.0.kind.as_deref()) != sealed.mac {
            return Err(KeystoreError::DoesNotOpen);
        }
        let mut secret = Zeroizing::new(sealed.ciphertext);
        crypt::aes_128_ctr(&derived, sealed.iv, &mut secret);
        let key =
            SecretKey::from_bytes(self.kind(), &secret).map_err(|_| KeystoreError::DoesNotOpen)?;
        if self.names_another(&key) { Err(KeystoreError::OtherKey) } else { Ok(key) }
    }

    fn names_another(&self, key: &SecretKey) -> bool {
        let another_account = self.0.address.as_deref().is_some_and(|named| {
            let account = key.account().map(|account| account.address());
            named.trim_start_matches("0x").parse::<Address>().ok() != account
        });
        another_account
            || self.0.did.as_deref().is_some_and(|named| *named != key.did().to_string())
    }

    /// The curve of the key inside.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match self.0.kind {
            None => KeyKind::Secp256k1,
            Some(_) => KeyKind::Ed25519,
        }
    }

    /// The account that the file says its key is for. Nothing vouches for it until the file is opened.
    #[must_use]
    pub fn claimed_account(&self) -> Option<Address> {
        self.0.address.as_deref()?.trim_start_matches("0x").parse().ok()
    }

    /// The identifier that the file says its key has. Nothing vouches for it until the file is opened.
    #[must_use]
    pub fn claimed_did(&self) -> Option<Did> {
        self.0.did.as_deref()?.parse().ok()
    }

    /// The file's text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Vec::new();
        let mut writer = serde_json::Serializer::pretty(&mut out);
        self.0.serialize(&mut writer).expect("strings and numbers are JSON");
        String::from_utf8(out).expect("JSON is UTF-8")
    }
}

/// Where the JSON is wrong. The parser's own words could repeat what stands in the file.
fn position(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a member is missing, repeated or of another type",
        _ => "it is not JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

#[cfg(test)]
mod tests;
