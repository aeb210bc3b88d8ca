//! What can have no value whatever the record is, by the types that FHIR gives to elements. Where a type is not known,
//! nothing is said against it.

use super::{Expr, Known, Literal, Op};
use crate::view::temporal::Temporal;
use crate::view::types::{is_abstract, is_whole, parent_of};

/// What types of values an operator can tell apart.
#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Truth,
    Number,
    /// Texts, and what is written as one: dates and times too.
    Text,
    /// What has elements of its own.
    Parts,
}

fn type_name(known: &Known) -> Option<&str> {
    known.of.as_deref().or(known.exact.as_deref())
}

fn sort_of(known: &Known) -> Option<Sort> {
    Some(match type_name(known)? {
        "boolean" => Sort::Truth,
        "decimal" => Sort::Number,
        whole if is_whole(whole) => Sort::Number,
        "string" | "code" | "id" | "uri" | "url" | "uuid" | "oid" | "canonical" | "markdown"
        | "base64Binary" | "xhtml" | "date" | "dateTime" | "instant" | "time" => Sort::Text,
        of if of.starts_with(|first: char| first.is_ascii_uppercase()) && !is_abstract(of) => {
            Sort::Parts
        }
        _ => return None,
    })
}

/// Why an order or a calculation can have no value whatever the record is, if it can have none.
pub(super) fn operator(
    op: Op,
    (left, known_left): (&Expr, &Known),
    (right, known_right): (&Expr, &Known),
) -> Option<String> {
    let orders = matches!(op, Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual);
    if !orders && !op.is_arithmetic() {
        return None;
    }
    let sorts = [sort_of(known_left), sort_of(known_right)];
    let has = |sort| sorts.contains(&Some(sort));
    let what = if orders { "put in an order" } else { "calculated with" };
    // Quantities have an order (FHIRPath 2.0, 6.2).
    let quantity = |known: &Known| {
        type_name(known).is_none_or(|of| of == "Quantity" || parent_of(of) == Some("Quantity"))
    };
    let quantities = orders && quantity(known_left) && quantity(known_right);
    if has(Sort::Parts) && !quantities {
        let parts = if sorts[0] == Some(Sort::Parts) { known_left } else { known_right };
        let of = type_name(parts).unwrap_or_default();
        return Some(format!(
            "a value of the type {of} has parts and cannot be {what}; name one of them"
        ));
    }
    if orders && let Some(of) = unread(left, known_right).or_else(|| unread(right, known_left)) {
        return Some(format!(
            "a value of the type {of} can never be put in an order with a text that is not written as one"
        ));
    }
    let never = match op {
        _ if has(Sort::Truth) => true,
        _ if orders || op == Op::Add => has(Sort::Number) && has(Sort::Text),
        _ => has(Sort::Text),
    };
    let name = |known| type_name(known).unwrap_or("unknown type").to_owned();
    never.then(|| {
        let (left, right) = (name(known_left), name(known_right));
        format!("values of the types {left} and {right} can never be {what}")
    })
}

/// The type of a date or time that stands beside a text of the path which cannot be read as one.
fn unread<'k>(text: &Expr, beside: &'k Known) -> Option<&'k str> {
    let Expr::Literal(Literal::String(text)) = text else { return None };
    let of = type_name(beside)?;
    let read = match of {
        "date" | "dateTime" | "instant" => Temporal::parse(text),
        "time" => Temporal::parse_time(text),
        _ => return None,
    };
    read.is_none().then_some(of)
}

/// Why the negative of a value is never one, if it is none.
pub(super) fn negation(known: &Known) -> Option<String> {
    let never = sort_of(known).is_some_and(|sort| sort != Sort::Number);
    let of = type_name(known).filter(|_| never)?;
    Some(format!("a value of the type {of} has no negative"))
}

/// Why a value never has a boundary, if it has none. A text has one if it can be read as a date or time, but not an
/// element that FHIR defines to be a text.
pub(super) fn boundary(expr: &Expr, known: &Known) -> Option<String> {
    let text = |text: &str| Temporal::parse(text).or_else(|| Temporal::parse_time(text)).is_none();
    let never = match (expr, known.exact.as_deref()) {
        (Expr::Literal(Literal::String(own)), _) => text(own),
        (_, Some("Period" | "date" | "dateTime" | "instant" | "time")) => false,
        (_, Some(_)) => matches!(sort_of(known), Some(Sort::Truth | Sort::Text | Sort::Parts)),
        (_, None) => sort_of(known) == Some(Sort::Truth),
    };
    let of = type_name(known).filter(|_| never)?;
    Some(format!(
        "a value of the type {of} has no boundary; numbers, dates, times and Periods have some"
    ))
}
