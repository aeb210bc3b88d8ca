//! End to end, over the interfaces that people use: the command line, its JSON, and the ledger's RPC.

#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs, reason = "tests")]

mod adapters;
mod algorithm;
mod approvals;
mod attestors;
mod audit;
mod bad_input;
mod chains;
mod commands;
mod contracts;
mod crashes;
mod decisions;
mod duties;
mod evidence;
mod folder;
mod homes;
mod identity;
mod manners;
mod protection;
mod real_data;
mod rights;
mod story;
mod support;
mod trust;
mod vaults;
mod views;
