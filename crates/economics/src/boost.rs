//! How staked DATA raises the part of the pool's yield that shares earn: the twin of `ProviderBoost.effectiveShares`.

use alloy::primitives::U256;

use crate::amounts::{AmountError, Data, Shares};
use crate::arithmetic::{Rounding, mul, mul_div};

/// How many of an account's shares earn yield: min(s, 0.4 s + 0.6 S stake / Stake), both terms rounded down, with s of S
/// shares and stake of Stake staked. Between 0.4 s and s, so that a boost is at most 2.5.
///
/// # Errors
/// [`AmountError::TooLarge`] past the contract's 256 bits, or for a stake of nothing staked.
pub fn effective_shares(
    shares: Shares,
    supply: Shares,
    stake: Data,
    all_stakes: Data,
) -> Result<Shares, AmountError> {
    let two_fifths = mul_div(shares.units(), U256::from(2), U256::from(5), Rounding::Down)
        .map(Shares::from_units)?;
    if stake == Data::ZERO {
        return Ok(two_fifths);
    }
    let tripled = mul(supply.units(), U256::from(3))?;
    let divisor = mul(all_stakes.units(), U256::from(5))?;
    let boost = mul_div(tripled, stake.units(), divisor, Rounding::Down)?;
    Ok(two_fifths.plus(Shares::from_units(boost))?.min(shares))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn shares(n: u64) -> Shares {
        Shares::from_units(U256::from(n))
    }

    fn data(n: u64) -> Data {
        Data::from_units(U256::from(n))
    }

    #[test]
    fn a_stake_in_proportion_to_the_shares_counts_them_in_full() {
        let effective =
            |stake, all| effective_shares(shares(100), shares(1_000), data(stake), data(all));
        assert_eq!(effective(0, 0), Ok(shares(40)));
        assert_eq!(effective(1, 20), Ok(shares(70)));
        assert_eq!(effective(1, 10), Ok(shares(100)));
        assert_eq!(effective(10, 10), Ok(shares(100)), "never more than there are");
        assert!(effective(1, 0).is_err());
    }

    proptest! {
        #[test]
        fn a_boost_is_between_one_and_two_and_a_half(
            held: u64,
            others: u64,
            stake: u64,
            staked_by_others: u64,
        ) {
            let supply = Shares::from_units(U256::from(held) + U256::from(others));
            let all = Data::from_units(U256::from(stake) + U256::from(staked_by_others));
            let effective = effective_shares(shares(held), supply, data(stake), all).unwrap();
            let least = effective_shares(shares(held), supply, Data::ZERO, all).unwrap();
            prop_assert!(least <= effective && effective <= shares(held));
        }
    }
}
