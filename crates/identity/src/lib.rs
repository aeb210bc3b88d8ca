//! Who someone is: the keys a party acts with, what can be said to it alone, and the identifiers others know it by.
//!
//! Everything is a function of its arguments. Whoever calls brings the secret and the randomness, so that the same
//! seed gives the same parties on every machine.

pub mod credential;
pub mod did;
pub mod json;
mod keys;
pub mod keystore;
mod public_key;
pub mod sd_jwt;
mod sealing;
mod signing;

pub use did::{Did, DidDocument, DidError};
pub use keys::{KeyError, Keyring, Seed};
pub use keystore::{Keystore, KeystoreError};
pub use public_key::PublicKey;
pub use sealing::{EncryptionKey, EncryptionPublicKey, Entropy, SealError, Sealed, seal_to};
pub use signing::{KeyKind, SecretKey};

/// The text of a random UUID (RFC 9562, version 4) from 16 random bytes.
#[must_use]
pub fn uuid_v4(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex::encode(bytes);
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}
