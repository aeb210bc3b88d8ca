//! Which entries of a status list were given to credentials. Two credentials with one entry could only be taken back together.
//!
//! The numbers are kept in a file beside the list, which stays with the issuer: published, they would tell how many
//! credentials there are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use caduceus_identity::credential::MIN_ENTRIES;
use serde_json::Value;

use crate::error::{NodeError, Result};
use crate::home::random;
use crate::keystore::{read_limited, replace};
use crate::web::LIST_BYTES;

/// How often a random number is drawn until one is free.
const DRAWS: usize = 64;

/// A random entry that is free in each of `lists`.
pub(super) fn free(lists: &[PathBuf]) -> Result<u32> {
    let mut taken = BTreeSet::new();
    for list in lists {
        taken.extend(read(list)?);
    }
    for _ in 0..DRAWS {
        let index = u32::from_be_bytes(random()?) % MIN_ENTRIES;
        if !taken.contains(&index) {
            return Ok(index);
        }
    }
    Err(NodeError::not_ready(
        "nearly every entry of the status list is given to a credential",
        "make another list with `caduceus credential status --new`",
    ))
}

/// Notes in each of `lists` that the entry is given, and refuses one that is given already.
pub(super) fn give(lists: &[PathBuf], index: u32) -> Result<()> {
    for list in lists {
        if read(list)?.contains(&index) {
            return Err(NodeError::Usage(format!(
                "entry {index} of {} is given to another credential, and would be taken back with it; name another with --status-index, or leave it out",
                list.display()
            )));
        }
    }
    for list in lists {
        let mut numbers = read(list)?;
        numbers.insert(index);
        replace(&beside(list), &numbers.into_iter().collect::<Value>())?;
    }
    Ok(())
}

fn beside(list: &Path) -> PathBuf {
    let mut name = list.as_os_str().to_owned();
    name.push(".given");
    PathBuf::from(name)
}

fn read(list: &Path) -> Result<BTreeSet<u32>> {
    let path = beside(list);
    let there = path.try_exists().map_err(|error| NodeError::file("read", &path, error))?;
    if !there {
        return Ok(BTreeSet::new());
    }
    let text = read_limited(&path, LIST_BYTES)?;
    serde_json::from_str(&text).map_err(|_| {
        NodeError::Malformed(format!("{} is no list of numbers of entries", path.display()))
    })
}
