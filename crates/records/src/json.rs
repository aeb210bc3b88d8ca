//! A JSON reader for records: borrows what it can, keeps numbers as they are written, and builds nothing for names
//! that nobody asks for.
//!
//! Numbers stay text because FHIR gives meaning to the digits of a decimal (1.0 is not 1). Everything is checked, what
//! is skipped too: a damaged record must not load because the damage lies in a part that no view reads.

use std::borrow::Cow;

/// How deep values may nest; real resources stay below 20, and the parser recurses.
const MAX_DEPTH: usize = 128;

/// One JSON value, borrowing from the text it was read from.
#[derive(Clone, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// A number as it is written.
    Number(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Object<'a>),
}

/// A JSON object: its kept members in their order, and where it stands in the text.
#[derive(Clone)]
pub(crate) struct Object<'a> {
    members: Vec<(Cow<'a, str>, Json<'a>)>,
    start: u32,
    end: u32,
}

impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.members.len() == other.members.len()
            && self.members.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl<'a> Object<'a> {
    /// The member of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The member's text, if it is a string.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Json::as_str)
    }

    /// The members in the order of the text.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.members.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// The bytes of the text that this object spans.
    pub(crate) fn span(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl<'a> Json<'a> {
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&Object<'a>> {
        match self {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The elements of an array; any other value is an array of itself, null of nothing.
    pub(crate) fn each(&self) -> &[Json<'a>] {
        match self {
            Json::Array(items) => items,
            Json::Null => &[],
            one => std::slice::from_ref(one),
        }
    }
}

/// Which members of objects are worth keeping.
#[derive(Clone, Debug)]
pub(crate) struct Keep {
    /// Names by their first byte; `None`, in tests, keeps everything.
    names: Option<Vec<Vec<Box<str>>>>,
}

impl Keep {
    /// Keeps everything.
    #[cfg(test)]
    pub(crate) fn all() -> Keep {
        Keep { names: None }
    }

    /// Keeps members of these names, and of these names with a type behind them (`value` keeps `valueQuantity`).
    pub(crate) fn only<'n>(names: impl IntoIterator<Item = &'n str>) -> Keep {
        let mut table = vec![Vec::new(); 256];
        for name in names {
            let Some(first) = name.as_bytes().first() else { continue };
            let row: &mut Vec<Box<str>> = &mut table[usize::from(*first)];
            if !row.iter().any(|known| **known == *name) {
                row.push(name.into());
            }
        }
        Keep { names: Some(table) }
    }

    fn wants(&self, key: &str) -> bool {
        let Some(table) = &self.names else { return true };
        let Some(first) = key.as_bytes().first() else { return false };
        table[usize::from(*first)].iter().any(|name| {
            key.strip_prefix(&**name)
                .is_some_and(|rest| rest.is_empty() || rest.as_bytes()[0].is_ascii_uppercase())
        })
    }
}

/// Why a text is not JSON, and at which byte. Never says what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

/// Reads one JSON text (RFC 8259). A name that occurs twice in an object is an error, as FHIR requires, where it is kept.
pub(crate) fn parse<'a>(text: &'a str, keep: &Keep) -> Result<Json<'a>, JsonError> {
    if u32::try_from(text.len()).is_err() {
        return Err(JsonError { at: 0, what: "the document is larger than 4 GiB" });
    }
    let mut parser = Parser { text, bytes: text.as_bytes(), at: 0, keep };
    parser.space();
    let value = parser.value(0)?;
    parser.space();
    match parser.at == text.len() {
        true => Ok(value),
        false => Err(parser.error("there is more text behind the end of the record")),
    }
}

struct Parser<'a, 'k> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    keep: &'k Keep,
}

impl<'a> Parser<'a, '_> {
    fn error(&self, what: &'static str) -> JsonError {
        JsonError { at: self.at, what }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json<'a>, JsonError> {
        if depth > MAX_DEPTH {
            return Err(self.error("values are nested too deeply"));
        }
        match self.peek() {
            Some(b'{') => self.object(depth).map(Json::Object),
            Some(b'[') => {
                let mut items = Vec::new();
                self.list(|parser| {
                    items.push(parser.value(depth + 1)?);
                    Ok(())
                })?;
                Ok(Json::Array(items))
            }
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Json::Number),
            Some(b't') => self.word("true").map(|()| Json::Bool(true)),
            Some(b'f') => self.word("false").map(|()| Json::Bool(false)),
            Some(b'n') => self.word("null").map(|()| Json::Null),
            Some(_) => Err(self.error("a value was expected")),
            None => Err(self.error("the record ends too early")),
        }
    }

    /// Passes over a value that nobody reads, checking it all the same.
    fn skip(&mut self, depth: usize) -> Result<(), JsonError> {
        if depth > MAX_DEPTH {
            return Err(self.error("values are nested too deeply"));
        }
        match self.peek() {
            Some(b'{') => self.members(|parser| {
                parser.key(false)?;
                parser.skip(depth + 1)
            }),
            Some(b'[') => self.list(|parser| parser.skip(depth + 1)),
            Some(b'"') => self.skip_string().map(|_| ()),
            _ => self.value(depth).map(|_| ()),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Object<'a>, JsonError> {
        let start = self.at as u32;
        let mut members: Vec<(Cow<'a, str>, Json<'a>)> = Vec::new();
        self.members(|parser| {
            let key = parser.key(true)?;
            if !parser.keep.wants(&key) {
                return parser.skip(depth + 1);
            }
            if members.iter().any(|(known, _)| *known == key) {
                return Err(parser.error("an object has the same name twice"));
            }
            members.push((key, parser.value(depth + 1)?));
            Ok(())
        })?;
        Ok(Object { members, start, end: self.at as u32 })
    }

    fn members(
        &mut self,
        member: impl FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.sequence(b'}', "a comma or the end of an object was expected", member)
    }

    fn list(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.sequence(b']', "a comma or the end of an array was expected", item)
    }

    /// Reads from the opening bracket to `close`, calling `item` at the first byte of each element.
    fn sequence(
        &mut self,
        close: u8,
        otherwise: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.at += 1;
        self.space();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == close => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => return Err(self.error(otherwise)),
                None => return Err(self.error("the record ends too early")),
            }
            self.space();
        }
    }

    /// Reads a member's name and the colon, and stops before the value.
    fn key(&mut self, wanted: bool) -> Result<Cow<'a, str>, JsonError> {
        match self.peek() {
            Some(b'"') => {}
            Some(_) => return Err(self.error("a name in quotes was expected")),
            None => return Err(self.error("the record ends too early")),
        }
        let key = match wanted {
            true => self.string()?,
            false => self.skip_string().map(|_| Cow::Borrowed(""))?,
        };
        self.space();
        match self.peek() {
            Some(b':') => self.at += 1,
            Some(_) => return Err(self.error("a colon was expected")),
            None => return Err(self.error("the record ends too early")),
        }
        self.space();
        Ok(key)
    }

    fn string(&mut self) -> Result<Cow<'a, str>, JsonError> {
        let start = self.at + 1;
        match self.skip_string()? {
            false => Ok(Cow::Borrowed(&self.text[start..self.at - 1])),
            true => Ok(Cow::Owned(unescape(&self.text[start..self.at - 1]))),
        }
    }

    /// Passes over a string, checks its escapes, and says whether it has any.
    fn skip_string(&mut self) -> Result<bool, JsonError> {
        self.at += 1;
        let mut escaped = false;
        loop {
            // Strings are most of every record: this loop is the one that must be tight.
            let rest = &self.bytes[self.at..];
            let run = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
            let Some(run) = run else {
                self.at = self.bytes.len();
                return Err(self.error("the record ends too early"));
            };
            self.at += run;
            match rest[run] {
                b'"' => {
                    self.at += 1;
                    return Ok(escaped);
                }
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(self.error("a control character stands in a text")),
            }
        }
    }

    /// Passes over one escape sequence; surrogates must come in pairs.
    fn escape(&mut self) -> Result<(), JsonError> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => {
                let first = hex4(self.bytes, self.at + 2).ok_or(self.error("a bad escape"))?;
                let second = match self.bytes.get(self.at + 6..self.at + 8) {
                    Some(b"\\u") => hex4(self.bytes, self.at + 8),
                    _ => None,
                };
                match (first, second) {
                    (0xD800..=0xDBFF, Some(0xDC00..=0xDFFF)) => self.at += 12,
                    (0xD800..=0xDFFF, _) => return Err(self.error("half of a surrogate pair")),
                    _ => self.at += 6,
                }
                Ok(())
            }
            Some(_) => Err(self.error("a bad escape")),
            None => Err(self.error("the record ends too early")),
        }
    }

    fn number(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        match self.at > start {
            true => Ok(()),
            false => Err(self.error("a digit was expected")),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), JsonError> {
        match self.bytes[self.at..].starts_with(word.as_bytes()) {
            true => {
                self.at += word.len();
                Ok(())
            }
            false => Err(self.error("a value was expected")),
        }
    }
}

fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 4)?;
    digits.iter().try_fold(0, |number, &digit| Some(number * 16 + char::from(digit).to_digit(16)?))
}

/// Resolves the escapes of a string that was checked before.
fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        out.push_str(&text[at..at + found]);
        at += found + 2;
        match bytes[at - 1] {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => at += push_unicode(bytes, at, &mut out),
            other => out.push(char::from(other)),
        }
    }
    out.push_str(&text[at..]);
    out
}

/// Appends the character whose hexadecimal digits begin at `at`; returns how many bytes they take.
fn push_unicode(bytes: &[u8], at: usize, out: &mut String) -> usize {
    let first = hex4(bytes, at).unwrap_or_default();
    let (code, length) = match first {
        0xD800..=0xDBFF => {
            let second = hex4(bytes, at + 6).unwrap_or_default();
            (0x1_0000 + ((first - 0xD800) << 10) + (second.wrapping_sub(0xDC00) & 0x3FF), 10)
        }
        code => (code, 4),
    };
    out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    length
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn to_value(json: &Json<'_>) -> Value {
        match json {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(text) => serde_json::from_str(text).unwrap(),
            Json::String(text) => Value::String(text.to_string()),
            Json::Array(items) => items.iter().map(to_value).collect(),
            Json::Object(object) => {
                object.members().map(|(name, value)| (name.to_owned(), to_value(value))).collect()
            }
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            // serde_json reads most decimals only almost exactly; these it reads exactly.
            any::<i32>().prop_map(|number| Value::from(f64::from(number) / 64.0)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-c]{0,3}|\\PC{1,4}", inner, 0..6)
                    .prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_value_is_read_as_serde_json_reads_it(value in any_json(), pretty in any::<bool>()) {
            let text = match pretty {
                true => serde_json::to_string_pretty(&value).unwrap(),
                false => value.to_string(),
            };
            let Ok(json) = parse(&text, &Keep::all()) else { panic!("refused {text}") };
            prop_assert_eq!(to_value(&json), value);
        }

        #[test]
        fn a_changed_byte_is_accepted_only_where_serde_json_accepts_it(
            value in any_json(), at in any::<prop::sample::Index>(), byte in 0u8..128,
        ) {
            let mut bytes = value.to_string().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let Ok(text) = String::from_utf8(bytes) else { return Ok(()) };
            let theirs: Result<Value, _> = serde_json::from_str(&text);
            for keep in [Keep::all(), Keep::only([])] {
                match (parse(&text, &keep), &theirs) {
                    (Ok(_), Err(error)) => prop_assert!(
                        error.to_string().contains("out of range"), "accepted {text}: {error}"),
                    (Err(error), Ok(_)) => prop_assert_eq!(error.what, "an object has the same name twice"),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn escapes_and_surrogate_pairs_become_their_characters() {
        let text = r#""a\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00z""#;
        let Ok(Json::String(read)) = parse(text, &Keep::all()) else { panic!("refused") };
        assert_eq!(read, "a\"\\/\u{8}\u{c}\n\r\tä😀z");
    }

    #[test]
    fn only_names_that_are_asked_for_are_kept_with_their_typed_forms() {
        let text =
            r#"{"value":1,"valueQuantity":{"value":2,"x":3},"valued":4,"other":[{"value":5}]}"#;
        let Ok(json) = parse(text, &Keep::only(["value"])) else { panic!("refused") };
        assert_eq!(to_value(&json).to_string(), r#"{"value":1,"valueQuantity":{"value":2}}"#);
    }
}
