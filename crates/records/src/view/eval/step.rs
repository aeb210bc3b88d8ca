//! From an element to the elements in it, step by step, and what type an element is of.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::items::{Item, object_of};
use super::keys::reference_key;
use super::{Result, Scope};
use crate::json::Json;
use crate::view::path::{Expr, Step};
use crate::view::temporal::Kind;
use crate::view::types::{CHOICE_TYPES, is_resource, parent_of};

/// Whether to go on looking.
pub(super) type Flow = ControlFlow<()>;

impl<'a> Scope<'a> {
    /// Goes the steps from each value of `base`, and shows what they find to `visit` until it has seen enough. No
    /// collection is made on the way: this is what views do most.
    pub(super) fn walk(
        &self,
        base: &'a Expr,
        steps: &'a [Step],
        this: &Item<'a>,
        visit: &mut impl FnMut(&Item<'a>) -> Flow,
    ) -> Result<()> {
        let _ = match (base, steps) {
            (Expr::This, _) if !matches!(this, Item::Node(Json::Null, _)) => {
                self.go(steps, this, visit)
            }
            (_, [Step::First, ..]) => {
                let first = self.first_of(base, this)?;
                first.iter().try_for_each(|item| self.go(steps, item, visit))
            }
            _ => self.eval(base, this)?.iter().try_for_each(|item| self.go(steps, item, visit)),
        };
        Ok(())
    }

    fn go(
        &self,
        steps: &'a [Step],
        item: &Item<'a>,
        visit: &mut impl FnMut(&Item<'a>) -> Flow,
    ) -> Flow {
        let Some((step, rest)) = steps.split_first() else { return visit(item) };
        let key = match step {
            Step::Member(name, of) => {
                return elements(item, name, *of, &mut |found| self.go(rest, found, visit));
            }
            Step::OfType(of) => {
                return match is_of_type(item, of) {
                    true => self.go(rest, item, visit),
                    false => Flow::Continue(()),
                };
            }
            Step::First => {
                // Whatever comes of it, no other value passes here.
                let _ = self.go(rest, item, visit);
                return Flow::Break(());
            }
            Step::ResourceKey => self.resource_key(item),
            Step::ReferenceKey(of) => object_of(item)
                .and_then(|object| reference_key(object, self.full_urls, of.as_deref())),
        };
        match key {
            Some(key) => self.go(rest, &Item::Text(Cow::Borrowed(key)), visit),
            None => Flow::Continue(()),
        }
    }

    fn resource_key(&self, item: &Item<'a>) -> Option<&'a str> {
        let Item::Node(node, _) = item else { return None };
        let own = node.as_object().and_then(|object| object.text("id"));
        // Only the resource itself, not a part of it, has the bundle's key.
        own.or(std::ptr::eq(*node, self.resource).then_some(self.key).flatten())
    }
}

/// Visits the elements called `name` of one item: an element of that name, a choice of types (`value` finds
/// `valueQuantity`), or the resource itself where the path begins with its type.
pub(super) fn elements<'a>(
    item: &Item<'a>,
    name: &str,
    of: Option<&'static str>,
    visit: &mut impl FnMut(&Item<'a>) -> Flow,
) -> Flow {
    let Some(object) = object_of(item) else { return Flow::Continue(()) };
    if let Some(node) = object.get(name) {
        return each(node, of, visit);
    }
    if name.starts_with(|first: char| first.is_ascii_uppercase()) {
        return match object.text("resourceType") == Some(name) {
            true => visit(item),
            false => Flow::Continue(()),
        };
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
            each(node, Some(known), visit)?;
        }
    }
    Flow::Continue(())
}

#[inline]
fn each<'a>(
    node: &'a Json<'a>,
    of: Option<&'static str>,
    visit: &mut impl FnMut(&Item<'a>) -> Flow,
) -> Flow {
    let mut present = node.each().iter().filter(|one| !matches!(one, Json::Null));
    present.try_for_each(|one| visit(&Item::Node(one, of)))
}

/// What JSON writes beside a primitive of the resource: its id and its extensions.
pub(super) fn beside<'a>(within: &'a Json<'a>, item: &Item<'a>) -> Option<&'a Json<'a>> {
    let Item::Node(primitive, _) = item else { return None };
    match within {
        _ if primitive.as_object().is_some() => None,
        Json::Array(_) => within.each().iter().find_map(|one| beside(one, item)),
        Json::Object(object) => object.members().iter().find_map(|(name, node)| {
            let here = node.each().iter().position(|one| std::ptr::eq(one, *primitive));
            match here {
                Some(at) => object.get(&format!("_{name}"))?.each().get(at),
                None => beside(node, item),
            }
        }),
        _ => None,
    }
}

/// Whether an item is of a type, by what its name or its form gives away.
pub(super) fn is_of_type(item: &Item<'_>, of: &str) -> bool {
    let same = |known: &str| known == of;
    match item {
        Item::Node(_, Some(known)) => same(known) || parent_of(known).is_some_and(same),
        Item::Node(Json::Object(object), None) => match object.text("resourceType") {
            Some(kind) => kind == of || of == "Resource" || of == "DomainResource",
            // A resource says in JSON what it is, and no other element does.
            None => of.starts_with(|first: char| first.is_ascii_uppercase()) && !is_resource(of),
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
    TEXT.contains(&of)
}
