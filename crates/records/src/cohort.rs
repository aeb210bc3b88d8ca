//! Plausible records of patients who do not exist, so that everyone has data to try.
//!
//! Every patient is drawn from a random stream of their own, so the same options give the same bytes whatever the number
//! of threads, and the first hundred patients are the same in a cohort of any size. All arithmetic is on integers, so
//! they are the same on every machine as well. Names, places and risks are rough and our own; they serve to exercise a
//! system, not to learn medicine from.

mod calendar;
mod care;
mod damage;
mod dice;
mod patient;
mod places;
mod render;
mod risks;
mod write;

use std::path::Path;
use std::str::FromStr;

pub use calendar::{Day, NotADay};

use crate::error::RecordsError;

/// Where the patients of a cohort live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Country {
    /// Germany (DE).
    Germany,
    /// The United States of America (US).
    UnitedStates,
    /// Japan (JP).
    Japan,
    /// Switzerland (CH).
    Switzerland,
    /// The United Kingdom (GB).
    UnitedKingdom,
    /// France (FR).
    France,
    /// Brazil (BR).
    Brazil,
}

impl Country {
    /// The countries that there are.
    pub const ALL: [Country; 7] = [
        Country::Germany,
        Country::UnitedStates,
        Country::Japan,
        Country::Switzerland,
        Country::UnitedKingdom,
        Country::France,
        Country::Brazil,
    ];

    /// The ISO 3166-1 alpha-2 code.
    pub fn code(self) -> &'static str {
        match self {
            Country::Germany => "DE",
            Country::UnitedStates => "US",
            Country::Japan => "JP",
            Country::Switzerland => "CH",
            Country::UnitedKingdom => "GB",
            Country::France => "FR",
            Country::Brazil => "BR",
        }
    }
}

impl std::fmt::Display for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// A code of no country that cohorts can be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no cohort can be made for this country: choose one of {}", Country::ALL.map(Country::code).join(", "))]
pub struct UnknownCountry;

impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(text: &str) -> Result<Country, UnknownCountry> {
        let mut all = Country::ALL.into_iter();
        all.find(|country| country.code().eq_ignore_ascii_case(text)).ok_or(UnknownCountry)
    }
}

/// What cohort to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CohortOptions {
    /// How many patients.
    pub patients: usize,
    /// Where they live.
    pub country: Country,
    /// Same seed, same cohort.
    pub seed: u64,
    /// The day on which the records end; nothing is dated later but the end of consents.
    pub reference_date: Day,
    /// Of a million records, how many are spoiled, each so that it cannot be read.
    pub damaged: u32,
    /// Whether files that are there already are replaced; otherwise they are refused.
    pub replace: bool,
}

impl Default for CohortOptions {
    /// A thousand patients in Germany with records up to 1 January 2026.
    fn default() -> CohortOptions {
        CohortOptions {
            patients: 1_000,
            country: Country::Germany,
            seed: 0,
            reference_date: Day::NEW_YEAR_2026,
            damaged: 0,
            replace: true,
        }
    }
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct CohortSummary {
    /// Patient resources.
    pub patients: u64,
    /// Condition resources.
    pub conditions: u64,
    /// Encounter resources.
    pub encounters: u64,
    /// Observation resources.
    pub observations: u64,
    /// MedicationRequest resources.
    pub medications: u64,
    /// Procedure resources.
    pub procedures: u64,
    /// Consent resources, one a patient.
    pub consents: u64,
    /// Consents that are refusals.
    pub refusals: u64,
    /// Records that were spoiled, if that was asked for.
    pub damaged: u64,
    /// Bytes in all files.
    pub bytes: u64,
}

/// Writes a cohort into `folder`, which is made if need be: Patient, Condition, Encounter, Observation, Consent,
/// MedicationRequest and Procedure.ndjson (FHIR R4). Each file gets its name when all of them are whole.
///
/// # Errors
/// [`RecordsError::Exists`] where a file is there already and is not to be replaced. [`RecordsError::Io`]; no file has its name then that did not have it before, unless renaming itself failed.
pub fn generate(options: &CohortOptions, folder: &Path) -> Result<CohortSummary, RecordsError> {
    generate_with_progress(options, folder, &mut |_| {})
}

/// As [`generate`]; `progress` is told how many patients are written, a few hundred at a time.
///
/// # Errors
/// As [`generate`].
pub fn generate_with_progress(
    options: &CohortOptions,
    folder: &Path,
    progress: &mut dyn FnMut(u64),
) -> Result<CohortSummary, RecordsError> {
    write::cohort(options, folder, progress)
}
