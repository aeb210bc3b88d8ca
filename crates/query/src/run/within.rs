//! One row for each group of a patient's rows: exact, because only an aggregate over patients is ever shown.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, UInt32Array},
    buffer::BooleanBuffer,
    compute::take,
    datatypes::{DataType, Float64Type, Int64Type},
};

use super::relation::Rows;
use crate::{
    plan::{PersonAggregate, PersonFunction},
    scalar::Scalar,
};

/// A value by which rows of one patient are told apart; decimals by their bits.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Value<'a> {
    Null,
    Bits(u64),
    Text(&'a str),
}

fn value(array: &ArrayRef, row: usize) -> Value<'_> {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8 => Value::Text(array.as_string::<i32>().value(row)),
        DataType::Int64 => Value::Bits(array.as_primitive::<Int64Type>().value(row) as u64),
        DataType::Float64 => Value::Bits(array.as_primitive::<Float64Type>().value(row).to_bits()),
        _ => Value::Bits(u64::from(array.as_boolean().value(row))),
    }
}

/// Groups of a patient's rows, as rows of which some are there: how many there are, and how much is done for them, depends on no
/// condition and on no value.
struct Groups {
    /// The input's row that each shows, and whether it is there: for each row that is the first of its group, of those that are there.
    shown: Vec<u32>,
    there: Vec<bool>,
    /// The group that each row of the input is added to; those that are not there to the one behind the last, which nobody reads.
    of: Vec<u32>,
    starts: Vec<u32>,
}

/// One row for each group, by rows that are there; other rows fill up what these leave, but where it is known that all rows of a patient
/// are in `one` group.
pub(super) fn within(
    input: &Rows,
    keys: &[Scalar],
    aggregates: &[PersonAggregate],
    one: bool,
) -> Rows {
    let keys: Vec<ArrayRef> = keys.iter().map(|key| input.evaluate(key)).collect();
    let groups = if one { patients(input) } else { groups(input, &keys) };
    let rows = UInt32Array::from(groups.shown.clone());
    let shown = keys.iter().map(|key| take(key, &rows, None).expect("rows are those of the input"));
    let results = aggregates.iter().map(|one| aggregate(one, input, &groups));
    let columns = shown.chain(results).collect();
    let kept = Some(BooleanBuffer::from(groups.there));
    Rows { ids: input.ids.clone(), starts: groups.starts, columns, kept }
}

/// As many groups as a patient has rows: each row that is the first of its group is the group, and others are not there.
fn groups(input: &Rows, keys: &[ArrayRef]) -> Groups {
    let count = input.len();
    let mut there = vec![false; count];
    let mut of = Vec::with_capacity(count);
    // By values and by whether the rows are there: those that are not are told apart too, for nothing but the work.
    let mut known: HashMap<(bool, Vec<Value<'_>>), usize> = HashMap::new();
    for place in 0..input.ids.len() {
        known.clear();
        for row in input.of(place) {
            let is_kept = input.is_kept(row);
            let key = (is_kept, keys.iter().map(|key| value(key, row)).collect());
            let first = *known.entry(key).or_insert(row);
            there[row] = is_kept && first == row;
            of.push(if is_kept { first } else { count } as u32);
        }
    }
    Groups { shown: (0..count as u32).collect(), there, of, starts: input.starts.clone() }
}

/// One group for each patient who has rows, whether they are there or not.
fn patients(input: &Rows) -> Groups {
    let mut groups =
        Groups { shown: Vec::new(), there: Vec::new(), of: vec![0; input.len()], starts: vec![0] };
    for place in 0..input.ids.len() {
        let rows = input.of(place);
        if !rows.is_empty() {
            // The first that is there, looked for from behind so that all are looked at.
            let kept = |found, row| if input.is_kept(row) { Some(row) } else { found };
            let first = rows.clone().rev().fold(None, kept);
            rows.clone().for_each(|row| groups.of[row] = groups.shown.len() as u32);
            groups.there.push(first.is_some());
            groups.shown.push(first.unwrap_or(rows.start) as u32);
        }
        groups.starts.push(groups.shown.len() as u32);
    }
    let nowhere = groups.shown.len() as u32;
    (0..input.len()).filter(|row| !input.is_kept(*row)).for_each(|row| groups.of[row] = nowhere);
    groups
}

fn aggregate(one: &PersonAggregate, input: &Rows, groups: &Groups) -> ArrayRef {
    let argument = one.argument.as_ref().map(|argument| input.evaluate(argument));
    let count = groups.shown.len();
    // Each row with its group; rows without a value are added to what nobody reads.
    let nulls = argument.as_ref().and_then(|array| array.nulls());
    let rows = || {
        groups.of.iter().enumerate().map(|(row, group)| {
            let is_valid = nulls.is_none_or(|nulls| nulls.is_valid(row));
            (row, if is_valid { *group as usize } else { count })
        })
    };
    if one.function == PersonFunction::Count {
        let mut counts = vec![0_i64; count + 1];
        let mut seen = HashSet::new();
        for (row, group) in rows() {
            let fresh = match (&argument, one.distinct) {
                (Some(array), true) => seen.insert((group, value(array, row))),
                _ => true,
            };
            counts[group] += i64::from(fresh);
        }
        counts.truncate(count);
        return Arc::new(Int64Array::from(counts));
    }
    let array = argument.as_ref().expect("every aggregate but COUNT is planned with an argument");
    if let Some(array) = array.as_primitive_opt::<Int64Type>() {
        let combine = |before: i64, value: i64| match one.function {
            PersonFunction::Least => before.min(value),
            PersonFunction::Greatest => before.max(value),
            _ => before.saturating_add(value),
        };
        let mut results: Vec<Option<i64>> = vec![None; count + 1];
        for (row, group) in rows() {
            let result = &mut results[group];
            let value = array.value(row);
            *result = Some(result.map_or(value, |before| combine(before, value)));
        }
        results.truncate(count);
        return Arc::new(Int64Array::from(results));
    }
    let array = array.as_primitive::<Float64Type>();
    let combine = |before: f64, value: f64| match one.function {
        PersonFunction::Least => before.min(value),
        PersonFunction::Greatest => before.max(value),
        _ => before + value,
    };
    let mut results: Vec<Option<(f64, f64)>> = vec![None; count + 1];
    for (row, group) in rows() {
        let result = &mut results[group];
        let value = array.value(row);
        *result =
            Some(result.map_or((value, 1.0), |(before, n)| (combine(before, value), n + 1.0)));
    }
    let mean = one.function == PersonFunction::Mean;
    results.truncate(count);
    let shown = results.into_iter().map(|result| {
        let value = result.map(|(value, n)| if mean { value / n } else { value });
        value.filter(|value| !value.is_nan()).map(|value| value + 0.0)
    });
    Arc::new(shown.collect::<Float64Array>())
}
