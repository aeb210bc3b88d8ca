//! The optimal generalization of the Adult census data, beside a plain search for the same optimum in the same run.
//!
//! `cargo run --release -p caduceus-benches --bin adult [FOLDER [adult|million|fifteen]]`. Reading is not counted; one core does the work.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a measurement prints and may stop")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use caduceus_benches::{in_turns_on_one_core, milliseconds, verdict};
use caduceus_protect::generalization::HierarchyFile;
use caduceus_protect::lattice::{Attribute, Level, Objective, Optimum, Problem, search};
use caduceus_protect::table::Table;
use rand::{Rng, SeedableRng};

const RUNS: usize = 15;
/// The share of ARX's time that ours may take.
const SHARE: f64 = 0.2;
/// Milliseconds for a million rows.
const MILLION: f64 = 5_000.0;
/// What ARX takes for each case on a machine like this one, in milliseconds, after its virtual machine warmed up.
const ARX: [(&str, f64, f64); 3] =
    [("no suppression", 0.0, 25.0), ("at most 2 %", 0.02, 610.0), ("any number", 1.0, 2_650.0)];

fn main() -> ExitCode {
    let named = std::env::args().nth(1).map(PathBuf::from);
    let folder = named
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/deid"));
    let only = std::env::args().nth(2);
    let asked = |part: &str| only.as_deref().is_none_or(|only| only == part);
    let mut good = true;
    if asked("adult") {
        match adult(&folder) {
            Some(problem) => good &= measure_adult(&problem),
            None => println!("skipped: {} is not there", folder.display()),
        }
    }
    if asked("million") {
        good &= million();
    }
    if asked("fifteen") {
        fifteen();
    }
    verdict(good)
}

fn adult(folder: &Path) -> Option<Problem> {
    let (table, _) = Table::read(&std::fs::read(folder.join("adult.csv")).ok()?).ok()?;
    let mut full = Vec::new();
    let attributes = table.columns.iter().map(|column| {
        let path = folder.join(format!("adult_hierarchy_{}.csv", column.name));
        let over = HierarchyFile::read(&std::fs::read(path).ok()?).ok()?.over(column).ok()?;
        full.push(over.full_cost());
        Some(over.attribute(column))
    });
    let attributes = attributes.collect::<Option<Vec<Attribute>>>()?;
    Some(problem(table.rows(), attributes, full, 5))
}

fn problem(rows: usize, attributes: Vec<Attribute>, full: Vec<u64>, k: u32) -> Problem {
    Problem {
        rows,
        attributes,
        full,
        k,
        sensitive: Vec::new(),
        presence: None,
        suppressible: 0,
        objective: Objective::Loss,
        patience: None,
    }
}

/// Whether every case takes at most its share of ARX's time.
fn measure_adult(problem: &Problem) -> bool {
    let mut good = true;
    println!("Adult, {} rows, {} quasi-identifiers, k = 5", problem.rows, problem.attributes.len());
    for (what, share, arx) in ARX {
        let suppressible = (problem.rows as f64 * share) as u64;
        let problem = Problem { suppressible, ..problem.clone() };
        let (ours, optimum) = timed(RUNS, || search(&problem).expect("there is an optimum"));
        print!("  {what:15} {ours:8.2} ms = {:.3} of ARX's {arx} ms (bound {SHARE})", ours / arx);
        tell(&optimum);
        good &= ours / arx <= SHARE;
    }
    let (ours, optimum) = timed(RUNS, || search(problem).expect("there is an optimum"));
    let (plain, found) = timed(1, || plain_search(problem));
    assert_eq!(found, optimum.levels, "both searches find one optimum");
    println!("  plain search in the same run: {plain:.0} ms, {:.0} times ours", plain / ours);
    good
}

fn tell(optimum: &Optimum) {
    println!(
        "  levels {:?}, loss {:.5}, {} left out, {} of {} counted{}",
        optimum.levels,
        optimum.score,
        optimum.suppressed,
        optimum.counted,
        optimum.candidates,
        if optimum.proven { "" } else { ", not proven" }
    );
}

/// The least time of a processor in milliseconds, and the last result.
fn timed<T>(runs: usize, work: impl Fn() -> T) -> (f64, T) {
    let mut result = None;
    let [time] = in_turns_on_one_core(runs, [&mut || result = Some(work())]);
    (milliseconds(time), result.expect("at least one run"))
}

/// The same optimum the plain way: candidates in the order of their loss, classes of each counted from the rows.
fn plain_search(problem: &Problem) -> Vec<usize> {
    let rows = problem.rows as f64;
    let mut candidates = vec![(1.0, Vec::new())];
    for (attribute, full) in problem.attributes.iter().zip(&problem.full) {
        let share = |level: &Level| {
            let costs =
                attribute.leaves.iter().map(|l| level.cost[level.of_leaf[*l as usize] as usize]);
            1.0 + costs.sum::<u64>() as f64 / (rows * *full as f64)
        };
        let shares: Vec<f64> = attribute.levels.iter().map(share).collect();
        let longer = |(loss, levels): &(f64, Vec<usize>)| {
            let next = |(level, share): (usize, &f64)| {
                (loss * share, levels.iter().copied().chain([level]).collect())
            };
            shares.iter().enumerate().map(next).collect::<Vec<(f64, Vec<usize>)>>()
        };
        candidates = candidates.iter().flat_map(longer).collect();
    }
    candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
    let allowed = |levels: &[usize]| {
        let mut classes: HashMap<Vec<u32>, u32> = HashMap::new();
        for row in 0..problem.rows {
            let value = |(a, &l): (&Attribute, &usize)| a.levels[l].of_leaf[a.leaves[row] as usize];
            let key = problem.attributes.iter().zip(levels).map(value).collect();
            *classes.entry(key).or_default() += 1;
        }
        classes.into_values().all(|size| size >= problem.k)
    };
    let found = candidates.into_iter().find(|(_, levels)| allowed(levels));
    found.expect("hiding everything is allowed").1
}

/// Numbers whose values are halved level by level, the first ones more frequent.
fn generated(rows: usize, bits: &[u32], seed: u64) -> (Vec<Attribute>, Vec<u64>) {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let attributes = bits.iter().map(|&bits| {
        let leaves = 1_u32 << bits;
        let draw = |_| (random.random::<f64>().powi(2) * f64::from(leaves)) as u32;
        let level = |level: u32| Level {
            of_leaf: (0..leaves).map(|leaf| leaf >> level).collect(),
            cost: vec![(1 << level) - 1; 1 << (bits - level)],
        };
        Attribute { leaves: (0..rows).map(draw).collect(), levels: (0..=bits).map(level).collect() }
    });
    let attributes = attributes.collect();
    (attributes, bits.iter().map(|bits| (1 << bits) - 1).collect())
}

/// Whether a million rows are done in time.
fn million() -> bool {
    let mut good = true;
    let (attributes, full) = generated(1_000_000, &[7, 6, 5, 4, 3, 2, 1, 1], 1);
    for share in [0.0, 0.02, 1.0] {
        let suppressible = (1e6 * share) as u64;
        let problem =
            Problem { suppressible, ..problem(1_000_000, attributes.clone(), full.clone(), 5) };
        let (ours, optimum) = timed(1, || search(&problem).expect("there is an optimum"));
        print!("1,000,000 rows x 8, at most {share} left out: {ours:.0} ms (bound {MILLION})");
        tell(&optimum);
        good &= ours <= MILLION;
    }
    good
}

fn fifteen() {
    let (attributes, full) = generated(100_000, &[6, 5, 4, 4, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1], 2);
    for share in [0.0, 0.02] {
        let suppressible = (1e5 * share) as u64;
        let problem = Problem {
            suppressible,
            patience: Some(20_000),
            ..problem(100_000, attributes.clone(), full.clone(), 5)
        };
        let (ours, optimum) = timed(1, || search(&problem).expect("there is an optimum"));
        print!("100,000 rows x 15, at most {share} left out: {ours:.0} ms");
        tell(&optimum);
    }
}
