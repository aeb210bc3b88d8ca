//! What the view engine promises beyond the official suite.

use arrow::datatypes::DataType;
use caduceus_records::{CompiledView, RecordsError};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{rows, views};

/// The value of one path on one resource, through a view with one column.
fn value_of(path: &str, kind: &str, resource: &Value) -> Value {
    let view = json!({
        "resource": resource["resourceType"],
        "select": [{ "column": [{ "name": "v", "path": path, "type": kind }] }],
    });
    let view = CompiledView::parse(&view.to_string()).unwrap();
    let table = view.run([resource.to_string().as_str()]).unwrap();
    rows(&table)[0]["v"].clone()
}

fn pointer_of(view: &Value) -> String {
    match CompiledView::parse(&view.to_string()) {
        Err(RecordsError::View(error)) => error.pointer,
        other => panic!("expected an invalid view, got {other:?}"),
    }
}

#[test]
fn an_invalid_view_is_refused_with_a_pointer_to_the_place() {
    let column = |name: &str, path: &str| json!({ "name": name, "path": path, "type": "string" });
    let view = |select: Value| json!({ "resource": "Patient", "select": select });
    for (pointer, wrong) in [
        ("", json!({})),
        ("", json!({ "resource": "Patient" })),
        ("/resource", json!({ "resource": 1, "select": [] })),
        ("/select", json!({ "resource": "Patient", "select": {} })),
        ("/select/0", view(json!([{}]))),
        ("/select/0/foreach", view(json!([{ "foreach": "name", "column": [column("a", "id")] }]))),
        ("/select/0/forEach", view(json!([{ "forEach": 1, "column": [column("a", "id")] }]))),
        ("/select/0/repeat", view(json!([{ "repeat": ["item"], "column": [column("a", "id")] }]))),
        (
            "/select/0/column/1/path",
            view(json!([{ "column": [column("a", "id"), column("b", "@@")] }])),
        ),
        ("/select/0/column/0/name", view(json!([{ "column": [column("1a", "id")] }]))),
        (
            "/select/0/column/0/type",
            view(json!([{ "column": [{ "name": "a", "path": "name", "type": "HumanName" }] }])),
        ),
        ("/select", view(json!([{ "column": [column("a", "id"), column("a", "id")] }]))),
        (
            "/select/0/unionAll/1",
            view(
                json!([{ "unionAll": [{ "column": [column("a", "id")] }, { "column": [column("b", "id")] }] }]),
            ),
        ),
        (
            "/constant/0/valueDate",
            json!({ "resource": "Patient", "constant": [{ "name": "c", "valueDate": "x" }], "select": [{ "column": [column("a", "id")] }] }),
        ),
    ] {
        assert_eq!(pointer_of(&wrong), pointer, "{wrong}");
    }
}

#[test]
fn type_hints_decide_how_columns_are_stored() {
    let column = |kind: &str| json!({ "name": kind, "path": "x", "type": kind });
    let kinds = ["boolean", "integer", "positiveInt", "decimal", "date", "string", "code"];
    let columns: Vec<_> = kinds.iter().map(|kind| column(kind)).collect();
    let view = json!({ "resource": "Basic", "select": [{ "column": columns }] });
    let schema = CompiledView::parse(&view.to_string()).unwrap().schema();
    let stored: Vec<_> = schema.fields().iter().map(|field| field.data_type().clone()).collect();
    use DataType::{Boolean, Float64, Int64, Utf8};
    assert_eq!(stored, [Boolean, Int64, Int64, Float64, Utf8, Utf8, Utf8]);
}

#[test]
fn expressions_have_the_values_that_the_specification_gives_them() {
    let observation: Value = serde_json::from_str(
        r#"{"resourceType":"Observation","id":"o","status":"final","subject":{"reference":"Patient/p/_history/2"},
            "valueQuantity":{"value":1.0,"unit":"mg"},"effectiveDateTime":"2010-10-10","note":[{"text":"a"},{"text":"b"}]}"#,
    )
    .unwrap();
    let null = Value::Null;
    for (path, kind, expected) in [
        ("value.ofType(Quantity).value.highBoundary()", "decimal", json!(1.05)),
        (
            "effective.ofType(dateTime).lowBoundary()",
            "dateTime",
            json!("2010-10-10T00:00:00.000+14:00"),
        ),
        ("subject.getReferenceKey(Patient)", "id", json!("p")),
        ("subject.getReferenceKey(Group)", "id", null.clone()),
        ("subject.getReferenceKey() = 'p'", "boolean", json!(true)),
        ("getResourceKey()", "id", json!("o")),
        ("0.1 + 0.2 = 0.3", "boolean", json!(true)),
        ("7 div 2 + 7 mod 2", "integer", json!(4)),
        ("1 / 0", "decimal", null.clone()),
        ("-(2 - 5) * 2", "integer", json!(6)),
        ("status & '!' & {}", "string", json!("final!")),
        ("note.text.join('/')", "string", json!("a/b")),
        ("note[1].text", "string", json!("b")),
        ("note.count()", "integer", json!(2)),
        ("note.all(text.exists())", "boolean", json!(true)),
        ("note.where(text > 'a').text", "string", json!("b")),
        ("(note.text | note.text).count()", "integer", json!(2)),
        ("'b' in note.text", "boolean", json!(true)),
        ("missing.not()", "boolean", null.clone()),
        ("(missing = 1) or true", "boolean", json!(true)),
        ("(missing = 1) and true", "boolean", null.clone()),
        ("value is Quantity", "boolean", json!(true)),
        ("value is string", "boolean", json!(false)),
        ("effective.ofType(dateTime) > @2010-10-09", "boolean", json!(true)),
        ("effective.ofType(dateTime) > @2010-10", "boolean", null.clone()),
        ("iif(status = 'final', 'yes', 'no')", "string", json!("yes")),
        ("Observation.status", "code", json!("final")),
        ("status.startsWith('fin')", "boolean", json!(true)),
        ("@2010-10", "date", json!("2010-10")),
    ] {
        assert_eq!(value_of(path, kind, &observation), expected, "{path}");
    }
}

#[test]
fn a_decimal_keeps_the_digits_that_were_written() {
    let table = CompiledView::parse(
        r#"{"resource":"Observation","select":[{"column":[
            {"name":"low","path":"value.ofType(Quantity).value.lowBoundary()","type":"string"}]}]}"#,
    )
    .unwrap()
    .run([r#"{"resourceType":"Observation","valueQuantity":{"value":1.00}}"#])
    .unwrap();
    assert_eq!(rows(&table)[0]["low"], "0.995");
}

#[test]
fn the_longest_path_and_the_deepest_record_fit_on_the_stack() {
    let deep = |levels: usize| {
        format!(
            "{{\"resourceType\":\"Basic\",\"a\":{}1{}}}",
            "{\"a\":".repeat(levels),
            "}".repeat(levels)
        )
    };
    let path = vec!["a"; 249].join(".");
    let record: Value = serde_json::from_str(&deep(100)).unwrap();
    assert_eq!(value_of(&path, "string", &record), Value::Null);
    assert_eq!(value_of(&vec!["a"; 101].join("."), "integer", &record), json!(1));
    let view = json!({ "resource": "Basic", "select": [{ "column": [{ "name": "v", "path": "a.exists()" }] }] });
    let view = CompiledView::parse(&view.to_string()).unwrap();
    assert!(view.run([deep(100_000).as_str()]).is_err(), "too deep is an error, not a crash");
    for path in [vec!["a"; 5_000].join("."), format!("{}a{}", "(".repeat(5_000), ")".repeat(5_000))]
    {
        let view = json!({ "resource": "Basic", "select": [{ "column": [{ "name": "v", "path": path }] }] });
        assert_eq!(pointer_of(&view), "/select/0/column/0/path");
    }
}

proptest! {
    #[test]
    fn no_record_makes_a_view_panic(
        name in prop::sample::select(vec!["gender", "address", "deceasedBoolean", "birthDate", "subject", "code", "component", "valueQuantity"]),
        value in prop::sample::select(vec!["1", "null", "[]", "{}", "[[1],{}]", "\"x\"", "true", "{\"coding\":7}", "[{\"reference\":\"Patient/\"},null]", "1e400", "123456789012345678901234567890123456789012345.5"]),
    ) {
        for view in views() {
            let text = format!("{{\"resourceType\":\"{}\",\"id\":\"x\",\"{name}\":{value}}}", view.resource());
            let _ = view.run([text.as_str()]);
        }
    }
}
