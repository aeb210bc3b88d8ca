//! JSON-RPC as clients see it.

use alloy::network::TransactionBuilder;
use alloy::primitives::{Bytes, TxKind, U256};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use caduceus_ledger::Ledger;
use serde_json::json;

use crate::support::{COUNTER, Tx, account, ask, chain};

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
