//! SQL's LIKE in a number of steps that is known from the lengths of pattern and text: what a text holds does not show in the time.
//!
//! All places of the pattern that a text can have come to are followed at once, a bit for each (Baeza-Yates and Gonnet, *A new approach
//! to text searching*, 1992), and each letter of the text is one step, whether or not anything can still fit.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// A pattern of LIKE: `%` is any letters, `_` is any letter, and a backslash takes the letter after it for itself.
pub(super) struct Pattern {
    /// Words of 64 places: that before the first part, and that behind each.
    words: usize,
    /// Places that stay whatever is read, because `%` stands there.
    stays: Vec<u64>,
    /// By kind of letter, in so many words: the places whose next part such a letter is. Kind 0 are letters that the pattern does not name.
    moves: Vec<u64>,
    /// The kinds of letters of one byte.
    short: [u16; 128],
    /// Those of other letters, ascending.
    long: Vec<(char, u16)>,
    /// How many parts there are.
    parts: usize,
}

impl Pattern {
    /// Letters that differ by nothing but case are the same where that is ignored (simple case folding of Unicode).
    pub fn new(pattern: &str, ignore_case: bool) -> Self {
        let mut parts: Vec<Option<Vec<char>>> = Vec::new();
        let mut open = vec![false];
        let mut letters = pattern.chars();
        while let Some(letter) = letters.next() {
            let part = match letter {
                '%' => {
                    open[parts.len()] = true;
                    continue;
                }
                '_' => None,
                // A backslash at the end is itself.
                '\\' => Some(alike(letters.next().unwrap_or('\\'), ignore_case)),
                letter => Some(alike(letter, ignore_case)),
            };
            parts.push(part);
            open.push(false);
        }
        let words = parts.len() / 64 + 1;
        let mut named: Vec<char> = parts.iter().flatten().flatten().copied().collect();
        named.sort_unstable();
        named.dedup();
        let mut made = Self {
            words,
            stays: bits(words, |place| open.get(place) == Some(&true)),
            moves: bits(words, |place| matches!(parts.get(place), Some(None))),
            short: [0; 128],
            long: Vec::new(),
            parts: parts.len(),
        };
        for (kind, letter) in (1_u16..).zip(named) {
            made.moves.extend(bits(words, |place| match parts.get(place) {
                Some(Some(letters)) => letters.contains(&letter),
                other => other.is_some(),
            }));
            match made.short.get_mut(letter as usize) {
                Some(short) => *short = kind,
                None => made.long.push((letter, kind)),
            }
        }
        made
    }

    fn kind(&self, letter: char) -> usize {
        if let Some(kind) = self.short.get(letter as usize) {
            return usize::from(*kind);
        }
        let place = self.long.partition_point(|(known, _)| *known < letter);
        let found = self.long.get(place).filter(|(known, _)| *known == letter);
        found.map_or(0, |(_, kind)| usize::from(*kind))
    }

    /// Whether these letters fit the pattern. All of them are read.
    pub fn fits(&self, letters: impl Iterator<Item = char>) -> bool {
        let mut places = vec![0_u64; self.words];
        places[0] = 1;
        for letter in letters {
            let moves = &self.moves[self.kind(letter) * self.words..][..self.words];
            let mut carried = 0;
            for ((place, moves), stays) in places.iter_mut().zip(moves).zip(&self.stays) {
                let moved = *place & moves;
                *place = moved << 1 | carried | *place & stays;
                carried = moved >> 63;
            }
        }
        places[self.parts / 64] >> (self.parts % 64) & 1 == 1
    }
}

/// The letters that are this one.
fn alike(letter: char, ignore_case: bool) -> Vec<char> {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(letter, letter)]);
    if ignore_case {
        class.case_fold_simple();
    }
    class.iter().flat_map(|range| range.start()..=range.end()).collect()
}

/// Places as bits.
fn bits(words: usize, is_set: impl Fn(usize) -> bool) -> Vec<u64> {
    let word = |word: usize| (0..64).map(|bit| u64::from(is_set(word * 64 + bit)) << bit).sum();
    (0..words).map(word).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use arrow::{
        array::StringArray,
        compute::kernels::comparison::{ilike, like},
    };
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    /// Letters with which there is something to go wrong: of one and of several bytes, with several small letters for one capital, and
    /// such as mean something in a pattern or in a regular expression.
    const LETTERS: [char; 28] = [
        'a', 'A', 'b', 'k', 'K', '\u{212a}', 's', 'S', '\u{17f}', 'ß', 'ẞ', 'é', 'É', 'σ', 'ς',
        'Σ', 'İ', 'ı', 'i', '漢', '😀', '\n', '.', '*', '[', '%', '_', '\\',
    ];

    fn words(longest: usize) -> impl Strategy<Value = String> {
        // Few letters, so that texts fit now and then.
        let few = || select(vec!['a', 'A', 'b', '%', '_']);
        let letter = prop_oneof![3 => few(), 1 => select(LETTERS.to_vec())];
        vec(letter, 0..longest).prop_map(|letters| letters.into_iter().collect())
    }

    /// What another implementation says of it.
    fn expected(text: &str, pattern: &str, ignore_case: bool) -> bool {
        let (texts, pattern) = (StringArray::from(vec![text]), StringArray::new_scalar(pattern));
        let found = if ignore_case { ilike(&texts, &pattern) } else { like(&texts, &pattern) };
        found.unwrap().value(0)
    }

    fn found(text: &str, pattern: &str, ignore_case: bool) -> bool {
        Pattern::new(pattern, ignore_case).fits(text.chars())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn any_pattern_fits_the_texts_that_it_fits_elsewhere(
            texts in vec(words(9), 1..8),
            pattern in words(8),
            ignore_case in any::<bool>(),
        ) {
            for text in &texts {
                let (ours, theirs) =
                    (found(text, &pattern, ignore_case), expected(text, &pattern, ignore_case));
                prop_assert_eq!(ours, theirs, "{:?} in {:?}", pattern, text);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(150))]

        #[test]
        fn patterns_of_several_words_of_places_fit_what_they_fit_elsewhere(
            before in 0_usize..140,
            text in words(200),
            change in any::<prop::sample::Index>(),
        ) {
            // The text as a pattern, behind so many letters, and with one letter changed.
            let pattern = format!("{}%{text}", "_".repeat(before));
            let whole = format!("{}{text}", "x".repeat(before));
            prop_assert_eq!(found(&whole, &pattern, false), expected(&whole, &pattern, false));
            let mut letters: Vec<char> = whole.chars().chain(['x']).collect();
            let at = change.index(letters.len());
            letters[at] = 'b';
            let other: String = letters.into_iter().collect();
            prop_assert_eq!(found(&other, &pattern, false), expected(&other, &pattern, false));
        }
    }

    #[test]
    fn every_letter_of_a_text_is_one_step_whatever_it_is() {
        let pattern = Pattern::new("HIV%e_e%e_e%e__e%q%", false);
        let steps = |text: &str| {
            let mut steps = 0;
            let fits = pattern.fits(text.chars().inspect(|_| steps += 1));
            (fits, steps)
        };
        let rest = "e e e eve".repeat(100);
        assert_eq!(steps(&format!("HIV{rest}")), (false, 903));
        assert_eq!(steps(&format!("HTN{rest}")), (false, 903));
        assert_eq!(steps(&format!("HIV{rest}q")), (true, 904));
        assert_eq!(steps(&format!("HIVe_ee_ee__eq{rest}")), (true, 914));
    }
}
