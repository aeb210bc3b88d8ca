//! A block of a source into rows: what a worker does, on its own and without knowing the others.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use arrow::record_batch::RecordBatch;
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

use super::source::{Block, Content};
use super::{BYTE_ORDER_MARK, PERSON_COLUMN, Reason};
use crate::consent::{self, ConsentRecord};
use crate::error::RecordsError;
use crate::json::{Json, Keep, Object, parse, parse_whole_entries};
use crate::view::{Cell, CompiledView, FullUrls, RowError, Rows, Surroundings, TableBuilder};

/// What is the same for all workers.
pub(super) struct Job<'v> {
    pub(super) views: &'v [CompiledView],
    persons: Vec<Option<usize>>,
    keep: Keep,
    /// Whether rows must be somebody's, a patient is there once only, and consents are read.
    pub(super) of_persons: bool,
    pub(super) max_line: usize,
}

/// What came of a block.
#[derive(Default)]
pub(super) struct Made {
    /// The rows for each view; none where there are none.
    pub(super) tables: Vec<Option<RecordBatch>>,
    pub(super) lines: u64,
    pub(super) records: u64,
    pub(super) bad: Vec<Bad>,
    pub(super) resources: BTreeMap<String, u64>,
    pub(super) without_rows: BTreeMap<String, u64>,
    pub(super) consents: Vec<ConsentRecord>,
    /// Patients' keys with those of other records about the same patient.
    pub(super) links: Vec<(String, String)>,
    /// The keys of the patients that were read, each with its record's number in the block.
    pub(super) patients: Vec<(String, u64)>,
    /// A place of a view's definition for each record that it could not take although the record is right.
    pub(super) misfits: Vec<Misfit>,
    /// For each view, whether it took a record, be it that it left it out.
    pub(super) fits: Vec<bool>,
}

/// A part of a view that asks for what a good record does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) view: usize,
    pub(super) error: RowError,
}

/// A record that is set aside.
pub(super) struct Bad {
    pub(super) reason: Reason,
    /// Lines of the block before the place.
    pub(super) line: u64,
    /// Bytes of the block before the place.
    pub(super) byte: usize,
    /// The record's own bytes.
    pub(super) bytes: Range<usize>,
}

/// Where a record stands in its block.
#[derive(Clone, Copy)]
struct Spot {
    line: u64,
    byte: usize,
}

/// Why a record is not loaded: it alone is bad, at so many bytes from its start, or the reading cannot go on.
enum Failure {
    Record(Reason, usize),
    Misfit(Misfit),
    Fatal(RecordsError),
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Failure {
        Failure::Record(reason, 0)
    }
}

impl<'v> Job<'v> {
    pub(super) fn new(views: &'v [CompiledView], of_persons: bool, max_line: usize) -> Job<'v> {
        let mut keep = Keep::nothing();
        views.iter().for_each(|view| view.reads(&mut keep));
        if of_persons {
            let consent = keep.resource("Consent");
            keep.whole(consent);
            let patient = keep.resource("Patient");
            let link = keep.child(patient, "link");
            let other = keep.child(link, "other");
            for name in ["reference", "type"] {
                keep.child(other, name);
            }
        }
        keep.settle();
        let person = |view: &CompiledView| match of_persons {
            true => view.position(PERSON_COLUMN),
            false => None,
        };
        Job { views, persons: views.iter().map(person).collect(), keep, of_persons, max_line }
    }

    /// Reads a block; records whose numbers are in `repeated` are set aside as such.
    pub(super) fn run(
        &self,
        block: &Block,
        repeated: &HashSet<u64>,
        arena: &mut Bump,
    ) -> Result<Made, RecordsError> {
        let builders = self.views.iter().map(TableBuilder::new).collect();
        let made = Made { fits: vec![false; self.views.len()], ..Made::default() };
        let mut worker = Worker { job: self, builders, made, repeated };
        match &block.content {
            Content::Lines => worker.lines(block, arena)?,
            Content::Document => worker.document(&block.bytes, arena)?,
            Content::Bad { reason, line, .. } => {
                worker.made.lines = u64::from(*line);
                worker.made.records = 1;
                let bytes = 0..block.bytes.len();
                worker.made.bad.push(Bad { reason: reason.clone(), line: 0, byte: 0, bytes });
            }
            Content::Nothing | Content::End => {}
        }
        let mut made = worker.made;
        for builder in worker.builders {
            made.tables.push(match builder.rows() {
                0 => None,
                _ => Some(builder.finish()?),
            });
        }
        Ok(made)
    }
}

struct Worker<'j, 'v> {
    job: &'j Job<'v>,
    builders: Vec<TableBuilder>,
    made: Made,
    repeated: &'j HashSet<u64>,
}

impl Worker<'_, '_> {
    fn lines(&mut self, block: &Block, arena: &mut Bump) -> Result<(), RecordsError> {
        let bytes = &block.bytes;
        // Checked at once where all of it is good, which is the rule.
        let text = std::str::from_utf8(bytes).ok();
        let mut at = if block.start == 0 { mark(bytes) } else { 0 };
        for end in memchr::memchr_iter(b'\n', bytes).chain([bytes.len()]) {
            let line = at..end;
            at = (end + 1).min(bytes.len());
            if !bytes[line.clone()].trim_ascii().is_empty() {
                arena.reset();
                let spot = Spot { line: self.made.lines, byte: line.start };
                let outcome = match line.len() > self.job.max_line {
                    true => Err(Reason::TooLong { limit: self.job.max_line as u64 }.into()),
                    false => match text.and_then(|text| text.get(line.clone())) {
                        Some(text) => self.text(spot, text, arena),
                        None => self.bytes(spot, &bytes[line.clone()], arena),
                    },
                };
                let kept = line.start..line.end.min(line.start + self.job.max_line);
                self.account(spot, &bytes[line], kept, outcome)?;
            }
            self.made.lines += u64::from(end < bytes.len());
        }
        Ok(())
    }

    fn document(&mut self, bytes: &[u8], arena: &mut Bump) -> Result<(), RecordsError> {
        arena.reset();
        let spot = Spot { line: 0, byte: mark(bytes) };
        let text = &bytes[spot.byte..];
        let outcome = match text.trim_ascii().is_empty() {
            true => Err(Reason::Empty.into()),
            false => self.bytes(spot, text, arena),
        };
        self.account(spot, text, spot.byte..bytes.len(), outcome)
    }

    fn bytes(&mut self, spot: Spot, bytes: &[u8], arena: &Bump) -> Result<(), Failure> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(spot, text, arena),
            Err(error) => Err(Failure::Record(Reason::NotUtf8, error.valid_up_to())),
        }
    }

    /// Reads the text of one resource or bundle. Entries of a bundle account for themselves, before the bundle, which
    /// counts as one resource more.
    fn text(&mut self, spot: Spot, text: &str, arena: &Bump) -> Result<(), Failure> {
        let json = match parse(text, &self.job.keep, arena) {
            Ok(json) => json,
            Err(error) => {
                // What came before the damage of a bundle is still good.
                let entries = parse_whole_entries(text, &self.job.keep, arena);
                self.entries(spot, text, &entries, arena)?;
                return Err(Failure::Record(Reason::NotJson(error.what), error.at));
            }
        };
        let object = json.as_object().ok_or(Reason::NotAnObject)?;
        if object.text("resourceType") == Some("Bundle") {
            let entries = object.get("entry").map_or(&[][..], Json::each);
            let of_bundles = |view: &CompiledView| view.resource() == "Bundle";
            // It is a resource of its own for views of bundles. Where there are no others, what is in it is part of it.
            if self.job.views.is_empty() || !self.job.views.iter().all(of_bundles) {
                self.entries(spot, text, entries, arena)?;
            }
            let full_urls = match self.job.views.iter().any(of_bundles) {
                true => full_urls(entries),
                false => FullUrls::new(),
            };
            let around = Surroundings { key: None, full_urls: Some(&full_urls) };
            return self.resource(&json, text, around, arena);
        }
        self.resource(&json, text, Surroundings::default(), arena)
    }

    fn entries(
        &mut self,
        spot: Spot,
        text: &str,
        entries: &[Json<'_>],
        arena: &Bump,
    ) -> Result<(), Failure> {
        let full_urls = full_urls(entries);
        let (mut line, mut counted) = (spot.line, 0);
        for entry in entries {
            let span = entry.as_object().map_or(counted..counted, Object::span);
            line += newlines(&text.as_bytes()[counted..span.start]);
            counted = span.start;
            let inner = Spot { line, byte: spot.byte + span.start };
            let outcome = self.entry(entry, text, &full_urls, arena);
            let bytes = spot.byte + span.start..spot.byte + span.end;
            self.account(inner, &text.as_bytes()[span], bytes, outcome).map_err(Failure::Fatal)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        entry: &Json<'_>,
        text: &str,
        full_urls: &FullUrls,
        arena: &Bump,
    ) -> Result<(), Failure> {
        let entry = entry.as_object().ok_or(Reason::NotAnObject)?;
        let resource = entry.get("resource").ok_or(Reason::EmptyEntry)?;
        let key =
            entry.text("fullUrl").and_then(|url| full_urls.get(url)).map(|(_, key)| key.as_str());
        self.resource(resource, text, Surroundings { key, full_urls: Some(full_urls) }, arena)
    }

    /// Runs the views over one resource in `text` and appends what they give, all of it or nothing.
    fn resource<'a>(
        &mut self,
        json: &'a Json<'a>,
        text: &str,
        around: Surroundings<'a>,
        arena: &'a Bump,
    ) -> Result<(), Failure> {
        let object = json.as_object().ok_or(Reason::NotAnObject)?;
        let kind =
            object.text("resourceType").filter(|kind| is_type(kind)).ok_or(Reason::NotFhir)?;
        if self.repeated.contains(&self.made.records) {
            return Err(Reason::Repeated.into());
        }
        let consent = match self.job.of_persons && kind == "Consent" {
            true => {
                let text = &text[object.span()];
                Some(consent::read(object, around.full_urls, text).ok_or(Reason::ConsentOfNobody)?)
            }
            false => None,
        };
        let views = self.job.views;
        let mut made: ArenaVec<'_, (usize, Rows<'_>)> = ArenaVec::new_in(arena);
        for at in (0..views.len()).filter(|at| views[*at].resource() == kind) {
            made.push((at, self.rows(at, json, around, arena)?));
            self.made.fits[at] = true;
        }
        let appended: usize = made.iter().map(|(_, rows)| rows.len()).sum();
        for (at, rows) in &made {
            self.builders[*at].append(rows).map_err(Failure::Fatal)?;
        }
        if self.job.of_persons
            && kind == "Patient"
            && let Some(key) = object.text("id").or(around.key)
        {
            let others = consent::links(object, around.full_urls);
            self.made.links.extend(others.map(|other| (key.to_owned(), other.to_owned())));
            self.made.patients.push((key.to_owned(), self.made.records));
        }
        self.made.consents.extend(consent);
        self.count(kind);
        if appended == 0 && !made.is_empty() {
            *self.made.without_rows.entry(kind.to_owned()).or_default() += 1;
        }
        Ok(())
    }

    /// The rows that a view makes of a resource, all of them somebody's where that is asked.
    fn rows<'a>(
        &self,
        at: usize,
        json: &'a Json<'a>,
        around: Surroundings<'a>,
        arena: &'a Bump,
    ) -> Result<Rows<'a>, Failure>
    where
        Self: 'a,
    {
        let view = &self.job.views[at];
        let rows =
            view.rows(json, around, arena).map_err(|error| match error.advice.is_some() {
                true => Failure::Misfit(Misfit { view: at, error }),
                false => {
                    Reason::Unfit { view: view.name().to_owned(), what: error.to_string() }.into()
                }
            })?;
        let somebodys = |row: &[Cell<'_>]| match self.job.persons[at].map(|at| &row[at]) {
            Some(Cell::Text(id)) => !id.is_empty(),
            Some(_) => false,
            None => true,
        };
        match rows.iter().all(somebodys) {
            true => Ok(rows),
            false => Err(Reason::NoPatient.into()),
        }
    }

    /// Notes what became of a record with these bytes, which stand at `range` of the block.
    fn account(
        &mut self,
        spot: Spot,
        bytes: &[u8],
        range: Range<usize>,
        outcome: Result<(), Failure>,
    ) -> Result<(), RecordsError> {
        self.made.records += 1;
        let (reason, at) = match outcome {
            Ok(()) => return Ok(()),
            Err(Failure::Fatal(error)) => return Err(error),
            Err(Failure::Record(reason, at)) => (reason, at),
            Err(Failure::Misfit(misfit)) => {
                let view = self.job.views[misfit.view].name().to_owned();
                let reason = Reason::Unfit { view, what: misfit.error.to_string() };
                self.made.misfits.push(misfit);
                (reason, 0)
            }
        };
        let line = spot.line + newlines(&bytes[..at]);
        self.made.bad.push(Bad { reason, line, byte: spot.byte + at, bytes: range });
        Ok(())
    }

    fn count(&mut self, kind: &str) {
        match self.made.resources.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(self.made.resources.insert(kind.to_owned(), 1)),
        }
    }
}

/// The length of the byte order mark that the bytes begin with.
fn mark(bytes: &[u8]) -> usize {
    if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 }
}

/// Resource types are words; anything else is not counted under its own name, because it may be somebody's data.
fn is_type(kind: &str) -> bool {
    kind.len() <= 64
        && kind.starts_with(|first: char| first.is_ascii_uppercase())
        && kind.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The types and keys of a bundle's resources by their full URLs.
fn full_urls(entries: &[Json<'_>]) -> FullUrls {
    let entry = |entry: &Json<'_>| {
        let entry = entry.as_object()?;
        let url = entry.text("fullUrl")?;
        let resource = entry.get("resource")?.as_object()?;
        let own = resource.text("id").or(url.strip_prefix("urn:uuid:"));
        Some((url.to_owned(), (resource.text("resourceType")?.to_owned(), own?.to_owned())))
    };
    entries.iter().filter_map(entry).collect()
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}
