//! From SQL to a plan that is private by construction, or to the reason why not.
//!
//! DataFusion plans the text against the *published* schema; [`check`] then translates the logical plan from the tables upwards. Below
//! the outermost aggregate everything works on the rows of one patient at a time ([`relation`]); there the noise is added
//! ([`release`]); above it everything works on released numbers. Each step admits what it knows and refuses all else, so
//! that a construct that nobody thought of is refused too.

mod calls;
mod catalog;
mod expression;
mod functions;
mod join;
mod names;
mod relation;
mod release;
mod statement;

use std::collections::HashSet;

use caduceus_records::schema::DatasetSchema;
use datafusion_expr::LogicalPlan;
use datafusion_sql::{
    parser::{DFParser, Statement},
    planner::SqlToRel,
    sqlparser::{
        ast::Statement as SqlStatement,
        dialect::GenericDialect,
        tokenizer::{Token, Tokenizer},
    },
};
use serde::{Deserialize, Serialize};

use self::{
    catalog::Catalog,
    relation::{Lowered, Tables},
};
use crate::{
    Delta, Epsilon, Mechanism, PublicSchema, Refusal,
    plan::{MOST_STEPS, PrivatePlan, Step},
};

/// The longest question, in bytes: room for a long list of codes.
pub const MAX_SQL_BYTES: usize = 32 * 1024;

/// The most words and signs of one question, literals and commas not counted. The planner works by recursion: this keeps chains of
/// operators, joins or set operations from exhausting its stack.
pub const MAX_WORDS: usize = 400;

/// Several times what the planner needs for [`MAX_WORDS`] in a build without optimization; only what is used is committed.
const PLANNER_STACK: usize = 64 << 20;

/// The most groups of one question: the product of the published values of its GROUP BY columns.
pub const MAX_GROUPS: usize = 10_000;

const AGGREGATES: &str = "ask for COUNT, SUM, AVG, VARIANCE, STDDEV, MEDIAN or quantiles, with GROUP BY where you want groups";

/// A question to a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// One SELECT.
    pub sql: String,
    /// What the answer may cost, in thousandths of epsilon.
    #[serde(rename = "epsilon_milli")]
    pub epsilon: Epsilon,
    /// The probability with which the guarantee may fail, in units of 1e-18. Gaussian noise and groups that are not published need one.
    #[serde(rename = "delta_atto", default, skip_serializing_if = "is_default")]
    pub delta: Delta,
    /// The noise, where it is not the one that the schema names.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mechanism: Option<Mechanism>,
    /// Narrower limits than the published ones.
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: AskedLimits,
}

/// How many rows of one patient a question wants to count, where that is fewer than published: less noise for more clipping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedLimits {
    /// Over all groups together.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_rows: Option<u32>,
    /// In one group.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_rows_per_group: Option<u32>,
    /// Groups.
    #[serde(default, skip_serializing_if = "is_default")]
    pub max_groups: Option<u32>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Question {
    /// A question with the noise and the limits that the schema names, and no delta.
    pub fn new(sql: impl Into<String>, epsilon: Epsilon) -> Self {
        Self { sql: sql.into(), epsilon, ..Self::default() }
    }
}

/// Plans a question against what a vault publishes; see [`plan`].
///
/// # Errors
/// A [`Refusal`] that names the construct and what would work.
pub fn check(question: &Question, schema: &DatasetSchema) -> Result<PrivatePlan, Refusal> {
    plan(question, &schema.into())
}

/// Plans a question against what a dataset publishes.
///
/// Supported: COUNT, SUM, AVG, VARIANCE, STDDEV, MEDIAN, quantiles, MIN and MAX (as the 1 % and 99 % quantiles), with FILTER;
/// WHERE; CASE; GROUP BY; HAVING; joins on the patient; subqueries and WITH; ORDER BY and LIMIT of the answer; arithmetic on released
/// numbers.
///
/// # Errors
/// A [`Refusal`] that names the construct and what would work.
pub fn plan(question: &Question, schema: &PublicSchema) -> Result<PrivatePlan, Refusal> {
    // The planner recurses with large frames: the longest question admitted needs more than the stack of a usual thread.
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(PLANNER_STACK);
        let planner = builder.spawn_scoped(scope, || lower(question, schema));
        let planned = planner.map(|planner| planner.join().unwrap_or_else(|_| Err(unplannable())));
        planned.unwrap_or_else(|_| Err(unplannable()))
    })
}

fn lower(question: &Question, schema: &PublicSchema) -> Result<PrivatePlan, Refusal> {
    let statement = parse(&question.sql)?;
    let catalog = Catalog::new(schema);
    let planned = SqlToRel::new(&catalog).sql_statement_to_plan(statement);
    let planned = planned.map_err(|error| catalog::refusal(&error))?;
    let mechanism = question.mechanism.unwrap_or(schema.mechanism);
    let question = Question { mechanism: Some(mechanism), ..question.clone() };
    let mut tables = Tables::new(schema, &question);
    let public = match tables.lower(shown(&planned, schema, &question))? {
        Lowered::Public(public) => *public,
        Lowered::Private(private) if private.of_patients => {
            return Err(Refusal::unsupported(
                "Output of one row for each patient (GROUP BY the patient column)",
                "aggregate the patients' rows once more, as in SELECT AVG(n) FROM (SELECT patient, COUNT(*) AS n ... GROUP BY patient)",
            ));
        }
        Lowered::Private(_) => return Err(rows()),
    };
    let names = planned.schema().fields().iter().map(|field| catalog::plain_name(field.name()));
    let names = names.collect::<Vec<_>>();
    let mut seen = HashSet::new();
    if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
        return Err(same_name(&format!("Two columns of the answer are named `{twice}`")));
    }
    let (mut release, mut steps) = (public.release, public.steps);
    release.tables = tables.read;
    relation::prune(&mut release);
    if release.steps() > MOST_STEPS {
        return Err(Refusal::unsupported(
            "A question that computes so much for each pair of a patient's rows",
            "compute or count in a subquery before the join, or join fewer tables of many rows",
        ));
    }
    steps.retain(|step| !matches!(step, Step::Limit { skip: 0, fetch: None }));
    Ok(PrivatePlan { loss: public.loss, release, steps, names, rules: public.rules })
}

/// The plan, without ORDER BY and LIMIT where they are of rows: then rows are what is refused.
fn shown<'a>(
    planned: &'a LogicalPlan,
    schema: &PublicSchema,
    question: &Question,
) -> &'a LogicalPlan {
    let mut inner = planned;
    loop {
        inner = match inner {
            LogicalPlan::Limit(limit) => &limit.input,
            LogicalPlan::Sort(sort) => &sort.input,
            _ => break,
        };
    }
    match Tables::new(schema, question).lower(inner) {
        Ok(Lowered::Private(_)) => inner,
        _ => planned,
    }
}

fn same_name(what: &str) -> Refusal {
    Refusal::mistake(what, "give each column an alias of its own")
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
    let tokens = Tokenizer::new(&GenericDialect, sql).tokenize();
    let tokens = tokens.map_err(|error| Refusal::Syntax(error.to_string()))?;
    if words(&tokens) > MAX_WORDS {
        return Err(Refusal::unsupported(
            format!("A question of more than {MAX_WORDS} words and signs"),
            "shorten it, for example by IN with a list of values, which may be long",
        ));
    }
    let statements = DFParser::parse_sql(sql);
    let mut statements = statements
        .map_err(|error| statement::unread(&tokens).unwrap_or_else(|| catalog::refusal(&error)))?;
    match (statements.pop_front(), statements.is_empty()) {
        (None, _) => Err(Refusal::Syntax("it is empty, or a comment alone".into())),
        (Some(_), false) => {
            Err(Refusal::unsupported("More than one statement", "ask one question at a time"))
        }
        (Some(Statement::Statement(statement)), true) => match &*statement {
            SqlStatement::Query(query) => statement::screen(query).map(|()| *statement),
            _ => Err(not_a_select(&keyword(&tokens))),
        },
        (Some(Statement::Explain(_)), true) => Err(Refusal::unsupported(
            "EXPLAIN as a part of the question",
            "ask `caduceus query explain` with the SELECT alone",
        )),
        (Some(_), true) => Err(not_a_select(&keyword(&tokens))),
    }
}

/// The words of a text in capitals, without literals and names in quotes.
fn keywords(tokens: &[Token]) -> Vec<String> {
    let words = tokens.iter().filter_map(|token| match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_uppercase()),
        _ => None,
    });
    words.collect()
}

/// The first word of a statement, in capitals.
fn keyword(tokens: &[Token]) -> String {
    keywords(tokens).into_iter().next().unwrap_or_else(|| "It".to_owned())
}

/// How many words and signs a text has, literals and commas not counted.
fn words(tokens: &[Token]) -> usize {
    let free = |token: &Token| {
        use Token::{Comma, Number, SingleQuotedString, Whitespace};
        matches!(token, Comma | Number(..) | SingleQuotedString(_) | Whitespace(_))
    };
    tokens.iter().filter(|token| !free(token)).count()
}

fn not_a_select(keyword: &str) -> Refusal {
    Refusal::unsupported(format!("{keyword}, a statement other than SELECT,"), AGGREGATES)
}

fn rows() -> Refusal {
    Refusal::unsupported("Output of rows", AGGREGATES)
}

#[cfg(test)]
mod tests;
