// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {ComputeMarket} from "../../src/compute/ComputeMarket.sol";
import {JobDisputes} from "../../src/compute/JobDisputes.sol";
import {ConsentRegistry} from "../../src/consent/ConsentRegistry.sol";
import {DatasetToken} from "../../src/data/DatasetToken.sol";
import {ProvenanceLog} from "../../src/data/ProvenanceLog.sol";
import {CentralizedArbitrator} from "../../src/development/CentralizedArbitrator.sol";
import {TestUSDC} from "../../src/development/TestUSDC.sol";
import {CircuitBreaker} from "../../src/governance/CircuitBreaker.sol";
import {CooperativeGovernor} from "../../src/governance/CooperativeGovernor.sol";
import {DataToken} from "../../src/governance/DataToken.sol";
import {GovernanceToken} from "../../src/governance/GovernanceToken.sol";
import {Signalling} from "../../src/governance/Signalling.sol";
import {Treasury} from "../../src/governance/Treasury.sol";
import {VoteEscrow} from "../../src/governance/VoteEscrow.sol";
import {AttestationOracle} from "../../src/identity/AttestationOracle.sol";
import {MembershipToken} from "../../src/identity/MembershipToken.sol";
import {ParticipantRegistry} from "../../src/identity/ParticipantRegistry.sol";
import {DatasetAuction} from "../../src/market/DatasetAuction.sol";
import {Escrow} from "../../src/market/Escrow.sol";
import {LicenceMarket} from "../../src/market/LicenceMarket.sol";
import {LicencePass} from "../../src/market/LicencePass.sol";
import {MeteredLicence} from "../../src/market/MeteredLicence.sol";
import {ResearcherBonds} from "../../src/market/ResearcherBonds.sol";
import {ComplianceOracle} from "../../src/policy/ComplianceOracle.sol";
import {JurisdictionRules} from "../../src/policy/JurisdictionRules.sol";
import {TransferAgreement} from "../../src/policy/TransferAgreement.sol";
import {BondingCurve} from "../../src/pool/BondingCurve.sol";
import {DatasetExchange} from "../../src/pool/DatasetExchange.sol";
import {DatasetLending} from "../../src/pool/DatasetLending.sol";
import {HealthDataPool} from "../../src/pool/HealthDataPool.sol";
import {PoolNetwork} from "../../src/pool/PoolNetwork.sol";
import {PoolShare} from "../../src/pool/PoolShare.sol";
import {BuybackBurner} from "../../src/rewards/BuybackBurner.sol";
import {ContributionRewards} from "../../src/rewards/ContributionRewards.sol";
import {MemberClaims} from "../../src/rewards/MemberClaims.sol";
import {PayoutStreams} from "../../src/rewards/PayoutStreams.sol";
import {ProviderBoost} from "../../src/rewards/ProviderBoost.sol";
import {RevenueSplitter} from "../../src/rewards/RevenueSplitter.sol";
import {ServiceDesk} from "../../src/rewards/ServiceDesk.sol";
import {ValidatorPool} from "../../src/rewards/ValidatorPool.sol";
import {VestingVault} from "../../src/rewards/VestingVault.sol";
import {Test} from "./Test.sol";

/// @notice Where every contract of the protocol will be: one deployer whose nonces give every address in advance.
/// @dev The foundation takes the nonces 0 to 33: ten plain contracts, then twelve modules, each with its implementation
/// and its proxy. What builds on it follows: eight plain contracts and thirteen modules.
abstract contract Places is Test {
    uint256 private constant PLAIN_CONTRACTS = 10;
    uint256 private constant MODULES = 12;
    uint256 private constant FOUNDATION = PLAIN_CONTRACTS + 2 * MODULES;
    uint256 private constant MORE_PLAIN_CONTRACTS = 8;

    address internal immutable deployer = makeAddr("deployer");

    AccessManager internal manager;
    TimelockController internal timelock;
    TestUSDC internal usdc;
    MembershipToken internal membership;
    DatasetToken internal datasets;
    GovernanceToken internal gov;
    DataToken internal data;
    CooperativeGovernor internal governor;
    PoolShare internal share;
    LicencePass internal passes;

    ParticipantRegistry internal registry;
    AttestationOracle internal oracle;
    JurisdictionRules internal rules;
    ConsentRegistry internal consents;
    ComplianceOracle internal compliance;
    ProvenanceLog internal provenance;
    CircuitBreaker internal breaker;
    HealthDataPool internal pool;
    LicenceMarket internal market;
    ComputeMarket internal compute;
    RevenueSplitter internal splitter;
    MemberClaims internal claims;

    ProviderBoost internal boost;
    PayoutStreams internal streams;
    VoteEscrow internal voteEscrow;
    Treasury internal treasury;
    VestingVault internal vault;
    Signalling internal signals;
    BondingCurve internal curve;
    CentralizedArbitrator internal arbitrator;

    Escrow internal escrow;
    JobDisputes internal jobDisputes;
    ResearcherBonds internal bonds;
    TransferAgreement internal agreements;
    DatasetAuction internal auctions;
    MeteredLicence internal meters;
    DatasetExchange internal exchange;
    DatasetLending internal lending;
    PoolNetwork internal network;
    ContributionRewards internal rewards;
    BuybackBurner internal burner;
    ServiceDesk internal desk;
    ValidatorPool internal checks;

    /// @dev All proxies, in the order of their creation.
    address[] internal modules;

    function _module(address implementation, bytes memory data_, address expected) internal {
        _expect(address(new ERC1967Proxy(implementation, data_)), expected);
        modules.push(expected);
    }

    function _expect(address created, address expected) internal pure {
        assertEq(created, expected, "a contract is not where its peers look for it");
    }

    // ---------------------------------------------------------------- addresses in advance

    function _plainAt(uint256 index) private view returns (address) {
        return vm.computeCreateAddress(deployer, index);
    }

    function _moduleAt(uint256 index) private view returns (address) {
        return vm.computeCreateAddress(deployer, PLAIN_CONTRACTS + 2 * index + 1);
    }

    function _laterPlainAt(uint256 index) private view returns (address) {
        return vm.computeCreateAddress(deployer, FOUNDATION + index);
    }

    function _laterModuleAt(uint256 index) private view returns (address) {
        return vm.computeCreateAddress(deployer, FOUNDATION + MORE_PLAIN_CONTRACTS + 2 * index + 1);
    }

    function _predict() internal {
        manager = AccessManager(_plainAt(0));
        timelock = TimelockController(payable(_plainAt(1)));
        usdc = TestUSDC(_plainAt(2));
        membership = MembershipToken(_plainAt(3));
        datasets = DatasetToken(_plainAt(4));
        gov = GovernanceToken(_plainAt(5));
        data = DataToken(_plainAt(6));
        governor = CooperativeGovernor(payable(_plainAt(7)));
        share = PoolShare(_plainAt(8));
        passes = LicencePass(_plainAt(9));

        registry = ParticipantRegistry(_moduleAt(0));
        oracle = AttestationOracle(_moduleAt(1));
        rules = JurisdictionRules(_moduleAt(2));
        consents = ConsentRegistry(_moduleAt(3));
        compliance = ComplianceOracle(_moduleAt(4));
        provenance = ProvenanceLog(_moduleAt(5));
        breaker = CircuitBreaker(_moduleAt(6));
        pool = HealthDataPool(_moduleAt(7));
        market = LicenceMarket(_moduleAt(8));
        compute = ComputeMarket(_moduleAt(9));
        splitter = RevenueSplitter(_moduleAt(10));
        claims = MemberClaims(_moduleAt(11));

        _predictWhatBuildsOnIt();
    }

    function _predictWhatBuildsOnIt() private {
        boost = ProviderBoost(_laterPlainAt(0));
        streams = PayoutStreams(_laterPlainAt(1));
        voteEscrow = VoteEscrow(_laterPlainAt(2));
        treasury = Treasury(payable(_laterPlainAt(3)));
        vault = VestingVault(_laterPlainAt(4));
        signals = Signalling(_laterPlainAt(5));
        curve = BondingCurve(_laterPlainAt(6));
        arbitrator = CentralizedArbitrator(_laterPlainAt(7));

        escrow = Escrow(_laterModuleAt(0));
        jobDisputes = JobDisputes(_laterModuleAt(1));
        bonds = ResearcherBonds(_laterModuleAt(2));
        agreements = TransferAgreement(_laterModuleAt(3));
        auctions = DatasetAuction(_laterModuleAt(4));
        meters = MeteredLicence(_laterModuleAt(5));
        exchange = DatasetExchange(_laterModuleAt(6));
        lending = DatasetLending(_laterModuleAt(7));
        network = PoolNetwork(_laterModuleAt(8));
        rewards = ContributionRewards(_laterModuleAt(9));
        burner = BuybackBurner(_laterModuleAt(10));
        desk = ServiceDesk(_laterModuleAt(11));
        checks = ValidatorPool(_laterModuleAt(12));
    }
}
