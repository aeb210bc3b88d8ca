//! What people get wrong: a sentence that names the thing and what to do, no panic, nothing lost.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use crate::support::{at, folder, json, refused, refused_json, run, text};

/// A home with one custodian, and a small cohort to ingest.
fn prepared(dir: &Path) -> (String, String) {
    let (home, cohort) = (dir.join("home"), dir.join("cohort"));
    json(&["init", "--seed", "1", "--dir", text(&home)]);
    json(&[
        "party",
        "register",
        "--name",
        "clinic",
        "--role",
        "custodian",
        "--country",
        "DE",
        "--dir",
        text(&home),
    ]);
    json(&["cohort", "generate", "--patients", "30", "--country", "DE", "--out", text(&cohort)]);
    (text(&home).to_owned(), text(&cohort).to_owned())
}

#[test]
fn damaged_lines_are_set_aside_by_file_line_and_reason_and_all_others_load() {
    let dir = folder();
    let (home, cohort) = prepared(dir.path());
    let conditions = Path::new(&cohort).join("Condition.ndjson");
    let original = fs::read_to_string(&conditions).unwrap();
    let mut lines: Vec<&str> = original.lines().collect();
    let cut = &lines[1][..lines[1].len() / 2];
    lines[1] = cut;
    lines.insert(3, "this is no JSON");
    lines.insert(4, "[1, 2]");
    lines.insert(5, r#"{"id": "no type"}"#);
    fs::write(&conditions, lines.join("\n")).unwrap();
    let ingested = json(&["ingest", "--custodian", "clinic", "--input", &cohort, "--dir", &home]);
    assert_eq!(ingested["set_aside"], 4, "{ingested}");
    let list = fs::read_to_string(Path::new(&home).join("vaults/clinic/set-aside.json")).unwrap();
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let places: Vec<u64> =
        list.as_array().unwrap().iter().map(|one| one["line"].as_u64().unwrap()).collect();
    assert_eq!(places, [2, 4, 5, 6]);
    for one in list.as_array().unwrap() {
        assert!(one["file"].as_str().unwrap().ends_with("Condition.ndjson"));
        assert!(!one["reason"].as_str().unwrap().is_empty());
    }
}

#[test]
fn a_folder_without_fhir_is_named() {
    let dir = folder();
    let (home, _) = prepared(dir.path());
    let other = dir.path().join("letters");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("letter.txt"), "Dear colleague").unwrap();
    fs::write(other.join("notes.json"), "{\"hello\": 1}").unwrap();
    let error =
        refused(&["ingest", "--custodian", "clinic", "--input", text(&other), "--dir", &home]);
    assert!(error.contains("letters") && error.contains("--input"), "{error}");
    let error =
        refused(&["ingest", "--custodian", "clinic", "--input", "/nowhere/at/all", "--dir", &home]);
    assert!(error.contains("/nowhere/at/all"), "{error}");
}

#[test]
fn unknown_options_names_and_values_are_named() {
    let dir = folder();
    let (home, _) = prepared(dir.path());
    assert!(
        String::from_utf8_lossy(&run(&["demo", "--patience", "3"]).stderr).contains("--patience")
    );
    assert!(!run(&["demo", "--patients", "0"]).status.success());
    assert!(refused(&["publish", "--custodian", "nobody", "--dir", &home]).contains("clinic"));
    assert!(
        refused(&["publish", "--custodian", "clinic", "--dir", &home]).contains("caduceus protect")
    );
    assert!(
        refused(&["protect", "--custodian", "clinic", "--dir", &home]).contains("caduceus ingest")
    );
    let error = refused(&[
        "party",
        "register",
        "--name",
        "A B",
        "--role",
        "researcher",
        "--country",
        "DE",
        "--dir",
        &home,
    ]);
    assert!(error.contains("A B"), "{error}");
    let error = refused(&[
        "party",
        "register",
        "--name",
        "lab",
        "--role",
        "researcher",
        "--country",
        "Germany",
        "--dir",
        &home,
    ]);
    assert!(error.contains("Germany"), "{error}");
    assert!(
        refused(&["status", "--dir", text(&dir.path().join("empty"))]).contains("caduceus init")
    );
    assert!(
        refused(&[
            "cohort",
            "generate",
            "--patients",
            "5",
            "--country",
            "XX",
            "--out",
            text(dir.path())
        ])
        .contains("XX")
    );
}

#[test]
fn what_is_to_be_confirmed_about_something_that_is_not_there_names_it_and_how_to_see_what_is() {
    let dir = folder();
    let home = dir.path().join("home");
    let home = text(&home);
    json(&at(home, "init --seed 3"));
    let document = dir.path().join("clauses.txt");
    fs::write(&document, "clauses").unwrap();
    let transfer = format!("confirm transfer --agreement 4 --document {}", text(&document));
    for (line, what, shows) in [
        ("confirm usage --meter 0 --units 1", "no meter 0", "MeteredLicence meter N"),
        ("confirm deletion --loan 7", "no loan 7", "DatasetLending loan N"),
        (&transfer, "no agreement 4", "TransferAgreement agreement N"),
    ] {
        let error = refused(&at(home, line));
        assert!(error.contains(what) && error.contains("there is none yet"), "{error}");
        let shown = format!("caduceus contract call --dir {home} {shows}");
        assert!(error.contains(&shown), "{error}");
        // What it says to do can be done.
        let shown = shown.replace("caduceus ", "").replace(" N", " 1");
        json(&shown.split(' ').collect::<Vec<_>>());
    }
}

#[test]
fn an_attestor_that_has_no_url_is_refused_before_anybody_is_asked() {
    let dir = folder();
    let home = dir.path().join("home");
    let home = text(&home);
    json(&at(home, "init --seed 3"));
    json(&at(home, "party register --name clinic --role custodian --country DE"));
    for command in ["attestor panel", "publish --custodian clinic"] {
        for url in ["not-a-url", "127.0.0.1:7001", "ftp://127.0.0.1", "http://", "file:///tmp"] {
            let line = format!("{command} --attestors http://127.0.0.1:7001,{url}");
            let error = refused_json(&at(home, &line), 2);
            assert!(error.contains(&format!("`{url}`")) && error.contains("http://"), "{error}");
        }
    }
    let chosen = json(&at(home, "attestor panel"));
    assert!(chosen["attestors"].is_null(), "nothing was chosen: {chosen}");
}

#[test]
fn a_port_in_use_is_named() {
    let dir = folder();
    let (home, _) = prepared(dir.path());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let error = refused(&["ledger", "serve", "--port", &port, "--dir", &home]);
    assert!(error.contains(&port) && error.contains("--port"), "{error}");
}

#[test]
fn a_chain_that_is_down_is_named_and_leaves_no_home_behind() {
    let dir = folder();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}");
    let home = dir.path().join("home");
    let error = refused(&["demo", "--rpc", &url, "--dir", text(&home)]);
    assert!(error.contains(&url), "{error}");
    assert!(!home.join("home.json").exists());
}

#[test]
fn a_home_that_is_open_elsewhere_is_not_touched() {
    let dir = folder();
    let (home, _) = prepared(dir.path());
    let serving = crate::support::Server::ledger(Path::new(&home));
    let error = refused(&["status", "--dir", &home]);
    assert!(error.contains("in use"), "{error}");
    drop(serving);
    json(&["status", "--dir", &home]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    // A file where a folder is needed cannot be written into by anybody, the superuser included.
    let dir = folder();
    let file = dir.path().join("file");
    fs::write(&file, "not a folder").unwrap();
    let error = refused(&["init", "--dir", text(&file.join("home"))]);
    assert!(error.contains("file"), "{error}");
    let error = refused(&[
        "cohort",
        "generate",
        "--patients",
        "5",
        "--country",
        "DE",
        "--out",
        text(&file.join("out")),
    ]);
    assert!(error.contains("file"), "{error}");
}

/// A file-size limit stands in for a disk without room: writes fail in the same places, with another number.
#[cfg(unix)]
#[test]
fn a_full_disk_stops_with_a_sentence_and_nothing_is_lost() {
    use std::process::{Command, Stdio};
    let dir = folder();
    let (home, cohort) = prepared(dir.path());
    let before = json(&["status", "--dir", &home]);
    let line = format!(
        "trap '' XFSZ; ulimit -f 8; exec '{}' ingest --custodian clinic --input '{cohort}' --dir '{home}'",
        env!("CARGO_BIN_EXE_caduceus")
    );
    let output = Command::new("bash").args(["-c", &line]).stdin(Stdio::null()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && error.contains("error: ") && !error.contains("panicked"),
        "{error}"
    );
    assert_eq!(json(&["status", "--dir", &home]), before);
    json(&["ingest", "--custodian", "clinic", "--input", &cohort, "--dir", &home]);
}

#[test]
fn questions_that_would_show_a_person_are_refused_by_name() {
    let dir = folder();
    let home = dir.path().join("home");
    json(&["demo", "--patients", "40", "--seed", "2", "--dir", text(&home)]);
    json(&["licence", "buy", "--researcher", "sakura-institute", "--dir", text(&home)]);
    let ask = |sql: &str| {
        refused(&["query", "--researcher", "sakura-institute", "--sql", sql, "--dir", text(&home)])
    };
    assert!(ask("SELECT * FROM patient").to_lowercase().contains("row"));
    assert!(ask("SELECT patient, COUNT(*) FROM patient GROUP BY patient").contains("patient"));
    assert!(ask("SELECT COUNT(*) FROM secrets").contains("secrets"));
    assert!(ask("not sql at all").to_lowercase().contains("sql"));
    let error = refused(&[
        "query",
        "--researcher",
        "sakura-institute",
        "--sql",
        "SELECT COUNT(*) FROM patient",
        "--epsilon",
        "many",
        "--dir",
        text(&home),
    ]);
    assert!(error.contains("epsilon") || error.contains("Epsilon"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command =
        crate::support::caduceus(&["policy", "explain", "--from", "DE", "--to", "JP"]);
    let output = command.stdout(full).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("stdout"));
}

#[cfg(unix)]
#[test]
fn a_folder_whose_name_is_not_text_is_taken_as_it_is() {
    use std::os::unix::ffi::OsStringExt;
    let dir = folder();
    let name = dir.path().join(std::ffi::OsString::from_vec(b"x\xff".to_vec()));
    let output =
        crate::support::caduceus(&["init", "--json", "--dir"]).arg(&name).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_custodian_without_a_log_does_not_stop_the_audit() {
    let dir = folder();
    let (home, _) = prepared(dir.path());
    assert_eq!(json(&["audit", "verify", "--dir", &home])["verified"], true);
}

#[test]
fn an_output_that_is_an_input_is_refused_and_the_input_stays_as_it_was() {
    let dir = folder();
    let (records, table) = (dir.path().join("fhir"), dir.path().join("people.csv"));
    fs::create_dir(&records).unwrap();
    let patients = records.join("Patient.ndjson");
    let patient = "{\"resourceType\":\"Patient\",\"id\":\"p\"}\n";
    fs::write(&patients, patient).unwrap();
    fs::write(&table, "age\n30\n").unwrap();
    let policy = dir.path().join("policy.toml");
    fs::write(&policy, "k = 2\n").unwrap();
    let view = dir.path().join("view.json");
    fs::write(&view, r#"{"resource":"Patient","select":[{"column":[{"name":"id","path":"id"}]}]}"#)
        .unwrap();
    // The same file by another name.
    let winding = records.join("..").join("fhir").join("Patient.ndjson");
    for arguments in [
        vec![
            "view",
            "run",
            "--view",
            text(&view),
            "--input",
            text(&patients),
            "--out",
            text(&winding),
        ],
        vec![
            "view",
            "run",
            "--view",
            text(&view),
            "--input",
            text(&records),
            "--out",
            text(&patients),
        ],
        vec!["protect", "--input", text(&table), "--policy", text(&policy), "--out", text(&table)],
        vec!["deidentify", "--input", text(&records), "--out", text(&records)],
        vec!["view", "run", "--view", text(&view), "--input", text(&records), "--out", text(&view)],
    ] {
        let output = run(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains("would be written over"), "{arguments:?}: {said}");
        assert_eq!(fs::read_to_string(&patients).unwrap(), patient, "{arguments:?}");
        assert_eq!(fs::read_to_string(&table).unwrap(), "age\n30\n", "{arguments:?}");
    }
}

#[test]
fn a_folder_that_holds_another_export_gets_no_second_one() {
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    let (one, other, out) = (at("one.ndjson"), at("other.ndjson"), at("safe"));
    fs::write(&one, "{\"resourceType\":\"Patient\",\"id\":\"a\"}\n").unwrap();
    fs::write(&other, "{\"resourceType\":\"Encounter\",\"id\":\"b\"}\n").unwrap();
    let deidentify =
        |input: &Path| run(&["deidentify", "--input", text(input), "--out", text(&out)]);
    // A folder that is there and empty is as good as none, and a run that fails leaves it so.
    fs::create_dir(&out).unwrap();
    assert_eq!(deidentify(&at("nothing.ndjson")).status.code(), Some(1));
    assert!(deidentify(&one).status.success());
    let written = || -> Vec<_> {
        let entries = fs::read_dir(&out).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(written(), ["Patient.ndjson"]);
    for input in [&other, &one] {
        let output = deidentify(input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(text(&out)) && said.contains("name a new folder"), "{said}");
        assert_eq!(written(), ["Patient.ndjson"]);
    }
}

#[test]
fn the_numbers_of_a_report_take_no_other_file_s_place() {
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    let (table, policy, mine) = (at("people.csv"), at("policy.toml"), at("mine.json"));
    fs::write(&table, "age\n30\n31\n").unwrap();
    let columns = "[columns]\nage = { role = \"quasi-identifier\", hierarchy = { kind = \"number\", widths = [5] } }";
    fs::write(&policy, format!("k = 2\n{columns}\n")).unwrap();
    fs::write(&mine, "{}").unwrap();
    let (page, out) = (at("report.html"), at("out.csv"));
    let protect = |report: &Path, out: &Path| {
        let files = [text(&table), text(&policy), text(report), text(out)];
        run(&[
            "protect", "--input", files[0], "--policy", files[1], "--report", files[2], "--out",
            files[3],
        ])
    };
    for (report, out) in [
        (&at("mine.html"), &out),
        (&mine, &out),
        (&page, &page),
        (&page, &page.with_extension("json")),
    ] {
        let output = protect(report, out);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("another name") || said.contains("a name such as"), "{said}");
        assert_eq!(fs::read_to_string(&mine).unwrap(), "{}");
        assert!(!page.exists());
    }
    // A report may take the place of a former one.
    for _ in 0..2 {
        let output = protect(&page, &out);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
