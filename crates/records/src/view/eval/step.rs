//! From an element to the elements in it, step by step, and what type an element is of.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::items::{Item, object_of};
use super::keys::reference_key;
use super::{Result, Scope};
use crate::json::{Json, Object};
use crate::view::choices::is_written;
use crate::view::path::{Expr, Facts, Step};
use crate::view::temporal::Kind;
use crate::view::types::{CHOICE_TYPES, is_resource, is_whole, parent_of};

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
            Step::Member(name, facts) => {
                return self.parts(item, name, *facts, &mut |found| self.go(rest, found, visit));
            }
            Step::OfType(of) => {
                return match (is_of_type(item, of), item) {
                    (false, _) => Flow::Continue(()),
                    // From here on it is read as what it was picked as.
                    (true, Item::Node(node @ Json::String(_), None)) if is_moment(of) => {
                        self.go(rest, &Item::Node(node, Some(of)), visit)
                    }
                    (true, _) => self.go(rest, item, visit),
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

    /// Visits the elements of this name of one item: of a primitive, its id and its extensions.
    #[inline]
    pub(super) fn parts(
        &self,
        item: &Item<'a>,
        name: &str,
        facts: Facts,
        visit: &mut impl FnMut(&Item<'a>) -> Flow,
    ) -> Flow {
        match item {
            Item::Node(Json::Object(object), _) => elements(item, object, name, facts, visit),
            _ => match self.beside(item, name) {
                Some(own) => elements(&Item::Node(own.0, None), own.1, name, facts, visit),
                None => Flow::Continue(()),
            },
        }
    }

    /// What stands beside a primitive, where this is the name of what can be there.
    #[cold]
    fn beside(&self, item: &Item<'a>, name: &str) -> Option<(&'a Json<'a>, &'a Object<'a>)> {
        let own = match item {
            Item::Node(..) if matches!(name, "extension" | "id") => beside(self.resource, item)?,
            Item::Bare(own, _) => *own,
            _ => return None,
        };
        Some((own, own.as_object()?))
    }

    fn resource_key(&self, item: &Item<'a>) -> Option<&'a str> {
        let Item::Node(node, _) = item else { return None };
        let own = node.as_object().and_then(|object| object.text("id"));
        // Only the resource itself, not a part of it, has the bundle's key.
        own.or(std::ptr::eq(*node, self.resource).then_some(self.key).flatten())
    }
}

/// Visits the elements called `name` of one item: an element of that name, a choice of types (`value` finds
/// `valueQuantity`), or the resource itself where the path begins with its type
/// or one of those that it is a special case of.
#[inline]
fn elements<'a>(
    item: &Item<'a>,
    object: &'a Object<'a>,
    name: &str,
    facts: Facts,
    visit: &mut impl FnMut(&Item<'a>) -> Flow,
) -> Flow {
    if let Some(node) = object.get(name)
        && !matches!(node, Json::Null)
    {
        return each(object, name, node, facts.of, visit);
    }
    if name.as_bytes().first().is_some_and(u8::is_ascii_uppercase) {
        let is = |kind: &str| kind == name || matches!(name, "Resource" | "DomainResource");
        return match object.text("resourceType").is_some_and(is) {
            true => visit(item),
            false => Flow::Continue(()),
        };
    }
    for (key, node) in object.members() {
        // With a type behind it, or a line before it: what stands beside a primitive.
        let bare = key.as_bytes().first() == Some(&b'_');
        if key.len() <= name.len() || (!bare && facts.choice.is_none()) {
            continue;
        }
        let plain = if bare { &key[1..] } else { key };
        let Some(end) = plain.strip_prefix(name) else { continue };
        let of = match (end.is_empty(), facts.choice) {
            (true, _) => facts.of,
            (false, None) => continue,
            (false, Some(never)) => match CHOICE_TYPES.iter().find(|of| is_written(of, end)) {
                Some(of) if !never.contains(of) => Some(*of),
                _ => continue,
            },
        };
        if !bare {
            each(object, key, node, of, visit)?;
        } else if matches!(object.get(plain), None | Some(Json::Null)) {
            let mut bare = node.each().iter().filter(|one| one.as_object().is_some());
            bare.try_for_each(|one| visit(&Item::Bare(one, of)))?;
        }
    }
    Flow::Continue(())
}

/// Visits the elements that JSON writes as this member. In an array, null is the place of a primitive that has no
/// value if something stands beside it.
#[inline]
fn each<'a>(
    object: &Object<'a>,
    name: &str,
    node: &'a Json<'a>,
    of: Option<&'static str>,
    visit: &mut impl FnMut(&Item<'a>) -> Flow,
) -> Flow {
    for (at, one) in node.each().iter().enumerate() {
        match one {
            Json::Null => {
                if let Some(bare) = bare(object, name, at) {
                    visit(&Item::Bare(bare, of))?;
                }
            }
            _ => visit(&Item::Node(one, of))?,
        }
    }
    Flow::Continue(())
}

/// What stands beside the primitive at this place of the member.
#[cold]
fn bare<'a>(object: &Object<'a>, name: &str, at: usize) -> Option<&'a Json<'a>> {
    let mut members = object.members().iter();
    let (_, beside) = members.find(|(key, _)| key.strip_prefix('_') == Some(name))?;
    beside.each().get(at).filter(|one| one.as_object().is_some())
}

/// What JSON writes beside a primitive of the resource: its id and its extensions.
fn beside<'a>(within: &'a Json<'a>, item: &Item<'a>) -> Option<&'a Json<'a>> {
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
    if let Item::Node(_, Some(known)) = item
        && same(known)
    {
        return true;
    }
    match item {
        Item::Node(Json::Object(object), None) => {
            return match object.text("resourceType") {
                Some(kind) => kind == of || matches!(of, "Resource" | "DomainResource" | "Base"),
                // A resource says in JSON what it is, and no other element does.
                None => {
                    of.starts_with(|first: char| first.is_ascii_uppercase())
                        && !is_resource(of)
                        && of != "PrimitiveType"
                }
            };
        }
        // Every element is of these.
        Item::Node(..) | Item::Bare(..) if matches!(of, "Element" | "DataType" | "Base") => {
            return true;
        }
        _ => {}
    }
    match item {
        Item::Node(Json::Number(_), Some("integer64")) => is_whole(of),
        Item::Node(_, Some(known)) | Item::Bare(_, Some(known)) => {
            same(known) || parent_of(known).is_some_and(same) || is_primitive(known, of)
        }
        Item::Bare(_, None) => {
            of.starts_with(|first: char| first.is_ascii_lowercase()) || same("PrimitiveType")
        }
        Item::Bool(_) | Item::Node(Json::Bool(_), None) => same("boolean"),
        Item::Integer(_) => same("integer"),
        Item::Decimal(_) => same("decimal"),
        Item::Node(Json::Number(text), None) => match text.contains(['.', 'e', 'E']) {
            true => same("decimal"),
            false => same("decimal") || is_whole(of),
        },
        Item::Text(_) | Item::Node(Json::String(_), None) => is_text_type(of),
        Item::Temporal(value) => match value.kind() {
            Kind::Date => same("date"),
            Kind::DateTime => same("dateTime") || same("instant"),
            Kind::Time => same("time"),
        },
        Item::Node(Json::Null | Json::Array(_) | Json::Object(_), None) => false,
    }
}

/// Whether the type that is asked for is that of all primitives, and the one that is known is a primitive.
fn is_primitive(known: &str, of: &str) -> bool {
    of == "PrimitiveType" && known.starts_with(|first: char| first.is_ascii_lowercase())
}

/// Whether values of this type are dates or times.
fn is_moment(of: &str) -> bool {
    matches!(of, "date" | "dateTime" | "instant" | "time")
}

/// Whether values of this type are written as text in JSON.
fn is_text_type(of: &str) -> bool {
    const TEXT: [&str; 15] = [
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
        "xhtml",
    ];
    TEXT.contains(&of)
}
