//! Every function of every contract: listed, asked, shown before it is sent, sent, signed for others to carry.

use std::path::{Path, PathBuf};

use caduceus_node::contract::{self, Described, Sender, Sent, Statement};
use caduceus_node::{Node, NodeError, Result, governance, member, wei};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::output::{Outcome, columns};
use crate::passwords;

#[derive(Debug, Subcommand)]
pub enum ContractCommand {
    /// List every contract
    #[command(after_help = "Example: caduceus contract list --dir state")]
    List,
    /// Show what a contract can do, or what one of its functions takes and does
    #[command(after_help = "Example: caduceus contract show BondingCurve mint")]
    Show {
        /// The contract
        contract: String,
        /// Only this function
        function: Option<String>,
    },
    /// Ask a contract
    #[command(after_help = "Example: caduceus contract call --dir state HealthDataPool isLive 1")]
    Call {
        /// Who asks, where the answer depends on it
        #[arg(long = "as", value_name = "NAME", default_value = "relay")]
        sender: String,
        #[command(flatten)]
        what: What,
    },
    /// Send a call, or show with --dry-run what it would do
    #[command(
        after_help = "Example: caduceus contract send --dir state --as guardian CircuitBreaker pause 4 3600 --dry-run\n         caduceus contract send --dir state --keystore key.json --password-file password TestUSDC approve BondingCurve 25e6"
    )]
    Send(Sending),
    /// Let members vote on a call that only governance may make
    #[command(
        after_help = "Example: caduceus contract propose --dir state --member klinikum-nord/1 BondingCurve setFee 50"
    )]
    Propose {
        /// The member who proposes
        #[arg(long, value_name = "NAME")]
        member: String,
        #[command(flatten)]
        what: What,
    },
}

/// A function and its arguments.
#[derive(Debug, Args)]
pub struct What {
    /// The contract
    contract: String,
    /// The function, by its name or its signature
    function: String,
    #[arg(
        allow_negative_numbers = true,
        help = "Its arguments: numbers (25e6, \"1.5 ether\"), true, text, 0x.., [a,b] for lists, (a,b) for structs; accounts also by name, with @ inside lists and structs"
    )]
    arguments: Vec<String>,
}

/// What is sent, and by whom.
#[derive(Debug, Args)]
pub struct Sending {
    /// A party, a member or an officer (deployer, registrar, guardian, relay) of this home
    #[arg(
        long = "as",
        value_name = "NAME",
        required_unless_present = "keystore",
        conflicts_with = "keystore"
    )]
    sender: Option<String>,
    /// An encrypted key (Web3 Secret Storage, version 3)
    #[arg(long, value_name = "FILE")]
    keystore: Option<PathBuf>,
    /// The file that holds the keystore's password
    #[arg(long, value_name = "FILE", requires = "keystore")]
    password_file: Option<PathBuf>,
    /// Show what it would do, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Sign the statement that the function takes and print it for `caduceus relay`; leave the signature's arguments out
    #[arg(long, conflicts_with = "dry_run")]
    sign_only: bool,
    /// Ether that goes with the call, such as 0.1
    #[arg(long, value_name = "ETHER", default_value = "0")]
    value: String,
    #[command(flatten)]
    what: What,
}

impl ContractCommand {
    /// Whether the command is about a home.
    pub fn needs_home(&self) -> bool {
        !matches!(self, Self::Show { .. })
    }
}

/// Commands that need no home.
pub fn without_home(command: &ContractCommand) -> Result<Outcome> {
    let ContractCommand::Show { contract, function } = command else {
        unreachable!("these commands are about a home")
    };
    let functions = contract::functions(contract, function.as_deref())?;
    let lines: Vec<String> = match function {
        Some(_) => functions.iter().map(in_full).collect(),
        None => columns(&functions.iter().map(in_a_line).collect::<Vec<_>>()),
    };
    Ok(Outcome::list("functions", &functions, &lines, "it has no functions"))
}

fn in_a_line(one: &Described) -> [String; 3] {
    let kind = if one.changes == Some(true) { "sends" } else { "asks" };
    let first = one.notice.split_inclusive(". ").next().unwrap_or_default().trim().to_owned();
    [kind.to_owned(), one.name.clone(), first]
}

fn in_full(one: &Described) -> String {
    let mut lines = vec![one.name.clone()];
    let texts = [&one.notice, &one.details];
    lines.extend(texts.into_iter().filter(|text| !text.is_empty()).map(|text| format!("  {text}")));
    for (title, all) in [("takes", &one.arguments), ("gives", &one.results)] {
        for argument in all {
            let meaning = match argument.meaning.as_str() {
                "" => String::new(),
                text => format!(": {text}"),
            };
            lines.push(format!("  {title} {} {}{meaning}", argument.kind, argument.name));
        }
    }
    lines.join("\n")
}

/// Commands on a home that exists.
pub async fn run(node: &Node, command: &ContractCommand) -> Result<Outcome> {
    match command {
        ContractCommand::List => {
            let all = contract::contracts(node);
            let row = |one: &Described| {
                let at = one.address.map(|at| at.to_string()).unwrap_or_default();
                [one.name.clone(), at, one.notice.clone()]
            };
            let lines = columns(&all.iter().map(row).collect::<Vec<_>>());
            Ok(Outcome::list("contracts", &all, &lines, "there are no contracts"))
        }
        ContractCommand::Show { .. } => without_home(command),
        ContractCommand::Call { sender, what } => {
            let call = prepared(node, what, "0")?;
            let from = contract::address_of(node, sender)?;
            let answer = contract::ask(node, &call, from).await?;
            let text = answer.text.clone();
            Ok(Outcome::new(&answer, text))
        }
        ContractCommand::Send(send) => sent_or_shown(node, send).await,
        ContractCommand::Propose { member, what } => {
            let proposer = member::find(node, member)?;
            let call = prepared(node, what, "0")?;
            let made = governance::propose_call(node, &proposer, &call).await?;
            let standing = governance::standing(node, &made).await?;
            Ok(Outcome::new(&standing, standing.in_words()))
        }
    }
}

fn prepared(node: &Node, what: &What, ether: &str) -> Result<contract::Call> {
    contract::prepare(node, &what.contract, &what.function, &what.arguments, wei(ether)?)
}

fn sender(node: &Node, send: &Sending) -> Result<Sender> {
    match (&send.sender, &send.keystore, &send.password_file) {
        (Some(name), _, _) => contract::sender(node, name),
        (None, Some(file), password) => {
            let password = passwords::ask(
                password.as_deref(),
                "--password-file",
                &file.display().to_string(),
            )?;
            contract::keystore(file, &password)
        }
        _ => Err(NodeError::Usage("name who sends with --as or --keystore".into())),
    }
}

async fn sent_or_shown(node: &Node, send: &Sending) -> Result<Outcome> {
    let sender = sender(node, send)?;
    let what = &send.what;
    if send.sign_only {
        let signed =
            contract::sign(node, &what.contract, &what.function, &what.arguments, &sender).await?;
        let text = serde_json::to_string_pretty(&signed).unwrap_or_default();
        return Ok(Outcome::new(&signed, text));
    }
    let call = prepared(node, what, &send.value)?;
    if send.dry_run {
        let outlook = contract::look_ahead(node, &call, sender.address()).await?;
        let mut lines = call.in_words(node);
        let shown = json!({ "what": lines, "outlook": outlook });
        lines.extend(outlook.in_words(node));
        return Ok(Outcome::new(&shown, lines.join("\n")));
    }
    Ok(told(node, &contract::send(node, &call, &sender).await?))
}

fn told(node: &Node, sent: &Sent) -> Outcome {
    let mut lines = vec![format!("{} is done, with {} gas", sent.call, sent.gas)];
    lines.push(format!("transaction {}", sent.transaction));
    lines.extend(sent.events.iter().map(|event| event.in_words(node)));
    lines.extend(sent.movements.iter().map(|movement| movement.in_words()));
    Outcome::new(sent, lines.join("\n"))
}

/// Carries a signed statement to the ledger.
pub async fn relay(node: &Node, file: &Path) -> Result<Outcome> {
    let text = std::fs::read_to_string(file).map_err(|source| NodeError::File {
        verb: "read",
        path: file.to_owned(),
        source,
    })?;
    let statement: Statement = serde_json::from_str(&text).map_err(|error| {
        NodeError::Definition(format!(
            "{} is no signed statement: {error}; `caduceus contract send --sign-only` prints one",
            file.display()
        ))
    })?;
    Ok(told(node, &contract::carry(node, &statement).await?))
}
