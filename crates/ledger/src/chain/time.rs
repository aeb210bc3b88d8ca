//! The ledger's time: the wall's clock, and how far time travel has moved the ledger ahead of it.

use std::fmt;
use std::sync::Arc;

use super::ChainError;

/// The last second of the year 9999, the last that time travel reaches. What contracts and their callers add to a time
/// (terms, windows, expiries) then fits into every type that holds one, of which the smallest has 48 bits.
const LAST_SECOND: u64 = 253_402_300_799;

/// Where the wall's time comes from: seconds since 1970.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> u64 + Send + Sync>);

impl Clock {
    /// A clock that answers what `seconds` returns.
    pub fn new(seconds: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(seconds))
    }

    /// The system's clock.
    pub fn system() -> Self {
        Self::new(|| {
            let now = std::time::SystemTime::now();
            now.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
        })
    }

    /// A clock that stands still, for tests and replays.
    pub fn fixed(seconds: u64) -> Self {
        Self::new(move || seconds)
    }

    pub(super) fn now(&self) -> u64 {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// How the ledger's time differs from the clock's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Time {
    /// Seconds ahead of the clock.
    pub offset: i64,
    /// The time that the next block must have.
    pub next: Option<u64>,
}

impl Time {
    /// The time of a block after `parent`, and the offset that holds from then on.
    pub fn of_next_block(&self, clock: &Clock, parent: u64) -> (u64, i64) {
        let now = clock.now();
        match self.next {
            Some(next) => (next, next.cast_signed().saturating_sub(now.cast_signed())),
            None => (now.saturating_add_signed(self.offset).max(parent), self.offset),
        }
    }

    /// The time moved on by `seconds`.
    ///
    /// # Errors
    /// [`ChainError::Invalid`] past [`LAST_SECOND`]: a block of that time could be followed by none whose time still fits.
    pub fn moved(&self, clock: &Clock, seconds: i64) -> Result<Time, ChainError> {
        let offset = self.offset.saturating_add(seconds);
        if clock.now().saturating_add_signed(offset) > LAST_SECOND {
            return Err(too_late(&format!("{seconds} seconds more")));
        }
        Ok(Time { offset, ..*self })
    }

    /// The time with `seconds` as that of the next block, after the newest one of time `newest`.
    ///
    /// # Errors
    /// [`ChainError::Invalid`] when it is not after `newest`, or past [`LAST_SECOND`].
    pub fn with_next(&self, seconds: u64, newest: u64) -> Result<Time, ChainError> {
        if seconds <= newest {
            return Err(ChainError::Invalid(format!(
                "timestamp {seconds} is not after the last block's, {newest}"
            )));
        }
        if seconds > LAST_SECOND {
            return Err(too_late(&format!("timestamp {seconds}")));
        }
        Ok(Time { next: Some(seconds), ..*self })
    }
}

fn too_late(what: &str) -> ChainError {
    ChainError::Invalid(format!(
        "{what} is after the year 9999 ({LAST_SECOND}), past which this ledger keeps no time; give a smaller number"
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_sequence_of_journeys_leads_past_the_last_second(
            now in 0_u64..=LAST_SECOND,
            journeys in prop::collection::vec((any::<bool>(), prop_oneof![any::<u64>(), 0..=2 * LAST_SECOND]), 0..12),
        ) {
            let clock = Clock::fixed(now);
            let (mut time, mut newest) = (Time::default(), now);
            for (set, number) in journeys {
                let moved = match set {
                    true => time.with_next(number, newest),
                    false => time.moved(&clock, number.cast_signed()),
                };
                time = moved.unwrap_or(time);
                let (timestamp, offset) = time.of_next_block(&clock, newest);
                prop_assert!(newest <= timestamp && timestamp <= LAST_SECOND);
                (newest, time) = (timestamp, Time { offset, next: None });
            }
        }
    }
}
