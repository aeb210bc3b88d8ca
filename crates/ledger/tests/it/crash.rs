//! Kills, power cuts and full disks at any moment.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use alloy::primitives::{B256, Bytes, TxKind, U256, keccak256};
use caduceus_ledger::{Chain, Config};

use crate::disk::Disk;
use crate::support::{COUNTER, Tx, account, ask, check_whole, config};

/// Names the ledger to the child process of the kill test.
const FILE: &str = "CADUCEUS_TEST_LEDGER";

/// A generator of test decisions: the hashes of a seed and a count.
struct Dice(B256);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(keccak256(seed.to_be_bytes()))
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = keccak256(self.0);
        u64::from_be_bytes(*self.0.first_chunk().unwrap()) % sides
    }
}

/// The `nonce`-th transaction of a sequence that creates, calls, reverts and transfers.
fn step(nonce: u64) -> Bytes {
    let signer = account(0);
    let counter = TxKind::Call(signer.address().create(0));
    let tx = match nonce {
        0 => Tx { to: TxKind::Create, data: COUNTER, ..Tx::default() },
        n if n % 5 == 0 => Tx { to: counter, data: Bytes::from_static(&[0xff]), ..Tx::default() },
        n if n % 3 == 0 => Tx { value: U256::from(n), ..Tx::default() },
        _ => Tx { to: counter, data: Bytes::from_static(&[1]), ..Tx::default() },
    };
    Tx { nonce, ..tx }.raw(&signer)
}

/// Not a test by itself: what the killed process does.
#[test]
fn a_child_process_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let chain = Chain::open(Path::new(&path), config()).unwrap();
    let sent = ask(&chain, "eth_getTransactionCount", serde_json::json!([account(0).address()]));
    let first = u64::from_str_radix(&sent.unwrap().as_str().unwrap()[2..], 16).unwrap();
    let mut out = std::io::stdout().lock();
    for nonce in first.. {
        let hash = chain.submit(&step(nonce)).unwrap();
        writeln!(out, "\nmined {hash}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn a_process_killed_at_any_moment_leaves_whole_blocks_and_all_that_it_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let mut dice = Dice::new(1);
    let mut reported = Vec::new();
    for _ in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["crash::a_child_process_writes_until_it_is_killed", "--exact", "--nocapture"])
            .env(FILE, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wanted = 1 + dice.roll(25);
        let mut seen = 0;
        for line in lines.map_while(Result::ok) {
            if let Some(hash) = line.strip_prefix("mined ") {
                reported.push(hash.to_owned());
                seen += 1;
            }
            if seen == wanted {
                // Somewhere within the next block.
                for _ in 0..dice.roll(200_000) {
                    std::hint::spin_loop();
                }
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        let chain = Chain::open(&path, config()).unwrap();
        check_whole(&chain);
        for hash in &reported {
            let receipt = ask(&chain, "eth_getTransactionReceipt", serde_json::json!([hash]));
            assert!(receipt.unwrap().is_object(), "{hash} was reported and must be there");
        }
    }
    assert!(reported.len() >= 12);
}

#[test]
fn a_power_cut_at_any_moment_leaves_whole_blocks_and_all_that_was_answered() {
    for seed in 0..120 {
        let mut dice = Dice::new(seed);
        let disk = Disk::default();
        let backend = disk.clone();
        let chain = Chain::over(move || backend.clone(), config()).unwrap();
        let answered = 1 + dice.roll(6);
        for nonce in 0..answered {
            chain.submit(&step(nonce)).unwrap();
        }
        // The write of one more block stops after some changes, of which some reach the disk.
        disk.fills_after(usize::try_from(dice.roll(20)).unwrap());
        let last = chain.submit(&step(answered));
        let all = dice.roll(3) == 0;
        let lost = disk.after_power_loss(|| all || dice.roll(2) == 0);
        drop(chain);
        let chain = Chain::over(move || lost.clone(), config()).unwrap();
        check_whole(&chain);
        let head = chain.head().number;
        assert!(head == answered || head == answered + 1, "seed {seed}: head {head}");
        assert!(last.is_err() || head == answered + 1, "seed {seed}: an answered block is gone");
    }
}

#[test]
fn a_full_disk_is_an_error_that_leaves_the_former_state_and_passes() {
    for room in 0..30 {
        let disk = Disk::default();
        let backend = disk.clone();
        let chain = Chain::over(move || backend.clone(), config()).unwrap();
        chain.submit(&step(0)).unwrap();
        disk.fills_after(room);
        let mut nonce = 1;
        let error = loop {
            match chain.submit(&step(nonce)) {
                Ok(_) => nonce += 1,
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.contains("free space"), "{error}");
        assert_eq!(chain.head().number, nonce, "the former state is shown");
        disk.has_room();
        if chain.submit(&step(nonce)).is_err() {
            // The block had reached the disk after all, and its transaction is known.
            assert_eq!(chain.head().number, nonce + 1);
        }
        chain.submit(&step(nonce + 1)).unwrap();
        check_whole(&chain);
    }
}

#[test]
fn a_real_file_that_may_not_grow_is_an_error_that_leaves_whole_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    drop(Chain::open(&path, config()).unwrap());
    let blocks = std::fs::metadata(&path).unwrap().len() / 512;
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", blocks + 64);
    let output = Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .args(["crash::a_child_process_writes_until_it_is_killed", "--exact", "--nocapture"])
        .env(FILE, &path)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("File too large"), "{text}");
    let chain = Chain::open(&path, config()).unwrap();
    check_whole(&chain);
    let reported = text.lines().filter(|line| line.starts_with("mined ")).count();
    assert!(chain.head().number >= reported as u64);
}

#[test]
fn time_travel_and_the_chain_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.redb");
    let open = || Chain::open(&path, Config { funded: config().funded, ..config() }).unwrap();
    let chain = open();
    let start = chain.head().timestamp;
    ask(&chain, "evm_increaseTime", serde_json::json!([3600])).unwrap();
    chain.submit(&step(0)).unwrap();
    drop(chain);
    let chain = open();
    assert_eq!(chain.head().timestamp, start + 3600);
    chain.submit(&step(1)).unwrap();
    assert_eq!(chain.head().timestamp, start + 3600);
    ask(&chain, "evm_setNextBlockTimestamp", serde_json::json!([start + 7200])).unwrap();
    ask(&chain, "evm_mine", serde_json::json!([])).unwrap();
    drop(chain);
    let chain = open();
    chain.submit(&step(2)).unwrap();
    assert_eq!(chain.head().timestamp, start + 7200);
    check_whole(&chain);
}
