//! Ends a process at every byte of a record that it writes to the log: what was acknowledged stays, what was not is gone
//! or whole, and the log goes on.
//!
//! The kernel does it: a process that writes beyond its limit of file size (RLIMIT_FSIZE) gets the bytes up to the limit
//! written, and then SIGXFSZ, which ends it; where it ignores that signal, the disk refuses the rest.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

use caduceus_vault::audit::{self, AuditLog, Event, Kind};

const FILE: &str = "CADUCEUS_VAULT_LOG_CRASH_TEST";
/// What the child writes before it ends by itself.
const RECORDS: u64 = 2;

fn event(time: u64) -> Event {
    Event { time, kind: Kind::Released, subject: "0".repeat(66), details: BTreeMap::new() }
}

/// The child: appends, and says what is on the disk. Where the disk refuses, it says so and looks at what is left.
#[test]
#[ignore = "started by the test below"]
fn append_until_the_end() {
    let Ok(path) = std::env::var(FILE) else { return };
    let path = Path::new(&path);
    let mut log = AuditLog::open(path).unwrap();
    let mut out = std::io::stdout();
    for time in 0..RECORDS {
        match log.append(event(time)) {
            Ok(record) => writeln!(out, "\nlogged {}", record.sequence).unwrap(),
            Err(_) => {
                let left = audit::verify(path, &[]).unwrap();
                assert_eq!((left.events, left.head), log.head(), "what was refused left something");
                writeln!(out, "\nrefused").unwrap();
                return;
            }
        }
        out.flush().unwrap();
    }
}

/// Runs the child with a limit for its files.
fn run(path: &Path, limit: u64, ignored: bool) -> Option<Output> {
    let mut command = Command::new("prlimit");
    command.args([format!("--fsize={limit}"), "--core=0".to_owned()]);
    if ignored {
        command.args(["env", "--ignore-signal=XFSZ"]);
    }
    command.arg(std::env::current_exe().unwrap());
    command.args(["--exact", "append_until_the_end", "--ignored", "--nocapture"]);
    match command.env(FILE, path).output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("skipped: prlimit of util-linux cannot be run: {error}");
            None
        }
    }
}

/// The last record that the child acknowledged; `before` where there is none.
fn acknowledged(output: &Output, before: u64) -> u64 {
    let said = String::from_utf8_lossy(&output.stdout);
    let numbers = said.lines().filter_map(|line| line.strip_prefix("logged ")?.parse().ok());
    numbers.max().unwrap_or(before)
}

#[test]
fn a_process_that_ends_at_any_byte_of_a_record_loses_nothing_that_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let mut log = AuditLog::open(&path).unwrap();
    let first = log.append(event(0)).unwrap();
    drop(log);
    let good = fs::read(&path).unwrap();
    let length = good.len() as u64;
    for more in 0..=length {
        for ignored in [false, true] {
            fs::write(&path, &good).unwrap();
            let Some(output) = run(&path, length + more, ignored) else { return };
            assert!(
                output.status.success() == ignored,
                "the limit of {more} more bytes: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            let known = acknowledged(&output, 1);
            let torn = fs::metadata(&path).unwrap().len();
            match ignored {
                // Killed: the bytes up to the limit are there, a part of a record.
                false => assert_eq!(torn, length + more),
                true => assert_eq!(torn, if more == length { 2 * length } else { length }),
            }
            assert_eq!(known, if more == length { 2 } else { 1 }, "{more} more bytes");
            let mut log = AuditLog::open(&path).unwrap();
            assert_eq!(log.head().0, known, "{more} more bytes");
            let next = log.append(event(9)).unwrap();
            assert_eq!(next.sequence, known + 1);
            drop(log);
            let verified = audit::verify(&path, &[(1, first.hash)]).unwrap();
            assert_eq!((verified.events, verified.head), (known + 1, next.hash));
        }
    }
}
