//! The same transactions and questions put to the embedded ledger and to Anvil.
//!
//! Left out of the comparison is what may differ between honest nodes: hashes of blocks and what goes into them (state
//! commitment, extra data, time, randomness), and fields that only one of them adds.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use alloy::primitives::{Address, Bytes, TxKind, U256, keccak256};
use alloy::providers::Provider;
use caduceus_ledger::{Chain, Ledger, Outbox};
use serde_json::{Value, json};

use crate::support::{COUNTER, ETHER, START, Tx, account, config};

const ANVIL: &str = "../../contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";

struct Anvil {
    process: Child,
    url: String,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[expect(clippy::print_stderr, reason = "says why the test shows nothing")]
fn anvil() -> Option<Anvil> {
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join(ANVIL);
    if !binary.exists() {
        eprintln!("skipped: there is no Anvil in contracts/node_modules");
        return None;
    }
    let mut process = Command::new(binary)
        .args(["--port", "0", "--hardfork", "prague", "--gas-limit", "30000000"])
        .args(["--timestamp", &START.to_string(), "--accounts", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let address = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned))
        .unwrap();
    // Anvil stops when nobody reads what it prints.
    std::thread::spawn(move || lines.for_each(drop));
    Some(Anvil { process, url: format!("http://{address}") })
}

async fn ask(ledger: &Ledger, method: &'static str, params: &Value) -> Result<Value, i64> {
    let answer = ledger.provider().raw_request::<_, Value>(method.into(), params).await;
    answer.map_err(|error| error.as_error_resp().unwrap().code)
}

/// Removes what may differ between honest nodes.
fn comparable(mut value: Value) -> Value {
    const MAY_DIFFER: [&str; 13] = [
        "hash",
        "blockHash",
        "parentHash",
        "stateRoot",
        "extraData",
        "timestamp",
        "blockTimestamp",
        "mixHash",
        "size",
        "miner",
        "blobGasUsed",
        "blobGasPrice",
        "totalDifficulty",
    ];
    match &mut value {
        Value::Object(fields) => {
            fields.retain(|name, value| !MAY_DIFFER.contains(&name.as_str()) && !value.is_null());
            for (_, value) in fields.iter_mut() {
                *value = comparable(value.take());
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = comparable(item.take());
            }
        }
        _ => {}
    }
    value
}

fn transactions() -> Vec<Bytes> {
    let (one, two) = (account(0), account(1));
    let counter = one.address().create(0);
    let call = |nonce, data: &'static [u8]| Tx {
        nonce,
        to: TxKind::Call(counter),
        data: Bytes::from_static(data),
        ..Tx::default()
    };
    vec![
        Tx { to: TxKind::Create, data: COUNTER, ..Tx::default() }.raw(&one),
        call(1, &[5]).raw(&one),
        call(0, &[7]).raw(&two),
        call(2, &[0xff]).raw(&one),
        Tx { nonce: 3, value: ETHER, ..Tx::default() }.raw(&one),
        Tx { gas: 25_000, ..call(4, &[1]) }.raw(&one),
        Tx { nonce: 5, to: TxKind::Create, data: Bytes::from_static(&[0xfe]), ..Tx::default() }
            .raw(&one),
        // To be refused: nonce too low, too little gas, for another chain, no ether, a price below the base fee.
        call(0, &[1]).raw(&one),
        Tx { gas: 20_000, ..call(6, &[1]) }.raw(&one),
        Tx { chain_id: 1, ..call(6, &[1]) }.raw(&one),
        call(0, &[1]).raw(&account(8)),
        Bytes::from_static(&[0x02, 0x01]),
    ]
}

fn questions(hashes: &[String]) -> Vec<(&'static str, Value)> {
    let one = account(0).address();
    let counter = one.create(0);
    let none = Address::repeat_byte(0x99);
    let topic = format!("{:#066x}", 7);
    let mut all = vec![
        ("eth_chainId", json!([])),
        ("net_version", json!([])),
        ("eth_syncing", json!([])),
        ("eth_blockNumber", json!([])),
        ("web3_sha3", json!(["0x68656c6c6f"])),
        ("eth_getBalance", json!([Address::repeat_byte(0x77), "latest"])),
        ("eth_getBalance", json!([none, "latest"])),
        ("eth_getBalance", json!([one, "0x1"])),
        ("eth_getTransactionCount", json!([one, "latest"])),
        ("eth_getTransactionCount", json!([one, "pending"])),
        ("eth_getTransactionCount", json!([one, "0x2"])),
        ("eth_getCode", json!([counter, "latest"])),
        ("eth_getCode", json!([none, "latest"])),
        ("eth_getStorageAt", json!([counter, "0x0", "latest"])),
        ("eth_call", json!([{ "to": counter }, "latest"])),
        ("eth_call", json!([{ "to": counter }, "0x2"])),
        ("eth_call", json!([{ "to": counter, "data": "0xff" }, "latest"])),
        ("eth_call", json!([{ "to": counter, "input": "0x01" }, "latest"])),
        ("eth_call", json!([{ "to": none }, "latest"])),
        ("eth_call", json!([{ "data": COUNTER }, "latest"])),
        ("eth_estimateGas", json!([{ "from": one, "to": none, "value": "0x1" }])),
        ("eth_estimateGas", json!([{ "from": one, "to": counter, "data": "0xff" }])),
        ("eth_getBlockTransactionCountByNumber", json!(["0x1"])),
        ("eth_getBlockByNumber", json!(["0x99", false])),
        ("eth_getTransactionByHash", json!([keccak256("none")])),
        ("eth_getTransactionReceipt", json!([keccak256("none")])),
        ("eth_getTransactionByBlockNumberAndIndex", json!(["0x2", "0x0"])),
        ("eth_getTransactionByBlockNumberAndIndex", json!(["0x2", "0x9"])),
        ("eth_getLogs", json!([{ "fromBlock": "0x0", "toBlock": "latest", "address": counter }])),
        ("eth_getLogs", json!([{ "fromBlock": "0x0", "topics": [topic] }])),
        ("eth_getLogs", json!([{ "fromBlock": "0x0", "topics": [null, topic] }])),
        ("eth_getLogs", json!([{ "fromBlock": "0x0", "topics": [keccak256("none")] }])),
        ("eth_getLogs", json!([{ "fromBlock": "0x2", "toBlock": "0x2" }])),
        ("eth_feeHistory", json!(["0x3", "latest", [10.0, 90.0]])),
        ("eth_feeHistory", json!(["0x20", "latest", [50.0]])),
        ("eth_nothing", json!([])),
    ];
    for number in 0..=7 {
        all.push(("eth_getBlockByNumber", json!([format!("{number:#x}"), true])));
        all.push(("eth_getBlockByNumber", json!([format!("{number:#x}"), false])));
        all.push(("eth_getBlockReceipts", json!([format!("{number:#x}")])));
    }
    for hash in hashes {
        all.push(("eth_getTransactionByHash", json!([hash])));
        all.push(("eth_getTransactionReceipt", json!([hash])));
    }
    all
}

#[tokio::test]
async fn anvil_gives_the_same_answers() {
    let Some(anvil) = anvil() else { return };
    let theirs = Ledger::remote(&anvil.url).await.unwrap();
    let ours = Ledger::over(Chain::in_memory(config()).unwrap());
    for (address, balance) in config().funded {
        ask(&theirs, "anvil_setBalance", &json!([address, balance])).await.unwrap();
    }
    // Anvil leaves the base fee of block 1 at that of block 0; EIP-1559 lowers it, as block 0 is empty.
    let base_fee = json!(["0x342770c0"]);
    ask(&theirs, "anvil_setNextBlockBaseFeePerGas", &base_fee).await.unwrap();
    let mut hashes = Vec::new();
    for raw in transactions() {
        let our = ask(&ours, "eth_sendRawTransaction", &json!([raw])).await;
        let their = ask(&theirs, "eth_sendRawTransaction", &json!([raw])).await;
        assert_eq!(our.is_ok(), their.is_ok(), "{raw}: {our:?}, {their:?}");
        let Ok(hash) = our else { continue };
        assert_eq!(hash, their.unwrap());
        // Anvil has the receipt a moment later.
        while ask(&theirs, "eth_getTransactionReceipt", &json!([hash])).await.unwrap().is_null() {}
        hashes.push(hash.as_str().unwrap().to_owned());
    }
    let mut different = Vec::new();
    for (method, params) in questions(&hashes) {
        let our = ask(&ours, method, &params).await.map(comparable);
        let their = ask(&theirs, method, &params).await.map(comparable);
        if our != their {
            different.push(format!("{method} {params}\n  ours   {our:?}\n  theirs {their:?}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[tokio::test]
async fn the_outbox_settles_on_a_node_whose_receipts_come_later() {
    let Some(anvil) = anvil() else { return };
    let ledger = Ledger::remote(&anvil.url).await.unwrap();
    let me = account(0);
    ask(&ledger, "anvil_setBalance", &json!([me.address(), ETHER])).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(folder.path().join("outbox.redb")).unwrap();
    let made = outbox.submit(&ledger, "create", &me, None, COUNTER, U256::ZERO).await.unwrap();
    let counter = made.contract_address;
    let add = || outbox.submit(&ledger, "add", &me, counter, Bytes::from_static(&[1]), U256::ZERO);
    assert_eq!(add().await.unwrap(), add().await.unwrap());
    let slot = ledger.provider().get_storage_at(counter.unwrap(), U256::ZERO).await.unwrap();
    assert_eq!(slot, U256::ONE);
}
