//! The equal parts of a column's published range, over which quantiles are counted.

use crate::scalar::Bounds;

/// The most parts: their counts are two levels of at most 32 each.
const MOST: u64 = 1024;

/// A published range in equal parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Leaves {
    /// `count` parts of `width` whole numbers each, from `lower`.
    Whole { lower: i64, upper: i64, width: u64, count: u32 },
    /// `count` parts of equal width.
    Decimal { lower: f64, upper: f64, count: u32 },
}

impl Leaves {
    /// The parts of a range; `None` if it is empty or too wide for all its ends to be finite.
    pub fn new(bounds: Bounds) -> Option<Self> {
        match bounds {
            Bounds::Integer(lower, upper) if lower <= upper => {
                let values = u128::from(upper.abs_diff(lower)) + 1;
                let width = values.div_ceil(u128::from(MOST));
                let count = values.div_ceil(width) as u32;
                Some(Self::Whole { lower, upper, width: width as u64, count })
            }
            Bounds::Decimal(lower, upper)
                if ((upper - lower) * MOST as f64).is_finite() && lower < upper =>
            {
                Some(Self::Decimal { lower, upper, count: MOST as u32 })
            }
            Bounds::Decimal(lower, upper) if lower.is_finite() && lower == upper => {
                Some(Self::Decimal { lower, upper, count: 1 })
            }
            _ => None,
        }
    }

    pub fn whole(&self) -> bool {
        matches!(self, Self::Whole { .. })
    }

    pub fn count(&self) -> usize {
        match self {
            Self::Whole { count, .. } | Self::Decimal { count, .. } => *count as usize,
        }
    }

    /// How many parts the upper level of the tree takes together.
    pub fn fan(&self) -> usize {
        (self.count() as f64).sqrt().ceil() as usize
    }

    /// The part of a whole number, held to the range.
    pub fn of_integer(&self, value: i64) -> usize {
        match *self {
            Self::Whole { lower, upper, width, .. } => {
                (value.clamp(lower, upper).abs_diff(lower) / width) as usize
            }
            Self::Decimal { .. } => self.of_decimal(value as f64),
        }
    }

    /// The part of a decimal number, held to the range.
    pub fn of_decimal(&self, value: f64) -> usize {
        match *self {
            Self::Whole { .. } => self.of_integer(value as i64),
            Self::Decimal { lower, upper, count } => {
                let held = value.max(lower).min(upper);
                let part = (held - lower) / (upper - lower) * f64::from(count);
                // What is no number (an empty range) is the first part, and the upper bound is in the last.
                (part as usize).min(count as usize - 1)
            }
        }
    }

    /// Lower end, what is shown, upper end of a part.
    pub fn values(&self, part: usize) -> (f64, f64, f64) {
        match *self {
            Self::Whole { lower, upper, width, .. } => {
                let start = i128::from(lower) + part as i128 * i128::from(width);
                let end = (start + i128::from(width) - 1).min(i128::from(upper));
                (start as f64, start.midpoint(end) as f64, end as f64)
            }
            Self::Decimal { lower, upper, count } => {
                let at = |part: f64| lower + (upper - lower) * part / f64::from(count);
                let part = part as f64;
                (at(part), at(part + 0.5), at(part + 1.0))
            }
        }
    }
}
