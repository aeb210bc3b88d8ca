//! Raw tables in, protected tables out: pseudonyms, Safe Harbor, k-anonymity, quality scores.
//!
//! Everything here is a function of its arguments. A custodian's records, several tables, are protected by a
//! [`ProtectionPolicy`] ([`protect()`]), any one table by a [`table_policy::TablePolicy`] ([`release::release`]). Both say
//! for every published column where it comes from and what is done to it; what no rule names is not carried over. Two
//! standards are applied one after the other, in both ways by the same code:
//!
//! 1. Safe Harbor, 45 CFR 164.514(b)(2): the eighteen identifiers go ([`safe_harbor`]).
//! 2. k-anonymity (Sweeney 2002) by full-domain generalization with suppression ([`lattice`]): every combination of
//!    the quasi-identifiers that is left is shared by at least k patients.
//!
//! [`quality`] scores what came out, from the protected tables alone, so that whoever holds them gets the same numbers.

pub mod catalogue;
pub mod dataset_report;
mod date;
mod error;
pub mod fhir;
pub mod generalization;
mod hierarchy;
pub mod lattice;
mod policy;
mod protect;
mod pseudonym;
pub mod quality;
pub mod reduce;
pub mod release;
mod report;
pub mod risk;
pub mod safe_harbor;
pub mod scrub;
pub mod synthesis;
pub mod table;
pub mod table_policy;
mod transform;

pub use date::Date;
pub use error::ProtectError;
pub use policy::ProtectionPolicy;
pub use protect::{PATIENT_TABLE, PERSON_COLUMN, Protected, protect, smallest_class};
pub use pseudonym::PseudonymKey;
pub use report::{FieldReport, ProtectionReport, TableReport};
