//! One patient's record, as an algorithm reads it: bytes of a layout that docs/algorithms.md describes.
//!
//! All cells are made once for a job, patient by patient and row by row, so that a run copies a few slices.

use std::{collections::HashMap, ops::Range};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Float64Type, Int64Type},
};
use caduceus_records::Tables;
use sha2::{Digest, Sha256};

use super::SandboxError;

/// Version of the layout, the first word of every record.
pub const LAYOUT_VERSION: u32 = 1;

/// Rows of one patient in one table that a record holds where the schema sets no bound.
pub const DEFAULT_ROWS: u32 = 4_096;

/// Bytes before the parameters.
const HEADER: usize = 16;

/// What stands for a missing whole number.
pub const MISSING_INTEGER: i64 = i64::MIN;

/// What stands for a missing or unpublished text, or a missing flag.
pub const MISSING_CODE: i64 = -1;

/// A table of the record.
#[derive(Clone, Debug, PartialEq)]
pub struct InputTable {
    /// Name of the table.
    pub name: String,
    /// Column that holds the patient's key.
    pub person: String,
    /// Rows of one patient; the first ones count.
    pub max_rows: u32,
    /// The columns, in the order of the record.
    pub columns: Vec<InputColumn>,
}

/// A column of the record: eight bytes in each row.
#[derive(Clone, Debug, PartialEq)]
pub struct InputColumn {
    /// Name of the column.
    pub name: String,
    /// What the eight bytes are.
    pub cell: Cell,
}

/// What the eight bytes of a cell are.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Whole number, held within bounds; missing: [`MISSING_INTEGER`].
    Integer(Option<(i64, i64)>),
    /// Decimal number, held within bounds; missing: NaN.
    Decimal(Option<(f64, f64)>),
    /// 1 or 0; missing: [`MISSING_CODE`].
    Flag,
    /// Place of the text in its published list, from 0; missing or not in the list: [`MISSING_CODE`].
    Code(Vec<String>),
    /// The first eight bytes of the SHA-256 of the text, see [`text_code`]; missing: 0.
    Text,
}

impl Cell {
    /// The kind of cell, as a record says it.
    pub fn kind(&self) -> u32 {
        match self {
            Self::Integer(_) => 0,
            Self::Decimal(_) => 1,
            Self::Flag => 2,
            Self::Code(_) => 3,
            Self::Text => 4,
        }
    }

    /// The kind of cell in a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Integer(_) => "integer",
            Self::Decimal(_) => "decimal",
            Self::Flag => "flag",
            Self::Code(_) => "code",
            Self::Text => "text",
        }
    }
}

/// The cell of a text of an open list: the first eight bytes of its SHA-256, as a little-endian number.
pub fn text_code(text: &str) -> i64 {
    let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let (first, _) = hash.split_first_chunk().expect("a hash has 32 bytes");
    i64::from_le_bytes(*first)
}

/// The records of all patients.
pub(crate) struct Records {
    tables: Vec<Cells>,
    patients: usize,
}

/// The rows of one table, in the order of patients.
struct Cells {
    kinds: Vec<u32>,
    bytes: Vec<u8>,
    /// For each patient where the rows begin, and where the last one's end.
    starts: Vec<usize>,
}

impl Records {
    /// # Errors
    /// [`SandboxError::Column`] if a table has not the columns that the schema publishes.
    pub fn read(inputs: &[InputTable], tables: &Tables) -> Result<Self, SandboxError> {
        let mut found = Vec::new();
        for input in inputs {
            // A table without rows need not be there: all its patients may have left.
            found
                .push(tables.get(&input.name).map(|batch| Source::read(input, batch)).transpose()?);
        }
        let runs: Vec<Vec<Run<'_>>> =
            found.iter().map(|source| source.as_ref().map_or(Vec::new(), Source::runs)).collect();
        let mut keys: Vec<Key<'_>> = runs.iter().flatten().map(|run| run.key).collect();
        // Stable sorting sees that each table's keys ascend already.
        keys.sort();
        keys.dedup();
        let tables = inputs.iter().zip(&found).zip(&runs);
        let tables =
            tables.map(|((input, source), runs)| Cells::new(input, source.as_ref(), runs, &keys));
        Ok(Self { tables: tables.collect(), patients: keys.len() })
    }

    /// Patients that have a row in any of the tables.
    pub fn patients(&self) -> usize {
        self.patients
    }

    /// The record of one patient.
    pub fn write(&self, prefix: &[u8], patient: usize, record: &mut Vec<u8>) {
        record.clear();
        record.extend_from_slice(prefix);
        for table in &self.tables {
            let (from, to) = (table.starts[patient], table.starts[patient + 1]);
            table_header((to - from) as u32, &table.kinds, record);
            let width = table.kinds.len() * 8;
            record.extend_from_slice(&table.bytes[from * width..to * width]);
        }
    }

    /// What all records of a round begin with.
    pub fn prefix(&self, round: u32, parameters: &[f64]) -> Vec<u8> {
        prefix(round, parameters, self.tables.len() as u32)
    }
}

/// The record of a step between rounds: one table with one column, the released numbers.
pub(crate) fn step_record(round: u32, parameters: &[f64], released: &[f64]) -> Vec<u8> {
    let mut record = prefix(round, parameters, 1);
    table_header(released.len() as u32, &[Cell::Decimal(None).kind()], &mut record);
    record.extend(released.iter().flat_map(|number| number.to_le_bytes()));
    record
}

fn prefix(round: u32, parameters: &[f64], tables: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + parameters.len() * 8);
    for word in [LAYOUT_VERSION, round, parameters.len() as u32, tables] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend(parameters.iter().flat_map(|number| number.to_le_bytes()));
    bytes
}

fn table_header(rows: u32, kinds: &[u32], record: &mut Vec<u8>) {
    record.extend_from_slice(&rows.to_le_bytes());
    record.extend_from_slice(&(kinds.len() as u32).to_le_bytes());
    record.extend(kinds.iter().flat_map(|kind| kind.to_le_bytes()));
    // Cells begin at a multiple of eight.
    if kinds.len() % 2 == 1 {
        record.extend_from_slice(&[0; 4]);
    }
}

/// A patient's key. Numbers come before texts: patients of both kinds are never the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Whole(i64),
    Text(&'a str),
}

/// Neighbouring rows of one patient.
struct Run<'a> {
    key: Key<'a>,
    rows: Range<usize>,
}

/// The columns of a table, in the types of their cells.
struct Source {
    keys: ArrayRef,
    columns: Vec<ArrayRef>,
}

impl Source {
    fn read(input: &InputTable, batch: &RecordBatch) -> Result<Self, SandboxError> {
        let column = |name: &str, as_type: &dyn Fn(&DataType) -> DataType| {
            let wrong =
                || SandboxError::Column { table: input.name.clone(), column: name.to_owned() };
            let column = batch.column_by_name(name).ok_or_else(wrong)?;
            cast(column, &as_type(column.data_type())).map_err(|_| wrong())
        };
        let keys = column(&input.person, &|found| {
            if found.is_integer() { DataType::Int64 } else { DataType::Utf8 }
        })?;
        let columns = input.columns.iter().map(|wanted| {
            let cell = match wanted.cell {
                Cell::Integer(_) => DataType::Int64,
                Cell::Decimal(_) => DataType::Float64,
                Cell::Flag => DataType::Boolean,
                Cell::Code(_) | Cell::Text => DataType::Utf8,
            };
            column(&wanted.name, &|_| cell.clone())
        });
        Ok(Self { columns: columns.collect::<Result<_, _>>()?, keys })
    }

    /// Runs of rows of one patient, by patient; rows without a patient are left out. Rows of one patient keep their order.
    fn runs(&self) -> Vec<Run<'_>> {
        let key = |row: usize| match self.keys.data_type() {
            DataType::Int64 => Key::Whole(self.keys.as_primitive::<Int64Type>().value(row)),
            _ => Key::Text(self.keys.as_string::<i32>().value(row)),
        };
        let mut runs: Vec<Run<'_>> = Vec::new();
        for row in (0..self.keys.len()).filter(|row| self.keys.is_valid(*row)) {
            let key = key(row);
            match runs.last_mut() {
                Some(run) if run.key == key && run.rows.end == row => run.rows.end = row + 1,
                _ => runs.push(Run { key, rows: row..row + 1 }),
            }
        }
        runs.sort_by_key(|run| run.key);
        runs
    }
}

impl Cells {
    fn new(
        input: &InputTable,
        source: Option<&Source>,
        runs: &[Run<'_>],
        keys: &[Key<'_>],
    ) -> Self {
        let (starts, kept) = place(runs, keys, input.max_rows as usize);
        let width = input.columns.len() * 8;
        let rows = starts.last().copied().unwrap_or(0);
        let mut bytes = vec![0; rows * width];
        let arrays = source.map_or(&[][..], |source| &source.columns);
        for (at, (wanted, array)) in input.columns.iter().zip(arrays).enumerate() {
            // A table without rows has no places.
            let places = bytes.get_mut(at * 8..).unwrap_or_default().chunks_mut(width);
            fill(&wanted.cell, array, &kept, places);
        }
        Self {
            kinds: input.columns.iter().map(|column| column.cell.kind()).collect(),
            bytes,
            starts,
        }
    }
}

/// Where each patient's rows begin, and which rows of the table they are.
fn place(runs: &[Run<'_>], keys: &[Key<'_>], most: usize) -> (Vec<usize>, Vec<Range<usize>>) {
    let mut starts = Vec::with_capacity(keys.len() + 1);
    let (mut kept, mut rows, mut next) = (Vec::with_capacity(runs.len()), 0, 0);
    for key in keys {
        starts.push(rows);
        let mut left = most;
        while let Some(run) = runs.get(next).filter(|run| run.key == *key) {
            let count = run.rows.len().min(left);
            kept.push(run.rows.start..run.rows.start + count);
            (left, rows, next) = (left - count, rows + count, next + 1);
        }
    }
    starts.push(rows);
    (starts, kept)
}

/// Writes the cells of one column to their places.
fn fill<'a>(
    cell: &Cell,
    array: &ArrayRef,
    kept: &[Range<usize>],
    places: impl Iterator<Item = &'a mut [u8]>,
) {
    let rows = kept.iter().flat_map(Clone::clone);
    let valid = |row: usize| array.is_valid(row);
    match cell {
        Cell::Integer(bounds) => {
            let values = array.as_primitive::<Int64Type>().values();
            let (low, high) = bounds.unwrap_or((i64::MIN, i64::MAX));
            let value =
                |row| if valid(row) { values[row].max(low).min(high) } else { MISSING_INTEGER };
            put(rows.map(value).map(i64::to_le_bytes), places);
        }
        Cell::Decimal(bounds) => {
            let values = array.as_primitive::<Float64Type>().values();
            let (low, high) = bounds.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
            // One pattern for all that is no number.
            let held =
                |value: f64| if value.is_nan() { f64::NAN } else { value.max(low).min(high) };
            let value = |row| if valid(row) { held(values[row]) } else { f64::NAN };
            put(rows.map(value).map(f64::to_le_bytes), places);
        }
        Cell::Flag => {
            let values = array.as_boolean();
            let value = |row| if valid(row) { i64::from(values.value(row)) } else { MISSING_CODE };
            put(rows.map(value).map(i64::to_le_bytes), places);
        }
        Cell::Code(list) => {
            let values = array.as_string::<i32>();
            let codes: HashMap<&str, i64> =
                list.iter().zip(0..).map(|(text, code)| (text.as_str(), code)).collect();
            let code = |row| codes.get(values.value(row)).copied().unwrap_or(MISSING_CODE);
            let value = |row| if valid(row) { code(row) } else { MISSING_CODE };
            put(rows.map(value).map(i64::to_le_bytes), places);
        }
        Cell::Text => {
            let values = array.as_string::<i32>();
            let mut codes: HashMap<&str, i64> = HashMap::new();
            let value = |row| match valid(row) {
                true => *codes.entry(values.value(row)).or_insert_with_key(|text| text_code(text)),
                false => 0,
            };
            put(rows.map(value).map(i64::to_le_bytes), places);
        }
    }
}

fn put<'a>(cells: impl Iterator<Item = [u8; 8]>, places: impl Iterator<Item = &'a mut [u8]>) {
    for (cell, place) in cells.zip(places) {
        place[..8].copy_from_slice(&cell);
    }
}

#[cfg(test)]
mod tests;
