//! How a name may be written: in small letters or large ones, with its diacritics or without.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// A word in small letters without diacritics: `Müller` is `muller`, `WEISS` and `Weiß` are `weiss`.
pub(super) fn folded(word: &str) -> String {
    if word.is_ascii() {
        return word.to_ascii_lowercase();
    }
    let mut out = String::with_capacity(word.len());
    // Compatibility decomposition (Unicode Standard Annex 15) parts letters from their marks.
    let parts = DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(word.chars());
    for c in parts.filter(|c| !is_mark(*c)).flat_map(char::to_lowercase) {
        match c {
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'þ' => out.push_str("th"),
            'ø' => out.push('o'),
            'đ' | 'ð' => out.push('d'),
            'ł' => out.push('l'),
            'ħ' => out.push('h'),
            'ı' => out.push('i'),
            // A capital I with a dot leaves one behind.
            c if is_mark(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// The word as it is written where diacritics are written as letters: `Müller` is `mueller`. `None` where that is the same.
pub(super) fn transcribed(word: &str) -> Option<String> {
    if word.is_ascii() {
        return None;
    }
    let composed: String = icu_normalizer::ComposingNormalizerBorrowed::new_nfkc()
        .normalize_iter(word.chars())
        .flat_map(char::to_lowercase)
        .collect();
    let mut letters = String::with_capacity(composed.len() + 2);
    for c in composed.chars() {
        match c {
            'ä' => letters.push_str("ae"),
            'ö' | 'ø' => letters.push_str("oe"),
            'ü' => letters.push_str("ue"),
            'å' => letters.push_str("aa"),
            c => letters.push(c),
        }
    }
    Some(folded(&letters)).filter(|letters| *letters != folded(word))
}

/// Combining marks.
fn is_mark(c: char) -> bool {
    matches!(c as u32, 0x300..=0x36F | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_with_and_without_its_marks() {
        for (written, plain) in [
            ("MÜLLER", "muller"),
            ("Mu\u{308}ller", "muller"),
            ("Weiß", "weiss"),
            ("WEISS", "weiss"),
            ("Łukasz", "lukasz"),
            ("Søren", "soren"),
            ("İpek", "ipek"),
            ("Đorđe", "dorde"),
            ("Nguyễn", "nguyen"),
            ("O", "o"),
        ] {
            assert_eq!(folded(written), plain, "{written}");
        }
        assert_eq!(transcribed("Müller").as_deref(), Some("mueller"));
        assert_eq!(transcribed("MU\u{308}LLER").as_deref(), Some("mueller"));
        assert_eq!(transcribed("Søren").as_deref(), Some("soeren"));
        assert_eq!(transcribed("Weiß"), None);
        assert_eq!(transcribed("Mueller"), None);
    }
}
