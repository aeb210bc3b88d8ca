//! Privacy loss in all its units, and how they turn into each other.
//!
//! A question with Laplace noise is epsilon-DP. One with Gaussian noise is rho-zCDP (Bun and Steinke, "Concentrated Differential
//! Privacy", 2016). Groups behind a threshold add a delta. Losses add up in two ways, and both are kept: epsilons and
//! deltas simply add; rhos add too, and their sum is turned into an epsilon at the delta that is left. Whichever gives the smaller
//! epsilon is what was lost. Sums are integers; only the conversion uses floating point, and it rounds against the asker.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Epsilon, EpsilonTotal};

/// The probability with which a guarantee may fail, in units of 1e-18.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Delta(u64);

/// Units of a delta in 1.
const DELTA_UNITS: f64 = 1e18;

impl Delta {
    /// No failure at all: pure differential privacy.
    pub const ZERO: Self = Self(0);

    /// A delta of this many units of 1e-18.
    pub const fn from_atto(atto: u64) -> Self {
        Self(atto)
    }

    /// Units of 1e-18.
    pub const fn atto(self) -> u64 {
        self.0
    }

    /// A delta from a number below one, rounded down; `None` for anything else.
    pub fn from_number(number: f64) -> Option<Self> {
        (0.0..1.0).contains(&number).then(|| Self((number * DELTA_UNITS).round() as u64))
    }

    /// The delta as a number.
    pub fn number(self) -> f64 {
        self.0 as f64 / DELTA_UNITS
    }

    /// Half of it, rounded down.
    pub(crate) fn half(self) -> Self {
        Self(self.0 / 2)
    }

    /// What is left of this delta once `spent` is gone; `None` if more is spent.
    pub(crate) fn left(self, spent: Self) -> Option<Self> {
        self.0.checked_sub(spent.0).map(Self)
    }

    pub(crate) fn plus(self, more: Self) -> Option<Self> {
        self.0.checked_add(more.0).map(Self)
    }
}

impl fmt::Display for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.pad("0"),
            _ => f.pad(&format!("{:e}", self.number())),
        }
    }
}

/// A text is not a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Delta is a number from 0 to below 1, such as 1e-6 or 0.000001.")]
pub struct ParseDeltaError;

impl FromStr for Delta {
    type Err = ParseDeltaError;

    fn from_str(text: &str) -> Result<Self, ParseDeltaError> {
        let number = text.parse().map_err(|_| ParseDeltaError)?;
        Self::from_number(number).ok_or(ParseDeltaError)
    }
}

/// Zero-concentrated privacy loss, in units of 1e-12.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Rho(u64);

/// Units of a rho in 1.
const RHO_UNITS: f64 = 1e12;

impl Rho {
    /// A rho of this many units of 1e-12.
    pub const fn from_pico(pico: u64) -> Self {
        Self(pico)
    }

    /// Units of 1e-12.
    pub const fn pico(self) -> u64 {
        self.0
    }

    /// The rho as a number.
    pub fn number(self) -> f64 {
        self.0 as f64 / RHO_UNITS
    }

    /// What a question of pure epsilon-DP costs: epsilon^2 / 2, rounded up (Bun and Steinke 2016, proposition 1.4).
    pub fn of_pure(epsilon: Epsilon) -> Self {
        let milli = u128::from(epsilon.milli());
        // Thousandths squared are units of 1e-6: a million units of 1e-12.
        Self(u64::try_from(milli * milli * 500_000).unwrap_or(u64::MAX))
    }

    /// The largest rho that is worth at most (epsilon, delta); `None` if there is none above zero.
    pub fn within(epsilon: Epsilon, delta: Delta) -> Option<Self> {
        if delta.0 == 0 {
            return None;
        }
        let most = f64::from(epsilon.milli()) / 1000.0;
        let fits = |pico: u64| concentrated_epsilon(Self(pico), delta) <= most;
        let (mut low, mut high) = (0_u64, 1_u64 << 60);
        while high - low > 1 {
            let middle = low.midpoint(high);
            if fits(middle) { low = middle } else { high = middle }
        }
        (low > 0).then_some(Self(low))
    }
}

/// The epsilon at which rho-zCDP is (epsilon, delta)-DP, rounded up by a part in a billion.
///
/// Canonne, Kamath and Steinke, "The Discrete Gaussian for Differential Privacy" (2020), proposition 12: for every
/// alpha > 1, delta = exp((alpha-1)(alpha rho - epsilon)) / (alpha-1) * (1 - 1/alpha)^alpha holds. The search for the best alpha
/// need not be exact: each alpha gives a true bound.
pub fn concentrated_epsilon(rho: Rho, delta: Delta) -> f64 {
    if rho.0 == 0 {
        return 0.0;
    }
    if delta.0 == 0 {
        return f64::INFINITY;
    }
    let (rho, delta) = (rho.number(), delta.number());
    let at = |power: f64| {
        let alpha = 1.0 + power.exp();
        let inner = -delta.ln() - power + alpha * (-1.0 / alpha).ln_1p();
        alpha * rho + inner / (alpha - 1.0)
    };
    let (mut low, mut high) = (-20.0_f64, 40.0_f64);
    for _ in 0..200 {
        let (one, other) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if at(one) < at(other) { high = other } else { low = one }
    }
    at(low.midpoint(high)).max(0.0) * (1.0 + 1e-9)
}

/// The noise of a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mechanism {
    /// Discrete Laplace noise: pure differential privacy.
    #[default]
    Laplace,
    /// Discrete Gaussian noise: smaller for many numbers at once, at the price of a delta.
    Gaussian,
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Laplace => "laplace",
            Self::Gaussian => "gaussian",
        })
    }
}

/// What one question takes from a budget: in plain and in concentrated terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// Plain: the question is (epsilon, delta)-DP.
    #[serde(rename = "epsilon_milli")]
    pub epsilon: Epsilon,
    /// Plain: the delta, in units of 1e-18.
    #[serde(rename = "delta_atto")]
    pub delta: Delta,
    /// Concentrated: it is rho-zCDP but for `slack`, in units of 1e-12.
    #[serde(rename = "rho_pico")]
    pub rho: Rho,
    /// Concentrated: the part of delta that does not come from the conversion, in units of 1e-18.
    #[serde(rename = "slack_atto")]
    pub slack: Delta,
}

impl Loss {
    /// The loss of a question with Laplace noise, and thresholds that fail with `slack`.
    pub fn pure(epsilon: Epsilon, slack: Delta) -> Self {
        Self { epsilon, delta: slack, rho: Rho::of_pure(epsilon), slack }
    }
}

/// Losses added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossTotal {
    /// Sum of epsilons.
    pub epsilon: EpsilonTotal,
    /// Sum of deltas.
    pub delta: Delta,
    /// Sum of rhos.
    pub rho: Rho,
    /// Sum of slacks.
    pub slack: Delta,
}

/// The most that may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// In thousandths of epsilon.
    pub epsilon: EpsilonTotal,
    /// In units of 1e-18.
    pub delta: Delta,
}

impl Allowance {
    /// Without any delta: Laplace noise over published groups only.
    pub const fn pure(epsilon: EpsilonTotal) -> Self {
        Self { epsilon, delta: Delta::ZERO }
    }

    /// The most delta that one question may ask for: what the plain way of adding up has. A question that asked for more would be paid by
    /// the concentrated way alone, which does not look at a question's delta: at a small epsilon it would take nearly
    /// all noise away, and the plain way from everybody who asks later.
    pub fn delta_of_one(self) -> Delta {
        Parts::of(self.delta).plain
    }

    /// What is spent after one more question; `None` if that is not allowed.
    pub fn with(self, spent: LossTotal, loss: Loss) -> Option<LossTotal> {
        let after = spent.plus(loss).filter(|after| after.within(self));
        after.filter(|_| loss.delta <= self.delta_of_one())
    }

    /// What is left beside `spent`: the most epsilon that one more question with Laplace noise may cost, and delta by the
    /// plain way of adding up, which has half of the budget's ([`LossTotal::epsilon_at`]). Several small questions may
    /// cost more together.
    pub fn left(self, spent: LossTotal) -> Self {
        let Parts { plain, .. } = Parts::of(self.delta);
        let fits = |milli: u32| {
            self.with(spent, Loss::pure(Epsilon::from_milli(milli), Delta::ZERO)).is_some()
        };
        // What one question may cost, may a cheaper one: search by halves.
        let most = u32::try_from(self.epsilon.milli()).unwrap_or(u32::MAX);
        let (mut least, mut beyond) = (0, u64::from(most) + 1);
        while beyond - u64::from(least) > 1 {
            let middle = u64::from(least).midpoint(beyond) as u32;
            match fits(middle) {
                true => least = middle,
                false => beyond = middle.into(),
            }
        }
        Self {
            epsilon: EpsilonTotal::from_milli(least.into()),
            delta: plain.left(spent.delta.min(plain)).unwrap_or_default(),
        }
    }
}

/// A budget's delta, parted between the two ways of adding up.
struct Parts {
    /// For the plain sum of deltas.
    plain: Delta,
    /// For the slack of concentrated losses.
    slack: Delta,
    /// For their conversion.
    conversion: Delta,
}

impl Parts {
    fn of(delta: Delta) -> Parts {
        let quarter = delta.half().half();
        Parts { plain: delta.half(), slack: quarter, conversion: quarter }
    }
}

impl LossTotal {
    /// The totals with one more question; `None` where they leave their range.
    pub fn plus(self, loss: Loss) -> Option<Self> {
        Some(Self {
            epsilon: self.epsilon.plus(loss.epsilon)?,
            delta: self.delta.plus(loss.delta)?,
            // Beyond its range the concentrated way of adding up is lost, and the plain one stays.
            rho: Rho(self.rho.0.saturating_add(loss.rho.0)),
            slack: self.slack.plus(loss.slack)?,
        })
    }

    /// The epsilon that all questions together are worth where `delta` is allowed: the smaller of the plain sum and the
    /// concentrated one, in thousandths, rounded up. `None` if both need more delta than they have.
    ///
    /// Each way of adding up has a part of delta of its own: half for the plain one, a quarter for the slack of
    /// concentrated losses, a quarter for their conversion. Whoever chooses questions by earlier answers may end within
    /// one way on some answers and within the other on the rest; then both can fail, and what must not exceed `delta` is
    /// the sum of what they may. Each by itself is a privacy filter, so that choosing by answers is allowed: Rogers,
    /// Roth, Ullman and Vadhan 2016, theorem 3.6 (plain sums); Whitehouse, Ramdas, Rogers and Wu 2023, theorem 1
    /// (approximate zCDP, with bounds on rho and on the slack that are fixed beforehand, hence the two quarters).
    pub fn epsilon_at(self, delta: Delta) -> Option<EpsilonTotal> {
        let parts = Parts::of(delta);
        let plain = (self.delta <= parts.plain).then_some(self.epsilon);
        let in_range = self.rho.0 < u64::MAX;
        let enough = in_range && self.slack <= parts.slack && parts.conversion.0 > 0;
        let concentrated = enough.then(|| {
            let milli = (concentrated_epsilon(self.rho, parts.conversion) * 1000.0).ceil();
            EpsilonTotal::from_milli(milli as u64)
        });
        match (plain, concentrated) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// Whether all this is allowed.
    pub fn within(self, allowance: Allowance) -> bool {
        self.epsilon_at(allowance.delta).is_some_and(|spent| spent <= allowance.epsilon)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn rho(number: f64) -> Rho {
        Rho::from_pico((number * RHO_UNITS) as u64)
    }

    #[test]
    fn the_conversion_is_better_than_the_simple_bound_and_above_the_limit_for_gaussians() {
        // Simple: rho + 2 sqrt(rho ln(1/delta)) (Bun and Steinke 2016, proposition 1.3).
        for (number, delta) in [(0.01, 1e-6), (0.5, 1e-6), (2.0, 1e-9), (0.0001, 1e-5)] {
            let found = concentrated_epsilon(rho(number), Delta::from_number(delta).unwrap());
            let simple = number + 2.0 * (number * (1.0_f64 / delta).ln()).sqrt();
            assert!(found < simple && found > 0.6 * simple, "{found} {simple}");
        }
    }

    #[test]
    fn what_is_left_is_what_one_more_question_may_cost_and_no_more() {
        let delta = Delta::from_number(1e-6).unwrap();
        let allowance = Allowance { epsilon: EpsilonTotal::from_milli(3_000), delta };
        let mut spent = LossTotal::default();
        let cost = |milli| Loss::pure(Epsilon::from_milli(milli), Delta::ZERO);
        for question in 0..200 {
            let left = u32::try_from(allowance.left(spent).epsilon.milli()).unwrap();
            if question == 0 {
                assert_eq!(left, 3_000);
            }
            assert!(!spent.plus(cost(left + 1)).unwrap().within(allowance), "{question}");
            if left == 0 {
                break;
            }
            assert!(spent.plus(cost(left)).unwrap().within(allowance), "{question}: {left}");
            spent = spent.plus(cost(left.min(50))).unwrap();
        }
        assert!(spent.epsilon.milli() > 3_000, "small questions cost less than their sum");
    }

    #[test]
    fn a_pure_question_costs_half_its_square() {
        assert_eq!(Rho::of_pure(Epsilon::from_milli(1000)).pico(), 500_000_000_000);
        assert_eq!(Rho::of_pure(Epsilon::from_milli(1)).pico(), 500_000);
    }

    #[test]
    fn many_small_questions_cost_less_together_than_their_sum() {
        let question = Loss::pure(Epsilon::from_milli(100), Delta::ZERO);
        let total = (0..1000).try_fold(LossTotal::default(), |sum, _| sum.plus(question)).unwrap();
        assert_eq!(total.epsilon_at(Delta::ZERO).unwrap().milli(), 100_000);
        let better = total.epsilon_at(Delta::from_number(1e-6).unwrap()).unwrap().milli();
        assert!((15_000..25_000).contains(&better), "{better}");
    }

    #[test]
    fn delta_reads_and_shows_small_numbers() {
        assert_eq!("1e-6".parse::<Delta>().unwrap().atto(), 1_000_000_000_000);
        assert_eq!("0.000001".parse::<Delta>().unwrap().to_string(), "1e-6");
        for text in ["1", "-1e-9", "NaN", "", "x"] {
            assert_eq!(text.parse::<Delta>(), Err(ParseDeltaError));
        }
    }

    proptest! {
        #[test]
        fn the_largest_rho_fits_and_the_next_does_not(milli in 1_u32..20_000, exponent in 3_i32..12) {
            let (epsilon, delta) = (Epsilon::from_milli(milli), Delta::from_number(10_f64.powi(-exponent)).unwrap());
            let rho = Rho::within(epsilon, delta).unwrap();
            let most = f64::from(milli) / 1000.0;
            prop_assert!(concentrated_epsilon(rho, delta) <= most);
            prop_assert!(concentrated_epsilon(Rho(rho.0 + 2 + rho.0 / 1_000_000), delta) > most);
            // At this rho and delta a Gaussian question of its own is within what it claims, of a budget with twice its delta.
            let loss = Loss { epsilon, delta, rho, slack: Delta::ZERO };
            let total = LossTotal::default().plus(loss).unwrap();
            prop_assert!(total.epsilon_at(delta.plus(delta).unwrap()).unwrap().milli() <= u64::from(milli));
        }

        #[test]
        fn both_ways_of_adding_up_together_fail_with_no_more_than_the_delta(atto in 0_u64..1_000_000_000_000) {
            let delta = Delta::from_atto(atto);
            let nothing = LossTotal::default();
            // The most that each way allows at any epsilon, found by asking.
            let most = |fits: &dyn Fn(u64) -> bool| {
                let (mut low, mut high) = (0, atto + 1);
                while high - low > 1 {
                    let middle = u64::midpoint(low, high);
                    if fits(middle) { low = middle } else { high = middle }
                }
                low
            };
            let huge = Rho::from_pico(u64::MAX);
            let (alone, plenty) = (EpsilonTotal::from_milli(1), EpsilonTotal::from_milli(u64::MAX));
            let plain = most(&|used| {
                let total = LossTotal { delta: Delta::from_atto(used), rho: huge, epsilon: alone, ..nothing };
                total.epsilon_at(delta) == Some(alone)
            });
            // Beyond the plain way: only the concentrated one can answer.
            let beyond = LossTotal { delta: Delta::from_atto(u64::MAX), epsilon: plenty, rho: rho(0.01), ..nothing };
            let slack = most(&|used| {
                LossTotal { slack: Delta::from_atto(used), ..beyond }.epsilon_at(delta).is_some()
            });
            let converted = beyond.epsilon_at(delta).map_or(0, |found| {
                // The smallest delta at which the conversion gives as little.
                most(&|tried| {
                    let at = concentrated_epsilon(rho(0.01), Delta::from_atto(tried)) * 1000.0;
                    at.ceil() as u64 > found.milli()
                })
            });
            prop_assert!(plain + slack + converted <= atto, "{plain} {slack} {converted}");
            prop_assert!(atto < 1_000 || plain + slack >= atto / 2);
        }
    }
}
