//! The ledger over its public interfaces.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod rpc;
mod support;
