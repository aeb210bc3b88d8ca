//! The JSON Canonicalization Scheme (RFC 8785).

use serde_json::{Number, Value};

/// The one text of a value: no white space, members in the order of their names' UTF-16 units, texts with the fewest
/// escapes, numbers as ECMAScript writes them.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&number_text(number)),
        Value::String(text) => push_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (position, (name, value)) in sorted.into_iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                push_text(name, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
    }
}

/// `serde_json` escapes exactly what section 3.2.2.2 asks for, in the same form.
fn push_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).expect("a text is JSON"));
}

/// Section 3.2.2.3: `Number::toString` of ECMAScript, which breaks a tie between two shortest texts towards the even one.
fn number_text(number: &Number) -> String {
    match number.as_i64() {
        // Up to 2^53 both ways of writing are the same.
        Some(whole) if whole.unsigned_abs() <= 1 << 53 => whole.to_string(),
        _ => match number.as_f64().filter(|value| value.is_finite()) {
            Some(value) => ryu_js::Buffer::new().format_finite(value).to_owned(),
            None => number.to_string(),
        },
    }
}
