//! `caduceus vault`: vaults at work, and the vaults elsewhere that this home knows.

use std::sync::{Arc, Mutex, PoisonError};

use caduceus_node::custodian::AnsweredJob;
use caduceus_node::exchange::{self, AtWork, Known};
use caduceus_node::{Node, Result, rpc};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use crate::output::{Outcome, columns, plain};
use crate::signals;

#[derive(Debug, Subcommand)]
pub enum VaultCommand {
    /// Watch the ledger, answer its questions side by side, and listen for researchers, until stopped
    #[command(after_help = SERVE_HELP)]
    Serve(Serve),
    /// Remember the vaults that answer at a URL, once they have shown whose they are
    #[command(after_help = "Example: caduceus vault know --dir lab http://127.0.0.1:8650")]
    Know {
        /// Where they answer
        #[arg(value_name = "URL")]
        url: String,
    },
    /// List the vaults elsewhere that this home knows
    #[command(after_help = "Example: caduceus vault list --dir lab")]
    List,
}

const SERVE_HELP: &str = "Example: caduceus vault serve --dir state --port 8650 --ledger-port 8545

Whatever stops it, even a power cut, it goes on where it was: each step of a job is on the ledger or on disk before the next. It
listens on this machine only; put a server with TLS before it where researchers come from elsewhere, and name its URL with --url,
which the vaults sign. Other commands cannot use
the home meanwhile.";

#[derive(Debug, Args)]
pub struct Serve {
    /// The custodians whose vaults are at work; all of this home if left out
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    custodian: Vec<String>,
    /// Port on which researchers hand questions in and fetch answers
    #[arg(long, default_value_t = 8650)]
    port: u16,
    /// URL at which researchers reach the vaults, such as that of a server with TLS before them; the port's own if left out
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Port on which this home's embedded ledger answers meanwhile
    #[arg(long, value_name = "PORT")]
    ledger_port: Option<u16>,
}

/// Serves vaults, or keeps the list of others.
pub async fn run(node: Arc<Node>, command: &VaultCommand) -> Result<Outcome> {
    match command {
        VaultCommand::Serve(wanted) => serve(node, wanted).await,
        VaultCommand::Know { url } => Ok(listed(&exchange::know(&node, url).await?)),
        VaultCommand::List => Ok(listed(&exchange::known(&node)?)),
    }
}

fn listed(vaults: &[Known]) -> Outcome {
    let row = |one: &Known| [one.name.clone(), one.custodian.to_string(), one.url.clone()];
    let lines = columns(&vaults.iter().map(row).collect::<Vec<_>>());
    let none = "no vaults elsewhere are known; `caduceus vault know URL` asks who answers there";
    Outcome::list("vaults", vaults, &lines, none)
}

/// A job that ended while the vaults were at work.
#[derive(Clone, Serialize)]
struct Ended {
    custodian: String,
    #[serde(flatten)]
    job: AnsweredJob,
}

async fn serve(node: Arc<Node>, wanted: &Serve) -> Result<Outcome> {
    let ledger = match wanted.ledger_port {
        Some(port) => Some(rpc::listen(&node, port).await?),
        None => None,
    };
    let public = wanted.url.as_deref();
    let serving =
        exchange::listen(Arc::clone(&node), &wanted.custodian, wanted.port, public).await?;
    let names = serving.custodians().join(", ");
    say(&format!("the vaults of {names} answer at {}; interrupt to stop", serving.url()?));
    if public.is_some() {
        say(&format!("researchers name them by `caduceus vault know {}`", serving.public_url()));
    }
    let ledger = match ledger {
        Some(served) => {
            say(&format!("the ledger answers at {}", served.url()?));
            Some(tokio::spawn(served.until(std::future::pending())))
        }
        None => None,
    };
    let answered = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&answered);
    let tell = move |event| match event {
        AtWork::Ended { custodian, job } => {
            say(&format!(
                "{custodian}: job {} on dataset {} is {}",
                job.job, job.dataset, job.state
            ));
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(Ended { custodian, job });
        }
        AtWork::Trouble { custodian, what } => {
            say(&format!("{custodian} cannot go on, and tries again: {what}"));
        }
    };
    serving.until(signals::stopped(), tell).await?;
    if let Some(ledger) = ledger {
        ledger.abort();
    }
    let answered = answered.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let text = format!("stopped after {} jobs", answered.len());
    Ok(Outcome::new(&json!({ "answered": answered }), text))
}

#[allow(clippy::print_stderr, reason = "what a server that waits says")]
fn say(line: &str) {
    eprintln!("{}", plain(line));
}
