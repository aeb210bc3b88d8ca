//! The project's own commands: `cargo xtask demo | test | contracts | analyse | invariants | bench`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line's output is its purpose"
)]

mod contracts;
mod run;

use std::path::Path;
use std::process::{Command, ExitCode};

use run::{Failure, cargo, step};

const USAGE: &str = "\
Usage: cargo xtask <COMMAND>

Commands:
  demo [OPTIONS]     Build Caduceus and run its story; options go to `caduceus demo` (try --help)
  test               Run every check and every test, set-up included
  contracts          Compile the contracts and write contracts/artifacts
  contracts --check  Compile the contracts and fail if contracts/artifacts differs
  contracts --test   The same, and run the contracts' tests
  analyse            Analyse the contracts: slither, halmos on the arithmetic of money, every branch taken by a test
  invariants         Hold the contracts' invariants after each of 128,000 random actions (about half an hour)
  bench [NAME...]    Measure beside peers, optimized; all of benches/src/bin if none is named

Example: cargo xtask demo --patients 200
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let outcome = match arguments.first().map(String::as_str) {
        Some("demo") => demo(rest),
        Some("test") if rest.is_empty() => test(),
        Some("contracts") if rest.is_empty() => contracts::write(),
        Some("contracts") if rest == ["--check"] => contracts::check(),
        Some("contracts") if rest == ["--test"] => contracts::test(),
        Some("analyse") if rest.is_empty() => contracts::analyse(),
        Some("invariants") if rest.is_empty() => contracts::long_invariants(),
        Some("bench") => bench(rest),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            Ok(())
        }
        _ => Err(Failure(format!("that is not a command of xtask\n\n{USAGE}"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the story with the binary that `cargo run` builds; contracts come from the committed artifacts.
fn demo(options: &[String]) -> Result<(), Failure> {
    // The whole workspace's choice of features, so that the tests use what was compiled for this.
    let mut command = cargo(&["run", "--bin", "caduceus"]);
    if options.iter().any(|option| option == "--json") {
        command.arg("--quiet");
    }
    run::run(command.args(["--", "demo"]).args(options))
}

/// Everything that must hold before a change lands, cheapest first.
fn test() -> Result<(), Failure> {
    step("formatting", cargo(&["fmt", "--all", "--check"]))?;
    // The compiler of the contracts takes one processor for minutes.
    run::beside(run::own(&["contracts", "--test"])?, lint)?;
    step("rust tests", cargo(&["test", "--workspace"]))
}

/// Warnings of the compiler, of clippy and of the documentation are errors.
fn lint() -> Result<(), Failure> {
    // With the targets for `cargo fuzz`, which nothing else compiles.
    let fuzz = ["--features", "caduceus-fuzz/targets"];
    let lint =
        [&["clippy", "--workspace", "--all-targets"], &fuzz[..], &["--", "--deny", "warnings"]];
    step("clippy", cargo(&lint.concat()))?;
    // With the features of clippy's choice of targets, and with its compiler called as it calls it, so that nothing is checked twice.
    let targets = ["doc", "--workspace", "--no-deps", "--lib", "--bins", "--examples"];
    let mut document = cargo(&[&targets[..], &fuzz[..]].concat());
    let sysroot = run::output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let clippy = Path::new(sysroot.trim()).join("bin/clippy-driver");
    document
        .env("RUSTC_WORKSPACE_WRAPPER", clippy)
        .env("CLIPPY_ARGS", "--deny__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__")
        .env("RUSTDOCFLAGS", "--deny warnings");
    step("documentation", document)
}

/// Runs measurements one after the other, and says at the end which of them missed a bound.
fn bench(names: &[String]) -> Result<(), Failure> {
    let names = if names.is_empty() { run::measurements()? } else { names.to_vec() };
    let package =
        ["run", "--release", "--package", "caduceus-benches", "--features", "datafusion", "--bin"];
    let missed = names.into_iter().filter(|name| {
        let mut command = cargo(&package);
        command.arg(name);
        step(name, command).is_err()
    });
    let missed: Vec<String> = missed.collect();
    match missed.is_empty() {
        true => Ok(()),
        false => Err(Failure(format!(
            "these measurements missed a bound or could not run: {}",
            missed.join(", ")
        ))),
    }
}
