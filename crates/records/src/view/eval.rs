//! FHIRPath: expression and record to values.
//!
//! A value is an element of the record with the type that its name or its place gives it (`valueQuantity` is a Quantity,
//! `birthDate` a date), or something computed.

mod collection;
mod functions;
mod items;
mod keys;
mod repeat;
mod step;

use std::borrow::Cow;

use super::decimal::Decimal;
use super::path::{Expr, Facts, Function, Literal, Op};
use super::temporal::End;
use crate::json::Json;
pub(crate) use collection::Items;
use functions::{boundary, convert, precision, round, text_function};
pub(crate) use items::{Item, is_integer, number, single, text_of};
use items::{
    arithmetic, boolean, compare, equal, equal_collections, equivalent, logic, numeric, values,
};
pub(crate) use keys::{FullUrls, reference_key};
use step::{Flow, is_of_type};

/// What is known around the value that is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// The resource itself.
    pub(crate) resource: &'a Json<'a>,
    /// The key that the bundle gave the resource, if it has no id of its own.
    pub(crate) key: Option<&'a str>,
    /// The keys of the other resources of the bundle by their full URLs, with their types.
    pub(crate) full_urls: Option<&'a FullUrls>,
    /// The place of the element that the innermost forEach, forEachOrNull or repeat is at.
    pub(crate) row: i64,
    /// The place of `$this` in the collection that a function goes through.
    pub(crate) index: i64,
}

/// Why an expression has no value on a record. Says nothing of the record's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EvalError {
    /// Several values where the expression or the column allows one: the view asks for too little.
    Several,
    /// A filter that is neither true nor false: the view asks for the wrong thing.
    NoTruth,
    /// A value that is not of the column's type, where the path does not say that it has to be: the view asks for the
    /// wrong thing.
    Type(&'static str),
    /// Values that a function or an operator cannot work on, where the path does not say what they are. The view asks for
    /// the wrong thing if no record has others.
    Kinds(&'static str),
    /// A value that the record should not have there.
    Value(&'static str),
}

impl EvalError {
    /// What happened, as the end of a sentence.
    pub(crate) fn what(self) -> &'static str {
        match self {
            EvalError::Several => "several values where one is allowed",
            EvalError::NoTruth => "a value that is neither true nor false where one is asked",
            EvalError::Type(what) | EvalError::Kinds(what) | EvalError::Value(what) => what,
        }
    }

    /// What the view's author can do about it, if it is the view that asks for too much.
    pub(crate) fn advice(self) -> Option<&'static str> {
        match self {
            EvalError::Several => Some("take first() of them, or mark the column as a collection"),
            EvalError::NoTruth => Some("compare it with something, or ask whether it exists()"),
            EvalError::Type(_) => Some("name a part of it, or correct the column's type"),
            EvalError::Kinds(_) => Some("name parts of them that do, or convert them"),
            EvalError::Value(_) => None,
        }
    }
}

const KINDS: EvalError = EvalError::Kinds("values of kinds that do not go together");
/// What `$this` is where a function stands behind an empty collection.
pub(crate) const NOTHING: Item<'static> = Item::Node(&Json::Null, None);

type Result<T> = std::result::Result<T, EvalError>;

impl<'a> Scope<'a> {
    /// The scope of a whole resource.
    pub(crate) fn new(
        resource: &'a Json<'a>,
        key: Option<&'a str>,
        full_urls: Option<&'a FullUrls>,
    ) -> Scope<'a> {
        Scope { resource, key, full_urls, row: 0, index: 0 }
    }

    /// The values of an expression seen from `this`.
    pub(crate) fn eval(&self, expr: &'a Expr, this: &Item<'a>) -> Result<Items<'a>> {
        match expr {
            Expr::Nothing => Ok(Items::new()),
            Expr::Literal(literal) => Ok(literal_item(literal).into()),
            Expr::Literals(all) => Ok(distinct(all.iter().map(literal_item).collect())),
            Expr::This if matches!(this, Item::Node(Json::Null, _)) => Ok(Items::new()),
            Expr::This => Ok(this.clone().into()),
            Expr::Index => Ok(Item::Integer(self.index).into()),
            Expr::RowIndex => Ok(Item::Integer(self.row).into()),
            Expr::Resource => Ok(Item::Node(self.resource, None).into()),
            Expr::Path(base, steps) => {
                let mut out = Items::new();
                self.walk(base, steps, this, &mut |item| {
                    out.push(item.clone());
                    Flow::Continue(())
                })?;
                Ok(out)
            }
            Expr::At(base, index) => {
                let items = self.eval(base, this)?;
                let Some(index) = self.one(index, this)? else { return Ok(Items::new()) };
                let index = number(&index).and_then(Decimal::to_i64).ok_or(KINDS)?;
                let found = usize::try_from(index).ok().and_then(|at| items.into_iter().nth(at));
                Ok(found.into())
            }
            Expr::Call(base, function) => self.call(base, function, this),
            Expr::Binary(Op::Union, left, right) => {
                let (mut all, right) = (self.eval(left, this)?, self.eval(right, this)?);
                all.extend(right);
                Ok(distinct(all))
            }
            Expr::Binary(op, left, right) => Ok(self.binary(*op, left, right, this)?.into()),
            Expr::Negate(inner) => match self.one(inner, this)? {
                None => Ok(Items::new()),
                Some(item) => {
                    let value = number(&item).ok_or(KINDS)?.negate();
                    Ok(value.and_then(|value| numeric(value, is_integer(&item))).into())
                }
            },
        }
    }

    /// The one value of an expression.
    pub(crate) fn one(&self, expr: &'a Expr, this: &Item<'a>) -> Result<Option<Item<'a>>> {
        match expr {
            Expr::Path(base, steps) => {
                let (mut found, mut several) = (None, false);
                self.walk(base, steps, this, &mut |item| {
                    if !item.has_value() {
                        return Flow::Continue(());
                    }
                    several = found.is_some();
                    if several {
                        return Flow::Break(());
                    }
                    found = Some(item.clone());
                    Flow::Continue(())
                })?;
                if several { Err(EvalError::Several) } else { Ok(found) }
            }
            Expr::Binary(op, left, right) if *op != Op::Union => {
                self.binary(*op, left, right, this)
            }
            _ => single(self.eval(expr, this)?),
        }
    }

    /// The first value of an expression. The right side of a union is looked at only where the left one has nothing,
    /// unless it could fail.
    fn first_of(&self, expr: &'a Expr, this: &Item<'a>) -> Result<Option<Item<'a>>> {
        match expr {
            Expr::Path(base, steps) => {
                let mut found = None;
                self.walk(base, steps, this, &mut |item| {
                    found = Some(item.clone());
                    Flow::Break(())
                })?;
                Ok(found)
            }
            Expr::Binary(Op::Union, left, right) if cannot_fail(right) => {
                match self.first_of(left, this)? {
                    None => self.first_of(right, this),
                    found => Ok(found),
                }
            }
            _ => Ok(self.eval(expr, this)?.into_iter().next()),
        }
    }

    /// Whether an expression has any value.
    fn any(&self, expr: &'a Expr, this: &Item<'a>) -> Result<bool> {
        let Expr::Path(base, steps) = expr else { return Ok(!self.eval(expr, this)?.is_empty()) };
        let mut found = false;
        self.walk(base, steps, this, &mut |_| {
            found = true;
            Flow::Break(())
        })?;
        Ok(found)
    }

    /// The truth of a criterion: `None` where it has no value. What has one and is no Boolean counts as true.
    fn truth(&self, expr: &'a Expr, this: &Item<'a>) -> Result<Option<bool>> {
        Ok(self.one(expr, this)?.map(|item| boolean(&item)))
    }

    /// Whether a resource passes a filter, which has to be a Boolean.
    pub(crate) fn passes(&self, filter: &'a Expr, this: &Item<'a>) -> Result<bool> {
        match self.one(filter, this)? {
            None => Ok(false),
            Some(Item::Bool(flag)) => Ok(flag),
            Some(Item::Node(Json::Bool(flag), _)) => Ok(*flag),
            Some(_) => Err(EvalError::NoTruth),
        }
    }

    /// The one value of an argument that is optional or may be empty.
    fn argument(&self, expr: Option<&'a Expr>, this: &Item<'a>) -> Result<Option<Item<'a>>> {
        expr.map_or(Ok(None), |expr| self.one(expr, this))
    }

    fn call(&self, base: &'a Expr, function: &'a Function, this: &Item<'a>) -> Result<Items<'a>> {
        match function {
            Function::Exists(None) => return flag(self.any(base, this)?),
            Function::Empty => return flag(!self.any(base, this)?),
            Function::Extension(url) => return self.extension(base, url, this),
            _ => {}
        }
        let items = self.eval(base, this)?;
        match function {
            Function::Where(criterion) => self.filter(items, criterion),
            Function::Exists(Some(criterion)) => flag(!self.filter(items, criterion)?.is_empty()),
            Function::All(criterion) => {
                let count = items.len();
                flag(self.filter(items, criterion)?.len() == count)
            }
            Function::Select(projection) => {
                let mut out = Items::new();
                for (index, item) in items.iter().enumerate() {
                    out.extend(self.at(index).eval(projection, item)?);
                }
                Ok(out)
            }
            Function::Repeat(projection) => self.repeated(&items, projection),
            Function::Last => Ok(items.into_iter().last().into()),
            Function::Tail => Ok(items.into_iter().skip(1).collect()),
            Function::Skip(count) => Ok(items.into_iter().skip(self.count(count, this)?).collect()),
            Function::Take(count) => Ok(items.into_iter().take(self.count(count, this)?).collect()),
            Function::Single => Ok(single(items)?.into()),
            Function::Count => Ok(Item::Integer(items.len() as i64).into()),
            Function::Not => match single(items)? {
                None => Ok(Items::new()),
                Some(item) => flag(!boolean(&item)),
            },
            Function::Iif(condition, yes, no) => {
                // Behind a dot, `$this` is what stands before it.
                let inner = match base {
                    Expr::This => None,
                    _ => Some(single(items)?.unwrap_or(NOTHING)),
                };
                let this = inner.as_ref().unwrap_or(this);
                match (self.truth(condition, this)?, no) {
                    (Some(true), _) => self.eval(yes, this),
                    (_, Some(no)) => self.eval(no, this),
                    (_, None) => Ok(Items::new()),
                }
            }
            Function::Join(separator) => self.join(&items, separator.as_deref(), this),
            Function::Is(of) => match single(items)? {
                None => Ok(Items::new()),
                Some(item) => flag(is_of_type(&item, of)),
            },
            other => self.call_more(items, other, this),
        }
    }

    /// The functions that views need more rarely.
    fn call_more(
        &self,
        items: Items<'a>,
        function: &'a Function,
        this: &Item<'a>,
    ) -> Result<Items<'a>> {
        match function {
            Function::Distinct => Ok(distinct(items)),
            Function::IsDistinct => {
                let count = items.len();
                flag(distinct(items).len() == count)
            }
            Function::Combine(other) => {
                let mut all = items;
                all.extend(self.eval(other, this)?);
                Ok(all)
            }
            Function::Intersect(other) | Function::Exclude(other) => {
                let others = self.eval(other, this)?;
                let common = matches!(function, Function::Intersect(_));
                let among =
                    |item: &Item<'a>| others.iter().any(|one| equal(one, item) == Some(true));
                let kept = items.into_iter().filter(|item| among(item) == common).collect();
                Ok(if common { distinct(kept) } else { kept })
            }
            Function::Flags { all, flag: wanted } => {
                let items = values(items);
                let mut hits = items.iter().map(|item| boolean(item) == *wanted);
                flag(if *all { hits.all(|hit| hit) } else { hits.any(|hit| hit) })
            }
            Function::Text(function, arguments) => {
                let Some(text) = single(items)? else { return Ok(Items::new()) };
                let mut values = Items::new();
                for argument in arguments {
                    let Some(value) = self.one(argument, this)? else {
                        return Ok(Items::new());
                    };
                    values.push(value);
                }
                text_function(*function, &text, &values)
            }
            Function::Convert(target) => match single(items)? {
                None => Ok(Items::new()),
                Some(item) => Ok(convert(&item, *target).into()),
            },
            Function::Round(how, digits) => {
                let digits = self.argument(digits.as_deref(), this)?;
                match single(items)? {
                    None => Ok(Items::new()),
                    Some(item) => Ok(round(&item, *how, digits.as_ref())?.into()),
                }
            }
            Function::HasValue => {
                flag(items.len() == 1 && items.iter().all(|item| text_of(item).is_some()))
            }
            Function::LowBoundary(digits) | Function::HighBoundary(digits) => {
                let low = matches!(function, Function::LowBoundary(_));
                let digits = precision(self.argument(digits.as_deref(), this)?.as_ref())?;
                match single(items)? {
                    None => Ok(Items::new()),
                    Some(item) => boundary(&item, if low { End::Low } else { End::High }, digits),
                }
            }
            _ => Err(EvalError::Value("a function that is not known")),
        }
    }

    fn at(&self, index: usize) -> Scope<'a> {
        Scope { index: index as i64, ..*self }
    }

    fn count(&self, expr: &'a Expr, this: &Item<'a>) -> Result<usize> {
        let count = self.one(expr, this)?.as_ref().and_then(number);
        let count = count.and_then(Decimal::to_i64).ok_or(KINDS)?;
        Ok(usize::try_from(count).unwrap_or(0))
    }

    fn filter(&self, items: Items<'a>, criterion: &'a Expr) -> Result<Items<'a>> {
        if let Items::One(item) = items {
            let passes = self.at(0).truth(criterion, &item)? == Some(true);
            return Ok(passes.then_some(item).into());
        }
        let mut out = Items::new();
        for (index, item) in items.into_iter().enumerate() {
            if self.at(index).truth(criterion, &item)? == Some(true) {
                out.push(item);
            }
        }
        Ok(out)
    }

    /// The texts in one. Of nothing it is the empty text and not nothing, as the official suite of SQL on FHIR has it,
    /// although FHIRPath (5.6, `join`) says that it is nothing.
    fn join(
        &self,
        items: &[Item<'a>],
        separator: Option<&'a Expr>,
        this: &Item<'a>,
    ) -> Result<Items<'a>> {
        let separator = self.argument(separator, this)?;
        let separator = match &separator {
            Some(item) => text_of(item).ok_or(KINDS)?,
            None => Cow::Borrowed(""),
        };
        let mut out = String::new();
        for (index, item) in items.iter().filter(|item| item.has_value()).enumerate() {
            if index > 0 {
                out.push_str(&separator);
            }
            out.push_str(&text_of(item).ok_or(KINDS)?);
        }
        Ok(Item::Text(out.into()).into())
    }

    fn extension(&self, base: &'a Expr, url: &'a Expr, this: &Item<'a>) -> Result<Items<'a>> {
        let items = self.eval(base, this)?;
        let Some(url) = self.one(url, this)? else { return Ok(Items::new()) };
        let url = text_of(&url).ok_or(KINDS)?;
        let mut out = Items::new();
        for item in items.iter() {
            let _ = self.parts(item, "extension", Facts::default(), &mut |found| {
                if items::object_of(found).and_then(|object| object.text("url")) == Some(&url) {
                    out.push(found.clone());
                }
                Flow::Continue(())
            });
        }
        Ok(out)
    }

    fn binary(
        &self,
        op: Op,
        left: &'a Expr,
        right: &'a Expr,
        this: &Item<'a>,
    ) -> Result<Option<Item<'a>>> {
        // Nearly every filter compares the code it stands at with those of the view.
        if let (Op::Equal, Expr::This, Expr::Literal(Literal::String(text))) = (op, left, right)
            && let Item::Node(Json::String(own), None) = this
        {
            return Ok(Some(Item::Bool(*own == &**text)));
        }
        if let (Op::In, Expr::Literals(all)) = (op, right) {
            let one = self.one(left, this)?;
            let among =
                |one: &Item<'a>| all.iter().any(|own| equal(one, &literal_item(own)) == Some(true));
            return Ok(one.map(|one| Item::Bool(among(&one))));
        }
        let (left, right) = match op {
            Op::And | Op::Or | Op::Implies => {
                let left = self.one(left, this)?.map(|item| boolean(&item));
                // Nothing on the right can change these.
                let decided = match (op, left) {
                    (Op::And, Some(false)) => Some(false),
                    (Op::Or, Some(true)) | (Op::Implies, Some(false)) => Some(true),
                    _ => None,
                };
                if decided.is_some() {
                    return Ok(decided.map(Item::Bool));
                }
                let right = self.one(right, this)?.map(|item| boolean(&item));
                return Ok(logic(op, left, right).map(Item::Bool));
            }
            _ => (values(self.eval(left, this)?), values(self.eval(right, this)?)),
        };
        let truth = match op {
            Op::Equal | Op::NotEqual => {
                equal_collections(&left, &right).map(|equal| equal == (op == Op::Equal))
            }
            Op::Equivalent => Some(equivalent(&left, &right)),
            Op::NotEquivalent => Some(!equivalent(&left, &right)),
            Op::In | Op::Contains => {
                let (one, many) = if op == Op::In { (left, right) } else { (right, left) };
                single(one)?.map(|one| many.iter().any(|item| equal(item, &one) == Some(true)))
            }
            Op::Concatenate => {
                let mut out = String::new();
                for side in [left, right] {
                    if let Some(item) = single(side)? {
                        out.push_str(&text_of(&item).ok_or(KINDS)?);
                    }
                }
                return Ok(Some(Item::Text(out.into())));
            }
            _ => {
                let (Some(left), Some(right)) = (single(left)?, single(right)?) else {
                    return Ok(None);
                };
                return match op {
                    Op::Xor => Ok(Some(Item::Bool(boolean(&left) != boolean(&right)))),
                    Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
                        compare(op, &left, &right)
                    }
                    _ => arithmetic(op, &left, &right),
                };
            }
        };
        Ok(truth.map(Item::Bool))
    }
}

/// Whether an expression only looks up what is there.
fn cannot_fail(expr: &Expr) -> bool {
    match expr {
        Expr::Nothing | Expr::Literal(_) | Expr::Literals(_) | Expr::This | Expr::Resource => true,
        Expr::Path(base, _) => cannot_fail(base),
        Expr::Binary(Op::Union, left, right) => cannot_fail(left) && cannot_fail(right),
        _ => false,
    }
}

fn flag<'a>(value: bool) -> Result<Items<'a>> {
    Ok(Item::Bool(value).into())
}

/// Each value once, in the order of their first occurrence.
fn distinct<'a>(items: Items<'a>) -> Items<'a> {
    let Items::Several(items) = items else { return items };
    let mut out = Items::new();
    for item in items {
        if !out.iter().any(|known| equal(known, &item) == Some(true)) {
            out.push(item);
        }
    }
    out
}

fn literal_item(literal: &Literal) -> Item<'_> {
    match literal {
        Literal::Bool(flag) => Item::Bool(*flag),
        Literal::Integer(value) => Item::Integer(*value),
        Literal::Decimal(value) => Item::Decimal(Box::new(*value)),
        Literal::String(text) => Item::Text(Cow::Borrowed(text)),
        Literal::Temporal(value) => Item::Temporal(Box::new(value.clone())),
    }
}
