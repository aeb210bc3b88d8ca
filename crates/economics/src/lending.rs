//! Borrowing the use of a dataset against collateral: the twin of `DatasetLending`.

use alloy::primitives::U256;

use crate::amounts::{AmountError, BasisPoints, Usdc};
use crate::arithmetic::{Rounding, mul_div};

/// What governance sets. The first three are basis points of the dataset's price and may be above the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LendingTerms {
    /// Collateral at the beginning.
    pub collateral: u32,
    /// Below this a margin can be called.
    pub margin: u32,
    /// The fee for a year of 365 days.
    pub fee: u32,
    /// The part of the collateral that goes to who seizes it.
    pub seizure: BasisPoints,
}

/// What a loan begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoanQuote {
    /// The least collateral, rounded up.
    pub collateral: Usdc,
    /// For the whole term, rounded up.
    pub fee: Usdc,
}

/// What becomes of collateral that is seized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seizure {
    /// To who seizes it, rounded down.
    pub reward: Usdc,
    /// Revenue of the dataset.
    pub revenue: Usdc,
}

const YEAR: u64 = 365 * 24 * 3_600;

fn part_up(price: Usdc, part: U256, whole: U256) -> Result<Usdc, AmountError> {
    mul_div(price.to_u256(), part, whole, Rounding::Up)?.try_into()
}

impl LendingTerms {
    /// Collateral and fee for `term` seconds of a dataset whose use costs `price` once.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`].
    pub fn quote(&self, price: Usdc, term: u64) -> Result<LoanQuote, AmountError> {
        let bps = U256::from(10_000);
        let fee = U256::from(self.fee) * U256::from(term);
        Ok(LoanQuote {
            collateral: part_up(price, U256::from(self.collateral), bps)?,
            fee: part_up(price, fee, bps * U256::from(YEAR))?,
        })
    }

    /// Whether a margin can be called at this price of the dataset.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`].
    pub fn is_below_margin(&self, collateral: Usdc, price: Usdc) -> Result<bool, AmountError> {
        Ok(collateral < part_up(price, U256::from(self.margin), U256::from(10_000))?)
    }

    /// Divides collateral that is seized.
    #[must_use]
    pub fn seize(&self, collateral: Usdc) -> Seizure {
        let reward = self.seizure.of(collateral);
        let revenue = collateral.minus(reward).expect("a part is at most the whole");
        Seizure { reward, revenue }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn terms() -> LendingTerms {
        LendingTerms {
            collateral: 15_000,
            margin: 12_000,
            fee: 1_000,
            seizure: BasisPoints::new(500).unwrap(),
        }
    }

    #[test]
    fn a_loan_is_quoted_and_rounded_against_the_borrower() {
        let quote = terms().quote(Usdc::from_whole(1_000), YEAR / 4).unwrap();
        assert_eq!(quote.collateral, Usdc::from_whole(1_500));
        assert_eq!(quote.fee, Usdc::from_whole(25));
        let least = terms().quote(Usdc::from_units(1), 1).unwrap();
        assert_eq!((least.collateral.units(), least.fee.units()), (2, 1));
        assert_eq!(terms().is_below_margin(Usdc::from_units(1), Usdc::from_units(1)), Ok(true));
        assert_eq!(terms().is_below_margin(Usdc::from_units(2), Usdc::from_units(1)), Ok(false));
    }

    proptest! {
        #[test]
        fn a_seizure_divides_all_of_it(collateral: u128) {
            let collateral = Usdc::from_units(collateral);
            let parts = terms().seize(collateral);
            prop_assert_eq!(parts.reward.plus(parts.revenue), Ok(collateral));
        }

        #[test]
        fn a_loan_that_begins_is_above_its_margin(price: u64, term in 0u64..90 * 86_400) {
            let price = Usdc::from_units(u128::from(price));
            let quote = terms().quote(price, term).unwrap();
            prop_assert_eq!(terms().is_below_margin(quote.collateral, price), Ok(false));
        }
    }
}
