//! A table and a policy made into a problem that the search takes.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::{Files, ReleaseError};
use crate::generalization::{Generalization, HierarchyFile};
use crate::lattice::{
    self, Attribute, Closeness, Distance, Diversity, Objective, Problem, SearchError, Sensitive,
};
use crate::reduce::{self, Reduced, Secrets};
use crate::table::{Column, Table};
use crate::table_policy::{
    ClosenessPolicy, ColumnPolicy, DistanceName, Hierarchy, Role, TablePolicy, TablePolicyError,
    Utility,
};

/// Logarithms are counted in parts of this many, so that sums of them are whole numbers.
const BIT: f64 = (1 << 20) as f64;

/// A table with its hierarchies.
pub(crate) struct Prepared<'a> {
    pub(super) table: &'a Table,
    pub(super) quasi: Vec<Quasi>,
    pub(super) sensitive: Vec<(&'a Column, Sensitive)>,
    /// Whose row each is, where somebody may have several. Rows of nobody are taken for those of one person.
    pub(super) persons: Option<Vec<u32>>,
    /// Rows of the population, which follow those of the table in the quasi-identifiers' columns.
    population: usize,
}

/// A quasi-identifier.
pub(crate) struct Quasi {
    /// Of the table's rows, then of the population's.
    pub(crate) column: Column,
    pub(crate) over: Generalization,
    /// What the policy says it weighs.
    pub(crate) weight: Option<u32>,
}

/// What a row loses, and the objective over it.
pub(super) struct Costs {
    attributes: Vec<Attribute>,
    full: Vec<u64>,
    objective: Objective,
}

impl<'a> Prepared<'a> {
    /// A table with hierarchies that are known, and without a population.
    pub(crate) fn of(table: &'a Table, quasi: Vec<Quasi>) -> Prepared<'a> {
        Prepared { table, quasi, sensitive: Vec::new(), persons: None, population: 0 }
    }

    /// A table with the hierarchies that its policy names, reduced from `original`, and its [`population`].
    pub(super) fn new(
        original: &Table,
        reduced: &'a Reduced,
        population: Option<&Table>,
        policy: &TablePolicy,
        files: &Files,
    ) -> Result<Prepared<'a>, ReleaseError> {
        let table = &reduced.table;
        let mut prepared = Prepared {
            table,
            quasi: Vec::new(),
            sensitive: Vec::new(),
            persons: persons(original, policy),
            population: population.map_or(0, Table::rows),
        };
        for column in &table.columns {
            let Some(rule) = policy.columns.get(&column.name) else { continue };
            match rule.role {
                Role::QuasiIdentifying => {
                    let column = with_population(column, population)?;
                    let oldest = reduced.oldest(&column.name, rule);
                    let over = hierarchy(&column, rule, files, oldest)?
                        .unwrap_or_else(|| Generalization::flat(&column));
                    prepared.quasi.push(Quasi { column, over, weight: rule.weight });
                }
                Role::Sensitive => {
                    prepared.sensitive.push((column, sensitive(column, rule, files)?))
                }
                Role::Identifying | Role::Insensitive => {}
            }
        }
        prepared.check_population()?;
        Ok(prepared)
    }

    /// The problem with these costs. That so many persons look alike is a diversity: so many different ones.
    ///
    /// Where everybody of a population must be found in the release, no row can be left out, since nobody would be found
    /// of its class.
    pub(super) fn problem(&self, costs: Costs, policy: &TablePolicy) -> Problem {
        let rows = self.table.rows();
        let persons = self.persons.as_ref().map(|persons| Sensitive {
            distinct: persons.iter().max().map_or(0, |most| *most as usize + 1),
            values: persons.clone(),
            diversity: Some(Diversity::Distinct(policy.k)),
            closeness: None,
        });
        let sensitive = self.sensitive.iter().map(|(_, sensitive)| sensitive.clone());
        let presence = policy.delta.as_ref().map(|delta| delta.presence);
        let all_found = presence.is_some_and(|presence| presence.min > 0.0);
        let share = if all_found { 0.0 } else { policy.suppression };
        Problem {
            rows,
            attributes: costs.attributes,
            full: costs.full,
            k: policy.k,
            sensitive: sensitive.chain(persons).collect(),
            presence,
            suppressible: (rows as f64 * share + 1e-9) as u64,
            objective: costs.objective,
            patience: policy.patience,
        }
    }

    pub(super) fn utility_costs(&self, utility: Utility) -> Costs {
        match utility {
            Utility::Loss => Costs { objective: self.loss_objective(), ..self.loss_costs() },
            Utility::Entropy => self.entropy_costs(),
            Utility::Discernibility => {
                Costs { objective: Objective::Discernibility, ..self.loss_costs() }
            }
            Utility::AverageClassSize => {
                Costs { objective: Objective::AverageClassSize, ..self.loss_costs() }
            }
        }
    }

    /// Iyengar's loss, or with weights the weighted mean of what the quasi-identifiers lose.
    fn loss_objective(&self) -> Objective {
        if self.is_weighted() {
            Objective::Weighted(self.quasi.iter().map(|quasi| quasi.weight.unwrap_or(1)).collect())
        } else {
            Objective::Loss
        }
    }

    /// Whether the policy weighs any quasi-identifier.
    pub(super) fn is_weighted(&self) -> bool {
        self.quasi.iter().any(|quasi| quasi.weight.is_some())
    }

    /// Iyengar's.
    pub(super) fn loss_costs(&self) -> Costs {
        Costs {
            attributes: self
                .quasi
                .iter()
                .map(|quasi| quasi.over.attribute(&quasi.column))
                .collect(),
            full: self.quasi.iter().map(|quasi| quasi.over.full_cost()).collect(),
            objective: Objective::Loss,
        }
    }

    /// The logarithm of how many rows show a value: what is lost of a cell, but for the logarithm of how many have its
    /// own value, which no generalization changes.
    fn entropy_costs(&self) -> Costs {
        let rows = self.table.rows();
        let attributes = self.quasi.iter().map(|quasi| {
            let mut attribute = quasi.over.attribute(&quasi.column);
            for level in &mut attribute.levels {
                let mut frequency = vec![0_u64; level.cost.len()];
                for &leaf in &quasi.column.codes[..rows] {
                    frequency[level.of_leaf[leaf as usize] as usize] += 1;
                }
                level.cost = frequency.into_iter().map(bits).collect();
            }
            attribute
        });
        Costs {
            attributes: attributes.collect(),
            full: vec![bits(rows as u64); self.quasi.len()],
            objective: Objective::Weighted(vec![1; self.quasi.len()]),
        }
    }

    /// Share of the information lost at these levels.
    pub(super) fn entropy(
        &self,
        policy: &TablePolicy,
        levels: &[usize],
    ) -> Result<f64, SearchError> {
        let problem = self.problem(self.entropy_costs(), policy);
        let most = problem.full.iter().sum::<u64>() as f64 * problem.rows as f64;
        let own = |a: &Attribute| -> u64 {
            a.leaves[..problem.rows].iter().map(|leaf| a.levels[0].cost[*leaf as usize]).sum()
        };
        let unavoidable: u64 = problem.attributes.iter().map(own).sum();
        let lost = lattice::score(&problem, levels)? * most - unavoidable as f64;
        let possible = most - unavoidable as f64;
        Ok(if possible > 0.0 { (lost / possible).clamp(0.0, 1.0) } else { 0.0 })
    }

    /// The table's quasi-identifiers at these levels.
    pub(super) fn shown(&self, levels: &[usize]) -> Vec<Column> {
        let shown = self.quasi.iter().zip(levels).map(|(quasi, &level)| {
            let mut column = quasi.over.show(&quasi.column, level);
            column.codes.truncate(self.table.rows());
            column
        });
        shown.collect()
    }

    pub(super) fn sensitive_names(&self) -> Vec<String> {
        self.sensitive.iter().map(|(column, _)| column.name.clone()).collect()
    }

    /// For each class of the population how many released rows are in it, and how many of the population.
    pub(super) fn population_sizes(
        &self,
        classes: &[Option<u32>],
        levels: &[usize],
    ) -> Option<Vec<(u64, u64)>> {
        let rows = self.table.rows();
        let key = |row: usize| -> Vec<u32> {
            let of = |(quasi, &level): (&Quasi, &usize)| {
                quasi.over.levels[level].of[quasi.column.codes[row] as usize]
            };
            self.quasi.iter().zip(levels).map(of).collect()
        };
        if self.population == 0 {
            return None;
        }
        let mut sizes: HashMap<Vec<u32>, (u64, u64)> = HashMap::new();
        for (row, class) in classes.iter().enumerate() {
            if class.is_some() {
                sizes.entry(key(row)).or_default().0 += 1;
            }
        }
        for row in rows..rows + self.population {
            sizes.entry(key(row)).or_default().1 += 1;
        }
        Some(sizes.into_values().collect())
    }

    /// Rows by the size of the class of those that agree as they came.
    pub(super) fn class_sizes_before(&self) -> BTreeMap<u64, u64> {
        let columns: Vec<&[u32]> =
            self.quasi.iter().map(|quasi| &quasi.column.codes[..self.table.rows()]).collect();
        sizes(&crate::risk::classes(&columns, self.table.rows()))
    }

    /// Nobody may be in the table who is not in the population.
    fn check_population(&self) -> Result<(), TablePolicyError> {
        if self.population == 0 {
            return Ok(());
        }
        let all = self.table.rows() + self.population;
        let columns: Vec<&[u32]> =
            self.quasi.iter().map(|quasi| quasi.column.codes.as_slice()).collect();
        let classes = crate::risk::classes(&columns, all);
        let mut surplus = vec![0_i64; classes.len()];
        for (row, &class) in classes.iter().enumerate() {
            surplus[class as usize] += if row < self.table.rows() { -1 } else { 1 };
        }
        if surplus.iter().all(|surplus| *surplus >= 0) {
            return Ok(());
        }
        let what = "it lacks rows of the table; the population must contain everybody in the table";
        Err(TablePolicyError::new("delta.population", what))
    }
}

/// Whose row each is, by the policy's column of persons; `None` where each row is somebody else's.
fn persons(original: &Table, policy: &TablePolicy) -> Option<Vec<u32>> {
    let column = policy.person.as_ref().and_then(|name| original.column(name))?;
    let several = column.values.len() < column.codes.len();
    several.then(|| column.codes.clone())
}

/// Rows by the size of their class.
pub(super) fn sizes(classes: &[u32]) -> BTreeMap<u64, u64> {
    let mut rows = vec![0_u64; classes.iter().max().map_or(0, |most| *most as usize + 1)];
    classes.iter().for_each(|&class| rows[class as usize] += 1);
    let mut sizes = BTreeMap::new();
    for size in rows.into_iter().filter(|size| *size > 0) {
        *sizes.entry(size).or_default() += size;
    }
    sizes
}

/// The binary logarithm in parts of [`BIT`].
fn bits(number: u64) -> u64 {
    (f64::log2(number.max(1) as f64) * BIT).round() as u64
}

fn file<'f>(files: &'f Files, name: &str, key: &str) -> Result<&'f [u8], TablePolicyError> {
    let missing = || TablePolicyError::new(key, format!("the file {name} was not read"));
    files.get(name).map(Vec::as_slice).ok_or_else(missing)
}

/// The quasi-identifiers of the policy's population, reduced as those of the table are: else nobody over 89, and no postal
/// code of the table would be in it.
pub(super) fn population(
    policy: &TablePolicy,
    files: &Files,
    secrets: &Secrets<'_>,
) -> Result<Option<Table>, ReleaseError> {
    let Some(delta) = &policy.delta else { return Ok(None) };
    let bytes = file(files, &delta.population, "delta.population")?;
    let (mut table, _) = Table::read(bytes).map_err(ReleaseError::Population)?;
    let rule = |column: &Column| policy.columns.get(&column.name);
    table
        .columns
        .retain(|column| rule(column).is_some_and(|rule| rule.role == Role::QuasiIdentifying));
    Ok(Some(reduce::reduce(&table, policy, files, secrets).table))
}

fn with_population(
    column: &Column,
    population: Option<&Table>,
) -> Result<Column, TablePolicyError> {
    let mut all = column.clone();
    let Some(population) = population else { return Ok(all) };
    let Some(others) = population.column(&column.name) else {
        let what = format!("the population has no column '{}'", column.name);
        return Err(TablePolicyError::new("delta.population", what));
    };
    let mut codes: HashMap<&str, u32> = column
        .values
        .iter()
        .enumerate()
        .map(|(code, value)| (value.as_str(), code as u32))
        .collect();
    let mut own = Vec::with_capacity(others.values.len());
    for value in &others.values {
        let next = all.values.len() as u32;
        let code = *codes.entry(value.as_str()).or_insert(next);
        if code == next {
            all.values.push(value.clone());
        }
        own.push(code);
    }
    all.codes.extend(others.codes.iter().map(|&code| own[code as usize]));
    Ok(all)
}

fn hierarchy(
    column: &Column,
    rule: &ColumnPolicy,
    files: &Files,
    oldest: Option<f64>,
) -> Result<Option<Generalization>, ReleaseError> {
    let key = format!("columns.{}.hierarchy", column.name);
    let over = match &rule.hierarchy {
        None => return Ok(None),
        Some(Hierarchy::File(name)) => {
            HierarchyFile::read(file(files, name, &key)?).and_then(|file| file.over(column))
        }
        Some(Hierarchy::Generated(generator)) => generator.over_capped(column, oldest),
    };
    over.map(Some).map_err(|error| ReleaseError::hierarchy(&column.name, &error))
}

fn sensitive(
    column: &Column,
    rule: &ColumnPolicy,
    files: &Files,
) -> Result<Sensitive, ReleaseError> {
    let mut values = column.codes.clone();
    let closeness = match rule.closeness {
        None => None,
        Some(ClosenessPolicy { t, distance }) => {
            let distance = match distance {
                DistanceName::Equal => Distance::Equal,
                DistanceName::Ordered => {
                    let ranks = ranks(column)?;
                    values.iter_mut().for_each(|value| *value = ranks[*value as usize]);
                    Distance::Ordered
                }
                DistanceName::Hierarchical => {
                    Distance::Hierarchical(ancestors(column, rule, files)?)
                }
            };
            Some(Closeness { t, distance })
        }
    };
    let distinct = column.values.len();
    Ok(Sensitive { values, distinct, diversity: rule.diversity, closeness })
}

/// The rank of each value of a column of numbers.
fn ranks(column: &Column) -> Result<Vec<u32>, TablePolicyError> {
    let number = |value: &String| value.parse::<f64>().ok().filter(|number| number.is_finite());
    let Some(numbers) = column.values.iter().map(number).collect::<Option<Vec<f64>>>() else {
        let what = "the ordered distance needs a number in every row";
        return Err(TablePolicyError::new(format!("columns.{}.t.distance", column.name), what));
    };
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]));
    let mut ranks = vec![0; order.len()];
    order.into_iter().enumerate().for_each(|(rank, code)| ranks[code] = rank as u32);
    Ok(ranks)
}

/// For each level above the values the ancestor of each; the last has one ancestor of all.
fn ancestors(
    column: &Column,
    rule: &ColumnPolicy,
    files: &Files,
) -> Result<Vec<Vec<u32>>, ReleaseError> {
    let over =
        hierarchy(column, rule, files, None)?.unwrap_or_else(|| Generalization::flat(column));
    let mut levels: Vec<Vec<u32>> = over.levels[1..].iter().map(|level| level.of.clone()).collect();
    if over.levels.last().is_none_or(|level| level.values.len() > 1) || levels.is_empty() {
        levels.push(vec![0; column.values.len()]);
    }
    Ok(levels)
}
