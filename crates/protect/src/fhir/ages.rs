//! How old somebody is, wherever FHIR R4 says it: in elements for ages, and as a value of what is coded as an age, a year of
//! birth, a date or a place.

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

/// What a value says of somebody, where a code tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// How old somebody is.
    Age,
    /// When somebody was born.
    Birth,
    /// Where somebody lives: a postal code, or degrees.
    Place,
    /// When something was.
    Date,
    /// Anything else.
    Other,
}

/// LOINC's code of a year of birth, and of a postal code.
const BIRTH: &str = "80904-6";
const POSTAL: &str = "45401-7";
/// LOINC's codes of a date of birth, of the last menstrual period, and of an estimated delivery.
const DATES: [&str; 3] = ["21112-8", "8665-2", "11778-8"];
/// What is shown for a year of birth, and for a place in figures, in small letters.
const BIRTHS: [&str; 8] = [
    "year of birth",
    "birth year",
    "birthyear",
    "year born",
    "geburtsjahr",
    "jahrgang",
    "année de naissance",
    "año de nacimiento",
];
const PLACES: [&str; 11] = [
    "zip",
    "zipcode",
    "postcode",
    "plz",
    "postleitzahl",
    "latitude",
    "longitude",
    "geocode",
    "geolocation",
    "postal code",
    "code postal",
];

/// What an object's code says of its value: by a known code, or by how it is shown.
pub(super) fn meaning(object: &Map<String, Value>) -> Meaning {
    let Some(code) = object.get("code").and_then(Value::as_object) else { return Meaning::Other };
    let codings = || code.get("coding").and_then(Value::as_array).into_iter().flatten();
    for coded in codings().filter_map(|coding| coding["code"].as_str()) {
        match coded {
            BIRTH => return Meaning::Birth,
            POSTAL => return Meaning::Place,
            coded if DATES.contains(&coded) => return Meaning::Date,
            coded if CODES.contains(&coded) => return Meaning::Age,
            _ => {}
        }
    }
    let shown = code.get("text").into_iter().chain(codings().filter_map(|c| c.get("display")));
    let told = shown.filter_map(Value::as_str).map(told);
    told.into_iter().find(|meaning| *meaning != Meaning::Other).unwrap_or(Meaning::Other)
}

/// What a display says of a value.
fn told(text: &str) -> Meaning {
    let text = text.to_lowercase();
    let word = |phrase: &str| {
        text.split(phrase).count() > 1
            && format!(" {} ", text.replace(|c: char| !c.is_alphanumeric(), " "))
                .contains(&format!(" {phrase} "))
    };
    match () {
        () if says_age(&text) => Meaning::Age,
        () if BIRTHS.iter().any(|phrase| text.contains(phrase)) => Meaning::Birth,
        () if PLACES.iter().any(|phrase| word(phrase)) => Meaning::Place,
        () if says_date(&text) => Meaning::Date,
        () => Meaning::Other,
    }
}

/// What has the word in it and is not how old somebody is.
const NO_AGES: [&str; 6] =
    ["gestation", "per age", "for age", "age-related", "age related", "percentile"];

/// Whether a display in small letters is about the age of a person.
fn says_age(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_alphabetic());
    words.any(|word| matches!(word, "age" | "alter" | "âge" | "edad" | "età" | "leeftijd"))
        && !NO_AGES.iter().any(|other| text.contains(other))
}

/// What has the word in it and is not when something was: the fruit is one that allergies are measured of.
const NO_DATES: [&str; 6] =
    ["to date", "out of date", "date fruit", "date palm", "date pollen", "date ige"];
/// What is shown for a part of a date, or for all of it where the word for one means much else too.
const DATED: [&str; 11] = [
    "day of birth",
    "month of birth",
    "birth month",
    "tag der",
    "jour de",
    "data de",
    "data di",
    "data da",
    "data do",
    "data del",
    "data d",
];

/// Whether a display in small letters is about the day of something, as `date of admission` and `aufnahmedatum` are.
fn says_date(text: &str) -> bool {
    let spaced = format!(" {} ", text.replace(|c: char| !c.is_alphanumeric(), " "));
    let has = |phrase: &str| spaced.contains(&format!(" {phrase} "));
    let date = |word: &str| {
        matches!(word, "date" | "dates" | "dob" | "birthdate" | "birthday" | "geburtstag")
            || matches!(word, "fecha" | "fechas")
            || word.ends_with("datum")
            || ["日付", "生年月日", "誕生日"].iter().any(|whole| word.contains(whole))
    };
    (spaced.split_whitespace().any(date) || DATED.iter().any(|phrase| has(phrase)))
        && !NO_DATES.iter().any(|phrase| has(phrase))
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

/// What ages over 89 in words begin with, in English, German, French, Spanish and Italian.
const OLD_WORDS: [&str; 14] = [
    "ninet",
    "nonagen",
    "hundred",
    "centen",
    "neunzig",
    "hundert",
    "quatre-vingt-dix",
    "quatre-vingt-onze",
    "quatre-vingt-douze",
    "quatre-vingt-treize",
    "quatre-vingt-quatorze",
    "quatre-vingt-quinze",
    "noventa",
    "novant",
];

/// Whether a text where an age must stand has a word for one over 89, or a number that is an age over 89 in years, or in months.
pub(super) fn tells_old(text: &str) -> bool {
    let numbers =
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse::<u32>().ok());
    let mut old = numbers.filter(|number| (OLDEST_AGE + 1..1_800).contains(number));
    let lower = text.to_lowercase();
    !text.contains(OLDEST)
        && (old.next().is_some() || OLD_WORDS.iter().any(|word| lower.contains(word)))
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
            assert_eq!(
                meaning(json!({ "code": code }).as_object().unwrap()),
                Meaning::Age,
                "{code}"
            );
        }
        for code in [
            json!({ "text": "Gestational age" }),
            json!({ "text": "Dosage" }),
            json!({ "text": "Age-related cataract" }),
            json!({ "text": "BMI per age and sex" }),
            json!("a"),
        ] {
            assert_eq!(
                meaning(json!({ "code": code }).as_object().unwrap()),
                Meaning::Other,
                "{code}"
            );
        }
        for (code, expected) in [
            (json!({ "coding": [{ "code": "80904-6" }] }), Meaning::Birth),
            (json!({ "text": "Year of birth" }), Meaning::Birth),
            (json!({ "coding": [{ "code": "45401-7" }] }), Meaning::Place),
            (json!({ "text": "ZIP" }), Meaning::Place),
            (
                json!({ "coding": [{ "code": "x", "display": "Postal code, home" }] }),
                Meaning::Place,
            ),
            (json!({ "text": "Zippered wound closure" }), Meaning::Other),
            (json!({ "text": "Date of admission" }), Meaning::Date),
            (json!({ "text": "Entlassungsdatum" }), Meaning::Date),
            (json!({ "text": "Data di nascita" }), Meaning::Date),
            (json!({ "text": "Fecha de ingreso" }), Meaning::Date),
            (json!({ "coding": [{ "code": "8665-2" }] }), Meaning::Date),
            (json!({ "text": "Immunizations up to date" }), Meaning::Other),
            (json!({ "text": "Transplant candidate" }), Meaning::Other),
            (json!({ "text": "Date palm pollen IgE" }), Meaning::Other),
            (json!({ "text": "Data quality" }), Meaning::Other),
            (json!({ "text": "Data documented" }), Meaning::Other),
            (json!({ "text": "Number of GPs seen" }), Meaning::Other),
        ] {
            assert_eq!(meaning(json!({ "code": code }).as_object().unwrap()), expected, "{code}");
        }
        assert!(
            tells_old("97")
                && tells_old("97 J.")
                && tells_old("Ninety-seven")
                && tells_old("siebenundneunzig")
                && !tells_old("48")
                && !tells_old("born 2010")
        );
    }
}
