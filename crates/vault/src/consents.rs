//! The custodian's register of consent: one receipt for each patient who was asked.

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
    /// Until when, in seconds since 1970; no end if absent.
    pub expires: Option<u64>,
    /// SHA-256 of the signed document.
    #[serde(with = "hex::serde")]
    pub document_hash: [u8; 32],
}

impl std::fmt::Debug for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receipt").field("permit", &self.permit).finish_non_exhaustive()
    }
}
