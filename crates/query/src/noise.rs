//! Noise: exact discrete Laplace and Gaussian on integers, at scales that are exact fractions.
//!
//! The noise of answers is drawn by opendp's samplers (algorithms of Canonne, Kamath and Steinke, "The Discrete Gaussian for
//! Differential Privacy", 2020): they work on big rationals and uniform bits, so that no floating-point rounding can reveal
//! anything. Their bits come from a generator that the operating system seeds; they take no generator from outside, so that
//! noise of answers cannot be replayed by anyone.
//!
//! [`SeededNoise`] is for tests of questions and of this crate: the same distributions, drawn by an implementation of its own over a
//! seeded generator. Tests hold both implementations equal. Who knows the seed knows the noise: what it answers is not private.

mod scale;
mod seeded;

use dashu::integer::IBig;
use opendp::traits::samplers::{sample_discrete_gaussian, sample_discrete_laplace};

pub(crate) use self::scale::{Influence, Share, normal_quantile};
pub use self::{scale::NoiseScale, seeded::SeededNoise};

/// The source of randomness failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "The noise generator failed, so nothing was answered: check the system's source of randomness and ask again."
)]
pub struct NoiseError;

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::OpenDpNoise {}
    impl Sealed for super::SeededNoise {}
    #[cfg(test)]
    impl Sealed for super::SilentNoise {}
    #[cfg(test)]
    impl Sealed for super::BrokenNoise {}
}

/// Where noise comes from. Sealed: outside of this crate's own tests there is no source without noise.
pub trait NoiseSource: sealed::Sealed {
    /// Noise of the scale.
    ///
    /// # Errors
    /// [`NoiseError`] if randomness runs out.
    fn draw(&mut self, scale: NoiseScale) -> Result<IBig, NoiseError>;

    /// `exact` plus noise of the scale, held within the range of the integer.
    ///
    /// # Errors
    /// [`NoiseError`] if randomness runs out.
    fn perturb(&mut self, exact: i128, scale: NoiseScale) -> Result<i128, NoiseError> {
        // The sum is exact; holding it in range afterwards sees only the noisy number.
        let noisy = IBig::from(exact) + self.draw(scale)?;
        let limit = if noisy > IBig::ZERO { i128::MAX } else { i128::MIN };
        Ok(i128::try_from(noisy).unwrap_or(limit))
    }
}

/// Exact discrete noise by opendp.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenDpNoise;

impl NoiseSource for OpenDpNoise {
    fn draw(&mut self, scale: NoiseScale) -> Result<IBig, NoiseError> {
        match scale {
            NoiseScale::Laplace { .. } => sample_discrete_laplace(scale.laplace()),
            NoiseScale::Gaussian { .. } => sample_discrete_gaussian(scale.gaussian()),
        }
        .map_err(|_| NoiseError)
    }
}

/// No noise at all, so that tests can see what lies beneath.
#[cfg(test)]
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SilentNoise;

#[cfg(test)]
impl NoiseSource for SilentNoise {
    fn draw(&mut self, _: NoiseScale) -> Result<IBig, NoiseError> {
        Ok(IBig::ZERO)
    }
}

/// Half of the noise that it should be, so that tests can see that they would notice.
#[cfg(test)]
#[derive(Clone, Debug)]
pub(crate) struct BrokenNoise(pub SeededNoise);

#[cfg(test)]
impl NoiseSource for BrokenNoise {
    fn draw(&mut self, scale: NoiseScale) -> Result<IBig, NoiseError> {
        self.0.draw(match scale {
            NoiseScale::Laplace { sensitivity, epsilon_micro } => {
                NoiseScale::Laplace { sensitivity, epsilon_micro: epsilon_micro * 2 }
            }
            NoiseScale::Gaussian { magnitude, squares, rho } => {
                let rho = crate::Rho::from_pico(rho.pico() * 4);
                NoiseScale::Gaussian { magnitude, squares, rho }
            }
        })
    }
}

#[cfg(test)]
mod tests;
