//! JSON-RPC as clients see it.

use alloy::consensus::{SignableTransaction, TxEip2930, TxEip7702, TxEnvelope, TxLegacy};
use alloy::eips::eip2930::{AccessList, AccessListItem};
use alloy::eips::eip7702::Authorization;
use alloy::eips::{BlockId, Encodable2718};
use alloy::network::{EthereumWallet, TransactionBuilder};
use alloy::primitives::{Address, B256, Bytes, TxKind, U256, bytes, hex, keccak256};
use alloy::providers::{Provider, ProviderBuilder};
use alloy::rpc::types::TransactionRequest;
use alloy::signers::SignerSync;
use caduceus_ledger::{Chain, Config, Ledger, Mining, rpc};
use serde_json::{Value, json};

use crate::support::{COUNTER, ETHER, START, Tx, account, ask, chain, check_whole, config};

#[tokio::test]
async fn a_contract_is_deployed_called_and_read_through_the_in_process_provider() {
    let ledger = Ledger::over(chain());
    let provider = ledger.provider();
    let me = account(0);
    let deploy = Tx { to: TxKind::Create, data: COUNTER, ..Tx::default() }.raw(&me);
    let sent = provider.send_raw_transaction(&deploy).await.unwrap();
    let receipt = provider.get_transaction_receipt(*sent.tx_hash()).await.unwrap().unwrap();
    assert!(receipt.status());
    let counter = receipt.contract_address.unwrap();
    assert_eq!(counter, me.address().create(0));

    let add =
        Tx { nonce: 1, to: TxKind::Call(counter), data: Bytes::from_static(&[5]), ..Tx::default() };
    let sent = provider.send_raw_transaction(&add.raw(&me)).await.unwrap();
    let receipt = provider.get_transaction_receipt(*sent.tx_hash()).await.unwrap().unwrap();
    assert_eq!(receipt.inner.logs().len(), 1);

    let read = TransactionRequest::default().with_to(counter);
    let value = provider.call(read.clone()).await.unwrap();
    assert_eq!(U256::from_be_slice(&value), U256::from(5));
    let before = provider.call(read).block(1.into()).await.unwrap();
    assert_eq!(U256::from_be_slice(&before), U256::ZERO, "past states can be read");

    let bad = TransactionRequest::default().with_to(counter).with_input(vec![0xff]);
    let error = provider.call(bad.clone()).await.unwrap_err();
    let payload = error.as_error_resp().unwrap();
    assert_eq!(payload.code, 3);
    assert_eq!(payload.as_revert_data().unwrap(), Bytes::from_static(&[0xde, 0xad, 0xbe, 0xef]));
    let error = provider.estimate_gas(bad).await.unwrap_err();
    assert_eq!(error.as_error_resp().unwrap().code, 3);
}

#[test]
fn an_unknown_method_is_refused_with_the_standard_code() {
    let error = ask(&chain(), "eth_frobnicate", json!([])).unwrap_err();
    assert_eq!(error["code"], -32601);
}

fn quantity(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

fn send(chain: &Chain, tx: Tx, from: u8) -> Result<Value, Value> {
    ask(chain, "eth_sendRawTransaction", json!([tx.raw(&account(from))]))
}

fn message(error: &Value) -> &str {
    error["message"].as_str().unwrap()
}

/// Deploys from account 3 and returns the contract.
fn deployed(chain: &Chain, code: Bytes) -> Address {
    let sender = account(3);
    let sent = ask(chain, "eth_getTransactionCount", json!([sender.address()])).unwrap();
    let nonce = quantity(&sent);
    send(chain, Tx { nonce, to: TxKind::Create, data: code, ..Tx::default() }, 3).unwrap();
    let contract = sender.address().create(nonce);
    assert_ne!(ask(chain, "eth_getCode", json!([contract])).unwrap(), "0x");
    contract
}

#[test]
fn a_transaction_that_breaks_a_rule_is_refused_with_the_words_of_a_node() {
    let chain = chain();
    send(&chain, Tx::default(), 0).unwrap();
    let next = || Tx { nonce: 1, ..Tx::default() };
    let cases = [
        (Tx::default(), "already known"),
        (Tx { value: U256::ONE, ..Tx::default() }, "nonce too low: next nonce 1, tx nonce 0"),
        (Tx { nonce: 3, ..next() }, "nonce too high: next nonce 1, tx nonce 3"),
        (Tx { chain_id: 1, ..next() }, "invalid chain id for signer"),
        (Tx { gas: 20_999, ..next() }, "intrinsic gas too low: gas 20999, minimum needed 21000"),
        (Tx { gas: 30_000_001, ..next() }, "exceeds block gas limit"),
        (Tx { fee: 1, tip: 0, ..next() }, "max fee per gas less than block base fee"),
        (Tx { fee: 1, tip: 2, ..next() }, "max priority fee per gas higher than max fee per gas"),
        (
            Tx { value: ETHER * U256::from(1000), ..next() },
            "insufficient funds for gas * price + value",
        ),
        (
            Tx { data: vec![1; 1000].into(), gas: 40_000, ..next() },
            "insufficient gas for floor data gas cost",
        ),
    ];
    for (tx, words) in cases {
        let error = send(&chain, tx, 0).unwrap_err();
        assert!(message(&error).starts_with(words), "{error} should say {words}");
        assert_eq!(error["code"], -32000);
    }
    for bytes in ["0x", "0x02", "0x01c0", "0x7fc0", "0x03c0", "0xc0", "0xf86c098504a817c800825208"]
    {
        assert!(ask(&chain, "eth_sendRawTransaction", json!([bytes])).is_err(), "{bytes}");
    }
    let mut trailing = next().raw(&account(0)).to_vec();
    trailing.push(0);
    assert!(ask(&chain, "eth_sendRawTransaction", json!([Bytes::from(trailing)])).is_err());
    assert_eq!(chain.head().number, 1, "nothing refused has left a block");
    send(&chain, next(), 0).unwrap();
}

#[test]
fn legacy_access_list_and_dynamic_fee_transactions_are_all_mined() {
    let chain = chain();
    let signer = account(0);
    let to = TxKind::Call(Address::repeat_byte(0x77));
    let sign = |hash| signer.sign_hash_sync(&hash).unwrap();
    let legacy = TxLegacy {
        chain_id: Some(31337),
        nonce: 0,
        gas_price: 2_000_000_000,
        gas_limit: 21_000,
        to,
        ..Default::default()
    };
    let signature = sign(legacy.signature_hash());
    let legacy: TxEnvelope = legacy.into_signed(signature).into();
    let list =
        AccessList(vec![AccessListItem { address: Address::ZERO, storage_keys: vec![B256::ZERO] }]);
    let listed = TxEip2930 {
        chain_id: 31337,
        nonce: 1,
        gas_price: 2_000_000_000,
        gas_limit: 30_000,
        to,
        access_list: list,
        ..Default::default()
    };
    let signature = sign(listed.signature_hash());
    let listed: TxEnvelope = listed.into_signed(signature).into();
    for (tx, kind, gas) in [(legacy, "0x0", 21_000), (listed, "0x1", 21_000 + 2_400 + 1_900)] {
        let hash =
            ask(&chain, "eth_sendRawTransaction", json!([Bytes::from(tx.encoded_2718())])).unwrap();
        let receipt = ask(&chain, "eth_getTransactionReceipt", json!([hash])).unwrap();
        assert_eq!((&receipt["type"], quantity(&receipt["gasUsed"])), (&json!(kind), gas));
        assert_eq!(receipt["effectiveGasPrice"], "0x77359400");
    }
    let unprotected = TxLegacy {
        nonce: 2,
        gas_price: 2_000_000_000,
        gas_limit: 21_000,
        to,
        ..Default::default()
    };
    let signature = sign(unprotected.signature_hash());
    let raw = Bytes::from(TxEnvelope::from(unprotected.into_signed(signature)).encoded_2718());
    let error = ask(&chain, "eth_sendRawTransaction", json!([raw])).unwrap_err();
    assert!(message(&error).contains("replay-protected"));
}

#[test]
fn tags_name_blocks_and_odd_ones_are_errors_or_null() {
    let chain = chain();
    send(&chain, Tx::default(), 0).unwrap();
    let block = |tag: &str| {
        ask(&chain, "eth_getBlockByNumber", json!([tag, false])).map(|b| b["number"].clone())
    };
    for (tag, number) in [
        ("latest", "0x1"),
        ("safe", "0x1"),
        ("finalized", "0x1"),
        ("earliest", "0x0"),
        ("pending", "0x2"),
        ("0x1", "0x1"),
    ] {
        assert_eq!(block(tag).unwrap(), number, "{tag}");
    }
    assert_eq!(ask(&chain, "eth_getBlockByNumber", json!(["0x2", false])).unwrap(), Value::Null);
    for bad in ["0x01", "1", "newest", "0x", "0xffffffffffffffff", "0x10000000000000000"] {
        assert_eq!(block(bad).unwrap_err()["code"], -32602, "{bad}");
    }
    let head = ask(&chain, "eth_getBlockByNumber", json!(["latest", true])).unwrap();
    let hash = head["hash"].clone();
    assert_eq!(ask(&chain, "eth_getBlockByHash", json!([hash, true])).unwrap(), head);
    let me = account(0).address();
    for at in [
        json!("0x1"),
        hash.clone(),
        json!({ "blockHash": hash }),
        json!({ "blockNumber": "0x1" }),
        Value::Null,
    ] {
        assert_eq!(ask(&chain, "eth_getTransactionCount", json!([me, at])).unwrap(), "0x1", "{at}");
    }
    let error = ask(&chain, "eth_getBalance", json!([me, "0x9"])).unwrap_err();
    assert_eq!((message(&error), &error["code"]), ("header not found", &json!(-32000)));
    for (method, params) in [
        ("eth_getBalance", json!([])),
        ("eth_getBalance", json!(["0x12"])),
        ("eth_getBalance", json!([me, "latest", 1])),
        ("eth_getBalance", json!({ "address": me })),
        ("eth_getBlockByNumber", json!(["latest"])),
        ("eth_call", json!([{ "to": me }, "latest", {}])),
    ] {
        assert_eq!(
            ask(&chain, method, params.clone()).unwrap_err()["code"],
            -32602,
            "{method} {params}"
        );
    }
    for slot in ["0x0", "0x00", "0x", "0", &format!("0x{}", "0".repeat(64))] {
        let word = ask(&chain, "eth_getStorageAt", json!([me, slot, "latest"])).unwrap();
        assert_eq!(word, json!(B256::ZERO), "{slot}");
    }
}

#[test]
fn bytes_from_a_socket_are_answered_as_json_rpc_wants() {
    let chain = chain();
    let post = |body: &str| {
        let answer = rpc::handle_bytes(&chain, body.as_bytes());
        if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() }
    };
    let call = r#"{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}"#;
    assert_eq!(post(call), json!({ "jsonrpc": "2.0", "id": 7, "result": "0x7a69" }));
    let text = r#" {"jsonrpc":"2.0","id":"a","method":"eth_chainId","params":[],"extra":1}"#;
    assert_eq!(post(text)["id"], "a");
    let null = r#"{"jsonrpc":"2.0","id":null,"method":"eth_chainId","params":null}"#;
    assert_eq!(post(null)["result"], "0x7a69");
    assert_eq!(post(r#"{"jsonrpc":"2.0","method":"eth_chainId"}"#), Value::Null, "a notification");
    for (body, code) in [
        ("{", -32700),
        ("", -32700),
        ("[]", -32600),
        ("1", -32600),
        (r#"{"id":1,"method":"eth_chainId"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":{},"method":"eth_chainId"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"nothing"}"#, -32601),
    ] {
        assert_eq!(post(body)["error"]["code"], code, "{body}");
    }
    let batch = post(&format!(r#"[{call},1,{{"jsonrpc":"2.0","method":"eth_chainId"}},{call}]"#));
    assert_eq!(batch.as_array().unwrap().len(), 3);
    assert_eq!(batch[1]["error"]["code"], -32600);
    let large = format!("[{}]", vec![call; 1001].join(","));
    assert_eq!(post(&large)["error"]["code"], -32600);
    assert_eq!(rpc::handle_bytes(&chain, &[0xff, 0xfe]), rpc::handle_bytes(&chain, b"{"));
}

#[test]
fn logs_and_filters_tell_each_log_once_and_in_order() {
    let chain = chain();
    let counter = deployed(&chain, COUNTER);
    let call = |nonce| Tx {
        nonce,
        to: TxKind::Call(counter),
        data: Bytes::from_static(&[1]),
        ..Tx::default()
    };
    let logs = ask(&chain, "eth_newFilter", json!([{ "address": counter }])).unwrap();
    let others = ask(&chain, "eth_newFilter", json!([{ "topics": [keccak256("other")] }])).unwrap();
    let blocks = ask(&chain, "eth_newBlockFilter", json!([])).unwrap();
    let changes = |id: &Value| {
        ask(&chain, "eth_getFilterChanges", json!([id])).unwrap().as_array().unwrap().len()
    };
    assert_eq!((changes(&logs), changes(&blocks)), (0, 0));
    let mark = ask(&chain, "evm_snapshot", json!([])).unwrap();
    for nonce in 0..3 {
        send(&chain, call(nonce), 0).unwrap();
    }
    assert_eq!((changes(&logs), changes(&others), changes(&blocks)), (3, 0, 3));
    assert_eq!((changes(&logs), changes(&blocks)), (0, 0));
    let range = |from: &str, to: &str| {
        ask(&chain, "eth_getLogs", json!([{ "fromBlock": from, "toBlock": to }]))
    };
    assert_eq!(range("0x2", "0x3").unwrap().as_array().unwrap().len(), 2);
    assert_eq!(range("0x9", "0x99").unwrap(), json!([]));
    assert!(range("0x3", "0x2").is_err());
    let by_hash = json!([{ "blockHash": chain.head().hash() }]);
    assert_eq!(ask(&chain, "eth_getLogs", by_hash).unwrap().as_array().unwrap().len(), 1);
    assert!(ask(&chain, "eth_getLogs", json!([{ "blockHash": B256::ZERO }])).is_err());

    assert_eq!(ask(&chain, "evm_revert", json!([mark])).unwrap(), true);
    assert_eq!(range("0x0", "latest").unwrap(), json!([]), "taken back with their blocks");
    send(&chain, call(0), 1).unwrap();
    assert_eq!((changes(&logs), changes(&blocks)), (1, 1), "and new ones are told");
    assert_eq!(
        ask(&chain, "eth_getFilterLogs", json!([logs])).unwrap().as_array().unwrap().len(),
        1
    );
    assert_eq!(ask(&chain, "eth_uninstallFilter", json!([logs])).unwrap(), true);
    assert_eq!(ask(&chain, "eth_uninstallFilter", json!([logs])).unwrap(), false);
    assert!(ask(&chain, "eth_getFilterChanges", json!([logs])).is_err());
}

#[test]
fn going_back_to_a_mark_restores_state_time_and_blocks() {
    let chain = chain();
    let counter = deployed(&chain, COUNTER);
    let call = |nonce| Tx {
        nonce,
        to: TxKind::Call(counter),
        data: Bytes::from_static(&[1]),
        ..Tx::default()
    };
    send(&chain, call(0), 0).unwrap();
    let before = (chain.head(), chain.total_balance().unwrap());
    let mark = ask(&chain, "evm_snapshot", json!([])).unwrap();
    ask(&chain, "evm_increaseTime", json!(["0x64"])).unwrap();
    let hash = send(&chain, call(1), 0).unwrap();
    assert_eq!(chain.head().timestamp, START + 100);
    assert_eq!(ask(&chain, "evm_revert", json!([mark])).unwrap(), true);
    assert_eq!((chain.head(), chain.total_balance().unwrap()), before);
    assert_eq!(ask(&chain, "eth_getTransactionReceipt", json!([hash])).unwrap(), Value::Null);
    assert_eq!(ask(&chain, "evm_revert", json!([mark])).unwrap(), false, "a mark serves once");
    assert_eq!(send(&chain, call(1), 0).unwrap(), hash);
    assert_eq!(chain.head().timestamp, START);
    let slot = chain.storage(counter, U256::ZERO, BlockId::latest()).unwrap();
    assert_eq!(slot, U256::from(2));
    check_whole(&chain);
}

#[test]
fn the_time_of_blocks_can_be_set_forward_but_not_back() {
    let chain = chain();
    let set = |time: u64| ask(&chain, "evm_setNextBlockTimestamp", json!([time]));
    assert!(set(START).is_err());
    set(START + 1000).unwrap();
    let pending = ask(&chain, "eth_getBlockByNumber", json!(["pending", false])).unwrap();
    assert_eq!(quantity(&pending["timestamp"]), START + 1000);
    ask(&chain, "evm_mine", json!([])).unwrap();
    ask(&chain, "evm_mine", json!([START + 2000])).unwrap();
    assert_eq!(chain.head().timestamp, START + 2000);
    assert_eq!(ask(&chain, "evm_increaseTime", json!([5])).unwrap(), 2005);
    ask(&chain, "evm_mine", json!([])).unwrap();
    assert_eq!(chain.head().timestamp, START + 2005);
    ask(&chain, "anvil_setBalance", json!([Address::repeat_byte(9), "0x5"])).unwrap();
    assert_eq!(ask(&chain, "eth_getBalance", json!([Address::repeat_byte(9)])).unwrap(), "0x5");
}

#[test]
fn a_time_that_no_block_could_follow_is_refused_and_blocks_go_on() {
    const LAST: u64 = 253_402_300_799; // 9999-12-31T23:59:59Z
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let chain = Chain::open(&path, config()).unwrap();
    for (method, most) in [
        ("evm_setNextBlockTimestamp", LAST),
        ("evm_mine", LAST),
        ("evm_increaseTime", LAST - START),
    ] {
        for more in [1, LAST, i64::MAX as u64 - most, u64::MAX - most] {
            for number in [json!(most + more), json!(format!("{:#x}", most + more))] {
                let error = ask(&chain, method, json!([number])).unwrap_err();
                let text = message(&error);
                assert!(text.contains("9999") || text.contains("too many"), "{method}: {text}");
            }
        }
    }
    assert_eq!(chain.head().number, 0);
    for _ in 0..4 {
        ask(&chain, "evm_increaseTime", json!([LAST / 4])).ok(); // sums count, not single steps
        ask(&chain, "evm_mine", json!([])).unwrap();
    }
    ask(&chain, "evm_setNextBlockTimestamp", json!([LAST])).unwrap();
    ask(&chain, "evm_mine", json!([])).unwrap();
    ask(&chain, "evm_increaseTime", json!([1])).unwrap_err();
    drop(chain);
    let chain = Chain::open(&path, config()).unwrap();
    send(&chain, Tx::default(), 0).unwrap();
    assert_eq!(chain.head().timestamp, LAST);
    check_whole(&chain);
}

#[test]
fn development_methods_are_unknown_unless_asked_for() {
    let chain = Chain::in_memory(Config { development: false, ..config() }).unwrap();
    for method in ["evm_mine", "evm_snapshot", "evm_increaseTime", "anvil_setBalance"] {
        assert_eq!(ask(&chain, method, json!([])).unwrap_err()["code"], -32601, "{method}");
    }
}

#[test]
fn transactions_wait_for_a_block_where_blocks_are_made_on_demand() {
    let chain = Chain::in_memory(Config { mining: Mining::Manual, ..config() }).unwrap();
    let me = account(0).address();
    let hash = send(&chain, Tx::default(), 0).unwrap();
    send(&chain, Tx { nonce: 1, ..Tx::default() }, 0).unwrap();
    let sent = |tag| quantity(&ask(&chain, "eth_getTransactionCount", json!([me, tag])).unwrap());
    assert_eq!((sent("latest"), sent("pending")), (0, 2));
    assert_eq!(ask(&chain, "eth_getTransactionReceipt", json!([hash])).unwrap(), Value::Null);
    let waiting = ask(&chain, "eth_getTransactionByHash", json!([hash])).unwrap();
    assert_eq!((&waiting["hash"], &waiting["blockNumber"]), (&hash, &Value::Null));
    assert_eq!(message(&send(&chain, Tx::default(), 0).unwrap_err()), "already known");
    let error = send(&chain, Tx { value: U256::ONE, ..Tx::default() }, 0).unwrap_err();
    assert_eq!(message(&error), "replacement transaction underpriced");
    let better = Tx { fee: 4_000_000_000, tip: 2_000_000_000, value: U256::ONE, ..Tx::default() };
    let better = send(&chain, better, 0).unwrap();
    ask(&chain, "evm_mine", json!([])).unwrap();
    assert_eq!((sent("latest"), sent("pending"), chain.head().number), (2, 2, 1));
    assert_eq!(ask(&chain, "eth_getTransactionByHash", json!([hash])).unwrap(), Value::Null);
    let receipt = ask(&chain, "eth_getTransactionReceipt", json!([better])).unwrap();
    assert_eq!(receipt["transactionIndex"], "0x0");
    check_whole(&chain);
}

/// Calls the contract whose address its input ends with, handing on the gas it has, and fails if that fails.
const CALLER: Bytes = bytes!("60118060095f395ff35f5f5f5f5f5f355af1600f575f5ffd5b00");
/// Reverts if it is given less than 100,000 gas, of which it uses next to nothing.
const GREEDY: Bytes = bytes!("600e8060095f395ff3620186a05a10600a57005b5f5ffd");
/// Writes its input's first word to slot 0.
const KEEPER: Bytes = bytes!("60058060095f395ff35f355f5500");

#[test]
fn an_estimate_is_enough_and_close_to_the_least_that_is() {
    let chain = chain();
    let (counter, greedy, keeper) =
        (deployed(&chain, COUNTER), deployed(&chain, GREEDY), deployed(&chain, KEEPER));
    let caller = deployed(&chain, CALLER);
    let word = |address: Address| Bytes::from(address.into_word().to_vec());
    let one = Bytes::from(U256::ONE.to_be_bytes::<32>().to_vec());
    let set = Tx { to: TxKind::Call(keeper), data: one.clone(), ..Tx::default() };
    send(&chain, set, 0).unwrap();
    let calls = [
        ("a transfer", TxKind::Call(Address::repeat_byte(1)), Bytes::new()),
        ("a call", TxKind::Call(counter), Bytes::from_static(&[1])),
        ("a creation", TxKind::Create, COUNTER),
        ("a call of a call under the rule of 63/64", TxKind::Call(caller), word(greedy)),
        ("a refund for a slot set to zero", TxKind::Call(keeper), vec![0; 32].into()),
        ("a slot that stays as it is", TxKind::Call(keeper), one),
        (
            "much data, priced by its floor",
            TxKind::Call(Address::repeat_byte(1)),
            vec![1; 2000].into(),
        ),
    ];
    for (name, to, data) in calls {
        let mut request = json!({ "from": account(0).address(), "data": data });
        if let TxKind::Call(to) = to {
            request["to"] = json!(to);
        }
        let gas = quantity(&ask(&chain, "eth_estimateGas", json!([request])).unwrap());
        let runs = |gas: u64| {
            let mark = chain.snapshot();
            let tx = Tx { nonce: 1, to, data: data.clone(), gas, ..Tx::default() };
            let status = send(&chain, tx, 0)
                .map(|hash| ask(&chain, "eth_getTransactionReceipt", json!([hash])).unwrap());
            chain.revert(mark).unwrap();
            status.is_ok_and(|receipt| receipt["status"] == "0x1")
        };
        assert!(runs(gas), "{name}: {gas} is enough");
        assert!(!runs(gas * 980 / 1000), "{name}: {gas} is close to the least");
    }
    let poor = json!([{ "from": account(9).address(), "to": counter, "data": "0x01", "gasPrice": "0xffffffffff" }]);
    assert!(
        message(&ask(&chain, "eth_estimateGas", poor).unwrap_err())
            .starts_with("gas required exceeds allowance")
    );
    let tight = json!([{ "to": counter, "data": "0x01", "gas": "0x5300" }]);
    assert!(
        message(&ask(&chain, "eth_estimateGas", tight).unwrap_err())
            .starts_with("gas required exceeds allowance")
    );
}

#[test]
fn a_contract_sees_the_hashes_of_former_blocks_and_the_time_of_its_own() {
    let chain = chain();
    // Creation code that returns BLOCKHASH(NUMBER - 1) and TIMESTAMP, run by eth_call.
    let code = "0x6001430340 5f524260205260405ff3".replace(' ', "");
    send(&chain, Tx::default(), 0).unwrap();
    let answer = ask(&chain, "eth_call", json!([{ "data": code }, "latest"])).unwrap();
    let parent = chain.head().parent_hash;
    assert_eq!(answer, format!("{parent}{START:064x}"));
    ask(&chain, "evm_increaseTime", json!([60])).unwrap();
    let answer = ask(&chain, "eth_call", json!([{ "data": code }, "pending"])).unwrap();
    assert_eq!(answer, format!("{}{:064x}", chain.head().hash(), START + 60));
}

#[test]
fn equal_transactions_at_equal_times_give_equal_blocks() {
    let make = || {
        let chain = chain();
        let counter = deployed(&chain, COUNTER);
        let call =
            Tx { to: TxKind::Call(counter), data: Bytes::from_static(&[1]), ..Tx::default() };
        send(&chain, call, 0).unwrap();
        chain.head().hash()
    };
    assert_eq!(make(), make());
}

#[test]
fn blocks_are_made_at_intervals_where_that_is_asked_for() {
    let mining = Mining::Interval(std::time::Duration::from_millis(1));
    let chain = Chain::in_memory(Config { mining, ..config() }).unwrap();
    let hash = send(&chain, Tx::default(), 0).unwrap();
    while ask(&chain, "eth_getTransactionReceipt", json!([hash])).unwrap().is_null() {}
    check_whole(&chain);
}

#[test]
fn readers_see_whole_blocks_while_others_are_written() {
    let chain = chain();
    let counter = deployed(&chain, COUNTER);
    const BLOCKS: u64 = 150;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut seen = 0;
                while seen < BLOCKS {
                    // Each block after the second adds one, so that number and count go together.
                    let head = chain.head().number;
                    let at = BlockId::number(head);
                    let then = chain.storage(counter, U256::ZERO, at).unwrap();
                    assert_eq!(then, U256::from(head - 1));
                    let read =
                        ask(&chain, "eth_call", json!([{ "to": counter }, "latest"])).unwrap();
                    let now: U256 = read.as_str().unwrap().parse().unwrap();
                    let now = u64::try_from(now).unwrap();
                    assert!(now >= seen && now >= head - 1);
                    seen = now;
                }
            });
        }
        for nonce in 0..BLOCKS {
            let data = Bytes::from_static(&[1]);
            send(&chain, Tx { nonce, to: TxKind::Call(counter), data, ..Tx::default() }, 0)
                .unwrap();
        }
    });
    check_whole(&chain);
}

#[tokio::test]
async fn a_provider_with_a_wallet_fills_signs_sends_and_finds_its_receipt() {
    let ledger = Ledger::over(chain());
    let wallet = EthereumWallet::from(account(0));
    let provider = ProviderBuilder::new().wallet(wallet).connect_provider(ledger.provider());
    for n in 1..4u64 {
        let request = TransactionRequest::default().with_to(Address::ZERO).with_value(U256::ONE);
        let receipt =
            provider.send_transaction(request).await.unwrap().get_receipt().await.unwrap();
        assert_eq!((receipt.status(), receipt.block_number), (true, Some(n)));
    }
}

#[test]
fn an_account_may_take_on_the_code_of_a_contract_and_keeps_it_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Chain::open(folder.path().join("ledger.redb"), config()).unwrap();
    let chain = open();
    let (sender, taker) = (account(0), account(1));
    let address = deployed(&chain, COUNTER);
    let authorization = Authorization { chain_id: U256::from(31337), address, nonce: 0 };
    let signature = taker.sign_hash_sync(&authorization.signature_hash()).unwrap();
    let tx = TxEip7702 {
        chain_id: 31337,
        gas_limit: 100_000,
        max_fee_per_gas: 2_000_000_000,
        to: taker.address(),
        input: Bytes::from_static(&[3]),
        authorization_list: vec![authorization.into_signed(signature)],
        ..Default::default()
    };
    let signature = sender.sign_hash_sync(&tx.signature_hash()).unwrap();
    let raw = Bytes::from(TxEnvelope::from(tx.into_signed(signature)).encoded_2718());
    ask(&chain, "eth_sendRawTransaction", json!([raw])).unwrap();
    drop(chain);
    let chain = open();
    let code = ask(&chain, "eth_getCode", json!([taker.address()])).unwrap();
    assert_eq!(code, json!(format!("0xef0100{}", hex::encode(address))));
    let own = chain.storage(taker.address(), U256::ZERO, BlockId::latest()).unwrap();
    assert_eq!(own, U256::from(3));
    let value = ask(&chain, "eth_call", json!([{ "to": taker.address() }])).unwrap();
    assert_eq!(value, json!(B256::from(U256::from(3))));
    let transfer = Tx { nonce: 1, ..Tx::default() };
    send(&chain, transfer, 1).unwrap();
    check_whole(&chain);
}

#[test]
fn a_waiting_transaction_that_has_become_invalid_stands_in_nobodys_way() {
    let config = Config { mining: Mining::Manual, gas_limit: 100_000, ..config() };
    let chain = Chain::in_memory(config).unwrap();
    // Its price is just enough for the next block, which it shares with as much gas as fits, so that it must wait for
    // one that is dearer.
    for nonce in 0..4 {
        send(&chain, Tx { nonce, gas: 21_000, ..Tx::default() }, 0).unwrap();
    }
    let cheap = Tx { gas: 21_000, fee: 875_000_000, tip: 0, ..Tx::default() };
    let cheap = send(&chain, cheap, 1).unwrap();
    chain.mine().unwrap();
    send(&chain, Tx { gas: 21_000, ..Tx::default() }, 2).unwrap();
    chain.mine().unwrap();
    assert_eq!(ask(&chain, "eth_getTransactionByHash", json!([cheap])).unwrap(), Value::Null);
    assert_eq!(chain.head().gas_used, 21_000);
    check_whole(&chain);
}
