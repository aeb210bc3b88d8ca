//! Behaviour of the records crate over its public interface.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests; a skipped test says so")]

mod cohort;
mod conformance;
mod elements;
mod paths;
mod read;
mod support;
mod views;
