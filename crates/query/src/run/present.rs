//! What a question does with released numbers: columns, conditions, order and limit. Nothing here sees anything else.

use std::{cmp::Ordering, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, UInt32Array},
    compute::take,
    datatypes::{DataType, Float64Type, Int64Type},
};

use super::release::{Number, Release, TOGETHER};
use crate::{
    Answer, AnswerValue,
    plan::{PrivatePlan, SortKey, Step},
    scalar::{Key, Kind, Scalar, Steps, evaluate, interval},
};

/// Columns of the answer so far.
struct Table {
    columns: Vec<Column>,
    rows: usize,
}

/// One column: its values, what it was before any arithmetic, and how far its numbers can be off.
#[derive(Clone)]
struct Column {
    values: ArrayRef,
    /// Which column of the release it shows, unchanged.
    origin: Option<usize>,
    /// By row and number of columns that are taken together; absent for groups and where it cannot be said.
    widths: Vec<Option<[f64; TOGETHER]>>,
}

impl Release {
    /// The answer, as this plan shows it. The plan must be one with the question key that the release was made for.
    pub fn answer(&self, plan: &PrivatePlan) -> Answer {
        let mut table = table(self, plan);
        for step in &plan.steps {
            table = match step {
                Step::Steps(steps) => on_steps(table, steps),
                Step::Project(scalars) => project(&table, scalars),
                Step::Filter(condition) => {
                    let holds = table.evaluate(condition);
                    let holds = holds.as_boolean();
                    let kept =
                        (0..table.rows).filter(|row| holds.is_valid(*row) && holds.value(*row));
                    table.take(kept.map(|row| row as u32).collect())
                }
                Step::Sort(keys) => sort(&table, keys),
                Step::Limit { skip, fetch } => {
                    let end = fetch
                        .map_or(table.rows, |fetch| skip.saturating_add(fetch).min(table.rows));
                    table.take((*skip.min(&end) as u32..end as u32).collect())
                }
            };
        }
        let mut answer = Answer::empty(
            plan,
            &table.columns.iter().map(|column| column.origin).collect::<Vec<_>>(),
        );
        for row in 0..table.rows {
            answer
                .rows
                .push(table.columns.iter().map(|column| cell(&column.values, row)).collect());
            let widths =
                table.columns.iter().map(|column| column.widths[row].map(|widths| widths[0]));
            answer.intervals95.push(widths.collect());
        }
        answer
    }
}

/// The release as columns: groups, then aggregates.
fn table(release: &Release, plan: &PrivatePlan) -> Table {
    let rows = release.groups.len();
    let groups = plan.release.groups.iter().enumerate().map(|(index, group)| Column {
        values: Key::column(release.groups.iter().map(|keys| &keys[index]), group.kind),
        origin: Some(index),
        widths: vec![None; rows],
    });
    let first = plan.release.groups.len();
    let numbers = plan.release.aggregates.iter().enumerate().map(|(index, aggregate)| {
        let numbers = || release.numbers.iter().map(|numbers| &numbers[index]);
        Column {
            values: values(numbers(), aggregate.value_kind()),
            origin: Some(first + index),
            widths: numbers().map(|number| Some(number.widths)).collect(),
        }
    });
    Table { columns: groups.chain(numbers).collect(), rows }
}

/// Group columns of whole numbers as the decimal numbers that they stand for.
fn on_steps(mut table: Table, steps: &[Option<Steps>]) -> Table {
    for (column, steps) in table.columns.iter_mut().zip(steps) {
        if let Some(steps) = steps {
            let numbers = column.values.as_primitive::<Int64Type>();
            column.values = Arc::new(numbers.unary::<_, Float64Type>(|number| steps.value(number)));
        }
    }
    table
}

fn values<'a>(numbers: impl Iterator<Item = &'a Number>, kind: Kind) -> ArrayRef {
    match kind {
        Kind::Integer => Arc::new(
            numbers
                .map(|number| match number.value {
                    AnswerValue::Integer(number) => Some(number),
                    // A recorded answer may have lost the difference.
                    AnswerValue::Decimal(number) => Some(number as i64),
                    _ => None,
                })
                .collect::<Int64Array>(),
        ),
        _ => Arc::new(
            numbers
                .map(|number| match number.value {
                    AnswerValue::Integer(number) => Some(number as f64),
                    AnswerValue::Decimal(number) => Some(number),
                    _ => None,
                })
                .collect::<Float64Array>(),
        ),
    }
}

impl Table {
    fn evaluate(&self, scalar: &Scalar) -> ArrayRef {
        let columns: Vec<ArrayRef> =
            self.columns.iter().map(|column| Arc::clone(&column.values)).collect();
        evaluate(scalar, &columns, self.rows)
    }

    /// These rows, in this order.
    fn take(&self, rows: Vec<u32>) -> Self {
        let taken = UInt32Array::from(rows.clone());
        let columns = self.columns.iter().map(|column| Column {
            values: take(&column.values, &taken, None).expect("rows are those of the table"),
            origin: column.origin,
            widths: rows.iter().map(|row| column.widths[*row as usize]).collect(),
        });
        Self { columns: columns.collect(), rows: rows.len() }
    }
}

fn project(table: &Table, scalars: &[Scalar]) -> Table {
    let columns = scalars.iter().map(|scalar| match scalar {
        Scalar::Column(index) => table.columns[*index].clone(),
        computed => {
            let values = table.evaluate(computed);
            let widths = (0..table.rows).map(|row| widths(table, computed, &values, row));
            Column { widths: widths.collect(), values, origin: None }
        }
    });
    Table { columns: columns.collect(), rows: table.rows }
}

/// How far a computed number can be off, from how far the numbers in it can be off at once.
fn widths(
    table: &Table,
    scalar: &Scalar,
    values: &ArrayRef,
    row: usize,
) -> Option<[f64; TOGETHER]> {
    let value = decimal(values, row)?;
    let mut read = std::collections::BTreeSet::new();
    scalar.columns(&mut read);
    if read.is_empty() {
        return None;
    }
    let whole = |column: usize| table.columns[column].values.data_type() == &DataType::Int64;
    let mut widths = [0.0; TOGETHER];
    for (index, width) in widths.iter_mut().enumerate() {
        // Each of `read` columns at the level at which this many together hold with 1 - 5 %/(index + 1).
        let level = read.len() * (index + 1);
        let ends = interval(
            scalar,
            &|column| {
                let column = &table.columns[column];
                let value = decimal(&column.values, row)?;
                let width = column.widths[row]?;
                let width = width
                    .get(level - 1)
                    .copied()
                    .or_else(|| (index > 0).then_some(f64::INFINITY))?;
                Some((value - width, value + width))
            },
            &whole,
        );
        let (low, high) = match (ends, index) {
            (None, 0) => return None,
            (None, _) => (f64::NEG_INFINITY, f64::INFINITY),
            (Some(ends), _) => ends,
        };
        *width = (value - low).max(high - value);
    }
    widths[0].is_finite().then_some(widths)
}

fn decimal(values: &ArrayRef, row: usize) -> Option<f64> {
    if values.is_null(row) {
        return None;
    }
    match values.data_type() {
        DataType::Int64 => Some(values.as_primitive::<Int64Type>().value(row) as f64),
        DataType::Float64 => Some(values.as_primitive::<Float64Type>().value(row)),
        _ => None,
    }
}

fn cell(values: &ArrayRef, row: usize) -> AnswerValue {
    if values.is_null(row) {
        return AnswerValue::Null;
    }
    match values.data_type() {
        DataType::Int64 => AnswerValue::Integer(values.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => match values.as_primitive::<Float64Type>().value(row) {
            number if number.is_finite() => AnswerValue::Decimal(number),
            _ => AnswerValue::Null,
        },
        DataType::Boolean => AnswerValue::Flag(values.as_boolean().value(row)),
        DataType::Utf8 => AnswerValue::Text(values.as_string::<i32>().value(row).to_owned()),
        _ => AnswerValue::Null,
    }
}

fn sort(table: &Table, keys: &[SortKey]) -> Table {
    let columns: Vec<ArrayRef> = keys.iter().map(|key| table.evaluate(&key.scalar)).collect();
    let mut rows: Vec<u32> = (0..table.rows as u32).collect();
    rows.sort_by(|one, other| {
        let (one, other) = (*one as usize, *other as usize);
        let orders = keys.iter().zip(&columns).map(|(key, values)| order(key, values, one, other));
        orders.fold(Ordering::Equal, Ordering::then)
    });
    table.take(rows)
}

fn order(key: &SortKey, values: &ArrayRef, one: usize, other: usize) -> Ordering {
    match (values.is_null(one), values.is_null(other)) {
        (true, true) => return Ordering::Equal,
        (one_null, other_null) if one_null || other_null => {
            return if one_null == key.nulls_first { Ordering::Less } else { Ordering::Greater };
        }
        _ => {}
    }
    let ordering = match values.data_type() {
        DataType::Int64 => {
            let values = values.as_primitive::<Int64Type>();
            values.value(one).cmp(&values.value(other))
        }
        DataType::Float64 => {
            let values = values.as_primitive::<Float64Type>();
            values.value(one).total_cmp(&values.value(other))
        }
        DataType::Boolean => values.as_boolean().value(one).cmp(&values.as_boolean().value(other)),
        _ => {
            let values = values.as_string::<i32>();
            values.value(one).cmp(values.value(other))
        }
    };
    if key.ascending { ordering } else { ordering.reverse() }
}
