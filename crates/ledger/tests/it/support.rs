//! A chain to test on, accounts, and a contract small enough to read.

use alloy::consensus::proofs::calculate_receipt_root;
use alloy::consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy::eips::Encodable2718;
use alloy::primitives::{Address, B256, Bytes, TxKind, U256, bytes};
use alloy::rpc::types::TransactionReceipt;
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use caduceus_ledger::rpc::{self, Request, Response};
use caduceus_ledger::{Chain, Clock, Config};
use serde_json::Value;

pub const ETHER: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);
pub const START: u64 = 1_800_000_000;

/// Without input it returns slot 0. Input of which the first byte is 0xff reverts with the bytes deadbeef. Any other
/// first byte is added to slot 0, and the sum is logged under topic 7.
pub const COUNTER: Bytes = bytes!(
    "60378060095f395ff336600c575f545f5260205ff35b5f3560f81c8060ff146028575f5401805f555f52600760205fa1005b63deadbeef60e01b5f5260045ffd"
);

/// Account number `n`, the same in every run.
pub fn account(n: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(n + 1)).unwrap()
}

pub fn config() -> Config {
    Config {
        funded: (0..4).map(|n| (account(n).address(), ETHER * U256::from(1000))).collect(),
        development: true,
        clock: Clock::fixed(START),
        ..Config::default()
    }
}

pub fn chain() -> Chain {
    Chain::in_memory(config()).unwrap()
}

pub struct Tx {
    pub nonce: u64,
    pub to: TxKind,
    pub value: U256,
    pub data: Bytes,
    pub gas: u64,
    pub fee: u128,
    pub tip: u128,
    pub chain_id: u64,
}

impl Default for Tx {
    fn default() -> Self {
        Self {
            nonce: 0,
            to: TxKind::Call(Address::repeat_byte(0x77)),
            value: U256::ZERO,
            data: Bytes::new(),
            gas: 200_000,
            fee: 3_000_000_000,
            tip: 1_000_000_000,
            chain_id: 31337,
        }
    }
}

impl Tx {
    pub fn signed(self, signer: &PrivateKeySigner) -> TxEnvelope {
        let tx = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: self.gas,
            max_fee_per_gas: self.fee,
            max_priority_fee_per_gas: self.tip,
            to: self.to,
            value: self.value,
            access_list: Default::default(),
            input: self.data,
        };
        let signature = signer.sign_hash_sync(&tx.signature_hash()).unwrap();
        tx.into_signed(signature).into()
    }

    pub fn raw(self, signer: &PrivateKeySigner) -> Bytes {
        self.signed(signer).encoded_2718().into()
    }
}

/// The result of a call, or its error object.
pub fn ask(chain: &Chain, method: &str, params: Value) -> Result<Value, Value> {
    let params = serde_json::value::to_raw_value(&params).unwrap();
    let request = Request { id: 1.into(), method: method.into(), params: Some(params) };
    let response: Response = rpc::handle(chain, &request);
    let mut json = serde_json::to_value(&response).unwrap();
    match json.get("error") {
        Some(error) => Err(error.clone()),
        None => Ok(json["result"].take()),
    }
}

/// Fails unless the chain is whole: headers link and fit their hashes, receipts fit their blocks, every transaction is
/// found by its hash, and no ether has come from or gone to anywhere but the base fee's burning.
pub fn check_whole(chain: &Chain) {
    let head = chain.head().number;
    let (mut parent, mut burnt) = (B256::ZERO, U256::ZERO);
    for number in 0..=head {
        let block = chain.block(number.into()).unwrap().unwrap();
        assert_eq!(block.header.number, number);
        assert_eq!(block.header.inner().hash_slow(), block.header.hash());
        assert_eq!(block.header.parent_hash, parent, "block {number} follows its parent");
        parent = block.header.hash();
        let tag = serde_json::json!([format!("{number:#x}")]);
        let receipts = ask(chain, "eth_getBlockReceipts", tag).unwrap();
        let receipts: Vec<TransactionReceipt> = serde_json::from_value(receipts).unwrap();
        assert_eq!(receipts.len(), block.transactions.len());
        for (receipt, tx) in receipts.iter().zip(&block.transactions) {
            assert_eq!(receipt.transaction_hash, *tx.inner().tx_hash());
            assert_eq!(receipt.block_hash, Some(block.header.hash()));
            let found =
                ask(chain, "eth_getTransactionByHash", serde_json::json!([tx.inner().tx_hash()]));
            assert_eq!(found.unwrap()["blockNumber"], serde_json::json!(format!("{number:#x}")));
        }
        let envelopes: Vec<_> = receipts
            .iter()
            .map(|receipt| receipt.inner.clone().into_primitives_receipt())
            .collect();
        assert_eq!(block.header.receipts_root, calculate_receipt_root(&envelopes));
        let gas: u64 = receipts.iter().map(|receipt| receipt.gas_used).sum();
        assert_eq!(gas, block.header.gas_used);
        burnt += U256::from(gas) * U256::from(block.header.base_fee_per_gas.unwrap());
    }
    let funded: U256 = chain.config().funded.iter().map(|(_, balance)| *balance).sum();
    assert_eq!(chain.total_balance().unwrap() + burnt, funded, "ether is conserved");
}
