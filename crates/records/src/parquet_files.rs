//! Tables as Parquet files, whole or not at all.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::error::RecordsError;

/// Writes a table (Parquet, compressed by Zstandard) under a temporary name, and gives it its own name when it is whole
/// and on the disk. A reader sees the old file or the new one.
///
/// # Errors
/// [`RecordsError::Io`] and [`RecordsError::Parquet`]; the old file, if any, is untouched then.
pub fn write_parquet(table: &RecordBatch, path: &Path) -> Result<(), RecordsError> {
    let partial = partial_name(path);
    let written = write_to(table, path, &partial);
    if written.is_err() {
        // Nothing more can be done if this fails too; the first error is the one to tell.
        let _ = fs::remove_file(&partial);
    }
    written
}

fn write_to(table: &RecordBatch, path: &Path, partial: &Path) -> Result<(), RecordsError> {
    let fail = |source| RecordsError::Parquet { action: "write", path: path.to_path_buf(), source };
    let compression = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder().set_compression(compression).build();
    let file = File::create(partial).map_err(RecordsError::io("write", path))?;
    let mut writer = ArrowWriter::try_new(file, table.schema(), Some(properties)).map_err(fail)?;
    writer.write(table).map_err(fail)?;
    let file = writer.into_inner().map_err(fail)?;
    finish(&file, partial, path)
}

/// Brings a whole file to the disk and gives it its name.
pub(crate) fn finish(file: &File, partial: &Path, path: &Path) -> Result<(), RecordsError> {
    file.sync_all().map_err(RecordsError::io("write", path))?;
    fs::rename(partial, path).map_err(RecordsError::io("write", path))?;
    // The name must survive a power cut as well; systems that cannot open folders do this by themselves.
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().map_err(RecordsError::io("write", path))?;
    }
    Ok(())
}

/// The name of a file while it is being written: no reader of FHIR or Parquet takes it for one of its own.
pub(crate) fn partial_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// Reads a table that [`write_parquet`] wrote, or any other of flat columns.
///
/// # Errors
/// [`RecordsError::Io`] and [`RecordsError::Parquet`].
pub fn read_parquet(path: &Path) -> Result<RecordBatch, RecordsError> {
    let fail = |source| RecordsError::Parquet { action: "read", path: path.to_path_buf(), source };
    let file = File::open(path).map_err(RecordsError::io("read", path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(fail)?;
    // The schema as it was written; the builder's own also has the file's key-value metadata.
    let schema = builder.schema().as_ref().clone().with_metadata(Default::default());
    let batches: Result<Vec<_>, _> = builder.build().map_err(fail)?.collect();
    let batches = batches.map_err(|error| fail(ParquetError::ArrowError(error.to_string())))?;
    let table = concat_batches(&std::sync::Arc::new(schema.clone()), &batches);
    table.map_err(RecordsError::from)
}
