//! The tables and functions that DataFusion's planner asks for: all functions are its own.

use std::sync::Arc;

use arrow::datatypes::DataType;
use caduceus_records::Tables;
use datafusion_common::{DataFusionError, TableReference, config::ConfigOptions};
use datafusion_expr::{
    AggregateUDF, HigherOrderUDF, LogicalTableSource, ScalarUDF, TableSource, WindowUDF,
    planner::{ContextProvider, ExprPlanner},
};
use datafusion_functions::core::planner::CoreFunctionPlanner;
use datafusion_functions_aggregate::planner::AggregateFunctionPlanner;

pub(super) struct Catalog<'a> {
    tables: &'a Tables,
    options: ConfigOptions,
    planners: [Arc<dyn ExprPlanner>; 2],
}

impl<'a> Catalog<'a> {
    pub fn new(tables: &'a Tables) -> Self {
        Self {
            tables,
            options: ConfigOptions::default(),
            planners: [Arc::new(CoreFunctionPlanner {}), Arc::new(AggregateFunctionPlanner)],
        }
    }
}

impl ContextProvider for Catalog<'_> {
    fn get_table_source(
        &self,
        name: TableReference,
    ) -> Result<Arc<dyn TableSource>, DataFusionError> {
        match self.tables.0.get(name.table()) {
            Some(table) => Ok(Arc::new(LogicalTableSource::new(table.schema()))),
            None => Err(DataFusionError::Plan(format!("{name} is no table"))),
        }
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.planners
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        let mut all = datafusion_functions::all_default_functions().into_iter();
        all.find(|known| known.name() == name || known.aliases().iter().any(|also| also == name))
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        let all = datafusion_functions_aggregate::all_default_aggregate_functions();
        let named = |known: &Arc<AggregateUDF>| {
            known.name() == name || known.aliases().iter().any(|also| also == name)
        };
        all.into_iter().find(named)
    }

    fn get_higher_order_meta(&self, _: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_window_meta(&self, _: &str) -> Option<Arc<WindowUDF>> {
        None
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &self.options
    }

    fn udf_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udwf_names(&self) -> Vec<String> {
        Vec::new()
    }
}
