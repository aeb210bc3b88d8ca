//! A JSON reader for records: borrows what it can, keeps numbers as they are written, and builds nothing that nobody asks
//! for.
//!
//! Numbers stay text because FHIR gives meaning to the digits of a decimal (1.0 is not 1). Everything is checked, what
//! is skipped too: a damaged record must not load because the damage lies in a part that no view reads. What is kept
//! lies in an arena, so that a record costs no more than a few allocations whatever it holds.

mod keep;
mod scan;

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

pub(crate) use keep::{Keep, Place};
use scan::{plain_run, unescape, word_length};

/// How deep values may nest; real resources stay below 20, and the parser recurses.
const MAX_DEPTH: usize = 128;

/// One JSON value, borrowing from the text it was read from and from the arena it was read into.
///
/// The tag is as wide as a word, here and wherever values are moved about for every element: a narrow one is followed by
/// what is not at home at whole words, and a processor that reads such bytes back at once has to wait for them.
#[derive(Clone, Copy, PartialEq)]
#[repr(usize)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// A number as it is written.
    Number(&'a str),
    String(&'a str),
    Array(&'a [Json<'a>]),
    Object(Object<'a>),
}

/// A JSON object: its kept members in their order, and where it stands in the text.
#[derive(Clone, Copy)]
pub(crate) struct Object<'a> {
    members: &'a [(&'a str, Json<'a>)],
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
    pub(crate) fn get(&self, name: &str) -> Option<&'a Json<'a>> {
        self.members.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The member's text, if it is a string.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name).and_then(Json::as_str)
    }

    /// The members in the order of the text.
    pub(crate) fn members(&self) -> &'a [(&'a str, Json<'a>)] {
        self.members
    }

    /// The bytes of the text that this object spans.
    pub(crate) fn span(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl<'a> Json<'a> {
    pub(crate) fn as_str(&self) -> Option<&'a str> {
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
    pub(crate) fn each(&'a self) -> &'a [Json<'a>] {
        match self {
            Json::Array(items) => items,
            Json::Null => &[],
            one => std::slice::from_ref(one),
        }
    }
}

/// Why a text is not JSON, and at which byte. Never says what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

const TOO_EARLY: &str = "the record ends too early";

/// Reads one JSON text (RFC 8259). A name that occurs twice in an object is an error, as FHIR requires, where it is kept.
pub(crate) fn parse<'a>(
    text: &'a str,
    keep: &Keep,
    arena: &'a Bump,
) -> Result<Json<'a>, JsonError> {
    let mut parser = Parser::new(text, keep, arena)?;
    parser.whole().map_err(|Stopped| parser.failure)
}

/// Reads the entries of a bundle that [`parse`] refused, up to the one that is damaged: of a text that was cut off, all
/// that came before is still good. Empty where it is no bundle.
pub(crate) fn parse_whole_entries<'a>(
    text: &'a str,
    keep: &Keep,
    arena: &'a Bump,
) -> Vec<Json<'a>> {
    let mut found = Vec::new();
    if let Ok(mut parser) = Parser::new(text, keep, arena) {
        parser.space();
        // The end of the good part is where an error comes; which one is known already.
        let _ = parser.entries(&mut found);
    }
    found
}

/// The parser cannot go on; why, [`Parser::failure`] says. It is apart so that a text that was read, or this, fits into
/// registers.
struct Stopped;

struct Parser<'a, 'k> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    keep: &'k Keep,
    arena: &'a Bump,
    /// Elements and members of what is open, until their number is known.
    items: ArenaVec<'a, Json<'a>>,
    members: ArenaVec<'a, (&'a str, Json<'a>)>,
    /// Why the parser stopped, once it has.
    failure: JsonError,
}

impl<'a, 'k> Parser<'a, 'k> {
    fn new(text: &'a str, keep: &'k Keep, arena: &'a Bump) -> Result<Parser<'a, 'k>, JsonError> {
        if u32::try_from(text.len()).is_err() {
            return Err(JsonError { at: 0, what: "the document is larger than 4 GiB" });
        }
        let items = ArenaVec::with_capacity_in(32, arena);
        let members = ArenaVec::with_capacity_in(64, arena);
        let failure = JsonError { at: 0, what: TOO_EARLY };
        Ok(Parser { text, bytes: text.as_bytes(), at: 0, keep, arena, items, members, failure })
    }

    #[cold]
    fn error(&mut self, what: &'static str) -> Stopped {
        self.stop(JsonError { at: self.at, what })
    }

    #[cold]
    fn stop(&mut self, failure: JsonError) -> Stopped {
        self.failure = failure;
        Stopped
    }

    /// What is wrong where `otherwise` says what was expected, unless the text just ends.
    #[cold]
    fn unexpected(&mut self, otherwise: &'static str) -> Stopped {
        self.error(if self.at < self.bytes.len() { otherwise } else { TOO_EARLY })
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// The one value that the text is.
    fn whole(&mut self) -> Result<Json<'a>, Stopped> {
        self.space();
        let value = self.value(Keep::ROOT, 0)?;
        self.space();
        match self.at == self.bytes.len() {
            true => Ok(value),
            false => Err(self.error("there is more text behind the end of the record")),
        }
    }

    fn value(&mut self, place: Place, depth: usize) -> Result<Json<'a>, Stopped> {
        if depth > MAX_DEPTH {
            return Err(self.error("values are nested too deeply"));
        }
        match self.peek() {
            Some(b'{') => self.object(place, depth).map(Json::Object),
            Some(b'[') => self.array(place, depth),
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Json::Number),
            Some(b't') => self.word("true").map(|()| Json::Bool(true)),
            Some(b'f') => self.word("false").map(|()| Json::Bool(false)),
            Some(b'n') => self.word("null").map(|()| Json::Null),
            _ => Err(self.unexpected("a value was expected")),
        }
    }

    fn array(&mut self, place: Place, depth: usize) -> Result<Json<'a>, Stopped> {
        let base = self.items.len();
        if self.open(b']') {
            return Ok(Json::Array(&[]));
        }
        loop {
            let item = self.value(place, depth + 1)?;
            self.items.push(item);
            if self.close(b']', "a comma or the end of an array was expected")? {
                break;
            }
        }
        let items = self.arena.alloc_slice_copy(&self.items[base..]);
        self.items.truncate(base);
        Ok(Json::Array(items))
    }

    fn object(&mut self, place: Place, depth: usize) -> Result<Object<'a>, Stopped> {
        let (start, base) = (self.at, self.members.len());
        if self.open(b'}') {
            return Ok(Object { members: &[], start: start as u32, end: self.at as u32 });
        }
        let place = match self.keep.is_resource(place) {
            true => self.keep.of_type(self.resource_type()),
            false => place,
        };
        loop {
            let key = self.key()?;
            match self.keep.below(place, key) {
                None => self.skip(depth + 1)?,
                Some(inner) => {
                    if self.members[base..].iter().any(|(known, _)| *known == key) {
                        return Err(self.error("an object has the same name twice"));
                    }
                    // Most values are texts, and go by a way on which they stay in registers.
                    if self.peek() == Some(b'"') {
                        let text = self.string()?;
                        self.members.push((key, Json::String(text)));
                    } else {
                        let value = self.value(inner, depth + 1)?;
                        self.members.push((key, value));
                    }
                }
            }
            if self.close(b'}', "a comma or the end of an object was expected")? {
                break;
            }
        }
        let members = self.arena.alloc_slice_copy(&self.members[base..]);
        self.members.truncate(base);
        Ok(Object { members, start: start as u32, end: self.at as u32 })
    }

    /// The type of the resource whose first member begins here, without moving; empty where it says none that can be
    /// read. It nearly always stands first.
    fn resource_type(&mut self) -> &'a str {
        let start = self.at;
        let found = self.find_type();
        self.at = start;
        found.unwrap_or_default()
    }

    fn find_type(&mut self) -> Result<&'a str, Stopped> {
        loop {
            let key = self.key()?;
            if key == "resourceType" && self.peek() == Some(b'"') {
                return self.string();
            }
            self.skip(1)?;
            if self.close(b'}', "")? {
                return Ok("");
            }
        }
    }

    /// Reads the elements of the member `entry` of the object that begins here into `found`, until one is damaged.
    fn entries(&mut self, found: &mut Vec<Json<'a>>) -> Result<(), Stopped> {
        if self.peek() != Some(b'{') || self.open(b'}') {
            return Ok(());
        }
        let bundle = self.keep.of_type("Bundle");
        loop {
            let key = self.key()?;
            match self.keep.below(bundle, key) {
                Some(entry) if key == "entry" && self.peek() == Some(b'[') => {
                    if self.open(b']') {
                        return Ok(());
                    }
                    loop {
                        found.push(self.value(entry, 2)?);
                        if self.close(b']', "")? {
                            return Ok(());
                        }
                    }
                }
                _ => self.skip(1)?,
            }
            if self.close(b'}', "")? {
                return Ok(());
            }
        }
    }

    /// Steps over an opening bracket; says whether the closing one follows, and steps over it too.
    #[inline]
    fn open(&mut self, close: u8) -> bool {
        self.at += 1;
        self.space();
        let empty = self.peek() == Some(close);
        self.at += usize::from(empty);
        empty
    }

    /// Steps over what stands behind an element: `false` at the next one, `true` behind the closing bracket.
    #[inline]
    fn close(&mut self, close: u8, otherwise: &'static str) -> Result<bool, Stopped> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(false)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.unexpected(otherwise)),
        }
    }

    /// Passes over a value that nobody reads, checking it all the same. Does not recurse: which brackets are open is
    /// held in bits, 1 for an object.
    fn skip(&mut self, depth: usize) -> Result<(), Stopped> {
        let (mut open, mut level) = (0u128, 0);
        loop {
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    if depth + level >= MAX_DEPTH {
                        return Err(self.error("values are nested too deeply"));
                    }
                    let object = bracket == b'{';
                    if !self.open(if object { b'}' } else { b']' }) {
                        open = open << 1 | u128::from(object);
                        level += 1;
                        if object {
                            self.skip_key()?;
                        }
                        continue;
                    }
                }
                Some(b'"') => drop(self.skip_string()?),
                Some(b'-' | b'0'..=b'9') => drop(self.number()?),
                Some(b't') => self.word("true")?,
                Some(b'f') => self.word("false")?,
                Some(b'n') => self.word("null")?,
                _ => return Err(self.unexpected("a value was expected")),
            }
            loop {
                if level == 0 {
                    return Ok(());
                }
                let (close, otherwise) = match open & 1 {
                    1 => (b'}', "a comma or the end of an object was expected"),
                    _ => (b']', "a comma or the end of an array was expected"),
                };
                if !self.close(close, otherwise)? {
                    break;
                }
                open >>= 1;
                level -= 1;
            }
            if open & 1 == 1 {
                self.skip_key()?;
            }
        }
    }

    /// Reads a member's name and the colon, and stops before the value.
    #[inline]
    fn key(&mut self) -> Result<&'a str, Stopped> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a name in quotes was expected"));
        }
        let key = self.string()?;
        self.colon()?;
        Ok(key)
    }

    #[inline]
    fn skip_key(&mut self) -> Result<(), Stopped> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a name in quotes was expected"));
        }
        self.skip_string()?;
        self.colon()
    }

    #[inline]
    fn colon(&mut self) -> Result<(), Stopped> {
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("a colon was expected"));
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    #[inline]
    fn string(&mut self) -> Result<&'a str, Stopped> {
        let start = self.at + 1;
        let escaped = self.skip_string()?;
        let text = &self.text[start..self.at - 1];
        Ok(if escaped { self.arena.alloc_str(&unescape(text)) } else { text })
    }

    /// Passes over a string, checks its escapes, and says whether it has any.
    #[inline]
    fn skip_string(&mut self) -> Result<bool, Stopped> {
        self.at += 1;
        let mut escaped = false;
        loop {
            self.at += plain_run(&self.bytes[self.at..]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    let length = scan::escape(self.bytes, self.at);
                    self.at += length.map_err(|failure| self.stop(failure))?;
                }
                Some(_) => return Err(self.error("a control character stands in a text")),
                None => return Err(self.error(TOO_EARLY)),
            }
        }
    }

    fn number(&mut self) -> Result<&'a str, Stopped> {
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

    fn digits(&mut self) -> Result<(), Stopped> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        match self.at > start {
            true => Ok(()),
            false => Err(self.error("a digit was expected")),
        }
    }

    fn word(&mut self, word: &'static str) -> Result<(), Stopped> {
        match word_length(&self.bytes[self.at..], word) {
            Some(length) => {
                self.at += length;
                Ok(())
            }
            None => Err(self.error("a value was expected")),
        }
    }
}

#[cfg(test)]
mod tests;
