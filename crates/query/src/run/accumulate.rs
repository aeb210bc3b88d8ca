//! The pass over the rows: whose they are, which group they fall in, whether they still count, and what they add.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};

use super::{Exact, rows::Rows};
use crate::plan::{Grid, GroupColumn, GroupDomain, Measure, PrivatePlan};

/// Exact totals, by aggregate and group.
pub(super) struct Totals {
    pub aggregates: Vec<Vec<Exact>>,
}

impl Totals {
    /// Adds up all rows that count.
    pub fn new(plan: &PrivatePlan, rows: &Rows) -> Self {
        let groups =
            plan.groups.iter().map(|group| GroupReader::new(group, rows)).collect::<Vec<_>>();
        let mut columns = plan
            .aggregates
            .iter()
            .map(|aggregate| Accumulator::new(&aggregate.measure, rows, plan.group_count()))
            .collect::<Vec<_>>();
        let mut bound = Bound::new(plan.source.max_rows_per_person);
        for row in 0..rows.persons.len() {
            let kept = rows.kept.as_ref().is_none_or(|kept| kept.is_valid(row) && kept.value(row));
            if !kept || rows.persons.is_null(row) {
                continue;
            }
            let Some(group) = group_of(&groups, row) else {
                continue;
            };
            let Some(person) = bound.admit(rows.persons.value(row)) else {
                continue;
            };
            columns.iter_mut().for_each(|column| column.add(row, group, person));
        }
        Self { aggregates: columns.into_iter().map(|column| column.totals).collect() }
    }
}

/// Counts each patient's rows and stops at the bound.
struct Bound<'a> {
    limit: u32,
    ids: HashMap<&'a str, u32>,
    taken: Vec<u32>,
}

impl<'a> Bound<'a> {
    fn new(limit: u32) -> Self {
        Self { limit, ids: HashMap::new(), taken: Vec::new() }
    }

    /// The patient's number in this run if one more of their rows counts.
    fn admit(&mut self, person: &'a str) -> Option<u32> {
        let next = self.taken.len() as u32;
        let id = *self.ids.entry(person).or_insert(next);
        if id == next {
            self.taken.push(0);
        }
        let taken = &mut self.taken[id as usize];
        let admitted = *taken < self.limit;
        *taken += u32::from(admitted);
        admitted.then_some(id)
    }
}

/// The index of a row's group, `None` if a value is NULL or not published.
fn group_of(groups: &[GroupReader<'_>], row: usize) -> Option<usize> {
    groups.iter().try_fold(0, |index, group| Some(index * group.size() + group.read(row)?))
}

/// Reads the value of a group column as its index among the published values.
enum GroupReader<'a> {
    Values { array: &'a StringArray, index: HashMap<&'a str, usize>, size: usize },
    Flag(&'a BooleanArray),
}

impl<'a> GroupReader<'a> {
    fn new(group: &'a GroupColumn, rows: &'a Rows) -> Self {
        let array = &rows.columns[group.column];
        match &group.domain {
            GroupDomain::Values(values) => Self::Values {
                array: typed(array),
                index: values
                    .iter()
                    .enumerate()
                    .map(|(index, value)| (value.as_str(), index))
                    .collect(),
                size: values.len(),
            },
            GroupDomain::Flag => Self::Flag(typed(array)),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Values { size, .. } => *size,
            Self::Flag(_) => 2,
        }
    }

    fn read(&self, row: usize) -> Option<usize> {
        match self {
            Self::Values { array, index, .. } if array.is_valid(row) => {
                index.get(array.value(row)).copied()
            }
            Self::Flag(array) if array.is_valid(row) => Some(usize::from(array.value(row))),
            _ => None,
        }
    }
}

/// One aggregate's totals and what a row adds to them.
struct Accumulator<'a> {
    reads: Reads<'a>,
    totals: Vec<Exact>,
}

/// What an aggregate reads of a row.
enum Reads<'a> {
    Rows,
    Values(&'a ArrayRef),
    Persons(HashSet<(u32, usize)>),
    Integers(&'a Int64Array, Grid, i64),
    Decimals(&'a Float64Array, Grid, i64),
}

impl<'a> Accumulator<'a> {
    fn new(measure: &Measure, rows: &'a Rows, groups: usize) -> Self {
        let numbers = |column: usize, grid: Grid, origin: i64| {
            let array = &rows.columns[column];
            match array.as_any().downcast_ref() {
                Some(array) => Reads::Integers(array, grid, origin),
                None => Reads::Decimals(typed(array), grid, origin),
            }
        };
        let reads = match measure {
            Measure::Rows { column: None, .. } => Reads::Rows,
            Measure::Rows { column: Some(column), .. } => Reads::Values(&rows.columns[*column]),
            Measure::Persons { .. } => Reads::Persons(HashSet::new()),
            Measure::Sum { column, grid, .. } => numbers(*column, *grid, 0),
            Measure::Mean { column, grid, .. } => numbers(*column, *grid, grid.middle()),
        };
        Self { reads, totals: vec![Exact::default(); groups] }
    }

    fn add(&mut self, row: usize, group: usize, person: u32) {
        let added = match &mut self.reads {
            Reads::Rows => Some(0),
            Reads::Values(array) => array.is_valid(row).then_some(0),
            Reads::Persons(seen) => seen.insert((person, group)).then_some(0),
            Reads::Integers(array, grid, origin) => array
                .is_valid(row)
                .then(|| difference(grid.clamp_integer(array.value(row)), *origin)),
            Reads::Decimals(array, grid, origin) => {
                let value = array.is_valid(row).then(|| array.value(row));
                let steps = value.and_then(|value| grid.clamp_decimal(value));
                steps.map(|steps| difference(steps, *origin))
            }
        };
        if let Some(added) = added {
            // At most 2^65 in magnitude each, and fewer than 2^62 rows fit a machine: no overflow.
            self.totals[group].sum += added;
            self.totals[group].count += 1;
        }
    }
}

fn difference(value: i64, origin: i64) -> i128 {
    i128::from(value) - i128::from(origin)
}

fn typed<T: Array + 'static>(array: &ArrayRef) -> &T {
    array.as_any().downcast_ref().expect("columns are read by the type that the plan gives them")
}
