//! `caduceus`: the command line of every role. It parses, calls the node, and prints; it decides nothing.

mod algorithm;
mod args;
mod attest;
mod bulk;
mod commands;
mod confirm;
mod contact;
mod contract;
mod credential;
mod deidentify;
mod demo;
mod governance;
mod grants;
mod identity;
mod ledger;
mod output;
mod passwords;
mod people;
mod protect;
mod query;
mod signals;
mod status;
mod synthesize;
mod trust;
mod vault;
mod view;

use std::process::ExitCode;

use clap::Parser;

use args::Arguments;

fn main() -> ExitCode {
    hush_damaged_pages();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refusal) => return output::misunderstood(&refusal),
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return output::failure(&error, arguments.json),
    };
    match runtime.block_on(commands::run(&arguments)) {
        Ok(outcome) => output::print(&outcome, arguments.json),
        Err(error) => output::failed(&error, arguments.json),
    }
}

/// The store meets some damaged pages with a panic, which whoever opens its file catches and explains: a backtrace beside that
/// would help nobody.
fn hush_damaged_pages() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match panic.location() {
        Some(at) if at.file().contains("redb-") => output::damaged_pages(),
        _ => usual(panic),
    }));
}
