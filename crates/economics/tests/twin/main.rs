//! Every formula beside the committed bytecode of its contract: a hundred thousand seeded cases each, edges among them,
//! equal to the unit, and refused where the contract refuses.

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod evm;
mod governing;
mod pooling;
mod rewarding;
mod selling;
