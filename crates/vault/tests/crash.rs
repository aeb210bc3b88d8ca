//! Killing a process at any moment: nothing that was acknowledged is lost, nothing half done is shown.
//!
//! The test starts itself again as a child that works in a loop and says on its standard output what is done. After a
//! number of lines the child is killed, in the middle of whatever it does then.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::record_batch::RecordBatch;
use caduceus_records::Tables;
use caduceus_records::schema::{ColumnSchema, DatasetSchema, Domain, TableSchema};
use caduceus_vault::audit::{self, AuditLog, Event, Kind};
use caduceus_vault::{MasterKey, Receipt, Vault, VaultConfig};

mod support;
use support::seeded;

const FOLDER: &str = "CADUCEUS_VAULT_CRASH_TEST";
const ROUNDS: u64 = 9;

fn master() -> MasterKey {
    MasterKey::new([3; 32])
}

fn schema() -> DatasetSchema {
    let column =
        |name: &str, domain| ColumnSchema { name: name.to_owned(), domain, unit: String::new() };
    let table = TableSchema {
        name: "patient".to_owned(),
        person: "patient".to_owned(),
        max_rows_per_person: 1,
        columns: vec![column("patient", Domain::Person), column("text", Domain::Text)],
    };
    DatasetSchema {
        id: "crash".to_owned(),
        version: 1,
        max_fuel_per_person: 1,
        tables: vec![table],
    }
}

/// Rows that make more than one chunk.
fn tables(round: u64) -> Tables {
    let people: ArrayRef =
        Arc::new((0..20).map(|n| Some(format!("p{n}"))).collect::<StringArray>());
    let text: ArrayRef = Arc::new(
        (0..20).map(|n| Some(format!("{round}-{n}-").repeat(10_000))).collect::<StringArray>(),
    );
    let batch = RecordBatch::try_from_iter([("patient", people), ("text", text)]).unwrap();
    Tables([("patient".to_owned(), batch)].into())
}

fn receipts(round: u64) -> Vec<Receipt> {
    let receipt = |n: u64| Receipt {
        pseudonym: format!("p{n:03}"),
        permit: true,
        grants: Vec::new(),
        begins: Some(round),
        document_hash: [0; 32],
        decided: None,
        withdrawn: None,
        erased: false,
    };
    (0..200).map(receipt).collect()
}

/// The child: works until it is killed, and says what is done after it is.
#[test]
#[ignore = "started by the test below"]
fn work_until_killed() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let vault = Vault::open(Path::new(&folder), master()).unwrap();
    let mut log = AuditLog::open(&vault.audit_path()).unwrap();
    let first = log.head().0;
    let mut out = std::io::stdout();
    for round in first.. {
        let sealed = vault.seal(&tables(round), &schema(), b"{}", &mut seeded(round)).unwrap();
        writeln!(out, "sealed {}", sealed.cid).unwrap();
        vault.put_staging("raw", &tables(round), &mut seeded(round + 1000)).unwrap();
        vault.set_consents(&receipts(round), &mut seeded(round + 2000)).unwrap();
        writeln!(out, "consents {round}").unwrap();
        let person = format!("p{}", round % 20);
        vault.erase_person(&person, &|id| id.to_owned(), &mut seeded(round + 3000)).unwrap();
        writeln!(out, "erased {person}").unwrap();
        let subject = sealed.cid.to_string();
        let event = Event { time: round, kind: Kind::Sealed, subject, details: BTreeMap::new() };
        writeln!(out, "logged {}", log.append(event).unwrap().sequence).unwrap();
    }
}

#[test]
fn a_vault_survives_being_killed_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("vault");
    let config = VaultConfig { custodian: "Crash".to_owned(), jurisdiction: "DE".to_owned() };
    drop(Vault::create(&folder, &config, master(), &mut seeded(99)).unwrap());
    let (mut sealed, mut whole) = (BTreeSet::new(), BTreeSet::new());
    let (mut logged, mut consents) = (0, 0);
    for round in 0..ROUNDS {
        // One to eleven lines, in an order without a pattern that the work shares.
        let lines = kill_after(&folder, (round * 7 + 1) % 11 + 1);
        let vault = Vault::open(&folder, master()).unwrap();
        for line in &lines {
            match line.split_once(' ').unwrap() {
                ("sealed", cid) => drop(sealed.insert(cid.to_owned())),
                ("logged", sequence) => logged = sequence.parse().unwrap(),
                ("consents", round) => consents = round.parse().unwrap(),
                ("erased", person) => assert_erased(&vault, person, &sealed),
                other => panic!("{other:?}"),
            }
        }
        let there: BTreeSet<String> =
            vault.datasets().unwrap().iter().map(ToString::to_string).collect();
        assert!(there.is_superset(&sealed), "a sealed dataset is lost");
        assert!(there.len() <= sealed.len() + 1, "a dataset that nobody sealed");
        sealed = there;
        // Every dataset is read whole once, when it is first seen, and all of them at the end.
        for cid in sealed.iter().filter(|cid| !whole.contains(*cid) || round + 1 == ROUNDS) {
            vault.verify(&cid.parse().unwrap()).unwrap();
        }
        whole.clone_from(&sealed);
        if let Some(staged) = vault.staging("raw").unwrap() {
            assert!(staged.rows() <= 20);
        }
        let mut kept = vault.consents().unwrap();
        kept.retain(|receipt| !receipt.erased);
        assert!(kept.is_empty() || kept.iter().all(|receipt| receipt.begins >= Some(consents)));
        assert!(
            kept.windows(2).all(|pair| pair[0].begins == pair[1].begins),
            "a register of two rounds"
        );
        for person in vault.unfinished_erasures().unwrap() {
            vault.erase_person(&person, &|id| id.to_owned(), &mut seeded(round)).unwrap();
        }
        drop(AuditLog::open(&vault.audit_path()).unwrap());
        let verified = audit::verify(&vault.audit_path(), &[]).unwrap();
        assert!(verified.events >= logged && verified.events <= logged + 1);
        logged = verified.events;
        assert_no_leftovers(&folder);
    }
}

/// Who was erased is gone from every dataset that was sealed before.
fn assert_erased(vault: &Vault, person: &str, sealed: &BTreeSet<String>) {
    for cid in sealed {
        let there = vault.persons(&cid.parse().unwrap()).unwrap();
        assert!(!there.iter().any(|other| other == person), "{person} is in {cid}");
    }
    assert!(vault.consents().unwrap().contains(&Receipt::erasure(person)), "{person} is forgotten");
}

fn assert_no_leftovers(folder: &Path) {
    for part in ["", "objects", "keys", "staging", "erasing"] {
        for entry in std::fs::read_dir(folder.join(part)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.ends_with(".tmp") && !name.ends_with(".shred"), "{name}");
        }
    }
}

/// Starts the child, waits for so many lines, kills it, and returns all that it said.
fn kill_after(folder: &Path, count: u64) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "work_until_killed", "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let reader = BufReader::new(child.stdout.take().unwrap());
    let mut said = Vec::new();
    for line in reader.lines().map_while(Result::ok) {
        let known = ["sealed ", "consents ", "erased ", "logged "]
            .iter()
            .any(|word| line.starts_with(word));
        // The harness says things too, and the first of ours may stand behind its words.
        if let Some(line) =
            known.then_some(line.as_str()).or_else(|| line.split_once("... ").map(|(_, rest)| rest))
        {
            said.push(line.to_owned());
        }
        if said.len() as u64 == count {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(said.len() as u64 >= count, "the child ended by itself after {said:?}");
    said
}
