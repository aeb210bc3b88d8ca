//! FHIRPath: text to tokens.

use super::{Literal, PathError};
use crate::view::decimal::Decimal;
use crate::view::temporal::Temporal;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
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

/// Splits a path into tokens, each with the byte that it begins at; the last is [`Token::End`].
pub(super) fn lex(text: &str) -> Result<Vec<(usize, Token)>, PathError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        if let Some(length) = comment(&text[at..]) {
            at += length
                .ok_or(PathError { at: Some(at), what: "this comment is not closed".to_owned() })?;
            continue;
        }
        let (token, length) = lex_one(&text[at..], first)
            .map_err(|what| PathError { at: Some(at), what: what.to_owned() })?;
        tokens.push((at, token));
        at += length;
    }
    tokens.push((text.len(), Token::End));
    Ok(tokens)
}

/// The length of the comment that `rest` begins with, if it does; the inner `None` is a comment without an end.
fn comment(rest: &str) -> Option<Option<usize>> {
    if rest.starts_with("//") {
        return Some(Some(rest.find('\n').unwrap_or(rest.len())));
    }
    rest.starts_with("/*").then(|| rest[2..].find("*/").map(|end| end + 4))
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
