//! Noise that can be drawn again: for tests.

use dashu::{
    base::{BitTest, SquareRoot},
    integer::{IBig, UBig},
    rational::RBig,
};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};

use super::{NoiseError, NoiseScale, NoiseSource};

/// Exact discrete noise over a seeded ChaCha20 generator. **Not private**: who knows the seed can take the noise away.
///
/// Algorithms 1 to 3 of Canonne, Kamath and Steinke (2020), on integers throughout.
#[derive(Clone, Debug)]
pub struct SeededNoise {
    bits: ChaCha20Rng,
}

impl SeededNoise {
    /// The noise of this seed.
    pub fn new(seed: u64) -> Self {
        Self { bits: ChaCha20Rng::seed_from_u64(seed) }
    }

    /// A uniform number below `limit`, which is not zero.
    fn below(&mut self, limit: &UBig) -> UBig {
        let bits = (limit - UBig::ONE).bit_len();
        let words = bits.div_ceil(64);
        let mask = (UBig::ONE << bits) - UBig::ONE;
        loop {
            let drawn = (0..words)
                .fold(UBig::ZERO, |all, _| (all << 64) + UBig::from(self.bits.next_u64()));
            let drawn = drawn & &mask;
            if drawn < *limit {
                return drawn;
            }
        }
    }

    /// True with probability `above` / `below`, at most one.
    fn chance(&mut self, above: &UBig, below: &UBig) -> bool {
        self.below(below) < *above
    }

    /// True with probability exp(-x) for a fraction x from 0 to 1.
    fn exp_small(&mut self, above: &UBig, below: &UBig) -> bool {
        let mut divisor = below.clone();
        let mut odd = true;
        while self.chance(above, &divisor) {
            divisor += below;
            odd = !odd;
        }
        odd
    }

    /// True with probability exp(-x) for a fraction x from 0.
    fn exp(&mut self, x: &RBig) -> bool {
        let (mut above, below) =
            (UBig::try_from(x.numerator().clone()).unwrap_or_default(), x.denominator().clone());
        while above > below {
            if !self.exp_small(&UBig::ONE, &UBig::ONE) {
                return false;
            }
            above -= &below;
        }
        self.exp_small(&above, &below)
    }

    /// Discrete Laplace of scale `above` / `below`.
    fn laplace(&mut self, above: &UBig, below: &UBig) -> IBig {
        loop {
            let low = self.below(above);
            if !self.exp_small(&low, above) {
                continue;
            }
            let mut high = UBig::ZERO;
            while self.exp_small(&UBig::ONE, &UBig::ONE) {
                high += UBig::ONE;
            }
            let magnitude = (low + above * high) / below;
            let negative = self.bits.next_u32() & 1 == 1;
            match (negative, magnitude == UBig::ZERO) {
                (true, true) => {}
                (true, false) => return -IBig::from(magnitude),
                (false, _) => return IBig::from(magnitude),
            }
        }
    }

    /// Discrete Gaussian of this variance parameter.
    fn gaussian(&mut self, variance: &RBig) -> IBig {
        let floor = UBig::try_from(variance.floor()).unwrap_or_default();
        let scale = floor.sqrt() + UBig::ONE;
        let center = variance / RBig::from(scale.clone());
        let twice = variance * RBig::from(2);
        loop {
            let candidate = self.laplace(&scale, &UBig::ONE);
            let distance = RBig::from(candidate.clone())
                - if candidate < IBig::ZERO { -&center } else { center.clone() };
            if self.exp(&(&distance * &distance / &twice)) {
                return candidate;
            }
        }
    }
}

impl NoiseSource for SeededNoise {
    fn draw(&mut self, scale: NoiseScale) -> Result<IBig, NoiseError> {
        let spread = match scale {
            NoiseScale::Laplace { .. } => scale.laplace(),
            NoiseScale::Gaussian { .. } => scale.variance(),
        };
        if spread == RBig::ZERO {
            return Ok(IBig::ZERO);
        }
        Ok(match scale {
            NoiseScale::Laplace { .. } => {
                let above = UBig::try_from(spread.numerator().clone()).unwrap_or_default();
                self.laplace(&above, spread.denominator())
            }
            NoiseScale::Gaussian { .. } => self.gaussian(&spread),
        })
    }
}
