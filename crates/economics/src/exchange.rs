//! Prices of datasets that are swapped for datasets: the twin of `DatasetExchange` and its `Sigmoid`.
//!
//! price(x) = floor + (cap - floor) / (1 + exp(-steepness (x - midpoint))), x the weighted mean of the features. The
//! sigmoid is computed in parts of 1e-27 as the contract does: exp(-y) = 2^-k / exp(r) with y = k ln 2 + r, and exp(r) by
//! its power series. A price is rounded down and a charge up.

use alloy::primitives::U256;

use crate::amounts::{AmountError, BasisPoints, Usdc};

/// What sets a dataset's price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Features {
    /// How much of what could be filled in is.
    pub completeness: BasisPoints,
    /// How rare it is.
    pub rarity: BasisPoints,
    /// How much it tells about people.
    pub sensitivity: BasisPoints,
    /// How much of all uses the consents allow.
    pub breadth: BasisPoints,
}

/// The curve that governance sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceCurve {
    /// The least price, credits of 1e-6; not nothing.
    pub floor: Usdc,
    /// The greatest price, credits of 1e-6.
    pub cap: Usdc,
    /// In parts of 1e-18, at most 1,000.
    pub steepness: u128,
    /// In parts of 1e-18, at most one.
    pub midpoint: u64,
    /// Weights of the features; together the whole.
    pub weights: Features,
}

const WAD: u128 = 1_000_000_000_000_000_000;
const ONE: u128 = 1_000_000_000_000_000_000_000_000_000;
/// ln 2 in parts of 1e-27, rounded down.
const LN2: u128 = 693_147_180_559_945_309_417_232_121;
/// From here on, in parts of 1e-18, exp(-y) is below a part of 1e-27.
const NOTHING_FROM: u128 = 63 * WAD;

/// The sigmoid of `z`, both in parts of 1e-18; between 0 and 1e18.
#[must_use]
pub fn sigmoid(z: i128) -> u64 {
    let e = exp_negative(z.unsigned_abs());
    let numerator = U256::from(if z < 0 { e } else { ONE }) * U256::from(WAD);
    (numerator / U256::from(ONE + e)).to()
}

/// exp(-y) in parts of 1e-27, `y` in parts of 1e-18.
fn exp_negative(y: u128) -> u128 {
    if y >= NOTHING_FROM {
        return 0;
    }
    let scaled = y * 1_000_000_000;
    let (halvings, r) = (scaled / LN2, scaled % LN2);
    let (mut sum, mut term) = (ONE, r);
    let mut index = 2;
    while term != 0 {
        sum += term;
        let next = U256::from(term) * U256::from(r) / (U256::from(ONE) * U256::from(index));
        term = next.to();
        index += 1;
    }
    let inverse: u128 = (U256::from(ONE) * U256::from(ONE) / U256::from(sum)).to();
    u32::try_from(halvings).ok().and_then(|by| inverse.checked_shr(by)).unwrap_or(0)
}

/// The price of one use of a dataset with these features, rounded down.
///
/// # Errors
/// [`AmountError::Negative`] where the cap is below the floor.
pub fn exchange_price(curve: &PriceCurve, features: &Features) -> Result<Usdc, AmountError> {
    let weighted = |weight: BasisPoints, feature: BasisPoints| {
        i128::from(u32::from(weight.points()) * u32::from(feature.points()))
    };
    let w = &curve.weights;
    let score = weighted(w.completeness, features.completeness)
        + weighted(w.rarity, features.rarity)
        + weighted(w.sensitivity, features.sensitivity)
        + weighted(w.breadth, features.breadth);
    // Basis points squared are 1e8 parts of one; the distance has 60 bits and a steepness up to 1,000 has 70.
    let distance = score * 10_000_000_000 - i128::from(curve.midpoint);
    let part = sigmoid(scaled(curve.steepness, distance));
    curve.floor.plus(curve.cap.minus(curve.floor)?.ratio(u128::from(part), WAD)?)
}

/// `steepness distance / 1e18`, rounded towards zero as the EVM divides. Past 63 either way the sigmoid is flat.
fn scaled(steepness: u128, distance: i128) -> i128 {
    let size = U256::from(steepness) * U256::from(distance.unsigned_abs()) / U256::from(WAD);
    let size = i128::try_from(size.saturating_to::<u128>()).unwrap_or(i128::MAX);
    if distance < 0 { -size } else { size }
}

/// What taking `uses` at a price is charged, with the fee, rounded up.
///
/// # Errors
/// [`AmountError::TooLarge`].
pub fn exchange_charge(price: Usdc, uses: u32, fee: BasisPoints) -> Result<Usdc, AmountError> {
    let with_fee = U256::from(10_000 + u32::from(fee.points()));
    (price.to_u256() * U256::from(uses) * with_fee).div_ceil(U256::from(10_000)).try_into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn part(points: u16) -> BasisPoints {
        BasisPoints::new(points).unwrap()
    }

    fn all(points: u16) -> Features {
        let one = part(points);
        Features { completeness: one, rarity: one, sensitivity: one, breadth: one }
    }

    fn curve() -> PriceCurve {
        PriceCurve {
            floor: Usdc::from_whole(10),
            cap: Usdc::from_whole(110),
            steepness: 10 * WAD,
            midpoint: 500_000_000_000_000_000,
            weights: all(2_500),
        }
    }

    #[test]
    fn the_middle_is_half_way_and_the_ends_are_flat() {
        assert_eq!(sigmoid(0), 500_000_000_000_000_000);
        assert_eq!(sigmoid(i128::MIN), 0);
        assert_eq!(sigmoid(i128::MAX), 1_000_000_000_000_000_000);
        // 1 / (1 + e^-1), to 18 digits.
        assert_eq!(sigmoid(1_000_000_000_000_000_000), 731_058_578_630_004_879);
        assert_eq!(exchange_price(&curve(), &all(5_000)), Ok(Usdc::from_whole(60)));
        let cheap = exchange_price(&curve(), &all(0)).unwrap();
        let dear = exchange_price(&curve(), &all(10_000)).unwrap();
        assert_eq!(cheap.to_string(), "10.669285 USDC");
        assert_eq!(dear.to_string(), "109.330714 USDC");
    }

    #[test]
    fn a_charge_is_rounded_up() {
        let price = Usdc::from_units(3);
        assert_eq!(exchange_charge(price, 1, part(1)), Ok(Usdc::from_units(4)));
        assert_eq!(exchange_charge(price, 0, part(1)), Ok(Usdc::ZERO));
    }

    proptest! {
        #[test]
        fn the_two_sides_make_one_whole(z in -(70 * WAD as i128)..70 * WAD as i128) {
            let sum = sigmoid(z) + sigmoid(-z);
            prop_assert!((999_999_999_999_999_998..=1_000_000_000_000_000_000).contains(&sum));
        }

        #[test]
        fn a_price_is_within_its_bounds_and_rises_with_every_feature(
            low in 0u16..=10_000,
            more in 0u16..=10_000,
        ) {
            let high = low.max(more);
            let (a, b) = (exchange_price(&curve(), &all(low)), exchange_price(&curve(), &all(high)));
            let (a, b) = (a.unwrap(), b.unwrap());
            prop_assert!(curve().floor <= a && a <= b && b <= curve().cap);
        }
    }
}
