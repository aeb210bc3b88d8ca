//! What a call would do, before it is sent.

use std::collections::BTreeMap;

use alloy::dyn_abi::EventExt;
use alloy::json_abi::Param;
use alloy::primitives::{Address, I256, Log, LogData, U256};
use alloy::providers::Provider;
use alloy::sol_types::SolEvent;
use alloy::transports::RpcError;
use caduceus_contracts::DataToken::Transfer;
use caduceus_contracts::catalog;
use caduceus_contracts::words::amount;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::accounts::name_of;
use super::values::{as_json, said};
use super::{Call, reason, refused};
use crate::error::Result;
use crate::node::Node;

/// What a call would do.
#[derive(Clone, Debug, Serialize)]
pub struct Outlook {
    /// The contract and the function.
    pub call: String,
    /// Who would call.
    pub sender: Address,
    /// Whether it would go through.
    pub succeeds: bool,
    /// Why it would not, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// The gas limit that it needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gas: Option<u64>,
    /// What the contracts would log; `None` where the chain cannot look ahead.
    pub events: Option<Vec<Event>>,
    /// Who would have more or less of which token; `None` where the chain cannot look ahead.
    pub movements: Option<Vec<Movement>>,
}

/// What a contract logged.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// The contract's name, or its address where it is none of ours.
    pub contract: String,
    /// The event's name.
    pub name: String,
    /// Its fields.
    pub fields: Value,
}

/// What an account has more or less of.
#[derive(Clone, Debug, Serialize)]
pub struct Movement {
    /// The account.
    pub account: Address,
    /// Its name in this home.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The token's contract.
    pub token: &'static str,
    /// By how much, signed, as a decimal.
    pub change: String,
}

impl Event {
    /// As a sentence.
    pub fn in_words(&self, node: &Node) -> String {
        format!("{}.{} {}", self.contract, self.name, said(node, &self.fields))
    }
}

impl Movement {
    /// As a sentence.
    pub fn in_words(&self) -> String {
        let account = self.account.to_string();
        format!("{}: {} {}", self.name.as_ref().unwrap_or(&account), self.change, self.token)
    }
}

impl Outlook {
    /// As sentences.
    pub fn in_words(&self, node: &Node) -> Vec<String> {
        let sender = said(node, &json!(self.sender));
        let mut lines = vec![match (&self.refusal, self.gas) {
            (Some(refusal), _) => format!("sent by {sender} it would be refused: {refusal}"),
            (None, Some(gas)) => format!("sent by {sender} it would go through, with {gas} gas"),
            (None, None) => format!("sent by {sender} it would go through"),
        }];
        let events = self.events.iter().flatten();
        lines.extend(events.map(|event| format!("  {}", event.in_words(node))));
        let movements = self.movements.iter().flatten();
        lines.extend(movements.map(|movement| format!("  {}", movement.in_words())));
        lines
    }
}

/// What nodes answer to `eth_simulateV1`, as far as it is used.
#[derive(Debug, Deserialize)]
struct Block {
    calls: Vec<Done>,
}

#[derive(Debug, Deserialize)]
struct Done {
    #[serde(default)]
    logs: Vec<Logged>,
}

#[derive(Debug, Deserialize)]
struct Logged {
    address: Address,
    #[serde(flatten)]
    data: LogData,
}

/// What a call by `sender` would do; sends nothing.
///
/// # Errors
/// Where the ledger does not answer. That a contract refuses is an answer.
pub async fn look_ahead(node: &Node, call: &Call, sender: Address) -> Result<Outlook> {
    let request = call.request(sender);
    let mut outlook = Outlook {
        call: call.name(),
        sender,
        succeeds: false,
        refusal: None,
        gas: None,
        events: None,
        movements: None,
    };
    match node.provider.estimate_gas(request.clone()).await {
        Ok(gas) => outlook.gas = Some(gas),
        Err(RpcError::ErrorResp(payload)) => {
            let said = payload.as_revert_data().and_then(|data| reason(&data));
            outlook.refusal = Some(said.unwrap_or_else(|| payload.message.to_string()));
            return Ok(outlook);
        }
        Err(error) => return Err(refused(&call.name(), error)),
    }
    outlook.succeeds = true;
    let wanted = json!({ "blockStateCalls": [{ "calls": [request] }], "validation": false });
    let asked: std::result::Result<Vec<Block>, _> =
        node.provider.raw_request("eth_simulateV1".into(), (wanted, "latest")).await;
    // Many nodes cannot look ahead that far, and then the call alone is told of.
    if let Ok(blocks) = asked {
        let logs: Vec<Log> = blocks
            .into_iter()
            .flat_map(|block| block.calls)
            .flat_map(|done| done.logs)
            .map(|log| Log { address: log.address, data: log.data })
            .collect();
        outlook.events = Some(events(node, &logs));
        outlook.movements = Some(movements(node, &logs));
    }
    Ok(outlook)
}

/// What logs say, each by the interface of the contract that made it.
pub(super) fn events(node: &Node, logs: &[Log]) -> Vec<Event> {
    logs.iter().map(|log| event(node, log)).collect()
}

fn event(node: &Node, log: &Log) -> Event {
    let contract = name_of(node, log.address).unwrap_or_else(|| log.address.to_string());
    let topic = log.topics().first();
    let own = catalog::contract(&contract).into_iter();
    // A proxy logs what the code behind it says, and a token of others what tokens say.
    let known = own.chain(catalog::contracts()).flat_map(|one| one.abi.events());
    for candidate in known.filter(|one| Some(&one.selector()) == topic) {
        let Ok(decoded) = candidate.decode_log(&log.data) else { continue };
        let (mut indexed, mut body) = (decoded.indexed.iter(), decoded.body.iter());
        let mut fields = Map::new();
        for input in &candidate.inputs {
            let value = if input.indexed { indexed.next() } else { body.next() };
            let components: &[Param] = &input.components;
            if let Some(value) = value {
                fields.insert(input.name.clone(), as_json(components, value));
            }
        }
        return Event { contract, name: candidate.name.clone(), fields: Value::Object(fields) };
    }
    let fields = json!({ "topics": log.topics(), "data": log.data.data });
    Event { contract, name: "unknown".to_owned(), fields }
}

/// Tokens of the protocol, with their decimals.
fn tokens(node: &Node) -> [(Address, &'static str, u8); 5] {
    [
        (node.at.usdc, "USDC", 6),
        (node.at.data_token, "DATA", 18),
        (node.at.governance_token, "GOV", 18),
        (node.at.pool_share, "pool shares", 18),
        (node.at.bonding_curve, "access units", 18),
    ]
}

/// Who has more or less of which token after `logs`.
pub(super) fn movements(node: &Node, logs: &[Log]) -> Vec<Movement> {
    let tokens = tokens(node);
    let mut sums: BTreeMap<(usize, Address), I256> = BTreeMap::new();
    for log in logs {
        let Some(token) = tokens.iter().position(|(at, ..)| *at == log.address) else { continue };
        let Ok(moved) = Transfer::decode_log_data(&log.data) else { continue };
        let value = I256::try_from(moved.value).unwrap_or(I256::MAX);
        for (account, change) in [(moved.from, -value), (moved.to, value)] {
            if account != Address::ZERO {
                let sum = sums.entry((token, account)).or_default();
                *sum = sum.saturating_add(change);
            }
        }
    }
    let told = |((token, account), change): ((usize, Address), I256)| {
        let (_, symbol, decimals) = tokens[token];
        let sign = if change.is_negative() { "-" } else { "+" };
        let size: U256 = change.unsigned_abs();
        Movement {
            account,
            name: name_of(node, account),
            token: symbol,
            change: format!("{sign}{}", amount(size, decimals)),
        }
    };
    sums.into_iter().filter(|(_, change)| !change.is_zero()).map(told).collect()
}
