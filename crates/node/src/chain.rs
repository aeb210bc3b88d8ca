//! Whether a chain holds a deployment as its manifest says.

use std::path::Path;

use caduceus_ledger::Ledger;
use caduceus_ledger::deployment::{self, Addresses, DeploymentError, Manifest, Verification};

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

pub(crate) fn read(path: &Path) -> Result<Manifest> {
    let text =
        std::fs::read_to_string(path).map_err(|error| NodeError::file("read", path, error))?;
    parse(&text, path)
}

/// The manifest in the text of the file `path`.
fn parse(text: &str, path: &Path) -> Result<Manifest> {
    serde_json::from_str(text).map_err(|error| {
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

/// The text of the manifest in a file, once the chain that answers at `url` holds that deployment.
pub(crate) async fn to_join(url: &str, path: &Path) -> Result<String> {
    let text =
        std::fs::read_to_string(path).map_err(|error| NodeError::file("read", path, error))?;
    let manifest = parse(&text, path)?;
    let found = compare(&Ledger::remote(url).await?, &manifest).await?;
    let expected = Addresses::of(manifest.deployer).named();
    let elsewhere = expected.iter().find(|(name, address)| {
        !manifest.contracts.iter().any(|one| one.name == *name && one.address == *address)
    });
    let difference =
        found.difference.or(elsewhere.map(|(name, _)| format!("{name} is not where it belongs")));
    match difference {
        None => Ok(text),
        Some(difference) => Err(NodeError::Refused {
            action: format!("joining the deployment of {}", path.display()),
            reason: format!("{url} does not hold it: {difference}"),
        }),
    }
}

async fn compare(ledger: &Ledger, manifest: &Manifest) -> Result<Verification> {
    deployment::verify(ledger, manifest).await.map_err(|error| match error {
        DeploymentError::Rpc(error) => error.into(),
        other => NodeError::Chain(other.to_string()),
    })
}
