//! The grid of whole steps on which bounded numbers are added up, so that sums are exact.

use crate::scalar::Bounds;

/// Steps of 10^`exponent`.
///
/// Whole numbers have steps of 1. Decimal ones have the power of ten that puts the larger bound between one million and
/// ten million steps: a value is off by at most half a step, a relative error of the bound below one in a million.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grid {
    /// Whether sums are whole numbers.
    pub whole: bool,
    pub exponent: i32,
    /// Published bounds, in steps.
    pub lower: i64,
    pub upper: i64,
    /// Published bounds, as they are.
    bounds: (f64, f64),
    /// Steps in 1.
    per_unit: f64,
}

/// Adding and taking away 1.5 * 2^52 rounds a number of magnitude below 2^51 to the nearest whole one, ties to even.
const ROUNDING: f64 = 6_755_399_441_055_744.0;

impl Grid {
    /// The grid of these bounds; `None` if they are empty or not finite.
    pub fn new(bounds: Bounds) -> Option<Self> {
        match bounds {
            Bounds::Integer(lower, upper) => (lower <= upper).then_some(Self {
                whole: true,
                exponent: 0,
                lower,
                upper,
                bounds: (lower as f64, upper as f64),
                per_unit: 1.0,
            }),
            Bounds::Decimal(lower, upper) => Self::steps(lower, upper, false),
        }
    }

    /// The same, with no more than ten million steps to either side, so that squares can be added up.
    pub fn squarable(bounds: Bounds) -> Option<Self> {
        let grid = Self::new(bounds)?;
        if grid.magnitude() <= 10_000_000 {
            return Some(grid);
        }
        let (lower, upper) = bounds.decimal();
        Self::steps(lower, upper, false)
    }

    fn steps(lower: f64, upper: f64, whole: bool) -> Option<Self> {
        let ordered = lower.is_finite() && upper.is_finite() && lower <= upper;
        let largest = lower.abs().max(upper.abs());
        let exponent =
            if largest == 0.0 { 0 } else { (largest.log10().floor() as i32 - 6).clamp(-300, 302) };
        let steps = |bound: f64| shift(bound, -exponent).round() as i64;
        let (low, high) = (steps(lower), steps(upper));
        let bounds = (lower, upper);
        let per_unit = 10_f64.powi(-exponent);
        ordered.then_some(Self { whole, exponent, lower: low, upper: high, bounds, per_unit })
    }

    /// A whole number in steps, clamped to the bounds.
    #[inline]
    pub fn clamp_integer(&self, value: i64) -> i64 {
        match self.exponent {
            0 => value.clamp(self.lower, self.upper),
            _ => self.clamp_decimal(value as f64),
        }
    }

    /// A decimal number in steps, clamped to the bounds. What is no number counts as the lower bound; it is NULL everywhere else.
    #[inline]
    pub fn clamp_decimal(&self, value: f64) -> i64 {
        if self.whole {
            return (value as i64).clamp(self.lower, self.upper);
        }
        // The bits of a number beyond 2^52 count by ones: with the constant taken away, they are the whole number.
        let held = value.max(self.bounds.0).min(self.bounds.1) * self.per_unit + ROUNDING;
        // Where rounding in the factor moved a bound by a hair. Steps of decimals are below 2^24, so none is lost here.
        let held = held.max(self.lower as f64 + ROUNDING).min(self.upper as f64 + ROUNDING);
        held.to_bits().wrapping_sub(ROUNDING.to_bits()) as i64
    }

    /// Steps as a number to show.
    pub fn value(&self, steps: f64) -> f64 {
        // Bounds near the end of the range of 64 bits must not give infinities, which no record could hold.
        shift(steps, self.exponent).clamp(-f64::MAX, f64::MAX)
    }

    /// The middle of the bounds, rounded down.
    pub fn middle(&self) -> i64 {
        self.lower.midpoint(self.upper)
    }

    /// The largest magnitude of a value.
    pub fn magnitude(&self) -> u64 {
        self.lower.unsigned_abs().max(self.upper.unsigned_abs())
    }

    /// The largest deviation of a value from the middle.
    pub fn radius(&self) -> u64 {
        self.upper.abs_diff(self.middle()).max(self.lower.abs_diff(self.middle()))
    }
}

/// `value` times ten to the `power`, by one operation so that short decimals stay short.
fn shift(value: f64, power: i32) -> f64 {
    match power {
        0 => value,
        power if power < 0 => value / 10_f64.powi(-power),
        power => value * 10_f64.powi(power),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_value_leaves_the_grid_of_a_decimal_column(
            a in proptest::num::f64::NORMAL,
            b in proptest::num::f64::NORMAL,
            value in proptest::num::f64::ANY,
        ) {
            let grid = Grid::new(Bounds::Decimal(a.min(b), a.max(b))).unwrap();
            prop_assert!(grid.lower <= grid.upper && grid.magnitude() <= 10_000_000);
            prop_assert!((grid.lower..=grid.upper).contains(&grid.clamp_decimal(value)));
        }

        #[test]
        fn a_value_within_bounds_is_off_by_at_most_half_a_step(
            bound in 0.001_f64..1e9, share in -1.0_f64..1.0,
        ) {
            let grid = Grid::new(Bounds::Decimal(-bound, bound)).unwrap();
            let value = bound * share;
            let back = grid.value(grid.clamp_decimal(value) as f64);
            prop_assert!((back - value).abs() <= grid.value(0.5) * (1.0 + 1e-6));
            prop_assert!(grid.value(1.0) <= bound * 1.000_001e-6);
        }

        #[test]
        fn no_value_is_further_from_the_middle_than_the_radius(a: i64, b: i64, value: i64) {
            for grid in [Grid::new, Grid::squarable] {
                let grid = grid(Bounds::Integer(a.min(b), a.max(b))).unwrap();
                let steps = grid.clamp_integer(value);
                prop_assert!(steps.abs_diff(grid.middle()) <= grid.radius());
                prop_assert!(steps.unsigned_abs() <= grid.magnitude());
            }
        }
    }

    #[test]
    fn bounds_that_are_empty_or_not_finite_give_no_grid() {
        assert_eq!(Grid::new(Bounds::Integer(1, 0)), None);
        for (lower, upper) in [(1.0, 0.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
            assert_eq!(Grid::new(Bounds::Decimal(lower, upper)), None);
        }
    }
}
