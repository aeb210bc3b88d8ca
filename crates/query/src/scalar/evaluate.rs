//! Expressions over columns side by side. Every branch is computed for every row.

use std::sync::Arc;

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Datum, Float64Array, Int64Array, StringArray,
        new_null_array,
    },
    buffer::{BooleanBuffer, NullBuffer},
    compute::kernels::{boolean, cmp, zip::zip},
    datatypes::{DataType, Float64Type, Int64Type},
};

use crate::patients::LONGEST_TEXT;

use super::{
    Arithmetic, Bounds, Comparison, Kind, Literal, NumberFunction, Scalar, TextFunction, bounds,
    pattern::Pattern,
};

impl Kind {
    /// The type of its arrays. A patient's is a flag: whether there is one.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Decimal => DataType::Float64,
            Self::Flag | Self::Person => DataType::Boolean,
        }
    }
}

/// The expression's value for each of `rows` rows.
///
/// Columns have the types of [`Kind::data_type`], as the plan was checked with; none of them holds a NaN.
pub(crate) fn evaluate(scalar: &Scalar, columns: &[ArrayRef], rows: usize) -> ArrayRef {
    let of = |inner: &Scalar| evaluate(inner, columns, rows);
    match scalar {
        Scalar::Column(index) => Arc::clone(&columns[*index]),
        Scalar::Literal(literal) => repeat(literal, rows),
        Scalar::Not(inner) => Arc::new(sound(boolean::not(of(inner).as_boolean()))),
        Scalar::All(parts) => chain(parts, &of, true, rows),
        Scalar::Any(parts) => chain(parts, &of, false, rows),
        Scalar::IsNull(inner) => Arc::new(sound(boolean::is_null(&of(inner)))),
        Scalar::Is(inner, flag) => {
            let array = of(inner);
            let array = array.as_boolean();
            let values = if *flag { array.values().clone() } else { !array.values() };
            let values = array.nulls().map_or(values.clone(), |valid| &values & valid.inner());
            Arc::new(BooleanArray::new(values, None))
        }
        Scalar::Compare(op, left, right) => Arc::new(compare(*op, left, right, columns, rows)),
        Scalar::In(inner, list) => Arc::new(contained(&of(inner), list)),
        Scalar::Arithmetic(op, left, right) => arithmetic(*op, &of(left), &of(right)),
        Scalar::Number(function, inner) => number(*function, &of(inner)),
        Scalar::Text(function, inner) => text(*function, of(inner).as_string()),
        Scalar::Like(inner, pattern, ignore_case) => {
            let (texts, pattern) = (of(inner), Pattern::new(pattern, *ignore_case));
            let texts = texts.as_string::<i32>();
            let fits = |row| pattern.fits(texts.value(row).chars());
            let fits = BooleanBuffer::collect_bool(texts.len(), fits);
            Arc::new(BooleanArray::new(fits, texts.nulls().cloned()))
        }
        Scalar::Coalesce(parts) => {
            let mut parts = parts.iter().rev().map(&of);
            let last = parts.next().expect("COALESCE is built of at least one part");
            parts.fold(last, |rest, first| {
                let known = sound(boolean::is_not_null(&first));
                sound(zip(&known, &first, &rest))
            })
        }
        Scalar::Case(branches, otherwise) => {
            branches.iter().rev().fold(of(otherwise), |rest, (condition, value)| {
                let condition = of(condition);
                sound(zip(&held(condition.as_boolean()), &of(value), &rest))
            })
        }
        Scalar::Convert(inner, kind) => convert(&of(inner), *kind),
        Scalar::Clamp(inner, bounds) => clamp(&of(inner), *bounds),
        Scalar::Bucket(inner, edges) => {
            let array = of(inner);
            let place = |value: f64| edges.partition_point(|edge| *edge <= value) as i64;
            Arc::new(array.as_primitive::<Float64Type>().unary::<_, Int64Type>(place))
        }
        Scalar::Label(inner, labels) => {
            let array = of(inner);
            let label = |place: Option<i64>| labels.get(usize::try_from(place?).ok()?);
            let labelled = array.as_primitive::<Int64Type>().iter().map(label);
            Arc::new(labelled.collect::<StringArray>())
        }
    }
}

/// The result of a kernel that fails for mismatched types and lengths only.
fn sound<T, E: std::fmt::Debug>(result: Result<T, E>) -> T {
    result.expect("checked expressions have operands of one type and one length")
}

/// Where a condition holds, NULL taken for no.
fn held(condition: &BooleanArray) -> BooleanArray {
    match condition.nulls() {
        None => condition.clone(),
        Some(valid) => BooleanArray::new(condition.values() & valid.inner(), None),
    }
}

fn repeat(literal: &Literal, rows: usize) -> ArrayRef {
    match literal {
        Literal::Null(kind) => new_null_array(&kind.data_type(), rows),
        Literal::Flag(flag) => {
            let values =
                if *flag { BooleanBuffer::new_set(rows) } else { BooleanBuffer::new_unset(rows) };
            Arc::new(BooleanArray::new(values, None))
        }
        Literal::Integer(number) => Arc::new(Int64Array::from_value(*number, rows)),
        Literal::Decimal(number) => Arc::new(Float64Array::from_value(*number, rows)),
        Literal::Text(text) => {
            Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, rows)))
        }
    }
}

/// A chain of AND (`all`) or OR, by the logic of three values.
fn chain(parts: &[Scalar], of: &dyn Fn(&Scalar) -> ArrayRef, all: bool, rows: usize) -> ArrayRef {
    let whole = BooleanBuffer::collect_bool(rows, |_| all);
    let start = BooleanArray::new(whole, None);
    let joined = parts.iter().fold(start, |joined, part| {
        let part = of(part);
        let part = part.as_boolean();
        sound(match all {
            true => boolean::and_kleene(&joined, part),
            false => boolean::or_kleene(&joined, part),
        })
    });
    Arc::new(joined)
}

fn compare(
    op: Comparison,
    left: &Scalar,
    right: &Scalar,
    columns: &[ArrayRef],
    rows: usize,
) -> BooleanArray {
    let kernel = match op {
        Comparison::Equal => cmp::eq,
        Comparison::NotEqual => cmp::neq,
        Comparison::Less => cmp::lt,
        Comparison::LessEqual => cmp::lt_eq,
        Comparison::Greater => cmp::gt,
        Comparison::GreaterEqual => cmp::gt_eq,
        Comparison::Distinct => cmp::distinct,
        Comparison::NotDistinct => cmp::not_distinct,
    };
    let left = evaluate(left, columns, rows);
    // A literal is compared as one value rather than as a column of copies.
    let right: Box<dyn Datum> = match right {
        Scalar::Literal(literal) => Box::new(arrow::array::Scalar::new(repeat(literal, 1))),
        other => Box::new(evaluate(other, columns, rows)),
    };
    sound(kernel(&left, right.as_ref()))
}

fn contained(array: &ArrayRef, list: &[Literal]) -> BooleanArray {
    let nulls = array.nulls().cloned();
    let values = match array.data_type() {
        DataType::Utf8 => {
            let list: std::collections::HashSet<&str> =
                list.iter().filter_map(Literal::text).collect();
            let array = array.as_string::<i32>();
            BooleanBuffer::collect_bool(array.len(), |row| list.contains(array.value(row)))
        }
        DataType::Int64 => {
            let list: std::collections::HashSet<i64> =
                list.iter().filter_map(Literal::integer).collect();
            let array = array.as_primitive::<Int64Type>();
            BooleanBuffer::collect_bool(array.len(), |row| list.contains(&array.value(row)))
        }
        DataType::Float64 => {
            let list: Vec<f64> = list.iter().filter_map(Literal::decimal).collect();
            let array = array.as_primitive::<Float64Type>();
            BooleanBuffer::collect_bool(array.len(), |row| list.contains(&array.value(row)))
        }
        _ => {
            let list: Vec<bool> = list.iter().filter_map(Literal::flag).collect();
            let array = array.as_boolean();
            BooleanBuffer::collect_bool(array.len(), |row| list.contains(&array.value(row)))
        }
    };
    BooleanArray::new(values, nulls)
}

impl Literal {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    fn decimal(&self) -> Option<f64> {
        match self {
            Self::Decimal(number) => Some(*number),
            _ => None,
        }
    }

    fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            _ => None,
        }
    }
}

fn arithmetic(op: Arithmetic, left: &ArrayRef, right: &ArrayRef) -> ArrayRef {
    let nulls = NullBuffer::union(left.nulls(), right.nulls());
    if left.data_type() == &DataType::Int64 {
        let (left, right) = (left.as_primitive::<Int64Type>(), right.as_primitive::<Int64Type>());
        let pairs = left.values().iter().zip(right.values());
        let values: Vec<Option<i64>> = pairs.map(|(a, b)| bounds::integer(op, *a, *b)).collect();
        return Arc::new(with_nulls::<Int64Type>(values, nulls));
    }
    let (left, right) = (left.as_primitive::<Float64Type>(), right.as_primitive::<Float64Type>());
    let pairs = left.values().iter().zip(right.values());
    let values = pairs.map(|(a, b)| {
        let value = bounds::decimal(op, *a, *b);
        (!value.is_nan()).then_some(value)
    });
    Arc::new(with_nulls::<Float64Type>(values.collect(), nulls))
}

/// Values that exist where no operand is NULL.
fn with_nulls<T: arrow::datatypes::ArrowPrimitiveType>(
    values: Vec<Option<T::Native>>,
    nulls: Option<NullBuffer>,
) -> arrow::array::PrimitiveArray<T> {
    let made = values
        .iter()
        .any(Option::is_none)
        .then(|| NullBuffer::from_iter(values.iter().map(Option::is_some)));
    let nulls = NullBuffer::union(made.as_ref(), nulls.as_ref());
    let values = values.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>();
    arrow::array::PrimitiveArray::new(values.into(), nulls)
}

fn number(function: NumberFunction, array: &ArrayRef) -> ArrayRef {
    if array.data_type() == &DataType::Int64 {
        let array = array.as_primitive::<Int64Type>();
        return Arc::new(array.unary::<_, Int64Type>(|value| match function {
            NumberFunction::Negate => value.saturating_neg(),
            NumberFunction::Abs => value.saturating_abs(),
            _ => value,
        }));
    }
    let array = array.as_primitive::<Float64Type>();
    let values = array.values().iter().map(|value| bounds::number(function, *value)).collect();
    Arc::new(with_nulls::<Float64Type>(values, array.nulls().cloned()))
}

fn text(function: TextFunction, array: &StringArray) -> ArrayRef {
    let map = |change: fn(&str) -> String| -> ArrayRef {
        Arc::new(array.iter().map(|text| text.map(change)).collect::<StringArray>())
    };
    match function {
        TextFunction::Lower => map(lower),
        TextFunction::Upper => map(upper),
        TextFunction::Trim => map(|text| text.trim().to_owned()),
        TextFunction::Length => {
            let lengths = array.iter().map(|text| text.map(|text| text.chars().count() as i64));
            Arc::new(lengths.collect::<Int64Array>())
        }
    }
}

/// In small letters. Some letters become several, so that a text may be cut off where one from a table would be.
pub(super) fn lower(text: &str) -> String {
    cut(text.to_lowercase())
}

/// As [`lower`], in capitals.
pub(super) fn upper(text: &str) -> String {
    cut(text.to_uppercase())
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LONGEST_TEXT));
    text
}

fn convert(array: &ArrayRef, kind: Kind) -> ArrayRef {
    if array.data_type() == &kind.data_type() {
        return Arc::clone(array);
    }
    let nulls = array.nulls().cloned();
    match (array.data_type(), kind) {
        (DataType::Int64, Kind::Decimal) => Arc::new(
            array.as_primitive::<Int64Type>().unary::<_, Float64Type>(|value| value as f64),
        ),
        (DataType::Float64, Kind::Integer) => Arc::new(
            array.as_primitive::<Float64Type>().unary::<_, Int64Type>(|value| value as i64),
        ),
        (DataType::Boolean, Kind::Integer) => {
            let values = array.as_boolean().values().iter().map(i64::from).collect::<Vec<_>>();
            Arc::new(Int64Array::new(values.into(), nulls))
        }
        (DataType::Boolean, Kind::Decimal) => {
            let flags = array.as_boolean().values().iter();
            let values = flags.map(|flag| f64::from(u8::from(flag))).collect::<Vec<_>>();
            Arc::new(Float64Array::new(values.into(), nulls))
        }
        (DataType::Utf8, Kind::Integer) => {
            let read = |text: Option<&str>| text?.trim().parse().ok();
            Arc::new(array.as_string::<i32>().iter().map(read).collect::<Int64Array>())
        }
        (DataType::Utf8, Kind::Decimal) => {
            let read = |text: Option<&str>| {
                text?
                    .trim()
                    .parse()
                    .ok()
                    .filter(|number: &f64| !number.is_nan())
                    .map(|number| number + 0.0)
            };
            Arc::new(array.as_string::<i32>().iter().map(read).collect::<Float64Array>())
        }
        // No other pair is built; NULL is the value of what cannot be converted.
        (_, kind) => new_null_array(&kind.data_type(), array.len()),
    }
}

fn clamp(array: &ArrayRef, bounds: Bounds) -> ArrayRef {
    match bounds {
        Bounds::Integer(lower, upper) => {
            let array = array.as_primitive::<Int64Type>();
            Arc::new(array.unary::<_, Int64Type>(|value| value.clamp(lower, upper)))
        }
        // Not `clamp`, which would panic at a NaN under a NULL.
        Bounds::Decimal(lower, upper) => {
            let array = array.as_primitive::<Float64Type>();
            Arc::new(array.unary::<_, Float64Type>(|value| value.max(lower).min(upper)))
        }
    }
}
