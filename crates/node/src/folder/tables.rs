//! Files of a folder as tables of the types that its schema names.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchReader};
use arrow::compute::{CastOptions, cast_with_options, concat_batches};
use arrow::datatypes::{DataType, Field, Schema};
use caduceus_query::{PublicDomain, PublicSchema, PublicTable};
use caduceus_records::Tables;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};

use crate::error::{NodeError, Result};

/// Columns by table, the patient's first.
pub(super) type Wanted = Vec<(String, Vec<String>)>;

/// The files that a question reads.
pub(super) struct Files<'a> {
    pub tables: Vec<Source<'a>>,
}

/// The file of one table.
pub(super) struct Source<'a> {
    pub path: PathBuf,
    pub table: &'a PublicTable,
    /// The patient's column first.
    columns: Vec<String>,
}

/// A column as it stands in its file, and in the type that the schema names.
pub(super) struct Column {
    pub name: String,
    pub stored: ArrayRef,
    pub values: ArrayRef,
}

impl<'a> Files<'a> {
    /// Finds the file of each table: the one that the schema names, or the table's name with `.parquet` or `.csv`.
    ///
    /// `wanted` says which columns are read of which table, the patient's first.
    pub fn find(dir: &Path, schema: &'a PublicSchema, wanted: Wanted) -> Result<Self> {
        let known =
            wanted.into_iter().filter_map(|(name, columns)| Some((schema.table(&name)?, columns)));
        let tables = known.map(|(table, columns)| {
            let names = match &table.file {
                Some(file) => vec![file.clone()],
                None => vec![format!("{}.parquet", table.name), format!("{}.csv", table.name)],
            };
            let found = names.iter().map(|name| dir.join(name)).find(|path| path.is_file());
            let path = found.ok_or_else(|| {
                NodeError::TableFile(format!(
                    "table `{}` has no file: put {} into {}, or name another with the key `file` of the schema",
                    table.name,
                    names.join(" or "),
                    dir.display()
                ))
            })?;
            Ok(Source { path, table, columns })
        });
        Ok(Self { tables: tables.collect::<Result<_>>()? })
    }

    /// The SHA-256 of what the question can see, names included.
    pub fn content(&self) -> Result<[u8; 32]> {
        let mut hash = Sha256::new();
        let mut block = vec![0; 1 << 20];
        for source in &self.tables {
            let fail = |error| NodeError::file("read", &source.path, error);
            hash.update((source.table.name.len() as u64).to_be_bytes());
            hash.update(source.table.name.as_bytes());
            let mut file = File::open(&source.path).map_err(fail)?;
            hash.update(file.metadata().map_err(fail)?.len().to_be_bytes());
            loop {
                let read = file.read(&mut block).map_err(fail)?;
                if read == 0 {
                    break;
                }
                hash.update(&block[..read]);
            }
        }
        Ok(hash.finalize().into())
    }

    /// The tables, with the columns that the question reads in the types that the schema names. A value that is none of its type is
    /// NULL.
    pub fn read(&self) -> Result<Tables> {
        let read = self.tables.iter().map(Source::read).collect::<Result<Vec<_>>>()?;
        // One type of patient key for all tables, so that `17` is `17` whether a file has it as a number or as a text.
        let whole = |batch: &RecordBatch| batch.column(0).data_type() == &DataType::Int64;
        let all_whole = read.iter().all(whole);
        let tables = self.tables.iter().zip(read).map(|(source, batch)| {
            let batch = if all_whole { batch } else { source.with_text_keys(batch)? };
            Ok((source.table.name.clone(), batch))
        });
        Ok(Tables(tables.collect::<Result<BTreeMap<_, _>>>()?))
    }
}

impl Source<'_> {
    /// The columns in their order. A value that is none of its type is NULL among the values.
    pub fn columns(&self) -> Result<Vec<Column>> {
        let csv =
            self.path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let batch = if csv { self.csv()? } else { self.parquet()? };
        let columns = self.columns.iter().enumerate().map(|(index, name)| {
            let array = batch.column_by_name(name).ok_or_else(|| self.missing(name))?;
            let target = match index {
                0 if array.data_type().is_integer() => DataType::Int64,
                0 => DataType::Utf8,
                _ => self.data_type(name),
            };
            let values = self.cast(array, &target)?;
            Ok(Column { name: name.clone(), stored: Arc::clone(array), values })
        });
        columns.collect()
    }

    fn read(&self) -> Result<RecordBatch> {
        let fields_and_values = self.columns()?.into_iter().map(|column| {
            let kind = column.values.data_type().clone();
            (Field::new(column.name, kind, true), column.values)
        });
        let (fields, columns): (Vec<_>, Vec<_>) = fields_and_values.unzip();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns);
        batch.map_err(|error| self.unreadable(error))
    }

    fn data_type(&self, name: &str) -> DataType {
        let column = self.table.columns.iter().find(|column| column.name == name);
        match column.map(|column| &column.domain) {
            Some(PublicDomain::Integer(_)) => DataType::Int64,
            Some(PublicDomain::Decimal(_)) => DataType::Float64,
            Some(PublicDomain::Flag) => DataType::Boolean,
            Some(PublicDomain::Text(_)) | None => DataType::Utf8,
        }
    }

    fn cast(&self, array: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
        let options = CastOptions { safe: true, ..CastOptions::default() };
        cast_with_options(array, target, &options).map_err(|error| self.unreadable(error))
    }

    fn with_text_keys(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let mut columns = batch.columns().to_vec();
        columns[0] = self.cast(&columns[0], &DataType::Utf8)?;
        let fields = self.columns.iter().zip(&columns);
        let fields = fields.map(|(name, array)| Field::new(name, array.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        RecordBatch::try_new(schema, columns).map_err(|error| self.unreadable(error))
    }

    fn parquet(&self) -> Result<RecordBatch> {
        let file =
            File::open(&self.path).map_err(|error| NodeError::file("read", &self.path, error))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(|error| self.unreadable(error))?;
        let wanted = self.columns.iter().map(String::as_str);
        let mask = ProjectionMask::columns(builder.parquet_schema(), wanted);
        let reader = builder.with_projection(mask).with_batch_size(1 << 16).build();
        let reader = reader.map_err(|error| self.unreadable(error))?;
        let schema = reader.schema();
        let batches = reader.collect::<std::result::Result<Vec<_>, _>>();
        let batches = batches.map_err(|error| self.unreadable(error))?;
        concat_batches(&schema, &batches).map_err(|error| self.unreadable(error))
    }

    /// All columns as text first: what is no value of its type then becomes NULL rather than an error that tells of a row.
    fn csv(&self) -> Result<RecordBatch> {
        let fail = |error| NodeError::file("read", &self.path, error);
        let mut file = File::open(&self.path).map_err(fail)?;
        let format = arrow_csv::reader::Format::default().with_header(true);
        let (header, _) = format
            .infer_schema(BufReader::new(&mut file), Some(0))
            .map_err(|error| self.unreadable(error))?;
        file.rewind().map_err(fail)?;
        let names: Vec<&str> = header.fields().iter().map(|field| field.name().as_str()).collect();
        let wanted = self.columns.iter().map(|name| {
            names.iter().position(|known| known == name).ok_or_else(|| self.missing(name))
        });
        let wanted = wanted.collect::<Result<Vec<_>>>()?;
        let texts = names.iter().map(|name| Field::new(*name, DataType::Utf8, true));
        let texts = Arc::new(Schema::new(texts.collect::<Vec<_>>()));
        let reader = arrow_csv::ReaderBuilder::new(Arc::clone(&texts))
            .with_format(format)
            .with_batch_size(1 << 16)
            .with_projection(wanted.clone())
            .build(file)
            .map_err(|error| self.unreadable(error))?;
        let schema = Arc::new(texts.project(&wanted).map_err(|error| self.unreadable(error))?);
        let batches = reader.collect::<std::result::Result<Vec<_>, _>>();
        let batches = batches.map_err(|error| self.unreadable(error))?;
        concat_batches(&schema, &batches).map_err(|error| self.unreadable(error))
    }

    fn missing(&self, column: &str) -> NodeError {
        NodeError::TableFile(format!(
            "{} has no column `{column}`, which the schema names for table `{}`; mend the schema or the file",
            self.path.display(),
            self.table.name
        ))
    }

    /// What the reader says may quote a value: it goes no further than its kind.
    fn unreadable<E: std::error::Error>(&self, _: E) -> NodeError {
        NodeError::TableFile(format!(
            "{} cannot be read as table `{}`: it is no whole Parquet file or CSV file with a header, or a column cannot have the type that the schema names; mend the file or the schema",
            self.path.display(),
            self.table.name
        ))
    }
}
