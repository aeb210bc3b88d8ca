//! FHIRPath: expression and record to values.
//!
//! A value is an element of the record with the type its name gives away (`valueQuantity` is a Quantity), or something
//! computed. Without the whole FHIR model, a text of the record may be a string, a code or a date; it is compared as a
//! date where the other side is one.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;

use super::decimal::Decimal;
use super::path::{Expr, Function, Literal, Op};
use super::temporal::{End, Kind, Temporal};
use crate::json::{Json, Object};

/// One value of a collection.
#[derive(Clone, PartialEq)]
pub(crate) enum Item<'a> {
    /// An element of the record, with its FHIR type where that is known.
    Node(&'a Json<'a>, Option<&'a str>),
    Bool(bool),
    Integer(i64),
    Decimal(Decimal),
    Text(Cow<'a, str>),
    Temporal(Temporal),
}

/// An ordered collection, as every FHIRPath expression yields one.
pub(crate) type Items<'a> = Vec<Item<'a>>;

/// What is known around the record that is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// The resource itself.
    pub(crate) resource: &'a Json<'a>,
    /// The key that the bundle gave the resource, if it has no id of its own.
    pub(crate) key: Option<&'a str>,
    /// The keys of the other resources of the bundle by their full URLs, with their types.
    pub(crate) full_urls: Option<&'a FullUrls>,
}

/// Why an expression has no value on a record. Says nothing of the record's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EvalError(pub(crate) &'static str);

const SEVERAL: EvalError = EvalError("several values where one is allowed");
const KINDS: EvalError = EvalError("values of kinds that do not go together");

type Result<T> = std::result::Result<T, EvalError>;

impl<'a> Scope<'a> {
    /// The values of an expression seen from `this`.
    pub(crate) fn eval(&self, expr: &'a Expr, this: &Item<'a>) -> Result<Items<'a>> {
        match expr {
            Expr::Nothing => Ok(Vec::new()),
            Expr::Literal(literal) => Ok(vec![literal_item(literal)]),
            Expr::This => Ok(vec![this.clone()]),
            Expr::Member(base, name) => self.member(base, name, this),
            Expr::Index(base, index) => {
                let items = self.eval(base, this)?;
                let Some(index) = single(self.eval(index, this)?)? else { return Ok(Vec::new()) };
                let index = number(&index).and_then(Decimal::to_i64).ok_or(KINDS)?;
                let found = usize::try_from(index).ok().and_then(|at| items.into_iter().nth(at));
                Ok(found.into_iter().collect())
            }
            Expr::Call(base, function) => self.call(base, function, this),
            Expr::Binary(op, left, right) => self.binary(*op, left, right, this),
            Expr::Negate(inner) => match single(self.eval(inner, this)?)? {
                None => Ok(Vec::new()),
                Some(item) => {
                    let value = number(&item).ok_or(KINDS)?;
                    Ok(value
                        .negate()
                        .map(|value| numeric(value, is_integer(&item)))
                        .into_iter()
                        .collect())
                }
            },
        }
    }

    /// The truth of an expression: `None` where it has no value.
    pub(crate) fn truth(&self, expr: &'a Expr, this: &Item<'a>) -> Result<Option<bool>> {
        match single(self.eval(expr, this)?)? {
            None => Ok(None),
            Some(Item::Bool(flag)) => Ok(Some(flag)),
            Some(Item::Node(Json::Bool(flag), _)) => Ok(Some(*flag)),
            Some(_) => Err(EvalError("a value that is neither true nor false where one is asked")),
        }
    }

    fn member(&self, base: &'a Expr, name: &'a str, this: &Item<'a>) -> Result<Items<'a>> {
        let mut out = Vec::new();
        if let Expr::This = base {
            step(this, name, &mut out);
        } else {
            for item in &self.eval(base, this)? {
                step(item, name, &mut out);
            }
        }
        Ok(out)
    }

    fn call(&self, base: &'a Expr, function: &'a Function, this: &Item<'a>) -> Result<Items<'a>> {
        let items = self.eval(base, this)?;
        match function {
            Function::Where(criterion) => self.filter(items, criterion),
            Function::Exists(None) => flag(!items.is_empty()),
            Function::Exists(Some(criterion)) => flag(!self.filter(items, criterion)?.is_empty()),
            Function::Empty => flag(items.is_empty()),
            Function::All(criterion) => {
                let count = items.len();
                flag(self.filter(items, criterion)?.len() == count)
            }
            Function::Select(projection) => {
                let mut out = Vec::new();
                for item in &items {
                    out.append(&mut self.eval(projection, item)?);
                }
                Ok(out)
            }
            Function::First => Ok(items.into_iter().take(1).collect()),
            Function::Last => Ok(items.into_iter().next_back().into_iter().collect()),
            Function::Single => Ok(single(items)?.into_iter().collect()),
            Function::Count => Ok(vec![Item::Integer(items.len() as i64)]),
            Function::Not => match single(items)? {
                None => Ok(Vec::new()),
                Some(item) => flag(!boolean(&item)),
            },
            Function::Iif(condition, yes, no) => match (self.truth(condition, this)?, no) {
                (Some(true), _) => self.eval(yes, this),
                (_, Some(no)) => self.eval(no, this),
                (_, None) => Ok(Vec::new()),
            },
            Function::Join(separator) => self.join(items, separator.as_deref(), this),
            Function::StartsWith(prefix) => {
                let (text, prefix) = (single(items)?, single(self.eval(prefix, this)?)?);
                let (Some(text), Some(prefix)) = (text, prefix) else { return Ok(Vec::new()) };
                flag(text_of(&text).ok_or(KINDS)?.starts_with(&*text_of(&prefix).ok_or(KINDS)?))
            }
            Function::Extension(url) => self.extension(items, url, this),
            Function::OfType(of) => {
                Ok(items.into_iter().filter(|item| is_of_type(item, of)).collect())
            }
            Function::Is(of) => match single(items)? {
                None => Ok(Vec::new()),
                Some(item) => flag(is_of_type(&item, of)),
            },
            Function::ResourceKey => Ok(self.resource_key(&items)),
            Function::ReferenceKey(of) => {
                let urls = self.full_urls;
                let key = |item| reference_key(object_of(item)?, urls, of.as_deref());
                let found = items.iter().filter_map(key);
                Ok(found.map(|key| Item::Text(Cow::Borrowed(key))).collect())
            }
            Function::LowBoundary => boundary(items, End::Low),
            Function::HighBoundary => boundary(items, End::High),
        }
    }

    fn filter(&self, items: Items<'a>, criterion: &'a Expr) -> Result<Items<'a>> {
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            if self.truth(criterion, &item)? == Some(true) {
                out.push(item);
            }
        }
        Ok(out)
    }

    fn join(
        &self,
        items: Items<'a>,
        separator: Option<&'a Expr>,
        this: &Item<'a>,
    ) -> Result<Items<'a>> {
        let separator = match separator {
            Some(separator) => single(self.eval(separator, this)?)?,
            None => None,
        };
        let separator = match &separator {
            Some(item) => text_of(item).ok_or(KINDS)?,
            None => Cow::Borrowed(""),
        };
        let mut out = String::new();
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push_str(&separator);
            }
            out.push_str(&text_of(item).ok_or(KINDS)?);
        }
        Ok(vec![Item::Text(out.into())])
    }

    fn extension(&self, items: Items<'a>, url: &'a Expr, this: &Item<'a>) -> Result<Items<'a>> {
        let Some(url) = single(self.eval(url, this)?)? else { return Ok(Vec::new()) };
        let url = text_of(&url).ok_or(KINDS)?;
        let mut out = Vec::new();
        for item in &items {
            step(item, "extension", &mut out);
        }
        out.retain(|item| object_of(item).and_then(|object| object.text("url")) == Some(&url));
        Ok(out)
    }

    fn resource_key(&self, items: &[Item<'a>]) -> Items<'a> {
        let key = |item: &Item<'a>| match item {
            Item::Node(node, _) => {
                let own = node.as_object().and_then(|object| object.text("id"));
                // Only the resource itself, not a part of it, has the bundle's key.
                let given = std::ptr::eq(*node, self.resource).then_some(self.key).flatten();
                own.or(given).map(|key| Item::Text(Cow::Borrowed(key)))
            }
            _ => None,
        };
        items.iter().filter_map(key).collect()
    }

    fn binary(
        &self,
        op: Op,
        left: &'a Expr,
        right: &'a Expr,
        this: &Item<'a>,
    ) -> Result<Items<'a>> {
        match op {
            Op::And | Op::Or | Op::Xor | Op::Implies => {
                let left = single(self.eval(left, this)?)?.map(|item| boolean(&item));
                let right = single(self.eval(right, this)?)?.map(|item| boolean(&item));
                Ok(logic(op, left, right).map(Item::Bool).into_iter().collect())
            }
            Op::Union => {
                let mut all = self.eval(left, this)?;
                all.append(&mut self.eval(right, this)?);
                let mut out: Items<'a> = Vec::with_capacity(all.len());
                for item in all {
                    if !out.iter().any(|known| equal(known, &item) == Some(true)) {
                        out.push(item);
                    }
                }
                Ok(out)
            }
            Op::Equal | Op::NotEqual => {
                let (left, right) = (self.eval(left, this)?, self.eval(right, this)?);
                let equal = equal_collections(&left, &right);
                Ok(equal.map(|equal| Item::Bool(equal == (op == Op::Equal))).into_iter().collect())
            }
            Op::In | Op::Contains => {
                let (left, right) = (self.eval(left, this)?, self.eval(right, this)?);
                let (one, many) = if op == Op::In { (left, right) } else { (right, left) };
                let Some(one) = single(one)? else { return Ok(Vec::new()) };
                flag(many.iter().any(|item| equal(item, &one) == Some(true)))
            }
            Op::Concatenate => {
                let mut out = String::new();
                for side in [left, right] {
                    if let Some(item) = single(self.eval(side, this)?)? {
                        out.push_str(&text_of(&item).ok_or(KINDS)?);
                    }
                }
                Ok(vec![Item::Text(out.into())])
            }
            _ => {
                let left = single(self.eval(left, this)?)?;
                let right = single(self.eval(right, this)?)?;
                let (Some(left), Some(right)) = (left, right) else { return Ok(Vec::new()) };
                let value = match op {
                    Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
                        compare(op, &left, &right)?
                    }
                    _ => arithmetic(op, &left, &right)?,
                };
                Ok(value.into_iter().collect())
            }
        }
    }
}

fn flag<'a>(value: bool) -> Result<Items<'a>> {
    Ok(vec![Item::Bool(value)])
}

fn literal_item(literal: &Literal) -> Item<'_> {
    match literal {
        Literal::Bool(flag) => Item::Bool(*flag),
        Literal::Integer(value) => Item::Integer(*value),
        Literal::Decimal(value) => Item::Decimal(*value),
        Literal::String(text) => Item::Text(Cow::Borrowed(text)),
        Literal::Temporal(value) => Item::Temporal(value.clone()),
    }
}

/// The one value of a collection, `None` if it is empty.
pub(crate) fn single<'a>(items: Items<'a>) -> Result<Option<Item<'a>>> {
    let mut items = items.into_iter();
    match (items.next(), items.next()) {
        (first, None) => Ok(first),
        _ => Err(SEVERAL),
    }
}

fn object_of<'a>(item: &Item<'a>) -> Option<&'a Object<'a>> {
    match item {
        Item::Node(node, _) => node.as_object(),
        _ => None,
    }
}

/// The keys of a bundle's resources by their full URLs, with their types.
pub(crate) type FullUrls = HashMap<String, (String, String)>;

/// The key of the resource that a reference names, if it is of the type asked for. `urn:uuid:X` outside of a bundle
/// that knows it names X.
pub(crate) fn reference_key<'a>(
    object: &'a Object<'a>,
    full_urls: Option<&'a FullUrls>,
    of: Option<&str>,
) -> Option<&'a str> {
    let reference = object.text("reference")?;
    let right_type = |known: &str| of.is_none_or(|of| of == known);
    if let Some((kind, key)) = full_urls.and_then(|urls| urls.get(reference)) {
        return right_type(kind).then_some(key);
    }
    if let Some(key) = reference.strip_prefix("urn:uuid:").or(reference.strip_prefix("urn:oid:")) {
        return object.text("type").is_none_or(right_type).then_some(key);
    }
    let plain = reference.split_once("/_history/").map_or(reference, |(plain, _)| plain);
    let (rest, key) = plain.rsplit_once('/')?;
    let kind = rest.rsplit_once('/').map_or(rest, |(_, kind)| kind);
    let valid = !key.is_empty() && !key.contains(['?', '#', '|']);
    (valid && right_type(kind)).then_some(key)
}

/// The types that an element `value[x]` can have (FHIR R4, 2.24.0.1 open type list, with those of later releases).
const CHOICE_TYPES: [&str; 54] = [
    "base64Binary",
    "boolean",
    "canonical",
    "code",
    "date",
    "dateTime",
    "decimal",
    "id",
    "instant",
    "integer",
    "integer64",
    "markdown",
    "oid",
    "positiveInt",
    "string",
    "time",
    "unsignedInt",
    "uri",
    "url",
    "uuid",
    "Address",
    "Age",
    "Annotation",
    "Attachment",
    "CodeableConcept",
    "CodeableReference",
    "Coding",
    "ContactDetail",
    "ContactPoint",
    "Contributor",
    "Count",
    "DataRequirement",
    "Distance",
    "Dosage",
    "Duration",
    "Expression",
    "HumanName",
    "Identifier",
    "Meta",
    "Money",
    "MoneyQuantity",
    "ParameterDefinition",
    "Period",
    "Quantity",
    "Range",
    "Ratio",
    "RatioRange",
    "Reference",
    "RelatedArtifact",
    "SampledData",
    "Signature",
    "SimpleQuantity",
    "Timing",
    "TriggerDefinition",
];

/// Appends the elements called `name` of one item: an element of that name, a choice of types (`value` finds
/// `valueQuantity`), or the resource itself where the path begins with its type.
fn step<'a>(item: &Item<'a>, name: &str, out: &mut Items<'a>) {
    let Some(object) = object_of(item) else { return };
    if let Some(node) = object.get(name) {
        push(node, None, out);
        return;
    }
    if name.starts_with(|first: char| first.is_ascii_uppercase()) {
        if object.text("resourceType") == Some(name) {
            out.push(item.clone());
        }
        return;
    }
    for (key, node) in object.members() {
        let Some(suffix) = key.strip_prefix(name) else { continue };
        let known = CHOICE_TYPES.iter().find(|known| {
            known.len() == suffix.len()
                && known[..1].eq_ignore_ascii_case(&suffix[..1])
                && known[1..] == suffix[1..]
                && suffix.as_bytes()[0].is_ascii_uppercase()
        });
        if let Some(known) = known {
            push(node, Some(known), out);
        }
    }
}

fn push<'a>(node: &'a Json<'a>, of: Option<&'a str>, out: &mut Items<'a>) {
    out.extend(node.each().iter().filter(|one| **one != Json::Null).map(|one| Item::Node(one, of)));
}

/// Whether an item is of a type, by what its name or its form gives away.
fn is_of_type(item: &Item<'_>, of: &str) -> bool {
    let same =
        |known: &str| known == of || (known.len() == of.len() && known.eq_ignore_ascii_case(of));
    match item {
        Item::Node(_, Some(known)) => {
            same(known) || (*known == "SimpleQuantity" && of == "Quantity")
        }
        Item::Node(Json::Object(object), None) => match object.text("resourceType") {
            Some(kind) => kind == of || of == "Resource" || of == "DomainResource",
            None => of.starts_with(|first: char| first.is_ascii_uppercase()) && !is_text_type(of),
        },
        Item::Bool(_) | Item::Node(Json::Bool(_), None) => same("boolean"),
        Item::Integer(_) => same("integer"),
        Item::Decimal(_) => same("decimal"),
        Item::Node(Json::Number(text), None) => match text.contains(['.', 'e', 'E']) {
            true => same("decimal"),
            false => ["integer", "decimal", "positiveInt", "unsignedInt", "integer64"]
                .iter()
                .any(|known| same(known)),
        },
        Item::Text(_) | Item::Node(Json::String(_), None) => is_text_type(of),
        Item::Temporal(value) => match value.kind() {
            Kind::Date => same("date"),
            Kind::DateTime => same("dateTime") || same("instant"),
            Kind::Time => same("time"),
        },
        Item::Node(Json::Null | Json::Array(_), None) => false,
    }
}

/// Whether values of this type are written as text in JSON.
fn is_text_type(of: &str) -> bool {
    const TEXT: [&str; 14] = [
        "string",
        "code",
        "id",
        "uri",
        "url",
        "uuid",
        "oid",
        "canonical",
        "markdown",
        "base64Binary",
        "date",
        "dateTime",
        "instant",
        "time",
    ];
    TEXT.iter().any(|known| known.eq_ignore_ascii_case(of))
}

/// The truth of a single value where a Boolean is expected: what exists and is no Boolean counts as true
/// (FHIRPath 2.0, singleton evaluation of collections).
fn boolean(item: &Item<'_>) -> bool {
    match item {
        Item::Bool(flag) | Item::Node(Json::Bool(flag), _) => *flag,
        _ => true,
    }
}

/// Three-valued logic (FHIRPath 2.0, 6.5).
fn logic(op: Op, left: Option<bool>, right: Option<bool>) -> Option<bool> {
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
        Item::Decimal(value) => Some(*value),
        Item::Node(Json::Number(text), _) => Decimal::parse(text),
        _ => None,
    }
}

fn is_integer(item: &Item<'_>) -> bool {
    match item {
        Item::Integer(_) => true,
        Item::Node(Json::Number(text), _) => !text.contains(['.', 'e', 'E']),
        _ => false,
    }
}

fn numeric<'a>(value: Decimal, integer: bool) -> Item<'a> {
    match integer.then(|| value.to_i64()).flatten() {
        Some(value) => Item::Integer(value),
        None => Item::Decimal(value),
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
        Item::Node(..) => None,
    }
}

/// The moment that an item is or can be read as.
fn temporal(item: &Item<'_>) -> Option<Temporal> {
    match item {
        Item::Temporal(value) => Some(value.clone()),
        Item::Node(Json::String(text), Some("time")) => Temporal::parse_time(text),
        Item::Node(Json::String(text), _) => {
            Temporal::parse(text).or_else(|| Temporal::parse_time(text))
        }
        Item::Text(text) => Temporal::parse(text).or_else(|| Temporal::parse_time(text)),
        _ => None,
    }
}

/// Whether the record itself says that this is a date or time, so that it is compared as one.
fn is_temporal(item: &Item<'_>) -> bool {
    matches!(
        item,
        Item::Temporal(_) | Item::Node(_, Some("date" | "dateTime" | "instant" | "time"))
    )
}

fn equal_collections(left: &[Item<'_>], right: &[Item<'_>]) -> Option<bool> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    if left.len() != right.len() {
        return Some(false);
    }
    left.iter().zip(right).try_fold(true, |all, (a, b)| Some(equal(a, b)? && all))
}

/// Whether two items are equal, `None` where the missing digits of a date would decide it.
fn equal(left: &Item<'_>, right: &Item<'_>) -> Option<bool> {
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
        _ => match (as_text(left), as_text(right)) {
            (Some(a), Some(b)) => Some(a == b),
            _ => Some(false),
        },
    }
}

fn as_text<'i>(item: &'i Item<'_>) -> Option<&'i str> {
    match item {
        Item::Node(Json::String(text), _) | Item::Text(text) => Some(text),
        _ => None,
    }
}

fn compare<'a>(op: Op, left: &Item<'a>, right: &Item<'a>) -> Result<Option<Item<'a>>> {
    let order = if is_temporal(left) || is_temporal(right) {
        match (temporal(left), temporal(right)) {
            (Some(a), Some(b)) => a.compare(&b),
            _ => return Err(KINDS),
        }
    } else if let (Some(a), Some(b)) = (number(left), number(right)) {
        a.partial_cmp(&b)
    } else if let (Some(a), Some(b)) = (as_text(left), as_text(right)) {
        Some(a.cmp(b))
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

fn arithmetic<'a>(op: Op, left: &Item<'a>, right: &Item<'a>) -> Result<Option<Item<'a>>> {
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
    Ok(value.map(|value| numeric(value, integer)))
}

fn boundary<'a>(items: Items<'a>, end: End) -> Result<Items<'a>> {
    let Some(item) = single(items)? else { return Ok(Vec::new()) };
    if let Some(value) = number(&item) {
        let value = value.boundary(if end == End::Low { -1 } else { 1 });
        return Ok(value.map(Item::Decimal).into_iter().collect());
    }
    let value = temporal(&item).ok_or(KINDS)?;
    let kind = match &item {
        Item::Node(_, Some("dateTime" | "instant")) => Kind::DateTime,
        _ => value.kind(),
    };
    Ok(vec![Item::Text(value.boundary(end, kind).into())])
}
