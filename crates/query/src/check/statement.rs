//! The text before it is planned: what the planner would misread, leave out in silence, or refuse in words of its own is refused here
//! by its name.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArgumentClause, FunctionArguments, GroupByExpr,
    JoinOperator, LimitClause, ObjectName, OrderByKind, Query, Select, SelectFlavor, SetExpr,
    SetOperator, TableFactor, UnaryOperator, Visit, Visitor,
};

use super::{AGGREGATES, not_a_select, relation::set_operation};
use crate::Refusal;

const PATIENT_IN: &str = "select patients with WHERE patient IN (SELECT patient FROM ... WHERE ...), or join on the patient";
const TEXTS: &str = "use LIKE, LOWER, UPPER, TRIM or LENGTH";
const SELECT_ONLY: &str = "leave it out: a question is SELECT with FROM, JOIN, WHERE, GROUP BY, HAVING, ORDER BY and LIMIT";

/// Subqueries and tables at most, one that is named twice counting twice: the planner writes each out wherever it is named.
const MOST_SUBQUERIES: usize = 500;

/// What is refused where subqueries that name each other twice are twice as many at each step.
pub(super) const NAMED_TOO_OFTEN: &str =
    "A question that names its subqueries so often, one within the other,";

/// Refuses what no part of a question may be.
pub(super) fn screen(query: &Query) -> Result<(), Refusal> {
    let found = match query.visit(&mut Screen) {
        ControlFlow::Continue(()) => query.visit(&mut Written::default()),
        refused => refused,
    };
    match found {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(refusal) => Err(refusal),
    }
}

struct Screen;

fn refuse(construct: impl Into<String>, instead: &str) -> ControlFlow<Refusal> {
    ControlFlow::Break(Refusal::unsupported(construct, instead))
}

impl Visitor for Screen {
    type Break = Refusal;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Refusal> {
        if query.with.as_ref().is_some_and(|with| with.recursive) {
            return refuse("WITH RECURSIVE", "name each subquery once, without recursion");
        }
        body(&query.body)?;
        let clauses = [
            (query.fetch.is_some(), "FETCH FIRST", "write it as LIMIT"),
            (!query.locks.is_empty(), "FOR UPDATE or FOR SHARE", SELECT_ONLY),
            (query.for_clause.is_some(), "FOR XML, FOR JSON or FOR BROWSE", SELECT_ONLY),
            (query.settings.is_some(), "SETTINGS", SELECT_ONLY),
            (query.format_clause.is_some(), "FORMAT", SELECT_ONLY),
            (!query.pipe_operators.is_empty(), "The pipe operator |>", SELECT_ONLY),
        ];
        first(&clauses)?;
        if let Some(LimitClause::LimitOffset { limit_by, .. }) = &query.limit_clause
            && !limit_by.is_empty()
        {
            return refuse("LIMIT BY", "order and limit the released groups as a whole");
        }
        match query.order_by.as_ref().map(|order| &order.kind) {
            Some(OrderByKind::All(_)) => refuse("ORDER BY ALL", "name the columns"),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Refusal> {
        let clauses = [
            (select.flavor != SelectFlavor::Standard, "FROM before SELECT", "write SELECT first"),
            (select.top.is_some(), "TOP", "write it as LIMIT"),
            (select.into.is_some(), "SELECT INTO", SELECT_ONLY),
            (!select.lateral_views.is_empty(), "LATERAL VIEW", "join on the patient"),
            (select.prewhere.is_some(), "PREWHERE", "write it as WHERE"),
            (!select.connect_by.is_empty(), "CONNECT BY", "name each subquery once"),
            (!select.cluster_by.is_empty(), "CLUSTER BY", SELECT_ONLY),
            (!select.distribute_by.is_empty(), "DISTRIBUTE BY", SELECT_ONLY),
            (!select.sort_by.is_empty(), "SORT BY", "write it as ORDER BY"),
            (!select.named_window.is_empty(), "WINDOW, a window function,", AGGREGATES),
            (
                select.qualify.is_some(),
                "QUALIFY, a condition on a window function,",
                "use HAVING over released numbers",
            ),
            (select.value_table_mode.is_some(), "SELECT AS STRUCT or AS VALUE", SELECT_ONLY),
            (select.exclude.is_some(), "EXCLUDE", "name the columns"),
            (
                select.select_modifiers.as_ref().is_some_and(|set| set.is_any_set()),
                "A modifier after SELECT",
                SELECT_ONLY,
            ),
        ];
        first(&clauses)?;
        let (GroupByExpr::All(modifiers) | GroupByExpr::Expressions(_, modifiers)) =
            &select.group_by;
        if !modifiers.is_empty() {
            return refuse(
                "GROUP BY WITH ROLLUP, CUBE, TOTALS or GROUPING SETS",
                "group by plain columns",
            );
        }
        select.from.iter().flat_map(|from| &from.joins).try_for_each(|one| join(&one.join_operator))
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Refusal> {
        let functions = "ask of a published table by its name";
        match factor {
            TableFactor::Table { args: Some(_), .. } => refuse("A table function", functions),
            TableFactor::Table {
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                index_hints,
                ..
            } => first(&[
                (sample.is_some(), "TABLESAMPLE", "leave it out: all patients are counted"),
                (version.is_some(), "An earlier version of a table", functions),
                (*with_ordinality, "WITH ORDINALITY", functions),
                (!partitions.is_empty(), "PARTITION", functions),
                (json_path.is_some(), "A path into a table", functions),
                (!with_hints.is_empty() || !index_hints.is_empty(), "A table hint", functions),
            ]),
            TableFactor::Derived { lateral, sample, .. } => first(&[
                (*lateral, "LATERAL, a correlated subquery,", "join on the patient"),
                (sample.is_some(), "TABLESAMPLE", "leave it out: all patients are counted"),
            ]),
            TableFactor::NestedJoin { .. } => ControlFlow::Continue(()),
            TableFactor::UNNEST { .. } => refuse("UNNEST", functions),
            TableFactor::Pivot { .. } | TableFactor::Unpivot { .. } => {
                refuse("PIVOT or UNPIVOT", "use GROUP BY, or COUNT(*) FILTER (WHERE ...)")
            }
            TableFactor::MatchRecognize { .. } => refuse("MATCH_RECOGNIZE", AGGREGATES),
            _ => refuse("A table function", functions),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Refusal> {
        let dates = "publish years or days as whole numbers, and compare with those";
        match expr {
            Expr::Exists { .. } => refuse("EXISTS, a subquery within an expression,", PATIENT_IN),
            Expr::AnyOp { .. } | Expr::AllOp { .. } => refuse("ANY or ALL", PATIENT_IN),
            Expr::InUnnest { .. } => refuse("IN UNNEST", "write IN with a list of literals"),
            Expr::RLike { .. } => refuse("RLIKE or REGEXP", "use LIKE"),
            Expr::MatchAgainst { .. } => refuse("MATCH AGAINST", "use LIKE"),
            Expr::MemberOf(_) => refuse("MEMBER OF", "write IN with a list of literals"),
            Expr::Interval(_) => refuse("INTERVAL", dates),
            Expr::Extract { .. } => refuse("EXTRACT", dates),
            Expr::AtTimeZone { .. } => refuse("AT TIME ZONE", dates),
            Expr::TypedString(_) => refuse("A literal of a date, time or other type", dates),
            Expr::Array(_) | Expr::Struct { .. } | Expr::Map(_) | Expr::Dictionary(_) => {
                refuse("An array, struct or map", "use plain columns and literals")
            }
            Expr::Tuple(of) if of.is_empty() => {
                refuse("GROUP BY ()", "leave it out: the aggregates are then of everything")
            }
            Expr::Tuple(_) => refuse("A row of several values", "compare the columns one by one"),
            Expr::BinaryOp { op: BinaryOperator::BitwiseXor, .. } => {
                refuse("The operator ^, exclusive or of bits,", "write x * x for a square")
            }
            Expr::Identifier(name) if name.value.starts_with('@') => {
                refuse("A variable", "write its value as a literal")
            }
            Expr::Substring { .. } => refuse("The function SUBSTRING", TEXTS),
            Expr::Position { .. } => refuse("The function POSITION", TEXTS),
            Expr::Overlay { .. } => refuse("The function OVERLAY", TEXTS),
            Expr::Convert { .. } => refuse("The function CONVERT", "use CAST"),
            Expr::IsNormalized { .. } => refuse("IS NORMALIZED", TEXTS),
            Expr::JsonAccess { .. } | Expr::CompoundFieldAccess { .. } => {
                refuse("A field or element of a value", "use plain columns")
            }
            Expr::Collate { .. } => {
                refuse("COLLATE", "compare texts as they are, or LOWER(column)")
            }
            Expr::Lambda(_) => refuse("A lambda function", AGGREGATES),
            Expr::Prior(_) => refuse("PRIOR", "name each subquery once"),
            Expr::OuterJoin(_) => refuse("The join operator (+)", "write it as LEFT JOIN"),
            Expr::UnaryOp { op, .. } => unary(*op),
            Expr::Function(function) => call(function),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// The first of these clauses that is there.
fn first(clauses: &[(bool, &str, &str)]) -> ControlFlow<Refusal> {
    match clauses.iter().find(|(there, ..)| *there) {
        Some((_, construct, instead)) => refuse(*construct, instead),
        None => ControlFlow::Continue(()),
    }
}

fn body(part: &SetExpr) -> ControlFlow<Refusal> {
    match part {
        SetExpr::Select(_) | SetExpr::Query(_) => ControlFlow::Continue(()),
        SetExpr::SetOperation { op, .. } => ControlFlow::Break(set_operation(match op {
            SetOperator::Union => "UNION",
            SetOperator::Intersect => "INTERSECT",
            SetOperator::Except | SetOperator::Minus => "EXCEPT",
        })),
        SetExpr::Values(_) => refuse(
            "VALUES, a question without a table,",
            "ask of a published table after FROM, and write constants as literals",
        ),
        SetExpr::Table(_) => refuse("TABLE, output of rows,", AGGREGATES),
        SetExpr::Insert(_) => ControlFlow::Break(not_a_select("INSERT")),
        SetExpr::Update(_) => ControlFlow::Break(not_a_select("UPDATE")),
        SetExpr::Delete(_) => ControlFlow::Break(not_a_select("DELETE")),
        SetExpr::Merge(_) => ControlFlow::Break(not_a_select("MERGE")),
    }
}

fn join(operator: &JoinOperator) -> ControlFlow<Refusal> {
    match operator {
        JoinOperator::Semi(_) | JoinOperator::LeftSemi(_) | JoinOperator::RightSemi(_) => {
            refuse("SEMI JOIN", "write WHERE patient IN (SELECT patient FROM ...)")
        }
        JoinOperator::Anti(_) | JoinOperator::LeftAnti(_) | JoinOperator::RightAnti(_) => {
            refuse("ANTI JOIN", "write WHERE patient NOT IN (SELECT patient FROM ...)")
        }
        JoinOperator::CrossApply | JoinOperator::OuterApply => {
            refuse("APPLY, a correlated subquery,", "join on the patient")
        }
        JoinOperator::AsOf { .. } => refuse("ASOF JOIN", "write it as JOIN or LEFT JOIN"),
        JoinOperator::StraightJoin(_) => refuse("STRAIGHT_JOIN", "write it as JOIN"),
        JoinOperator::ArrayJoin | JoinOperator::LeftArrayJoin | JoinOperator::InnerArrayJoin => {
            refuse("ARRAY JOIN", "write it as JOIN or LEFT JOIN")
        }
        _ => ControlFlow::Continue(()),
    }
}

fn unary(op: UnaryOperator) -> ControlFlow<Refusal> {
    match op {
        UnaryOperator::Not | UnaryOperator::Minus | UnaryOperator::Plus => {
            ControlFlow::Continue(())
        }
        other => refuse(format!("The operator {other}"), "use arithmetic, comparisons and NOT"),
    }
}

fn call(function: &Function) -> ControlFlow<Refusal> {
    if function.over.is_some() {
        return ControlFlow::Break(super::relation::window());
    }
    if function.uses_odbc_syntax || function.parameters != FunctionArguments::None {
        return refuse(
            "A call in braces or with two lists of arguments",
            "write it as name(argument)",
        );
    }
    match &function.args {
        FunctionArguments::None => ControlFlow::Continue(()),
        FunctionArguments::Subquery(_) => refuse("A subquery within an expression", PATIENT_IN),
        FunctionArguments::List(list) => list.clauses.iter().try_for_each(|clause| match clause {
            FunctionArgumentClause::OrderBy(_)
            | FunctionArgumentClause::IgnoreOrRespectNulls(_) => ControlFlow::Continue(()),
            FunctionArgumentClause::Limit(_) => refuse("LIMIT in an aggregate", AGGREGATES),
            FunctionArgumentClause::Having(_) => refuse(
                "HAVING in an aggregate",
                "use FILTER (WHERE ...) with a condition on each row",
            ),
            _ => refuse("A clause in the arguments of a function", AGGREGATES),
        }),
    }
}

/// How large a question is with each name of WITH written out.
#[derive(Default)]
struct Written {
    /// The sizes of the queries that are being looked at, the outermost first.
    open: Vec<usize>,
    /// What WITH names the queries that it holds.
    names: HashMap<*const Query, String>,
    /// The size of what a name stands for: the largest, where it stands for several.
    sizes: HashMap<String, usize>,
}

impl Visitor for Written {
    type Break = Refusal;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Refusal> {
        self.open.push(1);
        for named in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = named.alias.name.value.to_lowercase();
            self.names.insert(std::ptr::from_ref(&*named.query), name);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Refusal> {
        let name = relation.0.last().map(|part| part.to_string().replace('"', "").to_lowercase());
        let size = name.and_then(|name| self.sizes.get(&name)).copied().unwrap_or(1);
        self.grow(size)
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<Refusal> {
        let size = self.open.pop().unwrap_or_default();
        match self.names.get(&std::ptr::from_ref(query)) {
            // It counts wherever it is named.
            Some(name) => {
                let known = self.sizes.entry(name.clone()).or_default();
                *known = size.max(*known);
                ControlFlow::Continue(())
            }
            None => self.grow(size),
        }
    }
}

impl Written {
    fn grow(&mut self, size: usize) -> ControlFlow<Refusal> {
        let Some(open) = self.open.last_mut() else { return ControlFlow::Continue(()) };
        *open += size;
        match *open > MOST_SUBQUERIES {
            true => refuse(NAMED_TOO_OFTEN, "name each subquery once or twice"),
            false => ControlFlow::Continue(()),
        }
    }
}
