//! Measures privacy from outside: two databases that differ by one patient, hundreds of thousands of answers from each, and the
//! largest epsilon that the difference between them proves. It must stay below the claimed one. A mechanism with half the noise, or
//! one that forgets a bound, is found out by the same measurement.

use crate::{
    Delta, Epsilon, Mechanism, Question, SeededNoise, fixture::plan_with, noise::BrokenNoise,
    run::release::add_noise,
};

use super::*;

const ANSWERS: usize = 100_000;

/// How many standard errors away from what was seen the truth may be: beyond with probability below 1e-6.
const CARE: f64 = 5.0;

/// The first number of each answer, sorted; what is not shown is far below all others.
fn answers(plan: &PrivatePlan, totals: &Totals, noise: &mut dyn NoiseSource) -> Vec<f64> {
    let mut found: Vec<f64> = (0..ANSWERS)
        .map(|_| {
            let release = add_noise(&plan.release, totals, noise).unwrap();
            match release.numbers.first().map(|numbers| &numbers[0].value) {
                Some(AnswerValue::Integer(number)) => *number as f64,
                Some(AnswerValue::Decimal(number)) => *number,
                _ => f64::MIN,
            }
        })
        .collect();
    found.sort_by(f64::total_cmp);
    found
}

/// The largest epsilon that is proven at this delta: ln((P(event) - delta) / P'(event)) over all events "at least t" and "at most t",
/// both ways, each probability moved against us by [`CARE`] standard errors.
fn proven_epsilon(one: &[f64], other: &[f64], delta: f64) -> f64 {
    let mut values: Vec<f64> = one.iter().chain(other).copied().collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let step = (values.len() / 400).max(1);
    let below =
        |draws: &[f64], t: f64| draws.partition_point(|draw| *draw < t) as f64 / ANSWERS as f64;
    let error = |p: f64| CARE * (p * (1.0 - p) / ANSWERS as f64).sqrt() + 10.0 / ANSWERS as f64;
    let proven = |p: f64, q: f64| ((p - error(p) - delta).max(1e-300) / (q + error(q))).ln();
    let events = values.iter().step_by(step).flat_map(|t| {
        let (p, q) = (below(one, *t), below(other, *t));
        [proven(p, q), proven(q, p), proven(1.0 - p, 1.0 - q), proven(1.0 - q, 1.0 - p)]
    });
    events.fold(0.0, f64::max)
}

/// Databases with and without a patient whose every row pulls in one direction.
fn neighbours() -> (Tables, Tables) {
    let row = |patient: &str, code: &str, value: f64| observation(patient, code, value);
    let others: Vec<Observation> =
        (0..20).map(|index| row(&format!("p{index}"), "other", 140.0)).collect();
    let victim = |index: usize| {
        row("victim", if index.is_multiple_of(2) { "8867-4" } else { "other" }, 300.0)
    };
    let all: Vec<Observation> = others.iter().cloned().chain((0..30).map(victim)).collect();
    let people = |rows: &[Observation]| {
        let ids: std::collections::BTreeSet<_> =
            rows.iter().filter_map(|row| row.patient.clone()).collect();
        ids.iter().map(|id| patient(id, "male")).collect::<Vec<_>>()
    };
    (tables(&people(&all), &all), tables(&people(&others), &others))
}

fn planned(sql: &str, mechanism: Mechanism, delta: f64) -> PrivatePlan {
    let question = Question::new(sql, Epsilon::from_milli(1000));
    let delta = Delta::from_number(delta).unwrap();
    plan_with(&Question { mechanism: Some(mechanism), delta, ..question }).unwrap()
}

/// The proven epsilon of a plan, with good noise and with half of it.
fn measured(plan: &PrivatePlan, delta: f64) -> (f64, f64) {
    let (with, without) = neighbours();
    let (with, without) = (exact(plan, &with), exact(plan, &without));
    let good = |seed| answers(plan, &with, &mut SeededNoise::new(seed));
    let bad =
        |totals: &Totals, seed| answers(plan, totals, &mut BrokenNoise(SeededNoise::new(seed)));
    let fair = answers(plan, &without, &mut SeededNoise::new(2));
    (
        proven_epsilon(&good(1), &fair, delta),
        proven_epsilon(&bad(&with, 3), &bad(&without, 4), delta),
    )
}

#[test]
fn the_epsilon_that_answers_prove_is_never_above_the_claimed_one() {
    for (sql, tight) in [
        ("SELECT COUNT(*) FROM patient", true),
        ("SELECT COUNT(*) FROM observation", true),
        ("SELECT COUNT(DISTINCT patient) FROM observation", true),
        ("SELECT SUM(value) FROM observation", true),
        ("SELECT AVG(value) FROM observation", false),
        ("SELECT MEDIAN(clamp(CAST(value AS INT) / 100, 1, 3)) FROM observation", false),
        (
            "SELECT SUM(n) FROM (SELECT patient, COUNT(*) AS n FROM observation GROUP BY patient) t",
            true,
        ),
    ] {
        let plan = planned(sql, Mechanism::Laplace, 0.0);
        let (good, broken) = measured(&plan, 0.0);
        assert!(good <= 1.0, "{sql}: {good} is proven, 1 was claimed");
        if tight {
            assert!(good > 0.85, "{sql}: the audit sees {good} only");
            assert!(broken > 1.3, "{sql}: half of the noise goes unnoticed: {broken}");
        }
    }
}

#[test]
fn the_same_holds_for_gaussian_noise_at_its_delta() {
    let plan = planned("SELECT COUNT(*) FROM patient", Mechanism::Gaussian, 1e-3);
    let (good, broken) = measured(&plan, 1e-3);
    assert!(good <= 1.0, "{good} is proven, 1 was claimed");
    assert!(broken > 1.1, "half of the noise goes unnoticed: {broken}");
}

#[test]
fn a_bound_that_is_forgotten_is_found_out() {
    let mut plan = planned("SELECT COUNT(*) FROM observation", Mechanism::Laplace, 0.0);
    // The noise hides 4 rows of a patient, and now all 30 of them count.
    plan.release.limits.rows = 100;
    plan.release.limits.per_group = 100;
    let (found, _) = measured(&plan, 0.0);
    assert!(found > 3.0, "{found}");
}

#[test]
fn a_group_of_one_patient_is_shown_no_more_often_than_delta() {
    let question = |mechanism| {
        planned("SELECT note, COUNT(*) FROM observation GROUP BY note", mechanism, 0.01)
    };
    let mine =
        |note: &str| Observation { note: Some(note.into()), ..observation("victim", "other", 1.0) };
    // Far more groups than count: those beyond the limit must not be shown by chance either.
    let rows: Vec<_> = (0..200).map(|index| mine(&format!("note {index}"))).collect();
    for mechanism in [Mechanism::Laplace, Mechanism::Gaussian] {
        let plan = question(mechanism);
        let totals = exact(&plan, &tables(&[], &rows));
        let shown = |noise: &mut dyn NoiseSource| {
            let found = answers(&plan, &totals, noise);
            found.iter().filter(|answer| **answer > f64::MIN).count() as f64 / ANSWERS as f64
        };
        let slack = plan.loss().slack.number();
        let good = shown(&mut SeededNoise::new(5));
        let error = CARE * (slack / ANSWERS as f64).sqrt();
        assert!(good <= slack + error, "{mechanism}: shown with {good}, {slack} was claimed");
    }
}
