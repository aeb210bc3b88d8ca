//! Any table, read from CSV or Parquet, column by column as numbers for different values.
//!
//! Everything that protects a table asks which rows agree, so that a column is kept as a list of its different values
//! and one number for each row. An empty value is a missing one.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray, UInt32Array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use hashbrown::HashMap;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;

/// The first bytes of a Parquet file.
const PARQUET: &[u8] = b"PAR1";
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A table of texts.
#[derive(Clone, PartialEq, Eq)]
pub struct Table {
    /// The columns in their order; all have as many rows.
    pub columns: Vec<Column>,
}

/// A column: its different values, and which of them each row has.
#[derive(Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name in the table.
    pub name: String,
    /// The different values, in the order in which they first appear; `""` is a missing value.
    pub values: Vec<String>,
    /// For each row the position of its value.
    pub codes: Vec<u32>,
    /// Its type in the Parquet file that it came from, text where it came from none. It is written with it again where all
    /// of its values still are of it.
    pub kind: DataType,
}

/// How a table came, so that it can be written the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text with a delimiter.
    Csv {
        /// The character between two values.
        delimiter: u8,
    },
    /// Apache Parquet.
    Parquet,
}

/// Why a table cannot be read or written. No value of the table is ever part of it.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// There is not even a first line.
    #[error("the table is empty; its first line must name the columns")]
    Empty,
    /// Two columns have one name.
    #[error("the table has two columns named '{0}'; rename one of them")]
    Twice(String),
    /// A column has no name.
    #[error("column {0} of the table has no name; write one into the first line")]
    Nameless(usize),
    /// A line has more or fewer values than the first.
    #[error("line {line} of the table has {found} values where the first line names {expected}")]
    Ragged {
        /// Its number, the first being 1.
        line: u64,
        /// Values that it has.
        found: u64,
        /// Values that it should have.
        expected: u64,
    },
    /// A line is no text.
    #[error("line {0} of the table is not UTF-8; save the table as UTF-8")]
    Encoding(u64),
    /// The CSV reader gave up.
    #[error("the table cannot be read as CSV near line {0}")]
    Csv(u64),
    /// The file is no proper Parquet.
    #[error("the table cannot be read or written as Parquet: {0}")]
    Parquet(#[from] ParquetError),
    /// Arrow could not make sense of a column.
    #[error("the table cannot be read or written: {0}")]
    Arrow(#[from] ArrowError),
    /// More rows than can be numbered.
    #[error("the table has more than {} rows; split it", u32::MAX)]
    TooLong,
}

impl Table {
    /// Reads CSV (delimited by `;`, `,` or tabs, whichever the first line has most of) or Parquet, whichever it is.
    ///
    /// # Errors
    /// [`TableError`] with the line where it is known.
    pub fn read(bytes: &[u8]) -> Result<(Table, Format), TableError> {
        if bytes.starts_with(PARQUET) {
            return Ok((Table::from_parquet(bytes)?, Format::Parquet));
        }
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
        let delimiter = delimiter(bytes);
        Ok((Table::from_csv(bytes, delimiter)?, Format::Csv { delimiter }))
    }

    fn from_csv(bytes: &[u8], delimiter: u8) -> Result<Table, TableError> {
        let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(bytes);
        let headers = reader.byte_headers().map_err(|error| csv_error(&error))?.clone();
        if headers.is_empty() {
            return Err(TableError::Empty);
        }
        let names = headers
            .iter()
            .map(|name| std::str::from_utf8(name).map_err(|_| TableError::Encoding(1)))
            .collect::<Result<Vec<&str>, TableError>>()?;
        let mut columns = named(names.into_iter())?;
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(|error| csv_error(&error))? {
            for (column, value) in columns.iter_mut().zip(&record) {
                let line = || record.position().map_or(0, csv::Position::line);
                let value = std::str::from_utf8(value).map_err(|_| TableError::Encoding(line()))?;
                column.push(value.trim())?;
            }
        }
        Ok(Table { columns: columns.into_iter().map(Builder::finish).collect() })
    }

    fn from_parquet(bytes: &[u8]) -> Result<Table, TableError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(bytes))?;
        let schema = builder.schema().clone();
        let mut columns = named(schema.fields().iter().map(|field| field.name().as_str()))?;
        for (column, field) in columns.iter_mut().zip(schema.fields()) {
            column.column.kind = field.data_type().clone();
        }
        for batch in builder.build()? {
            let batch = batch?;
            for (column, array) in columns.iter_mut().zip(batch.columns()) {
                column.extend(array)?;
            }
        }
        Ok(Table { columns: columns.into_iter().map(Builder::finish).collect() })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |column| column.codes.len())
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The table as a file.
    ///
    /// # Errors
    /// [`TableError::Parquet`] or [`TableError::Arrow`] where a column cannot be written.
    pub fn write(&self, format: Format) -> Result<Vec<u8>, TableError> {
        match format {
            Format::Csv { delimiter } => Ok(self.to_csv(delimiter)),
            Format::Parquet => self.to_parquet(),
        }
    }

    #[expect(clippy::expect_used, reason = "writing to memory cannot fail")]
    fn to_csv(&self, delimiter: u8) -> Vec<u8> {
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        let names = self.columns.iter().map(|column| column.name.as_bytes());
        writer.write_record(names).expect("writing to memory cannot fail");
        for row in 0..self.rows() {
            let values = self.columns.iter().map(|column| column.value(row).as_bytes());
            writer.write_record(values).expect("writing to memory cannot fail");
        }
        writer.into_inner().expect("writing to memory cannot fail")
    }

    fn to_parquet(&self) -> Result<Vec<u8>, TableError> {
        let array = |column: &Column| -> ArrayRef {
            let values = (0..self.rows()).map(|row| Some(column.value(row)));
            let texts =
                values.map(|value| value.filter(|v| !v.is_empty())).collect::<StringArray>();
            column.of_its_kind(Arc::new(texts))
        };
        let arrays: Vec<ArrayRef> = self.columns.iter().map(array).collect();
        let field = |(column, array): (&Column, &ArrayRef)| {
            Field::new(&column.name, array.data_type().clone(), true)
        };
        let fields: Vec<Field> = self.columns.iter().zip(&arrays).map(field).collect();
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(schema.clone(), arrays)?;
        let mut writer = ArrowWriter::try_new(Vec::new(), schema, None)?;
        writer.write(&batch)?;
        Ok(writer.into_inner()?)
    }
}

impl Column {
    /// A column of these values.
    pub fn of<'a>(name: &str, values: impl IntoIterator<Item = &'a str>) -> Column {
        let mut builder = Builder::new(name);
        for value in values {
            let code = builder.code(value);
            builder.column.codes.push(code);
        }
        builder.finish()
    }

    /// A column of that name and type with other values.
    pub(crate) fn with<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> Column {
        Column { kind: self.kind.clone(), ..Column::of(&self.name, values) }
    }

    /// Its values in its own type, unless some of them cannot be of it or would read otherwise.
    fn of_its_kind(&self, values: ArrayRef) -> ArrayRef {
        if self.kind == DataType::Utf8 {
            return values;
        }
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let Ok(typed) = cast_with_options(&values, &self.kind, &options) else { return values };
        let same = texts(&typed)
            .is_ok_and(|texts| texts.iter().enumerate().all(|(row, text)| text == self.value(row)));
        if same { typed } else { values }
    }

    /// The column as one of the first of these types that every value is of, written as values of that type are; if none is,
    /// as texts. `exactly` takes a type only where its values are written as they are here (`007` is no number then).
    pub(crate) fn in_kind(self, kinds: &[DataType], exactly: bool) -> Column {
        let values = self.values.iter().map(|value| Some(value.as_str()).filter(|v| !v.is_empty()));
        let values: ArrayRef = Arc::new(values.collect::<StringArray>());
        let options = CastOptions { safe: false, ..CastOptions::default() };
        let typed = |kind: &DataType| {
            let typed = cast_with_options(&values, kind, &options).ok()?;
            let texts = texts(&typed).ok()?;
            (!exactly || texts == self.values).then_some(texts)
        };
        let found = kinds.iter().find_map(|kind| Some((kind, typed(kind)?)));
        let Some((kind, texts)) = found else { return Column { kind: DataType::Utf8, ..self } };
        let rows = self.codes.iter().map(|&code| texts[code as usize].as_str());
        Column { kind: kind.clone(), ..Column::of(&self.name, rows) }
    }

    /// The value in a row.
    pub fn value(&self, row: usize) -> &str {
        &self.values[self.codes[row] as usize]
    }
}

/// A column as it grows.
struct Builder {
    column: Column,
    codes: HashMap<String, u32>,
}

impl Builder {
    fn new(name: &str) -> Builder {
        let (values, codes) = (Vec::new(), Vec::new());
        let column = Column { name: name.to_owned(), values, codes, kind: DataType::Utf8 };
        Builder { column, codes: HashMap::new() }
    }

    fn code(&mut self, value: &str) -> u32 {
        let next = self.column.values.len() as u32;
        let code = *self.codes.entry_ref(value).or_insert(next);
        if code == next {
            self.column.values.push(value.to_owned());
        }
        code
    }

    fn push(&mut self, value: &str) -> Result<(), TableError> {
        if self.column.codes.len() == u32::MAX as usize {
            return Err(TableError::TooLong);
        }
        let code = self.code(value);
        self.column.codes.push(code);
        Ok(())
    }

    fn extend(&mut self, array: &ArrayRef) -> Result<(), TableError> {
        // A dictionary's values are read once each.
        if let Some(dictionary) = array
            .as_any()
            .downcast_ref::<arrow::array::DictionaryArray<arrow::datatypes::UInt32Type>>()
        {
            let keys: &UInt32Array = dictionary.keys();
            let texts = texts(dictionary.values())?;
            for key in keys {
                self.push(key.map_or("", |key| texts[key as usize].as_str()))?;
            }
            return Ok(());
        }
        if let Some(texts) = array.as_any().downcast_ref::<StringArray>() {
            for text in texts {
                self.push(text.unwrap_or_default().trim())?;
            }
            return Ok(());
        }
        for text in texts(array)? {
            self.push(&text)?;
        }
        Ok(())
    }

    fn finish(self) -> Column {
        self.column
    }
}

/// The values of any array as they are shown; missing ones are empty.
fn texts(array: &ArrayRef) -> Result<Vec<String>, TableError> {
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(array.as_ref(), &options)?;
    let text = |row: usize| match array.is_null(row) {
        true => String::new(),
        false => formatter.value(row).to_string().trim().to_owned(),
    };
    Ok((0..array.len()).map(text).collect())
}

fn named<'a>(names: impl Iterator<Item = &'a str>) -> Result<Vec<Builder>, TableError> {
    let mut columns: Vec<Builder> = Vec::new();
    for (position, name) in names.map(str::trim).enumerate() {
        if name.is_empty() {
            return Err(TableError::Nameless(position + 1));
        }
        if columns.iter().any(|column| column.column.name == name) {
            return Err(TableError::Twice(name.to_owned()));
        }
        columns.push(Builder::new(name));
    }
    Ok(columns)
}

/// The delimiter that the first line has most of, outside quotes; a comma where it has none.
pub(crate) fn delimiter(bytes: &[u8]) -> u8 {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b';', 0), (b'\t', 0), (b',', 0)];
    for &byte in line {
        quoted ^= byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(d, _)| *d == byte && !quoted) {
            *count += 1;
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| delimiter)
}

fn csv_error(error: &csv::Error) -> TableError {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            TableError::Ragged { line, found: *len, expected: *expected_len }
        }
        csv::ErrorKind::Utf8 { .. } => TableError::Encoding(line),
        _ => TableError::Csv(line),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn csv(text: &str) -> Result<Table, TableError> {
        Table::read(text.as_bytes()).map(|(table, _)| table)
    }

    #[test]
    fn a_table_is_the_same_after_csv_and_after_parquet() {
        let text = "name;town;note\nA;\"X; Y\";\nB;Z;\"say \"\"no\"\"\"\nA;Z;\n";
        let (table, format) = Table::read(text.as_bytes()).unwrap();
        assert_eq!(format, Format::Csv { delimiter: b';' });
        assert_eq!(table.columns[1].value(0), "X; Y");
        for format in
            [Format::Csv { delimiter: b',' }, Format::Csv { delimiter: b'\t' }, Format::Parquet]
        {
            let bytes = table.write(format).unwrap();
            let (again, found) = Table::read(&bytes).unwrap();
            assert!(again == table && found == format, "{format:?}");
        }
    }

    #[test]
    fn a_damaged_table_is_refused_with_its_line_and_without_its_values() {
        for (text, expected) in [
            ("", "empty"),
            ("a,b,a\n1,2,3\n", "two columns named 'a'"),
            ("a,,c\n1,2,3\n", "column 2"),
            ("a,b\n1,2\nSecret\n", "line 3"),
        ] {
            let error = csv(text).err().unwrap().to_string();
            assert!(error.contains(expected) && !error.contains("Secret"), "{text}: {error}");
        }
        let error = Table::read(b"a,b\n1,\xff\n").err().unwrap().to_string();
        assert!(error.contains("line 2"), "{error}");
        assert!(Table::read(b"PAR1 and nothing else").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_table_that_reads_back_or_a_sentence(
            bytes in proptest::prop_oneof![
                proptest::collection::vec(proptest::num::u8::ANY, 0..120),
                proptest::strategy::Strategy::prop_map("([ab\"]{0,3}[;,\t\n\"]){0,30}", String::into_bytes),
            ],
        ) {
            let Ok((table, _)) = Table::read(&bytes) else { return Ok(()) };
            let written = table.write(Format::Csv { delimiter: b',' }).unwrap();
            let delimited = table.columns.len() > 1;
            if delimited && table.rows() > 0 {
                let again = Table::from_csv(&written, b',').unwrap();
                proptest::prop_assert!(again == table);
            }
        }
    }
}
