//! What the tests share: where shared data lies, and tables as JSON.

use std::path::PathBuf;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use caduceus_records::CompiledView;
use serde_json::{Map, Value, json};

/// The workspace's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A folder of the shared data; `None`, with a word on stderr, on a machine that lacks it.
pub fn shared(folder: &str) -> Option<PathBuf> {
    let path = root().join("../shared/data").join(folder);
    if !path.is_dir() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// The views that the project ships.
pub fn views() -> Vec<CompiledView> {
    ["patient", "condition", "encounter", "observation"]
        .iter()
        .map(|name| root().join("views").join(name).with_extension("json"))
        .map(|path| CompiledView::parse(&std::fs::read_to_string(path).unwrap()).unwrap())
        .collect()
}

/// The rows of a table as JSON objects.
pub fn rows(batch: &RecordBatch) -> Vec<Map<String, Value>> {
    let schema = batch.schema();
    let row = |at: usize| {
        let fields = schema.fields().iter().zip(batch.columns());
        fields.map(|(field, column)| (field.name().clone(), value(column, at))).collect()
    };
    (0..batch.num_rows()).map(row).collect()
}

fn value(column: &dyn Array, at: usize) -> Value {
    if column.is_null(at) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Utf8 => json!(column.as_string::<i32>().value(at)),
        DataType::Boolean => json!(column.as_boolean().value(at)),
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(at)),
        DataType::Float64 => json!(column.as_primitive::<Float64Type>().value(at)),
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(at);
            (0..items.len()).map(|item| value(&items, item)).collect()
        }
        other => panic!("no view makes a column of type {other}"),
    }
}
