//! Paying for what is computed: the twin of `MeteredLicence.settle`.

use alloy::primitives::U256;

use crate::amounts::{AmountError, Usdc};

/// What counted units cost out of a deposit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metered {
    /// Taken: the units at their price, or what is left of the deposit.
    pub cost: Usdc,
    /// What is left of the deposit.
    pub left: Usdc,
}

/// Settles a meter that had counted `before` units and has counted `now`, each at `price`.
///
/// # Errors
/// [`AmountError::Negative`] where the count fell.
pub fn meter(before: u64, now: u64, price: Usdc, deposit: Usdc) -> Result<Metered, AmountError> {
    let units = now.checked_sub(before).ok_or(AmountError::Negative)?;
    let wanted = U256::from(units) * price.to_u256();
    let cost = Usdc::try_from(wanted).map_or(deposit, |cost| cost.min(deposit));
    Ok(Metered { cost, left: deposit.minus(cost)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_never_costs_more_than_was_deposited() {
        let usdc = Usdc::from_units;
        let metered = |cost, left| Ok(Metered { cost: usdc(cost), left: usdc(left) });
        assert_eq!(meter(3, 7, usdc(5), usdc(100)), metered(20, 80));
        assert_eq!(meter(3, 7, usdc(50), usdc(100)), metered(100, 0));
        assert_eq!(meter(0, u64::MAX, usdc(u128::MAX), usdc(1)), metered(1, 0));
        assert_eq!(meter(7, 7, usdc(5), usdc(0)), metered(0, 0));
        assert_eq!(meter(8, 7, usdc(5), usdc(100)), Err(AmountError::Negative));
    }
}
