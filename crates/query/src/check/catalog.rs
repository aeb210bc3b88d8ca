//! The published tables as DataFusion's planner sees them: schemas without rows.

use std::{collections::HashMap, sync::Arc};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion_common::{DataFusionError, SchemaError, TableReference, config::ConfigOptions};
use datafusion_expr::{
    AggregateUDF, HigherOrderUDF, LogicalTableSource, ScalarUDF, TableSource, WindowUDF,
    planner::{ContextProvider, ExprPlanner},
};
use datafusion_functions::core::planner::CoreFunctionPlanner;
use datafusion_functions_aggregate::planner::AggregateFunctionPlanner;
use datafusion_sql::sqlparser::parser::ParserError;

use super::functions;
use crate::{PublicDomain, PublicSchema, Refusal, refusal::list};

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

/// What others call functions that the planner knows by another name.
const SYNONYMS: [(&str, &str); 4] = [
    ("variance", "var"),
    ("variance_pop", "var_pop"),
    ("variance_samp", "var"),
    ("quantile", "percentile_cont"),
];

impl Catalog {
    pub fn new(schema: &PublicSchema) -> Self {
        let allowed = || schema.tables.iter().filter(|table| table.allowed);
        let tables = allowed().map(|table| {
            let person = Field::new(&table.person, DataType::Utf8, true);
            let columns = table.columns.iter().filter(|column| column.allowed);
            let columns = columns.map(|column| {
                let data_type = match column.domain {
                    PublicDomain::Text(_) => DataType::Utf8,
                    PublicDomain::Integer(_) => DataType::Int64,
                    PublicDomain::Decimal(_) => DataType::Float64,
                    PublicDomain::Flag => DataType::Boolean,
                };
                Field::new(&column.name, data_type, true)
            });
            let fields = std::iter::once(person).chain(columns).collect::<Vec<_>>();
            let schema: SchemaRef = Arc::new(Schema::new(fields));
            (table.name.clone(), Arc::new(LogicalTableSource::new(schema)) as Arc<dyn TableSource>)
        });
        let mut aggregates = HashMap::new();
        for function in datafusion_functions_aggregate::all_default_aggregate_functions() {
            for name in function.aliases().iter().map(String::as_str).chain([function.name()]) {
                aggregates.insert(name.to_owned(), Arc::clone(&function));
            }
        }
        for (synonym, name) in SYNONYMS {
            if let Some(function) = aggregates.get(name).cloned() {
                aggregates.insert(synonym.to_owned(), function);
            }
        }
        let mut scalars = HashMap::new();
        let known = datafusion_functions::all_default_functions();
        for function in known.into_iter().chain(functions::own()) {
            for name in function.aliases().iter().map(String::as_str).chain([function.name()]) {
                scalars.insert(name.to_owned(), Arc::clone(&function));
            }
        }
        let windows = datafusion_functions_window::all_default_window_functions();
        Self {
            tables: tables.collect(),
            known: list(allowed().map(|table| table.name.as_str())),
            aggregates,
            scalars,
            windows: windows.into_iter().map(|f| (f.name().to_owned(), f)).collect(),
            planners: vec![Arc::new(CoreFunctionPlanner {}), Arc::new(AggregateFunctionPlanner)],
            options: ConfigOptions::default(),
        }
    }
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
        _: Vec<datafusion_expr::Expr>,
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
    let message = error.find_root().message();
    if message.contains("No function matches") || message.contains("failed to match any signature")
    {
        // The name stands in the first quotes, before its arguments.
        let named = message.split('\'').nth(1).and_then(|call| call.split('(').next());
        return Refusal::mistake(
            format!("{} with these arguments", named.unwrap_or("a function").to_uppercase()),
            "COUNT takes any column, other aggregates take number columns, and CAST(column AS INT) makes numbers of true or false",
        );
    }
    let unplannable = || Refusal::Unplannable(text(error));
    match error.find_root() {
        DataFusionError::SQL(error, _) => Refusal::Syntax(match error.as_ref() {
            ParserError::RecursionLimitExceeded => "it is nested too deeply".into(),
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => stumble(text),
        }),
        DataFusionError::External(inner) => {
            inner.downcast_ref::<Refusal>().cloned().unwrap_or_else(unplannable)
        }
        DataFusionError::SchemaError(inner, _) => match inner.as_ref() {
            SchemaError::AmbiguousReference { field } => Refusal::mistake(
                format!("The column `{}` stands in several of the joined tables", field.name),
                "write it with its table, as in table.column",
            ),
            // It names an aggregate of a cast column as that of the plain one.
            SchemaError::DuplicateUnqualifiedField { .. }
            | SchemaError::DuplicateQualifiedField { .. } => Refusal::unsupported(
                "The same aggregate of a column and of its CAST, or two columns of one name,",
                "ask for one of the two, or cast and name the column in a subquery first",
            ),
            SchemaError::FieldNotFound { field, valid_fields } => Refusal::UnknownColumn {
                name: field.name.clone(),
                known: list(valid_fields.iter().map(|column| column.name.as_str())),
            },
        },
        DataFusionError::Plan(message) if message.starts_with("Invalid function") => {
            let name = message.split('\'').nth(1).unwrap_or("that nobody knows").to_uppercase();
            Refusal::unsupported(format!("The function {name}"), super::AGGREGATES)
        }
        DataFusionError::Plan(message)
            if message.contains("in GROUP BY or an aggregate function")
                || message.contains("must appear in the GROUP BY") =>
        {
            Refusal::unsupported(
                "A column that is neither grouped by nor in an aggregate",
                "name it in GROUP BY, or put it into COUNT, AVG or another aggregate; HAVING and ORDER BY see released groups and numbers only",
            )
        }
        DataFusionError::Plan(message) if message.contains("cannot be nested") => {
            Refusal::unsupported(
                "An aggregate of an aggregate",
                "aggregate within each patient in a subquery that groups by the patient, then over patients",
            )
        }
        DataFusionError::Plan(message) if message.contains("not allowed in the WHERE") => {
            Refusal::unsupported(
                "An aggregate in WHERE",
                "write it in HAVING, or aggregate in a subquery that groups by the patient",
            )
        }
        DataFusionError::Plan(message) if message.contains("non-boolean predicate") => {
            Refusal::mistake(
                "A condition that is not true or false, as a boolean column or a comparison is,",
                "compare it with something, as in x > 5",
            )
        }
        DataFusionError::Plan(message)
            if message.contains("out of bounds") || message.contains("with position") =>
        {
            Refusal::mistake(
                "A number in GROUP BY or ORDER BY that is that of no column",
                "count the columns after SELECT from 1, or name the column",
            )
        }
        DataFusionError::Plan(message) if message.contains("Unary operator") => Refusal::mistake(
            "The negative of a text or of true or false",
            "give it a number, or convert with CAST(x AS INT)",
        ),
        DataFusionError::Plan(message) if message.contains("names given as column alias") => {
            Refusal::mistake(
                "A subquery with more columns than names, or fewer,",
                "give each of its columns an alias within it",
            )
        }
        DataFusionError::Plan(message) if message.contains("specified more than once") => {
            Refusal::mistake(
                "Two subqueries of WITH have one name",
                "name each by a name of its own",
            )
        }
        DataFusionError::Plan(message) if message.contains("unique expression names") => {
            super::same_name("Two columns have the same name")
        }
        _ => unplannable(),
    }
}

/// What the parser stumbles over, in words for people who do not know its insides.
fn stumble(text: &str) -> String {
    match text.strip_prefix("No infix parser for token ") {
        Some(rest) => {
            let place = rest.split_once(" at Line").map_or("", |(_, place)| place);
            format!("a word or sign that does not go on with what stands before it, at Line{place}")
        }
        None => line(text),
    }
}

/// The root of an error in one line. What the planner says of its own insides is of no use to an analyst.
fn text(error: &DataFusionError) -> String {
    let text = line(&error.find_root().message());
    if matches!(error.find_root(), DataFusionError::Internal(_)) || text.len() > 300 {
        return "the planner does not know what it means; ask a simpler question".into();
    }
    text
}

/// A message in one line, without its final stop.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}

/// A column's name as a person would write it: the planner writes literals with their types.
pub(super) fn plain_name(name: &str) -> String {
    let mut plain = name.to_owned();
    for kind in ["Int64(", "Float64(", "Utf8(", "Boolean("] {
        while let Some(start) = plain.find(kind) {
            let inner = start + kind.len();
            let Some(end) = plain[inner..].find(')') else { break };
            plain.replace_range(inner + end..=inner + end, "");
            plain.replace_range(start..inner, "");
        }
    }
    if plain == "count(1)" { "count(*)".to_owned() } else { plain }
}
