//! A job: rounds over all patients, each with its own noise.

use std::sync::atomic::{AtomicUsize, Ordering};

use caduceus_records::Tables;
use serde::{Deserialize, Serialize};

use super::{
    Declaration, DeclarationRefusal, Module, Values,
    declaration::Terms,
    module::{Ended, Entry},
    records::{Records, step_record},
};
use crate::{Delta, Epsilon, Mechanism, NoiseError, NoiseScale, NoiseSource};

/// A job could not be done. Never because of what a record holds or what a module did with it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// It was not declared well.
    #[error(transparent)]
    Declaration(#[from] DeclarationRefusal),
    /// A table is not as published.
    #[error(
        "Table `{table}` has no column `{column}` of the published type: mend the table or its schema."
    )]
    Column {
        /// The table.
        table: String,
        /// The column that is missing or of another type.
        column: String,
    },
    /// The machine could not run the module.
    #[error(
        "The sandbox could not be run on this machine: give the process more memory and address space, and ask again."
    )]
    Engine,
    /// No randomness, no answer.
    #[error(transparent)]
    Noise(#[from] NoiseError),
}

/// What a job gives away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlgorithmAnswer {
    /// The noisy sums of the last round.
    pub values: Vec<f64>,
    /// Half the width of the interval in which each sum lies with probability 95 %, its noise taken away. It says nothing of what was
    /// clipped.
    pub half_width: f64,
    /// The noisy sums of every round.
    pub rounds: Vec<Vec<f64>>,
    /// The parameters after the last step; those of the job where the module has no `step`.
    pub parameters: Vec<f64>,
    /// Why there are fewer rounds than declared. It comes from released numbers alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stopped: Option<String>,
    /// The kind of noise.
    pub mechanism: Mechanism,
    /// Privacy loss of all rounds together, in thousandths.
    #[serde(rename = "epsilon_milli")]
    pub epsilon: Epsilon,
    /// Probability with which the guarantee may fail, in units of 1e-18.
    #[serde(rename = "delta_atto")]
    pub delta: Delta,
}

/// Where a job is: the round, counted from 0, of how many, and the part of its patients in percent. For whoever keeps the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The round, counted from 0.
    pub round: u32,
    /// Rounds declared.
    pub rounds: u32,
    /// Percent of the patients.
    pub percent: u32,
}

/// Runs a job: declared, and charged by the caller.
///
/// The work is all computation and takes as long as the module makes it take within its fuel: call it where blocking is allowed.
///
/// # Errors
/// [`SandboxError`], and then nothing may be released.
pub fn run(
    module: &Module,
    tables: &Tables,
    declaration: &Declaration,
    noise: &mut dyn NoiseSource,
) -> Result<AlgorithmAnswer, SandboxError> {
    run_watched(module, tables, declaration, noise, &|_| {})
}

/// [`run`], with somebody watching. What they see is not for the asker.
///
/// # Errors
/// As [`run`].
pub fn run_watched(
    module: &Module,
    tables: &Tables,
    declaration: &Declaration,
    noise: &mut dyn NoiseSource,
    watch: &(dyn Fn(Progress) + Sync),
) -> Result<AlgorithmAnswer, SandboxError> {
    declaration.check(module)?;
    let terms = declaration.terms()?;
    let records = Records::read(&declaration.inputs, tables)?;
    let mut answer = AlgorithmAnswer {
        values: Vec::new(),
        half_width: terms.scale.half_width(0.05) * terms.fixed.step(),
        rounds: Vec::new(),
        parameters: declaration.parameters.clone(),
        stopped: None,
        mechanism: match terms.scale {
            NoiseScale::Laplace { .. } => Mechanism::Laplace,
            NoiseScale::Gaussian { .. } => Mechanism::Gaussian,
        },
        epsilon: declaration.epsilon,
        delta: declaration.delta,
    };
    for round in 0..declaration.rounds {
        let watch = |percent| watch(Progress { round, rounds: declaration.rounds, percent });
        let visit = Visit { module, records: &records, declaration, terms: &terms, watch: &watch };
        let sums = visit.sums(round, &answer.parameters)?;
        let noisy = sums.into_iter().map(|sum| noise.perturb(sum, terms.scale));
        let noisy = noisy.collect::<Result<Vec<_>, _>>()?;
        answer.rounds.push(noisy.into_iter().map(|steps| terms.fixed.number(steps)).collect());
        if !step(module, round, &mut answer)? {
            break;
        }
    }
    answer.values = answer.rounds.last().cloned().unwrap_or_default();
    Ok(answer)
}

/// Lets the module make new parameters from what was released; `false` if it could not.
fn step(module: &Module, round: u32, answer: &mut AlgorithmAnswer) -> Result<bool, SandboxError> {
    let released = answer.rounds.last().map_or(&[][..], Vec::as_slice);
    if !module.inspection().step || answer.parameters.is_empty() {
        return Ok(true);
    }
    let record = step_record(round, &answer.parameters, released);
    let mut words = Vec::new();
    let length = answer.parameters.len();
    let ended = module.call(Entry::Step, module.limits().step_fuel, &record, length, &mut words)?;
    let numbers: Vec<f64> =
        words.as_chunks::<8>().0.iter().map(|word| f64::from_le_bytes(*word)).collect();
    if ended == Ended::Well && numbers.iter().all(|number| number.is_finite()) {
        answer.parameters = numbers;
        return Ok(true);
    }
    answer.stopped = Some(format!(
        "After round {} the module's `step` trapped, ran out of fuel, or did not return {length} finite parameters, so the job ended there.",
        round + 1
    ));
    Ok(false)
}

/// Patients of one piece of work: few enough that threads end at about the same time.
const PATIENTS_AT_ONCE: usize = 256;

/// One round over all patients.
struct Visit<'a> {
    module: &'a Module,
    records: &'a Records,
    declaration: &'a Declaration,
    terms: &'a Terms,
    watch: &'a (dyn Fn(u32) + Sync),
}

impl Visit<'_> {
    /// The exact sums over all patients, in steps. Patients are divided over the processors; integers add up to the same in any order.
    fn sums(&self, round: u32, parameters: &[f64]) -> Result<Vec<i128>, SandboxError> {
        // A pool has a slot for each thread of one job.
        let _alone = self.module.alone();
        let prefix = self.records.prefix(round, parameters);
        let pieces = self.records.patients().div_ceil(PATIENTS_AT_ONCE);
        let threads =
            std::thread::available_parallelism().map_or(1, usize::from).min(pieces).max(1);
        let next = AtomicUsize::new(0);
        if threads == 1 {
            return self.work(&prefix, &next);
        }
        std::thread::scope(|scope| {
            let workers: Vec<_> =
                (0..threads).map(|_| scope.spawn(|| self.work(&prefix, &next))).collect();
            let mut sums = vec![0_i128; self.declaration.length];
            for worker in workers {
                let part = worker.join().map_err(|_| SandboxError::Engine)??;
                sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
            }
            Ok(sums)
        })
    }

    /// What one thread does until no patient is left.
    fn work(&self, prefix: &[u8], next: &AtomicUsize) -> Result<Vec<i128>, SandboxError> {
        let patients = self.records.patients();
        let mut sums = vec![0_i128; self.declaration.length];
        let (mut record, mut words, mut steps) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let first = next.fetch_add(PATIENTS_AT_ONCE, Ordering::Relaxed);
            if first >= patients {
                return Ok(sums);
            }
            (self.watch)((first * 100 / patients) as u32);
            for patient in first..patients.min(first + PATIENTS_AT_ONCE) {
                self.records.write(prefix, patient, &mut record);
                let (fuel, length) = (self.module.limits().fuel, self.declaration.length);
                let ended = self.module.call(Entry::Run, fuel, &record, length, &mut words)?;
                if ended == Ended::Well && self.terms.fixed.steps(&words, &mut steps) {
                    sums.iter_mut().zip(&steps).for_each(|(sum, step)| *sum += i128::from(*step));
                }
            }
        }
    }
}

impl Values {
    /// A released number as text: whole numbers without places.
    pub fn show(self, number: f64) -> String {
        match self {
            Self::F64 => format!("{number}"),
            Self::I64 => format!("{number:.0}"),
        }
    }
}
