//! What paths find, and which are refused before any record is read.

use caduceus_records::{CompiledView, RecordsError, ViewError};
use serde_json::{Value, json};

use crate::support::rows;

/// A view of one column for the values of a path, however many there are.
fn view_of(resource: &str, column: Value) -> Result<CompiledView, ViewError> {
    let view = json!({ "resource": resource, "select": [{ "column": [column] }] });
    CompiledView::parse(&view.to_string()).map_err(|error| match error {
        RecordsError::View(error) => error,
        other => panic!("a view is refused as a view: {other}"),
    })
}

/// What a path finds in a resource, as texts.
fn found(path: &str, resource: &Value) -> Value {
    let kind = resource["resourceType"].as_str().unwrap();
    let column = json!({ "name": "v", "path": path, "type": "string", "collection": true });
    let view = view_of(kind, column).unwrap_or_else(|error| panic!("{path}: {error}"));
    let table = view.run([resource.to_string().as_str()]);
    rows(&table.unwrap_or_else(|error| panic!("{path}: {error}")))[0]["v"].clone()
}

/// A patient with two names.
fn patient() -> Value {
    json!({ "resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1970-06-01", "active": true,
        "name": [{ "family": "A", "given": ["x", "y"] }, { "family": "B", "given": ["x"] }],
        "link": [{ "type": "seealso" }, { "type": "seealso" }] })
}

#[test]
fn texts_that_are_not_there_are_joined_to_the_empty_text_as_in_the_official_suite() {
    for (path, wanted) in [
        ("name.suffix.join(',')", json!([""])),
        ("{}.join()", json!([""])),
        ("name.given.join(',')", json!(["x,y,x"])),
        ("(name.family | '').join('-')", json!(["A-B-"])),
    ] {
        assert_eq!(found(path, &patient()), wanted, "{path}");
    }
}
