//! Joins on the patient: pairs of rows of the same patient.

use std::{borrow::Cow, sync::Arc};

use datafusion_common::{DFSchema, JoinType, NullEquality};
use datafusion_expr::{BinaryExpr, Expr, Join, LogicalPlan, Operator};

use super::{
    expression::{Columns, chain, compare},
    relation::{Private, Published, Tables, set_operation},
};
use crate::{
    Refusal,
    plan::Relation,
    scalar::{Comparison, Kind, Scalar, Type, Typed},
};

/// The most pairs of rows that one patient may have in a join: what bounds the memory that a patient can take.
const MOST_PAIRS: u32 = 1_000_000;

impl Tables<'_> {
    /// Two relations joined on the patient, with or without further conditions.
    pub(super) fn join(&mut self, join: &Join) -> Result<Private, Refusal> {
        let outer = match join.join_type {
            JoinType::Inner => false,
            JoinType::Left => true,
            // What the planner makes of INTERSECT and EXCEPT.
            JoinType::LeftSemi | JoinType::LeftAnti => {
                return Err(set_operation("INTERSECT or EXCEPT"));
            }
            _ => {
                return Err(refused(
                    "A join other than JOIN and LEFT JOIN",
                    "write it as JOIN or LEFT JOIN ... USING (patient)",
                ));
            }
        };
        if join.null_equality != NullEquality::NullEqualsNothing {
            return Err(set_operation("INTERSECT or EXCEPT"));
        }
        let left = self.private(&join.left, "A join of released numbers")?;
        let right = self.private(&join.right, "A join of released numbers")?;
        let width = left.types.len();
        let inner: Vec<Type> = left.types.iter().chain(&right.types).cloned().collect();
        let columns = Columns { schema: &join.schema, types: &inner };
        let (on_patient, conditions) = conditions(join, &columns, width)?;
        if !on_patient {
            return Err(refused(
                "A join other than on the patient",
                "join with USING and the patient column: every row belongs to one patient, and is joined with rows of the same",
            ));
        }
        let condition = (!conditions.is_empty()).then(|| Typed::all(conditions));
        if !outer && condition.as_ref().is_some_and(|one| !one.known.can_be_true()) {
            return Err(super::relation::never());
        }
        let mut condition = condition.map(|condition| condition.scalar);
        let limits = limits(&left, &right)?;
        let one = |side: &Private| side.limits.rows == Ok(1);
        let many = !one(&left) && !one(&right);
        let types = inner.into_iter().enumerate().map(|(index, known)| {
            let nullable = known.nullable || outer && index >= width;
            Type {
                nullable,
                of_person: known.of_person && (index < width || !outer || condition.is_none()),
                ..known
            }
        });
        let types: Vec<Type> = types.collect();
        // Where no row is left alone, a condition of the join is one of its pairs.
        let of_pairs = if outer { None } else { condition.take() };
        let relation = Relation::Join {
            left: Box::new(held(left, many)),
            right: Box::new(held(right, many)),
            condition,
            outer,
            width,
            needed: vec![true; types.len()],
        };
        let relation = match of_pairs {
            Some(condition) => relation.filtered(condition),
            None => relation,
        };
        Ok(Private { relation, types, limits, of_patients: false })
    }
}

/// A side of a join, held to its published number of rows where both sides have several: else their pairs could be many more than the
/// product of the bounds.
fn held(side: Private, many: bool) -> Relation {
    match side.limits.rows {
        Ok(rows) if many => Relation::First { input: Box::new(side.relation), rows },
        _ => side.relation,
    }
}

/// A patient has no more pairs of rows than the product of what both sides have.
fn limits(left: &Private, right: &Private) -> Result<Published, Refusal> {
    let rows = match (&left.limits.rows, &right.limits.rows) {
        (Ok(one), Ok(other)) => one
            .checked_mul(*other)
            .filter(|pairs| *pairs <= MOST_PAIRS)
            .ok_or_else(|| {
                refused(
                    "A join in which one patient can have more than a million pairs of rows",
                    "count or select rows of each patient in a subquery before the join",
                )
            })
            .map(Ok)?,
        (Ok(1), Err(what)) | (Err(what), Ok(1)) => Err(what.clone()),
        (Err(what), _) | (_, Err(what)) => {
            return Err(Refusal::bound(
                format!("a patient's rows in {what}, which is joined with several rows"),
                "have its custodian publish max_rows, or group its rows by the patient in a subquery before the join",
            ));
        }
    };
    let smaller = |one: Option<u32>, other: Option<u32>| match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    // A limit of a table of one row a patient says nothing about the rows of the other.
    let of = |side: &Private, limit: fn(&Published) -> Option<u32>| match side.limits.rows {
        Ok(1) => None,
        _ => limit(&side.limits),
    };
    Ok(Published {
        rows,
        per_group: smaller(
            of(left, |limits| limits.per_group),
            of(right, |limits| limits.per_group),
        ),
        groups: smaller(of(left, |limits| limits.groups), of(right, |limits| limits.groups)),
    })
}

/// The old way to write a join, `FROM a, b WHERE a.patient = b.patient`: the tables joined by those conditions that name columns of
/// both sides, and the conditions that are left.
pub(super) fn with_conditions<'a>(
    node: &'a LogicalPlan,
    parts: Vec<&'a Expr>,
) -> (Cow<'a, LogicalPlan>, Vec<&'a Expr>) {
    let LogicalPlan::Join(join) = node else { return (Cow::Borrowed(node), parts) };
    if join.join_type != JoinType::Inner || !join.on.is_empty() || join.filter.is_some() {
        return (Cow::Borrowed(node), parts);
    }
    let (left, parts) = with_conditions(&join.left, parts);
    let (right, parts) = with_conditions(&join.right, parts);
    let knows = |schema: &DFSchema, part: &Expr| {
        part.column_refs().into_iter().all(|column| schema.index_of_column(column).is_ok())
    };
    let (of_both, rest) = parts.into_iter().partition(|part| {
        let of_one = knows(join.left.schema(), part) || knows(join.right.schema(), part);
        !of_one && knows(&join.schema, part) && !matches!(part, Expr::InSubquery(_) | Expr::Not(_))
    });
    let (left, right) = (Arc::new(left.into_owned()), Arc::new(right.into_owned()));
    let of_both: Vec<&Expr> = of_both;
    let filter = of_both.into_iter().cloned().reduce(Expr::and);
    (Cow::Owned(LogicalPlan::Join(Join { left, right, filter, ..join.clone() })), rest)
}

/// Whether the patients are equal by the join's conditions, and what else they ask.
fn conditions(
    join: &Join,
    columns: &Columns<'_>,
    width: usize,
) -> Result<(bool, Vec<Typed>), Refusal> {
    let mut pairs: Vec<(&Expr, &Expr)> =
        join.on.iter().map(|(left, right)| (left, right)).collect();
    let mut others = Vec::new();
    for part in join.filter.iter().flat_map(|filter| chain(filter, Operator::And)) {
        match part {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
                pairs.push((left, right));
            }
            other => others.push(columns.condition(other)?),
        }
    }
    let mut on_patient = false;
    for (left, right) in pairs {
        let (left, right) = (columns.typed(left)?, columns.typed(right)?);
        match (left.known.kind, right.known.kind) {
            (Kind::Person, Kind::Person) => {
                on_patient |= across(&left, &right, width);
                // A row that an earlier LEFT JOIN left without a partner has no patient there, which is equal to nothing.
                let absent = [left, right].into_iter().filter(|one| one.known.nullable);
                others.extend(absent.map(|one| one.null().not()));
            }
            (Kind::Person, _) | (_, Kind::Person) => return Err(super::expression::patient()),
            _ => others.push(compare(left, Comparison::Equal, right)?),
        }
    }
    Ok((on_patient, others))
}

/// Whether one column is of the left side and the other of the right.
fn across(one: &Typed, other: &Typed, width: usize) -> bool {
    match (&one.scalar, &other.scalar) {
        (Scalar::Column(one), Scalar::Column(other)) => (*one < width) != (*other < width),
        _ => false,
    }
}

fn refused(construct: &str, instead: &str) -> Refusal {
    Refusal::unsupported(construct, instead)
}
