//! How much, to whom: the arithmetic of the protocol's money, exact to the last unit.
//!
//! Everything here is integer arithmetic on types that carry their unit, and each function is the twin of a contract:
//! the same roundings in the same places, so that a vault can foretell what the ledger will pay. `tests/twin` runs the
//! committed bytecode beside it.

mod amounts;
mod arithmetic;
mod auction;
mod boost;
mod curve;
mod exchange;
mod lending;
pub mod merkle;
mod metered;
mod payout;
mod pool;
mod rewards;
mod split;
mod stakes;
mod time;
mod tokens;
mod votes;

pub use amounts::{AccessUnits, AmountError, BasisPoints, Data, Gov, Shares, Usdc, Votes};
pub use auction::{RevealedBid, Sale, forfeit, least_bid, second_price};
pub use boost::effective_shares;
pub use curve::{Curve, CurveError, MAXIMUM_SUPPLY, curve_fee, units_needed};
pub use exchange::{Features, PriceCurve, exchange_charge, exchange_price, sigmoid};
pub use lending::{LendingTerms, LoanQuote, Seizure};
pub use metered::{Metered, meter};
pub use payout::{ClaimTree, PayoutError, PersonId, accrue, claim_leaf, payout};
pub use pool::{Factor, Score, YieldAccount, YieldError, YieldPool, shares};
pub use rewards::{COOL_DOWN, Reward, RewardTerms, Row};
pub use split::{
    DatasetPart, DatasetUse, Parts, Split, SplitError, licence_price, quote, split, usage_parts,
};
pub use stakes::{Check, CheckEnd, CheckParts, SlashedBond, end_check, slash_bond};
pub use time::{Stream, Vesting};
pub use tokens::{BoughtBack, BuybackTerms, service_price, yearly_cap};
pub use votes::{
    Counting, LONGEST_LOCK, Lock, Voter, WEEK, all_lock_votes, lock_votes, quorum, vote_weight,
};
