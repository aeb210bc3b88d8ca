//! `caduceus deidentify`: FHIR in, FHIR without the identifiers of Safe Harbor out.

use std::path::PathBuf;

use caduceus_node::deidentify::{self, FhirJob};
use caduceus_node::{Reporter, Result};
use clap::Args;

use crate::output::Outcome;

/// How to call it, for its help.
pub const EXAMPLE: &str = "Example: caduceus deidentify --input export/ --out safe/ --key key.hex";

#[derive(Debug, Args)]
pub struct Deidentify {
    /// Files or folders of FHIR R4, NDJSON or bundles, plain or packed by gzip or Zstandard
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    pub input: Vec<PathBuf>,
    /// New or empty folder for the resources without identifiers, one NDJSON file for each type
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// File with the key of pseudonyms, 64 hex digits; without it a new one that nobody keeps
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Move each person's dates by up to so many days in place of reducing them to the year; less than Safe Harbor
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub shift_dates: Option<u32>,
    /// File with the three-digit areas of the United States that are shown as 000, in place of those built in
    #[arg(long, value_name = "FILE")]
    pub sparse_zip3: Option<PathBuf>,
    /// The day at which ages are counted, YYYY-MM-DD; today by default
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
}

/// Takes the identifiers out of resources.
pub fn run(arguments: &Deidentify, reporter: &Reporter) -> Result<Outcome> {
    let job = FhirJob {
        input: arguments.input.clone(),
        output: arguments.out.clone(),
        key: arguments.key.clone(),
        date: crate::protect::day(arguments.date.as_deref())?,
        sparse_zip3: arguments.sparse_zip3.clone(),
        dates: arguments.shift_dates.map_or(deidentify::Dates::Year, deidentify::Dates::Shift),
    };
    let done = deidentify::run(&job, reporter)?;
    let mut lines = vec![format!(
        "{} of {} resources written to {}, {} places set aside",
        done.written.values().sum::<u64>(),
        done.read,
        done.output,
        done.set_aside.len()
    )];
    const NAMED: usize = 10;
    for place in done.set_aside.iter().take(NAMED) {
        lines.push(format!("  set aside: {}, line {}", place.file, place.line));
    }
    if done.set_aside.len() > NAMED {
        lines.push(format!("  and {} more, which --json names", done.set_aside.len() - NAMED));
    }
    lines.extend(done.ignored_files.iter().map(|path| format!("  passed over: {path}")));
    for (path, kinds) in &done.removed {
        let kinds: Vec<String> =
            kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        lines.push(format!("  {path:48} {}", kinds.join(", ")));
    }
    Ok(Outcome::new(&done, lines.join("\n")))
}
