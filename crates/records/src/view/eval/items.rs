//! Values, and what is the same for all of them: equality, order, arithmetic.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::{EvalError, Items, KINDS, Result};
use crate::json::{Json, Object};
use crate::view::decimal::Decimal;
use crate::view::path::Op;
use crate::view::temporal::Temporal;

/// One value of a collection. Its tag is as wide as that of [`Json`].
#[derive(PartialEq)]
#[repr(usize)]
pub(crate) enum Item<'a> {
    /// An element of the record, with its FHIR type where that is known.
    Node(&'a Json<'a>, Option<&'static str>),
    /// A primitive without a value (FHIR R4, 2.6.2.3): what JSON writes beside it, its id and its extensions, with its
    /// FHIR type where that is known. It exists, and is nothing where a value is asked for.
    Bare(&'a Json<'a>, Option<&'static str>),
    Bool(bool),
    Integer(i64),
    Decimal(Box<Decimal>),
    Text(Cow<'a, str>),
    Temporal(Box<Temporal>),
}

impl<'a> Clone for Item<'a> {
    /// Nearly all that is copied are elements of the record: two words and a tag.
    #[inline]
    fn clone(&self) -> Item<'a> {
        match self {
            Item::Node(node, of) => Item::Node(node, *of),
            other => other.copied(),
        }
    }
}

impl<'a> Item<'a> {
    #[inline(never)]
    fn copied(&self) -> Item<'a> {
        match self {
            Item::Node(node, of) => Item::Node(node, *of),
            Item::Bare(own, of) => Item::Bare(own, *of),
            Item::Bool(flag) => Item::Bool(*flag),
            Item::Integer(value) => Item::Integer(*value),
            Item::Decimal(value) => Item::Decimal(value.clone()),
            Item::Text(text) => Item::Text(text.clone()),
            Item::Temporal(value) => Item::Temporal(value.clone()),
        }
    }

    /// Whether it is more than the place of a value.
    #[inline]
    pub(crate) fn has_value(&self) -> bool {
        !matches!(self, Item::Bare(..))
    }
}

/// The items that have a value.
#[inline]
pub(crate) fn values(items: Items<'_>) -> Items<'_> {
    match items.iter().all(Item::has_value) {
        true => items,
        false => only_values(items),
    }
}

#[cold]
fn only_values(items: Items<'_>) -> Items<'_> {
    items.into_iter().filter(Item::has_value).collect()
}

/// The one value of a collection, `None` if it has none.
pub(crate) fn single<'a>(items: Items<'a>) -> Result<Option<Item<'a>>> {
    match items {
        Items::Nothing => Ok(None),
        Items::One(item) => Ok(Some(item).filter(Item::has_value)),
        Items::Several(mut all) => {
            all.retain(Item::has_value);
            if all.len() < 2 { Ok(all.pop()) } else { Err(EvalError::Several) }
        }
    }
}

pub(crate) fn object_of<'a>(item: &Item<'a>) -> Option<&'a Object<'a>> {
    match item {
        Item::Node(node, _) => node.as_object(),
        _ => None,
    }
}

/// The truth of a single value where a Boolean is expected: what exists and is no Boolean counts as true
/// (FHIRPath 2.0, singleton evaluation of collections).
pub(crate) fn boolean(item: &Item<'_>) -> bool {
    match item {
        Item::Bool(flag) | Item::Node(Json::Bool(flag), _) => *flag,
        _ => true,
    }
}

/// Three-valued logic (FHIRPath 2.0, 6.5).
pub(crate) fn logic(op: Op, left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match op {
        Op::And => match (left, right) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Op::Or => match (left, right) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        Op::Implies => logic(Op::Or, left.map(|left| !left), right),
        _ => Some(left? != right?),
    }
}

/// The number that an item is.
pub(crate) fn number(item: &Item<'_>) -> Option<Decimal> {
    match item {
        Item::Integer(value) => Some(Decimal::integer(*value)),
        Item::Decimal(value) => Some(**value),
        Item::Node(Json::Number(text), _) => Decimal::parse(text),
        // Too large for the numbers of some JSON readers, so FHIR writes it as a text.
        Item::Node(Json::String(text), Some("integer64")) => Decimal::parse(text),
        _ => None,
    }
}

pub(crate) fn is_integer(item: &Item<'_>) -> bool {
    match item {
        Item::Integer(_) => true,
        Item::Node(Json::Number(text), of) => {
            *of != Some("decimal") && !text.contains(['.', 'e', 'E'])
        }
        Item::Node(Json::String(_), of) => *of == Some("integer64"),
        _ => false,
    }
}

/// A calculated number; nothing where an integer grew too large for its type (FHIRPath 2.0, 6.6).
pub(crate) fn numeric<'a>(value: Decimal, integer: bool) -> Option<Item<'a>> {
    match integer {
        true => value.to_i64().map(Item::Integer),
        false => Some(Item::Decimal(Box::new(value))),
    }
}

/// The text of a primitive, as FHIR writes it; `None` for what has parts.
pub(crate) fn text_of<'i>(item: &'i Item<'_>) -> Option<Cow<'i, str>> {
    match item {
        Item::Node(Json::String(text), _) => Some(Cow::Borrowed(text)),
        Item::Node(Json::Number(text), _) => Some(Cow::Borrowed(text)),
        Item::Text(text) => Some(Cow::Borrowed(text)),
        Item::Bool(flag) | Item::Node(Json::Bool(flag), _) => {
            Some(Cow::Borrowed(if *flag { "true" } else { "false" }))
        }
        Item::Integer(value) => Some(value.to_string().into()),
        Item::Decimal(value) => Some(value.to_string().into()),
        Item::Temporal(value) => Some(value.to_string().into()),
        Item::Node(..) | Item::Bare(..) => None,
    }
}

/// The moment that an item is or can be read as.
pub(crate) fn temporal(item: &Item<'_>) -> Option<Temporal> {
    match item {
        Item::Temporal(value) => Some((**value).clone()),
        Item::Node(Json::String(text), Some("time")) => Temporal::parse_time(text),
        Item::Node(Json::String(text), _) => {
            Temporal::parse(text).or_else(|| Temporal::parse_time(text))
        }
        Item::Text(text) => Temporal::parse(text).or_else(|| Temporal::parse_time(text)),
        _ => None,
    }
}

/// Whether the record itself says that this is a date or time, so that it is compared as one.
pub(crate) fn is_temporal(item: &Item<'_>) -> bool {
    matches!(
        item,
        Item::Temporal(_) | Item::Node(_, Some("date" | "dateTime" | "instant" | "time"))
    )
}

pub(crate) fn equal_collections(left: &[Item<'_>], right: &[Item<'_>]) -> Option<bool> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    if left.len() != right.len() {
        return Some(false);
    }
    left.iter().zip(right).try_fold(true, |all, (a, b)| Some(equal(a, b)? && all))
}

/// Whether two items are equal, `None` where the missing digits of a date would decide it.
pub(crate) fn equal(left: &Item<'_>, right: &Item<'_>) -> Option<bool> {
    // By far the most: a code beside a code of the view.
    if let (Item::Node(Json::String(a), None), Item::Text(b)) = (left, right) {
        return Some(*a == &**b);
    }
    if is_temporal(left) || is_temporal(right) {
        return match (temporal(left), temporal(right)) {
            (Some(a), Some(b)) => a.compare(&b).map(Ordering::is_eq),
            _ => Some(false),
        };
    }
    if let (Some(a), Some(b)) = (number(left), number(right)) {
        return Some(a == b);
    }
    match (left, right) {
        (
            Item::Bool(a) | Item::Node(Json::Bool(a), _),
            Item::Bool(b) | Item::Node(Json::Bool(b), _),
        ) => Some(a == b),
        (Item::Node(a @ Json::Object(_), _), Item::Node(b @ Json::Object(_), _)) => Some(a == b),
        (Item::Bare(a, _), Item::Bare(b, _)) => Some(std::ptr::eq(*a, *b)),
        _ => match (as_text(left), as_text(right)) {
            (Some(a), Some(b)) => Some(a == b),
            _ => Some(false),
        },
    }
}

pub(crate) fn as_text<'i>(item: &'i Item<'_>) -> Option<&'i str> {
    match item {
        Item::Node(Json::String(text), _) => Some(text),
        Item::Text(text) => Some(text),
        _ => None,
    }
}

pub(crate) fn compare<'a>(op: Op, left: &Item<'a>, right: &Item<'a>) -> Result<Option<Item<'a>>> {
    let order = if is_temporal(left) || is_temporal(right) {
        match (temporal(left), temporal(right)) {
            (Some(a), Some(b)) => a.compare(&b),
            _ => return Err(KINDS),
        }
    } else if let (Some(a), Some(b)) = (number(left), number(right)) {
        a.partial_cmp(&b)
    } else if let (Some(a), Some(b)) = (as_text(left), as_text(right)) {
        Some(a.cmp(b))
    } else if let (Some(a), Some(b)) = (object_of(left), object_of(right)) {
        quantities(a, b)?
    } else {
        return Err(KINDS);
    };
    Ok(order.map(|order| {
        Item::Bool(match op {
            Op::Less => order.is_lt(),
            Op::LessOrEqual => order.is_le(),
            Op::Greater => order.is_gt(),
            _ => order.is_ge(),
        })
    }))
}

/// The order of two Quantities, `None` where they have no values, or units that are not the same.
fn quantities(left: &Object<'_>, right: &Object<'_>) -> Result<Option<Ordering>> {
    let value = |object: &Object<'_>| match object.get("value") {
        Some(Json::Number(text)) => Decimal::parse(text).map(Some).ok_or(KINDS),
        Some(_) => Err(KINDS),
        None if object.get("unit").or(object.get("code")).is_some() => Ok(None),
        None => Err(KINDS),
    };
    let (Some(a), Some(b)) = (value(left)?, value(right)?) else { return Ok(None) };
    let same = |name: &str| left.text(name) == right.text(name);
    let alike = match (left.text("code"), right.text("code")) {
        (Some(_), Some(_)) => same("code") && same("system"),
        _ => same("unit"),
    };
    Ok(if alike { a.partial_cmp(&b) } else { None })
}

pub(crate) fn arithmetic<'a>(
    op: Op,
    left: &Item<'a>,
    right: &Item<'a>,
) -> Result<Option<Item<'a>>> {
    if let (Op::Add, Some(a), Some(b)) = (op, as_text(left), as_text(right)) {
        return Ok(Some(Item::Text(format!("{a}{b}").into())));
    }
    let (Some(a), Some(b)) = (number(left), number(right)) else { return Err(KINDS) };
    let integers = is_integer(left) && is_integer(right);
    let value = match op {
        Op::Add => a.add(b),
        Op::Subtract => a.subtract(b),
        Op::Multiply => a.multiply(b),
        _ if b.is_zero() => None,
        Op::Divide => a.divide(b),
        Op::Div => a.div(b),
        _ => a.modulo(b),
    };
    let integer = op == Op::Div || (integers && op != Op::Divide);
    Ok(value.and_then(|value| numeric(value, integer)))
}

/// Whether two collections are equivalent (FHIRPath 2.0, 6.1.2): in any order, texts without regard to case and the kind
/// of their spaces, numbers to the digits of the less exact one. Nothing is equivalent to nothing.
pub(crate) fn equivalent(left: &[Item<'_>], right: &[Item<'_>]) -> bool {
    let mut open: Vec<&Item<'_>> = right.iter().collect();
    left.len() == right.len()
        && left.iter().all(|one| match open.iter().position(|other| alike(one, other)) {
            Some(at) => {
                open.swap_remove(at);
                true
            }
            None => false,
        })
}

fn alike(left: &Item<'_>, right: &Item<'_>) -> bool {
    if let (Some(a), Some(b)) = (number(left), number(right)) {
        let digits = a.digits_behind_point().min(b.digits_behind_point());
        return a.rounded(digits) == b.rounded(digits);
    }
    match (as_text(left), as_text(right)) {
        (Some(a), Some(b)) if !is_temporal(left) && !is_temporal(right) => folded(a) == folded(b),
        _ => equal(left, right) == Some(true),
    }
}

fn folded(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}
