//! Days without a year, and years with a month: figures that may be something else, so that what stands around them decides.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::Identifier::Date;
use super::patterns::{Rule, measured};
use super::sign;
use crate::fhir::is_loinc;

/// A day and a month in either order, with a dash or a slash between.
macro_rules! day {
    ($between:literal) => {
        concat!(
            r"(?:(?:0?[1-9]|1[0-2])",
            $between,
            r"(?:0?[1-9]|[12]\d|3[01])|(?:0?[1-9]|[12]\d|3[01])",
            $between,
            r"(?:0?[1-9]|1[0-2]))"
        )
    };
}
/// A year and a month without anything between.
macro_rules! year_month {
    () => {
        r"(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])"
    };
}
/// What may stand between a label and its day.
macro_rules! link {
    () => {
        r"\b[\s:.=#,]*(?:(?:on|the|am|vom|le|el|il|em|op|is|was|den|di)\b[\s:.]*){0,2}"
    };
}

/// Days by what stands before them or between their figures.
pub(super) const DAYS: [Rule; 5] = [
    // DOB 04-05, geb. 4.5: of a birth.
    Rule {
        kind: Date,
        digits: 2,
        signs: sign::DATED,
        shape: concat!(
            r"\b(?P<head>(?:dob|d\.o\.b|born|birth\s?da(?:te|y)|date\s+of\s+birth|geb|geboren|geburtsdatum|geburtstag|née?|ne\x{301}e?|nacid[oa]|nascid[oa]|nat[oa]|naissance|nacimiento|nascimento|nascita|geboortedatum)",
            link!(),
            r")(?:",
            day!(r"\s?[-/.]\s?"),
            "|",
            year_month!(),
            r")\b"
        ),
        check: is_day,
    },
    // Admitted 4-5, date: 04-05, since 202001.
    Rule {
        kind: Date,
        digits: 2,
        signs: sign::DATED,
        shape: concat!(
            r"\b(?P<head>(?:date|dated|admitted|admission|admit|discharged|died|deceased|dod|lmp|edd|seen|examined|collected|signed|datum|aufnahme|aufgenommen|entlassen|entlassung|gestorben|overleden|fecha|data|date\s+d['e’]\s?\p{L}+|month|monat|mois|period|since|seit|depuis|desde)",
            link!(),
            r")(?:",
            day!("[-/]"),
            "|",
            year_month!(),
            r")\b"
        ),
        check: is_day,
    },
    // On 04-05: both of two figures, since 2-3 is a range.
    Rule {
        kind: Date,
        digits: 4,
        signs: sign::DASH,
        shape: r"(?P<head>\b(?:on|since|until|till|from|by|am|vom|seit|bis|le|du|depuis|el|desde|il|dal|em|op|sinds)\s+)(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])|(?:0[1-9]|[12]\d|3[01])-(?:0[1-9]|1[0-2]))\b",
        check: is_day,
    },
    Rule {
        kind: Date,
        digits: 5,
        signs: sign::DASH,
        shape: r"\b(?:19(?:0[1-9]|[1-9][0-9])|20(?:0[1-9]|[1-9][0-9]))-[1-9]\b",
        check: |text, found| !is_loinc(&text[found]),
    },
    Rule {
        kind: Date,
        digits: 2,
        signs: sign::SLASH,
        shape: concat!(r"\b", day!("/"), r"\b"),
        check: is_no_score,
    },
];

/// Words that may follow a day of figures without a zero before them; other words are what they count: seen 4-5 patients.
const AFTER_DAY: &str = "at and with for by in to from on after because due then when who where was is had has he she they
    patient pt complaining presenting pain fever um mit wegen und nach avec pour et con por y alle con per met";

/// Whether a label's figures are a day: not measured, not of a longer number, and counting nothing.
fn is_day(text: &str, found: Range<usize>) -> bool {
    let after = &text[found.end..];
    let longer =
        after.starts_with(['-', '/', '.']) && after[1..].starts_with(|c: char| c.is_ascii_digit());
    if longer || measured(after) {
        return false;
    }
    let all = &text[found];
    let figures = all.rsplit(|c: char| !c.is_ascii_digit() && !"-/. ".contains(c)).next();
    let parts = || {
        figures
            .unwrap_or_default()
            .split(|c: char| !c.is_ascii_digit())
            .filter(|part| !part.is_empty())
    };
    let padded = parts().any(|part| part.starts_with('0') || part.len() > 2);
    let next = after.trim_start();
    let word = &next[..next.find(|c: char| !c.is_alphabetic()).unwrap_or(next.len())];
    let word = word.to_lowercase();
    padded || word.is_empty() || AFTER_DAY.split_whitespace().any(|known| known == word)
}

/// What is scored out of 4, 5, 6 or 10, and what is counted so.
const SCORED: &str = "pain score scores scored nrs vas scale rated rates rating apgar strength power murmur mrc intensity severity
    headache discomfort itch nausea schmerz schmerzen douleur dolor dolore fatigue anxiety borg motor grip flexion extension
    abduction deltoid deltoids biceps triceps quadriceps quads hamstrings iliopsoas dorsiflexion plantarflexion reflexes
    reflex pulses dtrs kraft kraftgrad force forza fuerza systolic holosystolic diastolic sem";
/// What is counted out of how many there are, and what there are fractions of.
const COUNTED: &str = "nodes node lymph cultures culture cores core quadrants views sets bottles positive objects words items
    episodes visits doses lesions specimens slides samples criteria eyes ears";
const PARTS: &str = "tablet tablets tab tabs pill pills cup cups dose strength ns normal saline full inch inches pint pack packs ppd bottle glass of
    life way hour hours pound teaspoon tsp tbsp ampule vial patch liter litre day dilution maximum size thickness tablette
    tabletten comprimé comprimido compressa";
/// Before these fractions stands a duration in British notes, of days (7), weeks (52) and months (12), or an acuity of vision.
const BEFORE: &str = "for x in every va acuity vision od os ou history last past visus";
/// What may stand between that and the score; days follow other words, such as since.
const BETWEEN: &str = "is was of at a then now currently to and about as level score scale down up he ist bei improved decreased
    increased reduced";
/// A day stands behind these, whatever follows.
const BEFORE_DAY: &str = "on since seen from until till by admitted admission discharged date dated dob born am vom seit bis le du depuis
    el desde il dal em op sinds geb geboren yesterday né née nacido nacida nato nata examined collected signed died";
/// A score stands at most so many bytes behind what is scored.
const NEAR: usize = 40;
/// Between a score and what is scored stand so many words at most: 2/6 soft systolic murmur.
const WORDS_BETWEEN: usize = 2;

fn among(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|listed| listed == word)
}

/// Whether two figures with a slash between them are no score, such as pain of 3/10, no part of a longer row and no fraction.
/// Without a word that says so they are a day.
fn is_no_score(text: &str, found: Range<usize>) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    let (ahead, rest) = (&text[..found.start], &text[found.end..]);
    let row = rest.starts_with('/') && rest[1..].starts_with(digit)
        || ahead.ends_with('/') && ahead[..ahead.len() - 1].ends_with(digit);
    if row {
        return false;
    }
    let (points, most) = text[found.clone()].split_once('/').unwrap_or_default();
    let (Ok(points), Ok(most)) = (points.parse::<u8>(), most.parse::<u8>()) else { return true };
    let padded = text[found.clone()].starts_with('0') || text[found].contains("/0");
    if points > most || padded {
        return true;
    }
    let start = (0..=ahead.len().saturating_sub(NEAR)).rev().find(|at| text.is_char_boundary(*at));
    let before = ahead[start.unwrap_or(0)..].to_lowercase();
    let words = before.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).rev();
    let last = words.clone().next().unwrap_or_default();
    let score = matches!(most, 4 | 5 | 6 | 10);
    let scored = words.clone().find(|word| !among(BETWEEN, word)).unwrap_or_default();
    // After one minute and after five: apgar 8/9.
    if score && among(SCORED, scored) || scored == "apgar" && most < 10 {
        return false;
    }
    if among(BEFORE_DAY, last) {
        return true;
    }
    let behind = rest.split([',', '.', ';', ':', '(']).next().unwrap_or_default().to_lowercase();
    let mut following = behind.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let next = following.clone().next().unwrap_or_default();
    let mut near = following.by_ref().take(WORDS_BETWEEN + 1);
    let told = near.any(|word| score && among(SCORED, word) || among(COUNTED, word));
    // 2 1/2 of it.
    let mixed =
        ahead.ends_with(' ') && ahead.trim_end().ends_with(digit) && points < most && most < 9;
    let spoken = among(BEFORE, last) && matches!(most, 5 | 6 | 7 | 9 | 12);
    !(told || among(PARTS, next) || mixed || spoken)
}

/// What a cell of a column of dates may be that is none alone: day and month, year and month, six figures, or the number of
/// a day in a spreadsheet.
static CELL: LazyLock<Regex> = LazyLock::new(cell);

#[expect(clippy::expect_used, reason = "the shape is constant, and a test compiles it")]
fn cell() -> Regex {
    let shape = concat!(r"^\s*(?:", day!(r"\s?[-/.]\s?"), r"\.?|\d{6}|[1-5]\d{4})\s*$");
    Regex::new(shape).expect("a constant shape that a test compiles")
}

/// Whether a cell is a date where its column says that it has dates.
pub(crate) fn is_dated(cell: &str) -> bool {
    CELL.is_match(cell)
}

/// Whether a cell is a year and a month and nothing else: `202001`.
pub(crate) fn is_year_month(cell: &str) -> bool {
    let cell = cell.trim();
    let number = |text: &str| text.parse::<u32>().unwrap_or(0);
    cell.len() == 6
        && cell.bytes().all(|byte| byte.is_ascii_digit())
        && (1850..=2150).contains(&number(&cell[..4]))
        && (1..=12).contains(&number(&cell[4..]))
}

/// Two figures of a score, the points and how many there are.
pub(crate) fn points(cell: &str) -> Option<(u8, u8)> {
    let (points, most) = cell.trim().split_once('/')?;
    let figures = |text: &str| text.parse::<u8>().ok().filter(|_| text.len() <= 2);
    Some((figures(points)?, figures(most)?)).filter(|(points, most)| points <= most)
}
