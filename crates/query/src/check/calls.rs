//! Functions of values of one row: each is translated into operations that cannot fail.

use datafusion_expr::{Expr, expr::ScalarFunction};

use super::expression::{Columns, INSTEAD, alike, all_alike};
use crate::{
    Refusal,
    scalar::{
        Arithmetic, Bounds, Comparison, Kind, Literal, NumberFunction, Scalar, TextFunction, Typed,
    },
};

/// The largest exponent of POWER: it is written out as a product.
const MOST_FACTORS: i64 = 8;

impl Columns<'_> {
    pub(super) fn function(&self, function: &ScalarFunction) -> Result<Typed, Refusal> {
        let name = function.func.name();
        let arguments = function.args.as_slice();
        match name {
            "abs" => self.of_number(name, NumberFunction::Abs, arguments),
            "sqrt" => self.of_number(name, NumberFunction::Sqrt, arguments),
            "ln" => self.of_number(name, NumberFunction::Ln, arguments),
            "exp" => self.of_number(name, NumberFunction::Exp, arguments),
            "floor" => self.rounded(name, arguments, |value| value.number(NumberFunction::Floor)),
            "ceil" | "ceiling" => {
                self.rounded(name, arguments, |value| value.number(NumberFunction::Ceil))
            }
            "round" => self.rounded(name, arguments, |value| value.number(NumberFunction::Round)),
            "trunc" => self.rounded(name, arguments, towards_zero),
            "sign" | "signum" => self.sign(name, arguments),
            "power" | "pow" => self.power(name, arguments),
            "mod" => self.remainder(arguments),
            "lower" => self.of_text(name, TextFunction::Lower, arguments),
            "upper" => self.of_text(name, TextFunction::Upper, arguments),
            "trim" | "btrim" => self.of_text("trim", TextFunction::Trim, arguments),
            "length" | "char_length" | "character_length" => {
                self.of_text(name, TextFunction::Length, arguments)
            }
            "nvl" | "ifnull" if arguments.len() != 2 => Err(arguments_refused(name)),
            "coalesce" if arguments.is_empty() => Err(arguments_refused(name)),
            "coalesce" | "nvl" | "ifnull" => {
                let parts = arguments.iter().map(|one| self.value(one));
                Ok(Typed::coalesce(all_alike(parts.collect::<Result<_, _>>()?)?))
            }
            "nvl2" => self.either(arguments),
            "nullif" => self.null_if(arguments),
            "least" => self.extreme(name, Arithmetic::Least, arguments),
            "greatest" => self.extreme(name, Arithmetic::Greatest, arguments),
            "clamp" => self.clamp(arguments),
            "bucket" => self.bucket(arguments),
            "width_bucket" => self.width_bucket(arguments),
            // The text was screened for the others: what comes here nobody thought of.
            _ => {
                Err(Refusal::unsupported(format!("The function {}", name.to_uppercase()), INSTEAD))
            }
        }
    }

    fn of_number(
        &self,
        name: &str,
        make: NumberFunction,
        arguments: &[Expr],
    ) -> Result<Typed, Refusal> {
        let [one] = arguments else { return Err(arguments_refused(name)) };
        let typed = self.number(one, &name.to_uppercase())?;
        Ok(match make {
            NumberFunction::Abs => typed.number(make),
            _ => typed.decimal().number(make),
        })
    }

    fn of_text(
        &self,
        name: &str,
        make: TextFunction,
        arguments: &[Expr],
    ) -> Result<Typed, Refusal> {
        let [one] = arguments else { return Err(arguments_refused(name)) };
        let typed = self.value(one)?;
        match typed.known.kind {
            Kind::Text => Ok(typed.text(make)),
            kind => Err(Refusal::mistake(
                format!("{} of {}", name.to_uppercase(), kind.words()),
                "give it a text column",
            )),
        }
    }

    /// Without what is behind the point, or behind so many decimal places.
    fn rounded(
        &self,
        name: &str,
        arguments: &[Expr],
        whole: impl Fn(Typed) -> Typed,
    ) -> Result<Typed, Refusal> {
        match arguments {
            [one] => {
                let value = self.number(one, &name.to_uppercase())?;
                Ok(if value.known.kind == Kind::Integer { value } else { whole(value) })
            }
            [one, places] if matches!(name, "round" | "trunc") => {
                let value = self.number(one, &name.to_uppercase())?.decimal();
                match self.value(places)?.scalar {
                    Scalar::Literal(Literal::Integer(places @ -12..=12)) => {
                        Ok(to_places(value, places as i32, whole))
                    }
                    _ => Err(arguments_refused(name)),
                }
            }
            _ => Err(arguments_refused(name)),
        }
    }

    /// -1, 0 or 1.
    fn sign(&self, name: &str, arguments: &[Expr]) -> Result<Typed, Refusal> {
        let [one] = arguments else { return Err(arguments_refused(name)) };
        let value = self.number(one, &name.to_uppercase())?.decimal();
        let number = |number| Typed::literal(Literal::Decimal(number));
        let is = |op| value.clone().compare(op, number(0.0));
        let branches =
            vec![(is(Comparison::Greater), number(1.0)), (is(Comparison::Less), number(-1.0))];
        // What is left is 0 or NULL, and stays that.
        Ok(Typed::case(branches, value.clamp(Bounds::Decimal(0.0, 0.0))))
    }

    /// A power with a small whole exponent, as a product; a square root.
    fn power(&self, name: &str, arguments: &[Expr]) -> Result<Typed, Refusal> {
        let [value, exponent] = arguments else { return Err(arguments_refused(name)) };
        let value = self.number(value, &name.to_uppercase())?.decimal();
        let exponent = match self.value(exponent)?.decimal().scalar {
            Scalar::Literal(Literal::Decimal(exponent)) => exponent,
            _ => return Err(arguments_refused(name)),
        };
        if exponent == 0.5 {
            return Ok(value.number(NumberFunction::Sqrt));
        }
        if exponent.fract() != 0.0 || !(1.0..=MOST_FACTORS as f64).contains(&exponent) {
            return Err(arguments_refused(name));
        }
        let factors = exponent as usize;
        // An even power is one of the absolute value, and never negative.
        let value = match factors % 2 {
            0 => value.number(NumberFunction::Abs),
            _ => value,
        };
        let one = value.clone();
        Ok(std::iter::repeat_n(value, factors - 1)
            .fold(one, |product, factor| product.arithmetic(Arithmetic::Multiply, factor)))
    }

    fn remainder(&self, arguments: &[Expr]) -> Result<Typed, Refusal> {
        let [value, divisor] = arguments else { return Err(arguments_refused("mod")) };
        let (value, divisor) = self.numbers(value, divisor)?;
        Ok(value.arithmetic(Arithmetic::Remainder, divisor))
    }

    /// The second value where the first one is there, else the third.
    fn either(&self, arguments: &[Expr]) -> Result<Typed, Refusal> {
        let [tested, there, absent] = arguments else { return Err(arguments_refused("nvl2")) };
        let (there, absent) = alike(self.value(there)?, self.value(absent)?)?;
        Ok(Typed::case(vec![(self.typed(tested)?.null().not(), there)], absent))
    }

    fn null_if(&self, arguments: &[Expr]) -> Result<Typed, Refusal> {
        let [one, other] = arguments else { return Err(arguments_refused("nullif")) };
        let (one, other) = alike(self.value(one)?, self.value(other)?)?;
        let equal = one.clone().compare(Comparison::Equal, other);
        let null = Typed::literal(Literal::Null(one.known.kind));
        Ok(Typed::case(vec![(equal, null)], one))
    }

    fn extreme(&self, name: &str, op: Arithmetic, arguments: &[Expr]) -> Result<Typed, Refusal> {
        let parts = arguments.iter().map(|one| self.number(one, &name.to_uppercase()));
        let mut parts = all_alike(parts.collect::<Result<_, _>>()?)?;
        // In pairs, and the pairs in pairs: a list of thousands would else be as deep as it is long, and exhaust the stack.
        while parts.len() > 1 {
            let mut left = parts.into_iter();
            parts = Vec::new();
            while let Some(one) = left.next() {
                parts.push(match left.next() {
                    Some(other) => one.arithmetic(op, other),
                    None => one,
                });
            }
        }
        parts.pop().ok_or_else(|| arguments_refused(name))
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

/// Towards zero: what is below it upwards, what is above it downwards.
fn towards_zero(value: Typed) -> Typed {
    let zero = || Typed::literal(Literal::Decimal(0.0));
    let below = value.clone().arithmetic(Arithmetic::Least, zero()).number(NumberFunction::Ceil);
    let above = value.arithmetic(Arithmetic::Greatest, zero()).number(NumberFunction::Floor);
    below.arithmetic(Arithmetic::Add, above)
}

/// A decimal number made `whole` behind so many decimal places, before the point where that is negative.
pub(super) fn to_places(value: Typed, places: i32, whole: impl Fn(Typed) -> Typed) -> Typed {
    let power = || Typed::literal(Literal::Decimal(10_f64.powi(places.abs())));
    let (up, down) = match places >= 0 {
        true => (Arithmetic::Multiply, Arithmetic::Divide),
        false => (Arithmetic::Divide, Arithmetic::Multiply),
    };
    whole(value.arithmetic(up, power())).arithmetic(down, power())
}

fn arguments_refused(name: &str) -> Refusal {
    let upper = name.to_uppercase();
    let instead = match name {
        "clamp" => "write it as clamp(x, low, high) with numbers for low and high",
        "bucket" => "write it as bucket(x, 0, 10, 20) with numbers for the edges",
        "width_bucket" => {
            "write it as width_bucket(x, low, high, n) with numbers, low below high and n from 1 to 1000"
        }
        "round" | "trunc" => {
            return Refusal::mistake(
                format!("{upper} with these arguments"),
                format!(
                    "write it as {upper}(x) or {upper}(x, 1), with decimal places from -12 to 12"
                ),
            );
        }
        "floor" | "ceil" | "ceiling" => {
            return Refusal::mistake(
                format!("{upper} with these arguments"),
                format!("write it as {upper}(x), and for tenths as {upper}(x * 10) / 10"),
            );
        }
        "power" | "pow" => {
            "write it as POWER(x, 2), with a whole exponent from 1 to 8; others are EXP(1.5 * LN(x)), a root is SQRT(x)"
        }
        "mod" => "write it as MOD(x, 10) or x % 10",
        "nullif" => "write it as NULLIF(x, 0)",
        "nvl" | "ifnull" | "coalesce" => "write it as COALESCE(x, 0)",
        "nvl2" => "write it as CASE WHEN x IS NOT NULL THEN 1 ELSE 0 END",
        "least" | "greatest" => "give it numbers, as in LEAST(x, 100)",
        "trim" => "write it as TRIM(x), which takes spaces away",
        _ => "give it one argument of the right type",
    };
    Refusal::mistake(format!("{upper} with these arguments"), instead)
}
