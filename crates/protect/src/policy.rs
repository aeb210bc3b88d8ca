//! The protection policy: a file that says what is published, from which raw column, and what is done to it.
//!
//! The file is TOML and is meant to be edited by people; `views/protection.toml` is the one that the product comes with
//! and explains every key. Whatever it leaves out is not published.

use std::collections::{BTreeMap, BTreeSet};

use caduceus_records::schema::{Domain, USUAL_FUEL};
use serde::Deserialize;

use crate::error::ProtectError;
use crate::hierarchy::{Hierarchy, OTHER};
use crate::protect::{PATIENT_TABLE, PERSON_COLUMN};
use crate::safe_harbor::{self, SparseAreas};

/// A checked protection policy.
#[derive(Clone, Debug, PartialEq)]
pub struct ProtectionPolicy {
    pub(crate) schema_id: String,
    pub(crate) schema_version: u32,
    pub(crate) max_fuel_per_person: u64,
    /// Patients that must share every combination of quasi-identifiers, unless the caller asks for another number.
    pub(crate) k: u32,
    /// Patients that may be left out for k, in parts per 10,000.
    pub(crate) maximum_suppression: u32,
    /// Areas of the United States that are shown as 000.
    pub(crate) sparse: SparseAreas,
    pub(crate) tables: Vec<TablePolicy>,
}

/// One published table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TablePolicy {
    pub(crate) name: String,
    pub(crate) max_rows_per_person: u32,
    pub(crate) columns: Vec<ColumnPolicy>,
}

/// One published column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColumnPolicy {
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) rule: Rule,
}

/// Where a published column comes from and what is done to it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Rule {
    /// A quasi-identifier of the patient, generalized until k is reached.
    QuasiIdentifier { source: Source, weight: Option<u32>, hierarchy: Hierarchy },
    /// A Boolean, as it is.
    Flag { from: String },
    /// A code of a published list; every other value becomes `other`.
    Category { from: String, values: Vec<String> },
    /// A code of an open list; what does not look like a code is removed.
    Code { from: String },
    /// The year of a date; years out of bounds, or that show an age over 89, are removed.
    Year { from: String, lower: i64, upper: i64 },
    /// Days from one date to another, at most `upper`; removed where either day is not known or the order is wrong.
    Days { start: String, end: String, upper: i64 },
    /// A decimal number; removed where it is out of bounds.
    Number { from: String, lower: f64, upper: f64 },
}

/// What the leaf of a quasi-identifier is read from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// The administrative gender.
    Sex { from: String },
    /// The age at the reference date.
    Age { from: String },
    /// The area of a postal code.
    Area { from: String, country: Option<String> },
}

impl Source {
    /// The raw column that it is read from.
    pub(crate) fn from(&self) -> &str {
        let (Source::Sex { from } | Source::Age { from } | Source::Area { from, .. }) = self;
        from
    }
}

impl Rule {
    /// The raw columns that the rule reads.
    pub(crate) fn reads(&self) -> Vec<&str> {
        match self {
            Rule::QuasiIdentifier { source: Source::Area { from, country }, .. } => {
                [from].into_iter().chain(country).map(String::as_str).collect()
            }
            Rule::QuasiIdentifier {
                source: Source::Sex { from } | Source::Age { from }, ..
            }
            | Rule::Flag { from }
            | Rule::Category { from, .. }
            | Rule::Code { from }
            | Rule::Year { from, .. }
            | Rule::Number { from, .. } => vec![from],
            Rule::Days { start, end, .. } => vec![start, end],
        }
    }

    /// The published domain; that of a quasi-identifier depends on the level that was chosen for it.
    pub(crate) fn domain(&self, level: usize) -> Domain {
        match self {
            Rule::QuasiIdentifier { hierarchy, .. } => {
                Domain::Category { values: hierarchy.values(level) }
            }
            Rule::Flag { .. } => Domain::Flag,
            Rule::Category { values, .. } => Domain::Category { values: values.clone() },
            Rule::Code { .. } => Domain::Text,
            Rule::Year { lower, upper, .. } => Domain::Integer { lower: *lower, upper: *upper },
            Rule::Days { upper, .. } => Domain::Integer { lower: 0, upper: *upper },
            Rule::Number { lower, upper, .. } => Domain::Decimal { lower: *lower, upper: *upper },
        }
    }
}

impl ProtectionPolicy {
    /// Reads and checks a policy.
    ///
    /// # Errors
    /// [`ProtectError::Syntax`] where the text is not TOML or has unknown keys, [`ProtectError::Policy`] where it asks
    /// for something that makes no sense, with the place.
    pub fn parse(text: &str) -> Result<ProtectionPolicy, ProtectError> {
        let file: PolicyFile = toml::from_str(text).map_err(Box::new)?;
        check_k(file.k)?;
        if file.maximum_suppression > 10_000 {
            return Err(wrong(
                "maximum_suppression",
                "it is in parts per 10,000 and cannot exceed 10000",
            ));
        }
        let sparse = match file.sparse_zip3 {
            None => SparseAreas::default(),
            Some(list) => SparseAreas::of(list)
                .ok_or_else(|| wrong("sparse_zip3", safe_harbor::NO_SPARSE_AREAS))?,
        };
        let lists = file.values;
        let tables: Vec<TablePolicy> =
            file.table.into_iter().map(|table| table.check(&lists)).collect::<Result<_, _>>()?;
        let mut names = BTreeSet::new();
        if let Some(twice) = tables.iter().find(|table| !names.insert(&table.name)) {
            return Err(wrong(&twice.name, "the table is defined twice"));
        }
        if !names.contains(&PATIENT_TABLE.to_owned()) {
            return Err(wrong(PATIENT_TABLE, "the policy must define the patient table"));
        }
        let quasi = |column: &ColumnPolicy| matches!(column.rule, Rule::QuasiIdentifier { .. });
        if !tables.iter().flat_map(|table| &table.columns).any(quasi) {
            let what =
                "give it a column with the rule sex, age_band or region; k counts who shares them";
            return Err(wrong(PATIENT_TABLE, what));
        }
        let (schema_id, schema_version) = (file.schema.id, file.schema.version);
        Ok(ProtectionPolicy {
            schema_id,
            schema_version,
            max_fuel_per_person: file.max_fuel_per_person.unwrap_or(USUAL_FUEL),
            k: file.k,
            maximum_suppression: file.maximum_suppression,
            sparse,
            tables,
        })
    }

    /// Patients that must share every combination of quasi-identifiers, as the policy has it.
    pub fn k(&self) -> u32 {
        self.k
    }

    pub(crate) fn patient_table(&self) -> &TablePolicy {
        // `parse` refuses a policy without it, and there is no other way to make one.
        self.tables.iter().find(|table| table.name == PATIENT_TABLE).unwrap_or(&self.tables[0])
    }
}

/// Refuses a k that hides nobody.
pub(crate) fn check_k(k: u32) -> Result<(), ProtectError> {
    if k < 2 { Err(ProtectError::UselessK(k)) } else { Ok(()) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    schema: SchemaName,
    #[serde(default = "ten")]
    k: u32,
    maximum_suppression: u32,
    max_fuel_per_person: Option<u64>,
    sparse_zip3: Option<Vec<String>>,
    #[serde(default)]
    values: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    table: Vec<TableFile>,
}

fn ten() -> u32 {
    10
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaName {
    id: String,
    version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableFile {
    name: String,
    max_rows_per_person: u32,
    columns: Vec<ColumnFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnFile {
    name: String,
    rule: RuleName,
    from: Option<String>,
    to: Option<String>,
    country: Option<String>,
    values: Option<String>,
    widths: Option<Vec<u32>>,
    letters: Option<bool>,
    weight: Option<u32>,
    lower: Option<f64>,
    upper: Option<f64>,
    #[serde(default)]
    unit: String,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RuleName {
    Sex,
    AgeBand,
    Region,
    Flag,
    Category,
    Code,
    Year,
    Days,
    Number,
}

impl TableFile {
    fn check(self, lists: &BTreeMap<String, Vec<String>>) -> Result<TablePolicy, ProtectError> {
        if !is_name(&self.name) {
            return Err(wrong(
                &self.name,
                "a table's name is a lower-case word of letters, digits and _",
            ));
        }
        if self.max_rows_per_person == 0
            || (self.name == PATIENT_TABLE && self.max_rows_per_person != 1)
        {
            return Err(wrong(&self.name, "max_rows_per_person is at least 1, and 1 for patients"));
        }
        let mut names = BTreeSet::from([PERSON_COLUMN.to_owned()]);
        let mut columns = Vec::new();
        for column in self.columns {
            let place = format!("{}.{}", self.name, column.name);
            if !is_name(&column.name) || !names.insert(column.name.clone()) {
                let what = format!(
                    "a column's name is a lower-case word, used once in its table and not '{PERSON_COLUMN}'"
                );
                return Err(wrong(&place, &what));
            }
            let column = column.check(&place, lists)?;
            if matches!(column.rule, Rule::QuasiIdentifier { .. }) && self.name != PATIENT_TABLE {
                return Err(wrong(&place, "sex, age_band and region belong to the patient table"));
            }
            columns.push(column);
        }
        Ok(TablePolicy { name: self.name, max_rows_per_person: self.max_rows_per_person, columns })
    }
}

impl ColumnFile {
    fn check(
        self,
        place: &str,
        lists: &BTreeMap<String, Vec<String>>,
    ) -> Result<ColumnPolicy, ProtectError> {
        self.refuse_keys_of_other_rules(place)?;
        let from = self
            .from
            .clone()
            .ok_or_else(|| wrong(place, "the key 'from' must name the raw column"))?;
        let rule = match self.rule {
            RuleName::Sex => self.quasi_identifier(Source::Sex { from }, Hierarchy::Sex),
            RuleName::AgeBand => {
                let widths = self.widths.clone().unwrap_or_else(|| vec![5, 10, 20, 40]);
                check_widths(place, &widths)?;
                self.quasi_identifier(Source::Age { from }, Hierarchy::AgeBand { widths })
            }
            RuleName::Region => {
                let letters = self.letters.unwrap_or(false);
                let source = Source::Area { from, country: self.country.clone() };
                self.quasi_identifier(source, Hierarchy::Region { letters })
            }
            RuleName::Flag => Rule::Flag { from },
            RuleName::Category => {
                Rule::Category { from, values: self.published_values(place, lists)? }
            }
            RuleName::Code => Rule::Code { from },
            RuleName::Year => {
                let (lower, upper) = self.bounds(place)?;
                Rule::Year { from, lower: lower as i64, upper: upper as i64 }
            }
            RuleName::Days => {
                let end = self.to.clone().ok_or_else(|| {
                    wrong(place, "the key 'to' must name the raw column of the end")
                })?;
                let upper = self.upper.filter(|&upper| is_whole(upper) && upper >= 0.0);
                let upper = upper.ok_or_else(|| {
                    wrong(place, "'upper' must be the longest stay in whole days")
                })?;
                Rule::Days { start: from, end, upper: upper as i64 }
            }
            RuleName::Number => {
                let (lower, upper) = self.bounds(place)?;
                Rule::Number { from, lower, upper }
            }
        };
        Ok(ColumnPolicy { name: self.name, unit: self.unit, rule })
    }

    fn quasi_identifier(&self, source: Source, hierarchy: Hierarchy) -> Rule {
        Rule::QuasiIdentifier { source, weight: self.weight, hierarchy }
    }

    /// A key that its rule does not read is most likely a mistake that should be seen.
    fn refuse_keys_of_other_rules(&self, place: &str) -> Result<(), ProtectError> {
        use RuleName::{AgeBand, Category, Days, Number, Region, Sex, Year};
        let keys: [(&str, bool, &[RuleName]); 8] = [
            ("to", self.to.is_some(), &[Days]),
            ("country", self.country.is_some(), &[Region]),
            ("values", self.values.is_some(), &[Category]),
            ("widths", self.widths.is_some(), &[AgeBand]),
            ("letters", self.letters.is_some(), &[Region]),
            ("weight", self.weight.is_some(), &[Sex, AgeBand, Region]),
            ("lower", self.lower.is_some(), &[Year, Number]),
            ("upper", self.upper.is_some(), &[Year, Days, Number]),
        ];
        match keys.iter().find(|(_, given, rules)| *given && !rules.contains(&self.rule)) {
            Some((key, ..)) => {
                Err(wrong(place, &format!("its rule does not know the key '{key}'; remove it")))
            }
            None if self.weight == Some(0) => Err(wrong(place, "a weight is at least 1")),
            None => Ok(()),
        }
    }

    fn published_values(
        &self,
        place: &str,
        lists: &BTreeMap<String, Vec<String>>,
    ) -> Result<Vec<String>, ProtectError> {
        let name = self
            .values
            .as_ref()
            .ok_or_else(|| wrong(place, "'values' must name a list under [values]"))?;
        let list = lists
            .get(name)
            .ok_or_else(|| wrong(place, &format!("there is no list '{name}' under [values]")))?;
        let mut seen = BTreeSet::from([OTHER]);
        if let Some(twice) = list.iter().find(|value| !seen.insert(value)) {
            let what = format!(
                "the list '{name}' names '{twice}' twice, or names 'other', which is always there"
            );
            return Err(wrong(place, &what));
        }
        Ok(list.iter().cloned().chain([OTHER.to_owned()]).collect())
    }

    fn bounds(&self, place: &str) -> Result<(f64, f64), ProtectError> {
        let bounds = self
            .lower
            .zip(self.upper)
            .filter(|(lower, upper)| lower.is_finite() && upper.is_finite() && lower < upper);
        let whole = self.rule != RuleName::Year
            || bounds.is_some_and(|(lower, upper)| is_whole(lower) && is_whole(upper));
        bounds.filter(|_| whole).ok_or_else(|| {
            wrong(
                place,
                "'lower' and 'upper' must be given, lower below upper, and whole numbers for years",
            )
        })
    }
}

/// Each level must merge whole bands of the one before it, and 90, the oldest age, must begin a band of the first.
fn check_widths(place: &str, widths: &[u32]) -> Result<(), ProtectError> {
    let nested = widths.windows(2).all(|pair| pair[0] < pair[1] && pair[1].is_multiple_of(pair[0]));
    let first = widths.first().is_some_and(|&first| first >= 1 && 90_u32.is_multiple_of(first));
    if first && nested && widths.iter().all(|&width| width <= 90) {
        return Ok(());
    }
    Err(wrong(
        place,
        "widths must grow, each a multiple of the one before, the first a divisor of 90, none above 90",
    ))
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn is_whole(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() < 1e15
}

fn wrong(place: &str, what: &str) -> ProtectError {
    ProtectError::Policy { place: place.to_owned(), what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const SHIPPED: &str = include_str!("../../../views/protection.toml");

    #[test]
    fn the_policy_that_the_product_comes_with_is_accepted() {
        let policy = ProtectionPolicy::parse(SHIPPED).unwrap();
        assert_eq!(policy.k(), 10);
        let names: Vec<&str> = policy.tables.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(names, ["patient", "condition", "encounter", "observation"]);
    }

    #[test]
    fn a_mistake_is_refused_with_its_place() {
        let column = |text: &str| {
            format!(
                "maximum_suppression = 0\nschema = {{ id = \"x\", version = 1 }}\n[[table]]\nname = \"patient\"\nmax_rows_per_person = 1\ncolumns = [{{ name = \"c\", {text} }}]\n[values]\nl = [\"a\", \"a\"]"
            )
        };
        for (text, expected) in [
            (
                "rule = \"age_band\", from = \"birth_date\", widths = [5, 12]",
                "wrong at patient.c: widths",
            ),
            (
                "rule = \"age_band\", from = \"birth_date\", widths = [7]",
                "wrong at patient.c: widths",
            ),
            (
                "rule = \"age_band\", from = \"birth_date\", widths = []",
                "wrong at patient.c: widths",
            ),
            ("rule = \"sex\"", "'from' must name"),
            ("rule = \"sex\", from = \"gender\", upper = 3", "does not know the key 'upper'"),
            ("rule = \"sex\", from = \"gender\", weight = 0", "a weight is at least 1"),
            ("rule = \"number\", from = \"value\", lower = 3, upper = 3", "lower below upper"),
            ("rule = \"number\", from = \"value\", lower = nan, upper = 3", "lower below upper"),
            ("rule = \"year\", from = \"value\", lower = 1.5, upper = 3", "whole numbers"),
            ("rule = \"category\", from = \"code\", values = \"none\"", "no list 'none'"),
            ("rule = \"category\", from = \"code\", values = \"l\"", "names 'a' twice"),
            ("rule = \"keep\", from = \"name\"", "unknown variant"),
            ("rule = \"code\", from = \"name\", colour = 1", "unknown field"),
        ] {
            let error = ProtectionPolicy::parse(&column(text)).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let none = ProtectionPolicy::parse(&column("rule = \"flag\", from = \"deceased\""));
        assert!(none.unwrap_err().to_string().contains("rule sex, age_band or region"));
        let places = SHIPPED.replace("\nk = 10\n", "\nk = 10\nsparse_zip3 = [\"36\"]\n");
        let error = ProtectionPolicy::parse(&places).unwrap_err().to_string();
        assert!(error.contains("wrong at sparse_zip3: it must list"), "{error}");
        let useless = SHIPPED.replace("\nk = 10\n", "\nk = 1\n");
        assert!(matches!(ProtectionPolicy::parse(&useless), Err(ProtectError::UselessK(1))));
    }
}
