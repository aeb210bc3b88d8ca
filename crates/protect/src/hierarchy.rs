//! Generalization hierarchies of the quasi-identifiers: from the value as Safe Harbor leaves it up to "anybody".
//!
//! A hierarchy is a list of levels. Level by level, values are merged and never split, so that a class of patients can
//! only grow on the way up; the search in [`crate::lattice`] rests on this. What a level can show is known from the
//! hierarchy alone, never from the patients, so that it may be published.

use std::collections::HashMap;

use crate::generalization::{Generalization, ShownLevel};
use crate::safe_harbor::OLDEST_AGE;
use crate::table::Column;

/// The value that stands for all values.
pub(crate) const ANYBODY: &str = "*";
/// The value of patients of whom nothing usable is recorded.
pub(crate) const UNKNOWN: &str = "unknown";
/// The value of everything that a published list does not name.
pub(crate) const OTHER: &str = "other";

const SEXES: [&str; 4] = ["male", "female", OTHER, UNKNOWN];

/// How one quasi-identifier is made coarser. Leaves are texts: a sex, an age in years up to 90, an area.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Hierarchy {
    /// The administrative gender, or anybody.
    Sex,
    /// Bands of so many years, each width a multiple of the one before, then anybody.
    AgeBand {
        /// Widths of the bands in years, level by level.
        widths: Vec<u32>,
    },
    /// Three, two and one digits of the postal code, then anywhere.
    Region {
        /// Whether codes that begin with a letter are shown by that letter; otherwise they are `other`.
        letters: bool,
    },
}

impl Hierarchy {
    /// Number of levels, the one that shows nothing included.
    pub(crate) fn levels(&self) -> usize {
        match self {
            Hierarchy::Sex => 2,
            Hierarchy::AgeBand { widths } => widths.len() + 1,
            Hierarchy::Region { .. } => 4,
        }
    }

    /// What a level shows, in words.
    pub(crate) fn meaning(&self, level: usize) -> String {
        if level + 1 == self.levels() {
            return "not shown".to_owned();
        }
        match self {
            Hierarchy::Sex => "as recorded".to_owned(),
            Hierarchy::AgeBand { widths } => format!("bands of {} years", widths[level]),
            Hierarchy::Region { .. } => format!("first {} of the postal code", digits(level)),
        }
    }

    /// A column of leaves as the finest level shows them, with the hierarchy over it, as the search takes them. What a
    /// value covers is counted over all leaves that there can be.
    pub(crate) fn over(&self, name: &str, leaves: &[String]) -> (Column, Generalization) {
        let column = Column::of(name, leaves.iter().map(String::as_str));
        let finest = ShownLevel::of(column.values.iter().map(|leaf| (self.generalize(leaf, 0), 1)));
        let mut leaf_of = vec![0; finest.values.len()];
        for (leaf, &value) in finest.of.iter().enumerate() {
            leaf_of[value as usize] = leaf;
        }
        let domain = self.leaves();
        let level = |level: usize| {
            let mut covered: HashMap<String, u64> = HashMap::new();
            for leaf in &domain {
                *covered.entry(self.generalize(leaf, level)).or_default() += 1;
            }
            ShownLevel::of(leaf_of.iter().map(|&leaf| {
                let shown = self.generalize(&column.values[leaf], level);
                let covers = covered.get(&shown).copied().unwrap_or(1);
                (shown, covers)
            }))
        };
        let levels = (0..self.levels()).map(level).collect();
        let codes = column.codes.iter().map(|&leaf| finest.of[leaf as usize]).collect();
        let shown = Column { values: finest.values, codes, ..column };
        (shown, Generalization { levels, leaves: domain.len() as u64 })
    }

    /// All leaves that a patient can have, but for those of whom nothing usable is recorded.
    fn leaves(&self) -> Vec<String> {
        match self {
            Hierarchy::Sex => SEXES.map(str::to_owned).to_vec(),
            Hierarchy::AgeBand { .. } => (0..=OLDEST_AGE + 1).map(|age| age.to_string()).collect(),
            Hierarchy::Region { letters } => {
                let lettered = ('A'..='Z').filter(|_| *letters).map(String::from);
                (0..1000).map(|area| format!("{area:03}")).chain(lettered).collect()
            }
        }
    }

    /// All values that a level can show, in the order in which groups are shown.
    pub(crate) fn values(&self, level: usize) -> Vec<String> {
        if level + 1 == self.levels() {
            return vec![ANYBODY.to_owned()];
        }
        match self {
            Hierarchy::Sex => SEXES.map(str::to_owned).to_vec(),
            Hierarchy::AgeBand { widths } => {
                let width = widths[level] as usize;
                let ages = (0..=OLDEST_AGE + 1).step_by(width).map(|age| band(age, widths[level]));
                ages.chain([UNKNOWN.to_owned()]).collect()
            }
            Hierarchy::Region { letters } => {
                let digits = 3 - level;
                let areas = (0..10_u32.pow(digits as u32)).map(|area| format!("{area:0digits$}"));
                let lettered = ('A'..='Z').filter(|_| *letters).map(String::from);
                areas.chain(lettered).chain([OTHER, UNKNOWN].map(str::to_owned)).collect()
            }
        }
    }

    /// The value that stands for `leaf` at `level`; always one of [`Hierarchy::values`].
    pub(crate) fn generalize(&self, leaf: &str, level: usize) -> String {
        if level + 1 == self.levels() {
            return ANYBODY.to_owned();
        }
        if leaf == UNKNOWN {
            return UNKNOWN.to_owned();
        }
        match self {
            Hierarchy::Sex if SEXES.contains(&leaf) => leaf.to_owned(),
            Hierarchy::Sex => OTHER.to_owned(),
            Hierarchy::AgeBand { widths } => match leaf.parse::<u32>() {
                Ok(age) => band(age.min(OLDEST_AGE + 1), widths[level]),
                Err(_) => UNKNOWN.to_owned(),
            },
            Hierarchy::Region { letters } => area(leaf, 3 - level, *letters),
        }
    }
}

fn digits(level: usize) -> &'static str {
    ["3 digits", "2 digits", "digit"][level]
}

/// The band of an age. The last band is open, and begins where the one that holds 90 begins.
fn band(age: u32, width: u32) -> String {
    let lower = age / width * width;
    let oldest = (OLDEST_AGE + 1) / width * width;
    if lower >= oldest { format!("{oldest}+") } else { format!("{lower}-{}", lower + width - 1) }
}

/// An area by its first digits, or by its letter. Areas of fewer than three digits fit no level and are `other`.
fn area(leaf: &str, digits: usize, letters: bool) -> String {
    let first = leaf.bytes().next().unwrap_or(b'?');
    if leaf.len() == 3 && leaf.bytes().all(|byte| byte.is_ascii_digit()) {
        leaf[..digits].to_owned()
    } else if letters && first.is_ascii_uppercase() {
        char::from(first).to_string()
    } else {
        OTHER.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Hierarchy> {
        let widths = vec![5, 10, 20, 40];
        vec![
            Hierarchy::Sex,
            Hierarchy::AgeBand { widths },
            Hierarchy::Region { letters: true },
            Hierarchy::Region { letters: false },
        ]
    }

    fn leaves() -> Vec<String> {
        let areas = (0..1000).map(|area| format!("{area:03}"));
        let ages = (0..200).map(|age: u32| age.to_string());
        let others =
            ["male", "female", "other", "unknown", "SW1", "1A2", "", "Ä", "12"].map(str::to_owned);
        areas.chain(ages).chain(others).collect()
    }

    #[test]
    fn every_value_is_a_published_one() {
        for hierarchy in all() {
            for level in 0..hierarchy.levels() {
                let values = hierarchy.values(level);
                for leaf in leaves() {
                    let value = hierarchy.generalize(&leaf, level);
                    assert!(
                        values.contains(&value),
                        "{hierarchy:?} {level}: {leaf} became {value}"
                    );
                }
            }
        }
    }

    #[test]
    fn values_are_merged_on_the_way_up_and_never_split() {
        for hierarchy in all() {
            for level in 1..hierarchy.levels() {
                let mut above = std::collections::BTreeMap::new();
                for leaf in leaves() {
                    let below = hierarchy.generalize(&leaf, level - 1);
                    let value = hierarchy.generalize(&leaf, level);
                    let known = above.entry(below.clone()).or_insert_with(|| value.clone());
                    assert_eq!(*known, value, "{hierarchy:?}: {below} splits at level {level}");
                }
            }
        }
    }

    #[test]
    fn the_search_gets_the_values_as_they_are_shown_and_what_they_cover() {
        for hierarchy in all() {
            let leaves = leaves();
            let (column, over) = hierarchy.over("c", &leaves);
            assert_eq!(over.levels.len(), hierarchy.levels());
            for level in 0..hierarchy.levels() {
                let shown = over.show(&column, level);
                for (row, leaf) in leaves.iter().enumerate() {
                    assert_eq!(shown.value(row), hierarchy.generalize(leaf, level));
                }
            }
            assert_eq!(over.levels.last().map(|top| top.covered.clone()), Some(vec![over.leaves]));
        }
        let (column, over) = Hierarchy::AgeBand { widths: vec![5, 20] }
            .over("age", &["7", "90", UNKNOWN].map(str::to_owned));
        assert_eq!(column.values, ["5-9", "90+", UNKNOWN]);
        assert_eq!(over.levels[0].covered, [5, 1, 1]);
        assert_eq!((over.levels[1].covered.as_slice(), over.leaves), (&[20, 11, 1][..], 91));
    }

    #[test]
    fn ages_over_89_are_never_told_apart() {
        let hierarchy = Hierarchy::AgeBand { widths: vec![5, 10, 20, 40] };
        for level in 0..hierarchy.levels() {
            let ninety = hierarchy.generalize("90", level);
            assert!(
                (91..200).all(|age: u32| hierarchy.generalize(&age.to_string(), level) == ninety)
            );
        }
        assert_eq!(hierarchy.generalize("93", 0), "90+");
        assert_eq!(hierarchy.generalize("89", 0), "85-89");
        assert_eq!(hierarchy.generalize("89", 2), "80+");
    }
}
