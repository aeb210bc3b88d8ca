//! What a dataset publishes about itself, as questions need it: tables, bounds, domains, limits, budgets.
//!
//! Everything here is written down before anybody looks at the data, by its custodian. A vault publishes a
//! [`DatasetSchema`]; a folder of tables without a vault has a text of its own, read by [`PublicSchema::from_toml`].

mod text;

use caduceus_records::schema::{DatasetSchema, Domain, TableSchema};

pub use self::text::SchemaError;
use crate::{Allowance, EpsilonTotal, Mechanism};

/// The published description of a dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicSchema {
    /// The tables by name.
    pub tables: Vec<PublicTable>,
    /// The noise of questions that do not choose.
    pub mechanism: Mechanism,
    /// Fuel that an algorithm may use for one patient, in all its rounds together.
    pub max_fuel: u64,
    /// What the dataset gives away to all researchers together.
    pub dataset: Allowance,
    /// What it gives away to each.
    pub researcher: Allowance,
}

/// One table: every row belongs to one patient.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicTable {
    /// Name by which SQL refers to the table.
    pub name: String,
    /// File in the folder of tables, where it is not the table's name with `.parquet` or `.csv`.
    pub file: Option<String>,
    /// Column that holds the patient's key.
    pub person: String,
    /// Rows of one patient that count; `None` where the custodian set no bound.
    pub max_rows: Option<u32>,
    /// Rows of one patient that count in each group.
    pub max_rows_per_group: Option<u32>,
    /// Groups in which one patient counts.
    pub max_groups: Option<u32>,
    /// Whether questions may read the table.
    pub allowed: bool,
    /// The columns but the patient's.
    pub columns: Vec<PublicColumn>,
}

/// One column and what may be known of its values without looking at them.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicColumn {
    /// Name by which SQL refers to the column.
    pub name: String,
    /// What the values are.
    pub domain: PublicDomain,
    /// Whether a value may be missing; then GROUP BY has a group for it.
    pub nullable: bool,
    /// Whether questions may read the column.
    pub allowed: bool,
}

/// The type of a column and its published bounds.
#[derive(Clone, Debug, PartialEq)]
pub enum PublicDomain {
    /// Text, of a published list or of any kind.
    Text(Option<Vec<String>>),
    /// Whole numbers, from and to, both included.
    Integer(Option<(i64, i64)>),
    /// Decimal numbers, from and to, both included.
    Decimal(Option<(f64, f64)>),
    /// True or false.
    Flag,
}

impl PublicSchema {
    /// The table of this name, if the dataset has it.
    pub fn table(&self, name: &str) -> Option<&PublicTable> {
        self.tables.iter().find(|table| table.name == name)
    }
}

impl From<&DatasetSchema> for PublicSchema {
    /// A vault's schema. Its budget is the vault's own affair, so that none stands here.
    fn from(schema: &DatasetSchema) -> Self {
        let none = Allowance::pure(EpsilonTotal::default());
        Self {
            tables: schema.tables.iter().map(table).collect(),
            mechanism: Mechanism::Laplace,
            max_fuel: schema.max_fuel_per_person,
            dataset: none,
            researcher: none,
        }
    }
}

fn table(table: &TableSchema) -> PublicTable {
    let columns = table.columns.iter().filter_map(|column| {
        let domain = match &column.domain {
            Domain::Person => return None,
            Domain::Category { values } => PublicDomain::Text(Some(values.clone())),
            Domain::Text => PublicDomain::Text(None),
            Domain::Integer { lower, upper } => PublicDomain::Integer(Some((*lower, *upper))),
            Domain::Decimal { lower, upper } => PublicDomain::Decimal(Some((*lower, *upper))),
            Domain::Flag => PublicDomain::Flag,
        };
        Some(PublicColumn { name: column.name.clone(), domain, nullable: false, allowed: true })
    });
    PublicTable {
        name: table.name.clone(),
        file: None,
        person: table.person.clone(),
        max_rows: (table.max_rows_per_person > 0).then_some(table.max_rows_per_person),
        max_rows_per_group: None,
        max_groups: None,
        allowed: true,
        columns: columns.collect(),
    }
}
