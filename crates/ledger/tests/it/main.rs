//! The ledger over its public interfaces.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod anvil;
mod crash;
mod disk;
mod equivalence;
mod fees;
mod file;
mod outbox;
mod remote;
mod rpc;
mod support;
