//! What the reader takes and keeps, held against serde_json.

#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;
use serde_json::Value;

fn to_value(json: &Json<'_>) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(text) => serde_json::from_str(text).unwrap(),
        Json::String(text) => Value::String((*text).to_owned()),
        Json::Array(items) => items.iter().map(to_value).collect(),
        Json::Object(object) => object
            .members()
            .iter()
            .map(|(name, value)| ((*name).to_owned(), to_value(value)))
            .collect(),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        // serde_json reads most decimals only almost exactly; these it reads exactly.
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 64.0)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-c]{0,3}|\\PC{1,4}", inner, 0..6)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_is_read_as_serde_json_reads_it(value in any_json(), pretty in any::<bool>()) {
        let text = match pretty {
            true => serde_json::to_string_pretty(&value).unwrap(),
            false => value.to_string(),
        };
        let arena = Bump::new();
        let Ok(json) = parse(&text, &Keep::all(), &arena) else { panic!("refused {text}") };
        prop_assert_eq!(to_value(&json), value);
    }

    #[test]
    fn a_changed_byte_is_accepted_only_where_serde_json_accepts_it(
        value in any_json(), at in any::<prop::sample::Index>(), byte in 0u8..128,
    ) {
        let mut bytes = value.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
        let theirs: Result<Value, _> = serde_json::from_str(&text);
        for keep in [Keep::all(), Keep::nothing()] {
            let arena = Bump::new();
            match (parse(&text, &keep, &arena), &theirs) {
                (Ok(_), Err(error)) => prop_assert!(
                    error.to_string().contains("out of range"), "accepted {text}: {error}"),
                (Err(error), Ok(_)) => prop_assert_eq!(error.what, "an object has the same name twice"),
                _ => {}
            }
        }
    }
}

#[test]
fn escapes_and_surrogate_pairs_become_their_characters() {
    let text = r#""a\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00z""#;
    let arena = Bump::new();
    let Ok(Json::String(read)) = parse(text, &Keep::all(), &arena) else { panic!("refused") };
    assert_eq!(read, "a\"\\/\u{8}\u{c}\n\r\tä😀z");
}

/// What is kept of a text by a keep that has these paths of names for resources of type A.
fn kept(paths: &[&[&str]], text: &str) -> String {
    let mut keep = Keep::nothing();
    let root = keep.resource("A");
    for path in paths {
        let _ = path.iter().fold(root, |place, name| keep.child(place, name));
    }
    keep.settle();
    let arena = Bump::new();
    let Ok(json) = parse(text, &keep, &arena) else { panic!("refused") };
    to_value(&json).to_string()
}

#[test]
fn only_paths_that_are_asked_for_are_kept_with_their_typed_forms() {
    let text = r#"{"resourceType":"A","value":1,"valueQuantity":{"value":2,"x":3},"valued":4,"other":[{"value":5}]}"#;
    assert_eq!(kept(&[], text), r#"{"resourceType":"A"}"#);
    assert_eq!(
        kept(&[&["value", "value"]], text),
        r#"{"resourceType":"A","value":1,"valueQuantity":{"value":2}}"#
    );
    assert_eq!(
        kept(&[&["value", "x"], &["valueQuantity", "value"]], text),
        r#"{"resourceType":"A","value":1,"valueQuantity":{"value":2,"x":3}}"#
    );
    assert_eq!(kept(&[&["other"]], text), r#"{"other":[{}],"resourceType":"A"}"#);
}

#[test]
fn the_type_of_a_resource_decides_wherever_it_stands() {
    let text = r#"{"value":1,"id":"i","resourceType":"A"}"#;
    assert_eq!(kept(&[&["value"]], text), r#"{"id":"i","resourceType":"A","value":1}"#);
    let text = r#"{"value":1,"id":"i","resourceType":"B"}"#;
    assert_eq!(kept(&[&["value"]], text), r#"{"id":"i","resourceType":"B"}"#);
    let text = r#"{"resourceType":"Bundle","total":1,"entry":[{"fullUrl":"u","search":{},"resource":{"resourceType":"A","value":1,"x":2}}]}"#;
    let bundle = r#"{"entry":[{"fullUrl":"u","resource":{"resourceType":"A","value":1}}],"resourceType":"Bundle"}"#;
    assert_eq!(kept(&[&["value"]], text), bundle);
}

#[test]
fn of_a_bundle_that_was_cut_off_the_whole_entries_are_read() {
    let text = r#"{"resourceType":"Bundle","meta":{"x":[1]},"entry":[{"fullUrl":"a"},{"fullUrl":"b"},{"fullUrl":"c"#;
    let arena = Bump::new();
    let keep = Keep::nothing();
    assert!(parse(text, &keep, &arena).is_err());
    let entries = parse_whole_entries(text, &keep, &arena);
    let urls: Vec<_> =
        entries.iter().filter_map(|entry| entry.as_object()?.text("fullUrl")).collect();
    assert_eq!(urls, ["a", "b"]);
}
