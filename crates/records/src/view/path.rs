//! FHIRPath: text to expression.
//!
//! The grammar is that of HL7 FHIRPath 2.0 (N1) with its precedence table. The functions are those that SQL on FHIR v2
//! asks for and a few that views often need; an unknown one is refused when the view is compiled, not when it runs.

use std::collections::BTreeMap;

use super::decimal::Decimal;
use super::temporal::Temporal;

/// A compiled expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// The empty collection, `{}`.
    Nothing,
    Literal(Literal),
    /// `$this`, and the implied start of every path.
    This,
    Member(Box<Expr>, Box<str>),
    Index(Box<Expr>, Box<Expr>),
    Call(Box<Expr>, Function),
    Binary(Op, Box<Expr>, Box<Expr>),
    Negate(Box<Expr>),
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
    All(Box<Expr>),
    Exists(Option<Box<Expr>>),
    Empty,
    Not,
    First,
    Last,
    Single,
    Count,
    Iif(Box<Expr>, Box<Expr>, Option<Box<Expr>>),
    Join(Option<Box<Expr>>),
    StartsWith(Box<Expr>),
    Extension(Box<Expr>),
    OfType(Box<str>),
    Is(Box<str>),
    ResourceKey,
    ReferenceKey(Option<Box<str>>),
    LowBoundary,
    HighBoundary,
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
    In,
    Contains,
    And,
    Or,
    Xor,
    Implies,
}

impl Expr {
    /// Whether the value is a Boolean whatever the record holds.
    pub(crate) fn is_boolean(&self) -> bool {
        match self {
            Expr::Literal(Literal::Bool(_)) => true,
            Expr::Call(_, function) => matches!(
                function,
                Function::All(_)
                    | Function::Exists(_)
                    | Function::Empty
                    | Function::Not
                    | Function::StartsWith(_)
                    | Function::Is(_)
            ),
            Expr::Binary(op, ..) => !matches!(
                op,
                Op::Multiply
                    | Op::Divide
                    | Op::Div
                    | Op::Mod
                    | Op::Add
                    | Op::Subtract
                    | Op::Concatenate
                    | Op::Union
            ),
            _ => false,
        }
    }

    /// Collects every name that the expression can look up in a record.
    pub(crate) fn names<'e>(&'e self, out: &mut Vec<&'e str>) {
        match self {
            Expr::Nothing | Expr::Literal(_) | Expr::This => {}
            Expr::Member(base, name) => {
                base.names(out);
                out.push(name);
            }
            Expr::Index(base, index) => {
                base.names(out);
                index.names(out);
            }
            Expr::Call(base, function) => {
                base.names(out);
                out.extend(function.own_names());
                function.arguments().iter().for_each(|argument| argument.names(out));
            }
            Expr::Binary(_, left, right) => {
                left.names(out);
                right.names(out);
            }
            Expr::Negate(inner) => inner.names(out),
        }
    }
}

impl Function {
    fn own_names(&self) -> &'static [&'static str] {
        match self {
            Function::Extension(_) => &["extension", "url"],
            Function::ResourceKey => &["id"],
            Function::ReferenceKey(_) => &["reference", "type"],
            _ => &[],
        }
    }

    fn arguments(&self) -> Vec<&Expr> {
        match self {
            Function::Where(one)
            | Function::Select(one)
            | Function::All(one)
            | Function::StartsWith(one)
            | Function::Extension(one) => vec![one],
            Function::Exists(one) | Function::Join(one) => one.iter().map(AsRef::as_ref).collect(),
            Function::Iif(condition, yes, no) => {
                let mut all: Vec<&Expr> = vec![condition, yes];
                all.extend(no.iter().map(AsRef::as_ref));
                all
            }
            _ => Vec::new(),
        }
    }
}

/// Why a path does not compile, and at which byte of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathError {
    pub(crate) at: usize,
    pub(crate) what: String,
}

/// The constants of a view by name.
pub(crate) type Constants = BTreeMap<String, Literal>;

/// Compiles a path; `%name` is replaced by the constant of that name.
pub(crate) fn compile(text: &str, constants: &Constants) -> Result<Expr, PathError> {
    let tokens = lex(text)?;
    if tokens.len() > MAX_TOKENS {
        let (at, _) = tokens[MAX_TOKENS];
        return Err(PathError {
            at,
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

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    /// A name in backticks, which can never be a keyword.
    Quoted(String),
    Variable(String),
    Constant(String),
    Literal(Literal),
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 23] = [
    "<=", ">=", "!=", "!~", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "*", "/", "&", "|",
    "<", ">", "=", "~", ":",
];

fn lex(text: &str) -> Result<Vec<(usize, Token)>, PathError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let (token, length) =
            lex_one(&text[at..], first).map_err(|what| PathError { at, what: what.to_owned() })?;
        tokens.push((at, token));
        at += length;
    }
    tokens.push((text.len(), Token::End));
    Ok(tokens)
}

/// Reads the token at the start of `rest`; returns it with its length in bytes.
fn lex_one(rest: &str, first: char) -> Result<(Token, usize), &'static str> {
    match first {
        '\'' => quoted(rest, '\'').map(|(s, n)| (Token::Literal(Literal::String(s.into())), n)),
        '`' => quoted(rest, '`').map(|(name, n)| (Token::Quoted(name), n)),
        '0'..='9' => number(rest),
        '@' => {
            let length = run(&rest[1..], |c| c.is_ascii_digit() || "-:.TZ+".contains(c)) + 1;
            // A dot at the end belongs to the path, not to the seconds.
            let length = rest[..length].trim_end_matches('.').len();
            let value = Temporal::parse_literal(&rest[1..length])
                .ok_or("this is not a date, a time or a date with a time")?;
            Ok((Token::Literal(Literal::Temporal(value)), length))
        }
        '%' if rest[1..].starts_with(['\'', '`']) => {
            let quote = if rest.as_bytes()[1] == b'`' { '`' } else { '\'' };
            quoted(&rest[1..], quote).map(|(name, n)| (Token::Constant(name), n + 1))
        }
        '%' => {
            let length = run(&rest[1..], |c| c.is_ascii_alphanumeric() || c == '_');
            match length {
                0 => Err("a constant's name was expected behind %"),
                _ => Ok((Token::Constant(rest[1..=length].to_owned()), length + 1)),
            }
        }
        '$' => {
            let length = run(&rest[1..], |c| c.is_ascii_alphabetic()) + 1;
            Ok((Token::Variable(rest[..length].to_owned()), length))
        }
        c if c.is_ascii_alphabetic() || c == '_' => {
            let length = run(rest, |c| c.is_ascii_alphanumeric() || c == '_');
            Ok((Token::Name(rest[..length].to_owned()), length))
        }
        _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            Some(sign) => Ok((Token::Sign(sign), sign.len())),
            None => Err("this character has no meaning in a path"),
        },
    }
}

fn run(text: &str, accept: impl Fn(char) -> bool) -> usize {
    text.find(|c| !accept(c)).unwrap_or(text.len())
}

fn number(rest: &str) -> Result<(Token, usize), &'static str> {
    let whole = run(rest, |c| c.is_ascii_digit());
    let fraction = match rest[whole..].strip_prefix('.') {
        Some(behind) => run(behind, |c| c.is_ascii_digit()),
        None => 0,
    };
    if fraction == 0 {
        let value = rest[..whole].parse().map_err(|_| "this number is too large")?;
        return Ok((Token::Literal(Literal::Integer(value)), whole));
    }
    let length = whole + 1 + fraction;
    let value = Decimal::parse(&rest[..length]).ok_or("this number has too many digits")?;
    Ok((Token::Literal(Literal::Decimal(value)), length))
}

/// Reads a text in quotes with FHIRPath's escapes.
fn quoted(rest: &str, quote: char) -> Result<(String, usize), &'static str> {
    let mut out = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Ok((out, at + 1));
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next().map(|(_, escape)| escape) {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('f') => out.push('\u{c}'),
            Some(same @ ('\'' | '"' | '`' | '\\' | '/')) => out.push(same),
            Some('u') => {
                let digits: String = chars.by_ref().take(4).map(|(_, digit)| digit).collect();
                let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                out.push(code.ok_or("an escape of four hexadecimal digits was expected")?);
            }
            _ => return Err("this escape is not known"),
        }
    }
    Err("a quote is not closed")
}

/// Words and signs of a path; every step deepens the expression, and the evaluator recurses.
const MAX_TOKENS: usize = 500;
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
        PathError { at: self.tokens[self.at].0, what: what.into() }
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
                let function = if cast { Function::OfType(of) } else { Function::Is(of) };
                left = Expr::Call(Box::new(left), function);
                continue;
            }
            let Some((binds, op)) = operator(self.peek()) else { break };
            if binds < level {
                break;
            }
            self.take();
            let right = self.expression(binds + 1)?;
            left = Expr::Binary(op, Box::new(left), Box::new(right));
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
                expr = Expr::Index(Box::new(expr), Box::new(index));
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
            Token::Constant(name) => match self.constants.get(&name) {
                Some(value) => {
                    self.take();
                    Ok(Expr::Literal(value.clone()))
                }
                None => Err(self.error(format!("the view defines no constant named {name}"))),
            },
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
            Token::Variable(name) if name == "$this" => Ok(Expr::This),
            Token::Quoted(name) => Ok(Expr::Member(Box::new(base), name.into())),
            Token::Name(name) if self.accept("(") => {
                let function = self.function(&name, start)?;
                Ok(Expr::Call(Box::new(base), function))
            }
            Token::Name(name) => Ok(Expr::Member(Box::new(base), name.into())),
            _ => {
                self.at = start;
                Err(self.error("a name, a function or a value was expected here"))
            }
        }
    }

    /// Reads a function's arguments and the closing bracket. `start` is the token of its name.
    fn function(&mut self, name: &str, start: usize) -> Result<Function, PathError> {
        if let "ofType" | "is" | "as" | "getReferenceKey" = name {
            return self.type_function(name);
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
        build(name, arguments).map_err(|known| PathError {
            at: self.tokens[start].0,
            what: match known {
                true => format!("{name}() does not take {count} arguments"),
                false => format!("the function {name}() is not supported"),
            },
        })
    }

    fn type_function(&mut self, name: &str) -> Result<Function, PathError> {
        if name == "getReferenceKey" && self.accept(")") {
            return Ok(Function::ReferenceKey(None));
        }
        let of = self.type_name()?;
        self.expect(")")?;
        Ok(match name {
            "getReferenceKey" => Function::ReferenceKey(Some(of)),
            "is" => Function::Is(of),
            _ => Function::OfType(of),
        })
    }

    /// Reads a type's name; the namespaces `FHIR` and `System` are understood and dropped.
    fn type_name(&mut self) -> Result<Box<str>, PathError> {
        let mut name = self.plain_name()?;
        if (name == "FHIR" || name == "System") && self.accept(".") {
            name = self.plain_name()?;
        }
        Ok(name.into())
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
    let mut given = arguments.into_iter().map(Box::new);
    let (first, second, third, more) = (given.next(), given.next(), given.next(), given.next());
    let function = match (name, first, second, third) {
        ("where", Some(criterion), None, None) => Function::Where(criterion),
        ("select", Some(projection), None, None) => Function::Select(projection),
        ("all", Some(criterion), None, None) => Function::All(criterion),
        ("exists", criterion, None, None) => Function::Exists(criterion),
        ("empty", None, None, None) => Function::Empty,
        ("not", None, None, None) => Function::Not,
        ("first", None, None, None) => Function::First,
        ("last", None, None, None) => Function::Last,
        ("single", None, None, None) => Function::Single,
        ("count", None, None, None) => Function::Count,
        ("iif", Some(condition), Some(yes), no) => Function::Iif(condition, yes, no),
        ("join", separator, None, None) => Function::Join(separator),
        ("startsWith", Some(prefix), None, None) => Function::StartsWith(prefix),
        ("extension", Some(url), None, None) => Function::Extension(url),
        ("getResourceKey", None, None, None) => Function::ResourceKey,
        ("lowBoundary", None, None, None) => Function::LowBoundary,
        ("highBoundary", None, None, None) => Function::HighBoundary,
        _ => return Err(KNOWN.contains(&name)),
    };
    match more {
        None => Ok(function),
        Some(_) => Err(true),
    }
}

const KNOWN: [&str; 17] = [
    "where",
    "select",
    "all",
    "exists",
    "empty",
    "not",
    "first",
    "last",
    "single",
    "count",
    "iif",
    "join",
    "startsWith",
    "extension",
    "getResourceKey",
    "lowBoundary",
    "highBoundary",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;

    fn compiled(text: &str) -> Expr {
        compile(text, &Constants::new()).unwrap()
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
            ("", 0),
            ("a b", 2),
        ] {
            let error = compile(text, &Constants::new()).unwrap_err();
            assert_eq!(error.at, at, "{text}: {}", error.what);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_compiler_panic(text in "\\PC{0,40}|[a-c.()\\[\\]'=|+ \\-0-9@%$`]{0,60}") {
            let _ = compile(&text, &Constants::new());
        }
    }
}
