//! What must hold of whatever somebody feeds to the readers: no panic, nothing lost, and a refusal that says where.
//!
//! Each function is the body of one target of `cargo fuzz` (which needs a nightly compiler and the feature `libfuzzer`).
//! `tests/bounded.rs` calls the same with damaged seeds a bounded number of times. A broken promise is a panic.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use caduceus_protect::generalization::HierarchyFile;
use caduceus_protect::table::Column;
use caduceus_query::sandbox::{
    self, Cell, Declaration, InputColumn, InputTable, Limits, Module, Norm, Values,
};
use caduceus_query::{Delta, Epsilon, PublicSchema, Question, SeededNoise, plan};
use caduceus_records::{CompiledView, ReadOptions, RecordsError, Source, Tables, run_views};

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p","active":true,"birthDate":"1970-06","name":[{"family":"A","given":["x","y"]}],"contact":[{"period":{"start":"2020"}}],"multipleBirthInteger":2,"extension":[{"url":"u","valueDecimal":1.50}]}"#;

const SCHEMA: &str = r#"
[budget]
epsilon = 10
[tables.patient]
patient = "patient"
max_rows = 1
[tables.patient.columns.sex]
type = "text"
values = ["female", "male"]
[tables.observation]
patient = "patient"
max_rows = 4
[tables.observation.columns.value]
type = "decimal"
lower = 0
upper = 300
[tables.observation.columns.year]
type = "integer"
lower = 1900
upper = 2100
[tables.observation.columns.note]
type = "text"
"#;

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

/// Any bytes as a source of records: every record is read or set aside with its line, and counted once.
pub fn fhir_reader(bytes: &[u8]) {
    let read = Box::new(Cursor::new(bytes.to_vec()));
    let sources = vec![Source::Stream { name: "fuzz".into(), read }];
    let options = ReadOptions { workers: 1, max_line: 1 << 16, ..ReadOptions::default() };
    let mut told = 0;
    let summary = run_views(
        sources,
        &VIEWS,
        &options,
        &mut |progress| told = progress.records,
        &mut |entry, _| assert!(entry.line > 0),
        &mut |_, rows| {
            assert!(rows.num_rows() > 0);
            Ok(())
        },
    );
    match summary {
        Ok(summary) => {
            let good: u64 = summary.resources.values().sum();
            let aside: u64 = summary.reasons.values().sum();
            assert_eq!(good + aside, told);
        }
        // What a decoder refuses.
        Err(RecordsError::Io { .. }) => {}
        Err(other) => panic!("a record is set aside and ends nothing: {other}"),
    }
}

/// Any text as a path: it compiles and runs, or is refused at a place within it. Tells whether it compiled.
pub fn fhirpath(path: &str) -> bool {
    let view = serde_json::json!({
        "resource": "Patient",
        "select": [{ "column": [{ "name": "v", "path": path, "collection": true, "type": "string" }] }],
    });
    match CompiledView::parse(&view.to_string()) {
        Ok(view) => {
            drop(view.run([PATIENT]));
            true
        }
        Err(RecordsError::View(error)) => {
            assert!(error.offset.is_none_or(|offset| offset <= path.chars().count()));
            false
        }
        Err(other) => panic!("a view is refused as a view: {other}"),
    }
}

/// Any bytes as a hierarchy: refused in one line, or levels that merge values and never split any. Tells which.
pub fn hierarchy(bytes: &[u8]) -> bool {
    let file = match HierarchyFile::read(bytes) {
        Ok(file) => file,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let leaves = file.paths().into_iter().map(|path| path[0].clone()).collect::<Vec<_>>();
    let column = Column::of("c", leaves.iter().map(String::as_str));
    let over = file.over(&column).expect("every leaf of the file has a line in it");
    for pair in over.levels.windows(2) {
        let mut above = HashMap::new();
        for (below, next) in pair[0].of.iter().zip(&pair[1].of) {
            assert_eq!(*above.entry(*below).or_insert(*next), *next, "a level splits a value");
        }
    }
    let covered = || over.levels.iter().flat_map(|level| &level.covered);
    assert!(covered().all(|&covered| covered >= 1 && covered <= over.leaves));
    true
}

/// Any text as a question: refused in one line, or planned. Tells which.
pub fn sql(text: &str) -> bool {
    let schema = PublicSchema::from_toml(SCHEMA).expect("the schema above is one");
    match plan(&Question::new(text, Epsilon::from_milli(1000)), &schema) {
        Ok(plan) => {
            assert!(!plan.cost().to_string().is_empty());
            true
        }
        Err(refusal) => {
            let said = refusal.to_string();
            assert!(!said.contains('\n') && !said.contains("the planner failed"), "{said}");
            false
        }
    }
}

/// Any bytes as a module: refused with a sentence, or run on two patients to an answer within its bounds. Tells which.
pub fn module(source: &[u8]) -> bool {
    let limits = Limits { fuel: 20_000, step_fuel: 20_000, memory_pages: 16, ..Limits::default() };
    let module = match Module::load_within(source, limits) {
        Ok(module) => module,
        Err(refusal) => {
            assert!(refusal.to_string().ends_with('.'), "{refusal}");
            return false;
        }
    };
    let columns: [(&str, ArrayRef); 2] = [
        ("person", Arc::new(StringArray::from(vec!["a", "b"]))),
        ("x", Arc::new(Float64Array::from(vec![1.0, 2.0]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let tables = Tables(BTreeMap::from([("t".to_owned(), batch)]));
    let mut noise = SeededNoise::new(1);
    let answer =
        sandbox::run(&module, &tables, &declaration(), &mut noise).expect("an answer, always");
    assert!(answer.values.iter().all(|number| number.abs() < 2.001));
    true
}

/// Two numbers of each patient, at most 1 together, with hardly any noise.
fn declaration() -> Declaration {
    Declaration {
        inputs: vec![InputTable {
            name: "t".into(),
            person: "person".into(),
            max_rows: 1,
            columns: vec![InputColumn { name: "x".into(), cell: Cell::Decimal(None) }],
        }],
        length: 2,
        values: Values::F64,
        norm: Norm::L1,
        clip: 1.0,
        parameters: vec![0.0],
        rounds: 1,
        epsilon: Epsilon::from_milli(1_000_000_000),
        delta: Delta::ZERO,
    }
}
