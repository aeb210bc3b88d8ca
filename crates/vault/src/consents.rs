//! The custodian's register of consent: one receipt for each patient who was asked, or who was erased.

use caduceus_policy::consent::Grant;
use serde::{Deserialize, Serialize};

/// What a patient decided. Shown by nothing but its fields: a pseudonym is personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Whose decision.
    pub pseudonym: String,
    /// Whether use is permitted at all.
    pub permit: bool,
    /// What is permitted: each use that one of these covers.
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// From when, in seconds since 1970; from the beginning if absent.
    #[serde(default)]
    pub begins: Option<u64>,
    /// A hash of what was decided, which the pseudonym keeps from being guessed.
    #[serde(with = "hex::serde")]
    pub document_hash: [u8; 32],
    /// The documents that decided, where some did: only what was given later takes their place once they are gone.
    #[serde(default)]
    pub decided: Option<Decided>,
    /// When the person withdrew it, in seconds since 1970. Only what they agree to later permits again.
    #[serde(default)]
    pub withdrawn: Option<u64>,
    /// Whether the person was erased. Nothing of theirs is taken in again, whatever documents come later.
    #[serde(default)]
    pub erased: bool,
}

impl Receipt {
    /// What remains of a person who was erased: a refusal, and no document.
    pub fn erasure(pseudonym: &str) -> Receipt {
        Receipt {
            pseudonym: pseudonym.to_owned(),
            permit: false,
            grants: Vec::new(),
            begins: None,
            document_hash: [0; 32],
            decided: None,
            withdrawn: None,
            erased: true,
        }
    }
}

/// What a custodian remembers of documents that decided, so that an older one decides nothing again.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The first second at which they may have been given, in seconds since 1970.
    pub first: i64,
    /// The last one: they were not given after they were read.
    pub last: i64,
    /// A hash of the id and the date of each.
    pub documents: Vec<[u8; 32]>,
}

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receipt").field("permit", &self.permit).finish_non_exhaustive()
    }
}
