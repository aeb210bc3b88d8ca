//! What a class must be like besides large: diverse, close to everybody, unsure of who is in.
//!
//! Sources: l-diversity (distinct, entropy, recursive), Machanavajjhala and others 2007; t-closeness with the earth
//! mover's distance for equal, ordered and hierarchical ground distances, Li and others 2007; delta-presence, Nergiz and
//! others 2007.

/// Slack of comparisons between sums of fractions, so that rounding in the last place decides nothing.
const SLACK: f64 = 1e-9;

/// A sensitive attribute and what is asked of every class.
#[derive(Clone, Debug)]
pub struct Sensitive {
    /// The value of every row, numbered from 0 without gaps; none for rows of the population alone.
    pub values: Vec<u32>,
    /// How many different values there are.
    pub distinct: usize,
    /// Diversity of every class.
    pub diversity: Option<Diversity>,
    /// Closeness of every class to the whole table.
    pub closeness: Option<Closeness>,
}

/// How different the sensitive values of a class must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Diversity {
    /// At least so many different values.
    Distinct(u32),
    /// The entropy of the values is at least that of so many equally frequent ones.
    Entropy(f64),
    /// Recursive (c, l): the most frequent value is less than `c` times as frequent as all from the l-th on together.
    Recursive {
        /// The factor.
        c: f64,
        /// The rank from which on values count together, at least 2.
        l: u32,
    },
}

/// How far the values of a class may be from those of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Closeness {
    /// The largest distance allowed, from 0 to 1.
    pub t: f64,
    /// How far values are from each other.
    pub distance: Distance,
}

/// The ground distance of the earth mover's distance.
#[derive(Clone, Debug, PartialEq)]
pub enum Distance {
    /// Any two values are 1 apart.
    Equal,
    /// Values are numbered in their order; the first and the last are 1 apart.
    Ordered,
    /// The height of the lowest common ancestor, over the height of the hierarchy: for each level, from the one above
    /// the values to the root, the number of each value's ancestor.
    Hierarchical(Vec<Vec<u32>>),
}

/// How sure one may be that somebody of the population is in the table: the share of the table's rows among those of
/// the population that look alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Presence {
    /// At least so sure, 0 to 1. Above 0, every class of the population must be present.
    pub min: f64,
    /// At most so sure, 0 to 1.
    pub max: f64,
}

impl Presence {
    /// Whether a class with rows of the table keeps the bounds.
    pub(super) fn holds(&self, table: u32, population: u32) -> bool {
        let share = f64::from(table) / f64::from(population);
        share >= self.min - SLACK && share <= self.max + SLACK
    }
}

/// What one class is worth.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// It meets everything.
    Good,
    /// It breaks something that every class within it breaks too.
    BadAndFinerToo,
    /// It breaks something.
    Bad,
}

impl Verdict {
    /// The worse of two.
    pub(super) fn and(self, other: Verdict) -> Verdict {
        match (self, other) {
            (Verdict::BadAndFinerToo, _) | (_, Verdict::BadAndFinerToo) => Verdict::BadAndFinerToo,
            (Verdict::Bad, _) | (_, Verdict::Bad) => Verdict::Bad,
            _ => Verdict::Good,
        }
    }
}

/// A sensitive attribute made ready for many classes.
pub(super) struct Judge<'p> {
    sensitive: &'p Sensitive,
    /// Share of each value in the whole table.
    overall: Vec<f64>,
    /// Rows of the class by value, and which values it has.
    counts: Vec<u32>,
    present: Vec<u32>,
}

impl<'p> Judge<'p> {
    pub(super) fn new(sensitive: &'p Sensitive) -> Judge<'p> {
        let mut overall = vec![0.0; sensitive.distinct];
        for &value in &sensitive.values {
            overall[value as usize] += 1.0;
        }
        let rows = sensitive.values.len() as f64;
        overall.iter_mut().for_each(|share| *share /= rows);
        let counts = vec![0; sensitive.distinct];
        Judge { sensitive, overall, counts, present: Vec::new() }
    }

    pub(super) fn add(&mut self, value: u32, rows: u32) {
        let count = &mut self.counts[value as usize];
        if *count == 0 {
            self.present.push(value);
        }
        *count += rows;
    }

    /// Judges the rows added since the last verdict.
    pub(super) fn verdict(&mut self) -> Verdict {
        let verdict = self.judge();
        for &value in &self.present {
            self.counts[value as usize] = 0;
        }
        self.present.clear();
        verdict
    }

    fn judge(&self) -> Verdict {
        let rows: u64 = self.present.iter().map(|&v| u64::from(self.counts[v as usize])).sum();
        let counts = || self.present.iter().map(|&value| f64::from(self.counts[value as usize]));
        match self.sensitive.diversity {
            // Fewer different values than asked for are not more in a part of the class.
            Some(Diversity::Distinct(l)) if self.present.len() < l as usize => {
                return Verdict::BadAndFinerToo;
            }
            Some(Diversity::Entropy(l)) if entropy(counts(), rows as f64) < l.ln() - SLACK => {
                return Verdict::Bad;
            }
            Some(Diversity::Recursive { c, l }) if !recursive(counts().collect(), c, l) => {
                return Verdict::Bad;
            }
            _ => {}
        }
        match &self.sensitive.closeness {
            Some(closeness) if self.distance(&closeness.distance, rows) > closeness.t + SLACK => {
                Verdict::Bad
            }
            _ => Verdict::Good,
        }
    }

    /// Earth mover's distance between the class and the table.
    fn distance(&self, how: &Distance, rows: u64) -> f64 {
        let surplus =
            |value: usize| f64::from(self.counts[value]) / rows as f64 - self.overall[value];
        distance((0..self.overall.len()).map(surplus).collect(), how)
    }
}

/// Earth mover's distance between two distributions, by how much the share of each value is larger in the first.
pub fn distance(surplus: Vec<f64>, how: &Distance) -> f64 {
    match how {
        Distance::Equal => surplus.iter().map(|surplus| surplus.abs()).sum::<f64>() / 2.0,
        Distance::Ordered => {
            let mut carried = 0.0;
            let moved = surplus.iter().map(|surplus| {
                carried += surplus;
                f64::abs(carried)
            });
            moved.sum::<f64>() / (surplus.len().max(2) - 1) as f64
        }
        Distance::Hierarchical(ancestors) => hierarchical(surplus, ancestors),
    }
}

/// Shannon's entropy, in nats.
fn entropy(counts: impl Iterator<Item = f64>, rows: f64) -> f64 {
    counts.map(|count| -(count / rows) * (count / rows).ln()).sum()
}

fn recursive(mut counts: Vec<f64>, c: f64, l: u32) -> bool {
    counts.sort_by(|a, b| b.total_cmp(a));
    let rest: f64 = counts.iter().skip(l as usize - 1).sum();
    counts.first().is_some_and(|most| *most < c * rest)
}

/// What is in excess under one ancestor and lacking under another must be moved between them, over the height of their
/// common ancestor. Below each ancestor, the smaller of excess and lack is moved there, and the difference goes up.
fn hierarchical(surplus: Vec<f64>, ancestors: &[Vec<u32>]) -> f64 {
    let height = ancestors.len() as f64;
    let mut moved = 0.0;
    // The surplus of each group so far, and for each value its group.
    let mut groups: Vec<f64> = surplus;
    let mut group_of: Vec<u32> = (0..groups.len() as u32).collect();
    for (level, parents) in ancestors.iter().enumerate() {
        let count = parents.iter().max().map_or(0, |most| *most as usize + 1);
        let (mut excess, mut lack) = (vec![0.0; count], vec![0.0; count]);
        let mut seen = vec![false; groups.len()];
        for (value, &parent) in parents.iter().enumerate() {
            let group = group_of[value] as usize;
            if !std::mem::replace(&mut seen[group], true) {
                let side = if groups[group] > 0.0 { &mut excess } else { &mut lack };
                side[parent as usize] += f64::abs(groups[group]);
            }
        }
        let here: f64 = excess.iter().zip(&lack).map(|(e, l)| f64::min(*e, *l)).sum();
        moved += here * (level + 1) as f64 / height;
        groups = excess.iter().zip(&lack).map(|(e, l)| e - l).collect();
        group_of.clone_from(parents);
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(sensitive: &Sensitive, rows: &[u32]) -> bool {
        let mut judge = Judge::new(sensitive);
        rows.iter().for_each(|&value| judge.add(value, 1));
        judge.verdict() == Verdict::Good
    }

    fn sensitive(distinct: usize, diversity: Option<Diversity>) -> Sensitive {
        Sensitive { values: vec![0, 1, 2], distinct, diversity, closeness: None }
    }

    #[test]
    fn diversity_is_as_its_authors_define_it() {
        let distinct = sensitive(3, Some(Diversity::Distinct(2)));
        assert!(judge(&distinct, &[0, 0, 1]) && !judge(&distinct, &[1, 1, 1]));
        let entropy = sensitive(3, Some(Diversity::Entropy(2.0)));
        assert!(judge(&entropy, &[0, 1]) && judge(&entropy, &[0, 1, 2, 2]));
        assert!(!judge(&entropy, &[0, 0, 1]));
        let recursive = sensitive(3, Some(Diversity::Recursive { c: 2.0, l: 2 }));
        assert!(judge(&recursive, &[0, 0, 0, 1, 2]) && !judge(&recursive, &[0, 0, 0, 0, 1, 2]));
        assert!(!judge(&recursive, &[0, 0]));
    }

    #[test]
    fn the_salary_example_of_the_t_closeness_paper_comes_out_as_printed() {
        // Li, Li and Venkatasubramanian 2007, section 4: salaries 3k to 11k; {3k, 4k, 5k} is 0.375 away from all nine,
        // {6k, 8k, 11k} is 0.167 away.
        let salaries = Sensitive {
            values: (0..9).collect(),
            distinct: 9,
            diversity: None,
            closeness: Some(Closeness { t: 0.0, distance: Distance::Ordered }),
        };
        for (class, expected) in [([0, 1, 2], 0.375), ([3, 5, 8], 1.0 / 6.0)] {
            let mut judge = Judge::new(&salaries);
            class.iter().for_each(|&value| judge.add(value, 1));
            assert!((judge.distance(&Distance::Ordered, 3) - expected).abs() < 1e-9);
        }
    }

    #[test]
    fn a_hierarchy_of_one_level_is_the_equal_distance_and_near_values_cost_less() {
        let surplus = vec![0.5, -0.25, 0.0, -0.25];
        let flat = hierarchical(surplus.clone(), &[vec![0, 0, 0, 0]]);
        assert!((flat - 0.5).abs() < 1e-12);
        // A quarter moves within the first pair (half the height), a quarter to the other pair.
        let tree = hierarchical(surplus, &[vec![0, 0, 1, 1], vec![0, 0, 0, 0]]);
        assert!((tree - (0.25 * 0.5 + 0.25)).abs() < 1e-12);
    }
}
