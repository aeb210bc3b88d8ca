//! Which parts of a record are worth keeping: for each type of resource, a tree of names.

/// Where a value stands: a node of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

/// A tree of names for each type of resource. What is not in it is checked and dropped.
#[derive(Clone, Debug)]
pub(crate) struct Keep {
    nodes: Vec<Node>,
    types: Vec<(Box<str>, Place)>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// Everything below is kept.
    all: bool,
    names: Vec<(Box<str>, Place)>,
}

impl Keep {
    /// Where a resource stands: its type decides what is kept of it.
    pub(crate) const ROOT: Place = Place(0);
    /// Where everything is kept.
    const ALL: Place = Place(1);
    /// Resources of types that nobody reads.
    const OTHER: Place = Place(2);

    /// Keeps of each resource its type and its id, and finds the resources in bundles.
    pub(crate) fn nothing() -> Keep {
        let nodes = vec![Node::default(), Node { all: true, names: Vec::new() }, Node::default()];
        let mut keep = Keep { nodes, types: Vec::new() };
        keep.name_and_id(Keep::OTHER);
        let bundle = keep.resource("Bundle");
        let entry = keep.child(bundle, "entry");
        keep.child(entry, "fullUrl");
        keep.nodes[entry.0 as usize].names.push(("resource".into(), Keep::ROOT));
        keep
    }

    /// Keeps everything.
    #[cfg(test)]
    pub(crate) fn all() -> Keep {
        let mut keep = Keep::nothing();
        keep.nodes[Keep::ROOT.0 as usize].all = true;
        keep
    }

    /// Where resources of this type stand.
    pub(crate) fn resource(&mut self, kind: &str) -> Place {
        if let Some((_, place)) = self.types.iter().find(|(known, _)| **known == *kind) {
            return *place;
        }
        let place = self.new_node();
        self.types.push((kind.into(), place));
        self.name_and_id(place);
        place
    }

    fn name_and_id(&mut self, place: Place) {
        self.child(place, "resourceType");
        self.child(place, "id");
    }

    fn new_node(&mut self) -> Place {
        self.nodes.push(Node::default());
        Place((self.nodes.len() - 1) as u32)
    }

    /// Keeps elements of this name, and of this name with a type behind it (`value` keeps `valueQuantity`).
    pub(crate) fn child(&mut self, place: Place, name: &str) -> Place {
        if place == Keep::ROOT {
            // Of a resource within a bundle, that is read as a part of the bundle.
            self.whole(place);
        }
        let node = &self.nodes[place.0 as usize];
        if node.all {
            return Keep::ALL;
        }
        if let Some((_, child)) = node.names.iter().find(|(known, _)| **known == *name) {
            return *child;
        }
        let child = self.new_node();
        self.nodes[place.0 as usize].names.push((name.into(), child));
        child
    }

    /// Where what JSON writes beside a primitive stands (`_birthDate` beside `birthDate`), for each parent of the place.
    pub(crate) fn beside(&mut self, place: Place) -> Vec<Place> {
        let all = (0..self.nodes.len() as u32).map(Place);
        let parents: Vec<(Place, Box<str>)> = all
            .flat_map(|parent| {
                let names = self.nodes[parent.0 as usize].names.iter();
                names
                    .filter(|(_, child)| *child == place)
                    .map(move |(name, _)| (parent, name.clone()))
            })
            .collect();
        parents.into_iter().map(|(parent, name)| self.child(parent, &format!("_{name}"))).collect()
    }

    /// Keeps everything that stands there.
    pub(crate) fn whole(&mut self, place: Place) {
        self.nodes[place.0 as usize].all = true;
    }

    /// Gives names that a shorter name stands for as well what is kept of that: what `value` keeps of any value,
    /// `valueQuantity` must keep too. To be called when all names are there.
    pub(crate) fn settle(&mut self) {
        let mut at = 0;
        // Copying may append nodes, which are settled in their turn.
        while at < self.nodes.len() {
            let names = self.nodes[at].names.clone();
            for (long, into) in &names {
                for (_, from) in names.iter().filter(|(short, _)| is_choice_of(long, short)) {
                    self.copy(*from, *into);
                }
            }
            at += 1;
        }
    }

    fn copy(&mut self, from: Place, into: Place) {
        if self.nodes[from.0 as usize].all {
            self.whole(into);
            return;
        }
        for (name, child) in self.nodes[from.0 as usize].names.clone() {
            let target = self.child(into, &name);
            if target != child {
                self.copy(child, target);
            }
        }
    }

    /// Whether resources stand here, of which the type decides.
    pub(super) fn is_resource(&self, place: Place) -> bool {
        place == Keep::ROOT && !self.nodes[0].all
    }

    /// Where resources of this type stand, those that nobody reads included.
    pub(super) fn of_type(&self, kind: &str) -> Place {
        let found = self.types.iter().find(|(known, _)| **known == *kind);
        found.map_or(Keep::OTHER, |(_, place)| *place)
    }

    /// The same for what stands beside a primitive that is kept: that it is there must be seen.
    #[cold]
    fn beside_below(&self, place: Place, key: &str) -> Option<Place> {
        let kept = !key.starts_with('_') && self.named(place, key).is_some();
        kept.then_some(Keep::OTHER)
    }

    /// Where the element of this name stands, if it is kept.
    #[inline]
    pub(super) fn below(&self, place: Place, key: &str) -> Option<Place> {
        match self.named(place, key) {
            None if key.as_bytes().first() == Some(&b'_') => self.beside_below(place, &key[1..]),
            found => found,
        }
    }

    #[inline]
    fn named(&self, place: Place, key: &str) -> Option<Place> {
        let node = &self.nodes[place.0 as usize];
        if node.all {
            return Some(Keep::ALL);
        }
        let first = key.as_bytes().first();
        let mut choice = None;
        for (name, child) in &node.names {
            if name.as_bytes().first() != first {
                continue;
            }
            if **name == *key {
                return Some(*child);
            }
            // The longest name that this is a choice of has what the shorter ones keep.
            if is_choice_of(key, name) && choice.is_none_or(|(length, _)| length < name.len()) {
                choice = Some((name.len(), *child));
            }
        }
        choice.map(|(_, child)| child)
    }
}

/// Whether `long` is `short` with the name of a type behind it.
#[inline]
fn is_choice_of(long: &str, short: &str) -> bool {
    long.len() > short.len()
        && long.as_bytes()[short.len()].is_ascii_uppercase()
        && long.starts_with(short)
}
