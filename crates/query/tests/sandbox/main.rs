//! Untrusted algorithms over the public interface: what hostile modules can do, what honest ones find, and what the loader takes.

#![allow(clippy::unwrap_used, reason = "tests")]

mod examples;
mod hostile;
mod loader;
mod privacy;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use caduceus_query::{
    Delta, Epsilon, SeededNoise,
    sandbox::{
        AlgorithmAnswer, Cell, Declaration, InputColumn, InputTable, Limits, Module, Norm,
        SandboxError, Values, run,
    },
};
use caduceus_records::Tables;

/// So large that the noise is far below what tests look at.
const SILENT: Epsilon = Epsilon::from_milli(4_000_000_000);

/// Fuel of tests: enough for every honest module here.
fn limits() -> Limits {
    Limits { fuel: 200_000, ..Limits::default() }
}

/// A table `t` with one row for each patient, of decimals.
fn table(columns: &[(&str, Vec<f64>)]) -> Tables {
    let rows = columns[0].1.len();
    let people: Vec<String> = (0..rows).map(|row| format!("person-{row:06}")).collect();
    let mut arrays: Vec<(&str, ArrayRef)> = vec![("person", Arc::new(StringArray::from(people)))];
    for (name, values) in columns {
        arrays.push((name, Arc::new(Float64Array::from(values.clone()))));
    }
    Tables(BTreeMap::from([("t".to_owned(), RecordBatch::try_from_iter(arrays).unwrap())]))
}

/// Table `t` as decimals.
fn decimals(columns: &[&str]) -> Vec<InputTable> {
    let columns = columns
        .iter()
        .map(|name| InputColumn { name: (*name).to_owned(), cell: Cell::Decimal(None) });
    vec![InputTable {
        name: "t".into(),
        person: "person".into(),
        max_rows: 8,
        columns: columns.collect(),
    }]
}

/// One round over column `x` without noise worth the name.
fn declaration(length: usize, clip: f64) -> Declaration {
    Declaration {
        inputs: decimals(&["x"]),
        length,
        values: Values::F64,
        norm: Norm::L1,
        clip,
        parameters: Vec::new(),
        rounds: 1,
        epsilon: SILENT,
        delta: Delta::ZERO,
    }
}

fn ask(
    module: &Module,
    tables: &Tables,
    declaration: &Declaration,
) -> Result<AlgorithmAnswer, SandboxError> {
    run(module, tables, declaration, &mut SeededNoise::new(7))
}

/// An example of the folder `algorithms`.
fn example(name: &str) -> Module {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../algorithms").join(name);
    Module::load(&std::fs::read(path).unwrap()).unwrap()
}
