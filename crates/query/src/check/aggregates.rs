//! SELECT and GROUP BY: what is released for each group, and how far one patient can move it.

use caduceus_records::schema::Domain;
use datafusion::{
    common::Column,
    logical_expr::{
        Aggregate as AggregateNode, Expr,
        expr::{AggregateFunction, AggregateFunctionParams},
    },
};

use super::{MAX_GROUPS, source::Scope};
use crate::{
    Epsilon, LaplaceScale, Refusal,
    plan::{Aggregate, Grid, GroupColumn, GroupDomain, Measure, Side},
};

/// The columns that are grouped by, each with its published values.
pub(super) fn groups(
    node: &AggregateNode,
    scope: &mut Scope<'_>,
) -> Result<Vec<GroupColumn>, Refusal> {
    let groups = node.group_expr.iter().map(|expr| group(expr, scope));
    let groups = groups.collect::<Result<Vec<_>, _>>()?;
    let count = groups.iter().try_fold(1_usize, |all, group| {
        all.checked_mul(group.domain.size()).filter(|count| *count <= MAX_GROUPS)
    });
    match count {
        Some(_) => Ok(groups),
        None => Err(Refusal::unsupported(
            format!("GROUP BY with more than {MAX_GROUPS} groups"),
            "group by fewer columns, or ask for some values with WHERE",
        )),
    }
}

fn group(expr: &Expr, scope: &mut Scope<'_>) -> Result<GroupColumn, Refusal> {
    const INSTEAD: &str = "group by columns whose values are published: categories and flags";
    let Expr::Column(name) = expr else {
        let construct = match expr {
            Expr::GroupingSet(_) => "GROUPING SETS, ROLLUP or CUBE",
            _ => "GROUP BY over an expression",
        };
        return Err(Refusal::unsupported(construct, INSTEAD));
    };
    let (side, schema) = scope.resolve(name)?;
    let refused = |what: &str| {
        Err(Refusal::unsupported(format!("GROUP BY over `{}`, {what},", schema.name), INSTEAD))
    };
    let domain = match &schema.domain {
        Domain::Category { values } => GroupDomain::Values(values.clone()),
        Domain::Flag => GroupDomain::Flag,
        Domain::Person => return refused("the patient column"),
        Domain::Text => return refused("a text without a published list of values"),
        Domain::Integer { .. } | Domain::Decimal { .. } => return refused("a number"),
    };
    Ok(GroupColumn { column: scope.read(side, schema), domain })
}

/// The aggregates, each with its share of epsilon and the scale of its noise.
pub(super) fn aggregates(
    node: &AggregateNode,
    groups: &[GroupColumn],
    epsilon: Epsilon,
    scope: &mut Scope<'_>,
) -> Result<Vec<Aggregate>, Refusal> {
    if node.aggr_expr.is_empty() {
        return Err(Refusal::unsupported(
            "A list of groups without an aggregate",
            super::AGGREGATES,
        ));
    }
    let persons = persons_sensitivity(groups, scope);
    let draft = node.aggr_expr.iter().map(|expr| Draft::read(expr, scope));
    let draft = draft.collect::<Result<Vec<_>, _>>()?;
    let parts = u32::try_from(draft.len()).unwrap_or(u32::MAX);
    let least = if draft.iter().any(|one| matches!(one.kind, Kind::Mean { .. })) { 2 } else { 1 };
    let too_small = || Refusal::EpsilonTooSmall {
        given: epsilon,
        needed: Epsilon::from_milli(parts.saturating_mul(least)),
    };
    let shares = epsilon.split(parts).ok_or_else(too_small)?;
    let rows = u128::from(scope.source.max_rows_per_person);
    let finished = draft.into_iter().zip(shares).map(|(draft, share)| {
        let measure = draft.kind.measure(share, rows, persons).ok_or_else(too_small)?;
        Ok(Aggregate { name: draft.name, measure, epsilon: share })
    });
    finished.collect()
}

/// In how many groups one patient can be: one if the groups are of the patient's own row, else no more than rows are counted.
fn persons_sensitivity(groups: &[GroupColumn], scope: &Scope<'_>) -> u128 {
    let of_patient = groups.iter().all(|group| scope.columns[group.column].side == Side::Person);
    let count = groups.iter().map(|group| group.domain.size() as u128).product::<u128>();
    if of_patient { 1 } else { count.min(u128::from(scope.source.max_rows_per_person)) }
}

/// An aggregate before it has its share of epsilon.
struct Draft {
    name: String,
    kind: Kind,
}

enum Kind {
    Rows { column: Option<usize> },
    Persons,
    Sum { column: usize, grid: Grid },
    Mean { column: usize, grid: Grid },
}

impl Kind {
    /// The measure with the scales of its noises; `None` if the share is too small to divide.
    fn measure(self, share: Epsilon, rows: u128, persons: u128) -> Option<Measure> {
        Some(match self {
            Self::Rows { column } => {
                Measure::Rows { column, scale: LaplaceScale::new(rows, share)? }
            }
            Self::Persons => Measure::Persons { scale: LaplaceScale::new(persons, share)? },
            Self::Sum { column, grid } => {
                let sensitivity = rows * u128::from(grid.magnitude());
                Measure::Sum { column, grid, scale: LaplaceScale::new(sensitivity, share)? }
            }
            Self::Mean { column, grid } => {
                let count = Epsilon::from_milli(share.milli() / 2);
                let sum = Epsilon::from_milli(share.milli() - count.milli());
                let sensitivity = rows * u128::from(grid.radius());
                Measure::Mean {
                    column,
                    grid,
                    sum: LaplaceScale::new(sensitivity, sum)?,
                    count: LaplaceScale::new(rows, count)?,
                }
            }
        })
    }
}

impl Draft {
    fn read(expr: &Expr, scope: &mut Scope<'_>) -> Result<Self, Refusal> {
        let Expr::AggregateFunction(AggregateFunction { func, params }) =
            expr.clone().unalias_nested().data
        else {
            return Err(Refusal::unsupported("This kind of aggregate", super::AGGREGATES));
        };
        plain(&params)?;
        let kind = match (func.name(), params.distinct, params.args.as_slice()) {
            ("count", false, [Expr::Literal(value, _)]) if !value.is_null() => {
                Kind::Rows { column: None }
            }
            ("count", false, [Expr::Column(column)]) => count(column, scope)?,
            ("count", true, [Expr::Column(column)]) => count_distinct(column, scope)?,
            ("sum", false, [Expr::Column(column)]) => {
                let (column, grid) = bounded(column, "SUM", scope)?;
                Kind::Sum { column, grid }
            }
            ("avg", false, [Expr::Column(column)]) => {
                let (column, grid) = bounded(column, "AVG", scope)?;
                Kind::Mean { column, grid }
            }
            (name, distinct, _) => return Err(refused(name, distinct)),
        };
        let name = match kind {
            Kind::Rows { column: None } => "count(*)".to_owned(),
            _ => expr.schema_name().to_string(),
        };
        Ok(Self { name, kind })
    }
}

/// Refuses what an aggregate may carry beside its argument.
fn plain(params: &AggregateFunctionParams) -> Result<(), Refusal> {
    if params.filter.is_some() {
        return Err(Refusal::unsupported(
            "FILTER in an aggregate",
            "ask one question with WHERE for each filter",
        ));
    }
    if !params.order_by.is_empty() || params.null_treatment.is_some() {
        return Err(Refusal::unsupported(
            "ORDER BY or IGNORE NULLS in an aggregate",
            "leave it out: COUNT, SUM and AVG do not depend on order and skip NULL",
        ));
    }
    Ok(())
}

/// COUNT(column): every row belongs to a patient, so that the patient column counts rows.
fn count(column: &Column, scope: &mut Scope<'_>) -> Result<Kind, Refusal> {
    let (side, schema) = scope.resolve(column)?;
    let column = (schema.domain != Domain::Person).then(|| scope.read(side, schema));
    Ok(Kind::Rows { column })
}

fn count_distinct(column: &Column, scope: &Scope<'_>) -> Result<Kind, Refusal> {
    match scope.resolve(column)?.1.domain {
        Domain::Person => Ok(Kind::Persons),
        _ => Err(refused("count", true)),
    }
}

/// A number column and its published bounds.
fn bounded(name: &Column, function: &str, scope: &mut Scope<'_>) -> Result<(usize, Grid), Refusal> {
    let (side, schema) = scope.resolve(name)?;
    let grid = match schema.domain {
        Domain::Integer { lower, upper } => Grid::integer(lower, upper),
        Domain::Decimal { lower, upper } => Grid::decimal(lower, upper),
        _ => {
            return Err(Refusal::unsupported(
                format!("{function} of `{}`, which is no number column,", schema.name),
                "use COUNT, or a column with published bounds",
            ));
        }
    };
    let missing = || Refusal::MissingBound { what: format!("the values of `{}`", schema.name) };
    Ok((scope.read(side, schema), grid.ok_or_else(missing)?))
}

/// Why an aggregate is refused.
fn refused(name: &str, distinct: bool) -> Refusal {
    let upper = name.to_uppercase();
    match (name, distinct) {
        ("count", true) => Refusal::unsupported(
            "COUNT(DISTINCT ...) of anything but the patient column",
            "use COUNT(DISTINCT patient), or GROUP BY the column",
        ),
        ("sum" | "avg", true) => Refusal::unsupported(
            format!("{upper}(DISTINCT ...)"),
            format!("use {upper} of a column with published bounds"),
        ),
        ("count", false) => Refusal::unsupported(
            "COUNT of an expression",
            "use COUNT(*), COUNT(column) or COUNT(DISTINCT patient)",
        ),
        ("sum" | "avg", false) => Refusal::unsupported(
            format!("{upper} of an expression"),
            format!("use {upper} of one column with published bounds"),
        ),
        _ => Refusal::unsupported(format!("The aggregate {upper}"), super::AGGREGATES),
    }
}
