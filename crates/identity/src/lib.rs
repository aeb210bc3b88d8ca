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
