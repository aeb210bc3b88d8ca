//! What a question costs and how far off its answer will be, known before anything is spent or computed.

use std::fmt;

use serde::Serialize;

use super::{Aggregate, Measure, PrivatePlan};
use crate::{ColumnKind, Delta, Epsilon, Mechanism, NoiseScale, Rho, noise::Share};

/// What a question costs and how far off its answer will be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Privacy loss, in thousandths of epsilon.
    #[serde(rename = "epsilon_milli")]
    pub epsilon: Epsilon,
    /// The probability with which the guarantee may fail, in units of 1e-18.
    #[serde(rename = "delta_atto")]
    pub delta: Delta,
    /// Zero-concentrated privacy loss, in units of 1e-12.
    #[serde(rename = "rho_pico")]
    pub rho: Rho,
    /// The noise.
    pub mechanism: Mechanism,
    /// Groups that are answered, whatever the data holds; none where they are not published.
    pub groups: Option<usize>,
    /// Groups that are not published are shown from this noisy number of patients on.
    pub threshold: Option<u64>,
    /// Rows of one patient that count, over all groups together.
    pub max_rows_per_person: u32,
    /// Rows of one patient that count in one group.
    pub max_rows_per_group: u32,
    /// Groups in which one patient counts.
    pub max_groups: u32,
    /// The numbers of each group.
    pub aggregates: Vec<AggregateCost>,
    /// What is left out or held by rule.
    pub clipped_by_rule: Vec<String>,
}

/// The cost and expected error of one aggregate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AggregateCost {
    /// The aggregate as the question writes it.
    pub name: String,
    /// What it computes.
    pub kind: ColumnKind,
    /// Its share of the privacy loss, as an epsilon; none with Gaussian noise.
    pub epsilon: Option<f64>,
    /// Its share of the zero-concentrated privacy loss; none with Laplace noise.
    pub rho: Option<f64>,
    /// How far one patient can move the numbers of all groups together, in the column's unit. For averages and variances: the sum
    /// of deviations from the middle of the bounds; for quantiles: rows.
    pub sensitivity: f64,
    /// Scale of Laplace noise or standard deviation of Gaussian noise, in the unit of the sensitivity.
    pub scale: f64,
    /// How far off the number will be.
    pub expected_error: ExpectedError,
    /// Values are rounded to multiples of this before they are added up.
    pub step: f64,
}

/// A half-width that holds the noise with at least 95 % probability, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ExpectedError {
    /// The half-width.
    pub half_width_95: f64,
    /// What the half-width is of.
    pub of: ErrorOf,
}

/// What an expected error is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorOf {
    /// The number that is shown.
    Value,
    /// A sum that is divided by the number of values: the more values, the smaller the error.
    SumOverCount,
    /// The rank of the quantile: so many rows may lie between what is shown and the true quantile.
    Rank,
}

impl PrivatePlan {
    /// What the answer will cost and how far off it will be.
    pub fn cost(&self) -> Cost {
        let release = &self.release;
        Cost {
            epsilon: self.loss.epsilon,
            delta: self.loss.delta,
            rho: self.loss.rho,
            mechanism: release.mechanism,
            groups: release.group_count(),
            threshold: release.threshold.map(|threshold| threshold.least),
            max_rows_per_person: release.limits.rows,
            max_rows_per_group: release.limits.per_group,
            max_groups: release.limits.groups,
            aggregates: release.aggregates.iter().map(Aggregate::cost).collect(),
            clipped_by_rule: self.rules.clone(),
        }
    }
}

impl Aggregate {
    pub(crate) fn cost(&self) -> AggregateCost {
        let width = |scale: NoiseScale| scale.half_width(0.05);
        let (scale, unit, of, error) = match &self.measure {
            Measure::Rows { scale } | Measure::Persons { scale } => {
                (*scale, 1.0, ErrorOf::Value, width(*scale))
            }
            Measure::Sum { grid, scale } => {
                (*scale, grid.value(1.0), ErrorOf::Value, grid.value(width(*scale)))
            }
            Measure::Mean { grid, sum, .. } | Measure::Variance { grid, sum, .. } => {
                (*sum, grid.value(1.0), ErrorOf::SumOverCount, grid.value(width(*sum)))
            }
            Measure::Quantile { leaves, thousandth, scale } => {
                let rank = crate::run::rank_error(*leaves, *thousandth, *scale);
                (*scale, 1.0, ErrorOf::Rank, rank)
            }
        };
        let (epsilon, rho) = match self.share {
            Share::Pure(micro) => (Some(micro as f64 / 1e6), None),
            Share::Concentrated(rho) => (None, Some(rho.number())),
        };
        AggregateCost {
            name: self.name.clone(),
            kind: self.kind(),
            epsilon,
            rho,
            sensitivity: scale.sensitivity() * unit,
            scale: scale.approximate() * unit,
            expected_error: ExpectedError { half_width_95: error, of },
            step: unit,
        }
    }
}

impl fmt::Display for Cost {
    /// The explanation that an analyst reads before spending.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cost: epsilon {}", self.epsilon)?;
        if self.delta > Delta::ZERO {
            write!(f, ", delta {}", self.delta)?;
        }
        writeln!(f, ", {} noise", self.mechanism)?;
        match (self.groups, self.threshold) {
            (Some(groups), _) => writeln!(f, "groups answered: {groups}")?,
            (None, least) => writeln!(
                f,
                "groups answered: those with a noisy number of patients of at least {}",
                least.unwrap_or_default()
            )?,
        }
        writeln!(
            f,
            "rows counted for one patient: at most {}, in a group {}; groups of one patient: at most {}",
            self.max_rows_per_person, self.max_rows_per_group, self.max_groups
        )?;
        self.aggregates.iter().try_for_each(|part| writeln!(f, "{part}"))?;
        self.clipped_by_rule.iter().try_for_each(|rule| writeln!(f, "rule: {rule}"))
    }
}

impl fmt::Display for AggregateCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = match (self.epsilon, self.rho) {
            (Some(epsilon), _) => format!("epsilon {}", short(epsilon)),
            (None, rho) => format!("rho {}", short(rho.unwrap_or_default())),
        };
        let (sensitivity, scale) = (short(self.sensitivity), short(self.scale));
        write!(f, "{}: {share}, sensitivity {sensitivity}, noise scale {scale}, ", self.name)?;
        let error = short(self.expected_error.half_width_95);
        match self.expected_error.of {
            ErrorOf::Value => write!(f, "95 % within \u{b1}{error}"),
            ErrorOf::SumOverCount => {
                write!(
                    f,
                    "95 % within \u{b1}{error} divided by the number of values, and what their noisy number adds"
                )
            }
            ErrorOf::Rank => write!(f, "95 % within \u{b1}{error} rows of the true rank"),
        }
    }
}

/// A number to four decimal places, without zeros at its end.
fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
