//! The story on FHIR that nobody on this project wrote.

use crate::story::holds;
use crate::support::{caduceus, json, shared, text};

#[test]
fn bulk_data_of_a_sandbox_is_told_to_its_end() {
    let Some(data) = shared("fhir/smart-10") else { return };
    let story = json(&["demo", "--seed", "1", "--data", text(&data)]);
    holds(&story);
    let patients: u64 = story["datasets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["patients"].as_u64().unwrap())
        .sum();
    assert_eq!(patients, 13, "everybody is published: one class a hospital");
    assert_eq!(story["data"]["divided"], true);
    assert_eq!(story["data"]["unused"], serde_json::json!([]));
}

#[test]
fn synthea_bundles_are_told_to_their_end() {
    let Some(data) = shared("fhir/bundles") else { return };
    holds(&json(&["demo", "--seed", "1", "--data", text(&data)]));
}

#[test]
fn what_was_missing_is_said() {
    let Some(data) = shared("fhir/smart-10") else { return };
    let output = caduceus(&["demo", "--seed", "1", "--data", text(&data)]).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("no rows for: observation"), "{told}");
    assert!(told.contains("no Consent resource"), "{told}");
}
