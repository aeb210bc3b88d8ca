//! What gas costs: EIP-1559 from block to block, and what the fee methods tell of it.

use alloy::eips::BlockId;
use alloy::primitives::{Address, TxKind, U256};
use caduceus_ledger::{Chain, Config, Mining};
use serde_json::json;

use crate::support::{ETHER, Tx, account, ask, chain, config};

/// EIP-1559's rule, written out from its text.
fn next_base_fee(base: u64, used: u64, limit: u64) -> u64 {
    let target = limit / 2;
    let step = |distance: u64| base * distance / target / 8;
    match used {
        used if used == target => base,
        used if used > target => base + step(used - target).max(1),
        used => base - step(target - used),
    }
}

#[test]
fn the_base_fee_follows_the_gas_of_the_block_before() {
    let config = Config { gas_limit: 100_000, mining: Mining::Manual, ..config() };
    let chain = Chain::in_memory(config).unwrap();
    let mut nonce = 0;
    for transfers in [0, 1, 2, 3, 4, 4, 4, 0, 4, 1, 0] {
        for _ in 0..transfers {
            let tx = Tx { nonce, gas: 21_000, ..Tx::default() };
            chain.submit(&tx.raw(&account(0))).unwrap();
            nonce += 1;
        }
        let parent = chain.head();
        chain.mine().unwrap();
        let head = chain.head();
        assert_eq!(head.gas_used, 21_000 * transfers);
        let expected = next_base_fee(parent.base_fee_per_gas.unwrap(), parent.gas_used, 100_000);
        assert_eq!(head.base_fee_per_gas.unwrap(), expected);
    }
}

#[test]
fn the_base_fee_is_burnt_and_the_tip_goes_to_the_beneficiary() {
    let beneficiary = Address::repeat_byte(0xbe);
    let chain = Chain::in_memory(Config { beneficiary, ..config() }).unwrap();
    let before = chain.total_balance().unwrap();
    let tx = Tx { value: ETHER, tip: 7, ..Tx::default() };
    let hash = chain.submit(&tx.raw(&account(0))).unwrap();
    let base = chain.head().base_fee_per_gas.unwrap();
    let gas = U256::from(21_000);
    assert_eq!(chain.total_balance().unwrap(), before - gas * U256::from(base));
    let tips = chain.account(beneficiary, BlockId::latest()).unwrap().unwrap().balance;
    assert_eq!(tips, gas * U256::from(7));
    let receipt = ask(&chain, "eth_getTransactionReceipt", json!([hash])).unwrap();
    assert_eq!(receipt["effectiveGasPrice"], json!(format!("{:#x}", base + 7)));
}

#[test]
fn fee_history_stops_at_the_first_block_and_tells_the_next_base_fee() {
    let chain = chain();
    for (nonce, tip) in [(0, 5), (1, 9)] {
        let tx = Tx { nonce, tip, to: TxKind::Call(Address::repeat_byte(1)), ..Tx::default() };
        chain.submit(&tx.raw(&account(0))).unwrap();
    }
    let history =
        ask(&chain, "eth_feeHistory", json!(["0x400", "latest", [0.0, 50.0, 100.0]])).unwrap();
    assert_eq!(history["oldestBlock"], "0x0");
    assert_eq!(history["baseFeePerGas"].as_array().unwrap().len(), 4);
    assert_eq!(history["gasUsedRatio"].as_array().unwrap().len(), 3);
    assert_eq!(
        history["reward"],
        json!([["0x0", "0x0", "0x0"], ["0x5", "0x5", "0x5"], ["0x9", "0x9", "0x9"]])
    );
    let pending = ask(&chain, "eth_getBlockByNumber", json!(["pending", false])).unwrap();
    assert_eq!(history["baseFeePerGas"][3], pending["baseFeePerGas"]);

    let one = ask(&chain, "eth_feeHistory", json!([1, "0x1", null])).unwrap();
    assert_eq!((&one["oldestBlock"], &one["reward"]), (&json!("0x1"), &json!(null)));
    for bad in [json!([1, "0x3", []]), json!([1, "latest", [101.0]]), json!([1, "latest", [9, 8]])]
    {
        assert!(ask(&chain, "eth_feeHistory", bad.clone()).is_err(), "{bad}");
    }
}

#[test]
fn the_gas_price_suggested_is_enough_for_the_next_block() {
    let chain = chain();
    let price = ask(&chain, "eth_gasPrice", json!([])).unwrap();
    let price = u128::from_str_radix(&price.as_str().unwrap()[2..], 16).unwrap();
    chain.submit(&Tx { fee: price, tip: 0, ..Tx::default() }.raw(&account(0))).unwrap();
}
