#![allow(clippy::unwrap_used, reason = "tests")]

mod attacks;
mod audit;
mod fuzz;
mod plain;
mod quantiles;

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion_common::ScalarValue;
use proptest::{
    prelude::*,
    sample::{select, subsequence},
};

use caduceus_records::Tables;

use super::accumulate::Exact;
use super::*;
use crate::{
    AnswerValue, OpenDpNoise,
    fixture::{CODES, Observation, Patient, ROWS_OF_A_PATIENT, SEXES, plan, schema, tables},
    noise::SilentNoise,
    plan::Measure,
};

/// Puts the tables in order and asks them.
fn run(
    plan: &PrivatePlan,
    tables: &Tables,
    noise: &mut dyn NoiseSource,
) -> Result<Answer, RunError> {
    super::run(plan, &in_order(tables)?, noise)
}

fn in_order(tables: &Tables) -> Result<PatientTables, RunError> {
    PatientTables::new(tables, &schema())
}

fn ask(sql: &str, tables: &Tables) -> Answer {
    run(&plan(sql).unwrap(), tables, &mut SilentNoise).unwrap()
}

fn observation(patient: &str, code: &str, value: f64) -> Observation {
    Observation {
        patient: Some(patient.into()),
        code: Some(code.into()),
        note: None,
        value: Some(value),
        year: Some(2000),
        wide: Some(i64::MIN),
        last: Some(true),
    }
}

fn patient(id: &str, sex: &str) -> Patient {
    Patient { id: id.into(), sex: Some(sex.into()), deceased: Some(false) }
}

fn text(value: &str) -> AnswerValue {
    AnswerValue::Text(value.into())
}

#[test]
fn every_published_group_is_answered_even_without_a_row() {
    let empty = Tables::default();
    let answer = ask(
        "SELECT sex, deceased, COUNT(*), AVG(year) FROM observation JOIN patient USING (patient) GROUP BY sex, deceased",
        &empty,
    );
    assert_eq!(answer.rows.len(), 8);
    for (row, (sex, deceased)) in
        answer.rows.iter().zip(SEXES.iter().flat_map(|sex| [(sex, false), (sex, true)]))
    {
        let middle = AnswerValue::Decimal(2000.0);
        let expected = [text(sex), AnswerValue::Flag(deceased), AnswerValue::Integer(0), middle];
        assert_eq!(*row, expected);
    }
    let nothing = ask("SELECT COUNT(*), SUM(value) FROM observation WHERE value < -19", &empty);
    assert_eq!(nothing.rows, [[AnswerValue::Integer(0), AnswerValue::Decimal(0.0)]]);
}

#[test]
fn of_each_patient_the_first_rows_count_up_to_the_bound() {
    let rows: Vec<_> = (0..9).map(|index| observation("a", "other", f64::from(index))).collect();
    let tables = tables(&[patient("a", "male")], &rows);
    let answer =
        ask("SELECT COUNT(*), SUM(value), COUNT(DISTINCT patient) FROM observation", &tables);
    let expected = [AnswerValue::Integer(4), AnswerValue::Decimal(6.0), AnswerValue::Integer(1)];
    assert_eq!(answer.rows, [expected]);
    // Rows that the filter leaves out do not use the bound up.
    let late = ask("SELECT SUM(value) FROM observation WHERE value >= 5", &tables);
    assert_eq!(late.rows, [[AnswerValue::Decimal(26.0)]]);
}

#[test]
fn values_are_held_to_their_bounds_and_what_is_no_number_is_left_out() {
    let hostile = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300];
    let rows: Vec<_> = hostile
        .iter()
        .zip("abcd".chars())
        .map(|(value, patient)| observation(&patient.to_string(), "other", *value))
        .collect();
    let tables = tables(&[], &rows);
    let sum =
        ask("SELECT SUM(value), AVG(value), COUNT(value), SUM(wide) FROM observation", &tables);
    let row = &sum.rows[0];
    assert_eq!(row[0], AnswerValue::Decimal(580.0));
    let AnswerValue::Decimal(mean) = row[1] else { panic!("an average is a decimal") };
    assert!((mean - 580.0 / 3.0).abs() < 1e-9, "{mean}");
    // What is no number is missing.
    assert_eq!(row[2..], [AnswerValue::Integer(3), AnswerValue::Integer(i64::MIN)]);
}

#[test]
fn a_row_with_an_unpublished_or_missing_group_value_is_in_no_group() {
    let mut rows = vec![observation("a", "other", 1.0), observation("b", "secret", 1.0)];
    rows.push(Observation { code: None, ..observation("c", "", 1.0) });
    rows.push(Observation { patient: None, ..observation("", "other", 1.0) });
    let answer = ask("SELECT code, COUNT(*) FROM observation GROUP BY code", &tables(&[], &rows));
    let expected = CODES.map(|code| {
        let count = i64::from(code == "other");
        vec![text(code), AnswerValue::Integer(count)]
    });
    assert_eq!(answer.rows, expected);
}

#[test]
fn duplicate_patients_do_not_multiply_rows() {
    let patients = [patient("a", "male"), patient("a", "female"), patient("a", "male")];
    let tables = tables(&patients, &[observation("a", "other", 1.0)]);
    let answer = ask(
        "SELECT sex, COUNT(*) FROM patient JOIN observation USING (patient) GROUP BY sex ORDER BY sex LIMIT 2",
        &tables,
    );
    let expected =
        [[text("female"), AnswerValue::Integer(0)], [text("male"), AnswerValue::Integer(1)]];
    assert_eq!(answer.rows, expected);
    assert_eq!(ask("SELECT COUNT(*) FROM patient", &tables).rows, [[AnswerValue::Integer(1)]]);
}

#[test]
fn order_and_limit_act_on_the_answer() {
    let rows = [("a", 0), ("b", 1), ("c", 1)]
        .map(|(patient, code)| observation(patient, CODES[code], 1.0));
    let tables = tables(&[], &rows);
    let answer = ask(
        "SELECT code, COUNT(*) AS n FROM observation GROUP BY code ORDER BY n DESC, code LIMIT 2 OFFSET 1",
        &tables,
    );
    let expected =
        [[text(CODES[0]), AnswerValue::Integer(1)], [text("other"), AnswerValue::Integer(0)]];
    assert_eq!(answer.rows, expected);
    assert_eq!(answer.intervals95.len(), 2);
    assert_eq!(answer.columns[1].name, "n");
}

#[test]
fn a_table_that_is_not_as_published_is_an_error_whatever_it_holds() {
    let wrong = RecordBatchOf::new(StringArray::from(vec!["a"]), Int64Array::from(vec![1]));
    let error =
        run(&plan("SELECT SUM(value) FROM observation").unwrap(), &wrong.0, &mut SilentNoise);
    let column = RunError::Column { table: "observation".into(), column: "value".into() };
    assert_eq!(error, Err(column));
}

/// An observation table whose value has the wrong type.
struct RecordBatchOf(Tables);

impl RecordBatchOf {
    fn new(patient: StringArray, value: Int64Array) -> Self {
        use std::sync::Arc;
        let columns: [(&str, Arc<dyn Array>); 2] =
            [("patient", Arc::new(patient)), ("value", Arc::new(value))];
        let batch = arrow::array::RecordBatch::try_from_iter(columns).unwrap();
        Self(Tables(BTreeMap::from([("observation".into(), batch)])))
    }
}

#[test]
fn an_average_over_real_noise_stays_within_bounds_and_its_interval_holds() {
    let rows: Vec<_> =
        (0..400).map(|index| observation(&index.to_string(), "other", 100.0)).collect();
    let tables = tables(&[], &rows);
    let plan = plan("SELECT code, AVG(value) FROM observation GROUP BY code").unwrap();
    let mut held = 0;
    for _ in 0..200 {
        let answer = run(&plan, &tables, &mut OpenDpNoise).unwrap();
        for (row, widths) in answer.rows.iter().zip(&answer.intervals95) {
            let AnswerValue::Decimal(mean) = row[1] else { panic!("an average is a decimal") };
            assert!((-20.0..=300.0).contains(&mean) && widths[1].unwrap() <= 320.0);
        }
        let AnswerValue::Decimal(mean) = answer.rows[2][1] else { unreachable!() };
        held += usize::from((mean - 100.0).abs() <= answer.intervals95[2][1].unwrap());
    }
    // Of 200 intervals at 95 % or more, fewer than 165 hold with probability below 1e-9.
    assert!(held >= 165, "{held} of 200 intervals hold");
}

// --- properties -----------------------------------------------------------------------------------------------------

fn maybe<T: Clone + std::fmt::Debug + 'static>(values: Vec<T>) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.9, select(values))
}

fn owned(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// Patients p0 to p7, now and then twice; values of every kind, published or not.
fn hostile_tables() -> impl Strategy<Value = (Vec<Patient>, Vec<Observation>)> {
    let ids = || (0..8).map(|index| format!("p{index}")).collect::<Vec<_>>();
    let patient =
        (select(ids()), maybe(owned(&["male", "female", "secret"])), any::<Option<bool>>())
            .prop_map(|(id, sex, deceased)| Patient { id, sex, deceased });
    let value = prop_oneof![
        select(vec![-20.0, -19.5, 0.0, 12.5, 299.5, 300.0]),
        select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e308, 1e308, 5e-324, -0.0]),
        -50.0_f64..400.0,
    ];
    let wide = prop_oneof![select(vec![i64::MIN, i64::MAX, 0]), any::<i64>()];
    let year = prop_oneof![1890_i64..2110, any::<i64>()];
    let observation = (
        maybe(ids()),
        maybe(owned(&["8867-4", "29463-7", "other", "unpublished"])),
        maybe(owned(&["x", "y"])),
        prop::option::weighted(0.9, value),
        prop::option::weighted(0.9, year),
        prop::option::weighted(0.9, wide),
        any::<Option<bool>>(),
    );
    let observation = observation.prop_map(|(patient, code, note, value, year, wide, last)| {
        Observation { patient, code, note, value, year, wide, last }
    });
    (prop::collection::vec(patient, 0..10), prop::collection::vec(observation, 0..40))
}

/// One supported aggregate over observations.
fn aggregates() -> impl Strategy<Value = Vec<&'static str>> {
    let all = vec![
        "COUNT(*)",
        "COUNT(value)",
        "COUNT(note)",
        "COUNT(DISTINCT o.patient)",
        "SUM(value)",
        "SUM(year)",
        "SUM(wide)",
        "AVG(value)",
        "AVG(year)",
        "AVG(wide)",
        "VAR_POP(value)",
        "STDDEV(value)",
        "MEDIAN(value)",
        "COUNT(*) FILTER (WHERE value > 10)",
        "SUM(CASE WHEN year > 2000 THEN value ELSE 1 END)",
        "SUM(value * 2 + year)",
        "SUM(POWER(value / 100, 2))",
        "SUM(POWER(value / 100, 3))",
        "SUM(MOD(year, 7))",
        "SUM(SIGN(value))",
        "SUM(NVL(value, 7))",
        "SUM(TRUNC(value))",
        "SUM(CAST(value AS DECIMAL(10, 1)))",
        "COUNT(CAST(value AS DECIMAL(6, 2)))",
        "SUM(CEIL(value) - FLOOR(value))",
    ];
    subsequence(all, 1..5)
}

fn condition(joined: bool) -> impl Strategy<Value = String> {
    let mut leaves = vec![
        "code = 'other'",
        "code <> '8867-4'",
        "code IN ('8867-4', 'unpublished')",
        "note NOT IN ('x')",
        "note IS NULL",
        "value > 10",
        "value BETWEEN 0 AND 299.5",
        "value IS NOT NULL",
        "2000 < year",
        "year NOT BETWEEN 1950 AND 2000",
        "year >= 1999.5",
        "wide = -9223372036854775808",
        "wide > 99999999999999999999",
        "final",
        "final IS NOT TRUE",
        "final = false",
        "(final IS DISTINCT FROM true)",
        "MOD(year, 7) = 3",
        "SIGN(value) = 1",
        "NVL(value, 7) < 10",
        "IFNULL(final, false)",
        "NVL2(note, value, year) > 100",
        "POWER(value, 2) > 1000",
        "CAST(year - 2000 AS BOOLEAN)",
        "CAST(value AS DECIMAL(5, 0)) = 13",
    ];
    if joined {
        leaves.extend(["sex = 'male'", "deceased", "sex >= 'female'", "deceased IS NULL"]);
    }
    select(leaves).prop_map(str::to_owned).prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} AND {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} OR {b})")),
            inner.prop_map(|a| format!("NOT ({a})")),
        ]
    })
}

/// A supported question over observations, joined with patients or not, and its groups.
fn question() -> impl Strategy<Value = String> {
    any::<bool>().prop_flat_map(|joined| {
        let groups = match joined {
            true => vec!["code", "final", "sex", "deceased"],
            false => vec!["code", "final"],
        };
        let groups = subsequence(groups, 0..=2);
        let filter = prop::option::of(condition(joined));
        (aggregates(), groups, filter).prop_map(move |(aggregates, groups, filter)| {
            let select = groups.iter().chain(&aggregates).copied().collect::<Vec<_>>().join(", ");
            let join = if joined { " JOIN patient p ON o.patient = p.patient" } else { "" };
            let filter = filter.map(|filter| format!(" WHERE {filter}")).unwrap_or_default();
            let by = match groups.is_empty() {
                true => String::new(),
                false => format!(" GROUP BY {}", groups.join(", ")),
            };
            format!("SELECT {select} FROM observation o{join}{filter}{by}")
        })
    })
}

/// Exact totals before noise.
fn exact(plan: &PrivatePlan, tables: &Tables) -> Totals {
    totals(plan, &in_order(tables).unwrap(), &|_| {}).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn taking_one_patient_away_moves_no_total_by_more_than_its_sensitivity(
        (patients, observations) in hostile_tables(),
        sql in question(),
        gone in (0..8).prop_map(|index| format!("p{index}")),
    ) {
        // A condition can be one that never holds.
        let Ok(plan) = plan(&sql) else { return Ok(()) };
        let without = tables(
            &patients.iter().filter(|row| row.id != gone).cloned().collect::<Vec<_>>(),
            &observations.iter().filter(|row| row.patient.as_ref() != Some(&gone)).cloned().collect::<Vec<_>>(),
        );
        let with = tables(&patients, &observations);
        let (with, without) = (exact(&plan, &with), exact(&plan, &without));
        for (index, aggregate) in plan.release.aggregates.iter().enumerate() {
            let moved = |of: fn(&Exact) -> i128| {
                let pairs = with.aggregates[index].iter().zip(&without.aggregates[index]);
                pairs.map(|(a, b)| of(a).abs_diff(of(b))).sum::<u128>() as f64
            };
            let counts = moved(|exact| exact.count.into());
            let (sums, squares) = (moved(|exact| exact.sum), moved(|exact| exact.squares));
            match &aggregate.measure {
                Measure::Rows { scale } | Measure::Persons { scale } => {
                    prop_assert!(counts <= scale.sensitivity());
                }
                Measure::Sum { scale, .. } => prop_assert!(sums <= scale.sensitivity()),
                Measure::Mean { sum, count, .. } => {
                    prop_assert!(sums <= sum.sensitivity() && counts <= count.sensitivity());
                }
                Measure::Variance { sum, squares: scale, count, .. } => {
                    prop_assert!(sums <= sum.sensitivity() && counts <= count.sensitivity());
                    prop_assert!(squares <= scale.sensitivity());
                }
                Measure::Quantile { scale, .. } => {
                    let pairs = with.leaves[index].iter().zip(&without.leaves[index]);
                    let moved = pairs.map(|(a, b)| a.abs_diff(*b)).sum::<u32>();
                    prop_assert!(f64::from(moved) <= scale.sensitivity());
                }
            }
        }
    }

    #[test]
    fn no_value_makes_an_answer_fail_or_leave_out_a_group(
        (patients, observations) in hostile_tables(),
        sql in question(),
    ) {
        // A condition can be one that never holds.
        let Ok(plan) = plan(&sql) else { return Ok(()) };
        let answer = run(&plan, &tables(&patients, &observations), &mut OpenDpNoise).unwrap();
        prop_assert_eq!(Some(answer.rows.len()), plan.group_count());
        for (row, widths) in answer.rows.iter().zip(&answer.intervals95) {
            prop_assert_eq!(row.len(), answer.columns.len());
            for (value, width) in row.iter().zip(widths) {
                prop_assert!(width.is_none_or(|width| width.is_finite() && width >= 0.0));
                prop_assert!(!matches!(value, AnswerValue::Decimal(value) if !value.is_finite()));
            }
        }
        // The last digit of a decimal may change on the way back, also that of a sensitivity.
        let read: Answer = serde_json::from_str(&serde_json::to_string(&answer).unwrap()).unwrap();
        let shape = |answer: &Answer| {
            let names = answer.columns.iter().map(|column| (column.name.clone(), column.kind));
            (names.collect::<Vec<_>>(), answer.rows.len())
        };
        prop_assert_eq!(shape(&read), shape(&answer));
    }

    #[test]
    fn without_noise_and_within_bounds_the_answer_is_that_of_plain_sql(
        (patients, observations) in hostile_tables(),
        sql in question(),
    ) {
        let (patients, observations) = tame(patients, observations);
        let tables = tables(&patients, &observations);
        compare_with_plain(&sql, &tables)?;
    }

    #[test]
    fn hostile_data_answer_as_plain_sql_answers_of_data_that_were_clipped_before(
        (patients, observations) in hostile_tables(),
        aggregates in subsequence(
            vec!["COUNT(*)", "COUNT(value)", "COUNT(DISTINCT patient)", "SUM(value)", "AVG(value)", "SUM(year)", "VAR_POP(year)", "SUM(value * 2 + year)"],
            1..5,
        ),
    ) {
        let sql = format!("SELECT {} FROM observation", aggregates.join(", "));
        let clipped = clip(observations.clone());
        let plan = plan(&sql).unwrap();
        let ours = run(&plan, &tables(&patients, &observations), &mut SilentNoise).unwrap();
        let theirs = plain(&sql, &tables(&patients, &clipped), 0).remove(&vec![]).unwrap();
        for (index, value) in ours.rows[0].iter().enumerate() {
            same(value, theirs[index], &plan.release.aggregates[index].measure)?;
        }
    }

    #[test]
    fn what_happens_after_the_noise_is_what_plain_sql_does(
        (patients, observations) in hostile_tables(),
        shape in select(SHOWN.to_vec()),
        condition in condition(false),
    ) {
        let (patients, observations) = tame(patients, observations);
        let tables = tables(&patients, &observations);
        // Groups without rows are answered too, which plain SQL does not know of; and rows without a group are in none.
        let there = "final IS NOT NULL AND code IN ('8867-4', '29463-7', 'other')";
        let sql = shape.replace("{}", &format!("({condition}) AND {there}"));
        let plan = match plan(&sql) {
            Ok(plan) => plan,
            Err(crate::Refusal::Mistake { .. }) => return Ok(()),
            Err(refusal) => return Err(TestCaseError::fail(format!("{sql}: {refusal}"))),
        };
        let ours = run(&plan, &tables, &mut SilentNoise).unwrap();
        let ours = ours.rows.iter().map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>());
        prop_assert_eq!(ours.collect::<Vec<_>>(), plain_rows(&sql, &tables), "{}", sql);
    }

    #[test]
    fn subqueries_and_joins_mean_what_they_mean_in_plain_sql(
        (patients, observations) in hostile_tables(),
        shape in select(SHAPES.to_vec()),
        condition in condition(false),
    ) {
        let (patients, observations) = tame(patients, observations);
        compare_with_plain(&shape.replace("{}", &condition), &tables(&patients, &observations))?;
    }
}

/// The rules of the schema, by hand: the first rows of each patient, and values held to their bounds.
fn clip(observations: Vec<Observation>) -> Vec<Observation> {
    let mut taken = std::collections::HashMap::new();
    let rows = observations.into_iter().filter_map(|mut row| {
        let count = taken.entry(row.patient.clone()?).or_insert(0);
        *count += 1;
        let number = row.value.filter(|value| !value.is_nan());
        // On the grid of the column, of ten thousandths.
        row.value = number.map(|value| (value.clamp(-20.0, 300.0) * 1e4).round() / 1e4);
        row.year = row.year.map(|year| year.clamp(1900, 2100));
        (*count <= ROWS_OF_A_PATIENT).then_some(row)
    });
    rows.collect()
}

/// Without noise our answer is that of plain SQL, group by group.
fn compare_with_plain(sql: &str, tables: &Tables) -> Result<(), TestCaseError> {
    let plan = match plan(sql) {
        Ok(plan) => plan,
        // A condition can be one that never holds.
        Err(crate::Refusal::Mistake { .. }) => return Ok(()),
        Err(refusal) => return Err(TestCaseError::fail(format!("{sql}: {refusal}"))),
    };
    let ours = run(&plan, tables, &mut SilentNoise).unwrap();
    let groups = plan.release.groups.len();
    let plain = plain(sql, tables, groups);
    let keys = ours.rows.iter();
    let keys = keys.map(|row| row[..groups].iter().map(ToString::to_string).collect());
    let keys: std::collections::BTreeSet<Vec<String>> = keys.collect();
    // Rows with a missing or unpublished value in a group column are in no group; all others are.
    let hidden = |cell: &String| ["NULL", "unpublished", "secret"].contains(&cell.as_str());
    for key in plain.keys().filter(|key| !key.iter().any(hidden)) {
        prop_assert!(keys.contains(key), "{sql}: {key:?} is not shown");
    }
    for row in &ours.rows {
        let key: Vec<String> = row[..groups].iter().map(ToString::to_string).collect();
        let theirs = plain.get(&key);
        for (index, value) in row.iter().enumerate().skip(groups) {
            let expected = theirs.and_then(|row| row[index - groups]);
            same(value, expected, &plan.release.aggregates[index - groups].measure)?;
        }
    }
    Ok(())
}

/// Questions over subqueries, joins and computed groups, with a condition on observations in each.
const SHAPES: [&str; 27] = [
    "SELECT COUNT(*), SUM(n), SUM(s) FROM (SELECT patient, COUNT(*) AS n, SUM(value) AS s FROM observation WHERE {} GROUP BY patient) t",
    "SELECT SUM(n), SUM(peak), AVG(low) FROM (SELECT patient, code, COUNT(value) AS n, MAX(value) AS peak, MIN(year) AS low FROM observation WHERE {} GROUP BY patient, code HAVING COUNT(*) > 1) t",
    "SELECT sex, COUNT(*) FROM patient WHERE patient IN (SELECT patient FROM observation WHERE {}) GROUP BY sex",
    "SELECT sex, COUNT(*) FROM patient WHERE deceased AND NOT (patient IN (SELECT patient FROM observation WHERE {})) GROUP BY sex",
    "SELECT sex, COUNT(*), COUNT(o.patient), SUM(value) FROM patient p LEFT JOIN observation o ON o.patient = p.patient AND ({}) GROUP BY sex",
    "SELECT COUNT(*) FROM patient p LEFT JOIN (SELECT patient AS who FROM observation WHERE {}) o ON o.who = p.patient WHERE o.who IS NULL",
    "SELECT COUNT(*), COUNT(DISTINCT a.patient), SUM(a.value) FROM observation a JOIN (SELECT * FROM observation WHERE {}) b ON a.patient = b.patient AND a.code = b.code",
    "WITH t AS (SELECT DISTINCT patient, code FROM observation WHERE {}) SELECT code, COUNT(*) FROM t GROUP BY code",
    "SELECT CASE WHEN value < 0 THEN 'low' WHEN value < 100 THEN 'middle' ELSE 'high' END AS level, COUNT(*), SUM(year) FROM observation WHERE {} GROUP BY level",
    "WITH t AS (SELECT patient, AVG(value) AS mean FROM observation WHERE {} GROUP BY patient) SELECT deceased, COUNT(mean), SUM(mean) FROM t JOIN patient USING (patient) GROUP BY deceased",
    "WITH t AS (SELECT patient, code, SUM(value) AS s, COUNT(DISTINCT note) AS n FROM observation WHERE {} GROUP BY patient, code) SELECT COUNT(*), SUM(t.s), SUM(u.n) FROM t JOIN t u ON t.patient = u.patient",
    "SELECT sex, COUNT(*), COUNT(t.patient), SUM(n) FROM patient p LEFT JOIN (SELECT patient, COUNT(*) AS n FROM observation WHERE {} GROUP BY patient) t ON t.patient = p.patient GROUP BY sex",
    "SELECT COUNT(*) FROM (SELECT DISTINCT o.patient, final FROM patient p LEFT JOIN observation o ON o.patient = p.patient AND {}) t WHERE t.patient IS NOT NULL",
    "SELECT sex, COUNT(*), SUM(b.value) FROM patient p, observation o, observation b WHERE o.patient = p.patient AND b.patient = p.patient AND o.year < b.year AND o.patient IN (SELECT patient FROM observation WHERE {}) GROUP BY sex",
    "SELECT sex, COUNT(*), COUNT(b.note), SUM(b.value) FROM patient JOIN (SELECT patient AS who, * FROM observation WHERE {}) o ON o.who = patient.patient AND sex <> 'female' AND year > 1950 LEFT JOIN observation b ON b.patient = patient.patient AND b.final AND b.year > o.year WHERE o.value > 0 AND sex LIKE '%male' AND (b.code = 'other' OR b.code IS NULL) GROUP BY sex",
    "SELECT COUNT(*), SUM(o.year) FROM observation o JOIN (SELECT patient AS who, year AS y, note AS n FROM observation WHERE {}) b ON o.patient = b.who WHERE o.note LIKE '%x%' AND b.n IS NOT NULL AND b.y < o.year AND b.y > 1910",
    "SELECT SUM(n), SUM(m) FROM (SELECT patient, COUNT(NULL) AS n, COUNT(1) AS m FROM observation WHERE {} GROUP BY patient) t",
    "SELECT year / 10 * 10 AS decade, COUNT(*), SUM(value) FROM observation WHERE {} GROUP BY decade",
    "SELECT CAST(year / 7.0 AS INT) - 3 AS week, code, COUNT(*) FROM observation WHERE {} AND code <> 'unpublished' AND year > 1950 GROUP BY week, code",
    "SELECT year, COUNT(*) FROM (SELECT patient, year % 100 AS year, final FROM observation WHERE {}) t WHERE year < 60 OR year IS NULL GROUP BY year",
    "SELECT bucket, COUNT(*), SUM(n) FROM (SELECT patient, LEAST(COUNT(*), 3) AS bucket, COUNT(*) AS n FROM observation WHERE {} GROUP BY patient) t WHERE n > 1 GROUP BY bucket",
    // Decimal groups; DataFusion tells -0 from 0 as groups, unless it is added to 0.
    "SELECT FLOOR(year / 10.0) AS decade, COUNT(*), SUM(value) FROM observation WHERE {} GROUP BY decade",
    "SELECT FLOOR(value / 10) * 10 + 5.0 AS middle, COUNT(*) FROM observation WHERE {} GROUP BY middle",
    "SELECT ROUND(value / 8, 1) + 0.0 AS g, COUNT(*), COUNT(year) FROM observation WHERE {} AND value > -8 GROUP BY g",
    "SELECT SIGN(value) + 0.0 AS g, final, COUNT(*) FROM observation WHERE {} GROUP BY g, final",
    "SELECT g / 4 AS q, COUNT(*) FROM (SELECT patient, CEIL(value / 25) + 0.0 AS g FROM observation WHERE {}) t GROUP BY q",
    "SELECT peak, COUNT(*) FROM (SELECT patient, MAX(ROUND(value, -2) + 0.0) AS peak FROM observation WHERE {} GROUP BY patient) t GROUP BY peak",
];

/// Leaves out what bounding by rule would change: duplicate patients, rows beyond the bound, values beyond theirs. Values stay on
/// the grid, so that sums are exact on both sides.
fn tame(
    patients: Vec<Patient>,
    observations: Vec<Observation>,
) -> (Vec<Patient>, Vec<Observation>) {
    let mut seen = std::collections::HashSet::new();
    let patients = patients.into_iter().filter(|row| seen.insert(row.id.clone())).collect();
    let mut taken = std::collections::HashMap::new();
    let rows = observations.into_iter().filter_map(|mut row| {
        let count = taken.entry(row.patient.clone()?).or_insert(0);
        *count += 1;
        row.value = row.value.filter(|value| value.is_finite());
        row.value = row.value.map(|value| (value.clamp(-20.0, 300.0) * 16.0).round() / 16.0);
        row.year = row.year.map(|year| year.clamp(1900, 2100));
        row.wide = row.wide.map(|wide| if wide == i64::MIN { wide } else { wide % 1000 });
        (*count <= ROWS_OF_A_PATIENT).then_some(row)
    });
    (patients, rows.collect())
}

/// Conditions, order, limits and arithmetic of released numbers, over groups that have rows.
const SHOWN: [&str; 6] = [
    "SELECT code, COUNT(*) AS n, SUM(COALESCE(year, 1950)) AS y FROM observation WHERE {} GROUP BY code HAVING COUNT(*) > 0 ORDER BY n DESC, code LIMIT 2",
    "SELECT code, final, COUNT(*) * 2 + 1 AS twice, CASE WHEN COUNT(*) > 3 THEN 'many' ELSE 'few' END AS size FROM observation WHERE {} GROUP BY code, final HAVING COUNT(*) BETWEEN 1 AND 5 ORDER BY code DESC, final OFFSET 1",
    "WITH t AS (SELECT code, COUNT(*) AS n, SUM(COALESCE(year, 1950)) AS s FROM observation WHERE {} GROUP BY code) SELECT n, s / n AS mean, ABS(n - 4) AS far FROM t WHERE n > 0 ORDER BY code",
    "SELECT COUNT(*) - COUNT(value) AS missing, COALESCE(NULLIF(COUNT(note), 0), -1) AS notes FROM observation WHERE {}",
    "SELECT decade / 4 AS q, n FROM (SELECT FLOOR(COALESCE(year, 1950) / 10.0) AS decade, COUNT(*) AS n FROM observation WHERE {} GROUP BY decade) t WHERE n > 0 AND decade > 191 ORDER BY decade DESC LIMIT 5",
    "SELECT n % 3 AS r, n > 4 AS large FROM (SELECT code, COUNT(*) AS n FROM observation WHERE {} GROUP BY code) t WHERE NOT n = 0 ORDER BY n % 3 DESC, n, code LIMIT 3 OFFSET 1",
];

/// The answer of plain SQL, row by row in order, as texts.
fn plain_rows(sql: &str, tables: &Tables) -> Vec<Vec<String>> {
    let answer = plain::answer(sql, tables);
    let texts = |row| {
        let cells = plain::cells(answer.columns(), row);
        cells.iter().map(ToString::to_string).collect()
    };
    (0..answer.num_rows()).map(texts).collect()
}

#[test]
fn plain_sql_knows_null_and_nothing() {
    let nobody = Observation { patient: None, value: None, ..observation("", "other", 0.0) };
    let rows = [observation("a", "other", 1.0), nobody, observation("a", CODES[0], 2.0)];
    let tables = tables(&[patient("a", "male"), patient("b", "male")], &rows);
    let within =
        "SELECT patient FROM patient WHERE patient NOT IN (SELECT patient FROM observation";
    for (sql, expected) in [
        (format!("{within})"), vec![]),
        (format!("{within} WHERE patient IS NOT NULL)"), vec!["b"]),
        (format!("{within} WHERE value > 9)"), vec!["a", "b"]),
        (
            "SELECT p.patient, code FROM patient p LEFT JOIN observation o ON o.patient = p.patient".into(),
            vec!["a other", "a 8867-4", "b NULL"],
        ),
        (
            "SELECT COALESCE(value, 7) FROM observation ORDER BY value DESC NULLS FIRST LIMIT 2".into(),
            vec!["7", "2"],
        ),
        (
            "SELECT patient, COUNT(*), COUNT(value), SUM(value) FROM observation GROUP BY patient".into(),
            vec!["a 2 2 3", "NULL 1 0 NULL"],
        ),
        ("SELECT COUNT(*), SUM(value) FROM observation WHERE value > 9".into(), vec!["0 NULL"]),
        ("SELECT COUNT(*) FROM observation a, observation b WHERE a.patient = b.patient".into(), vec!["4"]),
        ("SELECT DISTINCT patient FROM observation OFFSET 1".into(), vec!["NULL"]),
    ] {
        let rows = plain_rows(&sql, &tables);
        let rows = rows.iter().map(|row| row.join(" ")).collect::<Vec<_>>();
        assert_eq!(rows, expected, "{sql}");
    }
}

/// The answer of plain SQL, by group; NULL results are absent.
fn plain(sql: &str, tables: &Tables, groups: usize) -> BTreeMap<Vec<String>, Vec<Option<f64>>> {
    let sql = sql.replace("SUM(wide)", "SUM(CAST(wide AS DECIMAL(38, 0)))");
    let answer = plain::answer(&sql, tables);
    let number = |cell: &ScalarValue| match cell.cast_to(&arrow::datatypes::DataType::Float64) {
        Ok(ScalarValue::Float64(value)) => value,
        other => panic!("{other:?}"),
    };
    let by_group = |row| {
        let cells = plain::cells(answer.columns(), row);
        let key = cells[..groups].iter().map(ToString::to_string).collect();
        (key, cells[groups..].iter().map(number).collect())
    };
    (0..answer.num_rows()).map(by_group).collect()
}

/// Compares one number with that of plain SQL; groups without values count and sum to nothing, their average is not compared.
fn same(
    value: &AnswerValue,
    expected: Option<f64>,
    measure: &Measure,
) -> Result<(), TestCaseError> {
    let number = match value {
        AnswerValue::Integer(value) => *value as f64,
        AnswerValue::Decimal(value) => *value,
        other => panic!("{other:?} is no number"),
    };
    let expected = match (expected, measure) {
        (_, Measure::Quantile { .. }) | (None, Measure::Mean { .. }) => return Ok(()),
        (Some(expected), _) => expected,
        (None, _) => 0.0,
    };
    // A sum of whole numbers is held at the limits of 64 bits.
    let expected = match measure {
        Measure::Sum { .. } => expected.clamp(i64::MIN as f64, i64::MAX as f64),
        _ => expected,
    };
    // Steps of sums of sums are a thousandth.
    let tolerance = 2e-2_f64.max(expected.abs() * 1e-9);
    prop_assert!((number - expected).abs() <= tolerance, "{} instead of {}", number, expected);
    Ok(())
}

#[test]
fn how_many_rows_are_worked_with_depends_on_no_condition() {
    // The first has a few rows fewer than published, the second three times as many.
    let rows = |id: &str, count: u32| {
        (0..count).map(|number| observation(id, CODES[0], f64::from(number))).collect::<Vec<_>>()
    };
    let observations =
        [rows("a", ROWS_OF_A_PATIENT - 1), rows("b", 3 * ROWS_OF_A_PATIENT)].concat();
    let tables = tables(&[patient("a", "male"), patient("b", "male")], &observations);
    let ordered = in_order(&tables).unwrap();
    let worked = |sql: &str| {
        let plan = plan(sql).unwrap();
        let patients = super::patients::Patients::of(&plan.release, &ordered).unwrap();
        let rows = super::relation::rows(&plan.release.relation, &patients, 0..2);
        (rows.len(), (0..rows.len()).filter(|row| rows.is_kept(*row)).count())
    };
    for shape in [
        "SELECT COUNT(*) FROM (SELECT * FROM observation WHERE value < {}) a JOIN observation b USING (patient)",
        "SELECT COUNT(*) FROM observation b JOIN (SELECT * FROM observation WHERE value < {}) a USING (patient)",
        "SELECT COUNT(*) FROM (SELECT * FROM observation WHERE value < {}) a LEFT JOIN observation b ON a.patient = b.patient",
        "SELECT COUNT(*) FROM observation a LEFT JOIN observation b ON a.patient = b.patient AND a.value < {}",
        "SELECT COUNT(*) FROM patient p JOIN (SELECT * FROM observation WHERE value < {}) a USING (patient)",
        "WITH a AS (SELECT patient, value FROM observation WHERE value < {} GROUP BY patient, value) SELECT COUNT(*) FROM a JOIN a b USING (patient)",
        "WITH a AS (SELECT DISTINCT patient, year FROM observation WHERE value < {}) SELECT COUNT(*) FROM a JOIN observation b USING (patient)",
        "WITH a AS (SELECT patient, COUNT(*) AS n FROM observation WHERE value < {} GROUP BY patient) SELECT SUM(n) FROM a JOIN observation b USING (patient)",
    ] {
        let of = |limit: &str| worked(&shape.replace("{}", limit));
        let (all, none) = (of("1e5"), of("1e-9 - 1"));
        assert_eq!(all.0, none.0, "{shape}");
        assert!(all.1 > none.1, "{shape}: {all:?} {none:?}");
    }
    // Rows that LEFT JOIN leaves alone stand in place of pairs: a chain of such joins makes no more rows than one.
    let chain =
        (0..12).map(|join| format!(" LEFT JOIN patient p{join} ON p{join}.patient = a.patient"));
    let chain = chain.collect::<String>();
    let several = "SELECT COUNT(*) FROM observation a LEFT JOIN patient p USING (patient)";
    let chained = format!("SELECT COUNT(*) FROM observation a{chain}");
    assert_eq!(worked(several), worked(&chained));
    // Nor does it depend on how many groups a secret value makes.
    let split = |limit: &str| {
        worked(&format!(
            "WITH a AS (SELECT patient, CASE WHEN value < {limit} THEN value ELSE 0 END AS v, COUNT(*) AS n FROM observation GROUP BY patient, v) SELECT SUM(a.n) FROM a JOIN a b USING (patient)"
        ))
    };
    let (many, one) = (split("1e5"), split("1e-9 - 1"));
    assert_eq!(many.0, one.0);
    assert!(many.1 > one.1, "{many:?} {one:?}");
}

#[test]
fn of_a_patient_with_any_number_of_rows_so_many_are_seen() {
    let most = crate::patients::MOST_ROWS as usize;
    let ordered = |keys: Vec<i64>| {
        let table = [("patient", std::sync::Arc::new(Int64Array::from(keys)) as ArrayRef)];
        let batch = RecordBatch::try_from_iter(table).unwrap();
        in_order(&Tables(BTreeMap::from([("observation".into(), batch)]))).unwrap()
    };
    // In the order of patients, and in two parts around another's.
    let whole = std::iter::repeat_n(7, most + 1).chain([8]).collect();
    let parts = std::iter::repeat_n(7, most - 1).chain([8, 7, 7, 7]).collect();
    for keys in [whole, parts] {
        let table = ordered(keys);
        let table = table.get("observation").unwrap();
        assert_eq!(table.starts, [0, most as u32, most as u32 + 1]);
        assert_eq!((table.rows, table.columns["patient"].len()), (most + 1, most + 1));
    }
}

#[test]
fn capitals_that_are_several_letters_make_no_text_longer_than_others() {
    // Each letter has three capitals of two bytes each.
    let long = Observation { note: Some("\u{390}".repeat(512)), ..observation("a", CODES[0], 1.0) };
    let tables = tables(&[patient("a", "male")], &[long]);
    let count = |sql: &str| ask(sql, &tables).rows[0][0].clone();
    let whole = count(
        "SELECT SUM(bounded) FROM (SELECT LEAST(GREATEST(LENGTH(UPPER(note)), 0), 5000) AS bounded FROM observation) t",
    );
    assert!(
        matches!(whole, AnswerValue::Integer(length) if (300..=512).contains(&length)),
        "{whole:?}"
    );
}

#[test]
fn a_decimal_that_has_too_many_digits_for_its_type_is_missing() {
    let values = [99.994, 99.996, 300.0, -20.0];
    let rows = values.map(|value| observation("a", "other", value));
    let sql = "SELECT COUNT(CAST(value AS DECIMAL(4, 2))), SUM(CAST(value AS DECIMAL(4, 2))) FROM observation";
    let answer = ask(sql, &tables(&[], &rows));
    assert_eq!(answer.rows, [[AnswerValue::Integer(2), AnswerValue::Decimal(79.99)]]);
}

#[test]
fn groups_of_rounded_numbers_are_shown_as_what_they_are() {
    let rows = [0.24, 0.26, 0.34].map(|value| observation("a", "other", value));
    let tables = tables(&[], &rows);
    let sql = "SELECT ROUND(value, 1) AS g, COUNT(*) AS n FROM observation WHERE value > 0 GROUP BY g HAVING COUNT(*) > 0 ORDER BY g DESC";
    let answer = ask(sql, &tables);
    let decimal = AnswerValue::Decimal;
    let expected =
        [[decimal(0.3), AnswerValue::Integer(2)], [decimal(0.2), AnswerValue::Integer(1)]];
    assert_eq!(answer.rows, expected);
    assert_eq!(answer.columns[0].kind, crate::ColumnKind::Group);
    // What is computed with a group is computed with a decimal number.
    let sql = "SELECT FLOOR(value) / 4 AS g FROM observation GROUP BY FLOOR(value) HAVING FLOOR(value) = 1";
    let sql = sql.replace("AS g FROM", "AS g, COUNT(*) FROM");
    assert_eq!(ask(&sql, &tables).rows, [[decimal(0.25), AnswerValue::Integer(0)]]);
}

#[test]
fn what_is_named_again_and_long_lists_mean_what_they_mean_in_plain_sql() {
    let rows = [(0, 24.0), (1, 26.0), (1, 31.0), (2, 8.0)];
    let rows = rows.map(|(one, value)| observation(&format!("p{one}"), "other", value));
    let tables = tables(&[patient("p0", "male"), patient("p1", "female")], &rows);
    let numbers = (0..2_400).map(|number| format!(", {number}")).collect::<String>();
    for sql in [
        "SELECT sex, COUNT(*) AS n FROM patient GROUP BY sex, 1, patient.sex".to_owned(),
        "SELECT year / 10 AS d, COUNT(*), SUM(value) FROM observation GROUP BY d, 1, year / 10".to_owned(),
        "SELECT SUM(n) FROM (SELECT patient, year / 10 AS y, COUNT(*) AS n FROM observation GROUP BY 1, 2, 2, y, 1) t".to_owned(),
        format!("SELECT SUM(GREATEST(value{numbers})), SUM(LEAST(value{numbers})) FROM observation"),
        "SELECT COUNT(*) FROM (SELECT patient, CAST(NULL AS DOUBLE) AS z FROM observation) t WHERE z IS NULL".to_owned(),
    ] {
        compare_with_plain(&sql, &tables).unwrap();
    }
}

#[test]
fn the_interval_of_a_quotient_of_whole_numbers_has_what_is_behind_its_point() {
    let many: Vec<Patient> = (0..100)
        .map(|number| patient(&format!("p{number}"), if number == 0 { "female" } else { "male" }))
        .collect();
    let tables = tables(&many, &[]);
    let sql = "SELECT COUNT(*) FILTER (WHERE sex = 'male') / COUNT(*) AS share FROM patient";
    let ordered = in_order(&tables).unwrap();
    let (mut held, all) = (0, 100);
    for seed in 0..all {
        let mut noise = crate::SeededNoise::new(seed);
        let answer = super::run(&plan(sql).unwrap(), &ordered, &mut noise).unwrap();
        let AnswerValue::Integer(share) = answer.rows[0][0] else { panic!("{answer:?}") };
        held += usize::from(answer.intervals95[0][0].is_none_or(|width| share as f64 <= width));
    }
    // Of 100 at 95 % or more, fewer than 75 hold with probability below 1e-9.
    assert!(held >= 75, "{held}");
}
