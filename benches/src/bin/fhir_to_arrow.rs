//! FHIR to Arrow through the four views that the project ships, beside the time that a JSON parser takes merely to parse
//! the same bytes into its own tree of values. One core each, and ours with two as well.
//!
//! The bound is 2.5: what comes in is checked, run through FHIRPath, and laid out in columns for that.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a bench")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use caduceus_records::cohort::{CohortOptions, generate};
use caduceus_records::{CompiledView, ReadOptions, Source, run_views};

/// How many times longer than parsing alone it may take.
const BOUND: f64 = 2.5;
const PATIENTS: usize = 20_000;
const ROUNDS: usize = 7;

fn main() -> std::process::ExitCode {
    let folder = tempfile::tempdir().unwrap();
    generate(&CohortOptions { patients: PATIENTS, ..Default::default() }, folder.path()).unwrap();
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/fhir");
    let mut good = true;
    for (name, sources) in [
        ("generated cohort", vec![folder.path().to_path_buf()]),
        ("third-party bulk files", vec![shared.join("bulk-100"), shared.join("smart-10")]),
    ] {
        if !sources.iter().all(|source| source.exists()) {
            eprintln!("skipped: the data for \"{name}\" are not there");
            continue;
        }
        good &= measure(name, &sources) <= BOUND;
    }
    if good { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}

/// Prints how we compare on these sources; returns the ratio.
fn measure(name: &str, sources: &[PathBuf]) -> f64 {
    let mut files: Vec<PathBuf> = sources
        .iter()
        .flat_map(|source| fs::read_dir(source).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "ndjson"))
        .collect();
    files.sort();
    let texts: Vec<Vec<u8>> = files.iter().map(|path| fs::read(path).unwrap()).collect();
    let bytes: usize = texts.iter().map(Vec::len).sum();
    // Enough work for the clock, however small the files are.
    let repeat = (64_000_000 / bytes).max(1);

    let simd = best(|| (0..repeat).for_each(|_| simd_json(&texts)));
    let sonic = best(|| (0..repeat).for_each(|_| sonic(&texts)));
    let views = views();
    let ours = |workers| best(|| (0..repeat).for_each(|_| into_arrow(&files, &views, workers)));
    let (one, two) = (ours(1), ours(2));

    let speed = |time: Duration| (bytes * repeat) as f64 / time.as_secs_f64() / 1e6;
    let ratio = one.as_secs_f64() / simd.min(sonic).as_secs_f64();
    println!("{name}, {} MB:", bytes * repeat / 1_000_000);
    println!("  simd-json parses {:5.0} MB/s", speed(simd));
    println!("  sonic-rs  parses {:5.0} MB/s", speed(sonic));
    println!(
        "  ours to Arrow    {:5.0} MB/s on one core, {:5.0} MB/s on two",
        speed(one),
        speed(two)
    );
    println!("  ratio to the faster parser, per core: {ratio:.2} (bound {BOUND})");
    ratio
}

/// The shortest of several rounds, which is the one that was disturbed least.
fn best(mut work: impl FnMut()) -> Duration {
    let round = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..ROUNDS).map(round).min().unwrap()
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

fn simd_json(texts: &[Vec<u8>]) {
    let mut buffers = simd_json::Buffers::default();
    let mut line = Vec::new();
    for text in texts {
        for record in lines(text) {
            line.clear();
            line.extend_from_slice(record);
            let value = simd_json::to_borrowed_value_with_buffers(&mut line, &mut buffers);
            std::hint::black_box(value.unwrap());
        }
    }
}

fn sonic(texts: &[Vec<u8>]) {
    for record in texts.iter().flat_map(|text| lines(text)) {
        std::hint::black_box(sonic_rs::from_slice::<sonic_rs::Value>(record).unwrap());
    }
}

fn views() -> Vec<CompiledView> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../views");
    ["patient", "condition", "encounter", "observation"]
        .iter()
        .map(|name| fs::read_to_string(folder.join(name).with_extension("json")).unwrap())
        .map(|text| CompiledView::parse(&text).unwrap())
        .collect()
}

fn into_arrow(files: &[PathBuf], views: &[CompiledView], workers: usize) {
    let sources = files.iter().cloned().map(Source::Path).collect();
    let options = ReadOptions { workers, ..Default::default() };
    let mut rows = 0;
    let summary =
        run_views(sources, views, &options, &mut |_| {}, &mut |_, _| {}, &mut |_, batch| {
            rows += batch.num_rows();
            std::hint::black_box(batch);
            Ok(())
        });
    assert!(rows > 0 && summary.unwrap().set_aside.is_empty());
}
