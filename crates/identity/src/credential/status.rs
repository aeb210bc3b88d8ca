//! Bitstring Status List 1.0: one bit for each credential, so many together that asking for the list does not tell whose
//! credential is meant.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::form::{CONTEXTS, Credential};
use super::proof::{Options, Signer, secure};
use super::time::time_text;
use crate::keys::KeyError;

/// The fewest entries of a list (section 2.2: 16 KB), so that a list hides whose entry is looked at.
pub const MIN_ENTRIES: u32 = 131_072;
/// The most entries of a list that is read: 2 MiB when unpacked.
const MAX_ENTRIES: u32 = 1 << 24;

/// What a set bit means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusPurpose {
    /// Taken back for good.
    Revocation,
    /// Taken back until further notice.
    Suspension,
}

impl StatusPurpose {
    /// The name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Revocation => "revocation",
            Self::Suspension => "suspension",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Revocation, Self::Suspension].into_iter().find(|purpose| purpose.name() == name)
    }
}

/// Why a list is not usable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    /// Not multibase base64url over gzip.
    #[error("the list is not encoded as `u`, base64url and gzip")]
    Malformed,
    /// Fewer entries than allowed.
    #[error("the list has fewer than {MIN_ENTRIES} entries")]
    TooShort,
    /// More than is read.
    #[error("the list unpacks to more than {MAX_ENTRIES} entries")]
    TooLong,
    /// An entry past the end.
    #[error("the list has no entry of this number")]
    NoEntry,
    /// Not a list credential, or one for something else.
    #[error("the credential is no status list for this purpose")]
    OtherPurpose,
}

/// The list itself. Entry 0 is the first byte's highest bit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitstring(Vec<u8>);

impl Bitstring {
    /// A list of at least `entries` entries, none set.
    ///
    /// # Errors
    /// [`StatusError::TooShort`] or [`StatusError::TooLong`].
    pub fn new(entries: u32) -> Result<Self, StatusError> {
        match entries {
            ..MIN_ENTRIES => Err(StatusError::TooShort),
            MIN_ENTRIES..=MAX_ENTRIES => Ok(Self(vec![0; entries.div_ceil(8) as usize])),
            _ => Err(StatusError::TooLong),
        }
    }

    /// How many entries there are.
    #[must_use]
    pub fn entries(&self) -> u32 {
        u32::try_from(self.0.len() * 8).unwrap_or(u32::MAX)
    }

    /// Whether an entry is set.
    ///
    /// # Errors
    /// [`StatusError::NoEntry`].
    pub fn get(&self, index: u32) -> Result<bool, StatusError> {
        let byte = self.0.get(index as usize / 8).ok_or(StatusError::NoEntry)?;
        Ok(byte & mask(index) != 0)
    }

    /// Sets or clears an entry.
    ///
    /// # Errors
    /// [`StatusError::NoEntry`].
    pub fn set(&mut self, index: u32, value: bool) -> Result<(), StatusError> {
        let byte = self.0.get_mut(index as usize / 8).ok_or(StatusError::NoEntry)?;
        *byte = if value { *byte | mask(index) } else { *byte & !mask(index) };
        Ok(())
    }

    /// The `encodedList`: multibase base64url without padding over gzip (RFC 1952).
    #[must_use]
    pub fn encode(&self) -> String {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        let packed = encoder.write_all(&self.0).and_then(|()| encoder.finish());
        format!("u{}", URL_SAFE_NO_PAD.encode(packed.expect("a vector takes all that is written")))
    }

    /// Reads an `encodedList`. However small it is, no more than 2 MiB are unpacked.
    ///
    /// # Errors
    /// [`StatusError`].
    pub fn decode(text: &str) -> Result<Self, StatusError> {
        let packed = text.strip_prefix('u').and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let packed = packed.ok_or(StatusError::Malformed)?;
        let mut bits = Vec::new();
        let most = u64::from(MAX_ENTRIES / 8);
        let mut limited = GzDecoder::new(packed.as_slice()).take(most + 1);
        limited.read_to_end(&mut bits).map_err(|_| StatusError::Malformed)?;
        match bits.len() as u64 {
            length if length > most => Err(StatusError::TooLong),
            length if length < u64::from(MIN_ENTRIES / 8) => Err(StatusError::TooShort),
            _ => Ok(Self(bits)),
        }
    }
}

fn mask(index: u32) -> u8 {
    0x80 >> (index % 8)
}

/// How long a list counts, in days: an old copy of it hides what was taken back since (Bitstring Status List 1.0, 5.1).
const LIST_DAYS: i64 = 90;

/// The list as a credential of its issuer, to be published at `url`. It counts for 90 days.
///
/// # Errors
/// [`KeyError`] where the key is not Ed25519.
pub fn list_credential(
    list: &Bitstring,
    purpose: StatusPurpose,
    url: &str,
    signer: &Signer<'_>,
    now: i64,
) -> Result<Value, KeyError> {
    let credential = json!({
        "@context": [CONTEXTS[0]],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": signer.did,
        "validFrom": time_text(now),
        "validUntil": time_text(now + LIST_DAYS * 24 * 3_600),
        "credentialSubject": {
            "id": format!("{url}#list"),
            "type": "BitstringStatusList",
            "statusPurpose": purpose.name(),
            "encodedList": list.encode(),
        },
    });
    secure(&credential, &Options::assertion(now), signer)
}

/// The list in a credential whose form was checked, and what it is for.
///
/// # Errors
/// [`StatusError`].
pub fn read_list(credential: &Credential) -> Result<(StatusPurpose, Bitstring), StatusError> {
    let text = |name: &str| credential.subject.get(name).and_then(Value::as_str);
    let named = credential.types.iter().any(|kind| kind == "BitstringStatusListCredential");
    let purpose = text("statusPurpose").and_then(StatusPurpose::from_name);
    match (named, text("type"), purpose) {
        (true, Some("BitstringStatusList"), Some(purpose)) => {
            let encoded = text("encodedList").ok_or(StatusError::Malformed)?;
            Ok((purpose, Bitstring::decode(encoded)?))
        }
        _ => Err(StatusError::OtherPurpose),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn packed(bytes: &[u8]) -> String {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        format!("u{}", URL_SAFE_NO_PAD.encode(encoder.finish().unwrap()))
    }

    // Bitstring Status List 1.0, example of an `encodedList`: 131,072 entries, none of them set.
    #[test]
    fn the_empty_list_of_the_specification_is_read() {
        let text = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA";
        assert_eq!(Bitstring::decode(text), Bitstring::new(MIN_ENTRIES));
    }

    #[test]
    fn the_first_entry_is_the_highest_bit_of_the_first_byte() {
        let mut list = Bitstring::new(MIN_ENTRIES).unwrap();
        list.set(0, true).unwrap();
        list.set(9, true).unwrap();
        assert_eq!(list.0[..2], [0b1000_0000, 0b0100_0000]);
        assert_eq!(list.get(MIN_ENTRIES), Err(StatusError::NoEntry));
        assert_eq!(list.set(u32::MAX, true), Err(StatusError::NoEntry));
    }

    #[test]
    fn short_lists_bombs_and_other_encodings_are_refused() {
        assert_eq!(Bitstring::new(MIN_ENTRIES - 1), Err(StatusError::TooShort));
        assert_eq!(Bitstring::new(u32::MAX), Err(StatusError::TooLong));
        let least = MIN_ENTRIES as usize / 8;
        assert_eq!(Bitstring::decode(&packed(&vec![0; least - 1])), Err(StatusError::TooShort));
        let bomb = packed(&vec![0; 64 << 20]);
        assert!(bomb.len() < 100_000, "64 MiB of zeros pack well");
        assert_eq!(Bitstring::decode(&bomb), Err(StatusError::TooLong));
        let good = packed(&vec![0; least]);
        for bad in ["", "u", "u!", &good[1..], &format!("z{}", &good[1..]), &good[..good.len() - 9]]
        {
            assert_eq!(Bitstring::decode(bad), Err(StatusError::Malformed), "{bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn what_is_set_is_found_after_encoding_and_nothing_else(
            set in prop::collection::btree_set(0..MIN_ENTRIES, 0..40),
            other in 0..MIN_ENTRIES,
        ) {
            let mut list = Bitstring::new(MIN_ENTRIES).unwrap();
            for index in &set {
                list.set(*index, true).unwrap();
            }
            let read = Bitstring::decode(&list.encode()).unwrap();
            prop_assert!(set.iter().all(|index| read.get(*index).unwrap()));
            prop_assert_eq!(read.get(other).unwrap(), set.contains(&other));
            for index in &set {
                list.set(*index, false).unwrap();
            }
            prop_assert_eq!(list, Bitstring::new(MIN_ENTRIES).unwrap());
        }
    }
}
