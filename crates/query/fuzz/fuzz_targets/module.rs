//! Any bytes as a module: refused with a sentence, or run on two patients to an answer.

#![no_main]

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use caduceus_query::{
    Delta, Epsilon, SeededNoise,
    sandbox::{Cell, Declaration, InputColumn, InputTable, Limits, Module, Norm, Values, run},
};
use caduceus_records::Tables;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &[u8]| {
    let limits = Limits { fuel: 20_000, step_fuel: 20_000, memory_pages: 16, ..Limits::default() };
    let Ok(module) = Module::load_within(source, limits) else { return };
    let columns: [(&str, ArrayRef); 2] = [
        ("person", Arc::new(StringArray::from(vec!["a", "b"]))),
        ("x", Arc::new(Float64Array::from(vec![1.0, 2.0]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let declaration = Declaration {
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
    };
    let tables = Tables(BTreeMap::from([("t".to_owned(), batch)]));
    let answer = run(&module, &tables, &declaration, &mut SeededNoise::new(1)).expect("an answer");
    assert!(answer.values.iter().all(|number| number.abs() < 2.001));
});
