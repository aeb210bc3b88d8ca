//! How much, to whom: the arithmetic of the protocol's money, exact to the last unit.
//!
//! Everything here is integer arithmetic on types that carry their unit, and each function is the twin of a contract:
//! the same roundings in the same places, so that a vault can foretell what the ledger will pay.

pub mod merkle;
