//! The tables of a question, patient by patient.
//!
//! Rows of a table are put in the order of their patients, and each patient gets a number that is the same in all tables. Where a table
//! comes in that order, as the vault stores it, nothing is moved: one comparison of neighbours shows it. Where it does not, runs of rows
//! of one patient are sorted, and rows of one patient keep their order.

use std::{cmp::Ordering, ops::Range, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Int64Array, NullArray, StringArray, UInt32Array,
        new_empty_array,
    },
    buffer::{BooleanBuffer, NullBuffer},
    compute::take,
    datatypes::{DataType, Float64Type, Int64Type},
};
use caduceus_records::Tables;

use super::{RunError, relation::Rows};
use crate::{
    plan::{ReleasePlan, TableRef},
    scalar::Bounds,
};

/// All tables of a question, with common numbers for their patients.
pub(super) struct Patients {
    tables: Vec<Table>,
    count: u32,
}

/// One table in the order of patients.
struct Table {
    /// The columns of its [`TableRef`].
    columns: Vec<ArrayRef>,
    bounds: Vec<Option<Bounds>>,
    /// Patients that have rows, ascending.
    ids: Vec<u32>,
    /// Where each patient's rows begin, and where the last one's end.
    starts: Vec<u32>,
}

impl Patients {
    pub fn read(plan: &ReleasePlan, tables: &Tables) -> Result<Self, RunError> {
        let sorted = plan.tables.iter().map(|table| Sorted::read(table, tables));
        let sorted = sorted.collect::<Result<Vec<_>, _>>()?;
        let (ids, count) = number(&sorted);
        let tables =
            sorted.into_iter().zip(ids).zip(&plan.tables).map(|((sorted, ids), table)| Table {
                columns: sorted.columns,
                bounds: table.columns.iter().map(|column| column.bounds).collect(),
                ids,
                starts: sorted.starts,
            });
        Ok(Self { tables: tables.collect(), count })
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    /// The rows of some patients in one table: whether there is a patient first, then its columns.
    pub fn rows(&self, table: usize, patients: Range<u32>) -> Rows {
        let table = &self.tables[table];
        let from = table.ids.partition_point(|id| *id < patients.start);
        let to = table.ids.partition_point(|id| *id < patients.end);
        let first = table.starts[from];
        let (offset, length) = (first as usize, (table.starts[to] - first) as usize);
        let person = BooleanArray::new(BooleanBuffer::new_set(length), None);
        let columns = table.columns.iter().zip(&table.bounds);
        let columns = columns.map(|(column, bounds)| tame(column.slice(offset, length), *bounds));
        Rows {
            ids: table.ids[from..to].to_vec(),
            starts: table.starts[from..=to].iter().map(|start| start - first).collect(),
            columns: std::iter::once(Arc::new(person) as ArrayRef).chain(columns).collect(),
            kept: None,
        }
    }
}

/// Values outside of their bounds as the bound, and what is no number as NULL. Where all is well nothing is copied.
fn tame(column: ArrayRef, bounds: Option<Bounds>) -> ArrayRef {
    match (column.data_type(), bounds) {
        (DataType::Int64, Some(Bounds::Integer(lower, upper))) => {
            let array = column.as_primitive::<Int64Type>();
            let outside = |value: &i64| *value < lower || *value > upper;
            match array.values().iter().fold(false, |any, value| any | outside(value)) {
                true => Arc::new(array.unary::<_, Int64Type>(|value| value.clamp(lower, upper))),
                false => column,
            }
        }
        (DataType::Float64, bounds) => {
            let (lower, upper) = bounds.map_or((f64::NEG_INFINITY, f64::INFINITY), Bounds::decimal);
            let array = column.as_primitive::<Float64Type>();
            // What is no number is not within anything. There is one zero, as in SQL: the kernels that compare know two.
            let outside = |value: &f64| {
                !(*value >= lower && *value <= upper) || value.to_bits() == (-0.0_f64).to_bits()
            };
            match array.values().iter().fold(false, |any, value| any | outside(value)) {
                true => {
                    let held = array.iter().map(|value| {
                        value
                            .filter(|value| !value.is_nan())
                            .map(|value| value.clamp(lower, upper) + 0.0)
                    });
                    Arc::new(held.collect::<arrow::array::Float64Array>())
                }
                false => column,
            }
        }
        _ => column,
    }
}

/// A table whose rows are in the order of patients.
struct Sorted {
    columns: Vec<ArrayRef>,
    keys: Keys,
    /// A row of each patient, in the order of the keys as they were stored.
    firsts: Vec<u32>,
    starts: Vec<u32>,
}

/// The patient column.
enum Keys {
    Text(StringArray),
    Whole(Int64Array),
}

impl Keys {
    fn compare(&self, one: usize, other: usize) -> Ordering {
        match self {
            Self::Text(keys) => keys.value(one).cmp(keys.value(other)),
            Self::Whole(keys) => keys.value(one).cmp(&keys.value(other)),
        }
    }

    fn compare_across(&self, one: usize, keys: &Self, other: usize) -> Ordering {
        match (self, keys) {
            (Self::Text(one_keys), Self::Text(keys)) => one_keys.value(one).cmp(keys.value(other)),
            (Self::Whole(one_keys), Self::Whole(keys)) => {
                one_keys.value(one).cmp(&keys.value(other))
            }
            // Numbers before texts: patients of both kinds are never the same.
            (Self::Whole(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Whole(_)) => Ordering::Greater,
        }
    }

    /// Where each patient's rows begin, if the rows are in the order of their keys already and none lacks one.
    fn in_order(&self) -> Option<Vec<u32>> {
        match self {
            Self::Text(keys) => {
                let (offsets, bytes) = (keys.value_offsets(), keys.value_data());
                let key = |row: usize| &bytes[offsets[row] as usize..offsets[row + 1] as usize];
                starts_in_order(keys, |row| same_text(key(row - 1), key(row)), key)
            }
            Self::Whole(keys) => {
                let values = keys.values();
                starts_in_order(keys, |row| values[row - 1] == values[row], |row| values[row])
            }
        }
    }

    /// Runs of rows with one key, rows without a key left out.
    fn runs(&self) -> Vec<Range<u32>> {
        match self {
            Self::Text(keys) => {
                let (offsets, bytes) = (keys.value_offsets(), keys.value_data());
                let key = |row: usize| &bytes[offsets[row] as usize..offsets[row + 1] as usize];
                runs(keys.len(), keys.nulls(), key)
            }
            Self::Whole(keys) => {
                let values = keys.values();
                runs(keys.len(), keys.nulls(), |row| values[row])
            }
        }
    }
}

/// Whether two texts are the same. Keys are short and nearly always the same, for which two comparisons of eight bytes are enough.
#[inline]
fn same_text(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let ends = |text: &[u8]| Some((*text.first_chunk::<8>()?, *text.last_chunk::<8>()?));
    match (ends(one), ends(other)) {
        (Some(one), Some(other)) if one != other => false,
        (Some(_), Some(_)) if one.len() <= 16 => true,
        _ => one == other,
    }
}

/// Rows that are worth a thread of their own.
const ROWS_OF_A_THREAD: usize = 200_000;

/// The rows that begin a patient's, and the number of rows; `None` at the first row that is out of order.
fn starts_in_order<K: Ord>(
    keys: &dyn Array,
    same: impl Fn(usize) -> bool + Sync,
    key: impl Fn(usize) -> K + Sync,
) -> Option<Vec<u32>> {
    if keys.null_count() > 0 {
        return None;
    }
    let part = |range: Range<usize>| {
        let mut found = Vec::new();
        for row in range {
            if row == 0 {
                found.push(0);
            } else if !same(row) {
                if key(row - 1) > key(row) {
                    return None;
                }
                found.push(row as u32);
            }
        }
        Some(found)
    };
    let parts = in_parallel(keys.len(), &part).into_iter().collect::<Option<Vec<_>>>()?;
    let mut starts = parts.concat();
    starts.push(keys.len() as u32);
    Some(starts)
}

fn runs<K: Ord>(
    rows: usize,
    nulls: Option<&NullBuffer>,
    key: impl Fn(usize) -> K + Sync,
) -> Vec<Range<u32>> {
    let valid = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(row));
    // A run begins where a row has a key that the row before has not, and ends before a row of which the same is true.
    let part = |range: Range<usize>| {
        let mut found = Vec::new();
        for row in range {
            let (here, before) = (valid(row), row > 0 && valid(row - 1));
            if here != before || here && key(row - 1) != key(row) {
                found.push((row as u32, here));
            }
        }
        found
    };
    let marks = in_parallel(rows, &part).concat();
    let ends = marks.iter().skip(1).map(|(row, _)| *row).chain([rows as u32]);
    let runs = marks.iter().zip(ends).filter(|((_, begins), _)| *begins);
    runs.map(|((start, _), end)| *start..end).collect()
}

/// The results of parts of the rows, in order.
fn in_parallel<T: Send>(rows: usize, part: &(impl Fn(Range<usize>) -> T + Sync)) -> Vec<T> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = processors.min(rows / ROWS_OF_A_THREAD).max(1);
    let edge = |thread: usize| rows * thread / threads;
    if threads == 1 {
        return vec![part(0..rows)];
    }
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..threads).map(|one| scope.spawn(move || part(edge(one)..edge(one + 1)))).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("comparing neighbours cannot panic"))
            .collect()
    })
}

impl Sorted {
    fn read(table: &TableRef, tables: &Tables) -> Result<Self, RunError> {
        let batch = tables.get(&table.name);
        let missing =
            |column: &str| RunError::Column { table: table.name.clone(), column: column.into() };
        let column = |name: &str, data_type: &DataType| match batch {
            None => Ok(new_empty_array(data_type)),
            Some(batch) => {
                let array =
                    batch.column_by_name(name).filter(|array| array.data_type() == data_type);
                array.cloned().ok_or_else(|| missing(name))
            }
        };
        let whole = batch.and_then(|batch| batch.column_by_name(&table.person));
        let keys = match whole.map(|array| array.data_type()) {
            Some(DataType::Int64) => {
                Keys::Whole(column(&table.person, &DataType::Int64)?.as_primitive().clone())
            }
            _ => Keys::Text(column(&table.person, &DataType::Utf8)?.as_string().clone()),
        };
        let rows = batch.map_or(0, arrow::array::RecordBatch::num_rows);
        let columns = table.columns.iter().map(|one| match one.needed {
            true => column(&one.name, &one.kind.data_type()),
            false => Ok(Arc::new(NullArray::new(rows)) as ArrayRef),
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        if let Some(starts) = keys.in_order() {
            let firsts = starts[..starts.len() - 1].to_vec();
            return Ok(Self { columns, keys, firsts, starts });
        }
        let mut runs = keys.runs();
        // Stable: the runs of one patient keep their order.
        runs.sort_by(|one, other| keys.compare(one.start as usize, other.start as usize));
        let columns = reorder(&columns, &runs)?;
        let (mut firsts, mut starts, mut end) = (Vec::new(), Vec::new(), 0_u32);
        for run in runs {
            let same = firsts.last().is_some_and(|first: &u32| {
                keys.compare(*first as usize, run.start as usize) == Ordering::Equal
            });
            if !same {
                firsts.push(run.start);
                starts.push(end);
            }
            end += run.len() as u32;
        }
        starts.push(end);
        Ok(Self { columns, keys, firsts, starts })
    }
}

/// Columns with their rows in the order of these runs.
fn reorder(columns: &[ArrayRef], runs: &[Range<u32>]) -> Result<Vec<ArrayRef>, RunError> {
    let rows = UInt32Array::from_iter_values(runs.iter().cloned().flatten());
    let taken =
        columns.iter().map(|column| take(column, &rows, None).map_err(|_| RunError::Engine));
    taken.collect()
}

/// Numbers for the patients of all tables, ascending in each, and how many there are.
fn number(tables: &[Sorted]) -> (Vec<Vec<u32>>, u32) {
    if let [only] = tables {
        let count = only.firsts.len() as u32;
        return (vec![(0..count).collect()], count);
    }
    let mut next = vec![0_usize; tables.len()];
    let mut ids: Vec<Vec<u32>> =
        tables.iter().map(|table| Vec::with_capacity(table.firsts.len())).collect();
    for count in 0.. {
        let open = (0..tables.len()).filter(|index| next[*index] < tables[*index].firsts.len());
        let row = |index: usize| tables[index].firsts[next[index]] as usize;
        let compare = |one: usize, other: usize| {
            tables[one].keys.compare_across(row(one), &tables[other].keys, row(other))
        };
        let open = open.collect::<Vec<_>>();
        let Some(least) = open.iter().copied().min_by(|one, other| compare(*one, *other)) else {
            return (ids, count);
        };
        let same: Vec<usize> =
            open.into_iter().filter(|index| compare(*index, least) == Ordering::Equal).collect();
        for index in same {
            ids[index].push(count);
            next[index] += 1;
        }
    }
    (ids, u32::MAX)
}
