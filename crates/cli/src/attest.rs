//! Attestors as processes of their own, and publishing by them.

use std::path::PathBuf;

use caduceus_node::attestor::{self, Panel, Practice, Processes};
use caduceus_node::{Cost, Node, Result, custodian, keystore};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::output::Outcome;
use crate::people::Evidence;
use crate::{passwords, signals};

#[derive(Debug, Args)]
pub struct Publish {
    /// The custodian
    #[arg(long, value_name = "NAME")]
    custodian: String,
    /// Attestors that are processes of their own, by their URLs; those that this home plays if left out
    #[arg(long, value_delimiter = ',', value_name = "URL")]
    attestors: Vec<String>,
    /// How long each of them is waited for, in seconds
    #[arg(long, default_value_t = 60, requires = "attestors", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    timeout: u64,
    /// Port on which this home's embedded ledger answers meanwhile, for the attestors to look at
    #[arg(long, requires = "attestors", value_name = "N")]
    ledger_port: Option<u16>,
    #[command(flatten)]
    evidence: Evidence,
}

#[derive(Debug, Subcommand)]
pub enum Attestor {
    /// Answer custodians on 127.0.0.1 until interrupted
    #[command(
        after_help = "Example: caduceus attestor serve --name north --key north.json --password-file pw --port 7001 --rpc http://127.0.0.1:8545 --contracts contracts.json"
    )]
    Serve(Serve),
    /// Seal the key of one of this home's attestors into a file of its own, for a process of its own
    #[command(
        after_help = "Example: caduceus attestor key --dir state --number 1 --out north.json --password-file pw"
    )]
    Key(Key),
}

#[derive(Debug, Args)]
pub struct Key {
    /// Which of them, from 1 on
    #[arg(long, value_name = "N")]
    number: usize,
    /// The new key file (Web3 Secret Storage)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// File with its password; typed if left out
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Take 4 MiB and a moment to open it in place of 256 MiB, for small machines and tests
    #[arg(long)]
    light: bool,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// What it calls itself
    #[arg(long)]
    name: String,
    /// Its key file (Web3 Secret Storage, as `caduceus attestor key` and `identity new --kind secp256k1` write it)
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// File with the key file's password; typed if left out
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Sign for custodians too who show no accreditation, on the word of the ledger's registrar
    #[arg(long)]
    without_credential: bool,
    #[command(flatten)]
    evidence: Evidence,
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 7001)]
    port: u16,
    /// The RPC by which it sees the ledger for itself
    #[arg(long, value_name = "URL")]
    rpc: String,
    /// Where the contracts are: what `caduceus ledger contracts --json` printed
    #[arg(long, value_name = "FILE")]
    contracts: PathBuf,
}

/// Publishes, by whichever attestors are named.
pub async fn publish(node: &Node, publish: &Publish) -> Result<Outcome> {
    let panel = match (publish.attestors.is_empty(), attestor::chosen(node)?) {
        (true, None) => Panel::Here(publish.evidence.sources()),
        (true, Some(chosen)) => Panel::Remote(chosen),
        (false, _) => Panel::Remote(Processes {
            urls: publish.attestors.clone(),
            seconds: publish.timeout,
            ledger_port: publish.ledger_port,
        }),
    };
    let done = custodian::publish(node, &publish.custodian, &panel).await?;
    let dataset = done.dataset.unwrap_or_default();
    let text = format!(
        "{} patients sealed as {}; Data NFT {dataset} is in the pool",
        done.persons, done.cid
    );
    Ok(Outcome::new(&done, text))
}

/// Hands an attestor's key over.
pub fn key(node: &Node, key: &Key) -> Result<Outcome> {
    let Key { number, out, password_file, light } = key;
    let password =
        passwords::choose(password_file.as_deref(), "--password-file", "the new key file")?;
    let cost = if *light { Cost::LIGHT } else { Cost::STANDARD };
    let address = attestor::hand_over(node, *number, out, &password, cost)?;
    let text = format!("the key of attestor {number}, {address}, is sealed in {}", out.display());
    let value = json!({ "number": number, "address": address, "file": out.display().to_string() });
    Ok(Outcome::new(&value, text))
}

/// Answers custodians until it is stopped.
pub async fn serve(serve: &Serve) -> Result<Outcome> {
    let view = attestor::view(&serve.rpc, &serve.contracts)?;
    let file = serve.password_file.as_deref();
    let password = passwords::ask(file, "--password-file", "the attestor's key file")?;
    let key = keystore::open(&serve.key, &password)?;
    let practice = Practice {
        without_credential: serve.without_credential,
        sources: serve.evidence.sources(),
    };
    let serving = attestor::serve(&serve.name, &key, serve.port, view, practice).await?;
    say(&serve.name, &serving.address().to_string(), &serving.url()?);
    serving.until(signals::stopped()).await?;
    Ok(Outcome::new(&json!({ "stopped": true }), ""))
}

#[allow(clippy::print_stderr, reason = "the one line that a waiting server says")]
fn say(name: &str, address: &str, url: &str) {
    eprintln!("attestor {name}, {address}, answers at {url}; interrupt to stop");
}
