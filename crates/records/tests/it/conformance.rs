//! The official SQL on FHIR v2 conformance files, as far as they are on this machine.

use std::fs;

use caduceus_records::CompiledView;
use serde_json::{Map, Value};

use crate::support::{rows, shared};

/// Runs one case; the error says how the result differs.
fn case(test: &Value, resources: &[String]) -> Result<(), String> {
    let table = CompiledView::parse(&test["view"].to_string())
        .and_then(|view| view.run(resources.iter().map(String::as_str)));
    if test["expectError"] == true {
        return table.map_or(Ok(()), |_| Err("no error".into()));
    }
    let table = table.map_err(|error| error.to_string())?;
    if let Some(columns) = test["expectColumns"].as_array() {
        let names: Vec<_> =
            table.schema().fields().iter().map(|field| field.name().clone()).collect();
        if columns != &names.iter().cloned().map(Value::from).collect::<Vec<_>>() {
            return Err(format!("columns {names:?}"));
        }
    }
    let sorted = |rows: Vec<Map<String, Value>>| {
        // Numbers are compared as numbers: a decimal column has 1.0 where the file says 1.
        let mut rows: Vec<_> =
            rows.into_iter().map(|row| normal(Value::Object(row)).to_string()).collect();
        rows.sort();
        rows
    };
    let expected: Vec<_> = test["expect"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_object().unwrap().clone())
        .collect();
    let (found, expected) = (sorted(rows(&table)), sorted(expected));
    if found == expected {
        Ok(())
    } else {
        Err(format!("found {found:?}\n  expected {expected:?}"))
    }
}

fn normal(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::from(number.as_f64()),
        Value::Array(items) => items.into_iter().map(normal).collect(),
        Value::Object(members) => {
            // Sorted, so that the order of columns does not matter here.
            let sorted: std::collections::BTreeMap<_, _> =
                members.into_iter().map(|(name, value)| (name, normal(value))).collect();
            sorted.into_iter().collect()
        }
        other => other,
    }
}

#[test]
fn every_case_of_the_official_suite_gives_what_the_suite_expects() {
    let Some(folder) = shared("sql-on-fhir") else { return };
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut run, mut wrong) = (0, Vec::new());
    for file in files.iter().filter(|file| file.extension().is_some_and(|ext| ext == "json")) {
        let suite: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let resources: Vec<String> =
            suite["resources"].as_array().unwrap().iter().map(Value::to_string).collect();
        for test in suite["tests"].as_array().unwrap() {
            run += 1;
            if let Err(difference) = case(test, &resources) {
                let file = file.file_name().unwrap().display();
                wrong.push(format!("{file}: {}: {difference}", test["title"]));
            }
        }
    }
    eprintln!("{run} cases of {} files", files.len());
    assert!(wrong.is_empty(), "{} of {run} fail:\n{}", wrong.len(), wrong.join("\n"));
    assert!(run >= 80, "only {run} cases were found");
}

#[test]
fn no_view_of_the_official_suite_looks_for_what_fhir_does_not_have() {
    let Some(folder) = shared("sql-on-fhir") else { return };
    let (mut valid, mut found) = (0, Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|ext| ext != "json") {
            continue;
        }
        let suite: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        for test in suite["tests"].as_array().unwrap() {
            let Ok(view) = CompiledView::parse(&test["view"].to_string()) else { continue };
            valid += 1;
            found.extend(view.warnings().iter().map(|odd| format!("{}: {odd}", test["title"])));
        }
    }
    assert_eq!(found, [""; 0]);
    assert!(valid >= 60, "only {valid} views were found");
}
