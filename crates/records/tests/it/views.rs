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
        ("/resource", json!({ "resource": "Patients", "select": [] })),
        ("/select", json!({ "resource": "Patient", "select": {} })),
        ("/select/0", view(json!([{}]))),
        ("/select/0/foreach", view(json!([{ "foreach": "name", "column": [column("a", "id")] }]))),
        ("/select/0/forEach", view(json!([{ "forEach": 1, "column": [column("a", "id")] }]))),
        ("/select/0/repeat", view(json!([{ "repeat": "item", "column": [column("a", "id")] }]))),
        ("/select/0/repeat", view(json!([{ "repeat": [], "column": [column("a", "id")] }]))),
        (
            "/select/0/repeat/1",
            view(json!([{ "repeat": ["item", "@"], "column": [column("a", "id")] }])),
        ),
        (
            "/select/0",
            view(json!([{ "repeat": ["item"], "forEach": "item", "column": [column("a", "id")] }])),
        ),
        (
            "/where/0/path",
            json!({ "resource": "Patient", "where": [{ "path": "birthDate" }], "select": [{ "column": [column("a", "id")] }] }),
        ),
        (
            "/Where",
            json!({ "resource": "Patient", "Where": [{ "path": "active" }], "select": [{ "column": [column("a", "id")] }] }),
        ),
        (
            "/constant/0/name",
            json!({ "resource": "Patient", "constant": [{ "name": "rowIndex", "valueInteger": 1 }], "select": [{ "column": [column("a", "id")] }] }),
        ),
        (
            "/select/0/column/1/path",
            view(json!([{ "column": [column("a", "id"), column("b", "@@")] }])),
        ),
        ("/select/0/column/0/name", view(json!([{ "column": [column("1a", "id")] }]))),
        (
            "/select/0/column/0/type",
            view(json!([{ "column": [{ "name": "a", "path": "name", "type": "HumanName" }] }])),
        ),
        (
            "/select/0/column/1/name",
            view(json!([{ "column": [column("a", "id"), column("a", "id")] }])),
        ),
        (
            "/select/1/select/0/column/0/name",
            view(json!([
                { "column": [column("a", "id")] },
                { "select": [{ "unionAll": [], "column": [column("a", "id")] }] },
            ])),
        ),
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
fn a_mistake_is_placed_as_people_write_it_with_the_character_of_the_path() {
    let view = json!({ "resource": "Patient", "select": [
        { "column": [{ "name": "a", "path": "id" }] },
        { "forEach": "name", "column": [{ "name": "b", "path": "'ö' & given.lost()" }] },
    ] });
    let Err(RecordsError::View(error)) = CompiledView::parse(&view.to_string()) else {
        panic!("the view was taken");
    };
    assert_eq!(error.place(), "select[1].column[0].path");
    assert_eq!(error.offset, Some(12));
    assert_eq!(
        error.to_string(),
        "the view is wrong at select[1].column[0].path: at character 13 of the path: the function lost() is not supported"
    );
}

/// The rows of a view with these selections on one resource.
fn rows_of(select: Value, resource: &Value) -> Vec<Value> {
    let view = json!({ "resource": resource["resourceType"], "select": select });
    let view = CompiledView::parse(&view.to_string()).unwrap();
    let table = view.run([resource.to_string().as_str()]).unwrap();
    rows(&table).into_iter().map(Value::Object).collect()
}

/// A survey whose questions stand in groups, and below answers.
fn survey() -> Value {
    json!({ "resourceType": "QuestionnaireResponse", "id": "q", "item": [
        { "linkId": "1", "item": [{ "linkId": "1.1" }, { "linkId": "1.2", "answer": [
            { "valueBoolean": true, "item": [{ "linkId": "1.2.1" }] },
        ] }] },
        { "linkId": "2" },
    ] })
}

#[test]
fn repeat_finds_elements_at_every_depth_each_before_what_stands_in_it() {
    let found = |repeat: Value| -> Vec<String> {
        let column =
            json!([{ "name": "id", "path": "linkId" }, { "name": "at", "path": "%rowIndex" }]);
        rows_of(json!([{ "repeat": repeat, "column": column }]), &survey())
            .iter()
            .enumerate()
            .inspect(|(at, row)| assert_eq!(row["at"], *at))
            .map(|(_, row)| row["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(found(json!(["item"])), ["1", "1.1", "1.2", "2"]);
    assert_eq!(found(json!(["item", "answer.item"])), ["1", "1.1", "1.2", "1.2.1", "2"]);
    assert_eq!(found(json!(["answer.item"])), Vec::<String>::new());
}

#[test]
fn a_repeat_multiplies_with_what_stands_beside_and_in_it() {
    let select = json!([
        { "column": [{ "name": "key", "path": "getResourceKey()" }] },
        { "repeat": ["item", "answer.item"], "column": [{ "name": "id", "path": "linkId" }], "select": [
            { "forEachOrNull": "answer", "column": [{ "name": "yes", "path": "value.ofType(boolean)" }] },
        ] },
    ]);
    let rows = rows_of(select, &survey());
    assert_eq!(rows.len(), 5);
    assert_eq!(rows[2], json!({ "key": "q", "id": "1.2", "yes": true }));
    assert_eq!(rows[3], json!({ "key": "q", "id": "1.2.1", "yes": null }));
}

#[test]
fn a_repeat_that_finds_itself_is_an_error_and_not_endless() {
    let view = json!({ "resource": "Basic", "select": [{ "repeat": ["$this"], "column": [{ "name": "a", "path": "id" }] }] });
    let view = CompiledView::parse(&view.to_string()).unwrap();
    assert!(view.run([r#"{"resourceType":"Basic","id":"b"}"#]).is_err());
}

#[test]
fn the_row_index_is_that_of_the_innermost_iteration() {
    let patient = json!({ "resourceType": "Patient", "name": [
        { "family": "A", "given": ["x", "y"] },
        { "family": "B", "given": ["z"] },
    ] });
    let index = |name: &str| json!({ "name": name, "path": "%rowIndex", "type": "integer" });
    let select = json!([{ "column": [index("top")] }, {
        "forEach": "name",
        "column": [index("outer"), { "name": "second", "path": "%rowIndex = 1" }],
        "select": [{ "unionAll": [
            { "forEach": "given", "column": [index("inner"), { "name": "text", "path": "$this" }] },
            { "column": [index("inner"), { "name": "text", "path": "family" }] },
        ] }, { "forEachOrNull": "period", "column": [index("none"), { "name": "start", "path": "start" }] }],
    }]);
    let found: Vec<_> = rows_of(select, &patient)
        .iter()
        .map(|row| {
            assert_eq!(
                (&row["top"], &row["none"], &row["start"]),
                (&json!(0), &json!(0), &Value::Null)
            );
            assert_eq!(row["second"], row["outer"] == 1);
            format!("{} {} {}", row["outer"], row["inner"], row["text"].as_str().unwrap())
        })
        .collect();
    assert_eq!(found, ["0 0 x", "0 1 y", "0 0 A", "1 0 z", "1 1 B"]);
}

#[test]
fn a_column_without_a_type_has_that_of_its_path() {
    use DataType::{Boolean, Float64, Int64, Utf8};
    for (path, kind, of) in [
        ("active", Boolean, "boolean"),
        ("birthDate", Utf8, "date"),
        ("multipleBirth.ofType(integer)", Int64, "integer"),
        ("name.first().family", Utf8, "string"),
        ("name.exists()", Boolean, "boolean"),
        ("name.count() + 1", Int64, "integer"),
        ("name.count() / 2", Float64, "decimal"),
        ("%rowIndex", Int64, "integer"),
        ("extension('x').value.ofType(Quantity).value", Float64, "decimal"),
        ("contact.first().period.start", Utf8, "dateTime"),
        ("telecom.first().rank", Int64, "positiveInt"),
        ("name.given.join(' ')", Utf8, "string"),
        ("iif(active, 1, 2)", Int64, "integer"),
        ("extension('x').value * 2", Float64, "decimal"),
        ("extension('x').value.ofType(Range).low.value", Float64, "decimal"),
        ("active and name.exists()", Boolean, "boolean"),
    ] {
        let view = json!({ "resource": "Patient", "select": [{ "column": [{ "name": "v", "path": path }] }] });
        let view = CompiledView::parse(&view.to_string()).unwrap();
        assert_eq!(*view.schema().field(0).data_type(), kind, "{path}");
        assert_eq!(view.columns()[0].of, of, "{path}");
    }
}

#[test]
fn boundaries_know_dates_and_times_by_their_place() {
    let request = json!({ "resourceType": "MedicationRequest", "authoredOn": "2010-10-10",
        "dispenseRequest": { "validityPeriod": { "start": "2020-02", "end": "2021" } } });
    for (path, expected) in [
        ("authoredOn.lowBoundary()", "2010-10-10T00:00:00.000+14:00"),
        ("authoredOn.highBoundary()", "2010-10-10T23:59:59.999-12:00"),
        ("authoredOn.lowBoundary(6)", "2010-10"),
        ("dispenseRequest.validityPeriod.lowBoundary()", "2020-02-01T00:00:00.000+14:00"),
        ("dispenseRequest.validityPeriod.highBoundary()", "2021-12-31T23:59:59.999-12:00"),
        ("dispenseRequest.validityPeriod.end.lowBoundary()", "2021-01-01T00:00:00.000+14:00"),
        ("(1.587).lowBoundary(2).toString()", "1.58"),
        ("(1.587).highBoundary(2).toString()", "1.59"),
    ] {
        assert_eq!(value_of(path, "string", &request), expected, "{path}");
    }
    let patient = json!({ "resourceType": "Patient", "birthDate": "1970-06" });
    assert_eq!(value_of("birthDate.lowBoundary()", "date", &patient), "1970-06-01");
    assert_eq!(value_of("birthDate.highBoundary()", "date", &patient), "1970-06-30");
}

#[test]
fn constants_of_every_type_can_be_compared_with_elements_of_theirs() {
    let observation = |value: &str, of: &Value| {
        let mut resource = json!({ "resourceType": "Observation" });
        resource["extension"] = json!([{ "url": "u", format!("value{value}"): of }]);
        resource
    };
    for (of, value) in [
        ("Base64Binary", json!("aGVsbG8=")),
        ("Boolean", json!(true)),
        ("Canonical", json!("http://x/y|1")),
        ("Code", json!("final")),
        ("Date", json!("2020-01-02")),
        ("DateTime", json!("2020-01-02T03:04:05Z")),
        ("Decimal", json!(1.25)),
        ("Id", json!("a-1")),
        ("Instant", json!("2020-01-02T03:04:05.678+01:00")),
        ("Integer", json!(-7)),
        ("Integer64", json!("9007199254740993")),
        ("Oid", json!("urn:oid:1.2.3")),
        ("PositiveInt", json!(3)),
        ("String", json!("a text")),
        ("Time", json!("12:30:00")),
        ("UnsignedInt", json!(0)),
        ("Uri", json!("urn:x")),
        ("Url", json!("http://x")),
        ("Uuid", json!("urn:uuid:c757873d-ec9a-4326-a141-556f43239520")),
    ] {
        let view = json!({
            "resource": "Observation",
            "constant": [{ "name": "wanted", format!("value{of}"): value }],
            "where": [{ "path": "extension('u').value = %wanted" }],
            "select": [{ "column": [{ "name": "n", "path": "1" }] }],
        });
        let view = CompiledView::parse(&view.to_string()).unwrap();
        let found = view.run([observation(of, &value).to_string().as_str()]).unwrap();
        assert_eq!(found.num_rows(), 1, "{of}");
        let other = view.run([r#"{"resourceType":"Observation"}"#]).unwrap();
        assert_eq!(other.num_rows(), 0, "{of}");
    }
}

#[test]
fn a_date_time_without_a_time_is_no_date() {
    for (of, path, expected) in [
        ("DateTime", "%c", "2020-02"),
        ("DateTime", "%c.highBoundary()", "2020-02-29T23:59:59.999-12:00"),
        ("DateTime", "iif(%c is dateTime and (%c is date).not(), 'a', 'b')", "a"),
        ("DateTime", "iif(%c.ofType(dateTime) = @2020-02, 'a', 'b')", "a"),
        ("Date", "%c.highBoundary()", "2020-02-29"),
        ("Date", "iif(%c is date and (%c is dateTime).not(), 'a', 'b')", "a"),
    ] {
        let view = json!({
            "resource": "Patient",
            "constant": [{ "name": "c", format!("value{of}"): "2020-02" }],
            "select": [{ "column": [{ "name": "v", "path": path }] }],
        });
        let view = CompiledView::parse(&view.to_string()).unwrap();
        let table = view.run([r#"{"resourceType":"Patient"}"#]).unwrap();
        assert_eq!(rows(&table)[0]["v"], expected, "{of} {path}");
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
        ("subject.getReferenceKey('Patient')", "id", json!("p")),
        ("note.text.tail()", "string", json!("b")),
        ("note.text.skip(1).take(5)", "string", json!("b")),
        ("note.where($index = 1).text", "string", json!("b")),
        ("note.text.exists($this = 'b')", "boolean", json!(true)),
        ("note.text.distinct().count()", "integer", json!(2)),
        ("note.text.combine(note.text).isDistinct()", "boolean", json!(false)),
        ("note.text.intersect('b')", "string", json!("b")),
        ("note.text.exclude('b')", "string", json!("a")),
        ("note.repeat(text).count()", "integer", json!(2)),
        ("note.select(text & '!').join()", "string", json!("a!b!")),
        ("'FINAL ' ~ status", "boolean", json!(true)),
        ("status !~ 'draft'", "boolean", json!(true)),
        ("status.upper()", "string", json!("FINAL")),
        ("status.substring(1, 2)", "string", json!("in")),
        ("status.substring(9)", "string", null.clone()),
        ("status.indexOf('n')", "integer", json!(2)),
        ("status.contains('ina') and status.endsWith('l')", "boolean", json!(true)),
        ("status.replace('final', 'amended').length()", "integer", json!(7)),
        ("'a,b'.split(',').count()", "integer", json!(2)),
        ("'12'.toInteger() + 1", "integer", json!(13)),
        ("'x'.toInteger()", "integer", null.clone()),
        ("'1.50'.toDecimal()", "decimal", json!(1.5)),
        ("'yes'.toBoolean()", "boolean", json!(true)),
        ("(-2.5).abs().floor()", "integer", json!(2)),
        ("(2.567).round(1)", "decimal", json!(2.6)),
        ("status.hasValue()", "boolean", json!(true)),
        ("(true | false).anyTrue() and (true).allTrue()", "boolean", json!(true)),
        ("missing xor true", "boolean", null.clone()),
        ("missing implies true", "boolean", json!(true)),
        ("%resource.status", "code", json!("final")),
        ("note.first().select(%resource.status)", "code", json!("final")),
        ("%loinc", "uri", json!("http://loinc.org")),
        ("(1 | 2) = (1 | 2)", "boolean", json!(true)),
        ("note.first().iif(text = 'a', 'x', 'y')", "string", json!("x")),
        ("note.where(text = 'none').iif(exists(), 'x', 'y')", "string", json!("y")),
        ("{} = {}", "boolean", null.clone()),
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
    fn steps_find_what_the_functions_find_that_say_the_same(
        start in prop::sample::select(vec!["$this", "name", "(name | contact.name)", "(contact.name.where(use = 'b') | name)",
            "extension", "link.where(other.exists())", "%resource", "Patient", "deceased"]),
        steps in prop::collection::vec(prop::sample::select(vec![(".given", ".select(given)"), (".name", ".select(name)"),
            (".period", ".select(period)"), (".start", ".select(start)"), (".value", ".select(value)"), (".link", ".select(link)"),
            (".other", ".select(other)"), (".first()", ".take(1)"), (".ofType(Quantity)", ".where($this is Quantity)"),
            (".ofType(string)", ".where($this is string)"), (".unit", ".select(unit)"), (".extension", ".select(extension)")]), 0..5),
        (end, other) in prop::sample::select(vec![(".exists()", ".count() > 0"), (".empty()", ".count() = 0"),
            (".getReferenceKey().first()", ".getReferenceKey().take(1)"), ("", "")]),
    ) {
        let person = json!({ "resourceType": "Patient", "id": "p", "deceasedDateTime": "2020-01",
            "name": [{ "use": "a", "given": ["x", "y"], "period": { "start": "2020" } }, { "use": "b" }, { "given": [null, "z"] }],
            "contact": [{ "name": { "use": "b", "given": ["x"] } }, {}],
            "link": [{ "other": { "reference": "Patient/q" }, "link": [{ "other": { "reference": "Patient/r" } }] }, { "link": [] }],
            "extension": [{ "url": "u", "valueQuantity": { "value": 1.0, "unit": "mg" } }, { "url": "v", "valueString": "s",
                "extension": [{ "url": "w", "valueQuantity": { "unit": "g" } }] }] });
        let path = |tell: fn(&(&'static str, &'static str)) -> &'static str, end: &str| {
            format!("{start}{}{end}", steps.iter().map(tell).collect::<String>())
        };
        let found = |path: String| {
            let column = json!({ "name": "v", "path": path, "type": "string", "collection": true });
            let view = json!({ "resource": "Patient", "select": [{ "column": [column] }] });
            let table = CompiledView::parse(&view.to_string()).unwrap().run([person.to_string().as_str()]);
            table.map(|table| rows(&table)[0]["v"].clone()).map_err(|error| error.to_string())
        };
        let (steps, functions) = (path(|(step, _)| step, end), path(|(_, function)| function, other));
        prop_assert_eq!(found(steps.clone()), found(functions), "{}", steps);
    }

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

#[test]
fn extensions_of_primitives_and_special_types_are_found() {
    let patient = json!({
        "resourceType": "Patient", "birthDate": "1970-03-30",
        "_birthDate": { "extension": [{ "url": "t", "valueDateTime": "1970-03-30T10:00:00Z" }] },
        "name": [{ "given": ["A", "B"], "_given": [null, { "extension": [{ "url": "g", "valueString": "second" }] }],
            "family": "F", "_family": { "extension": [{ "url": "u", "valueString": "own" }] } },
            { "_family": { "extension": [{ "url": "w", "valueString": "alone" }] } }],
        "extension": [{ "url": "c", "valueCode": "x" }, { "url": "n", "valuePositiveInt": 3 },
            { "url": "o", "valueDate": "2020", "_valueDate": { "extension": [{ "url": "p", "valueString": "day" }] } },
            { "url": "u", "valueUrl": "http://u" }, { "url": "a", "valueAge": { "value": 5 } }],
    });
    for (path, kind, wanted) in [
        (
            "birthDate.extension('t').value.ofType(dateTime)",
            "string",
            json!("1970-03-30T10:00:00Z"),
        ),
        ("name.family.extension('u').value", "string", json!("own")),
        ("name.family.extension('w').value", "string", json!("alone")),
        ("name.given.first().extension('g').value", "string", Value::Null),
        ("name.given.where($this = 'B').extension('g').value", "string", json!("second")),
        ("name.given[1].extension('g').value", "string", json!("second")),
        ("name.given.extension('g').value", "string", json!("second")),
        ("extension('o').value.ofType(date).extension('p').value", "string", json!("day")),
        ("extension('c').value.ofType(string)", "string", json!("x")),
        ("extension('n').value.ofType(integer)", "integer", json!(3)),
        ("extension('n').value is integer", "boolean", json!(true)),
        ("extension('u').value.ofType(uri)", "string", json!("http://u")),
        ("extension('a').value.ofType(Quantity).value", "decimal", json!(5.0)),
        ("extension('c').value.ofType(uri)", "string", Value::Null),
    ] {
        assert_eq!(value_of(path, kind, &patient), wanted, "{path}");
    }
}

#[test]
fn what_has_no_value_is_null_and_what_lies_between_integers_a_decimal() {
    let record = json!({ "resourceType": "Observation", "valueInteger": 5,
        "subject": { "reference": "foo/1" }, "focus": [{ "reference": "Patient/2" }] });
    for (path, kind, wanted) in [
        ("9223372036854775807 + 1", "integer", Value::Null),
        ("2 * 9223372036854775807", "integer", Value::Null),
        ("9223372036854775806 + 1", "integer", json!(9_223_372_036_854_775_807_i64)),
        ("subject.getReferenceKey()", "string", Value::Null),
        ("focus.getReferenceKey()", "string", json!("2")),
    ] {
        assert_eq!(value_of(path, kind, &record), wanted, "{path}");
    }
    let view = json!({ "resource": "Observation", "select": [{ "column": [
        { "name": "low", "path": "value.ofType(integer).lowBoundary()" },
        { "name": "high", "path": "1.highBoundary()" },
    ] }] });
    let table = CompiledView::parse(&view.to_string()).unwrap().run([record.to_string().as_str()]);
    let table = table.unwrap();
    assert_eq!(json!(rows(&table)[0]), json!({ "low": 4.5, "high": 1.5 }));
}

#[test]
fn types_that_never_go_together_are_refused_where_they_stand() {
    let view = |path: &str| {
        json!({ "resource": "Patient", "where": [{ "path": path }],
            "select": [{ "column": [{ "name": "id", "path": "id" }] }] })
    };
    for path in [
        "birthDate > 5",
        "1 > 'a'",
        "('a' + 1) = 'b'",
        "name.where(1 <= 'a').exists()",
        "active < 1",
    ] {
        assert_eq!(pointer_of(&view(path)), "/where/0/path", "{path}");
    }
    for path in ["birthDate > '2000'", "birthDate > @2000", "name.family > 'a'", "1 < 2.5"] {
        CompiledView::parse(&view(path).to_string()).unwrap();
    }
    let instant = |value: &str| {
        json!({ "resource": "Patient", "constant": [{ "name": "c", "valueInstant": value }],
            "select": [{ "column": [{ "name": "v", "path": "%c" }] }] })
    };
    for wrong in ["2015", "2015-02-07T13:28:17", "2015-02-07T13:28Z"] {
        assert_eq!(pointer_of(&instant(wrong)), "/constant/0/valueInstant", "{wrong}");
    }
    CompiledView::parse(&instant("2015-02-07T13:28:17.239+02:00").to_string()).unwrap();
    let union = json!({ "resource": "Patient", "select": [{ "unionAll": [
        { "column": [{ "name": "a", "path": "id", "type": "string" }] },
        { "column": [{ "name": "a", "path": "id" }] },
        { "column": [{ "name": "a", "path": "birthDate", "type": "date" }] },
    ] }] });
    assert_eq!(pointer_of(&union), "/select/0/unionAll/2");
}

#[test]
fn each_primitive_of_a_row_has_its_own_extensions() {
    let patient = json!({ "resourceType": "Patient", "name": [{ "given": ["A", "B"],
        "_given": [null, { "extension": [{ "url": "g", "valueString": "second" }] }] }] });
    let view = json!({ "resource": "Patient", "select": [{ "forEach": "name.given", "column": [
        { "name": "given", "path": "$this" }, { "name": "more", "path": "extension('g').value.ofType(string)" }
    ] }] });
    let table = CompiledView::parse(&view.to_string()).unwrap().run([patient.to_string().as_str()]);
    let wanted = json!([{ "given": "A", "more": null }, { "given": "B", "more": "second" }]);
    assert_eq!(json!(rows(&table.unwrap())), wanted);
}

#[test]
fn branches_of_a_union_need_the_same_types_only_where_they_declare_them() {
    use DataType::{Boolean, Float64, Int64, Utf8};
    let column = |path: &str, of: &str| match of {
        "" => json!({ "column": [{ "name": "v", "path": path }] }),
        of => json!({ "column": [{ "name": "v", "path": path, "type": of }] }),
    };
    let union = |branches: [Value; 3]| json!({ "resource": "Patient", "select": [{ "unionAll": branches }] });
    let patient = json!({ "resourceType": "Patient", "active": true, "gender": "male", "multipleBirthInteger": 2,
        "telecom": [{ "rank": 1 }] });
    let nothing = || column("{}", "");
    for (branches, kind, of, found) in [
        (
            [column("telecom.rank", ""), nothing(), column("1", "")],
            Int64,
            "integer",
            json!([1, null, 1]),
        ),
        (
            [nothing(), column("active", ""), column("true", "")],
            Boolean,
            "boolean",
            json!([null, true, true]),
        ),
        (
            [column("1", ""), column("1.5", ""), nothing()],
            Float64,
            "decimal",
            json!([1.0, 1.5, null]),
        ),
        (
            [column("iif(active, 1, {})", ""), column("2", ""), nothing()],
            Int64,
            "integer",
            json!([1, 2, null]),
        ),
        (
            [column("%resource.multipleBirth", ""), column("3", "integer"), nothing()],
            Int64,
            "integer",
            json!([2, 3, null]),
        ),
        (
            [column("active", ""), column("1", ""), column("gender", "")],
            Utf8,
            "string",
            json!(["true", "1", "male"]),
        ),
        (
            [column("1", ""), column("2.5", "decimal"), nothing()],
            Float64,
            "decimal",
            json!([1.0, 2.5, null]),
        ),
        (
            [column("1", ""), column("gender", "string"), nothing()],
            Utf8,
            "string",
            json!(["1", "male", null]),
        ),
        // A union in a union.
        (
            [
                json!({ "unionAll": [column("1", ""), nothing()] }),
                column("2.5", ""),
                json!({ "select": [{ "unionAll": [nothing(), column("4", "")] }] }),
            ],
            Float64,
            "decimal",
            json!([1.0, null, 2.5, null, 4.0]),
        ),
    ] {
        let view = union(branches);
        let compiled = CompiledView::parse(&view.to_string());
        let compiled = compiled.unwrap_or_else(|error| panic!("{view}: {error}"));
        assert_eq!(*compiled.schema().field(0).data_type(), kind, "{view}");
        assert_eq!(compiled.columns()[0].of, of, "{view}");
        let table = compiled.run([patient.to_string().as_str()]).unwrap();
        let values: Vec<Value> = rows(&table).into_iter().map(|row| row["v"].clone()).collect();
        assert_eq!(json!(values), found, "{view}");
    }
    for branches in [
        [column("1", "integer"), column("2", "decimal"), nothing()],
        [column("active", ""), column("2", "integer"), nothing()],
        [column("gender", "code"), column("gender", ""), column("gender", "string")],
    ] {
        let place = pointer_of(&union(branches));
        assert!(place.starts_with("/select/0/unionAll/"), "{place}");
    }
}

/// What is odd about a view of this type with one selection, each as the place, the offset and what was probably meant.
fn odd(resource: &str, select: Value) -> Vec<(String, Option<usize>, Option<String>)> {
    let view = json!({ "resource": resource, "select": [select] });
    let view = CompiledView::parse(&view.to_string()).unwrap_or_else(|error| panic!("{error}"));
    let warnings = view.warnings().iter().map(|odd| {
        let meant = odd.message.split_once("did you mean ");
        let meant = meant.map(|(_, meant)| meant.trim_end_matches('?').to_owned());
        (odd.pointer.clone(), odd.offset, meant)
    });
    warnings.collect()
}

#[test]
fn an_element_that_is_not_there_is_told_with_its_place_and_what_was_probably_meant() {
    let column = |path: &str| json!({ "column": [{ "name": "v", "path": path }] });
    let place = "/select/0/column/0/path";
    for (resource, path, at, meant) in [
        ("Patient", "brithDate", 0, Some("birthDate")),
        ("Patient", "Patient.brithDate", 8, Some("birthDate")),
        ("Patient", "name.famly", 5, Some("family")),
        ("Patient", "name.where(us = 'x').family", 11, Some("use")),
        ("Patient", "contact.name.first().famly", 21, Some("family")),
        ("Patient", "name.given.first", 11, None),
        ("Patient", "identifier.iif(vlaue.exists(), 'a', 'b')", 15, Some("value")),
        ("Patient", "%resource.nam.exists()", 10, Some("name")),
        ("Patient", "Observation.status", 0, None),
        ("Observation", "value.ofType(Quantity).unti", 23, Some("unit")),
        ("Observation", "valueQuantity.unti", 14, Some("unit")),
        ("Observation", "component.value.ofType(CodeableConcept).coding.cod", 47, Some("code")),
        ("Observation", "code.coding.exists(sytem = 'x')", 19, Some("system")),
        ("Encounter", "period.begin", 7, None),
        // Of a choice, every type that it can be is asked, and of two releases, both.
        ("Observation", "value.hihg", 6, Some("high")),
        ("Encounter", "class.codng", 6, Some("coding")),
        ("MedicationAdministration", "dosage.doze", 7, Some("dose")),
        // A line break, and letters of several bytes.
        ("Patient", "('Ä' & active) = 'x' and\n brithDate.exists()", 26, Some("birthDate")),
    ] {
        let meant = meant.map(str::to_owned);
        assert_eq!(odd(resource, column(path)), [(place.to_owned(), Some(at), meant)], "{path}");
    }
    // At two places of a path it is told once, without the place in it.
    let twice = odd("Patient", column("brithDate | brithDate"));
    assert_eq!(twice, [(place.to_owned(), None, Some("birthDate".to_owned()))]);
    let nested = json!({
        "forEach": "contacts",
        "column": [{ "name": "a", "path": "name.family" }],
    });
    let found = odd("Patient", nested);
    assert_eq!(found, [("/select/0/forEach".to_owned(), Some(0), Some("contact".to_owned()))]);
    let union = json!({ "unionAll": [
        { "forEach": "name", "column": [{ "name": "a", "path": "family" }] },
        { "forEach": "contact.name", "column": [{ "name": "a", "path": "famly" }] },
    ] });
    let place = "/select/0/unionAll/1/column/0/path".to_owned();
    assert_eq!(odd("Patient", union), [(place, Some(0), Some("family".to_owned()))]);
    let filtered = json!({
        "resource": "Patient",
        "where": [{ "path": "activ" }],
        "select": [column("id")],
    });
    let filtered = CompiledView::parse(&filtered.to_string()).unwrap();
    assert_eq!(
        filtered.warnings()[0].to_string(),
        "where[0].path, at character 1 of the path: no element of Patient is named activ in FHIR R4 or R5, so that nothing will be found; did you mean active?"
    );
}

#[test]
fn nothing_is_said_of_elements_that_are_there_or_of_types_that_are_not_known() {
    for view in views() {
        assert_eq!(view.warnings(), [], "{}", view.name());
    }
    let paths = [
        ("Patient", "name.family"),
        ("Patient", "birthDate.extension('u').valueString"),
        ("Patient", "extension('u').value.whatever"),
        ("Patient", "extension.whatever"),
        ("Patient", "contained.whatever"),
        ("Patient", "contained.ofType(Observation).status"),
        ("Patient", "name.given.id"),
        ("Patient", "deceased.ofType(boolean)"),
        ("Patient", "deceasedBoolean"),
        ("Patient", "_birthDate.id"),
        ("Patient", "resourceType"),
        ("Patient", "text.div"),
        ("Patient", "meta.lastUpdated"),
        ("Patient", "Resource.id"),
        ("Patient", "name.text | contact.name.text"),
        ("Patient", "link.other.getReferenceKey(Patient)"),
        // Of another release, or of one of two that differ.
        ("Encounter", "class.code"),
        ("Encounter", "class.coding.code"),
        ("Encounter", "hospitalization.dischargeDisposition"),
        ("Encounter", "admission.dischargeDisposition"),
        ("MedicationRequest", "medication.concept.coding.code"),
        ("MedicationRequest", "medicationCodeableConcept.coding.code"),
        ("Bundle", "entry.resource.whatever"),
        ("Bundle", "entry.link.relation"),
        ("Parameters", "parameter.part.value.ofType(Coding).code"),
        ("Questionnaire", "item.repeat(item).linkId"),
        ("QuestionnaireResponse", "repeat(item | answer.item).answer.value"),
        // Of what is no longer or not yet there.
        ("BodySite", "whatever"),
        ("ViewDefinition", "whatever"),
    ];
    for (resource, path) in paths {
        let select = json!({ "column": [{ "name": "v", "path": path, "type": "string" }] });
        assert_eq!(odd(resource, select), [], "{resource}: {path}");
    }
    let column = json!([{ "name": "v", "path": "linkId" }]);
    for repeat in [json!(["item", "answer.item"]), json!(["item"])] {
        let select = json!({ "repeat": repeat, "column": column });
        assert_eq!(odd("QuestionnaireResponse", select), []);
    }
    // Calls in each other are not looked through to any depth, which would take longer than anybody waits.
    let nested = (0..40).fold("item".to_owned(), |path, _| format!("repeat({path})"));
    let select = json!({ "column": [{ "name": "v", "path": format!("{nested}.linkId"), "type": "string" }] });
    assert_eq!(odd("QuestionnaireResponse", select), []);
    // What stands three levels down is found only from what was found before.
    let deep = |path: &str| {
        json!({
            "repeat": ["item", "detail", "subDetail"],
            "column": [{ "name": "v", "path": path }],
        })
    };
    assert_eq!(odd("Claim", deep("udi.reference | revenue.coding.code")), []);
    assert_eq!(odd("Claim", deep("udy"))[0].2.as_deref(), Some("udi"));
    let within = json!({ "column": [{
        "name": "v",
        "path": "repeat(item | detail | subDetail).udi.reference",
        "type": "string",
    }] });
    assert_eq!(odd("Claim", within), []);
}
