//! Consent on paper: what a FHIR Consent lets a custodian do, as the receipt that its vault keeps.

use alloy::primitives::keccak256;
use caduceus_policy::Purpose;
use caduceus_protect::Date;
use caduceus_records::ConsentRecord;
use caduceus_vault::Receipt;

/// What a consent that names no purpose is for: research and public health.
const BROAD: [Purpose; 3] =
    [Purpose::GeneralResearch, Purpose::HealthResearch, Purpose::PublicHealth];

/// The receipt of one patient. Without a document it permits only where the custodian vouches.
pub(super) fn receipt(pseudonym: String, consent: Option<&ConsentRecord>, vouch: bool) -> Receipt {
    let Some(consent) = consent else {
        let document_hash =
            hash(&pseudonym, &["vouched for by the custodian", if vouch { "yes" } else { "no" }]);
        return Receipt {
            pseudonym,
            permit: vouch,
            purposes: bitmap(&BROAD),
            begins: None,
            expires: None,
            document_hash,
            erased: false,
        };
    };
    let [begins, expires] =
        [&consent.begins, &consent.expires].map(|bound| bound.as_deref().map(first_second));
    let document_hash = hash(
        &pseudonym,
        &[
            if consent.permit { "permit" } else { "deny" },
            &consent.purposes.join(","),
            consent.begins.as_deref().unwrap_or_default(),
            consent.expires.as_deref().unwrap_or_default(),
            consent.given.as_deref().unwrap_or_default(),
        ],
    );
    // A bound that cannot be read is one that may not have come yet, or may be over.
    let readable = begins != Some(None) && expires != Some(None);
    Receipt {
        permit: consent.permit && readable,
        purposes: if consent.purposes.is_empty() {
            bitmap(&BROAD)
        } else {
            bitmap(&named(&consent.purposes))
        },
        begins: begins.flatten(),
        expires: expires.flatten(),
        pseudonym,
        document_hash,
        erased: false,
    }
}

/// Whether a receipt covers a use for `purpose` at `now`.
pub(super) fn covers(receipt: &Receipt, purpose: u8, now: u64) -> bool {
    stands(receipt, now) && receipt.purposes & (1 << purpose) != 0
}

/// Whether a receipt permits anything at `now`.
pub(super) fn stands(receipt: &Receipt, now: u64) -> bool {
    receipt.permit
        && receipt.begins.is_none_or(|begins| begins <= now)
        && receipt.expires.is_none_or(|expires| now < expires)
}

/// The purposes behind codes of GA4GH DUO and HL7 PurposeOfUse; a code that is not known permits nothing.
fn named(codes: &[String]) -> Vec<Purpose> {
    codes
        .iter()
        .filter_map(|code| {
            if code == "HRESCH" { Some(Purpose::HealthResearch) } else { code.parse().ok() }
        })
        .collect()
}

fn bitmap(purposes: &[Purpose]) -> u64 {
    purposes.iter().fold(0, |all, purpose| all | 1 << purpose.number())
}

/// The first second of the day that a period's bound names, in seconds since 1970; of a year or a month, of its first day.
/// So a consent ends with the day before its last one begins: rather too early than too late. One that begins on a date
/// without a time zone begins with that day in UTC.
fn first_second(text: &str) -> Option<u64> {
    let day = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.get(..10)?.to_owned(),
    };
    Date::parse(&day)?;
    let mut numbers = day.split('-').map(|number| number.parse::<i64>().ok());
    let (year, month, day) = (numbers.next()??, numbers.next()??, numbers.next()??);
    // Days since 1970 in the Gregorian calendar, counted from March so that leap days come last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    u64::try_from(days * 86_400).ok()
}

fn hash(pseudonym: &str, parts: &[&str]) -> [u8; 32] {
    let mut text = pseudonym.to_owned();
    for part in parts {
        text.push('\n');
        text.push_str(part);
    }
    keccak256(text).0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_consent_ends_with_the_first_second_of_its_last_day() {
        // `date -u -d 2027-03-01 +%s`, and so on.
        assert_eq!(first_second("2027-03-01"), Some(1_803_859_200));
        assert_eq!(first_second("2028-02-29T12:00:00Z"), Some(1_835_395_200));
        assert_eq!(first_second("2030"), Some(1_893_456_000));
        assert_eq!(first_second("2030-06"), Some(1_906_502_400));
        assert_eq!(first_second("soon"), None);
        assert_eq!(first_second("2027-02-30"), None);
    }

    #[test]
    fn only_named_and_known_purposes_are_covered() {
        let receipt = |codes: &[&str]| Receipt {
            pseudonym: String::new(),
            permit: true,
            purposes: bitmap(&named(
                &codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>(),
            )),
            begins: Some(10),
            expires: Some(100),
            document_hash: [0; 32],
            erased: false,
        };
        let health = Purpose::HealthResearch.number();
        assert!(covers(&receipt(&["HRESCH"]), health, 99));
        assert!(!covers(&receipt(&["HRESCH"]), health, 100));
        assert!(covers(&receipt(&["HRESCH"]), health, 10));
        assert!(!covers(&receipt(&["HRESCH"]), health, 9));
        assert!(!covers(&receipt(&["HMARKT"]), health, 50));
        assert!(!covers(&receipt(&["HRESCH"]), Purpose::Commercial.number(), 50));
    }
}
