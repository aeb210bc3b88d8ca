//! The functions of values of one row, as the planner sees them: names, for any arguments. The checker translates them, says what is wrong
//! with their arguments, and refuses what it does not know; nothing ever runs one.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion_common::DataFusionError;
use datafusion_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};

/// What a function returns, as far as the planner must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Returns {
    Decimal,
    Integer,
    Text,
    /// A whole number where the first argument is one and none is decimal.
    Number,
    /// What the arguments from this one on are; a decimal number where one of them is.
    Same(usize),
}

/// The functions that are translated, by the names that analysts know them by.
const OWN: [(&str, Returns); 31] = [
    ("abs", Returns::Number),
    ("floor", Returns::Number),
    ("ceil", Returns::Number),
    ("ceiling", Returns::Number),
    ("round", Returns::Number),
    ("trunc", Returns::Number),
    ("sqrt", Returns::Decimal),
    ("ln", Returns::Decimal),
    ("exp", Returns::Decimal),
    ("sign", Returns::Decimal),
    ("signum", Returns::Decimal),
    ("power", Returns::Decimal),
    ("pow", Returns::Decimal),
    ("mod", Returns::Number),
    ("lower", Returns::Text),
    ("upper", Returns::Text),
    ("trim", Returns::Text),
    ("btrim", Returns::Text),
    ("length", Returns::Integer),
    ("char_length", Returns::Integer),
    ("character_length", Returns::Integer),
    ("coalesce", Returns::Same(0)),
    ("nvl", Returns::Same(0)),
    ("ifnull", Returns::Same(0)),
    ("nvl2", Returns::Same(1)),
    ("nullif", Returns::Same(0)),
    ("least", Returns::Number),
    ("greatest", Returns::Number),
    ("clamp", Returns::Number),
    ("width_bucket", Returns::Integer),
    ("bucket", Returns::Text),
];

/// Whether a function of this name, in small letters, is translated.
pub(super) fn is_own(name: &str) -> bool {
    OWN.iter().any(|(known, _)| *known == name)
}

/// The functions of [`OWN`], which take the place of the planner's own.
pub(super) fn own() -> Vec<Arc<ScalarUDF>> {
    let any = vec![TypeSignature::VariadicAny, TypeSignature::Nullary];
    let signature = Signature::one_of(any, Volatility::Immutable);
    let named = |(name, returns)| {
        Arc::new(ScalarUDF::from(Named { name, returns, signature: signature.clone() }))
    };
    OWN.into_iter().map(named).collect()
}

/// A function by name.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Named {
    name: &'static str,
    returns: Returns,
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
        Ok(match self.returns {
            Returns::Decimal => DataType::Float64,
            Returns::Integer => DataType::Int64,
            Returns::Text => DataType::Utf8,
            Returns::Number => {
                let whole = arguments.first().is_some_and(DataType::is_integer)
                    && !arguments.iter().any(DataType::is_floating);
                if whole { DataType::Int64 } else { DataType::Float64 }
            }
            Returns::Same(first) => {
                let mut known =
                    arguments.iter().skip(first).filter(|kind| **kind != DataType::Null);
                match known.clone().any(DataType::is_floating) {
                    true => DataType::Float64,
                    false => known.next().cloned().unwrap_or(DataType::Null),
                }
            }
        })
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        Err(DataFusionError::NotImplemented(format!("{} is translated, never run", self.name)))
    }
}
