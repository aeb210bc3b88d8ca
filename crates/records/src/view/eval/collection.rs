//! An ordered collection of values, as every FHIRPath expression yields one.
//!
//! Nearly all that views look up is one value or none, so these two cost no allocation and little room.

use super::items::Item;

#[derive(Clone, Default)]
pub(crate) enum Items<'a> {
    #[default]
    Nothing,
    One(Item<'a>),
    /// Any number, though mostly two or more.
    Several(Vec<Item<'a>>),
}

impl<'a> Items<'a> {
    pub(crate) fn new() -> Items<'a> {
        Items::Nothing
    }

    #[inline]
    pub(crate) fn push(&mut self, item: Item<'a>) {
        match self {
            Items::Several(all) => all.push(item),
            Items::Nothing => *self = Items::One(item),
            Items::One(_) => {
                if let Items::One(first) = std::mem::replace(self, Items::Nothing) {
                    *self = Items::Several(vec![first, item]);
                }
            }
        }
    }
}

impl<'a> std::ops::Deref for Items<'a> {
    type Target = [Item<'a>];

    #[inline]
    fn deref(&self) -> &[Item<'a>] {
        match self {
            Items::Nothing => &[],
            Items::One(item) => std::slice::from_ref(item),
            Items::Several(all) => all,
        }
    }
}

impl<'a> From<Item<'a>> for Items<'a> {
    #[inline]
    fn from(item: Item<'a>) -> Items<'a> {
        Items::One(item)
    }
}

impl<'a> From<Option<Item<'a>>> for Items<'a> {
    #[inline]
    fn from(item: Option<Item<'a>>) -> Items<'a> {
        item.map_or(Items::Nothing, Items::One)
    }
}

impl<'a> Extend<Item<'a>> for Items<'a> {
    fn extend<I: IntoIterator<Item = Item<'a>>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

impl<'a> FromIterator<Item<'a>> for Items<'a> {
    fn from_iter<I: IntoIterator<Item = Item<'a>>>(items: I) -> Items<'a> {
        let mut all = Items::Nothing;
        all.extend(items);
        all
    }
}

impl<'a> IntoIterator for Items<'a> {
    type Item = Item<'a>;
    type IntoIter = std::iter::Chain<std::option::IntoIter<Item<'a>>, std::vec::IntoIter<Item<'a>>>;

    fn into_iter(self) -> Self::IntoIter {
        let (one, more) = match self {
            Items::Nothing => (None, Vec::new()),
            Items::One(item) => (Some(item), Vec::new()),
            Items::Several(all) => (None, all),
        };
        one.into_iter().chain(more)
    }
}
