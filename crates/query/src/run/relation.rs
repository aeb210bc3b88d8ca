//! Rows of some patients, by the operations of a plan. Each patient's rows stay together and in order.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, NullArray, UInt32Array},
    buffer::BooleanBuffer,
    compute::take,
};

use super::patients::Patients;
use crate::{
    plan::Relation,
    scalar::{Scalar, evaluate},
};

/// Rows of patients, side by side.
#[derive(Clone)]
pub(super) struct Rows {
    /// Patients that have rows, ascending.
    pub ids: Vec<u32>,
    /// Where each patient's rows begin, and where the last one's end.
    pub starts: Vec<u32>,
    pub columns: Vec<ArrayRef>,
    /// Which rows are there; absent where all are. Others are computed with all the same, so that time does not tell.
    pub kept: Option<BooleanBuffer>,
}

impl Rows {
    pub fn len(&self) -> usize {
        self.starts.last().map_or(0, |end| *end as usize)
    }

    pub fn is_kept(&self, row: usize) -> bool {
        self.kept.as_ref().is_none_or(|kept| kept.value(row))
    }

    /// The rows of the patient at this place.
    pub fn of(&self, place: usize) -> Range<usize> {
        self.starts[place] as usize..self.starts[place + 1] as usize
    }

    pub fn evaluate(&self, scalar: &Scalar) -> ArrayRef {
        evaluate(scalar, &self.columns, self.len())
    }

    /// Only rows for which this holds from now on.
    pub fn keep(&mut self, holds: BooleanBuffer) {
        self.kept = Some(match &self.kept {
            Some(kept) => kept & &holds,
            None => holds,
        });
    }

    /// Where a condition holds, NULL taken for no.
    pub fn holds(&self, condition: &Scalar) -> BooleanBuffer {
        let array = self.evaluate(condition);
        let array = array.as_boolean();
        match array.nulls() {
            Some(valid) => array.values() & valid.inner(),
            None => array.values().clone(),
        }
    }
}

/// The rows of these patients.
pub(super) fn rows(relation: &Relation, patients: &Patients, range: Range<u32>) -> Rows {
    let of = |input: &Relation| rows(input, patients, range.clone());
    match relation {
        Relation::Scan { table } => patients.rows(*table, range),
        Relation::First { input, rows: most } => first(of(input), *most),
        Relation::Filter { input, condition } => {
            let mut input = of(input);
            input.keep(input.holds(condition));
            input
        }
        Relation::Project { input, columns } => {
            let input = of(input);
            let columns = columns.iter().map(|column| input.evaluate(column)).collect();
            Rows { columns, ..input }
        }
        Relation::Join { left, right, condition, outer, needed, .. } => {
            join(&of(left), &of(right), condition.as_ref(), *outer, needed)
        }
        Relation::Having { input, other, present } => having(of(input), &of(other), *present),
        Relation::Within { input, keys, aggregates, one } => {
            super::within::within(&of(input), keys, aggregates, *one)
        }
    }
}

/// Of each patient the first rows that are there, and no more rows in all: others fill up what these leave, so that it does not
/// depend on conditions how many rows are worked with from here on.
fn first(input: Rows, most: u32) -> Rows {
    let longest = input.starts.windows(2).map(|pair| pair[1] - pair[0]).max();
    if longest.is_none_or(|longest| longest <= most) {
        return input;
    }
    let (mut chosen, mut kept, mut starts) = (Vec::new(), Vec::new(), vec![0_u32]);
    for place in 0..input.ids.len() {
        let rows = input.of(place);
        let all = rows.len().min(most as usize);
        let mut there = rows.clone().filter(|row| input.is_kept(*row)).count().min(all);
        let mut spare = all - there;
        for row in rows {
            let is_kept = input.is_kept(row);
            let left = if is_kept { &mut there } else { &mut spare };
            if *left > 0 {
                *left -= 1;
                chosen.push(row as u32);
                kept.push(is_kept);
            }
        }
        starts.push(chosen.len() as u32);
    }
    let chosen = UInt32Array::from(chosen);
    let columns = input.columns.iter().map(|column| taken(column, &chosen)).collect();
    Rows { ids: input.ids, starts, columns, kept: Some(BooleanBuffer::from(kept)) }
}

fn taken(column: &ArrayRef, rows: &UInt32Array) -> ArrayRef {
    take(column, rows, None).expect("row numbers are those of the input")
}

/// Places of patients in both inputs; of the left alone where the right has none.
fn partners(left: &[u32], right: &[u32]) -> Vec<(usize, Option<usize>)> {
    let mut at = 0;
    let find = |(place, id): (usize, &u32)| {
        while right.get(at).is_some_and(|other| other < id) {
            at += 1;
        }
        (place, right.get(at).filter(|other| *other == id).map(|_| at))
    };
    left.iter().enumerate().map(find).collect()
}

/// All pairs of rows of one patient, of which those are there whose rows are and for which the condition holds; with `outer` also
/// each left row by itself, in place of its last pair, where none of its pairs is there. What is there decides nothing of how much is done.
fn join(
    left: &Rows,
    right: &Rows,
    condition: Option<&Scalar>,
    outer: bool,
    needed: &[bool],
) -> Rows {
    let mut pairs = Pairs::of(left, right, outer);
    let kept =
        (outer || left.kept.is_some() || right.kept.is_some()).then(|| pairs.kept(left, right));
    if !outer {
        let mut rows = Rows { kept, ..pairs.gather(left, right, needed) };
        if let Some(condition) = condition {
            rows.keep(rows.holds(condition));
        }
        return rows;
    }
    let mut rows =
        Rows { ids: Vec::new(), starts: pairs.starts.clone(), columns: Vec::new(), kept };
    if let Some(condition) = condition {
        let mut read = BTreeSet::new();
        condition.columns(&mut read);
        let read: Vec<bool> = (0..needed.len()).map(|index| read.contains(&index)).collect();
        rows.columns = pairs.gather(left, right, &read).columns;
        rows.keep(rows.holds(condition));
    }
    let kept = Some(pairs.leave_alone(left, &rows));
    Rows { kept, ..pairs.gather(left, right, needed) }
}

/// Rows of both sides of a join, side by side.
struct Pairs {
    left: Vec<u32>,
    right: Vec<Option<u32>>,
    starts: Vec<u32>,
}

impl Pairs {
    /// All pairs of a patient's rows, and with `outer` the left rows of patients who have none on the right.
    fn of(left: &Rows, right: &Rows, outer: bool) -> Self {
        let mut pairs = Self { left: Vec::new(), right: Vec::new(), starts: vec![0] };
        for (place, partner) in partners(&left.ids, &right.ids) {
            let others = partner.map_or(0..0, |partner| right.of(partner));
            for row in left.of(place) {
                for other in others.clone() {
                    pairs.left.push(row as u32);
                    pairs.right.push(Some(other as u32));
                }
                if outer && others.is_empty() {
                    pairs.left.push(row as u32);
                    pairs.right.push(None);
                }
            }
            pairs.starts.push(pairs.left.len() as u32);
        }
        pairs
    }

    /// Of which pairs both rows are there.
    fn kept(&self, left: &Rows, right: &Rows) -> BooleanBuffer {
        let kept = self.left.iter().zip(&self.right).map(|(row, other)| {
            left.is_kept(*row as usize) & other.is_some_and(|other| right.is_kept(other as usize))
        });
        kept.collect()
    }

    /// Puts each left row by itself in place of its last pair, if none of its pairs is there, and tells what is there then.
    fn leave_alone(&mut self, left: &Rows, pairs: &Rows) -> BooleanBuffer {
        let mut paired = false;
        let there = (0..self.left.len()).map(|place| {
            let (row, is_kept) = (self.left[place], pairs.is_kept(place));
            paired |= is_kept;
            if self.left.get(place + 1) == Some(&row) || std::mem::take(&mut paired) {
                return is_kept;
            }
            self.right[place] = None;
            left.is_kept(row as usize)
        });
        there.collect()
    }

    /// The columns of both sides that are needed.
    fn gather(&self, left: &Rows, right: &Rows, needed: &[bool]) -> Rows {
        let (lefts, rights) =
            (UInt32Array::from(self.left.clone()), UInt32Array::from(self.right.clone()));
        let sides = left.columns.iter().map(|column| (column, &lefts));
        let sides = sides.chain(right.columns.iter().map(|column| (column, &rights)));
        let columns = sides.zip(needed).map(|((column, rows), needed)| match needed {
            true => taken(column, rows),
            false => Arc::new(NullArray::new(rows.len())) as ArrayRef,
        });
        let (ids, starts) = (left.ids.clone(), self.starts.clone());
        Rows { ids, starts, columns: columns.collect(), kept: None }
    }
}

/// Rows of patients who have a row in the other relation, or have none.
fn having(mut input: Rows, other: &Rows, present: bool) -> Rows {
    let partners = partners(&input.ids, &other.ids);
    let mut holds = vec![false; input.len()];
    for (place, partner) in partners {
        // All are looked at, so that time does not tell which is the first.
        let any = |any, row| any | other.is_kept(row);
        let has = partner.is_some_and(|partner| other.of(partner).fold(false, any));
        if has == present {
            input.of(place).for_each(|row| holds[row] = true);
        }
    }
    input.keep(BooleanBuffer::from(holds));
    input
}
