//! The members of the file, and what they may be.

use serde::{Deserialize, Serialize};

use super::{KeystoreError, MAX_MEMORY, MAX_R, MAX_ROUNDS, MAX_WORK};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Envelope {
    /// Hexadecimal; old wallets write it with `0x`, new ones without, some not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<String>,
    #[serde(alias = "Crypto")]
    pub(super) crypto: Crypto,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) did: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub(super) kind: Option<String>,
    pub(super) version: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Crypto {
    pub(super) cipher: Cipher,
    pub(super) cipherparams: CipherParams,
    pub(super) ciphertext: String,
    #[serde(flatten)]
    pub(super) kdf: Kdf,
    pub(super) mac: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Cipher {
    #[serde(rename = "aes-128-ctr")]
    Aes128Ctr,
    #[serde(untagged)]
    Other(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CipherParams {
    pub(super) iv: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kdf", content = "kdfparams", rename_all = "lowercase")]
pub(super) enum Kdf {
    Scrypt(ScryptParams),
    Pbkdf2(Pbkdf2Params),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ScryptParams {
    pub(super) dklen: u32,
    pub(super) n: u64,
    pub(super) r: u32,
    pub(super) p: u32,
    pub(super) salt: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pbkdf2Params {
    pub(super) c: u32,
    pub(super) dklen: u32,
    pub(super) prf: String,
    pub(super) salt: String,
}

/// The hexadecimal members as bytes.
pub(super) struct Sealed {
    pub(super) ciphertext: [u8; 32],
    pub(super) iv: [u8; 16],
    pub(super) mac: [u8; 32],
    pub(super) salt: Vec<u8>,
}

impl Crypto {
    /// Whether the file can be opened at a bearable cost.
    pub(super) fn check(&self) -> Result<(), KeystoreError> {
        if let Cipher::Other(_) = &self.cipher {
            return Err(KeystoreError::Unsupported("another cipher than aes-128-ctr".into()));
        }
        match &self.kdf {
            Kdf::Scrypt(params) => params.check()?,
            Kdf::Pbkdf2(params) => params.check()?,
        }
        self.decoded().map(drop)
    }

    pub(super) fn decoded(&self) -> Result<Sealed, KeystoreError> {
        let salt = match &self.kdf {
            Kdf::Scrypt(params) => &params.salt,
            Kdf::Pbkdf2(params) => &params.salt,
        };
        let salt = hex::decode(salt).ok().filter(|salt| (8..=64).contains(&salt.len()));
        Ok(Sealed {
            ciphertext: exactly("ciphertext", &self.ciphertext)?,
            iv: exactly("iv", &self.cipherparams.iv)?,
            mac: exactly("mac", &self.mac)?,
            salt: salt
                .ok_or_else(|| KeystoreError::Malformed("its salt is not 8 to 64 bytes".into()))?,
        })
    }
}

fn exactly<const N: usize>(name: &str, text: &str) -> Result<[u8; N], KeystoreError> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| KeystoreError::Malformed(format!("its {name} is not {N} bytes")))
}

impl ScryptParams {
    fn check(&self) -> Result<(), KeystoreError> {
        dklen(self.dklen)?;
        let absurd = |what: String| Err(KeystoreError::Absurd(what));
        if self.n < 2 || !self.n.is_power_of_two() || self.r == 0 || self.p == 0 {
            return absurd("scrypt with an N that is no power of two, or an r or p of zero".into());
        }
        if self.memory() > MAX_MEMORY {
            return absurd(format!("more than {} MiB of memory", MAX_MEMORY >> 20));
        }
        if self.r > MAX_R {
            return absurd(format!("scrypt with an r of more than {MAX_R}"));
        }
        if self.n.saturating_mul(self.r.into()).saturating_mul(self.p.into()) > MAX_WORK {
            return absurd(format!("more work of scrypt than N·r·p = {MAX_WORK}"));
        }
        Ok(())
    }

    /// The bytes of blocks of `128 · r`: `p` that the password becomes, `N` that one of them is mixed with, and two to mix in.
    fn memory(&self) -> u64 {
        let blocks = self.n.saturating_add(u64::from(self.p) + 2);
        blocks.saturating_mul(128 * u64::from(self.r))
    }
}

impl Pbkdf2Params {
    fn check(&self) -> Result<(), KeystoreError> {
        dklen(self.dklen)?;
        if self.prf != "hmac-sha256" {
            let what = "PBKDF2 with another function than hmac-sha256";
            return Err(KeystoreError::Unsupported(what.into()));
        }
        if self.c == 0 || self.c > MAX_ROUNDS {
            let what = format!("no rounds of PBKDF2, or more than {MAX_ROUNDS}");
            return Err(KeystoreError::Absurd(what));
        }
        Ok(())
    }
}

/// Two halves of 16 bytes are all that the format uses.
fn dklen(bytes: u32) -> Result<(), KeystoreError> {
    match bytes {
        32 => Ok(()),
        _ => Err(KeystoreError::Unsupported("a derived key of other than 32 bytes".into())),
    }
}
