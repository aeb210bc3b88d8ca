//! Adding up: which group a row falls in, whether it still counts, and what it adds.

use std::collections::HashMap;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{DataType, Float64Type, Int64Type},
};

use super::relation::Rows;
use crate::{
    grid::Grid,
    plan::{GroupColumn, Measure, ReleasePlan, RowLimits},
    scalar::Key,
};

/// The group of rows that do not count.
const NONE: u32 = u32::MAX;

/// Exact totals of one aggregate in one group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Exact {
    pub count: i64,
    pub sum: i128,
    pub squares: i128,
}

/// Exact totals of all groups.
pub(super) struct Totals {
    /// Groups that are not published, in the order in which they were met; empty where all are.
    pub met: Vec<Vec<Key>>,
    index: HashMap<Vec<Key>, u32>,
    /// Patients in each group, where groups are not published.
    pub persons: Vec<i64>,
    /// By aggregate and group.
    pub aggregates: Vec<Vec<Exact>>,
    /// Of quantiles: counts by aggregate, group and leaf.
    pub leaves: Vec<Vec<u32>>,
    published: bool,
    marks: Marks,
}

/// What a patient has added so far, by group: only what has the patient's own mark counts.
#[derive(Default)]
struct Marks {
    /// A number for each patient of this run, from 1.
    patient: u32,
    /// The last patient with a row in the group, and how many rows.
    groups: Vec<(u32, u32)>,
    /// By aggregate: the last patient with a value in the group.
    values: Vec<Vec<u32>>,
}

impl Totals {
    pub fn new(plan: &ReleasePlan) -> Self {
        let count = plan.group_count();
        let groups = count.unwrap_or(0);
        let leaves = plan.aggregates.iter().map(|aggregate| match &aggregate.measure {
            Measure::Quantile { leaves, .. } => vec![0; groups * leaves.count()],
            _ => Vec::new(),
        });
        let aggregates = plan.aggregates.len();
        Self {
            met: Vec::new(),
            index: HashMap::new(),
            persons: Vec::new(),
            aggregates: vec![vec![Exact::default(); groups]; aggregates],
            leaves: leaves.collect(),
            published: count.is_some(),
            marks: Marks {
                patient: 0,
                groups: vec![(0, 0); groups],
                values: vec![vec![0; groups]; aggregates],
            },
        }
    }

    /// Adds rows of patients of whom nothing was added before.
    pub fn add(&mut self, plan: &ReleasePlan, rows: &Rows) {
        let arguments: Vec<ArrayRef> = plan.arguments.iter().map(|one| rows.evaluate(one)).collect();
        let groups = self.groups(plan, rows, &arguments);
        let before = self.marks.patient;
        let counted = self.bound(plan.limits, rows, groups);
        for (index, aggregate) in plan.aggregates.iter().enumerate() {
            let argument = aggregate.argument.map(|argument| &arguments[argument]);
            match &aggregate.measure {
                Measure::Persons { .. } => {
                    self.marks.patient = before;
                    self.add_persons(index, rows, &counted, argument);
                }
                measure => self.add_values(index, measure, &counted, argument),
            }
        }
        self.marks.patient = before + rows.ids.len() as u32;
    }

    /// The group of each row, before it is known whether the row counts.
    fn groups(&mut self, plan: &ReleasePlan, rows: &Rows, arguments: &[ArrayRef]) -> Vec<u32> {
        let length = rows.len();
        let mut found = vec![0_u32; length];
        if self.published {
            for group in &plan.groups {
                let size = group.domain.as_ref().map_or(1, |domain| domain.len()) as u32;
                places(group, &arguments[group.argument], |row, place| {
                    let sofar = &mut found[row];
                    *sofar = match (*sofar, place) {
                        (NONE, _) | (_, None) => NONE,
                        (sofar, Some(place)) => sofar * size + place,
                    };
                });
            }
        }
        if let Some(kept) = &rows.kept {
            (0..length).filter(|row| !kept.value(*row)).for_each(|row| found[row] = NONE);
        }
        if !self.published {
            let there = (0..length).filter(|row| rows.is_kept(*row)).collect::<Vec<_>>();
            there.into_iter().for_each(|row| found[row] = self.meet(plan, arguments, row));
        }
        found
    }

    /// The number of a group that is not published.
    fn meet(&mut self, plan: &ReleasePlan, arguments: &[ArrayRef], row: usize) -> u32 {
        let keys = plan.groups.iter().map(|group| {
            let key = key(&arguments[group.argument], row);
            let published = group.domain.as_ref().is_none_or(|domain| domain.contains(&key));
            (published && (key != Key::Null || group.domain.is_some())).then_some(key)
        });
        let Some(keys) = keys.collect::<Option<Vec<_>>>() else { return NONE };
        let next = self.met.len() as u32;
        let group = *self.index.entry(keys.clone()).or_insert(next);
        if group == next {
            self.met.push(keys);
            self.persons.push(0);
            self.aggregates.iter_mut().for_each(|totals| totals.push(Exact::default()));
            self.marks.groups.push((0, 0));
            self.marks.values.iter_mut().for_each(|marks| marks.push(0));
        }
        group
    }

    /// Takes away the group of rows that are beyond a patient's limits.
    fn bound(&mut self, limits: RowLimits, rows: &Rows, mut groups: Vec<u32>) -> Vec<u32> {
        for place in 0..rows.ids.len() {
            self.marks.patient += 1;
            let (mut counted, mut entered) = (0, 0);
            for group in &mut groups[rows.of(place)] {
                if *group == NONE {
                    continue;
                }
                let (patient, inside) = &mut self.marks.groups[*group as usize];
                let here = *patient == self.marks.patient;
                let there = if here { *inside } else { 0 };
                if counted == limits.rows
                    || there == limits.per_group
                    || !here && entered == limits.groups
                {
                    *group = NONE;
                    continue;
                }
                (*patient, *inside) = (self.marks.patient, there + 1);
                counted += 1;
                if !here {
                    entered += 1;
                    if let Some(persons) = self.persons.get_mut(*group as usize) {
                        *persons += 1;
                    }
                }
            }
        }
        groups
    }

    fn add_persons(&mut self, index: usize, rows: &Rows, groups: &[u32], argument: Option<&ArrayRef>) {
        let valid = |row: usize| argument.is_none_or(|array| array.is_valid(row));
        for place in 0..rows.ids.len() {
            self.marks.patient += 1;
            for row in rows.of(place).filter(|row| groups[*row] != NONE && valid(*row)) {
                let group = groups[row] as usize;
                let mark = &mut self.marks.values[index][group];
                self.aggregates[index][group].count += i64::from(*mark != self.marks.patient);
                *mark = self.marks.patient;
            }
        }
    }

    fn add_values(&mut self, index: usize, measure: &Measure, groups: &[u32], argument: Option<&ArrayRef>) {
        let totals = &mut self.aggregates[index];
        let Some(argument) = argument else {
            let counted = groups.iter().filter(|group| **group != NONE);
            counted.for_each(|group| totals[*group as usize].count += 1);
            return;
        };
        match measure {
            Measure::Rows { .. } | Measure::Persons { .. } => {
                each(groups, argument, |row| argument.is_valid(row), |group, valid| {
                    totals[group].count += i64::from(valid);
                });
            }
            Measure::Sum { grid, .. } => steps(groups, argument, grid, |group, steps| {
                totals[group].sum += i128::from(steps);
            }),
            Measure::Mean { grid, .. } => {
                let middle = i128::from(grid.middle());
                steps(groups, argument, grid, |group, steps| {
                    let total = &mut totals[group];
                    total.sum += i128::from(steps) - middle;
                    total.count += 1;
                });
            }
            Measure::Variance { grid, .. } => {
                let middle = i128::from(grid.middle());
                steps(groups, argument, grid, |group, steps| {
                    let (total, deviation) = (&mut totals[group], i128::from(steps) - middle);
                    total.sum += deviation;
                    total.squares += deviation * deviation;
                    total.count += 1;
                });
            }
            Measure::Quantile { leaves, .. } => {
                let (counts, width) = (&mut self.leaves[index], leaves.count());
                let mut add = |group: usize, leaf: usize| counts[group * width + leaf] += 1;
                match argument.as_primitive_opt::<Int64Type>() {
                    Some(array) => each(groups, argument, |row| leaves.of_integer(array.value(row)), &mut add),
                    None => {
                        let array = argument.as_primitive::<Float64Type>();
                        each(groups, argument, |row| leaves.of_decimal(array.value(row)), &mut add);
                    }
                }
            }
        }
    }

    /// The totals of both, which are of different patients.
    pub fn merge(mut self, other: Self) -> Self {
        let places: Vec<usize> = match self.published {
            true => (0..other.aggregates.first().map_or(0, Vec::len)).collect(),
            false => other.met.into_iter().map(|keys| self.place(keys)).collect(),
        };
        for (from, persons) in other.persons.iter().enumerate() {
            self.persons[places[from]] += persons;
        }
        for (totals, others) in self.aggregates.iter_mut().zip(&other.aggregates) {
            for (from, other) in others.iter().enumerate() {
                let total = &mut totals[places[from]];
                total.count += other.count;
                total.sum += other.sum;
                total.squares += other.squares;
            }
        }
        for (counts, others) in self.leaves.iter_mut().zip(&other.leaves) {
            counts.iter_mut().zip(others).for_each(|(count, other)| *count += other);
        }
        self
    }

    fn place(&mut self, keys: Vec<Key>) -> usize {
        let next = self.met.len() as u32;
        let place = *self.index.entry(keys.clone()).or_insert(next);
        if place == next {
            self.met.push(keys);
            self.persons.push(0);
            self.aggregates.iter_mut().for_each(|totals| totals.push(Exact::default()));
        }
        place as usize
    }
}

/// Calls with each row's place among the published values of a group column.
fn places(group: &GroupColumn, array: &ArrayRef, mut found: impl FnMut(usize, Option<u32>)) {
    let domain = group.domain.as_deref().map_or(&[] as &[Key], Vec::as_slice);
    let null = domain.iter().position(|key| *key == Key::Null).map(|place| place as u32);
    let place = |key: &Key| domain.iter().position(|known| known == key).map(|place| place as u32);
    match array.data_type() {
        DataType::Utf8 => {
            let array = array.as_string::<i32>();
            let texts = domain.iter().enumerate().filter_map(|(place, key)| match key {
                Key::Text(text) => Some((text.as_bytes(), place as u32)),
                _ => None,
            });
            let known: HashMap<&[u8], u32> = texts.collect();
            let (offsets, bytes) = (array.value_offsets(), array.value_data());
            // Neighbours are often alike: then the last place is this one's.
            let mut last: (&[u8], Option<u32>) = (&[], known.get(&[] as &[u8]).copied());
            for row in 0..array.len() {
                if array.is_null(row) {
                    found(row, null);
                    continue;
                }
                let text = &bytes[offsets[row] as usize..offsets[row + 1] as usize];
                if text != last.0 {
                    last = (text, known.get(text).copied());
                }
                found(row, last.1);
            }
        }
        DataType::Int64 => {
            let array = array.as_primitive::<Int64Type>();
            let known: HashMap<i64, u32> = domain
                .iter()
                .enumerate()
                .filter_map(|(place, key)| match key {
                    Key::Integer(number) => Some((*number, place as u32)),
                    _ => None,
                })
                .collect();
            for row in 0..array.len() {
                let place = known.get(&array.value(row)).copied();
                found(row, if array.is_null(row) { null } else { place });
            }
        }
        _ => {
            let array = array.as_boolean();
            let known = [place(&Key::Flag(false)), place(&Key::Flag(true))];
            for row in 0..array.len() {
                let place = known[usize::from(array.value(row))];
                found(row, if array.is_null(row) { null } else { place });
            }
        }
    }
}

fn key(array: &ArrayRef, row: usize) -> Key {
    if array.is_null(row) {
        return Key::Null;
    }
    match array.data_type() {
        DataType::Utf8 => Key::Text(array.as_string::<i32>().value(row).to_owned()),
        DataType::Int64 => Key::Integer(array.as_primitive::<Int64Type>().value(row)),
        _ => Key::Flag(array.as_boolean().value(row)),
    }
}

/// Calls with the group and something of each row that counts and has a value; only the count of rows asks for the others.
fn each<T>(
    groups: &[u32],
    argument: &ArrayRef,
    read: impl Fn(usize) -> T,
    mut add: impl FnMut(usize, T),
) {
    let nulls = argument.nulls();
    for (row, group) in groups.iter().enumerate().filter(|(_, group)| **group != NONE) {
        if nulls.is_none_or(|nulls| nulls.is_valid(row)) {
            add(*group as usize, read(row));
        }
    }
}

/// Calls with the group and the value in steps of each row that counts and has a value.
fn steps(groups: &[u32], argument: &ArrayRef, grid: &Grid, add: impl FnMut(usize, i64)) {
    match argument.as_primitive_opt::<Int64Type>() {
        Some(array) => {
            let values = array.values();
            each(groups, argument, |row| grid.clamp_integer(values[row]), add);
        }
        None => {
            let values = argument.as_primitive::<Float64Type>().values();
            each(groups, argument, |row| grid.clamp_decimal(values[row]), add);
        }
    }
}
