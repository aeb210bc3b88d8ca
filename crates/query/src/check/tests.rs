#![allow(clippy::unwrap_used, reason = "tests")]

mod refused;

use super::*;
use crate::{
    fixture::{plan, plan_with, schema},
    plan::Relation,
    scalar::{Key, Scalar},
};

/// What is refused, with words that its sentence must hold: the construct, or what would work.
const REFUSED: &[(&str, &str)] = &[
    // Not one SELECT.
    ("", "empty"),
    ("hello", "not valid SQL"),
    ("SELECT COUNT(*) FROM", "not valid SQL"),
    ("SELECT COUNT(*) FROM patient; SELECT COUNT(*) FROM patient", "More than one statement"),
    ("DROP TABLE patient", "other than SELECT"),
    ("INSERT INTO patient VALUES ('a')", "other than SELECT"),
    ("DELETE FROM patient", "other than SELECT"),
    ("COPY patient TO 'out.csv'", "other than SELECT"),
    ("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc'", "other than SELECT"),
    ("EXPLAIN ANALYZE SELECT COUNT(*) FROM patient", "SELECT"),
    ("EXPLAIN SELECT COUNT(*) FROM patient", "query explain"),
    ("SET x = 1", "other than SELECT"),
    // Rows.
    ("SELECT * FROM patient", "Output of rows"),
    ("SELECT sex FROM patient", "Output of rows"),
    ("SELECT patient FROM patient LIMIT 1", "Output of rows"),
    ("SELECT sex FROM patient ORDER BY sex", "Output of rows"),
    ("SELECT patient, COUNT(*) FROM observation GROUP BY patient", "one row for each patient"),
    (
        "SELECT patient, sex, COUNT(*) FROM patient GROUP BY patient, sex",
        "one row for each patient",
    ),
    ("SELECT DISTINCT patient FROM patient", "one row for each patient"),
    ("SELECT DISTINCT sex FROM patient", "SELECT DISTINCT"),
    ("SELECT DISTINCT COUNT(*) FROM patient", "SELECT DISTINCT"),
    ("SELECT 1", "without a table"),
    ("SELECT COUNT(*)", "without a table"),
    ("VALUES (1)", "without a table"),
    ("TABLE patient", "TABLE, a statement"),
    // Other shapes.
    ("SELECT COUNT(*) FROM patient UNION SELECT COUNT(*) FROM patient", "set operation"),
    ("SELECT COUNT(*) FROM patient UNION ALL SELECT COUNT(*) FROM patient", "set operation"),
    ("SELECT COUNT(*) FROM patient EXCEPT SELECT COUNT(*) FROM patient", "set operation"),
    ("SELECT COUNT(*) FROM patient INTERSECT SELECT COUNT(*) FROM patient", "set operation"),
    (
        "SELECT COUNT(*) FROM (SELECT patient FROM patient UNION ALL SELECT patient FROM observation) t",
        "set operation",
    ),
    (
        "SELECT COUNT(*) FROM patient JOIN observation USING (patient) WHERE patient IN (SELECT patient FROM patient)",
        "write it with its table",
    ),
    (
        "SELECT SUM(year) AS a, SUM(CAST(year AS DOUBLE)) AS b FROM observation",
        "a column and of its CAST",
    ),
    (
        "SELECT COUNT(*) FROM patient WHERE patient NOT IN (SELECT patient FROM observation WHERE year = -5)",
        "it selects no rows",
    ),
    ("SELECT MODE(sex) FROM patient", "The function MODE"),
    ("SELECT SUM(deceased) FROM patient", "CAST(column AS INT)"),
    ("SELECT COUNT(*) OVER () FROM patient", "window function"),
    ("SELECT ROW_NUMBER() OVER (ORDER BY value) FROM observation", "window function"),
    ("SELECT SUM(COUNT(*)) OVER () FROM patient GROUP BY sex", "window function"),
    ("SELECT COUNT(*) FROM (SELECT * FROM patient LIMIT 1) p", "LIMIT or OFFSET before"),
    (
        "SELECT COUNT(*) FROM (SELECT * FROM patient ORDER BY sex LIMIT 5) p",
        "LIMIT or OFFSET before",
    ),
    (
        "SELECT SUM(n) FROM (SELECT COUNT(*) n FROM patient GROUP BY sex) t",
        "aggregate of released numbers",
    ),
    ("SELECT COUNT(*) FROM patient WHERE sex = (SELECT MIN(sex) FROM patient)", "subquery within"),
    ("SELECT COUNT(*) FROM patient WHERE sex IN (SELECT sex FROM patient)", "IN (SELECT"),
    ("SELECT COUNT(*) FROM patient WHERE patient IN (SELECT code FROM observation)", "IN (SELECT"),
    ("SELECT COUNT(*) FROM patient WHERE EXISTS (SELECT 1 FROM patient)", "subquery within"),
    (
        "SELECT COUNT(*) FROM patient p WHERE patient IN (SELECT patient FROM observation o WHERE o.code = p.sex)",
        "IN (SELECT",
    ),
    ("SELECT (SELECT COUNT(*) FROM patient) FROM patient", "subquery within"),
    (
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT COUNT(*) FROM t",
        "recursive",
    ),
    (
        "SELECT a.n FROM (SELECT COUNT(*) n FROM patient) a CROSS JOIN (SELECT COUNT(*) n FROM patient) b",
        "join",
    ),
    // Tables and joins.
    ("SELECT COUNT(*) FROM nobody", "no table `nobody`"),
    ("SELECT COUNT(*) FROM information_schema.tables", "system table"),
    ("SELECT COUNT(*) FROM main.patient", "system table"),
    ("SELECT COUNT(*) FROM generate_series(1, 9)", "table function"),
    ("SELECT COUNT(*) FROM patient, observation", "join other than"),
    ("SELECT COUNT(*) FROM patient CROSS JOIN observation", "join other than"),
    ("SELECT COUNT(*) FROM observation RIGHT JOIN patient USING (patient)", "LEFT JOIN"),
    ("SELECT COUNT(*) FROM observation FULL JOIN patient USING (patient)", "LEFT JOIN"),
    ("SELECT COUNT(*) FROM observation o JOIN patient p ON o.code = p.sex", "join other than"),
    (
        "SELECT COUNT(*) FROM observation o JOIN patient p ON o.patient <> p.patient",
        "patient column",
    ),
    (
        "SELECT COUNT(*) FROM observation o JOIN patient p ON o.patient = o.patient",
        "join other than",
    ),
    ("SELECT COUNT(*) FROM observation o JOIN patient p ON o.patient = p.sex", "patient column"),
    (
        "SELECT COUNT(*) FROM observation o JOIN patient p ON o.patient = p.patient OR TRUE",
        "patient column",
    ),
    ("SELECT COUNT(*) FROM unbounded", "no usable bound"),
    ("SELECT COUNT(DISTINCT patient) FROM unbounded", "no usable bound"),
    // Aggregates.
    ("SELECT ARRAY_AGG(value) FROM observation", "ARRAY_AGG"),
    ("SELECT STRING_AGG(note, ',') FROM observation", "STRING_AGG"),
    ("SELECT FIRST_VALUE(value) FROM observation", "FIRST_VALUE"),
    ("SELECT CORR(value, year) FROM observation", "CORR"),
    ("SELECT MIN(note) FROM observation", "MIN of a text"),
    ("SELECT COUNT(DISTINCT sex) FROM patient", "COUNT(DISTINCT patient)"),
    ("SELECT COUNT(DISTINCT patient, sex) FROM patient", "COUNT(DISTINCT patient)"),
    ("SELECT COUNT(NULL) FROM patient", "always 0"),
    ("SELECT SUM(DISTINCT value) FROM observation", "SUM(DISTINCT"),
    ("SELECT SUM(deceased) FROM patient", "number columns"),
    ("SELECT AVG(patient) FROM patient", "column"),
    ("SELECT SUM(x) FROM endless", "no usable bound"),
    ("SELECT SUM(1 / (year - 1975)) FROM observation", "no usable bound"),
    ("SELECT AVG(x + 1) FROM endless", "no usable bound"),
    ("SELECT SUM(LN(value)) FROM observation", "no usable bound"),
    ("SELECT SUM(CAST(note AS INT)) FROM observation", "no usable bound"),
    ("SELECT SUM(value * 0) FROM observation", "always 0"),
    (
        "SELECT percentile_cont(2.0) WITHIN GROUP (ORDER BY value) FROM observation",
        "quantile other than",
    ),
    (
        "SELECT percentile_cont(value) WITHIN GROUP (ORDER BY value) FROM observation",
        "quantile other than",
    ),
    ("SELECT MEDIAN(note) FROM observation", "number"),
    ("SELECT COUNT(*) FROM patient WHERE RANDOM() < 0.5", "random function"),
    ("SELECT COUNT(*) FROM patient WHERE now() > now()", "current time"),
    ("SELECT COUNT(*) FROM patient WHERE REVERSE(sex) = 'x'", "function REVERSE"),
    ("SELECT COUNT(*) FROM patient WHERE MD5(sex) = 'x'", "function"),
    // Groups.
    ("SELECT COUNT(*) FROM observation GROUP BY note", "needs a delta"),
    ("SELECT COUNT(*) FROM observation GROUP BY wide", "needs a delta"),
    ("SELECT COUNT(*) FROM observation GROUP BY value", "a decimal number"),
    ("SELECT COUNT(*) FROM observation GROUP BY value", "FLOOR(x / 10) * 10 or ROUND(x, 1)"),
    ("SELECT COUNT(*) FROM observation GROUP BY SQRT(year)", "a decimal number"),
    ("SELECT ROUND(value, 6) AS g, COUNT(*) FROM observation GROUP BY g", "needs a delta"),
    ("SELECT sex, COUNT(*) FROM patient GROUP BY ROLLUP (sex)", "ROLLUP"),
    ("SELECT sex FROM patient GROUP BY sex", "without an aggregate"),
    ("SELECT COUNT(*) FROM encounter GROUP BY ward, bed", "more than 10000 groups"),
    // Conditions.
    ("SELECT COUNT(*) FROM patient WHERE patient = 'abc'", "patient column"),
    ("SELECT COUNT(*) FROM patient WHERE 'abc' < patient", "patient column"),
    ("SELECT COUNT(*) FROM patient WHERE patient IN ('abc')", "patient column"),
    ("SELECT COUNT(*) FROM patient WHERE patient LIKE 'a%'", "patient column"),
    ("SELECT COUNT(*) FROM patient WHERE LENGTH(patient) = 3", "patient column"),
    ("SELECT COUNT(*) FROM patient WHERE COALESCE(patient, 'a') = 'a'", "patient column"),
    ("SELECT SUM(CASE WHEN patient = 'abc' THEN 1 ELSE 0 END) FROM patient", "patient column"),
    ("SELECT COUNT(*) FROM patient GROUP BY patient = 'abc'", "patient column"),
    (
        "SELECT COUNT(*) FROM (SELECT patient AS sex, sex AS patient FROM patient) t WHERE sex = 'abc'",
        "patient column",
    ),
    ("SELECT COUNT(*) FROM observation WHERE code ~ '8.*'", "operator"),
    ("SELECT COUNT(*) FROM patient WHERE sex = NULL", "IS NULL"),
    ("SELECT COUNT(*) FROM patient WHERE sex = 5", "single quotes"),
    ("SELECT COUNT(*) FROM observation WHERE value = 'x'", "single quotes"),
    ("SELECT COUNT(*) FROM observation WHERE note", "boolean"),
    ("SELECT COUNT(*) FROM patient WHERE age > 5", "no table of the question has a column `age`"),
    ("SELECT COUNT(*) FROM patient WHERE sex = $1", "parameter"),
    ("SELECT AVG(nothing) FROM observation", "column `nothing`"),
    // Named by what they are, also where the planner would leave them out in silence.
    ("SELECT COUNT(*) FROM patient UNION SELECT COUNT(*) FROM patient", "UNION, a set operation"),
    ("SELECT COUNT(*) FROM patient INTERSECT SELECT COUNT(*) FROM patient", "INTERSECT, a set"),
    ("SELECT COUNT(*) FROM patient EXCEPT SELECT COUNT(*) FROM patient", "EXCEPT, a set operation"),
    ("(SELECT COUNT(*) FROM patient) UNION ALL (SELECT COUNT(*) FROM patient)", "UNION"),
    ("SELECT COUNT(*) FROM patient FETCH FIRST 1 ROWS ONLY", "FETCH FIRST"),
    ("SELECT COUNT(*) FROM patient FOR UPDATE", "FOR UPDATE"),
    ("SELECT COUNT(*) FROM patient TABLESAMPLE BERNOULLI (1)", "TABLESAMPLE"),
    ("SELECT TOP 1 COUNT(*) FROM patient", "TOP"),
    ("SELECT COUNT(*) INTO t FROM patient", "INTO"),
    ("SELECT COUNT(*) FROM observation QUALIFY ROW_NUMBER() OVER () = 1", "window"),
    ("SELECT sex, COUNT(*) FROM patient GROUP BY sex WITH ROLLUP", "ROLLUP"),
    ("SELECT COUNT(*) FROM observation LEFT SEMI JOIN patient USING (patient)", "SEMI JOIN"),
    ("SELECT COUNT(*) FROM observation LEFT ANTI JOIN patient USING (patient)", "ANTI JOIN"),
    ("SELECT COUNT(*) FROM patient, LATERAL (SELECT 1) t", "LATERAL"),
    ("SELECT COUNT(*) FROM (VALUES (1), (2)) t", "without a table"),
    ("SELECT COUNT(*) FROM UNNEST(ARRAY[1, 2])", "UNNEST"),
    ("SELECT COUNT(*) FROM patient WHERE NOT EXISTS (SELECT 1 FROM observation)", "EXISTS"),
    ("SELECT COUNT(*) FROM patient WHERE sex = ANY (SELECT sex FROM patient)", "ANY"),
    ("SELECT COUNT(*) FROM observation WHERE note REGEXP 'a'", "REGEXP"),
    ("SELECT COUNT(*) FROM observation WHERE note SIMILAR TO 'a'", "SIMILAR TO"),
    ("SELECT COUNT(*) FROM observation WHERE year > DATE '2020-01-01'", "date"),
    ("SELECT COUNT(*) FROM observation WHERE year > INTERVAL '1 day'", "INTERVAL"),
    ("SELECT COUNT(*) FROM observation WHERE EXTRACT(YEAR FROM now()) > 5", "EXTRACT"),
    (
        "SELECT COUNT(*) FROM patient WHERE (sex, deceased) = ('male', true)",
        "row of several values",
    ),
    ("SELECT COUNT(*) FROM patient GROUP BY ()", "GROUP BY ()"),
    ("SELECT SUM(year ^ 2) FROM observation", "The operator ^"),
    ("SELECT COUNT(*) FROM patient WHERE sex = @@version", "A variable"),
    ("SELECT COUNT(*) FROM patient WHERE sex = @sex", "A variable"),
    ("SELECT COUNT(*) FROM observation WHERE note COLLATE \"C\" = 'a'", "COLLATE"),
    ("SET datafusion.execution.batch_size = 1", "SET, a statement"),
    ("COPY (SELECT * FROM patient) TO 'x.csv'", "COPY, a statement"),
    ("SHOW TABLES", "SHOW, a statement"),
    ("PREPARE q AS SELECT COUNT(*) FROM patient", "PREPARE, a statement"),
    ("/* nothing */ DROP TABLE patient -- SELECT", "DROP, a statement"),
    ("SELECT COUNT(*) FROM patient; DROP TABLE patient --", "More than one statement"),
    ("SELECT COUNT(*) FROM patient /* ; */ ; ; SELECT 1", "More than one statement"),
    ("SELECT COUNT(*) FROM patient HAVING deceased", "neither grouped by"),
    ("SELECT sex, COUNT(*) FROM patient GROUP BY sex HAVING patient = 'a'", "neither grouped by"),
    ("SELECT sex, deceased, COUNT(*) FROM patient GROUP BY sex", "neither grouped by"),
    ("SELECT COUNT(*) FROM patient WHERE COUNT(*) > 1", "aggregate"),
    ("SELECT SUM(COUNT(*)) FROM patient", "aggregate"),
    ("SELECT AVG(SUM(value)) FROM observation GROUP BY code", "aggregate"),
    ("SELECT COUNT(DISTINCT code) FROM observation", "COUNT(DISTINCT"),
    ("SELECT MIN(patient), MAX(patient) FROM patient", "patient"),
    ("SELECT COUNT(*) FROM observation WHERE LEFT(note, 1) = 'a'", "function LEFT"),
    ("SELECT COUNT(*) FROM observation WHERE SUBSTRING(note, 1, 1) = 'a'", "function SUBSTRING"),
    ("SELECT COUNT(*) FROM observation WHERE note || 'x' = 'ax'", "operator"),
    ("SELECT COUNT(*) FROM observation WHERE ASCII(note) > 5", "function ASCII"),
    ("SELECT COUNT(*) FROM observation WHERE version() = 'x'", "function VERSION"),
    ("SELECT COUNT(*) FROM observation WHERE year & 1 = 1", "operator &"),
    ("SELECT COUNT(*) FROM observation WHERE year << 60 > 1", "operator <<"),
    ("SELECT COUNT(*) FROM pg_catalog.pg_tables", "system table"),
    ("SELECT COUNT(*) FROM \"information_schema\".\"columns\"", "system table"),
    ("SELECT COUNT(*) FROM '/etc/passwd'", "table"),
    ("SELECT COUNT(*) FROM read_csv('/etc/passwd')", "table function"),
    ("SELECT \u{421}OUNT(*) FROM patient", "function"),
    ("SELECT COUNT(*) FROM \u{ff50}atient", "no table"),
    // What is known beforehand costs nothing, because it is not asked.
    ("SELECT COUNT(*) FILTER (WHERE sex = 'mal') FROM patient", "never hold"),
    ("SELECT COUNT(CASE WHEN sex = 'mal' THEN 1 END) FROM patient", "always NULL"),
    ("SELECT COUNT(*) FROM patient WHERE sex LIKE 'z%'", "never hold"),
    ("SELECT COUNT(*) FROM patient WHERE UPPER(sex) = 'male'", "never hold"),
    ("SELECT sex, COUNT(*) FROM patient GROUP BY sex HAVING sex = 'mal'", "never hold"),
    (
        "SELECT COUNT(*) FROM observation o JOIN patient p ON o.patient = p.patient AND p.sex = 'mal'",
        "never hold",
    ),
    ("SELECT COUNT(*) FROM observation WHERE value BETWEEN 400 AND 500", "never hold"),
    ("SELECT COUNT(*) FROM observation WHERE value < -20", "never hold"),
    ("SELECT COUNT(*) FROM patient WHERE sex = 'mal'", "never hold"),
    ("SELECT COUNT(*) FROM patient WHERE deceased AND sex IN ('mal', 'femal')", "never hold"),
    ("SELECT COUNT(*) FROM observation WHERE value > 300", "never hold"),
    ("SELECT COUNT(*) FROM observation WHERE year BETWEEN 1700 AND 1800", "never hold"),
    ("SELECT COUNT(*) FROM patient WHERE FALSE", "never hold"),
    // After the noise.
    (
        "SELECT sex, COUNT(*) FROM patient GROUP BY sex ORDER BY COUNT(deceased) LIMIT (SELECT 1)",
        "LIMIT",
    ),
    ("SELECT COUNT(*) AS n, AVG(year) AS n FROM observation", "same name"),
    (
        "SELECT p.sex, q.sex, COUNT(*) FROM patient p JOIN patient q USING (patient) GROUP BY p.sex, q.sex",
        "named `sex`",
    ),
];

#[test]
fn everything_that_is_not_supported_is_refused_by_name() {
    let mut wrong = Vec::new();
    for (sql, words) in REFUSED {
        match plan(sql) {
            Ok(_) => wrong.push(format!("ANSWERED {sql}")),
            Err(refusal) => {
                let text = refusal.to_string();
                let inner = ["Int64(", "Utf8(", "Float64("].iter().any(|word| text.contains(word));
                if !text.to_lowercase().contains(&words.to_lowercase())
                    || text.contains('\n')
                    || inner
                {
                    wrong.push(format!("{sql}\n   -> {text}"));
                }
                assert!(!refusal.construct().is_empty() && !refusal.suggestion().is_empty());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is answered.
const SUPPORTED: &[&str] = &[
    "SELECT COUNT(*) FROM patient",
    "select count(1), count(sex), count(patient), count(distinct patient) from patient;",
    "SELECT COUNT(1 + 1) FROM patient",
    "SELECT SUM(value), AVG(value), SUM(year) AS y FROM observation",
    "SELECT VARIANCE(value), VAR_POP(value), STDDEV(value), STDDEV_POP(year) FROM observation",
    "SELECT MIN(value), MAX(value), MEDIAN(year) FROM observation",
    "SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY value) AS q1, approx_percentile_cont(value, 0.75) AS q3 FROM observation",
    "SELECT percentile_cont(0.9) WITHIN GROUP (ORDER BY value DESC) FROM observation",
    "SELECT SUM(value * 1000), SUM(1), AVG(value - 20), SUM(CASE WHEN code = 'other' THEN 1 ELSE 0 END) FROM observation",
    "SELECT SUM(clamp(value / year, 0, 1)), AVG(LEAST(GREATEST(value, 0), 100)) FROM observation",
    "SELECT COUNT(*) FILTER (WHERE sex = 'male') AS men, COUNT(*) AS people FROM patient",
    "SELECT AVG(value) FILTER (WHERE year > 2000) FROM observation",
    "SELECT sex, deceased, COUNT(*) AS n FROM patient GROUP BY sex, deceased ORDER BY n DESC, sex LIMIT 3 OFFSET 1",
    "SELECT sex AS s, COUNT(*) FROM patient GROUP BY 1 ORDER BY 2",
    "SELECT sex, COUNT(*) FROM patient GROUP BY sex ORDER BY COUNT(*) + 1, sex LIMIT 3",
    "SELECT COUNT(*) FROM patient GROUP BY sex",
    "SELECT year, COUNT(*) FROM observation GROUP BY year",
    "SELECT COUNT(*) a, COUNT(*) b FROM patient",
    "SELECT CASE WHEN value < 100 THEN 'low' WHEN value < 200 THEN 'middle' ELSE 'high' END AS level, COUNT(*) FROM observation GROUP BY level",
    "SELECT width_bucket(value, 0, 300, 10) AS b, COUNT(*) FROM observation GROUP BY b ORDER BY b",
    "SELECT bucket(value, 0, 100, 200) AS b, COUNT(*) FROM observation GROUP BY 1",
    "SELECT sex = 'male', COUNT(*) FROM patient GROUP BY sex = 'male'",
    "SELECT sex, COUNT(*) FROM patient GROUP BY sex HAVING COUNT(*) > 3",
    "SELECT SUM(value) / COUNT(value) AS mean, ROUND(AVG(value), 1), 2 * COUNT(*) FROM observation",
    "SELECT p.sex, AVG(o.value) FROM observation AS o JOIN patient p ON p.patient = o.patient GROUP BY p.sex",
    "SELECT sex, code, COUNT(DISTINCT patient.patient) FROM patient JOIN observation USING (patient) WHERE NOT deceased GROUP BY sex, code",
    "SELECT COUNT(*) FROM observation NATURAL JOIN patient",
    "SELECT COUNT(*) FROM patient p, observation o, encounter e WHERE p.patient = o.patient AND e.patient = p.patient AND o.value > 3 AND e.days < o.value",
    "SELECT COUNT(*) FROM patient CROSS JOIN observation WHERE patient.patient = observation.patient AND NOT (sex = 'male' OR code = 'other')",
    "SELECT COUNT(*) FROM patient p LEFT JOIN observation o ON o.patient = p.patient AND o.code = 'other' WHERE o.patient IS NULL",
    "SELECT COUNT(*) FROM observation JOIN encounter USING (patient)",
    "SELECT COUNT(*) FROM observation a JOIN observation b ON a.patient = b.patient AND a.code = b.code AND a.year < b.year",
    "SELECT COUNT(*) FROM observation JOIN patient USING (patient) JOIN encounter USING (patient)",
    "SELECT AVG(n) FROM (SELECT patient, COUNT(*) AS n FROM observation GROUP BY patient) t",
    "SELECT COUNT(*) FROM (SELECT patient FROM observation GROUP BY patient HAVING MAX(value) > 100) t",
    "WITH tall AS (SELECT patient, MAX(value) AS peak FROM observation WHERE code = 'other' GROUP BY patient) SELECT sex, AVG(peak) FROM tall JOIN patient USING (patient) GROUP BY sex",
    "WITH counts AS (SELECT sex, COUNT(*) AS n FROM patient GROUP BY sex) SELECT sex, n * 2 AS twice FROM counts WHERE n > 10 ORDER BY n DESC",
    "SELECT COUNT(*) FROM (SELECT * FROM patient) p",
    "SELECT COUNT(*) FROM (SELECT DISTINCT patient, code FROM observation) t",
    "SELECT COUNT(*) FROM patient WHERE patient IN (SELECT patient FROM observation WHERE value > 100) AND sex = 'male'",
    "SELECT COUNT(*) FROM patient WHERE patient NOT IN (SELECT patient FROM observation)",
    "SELECT COUNT(*) FROM patient WHERE sex = 'male' AND (deceased OR deceased IS NULL) AND deceased IS NOT TRUE",
    "SELECT COUNT(*) FROM patient WHERE deceased = false AND TRUE",
    "SELECT COUNT(*) FROM patient WHERE LOWER(sex) = 'male' AND LENGTH(sex) = 4 AND COALESCE(sex, 'x') <> 'x'",
    "SELECT COUNT(*) FROM observation WHERE code IN ('8867-4', 'x') AND note NOT IN ('y')",
    "SELECT COUNT(*) FROM observation WHERE note LIKE 'a%' OR note ILIKE '%B_'",
    "SELECT COUNT(*) FROM observation WHERE value BETWEEN -1 AND 2.5 OR year NOT BETWEEN 1900 AND 2000",
    "SELECT COUNT(*) FROM observation WHERE 5 < value AND year >= 1999.5 AND wide <= -9223372036854775808",
    "SELECT COUNT(*) FROM observation WHERE wide < 99999999999999999999 AND value <> -0.5 AND year IS DISTINCT FROM 2000",
    "SELECT COUNT(*) FROM observation WHERE 1 / (year - 1975) > 0 AND value % 2 = 1 AND CAST(note AS INT) = 1",
];

#[test]
fn everything_that_is_supported_is_planned() {
    let mut wrong = Vec::new();
    for sql in SUPPORTED {
        if let Err(refusal) = plan(sql) {
            wrong.push(format!("{sql}\n   -> {refusal}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn long_and_deep_questions_end_in_a_plan_or_a_refusal() {
    let select = "SELECT COUNT(*) FROM observation WHERE ";
    let tables = crate::fixture::tables(&[], &[]);
    // As many as the limit on words lets through, and far more.
    for (count, within) in [(MAX_WORDS / 2 - 6, true), (10 * MAX_WORDS, false)] {
        let chains = [
            (format!("{select}final{}", " OR final".repeat(count)), within),
            (format!("{select}final{}", " AND final".repeat(count)), within),
            (format!("{select}{}final", "NOT ".repeat(2 * count)), false),
            (format!("{select}{}final{}", "(".repeat(count), ")".repeat(count)), false),
            (format!("{select}year = {}1", "- ".repeat(2 * count)), false),
            (format!("{select}year <> 1{}", " + 1".repeat(count)), within),
            (format!("{select}year{} = 2000", "::INT".repeat(count / 4)), false),
            (format!("SELECT 1{}", " UNION SELECT 1".repeat(count)), false),
            (format!("SELECT COUNT(*) FROM patient{}", ", patient".repeat(2 * count)), false),
            (format!("SELECT COUNT(*) FROM {}", "(SELECT * FROM ".repeat(count / 4)), false),
            (format!("{select}year IN ({}1999)", "1,".repeat(10 * MAX_WORDS)), true),
        ];
        for (sql, planned) in chains {
            let found = plan(&sql);
            if planned {
                assert!(found.is_ok(), "{}: {:?}", &sql[..80], found.err());
            }
            if let Ok(plan) = found {
                let tables = crate::PatientTables::new(&tables, &schema()).unwrap();
                crate::run(&plan, &tables, &mut crate::noise::SilentNoise).unwrap();
                assert_ne!(plan.question_key(b""), plan.question_key(b"1"));
            }
        }
    }
    let long = format!("{select}year IN ({}1)", "1,".repeat(MAX_SQL_BYTES / 2));
    assert!(plan(&long).unwrap_err().to_string().contains("bytes"));
}

#[test]
fn epsilon_is_divided_over_the_aggregates_and_their_parts() {
    let ask =
        |sql: &str, milli| super::plan(&Question::new(sql, Epsilon::from_milli(milli)), &schema());
    let sql = "SELECT COUNT(*), SUM(value), VARIANCE(value) FROM observation";
    let cost = ask(sql, 1000).unwrap().cost();
    let shares: Vec<f64> = cost.aggregates.iter().filter_map(|one| one.epsilon).collect();
    assert_eq!(shares, [0.333_333; 3]);
    // 4 rows of one patient at a third of epsilon each.
    assert!((cost.aggregates[0].scale - 12.0).abs() < 1e-4, "{cost}");
    assert!(matches!(ask(sql, 0), Err(Refusal::EpsilonTooSmall { .. })));
    assert!(ask("SELECT COUNT(*) FROM patient", 1).is_ok());
    assert!(ask("SELECT COUNT(*) FROM patient", 0).is_err());
}

#[test]
fn sensitivities_come_from_published_bounds() {
    for (sql, expected) in [
        ("SELECT COUNT(*) FROM patient", 1.0),
        ("SELECT COUNT(*) FROM patient GROUP BY sex", 1.0),
        ("SELECT COUNT(*) FROM observation", 4.0),
        ("SELECT COUNT(*) FROM observation GROUP BY code, final", 4.0),
        ("SELECT COUNT(DISTINCT patient) FROM observation", 1.0),
        ("SELECT COUNT(DISTINCT patient) FROM observation GROUP BY code", 3.0),
        ("SELECT COUNT(DISTINCT patient) FROM observation GROUP BY code, final", 4.0),
        (
            "SELECT sex, COUNT(DISTINCT o.patient) FROM observation o JOIN patient p ON o.patient = p.patient GROUP BY sex",
            1.0,
        ),
        ("SELECT COUNT(*) FROM observation JOIN patient USING (patient) GROUP BY sex", 4.0),
        ("SELECT COUNT(*) FROM observation JOIN encounter USING (patient)", 12.0),
        (
            "SELECT COUNT(*) FROM observation JOIN patient USING (patient) JOIN encounter USING (patient)",
            12.0,
        ),
        ("SELECT SUM(value) FROM observation", 1200.0),
        ("SELECT SUM(value * 1000) FROM observation", 1_200_000.0),
        ("SELECT SUM(CASE WHEN code = 'other' THEN value ELSE 0 END) FROM observation", 1200.0),
        ("SELECT SUM(clamp(value, 0, 10)) FROM observation", 40.0),
        ("SELECT SUM(ABS(value)) FROM observation", 1200.0),
        ("SELECT SUM(value - 300) FROM observation", 1280.0),
        ("SELECT SUM(1) FROM observation", 4.0),
        ("SELECT AVG(value) FROM observation", 640.0),
        ("SELECT SUM(days) FROM encounter", 1095.0),
        (
            "SELECT SUM(n) FROM (SELECT patient, COUNT(*) AS n FROM observation GROUP BY patient) t",
            4.0,
        ),
        (
            "SELECT SUM(s) FROM (SELECT patient, SUM(days) AS s FROM encounter GROUP BY patient) t",
            1095.0,
        ),
        ("SELECT COUNT(*) FROM (SELECT DISTINCT patient, code FROM observation) t", 4.0),
        ("SELECT MEDIAN(value) FROM observation", 4.0),
        ("SELECT COUNT(*) FROM patient p LEFT JOIN observation o USING (patient)", 4.0),
    ] {
        let cost = plan(sql).unwrap().cost();
        assert!((cost.aggregates[0].sensitivity - expected).abs() < 1e-6, "{sql}: {cost}");
    }
}

#[test]
fn a_question_may_narrow_the_limits_but_never_widen_them() {
    let ask = |limits| {
        let sql = "SELECT code, COUNT(*) FROM observation GROUP BY code";
        plan_with(&Question { limits, ..Question::new(sql, Epsilon::from_milli(1000)) })
            .unwrap()
            .cost()
    };
    let wide = ask(AskedLimits { max_rows: Some(100), ..AskedLimits::default() });
    assert_eq!((wide.max_rows_per_person, wide.max_groups), (4, 3));
    let narrow =
        AskedLimits { max_rows: Some(3), max_groups: Some(2), max_rows_per_group: Some(1) };
    let narrow = ask(narrow);
    assert_eq!(
        (narrow.max_rows_per_person, narrow.max_rows_per_group, narrow.max_groups),
        (3, 1, 2)
    );
    assert!((narrow.aggregates[0].sensitivity - 2.0).abs() < 1e-9);
}

#[test]
fn the_explanation_says_what_an_analyst_needs_before_spending() {
    let plan = plan(
        "SELECT sex, COUNT(*), AVG(value), MEDIAN(year) FROM observation JOIN patient USING (patient) GROUP BY sex",
    );
    let expected = "\
cost: epsilon 1, laplace noise
groups answered: 4
rows counted for one patient: at most 4, in a group 4; groups of one patient: at most 1
count(*): epsilon 0.3333, sensitivity 4, noise scale 12, 95 % within \u{b1}36
avg(observation.value): epsilon 0.3333, sensitivity 640, noise scale 3840.0154, 95 % within \u{b1}11503.";
    let text = plan.unwrap().cost().to_string();
    assert!(text.starts_with(expected), "{text}");
    assert!(
        text.contains(" divided by the number of values, and what their noisy number adds\n"),
        "{text}"
    );
    assert!(text.contains("median(observation.year): epsilon 0.3333, sensitivity 4,"), "{text}");
    assert!(text.contains("rows of the true rank\n"), "{text}");
    assert!(
        text.contains("rule: values in avg(observation.value) are held to -20 .. 300\n"),
        "{text}"
    );
}

#[test]
fn one_question_has_one_key_whatever_its_spacing_names_and_order() {
    let key = |sql: &str, context: &[u8]| plan(sql).unwrap().question_key(context);
    let one = key("SELECT COUNT(*) FROM patient WHERE sex = 'male'", b"1");
    assert_eq!(one, key("select   COUNT(*)\nfrom patient where sex='male'", b"1"));
    assert_eq!(
        one,
        key("SELECT COUNT(1) AS n FROM patient p WHERE p.sex = 'male' ORDER BY n LIMIT 5", b"1")
    );
    assert_ne!(one, key("SELECT COUNT(*) FROM patient WHERE sex = 'female'", b"1"));
    let joined = "SELECT COUNT(*) FROM patient p JOIN observation o ON p.patient = o.patient";
    let crossed = "SELECT COUNT(*) FROM patient p, observation o WHERE p.patient = o.patient";
    assert_eq!(key(joined, b"1"), key(crossed, b"1"));
    assert_ne!(one, key("SELECT COUNT(*) FROM patient WHERE sex = 'male'", b"2"));
    assert_ne!(one, key("SELECT COUNT(deceased) FROM patient WHERE sex = 'male'", b"1"));
    // A quote within a literal stays a quote within a literal.
    let tricky = key("SELECT COUNT(*) FROM observation WHERE note = 'a'' OR note = ''b'", b"");
    assert_ne!(tricky, key("SELECT COUNT(*) FROM observation WHERE note = 'a' OR note = 'b'", b""));
}

#[test]
fn gaussian_noise_and_unpublished_groups_need_a_delta_and_account_for_it() {
    let ask = |sql: &str, mechanism, delta: f64| {
        plan_with(&Question {
            mechanism: Some(mechanism),
            delta: Delta::from_number(delta).unwrap(),
            ..Question::new(sql, Epsilon::from_milli(1000))
        })
    };
    let count = "SELECT COUNT(*) FROM patient";
    let notes = "SELECT note, COUNT(*) FROM observation GROUP BY note";
    assert!(matches!(ask(count, Mechanism::Gaussian, 0.0), Err(Refusal::NoDelta { .. })));
    let loss = ask(count, Mechanism::Gaussian, 1e-6).unwrap().loss();
    assert!((0.015..0.03).contains(&loss.rho.number()), "{loss:?}");
    assert_eq!(loss.slack, Delta::ZERO);
    // Laplace noise over published groups takes no delta even where one is offered.
    assert_eq!(ask(count, Mechanism::Laplace, 1e-6).unwrap().loss().delta, Delta::ZERO);
    let plan = ask(notes, Mechanism::Laplace, 1e-6).unwrap();
    assert_eq!(plan.loss().delta, Delta::from_number(1e-6).unwrap());
    assert_eq!(plan.group_count(), None);
    let least = plan.cost().threshold.unwrap();
    // Presence in up to 4 groups at half of epsilon: scale 8, and ln(4e6) of it.
    assert!((115..130).contains(&least), "{least}");
    let loss = ask(notes, Mechanism::Gaussian, 1e-6).unwrap().loss();
    assert_eq!(loss.slack.atto() * 2, loss.delta.atto());
}

#[test]
fn limit_zero_is_answered_without_being_asked() {
    let answer = plan("SELECT sex, COUNT(*) FROM patient GROUP BY sex LIMIT 0")
        .unwrap()
        .known_answer()
        .unwrap();
    assert_eq!((answer.rows.len(), answer.columns.len(), answer.epsilon.milli()), (0, 2, 0));
    let known = |sql: &str| plan(sql).unwrap().known_answer().is_some();
    assert!(!known("SELECT COUNT(*) FROM patient LIMIT 1"));
    // Beyond the last group, of which there are four.
    assert!(known("SELECT sex, COUNT(*) FROM patient GROUP BY sex LIMIT 5 OFFSET 4"));
    assert!(known("SELECT COUNT(*) FROM patient OFFSET 1"));
    assert!(!known("SELECT sex, COUNT(*) FROM patient GROUP BY sex OFFSET 3"));
}

#[test]
fn what_the_custodian_does_not_allow_does_not_exist() {
    let mut schema: PublicSchema = schema();
    schema.tables[0].allowed = false;
    schema.tables[1].columns[0].allowed = false;
    let ask = |sql: &str| {
        super::plan(&Question::new(sql, Epsilon::from_milli(1000)), &schema).unwrap_err()
    };
    assert!(ask("SELECT COUNT(*) FROM patient").to_string().contains("no table `patient`"));
    let refused = ask("SELECT code, COUNT(*) FROM observation GROUP BY code").to_string();
    assert!(refused.contains("column `code`"), "{refused}");
}

/// The values of the first group column.
fn groups(sql: &str, schema: &PublicSchema) -> Vec<Key> {
    let question = Question::new(sql, Epsilon::from_milli(1000));
    let plan = super::plan(&question, schema).unwrap_or_else(|refusal| panic!("{sql}: {refusal}"));
    plan.release.groups[0].domain.clone().unwrap().to_vec()
}

#[test]
fn groups_are_the_values_that_can_come_out_and_no_others() {
    let numbers = |numbers: &[i64]| numbers.iter().copied().map(Key::Integer).collect::<Vec<_>>();
    let texts = |texts: &[&str]| texts.iter().map(|text| Key::Text((*text).into())).collect();
    let decades: Vec<i64> = (190..=210).map(|decade| decade * 10).collect();
    for (group, expected) in [
        ("floor(year / 10) * 10", numbers(&decades)),
        ("year / 50 * 50", numbers(&[1900, 1950, 2000, 2050, 2100])),
        ("CAST(year / 100.0 AS INT) * 100", numbers(&[1900, 2000, 2100])),
        ("CAST(ROUND(year / 100.0) AS INT)", numbers(&[19, 20, 21])),
        ("year - year % 100", numbers(&[1900, 2000, 2100])),
        ("(2024 - year) / 100", numbers(&[0, 1])),
        ("LEAST(year, 1902)", numbers(&[1900, 1901, 1902])),
        ("clamp(year, 1950, 1951) + 1", numbers(&[1951, 1952])),
        ("CASE WHEN year < 1902 THEN year ELSE 0 END", numbers(&[0, 1900, 1901])),
        ("width_bucket(value, 0, 300, 3) * 100", numbers(&[0, 100, 200, 300, 400])),
        ("bucket(value, -50, 0, 1000)", texts(&["[-50, 0)", "[0, 1000)"])),
        ("CAST(final AS INT) * 5", numbers(&[0, 5])),
        (
            "CASE code WHEN '8867-4' THEN 'rate' WHEN '29463-7' THEN 'weight' WHEN 'other' THEN 'other' END",
            texts(&["rate", "weight", "other"]),
        ),
        ("CASE code WHEN '8867-4' THEN 'rate' ELSE 'else' END", texts(&["rate", "else"])),
        ("CASE code WHEN '8867-4' THEN 'rate' END", [texts(&["rate"]), vec![Key::Null]].concat()),
        ("100 / (year - 1999) / 50", [numbers(&[-2, -1, 0, 1, 2]), vec![Key::Null]].concat()),
        // Rows without a year can be there although that is not published.
        ("COALESCE(year, 0) / 1000", numbers(&[0, 1, 2])),
        ("year / 100 + LENGTH(code) * 0", numbers(&[19, 20, 21])),
        // Decimal numbers on steps are groups by the number of their step.
        ("FLOOR(year / 100.0)", numbers(&[19, 20, 21])),
        ("FLOOR(year / 100.0) * 100", numbers(&[19, 20, 21])),
        ("ROUND(year / 100.0, 1) - 19", numbers(&(0..=20).collect::<Vec<_>>())),
        ("CAST(FLOOR(year / 100.0) AS INT)", numbers(&[19, 20, 21])),
        ("FLOOR(value / 100)", numbers(&[-1, 0, 1, 2, 3])),
        ("ROUND(value, -2)", numbers(&[0, 1, 2, 3])),
        ("TRUNC(value / 200) / 2", numbers(&[0, 1])),
        (
            "FLOOR(value / 0.5) * 0.5 - ROUND(clamp(value, 0, 0))",
            numbers(&(-40..=600).collect::<Vec<_>>()),
        ),
        ("SIGN(year - 2000)", numbers(&[-1, 0, 1])),
        ("POWER(CAST(final AS INT), 2)", numbers(&[0, 1])),
        ("CAST(value / 100 AS DECIMAL(5, 0))", numbers(&[0, 1, 2, 3])),
    ] {
        let sql = format!("SELECT {group} AS g, COUNT(*) FROM observation GROUP BY g");
        assert_eq!(groups(&sql, &schema()), expected, "{group}");
        let sql = format!(
            "SELECT g, COUNT(*) FROM (SELECT patient, {group} AS g FROM observation) t GROUP BY g"
        );
        assert_eq!(groups(&sql, &schema()), expected, "{group}");
    }
}

#[test]
fn groups_of_numbers_of_rows_begin_with_one() {
    let ask = |count: &str| {
        let sql = format!(
            "SELECT n, COUNT(*) FROM (SELECT patient, {count} AS n FROM observation GROUP BY patient) t GROUP BY n"
        );
        groups(&sql, &schema())
    };
    let numbers = |from: i64| (from..=4).map(Key::Integer).collect::<Vec<_>>();
    assert_eq!((ask("COUNT(*)"), ask("COUNT(value)")), (numbers(1), numbers(0)));
}

#[test]
fn conditions_on_a_grouped_column_leave_the_groups_for_which_they_can_hold() {
    let mut nullable: PublicSchema = schema();
    let columns = nullable.tables.iter_mut().flat_map(|table| &mut table.columns);
    columns.for_each(|column| column.nullable = true);
    let years = |years: std::ops::RangeInclusive<i64>| years.map(Key::Integer).collect::<Vec<_>>();
    let ask = |condition: &str, group: &str| {
        let sql =
            format!("SELECT {group} AS g, COUNT(*) FROM observation WHERE {condition} GROUP BY g");
        groups(&sql, &nullable)
    };
    let text = |text: &str| vec![Key::Text(text.into())];
    assert_eq!(ask("year BETWEEN 1903 AND 1905", "year"), years(1903..=1905));
    assert_eq!(
        ask("year > 2000 AND value > 3 AND NOT year = 2002 AND year < 2004", "year").len(),
        2
    );
    assert_eq!(ask("year >= 2050", "year / 50"), years(41..=42));
    assert_eq!(ask("code = 'other'", "code"), text("other"));
    assert_eq!(ask("code LIKE '8%' OR code = 'none'", "code"), text("8867-4"));
    assert_eq!(ask("final IS NOT NULL", "final"), [Key::Flag(false), Key::Flag(true)]);
    assert_eq!(ask("final IS NULL OR final", "final"), [Key::Flag(true), Key::Null]);
    assert_eq!(ask("year IS NOT NULL", "year").len(), 201);
    assert_eq!(ask("value > 3", "year").len(), 202);
    // A condition about two columns says nothing of one of them.
    assert_eq!(ask("year > 2000 OR code = 'other'", "year").len(), 202);
    // Neither bounds nor the noise of sums follow.
    let sum = |condition: &str| {
        let plan = plan(&format!("SELECT SUM(year) FROM observation WHERE {condition}")).unwrap();
        plan.cost().aggregates[0].sensitivity
    };
    assert!((sum("year < 1910") - sum("value > 3")).abs() < 1e-9);
}

#[test]
fn conditions_on_one_side_of_a_join_are_asked_of_its_rows_and_not_of_pairs() {
    let parts = |relation: &Relation| match relation {
        Relation::Filter { condition: Scalar::All(parts), .. } => parts.len(),
        _ => 0,
    };
    let asked = |sql: &str| {
        let relation = plan(sql).unwrap().release.relation;
        let above = parts(&relation);
        let join = match relation {
            Relation::Filter { input, .. } => *input,
            other => other,
        };
        let Relation::Join { left, right, condition, .. } = join else { panic!("{sql}: {join:?}") };
        (parts(&left), parts(&right), condition.is_some(), above)
    };
    for (sql, expected) in [
        (
            "v JOIN observation w ON v.patient = w.patient WHERE v.note LIKE '%a_a%' AND w.value > 3 AND v.year < w.year",
            (1, 1, false, 1),
        ),
        (
            "v JOIN observation w ON v.patient = w.patient AND w.note LIKE '%a_a%' AND v.year < w.year",
            (0, 1, false, 1),
        ),
        (
            "v, observation w WHERE v.patient = w.patient AND v.note LIKE 'a%' AND v.final AND TRUE",
            (2, 0, false, 1),
        ),
        // A row that is left alone is there whatever its partners hold.
        (
            "v LEFT JOIN observation w ON v.patient = w.patient AND w.final WHERE v.note LIKE 'a%' AND w.note IS NULL",
            (1, 0, true, 1),
        ),
    ] {
        assert_eq!(asked(&format!("SELECT COUNT(*) FROM observation {sql}")), expected, "{sql}");
    }
}

#[test]
fn what_is_computed_for_each_pair_of_a_patients_rows_is_bounded() {
    // Nine tables of four rows: 262,144 pairs.
    let joined = |table: &str| {
        let join = |other| format!(" JOIN observation o{other} ON o{other}.patient = a.patient");
        let joins: String = (1..9).map(join).collect();
        format!("SELECT COUNT(*) FROM {table} a{joins} WHERE a.value < o1.value")
    };
    assert!(plan(&joined("observation")).is_ok());
    let sum = |terms: &str| vec![terms; 30].join(" + ");
    let of_pairs = format!("{} AND {} < 5", joined("observation"), sum("a.value + o8.value"));
    let refusal = plan(&of_pairs).unwrap_err().to_string();
    assert!(refusal.contains("for each pair of a patient's rows"), "{refusal}");
    let letters = "LOWER(a.note) = UPPER(o8.note)";
    let refusal = plan(&format!("{} AND {letters}", joined("observation"))).unwrap_err();
    assert!(refusal.to_string().contains("for each pair"), "texts are read letter by letter");
    // What the refusal suggests, and the same without pairs.
    let before = format!("(SELECT patient, {} AS value FROM observation)", sum("value"));
    assert!(plan(&joined(&before)).is_ok());
    let alone = format!("SELECT COUNT(*) FROM observation WHERE {} < 5", sum("value * value"));
    assert!(plan(&alone).is_ok());
}
