//! The cohort generator: the same every time, read back whole, and plausible.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use caduceus_records::cohort::{CohortOptions, CohortSummary, Country, generate};
use caduceus_records::{Ingest, ReadOptions, RecordsError, read_fhir};
use serde_json::{Map, Value};
use tempfile::tempdir;

use crate::support::{rows, views};

fn options(patients: usize, country: Country, seed: u64) -> CohortOptions {
    CohortOptions { patients, country, seed, ..Default::default() }
}

/// Every file's name and bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect()
}

fn made(options: &CohortOptions) -> (CohortSummary, BTreeMap<String, Vec<u8>>) {
    let folder = tempdir().unwrap();
    let summary = generate(options, folder.path()).unwrap();
    (summary, files(folder.path()))
}

fn read(options: &CohortOptions) -> (CohortSummary, Ingest) {
    let folder = tempdir().unwrap();
    let summary = generate(options, folder.path()).unwrap();
    let sources = [folder.path().to_path_buf()];
    (summary, read_fhir(&sources, &views(), &ReadOptions::default(), &mut |_| {}).unwrap())
}

/// FNV-1a over names and bytes: enough to notice a change.
fn fingerprint(files: &BTreeMap<String, Vec<u8>>) -> u64 {
    let bytes = files.iter().flat_map(|(name, bytes)| name.as_bytes().iter().chain(bytes));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    })
}

#[test]
fn the_same_options_give_the_same_bytes_on_every_machine_and_others_do_not() {
    let (_, first) = made(&options(1_200, Country::Germany, 7));
    assert_eq!(first, made(&options(1_200, Country::Germany, 7)).1);
    assert_eq!(fingerprint(&first), FINGERPRINT, "the generator changed: is that meant?");
    for other in [options(1_200, Country::Germany, 8), options(1_200, Country::France, 7)] {
        assert_ne!(made(&other).1["Condition.ndjson"], first["Condition.ndjson"]);
    }
    let names: Vec<&String> = first.keys().collect();
    assert_eq!(
        names,
        [
            "Condition.ndjson",
            "Consent.ndjson",
            "Encounter.ndjson",
            "MedicationRequest.ndjson",
            "Observation.ndjson",
            "Patient.ndjson",
            "Procedure.ndjson"
        ]
    );
}

#[test]
fn a_larger_cohort_begins_with_the_smaller_one() {
    let (_, small) = made(&options(510, Country::Japan, 3));
    let (_, large) = made(&options(1_100, Country::Japan, 3));
    for (name, bytes) in &small {
        assert!(large[name].starts_with(bytes), "{name}");
    }
}

#[test]
fn every_country_s_records_load_with_nothing_set_aside() {
    for country in Country::ALL {
        let (summary, ingest) = read(&options(700, country, 1));
        assert_eq!(ingest.set_aside, [], "{country}");
        assert!(ingest.without_rows.is_empty());
        let counts = &ingest.resources;
        assert_eq!(counts["Patient"], 700);
        assert_eq!(summary.patients, 700);
        assert_eq!(counts["Condition"], summary.conditions);
        assert_eq!(counts["Encounter"], summary.encounters);
        assert_eq!(counts["Observation"], summary.observations);
        assert_eq!(counts["Consent"], summary.consents);
        let patients = ingest.patients();
        assert_eq!(patients.len(), 700);
        for (name, table) in &ingest.tables.0 {
            for row in rows(table) {
                let id = row["patient"].as_str().unwrap().to_owned();
                assert!(patients.binary_search(&id).is_ok());
                assert!(
                    row.values().all(|value| !value.is_null()),
                    "{country}: {name} has an empty column"
                );
                assert!(name != "patient" || row["country"] == country.code());
            }
        }
        let refusals = ingest
            .consents
            .iter()
            .filter(|consent| consent.text.contains("\"provision\":{\"type\":\"deny\""))
            .count() as u64;
        assert_eq!(refusals, summary.refusals);
        assert!(ingest.consents.iter().all(|consent| consent.ours));
    }
}

#[test]
fn a_damaged_cohort_loses_exactly_its_damaged_records() {
    let damaged = CohortOptions { damaged: 10_000, ..options(2_000, Country::Brazil, 5) };
    let (whole, _) = made(&options(2_000, Country::Brazil, 5));
    let (summary, ingest) = read(&damaged);
    assert!(summary.damaged > 100);
    assert_eq!(ingest.set_aside.len() as u64, summary.damaged);
    let read: u64 = ingest.resources.values().sum();
    assert_eq!(
        read + summary.damaged,
        whole.patients
            + whole.conditions
            + whole.encounters
            + whole.observations
            + whole.consents
            + whole.medications
            + whole.procedures
    );
}

/// What a cohort of 8,000 says, as an analyst would ask it.
struct Findings {
    people: BTreeMap<String, Map<String, Value>>,
    codes: BTreeMap<String, BTreeSet<String>>,
    values: BTreeMap<String, Vec<(String, f64)>>,
    summary: CohortSummary,
    encounters: Vec<Map<String, Value>>,
}

fn findings() -> &'static Findings {
    static FOUND: LazyLock<Findings> = LazyLock::new(find);
    &FOUND
}

fn find() -> Findings {
    let (summary, ingest) = read(&options(8_000, Country::UnitedStates, 11));
    let table = |name: &str| rows(ingest.tables.get(name).unwrap());
    let text = |row: &Map<String, Value>, column: &str| row[column].as_str().unwrap().to_owned();
    let people = table("patient").into_iter().map(|row| (text(&row, "patient"), row)).collect();
    let mut codes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in table("condition") {
        codes.entry(text(&row, "code")).or_default().insert(text(&row, "patient"));
    }
    let mut values: BTreeMap<String, Vec<(String, f64)>> = BTreeMap::new();
    for row in table("observation") {
        values
            .entry(text(&row, "code"))
            .or_default()
            .push((text(&row, "patient"), row["value"].as_f64().unwrap()));
    }
    Findings { people, codes, values, summary, encounters: table("encounter") }
}

impl Findings {
    /// The mean of a measurement over patients with and without a diagnosis.
    fn means(&self, measured: &str, code: &str) -> (f64, f64) {
        let sick = &self.codes[code];
        let mean = |of: bool| {
            let chosen: Vec<f64> = self.values[measured]
                .iter()
                .filter(|(who, _)| sick.contains(who) == of)
                .map(|(_, value)| *value)
                .collect();
            chosen.iter().sum::<f64>() / chosen.len() as f64
        };
        (mean(true), mean(false))
    }
}

#[test]
fn a_cohort_is_plausible_enough_for_analyses_to_find_something() {
    let found = findings();
    let patients = found.summary.patients as f64;
    let each = |count: u64| count as f64 / patients;
    assert!((1.0..3.0).contains(&each(found.summary.conditions)), "{:?}", found.summary);
    assert!((2.0..4.0).contains(&each(found.summary.encounters)));
    assert!((4.0..8.0).contains(&each(found.summary.observations)));
    assert!((0.02..0.04).contains(&each(found.summary.refusals)));

    let share = |code: &str| found.codes[code].len() as f64 / patients;
    for (code, low, high) in [
        ("38341003", 0.15, 0.40),   // hypertension
        ("44054006", 0.05, 0.15),   // diabetes mellitus type 2
        ("195967001", 0.05, 0.10),  // asthma
        ("13645005", 0.02, 0.08),   // chronic obstructive lung disease
        ("254837009", 0.005, 0.03), // breast cancer
        ("35489007", 0.05, 0.14),   // depression
        ("84114007", 0.01, 0.08),   // heart failure
        ("709044004", 0.02, 0.12),  // chronic kidney disease
    ] {
        assert!((low..high).contains(&share(code)), "{code}: {}", share(code));
    }
    let women = found.codes["254837009"]
        .iter()
        .filter(|id| found.people[*id]["gender"] == "female")
        .count();
    assert!(women * 10 > found.codes["254837009"].len() * 9, "breast cancer is rare in men");

    for (measured, code, difference) in [
        ("8480-6", "38341003", 10.0),
        ("4548-4", "44054006", 1.2),
        ("18262-6", "55822004", 20.0),
        ("39156-5", "44054006", 1.0),
        ("38483-4", "709044004", 0.7),
    ] {
        let (with, without) = found.means(measured, code);
        assert!(with > without + difference, "{measured} with {code}: {with}, without: {without}");
    }
    let people_with = found.codes["44054006"].intersection(&found.codes["709044004"]).count();
    let expected = share("44054006") * share("709044004") * patients;
    assert!(people_with as f64 > 1.5 * expected, "diabetes goes with kidney disease");
}

/// Every resource of one file of a cohort.
fn resources(files: &BTreeMap<String, Vec<u8>>, name: &str) -> Vec<Value> {
    let text = std::str::from_utf8(&files[name]).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn drugs_and_procedures_are_for_diagnoses_of_the_same_patient() {
    let (summary, files) = made(&options(3_000, Country::Germany, 2));
    let subjects: BTreeMap<String, Value> = ["Condition.ndjson", "Encounter.ndjson"]
        .iter()
        .flat_map(|name| resources(&files, name))
        .map(|one| {
            let name = format!(
                "{}/{}",
                one["resourceType"].as_str().unwrap(),
                one["id"].as_str().unwrap()
            );
            (name, one["subject"].clone())
        })
        .collect();
    let orders = resources(&files, "MedicationRequest.ndjson");
    let acts = resources(&files, "Procedure.ndjson");
    assert_eq!((orders.len() as u64, acts.len() as u64), (summary.medications, summary.procedures));
    assert!(orders.len() > 2_000 && acts.len() > 400, "{} {}", orders.len(), acts.len());
    for one in orders.iter().chain(&acts) {
        for reference in [&one["reasonReference"][0], &one["encounter"]] {
            assert_eq!(subjects[reference["reference"].as_str().unwrap()], one["subject"]);
        }
    }
}

#[test]
fn drugs_follow_measurements_and_deaths_follow_diseases() {
    let (_, files) = made(&options(8_000, Country::UnitedStates, 4));
    let with = |name: &str, path: &str, code: &str| -> BTreeSet<String> {
        resources(&files, name)
            .iter()
            .filter(|one| one[path]["coding"][0]["code"] == code)
            .map(|one| one["subject"]["reference"].as_str().unwrap()["Patient/".len()..].to_owned())
            .collect()
    };
    let values: BTreeMap<String, f64> = resources(&files, "Observation.ndjson")
        .iter()
        .filter(|one| one["code"]["coding"][0]["code"] == "4548-4")
        .map(|one| {
            let who = one["subject"]["reference"].as_str().unwrap()["Patient/".len()..].to_owned();
            (who, one["valueQuantity"]["value"].as_f64().unwrap())
        })
        .collect();
    let diabetes = with("Condition.ndjson", "code", "44054006");
    let insulin = with("MedicationRequest.ndjson", "medicationCodeableConcept", "A10AE04");
    assert!(insulin.is_subset(&diabetes));
    let mean = |of: &dyn Fn(&String) -> bool| {
        let chosen: Vec<f64> =
            diabetes.iter().filter(|who| of(who)).map(|who| values[who]).collect();
        chosen.iter().sum::<f64>() / chosen.len() as f64
    };
    assert!(mean(&|who| insulin.contains(who)) > mean(&|who| !insulin.contains(who)) + 0.5);

    let failing = with("Condition.ndjson", "code", "84114007");
    let people = resources(&files, "Patient.ndjson");
    let died = |of: bool| {
        let chosen: Vec<_> = people
            .iter()
            .filter(|one| failing.contains(one["id"].as_str().unwrap()) == of)
            .map(|one| one.get("deceasedDateTime").is_some())
            .collect();
        chosen.iter().filter(|dead| **dead).count() as f64 / chosen.len() as f64
    };
    assert!(died(true) > 3.0 * died(false), "{} {}", died(true), died(false));
}

#[test]
fn a_range_that_a_value_is_outside_of_is_said_to_be_so() {
    let (_, files) = made(&options(1_000, Country::Japan, 9));
    let mut seen = BTreeSet::new();
    for one in resources(&files, "Observation.ndjson") {
        let Some(range) = one["referenceRange"][0].as_object() else { continue };
        let value = one["valueQuantity"]["value"].as_f64().unwrap();
        let bound = |name: &str| range[name]["value"].as_f64().unwrap();
        let expected = match value {
            value if value < bound("low") => "L",
            value if value > bound("high") => "H",
            _ => "N",
        };
        assert_eq!(one["interpretation"][0]["coding"][0]["code"], expected);
        assert_eq!(range["low"]["unit"], one["valueQuantity"]["unit"]);
        seen.insert(expected);
    }
    assert_eq!(seen.len(), 3);
}

#[test]
fn files_that_are_there_are_replaced_only_where_that_is_asked() {
    let folder = tempdir().unwrap();
    let mut wanted = CohortOptions { replace: false, ..options(5, Country::France, 1) };
    generate(&wanted, folder.path()).unwrap();
    let before = files(folder.path());
    wanted.seed = 2;
    let refused = generate(&wanted, folder.path());
    assert!(matches!(refused, Err(RecordsError::Exists(path)) if path.ends_with("Patient.ndjson")));
    assert_eq!(files(folder.path()), before);
    wanted.replace = true;
    generate(&wanted, folder.path()).unwrap();
    assert_ne!(files(folder.path()), before);
}

#[test]
fn values_and_dates_stay_within_what_can_be() {
    let found = findings();
    for (code, low, high) in [
        ("8480-6", 60.0, 240.0),
        ("8462-4", 30.0, 150.0),
        ("8867-4", 30.0, 180.0),
        ("39156-5", 12.0, 60.0),
        ("29463-7", 2.0, 200.0),
        ("8302-2", 35.0, 220.0),
        ("4548-4", 4.0, 14.0),
        ("18262-6", 30.0, 300.0),
        ("38483-4", 0.4, 6.0),
    ] {
        for (_, value) in &found.values[code] {
            assert!((low..high).contains(value), "{code}: {value}");
        }
    }
    for row in &found.encounters {
        let born = found.people[row["patient"].as_str().unwrap()]["birth_date"].as_str().unwrap();
        let (start, end) = (row["start"].as_str().unwrap(), row["end"].as_str().unwrap());
        assert!(
            born <= &start[..10] && start <= end && &end[..10] <= "2026-01-01",
            "{born} {start} {end}"
        );
    }
    let classes: BTreeSet<_> =
        found.encounters.iter().map(|row| row["class"].as_str().unwrap()).collect();
    assert_eq!(classes.into_iter().collect::<Vec<_>>(), ["AMB", "EMER", "IMP"]);
}

#[test]
fn a_cohort_that_cannot_be_written_leaves_the_old_one_alone() {
    let folder = tempdir().unwrap();
    generate(&options(20, Country::France, 1), folder.path()).unwrap();
    let before = files(folder.path());
    // A folder in the way of one of the temporary names makes writing fail.
    let obstacle = folder.path().join("Observation.ndjson.partial");
    fs::create_dir(&obstacle).unwrap();
    let error = generate(&options(30, Country::France, 2), folder.path()).unwrap_err();
    assert!(error.to_string().contains("Observation.ndjson"), "{error}");
    fs::remove_dir(&obstacle).unwrap();
    assert_eq!(files(folder.path()), before);
}

#[test]
fn no_patients_make_empty_files() {
    let (summary, files) = made(&options(0, Country::Switzerland, 1));
    assert_eq!(summary, CohortSummary::default());
    assert_eq!(files.len(), 7);
    assert!(files.values().all(Vec::is_empty));
}

#[test]
fn an_unknown_country_is_refused_with_those_that_are_known() {
    assert_eq!("us".parse(), Ok(Country::UnitedStates));
    let error = "XX".parse::<Country>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "no cohort can be made for this country: choose one of DE, US, JP, CH, GB, FR, BR"
    );
}

/// The cohort of 1,200 patients in Germany with seed 7.
const FINGERPRINT: u64 = 4_541_199_176_720_412_175;
