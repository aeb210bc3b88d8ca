//! The tables of a question, patient by patient.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, NullArray, new_empty_array},
    buffer::BooleanBuffer,
    datatypes::{DataType, Float64Type, Int64Type},
};

use super::{RunError, relation::Rows};
use crate::{
    PatientTables,
    plan::{ReleasePlan, TableRef},
    scalar::Bounds,
};

/// The tables that a question reads.
pub(super) struct Patients<'a> {
    tables: Vec<Table<'a>>,
    count: u32,
}

/// What a question reads of a table.
struct Table<'a> {
    /// The columns of its [`TableRef`], each with its bounds.
    columns: Vec<(ArrayRef, Option<Bounds>)>,
    ids: &'a [u32],
    starts: &'a [u32],
}

impl<'a> Patients<'a> {
    pub fn of(plan: &ReleasePlan, tables: &'a PatientTables) -> Result<Self, RunError> {
        let read = plan.tables.iter().map(|table| Table::of(table, tables));
        Ok(Self { tables: read.collect::<Result<_, _>>()?, count: tables.count() })
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    /// The most rows that these patients have in one of the tables.
    pub fn most_rows(&self, patients: Range<u32>) -> u32 {
        let rows = |table: &Table<'_>| {
            let at = |id: u32| table.starts[table.ids.partition_point(|one| *one < id)];
            at(patients.end) - at(patients.start)
        };
        self.tables.iter().map(rows).max().unwrap_or_default()
    }

    /// The rows of some patients in one table: whether there is a patient first, then its columns.
    pub fn rows(&self, table: usize, patients: Range<u32>) -> Rows {
        let table = &self.tables[table];
        let from = table.ids.partition_point(|id| *id < patients.start);
        let to = table.ids.partition_point(|id| *id < patients.end);
        let first = table.starts[from];
        let (offset, length) = (first as usize, (table.starts[to] - first) as usize);
        let person = BooleanArray::new(BooleanBuffer::new_set(length), None);
        let columns = table.columns.iter();
        let columns = columns.map(|(column, bounds)| tame(column.slice(offset, length), *bounds));
        Rows {
            ids: table.ids[from..to].to_vec(),
            starts: table.starts[from..=to].iter().map(|start| start - first).collect(),
            columns: std::iter::once(Arc::new(person) as ArrayRef).chain(columns).collect(),
            kept: None,
        }
    }
}

impl<'a> Table<'a> {
    fn of(table: &TableRef, tables: &'a PatientTables) -> Result<Self, RunError> {
        let held = tables.get(&table.name);
        let column = |name: &str, data_type: &DataType| match held {
            None => Some(new_empty_array(data_type)),
            Some(held) => {
                held.columns.get(name).filter(|array| array.data_type() == data_type).cloned()
            }
        };
        let columns = table.columns.iter().map(|one| {
            let array = match one.needed {
                true => column(&one.name, &one.kind.data_type()),
                false => {
                    Some(Arc::new(NullArray::new(held.map_or(0, |held| held.rows))) as ArrayRef)
                }
            };
            let missing =
                || RunError::Column { table: table.name.clone(), column: one.name.clone() };
            Ok((array.ok_or_else(missing)?, one.bounds))
        });
        Ok(Self {
            columns: columns.collect::<Result<_, RunError>>()?,
            ids: held.map_or(&[], |held| &held.ids),
            starts: held.map_or(&[0], |held| &held.starts),
        })
    }
}

/// Values outside of their bounds as the bound, and what is no number as NULL. Where all is well nothing is copied.
fn tame(column: ArrayRef, bounds: Option<Bounds>) -> ArrayRef {
    match (column.data_type(), bounds) {
        (DataType::Int64, Some(Bounds::Integer(lower, upper))) => {
            let array = column.as_primitive::<Int64Type>();
            let outside = |value: &i64| *value < lower || *value > upper;
            match array.values().iter().fold(false, |any, value| any | outside(value)) {
                true => Arc::new(array.unary::<_, Int64Type>(|value| value.clamp(lower, upper))),
                false => column,
            }
        }
        (DataType::Float64, bounds) => {
            let (lower, upper) = bounds.map_or((f64::NEG_INFINITY, f64::INFINITY), Bounds::decimal);
            let array = column.as_primitive::<Float64Type>();
            // What is no number is not within anything. There is one zero, as in SQL: the kernels that compare know two.
            let outside = |value: &f64| {
                !(*value >= lower && *value <= upper) || value.to_bits() == (-0.0_f64).to_bits()
            };
            match array.values().iter().fold(false, |any, value| any | outside(value)) {
                true => {
                    let held = array.iter().map(|value| {
                        value
                            .filter(|value| !value.is_nan())
                            .map(|value| value.clamp(lower, upper) + 0.0)
                    });
                    Arc::new(held.collect::<arrow::array::Float64Array>())
                }
                false => column,
            }
        }
        _ => column,
    }
}
