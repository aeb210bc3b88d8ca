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
    fs::File,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use redb::{
    Database, ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction,
};

use crate::{Allowance, Delta, Epsilon, EpsilonTotal, Loss, LossTotal, QuestionKey, Rho};

/// Limits by dataset: epsilon and delta for all researchers together, epsilon and delta for each of them.
const LIMITS: TableDefinition<'_, [u8; 32], (u64, u64, u64, u64)> =
    TableDefinition::new("limits-2");
/// Losses by dataset: epsilon, delta, rho, slack.
const SPENT: TableDefinition<'_, [u8; 32], Units> = TableDefinition::new("spent-2");
/// Losses by dataset and researcher.
const SPENT_BY: TableDefinition<'_, ([u8; 32], [u8; 20]), Units> =
    TableDefinition::new("spent_by-2");
/// The loss of each charge.
const CHARGES: TableDefinition<'_, ChargeKey, Units> = TableDefinition::new("charges-2");
/// Answers of charges.
const ANSWERS: TableDefinition<'_, ChargeKey, &[u8]> = TableDefinition::new("answers");

/// Tables of the first layout, which knew epsilons only; [`upgrade`] takes them over.
mod first {
    use redb::TableDefinition;

    pub const LIMITS: TableDefinition<'_, [u8; 32], (u64, u64)> = TableDefinition::new("limits");
    pub const SPENT: TableDefinition<'_, [u8; 32], u64> = TableDefinition::new("spent");
    pub const SPENT_BY: TableDefinition<'_, ([u8; 32], [u8; 20]), u64> =
        TableDefinition::new("spent_by");
    pub const CHARGES: TableDefinition<'_, super::ChargeKey, u32> = TableDefinition::new("charges");
}

/// Dataset, researcher, question.
type ChargeKey = ([u8; 32], [u8; 20], [u8; 32]);

/// Epsilon in thousandths, delta in 1e-18, rho in 1e-12, slack in 1e-18.
type Units = (u64, u64, u64, u64);

fn units(total: LossTotal) -> Units {
    (total.epsilon.milli(), total.delta.atto(), total.rho.pico(), total.slack.atto())
}

fn total((epsilon, delta, rho, slack): Units) -> LossTotal {
    LossTotal {
        epsilon: EpsilonTotal::from_milli(epsilon),
        delta: Delta::from_atto(delta),
        rho: Rho::from_pico(rho),
        slack: Delta::from_atto(slack),
    }
}

/// One loss as a total.
fn single(loss: Loss) -> LossTotal {
    LossTotal {
        epsilon: EpsilonTotal::from_milli(loss.epsilon.milli().into()),
        delta: loss.delta,
        rho: loss.rho,
        slack: loss.slack,
    }
}

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
    pub dataset: Allowance,
    /// To each researcher.
    pub researcher: Allowance,
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
        "The privacy budget {scope} has {left} left and the question asks for {asked}: ask with a smaller epsilon, or repeat an earlier question, which is free."
    )]
    Exhausted {
        /// Whose limit was met.
        scope: BudgetScope,
        /// Epsilon that is left.
        left: EpsilonTotal,
        /// Epsilon that was asked for.
        asked: Epsilon,
    },
    /// The budget has not enough delta.
    #[error(
        "The privacy budget {scope} has delta {left} left and the question needs {asked}: ask with a smaller delta, or with Laplace noise over published groups, which needs none."
    )]
    ExhaustedDelta {
        /// Whose limit was met.
        scope: BudgetScope,
        /// Delta that is left.
        left: Delta,
        /// Delta that the question needs.
        asked: Delta,
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
    #[error("The budget file {} is in use by another process: wait until it ends, or stop it.", .0.display())]
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
    /// A part of the file is not what was written.
    #[error("The budget file {} is damaged, so that nothing can be answered: restore it from a backup.", .0.display())]
    Damaged(PathBuf),
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

/// Makes an empty budget file, which is there whole or not at all, and never takes the place of one that another process
/// made meanwhile.
fn make(path: &Path) -> Result<(), redb::Error> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let partial = tempfile::NamedTempFile::new_in(folder)?.into_temp_path();
    drop(Database::create(&partial)?);
    match partial.persist_noclobber(path) {
        Err(found) if found.error.kind() != ErrorKind::AlreadyExists => Err(found.error.into()),
        _ => Ok(File::open(folder)?.sync_all()?),
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
    /// [`BudgetError::InUse`] if another process has it open, [`BudgetError::Damaged`] if a part of it is not what was written,
    /// [`BudgetError::Open`] if it is no budget file or cannot be read or written.
    pub fn open(path: &Path) -> Result<Self, BudgetError> {
        // The store follows some damaged pages into a panic.
        let opened = std::panic::catch_unwind(|| Self::open_or_make(path));
        opened.unwrap_or_else(|_| Err(redb::Error::Corrupted(String::new()))).map_err(|error| {
            match error {
                redb::Error::DatabaseAlreadyOpen => BudgetError::InUse(path.to_owned()),
                redb::Error::Corrupted(_) => BudgetError::Damaged(path.to_owned()),
                other => BudgetError::Open { path: path.to_owned(), source: Box::new(other) },
            }
        })
    }

    fn open_or_make(path: &Path) -> Result<Self, redb::Error> {
        if !path.exists() {
            make(path)?;
        }
        // An empty file would be taken for one to be made: one with charges may have lost them.
        if path.metadata()?.len() == 0 {
            return Err(redb::Error::Corrupted("it is empty".to_owned()));
        }
        let mut file = Database::create(path)?;
        // Totals and answers are only believed once the checksums of all pages are.
        if !file.check_integrity()? {
            return Err(redb::Error::Corrupted("it had to be repaired".to_owned()));
        }
        let write = file.begin_write()?;
        create_tables(&write)?;
        upgrade(&write)?;
        write.commit()?;
        Ok(Self { file })
    }

    /// Sets what a dataset may give away. Limits below what is spent leave nothing.
    ///
    /// # Errors
    /// [`BudgetError::Storage`] if the file cannot be written.
    pub fn set_limits(&self, dataset: DatasetKey, limits: Limits) -> Result<(), BudgetError> {
        let write = self.file.begin_write()?;
        let (all, each) = (limits.dataset, limits.researcher);
        let value =
            (all.epsilon.milli(), all.delta.atto(), each.epsilon.milli(), each.delta.atto());
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

    /// Takes a question's loss from the budget of its dataset and researcher, durably before it returns.
    ///
    /// The same three keys are the same question: once answered, its recorded answer comes back without a charge.
    ///
    /// # Errors
    /// [`BudgetError::NoLimit`], [`BudgetError::Exhausted`], [`BudgetError::ExhaustedDelta`], [`BudgetError::Free`], [`BudgetError::KeyReused`] if the question was
    /// charged with another loss, [`BudgetError::Storage`]. After any of them nothing new is charged, unless a storage error
    /// hit the commit itself; then the next call with the same keys finds out.
    pub fn charge(
        &self,
        dataset: DatasetKey,
        researcher: ResearcherKey,
        question: QuestionKey,
        loss: Loss,
    ) -> Result<Charge, BudgetError> {
        if loss.epsilon.milli() == 0 {
            return Err(BudgetError::Free);
        }
        let key = (dataset.0, researcher.0, question.0);
        let write = self.file.begin_write()?;
        if let Some(earlier) = earlier_charge(&write, key, loss)? {
            write.abort()?;
            return Ok(earlier);
        }
        spend(&write, dataset, researcher, loss)?;
        write.open_table(CHARGES)?.insert(key, units(single(loss)))?;
        write.commit()?;
        Ok(Charge::Fresh(ChargeToken { key }))
    }

    /// What an earlier charge of this question left, `None` if there was none; nothing is charged.
    ///
    /// # Errors
    /// As [`BudgetLedger::charge`].
    pub fn recorded(
        &self,
        dataset: DatasetKey,
        researcher: ResearcherKey,
        question: QuestionKey,
    ) -> Result<Option<Vec<u8>>, BudgetError> {
        let answers = self.file.begin_read()?.open_table(ANSWERS)?;
        let answer = answers.get((dataset.0, researcher.0, question.0))?;
        Ok(answer.map(|answer| answer.value().to_vec()))
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

    /// What a dataset has given away: the plain sum of epsilons.
    ///
    /// # Errors
    /// [`BudgetError::Storage`] if the file cannot be read.
    pub fn spent(&self, dataset: DatasetKey) -> Result<EpsilonTotal, BudgetError> {
        Ok(self.losses(dataset)?.epsilon)
    }

    /// What a dataset has given to one researcher: the plain sum of epsilons.
    ///
    /// # Errors
    /// [`BudgetError::Storage`] if the file cannot be read.
    pub fn spent_by(
        &self,
        dataset: DatasetKey,
        researcher: ResearcherKey,
    ) -> Result<EpsilonTotal, BudgetError> {
        Ok(self.losses_by(dataset, researcher)?.epsilon)
    }

    /// All that a dataset has given away.
    ///
    /// # Errors
    /// [`BudgetError::Storage`] if the file cannot be read.
    pub fn losses(&self, dataset: DatasetKey) -> Result<LossTotal, BudgetError> {
        let value = self.file.begin_read()?.open_table(SPENT)?.get(dataset.0)?;
        Ok(value.map_or(LossTotal::default(), |value| total(value.value())))
    }

    /// All that a dataset has given to one researcher.
    ///
    /// # Errors
    /// [`BudgetError::Storage`] if the file cannot be read.
    pub fn losses_by(
        &self,
        dataset: DatasetKey,
        researcher: ResearcherKey,
    ) -> Result<LossTotal, BudgetError> {
        let table = self.file.begin_read()?.open_table(SPENT_BY)?;
        let value = table.get((dataset.0, researcher.0))?;
        Ok(value.map_or(LossTotal::default(), |value| total(value.value())))
    }

    /// What both limits leave to a researcher: the dataset's, and their own.
    ///
    /// # Errors
    /// [`BudgetError::NoLimit`], [`BudgetError::Storage`].
    pub fn left(
        &self,
        dataset: DatasetKey,
        researcher: ResearcherKey,
    ) -> Result<Limits, BudgetError> {
        let limits = self.limits(dataset)?.ok_or(BudgetError::NoLimit)?;
        Ok(Limits {
            dataset: limits.dataset.left(self.losses(dataset)?),
            researcher: limits.researcher.left(self.losses_by(dataset, researcher)?),
        })
    }

    /// Whether both limits allow a loss. Nothing is charged.
    ///
    /// # Errors
    /// [`BudgetError::NoLimit`], [`BudgetError::Storage`].
    pub fn allows(
        &self,
        dataset: DatasetKey,
        researcher: ResearcherKey,
        loss: Loss,
    ) -> Result<bool, BudgetError> {
        let limits = self.limits(dataset)?.ok_or(BudgetError::NoLimit)?;
        let fits = |spent, limit: Allowance| limit.with(spent, loss).is_some();
        Ok(fits(self.losses(dataset)?, limits.dataset)
            && fits(self.losses_by(dataset, researcher)?, limits.researcher))
    }

    /// What a researcher can still ask of a dataset: the lesser epsilon of what both limits leave.
    ///
    /// # Errors
    /// [`BudgetError::NoLimit`], [`BudgetError::Storage`].
    pub fn remaining(
        &self,
        dataset: DatasetKey,
        researcher: ResearcherKey,
    ) -> Result<EpsilonTotal, BudgetError> {
        let left = self.left(dataset, researcher)?;
        Ok(left.dataset.epsilon.min(left.researcher.epsilon))
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
            let (key, value) = charge?;
            let (dataset, researcher, _) = key.value();
            add(by_dataset.entry(dataset).or_default(), value.value())?;
            add(by_researcher.entry((dataset, researcher)).or_default(), value.value())?;
        }
        for answer in read.open_table(ANSWERS)?.iter()? {
            if charges.get(answer?.0.value())?.is_none() {
                return Err(BudgetError::Inconsistent);
            }
        }
        let mut totals = BTreeMap::new();
        for total in read.open_table(SPENT)?.iter()? {
            let (dataset, value) = total?;
            totals.insert(dataset.value(), value.value());
        }
        let mut totals_by = BTreeMap::new();
        for total in read.open_table(SPENT_BY)?.iter()? {
            let (key, value) = total?;
            totals_by.insert(key.value(), value.value());
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

/// Takes over what the first layout of the file holds: all its questions had Laplace noise over published groups.
fn upgrade(write: &WriteTransaction) -> Result<(), redb::Error> {
    let names = write.list_tables()?.map(|table| redb::TableHandle::name(&table).to_owned());
    if !names.collect::<Vec<_>>().iter().any(|name| name == "charges") {
        return Ok(());
    }
    {
        let mut limits = write.open_table(LIMITS)?;
        for limit in write.open_table(first::LIMITS)?.iter()? {
            let (dataset, value) = limit?;
            let (all, each) = value.value();
            limits.insert(dataset.value(), (all, 0, each, 0))?;
        }
        let (mut charges, mut spent, mut spent_by) =
            (write.open_table(CHARGES)?, write.open_table(SPENT)?, write.open_table(SPENT_BY)?);
        for charge in write.open_table(first::CHARGES)?.iter()? {
            let (key, milli) = charge?;
            let (dataset, researcher, _) = key.value();
            let loss = Loss::pure(Epsilon::from_milli(milli.value()), Delta::ZERO);
            let plus = |before: Option<Units>| {
                let before = before.map_or(LossTotal::default(), total);
                // Sums that fitted their range in thousandths of epsilon may pass it in the square: then they stop at its end.
                units(
                    before
                        .plus(loss)
                        .unwrap_or(LossTotal { rho: Rho::from_pico(u64::MAX), ..before }),
                )
            };
            let of_dataset = plus(spent.get(dataset)?.map(|value| value.value()));
            spent.insert(dataset, of_dataset)?;
            let of_researcher =
                plus(spent_by.get((dataset, researcher))?.map(|value| value.value()));
            spent_by.insert((dataset, researcher), of_researcher)?;
            charges.insert(key.value(), units(single(loss)))?;
        }
    }
    write.delete_table(first::LIMITS)?;
    write.delete_table(first::SPENT)?;
    write.delete_table(first::SPENT_BY)?;
    write.delete_table(first::CHARGES)?;
    Ok(())
}

/// Adds a charge to a sum of charges.
fn add(sum: &mut Units, charge: Units) -> Result<(), BudgetError> {
    let parts = [
        (&mut sum.0, charge.0),
        (&mut sum.1, charge.1),
        (&mut sum.2, charge.2),
        (&mut sum.3, charge.3),
    ];
    for (sum, part) in parts {
        *sum = sum.checked_add(part).ok_or(BudgetError::Inconsistent)?;
    }
    Ok(())
}

fn limits((all, all_delta, each, each_delta): (u64, u64, u64, u64)) -> Limits {
    let allowance = |epsilon, delta| Allowance {
        epsilon: EpsilonTotal::from_milli(epsilon),
        delta: Delta::from_atto(delta),
    };
    Limits { dataset: allowance(all, all_delta), researcher: allowance(each, each_delta) }
}

/// What an earlier charge of this key left, if there was one.
fn earlier_charge(
    write: &WriteTransaction,
    key: ChargeKey,
    loss: Loss,
) -> Result<Option<Charge>, BudgetError> {
    let charges = write.open_table(CHARGES)?;
    let Some(charged) = charges.get(key)?.map(|value| value.value()) else {
        return Ok(None);
    };
    if charged != units(single(loss)) {
        let milli = u32::try_from(charged.0).unwrap_or(u32::MAX);
        return Err(BudgetError::KeyReused { charged: Epsilon::from_milli(milli) });
    }
    let answer = write.open_table(ANSWERS)?.get(key)?.map(|answer| answer.value().to_vec());
    Ok(Some(answer.map_or(Charge::Resumed(ChargeToken { key }), Charge::Answered)))
}

/// Adds a loss to both totals, or refuses.
fn spend(
    write: &WriteTransaction,
    dataset: DatasetKey,
    researcher: ResearcherKey,
    asked: Loss,
) -> Result<(), BudgetError> {
    let limits = write.open_table(LIMITS)?.get(dataset.0)?.map(|value| limits(value.value()));
    let limits = limits.ok_or(BudgetError::NoLimit)?;
    let mut spent = write.open_table(SPENT)?;
    let before = spent.get(dataset.0)?.map_or(LossTotal::default(), |value| total(value.value()));
    let after = within(limits.dataset, before, asked, BudgetScope::Dataset)?;
    spent.insert(dataset.0, units(after))?;
    let mut spent_by = write.open_table(SPENT_BY)?;
    let key = (dataset.0, researcher.0);
    let before = spent_by.get(key)?.map_or(LossTotal::default(), |value| total(value.value()));
    let after = within(limits.researcher, before, asked, BudgetScope::Researcher)?;
    spent_by.insert(key, units(after))?;
    Ok(())
}

/// The new total, if the limit allows it.
fn within(
    limit: Allowance,
    before: LossTotal,
    asked: Loss,
    scope: BudgetScope,
) -> Result<LossTotal, BudgetError> {
    limit.with(before, asked).ok_or_else(|| {
        let most = limit.delta_of_one();
        if asked.delta > most {
            return BudgetError::ExhaustedDelta { scope, left: most, asked: asked.delta };
        }
        let left = limit.left(before);
        // Whether a larger epsilon would have helped tells which of the two is short.
        let plenty = Allowance { epsilon: EpsilonTotal::from_milli(u64::MAX), ..limit };
        match plenty.with(before, asked).is_some() {
            true => BudgetError::Exhausted { scope, left: left.epsilon, asked: asked.epsilon },
            false => BudgetError::ExhaustedDelta { scope, left: left.delta, asked: asked.delta },
        }
    })
}

#[cfg(test)]
mod tests;
