//! Which values can come out of an expression, found by putting in all that can go in: published values, never data.

use std::{collections::BTreeSet, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Int64Array, NullArray, StringArray, new_null_array,
    },
    datatypes::{DataType, Int64Type},
};

use super::{Bounds, Key, Kind, Scalar, Type, Typed, build::MOST_VALUES, evaluate};

/// The most rows times operations that are computed for one expression; beyond, it is known by its parts.
const MOST_WORK: usize = 4_000_000;

impl Key {
    /// These values, of one kind, as a column.
    pub fn column<'a>(keys: impl Iterator<Item = &'a Self>, kind: Kind) -> ArrayRef {
        match kind {
            Kind::Integer => Arc::new(
                keys.map(|key| if let Self::Integer(number) = key { Some(*number) } else { None })
                    .collect::<Int64Array>(),
            ),
            Kind::Flag => Arc::new(
                keys.map(|key| if let Self::Flag(flag) = key { Some(*flag) } else { None })
                    .collect::<BooleanArray>(),
            ),
            // No decimal number is a key, so that all of them are NULL.
            Kind::Decimal => new_null_array(&kind.data_type(), keys.count()),
            _ => Arc::new(
                keys.map(|key| if let Self::Text(text) = key { Some(text) } else { None })
                    .collect::<StringArray>(),
            ),
        }
    }

    /// The value of a row.
    pub fn of(array: &ArrayRef, row: usize) -> Self {
        if array.is_null(row) {
            return Self::Null;
        }
        match array.data_type() {
            DataType::Utf8 => Self::Text(array.as_string::<i32>().value(row).to_owned()),
            DataType::Int64 => Self::Integer(array.as_primitive::<Int64Type>().value(row)),
            _ => Self::Flag(array.as_boolean().value(row)),
        }
    }
}

impl Type {
    /// All values that can occur and NULL, which can occur in data whatever is published; `None` where they are too many.
    fn values(&self) -> Option<Vec<Key>> {
        let values = match (&self.domain, self.bounds) {
            (Some(domain), _) => domain.to_vec(),
            (None, Some(Bounds::Integer(lower, upper)))
                if lower <= upper && upper.abs_diff(lower) < MOST_VALUES as u64 =>
            {
                (lower..=upper).map(Key::Integer).collect()
            }
            _ => return None,
        };
        Some(values.into_iter().chain([Key::Null]).collect())
    }
}

/// All combinations of values of the columns that an expression reads.
struct Inputs {
    /// Those columns; others hold nothing.
    columns: Vec<ArrayRef>,
    rows: usize,
    /// In which rows NULL stands only where it is published.
    published: Vec<bool>,
}

impl Inputs {
    fn of(scalar: &Scalar, types: &[Type]) -> Option<Self> {
        let mut read = BTreeSet::new();
        scalar.columns(&mut read);
        let lists = read.iter().map(|index| Some((*index, types[*index].values()?)));
        let lists = lists.collect::<Option<Vec<_>>>()?;
        let rows = lists.iter().try_fold(1_usize, |rows, (_, list)| {
            rows.checked_mul(list.len()).filter(|rows| *rows <= MOST_VALUES)
        })?;
        if rows.saturating_mul(scalar.parts()) > MOST_WORK {
            return None;
        }
        let width = read.last().map_or(0, |last| last + 1);
        let mut columns = vec![Arc::new(NullArray::new(rows)) as ArrayRef; width];
        let (mut published, mut stride) = (vec![true; rows], 1);
        for (index, list) in lists {
            let known = &types[index];
            let at = |row: usize| &list[row / stride % list.len()];
            columns[index] = Key::column((0..rows).map(at), known.kind);
            published.iter_mut().enumerate().for_each(|(row, published)| {
                *published &= known.nullable || *at(row) != Key::Null;
            });
            stride *= list.len();
        }
        Some(Self { columns, rows, published })
    }
}

impl Typed {
    /// With no other values than come out of it where its `columns` hold published values, if these are few. Bounds stay as they are.
    ///
    /// What comes out where a column is NULL although that is not published counts as a value, but makes no group of NULL.
    pub fn exact(mut self, columns: &[Type]) -> Self {
        let known = &mut self.known;
        if matches!(self.scalar, Scalar::Column(_) | Scalar::Literal(_))
            || !matches!(known.kind, Kind::Integer | Kind::Text | Kind::Flag)
        {
            return self;
        }
        let Some(inputs) = Inputs::of(&self.scalar, columns) else { return self };
        let found = evaluate(&self.scalar, &inputs.columns, inputs.rows);
        let mut rows = 0..inputs.rows;
        known.nullable &= rows.any(|row| found.is_null(row) && inputs.published[row]);
        // What a question itself names, as in CASE, is answered though no published value leads there: unpublished ones can.
        let computed = matches!(
            self.scalar,
            Scalar::Arithmetic(..)
                | Scalar::Number(..)
                | Scalar::Convert(..)
                | Scalar::Clamp(..)
                | Scalar::Bucket(..)
                | Scalar::Label(..)
        );
        if computed || known.kind == Kind::Integer && known.domain.is_none() {
            let there: BTreeSet<Key> = (0..inputs.rows).map(|row| Key::of(&found, row)).collect();
            let domain: Vec<Key> = match &known.domain {
                Some(domain) => domain.iter().filter(|key| there.contains(key)).cloned().collect(),
                None => there.into_iter().filter(|key| *key != Key::Null).collect(),
            };
            if !domain.is_empty() {
                known.domain = Some(Arc::new(domain));
            }
        }
        self
    }
}

/// Leaves of what is known of columns the values with which a condition can hold, by those of its parts that are about one column alone.
/// Bounds stay as they are.
pub(crate) fn narrow(condition: &Scalar, types: &mut [Type]) {
    if let Scalar::All(parts) = condition {
        return parts.iter().for_each(|part| narrow(part, types));
    }
    let mut read = BTreeSet::new();
    condition.columns(&mut read);
    let (Some(index), 1) = (read.first().copied(), read.len()) else { return };
    let (Some(values), Some(inputs)) = (types[index].values(), Inputs::of(condition, types)) else {
        return;
    };
    let found = evaluate(condition, &inputs.columns, inputs.rows);
    let found = found.as_boolean();
    // The rows of one column are its values, in their order.
    let holds = |row: usize| found.is_valid(row) && found.value(row);
    let left = values.iter().enumerate().filter(|(row, _)| holds(*row)).map(|(_, key)| key);
    let (nulls, left): (Vec<Key>, Vec<Key>) = left.cloned().partition(|key| *key == Key::Null);
    // Where nothing is left the condition does not hold by what is published, which says nothing of other values.
    if !left.is_empty() {
        let known = &mut types[index];
        known.nullable &= !nulls.is_empty();
        if left.len() + 1 < values.len() {
            known.domain = Some(Arc::new(left));
        }
    }
}
