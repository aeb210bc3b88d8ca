//! The definitions of the privacy models and of the objectives, written down as plainly as possible and sharing nothing
//! with the code under test.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses a part of this")]

use std::collections::BTreeMap;

use caduceus_protect::lattice::{Attribute, Distance, Diversity, Objective, Problem, Sensitive};

/// The best score there is and the fewest suppressed rows with it; `None` if nothing is allowed.
pub fn by_definition(problem: &Problem) -> Option<(f64, u64)> {
    let mut best: Option<(f64, u64)> = None;
    for levels in candidates(problem) {
        let Some((score, suppressed)) = judge(problem, &levels) else { continue };
        let better = best.is_none_or(|(known, out)| {
            score < known - 1e-12 * known.abs()
                || (score <= known + 1e-12 * known.abs() && suppressed < out)
        });
        if suppressed <= problem.suppressible && better {
            best = Some((score, suppressed));
        }
    }
    best
}

/// Every combination of levels.
pub fn candidates(problem: &Problem) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for attribute in &problem.attributes {
        let longer = |levels: &Vec<usize>| {
            let levels = levels.clone();
            (0..attribute.levels.len()).map(move |l| levels.iter().copied().chain([l]).collect())
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// Score and suppressed rows of one candidate; `None` if suppression cannot repair it.
pub fn judge(problem: &Problem, levels: &[usize]) -> Option<(f64, u64)> {
    let shown = |row: usize| -> Vec<u32> {
        let of = |(a, &l): (&Attribute, &usize)| a.levels[l].of_leaf[a.leaves[row] as usize];
        problem.attributes.iter().zip(levels).map(of).collect()
    };
    let everybody = problem.attributes.first().map_or(problem.rows, |a| a.leaves.len());
    let mut classes: BTreeMap<Vec<u32>, (Vec<usize>, u32)> = BTreeMap::new();
    for row in 0..everybody {
        let class = classes.entry(shown(row)).or_default();
        if row < problem.rows { class.0.push(row) } else { class.1 += 1 }
    }
    let mut suppressed = 0;
    let mut kept = Vec::new();
    for (rows, population) in classes.values() {
        if let Some(presence) = problem.presence {
            if rows.is_empty() && presence.min > 0.0 {
                return None;
            }
            let share = rows.len() as f64 / f64::from(*population);
            if share < presence.min - 1e-9 || share > presence.max + 1e-9 {
                suppressed += rows.len();
                continue;
            }
        }
        let good = problem.sensitive.iter().all(|sensitive| meets(sensitive, rows));
        if rows.len() < problem.k as usize || !good {
            suppressed += rows.len();
        } else if !rows.is_empty() {
            kept.push(rows.clone());
        }
    }
    Some((score(problem, levels, &kept, suppressed), suppressed as u64))
}

/// Whether a class has the diversity and closeness that are asked for.
pub fn meets(sensitive: &Sensitive, rows: &[usize]) -> bool {
    if rows.is_empty() {
        return true;
    }
    let values: Vec<u32> = rows.iter().map(|&row| sensitive.values[row]).collect();
    let diverse = sensitive.diversity.is_none_or(|diversity| diverse(&values, diversity));
    let close = sensitive.closeness.as_ref().is_none_or(|closeness| {
        distance(&values, &sensitive.values, sensitive.distinct, &closeness.distance)
            <= closeness.t + 1e-9
    });
    diverse && close
}

fn diverse(values: &[u32], diversity: Diversity) -> bool {
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    values.iter().for_each(|value| *counts.entry(*value).or_default() += 1);
    let mut counts: Vec<f64> = counts.into_values().map(f64::from).collect();
    counts.sort_by(|a, b| b.total_cmp(a));
    match diversity {
        Diversity::Distinct(l) => counts.len() >= l as usize,
        Diversity::Entropy(l) => {
            let share = |count: &f64| count / values.len() as f64;
            let entropy: f64 = counts.iter().map(|c| -share(c) * share(c).log2()).sum();
            entropy >= l.log2() - 1e-8
        }
        Diversity::Recursive { c, l } => {
            counts[0] < c * counts.iter().skip(l as usize - 1).sum::<f64>()
        }
    }
}

/// The earth mover's distance between two lists of values, by its closed forms.
pub fn distance(part: &[u32], whole: &[u32], distinct: usize, distance: &Distance) -> f64 {
    let share = |list: &[u32], value: usize| {
        list.iter().filter(|v| **v as usize == value).count() as f64 / list.len() as f64
    };
    let more: Vec<f64> = (0..distinct).map(|v| share(part, v) - share(whole, v)).collect();
    match distance {
        Distance::Equal => more.iter().filter(|m| **m > 0.0).sum(),
        Distance::Ordered => {
            let until = |value: usize| more[..=value].iter().sum::<f64>().abs();
            (0..distinct).map(until).sum::<f64>() / (distinct - 1) as f64
        }
        // What leaves or enters each group goes through its parent: half of all these ways, each one step of the height.
        Distance::Hierarchical(ancestors) => {
            let leaves: Vec<u32> = (0..distinct as u32).collect();
            let levels = std::iter::once(&leaves).chain(&ancestors[..ancestors.len() - 1]);
            let steps = levels.map(|groups| {
                let groups_there: std::collections::BTreeSet<u32> =
                    groups.iter().copied().collect();
                let of = |group: u32| {
                    (0..distinct)
                        .filter(|v| groups[*v] == group)
                        .map(|v| more[v])
                        .sum::<f64>()
                        .abs()
                };
                groups_there.into_iter().map(of).sum::<f64>() / 2.0
            });
            steps.sum::<f64>() / ancestors.len() as f64
        }
    }
}

fn score(problem: &Problem, levels: &[usize], kept: &[Vec<usize>], suppressed: usize) -> f64 {
    let rows = problem.rows as f64;
    let shares = || {
        problem.attributes.iter().zip(levels).zip(&problem.full).map(|((a, &l), &full)| {
            let lost = |row: &usize| {
                a.levels[l].cost[a.levels[l].of_leaf[a.leaves[*row] as usize] as usize] as f64
                    / full as f64
            };
            let stay: f64 = kept.iter().flatten().map(lost).sum();
            if full == 0 { 0.0 } else { (stay + suppressed as f64) / rows }
        })
    };
    match &problem.objective {
        Objective::Loss => {
            shares().map(|x| 1.0 + x).product::<f64>().powf(1.0 / levels.len() as f64) - 1.0
        }
        Objective::Weighted(weights) => {
            let weighed = weights.iter().zip(shares()).map(|(w, x)| f64::from(*w) * x);
            weighed.sum::<f64>() / f64::from(weights.iter().sum::<u32>())
        }
        Objective::Discernibility => {
            let squares: f64 = kept.iter().map(|class| (class.len() as f64).powi(2)).sum();
            squares + suppressed as f64 * rows
        }
        Objective::AverageClassSize if kept.is_empty() => rows,
        Objective::AverageClassSize => (rows - suppressed as f64) / kept.len() as f64,
    }
}
