//! Adding up: which rows still count, and what they add to their group.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray};

use super::{
    groups::{Lookup, NONE},
    numbers,
    relation::Rows,
};
use crate::{
    plan::{Measure, ReleasePlan, RowLimits},
    scalar::Key,
};

/// Exact totals of one aggregate in one group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Exact {
    pub count: i64,
    pub sum: i128,
    pub squares: i128,
}

/// Which rows count, and where.
pub(super) enum Counted {
    /// All of so many rows, in one group.
    All(usize),
    /// By row the number of its group, or [`NONE`].
    Some(Vec<u32>),
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
    lookups: Vec<Lookup>,
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
        let domain = |group: &crate::plan::GroupColumn| group.domain.clone().unwrap_or_default();
        Self {
            met: Vec::new(),
            index: HashMap::new(),
            persons: Vec::new(),
            aggregates: vec![vec![Exact::default(); groups]; aggregates],
            leaves: leaves.collect(),
            published: count.is_some(),
            lookups: plan.groups.iter().map(|group| Lookup::new(&domain(group))).collect(),
            marks: Marks {
                patient: 0,
                groups: vec![(0, 0); groups],
                values: vec![vec![0; groups]; aggregates],
            },
        }
    }

    /// Adds rows of patients of whom nothing was added before.
    pub fn add(&mut self, plan: &ReleasePlan, rows: &Rows) {
        let arguments: Vec<ArrayRef> =
            plan.arguments.iter().map(|one| rows.evaluate(one)).collect();
        let longest = rows.starts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        let limits = plan.limits;
        let within = longest <= limits.rows.min(limits.per_group);
        let before = self.marks.patient;
        let counted = if plan.groups.is_empty() && rows.kept.is_none() && within {
            Counted::All(rows.len())
        } else {
            let mut groups = self.groups(plan, rows, &arguments);
            let few = plan
                .group_count()
                .is_some_and(|count| count.min(longest as usize) <= limits.groups as usize);
            if !(within && few) {
                self.bound(limits, rows, &mut groups);
            }
            Counted::Some(groups)
        };
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
        let published = plan.groups.iter().enumerate().filter(|(_, group)| group.domain.is_some());
        for (index, group) in published {
            // Where not all columns are published, only whether there is a place matters.
            let first = index == 0 || !self.published;
            self.lookups[index].places(&arguments[group.argument], first, &mut found);
        }
        if !self.published {
            for (row, group) in found.iter_mut().enumerate() {
                let counts = *group != NONE && rows.is_kept(row);
                *group = self.meet(plan, arguments, row, counts);
            }
        } else if let Some(kept) = &rows.kept {
            (0..length).filter(|row| !kept.value(*row)).for_each(|row| found[row] = NONE);
        }
        found
    }

    /// The number of a group that is not published. That of a row that does not count is looked for too, so that time does not tell.
    fn meet(
        &mut self,
        plan: &ReleasePlan,
        arguments: &[ArrayRef],
        row: usize,
        counts: bool,
    ) -> u32 {
        let keys = plan.groups.iter().map(|group| {
            let key = Key::of(&arguments[group.argument], row);
            (key != Key::Null || group.domain.is_some()).then_some(key)
        });
        match keys.collect::<Option<Vec<_>>>() {
            Some(keys) => match (self.index.get(&keys).copied(), counts) {
                (_, false) => NONE,
                (Some(group), true) => group,
                (None, true) => self.add_group(keys),
            },
            None => NONE,
        }
    }

    fn place(&mut self, keys: Vec<Key>) -> u32 {
        self.index.get(&keys).copied().unwrap_or_else(|| self.add_group(keys))
    }

    fn add_group(&mut self, keys: Vec<Key>) -> u32 {
        let group = self.met.len() as u32;
        self.index.insert(keys.clone(), group);
        self.met.push(keys);
        self.persons.push(0);
        self.aggregates.iter_mut().for_each(|totals| totals.push(Exact::default()));
        self.marks.groups.push((0, 0));
        self.marks.values.iter_mut().for_each(|marks| marks.push(0));
        group
    }

    /// Takes away the group of rows that are beyond a patient's limits.
    fn bound(&mut self, limits: RowLimits, rows: &Rows, groups: &mut [u32]) {
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
                let full = counted == limits.rows || there == limits.per_group;
                if full || !here && entered == limits.groups {
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
    }

    fn add_persons(
        &mut self,
        index: usize,
        rows: &Rows,
        counted: &Counted,
        argument: Option<&ArrayRef>,
    ) {
        let nulls = argument.and_then(|array| array.nulls().filter(|nulls| nulls.null_count() > 0));
        let totals = &mut self.aggregates[index];
        let groups = match (counted, nulls) {
            (Counted::All(_), None) => {
                let there = rows.starts.windows(2).filter(|pair| pair[1] > pair[0]);
                totals[0].count += there.count() as i64;
                return;
            }
            (Counted::All(rows), Some(_)) => &vec![0; *rows],
            (Counted::Some(groups), _) => groups,
        };
        let marks = &mut self.marks.values[index];
        for place in 0..rows.ids.len() {
            self.marks.patient += 1;
            let patient = self.marks.patient;
            for row in rows.of(place) {
                let group = groups[row] as usize;
                if groups[row] == NONE || marks[group] == patient {
                    continue;
                }
                if nulls.is_none_or(|nulls| nulls.is_valid(row)) {
                    marks[group] = patient;
                    totals[group].count += 1;
                }
            }
        }
    }

    fn add_values(
        &mut self,
        index: usize,
        measure: &Measure,
        counted: &Counted,
        argument: Option<&ArrayRef>,
    ) {
        let totals = &mut self.aggregates[index];
        let Some(argument) = argument else {
            match counted {
                Counted::All(rows) => totals[0].count += *rows as i64,
                Counted::Some(groups) => groups
                    .iter()
                    .filter(|group| **group != NONE)
                    .for_each(|group| totals[*group as usize].count += 1),
            }
            return;
        };
        match measure {
            Measure::Rows { .. } | Measure::Persons { .. } => {
                numbers::each(counted, argument, |group, _| totals[group].count += 1);
            }
            Measure::Sum { grid, .. } => numbers::add(counted, argument, grid, 0, false, totals),
            Measure::Mean { grid, .. } => {
                numbers::add(counted, argument, grid, grid.middle(), false, totals);
            }
            Measure::Variance { grid, .. } => {
                numbers::add(counted, argument, grid, grid.middle(), true, totals);
            }
            Measure::Quantile { leaves, .. } => {
                let (counts, width) = (&mut self.leaves[index], leaves.count());
                let mut add = |group: usize, leaf: usize| counts[group * width + leaf] += 1;
                match argument.as_primitive_opt::<arrow::datatypes::Int64Type>() {
                    Some(array) => numbers::each(counted, argument, |group, row| {
                        add(group, leaves.of_integer(array.value(row)));
                    }),
                    None => {
                        let array = argument.as_primitive::<arrow::datatypes::Float64Type>();
                        numbers::each(counted, argument, |group, row| {
                            add(group, leaves.of_decimal(array.value(row)));
                        });
                    }
                }
            }
        }
    }

    /// The totals of both, which are of different patients.
    pub fn merge(mut self, other: Self) -> Self {
        let places: Vec<usize> = match self.published {
            true => (0..other.aggregates.first().map_or(0, Vec::len)).collect(),
            false => other.met.into_iter().map(|keys| self.place(keys) as usize).collect(),
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
}
