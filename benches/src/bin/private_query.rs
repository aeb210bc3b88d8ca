//! A private question beside the same aggregate in plain DataFusion, over the same tables in memory: 10,000,000 rows of 1,000,000
//! patients, clustered by patient as a vault stores them. `ROWS=1000000` makes it smaller, and the name of a question runs that one only.
//!
//! The bound is 2 for every question.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use caduceus_benches::{in_turns, milliseconds, processors, ratio, verdict};
use caduceus_query::{
    Allowance, Epsilon, EpsilonTotal, OpenDpNoise, PatientTables, PublicColumn, PublicDomain,
    PublicSchema, PublicTable, Question,
};
use caduceus_records::Tables;
use datafusion::{datasource::MemTable, prelude::SessionContext};

const CODES: [&str; 5] = ["8480-6", "8462-4", "29463-7", "8302-2", "other"];
const RUNS: usize = 7;
const BOUND: f64 = 2.0;

const QUESTIONS: [(&str, &str); 6] = [
    ("count and sum", "SELECT COUNT(*), SUM(value) FROM observation"),
    ("average by code", "SELECT code, COUNT(*), AVG(value) FROM observation GROUP BY code"),
    (
        "filtered average",
        "SELECT AVG(value) FROM observation WHERE code = '8480-6' AND year > 2000",
    ),
    ("patients by code", "SELECT code, COUNT(DISTINCT patient) FROM observation GROUP BY code"),
    ("deviation by year", "SELECT year, STDDEV(value) FROM observation GROUP BY year"),
    ("median", "SELECT MEDIAN(value) FROM observation"),
];

fn main() -> ExitCode {
    let rows = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(10_000_000);
    let batch = observations(rows);
    let patients = rows / 10;
    println!("{rows} rows of {patients} patients, best of {RUNS} runs in turns");
    let tables = Tables(BTreeMap::from([("observation".to_owned(), batch.clone())]));
    let start = Instant::now();
    let tables = PatientTables::new(&tables, &schema()).unwrap();
    println!(
        "found in the order of their patients in {:.1} ms, once for all questions",
        milliseconds(start.elapsed())
    );
    let context = plain(&batch);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut worst = 0.0_f64;
    let only = std::env::args().nth(1);
    for (name, sql) in QUESTIONS {
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let plan = caduceus_query::plan(&Question::new(sql, Epsilon::from_milli(1000)), &schema());
        let plan = plan.unwrap();
        let (mut busy, mut start) = ([Duration::ZERO; 2], processors());
        let mut spent = |who: usize| {
            let now = processors();
            busy[who] += now.zip(start).map_or(Duration::ZERO, |(now, start)| now - start);
            start = now;
        };
        let spent = std::cell::RefCell::new(&mut spent);
        let [ours, theirs] = in_turns(
            RUNS,
            [
                &mut || {
                    caduceus_query::run(&plan, &tables, &mut OpenDpNoise).unwrap();
                    spent.borrow_mut()(0);
                },
                &mut || {
                    runtime.block_on(async { context.sql(sql).await?.collect().await }).unwrap();
                    spent.borrow_mut()(1);
                },
            ],
        );
        let times = ratio(ours, theirs);
        println!(
            "{name:<20} private {:>8.1} ms, plain {:>8.1} ms, ratio {times:.2}; of all processors' time {:.2}",
            milliseconds(ours),
            milliseconds(theirs),
            ratio(busy[0], busy[1])
        );
        worst = worst.max(times);
    }
    println!("largest ratio {worst:.2} (bound {BOUND})");
    verdict(worst <= BOUND)
}

fn observations(rows: usize) -> RecordBatch {
    // A small generator: what the values are does not matter, that they differ does.
    let mut state = 1_u64;
    let mut next = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let patient: StringArray = (0..rows).map(|row| Some(format!("p{:08}", row / 10))).collect();
    let code: StringArray = (0..rows).map(|_| Some(CODES[(next() % 5) as usize])).collect();
    let value: Float64Array = (0..rows).map(|_| Some((next() % 3000) as f64 / 10.0)).collect();
    let year: Int64Array = (0..rows).map(|_| Some(1990 + (next() % 35) as i64)).collect();
    let columns: [(&str, ArrayRef); 4] = [
        ("patient", Arc::new(patient)),
        ("code", Arc::new(code)),
        ("value", Arc::new(value)),
        ("year", Arc::new(year)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
        .unwrap()
}

fn schema() -> PublicSchema {
    let column = |name: &str, domain| PublicColumn {
        name: name.into(),
        domain,
        nullable: false,
        allowed: true,
    };
    let codes = CODES.map(str::to_owned).to_vec();
    let none = Allowance::pure(EpsilonTotal::default());
    PublicSchema {
        tables: vec![PublicTable {
            name: "observation".into(),
            file: None,
            person: "patient".into(),
            max_rows: Some(20),
            max_rows_per_group: None,
            max_groups: None,
            allowed: true,
            columns: vec![
                column("code", PublicDomain::Text(Some(codes))),
                column("value", PublicDomain::Decimal(Some((0.0, 300.0)))),
                column("year", PublicDomain::Integer(Some((1990, 2025)))),
            ],
        }],
        mechanism: caduceus_query::Mechanism::Laplace,
        max_fuel: 0,
        dataset: none,
        researcher: none,
    }
}

/// Plain DataFusion over the same rows, in as many partitions as there are processors and batches of its own size.
fn plain(batch: &RecordBatch) -> SessionContext {
    let context = SessionContext::new();
    let (parts, size) = (std::thread::available_parallelism().map_or(1, usize::from), 8192);
    let mut partitions = vec![Vec::new(); parts];
    for (index, start) in (0..batch.num_rows()).step_by(size).enumerate() {
        partitions[index % parts].push(batch.slice(start, size.min(batch.num_rows() - start)));
    }
    let table = MemTable::try_new(batch.schema(), partitions).unwrap();
    context.register_table("observation", Arc::new(table)).unwrap();
    context
}
