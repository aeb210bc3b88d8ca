//! Amounts that come by the second: the twins of `VestingVault` and `PayoutStreams`.

use alloy::primitives::U256;

use crate::amounts::{AmountError, Data, Usdc};

/// DATA that was earned and is paid out over time. Times are unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Vesting {
    /// From when on it vests.
    pub start: u64,
    /// Before which nothing is released.
    pub cliff: u64,
    /// From when on all of it is vested; after `start`.
    pub end: u64,
    /// All of it.
    pub total: Data,
    /// What was paid.
    pub released: Data,
}

impl Vesting {
    /// What has vested at `now`: total (now - start) / (end - start), rounded down; nothing before the cliff.
    ///
    /// # Errors
    /// [`AmountError`] where start, cliff and end are not in their order.
    pub fn vested(&self, now: u64) -> Result<Data, AmountError> {
        if now < self.cliff {
            return Ok(Data::ZERO);
        }
        if now >= self.end {
            return Ok(self.total);
        }
        let span = self.end.checked_sub(self.start).ok_or(AmountError::Negative)?;
        let passed = now.checked_sub(self.start).ok_or(AmountError::Negative)?;
        let product = self.total.units().checked_mul(U256::from(passed));
        let vested = product.ok_or(AmountError::TooLarge)?.checked_div(U256::from(span));
        vested.map(Data::from_units).ok_or(AmountError::TooLarge)
    }

    /// What can be released at `now`; nothing while it waits for a use of the data.
    ///
    /// # Errors
    /// As [`Vesting::vested`].
    pub fn releasable(&self, now: u64, waits_for_use: bool) -> Result<Data, AmountError> {
        if now < self.cliff || waits_for_use {
            return Ok(Data::ZERO);
        }
        self.vested(now)?.minus(self.released)
    }
}

/// USDC that flows to an account. Times are unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stream {
    /// Not flowed yet at `since`.
    pub remaining: Usdc,
    /// When this was last brought up to date.
    pub since: u64,
    /// When all has flowed.
    pub end: u64,
    /// Flowed and not paid at `since`.
    pub accrued: Usdc,
}

impl Stream {
    /// What can be withdrawn at `now`: accrued + remaining (now - since) / (end - since), rounded down, all from the end on.
    ///
    /// # Errors
    /// [`AmountError::Negative`] for a time before `since`.
    pub fn flowed(&self, now: u64) -> Result<Usdc, AmountError> {
        self.accrued.plus(self.flowed_since(now)?)
    }

    fn flowed_since(&self, now: u64) -> Result<Usdc, AmountError> {
        if now >= self.end {
            return Ok(self.remaining);
        }
        let passed = now.checked_sub(self.since).ok_or(AmountError::Negative)?;
        self.remaining.ratio(u128::from(passed), u128::from(self.end - self.since))
    }

    /// The stream after `amount` came in at `now` that flows over `duration` seconds: the new end is the mean of what is
    /// left of both times, weighted by the amounts and rounded up.
    ///
    /// # Errors
    /// [`AmountError`].
    pub fn credit(&self, amount: Usdc, duration: u32, now: u64) -> Result<Self, AmountError> {
        let passed = self.flowed_since(now)?;
        let flowing = self.remaining.minus(passed)?;
        let left = if flowing == Usdc::ZERO { 0 } else { self.end - now };
        let total = flowing.plus(amount)?;
        let mean = if total == Usdc::ZERO {
            self.end
        } else {
            let weighted =
                flowing.to_u256() * U256::from(left) + amount.to_u256() * U256::from(duration);
            let mean: u64 = weighted.div_ceil(total.to_u256()).to();
            now.checked_add(mean).ok_or(AmountError::TooLarge)?
        };
        Ok(Self { remaining: total, since: now, end: mean, accrued: self.accrued.plus(passed)? })
    }

    /// Pays what has flowed, and the stream after it.
    ///
    /// # Errors
    /// [`AmountError`].
    pub fn withdraw(&self, now: u64) -> Result<(Usdc, Self), AmountError> {
        let passed = self.flowed_since(now)?;
        let remaining = self.remaining.minus(passed)?;
        Ok((self.flowed(now)?, Self { remaining, since: now, accrued: Usdc::ZERO, ..*self }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn data(n: u64) -> Data {
        Data::from_units(U256::from(n))
    }

    #[test]
    fn a_vesting_waits_for_its_cliff_and_its_use_and_ends() {
        let vesting =
            Vesting { start: 100, cliff: 130, end: 200, total: data(10), released: data(2) };
        let at = |now, waits| vesting.releasable(now, waits).unwrap();
        assert_eq!(at(129, false), Data::ZERO);
        assert_eq!(at(130, false), data(1));
        assert_eq!(at(199, false), data(7));
        assert_eq!(at(200, false), data(8));
        assert_eq!(at(u64::MAX, true), Data::ZERO);
    }

    #[test]
    fn a_small_payment_hardly_delays_a_large_one() {
        let large = Stream::default().credit(Usdc::from_whole(1_000), 100, 50).unwrap();
        assert_eq!((large.end, large.flowed(100).unwrap()), (150, Usdc::from_whole(500)));
        let both = large.credit(Usdc::from_units(1), 1_000_000, 100).unwrap();
        assert_eq!(both.end, 151);
        let (paid, rest) = both.withdraw(100).unwrap();
        assert_eq!(paid, Usdc::from_whole(500));
        assert_eq!(rest.flowed(151).unwrap().plus(paid).unwrap().units(), 1_000_000_001);
    }

    proptest! {
        #[test]
        fn a_stream_pays_all_that_came_in_and_nothing_twice(
            steps in prop::collection::vec((0u64..100, 0u64..1_000_000, 0u32..200, any::<bool>()), 1..20),
        ) {
            let (mut stream, mut now, mut received, mut paid) = (Stream::default(), 1_000, 0, 0);
            for (pause, amount, duration, withdraws) in steps {
                now += pause;
                stream = stream.credit(Usdc::from_units(amount.into()), duration, now).unwrap();
                received += u128::from(amount);
                if withdraws {
                    let (amount, rest) = stream.withdraw(now).unwrap();
                    paid += amount.units();
                    stream = rest;
                }
                let held = stream.remaining.units() + stream.accrued.units();
                prop_assert_eq!(held + paid, received);
            }
            prop_assert_eq!(stream.flowed(stream.end.max(now)).unwrap().units() + paid, received);
        }
    }
}
