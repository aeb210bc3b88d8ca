//! Signing keys in the open and in secret: Ed25519 for credentials, secp256k1 for accounts.

use std::fmt;

use alloy::signers::local::PrivateKeySigner;
use ed25519_dalek::{Signer as _, SigningKey};
use k256::ecdsa::SigningKey as Secp256k1Key;
use zeroize::Zeroizing;

use crate::did::Did;
use crate::keys::KeyError;
use crate::public_key::PublicKey;

/// The curve of a key, and with it what the key can do here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Signs credentials and presentations (RFC 8032).
    Ed25519,
    /// Signs for an account on a ledger (SEC 2).
    Secp256k1,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "Ed25519",
            Self::Secp256k1 => "secp256k1",
        })
    }
}

/// A secret key. Wiped from memory when dropped, and never printed.
pub enum SecretKey {
    /// Signs credentials.
    Ed25519(SigningKey),
    /// Signs for an account.
    Secp256k1(Secp256k1Key),
}

impl SecretKey {
    /// The key of these 32 bytes.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] where they are no scalar of secp256k1 (zero, or past the order of the curve). Any 32
    /// bytes are an Ed25519 key.
    pub fn from_bytes(kind: KeyKind, bytes: &[u8; 32]) -> Result<Self, KeyError> {
        match kind {
            KeyKind::Ed25519 => Ok(Self::Ed25519(SigningKey::from_bytes(bytes))),
            KeyKind::Secp256k1 => Secp256k1Key::from_slice(bytes)
                .map(Self::Secp256k1)
                .map_err(|_| KeyError::Malformed("secp256k1")),
        }
    }

    /// The secret itself, for the one place that seals it.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<[u8; 32]> {
        match self {
            Self::Ed25519(key) => Zeroizing::new(key.to_bytes()),
            Self::Secp256k1(key) => Zeroizing::new(key.to_bytes().into()),
        }
    }

    /// The curve.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match self {
            Self::Ed25519(_) => KeyKind::Ed25519,
            Self::Secp256k1(_) => KeyKind::Secp256k1,
        }
    }

    /// Its public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        match self {
            Self::Ed25519(key) => PublicKey::Ed25519(key.verifying_key().to_bytes()),
            Self::Secp256k1(key) => {
                let point = key.verifying_key().to_encoded_point(true);
                let compressed = point.as_bytes().try_into();
                PublicKey::Secp256k1(compressed.expect("a compressed point takes 33 bytes"))
            }
        }
    }

    /// The did:key of its public half.
    #[must_use]
    pub fn did(&self) -> Did {
        Did::Key(self.public())
    }

    /// The account that the key signs for; none where it is an Ed25519 key.
    #[must_use]
    pub fn account(&self) -> Option<PrivateKeySigner> {
        match self {
            Self::Ed25519(_) => None,
            Self::Secp256k1(key) => Some(PrivateKeySigner::from_signing_key(key.clone())),
        }
    }

    /// A signature of `message`: Ed25519, or ES256K (ECDSA over SHA-256, RFC 8812) as 64 bytes `r ‖ s`.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        match self {
            Self::Ed25519(key) => key.sign(message).to_bytes(),
            Self::Secp256k1(key) => {
                let signature: k256::ecdsa::Signature =
                    k256::ecdsa::signature::Signer::sign(key, message);
                signature.to_bytes().into()
            }
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({}, secret)", self.kind())
    }
}
