//! Tables and records made safe by the commands that a data steward types.

use std::fs;
use std::path::Path;

use serde_json::{Value, json as value};

use crate::support::{folder, json, run, text};

const POLICY: &str = r#"
k = 3
suppression = 0.5
[columns]
name = { role = "identifying" }
age = { role = "quasi-identifier", reduce = "age", hierarchy = { kind = "number", lower = 0, upper = 99, widths = [10, 20] } }
zip = { role = "quasi-identifier", hierarchy = { kind = "zip" } }
disease = { role = "sensitive", l = 2 }
note = { role = "insensitive", reduce = "text" }
[synthesis.columns]
age = { lower = 0, upper = 99, width = 10 }
disease = { values = ["flu", "gout"] }
"#;

/// A table of people whose names and numbers are in their notes.
fn people(delimiter: &str) -> String {
    let mut lines = vec![["name", "age", "zip", "disease", "note"].join(delimiter)];
    for n in 0..60 {
        let note = format!(
            "Quillon{n} phoned from 555-867-53{n:02} about chest pain on 2019-03-{:02}",
            n % 28 + 1
        );
        let disease = if n % 3 == 0 { "gout" } else { "flu" };
        let row = [
            format!("Quillon{n} Ostrander"),
            (20 + n).to_string(),
            format!("0213{}", n % 4),
            disease.into(),
            note,
        ];
        lines.push(row.join(delimiter));
    }
    lines.join("\n") + "\n"
}

fn leaks(path: &Path) -> Option<String> {
    let bytes = fs::read(path).unwrap();
    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    ["quillon", "ostrander", "ostránder", "867-53", "8675309", "2019-03"]
        .into_iter()
        .find(|gone| text.contains(gone))
        .map(str::to_owned)
}

#[test]
fn a_table_is_made_safe_with_a_report_and_from_csv_and_parquet_alike() {
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("policy.toml"), POLICY).unwrap();
    let mut results = Vec::new();
    fs::write(at("comma.csv"), people(",")).unwrap();
    fs::write(at("semicolon.csv"), people(";")).unwrap();
    for (input, out) in
        [("comma.csv", "out.csv"), ("semicolon.csv", "out.parquet"), ("comma.csv", "again.csv")]
    {
        let (report, out) = (at("report.html"), at(out));
        let done = json(&[
            "protect",
            "--input",
            text(&at(input)),
            "--policy",
            text(&at("policy.toml")),
            "--out",
            text(&out),
            "--report",
            text(&report),
            "--date",
            "2026-01-01",
        ]);
        assert!(done["k"].as_u64().unwrap() >= 3 && done["l"].as_u64().unwrap() >= 2, "{done}");
        assert!(done["risk"]["prosecutor"]["highest"].as_f64().unwrap() <= 1.0 / 3.0 + 1e-9);
        assert!(done["risk"]["linkage"]["success_rate"].as_f64().unwrap() < 0.34);
        assert!(
            done["removed"]["note"]["telephone"].as_u64().unwrap() >= 30,
            "{}",
            done["removed"]
        );
        for path in [&out, &report, &report.with_extension("json")] {
            assert_eq!(leaks(path), None, "{}", path.display());
        }
        assert_eq!(leaks_of(&done), None);
        let page = fs::read_to_string(&report).unwrap();
        assert!(
            page.contains("<svg") && !page.contains("<script") && !page.contains("src="),
            "the page stands alone"
        );
        results.push((
            done["generalization"].clone(),
            done["loss"].clone(),
            done["suppressed"].clone(),
        ));
    }
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(fs::read(at("out.csv")).unwrap(), fs::read(at("again.csv")).unwrap());
    assert!(!fs::read_to_string(at("out.csv")).unwrap().contains("0213"), "a code of five digits");
    // What was released as Parquet can be released again.
    let again = json(&[
        "protect",
        "--input",
        text(&at("out.parquet")),
        "--policy",
        text(&second_policy(dir.path())),
    ]);
    assert_eq!(again["rows"].as_u64(), Some(60 - results[0].2.as_u64().unwrap()));
}

fn second_policy(dir: &Path) -> std::path::PathBuf {
    let path = dir.join("second.toml");
    fs::write(&path, "k = 3\n[columns]\nage = { role = \"quasi-identifier\" }\n").unwrap();
    path
}

fn leaks_of(done: &Value) -> Option<&'static str> {
    let text = done.to_string().to_lowercase();
    ["quillon", "ostrander", "2019-03"].into_iter().find(|gone| text.contains(gone))
}

#[test]
fn a_wrong_policy_exits_with_2_and_names_its_key_and_a_missing_table_with_1() {
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("people.csv"), people(",")).unwrap();
    for (from, to, key) in [
        ("k = 3", "k = 1", "'k'"),
        ("name = {", "surname = {", "columns.surname"),
        ("\"text\"", "\"prose\"", "columns.note.reduce"),
        ("{ kind = \"zip\" }", "\"zip.csv\"", "columns.zip.hierarchy"),
    ] {
        fs::write(at("policy.toml"), POLICY.replace(from, to)).unwrap();
        let output = run(&[
            "protect",
            "--input",
            text(&at("people.csv")),
            "--policy",
            text(&at("policy.toml")),
        ]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(key), "{said}");
    }
    fs::write(at("policy.toml"), POLICY).unwrap();
    let output =
        run(&["protect", "--input", text(&at("nobody.csv")), "--policy", text(&at("policy.toml"))]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_synthetic_table_has_the_domain_of_the_policy_and_an_attack_was_run_on_it() {
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("people.csv"), people(",")).unwrap();
    fs::write(at("policy.toml"), POLICY).unwrap();
    let ask = |epsilon: &str| {
        vec![
            "synthesize".to_owned(),
            "--input".into(),
            text(&at("people.csv")).into(),
            "--policy".into(),
            text(&at("policy.toml")).into(),
            "--epsilon".into(),
            epsilon.into(),
            "--delta".into(),
            "1e-6".into(),
            "--out".into(),
            text(&at("synthetic.csv")).into(),
        ]
    };
    let asked = ask("2");
    let done = json(&asked.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((done["epsilon"].as_f64(), done["rows"].as_u64()), (Some(2.0), Some(60)));
    assert!(
        done["rho"].as_f64().unwrap() > 0.0 && done["attack"]["targets"].as_u64() == Some(60),
        "{done}"
    );
    assert_eq!(leaks(&at("synthetic.csv")), None);
    for line in fs::read_to_string(at("synthetic.csv")).unwrap().lines().skip(1) {
        let (age, disease) = line.split_once(',').unwrap();
        assert!(age.is_empty() || age.parse::<u32>().unwrap() < 100, "{line}");
        assert!(["flu", "gout", ""].contains(&disease), "{line}");
    }
    let asked = ask("0");
    let output = run(&asked.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(2));
}

/// Patients, conditions, encounters and observations in which somebody wrote identifiers wherever text fits.
fn planted(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let (mut patients, mut others) = (String::new(), String::new());
    let note = value!([{
        "text": "Quillon Ostrander, quillon ostrander, QUILLON, ostránder, 555-867-5309, q@ostrander.example",
        "authorString": "Nurse Ostrander",
    }]);
    let file = value!({ "data": "UXVpbGxvbg==", "title": "Quillon", "url": "http://ostrander.example/quillon.png" });
    for n in 0..30 {
        let patient = value!({
            "resourceType": "Patient", "id": format!("quillon-{n}"), "gender": "female", "birthDate": format!("19{}-03-14", 30 + n * 2),
            "text": { "status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>Quillon Ostrander 867-5309</div>" },
            "name": [{ "family": "Ostrander", "given": ["Quillon"] }], "telecom": [{ "system": "phone", "value": "555-867-5309" }],
            "identifier": [{ "system": "http://ostrander.example/mrn", "value": "8675309" }],
            "extension": [{ "url": "http://ostrander.example", "valueString": "Quillon" }],
            "photo": [file], "contact": [{ "name": { "text": "Quillon" } }], "link": [{ "other": { "display": "Quillon" } }],
            "_birthDate": { "extension": [{ "url": "http://ostrander.example", "valueString": "Quillon" }] },
            "contained": [{ "resourceType": "RelatedPerson", "name": [{ "text": "Quillon Ostrander" }] }],
            "address": [{ "line": ["4711 Ostrander Lane"], "city": "Ostranderville", "postalCode": "02139", "state": "MA", "country": "US" }],
        });
        let of =
            value!({ "reference": format!("Patient/quillon-{n}"), "display": "Quillon Ostrander" });
        let coding = |code: &str, system: &str| value!({ "coding": [{ "system": system, "code": code, "display": "Quillon" }], "text": "Ostrander" });
        let condition = value!({
            "resourceType": "Condition", "id": format!("c{n}"), "subject": of, "code": coding("44054006", "http://snomed.info/sct"),
            "onsetDateTime": "2025-03-14", "note": note, "asserter": { "display": "Quillon" },
            "contained": [{ "resourceType": "Patient", "name": [{ "text": "Quillon Ostrander" }], "photo": [file] }],
            "meta": { "source": "http://ostrander.example/quillon", "tag": [{ "display": "Quillon" }] },
            "clinicalStatus": coding("active", "http://terminology.hl7.org/CodeSystem/condition-clinical"),
        });
        let odd = value!({
            "resourceType": "Observation", "id": format!("o{n}"), "status": "final", "subject": of, "effectiveDateTime": "2025-03-14T10:00:00Z",
            "code": coding("4548-4", "http://loinc.org"), "note": note,
            "valueQuantity": { "value": 6.5, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%" },
        });
        let visit = value!({
            "resourceType": "Encounter", "id": format!("e{n}"), "status": "finished", "subject": of, "class": { "code": "AMB", "display": "Quillon" },
            "type": [coding("Ostrander-867-5309", "http://ostrander.example")], "period": { "start": "2025-03-14T10:00:00Z", "end": "2025-03-15T10:00:00Z" },
        });
        patients += &format!("{patient}\n");
        others += &format!("{condition}\n{odd}\n{visit}\n");
    }
    fs::write(folder.join("Patient.ndjson"), patients).unwrap();
    fs::write(folder.join("Others.ndjson"), others).unwrap();
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}

#[test]
fn identifiers_planted_in_records_are_in_nothing_that_leaves() {
    let dir = folder();
    let at = |name: &str| dir.path().join(name);
    planted(&at("export"));
    let pack = |file: &str| {
        let packed = std::process::Command::new("gzip").arg(at(file)).status();
        assert!(packed.unwrap().success());
    };
    pack("export/Others.ndjson");
    fs::write(at("export/notes.txt"), "not FHIR").unwrap();
    let done = json(&["deidentify", "--input", text(&at("export")), "--out", text(&at("safe"))]);
    assert_eq!(
        done["written"],
        value!({ "Condition": 30, "Encounter": 30, "Observation": 30, "Patient": 30 })
    );
    assert_eq!(done["ignored_files"], value!([text(&at("export/notes.txt"))]));
    assert_eq!(leaks_of(&done), None);

    let home = at("home");
    let home = text(&home);
    json(&["init", "--seed", "4", "--dir", home]);
    json(&[
        "party",
        "register",
        "--name",
        "lakeside",
        "--role",
        "custodian",
        "--country",
        "US",
        "--dir",
        home,
    ]);
    json(&[
        "ingest",
        "--custodian",
        "lakeside",
        "--input",
        text(&at("export")),
        "--vouch-consent",
        "--dir",
        home,
    ]);
    json(&["protect", "--custodian", "lakeside", "--k", "3", "--dir", home]);
    json(&["export", "--custodian", "lakeside", "--out", text(&at("tables")), "--dir", home]);
    let published = json(&["publish", "--custodian", "lakeside", "--dir", home]);
    let catalogue = json(&["catalogue", "--dir", home]);
    let reports = Path::new(home).join("vaults/lakeside/reports");
    for path in files(&at("safe")).into_iter().chain(files(&at("tables"))).chain(files(&reports)) {
        assert_eq!(leaks(&path), None, "{}", path.display());
    }
    assert_eq!(leaks_of(&catalogue), None);

    // The token names the report by its hash, and the catalogue does too.
    let page =
        fs::read(reports.join(format!("{}.html", published["cid"].as_str().unwrap()))).unwrap();
    let hash = published["report"].as_str().unwrap();
    use sha2::Digest;
    let counted: String =
        sha2::Sha256::digest(&page).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, counted);
    let entry = &catalogue["dcat:dataset"][0];
    assert_eq!(entry["dct:provenance"]["spdx:checksum"]["spdx:checksumValue"]["@value"], hash);
    assert_eq!(entry["healthdcatap:numberOfUniqueIndividuals"]["@value"], "30");

    // Whom to write to is named as missing until the custodian tells it; then every entry has it.
    let lacking = run(&["catalogue", "--dir", home]);
    let said = String::from_utf8_lossy(&lacking.stderr);
    assert!(lacking.status.success());
    assert!(said.contains("lakeside lack") && said.contains("healthdcatap:hdab"), "{said}");
    let tell = |options: &[&str]| {
        let fixed = ["party", "contact", "--name", "lakeside", "--dir", home];
        run(&[&fixed[..], options].concat())
    };
    for wrong in [
        &[][..],
        &["--organization", "Lakeside"],
        &["--organization", "Lakeside", "--email", "somebody"],
        &["--email", "data@lakeside.example"],
    ] {
        assert_eq!(tell(wrong).status.code(), Some(2), "{wrong:?}");
    }
    let organization = ["--organization", "Lakeside Hospital", "--email", "data@lakeside.example"];
    assert!(tell(&organization).status.success());
    // The second call keeps what the first one told.
    assert!(
        tell(&["--body", "Access Body", "--body-url", "https://body.example"]).status.success()
    );
    let told = run(&["catalogue", "--dir", home, "--json"]);
    assert!(told.stderr.is_empty(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let entry = &told["dcat:dataset"][0];
    let address = "mailto:data@lakeside.example";
    assert_eq!(entry["dcat:contactPoint"]["vcard:hasEmail"]["@id"], address);
    assert_eq!(entry["dct:publisher"]["foaf:name"], "Lakeside Hospital");
    let file = reports.join(format!("{}.jsonld", published["cid"].as_str().unwrap()));
    let alone: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    for entry in [entry, &alone] {
        let page = &entry["healthdcatap:hdab"]["dcat:contactPoint"]["vcard:hasURL"];
        assert_eq!(page["@id"], "https://body.example");
    }
}
