//! What was done, in numbers: nothing in here is a value of anybody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The account of one run of [`crate::protect()`]: counts and choices, no values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectionReport {
    /// What was applied, in words.
    pub method: String,
    /// The day ages were counted at, `YYYY-MM-DD`.
    pub reference_date: String,
    /// Patients that had to share every combination of quasi-identifiers.
    pub k_required: u32,
    /// Patients in the smallest class of what came out, counted there; 0 if nobody is left.
    pub k_reached: u32,
    /// Fewest different condition codes in any class, counted in what came out. Told, not enforced.
    pub l_reached: u32,
    /// Patients in the raw table.
    pub patients_in: u64,
    /// Patients in the protected table.
    pub patients_out: u64,
    /// Patients left out because they stood out.
    pub patients_suppressed: u64,
    /// Rows of the patient table without a key, or with a key that an earlier row has.
    pub patients_set_aside: u64,
    /// The level that was chosen for each quasi-identifier.
    pub quasi_identifiers: Vec<QuasiIdentifierReport>,
    /// Weighted share of the quasi-identifiers' information that was lost, in parts per million.
    pub loss: u32,
    /// Rows by table.
    pub tables: BTreeMap<String, TableReport>,
    /// What was taken out of each raw column, by `table.column`.
    pub fields: BTreeMap<String, FieldReport>,
}

/// The level chosen for one quasi-identifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuasiIdentifierReport {
    /// Name of the published column.
    pub column: String,
    /// The level, 0 the finest.
    pub level: u32,
    /// How many levels there are.
    pub levels: u32,
    /// What the level shows, in words.
    pub meaning: String,
}

/// Rows of one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableReport {
    /// Rows of the raw table.
    pub rows_in: u64,
    /// Rows of the protected table.
    pub rows_out: u64,
    /// Rows left out with their suppressed patient.
    pub suppressed: u64,
    /// Rows without a patient, or of one who is not in the patient table.
    pub set_aside: u64,
}

/// What became of the values of one raw column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldReport {
    /// Values that were removed: no rule asks for them, they cannot be read, or they may not be shown.
    pub removed: u64,
    /// Values that were replaced by something coarser: a pseudonym, a year, a band, an area, `other`.
    pub generalized: u64,
}
