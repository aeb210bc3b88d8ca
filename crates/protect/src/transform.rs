//! One rule applied to one raw column: raw values in, a published array out, and a count of what was taken away.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;

use crate::date::{Date, PartialDate};
use crate::error::ProtectError;
use crate::hierarchy::{OTHER, UNKNOWN};
use crate::policy::{Rule, Source};
use crate::report::FieldReport;
use crate::safe_harbor::{self, SparseAreas};

/// A raw table that may be absent; then it has no rows.
#[derive(Clone, Copy)]
pub(crate) struct RawTable<'a> {
    pub(crate) name: &'a str,
    pub(crate) batch: Option<&'a RecordBatch>,
}

impl<'a> RawTable<'a> {
    pub(crate) fn rows(&self) -> usize {
        self.batch.map_or(0, RecordBatch::num_rows)
    }

    /// A text column; `None` only if the table is absent.
    pub(crate) fn texts(&self, column: &str) -> Result<Option<&'a StringArray>, ProtectError> {
        self.typed(column, "Utf8")
    }

    fn typed<T: Array + 'static>(
        &self,
        column: &str,
        expected: &'static str,
    ) -> Result<Option<&'a T>, ProtectError> {
        let Some(batch) = self.batch else { return Ok(None) };
        let array =
            batch.column_by_name(column).and_then(|array| array.as_any().downcast_ref::<T>());
        array.map(Some).ok_or_else(|| ProtectError::Column {
            table: self.name.to_owned(),
            column: column.to_owned(),
            expected,
        })
    }
}

/// The text in a row, empty texts counted as absent.
pub(crate) fn text(column: Option<&StringArray>, row: usize) -> Option<&str> {
    let column = column.filter(|column| column.is_valid(row))?;
    Some(column.value(row)).filter(|text| !text.trim().is_empty())
}

/// The leaves of a quasi-identifier for these rows of the patient table.
pub(crate) fn leaves(
    raw: RawTable<'_>,
    source: &Source,
    rows: &[usize],
    today: Date,
    sparse: &SparseAreas,
) -> Result<Vec<String>, ProtectError> {
    let rows = rows.iter().copied();
    let known = |leaf: Option<String>| leaf.unwrap_or_else(|| UNKNOWN.to_owned());
    Ok(match source {
        Source::Sex { from } => {
            let gender = raw.texts(from)?;
            rows.map(|row| known(text(gender, row).map(str::to_ascii_lowercase))).collect()
        }
        Source::Age { from } => {
            let born = raw.texts(from)?;
            let age = |row| {
                PartialDate::parse(text(born, row)?)?.earliest().and_then(|born| today.age_of(born))
            };
            // Whoever is over 89 is 90 from here on.
            let capped = |age: u32| age.min(safe_harbor::OLDEST_AGE + 1).to_string();
            rows.map(|row| known(age(row).map(capped))).collect()
        }
        Source::Area { from, country } => {
            let code = raw.texts(from)?;
            let country = country.as_deref().map_or(Ok(None), |column| raw.texts(column))?;
            rows.map(|row| {
                let code = text(code, row);
                known(code.and_then(|code| safe_harbor::area(code, text(country, row), sparse)))
            })
            .collect()
        }
    })
}

/// Applies a rule other than that of a quasi-identifier to the `rows` of a raw table, in that order.
pub(crate) fn apply(
    raw: RawTable<'_>,
    rule: &Rule,
    rows: &[usize],
    today: Date,
) -> Result<(ArrayRef, FieldReport), ProtectError> {
    let mut counts = FieldReport::default();
    let array: ArrayRef = match rule {
        // Made by the caller, who knows the level.
        Rule::QuasiIdentifier { .. } => Arc::new(StringArray::new_null(rows.len())),
        Rule::Flag { from } => {
            let flags: Option<&BooleanArray> = raw.typed(from, "Boolean")?;
            let flag = |row: usize| {
                flags.filter(|flags| flags.is_valid(row)).map(|flags| flags.value(row))
            };
            Arc::new(rows.iter().map(|&row| flag(row)).collect::<BooleanArray>())
        }
        Rule::Category { from, values } => {
            let column = raw.texts(from)?;
            let value = |&row: &usize| {
                let text = text(column, row)?;
                let listed = values.iter().find(|value| *value == text);
                counts.generalized += u64::from(listed.is_none());
                Some(listed.map_or(OTHER, String::as_str))
            };
            Arc::new(rows.iter().map(value).collect::<StringArray>())
        }
        Rule::Code { from } => {
            let column = raw.texts(from)?;
            let kept = |&row: &usize| keep(text(column, row), |text| is_code(text), &mut counts);
            Arc::new(rows.iter().map(kept).collect::<StringArray>())
        }
        Rule::Year { from, lower, upper } => {
            let column = raw.texts(from)?;
            let year = |&row: &usize| {
                let year =
                    text(column, row).map(|text| publishable_year(text, *lower, *upper, today));
                counts.removed += u64::from(year == Some(None));
                counts.generalized += u64::from(matches!(year, Some(Some(_))));
                year.flatten()
            };
            Arc::new(rows.iter().map(year).collect::<Int64Array>())
        }
        Rule::Days { start, end, upper } => {
            let (starts, ends) = (raw.texts(start)?, raw.texts(end)?);
            let days = |&row: &usize| {
                let (start, end) = (
                    text(starts, row).and_then(Date::parse)?,
                    text(ends, row).and_then(Date::parse)?,
                );
                Some(end.days_since(start)).filter(|days| *days >= 0).map(|days| days.min(*upper))
            };
            Arc::new(rows.iter().map(days).collect::<Int64Array>())
        }
        Rule::Number { from, lower, upper } => {
            let column: Option<&Float64Array> = raw.typed(from, "Float64")?;
            let number = |&row: &usize| {
                let number =
                    column.filter(|column| column.is_valid(row)).map(|column| column.value(row));
                keep(number, |number| (lower..=upper).contains(&number), &mut counts)
            };
            Arc::new(rows.iter().map(number).collect::<Float64Array>())
        }
    };
    Ok((array, counts))
}

fn keep<T>(value: Option<T>, good: impl Fn(&T) -> bool, counts: &mut FieldReport) -> Option<T> {
    let good = value.as_ref().is_some_and(good);
    counts.removed += u64::from(value.is_some() && !good);
    value.filter(|_| good)
}

/// Whether a text can be a code of a known terminology. Anything else could be a number or a name of somebody.
fn is_code(text: &str) -> bool {
    crate::fhir::looks_like_code(text)
}

fn publishable_year(text: &str, lower: i64, upper: i64, today: Date) -> Option<i64> {
    let year = PartialDate::parse(text)?.year;
    let allowed = !safe_harbor::shows_high_age(year, today.year());
    Some(i64::from(year)).filter(|year| allowed && (lower..=upper).contains(year))
}
