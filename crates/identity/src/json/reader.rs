//! The strict reader. It walks objects and lists itself, to count and to compare; texts and numbers go to `serde_json`.

use serde_json::{Map, Number, Value};

use super::{JsonError, Limits};

/// The largest whole number that a double holds with all its neighbours.
const MAX_SAFE: u64 = (1 << 53) - 1;

pub(super) fn read(text: &str, limits: Limits) -> Result<Value, JsonError> {
    if text.len() > limits.bytes {
        return Err(JsonError::TooLong(limits.bytes));
    }
    let mut reader = Reader { text, at: 0, depth: limits.depth };
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.at == text.len() { Ok(value) } else { Err(reader.malformed()) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn malformed(&self) -> JsonError {
        JsonError::Malformed(self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes `byte` after white space, where it is next.
    fn takes(&mut self, byte: u8) -> bool {
        self.skip_space();
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.takes(byte) { Ok(()) } else { Err(self.malformed()) }
    }

    fn value(&mut self, level: usize) -> Result<Value, JsonError> {
        self.skip_space();
        match self.peek() {
            Some(b'{' | b'[') if level == self.depth => Err(JsonError::TooDeep(self.depth)),
            Some(b'{') => self.object(level + 1).map(Value::Object),
            Some(b'[') => self.list(level + 1).map(Value::Array),
            Some(b'"') => self.string().map(Value::String),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            _ => Err(self.malformed()),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, JsonError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.malformed());
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self, level: usize) -> Result<Map<String, Value>, JsonError> {
        let mut members = Map::new();
        self.expect(b'{')?;
        if self.takes(b'}') {
            return Ok(members);
        }
        loop {
            self.skip_space();
            let begins = self.at;
            let name = self.string()?;
            self.expect(b':')?;
            let value = self.value(level)?;
            if members.insert(name, value).is_some() {
                return Err(JsonError::Repeated(begins));
            }
            if !self.takes(b',') {
                return self.expect(b'}').map(|()| members);
            }
        }
    }

    fn list(&mut self, level: usize) -> Result<Vec<Value>, JsonError> {
        let mut items = Vec::new();
        self.expect(b'[')?;
        if self.takes(b']') {
            return Ok(items);
        }
        loop {
            items.push(self.value(level)?);
            if !self.takes(b',') {
                return self.expect(b']').map(|()| items);
            }
        }
    }

    fn string(&mut self) -> Result<String, JsonError> {
        let begins = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.malformed());
        }
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(self.malformed()),
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        let literal = self.text.get(begins..self.at).ok_or(JsonError::Malformed(begins))?;
        serde_json::from_str(literal).map_err(|_| JsonError::Malformed(begins))
    }

    fn number(&mut self) -> Result<Number, JsonError> {
        let begins = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        let literal = &self.text[begins..self.at];
        // The grammar is checked by the library, which also refuses what is past the range of doubles.
        serde_json::from_str::<Number>(literal).map_err(|_| JsonError::Malformed(begins))?;
        if literal.contains(['.', 'e', 'E']) {
            let value = literal.parse().ok().and_then(Number::from_f64);
            return value.ok_or(JsonError::Number(begins));
        }
        let whole = literal.parse::<i64>().ok().filter(|whole| whole.unsigned_abs() <= MAX_SAFE);
        whole.map(Number::from).ok_or(JsonError::Number(begins))
    }
}
