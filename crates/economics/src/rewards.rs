//! Points and DATA for a contribution: the twin of `ContributionRewards`.
//!
//! points = quality x rarity / 10,000, rounded down, + bonus x min(row, steps); amount = points x rate / 10,000;
//! immediate = amount x part, both rounded down; the rest vests.

use alloy::primitives::U256;

use crate::amounts::{AmountError, BasisPoints, Data};
use crate::arithmetic::{Rounding, mul_div};

/// What governance decides about rewards, as far as it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RewardTerms {
    /// DATA for each 10,000 points.
    pub rate: Data,
    /// Points for each contribution that went before in a row.
    pub bonus_points: u32,
    /// The most of those that count.
    pub bonus_steps: u16,
    /// The part that is paid at once.
    pub immediate: BasisPoints,
    /// A pause longer than this, in seconds, breaks the row.
    pub bonus_gap: u64,
}

/// The last rewards of a person from one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Row {
    /// Unix seconds of the last reward.
    pub last: u64,
    /// Rewards in a row.
    pub length: u32,
}

/// A reward, divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reward {
    /// Paid at once, rounded down.
    pub immediate: Data,
    /// Vests, and waits for an approved use of the data.
    pub vested: Data,
}

/// How long a person waits between two rewards for one source, in seconds.
pub const COOL_DOWN: u64 = 7 * 24 * 3_600;

impl Row {
    /// How many rewards in a row go before one at `now`.
    #[must_use]
    pub fn unbroken(&self, now: u64, terms: &RewardTerms) -> u32 {
        let broken = u128::from(now) > u128::from(self.last) + u128::from(terms.bonus_gap);
        if broken { 0 } else { self.length }
    }

    /// Whether a person must still wait at `now`.
    #[must_use]
    pub fn is_cooling_down(&self, now: u64) -> bool {
        self.last != 0 && now < self.last.saturating_add(COOL_DOWN)
    }
}

impl RewardTerms {
    /// Points for a contribution of this quality and rarity (basis points, 10,000 neutral) after `row` others.
    #[must_use]
    pub fn points(&self, quality: u16, rarity: u32, row: u32) -> u64 {
        let value = u64::from(quality) * u64::from(rarity) / 10_000;
        value + u64::from(self.bonus_points) * u64::from(row.min(u32::from(self.bonus_steps)))
    }

    /// DATA for points.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`].
    pub fn reward(&self, points: U256) -> Result<Reward, AmountError> {
        let amount = mul_div(points, self.rate.units(), U256::from(10_000), Rounding::Down)?;
        let immediate = self.immediate.of_units(amount);
        Ok(Reward {
            immediate: Data::from_units(immediate),
            vested: Data::from_units(amount - immediate),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn terms() -> RewardTerms {
        RewardTerms {
            rate: Data::from_units(U256::from(10).pow(U256::from(18))),
            bonus_points: 500,
            bonus_steps: 4,
            immediate: BasisPoints::new(4_000).unwrap(),
            bonus_gap: 30 * 86_400,
        }
    }

    #[test]
    fn points_are_quality_times_rarity_and_a_bonus_for_a_row() {
        assert_eq!(terms().points(10_000, 10_000, 0), 10_000);
        assert_eq!(terms().points(8_500, 15_000, 0), 12_750);
        assert_eq!(terms().points(3, 3_333, 0), 0, "rounded down");
        assert_eq!(terms().points(8_500, 15_000, 2), 13_750);
        assert_eq!(terms().points(0, 0, 9), 2_000, "four count at most");
    }

    #[test]
    fn a_row_breaks_after_the_gap_and_waits_before_the_cool_down() {
        let row = Row { last: 1_000, length: 3 };
        assert_eq!(row.unbroken(1_000 + terms().bonus_gap, &terms()), 3);
        assert_eq!(row.unbroken(1_001 + terms().bonus_gap, &terms()), 0);
        assert!(row.is_cooling_down(999 + COOL_DOWN) && !row.is_cooling_down(1_000 + COOL_DOWN));
        assert!(!Row::default().is_cooling_down(5));
    }

    #[test]
    fn a_reward_is_paid_in_two_parts_that_are_all_of_it() {
        let reward = terms().reward(U256::from(12_750)).unwrap();
        assert_eq!(
            (reward.immediate.to_string(), reward.vested.to_string()),
            ("0.51".into(), "0.765".into())
        );
        let odd = RewardTerms { rate: Data::from_units(U256::from(10_001)), ..terms() };
        let reward = odd.reward(U256::from(10_000)).unwrap();
        assert_eq!(
            (reward.immediate.units(), reward.vested.units()),
            (U256::from(4_000), U256::from(6_001))
        );
    }
}
