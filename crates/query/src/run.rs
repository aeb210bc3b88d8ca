//! Answering: filter, bound each patient's rows, add up on integers, add noise.
//!
//! One pass over the rows in stored order. A row counts if the filter holds, its patient is known and its groups are published
//! values; of each patient the first rows that count do, up to the published number, over all groups together. Rows with NULL or an
//! unpublished value in a group column are in no group. NULL and NaN values are left out of sums and averages, infinite ones
//! clamped like any other. Nothing in here can fail because of a value.

mod accumulate;
mod rows;

use caduceus_records::Tables;

use self::{accumulate::Totals, rows::Rows};
use crate::{
    Answer, AnswerValue, NoiseError, NoiseSource,
    plan::{Aggregate, Grid, GroupDomain, Measure, OutputFrom, PrivatePlan},
};

/// A checked question could not be run. Never because of what a row holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A table is not as published.
    #[error(
        "Table `{table}` has no column `{column}` of the published type: protect and publish the dataset again."
    )]
    Column {
        /// The table.
        table: String,
        /// The column that is missing or of another type.
        column: String,
    },
    /// The expression engine refused a checked condition, which is a fault of this program.
    #[error(
        "The condition of the question could not be evaluated: report this as a fault, with the question."
    )]
    Engine,
    /// No randomness, no answer.
    #[error(transparent)]
    Noise(#[from] NoiseError),
}

/// Runs a checked question over the tables and adds the noise.
///
/// A table that the dataset publishes and `tables` does not hold has no rows (all its patients may have left). The work is all
/// computation and can take seconds on millions of rows: call it where blocking is allowed.
///
/// # Errors
/// [`RunError`] if a table is not as published or randomness fails, and then nothing may be released.
pub fn run(
    plan: &PrivatePlan,
    tables: &Tables,
    noise: &mut dyn NoiseSource,
) -> Result<Answer, RunError> {
    let rows = Rows::new(plan, tables)?;
    let totals = Totals::new(plan, &rows);
    let mut numbers = Vec::with_capacity(plan.aggregates.len());
    for (aggregate, exact) in plan.aggregates.iter().zip(totals.aggregates) {
        let noisy = exact.into_iter().map(|exact| release(aggregate, exact, noise));
        numbers.push(noisy.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(arrange(plan, &numbers))
}

/// An exact total of one group: a sum in steps, and a count where the aggregate needs one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Exact {
    sum: i128,
    count: i128,
}

/// A released number and the half-width of its interval.
type Released = (AnswerValue, f64);

/// Adds the noise. The only place where exact totals turn into numbers that leave.
fn release(
    aggregate: &Aggregate,
    exact: Exact,
    noise: &mut dyn NoiseSource,
) -> Result<Released, NoiseError> {
    match &aggregate.measure {
        Measure::Rows { scale, .. } | Measure::Persons { scale } => {
            let noisy = noise.perturb(exact.count, *scale)?;
            Ok((AnswerValue::Integer(saturate(noisy)), scale.half_width(0.05)))
        }
        Measure::Sum { grid, scale, .. } => {
            let noisy = noise.perturb(exact.sum, *scale)?;
            let value = if grid.whole {
                AnswerValue::Integer(saturate(noisy))
            } else {
                AnswerValue::Decimal(grid.value(noisy as f64))
            };
            Ok((value, grid.value(scale.half_width(0.05))))
        }
        Measure::Mean { grid, sum, count, .. } => {
            let deviation = noise.perturb(exact.sum, *sum)? as f64;
            let counted = noise.perturb(exact.count, *count)?.max(1) as f64;
            Ok(mean(*grid, deviation, counted, sum.half_width(0.025), count.half_width(0.025)))
        }
    }
}

/// The average from a noisy sum of deviations and a noisy count, clamped to the bounds, and its interval.
///
/// With noise a on the sum S and b on the count N, S/N - (S+a)/(N+b) = (b S/N - a) / (N+b); where |a| <= `sum_width` and
/// |b| <= `count_width` hold at once (each with 97.5 %), the error e satisfies e (n - `count_width`) <= |m| `count_width` + `sum_width`
/// for the noisy mean deviation m and count n.
fn mean(grid: Grid, deviation: f64, count: f64, sum_width: f64, count_width: f64) -> Released {
    let (lower, upper) = (grid.lower as f64, grid.upper as f64);
    let noisy = deviation / count;
    let value = (grid.middle() as f64 + noisy).clamp(lower, upper);
    let worst = (value - lower).max(upper - value);
    let width = if count > count_width {
        ((noisy.abs() * count_width + sum_width) / (count - count_width)).min(worst)
    } else {
        worst
    };
    (AnswerValue::Decimal(grid.value(value)), grid.value(width))
}

fn saturate(value: i128) -> i64 {
    value.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// Lays released numbers out as the question asks: columns, order, limit.
fn arrange(plan: &PrivatePlan, numbers: &[Vec<Released>]) -> Answer {
    let mut answer = Answer::empty(plan);
    let mut rows =
        (0..plan.group_count()).map(|group| row(plan, numbers, group)).collect::<Vec<_>>();
    rows.sort_by(|(one, _), (other, _)| {
        let keys = plan.order.iter().map(|key| {
            let ordering = compare(&one[key.output], &other[key.output]);
            if key.ascending { ordering } else { ordering.reverse() }
        });
        keys.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    let shown = rows.into_iter().skip(plan.skip).take(plan.fetch.unwrap_or(usize::MAX));
    (answer.rows, answer.intervals95) = shown.unzip();
    answer
}

/// One group's row and the intervals of its numbers.
fn row(
    plan: &PrivatePlan,
    numbers: &[Vec<Released>],
    group: usize,
) -> (Vec<AnswerValue>, Vec<Option<f64>>) {
    let cells = plan.output.iter().map(|output| match output.from {
        OutputFrom::Group(column) => (group_value(plan, column, group), None),
        OutputFrom::Aggregate(index) => {
            let (value, width) = &numbers[index][group];
            (value.clone(), Some(*width))
        }
    });
    cells.unzip()
}

/// The value of one group column in the group of this index; the last column changes fastest.
fn group_value(plan: &PrivatePlan, column: usize, group: usize) -> AnswerValue {
    let faster = plan.groups[column + 1..].iter().map(|group| group.domain.size());
    let domain = &plan.groups[column].domain;
    let value = group / faster.product::<usize>() % domain.size();
    match domain {
        GroupDomain::Values(values) => AnswerValue::Text(values[value].clone()),
        GroupDomain::Flag => AnswerValue::Flag(value == 1),
    }
}

/// The order of two values of one column.
fn compare(one: &AnswerValue, other: &AnswerValue) -> std::cmp::Ordering {
    use AnswerValue::{Decimal, Flag, Integer, Text};
    match (one, other) {
        (Flag(one), Flag(other)) => one.cmp(other),
        (Integer(one), Integer(other)) => one.cmp(other),
        (Decimal(one), Decimal(other)) => one.total_cmp(other),
        (Text(one), Text(other)) => one.cmp(other),
        // A column has one kind of value.
        _ => std::cmp::Ordering::Equal,
    }
}

#[cfg(test)]
mod tests;
