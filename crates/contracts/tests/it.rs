//! What the artifacts say of themselves, in words. These tests stand outside of the library, so that its bindings, which take a
//! minute to compile, are compiled once.

#![allow(clippy::unwrap_used, reason = "tests")]

use alloy::primitives::{Address, U256};
use alloy::sol_types::SolError;
use caduceus_contracts::catalog::{CompilerInput, Place, contract, contracts, incompatibility};
use caduceus_contracts::words::{date, usdc};
use caduceus_contracts::{ARTIFACTS, CircuitBreaker, LicenceMarket, TestUSDC, explain};
use serde_json::Value;

#[test]
fn times_in_errors_are_dates_and_money_is_usdc() {
    let cooling =
        CircuitBreaker::CircuitBreaker_CoolingDown { scope: U256::from(4), from: 1_775_044_800 };
    let text = explain(&cooling.abi_encode()).unwrap_or_default();
    assert!(text.contains("trading") && text.contains("2026-04-01T12:00:00Z"), "{text}");

    let late = LicenceMarket::LicenceMarket_OrderExpired { deadline: 1_775_044_800 };
    let text = explain(&late.abi_encode());
    assert_eq!(text.as_deref(), Some("LicenceMarket_OrderExpired(deadline: 2026-04-01T12:00:00Z)"));

    let dear = LicenceMarket::LicenceMarket_PriceAboveMaximum {
        price: U256::from(12_500_000),
        maximum: U256::from(1),
    };
    let text = explain(&dear.abi_encode()).unwrap_or_default();
    assert!(text.contains("price: 12.50 USDC, maximum: 0.000001 USDC"), "{text}");

    let poor = TestUSDC::ERC20InsufficientBalance {
        sender: Address::ZERO,
        balance: U256::from(1_000_000),
        needed: U256::from(30_000_000),
    };
    let text = explain(&poor.abi_encode()).unwrap_or_default();
    assert!(text.ends_with("holds 1.00 USDC and needs 30.00"), "{text}");
}

#[test]
fn money_keeps_every_digit_and_times_are_dates() {
    assert_eq!(usdc(U256::from(12_500_000_u64)), "12.50");
    assert_eq!(usdc(U256::from(0_u64)), "0.00");
    assert_eq!(usdc(U256::from(1_u64)), "0.000001");
    assert_eq!(usdc(U256::from(1_234_567_u64)), "1.234567");
    assert_eq!(date(0), "1970-01-01T00:00:00Z");
    assert_eq!(date(1_775_044_800), "2026-04-01T12:00:00Z");
    assert_eq!(date(u64::MAX), format!("second {} after 1970", u64::MAX));
}

fn place(name: &str, members: &[&str]) -> Place {
    Place { place: name.into(), members: members.iter().map(|one| (*one).into()).collect() }
}

#[test]
fn code_may_keep_more_and_nothing_else() {
    let before = [place("a", &["x: uint256", "y: address"]), place("b", &[])];
    let more = [place("b", &["z: bool"]), place("a", &["x: uint256", "y: address", "w: bool"])];
    assert_eq!(incompatibility(&before, &more), None);
    let refusals = [
        (vec![place("a", &["x: uint256", "y: address"])], "b is no longer there"),
        (vec![place("a", &["x: uint256"]), place("b", &[])], "a no longer has `y: address`"),
        (
            vec![place("a", &["y: address", "x: uint256"]), place("b", &[])],
            "a has `y: address` where `x: uint256` is kept",
        ),
    ];
    for (after, why) in refusals {
        assert_eq!(incompatibility(&before, &after).as_deref(), Some(why));
    }
}

#[test]
fn every_contract_says_what_it_keeps_and_how_it_was_compiled() {
    for (contract, (_, artifact)) in contracts().iter().zip(ARTIFACTS) {
        assert!(contract.bytecode.len() > 100, "{}", contract.name);
        let CompilerInput { version, target, input } = contract.compiler_input();
        assert!(version.starts_with("0.8."), "{}: {version}", contract.name);
        let (path, name) = target.rsplit_once(':').unwrap();
        assert_eq!(name, contract.name);
        let sources = input["sources"].as_object().unwrap();
        assert!(sources[path]["content"].as_str().unwrap().contains(name), "{name}");
        let artifact: Value = serde_json::from_str(artifact).unwrap();
        let listed = artifact["compiler"]["sources"].as_array().unwrap();
        assert_eq!(sources.len(), listed.len(), "{name}");
    }
    let lending = contract("DatasetLending").unwrap();
    let own = lending.storage.iter().find(|one| one.place.ends_with("DatasetLending"));
    assert!(own.unwrap().members[0].starts_with("loans: mapping(uint256 => ("));
}

#[test]
fn every_function_that_changes_something_is_documented() {
    for contract in contracts() {
        for function in contract.changing() {
            let about = contract.about(function);
            let signature = function.signature();
            // OpenZeppelin's receivers of tokens say what they are by their names.
            let said = !about.notice.is_empty() || !about.details.is_empty();
            assert!(
                said || signature.starts_with("onERC"),
                "{}.{signature} says nothing",
                contract.name
            );
        }
    }
}
