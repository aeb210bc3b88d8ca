//! Kills a process that charges and records in a loop, again and again, and reads what is left.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Stdio},
};

use caduceus_query::{
    Allowance, BudgetLedger, Charge, DatasetKey, Delta, Epsilon, EpsilonTotal, Limits, Loss,
    QuestionKey, ResearcherKey,
};

const FOLDER: &str = "CADUCEUS_QUERY_CRASH_TEST_FILE";
const DATASET: DatasetKey = DatasetKey([1; 32]);
const RESEARCHER: ResearcherKey = ResearcherKey([2; 20]);
const EPSILON: Epsilon = Epsilon::from_milli(3);
const KILLS: u64 = 12;

fn loss() -> Loss {
    Loss::pure(EPSILON, Delta::ZERO)
}

fn question(index: u64) -> QuestionKey {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&index.to_be_bytes());
    QuestionKey(key)
}

/// The process that dies: says "c" once a charge is durable and "r" once its answer is.
#[test]
#[ignore = "run by the test below, which kills it"]
fn child() {
    use std::io::Write;
    let Ok(file) = std::env::var(FOLDER) else { return };
    let ledger = BudgetLedger::open(Path::new(&file)).unwrap();
    let mut out = std::io::stdout().lock();
    for index in 0.. {
        let token = match ledger.charge(DATASET, RESEARCHER, question(index), loss()).unwrap() {
            Charge::Fresh(token) | Charge::Resumed(token) => token,
            Charge::Answered(_) => continue,
        };
        writeln!(out, "c {index}").unwrap();
        out.flush().unwrap();
        ledger.record(token, &index.to_be_bytes()).unwrap();
        writeln!(out, "r {index}").unwrap();
        out.flush().unwrap();
    }
}

/// What the killed process said was durable: charges and records, by question.
fn said_until_killed(file: &Path, lines: u64) -> (Vec<u64>, Vec<u64>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (mut heard, mut text) = (0, String::new());
    while heard < lines {
        let start = text.len();
        assert!(out.read_line(&mut text).unwrap() > 0, "the child ended by itself: {text}");
        heard += u64::from(number(&text[start..], "c ").or(number(&text[start..], "r ")).is_some());
    }
    // SIGKILL, at whatever instruction it is by now.
    child.kill().unwrap();
    child.wait().unwrap();
    out.read_to_string(&mut text).unwrap();
    // What was cut off within a line was not said.
    let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
    let all = |mark: &str| whole.lines().filter_map(|line| number(line, mark)).collect();
    (all("c "), all("r "))
}

/// The number after a mark. The test harness may have begun the line with words of its own.
fn number(line: &str, mark: &str) -> Option<u64> {
    line.rsplit("... ").next()?.strip_prefix(mark)?.trim().parse().ok()
}

#[test]
fn a_killed_process_leaves_no_answer_without_a_charge_and_no_charge_without_its_total() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("budget");
    let all = Allowance::pure(EpsilonTotal::from_milli(1_000_000));
    let limits = Limits { dataset: all, researcher: all };
    BudgetLedger::open(&file).unwrap().set_limits(DATASET, limits).unwrap();
    let (mut charged, mut recorded) = (Vec::new(), Vec::new());
    for round in 0..KILLS {
        let (charges, records) = said_until_killed(&file, 1 + round * 5 % 23);
        charged.extend(charges);
        recorded.extend(records);
        let ledger = BudgetLedger::open(&file).unwrap();
        ledger.verify().unwrap();
        let spent = ledger.spent(DATASET).unwrap().milli() / u64::from(EPSILON.milli());
        // Questions are charged in order, each once: the total says how many are.
        let last = *charged.iter().max().unwrap();
        assert!(spent == last + 1 || spent == last + 2, "{spent} charges, {last} said");
        assert_eq!(ledger.spent_by(DATASET, RESEARCHER).unwrap(), ledger.spent(DATASET).unwrap());
        for index in &recorded {
            match ledger.charge(DATASET, RESEARCHER, question(*index), loss()).unwrap() {
                Charge::Answered(answer) => assert_eq!(answer, index.to_be_bytes()),
                other => panic!("answer {index} was lost: {other:?}"),
            }
        }
        for index in 0..spent {
            let found = ledger.charge(DATASET, RESEARCHER, question(index), loss()).unwrap();
            assert!(!matches!(found, Charge::Fresh(_)), "charge {index} was lost");
        }
    }
}
