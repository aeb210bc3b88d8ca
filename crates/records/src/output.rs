//! Rows into the formats that other programs read, a batch at a time.

use std::error::Error;
use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::csv;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::writer::{FileWriter, StreamWriter};
use arrow::json::writer::LineDelimited;
use arrow::json::{self, ArrayWriter};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;

use crate::error::RecordsError;
use crate::parquet_files::writer_properties;

/// Bytes of a Parquet row group that are held before they are written out.
const ROW_GROUP: usize = 32 << 20;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormat {
    /// A JSON object a line, with all columns; those without a value are null.
    Ndjson,
    /// Comma-separated values with a header (RFC 4180). No value is an empty field; several values of one row are a JSON
    /// array.
    Csv,
    /// Parquet, compressed by Zstandard.
    Parquet,
    /// An Arrow IPC file.
    Arrow,
    /// An Arrow IPC stream.
    ArrowStream,
}

/// Writes the rows of one table; [`RowWriter::finish`] makes the output whole.
pub struct RowWriter<W: Write + Send> {
    inner: Inner<W>,
    rows: u64,
}

enum Inner<W: Write + Send> {
    Ndjson(json::Writer<W, LineDelimited>),
    Csv(csv::Writer<W>, SchemaRef),
    Parquet(Box<ArrowWriter<W>>),
    Arrow(FileWriter<W>),
    Stream(StreamWriter<W>),
}

impl<W: Write + Send> RowWriter<W> {
    /// A writer of rows of this schema.
    ///
    /// # Errors
    /// [`RecordsError::Rows`] where the beginning cannot be written.
    pub fn new(
        output: W,
        format: RowFormat,
        schema: &SchemaRef,
    ) -> Result<RowWriter<W>, RecordsError> {
        let inner = match format {
            RowFormat::Ndjson => {
                let builder = json::WriterBuilder::new().with_explicit_nulls(true);
                Inner::Ndjson(builder.build(output))
            }
            RowFormat::Csv => {
                let flat = flat_schema(schema);
                let mut writer = csv::WriterBuilder::new().with_header(true).build(output);
                // The header is there even if no row comes.
                writer.write(&RecordBatch::new_empty(flat.clone())).map_err(failed)?;
                Inner::Csv(writer, flat)
            }
            RowFormat::Parquet => {
                let properties = Some(writer_properties());
                let writer = ArrowWriter::try_new(output, schema.clone(), properties);
                Inner::Parquet(Box::new(writer.map_err(failed)?))
            }
            RowFormat::Arrow => Inner::Arrow(FileWriter::try_new(output, schema).map_err(failed)?),
            RowFormat::ArrowStream => {
                Inner::Stream(StreamWriter::try_new(output, schema).map_err(failed)?)
            }
        };
        Ok(RowWriter { inner, rows: 0 })
    }

    /// Writes more rows.
    ///
    /// # Errors
    /// [`RecordsError::Rows`].
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), RecordsError> {
        match &mut self.inner {
            Inner::Ndjson(writer) => writer.write(rows).map_err(failed)?,
            Inner::Csv(writer, schema) => writer.write(&flat(rows, schema)?).map_err(failed)?,
            Inner::Parquet(writer) => {
                writer.write(rows).map_err(failed)?;
                if writer.in_progress_size() > ROW_GROUP {
                    writer.flush().map_err(failed)?;
                }
            }
            Inner::Arrow(writer) => writer.write(rows).map_err(failed)?,
            Inner::Stream(writer) => writer.write(rows).map_err(failed)?,
        }
        self.rows += rows.num_rows() as u64;
        Ok(())
    }

    /// Rows until now.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Writes the end and gives the output back.
    ///
    /// # Errors
    /// [`RecordsError::Rows`].
    pub fn finish(self) -> Result<W, RecordsError> {
        let mut output = match self.inner {
            Inner::Ndjson(mut writer) => {
                writer.finish().map_err(failed)?;
                writer.into_inner()
            }
            Inner::Csv(writer, _) => writer.into_inner(),
            Inner::Parquet(writer) => writer.into_inner().map_err(failed)?,
            Inner::Arrow(writer) => writer.into_inner().map_err(failed)?,
            Inner::Stream(writer) => writer.into_inner().map_err(failed)?,
        };
        output.flush().map_err(failed)?;
        Ok(output)
    }
}

fn failed(error: impl Error + Send + Sync + 'static) -> RecordsError {
    RecordsError::Rows(Box::new(error))
}

/// The schema with a text in place of each list.
fn flat_schema(schema: &SchemaRef) -> SchemaRef {
    let field = |field: &Arc<Field>| match field.data_type() {
        DataType::List(_) => Arc::new(Field::new(field.name(), DataType::Utf8, true)),
        _ => field.clone(),
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

/// The rows with a JSON array in place of each list.
fn flat(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, RecordsError> {
    let column = |column: &ArrayRef| match column.data_type() {
        DataType::List(_) => json_arrays(column),
        _ => Ok(column.clone()),
    };
    let columns: Result<Vec<_>, RecordsError> = rows.columns().iter().map(column).collect();
    Ok(RecordBatch::try_new(schema.clone(), columns?)?)
}

fn json_arrays(column: &ArrayRef) -> Result<ArrayRef, RecordsError> {
    let lists = column.as_list::<i32>();
    let field = Arc::new(Field::new("item", lists.value_type(), true));
    let schema = Arc::new(Schema::new(vec![field]));
    let mut texts = StringBuilder::new();
    for at in 0..lists.len() {
        if lists.is_null(at) {
            texts.append_null();
            continue;
        }
        let batch = RecordBatch::try_new(schema.clone(), vec![lists.value(at)])?;
        let builder = json::WriterBuilder::new().with_explicit_nulls(true);
        let mut writer: ArrayWriter<Vec<u8>> = builder.build(Vec::new());
        writer.write(&batch).map_err(failed)?;
        writer.finish().map_err(failed)?;
        let items: Vec<serde_json::Value> =
            serde_json::from_slice(&writer.into_inner()).map_err(failed)?;
        let values: serde_json::Value =
            items.into_iter().map(|item| item["item"].clone()).collect();
        texts.append_value(values.to_string());
    }
    Ok(Arc::new(texts.finish()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use arrow::ipc::reader::{FileReader, StreamReader};

    use super::*;
    use crate::CompiledView;

    fn names() -> RecordBatch {
        let view = r#"{"resource":"Patient","select":[{"column":[
            {"name":"id","path":"id"},
            {"name":"active","path":"active"},
            {"name":"given","path":"name.given","collection":true},
            {"name":"born","path":"birthDate"}]}]}"#;
        let patients = [
            r#"{"resourceType":"Patient","id":"a","active":true,"name":[{"given":["Ö, \"x\"","y"]}]}"#,
            r#"{"resourceType":"Patient","id":"b","birthDate":"2000"}"#,
        ];
        CompiledView::parse(view).unwrap().run(patients).unwrap()
    }

    fn written(format: RowFormat, rows: &[RecordBatch]) -> Vec<u8> {
        let mut writer = RowWriter::new(Vec::new(), format, &names().schema()).unwrap();
        rows.iter().for_each(|rows| writer.write(rows).unwrap());
        assert_eq!(writer.rows() as usize, rows.iter().map(RecordBatch::num_rows).sum::<usize>());
        writer.finish().unwrap()
    }

    #[test]
    fn lines_of_json_name_every_column_in_the_views_order() {
        let text = String::from_utf8(written(RowFormat::Ndjson, &[names()])).unwrap();
        let expected = [
            r#"{"id":"a","active":true,"given":["Ö, \"x\"","y"],"born":null}"#,
            r#"{"id":"b","active":null,"given":[],"born":"2000"}"#,
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        assert_eq!(written(RowFormat::Ndjson, &[]), b"");
    }

    #[test]
    fn comma_separated_values_have_their_header_and_lists_as_json() {
        let text = String::from_utf8(written(RowFormat::Csv, &[names(), names()])).unwrap();
        let rows = "a,true,\"[\"\"Ö, \\\"\"x\\\"\"\"\",\"\"y\"\"]\",\nb,,[],2000\n";
        assert_eq!(text, format!("id,active,given,born\n{rows}{rows}"));
        assert_eq!(written(RowFormat::Csv, &[]), b"id,active,given,born\n");
    }

    #[test]
    fn binary_formats_come_back_as_they_were_written() {
        let rows = [names(), names()];
        let file =
            FileReader::try_new(std::io::Cursor::new(written(RowFormat::Arrow, &rows)), None);
        assert_eq!(file.unwrap().map(Result::unwrap).collect::<Vec<_>>(), rows);
        let bytes = written(RowFormat::ArrowStream, &rows);
        let stream = StreamReader::try_new(&bytes[..], None).unwrap();
        assert_eq!(stream.map(Result::unwrap).collect::<Vec<_>>(), rows);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        std::fs::write(&path, written(RowFormat::Parquet, &[names()])).unwrap();
        assert_eq!(crate::read_parquet(&path).unwrap(), names());
    }
}
