//! One table in, its release out: generalized by the policy's optimum, with what was done and what risk remains.
//!
//! The rows of a release are sorted by what they show, so that their order tells nothing of the order they came in.

mod open;
mod prepare;
mod reached;
mod told;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::generalization::GeneralizationError;
use crate::lattice::{self, Objective, Optimum, Problem, SearchError};
use crate::reduce::{self, Reduced, RemovedByColumn, Secrets};
use crate::risk::{self, Risk};
use crate::table::{Column, Table, TableError};
use crate::table_policy::{Role, TablePolicy, TablePolicyError};
use reached::Reached;

pub(crate) use prepare::{Prepared, Quasi};
pub use reached::SensitiveReached;
pub use told::Asked;

/// What is done under Safe Harbor, in words; the Data NFT names it by its hash. A table's account has it only where no
/// column keeps the release from it ([`Account::not_safe_harbor`]).
pub const METHOD: &str = "Safe Harbor (45 CFR 164.514(b)(2)); k-anonymity by full-domain generalization with suppression";
/// What is done without it.
const ANONYMITY: &str = "k-anonymity by full-domain generalization with suppression";

/// The seed by which the attacker of every report guesses, so that the result can be repeated.
pub const ATTACK_SEED: u64 = 1;

/// The files that a policy names, by the name it gives them.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A table that can be given away, and the account of how it came about.
pub struct Release {
    /// The released rows.
    pub table: Table,
    /// What was done.
    pub account: Account,
    /// Sizes of classes before and after, for charts.
    pub classes: ClassSizes,
}

/// What was done to a table: counts, choices and shares, and no value of any row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// What was applied, in words.
    pub method: String,
    /// Rows that came in.
    pub rows: u64,
    /// Rows that are released.
    pub released: u64,
    /// Rows that are left out.
    pub suppressed: u64,
    /// The level of each quasi-identifier, 0 showing the value itself.
    pub generalization: BTreeMap<String, usize>,
    /// How many levels each quasi-identifier has.
    pub levels: BTreeMap<String, usize>,
    /// Iyengar's loss, 0 to 1: for each quasi-identifier the mean over the rows of (leaves covered - 1) / (leaves - 1), a
    /// suppressed row counting 1; over them the geometric mean of 1 + x, minus 1.
    pub loss: f64,
    /// All measures of what was lost.
    pub measures: Measures,
    /// What was to be lost least.
    pub utility: String,
    /// How much of that is lost; none in an account of an earlier version.
    #[serde(default)]
    pub optimized: Option<f64>,
    /// What was asked for besides k; none in an account of an earlier version.
    #[serde(default)]
    pub asked: Option<Asked>,
    /// What an attacker can still do.
    pub risk: Risk,
    /// Persons of the smallest released class; each row is taken for a person where the policy names no column of persons.
    pub k: u64,
    /// Persons that were asked for.
    pub k_required: u32,
    /// Persons whose rows came in, where some have several; rows of nobody count as one person's.
    #[serde(default)]
    pub persons: Option<u64>,
    /// Of these, those with a released row.
    #[serde(default)]
    pub persons_released: Option<u64>,
    /// Fewest different values of a sensitive column in any class; none without sensitive columns.
    pub l: Option<u64>,
    /// Largest distance between a sensitive column's values in a class and those in the whole table.
    pub t: Option<f64>,
    /// The same for each sensitive column.
    pub sensitive: BTreeMap<String, SensitiveReached>,
    /// Lowest and highest share of the released rows among those of the population who look alike, over all classes of the
    /// population: 0 is the lowest where no released row is like somebody.
    pub delta: Option<(f64, f64)>,
    /// Classes that are released.
    pub classes: u64,
    /// Whether no generalization can be better.
    pub optimal: bool,
    /// Generalizations there are, as text since they may be very many.
    pub candidates: String,
    /// Generalizations whose classes were counted.
    pub counted: u64,
    /// What was removed by Safe Harbor: for each column how many identifiers of each kind.
    pub removed: BTreeMap<String, BTreeMap<String, u64>>,
    /// Columns that keep the release from being one by Safe Harbor, each with the reason in words. Empty where it is one,
    /// and where the policy does not ask for it.
    #[serde(default)]
    pub not_safe_harbor: BTreeMap<String, String>,
    /// Columns of whole numbers from 0 to 120, some of them over 89, of which neither the policy nor their name says what they
    /// are. They are released as they are: only the custodian knows whether they are ages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub may_be_ages: Vec<String>,
    /// The role of every column of the input; one without is not released.
    pub columns: BTreeMap<String, Option<String>>,
    /// What was done to a column of a single table before its role counted, in words.
    #[serde(default)]
    pub reductions: BTreeMap<String, String>,
    /// What the level of each quasi-identifier of a single table shows, in words.
    #[serde(default)]
    pub meanings: BTreeMap<String, String>,
}

/// What was lost, by the four measures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Iyengar's loss, 0 to 1.
    pub loss: f64,
    /// The sum over the rows of the size of their class; a suppressed row counts as many as there are rows.
    pub discernibility: f64,
    /// Released rows for each released class, without the normalization by k of LeFevre and others (2006); 0 where none is
    /// released.
    pub average_class_size: f64,
    /// Share of the quasi-identifiers' information that is lost, 0 to 1: non-uniform entropy (Gionis and Tassa 2009)
    /// over its largest possible value.
    pub entropy: f64,
}

/// How many rows were in classes of each size.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassSizes {
    /// By the size of the class of rows that agree in all quasi-identifiers as they came.
    pub before: BTreeMap<u64, u64>,
    /// By the size of the released class.
    pub after: BTreeMap<u64, u64>,
}

/// Why a table cannot be released.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The policy asks for something that makes no sense, or does not fit the table.
    #[error(transparent)]
    Policy(#[from] TablePolicyError),
    /// Nothing meets the policy.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The population cannot be read.
    #[error("the population: {0}")]
    Population(TableError),
    /// There is nothing to release.
    #[error("the table has no rows; there is nothing to protect")]
    NoRows,
    /// The release was checked and is not what it must be; it is withheld.
    #[error(
        "the release breaks the policy's {0}; it is withheld, and this is a fault of the program"
    )]
    Broken(&'static str),
}

impl ReleaseError {
    /// A hierarchy that does not fit, with its key.
    fn hierarchy(column: &str, error: &GeneralizationError) -> ReleaseError {
        let key = format!("columns.{column}.hierarchy");
        ReleaseError::Policy(TablePolicyError::new(key, error.to_string()))
    }
}

/// Makes the release of a table.
///
/// `files` are those that [`TablePolicy::files`] names. The attack that is run guesses by `seed`. Columns are reduced by
/// [`crate::reduce`] before anything else, so that hierarchies are over reduced values; the attacker knows the original.
///
/// # Errors
/// [`ReleaseError::Policy`] where policy and table do not fit, [`ReleaseError::Search`] where nothing meets the policy.
pub fn release(
    table: &Table,
    policy: &TablePolicy,
    files: &Files,
    secrets: &Secrets<'_>,
    seed: u64,
) -> Result<Release, ReleaseError> {
    if table.rows() == 0 {
        return Err(ReleaseError::NoRows);
    }
    check_columns(table, policy)?;
    let original = table;
    let reduced = reduce::reduce(table, policy, files, secrets);
    let population = prepare::population(policy, files, secrets)?;
    let prepared = Prepared::new(original, &reduced, population.as_ref(), policy, files)?;
    let Anonymous { table, mut account, classes, levels, .. } =
        anonymize(original, &prepared, policy, seed)?;
    account.reductions = told::reductions(&reduced, policy, secrets.key_kept);
    account.meanings = told::meanings(&prepared, &reduced, policy, &levels);
    if policy.safe_harbor {
        let year = secrets.today.year();
        account.not_safe_harbor = open::columns(original, &reduced, &table, policy, year);
        account.may_be_ages = open::may_be_ages(&table, policy);
        if !account.not_safe_harbor.is_empty() {
            let columns: Vec<&str> = account.not_safe_harbor.keys().map(String::as_str).collect();
            account.method = format!(
                "{ANONYMITY}, after a search for identifiers; no Safe Harbor release because of: {}",
                columns.join(", ")
            );
        }
    }
    let Reduced { removed, .. } = reduced;
    account.removed = told(removed);
    Ok(Release { table, account, classes })
}

/// A table that was made anonymous, and where its rows came from.
pub(crate) struct Anonymous {
    pub(crate) table: Table,
    /// For each of its rows the row of the prepared table.
    pub(crate) origin: Vec<u32>,
    /// The level of each quasi-identifier, in the order of the prepared ones.
    pub(crate) levels: Vec<usize>,
    pub(crate) account: Account,
    pub(crate) classes: ClassSizes,
}

/// Finds the policy's optimum for a prepared table, checks what it reached, and attacks it as somebody does who knows
/// the quasi-identifiers of `original`, the table as it came, which has as many rows.
pub(crate) fn anonymize(
    original: &Table,
    prepared: &Prepared<'_>,
    policy: &TablePolicy,
    seed: u64,
) -> Result<Anonymous, ReleaseError> {
    let table = prepared.table;
    let problem = prepared.problem(prepared.utility_costs(policy.utility), policy);
    let optimum = lattice::search(&problem)?;
    let classes = lattice::classify(&problem, &optimum.levels)?;
    let (released, origin) = show(table, prepared, policy, &optimum, &classes);
    let population = prepared.population_sizes(&classes, &optimum.levels);
    let reached = Reached::of(&released, &origin, prepared, population.as_deref());
    reached.check(&released, policy)?;
    let found = population
        .map(|sizes| sizes.into_iter().filter(|(rows, _)| *rows > 0).collect::<Vec<(u64, u64)>>());
    let risk = risk::assess(&risk::Attacked {
        original,
        table,
        quasi: &prepared.shown(&optimum.levels),
        sensitive: &prepared.sensitive_names(),
        released: &released,
        origin: &origin,
        population: found.as_deref(),
        persons: prepared.persons.as_deref(),
        seed,
    });
    let account = account(prepared, policy, &optimum, &reached, risk)?;
    let classes = ClassSizes { before: prepared.class_sizes_before(), after: reached.sizes };
    Ok(Anonymous { table: released, origin, levels: optimum.levels, account, classes })
}

fn account(
    prepared: &Prepared<'_>,
    policy: &TablePolicy,
    optimum: &Optimum,
    reached: &Reached,
    risk: Risk,
) -> Result<Account, SearchError> {
    let measures = measures(prepared, policy, optimum, reached)?;
    let names = || prepared.quasi.iter().map(|quasi| quasi.column.name.clone());
    let rows = prepared.table.rows() as u64;
    let columns = prepared.table.columns.iter().map(|column| {
        let role = policy.columns.get(&column.name).map(|rule| role_name(rule.role).to_owned());
        (column.name.clone(), role)
    });
    Ok(Account {
        method: if policy.safe_harbor { METHOD } else { ANONYMITY }.to_owned(),
        rows,
        released: rows - optimum.suppressed,
        suppressed: optimum.suppressed,
        generalization: names().zip(optimum.levels.iter().copied()).collect(),
        levels: names().zip(prepared.quasi.iter().map(|q| q.over.levels.len())).collect(),
        loss: measures.loss,
        optimized: Some(told::optimized(policy, prepared.is_weighted(), &measures, optimum.score)),
        measures,
        asked: Some(Asked::of(policy)),
        utility: utility_name(policy, prepared.is_weighted()).to_owned(),
        risk,
        k: reached.k,
        k_required: policy.k,
        persons: prepared
            .persons
            .as_ref()
            .map(|persons| persons.iter().max().map_or(0, |most| u64::from(*most) + 1)),
        persons_released: reached.persons,
        l: reached.sensitive.values().map(|reached| reached.distinct).min(),
        t: reached.sensitive.values().map(|reached| reached.distance).reduce(f64::max),
        sensitive: reached.sensitive.clone(),
        delta: reached.delta,
        classes: reached.classes,
        optimal: optimum.proven,
        candidates: optimum.candidates.to_string(),
        counted: optimum.counted,
        removed: BTreeMap::new(),
        not_safe_harbor: BTreeMap::new(),
        may_be_ages: Vec::new(),
        columns: columns.collect(),
        reductions: BTreeMap::new(),
        meanings: BTreeMap::new(),
    })
}

fn told(removed: RemovedByColumn) -> BTreeMap<String, BTreeMap<String, u64>> {
    let kinds = |kinds: crate::scrub::Removed| {
        kinds.into_iter().map(|(kind, n)| (kind.to_owned(), n)).collect()
    };
    removed.into_iter().map(|(column, removed)| (column, kinds(removed))).collect()
}

/// Every column that the policy names must be there.
fn check_columns(table: &Table, policy: &TablePolicy) -> Result<(), TablePolicyError> {
    let has =
        || table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ");
    let missing = |key: String| {
        Err(TablePolicyError::new(key, format!("the table has no such column; it has {}", has())))
    };
    if let Some(name) = policy.columns.keys().find(|name| table.column(name).is_none()) {
        return missing(format!("columns.{name}"));
    }
    match &policy.person {
        Some(name) if table.column(name).is_none() => missing("person".to_owned()),
        _ => Ok(()),
    }
}

/// The rows that stay, as they are shown, sorted by it; and where each of them came from.
fn show(
    table: &Table,
    prepared: &Prepared<'_>,
    policy: &TablePolicy,
    optimum: &Optimum,
    classes: &[Option<u32>],
) -> (Table, Vec<u32>) {
    let shown = prepared.shown(&optimum.levels);
    let columns: Vec<Column> = table
        .columns
        .iter()
        .filter_map(|column| match policy.columns.get(&column.name)?.role {
            Role::Identifying => None,
            Role::QuasiIdentifying => shown.iter().find(|s| s.name == column.name).cloned(),
            Role::Sensitive | Role::Insensitive => Some(column.clone()),
        })
        .collect();
    let ranks: Vec<Vec<u32>> = columns.iter().map(alphabetical).collect();
    let mut origin: Vec<u32> =
        (0..table.rows() as u32).filter(|&row| classes[row as usize].is_some()).collect();
    origin.sort_by(|&a, &b| {
        let key = |row: u32, (column, ranks): (&Column, &Vec<u32>)| {
            ranks[column.codes[row as usize] as usize]
        };
        let compared = columns.iter().zip(&ranks).map(|c| key(a, c).cmp(&key(b, c)));
        compared.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    });
    let sorted = columns.into_iter().map(|column| Column {
        codes: origin.iter().map(|&row| column.codes[row as usize]).collect(),
        ..column
    });
    (Table { columns: sorted.collect() }, origin)
}

/// The place of each value in alphabetical order.
fn alphabetical(column: &Column) -> Vec<u32> {
    let mut order: Vec<u32> = (0..column.values.len() as u32).collect();
    order.sort_by_key(|&code| &column.values[code as usize]);
    let mut ranks = vec![0; order.len()];
    for (rank, code) in order.into_iter().enumerate() {
        ranks[code as usize] = rank as u32;
    }
    ranks
}

fn measures(
    prepared: &Prepared<'_>,
    policy: &TablePolicy,
    optimum: &Optimum,
    reached: &Reached,
) -> Result<Measures, SearchError> {
    let released = prepared.table.rows() as u64 - optimum.suppressed;
    let problem = prepared.problem(prepared.loss_costs(), policy);
    let score = |objective: Objective| {
        lattice::score(&Problem { objective, ..problem.clone() }, &optimum.levels)
    };
    Ok(Measures {
        loss: score(Objective::Loss)?,
        discernibility: score(Objective::Discernibility)?,
        average_class_size: released as f64 / reached.classes.max(1) as f64,
        entropy: prepared.entropy(policy, &optimum.levels)?,
    })
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Identifying => "identifying",
        Role::QuasiIdentifying => "quasi-identifier",
        Role::Sensitive => "sensitive",
        Role::Insensitive => "insensitive",
    }
}

fn utility_name(policy: &TablePolicy, weighted: bool) -> &'static str {
    use crate::table_policy::Utility;
    match policy.utility {
        Utility::Loss if weighted => "weighted loss",
        Utility::Loss => "loss",
        Utility::Discernibility => "discernibility",
        Utility::AverageClassSize => "average_class_size",
        Utility::Entropy => "entropy",
    }
}
