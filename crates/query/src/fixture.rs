//! A small dataset for the tests: its schema, and tables built from plain rows.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::BTreeMap, sync::Arc};

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use caduceus_records::{
    Tables,
    schema::{ColumnSchema, DatasetSchema, Domain, TableSchema},
};

use crate::{Epsilon, PrivatePlan, PublicSchema, Question, Refusal};

pub(crate) const SEXES: [&str; 4] = ["male", "female", "other", "unknown"];
pub(crate) const CODES: [&str; 3] = ["8867-4", "29463-7", "other"];
pub(crate) const ROWS_OF_A_PATIENT: u32 = 4;

/// Patients with one row each, observations with up to [`ROWS_OF_A_PATIENT`], encounters with up to 3, and a table whose
/// custodian forgot its bounds.
pub(crate) fn schema() -> PublicSchema {
    (&dataset()).into()
}

fn dataset() -> DatasetSchema {
    let values = |values: &[&str]| Domain::Category {
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let many: Vec<String> = (0..200).map(|index| index.to_string()).collect();
    DatasetSchema {
        id: "test".into(),
        version: 1,
        max_fuel_per_person: 100_000_000,
        tables: vec![
            table("patient", 1, [("sex", values(&SEXES)), ("deceased", Domain::Flag)].into()),
            table(
                "observation",
                ROWS_OF_A_PATIENT,
                vec![
                    ("code", values(&CODES)),
                    ("note", Domain::Text),
                    ("value", Domain::Decimal { lower: -20.0, upper: 300.0 }),
                    ("year", Domain::Integer { lower: 1900, upper: 2100 }),
                    ("wide", Domain::Integer { lower: i64::MIN, upper: i64::MAX }),
                    ("final", Domain::Flag),
                ],
            ),
            table(
                "encounter",
                3,
                vec![
                    ("class", values(&["AMB", "IMP"])),
                    ("days", Domain::Integer { lower: 0, upper: 365 }),
                    ("ward", Domain::Category { values: many.clone() }),
                    ("bed", Domain::Category { values: many }),
                ],
            ),
            table("unbounded", 0, vec![]),
            table("endless", 1, vec![("x", Domain::Decimal { lower: 0.0, upper: f64::INFINITY })]),
        ],
    }
}

fn table(name: &str, rows: u32, columns: Vec<(&str, Domain)>) -> TableSchema {
    let person = ("patient", Domain::Person);
    let columns = std::iter::once(person).chain(columns);
    let column = |(name, domain): (&str, Domain)| ColumnSchema {
        name: name.into(),
        domain,
        unit: String::new(),
    };
    TableSchema {
        name: name.into(),
        person: "patient".into(),
        max_rows_per_person: rows,
        columns: columns.map(column).collect(),
    }
}

/// Plans a question with epsilon 1.
pub(crate) fn plan(sql: &str) -> Result<PrivatePlan, Refusal> {
    plan_with(&Question::new(sql, Epsilon::from_milli(1000)))
}

pub(crate) fn plan_with(question: &Question) -> Result<PrivatePlan, Refusal> {
    crate::plan(question, &schema())
}

/// A row of `patient`.
#[derive(Clone, Debug)]
pub(crate) struct Patient {
    pub id: String,
    pub sex: Option<String>,
    pub deceased: Option<bool>,
}

/// A row of `observation`.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    pub patient: Option<String>,
    pub code: Option<String>,
    pub note: Option<String>,
    pub value: Option<f64>,
    pub year: Option<i64>,
    pub wide: Option<i64>,
    pub last: Option<bool>,
}

pub(crate) fn tables(patients: &[Patient], observations: &[Observation]) -> Tables {
    fn text<'a>(values: impl Iterator<Item = Option<&'a String>>) -> ArrayRef {
        Arc::new(values.map(|value| value.map(String::as_str)).collect::<StringArray>())
    }
    let batch = |columns: Vec<(&str, ArrayRef)>| {
        RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, array)| (name, array, true)),
        )
        .unwrap()
    };
    let patient = batch(vec![
        ("patient", text(patients.iter().map(|row| Some(&row.id)))),
        ("sex", text(patients.iter().map(|row| row.sex.as_ref()))),
        ("deceased", Arc::new(patients.iter().map(|row| row.deceased).collect::<BooleanArray>())),
    ]);
    let rows = || observations.iter();
    let observation = batch(vec![
        ("patient", text(rows().map(|row| row.patient.as_ref()))),
        ("code", text(rows().map(|row| row.code.as_ref()))),
        ("note", text(rows().map(|row| row.note.as_ref()))),
        ("value", Arc::new(rows().map(|row| row.value).collect::<Float64Array>())),
        ("year", Arc::new(rows().map(|row| row.year).collect::<Int64Array>())),
        ("wide", Arc::new(rows().map(|row| row.wide).collect::<Int64Array>())),
        ("final", Arc::new(rows().map(|row| row.last).collect::<BooleanArray>())),
    ]);
    Tables(BTreeMap::from([("patient".into(), patient), ("observation".into(), observation)]))
}
