#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use arrow::array::{BooleanArray, Float64Array, Int64Array, StringArray};

use super::*;

fn tables() -> Tables {
    let columns: [(&str, ArrayRef); 6] = [
        (
            "who",
            Arc::new(StringArray::from(vec![Some("b"), Some("a"), Some("b"), None, Some("b")])),
        ),
        ("whole", Arc::new(Int64Array::from(vec![Some(7), Some(-1_000), None, Some(9), Some(8)]))),
        (
            "decimal",
            Arc::new(Float64Array::from(vec![
                Some(1.5),
                Some(f64::NAN),
                None,
                Some(9.0),
                Some(1e9),
            ])),
        ),
        (
            "flag",
            Arc::new(BooleanArray::from(vec![
                Some(true),
                Some(false),
                None,
                Some(true),
                Some(true),
            ])),
        ),
        (
            "code",
            Arc::new(StringArray::from(vec![Some("y"), Some("x"), None, Some("x"), Some("other")])),
        ),
        (
            "text",
            Arc::new(StringArray::from(vec![
                Some("E11.9"),
                Some(""),
                None,
                Some("x"),
                Some("E11.9"),
            ])),
        ),
    ];
    let other: [(&str, ArrayRef); 2] = [
        ("who", Arc::new(StringArray::from(vec!["c", "b"]))),
        ("n", Arc::new(arrow::array::Int32Array::from(vec![5, 6]))),
    ];
    let batch =
        |columns: &[(&str, ArrayRef)]| RecordBatch::try_from_iter(columns.to_vec()).unwrap();
    Tables([("one".to_owned(), batch(&columns)), ("two".to_owned(), batch(&other))].into())
}

fn input(name: &str, max_rows: u32, columns: &[(&str, Cell)]) -> InputTable {
    let columns = columns
        .iter()
        .map(|(name, cell)| InputColumn { name: (*name).to_owned(), cell: cell.clone() });
    InputTable { name: name.into(), person: "who".into(), max_rows, columns: columns.collect() }
}

fn inputs(max_rows: u32) -> Vec<InputTable> {
    let list = Cell::Code(vec!["x".into(), "y".into()]);
    let columns = [
        ("whole", Cell::Integer(Some((-10, 10)))),
        ("decimal", Cell::Decimal(Some((0.0, 100.0)))),
        ("flag", Cell::Flag),
        ("code", list),
        ("text", Cell::Text),
    ];
    vec![input("one", max_rows, &columns), input("two", 1, &[("n", Cell::Integer(None))])]
}

/// What is expected, written down as docs/algorithms.md describes it.
#[derive(Default)]
struct Expected(Vec<u8>);

impl Expected {
    fn words(mut self, words: &[u32]) -> Self {
        words.iter().for_each(|word| self.0.extend(word.to_le_bytes()));
        self
    }

    fn wholes(mut self, numbers: &[i64]) -> Self {
        numbers.iter().for_each(|number| self.0.extend(number.to_le_bytes()));
        self
    }

    fn decimal(mut self, number: f64) -> Self {
        self.0.extend(number.to_le_bytes());
        self
    }
}

fn record(records: &Records, patient: usize) -> Vec<u8> {
    let mut record = vec![1, 2, 3];
    records.write(&records.prefix(4, &[0.5]), patient, &mut record);
    record
}

#[test]
fn records_are_as_documented_byte_for_byte() {
    let records = Records::read(&inputs(2), &tables()).unwrap();
    assert_eq!(records.patients(), 3, "a, b and c; nobody without a key");
    let code = i64::from_le_bytes(Sha256::digest(b"E11.9")[..8].try_into().unwrap());
    let empty = i64::from_le_bytes(Sha256::digest(b"")[..8].try_into().unwrap());
    let start = || Expected::default().words(&[1, 4, 1, 2]).decimal(0.5);
    let first = [0, 1, 2, 3, 4, 0];
    let a = start()
        .words(&[1, 5])
        .words(&first)
        .wholes(&[-10])
        .decimal(f64::NAN)
        .wholes(&[0, 0, empty]);
    assert_eq!(record(&records, 0), a.words(&[0, 1, 0, 0]).0);
    // Two of three rows, in their order.
    let b = start().words(&[2, 5]).words(&first).wholes(&[7]).decimal(1.5).wholes(&[1, 1, code]);
    let b = b.wholes(&[i64::MIN]).decimal(f64::NAN).wholes(&[-1, -1, 0]);
    assert_eq!(record(&records, 1), b.words(&[1, 1, 0, 0]).wholes(&[6]).0);
    let c = start().words(&[0, 5]).words(&first).words(&[1, 1, 0, 0]).wholes(&[5]);
    assert_eq!(record(&records, 2), c.0);
    // The third row: held within its bounds, and a text that is not published.
    let all = Records::read(&inputs(9), &tables()).unwrap();
    let third = Expected::default().wholes(&[8]).decimal(100.0).wholes(&[1, -1, code]).0;
    let rows = record(&all, 1);
    assert_eq!(rows[56 + 80..56 + 120], third);
    assert_eq!(rows.len() % 8, 0);
}

#[test]
fn a_step_reads_the_released_numbers_as_a_table_of_one_column() {
    let expected =
        Expected::default().words(&[1, 3, 2, 1]).decimal(0.5).decimal(-2.0).words(&[3, 1, 1, 0]);
    let expected = expected.decimal(7.0).decimal(8.0).decimal(9.0);
    assert_eq!(step_record(3, &[0.5, -2.0], &[7.0, 8.0, 9.0]), expected.0);
}

#[test]
fn the_order_of_rows_and_tables_without_rows_change_no_record() {
    let tables = tables();
    let one = tables.get("one").unwrap();
    let reversed: Vec<u64> = (0..one.num_rows() as u64).rev().collect();
    let order = arrow::array::UInt64Array::from(reversed);
    let shuffled = arrow::compute::take_record_batch(one, &order).unwrap();
    let mut other = Tables(tables.0.clone());
    other.0.insert("one".into(), shuffled);
    let (first, second) =
        (Records::read(&inputs(1), &tables).unwrap(), Records::read(&inputs(1), &other).unwrap());
    assert_eq!(record(&first, 0), record(&second, 0));
    assert_eq!(record(&first, 2), record(&second, 2));
    assert_ne!(
        record(&first, 1),
        record(&second, 1),
        "which of the rows come first is the order of the file"
    );
    let empty = Records::read(&inputs(1), &Tables(Default::default())).unwrap();
    assert_eq!(empty.patients(), 0);
}

#[test]
fn a_column_that_is_missing_or_cannot_be_read_is_named() {
    let missing = [input("one", 1, &[("nothing", Cell::Flag)])];
    let error = Records::read(&missing, &tables()).err().unwrap();
    assert_eq!(error, SandboxError::Column { table: "one".into(), column: "nothing".into() });
}
