//! Quantiles and variances against what they stand for.

use super::*;
use crate::SeededNoise;

fn many(count: i64, value: impl Fn(i64) -> f64) -> Tables {
    let rows: Vec<_> = (0..count)
        .map(|index| Observation {
            year: Some(1900 + index % 201),
            ..observation(&format!("p{index:05}"), "other", value(index))
        })
        .collect();
    tables(&[], &rows)
}

fn decimal(value: &AnswerValue) -> f64 {
    match value {
        AnswerValue::Integer(number) => *number as f64,
        AnswerValue::Decimal(number) => *number,
        other => panic!("{other:?} is no number"),
    }
}

#[test]
fn without_noise_a_quantile_is_in_the_leaf_of_the_true_one() {
    let tables = many(2010, |index| (index % 320) as f64 - 20.0);
    let answer = ask(
        "SELECT MEDIAN(year), percentile_cont(0.25) WITHIN GROUP (ORDER BY year), MIN(year), MAX(year), MEDIAN(value) FROM observation",
        &tables,
    );
    let found: Vec<f64> = answer.rows[0].iter().map(decimal).collect();
    // Ten rows of each year from 1900 to 2100.
    for (found, expected) in found.iter().zip([2000.0, 1950.0, 1902.0, 2098.0]) {
        assert!((found - expected).abs() <= 1.0, "{found} for {expected}");
    }
    // 7 rows of each value below 70, 6 of the others.
    assert!((found[4] - 132.5).abs() <= 1.0, "{}", found[4]);
}

#[test]
fn intervals_of_quantiles_variances_and_averages_hold_as_often_as_they_say() {
    let tables = many(3000, |index| (index % 200) as f64);
    let sql = "SELECT MEDIAN(value), VAR_POP(value), STDDEV_POP(value), AVG(value), SUM(value) / COUNT(*) FROM observation";
    let truth = [99.5, 3333.25, 57.7343, 99.5, 99.5];
    let plan = super::plan(sql).unwrap();
    let totals = exact(&plan, &tables);
    let mut noise = SeededNoise::new(20);
    let mut held = [0; 5];
    for _ in 0..100 {
        let release = super::super::release::add_noise(&plan.release, &totals, &mut noise).unwrap();
        let answer = release.answer(&plan);
        for (place, truth) in truth.iter().enumerate() {
            let value = decimal(&answer.rows[0][place]);
            let width = answer.intervals95[0][place].unwrap();
            // One leaf of rounding for the median.
            held[place] += usize::from((value - truth).abs() <= width + 0.4);
            assert!(width.is_finite() && width >= 0.0);
        }
    }
    // Of 100 intervals at 95 %, fewer than 80 hold with probability below 1e-7.
    assert!(held.iter().all(|held| *held >= 80), "{held:?}");
}

#[test]
fn an_empty_group_has_an_interval_as_wide_as_its_bounds() {
    let answer = ask(
        "SELECT code, MEDIAN(value), STDDEV(value), AVG(value) FROM observation GROUP BY code",
        &Tables::default(),
    );
    let plan = plan(
        "SELECT code, MEDIAN(value), STDDEV(value), AVG(value) FROM observation GROUP BY code",
    )
    .unwrap();
    let noisy = run(&plan, &Tables::default(), &mut SeededNoise::new(1)).unwrap();
    assert_eq!(answer.rows.len(), 3);
    for (row, widths) in noisy.rows.iter().zip(&noisy.intervals95) {
        assert!(widths[1].unwrap() >= 160.0 && widths[3].unwrap() >= 160.0, "{row:?} {widths:?}");
        assert!((-20.0..=300.0).contains(&decimal(&row[1])));
        assert!((0.0..=227.0).contains(&decimal(&row[2])));
    }
}

#[test]
fn a_bucket_of_a_histogram_has_its_edge_at_the_left() {
    let tables = many(30, |index| (index * 10) as f64);
    let answer = ask(
        "SELECT bucket(value, 0, 100, 200) AS b, COUNT(*) AS n FROM observation GROUP BY b",
        &tables,
    );
    let shown: Vec<String> =
        answer.rows.iter().map(|row| format!("{} {}", row[0], row[1])).collect();
    assert_eq!(shown, ["< 0 0", "[0, 100) 10", "[100, 200) 10", ">= 200 10"]);
    let numbered = ask(
        "SELECT width_bucket(value, 0, 300, 3) AS b, COUNT(*) AS n FROM observation GROUP BY b",
        &tables,
    );
    let shown: Vec<String> =
        numbered.rows.iter().map(|row| format!("{} {}", row[0], row[1])).collect();
    assert_eq!(shown, ["0 0", "1 10", "2 10", "3 10", "4 0"]);
}

#[test]
fn having_arithmetic_and_limits_work_on_released_numbers() {
    let tables = many(30, |index| (index * 10) as f64);
    let sql = "WITH t AS (SELECT bucket(value, 0, 100, 250) AS b, COUNT(*) AS n, SUM(value) AS s FROM observation GROUP BY b HAVING COUNT(*) > 1)
               SELECT b, n * 2 AS twice, s / n AS mean, n / 0 AS nothing FROM t ORDER BY mean DESC LIMIT 2";
    let answer = ask(sql, &tables);
    let shown: Vec<String> = answer
        .rows
        .iter()
        .map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>().join("|"))
        .collect();
    assert_eq!(shown, [">= 250|10|270|NULL", "[100, 250)|30|170|NULL"]);
    // Four rows of a patient at half of epsilon: 8 to each side is the scale, and both numbers must hold at once.
    let widths = &answer.intervals95[0];
    assert!(widths[1].unwrap() >= 2.0 * 24.0 - 2.0 && widths[3].is_none(), "{widths:?}");
}
