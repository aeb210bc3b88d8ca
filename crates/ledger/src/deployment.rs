//! Brings the contracts to a ledger, once, resumably, and leaves no power with the deployer.
//!
//! One key deploys, and it does nothing else. Its address and a nonce give the address of every contract before the
//! first is there, so that contracts can name each other as immutables; and the nonce it has reached tells how much of
//! the plan is done, so that a deployment that was cut off goes on where it stopped, on any chain.
//!
//! The plan ends with the timelock as the only admin of the access manager. Until then the deployer sets what
//! governance sets later: rules, prices, roles.

use alloy::network::TransactionBuilder;
use alloy::primitives::{Address, Bytes, FixedBytes, U256, aliases::U48};
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::signers::local::PrivateKeySigner;
use alloy::sol_types::{SolCall, SolConstructor};
use caduceus_contracts as c;
use serde::{Deserialize, Serialize};

use crate::{Ledger, Outbox, OutboxError};

/// `AccessRoles` in the contracts.
const ADMIN: u64 = 0;
const REGISTRAR: u64 = 1;
const GUARDIAN: u64 = 2;
const MINTER: u64 = 3;

/// Rows, laws or countries sent in one transaction, so that each stays well below a block's gas.
const BATCH: usize = 60;

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
}

macro_rules! addresses {
    ($($(#[$doc:meta])* $field:ident: $name:literal,)*) => {
        /// Where every contract is.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Addresses { $($(#[$doc])* pub $field: Address,)* }

        impl Addresses {
            /// The addresses that a plan by `deployer` leads to.
            fn of(deployer: Address) -> Addresses {
                Addresses { $($field: place(deployer, $name),)* }
            }

            /// Every contract's name and address.
            pub fn named(&self) -> Vec<(&'static str, Address)> {
                vec![$(($name, self.$field)),*]
            }
        }
    };
}

addresses! {
    /// All permissions.
    access_manager: "AccessManager",
    /// Governance's hand, and its treasury.
    timelock: "TimelockController",
    /// Test money of a development deployment.
    usdc: "TestUSDC",
    /// Who is who.
    participant_registry: "ParticipantRegistry",
    /// What attestors signed.
    attestation_oracle: "AttestationOracle",
    /// What law says.
    jurisdiction_rules: "JurisdictionRules",
    /// What people agreed to.
    consent_registry: "ConsentRegistry",
    /// Whether a party may use a dataset.
    compliance_oracle: "ComplianceOracle",
    /// Anchors of the vaults' logs, and accesses.
    provenance_log: "ProvenanceLog",
    /// The brake.
    circuit_breaker: "CircuitBreaker",
    /// Members.
    membership_token: "MembershipToken",
    /// Data NFTs.
    dataset_token: "DatasetToken",
    /// Votes that can be held by others than members.
    governance_token: "GovernanceToken",
    /// The utility token.
    data_token: "DataToken",
    /// The cooperative's votes.
    cooperative_governor: "CooperativeGovernor",
    /// The pool of datasets.
    health_data_pool: "HealthDataPool",
    /// Shares in it.
    pool_share: "PoolShare",
    /// Where licences are sold.
    licence_market: "LicenceMarket",
    /// Licences.
    licence_pass: "LicencePass",
    /// Where questions become jobs.
    compute_market: "ComputeMarket",
    /// Where payments are divided.
    revenue_splitter: "RevenueSplitter",
    /// Where members claim.
    member_claims: "MemberClaims",
    /// Staked DATA, which raises a provider's part of the yield.
    provider_boost: "ProviderBoost",
    /// Where payments flow by the second to those who chose so.
    payout_streams: "PayoutStreams",
    /// Locked GOV, which votes on parameters.
    vote_escrow: "VoteEscrow",
}

/// Contracts behind a proxy (ERC-1967): each takes two nonces, the implementation's and the proxy's.
const MODULES: [&str; 12] = [
    "ParticipantRegistry",
    "AttestationOracle",
    "JurisdictionRules",
    "ConsentRegistry",
    "ComplianceOracle",
    "ProvenanceLog",
    "CircuitBreaker",
    "HealthDataPool",
    "LicenceMarket",
    "ComputeMarket",
    "RevenueSplitter",
    "MemberClaims",
];

/// Contracts as they are, in the order of their nonces, before the modules.
const PLAIN: [&str; 10] = [
    "AccessManager",
    "TimelockController",
    "TestUSDC",
    "MembershipToken",
    "DatasetToken",
    "GovernanceToken",
    "DataToken",
    "CooperativeGovernor",
    "PoolShare",
    "LicencePass",
];

/// Contracts as they are, in the order of their nonces, after the modules.
const LATER: [&str; 3] = ["ProviderBoost", "PayoutStreams", "VoteEscrow"];

/// The address of a contract by its place in the plan.
fn place(deployer: Address, name: &str) -> Address {
    let plain = PLAIN.iter().position(|known| *known == name);
    let module =
        || MODULES.iter().position(|known| *known == name).map(|index| PLAIN.len() + 2 * index + 1);
    let later = || {
        let place = LATER.iter().position(|known| *known == name);
        place.map(|index| PLAIN.len() + 2 * MODULES.len() + index)
    };
    let nonce = plain.or_else(module).or_else(later).expect("every contract is in the plan");
    deployer.create(nonce as u64)
}

/// One transaction of the plan.
struct Step {
    name: String,
    to: Option<Address>,
    data: Bytes,
}

impl Step {
    fn create(name: &str, bytecode: &Bytes, constructor: &impl SolConstructor) -> Step {
        Step {
            name: name.to_owned(),
            to: None,
            data: [&bytecode[..], &constructor.abi_encode()].concat().into(),
        }
    }

    fn call(name: &str, to: Address, call: &impl SolCall) -> Step {
        Step { name: name.to_owned(), to: Some(to), data: call.abi_encode().into() }
    }
}

/// A finished deployment.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// Where the contracts are.
    pub addresses: Addresses,
    /// Gas used by the transactions that this run sent; nothing if the contracts were there.
    pub gas_used: u64,
}

/// Why a deployment could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum DeploymentError {
    /// A transaction failed.
    #[error("the deployment stopped at `{step}`: {reason}; run the same command again to go on")]
    Step {
        /// Which one.
        step: String,
        /// Why, in words.
        reason: String,
    },
    /// The deployer cannot pay for gas.
    #[error(
        "the deployment stopped at `{step}`: the deployer's account {account} has too little ether for gas ({message}); run the same command again when it has some"
    )]
    NoEther {
        /// Which transaction.
        step: String,
        /// The deployer.
        account: Address,
        /// The node's words.
        message: String,
    },
    /// The chain does not answer.
    #[error("the ledger did not answer: {}; check that it runs and can be reached", crate::failure(.0))]
    Rpc(#[from] alloy::transports::TransportError),
    /// The deployer's account did something else.
    #[error(
        "the deployer's account {0} was used for something else on this chain; start a new home with another seed"
    )]
    Foreign(Address),
}

/// The finished deployment of `deployer`, if there is one. Reads only.
pub async fn find(
    ledger: &Ledger,
    deployer: Address,
    parameters: &Parameters,
) -> Result<Option<Deployment>, DeploymentError> {
    let addresses = Addresses::of(deployer);
    let steps = plan(&addresses, deployer, parameters);
    if ledger.provider().get_transaction_count(deployer).await? < steps.len() as u64 {
        return Ok(None);
    }
    require_created(ledger, deployer, steps.iter()).await?;
    require_handed_over(ledger, deployer, &addresses).await?;
    Ok(Some(Deployment { addresses, gas_used: 0 }))
}

/// Deploys what is not there yet. `deployer` needs ether for gas and must be used for nothing else.
pub async fn deploy(
    ledger: &Ledger,
    outbox: &Outbox,
    deployer: &PrivateKeySigner,
    parameters: &Parameters,
    progress: impl Fn(u64, u64),
) -> Result<Deployment, DeploymentError> {
    let addresses = Addresses::of(deployer.address());
    let steps = plan(&addresses, deployer.address(), parameters);
    let done = ledger.provider().get_transaction_count(deployer.address()).await?;
    require_created(ledger, deployer.address(), steps.iter().take(done as usize)).await?;
    let mut gas_used = 0;
    for (index, step) in steps.iter().enumerate().skip(done as usize) {
        let key = format!("deploy/{index}");
        let outcome =
            outbox.submit(ledger, &key, deployer, step.to, step.data.clone(), U256::ZERO).await;
        let receipt = outcome.map_err(|error| match error.lacks_ether() {
            Some(message) => DeploymentError::NoEther {
                step: step.name.clone(),
                account: deployer.address(),
                message: message.into(),
            },
            None => DeploymentError::Step { step: step.name.clone(), reason: explain(error) },
        })?;
        let expected = step.to.is_none().then(|| deployer.address().create(index as u64));
        if receipt.contract_address != expected {
            return Err(DeploymentError::Foreign(deployer.address()));
        }
        gas_used += receipt.gas_used;
        progress(index as u64 + 1, steps.len() as u64);
    }
    require_handed_over(ledger, deployer.address(), &addresses).await?;
    Ok(Deployment { addresses, gas_used })
}

/// A nonce that did something else than to create its contract left the contract's place empty.
async fn require_created(
    ledger: &Ledger,
    deployer: Address,
    done: impl Iterator<Item = &Step>,
) -> Result<(), DeploymentError> {
    for (nonce, _) in done.enumerate().filter(|(_, step)| step.to.is_none()) {
        if ledger.provider().get_code_at(deployer.create(nonce as u64)).await?.is_empty() {
            return Err(DeploymentError::Foreign(deployer));
        }
    }
    Ok(())
}

/// A nonce that did something else than to give power away left it with the deployer.
async fn require_handed_over(
    ledger: &Ledger,
    deployer: Address,
    at: &Addresses,
) -> Result<(), DeploymentError> {
    for (role, account, expected) in
        [(ADMIN, at.timelock, true), (ADMIN, deployer, false), (MINTER, deployer, false)]
    {
        let call = c::AccessManager::hasRoleCall { roleId: role, account };
        let request =
            TransactionRequest::default().with_to(at.access_manager).with_input(call.abi_encode());
        let answer = ledger.provider().call(request).await?;
        let held = c::AccessManager::hasRoleCall::abi_decode_returns(&answer);
        if !held.is_ok_and(|held| held.isMember == expected) {
            return Err(DeploymentError::Foreign(deployer));
        }
    }
    Ok(())
}

fn explain(error: OutboxError) -> String {
    match error {
        OutboxError::Reverted { data, message } => c::explain(&data).unwrap_or(message),
        other => other.to_string(),
    }
}

fn plan(at: &Addresses, deployer: Address, parameters: &Parameters) -> Vec<Step> {
    let mut steps = plain_contracts(at, deployer, parameters);
    steps.extend(modules(at, deployer, parameters));
    steps.extend(later_contracts(at));
    steps.extend(settings(at, parameters));
    steps.extend(permissions(at, deployer, parameters));
    steps
}

fn plain_contracts(at: &Addresses, deployer: Address, parameters: &Parameters) -> Vec<Step> {
    let authority_ = at.access_manager;
    vec![
        Step::create(
            "AccessManager",
            &c::AccessManager::BYTECODE,
            &c::AccessManager::constructorCall { initialAdmin: deployer },
        ),
        Step::create(
            "TimelockController",
            &c::TimelockController::BYTECODE,
            &c::TimelockController::constructorCall {
                minDelay: U256::from(parameters.timelock_delay),
                proposers: vec![at.cooperative_governor],
                executors: vec![Address::ZERO],
                admin: Address::ZERO,
            },
        ),
        Step::create(
            "TestUSDC",
            &c::TestUSDC::BYTECODE,
            &c::TestUSDC::constructorCall { owner: deployer },
        ),
        Step::create(
            "MembershipToken",
            &c::MembershipToken::BYTECODE,
            &c::MembershipToken::constructorCall { authority_, oracle: at.attestation_oracle },
        ),
        Step::create(
            "DatasetToken",
            &c::DatasetToken::BYTECODE,
            &c::DatasetToken::constructorCall {
                authority_,
                registry: at.participant_registry,
                oracle: at.attestation_oracle,
                breaker: at.circuit_breaker,
                pool: at.health_data_pool,
            },
        ),
        Step::create(
            "GovernanceToken",
            &c::GovernanceToken::BYTECODE,
            &c::GovernanceToken::constructorCall {
                authority_,
                registry: at.participant_registry,
                membership: at.membership_token,
                timelock: at.timelock,
            },
        ),
        Step::create(
            "DataToken",
            &c::DataToken::BYTECODE,
            &c::DataToken::constructorCall {
                authority_,
                timelock: at.timelock,
                genesis: parameters.data_genesis,
            },
        ),
        Step::create(
            "CooperativeGovernor",
            &c::CooperativeGovernor::BYTECODE,
            &c::CooperativeGovernor::constructorCall {
                setup: c::CooperativeGovernor::Setup {
                    membership: at.membership_token,
                    gov: at.governance_token,
                    escrow: at.vote_escrow,
                    timelock: at.timelock,
                    votingDelay: U48::from(parameters.voting_delay),
                    votingPeriod: parameters.voting_period,
                    quorumPercent: U256::from(parameters.quorum_percent),
                    minimums: c::CooperativeGovernor::Minimums {
                        gov: u128::MAX,
                        escrow: u128::MAX,
                    },
                },
                rows: Vec::new(),
            },
        ),
        Step::create(
            "PoolShare",
            &c::PoolShare::BYTECODE,
            &c::PoolShare::constructorCall {
                pool: at.health_data_pool,
                registry: at.participant_registry,
                membership: at.membership_token,
            },
        ),
        Step::create(
            "LicencePass",
            &c::LicencePass::BYTECODE,
            &c::LicencePass::constructorCall {
                licenceMarket: at.licence_market,
                computeMarket: at.compute_market,
            },
        ),
    ]
}

/// An implementation and its proxy, initialized in the proxy's constructor so that nobody else can.
fn module(
    deployer: Address,
    name: &str,
    bytecode: &Bytes,
    constructor: &[u8],
    initialize: &impl SolCall,
) -> [Step; 2] {
    let proxy =
        MODULES.iter().position(|known| *known == name).expect("every module is in the plan");
    let implementation = deployer.create((PLAIN.len() + 2 * proxy) as u64);
    let constructor_of_proxy =
        c::ERC1967Proxy::constructorCall { implementation, _data: initialize.abi_encode().into() };
    [
        Step {
            name: format!("{name}, implementation"),
            to: None,
            data: [&bytecode[..], constructor].concat().into(),
        },
        Step::create(name, &c::ERC1967Proxy::BYTECODE, &constructor_of_proxy),
    ]
}

fn modules(at: &Addresses, deployer: Address, parameters: &Parameters) -> Vec<Step> {
    let mut steps = Vec::new();
    steps.extend(identity_modules(at, deployer, parameters));
    steps.extend(policy_modules(at, deployer));
    steps.extend(market_modules(at, deployer, parameters));
    steps.extend(money_modules(at, deployer, parameters));
    steps
}

fn identity_modules(at: &Addresses, deployer: Address, parameters: &Parameters) -> Vec<Step> {
    let authority = at.access_manager;
    let consumers = vec![
        at.membership_token,
        at.dataset_token,
        at.health_data_pool,
        at.compute_market,
        at.member_claims,
    ];
    [
        module(
            deployer,
            "ParticipantRegistry",
            &c::ParticipantRegistry::BYTECODE,
            &[],
            &c::ParticipantRegistry::initializeCall { authority },
        ),
        module(
            deployer,
            "AttestationOracle",
            &c::AttestationOracle::BYTECODE,
            &c::AttestationOracle::constructorCall { registry: at.participant_registry }
                .abi_encode(),
            &c::AttestationOracle::initializeCall {
                authority,
                attestors_: parameters.attestors.clone(),
                threshold_: parameters.threshold,
                consumers,
            },
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn policy_modules(at: &Addresses, deployer: Address) -> Vec<Step> {
    let authority = at.access_manager;
    let (registry, rules, datasets) =
        (at.participant_registry, at.jurisdiction_rules, at.dataset_token);
    [
        module(
            deployer,
            "JurisdictionRules",
            &c::JurisdictionRules::BYTECODE,
            &[],
            &c::JurisdictionRules::initializeCall { authority },
        ),
        module(
            deployer,
            "ConsentRegistry",
            &c::ConsentRegistry::BYTECODE,
            &c::ConsentRegistry::constructorCall {
                membership: at.membership_token,
                registry,
                rules,
                datasets,
            }
            .abi_encode(),
            &c::ConsentRegistry::initializeCall { authority },
        ),
        module(
            deployer,
            "ComplianceOracle",
            &c::ComplianceOracle::BYTECODE,
            &c::ComplianceOracle::constructorCall { registry, rules, datasets }.abi_encode(),
            &c::ComplianceOracle::initializeCall { authority },
        ),
        module(
            deployer,
            "ProvenanceLog",
            &c::ProvenanceLog::BYTECODE,
            &c::ProvenanceLog::constructorCall { registry, computeMarket: at.compute_market }
                .abi_encode(),
            &c::ProvenanceLog::initializeCall { authority },
        ),
        module(
            deployer,
            "CircuitBreaker",
            &c::CircuitBreaker::BYTECODE,
            &[],
            &c::CircuitBreaker::initializeCall { authority },
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn market_modules(at: &Addresses, deployer: Address, parameters: &Parameters) -> Vec<Step> {
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
    let Parameters { score_floor: floor, score_cap: cap, maximum_value_age, .. } = *parameters;
    [
        module(
            deployer,
            "HealthDataPool",
            &c::HealthDataPool::BYTECODE,
            &c::HealthDataPool::constructorCall { peers: pool }.abi_encode(),
            &c::HealthDataPool::initializeCall {
                authority,
                floor,
                cap,
                maximumAge: maximum_value_age,
            },
        ),
        module(
            deployer,
            "LicenceMarket",
            &c::LicenceMarket::BYTECODE,
            &c::LicenceMarket::constructorCall { peers: licences }.abi_encode(),
            &c::LicenceMarket::initializeCall {
                authority,
                term_: parameters.licence_term,
                prices: parameters.prices.iter().copied().map(U256::from).collect(),
            },
        ),
        module(
            deployer,
            "ComputeMarket",
            &c::ComputeMarket::BYTECODE,
            &c::ComputeMarket::constructorCall { peers: jobs }.abi_encode(),
            &c::ComputeMarket::initializeCall {
                authority,
                jobFee_: parameters.job_fee.into(),
                windows_: parameters.windows.clone(),
            },
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn money_modules(at: &Addresses, deployer: Address, parameters: &Parameters) -> Vec<Step> {
    let authority = at.access_manager;
    let splitter = c::RevenueSplitter::Peers {
        usdc: at.usdc,
        datasets: at.dataset_token,
        pool: at.health_data_pool,
        claims: at.member_claims,
        streams: at.payout_streams,
        licenceMarket: at.licence_market,
        computeMarket: at.compute_market,
        treasury: at.timelock,
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
    [
        module(
            deployer,
            "RevenueSplitter",
            &c::RevenueSplitter::BYTECODE,
            &c::RevenueSplitter::constructorCall { peers: splitter }.abi_encode(),
            &c::RevenueSplitter::initializeCall { authority, split_: parameters.split.clone() },
        ),
        module(
            deployer,
            "MemberClaims",
            &c::MemberClaims::BYTECODE,
            &c::MemberClaims::constructorCall { peers: claims }.abi_encode(),
            &c::MemberClaims::initializeCall { authority },
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn later_contracts(at: &Addresses) -> [Step; LATER.len()] {
    [
        Step::create(
            "ProviderBoost",
            &c::ProviderBoost::BYTECODE,
            &c::ProviderBoost::constructorCall {
                data: at.data_token,
                pool: at.health_data_pool,
                share: at.pool_share,
            },
        ),
        Step::create(
            "PayoutStreams",
            &c::PayoutStreams::BYTECODE,
            &c::PayoutStreams::constructorCall {
                usdc: at.usdc,
                splitter: at.revenue_splitter,
                claims: at.member_claims,
            },
        ),
        Step::create(
            "VoteEscrow",
            &c::VoteEscrow::BYTECODE,
            &c::VoteEscrow::constructorCall { gov: at.governance_token },
        ),
    ]
}

/// What governance sets later and the deployer sets first.
fn settings(at: &Addresses, parameters: &Parameters) -> Vec<Step> {
    let mut steps = Vec::new();
    let to = at.jurisdiction_rules;
    for countries in parameters.countries.chunks(BATCH) {
        let (countries, regions) = countries.iter().copied().unzip();
        steps.push(Step::call(
            "set countries",
            to,
            &c::JurisdictionRules::setCountriesCall { countries, regions },
        ));
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

/// Who may do what, and then nothing left for the deployer.
fn permissions(at: &Addresses, deployer: Address, parameters: &Parameters) -> Vec<Step> {
    let manager = at.access_manager;
    let role = |target: Address, selectors: Vec<[u8; 4]>, role_id: u64| {
        let selectors = selectors.into_iter().map(FixedBytes).collect();
        let call =
            c::AccessManager::setTargetFunctionRoleCall { target, selectors, roleId: role_id };
        Step::call("set role of functions", manager, &call)
    };
    let grant = |role_id: u64, account: Address| {
        let call = c::AccessManager::grantRoleCall { roleId: role_id, account, executionDelay: 0 };
        Step::call("grant role", manager, &call)
    };
    let renounce = |role_id: u64| {
        let call =
            c::AccessManager::renounceRoleCall { roleId: role_id, callerConfirmation: deployer };
        Step::call("renounce role", manager, &call)
    };
    let registry = vec![
        c::ParticipantRegistry::registerCall::SELECTOR,
        c::ParticipantRegistry::updateCall::SELECTOR,
        c::ParticipantRegistry::suspendCall::SELECTOR,
    ];
    let breaker =
        vec![c::CircuitBreaker::pauseCall::SELECTOR, c::CircuitBreaker::liftCall::SELECTOR];
    let mint_to_treasury =
        c::GovernanceToken::mintCall { to: at.timelock, amount: parameters.governance_genesis };
    vec![
        role(at.participant_registry, registry, REGISTRAR),
        role(at.circuit_breaker, breaker, GUARDIAN),
        role(at.governance_token, vec![c::GovernanceToken::mintCall::SELECTOR], MINTER),
        role(at.data_token, vec![c::DataToken::mintCall::SELECTOR], MINTER),
        grant(REGISTRAR, parameters.registrar),
        grant(GUARDIAN, parameters.guardian),
        grant(MINTER, deployer),
        Step::call("mint GOV to the treasury", at.governance_token, &mint_to_treasury),
        renounce(MINTER),
        grant(MINTER, at.timelock),
        grant(ADMIN, at.timelock),
        renounce(ADMIN),
    ]
}
