//! The best generalization there is: which level of every quasi-identifier, and which rows to leave out.
//!
//! The candidates are all combinations of levels, ordered by "coarser in every attribute": a lattice. A candidate is
//! allowed if the rows in classes that break a privacy model are no more than may be left out. Among the allowed ones
//! the search finds one of the smallest [`Objective`], and proves it: nothing is a guess unless [`Optimum::proven`]
//! says so.
//!
//! What makes it fast:
//!
//! - Rows that agree in everything are one cell with a count, and a cell is a few packed words (`classes`). The
//!   classes of a coarser candidate are made from those of a finer one, never from the rows again.
//! - Without suppression the models are monotone, and single rows are asked as witnesses: one pass tells for every
//!   candidate at once how many rows each of a few rows is hidden among (`witness`).
//! - With suppression nothing but the size of classes and the number of their values is monotone. The walk
//!   (`walk`) goes from coarse to fine: whoever stands out in a coarse candidate stands out in every finer one, so
//!   that a coarse one bounds from below what the finer ones lose ([`score`]). Where a candidate has so many classes that
//!   counting them is slow, a sixteenth of them is counted first, which mostly is enough to rule it out.
//!
//! Sources: k-anonymity, Sweeney 2002; full-domain generalization and its monotonicity, LeFevre and others 2005
//! (Incognito); traversal of the lattice with tagging, Kohlmayer and others 2012 (Flash).

mod classes;
mod dense;
mod models;
mod score;
mod span;
mod walk;
mod witness;

use classes::Layout;

pub use models::{Closeness, Distance, Diversity, Presence, Sensitive, distance};
pub use score::Objective;

/// One quasi-identifier of every row, and how it can be made coarser.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// The leaf of every row, an index into [`Level::of_leaf`]; those of the population's rows come
    /// last, if there is a population (it contains the table's rows once more).
    pub leaves: Vec<u32>,
    /// Level by level from the finest, which shows the leaf itself. A higher level merges values and never splits any.
    pub levels: Vec<Level>,
}

/// One level of a hierarchy.
#[derive(Clone, Debug)]
pub struct Level {
    /// The value of each leaf, numbered from 0 without gaps.
    pub of_leaf: Vec<u32>,
    /// What a row loses that shows a value, by the value's number; at most [`Problem::full`] of the attribute.
    pub cost: Vec<u64>,
}

/// What is to be solved.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Rows that are to be released.
    pub rows: usize,
    /// The quasi-identifiers.
    pub attributes: Vec<Attribute>,
    /// What a row loses that is left out, for each attribute.
    pub full: Vec<u64>,
    /// Rows that must agree in all quasi-identifiers.
    pub k: u32,
    /// Sensitive attributes with what is asked of them.
    pub sensitive: Vec<Sensitive>,
    /// How sure one may be that somebody of a population is in the table. Needs rows of the population in the attributes.
    pub presence: Option<Presence>,
    /// Rows that may be left out.
    pub suppressible: u64,
    /// What is to be small.
    pub objective: Objective,
    /// Candidates whose classes may be counted before the search gives up proving; `None`: all it takes.
    pub patience: Option<u64>,
}

impl Problem {
    /// The attributes, the one with the most values first.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.attributes.len()).collect();
        let leaves = |a: &usize| self.attributes[*a].levels.first().map_or(0, |l| l.of_leaf.len());
        order.sort_by_key(|attribute| std::cmp::Reverse(leaves(attribute)));
        order
    }
}

/// The best candidate that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimum {
    /// The level of each quasi-identifier, in the order given.
    pub levels: Vec<usize>,
    /// Rows that are left out.
    pub suppressed: u64,
    /// The objective's value; see [`Objective`].
    pub score: f64,
    /// Whether no candidate can be better. Only [`Problem::patience`] makes it false.
    pub proven: bool,
    /// Candidates there are.
    pub candidates: u128,
    /// Candidates whose classes were counted.
    pub counted: u64,
}

/// Why a problem has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// Every candidate breaks a model.
    #[error(
        "no generalization of this table meets the policy; allow more suppression, lower k, l or the presence, or raise t"
    )]
    Nothing,
    /// The quasi-identifiers do not fit into a packed cell.
    #[error(
        "the quasi-identifiers have too many different values together ({0} bits, of 512); make some of them coarser first"
    )]
    TooWide(u32),
}

/// Finds the optimum.
///
/// Equal scores are decided for fewer suppressed rows, then for the lower levels of the first quasi-identifiers, so that
/// the same problem has the same answer on every machine.
///
/// # Errors
/// [`SearchError::Nothing`] if no candidate is allowed, [`SearchError::TooWide`] for more than 512 bits of cells.
pub fn search(problem: &Problem) -> Result<Optimum, SearchError> {
    let layout = Layout::of(problem);
    match layout.words {
        0 | 1 => solve::<1>(problem, &layout),
        2 => solve::<2>(problem, &layout),
        3 | 4 => solve::<4>(problem, &layout),
        5..=8 => solve::<8>(problem, &layout),
        _ => Err(SearchError::TooWide(layout.bits)),
    }
}

/// Which rows stay at these levels, and in which class each of them is; `None` for a row that is left out.
///
/// # Errors
/// [`SearchError::TooWide`] for more than 512 bits of cells.
pub fn classify(problem: &Problem, levels: &[usize]) -> Result<Vec<Option<u32>>, SearchError> {
    let layout = Layout::of(problem);
    match layout.words {
        0 | 1 => Ok(walk::classify::<1>(problem, &layout, levels)),
        2 => Ok(walk::classify::<2>(problem, &layout, levels)),
        3 | 4 => Ok(walk::classify::<4>(problem, &layout, levels)),
        5..=8 => Ok(walk::classify::<8>(problem, &layout, levels)),
        _ => Err(SearchError::TooWide(layout.bits)),
    }
}

/// The objective's value at these levels, allowed or not.
///
/// # Errors
/// [`SearchError::TooWide`] for more than 512 bits of cells.
pub fn score(problem: &Problem, levels: &[usize]) -> Result<f64, SearchError> {
    let layout = Layout::of(problem);
    match layout.words {
        0 | 1 => Ok(walk::score::<1>(problem, &layout, levels)),
        2 => Ok(walk::score::<2>(problem, &layout, levels)),
        3 | 4 => Ok(walk::score::<4>(problem, &layout, levels)),
        5..=8 => Ok(walk::score::<8>(problem, &layout, levels)),
        _ => Err(SearchError::TooWide(layout.bits)),
    }
}

fn solve<const W: usize>(problem: &Problem, layout: &Layout) -> Result<Optimum, SearchError> {
    let mut walk = walk::Walk::<W>::new(problem, layout);
    if problem.suppressible == 0 && walk.additive() && witness::fits(problem) {
        witness::search(&mut walk);
    } else {
        walk.search();
    }
    walk.optimum().ok_or(SearchError::Nothing)
}
