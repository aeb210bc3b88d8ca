//! `caduceus query`: questions to the vaults of a home, and to a folder of tables.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use caduceus_node::asked::Asked;
use caduceus_node::folder::{self, Folder};
use caduceus_node::party::{self, Role};
use caduceus_node::{
    AskedLimits, Delta, Epsilon, MAX_SQL_BYTES, Mechanism, Node, NodeError, Question, Result,
    approvals, custodian, researcher,
};
use clap::{Args, Subcommand, ValueEnum};

use crate::commands::answers;
use crate::output::{Outcome, reporter};

/// A question: to the vaults of a home, or to a folder of tables.
#[derive(Debug, Args)]
pub struct Query {
    #[command(flatten)]
    pub asked: ToVaults,
    #[command(subcommand)]
    pub local: Option<Local>,
}

#[derive(Debug, Args)]
pub struct ToVaults {
    /// The researcher
    #[arg(long, value_name = "NAME", required = true)]
    pub researcher: Option<String>,
    /// The question; `@FILE` reads it from a file, `-` from the standard input
    #[arg(long, value_name = "TEXT", required = true, allow_hyphen_values = true)]
    pub sql: Option<String>,
    #[command(flatten)]
    pub terms: Terms,
    #[command(flatten)]
    pub approval: Approval,
    #[command(flatten)]
    pub patience: Patience,
    /// Show what the question would cost and how exact its answer would be, and ask nothing
    #[arg(long)]
    pub explain: bool,
}

/// How long vaults elsewhere are waited for.
#[derive(Debug, Args)]
pub struct Patience {
    /// How long to wait for vaults elsewhere, in seconds; `caduceus answers` prints what comes later
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    wait: u64,
}

/// The approval of a study.
#[derive(Debug, Args)]
pub struct Approval {
    /// A presentation of an ethics committee's approval, for the challenge of `caduceus party challenge --for-study`; custodians
    /// can require one
    #[arg(long, value_name = "FILE")]
    ethics_approval: Option<PathBuf>,
}

impl Approval {
    /// What is presented, word for word.
    pub fn read(&self) -> Result<Option<String>> {
        self.ethics_approval.as_deref().map(approvals::read).transpose()
    }
}

/// Questions to a folder of tables, without a home or a ledger.
#[derive(Debug, Subcommand)]
pub enum Local {
    /// Ask a folder of Parquet or CSV tables, and print the protected answer with its accuracy and cost
    #[command(after_help = RUN_HELP)]
    Run(ToFolder),
    /// Show what a question to a folder would cost and how exact its answer would be; nothing is spent
    #[command(
        after_help = "Example: caduceus query explain --tables tables --schema schema.toml --sql \"SELECT sex, AVG(age) FROM patient GROUP BY sex\" --epsilon 0.5"
    )]
    Explain(ToFolder),
    /// Compare the files of a folder with its schema, for whoever holds it: values that are none of their type, or outside of bounds and lists
    #[command(
        after_help = "Example: caduceus query check --tables tables --schema schema.toml\n\nThe numbers are exact: keep them in the house. Nothing is charged."
    )]
    Check(Described),
}

const RUN_HELP: &str = r#"Example: caduceus query run --tables tables --schema schema.toml --sql "SELECT sex, COUNT(*) AS n FROM patient GROUP BY sex" --epsilon 0.5

The schema says what may be known without looking at the data:

  mechanism = "laplace"              # or "gaussian", which needs --delta
  max_fuel = 100_000_000             # what `algorithm run` may use for one patient in all its rounds; this where it is left out
  [budget]                           # of all researchers together
  epsilon = 10.0
  delta = 1e-6                       # 0 where it is left out
  [budget.researcher]                # of each; as above where it is left out
  epsilon = 5.0
  [tables.patient]                   # file tables/patient.parquet or tables/patient.csv
  patient = "patient_id"             # column with the patient's key
  max_rows = 1                       # rows of one patient that count
  [tables.patient.columns.sex]
  type = "text"                      # text, integer, decimal or boolean
  values = ["female", "male"]        # groups that are answered
  [tables.patient.columns.age]
  type = "integer"
  lower = 0                          # needed for SUM, AVG, quantiles and so on
  upper = 120

More keys: `file`, `max_rows_per_group`, `max_groups`, `allowed` of a table; `nullable`, `allowed` of a column.
A refused question ends with code 2. The budget is kept in tables/budget.redb."#;

/// A folder of tables and its schema.
#[derive(Debug, Args)]
pub struct Described {
    /// Folder with one Parquet or CSV file for each table
    #[arg(long, value_name = "DIR")]
    tables: PathBuf,
    /// What is published about the tables (TOML)
    #[arg(long, value_name = "FILE")]
    schema: PathBuf,
}

impl Described {
    fn open(&self) -> Result<Folder> {
        Folder::open(&self.tables, &self.schema)
    }
}

#[derive(Debug, Args)]
pub struct ToFolder {
    #[command(flatten)]
    folder: Described,
    /// The question; `@FILE` reads it from a file, `-` from the standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    sql: String,
    #[command(flatten)]
    terms: Terms,
    /// Whose budget is charged
    #[arg(long, default_value = "local", value_name = "NAME")]
    researcher: String,
    /// Noise that is the same each time: for tests, NOT private
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// What a question may cost, and how its answer is protected.
#[derive(Debug, Args)]
pub struct Terms {
    /// What the privacy budget is charged, such as 1 or 0.5
    #[arg(long, default_value = "1", value_name = "E")]
    epsilon: Epsilon,
    /// With what probability the guarantee may fail; Gaussian noise and groups that are not published need one, such as 1e-9
    #[arg(long, default_value = "0", value_name = "D")]
    delta: Delta,
    /// The noise, in place of the one that the schema names
    #[arg(long, value_enum)]
    mechanism: Option<MechanismName>,
    /// Count fewer rows of each patient than the schema allows
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_rows: Option<u32>,
    /// Count fewer rows of each patient in a group than the schema allows
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_rows_per_group: Option<u32>,
    /// Count each patient in fewer groups than the schema allows
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_groups: Option<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum MechanismName {
    Laplace,
    Gaussian,
}

/// Asks the vaults of a home.
pub async fn ask(node: &Node, query: &ToVaults) -> Result<Outcome> {
    // Both are there, since clap asks for them where no subcommand stands.
    let (name, sql) = (query.researcher.as_deref(), query.sql.as_deref());
    let party = party::find(node, Role::Researcher, name.unwrap_or_default())?;
    let question = query.terms.question(sql.unwrap_or_default())?;
    if query.explain {
        let explained = researcher::explain(node, &party, &question).await?;
        let line = |one: &researcher::Explained| {
            let objection = one.objection.as_ref();
            let objection =
                objection.map_or_else(String::new, |why| format!("\nwould be refused: {why}"));
            let (dataset, cost, left) = (one.dataset, &one.cost, &one.remaining);
            format!("dataset {dataset}\n{cost}\nleft to spend: epsilon {left}{objection}")
        };
        let lines: Vec<String> = explained.iter().map(line).collect();
        let none = "no dataset is in the pool yet; `caduceus publish` brings one in";
        return Ok(Outcome::list("datasets", &explained, &lines, none));
    }
    put(node, &party, &Asked::Sql(question), &query.approval, &query.patience).await
}

/// Puts something to the vaults of the researcher's licence, and gives what they answer.
pub async fn put(
    node: &Node,
    party: &party::Party,
    asked: &Asked,
    approval: &Approval,
    patience: &Patience,
) -> Result<Outcome> {
    let approval = approval.read()?;
    let (pass, datasets) = researcher::usable_pass(node, party).await?;
    let key = node.new_key("ask")?;
    let jobs =
        researcher::ask(node, party, pass, &datasets, asked, approval.as_deref(), &key).await?;
    custodian::answer_all(node, party).await?;
    let open = researcher::wait(node, &jobs, patience.wait).await?;
    let (mut ended, mut waiting) = (jobs, Vec::new());
    for (job, state) in open {
        ended.retain(|one| *one != job);
        waiting.push(format!("job {job} is {state}"));
    }
    let todo =
        format!("`caduceus answers --researcher {}` prints what its vault answers", party.name);
    match (ended.as_slice(), waiting.as_slice()) {
        (_, []) => {}
        ([], _) => return Err(NodeError::NotReady { what: waiting.join(", "), todo }),
        _ => reporter(false, false).fact(format!("{}; {todo}", waiting.join(", "))),
    }
    answers(node, party, &ended).await
}

/// Asks a folder of tables.
pub fn local(local: &Local, json: bool) -> Result<Outcome> {
    match local {
        Local::Run(query) => {
            let asked = query.asked()?;
            let report = query.folder.open()?.run(&asked, &reporter(false, json))?;
            Ok(Outcome::new(&report, report.text.clone()))
        }
        Local::Explain(query) => {
            let asked = query.asked()?;
            let explained = query.folder.open()?.explain(&asked, &reporter(false, json))?;
            Ok(Outcome::new(&explained, explained.text.clone()))
        }
        Local::Check(folder) => {
            let report = folder.open()?.check(&reporter(false, json))?;
            Ok(Outcome::new(&report, report.text.clone()))
        }
    }
}

impl ToFolder {
    fn asked(&self) -> Result<folder::Asked> {
        Ok(folder::Asked {
            question: self.terms.question(&self.sql)?,
            researcher: self.researcher.clone(),
            seed: self.seed,
        })
    }
}

impl Terms {
    /// The question that `--sql` gives.
    fn question(&self, given: &str) -> Result<Question> {
        Ok(Question {
            sql: text(given)?,
            epsilon: self.epsilon,
            delta: self.delta,
            mechanism: self.mechanism.map(|name| match name {
                MechanismName::Laplace => Mechanism::Laplace,
                MechanismName::Gaussian => Mechanism::Gaussian,
            }),
            limits: AskedLimits {
                max_rows: self.max_rows,
                max_rows_per_group: self.max_rows_per_group,
                max_groups: self.max_groups,
            },
        })
    }
}

/// The text of a question: as it is given, or from where that says.
fn text(given: &str) -> Result<String> {
    let read = |source: &mut dyn Read, name: &Path| {
        // One byte more than a question may have tells that there are too many.
        let (mut text, most) = (String::new(), MAX_SQL_BYTES as u64 + 1);
        let read = source.take(most).read_to_string(&mut text);
        read.map_err(|error| NodeError::file("read", name, error))?;
        Ok(text)
    };
    match given.strip_prefix('@') {
        _ if given == "-" => read(&mut std::io::stdin(), Path::new("the standard input")),
        Some(file) => {
            let path = Path::new(file);
            let opened = File::open(path).map_err(|error| NodeError::file("read", path, error));
            read(&mut opened?, path)
        }
        // A comment has a space or a line end in it, or says nothing.
        None if given.starts_with("--") && !given.contains(char::is_whitespace) => {
            Err(NodeError::Usage(format!(
                "--sql takes the question, and `{given}` is an option: write it as --sql \"SELECT ...\""
            )))
        }
        None => Ok(given.to_owned()),
    }
}
