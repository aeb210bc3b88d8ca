//! Discrete noise with exact fractions for scales.

use dashu::integer::{IBig, UBig};
use dashu::rational::RBig;
use opendp::traits::samplers::{sample_discrete_gaussian, sample_discrete_laplace};

use super::SynthesisError;

/// Scales are fractions over this number.
const PARTS: u64 = 1 << 20;

/// A scale, rounded up.
pub(super) struct Sigma(u64);

impl Sigma {
    fn up(scale: f64) -> Sigma {
        Sigma((scale * PARTS as f64).ceil().clamp(1.0, 1e18) as u64)
    }

    /// The standard deviation for so many tables of counts, in each of which a row counts once: they differ by at most
    /// the root of `tables` in L2, so that sigma^2 = tables / (2 rho) (Canonne and others 2020, theorem 4).
    pub(super) fn for_counts(tables: usize, rho: f64) -> Sigma {
        Sigma::up((tables as f64 / (2.0 * rho)).sqrt())
    }

    /// The scale of Laplace noise for one of `choices` selections among scores that a row changes by at most 1. Report
    /// noisy max with scale 2 / epsilon has pure epsilon, which is epsilon^2 / 2 of zCDP.
    pub(super) fn for_choices(choices: usize, rho: f64) -> Sigma {
        Sigma::up(2.0 / (2.0 * rho / choices as f64).sqrt())
    }

    fn exact(&self) -> RBig {
        RBig::from_parts(IBig::from(self.0), UBig::from(PARTS))
    }

    pub(super) fn approximate(&self) -> f64 {
        self.0 as f64 / PARTS as f64
    }
}

/// Counts plus discrete Gaussian noise.
pub(super) fn perturb(counts: &[u64], sigma: &Sigma) -> Result<Vec<i64>, SynthesisError> {
    let scale = sigma.exact();
    let noisy = |&count: &u64| {
        let noise = sample_discrete_gaussian(scale.clone()).map_err(|_| SynthesisError::Noise)?;
        held(IBig::from(count) + noise)
    };
    counts.iter().map(noisy).collect()
}

/// A score plus discrete Laplace noise.
pub(super) fn perturb_score(score: u64, scale: &Sigma) -> Result<i64, SynthesisError> {
    let noise = sample_discrete_laplace(scale.exact()).map_err(|_| SynthesisError::Noise)?;
    held(IBig::from(score) + noise)
}

/// Holding an exact sum in range afterwards sees only the noisy number.
fn held(noisy: IBig) -> Result<i64, SynthesisError> {
    let limit = if noisy > IBig::ZERO { i64::MAX / 4 } else { i64::MIN / 4 };
    Ok(i64::try_from(noisy).unwrap_or(limit))
}
