//! FHIRPath: tokens to an expression, by the precedence of FHIRPath 2.0, 6.8.

use super::lex::{Token, lex};
use super::{
    Constants, Expr, Facts, Function, Literal, Op, PathError, Rounding, Step, Target, TextFunction,
};
use crate::view::types;

/// Reads a whole path.
pub(super) fn parse(text: &str, constants: &Constants) -> Result<Expr, PathError> {
    let tokens = lex(text)?;
    // A list of values, however long, does not deepen the expression.
    let listed = |at: usize| {
        let token = |at: usize| tokens.get(at).map(|(_, token)| token);
        let bar = |at| token(at) == Some(&Token::Sign("|"));
        let value = |at| matches!(token(at), Some(Token::Literal(_)));
        (bar(at) && value(at + 1)) || (at > 0 && bar(at - 1) && value(at))
    };
    let deepening = (0..tokens.len()).filter(|at| !listed(*at)).nth(MAX_TOKENS);
    if let Some(at) = deepening.or((tokens.len() > MAX_LISTED).then_some(MAX_LISTED)) {
        let (at, _) = tokens[at];
        return Err(PathError {
            at: Some(at),
            what: format!("a path has at most {MAX_TOKENS} words and signs"),
        });
    }
    let mut parser = Parser { tokens, at: 0, constants, depth: 0 };
    let expr = parser.expression(0)?;
    match parser.peek() {
        Token::End => Ok(expr),
        _ => Err(parser.error("an operator or the end of the path was expected here")),
    }
}

/// Words and signs of a path; every step deepens the expression, and the evaluator recurses.
const MAX_TOKENS: usize = 500;
/// The same with the values of lists.
const MAX_LISTED: usize = 100_000;
/// Nesting that the parser and the evaluator accept; both recurse.
const MAX_DEPTH: usize = 64;

struct Parser<'c> {
    tokens: Vec<(usize, Token)>,
    at: usize,
    constants: &'c Constants,
    depth: usize,
}

/// How tightly `is` binds, between union and comparison in the table of FHIRPath 6.8.
const TYPE_LEVEL: u8 = 8;

/// The binary operator that a token means, and how tightly it binds.
fn operator(token: &Token) -> Option<(u8, Op)> {
    Some(match token {
        Token::Sign(sign) => match *sign {
            "*" => (10, Op::Multiply),
            "/" => (10, Op::Divide),
            "+" => (9, Op::Add),
            "-" => (9, Op::Subtract),
            "&" => (9, Op::Concatenate),
            "|" => (7, Op::Union),
            "<" => (6, Op::Less),
            "<=" => (6, Op::LessOrEqual),
            ">" => (6, Op::Greater),
            ">=" => (6, Op::GreaterOrEqual),
            "=" => (5, Op::Equal),
            "!=" => (5, Op::NotEqual),
            "~" => (5, Op::Equivalent),
            "!~" => (5, Op::NotEquivalent),
            _ => return None,
        },
        Token::Name(name) => match name.as_str() {
            "div" => (10, Op::Div),
            "mod" => (10, Op::Mod),
            "in" => (4, Op::In),
            "contains" => (4, Op::Contains),
            "and" => (3, Op::And),
            "or" => (2, Op::Or),
            "xor" => (2, Op::Xor),
            "implies" => (1, Op::Implies),
            _ => return None,
        },
        _ => return None,
    })
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].1
    }

    fn take(&mut self) -> Token {
        let token = self.tokens[self.at].1.clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn error(&self, what: impl Into<String>) -> PathError {
        PathError { at: Some(self.tokens[self.at].0), what: what.into() }
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), PathError> {
        match self.peek() {
            Token::Sign(found) if *found == sign => {
                self.take();
                Ok(())
            }
            _ => Err(self.error(format!("{sign} was expected here"))),
        }
    }

    fn accept(&mut self, sign: &'static str) -> bool {
        let found = *self.peek() == Token::Sign(sign);
        if found {
            self.take();
        }
        found
    }

    /// Reads operators that bind at least as tightly as `level`, all of them from left to right.
    fn expression(&mut self, level: u8) -> Result<Expr, PathError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("the path is nested too deeply"));
        }
        let mut left = self.unary()?;
        loop {
            if matches!(self.peek(), Token::Name(name) if name == "is" || name == "as") {
                if TYPE_LEVEL < level {
                    break;
                }
                let cast = self.take() == Token::Name("as".into());
                let of = self.type_name()?;
                left = match cast {
                    true => left.then(Step::OfType(of)),
                    false => Expr::Call(Box::new(left), Function::Is(of.into())),
                };
                continue;
            }
            let Some((binds, op)) = operator(self.peek()) else { break };
            if binds < level {
                break;
            }
            self.take();
            let right = self.expression(binds + 1)?;
            left = match op {
                Op::Union => left.union(right),
                _ => Expr::Binary(op, Box::new(left), Box::new(right)),
            };
        }
        self.depth -= 1;
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, PathError> {
        let mut negative = false;
        loop {
            if self.accept("-") {
                negative = !negative;
            } else if !self.accept("+") {
                break;
            }
        }
        let mut expr = self.term()?;
        loop {
            if self.accept(".") {
                expr = self.invocation(expr)?;
            } else if self.accept("[") {
                let index = self.expression(0)?;
                self.expect("]")?;
                expr = Expr::At(Box::new(expr), Box::new(index));
            } else if negative {
                return Ok(Expr::Negate(Box::new(expr)));
            } else {
                return Ok(expr);
            }
        }
    }

    fn term(&mut self) -> Result<Expr, PathError> {
        match self.peek().clone() {
            Token::Literal(literal) => {
                self.take();
                Ok(Expr::Literal(literal))
            }
            Token::Name(word) if word == "true" || word == "false" => {
                self.take();
                Ok(Expr::Literal(Literal::Bool(word == "true")))
            }
            Token::Constant(name) => {
                let value = match (self.constants.values.get(&name), name.as_str()) {
                    (Some(value), _) => Expr::Literal(value.clone()),
                    (None, "rowIndex") => Expr::RowIndex,
                    (None, "resource" | "rootResource") => Expr::Resource,
                    (None, "ucum") => {
                        Expr::Literal(Literal::String("http://unitsofmeasure.org".into()))
                    }
                    (None, "sct") => {
                        Expr::Literal(Literal::String("http://snomed.info/sct".into()))
                    }
                    (None, "loinc") => Expr::Literal(Literal::String("http://loinc.org".into())),
                    _ => {
                        let what = format!("the view defines no constant named {name}");
                        return Err(self.error(what));
                    }
                };
                self.take();
                Ok(value)
            }
            Token::Sign("(") => {
                self.take();
                let inner = self.expression(0)?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Sign("{") => {
                self.take();
                self.expect("}")?;
                Ok(Expr::Nothing)
            }
            _ => self.invocation(Expr::This),
        }
    }

    fn invocation(&mut self, base: Expr) -> Result<Expr, PathError> {
        let start = self.at;
        match self.take() {
            // `$this` stands at the start of a path or of a part of it; behind a dot it would have no meaning.
            Token::Variable(name) if base == Expr::This && name == "$this" => Ok(Expr::This),
            Token::Variable(name) if base == Expr::This && name == "$index" => Ok(Expr::Index),
            Token::Quoted(name) => Ok(base.then(Step::Member(name.into(), Facts::default()))),
            Token::Name(name) if self.accept("(") => self.function(base, &name, start),
            Token::Name(name) => Ok(base.then(Step::Member(name.into(), Facts::default()))),
            Token::Variable(_) => {
                self.at = start;
                Err(self
                    .error("of variables, only $this and $index are known, at the start of a path"))
            }
            _ => {
                self.at = start;
                Err(self.error("a name, a function or a value was expected here"))
            }
        }
    }

    /// Reads a function's arguments and the closing bracket. `start` is the token of its name.
    fn function(&mut self, base: Expr, name: &str, start: usize) -> Result<Expr, PathError> {
        if let "ofType" | "is" | "as" | "getReferenceKey" = name {
            return self.type_function(base, name);
        }
        let mut arguments = Vec::new();
        if !self.accept(")") {
            loop {
                arguments.push(self.expression(0)?);
                if self.accept(")") {
                    break;
                }
                self.expect(",")?;
            }
        }
        let count = arguments.len();
        match (name, &mut arguments[..]) {
            ("union", [other]) => {
                let other = std::mem::replace(other, Expr::Nothing);
                return Ok(Expr::Binary(Op::Union, Box::new(base), Box::new(other)));
            }
            ("first", []) => return Ok(base.then(Step::First)),
            ("getResourceKey", []) => return Ok(base.then(Step::ResourceKey)),
            // Both leave the values as they are: of an element, its value; of a trace, what was traced.
            ("getValue", []) | ("trace", [_] | [_, _]) => return Ok(base),
            _ => {}
        }
        let function = build(name, arguments).map_err(|known| PathError {
            at: Some(self.tokens[start].0),
            what: match known {
                true => format!("{name}() does not take {count} arguments"),
                false => format!("the function {name}() is not supported"),
            },
        })?;
        Ok(Expr::Call(Box::new(base), function))
    }

    fn type_function(&mut self, base: Expr, name: &str) -> Result<Expr, PathError> {
        if name == "getReferenceKey" && self.accept(")") {
            return Ok(base.then(Step::ReferenceKey(None)));
        }
        let of = match self.peek().clone() {
            // The specification's prose writes getReferenceKey('Patient') as well.
            Token::Literal(Literal::String(of)) if name == "getReferenceKey" => {
                let of = self.resolved(self.at, None, &of)?;
                self.take();
                of
            }
            _ => self.type_name()?,
        };
        if name == "getReferenceKey" && !types::is_resource(of) {
            return Err(self.error(format!("{of} is no type of resources")));
        }
        self.expect(")")?;
        Ok(match name {
            // Any resource is one of these.
            "getReferenceKey" if types::is_abstract(of) => base.then(Step::ReferenceKey(None)),
            "getReferenceKey" => base.then(Step::ReferenceKey(Some(of.into()))),
            "is" => Expr::Call(Box::new(base), Function::Is(of.into())),
            _ => base.then(Step::OfType(of)),
        })
    }

    /// Reads a type's name, with or without one of the namespaces `FHIR` and `System` before it.
    fn type_name(&mut self) -> Result<&'static str, PathError> {
        let start = self.at;
        let name = self.plain_name()?;
        if (name == "FHIR" || name == "System") && self.accept(".") {
            let of = self.plain_name()?;
            return self.resolved(start, Some(&name), &of);
        }
        self.resolved(start, None, &name)
    }

    /// The type that a name means, which is read from the token at `start` on.
    fn resolved(
        &self,
        start: usize,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<&'static str, PathError> {
        types::resolve(namespace, name).ok_or_else(|| {
            let meant = types::meant_by(name);
            let meant = meant.map_or(String::new(), |meant| format!("; {meant} is probably meant"));
            let within = namespace.map_or(String::new(), |namespace| format!(" in {namespace}"));
            PathError {
                at: Some(self.tokens[start].0),
                what: format!("there is no type named {name}{within}{meant}"),
            }
        })
    }

    fn plain_name(&mut self) -> Result<String, PathError> {
        match self.peek().clone() {
            Token::Name(name) | Token::Quoted(name) => {
                self.take();
                Ok(name)
            }
            _ => Err(self.error("the name of a type was expected here")),
        }
    }
}

/// The function of this name with these arguments; the error says whether the name is known at all.
fn build(name: &str, arguments: Vec<Expr>) -> Result<Function, bool> {
    if let Some((function, least, most)) = text_function(name) {
        return match (least..=most).contains(&arguments.len()) {
            true => Ok(Function::Text(function, arguments)),
            false => Err(true),
        };
    }
    let mut given = arguments.into_iter().map(Box::new);
    let (first, second, third, more) = (given.next(), given.next(), given.next(), given.next());
    if more.is_some() {
        return Err(is_known(name));
    }
    let function = match (first, second, third) {
        (None, None, None) => without_arguments(name),
        (Some(one), None, None) => with_one(name, one),
        (Some(condition), Some(yes), no) if name == "iif" => {
            Some(Function::Iif(condition, yes, no))
        }
        _ => None,
    };
    function.ok_or_else(|| is_known(name))
}

fn without_arguments(name: &str) -> Option<Function> {
    Some(match name {
        "exists" => Function::Exists(None),
        "empty" => Function::Empty,
        "not" => Function::Not,
        "last" => Function::Last,
        "tail" => Function::Tail,
        "single" => Function::Single,
        "count" => Function::Count,
        "distinct" => Function::Distinct,
        "isDistinct" => Function::IsDistinct,
        "allTrue" => Function::Flags { all: true, flag: true },
        "anyTrue" => Function::Flags { all: false, flag: true },
        "allFalse" => Function::Flags { all: true, flag: false },
        "anyFalse" => Function::Flags { all: false, flag: false },
        "join" => Function::Join(None),
        "toString" => Function::Convert(Target::Text),
        "toInteger" => Function::Convert(Target::Integer),
        "toDecimal" => Function::Convert(Target::Decimal),
        "toBoolean" => Function::Convert(Target::Boolean),
        "abs" => Function::Round(Rounding::Abs, None),
        "ceiling" => Function::Round(Rounding::Ceiling, None),
        "floor" => Function::Round(Rounding::Floor, None),
        "truncate" => Function::Round(Rounding::Truncate, None),
        "round" => Function::Round(Rounding::Round, None),
        "hasValue" => Function::HasValue,
        "lowBoundary" => Function::LowBoundary(None),
        "highBoundary" => Function::HighBoundary(None),
        _ => return None,
    })
}

fn with_one(name: &str, one: Box<Expr>) -> Option<Function> {
    Some(match name {
        "where" => Function::Where(one),
        "select" => Function::Select(one),
        "repeat" => Function::Repeat(one),
        "all" => Function::All(one),
        "exists" => Function::Exists(Some(one)),
        "skip" => Function::Skip(one),
        "take" => Function::Take(one),
        "combine" => Function::Combine(one),
        "intersect" => Function::Intersect(one),
        "exclude" => Function::Exclude(one),
        "join" => Function::Join(Some(one)),
        "round" => Function::Round(Rounding::Round, Some(one)),
        "extension" => Function::Extension(one),
        "lowBoundary" => Function::LowBoundary(Some(one)),
        "highBoundary" => Function::HighBoundary(Some(one)),
        _ => return None,
    })
}

/// A function of one text, with the least and the greatest number of its arguments.
fn text_function(name: &str) -> Option<(TextFunction, usize, usize)> {
    Some(match name {
        "startsWith" => (TextFunction::StartsWith, 1, 1),
        "endsWith" => (TextFunction::EndsWith, 1, 1),
        "contains" => (TextFunction::Contains, 1, 1),
        "indexOf" => (TextFunction::IndexOf, 1, 1),
        "substring" => (TextFunction::Substring, 1, 2),
        "upper" => (TextFunction::Upper, 0, 0),
        "lower" => (TextFunction::Lower, 0, 0),
        "trim" => (TextFunction::Trim, 0, 0),
        "length" => (TextFunction::Length, 0, 0),
        "replace" => (TextFunction::Replace, 2, 2),
        "split" => (TextFunction::Split, 1, 1),
        _ => return None,
    })
}

fn is_known(name: &str) -> bool {
    without_arguments(name).is_some()
        || with_one(name, Box::new(Expr::Nothing)).is_some()
        || matches!(name, "iif" | "union" | "first" | "getResourceKey" | "trace" | "getValue")
}
