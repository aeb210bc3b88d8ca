//! k-anonymity by full-domain generalization with suppression: which level of every quasi-identifier, and whom to leave out.
//!
//! The candidates are all combinations of levels. A combination is allowed if the patients in classes smaller than k are
//! no more than may be suppressed; among the allowed ones the search takes the one that loses least. It is exact: it
//! walks the combinations in the order of what they lose at least, counts the classes of each, and stops when no other
//! can be better. A few dozen combinations are usual, so that nothing cleverer is needed.

use std::collections::HashMap;
use std::hash::Hash;

/// One quasi-identifier of every patient, at every level of its hierarchy.
pub struct QuasiIdentifier {
    /// How much losing this one hurts, relative to the others.
    pub weight: u32,
    /// Level by level from the finest; a higher level merges values and never splits any.
    pub levels: Vec<Level>,
}

/// One level of one quasi-identifier.
pub struct Level {
    /// The value of every patient, numbered.
    pub values: Vec<u32>,
    /// What a value at this level hides, in parts per million; grows with the level.
    pub loss: u32,
}

/// The best generalization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solution {
    /// The level of each quasi-identifier, in the order given.
    pub levels: Vec<usize>,
    /// For each patient, whether they stay.
    pub kept: Vec<bool>,
    /// Weighted loss over all patients and quasi-identifiers, in parts per million of one value; a suppressed patient
    /// loses everything.
    pub loss: u128,
}

/// Finds the levels that lose least while at most `suppressible` of the `patients` are in classes smaller than `k`.
///
/// Equal losses are decided for fewer suppressed patients, then for the lower levels of the first quasi-identifiers.
/// `None` if no combination is allowed; one that hides everything always is when there are at least k patients.
pub fn search(
    patients: usize,
    identifiers: &[QuasiIdentifier],
    k: u32,
    suppressible: u64,
) -> Option<Solution> {
    let everything = everything(identifiers);
    let mut candidates: Vec<(u128, Vec<usize>)> = combinations(identifiers)
        .into_iter()
        .map(|levels| (per_patient(identifiers, &levels) * patients as u128, levels))
        .collect();
    candidates.sort();
    let people = distinct(patients, identifiers);
    let mut best: Option<(u128, u64, Vec<usize>)> = None;
    for (at_least, levels) in candidates {
        if best.as_ref().is_some_and(|(loss, ..)| at_least > *loss) {
            break;
        }
        let suppressed = suppressed(&people, identifiers, &levels, k);
        if suppressed > suppressible {
            continue;
        }
        let kept = patients as u128 - u128::from(suppressed);
        let loss = kept * per_patient(identifiers, &levels) + u128::from(suppressed) * everything;
        let found = (loss, suppressed, levels);
        if best.as_ref().is_none_or(|known| found < *known) {
            best = Some(found);
        }
    }
    best.map(|(loss, _, levels)| Solution {
        kept: kept(patients, identifiers, &levels, k),
        levels,
        loss,
    })
}

/// Size of the smallest class of rows that agree in all given columns, 0 if there are no rows. It shares nothing with
/// [`search`], so that it can check what the search found.
pub fn smallest_class<T: Eq + Hash>(columns: &[Vec<T>]) -> u32 {
    let rows = columns.first().map_or(0, Vec::len);
    let mut classes: HashMap<Vec<&T>, u32> = HashMap::new();
    for row in 0..rows {
        *classes.entry(columns.iter().map(|column| &column[row]).collect()).or_default() += 1;
    }
    classes.into_values().min().unwrap_or(0)
}

/// Distinct l-diversity (Machanavajjhala and others 2007): the fewest different sensitive values of any class. `class`
/// names the class of each person, `values` lists (person, value).
pub fn fewest_values<C: Eq + Hash, V: Eq + Hash>(class: &[C], values: &[(usize, V)]) -> u32 {
    let mut seen: HashMap<&C, std::collections::HashSet<&V>> =
        class.iter().map(|class| (class, Default::default())).collect();
    for (person, value) in values {
        if let Some(of_class) = class.get(*person).and_then(|class| seen.get_mut(class)) {
            of_class.insert(value);
        }
    }
    seen.values().map(|values| u32::try_from(values.len()).unwrap_or(u32::MAX)).min().unwrap_or(0)
}

/// What one patient loses at these levels.
fn per_patient(identifiers: &[QuasiIdentifier], levels: &[usize]) -> u128 {
    let losses = identifiers.iter().zip(levels);
    losses.map(|(qi, &level)| u128::from(qi.weight) * u128::from(qi.levels[level].loss)).sum()
}

/// What one suppressed patient loses, in the same unit.
pub(crate) fn everything(identifiers: &[QuasiIdentifier]) -> u128 {
    identifiers.iter().map(|qi| u128::from(qi.weight) * 1_000_000).sum()
}

fn combinations(identifiers: &[QuasiIdentifier]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for qi in identifiers {
        all = all
            .iter()
            .flat_map(|levels| {
                (0..qi.levels.len()).map(|level| levels.iter().copied().chain([level]).collect())
            })
            .collect();
    }
    all
}

/// Patients that cannot be told apart even at the finest levels: one of them, and how many they are.
fn distinct(patients: usize, identifiers: &[QuasiIdentifier]) -> Vec<(usize, u64)> {
    let mut people: HashMap<Vec<u32>, (usize, u64)> = HashMap::new();
    for patient in 0..patients {
        let finest = identifiers.iter().map(|qi| qi.levels[0].values[patient]).collect();
        people.entry(finest).or_insert((patient, 0)).1 += 1;
    }
    people.into_values().collect()
}

fn class(identifiers: &[QuasiIdentifier], levels: &[usize], patient: usize) -> Vec<u32> {
    identifiers.iter().zip(levels).map(|(qi, &level)| qi.levels[level].values[patient]).collect()
}

fn suppressed(
    people: &[(usize, u64)],
    identifiers: &[QuasiIdentifier],
    levels: &[usize],
    k: u32,
) -> u64 {
    let mut classes: HashMap<Vec<u32>, u64> = HashMap::new();
    for &(patient, alike) in people {
        *classes.entry(class(identifiers, levels, patient)).or_default() += alike;
    }
    classes.into_values().filter(|&size| size < u64::from(k)).sum()
}

fn kept(patients: usize, identifiers: &[QuasiIdentifier], levels: &[usize], k: u32) -> Vec<bool> {
    let mut classes: HashMap<Vec<u32>, u64> = HashMap::new();
    for patient in 0..patients {
        *classes.entry(class(identifiers, levels, patient)).or_default() += 1;
    }
    (0..patients)
        .map(|patient| classes[&class(identifiers, levels, patient)] >= u64::from(k))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    /// Numbers that are halved per level, as a hierarchy whose levels merge pairs, with everything merged at the top.
    fn identifier(leaves: &[u32], depth: u32, weight: u32) -> QuasiIdentifier {
        let level = |n: u32| Level {
            values: leaves.iter().map(|leaf| if n == depth { 0 } else { leaf >> n }).collect(),
            loss: 1_000_000 * n / depth,
        };
        QuasiIdentifier { weight, levels: (0..=depth).map(level).collect() }
    }

    /// The definition, computed in the plainest way: try everything, count classes by comparing rows pair by pair.
    fn by_definition(
        rows: usize,
        qis: &[QuasiIdentifier],
        k: u32,
        suppressible: u64,
    ) -> Option<(u128, u64)> {
        let mut best = None;
        for levels in combinations(qis) {
            let same = |a: usize, b: usize| class(qis, &levels, a) == class(qis, &levels, b);
            let small = (0..rows)
                .filter(|&a| (0..rows).filter(|&b| same(a, b)).count() < k as usize)
                .count();
            let lost: u128 =
                (0..rows as u128 - small as u128).map(|_| per_patient(qis, &levels)).sum();
            let found = (lost + small as u128 * everything(qis), small as u64);
            if small as u64 <= suppressible && best.is_none_or(|known| found < known) {
                best = Some(found);
            }
        }
        best
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn the_search_finds_the_optimum_and_its_classes_are_large_enough(
            rows in prop::collection::vec((0_u32..8, 0_u32..4, 0_u32..16), 1..60),
            k in 2_u32..8,
            share in 0_u64..40,
        ) {
            let qis = [
                identifier(&rows.iter().map(|row| row.0).collect::<Vec<_>>(), 3, 1),
                identifier(&rows.iter().map(|row| row.1).collect::<Vec<_>>(), 2, 3),
                identifier(&rows.iter().map(|row| row.2).collect::<Vec<_>>(), 4, 2),
            ];
            let suppressible = rows.len() as u64 * share / 100;
            let solution = search(rows.len(), &qis, k, suppressible);
            let expected = by_definition(rows.len(), &qis, k, suppressible);
            prop_assert_eq!(solution.as_ref().map(|s| s.loss), expected.map(|(loss, _)| loss));
            let Some(solution) = solution else {
                prop_assert!(rows.len() < k as usize);
                return Ok(());
            };
            let out = solution.kept.iter().filter(|kept| !**kept).count() as u64;
            prop_assert_eq!(out, expected.unwrap().1);
            let columns: Vec<Vec<u32>> = qis.iter().zip(&solution.levels).map(|(qi, &level)| {
                let values = qi.levels[level].values.iter().zip(&solution.kept);
                values.filter(|(_, kept)| **kept).map(|(value, _)| *value).collect()
            }).collect();
            prop_assert!(columns[0].is_empty() || smallest_class(&columns) >= k);
        }
    }

    #[test]
    fn the_smallest_class_is_counted() {
        assert_eq!(smallest_class(&[vec![1, 1, 2, 1, 2], vec![5, 5, 5, 5, 5]]), 2);
        assert_eq!(smallest_class(&[vec![1, 1, 2, 1, 2], vec![5, 6, 5, 5, 5]]), 1);
        assert_eq!(smallest_class::<u32>(&[vec![]]), 0);
    }

    #[test]
    fn a_class_without_any_sensitive_value_has_diversity_zero() {
        let class = ["a", "a", "b", "b"];
        assert_eq!(fewest_values(&class, &[(0, 1), (1, 2), (2, 1), (3, 1)]), 1);
        assert_eq!(fewest_values(&class, &[(0, 1), (1, 2)]), 0);
    }
}
