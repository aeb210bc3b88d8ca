//! How much one patient can cost: what the pairs of their rows in joins can multiply.
//!
//! It is counted from the question and the published numbers of rows, before anything is charged, so that what is refused depends on
//! no row. Rows that no number bounds count once: what is done for them grows with the table and with nothing else.

use super::{Relation, ReleasePlan};
use crate::scalar::Scalar;

/// What one patient may cost at most in steps, each of them one operation on one row.
pub(crate) const MOST_STEPS: u64 = 20_000_000;

/// The least that a row takes wherever it is copied, paired, grouped or added up.
const A_ROW: u64 = 1;

/// What a relation makes of one patient.
#[derive(Clone, Copy)]
struct Work {
    /// Rows that come out, at most.
    rows: u64,
    /// Steps until they are there.
    steps: u64,
}

impl ReleasePlan {
    /// The most steps that one patient can cost.
    pub fn steps(&self) -> u64 {
        let arguments = self.arguments.iter().map(Scalar::steps).sum::<u64>();
        let added = (self.groups.len() + self.aggregates.len()) as u64;
        self.relation.work().each(arguments + added + A_ROW).steps
    }
}

impl Work {
    /// With so many steps more for each row.
    fn each(self, steps: u64) -> Self {
        Self { steps: self.steps.saturating_add(self.rows.saturating_mul(steps)), ..self }
    }
}

impl Relation {
    fn work(&self) -> Work {
        match self {
            Self::Scan { .. } => Work { rows: 1, steps: A_ROW },
            Self::First { input, rows } => {
                Work { rows: (*rows).into(), ..input.work() }.each(A_ROW)
            }
            Self::Filter { input, condition } => input.work().each(condition.steps() + A_ROW),
            Self::Project { input, columns } => {
                input.work().each(columns.iter().map(Scalar::steps).sum())
            }
            Self::Join { left, right, condition, needed, .. } => {
                let (left, right) = (left.work(), right.work());
                let rows = left.rows.saturating_mul(right.rows);
                let copied = needed.iter().filter(|needed| **needed).count() as u64;
                let asked = condition.as_ref().map_or(0, Scalar::steps);
                let steps = left.steps.saturating_add(right.steps);
                Work { rows, steps }.each(copied + asked + A_ROW)
            }
            Self::Having { input, other, .. } => {
                let (input, other) = (input.work(), other.work());
                Work { steps: input.steps.saturating_add(other.steps), ..input }.each(A_ROW)
            }
            Self::Within { input, keys, aggregates, one } => {
                let read = aggregates.iter().filter_map(|aggregate| aggregate.argument.as_ref());
                let read = keys.iter().chain(read).map(Scalar::steps).sum::<u64>();
                let work = input.work().each(read + aggregates.len() as u64 + A_ROW);
                Work { rows: if *one { 1 } else { work.rows }, ..work }
            }
        }
    }
}
