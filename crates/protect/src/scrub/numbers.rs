//! Numbers that states and companies give to people, and telephones, by how their digits are grouped. Where the groups alone
//! could be measurements, the check digit tells, or the size.

use std::ops::Range;

use super::Identifier::{Other, SocialSecurity, Telephone};
use super::patterns::{Rule, always};
use super::sign;

/// Numbers of nations whose shape nothing else has: the Swiss AHV number, which begins with 756, the Brazilian CPF and CNPJ,
/// the French NIR, the Swedish personnummer and the Danish CPR number (six digits of a date, and four), the Italian codice
/// fiscale, the Mexican CURP and the Spanish NIE.
pub(super) const NATIONAL: [Rule; 1] = [Rule {
    kind: SocialSecurity,
    digits: 7,
    signs: sign::ANY,
    shape: concat!(
        r"(?:\b(?:ahv|avs|cpf|cnpj|nir|cpr|personnummer|codice fiscale|curp|nie)\b[\s:#.=]*)?(?:",
        r"\b756[.\s-]?\d{4}[.\s-]?\d{4}[.\s-]?\d{2}\b",
        r"|\b\d{3}\.\d{3}\.\d{3}-\d{2}\b|\b\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}\b",
        r"|\b[12]\s\d{2}\s(?:0[1-9]|1[0-2]|[2-9]\d)\s(?:\d{2}|2[ab])\s\d{3}\s\d{3}(?:\s\d{2})?\b",
        r"|\b(?:18|19|20)?\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[-+]\d{4}\b",
        r"|\b(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d{2}-\d{4}\b",
        r"|\b[a-z]{6}\d{2}[a-ehlmprst]\d{2}[a-z]\d{3}[a-z]\b|\b[a-z]{4}\d{6}[hmx][a-z]{5}[\da-z]\d\b",
        r"|\b[xyz]-?\d{7}-?[a-z]\b)"
    ),
    check: always,
}];

/// Numbers that are only told by their groups, after all that have a label were found.
pub(super) const GROUPED: [Rule; 6] = [
    // 123 456 782: the Canadian SIN and the Australian TFN.
    Rule {
        kind: SocialSecurity,
        digits: 9,
        signs: sign::ANY,
        shape: r"\b\d{3}[\s.·-]\d{3}[\s.·-]\d{3}\b",
        check: has_check_digit,
    },
    // 612 345 678: telephones of Spain, Portugal and Poland. Lower numbers may be findings in a row.
    Rule {
        kind: Telephone,
        digits: 9,
        signs: sign::ANY,
        shape: r"\b[6-9]\d{2}[\s.·-]\d{3}[\s.·-]\d{3}\b|^\s*\d{3}[\s.·-]\d{3}[\s.·-]\d{3}\s*$",
        check: no_row,
    },
    // 1234 5678 9012: the Indian Aadhaar number.
    Rule {
        kind: SocialSecurity,
        digits: 12,
        signs: sign::ANY,
        shape: r"\b[1-9]\d{3}[\s.-]\d{4}[\s.-]\d{4}\b",
        check: no_row,
    },
    // 12345678Z: the Spanish DNI.
    Rule {
        kind: SocialSecurity,
        digits: 8,
        signs: sign::ANY,
        shape: r"\b\d{8}-?[a-z]\b",
        check: is_dni,
    },
    // A12345678: one letter and seven to nine digits, as passports and insurers count. With C or D they are concepts of UMLS and
    // MeSH. And hashes.
    Rule {
        kind: Other,
        digits: 4,
        signs: sign::ANY,
        shape: r"\b[abe-z]\d{7,9}\b|\b[0-9a-f]{32,64}\b|\b(?:pat|patient|pid|enc|case|fall|visit|subj|subject|acct|hosp|person|member)[-_]?\d{4,}\b",
        check: always,
    },
    Rule {
        kind: Telephone,
        digits: 8,
        signs: sign::ANY,
        shape: r"\b\d{3}\s?[·•∙‧]\s?\d{3}\s?[·•∙‧]\s?\d{4}\b",
        check: always,
    },
];

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

/// Whether nine digits have Luhn's check digit, as a Canadian social insurance number (ISO/IEC 7812-1, annex B), or are
/// divisible by eleven by the weights of an Australian tax file number (Australian Taxation Office).
fn has_check_digit(text: &str, found: Range<usize>) -> bool {
    const WEIGHTS: [u32; 9] = [1, 4, 3, 7, 5, 8, 6, 9, 10];
    let number = digits(&text[found.clone()]);
    let doubled = number.iter().enumerate().map(|(position, digit)| match position % 2 {
        1 => digit * 2 / 10 + digit * 2 % 10,
        _ => *digit,
    });
    let weighed: u32 = number.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    let holds = doubled.sum::<u32>().is_multiple_of(10) || weighed.is_multiple_of(11);
    holds && no_row(text, found)
}

/// Whether groups of digits are one number, and not years, times or doses in a row: not all round, not all years, and nothing of
/// the kind behind.
fn no_row(text: &str, found: Range<usize>) -> bool {
    let goes_on = text[found.end..]
        .trim_start_matches([' ', ',', '-'])
        .starts_with(|c: char| c.is_ascii_digit());
    let groups: Vec<u32> = text[found]
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|group| group.parse().ok())
        .collect();
    let round = groups.iter().all(|group| group % 5 == 0);
    let years = groups.iter().all(|group| (1_000..=2_400).contains(group));
    !goes_on && !round && !years
}

/// Whether the letter is that of the number: the rest by 23 (Spain, Real Decreto 1553/2005).
fn is_dni(text: &str, found: Range<usize>) -> bool {
    let text = &text[found];
    let number: u32 = text[..8].parse().unwrap_or_default();
    let letter = b"TRWAGMYFPDXBNJZSQVHLCKE"[(number % 23) as usize];
    text.bytes().last().is_some_and(|last| last.eq_ignore_ascii_case(&letter))
}
