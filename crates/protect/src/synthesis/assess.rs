//! What a synthetic table is good for, and whether it gives anybody away. Both look at the source, so that their numbers
//! are for the custodian and not for publication.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde::Serialize;

use super::{Budget, Coded, Outside, Synthesis, SynthesisError, synthesize, tree};

/// People attacked from each side.
const TARGETS: usize = 500;
/// Synthetic rows that the attacker compares with.
const COMPARED: usize = 5_000;

/// How far the synthetic table is from its source: total variation distances, 0 (equal) to 1.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Utility {
    /// Of each column. A row whose value the policy's domain does not hold is like no synthetic one.
    pub columns: BTreeMap<String, f64>,
    /// Of the pairs of columns, on average.
    pub pairs_mean: f64,
    /// Of the worst pair.
    pub pairs_worst: f64,
    /// What independent columns would have on average over the pairs, to compare with.
    pub pairs_mean_if_independent: f64,
    /// Of each column that has values which the policy's domain does not hold, how many; none of them can be in the
    /// synthetic table.
    pub outside: BTreeMap<String, Outside>,
}

/// Compares a synthetic table with its source.
pub fn utility(source: &Coded<'_>, made: &Synthesis) -> Utility {
    let told = source.outside();
    let source = &source.with_outside();
    let synthetic = Coded { columns: made.codes.clone(), ..source.clone() };
    let names = source.policy.columns.iter().map(|(name, _)| name.clone()).enumerate();
    let columns =
        names.map(|(c, name)| (name, variation(&source.count(c), &synthetic.count(c)))).collect();
    let (mut sum, mut worst, mut independent, mut count) = (0.0, 0.0, 0.0, 0.0);
    for pair in tree::pairs(source.columns.len()) {
        let truth = source.count_pair(pair);
        let distance = variation(&truth, &synthetic.count_pair(pair));
        let (a, b) = (source.count(pair.0), source.count(pair.1));
        let rows = source.rows() as f64;
        let product = a.iter().flat_map(|x| b.iter().map(move |y| *x as f64 * *y as f64 / rows));
        let alone = truth.iter().zip(product).map(|(t, p)| (*t as f64 - p).abs()).sum::<f64>();
        independent += alone / (2.0 * rows);
        sum += distance;
        worst = f64::max(worst, distance);
        count += 1.0;
    }
    let count = f64::max(count, 1.0);
    Utility {
        columns,
        pairs_mean: sum / count,
        pairs_worst: worst,
        pairs_mean_if_independent: independent / count,
        outside: told,
    }
}

/// Half the L1 distance of two distributions.
fn variation(a: &[u64], b: &[u64]) -> f64 {
    let (all_a, all_b) = (a.iter().sum::<u64>().max(1) as f64, b.iter().sum::<u64>().max(1) as f64);
    a.iter().zip(b).map(|(a, b)| (*a as f64 / all_a - *b as f64 / all_b).abs()).sum::<f64>() / 2.0
}

/// The result of a membership inference attack that was run: half of the source was synthesized with the same budget, and
/// the attacker guessed of members and others who was in, by how near the nearest synthetic row is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Attack {
    /// People attacked, half of them members.
    pub targets: u64,
    /// The chance that a member looks more like one than somebody else does: 0.5 is guessing, 1 is certainty.
    pub auc: f64,
    /// The best difference between members and others who are called members, over all thresholds.
    pub advantage: f64,
    /// What no attacker can exceed by the budget: (e^epsilon - 1 + 2 delta) / (e^epsilon + 1).
    pub bound: f64,
    /// The same attack on the source itself, to show what the attacker can do.
    pub auc_on_source: f64,
}

/// Runs the attack.
///
/// # Errors
/// As [`synthesize`].
pub fn attack(
    source: &Coded<'_>,
    budget: Budget,
    seed: [u8; 32],
) -> Result<Attack, SynthesisError> {
    let mut random = ChaCha20Rng::from_seed(seed);
    let mut order: Vec<usize> = (0..source.rows()).collect();
    order.shuffle(&mut random);
    let (members, others) = order.split_at(order.len() / 2);
    let inside = rows(source, members);
    let made = synthesize(&inside, budget, random.random())?;
    let count = TARGETS.min(members.len());
    let targets: Vec<(bool, usize)> = members[..count]
        .iter()
        .map(|&row| (true, row))
        .chain(others[..count].iter().map(|&row| (false, row)))
        .collect();
    let near = |columns: &[Vec<u32>], most: usize| -> Vec<(bool, u64)> {
        targets
            .iter()
            .map(|&(member, row)| (member, nearness(source, row, columns, most)))
            .collect()
    };
    let scores = near(&made.codes, COMPARED);
    let raw = near(&inside.columns, usize::MAX);
    let likely = budget.epsilon.exp();
    Ok(Attack {
        targets: targets.len() as u64,
        auc: auc(&scores),
        advantage: advantage(&scores),
        bound: ((likely - 1.0 + 2.0 * budget.delta) / (likely + 1.0)).min(1.0),
        auc_on_source: auc(&raw),
    })
}

fn rows<'p>(source: &Coded<'p>, rows: &[usize]) -> Coded<'p> {
    let of = |column: &Vec<u32>| rows.iter().map(|&row| column[row]).collect();
    // What is outside is missing here: the attack compares with what can be made.
    let outside = vec![Vec::new(); source.columns.len()];
    Coded { columns: source.columns.iter().map(of).collect(), outside, ..source.clone() }
}

/// In how many columns the most similar row agrees, then how many rows agree in so many.
fn nearness(source: &Coded<'_>, row: usize, columns: &[Vec<u32>], most: usize) -> u64 {
    let own: Vec<u32> = source.columns.iter().map(|column| column[row]).collect();
    let (mut best, mut rows) = (0_u64, 0_u64);
    for other in 0..columns[0].len().min(most) {
        let agree =
            own.iter().zip(columns).filter(|(own, column)| **own == column[other]).count() as u64;
        match agree.cmp(&best) {
            std::cmp::Ordering::Greater => (best, rows) = (agree, 1),
            std::cmp::Ordering::Equal => rows += 1,
            std::cmp::Ordering::Less => {}
        }
    }
    (best << 32) | rows.min(u64::from(u32::MAX))
}

/// Mann and Whitney's statistic over all pairs; a tie is half.
fn auc(scores: &[(bool, u64)]) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_by_key(|(_, score)| *score);
    let (mut wins, mut below, mut members) = (0.0, 0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.1 == b.1) {
        let inside = tied.iter().filter(|(member, _)| *member).count() as f64;
        let outside = tied.len() as f64 - inside;
        wins += inside * (below + outside / 2.0);
        below += outside;
        members += inside;
    }
    wins / f64::max(members * below, 1.0)
}

fn advantage(scores: &[(bool, u64)]) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_by_key(|(_, score)| std::cmp::Reverse(*score));
    let all = sorted.iter().filter(|(member, _)| *member).count() as f64;
    let rest = sorted.len() as f64 - all;
    let (mut inside, mut outside, mut best) = (0.0, 0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.1 == b.1) {
        inside += tied.iter().filter(|(member, _)| *member).count() as f64;
        outside += tied.iter().filter(|(member, _)| !*member).count() as f64;
        best = f64::max(best, inside / all.max(1.0) - outside / rest.max(1.0));
    }
    best
}
