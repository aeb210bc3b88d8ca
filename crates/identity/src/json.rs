//! JSON as evidence needs it: read strictly, written canonically.
//!
//! Two readers must never see two different things in one signed text. So a repeated member is refused rather than the
//! last one taken (RFC 8259 leaves it open), as are whole numbers that not every reader can hold (I-JSON, RFC 7493),
//! and texts that are longer or nested deeper than a credential has reason to be. Writing follows the JSON
//! Canonicalization Scheme (RFC 8785).

mod canonical;
mod reader;

pub use canonical::canonical;
use serde_json::Value;

/// The longest text that is read, in bytes, unless [`Limits`] say otherwise.
pub const MAX_BYTES: usize = 256 << 10;
/// How deep objects and lists may be nested.
pub const MAX_DEPTH: usize = 24;

/// What a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Its longest length in bytes.
    pub bytes: usize,
    /// Its deepest nesting.
    pub depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: MAX_BYTES, depth: MAX_DEPTH }
    }
}

/// Why a text is not read. No error repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Longer than the limit.
    #[error("the text is longer than {0} bytes")]
    TooLong(usize),
    /// Nested deeper than the limit.
    #[error("the text is nested deeper than {0} levels")]
    TooDeep(usize),
    /// A member that stands twice in one object.
    #[error("an object repeats a member at byte {0}, so that two readers could see two things")]
    Repeated(usize),
    /// A whole number past 2^53 - 1, or one that is no finite double.
    #[error("the number at byte {0} cannot be held by every reader: write it as a text")]
    Number(usize),
    /// No JSON.
    #[error("the text is not JSON (RFC 8259) at byte {0}")]
    Malformed(usize),
}

/// Reads `text` within `limits`.
///
/// # Errors
/// [`JsonError`], with the byte at which it was found.
pub fn read(text: &str, limits: Limits) -> Result<Value, JsonError> {
    reader::read(text, limits)
}

/// Reads bytes within the usual limits. Bytes that are no UTF-8 are malformed.
///
/// # Errors
/// As [`read`].
pub fn read_bytes(bytes: &[u8]) -> Result<Value, JsonError> {
    let text =
        std::str::from_utf8(bytes).map_err(|error| JsonError::Malformed(error.valid_up_to()))?;
    read(text, Limits::default())
}

#[cfg(test)]
mod tests;
