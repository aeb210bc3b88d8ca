//! Decimal numbers with the digits that were written, because FHIR gives meaning to them: 1.0 is less certain than 1.00.

use std::cmp::Ordering;

/// `digits / 10^scale`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal {
    digits: i128,
    scale: u32,
}

/// Digits behind the point that are carried; FHIR asks for 18 significant digits.
const MAX_SCALE: u32 = 28;

impl Decimal {
    pub(crate) fn integer(value: i64) -> Decimal {
        Decimal { digits: i128::from(value), scale: 0 }
    }

    /// Reads a number as JSON and FHIRPath write it; `None` where it is none or has too many digits before the point.
    /// Digits behind it that cannot be carried are given up.
    pub(crate) fn parse(text: &str) -> Option<Decimal> {
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let more = |digits: i128, digit: u8| {
            digits.checked_mul(10)?.checked_add(i128::from(char::from(digit).to_digit(10)?))
        };
        let mut digits = whole.trim_start_matches('-').bytes().try_fold(0, more)?;
        let mut scale = 0i32.checked_sub(exponent)?;
        let mut behind = fraction.bytes();
        while let Some(longer) = behind.clone().next().and_then(|digit| more(digits, digit)) {
            (digits, scale) = (longer, scale.checked_add(1)?);
            behind.next();
        }
        if !behind.all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        if whole.starts_with('-') {
            digits = -digits;
        }
        match u32::try_from(scale) {
            Ok(scale) if scale <= MAX_SCALE => Some(Decimal { digits, scale }),
            // With so many digits less, nothing is left of it.
            Ok(scale) if ten(scale - MAX_SCALE).is_none() => {
                Some(Decimal { digits: 0, scale: MAX_SCALE })
            }
            Ok(scale) => Decimal { digits, scale }.rounded(MAX_SCALE),
            Err(_) => {
                Some(Decimal { digits: digits.checked_mul(ten(scale.unsigned_abs())?)?, scale: 0 })
            }
        }
    }

    /// The nearest binary floating point number.
    pub(crate) fn to_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The value as an integer, if it is a whole number that fits.
    pub(crate) fn to_i64(self) -> Option<i64> {
        let unit = ten(self.scale)?;
        match self.digits % unit {
            0 => i64::try_from(self.digits / unit).ok(),
            _ => None,
        }
    }

    /// How many digits behind the point were written.
    pub(crate) fn digits_behind_point(self) -> u32 {
        self.scale
    }

    /// The greatest number of so many digits behind the point that is not above this one.
    pub(crate) fn floor(self, digits: u32) -> Option<Decimal> {
        self.with_digits(digits, i128::div_euclid)
    }

    /// The least number of so many digits behind the point that is not below this one.
    pub(crate) fn ceiling(self, digits: u32) -> Option<Decimal> {
        self.negate()?.floor(digits)?.negate()
    }

    /// The nearest number of so many digits behind the point; of two that are as near, the one farther from zero.
    pub(crate) fn rounded(self, digits: u32) -> Option<Decimal> {
        self.with_digits(digits, |value, unit| {
            let half = unit / 2 * value.signum();
            (value + half) / unit
        })
    }

    /// More digits are zeros; where there are too many, `divide` takes those away that are beyond the unit it is given.
    fn with_digits(self, digits: u32, divide: impl Fn(i128, i128) -> i128) -> Option<Decimal> {
        let value = match digits.checked_sub(self.scale) {
            Some(more) => self.digits.checked_mul(ten(more)?)?,
            None => divide(self.digits, ten(self.scale - digits)?),
        };
        Some(Decimal { digits: value, scale: digits })
    }

    pub(crate) fn is_zero(self) -> bool {
        self.digits == 0
    }

    pub(crate) fn negate(self) -> Option<Decimal> {
        Some(Decimal { digits: self.digits.checked_neg()?, ..self })
    }

    /// Both numbers' digits at the larger scale.
    fn aligned(self, other: Decimal) -> Option<(i128, i128, u32)> {
        let scale = self.scale.max(other.scale);
        let left = self.digits.checked_mul(ten(scale - self.scale)?)?;
        let right = other.digits.checked_mul(ten(scale - other.scale)?)?;
        Some((left, right, scale))
    }

    pub(crate) fn add(self, other: Decimal) -> Option<Decimal> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Decimal { digits: left.checked_add(right)?, scale })
    }

    pub(crate) fn subtract(self, other: Decimal) -> Option<Decimal> {
        self.add(other.negate()?)
    }

    /// The product; digits that cannot be carried are rounded away.
    pub(crate) fn multiply(self, other: Decimal) -> Option<Decimal> {
        let (mut one, mut two) = (self, other);
        loop {
            match one.digits.checked_mul(two.digits) {
                Some(digits) => {
                    let product = Decimal { digits, scale: one.scale + two.scale };
                    return match product.scale <= MAX_SCALE {
                        true => Some(product),
                        false => product.rounded(MAX_SCALE),
                    };
                }
                // The last digits of the one that has more of them are given up.
                None => {
                    let longer = if one.scale >= two.scale { &mut one } else { &mut two };
                    *longer = longer.rounded(longer.scale.checked_sub(1)?)?;
                }
            }
        }
    }

    /// The quotient, rounded to as many digits as can be carried (FHIRPath asks for at least eight behind the point) and
    /// without zeros at the end; `None` for a division by zero.
    pub(crate) fn divide(self, other: Decimal) -> Option<Decimal> {
        let (left, right, _) = self.aligned(other)?;
        let fits = |scale| Some((left.checked_mul(ten(scale)?)?, scale));
        let (left, scale) = (0..=MAX_SCALE).rev().find_map(fits)?;
        let (mut digits, rest) = (left.checked_div(right)?, left.checked_rem(right)?);
        if rest.unsigned_abs() >= right.unsigned_abs().div_ceil(2) {
            digits += left.signum() * right.signum();
        }
        let mut quotient = Decimal { digits, scale };
        while quotient.scale > 0 && quotient.digits % 10 == 0 {
            quotient = Decimal { digits: quotient.digits / 10, scale: quotient.scale - 1 };
        }
        Some(quotient)
    }

    /// The whole part of the quotient.
    pub(crate) fn div(self, other: Decimal) -> Option<Decimal> {
        let (left, right, _) = self.aligned(other)?;
        Some(Decimal { digits: left.checked_div(right)?, scale: 0 })
    }

    /// What remains behind [`Decimal::div`].
    pub(crate) fn modulo(self, other: Decimal) -> Option<Decimal> {
        let (left, right, scale) = self.aligned(other)?;
        Some(Decimal { digits: left.checked_rem(right)?, scale })
    }

    /// The least (`-1`) or greatest (`1`) number that would be written as this one with the digits given: half a unit
    /// of the last digit away, with one digit more (FHIRPath 2.0, boundary functions).
    pub(crate) fn boundary(self, direction: i128) -> Option<Decimal> {
        let digits = self.digits.checked_mul(10)?.checked_add(5 * direction)?;
        Some(Decimal { digits, scale: self.scale + 1 })
    }
}

fn ten(exponent: u32) -> Option<i128> {
    10i128.checked_pow(exponent)
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Decimal) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        match self.aligned(*other) {
            Some((left, right, _)) => Some(left.cmp(&right)),
            None => self.to_f64().partial_cmp(&other.to_f64()),
        }
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let digits = self.digits.unsigned_abs().to_string();
        let scale = self.scale as usize;
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn boundaries_lie_half_a_unit_of_the_last_written_digit_away() {
        assert_eq!(decimal("1.0").boundary(-1).unwrap().to_string(), "0.95");
        assert_eq!(decimal("1.0").boundary(1).unwrap().to_string(), "1.05");
        assert_eq!(decimal("1").boundary(1).unwrap().to_string(), "1.5");
        assert_eq!(decimal("-0.34").boundary(-1).unwrap().to_string(), "-0.345");
    }

    #[test]
    fn sums_of_decimals_are_exact() {
        assert_eq!(decimal("0.1").add(decimal("0.2")).unwrap(), decimal("0.3"));
        assert_eq!(decimal("1e3"), decimal("1000.0"));
        assert_eq!(decimal("25E-2").to_string(), "0.25");
        assert_eq!(decimal("7.5").modulo(decimal("2")).unwrap(), decimal("1.5"));
        assert!(decimal("1").divide(decimal("0.0")).is_none());
    }

    #[test]
    fn digits_behind_the_point_that_cannot_be_carried_are_given_up() {
        let long = format!("3.{}", "14159265".repeat(8));
        assert_eq!(decimal(&long).to_f64(), long.parse::<f64>().unwrap());
        assert!(decimal("1e-30").is_zero() && decimal("-1.5e-400").is_zero());
        assert_eq!(decimal("0.00000000000000000000000000016").to_f64(), 2e-28);
        for text in ["1e400", "123456789012345678901234567890123456789012345.5", "3.1x", "x", "1.x"]
        {
            assert!(Decimal::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_quotient_is_as_exact_as_can_be_carried() {
        let quotient = |a: &str, b: &str| decimal(a).divide(decimal(b)).unwrap();
        assert_eq!(quotient("10", "4").to_string(), "2.5");
        assert_eq!(quotient("-9", "3").to_string(), "-3");
        assert_eq!(quotient("2", "3").to_f64(), 2.0 / 3.0);
        assert_eq!(quotient("-1", "3000000").to_f64(), -1.0 / 3_000_000.0);
        assert_eq!(quotient("123456789012345678", "1.0").to_string(), "123456789012345678");
        // More digits behind the point than a product can keep.
        let third = quotient("1", "3");
        assert_eq!(third.multiply(third).unwrap().to_f64(), 1.0 / 9.0);
    }

    #[test]
    fn rounding_goes_down_up_or_to_the_nearest() {
        for (text, digits, down, up, near) in [
            ("1.587", 2, "1.58", "1.59", "1.59"),
            ("-1.587", 2, "-1.59", "-1.58", "-1.59"),
            ("2.5", 0, "2", "3", "3"),
            ("-2.5", 0, "-3", "-2", "-3"),
            ("1.5", 3, "1.500", "1.500", "1.500"),
        ] {
            let value = decimal(text);
            assert_eq!(value.floor(digits).unwrap().to_string(), down);
            assert_eq!(value.ceiling(digits).unwrap().to_string(), up);
            assert_eq!(value.rounded(digits).unwrap().to_string(), near);
        }
    }

    proptest! {
        #[test]
        fn a_decimal_is_written_as_it_was_read(digits in any::<i64>(), scale in 0usize..10) {
            let text = Decimal { digits: i128::from(digits), scale: scale as u32 }.to_string();
            prop_assert_eq!(decimal(&text).to_string(), text);
        }

        #[test]
        fn the_order_of_decimals_is_that_of_their_values(a in -10_000i64..10_000, b in -10_000i64..10_000, scale in 0u32..6) {
            let wide = Decimal { digits: i128::from(b) * 10i128.pow(scale), scale };
            prop_assert_eq!(Decimal::integer(a).partial_cmp(&wide), a.partial_cmp(&b));
        }
    }
}
