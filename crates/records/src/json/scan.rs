//! The inner loops of reading JSON: runs of plain text, escapes.

use super::{JsonError, TOO_EARLY};

/// How many bytes from the start are neither a quote, nor a backslash, nor a control character.
///
/// Strings are most of every record, so this loop decides how fast records are read. Eight bytes are looked at in one
/// word: a byte that is equal to another leaves zero after XOR, and subtracting 1 from each byte borrows into the high
/// bit of just those that were zero, or whose high bit was set before. XOR with ASCII leaves that bit as it is, so the
/// word itself tells which these are. Borrows run upwards only, so the lowest bit that is set is always right.
#[inline]
pub(super) fn plain_run(bytes: &[u8]) -> usize {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (LOW * b'"' as u64);
        let backslash = word ^ (LOW * b'\\' as u64);
        let borrowed =
            quote.wrapping_sub(LOW) | backslash.wrapping_sub(LOW) | word.wrapping_sub(LOW * 0x20);
        let hits = borrowed & !word & HIGH;
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let special = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < 0x20;
    at + bytes[at..].iter().position(special).unwrap_or(bytes.len() - at)
}

/// The length of the escape sequence at `at`; surrogates must come in pairs.
pub(super) fn escape(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    let bad = |what| JsonError { at, what };
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(2),
        Some(b'u') => {
            let first = hex4(bytes, at + 2).ok_or(bad("a bad escape"))?;
            let second = match bytes.get(at + 6..at + 8) {
                Some(b"\\u") => hex4(bytes, at + 8),
                _ => None,
            };
            match (first, second) {
                (0xD800..=0xDBFF, Some(0xDC00..=0xDFFF)) => Ok(12),
                (0xD800..=0xDFFF, _) => Err(bad("half of a surrogate pair")),
                _ => Ok(6),
            }
        }
        Some(_) => Err(bad("a bad escape")),
        None => Err(bad(TOO_EARLY)),
    }
}

/// The length of a word, if the text begins with it.
pub(super) fn word_length(bytes: &[u8], word: &str) -> Option<usize> {
    bytes.starts_with(word.as_bytes()).then_some(word.len())
}

fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 4)?;
    digits.iter().try_fold(0, |number, &digit| Some(number * 16 + char::from(digit).to_digit(16)?))
}

/// Resolves the escapes of a string that was checked before.
pub(super) fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        out.push_str(&text[at..at + found]);
        at += found + 2;
        match bytes[at - 1] {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => at += push_unicode(bytes, at, &mut out),
            other => out.push(char::from(other)),
        }
    }
    out.push_str(&text[at..]);
    out
}

/// Appends the character whose hexadecimal digits begin at `at`; returns how many bytes they take.
fn push_unicode(bytes: &[u8], at: usize, out: &mut String) -> usize {
    let first = hex4(bytes, at).unwrap_or_default();
    let (code, length) = match first {
        0xD800..=0xDBFF => {
            let second = hex4(bytes, at + 6).unwrap_or_default();
            (0x1_0000 + ((first - 0xD800) << 10) + (second.wrapping_sub(0xDC00) & 0x3FF), 10)
        }
        code => (code, 4),
    };
    out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_run_ends_where_looking_at_each_byte_ends_it(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0x1Fu8..0x24, Just(b'\\'), Just(0x5B), Just(0xA2)], 0..40),
        ) {
            let special = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < 0x20;
            let expected = bytes.iter().position(special).unwrap_or(bytes.len());
            prop_assert_eq!(plain_run(&bytes), expected);
        }
    }
}
