//! The noise: the only place where exact totals turn into numbers that leave.

use serde::{Deserialize, Serialize};

use super::{
    accumulate::{Exact, Totals},
    quantile,
};
use crate::{
    AnswerValue, NoiseError, NoiseSource,
    grid::Grid,
    plan::{Aggregate, Measure, ReleasePlan},
    scalar::Key,
};

/// For how many numbers at once an interval can be told: an expression of k numbers holds with 95 % if each of them holds with
/// 1 - 5 %/k.
pub(super) const TOGETHER: usize = 4;

/// What a question released: all noisy numbers of all groups. Showing it in another order or under other names costs nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// The values of each group's columns.
    pub(crate) groups: Vec<Vec<Key>>,
    /// By group and aggregate.
    pub(crate) numbers: Vec<Vec<Number>>,
}

/// A released number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Number {
    pub value: AnswerValue,
    /// Half-widths of intervals that hold with 1 - 5 %/k, for k from 1 on.
    pub widths: [f64; TOGETHER],
}

pub(super) fn add_noise(
    plan: &ReleasePlan,
    totals: &Totals,
    noise: &mut dyn NoiseSource,
) -> Result<Release, NoiseError> {
    let mut release = Release { groups: Vec::new(), numbers: Vec::new() };
    for (index, keys) in shown(plan, totals, noise)? {
        let mut numbers = Vec::with_capacity(plan.aggregates.len());
        for (place, aggregate) in plan.aggregates.iter().enumerate() {
            let exact = totals.aggregates[place][index];
            let leaves = match &aggregate.measure {
                Measure::Quantile { leaves, .. } => {
                    &totals.leaves[place][index * leaves.count()..(index + 1) * leaves.count()]
                }
                _ => &[],
            };
            numbers.push(number(aggregate, exact, leaves, noise)?);
        }
        release.groups.push(keys);
        release.numbers.push(numbers);
    }
    Ok(release)
}

/// The groups that are shown, with their places in the totals: all published ones, or those whose noisy number of patients reaches
/// the threshold, in the order of their values.
fn shown(
    plan: &ReleasePlan,
    totals: &Totals,
    noise: &mut dyn NoiseSource,
) -> Result<Vec<(usize, Vec<Key>)>, NoiseError> {
    let Some(threshold) = &plan.threshold else {
        let count = plan.group_count().unwrap_or(0);
        return Ok((0..count).map(|group| (group, published(plan, group))).collect());
    };
    // A group in which no row counts must not be shown by chance: one patient can bring any number of them.
    let there = totals.met.iter().cloned().enumerate();
    let there = there.filter(|(place, _)| totals.persons[*place] > 0);
    let mut groups: Vec<(usize, Vec<Key>)> = there.collect();
    groups.sort_by(|(_, one), (_, other)| one.cmp(other));
    let mut shown = Vec::new();
    for (place, keys) in groups {
        let patients = noise.perturb(i128::from(totals.persons[place]), threshold.scale)?;
        if patients >= i128::from(threshold.least) {
            shown.push((place, keys));
        }
    }
    Ok(shown)
}

/// The values of the published group of this number; the last column changes fastest.
fn published(plan: &ReleasePlan, mut group: usize) -> Vec<Key> {
    let mut keys = Vec::with_capacity(plan.groups.len());
    for column in plan.groups.iter().rev() {
        let domain = column.domain.as_deref().map_or(&[] as &[Key], Vec::as_slice);
        keys.push(domain[group % domain.len()].clone());
        group /= domain.len();
    }
    keys.reverse();
    keys
}

/// Probabilities with which the intervals of a number may fail.
fn outside() -> [f64; TOGETHER] {
    std::array::from_fn(|index| 0.05 / (index + 1) as f64)
}

fn number(
    aggregate: &Aggregate,
    exact: Exact,
    leaves: &[u32],
    noise: &mut dyn NoiseSource,
) -> Result<Number, NoiseError> {
    Ok(match &aggregate.measure {
        Measure::Rows { scale } | Measure::Persons { scale } => {
            let noisy = noise.perturb(i128::from(exact.count), *scale)?;
            Number {
                value: AnswerValue::Integer(saturate(noisy)),
                widths: outside().map(|outside| scale.half_width(outside)),
            }
        }
        Measure::Sum { grid, scale } => {
            let noisy = noise.perturb(exact.sum, *scale)?;
            let value = match grid.whole {
                true => AnswerValue::Integer(saturate(noisy)),
                false => AnswerValue::Decimal(grid.value(noisy as f64)),
            };
            Number { value, widths: outside().map(|outside| grid.value(scale.half_width(outside))) }
        }
        Measure::Mean { grid, sum, count } => {
            let deviation = noise.perturb(exact.sum, *sum)? as f64;
            let counted = noise.perturb(i128::from(exact.count), *count)? as f64;
            let (value, _) = mean(*grid, deviation, counted, 0.0, 0.0);
            let width = |outside: f64| {
                let (sum, count) = (sum.half_width(outside / 2.0), count.half_width(outside / 2.0));
                mean(*grid, deviation, counted, sum, count).1
            };
            Number { value: AnswerValue::Decimal(value), widths: outside().map(width) }
        }
        Measure::Variance { grid, sum, squares, count, sample, root } => {
            let moments = Moments {
                sum: noise.perturb(exact.sum, *sum)? as f64,
                squares: noise.perturb(exact.squares, *squares)? as f64,
                count: noise.perturb(i128::from(exact.count), *count)? as f64,
            };
            let shape = Shape { grid: *grid, sample: *sample, root: *root };
            let value = shape.value(moments);
            let width = |outside: f64| {
                let third = outside / 3.0;
                let off = Moments {
                    sum: sum.half_width(third),
                    squares: squares.half_width(third),
                    count: count.half_width(third),
                };
                shape.width(moments, off, value)
            };
            Number { value: AnswerValue::Decimal(value), widths: outside().map(width) }
        }
        Measure::Quantile { leaves: range, thousandth, scale } => {
            let tree = quantile::Tree::noisy(*range, leaves, *scale, noise)?;
            let (value, _) = tree.quantile(*thousandth, 0.05);
            let value = if range.whole() {
                AnswerValue::Integer(value as i64)
            } else {
                AnswerValue::Decimal(value)
            };
            let widths = outside().map(|outside| tree.quantile(*thousandth, outside).1);
            Number { value, widths }
        }
    })
}

/// The average from a noisy sum of deviations and a noisy count, clamped to the bounds, and the half-width of its interval.
///
/// With noise a on the sum S and b on the count N, S/N - (S+a)/(N+b) = (b S/N - a) / (N+b); where |a| <= `sum_width` and
/// |b| <= `count_width` hold at once, the error e satisfies e (n - `count_width`) <= |m| `count_width` + `sum_width`
/// for the noisy mean deviation m and count n.
fn mean(grid: Grid, deviation: f64, count: f64, sum_width: f64, count_width: f64) -> (f64, f64) {
    let (lower, upper) = (grid.lower as f64, grid.upper as f64);
    let count = count.max(1.0);
    let noisy = deviation / count;
    let value = (grid.middle() as f64 + noisy).clamp(lower, upper);
    let worst = (value - lower).max(upper - value);
    let width = if count > count_width {
        ((noisy.abs() * count_width + sum_width) / (count - count_width)).min(worst)
    } else {
        worst
    };
    (grid.value(value), grid.value(width))
}

/// Sums of deviations from the middle and of their squares, and the count: noisy, or how far they can be off.
#[derive(Clone, Copy)]
struct Moments {
    sum: f64,
    squares: f64,
    count: f64,
}

/// Which variance.
#[derive(Clone, Copy)]
struct Shape {
    grid: Grid,
    sample: bool,
    root: bool,
}

impl Shape {
    /// No variance of values within bounds is larger than the square of half their width (Popoviciu), for a sample n/(n-1) times that.
    fn most(self) -> f64 {
        let half = (self.grid.upper as f64 - self.grid.lower as f64) / 2.0;
        half * half * if self.sample { 2.0 } else { 1.0 }
    }

    fn shown(self, variance: f64) -> f64 {
        let held = variance.clamp(0.0, self.most());
        // Steps squared are a unit squared; one factor at a time, so that tiny and huge units stay in range.
        match self.root {
            true => self.grid.value(held.sqrt()),
            false => self.grid.value(self.grid.value(held)),
        }
    }

    fn value(self, moments: Moments) -> f64 {
        let count = moments.count.max(1.0);
        let mean = moments.sum / count;
        let divisor = if self.sample { (count - 1.0).max(1.0) } else { count };
        self.shown((moments.squares - count * mean * mean) / divisor)
    }

    /// By interval arithmetic over all three moments at once.
    fn width(self, moments: Moments, off: Moments, value: f64) -> f64 {
        let (few, many) = (moments.count - off.count, moments.count + off.count);
        let least = if self.sample { 2.0 } else { 1.0 };
        let (low, high) = if few < least {
            (0.0, self.shown(f64::INFINITY))
        } else {
            let less = if self.sample { 1.0 } else { 0.0 };
            let square = |most: f64| most * most;
            let largest = square(moments.sum.abs() + off.sum);
            let smallest = square((moments.sum.abs() - off.sum).max(0.0));
            let low = ((moments.squares - off.squares) - largest / few).max(0.0) / (many - less);
            let high = ((moments.squares + off.squares) - smallest / many).max(0.0) / (few - less);
            (self.shown(low), self.shown(high))
        };
        (value - low).max(high - value).max(0.0)
    }
}

fn saturate(value: i128) -> i64 {
    value.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}
