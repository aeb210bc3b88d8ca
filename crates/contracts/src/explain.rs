//! Turns what a contract reverts with into words.

use alloy::dyn_abi::{DynSolValue, JsonAbiExt};
use alloy::sol_types::{Panic, Revert, SolError};

use crate::catalog;
use crate::words::{date, usdc};

/// A revert in words: the law for `Blocked(law)`, the message of a plain `require`, a sentence where people meet the
/// error often, otherwise the error's name and arguments. `None` where no contract of ours reverts so.
pub fn explain(data: &[u8]) -> Option<String> {
    if let Ok(revert) = Revert::abi_decode(data) {
        return Some(revert.reason);
    }
    if let Ok(panic) = Panic::abi_decode(data) {
        return Some(panic.to_string());
    }
    let selector = data.get(..4)?;
    catalog::contracts().iter().find_map(|contract| {
        let error = contract.abi.errors().find(|error| error.selector() == selector)?;
        let values = error.abi_decode_input(&data[4..]).ok()?;
        Some(sentence(&error.name, &values).unwrap_or_else(|| {
            let arguments: Vec<String> = error
                .inputs
                .iter()
                .zip(&values)
                .map(|(input, value)| argument(&error.name, &input.name, value))
                .collect();
            format!("{}({})", error.name, arguments.join(", "))
        }))
    })
}

/// What people do wrong most often, as a sentence.
fn sentence(error: &str, values: &[DynSolValue]) -> Option<String> {
    use DynSolValue::{Address, String as Text, Uint};
    Some(match (error, values) {
        ("Blocked", [Text(law)]) => format!("Blocked by: {law}"),
        ("CircuitBreaker_Paused", [Uint(scope, _), _]) => {
            format!("Paused by the guardian: {}", scope_name(scope.to()))
        }
        ("CircuitBreaker_CoolingDown", [Uint(scope, _), Uint(from, _)]) => format!(
            "{} is paused or was paused lately, and a guardian can pause it again from {} only",
            scope_name(scope.to()),
            date(from.saturating_to())
        ),
        (
            "LicenceMarket_NotLive" | "ComputeMarket_NotLive" | "HealthDataPool_NotDeposited",
            [Uint(dataset, _)],
        ) => format!("dataset {dataset} is not in the pool"),
        (
            "HealthDataPool_NotCustodian" | "HealthDataPool_NotDepositor",
            [Uint(dataset, _), Address(_)],
        ) => format!("dataset {dataset} belongs to another custodian"),
        ("HealthDataPool_JobsOpen", [Uint(dataset, _), Uint(jobs, _)]) => {
            format!("{jobs} question(s) to dataset {dataset} are still open")
        }
        ("LicencePass_Expired", [Uint(pass, _), Uint(expiry, _)]) => {
            format!("licence {pass} ended on {}", date(expiry.saturating_to()))
        }
        (
            "LicenceMarket_BadDatasetCount" | "ComputeMarket_BadDatasetCount",
            [Uint(count, _), Uint(maximum, _)],
        ) => format!("{count} datasets were named, and at least 1 and at most {maximum} can be"),
        ("ERC20InsufficientBalance", [Address(holder), Uint(held, _), Uint(needed, _)]) => {
            format!("{holder} holds {} USDC and needs {}", usdc(*held), usdc(*needed))
        }
        ("GovernorInsufficientProposerVotes", [Address(proposer), ..]) => format!(
            "{proposer} has no vote yet; a membership counts from the second after joining on"
        ),
        _ => return None,
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

/// An argument with its name: moments as dates, spans in days or seconds, money in USDC.
fn argument(error: &str, name: &str, value: &DynSolValue) -> String {
    let text = match value {
        DynSolValue::String(text) => text.clone(),
        DynSolValue::Uint(number, _) => match unit(error, name) {
            Unit::Moment => date(number.saturating_to()),
            Unit::Span => format!("{number} seconds"),
            Unit::Money => format!("{} USDC", usdc(*number)),
            Unit::Count => number.to_string(),
        },
        DynSolValue::Int(number, _) => number.to_string(),
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::Bool(flag) => flag.to_string(),
        DynSolValue::FixedBytes(word, size) => format!("0x{}", alloy::hex::encode(&word[..*size])),
        other => format!("{other:?}"),
    };
    if name.is_empty() { text } else { format!("{name}: {text}") }
}

/// What a number in an error of ours counts.
enum Unit {
    Moment,
    Span,
    Money,
    Count,
}

/// The unit of an argument, by its name and by the errors whose amounts are USDC (`common/Errors.sol`,
/// `common/MarketErrors.sol`).
fn unit(error: &str, name: &str) -> Unit {
    const OF_MONEY: [&str; 7] = [
        "Payments_ShortPayment",
        "LicenceMarket_PriceAboveMaximum",
        "ComputeMarket_FeeAboveMaximum",
        "RevenueSplitter_NotFunded",
        "RevenueSplitter_AboveReserve",
        "MemberClaims_BadTotal",
        "MemberClaims_AboveTotal",
    ];
    match name {
        "deadline" | "until" | "expiry" | "issuedAt" | "expiresAt" => Unit::Moment,
        "duration" | "maximumAge" | "term" | "window" => Unit::Span,
        "maximum" if error == "CircuitBreaker_BadDuration" => Unit::Span,
        "datasetId" => Unit::Count,
        _ if OF_MONEY.contains(&error) => Unit::Money,
        _ => Unit::Count,
    }
}
