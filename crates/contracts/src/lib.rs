//! Typed bindings over `contracts/artifacts`, what the artifacts say of themselves, and nothing else.
//!
//! Every contract has a module of its own name: its calls, events, errors and structs, its creation bytecode, and an
//! instance type that calls it over any alloy provider. A struct that several contracts share exists once for each of
//! them; [`recast`] carries a value from one to the other.

pub mod catalog;
mod explain;
pub mod typed;
pub mod words;

use alloy::sol_types::SolValue;

pub use explain::explain;

macro_rules! contracts {
    ($($module:ident: $contract:ident = $artifact:literal;)*) => {
        $(
            #[allow(missing_docs, clippy::too_many_arguments, reason = "generated; the Solidity documents it")]
            mod $module {
                alloy::sol!(
                    #[sol(rpc)]
                    #[derive(Debug, PartialEq, Eq)]
                    $contract,
                    $artifact
                );
            }
            pub use $module::$contract;
        )*

        /// The committed artifact of every contract: its name, and JSON with `abi`, `bytecode.object`, `documentation`,
        /// `storage` and `compiler`.
        pub const ARTIFACTS: &[(&str, &str)] = &[$((stringify!($contract), include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $artifact)))),*];
    };
}

contracts! {
    access_manager: AccessManager = "../../contracts/artifacts/AccessManager.json";
    attestation_oracle: AttestationOracle = "../../contracts/artifacts/AttestationOracle.json";
    bonding_curve: BondingCurve = "../../contracts/artifacts/BondingCurve.json";
    buyback_burner: BuybackBurner = "../../contracts/artifacts/BuybackBurner.json";
    centralized_arbitrator: CentralizedArbitrator = "../../contracts/artifacts/CentralizedArbitrator.json";
    circuit_breaker: CircuitBreaker = "../../contracts/artifacts/CircuitBreaker.json";
    compliance_oracle: ComplianceOracle = "../../contracts/artifacts/ComplianceOracle.json";
    compute_market: ComputeMarket = "../../contracts/artifacts/ComputeMarket.json";
    consent_registry: ConsentRegistry = "../../contracts/artifacts/ConsentRegistry.json";
    contribution_rewards: ContributionRewards = "../../contracts/artifacts/ContributionRewards.json";
    cooperative_governor: CooperativeGovernor = "../../contracts/artifacts/CooperativeGovernor.json";
    data_token: DataToken = "../../contracts/artifacts/DataToken.json";
    dataset_auction: DatasetAuction = "../../contracts/artifacts/DatasetAuction.json";
    dataset_exchange: DatasetExchange = "../../contracts/artifacts/DatasetExchange.json";
    dataset_lending: DatasetLending = "../../contracts/artifacts/DatasetLending.json";
    dataset_token: DatasetToken = "../../contracts/artifacts/DatasetToken.json";
    erc1967_proxy: ERC1967Proxy = "../../contracts/artifacts/ERC1967Proxy.json";
    escrow: Escrow = "../../contracts/artifacts/Escrow.json";
    governance_token: GovernanceToken = "../../contracts/artifacts/GovernanceToken.json";
    health_data_pool: HealthDataPool = "../../contracts/artifacts/HealthDataPool.json";
    job_disputes: JobDisputes = "../../contracts/artifacts/JobDisputes.json";
    jurisdiction_rules: JurisdictionRules = "../../contracts/artifacts/JurisdictionRules.json";
    licence_market: LicenceMarket = "../../contracts/artifacts/LicenceMarket.json";
    licence_pass: LicencePass = "../../contracts/artifacts/LicencePass.json";
    member_claims: MemberClaims = "../../contracts/artifacts/MemberClaims.json";
    membership_token: MembershipToken = "../../contracts/artifacts/MembershipToken.json";
    metered_licence: MeteredLicence = "../../contracts/artifacts/MeteredLicence.json";
    participant_registry: ParticipantRegistry = "../../contracts/artifacts/ParticipantRegistry.json";
    payout_streams: PayoutStreams = "../../contracts/artifacts/PayoutStreams.json";
    pool_network: PoolNetwork = "../../contracts/artifacts/PoolNetwork.json";
    pool_share: PoolShare = "../../contracts/artifacts/PoolShare.json";
    provenance_log: ProvenanceLog = "../../contracts/artifacts/ProvenanceLog.json";
    provider_boost: ProviderBoost = "../../contracts/artifacts/ProviderBoost.json";
    researcher_bonds: ResearcherBonds = "../../contracts/artifacts/ResearcherBonds.json";
    revenue_splitter: RevenueSplitter = "../../contracts/artifacts/RevenueSplitter.json";
    service_desk: ServiceDesk = "../../contracts/artifacts/ServiceDesk.json";
    signalling: Signalling = "../../contracts/artifacts/Signalling.json";
    test_usdc: TestUSDC = "../../contracts/artifacts/TestUSDC.json";
    timelock_controller: TimelockController = "../../contracts/artifacts/TimelockController.json";
    transfer_agreement: TransferAgreement = "../../contracts/artifacts/TransferAgreement.json";
    treasury: Treasury = "../../contracts/artifacts/Treasury.json";
    validator_pool: ValidatorPool = "../../contracts/artifacts/ValidatorPool.json";
    vesting_vault: VestingVault = "../../contracts/artifacts/VestingVault.json";
    vote_escrow: VoteEscrow = "../../contracts/artifacts/VoteEscrow.json";
}

/// Adapters that stand for attestors elsewhere: no part of a deployment, each created when it is asked for.
mod adapters {
    pub(crate) mod eas {
        alloy::sol!(
            #[sol(rpc)]
            #[derive(Debug, PartialEq, Eq)]
            EasAttestor,
            "../../contracts/artifacts/EasAttestor.json"
        );
    }
    pub(crate) mod functions {
        alloy::sol!(
            #[sol(rpc)]
            #[derive(Debug, PartialEq, Eq)]
            FunctionsAttestor,
            "../../contracts/artifacts/FunctionsAttestor.json"
        );
    }
}
pub use adapters::eas::EasAttestor;
pub use adapters::functions::FunctionsAttestor;

/// The sources of all contracts, by their paths: one JSON object.
pub const SOURCES: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/artifacts/sources.json"));

/// Carries a struct of one binding to the same struct of another: both have the same ABI.
///
/// # Panics
/// Where the two are not the same struct, which the first test that passes through here shows.
pub fn recast<
    From: SolValue,
    To: SolValue + std::convert::From<<To::SolType as alloy::sol_types::SolType>::RustType>,
>(
    value: &From,
) -> To {
    To::abi_decode(&value.abi_encode()).expect("the same struct of the same sources")
}
