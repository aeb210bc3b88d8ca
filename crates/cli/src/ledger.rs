//! The ledger itself: served, listed, verified.

use std::path::PathBuf;

use caduceus_node::deployment::{Manifest, Verification};
use caduceus_node::{Node, Result, catalog, chain, parameters, rpc};
use clap::Subcommand;
use serde_json::json;

use crate::output::Outcome;
use crate::signals;

#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// Serve the embedded ledger's JSON-RPC on 127.0.0.1 until interrupted
    #[command(after_help = "Example: caduceus ledger serve --dir state --port 8545")]
    Serve {
        /// Port to listen on; 0 takes a free one
        #[arg(long, default_value_t = 8545)]
        port: u16,
    },
    /// Show where every contract is
    #[command(after_help = "Example: caduceus ledger contracts --dir state --json")]
    Contracts,
    /// Print what the contracts start with by default, as a file to change
    #[command(after_help = "Example: caduceus ledger parameters > parameters.toml")]
    Parameters,
    /// Compare a chain with the manifest of a deployment: code, connections, roles, no power left with the deployer
    #[command(
        after_help = "Example: caduceus ledger verify --dir state --json\n         caduceus ledger verify --manifest manifest.json --rpc http://127.0.0.1:8545"
    )]
    Verify {
        /// The manifest; this home's if left out
        #[arg(long, value_name = "FILE")]
        manifest: Option<PathBuf>,
        /// Where the chain answers; this home's if left out
        #[arg(long, value_name = "URL", requires = "manifest")]
        rpc: Option<String>,
    },
    /// Print the standard-JSON input that compiles a contract, as block explorers take it
    #[command(
        after_help = "Example: caduceus ledger explorer-input --contract HealthDataPool > input.json"
    )]
    ExplorerInput {
        /// The contract
        #[arg(long, value_name = "CONTRACT")]
        contract: String,
    },
}

impl LedgerCommand {
    /// Whether the command is about a home.
    pub fn needs_home(&self) -> bool {
        match self {
            Self::Serve { .. } | Self::Contracts => true,
            Self::Parameters | Self::ExplorerInput { .. } => false,
            Self::Verify { rpc, .. } => rpc.is_none(),
        }
    }
}

/// Says where a server answers.
#[allow(clippy::print_stderr, reason = "the one line that a waiting server says")]
pub fn eprint_url(url: &str) {
    eprintln!("the ledger answers at {url}; interrupt to stop");
}

/// Commands that need no home.
pub async fn without_home(command: &LedgerCommand) -> Result<Outcome> {
    match command {
        LedgerCommand::Parameters => {
            let text = parameters::DEFAULTS;
            Ok(Outcome::new(&json!({ "parameters": text }), text))
        }
        LedgerCommand::ExplorerInput { contract } => {
            let input = catalog::explorer_input(contract)?;
            let text = serde_json::to_string_pretty(&input.input).unwrap_or_default();
            Ok(Outcome::new(&input, text))
        }
        LedgerCommand::Verify { manifest: Some(manifest), rpc: Some(url) } => {
            verified(&chain::verify_at(url, manifest).await?)
        }
        LedgerCommand::Verify { .. } | LedgerCommand::Serve { .. } | LedgerCommand::Contracts => {
            unreachable!("these commands are about a home")
        }
    }
}

/// Commands on a home that exists.
pub async fn run(node: &Node, command: &LedgerCommand) -> Result<Outcome> {
    match command {
        LedgerCommand::Serve { port } => {
            let served = rpc::listen(node, *port).await?;
            eprint_url(&served.url()?);
            served.until(signals::stopped()).await?;
            Ok(Outcome::new(&json!({ "stopped": true }), ""))
        }
        LedgerCommand::Contracts => {
            let lines = node
                .addresses()
                .named()
                .into_iter()
                .map(|(name, address)| format!("{name:24} {address}"));
            Ok(Outcome::new(node.addresses(), lines.collect::<Vec<_>>().join("\n")))
        }
        LedgerCommand::Verify { manifest, .. } => {
            let manifest: Manifest = chain::read_manifest(node, manifest.as_deref())?;
            verified(&chain::verify(node, &manifest).await?)
        }
        LedgerCommand::Parameters | LedgerCommand::ExplorerInput { .. } => {
            without_home(command).await
        }
    }
}

fn verified(found: &Verification) -> Result<Outcome> {
    let text = match &found.difference {
        None => format!(
            "chain {} holds {} contracts as the manifest says; {} facts agree, and the deployer has no power left",
            found.chain_id, found.contracts, found.facts
        ),
        Some(difference) => format!("the first difference: {difference}"),
    };
    let mut outcome = Outcome::new(found, text);
    outcome.good = found.verified;
    Ok(outcome)
}
