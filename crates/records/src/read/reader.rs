//! One file after the other, one record after the other.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use super::files::{Format, SourceFile};
use super::{Ingest, PERSON_COLUMN, Progress, ReadOptions, Reason, SetAside};
use crate::consent::{self, ConsentRecord};
use crate::error::RecordsError;
use crate::json::{Json, Keep, Object, parse};
use crate::tables::Tables;
use crate::view::{Cell, CompiledView, FullUrls, Rows, Surroundings, TableBuilder};

/// The largest document that is read whole: positions in it are 32 bits wide.
const MAX_DOCUMENT: u64 = u32::MAX as u64;
/// A file with so many lines and no resource among them is not FHIR.
const HOPELESS: u64 = 1_000;
const PROGRESS_EVERY: u64 = 1_000;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A view at work.
struct Work<'r> {
    view: &'r CompiledView,
    person: Option<usize>,
    builder: TableBuilder,
}

pub(crate) struct Reader<'r> {
    works: Vec<Work<'r>>,
    wanted: Keep,
    options: ReadOptions,
    progress: Progress,
    tell: &'r mut dyn FnMut(Progress),
    keep: &'r mut dyn FnMut(&SetAside, &[u8]),
    set_aside: Vec<SetAside>,
    resources: BTreeMap<String, u64>,
    without_rows: BTreeMap<String, u64>,
    consents: Vec<ConsentRecord>,
    seen_patients: HashSet<String>,
}

/// Where a record stands.
#[derive(Clone, Copy)]
struct Place<'f> {
    file: &'f SourceFile,
    line: u64,
    byte: u64,
}

/// Why a record is not loaded: it alone is bad, at so many bytes from its start, or the reading cannot go on.
enum Failure {
    Record(Reason, usize),
    Fatal(RecordsError),
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Failure {
        Failure::Record(reason, 0)
    }
}

impl<'r> Reader<'r> {
    pub(crate) fn new(
        views: &'r [CompiledView],
        options: &ReadOptions,
        tell: &'r mut dyn FnMut(Progress),
        keep: &'r mut dyn FnMut(&SetAside, &[u8]),
        bytes_total: u64,
    ) -> Reader<'r> {
        let bundle = ["entry", "resource", "fullUrl"];
        let names = views.iter().flat_map(CompiledView::names).chain(bundle).chain(consent::NAMES);
        let work = |view: &'r CompiledView| Work {
            view,
            person: view.position(PERSON_COLUMN),
            builder: TableBuilder::new(view),
        };
        Reader {
            works: views.iter().map(work).collect(),
            wanted: Keep::only(names),
            options: *options,
            progress: Progress { bytes_total, ..Progress::default() },
            tell,
            keep,
            set_aside: Vec::new(),
            resources: BTreeMap::new(),
            without_rows: BTreeMap::new(),
            consents: Vec::new(),
            seen_patients: HashSet::new(),
        }
    }

    pub(crate) fn read(&mut self, file: &SourceFile) -> Result<(), RecordsError> {
        let before = self.progress.bytes;
        match file.format {
            Format::Lines => self.lines(file)?,
            Format::Document => self.document(file)?,
        }
        self.progress.bytes = before + file.bytes;
        (self.tell)(self.progress);
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Ingest, RecordsError> {
        let mut tables = Tables::default();
        for work in self.works {
            tables.0.insert(work.view.name().to_owned(), work.builder.finish()?);
        }
        Ok(Ingest {
            tables,
            set_aside: self.set_aside,
            resources: self.resources,
            without_rows: self.without_rows,
            ignored_files: Vec::new(),
            consents: self.consents,
            patients: Vec::new(),
        })
    }

    fn lines(&mut self, file: &SourceFile) -> Result<(), RecordsError> {
        let fail = || RecordsError::io("read", &file.path);
        let mut input = BufReader::with_capacity(1 << 18, File::open(&file.path).map_err(fail())?);
        let mut buffer = Vec::new();
        let mut place = Place { file, line: 0, byte: 0 };
        let (mut tried, mut good) = (0, 0);
        loop {
            let (length, whole) =
                read_line(&mut input, &mut buffer, self.options.max_line).map_err(fail())?;
            if length == 0 {
                return Ok(());
            }
            place.line += 1;
            let bytes = match place.line {
                1 => without_mark(&buffer),
                _ => &buffer[..],
            };
            if !bytes.trim_ascii().is_empty() {
                let place =
                    Place { byte: place.byte + (buffer.len() - bytes.len()) as u64, ..place };
                tried += 1;
                let limit = self.options.max_line as u64;
                let outcome = match whole {
                    true => self.text(place, bytes),
                    false => Err(Reason::TooLong { limit }.into()),
                };
                good += u64::from(outcome.is_ok());
                self.account(place, bytes, outcome)?;
            }
            place.byte += length;
            self.progress.bytes += length;
            if tried == HOPELESS && good == 0 {
                return self.account(
                    place,
                    &[],
                    Err(Reason::NotFhirFile { lines: HOPELESS }.into()),
                );
            }
        }
    }

    fn document(&mut self, file: &SourceFile) -> Result<(), RecordsError> {
        let place = Place { file, line: 1, byte: 0 };
        let input = File::open(&file.path).map_err(RecordsError::io("read", &file.path))?;
        let mut bytes = Vec::new();
        // One byte more than is allowed tells whether the file grew beyond it.
        let length = input.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes);
        let length = length.map_err(RecordsError::io("read", &file.path))? as u64;
        let text = without_mark(&bytes);
        let place = Place { byte: (bytes.len() - text.len()) as u64, ..place };
        let outcome = match length > MAX_DOCUMENT {
            true => Err(Reason::TooLong { limit: MAX_DOCUMENT }.into()),
            false => self.text(place, text),
        };
        self.account(place, text, outcome)
    }

    /// Reads the text of one resource or bundle. Entries of a bundle account for themselves; the bundle counts as one
    /// resource more.
    fn text(&mut self, place: Place<'_>, bytes: &[u8]) -> Result<(), Failure> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Failure::Record(Reason::NotUtf8, error.valid_up_to()))?;
        let json = parse(text, &self.wanted)
            .map_err(|error| Failure::Record(Reason::NotJson(error.what), error.at))?;
        let object = json.as_object().ok_or(Reason::NotAnObject)?;
        if object.text("resourceType") == Some("Bundle") {
            self.bundle(place, text, object)?;
            self.count("Bundle");
            return Ok(());
        }
        self.resource(&json, Surroundings::default())
    }

    fn bundle(&mut self, place: Place<'_>, text: &str, bundle: &Object<'_>) -> Result<(), Failure> {
        let entries = bundle.get("entry").map_or(&[][..], Json::each);
        let full_urls = full_urls(entries);
        let (mut line, mut counted) = (place.line, 0);
        for entry in entries {
            let span = entry.as_object().map_or(counted..counted, Object::span);
            line += newlines(&text.as_bytes()[counted..span.start]);
            counted = span.start;
            let place = Place { line, byte: place.byte + span.start as u64, ..place };
            let outcome = self.entry(entry, &full_urls);
            self.account(place, &text.as_bytes()[span], outcome).map_err(Failure::Fatal)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Json<'_>, full_urls: &FullUrls) -> Result<(), Failure> {
        let entry = entry.as_object().ok_or(Reason::NotAnObject)?;
        let resource = entry.get("resource").ok_or(Reason::EmptyEntry)?;
        let key =
            entry.text("fullUrl").and_then(|url| full_urls.get(url)).map(|(_, key)| key.as_str());
        self.resource(resource, Surroundings { key, full_urls: Some(full_urls) })
    }

    /// Runs the views over one resource and appends what they give, all of it or nothing.
    fn resource<'a>(
        &mut self,
        json: &'a Json<'a>,
        around: Surroundings<'a>,
    ) -> Result<(), Failure> {
        let object = json.as_object().ok_or(Reason::NotAnObject)?;
        let kind =
            object.text("resourceType").filter(|kind| is_type(kind)).ok_or(Reason::NotFhir)?;
        let key = object.text("id").or(around.key);
        if kind == "Patient" && key.is_some_and(|key| self.seen_patients.contains(key)) {
            return Err(Reason::Repeated.into());
        }
        let consent = match kind == "Consent" {
            true => Some(consent::read(object, around.full_urls).ok_or(Reason::NoPatient)?),
            false => None,
        };
        let mut appended = 0;
        let readers: Vec<usize> =
            (0..self.works.len()).filter(|&at| self.works[at].view.resource() == kind).collect();
        let made: Result<Vec<Rows<'_>>, Reason> =
            readers.iter().map(|&at| rows(&self.works[at], json, around)).collect();
        for (&at, rows) in readers.iter().zip(&made?) {
            appended += rows.len();
            self.works[at].builder.append(rows).map_err(Failure::Fatal)?;
        }
        if let (true, Some(key)) = (kind == "Patient", key) {
            self.seen_patients.insert(key.to_owned());
        }
        self.consents.extend(consent);
        self.count(kind);
        if appended == 0 && !readers.is_empty() {
            *self.without_rows.entry(kind.to_owned()).or_default() += 1;
        }
        Ok(())
    }

    /// Notes what became of a record.
    fn account(
        &mut self,
        place: Place<'_>,
        bytes: &[u8],
        outcome: Result<(), Failure>,
    ) -> Result<(), RecordsError> {
        self.progress.records += 1;
        match outcome {
            Ok(()) => {}
            Err(Failure::Fatal(error)) => return Err(error),
            Err(Failure::Record(reason, at)) => {
                let file = place.file.path.clone();
                let line = place.line + newlines(&bytes[..at]);
                let entry = SetAside { file, line, byte: place.byte + at as u64, reason };
                (self.keep)(&entry, bytes);
                self.set_aside.push(entry);
                self.progress.set_aside += 1;
            }
        }
        if self.progress.records.is_multiple_of(PROGRESS_EVERY) {
            (self.tell)(self.progress);
        }
        Ok(())
    }

    fn count(&mut self, kind: &str) {
        match self.resources.get_mut(kind) {
            Some(count) => *count += 1,
            None => drop(self.resources.insert(kind.to_owned(), 1)),
        }
    }
}

/// The rows that a view makes of a resource, all of them somebody's.
fn rows<'a>(
    work: &Work<'a>,
    json: &'a Json<'a>,
    around: Surroundings<'a>,
) -> Result<Rows<'a>, Reason> {
    let view = work.view;
    let unfit = |error: crate::view::RowError| Reason::Unfit {
        view: view.name().to_owned(),
        what: error.to_string(),
    };
    let rows = view.rows(json, around).map_err(unfit)?;
    let somebodys = |row: &Vec<Cell<'_>>| match work.person.map(|at| &row[at]) {
        Some(Cell::Text(id)) => !id.is_empty(),
        Some(_) => false,
        None => true,
    };
    match rows.iter().all(somebodys) {
        true => Ok(rows),
        false => Err(Reason::NoPatient),
    }
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

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// Reads a line into `buffer`, without its end. Returns the bytes passed over, 0 at the end of the file, and whether
/// the line fitted in `max` bytes; of a longer one the beginning is kept.
fn read_line(
    input: &mut impl BufRead,
    buffer: &mut Vec<u8>,
    max: usize,
) -> io::Result<(u64, bool)> {
    buffer.clear();
    let (mut length, mut whole) = (0, true);
    loop {
        let available = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let end = available.iter().position(|&byte| byte == b'\n');
        let part = &available[..end.unwrap_or(available.len())];
        let room = max - buffer.len();
        buffer.extend_from_slice(&part[..part.len().min(room)]);
        whole &= part.len() <= room;
        let done = end.is_some() || available.is_empty();
        let used = end.map_or(available.len(), |end| end + 1);
        input.consume(used);
        length += used as u64;
        if done {
            return Ok((length, whole));
        }
    }
}
