//! What a release really reaches, counted from its own rows.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::ReleaseError;
use super::prepare::{Prepared, sizes};
use crate::lattice::{Distance, Diversity, distance};
use crate::risk::classes;
use crate::table::Table;
use crate::table_policy::TablePolicy;

/// What holds of one sensitive column in every class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SensitiveReached {
    /// Fewest different values: distinct l-diversity.
    pub distinct: u64,
    /// Fewest equally frequent values with the entropy of a class: entropy l-diversity.
    pub entropy: f64,
    /// Largest share of the most frequent value, what is learnt about somebody by guessing it.
    pub most_frequent: f64,
    /// Largest distance from the values of the whole table, by the policy's distance (equal if it names none).
    pub distance: f64,
}

/// What holds of a release.
pub(super) struct Reached {
    /// Persons of the smallest class.
    pub(super) k: u64,
    /// Persons of all classes, where some have several rows.
    pub(super) persons: Option<u64>,
    pub(super) classes: u64,
    pub(super) sizes: BTreeMap<u64, u64>,
    pub(super) sensitive: BTreeMap<String, SensitiveReached>,
    pub(super) delta: Option<(f64, f64)>,
}

impl Reached {
    /// Of released rows, which come from the rows `origin` of the prepared table.
    pub(super) fn of(
        released: &Table,
        origin: &[u32],
        prepared: &Prepared<'_>,
        population: Option<&[(u64, u64)]>,
    ) -> Reached {
        let quasi = prepared.quasi.iter().filter_map(|quasi| released.column(&quasi.column.name));
        let columns: Vec<&[u32]> = quasi.map(|column| column.codes.as_slice()).collect();
        let class = classes(&columns, released.rows());
        let count = class.iter().max().map_or(0, |most| *most as usize + 1);
        let sizes = sizes(&class);
        let mut sensitive = BTreeMap::new();
        for (original, model) in &prepared.sensitive {
            let Some(column) = released.column(&original.name) else { continue };
            let mut counts = vec![BTreeMap::<u32, u64>::new(); count];
            let number: Vec<u32> =
                renumbered(original.values.len(), &original.codes, &model.values);
            for (&class, &code) in class.iter().zip(&column.codes) {
                *counts[class as usize].entry(number[code as usize]).or_default() += 1;
            }
            let how = model.closeness.as_ref().map_or(&Distance::Equal, |c| &c.distance);
            sensitive.insert(original.name.clone(), reached(&counts, &model.values, how));
        }
        let delta = population.map(|sizes| {
            let shares = sizes.iter().map(|(table, all)| *table as f64 / (*all).max(1) as f64);
            shares.fold((1.0, 0.0), |(low, high), share| (share.min(low), share.max(high)))
        });
        let k = match &prepared.persons {
            None => sizes.keys().next().copied().unwrap_or(0),
            Some(persons) => {
                let mut found = vec![BTreeSet::new(); count];
                for (&class, &row) in class.iter().zip(origin) {
                    found[class as usize].insert(persons[row as usize]);
                }
                found.iter().map(|persons| persons.len() as u64).min().unwrap_or(0)
            }
        };
        let persons = prepared.persons.as_ref().map(|persons| {
            origin.iter().map(|&row| persons[row as usize]).collect::<BTreeSet<u32>>().len() as u64
        });
        Reached { k, persons, classes: count as u64, sizes, sensitive, delta }
    }

    /// Compares with what was asked for.
    pub(super) fn check(&self, released: &Table, policy: &TablePolicy) -> Result<(), ReleaseError> {
        if released.rows() == 0 {
            return Ok(());
        }
        if self.k < u64::from(policy.k) {
            return Err(ReleaseError::Broken("k"));
        }
        for (name, reached) in &self.sensitive {
            let rule = policy.columns.get(name);
            let diverse = match rule.and_then(|rule| rule.diversity) {
                Some(Diversity::Distinct(l)) => reached.distinct >= u64::from(l),
                Some(Diversity::Entropy(l)) => reached.entropy >= l - 1e-6,
                // With l = 2 it bounds the most frequent value by c times the others.
                Some(Diversity::Recursive { c, .. }) => {
                    reached.most_frequent <= c * (1.0 - reached.most_frequent) + 1e-9
                }
                None => true,
            };
            let close = rule.and_then(|rule| rule.closeness);
            if !diverse {
                return Err(ReleaseError::Broken("l"));
            }
            if close.is_some_and(|close| reached.distance > close.t + 1e-6) {
                return Err(ReleaseError::Broken("t"));
            }
        }
        let bounds = policy.delta.as_ref().zip(self.delta);
        match bounds {
            Some((delta, (low, high)))
                if low < delta.presence.min - 1e-6 || high > delta.presence.max + 1e-6 =>
            {
                Err(ReleaseError::Broken("delta"))
            }
            _ => Ok(()),
        }
    }
}

/// The model's number of each value of the column.
fn renumbered(values: usize, codes: &[u32], numbers: &[u32]) -> Vec<u32> {
    let mut number = vec![0; values];
    codes.iter().zip(numbers).for_each(|(&code, &value)| number[code as usize] = value);
    number
}

fn reached(classes: &[BTreeMap<u32, u64>], overall: &[u32], how: &Distance) -> SensitiveReached {
    let mut reached = SensitiveReached {
        distinct: u64::MAX,
        entropy: f64::INFINITY,
        most_frequent: 0.0,
        distance: 0.0,
    };
    let distinct = overall.iter().max().map_or(0, |most| *most as usize + 1);
    let mut shares = vec![0.0; distinct];
    overall.iter().for_each(|&value| shares[value as usize] += 1.0 / overall.len() as f64);
    for class in classes {
        let rows = class.values().sum::<u64>() as f64;
        let share = |count: &u64| *count as f64 / rows;
        let entropy: f64 = class.values().map(|count| -share(count) * share(count).ln()).sum();
        let most = class.values().map(share).fold(0.0, f64::max);
        let surplus = (0..distinct)
            .map(|value| class.get(&(value as u32)).map_or(0.0, share) - shares[value])
            .collect();
        reached.distinct = reached.distinct.min(class.len() as u64);
        reached.entropy = reached.entropy.min(entropy.exp());
        reached.most_frequent = reached.most_frequent.max(most);
        reached.distance = reached.distance.max(distance(surplus, how));
    }
    if classes.is_empty() {
        (reached.distinct, reached.entropy) = (0, 0.0);
    }
    reached
}
