//! Chance, in integers.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A patient's own random stream.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream `number` of a seed.
    pub(crate) fn new(seed: u64, number: u64) -> Dice {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number);
        Dice(rng)
    }

    /// A number below `limit`, all about equally likely.
    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(limit)) >> 32) as u32
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + i64::from(self.below((high - low + 1).max(1) as u32))
    }

    /// True so many times in a thousand.
    pub(crate) fn per_mille(&mut self, share: i64) -> bool {
        i64::from(self.below(1_000)) < share
    }

    /// About normally distributed: the sum of four even draws, cut off at 3.4 deviations.
    pub(crate) fn bell(&mut self, mean: i64, deviation: i64) -> i64 {
        let bits = self.0.next_u64();
        let sum: i64 = (0..4).map(|part| ((bits >> (16 * part)) & 0xFFFF) as i64).sum();
        // Such a sum has mean 131,070 and standard deviation 37,837.
        mean + (sum - 131_070) * deviation / 37_837
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize]
    }

    /// The place of one of these weights, the more likely the larger it is.
    pub(crate) fn weighed(&mut self, weights: impl Iterator<Item = u32> + Clone) -> usize {
        let mut left = self.below(weights.clone().sum());
        for (place, weight) in weights.enumerate() {
            if left < weight {
                return place;
            }
            left -= weight;
        }
        0
    }

    /// 128 random bits.
    pub(crate) fn bits(&mut self) -> u128 {
        u128::from(self.0.next_u64()) << 64 | u128::from(self.0.next_u64())
    }
}
