//! The same story on the embedded ledger and on Anvil: nothing in the system can tell the two apart.

use std::collections::BTreeMap;

use serde_json::{Value, json as object};

use crate::story::holds;
use crate::support::{Server, folder, json, text};

/// An event without what differs from run to run: block, hashes of random ciphertexts, and times.
fn shape(log: &Value) -> (String, String) {
    (log["address"].as_str().unwrap().to_owned(), log["topics"][0].as_str().unwrap().to_owned())
}

/// `Transfer(address,address,uint256)` of ERC-20 and ERC-721.
const TRANSFER: &str = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

/// Transfers to the last unit, who paid whom included.
fn transfers(logs: &[Value]) -> Vec<(Value, Value, Value)> {
    let of_tokens = logs.iter().filter(|log| log["topics"][0] == TRANSFER);
    of_tokens
        .map(|log| (log["address"].clone(), log["topics"].clone(), log["data"].clone()))
        .collect()
}

/// What every account that ever held a fungible token holds at the end.
fn balances(server: &Server, logs: &[Value]) -> BTreeMap<(String, String), String> {
    let mut balances = BTreeMap::new();
    for log in logs.iter().filter(|log| log["topics"][0] == TRANSFER && log["data"] != "0x") {
        for side in [1, 2] {
            let token = log["address"].as_str().unwrap().to_owned();
            let holder = log["topics"][side].as_str().unwrap().to_owned();
            let call = format!("0x70a08231{}", holder.trim_start_matches("0x"));
            let balance =
                server.rpc("eth_call", object!([{ "to": token, "data": call }, "latest"]));
            balances.insert((token, holder), balance.as_str().unwrap().to_owned());
        }
    }
    balances
}

#[test]
fn the_story_gives_the_same_events_and_balances_on_both_chains() {
    let Some(anvil) = Server::anvil() else { return };
    let (here, there) = (folder(), folder());
    let story = ["demo", "--patients", "80", "--seed", "11", "--dir"];
    let embedded = json(&[&story[..], &[text(here.path())]].concat());
    let remote = json(&[&story[..], &[text(there.path()), "--rpc", &anvil.url]].concat());
    holds(&embedded);
    holds(&remote);
    for part in ["payment", "revocation", "refusals", "governance"] {
        assert_eq!(embedded[part], remote[part], "{part}");
    }
    let ledger = Server::ledger(here.path());
    let (ours, theirs) = (ledger.logs(), anvil.logs());
    let shapes = |logs: &[Value]| logs.iter().map(shape).collect::<Vec<_>>();
    assert_eq!(shapes(&ours), shapes(&theirs));
    assert_eq!(transfers(&ours), transfers(&theirs));
    let held = balances(&ledger, &ours);
    assert!(!held.is_empty());
    assert_eq!(held, balances(&anvil, &theirs));
}
