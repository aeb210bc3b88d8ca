//! The schema of a folder of tables, as its custodian writes it (TOML).

use std::collections::BTreeMap;

use caduceus_records::schema::USUAL_FUEL;
use serde::Deserialize;

use super::{PublicColumn, PublicDomain, PublicSchema, PublicTable};
use crate::{Allowance, Delta, EpsilonTotal, Mechanism};

/// A schema cannot be used as it is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Not TOML, or a key that is unknown, missing or of the wrong type.
    #[error("The schema cannot be read at line {line}: {what}.")]
    Text {
        /// Line, counted from 1.
        line: usize,
        /// What is wrong, with the key.
        what: String,
    },
    /// A key has a value that makes no sense.
    #[error("The schema's key `{key}` {problem}.")]
    Key {
        /// The key with its tables.
        key: String,
        /// What is wrong and what would be right.
        problem: String,
    },
}

impl SchemaError {
    fn key(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Key { key: key.into(), problem: problem.into() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default)]
    mechanism: Mechanism,
    #[serde(default = "usual_fuel")]
    max_fuel: u64,
    budget: BudgetText,
    tables: BTreeMap<String, TableText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BudgetText {
    epsilon: f64,
    #[serde(default)]
    delta: f64,
    researcher: Option<AllowanceText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowanceText {
    epsilon: f64,
    #[serde(default)]
    delta: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableText {
    file: Option<String>,
    patient: String,
    max_rows: Option<u32>,
    max_rows_per_group: Option<u32>,
    max_groups: Option<u32>,
    #[serde(default = "yes")]
    allowed: bool,
    #[serde(default)]
    columns: BTreeMap<String, ColumnText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnText {
    r#type: TypeText,
    values: Option<Vec<String>>,
    lower: Option<toml::Value>,
    upper: Option<toml::Value>,
    #[serde(default)]
    nullable: bool,
    #[serde(default = "yes")]
    allowed: bool,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum TypeText {
    Text,
    Integer,
    Decimal,
    Boolean,
}

fn usual_fuel() -> u64 {
    USUAL_FUEL
}

fn yes() -> bool {
    true
}

impl PublicSchema {
    /// Reads the schema of a folder of tables.
    ///
    /// # Errors
    /// [`SchemaError`], with the line or the key.
    pub fn from_toml(text: &str) -> Result<Self, SchemaError> {
        let read: Text = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = 1 + text.as_bytes()[..start].iter().filter(|byte| **byte == b'\n').count();
            let what = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            SchemaError::Text { line, what: what.trim_end_matches('.').to_owned() }
        })?;
        if read.tables.is_empty() {
            return Err(SchemaError::key("tables", "names no table: write [tables.NAME]"));
        }
        let dataset = allowance("budget", read.budget.epsilon, read.budget.delta)?;
        let researcher = match read.budget.researcher {
            Some(own) => allowance("budget.researcher", own.epsilon, own.delta)?,
            None => dataset,
        };
        let tables = read.tables.into_iter().map(|(name, text)| table(name, text));
        let tables = tables.collect::<Result<_, _>>()?;
        let (mechanism, max_fuel) = (read.mechanism, read.max_fuel);
        Ok(Self { tables, mechanism, max_fuel, dataset, researcher })
    }
}

fn allowance(key: &str, epsilon: f64, delta: f64) -> Result<Allowance, SchemaError> {
    let milli = (epsilon * 1000.0).round();
    if !(0.0..1e12).contains(&milli) || (milli / 1000.0 - epsilon).abs() > 1e-9 {
        let key = format!("{key}.epsilon");
        return Err(SchemaError::key(key, "is a number from 0 with at most three decimal places"));
    }
    let delta = Delta::from_number(delta).ok_or_else(|| {
        SchemaError::key(format!("{key}.delta"), "is a number from 0 to below 1, such as 1e-6")
    })?;
    Ok(Allowance { epsilon: EpsilonTotal::from_milli(milli as u64), delta })
}

fn table(name: String, text: TableText) -> Result<PublicTable, SchemaError> {
    let key = format!("tables.{name}");
    let limits = [
        ("max_rows", text.max_rows),
        ("max_rows_per_group", text.max_rows_per_group),
        ("max_groups", text.max_groups),
    ];
    for (limit, value) in limits {
        if value == Some(0) {
            return Err(SchemaError::key(format!("{key}.{limit}"), "is a whole number from 1"));
        }
    }
    if text.columns.contains_key(&text.patient) {
        return Err(SchemaError::key(
            format!("{key}.columns.{}", text.patient),
            "describes the patient column, which needs no description: leave it out",
        ));
    }
    let columns = text.columns.into_iter().map(|(name, text)| {
        let key = format!("{key}.columns.{name}");
        column(&key, name, text)
    });
    Ok(PublicTable {
        columns: columns.collect::<Result<_, _>>()?,
        name,
        file: text.file,
        person: text.patient,
        max_rows: text.max_rows,
        max_rows_per_group: text.max_rows_per_group,
        max_groups: text.max_groups,
        allowed: text.allowed,
    })
}

fn column(key: &str, name: String, text: ColumnText) -> Result<PublicColumn, SchemaError> {
    if text.values.is_some() && text.r#type != TypeText::Text {
        let key = format!("{key}.values");
        return Err(SchemaError::key(key, "belongs to text columns only"));
    }
    let number = matches!(text.r#type, TypeText::Integer | TypeText::Decimal);
    if !number && (text.lower.is_some() || text.upper.is_some()) {
        return Err(SchemaError::key(
            format!("{key}.lower"),
            "and `upper` belong to integer and decimal columns only",
        ));
    }
    let domain = match text.r#type {
        TypeText::Text => {
            PublicDomain::Text(text.values.map(|values| unique(key, values)).transpose()?)
        }
        TypeText::Boolean => PublicDomain::Flag,
        TypeText::Integer => PublicDomain::Integer(bounds(key, &text, |value| value.as_integer())?),
        TypeText::Decimal => PublicDomain::Decimal(bounds(key, &text, |value| {
            let number = value.as_float().or(value.as_integer().map(|whole| whole as f64));
            number.filter(|number| number.is_finite())
        })?),
    };
    Ok(PublicColumn { name, domain, nullable: text.nullable, allowed: text.allowed })
}

fn unique(key: &str, values: Vec<String>) -> Result<Vec<String>, SchemaError> {
    let distinct: std::collections::BTreeSet<&String> = values.iter().collect();
    if values.is_empty() || distinct.len() < values.len() {
        return Err(SchemaError::key(
            format!("{key}.values"),
            "lists each value once, at least one",
        ));
    }
    Ok(values)
}

fn bounds<T: PartialOrd>(
    key: &str,
    text: &ColumnText,
    read: impl Fn(&toml::Value) -> Option<T>,
) -> Result<Option<(T, T)>, SchemaError> {
    let one = |name: &str, value: &Option<toml::Value>| match value {
        None => Ok(None),
        Some(value) => read(value).map(Some).ok_or_else(|| {
            SchemaError::key(format!("{key}.{name}"), "is a number of the column's type")
        }),
    };
    match (one("lower", &text.lower)?, one("upper", &text.upper)?) {
        (None, None) => Ok(None),
        (Some(lower), Some(upper)) if lower <= upper => Ok(Some((lower, upper))),
        (Some(_), Some(_)) => Err(SchemaError::key(format!("{key}.lower"), "is above `upper`")),
        (Some(_), None) => {
            Err(SchemaError::key(format!("{key}.upper"), "is missing beside `lower`"))
        }
        (None, Some(_)) => {
            Err(SchemaError::key(format!("{key}.lower"), "is missing beside `upper`"))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const GOOD: &str = r#"
mechanism = "gaussian"
[budget]
epsilon = 10
delta = 1e-6
[budget.researcher]
epsilon = 2.5
[tables.patient]
patient = "id"
max_rows = 1
[tables.patient.columns.sex]
type = "text"
values = ["female", "male"]
[tables.patient.columns.age]
type = "integer"
lower = 0
upper = 120
nullable = true
[tables.patient.columns.weight]
type = "decimal"
lower = 0
upper = 300.5
"#;

    #[test]
    fn a_schema_reads_as_documented() {
        let schema = PublicSchema::from_toml(GOOD).unwrap();
        assert_eq!(schema.mechanism, Mechanism::Gaussian);
        assert_eq!(schema.researcher.epsilon.milli(), 2500);
        assert_eq!(schema.dataset.delta.atto(), 1_000_000_000_000);
        let table = schema.table("patient").unwrap();
        assert_eq!((table.person.as_str(), table.max_rows), ("id", Some(1)));
        let domains: Vec<_> = table.columns.iter().map(|column| &column.domain).collect();
        assert_eq!(*domains[0], PublicDomain::Integer(Some((0, 120))));
        assert_eq!(*domains[2], PublicDomain::Decimal(Some((0.0, 300.5))));
        assert!(table.columns[0].nullable && !table.columns[1].nullable);
    }

    #[test]
    fn an_error_names_the_key_and_what_would_be_right() {
        for (from, to, words) in [
            ("max_rows = 1", "max_row = 1", "line 10: unknown field `max_row`"),
            ("patient = \"id\"", "", "missing field `patient`"),
            ("max_rows = 1", "max_rows = 0", "`tables.patient.max_rows` is a whole number from 1"),
            ("upper = 120", "", "`tables.patient.columns.age.upper` is missing"),
            ("lower = 0\nupper = 120", "lower = 3\nupper = 1", "age.lower` is above"),
            ("upper = 120", "upper = 1.5", "age.upper` is a number of the column's type"),
            ("epsilon = 10", "epsilon = 0.0001", "`budget.epsilon` is a number"),
            ("delta = 1e-6", "delta = 1", "`budget.delta` is"),
            ("\"male\"]", "\"female\"]", "sex.values` lists each value once"),
            ("columns.sex]", "columns.id]", "columns.id` describes the patient column"),
            ("type = \"decimal\"", "type = \"float\"", "unknown variant `float`"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error =
                PublicSchema::from_toml(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(words), "{words:?} in {error:?}");
        }
    }
}
