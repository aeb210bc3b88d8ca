//! Prices, and how a payment is divided: the twin of `LicenceMarket.quote` and `RevenueSplitter.distribute`.
//!
//! Treasury, buy-back, pool yield and the custodians' parts are rounded down; what rounding leaves over goes to the
//! contributors, the usage yield and the members, and among datasets to the last. Nothing is lost and nothing made.

use alloy::primitives::U256;
use serde::{Deserialize, Serialize};

use crate::amounts::{AmountError, BasisPoints, Usdc};

/// Why a payment cannot be divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// The parts are not the whole.
    #[error("contributors, treasury and buy-back must add up to 10,000 basis points, not {0}")]
    NotWhole(u32),
    /// No dataset was used.
    #[error("a payment needs at least one dataset with a weight above zero")]
    NoWeight,
    /// An amount past what can be held.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

/// How a payment is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    contributors: BasisPoints,
    treasury: BasisPoints,
    buyback: BasisPoints,
    pool_yield: BasisPoints,
}

impl Split {
    /// What governance starts with: 85 %, 10 %, 5 %, and 30 % of the contributors' part for all pool shares.
    pub const DEFAULT: Self = Self {
        contributors: BasisPoints::constant(8_500),
        treasury: BasisPoints::constant(1_000),
        buyback: BasisPoints::constant(500),
        pool_yield: BasisPoints::constant(3_000),
    };

    /// `contributors`, `treasury` and `buyback` of a payment, and `pool_yield` of the contributors' part.
    ///
    /// # Errors
    /// [`SplitError::NotWhole`] where the first three do not add up to the whole.
    pub fn new(
        contributors: BasisPoints,
        treasury: BasisPoints,
        buyback: BasisPoints,
        pool_yield: BasisPoints,
    ) -> Result<Self, SplitError> {
        let sum =
            [contributors, treasury, buyback].iter().map(|part| u32::from(part.points())).sum();
        if sum == 10_000 {
            Ok(Self { contributors, treasury, buyback, pool_yield })
        } else {
            Err(SplitError::NotWhole(sum))
        }
    }

    /// Those who contribute data.
    #[must_use]
    pub const fn contributors(&self) -> BasisPoints {
        self.contributors
    }

    /// The treasury.
    #[must_use]
    pub const fn treasury(&self) -> BasisPoints {
        self.treasury
    }

    /// Buying back and burning.
    #[must_use]
    pub const fn buyback(&self) -> BasisPoints {
        self.buyback
    }

    /// The part of the contributors' part that all pool shares earn.
    #[must_use]
    pub const fn pool_yield(&self) -> BasisPoints {
        self.pool_yield
    }
}

/// A payment, divided: `contributors + treasury + buyback` is all of it, `pool_yield + usage` all of `contributors`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Those who contribute data.
    pub contributors: Usdc,
    /// The treasury.
    pub treasury: Usdc,
    /// Buying back and burning.
    pub buyback: Usdc,
    /// Of the contributors' part, what all pool shares earn.
    pub pool_yield: Usdc,
    /// Of the contributors' part, what the datasets used earn.
    pub usage: Usdc,
}

/// Divides a payment.
#[must_use]
pub fn split(amount: Usdc, split: &Split) -> Parts {
    let treasury = split.treasury.of(amount);
    let buyback = split.buyback.of(amount);
    let left = |from: Usdc, part: Usdc| from.minus(part).expect("rounded down parts of a whole");
    let contributors = left(left(amount, treasury), buyback);
    let pool_yield = split.pool_yield.of(contributors);
    Parts { contributors, treasury, buyback, pool_yield, usage: left(contributors, pool_yield) }
}

/// A dataset's use in a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatasetUse {
    /// In which proportion it was used: its part of a licence's price, or 1 for a job.
    pub weight: u128,
    /// The custodian's part of what it earns, fixed when it was minted.
    pub custodian: BasisPoints,
}

/// What a dataset earns: its custodian's part and its members'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetPart {
    /// The custodian's, rounded down.
    pub custodian: Usdc,
    /// The members', with what rounding left.
    pub members: Usdc,
}

/// Divides usage yield over the datasets used, in their order; the last gets what rounding leaves.
///
/// # Errors
/// [`SplitError::NoWeight`] where nothing was used; [`SplitError::Amount`] where the weights are past 128 bits.
pub fn usage_parts(usage: Usdc, uses: &[DatasetUse]) -> Result<Vec<DatasetPart>, SplitError> {
    let weights = uses.iter().try_fold(0u128, |sum, used| sum.checked_add(used.weight));
    let weights = weights.ok_or(AmountError::TooLarge)?;
    if weights == 0 {
        return Err(SplitError::NoWeight);
    }
    let mut left = usage;
    let mut parts = Vec::with_capacity(uses.len());
    for (index, used) in uses.iter().enumerate() {
        let part =
            if index + 1 == uses.len() { left } else { usage.ratio(used.weight, weights)? };
        left = left.minus(part)?;
        let custodian = used.custodian.of(part);
        parts.push(DatasetPart { custodian, members: part.minus(custodian)? });
    }
    Ok(parts)
}

/// The price of using `records` records once, rounded up to the next unit.
///
/// # Errors
/// [`AmountError::TooLarge`].
pub fn licence_price(records: u64, price_per_1000: Usdc) -> Result<Usdc, AmountError> {
    let product = U256::from(records) * price_per_1000.to_u256();
    product.div_ceil(U256::from(1_000)).try_into()
}

/// The price of a licence: the sum over its datasets (records, and the price per 1,000 of their class), each rounded
/// up, times uses.
///
/// # Errors
/// [`AmountError::TooLarge`].
pub fn quote(datasets: &[(u64, Usdc)], uses: u32) -> Result<Usdc, AmountError> {
    let prices: Result<Vec<_>, _> =
        datasets.iter().map(|(records, price)| licence_price(*records, *price)).collect();
    Usdc::sum(prices?)?.times(u128::from(uses))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn points(points: u16) -> BasisPoints {
        BasisPoints::new(points).unwrap()
    }

    #[test]
    fn a_hundred_usdc_is_divided_as_the_protocol_says() {
        let parts = split(Usdc::from_whole(100), &Split::DEFAULT);
        assert_eq!(parts.contributors, Usdc::from_whole(85));
        assert_eq!(parts.treasury, Usdc::from_whole(10));
        assert_eq!(parts.buyback, Usdc::from_whole(5));
        assert_eq!(parts.pool_yield, Usdc::from_units(25_500_000));
        assert_eq!(parts.usage, Usdc::from_units(59_500_000));
    }

    #[test]
    fn a_single_unit_goes_to_those_who_contribute() {
        let parts = split(Usdc::from_units(1), &Split::DEFAULT);
        assert_eq!((parts.contributors.units(), parts.usage.units()), (1, 1));
    }

    #[test]
    fn a_split_that_is_not_the_whole_is_refused() {
        let refused = Split::new(points(8_000), points(1_000), points(500), points(0));
        assert_eq!(refused, Err(SplitError::NotWhole(9_500)));
        assert!(Split::new(points(2_000), points(0), points(8_000), points(10_000)).is_ok());
    }

    #[test]
    fn what_rounding_leaves_goes_to_the_last_dataset_and_to_members() {
        let used = |weight| DatasetUse { weight, custodian: points(2_000) };
        let parts = usage_parts(Usdc::from_units(10), &[used(1), used(1), used(1)]).unwrap();
        let units: Vec<_> =
            parts.iter().map(|part| (part.custodian.units(), part.members.units())).collect();
        assert_eq!(units, [(0, 3), (0, 3), (0, 4)]);
        assert_eq!(usage_parts(Usdc::ZERO, &[]), Err(SplitError::NoWeight));
        assert_eq!(usage_parts(Usdc::from_units(1), &[used(0)]), Err(SplitError::NoWeight));
    }

    #[test]
    fn prices_are_rounded_up_per_dataset() {
        let price = Usdc::from_units(1_001);
        assert_eq!(licence_price(1, price), Ok(Usdc::from_units(2)));
        assert_eq!(licence_price(1_000, price), Ok(price));
        assert_eq!(licence_price(0, price), Ok(Usdc::ZERO));
        assert_eq!(quote(&[(1, price), (1, price)], 3), Ok(Usdc::from_units(12)));
        let most = Usdc::from_units(u128::MAX);
        assert_eq!(licence_price(u64::MAX, most), Err(AmountError::TooLarge));
    }

    fn any_split() -> impl Strategy<Value = Split> {
        (0u16..=10_000, 0u16..=10_000, 0u16..=10_000).prop_map(|(a, b, pool)| {
            let (low, high) = (a.min(b), a.max(b));
            Split::new(points(low), points(high - low), points(10_000 - high), points(pool))
                .unwrap()
        })
    }

    fn any_uses() -> impl Strategy<Value = Vec<DatasetUse>> {
        let one = (0u128..=u128::from(u64::MAX), 0u16..=10_000)
            .prop_map(|(weight, custodian)| DatasetUse { weight, custodian: points(custodian) });
        prop::collection::vec(one, 1..17)
            .prop_filter("some use", |uses| uses.iter().any(|used| used.weight > 0))
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_made(
            units: u128,
            division in any_split(),
            uses in any_uses(),
        ) {
            let amount = Usdc::from_units(units);
            let parts = split(amount, &division);
            prop_assert_eq!(
                Usdc::sum([parts.contributors, parts.treasury, parts.buyback]),
                Ok(amount)
            );
            prop_assert_eq!(parts.pool_yield.plus(parts.usage), Ok(parts.contributors));
            let datasets = usage_parts(parts.usage, &uses).unwrap();
            let all = datasets.iter().flat_map(|part| [part.custodian, part.members]);
            prop_assert_eq!(Usdc::sum(all), Ok(parts.usage));
        }

        #[test]
        fn each_part_is_within_a_unit_of_its_proportion(
            units in 0u128..1 << 100,
            uses in any_uses(),
        ) {
            let total: u128 = uses.iter().map(|used| used.weight).sum();
            let parts = usage_parts(Usdc::from_units(units), &uses).unwrap();
            let last = uses.len() - 1;
            for (index, (part, used)) in parts.iter().zip(&uses).enumerate() {
                let got = part.custodian.plus(part.members).unwrap().to_u256();
                let exact = U256::from(units) * U256::from(used.weight) / U256::from(total);
                let most = exact + U256::from(if index == last { uses.len() } else { 0 });
                prop_assert!(exact <= got && got <= most);
            }
        }

        #[test]
        fn a_larger_payment_makes_no_part_smaller(
            units in 0u128..u128::MAX,
            more in 1u128..1_000_000,
            division in any_split(),
        ) {
            let before = split(Usdc::from_units(units), &division);
            let after = split(Usdc::from_units(units.saturating_add(more)), &division);
            prop_assert!(before.contributors <= after.contributors);
            prop_assert!(before.treasury <= after.treasury && before.buyback <= after.buyback);
            prop_assert!(before.pool_yield <= after.pool_yield && before.usage <= after.usage);
        }

        #[test]
        fn a_price_never_undercharges_and_never_by_a_unit_overcharges(
            records: u64,
            per_1000 in 0u128..1 << 60,
        ) {
            let price = licence_price(records, Usdc::from_units(per_1000)).unwrap();
            let exact = U256::from(records) * U256::from(per_1000);
            let charged = price.to_u256() * U256::from(1_000);
            prop_assert!(charged >= exact && charged < exact + U256::from(1_000));
        }
    }
}
