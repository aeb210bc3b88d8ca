//! The transactions of a deployment, in order: contracts as they are, then modules behind their proxies, then settings
//! and permissions.

use alloy::primitives::{Address, Bytes, U256, aliases::U48, aliases::U96};
use alloy::sol_types::{SolCall, SolConstructor};
use caduceus_contracts as c;

use super::Parameters;
use super::governor::kinds;
use super::places::{Addresses, implementation};
use super::settings::{permissions, settings};

/// One transaction of the plan.
pub(super) struct Step {
    pub(super) name: String,
    pub(super) to: Option<Address>,
    pub(super) data: Bytes,
    /// Of a contract that the step creates: its name in the artifacts and what its constructor is given.
    pub(super) created: Option<(&'static str, Bytes)>,
}

impl Step {
    fn create(
        name: String,
        contract: &'static str,
        bytecode: &Bytes,
        arguments: impl Into<Bytes>,
    ) -> Step {
        let arguments = arguments.into();
        let data = [&bytecode[..], &arguments].concat().into();
        Step { name, to: None, data, created: Some((contract, arguments)) }
    }

    pub(super) fn call(name: &str, to: Address, call: &impl SolCall) -> Step {
        Step { name: name.to_owned(), to: Some(to), data: call.abi_encode().into(), created: None }
    }
}

pub(super) fn plan(at: &Addresses, deployer: Address, parameters: &Parameters) -> Vec<Step> {
    let mut steps = plain_contracts(at, deployer, parameters);
    steps.extend(later_plain_contracts(at, parameters));
    let modules = [
        identity_modules(at, parameters),
        policy_modules(at),
        market_modules(at, parameters),
        money_modules(at, parameters),
        settlement_modules(at, parameters),
        selling_modules(at, parameters),
        reward_modules(at, parameters),
    ];
    for module in modules.into_iter().flatten() {
        steps.extend(module.steps(deployer));
    }
    steps.extend(settings(at, parameters));
    steps.extend(permissions(at, deployer, parameters));
    steps
}

/// A contract as it is.
fn plain(name: &'static str, bytecode: &Bytes, constructor: &impl SolConstructor) -> Step {
    Step::create(name.to_owned(), name, bytecode, constructor.abi_encode())
}

fn plain_contracts(at: &Addresses, deployer: Address, parameters: &Parameters) -> Vec<Step> {
    let authority_ = at.access_manager;
    let (registry, membership) = (at.participant_registry, at.membership_token);
    let setup = c::CooperativeGovernor::Setup {
        membership,
        gov: at.governance_token,
        escrow: at.vote_escrow,
        timelock: at.timelock,
        votingDelay: U48::from(parameters.voting_delay),
        votingPeriod: parameters.voting_period,
        quorumPercent: U256::from(parameters.quorum_percent),
        minimums: parameters.minimums.clone(),
    };
    let timelock = c::TimelockController::constructorCall {
        minDelay: U256::from(parameters.timelock_delay),
        proposers: vec![at.cooperative_governor],
        executors: vec![Address::ZERO],
        admin: Address::ZERO,
    };
    let datasets = c::DatasetToken::constructorCall {
        authority_,
        registry,
        oracle: at.attestation_oracle,
        breaker: at.circuit_breaker,
        pool: at.health_data_pool,
    };
    let governance = c::GovernanceToken::constructorCall {
        authority_,
        registry,
        membership,
        timelock: at.timelock,
    };
    // The contract calls the holder of the genesis allotment after the timelock, which used to be the treasury.
    let data = c::DataToken::constructorCall {
        authority_,
        timelock: at.treasury,
        genesis: parameters.data_genesis,
    };
    let manager = c::AccessManager::constructorCall { initialAdmin: deployer };
    let members = c::MembershipToken::constructorCall { authority_, oracle: at.attestation_oracle };
    let governor = c::CooperativeGovernor::constructorCall { setup, rows: kinds(at) };
    let shares = c::PoolShare::constructorCall { pool: at.health_data_pool, registry, membership };
    let passes = c::LicencePass::constructorCall {
        licenceMarket: at.licence_market,
        computeMarket: at.compute_market,
    };
    vec![
        plain("AccessManager", &c::AccessManager::BYTECODE, &manager),
        plain("TimelockController", &c::TimelockController::BYTECODE, &timelock),
        plain(
            "TestUSDC",
            &c::TestUSDC::BYTECODE,
            &c::TestUSDC::constructorCall { owner: deployer },
        ),
        plain("MembershipToken", &c::MembershipToken::BYTECODE, &members),
        plain("DatasetToken", &c::DatasetToken::BYTECODE, &datasets),
        plain("GovernanceToken", &c::GovernanceToken::BYTECODE, &governance),
        plain("DataToken", &c::DataToken::BYTECODE, &data),
        plain("CooperativeGovernor", &c::CooperativeGovernor::BYTECODE, &governor),
        plain("PoolShare", &c::PoolShare::BYTECODE, &shares),
        plain("LicencePass", &c::LicencePass::BYTECODE, &passes),
    ]
}

fn later_plain_contracts(at: &Addresses, parameters: &Parameters) -> Vec<Step> {
    let authority_ = at.access_manager;
    let boost = c::ProviderBoost::constructorCall {
        data: at.data_token,
        pool: at.health_data_pool,
        share: at.pool_share,
    };
    let streams = c::PayoutStreams::constructorCall {
        usdc: at.usdc,
        splitter: at.revenue_splitter,
        claims: at.member_claims,
    };
    let vault = c::VestingVault::constructorCall {
        authority_,
        token: at.data_token,
        attestations: at.attestation_oracle,
        computeMarket: at.compute_market,
        datasets: at.dataset_token,
    };
    let curve = c::BondingCurve::constructorCall {
        peers: c::BondingCurve::Peers {
            usdc: at.usdc,
            market: at.licence_market,
            splitter: at.revenue_splitter,
            datasets: at.dataset_token,
            registry: at.participant_registry,
            breaker: at.circuit_breaker,
            treasury: at.treasury,
        },
        authority_,
        base: U96::from(parameters.curve.base),
        slope: U96::from(parameters.curve.slope),
        feeBps_: parameters.curve.fee,
    };
    let arbitrator = c::CentralizedArbitrator::constructorCall {
        registry: at.participant_registry,
        cost: parameters.arbitration_cost,
    };
    let escrow = c::VoteEscrow::constructorCall { gov: at.governance_token };
    let signals = c::Signalling::constructorCall { membership: at.membership_token };
    vec![
        plain("ProviderBoost", &c::ProviderBoost::BYTECODE, &boost),
        plain("PayoutStreams", &c::PayoutStreams::BYTECODE, &streams),
        plain("VoteEscrow", &c::VoteEscrow::BYTECODE, &escrow),
        plain("Treasury", &c::Treasury::BYTECODE, &c::Treasury::constructorCall { authority_ }),
        plain("VestingVault", &c::VestingVault::BYTECODE, &vault),
        plain("Signalling", &c::Signalling::BYTECODE, &signals),
        plain("BondingCurve", &c::BondingCurve::BYTECODE, &curve),
        plain("CentralizedArbitrator", &c::CentralizedArbitrator::BYTECODE, &arbitrator),
    ]
}

/// An implementation and its proxy, initialized in the proxy's constructor so that nobody else can.
struct Module {
    name: &'static str,
    bytecode: &'static Bytes,
    constructor: Vec<u8>,
    initialize: Bytes,
}

impl Module {
    fn steps(self, deployer: Address) -> [Step; 2] {
        let implementation =
            implementation(deployer, self.name).expect("every module is in the plan");
        let proxy = c::ERC1967Proxy::constructorCall { implementation, _data: self.initialize };
        [
            Step::create(
                format!("{}, implementation", self.name),
                self.name,
                self.bytecode,
                self.constructor,
            ),
            Step::create(
                self.name.to_owned(),
                "ERC1967Proxy",
                &c::ERC1967Proxy::BYTECODE,
                proxy.abi_encode(),
            ),
        ]
    }
}

fn module(
    name: &'static str,
    bytecode: &'static Bytes,
    constructor: &impl SolConstructor,
    initialize: &impl SolCall,
) -> Module {
    let constructor = constructor.abi_encode();
    Module { name, bytecode, constructor, initialize: initialize.abi_encode().into() }
}

/// A module whose constructor takes nothing.
fn alone(name: &'static str, bytecode: &'static Bytes, initialize: &impl SolCall) -> Module {
    Module { name, bytecode, constructor: Vec::new(), initialize: initialize.abi_encode().into() }
}

fn identity_modules(at: &Addresses, parameters: &Parameters) -> Vec<Module> {
    let authority = at.access_manager;
    let consumers = vec![
        at.membership_token,
        at.dataset_token,
        at.health_data_pool,
        at.compute_market,
        at.member_claims,
        at.metered_licence,
        at.transfer_agreement,
        at.dataset_exchange,
        at.dataset_lending,
        at.vesting_vault,
        at.contribution_rewards,
        at.validator_pool,
    ];
    vec![
        alone(
            "ParticipantRegistry",
            &c::ParticipantRegistry::BYTECODE,
            &c::ParticipantRegistry::initializeCall { authority },
        ),
        module(
            "AttestationOracle",
            &c::AttestationOracle::BYTECODE,
            &c::AttestationOracle::constructorCall { registry: at.participant_registry },
            &c::AttestationOracle::initializeCall {
                authority,
                attestors_: parameters.attestors.clone(),
                threshold_: parameters.threshold,
                consumers,
            },
        ),
    ]
}

fn policy_modules(at: &Addresses) -> Vec<Module> {
    let authority = at.access_manager;
    let (registry, rules, datasets) =
        (at.participant_registry, at.jurisdiction_rules, at.dataset_token);
    let consents = c::ConsentRegistry::constructorCall {
        membership: at.membership_token,
        registry,
        rules,
        datasets,
    };
    let compliance = c::ComplianceOracle::constructorCall { registry, rules, datasets };
    let provenance =
        c::ProvenanceLog::constructorCall { registry, computeMarket: at.compute_market };
    vec![
        alone(
            "JurisdictionRules",
            &c::JurisdictionRules::BYTECODE,
            &c::JurisdictionRules::initializeCall { authority },
        ),
        module(
            "ConsentRegistry",
            &c::ConsentRegistry::BYTECODE,
            &consents,
            &c::ConsentRegistry::initializeCall { authority },
        ),
        module(
            "ComplianceOracle",
            &c::ComplianceOracle::BYTECODE,
            &compliance,
            &c::ComplianceOracle::initializeCall { authority },
        ),
        module(
            "ProvenanceLog",
            &c::ProvenanceLog::BYTECODE,
            &provenance,
            &c::ProvenanceLog::initializeCall { authority },
        ),
        alone(
            "CircuitBreaker",
            &c::CircuitBreaker::BYTECODE,
            &c::CircuitBreaker::initializeCall { authority },
        ),
    ]
}

fn market_modules(at: &Addresses, parameters: &Parameters) -> Vec<Module> {
    let authority = at.access_manager;
    let pool = c::HealthDataPool::Peers {
        usdc: at.usdc,
        share: at.pool_share,
        datasets: at.dataset_token,
        registry: at.participant_registry,
        attestations: at.attestation_oracle,
        breaker: at.circuit_breaker,
        boost: at.provider_boost,
        splitter: at.revenue_splitter,
        computeMarket: at.compute_market,
    };
    let licences = c::LicenceMarket::Peers {
        usdc: at.usdc,
        passes: at.licence_pass,
        datasets: at.dataset_token,
        pool: at.health_data_pool,
        compliance: at.compliance_oracle,
        breaker: at.circuit_breaker,
        splitter: at.revenue_splitter,
    };
    let jobs = c::ComputeMarket::Peers {
        usdc: at.usdc,
        passes: at.licence_pass,
        datasets: at.dataset_token,
        pool: at.health_data_pool,
        registry: at.participant_registry,
        compliance: at.compliance_oracle,
        consents: at.consent_registry,
        attestations: at.attestation_oracle,
        provenance: at.provenance_log,
        breaker: at.circuit_breaker,
        splitter: at.revenue_splitter,
    };
    let bounds = c::HealthDataPool::initializeCall {
        authority,
        floor: parameters.score_floor,
        cap: parameters.score_cap,
        maximumAge: parameters.maximum_value_age,
    };
    let sale = c::LicenceMarket::initializeCall {
        authority,
        term_: parameters.licence_term,
        prices: parameters.prices.iter().copied().map(U256::from).collect(),
    };
    let work = c::ComputeMarket::initializeCall {
        authority,
        jobFee_: parameters.job_fee.into(),
        windows_: parameters.windows.clone(),
    };
    vec![
        module(
            "HealthDataPool",
            &c::HealthDataPool::BYTECODE,
            &c::HealthDataPool::constructorCall { peers: pool },
            &bounds,
        ),
        module(
            "LicenceMarket",
            &c::LicenceMarket::BYTECODE,
            &c::LicenceMarket::constructorCall { peers: licences },
            &sale,
        ),
        module(
            "ComputeMarket",
            &c::ComputeMarket::BYTECODE,
            &c::ComputeMarket::constructorCall { peers: jobs },
            &work,
        ),
    ]
}

fn money_modules(at: &Addresses, parameters: &Parameters) -> Vec<Module> {
    let authority = at.access_manager;
    let splitter = c::RevenueSplitter::Peers {
        usdc: at.usdc,
        datasets: at.dataset_token,
        pool: at.health_data_pool,
        claims: at.member_claims,
        streams: at.payout_streams,
        licenceMarket: at.licence_market,
        computeMarket: at.compute_market,
        treasury: at.treasury,
    };
    let claims = c::MemberClaims::Peers {
        usdc: at.usdc,
        datasets: at.dataset_token,
        membership: at.membership_token,
        registry: at.participant_registry,
        attestations: at.attestation_oracle,
        streams: at.payout_streams,
        splitter: at.revenue_splitter,
    };
    vec![
        module(
            "RevenueSplitter",
            &c::RevenueSplitter::BYTECODE,
            &c::RevenueSplitter::constructorCall { peers: splitter },
            &c::RevenueSplitter::initializeCall { authority, split_: parameters.split.clone() },
        ),
        module(
            "MemberClaims",
            &c::MemberClaims::BYTECODE,
            &c::MemberClaims::constructorCall { peers: claims },
            &c::MemberClaims::initializeCall { authority },
        ),
    ]
}

fn settlement_modules(at: &Addresses, parameters: &Parameters) -> Vec<Module> {
    let authority = at.access_manager;
    let (arbitrator, window) = (at.arbitrator, parameters.ruling_window);
    let (extra, evidence) = (Bytes::new(), "ipfs://caduceus-disputes".to_owned());
    let escrow = c::Escrow::constructorCall {
        usdc: at.usdc,
        registry: at.participant_registry,
        breaker: at.circuit_breaker,
    };
    let disputes = c::JobDisputes::constructorCall {
        computeMarket: at.compute_market,
        datasets: at.dataset_token,
    };
    let bonds = c::ResearcherBonds::Peers {
        usdc: at.usdc,
        registry: at.participant_registry,
        licenceMarket: at.licence_market,
        computeMarket: at.compute_market,
        treasury: at.treasury,
    };
    let agreements = c::TransferAgreement::Peers {
        usdc: at.usdc,
        datasets: at.dataset_token,
        registry: at.participant_registry,
        attestations: at.attestation_oracle,
        breaker: at.circuit_breaker,
    };
    macro_rules! arbitration {
        ($contract:ident) => {
            c::$contract::ArbitrationTerms {
                arbitrator,
                rulingWindow: window,
                extraData: extra.clone(),
                metaEvidence: evidence.clone(),
            }
        };
    }
    vec![
        module(
            "Escrow",
            &c::Escrow::BYTECODE,
            &escrow,
            &c::Escrow::initializeCall { authority, terms: arbitration!(Escrow) },
        ),
        module(
            "JobDisputes",
            &c::JobDisputes::BYTECODE,
            &disputes,
            &c::JobDisputes::initializeCall { authority, terms: arbitration!(JobDisputes) },
        ),
        module(
            "ResearcherBonds",
            &c::ResearcherBonds::BYTECODE,
            &c::ResearcherBonds::constructorCall { peers: bonds },
            &c::ResearcherBonds::initializeCall {
                authority,
                arbitration: arbitration!(ResearcherBonds),
                terms: parameters.bonds.clone(),
            },
        ),
        module(
            "TransferAgreement",
            &c::TransferAgreement::BYTECODE,
            &c::TransferAgreement::constructorCall { peers: agreements },
            &c::TransferAgreement::initializeCall { authority },
        ),
    ]
}

fn selling_modules(at: &Addresses, parameters: &Parameters) -> Vec<Module> {
    let authority = at.access_manager;
    let (usdc, market, splitter) = (at.usdc, at.licence_market, at.revenue_splitter);
    let auctions = c::DatasetAuction::Peers {
        usdc,
        market,
        splitter,
        datasets: at.dataset_token,
        pool: at.health_data_pool,
        registry: at.participant_registry,
        compliance: at.compliance_oracle,
        breaker: at.circuit_breaker,
        treasury: at.treasury,
    };
    let meters = c::MeteredLicence::constructorCall {
        usdc,
        market,
        splitter,
        datasets: at.dataset_token,
        attestations: at.attestation_oracle,
    };
    let exchange = c::DatasetExchange::Peers {
        market,
        datasets: at.dataset_token,
        pool: at.health_data_pool,
        registry: at.participant_registry,
        compliance: at.compliance_oracle,
        attestations: at.attestation_oracle,
        breaker: at.circuit_breaker,
    };
    let lending = c::DatasetLending::constructorCall {
        usdc,
        market,
        splitter,
        pool: at.health_data_pool,
        attestations: at.attestation_oracle,
    };
    let prices = c::DatasetExchange::initializeCall {
        authority,
        curve: parameters.price_curve.clone(),
        feeBps: parameters.exchange_fee,
        stockCap: parameters.stock_cap,
    };
    vec![
        module(
            "DatasetAuction",
            &c::DatasetAuction::BYTECODE,
            &c::DatasetAuction::constructorCall { peers: auctions },
            &c::DatasetAuction::initializeCall { authority },
        ),
        module(
            "MeteredLicence",
            &c::MeteredLicence::BYTECODE,
            &meters,
            &c::MeteredLicence::initializeCall { authority },
        ),
        module(
            "DatasetExchange",
            &c::DatasetExchange::BYTECODE,
            &c::DatasetExchange::constructorCall { peers: exchange },
            &prices,
        ),
        module(
            "DatasetLending",
            &c::DatasetLending::BYTECODE,
            &lending,
            &c::DatasetLending::initializeCall { authority, terms: parameters.lending.clone() },
        ),
        module(
            "PoolNetwork",
            &c::PoolNetwork::BYTECODE,
            &c::PoolNetwork::constructorCall { usdc },
            &c::PoolNetwork::initializeCall { authority },
        ),
    ]
}

fn reward_modules(at: &Addresses, parameters: &Parameters) -> Vec<Module> {
    let authority = at.access_manager;
    let rewards = c::ContributionRewards::Peers {
        data: at.data_token,
        vault: at.vesting_vault,
        membership: at.membership_token,
        attestations: at.attestation_oracle,
        breaker: at.circuit_breaker,
    };
    let burner = c::BuybackBurner::Peers {
        usdc: at.usdc,
        data: at.data_token,
        splitter: at.revenue_splitter,
        breaker: at.circuit_breaker,
        rewards: at.contribution_rewards,
    };
    let checks = c::ValidatorPool::Peers {
        data: at.data_token,
        datasets: at.dataset_token,
        registry: at.participant_registry,
        attestations: at.attestation_oracle,
        breaker: at.circuit_breaker,
    };
    vec![
        module(
            "ContributionRewards",
            &c::ContributionRewards::BYTECODE,
            &c::ContributionRewards::constructorCall { peers: rewards },
            &c::ContributionRewards::initializeCall {
                authority,
                terms_: parameters.rewards.clone(),
            },
        ),
        module(
            "BuybackBurner",
            &c::BuybackBurner::BYTECODE,
            &c::BuybackBurner::constructorCall { peers: burner },
            &c::BuybackBurner::initializeCall { authority, terms_: parameters.buyback.clone() },
        ),
        module(
            "ServiceDesk",
            &c::ServiceDesk::BYTECODE,
            &c::ServiceDesk::constructorCall { data: at.data_token },
            &c::ServiceDesk::initializeCall { authority },
        ),
        module(
            "ValidatorPool",
            &c::ValidatorPool::BYTECODE,
            &c::ValidatorPool::constructorCall { peers: checks },
            &c::ValidatorPool::initializeCall { authority, terms_: parameters.checks.clone() },
        ),
    ]
}
