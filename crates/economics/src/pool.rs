//! Pool shares and their yield: the twin of `HealthDataPool`.
//!
//! Yield reaches any number of holders by one addition: the accumulator grows by yield per effective share, and each
//! account remembers where it last looked. A stake of DATA raises how many of an account's shares are effective. It counts in units of 1e-36 of the smallest USDC unit per smallest share unit. What
//! the division leaves over is carried to the next, and an account keeps the fraction that a payment leaves, so that
//! accounts, carry and payments always add up to what came in, exactly.

use std::collections::BTreeMap;

use alloy::primitives::{U256, U512};
use serde::{Deserialize, Serialize};

use crate::amounts::{AmountError, Data, Shares, Usdc};
use crate::arithmetic::{add, mul};
use crate::boost::effective_shares;

/// One person's data of neutral value earns one share.
const SHARE: u64 = 1_000_000_000_000_000_000;
/// Neutral factors, multiplied.
const NEUTRAL: u64 = 10_000 * 10_000 * 10_000 * 10_000;

/// A factor of a dataset's value in basis points; 10,000 is neutral. Which values are allowed is governed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Factor(pub u16);

/// A dataset's attested value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Score {
    /// How much of what could be filled in is.
    pub completeness: Factor,
    /// How recent it is.
    pub freshness: Factor,
    /// How rare what it shows is.
    pub rarity: Factor,
    /// How well its custodian has delivered.
    pub reputation: Factor,
}

/// The shares that a deposit mints: persons times the product of the factors, rounded down.
#[must_use]
pub fn shares(persons: u64, score: &Score) -> Shares {
    let Score { completeness, freshness, rarity, reputation } = score;
    // 64 + 60 + 4 x 16 bits: the product cannot overflow.
    let product = [completeness, freshness, rarity, reputation]
        .into_iter()
        .fold(U256::from(persons) * U256::from(SHARE), |all, factor| all * U256::from(factor.0));
    Shares::from_units(product / U256::from(NEUTRAL))
}

/// Why yield cannot be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum YieldError {
    /// More shares were taken than an account holds.
    #[error("the account holds fewer shares than that")]
    TooFewShares,
    /// More was taken out of a stake than is in it.
    #[error("the account has staked less than that")]
    TooSmallStake,
    /// Past what the contract can hold.
    #[error(transparent)]
    Amount(#[from] AmountError),
}

/// An account's shares, its stake, and what they earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct YieldAccount {
    shares: Shares,
    stake: Data,
    /// Shares that earn, as of the last change of the account's own shares or stake, or of its last refresh.
    effective: Shares,
    seen: U256,
    earned: U256,
}

/// All accounts of the pool, by any kind of name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YieldPool<K: Ord> {
    per_share: U256,
    carry: U256,
    supply: Shares,
    stakes: Data,
    effective: Shares,
    accounts: BTreeMap<K, YieldAccount>,
}

impl<K: Ord> Default for YieldPool<K> {
    fn default() -> Self {
        Self {
            per_share: U256::ZERO,
            carry: U256::ZERO,
            supply: Shares::ZERO,
            stakes: Data::ZERO,
            effective: Shares::ZERO,
            accounts: BTreeMap::new(),
        }
    }
}

/// 1e36, the accumulator's units in the smallest unit of USDC.
fn scale() -> U256 {
    U256::from(10).pow(U256::from(36))
}

impl<K: Ord + Clone> YieldPool<K> {
    /// All shares.
    #[must_use]
    pub fn supply(&self) -> Shares {
        self.supply
    }

    /// All shares that earn.
    #[must_use]
    pub fn effective(&self) -> Shares {
        self.effective
    }

    /// An account's shares.
    #[must_use]
    pub fn shares_of(&self, account: &K) -> Shares {
        self.held(account).shares
    }

    /// An account's shares that earn.
    #[must_use]
    pub fn effective_of(&self, account: &K) -> Shares {
        self.held(account).effective
    }

    /// Yield for everyone whose shares earn now. While nobody's do, it waits for the next whose will.
    ///
    /// # Errors
    /// [`YieldError::Amount`] past the contract's 256 bits.
    pub fn add_yield(&mut self, amount: Usdc) -> Result<(), YieldError> {
        let added = mul(amount.to_u256(), scale())?;
        self.carry = add(self.carry, added)?;
        self.spread();
        Ok(())
    }

    /// New shares for an account, by a deposit.
    ///
    /// # Errors
    /// [`YieldError::Amount`] past the contract's 256 bits.
    pub fn mint(&mut self, account: &K, minted: Shares) -> Result<(), YieldError> {
        let supply = self.supply.plus(minted)?;
        let held = self.held(account);
        let shares = held.shares.plus(minted)?;
        self.supply = supply;
        self.accounts.insert(account.clone(), YieldAccount { shares, ..held });
        self.refresh(account)?;
        self.spread();
        Ok(())
    }

    /// Shares taken from an account; what they earned stays.
    ///
    /// # Errors
    /// [`YieldError::TooFewShares`].
    pub fn burn(&mut self, account: &K, burned: Shares) -> Result<(), YieldError> {
        let held = self.held(account);
        let shares = held.shares.minus(burned).map_err(|_| YieldError::TooFewShares)?;
        self.accounts.insert(account.clone(), YieldAccount { shares, ..held });
        self.supply = self.supply.minus(burned)?;
        self.refresh(account)
    }

    /// Shares moved; what they earned before stays where it was earned.
    ///
    /// # Errors
    /// [`YieldError::TooFewShares`].
    pub fn transfer(&mut self, from: &K, to: &K, moved: Shares) -> Result<(), YieldError> {
        let giver = self.held(from);
        let left = giver.shares.minus(moved).map_err(|_| YieldError::TooFewShares)?;
        self.accounts.insert(from.clone(), YieldAccount { shares: left, ..giver });
        let taker = self.held(to);
        let shares = taker.shares.plus(moved)?;
        self.accounts.insert(to.clone(), YieldAccount { shares, ..taker });
        self.refresh(from)?;
        self.refresh(to)
    }

    /// DATA staked by an account, for its boost.
    ///
    /// # Errors
    /// [`YieldError::Amount`].
    pub fn stake(&mut self, account: &K, amount: Data) -> Result<(), YieldError> {
        let held = self.held(account);
        self.stakes = self.stakes.plus(amount)?;
        let stake = held.stake.plus(amount)?;
        self.accounts.insert(account.clone(), YieldAccount { stake, ..held });
        self.refresh(account)
    }

    /// A stake that counts no more, from its announcement on.
    ///
    /// # Errors
    /// [`YieldError::TooSmallStake`].
    pub fn unstake(&mut self, account: &K, amount: Data) -> Result<(), YieldError> {
        let held = self.held(account);
        let stake = held.stake.minus(amount).map_err(|_| YieldError::TooSmallStake)?;
        self.stakes = self.stakes.minus(amount)?;
        self.accounts.insert(account.clone(), YieldAccount { stake, ..held });
        self.refresh(account)
    }

    /// Settles an account by what was effective until now, then counts again by its shares and stake as they are.
    ///
    /// # Errors
    /// [`YieldError::Amount`].
    pub fn refresh(&mut self, account: &K) -> Result<(), YieldError> {
        let held = self.settled(account);
        let effective = effective_shares(held.shares, self.supply, held.stake, self.stakes)?;
        self.effective = self.effective.minus(held.effective)?.plus(effective)?;
        self.accounts.insert(account.clone(), YieldAccount { effective, ..held });
        Ok(())
    }

    /// What an account can claim, rounded down.
    ///
    /// # Errors
    /// [`YieldError::Amount`] past 128 bits.
    pub fn claimable(&self, account: &K) -> Result<Usdc, YieldError> {
        Ok((self.settled(account).earned / scale()).try_into()?)
    }

    /// Pays an account all that it can claim; the fraction stays with it.
    ///
    /// # Errors
    /// [`YieldError::Amount`] past 128 bits.
    pub fn claim(&mut self, account: &K) -> Result<Usdc, YieldError> {
        let paid = self.claimable(account)?;
        let held = self.settled(account);
        let earned = held.earned - paid.to_u256() * scale();
        self.accounts.insert(account.clone(), YieldAccount { earned, ..held });
        Ok(paid)
    }

    /// What came in and was not paid, counted from accounts and carry.
    #[must_use]
    pub fn owed(&self) -> Usdc {
        let earned = self.accounts.keys().fold(U512::from(self.carry), |sum, account| {
            sum + U512::from(self.settled(account).earned)
        });
        let units: U512 = earned / U512::from(scale());
        Usdc::from_units(units.saturating_to())
    }

    /// Moves what waits in the carry into the accumulator, as far as it divides.
    fn spread(&mut self) {
        let effective = self.effective.units();
        if !effective.is_zero() {
            let (each, left) = self.carry.div_rem(effective);
            // The accumulator grows by less than the yield that came in, which was checked.
            self.per_share += each;
            self.carry = left;
        }
    }

    fn held(&self, account: &K) -> YieldAccount {
        self.accounts.get(account).copied().unwrap_or_default()
    }

    fn settled(&self, account: &K) -> YieldAccount {
        let held = self.held(account);
        let earned = held.effective.units() * (self.per_share - held.seen);
        YieldAccount { seen: self.per_share, earned: held.earned + earned, ..held }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn score(factors: [u16; 4]) -> Score {
        let [completeness, freshness, rarity, reputation] = factors.map(Factor);
        Score { completeness, freshness, rarity, reputation }
    }

    fn units(units: u64) -> Shares {
        Shares::from_units(U256::from(units))
    }

    #[test]
    fn neutral_value_is_one_share_a_person() {
        assert_eq!(shares(1_000, &score([10_000; 4])).to_string(), "1000");
        assert_eq!(shares(1_000, &score([9_000, 10_000, 15_000, 10_000])).to_string(), "1350");
        assert_eq!(shares(u64::MAX, &score([u16::MAX; 4])).units().bit_len(), 135);
        assert_eq!(shares(5, &score([0, 1, 1, 1])), Shares::ZERO);
    }

    #[test]
    fn who_joins_later_takes_nothing_of_what_was_earned_before() {
        let mut pool = YieldPool::default();
        pool.mint(&"first", units(100)).unwrap();
        pool.add_yield(Usdc::from_units(90)).unwrap();
        pool.mint(&"second", units(100)).unwrap();
        assert_eq!(pool.claimable(&"second"), Ok(Usdc::ZERO));
        pool.add_yield(Usdc::from_units(10)).unwrap();
        assert_eq!(pool.claim(&"first"), Ok(Usdc::from_units(95)));
        assert_eq!(pool.claim(&"second"), Ok(Usdc::from_units(5)));
        assert_eq!(pool.owed(), Usdc::ZERO);
    }

    #[test]
    fn yield_that_comes_while_nobody_holds_shares_waits() {
        let mut pool = YieldPool::default();
        pool.add_yield(Usdc::from_units(7)).unwrap();
        pool.mint(&"first", units(8)).unwrap();
        assert_eq!(pool.effective(), units(3), "0.4 of them, rounded down");
        assert_eq!(pool.claim(&"first").unwrap().units(), 6);
        pool.add_yield(Usdc::from_units(2)).unwrap();
        // Seven does not divide by three, nine does: nothing was lost in between.
        assert_eq!(pool.claim(&"first").unwrap().units(), 3);
        assert_eq!(pool.owed(), Usdc::ZERO);
    }

    #[test]
    fn a_boosted_share_earns_two_and_a_half_times_what_another_does() {
        let mut pool = YieldPool::default();
        for who in ["staker", "other"] {
            pool.mint(&who, units(100)).unwrap();
        }
        pool.stake(&"staker", Data::from_units(U256::from(1))).unwrap();
        pool.add_yield(Usdc::from_units(140)).unwrap();
        assert_eq!(pool.claim(&"staker"), Ok(Usdc::from_units(100)));
        assert_eq!(pool.claim(&"other"), Ok(Usdc::from_units(40)));
        pool.unstake(&"staker", Data::from_units(U256::from(1))).unwrap();
        pool.add_yield(Usdc::from_units(140)).unwrap();
        assert_eq!(pool.claim(&"staker"), Ok(Usdc::from_units(70)));
        let none = Data::from_units(U256::from(1));
        assert_eq!(pool.unstake(&"other", none), Err(YieldError::TooSmallStake));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Mint(u8, u64),
        Burn(u8, u64),
        Move(u8, u8, u64),
        Stake(u8, u64),
        Unstake(u8, u64),
        Refresh(u8),
        Yield(u64),
        Claim(u8),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let amount = || prop_oneof![0u64..5, any::<u64>()];
        prop_oneof![
            (0u8..4, amount()).prop_map(|(who, n)| Step::Mint(who, n)),
            (0u8..4, amount()).prop_map(|(who, n)| Step::Burn(who, n)),
            (0u8..4, 0u8..4, amount()).prop_map(|(from, to, n)| Step::Move(from, to, n)),
            (0u8..4, amount()).prop_map(|(who, n)| Step::Stake(who, n)),
            (0u8..4, amount()).prop_map(|(who, n)| Step::Unstake(who, n)),
            (0u8..4).prop_map(Step::Refresh),
            amount().prop_map(Step::Yield),
            (0u8..4).prop_map(Step::Claim),
        ]
    }

    proptest! {
        #[test]
        fn what_came_in_is_what_was_paid_and_is_owed(
            steps in prop::collection::vec(any_step(), 0..60),
        ) {
            let mut pool = YieldPool::default();
            let (mut received, mut paid) = (0u128, 0u128);
            for step in steps {
                let before: Vec<_> = (0..4).map(|who| pool.claimable(&who).unwrap()).collect();
                let claimed = match step {
                    Step::Mint(who, n) => pool.mint(&who, units(n)).map(|()| None),
                    Step::Burn(who, n) => pool.burn(&who, units(n)).map(|()| None),
                    Step::Move(from, to, n) => pool.transfer(&from, &to, units(n)).map(|()| None),
                    Step::Stake(who, n) => {
                        pool.stake(&who, Data::from_units(U256::from(n))).map(|()| None)
                    }
                    Step::Unstake(who, n) => {
                        pool.unstake(&who, Data::from_units(U256::from(n))).map(|()| None)
                    }
                    Step::Refresh(who) => pool.refresh(&who).map(|()| None),
                    Step::Yield(n) => {
                        received += u128::from(n);
                        pool.add_yield(Usdc::from_units(n.into())).map(|()| None)
                    }
                    Step::Claim(who) => {
                        let amount = pool.claim(&who).unwrap();
                        paid += amount.units();
                        Ok(Some(who))
                    }
                };
                prop_assert_eq!(pool.owed().units(), received - paid);
                let held = (0..4).fold(U256::ZERO, |sum, who| sum + pool.shares_of(&who).units());
                prop_assert_eq!(held, pool.supply().units());
                let earning = (0..4).fold(U256::ZERO, |sum, who| sum + pool.effective_of(&who).units());
                prop_assert_eq!(earning, pool.effective().units());
                for (who, before) in (0..4).zip(before) {
                    if claimed != Ok(Some(who)) {
                        prop_assert!(pool.claimable(&who).unwrap() >= before);
                    }
                }
            }
        }
    }
}
