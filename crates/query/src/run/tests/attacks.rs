//! The corpus of attacks in `tests/attacks`: each question is refused by name, or one patient moves it no further than its noise hides.

use std::path::Path;

use serde::Deserialize;

use super::*;
use crate::fixture::plan_with;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attack {
    /// What the attacker is after.
    what: String,
    sql: Vec<String>,
    /// Words of the refusal of every question.
    refused: Option<String>,
    /// No patient moves the exact totals of any question by more than its sensitivity.
    #[serde(default)]
    bounded: bool,
    /// All questions are one: the second is answered with the first one's numbers.
    #[serde(default)]
    one_question: bool,
    /// A delta, for groups that are not published.
    #[serde(default)]
    delta: f64,
}

/// A database as an attacker would like it: one patient with far too many rows, extremes and what is no number among them, values that
/// nobody published, keys that differ in case and space only, and a patient described twice.
fn hostile() -> (Vec<Patient>, Vec<Observation>) {
    let mut patients: Vec<Patient> =
        ["a", "b", "c", "A", " a", "victim"].iter().map(|id| patient(id, "male")).collect();
    patients.push(patient("victim", "female"));
    patients.push(Patient { sex: Some("secret".into()), ..patient("d", "") });
    let extreme = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e308, 300.0, -20.0, 0.0];
    let mut rows: Vec<Observation> = (0..200)
        .map(|index| Observation {
            note: Some(if index == 0 { "'; DROP".into() } else { format!("note {index}") }),
            year: Some([i64::MIN, i64::MAX, 1975, 2000][index % 4]),
            wide: Some([i64::MIN, i64::MAX, -1, 0][index % 4]),
            last: Some(index.is_multiple_of(3)),
            ..observation(
                "victim",
                ["other", "8867-4", "29463-7", "unpublished"][index % 4],
                extreme[index % 8],
            )
        })
        .collect();
    rows.extend(["a", "b", "c", "A", " a"].map(|id| observation(id, "other", 100.0)));
    rows.push(Observation { patient: None, ..observation("", "other", 1.0) });
    (patients, rows)
}

fn without(id: &str) -> Tables {
    let (patients, rows) = hostile();
    let patients: Vec<_> = patients.into_iter().filter(|row| row.id != id).collect();
    let rows: Vec<_> = rows.into_iter().filter(|row| row.patient.as_deref() != Some(id)).collect();
    tables(&patients, &rows)
}

fn ask_for(sql: &str, delta: f64) -> Result<PrivatePlan, crate::Refusal> {
    plan_with(&crate::Question {
        delta: crate::Delta::from_number(delta).unwrap(),
        ..crate::Question::new(sql, crate::Epsilon::from_milli(1000))
    })
}

/// Removes each patient in turn and compares what the noise is added to.
fn is_bounded(name: &str, sql: &str, delta: f64) {
    let plan = ask_for(sql, delta).unwrap_or_else(|refusal| panic!("{name}: {sql}\n{refusal}"));
    let whole = exact(&plan, &without("nobody"));
    for id in ["a", "b", "victim", "d"] {
        let part = exact(&plan, &without(id));
        let groups: std::collections::BTreeSet<_> =
            whole.met.iter().chain(&part.met).cloned().collect();
        for (index, aggregate) in plan.release.aggregates.iter().enumerate() {
            let of = |totals: &Totals, keys: &Vec<crate::scalar::Key>| {
                let place = totals.met.iter().position(|met| met == keys);
                place.map_or(Exact::default(), |place| totals.aggregates[index][place])
            };
            let pairs: Vec<(Exact, Exact)> = match plan.release.threshold {
                None => whole.aggregates[index]
                    .iter()
                    .copied()
                    .zip(part.aggregates[index].iter().copied())
                    .collect(),
                Some(_) => groups.iter().map(|keys| (of(&whole, keys), of(&part, keys))).collect(),
            };
            let moved = |what: fn(&Exact) -> i128| {
                pairs.iter().map(|(a, b)| what(a).abs_diff(what(b))).sum::<u128>() as f64
            };
            let leaves = whole.leaves[index].iter().zip(&part.leaves[index]);
            let leaves = leaves.map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>();
            let allowed = match &aggregate.measure {
                Measure::Rows { scale } | Measure::Persons { scale } => {
                    [(moved(|one| one.count.into()), *scale)].to_vec()
                }
                Measure::Sum { scale, .. } => [(moved(|one| one.sum), *scale)].to_vec(),
                Measure::Mean { sum, count, .. } => {
                    [(moved(|one| one.sum), *sum), (moved(|one| one.count.into()), *count)].to_vec()
                }
                Measure::Variance { sum, squares, count, .. } => [
                    (moved(|one| one.sum), *sum),
                    (moved(|one| one.squares), *squares),
                    (moved(|one| one.count.into()), *count),
                ]
                .to_vec(),
                Measure::Quantile { scale, .. } => [(leaves, *scale)].to_vec(),
            };
            for (moved, scale) in allowed {
                let most = scale.sensitivity();
                assert!(moved <= most, "{name}: {id} moves {sql} by {moved}, noise hides {most}");
            }
        }
        if let Some(threshold) = plan.release.threshold {
            let persons = |totals: &Totals, keys: &Vec<crate::scalar::Key>| {
                totals
                    .met
                    .iter()
                    .position(|met| met == keys)
                    .map_or(0, |place| totals.persons[place])
            };
            let moved: u64 = groups
                .iter()
                .map(|keys| persons(&whole, keys).abs_diff(persons(&part, keys)))
                .sum();
            assert!(
                moved as f64 <= threshold.scale.sensitivity(),
                "{name}: {id} is in too many groups"
            );
        }
    }
}

#[test]
fn every_attack_is_refused_by_name_or_bounded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/attacks");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let mut count = 0;
    for path in files.iter().filter(|path| path.extension().is_some_and(|end| end == "toml")) {
        let name = path.file_stem().unwrap().to_string_lossy();
        let attack: Attack = toml::from_str(&std::fs::read_to_string(path).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!attack.what.is_empty() && !attack.sql.is_empty());
        assert!(
            attack.refused.is_some() || attack.bounded || attack.one_question,
            "{name} expects nothing"
        );
        for sql in &attack.sql {
            if let Some(words) = &attack.refused {
                let refusal = ask_for(sql, attack.delta).err();
                let text = refusal.unwrap_or_else(|| panic!("{name}: answered {sql}")).to_string();
                assert!(
                    text.to_lowercase().contains(&words.to_lowercase()),
                    "{name}: {sql}\n{text}"
                );
            }
            if attack.bounded {
                is_bounded(&name, sql, attack.delta);
            }
            count += 1;
        }
        if attack.one_question {
            let keys: std::collections::BTreeSet<_> = attack
                .sql
                .iter()
                .map(|sql| ask_for(sql, attack.delta).unwrap().question_key(b""))
                .collect();
            assert_eq!(keys.len(), 1, "{name}: these are several questions");
        }
    }
    assert!(count > 60, "{count} questions only");
}

#[test]
fn which_rows_of_a_patient_count_does_not_depend_on_the_rows_of_others() {
    // Rows of two patients, interleaved: taking one away must leave the other's first rows in place.
    let row = |patient: &str, value: f64| observation(patient, "other", value);
    let mixed: Vec<_> = (0..20)
        .map(|index| row(if index % 2 == 0 { "a" } else { "b" }, f64::from(index)))
        .collect();
    let alone: Vec<_> =
        mixed.iter().filter(|row| row.patient.as_deref() == Some("a")).cloned().collect();
    let plan = plan("SELECT SUM(value) FROM observation").unwrap();
    let sum = |rows: &[Observation]| exact(&plan, &tables(&[], rows)).aggregates[0][0].sum;
    let other: Vec<_> =
        mixed.iter().filter(|row| row.patient.as_deref() == Some("b")).cloned().collect();
    assert_eq!(sum(&mixed), sum(&alone) + sum(&other));
}
