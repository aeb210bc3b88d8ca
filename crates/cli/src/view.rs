//! `caduceus view`: tables by SQL on FHIR views, without a home.

mod rows;

use std::io::{self, BufWriter, IsTerminal};
use std::path::{Path, PathBuf};

use caduceus_node::views::{
    self, Change, Compared, Registered, Registration, RunReport, Target, ViewReport, ViewRun,
};
use caduceus_node::{NodeError, Result, RowFormat};
use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::output::{Outcome, aside, cannot_print, columns, error_said, reporter};
use rows::Rows;

/// Records set aside that are named one by one; of more, their number is told.
const NAMED: usize = 10;

/// What to do with a view.
#[derive(Debug, Subcommand)]
pub enum View {
    /// Run a view over FHIR files and print or write its rows
    #[command(
        after_help = "Example: caduceus view run --view views/patient.json --input export/ --format parquet --out patient.parquet"
    )]
    Run {
        /// The ViewDefinition (SQL on FHIR v2)
        #[arg(long, value_name = "FILE")]
        view: PathBuf,
        /// Files or folders of FHIR: NDJSON or bundles, plain, gzip or Zstandard; - is the standard input
        #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
        input: Vec<PathBuf>,
        /// How the rows are written; arrow is an IPC file, and to a pipe an IPC stream
        #[arg(long, default_value = "ndjson")]
        format: Format,
        /// File to write; without it the rows go to the standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        /// Stop at the first record that cannot be read, in place of setting it aside
        #[arg(long)]
        strict: bool,
    },
    /// Check a view and list its columns with their types
    #[command(after_help = "Example: caduceus view check views/patient.json")]
    Check {
        /// The ViewDefinition (SQL on FHIR v2)
        #[arg(value_name = "FILE")]
        view: PathBuf,
    },
    /// Say what changed between two versions of a view, and whether programs that read the old tables survive it
    #[command(after_help = "Example: caduceus view diff old/patient.json views/patient.json")]
    Diff {
        /// The older ViewDefinition
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// The newer ViewDefinition
        #[arg(value_name = "NEW")]
        new: PathBuf,
    },
    /// Keep a view as the next version of its name; a change that breaks programs is refused unless it is meant
    #[command(after_help = "Example: caduceus view register --register schemas views/patient.json")]
    Register {
        /// The ViewDefinition
        #[arg(value_name = "FILE")]
        view: PathBuf,
        /// Folder of the register
        #[arg(long, value_name = "DIR")]
        register: PathBuf,
        /// The change is meant to break programs: begin a new major version
        #[arg(long)]
        breaking: bool,
    },
    /// List the versions of views in a register
    #[command(after_help = "Example: caduceus view versions --register schemas")]
    Versions {
        /// Folder of the register
        #[arg(long, value_name = "DIR")]
        register: PathBuf,
    },
    /// Make a table that an older version of a view wrote into one of the newer version
    #[command(
        after_help = "Example: caduceus view upgrade --view views/patient.json --input old.parquet --out new.parquet"
    )]
    Upgrade {
        /// The newer ViewDefinition
        #[arg(long, value_name = "FILE")]
        view: PathBuf,
        /// The table of the older version (Parquet)
        #[arg(long, value_name = "FILE")]
        input: PathBuf,
        /// How the rows are written
        #[arg(long, default_value = "parquet")]
        format: Format,
        /// File to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// Formats of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Ndjson,
    Csv,
    Parquet,
    Arrow,
}

impl Format {
    fn of_rows(self, piped: bool) -> RowFormat {
        match self {
            Format::Ndjson => RowFormat::Ndjson,
            Format::Csv => RowFormat::Csv,
            Format::Parquet => RowFormat::Parquet,
            Format::Arrow if piped => RowFormat::ArrowStream,
            Format::Arrow => RowFormat::Arrow,
        }
    }
}

/// Does what the arguments say.
pub fn run(command: &View, json: bool) -> Result<Outcome> {
    match command {
        View::Check { view } => check(view, json),
        View::Diff { old, new } => Ok(diff(&views::compare(old, new)?)),
        View::Register { view, register, breaking } => {
            Ok(registered(&views::register(register, view, *breaking)?))
        }
        View::Versions { register } => {
            let all = views::registered(register)?;
            let line = |one: &Registered| {
                [format!("{} {}", one.name, one.version), one.resource.clone(), names(one)]
            };
            let rows: Vec<[String; 3]> = all.iter().map(line).collect();
            Ok(Outcome::list("versions", &all, &columns(&rows), "no view is registered"))
        }
        View::Upgrade { view, input, format, out } => {
            let rows = views::upgrade(view, input, format.of_rows(false), out)?;
            let value = json!({ "row_count": rows, "out": out.display().to_string() });
            Ok(Outcome::new(&value, format!("{rows} rows in {}", out.display())))
        }
        View::Run { view: file, input, format, out, strict } => {
            let view = views::open(file)?;
            warn(&views::describe(&view));
            let piped = out.is_none();
            let wanted = ViewRun {
                view: file.clone(),
                input: input.clone(),
                format: format.of_rows(piped),
                strict: *strict,
            };
            let report = reporter(false, json);
            match out {
                Some(out) => {
                    let done = views::run(view, &wanted, Target::File(out), &report)?;
                    let mut value = serde_json::to_value(&done).unwrap_or_default();
                    value["out"] = json!(out.display().to_string());
                    let text = format!("{} rows in {}", done.row_count, out.display());
                    Ok(told(&done, Outcome::new(&value, text)))
                }
                None if json => with_rows(view, &wanted, &report),
                None => {
                    let binary = matches!(format, Format::Parquet | Format::Arrow);
                    if binary && io::stdout().is_terminal() {
                        return Err(NodeError::Usage(
                            "this format is not for a terminal: name a file with --out, or lead the output into a program".into(),
                        ));
                    }
                    let mut stdout = BufWriter::with_capacity(1 << 18, io::stdout());
                    let done = views::run(view, &wanted, Target::Pipe(&mut stdout), &report)?;
                    Ok(told(&done, Outcome::said()))
                }
            }
        }
    }
}

fn check(path: &Path, json: bool) -> Result<Outcome> {
    let view = match views::open(path) {
        Ok(view) => views::describe(&view),
        Err(NodeError::View { path, source }) if json => {
            let message =
                NodeError::View { path: path.clone(), source: source.clone() }.to_string();
            say(&[format!("error: {message}")]);
            let error = json!({
                "message": message,
                "causes": [],
                "place": source.place(),
                "pointer": source.pointer,
                "offset": source.offset,
                "reason": source.reason,
            });
            let value =
                json!({ "valid": false, "file": path.display().to_string(), "error": error });
            return Ok(Outcome::new(&value, "").unless(false, 2));
        }
        Err(error) => return Err(error),
    };
    warn(&view);
    let mut lines = vec![format!(
        "the view {} of {} is valid; it has these columns:",
        view.name, view.resource
    )];
    lines.extend(view.columns.iter().map(|column| {
        format!(
            "  {}: {}{}",
            column.name,
            column.of,
            if column.collection { ", several" } else { "" }
        )
    }));
    let mut value = json!({ "valid": true });
    if let (Some(into), Ok(Value::Object(more))) =
        (value.as_object_mut(), serde_json::to_value(&view))
    {
        into.extend(more);
    }
    Ok(Outcome::new(&value, lines.join("\n")))
}

/// Says on stderr what is odd about a view that is valid.
fn warn(view: &ViewReport) {
    let line = |odd| format!("warning: the view {} is odd at {odd}", view.name);
    say(&view.warnings.iter().map(line).collect::<Vec<_>>());
}

fn names(one: &Registered) -> String {
    let names: Vec<&str> = one.columns.iter().map(|column| column.name.as_str()).collect();
    names.join(", ")
}

fn registered(done: &Registration) -> Outcome {
    let Registered { name, version, file, .. } = &done.registered;
    let what = if done.new { "is registered as" } else { "is there already:" };
    let mut lines = vec![format!("{name} {what} version {version} in {}", file.display())];
    lines.extend(done.changes.iter().map(|change| format!("  {change}")));
    Outcome::new(done, lines.join("\n"))
}

/// What changed, in words; a change that old readers do not survive fails the command.
fn diff(compared: &Compared) -> Outcome {
    let line = |change: &Change| {
        let readers = match change.old_readers_survive {
            true => "old readers survive",
            false => "old readers break",
        };
        let tables = if change.reads_old { "" } else { ", old tables cannot be taken over" };
        format!("{change}: {readers}{tables}")
    };
    let mut lines: Vec<String> = compared.changes.iter().map(line).collect();
    lines.push(match (compared.changes.is_empty(), compared.old_readers_survive) {
        (true, _) => "nothing has changed".to_owned(),
        (false, true) => "programs that read the old tables can read the new ones".to_owned(),
        (false, false) => {
            "programs that read the old tables cannot read the new ones: give the view another name"
                .to_owned()
        }
    });
    Outcome::new(compared, lines.join("\n")).unless(compared.old_readers_survive, 1)
}

/// The rows within the one JSON object, for those who ask for one. They are printed as they come.
fn with_rows(
    view: caduceus_node::CompiledView,
    wanted: &ViewRun,
    report: &caduceus_node::Reporter,
) -> Result<Outcome> {
    if wanted.format != RowFormat::Ndjson {
        return Err(NodeError::Usage(
            "--json prints rows as JSON only: name a file for another format with --out".into(),
        ));
    }
    let mut rows = Rows::new(BufWriter::with_capacity(1 << 18, io::stdout()));
    let (others, outcome) = match views::run(view, wanted, Target::Pipe(&mut rows), report) {
        Ok(done) => {
            let others = serde_json::to_value(&done).unwrap_or_default();
            (others, told(&done, Outcome::said()))
        }
        // Rows are out already: the object that holds them says what went wrong.
        Err(error) if rows.has_begun() => {
            let others = json!({ "error": error_said(&error) });
            (others, Outcome::said().unless(false, error.exit_code()))
        }
        Err(error) => return Err(error),
    };
    let others = others.as_object().cloned().unwrap_or_default();
    Ok(match rows.finish(&others) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            cannot_print(&error);
            Outcome::said().unless(false, 1)
        }
        _ => outcome,
    })
}

/// Says on stderr what was set aside. Where the view itself asks for too much, that is its author's to mend: code 2.
fn told(done: &RunReport, outcome: Outcome) -> Outcome {
    let named = done.set_aside.iter().take(NAMED);
    let mut lines: Vec<String> = named.map(|entry| format!("set aside: {entry}")).collect();
    if done.set_aside_count > NAMED as u64 {
        let reasons =
            done.reasons.iter().map(|(reason, count)| format!("{count} because {reason}"));
        let reasons = reasons.collect::<Vec<_>>().join("; ");
        lines.push(format!("set aside: {} records in all, {reasons}", done.set_aside_count));
    }
    lines.extend(done.ignored_files.iter().map(|path| format!("passed over: {path}")));
    lines.extend(done.empty_files.iter().map(|path| format!("empty: {path}")));
    lines.extend(done.misfits.iter().map(|misfit| {
        format!(
            "error: the view {} does not fit {} records at {}: {}; {}",
            misfit.view, misfit.records, misfit.place, misfit.what, misfit.advice
        )
    }));
    say(&lines);
    outcome.unless(done.misfits.is_empty(), 2)
}

fn say(lines: &[String]) {
    lines.iter().for_each(|line| aside(line));
}
