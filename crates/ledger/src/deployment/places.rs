//! Where each contract of a deployment is: its place in the plan gives its address.

use alloy::primitives::Address;
use serde::{Deserialize, Serialize};

macro_rules! addresses {
    ($($(#[$doc:meta])* $field:ident: $name:literal,)*) => {
        /// Where every contract is.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Addresses { $($(#[$doc])* pub $field: Address,)* }

        impl Addresses {
            /// The addresses that a plan by `deployer` leads to.
            pub fn of(deployer: Address) -> Addresses {
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
    /// Governance's hand.
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
    /// Staked DATA that raises a provider's part of the yield.
    provider_boost: "ProviderBoost",
    /// Pay-outs by the second.
    payout_streams: "PayoutStreams",
    /// GOV that is locked for votes.
    vote_escrow: "VoteEscrow",
    /// The cooperative's money.
    treasury: "Treasury",
    /// Tokens that are earned and paid out over time.
    vesting_vault: "VestingVault",
    /// Signed ballots, counted off the ledger.
    signalling: "Signalling",
    /// Units of access at a price that rises with their number.
    bonding_curve: "BondingCurve",
    /// Rules on disputes of a development deployment.
    arbitrator: "CentralizedArbitrator",
    /// Payments that wait for what they are for.
    escrow: "Escrow",
    /// Disputes about jobs.
    job_disputes: "JobDisputes",
    /// What researchers stand up for ethical use with.
    researcher_bonds: "ResearcherBonds",
    /// Transfers across borders, signed and paid.
    transfer_agreement: "TransferAgreement",
    /// Licences at auction.
    dataset_auction: "DatasetAuction",
    /// Licences by what is computed.
    metered_licence: "MeteredLicence",
    /// Data for data.
    dataset_exchange: "DatasetExchange",
    /// Datasets borrowed against collateral.
    dataset_lending: "DatasetLending",
    /// Several pools, one licence.
    pool_network: "PoolNetwork",
    /// Points and DATA for contributions.
    contribution_rewards: "ContributionRewards",
    /// DATA bought back and burned.
    buyback_burner: "BuybackBurner",
    /// Services for DATA.
    service_desk: "ServiceDesk",
    /// Checks of quality, for pay and at a risk.
    validator_pool: "ValidatorPool",
}

/// Contracts behind a proxy (ERC-1967): each takes two nonces, the implementation's and the proxy's.
pub(super) const MODULES: [&str; 25] = [
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
    "Escrow",
    "JobDisputes",
    "ResearcherBonds",
    "TransferAgreement",
    "DatasetAuction",
    "MeteredLicence",
    "DatasetExchange",
    "DatasetLending",
    "PoolNetwork",
    "ContributionRewards",
    "BuybackBurner",
    "ServiceDesk",
    "ValidatorPool",
];

/// Contracts as they are, in the order of their nonces, before the modules.
pub(super) const PLAIN: [&str; 18] = [
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
    "ProviderBoost",
    "PayoutStreams",
    "VoteEscrow",
    "Treasury",
    "VestingVault",
    "Signalling",
    "BondingCurve",
    "CentralizedArbitrator",
];

/// The address of a contract by its place in the plan.
fn place(deployer: Address, name: &str) -> Address {
    let plain = PLAIN.iter().position(|known| *known == name);
    let module =
        || MODULES.iter().position(|known| *known == name).map(|index| PLAIN.len() + 2 * index + 1);
    let nonce = plain.or_else(module).expect("every contract is in the plan");
    deployer.create(nonce as u64)
}

/// The address of the implementation behind a module's proxy.
pub(super) fn implementation(deployer: Address, name: &str) -> Option<Address> {
    let index = MODULES.iter().position(|known| *known == name)?;
    Some(deployer.create((PLAIN.len() + 2 * index) as u64))
}
