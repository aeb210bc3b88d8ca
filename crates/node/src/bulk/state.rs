//! How far an export is, in its folder.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{BulkError, Manifest};
use crate::error::{NodeError, Result};

/// The file; its name is not one of a FHIR file, so that the folder can be read as it is.
const NAME: &str = "export.state";

/// What was reached.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// What was asked.
    request: String,
    /// Where to ask how far it is, once the server took the request.
    pub(super) status_url: Option<String>,
    /// The files, once the server made them.
    pub(super) manifest: Option<Manifest>,
    /// The files that are whole, with their numbers of resources.
    pub(super) done: BTreeMap<String, u64>,
}

impl State {
    /// What was reached in this folder with the same request; nothing, in one that is new.
    pub(super) fn open(folder: &Path, request: &str) -> Result<State> {
        let path = folder.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(State { request: request.to_owned(), ..State::default() });
            }
            Err(error) => return Err(NodeError::file("read", &path, error)),
        };
        let state: State = serde_json::from_slice(&bytes)
            .map_err(|error| NodeError::Damaged { path: path.clone(), what: error.to_string() })?;
        match state.request == request {
            true => Ok(state),
            false => {
                let folder = folder.to_owned();
                Err(BulkError::OtherExport { folder, request: state.request }.into())
            }
        }
    }

    /// Keeps it, whole or not at all.
    pub(super) fn save(&self, folder: &Path) -> Result<()> {
        let path = folder.join(NAME);
        let fail = |source| NodeError::file("write", &path, source);
        let bytes = serde_json::to_vec_pretty(self).expect("a state has only string keys");
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
        file.write_all(&bytes).map_err(fail)?;
        file.as_file().sync_all().map_err(fail)?;
        file.persist(&path).map_err(|error| fail(error.error))?;
        Ok(())
    }
}
