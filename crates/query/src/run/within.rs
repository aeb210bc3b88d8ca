//! One row for each group of a patient's rows: exact, because only an aggregate over patients is ever shown.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, UInt32Array},
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

/// Groups of rows: the first row of each, and the group of each row.
struct Groups {
    firsts: Vec<u32>,
    of: Vec<u32>,
    starts: Vec<u32>,
}

/// The group of rows that are not there.
const NONE: u32 = u32::MAX;

pub(super) fn within(input: &Rows, keys: &[Scalar], aggregates: &[PersonAggregate]) -> Rows {
    let keys: Vec<ArrayRef> = keys.iter().map(|key| input.evaluate(key)).collect();
    let groups = groups(input, &keys);
    let firsts = UInt32Array::from(groups.firsts.clone());
    let shown =
        keys.iter().map(|key| take(key, &firsts, None).expect("rows are those of the input"));
    let results = aggregates.iter().map(|one| aggregate(one, input, &groups));
    let columns = shown.chain(results).collect();
    Rows { ids: input.ids.clone(), starts: groups.starts, columns, kept: None }
}

fn groups(input: &Rows, keys: &[ArrayRef]) -> Groups {
    let mut groups = Groups { firsts: Vec::new(), of: vec![NONE; input.len()], starts: vec![0] };
    let mut known: HashMap<Vec<Value<'_>>, u32> = HashMap::new();
    for place in 0..input.ids.len() {
        known.clear();
        for row in input.of(place).filter(|row| input.is_kept(*row)) {
            let key = keys.iter().map(|key| value(key, row)).collect();
            let next = groups.firsts.len() as u32;
            let group = *known.entry(key).or_insert(next);
            if group == next {
                groups.firsts.push(row as u32);
            }
            groups.of[row] = group;
        }
        groups.starts.push(groups.firsts.len() as u32);
    }
    groups
}

fn aggregate(one: &PersonAggregate, input: &Rows, groups: &Groups) -> ArrayRef {
    let argument = one.argument.as_ref().map(|argument| input.evaluate(argument));
    let count = groups.firsts.len();
    let valid = |row: usize| argument.as_ref().is_none_or(|array| array.is_valid(row));
    let rows = || (0..input.len()).filter(|row| groups.of[*row] != NONE && valid(*row));
    if one.function == PersonFunction::Count {
        let mut counts = vec![0_i64; count];
        let mut seen = HashSet::new();
        for row in rows() {
            let group = groups.of[row];
            let fresh = match (&argument, one.distinct) {
                (Some(array), true) => seen.insert((group, value(array, row))),
                _ => true,
            };
            counts[group as usize] += i64::from(fresh);
        }
        return Arc::new(Int64Array::from(counts));
    }
    let array = argument.as_ref().expect("every aggregate but COUNT is planned with an argument");
    if let Some(array) = array.as_primitive_opt::<Int64Type>() {
        let combine = |before: i64, value: i64| match one.function {
            PersonFunction::Least => before.min(value),
            PersonFunction::Greatest => before.max(value),
            _ => before.saturating_add(value),
        };
        let mut results: Vec<Option<i64>> = vec![None; count];
        for row in rows() {
            let result = &mut results[groups.of[row] as usize];
            let value = array.value(row);
            *result = Some(result.map_or(value, |before| combine(before, value)));
        }
        return Arc::new(Int64Array::from(results));
    }
    let array = array.as_primitive::<Float64Type>();
    let combine = |before: f64, value: f64| match one.function {
        PersonFunction::Least => before.min(value),
        PersonFunction::Greatest => before.max(value),
        _ => before + value,
    };
    let mut results: Vec<Option<(f64, f64)>> = vec![None; count];
    for row in rows() {
        let result = &mut results[groups.of[row] as usize];
        let value = array.value(row);
        *result =
            Some(result.map_or((value, 1.0), |(before, n)| (combine(before, value), n + 1.0)));
    }
    let mean = one.function == PersonFunction::Mean;
    let shown = results.into_iter().map(|result| {
        let value = result.map(|(value, n)| if mean { value / n } else { value });
        value.filter(|value| !value.is_nan()).map(|value| value + 0.0)
    });
    Arc::new(shown.collect::<Float64Array>())
}
