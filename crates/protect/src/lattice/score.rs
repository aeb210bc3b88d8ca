//! What a candidate is worth, and what every finer one must lose at least.
//!
//! Two kinds of objectives: those that add up what every row loses in every attribute ([`Objective::Loss`],
//! [`Objective::Weighted`]), and those that look at the sizes of classes. Of both a smaller *rank* is better; the rank
//! is what is compared, the score what is told.
//!
//! Sums of costs are whole numbers, so that only a few multiplications and divisions decide, which are the same on every
//! machine.

use super::Problem;

/// What is to be small.
#[derive(Clone, Debug, PartialEq)]
pub enum Objective {
    /// For each attribute the mean over the rows of cost / full cost, a suppressed row counting 1; over the attributes
    /// the geometric mean of 1 + x, minus 1. With leaves covered - 1 for costs it is Iyengar's loss (2002).
    Loss,
    /// The weighted arithmetic mean over the attributes instead.
    Weighted(Vec<u32>),
    /// The sum over the rows of the size of their class; a suppressed row counts as many as there are rows (Bayardo and
    /// Agrawal 2005).
    Discernibility,
    /// Rows that stay for each class that stays (LeFevre and others 2006, without their normalization by k); all rows where
    /// no class stays.
    AverageClassSize,
}

/// What is known of the rows that must be left out in a candidate and in every finer one.
pub(super) struct Lost<'a> {
    pub(super) rows: u64,
    /// For each attribute, what these rows would lose at most if they stayed.
    pub(super) costs: &'a [u64],
}

/// What was counted in one candidate.
pub(super) struct Counted {
    /// Rows left out.
    pub(super) suppressed: u64,
    /// For each attribute, what these rows would have lost had they stayed.
    pub(super) costs: Vec<u64>,
    /// Classes that stay.
    pub(super) classes: u64,
    /// Squares of their sizes.
    pub(super) squares: u128,
}

/// The objective, made ready for many candidates.
pub(super) struct Scorer<'p> {
    problem: &'p Problem,
    /// For each attribute and level, what all rows lose, and what a row loses at most.
    levels: Vec<Vec<(u64, u64)>>,
    /// For each attribute and level, how many values it can show.
    values: Vec<Vec<f64>>,
    /// For each attribute how many rows have each leaf.
    frequencies: Vec<Vec<u64>>,
    /// 1 / (rows x full cost), 0 for an attribute that cannot lose anything.
    scale: Vec<f64>,
}

impl<'p> Scorer<'p> {
    pub(super) fn new(problem: &'p Problem) -> Scorer<'p> {
        let mut levels = Vec::new();
        let mut values = Vec::new();
        let mut frequencies = Vec::new();
        for attribute in &problem.attributes {
            let leaves = attribute.levels.first().map_or(0, |level| level.of_leaf.len());
            let mut frequency = vec![0_u64; leaves];
            for &leaf in &attribute.leaves[..problem.rows] {
                frequency[leaf as usize] += 1;
            }
            let total = |level: &super::Level| {
                let rows = frequency.iter().zip(&level.of_leaf);
                let cost = |(rows, value): (&u64, &u32)| rows * level.cost[*value as usize];
                (rows.map(cost).sum(), level.cost.iter().copied().max().unwrap_or(0))
            };
            levels.push(attribute.levels.iter().map(total).collect());
            values.push(attribute.levels.iter().map(|level| level.cost.len() as f64).collect());
            frequencies.push(frequency);
        }
        let rows = problem.rows as f64;
        let scale = problem
            .full
            .iter()
            .map(|&full| if full == 0 { 0.0 } else { 1.0 / (rows * full as f64) });
        Scorer { problem, levels, values, frequencies, scale: scale.collect() }
    }

    /// The logarithm of how many rows show each value of an attribute at a level.
    pub(super) fn logs(&self, attribute: usize, level: u8) -> Vec<f64> {
        let level = &self.problem.attributes[attribute].levels[level as usize];
        let mut rows = vec![0; level.cost.len()];
        let leaves = self.frequencies[attribute].iter().zip(&level.of_leaf);
        leaves.for_each(|(frequency, &value)| rows[value as usize] += frequency);
        rows.into_iter().map(|rows| f64::ln(rows.max(1) as f64)).collect()
    }

    /// The ranks of all candidates without suppression, the last attribute varying fastest. Each is computed in the
    /// same order of operations as [`Scorer::rank`].
    pub(super) fn ranks(&self) -> Vec<f64> {
        let (first, weights) = match &self.problem.objective {
            Objective::Weighted(weights) => (0.0, Some(weights)),
            _ => (1.0, None),
        };
        let mut ranks = vec![first];
        for (attribute, levels) in self.levels.iter().enumerate() {
            let shares: Vec<f64> =
                levels.iter().map(|(all, _)| self.share(attribute, *all, 0, 0)).collect();
            let next = |rank: &f64| {
                let rank = *rank;
                shares.iter().map(move |share| match weights {
                    Some(weights) => rank + f64::from(weights[attribute]) * share,
                    None => rank * (1.0 + share),
                })
            };
            ranks = ranks.iter().flat_map(next).collect();
        }
        ranks
    }

    /// Whether the objective only adds up what rows lose, so that without suppression it is known without counting.
    pub(super) fn additive(&self) -> bool {
        matches!(self.problem.objective, Objective::Loss | Objective::Weighted(_))
    }

    /// A factor that grows with the share that an attribute loses; their product, or sum, over attributes is the rank.
    #[inline]
    fn rank_of(&self, shares: impl Iterator<Item = f64>) -> f64 {
        match &self.problem.objective {
            Objective::Weighted(weights) => {
                let weighed = weights.iter().zip(shares);
                weighed.fold(0.0, |sum, (weight, share)| sum + f64::from(*weight) * share)
            }
            _ => shares.fold(1.0, |product, share| product * (1.0 + share)),
        }
    }

    #[inline]
    fn share(&self, attribute: usize, stay: u64, rows: u64, would: u64) -> f64 {
        (stay - would + rows * self.problem.full[attribute]) as f64 * self.scale[attribute]
    }

    /// The rank of a candidate that was counted.
    pub(super) fn rank(&self, levels: &[u8], counted: &Counted) -> f64 {
        let rows = self.problem.rows as f64;
        match self.problem.objective {
            Objective::Discernibility => counted.squares as f64 + counted.suppressed as f64 * rows,
            Objective::AverageClassSize => {
                if counted.classes == 0 {
                    return rows;
                }
                (rows - counted.suppressed as f64) / counted.classes as f64
            }
            _ => self.rank_of(levels.iter().enumerate().map(|(attribute, &level)| {
                let all = self.levels[attribute][level as usize].0;
                self.share(attribute, all, counted.suppressed, counted.costs[attribute])
            })),
        }
    }

    /// What the rank is at least at these levels, and at all finer ones with these levels in the attributes for which
    /// `fixed` holds, given that some rows are lost there.
    #[inline]
    pub(super) fn at_least(
        &self,
        levels: &[u8],
        lost: &Lost<'_>,
        fixed: impl Fn(usize) -> bool,
    ) -> f64 {
        if !self.additive() {
            return self.class_bound(levels, lost.rows, fixed);
        }
        self.rank_of(levels.iter().enumerate().map(|(attribute, &level)| {
            let level = if fixed(attribute) { level as usize } else { 0 };
            let (all, most) = self.levels[attribute][level];
            let would = lost.costs.get(attribute).copied().unwrap_or(0).min(lost.rows * most);
            self.share(attribute, all, lost.rows, would.min(all))
        }))
    }

    /// Classes are no more than values can be combined and than rows make classes of k; their squares are the least
    /// when they are equally large. Of the average, a finer candidate may leave out more rows, but no more than it may.
    fn class_bound(&self, levels: &[u8], lost: u64, fixed: impl Fn(usize) -> bool) -> f64 {
        let rows = self.problem.rows as f64;
        let stay = rows - lost as f64;
        let values = |(attribute, level): (usize, &u8)| {
            self.values[attribute][if fixed(attribute) { *level as usize } else { 0 }]
        };
        let combinations: f64 = levels.iter().enumerate().map(values).product();
        let classes = combinations.min((stay / f64::from(self.problem.k.max(1))).floor()).max(1.0);
        match self.problem.objective {
            Objective::Discernibility => {
                // With two classes or more, losing another row costs no less than keeping it.
                stay * stay / classes.max(2.0) + lost as f64 * rows
            }
            _ => {
                let stay = rows - (self.problem.suppressible as f64).min(rows);
                (stay / combinations.max(1.0)).max(f64::from(self.problem.k)).min(rows)
            }
        }
    }

    /// What is told of a rank.
    pub(super) fn score(&self, rank: f64) -> f64 {
        match &self.problem.objective {
            Objective::Loss if !self.problem.attributes.is_empty() => {
                rank.powf(1.0 / self.problem.attributes.len() as f64) - 1.0
            }
            Objective::Loss => 0.0,
            Objective::Weighted(weights) => rank / f64::from(weights.iter().sum::<u32>().max(1)),
            _ => rank,
        }
    }
}
