//! Every function of every contract can be found, asked for and looked ahead on.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use alloy::json_abi::{Function, Param};
use alloy::primitives::U256;
use caduceus_contracts::catalog;
use caduceus_node::{Home, Node, Reporter, contract};

/// An argument of this type, as a person would write it.
fn written(param: &Param) -> String {
    if param.ty.ends_with("[]") {
        return "[]".into();
    }
    match param.ty.as_str() {
        "address" => "@relay".into(),
        "bool" => "true".into(),
        "string" => "\"text\"".into(),
        "bytes" => "0x".into(),
        "tuple" => {
            let fields: Vec<String> = param.components.iter().map(written).collect();
            format!("({})", fields.join(","))
        }
        bytes if bytes.starts_with("bytes") => {
            format!("0x{}", "01".repeat(bytes[5..].parse().unwrap()))
        }
        _ => "1".into(),
    }
}

fn arguments(function: &Function) -> Vec<String> {
    function.inputs.iter().map(written).collect()
}

#[tokio::test]
async fn every_function_that_changes_something_is_listed_and_can_be_looked_ahead_on() {
    let dir = tempfile::tempdir().unwrap();
    let seed = Home::seed_from(5);
    let node = Node::create(dir.path(), None, Some(seed), Reporter::new(|_| {})).await.unwrap();
    let (relay, mut shown, mut passed) = (contract::sender(&node, "relay").unwrap(), 0, 0);
    for described in contract::contracts(&node) {
        let listed = contract::functions(&described.name, None).unwrap();
        for function in catalog::contract(&described.name).unwrap().changing() {
            let name = function.signature();
            let entry = listed.iter().find(|one| one.name == name);
            assert_eq!(entry.unwrap().changes, Some(true), "{}.{name}", described.name);
            let call =
                contract::prepare(&node, &described.name, &name, &arguments(function), U256::ZERO);
            let call = call.unwrap_or_else(|error| panic!("{}.{name}: {error}", described.name));
            assert!(call.in_words(&node)[0].starts_with(&described.name));
            let outlook = contract::look_ahead(&node, &call, relay.address()).await.unwrap();
            assert_eq!(outlook.succeeds, outlook.refusal.is_none(), "{}.{name}", described.name);
            assert_eq!(outlook.succeeds, outlook.gas.is_some(), "{}.{name}", described.name);
            assert_eq!(outlook.succeeds, outlook.events.is_some(), "{}.{name}", described.name);
            shown += 1;
            passed += u32::from(outlook.succeeds);
        }
    }
    assert!(shown > 350, "{shown} functions");
    // Most refuse a stranger with arguments of ones; some do not mind.
    assert!(passed > 10, "{passed} of {shown} would go through");
}
