//! Turns what a contract reverts with into words.

use alloy::dyn_abi::{DynSolValue, JsonAbiExt};
use alloy::json_abi::JsonAbi;
use alloy::sol_types::{Panic, Revert, SolError};

use crate::ARTIFACTS;

/// A revert in words: the law for `Blocked(law)`, the message of a plain `require`, otherwise the error's name and
/// arguments. `None` where no contract of ours reverts so.
pub fn explain(data: &[u8]) -> Option<String> {
    if let Ok(revert) = Revert::abi_decode(data) {
        return Some(revert.reason);
    }
    if let Ok(panic) = Panic::abi_decode(data) {
        return Some(panic.to_string());
    }
    let selector = data.get(..4)?;
    ARTIFACTS.iter().find_map(|(_, artifact)| {
        let abi = abi(artifact);
        let error = abi.errors().find(|error| error.selector() == selector)?;
        let values = error.abi_decode_input(&data[4..]).ok()?;
        if let ("Blocked", [DynSolValue::String(law)]) = (error.name.as_str(), values.as_slice()) {
            return Some(format!("Blocked by: {law}"));
        }
        if let ("CircuitBreaker_Paused", [DynSolValue::Uint(scope, _), _]) =
            (error.name.as_str(), values.as_slice())
        {
            return Some(format!("Paused by the guardian: {}", scope_name(scope.to::<u64>())));
        }
        let arguments: Vec<String> = error
            .inputs
            .iter()
            .zip(&values)
            .map(|(input, value)| argument(&input.name, value))
            .collect();
        Some(format!("{}({})", error.name, arguments.join(", ")))
    })
}

/// `Scopes` in the contracts.
fn scope_name(scope: u64) -> &'static str {
    match scope {
        1 => "minting",
        2 => "deposits",
        4 => "trading",
        8 => "jobs",
        _ => "several parts",
    }
}

fn abi(artifact: &str) -> JsonAbi {
    let artifact: serde_json::Value =
        serde_json::from_str(artifact).expect("committed artifacts are JSON");
    serde_json::from_value(artifact["abi"].clone()).expect("committed artifacts hold an ABI")
}

fn argument(name: &str, value: &DynSolValue) -> String {
    let text = match value {
        DynSolValue::String(text) => text.clone(),
        DynSolValue::Uint(number, _) => number.to_string(),
        DynSolValue::Int(number, _) => number.to_string(),
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::Bool(flag) => flag.to_string(),
        DynSolValue::FixedBytes(word, size) => format!("0x{}", alloy::hex::encode(&word[..*size])),
        other => format!("{other:?}"),
    };
    if name.is_empty() { text } else { format!("{name}: {text}") }
}
