//! Codes that are what they say: of a known terminology, shaped as its codes are.

/// Terminologies whose codes stay, by the beginning of their URI.
pub(super) const SYSTEMS: [&str; 12] = [
    "http://snomed.info/sct",
    "http://loinc.org",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://hl7.org/fhir/sid/icd-10",
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://hl7.org/fhir/sid/icd-9-cm",
    "http://hl7.org/fhir/sid/cvx",
    "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
    "http://www.whocc.no/atc",
    "urn:oid:2.16.840.1.113883.6.238",
    "urn:ietf:bcp:47",
    UNITS,
];
/// The system of units of measure, UCUM.
pub(super) const UNITS: &str = "http://unitsofmeasure.org";

/// Code systems of HL7 itself, whose codes are words of a closed list.
const HL7: [&str; 40] = [
    "http://terminology.hl7.org/CodeSystem/condition-clinical",
    "http://terminology.hl7.org/CodeSystem/condition-ver-status",
    "http://terminology.hl7.org/CodeSystem/condition-category",
    "http://terminology.hl7.org/CodeSystem/observation-category",
    "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus",
    "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
    "http://terminology.hl7.org/CodeSystem/v3-ActReason",
    "http://terminology.hl7.org/CodeSystem/v3-ActPriority",
    "http://terminology.hl7.org/CodeSystem/v3-Race",
    "http://terminology.hl7.org/CodeSystem/v3-Ethnicity",
    "http://terminology.hl7.org/CodeSystem/v2-0203",
    "http://terminology.hl7.org/CodeSystem/v2-0074",
    "http://terminology.hl7.org/CodeSystem/v2-0092",
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
    "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification",
    "http://terminology.hl7.org/CodeSystem/medicationrequest-category",
    "http://terminology.hl7.org/CodeSystem/medicationrequest-course-of-therapy",
    "http://terminology.hl7.org/CodeSystem/discharge-disposition",
    "http://terminology.hl7.org/CodeSystem/admit-source",
    "http://terminology.hl7.org/CodeSystem/diagnosis-role",
    "http://terminology.hl7.org/CodeSystem/encounter-type",
    "http://terminology.hl7.org/CodeSystem/data-absent-reason",
    "http://terminology.hl7.org/CodeSystem/reaction-event-severity",
    "http://terminology.hl7.org/CodeSystem/goal-achievement",
    "http://terminology.hl7.org/CodeSystem/goal-category",
    "http://terminology.hl7.org/CodeSystem/immunization-origin",
    "http://terminology.hl7.org/CodeSystem/immunization-recommendation-status",
    "http://terminology.hl7.org/CodeSystem/referencerange-meaning",
    "http://terminology.hl7.org/CodeSystem/dose-rate-type",
    "http://terminology.hl7.org/CodeSystem/service-type",
    "http://terminology.hl7.org/CodeSystem/procedure-category",
    "http://terminology.hl7.org/CodeSystem/care-plan-category",
    "http://terminology.hl7.org/CodeSystem/careteam-category",
    "http://hl7.org/fhir/administrative-gender",
    "http://hl7.org/fhir/observation-status",
    "http://hl7.org/fhir/encounter-status",
    "http://hl7.org/fhir/diagnostic-report-status",
];

/// Words that FHIR defines as codes of its elements, and of the code systems above.
const LISTED: &str = "
male female other unknown active inactive resolved recurrence relapse remission completed entered-in-error final amended
corrected preliminary registered cancelled appended partial in-progress finished planned arrived triaged onleave stopped
on-hold draft order proposal plan directive original-order reflex-order filler-order instance-order option not-done
preparation not-taken intended confirmed unconfirmed provisional differential refuted encounter-diagnosis
problem-list-item allergy intolerance food medication environment biologic low high unable-to-assess mild moderate severe
routine urgent asap stat proposed accepted rejected home work temp old mobile usual official secondary nickname anonymous
maiden postal physical both vital-signs laboratory social-history survey imaging procedure exam therapy activity
outpatient inpatient community discharge revoked suspended terminated achieved improving worsening no-change not-achieved
in-person negated waitlist ended on-hold-by-physician available unavailable unsatisfactory partial-result health-unknown
h min s d wk mo a ms
AMB EMER IMP ACUTE NONAC OBSENC PRENC SS HH FLD VR M F UN UNK OTH ASKU S D W P L T A I C N H HH LL HL U R B
PPRF SPRF ATND CON REF ADM DIS PART PAT PRS MR SS DL PPN
less-than greater-than < <= >= >
";
/// Units of measure in common use, by UCUM's case-sensitive codes and as they are printed.
const LISTED_UNITS: &str = "
1 % mm[Hg] mmHg /min {beats}/min beats/min {breaths}/min kg g mg ug ng pg kg/m2 cm m mm Cel [degF] [in_i] [lb_av] mg/dL g/dL g/L
mmol/L umol/L nmol/L pmol/L mmol/mol mol/L meq/L mEq/L U/L [IU]/L [iU]/L mIU/L u[IU]/mL ng/mL pg/mL ng/dL ug/dL ug/L
10*3/uL 10*6/uL 10*9/L 10*12/L fL pL mL L dL mL/min mL/min/{1.73_m2} mL/min/1.73m2 s min h d wk mo a ms Hz {score} {ratio}
{index} {nominal} {count} {#} #/a {T-score} {INR} mm/h kPa Pa J kcal kU/L 10*3/L L/min years year yr days day
score Torr mg/g mg/mmol [pH] pH
";

fn among(list: &str, word: &str) -> bool {
    !word.is_empty() && list.split_whitespace().any(|listed| listed == word)
}

/// Whether the URI is of a terminology whose codes can be told.
pub(super) fn is_system(uri: &str) -> bool {
    SYSTEMS.contains(&uri) || HL7.contains(&uri)
}

/// Whether a word is a code that FHIR defines.
pub(super) fn is_listed(word: &str) -> bool {
    among(LISTED, word)
}

/// Whether a unit is a common one.
pub(super) fn is_unit(unit: &str) -> bool {
    among(LISTED_UNITS, unit)
}

/// Whether a code of a terminology is shaped as its codes are.
pub(super) fn is_code(system: &str, code: &str) -> bool {
    let digits = code.bytes().all(|byte| byte.is_ascii_digit()) && !code.is_empty();
    match system {
        "http://snomed.info/sct" => digits && (6..=18).contains(&code.len()) && verhoeff(code),
        "http://loinc.org" => is_loinc(code),
        "http://www.nlm.nih.gov/research/umls/rxnorm" => digits && code.len() <= 7,
        "http://hl7.org/fhir/sid/cvx" => digits && code.len() <= 3,
        "http://hl7.org/fhir/sid/icd-9-cm" => code.len() <= 6 && is_icd9(code),
        "http://www.whocc.no/atc" => is_atc(code),
        "urn:oid:2.16.840.1.113883.6.238" => is_race(code),
        "urn:ietf:bcp:47" => matches!(code.len(), 2 | 5) && is_language(code),
        _ if system.contains("icd-10") => is_icd10(code),
        _ => HL7.contains(&system) && is_listed(code),
    }
}

/// The check digit of SNOMED CT: Verhoeff's, over the whole number (SNOMED CT Release File Specification, SCTID).
fn verhoeff(code: &str) -> bool {
    // Multiplication in the dihedral group of ten elements.
    let times = |a: usize, b: usize| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a - 5 + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    const TURN: [usize; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let check = code.bytes().rev().enumerate().fold(0, |check, (position, byte)| {
        let digit = (0..position % 8).fold(usize::from(byte - b'0'), |digit, _| TURN[digit]);
        times(check, digit)
    });
    check == 0
}

/// LOINC: up to six digits, a dash, and Luhn's check digit.
pub(crate) fn is_loinc(code: &str) -> bool {
    let Some((number, check)) = code.split_once('-') else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(number) || number.len() > 6 || !digits(check) || check.len() != 1 {
        return false;
    }
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(position, byte)| {
            let digit = u32::from(byte - b'0') * if position % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    (sum + u32::from(check.as_bytes()[0] - b'0')).is_multiple_of(10)
}

/// A letter, a digit, a digit or letter, and up to four behind a point.
fn is_icd10(code: &str) -> bool {
    let (category, rest) = code.split_once('.').unwrap_or((code, ""));
    let category = category.as_bytes();
    let rest_holds = !code.contains('.')
        || ((1..=4).contains(&rest.len())
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_digit() || matches!(byte, b'A'..=b'D' | b'S' | b'X')));
    category.len() == 3
        && category[0].is_ascii_uppercase()
        && category[1].is_ascii_digit()
        && (category[2].is_ascii_digit() || matches!(category[2], b'A' | b'B'))
        && rest_holds
}

fn is_icd9(code: &str) -> bool {
    let (category, rest) = code.split_once('.').unwrap_or((code, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = category.strip_prefix(['V', 'E']).unwrap_or(category);
    (2..=3).contains(&plain.len()) && digits(plain) && digits(rest) && rest.len() <= 2
}

/// A letter, two digits, two letters, two digits.
fn is_atc(code: &str) -> bool {
    let shape = b"A99AA99";
    code.len() <= shape.len()
        && !code.is_empty()
        && code.bytes().zip(shape).all(|(byte, shape)| match shape {
            b'A' => byte.is_ascii_uppercase(),
            _ => byte.is_ascii_digit(),
        })
}

/// CDC race and ethnicity: four digits, a dash, a digit.
fn is_race(code: &str) -> bool {
    matches!(
        code,
        "1002-5"
            | "2028-9"
            | "2054-5"
            | "2076-8"
            | "2106-3"
            | "2131-1"
            | "2135-2"
            | "2186-5"
            | "UNK"
            | "ASKU"
    )
}

fn is_language(code: &str) -> bool {
    const LANGUAGES: &str = "en de fr es it pt nl da sv nb fi pl cs ru uk tr ar he fa hi ur bn zh ja ko vi en-US en-GB de-DE de-AT
        de-CH fr-FR fr-CA es-ES es-US pt-BR it-IT nl-NL zh-CN ja-JP";
    among(LANGUAGES, code)
}

/// A country's code, of two or three letters.
pub(super) fn is_country(country: &str) -> bool {
    const COUNTRIES: &str = "US USA DE DEU AT AUT CH CHE FR FRA GB GBR UK IE IRL ES ESP PT PRT IT ITA NL NLD BE BEL LU LUX DK
        DNK SE SWE NO NOR FI FIN IS ISL PL POL CZ CZE SK SVK HU HUN RO ROU BG BGR GR GRC HR HRV SI SVN EE EST LV LVA LT LTU MT
        MLT CY CYP JP JPN CN CHN IN IND BR BRA CA CAN MX MEX AU AUS NZ NZL KR KOR ZA ZAF IL ISR TR TUR UA UKR";
    among(COUNTRIES, country)
}

/// A state of the United States, which Safe Harbor lets stay.
pub(super) fn is_state(state: &str) -> bool {
    const STATES: &str = "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND
        OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC PR Massachusetts California Texas Florida Ohio Illinois
        Pennsylvania Michigan Wisconsin Minnesota Alabama Arizona Colorado Oregon Maine Vermont Connecticut Kansas Iowa
        Missouri Nebraska Nevada Utah Idaho Montana Wyoming Alaska Hawaii Oklahoma Arkansas Louisiana Mississippi
        Tennessee Kentucky Maryland Delaware";
    among(STATES, state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_codes_stay_and_numbers_of_people_do_not() {
        for code in ["44054006", "38341003", "195967001", "254837009", "709044004"] {
            assert!(is_code("http://snomed.info/sct", code), "{code}");
        }
        // One digit changed.
        for code in ["44054007", "38341013", "12345678", "123456", "John", ""] {
            assert!(!is_code("http://snomed.info/sct", code), "{code}");
        }
        for code in ["8480-6", "4548-4", "2339-0", "18262-6", "39156-5"] {
            assert!(is_code("http://loinc.org", code), "{code}");
        }
        for code in ["8480-7", "5551-2", "8480", "-6", "a-1"] {
            assert!(!is_code("http://loinc.org", code), "{code}");
        }
        assert!(
            is_code("http://hl7.org/fhir/sid/icd-10", "E11.9")
                && !is_code("http://hl7.org/fhir/sid/icd-10", "E11.SMITH")
        );
        assert!(
            is_code("http://www.whocc.no/atc", "A10BA02")
                && !is_code("http://www.whocc.no/atc", "SMITH")
        );
        assert!(!is_code("http://hospital.example/mrn", "12345"));
    }
}
