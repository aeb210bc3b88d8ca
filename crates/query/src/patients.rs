//! Tables in the order of their patients, ready for questions.

use std::{cmp::Ordering, collections::BTreeMap, ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, UInt32Array},
    buffer::NullBuffer,
    compute::take,
    datatypes::DataType,
};
use caduceus_records::Tables;

use crate::{PublicSchema, RunError};

/// The tables of a dataset in the order of their patients, each of whom has a number that is the same in all tables.
///
/// Made once for a dataset and asked as often as wanted. Where a table comes in that order, as the vault stores it, nothing is moved: one
/// comparison of neighbours shows it. Where it does not, runs of rows of one patient are sorted, and rows of one patient keep their
/// order. Rows without a patient are nobody's, and left out.
pub struct PatientTables {
    tables: BTreeMap<String, PatientTable>,
    count: u32,
}

/// One table in the order of patients.
pub(crate) struct PatientTable {
    /// Columns by name.
    pub columns: BTreeMap<String, ArrayRef>,
    pub rows: usize,
    /// Patients that have rows, ascending.
    pub ids: Vec<u32>,
    /// Where each patient's rows begin, and where the last one's end.
    pub starts: Vec<u32>,
}

impl PatientTables {
    /// Puts the tables that the schema names in the order of their patients; others are not read. A table that the schema names and
    /// `tables` does not hold has no rows (all its patients may have left).
    ///
    /// The work is all computation and can take seconds on millions of rows: call it where blocking is allowed.
    ///
    /// # Errors
    /// [`RunError::Column`] if a table has no patient column of a published type.
    pub fn new(tables: &Tables, schema: &PublicSchema) -> Result<Self, RunError> {
        let held = schema.tables.iter().filter_map(|table| {
            tables.get(&table.name).map(|batch| (table.name.clone(), batch, &table.person))
        });
        let sorted = held.map(|(name, batch, person)| {
            let missing = || RunError::Column { table: name.clone(), column: person.clone() };
            let keys = Keys::of(batch, person).ok_or_else(missing)?;
            Ok((name, Sorted::new(batch, keys)?))
        });
        let (names, sorted): (Vec<_>, Vec<_>) =
            sorted.collect::<Result<Vec<_>, RunError>>()?.into_iter().unzip();
        let (ids, count) = number(&sorted);
        let tables = sorted.into_iter().zip(ids).map(|(sorted, ids)| PatientTable {
            columns: sorted.columns,
            rows: sorted.starts.last().map_or(0, |end| *end as usize),
            ids,
            starts: sorted.starts,
        });
        Ok(Self { tables: names.into_iter().zip(tables).collect(), count })
    }

    /// Patients with rows in any of the tables.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn get(&self, name: &str) -> Option<&PatientTable> {
        self.tables.get(name)
    }
}

impl std::fmt::Debug for PatientTables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.tables.iter().map(|(name, table)| (name, table.rows))).finish()
    }
}

/// A table whose rows are in the order of patients.
struct Sorted {
    columns: BTreeMap<String, ArrayRef>,
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
    fn of(batch: &RecordBatch, person: &str) -> Option<Self> {
        let array = batch.column_by_name(person)?;
        match array.data_type() {
            DataType::Utf8 => Some(Self::Text(array.as_string().clone())),
            DataType::Int64 => Some(Self::Whole(array.as_primitive().clone())),
            _ => None,
        }
    }

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

/// Bytes of a text that questions see; what is beyond is cut off, so that no row takes more memory than others can.
pub const LONGEST_TEXT: usize = 1_024;

/// Rows of one patient in one table that questions see; what is beyond is left out. Far more than anybody publishes as a bound: with
/// [`LONGEST_TEXT`] it keeps every column of a patient's rows within what its offsets can tell.
pub const MOST_ROWS: u32 = 1_000_000;

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
    fn new(batch: &RecordBatch, keys: Keys) -> Result<Self, RunError> {
        let names = batch.schema_ref().fields().iter().map(|field| field.name().clone());
        let columns = names.zip(batch.columns().iter().map(shortened));
        let few = |starts: &Vec<u32>| starts.windows(2).all(|pair| pair[1] - pair[0] <= MOST_ROWS);
        if let Some(starts) = keys.in_order().filter(few) {
            let firsts = starts[..starts.len() - 1].to_vec();
            return Ok(Self { columns: columns.collect(), keys, firsts, starts });
        }
        let mut runs = keys.runs();
        // Stable: the runs of one patient keep their order.
        runs.sort_by(|one, other| keys.compare(one.start as usize, other.start as usize));
        let (mut firsts, mut starts, mut end) = (Vec::new(), Vec::new(), 0_u32);
        for run in &mut runs {
            let same = firsts.last().is_some_and(|first: &u32| {
                keys.compare(*first as usize, run.start as usize) == Ordering::Equal
            });
            if !same {
                firsts.push(run.start);
                starts.push(end);
            }
            let before = starts.last().map_or(0, |start| end - start);
            run.end = run.end.min(run.start + (MOST_ROWS - before));
            end += run.len() as u32;
        }
        starts.push(end);
        let columns = reorder(columns, &runs)?;
        Ok(Self { columns, keys, firsts, starts })
    }
}

/// A column whose texts are no longer than [`LONGEST_TEXT`]; where all are, nothing is copied.
fn shortened(column: &ArrayRef) -> ArrayRef {
    let Some(texts) = column.as_string_opt::<i32>() else { return Arc::clone(column) };
    let long = |pair: &[i32]| (pair[1] - pair[0]) as usize > LONGEST_TEXT;
    if !texts.value_offsets().windows(2).any(long) {
        return Arc::clone(column);
    }
    let cut = |text: &str| text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned();
    Arc::new(texts.iter().map(|text| text.map(cut)).collect::<StringArray>())
}

/// Columns with their rows in the order of these runs.
fn reorder(
    columns: impl Iterator<Item = (String, ArrayRef)>,
    runs: &[Range<u32>],
) -> Result<BTreeMap<String, ArrayRef>, RunError> {
    let rows = UInt32Array::from_iter_values(runs.iter().cloned().flatten());
    let taken = columns.map(|(name, column)| {
        Ok((name, take(&column, &rows, None).map_err(|_| RunError::Engine)?))
    });
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
