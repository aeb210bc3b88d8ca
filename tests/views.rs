//! `caduceus view`: checking and running views as a person or a program does.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::support::{caduceus, folder, json as json_of, refused, run, text};

const PATIENTS: &str = r#"{"resourceType":"Patient","id":"a","active":true,"name":[{"family":"Ä","given":["x","y"]}]}
{"resourceType":"Patient","id":"b"
{"resourceType":"Patient","id":"c","birthDate":"2000-01"}
"#;

/// A view of patients with these columns, in a file.
fn view(dir: &Path, columns: Value) -> PathBuf {
    let path = dir.join("view.json");
    let view = json!({ "resourceType": "ViewDefinition", "name": "people", "resource": "Patient", "select": [{ "column": columns }] });
    fs::write(&path, view.to_string()).unwrap();
    path
}

fn columns() -> Value {
    json!([
        { "name": "id", "path": "getResourceKey()", "type": "id" },
        { "name": "active", "path": "active" },
        { "name": "given", "path": "name.given", "type": "string", "collection": true },
        { "name": "born", "path": "birthDate" },
    ])
}

/// Runs the binary with `input` on its standard input.
fn fed(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = caduceus(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_valid_view_lists_its_columns_with_their_types() {
    let dir = folder();
    let path = view(dir.path(), columns());
    let output = run(&["view", "check", text(&path)]);
    assert!(output.status.success());
    let expected = "the view people of Patient is valid; it has these columns:\n  id: id\n  active: boolean\n  given: string, several\n  born: date\n";
    assert_eq!(stdout(&output), expected);
    let found = json_of(&["view", "check", text(&path)]);
    assert_eq!(found["valid"], true);
    assert_eq!(found["columns"][3], json!({ "name": "born", "type": "date", "collection": false }));
}

#[test]
fn an_invalid_view_exits_with_two_and_says_where_it_is_wrong() {
    let dir = folder();
    let path = view(
        dir.path(),
        json!([{ "name": "id", "path": "id" }, { "name": "x", "path": "name.given(" }]),
    );
    for arguments in [
        vec!["view", "check", text(&path)],
        vec!["view", "run", "--view", text(&path), "--input", text(&path)],
    ] {
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
        let said = stderr(&output);
        assert!(
            said.contains(
                "view.json: the view is wrong at select[0].column[1].path: at character "
            ),
            "{said}"
        );
    }
    let output = run(&["view", "check", text(&path), "--json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("view.json: the view is wrong at "), "{}", stderr(&output));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&found["valid"], &found["error"]["place"]),
        (&json!(false), &json!("select[0].column[1].path"))
    );
    assert_eq!(found["error"]["pointer"], "/select/0/column/1/path");
    fs::write(&path, "{").unwrap();
    assert_eq!(run(&["view", "check", text(&path)]).status.code(), Some(2));
    refused(&["view", "check", text(&dir.path().join("missing.json"))]);
}

#[test]
fn an_element_that_fhir_does_not_have_is_warned_of_and_the_view_still_runs() {
    let dir = folder();
    let path = view(
        dir.path(),
        json!([{ "name": "id", "path": "id" }, { "name": "born", "path": "brithDate" }]),
    );
    let input = dir.path().join("Patient.ndjson");
    fs::write(&input, PATIENTS.lines().next().unwrap()).unwrap();
    for arguments in [
        vec!["view", "check", text(&path)],
        vec!["view", "run", "--view", text(&path), "--input", text(&input)],
    ] {
        let output = run(&arguments);
        assert!(output.status.success(), "{arguments:?}");
        let said = stderr(&output);
        assert!(
            said.starts_with("warning: the view people is odd at select[0].column[1].path, at character 1 of the path: "),
            "{said}"
        );
        assert!(said.contains("did you mean birthDate?"), "{said}");
    }
    let found = json_of(&["view", "check", text(&path)]);
    assert_eq!(found["valid"], true);
    let warning = &found["warnings"][0];
    assert_eq!(
        (&warning["pointer"], &warning["offset"]),
        (&json!("/select/0/column/1/path"), &json!(0))
    );
    assert!(warning["message"].as_str().unwrap().contains("brithDate"));
}

#[test]
fn rows_go_to_the_standard_output_and_what_was_set_aside_to_stderr() {
    let dir = folder();
    let view = view(dir.path(), columns());
    let input = dir.path().join("Patient.ndjson");
    fs::write(&input, PATIENTS).unwrap();
    let expected = "{\"id\":\"a\",\"active\":true,\"given\":[\"x\",\"y\"],\"born\":null}\n{\"id\":\"c\",\"active\":null,\"given\":[],\"born\":\"2000-01\"}\n";
    let named = run(&["view", "run", "--view", text(&view), "--input", text(&input)]);
    let piped = fed(&["view", "run", "--view", text(&view), "--input", "-"], PATIENTS.as_bytes());
    for (output, name) in [(named, "Patient.ndjson"), (piped, "standard input")] {
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(stdout(&output), expected);
        let said = stderr(&output);
        assert!(said.contains(&format!("{name}, line 2 (byte ")), "{said}");
        assert!(said.contains("it is not JSON: "), "{said}");
    }
    let csv =
        run(&["view", "run", "--view", text(&view), "--input", text(&input), "--format", "csv"]);
    assert_eq!(
        stdout(&csv),
        "id,active,given,born\na,true,\"[\"\"x\"\",\"\"y\"\"]\",\nc,,[],2000-01\n"
    );
}

#[test]
fn one_json_object_has_the_rows_or_tells_of_the_file_that_has_them() {
    let dir = folder();
    let view = view(dir.path(), columns());
    let input = dir.path().join("Patient.ndjson");
    fs::write(&input, PATIENTS).unwrap();
    let within = json_of(&["view", "run", "--view", text(&view), "--input", text(&input)]);
    assert_eq!((&within["row_count"], &within["rows"][1]["born"]), (&json!(2), &json!("2000-01")));
    assert_eq!(within["set_aside"][0]["line"], 2);
    for (format, magic) in
        [("parquet", &b"PAR1"[..]), ("arrow", b"ARROW1"), ("csv", b"id,"), ("ndjson", b"{\"id\"")]
    {
        let out = dir.path().join("rows").with_extension(format);
        let told = json_of(&[
            "view",
            "run",
            "--view",
            text(&view),
            "--input",
            text(&input),
            "--format",
            format,
            "--out",
            text(&out),
        ]);
        assert_eq!((&told["row_count"], &told["out"]), (&json!(2), &json!(text(&out))));
        assert!(fs::read(&out).unwrap().starts_with(magic), "{format}");
    }
}

#[test]
fn rows_that_are_printed_when_a_record_is_bad_are_still_one_json_object_with_the_error() {
    let dir = folder();
    let view = view(dir.path(), columns());
    let input = dir.path().join("Patient.ndjson");
    let mut lines: String = (0..200_000)
        .map(|n| format!("{{\"resourceType\":\"Patient\",\"id\":\"p{n}\"}}\n"))
        .collect();
    lines += "{\"resourceType\":\n";
    fs::write(&input, lines).unwrap();
    let output =
        run(&["view", "run", "--view", text(&view), "--input", text(&input), "--strict", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        said["error"]["message"].as_str().unwrap().contains("line 200001"),
        "{}",
        said["error"]
    );
    let rows = said["rows"].as_array().unwrap();
    assert!((1..=200_000).contains(&rows.len()) && rows[0]["id"] == "p0", "{}", rows.len());
}

#[test]
fn a_strict_run_over_an_empty_file_gives_no_row_and_says_that_it_is_empty() {
    let dir = folder();
    let view = view(dir.path(), columns());
    let (lines, document) = (dir.path().join("Patient.ndjson"), dir.path().join("Patient.json"));
    fs::write(&lines, "").unwrap();
    fs::write(&document, "").unwrap();
    let strict = |input: &str| {
        run(&[
            "view",
            "run",
            "--view",
            text(&view),
            "--input",
            input,
            "--format",
            "csv",
            "--strict",
        ])
    };
    let output = strict(text(&lines));
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output), "id,active,given,born\n");
    assert_eq!(stderr(&output), format!("empty: {}\n", lines.display()));
    let piped = fed(&["view", "run", "--view", text(&view), "--input", "-", "--strict"], b"");
    assert!(piped.status.success() && piped.stdout.is_empty(), "{}", stderr(&piped));
    // A document has at least its brackets: an empty one was never finished.
    let output = strict(text(&document));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("Patient.json, line 1 (byte 0): it is empty"));
}

#[test]
fn a_strict_run_stops_at_the_first_bad_record_and_leaves_no_file() {
    let dir = folder();
    let view = view(dir.path(), columns());
    let input = dir.path().join("Patient.ndjson");
    fs::write(&input, PATIENTS).unwrap();
    let out = dir.path().join("rows.csv");
    let said = refused(&[
        "view",
        "run",
        "--view",
        text(&view),
        "--input",
        text(&input),
        "--strict",
        "--format",
        "csv",
        "--out",
        text(&out),
    ]);
    assert!(said.contains("Patient.ndjson, line 2 (byte "), "{said}");
    let left = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!left.into_iter().any(|name| name.to_string_lossy().starts_with("rows")));
}

#[test]
fn a_view_that_asks_for_one_value_where_there_are_several_fails_with_two() {
    let dir = folder();
    let view = view(
        dir.path(),
        json!([{ "name": "id", "path": "id" }, { "name": "given", "path": "name.given" }]),
    );
    let input = dir.path().join("Patient.ndjson");
    fs::write(&input, PATIENTS).unwrap();
    let output = run(&["view", "run", "--view", text(&view), "--input", text(&input)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("error: the view people does not fit 1 records at select[0].column[1]: column given: several values"), "{}", stderr(&output));
    assert_eq!(stdout(&output), "{\"id\":\"c\",\"given\":null}\n");
}

#[test]
fn a_column_that_gets_parts_or_another_type_is_the_views_mistake_and_a_bad_value_is_not() {
    let dir = folder();
    let input = dir.path().join("Patient.ndjson");
    fs::write(&input, format!("{PATIENTS}{{\"resourceType\":\"Patient\",\"active\":\"x\"}}\n"))
        .unwrap();
    for (column, code) in [
        (json!({ "name": "v", "path": "name" }), 2),
        (json!({ "name": "v", "path": "name.family", "type": "integer" }), 2),
        (json!({ "name": "v", "path": "active" }), 0),
    ] {
        let view = view(dir.path(), json!([column]));
        let output = run(&["view", "run", "--view", text(&view), "--input", text(&input)]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{column}: {said}");
        assert_eq!(said.contains("; name a part of it, or correct the column's type"), code == 2);
    }
}

#[test]
fn a_reader_who_has_seen_enough_ends_the_run_without_an_error() {
    let dir = folder();
    let view = view(dir.path(), json!([{ "name": "id", "path": "id" }]));
    let input = dir.path().join("Patient.ndjson");
    let line =
        "{\"resourceType\":\"Patient\",\"id\":\"0123456789012345678901234567890123456789\"}\n";
    fs::write(&input, line.repeat(100_000)).unwrap();
    let mut child = caduceus(&["view", "run", "--view", text(&view), "--input", text(&input)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!stderr(&output).contains("error"), "{}", stderr(&output));
}

#[test]
fn a_newer_version_of_a_view_says_who_survives_it_and_takes_over_old_tables() {
    let dir = folder();
    let old = dir.path().join("old.json");
    fs::rename(view(dir.path(), columns()), &old).unwrap();
    let mut wider = columns();
    wider
        .as_array_mut()
        .unwrap()
        .push(json!({ "name": "gender", "path": "gender", "type": "code" }));
    let new = view(dir.path(), wider);
    let found = json_of(&["view", "diff", text(&old), text(&new)]);
    assert_eq!(found["old_readers_survive"], true);
    assert_eq!(
        (&found["changes"][0]["column"], &found["changes"][0]["change"]),
        (&json!("gender"), &json!("added"))
    );
    let back = run(&["view", "diff", text(&new), text(&old)]);
    assert_eq!(back.status.code(), Some(1));
    assert!(stdout(&back).contains("gender is gone: old readers break"), "{}", stdout(&back));

    let input = dir.path().join("Patient.ndjson");
    fs::write(&input, PATIENTS).unwrap();
    let (before, after) = (dir.path().join("before.parquet"), dir.path().join("after.ndjson"));
    json_of(&[
        "view",
        "run",
        "--view",
        text(&old),
        "--input",
        text(&input),
        "--format",
        "parquet",
        "--out",
        text(&before),
    ]);
    let done = json_of(&[
        "view",
        "upgrade",
        "--view",
        text(&new),
        "--input",
        text(&before),
        "--format",
        "ndjson",
        "--out",
        text(&after),
    ]);
    assert_eq!(done["row_count"], 2);
    let rows = fs::read_to_string(&after).unwrap();
    assert_eq!(
        rows.lines().next(),
        Some(r#"{"id":"a","active":true,"given":["x","y"],"born":null,"gender":null}"#)
    );
}

#[test]
fn a_generated_cohort_replaces_nothing_unless_it_is_told_to() {
    let dir = folder();
    let out = dir.path().join("de");
    let command =
        ["cohort", "generate", "--patients", "20", "--country", "DE", "--out", text(&out)];
    json_of(&command);
    let said = refused(&command);
    assert!(said.contains("Patient.ndjson is there already; name another folder with --out, or replace what is in it with --force"), "{said}");
    let damaged = json_of(&[&command[..], &["--force", "--damaged", "0.2"]].concat());
    assert!(damaged["damaged"].as_u64().unwrap() > 5, "{damaged}");
    let view = view(dir.path(), json!([{ "name": "id", "path": "id" }]));
    let read = json_of(&["view", "run", "--view", text(&view), "--input", text(&out)]);
    assert_eq!(
        read["set_aside"].as_array().unwrap().len() as u64,
        damaged["damaged"].as_u64().unwrap()
    );
    refused(&[
        "cohort",
        "generate",
        "--patients",
        "1",
        "--country",
        "DE",
        "--out",
        text(&out),
        "--damaged",
        "2",
    ]);
}

#[test]
fn a_register_keeps_every_version_and_refuses_one_that_breaks_readers() {
    let dir = folder();
    let register = dir.path().join("schemas");
    let keep = |view: &Path, more: &[&str]| {
        let command = ["view", "register", text(view), "--register", text(&register), "--json"];
        run(&[&command[..], more].concat())
    };
    let version = |output: Output| {
        assert!(output.status.success(), "{}", stderr(&output));
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        (value["version"].as_str().unwrap().to_owned(), value["new"] == true)
    };
    let first = view(dir.path(), columns());
    assert_eq!(version(keep(&first, &[])), ("1.0".to_owned(), true));
    assert_eq!(version(keep(&first, &[])), ("1.0".to_owned(), false));
    let mut wider = columns();
    let more = json!({ "name": "gender", "path": "gender", "type": "code" });
    wider.as_array_mut().unwrap().push(more);
    assert_eq!(version(keep(&view(dir.path(), wider), &[])), ("1.1".to_owned(), true));
    // Two columns are gone.
    let narrow =
        view(dir.path(), json!([{ "name": "id", "path": "getResourceKey()", "type": "id" }]));
    let refused = keep(&narrow, &[]);
    assert_eq!(refused.status.code(), Some(2));
    let said = stderr(&refused);
    assert!(said.contains("version 1.1") && said.contains("given is gone"), "{said}");
    assert_eq!(version(keep(&narrow, &["--breaking"])), ("2.0".to_owned(), true));
    let listed = json_of(&["view", "versions", "--register", text(&register)]);
    let versions: Vec<_> =
        listed["versions"].as_array().unwrap().iter().map(|one| &one["version"]).collect();
    assert_eq!(versions, ["1.0", "1.1", "2.0"]);
    // What the register holds can be run and compared as it is.
    let file = |name: &str| register.join("people").join(name);
    assert!(
        run(&["view", "diff", text(&file("1.0.json")), text(&file("1.1.json"))]).status.success()
    );
}
