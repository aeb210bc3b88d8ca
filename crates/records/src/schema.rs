//! What a dataset publishes about itself: its tables, their columns, and the bounds that private answers rest on.
//!
//! A schema is made from rules and hierarchies, never from the rows it describes, so that reading it tells nothing
//! about anybody.

use serde::{Deserialize, Serialize};

/// The published description of one dataset version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetSchema {
    /// Stable name of the schema, the same for every dataset that follows it.
    pub id: String,
    /// Version of the schema, counted from 1.
    pub version: u32,
    /// Instructions that an algorithm may use for one patient, in all its rounds together.
    #[serde(default = "usual_fuel")]
    pub max_fuel_per_person: u64,
    /// The tables, in the order in which they are shown.
    pub tables: Vec<TableSchema>,
}

/// What an algorithm may use for one patient where a custodian says nothing of it: about a twentieth of a second.
pub const USUAL_FUEL: u64 = 100_000_000;

fn usual_fuel() -> u64 {
    USUAL_FUEL
}

impl DatasetSchema {
    /// The table of this name, if the dataset has it.
    pub fn table(&self, name: &str) -> Option<&TableSchema> {
        self.tables.iter().find(|table| table.name == name)
    }
}

/// One table: every row belongs to exactly one patient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableSchema {
    /// Name by which SQL refers to the table.
    pub name: String,
    /// Column that holds the patient's pseudonym.
    pub person: String,
    /// How many rows of one patient an answer may count; the rest is left out by rule.
    pub max_rows_per_person: u32,
    /// The columns, the patient's included.
    pub columns: Vec<ColumnSchema>,
}

impl TableSchema {
    /// The column of this name, if the table has it.
    pub fn column(&self, name: &str) -> Option<&ColumnSchema> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// One column and what may be known of its values without looking at them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnSchema {
    /// Name by which SQL refers to the column.
    pub name: String,
    /// What the values can be.
    pub domain: Domain,
    /// Unit of the values as UCUM writes it, empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
}

/// The published set of values of a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Domain {
    /// The patient's pseudonym (Utf8): may be counted and joined on, never shown.
    Person,
    /// A text of a published list (Utf8): may be grouped by and compared with.
    Category {
        /// All values that can occur, in the order in which groups are shown.
        values: Vec<String>,
    },
    /// A text of an open list, such as a code (Utf8): may be compared with, not grouped by.
    Text,
    /// A whole number (Int64) from `lower` to `upper`, both included.
    Integer {
        /// Smallest value.
        lower: i64,
        /// Largest value.
        upper: i64,
    },
    /// A decimal number (Float64) from `lower` to `upper`, both included.
    Decimal {
        /// Smallest value.
        lower: f64,
        /// Largest value.
        upper: f64,
    },
    /// True or false (Boolean).
    Flag,
}
