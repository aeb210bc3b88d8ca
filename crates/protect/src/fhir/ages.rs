//! How old somebody is, wherever FHIR R4 says it: in elements for ages, and as a value of what is coded as an age.

use serde_json::{Map, Value};

use crate::safe_harbor::OLDEST_AGE;

/// What stands for an age over 89 in text.
pub(super) const OLDEST: &str = "90 or older";

/// Codes of ages: those of LOINC in HL7's value set LOINCObservationActContextAgeType and 63900-5 (current age or age at
/// death); of SNOMED CT 397669002 (age), 424144002 (current chronological age), 445518008 (age at onset) and 105727008 (age
/// and growth period).
const CODES: [&str; 10] = [
    "21611-9",
    "21612-7",
    "29553-5",
    "30525-0",
    "30972-4",
    "63900-5",
    "397669002",
    "424144002",
    "445518008",
    "105727008",
];
/// Units of time as UCUM and as words, with how many are a year.
const UNITS: [(&str, f64); 7] = [
    ("a y yr yrs year years yo jahr jahre jahren ans an años año anni anno anos jaar", 1.0),
    ("mo mos month months monat monate monaten mois meses mes mesi maand maanden", 12.0),
    ("wk wks week weeks woche wochen semaines semaine", 365.25 / 7.0),
    ("d day days tag tage tagen jours jour", 365.25),
    ("h hr hrs hour hours stunden", 365.25 * 24.0),
    ("min minute minutes minuten", 365.25 * 24.0 * 60.0),
    ("s sec second seconds sekunden", 365.25 * 24.0 * 3600.0),
];

/// Whether an element is an age by its name: `onsetAge`, `referenceRange.age`, or a range of ages.
pub(super) fn is_element(key: &str) -> bool {
    key.ends_with("Age")
        || matches!(
            key,
            "age"
                | "onsetRange"
                | "abatementRange"
                | "ageRange"
                | "deceasedRange"
                | "performedRange"
                | "ageString"
                | "deceasedString"
        )
}

/// Whether an object's code says that its value is an age: by a known code, or by how it is shown.
pub(super) fn is_coded(object: &Map<String, Value>) -> bool {
    let Some(code) = object.get("code").and_then(Value::as_object) else { return false };
    let codings = code.get("coding").and_then(Value::as_array).into_iter().flatten();
    let text = code
        .get("text")
        .into_iter()
        .chain(codings.clone().filter_map(|coding| coding.get("display")));
    codings.filter_map(|coding| coding["code"].as_str()).any(|code| CODES.contains(&code))
        || text.filter_map(Value::as_str).any(says_age)
}

/// What has the word in it and is not how old somebody is.
const NO_AGES: [&str; 6] =
    ["gestation", "per age", "for age", "age-related", "age related", "percentile"];

/// Whether a display is about the age of a person.
fn says_age(text: &str) -> bool {
    let text = text.to_lowercase();
    let mut words = text.split(|c: char| !c.is_alphabetic());
    words.any(|word| matches!(word, "age" | "alter" | "âge" | "edad" | "età" | "leeftijd"))
        && !NO_AGES.iter().any(|other| text.contains(other))
}

/// The age that takes the place of one over 89, in its own unit; `None` for a number that is no such age.
///
/// A number in a unit of time is an age wherever it stands, since nothing about a person takes longer. Where an age must
/// stand (`age`), so is a number without a unit that is understood.
pub(super) fn oldest(value: f64, around: &Map<String, Value>, age: bool) -> Option<Value> {
    let units = ["unit", "code"].map(|key| around.get(key).and_then(Value::as_str));
    let per_year = units.iter().flatten().filter_map(|unit| in_a_year(unit)).reduce(f64::min);
    let measured = || units.iter().flatten().any(|unit| super::is_unit(unit) && *unit != "1");
    let per_year = match per_year {
        Some(per_year) => per_year,
        None if age && !measured() => 1.0,
        None => return None,
    };
    let oldest = f64::from(OLDEST_AGE + 1);
    // Numbers are below a million.
    (value >= oldest * per_year).then(|| Value::from((oldest * per_year).ceil() as u64))
}

fn in_a_year(unit: &str) -> Option<f64> {
    let unit = unit.trim().to_lowercase();
    let unit = unit.trim_end_matches('.');
    let found = UNITS.iter().find(|(words, _)| words.split(' ').any(|word| word == unit));
    found.map(|(_, per_year)| *per_year)
}

/// Whether a text where an age must stand has a number that is an age over 89 in years, or in months.
pub(super) fn tells_old(text: &str) -> bool {
    let numbers =
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse::<u32>().ok());
    let mut old = numbers.filter(|number| (OLDEST_AGE + 1..1_800).contains(number));
    !text.contains(OLDEST) && old.next().is_some()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn ages_are_compared_in_years_and_told_in_their_unit() {
        let of =
            |value: f64, around: Value, age: bool| oldest(value, around.as_object().unwrap(), age);
        for (value, around, expected) in [
            (97.0, json!({}), Some(90)),
            (97.0, json!({ "unit": "Jahre" }), Some(90)),
            (97.0, json!({ "code": "1" }), Some(90)),
            (89.0, json!({ "unit": "a" }), None),
            (1_164.0, json!({ "unit": "mo", "code": "mo" }), Some(1_080)),
            (1_079.0, json!({ "code": "mo" }), None),
            (4_700.0, json!({ "code": "wk" }), Some(4_697)),
            (33_000.0, json!({ "unit": "days" }), Some(32_873)),
            (900.0, json!({ "unit": "wk" }), None),
            (97.0, json!({ "unit": "mg/dL", "code": "mg/dL" }), None),
        ] {
            assert_eq!(
                of(value, around.clone(), true),
                expected.map(Value::from),
                "{value} {around}"
            );
        }
        assert_eq!(of(97.0, json!({}), false), None);
        assert_eq!(of(1_164.0, json!({ "unit": "mo" }), false), Some(Value::from(1_080)));
    }

    #[test]
    fn an_age_is_known_by_its_element_its_code_or_its_words() {
        assert!(
            is_element("onsetAge")
                && is_element("age")
                && !is_element("dosage")
                && !is_element("image")
        );
        for code in [
            json!({ "coding": [{ "code": "30525-0" }] }),
            json!({ "coding": [{ "code": "424144002" }] }),
            json!({ "coding": [{ "code": "x", "display": "Age at diagnosis" }] }),
            json!({ "text": "Alter" }),
        ] {
            assert!(is_coded(json!({ "code": code }).as_object().unwrap()), "{code}");
        }
        for code in [
            json!({ "text": "Gestational age" }),
            json!({ "text": "Dosage" }),
            json!({ "text": "Age-related cataract" }),
            json!({ "text": "BMI per age and sex" }),
            json!("a"),
        ] {
            assert!(!is_coded(json!({ "code": code }).as_object().unwrap()), "{code}");
        }
        assert!(
            tells_old("97") && tells_old("97 J.") && !tells_old("48") && !tells_old("born 2010")
        );
    }
}
