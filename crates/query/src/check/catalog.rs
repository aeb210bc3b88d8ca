//! The published tables as DataFusion's planner sees them: schemas without rows.

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use caduceus_records::schema::{ColumnSchema, DatasetSchema, Domain};
use datafusion::{
    common::{DataFusionError, SchemaError, TableReference, config::ConfigOptions},
    functions::core::planner::CoreFunctionPlanner,
    functions_aggregate::planner::AggregateFunctionPlanner,
    logical_expr::{
        AggregateUDF, HigherOrderUDF, LogicalTableSource, ScalarUDF, TableSource, WindowUDF,
        planner::{ContextProvider, ExprPlanner},
    },
    sql::sqlparser::parser::ParserError,
};

use crate::{Refusal, refusal::list};

/// What the planner may know: the published tables, and the functions by name, so that they can be refused by name.
pub(super) struct Catalog {
    tables: HashMap<String, Arc<dyn TableSource>>,
    known: String,
    aggregates: HashMap<String, Arc<AggregateUDF>>,
    scalars: HashMap<String, Arc<ScalarUDF>>,
    windows: HashMap<String, Arc<WindowUDF>>,
    planners: Vec<Arc<dyn ExprPlanner>>,
    options: ConfigOptions,
}

impl Catalog {
    pub fn new(schema: &DatasetSchema) -> Self {
        let tables = schema.tables.iter().map(|table| {
            let fields = table.columns.iter().map(field).collect::<Vec<_>>();
            let schema: SchemaRef = Arc::new(Schema::new(fields));
            (table.name.clone(), Arc::new(LogicalTableSource::new(schema)) as Arc<dyn TableSource>)
        });
        let aggregates = datafusion::functions_aggregate::all_default_aggregate_functions();
        let scalars = datafusion::functions::all_default_functions();
        let windows = datafusion::functions_window::all_default_window_functions();
        Self {
            tables: tables.collect(),
            known: list(schema.tables.iter().map(|table| table.name.as_str())),
            aggregates: aggregates.into_iter().map(|f| (f.name().to_owned(), f)).collect(),
            scalars: scalars.into_iter().map(|f| (f.name().to_owned(), f)).collect(),
            windows: windows.into_iter().map(|f| (f.name().to_owned(), f)).collect(),
            planners: vec![Arc::new(CoreFunctionPlanner {}), Arc::new(AggregateFunctionPlanner)],
            options: ConfigOptions::default(),
        }
    }
}

fn field(column: &ColumnSchema) -> Field {
    let data_type = match column.domain {
        Domain::Person | Domain::Category { .. } | Domain::Text => DataType::Utf8,
        Domain::Integer { .. } => DataType::Int64,
        Domain::Decimal { .. } => DataType::Float64,
        Domain::Flag => DataType::Boolean,
    };
    Field::new(&column.name, data_type, true)
}

impl ContextProvider for Catalog {
    fn get_table_source(
        &self,
        name: TableReference,
    ) -> Result<Arc<dyn TableSource>, DataFusionError> {
        let refusal = match (&name, self.tables.get(name.table())) {
            (TableReference::Bare { .. }, Some(table)) => return Ok(Arc::clone(table)),
            (TableReference::Bare { .. }, None) => {
                Refusal::UnknownTable { name: name.to_string(), known: self.known.clone() }
            }
            _ => Refusal::unsupported(
                "A system table or a table of another catalog",
                format!("ask of {}, without a prefix", self.known),
            ),
        };
        Err(DataFusionError::External(Box::new(refusal)))
    }

    fn get_table_function_source(
        &self,
        _: &str,
        _: Vec<datafusion::logical_expr::Expr>,
    ) -> Result<Arc<dyn TableSource>, DataFusionError> {
        let refusal =
            Refusal::unsupported("A table function", format!("ask of {}", self.known.as_str()));
        Err(DataFusionError::External(Box::new(refusal)))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.scalars.get(name).cloned()
    }

    fn get_higher_order_meta(&self, _: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.aggregates.get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.windows.get(name).cloned()
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.options
    }

    fn udf_names(&self) -> Vec<String> {
        self.scalars.keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.aggregates.keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.windows.keys().cloned().collect()
    }
}

/// The parser's or planner's error as a refusal.
pub(super) fn refusal(error: &DataFusionError) -> Refusal {
    let unplannable = || Refusal::Unplannable(text(error));
    match error.find_root() {
        DataFusionError::SQL(error, _) => Refusal::Syntax(match error.as_ref() {
            ParserError::RecursionLimitExceeded => "it is nested too deeply".into(),
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => line(text),
        }),
        DataFusionError::External(inner) => {
            inner.downcast_ref::<Refusal>().cloned().unwrap_or_else(unplannable)
        }
        DataFusionError::SchemaError(inner, _) => match inner.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => Refusal::UnknownColumn {
                name: field.name.clone(),
                known: list(valid_fields.iter().map(|column| column.name.as_str())),
            },
            _ => unplannable(),
        },
        DataFusionError::Plan(message) if message.starts_with("Invalid function") => {
            Refusal::unsupported("A function other than COUNT, SUM and AVG", super::AGGREGATES)
        }
        _ => unplannable(),
    }
}

/// The root of an error in one line. What the planner says of its own insides is of no use to an analyst.
fn text(error: &DataFusionError) -> String {
    let text = line(&error.find_root().message());
    if text.contains("No function matches") || text.contains("failed to match any signature") {
        return "a function is used with the wrong number or types of arguments; \
                use COUNT of any column, SUM and AVG of number columns"
            .into();
    }
    if matches!(error.find_root(), DataFusionError::Internal(_)) || text.len() > 300 {
        return "the planner does not know what it means; ask a simpler question".into();
    }
    text
}

/// A message in one line, without its final stop.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}
