//! What people in the data are called and numbered, and every way in which it may be written: in small letters or large,
//! with marks or without, in parts, and joined to another name.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::{SHORTEST_NUMBER, is_part, ordinary, spelling};

/// A cell with more words than this is a person's prose and no name of anybody.
const LONGEST_NAME: usize = 10;

/// What joins the parts of a name that is also written as one word.
const JOINTS: [char; 4] = ['\'', '’', '-', '‐'];
/// Those of them that join whole names.
const HYPHENS: [char; 2] = ['-', '‐'];

/// Titles name nobody.
const TITLES: [&str; 20] = [
    "dr",
    "prof",
    "med",
    "dipl",
    "md",
    "phd",
    "mr",
    "mrs",
    "ms",
    "mx",
    "miss",
    "herr",
    "frau",
    "doctor",
    "professor",
    "jr",
    "sr",
    "rn",
    "dds",
    "dvm",
];
/// A part of a joined name has at least so many characters, and the whole at least as many as the second number; shorter
/// ones are in many words.
const SHORTEST_PART: usize = 3;
const SHORTEST_WHOLE: usize = 8;
/// A name in parts that points or dashes join has at least so many characters.
const SHORTEST_JOINED: usize = 4;
/// A name in parts that spaces join has at least so many characters, for `is a` is not Isa.
const SHORTEST_SPACED: usize = 7;
/// A name in the genitive has at least so many bytes before its s, and one with an initial so many beside it: `flower` is not
/// Lower.
const SHORTEST_GENITIVE: usize = 4;
const SHORTEST_WITH_INITIAL: usize = 7;
/// A name has at most so many parts.
const MOST_PARTS: usize = 24;
/// A word of a place's or an organization's name, and a mixture of letters and digits, has at least so many characters.
const SHORTEST_PLACE: usize = 3;

/// Words and numbers of people, folded.
#[derive(Default)]
pub(super) struct Known {
    words: HashSet<String>,
    /// Words without which no sentence can be written, with the other words of the names that have them.
    beside: HashMap<String, HashSet<String>>,
    /// Names of places and organizations as their words stand, by their first word.
    phrases: HashMap<String, Vec<Vec<String>>>,
    /// Those of them that are one ordinary word, such as Essen, which only a value that is nothing else can be.
    places: HashSet<String>,
    /// What people are numbered by, letters and digits only. Postal codes are not among them: blood pressures and codes of
    /// drugs look like them.
    numbers: HashSet<String>,
    /// Bytes of the longest.
    longest: usize,
}

impl Known {
    /// Each word of a plain text, and what its words make together.
    pub(super) fn learn(&mut self, plain: &str) {
        let words: Vec<&str> =
            plain.split(|c: char| !is_part(c)).filter(|w| !w.is_empty()).collect();
        if words.len() > LONGEST_NAME {
            return;
        }
        words.iter().for_each(|word| self.learn_word(word));
        self.learn_beside(&words);
        // O'Brien is written obrien, and Anna-Maria annamaria.
        let joined = |word: &str| word.chars().filter(|c| is_part(*c)).collect::<String>();
        for word in plain.split_whitespace().filter(|word| word.contains(JOINTS)) {
            word.split(HYPHENS).chain([word]).for_each(|word| self.learn_word(&joined(word)));
        }
    }

    /// What a place or an organization is called: words that are not ordinary, and all of them as they stand.
    pub(super) fn learn_place(&mut self, plain: &str) {
        let words: Vec<&str> =
            plain.split(|c: char| !is_part(c)).filter(|w| !w.is_empty()).collect();
        if words.len() > LONGEST_NAME {
            return;
        }
        let joined = |word: &str| word.chars().filter(|c| is_part(*c)).collect::<String>();
        let compounds = plain.split_whitespace().filter(|word| word.contains(JOINTS)).map(joined);
        for word in words.iter().map(|word| (*word).to_owned()).chain(compounds) {
            if is_distinctive(&word) {
                self.learn_word(&word);
            }
        }
        let folded: Vec<String> = words.iter().map(|word| spelling::folded(word)).collect();
        if let [word] = folded.as_slice()
            && ordinary::is_telling(word)
        {
            self.places.insert(word.clone());
        }
        self.learn_phrase(trimmed(&folded, ordinary::is_function));
        self.learn_phrase(trimmed(&folded, |word| ordinary::is_function(word) || is_number(word)));
    }

    /// Several words together, unless one of them negates or all of them are words of any note.
    fn learn_phrase(&mut self, words: &[String]) {
        let negates = words.iter().any(|word| ordinary::is_negation(word));
        let tells = words.iter().any(|word| ordinary::is_telling(word));
        if words.len() < 2 || negates || !tells {
            return;
        }
        let known = self.phrases.entry(words[0].clone()).or_default();
        if !known.iter().any(|phrase| phrase == words) {
            known.push(words.to_vec());
        }
    }

    /// How many of the words at the beginning are the name of a place or an organization; 0 if none are.
    pub(super) fn phrase(&self, text: &str, words: &[Range<usize>]) -> usize {
        let Some(first) = words.first().filter(|_| !self.phrases.is_empty()) else { return 0 };
        let Some(phrases) = self.phrases.get(&spelling::folded(&text[first.clone()])) else {
            return 0;
        };
        let found = |phrase: &&Vec<String>| {
            words.len() >= phrase.len()
                && words.windows(2).take(phrase.len() - 1).zip(&phrase[1..]).all(|(pair, word)| {
                    joint(&text[pair[0].end..pair[1].start]).is_some()
                        && spelling::folded(&text[pair[1].clone()]) == *word
                })
        };
        phrases.iter().filter(found).map(Vec::len).max().unwrap_or(0)
    }

    /// Whether a value is a place or an organization and nothing else.
    pub(super) fn is_place(&self, value: &str) -> bool {
        !self.places.is_empty() && self.places.contains(&spelling::folded(value.trim()))
    }

    /// Whether a word that is in any sentence is somebody's name, since another part of the name is beside it. Where that
    /// too is such a word, both must have capitals, as in `Do An`; a negation is no name there.
    pub(super) fn has_beside(&self, word: &str, other: &str) -> bool {
        if self.beside.is_empty() {
            return false;
        }
        let (word_folded, folded) = (spelling::folded(word), spelling::folded(other));
        let known = self.beside.get(&word_folded).is_some_and(|others| others.contains(&folded));
        let capital = |word: &str| word.starts_with(char::is_uppercase);
        let named = || {
            capital(word)
                && capital(other)
                && ![&word_folded, &folded].into_iter().any(|word| ordinary::is_negation(word))
        };
        known && (!ordinary::is_function(&folded) || named())
    }

    /// The number of somebody, with and without the letters and zeros before it.
    pub(super) fn learn_number(&mut self, plain: &str) {
        let number = spelling::folded(&plain.chars().filter(|c| is_part(*c)).collect::<String>());
        let bare = number.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '0');
        for number in [bare, &number] {
            if number.bytes().filter(u8::is_ascii_digit).count() >= SHORTEST_NUMBER {
                self.longest = self.longest.max(number.len());
                self.numbers.insert(number.to_owned());
            }
        }
    }

    /// Whether a number or code, its separators left out, is one of somebody.
    pub(super) fn has_number(&self, number: &str) -> bool {
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        if digits < SHORTEST_NUMBER || self.numbers.is_empty() {
            return false;
        }
        let number: String = number.chars().filter(|c| is_part(*c)).collect();
        self.numbers.contains(&spelling::folded(&number))
    }

    fn learn_word(&mut self, word: &str) {
        if word.chars().count() < 2 || TITLES.contains(&word.to_lowercase().as_str()) {
            return;
        }
        let folded = spelling::folded(word);
        if ordinary::is_function(&folded) {
            return;
        }
        self.insert(folded);
        spelling::transcribed(word).into_iter().for_each(|word| self.insert(word));
    }

    /// What [`Known::learn_word`] leaves out of a name, with the words that make it a name.
    fn learn_beside(&mut self, words: &[&str]) {
        let folded: Vec<String> = words.iter().map(|word| spelling::folded(word)).collect();
        for word in folded.iter().filter(|word| word.len() > 1 && ordinary::is_function(word)) {
            let others = folded.iter().filter(|other| *other != word).cloned();
            self.beside.entry(word.clone()).or_default().extend(others);
        }
    }

    fn insert(&mut self, word: String) {
        self.longest = self.longest.max(word.len());
        self.words.insert(word);
    }

    /// Whether somebody is called or numbered so.
    pub(super) fn has(&self, word: &str) -> bool {
        if self.words.is_empty() {
            return false;
        }
        self.words.contains(&spelling::folded(word))
            || spelling::transcribed(word).is_some_and(|word| self.words.contains(&word))
    }

    /// Whether a word is a name and little more: in the genitive or the plural (`zebulons`), or with an initial before it or
    /// behind it (`zquartermain`).
    pub(super) fn nearly(&self, word: &str) -> bool {
        if self.words.is_empty() || word.len() <= SHORTEST_GENITIVE {
            return false;
        }
        let word = spelling::folded(word);
        let is = |part: Option<&str>, shortest: usize| {
            part.is_some_and(|part| part.len() >= shortest && self.words.contains(part))
        };
        is(word.strip_suffix('s'), SHORTEST_GENITIVE)
            || is(word.get(1..), SHORTEST_WITH_INITIAL)
            || is(word.get(..word.len() - 1), SHORTEST_WITH_INITIAL)
    }

    /// Whether a word is several names in one, such as `zebulonquartermain`.
    pub(super) fn makes_up(&self, word: &str) -> bool {
        let number = || word.bytes().any(|byte| byte.is_ascii_digit());
        if self.words.is_empty() || word.len() < SHORTEST_WHOLE || number() {
            return false;
        }
        let word = spelling::folded(word);
        // Ends up to which the word consists of names.
        let mut ends = vec![0];
        let mut next = 0;
        while let Some(&start) = ends.get(next) {
            next += 1;
            let most = word.len().min(start + self.longest);
            for end in start + SHORTEST_PART..=most {
                // The whole word in one piece is no composition.
                let part = word.get(start..end).filter(|part| part.len() < word.len());
                if part.is_some_and(|part| self.words.contains(part)) {
                    if end == word.len() {
                        return true;
                    }
                    if !ends.contains(&end) {
                        ends.push(end);
                    }
                }
            }
        }
        false
    }

    /// How many of the words at the beginning are one name in parts, such as `z.e.b.u.l.o.n`; 0 if none are.
    pub(super) fn parted(&self, text: &str, words: &[Range<usize>]) -> usize {
        let Some(first) = words.first().filter(|_| self.longest > 0) else { return 0 };
        let mut joined = text[first.clone()].to_ascii_lowercase();
        let (mut spaced, mut letters, mut found) = (false, joined.chars().count() == 1, 0);
        for (position, pair) in words.windows(2).enumerate().take(MOST_PARTS) {
            let Some(space) = joint(&text[pair[0].end..pair[1].start]) else { break };
            let part = &text[pair[1].clone()];
            joined.extend(part.chars().map(|c| c.to_ascii_lowercase()));
            spaced |= space;
            letters &= part.chars().count() == 1;
            // Marks make a text longer than what is known of it.
            let most = if joined.is_ascii() { self.longest } else { 3 * self.longest };
            if joined.len() > most {
                break;
            }
            if joined.bytes().all(|byte| byte.is_ascii_digit()) {
                if self.has_number(&joined) {
                    found = position + 2;
                }
                continue;
            }
            let shortest = match () {
                () if spaced && !letters => SHORTEST_SPACED,
                () => SHORTEST_JOINED,
            };
            let known = || match joined.is_ascii() {
                true => self.words.contains(&joined),
                false => self.has(&joined),
            };
            if joined.chars().count() >= shortest && known() {
                found = position + 2;
            }
        }
        found
    }
}

/// Whether a word of a place's or an organization's name is nothing else.
fn is_distinctive(word: &str) -> bool {
    let long = word.chars().count() >= SHORTEST_PLACE;
    let number = is_number(word);
    long && (!number || word.len() >= SHORTEST_NUMBER)
        && !ordinary::is_ordinary(&spelling::folded(word))
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The words between those at both ends for which something holds.
fn trimmed(words: &[String], holds: impl Fn(&str) -> bool) -> &[String] {
    let from = words.iter().position(|word| !holds(word)).unwrap_or(words.len());
    let to = words.iter().rposition(|word| !holds(word)).map_or(from, |last| last + 1);
    &words[from..to]
}

/// Whether there is a space in what stands between two parts of a name; `None` where it parts them for good.
fn joint(gap: &str) -> Option<bool> {
    let private = |c: char| ('\u{e000}'..='\u{f8ff}').contains(&c);
    if gap.chars().count() > 3 || gap.contains(private) {
        return None;
    }
    // A dash at the end of a line is no space.
    Some(gap.contains(char::is_whitespace) && !gap.starts_with("-\n"))
}
