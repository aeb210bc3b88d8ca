//! What a deployment starts with.

use alloy::primitives::{Address, FixedBytes, U256};
use caduceus_contracts as c;

/// What a deployment decides that governance can change later.
#[derive(Clone, Debug)]
pub struct Parameters {
    /// Accounts of the attestors.
    pub attestors: Vec<Address>,
    /// How many attestors must agree.
    pub threshold: u8,
    /// Who registers parties.
    pub registrar: Address,
    /// Who can pause.
    pub guardian: Address,
    /// Rows of the jurisdiction table.
    pub rules: Vec<c::JurisdictionRules::RuleRow>,
    /// Texts that rows refer to by position.
    pub laws: Vec<String>,
    /// Countries and the region that each belongs to.
    pub countries: Vec<(FixedBytes<2>, FixedBytes<2>)>,
    /// USDC units (1e-6) for 1,000 records, for each data class from 1 on.
    pub prices: Vec<u64>,
    /// Seconds that a licence is good for.
    pub licence_term: u64,
    /// USDC units in escrow for one job.
    pub job_fee: u64,
    /// How long each state of a job may last.
    pub windows: c::ComputeMarket::Windows,
    /// The least and the most that a quality score may be, in basis points.
    pub score_floor: u16,
    /// See `score_floor`.
    pub score_cap: u16,
    /// How old an attested value may be at its deposit, in seconds.
    pub maximum_value_age: u64,
    /// How payments are divided.
    pub split: c::RevenueSplitter::Split,
    /// Seconds between a proposal and its vote.
    pub voting_delay: u32,
    /// Seconds that a vote is open.
    pub voting_period: u32,
    /// Members who must vote, in per cent.
    pub quorum_percent: u64,
    /// Seconds between a vote and its effect.
    pub timelock_delay: u64,
    /// DATA that the treasury starts with, in units of 1e-18.
    pub data_genesis: U256,
    /// GOV that the treasury starts with, in units of 1e-18.
    pub governance_genesis: U256,
    /// When votes are counted by the root of GOV, and by GOV that is locked.
    pub minimums: c::CooperativeGovernor::Minimums,
    /// The price of access units.
    pub curve: CurveTerms,
    /// The sigmoid by which datasets are swapped.
    pub price_curve: c::DatasetExchange::PriceCurve,
    /// The exchange's fee in basis points.
    pub exchange_fee: u16,
    /// The most uses of one dataset that wait in the exchange.
    pub stock_cap: u32,
    /// Terms of loans.
    pub lending: c::DatasetLending::LendingTerms,
    /// USDC units for a unit of computation, for each data class from 1 on; 0 is not for sale.
    pub unit_prices: Vec<u64>,
    /// Terms of researchers' bonds.
    pub bonds: c::ResearcherBonds::BondTerms,
    /// Whether the markets ask researchers for a bond.
    pub bonds_required: bool,
    /// What a dispute costs with the arbitrator of a development deployment, in wei.
    pub arbitration_cost: U256,
    /// Seconds that an arbitrator has.
    pub ruling_window: u64,
    /// Terms of rewards for contributions.
    pub rewards: c::ContributionRewards::RewardTerms,
    /// Terms of buying back.
    pub buyback: c::BuybackBurner::BuybackTerms,
    /// Terms of checks of quality.
    pub checks: c::ValidatorPool::CheckTerms,
}

/// What the bonding curve is created with; it cannot be changed but for the fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurveTerms {
    /// USDC units for the first unit, below 2^96.
    pub base: u128,
    /// 1e-18 USDC units more for each unit that exists, below 2^96.
    pub slope: u128,
    /// Basis points of what goes in or comes out, at most 500.
    pub fee: u16,
}
