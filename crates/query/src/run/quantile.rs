//! Quantiles from a tree of noisy counts.
//!
//! The column's published range is cut into equal leaves, and leaves are put together into at most 32 branches. Every branch and every leaf
//! gets its own noise, each level half of the share. How many values lie below and above the edge between two leaves is then a sum of at
//! most 64 noisy counts; the quantile lies where `(1-q) below - q above` changes its sign. Everything after the noise only computes
//! with noisy counts. The interval holds all leaves that the noise cannot rule out.

use crate::{NoiseError, NoiseScale, NoiseSource, noise::normal_quantile, plan::Leaves};

/// Noisy counts of one group.
pub(super) struct Tree {
    range: Leaves,
    /// Noisy counts of branches, of `fan` leaves each.
    branches: Vec<f64>,
    leaves: Vec<f64>,
    scale: NoiseScale,
}

/// How many noisy counts lie below and above an edge.
#[derive(Clone, Copy)]
struct Nodes {
    below: usize,
    above: usize,
}

impl Tree {
    pub fn noisy(
        range: Leaves,
        counts: &[u32],
        scale: NoiseScale,
        noise: &mut dyn NoiseSource,
    ) -> Result<Self, NoiseError> {
        let mut draw =
            |count: u64| noise.perturb(i128::from(count), scale).map(|noisy| noisy as f64);
        let sums =
            counts.chunks(range.fan()).map(|leaves| leaves.iter().copied().map(u64::from).sum());
        let branches = sums.map(&mut draw).collect::<Result<_, _>>()?;
        let leaves =
            counts.iter().map(|count| draw(u64::from(*count))).collect::<Result<_, _>>()?;
        Ok(Self { range, branches, leaves, scale })
    }

    /// The quantile, and how far the true one can be from it but with probability `outside`.
    pub fn quantile(&self, thousandth: u32, outside: f64) -> (f64, f64) {
        let q = f64::from(thousandth) / 1000.0;
        let count = self.leaves.len();
        let edges: Vec<(f64, Nodes)> = (0..=count).map(|edge| self.edge(edge, q)).collect();
        let widths = |edge: usize| width(edges[edge].1, q, self.scale, outside / 2.0);
        let middle = |leaf: usize| (edges[leaf].0 + edges[leaf + 1].0).abs();
        let best = (0..count).min_by(|one, other| middle(*one).total_cmp(&middle(*other)));
        let best = best.unwrap_or(0);
        // The true quantile is in a leaf whose lower edge is at most level and whose upper edge at least.
        let possible = |leaf: &usize| {
            edges[*leaf].0 <= widths(*leaf) && edges[leaf + 1].0 >= -widths(leaf + 1)
        };
        let (_, value, _) = self.range.values(best);
        let low = (0..count).find(possible).unwrap_or(best).min(best);
        let high = (0..count).rev().find(possible).unwrap_or(best).max(best);
        let (low, high) = (self.range.values(low).0, self.range.values(high).2);
        (value, (value - low).max(high - value))
    }

    /// `(1-q) below - q above` at an edge, and the counts that it is made of.
    fn edge(&self, edge: usize, q: f64) -> (f64, Nodes) {
        let fan = self.range.fan();
        let (branch, nodes) = (edge / fan, nodes(self.range, edge));
        let start = branch * fan;
        let end = (start + fan).min(self.leaves.len());
        let after = if edge == start { branch } else { branch + 1 };
        let (mut below, mut above) = (0.0, 0.0);
        below += self.branches[..branch].iter().sum::<f64>();
        above += self.branches[after.min(self.branches.len())..].iter().sum::<f64>();
        if edge > start {
            below += self.leaves[start..edge].iter().sum::<f64>();
            above += self.leaves[edge..end].iter().sum::<f64>();
        }
        ((1.0 - q) * below - q * above, nodes)
    }
}

fn nodes(range: Leaves, edge: usize) -> Nodes {
    let (fan, count) = (range.fan(), range.count());
    let branches = count.div_ceil(fan);
    let (branch, within) = (edge / fan, edge % fan);
    match within {
        0 => Nodes { below: branch, above: branches - branch },
        _ => {
            let leaves = fan.min(count - branch * fan);
            Nodes { below: branch + within, above: branches - branch - 1 + leaves - within }
        }
    }
}

/// How far the noise of these counts, weighted, can reach but with probability `outside`.
fn width(nodes: Nodes, q: f64, scale: NoiseScale, outside: f64) -> f64 {
    let spread = scale.approximate();
    if spread == 0.0 {
        return 0.0;
    }
    let weights = [(nodes.below as f64, 1.0 - q), (nodes.above as f64, q)];
    let variance: f64 = weights.iter().map(|(count, weight)| count * weight * weight).sum();
    if matches!(scale, NoiseScale::Gaussian { .. }) {
        return spread * variance.sqrt() * normal_quantile(outside / 2.0) + 1.0;
    }
    // Chernoff: P(|X| > w) <= 2 exp(-t w) product of 1 / (1 - (weight scale t)^2), for any t below 1 / (weight scale); discrete
    // Laplace noise has no larger moments than continuous noise of the same scale.
    let largest = (1.0 - q).max(q);
    let at = |part: f64| {
        let t = part / largest;
        let logs = weights.map(|(count, weight)| -count * (1.0 - (weight * t).powi(2)).ln());
        ((2.0 / outside).ln() + logs.iter().sum::<f64>()) / t
    };
    spread * (1..100).map(|part| at(f64::from(part) / 100.0)).fold(f64::INFINITY, f64::min)
}

/// How many rows the rank of a quantile can be off, with 95 %: the widest over all edges.
pub(crate) fn rank_error(range: Leaves, thousandth: u32, scale: NoiseScale) -> f64 {
    let q = f64::from(thousandth) / 1000.0;
    let edges = (0..=range.count()).map(|edge| width(nodes(range, edge), q, scale, 0.025));
    edges.fold(0.0, f64::max).ceil()
}
