//! Functions that the planner does not know: ranges into numbered or named buckets, and holding a number to bounds.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::DataFusionError,
    logical_expr::{
        ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
    },
};

/// `clamp(x, low, high)`, `width_bucket(x, low, high, n)` and `bucket(x, edge, edge, ...)`.
pub(super) fn own() -> Vec<Arc<ScalarUDF>> {
    let functions = [
        ("clamp", DataType::Float64),
        ("width_bucket", DataType::Int64),
        ("bucket", DataType::Utf8),
    ];
    let named = |(name, returns)| {
        let signature = Signature::variadic_any(Volatility::Immutable);
        Arc::new(ScalarUDF::from(Named { name, returns, signature }))
    };
    functions.into_iter().map(named).collect()
}

/// A function by name: the checker translates it, nothing ever runs it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Named {
    name: &'static str,
    returns: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Named {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType, DataFusionError> {
        // Holding a number to bounds keeps its kind.
        match (self.name, arguments.first()) {
            ("clamp", Some(kind)) => Ok(kind.clone()),
            _ => Ok(self.returns.clone()),
        }
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        Err(DataFusionError::NotImplemented(format!("{} is translated, never run", self.name)))
    }
}
