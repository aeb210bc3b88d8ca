//! What is known of a path's values without running it: the type that each element has by FHIR's definitions.
//!
//! A column's type is inferred from it where the view names none (SQL on FHIR v2, column types), and elements that JSON
//! writes as plain text get to be dates and times.

use super::{Expr, Facts, Function, Literal, Op, Step, Target, TextFunction, misfit};
use crate::view::choices::choice;
use crate::view::elements::{element, plain_element};
use crate::view::names::{self, Found};
use crate::view::resources;
use crate::view::temporal::Kind;
use crate::view::types::{is_whole, may_be, type_of};

/// In an expression, in place of a type that no value can be of where it stands.
const NO_TYPE: &str = "";

/// What is known of some values.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Known {
    /// The element, resource or data type that they are, by name: where their own elements stand.
    pub(crate) place: Option<Box<str>>,
    /// Their primitive type, if it decides how they are read.
    pub(crate) of: Option<Box<str>>,
    /// Their type as FHIR's definitions give it without doubt: a data type (`HumanName`, `code`), a type of resource, or
    /// the path of an element that has parts of its own (`Patient.contact`).
    pub(crate) exact: Option<Box<str>>,
    /// There are none whatever the record is: `{}`, which says nothing of what else there may be.
    pub(crate) nothing: bool,
    /// The types that they may be of in FHIR R4 or R5, by which a name is told to be no element of theirs; in the order of
    /// the alphabet. `None` where they may be of any, and empty where there are none by the definitions.
    types: Option<Vec<&'static str>>,
}

impl Known {
    /// Resources of this type.
    pub(crate) fn resource(name: &str) -> Known {
        let types = names::known(name).map(|known| vec![known]);
        Known { place: Some(name.into()), exact: Some(name.into()), types, ..Known::default() }
    }

    fn of(name: &str) -> Known {
        Known { of: Some(name.into()), ..Known::default() }
    }

    /// The elements of this name.
    fn member(&self, name: &str) -> Known {
        if matches!(name, "Resource" | "DomainResource") {
            return self.clone();
        }
        let of = element(self.place.as_deref(), name);
        let exact = match resources::is_known(name) {
            // The resource itself, which a path may begin with.
            true => Some(name),
            false => of.or_else(|| type_of(self.exact.as_deref(), name)),
        };
        let (of, exact) = (of.map(Into::into), exact.map(Into::into));
        Known { place: Some(name.into()), of, exact, nothing: false, types: self.types_of(name) }
    }

    /// The types of the elements of this name.
    fn types_of(&self, name: &str) -> Option<Vec<&'static str>> {
        let known = self.types.as_ref()?;
        if resources::is_known(name)
            && let Some(own) = known.iter().find(|own| **own == name)
        {
            return Some(vec![own]);
        }
        let mut types = Vec::new();
        for parent in known {
            match names::element(parent, name) {
                Found::Missing => {}
                Found::Unknown => return None,
                Found::Of(more) => types.extend(more),
            }
        }
        types.sort_unstable();
        types.dedup();
        Some(types)
    }

    /// What is odd about looking for elements of this name: none of the types that it may be of has one.
    fn unheard(&self, name: &str, found: &Known) -> Option<Unheard> {
        let parents = self.types.as_deref().filter(|types| !types.is_empty())?;
        let missing = found.types.as_ref().is_some_and(Vec::is_empty);
        missing.then(|| Unheard::new(parents, name))
    }

    /// What the step to `found`, the elements of this name, has to know.
    fn facts(&self, name: &str, found: &Known) -> Facts {
        let of = plain_element(self.place.as_deref(), name);
        let choice = || choice(self.place.as_deref(), name);
        // What is of one type is no choice of types.
        Facts { of, choice: if found.exact.is_some() { None } else { choice() } }
    }

    /// Whether none of the values can be of a type, whatever the record is.
    fn is_never(&self, of: &str) -> bool {
        self.exact.as_deref().is_some_and(|known| !may_be(known, of))
    }

    /// What is known where it may be one or the other.
    pub(crate) fn either(self, other: Known) -> Known {
        if self.nothing || other.nothing {
            return if self.nothing { other } else { self };
        }
        Known {
            place: self.place.filter(|place| Some(place) == other.place.as_ref()),
            of: match (self.of, other.of) {
                (Some(one), Some(other)) => common(one, other),
                _ => None,
            },
            exact: self.exact.filter(|exact| Some(exact) == other.exact.as_ref()),
            nothing: false,
            types: self.types.zip(other.types).map(|(one, other)| {
                let mut both = [one, other].concat();
                both.sort_unstable();
                both.dedup();
                both
            }),
        }
    }

    /// Whether the values of the other are of no further types.
    pub(crate) fn has_types_of(&self, other: &Known) -> bool {
        self.clone().either(other.clone()).types == self.types
    }
}

/// An element that is not there by FHIR's definitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unheard {
    pub(super) name: String,
    pub(super) what: String,
}

impl Unheard {
    fn new(parents: &[&'static str], name: &str) -> Unheard {
        let meant = names::meant_by(parents, name);
        let meant = meant.map_or(String::new(), |meant| format!("; did you mean {meant}?"));
        let what = match parents {
            [names::PRIMITIVE] => {
                format!("{name} stands behind a value that has no elements but id and extension")
            }
            _ => format!(
                "no element of {} is named {name} in FHIR R4 or R5, so that nothing will be found{meant}",
                parents.join(" or ")
            ),
        };
        Unheard { name: name.to_owned(), what }
    }
}

/// What settling finds to say against an expression.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Why it can never have a value, such as an operator whose two sides do not go together.
    pub(super) wrong: Option<String>,
    /// Its elements that are not there, in their order.
    pub(super) unheard: Vec<Unheard>,
}

impl Notes {
    fn wrong(&mut self, found: Option<String>) {
        self.wrong = self.wrong.take().or(found);
    }
}

/// The primitive type that holds the values of both: of numbers, the wider one.
pub(crate) fn common(one: Box<str>, other: Box<str>) -> Option<Box<str>> {
    const WIDER: [&str; 3] = ["decimal", "integer64", "integer"];
    if one == other {
        return Some(one);
    }
    let numbers = [&one, &other].into_iter().all(|of| is_whole(of) || **of == *"decimal");
    let wider = || WIDER.into_iter().find(|wider| [&*one, &*other].contains(wider));
    numbers.then(|| wider().unwrap_or("integer").into())
}

/// Where a path is, and what it stands in.
#[derive(Clone, Copy)]
pub(super) struct Around<'k> {
    /// What is known of `$this`.
    pub(super) focus: &'k Known,
    /// The same of `%resource`.
    pub(super) resource: &'k Known,
    /// In how many calls of repeat() it stands.
    pub(super) repeats: usize,
}

/// Calls of repeat() in each other that are looked through. Each is settled twice, so that more would take long; of what
/// stands deeper nothing is known.
const MAX_REPEATS: usize = 4;

/// Writes into each element of the expression the type that FHIR gives it, and returns what is known of the whole. What
/// can be said against it goes into `notes`.
pub(super) fn settle(notes: &mut Notes, expr: &mut Expr, around: &Around<'_>) -> Known {
    match expr {
        Expr::Nothing => Known { nothing: true, ..Known::default() },
        Expr::Literal(literal) => Known::of(literal_type(literal)),
        Expr::Literals(all) => {
            let mut known = all.iter().map(|literal| Known::of(literal_type(literal)));
            let first = known.next().unwrap_or_default();
            known.fold(first, Known::either)
        }
        Expr::This => around.focus.clone(),
        Expr::Index | Expr::RowIndex => Known::of("integer"),
        Expr::Resource => around.resource.clone(),
        Expr::Path(base, steps) => {
            let base = settle(notes, base, around);
            steps.iter_mut().fold(base, |known, step| match step {
                Step::Member(name, facts) => {
                    let found = known.member(name);
                    *facts = known.facts(name, &found);
                    notes.unheard.extend(known.unheard(name, &found));
                    found
                }
                Step::OfType(of) => {
                    let left = typed(of);
                    if known.is_never(of) {
                        *of = NO_TYPE;
                    }
                    left
                }
                Step::First => known,
                Step::ResourceKey | Step::ReferenceKey(_) => Known::of("id"),
            })
        }
        Expr::At(base, index) => {
            settle(notes, index, around);
            settle(notes, base, around)
        }
        Expr::Call(before, function) => {
            let base = settle(notes, before, around);
            if let Function::LowBoundary(_) | Function::HighBoundary(_) = function {
                notes.wrong(misfit::boundary(before, &base));
            }
            match function {
                // Behind a dot, `$this` is what stands before it.
                Function::Iif(..) if **before != Expr::This => {
                    call(notes, base.clone(), function, &Around { focus: &base, ..*around })
                }
                _ => call(notes, base, function, around),
            }
        }
        Expr::Binary(op, left, right) => {
            let known = (settle(notes, left, around), settle(notes, right, around));
            notes.wrong(misfit::operator(*op, (left, &known.0), (right, &known.1)));
            binary(*op, known.0, known.1)
        }
        Expr::Negate(inner) => {
            let known = settle(notes, inner, around);
            notes.wrong(misfit::negation(&known));
            known
        }
    }
}

fn literal_type(literal: &Literal) -> &'static str {
    match literal {
        Literal::Bool(_) => "boolean",
        Literal::Integer(_) => "integer",
        Literal::Decimal(_) => "decimal",
        Literal::String(_) => "string",
        Literal::Temporal(value) => match value.kind() {
            Kind::Date => "date",
            Kind::DateTime => "dateTime",
            Kind::Time => "time",
        },
    }
}

fn call(notes: &mut Notes, base: Known, function: &mut Function, around: &Around<'_>) -> Known {
    let inner = Around { focus: &base, ..*around };
    match function {
        Function::Where(criterion) => {
            settle(notes, criterion, &inner);
            base
        }
        Function::Select(projection) => settle(notes, projection, &inner),
        Function::Repeat(projection) if around.repeats == MAX_REPEATS => {
            settle(notes, projection, &Around { focus: &Known::default(), ..inner });
            Known::default()
        }
        Function::Repeat(projection) => {
            let repeats = around.repeats + 1;
            // What is known of the first round need not hold for the others, nor what is missing in it.
            let mut first = Notes::default();
            let step = settle(&mut first, &mut projection.clone(), &Around { repeats, ..inner });
            notes.wrong(first.wrong);
            let both = base.either(step.clone());
            let mut second = Notes::default();
            let further =
                settle(&mut second, projection, &Around { focus: &both, repeats, ..*around });
            notes.wrong(second.wrong);
            // Where types come that were not there at first, yet others may come.
            match step.has_types_of(&further) {
                true => {
                    notes.unheard.extend(second.unheard);
                    step.either(further)
                }
                false => Known { types: None, ..step.either(further) },
            }
        }
        Function::All(criterion) | Function::Exists(Some(criterion)) => {
            settle(notes, criterion, &inner);
            Known::of("boolean")
        }
        Function::Exists(None)
        | Function::Empty
        | Function::Not
        | Function::IsDistinct
        | Function::Flags { .. }
        | Function::HasValue => Known::of("boolean"),
        Function::Is(of) => {
            if base.is_never(of) {
                *of = NO_TYPE.into();
            }
            Known::of("boolean")
        }
        Function::Last | Function::Tail | Function::Single | Function::Distinct => base,
        Function::Skip(one)
        | Function::Take(one)
        | Function::Exclude(one)
        | Function::Intersect(one) => {
            settle(notes, one, around);
            base
        }
        Function::Combine(other) => base.either(settle(notes, other, around)),
        Function::Count => Known::of("integer"),
        Function::Iif(condition, yes, no) => {
            settle(notes, condition, around);
            let yes = settle(notes, yes, around);
            match no {
                Some(no) => yes.either(settle(notes, no, around)),
                None => yes,
            }
        }
        Function::Join(separator) => {
            separator.iter_mut().for_each(|one| drop(settle(notes, one, around)));
            Known::of("string")
        }
        Function::Text(function, arguments) => {
            arguments.iter_mut().for_each(|one| drop(settle(notes, one, around)));
            Known::of(match function {
                TextFunction::StartsWith | TextFunction::EndsWith | TextFunction::Contains => {
                    "boolean"
                }
                TextFunction::IndexOf | TextFunction::Length => "integer",
                _ => "string",
            })
        }
        Function::Convert(target) => Known::of(match target {
            Target::Text => "string",
            Target::Integer => "integer",
            Target::Decimal => "decimal",
            Target::Boolean => "boolean",
        }),
        Function::Round(..) => base,
        Function::Extension(url) => {
            settle(notes, url, around);
            Known::default().member("extension")
        }
        Function::LowBoundary(precision) | Function::HighBoundary(precision) => {
            precision.iter_mut().for_each(|one| drop(settle(notes, one, around)));
            match (base.of.as_deref(), base.exact.as_deref()) {
                // What an integer may stand for is half a unit away from it.
                (Some(of), _) if is_whole(of) => Known::of("decimal"),
                (_, Some("Period")) => Known::of("dateTime"),
                _ => base,
            }
        }
    }
}

/// What `ofType` leaves: a primitive type as it is, any other as the place of its elements.
fn typed(of: &str) -> Known {
    let name = || Some(of.into());
    let types = names::known(of).map(|known| vec![known]);
    match of.starts_with(|first: char| first.is_ascii_lowercase()) {
        true => Known { of: name(), exact: name(), types, ..Known::default() },
        false => Known { place: name(), exact: name(), types, ..Known::default() },
    }
}

fn binary(op: Op, left: Known, right: Known) -> Known {
    match op {
        Op::Union => left.either(right),
        Op::Concatenate => Known::of("string"),
        Op::Div => Known::of("integer"),
        Op::Divide => Known::of("decimal"),
        _ if !op.is_arithmetic() => Known::of("boolean"),
        _ => {
            let is = |known: &Known, fits: fn(&str) -> bool| known.of.as_deref().is_some_and(fits);
            if is(&left, is_whole) && is(&right, is_whole) {
                Known::of("integer")
            } else if is(&left, |of| of == "string") || is(&right, |of| of == "string") {
                Known::of("string")
            } else if op != Op::Add || left.of.is_some() || right.of.is_some() {
                // Anything but a sum of unknown values is a number, and a decimal holds every one.
                Known::of("decimal")
            } else {
                Known::default()
            }
        }
    }
}
