//! Signing keys from one secret.
//!
//! Every key is HKDF-SHA256 (RFC 5869) over the seed, with the use and the label in the info string: two labels, or
//! two uses of one label, share nothing, and a key that leaks says nothing about the seed.

use std::fmt;

use alloy::signers::local::PrivateKeySigner;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::sealing::EncryptionKey;

const SALT: &[u8] = b"caduceus/keyring/1";
const SIGNING: &str = "secp256k1";
const ENCRYPTION: &str = "x25519";

/// Why a key cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are not a key of this kind.
    #[error("these bytes are not a {0} key: give the 32 bytes that the key was saved as")]
    Malformed(&'static str),
}

/// The 32 secret bytes that a party's keys come from. Wiped from memory when dropped, and never printed.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Seed([u8; 32]);

impl Seed {
    /// Takes the secret bytes; they should come from the system's random generator.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The secret itself, for the one place that stores it.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(secret)")
    }
}

/// Keys by label, such as `party/charite` or `member/17`.
#[derive(Debug)]
pub struct Keyring(Seed);

impl Keyring {
    /// The keyring of a seed.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self(seed)
    }

    /// The account that `label` signs with: a secp256k1 key.
    #[must_use]
    pub fn derive(&self, label: &str) -> PrivateKeySigner {
        // One candidate in about 2^128 is zero or past the order of the curve; the next counter then serves.
        (0..=u32::MAX)
            .find_map(|attempt| {
                let secret = self.expand(SIGNING, label, attempt);
                PrivateKeySigner::from_slice(secret.as_slice()).ok()
            })
            .expect("one of 2^32 candidates is a scalar of the curve")
    }

    /// The key that opens what is sealed to `label`: X25519.
    #[must_use]
    pub fn encryption_key(&self, label: &str) -> EncryptionKey {
        EncryptionKey::from_key_material(&self.expand(ENCRYPTION, label, 0))
    }

    /// 32 secret bytes for another use, such as a vault's master key. `usage` separates the uses of one label.
    #[must_use]
    pub fn secret(&self, usage: &str, label: &str) -> Zeroizing<[u8; 32]> {
        self.expand(&format!("secret/{usage}"), label, 0)
    }

    fn expand(&self, usage: &str, label: &str, attempt: u32) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        // Lengths go in front, so that no use and label can run together into another pair.
        let lengths = [(usage.len() as u64).to_be_bytes(), (label.len() as u64).to_be_bytes()];
        let info =
            [&lengths[0], &lengths[1], usage.as_bytes(), label.as_bytes(), &attempt.to_be_bytes()];
        Hkdf::<Sha256>::new(Some(SALT), self.0.expose())
            .expand_multi_info(&info, out.as_mut_slice())
            .expect("32 bytes are within HKDF-SHA256's limit of 8,160");
        out
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn keyring(byte: u8) -> Keyring {
        Keyring::new(Seed::new([byte; 32]))
    }

    #[test]
    fn the_same_seed_and_label_give_the_same_keys() {
        let (a, b) = (keyring(1), keyring(1));
        assert_eq!(a.derive("party/charite").address(), b.derive("party/charite").address());
        assert_eq!(a.encryption_key("x").public(), b.encryption_key("x").public());
        assert_eq!(a.secret("vault", "x"), b.secret("vault", "x"));
    }

    #[test]
    fn no_two_labels_seeds_or_uses_share_a_key() {
        let mut seen = HashSet::new();
        for byte in 0..4 {
            let keys = keyring(byte);
            for label in ["", "a", "b", "ab", "member/1", "member/11"] {
                assert!(seen.insert(keys.derive(label).to_bytes().0));
                assert!(seen.insert(*keys.encryption_key(label).public().as_bytes()));
                assert!(seen.insert(*keys.secret("a", label)));
                assert!(seen.insert(*keys.secret("", label)));
            }
        }
    }

    #[test]
    fn a_use_and_a_label_do_not_run_together() {
        assert_ne!(keyring(1).secret("ab", "c"), keyring(1).secret("a", "bc"));
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", keyring(7)), "Keyring(Seed(secret))");
        let shown = format!("{:?}", keyring(7).encryption_key("x"));
        assert_eq!(shown, "EncryptionKey(secret)");
    }
}
