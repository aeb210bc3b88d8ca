//! Decimal numbers that stand on steps: whole numbers, tenths, tens. Rows can be grouped by them, by the number of the step.

use super::{Arithmetic, Kind, Literal, NumberFunction, Type, Typed};

/// What is followed: parts of steps stay within this, so that products of two are exact.
const MOST: u64 = 1_000_000_000;

/// Each value is a whole number times `times / over`; `times` is 0 where the value is always 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Steps {
    times: u64,
    over: u64,
}

impl Steps {
    /// Whole numbers.
    pub const WHOLE: Self = Self { times: 1, over: 1 };

    fn new(times: u64, over: u64) -> Option<Self> {
        let common = divisor(times, over).max(1);
        let steps = Self { times: times / common, over: over / common };
        (over > 0 && steps.times <= MOST && steps.over <= MOST).then_some(steps)
    }

    /// Those of one number with few decimal places.
    pub fn of(number: f64) -> Option<Self> {
        let mut places = (0..=6).map(|places| 10_u64.pow(places));
        places.find_map(|over| {
            let times = (number * over as f64).abs();
            (times.fract() == 0.0 && times <= MOST as f64).then(|| Self::new(times as u64, over))?
        })
    }

    /// The widest steps on which the values of both stand.
    pub fn common(self, other: Self) -> Option<Self> {
        let times = divisor(self.times * other.over, other.times * self.over);
        Self::new(times, self.over * other.over)
    }

    fn product(self, other: Self) -> Option<Self> {
        Self::new(self.times * other.times, self.over * other.over)
    }

    fn quotient(self, other: Self) -> Option<Self> {
        match other.times {
            0 => None,
            _ => Self::new(self.times * other.over, self.over * other.times),
        }
    }

    /// The steps once what is between whole numbers is cut off or rounded.
    fn whole(self) -> Self {
        if self.over == 1 { self } else { Self::WHOLE }
    }

    /// The value at the step of this number.
    pub fn value(self, number: i64) -> f64 {
        number as f64 * self.times as f64 / self.over as f64
    }
}

/// The greatest common divisor; that of 0 and a number is the number.
fn divisor(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { divisor(other, one % other) }
}

impl Type {
    /// The steps on which the numbers stand; whole numbers stand on whole ones.
    pub fn steps(&self) -> Option<Steps> {
        let whole = matches!(self.kind, Kind::Integer | Kind::Flag).then_some(Steps::WHOLE);
        self.steps.or(whole)
    }
}

impl Literal {
    pub(super) fn steps(&self) -> Option<Steps> {
        match self {
            Self::Integer(number) => Steps::of(*number as f64),
            Self::Decimal(number) => Steps::of(*number),
            _ => None,
        }
    }
}

/// The steps of what a decimal operation makes. `fixed` says whether the second number is a literal.
pub(super) fn arithmetic(op: Arithmetic, one: &Type, other: &Type, fixed: bool) -> Option<Steps> {
    let (one, other) = (one.steps()?, other.steps()?);
    match op {
        Arithmetic::Multiply => one.product(other),
        Arithmetic::Divide if fixed => one.quotient(other),
        Arithmetic::Divide => None,
        _ => one.common(other),
    }
}

/// The steps of what a function of a decimal number makes.
pub(super) fn function(function: NumberFunction, of: &Type) -> Option<Steps> {
    match function {
        NumberFunction::Negate | NumberFunction::Abs => of.steps(),
        NumberFunction::Floor | NumberFunction::Ceil | NumberFunction::Round => {
            Some(of.steps().map_or(Steps::WHOLE, Steps::whole))
        }
        NumberFunction::Sqrt | NumberFunction::Ln | NumberFunction::Exp => None,
    }
}

impl Typed {
    /// A decimal number on steps as the whole number of its step, with the steps; anything else as it is.
    pub fn stepped(self) -> (Self, Option<Steps>) {
        let steps = self.known.steps.filter(|_| self.known.kind == Kind::Decimal);
        let Some(steps) = steps else { return (self, None) };
        let number = |number: u64| Self::literal(Literal::Decimal(number as f64));
        let steps = if steps.times == 0 { Steps::WHOLE } else { steps };
        let mut place = self;
        if steps.over > 1 {
            place = place.arithmetic(Arithmetic::Multiply, number(steps.over));
        }
        if steps.times > 1 {
            place = place.arithmetic(Arithmetic::Divide, number(steps.times));
        }
        if steps != Steps::WHOLE {
            place = place.number(NumberFunction::Round);
        }
        (place.convert(Kind::Integer), Some(steps))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn steps_of_sums_and_products_are_those_of_their_values() {
        let of = |number| Steps::of(number).unwrap();
        assert_eq!(of(0.25).common(of(0.1)), Some(of(0.05)));
        assert_eq!(of(-10.0).common(of(4.0)), Some(of(2.0)));
        assert_eq!(of(0.0).common(of(7.0)), Some(of(7.0)));
        assert_eq!(Steps::WHOLE.quotient(of(10.0)), Some(of(0.1)));
        assert_eq!(of(0.5).product(of(-3.0)), Some(of(1.5)));
        assert_eq!(Steps::of(1.0 / 3.0), None);
        assert_eq!(Steps::of(f64::INFINITY), None);
        assert_eq!(of(0.1).value(3).to_bits(), 0.3_f64.to_bits());
        assert_eq!(of(1e9).product(of(10.0)), None);
    }
}
