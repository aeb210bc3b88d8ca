//! A question that may be answered: what is counted, how far one patient can move it, what it costs, what happens afterwards.

mod cost;
mod leaves;
mod work;

use std::{collections::BTreeSet, fmt, sync::Arc};

use sha2::{Digest, Sha256};

pub use self::cost::{AggregateCost, Cost, ErrorOf, ExpectedError};
pub(crate) use self::{leaves::Leaves, work::MOST_STEPS};
use crate::{
    Answer, ColumnKind, Epsilon, Loss, Mechanism, NoiseScale,
    grid::Grid,
    noise::{Influence, Share},
    scalar::{Bounds, Key, Kind, Scalar, Steps},
};

/// A checked question. Made by [`crate::check`] only; running it is private by construction.
#[derive(Clone, Debug)]
pub struct PrivatePlan {
    pub(crate) loss: Loss,
    pub(crate) release: ReleasePlan,
    /// What happens to the released numbers: it sees nothing else.
    pub(crate) steps: Vec<Step>,
    /// Names of the columns that are shown.
    pub(crate) names: Vec<String>,
    /// What is left out or held by rule, in sentences.
    pub(crate) rules: Vec<String>,
}

/// The part of a question that reads rows and adds noise.
#[derive(Clone, Debug)]
pub(crate) struct ReleasePlan {
    pub mechanism: Mechanism,
    pub tables: Vec<TableRef>,
    pub relation: Relation,
    /// Expressions over the relation that groups and aggregates read.
    pub arguments: Vec<Scalar>,
    pub groups: Vec<GroupColumn>,
    pub limits: RowLimits,
    /// Where groups are not published: which of them are shown.
    pub threshold: Option<Threshold>,
    pub aggregates: Vec<Aggregate>,
}

/// A table and its patient column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TableRef {
    pub name: String,
    pub person: String,
    /// Columns that can be read, each with its bounds: values outside count as the bound.
    pub columns: Vec<ColumnRef>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColumnRef {
    pub name: String,
    pub kind: Kind,
    pub bounds: Option<Bounds>,
    /// Whether the question reads it.
    pub needed: bool,
}

/// Rows of patients: every operation works on the rows of one patient at a time, so that no row of one patient can change what comes out
/// for another.
#[derive(Clone, Debug)]
pub(crate) enum Relation {
    /// A table: the patient column first, then its columns.
    Scan { table: usize },
    /// Of each patient the first rows in stored order.
    First { input: Box<Relation>, rows: u32 },
    /// Rows for which a condition holds.
    Filter { input: Box<Relation>, condition: Scalar },
    /// Expressions over each row.
    Project { input: Box<Relation>, columns: Vec<Scalar> },
    /// All pairs of a patient's rows for which the condition holds; with `outer` also left rows without a partner.
    Join {
        left: Box<Relation>,
        right: Box<Relation>,
        condition: Option<Scalar>,
        outer: bool,
        /// Columns of the left side.
        width: usize,
        /// Which columns somebody reads; others hold nothing.
        needed: Vec<bool>,
    },
    /// Rows of patients who have (or have not) a row in the other relation.
    Having { input: Box<Relation>, other: Box<Relation>, present: bool },
    /// One row for each group of a patient's rows: keys, then aggregates.
    Within {
        input: Box<Relation>,
        keys: Vec<Scalar>,
        aggregates: Vec<PersonAggregate>,
        /// Whether all rows of a patient are in one group.
        one: bool,
    },
}

impl Relation {
    /// The most pairs of rows that one patient can have in a join, by the numbers that both sides are held to; 1 where no join is of
    /// several rows with several.
    pub fn most_pairs(&self) -> u32 {
        self.rows_and_pairs().1
    }

    /// The rows for which a condition holds. Of a join, a part of it that reads one side alone is asked of that side's rows, once each
    /// and not once for each pair; that rows are left out decides nothing of which pairs are made.
    pub fn filtered(self, condition: Scalar) -> Self {
        let parts = match condition {
            Scalar::All(parts) => parts,
            one => vec![one],
        };
        match self {
            Self::Join { left, right, condition, outer, width, needed } => {
                let (mut of_left, mut of_right, mut of_both) = (Vec::new(), Vec::new(), Vec::new());
                for part in parts {
                    let mut read = BTreeSet::new();
                    part.columns(&mut read);
                    match (read.first(), read.last()) {
                        (Some(_), Some(last)) if *last < width => of_left.push(part),
                        (Some(first), Some(_)) if *first >= width && !outer => {
                            of_right.push(part.shifted(width));
                        }
                        _ => of_both.push(part),
                    }
                }
                let left = Box::new(left.filtered(Scalar::All(of_left)));
                let right = Box::new(right.filtered(Scalar::All(of_right)));
                let join = Self::Join { left, right, condition, outer, width, needed };
                join.held_to(of_both)
            }
            other => other.held_to(parts),
        }
    }

    fn held_to(self, parts: Vec<Scalar>) -> Self {
        match parts.is_empty() {
            true => self,
            false => Self::Filter { input: Box::new(self), condition: Scalar::All(parts) },
        }
    }

    /// How many rows a patient is held to, if to any number, and the most pairs below.
    fn rows_and_pairs(&self) -> (Option<u32>, u32) {
        match self {
            Self::Scan { .. } => (None, 1),
            Self::First { input, rows } => (Some(*rows), input.most_pairs()),
            Self::Within { input, one: true, .. } => (Some(1), input.most_pairs()),
            Self::Filter { input, .. }
            | Self::Project { input, .. }
            | Self::Within { input, .. } => input.rows_and_pairs(),
            Self::Having { input, other, .. } => {
                let (rows, pairs) = input.rows_and_pairs();
                (rows, pairs.max(other.most_pairs()))
            }
            Self::Join { left, right, .. } => {
                let (left, right) = (left.rows_and_pairs(), right.rows_and_pairs());
                let rows = left.0.zip(right.0).map(|(one, other)| one.saturating_mul(other));
                (rows, rows.unwrap_or(1).max(left.1).max(right.1))
            }
        }
    }
}

/// An exact aggregate of one patient's rows.
#[derive(Clone, Debug)]
pub(crate) struct PersonAggregate {
    pub function: PersonFunction,
    /// Absent for a count of rows.
    pub argument: Option<Scalar>,
    pub distinct: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PersonFunction {
    Count,
    Sum,
    Mean,
    Least,
    Greatest,
}

/// How many rows of a patient count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowLimits {
    /// In all; at least 1, as are the others.
    pub rows: u32,
    /// In each group.
    pub per_group: u32,
    /// In how many groups.
    pub groups: u32,
}

impl RowLimits {
    pub fn influence(self) -> Influence {
        Influence::new(self.rows, self.per_group, self.groups)
    }
}

/// A column that is grouped by.
#[derive(Clone, Debug)]
pub(crate) struct GroupColumn {
    pub name: String,
    /// Index into [`ReleasePlan::arguments`].
    pub argument: usize,
    pub kind: Kind,
    /// All groups that are answered, whatever the data holds; absent where they are not published.
    pub domain: Option<Arc<Vec<Key>>>,
}

/// A group that is not published is shown if its noisy number of patients is at least `least`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threshold {
    pub scale: NoiseScale,
    pub least: u64,
}

/// One number that is released for each group.
#[derive(Clone, Debug)]
pub(crate) struct Aggregate {
    /// As the question writes it.
    pub name: String,
    /// Index into [`ReleasePlan::arguments`]; absent where rows count whatever they hold.
    pub argument: Option<usize>,
    pub measure: Measure,
    pub share: Share,
}

/// What an aggregate releases, with the scale of each of its noises.
#[derive(Clone, Debug)]
pub(crate) enum Measure {
    /// Rows in which the argument has a value.
    Rows { scale: NoiseScale },
    /// Patients with at least one such row.
    Persons { scale: NoiseScale },
    /// Sum of the argument's values on its grid.
    Sum { grid: Grid, scale: NoiseScale },
    /// Sum of deviations from the middle of the bounds, over the count of values.
    Mean { grid: Grid, sum: NoiseScale, count: NoiseScale },
    /// From sums of deviations and of their squares, and the count of values.
    Variance {
        grid: Grid,
        sum: NoiseScale,
        squares: NoiseScale,
        count: NoiseScale,
        sample: bool,
        root: bool,
    },
    /// From a tree of counts over leaves between the bounds, the same scale at both levels.
    Quantile { leaves: Leaves, thousandth: u32, scale: NoiseScale },
}

/// One thing that happens after the noise.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Groups that were made by whole numbers are shown as the decimal numbers on whose steps these are, by group column. First, if at
    /// all, and no part of the question: the same numbers are released whatever they are called.
    Steps(Vec<Option<Steps>>),
    Project(Vec<Scalar>),
    Filter(Scalar),
    Sort(Vec<SortKey>),
    Limit {
        skip: usize,
        fetch: Option<usize>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct SortKey {
    pub scalar: Scalar,
    pub ascending: bool,
    pub nulls_first: bool,
}

/// What makes two charges the same question: the key under which the budget keeps charge and answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionKey(pub [u8; 32]);

impl fmt::Debug for QuestionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QuestionKey(")?;
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("..)")
    }
}

impl PrivatePlan {
    /// What the question costs, in plain epsilon.
    pub fn epsilon(&self) -> Epsilon {
        self.loss.epsilon
    }

    /// What the question takes from a budget.
    pub fn loss(&self) -> Loss {
        self.loss
    }

    /// The tables that the question reads, each once.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.release.tables.iter().map(|table| table.name.as_str())
    }

    /// The columns that the question reads of a table, the patient's first.
    pub fn columns(&self, table: &str) -> impl Iterator<Item = &str> {
        let read = self.release.tables.iter().filter(move |read| read.name == table);
        read.flat_map(|read| {
            let needed = read.columns.iter().filter(|column| column.needed);
            std::iter::once(read.person.as_str()).chain(needed.map(|column| column.name.as_str()))
        })
    }

    /// How many groups are answered, whatever the data holds: 1 without GROUP BY. `None` where groups are not published.
    pub fn group_count(&self) -> Option<usize> {
        self.release.group_count()
    }

    /// The key of this question in this `context`, SHA-256 over both.
    ///
    /// It covers what is released, not how it is shown: names, order and limits may differ. The context is what else must be equal for
    /// a recorded answer to stand: give the dataset version and the consent counter, so that an answer from before a revocation is not
    /// repeated after it.
    pub fn question_key(&self, context: &[u8]) -> QuestionKey {
        let mut hash = Sha256::new();
        let parts = [
            format!("{:?}", self.loss).into_bytes(),
            // The plan's own structure, in which every literal and bound is written out in full.
            format!("{:?}", self.release.anonymous()).into_bytes(),
            context.to_vec(),
        ];
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        QuestionKey(hash.finalize().into())
    }

    /// The answer, where it is known without asking and costs nothing: LIMIT 0, or an OFFSET beyond the last group, shows no rows.
    pub fn known_answer(&self) -> Option<Answer> {
        let most = self.steps.iter().fold(
            self.group_count().unwrap_or(usize::MAX),
            |rows, step| match step {
                Step::Limit { skip, fetch } => {
                    rows.saturating_sub(*skip).min(fetch.unwrap_or(usize::MAX))
                }
                _ => rows,
            },
        );
        (most == 0).then(|| Answer::free(self))
    }

    /// What is left out or held by rule, whatever the data holds, in sentences.
    pub fn rules(&self) -> &[String] {
        &self.rules
    }
}

impl ReleasePlan {
    pub fn group_count(&self) -> Option<usize> {
        let sizes =
            self.groups.iter().map(|group| group.domain.as_ref().map(|domain| domain.len()));
        sizes.product()
    }

    /// The plan without the names that the question gives.
    fn anonymous(&self) -> Self {
        let mut plan = self.clone();
        plan.groups.iter_mut().for_each(|group| group.name.clear());
        plan.aggregates.iter_mut().for_each(|aggregate| aggregate.name.clear());
        plan
    }
}

impl Aggregate {
    pub fn kind(&self) -> ColumnKind {
        match self.measure {
            Measure::Rows { .. } | Measure::Persons { .. } => ColumnKind::Count,
            Measure::Sum { .. } => ColumnKind::Sum,
            Measure::Mean { .. } => ColumnKind::Avg,
            Measure::Variance { root: false, .. } => ColumnKind::Variance,
            Measure::Variance { root: true, .. } => ColumnKind::Stddev,
            Measure::Quantile { .. } => ColumnKind::Quantile,
        }
    }

    /// Whether its numbers are whole.
    pub fn value_kind(&self) -> Kind {
        match &self.measure {
            Measure::Rows { .. } | Measure::Persons { .. } => Kind::Integer,
            Measure::Sum { grid, .. } if grid.whole => Kind::Integer,
            Measure::Quantile { leaves, .. } if leaves.whole() => Kind::Integer,
            _ => Kind::Decimal,
        }
    }
}
