//! Expressions over one row that cannot fail, whatever the row holds.
//!
//! A question's expressions are translated into [`Scalar`], whose every operation is total: division by zero, a failed conversion and
//! what is no number become NULL, whole numbers stop at the limits of 64 bits. Beside each expression stands what is known of
//! its values without looking at any ([`Type`]): bounds, a finite list of values, whether all rows of a patient have the same. Noise is
//! scaled to these bounds, and values are held to them once more before they are added up.
//!
//! Every branch of every expression is computed for every row, so that the time does not tell which one was taken.

mod bounds;
mod build;
mod domain;
mod evaluate;
mod interval;
mod pattern;
mod steps;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(crate) use self::{
    bounds::Bounds, domain::narrow, evaluate::evaluate, interval::interval, steps::Steps,
};

/// A value that rows can be grouped by, in the order in which groups are shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Key {
    Flag(bool),
    Integer(i64),
    Text(String),
    Null,
}

/// What an expression's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Decimal,
    Flag,
    /// The patient: may be counted, joined on and grouped by within patients, never shown or compared.
    Person,
}

impl Kind {
    pub fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal)
    }

    /// In words, for refusals.
    pub fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Integer => "a whole number",
            Self::Decimal => "a decimal number",
            Self::Flag => "true or false",
            Self::Person => "the patient",
        }
    }
}

/// What is known of an expression's values from what is published.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Type {
    pub kind: Kind,
    /// Of numbers; values outside cannot occur.
    pub bounds: Option<Bounds>,
    /// Of decimal numbers, on which steps they stand, where they stand on any.
    pub steps: Option<Steps>,
    /// All values that can occur (NULL left out), in the order in which groups are shown.
    pub domain: Option<Arc<Vec<Key>>>,
    /// Whether NULL is one of the groups of GROUP BY.
    pub nullable: bool,
    /// Whether all rows of a patient have the same value.
    pub of_person: bool,
}

impl Type {
    /// Values of a kind of which nothing else is known.
    pub fn any(kind: Kind) -> Self {
        Self { kind, bounds: None, steps: None, domain: None, nullable: true, of_person: false }
    }

    /// Flags that can be both.
    pub fn flag(nullable: bool, of_person: bool) -> Self {
        let domain = Some(Arc::new(vec![Key::Flag(false), Key::Flag(true)]));
        Self { kind: Kind::Flag, bounds: None, steps: None, domain, nullable, of_person }
    }

    /// Whether a condition of this type can hold for any row.
    pub fn can_be_true(&self) -> bool {
        self.domain.as_ref().is_none_or(|domain| domain.contains(&Key::Flag(true)))
    }
}

/// A fixed value in a question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null(Kind),
    Flag(bool),
    Integer(i64),
    Decimal(f64),
    Text(String),
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Distinct,
    NotDistinct,
}

impl Comparison {
    /// The same comparison with its sides exchanged.
    pub fn swapped(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
            other => other,
        }
    }
}

/// Arithmetic on two numbers of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Least,
    Greatest,
}

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberFunction {
    Negate,
    Abs,
    Floor,
    Ceil,
    Round,
    Sqrt,
    Ln,
    Exp,
}

/// A function of one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextFunction {
    Lower,
    Upper,
    Trim,
    /// Characters, as a whole number.
    Length,
}

/// An expression over the columns of one row. Operands of one operation have one kind.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    /// A column of the rows by number.
    Column(usize),
    Literal(Literal),
    Not(Box<Scalar>),
    All(Vec<Scalar>),
    Any(Vec<Scalar>),
    IsNull(Box<Scalar>),
    /// Whether a flag has this value; NULL has not.
    Is(Box<Scalar>, bool),
    Compare(Comparison, Box<Scalar>, Box<Scalar>),
    /// Whether a value is one of these; none of them is NULL.
    In(Box<Scalar>, Vec<Literal>),
    Arithmetic(Arithmetic, Box<Scalar>, Box<Scalar>),
    Number(NumberFunction, Box<Scalar>),
    Text(TextFunction, Box<Scalar>),
    /// SQL's LIKE, and whether case is ignored.
    Like(Box<Scalar>, String, bool),
    /// The first value that is not NULL.
    Coalesce(Vec<Scalar>),
    /// The value of the first condition that holds, else the last value.
    Case(Vec<(Scalar, Scalar)>, Box<Scalar>),
    /// To another kind.
    Convert(Box<Scalar>, Kind),
    /// Held to these bounds; of the expression's kind.
    Clamp(Box<Scalar>, Bounds),
    /// How many of these ascending edges are at or below the number.
    Bucket(Box<Scalar>, Vec<f64>),
    /// The text at the place that a whole number from 0 gives.
    Label(Box<Scalar>, Vec<String>),
}

/// An expression with what is known of its values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Typed {
    pub scalar: Scalar,
    pub known: Type,
}

/// Steps of what reads a text of usual length.
const LETTERS: u64 = 64;

impl Scalar {
    /// The columns that it reads, added to `found`.
    pub fn columns(&self, found: &mut std::collections::BTreeSet<usize>) {
        if let Self::Column(index) = self {
            found.insert(*index);
        }
        self.operands().into_iter().for_each(|one| one.columns(found));
    }

    /// How many operations, columns and literals it is made of.
    pub fn parts(&self) -> usize {
        1 + self.operands().into_iter().map(Self::parts).sum::<usize>()
    }

    /// How many steps it takes for one row: one for each part, and more where a text is read letter by letter or a list is searched.
    pub fn steps(&self) -> u64 {
        let own = match self {
            Self::Text(..) | Self::Like(..) => LETTERS,
            Self::Label(..) | Self::Literal(Literal::Text(_)) => LETTERS / 8,
            Self::In(_, list) => 1 + list.len() as u64 / 8,
            _ => 1,
        };
        own + self.operands().into_iter().map(Self::steps).sum::<u64>()
    }

    fn operands(&self) -> Vec<&Self> {
        match self {
            Self::Column(_) | Self::Literal(_) => Vec::new(),
            Self::Not(one)
            | Self::IsNull(one)
            | Self::Is(one, _)
            | Self::In(one, _)
            | Self::Number(_, one)
            | Self::Text(_, one)
            | Self::Like(one, ..)
            | Self::Convert(one, _)
            | Self::Clamp(one, _)
            | Self::Bucket(one, _)
            | Self::Label(one, _) => vec![one],
            Self::All(all) | Self::Any(all) | Self::Coalesce(all) => all.iter().collect(),
            Self::Compare(_, one, other) | Self::Arithmetic(_, one, other) => vec![one, other],
            Self::Case(branches, otherwise) => {
                let branches = branches.iter().flat_map(|(condition, value)| [condition, value]);
                branches.chain([&**otherwise]).collect()
            }
        }
    }

    /// The same over rows that begin so many columns further on.
    pub fn shifted(mut self, columns: usize) -> Self {
        let mut open = vec![&mut self];
        while let Some(scalar) = open.pop() {
            match scalar {
                Self::Column(index) => *index -= columns,
                Self::Literal(_) => {}
                Self::Not(one)
                | Self::IsNull(one)
                | Self::Is(one, _)
                | Self::In(one, _)
                | Self::Number(_, one)
                | Self::Text(_, one)
                | Self::Like(one, ..)
                | Self::Convert(one, _)
                | Self::Clamp(one, _)
                | Self::Bucket(one, _)
                | Self::Label(one, _) => open.push(one),
                Self::All(all) | Self::Any(all) | Self::Coalesce(all) => open.extend(all),
                Self::Compare(_, one, other) | Self::Arithmetic(_, one, other) => {
                    open.extend([&mut **one, &mut **other]);
                }
                Self::Case(branches, otherwise) => {
                    let pairs = branches.iter_mut().flat_map(|(when, then)| [when, then]);
                    open.extend(pairs.chain([&mut **otherwise]));
                }
            }
        }
        self
    }
}
