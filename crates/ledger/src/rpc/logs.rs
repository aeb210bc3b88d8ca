//! Logs by filter, and filters that remember how far their owner has read.

use std::collections::{BTreeMap, BTreeSet};

use alloy::eips::{BlockId, BlockNumberOrTag};
use alloy::primitives::{B256, U64};
use alloy::rpc::types::{Filter, FilterBlockOption, Log};

use super::params::Params;
use super::{Answer, Failure, json, shape};
use crate::{Chain, ChainError};

/// Filters kept at once; the oldest makes room for the newest.
const MOST_FILTERS: usize = 1_000;

/// Filters that clients have set up. They do not outlive the process.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    known: BTreeMap<u64, Installed>,
    last: u64,
}

#[derive(Clone, Debug)]
struct Installed {
    /// `None` for a filter of blocks.
    logs: Option<Filter>,
    /// The first block that its owner has not been told of.
    next: u64,
}

impl Filters {
    /// Blocks above `head` were taken back: those that take their place are new again.
    pub fn rewind(&mut self, head: u64) {
        for filter in self.known.values_mut() {
            filter.next = filter.next.min(head + 1);
        }
    }

    fn add(&mut self, logs: Option<Filter>, next: u64) -> u64 {
        if self.known.len() >= MOST_FILTERS {
            self.known.pop_first();
        }
        self.last += 1;
        self.known.insert(self.last, Installed { logs, next });
        self.last
    }
}

pub(crate) fn filters(chain: &Chain, method: &str, params: &Params<'_>) -> Answer {
    let next = chain.head().number + 1;
    match method {
        "eth_newFilter" => {
            let filter: Filter = params.required(0)?;
            json(U64::from(chain.filters().add(Some(filter), next)))
        }
        "eth_newBlockFilter" => json(U64::from(chain.filters().add(None, next))),
        "eth_uninstallFilter" => json(chain.filters().known.remove(&params.quantity(0)?).is_some()),
        "eth_getFilterLogs" => match known(chain, params)?.logs {
            Some(filter) => json(matching(chain, &filter)?),
            None => Err(Failure::server("filter not found")),
        },
        "eth_getFilterChanges" => changes(chain, params),
        _ => Err(Failure::no_method(method)),
    }
}

fn known(chain: &Chain, params: &Params<'_>) -> Result<Installed, Failure> {
    let id = params.quantity(0)?;
    let filter = chain.filters().known.get(&id).cloned();
    filter.ok_or_else(|| Failure::server("filter not found"))
}

fn changes(chain: &Chain, params: &Params<'_>) -> Answer {
    let (id, filter) = (params.quantity(0)?, known(chain, params)?);
    let head = chain.head().number;
    let from = filter.next;
    let answer = match &filter.logs {
        None => json(hashes(chain, from, head)?),
        Some(logs) => json(new_logs(chain, logs, from, head)?),
    };
    if answer.is_ok()
        && let Some(installed) = chain.filters().known.get_mut(&id)
    {
        installed.next = head + 1;
    }
    answer
}

fn hashes(chain: &Chain, from: u64, to: u64) -> Result<Vec<B256>, ChainError> {
    let mut hashes = Vec::new();
    for number in from..=to {
        hashes.extend(chain.header(BlockId::number(number))?.map(|header| header.hash()));
    }
    Ok(hashes)
}

fn new_logs(chain: &Chain, filter: &Filter, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
    let number = |tag: Option<&BlockNumberOrTag>| tag.and_then(BlockNumberOrTag::as_number);
    let (lowest, highest) = filter.block_option.as_range();
    let from = from.max(number(lowest).unwrap_or_default());
    let to = to.min(number(highest).unwrap_or(u64::MAX));
    between(chain, filter, from, to)
}

/// The logs that a filter selects, in the order in which they happened.
pub(crate) fn matching(chain: &Chain, filter: &Filter) -> Result<Vec<Log>, Failure> {
    let head = chain.head().number;
    let (from, to) = match &filter.block_option {
        FilterBlockOption::AtBlockHash(hash) => {
            let header = chain.header((*hash).into())?;
            let number = header.ok_or_else(|| Failure::server("unknown block"))?.number;
            (number, number)
        }
        FilterBlockOption::Range { from_block, to_block } => {
            let number = |tag: &Option<BlockNumberOrTag>| match tag {
                Some(BlockNumberOrTag::Number(number)) => *number,
                Some(BlockNumberOrTag::Earliest) => 0,
                _ => head,
            };
            let (from, to) = (number(from_block), number(to_block));
            if from > to && from <= head {
                return Err(Failure::params("invalid block range params"));
            }
            (from, to.min(head))
        }
    };
    Ok(between(chain, filter, from, to)?)
}

fn between(chain: &Chain, filter: &Filter, from: u64, to: u64) -> Result<Vec<Log>, ChainError> {
    let mut found = Vec::new();
    if from > to {
        return Ok(found);
    }
    if filter.address.is_empty() {
        for number in from..=to {
            append(chain, filter, number, &mut found)?;
        }
        return Ok(found);
    }
    let mut blocks = BTreeSet::new();
    for address in filter.address.iter() {
        blocks.extend(chain.blocks_logged_by(*address, from, to)?);
    }
    for number in blocks {
        append(chain, filter, number, &mut found)?;
    }
    Ok(found)
}

fn append(
    chain: &Chain,
    filter: &Filter,
    number: u64,
    found: &mut Vec<Log>,
) -> Result<(), ChainError> {
    let at = BlockId::number(number);
    let Some(header) = chain.header(at)? else { return Ok(()) };
    if !filter.matches_bloom(header.logs_bloom) {
        return Ok(());
    }
    let receipts = shape::receipts(chain, at)?.unwrap_or_default();
    let logs = receipts.into_iter().flat_map(|receipt| receipt.inner.into_logs());
    found.extend(logs.filter(|log| filter.matches(&log.inner)));
    Ok(())
}
