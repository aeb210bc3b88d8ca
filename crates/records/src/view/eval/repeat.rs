//! What stands below, to any depth: the selection `repeat` of a view, and the function `repeat()` of a path.

use std::collections::HashSet;

use super::items::{Item, equal};
use super::{EvalError, Items, Result, Scope};
use crate::json::Json;
use crate::view::path::Expr;

const ENDLESS: EvalError = EvalError::Value("a repeat that does not end");
/// Elements that are found before a repeat is taken for endless.
const MAX_FOUND: usize = 100_000;
/// The same for values that a path calculates: unlike elements, a record does not limit how many there can be.
const MAX_CALCULATED: usize = 1_000;

impl<'a> Scope<'a> {
    /// What a selection repeats: the values of the paths, and of these again, each before what stands in it.
    pub(crate) fn descend(&self, paths: &'a [Expr], this: &Item<'a>) -> Result<Items<'a>> {
        let mut found = Items::new();
        let mut open = vec![self.children(paths, this)?.into_iter()];
        while let Some(level) = open.last_mut() {
            let Some(item) = level.next() else {
                open.pop();
                continue;
            };
            let below = self.children(paths, &item)?;
            found.push(item);
            if found.len() > MAX_FOUND {
                return Err(ENDLESS);
            }
            open.push(below.into_iter());
        }
        Ok(found)
    }

    fn children(&self, paths: &'a [Expr], this: &Item<'a>) -> Result<Items<'a>> {
        let mut all = Items::new();
        for path in paths {
            all.extend(self.eval(path, this)?);
        }
        // A path that finds what it starts from (`$this`) would go down for ever.
        let same = |item: &Item<'a>| match (item, this) {
            (Item::Node(one, _), Item::Node(other, _)) => std::ptr::eq(*one, *other),
            (Item::Bare(one, _), Item::Bare(other, _)) => std::ptr::eq(*one, *other),
            (Item::Node(..) | Item::Bare(..), _) => false,
            _ => true,
        };
        match all.iter().any(same) {
            true => Err(ENDLESS),
            false => Ok(all),
        }
    }

    /// The values of `projection` for each of the items, and for these again, each before what it leads to. What is
    /// there already is not added once more, so it ends where a path leads back (FHIRPath 2.0, 5.2.3).
    pub(super) fn repeated(&self, items: &[Item<'a>], projection: &'a Expr) -> Result<Items<'a>> {
        let mut found = Found::default();
        for item in items {
            let mut open = vec![self.eval(projection, item)?.into_iter()];
            while let Some(level) = open.last_mut() {
                let Some(item) = level.next() else {
                    open.pop();
                    continue;
                };
                if found.add(&item)? {
                    open.push(self.eval(projection, &item)?.into_iter());
                }
            }
        }
        Ok(found.items)
    }
}

/// Values, each once: elements with parts by where they stand in the record, all others by equality.
#[derive(Default)]
struct Found<'a> {
    items: Items<'a>,
    elements: HashSet<*const Json<'a>>,
    calculated: usize,
}

impl<'a> Found<'a> {
    /// Adds an item, and says whether it is new.
    fn add(&mut self, item: &Item<'a>) -> Result<bool> {
        let new = match item {
            Item::Node(node @ (Json::Object(_) | Json::Array(_)), _) => {
                self.elements.insert(std::ptr::from_ref(*node))
            }
            _ => !self.items.iter().any(|known| equal(known, item) == Some(true)),
        };
        if new {
            self.calculated += usize::from(!matches!(item, Item::Node(..)));
            if self.items.len() >= MAX_FOUND || self.calculated > MAX_CALCULATED {
                return Err(ENDLESS);
            }
            self.items.push(item.clone());
        }
        Ok(new)
    }
}
