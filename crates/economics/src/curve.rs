//! Units of access at a price that rises with their number: the twin of `BondingCurve`.
//!
//! With base a, slope m and supply s, n units cost a n + m (s n + n^2 / 2): the area under the line of price. Buying is
//! rounded up and selling down, so that the reserve is never below the area. The inverse, with the base that the usual
//! form leaves out: n = sqrt((s + a/m)^2 + 2 paid/m) - (s + a/m), and paid / a where the slope is zero.

use alloy::primitives::ruint::UintTryFrom;
use alloy::primitives::{U256, U512};

use crate::amounts::{AccessUnits, AmountError, BasisPoints, Usdc};
use crate::arithmetic::{Rounding, mul_div, sqrt};

/// A curve, fixed when its contract is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Curve {
    base: u128,
    slope: u128,
}

/// Why there is no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CurveError {
    /// A flat curve at nothing, or one so flat beside its base that its inverse cannot be computed.
    #[error(
        "a curve needs a base or a slope, each below 2^96, and a base of at most 2^126 / 1e36 slopes"
    )]
    BadCurve,
    /// More units than there can be.
    #[error("the curve has at most 2^100 units of 1e-18")]
    AboveSupply,
    /// A payment that the contract does not take.
    #[error("a payment to the curve is at most 2^64 - 1 units of USDC")]
    AboveMaximum,
    /// Past what the type holds.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

/// 1e18, the parts of a unit and of the slope.
const UNIT: u64 = 1_000_000_000_000_000_000;

/// The most units that there can be: 2^100 of 1e-18.
pub const MAXIMUM_SUPPLY: AccessUnits =
    AccessUnits::from_units(U256::from_limbs([0, 1 << 36, 0, 0]));

fn power_of_ten(exponent: u64) -> U256 {
    U256::from(10).pow(U256::from(exponent))
}

impl Curve {
    /// `base` in units of USDC for the first unit, `slope` in 1e-18 units of USDC more for each unit that exists.
    ///
    /// # Errors
    /// [`CurveError::BadCurve`].
    pub fn new(base: u128, slope: u128) -> Result<Self, CurveError> {
        if base >> 96 != 0 || slope >> 96 != 0 || (base == 0 && slope == 0) {
            return Err(CurveError::BadCurve);
        }
        if slope != 0 {
            let offset = U256::from(base) * power_of_ten(36) / U256::from(slope);
            if offset > U256::from(1) << 126 {
                return Err(CurveError::BadCurve);
            }
        }
        Ok(Self { base, slope })
    }

    /// What `units` more cost while `supply` exist, rounded up, before the fee.
    ///
    /// # Errors
    /// [`CurveError::AboveSupply`], [`CurveError::Amount`].
    pub fn cost(&self, supply: AccessUnits, units: AccessUnits) -> Result<Usdc, CurveError> {
        require_supply(supply, units.units())?;
        Ok(self.area(supply.units(), units.units(), Rounding::Up)?.try_into()?)
    }

    /// What `units` out of `supply` give back, rounded down, before the fee.
    ///
    /// # Errors
    /// [`CurveError::Amount`] also where there are not so many.
    pub fn proceeds(&self, supply: AccessUnits, units: AccessUnits) -> Result<Usdc, CurveError> {
        let left = supply.minus(units)?;
        Ok(self.area(left.units(), units.units(), Rounding::Down)?.try_into()?)
    }

    /// The most units that `paid`, after the fee, buys while `supply` exist.
    ///
    /// # Errors
    /// [`CurveError::AboveMaximum`], [`CurveError::AboveSupply`].
    pub fn units_for(&self, supply: AccessUnits, paid: Usdc) -> Result<AccessUnits, CurveError> {
        if paid.units() > u128::from(u64::MAX) {
            return Err(CurveError::AboveMaximum);
        }
        let (paid, supply_units) = (paid.to_u256(), supply.units());
        let units = if self.slope == 0 {
            mul_div(paid, U256::from(UNIT), U256::from(self.base), Rounding::Down)?
        } else {
            self.solve(supply_units, paid)?
        };
        require_supply(supply, units)?;
        Ok(AccessUnits::from_units(units))
    }

    /// The root, rounded down, and one less where that is too dear: `supply + base / slope` was rounded.
    fn solve(&self, supply: U256, paid: U256) -> Result<U256, AmountError> {
        let slope = U256::from(self.slope);
        // At most 101 and 127 bits; the square and 64 + 181 bits fit in 256.
        let offset = supply + power_of_ten(36) * U256::from(self.base) / slope;
        let twice = paid * U256::from(2) * power_of_ten(54) / slope;
        let root = sqrt(offset * offset + twice) - offset;
        let too_dear =
            root <= MAXIMUM_SUPPLY.units() && self.area(supply, root, Rounding::Up)? > paid;
        Ok(if too_dear { root - U256::from(1) } else { root })
    }

    /// n (2 a + m (2 s + n)) / 2 over one denominator, 2e54.
    fn area(&self, supply: U256, units: U256, rounding: Rounding) -> Result<U256, AmountError> {
        let base = U256::from(2) * power_of_ten(36) * U256::from(self.base);
        let sides = U512::from(supply) * U512::from(2) + U512::from(units);
        let sides = U256::uint_try_from(sides).map_err(|_| AmountError::TooLarge)?;
        let sloped = U256::from(self.slope).checked_mul(sides).ok_or(AmountError::TooLarge)?;
        let bracket = base.checked_add(sloped).ok_or(AmountError::TooLarge)?;
        mul_div(units, bracket, U256::from(2) * power_of_ten(54), rounding)
    }
}

fn require_supply(supply: AccessUnits, units: U256) -> Result<(), CurveError> {
    let left = MAXIMUM_SUPPLY.minus(supply).map_err(CurveError::Amount)?;
    if units > left.units() { Err(CurveError::AboveSupply) } else { Ok(()) }
}

/// The fee on an amount that goes into or comes out of the curve, rounded up.
#[must_use]
pub fn curve_fee(amount: Usdc, fee: BasisPoints) -> Usdc {
    let down = fee.of(amount);
    let exact = (amount.units() % 10_000 * u128::from(fee.points())).is_multiple_of(10_000);
    Usdc::from_units(down.units() + u128::from(!exact))
}

/// The units that a licence over datasets with so many records takes, each dataset rounded up, times uses.
///
/// # Errors
/// [`AmountError::TooLarge`].
pub fn units_needed(records: &[u64], uses: u32) -> Result<AccessUnits, AmountError> {
    let each = |count: &u64| {
        (U256::from(*count) * U256::from(UNIT)).div_ceil(U256::from(1_000)) * U256::from(uses)
    };
    records
        .iter()
        .try_fold(AccessUnits::ZERO, |sum, count| sum.plus(AccessUnits::from_units(each(count))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn units(n: u128) -> AccessUnits {
        AccessUnits::from_units(U256::from(n))
    }

    #[test]
    fn the_first_unit_costs_the_base_and_half_a_slope() {
        // 10 USDC and 0.50 more for each unit that exists.
        let curve = Curve::new(10_000_000, 500_000 * u128::from(UNIT)).unwrap();
        let one = u128::from(UNIT);
        assert_eq!(curve.cost(units(0), units(one)), Ok(Usdc::from_units(10_250_000)));
        assert_eq!(curve.cost(units(one), units(one)), Ok(Usdc::from_units(10_750_000)));
        assert_eq!(curve.proceeds(units(2 * one), units(2 * one)), Ok(Usdc::from_whole(21)));
        assert_eq!(curve.units_for(units(0), Usdc::from_whole(21)), Ok(units(2 * one)));
        assert_eq!(
            curve.units_for(MAXIMUM_SUPPLY, Usdc::from_whole(21)),
            Err(CurveError::AboveSupply)
        );
        assert!(curve.proceeds(units(1), units(2)).is_err());
    }

    #[test]
    fn curves_without_a_price_are_refused() {
        assert_eq!(Curve::new(0, 0), Err(CurveError::BadCurve));
        assert_eq!(Curve::new(1 << 96, 1), Err(CurveError::BadCurve));
        assert_eq!(Curve::new(1_000_000, 1), Err(CurveError::BadCurve));
        assert!(Curve::new(5, 0).is_ok());
    }

    #[test]
    fn a_fee_is_rounded_against_who_pays_it() {
        let fee = BasisPoints::new(30).unwrap();
        assert_eq!(curve_fee(Usdc::from_units(1), fee), Usdc::from_units(1));
        assert_eq!(curve_fee(Usdc::from_units(10_000), fee), Usdc::from_units(30));
        assert_eq!(curve_fee(Usdc::ZERO, fee), Usdc::ZERO);
    }

    #[test]
    fn a_licence_takes_a_unit_for_a_thousand_records() {
        assert_eq!(units_needed(&[1_000, 1], 2).unwrap().to_string(), "2.002");
        assert_eq!(units_needed(&[], 2), Ok(AccessUnits::ZERO));
    }

    fn any_curve() -> impl Strategy<Value = Curve> {
        let part = || (any::<u128>(), 32u32..128).prop_map(|(n, shift)| n >> shift);
        (part(), part()).prop_filter_map("no curve", |(base, slope)| Curve::new(base, slope).ok())
    }

    proptest! {
        #[test]
        fn what_is_bought_is_the_most_that_was_paid_for(
            curve in any_curve(),
            supply in 0u128..1 << 99,
            paid: u64,
        ) {
            let paid = Usdc::from_units(u128::from(paid));
            if let Ok(bought) = curve.units_for(units(supply), paid) {
                prop_assert!(curve.cost(units(supply), bought).unwrap() <= paid);
                let more = bought.plus(units(1)).unwrap();
                if let Ok(cost) = curve.cost(units(supply), more) {
                    prop_assert!(cost > paid);
                }
            }
        }

        #[test]
        fn nobody_gains_by_buying_and_selling_in_parts(
            curve in any_curve(),
            supply in 0u128..1 << 90,
            first in 0u128..1 << 90,
            second in 0u128..1 << 90,
        ) {
            let whole = curve.cost(units(supply), units(first + second)).unwrap();
            let paid = curve
                .cost(units(supply), units(first)).unwrap()
                .plus(curve.cost(units(supply + first), units(second)).unwrap()).unwrap();
            let back = curve.proceeds(units(supply + first + second), units(first + second)).unwrap();
            prop_assert!(whole <= paid && back <= whole);
            prop_assert!(whole.units() - back.units() <= 1);
        }
    }
}
