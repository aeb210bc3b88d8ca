//! Transactions go in once, whatever fails in between.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use alloy::eips::BlockId;
use alloy::primitives::{Address, Bytes, TxKind, U256, bytes};
use alloy::rpc::client::RpcClient;
use alloy::rpc::json_rpc::{RequestPacket, ResponsePacket};
use alloy::transports::{TransportError, TransportErrorKind, TransportFut};
use caduceus_ledger::transport::ChainTransport;
use caduceus_ledger::{Chain, Ledger, Outbox, OutboxError};
use tower::Service;

use crate::support::{COUNTER, Tx, account, chain, config};

/// Where the connection breaks: at the call with this number, before or after the node has seen it.
#[derive(Clone, Copy, Debug)]
struct Fault {
    call: usize,
    after: bool,
}

/// A connection that breaks once, as told.
#[derive(Clone)]
struct Faulty {
    inner: ChainTransport,
    state: Arc<Mutex<(usize, Option<Fault>)>>,
}

impl Service<RequestPacket> for Faulty {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        let fault = {
            let mut state = self.state.lock().unwrap();
            let number = state.0;
            state.0 += 1;
            state.1.filter(|fault| fault.call == number)
        };
        let lost = || TransportErrorKind::custom_str("the connection broke");
        if fault.is_some_and(|fault| !fault.after) {
            return Box::pin(async move { Err(lost()) });
        }
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answer = answer.await;
            if fault.is_some() { Err(lost()) } else { answer }
        })
    }
}

async fn faulty(
    chain: &Chain,
    fault: Option<Fault>,
) -> (Ledger, Arc<Mutex<(usize, Option<Fault>)>>) {
    let state = Arc::new(Mutex::new((0, None)));
    let transport = Faulty { inner: ChainTransport::new(chain.clone()), state: state.clone() };
    let ledger = Ledger::of_client(RpcClient::new(transport, true), "faulty").await.unwrap();
    *state.lock().unwrap() = (0, fault);
    (ledger, state)
}

/// A chain with a counter contract.
fn with_contract(code: Bytes) -> (Chain, Address) {
    let chain = chain();
    let deploy = Tx { to: TxKind::Create, data: code, ..Tx::default() };
    chain.submit(&deploy.raw(&account(3))).unwrap();
    (chain, account(3).address().create(0))
}

fn count(chain: &Chain, counter: Address) -> U256 {
    chain.storage(counter, U256::ZERO, BlockId::latest()).unwrap()
}

const ONE: Bytes = Bytes::from_static(&[1]);

#[tokio::test]
async fn a_transaction_goes_in_once_wherever_the_connection_breaks_and_the_process_dies() {
    for call in 0.. {
        let mut broke = false;
        for after in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("outbox.redb");
            let (chain, counter) = with_contract(COUNTER);
            let (ledger, state) = faulty(&chain, Some(Fault { call, after })).await;
            let outbox = Outbox::open(&path).unwrap();
            let first =
                outbox.submit(&ledger, "add", &account(0), Some(counter), ONE, U256::ZERO).await;
            broke |= first.is_err();
            state.lock().unwrap().1 = None;
            drop(outbox);
            let outbox = Outbox::open(&path).unwrap();
            if call % 2 == 0 {
                for (_, result) in outbox.resume(&ledger).await.unwrap() {
                    result.unwrap();
                }
            }
            let again = outbox
                .submit(&ledger, "add", &account(0), Some(counter), ONE, U256::ZERO)
                .await
                .unwrap();
            let third = outbox
                .submit(&ledger, "add", &account(0), Some(counter), ONE, U256::ZERO)
                .await
                .unwrap();
            assert_eq!(again, third);
            assert_eq!(count(&chain, counter), U256::ONE, "call {call}, after: {after}");
            assert_eq!(outbox.pending().unwrap(), Vec::<String>::new());
        }
        if !broke {
            assert!(call >= 5, "only {call} calls were made to fail");
            return;
        }
    }
}

#[tokio::test]
async fn an_intent_whose_nonce_was_used_by_another_transaction_is_signed_anew() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(folder.path().join("outbox.redb")).unwrap();
    let (chain, counter) = with_contract(COUNTER);
    // Calls: nonce, estimate, fee history, send.
    let (ledger, state) = faulty(&chain, Some(Fault { call: 3, after: false })).await;
    let me = account(0);
    let submit = || outbox.submit(&ledger, "add", &me, Some(counter), ONE, U256::ZERO);
    assert!(matches!(submit().await, Err(OutboxError::Unreachable(_))));
    assert_eq!(outbox.pending().unwrap(), ["add"]);
    chain.submit(&Tx::default().raw(&account(0))).unwrap();
    state.lock().unwrap().1 = None;
    let results = outbox.resume(&ledger).await.unwrap();
    assert!(matches!(results[0].1, Err(OutboxError::Overtaken { .. })));
    let receipt = submit().await.unwrap();
    assert!(receipt.status());
    assert_eq!(count(&chain, counter), U256::ONE);
    let nonce = chain.account(account(0).address(), BlockId::latest()).unwrap().unwrap().nonce;
    assert_eq!(nonce, 2);
}

#[tokio::test]
async fn a_revert_at_estimation_hands_back_its_data_and_records_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(folder.path().join("outbox.redb")).unwrap();
    let (chain, counter) = with_contract(COUNTER);
    let ledger = Ledger::over(chain);
    let bad = Bytes::from_static(&[0xff]);
    let error = outbox
        .submit(&ledger, "bad", &account(0), Some(counter), bad, U256::ZERO)
        .await
        .unwrap_err();
    let OutboxError::Reverted { data, .. } = error else { panic!("{error}") };
    assert_eq!(data, bytes!("deadbeef"));
    assert!(outbox.pending().unwrap().is_empty());
}

#[tokio::test]
async fn a_transaction_that_was_mined_and_reverted_is_forgotten_so_that_it_can_be_tried_again() {
    // Sets slot 0 the first time and reverts ever after.
    let once = bytes!("600e8060095f395ff35f54600a5760015f55005b5f5ffd");
    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(folder.path().join("outbox.redb")).unwrap();
    let (chain, contract) = with_contract(once);
    let (ledger, state) = faulty(&chain, Some(Fault { call: 3, after: false })).await;
    let me = account(0);
    let submit = || outbox.submit(&ledger, "once", &me, Some(contract), Bytes::new(), U256::ZERO);
    submit().await.unwrap_err();
    let other = Tx { to: TxKind::Call(contract), ..Tx::default() };
    chain.submit(&other.raw(&account(1))).unwrap();
    state.lock().unwrap().1 = None;
    assert!(matches!(submit().await, Err(OutboxError::Reverted { .. })));
    assert!(outbox.pending().unwrap().is_empty());
    assert!(matches!(submit().await, Err(OutboxError::Reverted { .. })), "now at estimation");
}

#[tokio::test]
async fn many_intents_of_one_account_at_once_each_go_in_once() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(folder.path().join("outbox.redb")).unwrap();
    let (chain, counter) = with_contract(COUNTER);
    let ledger = Ledger::over(chain.clone());
    let signer = account(0);
    let keys: Vec<String> = (0..40).map(|n| format!("add {}", n % 30)).collect();
    let all =
        keys.iter().map(|key| outbox.submit(&ledger, key, &signer, Some(counter), ONE, U256::ZERO));
    for result in futures::future::join_all(all).await {
        result.unwrap();
    }
    assert_eq!(count(&chain, counter), U256::from(30));
}

#[tokio::test]
async fn a_key_of_another_account_is_refused_and_lack_of_ether_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(folder.path().join("outbox.redb")).unwrap();
    let (chain, counter) = with_contract(COUNTER);
    let ledger = Ledger::over(chain);
    let submit = |n, key| {
        let (outbox, ledger) = (outbox.clone(), ledger.clone());
        async move { outbox.submit(&ledger, key, &account(n), Some(counter), ONE, U256::ZERO).await }
    };
    submit(0, "add").await.unwrap();
    assert!(matches!(submit(1, "add").await, Err(OutboxError::KeyTaken { .. })));
    let error = submit(9, "poor").await.unwrap_err();
    assert!(error.to_string().contains("insufficient funds"), "{error}");
    assert!(outbox.pending().unwrap().is_empty());
}

/// Names the folder to the child process of the kill test.
const FOLDER: &str = "CADUCEUS_TEST_OUTBOX";

/// Not a test by itself: what the killed process does.
#[tokio::test]
async fn a_child_process_submits_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let ledger = Ledger::embedded(folder.join("ledger.redb"), config()).unwrap();
    let outbox = Outbox::open(folder.join("outbox.redb")).unwrap();
    let counter = account(3).address().create(0);
    let first: usize = std::fs::read_to_string(folder.join("next")).unwrap().parse().unwrap();
    for key in first.. {
        let name = format!("add {key}");
        outbox.submit(&ledger, &name, &account(0), Some(counter), ONE, U256::ZERO).await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nsettled {key}").unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn a_process_killed_between_any_two_steps_sends_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Chain::open(folder.path().join("ledger.redb"), config()).unwrap();
    let deploy = Tx { to: TxKind::Create, data: COUNTER, ..Tx::default() };
    open().submit(&deploy.raw(&account(3))).unwrap();
    let counter = account(3).address().create(0);
    let mut settled = 0;
    for round in 0..8u64 {
        // One step back: the key that was settled last is submitted again.
        let next = settled.max(1) - 1;
        std::fs::write(folder.path().join("next"), next.to_string()).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["outbox::a_child_process_submits_until_it_is_killed", "--exact", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        for line in lines.map_while(Result::ok) {
            if let Some(key) = line.strip_prefix("settled ") {
                settled = key.parse::<usize>().unwrap() + 1;
                seen += 1;
            }
            if seen == 3 + round {
                for _ in 0..round * 150_000 {
                    std::hint::spin_loop();
                }
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
    }
    let ledger = Ledger::over(open());
    let outbox = Outbox::open(folder.path().join("outbox.redb")).unwrap();
    // Of the key after the last one reported, nothing, a record or a receipt may be there.
    for key in 0..=settled {
        let name = format!("add {key}");
        outbox.submit(&ledger, &name, &account(0), Some(counter), ONE, U256::ZERO).await.unwrap();
    }
    assert!(settled >= 8);
    assert_eq!(count(ledger.chain().unwrap(), counter), U256::from(settled + 1));
}

#[tokio::test]
async fn an_outbox_opened_for_reading_knows_what_is_open_and_sends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.redb");
    assert!(Outbox::open_read_only(&path).is_err() && !path.exists());
    drop(Outbox::open(&path).unwrap());
    let ledger = Ledger::over(crate::support::chain());
    let outbox = Outbox::open_read_only(&path).unwrap();
    assert!(outbox.pending().unwrap().is_empty());
    let sent = outbox.submit(&ledger, "one", &account(0), None, COUNTER, U256::ZERO).await;
    assert!(sent.unwrap_err().to_string().contains("reading only"));
    assert_eq!(ledger.chain().unwrap().head().number, 0);
}
