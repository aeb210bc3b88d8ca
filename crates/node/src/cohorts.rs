//! Cohorts of people who do not exist, so that everybody has data to try things with.

use std::path::Path;

use caduceus_records::RecordsError;
use caduceus_records::cohort::{self, CohortOptions, CohortSummary};

use crate::error::{NodeError, Result};

/// Writes FHIR R4 NDJSON for `patients` people of `country` (ISO 3166-1 alpha-2) into `folder`.
pub fn generate(patients: usize, country: &str, seed: u64, folder: &Path) -> Result<CohortSummary> {
    let country = country.parse().map_err(|error: cohort::UnknownCountry| {
        NodeError::Usage(format!("`{country}`: {error}"))
    })?;
    let options = CohortOptions { patients, country, seed, ..CohortOptions::default() };
    cohort::generate(&options, folder).map_err(|error| match error {
        RecordsError::Io { action, path, source } => NodeError::File { verb: action, path, source },
        other => other.into(),
    })
}
