//! Any bytes as a source of records: nothing panics, and every record is counted once.
//!
//! Run with `cargo +nightly fuzz run fhir_reader`.

#![no_main]

use std::io::Cursor;
use std::sync::LazyLock;

use caduceus_records::{CompiledView, ReadOptions, Source, run_views};
use libfuzzer_sys::fuzz_target;

static VIEWS: LazyLock<Vec<CompiledView>> = LazyLock::new(|| {
    [
        include_str!("../../views/patient.json"),
        include_str!("../../views/condition.json"),
        include_str!("../../views/encounter.json"),
        include_str!("../../views/observation.json"),
    ]
    .iter()
    .map(|text| CompiledView::parse(text).expect("the project's views are valid"))
    .collect()
});

fuzz_target!(|bytes: &[u8]| {
    let read = Box::new(Cursor::new(bytes.to_vec()));
    let sources = vec![Source::Stream { name: "fuzz".into(), read }];
    let options = ReadOptions { workers: 1, max_line: 1 << 16, ..ReadOptions::default() };
    let mut last = 0;
    let summary = run_views(
        sources,
        &VIEWS,
        &options,
        &mut |progress| last = progress.records,
        &mut |_, _| {},
        &mut |_, _| Ok(()),
    );
    if let Ok(summary) = summary {
        let good: u64 = summary.resources.values().sum();
        assert_eq!(good + summary.set_aside.len() as u64, last);
    }
});
