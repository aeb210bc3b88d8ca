//! Attestors as processes of their own, and publishing by them.

use std::path::PathBuf;

use caduceus_node::attestor::{self, Elsewhere, Panel, Practice, Processes};
use caduceus_node::{Address, Cost, Node, NodeError, Result, custodian, keystore, member, policy};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::commands::parse;
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
    /// Adapters of networks of Chainlink Functions, which are asked on the ledger besides
    #[arg(long, value_delimiter = ',', requires = "attestors", value_name = "ADDRESS")]
    functions: Vec<Address>,
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
    /// Say which processes this home asks for every statement from now on, or show whom it asks
    #[command(
        after_help = "Example: caduceus attestor panel --dir state --attestors http://127.0.0.1:7001,http://127.0.0.1:7002 --ledger-port 8545"
    )]
    Panel(Choice),
    /// Create and register the adapter of an attestor that works elsewhere
    #[command(subcommand)]
    Adapter(Adapter),
    /// List the attestors that the ledger counts, and those that it could
    #[command(after_help = "Example: caduceus attestor list --dir state")]
    List,
}

#[derive(Debug, Args)]
pub struct Choice {
    /// Attestors that are processes of their own, by their URLs
    #[arg(long, value_delimiter = ',', value_name = "URL", conflicts_with = "here")]
    attestors: Vec<String>,
    /// How long each of them is waited for, in seconds
    #[arg(long, default_value_t = 60, requires = "attestors", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    timeout: u64,
    /// Port on which this home's embedded ledger answers while they are asked, for them to look at
    #[arg(long, requires = "attestors", value_name = "N")]
    ledger_port: Option<u16>,
    /// Adapters of networks of Chainlink Functions, which are asked on the ledger besides
    #[arg(long, value_delimiter = ',', requires = "attestors", value_name = "ADDRESS")]
    functions: Vec<Address>,
    /// Those that this home plays itself, as at first
    #[arg(long)]
    here: bool,
}

#[derive(Debug, Subcommand)]
pub enum Adapter {
    /// Of an account that attests in the Ethereum Attestation Service
    #[command(
        after_help = "Example: caduceus attestor adapter eas --dir state --service 0xA1207F3BBa224E2c9c3c6D5aF63D0eb1582Ce587 --schema 0x1f0f...  --attester 0x52bc... --country CH --propose-by klinikum-nord/1"
    )]
    Eas {
        /// Where the service is
        #[arg(long, value_name = "ADDRESS")]
        service: Address,
        /// The schema `bytes32 digest` in it, by its identifier
        #[arg(long, value_name = "HASH")]
        schema: String,
        /// The account whose attestations count
        #[arg(long, value_name = "ADDRESS")]
        attester: Address,
        #[command(flatten)]
        common: Common,
    },
    /// Of a network that runs code for Chainlink Functions
    #[command(
        after_help = "Example: caduceus attestor adapter functions --dir state --router 0x6500... --don 0x6675... --subscription 7 --source check.js --country CH"
    )]
    Functions {
        /// Where the router is
        #[arg(long, value_name = "ADDRESS")]
        router: Address,
        /// Which network, by its identifier
        #[arg(long, value_name = "HASH")]
        don: String,
        /// Which subscription pays for it in LINK
        #[arg(long, value_name = "N")]
        subscription: u64,
        /// What the network runs (JavaScript)
        #[arg(long, value_name = "FILE")]
        source: PathBuf,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, Args)]
pub struct Common {
    /// Where whoever attests is established (ISO 3166-1 alpha-2)
    #[arg(long, value_name = "CC")]
    country: String,
    /// A member who proposes that the oracle counts it; without that it is registered and not counted yet
    #[arg(long, value_name = "NAME")]
    propose_by: Option<String>,
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
    /// Attest in the Ethereum Attestation Service in place of signing, for this adapter; the key is that of its attester
    #[arg(long, value_name = "ADDRESS")]
    adapter: Option<Address>,
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
    let panel = match publish.attestors.is_empty() {
        true => publish.evidence.panel(node)?,
        false => {
            let Publish { attestors, timeout, ledger_port, functions, .. } = publish;
            Panel::Remote(Processes::at(attestors, *timeout, *ledger_port, functions)?)
        }
    };
    let done = custodian::publish(node, &publish.custodian, &panel).await?;
    let dataset = done.dataset.unwrap_or_default();
    let text = format!(
        "{} patients sealed as {}; Data NFT {dataset} is in the pool",
        done.persons, done.cid
    );
    Ok(Outcome::new(&done, text))
}

/// Everything about attestors that needs a home.
pub async fn run(node: &Node, command: &Attestor) -> Result<Outcome> {
    match command {
        Attestor::Key(command) => key(node, command),
        Attestor::Panel(choice) => panel(node, choice),
        Attestor::Adapter(command) => adapter(node, command).await,
        Attestor::List => {
            let all = attestor::known(node).await?;
            let line = |one: &attestor::Known| {
                let counted = if one.listed { "counted" } else { "not counted" };
                let standing = if one.good_standing { "" } else { ", not in good standing" };
                format!("{} {} {counted}{standing}", one.address, one.kind)
            };
            let lines: Vec<String> = all.iter().map(line).collect();
            Ok(Outcome::list("attestors", &all, &lines, "the ledger lists no attestor"))
        }
        Attestor::Serve(command) => serve(command).await,
    }
}

fn panel(node: &Node, choice: &Choice) -> Result<Outcome> {
    if choice.here {
        attestor::choose(node, None)?;
    } else if !choice.attestors.is_empty() {
        let Choice { attestors, timeout, ledger_port, functions, .. } = choice;
        let processes = Processes::at(attestors, *timeout, *ledger_port, functions)?;
        attestor::choose(node, Some(&processes))?;
    }
    let chosen = attestor::chosen(node)?;
    let text = match &chosen {
        None => "this home asks the attestors that it plays itself".to_owned(),
        Some(chosen) => {
            let networks = chosen.functions.iter().map(Address::to_string);
            let all: Vec<String> = chosen.urls.iter().cloned().chain(networks).collect();
            format!("this home asks {}", all.join(", "))
        }
    };
    Ok(Outcome::new(&json!({ "attestors": chosen }), text))
}

async fn adapter(node: &Node, command: &Adapter) -> Result<Outcome> {
    let (elsewhere, common) = match command {
        Adapter::Eas { service, schema, attester, common } => {
            let (service, attester) = (*service, *attester);
            (Elsewhere::Eas { service, schema: parse(schema)?, attester }, common)
        }
        Adapter::Functions { router, don, subscription, source, common } => {
            let source = std::fs::read_to_string(source)
                .map_err(|error| NodeError::file("read", source, error))?;
            let (router, don, subscription) = (*router, parse(don)?, *subscription);
            (Elsewhere::Functions { router, don, subscription, source }, common)
        }
    };
    let country = policy::country(&common.country)?;
    let proposer = common.propose_by.as_deref().map(|name| member::find(node, name)).transpose()?;
    let address = attestor::adapt(node, &elsewhere, country).await?;
    let proposal = match &proposer {
        Some(member) => Some(attestor::propose(node, member, address).await?.number),
        None => None,
    };
    let next = match proposal {
        Some(number) => format!(
            "it counts once proposal {number} is voted for and executed: caduceus governance vote --proposal {number}"
        ),
        None => "it counts once the members vote for it: repeat with --propose-by".to_owned(),
    };
    let text = format!("the adapter {address} is registered as an attestor; {next}");
    Ok(Outcome::new(&json!({ "address": address, "proposal": proposal }), text))
}

/// Hands an attestor's key over.
fn key(node: &Node, key: &Key) -> Result<Outcome> {
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
        adapter: serve.adapter,
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
