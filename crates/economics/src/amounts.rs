//! Amounts with their unit in the type.

use std::fmt;
use std::str::FromStr;

use alloy::primitives::{U256, U512};
use serde::{Deserialize, Serialize};

/// Why an amount cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Past what the type holds.
    #[error("the amount is too large")]
    TooLarge,
    /// More was taken than there is.
    #[error("the amount is larger than what it is taken from")]
    Negative,
    /// More than 10,000 basis points.
    #[error("a part is at most 10,000 basis points, not {0}")]
    AboveWhole(u16),
    /// Not an amount of USDC.
    #[error("write an amount of USDC as digits with at most six decimals, for example 12.50")]
    Malformed,
}

/// An amount of USDC in its smallest unit, a millionth.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Usdc(u128);

impl Usdc {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    const WHOLE: u128 = 1_000_000;

    /// So many millionths.
    #[must_use]
    pub const fn from_units(units: u128) -> Self {
        Self(units)
    }

    /// So many whole USDC.
    #[must_use]
    pub const fn from_whole(whole: u64) -> Self {
        Self(whole as u128 * Self::WHOLE)
    }

    /// In millionths.
    #[must_use]
    pub const fn units(self) -> u128 {
        self.0
    }

    /// In millionths, as the contracts take it.
    #[must_use]
    pub fn to_u256(self) -> U256 {
        U256::from(self.0)
    }

    /// The sum.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`].
    pub fn plus(self, other: Self) -> Result<Self, AmountError> {
        self.0.checked_add(other.0).map(Self).ok_or(AmountError::TooLarge)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`AmountError::Negative`].
    pub fn minus(self, other: Self) -> Result<Self, AmountError> {
        self.0.checked_sub(other.0).map(Self).ok_or(AmountError::Negative)
    }

    /// So many times as much.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`].
    pub fn times(self, count: u128) -> Result<Self, AmountError> {
        self.0.checked_mul(count).map(Self).ok_or(AmountError::TooLarge)
    }

    /// The sum of all.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`].
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, AmountError> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }

    /// `numerator / denominator` of the amount, rounded down, with a product that cannot overflow.
    ///
    /// # Errors
    /// [`AmountError::TooLarge`] where the result is past the type, or the denominator is zero.
    pub(crate) fn ratio(self, numerator: u128, denominator: u128) -> Result<Self, AmountError> {
        (U256::from(self.0) * U256::from(numerator))
            .checked_div(U256::from(denominator))
            .ok_or(AmountError::TooLarge)?
            .try_into()
    }
}

impl fmt::Display for Usdc {
    /// Whole USDC with two to six decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:06}", self.0 % Self::WHOLE);
        let (cents, rest) = fraction.split_at(2);
        f.pad(&format!("{}.{cents}{} USDC", self.0 / Self::WHOLE, rest.trim_end_matches('0')))
    }
}

impl FromStr for Usdc {
    type Err = AmountError;

    /// Reads `12`, `12.5` or what [`Usdc`] displays.
    fn from_str(text: &str) -> Result<Self, AmountError> {
        let number = text.strip_suffix("USDC").unwrap_or(text).trim();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 6 {
            return Err(AmountError::Malformed);
        }
        let whole: u128 = whole.parse().map_err(|_| AmountError::TooLarge)?;
        let fraction: u128 =
            format!("{fraction:0<6}").parse().map_err(|_| AmountError::Malformed)?;
        Self(whole).times(Self::WHOLE)?.plus(Self(fraction))
    }
}

impl TryFrom<U256> for Usdc {
    type Error = AmountError;

    fn try_from(units: U256) -> Result<Self, AmountError> {
        units.try_into().map(Self).map_err(|_| AmountError::TooLarge)
    }
}

/// Amounts of a token with 18 decimals, each token a type of its own.
macro_rules! eighteen_decimals {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(U256);

        impl $name {
            /// None.
            pub const ZERO: Self = Self(U256::ZERO);

            /// So many units of 1e-18.
            #[must_use]
            pub const fn from_units(units: U256) -> Self {
                Self(units)
            }

            /// In units of 1e-18.
            #[must_use]
            pub const fn units(self) -> U256 {
                self.0
            }

            /// The sum.
            ///
            /// # Errors
            /// [`AmountError::TooLarge`].
            pub fn plus(self, other: Self) -> Result<Self, AmountError> {
                self.0.checked_add(other.0).map(Self).ok_or(AmountError::TooLarge)
            }

            /// The difference.
            ///
            /// # Errors
            /// [`AmountError::Negative`].
            pub fn minus(self, other: Self) -> Result<Self, AmountError> {
                self.0.checked_sub(other.0).map(Self).ok_or(AmountError::Negative)
            }
        }

        impl fmt::Display for $name {
            /// Whole ones, with decimals where there are any.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&with_eighteen_decimals(self.0))
            }
        }
    )*};
}

eighteen_decimals! {
    /// Pool shares in their smallest unit, 1e-18 of a share.
    Shares,
    /// DATA, the utility token, in its smallest unit, 1e-18.
    Data,
    /// GOV, the governance token, in its smallest unit, 1e-18.
    Gov,
    /// Units of access that the bonding curve sells, in 1e-18 of a unit; one unit is 1,000 records used once.
    AccessUnits,
    /// The weight of a vote: members in ones, the root of GOV or locked GOV in 1e-18.
    Votes,
}

fn with_eighteen_decimals(units: U256) -> String {
    let (whole, fraction) = units.div_rem(U256::from(1_000_000_000_000_000_000u64));
    let fraction = format!("{fraction:0>18}");
    match fraction.trim_end_matches('0') {
        "" => whole.to_string(),
        digits => format!("{whole}.{digits}"),
    }
}

/// A part of a whole in ten-thousandths, at most the whole.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(try_from = "u16", into = "u16")]
pub struct BasisPoints(u16);

impl BasisPoints {
    /// All of it.
    pub const WHOLE: Self = Self(10_000);

    /// So many ten-thousandths.
    ///
    /// # Errors
    /// [`AmountError::AboveWhole`].
    pub const fn new(points: u16) -> Result<Self, AmountError> {
        if points <= 10_000 { Ok(Self(points)) } else { Err(AmountError::AboveWhole(points)) }
    }

    pub(crate) const fn constant(points: u16) -> Self {
        assert!(points <= 10_000, "a part is at most the whole");
        Self(points)
    }

    /// In ten-thousandths.
    #[must_use]
    pub const fn points(self) -> u16 {
        self.0
    }

    /// This part of an amount, rounded down.
    #[must_use]
    pub const fn of(self, amount: Usdc) -> Usdc {
        // Quotient and remainder apart: the same as one product and one division, and it cannot overflow.
        let (whole, rest) = (amount.0 / 10_000, amount.0 % 10_000);
        Usdc(whole * self.0 as u128 + rest * self.0 as u128 / 10_000)
    }

    /// This part of units of any kind, rounded down.
    #[must_use]
    pub(crate) fn of_units(self, units: U256) -> U256 {
        // A part of a whole is at most the whole, so that it fits.
        (units.widening_mul::<256, 4, 512, 8>(U256::from(self.0)) / U512::from(10_000)).to()
    }

    /// What is left of the whole.
    #[must_use]
    pub const fn rest(self) -> Self {
        Self(10_000 - self.0)
    }
}

impl TryFrom<u16> for BasisPoints {
    type Error = AmountError;

    fn try_from(points: u16) -> Result<Self, AmountError> {
        Self::new(points)
    }
}

impl From<BasisPoints> for u16 {
    fn from(part: BasisPoints) -> Self {
        part.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        assert_eq!(Usdc::from_units(12_500_000).to_string(), "12.50 USDC");
        assert_eq!(Usdc::from_units(1).to_string(), "0.000001 USDC");
        assert_eq!("12.5".parse(), Ok(Usdc::from_units(12_500_000)));
        assert_eq!("7".parse(), Ok(Usdc::from_whole(7)));
        for text in ["", ".", "1.", ".5", "-1", "1.0000001", "1e3", "1,5", "+2"] {
            assert_eq!(text.parse::<Usdc>(), Err(AmountError::Malformed), "{text}");
        }
        let many = "9".repeat(60);
        assert_eq!(many.parse::<Usdc>(), Err(AmountError::TooLarge));
        let shares = Shares::from_units(U256::from(1_500_000_000_000_000_000u64));
        assert_eq!(shares.to_string(), "1.5");
        assert_eq!(Shares::from_units(U256::from(1)).to_string(), "0.000000000000000001");
    }

    #[test]
    fn nothing_wraps_around() {
        let most = Usdc::from_units(u128::MAX);
        assert_eq!(most.plus(Usdc::from_units(1)), Err(AmountError::TooLarge));
        assert_eq!(most.times(2), Err(AmountError::TooLarge));
        assert_eq!(Usdc::ZERO.minus(Usdc::from_units(1)), Err(AmountError::Negative));
        assert_eq!(BasisPoints::WHOLE.of(most), most);
        assert_eq!(BasisPoints::new(10_001), Err(AmountError::AboveWhole(10_001)));
        assert_eq!(most.ratio(3, 0), Err(AmountError::TooLarge));
    }

    proptest! {
        #[test]
        fn every_amount_survives_its_text(units: u128) {
            let amount = Usdc::from_units(units);
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
            prop_assert_eq!(Usdc::try_from(amount.to_u256()), Ok(amount));
        }

        #[test]
        fn a_part_is_the_product_divided_rounded_down(units: u128, points in 0u16..=10_000) {
            let part = BasisPoints::new(points).unwrap().of(Usdc::from_units(units));
            let exact = U256::from(units) * U256::from(points) / U256::from(10_000);
            prop_assert_eq!(part.to_u256(), exact);
        }
    }
}
