//! Identifiers that have a shape.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use regex::{Captures, Regex};

use super::dates::{self, BIRTH, ELSEWHERE, YEAR_FIRST, YEAR_LAST, YEAR_MONTH};
use super::{Identifier, ages, days, handles, homes, numbers, places, sign, spoken};
use Identifier::{
    Account, Biometric, Date, Device, Email, Fax, HealthPlan, Internet, Licence, MedicalRecord,
    Name, Other, Photograph, Place, SocialSecurity, Telephone, Vehicle, Web,
};

/// Stands for an age over 89.
pub(super) const AGE: char = '\u{e0ff}';

/// What follows a label such as `MRN` or `account no.`: a number, with letters before it at most. It may be written in
/// groups of up to four digits; a group that goes on with a slash, a point or a percent sign is a measurement.
const NUMBER: &str = r"[\s:#.=]*(?:(?:no|nr|num|number|nummer|id|is|was|ending(?:\s+in)?|code)\b[\s:#.=]*)*[a-z]{0,6}[-\s/.]?(?:\d{1,4}(?:(?:\s|\s?-\s?)\d{2,4})+(?P<rest>$|[^\w/.%-]|\.\s|\.$)|\d[\w./-]+)";
/// The number of the United Kingdom's National Insurance. Source: HM Revenue and Customs, National Insurance Manual,
/// NIM39110.
const NATIONAL_INSURANCE: &str = r"\b[a-z]{2}[\s-]?\d{2}[\s-]?\d{2}[\s-]?\d{2}[\s-]?[a-d]\b";
/// The Medicare Beneficiary Identifier, whose letters are not S, L, O, I, B and Z. Source: Centers for Medicare and Medicaid
/// Services, Understanding the Medicare Beneficiary Identifier Format.
const MEDICARE: &str = r"\b[1-9][ac-hjkmnp-rt-y][ac-hjkmnp-rt-y\d]\d[\s-]?[ac-hjkmnp-rt-y][ac-hjkmnp-rt-y\d]\d[\s-]?[ac-hjkmnp-rt-y]{2}\d{2}\b";
/// Five pairs, as telephone numbers are written in France.
const PAIRS: &str = r"\b\d{2}(?:[\s.-]\d{2}){4}\b";
/// Telephone numbers by how else their digits are grouped: three and seven, 3-2-2-3, 3-3-2-2 and 2-3-2-2, and behind an area
/// code in brackets or with a zero in groups of any size.
const GROUPED: &str = r"\(?\b\d{3}\)?[\s.-]{0,2}\d{7}\b|\b\d{3}(?:[\s.-]\d{2}){2}[\s.-]\d{3}\b|\b\d{3}[\s.-]\d{3}(?:[\s.-]\d{2}){2}\b|\b\d{2}\s\d{3}(?:\s\d{2}){2}\b|\(?\b0\d{2,4}\)?[\s/.-]{1,2}\d{2,4}(?:[\s.-]\d{2,4}){1,4}\b|\(\d{2,4}\)\s?\d{3,5}[-\s.]\d{3,4}\b";

/// Shapes in the order in which they are looked for, each with the digits that it has at least and the signs of which it has
/// one; a later one does not see
/// what an earlier one found. What groups named `head` and
/// `rest` hold stays.
const SHAPES: [(Identifier, usize, u32, &str); 52] = [
    (Other, 0, sign::DASH, r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
    (Photograph, 0, sign::COLON, r"data:[\w/+.-]+;base64,\S*"),
    (Photograph, 0, sign::POINT, r"\b[^\s/]+\.(?:jpe?g|png|gif|bmp|tiff?|heic|webp|dcm|mp4|mov)\b"),
    (
        Email,
        0,
        sign::AT | sign::BRACKET,
        r"[^\s@<>()\[\],;:]+\s?(?:@|\(at\)|\[at\])\s?[^\s@<>()\[\],;]+\.[^\s@<>()\[\],;.]+",
    ),
    (Email, 0, sign::DOT, r"\b\S+\s+at\s+\S+\s+dot\s+[a-z]{2,}\b"),
    (
        Email,
        0,
        sign::BRACKET,
        r"[^\s@<>()\[\],;:]+(?:\s*[\[({]\s*at\s*[\])}]\s*|\s+at\s+|\s?@\s?)(?:[^\s\[({]+\s*[\[({]\s*dot\s*[\])}]\s*)+[a-z]{2,}\b",
    ),
    (
        Web,
        0,
        sign::COLON | sign::AT,
        r"\b(?:instagram|insta|skype|twitter|snapchat|tiktok|telegram|facebook|linkedin|wechat|whatsapp|mastodon|user\s?name|screen\s?name)(?:\s+(?:id|handle|name|user|account|live))?\s*[:@]\s*\S*\w",
    ),
    (Web, 0, sign::COLON, r"\b(?:https?|ftp|sftp|file|mailto|urn|tel)\s?:\s?\S+"),
    (Web, 0, sign::POINT, r"\bwww\.\S+"),
    (
        Web,
        0,
        sign::POINT,
        r"\b(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|mil|int|info|biz|io|co|me|us|uk|de|fr|eu|ch|at|jp|br|in|ca|cn|health|example|test|local)\b(?:/\S*)?",
    ),
    (Web, 0, sign::AT, r"@\w[\w.]*"),
    (Device, 0, sign::COLON | sign::DASH, r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b"),
    (Telephone, 10, sign::ANY, PAIRS),
    (Internet, 4, sign::POINT, r"\b\d{1,3}(?:\.\d{1,3}){3}\b"),
    (SocialSecurity, 6, sign::ANY, NATIONAL_INSURANCE),
    (Date, 6, sign::ANY, YEAR_FIRST),
    (Date, 5, sign::DASH | sign::SLASH, YEAR_MONTH),
    (Date, 1, sign::ANY, ELSEWHERE),
    (Date, 4, sign::ANY, YEAR_LAST),
    (Date, 5, sign::SLASH | sign::POINT | sign::DASH, r"\b(?:0?[1-9]|1[0-2])[/.-](?:19|20)\d{2}\b"),
    (Date, 8, sign::ANY, r"\b(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\b"),
    (Date, 4, sign::ANY, BIRTH),
    (Date, 2, sign::POINT, r"\b(?:0?[1-9]|[12]\d|3[01])\.\s?(?:0?[1-9]|1[0-2])\.(?:\s|$)"),
    (Date, 3, sign::COLON, r"\b\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:am|pm|a\.m\.|p\.m\.)?\b"),
    (
        Internet,
        0,
        sign::COLON,
        r"\b(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4})+\b|\b(?:[0-9a-f]{1,4}:){1,7}:(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4})*\b)?|::(?:[0-9a-f]{1,4}:?)+",
    ),
    (Account, 2, sign::ANY, r"\b[a-z]{2}\d{2}(?:\s?[a-z0-9]{4}){3,7}(?:\s?[a-z0-9]{1,4})?\b"),
    (HealthPlan, 5, sign::ANY, MEDICARE),
    (Account, 1, sign::ANY, r"\b(?:account|acct|iban|card|konto|invoice|bill|routing)NUMBER"),
    (Account, 14, sign::ANY, r"\b\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{2,4}\b"),
    (
        SocialSecurity,
        1,
        sign::ANY,
        r"\b(?:ssn|social security|social insurance|nhs|national insurance|steuer-?id|aadhaar|aadhar|tfn|tax file|cpf|cnpj|curp|bsn|burgerservicenummer|codice fiscale|ahv|personnummer|cpr-?(?:nr|nummer)|pesel)NUMBER|\b(?:sin|cpr)\b[\s:#.=]*(?:(?:no|nr)\b[\s.:]*)?(?:\d{3}[\s-]?\d{3}[\s-]?\d{3}|\d{6}-?\d{4})\b",
    ),
    (SocialSecurity, 9, sign::ANY, r"\b\d{3}\s?[-\s.]\s?\d{2}\s?[-\s.]\s?\d{4}\b"),
    (Fax, 1, sign::ANY, r"\b(?:tele)?fax(?:\s+\w+)?[\s:#.=]*\+?[\d(][\d\s().\-/]{5,}\d"),
    (Telephone, 2, sign::ANY, r"(?:\+|\b00)\d[\d\s().\-/]{6,}\d"),
    (Telephone, 7, sign::ANY, GROUPED),
    (
        Telephone,
        10,
        sign::ANY,
        r"\(?\b\d{3}\)?[\s.\-/]?\s?\d{3}[\s.\-]\d{4}\b(?:\s*(?:x|ext\.?)\s*\d+)?",
    ),
    (
        Telephone,
        1,
        sign::ANY,
        // A pH has one digit before its point.
        r"\b(?:tel|telephone|telefon|phone|mobile|cell|handy|pager|call)\b[\s:#.=]*\+?[\d(][\d\s().\-/]{3,}\d|\bph\b[\s:#.=]*\+?(?:\(|\d[\s-]?\d)[\d\s().\-/]{3,}\d",
    ),
    (Telephone, 7, sign::ANY, r"\b\d{3}[-.\s]\d{4}\b"),
    (Telephone, 5, sign::ANY, r"\b0\d{1,5}[\s/-]\d{3,}(?:[\s-]?\d+)*\b"),
    (
        MedicalRecord,
        1,
        sign::ANY,
        r"\b(?:mrn|medical record|chart|(?:patient|record|case|encounter|visit|admission)\s*(?:id|no|nr|number|#)|fallnummer|patientennummer)NUMBER",
    ),
    (
        HealthPlan,
        1,
        sign::ANY,
        r"\b(?:member|beneficiary|policy|insurance|health plan|plan\s*(?:id|no|number|#)|group\s*(?:id|no|number|#)|medicare|medicaid|subscriber|kvnr|versichertennummer)NUMBER",
    ),
    (
        Vehicle,
        1,
        sign::ANY,
        r"\b(?:vin|vehicle|(?:licen[cs]e )?plate|kennzeichen)\b[\s:#.=]*(?:(?:no|nr|number|id|is)\b[\s:#.=]*)*(?:[a-z]{1,4}[- ]?){0,3}\d[\w-]*(?:[- ][a-z]*\d\w*)*",
    ),
    (
        Licence,
        1,
        sign::ANY,
        r"\b(?:(?:driver'?s? )?licen[cs]e|certificate|cert|npi|dea|passport|permit|dl|registration)NUMBER",
    ),
    (
        Device,
        1,
        sign::ANY,
        r"\b(?:serial|device|implant|pacemaker|udi|model|s/n|sn|imei|lot)NUMBER",
    ),
    (
        Biometric,
        0,
        sign::BODY,
        r"\b(?:finger\s?prints?|iris(?: scan| code)?|retina(?:l)?(?: scan| code)?|voice\s?prints?|palm\s?prints?|face\s?prints?|biometric(?:s| template)?|dna profile)\b(?:[\s:#.=]+(?:(?:id|hash|template|no|number|code|is)\b[\s:#.=]*)*[\w+/=-]*\d[\w+/=-]*)?",
    ),
    (Photograph, 1, sign::ANY, r"\b(?:photo(?:graph)?|picture|image|img)NUMBER"),
    (Vehicle, 6, sign::ANY, r"\b[a-hj-npr-z0-9]{11}\d{6}\b"),
    (Place, 0, sign::BOX, homes::BOXES),
    (Place, 1, sign::ANY, places::ENGLISH),
    (Place, 5, sign::ANY, r"\b\d{5}(?:-\d{4})?\b"),
    (Place, 1, sign::ANY, r"\b[a-z]{1,2}\d[a-z\d]?\s\d[a-z]{2}\b|\b[a-z]\d[a-z]\s\d[a-z]\d\b"),
    (
        Name,
        0,
        sign::ANY,
        r"\b(?:mr|mrs|ms|mx|dr|prof|herr|frau|monsieur|madame|mme|mlle|signora|señora?|sra?)\b\.?\s+\p{L}[\p{L}'’-]*",
    ),
    (Other, 7, sign::ANY, r"\b\d(?:[\s.-]\d){6,}\b"),
];

/// Names after words that announce one, whatever their case.
const NAMED: &str = r"\b(?:(?:nick|sur|last|first|maiden|middle)?name(?:\s+is|\s*:)|named|called|signed(?:\s+by)?\s*:)\s*\p{L}[\p{L}'’-]*(?:\s+\p{Lu}[\p{L}'’-]*)*";

/// A shape with a check of what was found, or with what a text must have.
pub(super) struct Rule {
    pub(super) kind: Identifier,
    /// A text with fewer digits cannot have the shape.
    pub(super) digits: usize,
    /// A text without any of these signs cannot have it; [`sign::ANY`] where it needs none.
    pub(super) signs: u32,
    pub(super) shape: &'static str,
    pub(super) check: Check,
}

/// Whether what was found at a place of a text is what its shape looks for.
pub(super) type Check = fn(&str, Range<usize>) -> bool;

/// The check of a shape that needs none.
pub(super) fn always(_: &str, _: Range<usize>) -> bool {
    true
}

/// Units behind a number, and what counts.
const UNITS: &str = "mg ml mcg µg ug ng g kg cm mm m l dl iu ie u unit units h hr hrs hour hours min minutes minuten d day days tage tagen
    jours dias días giorni week weeks wk wks wochen month months monate mois y yr year years times x mal fois veces volte
    drops gtt puffs tablets tablet tabs tab caps tabletten bpm mmhg hz kcal degrees percent mmol meq joules fr";

/// Whether what follows a number makes it a measurement.
pub(super) fn measured(after: &str) -> bool {
    let decimal = after.strip_prefix(['.', ',']);
    if decimal.is_some_and(|places| places.starts_with(|c: char| c.is_ascii_digit())) {
        return true;
    }
    let after = after.trim_start_matches([' ', '-']);
    if after.starts_with(['%', '°']) {
        return true;
    }
    let unit = &after[..after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len())];
    !unit.is_empty() && UNITS.split_whitespace().any(|known| known.eq_ignore_ascii_case(unit))
}

/// One shape, compiled.
struct Shape {
    marker: String,
    digits: usize,
    signs: u32,
    regex: Regex,
    /// The shape without bounds of words, which finds no less. Letters beyond ASCII make looking for those slow.
    loose: OnceLock<Regex>,
    check: Check,
}

impl Shape {
    fn new(marker: char, digits: usize, signs: u32, shape: &str, check: Check) -> Shape {
        let (marker, regex) = (marker.to_string(), compiled(shape));
        Shape { marker, digits, signs, regex, loose: OnceLock::new(), check }
    }

    fn of(rule: &Rule) -> Shape {
        Shape::new(rule.kind.marker(), rule.digits, rule.signs, rule.shape, rule.check)
    }

    /// Whether a text with so many digits and these signs can have the shape.
    fn fits(&self, digits: usize, signs: u32) -> bool {
        self.digits <= digits && (self.signs == sign::ANY || self.signs & signs != 0)
    }

    /// The text with the marker wherever the shape is.
    fn mark<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let loose = || self.loose.get_or_init(|| without_bounds(self.regex.as_str()));
        if !text.is_ascii() && !loose().is_match(text) || !self.regex.is_match(text) {
            return Cow::Borrowed(text);
        }
        let replace = |found: &Captures<'_>| {
            let all = found.get(0).map_or(0..0, |all| all.range());
            if !(self.check)(text, all.clone()) {
                return text[all].to_owned();
            }
            let group = |name| found.name(name).map_or("", |group| group.as_str());
            format!("{}{}{}", group("head"), self.marker, group("rest"))
        };
        self.regex.replace_all(text, replace)
    }
}

/// The shapes, compiled.
pub(super) struct Patterns {
    shapes: Vec<Shape>,
}

impl Patterns {
    pub(super) fn new() -> Patterns {
        let ages = ages::shapes();
        let ages = ages
            .iter()
            .map(|(digits, signs, shape, check)| Shape::new(AGE, *digits, *signs, shape, *check));
        let named = [Shape::new(Date.marker(), 1, sign::ANY, &dates::named(), always)];
        let shapes = SHAPES.iter().map(|(kind, digits, signs, shape)| {
            let shape = shape.replace("NUMBER", NUMBER);
            Shape::new(kind.marker(), *digits, *signs, &shape, always)
        });
        let spoken = [Shape::new(Date.marker(), 0, sign::MONTH, &spoken::shape(), always)];
        let first = places::GEOCODES.iter().chain(&numbers::NATIONAL).chain(&handles::HANDLES);
        let first = first.chain(&homes::HOMES).map(Shape::of);
        let later = days::DAYS.iter().chain(&numbers::GROUPED).chain(&places::STREETS);
        let later = later.chain(&homes::DWELLINGS).map(Shape::of);
        let last = [Shape::new(Name.marker(), 0, sign::ANY, NAMED, always)];
        let all =
            ages.chain(spoken).chain(named).chain(first).chain(shapes).chain(later).chain(last);
        Patterns { shapes: all.collect() }
    }

    /// The text with a marker for everything that was found.
    pub(super) fn mark(&self, text: &str) -> String {
        // Most shapes have more digits than most texts, or signs that few have.
        let (digits, signs) = sign::of(text);
        self.mark_with(text, digits, signs)
    }

    fn mark_with(&self, text: &str, digits: usize, signs: u32) -> String {
        let mut text = text.to_owned();
        for shape in self.shapes.iter().filter(|shape| shape.fits(digits, signs)) {
            if let Cow::Owned(marked) = shape.mark(&text) {
                text = marked;
            }
        }
        text
    }
}

/// The shape of a regular expression without the bounds of words in it.
fn without_bounds(shape: &str) -> Regex {
    let bounds = [r"\b?", r"\b", r"\B"];
    let shape = bounds.iter().fold(shape.to_owned(), |shape, bound| shape.replace(bound, ""));
    compiled(&shape)
}

#[expect(clippy::expect_used, reason = "the shapes are constants, and a test compiles them all")]
fn compiled(shape: &str) -> Regex {
    Regex::new(&format!("(?i){shape}")).expect("a constant shape that a test compiles")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_shape_compiles() {
        let shapes = Patterns::new().shapes;
        assert!(shapes.len() > SHAPES.len() + ages::shapes().len());
        for shape in shapes {
            assert!(!without_bounds(shape.regex.as_str()).as_str().contains(r"\b"));
        }
    }

    proptest! {
        #[test]
        fn looking_for_digits_and_signs_first_finds_no_less(
            words in prop::collection::vec(
                prop_oneof![
                    "[0-9]{1,4}[-/. ,:]?", "[a-z]{1,5} ?", "(mrn|tel|lot|vin|born|age|photo) ", "may ", "years ",
                    "(first|third|Ninth|dritten|premier|primo|dos|nineteen|born) ", "(of |the )?(May|may|mai|mei|April|mars|marzo|Oct|März|août) ?",
                    "(thirty|twenty|two thousand) ", "(instagram|ig|fb:|twitter|skype) ?", "(One|two|Ten) ", "(Microsoft |penn )?(Way|street|Plaza|Road) ?",
                    "(Hauptstraße|rue |Calle )", "(po box|p.o.b.|postfach|bp|apartado|私書箱) ?", "(apt|flat|suite|Unit|whg) ", "(dob|date|seen|admitted|né|since|data) ",
                    "(iris|finger print|biometric) ", "四月", "三日",
                    "[A-Z][0-9][-. (]", "[٠-٩০-৯]{1,3} ?", "[-@:/.,;(°º♀]", "(at|dot|skype|geo|lat|lon|latitude|rue|str|W|月|мая|maja|grid ref|point)[.: ,(]?",
                ],
                0..12,
            ),
        ) {
            let patterns = &super::super::PATTERNS;
            let text = words.concat();
            prop_assert_eq!(patterns.mark(&text), patterns.mark_with(&text, usize::MAX, u32::MAX));
        }
    }
}
