//! Answering: one pass over the patients, each by themselves, then noise, then what the question does with the numbers.
//!
//! A row counts if its patient is known and its groups are published values; of each patient the first rows that count do, up to the
//! published numbers. Rows with an unpublished value in a group column are in no group, and those with NULL only where the
//! schema says that it may be missing. NULL is left out of sums, averages and quantiles. Nothing in here can fail because of a value.

mod accumulate;
mod groups;
mod numbers;
mod patients;
mod present;
mod quantile;
mod relation;
mod release;
mod within;

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

pub(crate) use self::quantile::rank_error;
pub use self::release::Release;
use self::{accumulate::Totals, patients::Patients};
use crate::{Answer, NoiseError, NoiseSource, PatientTables, plan::PrivatePlan};

/// A checked question could not be run. Never because of what a row holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A table is not as published.
    #[error(
        "Table `{table}` has no column `{column}` of the published type: protect and publish the dataset again."
    )]
    Column {
        /// The table.
        table: String,
        /// The column that is missing or of another type.
        column: String,
    },
    /// The engine failed on a checked question, which is a fault of this program.
    #[error("The question could not be evaluated: report this as a fault, with the question.")]
    Engine,
    /// No randomness, no answer.
    #[error(transparent)]
    Noise(#[from] NoiseError),
}

/// Runs a checked question over the tables and adds the noise.
///
/// The work is all computation and can take seconds on millions of rows: call it where blocking is allowed.
///
/// # Errors
/// [`RunError`] if a table is not as published or randomness fails, and then nothing may be released.
pub fn release(
    plan: &PrivatePlan,
    tables: &PatientTables,
    noise: &mut dyn NoiseSource,
) -> Result<Release, RunError> {
    release_watched(plan, tables, noise, &|_| {})
}

/// [`release`], with somebody watching who gets the part of the patients that is done, in percent. It is for whoever keeps the data.
///
/// # Errors
/// As [`release`].
pub fn release_watched(
    plan: &PrivatePlan,
    tables: &PatientTables,
    noise: &mut dyn NoiseSource,
    watch: &(dyn Fn(u32) + Sync),
) -> Result<Release, RunError> {
    let totals = totals(plan, tables, watch)?;
    Ok(release::add_noise(&plan.release, &totals, noise)?)
}

/// Runs a checked question and shows the answer: [`release`], then [`Release::answer`].
///
/// # Errors
/// As [`release`].
pub fn run(
    plan: &PrivatePlan,
    tables: &PatientTables,
    noise: &mut dyn NoiseSource,
) -> Result<Answer, RunError> {
    Ok(release(plan, tables, noise)?.answer(plan))
}

/// The fewest patients that are worth a thread of their own.
const PATIENTS_OF_A_THREAD: u32 = 2_000;

/// Several times what the deepest expression of a question needs; only what is used is committed.
const WORKER_STACK: usize = 16 << 20;

/// Patients of one piece of work: few enough rows to stay in the processor's cache.
const PATIENTS_AT_ONCE: u32 = 4_096;

/// Rows of one piece of work at most, of one patient or of several: what bounds its memory, and with texts of at most
/// [`LONGEST_TEXT`](crate::patients::LONGEST_TEXT) bytes keeps a column within what its offsets can tell.
const ROWS_AT_ONCE: u32 = crate::patients::MOST_ROWS;

/// Patients in pieces of work. By the published bounds of joins, no piece makes more pairs of rows than it may have rows.
fn pieces(plan: &PrivatePlan, patients: &Patients<'_>) -> Vec<Range<u32>> {
    let pairs = plan.release.relation.most_pairs();
    let most = (ROWS_AT_ONCE / pairs.max(1)).clamp(1, PATIENTS_AT_ONCE);
    let (mut pieces, mut start) = (Vec::new(), 0);
    while start < patients.count() {
        let mut end = start.saturating_add(most).min(patients.count());
        while end - start > 1 && patients.most_rows(start..end) > ROWS_AT_ONCE {
            end = start + (end - start) / 2;
        }
        pieces.push(start..end);
        start = end;
    }
    pieces
}

/// Exact totals of all groups. Patients are divided over the processors: nothing that one patient adds depends on another.
fn totals(
    plan: &PrivatePlan,
    tables: &PatientTables,
    watch: &(dyn Fn(u32) + Sync),
) -> Result<Totals, RunError> {
    let patients = Patients::of(&plan.release, tables)?;
    let count = patients.count();
    let processors = std::thread::available_parallelism().map_or(1, usize::from) as u32;
    let threads = processors.min(count.div_ceil(PATIENTS_OF_A_THREAD)).max(1);
    let (pieces, next) = (pieces(plan, &patients), AtomicUsize::new(0));
    let work = || {
        let mut totals = Totals::new(&plan.release);
        while let Some(piece) = pieces.get(next.fetch_add(1, Relaxed)) {
            watch((u64::from(piece.start) * 100 / u64::from(count)) as u32);
            let rows = relation::rows(&plan.release.relation, &patients, piece.clone());
            totals.add(&plan.release, &rows);
        }
        totals
    };
    // Also where one is enough: what fails in a thread ends the question and not the program.
    std::thread::scope(|scope| {
        let worker =
            || std::thread::Builder::new().stack_size(WORKER_STACK).spawn_scoped(scope, work);
        let workers = (0..threads).map(|_| worker().map_err(|_| RunError::Engine));
        let workers = workers.collect::<Result<Vec<_>, _>>()?;
        let parts = workers.into_iter().map(|worker| worker.join().map_err(|_| RunError::Engine));
        let mut parts = parts.collect::<Result<Vec<_>, _>>()?.into_iter();
        let first = parts.next().ok_or(RunError::Engine)?;
        Ok(parts.fold(first, Totals::merge))
    })
}

#[cfg(test)]
mod tests;
