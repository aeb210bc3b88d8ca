//! FHIR in, Arrow tables out.
//!
//! [`CompiledView`] is a SQL on FHIR ViewDefinition made ready to run; [`read_fhir`] runs views over files and sets
//! aside what cannot be read; [`cohort`] writes plausible records of patients who do not exist.

pub mod cohort;
mod consent;
mod error;
mod json;
mod output;
mod parquet_files;
mod read;
pub mod schema;
mod tables;
mod view;

pub use consent::ConsentRecord;
pub use error::RecordsError;
pub use output::{RowFormat, RowWriter};
pub use parquet_files::{ParquetTable, WholeFile, read_parquet, write_parquet};
pub use read::{
    Ingest, Misfits, PERSON_COLUMN, Progress, ReadOptions, Reason, SetAside, Source, Summary,
    is_document, open_unpacked, read_fhir, read_fhir_with, run_views, subfolders,
};
pub use tables::Tables;
pub use view::{
    Change, ChangeKind, ColumnInfo, CompiledView, ViewError, ViewWarning, compare_views,
};
