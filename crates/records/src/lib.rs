//! FHIR in, Arrow tables out.
//!
//! [`CompiledView`] is a SQL on FHIR ViewDefinition made ready to run; [`read_fhir`] runs views over files and sets
//! aside what cannot be read; [`cohort`] writes plausible records of patients who do not exist.

pub mod cohort;
mod consent;
mod error;
mod json;
mod parquet_files;
mod read;
pub mod schema;
mod tables;
mod view;

pub use consent::ConsentRecord;
pub use error::RecordsError;
pub use parquet_files::{read_parquet, write_parquet};
pub use read::{
    Ingest, PERSON_COLUMN, Progress, ReadOptions, Reason, SetAside, read_fhir, read_fhir_with,
    subfolders,
};
pub use tables::Tables;
pub use view::{CompiledView, ViewError};
