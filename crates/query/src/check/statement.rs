//! The text before it is planned: what the planner would misread, leave out in silence, or refuse in words of its own is refused here
//! by its name.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion_sql::sqlparser::ast::{
    CeilFloorKind, DateTimeField, Distinct, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArguments, GroupByExpr, JoinOperator, LimitClause, ObjectName,
    OrderByKind, Query, Select, SelectFlavor, SelectItem, SetExpr, SetOperator, TableFactor,
    UnaryOperator, Visit, Visitor,
};
use datafusion_sql::sqlparser::tokenizer::Token;

use super::{
    AGGREGATES, functions,
    names::{self, DATES, PATTERNS, PLAIN, TEXTS},
    not_a_select,
    relation::set_operation,
};
use crate::Refusal;

const PATIENT_IN: &str = "select patients with WHERE patient IN (SELECT patient FROM ... WHERE ...), or join on the patient";
const SHARES: &str = "ask for its number in a question of its own and write that in its place; a share is COUNT(*) FILTER (WHERE ...) * 100.0 / COUNT(*); patients are selected with WHERE patient IN (SELECT patient FROM ... WHERE ...)";
const ONE_BY_ONE: &str = "group by plain columns, and ask one question for each grouping";
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

/// Statements that are no SELECT, also those of other systems, by their first word.
const STATEMENTS: &str = "ALTER ANALYZE ATTACH BEGIN CALL CHECKPOINT CLUSTER COMMENT COMMIT COPY CREATE DEALLOCATE DECLARE DELETE DESC DESCRIBE \
     DETACH DISCARD DO DROP EXEC EXECUTE EXPORT FETCH FLUSH FORCE GRANT HELP IMPORT INSERT INSTALL KILL LISTEN LOAD LOCK MERGE MOVE MSCK \
     NOTIFY OPTIMIZE PIVOT PRAGMA PREPARE PRINT REASSIGN REFRESH REINDEX RELEASE RENAME REPAIR REPLACE RESET REVOKE ROLLBACK SAVEPOINT \
     SECURITY SET SHOW START SUMMARIZE TABLE TRUNCATE UNCACHE UNLISTEN UNLOCK UNPIVOT UPDATE UPSERT USE VACUUM";

/// Clauses that the parser does not read everywhere, and what to do instead.
const CLAUSES: [(&str, &str); 17] = [
    ("QUALIFY", "use HAVING over released numbers"),
    ("PIVOT", "use GROUP BY, or one COUNT(*) FILTER (WHERE ...) for each column"),
    ("UNPIVOT", "name each column in an aggregate of its own"),
    ("MATCH_RECOGNIZE", AGGREGATES),
    ("TABLESAMPLE", "leave it out: all patients are counted"),
    ("SAMPLE", "leave it out: all patients are counted"),
    ("POSITIONAL JOIN", "write it as JOIN or LEFT JOIN on the patient"),
    ("ASOF JOIN", "write it as JOIN or LEFT JOIN on the patient"),
    ("LATERAL", "join on the patient"),
    ("CONNECT BY", "name each subquery once"),
    ("START WITH", "name each subquery once"),
    ("OVERLAPS", "write it as a.first <= b.last AND b.first <= a.last"),
    ("FETCH", "write it as LIMIT"),
    ("MODEL", AGGREGATES),
    ("AS STRUCT", SELECT_ONLY),
    ("AS VALUE", SELECT_ONLY),
    ("DIV", "write it as x / y, which of whole numbers is whole, or as FLOOR(x / 10.0)"),
];

/// Operators of other systems that the parser does not read everywhere, and what to do instead.
fn sign(token: &Token) -> Option<&'static str> {
    Some(match token {
        Token::PGSquareRoot => "write it as SQRT(x)",
        Token::PGCubeRoot => "write it as EXP(LN(x) / 3)",
        Token::AtSign => "write ABS(x) for an absolute value, and a value in place of a variable",
        Token::ExclamationMark | Token::DoubleExclamationMark => "write NOT for a condition",
        Token::Sharp
        | Token::DoubleSharp
        | Token::Tilde
        | Token::Caret
        | Token::Ampersand
        | Token::Pipe
        | Token::ShiftLeft
        | Token::ShiftRight => "compute with +, -, *, / and %",
        _ => return None,
    })
}

/// What in a text that the parser does not read it probably stumbled over, where that has a name.
pub(super) fn unread(tokens: &[Token]) -> Option<Refusal> {
    let words = super::keywords(tokens);
    let start = words.first()?;
    if STATEMENTS.split_whitespace().any(|statement| statement == start) {
        return Some(not_a_select(start));
    }
    let text = format!(" {} ", words.join(" "));
    let named = CLAUSES.iter().find(|(clause, _)| text.contains(&format!(" {clause} ")));
    let clause = named.map(|(clause, instead)| Refusal::unsupported(*clause, *instead));
    let operator = || {
        let (token, instead) = tokens.iter().find_map(|token| Some((token, sign(token)?)))?;
        Some(Refusal::unsupported(format!("The operator {token}"), instead))
    };
    clause.or_else(operator)
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
        match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit_by, .. }) if !limit_by.is_empty() => {
                return refuse("LIMIT BY", "order and limit the released groups as a whole");
            }
            Some(LimitClause::LimitOffset { limit, offset, .. }) => {
                limited(limit.iter().chain(offset.iter().map(|offset| &offset.value)))?;
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => limited([offset, limit])?,
            None => {}
        }
        let all = |expr: &Expr| {
            matches!(expr, Expr::Identifier(name)
                if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("all"))
        };
        let of_all = query.order_by.as_ref().is_some_and(|order| match &order.kind {
            OrderByKind::All(_) => true,
            OrderByKind::Expressions(keys) => keys.iter().any(|key| all(&key.expr)),
        });
        first(&[(of_all, "ORDER BY ALL", "name the columns")])
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
            return refuse("GROUP BY WITH ROLLUP, CUBE, TOTALS or GROUPING SETS", ONE_BY_ONE);
        }
        if let GroupByExpr::All(_) = &select.group_by {
            return refuse("GROUP BY ALL", "name the columns that you group by");
        }
        if let Some(Distinct::On(_)) = &select.distinct {
            return refuse(
                "SELECT DISTINCT ON",
                "use GROUP BY, or MIN or MAX in a subquery that groups by the patient",
            );
        }
        let aliases = |item: &SelectItem| matches!(item, SelectItem::ExprWithAliases { .. });
        if select.projection.iter().any(aliases) {
            return refuse("Several names for one column", "give each column one alias");
        }
        select.from.iter().flat_map(|from| &from.joins).try_for_each(|one| join(&one.join_operator))
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Refusal> {
        let published = "ask of a published table by its name";
        let function = |name: &ObjectName| {
            refuse(format!("The table function {}", name.to_string().to_uppercase()), published)
        };
        match factor {
            TableFactor::Table { name, args: Some(_), .. } => function(name),
            TableFactor::Function { name, .. } => function(name),
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
                (version.is_some(), "An earlier version of a table", published),
                (*with_ordinality, "WITH ORDINALITY", published),
                (!partitions.is_empty(), "PARTITION", published),
                (json_path.is_some(), "A path into a table", published),
                (!with_hints.is_empty() || !index_hints.is_empty(), "A table hint", published),
            ]),
            TableFactor::Derived { lateral, sample, .. } => first(&[
                (*lateral, "LATERAL, a correlated subquery,", "join on the patient"),
                (sample.is_some(), "TABLESAMPLE", "leave it out: all patients are counted"),
            ]),
            TableFactor::NestedJoin { .. } => ControlFlow::Continue(()),
            TableFactor::UNNEST { .. } => refuse("UNNEST", published),
            TableFactor::Pivot { .. } => {
                refuse("PIVOT", "use GROUP BY, or one COUNT(*) FILTER (WHERE ...) for each column")
            }
            TableFactor::Unpivot { .. } => {
                refuse("UNPIVOT", "name each column in an aggregate of its own")
            }
            TableFactor::MatchRecognize { .. } => refuse("MATCH_RECOGNIZE", AGGREGATES),
            TableFactor::JsonTable { .. } => refuse("The table function JSON_TABLE", published),
            TableFactor::XmlTable { .. } => refuse("The table function XMLTABLE", published),
            TableFactor::OpenJsonTable { .. } => refuse("The table function OPENJSON", published),
            _ => refuse("A table function", published),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Refusal> {
        match expr {
            Expr::Exists { .. } => refuse("EXISTS, a subquery within an expression,", PATIENT_IN),
            Expr::Subquery(_) => refuse("A subquery within an expression, (SELECT ...),", SHARES),
            Expr::AnyOp { right, .. } if is_list(right) => refuse("ANY of a list", PLAIN),
            Expr::AllOp { right, .. } if is_list(right) => refuse("ALL of a list", PLAIN),
            Expr::AnyOp { .. } => refuse("ANY or SOME of a subquery", PATIENT_IN),
            Expr::AllOp { .. } => refuse("ALL of a subquery", PATIENT_IN),
            Expr::InUnnest { .. } => refuse("IN UNNEST", "write IN with a list of literals"),
            Expr::RLike { regexp, .. } => {
                refuse(if *regexp { "REGEXP" } else { "RLIKE" }, PATTERNS)
            }
            Expr::SimilarTo { .. } => refuse("SIMILAR TO", PATTERNS),
            Expr::Like { any: true, .. } | Expr::ILike { any: true, .. } => {
                refuse("LIKE ANY", PATTERNS)
            }
            Expr::Like { escape_char: Some(_), .. } | Expr::ILike { escape_char: Some(_), .. } => {
                refuse("LIKE with ESCAPE", "leave ESCAPE out: _ stands for any one letter")
            }
            Expr::MatchAgainst { .. } => refuse("MATCH AGAINST", PATTERNS),
            Expr::MemberOf(_) => refuse("MEMBER OF", "write IN with a list of literals"),
            Expr::Interval(_) => refuse("INTERVAL", DATES),
            Expr::Extract { field, .. } => refuse(format!("EXTRACT ({field} FROM ...)"), DATES),
            Expr::AtTimeZone { .. } => refuse("AT TIME ZONE", DATES),
            Expr::TypedString(literal) => {
                refuse(format!("The literal {}, a date, time or other type,", literal), DATES)
            }
            Expr::Cast { data_type, format, .. } => match format {
                Some(_) => refuse("CAST with FORMAT", names::TYPES),
                None => names::data_type(data_type),
            },
            Expr::Floor { field, .. } => rounding("FLOOR", field),
            Expr::Ceil { field, .. } => rounding("CEIL", field),
            Expr::Trim { trim_where, trim_what, trim_characters, .. } => {
                match trim_where.is_some() || trim_what.is_some() || trim_characters.is_some() {
                    true => refuse(
                        "TRIM of one side, or of other letters than spaces,",
                        "write it as TRIM(column), which takes spaces of both sides away",
                    ),
                    false => ControlFlow::Continue(()),
                }
            }
            Expr::Array(_) => refuse("An array", PLAIN),
            Expr::Struct { .. } | Expr::Named { .. } => refuse("A struct", PLAIN),
            Expr::Map(_) | Expr::Dictionary(_) => refuse("A map", PLAIN),
            Expr::GroupingSets(_) => refuse("GROUPING SETS", ONE_BY_ONE),
            Expr::Rollup(_) => refuse("ROLLUP", ONE_BY_ONE),
            Expr::Cube(_) => refuse("CUBE", ONE_BY_ONE),
            Expr::Tuple(of) if of.is_empty() => {
                refuse("GROUP BY ()", "leave it out: the aggregates are then of everything")
            }
            Expr::Tuple(_) => refuse(
                "A row of several values, as in (a, b) = (1, 2),",
                "compare the columns one by one, with AND",
            ),
            Expr::BinaryOp { op, .. } => names::operator(op),
            Expr::Identifier(name) if name.value.starts_with('@') => {
                refuse(format!("A variable, {name},"), "write its value as a literal")
            }
            Expr::Substring { shorthand, .. } => {
                let name = if *shorthand { "SUBSTR" } else { "SUBSTRING" };
                refuse(format!("The function {name}"), TEXTS)
            }
            Expr::Position { .. } => refuse("The function POSITION", TEXTS),
            Expr::Overlay { .. } => refuse("The function OVERLAY", TEXTS),
            Expr::Convert { .. } => {
                refuse("The function CONVERT", "use CAST(x AS INT) or CAST(x AS DOUBLE)")
            }
            Expr::IsNormalized { .. } => refuse("IS NORMALIZED", TEXTS),
            Expr::JsonAccess { .. } | Expr::CompoundFieldAccess { .. } => {
                refuse("A field or element of a value", PLAIN)
            }
            Expr::Prefixed { prefix, .. } => {
                refuse(format!("A literal with the prefix {prefix}"), "write it without")
            }
            Expr::Collate { .. } => {
                refuse("COLLATE", "compare texts as they are, or LOWER(column)")
            }
            Expr::Lambda(_) => refuse("A lambda function", AGGREGATES),
            Expr::Prior(_) => refuse("PRIOR", "name each subquery once"),
            Expr::OuterJoin(_) => refuse("The join operator (+)", "write it as LEFT JOIN"),
            Expr::UnaryOp { op, .. } => unary(*op),
            Expr::Value(value) => names::literal(&value.value),
            Expr::Function(function) => call(function),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// LIMIT and OFFSET are numbers.
fn limited<'a>(counts: impl IntoIterator<Item = &'a Expr>) -> ControlFlow<Refusal> {
    match counts.into_iter().all(|count| matches!(count, Expr::Value(_))) {
        true => ControlFlow::Continue(()),
        false => refuse("A computed LIMIT or OFFSET", "give it as a number"),
    }
}

/// Whether ANY or ALL is of values that are written out.
fn is_list(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_list(inner),
        Expr::Subquery(_) => false,
        _ => true,
    }
}

/// FLOOR and CEIL of anything but one number.
fn rounding(name: &str, field: &CeilFloorKind) -> ControlFlow<Refusal> {
    match field {
        CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => ControlFlow::Continue(()),
        CeilFloorKind::DateTimeField(field) => {
            refuse(format!("{name} of a time to {field}"), DATES)
        }
        CeilFloorKind::Scale(_) => ControlFlow::Break(Refusal::unsupported(
            format!("{name} to decimal places"),
            format!("write it as {name}(x * 10) / 10"),
        )),
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
        JoinOperator::Right(_) | JoinOperator::RightOuter(_) => {
            refuse("RIGHT JOIN", "name the tables in the other order and write LEFT JOIN")
        }
        JoinOperator::FullOuter(_) => {
            refuse("FULL JOIN", "write LEFT JOIN, from each side in a question of its own")
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
    let name = function.name.to_string();
    if function.over.is_some() {
        let construct = format!("{}() OVER, a window function,", name.to_uppercase());
        return refuse(construct, names::WINDOWS);
    }
    if function.uses_odbc_syntax || function.parameters != FunctionArguments::None {
        return refuse(
            "A call in braces or with two lists of arguments",
            "write it as name(argument)",
        );
    }
    if let Some(refusal) = names::function(&name) {
        return ControlFlow::Break(refusal);
    }
    let list = match &function.args {
        FunctionArguments::None => return ControlFlow::Continue(()),
        FunctionArguments::Subquery(_) => {
            return refuse("A subquery within an expression, (SELECT ...),", SHARES);
        }
        FunctionArguments::List(list) => list,
    };
    if function.null_treatment.is_some() {
        return refuse(
            "IGNORE NULLS or RESPECT NULLS",
            "leave it out: COUNT(column), SUM, AVG and the others skip NULL",
        );
    }
    let of_rows = function.filter.is_some()
        || !function.within_group.is_empty()
        || list.duplicate_treatment.is_some();
    if of_rows && functions::is_own(&name.to_lowercase()) {
        return refuse(
            format!(
                "FILTER, DISTINCT or ORDER BY in {}, which is no aggregate,",
                name.to_uppercase()
            ),
            "write it in an aggregate, as in COUNT(*) FILTER (WHERE ...)",
        );
    }
    let star = |argument: &FunctionArg| {
        matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Wildcard))
    };
    if list.args.iter().any(star) && !name.eq_ignore_ascii_case("count") {
        return refuse(
            format!("{}(*)", name.to_uppercase()),
            "name a column in place of *, or count rows with COUNT(*)",
        );
    }
    let unnamed = |argument: &FunctionArg| matches!(argument, FunctionArg::Unnamed(_));
    if !list.args.iter().all(unnamed) {
        return refuse("An argument by name", "give arguments in their order, without names");
    }
    list.clauses.iter().try_for_each(|clause| match clause {
        FunctionArgumentClause::OrderBy(_) | FunctionArgumentClause::IgnoreOrRespectNulls(_) => {
            ControlFlow::Continue(())
        }
        FunctionArgumentClause::Limit(_) => refuse("LIMIT in an aggregate", AGGREGATES),
        FunctionArgumentClause::Having(_) => {
            refuse("HAVING in an aggregate", "use FILTER (WHERE ...) with a condition on each row")
        }
        _ => refuse("A clause in the arguments of a function", AGGREGATES),
    })
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
        let name = relation.0.last().and_then(|part| part.as_ident());
        let name = name.map(|name| name.value.to_lowercase());
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
