//! What a job says of itself before anything is computed, and what it costs. The job's declaration counts, not the module's conduct.

use std::collections::HashSet;

use serde::{Deserialize, Serialize, ser::SerializeStruct};
use sha2::{Digest, Sha256};

use super::{
    Module, Norm, Values,
    fixed::{Fixed, MAX_WHOLE_CLIP},
    records::{Cell, DEFAULT_ROWS, InputColumn, InputTable, LAYOUT_VERSION},
};
use crate::{
    Delta, Epsilon, Loss, NoiseScale, PublicDomain, PublicSchema, QuestionKey, Rho,
    schema::{PublicColumn, PublicTable},
};

/// Numbers in a vector, and parameters, that a job can have.
pub const MAX_LENGTH: usize = 16_384;

/// Rounds that a job can have.
pub const MAX_ROUNDS: u32 = 1_000;

/// Numbers that all rounds of a job together release: an answer that any reader takes.
pub const MAX_RELEASED: usize = 200_000;

/// What a job computes, and at which price.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Declaration {
    /// What each record holds, see [`inputs`].
    pub inputs: Vec<InputTable>,
    /// Numbers in each vector.
    pub length: usize,
    /// What the numbers are.
    pub values: Values,
    /// How the length of a vector is measured; L1 gives Laplace noise, L2 Gaussian.
    pub norm: Norm,
    /// The most that a vector can measure: longer ones are shortened.
    pub clip: f64,
    /// Numbers that the module gets with each record.
    pub parameters: Vec<f64>,
    /// How often all patients are visited; between two rounds the module's `step` makes new parameters from the released sums.
    pub rounds: u32,
    /// Privacy loss of all rounds together.
    pub epsilon: Epsilon,
    /// Probability with which the guarantee may fail; above zero for L2, zero for L1.
    pub delta: Delta,
}

/// A job cannot be done as it is declared. Nothing was spent.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DeclarationRefusal {
    /// The schema has no such table.
    #[error("The schema has no table `{table}`: choose among {known}.")]
    Table {
        /// The table asked for.
        table: String,
        /// What there is.
        known: String,
    },
    /// The table has no such column.
    #[error("The schema's table `{table}` has no column `{column}`: choose among {known}.")]
    Column {
        /// The table.
        table: String,
        /// The column asked for.
        column: String,
        /// What there is.
        known: String,
    },
    /// The custodian keeps it closed.
    #[error("The schema does not allow questions to read `{0}`: leave it out.")]
    Closed(String),
    /// The same table twice.
    #[error("Table `{0}` is named twice: name all its columns at once.")]
    Twice(String),
    /// Nothing to read.
    #[error("The job reads no table: name one that the schema allows.")]
    NoTable,
    /// A vector of no numbers or of too many.
    #[error("A vector has from 1 to {MAX_LENGTH} numbers, and {0} are declared.")]
    Length(usize),
    /// A clip that bounds nothing.
    #[error("A clip of {clip} does not bound a patient: declare {right}.")]
    Clip {
        /// What was declared.
        clip: f64,
        /// What can be declared.
        right: String,
    },
    /// Too many parameters, or one that is no number.
    #[error("Parameters are at most {MAX_LENGTH} finite numbers.")]
    Parameters,
    /// No round or too many.
    #[error("A job has from 1 to {MAX_ROUNDS} rounds, and {0} are declared.")]
    Rounds(u32),
    /// More work than the custodian allows.
    #[error(
        "The job may use {asked} units of fuel for each patient in all its rounds, the pages of its memory counted, and the schema allows {allowed}: ask for less fuel or for fewer rounds."
    )]
    Fuel {
        /// Fuel of a round, pages of memory counted, times the rounds.
        asked: u64,
        /// What the custodian published.
        allowed: u64,
    },
    /// More numbers in the answer than are delivered.
    #[error(
        "All rounds together release at most {MAX_RELEASED} numbers, and {0} are declared: ask for shorter vectors or for fewer rounds."
    )]
    Released(usize),
    /// The same column twice.
    #[error("Column `{column}` of table `{table}` is named twice: name each once.")]
    Repeated {
        /// The table.
        table: String,
        /// Its column.
        column: String,
    },
    /// Rounds, but nothing between them.
    #[error(
        "The module exports no function `step`, so it cannot do more than one round: export one, as docs/algorithms.md describes, or ask for one round."
    )]
    NoStep,
    /// Nothing spent.
    #[error(
        "Epsilon {0} leaves nothing for each round: ask with a larger epsilon or for fewer rounds."
    )]
    Epsilon(Epsilon),
    /// Gaussian noise without a delta.
    #[error(
        "Norm l2 means Gaussian noise, which needs a delta, such as 1e-6: declare one, or clip by norm l1."
    )]
    NoDelta,
    /// Laplace noise with a delta.
    #[error("Norm l1 means Laplace noise, which needs no delta: leave it out, or clip by norm l2.")]
    Delta,
}

impl DeclarationRefusal {
    /// What in the declaration it is about, in a few words.
    pub fn construct(&self) -> &'static str {
        match self {
            Self::Table { .. } | Self::Twice(_) | Self::NoTable => "the tables",
            Self::Column { .. } | Self::Closed(_) | Self::Repeated { .. } => "the columns",
            Self::Length(_) | Self::Released(_) => "the length",
            Self::Clip { .. } => "the clip",
            Self::Parameters => "the parameters",
            Self::Rounds(_) | Self::NoStep => "the rounds",
            Self::Fuel { .. } => "the fuel",
            Self::Epsilon(_) => "epsilon",
            Self::NoDelta | Self::Delta => "delta",
        }
    }

    /// What would work.
    pub fn suggestion(&self) -> &'static str {
        match self {
            Self::Table { .. } | Self::Column { .. } | Self::Closed(_) | Self::NoTable => {
                "read tables and columns that the schema allows"
            }
            Self::Twice(_) => "name each table once, with all its columns",
            Self::Repeated { .. } => "name each column once",
            Self::Length(_) | Self::Parameters => "declare fewer numbers",
            Self::Released(_) => "ask for shorter vectors or for fewer rounds",
            Self::Clip { .. } => "declare the most that one patient's vector may measure",
            Self::Rounds(_) => "ask for fewer rounds",
            Self::Fuel { .. } => "ask for less fuel or for fewer rounds",
            Self::NoStep => "export `step` from the module, or ask for one round",
            Self::Epsilon(_) => "ask with a larger epsilon or for fewer rounds",
            Self::NoDelta => "add a delta such as 1e-6, or clip by norm l1",
            Self::Delta => "leave delta out, or clip by norm l2",
        }
    }
}

impl Declaration {
    /// Checks the declaration for a module.
    ///
    /// # Errors
    /// [`DeclarationRefusal`] says what to declare.
    pub fn check(&self, module: &Module) -> Result<(), DeclarationRefusal> {
        if self.inputs.is_empty() {
            return Err(DeclarationRefusal::NoTable);
        }
        if !(1..=MAX_LENGTH).contains(&self.length) {
            return Err(DeclarationRefusal::Length(self.length));
        }
        let finite = self.parameters.iter().all(|parameter| parameter.is_finite());
        if self.parameters.len() > MAX_LENGTH || !finite {
            return Err(DeclarationRefusal::Parameters);
        }
        if !(1..=MAX_ROUNDS).contains(&self.rounds) {
            return Err(DeclarationRefusal::Rounds(self.rounds));
        }
        let released = self.length.saturating_mul(self.rounds as usize);
        if released > MAX_RELEASED {
            return Err(DeclarationRefusal::Released(released));
        }
        if self.rounds > 1 && !module.inspection().step {
            return Err(DeclarationRefusal::NoStep);
        }
        self.terms().map(|_| ())
    }

    /// What the job takes from a budget.
    ///
    /// # Errors
    /// [`DeclarationRefusal`] for an epsilon, delta or clip that cannot be.
    pub fn loss(&self) -> Result<Loss, DeclarationRefusal> {
        Ok(self.terms()?.loss)
    }

    /// The key under which a budget keeps charge and answer: of the module, its limits, and all that is declared.
    pub fn key(&self, module: &Module) -> QuestionKey {
        let text = serde_json::json!({
            "algorithm": LAYOUT_VERSION,
            "module": module.hash(),
            "limits": module.limits(),
            "declaration": self,
        });
        QuestionKey(Sha256::digest(text.to_string().as_bytes()).into())
    }

    /// Clip and noise of a round.
    pub(super) fn terms(&self) -> Result<Terms, DeclarationRefusal> {
        let fixed = Fixed::new(self.norm, self.values, self.clip).ok_or_else(|| {
            DeclarationRefusal::Clip {
                clip: self.clip,
                right: match self.values {
                    Values::F64 => "a number above zero".to_owned(),
                    Values::I64 => format!("a whole number from 1 to {MAX_WHOLE_CLIP}"),
                },
            }
        })?;
        let rounds = u64::from(self.rounds.max(1));
        let small = || DeclarationRefusal::Epsilon(self.epsilon);
        let some = |share: u64| if share > 0 { Ok(share) } else { Err(small()) };
        let (loss, scale) = match self.norm {
            Norm::L1 if self.delta != Delta::ZERO => return Err(DeclarationRefusal::Delta),
            Norm::L1 => {
                let epsilon_micro = some(u64::from(self.epsilon.milli()) * 1_000 / rounds)?;
                let sensitivity = u128::from(fixed.radius());
                (
                    Loss::pure(self.epsilon, Delta::ZERO),
                    NoiseScale::Laplace { sensitivity, epsilon_micro },
                )
            }
            Norm::L2 if self.delta == Delta::ZERO => return Err(DeclarationRefusal::NoDelta),
            Norm::L2 => {
                let rho = Rho::within(self.epsilon, self.delta).ok_or_else(small)?;
                let share = Rho::from_pico(some(rho.pico() / rounds)?);
                let magnitude = u128::from(fixed.radius());
                let loss =
                    Loss { epsilon: self.epsilon, delta: self.delta, rho, slack: Delta::ZERO };
                (loss, NoiseScale::Gaussian { magnitude, squares: 1, rho: share })
            }
        };
        Ok(Terms { fixed, loss, scale })
    }
}

/// What a declaration means in steps and noise.
pub(super) struct Terms {
    pub fixed: Fixed,
    pub loss: Loss,
    /// Of each number, in each round.
    pub scale: NoiseScale,
}

/// A table that a job reads, and its columns in the order of the record; all that are allowed where none are named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// The table.
    pub table: String,
    /// Its columns.
    pub columns: Option<Vec<String>>,
}

impl Selection {
    /// Reads `TABLE` or `TABLE:COLUMN,COLUMN`.
    pub fn read(text: &str) -> Self {
        let trimmed = |text: &str| text.trim().to_owned();
        match text.split_once(':') {
            None => Self { table: trimmed(text), columns: None },
            Some((table, columns)) => Self {
                table: trimmed(table),
                columns: Some(
                    columns.split(',').map(trimmed).filter(|column| !column.is_empty()).collect(),
                ),
            },
        }
    }
}

/// What records hold: the tables and columns that are asked for, or all that the schema allows.
///
/// # Errors
/// [`DeclarationRefusal`] for what the schema does not have or allow.
pub fn inputs(
    schema: &PublicSchema,
    asked: &[Selection],
) -> Result<Vec<InputTable>, DeclarationRefusal> {
    if asked.is_empty() {
        let open = schema.tables.iter().filter(|table| table.allowed);
        return open.map(|table| input(table, None)).collect();
    }
    let mut inputs: Vec<InputTable> = Vec::new();
    for selection in asked {
        let table = schema.table(&selection.table).ok_or_else(|| DeclarationRefusal::Table {
            table: selection.table.clone(),
            known: list(schema.tables.iter().map(|table| &table.name)),
        })?;
        if !table.allowed {
            return Err(DeclarationRefusal::Closed(table.name.clone()));
        }
        if inputs.iter().any(|input| input.name == table.name) {
            return Err(DeclarationRefusal::Twice(table.name.clone()));
        }
        inputs.push(input(table, selection.columns.as_deref())?);
    }
    Ok(inputs)
}

fn input(table: &PublicTable, asked: Option<&[String]>) -> Result<InputTable, DeclarationRefusal> {
    let columns = match asked {
        None => table.columns.iter().filter(|column| column.allowed).map(cell).collect(),
        Some(asked) => {
            let mut named = HashSet::new();
            if let Some(twice) = asked.iter().find(|name| !named.insert(name.as_str())) {
                let (table, column) = (table.name.clone(), twice.to_string());
                return Err(DeclarationRefusal::Repeated { table, column });
            }
            asked.iter().map(|name| chosen(table, name)).collect::<Result<_, _>>()?
        }
    };
    let max_rows = table.max_rows.unwrap_or(DEFAULT_ROWS);
    Ok(InputTable { name: table.name.clone(), person: table.person.clone(), max_rows, columns })
}

fn chosen(table: &PublicTable, name: &str) -> Result<InputColumn, DeclarationRefusal> {
    let column = table.columns.iter().find(|column| column.name == name);
    let column = column.ok_or_else(|| DeclarationRefusal::Column {
        table: table.name.clone(),
        column: name.to_owned(),
        known: list(
            table.columns.iter().filter(|column| column.allowed).map(|column| &column.name),
        ),
    })?;
    if column.allowed {
        Ok(cell(column))
    } else {
        Err(DeclarationRefusal::Closed(format!("{}.{name}", table.name)))
    }
}

fn cell(column: &PublicColumn) -> InputColumn {
    let cell = match &column.domain {
        PublicDomain::Text(Some(values)) => Cell::Code(values.clone()),
        PublicDomain::Text(None) => Cell::Text,
        PublicDomain::Integer(bounds) => Cell::Integer(*bounds),
        PublicDomain::Decimal(bounds) => Cell::Decimal(*bounds),
        PublicDomain::Flag => Cell::Flag,
    };
    InputColumn { name: column.name.clone(), cell }
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Serialize for InputTable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut table = serializer.serialize_struct("InputTable", 3)?;
        table.serialize_field("table", &self.name)?;
        table.serialize_field("max_rows", &self.max_rows)?;
        table.serialize_field("columns", &self.columns)?;
        table.end()
    }
}

impl Serialize for InputColumn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut column = serializer.serialize_struct("InputColumn", 4)?;
        column.serialize_field("column", &self.name)?;
        column.serialize_field("cell", self.cell.name())?;
        match &self.cell {
            Cell::Integer(bounds) => column.serialize_field("bounds", bounds)?,
            Cell::Decimal(bounds) => column.serialize_field("bounds", bounds)?,
            Cell::Code(values) => column.serialize_field("values", values)?,
            Cell::Flag | Cell::Text => {}
        }
        column.end()
    }
}
