//! Identifiers that have a shape.

use std::borrow::Cow;

use regex::{Captures, Regex};

use super::dates::{self, YEAR_FIRST, YEAR_LAST};
use super::{Identifier, ages};
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
/// Telephone numbers by how else their digits are grouped: three and seven, 3-2-2-3 and 3-3-2-2.
const GROUPED: &str = r"\(?\b\d{3}\)?[\s.-]{0,2}\d{7}\b|\b\d{3}(?:[\s.-]\d{2}){2}[\s.-]\d{3}\b|\b\d{3}[\s.-]\d{3}(?:[\s.-]\d{2}){2}\b";

/// Shapes in the order in which they are looked for, each with the digits that it has at least; a later one does not see
/// what an earlier one found. What a group named `rest` holds stays.
const SHAPES: [(Identifier, usize, &str); 51] = [
    (Photograph, 0, r"data:[\w/+.-]+;base64,\S*"),
    (Photograph, 0, r"\b[^\s/]+\.(?:jpe?g|png|gif|bmp|tiff?|heic|webp|dcm|mp4|mov)\b"),
    (Email, 0, r"[^\s@<>()\[\],;:]+\s?(?:@|\(at\)|\[at\])\s?[^\s@<>()\[\],;]+\.[^\s@<>()\[\],;.]+"),
    (Email, 0, r"\b\S+\s+at\s+\S+\s+dot\s+[a-z]{2,}\b"),
    (Web, 0, r"\b(?:https?|ftp|sftp|file|mailto|urn|tel)\s?:\s?\S+"),
    (Web, 0, r"\bwww\.\S+"),
    (
        Web,
        0,
        r"\b(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|mil|int|info|biz|io|co|me|us|uk|de|fr|eu|ch|at|jp|br|in|ca|cn|health|example|test|local)\b(?:/\S*)?",
    ),
    (Web, 0, r"@\w[\w.]*"),
    (Device, 0, r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b"),
    (Telephone, 10, PAIRS),
    (Internet, 4, r"\b\d{1,3}(?:\.\d{1,3}){3}\b"),
    (SocialSecurity, 6, NATIONAL_INSURANCE),
    (Date, 6, YEAR_FIRST),
    (Date, 6, r"\b(?:19|20)\d{2}-\d{2}\b"),
    (Date, 4, YEAR_LAST),
    (Date, 5, r"\b(?:0?[1-9]|1[0-2])[/.-](?:19|20)\d{2}\b"),
    (Date, 8, r"\b(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\b"),
    (
        Date,
        4,
        r"\b(?:born|birth|dob|b\.|geb\.|geboren|nacid[oa]|née?)\b?\D{0,15}(?:18|19|20)\d{2}\b",
    ),
    (
        Date,
        2,
        r"\b(?:(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])|(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|1[0-2]))\b",
    ),
    (Date, 2, r"\b(?:0?[1-9]|[12]\d|3[01])\.\s?(?:0?[1-9]|1[0-2])\.(?:\s|$)"),
    (Date, 3, r"\b\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:am|pm|a\.m\.|p\.m\.)?\b"),
    (
        Internet,
        0,
        r"\b(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4})+\b|\b(?:[0-9a-f]{1,4}:){1,7}:|::(?:[0-9a-f]{1,4}:?)+",
    ),
    (Account, 2, r"\b[a-z]{2}\d{2}(?:\s?[a-z0-9]{4}){3,7}(?:\s?[a-z0-9]{1,4})?\b"),
    (HealthPlan, 5, MEDICARE),
    (Account, 1, r"\b(?:account|acct|iban|card|konto|invoice|bill|routing)NUMBER"),
    (Account, 14, r"\b\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{2,4}\b"),
    (SocialSecurity, 1, r"\b(?:ssn|social security|nhs|national insurance|steuer-?id)NUMBER"),
    (SocialSecurity, 9, r"\b\d{3}\s?[-\s.]\s?\d{2}\s?[-\s.]\s?\d{4}\b"),
    (Fax, 1, r"\b(?:tele)?fax(?:\s+\w+)?[\s:#.=]*\+?[\d(][\d\s().\-/]{5,}\d"),
    (Telephone, 2, r"(?:\+|\b00)\d[\d\s().\-/]{6,}\d"),
    (Telephone, 7, GROUPED),
    (Telephone, 10, r"\(?\b\d{3}\)?[\s.\-/]?\s?\d{3}[\s.\-]\d{4}\b(?:\s*(?:x|ext\.?)\s*\d+)?"),
    (
        Telephone,
        1,
        r"\b(?:tel|telephone|telefon|phone|mobile|cell|handy|pager|call|ph)\b[\s:#.=]*\+?[\d(][\d\s().\-/]{3,}\d",
    ),
    (Telephone, 7, r"\b\d{3}[-.\s]\d{4}\b"),
    (Telephone, 5, r"\b0\d{1,5}[\s/-]\d{3,}(?:[\s-]?\d+)*\b"),
    (
        MedicalRecord,
        1,
        r"\b(?:mrn|medical record|chart|(?:patient|record|case|encounter|visit|admission)\s*(?:id|no|nr|number|#)|fallnummer|patientennummer)NUMBER",
    ),
    (
        HealthPlan,
        1,
        r"\b(?:member|beneficiary|policy|insurance|health plan|plan\s*(?:id|no|number|#)|group\s*(?:id|no|number|#)|medicare|medicaid|subscriber|kvnr|versichertennummer)NUMBER",
    ),
    (
        Vehicle,
        1,
        r"\b(?:vin|vehicle|(?:licen[cs]e )?plate|kennzeichen)[\s:#.=]*(?:(?:no|nr|number|id|is)\b[\s:#.=]*)*(?:[a-z]{1,4}[- ]?){0,3}\d[\w-]*(?:[- ][a-z]*\d\w*)*",
    ),
    (
        Licence,
        1,
        r"\b(?:(?:driver'?s? )?licen[cs]e|certificate|cert|npi|dea|passport|permit|dl|registration)NUMBER",
    ),
    (Device, 1, r"\b(?:serial|device|implant|pacemaker|udi|model|s/n|sn|imei|lot)NUMBER"),
    (
        Biometric,
        0,
        r"\b(?:finger\s?prints?|iris(?: scan| code)?|retina(?:l)?(?: scan| code)?|voice\s?prints?|palm\s?prints?|face\s?prints?|biometric(?:s| template)?|dna profile)\b(?:[\s:#.=]+(?:(?:id|hash|template|no|number|code|is)\b[\s:#.=]*)*[\w+/=-]*\d[\w+/=-]*)?",
    ),
    (Photograph, 1, r"\b(?:photo(?:graph)?|picture|image|img)NUMBER"),
    (Vehicle, 6, r"\b[a-hj-npr-z0-9]{11}\d{6}\b"),
    (Other, 0, r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
    (Place, 0, r"\bp\.?\s?o\.?\s?box\s+\w+"),
    (
        Place,
        1,
        r"\b\d{1,6}[a-z]?\s+(?:\w+\.?\s+){0,3}(?:street|str|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|square|sq|highway|hwy|way|terrace|parkway|pkwy|apartment|apt|suite)\b\.?(?:\s*#?\d+\w?)?",
    ),
    (Place, 1, r"\b\w+(?:straße|strasse|weg|platz|allee|gasse)\s+\d+\w?\b"),
    (Place, 5, r"\b\d{5}(?:-\d{4})?\b"),
    (Place, 1, r"\b[a-z]{1,2}\d[a-z\d]?\s\d[a-z]{2}\b|\b[a-z]\d[a-z]\s\d[a-z]\d\b"),
    (
        Name,
        0,
        r"\b(?:mr|mrs|ms|mx|dr|prof|herr|frau|monsieur|madame|señora?|sra?)\b\.?\s+\p{L}[\p{L}'’-]*",
    ),
    (Other, 7, r"\b\d(?:[\s.-]\d){6,}\b"),
];

/// Names after words that announce one, whatever their case.
const NAMED: &str = r"\b(?:(?:nick|sur|last|first|maiden|middle)?name(?:\s+is|\s*:)|named|called|signed(?:\s+by)?\s*:)\s*\p{L}[\p{L}'’-]*(?:\s+\p{Lu}[\p{L}'’-]*)*";

/// One shape, compiled.
struct Shape {
    marker: String,
    /// A text with fewer digits cannot have it.
    digits: usize,
    regex: Regex,
}

impl Shape {
    fn new(marker: char, digits: usize, shape: &str) -> Shape {
        Shape { marker: marker.to_string(), digits, regex: compiled(shape) }
    }

    /// The text with the marker wherever the shape is.
    fn mark<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.regex.is_match(text) {
            return Cow::Borrowed(text);
        }
        let replace = |found: &Captures<'_>| {
            let rest = found.name("rest").map_or("", |rest| rest.as_str());
            format!("{}{rest}", self.marker)
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
        let ages = ages.iter().map(|(digits, shape)| Shape::new(AGE, *digits, shape));
        let named = [Shape::new(Date.marker(), 1, &dates::named())];
        let shapes = SHAPES.iter().map(|(kind, digits, shape)| {
            Shape::new(kind.marker(), *digits, &shape.replace("NUMBER", NUMBER))
        });
        let last = [Shape::new(Name.marker(), 0, NAMED)];
        Patterns { shapes: ages.chain(named).chain(shapes).chain(last).collect() }
    }

    /// The text with a marker for everything that was found.
    pub(super) fn mark(&self, text: &str) -> String {
        // Most shapes have more digits than most texts. Whatever a shape takes for a digit is numeric.
        self.mark_with(text, text.chars().filter(|c| c.is_numeric()).count())
    }

    fn mark_with(&self, text: &str, digits: usize) -> String {
        let mut text = text.to_owned();
        for shape in self.shapes.iter().filter(|shape| shape.digits <= digits) {
            if let Cow::Owned(marked) = shape.mark(&text) {
                text = marked;
            }
        }
        text
    }
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
        assert_eq!(Patterns::new().shapes.len(), SHAPES.len() + ages::shapes().len() + 2);
    }

    proptest! {
        #[test]
        fn counting_digits_first_finds_no_less(
            words in prop::collection::vec(
                prop_oneof![
                    "[0-9]{1,4}[-/. ,:]?", "[a-z]{1,5} ?", "(mrn|tel|lot|vin|born|age|photo) ", "may ", "years ",
                    "[A-Z][0-9][-. (]", "[٠-٩০-৯]{1,3} ?",
                ],
                0..12,
            ),
        ) {
            let patterns = &super::super::PATTERNS;
            let text = words.concat();
            prop_assert_eq!(patterns.mark(&text), patterns.mark_with(&text, usize::MAX));
        }
    }
}
