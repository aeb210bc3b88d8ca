//! Decentralized identifiers: `did:pkh` for an account on a chain, `did:key` for a key by itself, `did:web` for an
//! organization with a web server.
//!
//! The first two ([`Did`]) are pure encodings: the identifier holds all there is to know, and nothing has to be asked
//! for. The ledger keeps only the hash of the document. The third ([`WebDid`]) has a document that somebody else fetches.
//!
//! Sources: W3C DID Core 1.0; the did:pkh method with CAIP-10 account identifiers (`eip155:<chain>:<address>`); the
//! did:key method with multicodec prefixes and base58btc multibase.

mod directory;
mod web;

use std::fmt;
use std::str::FromStr;

use alloy::primitives::{Address, B256, keccak256};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::public_key::PublicKey;
pub use directory::{Directory, DocumentError, Keys, NoKey, Purpose, web_document};
pub use web::{WebDid, WebDidError};

const DID_CONTEXT: &str = "https://www.w3.org/ns/did/v1";
const RECOVERY_CONTEXT: &str = "https://w3id.org/security/suites/secp256k1recovery-2020/v2";
const MULTIKEY_CONTEXT: &str = "https://w3id.org/security/multikey/v1";

/// Why a text is not an identifier that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DidError {
    /// Another method, or none.
    #[error("only did:pkh:eip155, did:key and did:web identifiers are read here")]
    UnknownMethod,
    /// A did:pkh without a chain number in decimal digits.
    #[error("a did:pkh names its chain by number, as in did:pkh:eip155:1:0x...")]
    BadChain,
    /// A did:pkh whose address is not 20 bytes, or whose capital letters do not match its checksum (EIP-55).
    #[error("the address in this did:pkh is damaged: copy it again, with its capital letters")]
    BadAddress,
    /// A did:key that does not decode to a key.
    #[error("this did:key does not hold an Ed25519, secp256k1 or P-256 key: copy it again")]
    BadKey,
}

/// An identifier. Two that are equal are written the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Did {
    /// An account on an EVM chain.
    Account {
        /// The chain (EIP-155).
        chain_id: u64,
        /// The account.
        address: Address,
    },
    /// A key by itself.
    Key(PublicKey),
}

impl Did {
    /// The key, where the identifier holds one.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        match self {
            Self::Account { .. } => None,
            Self::Key(key) => Some(*key),
        }
    }

    /// The identifier's document.
    #[must_use]
    pub fn document(&self) -> DidDocument {
        let id = self.to_string();
        let key = self.key().map(|key| key.to_multibase());
        let (context, fragment, kind) = match &key {
            None => (RECOVERY_CONTEXT, "blockchainAccountId", "EcdsaSecp256k1RecoveryMethod2020"),
            Some(key) => (MULTIKEY_CONTEXT, key.as_str(), "Multikey"),
        };
        let method = VerificationMethod {
            blockchain_account_id: id.strip_prefix("did:pkh:").map(str::to_owned),
            controller: id.clone(),
            id: format!("{id}#{fragment}"),
            public_key_multibase: key.clone(),
            kind,
        };
        DidDocument {
            context: [DID_CONTEXT, context],
            assertion_method: [method.id.clone()],
            authentication: [method.id.clone()],
            id,
            verification_method: [method],
        }
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account { chain_id, address } => write!(f, "did:pkh:eip155:{chain_id}:{address}"),
            Self::Key(key) => write!(f, "did:key:{}", key.to_multibase()),
        }
    }
}

impl FromStr for Did {
    type Err = DidError;

    fn from_str(text: &str) -> Result<Self, DidError> {
        if let Some(account) = text.strip_prefix("did:pkh:eip155:") {
            return account_did(account);
        }
        text.strip_prefix("did:key:")
            .ok_or(DidError::UnknownMethod)
            .and_then(|key| PublicKey::from_multibase(key).map(Did::Key).ok_or(DidError::BadKey))
    }
}

fn account_did(text: &str) -> Result<Did, DidError> {
    let (chain, address) = text.split_once(':').ok_or(DidError::BadChain)?;
    let chain_id: u64 = chain.parse().map_err(|_| DidError::BadChain)?;
    // Leading zeros or a plus sign would give one account several names.
    if chain_id.to_string() != chain {
        return Err(DidError::BadChain);
    }
    // EIP-55: an address in small letters carries no checksum; any other must match it.
    let plain = address.starts_with("0x") && !address.contains(|c: char| c.is_ascii_uppercase());
    let parsed = if plain { address.parse().ok() } else { None };
    let address = parsed
        .or_else(|| Address::parse_checksummed(address, None).ok())
        .ok_or(DidError::BadAddress)?;
    Ok(Did::Account { chain_id, address })
}

/// A DID document (W3C DID Core), with one key that authenticates and asserts.
// The fields stand in the order of their JSON names, so that the text (and its hash) is canonical by construction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DidDocument {
    #[serde(rename = "@context")]
    context: [&'static str; 2],
    assertion_method: [String; 1],
    authentication: [String; 1],
    id: String,
    verification_method: [VerificationMethod; 1],
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct VerificationMethod {
    #[serde(skip_serializing_if = "Option::is_none")]
    blockchain_account_id: Option<String>,
    controller: String,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key_multibase: Option<String>,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl DidDocument {
    /// The document as JSON: keys in alphabetical order, no white space, so that its hash is the same everywhere.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and lists of strings are JSON")
    }

    /// keccak-256 of [`DidDocument::to_json`]: the `didHash` that the membership token keeps.
    #[must_use]
    pub fn keccak256(&self) -> B256 {
        keccak256(self.to_json())
    }

    /// SHA-256 of [`DidDocument::to_json`].
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.to_json()).into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use alloy::primitives::address;
    use proptest::prelude::*;

    use super::*;

    // The did:key method's specification, section on test vectors (Ed25519, secp256k1, P-256).
    #[test]
    fn published_did_keys_read_and_write_the_same() {
        for (text, algorithm) in [
            ("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp", "EdDSA"),
            ("did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme", "ES256K"),
            ("did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169", "ES256"),
        ] {
            let did: Did = text.parse().unwrap();
            assert_eq!(did.key().unwrap().jws_algorithm(), algorithm);
            assert_eq!(did.to_string(), text);
        }
    }

    // The address is an example of EIP-55.
    #[test]
    fn an_account_is_read_in_small_letters_and_written_with_its_checksum() {
        let text = "did:pkh:eip155:1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
        let address = address!("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed");
        let did = Did::Account { chain_id: 1, address };
        assert_eq!(text.parse(), Ok(did));
        assert_eq!(text.to_lowercase().parse(), Ok(did));
        assert_eq!(did.to_string(), text);
    }

    #[test]
    fn damaged_identifiers_are_refused_with_their_reason() {
        let cases = [
            ("", DidError::UnknownMethod),
            ("did:web:example.org", DidError::UnknownMethod),
            ("DID:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp", DidError::UnknownMethod),
            ("did:pkh:eip155:1", DidError::BadChain),
            ("did:pkh:eip155:01:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", DidError::BadChain),
            ("did:pkh:eip155:+1:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", DidError::BadChain),
            ("did:pkh:eip155:1:0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", DidError::BadAddress),
            ("did:pkh:eip155:1:0x5aae", DidError::BadAddress),
            ("did:key:6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp", DidError::BadKey),
            ("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooW", DidError::BadKey),
            ("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooW0", DidError::BadKey),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Did>(), Err(expected), "{text}");
        }
        let long = format!("did:key:z{}", "1".repeat(100_000));
        assert_eq!(long.parse::<Did>(), Err(DidError::BadKey));
    }

    #[test]
    fn a_document_names_its_subject_and_its_hash_is_of_its_text() {
        let did: Did = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp".parse().unwrap();
        let document = did.document();
        let read: serde_json::Value = serde_json::from_str(&document.to_json()).unwrap();
        assert_eq!(read["id"], did.to_string());
        assert_eq!(read["authentication"][0], read["verificationMethod"][0]["id"]);
        assert_eq!(document.keccak256(), keccak256(document.to_json()));
        assert!(document.to_json().starts_with("{\"@context\":["));
        let keys: Vec<_> = read.as_object().unwrap().keys().collect();
        assert!(keys.is_sorted());
    }

    proptest! {
        #[test]
        fn every_identifier_survives_its_text(
            chain_id: u64,
            account: [u8; 20],
            key: [u8; 32],
            odd: bool,
        ) {
            let mut compressed = [0; 33];
            compressed[0] = 2 + u8::from(odd);
            compressed[1..].copy_from_slice(&key);
            let account = Did::Account { chain_id, address: account.into() };
            let keys = [PublicKey::Ed25519(key), PublicKey::Secp256k1(compressed), PublicKey::P256(compressed)];
            for did in keys.map(Did::Key).into_iter().chain([account]) {
                prop_assert_eq!(did.to_string().parse::<Did>(), Ok(did));
            }
        }

        #[test]
        fn no_text_makes_reading_panic(text in "(did:(key:z|pkh:eip155:)?)?.{0,80}") {
            let _ = text.parse::<Did>();
        }
    }
}
