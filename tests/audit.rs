//! The vaults' logs against the ledger: what one tells and the other does not is found; what a kill left out is made good.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use alloy::hex;
use caduceus_vault::audit::{self, AuditLog, Event, Record};
use serde_json::Value;

use crate::rights::World;
use crate::support::{caduceus, folder, json, run, text};

fn log(home: &Path) -> std::path::PathBuf {
    home.join("vaults/clinic/audit.jsonl")
}

/// Writes the log anew from a record on, with each of the later ones as `keep` gives it, and a later last one; then anchors it, as a
/// custodian that forges its log would.
fn forge(world: &World, from: u64, keep: &dyn Fn(Record) -> Option<Record>) {
    let path = log(&world.home);
    let records = audit::read(&path).unwrap();
    let lines = fs::read_to_string(&path).unwrap();
    let whole: String = lines.split_inclusive('\n').take(usize::try_from(from).unwrap()).collect();
    fs::write(&path, whole).unwrap();
    let last = records.last().unwrap().clone();
    let later = Record { time: last.time + 100, kind: audit::Kind::Protected, ..last };
    let mut forged = AuditLog::open(&path).unwrap();
    for record in records.into_iter().skip(usize::try_from(from).unwrap()).chain([later]) {
        let Some(Record { time, kind, subject, details, .. }) = keep(record) else { continue };
        forged.append(Event { time, kind, subject, details }).unwrap();
    }
    let (sequence, head) = forged.head();
    let head = hex::encode_prefixed(head);
    drop(forged);
    world.go(&format!("contract send --as clinic ProvenanceLog anchor {sequence} {head}"));
}

fn differences(world: &World) -> Vec<String> {
    let found = run(&["audit", "verify", "--json", "--dir", text(&world.home)]);
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    let differences = found["differences"].as_array().unwrap();
    differences.iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

fn anchored(world: &World) -> u64 {
    let home = text(&world.home);
    let head = json(&["contract", "call", "ProvenanceLog", "head", "clinic", "--dir", home]);
    let sequence = &head["results"]["sequence"];
    sequence.as_u64().or_else(|| sequence.as_str()?.parse().ok()).unwrap()
}

#[test]
fn a_grant_or_a_withdrawal_that_a_log_leaves_out_or_tells_otherwise_is_found() {
    use audit::{Detail, Kind};
    for (wrong, says) in [
        ("grant left out", "grant 1 is on the ledger and not in the log"),
        ("withdrawal left out", "the withdrawal of grant 1 is on the ledger and not in the log"),
        ("another document", "it tells otherwise of grant 1 than the ledger"),
        ("invented", "it tells otherwise of grant 9 than the ledger"),
    ] {
        let world = World::new();
        let from = anchored(&world);
        world.go("member join --custodian clinic --count 1");
        world.go("consent grant --member clinic/1");
        if wrong == "withdrawal left out" {
            // Not by the home's own command, which would anchor it.
            world.go("contract send --as clinic/1 ConsentRegistry revokeAll clinic");
        }
        assert!(differences(&world).is_empty(), "{wrong}: {:?}", differences(&world));
        forge(&world, from, &|mut record| {
            if record.kind != Kind::ConsentGranted {
                return Some(record);
            }
            match wrong {
                "grant left out" => return None,
                "another document" => {
                    record.details.insert("document".into(), Detail::from("0x00"));
                }
                "invented" => {
                    record.details.insert("grant".into(), Detail::Number(9));
                }
                _ => {}
            }
            Some(record)
        });
        let found = differences(&world);
        assert!(found.iter().any(|one| one.contains(says)), "{wrong}: {found:?}");
    }
}

#[test]
fn an_answer_that_was_committed_and_is_not_in_the_log_is_the_first_difference() {
    use audit::{Detail, Kind};
    let world = World::new();
    world.go("licence buy --researcher lab");
    // A custodian that answers past its vault, and whose answer nobody has confirmed yet.
    let nothing = format!("0x{}", "00".repeat(32));
    let answer = format!("0x{}", "11".repeat(32));
    let unsigned = format!("(0,0,0,{nothing},{nothing})");
    for line in [
        "lab TestUSDC approve ComputeMarket 100e6".to_owned(),
        format!("lab ComputeMarket request (1,[1],{answer},100,25e6) {unsigned}"),
        "clinic ComputeMarket accept 1".to_owned(),
        format!("clinic ComputeMarket commit 1 {answer} 100 0"),
    ] {
        assert!(differences(&world).is_empty(), "{line}: {:?}", differences(&world));
        world.go(&format!("contract send --as {line}"));
    }
    let says = "clinic: the answer of job 1 was committed on the ledger and is not in the log";
    assert_eq!(differences(&world).first().map(String::as_str), Some(says));

    // A record of another job does not tell of it; its own does.
    let time = audit::read(&log(&world.home)).unwrap().last().unwrap().time;
    let tell = |job: i64| {
        let details = [("job".to_owned(), Detail::Number(job))].into();
        let event = Event { time, kind: Kind::Answered, subject: answer.clone(), details };
        AuditLog::open(&log(&world.home)).unwrap().append(event).unwrap();
    };
    tell(7);
    let invented = "of the log tells of job 7, which the ledger does not have";
    let found = differences(&world);
    assert!(found.len() == 2 && found[0].contains(invented) && found[1] == says, "{found:?}");
    tell(1);
    let found = differences(&world);
    assert!(found.len() == 1 && found[0].contains(invented), "{found:?}");
}

#[test]
fn a_payout_root_that_a_log_leaves_out_is_found() {
    let world = World::new();
    world.go("member join --custodian clinic --count 1");
    world.go("licence buy --researcher lab");
    world.ask();
    world.claim("clinic/1");
    assert!(differences(&world).is_empty(), "{:?}", differences(&world));
    let whole = fs::read_to_string(log(&world.home)).unwrap();
    let posted = whole.find("\"payout_root_posted\"").unwrap();
    let cut = whole[..posted].rfind('\n').unwrap() + 1;
    fs::write(log(&world.home), &whole[..cut]).unwrap();
    let says = "a payout root of dataset 1 was posted on the ledger and is not in the log";
    let found = differences(&world);
    assert!(found.iter().any(|one| one.contains(says)), "{found:?}");
}

#[test]
fn what_was_written_out_of_a_vault_stays_in_its_log_and_a_lost_log_hides_no_other() {
    let world = World::new();
    world.ingest();
    let newest = |world: &World| audit::read(&log(&world.home)).unwrap().last().unwrap().clone();
    assert_eq!(anchored(&world), newest(&world).sequence, "an intake");
    let files = world.dir.path().join("files");
    world.go(&format!("export --custodian clinic --out {}", text(&files)));
    assert_eq!(newest(&world).kind, audit::Kind::Released);
    assert_eq!(anchored(&world), newest(&world).sequence, "an export");
    let whole = fs::read_to_string(log(&world.home)).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    fs::write(log(&world.home), lines[..lines.len() - 1].concat()).unwrap();
    assert_eq!(differences(&world).len(), 1, "{:?}", differences(&world));
    fs::write(log(&world.home), &whole).unwrap();
    assert!(differences(&world).is_empty());

    // The other custodian's log is altered too: both are told.
    world.go("party register --name spital --role custodian --country DE");
    let cohort = world.dir.path().join("cohort");
    world.go(&format!("ingest --custodian spital --input {}", text(&cohort)));
    fs::remove_file(log(&world.home)).unwrap();
    let other = world.home.join("vaults/spital/audit.jsonl");
    let altered = fs::read_to_string(&other).unwrap().replace("ingested", "released");
    fs::write(&other, altered).unwrap();
    let found = differences(&world);
    for (custodian, says) in [("clinic: ", "is lost"), ("spital: ", "line 1")] {
        let told = |one: &String| one.starts_with(custodian) && one.contains(says);
        assert!(found.iter().any(told), "{custodian}{says}: {found:?}");
    }
}

#[test]
fn a_dataset_that_was_taken_out_has_its_record_wherever_the_command_was_killed() {
    let world = World::new();
    let mut records = 0;
    for changes in 0.. {
        let copy = folder();
        let home = copy.path().join("home");
        copy_folder(&world.home, &home);
        let words = ["withdraw", "--custodian", "clinic", "--dataset", "1", "--dir", text(&home)];
        let finished = kill_after(&words, &home.join("ledger/ledger.redb"), changes);
        json(&words);
        let told = audit::read(&log(&home)).unwrap();
        let told = told.iter().filter(|one| one.kind == audit::Kind::Withdrawn).count();
        assert_eq!(told, 1, "killed after {changes} changes of the ledger's file");
        records += told;
        assert_eq!(json(&["audit", "verify", "--dir", text(&home)])["verified"], true);
        if finished || changes > 12 {
            break;
        }
    }
    assert!(records > 2, "the command was killed only {records} times");

    // The transaction without its record, made for certain.
    for line in [
        "contract send --as clinic HealthDataPool announceWithdrawal 1",
        "contract send --as clinic HealthDataPool withdraw 1",
    ] {
        world.go(line);
    }
    assert!(world.go("withdraw --custodian clinic --dataset 1")["withdrawn"] == 1);
    let told = audit::read(&log(&world.home)).unwrap();
    assert_eq!(told.iter().filter(|one| one.kind == audit::Kind::Withdrawn).count(), 1);
}

/// Starts a command and kills it once a file has changed so many times. Says whether it came to its end first.
fn kill_after(words: &[&str], file: &Path, changes: usize) -> bool {
    let stamp = || fs::metadata(file).and_then(|meta| meta.modified()).unwrap();
    let mut last = stamp();
    let mut command = caduceus(words);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut seen = 0;
    loop {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        let now = stamp();
        if now != last {
            (last, seen) = (now, seen + 1);
        }
        if seen > changes {
            let _ = child.kill();
            child.wait().unwrap();
            return false;
        }
        std::thread::yield_now();
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy_folder(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}
