//! What a vote weighs: the twins of `CooperativeGovernor` and `VoteEscrow`.

use alloy::primitives::U256;

use crate::amounts::{AmountError, Gov, Votes};
use crate::arithmetic::{Rounding, add, mul, mul_div, sqrt};

/// The longest lock, in seconds: 208 weeks.
pub const LONGEST_LOCK: u64 = 208 * WEEK;
/// Locks end at multiples of this, in seconds.
pub const WEEK: u64 = 7 * 24 * 3_600;

/// How votes on a proposal are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// One member, one vote.
    Members,
    /// Members by the square root of their GOV.
    Quadratic,
    /// By GOV that is locked and the time that is left of it.
    Escrow,
}

/// GOV that is locked until `end`, unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lock {
    /// How much.
    pub amount: Gov,
    /// Until when.
    pub end: u64,
}

/// A voter at the moment that a proposal counts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Voter {
    /// Memberships that vote by this account: its own, and those delegated to it.
    pub members: u64,
    /// GOV that votes by this account.
    pub gov: Gov,
    /// What it has locked.
    pub lock: Lock,
}

/// Votes of a lock at `now`: amount (end - now) / 208 weeks, rounded down, none from the end on.
///
/// # Errors
/// [`AmountError::TooLarge`].
pub fn lock_votes(lock: &Lock, now: u64) -> Result<Votes, AmountError> {
    let left = lock.end.saturating_sub(now);
    let product = mul(lock.amount.units(), U256::from(left))?;
    Ok(Votes::from_units(product / U256::from(LONGEST_LOCK)))
}

/// All votes of locks at `now`: the same of the sums, rounded down once.
///
/// # Errors
/// [`AmountError::TooLarge`].
pub fn all_lock_votes(locks: &[Lock], now: u64) -> Result<Votes, AmountError> {
    let sum = locks.iter().try_fold(U256::ZERO, |sum, lock| {
        add(sum, mul(lock.amount.units(), U256::from(lock.end.saturating_sub(now)))?)
    })?;
    Ok(Votes::from_units(sum / U256::from(LONGEST_LOCK)))
}

/// What a vote weighs, rounded down.
///
/// # Errors
/// [`AmountError::TooLarge`].
pub fn vote_weight(counting: Counting, voter: &Voter, now: u64) -> Result<Votes, AmountError> {
    let members = U256::from(voter.members);
    Ok(match counting {
        Counting::Escrow => lock_votes(&voter.lock, now)?,
        Counting::Quadratic if voter.members != 0 => Votes::from_units(sqrt(voter.gov.units())),
        Counting::Quadratic | Counting::Members => Votes::from_units(members),
    })
}

/// How many votes must take part: the whole part of all, rounded down.
///
/// # Errors
/// [`AmountError::TooLarge`].
pub fn quorum(all: Votes, percent: u64) -> Result<Votes, AmountError> {
    mul_div(all.units(), U256::from(percent), U256::from(100), Rounding::Down)
        .map(Votes::from_units)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn gov(n: u64) -> Gov {
        Gov::from_units(U256::from(n))
    }

    fn votes(n: u64) -> Votes {
        Votes::from_units(U256::from(n))
    }

    #[test]
    fn the_same_voter_weighs_differently_under_each_counting() {
        let lock = Lock { amount: gov(1_000), end: LONGEST_LOCK };
        let voter = Voter { members: 1, gov: gov(10_000), lock };
        let weigh = |counting, now| vote_weight(counting, &voter, now).unwrap();
        assert_eq!(weigh(Counting::Members, 0), votes(1));
        assert_eq!(weigh(Counting::Quadratic, 0), votes(100));
        assert_eq!(weigh(Counting::Escrow, 0), votes(1_000));
        assert_eq!(weigh(Counting::Escrow, LONGEST_LOCK / 2), votes(500));
        assert_eq!(weigh(Counting::Escrow, LONGEST_LOCK), Votes::ZERO);
        let stranger = Voter { members: 0, ..voter };
        assert_eq!(vote_weight(Counting::Quadratic, &stranger, 0), Ok(Votes::ZERO));
        assert_eq!(quorum(votes(101), 20), Ok(votes(20)));
    }

    proptest! {
        #[test]
        fn all_votes_are_never_below_the_sum_of_each(
            locks in prop::collection::vec((any::<u64>(), 0..LONGEST_LOCK), 0..20),
            now in 0..LONGEST_LOCK,
        ) {
            let locks: Vec<Lock> =
                locks.into_iter().map(|(amount, end)| Lock { amount: gov(amount), end }).collect();
            let each = locks.iter().fold(U256::ZERO, |sum, lock| sum + lock_votes(lock, now).unwrap().units());
            let all = all_lock_votes(&locks, now).unwrap().units();
            prop_assert!(each <= all && all <= each + U256::from(locks.len()));
        }
    }
}
