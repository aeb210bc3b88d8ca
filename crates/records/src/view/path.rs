//! FHIRPath: text to expression.
//!
//! The grammar is that of HL7 FHIRPath 2.0 (N1) with its precedence table. The functions are those that SQL on FHIR v2
//! asks for and those that views often need; an unknown one is refused when the view is compiled, not when it runs.

mod kinds;
mod lex;
mod misfit;
mod parse;

use std::collections::BTreeMap;

use super::decimal::Decimal;
use super::temporal::Temporal;
use kinds::{Around, Notes};
pub(crate) use kinds::{Known, common};
use lex::Token;

/// A compiled expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// The empty collection, `{}`.
    Nothing,
    Literal(Literal),
    /// Values that stand in the expression itself, `'a' | 'b'`; one may stand there twice.
    Literals(Vec<Literal>),
    /// `$this`, and the implied start of every path.
    This,
    /// `$index`: the place of `$this` in the collection that a function goes through.
    Index,
    /// `%rowIndex`: the place of the element that the innermost forEach, forEachOrNull or repeat is at.
    RowIndex,
    /// `%resource`: the resource that the view is run over.
    Resource,
    /// What is found by steps from the values of an expression: `name.given.first()` is three steps from `$this`.
    Path(Box<Expr>, Vec<Step>),
    At(Box<Expr>, Box<Expr>),
    Call(Box<Expr>, Function),
    Binary(Op, Box<Expr>, Box<Expr>),
    Negate(Box<Expr>),
}

/// A step from a value to others. It looks up what is there, so it cannot fail.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// To the elements of this name.
    Member(Box<str>, Facts),
    OfType(&'static str),
    /// To the first of all values that come so far.
    First,
    ResourceKey,
    ReferenceKey(Option<Box<str>>),
}

/// What FHIR says of the elements of a name, where they are looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    /// Their primitive type, if it matters.
    pub(crate) of: Option<&'static str>,
    /// Whether they may be choices of types: if so, the types that they are never of.
    pub(crate) choice: Option<&'static [&'static str]>,
}

impl Expr {
    /// The union with another one. Values that stand in it are put together, so that many do not make it deep.
    fn union(self, other: Expr) -> Expr {
        match (self, other) {
            (Expr::Literal(one), Expr::Literal(other)) => Expr::Literals(vec![one, other]),
            (Expr::Literals(mut all), Expr::Literal(other)) => {
                all.push(other);
                Expr::Literals(all)
            }
            (Expr::Binary(Op::Union, left, right), other @ Expr::Literal(_))
                if matches!(*right, Expr::Literal(_) | Expr::Literals(_)) =>
            {
                Expr::Binary(Op::Union, left, Box::new(right.union(other)))
            }
            (one, other) => Expr::Binary(Op::Union, Box::new(one), Box::new(other)),
        }
    }

    /// The expression with one step more.
    fn then(self, step: Step) -> Expr {
        match self {
            Expr::Path(base, steps) => Expr::Path(base, [steps, vec![step]].concat()),
            base => Expr::Path(Box::new(base), vec![step]),
        }
    }
}

/// A value that stands in the expression itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Bool(bool),
    Integer(i64),
    Decimal(Decimal),
    String(Box<str>),
    Temporal(Temporal),
}

/// A function with its arguments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Function {
    Where(Box<Expr>),
    Select(Box<Expr>),
    Repeat(Box<Expr>),
    All(Box<Expr>),
    Exists(Option<Box<Expr>>),
    Empty,
    Not,
    Last,
    Tail,
    Skip(Box<Expr>),
    Take(Box<Expr>),
    Single,
    Count,
    Distinct,
    IsDistinct,
    Combine(Box<Expr>),
    Intersect(Box<Expr>),
    Exclude(Box<Expr>),
    /// allTrue, anyTrue, allFalse, anyFalse: whether all or any of the values are the flag.
    Flags {
        all: bool,
        flag: bool,
    },
    Iif(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
    Join(Option<Box<Expr>>),
    Text(TextFunction, Vec<Expr>),
    Convert(Target),
    Round(Rounding, Option<Box<Expr>>),
    HasValue,
    Extension(Box<Expr>),
    Is(Box<str>),
    LowBoundary(Option<Box<Expr>>),
    HighBoundary(Option<Box<Expr>>),
}

/// Functions of one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextFunction {
    StartsWith,
    EndsWith,
    Contains,
    IndexOf,
    Substring,
    Upper,
    Lower,
    Trim,
    Length,
    Replace,
    Split,
}

/// What a value is converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Text,
    Integer,
    Decimal,
    Boolean,
}

/// How a number is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    Abs,
    Ceiling,
    Floor,
    Truncate,
    Round,
}

/// Binary operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Multiply,
    Divide,
    Div,
    Mod,
    Add,
    Subtract,
    Concatenate,
    Union,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Equivalent,
    NotEquivalent,
    In,
    Contains,
    And,
    Or,
    Xor,
    Implies,
}

impl Op {
    /// Whether the operator calculates a number.
    pub(crate) fn is_arithmetic(self) -> bool {
        matches!(self, Op::Multiply | Op::Divide | Op::Div | Op::Mod | Op::Add | Op::Subtract)
    }
}

/// What is wrong or odd about a path, and at which byte of it, unless it is the path as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathError {
    pub(crate) at: Option<usize>,
    pub(crate) what: String,
}

/// What `%name` stands for in the paths of a view.
#[derive(Debug, Default)]
pub(crate) struct Constants {
    /// The view's own constants by name.
    pub(crate) values: BTreeMap<String, Literal>,
    /// What is known of `%resource`.
    pub(crate) resource: Known,
}

/// A path, and what is known of its values without running it.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub(crate) expr: Expr,
    pub(crate) known: Known,
    /// Elements that FHIR does not have there, from which the path gets nothing.
    pub(crate) unheard: Vec<PathError>,
}

/// Compiles a path that starts at `focus`; `%name` is replaced by the constant of that name.
pub(crate) fn compile(
    text: &str,
    constants: &Constants,
    focus: &Known,
) -> Result<Compiled, PathError> {
    let mut expr = parse::parse(text, constants)?;
    let mut notes = Notes::default();
    let known = kinds::settle(
        &mut notes,
        &mut expr,
        &Around { focus, resource: &constants.resource, repeats: 0 },
    );
    if let Some(what) = notes.wrong {
        return Err(PathError { at: None, what });
    }
    let mut unheard = Vec::new();
    for one in notes.unheard {
        let odd = PathError { at: only_place(text, &one.name), what: one.what };
        if !unheard.contains(&odd) {
            unheard.push(odd);
        }
    }
    Ok(Compiled { expr, known, unheard })
}

/// The byte at which a name stands in a path, if it stands there once.
fn only_place(text: &str, name: &str) -> Option<usize> {
    let tokens = lex::lex(text).ok()?;
    let mut places = tokens.iter().filter_map(|(at, token)| match token {
        Token::Name(own) | Token::Quoted(own) if own == name => Some(*at),
        _ => None,
    });
    places.next().filter(|_| places.next().is_none())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    fn compiled(text: &str) -> Expr {
        compile(text, &Constants::default(), &Known::default()).unwrap().expr
    }

    #[test]
    fn operators_bind_as_the_precedence_table_says() {
        for (short, long) in [
            ("1 + 2 * 3", "1 + (2 * 3)"),
            ("1 - 2 - 3", "(1 - 2) - 3"),
            ("a or b and c", "a or (b and c)"),
            ("a implies b or c", "a implies (b or c)"),
            ("a = b and c != d", "(a = b) and (c != d)"),
            ("a | b = c", "(a | b) = c"),
            ("-a.b + 1", "(-(a.b)) + 1"),
            ("a < b = c", "(a < b) = c"),
            ("a in b and c", "(a in b) and c"),
            ("a is Quantity and b", "(a is Quantity) and b"),
            ("a + b is Quantity", "(a + b) is Quantity"),
            ("a ~ b and c !~ d", "(a ~ b) and (c !~ d)"),
            ("a.union(b)", "a | b"),
            ("a | 'x' | 'y'", "a | ('x' | 'y')"),
            ("'x' | 'y' + 'z' | a", "('x' | ('y' + 'z')) | a"),
        ] {
            assert_eq!(compiled(short), compiled(long), "{short}");
        }
    }

    #[test]
    fn a_mistake_is_reported_where_it_stands() {
        for (text, at) in [
            ("name.", 5),
            ("name.where(use = 'x'", 20),
            ("name ! x", 5),
            ("a.unheard()", 2),
            ("a.first(1)", 2),
            ("'open", 0),
            ("%missing", 0),
            ("@2020-13-01", 0),
            ("$that", 0),
            ("", 0),
            ("a b", 2),
        ] {
            let error = compile(text, &Constants::default(), &Known::default()).unwrap_err();
            assert_eq!(error.at, Some(at), "{text}: {}", error.what);
        }
    }

    #[test]
    fn comments_and_line_breaks_are_as_good_as_spaces() {
        assert_eq!(compiled("a // the first\n + /* the\n second */ b"), compiled("a + b"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_compiler_panic(text in "\\PC{0,40}|[a-c.()\\[\\]'=|+ \\-0-9@%$`/*]{0,60}") {
            let _ = compile(&text, &Constants::default(), &Known::default());
        }
    }
}
