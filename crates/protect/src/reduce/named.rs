//! What a column holds, by its name, where a policy does not say it.
//!
//! A name is taken apart at capitals and at what is no letter or digit, so that `patientAge` and `patient_age` are both
//! ages and `dosage` is none. Values decide what becomes of it: what is no number, year or code stays as it is.

use crate::safe_harbor::{self, OLDEST_AGE, SparseAreas, has_five_digits, with_zeros};
use crate::table::Column;

/// What is known of a column by its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Holds {
    /// Ages, in a unit of which so many are a year.
    Age(f64),
    /// Years, or dates of births.
    Year,
    /// Postal codes.
    Zip,
    /// Places smaller than a state.
    Place,
    /// What else is among the eighteen identifiers, in words.
    Identifier(&'static str),
}

const AGES: [&str; 11] =
    ["age", "ages", "alter", "edad", "âge", "età", "idade", "leeftijd", "wiek", "ålder", "alder"];
/// Units of ages, with how many are a year.
const UNITS: [(&str, f64); 3] = [
    ("month months mo mos monat monate mois mes meses mesi maanden", 12.0),
    ("week weeks wk wks woche wochen semaine semaines", 365.25 / 7.0),
    ("day days tag tage jour jours", 365.25),
];
const YEARS: &str = "year yr yob jahr jahrgang geburtsjahr année annee año anno jaar geboortejaar birthyear yearofbirth \
    birth born dob dateofbirth birthdate birthday geburtsdatum geburtstag";
const ZIPS: &str = "zip zip3 zip4 zip5 zip9 zipcode zipcodes postcode postalcode plz postleitzahl zcta codepostal codigopostal \
    códigopostal codicepostale";
const PLACES: &str = "address addr street city town village county municipality district precinct parish neighborhood \
    neighbourhood adresse anschrift straße strasse hausnummer ort wohnort stadt gemeinde kreis landkreis rue ville commune \
    dirección direccion calle ciudad municipio provincia indirizzo via città citta comune latitude longitude lat lon lng \
    geohash coordinates geocode tract censustract";
const OTHERS: [(&str, &str); 11] = [
    (
        "names of persons",
        "name surname firstname lastname fullname givenname familyname middlename maidenname patientname vorname nachname \
         familienname prénom prenom apellido apellidos nombre nome cognome",
    ),
    (
        "telephone numbers",
        "phone telephone tel mobile cellphone phonenumber telefon handy téléphone teléfono telefono fax",
    ),
    ("email addresses", "email mail emailaddress"),
    (
        "national numbers",
        "ssn socialsecuritynumber nhs nhsnumber nir dni nif cpf bsn aadhaar passport passportnumber",
    ),
    (
        "medical record numbers",
        "mrn medicalrecordnumber patientid patientno patientnumber personid subjectid memberid id uuid",
    ),
    (
        "account or insurance numbers",
        "account accountnumber iban policynumber insuranceid insurancenumber beneficiaryid",
    ),
    ("licences", "licence license licencenumber licensenumber driverslicense"),
    ("vehicles", "vin plate licenseplate licenceplate kennzeichen"),
    ("devices", "imei udi serial serialnumber deviceid macaddress"),
    ("web or IP addresses", "url website homepage ip ipaddress ipv4 ipv6"),
    ("pictures or biometric data", "photo photograph picture fingerprint biometric"),
];

/// What a column of this name holds; `None` where the name does not tell.
pub(crate) fn of(name: &str) -> Option<Holds> {
    let words = words(name);
    let joined = words.concat();
    let is = |list: &str| {
        list.split_whitespace().any(|listed| joined == listed || words.iter().any(|w| w == listed))
    };
    // Of words that mean much else too, only the whole name tells.
    let whole = |list: &str| list.split_whitespace().any(|listed| joined == listed);
    if words.iter().any(|word| AGES.contains(&word.as_str())) {
        let unit = UNITS.iter().find(|(unit, _)| is(unit));
        return Some(Holds::Age(unit.map_or(1.0, |(_, per_year)| *per_year)));
    }
    if is(ZIPS) || joined.starts_with("postalcode") {
        return Some(Holds::Zip);
    }
    let births = ["birth", "born", "birthday"];
    if YEARS.split_whitespace().any(|listed| {
        joined == listed || !births.contains(&listed) && words.iter().any(|word| word == listed)
    }) {
        return Some(Holds::Year);
    }
    if is(PLACES) && !whole("birthcity") {
        return Some(Holds::Place);
    }
    let found = OTHERS.iter().find(|(_, list)| whole(list) || is_numbered(&words, list));
    found.map(|(kind, _)| Holds::Identifier(kind))
}

/// Whether the words of a name are one of a list with such as `patient` before it, or `number` behind it.
fn is_numbered(words: &[String], list: &str) -> bool {
    const AROUND: [&str; 12] = [
        "patient", "person", "subject", "member", "home", "work", "contact", "number", "no", "nr",
        "mother", "father",
    ];
    let bare: String =
        words.iter().filter(|word| !AROUND.contains(&word.as_str())).map(String::as_str).collect();
    bare != "id" && bare != "name" && list.split_whitespace().any(|listed| listed == bare)
}

/// `patientAge_2` is patient, age and 2.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        let parts = !c.is_alphanumeric() || c.is_uppercase() && small;
        if parts && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        small = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What Safe Harbor leaves of a value of such a column; `None` where the name does not tell.
pub(super) struct Reduction<'a> {
    holds: Holds,
    /// The year at which ages are counted.
    year: i32,
    sparse: &'a SparseAreas,
    digits: Digits,
}

/// How long the postal codes of a column are.
#[derive(Clone, Copy, PartialEq)]
enum Digits {
    /// Some have five digits, so that one of four lost its zero.
    Five,
    /// All have four: those of another country, or ones of the United States that all lost their zero.
    Four,
    /// All have three or fewer: they were reduced before.
    Three,
    Other,
}

impl<'a> Reduction<'a> {
    pub(super) fn of(column: &Column, year: i32, sparse: &'a SparseAreas) -> Option<Reduction<'a>> {
        let holds = of(&column.name)
            .filter(|holds| matches!(holds, Holds::Age(_) | Holds::Year | Holds::Zip))?;
        Some(Reduction { holds, year, sparse, digits: Digits::of(column) })
    }

    pub(super) fn is_place(&self) -> bool {
        self.holds == Holds::Zip
    }

    pub(super) fn value(&self, value: &str) -> String {
        match self.holds {
            Holds::Age(per_year) => {
                let oldest = (f64::from(OLDEST_AGE + 1) * per_year).floor();
                let age = value.trim().parse::<f64>().ok();
                // A larger number is no age.
                match age.filter(|age| (oldest..=150.0 * per_year).contains(age)) {
                    Some(_) => oldest.to_string(),
                    None => value.to_owned(),
                }
            }
            Holds::Year if shows_old_year(value, self.year) => String::new(),
            Holds::Zip => self.zip(value),
            _ => value.to_owned(),
        }
    }

    fn zip(&self, code: &str) -> String {
        let code = code.trim();
        let sparse = |area: String, whole: &str| match self.sparse.has(whole) {
            true => "000".to_owned(),
            false => area,
        };
        let area = |code: &str| safe_harbor::area(code, None, self.sparse).unwrap_or_default();
        match self.digits {
            _ if code.is_empty() => String::new(),
            Digits::Three => sparse(code.to_owned(), &format!("{code:0>3}")),
            Digits::Four if is_four(code) => {
                sparse(code[..2].to_owned(), &format!("0{}", &code[..2]))
            }
            Digits::Five => area(&with_zeros(code)),
            _ => area(code),
        }
    }
}

impl Digits {
    fn of(column: &Column) -> Digits {
        let codes = || column.values.iter().map(|code| code.trim()).filter(|code| !code.is_empty());
        let few = |code: &str| code.len() <= 3 && code.bytes().all(|b| b.is_ascii_digit());
        if codes().any(has_five_digits) {
            Digits::Five
        } else if codes().all(few) {
            Digits::Three
        } else if codes().any(is_four) {
            Digits::Four
        } else {
            Digits::Other
        }
    }
}

/// Whether all postal codes of a column have four digits, which may be five that lost a zero.
pub(crate) fn has_four_digits(column: &Column) -> bool {
    Digits::of(column) == Digits::Four
}

fn is_four(code: &str) -> bool {
    code.len() == 4 && code.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a value is a year, with or without month and day, that shows an age over 89 at a year. Numbers of other
/// centuries are no years of anybody.
fn shows_old_year(value: &str, at: i32) -> bool {
    let date = crate::date::PartialDate::parse(&value.trim().replacen(' ', "T", 1));
    date.is_some_and(|date| is_old_year(date.year, at))
}

pub(crate) fn is_old_year(year: i32, at: i32) -> bool {
    year >= 1800 && safe_harbor::shows_high_age(year, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_what_a_column_holds_in_any_spelling() {
        for (name, holds) in [
            ("age", Some(Holds::Age(1.0))),
            ("patientAge", Some(Holds::Age(1.0))),
            ("Alter (Jahre)", Some(Holds::Age(1.0))),
            ("age_months", Some(Holds::Age(12.0))),
            ("birth_year", Some(Holds::Year)),
            ("YOB", Some(Holds::Year)),
            ("date of birth", Some(Holds::Year)),
            ("ZIP", Some(Holds::Zip)),
            ("postal_code", Some(Holds::Zip)),
            ("PLZ", Some(Holds::Zip)),
            ("home_city", Some(Holds::Place)),
            ("patient_id", Some(Holds::Identifier("medical record numbers"))),
            ("home_phone", Some(Holds::Identifier("telephone numbers"))),
            ("name", Some(Holds::Identifier("names of persons"))),
            ("dosage", None),
            ("stage", None),
            ("birth_weight", None),
            ("drug_name", None),
            ("test_id", None),
            ("native-country", None),
            ("state", None),
        ] {
            assert_eq!(of(name), holds, "{name}");
        }
    }
}
