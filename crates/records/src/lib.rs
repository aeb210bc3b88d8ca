//! FHIR in, Arrow tables out.
//!
//! [`CompiledView`] is a SQL on FHIR ViewDefinition made ready to run; [`read_fhir`] runs views over files and sets
//! aside what cannot be read; [`cohort`] writes plausible records of patients who do not exist.

mod error;
mod json;
pub mod schema;
mod tables;
mod view;

pub use error::RecordsError;
pub use tables::Tables;
pub use view::{CompiledView, ViewError};
