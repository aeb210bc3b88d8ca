//! Any text as a path: it compiles and runs, or is refused at a place within it.
//!
//! Run with `cargo +nightly fuzz run fhirpath`.

#![no_main]

use caduceus_records::{CompiledView, RecordsError};
use libfuzzer_sys::fuzz_target;

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p","active":true,"birthDate":"1970-06","name":[{"family":"A","given":["x","y"]}],"contact":[{"period":{"start":"2020"}}],"multipleBirthInteger":2,"extension":[{"url":"u","valueDecimal":1.50}]}"#;

fuzz_target!(|path: &str| {
    let view = serde_json::json!({
        "resource": "Patient",
        "select": [{ "column": [{ "name": "v", "path": path, "collection": true, "type": "string" }] }],
    });
    match CompiledView::parse(&view.to_string()) {
        Ok(view) => drop(view.run([PATIENT])),
        Err(RecordsError::View(error)) => {
            assert!(error.offset.is_none_or(|offset| offset <= path.chars().count()));
        }
        Err(other) => panic!("a view is refused as a view: {other}"),
    }
});
