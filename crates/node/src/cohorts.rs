//! Cohorts of people who do not exist, so that everybody has data to try things with.

use std::path::Path;

use caduceus_records::RecordsError;
use caduceus_records::cohort::{self, CohortOptions, CohortSummary};

use crate::error::{NodeError, Result};
use crate::report::Reporter;

/// What cohort to make.
#[derive(Clone, Debug)]
pub struct Wanted<'w> {
    /// How many patients.
    pub patients: usize,
    /// Their country (ISO 3166-1 alpha-2).
    pub country: &'w str,
    /// Same seed, same cohort.
    pub seed: u64,
    /// The share of records that are spoiled, from 0 to 1.
    pub damaged: f64,
    /// Whether files that are there already are replaced.
    pub force: bool,
}

/// Writes FHIR R4 NDJSON into `folder`.
///
/// # Errors
/// [`NodeError::Usage`] where the country is not known, or files would be replaced; [`NodeError::File`] where the folder
/// cannot be written.
pub fn generate(wanted: &Wanted<'_>, folder: &Path, report: &Reporter) -> Result<CohortSummary> {
    let country = wanted.country;
    let country = country.parse().map_err(|error: cohort::UnknownCountry| {
        NodeError::Usage(format!("`{country}`: {error}"))
    })?;
    let options = CohortOptions {
        patients: wanted.patients,
        country,
        seed: wanted.seed,
        // Out of range is refused by whoever reads it; this only keeps the conversion in bounds.
        damaged: (wanted.damaged.clamp(0.0, 1.0) * 1e6).round() as u32,
        replace: wanted.force,
        ..CohortOptions::default()
    };
    let all = Some(wanted.patients as u64);
    let mut progress = |patients| report.progress("patients written", patients, all);
    cohort::generate_with_progress(&options, folder, &mut progress).map_err(|error| match error {
        RecordsError::Exists(path) => NodeError::Usage(format!(
            "{} is there already; name another folder with --out, or replace what is in it with --force",
            path.display()
        )),
        RecordsError::Io { action, path, source } => NodeError::File { verb: action, path, source },
        other => other.into(),
    })
}
