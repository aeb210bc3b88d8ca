//! How votes on which calls are counted. What is not listed is decided by members, one vote each.

use alloy::primitives::{Address, FixedBytes};
use alloy::sol_types::SolCall;
use caduceus_contracts as c;
use caduceus_contracts::CooperativeGovernor::KindRow;

use super::places::Addresses;

/// `ProposalKinds` in the contracts.
const TREASURY: u8 = 2;
const PARAMETERS: u8 = 3;

/// Payments, which members decide by the root of their GOV, and parameters that only set how much and how long, which
/// locked GOV decides.
pub(super) fn kinds(at: &Addresses) -> Vec<KindRow> {
    let payments = [
        (Address::ZERO, c::DataToken::transferCall::SELECTOR),
        (Address::ZERO, c::DataToken::approveCall::SELECTOR),
        (at.treasury, c::Treasury::payCall::SELECTOR),
        (at.treasury, c::Treasury::payNativeCall::SELECTOR),
    ];
    let parameters = [
        (at.licence_market, c::LicenceMarket::setPriceCall::SELECTOR),
        (at.licence_market, c::LicenceMarket::setTermCall::SELECTOR),
        (at.compute_market, c::ComputeMarket::setJobFeeCall::SELECTOR),
        (at.compute_market, c::ComputeMarket::setWindowsCall::SELECTOR),
        (at.revenue_splitter, c::RevenueSplitter::setSplitCall::SELECTOR),
        (at.health_data_pool, c::HealthDataPool::setScoreBoundsCall::SELECTOR),
        (at.bonding_curve, c::BondingCurve::setFeeCall::SELECTOR),
        (at.dataset_exchange, c::DatasetExchange::setPriceCurveCall::SELECTOR),
        (at.dataset_exchange, c::DatasetExchange::setTermsCall::SELECTOR),
        (at.dataset_lending, c::DatasetLending::setLendingTermsCall::SELECTOR),
        (at.metered_licence, c::MeteredLicence::setUnitPriceCall::SELECTOR),
        (at.researcher_bonds, c::ResearcherBonds::setBondTermsCall::SELECTOR),
        (at.contribution_rewards, c::ContributionRewards::setTermsCall::SELECTOR),
        (at.buyback_burner, c::BuybackBurner::setTermsCall::SELECTOR),
        (at.service_desk, c::ServiceDesk::setServiceCall::SELECTOR),
        (at.validator_pool, c::ValidatorPool::setTermsCall::SELECTOR),
    ];
    let row =
        |kind| move |(target, selector)| KindRow { target, selector: FixedBytes(selector), kind };
    payments
        .into_iter()
        .map(row(TREASURY))
        .chain(parameters.into_iter().map(row(PARAMETERS)))
        .collect()
}
