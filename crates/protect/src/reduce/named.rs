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

/// Ages in English, German, French, Spanish, Italian, Portuguese, Dutch, Polish, Czech, Nordic languages, Turkish, Russian and
/// Japanese.
const AGES: &str = "age ages alter lebensalter patientenalter edad âge età eta idade leeftijd wiek věk ålder alder ikä yaş возраст \
    年齢 年令";
/// What stands beside them in names that are one word: `agevis`, `patage`, `alterjahre`.
const AGED: [&str; 4] = ["age", "alter", "edad", "idade"];
const BESIDE_AGE: &str = "vis visit yr yrs year years y atonset onset atvisit atdx dx diag atdiagnosis diagnosis adm atadmission \
    admission atdeath death enroll atenrollment enrollment bl baseline group grp at in inyears inmonths num n jahre injahren \
    jahren beiaufnahme beidiagnose bei anos años enanos enaños pat pt patient subj subject person member client maternal mother \
    current calc mean";
/// Units of ages, with how many are a year.
const UNITS: [(&str, f64); 3] = [
    (
        "month months mo mos mon mths monat monate monaten mois mes meses mês mesi maand maanden inmonths",
        12.0,
    ),
    (
        "week weeks wk wks woche wochen semaine semaines semana semanas settimane weken",
        365.25 / 7.0,
    ),
    ("day days tag tage tagen jour jours dia dias día días giorni dagen", 365.25),
];
const YEARS: &str = "year yr yob birthyr birthyear yearofbirth dobyr yrbirth byear jahr jahrgang geburtsjahr gebjahr gebj année annee \
    año ano anno jaar geboortejaar birth born dob bdate birthdt dateofbirth birthdate birthday datebirth geburtsdatum gebdat \
    gebdatum geburtstag anneenaissance anneedenaissance annéenaissance annéedenaissance datenaissance datedenaissance ddn \
    fechanacimiento fechadenacimiento fechanac añonacimiento añodenacimiento anonacimiento anodenacimiento datanascita \
    datadinascita annonascita annodinascita datanascimento datadenascimento anonascimento anodenascimento geboortedatum \
    生年月日 生年 誕生日";
const ZIPS: &str = "zip zip3 zip4 zip5 zip9 zipcode zipcodes zipcd ziphome homezip reszip patientzip patzip postcode postcodes plz \
    postleitzahl zcta codepostal codigopostal códigopostal codpostal codicepostale codiceavviamentopostale postnummer postnr 郵便番号";
const PLACES: &str = "address addr street city town village county municipality district precinct parish neighborhood \
    neighbourhood adresse anschrift straße strasse hausnummer ort wohnort stadt gemeinde kreis landkreis rue ville commune \
    dirección direccion domicilio calle ciudad municipio provincia localidad población poblacion indirizzo via città citta \
    comune residenza endereço endereco morada cidade bairro adres straat straatnaam huisnummer plaats woonplaats gemeente \
    latitude longitude lat lon lng geohash coordinates geocode tract censustract 住所 市区町村";
const OTHERS: [(&str, &str); 11] = [
    (
        "names of persons",
        "name surname firstname lastname fullname givenname familyname middlename maidenname patientname fname lname mname \
         firstnm lastnm ptname patname vorname nachname familienname geburtsname rufname patientenname nom prénom prenom \
         nomdefamille nomusuel nomdenaissance nomnaissance apellido apellidos nombre nombres nombrecompleto primerapellido \
         segundoapellido nome cognome nominativo sobrenome apelido nomecompleto naam voornaam achternaam familienaam \
         roepnaam 氏名 名前 患者名 患者氏名",
    ),
    (
        "telephone numbers",
        "phone telephone tel mobile cell cellphone phonenumber phoneno mobilenumber telno telnr telefon telefonnummer handy \
         handynummer téléphone numérotéléphone numerotelephone teléfono telefono móvil movil celular cellulare telefone \
         telemóvel telemovel telefoon telefoonnummer fax faxnumber faxnummer 電話 電話番号",
    ),
    (
        "email addresses",
        "email mail emailaddress emailaddr emailadresse mailadresse courriel adressemail correo correoelectrónico \
         correoelectronico postaelettronica emailadres メール メールアドレス",
    ),
    (
        "national numbers",
        "ssn ssnumber ssno socialsecurity socialsecuritynumber socialinsurancenumber nhs nhsnumber nino tfn nir insee \
         numérosécuritésociale numerosecuritesociale numsecu nss dni nif nie curp cpf cns rut codicefiscale codfiscale bsn \
         burgerservicenummer rijksregisternummer sozialversicherungsnummer svnr svnummer rvnr steuerid steueridnr aadhaar \
         personnummer pesel passport passportnumber passnummer マイナンバー 個人番号",
    ),
    (
        "medical record numbers",
        "mrn mrnumber medrec medrecno medicalrecordnumber medicalrecordno hospitalnumber hospitalno hospno chartnumber chartno \
         recordnumber casenumber encounterid visitid csn patientid patientno patientnumber patid patno patnr ptid personid \
         subjectid memberid id uuid patientennummer patientenid patientennr fallnummer fallnr ipp numérodossier numerodossier \
         numdossier nhc historiaclinica numerohistoria cartellaclinica prontuario prontuário patientnummer dossiernummer \
         患者番号 患者id カルテ番号",
    ),
    (
        "account or insurance numbers",
        "account accountnumber iban policynumber insuranceid insurancenumber beneficiaryid kontonummer versichertennummer \
         versicherungsnummer kvnr krankenversichertennummer rekeningnummer polisnummer",
    ),
    ("licences", "licence license licencenumber licensenumber driverslicense führerschein"),
    ("vehicles", "vin plate licenseplate licenceplate kennzeichen matricule matrícula targa"),
    ("devices", "imei udi serial serialnumber seriennummer deviceid macaddress"),
    ("web or IP addresses", "url website homepage ip ipaddress ipv4 ipv6"),
    ("pictures or biometric data", "photo photograph picture foto fingerprint biometric"),
];
/// Dates, in any part of a name.
const DATES: &str = "date dates dob datum fecha yearmonth yyyymm geburtsdatum geburtstag birthdate birthday geboortedatum \
    aufnahmedatum entlassungsdatum 日付 生年月日 誕生日 受診日 入院日";
/// Their months, as whole names: an income of a month is no date.
const MONTHS: &str = "month monat mois mes mês mese maand birthmonth monthofbirth geburtsmonat visitmonth admissionmonth \
    monthofadmission dischargemonth";
/// What is scored, as in `scrub::days`.
const SCORES: &str = "score scores strength power murmur pain apgar grade nrs vas mrc motor reflex reflexes pulses kraft kraftgrad";

/// Whether the name of a column says that its values are dates.
pub(crate) fn is_date(name: &str) -> bool {
    let words = words(name);
    let joined = words.concat();
    let listed = |list: &str, word: &str| list.split_whitespace().any(|listed| listed == word);
    // In Italian and Portuguese a date is `data`, which alone is anything.
    let data = words.len() > 1 && words[0] == "data";
    data || joined.ends_with("date")
        || joined.ends_with("datum")
        || listed(MONTHS, &joined)
        || words.iter().any(|word| listed(DATES, word))
        || listed(YEARS, &joined) && joined.starts_with(['d', 'f', 'b', 'g'])
}

/// Whether the name of a column says that its values are scores.
pub(super) fn is_score(name: &str) -> bool {
    words(name).iter().any(|word| SCORES.split_whitespace().any(|score| score == word))
}

/// What stands beside the word for an age in a name that is one word, such as `vis` in `agevis`; `None` in `stage`.
fn beside_age(joined: &str) -> Option<&str> {
    AGED.iter().find_map(|age| {
        let beside = joined.strip_prefix(age).or_else(|| joined.strip_suffix(age))?;
        let unit = UNITS.iter().any(|(unit, _)| unit.split_whitespace().any(|unit| unit == beside));
        let known = BESIDE_AGE.split_whitespace().any(|known| known == beside);
        (unit || known).then_some(beside)
    })
}

/// What a column of this name holds; `None` where the name does not tell.
pub(crate) fn of(name: &str) -> Option<Holds> {
    let words = words(name);
    let joined = words.concat();
    let is = |list: &str| {
        list.split_whitespace().any(|listed| joined == listed || words.iter().any(|w| w == listed))
    };
    // Of words that mean much else too, only the whole name tells.
    let whole = |list: &str| list.split_whitespace().any(|listed| joined == listed);
    let beside = words.iter().chain([&joined]).find_map(|word| beside_age(word));
    let aged = |word: &String| AGES.split_whitespace().any(|age| age == word);
    if beside.is_some() || words.iter().any(aged) {
        let unit = UNITS
            .iter()
            .find(|(unit, _)| is(unit) || unit.split_whitespace().any(|unit| Some(unit) == beside));
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
            ("edad_anos", Some(Holds::Age(1.0))),
            ("alter_jahre", Some(Holds::Age(1.0))),
            ("alterjahre", Some(Holds::Age(1.0))),
            ("leeftijd", Some(Holds::Age(1.0))),
            ("idade", Some(Holds::Age(1.0))),
            ("Età", Some(Holds::Age(1.0))),
            ("ålder", Some(Holds::Age(1.0))),
            ("wiek", Some(Holds::Age(1.0))),
            ("年齢", Some(Holds::Age(1.0))),
            ("age_at_onset", Some(Holds::Age(1.0))),
            ("agevis", Some(Holds::Age(1.0))),
            ("AGEYRS", Some(Holds::Age(1.0))),
            ("patage", Some(Holds::Age(1.0))),
            ("agemonths", Some(Holds::Age(12.0))),
            ("edad_meses", Some(Holds::Age(12.0))),
            ("birthyr", Some(Holds::Year)),
            ("Geburtsjahr", Some(Holds::Year)),
            ("annee_naissance", Some(Holds::Year)),
            ("fecha_de_nacimiento", Some(Holds::Year)),
            ("data_nascita", Some(Holds::Year)),
            ("data_nascimento", Some(Holds::Year)),
            ("geboortedatum", Some(Holds::Year)),
            ("生年月日", Some(Holds::Year)),
            ("code_postal", Some(Holds::Zip)),
            ("código postal", Some(Holds::Zip)),
            ("郵便番号", Some(Holds::Zip)),
            ("woonplaats", Some(Holds::Place)),
            ("voornaam", Some(Holds::Identifier("names of persons"))),
            ("Sobrenome", Some(Holds::Identifier("names of persons"))),
            ("氏名", Some(Holds::Identifier("names of persons"))),
            ("telefoonnummer", Some(Holds::Identifier("telephone numbers"))),
            ("correo_electronico", Some(Holds::Identifier("email addresses"))),
            ("codice_fiscale", Some(Holds::Identifier("national numbers"))),
            ("Fallnummer", Some(Holds::Identifier("medical record numbers"))),
            ("患者番号", Some(Holds::Identifier("medical record numbers"))),
            ("triage", None),
            ("language", None),
            ("percentage", None),
            ("alteration", None),
            ("image", None),
            ("averageheartrate", None),
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
        for name in
            ["dob", "admission_date", "visitdate", "Aufnahmedatum", "fecha_ingreso", "birth_month"]
        {
            assert!(is_date(name), "{name}");
        }
        for name in
            ["data", "dose", "months", "update_count", "year", "geburtsgewicht", "income_per_month"]
        {
            assert!(!is_date(name), "{name}");
        }
    }
}
