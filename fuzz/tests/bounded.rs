//! A bounded run of what `cargo fuzz` does without a bound: seeded damage to what each reader takes.
#![allow(clippy::unwrap_used, reason = "tests")]

use caduceus_fuzz::{fhir_reader, fhirpath, hierarchy, module, sql};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

/// Every run damages the same way.
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

const HIERARCHIES: [&str; 4] = [
    "BA;higher;*\nMA;higher;*\n11th;school;*\n12th;school;*\n",
    "\u{feff}a,b,c\n\"d, e\",b,c\n",
    "02139\t021\t0\t*\r\n02140\t021\t0\t*\r\n10115\t101\t1\t*\r\n",
    "ä;\"x;y\";*\n;x;*\nö;x;*\n",
];

const QUESTIONS: [&str; 6] = [
    "SELECT sex, COUNT(*) AS n FROM patient GROUP BY sex HAVING COUNT(*) > 3 ORDER BY n DESC LIMIT 3",
    "SELECT AVG(value), SUM(year) FROM observation o JOIN patient p ON o.patient = p.patient WHERE note IN ('x', 'y')",
    "WITH t AS (SELECT patient, MAX(value) AS m FROM observation GROUP BY patient) SELECT AVG(m) FROM t",
    "SELECT CASE WHEN value < 10 THEN 'a' ELSE 'b' END AS b, STDDEV(year) FROM observation GROUP BY b",
    "SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY value) FROM observation WHERE note LIKE 'a%'",
    "SELECT width_bucket(value, 0, 300, 7), COUNT(value / year) FROM observation GROUP BY 1",
];

/// One to so many changes at random places: bytes replaced, cut out, doubled, or taken from elsewhere.
fn damaged(bytes: &[u8], most: usize, random: &mut StdRng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.random_range(1..=most) {
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

/// How many of so many damaged seeds, each with at most so many changes, a target admits. The first round of each seed is the seed itself.
fn admitted(rounds: usize, most: usize, seeds: &[&[u8]], target: &dyn Fn(&[u8]) -> bool) -> usize {
    let mut random = StdRng::seed_from_u64(SEED);
    let mut admitted = 0;
    for round in 0..rounds {
        let seed = seeds[round % seeds.len()];
        let whole = round < seeds.len();
        let bytes = if whole { seed.to_vec() } else { damaged(seed, most, &mut random) };
        let said = String::from_utf8_lossy(&bytes).into_owned();
        let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| target(&bytes)));
        let good = good.unwrap_or_else(|_| panic!("seed {SEED}, round {round}: {said:?}"));
        assert!(good || !whole, "{said}");
        admitted += usize::from(good);
    }
    admitted
}

/// A target that takes text, of whatever bytes.
fn of_text(target: fn(&str) -> bool) -> impl Fn(&[u8]) -> bool {
    move |bytes| target(&String::from_utf8_lossy(bytes))
}

#[test]
fn no_bytes_make_the_reader_panic_or_lose_count() {
    let entries: Vec<serde_json::Value> = RECORDS
        .lines()
        .map(|line| json!({ "fullUrl": "urn:uuid:1", "resource": serde_json::from_str::<serde_json::Value>(line).unwrap() }))
        .collect();
    let bundle = json!({ "resourceType": "Bundle", "entry": entries });
    let (lines, packed) = (bundle.to_string(), zstd::encode_all(RECORDS.as_bytes(), 1).unwrap());
    let pretty = serde_json::to_vec_pretty(&bundle).unwrap();
    admitted(3_000, 8, &[RECORDS.as_bytes(), &pretty, lines.as_bytes(), &packed], &|bytes| {
        fhir_reader(bytes);
        true
    });
}

#[test]
fn no_path_makes_the_compiler_or_a_run_panic() {
    let valid = admitted(20_000, 8, &PATHS.map(str::as_bytes), &of_text(fhirpath));
    assert!(valid > 1_000, "the damage is too heavy to test runs: {valid}");
}

#[test]
fn no_bytes_make_a_hierarchy_that_splits_a_value() {
    let valid = admitted(20_000, 8, &HIERARCHIES.map(str::as_bytes), &hierarchy);
    assert!(valid > 1_000, "the damage is too heavy to test levels: {valid}");
}

#[test]
fn no_text_makes_the_sql_front_panic() {
    let valid = admitted(2_000, 1, &QUESTIONS.map(str::as_bytes), &of_text(sql));
    assert!(valid > 50, "the damage is too heavy to test plans: {valid}");
}

#[test]
fn no_bytes_make_the_module_loader_panic_or_a_module_pass_its_bounds() {
    let text = include_str!("../../algorithms/survival.wat");
    let valid = admitted(300, 2, &[text.as_bytes(), &wat::parse_str(text).unwrap()], &module);
    assert!(valid > 10, "the damage is too heavy to test runs: {valid}");
}
