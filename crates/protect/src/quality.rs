//! How good a protected dataset is, in whole basis points.
//!
//! The scores are computed from the protected tables and their schema alone, in integers, so that every attestor who
//! holds them gets the same numbers to the last unit. A ratio is rounded down.

use std::collections::{HashMap, HashSet};

use arrow::array::{Array, Float64Array, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use caduceus_records::Tables;
use caduceus_records::schema::{DatasetSchema, Domain, TableSchema};
use serde::{Deserialize, Serialize};

use crate::date::Date;
use crate::hierarchy::{ANYBODY, OTHER, UNKNOWN};

const WHOLE: u128 = 10_000;
/// After so many years without any event, a patient's record counts as stale.
const FRESH_YEARS: i64 = 10;
/// A condition is rare if at most one patient in so many has it.
const RARE_ONE_IN: u128 = 20;

/// The scores of one dataset, in basis points (10,000 is 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quality {
    /// Share of cells that say something: not empty, not `unknown`, not hidden by `*`. 0 to 10,000.
    pub completeness: u16,
    /// Share of the filled cells whose value is one that the schema allows; a measurement must also be of a unit and in a
    /// range that its code can have ([`PLAUSIBLE`]). 0 to 10,000.
    pub validity: u16,
    /// How recent the patients' latest events are: 10,000 for an event in the reference year, a tenth less for each year
    /// before, 0 after ten years and for patients without events; the mean over all patients. 0 to 10,000.
    pub freshness: u16,
    /// A multiplier: 10,000 and the share of patients with a condition that at most one patient in twenty of this
    /// dataset has. `other` is no condition. 10,000 to 20,000.
    pub rarity: u16,
    /// The custodian's reputation, as the caller gave it.
    pub reputation: u16,
}

/// Scores a protected dataset. `reputation` is passed through, since no table shows it.
///
/// Years are the whole-number columns named `year` or ending in `_year`; conditions are the column `code` of the table
/// `condition`; patients are the rows of the table `patient`. What a dataset does not have scores nothing.
pub fn scores(
    tables: &Tables,
    schema: &DatasetSchema,
    reference_date: Date,
    reputation: u16,
) -> Quality {
    Quality {
        completeness: completeness(tables, schema),
        validity: validity(tables, schema),
        freshness: freshness(tables, schema, i64::from(reference_date.year())),
        rarity: rarity(tables, schema),
        reputation,
    }
}

fn completeness(tables: &Tables, schema: &DatasetSchema) -> u16 {
    let (mut filled, mut cells) = (0_u128, 0_u128);
    for (table, batch) in present(tables, schema) {
        for column in table.columns.iter().filter(|column| column.domain != Domain::Person) {
            cells += batch.num_rows() as u128;
            filled += batch
                .column_by_name(&column.name)
                .map_or(0, |array| says_something(array.as_ref())) as u128;
        }
    }
    ratio(filled, cells)
}

/// A LOINC code, a UCUM unit, and the smallest and largest value that a living adult or child can have in it. Wider than
/// any reference range: outside of it, a digit or a unit was mistaken. Sources: the physiological limits that laboratory
/// and monitoring devices report within.
pub const PLAUSIBLE: [(&str, &str, f64, f64); 19] = [
    ("8480-6", "mm[Hg]", 30.0, 300.0),
    ("8462-4", "mm[Hg]", 10.0, 200.0),
    ("8867-4", "/min", 20.0, 300.0),
    ("39156-5", "kg/m2", 7.0, 100.0),
    ("29463-7", "kg", 0.3, 400.0),
    ("8302-2", "cm", 20.0, 260.0),
    ("4548-4", "%", 3.0, 20.0),
    ("4548-4", "mmol/mol", 9.0, 195.0),
    ("2339-0", "mg/dL", 10.0, 2_000.0),
    ("2339-0", "mmol/L", 0.5, 111.0),
    ("2093-3", "mg/dL", 20.0, 2_000.0),
    ("2093-3", "mmol/L", 0.5, 52.0),
    ("18262-6", "mg/dL", 1.0, 1_000.0),
    ("18262-6", "mmol/L", 0.02, 26.0),
    ("13457-7", "mg/dL", 1.0, 1_000.0),
    ("13457-7", "mmol/L", 0.02, 26.0),
    ("2085-9", "mg/dL", 1.0, 300.0),
    ("2085-9", "mmol/L", 0.02, 8.0),
    ("38483-4", "mg/dL", 0.05, 50.0),
];

fn validity(tables: &Tables, schema: &DatasetSchema) -> u16 {
    let (mut valid, mut filled) = (0_u128, 0_u128);
    for (table, batch) in present(tables, schema) {
        let measured = |column: &str| table.name == "observation" && column == "value";
        for column in table.columns.iter().filter(|column| column.domain != Domain::Person) {
            let Some(array) = batch.column_by_name(&column.name) else { continue };
            filled += (array.len() - array.null_count()) as u128;
            valid += match measured(&column.name) {
                true => plausible(batch, array.as_ref(), &column.domain),
                false => allowed(array.as_ref(), &column.domain),
            } as u128;
        }
    }
    ratio(valid, filled)
}

/// Cells whose value the domain has.
fn allowed(array: &dyn Array, domain: &Domain) -> usize {
    let any = array.as_any();
    match (
        domain,
        any.downcast_ref::<StringArray>(),
        any.downcast_ref::<Int64Array>(),
        any.downcast_ref::<Float64Array>(),
    ) {
        (Domain::Category { values }, Some(texts), ..) => {
            let known: HashSet<&str> = values.iter().map(String::as_str).collect();
            texts.iter().flatten().filter(|text| known.contains(text)).count()
        }
        (Domain::Integer { lower, upper }, _, Some(numbers), _) => {
            numbers.iter().flatten().filter(|number| (lower..=upper).contains(&number)).count()
        }
        (Domain::Decimal { lower, upper }, .., Some(numbers)) => {
            numbers.iter().flatten().filter(|number| (lower..=upper).contains(&number)).count()
        }
        _ => array.len() - array.null_count(),
    }
}

/// Measurements that their code can have; those of a code that [`PLAUSIBLE`] does not list must only be in the domain.
fn plausible(batch: &RecordBatch, array: &dyn Array, domain: &Domain) -> usize {
    let Some(values) = array.as_any().downcast_ref::<Float64Array>() else {
        return allowed(array, domain);
    };
    let (codes, units) = (texts(batch, "code"), texts(batch, "unit"));
    let at = |column: Option<&StringArray>, row: usize| {
        column.filter(|column| column.is_valid(row)).map(|column| column.value(row).to_owned())
    };
    let holds = |&row: &usize| {
        let (value, code, unit) = (values.value(row), at(codes, row), at(units, row));
        let mut rules = PLAUSIBLE.iter().filter(|rule| Some(rule.0) == code.as_deref()).peekable();
        match rules.peek() {
            Some(_) => rules
                .any(|rule| Some(rule.1) == unit.as_deref() && (rule.2..=rule.3).contains(&value)),
            None => match domain {
                Domain::Decimal { lower, upper } => (lower..=upper).contains(&&value),
                _ => true,
            },
        }
    };
    (0..values.len()).filter(|row| values.is_valid(*row)).filter(holds).count()
}

fn says_something(array: &dyn Array) -> usize {
    match array.as_any().downcast_ref::<StringArray>() {
        Some(texts) => {
            texts.iter().flatten().filter(|text| ![UNKNOWN, ANYBODY].contains(text)).count()
        }
        None => array.len() - array.null_count(),
    }
}

fn freshness(tables: &Tables, schema: &DatasetSchema, this_year: i64) -> u16 {
    let mut latest: HashMap<&str, i64> = HashMap::new();
    for (table, batch) in present(tables, schema) {
        let Some(people) = texts(batch, &table.person) else { continue };
        let years = table
            .columns
            .iter()
            .filter(|column| column.name == "year" || column.name.ends_with("_year"));
        for array in years.filter_map(|column| batch.column_by_name(&column.name)) {
            let Some(years) = array.as_any().downcast_ref::<Int64Array>() else { continue };
            for (person, year) in people.iter().zip(years) {
                let (Some(person), Some(year)) = (person, year) else { continue };
                let known = latest.entry(person).or_insert(year);
                *known = year.max(*known);
            }
        }
    }
    let people = people(tables, schema);
    // An event dated after the reference year is no fresher than one within it.
    let tenths = |person: &&str| {
        latest.get(person).map_or(0, |year| FRESH_YEARS - (this_year - year).clamp(0, FRESH_YEARS))
    };
    let sum: i64 = people.iter().map(tenths).sum();
    ratio(
        u128::from(sum.unsigned_abs()),
        people.len() as u128 * u128::from(FRESH_YEARS.unsigned_abs()),
    )
}

fn rarity(tables: &Tables, schema: &DatasetSchema) -> u16 {
    let people = people(tables, schema);
    let condition = present(tables, schema).find(|(table, _)| table.name == "condition");
    let columns = condition
        .and_then(|(table, batch)| Some((texts(batch, &table.person)?, texts(batch, "code")?)));
    let mut patients_with: HashMap<&str, HashSet<&str>> = HashMap::new();
    if let Some((owners, codes)) = columns {
        for (owner, code) in owners.iter().zip(codes) {
            let (Some(owner), Some(code)) = (owner, code) else { continue };
            if code != OTHER && people.contains(owner) {
                patients_with.entry(code).or_default().insert(owner);
            }
        }
    }
    let total = people.len() as u128;
    let rare = patients_with
        .into_values()
        .filter(|patients| patients.len() as u128 * RARE_ONE_IN <= total);
    let with_rare: HashSet<&str> = rare.flatten().collect();
    10_000 + ratio(with_rare.len() as u128, total)
}

/// Tables that the schema describes and the dataset has.
fn present<'a>(
    tables: &'a Tables,
    schema: &'a DatasetSchema,
) -> impl Iterator<Item = (&'a TableSchema, &'a RecordBatch)> {
    schema.tables.iter().filter_map(|table| Some((table, tables.get(&table.name)?)))
}

fn people<'a>(tables: &'a Tables, schema: &'a DatasetSchema) -> HashSet<&'a str> {
    let patients = present(tables, schema).find(|(table, _)| table.name == crate::PATIENT_TABLE);
    let column = patients.and_then(|(table, batch)| texts(batch, &table.person));
    column.into_iter().flatten().flatten().collect()
}

fn texts<'a>(batch: &'a RecordBatch, column: &str) -> Option<&'a StringArray> {
    batch.column_by_name(column)?.as_any().downcast_ref()
}

/// `part / whole` in basis points, rounded down, 0 of nothing.
fn ratio(part: u128, whole: u128) -> u16 {
    let points = (part * WHOLE).checked_div(whole).unwrap_or(0);
    u16::try_from(points.min(WHOLE)).unwrap_or(u16::MAX)
}
