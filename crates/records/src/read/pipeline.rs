//! One thread reads, several make rows, one puts them in order.
//!
//! A token goes with every block from the reading to the putting together, so that no more than a few blocks are ever
//! held, however large the sources are and however slow one of the three is.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use bumpalo::Bump;

use super::files::SourceFile;
use super::gather::Gather;
use super::source::{Block, Blocks};
use super::work::{Job, Made};
use crate::error::RecordsError;

/// Blocks that are under way for each worker.
const BLOCKS_A_WORKER: usize = 3;

type Numbered<T> = (u64, Result<T, RecordsError>);

/// Reads all sources through the job with so many workers; `gather` gets what they make in the order of the sources.
pub(super) fn run(
    job: &Job<'_>,
    sources: Vec<SourceFile>,
    workers: usize,
    gather: &mut Gather<'_, '_>,
) -> Result<(), RecordsError> {
    let given_up = AtomicUsize::new(usize::MAX);
    if workers <= 1 {
        let mut arena = Bump::new();
        return read_all(sources, job.max_line, &given_up, &mut |block| {
            let block = block?;
            let made = job.run(&block, &HashSet::new(), &mut arena)?;
            if !gather.take(&block, made)? {
                given_up.store(block.file, Ordering::Relaxed);
            }
            Ok(true)
        });
    }
    thread::scope(|scope| {
        let (give, blocks) = channel::<Numbered<Block>>();
        let (hand_in, results) = channel::<Numbered<(Block, Made)>>();
        let (token, tokens) = sync_channel::<()>(workers * BLOCKS_A_WORKER);
        let blocks = Arc::new(Mutex::new(blocks));
        let max_line = job.max_line;
        let given_up = &given_up;
        scope.spawn(move || feed(sources, max_line, given_up, &give, &token));
        for _ in 0..workers {
            let (blocks, hand_in) = (blocks.clone(), hand_in.clone());
            scope.spawn(move || work(job, &blocks, &hand_in));
        }
        drop((hand_in, blocks));
        in_order(&results, &tokens, |block, made| {
            if !gather.take(&block, made)? {
                given_up.store(block.file, Ordering::Relaxed);
            }
            Ok(())
        })
        // Ends of channels are dropped here, at which the threads end.
    })
}

/// Reads the sources one after the other and gives every block to `give`, until it wants no more.
fn read_all(
    sources: Vec<SourceFile>,
    max_line: usize,
    given_up: &AtomicUsize,
    give: &mut dyn FnMut(Result<Block, RecordsError>) -> Result<bool, RecordsError>,
) -> Result<(), RecordsError> {
    let count = Arc::new(AtomicU64::new(0));
    for (file, mut source) in sources.into_iter().enumerate() {
        let before = count.load(Ordering::Relaxed);
        let mut blocks = match Blocks::open(&mut source, file, max_line, count.clone()) {
            Ok(blocks) => blocks,
            Err(error) => return give(Err(error)).map(drop),
        };
        loop {
            if given_up.load(Ordering::Relaxed) == file {
                // Of a file that is given up, the rest counts as read.
                count.fetch_max(before + source.bytes, Ordering::Relaxed);
                break;
            }
            match blocks.next().transpose() {
                None => break,
                Some(block) => {
                    let failed = block.is_err();
                    if !give(block)? || failed {
                        return Ok(());
                    }
                }
            }
        }
    }
    Ok(())
}

fn feed(
    sources: Vec<SourceFile>,
    max_line: usize,
    given_up: &AtomicUsize,
    give: &Sender<Numbered<Block>>,
    token: &SyncSender<()>,
) {
    let mut number = 0;
    // Nobody waits for this result: what goes wrong is handed on as a block.
    let _ = read_all(sources, max_line, given_up, &mut |block| {
        // Either end is gone when the reading was broken off.
        let taken = token.send(()).is_ok() && give.send((number, block)).is_ok();
        number += 1;
        Ok(taken)
    });
}

fn work(
    job: &Job<'_>,
    blocks: &Mutex<Receiver<Numbered<Block>>>,
    hand_in: &Sender<Numbered<(Block, Made)>>,
) {
    let mut arena = Bump::new();
    loop {
        let next = blocks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, block)) = next else { return };
        let made = block.and_then(|block| {
            let made = job.run(&block, &HashSet::new(), &mut arena)?;
            Ok((block, made))
        });
        if hand_in.send((number, made)).is_err() {
            return;
        }
    }
}

/// Calls `take` with every result, by their numbers, and gives back a token for each.
fn in_order(
    results: &Receiver<Numbered<(Block, Made)>>,
    tokens: &Receiver<()>,
    mut take: impl FnMut(Block, Made) -> Result<(), RecordsError>,
) -> Result<(), RecordsError> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for (number, result) in results {
        early.insert(number, result);
        while let Some(result) = early.remove(&next) {
            let (block, made) = result?;
            take(block, made)?;
            // The token was sent before the block was, so it is there.
            let _ = tokens.recv();
            next += 1;
        }
    }
    Ok(())
}
