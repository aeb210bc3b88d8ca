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
mod known;
mod numbers;
mod ordinary;
mod patterns;
mod places;
mod plain;
mod spelling;
mod words;

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use known::Known;
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
    fn what_only_resembles_an_identifier_stays() {
        let mut wrong = Vec::new();
        for text in [
            "blood pressure 120/80, then 98/60 and 110/95",
            "took 500 mg, 2.5 ml and 100 units of it",
            "temp 98.6 F, then 100.4 f, pulse 95 and weight 104 kg",
            "sodium 140 mmol/l, glucose 95 mg/dl, hba1c 7.5%",
            "wbc 120 000 and later 98 000",
            "in 2019 may have had pain, since 1998",
            "head turned 90 degrees, saturation 95%",
            "aged 70, 120/80 and 95% on air",
            "age 45, pulse 98",
            "grade 2 3 4 of 5, levels 10 12 14",
            "for 18 months, then 104 weeks of it",
            "ninety mg and one hundred ml of it",
            "1 of 3 set, 2 out of 12",
            "hba1c 53.5-54.2, inr 1.015, 1.020, troponin 0.012, 0.034",
            "troponin 0.0123, 0.0456, specific gravity 1.0150, 1.0200",
            "t-score -1.25, -2.31 and z-score 2.1, -0.4",
            "pain 3/10, then 8/10, ratio 1:2.5 and 2.5:1",
            "gestational age 39 weeks, 273 days, 40 4 of it",
            "at 28 w 3 d, for 12 weeks, 6 to 8 wk",
            "bed at 30\u{b0} w/ pillows, flexion 90\u{b0} s/p repair, 37.5\u{b0}",
            "lat 2 views, lesion 3.20 long and 2.35 lat of it",
            "trigger point (3), starting point (2 4)",
            "amoxicillin 2000/125 mg, 875/125 and 1000/200",
            "pulse 92/m, height 1.80 m, 95 kg, 98%",
            "sats in the nineties, in the mid 90s on air",
            "given via ng tube 50 ml, via iv line 3 times",
            "glucose 180 145 132, doses 100 200 300 mg",
            "years 2018 2019 2020, 1000 2000 3000 units",
            "grade 3 iv of it, type ii, stage 2-iii, t2-n1-m0",
            "30 minute walk close to 3 of the hill, 12 days in close care",
            "nurse coordinates 2 visits, is on platz 3 mg",
            "took sin 5 mg, cpr 20 min, dni for 24 h",
            "signal: increased, threads: 3, ig: 5",
            "patients (92), scored (92), n (104)",
            "temp 98.60, 37.00, sodium 140.25, 4.50",
            "avenue for 3 days",
            "reports 3/10 pain, strength 5/5, murmur 2/6, pain is now 3/10 and was 8/10",
            "pain is 7/10, improved to 3/10, fatigue 5/10",
            "concentration 12.3456, 0.1234 units",
            "turned 90 degrees let it rest, a later 3 of 5",
        ] {
            let found = scrub(text);
            if found != text {
                wrong.push((text, found));
            }
        }
        for text in [
            "120/80",
            "53.5-54.2",
            "39w3d",
            "E11.9",
            "C50.911",
            "8480-6",
            "C0011849",
            "2093-3",
            "1920-8",
            "D003924",
            "2000/125",
            "1.015, 1.020",
            "T2N1M0",
            "100-200-300",
            "10*9/L",
            "30 min walk",
            "via peg",
            "1:128",
            "12.5 mg",
            "500 mg 3 times",
            "2 views lateral",
        ] {
            let mut removed = Removed::new();
            let found = Scrubber::new().value(text, &mut removed);
            if found != text {
                wrong.push((text, found));
            }
        }
        for (text, kept) in [
            ("MRN 445 566 120/80 mmhg", "[medical record number] 120/80 mmhg"),
            ("MRN 44556677 500 mg", "[medical record number] 500 mg"),
            ("MRN 445 566 98.6 f", "[medical record number] 98.6 f"),
            ("on 5 Apr 12 mg of it", "on [date] 12 mg of it"),
            ("on 5 Apr 30; pain", "on [date]; pain"),
            ("id a1b2c3d4-e5f6-7890-abcd-ef1234567890 today", "id [other] today"),
            ("at fe80::1 today", "at [IP address] today"),
            ("mme dupont", "[name]"),
            ("lat 53.57, lon -1.38 noted", "[place] noted"),
            ("Patient (92) in pain", "Patient (90 or older) in pain"),
            ("to Via Roma 14 today", "to [place] today"),
            ("told \u{51b}uartermain of it", "told [name] of it"),
        ] {
            let found = scrub(text);
            if found != kept {
                wrong.push((text, found));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn dates_ages_and_numbers_go_however_they_are_written() {
        let (scrubber, mut wrong) = (Scrubber::new(), Vec::new());
        for (written, kept) in [
            ("05-APR-1930", "[date]"),
            ("12-MAY-1944", "[date]"),
            ("1930 04 05", "[date]"),
            ("1930 - 04 - 05", "[date]"),
            ("5 4 1930", "[date]"),
            ("05 04 30", "[date]"),
            ("5 avril 1930", "[date]"),
            ("15 enero 1950", "[date]"),
            ("3 marzo 1950", "[date]"),
            ("5 mag 1950", "[date]"),
            ("5APR30", "[date]"),
            ("05APR1930", "[date]"),
            ("5/Apr/1930", "[date]"),
            ("5.Apr.1930", "[date]"),
            ("05 APR 30", "[date]"),
            ("1930-Apr-05", "[date]"),
            ("3. Mrz 1950", "[date]"),
            ("2 fe\u{301}vrier 1950", "[date]"),
            ("06 12 34 56 78", "[telephone]"),
            ("06.12.34.56.78", "[telephone]"),
            ("555-8675309", "[telephone]"),
            ("(555) 8675309", "[telephone]"),
            ("867 5309", "[telephone]"),
            ("555 86 75 309", "[telephone]"),
            ("1EG4-TE5-MK73", "[health plan number]"),
            ("1EG4TE5MK73", "[health plan number]"),
            ("QQ 12 34 56 C", "[social security number]"),
            ("QQ123456C", "[social security number]"),
            ("123 45 6789", "[social security number]"),
            ("ssn 123 45 6789", "[social security number]"),
            ("MRN 445 566", "[medical record number]"),
            ("4 4 5 5 6 6 7 7", "[other]"),
            ("95.5 years", "90 or older"),
            ("95 y", "90 or older"),
            ("95yoF", "90 or older"),
            ("aet. 95", "90 or older"),
            ("aged 91 or 92", "90 or older"),
            ("age 85-99", "90 or older"),
            ("ages 5, 91, 92 and 93", "90 or older"),
            ("95 Jahren", "90 or older"),
            ("1140 months old", "90 or older"),
            ("95th birthday", "90 or older"),
            ("aged ninety-three", "90 or older"),
            ("turned 95", "90 or older"),
            ("92/m", "90 or older"),
            ("95;m", "90 or older"),
            ("m,95", "90 or older"),
            ("\u{2640}92", "90 or older"),
            ("im Alter von 95", "im 90 or older"),
            ("in his nineties", "in his 90 or older"),
            ("in his mid-90s", "in his 90 or older"),
            ("hundred years old", "90 or older"),
            ("92 let", "90 or older"),
            ("92 lat", "90 or older"),
            ("92 ani", "90 or older"),
            ("92\u{6b73}", "90 or older"),
            ("возраст 92", "90 or older"),
            ("5000 weeks old", "90 or older"),
            ("33580 days old", "90 or older"),
            ("2020/01", "[date]"),
            ("2020-5", "[date]"),
            ("2020-W05", "[date]"),
            ("2021W18", "[date]"),
            ("W18 2021", "[date]"),
            ("2021/123", "[date]"),
            ("3-V-2021", "[date]"),
            ("05.IV.1930", "[date]"),
            ("DOB 4 5 30", "[date]"),
            ("dob:040530", "[date]"),
            ("geb. 05041930", "[date]"),
            ("*1930", "[date]"),
            ("Jg. 1930", "[date]"),
            ("on 4/5", "on [date]"),
            ("on 3/10 pain", "on [date] pain"),
            ("pain since 3/10", "pain since [date]"),
            ("05/30", "[date]"),
            ("3 maj 2021", "[date]"),
            ("3 мая 2021", "[date]"),
            ("3 maja 2021", "[date]"),
            ("2021\u{5e74}5\u{6708}3\u{65e5}", "[date]"),
            ("53.5712,-1.3811", "[place]"),
            ("53.571234, 11.381234", "[place]"),
            ("-33.868,151.209", "[place]"),
            ("lat 53.57, lon -1.38", "[place]"),
            ("latitude: 53.57", "[place]"),
            ("53\u{b0}34\u{2032}N 1\u{b0}23\u{2032}W", "[place]"),
            ("53&deg;34&prime;N", "[place]"),
            ("53.57\u{b0}N, 1.38\u{b0}W", "[place]"),
            ("53.5712N 1.3811W", "[place]"),
            ("geo:53.57,-1.38", "[place]"),
            ("POINT(-1.381 53.571)", "[place]"),
            ("POLYGON((-1.38 53.57, -1.39 53.58))", "[place]"),
            ("GPS 53.57 -1.38", "[place]"),
            ("///filled.count.soap", "[place]"),
            ("what3words filled.count.soap", "[place]"),
            ("plus code 9C5W", "[place]"),
            ("0171 12 34 567", "[telephone]"),
            ("(0171) 12 34 567", "[telephone]"),
            ("91 123 45 67", "[telephone]"),
            ("612 345 671", "[telephone]"),
            ("555\u{b7}867\u{b7}5309", "[telephone]"),
            ("(11) 98765-4321", "[telephone]"),
            ("123 456 782", "[social security number]"),
            ("TFN 123 456 782", "[social security number]"),
            ("1234 5678 9012", "[social security number]"),
            ("Aadhaar 1234 5678 9012", "[social security number]"),
            ("2 55 08 14 168 025 38", "[social security number]"),
            ("756.1234.5678.97", "[social security number]"),
            ("123.456.789-09", "[social security number]"),
            ("CPF 123.456.789-09", "[social security number]"),
            ("NIR 2 55 08 14 168 025 38", "[social security number]"),
            ("19300405-1234", "[social security number]"),
            ("050430-1234", "[social security number]"),
            ("QRTZBL30D05H501X", "[social security number]"),
            ("QUZB300405HDFRRB09", "[social security number]"),
            ("X1234567L", "[social security number]"),
            ("12345678Z", "[social security number]"),
            ("A12345678", "[other]"),
            ("PAT0004711", "[other]"),
            ("d41d8cd98f00b204e9800998ecf8427e", "[other]"),
            ("a1b2c3d4-e5f6-7890-abcd-ef1234567890", "[other]"),
            ("K\u{f6}lner Str. 14", "[place]"),
            ("K\u{f6}lner Stra\u{df}e 14", "[place]"),
            ("Hauptstr. 12", "[place]"),
            ("Hauptstra\u{df}e 12", "[place]"),
            ("Lange Gasse 7", "[place]"),
            ("Alter Weg 7", "[place]"),
            ("Kerkstraat 12", "[place]"),
            ("7 rue de la Paix", "[place]"),
            ("7 rue de la paix", "[place]"),
            ("7 Rue Victor Hugo", "[place]"),
            ("Rue de la Paix 7", "[place]"),
            ("ul. D\u{142}uga 14", "[place]"),
            ("Calle Mayor 14", "[place]"),
            ("C/ Mayor 14", "[place]"),
            ("Plaza de Espa\u{f1}a 3", "[place]"),
            ("Rua Augusta 100", "[place]"),
            ("Via Roma 14", "[place]"),
            ("via roma 14", "[place]"),
            ("14 Wharfedale Close", "[place]"),
            ("14, Wharfedale Close", "[place]"),
            ("1805 1/2 E 17th Ave", "[place]"),
            ("586 Bailey Gardens", "[place]"),
            ("Postfach 771", "[place]"),
            ("zip code 3 6 0 1 2", "[place]"),
            ("zeb [at] x [dot] org", "[email]"),
            ("instagram: zebq77", "[web address]"),
            ("skype live:.cid.77aa", "[web address]"),
        ] {
            let mut removed = Removed::new();
            let value = scrubber.value(written, &mut removed);
            let shared = scrubber.shape(written, &mut removed);
            let prose = scrubber.text(&format!("seen {written}, today"), &mut removed);
            if value != kept || shared != kept || prose != format!("seen {kept}, today") {
                wrong.push((written, value, shared, prose));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
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
    fn a_name_with_an_ending_or_an_initial_is_the_name() {
        let mut scrubber = Scrubber::new();
        scrubber.know("Zebulon Quartermain");
        scrubber.know("Ruth Lower");
        let mut removed = Removed::new();
        for written in ["zebulons", "ruths", "zquartermain", "quartermainz", "quar&amp;#116;ermain"]
        {
            let found = scrubber.text(&format!("told {written} of it"), &mut removed);
            assert_eq!(found, "told [name] of it", "{written}");
            assert_eq!(scrubber.value(written, &mut removed), "[name]", "{written}");
        }
        // In a script whose letters look the same.
        for written in ["\u{51b}uartermain", "qu\u{430}rtermain"] {
            assert_eq!(scrubber.value(written, &mut removed), "[name]", "{written}");
        }
        for kept in ["flower", "truth", "ifn\u{3b3} and tnf\u{3b1}", "боль"] {
            assert_eq!(scrubber.text(kept, &mut removed), kept);
        }
    }

    #[test]
    fn words_of_any_sentence_are_a_name_only_beside_another_part_of_it() {
        let mut scrubber = Scrubber::new();
        for person in [
            "Kim No",
            "Was He",
            "An Nguyen",
            "Do Van An",
            "Patient Zebulon",
            "Nurse Fennimore",
            "Nicht Kein",
            "de la Cruz",
        ] {
            scrubber.know(person);
        }
        for kept in [
            "no chest pain, he was at home",
            "No chest pain. Not in distress",
            "patient with an infection, nurse informed",
            "schmerz nicht vorhanden, kein fieber, sans douleur, sin dolor",
            "de la douleur",
            "He was at home. No. Not",
            "what to do an hour later",
            "Nicht vorhanden. Kein fieber. Sans douleur. Sin dolor. Non",
            "Nicht Kein",
        ] {
            assert_eq!(scrubber.text(kept, &mut Removed::new()), kept);
        }
        for (text, kept) in [
            ("told kim no of it", "told [name] of it"),
            ("told kim. No pain", "told [name]. No pain"),
            ("seen by nguyen, no pain", "seen by [name], no pain"),
            ("told an nguyen of it", "told [name] of it"),
            ("told patient zebulon of it", "told [name] of it"),
            ("told fennimore, nurse", "told [name], nurse"),
            ("told la cruz of it", "told [name] of it"),
            ("told Do Van An of it", "told [name] of it"),
            ("told Was He of it", "told [name] of it"),
        ] {
            assert_eq!(scrubber.text(text, &mut Removed::new()), kept, "{text}");
        }
    }

    #[test]
    fn of_places_and_organizations_only_what_is_distinctive_goes() {
        let mut scrubber = Scrubber::new();
        for place in [
            "UNIVERSITY OF MASSACHUSETTS AND HOSPITAL IN THE VALLEY",
            "FAMILY HEALTH MEDICAL GROUP OF OVERLAND PARK, LLC",
            "No. 12 High Road",
            "Surgery at Home, not for Pain",
            "Emergency Department",
            "1 End of the Road and In",
            "City of Industry",
            "Hauptstraße 12",
            "Wharfedale Close",
            "79098",
        ] {
            scrubber.know_place(place);
        }
        let notes = [
            "family history of medical health problems",
            "no chest pain, not in distress",
            "with pain after surgery, he was at home",
            "high blood pressure in main artery, 12 mg given",
            "assessment of substance use and more in the labor force",
            "seen in the emergency department, close follow up",
            "general examination of patient, the end of it",
        ];
        for note in notes {
            assert_eq!(scrubber.text(note, &mut Removed::new()), note);
        }
        for (text, kept) in [
            ("lives at 12 high road now", "lives at [place] now"),
            ("lives in high road now", "lives in [place] now"),
            ("from the city of industry", "from the [place]"),
            ("seen in overland, and massachusetts", "seen in [name], and [name]"),
            ("lives in hauptstrasse, 79098", "lives in [name], [place]"),
            ("moved to wharfedale", "moved to [name]"),
        ] {
            assert_eq!(scrubber.text(text, &mut Removed::new()), kept, "{text}");
        }
        // A value that is nothing but the name of a place is one, even if prose has the word.
        scrubber.know_place("Essen");
        assert_eq!(scrubber.value("essen", &mut Removed::new()), "[place]");
        assert_eq!(scrubber.text("vor dem essen", &mut Removed::new()), "vor dem essen");
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
