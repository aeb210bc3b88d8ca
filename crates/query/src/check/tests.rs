#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::fixture::{plan, schema};

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
    ("EXPLAIN ANALYZE SELECT COUNT(*) FROM patient", "other than SELECT"),
    ("SET x = 1", "other than SELECT"),
    // Rows.
    ("SELECT * FROM patient", "Output of rows"),
    ("SELECT sex FROM patient", "Output of rows"),
    ("SELECT patient FROM patient LIMIT 1", "Output of rows"),
    ("SELECT sex FROM patient ORDER BY sex", "Output of rows"),
    ("SELECT DISTINCT sex FROM patient", "SELECT DISTINCT"),
    ("SELECT DISTINCT COUNT(*) FROM patient", "SELECT DISTINCT"),
    ("SELECT 1", "Output of rows"),
    ("SELECT COUNT(*)", "without a table"),
    ("VALUES (1)", "Output of rows"),
    ("TABLE patient", "not valid SQL"),
    // Other shapes.
    ("SELECT COUNT(*) FROM patient UNION SELECT COUNT(*) FROM patient", "DISTINCT"),
    ("SELECT COUNT(*) FROM patient UNION ALL SELECT COUNT(*) FROM patient", "set operation"),
    ("SELECT COUNT(*) FROM patient EXCEPT SELECT COUNT(*) FROM patient", "set operation"),
    ("SELECT COUNT(*) FROM patient INTERSECT SELECT COUNT(*) FROM patient", "set operation"),
    ("SELECT COUNT(*) OVER () FROM patient", "window function"),
    ("SELECT ROW_NUMBER() OVER (ORDER BY value) FROM observation", "window function"),
    ("SELECT SUM(COUNT(*)) OVER () FROM patient GROUP BY sex", "window function"),
    ("SELECT COUNT(*) FROM (SELECT * FROM patient) p", "subquery or WITH"),
    ("SELECT COUNT(*) FROM (SELECT * FROM patient LIMIT 1) p", "subquery or WITH"),
    ("SELECT SUM(n) FROM (SELECT COUNT(*) n FROM patient GROUP BY sex) t", "subquery or WITH"),
    ("SELECT * FROM (SELECT COUNT(*) FROM patient) t", "subquery or WITH"),
    ("WITH p AS (SELECT * FROM patient) SELECT COUNT(*) FROM p", "subquery or WITH"),
    ("SELECT COUNT(*) FROM patient WHERE sex = (SELECT MIN(sex) FROM patient)", "subquery or WITH"),
    ("SELECT COUNT(*) FROM patient WHERE sex IN (SELECT sex FROM patient)", "subquery or WITH"),
    ("SELECT COUNT(*) FROM patient WHERE EXISTS (SELECT 1 FROM patient)", "subquery or WITH"),
    ("SELECT (SELECT COUNT(*) FROM patient) FROM patient", "Output of rows"),
    ("SELECT sex, COUNT(*) FROM patient GROUP BY sex HAVING COUNT(*) > 3", "HAVING"),
    ("SELECT COUNT(*) FROM patient HAVING COUNT(*) > 3", "HAVING"),
    // Tables and joins.
    ("SELECT COUNT(*) FROM nobody", "no table `nobody`"),
    ("SELECT COUNT(*) FROM information_schema.tables", "system table"),
    ("SELECT COUNT(*) FROM main.patient", "system table"),
    ("SELECT COUNT(*) FROM generate_series(1, 9)", "table function"),
    ("SELECT COUNT(*) FROM patient, observation", "join other than"),
    ("SELECT COUNT(*) FROM patient CROSS JOIN observation", "join other than"),
    ("SELECT COUNT(*) FROM observation LEFT JOIN patient USING (patient)", "join other than"),
    ("SELECT COUNT(*) FROM observation o JOIN patient p ON o.code = p.sex", "join other than"),
    (
        "SELECT COUNT(*) FROM observation o JOIN patient p ON o.patient <> p.patient",
        "join other than",
    ),
    (
        "SELECT COUNT(*) FROM observation o JOIN patient p ON o.patient = o.patient",
        "join other than",
    ),
    (
        "SELECT COUNT(*) FROM observation o JOIN patient p ON o.patient = p.patient AND o.year = 1",
        "join other than",
    ),
    ("SELECT COUNT(*) FROM observation JOIN encounter USING (patient)", "several rows a patient"),
    ("SELECT COUNT(*) FROM patient a JOIN patient b USING (patient)", "several rows a patient"),
    (
        "SELECT COUNT(*) FROM observation JOIN patient USING (patient) JOIN encounter USING (patient)",
        "more than two tables",
    ),
    ("SELECT COUNT(*) FROM unbounded", "no usable bound"),
    // Aggregates.
    ("SELECT MIN(value) FROM observation", "MIN"),
    ("SELECT MAX(value) FROM observation", "MAX"),
    ("SELECT MEDIAN(value) FROM observation", "MEDIAN"),
    ("SELECT STDDEV(value) FROM observation", "STDDEV"),
    ("SELECT ARRAY_AGG(value) FROM observation", "ARRAY_AGG"),
    ("SELECT STRING_AGG(note, ',') FROM observation", "STRING_AGG"),
    ("SELECT FIRST_VALUE(value) FROM observation", "FIRST_VALUE"),
    ("SELECT CORR(value, year) FROM observation", "CORR"),
    ("SELECT COUNT(DISTINCT sex) FROM patient", "COUNT(DISTINCT patient)"),
    ("SELECT COUNT(DISTINCT patient, sex) FROM patient", "COUNT(DISTINCT patient)"),
    ("SELECT COUNT(NULL) FROM patient", "COUNT of an expression"),
    ("SELECT COUNT(1 + 1) FROM patient", "COUNT of an expression"),
    ("SELECT COUNT(value / year) FROM observation", "COUNT of an expression"),
    ("SELECT SUM(DISTINCT value) FROM observation", "SUM(DISTINCT"),
    ("SELECT SUM(value * 1000) FROM observation", "SUM of an expression"),
    ("SELECT SUM(1) FROM observation", "SUM of an expression"),
    (
        "SELECT SUM(CASE WHEN code = 'other' THEN 1 ELSE 0 END) FROM observation",
        "SUM of an expression",
    ),
    ("SELECT AVG(1 / (year - 1975)) FROM observation", "AVG of an expression"),
    ("SELECT SUM(deceased) FROM patient", "SUM and AVG of number columns"),
    ("SELECT AVG(patient) FROM patient", "AVG"),
    ("SELECT SUM(x) FROM endless", "no usable bound"),
    ("SELECT COUNT(*) FILTER (WHERE sex = 'male') FROM patient", "FILTER"),
    ("SELECT COUNT(*) + 1 FROM patient", "Arithmetic"),
    ("SELECT SUM(value) / COUNT(*) FROM observation", "Arithmetic"),
    ("SELECT 'x', COUNT(*) FROM patient", "Arithmetic"),
    ("SELECT ABS(COUNT(*)) FROM patient", "function"),
    ("SELECT COUNT(*) FROM patient WHERE RANDOM() < 0.5", "function"),
    ("SELECT COUNT(*) FROM patient WHERE LENGTH(sex) = 4", "function"),
    ("SELECT COUNT(*) FROM patient WHERE COALESCE(sex, 'x') = 'x'", "function"),
    // Groups.
    ("SELECT patient, COUNT(*) FROM patient GROUP BY patient", "the patient column"),
    ("SELECT COUNT(*) FROM observation GROUP BY note", "a text without a published list"),
    ("SELECT COUNT(*) FROM observation GROUP BY value", "a number"),
    ("SELECT COUNT(*) FROM observation GROUP BY year", "a number"),
    ("SELECT COUNT(*) FROM observation GROUP BY year / 10", "GROUP BY over an expression"),
    ("SELECT COUNT(*) FROM patient GROUP BY sex = 'male'", "GROUP BY over an expression"),
    ("SELECT sex, COUNT(*) FROM patient GROUP BY ROLLUP (sex)", "ROLLUP"),
    ("SELECT sex FROM patient GROUP BY sex", "without an aggregate"),
    ("SELECT COUNT(*) FROM encounter GROUP BY ward, bed", "more than 10000 groups"),
    // Conditions.
    ("SELECT COUNT(*) FROM patient WHERE patient = 'abc'", "patient column"),
    ("SELECT COUNT(*) FROM patient WHERE 'abc' < patient", "patient column"),
    ("SELECT COUNT(*) FROM patient WHERE patient IN ('abc')", "patient column"),
    ("SELECT COUNT(*) FROM patient WHERE patient IS NOT NULL", "patient column"),
    ("SELECT COUNT(*) FROM patient WHERE patient LIKE 'a%'", "LIKE"),
    ("SELECT COUNT(*) FROM observation WHERE code LIKE '8%'", "LIKE"),
    ("SELECT COUNT(*) FROM observation WHERE code ~ '8.*'", "operator"),
    ("SELECT COUNT(*) FROM observation WHERE value = year", "two columns"),
    ("SELECT COUNT(*) FROM observation WHERE 1 / (year - 1975) > 0", "Arithmetic"),
    ("SELECT COUNT(*) FROM observation WHERE year + 1 = 2000", "Arithmetic"),
    ("SELECT COUNT(*) FROM observation WHERE CAST(note AS INT) = 1", "conversion"),
    ("SELECT COUNT(*) FROM observation WHERE CASE WHEN year = 1 THEN 1/0 ELSE 1 END = 1", "CASE"),
    ("SELECT COUNT(*) FROM patient WHERE sex = NULL", "IS NULL"),
    ("SELECT COUNT(*) FROM patient WHERE sex = 5", "text in single quotes"),
    ("SELECT COUNT(*) FROM observation WHERE value = 'x'", "a number"),
    ("SELECT COUNT(*) FROM observation WHERE note", "boolean"),
    ("SELECT COUNT(*) FROM patient WHERE 1 = 1", "without a column"),
    ("SELECT COUNT(*) FROM patient WHERE age > 5", "no table of the question has a column `age`"),
    ("SELECT COUNT(*) FROM patient WHERE sex = $1", "parameter"),
    ("SELECT COUNT(*) FROM patient WHERE sex = @@version", "planned"),
    ("SELECT AVG(nothing) FROM observation", "column `nothing`"),
    // After the noise.
    ("SELECT sex, COUNT(*) FROM patient GROUP BY sex ORDER BY COUNT(deceased)", "ORDER BY"),
    ("SELECT sex, COUNT(*) FROM patient GROUP BY sex ORDER BY COUNT(*) + 1", "ORDER BY"),
    ("SELECT COUNT(*) FROM patient LIMIT (SELECT COUNT(*) FROM patient)", "LIMIT"),
];

#[test]
fn everything_that_is_not_supported_is_refused_by_name() {
    let mut wrong = Vec::new();
    for (sql, words) in REFUSED {
        match plan(sql) {
            Ok(_) => wrong.push(format!("ANSWERED {sql}")),
            Err(refusal) => {
                let text = refusal.to_string();
                if !text.to_lowercase().contains(&words.to_lowercase()) || text.contains('\n') {
                    wrong.push(format!("{sql}\n   -> {text}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn everything_that_is_supported_is_planned() {
    for sql in [
        "SELECT COUNT(*) FROM patient",
        "select count(1), count(sex), count(patient), count(distinct patient) from patient;",
        "SELECT SUM(value), AVG(value), SUM(year) AS y FROM observation",
        "SELECT sex, deceased, COUNT(*) AS n FROM patient GROUP BY sex, deceased ORDER BY n DESC, sex LIMIT 3 OFFSET 1",
        "SELECT sex AS s, COUNT(*) FROM patient GROUP BY 1 ORDER BY 2",
        "SELECT sex, COUNT(*) FROM patient GROUP BY sex ORDER BY COUNT(*) DESC",
        "SELECT COUNT(*) FROM patient GROUP BY sex",
        "SELECT COUNT(*) a, COUNT(*) b FROM patient",
        "SELECT p.sex, AVG(o.value) FROM observation AS o JOIN patient p ON p.patient = o.patient GROUP BY p.sex",
        "SELECT sex, code, COUNT(DISTINCT patient.patient) FROM patient JOIN observation USING (patient) WHERE NOT deceased GROUP BY sex, code",
        "SELECT COUNT(*) FROM observation NATURAL JOIN patient",
        "SELECT COUNT(*) FROM patient WHERE sex = 'male' AND (deceased OR deceased IS NULL) AND deceased IS NOT TRUE",
        "SELECT COUNT(*) FROM patient WHERE deceased = false AND TRUE",
        "SELECT COUNT(*) FROM observation WHERE code IN ('8867-4', 'x') AND note NOT IN ('y')",
        "SELECT COUNT(*) FROM observation WHERE value BETWEEN -1 AND 2.5 OR year NOT BETWEEN 1900 AND 2000",
        "SELECT COUNT(*) FROM observation WHERE 5 < value AND year >= 1999.5 AND wide <= -9223372036854775808",
        "SELECT COUNT(*) FROM observation WHERE wide < 99999999999999999999 AND value <> -0.5 AND year IS DISTINCT FROM 2000",
    ] {
        if let Err(refusal) = plan(sql) {
            panic!("{sql}\n{refusal}");
        }
    }
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
            (format!("{select}year = 1{}", " + 1".repeat(2 * count)), false),
            (format!("{select}year{}", "::INT".repeat(count)), false),
            (format!("{select}final{}", " IS NULL".repeat(count)), false),
            (format!("SELECT 1{}", " UNION SELECT 1".repeat(count)), false),
            (format!("SELECT COUNT(*) FROM patient{}", ", patient".repeat(2 * count)), false),
            (format!("SELECT COUNT(*) FROM {}", "(SELECT * FROM ".repeat(count / 4)), false),
            (format!("{select}year IN ({}1)", "1,".repeat(10 * MAX_WORDS)), true),
        ];
        for (sql, planned) in chains {
            let found = plan(&sql);
            assert_eq!(found.is_ok(), planned, "{}: {:?}", &sql[..80], found.err());
            if let Ok(plan) = found {
                crate::run(&plan, &tables, &mut crate::noise::SilentNoise).unwrap();
                assert_ne!(plan.question_key(b""), plan.question_key(b"1"));
            }
        }
    }
    let long = format!("{select}year IN ({}1)", "1,".repeat(MAX_SQL_BYTES / 2));
    assert!(plan(&long).unwrap_err().to_string().contains("bytes"));
}

#[test]
fn epsilon_is_divided_over_the_aggregates_in_whole_thousandths() {
    let ask = |sql: &str, milli| {
        check(&Question { sql: sql.into(), epsilon: Epsilon::from_milli(milli) }, &schema())
    };
    let sql = "SELECT COUNT(*), SUM(value), AVG(value) FROM observation";
    let plan = ask(sql, 1000).unwrap();
    let shares: Vec<u32> = plan.aggregates.iter().map(|one| one.epsilon.milli()).collect();
    assert_eq!(shares, [334, 333, 333]);
    for (milli, needed) in [(0, 6), (2, 6), (5, 6)] {
        let needed = Epsilon::from_milli(needed);
        let given = Epsilon::from_milli(milli);
        assert_eq!(ask(sql, milli).unwrap_err(), Refusal::EpsilonTooSmall { given, needed });
    }
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
        ("SELECT SUM(value) FROM observation", 1200.0),
        ("SELECT AVG(value) FROM observation", 640.0),
        ("SELECT SUM(days) FROM encounter", 1095.0),
    ] {
        let cost = plan(sql).unwrap().cost();
        assert!((cost.aggregates[0].sensitivity - expected).abs() < 1e-6, "{sql}: {cost}");
    }
}

#[test]
fn the_explanation_says_what_an_analyst_needs_before_spending() {
    let plan = plan(
        "SELECT sex, COUNT(*), AVG(value) FROM observation JOIN patient USING (patient) GROUP BY sex",
    );
    let expected = "\
cost: epsilon 1
groups answered: 4
rows counted for one patient: at most 4
count(*): epsilon 0.5, sensitivity 4, noise scale 8.0000, 95 % within \u{b1}24.0000
avg(observation.value): epsilon 0.5, sensitivity 640, noise scale 2560.0000, 95 % within \u{b1}7669.0746 divided by the number of values (half of its epsilon counts them)
";
    assert_eq!(plan.unwrap().cost().to_string(), expected);
}

#[test]
fn one_question_has_one_key_whatever_its_spacing() {
    let key = |sql: &str, context: &[u8]| plan(sql).unwrap().question_key(context);
    let one = key("SELECT COUNT(*) FROM patient WHERE sex = 'male'", b"1");
    assert_eq!(one, key("select   COUNT(*)\nfrom patient where sex='male'", b"1"));
    assert_ne!(one, key("SELECT COUNT(*) FROM patient WHERE sex = 'Male'", b"1"));
    assert_ne!(one, key("SELECT COUNT(*) FROM patient WHERE sex = 'male'", b"2"));
    // A quote within a literal stays a quote within a literal.
    let tricky = key("SELECT COUNT(*) FROM patient WHERE sex = 'a'' OR sex = ''b'", b"");
    assert_ne!(tricky, key("SELECT COUNT(*) FROM patient WHERE sex = 'a' OR sex = 'b'", b""));
}
