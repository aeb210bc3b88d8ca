//! Private questions to a folder of tables, without a ledger: a schema that its custodian wrote, Parquet or CSV files, and a budget file
//! beside them.

mod algorithm;
mod check;
mod tables;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use caduceus_query::sandbox::SandboxError;
use caduceus_query::{
    AggregateCost, Answer, BudgetError, BudgetLedger, Charge, DatasetKey, Limits, Loss,
    NoiseSource, OpenDpNoise, PatientTables, PrivatePlan, PublicSchema, Question, QuestionKey,
    Release, ResearcherKey, SeededNoise,
};
use caduceus_records::Tables;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

pub use self::algorithm::{
    AlgorithmReport, AskedAlgorithm, ModuleReport, check_module, read_module, read_parameters,
};
pub use self::check::{ColumnReport, FolderReport, TableReport};
use crate::error::{NodeError, Result};
use crate::report::Reporter;

/// The budget file in a folder of tables.
const BUDGET_FILE: &str = "budget.redb";

/// How long a question waits for another one on the same folder.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A folder of tables with its schema.
#[derive(Debug)]
pub struct Folder {
    dir: PathBuf,
    schema: PublicSchema,
}

/// What somebody asks of a folder.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The question.
    pub question: Question,
    /// Whose budget it is charged to.
    pub researcher: String,
    /// Noise that can be drawn again: for tests, not private.
    pub seed: Option<u64>,
}

/// An answer with what it cost.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The question.
    pub sql: String,
    /// Whether the noise is unknown to everybody; false with a seed.
    pub private: bool,
    /// `laplace` or `gaussian`.
    pub mechanism: String,
    /// What the answer is worth in privacy.
    pub epsilon: f64,
    /// The probability with which that may fail.
    pub delta: f64,
    /// The columns in their order.
    pub columns: Vec<Value>,
    /// One object a row.
    pub rows: Vec<Value>,
    /// For each row the half-widths of 95 % intervals, by column.
    pub accuracy: Vec<Value>,
    /// With what probability the intervals hold, each by itself.
    pub confidence: f64,
    /// What was charged.
    pub cost: Value,
    /// What is left.
    pub remaining: Value,
    /// What is left out or held by rule, whatever the data holds.
    pub clipped_by_rule: Vec<String>,
    /// Whether the answer was given before, and cost nothing now.
    pub repeated: bool,
    /// The answer for a terminal.
    #[serde(skip)]
    pub text: String,
}

/// What a question would cost.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The question.
    pub sql: String,
    /// `laplace` or `gaussian`.
    pub mechanism: String,
    /// What would be charged.
    pub cost: Value,
    /// How many groups are answered, whatever the data holds; null where they are not published.
    pub groups: Option<usize>,
    /// From which noisy number of patients on a group that is not published is shown.
    pub threshold: Option<u64>,
    /// How many rows of one patient count.
    pub limits: Value,
    /// Each noisy number: its share, its noise and its expected error.
    pub numbers: Vec<AggregateCost>,
    /// What is left out or held by rule.
    pub clipped_by_rule: Vec<String>,
    /// What is left now.
    pub remaining: Value,
    /// Whether the budget allows it.
    pub affordable: bool,
    /// The explanation for a terminal.
    #[serde(skip)]
    pub text: String,
}

impl Folder {
    /// The tables in `dir`, described by the schema file.
    ///
    /// # Errors
    /// [`NodeError::File`] and [`NodeError::Schema`].
    pub fn open(dir: &Path, schema: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(schema)
            .map_err(|error| NodeError::file("read", schema, error))?;
        let schema = PublicSchema::from_toml(&text)?;
        if !dir.is_dir() {
            let missing = std::io::Error::from(std::io::ErrorKind::NotADirectory);
            return Err(NodeError::file("read", dir, missing));
        }
        Ok(Self { dir: dir.to_owned(), schema })
    }

    /// Asks the question: charges the budget, computes, keeps the answer. What was asked before is answered from there.
    ///
    /// # Errors
    /// [`NodeError::Question`], [`NodeError::Budget`], and what goes wrong with files.
    pub fn run(&self, asked: &Asked, report_to: &Reporter) -> Result<Report> {
        let plan = caduceus_query::plan(&asked.question, &self.schema)?;
        let budget = self.budget(report_to)?;
        let researcher = researcher_key(&asked.researcher);
        if let Some(answer) = plan.known_answer() {
            let left = budget.left(dataset_key(), researcher)?;
            return Ok(report(asked, &plan, &answer, left, false, false));
        }
        let wanted = plan
            .tables()
            .map(|table| (table.to_owned(), plan.columns(table).map(str::to_owned).collect()));
        let files = tables::Files::find(&self.dir, &self.schema, wanted.collect())?;
        let key = self.key(&plan, asked, &files)?;
        let loss = plan.loss();
        let (bytes, repeated) = self.answered(
            &budget,
            (researcher, key, loss),
            &files,
            asked.seed,
            |tables, noise| {
                let watch = |percent: u32| {
                    report_to.progress("patients counted, percent", percent.into(), Some(100));
                };
                let tables = PatientTables::new(tables, &self.schema)?;
                let release = caduceus_query::release_watched(&plan, &tables, noise, &watch)?;
                Ok(serde_json::to_vec(&release).expect("a release is JSON"))
            },
        )?;
        let release: Release = serde_json::from_slice(&bytes).map_err(|error| {
            NodeError::Damaged { path: self.budget_path(), what: error.to_string() }
        })?;
        let left = budget.left(dataset_key(), researcher)?;
        Ok(report(asked, &plan, &release.answer(&plan), left, repeated, !repeated))
    }

    /// What the question would cost and how exact its answer would be. Nothing is charged and no table is read.
    ///
    /// # Errors
    /// [`NodeError::Question`], [`NodeError::Budget`].
    pub fn explain(&self, asked: &Asked, report_to: &Reporter) -> Result<Explanation> {
        let plan = caduceus_query::plan(&asked.question, &self.schema)?;
        let researcher = researcher_key(&asked.researcher);
        let (left, affordable) = match self.budget_path().exists() {
            true => {
                let budget = self.budget(report_to)?;
                let left = budget.left(dataset_key(), researcher)?;
                (left, budget.allows(dataset_key(), researcher, plan.loss())?)
            }
            false => {
                let all = self.limits();
                let nothing = caduceus_query::LossTotal::default();
                let fits = |allowance: caduceus_query::Allowance| {
                    allowance.with(nothing, plan.loss()).is_some()
                };
                (all, fits(all.dataset) && fits(all.researcher))
            }
        };
        let cost = plan.cost();
        let text = format!(
            "{cost}left: epsilon {} of the dataset, {} of this researcher{}\n",
            left.dataset.epsilon,
            left.researcher.epsilon,
            if affordable { "" } else { ": not enough for this question" }
        );
        Ok(Explanation {
            sql: asked.question.sql.clone(),
            mechanism: cost.mechanism.to_string(),
            cost: charged(plan.loss(), false),
            groups: cost.groups,
            threshold: cost.threshold,
            limits: json!({
                "max_rows": cost.max_rows_per_person,
                "max_rows_per_group": cost.max_rows_per_group,
                "max_groups": cost.max_groups,
            }),
            numbers: cost.aggregates,
            clipped_by_rule: cost.clipped_by_rule,
            remaining: remaining(left),
            affordable,
            text,
        })
    }

    /// The recorded answer, and whether it was there before; else the budget is charged, the answer computed and recorded.
    fn answered(
        &self,
        budget: &BudgetLedger,
        (researcher, key, loss): (ResearcherKey, QuestionKey, Loss),
        files: &tables::Files<'_>,
        seed: Option<u64>,
        compute: impl FnOnce(&Tables, &mut dyn NoiseSource) -> Result<Vec<u8>>,
    ) -> Result<(Vec<u8>, bool)> {
        if let Some(bytes) = budget.recorded(dataset_key(), researcher, key)? {
            return Ok((bytes, true));
        }
        // Read before anything is charged: a file that cannot be read costs nothing.
        let tables = files.read()?;
        let token = match budget.charge(dataset_key(), researcher, key, loss)? {
            Charge::Answered(bytes) => return Ok((bytes, true)),
            Charge::Fresh(token) | Charge::Resumed(token) => token,
        };
        let bytes = match seed {
            None => compute(&tables, &mut OpenDpNoise)?,
            Some(seed) => compute(&tables, &mut SeededNoise::new(seed))?,
        };
        Ok((budget.record(token, &bytes)?, false))
    }

    fn limits(&self) -> Limits {
        Limits { dataset: self.schema.dataset, researcher: self.schema.researcher }
    }

    fn budget_path(&self) -> PathBuf {
        self.dir.join(BUDGET_FILE)
    }

    /// The budget beside the tables, with the limits that the schema names today. One question is answered at a time: others
    /// wait for it.
    fn budget(&self, report_to: &Reporter) -> Result<BudgetLedger> {
        let (path, since) = (self.budget_path(), Instant::now());
        let budget = loop {
            match BudgetLedger::open(&path) {
                Err(BudgetError::InUse(_)) if since.elapsed() < LONGEST_WAIT => {
                    report_to.progress(
                        "waiting for another question, s",
                        since.elapsed().as_secs(),
                        None,
                    );
                    std::thread::sleep(Duration::from_millis(50));
                }
                opened => break opened?,
            }
        };
        if budget.limits(dataset_key())? != Some(self.limits()) {
            budget.set_limits(dataset_key(), self.limits())?;
        }
        Ok(budget)
    }

    /// A recorded answer stands for the same question to the same files; a seed makes it another one, so that no answer with known
    /// noise is ever given to somebody who asked for a private one.
    fn key(&self, plan: &PrivatePlan, asked: &Asked, files: &tables::Files) -> Result<QuestionKey> {
        let mut context = files.content()?.to_vec();
        context.extend(asked.seed.map(u64::to_be_bytes).into_iter().flatten());
        Ok(plan.question_key(&context))
    }
}

/// All tables of a folder hold the same patients: they share one budget, whatever becomes of the files.
fn dataset_key() -> DatasetKey {
    DatasetKey(Sha256::digest(b"caduceus folder of tables").into())
}

fn researcher_key(name: &str) -> ResearcherKey {
    let hash: [u8; 32] = Sha256::digest(name.as_bytes()).into();
    ResearcherKey(hash[..20].try_into().expect("32 bytes have a first 20"))
}

fn charged(loss: Loss, charged: bool) -> Value {
    json!({
        "epsilon": f64::from(loss.epsilon.milli()) / 1000.0,
        "delta": loss.delta.number(),
        "rho": loss.rho.number(),
        "charged": charged,
    })
}

fn remaining(left: Limits) -> Value {
    let of = |allowance: caduceus_query::Allowance| {
        json!({
            "epsilon": allowance.epsilon.milli() as f64 / 1000.0,
            "delta": allowance.delta.number(),
        })
    };
    json!({ "dataset": of(left.dataset), "researcher": of(left.researcher) })
}

fn report(
    asked: &Asked,
    plan: &PrivatePlan,
    answer: &Answer,
    left: Limits,
    repeated: bool,
    fresh: bool,
) -> Report {
    let object = |cells: &mut dyn Iterator<Item = (usize, Value)>| {
        let named = cells.map(|(index, value)| (answer.columns[index].name.clone(), value));
        Value::Object(named.collect::<Map<_, _>>())
    };
    let rows =
        answer.rows.iter().map(|row| object(&mut row.iter().map(|value| json!(value)).enumerate()));
    let accuracy = answer.intervals95.iter().map(|widths| {
        let known = widths.iter().enumerate();
        object(&mut known.filter_map(|(index, width)| Some((index, json!((*width)?)))))
    });
    let mut text = answer.to_text_table();
    answer.clipped_by_rule.iter().for_each(|rule| text.push_str(&format!("rule: {rule}\n")));
    if repeated {
        text.push_str("asked before: it cost nothing\n");
    }
    if !repeated && !fresh {
        text.push_str(
            "no row can be shown, whatever the data holds: nothing was read or charged\n",
        );
    }
    if asked.seed.is_some() {
        text.push_str("NOT PRIVATE: the noise comes from a seed; use it for tests only\n");
    }
    let epsilon = left.dataset.epsilon.min(left.researcher.epsilon);
    text.push_str(&format!("left: epsilon {epsilon}\n"));
    Report {
        sql: asked.question.sql.clone(),
        private: asked.seed.is_none(),
        mechanism: plan.cost().mechanism.to_string(),
        epsilon: f64::from(answer.epsilon.milli()) / 1000.0,
        delta: answer.delta.number(),
        columns: answer.columns.iter().map(|column| json!(column)).collect(),
        rows: rows.collect(),
        accuracy: accuracy.collect(),
        confidence: 0.95,
        cost: match fresh || repeated {
            true => charged(plan.loss(), fresh),
            false => json!({ "epsilon": 0.0, "delta": 0.0, "rho": 0.0, "charged": false }),
        },
        remaining: remaining(left),
        clipped_by_rule: answer.clipped_by_rule.clone(),
        repeated,
        text,
    }
}

/// A refused question, for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What in the question is refused.
    pub construct: String,
    /// What would work.
    pub suggestion: String,
}

/// What of an error says that a question was refused; `None` for what is no refusal.
pub fn refusal(error: &NodeError) -> Option<Refused> {
    let (construct, suggestion) = match error {
        NodeError::Question(refusal) => (refusal.construct(), refusal.suggestion()),
        NodeError::Budget(
            BudgetError::Exhausted { .. } | BudgetError::ExhaustedDelta { .. } | BudgetError::Free,
        ) => (
            "the privacy budget".to_owned(),
            "ask with a smaller epsilon or delta, or repeat an earlier question".to_owned(),
        ),
        NodeError::Module(refusal) => {
            (refusal.construct().to_owned(), refusal.suggestion().to_owned())
        }
        NodeError::Algorithm(SandboxError::Declaration(refusal)) => {
            (refusal.construct().to_owned(), refusal.suggestion().to_owned())
        }
        _ => return None,
    };
    Some(Refused { construct, suggestion })
}
