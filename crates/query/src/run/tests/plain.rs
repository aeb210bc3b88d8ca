//! What SQL means without privacy: DataFusion's own logical plan and expressions, worked off row by row. It shares nothing with the
//! engine that is compared with it, and is as simple as can be in place of fast. What it does not know panics.

mod catalog;

use std::{cmp::Ordering, collections::HashSet, sync::Arc};

use arrow::{
    array::{ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array, make_comparator},
    compute::{SortOptions, filter_record_batch, take, take_record_batch},
};
use caduceus_records::Tables;
use datafusion_common::{
    DFSchema, JoinType, NullEquality, ScalarValue,
    config::ConfigOptions,
    tree_node::{Transformed, TreeNode},
};
use datafusion_expr::{
    Aggregate, Distinct, Expr, FetchType, Join, Limit, LogicalPlan, SkipType, Sort,
    execution_props::ExecutionProps, expr::InSubquery, lit,
    physical_planning_context::PhysicalPlanningContext, when,
};
use datafusion_optimizer::analyzer::{AnalyzerRule, type_coercion::TypeCoercion};
use datafusion_physical_expr::{
    PhysicalExpr, aggregate::AggregateExprBuilder, create_physical_expr,
};
use datafusion_sql::{
    parser::{DFParser, Statement},
    planner::SqlToRel,
};

use self::catalog::Catalog;

/// What DataFusion knows by other names, or not without its optimizer.
const SPELLINGS: [(&str, &str); 5] = [
    ("MOD(year, 7)", "(year % 7)"),
    ("SIGN(value)", "signum(value)"),
    ("NVL(value, 7)", "CASE WHEN value IS NULL THEN 7 ELSE value END"),
    ("IFNULL(final, false)", "(CASE WHEN final IS NULL THEN false ELSE final END)"),
    ("NVL2(note, value, year)", "CASE WHEN note IS NOT NULL THEN value ELSE year END"),
];

/// The rows that a SELECT gives.
pub(super) fn answer(sql: &str, tables: &Tables) -> RecordBatch {
    let spelled = |sql: String, (ours, theirs): &(&str, &str)| sql.replace(ours, theirs);
    let sql = SPELLINGS.iter().fold(sql.to_owned(), spelled);
    let Some(Statement::Statement(statement)) = DFParser::parse_sql(&sql).unwrap().pop_front()
    else {
        panic!("{sql}")
    };
    let plan = SqlToRel::new(&Catalog::new(tables)).sql_statement_to_plan(*statement).unwrap();
    let plan = TypeCoercion::new().analyze(plan, &ConfigOptions::default()).unwrap();
    Plain { tables }.rows(&plan)
}

struct Plain<'a> {
    tables: &'a Tables,
}

impl Plain<'_> {
    /// The rows of one node of a plan. Their columns are told by place: names are those of the node's schema.
    fn rows(&self, plan: &LogicalPlan) -> RecordBatch {
        match plan {
            LogicalPlan::TableScan(scan) => {
                assert!(scan.projection.is_none() && scan.filters.is_empty(), "{scan:?}");
                self.tables.0[scan.table_name.table()].clone()
            }
            LogicalPlan::SubqueryAlias(alias) => self.rows(&alias.input),
            LogicalPlan::Projection(projection) => {
                let input = self.rows(&projection.input);
                let value = |expr| self.value(expr, &input, projection.input.schema());
                batch(&projection.schema, projection.expr.iter().map(value).collect())
            }
            LogicalPlan::Filter(filter) => {
                self.kept(&filter.predicate, &self.rows(&filter.input), filter.input.schema())
            }
            LogicalPlan::Join(join) => self.join(join),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Distinct(Distinct::All(input)) => distinct(&self.rows(input)),
            LogicalPlan::Sort(sort) => self.sort(sort),
            LogicalPlan::Limit(limit) => self.limit(limit),
            other => panic!("{} is not evaluated", other.display()),
        }
    }

    /// Every pair for which the condition is true; LEFT keeps a row without a partner, beside NULLs.
    fn join(&self, join: &Join) -> RecordBatch {
        assert!(matches!(join.join_type, JoinType::Inner | JoinType::Left), "{}", join.join_type);
        assert_eq!(join.null_equality, NullEquality::NullEqualsNothing);
        let (left, right) = (self.rows(&join.left), self.rows(&join.right));
        let paired = |pairs: &[(u32, Option<u32>)]| {
            let (ours, theirs): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
            let (ours, theirs) = (UInt32Array::from(ours), UInt32Array::from(theirs));
            let left = left.columns().iter().map(|column| take(column, &ours, None).unwrap());
            let right = right.columns().iter().map(|column| take(column, &theirs, None).unwrap());
            batch(&join.schema, left.chain(right).collect())
        };
        let (lefts, rights) = (left.num_rows() as u32, right.num_rows() as u32);
        let all = (0..lefts).flat_map(|ours| (0..rights).map(move |theirs| (ours, Some(theirs))));
        let all = all.collect::<Vec<_>>();
        let equal = join.on.iter().map(|(ours, theirs)| ours.clone().eq(theirs.clone()));
        let condition = equal.chain(join.filter.clone()).reduce(Expr::and).unwrap_or(lit(true));
        let holds = self.holds(&condition, &paired(&all), &join.schema);
        let partners = all.into_iter().zip(&holds).filter(|(_, holds)| *holds == Some(true));
        let mut pairs = partners.map(|(pair, _)| pair).collect::<Vec<_>>();
        if join.join_type == JoinType::Left {
            let found = pairs.iter().map(|(ours, _)| *ours).collect::<HashSet<_>>();
            let alone = (0..lefts).filter(|ours| !found.contains(ours));
            pairs.extend(alone.map(|ours| (ours, None)));
        }
        paired(&pairs)
    }

    /// One row for each group, in the order of their first rows; without GROUP BY one row of all rows, even of none.
    fn aggregate(&self, aggregate: &Aggregate) -> RecordBatch {
        let (input, schema) = (self.rows(&aggregate.input), aggregate.input.schema());
        // What is named again is one column of the output.
        let mut seen = HashSet::new();
        let by = aggregate.group_expr.iter().filter(|expr| seen.insert(*expr));
        let keys = by.map(|expr| self.value(expr, &input, schema)).collect::<Vec<_>>();
        let mut groups: Vec<(Vec<ScalarValue>, Vec<u32>)> = Vec::new();
        if keys.is_empty() {
            groups.push((Vec::new(), Vec::new()));
        }
        for row in 0..input.num_rows() {
            let key = cells(&keys, row);
            match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, rows)) => rows.push(row as u32),
                None => groups.push((key, vec![row as u32])),
            }
        }
        if groups.is_empty() {
            return RecordBatch::new_empty(Arc::clone(aggregate.schema.inner()));
        }
        let rows = groups.into_iter().map(|(mut row, rows)| {
            let rows = taken(&input, rows);
            let aggregates = aggregate.aggr_expr.iter();
            row.extend(aggregates.map(|expr| self.aggregated(expr, &rows, schema)));
            row
        });
        let rows = rows.collect::<Vec<_>>();
        let column = |index: usize| {
            ScalarValue::iter_to_array(rows.iter().map(|row| row[index].clone())).unwrap()
        };
        batch(&aggregate.schema, (0..rows[0].len()).map(column).collect())
    }

    /// One aggregate of all the rows.
    fn aggregated(&self, expr: &Expr, rows: &RecordBatch, schema: &DFSchema) -> ScalarValue {
        let Expr::AggregateFunction(call) = expr.clone().unalias_nested().data else {
            panic!("{expr} is no aggregate")
        };
        let params = call.params;
        assert!(params.order_by.is_empty() && params.null_treatment.is_none(), "{expr}");
        let rows = match params.filter {
            Some(filter) => self.kept(&filter, rows, schema),
            None => rows.clone(),
        };
        let arguments = params.args.iter().map(|expr| self.physical(expr, schema));
        let values = params.args.iter().map(|expr| self.value(expr, &rows, schema));
        let built = AggregateExprBuilder::new(call.func, arguments.collect())
            .schema(Arc::clone(schema.inner()))
            .alias(expr.to_string())
            .with_distinct(params.distinct)
            .build();
        let mut accumulator = built.unwrap().create_accumulator().unwrap();
        accumulator.update_batch(&values.collect::<Vec<_>>()).unwrap();
        accumulator.evaluate().unwrap()
    }

    /// Rows that are equal in all keys stay in their order.
    fn sort(&self, sort: &Sort) -> RecordBatch {
        assert_eq!(sort.fetch, None);
        let input = self.rows(&sort.input);
        let keys = sort.expr.iter().map(|by| {
            let key = self.value(&by.expr, &input, sort.input.schema());
            let options = SortOptions { descending: !by.asc, nulls_first: by.nulls_first };
            make_comparator(&key, &key, options).unwrap()
        });
        let keys = keys.collect::<Vec<_>>();
        let mut order = (0..input.num_rows()).collect::<Vec<_>>();
        order.sort_by(|a, b| {
            let mut compared = keys.iter().map(|compare| compare(*a, *b));
            compared.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        });
        taken(&input, order.into_iter().map(|row| row as u32).collect())
    }

    fn limit(&self, limit: &Limit) -> RecordBatch {
        let SkipType::Literal(skip) = limit.get_skip_type().unwrap() else { panic!("{limit:?}") };
        let FetchType::Literal(fetch) = limit.get_fetch_type().unwrap() else {
            panic!("{limit:?}")
        };
        let input = self.rows(&limit.input);
        let shown = (0..input.num_rows() as u32).skip(skip).take(fetch.unwrap_or(usize::MAX));
        taken(&input, shown.collect())
    }

    /// The rows for which the condition is true, and not NULL.
    fn kept(&self, condition: &Expr, rows: &RecordBatch, schema: &DFSchema) -> RecordBatch {
        filter_record_batch(rows, &self.holds(condition, rows, schema)).unwrap()
    }

    fn holds(&self, condition: &Expr, rows: &RecordBatch, schema: &DFSchema) -> BooleanArray {
        self.value(condition, rows, schema).as_boolean().clone()
    }

    /// The value of an expression in every row.
    fn value(&self, expr: &Expr, rows: &RecordBatch, schema: &DFSchema) -> ArrayRef {
        let value = self.physical(expr, schema).evaluate(rows).unwrap();
        value.into_array(rows.num_rows()).unwrap()
    }

    fn physical(&self, expr: &Expr, schema: &DFSchema) -> Arc<dyn PhysicalExpr> {
        let (props, context) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        create_physical_expr(&self.simple(expr), schema, &props, &context).unwrap()
    }

    /// The expression, without what DataFusion evaluates by its optimizer alone.
    fn simple(&self, expr: &Expr) -> Expr {
        let simple = expr.clone().transform_up(|expr| {
            Ok(match expr {
                Expr::InSubquery(within) => Transformed::yes(self.listed(within)),
                Expr::ScalarFunction(call) if call.name() == "coalesce" => {
                    Transformed::yes(first_known(call.args))
                }
                other => Transformed::no(other),
            })
        });
        simple.unwrap().data
    }

    /// `IN (subquery)` as IN with a list of its values. Nothing is in an empty list, not even NULL.
    fn listed(&self, within: InSubquery) -> Expr {
        assert!(within.subquery.outer_ref_columns.is_empty(), "a correlated subquery");
        let rows = self.rows(&within.subquery.subquery);
        let list = (0..rows.num_rows()).map(|row| lit(cells(rows.columns(), row).remove(0)));
        let list = list.collect::<Vec<_>>();
        match list.is_empty() {
            true => lit(within.negated),
            false => within.expr.in_list(list, within.negated),
        }
    }
}

/// COALESCE: the first of the arguments that is not NULL.
fn first_known(arguments: Vec<Expr>) -> Expr {
    let or = |rest, argument: Expr| {
        when(argument.clone().is_not_null(), argument).otherwise(rest).unwrap()
    };
    arguments.into_iter().rev().reduce(or).unwrap()
}

/// The first of each rows that are equal in all columns.
fn distinct(rows: &RecordBatch) -> RecordBatch {
    let mut seen = HashSet::new();
    let all = 0..rows.num_rows();
    let first = all.filter(|row| seen.insert(cells(rows.columns(), *row)));
    taken(rows, first.map(|row| row as u32).collect())
}

fn taken(rows: &RecordBatch, places: Vec<u32>) -> RecordBatch {
    take_record_batch(rows, &UInt32Array::from(places)).unwrap()
}

fn batch(schema: &DFSchema, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(Arc::clone(schema.inner()), columns).unwrap()
}

/// One row.
pub(super) fn cells(columns: &[ArrayRef], row: usize) -> Vec<ScalarValue> {
    columns.iter().map(|column| ScalarValue::try_from_array(column, row).unwrap()).collect()
}
