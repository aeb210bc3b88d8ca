//! The names of all elements that FHIR R4 and R5 define, so that a misspelt one in a path is told: FHIRPath makes of it
//! nothing at all, on every record.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::choices::is_written;
use super::resources;
use super::types::CHOICE_TYPES;

/// The lines of the table by what they begin with.
static TABLE: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let lines = include_str!("names.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).collect()
});

/// What stands for every primitive type: JSON shows no elements of them but these two.
pub(crate) const PRIMITIVE: &str = "primitive";
/// Elements of everything that has some.
const EVERYWHERE: [&str; 3] = ["extension", "id", "modifierExtension"];
/// Elements of every resource; `resourceType` is none, but JSON shows it as one.
const OF_RESOURCES: [&str; 6] =
    ["contained", "implicitRules", "language", "meta", "resourceType", "text"];

/// A type, or the path of an element with parts of its own, as the table has it.
pub(crate) fn known(of: &str) -> Option<&'static str> {
    match of.starts_with(|first: char| first.is_ascii_lowercase()) {
        true => Some(PRIMITIVE),
        false => TABLE.get_key_value(of).map(|(known, _)| *known),
    }
}

/// What an element is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// There is no element of this name.
    Missing,
    /// There is one, and it may be of a type that the table does not have.
    Unknown,
    /// It is of one of these.
    Of(Vec<&'static str>),
}

/// What the element `name` of something of the type `parent`, which is one of [`known`], is of.
pub(crate) fn element(parent: &str, name: &str) -> Found {
    if is_resource(parent) && matches!(name, "meta" | "text") {
        return of([if name == "meta" { "Meta" } else { "Narrative" }]);
    }
    // What stands beside a primitive in JSON is found under its own name too.
    if name.starts_with('_') || common(parent).any(|common| common == name) {
        return Found::Unknown;
    }
    let mut found = entries(parent).filter_map(|entry| entry.types(name)).peekable();
    match found.peek() {
        None => Found::Missing,
        Some(_) => of(found.flatten()),
    }
}

fn of(types: impl IntoIterator<Item = &'static str>) -> Found {
    let types: Option<Vec<_>> = types.into_iter().map(known).collect();
    types.map_or(Found::Unknown, Found::Of)
}

fn is_resource(parent: &str) -> bool {
    resources::is_known(parent)
}

/// The elements that are in no line, because so many have them.
fn common(parent: &str) -> impl Iterator<Item = &'static str> {
    let more: &[&str] = match parent {
        _ if is_resource(parent) => &OF_RESOURCES,
        _ => &[],
    };
    EVERYWHERE.into_iter().chain(more.iter().copied())
}

/// One element of a line.
#[derive(Clone, Copy)]
enum Entry {
    Primitive(&'static str),
    /// The name, and the types behind the colon.
    Parts(&'static str, &'static str),
    /// The name, and the types in brackets.
    Choice(&'static str, &'static str),
}

fn entries(parent: &str) -> impl Iterator<Item = Entry> {
    let line = TABLE.get(parent).copied().unwrap_or_default();
    line.split_ascii_whitespace().map(|text| match text.split_once(['[', ':']) {
        None => Entry::Primitive(text),
        Some((name, types)) => match types.strip_suffix(']') {
            Some(types) => Entry::Choice(name, types),
            None => Entry::Parts(name, types),
        },
    })
}

impl Entry {
    fn name(self) -> &'static str {
        let (Entry::Primitive(name) | Entry::Parts(name, _) | Entry::Choice(name, _)) = self;
        name
    }

    /// The types of the element if it has this name; of a choice, also in its JSON form, `valueQuantity`.
    fn types(self, name: &str) -> Option<Vec<&'static str>> {
        let same = self.name() == name;
        match self {
            Entry::Primitive(_) => same.then(|| vec![PRIMITIVE]),
            Entry::Parts(_, types) => same.then(|| types.split(',').collect()),
            Entry::Choice(_, types) if same => Some(choices(types).collect()),
            Entry::Choice(choice, types) => {
                let end = name.strip_prefix(choice)?;
                choices(types).find(|of| is_written(of, end)).map(|of| vec![of])
            }
        }
    }
}

fn choices(types: &'static str) -> impl Iterator<Item = &'static str> {
    let open: &[&str] = if types == "*" { &CHOICE_TYPES } else { &[] };
    types.split(',').filter(|of| *of != "*").chain(open.iter().copied())
}

/// The element that a misspelt name probably means: the one with the fewest letters to add, leave out, replace or swap,
/// at most a third of them.
pub(crate) fn meant_by(parents: &[&'static str], name: &str) -> Option<&'static str> {
    let own = |parent: &&'static str| entries(parent).map(Entry::name).chain(common(parent));
    let known = parents.iter().flat_map(own);
    let near = known.map(|known| (steps(&name.to_lowercase(), &known.to_lowercase()), known));
    let near = near.filter(|(steps, known)| steps * 3 <= name.len().max(known.len()));
    near.min().map(|(_, known)| known)
}

/// How many letters have to be added, left out, replaced or swapped with their neighbour, each at most once, to get from
/// one name to the other (optimal string alignment).
fn steps(left: &str, right: &str) -> usize {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let replaced = row[j] + usize::from(a != b);
            let mut least = replaced.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::types::{ELEMENTS, type_of};

    #[test]
    fn what_an_element_is_of_has_a_line_of_its_own() {
        // Whatever may stand in these is not known before it is seen.
        const OPEN: [&str; 2] = ["Resource", "Extension"];
        for parent in TABLE.keys() {
            for entry in entries(parent) {
                let name = entry.name();
                for of in entry.types(name).unwrap_or_default() {
                    let sure = known(of).is_some() || OPEN.contains(&of);
                    assert!(sure, "{parent}.{name}: {of}");
                }
                let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric());
                assert!(letters && name.starts_with(|first: char| first.is_ascii_lowercase()));
            }
        }
    }

    #[test]
    fn the_table_and_that_of_the_types_say_the_same() {
        for (parent, of, names) in ELEMENTS {
            for name in names.split(' ') {
                let Found::Of(types) = element(parent, name) else {
                    panic!("{parent}.{name} is not known")
                };
                let wanted = known(of).unwrap_or(of);
                assert!(types.contains(&wanted), "{parent}.{name}: {types:?} and not {of}");
                assert_eq!(type_of(Some(parent), name), Some(of));
            }
        }
    }

    #[test]
    fn an_element_is_found_in_each_of_its_forms() {
        for (parent, name, found) in [
            ("Patient", "birthDate", Found::Of(vec![PRIMITIVE])),
            ("Patient", "brithDate", Found::Missing),
            ("Patient", "name", Found::Of(vec!["HumanName"])),
            ("Patient", "text", Found::Of(vec!["Narrative"])),
            ("Patient", "contained", Found::Unknown),
            ("Patient", "resourceType", Found::Unknown),
            ("Patient", "_birthDate", Found::Unknown),
            ("HumanName", "extension", Found::Unknown),
            ("HumanName", "contained", Found::Missing),
            ("Patient", "deceased", Found::Of(vec![PRIMITIVE, PRIMITIVE])),
            ("Patient", "deceasedBoolean", Found::Of(vec![PRIMITIVE])),
            ("Patient", "deceasedQuantity", Found::Missing),
            ("Observation", "valueQuantity", Found::Of(vec!["Quantity"])),
            ("Encounter", "class", Found::Of(vec!["CodeableConcept", "Coding"])),
            ("Bundle.entry", "resource", Found::Unknown),
            (PRIMITIVE, "value", Found::Missing),
            (PRIMITIVE, "extension", Found::Unknown),
        ] {
            assert_eq!(element(parent, name), found, "{parent}.{name}");
        }
    }

    #[test]
    fn a_misspelt_name_is_told_what_it_probably_means() {
        for (parent, name, meant) in [
            ("Patient", "brithDate", Some("birthDate")),
            ("Patient", "BirthDate", Some("birthDate")),
            ("HumanName", "famly", Some("family")),
            ("Observation", "reference", None),
            ("Patient", "x", None),
        ] {
            assert_eq!(meant_by(&[parent], name), meant, "{parent}.{name}");
        }
    }
}
