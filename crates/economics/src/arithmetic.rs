//! Products and quotients that cannot overflow on the way: `Math` of OpenZeppelin, as the contracts use it.

use alloy::primitives::ruint::UintTryFrom;
use alloy::primitives::{U256, U512};

use crate::amounts::AmountError;

/// Which way a quotient is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// Towards zero.
    Down,
    /// Away from zero.
    Up,
}

/// `a b / denominator` with a product of 512 bits, as `Math.mulDiv`.
///
/// # Errors
/// [`AmountError::TooLarge`] where the quotient is past 256 bits or the denominator is zero, where the contract reverts.
pub(crate) fn mul_div(
    a: U256,
    b: U256,
    denominator: U256,
    rounding: Rounding,
) -> Result<U256, AmountError> {
    if denominator.is_zero() {
        return Err(AmountError::TooLarge);
    }
    let product: U512 = a.widening_mul(b);
    let denominator = U512::from(denominator);
    let quotient = match rounding {
        Rounding::Down => product / denominator,
        Rounding::Up => product.div_ceil(denominator),
    };
    U256::uint_try_from(quotient).map_err(|_| AmountError::TooLarge)
}

/// The root rounded down, as `Math.sqrt`.
pub(crate) fn sqrt(number: U256) -> U256 {
    number.root(2)
}

/// The sum, or [`AmountError::TooLarge`] where the contract reverts.
pub(crate) fn add(a: U256, b: U256) -> Result<U256, AmountError> {
    a.checked_add(b).ok_or(AmountError::TooLarge)
}

/// The product, or [`AmountError::TooLarge`] where the contract reverts.
pub(crate) fn mul(a: U256, b: U256) -> Result<U256, AmountError> {
    a.checked_mul(b).ok_or(AmountError::TooLarge)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn any_u256() -> impl Strategy<Value = U256> {
        (any::<[u64; 4]>(), 0usize..256).prop_map(|(limbs, shift)| U256::from_limbs(limbs) >> shift)
    }

    proptest! {
        #[test]
        fn a_quotient_is_the_greatest_or_the_least_that_fits(
            a in any_u256(),
            b in any_u256(),
            divisor in any_u256(),
        ) {
            let Ok(down) = mul_div(a, b, divisor, Rounding::Down) else { return Ok(()) };
            let product: U512 = a.widening_mul(b);
            let back = |quotient: U256| -> U512 { quotient.widening_mul(divisor) };
            prop_assert!(back(down) <= product && product - back(down) < U512::from(divisor));
            if let Ok(up) = mul_div(a, b, divisor, Rounding::Up) {
                prop_assert_eq!(up - down, U256::from(back(down) != product));
            }
        }

        #[test]
        fn a_root_is_the_greatest_whose_square_fits(number in any_u256()) {
            let root = sqrt(number);
            let next = U512::from(root) + U512::from(1);
            prop_assert!(U512::from(root) * U512::from(root) <= U512::from(number));
            prop_assert!(next * next > U512::from(number));
        }
    }

    #[test]
    fn nothing_divides_by_nothing() {
        let one = U256::from(1);
        assert_eq!(mul_div(one, one, U256::ZERO, Rounding::Down), Err(AmountError::TooLarge));
        assert_eq!(mul_div(U256::MAX, U256::MAX, one, Rounding::Up), Err(AmountError::TooLarge));
        assert_eq!(sqrt(U256::MAX), U256::from(u128::MAX));
    }
}
