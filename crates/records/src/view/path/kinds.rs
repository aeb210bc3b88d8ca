//! What is known of a path's values without running it: the type that each element has by FHIR's definitions.
//!
//! A column's type is inferred from it where the view names none (SQL on FHIR v2, column types), and elements that JSON
//! writes as plain text get to be dates and times.

use super::{Expr, Function, Literal, Op, Step, Target, TextFunction};
use crate::view::elements::element;
use crate::view::temporal::Kind;

/// What is known of some values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Known {
    /// The element, resource or data type that they are, by name: where their own elements stand.
    pub(crate) place: Option<Box<str>>,
    /// Their primitive type.
    pub(crate) of: Option<Box<str>>,
}

impl Known {
    /// Resources of this type.
    pub(crate) fn resource(name: &str) -> Known {
        Known { place: Some(name.into()), of: None }
    }

    fn of(name: &str) -> Known {
        Known { place: None, of: Some(name.into()) }
    }

    /// What is known where it may be one or the other.
    pub(crate) fn either(self, other: Known) -> Known {
        Known {
            place: self.place.filter(|place| Some(place) == other.place.as_ref()),
            of: self.of.filter(|of| Some(of) == other.of.as_ref()),
        }
    }
}

/// Writes into each element of the expression the type that FHIR gives it, and returns what is known of the whole.
pub(super) fn settle(expr: &mut Expr, focus: &Known) -> Known {
    match expr {
        Expr::Nothing => Known::default(),
        Expr::Literal(literal) => Known::of(literal_type(literal)),
        Expr::This => focus.clone(),
        Expr::Index | Expr::RowIndex => Known::of("integer"),
        // The resource's own type is the view's, but a nested focus does not know it any more.
        Expr::Resource => Known::default(),
        Expr::Path(base, steps) => {
            let base = settle(base, focus);
            steps.iter_mut().fold(base, |known, step| match step {
                Step::Member(name, of) => {
                    *of = element(known.place.as_deref(), name);
                    Known { place: Some(name.clone()), of: of.map(Into::into) }
                }
                Step::OfType(of) => typed(of),
                Step::First => known,
                Step::ResourceKey | Step::ReferenceKey(_) => Known::of("id"),
            })
        }
        Expr::At(base, index) => {
            settle(index, focus);
            settle(base, focus)
        }
        Expr::Call(base, function) => {
            let base = settle(base, focus);
            call(base, function, focus)
        }
        Expr::Binary(op, left, right) => {
            let (left, right) = (settle(left, focus), settle(right, focus));
            binary(*op, left, right)
        }
        Expr::Negate(inner) => settle(inner, focus),
    }
}

fn literal_type(literal: &Literal) -> &'static str {
    match literal {
        Literal::Bool(_) => "boolean",
        Literal::Integer(_) => "integer",
        Literal::Decimal(_) => "decimal",
        Literal::String(_) => "string",
        Literal::Temporal(value) => match value.kind() {
            Kind::Date => "date",
            Kind::DateTime => "dateTime",
            Kind::Time => "time",
        },
    }
}

fn call(base: Known, function: &mut Function, focus: &Known) -> Known {
    match function {
        Function::Where(criterion) => {
            settle(criterion, &base);
            base
        }
        Function::Select(projection) => settle(projection, &base),
        Function::Repeat(projection) => {
            let step = settle(projection, &base);
            settle(projection, &base.either(step.clone()));
            step
        }
        Function::All(criterion) | Function::Exists(Some(criterion)) => {
            settle(criterion, &base);
            Known::of("boolean")
        }
        Function::Exists(None)
        | Function::Empty
        | Function::Not
        | Function::IsDistinct
        | Function::Flags { .. }
        | Function::HasValue
        | Function::Is(_) => Known::of("boolean"),
        Function::Last | Function::Tail | Function::Single | Function::Distinct => base,
        Function::Skip(one)
        | Function::Take(one)
        | Function::Exclude(one)
        | Function::Intersect(one) => {
            settle(one, focus);
            base
        }
        Function::Combine(other) => base.either(settle(other, focus)),
        Function::Count => Known::of("integer"),
        Function::Iif(condition, yes, no) => {
            settle(condition, focus);
            let yes = settle(yes, focus);
            match no {
                Some(no) => yes.either(settle(no, focus)),
                None => yes,
            }
        }
        Function::Join(separator) => {
            separator.iter_mut().for_each(|one| drop(settle(one, focus)));
            Known::of("string")
        }
        Function::Text(function, arguments) => {
            arguments.iter_mut().for_each(|one| drop(settle(one, focus)));
            Known::of(match function {
                TextFunction::StartsWith | TextFunction::EndsWith | TextFunction::Contains => {
                    "boolean"
                }
                TextFunction::IndexOf | TextFunction::Length => "integer",
                _ => "string",
            })
        }
        Function::Convert(target) => Known::of(match target {
            Target::Text => "string",
            Target::Integer => "integer",
            Target::Decimal => "decimal",
            Target::Boolean => "boolean",
        }),
        Function::Round(..) => base,
        Function::Extension(url) => {
            settle(url, focus);
            Known { place: Some("extension".into()), of: None }
        }
        Function::LowBoundary(precision) | Function::HighBoundary(precision) => {
            precision.iter_mut().for_each(|one| drop(settle(one, focus)));
            base
        }
    }
}

/// What `ofType` leaves: a primitive type as it is, any other as the place of its elements.
fn typed(of: &str) -> Known {
    let primitive = match of {
        "Boolean" => "boolean",
        "Integer" => "integer",
        "Decimal" => "decimal",
        "String" => "string",
        "Date" => "date",
        "DateTime" => "dateTime",
        "Time" => "time",
        other if other.starts_with(|first: char| first.is_ascii_lowercase()) => other,
        other => return Known { place: Some(other.into()), of: None },
    };
    Known::of(primitive)
}

fn binary(op: Op, left: Known, right: Known) -> Known {
    match op {
        Op::Union => left.either(right),
        Op::Concatenate => Known::of("string"),
        Op::Div => Known::of("integer"),
        Op::Divide => Known::of("decimal"),
        _ if !op.is_arithmetic() => Known::of("boolean"),
        _ => {
            let is = |known: &Known, names: &[&str]| {
                known.of.as_deref().is_some_and(|of| names.contains(&of))
            };
            const WHOLE: [&str; 4] = ["integer", "positiveInt", "unsignedInt", "integer64"];
            if is(&left, &WHOLE) && is(&right, &WHOLE) {
                Known::of("integer")
            } else if is(&left, &["string"]) || is(&right, &["string"]) {
                Known::of("string")
            } else if op != Op::Add || left.of.is_some() || right.of.is_some() {
                // Anything but a sum of unknown values is a number, and a decimal holds every one.
                Known::of("decimal")
            } else {
                Known::default()
            }
        }
    }
}
