//! Rows as they come, inside the one JSON object that `--json` promises: however many they are, none is held.

use std::io::{self, Write};

use serde_json::{Map, Value};

/// Lines of JSON as the items of the list `rows`, in an object that [`Rows::finish`] ends.
pub struct Rows<W: Write> {
    inner: W,
    /// Whether the object has begun.
    begun: bool,
    /// Whether a line has ended, so that a comma comes before the next.
    between: bool,
}

impl<W: Write> Rows<W> {
    /// Writes nothing yet.
    pub fn new(inner: W) -> Rows<W> {
        Rows { inner, begun: false, between: false }
    }

    /// Whether anything was written, so that the object must be ended.
    pub fn has_begun(&self) -> bool {
        self.begun
    }

    /// Ends the list, adds the other members and ends the object.
    ///
    /// # Errors
    /// What the output refuses.
    pub fn finish(mut self, others: &Map<String, Value>) -> io::Result<()> {
        self.begin()?;
        self.inner.write_all(b"]")?;
        for (name, value) in others {
            write!(self.inner, ",{}:{value}", Value::from(name.as_str()))?;
        }
        self.inner.write_all(b"}\n")?;
        self.inner.flush()
    }

    fn begin(&mut self) -> io::Result<()> {
        if !self.begun {
            self.inner.write_all(b"{\"rows\":[")?;
            self.begun = true;
        }
        Ok(())
    }
}

impl<W: Write> Write for Rows<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.begin()?;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if std::mem::take(&mut self.between) {
                self.inner.write_all(b",")?;
            }
            // A line break within a text is escaped, so that this one ends a row.
            match line.strip_suffix(b"\n") {
                Some(row) => {
                    self.inner.write_all(row)?;
                    self.between = true;
                }
                None => self.inner.write_all(line)?,
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn lines_cut_anywhere_become_the_list(rows in prop::collection::vec(".{0,12}", 0..8), cut in 1_usize..9) {
            let rows: Vec<Value> = rows.into_iter().map(|text| json!({ "v": text })).collect();
            let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
            let mut out = Vec::new();
            let mut writer = Rows::new(&mut out);
            lines.as_bytes().chunks(cut).for_each(|piece| writer.write_all(piece).unwrap());
            writer.finish(json!({ "row_count": rows.len() }).as_object().unwrap()).unwrap();
            let found: Value = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(found, json!({ "rows": rows, "row_count": rows.len() }));
        }
    }
}
