//! How the program speaks: one object for programs, sentences for people, and nothing dropped in silence.

use std::fs;
use std::path::Path;

use serde_json::json as object;

use crate::support::{at, folder, json, refused, refused_json, run, said, text};

#[test]
fn an_error_is_one_object_for_programs_and_the_same_sentence_for_people() {
    let dir = folder();
    let home = dir.path().join("none");
    let home = text(&home);
    assert!(refused_json(&at(home, "status"), 1).contains("caduceus init"));
    assert!(refused_json(&["policy", "explain", "--from", "ZZ", "--to", "JP"], 2).contains("`ZZ`"));
    assert!(refused_json(&["demo", "--patience", "3"], 2).contains("--patience"));
    assert!(refused_json(&["demo", "--patients", "0"], 2).contains("--patients"));
    assert!(refused_json(&["claim"], 2).contains("--custodian"));
    let output = run(&["demo", "--patience", "3"]);
    assert!(output.stdout.is_empty() && output.status.code() == Some(2));
}

#[test]
fn lists_are_objects_and_empty_ones_say_what_fills_them() {
    let dir = folder();
    let home = dir.path().join("home");
    let home = text(&home);
    json(&at(home, "init --seed 31"));
    assert_eq!(json(&at(home, "party list")), object!({ "parties": [] }));
    assert_eq!(json(&at(home, "member list")), object!({ "members": [] }));
    assert_eq!(json(&at(home, "governance list")), object!({ "proposals": [] }));
    assert_eq!(json(&at(home, "claim --all")), object!({ "claims": [] }));
    assert!(said(&at(home, "member list")).contains("caduceus member join"));
    assert!(said(&at(home, "party list")).contains("caduceus party register"));
    assert!(said(&at(home, "claim --all")).contains("nobody to pay"));
    let status = said(&at(home, "status"));
    assert!(status.contains("no parties yet") && status.contains("nothing is paused"), "{status}");

    json(&at(home, "party register --name lab --role researcher --country JP"));
    assert_eq!(json(&at(home, "answers --researcher lab")), object!({ "answers": [] }));
    assert!(said(&at(home, "answers --researcher lab")).contains("no answers yet"));
    let error = refused(&at(home, "licence buy --researcher lab --datasets 1"));
    assert!(error.contains("dataset 1 is not in the pool"), "{error}");
    let error = refused(&at(home, "party register --name far --role researcher --country ZZ"));
    assert!(error.contains("`ZZ` is no country"), "{error}");
    let out = dir.path().join("file");
    fs::write(&out, "").unwrap();
    let line = format!("cohort generate --patients 3 --country DE --out {}", text(&out.join("x")));
    let error = refused(&line.split_whitespace().collect::<Vec<_>>());
    assert!(error.contains("check that it exists"), "{error}");
}

#[test]
fn a_told_story_keeps_its_options_and_refuses_others() {
    let dir = folder();
    let home = dir.path().join("home");
    let home = text(&home);
    let first = json(&at(home, "demo --patients 40 --seed 5"));
    let error = refused(&at(home, "demo --patients 50"));
    assert!(error.contains("was begun with --patients 40 --seed 5"), "{error}");
    let error = refused(&at(home, "demo --patients 40 --seed 6"));
    assert!(error.contains("another seed"), "{error}");
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("Patient.ndjson"), "").unwrap();
    let error = refused(&at(home, &format!("demo --data {}", text(&data))));
    assert!(error.contains("was begun with --patients 40"), "{error}");
    for same in ["demo", "demo --patients 40", "demo --seed 5 --patients 40"] {
        assert_eq!(json(&at(home, same))["datasets"], first["datasets"], "{same}");
    }

    let status = json(&at(home, "status"));
    let kept: Vec<_> = ["token_id", "custodian", "patients", "k", "shares", "cid"]
        .iter()
        .map(|part| (&status["datasets"][1][part], &first["datasets"][1][part]))
        .collect();
    assert!(kept.iter().all(|(status, story)| status == story && !story.is_null()), "{status}");
    assert_eq!(status["money"], first["payment"]);
    assert_eq!((&status["pauses"], &status["proposals"]), (&object!([]), &object!([])));
    let shown = said(&at(home, "status"));
    for part in ["klinikum-nord", "in the pool", "5 members", "waiting to be claimed", "USDC"] {
        assert!(shown.contains(part), "{part} is missing:\n{shown}");
    }

    let error = refused(&at(home, "consent revoke --member nobody/1"));
    assert!(error.contains("and 5 more") && !error.contains("lakeside-health/5"), "{error}");
    let left = said(&at(home, "member leave --member klinikum-nord/2"));
    assert!(left.contains("klinikum-nord/2 left; consent is withdrawn"), "{left}");
    let licence = json(&at(home, "licence buy --researcher sakura-institute --datasets 1,1"));
    assert_eq!(licence["datasets"], object!([1]), "a dataset is bought once");
    let error = refused(&at(home, "licence buy --researcher sakura-institute --uses 100000"));
    assert!(error.contains("USDC and needs") && error.contains('.'), "money in USDC: {error}");
    let error = refused(&at(home, "withdraw --custodian klinikum-nord --dataset 99"));
    assert!(error.contains("dataset 99"), "{error}");
}

/// A cohort in `folder`, of a seed of its own.
fn cohort(folder: &Path, seed: &str) {
    let words = ["cohort", "generate", "--patients", "20", "--country", "DE", "--seed", seed];
    json(&[&words[..], &["--out", text(folder)]].concat());
}

#[test]
fn folders_of_data_that_nobody_reads_are_named() {
    let dir = folder();
    let data = dir.path().join("data");
    for (name, seed) in [("1-north", "1"), ("2-south", "2"), ("3-west", "3")] {
        cohort(&data.join(name), seed);
    }
    let story = json(&["demo", "--data", text(&data), "--seed", "1"]);
    let used = story["data"]["used"].as_array().unwrap();
    assert_eq!(used[0]["custodian"], "klinikum-nord");
    assert!(used[1]["folder"].as_str().unwrap().ends_with("2-south"), "{used:?}");
    assert!(story["data"]["unused"][0].as_str().unwrap().ends_with("3-west"), "{story}");
    let told = said(&["demo", "--data", text(&data), "--patients", "9", "--seed", "1"]);
    assert!(told.contains("klinikum-nord reads") && told.contains("not used: "), "{told}");
    assert!(told.contains("--patients 9 is not used"), "{told}");

    let empty = dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert!(refused(&["demo", "--data", text(&empty)]).contains("holds no FHIR files"));
}
