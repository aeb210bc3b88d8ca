//! From DataFusion's logical plan to rows of patients, and from there to released numbers.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use datafusion_expr::{
    Aggregate, Distinct, Expr, FetchType, Filter, Limit, LogicalPlan, Operator, Projection,
    SkipType, Sort, TableScan,
    expr::{AggregateFunction, InSubquery},
};

use super::{
    Question,
    expression::{Columns, chain, patient},
    join::with_conditions,
    release,
};
use crate::{
    Loss, PublicDomain, PublicSchema, Refusal,
    plan::{
        ColumnRef, PersonAggregate, PersonFunction, Relation, ReleasePlan, SortKey, Step, TableRef,
    },
    refusal::list,
    scalar::{Arithmetic, Bounds, Key, Kind, Literal, Scalar, Type, Typed, narrow},
};

/// The schema, the question, and the tables that it has named so far.
pub(super) struct Tables<'a> {
    schema: &'a PublicSchema,
    pub question: &'a Question,
    pub read: Vec<TableRef>,
    /// Parts of the plan that were lowered. A subquery that is named twice is two parts.
    parts: usize,
}

/// Parts of a plan at most: subqueries that name each other twice are twice as many at each step.
const MOST_PARTS: usize = 2_000;

/// What a part of the plan is.
pub(super) enum Lowered {
    Private(Private),
    Public(Box<Public>),
}

/// Rows of patients.
pub(super) struct Private {
    pub relation: Relation,
    /// Of each column; their number is that of the plan's fields.
    pub types: Vec<Type>,
    pub limits: Published,
    /// Whether this is one row for each of a patient's groups.
    pub of_patients: bool,
}

/// How many rows of a patient there can be, by what is published.
#[derive(Clone)]
pub(super) struct Published {
    /// In all; else the tables that have no bound, as a list in words.
    pub rows: Result<u32, String>,
    pub per_group: Option<u32>,
    pub groups: Option<u32>,
}

/// Released numbers, and what happens to them.
pub(super) struct Public {
    pub release: ReleasePlan,
    pub loss: Loss,
    pub rules: Vec<String>,
    pub types: Vec<Type>,
    pub steps: Vec<Step>,
}

impl<'a> Tables<'a> {
    pub fn new(schema: &'a PublicSchema, question: &'a Question) -> Self {
        Self { schema, question, read: Vec::new(), parts: 0 }
    }

    /// A part of the plan from its tables upwards.
    pub fn lower(&mut self, node: &LogicalPlan) -> Result<Lowered, Refusal> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err(Refusal::unsupported(
                super::statement::NAMED_TOO_OFTEN,
                "name each subquery once or twice",
            ));
        }
        match node {
            LogicalPlan::TableScan(scan) => Ok(Lowered::Private(self.scan(scan)?)),
            LogicalPlan::SubqueryAlias(alias) => self.lower(&alias.input),
            LogicalPlan::Projection(projection) => self.projection(projection),
            LogicalPlan::Filter(filter) => self.filter(filter),
            LogicalPlan::Aggregate(aggregate) => self.aggregate(aggregate),
            LogicalPlan::Join(join) => Ok(Lowered::Private(self.join(join)?)),
            LogicalPlan::Sort(sort) => self.sort(sort),
            LogicalPlan::Limit(limit) => self.limit(limit),
            LogicalPlan::Distinct(Distinct::All(input)) => self.distinct(input),
            other => Err(refused(other)),
        }
    }

    /// Rows of patients, where released numbers make no sense.
    pub fn private(&mut self, node: &LogicalPlan, construct: &str) -> Result<Private, Refusal> {
        match self.lower(node)? {
            Lowered::Private(private) => Ok(private),
            Lowered::Public(_) => Err(Refusal::unsupported(
                construct,
                "ask one question for each part and compute with the answers",
            )),
        }
    }

    fn scan(&mut self, scan: &TableScan) -> Result<Private, Refusal> {
        let name = scan.table_name.table();
        let schema = self.schema;
        let unknown = || Refusal::UnknownTable {
            name: name.to_owned(),
            known: list(schema.tables.iter().map(|table| table.name.as_str())),
        };
        let table = schema.table(name).ok_or_else(unknown)?;
        let one_row = table.max_rows == Some(1);
        let allowed = table.columns.iter().filter(|column| column.allowed);
        let columns = allowed.map(|column| {
            let (kind, bounds) = match &column.domain {
                PublicDomain::Text(_) => (Kind::Text, None),
                PublicDomain::Flag => (Kind::Flag, None),
                PublicDomain::Integer(bounds) => {
                    (Kind::Integer, bounds.map(|(lower, upper)| Bounds::Integer(lower, upper)))
                }
                PublicDomain::Decimal(bounds) => {
                    (Kind::Decimal, bounds.map(|(lower, upper)| Bounds::Decimal(lower, upper)))
                }
            };
            let bounds = bounds.filter(|bounds| bounds.usable());
            let domain = match &column.domain {
                PublicDomain::Text(Some(values)) => {
                    Some(Arc::new(values.iter().cloned().map(Key::Text).collect()))
                }
                PublicDomain::Flag => Type::flag(true, true).domain,
                _ => None,
            };
            let known = Type {
                kind,
                bounds,
                steps: None,
                domain,
                nullable: column.nullable,
                of_person: one_row,
            };
            (ColumnRef { name: column.name.clone(), kind, bounds, needed: false }, known)
        });
        let (columns, mut types): (Vec<_>, Vec<_>) = columns.unzip();
        types.insert(0, Type { nullable: false, of_person: true, ..Type::any(Kind::Person) });
        let read = TableRef { name: name.to_owned(), person: table.person.clone(), columns };
        let index = self.read.iter().position(|known| *known == read).unwrap_or_else(|| {
            self.read.push(read);
            self.read.len() - 1
        });
        let relation = Relation::Scan { table: index };
        let relation = match one_row {
            true => Relation::First { input: Box::new(relation), rows: 1 },
            false => relation,
        };
        let limits = Published {
            rows: table.max_rows.ok_or_else(|| format!("`{name}`")),
            per_group: table.max_rows_per_group,
            groups: table.max_groups,
        };
        Ok(Private { relation, types, limits, of_patients: false })
    }

    fn projection(&mut self, projection: &Projection) -> Result<Lowered, Refusal> {
        let lowered = self.lower(&projection.input)?;
        let columns = Columns { schema: projection.input.schema(), types: lowered.types() };
        let of_rows = matches!(lowered, Lowered::Private(_));
        let typed = projection.expr.iter().map(|expr| {
            let typed = columns.typed(expr)?;
            Ok(if of_rows { typed.exact(columns.types) } else { typed })
        });
        let (scalars, types) = split(typed.collect::<Result<_, _>>()?);
        let same = |(index, scalar): (usize, &Scalar)| *scalar == Scalar::Column(index);
        let unchanged =
            scalars.iter().enumerate().all(same) && types.len() == lowered.types().len();
        Ok(match lowered {
            // Writing all columns out again is no other question.
            lowered if unchanged => lowered,
            Lowered::Private(private) => {
                let input = Box::new(private.relation);
                let relation = Relation::Project { input, columns: scalars };
                Lowered::Private(Private { relation, types, ..private })
            }
            Lowered::Public(mut public) => {
                public.steps.push(Step::Project(scalars));
                public.types = types;
                Lowered::Public(public)
            }
        })
    }

    fn filter(&mut self, filter: &Filter) -> Result<Lowered, Refusal> {
        let parts = chain(&filter.predicate, Operator::And);
        let (input, parts) = with_conditions(&filter.input, parts);
        let mut lowered = self.lower(&input)?;
        let mut rest = Vec::new();
        for part in parts {
            match membership(part) {
                Some((listed, present)) => {
                    lowered = Lowered::Private(self.in_subquery(lowered, listed, present, filter)?);
                }
                None => rest.push(part),
            }
        }
        let parts = rest;
        if parts.is_empty() {
            return Ok(lowered);
        }
        let columns = Columns { schema: filter.input.schema(), types: lowered.types() };
        let conditions = parts.iter().map(|part| columns.condition(part));
        let condition = Typed::all(conditions.collect::<Result<_, _>>()?);
        Ok(match lowered {
            Lowered::Private(mut private) => {
                if !condition.known.can_be_true() {
                    return Err(never());
                }
                narrow(&condition.scalar, &mut private.types);
                let relation = private.relation.filtered(condition.scalar);
                Lowered::Private(Private { relation, ..private })
            }
            Lowered::Public(_) if !condition.known.can_be_true() => return Err(never_shown()),
            Lowered::Public(mut public) => {
                public.steps.push(Step::Filter(condition.scalar));
                Lowered::Public(public)
            }
        })
    }

    /// `patient IN (SELECT patient ...)`: a question about who has rows elsewhere, or who has none.
    fn in_subquery(
        &mut self,
        input: Lowered,
        part: &InSubquery,
        present: bool,
        filter: &Filter,
    ) -> Result<Private, Refusal> {
        let refused = || {
            Refusal::unsupported(
                "IN (SELECT ...) of anything but the patient column",
                "write patient IN (SELECT patient FROM ... WHERE ...)",
            )
        };
        let Lowered::Private(input) = input else { return Err(refused()) };
        if !part.subquery.outer_ref_columns.is_empty() {
            return Err(refused());
        }
        let columns = Columns { schema: filter.input.schema(), types: &input.types };
        let other = self.private(&part.subquery.subquery, "A subquery of released numbers")?;
        let person = columns.typed(&part.expr)?;
        let is_person = person.known.kind == Kind::Person;
        if !is_person || other.types.len() != 1 || other.types[0].kind != Kind::Person {
            return Err(refused());
        }
        // A row that a LEFT JOIN left without a partner has no patient there: it is in nothing, not in nothing, and makes nothing be in it.
        let listed = Typed { scalar: Scalar::Column(0), known: other.types[0].clone() };
        let relation = Relation::Having {
            input: Box::new(known_person(input.relation, person)),
            other: Box::new(known_person(other.relation, listed)),
            present,
        };
        Ok(Private { relation, ..input })
    }

    fn aggregate(&mut self, aggregate: &Aggregate) -> Result<Lowered, Refusal> {
        let input = self.private(&aggregate.input, "An aggregate of released numbers")?;
        let columns = Columns { schema: aggregate.input.schema(), types: &input.types };
        // A key that is named again is the same key, for the planner's columns too.
        let mut seen = HashSet::new();
        let named = aggregate.group_expr.iter().filter(|expr| seen.insert(*expr));
        let named: Vec<&Expr> = named.collect();
        if named.len() + aggregate.aggr_expr.len() != aggregate.schema.fields().len() {
            return Err(Refusal::mistake(
                "GROUP BY with the same key in several ways",
                "name each key once",
            ));
        }
        let keys = named.iter().map(|expr| columns.typed(expr));
        let keys = keys.collect::<Result<Vec<_>, Refusal>>()?;
        if keys.iter().any(|key| key.known.kind == Kind::Person) {
            let found =
                aggregate.aggr_expr.iter().map(|expr| person_aggregate(expr, &columns, &input));
            let found = found.collect::<Result<Vec<_>, _>>()?;
            let keys = keys.into_iter().map(|key| key.exact(&input.types)).collect();
            return Ok(Lowered::Private(within(input, keys, found)));
        }
        Ok(Lowered::Public(Box::new(release::release(
            aggregate,
            &named,
            keys,
            input,
            self.question,
        )?)))
    }

    fn distinct(&mut self, input: &LogicalPlan) -> Result<Lowered, Refusal> {
        match self.lower(input)? {
            Lowered::Private(private)
                if private.types.iter().any(|known| known.kind == Kind::Person) =>
            {
                let key = |(index, known): (usize, &Type)| Typed {
                    scalar: Scalar::Column(index),
                    known: known.clone(),
                };
                let keys = private.types.iter().enumerate().map(key).collect();
                Ok(Lowered::Private(within(private, keys, Vec::new())))
            }
            _ => Err(Refusal::unsupported(
                "SELECT DISTINCT",
                "use GROUP BY, or COUNT(DISTINCT patient) for the number of patients",
            )),
        }
    }

    fn sort(&mut self, sort: &Sort) -> Result<Lowered, Refusal> {
        let mut lowered = self.lower(&sort.input)?;
        let columns = Columns { schema: sort.input.schema(), types: lowered.types() };
        let keys = sort.expr.iter().map(|key| {
            let scalar = columns.typed(&key.expr)?.scalar;
            Ok(SortKey { scalar, ascending: key.asc, nulls_first: key.nulls_first })
        });
        let keys = keys.collect::<Result<_, _>>()?;
        match &mut lowered {
            Lowered::Public(public) => public.steps.push(Step::Sort(keys)),
            // The order of rows means nothing to what is counted.
            Lowered::Private(_) if sort.fetch.is_none() => {}
            Lowered::Private(_) => return Err(limited()),
        }
        Ok(lowered)
    }

    fn limit(&mut self, limit: &Limit) -> Result<Lowered, Refusal> {
        let (skip, fetch) = bounds(limit)?;
        match self.lower(&limit.input)? {
            Lowered::Public(mut public) => {
                public.steps.push(Step::Limit { skip, fetch });
                Ok(Lowered::Public(public))
            }
            Lowered::Private(_) => Err(limited()),
        }
    }
}

/// `IN (SELECT ...)`, and whether what it lists must be there.
fn membership(mut part: &Expr) -> Option<(&InSubquery, bool)> {
    let mut present = true;
    loop {
        match part {
            Expr::Not(inner) => (part, present) = (inner, !present),
            Expr::InSubquery(listed) => return Some((listed, present != listed.negated)),
            _ => return None,
        }
    }
}

/// Only rows in which the patient's column holds one.
fn known_person(relation: Relation, person: Typed) -> Relation {
    match person.known.nullable {
        true => {
            let condition = person.null().not().scalar;
            Relation::Filter { input: Box::new(relation), condition }
        }
        false => relation,
    }
}

fn limited() -> Refusal {
    Refusal::unsupported(
        "LIMIT or OFFSET before the aggregate",
        "leave it out of the subquery: which rows it kept would depend on the rows of others; LIMIT of the answer works",
    )
}

impl Lowered {
    fn types(&self) -> &[Type] {
        match self {
            Self::Private(private) => &private.types,
            Self::Public(public) => &public.types,
        }
    }
}

fn split(typed: Vec<Typed>) -> (Vec<Scalar>, Vec<Type>) {
    typed.into_iter().map(|one| (one.scalar, one.known)).unzip()
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

/// The condition cannot hold for any row that the schema allows.
pub(super) fn never() -> Refusal {
    Refusal::mistake(
        "A condition can never hold, by the published values and bounds of its columns, so that it selects no rows",
        "compare with values that the schema publishes; nothing was charged",
    )
}

/// No released group can meet the condition.
fn never_shown() -> Refusal {
    Refusal::mistake(
        "The condition can never hold for a group, by the published values, so that nothing would be shown",
        "compare with values that the schema publishes; nothing was charged",
    )
}

/// One row for each group of a patient's rows.
fn within(input: Private, keys: Vec<Typed>, aggregates: Vec<(PersonAggregate, Type)>) -> Private {
    let of_person = keys.iter().all(|key| key.known.of_person);
    let (scalars, mut types) = split(keys);
    let (aggregates, results): (Vec<_>, Vec<_>) = aggregates.into_iter().unzip();
    types.extend(results);
    if of_person {
        types.iter_mut().for_each(|known| known.of_person = true);
    }
    let relation = match &input.limits.rows {
        Ok(rows) => Relation::First { input: Box::new(input.relation), rows: *rows },
        Err(_) => input.relation,
    };
    let rows = if of_person { Ok(1) } else { input.limits.rows };
    let limits = Published { rows, per_group: None, groups: input.limits.groups };
    Private {
        relation: Relation::Within {
            input: Box::new(relation),
            keys: scalars,
            aggregates,
            one: of_person,
        },
        types,
        limits,
        of_patients: true,
    }
}

/// An aggregate of one patient's rows, exact because nobody sees it.
fn person_aggregate(
    expr: &Expr,
    columns: &Columns<'_>,
    input: &Private,
) -> Result<(PersonAggregate, Type), Refusal> {
    let Expr::AggregateFunction(AggregateFunction { func, params }) =
        expr.clone().unalias_nested().data
    else {
        return Err(Refusal::unsupported("This kind of aggregate", super::AGGREGATES));
    };
    if params.filter.is_some() || !params.order_by.is_empty() {
        return Err(Refusal::unsupported(
            "FILTER or ORDER BY in an aggregate of one patient's rows",
            "use CASE within the aggregate",
        ));
    }
    let rows = input.limits.rows.clone();
    let function = match func.name() {
        "count" => PersonFunction::Count,
        "sum" => PersonFunction::Sum,
        "avg" => PersonFunction::Mean,
        "min" => PersonFunction::Least,
        "max" => PersonFunction::Greatest,
        name => {
            return Err(Refusal::unsupported(
                format!("{} of one patient's rows", name.to_uppercase()),
                "use COUNT, SUM, AVG, MIN or MAX where you group by the patient",
            ));
        }
    };
    let [argument] = params.args.as_slice() else {
        return Err(Refusal::unsupported("An aggregate of several arguments", super::AGGREGATES));
    };
    let argument = columns.typed(argument)?;
    let number = argument.known.kind.is_number();
    let counts = function == PersonFunction::Count;
    if argument.known.kind == Kind::Person && !counts {
        return Err(patient());
    }
    if !(counts || number && !params.distinct) {
        return Err(Refusal::mistake(
            format!("{} of {}", func.name().to_uppercase(), argument.known.kind.words()),
            "use COUNT, or give it a number",
        ));
    }
    let most = rows.map(i64::from).ok();
    let is_null = matches!(argument.scalar, Scalar::Literal(Literal::Null(_)));
    let literal = matches!(argument.scalar, Scalar::Literal(_)) && !is_null && !params.distinct;
    let known = match function {
        PersonFunction::Count => Type {
            bounds: most.map(|most| Bounds::Integer(0, most)),
            // A group that is there has a row.
            domain: most
                .filter(|most| literal && *most <= super::MAX_GROUPS as i64)
                .map(|most| Arc::new((1..=most).map(Key::Integer).collect())),
            nullable: false,
            ..Type::any(Kind::Integer)
        },
        PersonFunction::Sum => Type {
            bounds: argument.known.bounds.zip(most).and_then(|(bounds, most)| {
                let times = match bounds {
                    Bounds::Integer(..) => Bounds::Integer(0, most),
                    Bounds::Decimal(..) => Bounds::Decimal(0.0, most as f64),
                };
                bounds.arithmetic(Arithmetic::Multiply, times)
            }),
            steps: argument.known.steps,
            ..Type::any(argument.known.kind)
        },
        PersonFunction::Mean => {
            let decimal = argument.clone().decimal().known;
            Type { bounds: decimal.bounds, ..Type::any(Kind::Decimal) }
        }
        PersonFunction::Least | PersonFunction::Greatest => Type {
            bounds: argument.known.bounds,
            steps: argument.known.steps,
            ..Type::any(argument.known.kind)
        },
    };
    let argument = match function {
        PersonFunction::Count if literal => None,
        PersonFunction::Mean => Some(argument.decimal().scalar),
        _ => Some(argument.scalar),
    };
    Ok((PersonAggregate { function, argument, distinct: params.distinct }, known))
}

pub(super) fn window() -> Refusal {
    Refusal::unsupported("A window function (OVER)", super::names::WINDOWS)
}

/// Why a part of the plan is refused.
fn refused(node: &LogicalPlan) -> Refusal {
    match node {
        LogicalPlan::Union(_) => set_operation("UNION"),
        LogicalPlan::Window(_) => window(),
        LogicalPlan::EmptyRelation(_) | LogicalPlan::Values(_) => {
            Refusal::unsupported("A question without a table", "name a table after FROM")
        }
        LogicalPlan::RecursiveQuery(_) => {
            Refusal::unsupported("WITH RECURSIVE", "name each subquery once, without recursion")
        }
        LogicalPlan::Unnest(_) => Refusal::unsupported("UNNEST", super::AGGREGATES),
        LogicalPlan::Distinct(Distinct::On(_)) => {
            Refusal::unsupported("SELECT DISTINCT ON", "use GROUP BY")
        }
        LogicalPlan::Subquery(_) => {
            Refusal::unsupported("A lateral subquery", "join on the patient")
        }
        LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) => super::not_a_select("EXPLAIN"),
        _ => Refusal::unsupported("This construct", super::AGGREGATES),
    }
}

pub(super) fn set_operation(name: &str) -> Refusal {
    Refusal::unsupported(
        format!("{name}, a set operation,"),
        "ask one question for each part, or combine conditions with AND, OR and NOT",
    )
}

/// Marks which columns of tables and joins anybody reads.
pub(super) fn prune(release: &mut ReleasePlan) {
    let mut needed = BTreeSet::new();
    release.arguments.iter().for_each(|argument| argument.columns(&mut needed));
    mark(&mut release.relation, &needed, &mut release.tables);
}

fn mark(relation: &mut Relation, needed: &BTreeSet<usize>, tables: &mut [TableRef]) {
    match relation {
        Relation::Scan { table } => {
            let columns = &mut tables[*table].columns;
            // The patient's column comes first and is always read.
            needed
                .iter()
                .filter(|index| **index > 0)
                .for_each(|index| columns[index - 1].needed = true);
        }
        Relation::First { input, .. } => mark(input, needed, tables),
        Relation::Filter { input, condition } => {
            let mut more = needed.clone();
            condition.columns(&mut more);
            mark(input, &more, tables);
        }
        Relation::Project { input, columns } => {
            let mut below = BTreeSet::new();
            needed.iter().for_each(|index| columns[*index].columns(&mut below));
            // What nobody reads is not computed: what it is made of may not be there.
            let unread = columns.iter_mut().enumerate().filter(|(at, _)| !needed.contains(at));
            unread.for_each(|(_, column)| *column = Scalar::Literal(Literal::Null(Kind::Flag)));
            mark(input, &below, tables);
        }
        Relation::Join { left, right, condition, width, needed: kept, .. } => {
            let mut more = needed.clone();
            condition.iter().for_each(|condition| condition.columns(&mut more));
            let width = *width;
            let below = more.iter().filter(|index| **index < width).copied().collect();
            mark(left, &below, tables);
            let below = more.iter().filter(|index| **index >= width).map(|index| index - width);
            mark(right, &below.collect(), tables);
            kept.iter_mut().enumerate().for_each(|(index, kept)| *kept = more.contains(&index));
        }
        Relation::Having { input, other, .. } => {
            mark(input, needed, tables);
            mark(other, &BTreeSet::new(), tables);
        }
        Relation::Within { input, keys, aggregates, .. } => {
            let mut below = BTreeSet::new();
            keys.iter().for_each(|key| key.columns(&mut below));
            aggregates.iter().flat_map(|one| &one.argument).for_each(|one| one.columns(&mut below));
            mark(input, &below, tables);
        }
    }
}
