//! A durable charge of the privacy budget, with a thousand researchers in the file.
//!
//! The bound is 1 ms at the median, the write on the disk included.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use std::{process::ExitCode, time::Instant};

use caduceus_query::{
    Allowance, BudgetLedger, Charge, DatasetKey, Delta, Epsilon, EpsilonTotal, Limits, Loss,
    QuestionKey, ResearcherKey,
};

const RESEARCHERS: u64 = 1_000;
const CHARGES: u64 = 3_000;
const BOUND: f64 = 1.0;

fn main() -> ExitCode {
    let folder = tempfile::tempdir().unwrap();
    let ledger = BudgetLedger::open(&folder.path().join("budget")).unwrap();
    let dataset = DatasetKey([1; 32]);
    let all = Allowance {
        epsilon: EpsilonTotal::from_milli(1 << 40),
        delta: Delta::from_number(1e-6).unwrap(),
    };
    ledger.set_limits(dataset, Limits { dataset: all, researcher: all }).unwrap();
    let loss = Loss::pure(Epsilon::from_milli(1), Delta::ZERO);
    let charge = |index: u64| {
        let (mut researcher, mut question) = ([0; 20], [0; 32]);
        researcher[..8].copy_from_slice(&(index % RESEARCHERS).to_be_bytes());
        question[..8].copy_from_slice(&index.to_be_bytes());
        let start = Instant::now();
        let charge =
            ledger.charge(dataset, ResearcherKey(researcher), QuestionKey(question), loss).unwrap();
        assert!(matches!(charge, Charge::Fresh(_)));
        start.elapsed().as_secs_f64() * 1000.0
    };
    // The first charge of each researcher makes their line in the file; the ones after it are measured.
    let mut times: Vec<f64> = (0..RESEARCHERS + CHARGES).map(charge).collect();
    times.drain(..RESEARCHERS as usize);
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    println!(
        "durable charge: median {median:.3} ms with {RESEARCHERS} researchers (bound {BOUND})"
    );
    ExitCode::from(u8::from(median > BOUND))
}
