//! Free text without the eighteen identifiers of Safe Harbor, 45 CFR 164.514(b)(2)(i)(A) to (R).
//!
//! Numbers, dates, addresses and the like are found by their shape (`patterns`). Names have no shape, so that the rule
//! for words is the other way round: a word stays if it is written in small letters, or is a common word
//! (`words`), and if nobody in the data is called so, in whatever letters and with or without diacritics (`spelling`).
//! In doubt a word goes. The text that is left can be counted and
//! searched for findings; whoever needs the whole note must work where it is.
//!
//! What was found is counted by kind and never told.

mod patterns;
mod spelling;
mod words;

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use patterns::{AGE, Patterns};

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
/// A cell with more words than this is a person's prose and no name of anybody.
const LONGEST_NAME: usize = 10;

/// What joins the parts of a name that is also written as one word.
const JOINTS: [char; 4] = ['\'', '’', '-', '‐'];
/// Those of them that join whole names.
const HYPHENS: [char; 2] = ['-', '‐'];

/// Compiled once; every scrubber looks for the same shapes.
static PATTERNS: LazyLock<Patterns> = LazyLock::new(Patterns::new);

/// Removes identifiers from texts.
pub struct Scrubber {
    patterns: &'static Patterns,
    common: HashSet<&'static str>,
    /// Words and numbers of people in the data, folded.
    known: HashSet<String>,
}

impl Default for Scrubber {
    fn default() -> Scrubber {
        Scrubber::new()
    }
}

impl Scrubber {
    /// A scrubber that knows nobody.
    pub fn new() -> Scrubber {
        Scrubber { patterns: &PATTERNS, common: words::common().collect(), known: HashSet::new() }
    }

    /// Remembers what somebody is called or numbered: each of its words is removed wherever it is written, in large or
    /// small letters, with or without diacritics, apostrophes and hyphens.
    pub fn know(&mut self, name: &str) {
        let plain = patterns::plain(name);
        let words: Vec<&str> =
            plain.split(|c: char| !is_part(c)).filter(|w| !w.is_empty()).collect();
        if words.len() > LONGEST_NAME {
            return;
        }
        words.into_iter().for_each(|word| self.know_word(word));
        // O'Brien is written obrien, and Anna-Maria annamaria.
        for word in plain.split_whitespace().filter(|word| word.contains(JOINTS)) {
            let joined = |word: &str| word.chars().filter(|c| is_part(*c)).collect::<String>();
            word.split(HYPHENS).chain([word]).for_each(|word| self.know_word(&joined(word)));
        }
    }

    fn know_word(&mut self, word: &str) {
        if word.chars().count() > 1 {
            self.known.insert(spelling::folded(word));
            self.known.extend(spelling::transcribed(word));
        }
    }

    /// Whether somebody in the data is called or numbered so.
    fn is_known(&self, word: &str) -> bool {
        self.known.contains(&spelling::folded(word))
            || spelling::transcribed(word).is_some_and(|word| self.known.contains(&word))
    }

    /// Free text without identifiers. A kind in brackets stands for what was removed; ages over 89 become `90 or older`.
    pub fn text(&self, text: &str, removed: &mut Removed) -> String {
        let marked = self.patterns.mark(&patterns::plain(text));
        finish(&self.words(&marked, true), removed)
    }

    /// A short value without what has an identifier's shape. Numbers of up to six digits, codes and words stay.
    pub fn shape(&self, value: &str, removed: &mut Removed) -> String {
        let marked = self.patterns.mark(&patterns::plain(value));
        let digits = value.bytes().all(|b| b.is_ascii_digit()) && value.len() > LONGEST_NUMBER + 2;
        match marked == value && !digits {
            true => marked,
            false if digits => finish(&Identifier::Other.marker().to_string(), removed),
            false => finish(&marked, removed),
        }
    }

    /// A short value without what has an identifier's shape, or is the name of somebody in the data.
    ///
    /// Numbers of up to six digits, codes and words stay.
    pub fn value(&self, value: &str, removed: &mut Removed) -> String {
        if self.is_plain(value) {
            return value.to_owned();
        }
        let plain = patterns::plain(value);
        let marked = self.patterns.mark(&plain);
        let marked = self.words(&marked, false);
        if marked == value { marked } else { finish(&marked, removed) }
    }

    /// Most values are short words or numbers that need no look.
    fn is_plain(&self, value: &str) -> bool {
        let short =
            value.len() <= LONGEST_NUMBER && value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        short
            || (value.bytes().all(|b| b.is_ascii_alphabetic())
                && !self.known.contains(&value.to_ascii_lowercase()))
    }

    /// Judges each word. In a short value (`prose` not set) only known names and long numbers go.
    fn words(&self, text: &str, prose: bool) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(is_part) {
            out.push_str(&rest[..start]);
            let word = &rest[start..];
            let end = word.find(|c| !is_part(c)).unwrap_or(word.len());
            // A point or comma between digits belongs to the number.
            let end = decimal_end(word, end);
            match self.judge(&word[..end], prose) {
                None => out.push_str(&word[..end]),
                Some(kind) => out.push(kind.marker()),
            }
            rest = &word[end..];
        }
        out.push_str(rest);
        out
    }

    fn judge(&self, word: &str, prose: bool) -> Option<Identifier> {
        if self.is_known(word) {
            let digits = word.chars().any(|c| c.is_ascii_digit());
            return Some(if digits { Identifier::Other } else { Identifier::Name });
        }
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let whole = word.split(['.', ',']).next().map_or(0, str::len);
        let number = word.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',');
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
        let common = || self.common.contains(word.to_lowercase().as_str());
        (!small && !alone && !common()).then_some(Identifier::Name)
    }
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
mod tests {
    use super::*;

    fn scrub(text: &str) -> String {
        Scrubber::new().text(text, &mut Removed::new())
    }

    #[test]
    fn findings_stay_and_identifiers_go() {
        for (text, expected) in [
            (
                "Patient reports chest pain, blood pressure 120/80 mmHg, temp 38.5. Started metformin 500 mg.",
                "Patient reports chest pain, blood pressure 120/80 mmHg, temp 38.5. Started metformin 500 mg.",
            ),
            ("seen by Dr. Smith on 03/04/2019 at 10:30", "seen by [name] on [date] at [date]"),
            ("92-year-old woman, aged 95", "90 or older woman, 90 or older"),
            ("call 555-123-4567 or mail jo.d@example.org", "call [telephone] or mail [email]"),
            ("MRN: 12345678, SSN 123-45-6789", "[medical record number], [social security number]"),
        ] {
            assert_eq!(scrub(text), expected);
        }
    }

    #[test]
    fn who_is_known_goes_however_it_is_written() {
        let mut scrubber = Scrubber::new();
        scrubber.know("Anna-Maria Weiß");
        let mut removed = Removed::new();
        assert_eq!(
            scrubber.text("told anna and WEIß, not annabel", &mut removed),
            "told [name] and [name], not annabel"
        );
        assert_eq!(removed["name"], 2);
        scrubber.know("Siobhán O'Brien");
        scrubber.know("Jürgen Łukasiewicz");
        for written in [
            "siobhan",
            "SIOBHÁN",
            "siobha\u{301}n",
            "obrien",
            "o'brien",
            "juergen",
            "jurgen",
            "JÜRGEN",
            "lukasiewicz",
            "anna-maria",
            "annamaria",
            "weiss",
            "WEISS",
        ] {
            let found = scrubber.text(&format!("told {written} of it"), &mut removed);
            assert!(
                found.ends_with("[name] of it") && !found.contains(written),
                "{written}: {found}"
            );
            let value = scrubber.value(written, &mut removed);
            assert!(!value.contains(written), "{written}: {value}");
        }
    }

    #[test]
    fn what_is_hidden_by_characters_that_nobody_sees_is_found() {
        for text in [
            "mail jo\u{200b}.d@exam\u{ad}ple.org",
            "mail ｊｏ.ｄ＠ｅｘａｍｐｌｅ.ｏｒｇ",
            "mail jo.d&#64;example.org",
            "mail <b>jo.d@example.org</b>",
        ] {
            let words: Vec<String> = scrub(text).split_whitespace().map(str::to_owned).collect();
            assert_eq!(words, ["mail", "[email]"], "{text}");
        }
        assert_eq!(scrub("\u{e000}\u{e001}pain"), "pain");
    }

    #[test]
    fn codes_stay_as_values_and_numbers_of_people_do_not() {
        let scrubber = Scrubber::new();
        let mut removed = Removed::new();
        for code in
            ["E11.9", "44054006x", "8480-6", "female", "12.5", "<=50K", "Adm-clerical", "7th-8th"]
        {
            assert_eq!(scrubber.value(code, &mut removed), code);
        }
        assert!(removed.is_empty());
        for (value, kept) in [
            ("123-45-6789", "[social security number]"),
            ("+49 170 1234567", "[telephone]"),
            ("12345678", "[other]"),
            ("2019-03-04", "[date]"),
            ("10.1.2.3", "[IP address]"),
        ] {
            assert_eq!(scrubber.value(value, &mut removed), kept);
        }
    }
}
