//! What governance sets later and the deployer sets first, who may do what, and then nothing left for the deployer.

use alloy::primitives::{Address, FixedBytes, aliases::U96};
use alloy::sol_types::SolCall;
use caduceus_contracts as c;

use super::Parameters;
use super::places::Addresses;
use super::plan::Step;

/// `AccessRoles` in the contracts.
pub(super) const ADMIN: u64 = 0;
const REGISTRAR: u64 = 1;
const GUARDIAN: u64 = 2;
pub(super) const MINTER: u64 = 3;
const SELLER: u64 = 4;
const DISPUTES: u64 = 5;
const REWARDER: u64 = 6;
const BUYER: u64 = 7;
const NETWORK: u64 = 8;

/// The name of a role, as the contracts have it.
pub fn role_name(role: u64) -> &'static str {
    match role {
        ADMIN => "governance",
        REGISTRAR => "registrar",
        GUARDIAN => "guardian",
        MINTER => "minter",
        SELLER => "seller",
        DISPUTES => "disputes",
        REWARDER => "rewarder",
        BUYER => "buyer",
        NETWORK => "network",
        u64::MAX => "everybody",
        _ => "another role",
    }
}

/// Rows, laws or countries sent in one transaction, so that each stays well below a block's gas.
const BATCH: usize = 60;

pub(super) fn settings(at: &Addresses, parameters: &Parameters) -> Vec<Step> {
    let mut steps = rules(at, parameters);
    let lending = c::HealthDataPool::setLendingCall { lending_: at.dataset_lending };
    steps.push(Step::call("connect pool and loans", at.health_data_pool, &lending));
    let evidence = c::ComplianceOracle::setEvidenceCall { evidence_: at.transfer_agreement };
    steps.push(Step::call("connect rules and agreements", at.compliance_oracle, &evidence));
    for (class, price) in (1..).zip(&parameters.unit_prices).filter(|(_, price)| **price > 0) {
        let price = U96::from(*price);
        let call = c::MeteredLicence::setUnitPriceCall { dataClass: class, price };
        steps.push(Step::call("set price of computation", at.metered_licence, &call));
    }
    let own = c::PoolNetwork::NetworkPool {
        market: at.licence_market,
        compute: at.compute_market,
        splitter: at.revenue_splitter,
        active: true,
        name: "the pool of this deployment".to_owned(),
    };
    let list = c::PoolNetwork::listCall { pool_: own };
    steps.push(Step::call("list the pool in the network", at.pool_network, &list));
    if parameters.bonds_required {
        let bonds_ = at.researcher_bonds;
        let licences = c::LicenceMarket::setBondsCall { bonds_ };
        steps.push(Step::call("ask for bonds", at.licence_market, &licences));
        let jobs = c::ComputeMarket::setBondsCall { bonds_ };
        steps.push(Step::call("ask for bonds", at.compute_market, &jobs));
    }
    for (account, vault) in [(at.vote_escrow, true), (at.treasury, false)] {
        let call = c::GovernanceToken::setHolderCall { account, holds: true, vault };
        steps.push(Step::call("let a contract hold GOV", at.governance_token, &call));
    }
    steps
}

fn rules(at: &Addresses, parameters: &Parameters) -> Vec<Step> {
    let mut steps = Vec::new();
    let to = at.jurisdiction_rules;
    for countries in parameters.countries.chunks(BATCH) {
        let (countries, regions) = countries.iter().copied().unzip();
        let call = c::JurisdictionRules::setCountriesCall { countries, regions };
        steps.push(Step::call("set countries", to, &call));
    }
    for (index, laws) in parameters.laws.chunks(BATCH).enumerate() {
        let first = u16::try_from(index * BATCH).expect("laws are numbered in 16 bits");
        let call = c::JurisdictionRules::setLawsCall { firstId: first, laws: laws.to_vec() };
        steps.push(Step::call("set laws", to, &call));
    }
    for rows in parameters.rules.chunks(BATCH) {
        let call = c::JurisdictionRules::setRulesCall { rows: rows.to_vec() };
        steps.push(Step::call("set rules", to, &call));
    }
    steps
}

/// Functions that others than governance may call: where, which, and who by their role.
pub(super) fn guarded(at: &Addresses) -> Vec<(Address, Vec<[u8; 4]>, u64)> {
    let registry = vec![
        c::ParticipantRegistry::registerCall::SELECTOR,
        c::ParticipantRegistry::updateCall::SELECTOR,
        c::ParticipantRegistry::suspendCall::SELECTOR,
        c::ParticipantRegistry::setIssuerCall::SELECTOR,
    ];
    let breaker =
        vec![c::CircuitBreaker::pauseCall::SELECTOR, c::CircuitBreaker::liftCall::SELECTOR];
    let licences =
        vec![c::LicenceMarket::issueCall::SELECTOR, c::LicenceMarket::remitCall::SELECTOR];
    let disputed =
        vec![c::ComputeMarket::suspendCall::SELECTOR, c::ComputeMarket::resolveCall::SELECTOR];
    let buyback = vec![c::RevenueSplitter::releaseBuybackCall::SELECTOR];
    vec![
        (at.participant_registry, registry, REGISTRAR),
        (at.circuit_breaker, breaker, GUARDIAN),
        (at.governance_token, vec![c::GovernanceToken::mintCall::SELECTOR], MINTER),
        (at.data_token, vec![c::DataToken::mintCall::SELECTOR], REWARDER),
        (at.vesting_vault, vec![c::VestingVault::openCall::SELECTOR], REWARDER),
        (at.revenue_splitter, buyback, BUYER),
        (at.licence_market, licences, SELLER),
        (at.compute_market, vec![c::ComputeMarket::requestForCall::SELECTOR], NETWORK),
        (at.compute_market, disputed, DISPUTES),
    ]
}

/// Who has which role when the deployment is done.
pub(super) fn grants(at: &Addresses, parameters: &Parameters) -> Vec<(u64, Address)> {
    vec![
        (REGISTRAR, parameters.registrar),
        (GUARDIAN, parameters.guardian),
        (MINTER, at.timelock),
        (REWARDER, at.timelock),
        (REWARDER, at.contribution_rewards),
        (BUYER, at.buyback_burner),
        (DISPUTES, at.job_disputes),
        (NETWORK, at.pool_network),
        (SELLER, at.dataset_auction),
        (SELLER, at.metered_licence),
        (SELLER, at.bonding_curve),
        (SELLER, at.dataset_exchange),
        (SELLER, at.dataset_lending),
        (SELLER, at.pool_network),
        (ADMIN, at.timelock),
    ]
}

pub(super) fn permissions(at: &Addresses, deployer: Address, parameters: &Parameters) -> Vec<Step> {
    let manager = at.access_manager;
    let grant = |role_id: u64, account: Address| {
        let call = c::AccessManager::grantRoleCall { roleId: role_id, account, executionDelay: 0 };
        Step::call("grant role", manager, &call)
    };
    let renounce = |role_id: u64| {
        let call =
            c::AccessManager::renounceRoleCall { roleId: role_id, callerConfirmation: deployer };
        Step::call("renounce role", manager, &call)
    };
    let mut steps = Vec::new();
    for (target, selectors, role_id) in guarded(at) {
        let selectors = selectors.into_iter().map(FixedBytes).collect();
        let call =
            c::AccessManager::setTargetFunctionRoleCall { target, selectors, roleId: role_id };
        steps.push(Step::call("set role of functions", manager, &call));
    }
    let mint_to_treasury =
        c::GovernanceToken::mintCall { to: at.treasury, amount: parameters.governance_genesis };
    steps.push(grant(MINTER, deployer));
    steps.push(Step::call("mint GOV to the treasury", at.governance_token, &mint_to_treasury));
    steps.push(renounce(MINTER));
    steps.extend(grants(at, parameters).into_iter().map(|(role, account)| grant(role, account)));
    steps.push(renounce(ADMIN));
    steps
}
