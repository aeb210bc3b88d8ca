//! A bounded run of what the fuzz targets do without a bound: seeded damage to records, bundles and paths.

use std::io::Cursor;

use caduceus_records::{CompiledView, ReadOptions, RecordsError, Source, run_views};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

use crate::support::views;

const SEED: u64 = 0x5EED;

const RECORDS: &str = r#"{"resourceType":"Patient","id":"p","gender":"other","birthDate":"1970-01-01","deceasedBoolean":false,"address":[{"postalCode":"1","state":"X","country":"DE"}]}
{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"code":{"coding":[{"system":"http://snomed.info/sct","code":"38341003","display":"\u00e4\n"}]},"onsetDateTime":"2020"}
{"resourceType":"Observation","id":"o","status":"final","subject":{"reference":"Patient/p"},"code":{"coding":[{"code":"85354-9"}]},"component":[{"code":{"coding":[{"code":"8480-6"}]},"valueQuantity":{"value":1.2e2,"unit":"mm[Hg]"}}],"effectivePeriod":{"start":"2020-01-01T00:00:00Z"}}
"#;

const PATHS: [&str; 8] = [
    "name.where(use = 'official').given.join(' ')",
    "(birthDate | deceased.ofType(dateTime)).first().lowBoundary(6)",
    "extension('u').value.ofType(decimal) * 2 > 1.5 and active.not()",
    "iif(name.exists($this.family ~ 'A'), %rowIndex + 1, -1).toString()",
    "contact.period.start.select($this & '!').distinct()[0]",
    "name.repeat(given).count() div 2 mod 3",
    "@2020-01-01T10:00:00.000+02:00 <= @2021 xor {} implies true",
    "`name`.given.exclude('x').substring(0, 1).upper()",
];

/// One to eight changes at random places: bytes replaced, cut out, doubled, or taken from elsewhere.
fn damaged(bytes: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..=8) {
        if bytes.is_empty() {
            break;
        }
        let at = random.random_range(0..bytes.len());
        let end = (at + random.random_range(1..=24)).min(bytes.len());
        match random.random_range(0..5) {
            0 => bytes[at] = random.random(),
            1 => bytes[at] = b"{}[]\",:\\'`()@%$.\n\0"[random.random_range(0..18)],
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                let to = random.random_range(0..=bytes.len());
                bytes.splice(to..to, piece);
            }
            _ => bytes.truncate(at),
        }
    }
    bytes
}

#[test]
fn no_bytes_make_the_reader_panic_or_lose_count() {
    let views = views();
    let entries: Vec<serde_json::Value> = RECORDS
        .lines()
        .map(|line| json!({ "fullUrl": "urn:uuid:1", "resource": serde_json::from_str::<serde_json::Value>(line).unwrap() }))
        .collect();
    let bundle = json!({ "resourceType": "Bundle", "entry": entries });
    let packed = zstd::encode_all(RECORDS.as_bytes(), 1).unwrap();
    let bases = [
        RECORDS.as_bytes().to_vec(),
        serde_json::to_vec_pretty(&bundle).unwrap(),
        bundle.to_string().into_bytes(),
        packed,
    ];
    let mut random = StdRng::seed_from_u64(SEED);
    let options = ReadOptions { workers: 1, max_line: 2_000, ..ReadOptions::default() };
    for round in 0..3_000 {
        let bytes = damaged(&bases[round % bases.len()], &mut random);
        let source =
            Source::Stream { name: "s".into(), read: Box::new(Cursor::new(bytes.clone())) };
        let mut told = 0;
        let summary = run_views(
            vec![source],
            &views,
            &options,
            &mut |progress| told = progress.records,
            &mut |entry, _| assert!(entry.line > 0),
            &mut |_, rows| {
                assert!(rows.num_rows() > 0);
                Ok(())
            },
        );
        let summary = match summary {
            Ok(summary) => summary,
            // What a decoder refuses at its first byte.
            Err(RecordsError::Io { .. }) => continue,
            Err(other) => panic!("seed {SEED}, round {round}: {other}"),
        };
        let good: u64 = summary.resources.values().sum();
        let counted = good + summary.set_aside.len() as u64;
        assert_eq!(counted, told, "seed {SEED}, round {round}: {bytes:?}");
    }
}

#[test]
fn no_path_makes_the_compiler_or_a_run_panic() {
    let patient = r#"{"resourceType":"Patient","id":"p","active":true,"birthDate":"1970-06","name":[{"family":"A","given":["x","y"]}],"contact":[{"period":{"start":"2020"}}],"extension":[{"url":"u","valueDecimal":1.50}]}"#;
    let mut random = StdRng::seed_from_u64(SEED);
    let mut valid = 0;
    for round in 0..20_000 {
        let path = match round < PATHS.len() {
            true => PATHS[round].to_owned(),
            false => String::from_utf8_lossy(&damaged(
                PATHS[round % PATHS.len()].as_bytes(),
                &mut random,
            ))
            .into_owned(),
        };
        let view = json!({ "resource": "Patient", "select": [{ "column": [{ "name": "v", "path": path, "collection": true, "type": "string" }] }] });
        match CompiledView::parse(&view.to_string()) {
            Ok(view) => {
                valid += 1;
                let result = view.run([patient]);
                assert!(round >= PATHS.len() || result.is_ok(), "{path}: {:?}", result.err());
            }
            Err(RecordsError::View(error)) => {
                assert!(round >= PATHS.len(), "{path}: {error}");
                assert!(error.offset.is_none_or(|offset| offset <= path.chars().count()), "{path}");
            }
            Err(other) => panic!("seed {SEED}, round {round}: {other}"),
        }
    }
    assert!(valid > 1_000, "the damage is too heavy to test runs: {valid}");
}
