//! What workers made, put together in the order of the sources.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use arrow::record_batch::RecordBatch;
use bumpalo::Bump;

use super::source::{Block, Content};
use super::work::{Bad, Job, Made, Misfit};
use super::{Misfits, Progress, ReadOptions, Reason, SetAside, Summary};
use crate::error::RecordsError;

/// A file with so many records that are none, and no other, is not FHIR.
const HOPELESS: u64 = 1_000;
const PROGRESS_EVERY: u64 = 1_000;

/// Where the rows go: the view's place among the views, and its next rows.
pub(super) type Sink<'s> = dyn FnMut(usize, RecordBatch) -> Result<(), RecordsError> + 's;

/// Records that do not fit one part of a view.
struct Counted {
    view: usize,
    /// Whether it is the view's mistake only where it took no record at all.
    doubtful: bool,
    misfits: Misfits,
}

pub(super) struct Gather<'g, 'v> {
    job: &'g Job<'v>,
    paths: &'g [PathBuf],
    options: &'g ReadOptions,
    progress: Progress,
    tell: &'g mut dyn FnMut(Progress),
    keep: &'g mut dyn FnMut(&SetAside, &[u8]),
    sink: &'g mut Sink<'g>,
    seen_patients: HashSet<String>,
    arena: Bump,
    /// The file that is at work, how far it is, and what it held until now.
    file: usize,
    line: u64,
    tried: u64,
    good: u64,
    given_up: bool,
    /// For each view, whether it took any record.
    fits: Vec<bool>,
    misfits: Vec<Counted>,
    summary: Summary,
}

impl<'g, 'v> Gather<'g, 'v> {
    pub(super) fn new(
        job: &'g Job<'v>,
        paths: &'g [PathBuf],
        bytes_total: u64,
        options: &'g ReadOptions,
        tell: &'g mut dyn FnMut(Progress),
        keep: &'g mut dyn FnMut(&SetAside, &[u8]),
        sink: &'g mut Sink<'g>,
    ) -> Gather<'g, 'v> {
        Gather {
            job,
            paths,
            options,
            progress: Progress { bytes_total, ..Progress::default() },
            tell,
            keep,
            sink,
            seen_patients: HashSet::new(),
            arena: Bump::new(),
            file: usize::MAX,
            line: 0,
            tried: 0,
            good: 0,
            given_up: false,
            fits: vec![false; job.views.len()],
            misfits: Vec::new(),
            summary: Summary::default(),
        }
    }

    /// Takes what came of the next block. Returns whether more of its file is of use.
    pub(super) fn take(&mut self, block: &Block, made: Made) -> Result<bool, RecordsError> {
        if self.file != block.file {
            (self.file, self.line) = (block.file, 0);
            (self.tried, self.good, self.given_up) = (0, 0, false);
        }
        if self.given_up {
            return Ok(false);
        }
        let repeated = self.repeated(&made.patients);
        let mut made = match repeated.is_empty() {
            true => made,
            // Patients who were read before take their rows back with them: the block is read once more without.
            false => self.job.run(block, &repeated, &mut self.arena)?,
        };
        self.progress.bytes = self.progress.bytes.max(block.read);
        // What only a view could not take is a record all the same.
        let good = made.records - made.bad.len() as u64 + made.misfits.len() as u64;
        if self.good + good == 0 && self.tried + made.records >= HOPELESS {
            return self.give_up(block, made);
        }
        for bad in std::mem::take(&mut made.bad) {
            self.set_aside(block, bad)?;
        }
        self.advance(made.records);
        self.good += good;
        self.line += made.lines;
        self.add(made)?;
        if block.content == Content::Nothing {
            self.summary.empty_files.push(self.paths[block.file].clone());
        }
        if block.content == Content::End {
            (self.tell)(self.progress);
        }
        Ok(true)
    }

    /// Tells the end, and gives out what was found.
    pub(super) fn finish(self) -> Summary {
        let all = Progress { bytes: self.progress.bytes_total, ..self.progress };
        (self.tell)(all);
        let fits = self.fits;
        let mistakes = self.misfits.into_iter().filter(|one| !(one.doubtful && fits[one.view]));
        Summary { misfits: mistakes.map(|one| one.misfits).collect(), ..self.summary }
    }

    /// The numbers of the records whose patients were read before.
    fn repeated(&mut self, patients: &[(String, u64)]) -> HashSet<u64> {
        let mut again = HashSet::new();
        for (key, record) in patients {
            if !self.seen_patients.insert(key.clone()) {
                again.insert(*record);
            }
        }
        again
    }

    /// Sets aside what is left of the patience with a file that holds no record, and says so.
    fn give_up(&mut self, block: &Block, made: Made) -> Result<bool, RecordsError> {
        let left = (HOPELESS - self.tried) as usize;
        let mut place = None;
        for bad in made.bad.into_iter().take(left) {
            place = Some((bad.line, bad.bytes.end));
            self.set_aside(block, bad)?;
        }
        self.advance(left as u64);
        if let Some((line, byte)) = place {
            let reason = Reason::NotFhirFile { lines: HOPELESS };
            self.set_aside(block, Bad { reason, line, byte, bytes: 0..0 })?;
            self.advance(1);
        }
        self.given_up = true;
        (self.tell)(self.progress);
        Ok(false)
    }

    fn set_aside(&mut self, block: &Block, bad: Bad) -> Result<(), RecordsError> {
        let entry = SetAside {
            file: self.paths[block.file].clone(),
            line: self.line + bad.line + 1,
            byte: block.start + bad.byte as u64,
            reason: bad.reason,
        };
        if self.options.strict {
            return Err(RecordsError::Strict(Box::new(entry)));
        }
        (self.keep)(&entry, &block.bytes[bad.bytes]);
        self.progress.set_aside += 1;
        *self.summary.reasons.entry(entry.reason.to_string()).or_default() += 1;
        if self.summary.set_aside.len() < self.options.named {
            self.summary.set_aside.push(entry);
        }
        Ok(())
    }

    /// Counts records, and tells how far the reading is at every thousandth.
    fn advance(&mut self, records: u64) {
        let before = self.progress.records / PROGRESS_EVERY;
        let after = (self.progress.records + records) / PROGRESS_EVERY;
        for thousands in before + 1..=after {
            (self.tell)(Progress { records: thousands * PROGRESS_EVERY, ..self.progress });
        }
        self.progress.records += records;
        self.tried += records;
    }

    fn add(&mut self, made: Made) -> Result<(), RecordsError> {
        for misfit in made.misfits {
            self.misfit(misfit);
        }
        self.fits.iter_mut().zip(made.fits).for_each(|(known, fits)| *known |= fits);
        merge(&mut self.summary.resources, made.resources);
        merge(&mut self.summary.without_rows, made.without_rows);
        self.summary.consents.extend(made.consents);
        self.summary.links.extend(made.links);
        for (view, rows) in made.tables.into_iter().enumerate() {
            if let Some(rows) = rows {
                (self.sink)(view, rows)?;
            }
        }
        Ok(())
    }

    /// Counts a record by the part of the view that it does not fit.
    fn misfit(&mut self, Misfit { view, error }: Misfit) {
        let (place, doubtful) = (error.place(), error.doubtful);
        let same = |one: &&mut Counted| {
            (one.view, one.doubtful) == (view, doubtful) && one.misfits.place == place
        };
        if let Some(known) = self.misfits.iter_mut().find(same) {
            known.misfits.records += 1;
            return;
        }
        let misfits = Misfits {
            view: self.job.views[view].name().to_owned(),
            place,
            what: error.to_string(),
            advice: error.advice.unwrap_or_default().to_owned(),
            records: 1,
        };
        self.misfits.push(Counted { view, doubtful, misfits });
    }
}

fn merge(into: &mut BTreeMap<String, u64>, more: BTreeMap<String, u64>) {
    for (name, count) in more {
        *into.entry(name).or_default() += count;
    }
}
