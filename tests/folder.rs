//! `caduceus query run` and `explain`: private questions to a folder of tables, without a home.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{caduceus, folder, json, refused, run, said, text};

const SCHEMA: &str = r#"
[budget]
epsilon = 3.0
delta = 1e-6
[budget.researcher]
epsilon = 2.0
delta = 1e-6
[tables.patient]
patient = "id"
max_rows = 1
[tables.patient.columns.sex]
type = "text"
values = ["female", "male", "other"]
[tables.patient.columns.age]
type = "integer"
lower = 0
upper = 120
nullable = true
[tables.visit]
patient = "id"
max_rows = 5
[tables.visit.columns.ward]
type = "text"
[tables.visit.columns.cost]
type = "decimal"
lower = 0
upper = 1000
[tables.visit.columns.urgent]
type = "boolean"
"#;

/// 2,000 patients, every second one a woman, each with an age of 40; three visits each.
fn tables() -> TempDir {
    let dir = folder();
    let (mut patients, mut visits) =
        ("id,sex,age\n".to_owned(), "id,ward,cost,urgent\n".to_owned());
    for index in 0..2000 {
        let sex = if index % 2 == 0 { "female" } else { "male" };
        writeln!(patients, "{index},{sex},{}", if index == 7 { "unknown" } else { "40" }).unwrap();
        for visit in 0..3 {
            writeln!(visits, "{index},{},{},{}", ["A", "B", "C"][visit], 100 * visit, visit == 0)
                .unwrap();
        }
    }
    fs::write(dir.path().join("patient.csv"), patients).unwrap();
    fs::write(dir.path().join("visit.csv"), visits).unwrap();
    fs::write(dir.path().join("schema.toml"), SCHEMA).unwrap();
    dir
}

fn arguments<'a>(
    verb: &'a str,
    dir: &'a Path,
    schema: &'a str,
    sql: &'a str,
    more: &[&'a str],
) -> Vec<&'a str> {
    let start = ["query", verb, "--tables", text(dir), "--schema", schema, "--sql", sql];
    [&start[..], more].concat()
}

struct Asker {
    dir: TempDir,
    schema: String,
}

impl Asker {
    fn new() -> Self {
        let dir = tables();
        let schema = text(&dir.path().join("schema.toml")).to_owned();
        Self { dir, schema }
    }

    fn ask(&self, verb: &str, sql: &str, more: &[&str]) -> Value {
        json(&arguments(verb, self.dir.path(), &self.schema, sql, more))
    }

    /// The refusal as an object, with exit code 2.
    fn refusal(&self, sql: &str, more: &[&str]) -> Value {
        let arguments = arguments("run", self.dir.path(), &self.schema, sql, more);
        let output = run(&[&arguments[..], &["--json"]].concat());
        assert_eq!(output.status.code(), Some(2), "{sql}");
        let refusal: Value = serde_json::from_slice(&output.stdout).unwrap();
        let reason = refusal["error"]["message"].as_str().unwrap();
        assert!(String::from_utf8(output.stderr).unwrap().contains(&format!("error: {reason}")));
        refusal
    }
}

#[test]
fn a_folder_of_tables_answers_with_accuracy_and_cost() {
    let asker = Asker::new();
    let sql = "SELECT sex, COUNT(*) AS n, AVG(age) AS age FROM patient GROUP BY sex ORDER BY sex";
    let explained = asker.ask("explain", sql, &["--epsilon", "0.5"]);
    assert_eq!(explained["cost"]["epsilon"], 0.5);
    assert_eq!((&explained["groups"], &explained["affordable"]), (&3.into(), &true.into()));
    assert_eq!(explained["remaining"]["researcher"]["epsilon"], 2.0);
    assert!(!asker.dir.path().join("budget.redb").exists(), "nothing is spent by explaining");
    let answer = asker.ask("run", sql, &["--epsilon", "0.5"]);
    let row = &answer["rows"][0];
    assert_eq!(row["sex"], "female");
    let (count, width) = (row["n"].as_f64().unwrap(), answer["accuracy"][0]["n"].as_f64().unwrap());
    assert!((count - 1000.0).abs() < 10.0 * width && width < 20.0, "{answer}");
    assert!((row["age"].as_f64().unwrap() - 40.0).abs() < 20.0, "{answer}");
    assert_eq!((&answer["private"], &answer["repeated"]), (&true.into(), &false.into()));
    assert_eq!(answer["cost"]["charged"], true);
    assert_eq!(answer["remaining"]["researcher"]["epsilon"], 1.5);
    assert_eq!(answer["remaining"]["dataset"]["epsilon"], 2.5);
    assert!(!answer["clipped_by_rule"].as_array().unwrap().is_empty());
}

#[test]
fn questions_that_are_asked_at_once_are_all_answered_and_all_charged() {
    let asker = Asker::new();
    // Nobody has made the budget file yet.
    std::thread::scope(|scope| {
        for epsilon in ["0.1", "0.2", "0.3", "0.4"] {
            let asker = &asker;
            scope.spawn(move || {
                let answer =
                    asker.ask("run", "SELECT COUNT(*) AS n FROM patient", &["--epsilon", epsilon]);
                assert_eq!(answer["repeated"], false);
            });
        }
    });
    let sql = "SELECT COUNT(*) AS n FROM patient";
    let last = asker.ask("explain", sql, &["--epsilon", "0.5"]);
    assert_eq!(last["remaining"]["researcher"]["epsilon"], 1.0);
}

#[test]
fn a_repeated_question_costs_nothing_and_answers_the_same_under_other_names() {
    let asker = Asker::new();
    let first = asker.ask("run", "SELECT COUNT(*) AS n FROM patient WHERE sex = 'male'", &[]);
    let again =
        asker.ask("run", "select count(*) as m from patient p where p.sex = 'male' limit 3", &[]);
    assert_eq!(first["rows"][0]["n"], again["rows"][0]["m"]);
    assert_eq!((&again["repeated"], &again["cost"]["charged"]), (&true.into(), &false.into()));
    assert_eq!(first["remaining"], again["remaining"]);
    // Other tables are another question.
    fs::write(asker.dir.path().join("patient.csv"), "id,sex,age\n1,male,3\n").unwrap();
    let other = asker.ask("run", "SELECT COUNT(*) AS n FROM patient WHERE sex = 'male'", &[]);
    assert_eq!(other["repeated"], false);
}

#[test]
fn a_refused_question_ends_with_code_2_and_says_what_would_work() {
    let asker = Asker::new();
    for (sql, construct) in [
        ("SELECT * FROM patient", "Output of rows"),
        ("SELECT COUNT(*) FROM nobody", "table `nobody`"),
        ("SELECT ROW_NUMBER() OVER () FROM patient", "window"),
        ("SELECT COUNT(*) FROM patient UNION SELECT COUNT(*) FROM patient", "UNION"),
        ("SELECT ward, COUNT(*) FROM visit GROUP BY ward", "ward"),
        ("SELECT COUNT(*) FROM patient WHERE sex = 'mal'", "never hold"),
    ] {
        let refusal = asker.refusal(sql, &[]);
        let refused = &refusal["refused"];
        assert!(refused["construct"].as_str().unwrap().contains(construct), "{refusal}");
        assert!(!refused["suggestion"].as_str().unwrap().is_empty());
        assert!(refusal["error"]["message"].as_str().unwrap().len() > 20);
    }
    // Without --json the sentence alone.
    let arguments = arguments("run", asker.dir.path(), &asker.schema, "SELECT * FROM patient", &[]);
    assert!(refused(&arguments).contains("Output of rows"));
    assert_eq!(run(&arguments).status.code(), Some(2));
}

#[test]
fn the_budget_of_a_researcher_and_of_the_folder_hold() {
    let asker = Asker::new();
    let sql = |index: usize| format!("SELECT COUNT(*) FROM visit WHERE cost > {index}");
    asker.ask("run", &sql(1), &["--epsilon", "2"]);
    let refusal = asker.refusal(&sql(2), &["--epsilon", "0.5"]);
    assert!(
        refusal["error"]["message"].as_str().unwrap().contains("of this researcher"),
        "{refusal}"
    );
    asker.ask("run", &sql(2), &["--epsilon", "1", "--researcher", "other"]);
    let refusal = asker.refusal(&sql(3), &["--epsilon", "0.5", "--researcher", "third"]);
    assert!(refusal["error"]["message"].as_str().unwrap().contains("of this dataset"), "{refusal}");
    let explained = asker.ask("explain", &sql(3), &["--epsilon", "0.5"]);
    assert_eq!(explained["affordable"], false);
    // What was paid for stays there.
    assert_eq!(asker.ask("run", &sql(1), &["--epsilon", "2"])["repeated"], true);
}

#[test]
fn a_seed_gives_the_same_noise_and_says_that_it_is_not_private() {
    let sql = "SELECT SUM(cost) AS cost, COUNT(*) AS n FROM visit WHERE urgent";
    let seeded = Asker::new().ask("run", sql, &["--seed", "7"]);
    assert_eq!(seeded["rows"], Asker::new().ask("run", sql, &["--seed", "7"])["rows"]);
    assert_ne!(seeded["rows"], Asker::new().ask("run", sql, &["--seed", "8"])["rows"]);
    assert_eq!(seeded["private"], false);
    // A seeded answer is never given to somebody who asked for a private one.
    let asker = Asker::new();
    asker.ask("run", sql, &["--seed", "7"]);
    assert_eq!(asker.ask("run", sql, &[])["repeated"], false);
}

#[test]
fn groups_that_are_not_published_are_shown_where_many_patients_are_in_them() {
    let asker = Asker::new();
    let sql = "SELECT ward, COUNT(*) AS n FROM visit GROUP BY ward ORDER BY ward";
    let answer = asker.ask("run", sql, &["--delta", "1e-7"]);
    let wards: Vec<&str> = answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["ward"].as_str().unwrap())
        .collect();
    assert_eq!(wards, ["A", "B", "C"]);
    assert_eq!(answer["delta"], 1e-7);
    let gaussian =
        asker.ask("run", sql, &["--delta", "1e-7", "--mechanism", "gaussian", "--epsilon", "0.9"]);
    assert_eq!(gaussian["mechanism"], "gaussian");
    let error = asker.refusal(sql, &["--delta", "1e-3", "--epsilon", "0.1"]);
    assert!(error["error"]["message"].as_str().unwrap().contains("delta"), "{error}");
}

#[test]
fn a_schema_or_a_file_that_makes_no_sense_is_an_error_with_its_name_and_costs_nothing() {
    let asker = Asker::new();
    let sql = "SELECT COUNT(age) FROM patient";
    let wrong = asker.dir.path().join("wrong.toml");
    fs::write(&wrong, SCHEMA.replace("max_rows = 1", "max_row = 1")).unwrap();
    let arguments = |schema| arguments("run", asker.dir.path(), schema, sql, &[]);
    assert!(refused(&arguments(text(&wrong))).contains("max_row"));
    assert_eq!(run(&arguments(text(&wrong))).status.code(), Some(2));
    // The files are not the question, and the schema is well written: code 1.
    let failed = |words: &str| {
        assert!(refused(&arguments(&asker.schema)).contains(words));
        assert_eq!(run(&arguments(&asker.schema)).status.code(), Some(1));
    };
    fs::write(asker.dir.path().join("patient.csv"), "id,sex\n1,male\n").unwrap();
    failed("no column `age`");
    fs::remove_file(asker.dir.path().join("patient.csv")).unwrap();
    failed("patient.parquet or patient.csv");
    fs::write(asker.dir.path().join("patient.parquet"), "no parquet").unwrap();
    failed("patient.parquet");
    let explained = asker.ask("explain", sql, &[]);
    assert_eq!(explained["remaining"]["dataset"]["epsilon"], 3.0);
}

#[test]
fn a_question_may_begin_with_a_comment_and_come_from_a_file_or_the_standard_input() {
    let asker = Asker::new();
    let sql = "-- how many\nSELECT COUNT(*) AS n FROM patient";
    let first = asker.ask("run", sql, &[]);
    let file = asker.dir.path().join("question.sql");
    fs::write(&file, sql).unwrap();
    let again = asker.ask("run", &format!("@{}", text(&file)), &[]);
    assert_eq!((&again["repeated"], &again["sql"]), (&true.into(), &sql.into()));
    assert_eq!(first["rows"], again["rows"]);
    let mut asking = caduceus(&arguments("run", asker.dir.path(), &asker.schema, "-", &["--json"]));
    asking.stdin(fs::File::open(&file).unwrap());
    let answer: Value = serde_json::from_slice(&asking.output().unwrap().stdout).unwrap();
    assert_eq!((&answer["repeated"], &answer["rows"]), (&true.into(), &first["rows"]));
    let missing = arguments("run", asker.dir.path(), &asker.schema, "@nothing.sql", &[]);
    assert!(refused(&missing).contains("nothing.sql"));
    assert_eq!(run(&missing).status.code(), Some(1));
    // An option in its place is none.
    let option = arguments("run", asker.dir.path(), &asker.schema, "--json", &[]);
    assert!(refused(&option).contains("--sql takes the question"));
    assert_eq!(run(&option).status.code(), Some(2));
    assert!(
        asker.refusal("-- nothing else", &[])["error"]["message"]
            .as_str()
            .unwrap()
            .contains("a comment alone")
    );
}

#[test]
fn whoever_holds_the_folder_sees_which_values_do_not_count_as_they_stand() {
    let asker = Asker::new();
    let visits = "id,ward,cost,urgent\n1,A,5,true\n1,B,1001,maybe\n,C,NaN,false\n2,,-3,\n";
    fs::write(asker.dir.path().join("visit.csv"), visits).unwrap();
    let people = "id,sex,age\n1,male,3.0\n2,Male,130\n2,female,\n3,other,40\n4,male,x\n";
    fs::write(asker.dir.path().join("patient.csv"), people).unwrap();
    let line = ["query", "check", "--tables", text(asker.dir.path()), "--schema", &asker.schema];
    let report = json(&line);
    assert_eq!(report["fits"], false);
    let table = |index: usize| {
        let table = &report["tables"][index];
        let numbers = ["rows", "patients", "without_patient", "beyond_max_rows"];
        numbers.map(|name| table[name].as_u64().unwrap())
    };
    assert_eq!((table(0), table(1)), ([5, 4, 0, 1], [4, 2, 1, 0]));
    let column = |table: usize, name: &str| {
        let columns = report["tables"][table]["columns"].as_array().unwrap();
        let column = columns.iter().find(|column| column["column"] == name).unwrap();
        ["missing", "unreadable", "outside"].map(|what| column[what].as_u64().unwrap())
    };
    assert_eq!(column(0, "age"), [1, 2, 1]);
    assert_eq!(report["tables"][0]["columns"][0]["first_unreadable"], 1);
    assert_eq!(column(0, "sex"), [0, 0, 1]);
    assert_eq!(column(1, "cost"), [0, 1, 2]);
    assert_eq!((column(1, "urgent"), column(1, "ward")), ([1, 1, 0], [1, 0, 0]));
    let told = said(&line);
    for words in [
        "age: counted as missing, since no integer: 2 values, the first in row 1",
        "not for researchers",
    ] {
        assert!(told.contains(words), "{told}");
    }
    assert!(!told.contains("maybe"), "no value is told: {told}");
    assert!(!asker.dir.path().join("budget.redb").exists());
    // What fits is said to fit.
    let good = Asker::new();
    let patient = fs::read_to_string(good.dir.path().join("patient.csv")).unwrap();
    fs::write(good.dir.path().join("patient.csv"), patient.replace("unknown", "")).unwrap();
    let line = ["query", "check", "--tables", text(good.dir.path()), "--schema", &good.schema];
    assert_eq!(json(&line)["fits"], true);
    fs::remove_file(good.dir.path().join("visit.csv")).unwrap();
    assert!(refused(&line).contains("visit.parquet or visit.csv"));
}
