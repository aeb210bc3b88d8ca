//! WHERE: comparisons of published columns with literals, and their combinations.
//!
//! The admitted predicate is built anew from known parts, over the fields of [`crate::plan::ColumnRef::field`], with every literal of its
//! column's type. So no row can make it fail: there is no cast but from whole to decimal numbers, no arithmetic and no function.

use caduceus_records::schema::{ColumnSchema, Domain};
use datafusion::{
    common::{Column, ScalarValue},
    logical_expr::{
        Between, BinaryExpr, Expr, Operator, cast,
        expr::{Cast, InList},
    },
};

use super::source::Scope;
use crate::{Refusal, plan::Side};

/// The predicate over the fields of the question, or why it is refused.
pub(super) fn admit(predicate: &Expr, scope: &mut Scope<'_>) -> Result<Expr, Refusal> {
    if let Expr::BinaryExpr(BinaryExpr { op: op @ (Operator::And | Operator::Or), .. }) = predicate
    {
        let parts = chain(predicate, *op).into_iter().map(|part| admit(part, scope));
        return Ok(balanced(*op, parts.collect::<Result<_, _>>()?));
    }
    let mut inner = |expr: &Expr| admit(expr, scope).map(Box::new);
    Ok(match predicate {
        Expr::Not(expr) => Expr::Not(inner(expr)?),
        Expr::IsTrue(expr) => Expr::IsTrue(inner(expr)?),
        Expr::IsFalse(expr) => Expr::IsFalse(inner(expr)?),
        Expr::IsUnknown(expr) => Expr::IsUnknown(inner(expr)?),
        Expr::IsNotTrue(expr) => Expr::IsNotTrue(inner(expr)?),
        Expr::IsNotFalse(expr) => Expr::IsNotFalse(inner(expr)?),
        Expr::IsNotUnknown(expr) => Expr::IsNotUnknown(inner(expr)?),
        Expr::BinaryExpr(comparison) => compare(comparison, scope)?,
        Expr::Between(between) => self::between(between, scope)?,
        Expr::InList(list) => in_list(list, scope)?,
        Expr::IsNull(expr) => Expr::IsNull(Box::new(operand(expr, scope)?.field())),
        Expr::IsNotNull(expr) => Expr::IsNotNull(Box::new(operand(expr, scope)?.field())),
        Expr::Column(_) => {
            let column = operand(predicate, scope)?;
            match column.schema.domain {
                Domain::Flag => column.field(),
                _ => return Err(column.comparison_refused()),
            }
        }
        Expr::Literal(ScalarValue::Boolean(Some(_)), _) => predicate.clone(),
        other => return Err(refused(other)),
    })
}

/// The parts of a chain `a AND b AND c`, however it is nested.
fn chain(predicate: &Expr, op: Operator) -> Vec<&Expr> {
    let (mut open, mut parts) = (vec![predicate], Vec::new());
    while let Some(expr) = open.pop() {
        match expr {
            Expr::BinaryExpr(inner) if inner.op == op => open.extend([&*inner.right, &*inner.left]),
            other => parts.push(other),
        }
    }
    parts
}

/// The parts joined again as a tree of least depth, so that evaluating a long chain takes no deep stack.
fn balanced(op: Operator, mut parts: Vec<Expr>) -> Expr {
    let right = parts.split_off(parts.len() / 2);
    let join = |parts: Vec<Expr>| Box::new(balanced(op, parts));
    match (parts.is_empty(), right.len()) {
        (true, 1) => right.into_iter().next().expect("its length is one"),
        _ => Expr::BinaryExpr(BinaryExpr { left: join(parts), op, right: join(right) }),
    }
}

/// A column of the question in a comparison.
struct Operand<'a> {
    name: String,
    schema: &'a ColumnSchema,
}

impl Operand<'_> {
    fn field(&self) -> Expr {
        Expr::Column(Column::new_unqualified(&self.name))
    }

    /// The column and literals brought to one type.
    fn with(&self, literals: &[&Expr]) -> Result<(Expr, Vec<Expr>), Refusal> {
        let values = literals.iter().map(|expr| literal(expr)).collect::<Result<Vec<_>, _>>()?;
        let whole = |value: &ScalarValue| matches!(value, ScalarValue::Int64(Some(_)));
        let (field, values) = match self.schema.domain {
            Domain::Category { .. } | Domain::Text => {
                (self.field(), values.iter().map(text).collect())
            }
            Domain::Flag => (self.field(), values.iter().map(flag).collect()),
            Domain::Integer { .. } if values.iter().all(whole) => (self.field(), Some(values)),
            Domain::Integer { .. } => {
                let field = cast(self.field(), arrow::datatypes::DataType::Float64);
                (field, values.iter().map(number).collect())
            }
            Domain::Decimal { .. } => (self.field(), values.iter().map(number).collect()),
            Domain::Person => return Err(patient()),
        };
        let values = values.ok_or_else(|| self.comparison_refused())?;
        Ok((field, values.into_iter().map(|value| Expr::Literal(value, None)).collect()))
    }

    fn comparison_refused(&self) -> Refusal {
        let (name, kind) = match self.schema.domain {
            Domain::Category { .. } | Domain::Text => {
                (&self.schema.name, "a text in single quotes")
            }
            Domain::Flag => (&self.schema.name, "TRUE or FALSE"),
            _ => (&self.schema.name, "a number"),
        };
        Refusal::unsupported(
            format!("A comparison of `{name}` with anything but {kind}"),
            format!("compare it with {kind}, or use IS NULL"),
        )
    }
}

fn compare(comparison: &BinaryExpr, scope: &mut Scope<'_>) -> Result<Expr, Refusal> {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    let op = comparison.op;
    if !matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom) {
        return Err(refused(&Expr::BinaryExpr(comparison.clone())));
    }
    let (left, right) = (comparison.left.as_ref(), comparison.right.as_ref());
    // `5 < value` is `value > 5`: the column comes first.
    let (column, other, op) = match (is_literal(left), op.swap()) {
        (true, Some(swapped)) => (right, left, swapped),
        _ => (left, right, op),
    };
    if !is_literal(other) && matches!((column, other), (Expr::Column(_), Expr::Column(_))) {
        operand(column, scope)?;
        operand(other, scope)?;
        return Err(Refusal::unsupported(
            "A comparison of two columns",
            "compare each column with a literal",
        ));
    }
    let column = operand(column, scope)?;
    let (field, mut values) = column.with(&[other])?;
    let value = values.remove(0);
    Ok(Expr::BinaryExpr(BinaryExpr { left: Box::new(field), op, right: Box::new(value) }))
}

fn between(between: &Between, scope: &mut Scope<'_>) -> Result<Expr, Refusal> {
    let column = operand(&between.expr, scope)?;
    let (field, mut values) = column.with(&[&between.low, &between.high])?;
    let (high, low) = (values.remove(1), values.remove(0));
    let (expr, low, high) = (Box::new(field), Box::new(low), Box::new(high));
    Ok(Expr::Between(Between { expr, negated: between.negated, low, high }))
}

fn in_list(list: &InList, scope: &mut Scope<'_>) -> Result<Expr, Refusal> {
    let column = operand(&list.expr, scope)?;
    let (field, values) = column.with(&list.list.iter().collect::<Vec<_>>())?;
    Ok(Expr::InList(InList { expr: Box::new(field), list: values, negated: list.negated }))
}

/// The column that an expression is, read by the question from now on.
fn operand<'a>(expr: &Expr, scope: &mut Scope<'a>) -> Result<Operand<'a>, Refusal> {
    let Expr::Column(column) = expr else {
        return Err(refused(expr));
    };
    let (side, schema): (Side, _) = scope.resolve(column)?;
    if schema.domain == Domain::Person {
        return Err(patient());
    }
    let index = scope.read(side, schema);
    Ok(Operand { name: scope.columns[index].field(), schema })
}

fn patient() -> Refusal {
    Refusal::unsupported(
        "A condition on the patient column",
        "describe the patients by published columns; the patient column can only be counted and joined on",
    )
}

fn is_literal(expr: &Expr) -> bool {
    literal(expr).is_ok()
}

/// The value of a literal, with its sign.
fn literal(expr: &Expr) -> Result<ScalarValue, Refusal> {
    match expr {
        Expr::Literal(value, _) => Ok(value.clone()),
        Expr::Negative(inner) => match literal(inner)? {
            ScalarValue::Int64(Some(value)) => Ok(ScalarValue::Int64(value.checked_neg())),
            ScalarValue::Float64(Some(value)) => Ok(ScalarValue::Float64(Some(-value))),
            ScalarValue::UInt64(Some(value)) => Ok(ScalarValue::Float64(Some(-(value as f64)))),
            _ => Err(refused(expr)),
        },
        other => Err(refused(other)),
    }
}

fn text(value: &ScalarValue) -> Option<ScalarValue> {
    let text = value.try_as_str().flatten()?;
    Some(ScalarValue::Utf8(Some(text.to_owned())))
}

fn flag(value: &ScalarValue) -> Option<ScalarValue> {
    matches!(value, ScalarValue::Boolean(Some(_))).then(|| value.clone())
}

fn number(value: &ScalarValue) -> Option<ScalarValue> {
    let number = match value {
        ScalarValue::Int64(Some(value)) => *value as f64,
        ScalarValue::UInt64(Some(value)) => *value as f64,
        ScalarValue::Float64(Some(value)) => *value,
        _ => return None,
    };
    Some(ScalarValue::Float64(Some(number)))
}

/// Why an expression has no place in a condition.
fn refused(expr: &Expr) -> Refusal {
    const INSTEAD: &str =
        "compare published columns with literals, by =, <, IN, BETWEEN, IS NULL, AND, OR and NOT";
    let construct = match expr {
        Expr::Like(_) | Expr::SimilarTo(_) => "LIKE in a condition",
        Expr::Case(_) => "CASE in a condition",
        Expr::ScalarFunction(_) => "A function in a condition",
        Expr::Cast(Cast { .. }) | Expr::TryCast(_) => "A conversion in a condition",
        Expr::Exists(_)
        | Expr::InSubquery(_)
        | Expr::ScalarSubquery(_)
        | Expr::SetComparison(_)
        | Expr::OuterReferenceColumn(..) => return super::subquery(),
        Expr::BinaryExpr(_) | Expr::Negative(_) => {
            "Arithmetic or an unknown operator in a condition"
        }
        Expr::Literal(..) => "A condition without a column",
        Expr::Placeholder(_) | Expr::ScalarVariable(..) => "A parameter or variable in a condition",
        _ => "This kind of condition",
    };
    Refusal::unsupported(construct, INSTEAD)
}
