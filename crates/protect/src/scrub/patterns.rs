//! Identifiers that have a shape, and text made plain so that a shape cannot hide.

use regex::Regex;

use super::Identifier;
use Identifier::{
    Account, Biometric, Date, Device, Email, Fax, HealthPlan, Internet, Licence, MedicalRecord,
    Name, Other, Photograph, Place, SocialSecurity, Telephone, Vehicle, Web,
};

/// Stands for an age over 89.
pub(super) const AGE: char = '\u{e0ff}';

const MONTH: &str = r"(?:jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz|apr(?:il)?|may|mai|june?|juni|july?|juli|aug(?:ust)?|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?)";
/// What follows a label such as `MRN` or `account no.`: a number, with letters before it at most.
const NUMBER: &str = r"[\s:#.=]*(?:(?:no|nr|num|number|nummer|id|is|was|ending(?:\s+in)?|code)\b[\s:#.=]*)*[a-z]{0,6}[-\s/.]?\d[\w./-]+";

/// Shapes in the order in which they are looked for; a later one does not see what an earlier one found.
const SHAPES: [(Identifier, &str); 46] = [
    (Photograph, r"data:[\w/+.-]+;base64,\S*"),
    (Photograph, r"\b[^\s/]+\.(?:jpe?g|png|gif|bmp|tiff?|heic|webp|dcm|mp4|mov)\b"),
    (Email, r"[^\s@<>()\[\],;:]+\s?(?:@|\(at\)|\[at\])\s?[^\s@<>()\[\],;]+\.[^\s@<>()\[\],;.]+"),
    (Email, r"\b\S+\s+at\s+\S+\s+dot\s+[a-z]{2,}\b"),
    (Web, r"\b(?:https?|ftp|sftp|file|mailto|urn|tel)\s?:\s?\S+"),
    (Web, r"\bwww\.\S+"),
    (
        Web,
        r"\b(?:[a-z0-9-]+\.)+(?:com|org|net|edu|gov|mil|int|info|biz|io|co|me|us|uk|de|fr|eu|ch|at|jp|br|in|ca|cn|health|example|test|local)\b(?:/\S*)?",
    ),
    (Web, r"@\w[\w.]*"),
    (Device, r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b"),
    (Internet, r"\b\d{1,3}(?:\.\d{1,3}){3}\b"),
    (
        Date,
        r"\b\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:[t ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:z|[+-]\d{2}:?\d{2})?)?\b",
    ),
    (Date, r"\b(?:19|20)\d{2}-\d{2}\b"),
    (Date, r"\b\d{1,2}[-/.]\s?\d{1,2}[-/.]\s?(?:\d{4}|\d{2})\b"),
    (Date, r"\b(?:0?[1-9]|1[0-2])[/.-](?:19|20)\d{2}\b"),
    (Date, r"\b(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\b"),
    (Date, r"\b(?:born|birth|dob|b\.|geb\.|geboren|nacid[oa]|née?)\b?\D{0,15}(?:18|19|20)\d{2}\b"),
    (
        Date,
        r"\b(?:(?:0?[1-9]|1[0-2])/(?:0?[1-9]|[12]\d|3[01])|(?:0?[1-9]|[12]\d|3[01])/(?:0?[1-9]|1[0-2]))\b",
    ),
    (Date, r"\b(?:0?[1-9]|[12]\d|3[01])\.\s?(?:0?[1-9]|1[0-2])\.(?:\s|$)"),
    (Date, r"\b\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s?(?:am|pm|a\.m\.|p\.m\.)?\b"),
    (
        Internet,
        r"\b(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4})+\b|\b(?:[0-9a-f]{1,4}:){1,7}:|::(?:[0-9a-f]{1,4}:?)+",
    ),
    (Account, r"\b[a-z]{2}\d{2}(?:\s?[a-z0-9]{4}){3,7}(?:\s?[a-z0-9]{1,4})?\b"),
    (Account, r"\b(?:account|acct|iban|card|konto|invoice|bill|routing)NUMBER"),
    (Account, r"\b\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{2,4}\b"),
    (SocialSecurity, r"\b(?:ssn|social security|nhs|national insurance|steuer-?id)NUMBER"),
    (SocialSecurity, r"\b\d{3}[-\s.]\d{2}[-\s.]\d{4}\b"),
    (Fax, r"\b(?:tele)?fax(?:\s+\w+)?[\s:#.=]*\+?[\d(][\d\s().\-/]{5,}\d"),
    (Telephone, r"(?:\+|\b00)\d[\d\s().\-/]{6,}\d"),
    (Telephone, r"\(?\b\d{3}\)?[\s.\-/]?\s?\d{3}[\s.\-]\d{4}\b(?:\s*(?:x|ext\.?)\s*\d+)?"),
    (
        Telephone,
        r"\b(?:tel|telephone|telefon|phone|mobile|cell|handy|pager|call|ph)\b[\s:#.=]*\+?[\d(][\d\s().\-/]{3,}\d",
    ),
    (Telephone, r"\b\d{3}[-.]\d{4}\b"),
    (Telephone, r"\b0\d{1,5}[\s/-]\d{3,}(?:[\s-]?\d+)*\b"),
    (
        MedicalRecord,
        r"\b(?:mrn|medical record|chart|(?:patient|record|case|encounter|visit|admission)\s*(?:id|no|nr|number|#)|fallnummer|patientennummer)NUMBER",
    ),
    (
        HealthPlan,
        r"\b(?:member|beneficiary|policy|insurance|health plan|plan\s*(?:id|no|number|#)|group\s*(?:id|no|number|#)|medicare|medicaid|subscriber|kvnr|versichertennummer)NUMBER",
    ),
    (
        Vehicle,
        r"\b(?:vin|vehicle|(?:licen[cs]e )?plate|kennzeichen)[\s:#.=]*(?:(?:no|nr|number|id|is)\b[\s:#.=]*)*(?:[a-z]{1,4}[- ]?){0,3}\d[\w-]*(?:[- ][a-z]*\d\w*)*",
    ),
    (
        Licence,
        r"\b(?:(?:driver'?s? )?licen[cs]e|certificate|cert|npi|dea|passport|permit|dl|registration)NUMBER",
    ),
    (Device, r"\b(?:serial|device|implant|pacemaker|udi|model|s/n|sn|imei|lot)NUMBER"),
    (
        Biometric,
        r"\b(?:finger\s?prints?|iris(?: scan| code)?|retina(?:l)?(?: scan| code)?|voice\s?prints?|palm\s?prints?|face\s?prints?|biometric(?:s| template)?|dna profile)\b(?:[\s:#.=]+(?:(?:id|hash|template|no|number|code|is)\b[\s:#.=]*)*[\w+/=-]*\d[\w+/=-]*)?",
    ),
    (Photograph, r"\b(?:photo(?:graph)?|picture|image|img)NUMBER"),
    (Vehicle, r"\b[a-hj-npr-z0-9]{11}\d{6}\b"),
    (Other, r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
    (Place, r"\bp\.?\s?o\.?\s?box\s+\w+"),
    (
        Place,
        r"\b\d{1,6}[a-z]?\s+(?:\w+\.?\s+){0,3}(?:street|str|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|square|sq|highway|hwy|way|terrace|parkway|pkwy|apartment|apt|suite)\b\.?(?:\s*#?\d+\w?)?",
    ),
    (Place, r"\b\w+(?:straße|strasse|weg|platz|allee|gasse)\s+\d+\w?\b"),
    (Place, r"\b\d{5}(?:-\d{4})?\b"),
    (Place, r"\b[a-z]{1,2}\d[a-z\d]?\s\d[a-z]{2}\b|\b[a-z]\d[a-z]\s\d[a-z]\d\b"),
    (
        Name,
        r"\b(?:mr|mrs|ms|mx|dr|prof|herr|frau|monsieur|madame|señora?|sra?)\b\.?\s+\p{L}[\p{L}'’-]*",
    ),
];

/// Names after words that announce one, whatever their case; and ages.
const NAMED: &str = r"\b(?:(?:nick|sur|last|first|maiden|middle)?name(?:\s+is|\s*:)|named|called|signed(?:\s+by)?\s*:)\s*\p{L}[\p{L}'’-]*(?:\s+\p{Lu}[\p{L}'’-]*)*";
const AGES: [&str; 3] = [
    r"\b(?:9\d|1[0-4]\d)\s*-?\s*(?:years?|yrs?|y/?o|y\.\s?o\.?|jahre?|jährig\w*|ans|años|anni|[mf])\b(?:[\s-]*old\b)?",
    r"\b(?:aged?|alter)\b[\s:=]*(?:of\s+|is\s+)?(?:9\d|1[0-4]\d)\b",
    r"\b(?:ninety|(?:a|one)\s+hundred)(?:[-\s]\w+){0,2}[-\s]+(?:years?|yrs?)\b(?:[-\s]*old\b)?",
];

/// The shapes, compiled.
pub(super) struct Patterns {
    shapes: Vec<(char, Regex)>,
    named: Regex,
}

impl Patterns {
    pub(super) fn new() -> Patterns {
        let ages = AGES.iter().map(|shape| (AGE, compiled(shape)));
        let shapes = SHAPES
            .iter()
            .map(|(kind, shape)| (kind.marker(), compiled(&shape.replace("NUMBER", NUMBER))));
        let with_day = format!(
            r"\b\d{{1,2}}(?:st|nd|rd|th|\.)?,?\s+(?:of\s+)?{MONTH}\b\.?(?:,?\s+\d{{4}})?|\b{MONTH}\b\.?\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\s+\d{{4}})?|\b{MONTH}\b\.?,?\s+(?:19|20)\d{{2}}\b"
        );
        let shapes = ages.chain([(Date.marker(), compiled(&with_day))]).chain(shapes);
        // The case of letters matters for the words that follow a name.
        Patterns { shapes: shapes.collect(), named: compiled(NAMED) }
    }

    /// The text with a marker for everything that was found.
    pub(super) fn mark(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (marker, shape) in &self.shapes {
            if shape.is_match(&text) {
                text = shape.replace_all(&text, marker.to_string().as_str()).into_owned();
            }
        }
        match self.named.is_match(&text) {
            true => self.named.replace_all(&text, Name.marker().to_string().as_str()).into_owned(),
            false => text,
        }
    }
}

#[expect(clippy::expect_used, reason = "the shapes are constants, and a test compiles them all")]
fn compiled(shape: &str) -> Regex {
    Regex::new(&format!("(?i){shape}")).expect("a constant shape that a test compiles")
}

/// Text without tags, entities, characters that nobody sees and digits or letters in disguise.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let markup = looks_like_tag(text);
    let mut tag = false;
    for c in text.chars() {
        match c {
            '<' if markup => tag = true,
            '>' if tag => {
                tag = false;
                out.push(' ');
            }
            _ if tag => {}
            c => out.push(c),
        }
    }
    decode(&out).chars().filter(|c| !is_unseen(*c)).map(ascii).collect()
}

/// Whether a text has markup in it; a lone `<` is a comparison.
fn looks_like_tag(text: &str) -> bool {
    text.contains('>')
        && text.split('<').skip(1).any(|after| {
            after.starts_with('/')
                || after.starts_with('!')
                || after.starts_with(|c: char| c.is_ascii_alphabetic())
        })
}

fn is_unseen(c: char) -> bool {
    matches!(c as u32, 0xAD | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFE00..=0xFE0F | 0xFEFF
        | 0xE000..=0xF8FF | 0xE0000..=0xE0FFF | 0xF0000..)
        || (c.is_control() && !c.is_whitespace())
}

/// Letters and digits in full width, digits of other scripts, and dashes as ASCII.
fn ascii(c: char) -> char {
    let code = c as u32;
    let digit = |zero: u32| char::from_digit(code - zero, 10).unwrap_or(c);
    match code {
        0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0).unwrap_or(c),
        0x660..=0x669 => digit(0x660),
        0x6F0..=0x6F9 => digit(0x6F0),
        0x966..=0x96F => digit(0x966),
        0x2010..=0x2015 | 0x2212 => '-',
        0xA0 | 0x2000..=0x200A | 0x202F | 0x3000 => ' ',
        _ => c,
    }
}

/// Character references of HTML as characters.
fn decode(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(';').filter(|end| *end <= 10);
        match end.and_then(|end| Some((end, reference(&rest[1..end])?))) {
            Some((end, c)) => {
                out.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

fn reference(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        "commat" => Some('@'),
        "period" => Some('.'),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_compiles() {
        assert_eq!(Patterns::new().shapes.len(), SHAPES.len() + AGES.len() + 1);
    }

    #[test]
    fn a_comparison_is_no_tag() {
        assert_eq!(plain("pH < 7.3"), "pH < 7.3");
        assert_eq!(plain("<div>a &lt; 3</div>").trim(), "a < 3");
    }
}
