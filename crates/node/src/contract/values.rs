//! Values of contracts as people write and read them.

use alloy::dyn_abi::{DynSolValue, Specifier};
use alloy::json_abi::{Function, Param};
use alloy::primitives::Address;
use serde_json::{Map, Value, json};

use super::accounts::{address_of, name_of};
use crate::error::{NodeError, Result};
use crate::node::Node;

/// A function with the names of its arguments, as it is spoken of: `pay(address token, uint256 amount)`.
pub(super) fn spoken(function: &Function) -> String {
    let arguments: Vec<String> = function
        .inputs
        .iter()
        .map(|input| format!("{} {}", kind(input), input.name).trim_end().to_owned())
        .collect();
    format!("{}({})", function.name, arguments.join(", "))
}

/// A type, a struct's with the names of its fields.
pub(super) fn kind(param: &Param) -> String {
    let Some(array) = param.ty.strip_prefix("tuple") else { return param.ty.clone() };
    let fields: Vec<String> =
        param.components.iter().map(|field| format!("{} {}", kind(field), field.name)).collect();
    format!("({}){array}", fields.join(", "))
}

/// Arguments as people write them: numbers (also `1e18` and `1.5 ether`), `true`, text, hex, `[a, b]` for lists, `(a, b)`
/// for structs; an address also as the name of a contract, a party, a member or an officer, with `@` inside of others.
pub(super) fn read_arguments(
    node: &Node,
    function: &Function,
    texts: &[String],
) -> Result<Vec<DynSolValue>> {
    let read = |(input, text): (&Param, &String)| {
        let wrong = |why: String| {
            NodeError::Definition(format!(
                "`{text}` is no {} for `{}` of {}: {why}",
                kind(input),
                input.name,
                function.name
            ))
        };
        if input.ty == "address" {
            return address_of(node, text.trim_start_matches('@')).map(DynSolValue::Address);
        }
        if input.ty == "string" && !text.starts_with('"') {
            return Ok(DynSolValue::String(text.clone()));
        }
        let text = with_addresses(node, text)?;
        let wanted = input.resolve().map_err(|error| wrong(error.to_string()))?;
        wanted.coerce_str(&text).map_err(|error| wrong(error.to_string()))
    };
    function.inputs.iter().zip(texts).map(read).collect()
}

/// The text with each `@name` as its address.
fn with_addresses(node: &Node, text: &str) -> Result<String> {
    let mut parts = text.split('@');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find([',', ')', ']', ' ']).unwrap_or(part.len());
        let (name, rest) = part.split_at(end);
        out.push_str(&address_of(node, name)?.to_string());
        out.push_str(rest);
    }
    Ok(out)
}

/// Results by their names, or by their places where they have none.
pub(super) fn fields(params: &[Param], values: &[DynSolValue]) -> Value {
    let mut object = Map::new();
    for (index, (param, value)) in params.iter().zip(values).enumerate() {
        let name = if param.name.is_empty() { index.to_string() } else { param.name.clone() };
        object.insert(name, as_json(&param.components, value));
    }
    Value::Object(object)
}

/// A value as JSON: numbers as decimal text, so that none is cut; structs as objects.
pub(super) fn as_json(components: &[Param], value: &DynSolValue) -> Value {
    match value {
        DynSolValue::Bool(flag) => json!(flag),
        DynSolValue::Int(number, _) => json!(number.to_string()),
        DynSolValue::Uint(number, _) => json!(number.to_string()),
        DynSolValue::FixedBytes(word, size) => {
            json!(format!("0x{}", alloy::hex::encode(&word[..*size])))
        }
        DynSolValue::Address(address) => json!(address),
        DynSolValue::Function(function) => json!(function),
        DynSolValue::Bytes(bytes) => json!(format!("0x{}", alloy::hex::encode(bytes))),
        DynSolValue::String(text) => json!(text),
        DynSolValue::Array(all) | DynSolValue::FixedArray(all) => {
            all.iter().map(|one| as_json(components, one)).collect()
        }
        DynSolValue::Tuple(all) if components.len() == all.len() => fields(components, all),
        DynSolValue::Tuple(all) => all.iter().map(|one| as_json(&[], one)).collect(),
        // Of the JSON representation of a struct with names, which only EIP-712 has.
        DynSolValue::CustomStruct { tuple, .. } => {
            tuple.iter().map(|one| as_json(&[], one)).collect()
        }
    }
}

/// A value in words: an account with its name.
pub(super) fn words(node: &Node, param: &Param, value: &DynSolValue) -> String {
    said(node, &as_json(&param.components, value))
}

pub(super) fn said(node: &Node, value: &Value) -> String {
    match value {
        Value::String(text) => match text.parse::<Address>() {
            Ok(address) if text.len() == 42 => match name_of(node, address) {
                Some(name) => format!("{name} ({address})"),
                None => text.clone(),
            },
            _ => text.clone(),
        },
        Value::Array(all) => {
            let all: Vec<String> = all.iter().map(|one| said(node, one)).collect();
            format!("[{}]", all.join(", "))
        }
        Value::Object(fields) => {
            let all: Vec<String> =
                fields.iter().map(|(name, one)| format!("{name}: {}", said(node, one))).collect();
            format!("({})", all.join(", "))
        }
        other => other.to_string(),
    }
}
