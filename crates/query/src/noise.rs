//! Noise: exact discrete Laplace on integers, at scales that are exact fractions.
//!
//! The sampler is opendp's (algorithm of Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy", 2020):
//! it works on big rationals and uniform bits, so that no floating-point rounding can reveal anything. Its bits come from the
//! ChaCha generator of the thread, seeded and reseeded by the operating system; it takes no generator from outside, therefore noise
//! cannot be replayed from a seed, by us or by anyone.

use dashu::{
    integer::{IBig, UBig},
    rational::RBig,
};
use opendp::traits::samplers::sample_discrete_laplace;

use crate::Epsilon;

/// The scale of Laplace noise, sensitivity / epsilon, as an exact fraction of integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaplaceScale {
    sensitivity: u128,
    epsilon: Epsilon,
}

impl LaplaceScale {
    /// The scale that hides a change of `sensitivity` (L1, in steps of the released integer) at `epsilon`.
    /// `None` for an epsilon of zero, for which no scale is enough.
    pub(crate) fn new(sensitivity: u128, epsilon: Epsilon) -> Option<Self> {
        (epsilon.milli() > 0).then_some(Self { sensitivity, epsilon })
    }

    /// The L1 sensitivity, in steps of the released integer.
    pub(crate) fn sensitivity(self) -> u128 {
        self.sensitivity
    }

    /// The scale as a fraction.
    fn exact(self) -> RBig {
        RBig::from_parts(
            IBig::from(self.sensitivity) * IBig::from(1000),
            UBig::from(self.epsilon.milli()),
        )
    }

    /// The scale as a number to show.
    pub fn approximate(self) -> f64 {
        self.sensitivity as f64 * 1000.0 / f64::from(self.epsilon.milli())
    }

    /// The smallest whole half-width that noise of this scale leaves with at most probability `outside`.
    ///
    /// P(|X| > t) = 2 p^(t+1) / (1 + p) with p = exp(-1/scale).
    pub fn half_width(self, outside: f64) -> f64 {
        let scale = self.approximate();
        if scale == 0.0 {
            return 0.0;
        }
        let p = (-1.0 / scale).exp();
        ((scale * (2.0 / (outside * (1.0 + p))).ln()).ceil() - 1.0).max(0.0)
    }
}

/// The source of randomness failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "The noise generator failed, so nothing was answered: check the system's source of randomness and ask again."
)]
pub struct NoiseError;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::OpenDpNoise {}
    #[cfg(test)]
    impl Sealed for super::SilentNoise {}
}

/// Where noise comes from. Sealed: outside of this crate's own tests there is no source without noise.
pub trait NoiseSource: sealed::Sealed {
    /// `exact` plus discrete Laplace noise of the scale, held within the range of the integer.
    ///
    /// # Errors
    /// [`NoiseError`] if randomness runs out.
    fn perturb(&mut self, exact: i128, scale: LaplaceScale) -> Result<i128, NoiseError>;
}

/// Exact discrete Laplace noise by opendp.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenDpNoise;

impl NoiseSource for OpenDpNoise {
    fn perturb(&mut self, exact: i128, scale: LaplaceScale) -> Result<i128, NoiseError> {
        let noise = sample_discrete_laplace(scale.exact()).map_err(|_| NoiseError)?;
        // The sum is exact; holding it in range afterwards sees only the noisy number.
        let noisy = IBig::from(exact) + noise;
        let limit = if noisy > IBig::ZERO { i128::MAX } else { i128::MIN };
        Ok(i128::try_from(noisy).unwrap_or(limit))
    }
}

/// No noise at all, so that tests can see what lies beneath.
#[cfg(test)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SilentNoise;

#[cfg(test)]
impl NoiseSource for SilentNoise {
    fn perturb(&mut self, exact: i128, _: LaplaceScale) -> Result<i128, NoiseError> {
        Ok(exact)
    }
}

#[cfg(test)]
mod tests;
