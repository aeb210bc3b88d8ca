//! Free text without the eighteen identifiers of Safe Harbor, 45 CFR 164.514(b)(2)(i)(A) to (R).
//!
//! Numbers, dates, addresses and the like are found by their shape (`patterns`). Names have no shape, so that the rule
//! for words is the other way round: a word stays if it is written in small letters, or is a common word
//! (`words`), and if nobody in the data is called so, in whatever letters and with or without diacritics (`spelling`).
//! In doubt a word goes. The text that is left can be counted and
//! searched for findings; whoever needs the whole note must work where it is.
//!
//! What was found is counted by kind and never told.

mod ages;
mod dates;
mod days;
mod handles;
mod homes;
mod known;
mod numbers;
mod ordinary;
mod patterns;
mod places;
mod plain;
mod sign;
mod spelling;
mod spoken;
mod words;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use known::Known;
use patterns::{AGE, Patterns};

pub(crate) use days::{is_dated, is_year_month, points};

/// One of the eighteen identifiers, in the order of the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identifier {
    /// (A) Names.
    Name,
    /// (B) Places smaller than a state.
    Place,
    /// (C) Parts of dates other than the year, and ages over 89.
    Date,
    /// (D) Telephone numbers.
    Telephone,
    /// (E) Fax numbers.
    Fax,
    /// (F) Email addresses.
    Email,
    /// (G) Social security numbers.
    SocialSecurity,
    /// (H) Medical record numbers.
    MedicalRecord,
    /// (I) Health plan beneficiary numbers.
    HealthPlan,
    /// (J) Account numbers.
    Account,
    /// (K) Certificate and licence numbers.
    Licence,
    /// (L) Vehicle identifiers.
    Vehicle,
    /// (M) Device identifiers.
    Device,
    /// (N) Web addresses.
    Web,
    /// (O) Internet protocol addresses.
    Internet,
    /// (P) Biometric identifiers.
    Biometric,
    /// (Q) Photographs and comparable images.
    Photograph,
    /// (R) Any other unique number, characteristic or code.
    Other,
}

impl Identifier {
    /// All of them.
    pub const ALL: [Identifier; 18] = [
        Identifier::Name,
        Identifier::Place,
        Identifier::Date,
        Identifier::Telephone,
        Identifier::Fax,
        Identifier::Email,
        Identifier::SocialSecurity,
        Identifier::MedicalRecord,
        Identifier::HealthPlan,
        Identifier::Account,
        Identifier::Licence,
        Identifier::Vehicle,
        Identifier::Device,
        Identifier::Web,
        Identifier::Internet,
        Identifier::Biometric,
        Identifier::Photograph,
        Identifier::Other,
    ];

    /// Its name in reports, and in brackets in place of what was removed.
    pub fn label(self) -> &'static str {
        match self {
            Identifier::Name => "name",
            Identifier::Place => "place",
            Identifier::Date => "date",
            Identifier::Telephone => "telephone",
            Identifier::Fax => "fax",
            Identifier::Email => "email",
            Identifier::SocialSecurity => "social security number",
            Identifier::MedicalRecord => "medical record number",
            Identifier::HealthPlan => "health plan number",
            Identifier::Account => "account",
            Identifier::Licence => "licence",
            Identifier::Vehicle => "vehicle",
            Identifier::Device => "device",
            Identifier::Web => "web address",
            Identifier::Internet => "IP address",
            Identifier::Biometric => "biometric",
            Identifier::Photograph => "photograph",
            Identifier::Other => "other",
        }
    }

    fn marker(self) -> char {
        char::from_u32(FIRST_MARKER + self as u32).unwrap_or(AGE)
    }
}

/// How many of each kind were removed, by the kind's label.
pub type Removed = BTreeMap<&'static str, u64>;

/// Characters of the private use area stand for what was removed until the text is finished.
const FIRST_MARKER: u32 = 0xE000;
/// Numbers of more digits are taken for identifiers.
const LONGEST_NUMBER: usize = 4;
/// Words of more characters are taken for identifiers.
const LONGEST_WORD: usize = 24;
/// A mixture of letters and digits of more characters is taken for an identifier.
const LONGEST_MIXTURE: usize = 7;
/// Numbers of fewer digits identify nobody by themselves.
const SHORTEST_NUMBER: usize = 5;

/// Compiled once; every scrubber looks for the same shapes.
static PATTERNS: LazyLock<Patterns> = LazyLock::new(Patterns::new);

/// Removes identifiers from texts.
pub struct Scrubber {
    patterns: &'static Patterns,
    common: HashSet<&'static str>,
    /// Words and numbers of people in the data, folded.
    known: Known,
}

impl Default for Scrubber {
    fn default() -> Scrubber {
        Scrubber::new()
    }
}

impl Scrubber {
    /// A scrubber that knows nobody.
    pub fn new() -> Scrubber {
        Scrubber { patterns: &PATTERNS, common: words::common().collect(), known: Known::default() }
    }

    /// Remembers what somebody is called or numbered: each of its words is removed wherever it is written, in large or
    /// small letters, with or without diacritics, apostrophes and hyphens, in parts or joined to another. A word that is in
    /// any sentence (`no`, `of`, `patient`) is removed only beside another word of the name.
    pub fn know(&mut self, name: &str) {
        self.known.learn(&plain::plain(name));
    }

    /// Remembers what a place or an organization is called: words that are not ordinary ones, each as a person's, and
    /// several words as they stand. Of `No. 12 High Road`, `high` and `no` stay, and `12 High Road` goes.
    pub fn know_place(&mut self, name: &str) {
        self.known.learn_place(&plain::plain(name));
    }

    /// Remembers what somebody is numbered by, which is then found as a number too, whole or in groups.
    pub fn know_number(&mut self, number: &str) {
        self.known.learn_number(&plain::plain(number));
    }

    /// Whether a number or code, its separators left out, is one of somebody in the data. Numbers of less than five digits
    /// are no identifiers by themselves.
    pub fn is_number_of_somebody(&self, number: &str) -> bool {
        self.known.has_number(number)
    }

    /// Free text without identifiers. A kind in brackets stands for what was removed; ages over 89 become `90 or older`.
    pub fn text(&self, text: &str, removed: &mut Removed) -> String {
        let marked = self.patterns.mark(&plain::plain(text));
        finish(&self.words(&marked, true), removed)
    }

    /// A short value without what has an identifier's shape. Numbers of up to six digits, codes and words stay.
    pub fn shape(&self, value: &str, removed: &mut Removed) -> String {
        let marked = self.patterns.mark(&plain::plain(value));
        let digits = value.bytes().all(|b| b.is_ascii_digit()) && value.len() > LONGEST_NUMBER + 2;
        match marked == value && !digits {
            true => marked,
            false if digits => finish(&Identifier::Other.marker().to_string(), removed),
            false => finish(&marked, removed),
        }
    }

    /// What stands for a cell of a column of dates that only its column tells to be one, such as `04-05` and `202001`.
    pub(crate) fn date(removed: &mut Removed) -> String {
        finish(&Identifier::Date.marker().to_string(), removed)
    }

    /// A short value without what has an identifier's shape, or is the name of somebody in the data.
    ///
    /// Numbers of up to six digits, codes and words stay.
    pub fn value(&self, value: &str, removed: &mut Removed) -> String {
        if self.known.is_place(value) {
            return finish(&Identifier::Place.marker().to_string(), removed);
        }
        if self.is_plain(value) {
            return value.to_owned();
        }
        let plain = plain::plain(value);
        let marked = self.patterns.mark(&plain);
        let marked = self.words(&marked, false);
        if marked == value { marked } else { finish(&marked, removed) }
    }

    /// Most values are short words or numbers that need no look.
    fn is_plain(&self, value: &str) -> bool {
        let short =
            value.len() <= LONGEST_NUMBER && value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        short || (value.bytes().all(|b| b.is_ascii_alphabetic()) && !self.is_somebody(value))
    }

    /// Judges each word, and words that are one name in parts. In a short value (`prose` not set) only known names and
    /// long numbers go.
    fn words(&self, text: &str, prose: bool) -> String {
        let words = spans(text);
        let mut out = String::with_capacity(text.len());
        let (mut copied, mut next) = (0, 0);
        while let Some(word) = words.get(next) {
            out.push_str(&text[copied..word.start]);
            let parts = self.known.parted(text, &words[next..]);
            let place = self.known.phrase(text, &words[next..]);
            let taken = parts.max(place).max(1);
            let end = words[next + taken - 1].end;
            let word = &text[word.start..end];
            let kind = match (parts, place) {
                (0, 0) if self.is_beside(text, &words, next) => Some(Identifier::Name),
                (0, 0) => self.judge(word, prose),
                _ if place >= parts => Some(Identifier::Place),
                _ => Some(somebody(word)),
            };
            match kind {
                None => out.push_str(word),
                Some(kind) => out.push(kind.marker()),
            }
            copied = end;
            next += taken;
        }
        out.push_str(&text[copied..]);
        out
    }

    /// Whether somebody in the data is called so, alone, with another name or with an ending.
    fn is_somebody(&self, word: &str) -> bool {
        self.known.has(word)
            || (self.known.makes_up(word) || self.known.nearly(word)) && !self.is_common(word)
    }

    /// Whether a word of any sentence stands beside another part of a name that has it.
    fn is_beside(&self, text: &str, words: &[Range<usize>], at: usize) -> bool {
        let joined = |gap: &str| matches!(gap, " " | "-" | "'" | "’");
        let of = |first: usize, other: usize| {
            let (Some(first), Some(last)) = (words.get(first), words.get(first + 1)) else {
                return false;
            };
            joined(&text[first.end..last.start])
                && self.known.has_beside(&text[words[at].clone()], &text[words[other].clone()])
        };
        of(at, at + 1) || at > 0 && of(at - 1, at - 1)
    }

    fn is_common(&self, word: &str) -> bool {
        self.common.contains(word.to_lowercase().as_str())
    }

    fn judge(&self, word: &str, prose: bool) -> Option<Identifier> {
        if ordinary::is_negation(&spelling::folded(word)) {
            return None;
        }
        if self.is_somebody(word) {
            return Some(somebody(word));
        }
        if is_disguised(word) {
            return Some(Identifier::Name);
        }
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let whole = word.split(['.', ',']).next().map_or(0, str::len);
        let number = word.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',');
        if digits > 0 && self.is_number_of_somebody(word) {
            return Some(Identifier::Other);
        }
        if !prose {
            return (number && whole > LONGEST_NUMBER + 2).then_some(Identifier::Other);
        }
        if number {
            return (whole > LONGEST_NUMBER || digits > 2 * LONGEST_NUMBER)
                .then_some(Identifier::Other);
        }
        let length = word.chars().count();
        if digits > 0 {
            return (length > LONGEST_MIXTURE || digits > 3).then_some(Identifier::Other);
        }
        if length > LONGEST_WORD {
            return Some(Identifier::Other);
        }
        // A letter without case belongs to a script in which names cannot be told from other words.
        let small = word.chars().all(|c| c.is_lowercase() || !c.is_alphabetic());
        let alone = length == 1 && word.is_ascii();
        (!small && !alone && !self.is_common(word)).then_some(Identifier::Name)
    }
}

/// Whether Cyrillic letters stand between Latin ones, whose shapes they have. Greek ones belong to names of substances.
fn is_disguised(word: &str) -> bool {
    !word.is_ascii()
        && word.contains(|c: char| c.is_ascii_alphabetic())
        && word.contains(|c: char| ('\u{400}'..='\u{52f}').contains(&c))
}

/// The kind of what somebody is called or numbered.
fn somebody(word: &str) -> Identifier {
    let digits = word.chars().any(|c| c.is_ascii_digit());
    if digits { Identifier::Other } else { Identifier::Name }
}

/// Where the words of a text are.
fn spans(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(is_part).map(|start| at + start) {
        let word = &text[start..];
        let end = word.find(|c| !is_part(c)).unwrap_or(word.len());
        // A point or comma between digits belongs to the number.
        at = start + decimal_end(word, end);
        spans.push(start..at);
    }
    spans
}

/// Whether a character can be part of a word.
fn is_part(c: char) -> bool {
    c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c)
}

/// The end of a decimal number that begins a text, if it begins with one; otherwise `end`.
fn decimal_end(text: &str, end: usize) -> usize {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mut all = end;
    while number(&text[..end]) && text[all..].starts_with(['.', ',']) {
        let next = &text[all + 1..];
        let digits = next.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            break;
        }
        all += 1 + digits;
    }
    all
}

/// Counts the markers and writes what they stand for. Neighbours of one kind are one.
fn finish(marked: &str, removed: &mut Removed) -> String {
    let mut out = String::with_capacity(marked.len());
    let mut last = None;
    let mut gap = String::new();
    for c in marked.chars() {
        let kind =
            (c as u32).checked_sub(FIRST_MARKER).and_then(|i| Identifier::ALL.get(i as usize));
        match kind {
            Some(kind) => {
                *removed.entry(kind.label()).or_default() += 1;
                if last != Some(kind) {
                    out.push_str(&gap);
                    out.push('[');
                    out.push_str(kind.label());
                    out.push(']');
                }
                gap.clear();
                last = Some(kind);
            }
            None if c == AGE => {
                *removed.entry(Identifier::Date.label()).or_default() += 1;
                out.push_str(&gap);
                out.push_str("90 or older");
                gap.clear();
                last = None;
            }
            None if last.is_some() && !is_part(c) => gap.push(c),
            None => {
                out.push_str(&gap);
                gap.clear();
                out.push(c);
                last = None;
            }
        }
    }
    out + &gap
}

#[cfg(test)]
mod tests;
