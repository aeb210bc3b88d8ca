//! `caduceus synthesize`: a table of nobody, with differential privacy.

use std::path::PathBuf;

use caduceus_node::tables::synthesis::{self, SynthesisJob};
use caduceus_node::{Reporter, Result};
use clap::Args;

use crate::output::Outcome;

/// How to call it, for its help.
pub const EXAMPLE: &str = r#"Example: caduceus synthesize --input patients.csv --policy policy.toml --epsilon 1 --delta 1e-6 --out synthetic.csv

The policy says what values each column can have. It is published with the result, so take it from knowledge of the
subject and never from the table:

  [synthesis.columns]
  sex        = { values = ["female", "male"] }     # spelled as in the table
  age        = { lower = 0, upper = 99, width = 5 }
  birth_date = { lower = 1920, upper = 2029, width = 10 }    # a date counts by its year
  diagnosis  = { hierarchy = "diagnosis.csv" }     # the first value of each line

docs/custodian.md explains every key."#;

#[derive(Debug, Args)]
pub struct Synthesize {
    /// The table, CSV or Parquet, with one row for each person
    #[arg(long, value_name = "TABLE")]
    pub input: PathBuf,
    /// The policy with the section [synthesis.columns]
    #[arg(long, value_name = "POLICY.toml")]
    pub policy: PathBuf,
    /// How much may be learnt about anybody; 1 is a usual choice
    #[arg(long, value_name = "E")]
    pub epsilon: f64,
    /// The chance that this does not hold; at most one in the number of people
    #[arg(long, value_name = "D", default_value_t = 1e-6)]
    pub delta: f64,
    /// Where the synthetic table goes; Parquet if the name ends in .parquet, else CSV
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Makes a synthetic table.
pub fn run(arguments: &Synthesize, reporter: &Reporter) -> Result<Outcome> {
    let job = SynthesisJob {
        input: arguments.input.clone(),
        policy: arguments.policy.clone(),
        budget: synthesis::Budget { epsilon: arguments.epsilon, delta: arguments.delta },
        output: arguments.out.clone(),
    };
    let done = synthesis::make(&job, reporter)?;
    let mut lines = vec![
        format!(
            "{} synthetic rows of {} rows, epsilon {} and delta {} (rho {:.5} of zCDP)",
            done.synthetic_rows, done.rows, arguments.epsilon, arguments.delta, done.spent.rho
        ),
        format!(
            "pairs of columns are {:.3} from the source on average, {:.3} at most (0 is equal, 1 is apart; {:.3} if columns were independent)",
            done.utility.pairs_mean,
            done.utility.pairs_worst,
            done.utility.pairs_mean_if_independent
        ),
        format!(
            "an attacker who asked of {} people whether they are in it was right for {:.1} % of pairs (50 % is guessing; {:.1} % on the source)",
            done.attack.targets,
            done.attack.auc * 100.0,
            done.attack.auc_on_source * 100.0
        ),
    ];
    lines.extend(done.utility.outside.iter().map(|(column, outside)| {
        format!(
            "  {column:24} {} of {} values ({:.1} %) are not among those that the policy names: none of them is in the table",
            outside.rows,
            outside.values,
            outside.share * 100.0
        )
    }));
    lines
        .push("all but the first line is counted from the source: keep it in the house".to_owned());
    lines.extend(done.output.iter().map(|path| format!("written to {path}")));
    Ok(Outcome::new(&done, lines.join("\n")))
}
