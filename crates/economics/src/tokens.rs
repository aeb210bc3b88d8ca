//! DATA that comes and goes: the twins of `BuybackBurner`, `DataToken` and `ServiceDesk`.

use alloy::primitives::U256;

use crate::amounts::{AmountError, BasisPoints, Data, Usdc};
use crate::arithmetic::{Rounding, mul, mul_div};

/// What governance decides about buying back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuybackTerms {
    /// For one DATA, right after a purchase of the limit.
    pub floor: Usdc,
    /// For one DATA, the most that is ever paid.
    pub cap: Usdc,
    /// The most that is spent at once.
    pub limit: Usdc,
    /// How long the price rises from floor to cap, in seconds.
    pub ramp: u64,
    /// The part of what was bought that is burned; the rest rewards contributors.
    pub burned: BasisPoints,
}

/// What was bought back, divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BoughtBack {
    /// Burned, rounded up.
    pub burned: Data,
    /// To contributors, rounded down.
    pub given: Data,
}

const ONE_DATA: u64 = 1_000_000_000_000_000_000;

impl BuybackTerms {
    /// For one DATA, `elapsed` seconds after the clock was set: floor + (cap - floor) elapsed / ramp, rounded down.
    ///
    /// # Errors
    /// [`AmountError`].
    pub fn price(&self, elapsed: u64) -> Result<Usdc, AmountError> {
        let counted = u128::from(elapsed.min(self.ramp));
        self.floor.plus(self.cap.minus(self.floor)?.ratio(counted, u128::from(self.ramp))?)
    }

    /// What `data` sells for, rounded down.
    ///
    /// # Errors
    /// [`AmountError`].
    pub fn proceeds(&self, data: Data, elapsed: u64) -> Result<Usdc, AmountError> {
        let price = self.price(elapsed)?.to_u256();
        mul_div(data.units(), price, U256::from(ONE_DATA), Rounding::Down)?.try_into()
    }

    /// The least DATA that a market must give for `spent`, rounded up.
    ///
    /// # Errors
    /// [`AmountError`].
    pub fn least_data(&self, spent: Usdc, elapsed: u64) -> Result<Data, AmountError> {
        let price = self.price(elapsed)?.to_u256();
        mul_div(spent.to_u256(), U256::from(ONE_DATA), price, Rounding::Up).map(Data::from_units)
    }

    /// The elapsed time that remains after `spent`: elapsed (limit - spent) / limit, rounded down.
    ///
    /// # Errors
    /// [`AmountError`], also above the limit.
    pub fn elapsed_after(&self, elapsed: u64, spent: Usdc) -> Result<u64, AmountError> {
        let left = self.limit.minus(spent)?.to_u256();
        let counted = U256::from(elapsed.min(self.ramp));
        Ok(mul_div(counted, left, self.limit.to_u256(), Rounding::Down)?.to())
    }

    /// What becomes of DATA that was bought.
    #[must_use]
    pub fn divide(&self, bought: Data) -> BoughtBack {
        let given = self.burned.rest().of_units(bought.units());
        BoughtBack {
            burned: Data::from_units(bought.units() - given),
            given: Data::from_units(given),
        }
    }
}

/// The most DATA that is minted in a year that began with `supply`, rounded down.
#[must_use]
pub fn yearly_cap(supply: Data, cap: BasisPoints) -> Data {
    Data::from_units(cap.of_units(supply.units()))
}

/// What units of a service cost, all of it burned.
///
/// # Errors
/// [`AmountError::TooLarge`].
pub fn service_price(units: U256, price: Data) -> Result<Data, AmountError> {
    mul(units, price.units()).map(Data::from_units)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn terms() -> BuybackTerms {
        BuybackTerms {
            floor: Usdc::from_units(100_000),
            cap: Usdc::from_whole(2),
            limit: Usdc::from_whole(1_000),
            ramp: 86_400,
            burned: BasisPoints::new(7_000).unwrap(),
        }
    }

    #[test]
    fn the_price_rises_from_floor_to_cap_and_a_purchase_sets_it_back() {
        assert_eq!(terms().price(0), Ok(terms().floor));
        assert_eq!(terms().price(43_200), Ok(Usdc::from_units(1_050_000)));
        assert_eq!(terms().price(u64::MAX), Ok(terms().cap));
        assert_eq!(terms().elapsed_after(86_400, Usdc::from_whole(250)), Ok(64_800));
        assert_eq!(terms().elapsed_after(u64::MAX, terms().limit), Ok(0));
        assert!(terms().elapsed_after(1, Usdc::from_whole(1_001)).is_err());
    }

    #[test]
    fn a_year_mints_at_most_its_part_and_a_service_costs_its_units() {
        let supply = Data::from_units(U256::from(10_001));
        assert_eq!(yearly_cap(supply, BasisPoints::new(300).unwrap()).units(), U256::from(300));
        assert_eq!(service_price(U256::from(3), supply).unwrap().units(), U256::from(30_003));
        assert_eq!(service_price(U256::MAX, supply), Err(AmountError::TooLarge));
    }

    proptest! {
        #[test]
        fn what_is_bought_is_burned_or_given(bought: u128, elapsed in 0u64..100_000) {
            let bought = Data::from_units(U256::from(bought >> 40));
            let parts = terms().divide(bought);
            prop_assert_eq!(parts.burned.plus(parts.given), Ok(bought));
            let paid = terms().proceeds(bought, elapsed).unwrap();
            prop_assert!(terms().least_data(paid, elapsed).unwrap() <= bought);
        }
    }
}
