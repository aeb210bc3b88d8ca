//! The budget: what each dataset may still give away, charged durably before anything is computed.
//!
//! One redb file holds limits, totals, charges and recorded answers. A charge and both its totals are one durable
//! transaction; so is a record. Therefore, whenever the process dies:
//!
//! - before the charge is durable: nothing was computed, nothing is spent;
//! - after it, before the answer is durable: the charge stands and [`Charge::Resumed`] lets the question be computed again without
//!   another charge. This is sound because nothing was released: **only bytes that [`BudgetLedger::record`] or
//!   [`Charge::Answered`] returned may leave the vault**, and a record once written is never replaced, so that one charge
//!   releases one answer even when two computations race for it;
//! - after that: [`Charge::Answered`] gives the recorded answer, free of charge.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use redb::{
    Database, ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction,
};

use crate::{Epsilon, EpsilonTotal, QuestionKey};

/// Limits by dataset: thousandths for all researchers together, thousandths for each of them.
const LIMITS: TableDefinition<'_, [u8; 32], (u64, u64)> = TableDefinition::new("limits");
/// Thousandths spent by dataset.
const SPENT: TableDefinition<'_, [u8; 32], u64> = TableDefinition::new("spent");
/// Thousandths spent by dataset and researcher.
const SPENT_BY: TableDefinition<'_, ([u8; 32], [u8; 20]), u64> = TableDefinition::new("spent_by");
/// Thousandths of each charge.
const CHARGES: TableDefinition<'_, ChargeKey, u32> = TableDefinition::new("charges");
/// Answers of charges.
const ANSWERS: TableDefinition<'_, ChargeKey, &[u8]> = TableDefinition::new("answers");

/// Dataset, researcher, question.
type ChargeKey = ([u8; 32], [u8; 20], [u8; 32]);

/// A dataset version, by the hash of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DatasetKey(pub [u8; 32]);

/// A researcher, by ledger address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResearcherKey(pub [u8; 20]);

/// The most that a dataset gives away over its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// To all researchers together.
    pub dataset: EpsilonTotal,
    /// To each researcher.
    pub researcher: EpsilonTotal,
}

/// Whose limit a charge met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetScope {
    /// The dataset's, for all researchers together.
    Dataset,
    /// The researcher's own on this dataset.
    Researcher,
}

impl fmt::Display for BudgetScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dataset => "of this dataset",
            Self::Researcher => "of this researcher on this dataset",
        })
    }
}

/// The right to compute one answer: its charge is durable.
#[derive(Debug)]
#[must_use = "a charge without a recorded answer has spent budget for nothing yet"]
pub struct ChargeToken {
    key: ChargeKey,
}

/// What a charge found.
#[derive(Debug)]
pub enum Charge {
    /// Charged now: compute, then record.
    Fresh(ChargeToken),
    /// Charged before, without a recorded answer (a crash, or another computation under way): compute, then record.
    Resumed(ChargeToken),
    /// Charged and answered before: these are the recorded bytes.
    Answered(Vec<u8>),
}

/// The budget did not allow a charge, or could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// Nobody has set a budget for the dataset.
    #[error(
        "This dataset has no privacy budget yet: its custodian sets one before questions are answered."
    )]
    NoLimit,
    /// A question must cost something.
    #[error(
        "A question with epsilon 0 can only be answered with pure noise: ask with a larger epsilon."
    )]
    Free,
    /// The budget does not reach.
    #[error(
        "The privacy budget {scope} has {left} left and the question asks for {asked}: ask with a smaller epsilon, repeat an earlier question (which is free), or wait for the next version of the dataset."
    )]
    Exhausted {
        /// Whose limit was met.
        scope: BudgetScope,
        /// Epsilon that is left.
        left: EpsilonTotal,
        /// Epsilon that was asked for.
        asked: Epsilon,
    },
    /// One key for two questions.
    #[error(
        "This question was charged before with epsilon {charged}: ask it with that epsilon again, or change the question."
    )]
    KeyReused {
        /// What the question was charged with.
        charged: Epsilon,
    },
    /// Another process has the file open.
    #[error("The budget file {} is in use by another process: stop that process, or give this one a folder of its own.", .0.display())]
    InUse(PathBuf),
    /// The file could not be opened or made.
    #[error("The budget file {} cannot be opened: check that it is this vault's budget file, its permissions and the disk's free space.", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the store said.
        #[source]
        source: Box<redb::Error>,
    },
    /// The totals do not match the charges.
    #[error(
        "The budget file is inconsistent: the totals of a dataset differ from the sum of its charges. Restore it from a backup."
    )]
    Inconsistent,
    /// The file could not be read or written.
    #[error(
        "The budget file cannot be read or written, so nothing was answered: check the disk's free space and the file's permissions."
    )]
    Storage(#[source] Box<redb::Error>),
}

impl<E: Into<redb::Error>> From<E> for BudgetError {
    fn from(error: E) -> Self {
        Self::Storage(Box::new(error.into()))
    }
}

/// The durable budget of all datasets of one vault.
pub struct BudgetLedger {
    file: Database,
}

impl BudgetLedger {
    /// Opens the budget file, or makes an empty one.
    ///
    /// # Errors
    /// [`BudgetError::InUse`] if another process has it open, [`BudgetError::Open`] if it is no budget file or cannot be read or written.
    pub fn open(path: &Path) -> Result<Self, BudgetError> {
        Self::open_or_make(path).map_err(|error| match error {
            redb::Error::DatabaseAlreadyOpen => BudgetError::InUse(path.to_owned()),
            other => BudgetError::Open { path: path.to_owned(), source: Box::new(other) },
        })
    }

    fn open_or_make(path: &Path) -> Result<Self, redb::Error> {
        let file = Database::create(path)?;
        let write = file.begin_write()?;
        create_tables(&write)?;
        write.commit()?;
        Ok(Self { file })
    }

    /// Sets what a dataset may give away. Limits below what is spent leave nothing.
    ///
    /// # Errors
    /// [`BudgetError::Storage`] if the file cannot be written.
    pub fn set_limits(&self, dataset: DatasetKey, limits: Limits) -> Result<(), BudgetError> {
        let write = self.file.begin_write()?;
        let value = (limits.dataset.milli(), limits.researcher.milli());
        write.open_table(LIMITS)?.insert(dataset.0, value)?;
        Ok(write.commit()?)
    }

    /// The limits of a dataset, `None` if nobody has set them.
    ///
    /// # Errors
    /// [`BudgetError::Storage`] if the file cannot be read.
    pub fn limits(&self, dataset: DatasetKey) -> Result<Option<Limits>, BudgetError> {
        let value = self.file.begin_read()?.open_table(LIMITS)?.get(dataset.0)?;
        Ok(value.map(|value| limits(value.value())))
    }

    /// Takes a question's epsilon from the budget of its dataset and researcher, durably before it returns.
    ///
    /// The same three keys are the same question: once answered, its recorded answer comes back without a charge.
    ///
    /// # Errors
    /// [`BudgetError::NoLimit`], [`BudgetError::Exhausted`], [`BudgetError::Free`], [`BudgetError::KeyReused`] if the question was
    /// charged with another epsilon, [`BudgetError::Storage`]. After any of them nothing new is charged, unless a storage error
    /// hit the commit itself; then the next call with the same keys finds out.
    pub fn charge(
        &self,
        dataset: DatasetKey,
        researcher: ResearcherKey,
        question: QuestionKey,
        epsilon: Epsilon,
    ) -> Result<Charge, BudgetError> {
        if epsilon.milli() == 0 {
            return Err(BudgetError::Free);
        }
        let key = (dataset.0, researcher.0, question.0);
        let write = self.file.begin_write()?;
        if let Some(earlier) = earlier_charge(&write, key, epsilon)? {
            write.abort()?;
            return Ok(earlier);
        }
        spend(&write, dataset, researcher, epsilon)?;
        write.open_table(CHARGES)?.insert(key, epsilon.milli())?;
        write.commit()?;
        Ok(Charge::Fresh(ChargeToken { key }))
    }

    /// Keeps the answer of a charge, durably, and returns the bytes to release: these, or the ones that were recorded first.
    ///
    /// # Errors
    /// [`BudgetError::Storage`] if the file cannot be written: release nothing; the charge stands and can be resumed.
    pub fn record(&self, token: ChargeToken, answer: &[u8]) -> Result<Vec<u8>, BudgetError> {
        let write = self.file.begin_write()?;
        {
            let mut answers = write.open_table(ANSWERS)?;
            if let Some(first) = answers.get(token.key)? {
                return Ok(first.value().to_vec());
            }
            answers.insert(token.key, answer)?;
        }
        write.commit()?;
        Ok(answer.to_vec())
    }

    /// What a dataset has given away.
    ///
    /// # Errors
    /// [`BudgetError::Storage`] if the file cannot be read.
    pub fn spent(&self, dataset: DatasetKey) -> Result<EpsilonTotal, BudgetError> {
        let value = self.file.begin_read()?.open_table(SPENT)?.get(dataset.0)?;
        Ok(EpsilonTotal::from_milli(value.map_or(0, |value| value.value())))
    }

    /// What a dataset has given to one researcher.
    ///
    /// # Errors
    /// [`BudgetError::Storage`] if the file cannot be read.
    pub fn spent_by(
        &self,
        dataset: DatasetKey,
        researcher: ResearcherKey,
    ) -> Result<EpsilonTotal, BudgetError> {
        let table = self.file.begin_read()?.open_table(SPENT_BY)?;
        let value = table.get((dataset.0, researcher.0))?;
        Ok(EpsilonTotal::from_milli(value.map_or(0, |value| value.value())))
    }

    /// What a researcher can still ask of a dataset: the lesser of what both limits leave.
    ///
    /// # Errors
    /// [`BudgetError::NoLimit`], [`BudgetError::Storage`].
    pub fn remaining(
        &self,
        dataset: DatasetKey,
        researcher: ResearcherKey,
    ) -> Result<EpsilonTotal, BudgetError> {
        let limits = self.limits(dataset)?.ok_or(BudgetError::NoLimit)?;
        let of_dataset = limits.dataset.left(self.spent(dataset)?);
        let of_researcher = limits.researcher.left(self.spent_by(dataset, researcher)?);
        Ok(of_dataset.min(of_researcher))
    }

    /// Checks that every total is the sum of its charges and that no answer is without its charge.
    ///
    /// # Errors
    /// [`BudgetError::Inconsistent`], [`BudgetError::Storage`].
    pub fn verify(&self) -> Result<(), BudgetError> {
        use std::collections::BTreeMap;
        let read = self.file.begin_read()?;
        let (mut by_dataset, mut by_researcher) = (BTreeMap::new(), BTreeMap::new());
        let charges = read.open_table(CHARGES)?;
        for charge in charges.iter()? {
            let (key, milli) = charge?;
            let (dataset, researcher, _) = key.value();
            *by_dataset.entry(dataset).or_insert(0_u64) += u64::from(milli.value());
            *by_researcher.entry((dataset, researcher)).or_insert(0_u64) +=
                u64::from(milli.value());
        }
        for answer in read.open_table(ANSWERS)?.iter()? {
            if charges.get(answer?.0.value())?.is_none() {
                return Err(BudgetError::Inconsistent);
            }
        }
        let mut totals = BTreeMap::new();
        for total in read.open_table(SPENT)?.iter()? {
            let (dataset, milli) = total?;
            totals.insert(dataset.value(), milli.value());
        }
        let mut totals_by = BTreeMap::new();
        for total in read.open_table(SPENT_BY)?.iter()? {
            let (key, milli) = total?;
            totals_by.insert(key.value(), milli.value());
        }
        let equal = totals == by_dataset && totals_by == by_researcher;
        if equal { Ok(()) } else { Err(BudgetError::Inconsistent) }
    }
}

impl fmt::Debug for BudgetLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BudgetLedger").finish_non_exhaustive()
    }
}

/// Makes the tables, so that reading an empty ledger finds them.
fn create_tables(write: &WriteTransaction) -> Result<(), TableError> {
    write.open_table(LIMITS)?;
    write.open_table(SPENT)?;
    write.open_table(SPENT_BY)?;
    write.open_table(CHARGES)?;
    write.open_table(ANSWERS)?;
    Ok(())
}

fn limits((dataset, researcher): (u64, u64)) -> Limits {
    Limits {
        dataset: EpsilonTotal::from_milli(dataset),
        researcher: EpsilonTotal::from_milli(researcher),
    }
}

/// What an earlier charge of this key left, if there was one.
fn earlier_charge(
    write: &WriteTransaction,
    key: ChargeKey,
    epsilon: Epsilon,
) -> Result<Option<Charge>, BudgetError> {
    let charges = write.open_table(CHARGES)?;
    let Some(charged) = charges.get(key)?.map(|milli| Epsilon::from_milli(milli.value())) else {
        return Ok(None);
    };
    if charged != epsilon {
        return Err(BudgetError::KeyReused { charged });
    }
    let answer = write.open_table(ANSWERS)?.get(key)?.map(|answer| answer.value().to_vec());
    Ok(Some(answer.map_or(Charge::Resumed(ChargeToken { key }), Charge::Answered)))
}

/// Adds epsilon to both totals, or refuses.
fn spend(
    write: &WriteTransaction,
    dataset: DatasetKey,
    researcher: ResearcherKey,
    asked: Epsilon,
) -> Result<(), BudgetError> {
    let limits = write.open_table(LIMITS)?.get(dataset.0)?.map(|value| limits(value.value()));
    let limits = limits.ok_or(BudgetError::NoLimit)?;
    let mut spent = write.open_table(SPENT)?;
    let before = spent.get(dataset.0)?.map_or(0, |milli| milli.value());
    let total = within(limits.dataset, before, asked, BudgetScope::Dataset)?;
    spent.insert(dataset.0, total)?;
    let mut spent_by = write.open_table(SPENT_BY)?;
    let key = (dataset.0, researcher.0);
    let before = spent_by.get(key)?.map_or(0, |milli| milli.value());
    let total = within(limits.researcher, before, asked, BudgetScope::Researcher)?;
    spent_by.insert(key, total)?;
    Ok(())
}

/// The new total in thousandths, if the limit allows it.
fn within(
    limit: EpsilonTotal,
    before: u64,
    asked: Epsilon,
    scope: BudgetScope,
) -> Result<u64, BudgetError> {
    let before = EpsilonTotal::from_milli(before);
    match before.plus(asked) {
        Some(total) if total <= limit => Ok(total.milli()),
        _ => Err(BudgetError::Exhausted { scope, left: limit.left(before), asked }),
    }
}

#[cfg(test)]
mod tests;
