//! Patients a second through the sandbox, beside the same arithmetic as a plain loop over the same records.
//!
//! The bound is 100,000 patients for each second that a processor was at work, for the small module; `PATIENTS=100000` makes it smaller. Each patient gets an instance of its own in both the
//! small module (a sum over ten rows) and the examples; the direct loop has nothing to protect anybody from, so the ratio is the price of
//! that.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use std::{
    collections::BTreeMap, hint::black_box, path::Path, process::ExitCode, sync::Arc, time::Instant,
};

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use caduceus_benches::{in_turns_on_one_core, processors, verdict};
use caduceus_query::{
    Delta, Epsilon, OpenDpNoise,
    sandbox::{Cell, Declaration, InputColumn, InputTable, Module, Norm, Values, run},
};
use caduceus_records::Tables;

const ROWS: usize = 10;
const RUNS: usize = 5;
const BOUND: f64 = 100_000.0;

/// Adds up 1 and x over the rows of a patient.
const SMALL: &str = r#"(module (memory (export "memory") 1)
  (func (export "input") (param i32) (result i32) (i32.const 1024))
  (func (export "run") (param $r i32) (param $n i32) (result i64)
    (local $rows i32) (local $at i32) (local $sum f64)
    (local.set $rows (i32.load offset=16 (local.get $r)))
    (local.set $at (i32.add (local.get $r) (i32.const 32)))
    (f64.store (i32.const 0) (f64.convert_i32_u (local.get $rows)))
    (block $end (loop $each
      (br_if $end (i32.eqz (local.get $rows)))
      (local.set $sum (f64.add (local.get $sum) (f64.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br $each)))
    (f64.store (i32.const 8) (local.get $sum))
    (i64.const 0x2_0000_0000)))"#;

fn main() -> ExitCode {
    let mut small = None;
    let patients =
        std::env::var("PATIENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let tables = tables(patients);
    println!(
        "{patients} patients of {ROWS} rows, median of {RUNS} runs, records made anew each time"
    );
    let [direct] = in_turns_on_one_core(
        RUNS,
        [&mut || {
            black_box(direct(&tables, 100.0));
        }],
    );
    let direct = direct.as_secs_f64();
    println!("direct loop on one processor: {:.0} patients a second", patients as f64 / direct);
    let seventeen = SMALL.replace("\"memory\") 1", "\"memory\") 17");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../algorithms");
    let survival = std::fs::read_to_string(examples.join("survival.wat")).unwrap();
    for (name, text, length, parameters) in [
        ("small module", SMALL.to_owned(), 2, vec![]),
        ("the same with 17 pages of memory", seventeen, 2, vec![]),
        ("survival.wat", survival, 40, vec![1.0; 21]),
    ] {
        let module = Module::load(text.as_bytes()).unwrap();
        let declaration = declaration(length, parameters);
        let time = median(|| {
            black_box(run(&module, &tables, &declaration, &mut OpenDpNoise).unwrap());
        });
        let each = patients as f64 / time;
        small.get_or_insert(each);
        println!(
            "{name}: {each:.0} patients a second of a processor, {:.1} times the direct loop",
            time / direct
        );
    }
    let start = Instant::now();
    for _ in 0..20 {
        black_box(Module::load(SMALL.as_bytes()).unwrap());
    }
    println!("loading the small module: {:.2} ms", start.elapsed().as_secs_f64() * 1000.0 / 20.0);
    verdict(small.is_some_and(|each| each >= BOUND))
}

fn declaration(length: usize, parameters: Vec<f64>) -> Declaration {
    let columns =
        ["x", "y"].map(|name| InputColumn { name: name.into(), cell: Cell::Decimal(None) });
    let columns = if parameters.is_empty() { columns[..1].to_vec() } else { columns.to_vec() };
    Declaration {
        inputs: vec![InputTable {
            name: "t".into(),
            person: "person".into(),
            max_rows: 100,
            columns,
        }],
        length,
        values: if parameters.is_empty() { Values::F64 } else { Values::I64 },
        norm: Norm::L1,
        clip: 100.0,
        parameters,
        rounds: 1,
        epsilon: Epsilon::from_milli(1_000),
        delta: Delta::ZERO,
    }
}

fn tables(patients: usize) -> Tables {
    let rows = patients * ROWS;
    let people = Int64Array::from_iter_values((0..rows).map(|row| (row / ROWS) as i64));
    let x =
        Float64Array::from_iter_values((0..rows).map(|row| (row * 7_919 % 1_000) as f64 / 100.0));
    let y = Float64Array::from_iter_values((0..rows).map(|row| (row % 2) as f64));
    let columns: [(&str, ArrayRef); 3] =
        [("person", Arc::new(people)), ("x", Arc::new(x)), ("y", Arc::new(y))];
    Tables(BTreeMap::from([("t".to_owned(), RecordBatch::try_from_iter(columns).unwrap())]))
}

/// What the small module and the host around it compute.
fn direct(tables: &Tables, clip: f64) -> [f64; 2] {
    let batch = tables.get("t").unwrap();
    let people = batch.column(0).as_primitive::<Int64Type>().values();
    let x = batch.column(1).as_primitive::<Float64Type>().values();
    let (mut sums, mut row) = ([0.0, 0.0], 0);
    while row < people.len() {
        let start = row;
        let mut sum = 0.0;
        while row < people.len() && people[row] == people[start] {
            sum += x[row];
            row += 1;
        }
        let count = (row - start) as f64;
        let scale = (clip / (count + f64::abs(sum))).min(1.0);
        sums = [sums[0] + count * scale, sums[1] + sum * scale];
    }
    sums
}

/// The median time that all processors together gave to it, in seconds; by the clock where the system does not tell.
fn median(mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = (Instant::now(), processors());
            work();
            let wall = start.0.elapsed();
            processors().zip(start.1).map_or(wall, |(end, start)| end - start).as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[RUNS / 2]
}
