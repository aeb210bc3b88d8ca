//! One person's rows of all tables as one run of bytes, and back.
//!
//! A person's record is a random salt and then, for each table of the schema in its order, the length in bytes (32 bits,
//! little endian) and the rows as one Arrow IPC message, nothing where there are none. The Arrow schema is not repeated
//! for everybody: it follows from the dataset's schema.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, StringArray, UInt64Array};
use arrow::buffer::Buffer;
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::MetadataVersion;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow::record_batch::RecordBatch;
use caduceus_economics::merkle;
use caduceus_records::Tables;
use caduceus_records::schema::{DatasetSchema, Domain, TableSchema};
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::keys::Entropy;

/// Bytes of the salt at the head of a record.
pub(crate) const SALT: usize = 32;
/// The longest pseudonym; it becomes a file name when its person is erased.
const LONGEST_PSEUDONYM: usize = 64;

/// The leaf that stands for a record in the table commitment. The salt keeps it from being guessed, and goes with the key.
pub(crate) fn leaf(record: &[u8]) -> [u8; 32] {
    merkle::leaf_hash(record).0
}

/// Whether a text can be a pseudonym.
pub(crate) fn check_pseudonym(pseudonym: &str) -> Result<(), VaultError> {
    let word = pseudonym.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if word && !pseudonym.is_empty() && pseudonym.len() <= LONGEST_PSEUDONYM {
        return Ok(());
    }
    Err(VaultError::Argument("a pseudonym has 1 to 64 letters, digits and dashes".to_owned()))
}

/// Tables with their rows grouped by person.
pub(crate) struct ByPerson {
    tables: Vec<Grouped>,
    /// Rows of each person, over all tables.
    pub(crate) people: BTreeMap<String, u64>,
}

struct Grouped {
    batch: RecordBatch,
    rows: BTreeMap<String, Range<usize>>,
    writer: StreamWriter<Vec<u8>>,
}

impl ByPerson {
    /// Checks the tables against their schema and groups their rows; rows of one person keep their order.
    pub(crate) fn new(tables: &Tables, schema: &DatasetSchema) -> Result<ByPerson, VaultError> {
        if let Some(extra) = tables.0.keys().find(|name| schema.table(name).is_none()) {
            return Err(VaultError::Schema {
                table: extra.clone(),
                what: "the schema has no such table".to_owned(),
            });
        }
        let mut people = BTreeMap::new();
        let mut grouped = Vec::new();
        for table in &schema.tables {
            let batch = tables
                .get(&table.name)
                .cloned()
                .unwrap_or_else(|| RecordBatch::new_empty(arrow_schema(table)));
            let group = Grouped::new(table, &batch)?;
            for (person, rows) in &group.rows {
                check_pseudonym(person)?;
                *people.entry(person.clone()).or_insert(0) += rows.len() as u64;
            }
            grouped.push(group);
        }
        Ok(ByPerson { tables: grouped, people })
    }

    /// One person's record.
    pub(crate) fn record(
        &mut self,
        person: &str,
        entropy: &mut dyn Entropy,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let mut record = Zeroizing::new(vec![0; SALT]);
        entropy.fill(record.as_mut_slice());
        for table in &mut self.tables {
            let message = match table.rows.get(person) {
                Some(rows) => {
                    message(&mut table.writer, &table.batch.slice(rows.start, rows.len()))?
                }
                None => Vec::new(),
            };
            let length = u32::try_from(message.len());
            let length = length
                .map_err(|_| VaultError::Argument("one person's rows exceed 4 GiB".to_owned()))?;
            record.extend_from_slice(&length.to_le_bytes());
            record.extend_from_slice(&message);
        }
        Ok(record)
    }
}

impl Grouped {
    fn new(table: &TableSchema, batch: &RecordBatch) -> Result<Grouped, VaultError> {
        let batch = conform(table, batch)?;
        let people = people(table, &batch)?;
        let mut order: Vec<u64> = (0..batch.num_rows() as u64).collect();
        order.sort_by_key(|&row| people.value(row as usize));
        let mut rows: BTreeMap<String, Range<usize>> = BTreeMap::new();
        for (place, &row) in order.iter().enumerate() {
            let person = people.value(row as usize);
            match rows.get_mut(person) {
                Some(range) => range.end = place + 1,
                None => {
                    rows.insert(person.to_owned(), place..place + 1);
                }
            }
        }
        let batch = take_record_batch(&batch, &UInt64Array::from(order))?;
        let writer = writer(&batch.schema())?;
        Ok(Grouped { batch, rows, writer })
    }
}

/// Puts records back together to tables.
pub(crate) struct Assembler {
    tables: Vec<(String, StreamDecoder, SchemaRef, Vec<RecordBatch>)>,
}

impl Assembler {
    pub(crate) fn new(schema: &DatasetSchema) -> Result<Assembler, VaultError> {
        let mut tables = Vec::new();
        for table in &schema.tables {
            let schema = arrow_schema(table);
            let mut decoder = StreamDecoder::new();
            let mut head = Buffer::from_vec(std::mem::take(writer_with_head(&schema)?.get_mut()));
            decoder.decode(&mut head)?;
            tables.push((table.name.clone(), decoder, schema, Vec::new()));
        }
        Ok(Assembler { tables })
    }

    /// Adds one record; `None` where the bytes are not one.
    pub(crate) fn add(&mut self, record: &[u8]) -> Option<u64> {
        let mut rest = record.get(SALT..)?;
        let mut rows = 0;
        for (_, decoder, _, batches) in &mut self.tables {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let (message, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = after;
            let mut message = Buffer::from(message);
            if message.is_empty() {
                continue;
            }
            let batch =
                decoder.decode(&mut message).ok().flatten().filter(|_| message.is_empty())?;
            rows += batch.num_rows() as u64;
            batches.push(batch);
        }
        rest.is_empty().then_some(rows)
    }

    pub(crate) fn finish(self) -> Result<Tables, VaultError> {
        let join = |(name, _, schema, batches): (String, _, SchemaRef, Vec<RecordBatch>)| {
            Ok((name, concat_batches(&schema, &batches)?))
        };
        Ok(Tables(self.tables.into_iter().map(join).collect::<Result<_, VaultError>>()?))
    }
}

/// The Arrow schema that a table's published schema stands for.
fn arrow_schema(table: &TableSchema) -> SchemaRef {
    let field = |column: &caduceus_records::schema::ColumnSchema| {
        let data_type = match column.domain {
            Domain::Person | Domain::Category { .. } | Domain::Text => DataType::Utf8,
            Domain::Integer { .. } => DataType::Int64,
            Domain::Decimal { .. } => DataType::Float64,
            Domain::Flag => DataType::Boolean,
        };
        Field::new(&column.name, data_type, column.name != table.person)
    };
    Arc::new(Schema::new(table.columns.iter().map(field).collect::<Vec<_>>()))
}

/// The table with exactly the columns of its schema.
fn conform(table: &TableSchema, batch: &RecordBatch) -> Result<RecordBatch, VaultError> {
    let schema = arrow_schema(table);
    let wrong = |what: String| VaultError::Schema { table: table.name.clone(), what };
    if batch.num_columns() != schema.fields().len() {
        return Err(wrong(format!(
            "it has {} columns and should have {}",
            batch.num_columns(),
            schema.fields().len()
        )));
    }
    let mut columns = Vec::new();
    for field in schema.fields() {
        let column = batch
            .column_by_name(field.name())
            .filter(|column| column.data_type() == field.data_type());
        let missing = || {
            wrong(format!(
                "its column '{}' is missing or not of type {}",
                field.name(),
                field.data_type()
            ))
        };
        columns.push(Arc::clone(column.ok_or_else(missing)?));
    }
    RecordBatch::try_new(schema, columns).map_err(|_| wrong("a row belongs to nobody".to_owned()))
}

fn people<'a>(table: &TableSchema, batch: &'a RecordBatch) -> Result<&'a StringArray, VaultError> {
    let column =
        batch.column_by_name(&table.person).and_then(|column| column.as_any().downcast_ref());
    column.ok_or_else(|| VaultError::Schema {
        table: table.name.clone(),
        what: format!("its column '{}' does not say whose rows these are", table.person),
    })
}

/// A writer that has written the schema.
fn writer_with_head(schema: &Schema) -> Result<StreamWriter<Vec<u8>>, VaultError> {
    // Eight bytes is the least padding that Arrow allows; records are small and there are many.
    let options = IpcWriteOptions::try_new(8, false, MetadataVersion::V5)?;
    Ok(StreamWriter::try_new_with_options(Vec::new(), schema, options)?)
}

/// A writer whose schema was thrown away, ready for rows.
fn writer(schema: &Schema) -> Result<StreamWriter<Vec<u8>>, VaultError> {
    let mut writer = writer_with_head(schema)?;
    writer.get_mut().clear();
    Ok(writer)
}

fn message(writer: &mut StreamWriter<Vec<u8>>, rows: &RecordBatch) -> Result<Vec<u8>, VaultError> {
    writer.write(rows)?;
    Ok(std::mem::take(writer.get_mut()))
}

/// Tables as bytes, whole: for staging, where rows are not published and follow no schema.
pub(crate) fn encode_tables(tables: &Tables) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let mut out = Zeroizing::new(Vec::new());
    for (name, batch) in &tables.0 {
        let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
        writer.write(batch)?;
        let stream = Zeroizing::new(writer.into_inner()?);
        for part in [name.as_bytes(), stream.as_slice()] {
            out.extend_from_slice(&(part.len() as u64).to_le_bytes());
            out.extend_from_slice(part);
        }
    }
    Ok(out)
}

/// Reads what [`encode_tables`] wrote; `None` where the bytes are something else.
pub(crate) fn decode_tables(mut bytes: &[u8]) -> Option<Tables> {
    let mut part = || {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (part, rest) =
            rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        bytes = rest;
        Some(part)
    };
    let mut tables = Tables::default();
    while let Some(name) = part() {
        let reader = arrow::ipc::reader::StreamReader::try_new(part()?, None).ok()?;
        let schema = reader.schema();
        let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().ok()?;
        let name = String::from_utf8(name.to_vec()).ok()?;
        tables.0.insert(name, concat_batches(&schema, &batches).ok()?);
    }
    bytes.is_empty().then_some(tables)
}

/// The rows that do not belong to a person; rows of nobody stay.
pub(crate) fn without(
    batch: &RecordBatch,
    column: &str,
    theirs: &dyn Fn(&str) -> bool,
) -> Result<RecordBatch, VaultError> {
    let people = batch
        .column_by_name(column)
        .and_then(|column| column.as_any().downcast_ref::<StringArray>());
    let Some(people) = people else { return Ok(batch.clone()) };
    let staying =
        (0..people.len()).filter(|&row| people.is_null(row) || !theirs(people.value(row)));
    Ok(take_record_batch(batch, &staying.map(|row| row as u64).collect::<UInt64Array>())?)
}
