//! `caduceus algorithm`: algorithms of the asker's own, for the vaults of a home and over a folder of tables.

use std::path::PathBuf;

use caduceus_node::asked::{self, Asked};
use caduceus_node::folder::{AskedAlgorithm, Folder, check_module, read_module, read_parameters};
use caduceus_node::party::{self, Role};
use caduceus_node::{Delta, Epsilon, Node, Norm, Result, Selection, Values};
use clap::{Args, Subcommand, ValueEnum};

use crate::output::{Outcome, reporter};
use crate::query;

/// Untrusted algorithms: WebAssembly that sees one patient at a time.
#[derive(Debug, Subcommand)]
pub enum Algorithm {
    /// Put a module to the vaults of your licence, and print the protected sums that come back
    #[command(
        after_help = "Example: caduceus algorithm ask --dir state --researcher sakura-institute --module algorithms/count.wat --table observation:value --length 2 --norm l1 --clip 100 --epsilon 1\n\nIt takes a use of the licence and a fee for each dataset, as a question in SQL does. docs/algorithms.md describes records and results."
    )]
    Ask(Ask),
    #[command(flatten)]
    Local(Local),
}

/// Without a home or a ledger.
#[derive(Debug, Subcommand)]
pub enum Local {
    /// Run a module over every patient of a folder of tables, and print the protected sum of what it returns
    #[command(after_help = RUN_HELP)]
    Run(Run),
    /// Say whether a module would be admitted, what is in it, and how its records would look
    #[command(
        after_help = "Example: caduceus algorithm check --module algorithms/logistic.wat --schema schema.toml --table patient:age,bmi,ill\n\nA refused module ends with code 2."
    )]
    Check(Check),
}

const RUN_HELP: &str = "Example: caduceus algorithm run --tables tables --schema schema.toml --module algorithms/logistic.wat --table patient:age,bmi,ill --length 4 --norm l2 --clip 2 --parameters \"[4, 50, 30, 27, 12, 0, 0, 0]\" --rounds 25 --epsilon 2 --delta 1e-7

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
    #[command(flatten)]
    what: What,
    /// Whose budget is charged
    #[arg(long, default_value = "local", value_name = "NAME")]
    researcher: String,
    /// Noise that is the same each time: for tests, NOT private
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

#[derive(Debug, Args)]
pub struct Ask {
    /// The researcher
    #[arg(long, value_name = "NAME")]
    researcher: String,
    #[command(flatten)]
    what: What,
    #[command(flatten)]
    approval: query::Approval,
    #[command(flatten)]
    patience: query::Patience,
}

/// A module and what it declares.
#[derive(Debug, Args)]
struct What {
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
    epsilon: Epsilon,
    /// With what probability the guarantee may fail; norm l2 needs one, such as 1e-6
    #[arg(long, default_value = "0", value_name = "D")]
    delta: Delta,
    /// Instructions for each patient in a round, in place of 1,000,000; the schema says how many all rounds may have
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    fuel: Option<u64>,
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

/// Runs or checks, over a folder of tables.
pub fn local(local: &Local, json: bool) -> Result<Outcome> {
    match local {
        Local::Run(run) => {
            let asked = AskedAlgorithm {
                algorithm: run.what.algorithm()?,
                researcher: run.researcher.clone(),
                seed: run.seed,
            };
            let report = Folder::open(&run.tables, &run.schema)?
                .run_algorithm(&asked, &reporter(false, json))?;
            Ok(Outcome::new(&report, report.text.clone()))
        }
        Local::Check(check) => {
            let tables = selections(&check.table);
            let report = check_module(&check.module, check.schema.as_deref(), &tables)?;
            Ok(Outcome::new(&report, report.text.clone()))
        }
    }
}

/// Puts an algorithm to the vaults of a home.
pub async fn ask(node: &Node, ask: &Ask) -> Result<Outcome> {
    let party = party::find(node, Role::Researcher, &ask.researcher)?;
    let asked = Asked::Algorithm(ask.what.algorithm()?);
    query::put(node, &party, &asked, &ask.approval, &ask.patience).await
}

impl What {
    fn algorithm(&self) -> Result<asked::Algorithm> {
        Ok(asked::Algorithm {
            module: read_module(&self.module)?,
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
            epsilon: self.epsilon,
            delta: self.delta,
        })
    }
}

fn selections(given: &[String]) -> Vec<Selection> {
    given.iter().map(|text| Selection::read(text)).collect()
}
