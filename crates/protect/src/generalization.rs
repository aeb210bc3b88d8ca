//! Hierarchies of any column's values: from a file that somebody wrote, or generated for dates, numbers and codes.
//!
//! A hierarchy is a list of levels. The first shows the value itself; every further one merges values and never splits
//! any, so that classes of rows only grow on the way up. A file has one line for each value, `value;coarser;coarser;*`;
//! the delimiter may be `;`, `,` or a tab. A missing value is a value of its own that only the last level hides.

mod generate;

use std::collections::BTreeSet;

use hashbrown::HashMap;

use crate::lattice::{Attribute, Level};
use crate::table::{Column, delimiter};

pub use generate::{Generator, Period};

/// The value that stands for all values.
const ANYTHING: &str = "*";

/// A hierarchy file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HierarchyFile {
    /// For each value its line: itself, then what it becomes level by level.
    paths: HashMap<String, Vec<String>>,
    levels: usize,
}

/// A hierarchy over the values of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generalization {
    /// Level by level from the finest.
    pub levels: Vec<ShownLevel>,
    /// How many leaves the hierarchy has, whether or not the column has them all.
    pub leaves: u64,
}

/// What one level shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownLevel {
    /// The different values.
    pub values: Vec<String>,
    /// For each value of the column the position of what is shown for it.
    pub of: Vec<u32>,
    /// How many leaves each shown value may stand for.
    pub covered: Vec<u64>,
}

/// Why there is no hierarchy. Values of the column are never named, values of the hierarchy's file are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GeneralizationError {
    /// The file has no line.
    #[error(
        "the hierarchy is empty; give one line for each value, such as Bachelors;Higher education;*"
    )]
    Empty,
    /// A line is no text or no CSV.
    #[error(
        "line {0} of the hierarchy cannot be read; it must be UTF-8 with values separated by ';'"
    )]
    Unreadable(u64),
    /// A line has more or fewer levels than the first.
    #[error("line {line} of the hierarchy has {found} levels where the first line has {expected}")]
    Ragged {
        /// Its number, the first being 1.
        line: u64,
        /// Levels that it has.
        found: usize,
        /// Levels that it should have.
        expected: usize,
    },
    /// Two lines begin with one value and go on differently.
    #[error(
        "line {0} of the hierarchy repeats a value with another generalization; remove one of the lines"
    )]
    Twice(u64),
    /// What is merged at one level is split at a higher one.
    #[error(
        "the hierarchy splits '{value}' of level {level} again at the next level; a higher level may only merge values"
    )]
    Splits {
        /// The value that is split.
        value: String,
        /// Its level, 0 being the finest.
        level: usize,
    },
    /// A value of the column has no line.
    #[error(
        "row {row} has a value that the hierarchy has no line for ({missing} values in all); add lines for them"
    )]
    Unlisted {
        /// The first such row, the first being 1.
        row: usize,
        /// Different values without a line.
        missing: usize,
    },
    /// A value is not of the kind that the generator takes.
    #[error(
        "row {row} has a value that is no {kind}; correct it, empty it, or give the column a hierarchy file"
    )]
    Kind {
        /// The row, the first being 1.
        row: usize,
        /// What it should be.
        kind: &'static str,
    },
    /// The generator was asked for something that makes no sense.
    #[error("{0}")]
    Generator(&'static str),
}

impl HierarchyFile {
    /// Reads a hierarchy file.
    ///
    /// # Errors
    /// [`GeneralizationError`] with the line.
    pub fn read(bytes: &[u8]) -> Result<HierarchyFile, GeneralizationError> {
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter(bytes))
            .has_headers(false)
            .flexible(true)
            .from_reader(bytes);
        let mut file = HierarchyFile { paths: HashMap::new(), levels: 0 };
        let mut record = csv::StringRecord::new();
        let mut last = 0;
        loop {
            match reader.read_record(&mut record) {
                Ok(true) => last = record.position().map_or(last + 1, csv::Position::line),
                Ok(false) => break,
                Err(error) => {
                    let line = error.position().map_or(last + 1, csv::Position::line);
                    return Err(GeneralizationError::Unreadable(line));
                }
            }
            file.add(record.iter().map(|value| value.trim().to_owned()).collect(), last)?;
        }
        if file.levels == 0 {
            return Err(GeneralizationError::Empty);
        }
        file.check_nesting()?;
        Ok(file)
    }

    fn add(&mut self, path: Vec<String>, line: u64) -> Result<(), GeneralizationError> {
        if self.levels == 0 {
            self.levels = path.len();
        }
        if path.len() != self.levels {
            let (found, expected) = (path.len(), self.levels);
            return Err(GeneralizationError::Ragged { line, found, expected });
        }
        match self.paths.get(&path[0]) {
            Some(known) if *known != path => Err(GeneralizationError::Twice(line)),
            _ => {
                self.paths.insert(path[0].clone(), path);
                Ok(())
            }
        }
    }

    fn check_nesting(&self) -> Result<(), GeneralizationError> {
        for level in 1..self.levels.max(1) - usize::from(self.levels > 1) {
            let mut above: HashMap<&str, &str> = HashMap::new();
            for path in self.paths.values() {
                let next = path[level + 1].as_str();
                if *above.entry(path[level].as_str()).or_insert(next) != next {
                    let value = path[level].clone();
                    return Err(GeneralizationError::Splits { value, level });
                }
            }
        }
        Ok(())
    }

    /// Whether a value has a line.
    pub(crate) fn lists(&self, value: &str) -> bool {
        self.paths.contains_key(value)
    }

    /// Every leaf's line, sorted.
    pub fn paths(&self) -> BTreeSet<&[String]> {
        self.paths.values().map(Vec::as_slice).collect()
    }

    /// The hierarchy over a column's values.
    ///
    /// # Errors
    /// [`GeneralizationError::Unlisted`] where the file lacks a value.
    pub fn over(&self, column: &Column) -> Result<Generalization, GeneralizationError> {
        let unlisted = |value: &&String| !value.is_empty() && !self.paths.contains_key(*value);
        let missing = column.values.iter().filter(unlisted).count();
        if missing > 0 {
            let position = column.values.iter().position(|value| unlisted(&value)).unwrap_or(0);
            let row = first_row(column, position);
            return Err(GeneralizationError::Unlisted { row, missing });
        }
        let top: BTreeSet<&str> =
            self.paths.values().filter_map(|path| path.last()).map(String::as_str).collect();
        let everything = top.first().filter(|_| top.len() == 1 && self.levels > 1);
        let level = |level: usize| {
            let mut covered: HashMap<&str, u64> = HashMap::new();
            self.paths.values().for_each(|p| *covered.entry(p[level].as_str()).or_default() += 1);
            let shown = column.values.iter().map(|value| match self.paths.get(value) {
                Some(path) => (path[level].clone(), covered[path[level].as_str()]),
                None if level + 1 == self.levels => {
                    let everything = everything.copied().unwrap_or_default();
                    (everything.to_owned(), self.paths.len() as u64)
                }
                None => (String::new(), 1),
            });
            ShownLevel::of(shown)
        };
        let mut levels: Vec<ShownLevel> = (0..self.levels).map(level).collect();
        levels[0] = ShownLevel::identity(column);
        Ok(Generalization { levels, leaves: self.paths.len() as u64 })
    }
}

impl ShownLevel {
    /// Of what is shown for each value of a column, and how many leaves that stands for.
    pub(crate) fn of(shown: impl Iterator<Item = (String, u64)>) -> ShownLevel {
        let mut level = ShownLevel { values: Vec::new(), of: Vec::new(), covered: Vec::new() };
        let mut codes: HashMap<String, u32> = HashMap::new();
        for (value, covered) in shown {
            let next = level.values.len() as u32;
            let code = *codes.entry_ref(value.as_str()).or_insert(next);
            if code == next {
                level.values.push(value);
                level.covered.push(covered);
            }
            level.of.push(code);
        }
        level
    }

    /// The level that shows every value.
    fn identity(column: &Column) -> ShownLevel {
        ShownLevel {
            values: column.values.clone(),
            of: (0..column.values.len() as u32).collect(),
            covered: vec![1; column.values.len()],
        }
    }

    /// The level that shows nothing.
    fn nothing(column: &Column, leaves: u64) -> ShownLevel {
        ShownLevel {
            values: vec![ANYTHING.to_owned()],
            of: vec![0; column.values.len()],
            covered: vec![leaves],
        }
    }
}

impl Generalization {
    /// The hierarchy of a column that is shown or hidden as a whole.
    pub fn flat(column: &Column) -> Generalization {
        let leaves = column.values.len() as u64;
        Generalization {
            levels: vec![ShownLevel::identity(column), ShownLevel::nothing(column, leaves)],
            leaves,
        }
    }

    /// The column as the search reads it, with Iyengar's cost: leaves covered besides the own one.
    pub fn attribute(&self, column: &Column) -> Attribute {
        let level = |level: &ShownLevel| Level {
            of_leaf: level.of.clone(),
            cost: level.covered.iter().map(|covered| covered.saturating_sub(1)).collect(),
        };
        Attribute { leaves: column.codes.clone(), levels: self.levels.iter().map(level).collect() }
    }

    /// The cost of a row that is left out, in the unit of [`Generalization::attribute`]; at least 1, since a row that is left
    /// out is lost also where all rows show the same value.
    pub fn full_cost(&self) -> u64 {
        let shown = self.levels.iter().flat_map(|level| level.covered.iter().copied());
        shown.max().unwrap_or(1).max(self.leaves).saturating_sub(1).max(1)
    }

    /// The column at a level.
    pub fn show(&self, column: &Column, level: usize) -> Column {
        let shown = &self.levels[level];
        Column {
            name: column.name.clone(),
            values: shown.values.clone(),
            codes: column.codes.iter().map(|&code| shown.of[code as usize]).collect(),
            kind: column.kind.clone(),
        }
    }
}

/// The first row that has the value at this position, the first row being 1.
fn first_row(column: &Column, position: usize) -> usize {
    column.codes.iter().position(|&code| code as usize == position).map_or(0, |row| row + 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    const DEGREES: &str = "BA;higher;*\nMA;higher;*\n11th;school;*\n12th;school;*\n";

    #[test]
    fn a_file_says_what_each_value_becomes_and_how_much_that_covers() {
        let file = HierarchyFile::read(DEGREES.as_bytes()).unwrap();
        let column = Column::of("degree", ["MA", "", "11th", "MA"]);
        let over = file.over(&column).unwrap();
        assert_eq!(over.leaves, 4);
        assert_eq!(over.levels[1].values, ["higher", "", "school"]);
        assert_eq!(over.levels[1].covered, [2, 1, 2]);
        assert_eq!(over.levels[2].values, ["*"]);
        assert_eq!(over.show(&column, 1).value(3), "higher");
        let attribute = over.attribute(&column);
        assert_eq!((attribute.levels[2].cost.as_slice(), over.full_cost()), (&[3][..], 3));
    }

    #[test]
    fn a_file_that_makes_no_hierarchy_is_refused_with_its_line() {
        for (text, expected) in [
            ("", "empty"),
            ("a;b\nc\n", "line 2 of the hierarchy has 1 levels"),
            ("a;b\na;c\n", "line 2 of the hierarchy repeats"),
            ("a;x;1\nb;x;2\n", "splits 'x' of level 1"),
        ] {
            let error = HierarchyFile::read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        }
        let file = HierarchyFile::read(DEGREES.as_bytes()).unwrap();
        let error = file.over(&Column::of("degree", ["BA", "PhD"])).unwrap_err();
        assert_eq!(error, GeneralizationError::Unlisted { row: 2, missing: 1 });
        assert!(!error.to_string().contains("PhD"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn any_bytes_are_a_hierarchy_that_only_merges_or_a_sentence(
            bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..80),
                "([ab*]{0,2}[;,\t\n\"]){0,24}".prop_map(String::into_bytes),
            ],
        ) {
            let Ok(file) = HierarchyFile::read(&bytes) else { return Ok(()) };
            let leaves: Vec<String> = file.paths.keys().cloned().collect();
            let column = Column::of("c", leaves.iter().map(String::as_str));
            let over = file.over(&column).unwrap();
            for pair in over.levels.windows(2) {
                let mut above = HashMap::new();
                for (below, next) in pair[0].of.iter().zip(&pair[1].of) {
                    prop_assert_eq!(*above.entry(*below).or_insert(*next), *next);
                }
            }
            prop_assert!(over.levels.iter().flat_map(|l| &l.covered).all(|&c| c >= 1 && c <= over.leaves));
        }
    }
}
