//! Reading files: what loads, what is set aside, and where.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use caduceus_records::{
    CompiledView, Ingest, ReadOptions, Reason, RecordsError, Source, Summary, read_fhir,
    read_fhir_with, read_parquet, run_views, write_parquet,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::support::{rows, shared, views};

fn read(source: &Path) -> Ingest {
    read_part(source, None)
}

fn read_part(source: &Path, part: Option<(usize, usize)>) -> Ingest {
    let options = ReadOptions { part, ..Default::default() };
    read_fhir(&[source.to_path_buf()], &views(), &options, &mut |_| {}).unwrap()
}

fn patient(id: &str) -> String {
    json!({ "resourceType": "Patient", "id": id, "gender": "female", "birthDate": "1970-01-01" })
        .to_string()
}

fn condition(patient: &str) -> String {
    let code = json!({ "coding": [{ "system": "http://snomed.info/sct", "code": "38341003", "display": "Ö \"x\"" }] });
    json!({ "resourceType": "Condition", "subject": { "reference": format!("Patient/{patient}") }, "code": code })
        .to_string()
}

/// Every table's rows as sorted lines.
fn contents(ingest: &Ingest) -> BTreeMap<String, Vec<String>> {
    let table = |(name, batch): (&String, _)| {
        let mut lines: Vec<String> =
            rows(batch).into_iter().map(|row| Value::Object(row).to_string()).collect();
        lines.sort();
        (name.clone(), lines)
    };
    ingest.tables.0.iter().map(table).collect()
}

#[test]
fn each_kind_of_bad_record_is_set_aside_with_its_place_and_reason() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("Patient.ndjson");
    let whole = patient("a");
    let truncated = &patient("b")[..40];
    let text = format!(
        "\u{feff}{whole}\n\n{truncated}\n[1]\n{{\"id\":\"x\"}}\n{{\"resourceType\":\"Patient\"}}\r\n{whole}\n{}\n{}\n{}",
        json!({ "resourceType": "Condition", "subject": { "reference": "Group/g" } }),
        json!({ "resourceType": "Patient", "id": "c", "gender": ["male", "female"] }),
        patient("d"),
    );
    let mut bytes = text.into_bytes();
    bytes.extend(b"\n{\"resourceType\":\"Patient\",\"id\":\"\xFF\"}\n");
    fs::write(&path, &bytes).unwrap();
    let mut kept = Vec::new();
    let ingest = read_fhir_with(
        &[path],
        &views(),
        &ReadOptions::default(),
        &mut |_| {},
        &mut |place, raw| {
            kept.push((place.clone(), raw.to_vec()));
        },
    )
    .unwrap();

    let unfit = "column gender: several values where one is allowed".to_owned();
    let expected = [
        (3, Reason::NotJson("the record ends too early")),
        (4, Reason::NotAnObject),
        (5, Reason::NotFhir),
        (6, Reason::NoPatient),
        (7, Reason::Repeated),
        (8, Reason::NoPatient),
        (9, Reason::Unfit { view: "patient".into(), what: unfit }),
        (11, Reason::NotUtf8),
    ];
    let found: Vec<_> =
        ingest.set_aside.iter().map(|entry| (entry.line, entry.reason.clone())).collect();
    assert_eq!(found, expected);
    assert_eq!(ingest.patients(), ["a", "d"]);
    assert_eq!(kept.iter().map(|(place, _)| place.clone()).collect::<Vec<_>>(), ingest.set_aside);
    assert_eq!(kept[0].1, truncated.as_bytes());
    // The place is where the text stops making sense.
    assert!(bytes[..ingest.set_aside[0].byte as usize].ends_with(truncated.as_bytes()));
    assert_eq!(bytes[ingest.set_aside[1].byte as usize], b'[');
    assert_eq!(bytes[ingest.set_aside[7].byte as usize], 0xFF);
    let report = serde_json::to_value(&ingest.set_aside).unwrap();
    assert_eq!(report[2]["reason"], "it has no resourceType, so it is not a FHIR resource");
}

proptest! {
    #[test]
    fn a_damaged_line_costs_that_line_and_no_other(
        line in 0usize..12, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let folder = tempdir().unwrap();
        let path = folder.path().join("records.ndjson");
        let mut lines: Vec<Vec<u8>> = (0..6)
            .flat_map(|index| [patient(&format!("p{index}")), condition(&format!("p{index}"))])
            .map(String::into_bytes)
            .collect();
        fs::write(&path, lines.join(&b'\n')).unwrap();
        let before = contents(&read(&path));

        let at = at.index(lines[line].len());
        let original = lines[line].clone();
        match cut {
            true => lines[line].truncate(at),
            false => lines[line][at] = if byte == b'\n' { b' ' } else { byte },
        }
        fs::write(&path, lines.join(&b'\n')).unwrap();
        let ingest = read(&path);
        let after = contents(&ingest);
        let total = |tables: &BTreeMap<String, Vec<String>>| tables.values().map(Vec::len).sum::<usize>();
        let lost: usize = before
            .iter()
            .map(|(name, rows)| rows.iter().filter(|row| !after[name].contains(row)).count())
            .sum();
        // At most the damaged row is lost or changed; all others are there.
        prop_assert!(lost <= 1);
        prop_assert!(total(&after) >= total(&before) - 1);
        prop_assert!(ingest.set_aside.len() <= 1);
        if total(&after) < total(&before) && !lines[line].trim_ascii().is_empty() {
            let known_type = ingest.resources.keys().all(|kind| kind == "Patient" || kind == "Condition");
            prop_assert!(ingest.set_aside.len() == 1 || !known_type);
        }
        if let Some(entry) = ingest.set_aside.first() {
            // A damaged id can be that of a later line, which is then the second of its id.
            let aside = entry.line as usize - 1;
            let id = |line: usize| serde_json::from_slice::<Value>(&lines[line]).ok()?.get("id").cloned();
            prop_assert!(aside == line || aside > line && id(line).is_some() && id(aside) == id(line));
            prop_assert!(lines[line] != original);
        }
    }
}

#[test]
fn references_within_a_bundle_lead_to_the_ids_of_its_resources() {
    let folder = tempdir().unwrap();
    let url = "urn:uuid:7c5a9b0e-1111-4222-8333-944455556666";
    let entry =
        |full_url: &str, resource: Value| json!({ "fullUrl": full_url, "resource": resource });
    let observation = json!({
        "resourceType": "Observation",
        "subject": { "reference": url },
        "code": { "coding": [{ "code": "85354-9" }] },
        "component": [
            { "code": { "coding": [{ "code": "8480-6" }] }, "valueQuantity": { "value": 120, "code": "mm[Hg]" } },
            { "code": { "coding": [{ "code": "8462-4" }] }, "valueQuantity": { "value": 80.5, "code": "mm[Hg]" } },
        ],
    });
    for (own, expected) in [(Some("own"), "own"), (None, &url["urn:uuid:".len()..])] {
        let mut patient = json!({ "resourceType": "Patient" });
        if let Some(own) = own {
            patient["id"] = json!(own);
        }
        let bundle = json!({
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [entry(url, patient), entry("urn:uuid:2", observation.clone()), { "request": {} }],
        });
        let path = folder.path().join("bundle.json");
        fs::write(&path, serde_json::to_string_pretty(&bundle).unwrap()).unwrap();
        let ingest = read(&path);
        assert_eq!(ingest.patients(), [expected]);
        let rows = rows(ingest.tables.get("observation").unwrap());
        let short: Vec<_> = rows
            .iter()
            .map(|row| (row["patient"].clone(), row["code"].clone(), row["value"].clone()))
            .collect();
        assert_eq!(short[0], (json!(expected), json!("8480-6"), json!(120.0)));
        assert_eq!(short[1], (json!(expected), json!("8462-4"), json!(80.5)));
        assert_eq!(short.len(), 2);
        assert_eq!(ingest.set_aside.len(), 1);
        assert_eq!(ingest.set_aside[0].reason, Reason::EmptyEntry);
        assert!(ingest.set_aside[0].line > 20, "the entry's own line, not the bundle's");
    }
}

#[test]
fn a_bundle_and_its_resources_line_by_line_make_the_same_tables() {
    let Some(folder) = shared("fhir/bundles") else { return };
    let lines = tempdir().unwrap();
    let mut measurements = 0;
    let bundles: Vec<PathBuf> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    for path in &bundles {
        let bundle: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let resources: Vec<&Value> =
            bundle["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]).collect();
        for resource in
            resources.iter().filter(|resource| resource["resourceType"] == "Observation")
        {
            let components = resource["component"].as_array().map_or(0, Vec::len);
            let valued = resource.as_object().unwrap().keys().any(|key| key.starts_with("value"));
            measurements += components + usize::from(valued || components == 0);
        }
        let text: Vec<String> = resources.iter().map(ToString::to_string).collect();
        let name = path.with_extension("ndjson").file_name().unwrap().to_owned();
        fs::write(lines.path().join(name), text.join("\n")).unwrap();
    }
    let (documents, lines) = (read(&folder), read(lines.path()));
    assert_eq!(documents.set_aside, []);
    assert_eq!(lines.set_aside, []);
    assert_eq!(contents(&documents), contents(&lines));
    assert_eq!(documents.patients().len(), 4);
    let sizes: BTreeMap<_, _> =
        documents.tables.0.iter().map(|(name, table)| (name.as_str(), table.num_rows())).collect();
    let count = |kind: &str| documents.resources[kind];
    assert_eq!(
        sizes["condition"] as u64 + documents.without_rows.get("Condition").copied().unwrap_or(0),
        count("Condition")
    );
    assert_eq!(sizes["encounter"] as u64, count("Encounter"));
    assert_eq!(
        sizes["observation"], measurements,
        "an observation's value and each component make a row"
    );
}

#[test]
fn real_folders_load_with_nothing_set_aside() {
    for (folder, patients, conditions) in [("fhir/smart-10", 13, 555), ("fhir/bulk-100", 100, 639)]
    {
        let Some(path) = shared(folder) else { return };
        let ingest = read(&path);
        assert_eq!(ingest.set_aside, [], "{folder}");
        assert_eq!(ingest.patients().len(), patients);
        assert_eq!(ingest.tables.get("patient").unwrap().num_rows(), patients);
        assert_eq!(ingest.tables.get("condition").unwrap().num_rows(), conditions);
        for row in rows(ingest.tables.get("condition").unwrap()) {
            assert!(ingest.patients().iter().any(|id| row["patient"] == **id));
            assert!(row.values().all(Value::is_string), "{folder}: a column is empty");
        }
    }
}

#[test]
fn the_parts_of_a_folder_are_disjoint_and_together_the_whole() {
    let folder = tempdir().unwrap();
    let mut lines: Vec<String> = (0..7).map(|index| patient(&format!("p{index}"))).collect();
    lines.extend((0..9).map(|index| condition(&format!("p{index}"))));
    lines.extend((0..7).map(|index| {
        let subject = json!({ "reference": format!("Patient/p{index}") });
        json!({ "resourceType": "Consent", "status": "active", "patient": subject, "provision": { "type": "permit" } }).to_string()
    }));
    fs::write(folder.path().join("all.ndjson"), lines.join("\n")).unwrap();
    let whole = read(folder.path());
    let mut joined: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut patients, mut consents) = (Vec::new(), 0);
    for part in 0..3 {
        let ingest = read_part(folder.path(), Some((part, 3)));
        for (name, mut rows) in contents(&ingest) {
            joined.entry(name).or_default().append(&mut rows);
        }
        assert!(ingest.consents.iter().all(|consent| ingest.patients().contains(&consent.patient)));
        patients.extend_from_slice(ingest.patients());
        consents += ingest.consents.len();
    }
    joined.values_mut().for_each(|rows| rows.sort());
    patients.sort();
    assert_eq!(joined, contents(&whole));
    assert_eq!(patients, whole.patients());
    assert_eq!(consents, 7);
    let options = ReadOptions { part: Some((3, 3)), ..Default::default() };
    let refused = read_fhir(&[folder.path().to_path_buf()], &views(), &options, &mut |_| {});
    assert!(matches!(refused, Err(RecordsError::NoSuchPart { part: 3, of: 3 })));
}

#[test]
fn what_is_not_fhir_is_named_and_not_read() {
    let folder = tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("LICENSE"), "text").unwrap();
    fs::create_dir(at("more")).unwrap();
    let empty =
        read_fhir(&[folder.path().to_path_buf()], &views(), &ReadOptions::default(), &mut |_| {});
    assert!(matches!(empty, Err(RecordsError::NoFiles(_))));

    fs::write(at("package.json"), "{\"name\":\"x\"}").unwrap();
    fs::write(at("list.ndjson"), "a,b,c\n".repeat(5_000)).unwrap();
    fs::write(at("Patient.ndjson"), patient("a")).unwrap();
    fs::write(at("Patient.ndjson.partial"), patient("b")).unwrap();
    let ingest = read(folder.path());
    assert_eq!(ingest.patients(), ["a"]);
    assert_eq!(ingest.ignored_files, [at("LICENSE"), at("Patient.ndjson.partial"), at("more")]);
    let reasons: Vec<_> = ingest.set_aside.iter().map(|entry| &entry.reason).collect();
    assert_eq!(reasons.iter().filter(|reason| matches!(reason, Reason::NotJson(_))).count(), 1_000);
    assert!(reasons.contains(&&Reason::NotFhirFile { lines: 1_000 }));
    assert!(reasons.contains(&&Reason::NotFhir));

    let missing = read_fhir(&[at("missing")], &views(), &ReadOptions::default(), &mut |_| {});
    assert!(missing.unwrap_err().to_string().contains("missing"));
}

#[test]
fn a_line_longer_than_allowed_is_set_aside_without_being_held() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("Patient.ndjson");
    fs::write(
        &path,
        format!("{}\n{{\"x\":\"{}\"}}\n{}", patient("a"), "y".repeat(1 << 20), patient("b")),
    )
    .unwrap();
    let options = ReadOptions { max_line: 1_000, ..Default::default() };
    let mut longest = 0;
    let ingest =
        read_fhir_with(&[path], &views(), &options, &mut |_| {}, &mut |_, raw| longest = raw.len())
            .unwrap();
    assert_eq!(ingest.patients(), ["a", "b"]);
    assert_eq!(ingest.set_aside[0].reason, Reason::TooLong { limit: 1_000 });
    assert_eq!((ingest.set_aside[0].line, longest), (2, 1_000));
}

#[test]
fn progress_ends_with_everything_counted() {
    let folder = tempdir().unwrap();
    let lines: Vec<String> = (0..2_500).map(|index| patient(&index.to_string())).collect();
    fs::write(folder.path().join("a.ndjson"), lines.join("\n")).unwrap();
    fs::write(folder.path().join("b.ndjson"), "{").unwrap();
    let mut told = Vec::new();
    let sources = [folder.path().to_path_buf()];
    read_fhir(&sources, &views(), &ReadOptions::default(), &mut |progress| told.push(progress))
        .unwrap();
    let last = told.last().unwrap();
    assert_eq!((last.records, last.set_aside), (2_501, 1));
    assert_eq!(last.bytes, last.bytes_total);
    assert!(told.len() >= 4 && told.is_sorted_by_key(|progress| progress.records));
}

#[test]
fn nothing_that_is_shown_reveals_a_record() {
    let folder = tempdir().unwrap();
    let consent = json!({ "resourceType": "Consent", "status": "active", "patient": { "reference": "Patient/secret" } });
    let lines =
        [patient("secret"), condition("secret"), consent.to_string(), "{\"secret\":".to_owned()];
    fs::write(folder.path().join("a.ndjson"), lines.join("\n")).unwrap();
    let mut ingest = read(folder.path());
    ingest.set_aside.iter_mut().for_each(|entry| entry.file.clear());
    let shown = format!("{ingest:?} {:?}", ingest.consents);
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn a_table_comes_back_from_parquet_as_it_was_written() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("a.ndjson"), [patient("a"), condition("a")].join("\n")).unwrap();
    let ingest = read(folder.path());
    for (name, table) in &ingest.tables.0 {
        let path = folder.path().join(name).with_extension("parquet");
        write_parquet(table, &path).unwrap();
        assert_eq!(read_parquet(&path).unwrap(), *table, "{name}");
    }
    let names = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    assert!(names.into_iter().all(|path| path.extension().unwrap() != "partial"));
    assert!(
        write_parquet(
            ingest.tables.get("patient").unwrap(),
            &folder.path().join("no/such.parquet")
        )
        .is_err()
    );
}

/// Runs one view with one column over sources; gives the values of the column and what else was found.
fn ids(sources: Vec<Source>, options: &ReadOptions) -> (Vec<String>, Summary) {
    let view = r#"{"resource":"Patient","select":[{"column":[{"name":"id","path":"id"}]}]}"#;
    let view = CompiledView::parse(view).unwrap();
    let mut found = Vec::new();
    let summary =
        run_views(sources, &[view], options, &mut |_| {}, &mut |_, _| {}, &mut |_, batch| {
            found.extend(rows(&batch).iter().map(|row| row["id"].as_str().unwrap().to_owned()));
            Ok(())
        })
        .unwrap();
    (found, summary)
}

fn stream(bytes: Vec<u8>) -> Vec<Source> {
    vec![Source::Stream { name: "a stream".into(), read: Box::new(std::io::Cursor::new(bytes)) }]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn packed_files_and_streams_are_read_like_plain_ones_whatever_they_are_called() {
    let folder = tempdir().unwrap();
    let lines = [patient("a"), patient("b"), "{".to_owned(), patient("c")].join("\n").into_bytes();
    let packed = [
        ("x", lines.clone()),
        ("y.ndjson.gz", gzip(&lines)),
        ("z", zstd::encode_all(&lines[..], 1).unwrap()),
    ];
    for (name, bytes) in packed {
        let path = folder.path().join(name);
        fs::write(&path, &bytes).unwrap();
        for sources in [vec![Source::Path(path.clone())], stream(bytes)] {
            let (found, summary) = ids(sources, &ReadOptions::default());
            assert_eq!(found, ["a", "b", "c"], "{name}");
            assert_eq!((summary.set_aside[0].line, summary.set_aside.len()), (3, 1), "{name}");
        }
    }
    // Of a folder, packed files count as well where their names say that they are FHIR.
    let (found, summary) = ids(vec![folder.path().to_path_buf().into()], &ReadOptions::default());
    assert_eq!(found, ["a", "b", "c"]);
    assert_eq!(summary.ignored_files.len(), 2);
}

#[test]
fn a_packed_file_that_is_cut_off_loads_what_came_before() {
    // Text that does not pack well, so that the cut is far behind the first lines.
    let lines: Vec<String> = (0..4_000u64)
        .map(|index| patient(&format!("{:x}", index.wrapping_mul(0x9E37_79B9_7F4A_7C15))))
        .collect();
    let bytes = gzip(lines.join("\n").as_bytes());
    let (found, summary) = ids(stream(bytes[..bytes.len() / 2].to_vec()), &ReadOptions::default());
    assert!(found.len() > 500 && found.len() < 4_000, "{}", found.len());
    let reasons: Vec<_> = summary.set_aside.iter().map(|entry| &entry.reason).collect();
    assert!(reasons.contains(&&Reason::Packing), "{reasons:?}");
    assert!(reasons.len() <= 2, "the line that was cut, and the file: {reasons:?}");
}

#[test]
fn files_of_something_else_say_what_they_are() {
    let utf16: Vec<u8> = std::iter::once(0xFEFF)
        .chain(patient("a").encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let binary: Vec<u8> = (0..10_000u32).flat_map(|n| n.to_le_bytes()).collect();
    for (name, bytes, reason) in [
        ("Patient.json", Vec::new(), Reason::Empty),
        ("Patient.ndjson", utf16, Reason::Utf16),
        ("Patient.ndjson", binary, Reason::Binary),
    ] {
        let folder = tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, &bytes).unwrap();
        let ingest = read(&path);
        assert_eq!(ingest.patients(), [""; 0]);
        let entry = &ingest.set_aside[0];
        assert_eq!((&entry.reason, ingest.set_aside.len(), &entry.file), (&reason, 1, &path));
        assert!(entry.to_string().contains(&format!("{name}, line 1 (byte 0): it is ")), "{entry}");
    }
}

#[test]
fn a_file_of_lines_that_has_none_holds_no_record_and_no_bad_one() {
    let folder = tempdir().unwrap();
    for (name, bytes) in [
        ("Patient.ndjson", Vec::new()),
        ("packed.ndjson.gz", gzip(b"")),
        ("packed.ndjson.zst", zstd::encode_all(&b""[..], 0).unwrap()),
        ("named-outright", Vec::new()),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        for strict in [false, true] {
            for workers in [1, 3] {
                let options = ReadOptions { strict, workers, ..ReadOptions::default() };
                let (found, summary) = ids(vec![Source::Path(path.clone())], &options);
                assert_eq!((found.len(), summary.set_aside.len()), (0, 0), "{name}");
                assert_eq!(summary.empty_files, std::slice::from_ref(&path), "{name}");
            }
        }
        assert_eq!(read(&path).ignored_files, [path]);
    }
    let (found, summary) =
        ids(stream(Vec::new()), &ReadOptions { strict: true, ..ReadOptions::default() });
    assert_eq!((found.len(), summary.empty_files.len()), (0, 1));
}

#[test]
fn of_a_bundle_that_is_cut_off_the_whole_entries_load() {
    let entry = |id: &str| json!({ "fullUrl": format!("urn:uuid:{id}"), "resource": serde_json::from_str::<Value>(&patient(id)).unwrap() });
    let entries: Vec<Value> = ["a", "b", "c"].into_iter().map(entry).collect();
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    for text in [bundle.to_string(), serde_json::to_string_pretty(&bundle).unwrap()] {
        let cut = &text[..text.len() - 60];
        let (found, summary) = ids(stream(cut.into()), &ReadOptions::default());
        assert_eq!(found, ["a", "b"]);
        let reasons: Vec<_> = summary.set_aside.iter().map(|entry| entry.reason.clone()).collect();
        assert_eq!(reasons, [Reason::NotJson("the record ends too early")]);
        assert_eq!(summary.set_aside[0].byte as usize, cut.len());
    }
}

#[test]
fn a_strict_reading_ends_at_the_first_bad_record() {
    let text = [patient("a"), "[]".into(), patient("b"), "{".into()].join("\n");
    let options = ReadOptions { strict: true, ..Default::default() };
    let view = views().remove(0);
    let result = run_views(
        stream(text.into_bytes()),
        &[view],
        &options,
        &mut |_| {},
        &mut |_, _| {},
        &mut |_, _| Ok(()),
    );
    let Err(RecordsError::Strict(entry)) = result else { panic!("the reading went on") };
    assert_eq!((entry.line, &entry.reason), (2, &Reason::NotAnObject));
}

#[test]
fn a_column_for_one_value_that_meets_several_is_the_views_mistake() {
    let view = r#"{"resource":"Patient","select":[{"column":[{"name":"id","path":"id"},{"name":"given","path":"name.given"}]}]}"#;
    let view = CompiledView::parse(view).unwrap();
    let several =
        json!({ "resourceType": "Patient", "id": "b", "name": [{ "given": ["x", "y"] }] });
    let text = [patient("a"), several.to_string(), several.to_string()].join("\n");
    let (summary, count) = run_of(view, &text);
    assert_eq!(count, 1);
    let [misfit] = &summary.misfits[..] else { panic!("{:?}", summary.misfits) };
    assert_eq!((misfit.place.as_str(), misfit.records), ("select[0].column[1]", 2));
}

/// What comes of records under a view, and how many rows it has.
fn run_of(view: CompiledView, text: &str) -> (Summary, usize) {
    let mut count = 0;
    let summary = run_views(
        stream(text.as_bytes().to_vec()),
        &[view],
        &ReadOptions::default(),
        &mut |_| {},
        &mut |_, _| {},
        &mut |_, rows| {
            count += rows.num_rows();
            Ok(())
        },
    );
    (summary.unwrap(), count)
}

/// Where and how often records did not fit a view with this column, and how many rows it has.
fn misfits_of(path: &str, records: &[Value]) -> (Vec<(String, u64)>, usize) {
    let view = json!({ "resource": "Patient", "where": [{ "path": "active" }],
        "select": [{ "column": [{ "name": "v", "path": path }] }] });
    let view = CompiledView::parse(&view.to_string()).unwrap();
    let text: Vec<String> = records.iter().map(Value::to_string).collect();
    let (summary, count) = run_of(view, &text.join("\n"));
    assert_eq!(summary.reasons.values().sum::<u64>(), summary.set_aside.len() as u64);
    (summary.misfits.into_iter().map(|one| (one.place, one.records)).collect(), count)
}

#[test]
fn kinds_that_do_not_go_together_are_the_views_mistake_only_where_no_record_fits() {
    let with = |value: Value| json!({ "resourceType": "Patient", "active": true, "extension": [{ "url": "u", "valueCode": value }] });
    let (text, number) = (with("x".into()), with(1.into()));
    let place = || "select[0].column[0]".to_owned();
    for path in ["extension.first().value > 1", "1 + extension.first().value"] {
        assert_eq!(misfits_of(path, &[text.clone(), text.clone()]), (vec![(place(), 2)], 0));
        assert_eq!(misfits_of(path, &[text.clone(), number.clone()]), (vec![], 1));
        // A record that the filter leaves out is one that the view took.
        let mut left_out = text.clone();
        left_out["active"] = false.into();
        assert_eq!(misfits_of(path, &[text.clone(), left_out]), (vec![], 0));
        // However many they are, they are FHIR.
        assert_eq!(misfits_of(path, &vec![text.clone(); 3_000]), (vec![(place(), 3_000)], 0));
    }
    let path = "extension.first().value.lowBoundary()";
    assert_eq!(misfits_of(path, std::slice::from_ref(&text)), (vec![(place(), 1)], 0));
}

/// Everything that a reading tells, as text.
fn told(source: &Path, workers: usize) -> String {
    let options = ReadOptions { workers, ..Default::default() };
    let mut kept = Vec::new();
    let ingest = read_fhir_with(
        &[source.to_path_buf()],
        &views(),
        &options,
        &mut |_| {},
        &mut |entry, bytes| kept.push((entry.clone(), bytes.to_vec())),
    )
    .unwrap();
    let tables: Vec<_> = ingest.tables.0.values().map(rows).collect();
    format!(
        "{tables:?} {:?} {:?} {:?} {kept:?}",
        ingest.patients(),
        ingest.resources,
        ingest.without_rows
    )
}

#[test]
fn what_is_read_does_not_depend_on_how_many_work_at_it() {
    let folder = tempdir().unwrap();
    // More than a block, with damage and repetition in several places.
    let mut lines = Vec::new();
    for index in 0..12_000 {
        lines.push(patient(&format!("p{}", index % 11_000)));
        lines.push(condition(&format!("p{index}")));
        if index % 977 == 0 {
            lines.push("{\"resourceType\":".into());
        }
    }
    fs::write(folder.path().join("a.ndjson"), lines.join("\n")).unwrap();
    fs::write(folder.path().join("b.ndjson"), "no,such\n".repeat(400_000)).unwrap();
    fs::write(folder.path().join("c.ndjson"), [patient("p1"), patient("last")].join("\n")).unwrap();
    let alone = told(folder.path(), 1);
    assert!(
        alone.contains("\"last\"") && alone.contains("Repeated") && alone.contains("NotFhirFile")
    );
    for workers in [2, 3] {
        assert_eq!(told(folder.path(), workers), alone);
    }
}

#[cfg(unix)]
#[test]
fn an_output_that_is_a_link_or_a_pipe_stays_one() {
    use std::io::{Read, Write};
    use std::process::Command;

    let folder = tempfile::tempdir().unwrap();
    let (target, link, pipe) =
        (folder.path().join("target"), folder.path().join("link"), folder.path().join("pipe"));
    fs::write(&target, "old").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let mut file = caduceus_records::WholeFile::create(&link).unwrap();
    file.write_all(b"new").unwrap();
    file.finish().unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"new");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            let mut text = String::new();
            fs::File::open(pipe).unwrap().read_to_string(&mut text).unwrap();
            text
        }
    });
    let mut file = caduceus_records::WholeFile::create(&pipe).unwrap();
    file.write_all(b"through").unwrap();
    file.finish().unwrap();
    assert_eq!(reader.join().unwrap(), "through");
    assert!(!fs::metadata(&pipe).unwrap().is_file());
}

#[test]
fn a_bundle_is_a_resource_of_its_own_for_a_view_of_bundles() {
    let bundle = json!({ "resourceType": "Bundle", "id": "b", "type": "collection", "entry": [
        { "fullUrl": "urn:uuid:1", "resource": { "resourceType": "Patient", "id": "p", "birthDate": "1970-01-01" } },
        { "resource": { "resourceType": "Observation", "id": "o", "subject": { "reference": "urn:uuid:1" } } },
        { "resource": { "resourceType": "Patient", "id": "q", "birthDate": "1980-01-01" } },
        { "request": { "method": "DELETE" } },
    ] });
    let view = |resource: &str, select: Value| {
        let view = json!({ "resource": resource, "select": select });
        CompiledView::parse(&view.to_string()).unwrap()
    };
    let bundles = view(
        "Bundle",
        json!([{ "column": [{ "name": "id", "path": "id" }], "select": [
            { "forEach": "entry.resource.ofType(Patient)", "column": [{ "name": "born", "path": "birthDate" }] },
            { "column": [{ "name": "subject",
                "path": "entry.resource.ofType(Observation).subject.getReferenceKey(Patient)" }] },
        ] }]),
    );
    let patients = view("Patient", json!([{ "column": [{ "name": "id", "path": "id" }] }]));
    for text in [serde_json::to_string_pretty(&bundle).unwrap(), format!("{bundle}\n")] {
        for (views, records, set_aside) in
            [(vec![bundles.clone()], 1, 0), (vec![bundles.clone(), patients.clone()], 4, 1)]
        {
            let mut found = vec![Vec::new(); views.len()];
            let summary = run_views(
                stream(text.clone().into_bytes()),
                &views,
                &ReadOptions::default(),
                &mut |_| {},
                &mut |_, _| {},
                &mut |view, batch| {
                    found[view].extend(rows(&batch));
                    Ok(())
                },
            );
            let summary = summary.unwrap();
            assert_eq!(summary.resources.values().sum::<u64>(), records);
            assert_eq!(summary.set_aside.len(), set_aside, "an entry that holds no resource");
            let wanted = json!([{ "id": "b", "born": "1970-01-01", "subject": "p" },
                { "id": "b", "born": "1980-01-01", "subject": "p" }]);
            assert_eq!(json!(found[0]), wanted);
            if let Some(patients) = found.get(1) {
                assert_eq!(json!(patients), json!([{ "id": "p" }, { "id": "q" }]));
            }
        }
    }
}
