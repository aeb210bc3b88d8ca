//! The log of a vault: one line a record, each holding the hash of the one before it.
//!
//! A record is a JSON object with its fields in a fixed order and no spaces; its hash is the SHA-256 over that object
//! without the hash itself. Lines are compared byte for byte with what the record's fields give, so that a single altered
//! byte shows, whatever it is. Whoever can rewrite the whole log could make a consistent one; therefore heads of the chain
//! are anchored on the ledger, and [`verify`] holds the log to them.
//!
//! The log holds ids, hashes and counts, never a row or a name.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{VaultError, file};
use crate::files;

/// The hash before the first record.
pub const GENESIS: [u8; 32] = [0; 32];
/// The longest text in a record.
const LONGEST: usize = 256;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Ingested,
    Protected,
    Sealed,
    Attested,
    Published,
    ConsentGranted,
    ConsentRootPosted,
    ConsentRevoked,
    DeletionConfirmed,
    CredentialShown,
    Decided,
    QuestionRefused,
    BudgetCharged,
    Accessed,
    Answered,
    Released,
    PayoutRootPosted,
    Erased,
    Withdrawn,
    BreachReported,
    BreachNotified,
}

/// A detail of an event: a short text (an id, a hash) or a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Detail {
    /// A number.
    Number(i64),
    /// A text of at most 256 bytes.
    Text(String),
}

impl From<i64> for Detail {
    fn from(number: i64) -> Detail {
        Detail::Number(number)
    }
}

impl From<&str> for Detail {
    fn from(text: &str) -> Detail {
        Detail::Text(text.to_owned())
    }
}

/// An event that is to be logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, in seconds since 1970, by the caller's clock.
    pub time: u64,
    /// What happened.
    pub kind: Kind,
    /// What it happened to: an id or a hash.
    pub subject: String,
    /// What else is to be known.
    pub details: BTreeMap<String, Detail>,
}

/// An event in its place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Counted from 1.
    pub sequence: u64,
    /// When, in seconds since 1970.
    pub time: u64,
    /// What happened.
    pub kind: Kind,
    /// What it happened to.
    pub subject: String,
    /// What else is to be known.
    pub details: BTreeMap<String, Detail>,
    /// Hash of the record before, [`GENESIS`] for the first.
    #[serde(with = "hex::serde")]
    pub previous: [u8; 32],
    /// Hash of this record.
    #[serde(with = "hex::serde")]
    pub hash: [u8; 32],
}

/// The fields that the hash is over.
#[derive(Serialize)]
struct Hashed<'a> {
    sequence: u64,
    time: u64,
    kind: Kind,
    subject: &'a str,
    details: &'a BTreeMap<String, Detail>,
    #[serde(with = "hex::serde")]
    previous: [u8; 32],
}

/// What [`verify`] counted while it found nothing wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Records in the log.
    pub events: u64,
    /// Hash of the last one.
    pub head: [u8; 32],
    /// Anchors that agreed.
    pub anchors: u64,
}

/// The first place where a log is not what was written or anchored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the log, where record {sequence} belongs: {what}")]
pub struct Difference {
    /// Line, counted from 1.
    pub line: u64,
    /// The record that belongs there.
    pub sequence: u64,
    /// What does not fit.
    pub what: String,
}

/// Why a log could not be opened, read or added to.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] VaultError),
    /// The log was altered.
    #[error("{} was altered: {difference}", path.display())]
    Altered {
        /// The log.
        path: PathBuf,
        /// Where.
        difference: Difference,
    },
    /// An event holds a text that is too long for a log of ids and hashes.
    #[error("a text in the event is longer than {LONGEST} bytes; log a hash of it")]
    TooLong,
    /// An earlier write failed half way; what is on the disk is not known.
    #[error("an earlier write to {} failed; open the log again, which repairs it", .0.display())]
    Broken(PathBuf),
}

/// The log, open for writing. One process at a time.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    file: File,
    sequence: u64,
    hash: [u8; 32],
    broken: bool,
}

impl AuditLog {
    /// Opens a log, or begins one. A last line that a kill cut short was never acknowledged, and is cut off; the rest is
    /// read and checked.
    ///
    /// # Errors
    /// [`AuditError::Altered`] with the line, where the log is not a chain; [`AuditError::File`].
    pub fn open(path: &Path) -> Result<AuditLog, AuditError> {
        let is_new = !path.exists();
        let mut log = OpenOptions::new()
            .read(true)
            .create(true)
            .append(true)
            .open(path)
            .map_err(file("open", path))?;
        match log.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(VaultError::InUse(path.to_owned()).into()),
            Err(TryLockError::Error(error)) => return Err(file("lock", path)(error).into()),
        }
        if is_new {
            files::sync_folder(
                path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")),
            )?;
        }
        let mut bytes = Vec::new();
        log.read_to_end(&mut bytes).map_err(file("read", path))?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
        if whole < bytes.len() {
            log.set_len(whole as u64)
                .and_then(|()| log.sync_all())
                .map_err(file("repair", path))?;
        }
        let chain = follow(&bytes[..whole], &[]);
        let chain = chain
            .map_err(|difference| AuditError::Altered { path: path.to_owned(), difference })?;
        let (sequence, hash) = (chain.events, chain.head);
        Ok(AuditLog { path: path.to_owned(), file: log, sequence, hash, broken: false })
    }

    /// Adds an event and returns when it is on the disk.
    ///
    /// # Errors
    /// [`AuditError::TooLong`]; [`AuditError::File`] where the disk refuses: then nothing was logged, and the log is in
    /// order if what was written of it could be taken back, else it says [`AuditError::Broken`] until it is opened again.
    pub fn append(&mut self, event: Event) -> Result<Record, AuditError> {
        if self.broken {
            return Err(AuditError::Broken(self.path.clone()));
        }
        let keys_and_texts = event.details.iter().flat_map(|(key, detail)| match detail {
            Detail::Text(text) => [key.len(), text.len()],
            Detail::Number(_) => [key.len(), 0],
        });
        if keys_and_texts.chain([event.subject.len()]).any(|length| length > LONGEST) {
            return Err(AuditError::TooLong);
        }
        let record = Record::new(self.sequence + 1, event, self.hash);
        let line = record.line();
        if let Err(error) = self.write(&line) {
            self.broken = self.take_back().is_err();
            return Err(file("write", &self.path)(error).into());
        }
        (self.sequence, self.hash) = (record.sequence, record.hash);
        Ok(record)
    }

    /// Number and hash of the last record; 0 and [`GENESIS`] of an empty log.
    pub fn head(&self) -> (u64, [u8; 32]) {
        (self.sequence, self.hash)
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        self.file.write_all(line)?;
        self.file.sync_data()
    }

    /// Cuts off what a failed write left behind the last acknowledged record.
    fn take_back(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut bytes)?;
        let ends = bytes
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .map(|(place, _)| place + 1);
        let acknowledged = usize::try_from(self.sequence).unwrap_or(usize::MAX);
        let end = [0].into_iter().chain(ends).nth(acknowledged).unwrap_or(0);
        self.file.set_len(end as u64)?;
        self.file.sync_all()
    }
}

impl Record {
    fn new(sequence: u64, event: Event, previous: [u8; 32]) -> Record {
        let Event { time, kind, subject, details } = event;
        let mut record = Record { sequence, time, kind, subject, details, previous, hash: GENESIS };
        record.hash = record.expected_hash();
        record
    }

    #[expect(
        clippy::expect_used,
        reason = "numbers, texts and maps of them always have a JSON form"
    )]
    fn expected_hash(&self) -> [u8; 32] {
        let Record { sequence, time, kind, subject, details, previous, .. } = self;
        let hashed = Hashed {
            sequence: *sequence,
            time: *time,
            kind: *kind,
            subject,
            details,
            previous: *previous,
        };
        let text = serde_json::to_vec(&hashed)
            .expect("numbers, texts and maps of them always have a JSON form");
        Sha256::digest(text).into()
    }

    /// The record as it stands in the log, with its line end.
    #[expect(
        clippy::expect_used,
        reason = "numbers, texts and maps of them always have a JSON form"
    )]
    fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self)
            .expect("numbers, texts and maps of them always have a JSON form");
        line.push(b'\n');
        line
    }
}

/// Reads the records of a log that is in order.
///
/// # Errors
/// [`AuditError::Altered`] where it is not; [`AuditError::File`] where it cannot be read.
pub fn read(path: &Path) -> Result<Vec<Record>, AuditError> {
    let bytes = fs::read(path).map_err(file("read", path))?;
    let mut records = Vec::new();
    let followed = walk(&bytes, &mut |record| {
        records.push(record);
        Ok(())
    });
    followed.map_err(|difference| AuditError::Altered { path: path.to_owned(), difference })?;
    Ok(records)
}

/// Checks that records are a part of one log, in their order: each hash is that of its record, and each follows from the one
/// before.
///
/// # Errors
/// The first [`Difference`]; its line is counted as in the whole log.
pub fn is_part(records: &[Record]) -> Result<(), Difference> {
    for (position, record) in records.iter().enumerate() {
        let differs = |what: &str| Difference {
            line: record.sequence,
            sequence: record.sequence,
            what: what.to_owned(),
        };
        if record.expected_hash() != record.hash {
            return Err(differs("its hash is not that of its content"));
        }
        let before = position.checked_sub(1).and_then(|before| records.get(before));
        let follows = before.is_none_or(|before| {
            before.sequence.checked_add(1) == Some(record.sequence)
                && before.hash == record.previous
        });
        if !follows {
            return Err(differs("it does not follow from the record before"));
        }
    }
    Ok(())
}

/// Checks a log from end to end: every byte, the chain, and that it holds what was anchored. Each anchor is a sequence
/// number and the hash of that record; number 0 stands for the empty log.
///
/// # Errors
/// [`AuditError::Altered`] with the first record that is not what was written or anchored; [`AuditError::File`].
pub fn verify(path: &Path, anchors: &[(u64, [u8; 32])]) -> Result<Verified, AuditError> {
    let bytes = fs::read(path).map_err(file("read", path))?;
    follow(&bytes, anchors)
        .map_err(|difference| AuditError::Altered { path: path.to_owned(), difference })
}

fn follow(bytes: &[u8], anchors: &[(u64, [u8; 32])]) -> Result<Verified, Difference> {
    let mut head = GENESIS;
    let mut events = 0;
    let not_anchored = |sequence: u64, hash: [u8; 32]| {
        let wrong = anchors.iter().any(|anchor| anchor.0 == sequence && anchor.1 != hash);
        wrong.then(|| Difference {
            line: sequence,
            sequence,
            what: "its hash is not the one that was anchored; this record or an earlier one was replaced".to_owned(),
        })
    };
    not_anchored(0, GENESIS).map_or(Ok(()), Err)?;
    walk(bytes, &mut |record| {
        (events, head) = (record.sequence, record.hash);
        not_anchored(events, head).map_or(Ok(()), Err)
    })?;
    if let Some((last, _)) = anchors.iter().filter(|anchor| anchor.0 > events).max() {
        let what = format!("it is missing, with all up to the anchored record {last}");
        return Err(Difference { line: events + 1, sequence: events + 1, what });
    }
    Ok(Verified { events, head, anchors: anchors.len() as u64 })
}

/// Gives every record to `each`, in order, as long as the chain holds.
fn walk(
    bytes: &[u8],
    each: &mut dyn FnMut(Record) -> Result<(), Difference>,
) -> Result<(), Difference> {
    let mut previous = GENESIS;
    for (position, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let sequence = position as u64 + 1;
        let differs = |what: &str| Difference { line: sequence, sequence, what: what.to_owned() };
        let record: Record =
            serde_json::from_slice(line).map_err(|_| differs("it is no record"))?;
        if record.line() != line {
            return Err(differs("it is not written as records are"));
        }
        if record.sequence != sequence {
            return Err(differs("it has another number; a record was removed, added or moved"));
        }
        if record.expected_hash() != record.hash {
            return Err(differs("its hash is not that of its content"));
        }
        if record.previous != previous {
            return Err(differs("it does not follow from the record before"));
        }
        previous = record.hash;
        each(record)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn event(number: u64) -> Event {
        let details = BTreeMap::from([
            ("rows".to_owned(), Detail::from(number as i64 * 3)),
            ("note".to_owned(), Detail::from("a \"quoted\" \u{e9}")),
        ]);
        Event {
            time: 1_767_225_600 + number,
            kind: Kind::Answered,
            subject: format!("question {number}"),
            details,
        }
    }

    fn log_of(count: u64) -> (tempfile::TempDir, PathBuf, Vec<Record>) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let mut log = AuditLog::open(&path).unwrap();
        let records = (0..count).map(|number| log.append(event(number)).unwrap()).collect();
        (dir, path, records)
    }

    fn difference(path: &Path, anchors: &[(u64, [u8; 32])]) -> Difference {
        match verify(path, anchors).unwrap_err() {
            AuditError::Altered { difference, .. } => difference,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_log_goes_on_where_it_ended() {
        let (_dir, path, records) = log_of(3);
        let mut log = AuditLog::open(&path).unwrap();
        assert_eq!(log.head(), (3, records[2].hash));
        let fourth = log.append(event(9)).unwrap();
        assert_eq!((fourth.sequence, fourth.previous), (4, records[2].hash));
        let verified = verify(&path, &[(0, GENESIS), (2, records[1].hash)]).unwrap();
        assert_eq!(verified, Verified { events: 4, head: fourth.hash, anchors: 2 });
        assert_eq!(read(&path).unwrap()[..3], records[..]);
    }

    #[test]
    fn a_second_writer_is_refused() {
        let (_dir, path, _) = log_of(1);
        let _first = AuditLog::open(&path).unwrap();
        assert!(matches!(AuditLog::open(&path), Err(AuditError::File(VaultError::InUse(_)))));
    }

    #[test]
    fn every_altered_byte_is_found_in_its_record() {
        let (_dir, path, records) = log_of(3);
        let good = fs::read(&path).unwrap();
        let anchor = [(3, records[2].hash)];
        let mut line = 1;
        for position in 0..good.len() {
            for flip in [1, 0x20, 0x80] {
                let mut bad = good.clone();
                bad[position] ^= flip;
                assert_eq!(follow(&bad, &anchor).unwrap_err().line, line, "byte {position}");
            }
            line += u64::from(good[position] == b'\n');
        }
        let mut bad = good;
        bad[7] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert_eq!(difference(&path, &anchor).sequence, 1);
    }

    #[test]
    fn removed_records_are_found_at_the_end_by_the_anchor_and_elsewhere_by_the_chain() {
        let (_dir, path, records) = log_of(4);
        let good = fs::read(&path).unwrap();
        let lines: Vec<&[u8]> = good.split_inclusive(|&byte| byte == b'\n').collect();
        fs::write(&path, lines[..2].concat()).unwrap();
        assert!(verify(&path, &[]).is_ok());
        assert_eq!(difference(&path, &[(4, records[3].hash)]).sequence, 3);
        fs::write(&path, [lines[0], lines[2], lines[3]].concat()).unwrap();
        assert_eq!(difference(&path, &[]).line, 2);
        fs::write(&path, [lines[0], lines[2], lines[1], lines[3]].concat()).unwrap();
        assert_eq!(difference(&path, &[]).line, 2);
    }

    #[test]
    fn a_log_that_was_rewritten_as_a_whole_is_found_by_the_anchor() {
        let (_dir, path, records) = log_of(3);
        fs::remove_file(&path).unwrap();
        let mut forged = AuditLog::open(&path).unwrap();
        for number in [0, 7, 2] {
            forged.append(event(number)).unwrap();
        }
        assert!(verify(&path, &[]).is_ok());
        assert_eq!(difference(&path, &[(1, records[0].hash), (2, records[1].hash)]).sequence, 2);
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_other_damage_is_named() {
        let (_dir, path, records) = log_of(3);
        let good = fs::read(&path).unwrap();
        let last = good[..good.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
        for cut in last..good.len() {
            fs::write(&path, &good[..cut]).unwrap();
            let log = AuditLog::open(&path).unwrap();
            assert_eq!(log.head(), (2, records[1].hash));
            assert_eq!(fs::read(&path).unwrap(), good[..last]);
        }
        let mut bad = good.clone();
        bad[last - 10] ^= 1;
        fs::write(&path, &bad).unwrap();
        let error = AuditLog::open(&path).unwrap_err().to_string();
        assert!(error.contains("line 2 of the log"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bad);
    }

    #[test]
    fn a_power_cut_leaves_what_was_synced_whatever_the_disk_made_of_the_rest() {
        let (_dir, path, records) = log_of(3);
        let good = fs::read(&path).unwrap();
        let last = good[..good.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
        // Of an append that was not synced any first part may be there, and blocks of zeros where none was written.
        for cut in last..good.len() {
            for zeros in [0, 1, 4096] {
                let mut torn = good[..cut].to_vec();
                torn.resize(cut + zeros, 0);
                fs::write(&path, &torn).unwrap();
                let mut log = AuditLog::open(&path).unwrap();
                assert_eq!(log.head(), (2, records[1].hash), "byte {cut}, {zeros} zeros");
                assert_eq!(log.append(event(2)).unwrap(), records[2], "it goes on as before");
                drop(log);
                assert_eq!(fs::read(&path).unwrap(), good);
            }
        }
    }

    #[test]
    fn a_part_of_a_log_is_whole_and_in_order() {
        let (_dir, _, records) = log_of(5);
        for part in [&records[..], &records[2..4], &records[4..], &[]] {
            is_part(part).unwrap();
        }
        let without_third = [&records[..2], &records[3..]].concat();
        assert_eq!(is_part(&without_third).unwrap_err().sequence, 4);
        let mut altered = records[1..].to_vec();
        altered[1].details.insert("rows".into(), Detail::Number(7));
        assert_eq!(is_part(&altered).unwrap_err().sequence, 3);
        let mut moved = records;
        moved.swap(1, 2);
        assert!(is_part(&moved).is_err());
    }

    #[test]
    fn rows_do_not_fit_into_the_log() {
        let (_dir, path, _) = log_of(0);
        let mut log = AuditLog::open(&path).unwrap();
        let long = Event { subject: "x".repeat(LONGEST + 1), ..event(1) };
        assert!(matches!(log.append(long), Err(AuditError::TooLong)));
        assert_eq!(log.head(), (0, GENESIS));
        assert_eq!(fs::read(&path).unwrap(), b"");
    }
}
