//! Files that are there whole or not at all, and tables as Parquet in them.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::error::RecordsError;

/// A file in the making, under a temporary name; it gets its own when it is whole, and vanishes when it never is. What is there
/// already and is no file, such as a pipe or a device, is written to as it is.
pub struct WholeFile {
    file: File,
    /// The temporary name, until the file has its own.
    partial: Option<PathBuf>,
    path: PathBuf,
}

impl WholeFile {
    /// Begins a file.
    ///
    /// # Errors
    /// [`RecordsError::Io`].
    pub fn create(path: &Path) -> Result<WholeFile, RecordsError> {
        // Of a link, what it leads to.
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let stays = fs::metadata(&path).is_ok_and(|there| !there.is_file() && !there.is_dir());
        let (file, partial) = match stays {
            true => (File::options().write(true).open(&path), None),
            false => (File::create(partial_name(&path)), Some(partial_name(&path))),
        };
        let file = file.map_err(RecordsError::io("write", &path))?;
        Ok(WholeFile { file, partial, path })
    }

    /// Brings the file to the disk and gives it its name, in place of any that had it.
    ///
    /// # Errors
    /// [`RecordsError::Io`]; the old file, if any, is untouched then.
    pub fn finish(mut self) -> Result<(), RecordsError> {
        if let Some(partial) = &self.partial {
            finish(&self.file, partial, &self.path)?;
        }
        self.partial = None;
        Ok(())
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for WholeFile {
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            // Nothing more can be done if this fails too; why the file is not whole was said already.
            let _ = fs::remove_file(partial);
        }
    }
}

/// Writes a table (Parquet, compressed by Zstandard) under a temporary name, and gives it its own name when it is whole
/// and on the disk. A reader sees the old file or the new one.
///
/// # Errors
/// [`RecordsError::Io`] and [`RecordsError::Parquet`]; the old file, if any, is untouched then.
pub fn write_parquet(table: &RecordBatch, path: &Path) -> Result<(), RecordsError> {
    let fail = |source| RecordsError::Parquet { action: "write", path: path.to_path_buf(), source };
    let file = WholeFile::create(path)?;
    let properties = Some(writer_properties());
    let mut writer = ArrowWriter::try_new(file, table.schema(), properties).map_err(fail)?;
    writer.write(table).map_err(fail)?;
    writer.into_inner().map_err(fail)?.finish()
}

/// Compressed by Zstandard, which reads as fast as anything and takes a third of the room.
pub(crate) fn writer_properties() -> WriterProperties {
    let compression = Compression::ZSTD(ZstdLevel::default());
    WriterProperties::builder().set_compression(compression).build()
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

/// A Parquet file of flat columns, read a few thousand rows at a time.
pub struct ParquetTable {
    path: PathBuf,
    schema: SchemaRef,
    batches: ParquetRecordBatchReader,
}

impl ParquetTable {
    /// Opens a file that [`write_parquet`] wrote, or any other of flat columns.
    ///
    /// # Errors
    /// [`RecordsError::Io`] and [`RecordsError::Parquet`].
    pub fn open(path: &Path) -> Result<ParquetTable, RecordsError> {
        let file = File::open(path).map_err(RecordsError::io("read", path))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(unreadable(path))?;
        // The schema as it was written; the builder's own also has the file's key-value metadata.
        let schema = builder.schema().as_ref().clone().with_metadata(Default::default());
        let batches = builder.build().map_err(unreadable(path))?;
        Ok(ParquetTable { path: path.to_owned(), schema: schema.into(), batches })
    }

    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}

impl Iterator for ParquetTable {
    type Item = Result<RecordBatch, RecordsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let fail =
            |error: ArrowError| unreadable(&self.path)(ParquetError::ArrowError(error.to_string()));
        Some(self.batches.next()?.map_err(fail))
    }
}

fn unreadable(path: &Path) -> impl Fn(ParquetError) -> RecordsError {
    move |source| RecordsError::Parquet { action: "read", path: path.to_path_buf(), source }
}

/// Reads a table that [`write_parquet`] wrote, or any other of flat columns.
///
/// # Errors
/// [`RecordsError::Io`] and [`RecordsError::Parquet`].
pub fn read_parquet(path: &Path) -> Result<RecordBatch, RecordsError> {
    let table = ParquetTable::open(path)?;
    let schema = table.schema();
    let batches = table.collect::<Result<Vec<_>, _>>()?;
    Ok(concat_batches(&schema, &batches)?)
}
