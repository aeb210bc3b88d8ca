//! The search against the definition: every candidate tried, every class counted by comparing rows pair by pair.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use caduceus_protect::lattice::{
    Attribute, Closeness, Distance, Diversity, Level, Objective, Presence, Problem, SearchError,
    Sensitive, classify, search,
};
use proptest::prelude::*;
use support::by_definition;

/// An attribute whose levels merge what the numbers in `merges` say, ending with everything in one if `whole`.
fn attribute(leaves: Vec<u32>, values: usize, merges: &[Vec<usize>], whole: bool) -> Attribute {
    let mut of_leaf: Vec<u32> = (0..values as u32).collect();
    let mut levels = vec![level(of_leaf.clone())];
    for merge in merges {
        // Number the merged values without gaps.
        let merged: Vec<usize> =
            of_leaf.iter().map(|&value| merge[value as usize % merge.len()]).collect();
        let different: BTreeSet<usize> = merged.iter().copied().collect();
        let number = |value| different.iter().position(|known| *known == value).unwrap() as u32;
        of_leaf = merged.into_iter().map(number).collect();
        levels.push(level(of_leaf.clone()));
    }
    if whole {
        levels.push(level(vec![0; values]));
    }
    Attribute { leaves, levels }
}

fn level(of_leaf: Vec<u32>) -> Level {
    let values = of_leaf.iter().max().map_or(0, |most| *most as usize + 1);
    let covered = |value| of_leaf.iter().filter(|of| **of as usize == value).count() as u64;
    Level { cost: (0..values).map(|value| covered(value) - 1).collect(), of_leaf }
}

prop_compose! {
    fn one_attribute(rows: usize)(
        values in 1_usize..7,
    )(
        values in Just(values),
        leaves in prop::collection::vec(0..values as u32, rows),
        merges in prop::collection::vec(prop::collection::vec(0_usize..3, 1..5), 0..3),
        whole in prop::bool::weighted(0.8),
    ) -> Attribute {
        attribute(leaves, values, &merges, whole)
    }
}

fn diversity() -> impl Strategy<Value = Option<Diversity>> {
    prop_oneof![
        2 => Just(None),
        2 => (1_u32..4).prop_map(|l| Some(Diversity::Distinct(l))),
        1 => (1.0..3.0_f64).prop_map(|l| Some(Diversity::Entropy(l))),
        1 => (0.5..4.0_f64, 2_u32..4).prop_map(|(c, l)| Some(Diversity::Recursive { c, l })),
    ]
}

fn closeness() -> impl Strategy<Value = Option<Closeness>> {
    let tree = vec![vec![0, 0, 1, 1], vec![0, 0, 0, 0]];
    let distance = prop::sample::select(vec![
        Distance::Equal,
        Distance::Ordered,
        Distance::Hierarchical(tree),
    ]);
    prop_oneof![
        2 => Just(None),
        1 => (0.05..0.7_f64, distance).prop_map(|(t, distance)| Some(Closeness { t, distance })),
    ]
}

prop_compose! {
    fn sensitive(rows: usize)(
        values in prop::collection::vec(0_u32..4, rows),
        diversity in diversity(),
        closeness in closeness(),
    ) -> Sensitive {
        Sensitive { values, distinct: 4, diversity, closeness }
    }
}

fn objective(attributes: usize) -> impl Strategy<Value = Objective> {
    prop_oneof![
        3 => Just(Objective::Loss),
        1 => prop::collection::vec(1_u32..4, attributes).prop_map(Objective::Weighted),
        1 => Just(Objective::Discernibility),
        1 => Just(Objective::AverageClassSize),
    ]
}

fn problem() -> impl Strategy<Value = Problem> {
    (1_usize..40, 0_usize..40, 1_usize..4)
        .prop_flat_map(|(rows, others, attributes)| {
            (
                Just(rows),
                prop::collection::vec(one_attribute(rows + others), attributes),
                prop::collection::vec(sensitive(rows), 0..2),
                objective(attributes),
                (1_u32..6, 0.0..1.2_f64),
                prop_oneof![2 => Just(None), 1 => (0.0..0.3_f64, 0.4..1.0_f64).prop_map(Some)],
            )
        })
        .prop_map(|(rows, mut attributes, sensitive, objective, (k, share), presence)| {
            // A share below a fifth means none, above one any number.
            let suppressible = ((share - 0.2).clamp(0.0, 1.0) * rows as f64) as u64;
            for attribute in &mut attributes {
                if presence.is_none() {
                    attribute.leaves.truncate(rows);
                } else {
                    // The population contains the table.
                    let table = attribute.leaves[..rows].to_vec();
                    attribute.leaves.extend(table);
                }
            }
            let full = attributes.iter().map(|a| a.levels[0].of_leaf.len() as u64 - 1).collect();
            let presence = presence.map(|(min, max)| Presence { min, max });
            Problem {
                rows,
                attributes,
                full,
                k,
                sensitive,
                presence,
                suppressible,
                objective,
                patience: None,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn the_search_finds_what_trying_everything_finds(problem in problem()) {
        let expected = by_definition(&problem);
        let found = match search(&problem) {
            Err(SearchError::Nothing) => {
                prop_assert!(expected.is_none(), "{:?}", expected);
                return Ok(());
            }
            found => found.unwrap(),
        };
        let (score, suppressed) = expected.unwrap();
        prop_assert!((found.score - score).abs() <= 1e-9 * score.abs().max(1.0), "{} {}", found.score, score);
        prop_assert_eq!(found.suppressed, suppressed);
        prop_assert!(found.proven);

        // The classes it names are those of its levels, and who is left out is counted.
        let classes = classify(&problem, &found.levels).unwrap();
        prop_assert_eq!(classes.iter().filter(|class| class.is_none()).count() as u64, suppressed);
        let shown = |row: usize| -> Vec<u32> {
            let of = |(a, &l): (&Attribute, &usize)| a.levels[l].of_leaf[a.leaves[row] as usize];
            problem.attributes.iter().zip(&found.levels).map(of).collect()
        };
        let mut values: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (row, class) in classes.iter().enumerate() {
            if let Some(class) = class {
                let value = values.entry(*class).or_insert_with(|| shown(row));
                prop_assert_eq!(&*value, &shown(row));
            }
        }
        let different: BTreeSet<&Vec<u32>> = values.values().collect();
        prop_assert_eq!(different.len(), values.len());
    }
}

#[test]
fn a_search_without_patience_says_that_it_proved_nothing() {
    let rows = 64;
    let attributes: Vec<Attribute> = (0..3)
        .map(|n| {
            let leaves = (0..rows).map(|row| (row * (n + 3) / 2 % 6) as u32).collect();
            attribute(leaves, 6, &[vec![0, 0, 1, 1, 2, 2], vec![0, 0, 1]], true)
        })
        .collect();
    let problem = Problem {
        rows,
        full: vec![5; 3],
        attributes,
        k: 4,
        sensitive: Vec::new(),
        presence: None,
        suppressible: 20,
        objective: Objective::Loss,
        patience: Some(4),
    };
    let hasty = search(&problem).unwrap();
    let whole = search(&Problem { patience: None, ..problem }).unwrap();
    assert!(!hasty.proven && whole.proven && whole.score <= hasty.score);
    assert_eq!((hasty.counted, whole.candidates), (4, 64));
}

#[test]
fn cells_of_several_words_find_the_same_optimum() {
    // Nine attributes with 2^10 leaves each need 90 bits; the same table with few leaves needs one word.
    let rows = 300;
    let draw = |n: usize, row: usize| ((row * row * (n + 7) + row * 13) / 5 % 4) as u32;
    let build = |leaves: usize| {
        let attributes: Vec<Attribute> = (0..9)
            .map(|n| {
                let column = (0..rows).map(|row| draw(n, row)).collect();
                let identity = (0..leaves as u32).collect();
                let halves = (0..leaves as u32).map(|leaf| leaf.min(3) / 2).collect();
                let level = |of_leaf: Vec<u32>, cost: u64| {
                    let values = of_leaf.iter().max().unwrap() + 1;
                    Level { of_leaf, cost: vec![cost; values as usize] }
                };
                let levels = vec![level(identity, 0), level(halves, 1), level(vec![0; leaves], 3)];
                Attribute { leaves: column, levels }
            })
            .collect();
        Problem {
            rows,
            attributes,
            full: vec![3; 9],
            k: 5,
            sensitive: Vec::new(),
            presence: None,
            suppressible: 30,
            objective: Objective::Loss,
            patience: None,
        }
    };
    let (narrow, wide) = (search(&build(4)).unwrap(), search(&build(1024)).unwrap());
    assert_eq!((narrow.levels, narrow.score), (wide.levels, wide.score));
}
