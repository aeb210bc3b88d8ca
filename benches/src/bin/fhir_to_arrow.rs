//! FHIR to Arrow through the four views that the project ships, beside the time that a JSON parser takes merely to parse
//! the same bytes into its own tree of values. One core each, and ours with two as well; then the memory that a long stream
//! of the same records takes (`GIGABYTES=10` makes it longer).
//!
//! The bound is 2.5: what comes in is checked, run through FHIRPath, and laid out in columns for that.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a bench")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use caduceus_benches::{in_turns, in_turns_on_one_core, peak_memory, ratio, verdict};
use caduceus_records::cohort::{CohortOptions, generate};
use caduceus_records::{CompiledView, ReadOptions, Source, run_views};

/// How many times longer than parsing alone it may take.
const BOUND: f64 = 2.5;
/// How many times the memory of the shortest stream the longest may take.
const FLAT: f64 = 1.25;
const PATIENTS: usize = 20_000;
const ROUNDS: usize = 9;

fn main() -> std::process::ExitCode {
    let folder = tempfile::tempdir().unwrap();
    generate(&CohortOptions { patients: PATIENTS, ..Default::default() }, folder.path()).unwrap();
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/fhir");
    let mut good = memory(&folder.path().join("Observation.ndjson"));
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
    verdict(good)
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

    let views = views();
    let ours = |workers| (0..repeat).for_each(|_| into_arrow(&files, &views, workers));
    let [simd, sonic, one] = in_turns_on_one_core(
        ROUNDS,
        [
            &mut || (0..repeat).for_each(|_| simd_json(&texts)),
            &mut || (0..repeat).for_each(|_| sonic(&texts)),
            &mut || ours(1),
        ],
    );
    let [alone, both] = in_turns(ROUNDS, [&mut || ours(1), &mut || ours(2)]);

    let speed = |time: Duration| (bytes * repeat) as f64 / time.as_secs_f64() / 1e6;
    let ratio = ratio(one, simd.min(sonic));
    println!("{name}, {} MB:", bytes * repeat / 1_000_000);
    println!("  simd-json parses {:5.0} MB/s", speed(simd));
    println!("  sonic-rs  parses {:5.0} MB/s", speed(sonic));
    println!("  ours to Arrow    {:5.0} MB/s of a processor's time", speed(one));
    println!(
        "  by the clock     {:5.0} MB/s with one worker, {:5.0} MB/s with two",
        speed(alone),
        speed(both)
    );
    println!("  ratio to the faster parser, per core: {ratio:.2} (bound {BOUND})");
    ratio
}

/// Prints the most memory that streams of some lengths took; returns whether it stays the same.
fn memory(file: &Path) -> bool {
    let text = fs::read(file).unwrap();
    let views = views();
    let longest: f64 =
        std::env::var("GIGABYTES").ok().and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let mut peaks = Vec::new();
    for gigabytes in [0.1, longest] {
        peak_memory();
        let stream = Again { text: text.clone(), at: 0, left: (gigabytes * 1e9) as usize };
        let source = Source::Stream { name: "stream".to_owned(), read: Box::new(stream) };
        to_arrow(vec![source], &views, 2);
        let Some(peak) = peak_memory() else {
            eprintln!("skipped: this system does not tell how much memory was held");
            return true;
        };
        println!("{gigabytes} GB of records through the views: at most {peak:.0} MB of memory");
        peaks.push(peak);
    }
    println!("  {:.2} times the memory (bound {FLAT})", peaks[1] / peaks[0]);
    peaks[1] <= peaks[0] * FLAT
}

/// A text over and over, up to the end of the record in which so many bytes are reached.
struct Again {
    text: Vec<u8>,
    at: usize,
    left: usize,
}

impl Read for Again {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.text.len() {
            self.at = 0;
        }
        let rest = &self.text[self.at..];
        let rest = match self.left {
            0 if self.at == 0 || self.text[self.at - 1] == b'\n' => &[],
            0 => &rest[..=rest.iter().position(|byte| *byte == b'\n').unwrap()],
            left => &rest[..left.min(rest.len())],
        };
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        self.left = self.left.saturating_sub(length);
        Ok(length)
    }
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
    to_arrow(files.iter().cloned().map(Source::Path).collect(), views, workers);
}

fn to_arrow(sources: Vec<Source>, views: &[CompiledView], workers: usize) {
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
