//! A question that may be answered: what is counted, how far one patient can move it, and what it costs.

use std::fmt;

use datafusion::logical_expr::Expr;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{ColumnKind, Epsilon, LaplaceScale};

/// A checked question. Made by [`crate::check`] only; running it is private by construction.
#[derive(Clone, Debug)]
pub struct PrivatePlan {
    /// The question as the parser writes it: one spelling for all spacings and keyword cases, literals quoted.
    pub(crate) canonical: String,
    pub(crate) epsilon: Epsilon,
    pub(crate) source: Source,
    /// Columns that the question reads, the patients' left out.
    pub(crate) columns: Vec<ColumnRef>,
    /// Over fields named by [`ColumnRef::field`].
    pub(crate) filter: Option<Expr>,
    pub(crate) groups: Vec<GroupColumn>,
    pub(crate) aggregates: Vec<Aggregate>,
    pub(crate) output: Vec<OutputColumn>,
    pub(crate) order: Vec<OrderBy>,
    pub(crate) skip: usize,
    pub(crate) fetch: Option<usize>,
}

/// The rows of a question.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Table whose rows are counted.
    pub rows: TableRef,
    /// Table with one row a patient, joined on the patient.
    pub person: Option<TableRef>,
    /// How many rows of one patient count, over all groups together; at least 1.
    pub max_rows_per_person: u32,
}

/// A table and its patient column.
#[derive(Clone, Debug)]
pub(crate) struct TableRef {
    pub name: String,
    pub person: String,
}

/// Which table of the source a column comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Rows,
    Person,
}

/// The type of a column that a question reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnType {
    Text,
    Integer,
    Decimal,
    Flag,
}

/// A column that the question reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ColumnRef {
    pub side: Side,
    pub name: String,
    pub column_type: ColumnType,
}

impl ColumnRef {
    /// The column's name in the batch that the filter sees.
    pub fn field(&self) -> String {
        match self.side {
            Side::Rows => format!("rows.{}", self.name),
            Side::Person => format!("person.{}", self.name),
        }
    }
}

/// A column that is grouped by; its groups are all published values.
#[derive(Clone, Debug)]
pub(crate) struct GroupColumn {
    /// Index into [`PrivatePlan::columns`].
    pub column: usize,
    pub domain: GroupDomain,
}

/// The published values of a group column, in the order in which they are shown.
#[derive(Clone, Debug)]
pub(crate) enum GroupDomain {
    Values(Vec<String>),
    Flag,
}

impl GroupDomain {
    pub fn size(&self) -> usize {
        match self {
            Self::Values(values) => values.len(),
            Self::Flag => 2,
        }
    }
}

/// One number that is released for each group.
#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    /// As the question writes it.
    pub name: String,
    pub measure: Measure,
    pub epsilon: Epsilon,
}

/// What an aggregate releases, with the scale of each of its noises.
#[derive(Clone, Debug)]
pub(crate) enum Measure {
    /// Rows, or rows where a column has a value.
    Rows { column: Option<usize>, scale: LaplaceScale },
    /// Patients with at least one row.
    Persons { scale: LaplaceScale },
    /// Sum of a column's values on its grid.
    Sum { column: usize, grid: Grid, scale: LaplaceScale },
    /// Sum of deviations from the middle of the bounds, over the count of values.
    Mean { column: usize, grid: Grid, sum: LaplaceScale, count: LaplaceScale },
}

/// The grid of whole steps of 10^`exponent` on which a bounded column is added up.
///
/// Whole-number columns have steps of 1. Decimal columns have the power of ten that puts the larger bound between one million and
/// ten million steps: a value is off by at most half a step, a relative error of the bound below one in a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Of a whole-number column.
    pub whole: bool,
    pub exponent: i32,
    /// Published bounds, in steps.
    pub lower: i64,
    pub upper: i64,
}

impl Grid {
    /// The grid of a whole-number column; `None` if the bounds are empty.
    pub fn integer(lower: i64, upper: i64) -> Option<Self> {
        (lower <= upper).then_some(Self { whole: true, exponent: 0, lower, upper })
    }

    /// The grid of a decimal column; `None` if the bounds are empty or not finite.
    pub fn decimal(lower: f64, upper: f64) -> Option<Self> {
        let ordered = lower.is_finite() && upper.is_finite() && lower <= upper;
        let largest = lower.abs().max(upper.abs());
        let exponent =
            if largest == 0.0 { 0 } else { (largest.log10().floor() as i32 - 6).clamp(-300, 302) };
        let steps = |bound: f64| shift(bound, -exponent).round() as i64;
        ordered.then(|| Self { whole: false, exponent, lower: steps(lower), upper: steps(upper) })
    }

    /// A whole number in steps, clamped to the bounds.
    pub fn clamp_integer(&self, value: i64) -> i64 {
        value.clamp(self.lower, self.upper)
    }

    /// A decimal number in steps, clamped to the bounds; `None` for what is no number.
    pub fn clamp_decimal(&self, value: f64) -> Option<i64> {
        let steps = shift(value, -self.exponent).round();
        // A conversion to an integer saturates, infinities included, and the clamp holds whatever came of it.
        (!value.is_nan()).then(|| (steps as i64).clamp(self.lower, self.upper))
    }

    /// Steps as a number to show.
    pub fn value(&self, steps: f64) -> f64 {
        shift(steps, self.exponent)
    }

    /// The middle of the bounds, rounded down.
    pub fn middle(&self) -> i64 {
        self.lower.midpoint(self.upper)
    }

    /// The largest magnitude of a value.
    pub fn magnitude(&self) -> u64 {
        self.lower.unsigned_abs().max(self.upper.unsigned_abs())
    }

    /// The largest deviation of a value from the middle.
    pub fn radius(&self) -> u64 {
        self.upper.abs_diff(self.middle()).max(self.lower.abs_diff(self.middle()))
    }
}

/// `value` times ten to the `power`, by one operation so that short decimals stay short.
fn shift(value: f64, power: i32) -> f64 {
    if power < 0 { value / 10_f64.powi(-power) } else { value * 10_f64.powi(power) }
}

/// One column of the answer.
#[derive(Clone, Debug)]
pub(crate) struct OutputColumn {
    pub name: String,
    pub from: OutputFrom,
}

/// Where a column of the answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputFrom {
    Group(usize),
    Aggregate(usize),
}

/// One sort key, applied to noisy rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderBy {
    /// Index into [`PrivatePlan::output`].
    pub output: usize,
    pub ascending: bool,
}

/// What makes two charges the same question: the key under which the budget keeps charge and answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionKey(pub [u8; 32]);

impl fmt::Debug for QuestionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QuestionKey(")?;
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}

impl PrivatePlan {
    /// What the question costs.
    pub fn epsilon(&self) -> Epsilon {
        self.epsilon
    }

    /// The tables that the question reads, one or two.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        let person = self.source.person.as_ref();
        std::iter::once(&self.source.rows).chain(person).map(|table| table.name.as_str())
    }

    /// How many groups are answered, whatever the data holds: 1 without GROUP BY.
    pub fn group_count(&self) -> usize {
        self.groups.iter().map(|group| group.domain.size()).product()
    }

    /// The key of this question in this `context`, SHA-256 over both.
    ///
    /// Texts that differ in spacing and the case of keywords only have the same key. The context is what else must be equal for a recorded answer
    /// to stand: give the dataset version and the consent counter, so that an answer from before a revocation is not repeated after it.
    pub fn question_key(&self, context: &[u8]) -> QuestionKey {
        let mut hash = Sha256::new();
        hash.update(self.epsilon.milli().to_be_bytes());
        for part in [self.canonical.as_bytes(), context] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        QuestionKey(hash.finalize().into())
    }

    /// What the answer will cost and how far off it will be, known before anything is spent or computed.
    pub fn cost(&self) -> Cost {
        Cost {
            epsilon: self.epsilon,
            groups: self.group_count(),
            max_rows_per_person: self.source.max_rows_per_person,
            aggregates: self.aggregates.iter().map(Aggregate::cost).collect(),
        }
    }
}

impl Aggregate {
    pub fn kind(&self) -> ColumnKind {
        match self.measure {
            Measure::Rows { .. } | Measure::Persons { .. } => ColumnKind::Count,
            Measure::Sum { .. } => ColumnKind::Sum,
            Measure::Mean { .. } => ColumnKind::Avg,
        }
    }

    fn cost(&self) -> AggregateCost {
        let (scale, unit) = match &self.measure {
            Measure::Rows { scale, .. } | Measure::Persons { scale } => (*scale, 1.0),
            Measure::Sum { grid, scale, .. } => (*scale, grid.value(1.0)),
            Measure::Mean { grid, sum, .. } => (*sum, grid.value(1.0)),
        };
        AggregateCost {
            name: self.name.clone(),
            kind: self.kind(),
            epsilon: self.epsilon,
            sensitivity: scale.sensitivity() as f64 * unit,
            scale: scale.approximate() * unit,
            interval95: scale.half_width(0.05) * unit,
            step: unit,
        }
    }
}

/// What a question costs and how far off its answer will be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Privacy loss, in thousandths of epsilon.
    pub epsilon: Epsilon,
    /// Groups that are answered.
    pub groups: usize,
    /// Rows of one patient that count, over all groups together.
    pub max_rows_per_person: u32,
    /// The numbers of each group.
    pub aggregates: Vec<AggregateCost>,
}

/// The cost and expected error of one aggregate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AggregateCost {
    /// The aggregate as the question writes it.
    pub name: String,
    /// What it computes.
    pub kind: ColumnKind,
    /// Its share of the privacy loss, in thousandths of epsilon.
    pub epsilon: Epsilon,
    /// How far one patient can move the numbers of all groups together, in the column's unit. For an average: of the sum of
    /// deviations from the middle of the bounds.
    pub sensitivity: f64,
    /// Scale of the Laplace noise, in the column's unit; for an average, of that sum.
    pub scale: f64,
    /// Half-width that holds the noise with at least 95 % probability, in the column's unit; for an average, divide by the number of
    /// values and add what the noisy count brings.
    pub interval95: f64,
    /// Values are rounded to multiples of this before they are added up.
    pub step: f64,
}

impl fmt::Display for Cost {
    /// The explanation that an analyst reads before spending.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cost: epsilon {}", self.epsilon)?;
        writeln!(f, "groups answered: {}", self.groups)?;
        writeln!(f, "rows counted for one patient: at most {}", self.max_rows_per_person)?;
        for part in &self.aggregates {
            write!(
                f,
                "{}: epsilon {}, sensitivity {}, noise scale {:.4}, ",
                part.name, part.epsilon, part.sensitivity, part.scale
            )?;
            match part.kind {
                ColumnKind::Avg => writeln!(
                    f,
                    "95 % within \u{b1}{:.4} divided by the number of values (half of its epsilon counts them)",
                    part.interval95
                )?,
                _ => writeln!(f, "95 % within \u{b1}{:.4}", part.interval95)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_value_leaves_the_grid_of_a_decimal_column(
            a in proptest::num::f64::NORMAL,
            b in proptest::num::f64::NORMAL,
            value in proptest::num::f64::ANY,
        ) {
            let grid = Grid::decimal(a.min(b), a.max(b)).unwrap();
            prop_assert!(grid.lower <= grid.upper && grid.magnitude() <= 10_000_000);
            match grid.clamp_decimal(value) {
                Some(steps) => prop_assert!((grid.lower..=grid.upper).contains(&steps)),
                None => prop_assert!(value.is_nan()),
            }
        }

        #[test]
        fn a_value_within_bounds_is_off_by_at_most_half_a_step(
            bound in 0.001_f64..1e9, share in -1.0_f64..1.0,
        ) {
            let grid = Grid::decimal(-bound, bound).unwrap();
            let value = bound * share;
            let back = grid.value(grid.clamp_decimal(value).unwrap() as f64);
            prop_assert!((back - value).abs() <= grid.value(0.5) * (1.0 + 1e-6));
            prop_assert!(grid.value(1.0) <= bound * 1.000_001e-6);
        }

        #[test]
        fn no_value_is_further_from_the_middle_than_the_radius(a: i64, b: i64, value: i64) {
            let grid = Grid::integer(a.min(b), a.max(b)).unwrap();
            let steps = grid.clamp_integer(value);
            prop_assert!(steps.abs_diff(grid.middle()) <= grid.radius());
            prop_assert!(steps.unsigned_abs() <= grid.magnitude());
        }
    }

    #[test]
    fn bounds_that_are_empty_or_not_finite_give_no_grid() {
        assert_eq!(Grid::integer(1, 0), None);
        for (lower, upper) in [(1.0, 0.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            assert_eq!(Grid::decimal(lower, upper), None);
        }
    }
}
