//! Privacy loss as an integer: thousandths of epsilon, so that budgets add up exactly.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The privacy loss of one question, in thousandths of epsilon.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Epsilon(u32);

impl Epsilon {
    /// Epsilon of this many thousandths: 500 is 0.5.
    pub const fn from_milli(milli: u32) -> Self {
        Self(milli)
    }

    /// Thousandths of epsilon.
    pub const fn milli(self) -> u32 {
        self.0
    }
}

/// Privacy loss added up over many questions, in thousandths of epsilon.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct EpsilonTotal(u64);

impl EpsilonTotal {
    /// A total of this many thousandths of epsilon.
    pub const fn from_milli(milli: u64) -> Self {
        Self(milli)
    }

    /// Thousandths of epsilon.
    pub const fn milli(self) -> u64 {
        self.0
    }

    /// The total with one more question, `None` where it leaves the range.
    pub(crate) fn plus(self, epsilon: Epsilon) -> Option<Self> {
        self.0.checked_add(u64::from(epsilon.0)).map(Self)
    }
}

/// A text is not an epsilon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Epsilon is a decimal number with at most three places, such as 0.5 or 1.25.")]
pub struct ParseEpsilonError;

impl FromStr for Epsilon {
    type Err = ParseEpsilonError;

    /// Reads a decimal number exactly: no floating point, at most three places.
    fn from_str(text: &str) -> Result<Self, ParseEpsilonError> {
        let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(places) || places.len() > 3 {
            return Err(ParseEpsilonError);
        }
        let whole: u32 = whole.parse().map_err(|_| ParseEpsilonError)?;
        let places: u32 = format!("{places:0<3}").parse().map_err(|_| ParseEpsilonError)?;
        let milli = whole.checked_mul(1000).and_then(|milli| milli.checked_add(places));
        milli.map(Self).ok_or(ParseEpsilonError)
    }
}

impl fmt::Display for Epsilon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal(u64::from(self.0), f)
    }
}

impl fmt::Display for EpsilonTotal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal(self.0, f)
    }
}

fn decimal(milli: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let text = format!("{}.{:03}", milli / 1000, milli % 1000);
    f.pad(text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(milli in any::<u32>()) {
            let epsilon = Epsilon::from_milli(milli);
            prop_assert_eq!(epsilon.to_string().parse::<Epsilon>().unwrap(), epsilon);
        }
    }

    #[test]
    fn only_plain_decimals_are_read() {
        for text in
            ["", ".", "1.", ".5", "-1", "+1", "1e3", "0.0001", "1,5", "4294968", "NaN", " 1"]
        {
            assert_eq!(text.parse::<Epsilon>(), Err(ParseEpsilonError), "{text:?}");
        }
        assert_eq!("0.05".parse(), Ok(Epsilon::from_milli(50)));
        assert_eq!("2".parse(), Ok(Epsilon::from_milli(2000)));
    }
}
