//! The tree over the columns: which pairs belong to it, what its counts mean, and rows drawn from it.

use rand::Rng;

use super::noise::{Sigma, perturb_score};
use super::{Coded, SynthesisError};

/// All pairs of columns.
pub(super) fn pairs(columns: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..columns).flat_map(move |a| (a + 1..columns).map(move |b| (a, b)))
}

/// The nearest numbers that are not negative and have this sum, by Euclid's distance (Duchi and others 2008).
pub(super) fn project(counts: &[i64], sum: f64) -> Vec<f64> {
    let counts: Vec<f64> = counts.iter().map(|&count| count as f64).collect();
    let mut sorted = counts.clone();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let (mut taken, mut shift) = (0.0, 0.0);
    for (position, count) in sorted.iter().enumerate() {
        taken += count;
        let candidate = (taken - sum) / (position + 1) as f64;
        if count - candidate <= 0.0 {
            break;
        }
        shift = candidate;
    }
    counts.into_iter().map(|count| (count - shift).max(0.0)).collect()
}

/// Joins the columns pair by pair, each time by the pair that noisily is farthest from independence.
pub(super) fn select(
    coded: &Coded<'_>,
    singles: &[Vec<f64>],
    rho: f64,
) -> Result<Vec<(usize, usize)>, SynthesisError> {
    let columns = singles.len();
    let choices = columns.saturating_sub(1);
    let scale = Sigma::for_choices(choices.max(1), rho);
    let scores: Vec<((usize, usize), u64)> =
        pairs(columns).map(|pair| (pair, dependence(coded, singles, pair))).collect();
    let mut part: Vec<usize> = (0..columns).collect();
    let mut edges = Vec::new();
    for _ in 0..choices {
        let mut best: Option<(i64, (usize, usize))> = None;
        for &((a, b), score) in scores.iter().filter(|((a, b), _)| part[*a] != part[*b]) {
            let noisy = perturb_score(score, &scale)?;
            if best.is_none_or(|(most, _)| noisy > most) {
                best = Some((noisy, (a, b)));
            }
        }
        let Some((_, (a, b))) = best else { break };
        let (kept, joined) = (part[a], part[b]);
        part.iter_mut().filter(|p| **p == joined).for_each(|p| *p = kept);
        edges.push((a, b));
    }
    Ok(edges)
}

/// The L1 distance of the joint counts from whole numbers that do not depend on the data but by what was measured; one
/// row changes it by at most 1.
fn dependence(coded: &Coded<'_>, singles: &[Vec<f64>], (a, b): (usize, usize)) -> u64 {
    let total: f64 = singles[a].iter().sum::<f64>().max(1.0);
    let width = singles[b].len();
    let counts = coded.count_pair((a, b));
    let distance = |(cell, &count): (usize, &u64)| {
        let expected = singles[a][cell / width] * singles[b][cell % width] / total;
        count.abs_diff(expected.round() as u64)
    };
    counts.iter().enumerate().map(distance).sum()
}

/// A distribution of rows.
pub(super) struct Tree {
    /// For each column in the order of drawing: itself, its parent, and for each value of the parent (one value where there
    /// is none) its own running shares.
    steps: Vec<(usize, Option<usize>, Vec<Vec<f64>>)>,
}

impl Tree {
    pub(super) fn new(
        singles: &[Vec<f64>],
        measured: &[((usize, usize), Vec<i64>)],
        sizes: &[usize],
    ) -> Tree {
        let mut steps = Vec::new();
        let mut done = vec![false; singles.len()];
        for root in 0..singles.len() {
            if done[root] {
                continue;
            }
            done[root] = true;
            steps.push((root, None, vec![running(&singles[root])]));
            let mut open = vec![root];
            while let Some(parent) = open.pop() {
                for ((a, b), counts) in measured {
                    let child = match (*a == parent, *b == parent) {
                        (true, _) => *b,
                        (_, true) => *a,
                        _ => continue,
                    };
                    if std::mem::replace(&mut done[child], true) {
                        continue;
                    }
                    let of = |value: usize| -> Vec<f64> {
                        let row = (0..sizes[child]).map(|own| match *a == parent {
                            true => counts[value * sizes[*b] + own],
                            false => counts[own * sizes[*b] + value],
                        });
                        let row: Vec<i64> = row.collect();
                        let expected = singles[parent][value];
                        // A value of the parent that nobody seems to have says nothing of the child.
                        if expected < 1.0 {
                            singles[child].clone()
                        } else {
                            project(&row, expected)
                        }
                    };
                    let conditional = (0..sizes[parent]).map(|value| running(&of(value))).collect();
                    steps.push((child, Some(parent), conditional));
                    open.push(child);
                }
            }
        }
        Tree { steps }
    }

    /// Rows, column by column.
    pub(super) fn draw(&self, rows: usize, random: &mut impl Rng) -> Vec<Vec<u32>> {
        let mut columns = vec![Vec::new(); self.steps.len()];
        for (column, parent, shares) in &self.steps {
            let drawn = (0..rows).map(|row| {
                let shares = &shares[parent.map_or(0, |parent| columns[parent][row] as usize)];
                let point = random.random::<f64>() * shares.last().copied().unwrap_or(0.0);
                shares.partition_point(|share| *share <= point).min(shares.len() - 1) as u32
            });
            let drawn: Vec<u32> = drawn.collect();
            columns[*column] = drawn;
        }
        columns
    }
}

fn running(shares: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let add = |share: &f64| {
        sum += share;
        sum
    };
    shares.iter().map(add).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_projection_has_the_sum_and_nothing_negative_and_is_the_nearest(
            counts in prop::collection::vec(-50i64..100, 1..8),
            others in prop::collection::vec(0.0f64..1.0, 8),
            sum in 1.0f64..200.0,
        ) {
            let projected = project(&counts, sum);
            prop_assert!((projected.iter().sum::<f64>() - sum).abs() < 1e-6);
            prop_assert!(projected.iter().all(|share| *share >= 0.0));
            // No other point with the sum is nearer.
            let all: f64 = others[..counts.len()].iter().sum::<f64>().max(1e-9);
            let distance = |point: &mut dyn Iterator<Item = f64>| -> f64 {
                counts.iter().zip(point).map(|(c, p)| (*c as f64 - p).powi(2)).sum()
            };
            let other = distance(&mut others[..counts.len()].iter().map(|o| o / all * sum));
            prop_assert!(distance(&mut projected.into_iter()) <= other + 1e-6);
        }
    }
}
