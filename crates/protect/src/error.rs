//! What can go wrong, as sentences for the person who has to act.

use arrow::error::ArrowError;

use crate::release::ReleaseError;

/// Why tables could not be protected.
#[derive(Debug, thiserror::Error)]
pub enum ProtectError {
    /// The policy file is not TOML of the expected shape.
    #[error("the protection policy cannot be read: {0}")]
    Syntax(#[from] Box<toml::de::Error>),
    /// The policy file is readable and asks for something that makes no sense.
    #[error("the protection policy is wrong at {place}: {what}")]
    Policy {
        /// Where in the policy, such as `patient.sex`.
        place: String,
        /// What is wrong and what would be right.
        what: String,
    },
    /// A raw table lacks a column that a rule reads, or the column has another type.
    #[error(
        "the raw table '{table}' has no column '{column}' of type {expected}; give the view that makes it such a column"
    )]
    Column {
        /// The raw table.
        table: String,
        /// The raw column.
        column: String,
        /// The Arrow type that the rule reads.
        expected: &'static str,
    },
    /// There is no patient table at all.
    #[error(
        "there is no table 'patient', and without it nobody can be protected; run the patient view first"
    )]
    NoPatients,
    /// Fewer patients than a class must have: nothing can be published.
    #[error(
        "{patients} patients are too few to hide each among {k}; add patients or, knowing the risk, lower k"
    )]
    TooFewPatients {
        /// Patients in the raw table.
        patients: u64,
        /// Patients that must share every combination of quasi-identifiers.
        k: u32,
    },
    /// k is below two, which protects nobody.
    #[error("k = {0} hides nobody; choose at least 2")]
    UselessK(u32),
    /// The reference date is before the year 1900 or after 2100.
    #[error("the year {0} of the reference date is outside 1900 to 2100")]
    ReferenceDate(i32),
    /// The result was checked and is not what it must be; it is withheld.
    #[error(
        "the protected table has a class of {reached} patients where {k} were asked for; nothing is published"
    )]
    NotReached {
        /// Smallest class that was found.
        reached: u32,
        /// What was asked for.
        k: u32,
    },
    /// The search found nothing, or what it found was checked and is withheld.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// Arrow refused to build a table.
    #[error("a table could not be built: {0}")]
    Arrow(#[from] ArrowError),
}
