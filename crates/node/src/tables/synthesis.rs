//! A synthetic table of one table: files in, a table of nobody and an account out.

use std::path::PathBuf;

use caduceus_protect::release::Files;
pub use caduceus_protect::synthesis::Budget;
use caduceus_protect::synthesis::{
    Attack, Coded, Spent, SynthesisError, SynthesisPolicy, Utility, attack, synthesize, utility,
};
use caduceus_protect::table::Format;
use caduceus_protect::table_policy::TablePolicyError;
use serde::Serialize;

use super::{
    TableJobError, format_of, is_parquet, keep_apart, policy_text, read_files, table, write,
};
use crate::error::{NodeError, Result};
use crate::report::Reporter;

/// What to synthesize and where to put it.
#[derive(Clone, Debug)]
pub struct SynthesisJob {
    /// CSV or Parquet.
    pub input: PathBuf,
    /// The policy with a section `[synthesis.columns]`.
    pub policy: PathBuf,
    /// How much may be learnt about anybody.
    pub budget: Budget,
    /// Where the table goes: Parquet if the name ends so, else CSV; none: nowhere.
    pub output: Option<PathBuf>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct SynthesisResult {
    /// Rows of the source.
    pub rows: u64,
    /// Rows of the synthetic table.
    pub synthetic_rows: u64,
    /// What was spent.
    #[serde(flatten)]
    pub spent: Spent,
    /// How near it is to the source. For the custodian: it is counted from the source without noise.
    pub utility: Utility,
    /// An attack that was run. For the custodian, as well.
    pub attack: Attack,
    /// Where the table was written.
    pub output: Option<String>,
}

/// Makes a synthetic table.
///
/// # Errors
/// [`NodeError::File`] where a file cannot be read or written, [`NodeError::Table`] for everything that is wrong in one.
pub fn make(job: &SynthesisJob, reporter: &Reporter) -> Result<SynthesisResult> {
    let wrong =
        |source: SynthesisError| TableJobError::Synthesis { path: job.policy.clone(), source };
    let mistake = |error: TablePolicyError| wrong(error.into());
    if let Some(output) = &job.output {
        keep_apart(output, [&job.input, &job.policy])?;
    }
    let text = policy_text(&job.policy)?;
    let named = SynthesisPolicy::files(&text).map_err(mistake)?;
    let files: Files = read_files(&job.policy, named).map_err(mistake)?;
    let policy = SynthesisPolicy::parse(&text, &files).map_err(mistake)?;
    let progress = |what: &str, done: u64| reporter.progress(what, done, Some(4));
    progress("reading the table", 0);
    let (source, format) = table(&job.input)?;
    let mut coded = Coded::new(&source, &policy).map_err(wrong)?;
    if matches!(format, Format::Csv { .. }) && job.output.as_deref().is_some_and(is_parquet) {
        coded = coded.without_types();
    }
    progress("measuring and drawing", 1);
    let made = synthesize(&coded, job.budget, seed()?).map_err(wrong)?;
    if let Some(path) = &job.output {
        let bytes = made.table.write(format_of(path, format));
        write(path, &bytes.map_err(|source| TableJobError::Table { path: path.clone(), source })?)?;
    }
    progress("comparing", 2);
    let near = utility(&coded, &made);
    progress("attacking", 3);
    let attack = attack(&coded, job.budget, seed()?).map_err(wrong)?;
    progress("done", 4);
    Ok(SynthesisResult {
        rows: source.rows() as u64,
        synthetic_rows: made.table.rows() as u64,
        spent: made.spent,
        utility: near,
        attack,
        output: job.output.as_ref().map(|path| path.display().to_string()),
    })
}

fn seed() -> Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| NodeError::Chain(format!("there is no randomness: {error}")))?;
    Ok(seed)
}
