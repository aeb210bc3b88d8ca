//! `caduceus algorithm`: algorithms of the asker's own over a folder of tables.

use std::path::PathBuf;

use caduceus_node::folder::{AskedAlgorithm, Folder, check_module, read_parameters};
use caduceus_node::{NodeError, Norm, Result, Values};
use clap::{Args, Subcommand, ValueEnum};

use crate::output::{Outcome, reporter};

/// Untrusted algorithms: WebAssembly that sees one patient at a time.
#[derive(Debug, Subcommand)]
pub enum Algorithm {
    /// Run a module over every patient of a folder of tables, and print the protected sum of what it returns
    #[command(after_help = RUN_HELP)]
    Run(Run),
    /// Say whether a module would be admitted, what is in it, and how its records would look
    #[command(
        after_help = "Example: caduceus algorithm check --module algorithms/logistic.wat --schema schema.toml --table patient:age,bmi,ill\n\nA refused module ends with code 2."
    )]
    Check(Check),
}

const RUN_HELP: &str = "Example: caduceus algorithm run --tables tables --schema schema.toml --module algorithms/logistic.wat --table patient:age,bmi,ill --length 4 --norm l2 --clip 2 --parameters \"[4, 50, 30, 27, 12, 0, 0, 0]\" --rounds 25 --epsilon 2 --delta 1e-6

The module exports `memory`, `input` (i32) -> i32, `run` (i32, i32) -> i64, and for more than one round
`step` (i32, i32) -> i64. It imports nothing. docs/algorithms.md describes records and results byte for byte.
The schema is that of `caduceus query run`, and so is the budget, which is kept in tables/budget.redb.
A refused module or declaration ends with code 2.";

#[derive(Debug, Args)]
pub struct Run {
    /// Folder with one Parquet or CSV file for each table
    #[arg(long, value_name = "DIR")]
    tables: PathBuf,
    /// What is published about the tables (TOML)
    #[arg(long, value_name = "FILE")]
    schema: PathBuf,
    /// The module, as WebAssembly text or binary
    #[arg(long, value_name = "FILE")]
    module: PathBuf,
    /// A table of the record, with its columns in order; all that the schema allows where none is named
    #[arg(long, value_name = "TABLE[:COLUMN,COLUMN]")]
    table: Vec<String>,
    /// Numbers in each patient's vector
    #[arg(long, value_name = "N")]
    length: usize,
    /// What the numbers are
    #[arg(long, value_enum, default_value = "f64")]
    values: ValuesName,
    /// How a vector is measured: l1 adds Laplace noise, l2 Gaussian noise, which needs --delta
    #[arg(long, value_enum)]
    norm: NormName,
    /// The most that a vector may measure; longer ones are shortened
    #[arg(long, value_name = "C")]
    clip: f64,
    /// Numbers that the module gets with each record: a JSON list, or a file that holds one
    #[arg(long, value_name = "JSON|FILE")]
    parameters: Option<String>,
    /// Visits of all patients; between two, the module's `step` makes new parameters from the released sums
    #[arg(long, default_value_t = 1, value_name = "R")]
    rounds: u32,
    /// What the privacy budget is charged for all rounds together, such as 1 or 0.5
    #[arg(long, value_name = "E")]
    epsilon: String,
    /// With what probability the guarantee may fail; norm l2 needs one, such as 1e-6
    #[arg(long, default_value = "0", value_name = "D")]
    delta: String,
    /// Instructions for each patient, in place of 1,000,000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    fuel: Option<u64>,
    /// Whose budget is charged
    #[arg(long, default_value = "local", value_name = "NAME")]
    researcher: String,
    /// Noise that is the same each time: for tests, NOT private
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

#[derive(Debug, Args)]
pub struct Check {
    /// The module, as WebAssembly text or binary
    #[arg(long, value_name = "FILE")]
    module: PathBuf,
    /// Show the record too: what is published about the tables (TOML)
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// A table of the record, with its columns in order; all that the schema allows where none is named
    #[arg(long, value_name = "TABLE[:COLUMN,COLUMN]", requires = "schema")]
    table: Vec<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum NormName {
    L1,
    L2,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ValuesName {
    F64,
    I64,
}

/// Runs or checks.
pub fn run(algorithm: &Algorithm, json: bool) -> Result<Outcome> {
    match algorithm {
        Algorithm::Run(run) => run.report(json),
        Algorithm::Check(check) => {
            let tables = selections(&check.table);
            let report = check_module(&check.module, check.schema.as_deref(), &tables)?;
            Ok(Outcome::new(&report, report.text.clone()))
        }
    }
}

impl Run {
    fn report(&self, json: bool) -> Result<Outcome> {
        let reporter = reporter(false, json);
        let watch = |progress: caduceus_node::Progress| {
            let what = format!("round {} of {}, percent", progress.round + 1, progress.rounds);
            reporter.progress(&what, u64::from(progress.percent), Some(100));
        };
        let report =
            Folder::open(&self.tables, &self.schema)?.run_algorithm(&self.asked()?, &watch)?;
        Ok(Outcome::new(&report, report.text.clone()))
    }

    fn asked(&self) -> Result<AskedAlgorithm> {
        let usage = |error: &dyn std::error::Error| NodeError::Usage(error.to_string());
        Ok(AskedAlgorithm {
            module: self.module.clone(),
            tables: selections(&self.table),
            length: self.length,
            values: match self.values {
                ValuesName::F64 => Values::F64,
                ValuesName::I64 => Values::I64,
            },
            norm: match self.norm {
                NormName::L1 => Norm::L1,
                NormName::L2 => Norm::L2,
            },
            clip: self.clip,
            parameters: self.parameters.as_deref().map_or(Ok(Vec::new()), read_parameters)?,
            rounds: self.rounds,
            fuel: self.fuel,
            epsilon: self
                .epsilon
                .parse()
                .map_err(|error: caduceus_node::ParseEpsilonError| usage(&error))?,
            delta: self
                .delta
                .parse()
                .map_err(|error: caduceus_node::ParseDeltaError| usage(&error))?,
            researcher: self.researcher.clone(),
            seed: self.seed,
        })
    }
}

fn selections(given: &[String]) -> Vec<caduceus_node::Selection> {
    given.iter().map(|text| caduceus_node::Selection::read(text)).collect()
}
