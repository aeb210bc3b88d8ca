//! Opening a source: what it is packed in, how it holds its records, and its bytes in blocks.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bumpalo::Bump;

use super::Reason;
use super::files::{Format, SourceFile};
use crate::error::RecordsError;
use crate::json::{Keep, parse};

/// Bytes that one worker reads at a time. Large enough that handing them over costs nothing, small enough that a few
/// fit into the cache beside what is made of them.
const BLOCK: usize = 1 << 20;
/// The largest document that is read whole: positions in it are 32 bits wide.
pub(super) const MAX_DOCUMENT: u64 = u32::MAX as u64;
const GZIP: &[u8] = &[0x1F, 0x8B];
const ZSTD: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];
/// How a text in UTF-16 begins: a mark, or the first bracket in two bytes.
const UTF16: [&[u8]; 4] = [&[0xFF, 0xFE], &[0xFE, 0xFF], b"{\0", b"\0{"];

/// A piece of a source.
pub(super) struct Block {
    /// Which source, by its place among all.
    pub(super) file: usize,
    pub(super) content: Content,
    pub(super) bytes: Vec<u8>,
    /// Where the bytes begin in the source, once it is unpacked.
    pub(super) start: u64,
    /// Bytes of all sources that were read to get here, as they are packed.
    pub(super) read: u64,
}

/// What the bytes of a block are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Whole lines, a record on each.
    Lines,
    /// One record or bundle.
    Document,
    /// Something that cannot be read, and whether it is a line of its own. Its bytes are the beginning, where they are
    /// of use.
    Bad { reason: Reason, line: bool },
    /// The source has nothing in it, which is as good as any number of records where each is a line.
    Nothing,
    /// Nothing: the source ends here.
    End,
}

/// Counts what is read through it.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.count.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

/// What comes of a source once it is unpacked, if its first bytes are those of gzip or Zstandard, and whether they are. What is
/// not packed is counted where it is taken: straight from a file it needs no clean memory.
fn unpacked(
    mut inner: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
) -> io::Result<(Box<dyn Read + Send>, bool)> {
    let mut magic = Vec::new();
    inner.by_ref().take(4).read_to_end(&mut magic)?;
    let (gzip, zstd) = (magic.starts_with(GZIP), magic.starts_with(ZSTD));
    let whole = io::Cursor::new(magic).chain(inner);
    let counted = |inner| Counted { inner, count };
    let input: Box<dyn Read + Send> = match (gzip, zstd) {
        (true, _) => Box::new(flate2::read::MultiGzDecoder::new(counted(whole))),
        (_, true) => Box::new(zstd::stream::read::Decoder::new(counted(whole))?),
        _ => Box::new(whole),
    };
    Ok((input, gzip || zstd))
}

/// The content of a file, unpacked if it is packed by gzip or Zstandard, which its first bytes tell.
///
/// # Errors
/// [`RecordsError::Io`] where it cannot be opened.
pub fn open_unpacked(path: &Path) -> Result<Box<dyn Read + Send>, RecordsError> {
    let fail = || RecordsError::io("read", path);
    let file = File::open(path).map_err(fail())?;
    Ok(unpacked(Box::new(file), Arc::default()).map_err(fail())?.0)
}

/// One source, giving out its blocks.
pub(super) struct Blocks {
    path: PathBuf,
    file: usize,
    input: Box<dyn Read + Send>,
    packed: bool,
    count: Arc<AtomicU64>,
    max_line: usize,
    format: Format,
    /// Bytes that were read and not yet given out.
    rest: Vec<u8>,
    /// Where `rest` begins in the source.
    start: u64,
    /// Blocks that are given out before anything else is read.
    ready: Vec<Block>,
    ended: bool,
}

impl Blocks {
    /// Opens the source; `count` goes on counting packed bytes.
    pub(super) fn open(
        source: &mut SourceFile,
        file: usize,
        max_line: usize,
        count: Arc<AtomicU64>,
    ) -> Result<Blocks, RecordsError> {
        let path = source.path.clone();
        let fail = || RecordsError::io("read", &path);
        let inner: Box<dyn Read + Send> = match source.stream.take() {
            Some(stream) => stream,
            None => Box::new(File::open(&path).map_err(fail())?),
        };
        let (input, packed) = unpacked(inner, count.clone()).map_err(fail())?;
        let mut blocks = Blocks {
            path: path.clone(),
            file,
            input,
            packed,
            count,
            max_line,
            format: source.format,
            rest: Vec::new(),
            start: 0,
            ready: Vec::new(),
            ended: false,
        };
        blocks.look()?;
        Ok(blocks)
    }

    /// Reads the beginning and decides how the records are held.
    fn look(&mut self) -> Result<(), RecordsError> {
        let more = self.fill(BLOCK)?;
        let head = &self.rest;
        if head.is_empty() && !more && self.ready.is_empty() {
            match self.format {
                // A document has at least its brackets.
                Format::Document => self.give_up(Reason::Empty),
                _ => self.ready.push(self.block(Content::Nothing, Vec::new())),
            }
        } else if UTF16.iter().any(|mark| head.starts_with(mark)) {
            self.give_up(Reason::Utf16);
        } else if head.contains(&0) && !lines(head).any(|line| line.starts_with(b"{")) {
            self.give_up(Reason::Binary);
        } else if self.format != Format::Lines {
            self.format = match (self.format, holds_lines(head, more)) {
                (_, Some(true)) => Format::Lines,
                (_, Some(false)) => Format::Document,
                (Format::Unknown, None) => Format::Lines,
                (format, None) => format,
            };
        }
        Ok(())
    }

    /// Gives the whole source up.
    fn give_up(&mut self, reason: Reason) {
        self.ready.push(self.bad(reason, false));
        self.rest.clear();
        self.ended = true;
    }

    fn bad(&self, reason: Reason, line: bool) -> Block {
        self.block(Content::Bad { reason, line }, Vec::new())
    }

    fn block(&self, content: Content, bytes: Vec<u8>) -> Block {
        let read = self.count.load(Ordering::Relaxed);
        Block { file: self.file, content, bytes, start: self.start, read }
    }

    /// Reads until `rest` has so many bytes; says whether there may be more. Packed data that are damaged end the
    /// source there.
    fn fill(&mut self, length: usize) -> Result<bool, RecordsError> {
        while !self.ended && self.rest.len() < length {
            let want = (length - self.rest.len()) as u64;
            match self.input.by_ref().take(want).read_to_end(&mut self.rest) {
                Ok(0) => self.ended = true,
                Ok(_) if self.packed => {}
                Ok(length) => drop(self.count.fetch_add(length as u64, Ordering::Relaxed)),
                // What a decoder says of its data, and not the disk of the file.
                Err(error) if self.packed && error.raw_os_error().is_none() => {
                    self.ended = true;
                    let end = self.start + self.rest.len() as u64;
                    let mut block = self.bad(Reason::Packing, false);
                    block.start = end;
                    self.ready.push(block);
                }
                Err(error) => return Err(RecordsError::io("read", &self.path)(error)),
            }
        }
        Ok(!self.ended)
    }

    /// The next block; after [`Content::End`], none.
    pub(super) fn next(&mut self) -> Result<Option<Block>, RecordsError> {
        if self.rest.is_empty() && self.ended {
            return Ok(self.finish());
        }
        match self.format {
            Format::Document => self.document().map(Some),
            _ => match self.lines()? {
                Some(block) => Ok(Some(block)),
                None => Ok(self.finish()),
            },
        }
    }

    fn finish(&mut self) -> Option<Block> {
        if let Some(block) = self.ready.pop() {
            return Some(block);
        }
        let fresh = self.file != usize::MAX;
        let block = self.block(Content::End, Vec::new());
        self.file = usize::MAX;
        fresh.then_some(block)
    }

    fn document(&mut self) -> Result<Block, RecordsError> {
        self.fill(MAX_DOCUMENT as usize + 1)?;
        let bytes = std::mem::take(&mut self.rest);
        let block = if bytes.len() as u64 > MAX_DOCUMENT {
            self.ended = true;
            self.bad(Reason::TooLong { limit: MAX_DOCUMENT }, false)
        } else {
            self.block(Content::Document, bytes)
        };
        self.start += block.bytes.len() as u64;
        Ok(block)
    }

    /// As many whole lines as fit into a block, or one that is longer.
    fn lines(&mut self) -> Result<Option<Block>, RecordsError> {
        let mut more = self.fill(BLOCK)?;
        let end = loop {
            match memchr::memrchr(b'\n', &self.rest) {
                Some(at) => break at + 1,
                None if !more => break self.rest.len(),
                None if self.rest.len() > self.max_line => return self.overlong().map(Some),
                None => more = self.fill(self.rest.len() + BLOCK)?,
            }
        };
        if end == 0 {
            return Ok(None);
        }
        let tail = self.rest[end..].to_vec();
        let mut bytes = std::mem::replace(&mut self.rest, tail);
        bytes.truncate(end);
        self.rest.reserve(BLOCK);
        let block = self.block(Content::Lines, bytes);
        self.start += end as u64;
        Ok(Some(block))
    }

    /// Passes over a line that is longer than is read, and keeps its beginning.
    fn overlong(&mut self) -> Result<Block, RecordsError> {
        let head = self.rest[..self.max_line].to_vec();
        let mut passed = 0u64;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.rest) {
                passed += at as u64 + 1;
                self.rest.drain(..=at);
                break;
            }
            passed += self.rest.len() as u64;
            self.rest.clear();
            if !self.fill(BLOCK)? && self.rest.is_empty() {
                break;
            }
        }
        let reason = Reason::TooLong { limit: self.max_line as u64 };
        let mut block = self.bad(reason, true);
        block.bytes = head;
        self.start += passed;
        Ok(block)
    }
}

/// The lines of the beginning of a text, without the space around them; a byte order mark is no part of the first.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let head = head.strip_prefix(super::BYTE_ORDER_MARK).unwrap_or(head);
    head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
}

/// Whether the beginning of a text shows a record a line (`true`) or a document of many lines (`false`): whether at least
/// half of the first lines are JSON by themselves. `None` where a single line could be either.
fn holds_lines(head: &[u8], more: bool) -> Option<bool> {
    const LOOKED_AT: usize = 16;
    let mut found: Vec<&[u8]> = lines(head).take(LOOKED_AT + 1).collect();
    if more || found.len() > LOOKED_AT {
        // The last line may go on behind what is known of it.
        found.pop();
    }
    if found.len() < 2 {
        return None;
    }
    let keep = Keep::nothing();
    let whole = |line: &&&[u8]| {
        let arena = Bump::new();
        line.starts_with(b"{")
            && std::str::from_utf8(line).is_ok_and(|text| parse(text, &keep, &arena).is_ok())
    };
    Some(found.iter().filter(whole).count() * 2 >= found.len())
}

#[cfg(test)]
mod tests {
    use super::holds_lines;

    #[test]
    fn records_on_lines_are_told_from_a_document_of_many_lines() {
        for (head, more, expected) in [
            ("{\"a\":1}\n{\"b\":2}\n", false, Some(true)),
            ("{\"a\":1\n{\"b\":2}\r\n{\"c\"", true, Some(true)),
            ("{\n  \"a\": [\n    {\"b\":1}\n  ]\n}", false, Some(false)),
            ("{\"a\": [\n{\"b\":1},\n{\"b\":2}\n]}", false, Some(false)),
            ("{\"a\": [\n{\"b\":1}]}\n", false, Some(false)),
            ("{\"a\":1}\n", false, None),
            ("{\"a\":1,", true, None),
            ("", false, None),
        ] {
            assert_eq!(holds_lines(head.as_bytes(), more), expected, "{head}");
        }
    }
}
