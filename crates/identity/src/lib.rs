//! Who someone is: the keys a party acts with, what can be said to it alone, and the identifiers others know it by.
//!
//! Everything is a function of its arguments. Whoever calls brings the secret and the randomness, so that the same
//! seed gives the same parties on every machine.

pub mod did;
mod keys;
mod sealing;

pub use did::{Did, DidDocument, DidError};
pub use keys::{KeyError, Keyring, Seed};
pub use sealing::{EncryptionKey, EncryptionPublicKey, Entropy, SealError, Sealed, seal_to};
