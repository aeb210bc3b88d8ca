//! `caduceus`: the command line of every role. It parses, calls the node, and prints; it decides nothing.

mod algorithm;
mod args;
mod commands;
mod output;
mod query;

use std::process::ExitCode;

use clap::Parser;

use args::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return output::failure(&error),
    };
    match runtime.block_on(commands::run(&arguments)) {
        Ok(outcome) => output::print(&outcome, arguments.json),
        Err(error) => output::failure_with(&error, error.exit_code()),
    }
}
