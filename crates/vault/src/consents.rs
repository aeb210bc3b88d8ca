//! The custodian's register of consent: one receipt for each patient who was asked, or who was erased.

use serde::{Deserialize, Serialize};

/// What a patient decided. Shown by nothing but its fields: a pseudonym is personal data.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Whose decision.
    pub pseudonym: String,
    /// Whether use is permitted at all.
    pub permit: bool,
    /// The permitted purposes, one bit each, numbered as in the rule table.
    pub purposes: u64,
    /// From when, in seconds since 1970; from the beginning if absent.
    #[serde(default)]
    pub begins: Option<u64>,
    /// Until when, in seconds since 1970; no end if absent.
    pub expires: Option<u64>,
    /// SHA-256 of the signed document.
    #[serde(with = "hex::serde")]
    pub document_hash: [u8; 32],
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
            purposes: 0,
            begins: None,
            expires: None,
            document_hash: [0; 32],
            erased: true,
        }
    }
}

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receipt").field("permit", &self.permit).finish_non_exhaustive()
    }
}
