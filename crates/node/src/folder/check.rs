//! What of a folder's files does not fit its schema, for whoever holds the folder: exact numbers, which no researcher gets to see.

use std::collections::HashMap;
use std::fmt::Write;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use caduceus_query::{PublicDomain, PublicTable};
use serde::Serialize;

use super::Folder;
use super::tables::{Column, Files, Source};
use crate::error::{NodeError, Result};
use crate::report::Reporter;

/// What was found in the files of a folder. The numbers are exact: they are for its custodian, and no answer to a question.
#[derive(Clone, Debug, Serialize)]
pub struct FolderReport {
    /// The tables of the schema.
    pub tables: Vec<TableReport>,
    /// Whether every value is one that the schema describes, and every row counts.
    pub fits: bool,
    /// The report for a terminal.
    #[serde(skip)]
    pub text: String,
}

/// What was found in one file.
#[derive(Clone, Debug, Serialize)]
pub struct TableReport {
    /// The table's name in questions.
    pub table: String,
    /// Its file.
    pub file: String,
    /// Rows of the file.
    pub rows: usize,
    /// Patients that have rows.
    pub patients: usize,
    /// Rows that name no patient: they are left out.
    pub without_patient: usize,
    /// Rows beyond `max_rows` of their patients, which never count; null where the schema has no bound.
    pub beyond_max_rows: Option<usize>,
    /// The columns that the schema describes.
    pub columns: Vec<ColumnReport>,
}

/// What was found in one column. No value stands here.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnReport {
    /// The column.
    pub column: String,
    /// The type that the schema names.
    pub r#type: &'static str,
    /// Rows without a value.
    pub missing: usize,
    /// Values that are none of the type: they count as missing.
    pub unreadable: usize,
    /// The first row with such a value, counted from 1 without a header.
    pub first_unreadable: Option<usize>,
    /// Values outside of the published bounds, which count as the bound, or of no published value, which are in no group.
    pub outside: usize,
}

impl Folder {
    /// Compares the files of all tables with the schema. Nothing is charged, and no value is told.
    ///
    /// # Errors
    /// [`NodeError::TableFile`] for a file that is not there, cannot be read, or lacks a column of the schema.
    pub fn check(&self, report_to: &Reporter) -> Result<FolderReport> {
        let wanted = self.schema.tables.iter().map(|table| {
            let columns = table.columns.iter().map(|column| column.name.clone());
            (table.name.clone(), std::iter::once(table.person.clone()).chain(columns).collect())
        });
        let files = Files::find(&self.dir, &self.schema, wanted.collect())?;
        let (mut tables, all) = (Vec::new(), files.tables.len() as u64);
        for (number, source) in files.tables.iter().enumerate() {
            report_to.progress("tables looked at", number as u64, Some(all));
            tables.push(table(source)?);
        }
        let fits = tables.iter().all(TableReport::fits);
        let mut text: String = tables.iter().map(TableReport::text).collect();
        text.push_str(match fits {
            true => "every value is one that the schema describes\n",
            false => "mend the files or the schema where this is not meant\n",
        });
        text.push_str(
            "these numbers are exact: they are for whoever holds the folder, not for researchers\n",
        );
        Ok(FolderReport { tables, fits, text })
    }
}

fn table(source: &Source<'_>) -> Result<TableReport> {
    let columns = source.columns()?;
    let (key, columns) = columns.split_first().expect("the patient's column is always read");
    let patients = patients(&key.values)?;
    let beyond =
        |most: u32| patients.values().map(|rows| rows.saturating_sub(most as usize)).sum::<usize>();
    Ok(TableReport {
        table: source.table.name.clone(),
        file: source.path.display().to_string(),
        rows: key.values.len(),
        patients: patients.len(),
        without_patient: key.values.null_count(),
        beyond_max_rows: source.table.max_rows.map(beyond),
        columns: columns.iter().filter_map(|read| column(source.table, read)).collect(),
    })
}

/// Rows by patient.
fn patients(keys: &ArrayRef) -> Result<HashMap<String, usize>> {
    let keys = cast(keys, &DataType::Utf8).map_err(|error| {
        NodeError::TableFile(format!("a patient column cannot be read: {error}"))
    })?;
    let mut rows = HashMap::new();
    for key in keys.as_string::<i32>().iter().flatten() {
        match rows.get_mut(key) {
            Some(count) => *count += 1,
            None => drop(rows.insert(key.to_owned(), 1)),
        }
    }
    Ok(rows)
}

fn column(table: &PublicTable, read: &Column) -> Option<ColumnReport> {
    let known = table.columns.iter().find(|column| column.name == read.name)?;
    let (stored, values) = (&read.stored, &read.values);
    let no_number = |row: usize| match values.data_type() {
        DataType::Float64 => values.as_primitive::<Float64Type>().value(row).is_nan(),
        _ => false,
    };
    let unreadable =
        |row: &usize| stored.is_valid(*row) && (values.is_null(*row) || no_number(*row));
    let rows = || 0..values.len();
    let there = || rows().filter(|row| values.is_valid(*row));
    let (kind, outside) = match &known.domain {
        PublicDomain::Text(list) => {
            let texts = values.as_string::<i32>();
            let listed = |text: &str| {
                list.as_ref().is_none_or(|list| list.iter().any(|value| value == text))
            };
            ("text", there().filter(|row| !listed(texts.value(*row))).count())
        }
        PublicDomain::Integer(bounds) => {
            let numbers = values.as_primitive::<Int64Type>();
            let within =
                |number: i64| bounds.is_none_or(|(lower, upper)| (lower..=upper).contains(&number));
            ("integer", there().filter(|row| !within(numbers.value(*row))).count())
        }
        PublicDomain::Decimal(bounds) => {
            let numbers = values.as_primitive::<Float64Type>();
            // What is no number is outside of nothing.
            let beyond =
                |number: f64| bounds.is_some_and(|(lower, upper)| number < lower || number > upper);
            ("decimal", there().filter(|row| beyond(numbers.value(*row))).count())
        }
        PublicDomain::Flag => ("boolean", 0),
    };
    Some(ColumnReport {
        column: read.name.clone(),
        r#type: kind,
        missing: stored.null_count(),
        unreadable: rows().filter(unreadable).count(),
        first_unreadable: rows().find(unreadable).map(|row| row + 1),
        outside,
    })
}

impl TableReport {
    fn fits(&self) -> bool {
        let fit = |column: &ColumnReport| column.unreadable == 0 && column.outside == 0;
        self.without_patient == 0
            && self.beyond_max_rows.unwrap_or_default() == 0
            && self.columns.iter().all(fit)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let Self { table, file, rows, patients, without_patient, .. } = self;
        let (all, people) = (count(*rows, "row"), count(*patients, "patient"));
        let _ = writeln!(text, "{table}: {all} of {people} in {file}");
        if *without_patient > 0 {
            let rows = count(*without_patient, "row");
            let _ = writeln!(text, "  left out, since no patient is named: {rows}");
        }
        match self.beyond_max_rows {
            None => text
                .push_str("  max_rows is not set: its rows are counted within each patient only\n"),
            Some(0) => {}
            Some(rows) => {
                let rows = count(rows, "row");
                let _ =
                    writeln!(text, "  never counted, since beyond max_rows of the patient: {rows}");
            }
        }
        for column in &self.columns {
            let ColumnReport { column: name, r#type, .. } = column;
            if let Some(first) = column.first_unreadable {
                let values = count(column.unreadable, "value");
                let _ = writeln!(
                    text,
                    "  {name}: counted as missing, since no {type}: {values}, the first in row {first}"
                );
            }
            if column.outside > 0 {
                let rule = match *r#type {
                    "text" => "in no group, since none of the published values",
                    _ => "counted as the bound, since outside of lower and upper",
                };
                let _ = writeln!(text, "  {name}: {rule}: {}", count(column.outside, "value"));
            }
        }
        text
    }
}

/// A number of things, in words.
fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}
