//! The rows of a question: its columns side by side, and which of the rows the filter keeps.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, BooleanArray, RecordBatch, StringArray, UInt32Array, new_empty_array,
    },
    compute::take,
    datatypes::{DataType, Field, Schema},
};
use caduceus_records::Tables;
use datafusion::{
    common::DFSchema,
    logical_expr::{
        Expr, execution_props::ExecutionProps, physical_planning_context::PhysicalPlanningContext,
    },
    physical_expr::create_physical_expr,
};

use super::RunError;
use crate::plan::{ColumnRef, ColumnType, PrivatePlan, Side, TableRef};

/// Columns of equal length, in the order of [`PrivatePlan::columns`], with each row's patient.
pub(super) struct Rows {
    pub persons: StringArray,
    pub columns: Vec<ArrayRef>,
    /// Where the filter holds; absent without one.
    pub kept: Option<BooleanArray>,
}

impl Rows {
    /// Reads, joins and filters.
    pub fn new(plan: &PrivatePlan, tables: &Tables) -> Result<Self, RunError> {
        let read = |table: &TableRef, column: &str, data_type: &DataType| {
            self::read(tables, &table.name, column, data_type)
        };
        let rows = &plan.source.rows;
        let persons = read(rows, &rows.person, &DataType::Utf8)?;
        let joined = match &plan.source.person {
            Some(table) => Some(join(&persons, &read(table, &table.person, &DataType::Utf8)?)),
            None => None,
        };
        let columns = plan.columns.iter().map(|column| {
            let table = match (column.side, &plan.source.person) {
                (Side::Person, Some(table)) => table,
                _ => rows,
            };
            let array = read(table, &column.name, &data_type(column))?;
            joined
                .as_ref()
                .map_or(Ok(Arc::clone(&array)), |joined| gather(&array, joined, column.side))
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let persons = joined
            .as_ref()
            .map_or(Ok(Arc::clone(&persons)), |joined| gather(&persons, joined, Side::Rows))?;
        let kept =
            plan.filter.as_ref().map(|filter| evaluate(filter, plan, &columns, persons.len()));
        Ok(Self { persons: strings(&persons).clone(), kept: kept.transpose()?, columns })
    }
}

/// Row numbers of both tables for each joined row, in the order of the counted table.
struct Joined {
    rows: UInt32Array,
    person: UInt32Array,
}

/// Joins on the patient. A patient's own row is the first one, whatever the table holds.
fn join(rows: &ArrayRef, persons: &ArrayRef) -> Joined {
    let mut first = HashMap::new();
    for (index, person) in strings(persons).iter().enumerate() {
        if let Some(person) = person {
            first.entry(person).or_insert(index as u32);
        }
    }
    let pairs = strings(rows).iter().enumerate();
    let pairs = pairs.filter_map(|(index, person)| Some((index as u32, *first.get(person?)?)));
    let (rows, person): (Vec<u32>, Vec<u32>) = pairs.unzip();
    Joined { rows: rows.into(), person: person.into() }
}

fn gather(array: &ArrayRef, joined: &Joined, side: Side) -> Result<ArrayRef, RunError> {
    let indices = match side {
        Side::Rows => &joined.rows,
        Side::Person => &joined.person,
    };
    take(array, indices, None).map_err(|_| RunError::Engine)
}

fn data_type(column: &ColumnRef) -> DataType {
    match column.column_type {
        ColumnType::Text => DataType::Utf8,
        ColumnType::Integer => DataType::Int64,
        ColumnType::Decimal => DataType::Float64,
        ColumnType::Flag => DataType::Boolean,
    }
}

/// A column of a table, empty if the dataset holds no such table.
fn read(
    tables: &Tables,
    table: &str,
    column: &str,
    data_type: &DataType,
) -> Result<ArrayRef, RunError> {
    let Some(batch) = tables.get(table) else {
        return Ok(new_empty_array(data_type));
    };
    let array = batch.column_by_name(column).filter(|array| array.data_type() == data_type);
    array.cloned().ok_or_else(|| RunError::Column { table: table.into(), column: column.into() })
}

fn strings(array: &ArrayRef) -> &StringArray {
    array.as_any().downcast_ref().expect("columns are read by type, and this one as text")
}

/// The filter over all rows.
fn evaluate(
    filter: &Expr,
    plan: &PrivatePlan,
    columns: &[ArrayRef],
    count: usize,
) -> Result<BooleanArray, RunError> {
    let fields =
        plan.columns.iter().map(|column| Field::new(column.field(), data_type(column), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let options = arrow::record_batch::RecordBatchOptions::new().with_row_count(Some(count));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&schema), columns.to_vec(), &options);
    let batch = batch.map_err(|_| RunError::Engine)?;
    let evaluated = DFSchema::try_from(schema).and_then(|schema| {
        let (props, context) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        let physical = create_physical_expr(filter, &schema, &props, &context)?;
        physical.evaluate(&batch)?.into_array(count)
    });
    // What the engine says may quote a value: it goes no further.
    let evaluated = evaluated.map_err(|_| RunError::Engine)?;
    evaluated.as_any().downcast_ref::<BooleanArray>().cloned().ok_or(RunError::Engine)
}
