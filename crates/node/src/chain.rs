//! Whether a chain holds a deployment as its manifest says.

use std::path::Path;

use caduceus_ledger::Ledger;
use caduceus_ledger::deployment::{self, DeploymentError, Manifest, Verification};

use crate::error::{NodeError, Result};
use crate::node::Node;

/// The manifest in a file, or of this home.
///
/// # Errors
/// [`NodeError::File`], [`NodeError::Definition`].
pub fn read_manifest(node: &Node, path: Option<&Path>) -> Result<Manifest> {
    let own = node.home.manifest();
    read(path.unwrap_or(&own))
}

fn read(path: &Path) -> Result<Manifest> {
    let text =
        std::fs::read_to_string(path).map_err(|error| NodeError::file("read", path, error))?;
    serde_json::from_str(&text).map_err(|error| {
        NodeError::Definition(format!(
            "{} is no manifest: {error}; a home keeps its own as manifest.json",
            path.display()
        ))
    })
}

/// Compares this home's ledger with a manifest.
///
/// # Errors
/// Where the ledger does not answer.
pub async fn verify(node: &Node, manifest: &Manifest) -> Result<Verification> {
    compare(node.ledger(), manifest).await
}

/// Compares the chain that answers at `url` with the manifest in a file.
///
/// # Errors
/// Where the chain does not answer, or the file is no manifest.
pub async fn verify_at(url: &str, manifest: &Path) -> Result<Verification> {
    let manifest = read(manifest)?;
    compare(&Ledger::remote(url).await?, &manifest).await
}

async fn compare(ledger: &Ledger, manifest: &Manifest) -> Result<Verification> {
    deployment::verify(ledger, manifest).await.map_err(|error| match error {
        DeploymentError::Rpc(error) => error.into(),
        other => NodeError::Chain(other.to_string()),
    })
}
