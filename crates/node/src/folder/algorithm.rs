//! Algorithms of the asker's own over a folder of tables: charged to the same budget as questions in SQL.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use caduceus_query::sandbox::{
    self, AlgorithmAnswer, Declaration, Inspection, Limits, Module, Norm, Progress, Selection,
    Values,
};
use caduceus_query::{PublicSchema, QuestionKey};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::tables::Files;
use super::{Folder, charged, dataset_key, remaining, researcher_key};
use crate::asked::Algorithm;
use crate::error::{NodeError, Result};
use crate::report::Reporter;

/// What somebody asks an algorithm of theirs to do.
#[derive(Clone, Debug)]
pub struct AskedAlgorithm {
    /// The module and what it declares.
    pub algorithm: Algorithm,
    /// Whose budget it is charged to.
    pub researcher: String,
    /// Noise that can be drawn again: for tests, not private.
    pub seed: Option<u64>,
}

/// An algorithm's answer with what it cost.
#[derive(Clone, Debug, Serialize)]
pub struct AlgorithmReport {
    /// SHA-256 of the module's binary form.
    pub module: String,
    /// Whether the noise is unknown to everybody; false with a seed.
    pub private: bool,
    /// `laplace` or `gaussian`.
    pub mechanism: String,
    /// What the answer is worth in privacy.
    pub epsilon: f64,
    /// The probability with which that may fail.
    pub delta: f64,
    /// The noisy sums of the last round.
    pub values: Vec<Value>,
    /// Half-width of the interval around each sum.
    pub half_width: f64,
    /// With what probability the intervals hold, each by itself.
    pub confidence: f64,
    /// The noisy sums of every round.
    pub rounds: Vec<Vec<Value>>,
    /// The parameters after the last step.
    pub parameters: Vec<f64>,
    /// Why there are fewer rounds than asked for.
    pub stopped: Option<String>,
    /// What was charged.
    pub cost: Value,
    /// What is left.
    pub remaining: Value,
    /// What is shortened or left out by rule, whatever the data holds.
    pub clipped_by_rule: Vec<String>,
    /// Whether the answer was given before, and cost nothing now.
    pub repeated: bool,
    /// The answer for a terminal.
    #[serde(skip)]
    pub text: String,
}

/// What is in a module that was admitted.
#[derive(Clone, Debug, Serialize)]
pub struct ModuleReport {
    /// Always true: what is refused is an error.
    pub admitted: bool,
    /// SHA-256 of the module's binary form.
    pub module: String,
    /// What was found in it.
    #[serde(flatten)]
    pub inspection: Inspection,
    /// Imports: none.
    pub imports: Vec<String>,
    /// What its runs may use.
    pub limits: Limits,
    /// The record, where a schema was given.
    pub record: Option<Value>,
    /// The report for a terminal.
    #[serde(skip)]
    pub text: String,
}

/// Loads a module and says what is in it, and how its records look under a schema.
///
/// # Errors
/// [`NodeError::Module`], [`NodeError::File`], [`NodeError::Schema`], [`NodeError::Algorithm`] for tables that the schema does not allow.
pub fn check_module(
    module: &Path,
    schema: Option<&Path>,
    tables: &[Selection],
) -> Result<ModuleReport> {
    let inputs = match schema {
        Some(schema) => {
            let text = std::fs::read_to_string(schema)
                .map_err(|error| NodeError::file("read", schema, error))?;
            let schema = PublicSchema::from_toml(&text)?;
            Some(sandbox::inputs(&schema, tables).map_err(sandbox::SandboxError::from)?)
        }
        None => None,
    };
    let module = Module::load(&read_module(module)?)?;
    let (inspection, limits) = (module.inspection().clone(), *module.limits());
    let mut text = format!(
        "admitted: {} functions, {} bytes, {} pages of memory, {}{}\nsha-256 {}\nimports: none\nexports:",
        inspection.functions,
        inspection.bytes,
        inspection.memory_pages,
        if inspection.start { "a start function, " } else { "no start function, " },
        if inspection.step { "any number of rounds" } else { "one round" },
        hex(module.hash()),
    );
    inspection
        .exports
        .iter()
        .for_each(|export| text.push_str(&format!(" {} {},", export.kind, export.name)));
    text = text.trim_end_matches(',').to_owned();
    text.push_str(&format!(
        "\nlimits for each patient: {} units of fuel, {} pages of memory, {} table entries, {} bytes of stack\n",
        limits.fuel, limits.memory_pages, limits.table_entries, limits.stack_bytes
    ));
    for (number, table) in inputs.iter().flatten().enumerate() {
        text.push_str(&format!(
            "table {number}: {}, at most {} rows of a patient\n",
            table.name, table.max_rows
        ));
        for (place, column) in table.columns.iter().enumerate() {
            text.push_str(&format!("  column {place}: {} ({})\n", column.name, column.cell.name()));
        }
    }
    Ok(ModuleReport {
        admitted: true,
        module: hex(module.hash()),
        inspection,
        imports: Vec::new(),
        limits,
        record: inputs.map(|inputs| json!(inputs)),
        text,
    })
}

/// Reads parameters: a JSON list of numbers, or a file that holds one.
///
/// # Errors
/// [`NodeError::Usage`] for anything else, [`NodeError::File`].
pub fn read_parameters(given: &str) -> Result<Vec<f64>> {
    let inline = given.trim_start().starts_with('[');
    let text = match inline {
        true => given.to_owned(),
        false => std::fs::read_to_string(given)
            .map_err(|error| NodeError::file("read", Path::new(given), error))?,
    };
    serde_json::from_str(&text).map_err(|_| {
        NodeError::Usage("parameters are a JSON list of numbers, such as [0.5, 3], or the name of a file that holds one".to_owned())
    })
}

/// The bytes of a module in a file: as many as can be one.
///
/// # Errors
/// [`NodeError::File`].
pub fn read_module(path: &Path) -> Result<Vec<u8>> {
    let fail = |error| NodeError::file("read", path, error);
    let (limits, mut source) = (Limits::default(), Vec::new());
    // One byte more than is allowed tells that there is too much; the rest need not be read.
    let most = limits.text_bytes.max(limits.module_bytes) as u64 + 1;
    File::open(path).map_err(fail)?.take(most).read_to_end(&mut source).map_err(fail)?;
    Ok(source)
}

impl Folder {
    /// Runs an algorithm: charges the budget, visits all patients, keeps the answer. What was asked before is answered from there.
    ///
    /// # Errors
    /// [`NodeError::Module`], [`NodeError::Algorithm`], [`NodeError::Budget`], and what goes wrong with files.
    pub fn run_algorithm(
        &self,
        asked: &AskedAlgorithm,
        report_to: &Reporter,
    ) -> Result<AlgorithmReport> {
        let module = asked.algorithm.load()?;
        let declaration = asked.algorithm.declaration(&module, &self.schema)?;
        declaration.check(&module).map_err(sandbox::SandboxError::from)?;
        let loss = declaration.loss().map_err(sandbox::SandboxError::from)?;
        let wanted = declaration.inputs.iter().map(|input| {
            let columns = input.columns.iter().map(|column| column.name.clone());
            (input.name.clone(), std::iter::once(input.person.clone()).chain(columns).collect())
        });
        let files = Files::find(&self.dir, &self.schema, wanted.collect())?;
        let (researcher, key) = (
            researcher_key(&asked.researcher),
            job_key(&declaration, &module, &files, asked.seed)?,
        );
        let budget = self.budget(report_to)?;
        let watch = |progress: Progress| {
            let what = format!("round {} of {}, percent", progress.round + 1, progress.rounds);
            report_to.progress(&what, u64::from(progress.percent), Some(100));
        };
        let (bytes, repeated) = self.answered(
            &budget,
            (researcher, key, loss),
            &files,
            asked.seed,
            |tables, noise| {
                let answer = sandbox::run_watched(&module, tables, &declaration, noise, &watch)?;
                Ok(serde_json::to_vec(&answer).expect("an answer is JSON"))
            },
        )?;
        let answer: AlgorithmAnswer = serde_json::from_slice(&bytes).map_err(|error| {
            NodeError::Damaged { path: self.budget_path(), what: error.to_string() }
        })?;
        let left = budget.left(dataset_key(), researcher)?;
        let mut report = report(asked, &declaration, answer, repeated);
        report.module = hex(module.hash());
        report.cost = charged(loss, !repeated);
        report.remaining = remaining(left);
        let epsilon = left.dataset.epsilon.min(left.researcher.epsilon);
        report.text.push_str(&format!("left: epsilon {epsilon}\n"));
        Ok(report)
    }
}

/// A recorded answer stands for the same job over the same files, and with a seed for no other.
fn job_key(
    declaration: &Declaration,
    module: &Module,
    files: &Files<'_>,
    seed: Option<u64>,
) -> Result<QuestionKey> {
    let mut hash = Sha256::new();
    hash.update(declaration.key(module).0);
    hash.update(files.content()?);
    hash.update(seed.map_or(Vec::new(), |seed| seed.to_be_bytes().to_vec()));
    Ok(QuestionKey(hash.finalize().into()))
}

fn report(
    asked: &AskedAlgorithm,
    declaration: &Declaration,
    answer: AlgorithmAnswer,
    repeated: bool,
) -> AlgorithmReport {
    let shown = |number: &f64| match declaration.values {
        // Noise can take a whole number beyond what JSON readers keep exactly, but not a whole part from it.
        Values::I64 => json!(*number as i64),
        Values::F64 => json!(number),
    };
    let rules = vec![
        format!("each patient's vector is shortened to {} in norm {}", declaration.clip, match declaration.norm {
            Norm::L1 => "l1",
            Norm::L2 => "l2",
        }),
        "a run that traps, uses up its fuel, or returns anything but its finite numbers counts as zeros".to_owned(),
    ];
    let mut text = String::new();
    for (place, number) in answer.values.iter().enumerate() {
        text.push_str(&format!(
            "{place:>6}  {} ± {:.4}\n",
            declaration.values.show(*number),
            answer.half_width
        ));
    }
    if !answer.parameters.is_empty() {
        text.push_str(&format!("parameters: {}\n", json!(answer.parameters)));
    }
    answer.stopped.iter().for_each(|why| text.push_str(&format!("{why}\n")));
    rules.iter().for_each(|rule| text.push_str(&format!("rule: {rule}\n")));
    if repeated {
        text.push_str("asked before: it cost nothing\n");
    }
    if asked.seed.is_some() {
        text.push_str("NOT PRIVATE: the noise comes from a seed; use it for tests only\n");
    }
    AlgorithmReport {
        module: String::new(),
        private: asked.seed.is_none(),
        mechanism: answer.mechanism.to_string(),
        epsilon: f64::from(answer.epsilon.milli()) / 1000.0,
        delta: answer.delta.number(),
        values: answer.values.iter().map(shown).collect(),
        half_width: answer.half_width,
        confidence: 0.95,
        rounds: answer.rounds.iter().map(|round| round.iter().map(shown).collect()).collect(),
        parameters: answer.parameters,
        stopped: answer.stopped,
        cost: Value::Null,
        remaining: Value::Null,
        clipped_by_rule: rules,
        repeated,
        text,
    }
}

fn hex(bytes: [u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
