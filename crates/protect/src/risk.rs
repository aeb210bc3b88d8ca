//! What somebody can still do with a released table: the risk in numbers, and an attack that is really run.
//!
//! The three attackers are those of the literature on disclosure control (El Emam and others 2009 on prosecutor,
//! journalist and marketer): one who looks for a person known to be in the table, one who looks for anybody of a
//! population, and one who wants to link as many rows as possible.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::table::{Column, Table};

/// A row is counted as at risk if the chance of finding out whose it is exceeds one in five, a usual bound for classes of
/// at least five.
const THRESHOLD: f64 = 0.2;

/// What an attacker can still do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Risk {
    /// Finding the row of a person who is known to be in the table. Where persons have several rows, a row of its class
    /// is taken by chance, and it is found if it is one of the person's.
    pub prosecutor: RowRisk,
    /// Finding the row of a person of the population. Without a population it is the table itself.
    pub journalist: RowRisk,
    /// Linking as many rows as possible: the share of rows that are linked rightly, on average.
    pub marketer: Marketer,
    /// Rows that nobody is like.
    pub uniqueness: Uniqueness,
    /// The attack that was run.
    pub linkage: Linkage,
}

/// The chance of finding out whose a row is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RowRisk {
    /// For the row that is the easiest to find.
    pub highest: f64,
    /// Over all released rows.
    pub average: f64,
    /// Share of the released rows whose chance is above the threshold.
    pub at_risk: f64,
    /// The threshold.
    pub threshold: f64,
}

/// What a marketer can do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Marketer {
    /// Share of the released rows that are linked rightly on average.
    pub rate: f64,
    /// As a number of rows.
    pub rows: f64,
}

/// Rows whose quasi-identifiers nobody else has.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Uniqueness {
    /// In the table as it came. Where persons have several rows, those like no other person's.
    pub before: u64,
    /// Their share.
    pub before_share: f64,
    /// In the release.
    pub after: u64,
    /// Their share.
    pub after_share: f64,
}

/// The result of an attack by somebody who knows the quasi-identifiers of everybody in the original table, generalizes
/// them as the release does, and takes one of the released rows that fit by chance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Linkage {
    /// Persons who were attacked: all rows of the original table.
    pub targets: u64,
    /// Persons to whom some released row fits.
    pub matched: u64,
    /// Persons to whom exactly one released row fits, or rows of one person only.
    pub matched_one: u64,
    /// Persons for whom the row that was taken was theirs.
    pub correct: u64,
    /// Their share of all persons.
    pub success_rate: f64,
    /// The share that is expected over all chances of the attacker; none in an account of an earlier version.
    #[serde(default)]
    pub expected_rate: Option<f64>,
    /// The share of the same attack on the table as it came.
    pub success_rate_before: f64,
    /// For each sensitive column, what guessing the most frequent value among the fitting rows gains.
    pub sensitive: BTreeMap<String, Inference>,
    /// The seed of the attacker's chances.
    pub seed: u64,
}

/// Guessing a sensitive value of everybody to whom a released row fits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inference {
    /// Share that was guessed rightly.
    pub success_rate: f64,
    /// Share that the most frequent value of the whole release is right for.
    pub baseline: f64,
}

/// What is attacked, and what the attacker's success is measured with.
pub(crate) struct Attacked<'a> {
    /// The table as it came.
    pub(crate) original: &'a Table,
    /// The table after Safe Harbor, whose quasi-identifiers the release generalizes.
    pub(crate) table: &'a Table,
    /// Its quasi-identifiers as the release would show them, for all rows.
    pub(crate) quasi: &'a [Column],
    pub(crate) sensitive: &'a [String],
    pub(crate) released: &'a Table,
    /// The original row of each released one.
    pub(crate) origin: &'a [u32],
    /// For each released class its rows and those of the population.
    pub(crate) population: Option<&'a [(u64, u64)]>,
    /// Whose row each of the original ones is, where somebody may have several.
    pub(crate) persons: Option<&'a [u32]>,
    pub(crate) seed: u64,
}

/// Assesses the risk and runs the attack.
pub(crate) fn assess(attacked: &Attacked<'_>) -> Risk {
    let released = columns(attacked.released, attacked.quasi);
    let after =
        persons(&classes(&released, attacked.released.rows()), |row| attacked.owner_of(row));
    let original = columns(attacked.original, attacked.quasi);
    let before = persons(&classes(&original, attacked.table.rows()), |row| attacked.person(row));
    // Each row may belong to any person of its class.
    let alike: Vec<(u64, u64)> =
        after.iter().map(|class| (class.values().sum(), class.len() as u64)).collect();
    let chances = after.iter().flat_map(|class| {
        let rows: u64 = class.values().sum();
        class.values().map(move |own| (*own, *own as f64 / rows as f64))
    });
    let prosecutor = row_risk(chances.collect());
    let journalist = attacked.population.map_or(prosecutor, |population| {
        let chance = |(rows, alike): &(u64, u64)| (*rows, 1.0 / (*alike).max(1) as f64);
        row_risk(population.iter().map(chance).collect())
    });
    let rows = attacked.released.rows() as f64;
    let in_population = attacked.population.unwrap_or(&alike);
    let expected: f64 =
        in_population.iter().map(|(rows, alike)| *rows as f64 / (*alike).max(1) as f64).sum();
    let ones = |classes: &[Persons]| -> u64 {
        let alone = classes.iter().filter(|class| class.len() == 1);
        alone.flat_map(BTreeMap::values).sum()
    };
    let share = |part: u64, whole: usize| part as f64 / whole.max(1) as f64;
    Risk {
        prosecutor,
        journalist,
        marketer: Marketer { rate: expected / rows.max(1.0), rows: expected },
        uniqueness: Uniqueness {
            before: ones(&before),
            before_share: share(ones(&before), attacked.table.rows()),
            after: ones(&after),
            after_share: share(ones(&after), attacked.released.rows()),
        },
        linkage: attack(attacked),
    }
}

/// The quasi-identifying columns of a table.
fn columns<'t>(table: &'t Table, quasi: &[Column]) -> Vec<&'t [u32]> {
    let found = quasi.iter().filter_map(|quasi| table.column(&quasi.name));
    found.map(|column| column.codes.as_slice()).collect()
}

/// The rows of each person in a class.
type Persons = BTreeMap<u32, u64>;

impl Attacked<'_> {
    /// Whose an original row is; each is somebody else's where nothing is said.
    fn person(&self, row: usize) -> u32 {
        self.persons.map_or(row as u32, |persons| persons[row])
    }

    /// Whose a released row is.
    fn owner_of(&self, released: usize) -> u32 {
        self.person(self.origin[released] as usize)
    }
}

/// By class: how many rows each person has in it.
fn persons(classes: &[u32], person: impl Fn(usize) -> u32) -> Vec<Persons> {
    let count = classes.iter().max().map_or(0, |most| *most as usize + 1);
    let mut persons = vec![Persons::new(); count];
    for (row, &class) in classes.iter().enumerate() {
        *persons[class as usize].entry(person(row)).or_default() += 1;
    }
    persons
}

/// Over rows of which so many have each chance of being found.
fn row_risk(chances: Vec<(u64, f64)>) -> RowRisk {
    let rows: u64 = chances.iter().map(|(rows, _)| rows).sum();
    let mut risk = RowRisk { highest: 0.0, average: 0.0, at_risk: 0.0, threshold: THRESHOLD };
    for (count, chance) in chances {
        let share = count as f64 / rows as f64;
        risk.highest = risk.highest.max(chance);
        risk.average += chance * share;
        risk.at_risk += if chance > THRESHOLD { share } else { 0.0 };
    }
    risk
}

/// Numbers the classes of rows that agree in all columns, in the order in which they first appear.
pub(crate) fn classes(columns: &[&[u32]], rows: usize) -> Vec<u32> {
    let mut class = vec![0_u32; rows];
    for column in columns {
        let mut numbers: HashMap<(u32, u32), u32> = HashMap::new();
        for (class, &code) in class.iter_mut().zip(*column) {
            let next = numbers.len() as u32;
            *class = *numbers.entry((*class, code)).or_insert(next);
        }
    }
    class
}

/// The attack: it sees the released table and the original quasi-identifiers, and nothing else.
fn attack(attacked: &Attacked<'_>) -> Linkage {
    let rows = attacked.table.rows();
    let mut chances = ChaCha8Rng::seed_from_u64(attacked.seed);
    let fits = Fits::find(attacked.quasi, attacked.released);
    let (mut matched, mut matched_one, mut correct) = (0, 0, 0);
    for target in 0..rows {
        let candidates = fits.of(target);
        if candidates.is_empty() {
            continue;
        }
        matched += 1;
        let owner = |row: u32| attacked.owner_of(row as usize);
        let first = owner(candidates[0]);
        matched_one += u64::from(candidates.iter().all(|&row| owner(row) == first));
        let taken = candidates[chances.random_range(0..candidates.len())];
        correct += u64::from(owner(taken) == attacked.person(target));
    }
    let before = attack_unprotected(attacked, &mut chances);
    let sensitive = attacked.sensitive.iter().filter_map(|name| {
        let (truth, shown) = (attacked.table.column(name)?, attacked.released.column(name)?);
        Some((name.clone(), infer(&fits, truth, shown, rows)))
    });
    Linkage {
        targets: rows as u64,
        matched,
        matched_one,
        correct,
        success_rate: correct as f64 / rows.max(1) as f64,
        expected_rate: Some(fits.expected(attacked)),
        success_rate_before: before as f64 / rows.max(1) as f64,
        sensitive: sensitive.collect(),
        seed: attacked.seed,
    }
}

/// The same attack on the table as it came: persons whose own row was taken.
fn attack_unprotected(attacked: &Attacked<'_>, chances: &mut ChaCha8Rng) -> u64 {
    let raw: Vec<Column> =
        attacked.quasi.iter().filter_map(|q| attacked.original.column(&q.name)).cloned().collect();
    let fits = Fits::find(&raw, attacked.original);
    let taken = |person: usize| {
        let candidates = fits.of(person);
        let taken = candidates[chances.random_range(0..candidates.len())];
        attacked.person(taken as usize) == attacked.person(person)
    };
    (0..attacked.table.rows()).map(taken).filter(|own| *own).count() as u64
}

/// The released rows that fit to each person.
struct Fits {
    /// For each person the class of released rows that fit.
    class: Vec<Option<u32>>,
    /// The rows of each class.
    rows: Vec<Vec<u32>>,
}

impl Fits {
    /// Compares the texts, column by column, as somebody does who has only the file.
    fn find(quasi: &[Column], released: &Table) -> Fits {
        let people = quasi.first().map_or(0, |column| column.codes.len());
        let mut class: Vec<Option<u32>> = vec![Some(0); people];
        let mut of_row = vec![0_u32; released.rows()];
        for known in quasi {
            let Some(shown) = released.column(&known.name) else { continue };
            let texts: HashMap<&str, u32> = shown
                .values
                .iter()
                .enumerate()
                .map(|(code, text)| (text.as_str(), code as u32))
                .collect();
            let code_of: Vec<Option<u32>> =
                known.values.iter().map(|text| texts.get(text.as_str()).copied()).collect();
            let mut numbers: HashMap<(u32, u32), u32> = HashMap::new();
            for (class, &code) in of_row.iter_mut().zip(&shown.codes) {
                let next = numbers.len() as u32;
                *class = *numbers.entry((*class, code)).or_insert(next);
            }
            for (class, &code) in class.iter_mut().zip(&known.codes) {
                let key = class.zip(code_of[code as usize]);
                *class = key.and_then(|key| numbers.get(&key).copied());
            }
        }
        let mut rows = vec![Vec::new(); of_row.iter().max().map_or(0, |most| *most as usize + 1)];
        of_row.iter().enumerate().for_each(|(row, &class)| rows[class as usize].push(row as u32));
        Fits { class, rows }
    }

    fn of(&self, person: usize) -> &[u32] {
        let class = self.class[person].and_then(|class| self.rows.get(class as usize));
        class.map_or(&[], Vec::as_slice)
    }
}

impl Fits {
    /// The share of persons who are found on average: each by the share of their own rows among those that fit to them.
    fn expected(&self, attacked: &Attacked<'_>) -> f64 {
        let own: Vec<BTreeMap<u32, u32>> = self
            .rows
            .iter()
            .map(|rows| {
                let mut own = BTreeMap::new();
                rows.iter()
                    .for_each(|&r| *own.entry(attacked.owner_of(r as usize)).or_default() += 1);
                own
            })
            .collect();
        let chance = |(target, class): (usize, &Option<u32>)| {
            let (own, rows) =
                class.and_then(|c| own.get(c as usize).zip(self.rows.get(c as usize)))?;
            let own = own.get(&attacked.person(target)).copied().unwrap_or(0);
            (!rows.is_empty()).then(|| f64::from(own) / rows.len() as f64)
        };
        let found: f64 = self.class.iter().enumerate().filter_map(chance).sum();
        found / self.class.len().max(1) as f64
    }
}

fn infer(fits: &Fits, truth: &Column, shown: &Column, people: usize) -> Inference {
    let most_frequent = |rows: &mut dyn Iterator<Item = u32>| -> Option<u32> {
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        rows.for_each(|row| *counts.entry(shown.codes[row as usize]).or_default() += 1);
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(code, _)| code)
    };
    let overall = most_frequent(&mut (0..shown.codes.len() as u32));
    let of_class: Vec<Option<u32>> =
        fits.rows.iter().map(|rows| most_frequent(&mut rows.iter().copied())).collect();
    let (mut guessed, mut right, mut right_anyway) = (0_u64, 0_u64, 0_u64);
    for person in 0..people {
        let Some(guess) = fits.class[person].and_then(|class| of_class[class as usize]) else {
            continue;
        };
        let value = truth.value(person);
        guessed += 1;
        right += u64::from(shown.values[guess as usize] == value);
        right_anyway += u64::from(overall.is_some_and(|code| shown.values[code as usize] == value));
    }
    let share = |part: u64| part as f64 / guessed.max(1) as f64;
    Inference { success_rate: share(right), baseline: share(right_anyway) }
}
