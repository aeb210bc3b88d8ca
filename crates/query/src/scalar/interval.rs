//! How far an expression of released numbers can be off, from how far they can.

use super::{Arithmetic, Kind, Literal, NumberFunction, Scalar};

/// Lower and upper end of an expression where each number column lies within its own ends; `None` where that cannot be said. `whole`
/// says of which columns the numbers are whole.
pub(crate) fn interval(
    scalar: &Scalar,
    column: &dyn Fn(usize) -> Option<(f64, f64)>,
    whole: &dyn Fn(usize) -> bool,
) -> Option<(f64, f64)> {
    let of = |inner: &Scalar| interval(inner, column, whole);
    match scalar {
        Scalar::Column(index) => column(*index),
        Scalar::Literal(Literal::Integer(number)) => Some((*number as f64, *number as f64)),
        Scalar::Literal(Literal::Decimal(number)) => Some((*number, *number)),
        // Conversions between numbers move a value by less than one, downwards or upwards.
        Scalar::Convert(inner, Kind::Decimal) => of(inner),
        Scalar::Convert(inner, Kind::Integer) => {
            of(inner).map(|(lower, upper)| (lower.floor(), upper.ceil()))
        }
        Scalar::Number(function, inner) => {
            let (lower, upper) = of(inner)?;
            match function {
                NumberFunction::Negate => Some((-upper, -lower)),
                NumberFunction::Floor => Some((lower.floor(), upper.floor())),
                NumberFunction::Ceil => Some((lower.ceil(), upper.ceil())),
                NumberFunction::Round => Some((lower.round(), upper.round())),
                NumberFunction::Sqrt if lower >= 0.0 => Some((lower.sqrt(), upper.sqrt())),
                NumberFunction::Abs if lower >= 0.0 => Some((lower, upper)),
                NumberFunction::Abs if upper <= 0.0 => Some((-upper, -lower)),
                NumberFunction::Abs => Some((0.0, upper.max(-lower))),
                _ => None,
            }
        }
        Scalar::Arithmetic(op, left, right) => {
            let ((a, b), (c, d)) = (of(left)?, of(right)?);
            if *op == Arithmetic::Remainder || *op == Arithmetic::Divide && c <= 0.0 && d >= 0.0 {
                return None;
            }
            let ends = [(a, c), (a, d), (b, c), (b, d)];
            let ends = ends.map(|(x, y)| super::bounds::decimal(*op, x, y));
            let low = ends.iter().copied().fold(f64::INFINITY, f64::min);
            let high = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            // A quotient of whole numbers loses what is behind its point.
            let cut = *op == Arithmetic::Divide && is_whole(left, whole) && is_whole(right, whole);
            let (low, high) = if cut { (low.floor(), high.ceil()) } else { (low, high) };
            (low.is_finite() && high.is_finite()).then_some((low, high))
        }
        _ => None,
    }
}

/// Whether an expression of numbers is one of whole numbers.
fn is_whole(scalar: &Scalar, whole: &dyn Fn(usize) -> bool) -> bool {
    match scalar {
        Scalar::Column(index) => whole(*index),
        Scalar::Literal(literal) => matches!(literal, Literal::Integer(_)),
        Scalar::Convert(_, kind) => *kind == Kind::Integer,
        Scalar::Number(_, inner) => is_whole(inner, whole),
        Scalar::Arithmetic(_, left, right) => is_whole(left, whole) && is_whole(right, whole),
        _ => false,
    }
}
