//! Intervals of numbers, and what operations make of them.

use super::{Arithmetic, Comparison, NumberFunction};

/// From and to, both included. Decimal ends may be infinite where nothing is known on that side; whole ones stop at 64 bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bounds {
    Integer(i64, i64),
    Decimal(f64, f64),
}

impl Bounds {
    /// As decimal numbers.
    pub fn decimal(self) -> (f64, f64) {
        match self {
            Self::Integer(lower, upper) => (lower as f64, upper as f64),
            Self::Decimal(lower, upper) => (lower, upper),
        }
    }

    /// Whether both ends are finite.
    pub fn usable(self) -> bool {
        let (lower, upper) = self.decimal();
        lower.is_finite() && upper.is_finite() && lower <= upper
    }

    /// The smallest interval that holds both.
    pub fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::Integer(a, b), Self::Integer(c, d)) => Self::Integer(a.min(c), b.max(d)),
            (one, other) => {
                let ((a, b), (c, d)) = (one.decimal(), other.decimal());
                Self::Decimal(a.min(c), b.max(d))
            }
        }
    }

    /// What an operation on values of both makes; `None` where that has no bounds.
    pub fn arithmetic(self, op: Arithmetic, other: Self) -> Option<Self> {
        use Arithmetic::{Divide, Remainder};
        if op == Divide && other.has_zero() {
            return None;
        }
        if op == Remainder {
            return Some(self.remainder(other));
        }
        Some(match (self, other) {
            (Self::Integer(a, b), Self::Integer(c, d)) => {
                let ends =
                    [(a, c), (a, d), (b, c), (b, d)].map(|(x, y)| integer(op, x, y).unwrap_or(0));
                let (low, high) = (ends.iter().min(), ends.iter().max());
                Self::Integer(*low.unwrap_or(&i64::MIN), *high.unwrap_or(&i64::MAX))
            }
            (one, other) => {
                let ((a, b), (c, d)) = (one.decimal(), other.decimal());
                let ends = [(a, c), (a, d), (b, c), (b, d)].map(|(x, y)| decimal(op, x, y));
                if ends.iter().any(|end| end.is_nan()) {
                    return None;
                }
                let low = ends.iter().copied().fold(f64::INFINITY, f64::min);
                let high = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                Self::Decimal(low, high)
            }
        })
    }

    fn has_zero(self) -> bool {
        let (lower, upper) = self.decimal();
        lower <= 0.0 && upper >= 0.0
    }

    /// A remainder has the sign of the dividend and is smaller than the divisor.
    fn remainder(self, other: Self) -> Self {
        match (self, other) {
            (Self::Integer(a, b), Self::Integer(c, d)) => {
                let most = c.unsigned_abs().max(d.unsigned_abs()).saturating_sub(1);
                let most = i64::try_from(most).unwrap_or(i64::MAX);
                Self::Integer(a.clamp(-most, 0), b.clamp(0, most))
            }
            (one, other) => {
                let ((a, b), (c, d)) = (one.decimal(), other.decimal());
                let most = c.abs().max(d.abs());
                Self::Decimal(a.clamp(-most, 0.0), b.clamp(0.0, most))
            }
        }
    }

    /// What a function of values makes; `None` where that has no bounds.
    pub fn function(self, function: NumberFunction) -> Option<Self> {
        Some(match (function, self) {
            (NumberFunction::Negate, Self::Integer(a, b)) => {
                Self::Integer(b.saturating_neg(), a.saturating_neg())
            }
            (NumberFunction::Negate, Self::Decimal(a, b)) => Self::Decimal(-b, -a),
            (NumberFunction::Abs, Self::Integer(a, b)) => {
                let ends = (a.saturating_abs(), b.saturating_abs());
                let low = if a <= 0 && b >= 0 { 0 } else { ends.0.min(ends.1) };
                Self::Integer(low, ends.0.max(ends.1))
            }
            (NumberFunction::Abs, Self::Decimal(a, b)) => {
                let low = if a <= 0.0 && b >= 0.0 { 0.0 } else { a.abs().min(b.abs()) };
                Self::Decimal(low, a.abs().max(b.abs()))
            }
            (NumberFunction::Sqrt | NumberFunction::Ln, Self::Decimal(_, upper)) if upper < 0.0 => {
                return None;
            }
            (NumberFunction::Sqrt, Self::Decimal(lower, upper)) => {
                Self::Decimal(lower.max(0.0).sqrt(), upper.sqrt())
            }
            (NumberFunction::Ln, Self::Decimal(lower, upper)) if lower > 0.0 => {
                Self::Decimal(lower.ln(), upper.ln())
            }
            (NumberFunction::Ln, _) => return None,
            // The others never fall where their argument rises.
            (_, Self::Decimal(lower, upper)) => {
                Self::Decimal(number(function, lower)?, number(function, upper)?)
            }
            (_, whole) => whole,
        })
    }

    /// Whether a comparison of values of both can hold, and whether it can fail.
    pub fn compare(self, op: Comparison, other: Self) -> (bool, bool) {
        let ((a, b), (c, d)) = (self.decimal(), other.decimal());
        let one_value = a == b && c == d && a == c;
        match op {
            Comparison::Equal | Comparison::NotDistinct => (a <= d && c <= b, !one_value),
            Comparison::NotEqual | Comparison::Distinct => (!one_value, a <= d && c <= b),
            Comparison::Less => (a < d, b >= c),
            Comparison::LessEqual => (a <= d, b > c),
            Comparison::Greater => (b > c, a <= d),
            Comparison::GreaterEqual => (b >= c, a < d),
        }
    }
}

/// Whole numbers, stopped at the limits of 64 bits; `None` for a division by zero.
pub(super) fn integer(op: Arithmetic, a: i64, b: i64) -> Option<i64> {
    Some(match op {
        Arithmetic::Add => a.saturating_add(b),
        Arithmetic::Subtract => a.saturating_sub(b),
        Arithmetic::Multiply => a.saturating_mul(b),
        Arithmetic::Divide if b == 0 => return None,
        Arithmetic::Divide => a.saturating_div(b),
        Arithmetic::Remainder if b == 0 => return None,
        Arithmetic::Remainder => a.wrapping_rem(b),
        Arithmetic::Least => a.min(b),
        Arithmetic::Greatest => a.max(b),
    })
}

/// Decimal numbers by IEEE 754, but with one zero; what is no number stands for NULL.
pub(super) fn decimal(op: Arithmetic, a: f64, b: f64) -> f64 {
    let result = match op {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide if b == 0.0 => f64::NAN,
        Arithmetic::Divide => a / b,
        Arithmetic::Remainder => a % b,
        Arithmetic::Least => a.min(b),
        Arithmetic::Greatest => a.max(b),
    };
    result + 0.0
}

/// A function of a decimal number; `None` where it has no value.
pub(super) fn number(function: NumberFunction, value: f64) -> Option<f64> {
    let result = match function {
        NumberFunction::Negate => -value,
        NumberFunction::Abs => value.abs(),
        NumberFunction::Floor => value.floor(),
        NumberFunction::Ceil => value.ceil(),
        NumberFunction::Round => value.round(),
        NumberFunction::Sqrt => value.sqrt(),
        NumberFunction::Ln if value == 0.0 => f64::NAN,
        NumberFunction::Ln => value.ln(),
        NumberFunction::Exp => value.exp(),
    };
    (!result.is_nan()).then_some(result + 0.0)
}
