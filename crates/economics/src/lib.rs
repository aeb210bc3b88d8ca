//! How much, to whom: the arithmetic of the protocol's money, exact to the last unit.
//!
//! Everything here is integer arithmetic on types that carry their unit, and each function is the twin of a contract:
//! the same roundings in the same places, so that a vault can foretell what the ledger will pay.

mod amounts;
pub mod merkle;
mod payout;
mod pool;
mod split;

pub use amounts::{AmountError, BasisPoints, Shares, Usdc};
pub use payout::{ClaimTree, PayoutError, PersonId, accrue, claim_leaf, payout};
pub use pool::{Factor, Score, YieldAccount, YieldError, YieldPool, shares};
pub use split::{
    DatasetPart, DatasetUse, Parts, Split, SplitError, licence_price, quote, split, usage_parts,
};
