//! Expressions of a question as [`Scalar`]s, which cannot fail, or why they are refused.

use datafusion_common::{DFSchema, ScalarValue};
use datafusion_expr::{Between, BinaryExpr, Case, Expr, Like, Operator, expr::InList};

use crate::{
    Refusal,
    scalar::{Arithmetic, Comparison, Kind, Literal, NumberFunction, Scalar, Type, Typed},
};

pub(super) const INSTEAD: &str = "use columns, literals, comparisons, IN, BETWEEN, LIKE, IS NULL, AND, OR, NOT, CASE, arithmetic, CAST, COALESCE, NULLIF, ABS, SIGN, ROUND, FLOOR, CEIL, TRUNC, SQRT, LN, EXP, POWER(x, 2), LEAST, GREATEST, LOWER, UPPER, TRIM, LENGTH, clamp(x, low, high), bucket(x, edge, ...) or width_bucket(x, low, high, n)";

/// Parts of an expression at most, once what is taken twice is there twice.
const MOST_PARTS: usize = 10_000;
/// The longest text in a question, in bytes: it is repeated for every row.
const LONGEST_TEXT: usize = 256;

/// The columns that an expression can name.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub schema: &'a DFSchema,
    pub types: &'a [Type],
}

impl Columns<'_> {
    /// The expression over these columns. The patient may come out of it only as a column by itself.
    pub fn typed(&self, expr: &Expr) -> Result<Typed, Refusal> {
        match expr {
            Expr::Alias(alias) => self.typed(&alias.expr),
            Expr::Column(column) => {
                let index = self.schema.index_of_column(column);
                let index = index.map_err(|_| Refusal::UnknownColumn {
                    name: column.name.clone(),
                    known: crate::refusal::list(
                        self.schema.fields().iter().map(|field| field.name().as_str()),
                    ),
                })?;
                Ok(Typed { scalar: Scalar::Column(index), known: self.types[index].clone() })
            }
            _ => self.computed(expr),
        }
    }

    /// The expression, which may not be the patient.
    pub fn value(&self, expr: &Expr) -> Result<Typed, Refusal> {
        let typed = self.typed(expr)?;
        match typed.known.kind {
            Kind::Person => Err(patient()),
            _ => Ok(typed),
        }
    }

    /// A condition.
    pub fn condition(&self, expr: &Expr) -> Result<Typed, Refusal> {
        let typed = self.value(expr)?;
        match (typed.known.kind, &typed.scalar) {
            (Kind::Flag, _) => Ok(typed),
            (_, Scalar::Literal(Literal::Null(_))) => Ok(Typed::literal(Literal::Null(Kind::Flag))),
            (kind, _) => Err(Refusal::mistake(
                format!("A condition that is {} rather than true or false", kind.words()),
                "compare it with something",
            )),
        }
    }

    fn conditions(&self, parts: &[&Expr]) -> Result<Vec<Typed>, Refusal> {
        parts.iter().map(|part| self.condition(part)).collect()
    }

    fn computed(&self, expr: &Expr) -> Result<Typed, Refusal> {
        let computed = self.made(expr)?;
        match computed.scalar.parts() <= MOST_PARTS {
            true => Ok(computed),
            false => Err(Refusal::unsupported(
                "An expression of so many parts (NULLIF, BETWEEN and CASE take their operand twice)",
                "nest fewer of them, or compute in a subquery",
            )),
        }
    }

    fn made(&self, expr: &Expr) -> Result<Typed, Refusal> {
        Ok(match expr {
            Expr::Literal(value, _) => Typed::literal(literal(value)?),
            Expr::Not(inner) => self.condition(inner)?.not(),
            Expr::IsNull(inner) => self.typed(inner)?.null(),
            Expr::IsNotNull(inner) => self.typed(inner)?.null().not(),
            Expr::IsTrue(inner) => self.condition(inner)?.is(true),
            Expr::IsFalse(inner) => self.condition(inner)?.is(false),
            Expr::IsUnknown(inner) => self.condition(inner)?.null(),
            Expr::IsNotTrue(inner) => self.condition(inner)?.is(true).not(),
            Expr::IsNotFalse(inner) => self.condition(inner)?.is(false).not(),
            Expr::IsNotUnknown(inner) => self.condition(inner)?.null().not(),
            Expr::BinaryExpr(BinaryExpr { op: op @ (Operator::And | Operator::Or), .. }) => {
                let parts = self.conditions(&chain(expr, *op))?;
                if *op == Operator::And { Typed::all(parts) } else { Typed::any(parts) }
            }
            Expr::BinaryExpr(binary) => self.binary(binary)?,
            Expr::Negative(inner) => self.negative(inner)?,
            Expr::Between(between) => self.between(between)?,
            Expr::InList(list) => self.in_list(list)?,
            Expr::Like(like) => self.like(like)?,
            Expr::Case(case) => self.case(case)?,
            Expr::Cast(cast) => self.cast(&cast.expr, cast.field.data_type())?,
            Expr::TryCast(cast) => self.cast(&cast.expr, cast.field.data_type())?,
            Expr::ScalarFunction(function) => self.function(function)?,
            other => return Err(refused(other)),
        })
    }

    fn binary(&self, binary: &BinaryExpr) -> Result<Typed, Refusal> {
        let comparison = match binary.op {
            Operator::Eq => Comparison::Equal,
            Operator::NotEq => Comparison::NotEqual,
            Operator::Lt => Comparison::Less,
            Operator::LtEq => Comparison::LessEqual,
            Operator::Gt => Comparison::Greater,
            Operator::GtEq => Comparison::GreaterEqual,
            Operator::IsDistinctFrom => Comparison::Distinct,
            Operator::IsNotDistinctFrom => Comparison::NotDistinct,
            _ => return self.arithmetic(binary),
        };
        let (left, right) = (self.value(&binary.left)?, self.value(&binary.right)?);
        compare(left, comparison, right)
    }

    fn arithmetic(&self, binary: &BinaryExpr) -> Result<Typed, Refusal> {
        let op = match binary.op {
            Operator::Plus => Arithmetic::Add,
            Operator::Minus => Arithmetic::Subtract,
            Operator::Multiply => Arithmetic::Multiply,
            Operator::Divide => Arithmetic::Divide,
            Operator::Modulo => Arithmetic::Remainder,
            other => {
                // A computation with the patient is refused as that.
                self.value(&binary.left)?;
                self.value(&binary.right)?;
                let instead =
                    if other == Operator::StringConcat { super::names::TEXTS } else { INSTEAD };
                return Err(Refusal::unsupported(format!("The operator {other}"), instead));
            }
        };
        let (left, right) = self.numbers(&binary.left, &binary.right)?;
        Ok(left.arithmetic(op, right))
    }

    /// Two numbers brought to one kind.
    pub(super) fn numbers(&self, left: &Expr, right: &Expr) -> Result<(Typed, Typed), Refusal> {
        let (left, right) = alike(self.value(left)?, self.value(right)?)?;
        match left.known.kind.is_number() {
            true => Ok((left, right)),
            false => Err(Refusal::mistake(
                format!("Arithmetic on {}", left.known.kind.words()),
                "compute with numbers, or convert with CAST",
            )),
        }
    }

    pub(super) fn number(&self, expr: &Expr, what: &str) -> Result<Typed, Refusal> {
        let typed = self.value(expr)?;
        match typed.known.kind.is_number() {
            true => Ok(typed),
            false => Err(Refusal::mistake(
                format!("{what} of {}", typed.known.kind.words()),
                "give it a number, or convert with CAST",
            )),
        }
    }

    fn negative(&self, inner: &Expr) -> Result<Typed, Refusal> {
        let typed = self.number(inner, "The negative")?;
        Ok(match typed.scalar {
            Scalar::Literal(Literal::Integer(number)) => {
                Typed::literal(Literal::Integer(number.saturating_neg()))
            }
            // The smallest whole number of 64 bits, without its sign, is one more than the largest.
            Scalar::Literal(Literal::Decimal(number)) if number == -(i64::MIN as f64) => {
                Typed::literal(Literal::Integer(i64::MIN))
            }
            // There is one zero, as in SQL: the kernels that compare know two.
            Scalar::Literal(Literal::Decimal(number)) => {
                Typed::literal(Literal::Decimal(0.0 - number))
            }
            _ => typed.number(NumberFunction::Negate),
        })
    }

    fn between(&self, between: &Between) -> Result<Typed, Refusal> {
        let value = self.value(&between.expr)?;
        let low = compare(value.clone(), Comparison::GreaterEqual, self.value(&between.low)?)?;
        let high = compare(value, Comparison::LessEqual, self.value(&between.high)?)?;
        let within = Typed::all(vec![low, high]);
        Ok(if between.negated { within.not() } else { within })
    }

    fn in_list(&self, list: &InList) -> Result<Typed, Refusal> {
        let mut value = self.value(&list.expr)?;
        let mut literals = Vec::with_capacity(list.list.len());
        for expr in &list.list {
            let item = self.value(expr)?;
            let (column, item) = alike(value, item)?;
            value = column;
            match item.scalar {
                Scalar::Literal(Literal::Null(_)) => {
                    return Err(Refusal::unsupported("NULL in a list", "ask for it with IS NULL"));
                }
                Scalar::Literal(literal) => literals.push(literal),
                _ => {
                    return Err(Refusal::unsupported(
                        "IN with anything but literals",
                        "list literals, or compare with OR",
                    ));
                }
            }
        }
        // A decimal literal turned a whole column decimal on the way: so must the literals before it be.
        let decimal = value.known.kind == Kind::Decimal;
        let same = |literal: Literal| match literal {
            Literal::Integer(number) if decimal => Literal::Decimal(number as f64),
            other => other,
        };
        let found = value.within(literals.into_iter().map(same).collect());
        Ok(if list.negated { found.not() } else { found })
    }

    fn like(&self, like: &Like) -> Result<Typed, Refusal> {
        let value = self.value(&like.expr)?;
        let pattern = self.value(&like.pattern)?;
        let (Kind::Text, Scalar::Literal(Literal::Text(pattern)), None) =
            (value.known.kind, pattern.scalar, like.escape_char)
        else {
            return Err(Refusal::unsupported(
                "LIKE with anything but a text and a pattern in single quotes, without ESCAPE,",
                "write it as column LIKE 'pattern%'",
            ));
        };
        let found = value.like(pattern, like.case_insensitive);
        Ok(if like.negated { found.not() } else { found })
    }

    fn case(&self, case: &Case) -> Result<Typed, Refusal> {
        let base = case.expr.as_ref().map(|expr| self.value(expr)).transpose()?;
        let condition = |when: &Expr| match &base {
            None => self.condition(when),
            Some(base) => compare(base.clone(), Comparison::Equal, self.value(when)?),
        };
        let conditions = case.when_then_expr.iter().map(|(when, _)| condition(when));
        let conditions = conditions.collect::<Result<Vec<_>, _>>()?;
        let mut values = Vec::new();
        for (_, then) in &case.when_then_expr {
            values.push(self.value(then)?);
        }
        values.push(match &case.else_expr {
            Some(otherwise) => self.value(otherwise)?,
            None => Typed::literal(Literal::Null(Kind::Flag)),
        });
        let mut values = all_alike(values)?;
        let otherwise = values.pop().expect("the value of ELSE was pushed last");
        Ok(Typed::case(conditions.into_iter().zip(values).collect(), otherwise))
    }

    fn cast(&self, inner: &Expr, to: &arrow::datatypes::DataType) -> Result<Typed, Refusal> {
        use arrow::datatypes::DataType::{
            Boolean, Decimal128, Decimal256, Float16, Float32, Float64, Int8, Int16, Int32, Int64,
            LargeUtf8, UInt8, UInt16, UInt32, UInt64, Utf8, Utf8View,
        };
        let (kind, digits) = match to {
            Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 => {
                (Kind::Integer, None)
            }
            Decimal128(digits, places) | Decimal256(digits, places) if *places < 6 => {
                (Kind::Decimal, Some((*digits, *places)))
            }
            Float16 | Float32 | Float64 | Decimal128(..) | Decimal256(..) => (Kind::Decimal, None),
            Utf8 | LargeUtf8 | Utf8View => (Kind::Text, None),
            Boolean => (Kind::Flag, None),
            _ => return Err(Refusal::unsupported("CAST to this type", super::names::TYPES)),
        };
        let typed = self.value(inner)?;
        if let Scalar::Literal(Literal::Null(_)) = typed.scalar {
            return Ok(Typed::literal(Literal::Null(kind)));
        }
        let converted = match (typed.known.kind, kind) {
            (from, to) if from == to => typed,
            (_, Kind::Integer | Kind::Decimal) => typed.convert(kind),
            (Kind::Integer | Kind::Decimal, Kind::Flag) => {
                let (value, zero) = alike(typed, Typed::literal(Literal::Integer(0)))?;
                value.compare(Comparison::NotEqual, zero)
            }
            (from, to) => {
                return Err(Refusal::unsupported(
                    format!("CAST of {} to {}", from.words(), to.words()),
                    "name the values with CASE, as in CASE WHEN x > 5 THEN 'high' ELSE 'low' END",
                ));
            }
        };
        Ok(match digits {
            Some((digits, places)) => decimal(converted, digits, places),
            None => converted,
        })
    }
}

/// A DECIMAL of so many digits, so many of them behind the point: rounded, and NULL where it has more before the point.
fn decimal(value: Typed, digits: u8, places: i8) -> Typed {
    let rounded =
        super::calls::to_places(value, places.into(), |value| value.number(NumberFunction::Round));
    let most = 10_f64.powi(i32::from(digits) - i32::from(places));
    if rounded.known.bounds.is_some_and(|bounds| {
        let (lower, upper) = bounds.decimal();
        lower > -most && upper < most
    }) {
        return rounded;
    }
    let end = Typed::literal(Literal::Decimal(most));
    let fits = rounded.clone().number(NumberFunction::Abs).compare(Comparison::Less, end);
    Typed::case(vec![(fits, rounded)], Typed::literal(Literal::Null(Kind::Decimal)))
}

/// A comparison of two values brought to one kind.
pub(super) fn compare(left: Typed, op: Comparison, right: Typed) -> Result<Typed, Refusal> {
    let null = |typed: &Typed| matches!(typed.scalar, Scalar::Literal(Literal::Null(_)));
    let distinct = matches!(op, Comparison::Distinct | Comparison::NotDistinct);
    if !distinct && (null(&left) || null(&right)) {
        return Err(Refusal::mistake("A comparison with NULL is never true", "use IS NULL"));
    }
    let (left, right) = alike(left, right)?;
    // `5 < value` is `value > 5`: one way to write it, for one key and one way to compute it.
    match (&left.scalar, &right.scalar) {
        (Scalar::Literal(_), Scalar::Literal(_)) => Ok(left.compare(op, right)),
        (Scalar::Literal(_), _) => Ok(right.compare(op.swapped(), left)),
        _ => Ok(left.compare(op, right)),
    }
}

/// Two values brought to one kind.
pub(super) fn alike(left: Typed, right: Typed) -> Result<(Typed, Typed), Refusal> {
    let mut both = all_alike(vec![left, right])?.into_iter();
    match (both.next(), both.next()) {
        (Some(left), Some(right)) => Ok((left, right)),
        _ => Err(super::unplannable()),
    }
}

/// Values brought to one kind: whole numbers become decimal where one is, NULL becomes what the others are.
pub(super) fn all_alike(values: Vec<Typed>) -> Result<Vec<Typed>, Refusal> {
    let null = |typed: &Typed| matches!(typed.scalar, Scalar::Literal(Literal::Null(_)));
    let kinds = || values.iter().filter(|typed| !null(typed)).map(|typed| typed.known.kind);
    let Some(mut kind) = kinds().next() else {
        return Ok(values);
    };
    for other in kinds() {
        if other == kind {
            continue;
        }
        if !(other.is_number() && kind.is_number()) {
            return Err(Refusal::mistake(
                format!("{} beside {}", capital(kind.words()), other.words()),
                "bring both to one type: a text is written in single quotes, a number without, and CAST converts a text to a number",
            ));
        }
        kind = Kind::Decimal;
    }
    let bring = |typed: Typed| match (null(&typed), kind) {
        (true, kind) => Typed::literal(Literal::Null(kind)),
        (false, Kind::Decimal) => typed.decimal(),
        (false, _) => typed,
    };
    Ok(values.into_iter().map(bring).collect())
}

fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The parts of a chain `a AND b AND c`, however it is nested.
pub(super) fn chain(predicate: &Expr, op: Operator) -> Vec<&Expr> {
    let (mut open, mut parts) = (vec![predicate], Vec::new());
    while let Some(expr) = open.pop() {
        match expr {
            Expr::BinaryExpr(inner) if inner.op == op => open.extend([&*inner.right, &*inner.left]),
            other => parts.push(other),
        }
    }
    parts
}

fn literal(value: &ScalarValue) -> Result<Literal, Refusal> {
    Ok(match value {
        ScalarValue::Null => Literal::Null(Kind::Flag),
        ScalarValue::Boolean(Some(flag)) => Literal::Flag(*flag),
        ScalarValue::Int64(Some(number)) => Literal::Integer(*number),
        ScalarValue::UInt64(Some(number)) => match i64::try_from(*number) {
            Ok(number) => Literal::Integer(number),
            Err(_) => Literal::Decimal(*number as f64),
        },
        ScalarValue::Float64(Some(number)) if !number.is_nan() => Literal::Decimal(*number + 0.0),
        ScalarValue::Utf8(Some(text)) if text.len() > LONGEST_TEXT => {
            return Err(Refusal::unsupported(
                format!("A text of more than {LONGEST_TEXT} bytes"),
                "use a shorter one",
            ));
        }
        ScalarValue::Utf8(Some(text)) => Literal::Text(text.clone()),
        _ => {
            return Err(Refusal::unsupported(
                "A literal of this type",
                "use numbers, texts in single quotes, TRUE, FALSE or NULL",
            ));
        }
    })
}

/// The patient stands where only values can.
pub(super) fn patient() -> Refusal {
    Refusal::unsupported(
        "A condition on the patient column, or a computation with it,",
        "describe the patients by other columns: the patient column can be counted, joined on, grouped by in a subquery and used in IN (SELECT ...)",
    )
}

/// Why an expression is refused.
fn refused(expr: &Expr) -> Refusal {
    let construct = match expr {
        Expr::WindowFunction(_) => return super::relation::window(),
        Expr::SimilarTo(_) => "SIMILAR TO",
        Expr::ScalarSubquery(_)
        | Expr::Exists(_)
        | Expr::SetComparison(_)
        | Expr::InSubquery(_)
        | Expr::OuterReferenceColumn(..) => {
            return Refusal::unsupported(
                "A subquery within an expression",
                "select patients with WHERE patient IN (SELECT patient FROM ... WHERE ...), or join on the patient",
            );
        }
        Expr::AggregateFunction(_) => "An aggregate here",
        Expr::Placeholder(_) | Expr::ScalarVariable(..) => "A parameter or variable",
        Expr::GroupingSet(_) => {
            return Refusal::unsupported("GROUPING SETS, ROLLUP or CUBE", "group by plain columns");
        }
        _ => "This kind of expression",
    };
    Refusal::unsupported(construct, INSTEAD)
}
