//! Expressions of a question as [`Scalar`]s, which cannot fail, or why they are refused.

use datafusion::{
    common::{DFSchema, ScalarValue},
    logical_expr::{
        Between, BinaryExpr, Case, Expr, Like, Operator,
        expr::{InList, ScalarFunction},
    },
};

use crate::{
    Refusal,
    scalar::{
        Arithmetic, Bounds, Comparison, Kind, Literal, NumberFunction, Scalar, TextFunction, Type,
        Typed,
    },
};

const INSTEAD: &str = "use columns, literals, comparisons, IN, BETWEEN, LIKE, IS NULL, AND, OR, NOT, CASE, arithmetic, CAST, COALESCE, ABS, ROUND, LEAST, GREATEST, clamp(x, low, high), bucket(x, edge, ...) or width_bucket(x, low, high, n)";

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
                return Err(Refusal::unsupported(format!("The operator {other}"), INSTEAD));
            }
        };
        let (left, right) = self.numbers(&binary.left, &binary.right)?;
        Ok(left.arithmetic(op, right))
    }

    /// Two numbers brought to one kind.
    fn numbers(&self, left: &Expr, right: &Expr) -> Result<(Typed, Typed), Refusal> {
        let (left, right) = alike(self.value(left)?, self.value(right)?)?;
        match left.known.kind.is_number() {
            true => Ok((left, right)),
            false => Err(Refusal::mistake(
                format!("Arithmetic on {}", left.known.kind.words()),
                "compute with numbers, or convert with CAST",
            )),
        }
    }

    fn number(&self, expr: &Expr, what: &str) -> Result<Typed, Refusal> {
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
        let kind = match to {
            Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 => Kind::Integer,
            Decimal128(_, places) | Decimal256(_, places) if *places < 6 => {
                return Err(Refusal::unsupported(
                    "A conversion to DECIMAL with fewer than 6 decimal places",
                    "convert to DOUBLE, and round with ROUND(x, places)",
                ));
            }
            Float16 | Float32 | Float64 | Decimal128(..) | Decimal256(..) => Kind::Decimal,
            Utf8 | LargeUtf8 | Utf8View => Kind::Text,
            Boolean => Kind::Flag,
            _ => return Err(Refusal::unsupported("A conversion to this type", INSTEAD)),
        };
        let typed = self.value(inner)?;
        if let Scalar::Literal(Literal::Null(_)) = typed.scalar {
            return Ok(Typed::literal(Literal::Null(kind)));
        }
        match (typed.known.kind, kind) {
            (from, to) if from == to => Ok(typed),
            (_, Kind::Integer | Kind::Decimal) => Ok(typed.convert(kind)),
            _ => Err(Refusal::unsupported(
                "A conversion to text or to true or false",
                "use CASE to name values",
            )),
        }
    }

    fn function(&self, function: &ScalarFunction) -> Result<Typed, Refusal> {
        let name = function.func.name();
        let arguments = function.args.as_slice();
        let number = |make: NumberFunction| match arguments {
            [one] => {
                let typed = self.number(one, &name.to_uppercase())?;
                let rounds = matches!(
                    make,
                    NumberFunction::Floor | NumberFunction::Ceil | NumberFunction::Round
                );
                Ok(match (typed.known.kind, make) {
                    (Kind::Integer, _) if rounds => typed,
                    (_, NumberFunction::Abs) => typed.number(make),
                    _ => typed.decimal().number(make),
                })
            }
            _ => Err(arguments_refused(name)),
        };
        let text = |make: TextFunction| match arguments {
            [one] => {
                let typed = self.value(one)?;
                match typed.known.kind {
                    Kind::Text => Ok(typed.text(make)),
                    _ => Err(arguments_refused(name)),
                }
            }
            _ => Err(arguments_refused(name)),
        };
        match name {
            "abs" => number(NumberFunction::Abs),
            "floor" => number(NumberFunction::Floor),
            "ceil" => number(NumberFunction::Ceil),
            "round" if arguments.len() == 2 => self.round(arguments),
            "round" => number(NumberFunction::Round),
            "sqrt" => number(NumberFunction::Sqrt),
            "ln" => number(NumberFunction::Ln),
            "exp" => number(NumberFunction::Exp),
            "lower" => text(TextFunction::Lower),
            "upper" => text(TextFunction::Upper),
            "btrim" => text(TextFunction::Trim),
            "character_length" => text(TextFunction::Length),
            "coalesce" => {
                let parts = arguments.iter().map(|one| self.value(one));
                Ok(Typed::coalesce(all_alike(parts.collect::<Result<_, _>>()?)?))
            }
            "nullif" => self.null_if(arguments),
            "least" => self.extreme(Arithmetic::Least, arguments),
            "greatest" => self.extreme(Arithmetic::Greatest, arguments),
            "clamp" => self.clamp(arguments),
            "bucket" => self.bucket(arguments),
            "width_bucket" => self.width_bucket(arguments),
            "random" | "uuid" => Err(Refusal::unsupported(
                "A random function",
                "leave it out: the noise of the answer is the only chance in it",
            )),
            "now" | "current_date" | "current_time" | "today" => Err(Refusal::unsupported(
                "The current time in a question",
                "write the time out: a question must mean the same whenever it is asked",
            )),
            _ => {
                Err(Refusal::unsupported(format!("The function {}", name.to_uppercase()), INSTEAD))
            }
        }
    }

    /// Rounded to decimal places.
    fn round(&self, arguments: &[Expr]) -> Result<Typed, Refusal> {
        let value = self.number(&arguments[0], "ROUND")?.decimal();
        let places = match self.value(&arguments[1])?.scalar {
            Scalar::Literal(Literal::Integer(places @ -12..=12)) => places as i32,
            _ => return Err(arguments_refused("round")),
        };
        let power = || Typed::literal(Literal::Decimal(10_f64.powi(places.abs())));
        let (up, down) = match places >= 0 {
            true => (Arithmetic::Multiply, Arithmetic::Divide),
            false => (Arithmetic::Divide, Arithmetic::Multiply),
        };
        let whole = value.arithmetic(up, power()).number(NumberFunction::Round);
        Ok(whole.arithmetic(down, power()))
    }

    fn null_if(&self, arguments: &[Expr]) -> Result<Typed, Refusal> {
        let [one, other] = arguments else { return Err(arguments_refused("nullif")) };
        let (one, other) = alike(self.value(one)?, self.value(other)?)?;
        let equal = one.clone().compare(Comparison::Equal, other);
        let null = Typed::literal(Literal::Null(one.known.kind));
        Ok(Typed::case(vec![(equal, null)], one))
    }

    fn extreme(&self, op: Arithmetic, arguments: &[Expr]) -> Result<Typed, Refusal> {
        let parts = arguments.iter().map(|one| self.number(one, "LEAST or GREATEST"));
        let parts = all_alike(parts.collect::<Result<_, _>>()?)?.into_iter();
        parts
            .reduce(|one, other| one.arithmetic(op, other))
            .ok_or_else(|| arguments_refused("least"))
    }

    /// Literals as decimal numbers.
    fn decimals(&self, arguments: &[Expr], name: &str) -> Result<Vec<f64>, Refusal> {
        let read = arguments.iter().map(|argument| match self.value(argument)?.decimal().scalar {
            Scalar::Literal(Literal::Decimal(number)) if number.is_finite() => Ok(number),
            _ => Err(arguments_refused(name)),
        });
        read.collect()
    }

    fn clamp(&self, arguments: &[Expr]) -> Result<Typed, Refusal> {
        let [value, low, high] = arguments else { return Err(arguments_refused("clamp")) };
        let value = self.number(value, "CLAMP")?;
        let whole = |expr: &Expr| match self.value(expr)?.scalar {
            Scalar::Literal(Literal::Integer(number)) => Ok(Some(number)),
            _ => Ok(None),
        };
        let bounds = match (value.known.kind, whole(low)?, whole(high)?) {
            (Kind::Integer, Some(low), Some(high)) => Bounds::Integer(low, high),
            _ => {
                let ends = self.decimals(&arguments[1..], "clamp")?;
                Bounds::Decimal(ends[0], ends[1])
            }
        };
        if !bounds.usable() {
            return Err(Refusal::mistake(
                "clamp with a low end above its high end",
                "write it as clamp(x, low, high)",
            ));
        }
        let value = if matches!(bounds, Bounds::Decimal(..)) { value.decimal() } else { value };
        Ok(value.clamp(bounds))
    }

    fn bucket(&self, arguments: &[Expr]) -> Result<Typed, Refusal> {
        let [value, edges @ ..] = arguments else { return Err(arguments_refused("bucket")) };
        let value = self.number(value, "BUCKET")?.decimal();
        let edges = self.decimals(edges, "bucket")?;
        if edges.is_empty() || !edges.is_sorted_by(|one, next| one < next) {
            return Err(Refusal::mistake(
                "bucket without ascending edges",
                "write it as bucket(x, 0, 10, 20)",
            ));
        }
        let mut labels = vec![format!("< {}", edges[0])];
        labels.extend(edges.windows(2).map(|pair| format!("[{}, {})", pair[0], pair[1])));
        labels.push(format!(">= {}", edges[edges.len() - 1]));
        Ok(value.bucket(edges).label(labels))
    }

    fn width_bucket(&self, arguments: &[Expr]) -> Result<Typed, Refusal> {
        let [value, low, high, count] = arguments else {
            return Err(arguments_refused("width_bucket"));
        };
        let value = self.number(value, "WIDTH_BUCKET")?.decimal();
        let ends = self.decimals(&[low.clone(), high.clone()], "width_bucket")?;
        let count = match self.value(count)?.scalar {
            Scalar::Literal(Literal::Integer(count @ 1..=1000)) => count,
            _ => return Err(arguments_refused("width_bucket")),
        };
        let width = (ends[1] - ends[0]) / count as f64;
        let mut edges: Vec<f64> = (0..count).map(|part| ends[0] + width * part as f64).collect();
        edges.push(ends[1]);
        if !edges.is_sorted_by(|one, next| one < next) {
            return Err(arguments_refused("width_bucket"));
        }
        Ok(value.bucket(edges))
    }
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
fn alike(left: Typed, right: Typed) -> Result<(Typed, Typed), Refusal> {
    let mut both = all_alike(vec![left, right])?.into_iter();
    match (both.next(), both.next()) {
        (Some(left), Some(right)) => Ok((left, right)),
        _ => Err(super::unplannable()),
    }
}

/// Values brought to one kind: whole numbers become decimal where one is, NULL becomes what the others are.
fn all_alike(values: Vec<Typed>) -> Result<Vec<Typed>, Refusal> {
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

fn arguments_refused(name: &str) -> Refusal {
    let instead = match name {
        "clamp" => "write it as clamp(x, low, high) with numbers for low and high",
        "bucket" => "write it as bucket(x, 0, 10, 20) with numbers for the edges",
        "width_bucket" => {
            "write it as width_bucket(x, low, high, n) with numbers, low below high and n from 1 to 1000"
        }
        _ => "give it one argument of the right type",
    };
    Refusal::mistake(format!("{} with these arguments", name.to_uppercase()), instead)
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
