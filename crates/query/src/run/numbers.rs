//! Sums of numbers in whole steps: exact, and as fast as the processor reads them.

use arrow::{
    array::{Array, ArrayRef, AsArray},
    datatypes::{Float64Type, Int64Type},
};

use super::{
    accumulate::{Counted, Exact},
    groups::NONE,
};
use crate::grid::Grid;

/// Rows that are added up in 64 bits before they go to the totals, which have 128.
const BLOCK: usize = 1 << 16;

/// The largest step of which [`BLOCK`] fit into 64 bits.
const SMALL: u64 = 1 << 46;

/// The most groups that are added up by blocks.
const FEW_GROUPS: usize = 1 << 10;

/// Calls with the group and the number of each row that counts and has a value.
pub(super) fn each(counted: &Counted, argument: &ArrayRef, mut add: impl FnMut(usize, usize)) {
    let nulls = argument.nulls().filter(|nulls| nulls.null_count() > 0);
    let valid = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(row));
    match counted {
        Counted::All(rows) => (0..*rows).filter(|row| valid(*row)).for_each(|row| add(0, row)),
        Counted::Some(groups) => {
            let there = groups.iter().enumerate().filter(|(_, group)| **group != NONE);
            there.filter(|(row, _)| valid(*row)).for_each(|(row, group)| add(*group as usize, row));
        }
    }
}

/// Adds deviations of the argument from `origin`, in steps of the grid, their count, and with `squares` their squares.
pub(super) fn add(
    counted: &Counted,
    argument: &ArrayRef,
    grid: &Grid,
    origin: i64,
    squares: bool,
    totals: &mut [Exact],
) {
    if grid.magnitude() > SMALL {
        // Only whole numbers have steps of this size, and no squares are asked of them.
        let values = argument.as_primitive::<Int64Type>().values();
        return each(counted, argument, |group, row| {
            let total = &mut totals[group];
            total.sum += i128::from(grid.clamp_integer(values[row])) - i128::from(origin);
            total.count += 1;
        });
    }
    let nulls = argument.nulls().filter(|nulls| nulls.null_count() > 0);
    if let (Counted::All(_), None) = (counted, nulls) {
        return match argument.as_primitive_opt::<Int64Type>() {
            Some(array) => add_all(array.values(), squares, &mut totals[0], |value| {
                grid.clamp_integer(value) - origin
            }),
            None => {
                let values = argument.as_primitive::<Float64Type>().values();
                add_all(values, squares, &mut totals[0], |value| grid.clamp_decimal(value) - origin)
            }
        };
    }
    let length = argument.len();
    let mut steps = Vec::with_capacity(BLOCK.min(length));
    let mut local =
        vec![(0_i64, 0_i64, 0_i64); if totals.len() <= FEW_GROUPS { totals.len() } else { 0 }];
    for start in (0..length).step_by(BLOCK) {
        let end = (start + BLOCK).min(length);
        steps.clear();
        match argument.as_primitive_opt::<Int64Type>() {
            Some(array) => {
                let values = array.values()[start..end].iter();
                steps.extend(values.map(|value| grid.clamp_integer(*value) - origin));
            }
            None => {
                let values = argument.as_primitive::<Float64Type>().values()[start..end].iter();
                steps.extend(values.map(|value| grid.clamp_decimal(*value) - origin));
            }
        }
        let valid = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(start + row));
        let group = |row: usize| match counted {
            Counted::All(_) => 0,
            Counted::Some(groups) => groups[start + row],
        };
        for (row, step) in steps.iter().enumerate() {
            let group = group(row);
            if group == NONE || !valid(row) {
                continue;
            }
            let square = if squares { step * step } else { 0 };
            match local.get_mut(group as usize) {
                Some((sum, sum_squares, count)) => {
                    *sum += step;
                    *sum_squares += square;
                    *count += 1;
                }
                None => {
                    let total = &mut totals[group as usize];
                    total.sum += i128::from(*step);
                    total.squares += i128::from(square);
                    total.count += 1;
                }
            }
        }
        for (total, local) in totals.iter_mut().zip(&mut local) {
            let (sum, squares, count) = std::mem::take(local);
            total.sum += i128::from(sum);
            total.squares += i128::from(squares);
            total.count += count;
        }
    }
}

/// Adds up values of which all count in one group.
fn add_all<T: Copy>(
    values: &[T],
    squares: bool,
    total: &mut Exact,
    step: impl Fn(T) -> i64 + Copy,
) {
    total.count += values.len() as i64;
    for block in values.chunks(BLOCK) {
        let steps = block.iter().map(|value| step(*value));
        if squares {
            total.squares += i128::from(steps.clone().map(|step| step * step).sum::<i64>());
        }
        total.sum += i128::from(steps.sum::<i64>());
    }
}
