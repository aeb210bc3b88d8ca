//! FHIR in, Arrow tables out.

pub mod schema;
mod tables;

pub use tables::Tables;
