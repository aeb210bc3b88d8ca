//! The constants of a view: JSON to values, checked against the types that they are given.

use serde_json::Value;

use crate::view::decimal::Decimal;
use crate::view::path::Literal;
use crate::view::temporal::{Kind, Temporal};

/// The value of a constant of the type that its element is named after, `Code` of `valueCode`, in the form that FHIR
/// gives the type (FHIR R4, 2.24.0.1; integer64 as in R5). The error says what would be right.
pub(super) fn literal(of: &str, value: &Value) -> Result<Literal, &'static str> {
    let written = |read: fn(&str) -> Option<Temporal>| {
        value.as_str().and_then(|text| Some(read(text)?.into_written(text)))
    };
    let moment = |fits: fn(&Temporal) -> bool| written(Temporal::parse).filter(fits);
    let text = |fits: fn(&str) -> bool| {
        let text = value.as_str().filter(|text| fits(text));
        text.map(|text| Literal::String(text.into()))
    };
    let (literal, right) = match of {
        "Boolean" => (value.as_bool().map(Literal::Bool), "true or false was expected"),
        "Integer" => (whole(value, i32::MIN), "a whole number of 32 bits was expected"),
        "PositiveInt" => (whole(value, 1), "a whole number from 1 to 2147483647 was expected"),
        "UnsignedInt" => (whole(value, 0), "a whole number from 0 to 2147483647 was expected"),
        "Integer64" => {
            // FHIR writes it as a text, for JSON readers whose numbers do not reach so far.
            let value = value.as_i64().or_else(|| value.as_str()?.parse().ok());
            (value.map(Literal::Integer), "a whole number of 64 bits was expected")
        }
        "Decimal" => (decimal(value), "a number was expected"),
        "Date" => (
            moment(|value| value.kind() == Kind::Date).map(Literal::Temporal),
            "a date without a time was expected, such as 2020-01-31, 2020-01 or 2020",
        ),
        "DateTime" => (
            moment(|value| value.kind() == Kind::Date || value.is_instant())
                .map(|value| Literal::Temporal(value.into_date_time())),
            "a date was expected, or one with a time to the second and its offset, such as 2020-01-31T12:00:00+01:00",
        ),
        "Instant" => (
            moment(Temporal::is_instant).map(Literal::Temporal),
            "a date with a time to the second and its offset was expected, such as 2020-01-31T12:00:00Z",
        ),
        "Time" => (
            written(Temporal::parse_time).map(Literal::Temporal),
            "a time was expected, such as 12:00:00",
        ),
        "String" | "Markdown" | "Base64Binary" => (text(|_| true), "a text was expected"),
        "Code" => (text(is_code), "a text was expected that neither begins nor ends with a space"),
        "Id" => (text(is_id), "1 to 64 letters, digits, hyphens and dots were expected"),
        "Uri" | "Url" | "Canonical" => (text(is_uri), "a text without spaces was expected"),
        "Uuid" => (text(is_uuid), "urn:uuid: and a UUID were expected"),
        "Oid" => (text(is_oid), "urn:oid: and an OID were expected"),
        _ => (None, "constants of this type are not supported"),
    };
    literal.ok_or(right)
}

/// A whole number from `least` to the greatest of 32 bits.
fn whole(value: &Value, least: i32) -> Option<Literal> {
    let value = value.as_i64().and_then(|value| i32::try_from(value).ok());
    value.filter(|value| *value >= least).map(|value| Literal::Integer(value.into()))
}

fn decimal(value: &Value) -> Option<Literal> {
    match value {
        Value::Number(number) => Decimal::parse(&number.to_string()).map(Literal::Decimal),
        _ => None,
    }
}

/// Words with single spaces between them.
fn is_code(text: &str) -> bool {
    text.split(char::is_whitespace).all(|word| !word.is_empty())
}

fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

fn is_uri(text: &str) -> bool {
    !text.contains(char::is_whitespace)
}

fn is_uuid(text: &str) -> bool {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    text.strip_prefix("urn:uuid:").is_some_and(|uuid| {
        let groups = uuid.split('-').map(str::len);
        groups.eq(GROUPS) && uuid.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
    })
}

fn is_oid(text: &str) -> bool {
    text.strip_prefix("urn:oid:").is_some_and(|oid| {
        let mut arcs = oid.split('.');
        arcs.clone().count() > 1
            && arcs.next().is_some_and(|first| ["0", "1", "2"].contains(&first))
            && arcs.all(|arc| !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit()))
    })
}
