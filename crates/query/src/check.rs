//! From SQL to a plan that is private by construction, or to the reason why not.
//!
//! DataFusion plans the text against the published schema; [`check`] then walks the logical plan from the top: LIMIT and ORDER BY, the
//! selected columns, the aggregates and groups, the filter, the tables. Each step admits what it knows and refuses all else, so that
//! a construct that nobody thought of is refused too.

mod aggregates;
mod catalog;
mod filter;
mod source;

use std::sync::Arc;

use caduceus_records::schema::DatasetSchema;
use datafusion::{
    logical_expr::{Aggregate, Expr, FetchType, Limit, LogicalPlan, Projection, SkipType, Sort},
    sql::{
        parser::{DFParser, Statement},
        planner::SqlToRel,
        sqlparser::{
            ast::Statement as SqlStatement,
            dialect::GenericDialect,
            tokenizer::{Token, Tokenizer},
        },
    },
};
use serde::{Deserialize, Serialize};

use self::{catalog::Catalog, source::Scope};
use crate::{
    Epsilon, Refusal,
    plan::{OrderBy, OutputColumn, OutputFrom, PrivatePlan},
};

/// The longest question, in bytes: room for a long list of codes.
pub const MAX_SQL_BYTES: usize = 32 * 1024;

/// The most words and signs of one question, literals and commas not counted. The planner works by recursion: this keeps chains of
/// operators, joins or set operations from exhausting its stack.
pub const MAX_WORDS: usize = 250;

/// Several times what the planner needs for [`MAX_WORDS`] in a build without optimization; only what is used is committed.
const PLANNER_STACK: usize = 32 << 20;

/// The most groups of one question: the product of the published values of its GROUP BY columns.
pub const MAX_GROUPS: usize = 10_000;

const AGGREGATES: &str =
    "ask for COUNT, SUM or AVG, with GROUP BY over published categories or flags";

/// A question to a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// One SELECT.
    pub sql: String,
    /// What the answer may cost, in thousandths of epsilon.
    #[serde(rename = "epsilon_milli")]
    pub epsilon: Epsilon,
}

/// Plans a question against what a dataset publishes.
///
/// Supported: COUNT(*), COUNT(column), COUNT(DISTINCT patient), SUM and AVG of a bounded column; GROUP BY over categories and flags;
/// WHERE with comparisons to literals, IN, BETWEEN, IS NULL, AND, OR, NOT; a join with a table of one row per patient on the
/// patient; aliases; ORDER BY over selected columns; LIMIT and OFFSET.
///
/// # Errors
/// A [`Refusal`] that names the construct and what would work.
pub fn check(question: &Question, schema: &DatasetSchema) -> Result<PrivatePlan, Refusal> {
    // The planner recurses with large frames: the longest question admitted needs more than the stack of a usual thread.
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(PLANNER_STACK);
        let planner = builder.spawn_scoped(scope, || plan(question, schema));
        let planned = planner.map(|planner| planner.join().unwrap_or_else(|_| Err(unplannable())));
        planned.unwrap_or_else(|_| Err(unplannable()))
    })
}

fn plan(question: &Question, schema: &DatasetSchema) -> Result<PrivatePlan, Refusal> {
    let statement = parse(&question.sql)?;
    let canonical = statement.to_string();
    let catalog = Catalog::new(schema);
    let planned = SqlToRel::new(&catalog).sql_statement_to_plan(statement);
    let planned = planned.map_err(|error| catalog::refusal(&error))?;
    walk(planned, canonical, question.epsilon, schema)
}

/// The planner could not start or did not come back.
fn unplannable() -> Refusal {
    Refusal::Unplannable("the planner failed; ask again, or ask a simpler question".into())
}

/// The one SELECT of a question.
fn parse(sql: &str) -> Result<SqlStatement, Refusal> {
    if sql.len() > MAX_SQL_BYTES {
        return Err(Refusal::unsupported(
            format!("A question of more than {MAX_SQL_BYTES} bytes"),
            "shorten it, for example by asking several questions",
        ));
    }
    if words(sql)? > MAX_WORDS {
        return Err(Refusal::unsupported(
            format!("A question of more than {MAX_WORDS} words and signs"),
            "shorten it, for example by IN with a list of values, which may be long",
        ));
    }
    let statements = DFParser::parse_sql(sql);
    let mut statements = statements.map_err(|error| catalog::refusal(&error))?;
    match (statements.pop_front(), statements.is_empty()) {
        (None, _) => Err(Refusal::Syntax("it is empty".into())),
        (Some(_), false) => {
            Err(Refusal::unsupported("More than one statement", "ask one question at a time"))
        }
        (Some(Statement::Statement(statement)), true) => match *statement {
            SqlStatement::Query(_) => Ok(*statement),
            _ => Err(not_a_select()),
        },
        (Some(_), true) => Err(not_a_select()),
    }
}

/// How many words and signs a text has, literals and commas not counted.
fn words(sql: &str) -> Result<usize, Refusal> {
    let tokens = Tokenizer::new(&GenericDialect, sql).tokenize();
    let tokens = tokens.map_err(|error| Refusal::Syntax(error.to_string()))?;
    let free = |token: &Token| {
        use Token::{Comma, Number, SingleQuotedString, Whitespace};
        matches!(token, Comma | Number(..) | SingleQuotedString(_) | Whitespace(_))
    };
    Ok(tokens.iter().filter(|token| !free(token)).count())
}

fn not_a_select() -> Refusal {
    Refusal::unsupported("A statement other than SELECT", AGGREGATES)
}

/// Walks the logical plan from the top.
fn walk(
    mut node: LogicalPlan,
    canonical: String,
    epsilon: Epsilon,
    schema: &DatasetSchema,
) -> Result<PrivatePlan, Refusal> {
    let (mut skip, mut fetch, mut sort) = (0, None, None);
    if let LogicalPlan::Limit(limit) = node {
        (skip, fetch) = bounds(&limit)?;
        node = Arc::unwrap_or_clone(limit.input);
    }
    if let LogicalPlan::Sort(found) = node {
        node = found.input.as_ref().clone();
        sort = Some(found);
    }
    let projection = projection(node)?;
    let aggregate = aggregate(&projection.input)?;
    let mut scope = Scope::new(&aggregate.input, schema)?;
    let filter = scope.filter.take().map(|predicate| filter::admit(&predicate, &mut scope));
    let filter = filter.transpose()?;
    let groups = aggregates::groups(aggregate, &mut scope)?;
    let aggregates = aggregates::aggregates(aggregate, &groups, epsilon, &mut scope)?;
    let output = output(&projection, aggregate)?;
    let order = sort.map(|sort| order(&sort, &projection)).transpose()?.unwrap_or_default();
    Ok(PrivatePlan {
        canonical,
        epsilon,
        source: scope.source,
        columns: scope.columns,
        filter,
        groups,
        aggregates,
        output,
        order,
        skip,
        fetch,
    })
}

/// What the selected columns are made from.
fn aggregate(input: &LogicalPlan) -> Result<&Aggregate, Refusal> {
    match input {
        LogicalPlan::Aggregate(aggregate) => Ok(aggregate),
        LogicalPlan::Filter(filter) if matches!(*filter.input, LogicalPlan::Aggregate(_)) => {
            Err(Refusal::unsupported("HAVING", "ask for all groups and filter the answer"))
        }
        // The planner adds what ORDER BY needs to the selected columns, and takes it away afterwards.
        LogicalPlan::Sort(sort) => match sort.input.as_ref() {
            LogicalPlan::Projection(inner) if matches!(*inner.input, LogicalPlan::Aggregate(_)) => {
                Err(order_refused())
            }
            _ => Err(rows()),
        },
        LogicalPlan::SubqueryAlias(named) => match *named.input {
            LogicalPlan::TableScan(_) => Err(rows()),
            _ => Err(subquery()),
        },
        LogicalPlan::Window(_) => Err(window()),
        _ => Err(rows()),
    }
}

/// The selected columns, or what stands in their place.
fn projection(node: LogicalPlan) -> Result<Projection, Refusal> {
    match node {
        LogicalPlan::Projection(projection) => Ok(projection),
        LogicalPlan::Distinct(_) => Err(Refusal::unsupported(
            "SELECT DISTINCT",
            "use GROUP BY, or COUNT(DISTINCT patient) for the number of patients",
        )),
        LogicalPlan::Union(_) | LogicalPlan::Join(_) => Err(Refusal::unsupported(
            "A set operation (UNION, INTERSECT, EXCEPT)",
            "ask one question for each part",
        )),
        LogicalPlan::Sort(_) | LogicalPlan::Limit(_) | LogicalPlan::SubqueryAlias(_) => {
            Err(subquery())
        }
        LogicalPlan::Window(_) => Err(window()),
        LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => Err(not_a_select()),
        LogicalPlan::RecursiveQuery(_) => Err(subquery()),
        _ => Err(rows()),
    }
}

fn rows() -> Refusal {
    Refusal::unsupported("Output of rows", AGGREGATES)
}

fn window() -> Refusal {
    Refusal::unsupported("A window function (OVER)", AGGREGATES)
}

fn subquery() -> Refusal {
    Refusal::unsupported(
        "A subquery or WITH",
        "ask of the tables themselves, with a WHERE or a join on the patient",
    )
}

/// OFFSET and LIMIT as numbers.
fn bounds(limit: &Limit) -> Result<(usize, Option<usize>), Refusal> {
    let refused = || Refusal::unsupported("A computed LIMIT or OFFSET", "give it as a number");
    let skip = match limit.get_skip_type() {
        Ok(SkipType::Literal(skip)) => skip,
        _ => return Err(refused()),
    };
    match limit.get_fetch_type() {
        Ok(FetchType::Literal(fetch)) => Ok((skip, fetch)),
        _ => Err(refused()),
    }
}

/// What each selected column shows.
fn output(projection: &Projection, aggregate: &Aggregate) -> Result<Vec<OutputColumn>, Refusal> {
    let fields = projection.schema.fields().iter();
    let columns = projection.expr.iter().zip(fields).map(|(expr, field)| {
        let Expr::Column(column) = expr.clone().unalias_nested().data else {
            return Err(Refusal::unsupported(
                "Arithmetic, a function or a literal in SELECT",
                "select groups and aggregates as they are and compute with the answer",
            ));
        };
        let index = aggregate.schema.index_of_column(&column).map_err(|_| rows())?;
        let from = match index.checked_sub(aggregate.group_expr.len()) {
            None => OutputFrom::Group(index),
            Some(index) => OutputFrom::Aggregate(index),
        };
        Ok(OutputColumn { name: field.name().clone(), from })
    });
    columns.collect()
}

/// Sort keys, each a selected column.
fn order(sort: &Sort, projection: &Projection) -> Result<Vec<OrderBy>, Refusal> {
    let keys = sort.expr.iter().map(|key| {
        let Expr::Column(column) = &key.expr else {
            return Err(order_refused());
        };
        let output = projection.schema.index_of_column(column).map_err(|_| order_refused())?;
        Ok(OrderBy { output, ascending: key.asc })
    });
    keys.collect()
}

fn order_refused() -> Refusal {
    Refusal::unsupported(
        "ORDER BY over something that is not selected",
        "order by a selected column or its alias",
    )
}

#[cfg(test)]
mod tests;
