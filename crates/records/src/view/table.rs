//! Rows of cells into Arrow columns.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, ListArray, StringBuilder,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, SchemaRef};
use arrow::record_batch::RecordBatch;

use super::CompiledView;
use super::definition::ColumnKind;
use super::eval::{Item, number, text_of};
use crate::error::RecordsError;
use crate::json::Json;

/// One value of one row. Its tag is as wide as that of [`Json`].
#[derive(Clone, Debug, PartialEq)]
#[repr(usize)]
pub(crate) enum Cell<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Decimal(f64),
    Text(Cow<'a, str>),
    List(Vec<Cell<'a>>),
}

/// Cells one behind the other, in the arena of their record.
pub(crate) type Cells<'a> = bumpalo::collections::Vec<'a, Cell<'a>>;

/// The rows of one resource, one behind the other.
pub(crate) struct Rows<'a> {
    cells: Cells<'a>,
    width: usize,
}

impl<'a> Rows<'a> {
    /// Rows of so many cells each, at least one.
    pub(crate) fn new(cells: Cells<'a>, width: usize) -> Rows<'a> {
        Rows { cells, width: width.max(1) }
    }

    pub(crate) fn len(&self) -> usize {
        self.cells.len() / self.width
    }

    pub(crate) fn iter(&self) -> std::slice::ChunksExact<'_, Cell<'a>> {
        self.cells.chunks_exact(self.width)
    }
}

impl ColumnKind {
    pub(crate) fn data_type(self) -> DataType {
        match self {
            ColumnKind::Text => DataType::Utf8,
            ColumnKind::Bool => DataType::Boolean,
            ColumnKind::Integer => DataType::Int64,
            ColumnKind::Decimal => DataType::Float64,
        }
    }
}

/// The cell that an item makes in a column of this kind.
pub(crate) fn cell<'a>(item: &Item<'a>, kind: ColumnKind) -> Result<Cell<'a>, &'static str> {
    match kind {
        ColumnKind::Text => match item {
            Item::Node(Json::String(text), _) => Ok(Cell::Text(Cow::Borrowed(text))),
            Item::Text(Cow::Borrowed(text)) => Ok(Cell::Text(Cow::Borrowed(text))),
            other => match text_of(other) {
                Some(text) => Ok(Cell::Text(text.into_owned().into())),
                None => Err("an element with parts where a plain value is asked"),
            },
        },
        ColumnKind::Bool => match item {
            Item::Bool(flag) | Item::Node(Json::Bool(flag), _) => Ok(Cell::Bool(*flag)),
            _ => Err("a value that is neither true nor false"),
        },
        ColumnKind::Integer => {
            let value = number(item).and_then(|value| value.to_i64());
            value.map(Cell::Integer).ok_or("a value that is not a whole number")
        }
        ColumnKind::Decimal => {
            let value = match item {
                // Straight from the digits, which may be more than exact arithmetic carries.
                Item::Node(Json::Number(text), _) => {
                    text.parse().ok().filter(|value: &f64| value.is_finite())
                }
                other => number(other).map(|value| value.to_f64()),
            };
            value.map(Cell::Decimal).ok_or("a value that is not a number")
        }
    }
}

enum ColumnBuilder {
    Text(StringBuilder),
    Bool(BooleanBuilder),
    Integer(Int64Builder),
    Decimal(Float64Builder),
    List { values: Box<ColumnBuilder>, ends: Vec<i32>, present: Vec<bool>, kind: ColumnKind },
}

/// What one column of one record batch can hold: Arrow's Utf8 and List count bytes and elements in 31 bits.
const LIMIT: usize = i32::MAX as usize;

impl ColumnBuilder {
    fn new(kind: ColumnKind, collection: bool) -> ColumnBuilder {
        match (collection, kind) {
            (true, _) => ColumnBuilder::List {
                values: Box::new(ColumnBuilder::new(kind, false)),
                ends: vec![0],
                present: Vec::new(),
                kind,
            },
            (false, ColumnKind::Text) => ColumnBuilder::Text(StringBuilder::new()),
            (false, ColumnKind::Bool) => ColumnBuilder::Bool(BooleanBuilder::new()),
            (false, ColumnKind::Integer) => ColumnBuilder::Integer(Int64Builder::new()),
            (false, ColumnKind::Decimal) => ColumnBuilder::Decimal(Float64Builder::new()),
        }
    }

    /// Appends a cell; says whether it fitted. The kinds agree because both come from the view's column.
    fn append(&mut self, cell: &Cell<'_>) -> bool {
        match (self, cell) {
            (ColumnBuilder::Text(builder), Cell::Text(text)) => {
                if builder.values_slice().len() + text.len() > LIMIT {
                    return false;
                }
                builder.append_value(text);
            }
            (ColumnBuilder::Bool(builder), Cell::Bool(flag)) => builder.append_value(*flag),
            (ColumnBuilder::Integer(builder), Cell::Integer(value)) => builder.append_value(*value),
            (ColumnBuilder::Decimal(builder), Cell::Decimal(value)) => builder.append_value(*value),
            (ColumnBuilder::List { values, ends, present, .. }, cell) => {
                let cells = if let Cell::List(cells) = cell { &cells[..] } else { &[] };
                let end = ends[ends.len() - 1] as usize + cells.len();
                if end > LIMIT || !cells.iter().all(|cell| values.append(cell)) {
                    return false;
                }
                ends.push(end as i32);
                present.push(matches!(cell, Cell::List(_)));
            }
            (ColumnBuilder::Text(builder), _) => builder.append_null(),
            (ColumnBuilder::Bool(builder), _) => builder.append_null(),
            (ColumnBuilder::Integer(builder), _) => builder.append_null(),
            (ColumnBuilder::Decimal(builder), _) => builder.append_null(),
        }
        true
    }

    fn finish(self) -> ArrayRef {
        match self {
            ColumnBuilder::Text(mut builder) => Arc::new(builder.finish()),
            ColumnBuilder::Bool(mut builder) => Arc::new(builder.finish()),
            ColumnBuilder::Integer(mut builder) => Arc::new(builder.finish()),
            ColumnBuilder::Decimal(mut builder) => Arc::new(builder.finish()),
            ColumnBuilder::List { values, ends, present, kind } => Arc::new(ListArray::new(
                list_field(kind),
                OffsetBuffer::new(ScalarBuffer::from(ends)),
                values.finish(),
                Some(NullBuffer::from(present)),
            )),
        }
    }
}

/// The elements of a collection column.
pub(crate) fn list_field(kind: ColumnKind) -> Arc<Field> {
    Arc::new(Field::new("item", kind.data_type(), true))
}

/// A table in the making.
pub(crate) struct TableBuilder {
    name: String,
    schema: SchemaRef,
    columns: Vec<ColumnBuilder>,
    rows: usize,
}

impl TableBuilder {
    pub(crate) fn new(view: &CompiledView) -> TableBuilder {
        let columns =
            view.columns.iter().map(|column| ColumnBuilder::new(column.kind, column.collection));
        TableBuilder {
            name: view.name.clone(),
            schema: view.schema(),
            columns: columns.collect(),
            rows: 0,
        }
    }

    /// Rows until now.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Appends the rows of one resource.
    pub(crate) fn append(&mut self, rows: &Rows<'_>) -> Result<(), RecordsError> {
        for row in rows.iter() {
            for (column, cell) in self.columns.iter_mut().zip(row) {
                if !column.append(cell) {
                    return Err(RecordsError::TooLarge { table: self.name.clone() });
                }
            }
            self.rows += 1;
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<RecordBatch, RecordsError> {
        let columns = self.columns.into_iter().map(ColumnBuilder::finish).collect();
        Ok(RecordBatch::try_new(self.schema, columns)?)
    }
}
