//! What was done, in numbers: nothing in here is a value of anybody.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::release::{Account, ClassSizes};

/// The account of one run of [`crate::protect()`]: counts and choices, no values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProtectionReport {
    /// The day ages were counted at, `YYYY-MM-DD`.
    pub reference_date: String,
    /// What was done to the patients, the rows of the patient table, and what risk remains.
    pub account: Account,
    /// Sizes of the classes of patients who agree in all quasi-identifiers, before and after.
    pub classes: ClassSizes,
    /// What the chosen level of each quasi-identifier shows, in words.
    pub meanings: BTreeMap<String, String>,
    /// Fewest different condition codes in any class, counted in what came out. Told, not enforced.
    pub l_reached: u32,
    /// Rows of the patient table without a key, or with a key that an earlier row has.
    pub patients_set_aside: u64,
    /// Rows by table.
    pub tables: BTreeMap<String, TableReport>,
    /// What was taken out of each raw column, by `table.column`.
    pub fields: BTreeMap<String, FieldReport>,
}

impl ProtectionReport {
    /// Patients in the smallest class of what came out; 0 if nobody is left.
    pub fn k_reached(&self) -> u32 {
        u32::try_from(self.account.k).unwrap_or(u32::MAX)
    }
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
