//! Safe Harbor over FHIR, beside the ingest of the same files without it.
//!
//! `cargo run --release -p caduceus-benches --bin safe_harbor [PATIENTS]`. Both read the same generated cohort from the
//! disk and run the four views that the project ships; the second one applies Safe Harbor and k-anonymity too.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a measurement prints and may stop")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use caduceus_benches::{in_turns, milliseconds, ratio, verdict};
use caduceus_protect::{Date, ProtectionPolicy, PseudonymKey, protect};
use caduceus_records::cohort::{CohortOptions, Country, generate};
use caduceus_records::{CompiledView, ReadOptions, Tables, read_fhir};

const RUNS: usize = 7;
/// How many times as long as without protection it may take.
const BOUND: f64 = 1.5;

fn main() -> ExitCode {
    let patients = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let folder = tempfile::tempdir().expect("there is room for a cohort");
    let country = Country::UnitedStates;
    let options = CohortOptions { patients, country, seed: 7, ..CohortOptions::default() };
    generate(&options, folder.path()).expect("a cohort can be written");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let views: Vec<CompiledView> = ["patient", "condition", "encounter", "observation"]
        .iter()
        .map(|name| {
            let text =
                std::fs::read_to_string(root.join("views").join(name).with_extension("json"));
            CompiledView::parse(&text.expect("the view is there")).expect("the view is valid")
        })
        .collect();
    let text =
        std::fs::read_to_string(root.join("views/protection.toml")).expect("the policy is there");
    let policy = ProtectionPolicy::parse(&text).expect("the policy is valid");
    let (key, today) = (PseudonymKey::new([7; 32]), Date::new(2026, 1, 1).expect("a day"));
    let inputs = vec![folder.path().to_owned()];
    let [plain, safe] = in_turns(
        RUNS,
        [&mut || drop(read(&inputs, &views)), &mut || {
            let tables = read(&inputs, &views);
            protect(&tables, &policy, &key, today, None, &mut |_, _, _| {})
                .expect("the cohort can be protected");
        }],
    );
    let times = ratio(safe, plain);
    println!(
        "{patients} patients: ingest {:.0} ms, with Safe Harbor and k-anonymity {:.0} ms, ratio {times:.2} (bound {BOUND})",
        milliseconds(plain),
        milliseconds(safe)
    );
    verdict(times <= BOUND)
}

fn read(inputs: &[PathBuf], views: &[CompiledView]) -> Tables {
    read_fhir(inputs, views, &ReadOptions::default(), &mut |_| {})
        .expect("the cohort can be read")
        .tables
}
