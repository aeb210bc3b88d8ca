//! The Safe Harbor method of de-identification, 45 CFR 164.514(b)(2), as far as it is a matter of values.
//!
//! Most of the eighteen identifiers are met by not being read: the views ask for no name, no telephone number, no
//! picture. What is read and would identify is reduced here: places, dates and high ages.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// Ages above this are one class, "90 or older".
pub const OLDEST_AGE: u32 = 89;

/// No country's postal codes have more characters, spaces and dashes left out; what has is something else.
const LONGEST_CODE: usize = 9;

/// The first three digits of United States postal codes whose area held 20,000 people or fewer in the census of 2000 or of
/// 2010: who lived in a sparse area once is not shown by it later. Safe Harbor has them replaced by 000. Sources: U.S.
/// Department of Health and Human Services, Guidance Regarding Methods for De-identification of Protected Health
/// Information, answer on ZIP codes (2000); the same count over the ZIP Code Tabulation Areas of the 2010 census.
pub const RESTRICTED_PREFIXES: [&str; 21] = [
    "036", "059", "063", "102", "203", "205", "369", "556", "692", "753", "772", "790", "821",
    "823", "830", "831", "878", "879", "884", "890", "893",
];

/// The first three digits of the United States postal codes that are shown as 000: [`RESTRICTED_PREFIXES`], or a list of
/// the steward's own, such as one counted from a newer census.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SparseAreas(BTreeSet<String>);

impl Default for SparseAreas {
    fn default() -> SparseAreas {
        SparseAreas(RESTRICTED_PREFIXES.map(str::to_owned).into())
    }
}

impl SparseAreas {
    /// A list of one's own. `None` if it is empty or has something else than three digits in it.
    pub fn of(prefixes: Vec<String>) -> Option<SparseAreas> {
        let shaped =
            |prefix: &String| prefix.len() == 3 && prefix.bytes().all(|b| b.is_ascii_digit());
        let good = !prefixes.is_empty() && prefixes.iter().all(shaped);
        good.then(|| SparseAreas(prefixes.into_iter().collect()))
    }

    /// Whether an area of three digits is one of them.
    pub(crate) fn has(&self, prefix: &str) -> bool {
        self.0.contains(prefix)
    }
}

/// What is wrong with a list that [`SparseAreas::of`] refuses.
pub const NO_SPARSE_AREAS: &str =
    "it must list the first three digits of postal codes, such as [\"036\", \"059\"]";

/// What becomes of each of the eighteen identifiers, in the order of the rule, letters (A) to (R).
pub const IDENTIFIERS: [(&str, &str); 18] = [
    ("names", "never read"),
    (
        "places smaller than a state",
        "reduced to an area of the postal code, then generalized until k is reached",
    ),
    (
        "dates and ages over 89",
        "dates reduced to the year; ages over 89 and years that would show them removed",
    ),
    ("telephone numbers", "never read"),
    ("fax numbers", "never read"),
    ("email addresses", "never read"),
    ("social security numbers", "never read"),
    ("medical record numbers", "never read"),
    ("health plan numbers", "never read"),
    ("account numbers", "never read"),
    ("certificate and licence numbers", "never read"),
    ("vehicle identifiers", "never read"),
    ("device identifiers", "never read"),
    ("web addresses", "never read"),
    ("IP addresses", "never read"),
    ("biometric identifiers", "never read"),
    ("photographs", "never read"),
    (
        "any other identifying number or text",
        "resource ids replaced by keyed pseudonyms; free text dropped",
    ),
];

/// The first three characters of a postal code, without spaces and dashes, as far as Safe Harbor allows.
///
/// A code of three characters or fewer loses its last one, since the whole code names a place. Where `country` does not
/// say otherwise, the `sparse` areas of the United States are replaced too. `None`: no code that can be used.
pub(crate) fn area(
    postal_code: &str,
    country: Option<&str>,
    sparse: &SparseAreas,
) -> Option<String> {
    let plain: Vec<char> = postal_code
        .chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let shaped = plain.iter().all(char::is_ascii_alphanumeric)
        && plain.iter().any(char::is_ascii_digit)
        && match is_united_states(country) {
            true => matches!(plain.len(), 5 | 9) && plain.iter().all(char::is_ascii_digit),
            false => (2..=LONGEST_CODE).contains(&plain.len()),
        };
    if !shaped {
        return None;
    }
    let kept: String = plain[..3.min(plain.len() - 1)].iter().collect();
    let restricted = may_be_united_states(country) && sparse.0.contains(&kept);
    Some(if restricted { "000".to_owned() } else { kept })
}

/// A postal code with the zeros at its beginning that a spreadsheet took for a number's, in a column that has codes of five
/// digits: `3601` is `03601`, and `36011234` is `036011234`. Other codes stay as they are.
pub(crate) fn with_zeros(postal_code: &str) -> Cow<'_, str> {
    let plain: String = postal_code.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    match plain.len() {
        3 | 4 if is_digits(&plain) => Cow::Owned(format!("{plain:0>5}")),
        7 | 8 if is_digits(&plain) => Cow::Owned(format!("{plain:0>9}")),
        _ => Cow::Borrowed(postal_code),
    }
}

/// Whether a code has the five digits, or nine, of the United States and of other countries whose codes may begin with 0.
pub(crate) fn has_five_digits(postal_code: &str) -> bool {
    let plain: String = postal_code.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    matches!(plain.len(), 5 | 9) && is_digits(&plain)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn may_be_united_states(country: Option<&str>) -> bool {
    country.is_none_or(|name| name.trim().is_empty()) || is_united_states(country)
}

fn is_united_states(country: Option<&str>) -> bool {
    country.is_some_and(|name| {
        let name = name.trim().to_ascii_uppercase();
        matches!(name.as_str(), "US" | "USA" | "U.S." | "U.S.A.")
            || name.starts_with("UNITED STATES")
    })
}

/// Whether an event of this year would show that whoever had it is over 89 at the reference date.
pub(crate) fn shows_high_age(event_year: i32, reference_year: i32) -> bool {
    reference_year - event_year > OLDEST_AGE as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(postal_code: &str, country: Option<&str>) -> Option<String> {
        super::area(postal_code, country, &SparseAreas::default())
    }

    #[test]
    fn a_list_of_ones_own_replaces_the_one_that_is_built_in() {
        let own = SparseAreas::of(vec!["668".into()]);
        let of = |code| super::area(code, Some("US"), own.as_ref()?);
        assert_eq!((of("66801").as_deref(), of("03601").as_deref()), (Some("000"), Some("036")));
        for wrong in [vec![], vec!["66801".to_owned()], vec!["6 8".to_owned()]] {
            assert_eq!(SparseAreas::of(wrong), None);
        }
    }

    #[test]
    fn sparsely_populated_areas_of_the_united_states_become_000() {
        for prefix in RESTRICTED_PREFIXES {
            let code = format!("{prefix}12");
            for country in
                [None, Some("US"), Some("usa"), Some("United States of America"), Some("")]
            {
                assert_eq!(area(&code, country).as_deref(), Some("000"), "{code} {country:?}");
            }
            assert_eq!(area(&code, Some("DE")).as_deref(), Some(prefix));
        }
        assert_eq!(area("66801-1234", Some("US")).as_deref(), Some("668"));
    }

    #[test]
    fn a_code_that_lost_its_zeros_gets_them_back() {
        for (found, whole) in [
            ("3601", "03601"),
            ("501", "00501"),
            ("3601-1234", "036011234"),
            ("10001", "10001"),
            ("SW1A", "SW1A"),
        ] {
            assert_eq!(with_zeros(found), whole);
        }
        assert!(
            has_five_digits("03601") && has_five_digits("03601-1234") && !has_five_digits("3601")
        );
    }

    #[test]
    fn codes_of_other_shapes_lose_what_names_the_place() {
        assert_eq!(area("SW1A 1AA", Some("GB")).as_deref(), Some("SW1"));
        assert_eq!(area("101", Some("IS")).as_deref(), Some("10"));
        assert_eq!(area("100-0001", Some("JP")).as_deref(), Some("100"));
        for nothing in ["", " ", "7", "n/a", "Straße 5"] {
            assert_eq!(area(nothing, None), None, "{nothing}");
        }
    }

    #[test]
    fn an_event_ninety_years_back_shows_a_high_age() {
        assert!(shows_high_age(1936, 2026));
        assert!(!shows_high_age(1937, 2026));
    }
}
