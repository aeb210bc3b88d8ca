//! Hierarchies that follow from the kind of the values: numbers, dates, diagnosis codes, codes by their prefixes.

use serde::{Deserialize, Serialize};

use super::{Generalization, GeneralizationError, ShownLevel, first_row};
use crate::date::PartialDate;
use crate::table::Column;

/// A rule that makes a hierarchy.
#[derive(Clone, Debug, PartialEq)]
pub enum Generator {
    /// Intervals of these widths, each a multiple of the one before, counted from `lower`; then anything.
    Number {
        /// Where the first interval begins; `None`: at a multiple of the largest width below all values.
        lower: Option<f64>,
        /// The largest value; `None`: that of the column, up to a whole interval of the largest width.
        upper: Option<f64>,
        /// The widths, level by level.
        widths: Vec<f64>,
        /// What counts as one leaf: 1 for whole numbers.
        unit: f64,
    },
    /// Periods, each containing those of the level before; then anything.
    Date {
        /// The periods, level by level.
        periods: Vec<Period>,
    },
    /// ICD-10 codes: the three-character category, the chapter; then anything.
    Icd10,
    /// The first characters, the others hidden by `*`; then anything.
    Prefix {
        /// How many characters are shown, level by level, fewer each time.
        keep: Vec<usize>,
    },
    /// Postal codes by their first characters, as [`Generator::Prefix`]; under Safe Harbor of the three digits that are
    /// left.
    Zip {
        /// How many characters are shown, level by level, fewer each time.
        keep: Vec<usize>,
    },
    /// The value or nothing.
    Flat,
}

/// A period that a date is reduced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Year and month.
    Month,
    /// A quarter of a year.
    Quarter,
    /// The year.
    Year,
    /// Ten years.
    Decade,
}

/// The chapters of ICD-10 by their last category, in order. Source: World Health Organization, International
/// Statistical Classification of Diseases and Related Health Problems, 10th revision, tabular list; the bounds of
/// chapters II, IV, XI and XIX are wide enough for the clinical modification of the United States.
const CHAPTERS: [(&str, &str); 22] = [
    ("B99", "I Infectious"),
    ("D49", "II Neoplasms"),
    ("D89", "III Blood"),
    ("E90", "IV Endocrine"),
    ("F99", "V Mental"),
    ("G99", "VI Nervous"),
    ("H59", "VII Eye"),
    ("H95", "VIII Ear"),
    ("I99", "IX Circulatory"),
    ("J99", "X Respiratory"),
    ("K95", "XI Digestive"),
    ("L99", "XII Skin"),
    ("M99", "XIII Musculoskeletal"),
    ("N99", "XIV Genitourinary"),
    ("O99", "XV Pregnancy"),
    ("P96", "XVI Perinatal"),
    ("Q99", "XVII Congenital"),
    ("R99", "XVIII Symptoms"),
    ("T98", "XIX Injury"),
    ("U99", "XXII Special"),
    ("Y98", "XX External causes"),
    ("Z99", "XXI Factors"),
];

impl Generator {
    /// The hierarchy over a column's values.
    ///
    /// # Errors
    /// [`GeneralizationError::Kind`] with the row of a value of another kind, [`GeneralizationError::Generator`] for
    /// widths, periods or lengths that do not nest.
    pub fn over(&self, column: &Column) -> Result<Generalization, GeneralizationError> {
        self.over_capped(column, None)
    }

    /// The same where the number `cap` stands for itself and for all larger ones, as 90 does for ages. Whatever shows it is
    /// shown open, `90+`, and so is every interval that contains it, `80+`. What a value covers stays the same.
    ///
    /// # Errors
    /// As [`Generator::over`].
    pub fn over_capped(
        &self,
        column: &Column,
        cap: Option<f64>,
    ) -> Result<Generalization, GeneralizationError> {
        match self {
            Generator::Number { lower, upper, widths, unit } => {
                numbers(column, (*lower, *upper), widths, *unit, cap)
            }
            Generator::Date { periods } => dates(column, periods),
            Generator::Icd10 => icd10(column),
            Generator::Prefix { keep } | Generator::Zip { keep } => prefixes(column, keep),
            Generator::Flat => Ok(Generalization::flat(column)),
        }
    }
}

/// Reads every value that is not missing.
fn parse<T>(
    column: &Column,
    kind: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Vec<Option<T>>, GeneralizationError> {
    let parsed = column.values.iter().enumerate().map(|(position, value)| match read(value) {
        _ if value.is_empty() => Ok(None),
        Some(read) => Ok(Some(read)),
        None => Err(GeneralizationError::Kind { row: first_row(column, position), kind }),
    });
    parsed.collect()
}

/// What all rows lose at most, so that sums over rows stay far below the range of whole numbers.
const MOST_LOST: u64 = 1 << 60;

/// The finest level, those between, and the one that shows nothing.
///
/// Where leaves times rows are more than [`MOST_LOST`], leaves are counted in a larger unit, the same for all levels and
/// rounded up: shares of the loss then differ by less than the rows in 2^60.
fn complete(column: &Column, mut between: Vec<ShownLevel>, leaves: u64) -> Generalization {
    let rows = column.codes.len().max(1) as u64;
    let unit = leaves.div_ceil((MOST_LOST / rows).max(1)).max(1);
    let covered = between.iter_mut().flat_map(|level| &mut level.covered);
    covered.for_each(|covered| *covered = covered.div_ceil(unit));
    let leaves = leaves.div_ceil(unit);
    let mut levels = vec![ShownLevel::identity(column)];
    levels.extend(between);
    levels.push(ShownLevel::nothing(column, leaves));
    Generalization { levels, leaves }
}

/// Whole numbers up to this have all of their digits in a floating-point number (IEEE 754 binary64).
const MOST_UNITS: f64 = 9_007_199_254_740_992.0;

fn numbers(
    column: &Column,
    (lower, upper): (Option<f64>, Option<f64>),
    widths: &[f64],
    unit: f64,
    cap: Option<f64>,
) -> Result<Generalization, GeneralizationError> {
    let whole = |ratio: f64| (ratio - ratio.round()).abs() < 1e-9 && ratio >= 1.0;
    let nested = widths.windows(2).all(|pair| pair[1] > pair[0] && whole(pair[1] / pair[0]));
    let Some(&widest) = widths.last().filter(|_| nested && unit > 0.0 && widths[0] >= unit) else {
        return Err(GeneralizationError::Generator(
            "widths must grow from at least the unit, each a multiple of the one before",
        ));
    };
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    let values = parse(column, "number", number)?;
    let known = || values.iter().flatten().copied();
    if known().next().is_none() && (lower.is_none() || upper.is_none()) {
        return Ok(Generalization::flat(column));
    }
    let lower =
        lower.unwrap_or_else(|| (known().fold(f64::INFINITY, f64::min) / widest).floor() * widest);
    let upper = upper.unwrap_or_else(|| {
        let most = known().fold(f64::NEG_INFINITY, f64::max);
        lower + (((most - lower) / widest).floor() + 1.0) * widest - unit
    });
    let largest = lower.abs().max(upper.abs());
    if !(unit.is_finite() && widest.is_finite() && largest / unit <= MOST_UNITS) {
        return Err(GeneralizationError::Generator(
            "a number of the column or a bound is more than 2^53 units; give lower and upper, a larger unit, or kind = \"prefix\"",
        ));
    }
    if lower >= upper {
        return Err(GeneralizationError::Generator("lower must be below upper"));
    }
    let leaves = |from: f64, to: f64| (((to - from) / unit).round() as u64).max(1);
    let level = |width: f64| {
        ShownLevel::of(values.iter().map(|value| match *value {
            None => (String::new(), 1),
            Some(value) if value < lower => (format!("<{lower}"), 1),
            Some(value) if value >= upper + unit => (format!(">{upper}"), 1),
            Some(value) => {
                let from = lower + ((value - lower) / width).floor() * width;
                let to = (from + width).min(upper + unit);
                let open = cap.filter(|cap| (from..to).contains(cap)).map(|_| format!("{from}+"));
                (open.unwrap_or_else(|| interval(from, to, unit)), leaves(from, to))
            }
        }))
    };
    let all = leaves(lower, upper + unit);
    let mut over = complete(column, widths.iter().map(|&width| level(width)).collect(), all);
    for (shown, value) in over.levels[0].values.iter_mut().zip(&values) {
        if value.is_some() && *value == cap {
            *shown += "+";
        }
    }
    Ok(over)
}

/// Whole numbers by the first and the last, others by where the interval ends.
fn interval(from: f64, to: f64, unit: f64) -> String {
    if unit == 1.0 && from.fract() == 0.0 && to.fract() == 0.0 {
        format!("{from}-{}", to - 1.0)
    } else {
        format!("[{from}, {to})")
    }
}

fn dates(column: &Column, periods: &[Period]) -> Result<Generalization, GeneralizationError> {
    if periods.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(GeneralizationError::Generator(
            "periods must grow: month, quarter, year, decade, some of them left out",
        ));
    }
    let values = parse(column, "date (YYYY, YYYY-MM or YYYY-MM-DD)", PartialDate::parse)?;
    let decades = || values.iter().flatten().map(|date| date.year.div_euclid(10));
    let span = decades().max().unwrap_or(0) - decades().min().unwrap_or(0) + 1;
    // Days in all decades that occur, leap years in the mean.
    let all = (f64::from(span) * 3_652.5) as u64;
    let level = |period: &Period| {
        let shown =
            |date: &Option<PartialDate>| date.map_or((String::new(), 1), |d| of(d, *period));
        ShownLevel::of(values.iter().map(shown))
    };
    Ok(complete(column, periods.iter().map(level).collect(), all))
}

/// The period of a date, as far as the date is known, and its days.
fn of(date: PartialDate, period: Period) -> (String, u64) {
    let year = date.year;
    match (period, date.month()) {
        (Period::Decade, _) => (format!("{}0s", year.div_euclid(10)), 3_652),
        (Period::Month, Some(month)) => (format!("{year:04}-{month:02}"), 30),
        (Period::Quarter, Some(month)) => (format!("{year:04}-Q{}", (month - 1) / 3 + 1), 91),
        _ => (format!("{year:04}"), 365),
    }
}

fn icd10(column: &Column) -> Result<Generalization, GeneralizationError> {
    let category = |text: &str| {
        let category: String = text.chars().take(3).collect::<String>().to_ascii_uppercase();
        let mut characters = category.bytes();
        let letter = characters.next()?.is_ascii_uppercase();
        let digits =
            characters.next()?.is_ascii_digit() && characters.next()?.is_ascii_alphanumeric();
        (letter && digits).then_some(category)
    };
    let categories = parse(column, "ICD-10 code", category)?;
    let chapter = |category: &String| {
        let found = CHAPTERS.iter().find(|(last, _)| category.as_str() <= *last);
        found.map_or("none", |(_, name)| name)
    };
    let level = |shown: &dyn Fn(&String) -> String| {
        let texts: Vec<String> =
            categories.iter().map(|c| c.as_ref().map_or(String::new(), shown)).collect();
        counted(texts)
    };
    let between = vec![level(&String::clone), level(&|category| chapter(category).to_owned())];
    Ok(complete(column, between, column.values.len() as u64))
}

fn prefixes(column: &Column, keep: &[usize]) -> Result<Generalization, GeneralizationError> {
    if keep.is_empty() || keep.windows(2).any(|pair| pair[0] <= pair[1]) || keep.contains(&0) {
        return Err(GeneralizationError::Generator(
            "keep must list how many characters are shown, fewer at each level and at least one",
        ));
    }
    let length = column.values.iter().map(|value| value.chars().count()).max().unwrap_or(0);
    let digits = |value: &String| {
        value.is_empty() || (value.len() == length && value.bytes().all(|b| b.is_ascii_digit()))
    };
    // Numbers of one length: every combination of digits is a leaf. Otherwise those that occur are.
    let fixed = length <= 18 && column.values.iter().all(digits);
    let level = |keep: usize| {
        let shown = |value: &String| -> String {
            let hidden = value.chars().count().saturating_sub(keep);
            value.chars().take(keep).chain("*".repeat(hidden).chars()).collect()
        };
        let texts: Vec<String> = column.values.iter().map(shown).collect();
        let mut level = counted(texts);
        if fixed {
            let hidden = 10_u64.pow(length.saturating_sub(keep) as u32);
            level.covered.iter_mut().for_each(|covered| *covered = hidden);
        }
        level
    };
    let all = if fixed { 10_u64.pow(length as u32) } else { column.values.len() as u64 };
    Ok(complete(column, keep.iter().map(|&keep| level(keep)).collect(), all))
}

/// A level whose values cover as many leaves as the column has values that become them.
fn counted(shown: Vec<String>) -> ShownLevel {
    let mut level = ShownLevel::of(shown.into_iter().map(|value| (value, 0)));
    for &value in &level.of {
        level.covered[value as usize] += 1;
    }
    level
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use hashbrown::HashMap;
    use proptest::prelude::*;

    use super::*;

    fn shown(generator: &Generator, value: &str) -> Vec<String> {
        let column = Column::of("c", [value]);
        let over = generator.over(&column).unwrap();
        (0..over.levels.len()).map(|level| over.show(&column, level).value(0).to_owned()).collect()
    }

    fn ages() -> Generator {
        let widths = vec![5.0, 10.0, 20.0];
        Generator::Number { lower: Some(0.0), upper: Some(99.0), widths, unit: 1.0 }
    }

    #[test]
    fn values_become_coarser_as_their_kind_asks() {
        assert_eq!(shown(&ages(), "37"), ["37", "35-39", "30-39", "20-39", "*"]);
        assert_eq!(shown(&ages(), "120"), ["120", ">99", ">99", ">99", "*"]);
        assert_eq!(shown(&ages(), ""), ["", "", "", "", "*"]);
        let periods = vec![Period::Month, Period::Quarter, Period::Year, Period::Decade];
        let dates = Generator::Date { periods };
        assert_eq!(
            shown(&dates, "1987-05-09T10:00:00Z"),
            ["1987-05-09T10:00:00Z", "1987-05", "1987-Q2", "1987", "1980s", "*"]
        );
        assert_eq!(shown(&dates, "1987"), ["1987", "1987", "1987", "1987", "1980s", "*"]);
        assert_eq!(shown(&Generator::Icd10, "e11.9"), ["e11.9", "E11", "IV Endocrine", "*"]);
        assert_eq!(shown(&Generator::Icd10, "Z99"), ["Z99", "Z99", "XXI Factors", "*"]);
        assert_eq!(shown(&Generator::Icd10, "W01"), ["W01", "W01", "XX External causes", "*"]);
        let zip = Generator::Prefix { keep: vec![3, 1] };
        assert_eq!(shown(&zip, "66801"), ["66801", "668**", "6****", "*"]);
    }

    #[test]
    fn what_contains_the_oldest_age_is_shown_open_and_covers_as_much_as_before() {
        let widths = vec![5.0, 10.0, 20.0];
        let bounds = [(None, None), (Some(0.0), Some(99.0)), (Some(0.0), Some(90.0))];
        for (lower, upper) in bounds {
            let ages = Generator::Number { lower, upper, widths: widths.clone(), unit: 1.0 };
            let column = Column::of("age", ["90", "89", "84", "79", "", "7"]);
            let (open, closed) =
                (ages.over_capped(&column, Some(90.0)).unwrap(), ages.over(&column).unwrap());
            let shown = |value: usize| -> Vec<&str> {
                open.levels.iter().map(|l| l.values[l.of[value] as usize].as_str()).collect()
            };
            assert_eq!(shown(0), ["90+", "90+", "90+", "80+", "*"]);
            assert_eq!(shown(1), ["89", "85-89", "80-89", "80+", "*"]);
            assert_eq!(shown(3), ["79", "75-79", "70-79", "60-79", "*"]);
            assert_eq!(shown(4), ["", "", "", "", "*"]);
            assert_eq!((open.leaves, open.full_cost()), (closed.leaves, closed.full_cost()));
            for (open, closed) in open.levels.iter().zip(&closed.levels) {
                assert_eq!((&open.of, &open.covered), (&closed.of, &closed.covered));
            }
        }
        // In months, and where the cap begins no interval.
        let months = Generator::Number { lower: None, upper: None, widths: vec![100.0], unit: 1.0 };
        let over = months.over_capped(&Column::of("m", ["1080", "1079"]), Some(1080.0)).unwrap();
        assert_eq!(
            (over.levels[0].values[0].as_str(), over.levels[1].values[0].as_str()),
            ("1080+", "1000+")
        );
        assert_eq!(over.levels[1].of, [0, 0]);
    }

    #[test]
    fn leaves_covered_are_those_of_the_domain() {
        let column = Column::of("age", ["37", "99", "0"]);
        let over = ages().over(&column).unwrap();
        assert_eq!(over.leaves, 100);
        assert_eq!((over.levels[1].covered[0], over.levels[3].covered[1]), (5, 20));
        assert_eq!(over.levels[4].covered, [100]);
    }

    #[test]
    fn what_does_not_nest_or_is_of_another_kind_is_refused() {
        let column = Column::of("c", ["37", "Secret"]);
        let error = ages().over(&column).unwrap_err();
        assert_eq!(error, GeneralizationError::Kind { row: 2, kind: "number" });
        let uneven =
            Generator::Number { lower: None, upper: None, widths: vec![5.0, 12.0], unit: 1.0 };
        assert!(uneven.over(&Column::of("c", ["1"])).is_err());
        let backwards = Generator::Date { periods: vec![Period::Year, Period::Month] };
        assert!(backwards.over(&Column::of("c", ["1987"])).is_err());
        assert!(Generator::Prefix { keep: vec![2, 3] }.over(&Column::of("c", ["1"])).is_err());
    }

    #[test]
    fn a_hierarchy_of_any_size_loses_no_more_than_can_be_added_up() {
        let rows: Vec<String> = (0..40_u64)
            .map(|row| (100_000_000_000_000_000 + row * 1_000_000_000_000_000).to_string())
            .collect();
        let column = Column::of("c", rows.iter().map(String::as_str));
        let over = Generator::Prefix { keep: vec![3, 2, 1] }.over(&column).unwrap();
        let sum = over.full_cost().checked_mul(40).unwrap();
        let attribute = over.attribute(&column);
        for level in &attribute.levels {
            assert!(level.cost.iter().all(|cost| *cost <= over.full_cost()) && sum < 1 << 61);
        }
        // Each level still covers ten times as much as the one below, but for rounding.
        let shares: Vec<f64> = over.levels[1..]
            .iter()
            .map(|level| level.covered[0] as f64 / over.leaves as f64)
            .collect();
        for (share, expected) in shares.iter().zip([0.001, 0.01, 0.1, 1.0]) {
            assert!((share - expected).abs() < 1e-12, "{shares:?}");
        }
    }

    #[test]
    fn numbers_that_cannot_be_told_apart_are_refused() {
        let number =
            |lower, upper, unit| Generator::Number { lower, upper, widths: vec![5.0], unit };
        for (generator, value) in [
            (number(None, None, 1.0), "1e300"),
            (number(Some(0.0), Some(1e300), 1.0), "5"),
            (number(None, None, 1e-300), "5"),
            (number(None, None, 1.0), "1700000000000000000"),
        ] {
            let error = generator.over(&Column::of("c", [value, "7"])).unwrap_err();
            assert!(error.to_string().contains("2^53"), "{value}: {error}");
        }
        // What is beyond a bound needs no digits.
        assert!(number(Some(0.0), Some(99.0), 1.0).over(&Column::of("c", ["1e300", "7"])).is_ok());
    }

    proptest! {
        #[test]
        fn generated_levels_only_merge(
            numbers in prop::collection::vec(-500_i32..500, 1..60),
            years in prop::collection::vec((1900_i32..2100, 1_u8..=12, 1_u8..=28), 1..60),
            codes in prop::collection::vec("[A-Z][0-9]{2}(\\.[0-9])?", 1..60),
        ) {
            let numbers: Vec<String> = numbers.iter().map(|n| (f64::from(*n) / 4.0).to_string()).collect();
            let years: Vec<String> = years.iter().map(|(y, m, d)| format!("{y}-{m:02}-{d:02}")).collect();
            let halves = Generator::Number { lower: None, upper: None, widths: vec![0.5, 2.0, 10.0], unit: 0.25 };
            let periods = Generator::Date { periods: vec![Period::Month, Period::Year, Period::Decade] };
            let prefix = Generator::Prefix { keep: vec![3, 2, 1] };
            for (generator, values) in [(halves, &numbers), (periods, &years), (Generator::Icd10, &codes), (prefix, &codes)] {
                let column = Column::of("c", values.iter().map(String::as_str));
                let over = generator.over(&column).unwrap();
                for pair in over.levels.windows(2) {
                    let mut above = HashMap::new();
                    for (below, next) in pair[0].of.iter().zip(&pair[1].of) {
                        prop_assert_eq!(*above.entry(*below).or_insert(*next), *next);
                    }
                    for (value, _) in pair[0].of.iter().zip(&pair[1].of) {
                        prop_assert!(pair[0].covered[*value as usize] <= over.full_cost() + 1);
                    }
                }
            }
        }
    }
}
