//! `caduceus algorithm run` and `check`: modules that nobody trusts, over a folder of tables, without a home.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{at, folder, json, refused, run, text};

const SCHEMA: &str = r#"
[budget]
epsilon = 1000.0
delta = 1e-3
[budget.researcher]
epsilon = 30.0
delta = 1e-4
[tables.patient]
patient = "id"
max_rows = 1
[tables.patient.columns.age]
type = "integer"
lower = 0
upper = 120
[tables.patient.columns.bmi]
type = "decimal"
lower = 10
upper = 60
[tables.patient.columns.ill]
type = "boolean"
[tables.patient.columns.name]
type = "text"
allowed = false
[tables.follow]
patient = "id"
max_rows = 1
[tables.follow.columns.months]
type = "decimal"
lower = 0
upper = 240
[tables.follow.columns.died]
type = "boolean"
"#;

/// 1,200 patients. The old and heavy are ill; every second one dies in the fourth quarter, the others leave in the ninth.
fn tables() -> TempDir {
    let dir = folder();
    let (mut patients, mut follow) =
        ("id,age,bmi,ill,name\n".to_owned(), "id,months,died\n".to_owned());
    for index in 0..1_200_u32 {
        let (age, bmi) = (20 + index * 7 % 60, 15 + index * 11 % 24);
        let ill = age + bmi * 2 > 50 + 54;
        writeln!(patients, "p{index},{age},{bmi},{ill},Nobody").unwrap();
        let died = index % 2 == 0;
        writeln!(follow, "p{index},{},{died}", if died { 10 } else { 25 }).unwrap();
    }
    fs::write(dir.path().join("patient.csv"), patients).unwrap();
    fs::write(dir.path().join("follow.csv"), follow).unwrap();
    fs::write(dir.path().join("schema.toml"), SCHEMA).unwrap();
    dir
}

fn example(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    text(&root.join("algorithms").join(name)).to_owned()
}

fn arguments<'a>(
    dir: &'a Path,
    schema: &'a str,
    module: &'a str,
    more: &[&'a str],
) -> Vec<&'a str> {
    let start = ["algorithm", "run", "--tables", text(dir), "--schema", schema, "--module", module];
    [&start[..], more].concat()
}

fn asked(dir: &TempDir, module: &str, more: &[&str]) -> Value {
    let schema = dir.path().join("schema.toml");
    json(&arguments(dir.path(), text(&schema), module, more))
}

const SURVIVAL: [&str; 13] = [
    "--table",
    "follow:months,died",
    "--length",
    "20",
    "--values",
    "i64",
    "--norm",
    "l1",
    "--clip",
    "1",
    "--epsilon",
    "2",
    "--parameters=[3, 0,0,0,0,0, 0,0,0,0,0]",
];

#[test]
fn a_survival_curve_comes_from_a_folder_of_tables_and_is_charged_once() {
    let dir = tables();
    let answer = asked(&dir, &example("survival.wat"), &SURVIVAL);
    let values: Vec<i64> =
        answer["values"].as_array().unwrap().iter().map(|count| count.as_i64().unwrap()).collect();
    assert!((values[3] - 600).abs() < 20 && (values[18] - 600).abs() < 20, "{answer}");
    assert!(values[0].abs() < 20);
    let curve = &answer["parameters"];
    assert!(
        (curve[3].as_f64().unwrap() - 1.0).abs() < 0.05
            && (curve[9].as_f64().unwrap() - 0.5).abs() < 0.05,
        "{curve}"
    );
    assert_eq!((&answer["private"], &answer["repeated"]), (&true.into(), &false.into()));
    assert_eq!(
        (&answer["cost"]["epsilon"], &answer["cost"]["charged"]),
        (&2.0.into(), &true.into())
    );
    assert_eq!(answer["remaining"]["researcher"]["epsilon"], 28.0);
    assert!(answer["half_width"].as_f64().unwrap() > 0.5);
    let again = asked(&dir, &example("survival.wat"), &SURVIVAL);
    assert_eq!((&again["values"], &again["remaining"]), (&answer["values"], &answer["remaining"]));
    assert_eq!((&again["repeated"], &again["cost"]["charged"]), (&true.into(), &false.into()));
    // SQL is charged to the same budget.
    let schema = dir.path().join("schema.toml");
    let sql = [
        "query",
        "explain",
        "--tables",
        text(dir.path()),
        "--schema",
        text(&schema),
        "--sql",
        "SELECT COUNT(*) FROM patient",
    ];
    assert_eq!(json(&sql)["remaining"]["researcher"]["epsilon"], 28.0);
}

#[test]
fn rounds_of_logistic_regression_find_the_direction_of_illness() {
    let dir = tables();
    let more = [
        "--table",
        "patient:age,bmi,ill",
        "--length",
        "4",
        "--norm",
        "l2",
        "--clip",
        "2",
        "--rounds",
        "10",
        "--epsilon",
        "4",
        "--delta",
        "1e-6",
        "--parameters",
        "[4, 50, 30, 27, 12, 0, 0, 0]",
    ];
    let answer = asked(&dir, &example("logistic.wat"), &more);
    assert_eq!(
        (answer["rounds"].as_array().unwrap().len(), &answer["mechanism"]),
        (10, &"gaussian".into())
    );
    let weights = &answer["parameters"];
    assert!(weights[6].as_f64().unwrap() > 0.5 && weights[7].as_f64().unwrap() > 0.5, "{answer}");
}

#[test]
fn check_shows_what_is_in_a_module_and_how_its_records_look() {
    let dir = tables();
    let (module, schema) = (example("survival.wat"), dir.path().join("schema.toml"));
    let plain = json(&["algorithm", "check", "--module", &module]);
    assert_eq!(
        (&plain["admitted"], &plain["step"], &plain["imports"]),
        (&true.into(), &true.into(), &Value::Array(vec![]))
    );
    assert_eq!(plain["module"].as_str().unwrap().len(), 64);
    assert!(plain["exports"].as_array().unwrap().iter().any(|export| export["name"] == "run"));
    assert_eq!(plain["limits"]["fuel"], 1_000_000);
    let with = json(&[
        "algorithm",
        "check",
        "--module",
        &module,
        "--schema",
        text(&schema),
        "--table",
        "patient:bmi,ill",
    ]);
    assert_eq!(with["record"][0]["table"], "patient");
    assert_eq!(
        (&with["record"][0]["columns"][0]["column"], &with["record"][0]["columns"][0]["cell"]),
        (&"bmi".into(), &"decimal".into())
    );
    // Without --table everything that is allowed, and nothing else.
    let all = json(&["algorithm", "check", "--module", &module, "--schema", text(&schema)]);
    assert_eq!(all["record"].as_array().unwrap().len(), 2);
    assert!(!all["record"].to_string().contains("name"), "{}", all["record"]);
}

/// The refusal as an object, with exit code 2.
fn refusal(arguments: &[&str]) -> Value {
    let output = run(&[arguments, &["--json"]].concat());
    assert_eq!(
        output.status.code(),
        Some(2),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let refusal: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        refusal["refused"]["suggestion"].as_str().unwrap().len() > 5
            && refusal["refused"]["construct"].as_str().unwrap().len() > 2
    );
    refusal
}

#[test]
fn a_refused_module_ends_with_code_2_says_why_and_costs_nothing() {
    let dir = tables();
    let (path, schema) = (dir.path().join("module.wat"), dir.path().join("schema.toml"));
    for (source, reason) in [
        (
            "(module (import \"wasi_snapshot_preview1\" \"fd_write\" (func)))",
            "wasi_snapshot_preview1.fd_write",
        ),
        ("(module", "text"),
        ("(module)", "memory"),
        ("(module (memory (export \"memory\") 60000))", "pages of memory"),
        ("\u{0}asm\u{d}\u{0}\u{1}\u{0}", "component"),
    ] {
        fs::write(&path, source).unwrap();
        let check = ["algorithm", "check", "--module", text(&path)];
        assert!(refusal(&check)["error"]["message"].as_str().unwrap().contains(reason), "{reason}");
        assert!(refused(&check).contains(reason));
        refusal(&arguments(dir.path(), text(&schema), text(&path), &SURVIVAL));
    }
    assert!(!dir.path().join("budget.redb").exists());
}

#[test]
fn a_declaration_that_bounds_nothing_is_refused_with_code_2_and_costs_nothing() {
    let dir = tables();
    let (module, schema) = (example("survival.wat"), dir.path().join("schema.toml"));
    let change = |from: &str, to: &'static str| {
        let position = SURVIVAL.iter().position(|argument| *argument == from).unwrap();
        let mut more = SURVIVAL;
        more[position + 1] = to;
        refusal(&arguments(dir.path(), text(&schema), &module, &more))
    };
    assert!(change("--clip", "0")["error"]["message"].as_str().unwrap().contains("clip"));
    assert!(change("--norm", "l2")["error"]["message"].as_str().unwrap().contains("delta"));
    assert!(change("--length", "100000")["error"]["message"].as_str().unwrap().contains("100000"));
    assert!(
        change("--table", "follow:name")["error"]["message"].as_str().unwrap().contains("`name`")
    );
    assert!(
        change("--table", "patient:name")["error"]["message"]
            .as_str()
            .unwrap()
            .contains("patient.name")
    );
    assert!(change("--table", "nobody")["error"]["message"].as_str().unwrap().contains("`nobody`"));
    let much = [&SURVIVAL[..], &["--fuel", "100000001"]].concat();
    let said = refusal(&arguments(dir.path(), text(&schema), &module, &much));
    assert!(said["error"]["message"].as_str().unwrap().contains("the schema allows 100000000"));
    let strict = dir.path().join("strict.toml");
    let published = fs::read_to_string(&schema).unwrap();
    fs::write(&strict, format!("max_fuel = 999_999\n{published}")).unwrap();
    let said = refusal(&arguments(dir.path(), text(&strict), &module, &SURVIVAL));
    assert_eq!(said["refused"]["construct"], "the fuel");
    assert!(said["error"]["message"].as_str().unwrap().contains("1100000 units"));
    assert!(change("--epsilon", "0")["error"]["message"].as_str().unwrap().contains("psilon"));
    assert!(!dir.path().join("budget.redb").exists());
    assert!(
        change("--epsilon", "31")["error"]["message"]
            .as_str()
            .unwrap()
            .contains("of this researcher")
    );
}

#[test]
fn a_hostile_module_answers_like_any_other_and_tells_nothing_of_its_failures() {
    let dir = tables();
    let path = dir.path().join("hostile.wat");
    // Runs without end for those who died, and returns nonsense for the others.
    fs::write(
        &path,
        r#"(module (memory (export "memory") 1)
          (func (export "input") (param i32) (result i32) (i32.const 1024))
          (func (export "run") (param $r i32) (param $n i32) (result i64)
            (if (i64.eq (i64.load offset=32 (local.get $r)) (i64.const 1)) (then (loop $l (br $l))))
            (i64.const -1)))"#,
    )
    .unwrap();
    let more = [
        "--table",
        "follow:died",
        "--length",
        "2",
        "--norm",
        "l1",
        "--clip",
        "1",
        "--epsilon",
        "1",
        "--fuel",
        "10000",
    ];
    let answer = asked(&dir, text(&path), &more);
    assert!(
        answer["values"]
            .as_array()
            .unwrap()
            .iter()
            .all(|value| value.as_f64().unwrap().abs() < 30.0),
        "{answer}"
    );
    let honest = asked(&dir, &example("survival.wat"), &SURVIVAL);
    let keys = |answer: &Value| answer.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&answer), keys(&honest));
}

#[test]
fn the_vaults_of_a_home_answer_algorithms_and_gaussian_questions_and_repeats_cost_nothing() {
    let dir = folder();
    let (home, cohort) = (dir.path().join("home"), dir.path().join("cohort"));
    let (home, cohort) = (text(&home), text(&cohort));
    json(&["cohort", "generate", "--patients", "60", "--country", "DE", "--out", cohort]);
    for line in [
        "init --seed 6",
        "party register --name klinikum-nord --role custodian --country DE",
        "party register --name lab --role researcher --country JP --usdc 5000",
        &format!("ingest --custodian klinikum-nord --input {cohort}"),
        "protect --custodian klinikum-nord --k 5",
        "publish --custodian klinikum-nord",
        "licence buy --researcher lab --uses 4",
    ] {
        json(&at(home, line));
    }
    let module = example("count.wat");
    let ask = |more: &str| {
        let line = format!(
            "algorithm ask --researcher lab --module {module} --table observation:value --length 2 {more}"
        );
        json(&at(home, &line))["answers"][0]["answer"].clone()
    };
    let first = ask("--norm l1 --clip 5000 --epsilon 1");
    assert_eq!(first["values"].as_array().unwrap().len(), 2, "{first}");
    // Laplace noise of scale 5,000 is within 15,000 with 95 %.
    let width = first["half_width"].as_f64().unwrap();
    assert!((14_900.0..15_100.0).contains(&width), "{first}");
    let left = || {
        let line = ["query", "--researcher", "lab", "--explain", "--dir", home, "--sql"];
        let explained = json(&[&line[..], &["SELECT COUNT(*) FROM patient"]].concat());
        explained["datasets"][0]["remaining"].as_str().unwrap().to_owned()
    };
    assert_eq!(left(), "9");
    assert_eq!(ask("--norm l1 --clip 5000 --epsilon 1"), first, "a repeat gives the same numbers");
    assert_eq!(left(), "9", "and costs nothing");
    let other = ask("--norm l2 --clip 5000 --epsilon 1 --delta 1e-9");
    assert_eq!(
        (&other["mechanism"], &other["delta_atto"]),
        (&"gaussian".into(), &1_000_000_000.into())
    );
    let sql = "SELECT sex, COUNT(*) AS n FROM patient GROUP BY sex";
    let line = at(home, "query --researcher lab --mechanism gaussian --delta 1e-9");
    let answer = json(&[&line[..], &["--sql", sql]].concat());
    assert_eq!(answer["answers"][0]["answer"]["delta_atto"], 1_000_000_000);
    // All uses are spent, but what is refused says so first.
    let hostile = dir.path().join("hostile.wat");
    fs::write(&hostile, r#"(module (import "env" "time" (func)) (memory (export "memory") 1))"#)
        .unwrap();
    json(&at(home, "licence buy --researcher lab --uses 1"));
    let line = format!(
        "algorithm ask --researcher lab --module {} --length 1 --norm l1 --clip 1 --epsilon 1",
        text(&hostile)
    );
    let output = run(&at(home, &line));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("env.time"));
}
