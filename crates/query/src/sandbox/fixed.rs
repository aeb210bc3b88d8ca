//! From a patient's vector to whole steps, and from sums of whole steps back to numbers.
//!
//! Clipping in floating point would leave each patient's influence near its bound, not below it, and adding up in floating point
//! depends on the order. So a vector is clipped, turned into whole steps, and its norm is then checked in integers: what is
//! added is within the radius exactly, and sums of integers are the same in every order.

use serde::{Deserialize, Serialize};

/// How the length of a vector is measured, which decides the noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// Sum of absolute values: Laplace noise, no delta.
    L1,
    /// Root of the sum of squares: Gaussian noise, with a delta.
    L2,
}

/// What the numbers of a vector are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Values {
    /// 64-bit floating point.
    #[default]
    F64,
    /// 64-bit whole numbers, released as whole numbers.
    I64,
}

/// Steps in the clip of a vector of decimals. Rounding to a step adds a billionth of the clip, far below any noise.
const STEPS: u64 = 1 << 30;

/// The largest clip of whole numbers: a million patients' sums stay far within their integers.
pub const MAX_WHOLE_CLIP: f64 = (1_u64 << 40) as f64;

/// Turns vectors into whole steps within a radius.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fixed {
    norm: Norm,
    values: Values,
    clip: f64,
    radius: u64,
}

impl Fixed {
    /// `None` if the clip is not above zero and finite, or for whole numbers not a whole number of at most [`MAX_WHOLE_CLIP`].
    pub fn new(norm: Norm, values: Values, clip: f64) -> Option<Self> {
        // So far from the ends of the range that clip / norm and a step are numbers like others.
        let decimal = (1e-200..=1e200).contains(&clip);
        let whole = clip.fract() == 0.0 && (1.0..=MAX_WHOLE_CLIP).contains(&clip);
        let radius = match values {
            Values::F64 => decimal.then_some(STEPS)?,
            Values::I64 => whole.then_some(clip as u64)?,
        };
        Some(Self { norm, values, clip, radius })
    }

    /// How far one patient can move the sums, in steps, in the norm.
    pub fn radius(&self) -> u64 {
        self.radius
    }

    /// A number of steps as the number that it stands for.
    pub fn number(&self, steps: i128) -> f64 {
        steps as f64 * self.step()
    }

    /// What one step stands for.
    pub fn step(&self) -> f64 {
        match self.values {
            Values::F64 => self.clip / STEPS as f64,
            Values::I64 => 1.0,
        }
    }

    /// Turns a vector, as the guest left it in little-endian words, into steps within the radius. What is no number anywhere
    /// makes it the zero vector: `false`.
    pub fn steps(&self, words: &[u8], steps: &mut Vec<i64>) -> bool {
        steps.clear();
        let fits = match self.values {
            Values::F64 => self.decimals(words, steps),
            Values::I64 => self.wholes(words, steps),
        };
        // Whatever came before: nothing beyond the radius is ever added.
        fits && self.within(steps)
    }

    fn decimals(&self, words: &[u8], steps: &mut Vec<i64>) -> bool {
        let numbers = || words.as_chunks::<8>().0.iter().map(|word| f64::from_le_bytes(*word));
        let mut largest = 0.0_f64;
        for number in numbers() {
            if !number.is_finite() {
                return false;
            }
            largest = largest.max(number.abs());
        }
        let length = self.length(largest, numbers());
        let unit = STEPS as f64 / self.clip;
        if length * largest <= self.clip {
            steps.extend(numbers().map(|number| (number * unit).round() as i64));
            if self.within(steps) {
                return true;
            }
            steps.clear();
        }
        let shrunk = shrunk(STEPS as f64 / length);
        steps.extend(numbers().map(|number| (number / largest * shrunk) as i64));
        true
    }

    fn wholes(&self, words: &[u8], steps: &mut Vec<i64>) -> bool {
        steps.extend(words.as_chunks::<8>().0.iter().map(|word| i64::from_le_bytes(*word)));
        if self.within(steps) {
            return true;
        }
        let numbers = || steps.iter().map(|number| *number as f64);
        let largest = numbers().fold(0.0, |largest: f64, number| largest.max(number.abs()));
        let length = self.length(largest, numbers());
        let shrunk = shrunk(self.radius as f64 / length);
        steps.iter_mut().for_each(|number| *number = (*number as f64 / largest * shrunk) as i64);
        true
    }

    /// The norm in units of the largest number, so that nothing leaves the range of floating point. But for rounding.
    fn length(&self, largest: f64, numbers: impl Iterator<Item = f64>) -> f64 {
        if largest == 0.0 {
            return 0.0;
        }
        match self.norm {
            Norm::L1 => numbers.map(|number| (number / largest).abs()).sum::<f64>(),
            Norm::L2 => numbers.map(|number| (number / largest).powi(2)).sum::<f64>().sqrt(),
        }
    }

    /// Whether the norm is within the radius, exactly.
    fn within(&self, steps: &[i64]) -> bool {
        let radius = u128::from(self.radius);
        let sizes = steps.iter().map(|step| u128::from(step.unsigned_abs()));
        match self.norm {
            Norm::L1 => sizes.fold(0, |sum: u128, size| sum.saturating_add(size)) <= radius,
            // A square fits: (2^63)^2 = 2^126.
            Norm::L2 => {
                sizes.fold(0, |sum: u128, size| sum.saturating_add(size * size)) <= radius * radius
            }
        }
    }
}

/// A little less, so that rounding on the way cannot leave the radius.
fn shrunk(factor: f64) -> f64 {
    factor * (1.0 - 1e-9)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn words(numbers: &[f64]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    fn steps(fixed: Fixed, numbers: &[f64]) -> Option<Vec<i64>> {
        let mut steps = Vec::new();
        fixed.steps(&words(numbers), &mut steps).then_some(steps)
    }

    #[test]
    fn a_vector_within_its_clip_keeps_its_numbers_and_a_longer_one_its_direction() {
        let fixed = Fixed::new(Norm::L2, Values::F64, 5.0).unwrap();
        let numbers = |steps: Vec<i64>| -> Vec<f64> {
            steps.iter().map(|step| fixed.number(i128::from(*step))).collect()
        };
        // But for half a step, of which there are 2^30 in the clip.
        let kept = numbers(steps(fixed, &[3.0, -4.0]).unwrap());
        assert!((kept[0] - 3.0).abs() < 1e-8 && (kept[1] + 4.0).abs() < 1e-8, "{kept:?}");
        let clipped = numbers(steps(fixed, &[30.0, -40.0]).unwrap());
        assert!((clipped[0] - 3.0).abs() < 1e-7 && (clipped[1] + 4.0).abs() < 1e-7, "{clipped:?}");
        let sum = Fixed::new(Norm::L1, Values::F64, 7.0).unwrap();
        let clipped = steps(sum, &[30.0, -40.0]).unwrap();
        assert!((sum.number(i128::from(clipped[0])) - 3.0).abs() < 1e-7);
    }

    #[test]
    fn what_is_no_number_makes_the_zero_vector() {
        let fixed = Fixed::new(Norm::L2, Values::F64, 1.0).unwrap();
        for odd in
            [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::from_bits(0xfff0_dead_beef_0001)]
        {
            assert_eq!(steps(fixed, &[0.1, odd]), None);
        }
        assert_eq!(steps(fixed, &[0.0, -0.0, 1e-320]), Some(vec![0, 0, 0]));
        let largest = steps(fixed, &[1.7e308, -1.7e308]).unwrap();
        assert!((fixed.number(largest[0].into()) - 0.5_f64.sqrt()).abs() < 1e-7, "{largest:?}");
    }

    #[test]
    fn whole_numbers_stay_whole_and_within_their_clip() {
        let fixed = Fixed::new(Norm::L1, Values::I64, 3.0).unwrap();
        let clip = |numbers: &[i64]| {
            let words: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            let mut steps = Vec::new();
            fixed.steps(&words, &mut steps).then_some(steps)
        };
        assert_eq!(clip(&[1, -2, 0]), Some(vec![1, -2, 0]));
        assert_eq!(clip(&[10, -20, 0]), Some(vec![0, -1, 0]));
        assert_eq!(clip(&[i64::MIN, 0]), Some(vec![-2, 0]));
    }

    #[test]
    fn clips_that_bound_nothing_are_refused() {
        for clip in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300] {
            assert_eq!(Fixed::new(Norm::L2, Values::F64, clip), None);
        }
        for clip in [0.5, 1.5, 0.0, 1e30] {
            assert_eq!(Fixed::new(Norm::L1, Values::I64, clip), None);
        }
    }

    proptest! {
        #[test]
        fn nothing_leaves_the_radius_and_little_is_lost_within_it(
            numbers in prop::collection::vec(prop_oneof![any::<f64>(), -2.0..2.0_f64], 1..40),
            clip in prop_oneof![1e-150..1e150_f64, 0.1..10.0_f64],
            l1 in any::<bool>(),
        ) {
            let norm = if l1 { Norm::L1 } else { Norm::L2 };
            let fixed = Fixed::new(norm, Values::F64, clip).unwrap();
            let finite = numbers.iter().all(|number| number.is_finite());
            let found = steps(fixed, &numbers);
            prop_assert_eq!(found.is_some(), finite);
            let Some(found) = found else { return Ok(()) };
            let sizes = found.iter().map(|step| u128::from(step.unsigned_abs()));
            let radius = u128::from(fixed.radius());
            match norm {
                Norm::L1 => prop_assert!(sizes.sum::<u128>() <= radius),
                Norm::L2 => prop_assert!(sizes.map(|size| size * size).sum::<u128>() <= radius * radius),
            }
            let largest = numbers.iter().fold(0.0_f64, |largest, number| largest.max(number.abs()));
            if largest * numbers.len() as f64 <= clip / 2.0 {
                for (number, step) in numbers.iter().zip(&found) {
                    prop_assert!((fixed.number(i128::from(*step)) - number).abs() <= 0.51 * fixed.step());
                }
            }
        }

        #[test]
        fn whole_numbers_never_leave_the_radius(
            numbers in prop::collection::vec(prop_oneof![any::<i64>(), -5..5_i64], 1..40),
            clip in 1..1_000_000_u64,
            l1 in any::<bool>(),
        ) {
            let norm = if l1 { Norm::L1 } else { Norm::L2 };
            let fixed = Fixed::new(norm, Values::I64, clip as f64).unwrap();
            let words: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            let mut found = Vec::new();
            prop_assert!(fixed.steps(&words, &mut found));
            let sizes = found.iter().map(|step| u128::from(step.unsigned_abs()));
            match norm {
                Norm::L1 => prop_assert!(sizes.sum::<u128>() <= u128::from(clip)),
                Norm::L2 => prop_assert!(sizes.map(|size| size * size).sum::<u128>() <= u128::from(clip).pow(2)),
            }
        }
    }
}
