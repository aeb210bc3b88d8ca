//! What values a column can have. It is published with the synthetic table, so that it must come from knowledge of the
//! subject and never from the table.

use arrow::datatypes::DataType;
use hashbrown::HashMap;
use rand::Rng;

use crate::date::PartialDate;
use crate::generalization::HierarchyFile;
use crate::release::Files;
use crate::table::{Column, Table};
use crate::table_policy::{Section, TablePolicyError};

/// So many values of a list are named where a table has others.
const SHOWN: usize = 6;

/// The columns of a synthetic table, by the section `[synthesis.columns]` of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct SynthesisPolicy {
    /// Columns and their domains, in the order of their names; the synthetic table has them in the order of its source.
    pub columns: Vec<(String, ColumnDomain)>,
}

/// The values of a column; a missing one is a value of its own and shown as an empty one, and so is one outside.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnDomain {
    /// One of a list.
    Values(Vec<String>),
    /// Numbers from `lower` on in so many intervals of `width`; a synthetic one is drawn evenly from its interval. A date
    /// counts by its year.
    Intervals {
        /// Where the first begins.
        lower: f64,
        /// How wide each is.
        width: f64,
        /// How many there are.
        count: usize,
    },
}

impl SynthesisPolicy {
    /// Reads the section of a policy's file; `files` are those that [`SynthesisPolicy::files`] names.
    ///
    /// # Errors
    /// [`TablePolicyError`] with the key.
    pub fn parse(text: &str, files: &Files) -> Result<SynthesisPolicy, TablePolicyError> {
        let file = crate::table_policy::toml(text)?;
        let mut columns = Vec::new();
        for (name, section) in sections(&file)? {
            columns.push((name, ColumnDomain::read(section, files)?));
        }
        match columns.is_empty() {
            true => Err(TablePolicyError::new("synthesis.columns", "name at least one column")),
            false => Ok(SynthesisPolicy { columns }),
        }
    }

    /// The hierarchy files that a policy names, relative to its own folder, with their keys.
    ///
    /// # Errors
    /// [`TablePolicyError`] where the section cannot be read.
    pub fn files(text: &str) -> Result<Vec<(String, String)>, TablePolicyError> {
        let file = crate::table_policy::toml(text)?;
        let mut files = Vec::new();
        for (name, mut section) in sections(&file)? {
            if let Some(file) = section.text("hierarchy")? {
                files.push((format!("synthesis.columns.{name}.hierarchy"), file));
            }
        }
        Ok(files)
    }
}

fn sections(file: &toml::Table) -> Result<Vec<(String, Section<'_>)>, TablePolicyError> {
    let what = "say what values each column can have, such as [synthesis.columns] sex = { values = [\"female\", \"male\"] }";
    let mut root = Section::new("", file);
    let mut synthesis =
        root.section("synthesis")?.ok_or_else(|| TablePolicyError::new("synthesis", what))?;
    let columns = synthesis.section("columns")?;
    synthesis.finish()?;
    columns.ok_or_else(|| TablePolicyError::new("synthesis.columns", what))?.sections()
}

/// The error of a column that the table lacks.
pub(super) fn no_such_column(name: &str, table: &Table) -> TablePolicyError {
    let has: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let what = format!("the table has no such column; it has {}", has.join(", "));
    TablePolicyError::new(format!("synthesis.columns.{name}"), what)
}

impl ColumnDomain {
    fn read(mut section: Section<'_>, files: &Files) -> Result<ColumnDomain, TablePolicyError> {
        let values = section.texts("values")?;
        let file = section.text("hierarchy")?;
        let (lower, upper) = (section.number("lower")?, section.number("upper")?);
        let width = section.number("width")?.unwrap_or(1.0);
        let domain = match (values, file, lower.zip(upper)) {
            (Some(values), None, None) if !values.is_empty() => ColumnDomain::Values(values),
            (None, Some(name), None) => ColumnDomain::Values(leaves(&section, &name, files)?),
            (None, None, Some((lower, upper))) if upper > lower && width > 0.0 => {
                let count = ((upper - lower + 1.0) / width).ceil();
                if count > 1e5 {
                    return Err(section.wrong("width", "it makes more than 100,000 intervals"));
                }
                ColumnDomain::Intervals { lower, width, count: count as usize }
            }
            _ => {
                let what = "give `values`, or a `hierarchy` file whose leaves are the values, or `lower`, `upper` and `width`";
                return Err(section.wrong("values", what));
            }
        };
        section.finish()?;
        Ok(domain)
    }

    /// How many values there are, the missing one included.
    pub(super) fn size(&self) -> usize {
        1 + match self {
            ColumnDomain::Values(values) => values.len(),
            ColumnDomain::Intervals { count, .. } => *count,
        }
    }

    /// The types that its values may be of where the table has none: the policy's own knowledge and not the table's.
    pub(super) fn kinds_of_values(&self) -> &'static [DataType] {
        match self {
            ColumnDomain::Values(_) => {
                &[DataType::Boolean, DataType::Int64, DataType::Float64, DataType::Date32]
            }
            ColumnDomain::Intervals { lower, width, .. } => {
                match lower.fract() == 0.0 && width.fract() == 0.0 {
                    true => &[DataType::Int64],
                    false => &[DataType::Float64],
                }
            }
        }
    }

    /// What it holds, in words that come from the policy alone.
    pub(super) fn kinds(&self) -> String {
        match self {
            ColumnDomain::Values(values) => {
                let some: Vec<String> =
                    values.iter().take(SHOWN).map(|value| format!("\"{value}\"")).collect();
                let more = values.len().saturating_sub(SHOWN);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("the texts {}{more}, spelled so", some.join(", "))
            }
            ColumnDomain::Intervals { lower, width, count } => format!(
                "numbers from {lower} to below {}, and dates by their years",
                lower + width * *count as f64
            ),
        }
    }

    /// The position of every row's value; the missing one is the last, and [`ColumnDomain::size`] one that is outside.
    pub(super) fn code(&self, column: &Column) -> Vec<u32> {
        let outside = self.size() as u32;
        let other = |value: &str| if value.is_empty() { outside - 1 } else { outside };
        let of_value: Vec<u32> = match self {
            ColumnDomain::Values(values) => {
                let places: HashMap<&str, u32> = values
                    .iter()
                    .enumerate()
                    .map(|(place, v)| (v.as_str(), place as u32))
                    .collect();
                column
                    .values
                    .iter()
                    .map(|v| places.get(v.as_str()).copied().unwrap_or_else(|| other(v)))
                    .collect()
            }
            ColumnDomain::Intervals { lower, width, count } => {
                let place = |value: &String| {
                    let year = || PartialDate::parse(value).map(|date| f64::from(date.year));
                    let number = value.parse::<f64>().ok().or_else(year)?;
                    let place = ((number - lower) / width).floor();
                    (place >= 0.0 && place < *count as f64).then_some(place as u32)
                };
                column.values.iter().map(|v| place(v).unwrap_or_else(|| other(v))).collect()
            }
        };
        column.codes.iter().map(|&code| of_value[code as usize]).collect()
    }

    /// A value at a position.
    pub(super) fn show(&self, code: u32, random: &mut impl Rng) -> String {
        match self {
            ColumnDomain::Values(values) => values.get(code as usize).cloned().unwrap_or_default(),
            ColumnDomain::Intervals { count, .. } if code as usize >= *count => String::new(),
            ColumnDomain::Intervals { lower, width, .. } => {
                let from = lower + f64::from(code) * width;
                if lower.fract() == 0.0 && width.fract() == 0.0 {
                    (from + (random.random::<f64>() * width).floor()).to_string()
                } else {
                    format!("{:.3}", from + random.random::<f64>() * width)
                }
            }
        }
    }
}

/// The first value of every line of a hierarchy file.
fn leaves(
    section: &Section<'_>,
    name: &str,
    files: &Files,
) -> Result<Vec<String>, TablePolicyError> {
    let bytes =
        files.get(name).ok_or_else(|| section.wrong("hierarchy", "the file was not read"))?;
    let file = HierarchyFile::read(bytes)
        .map_err(|error| section.wrong("hierarchy", &error.to_string()))?;
    Ok(file.paths().into_iter().map(|path| path[0].clone()).collect())
}
