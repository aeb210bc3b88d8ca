// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {ComputeMarket} from "../../src/compute/ComputeMarket.sol";
import {ConsentRegistry} from "../../src/consent/ConsentRegistry.sol";
import {DatasetToken} from "../../src/data/DatasetToken.sol";
import {ProvenanceLog} from "../../src/data/ProvenanceLog.sol";
import {TestUSDC} from "../../src/development/TestUSDC.sol";
import {CircuitBreaker} from "../../src/governance/CircuitBreaker.sol";
import {CooperativeGovernor} from "../../src/governance/CooperativeGovernor.sol";
import {DataToken} from "../../src/governance/DataToken.sol";
import {GovernanceToken} from "../../src/governance/GovernanceToken.sol";
import {Treasury} from "../../src/governance/Treasury.sol";
import {VoteEscrow} from "../../src/governance/VoteEscrow.sol";
import {AttestationOracle} from "../../src/identity/AttestationOracle.sol";
import {MembershipToken} from "../../src/identity/MembershipToken.sol";
import {ParticipantRegistry} from "../../src/identity/ParticipantRegistry.sol";
import {KindRow, Minimums, ProposalKinds} from "../../src/interfaces/ICooperativeGovernor.sol";
import {Windows} from "../../src/interfaces/IComputeMarket.sol";
import {Rule, RuleRow} from "../../src/interfaces/IJurisdictionRules.sol";
import {Split} from "../../src/interfaces/IRevenueSplitter.sol";
import {LicenceMarket} from "../../src/market/LicenceMarket.sol";
import {LicencePass} from "../../src/market/LicencePass.sol";
import {ComplianceOracle} from "../../src/policy/ComplianceOracle.sol";
import {JurisdictionRules} from "../../src/policy/JurisdictionRules.sol";
import {HealthDataPool} from "../../src/pool/HealthDataPool.sol";
import {PoolShare} from "../../src/pool/PoolShare.sol";
import {MemberClaims} from "../../src/rewards/MemberClaims.sol";
import {PayoutStreams} from "../../src/rewards/PayoutStreams.sol";
import {ProviderBoost} from "../../src/rewards/ProviderBoost.sol";
import {RevenueSplitter} from "../../src/rewards/RevenueSplitter.sol";
import {BondingCurve} from "../../src/pool/BondingCurve.sol";
import {DatasetExchange} from "../../src/pool/DatasetExchange.sol";
import {DatasetLending} from "../../src/pool/DatasetLending.sol";
import {MeteredLicence} from "../../src/market/MeteredLicence.sol";
import {ResearcherBonds} from "../../src/market/ResearcherBonds.sol";
import {ContributionRewards} from "../../src/rewards/ContributionRewards.sol";
import {BuybackBurner} from "../../src/rewards/BuybackBurner.sol";
import {ServiceDesk} from "../../src/rewards/ServiceDesk.sol";
import {ValidatorPool} from "../../src/rewards/ValidatorPool.sol";
import {Places} from "./Places.sol";

/// @notice The contracts that everything else builds on, created in the order of `crates/ledger/src/deployment.rs`.
abstract contract Foundation is Places {
    uint64 internal constant START = 1_800_000_000;
    uint256 internal constant TIMELOCK_DELAY = 2 days;
    uint48 internal constant VOTING_DELAY = 1 hours;
    uint32 internal constant VOTING_PERIOD = 3 days;
    uint256 internal constant QUORUM_PERCENT = 10;
    uint256 internal constant GENESIS = 1_000_000e18;
    uint256 internal constant PRICE_PER_1000 = 50e6;
    uint128 internal constant JOB_FEE = 5e6;
    uint64 internal constant TERM = 90 days;
    uint64 internal constant VALUE_AGE = 7 days;
    uint16 internal constant SCORE_CAP = 20_000;
    uint8 internal constant THRESHOLD = 2;

    address internal immutable registrar = makeAddr("registrar");
    address internal immutable guardian = makeAddr("guardian");

    /// @dev Ordered by address, as the oracle wants its signers.
    uint256[] internal attestorKeys;

    // ---------------------------------------------------------------- parameters

    function _defaultSplit() internal pure returns (Split memory) {
        return Split({contributorsBps: 8_500, treasuryBps: 1_000, buybackBps: 500, poolYieldBps: 3_000});
    }

    function _defaultWindows() internal pure returns (Windows memory) {
        return Windows({accept: 2 days, compute: 3 days, verify: 2 days, settle: 7 days});
    }

    /// @dev The token that the protocol is paid in.
    function _createUSDC() internal virtual returns (TestUSDC) {
        return new TestUSDC(deployer);
    }

    // ---------------------------------------------------------------- creations, in order

    function _createPlain() internal {
        address[] memory proposers = new address[](1);
        address[] memory executors = new address[](1);
        proposers[0] = address(governor);

        _expect(address(new AccessManager(deployer)), address(manager));
        _expect(
            address(new TimelockController(TIMELOCK_DELAY, proposers, executors, address(0))),
            address(timelock)
        );
        _expect(address(_createUSDC()), address(usdc));
        _expect(address(new MembershipToken(address(manager), oracle)), address(membership));
        _expect(
            address(new DatasetToken(address(manager), registry, oracle, breaker, address(pool))),
            address(datasets)
        );
        _expect(
            address(new GovernanceToken(address(manager), registry, membership, address(timelock))),
            address(gov)
        );
        _expect(address(new DataToken(address(manager), address(timelock), GENESIS)), address(data));
        _expect(address(new CooperativeGovernor(_governorSetup(), _kindRows())), address(governor));
        _expect(address(new PoolShare(pool, registry, membership)), address(share));
        _expect(address(new LicencePass(address(market), address(compute))), address(passes));
    }

    function _createModules() internal {
        address authority = address(manager);
        bytes memory onlyAuthority = abi.encodeCall(ParticipantRegistry.initialize, (authority));

        _module(address(new ParticipantRegistry()), onlyAuthority, address(registry));
        _module(address(new AttestationOracle(registry)), _oracleData(), address(oracle));
        _module(address(new JurisdictionRules()), onlyAuthority, address(rules));
        _module(
            address(new ConsentRegistry(membership, registry, rules, datasets)),
            onlyAuthority,
            address(consents)
        );
        _module(address(new ComplianceOracle(registry, rules, datasets)), onlyAuthority, address(compliance));
        _module(address(new ProvenanceLog(registry, address(compute))), onlyAuthority, address(provenance));
        _module(address(new CircuitBreaker()), onlyAuthority, address(breaker));
        _module(_newPool(), _poolData(), address(pool));
        _module(_newMarket(), _marketData(), address(market));
        _module(
            _newCompute(),
            abi.encodeCall(ComputeMarket.initialize, (authority, JOB_FEE, _defaultWindows())),
            address(compute)
        );
        _module(
            _newSplitter(),
            abi.encodeCall(RevenueSplitter.initialize, (authority, _defaultSplit())),
            address(splitter)
        );
        _module(_newClaims(), onlyAuthority, address(claims));
    }

    function _governorSetup() private view returns (CooperativeGovernor.Setup memory) {
        return CooperativeGovernor.Setup({
            membership: IVotes(address(membership)),
            gov: IVotes(address(gov)),
            escrow: voteEscrow,
            timelock: timelock,
            votingDelay: VOTING_DELAY,
            votingPeriod: VOTING_PERIOD,
            quorumPercent: QUORUM_PERCENT,
            minimums: Minimums({gov: 1_000e18, escrow: 1_000e18})
        });
    }

    /// @dev Payments, and the parameters that only set how much and how long.
    function _kindRows() private view returns (KindRow[] memory rows) {
        rows = new KindRow[](20);
        rows[0] = KindRow(address(0), IERC20.transfer.selector, ProposalKinds.TREASURY);
        rows[1] = KindRow(address(0), IERC20.approve.selector, ProposalKinds.TREASURY);
        rows[2] = KindRow(address(treasury), Treasury.pay.selector, ProposalKinds.TREASURY);
        rows[3] = KindRow(address(treasury), Treasury.payNative.selector, ProposalKinds.TREASURY);
        rows[4] = _parameter(address(market), LicenceMarket.setPrice.selector);
        rows[5] = _parameter(address(market), LicenceMarket.setTerm.selector);
        rows[6] = _parameter(address(compute), ComputeMarket.setJobFee.selector);
        rows[7] = _parameter(address(compute), ComputeMarket.setWindows.selector);
        rows[8] = _parameter(address(splitter), RevenueSplitter.setSplit.selector);
        rows[9] = _parameter(address(pool), HealthDataPool.setScoreBounds.selector);
        rows[10] = _parameter(address(curve), BondingCurve.setFee.selector);
        rows[11] = _parameter(address(exchange), DatasetExchange.setPriceCurve.selector);
        rows[12] = _parameter(address(exchange), DatasetExchange.setTerms.selector);
        rows[13] = _parameter(address(lending), DatasetLending.setLendingTerms.selector);
        rows[14] = _parameter(address(meters), MeteredLicence.setUnitPrice.selector);
        rows[15] = _parameter(address(bonds), ResearcherBonds.setBondTerms.selector);
        rows[16] = _parameter(address(rewards), ContributionRewards.setTerms.selector);
        rows[17] = _parameter(address(burner), BuybackBurner.setTerms.selector);
        rows[18] = _parameter(address(desk), ServiceDesk.setService.selector);
        rows[19] = _parameter(address(checks), ValidatorPool.setTerms.selector);
    }

    function _parameter(address target, bytes4 selector) private pure returns (KindRow memory) {
        return KindRow(target, selector, ProposalKinds.PARAMETERS);
    }

    function _oracleData() private view returns (bytes memory) {
        address[12] memory users = [
            address(membership),
            address(datasets),
            address(pool),
            address(compute),
            address(claims),
            address(meters),
            address(agreements),
            address(exchange),
            address(lending),
            address(vault),
            address(rewards),
            address(checks)
        ];
        address[] memory consumers = new address[](users.length);
        for (uint256 k; k < users.length; ++k) {
            consumers[k] = users[k];
        }
        return
            abi.encodeCall(
                AttestationOracle.initialize, (address(manager), _attestors(), THRESHOLD, consumers)
            );
    }

    function _newPool() private returns (address) {
        return address(
            new HealthDataPool(
                HealthDataPool.Peers({
                    usdc: usdc,
                    share: share,
                    datasets: datasets,
                    registry: registry,
                    attestations: oracle,
                    breaker: breaker,
                    boost: boost,
                    splitter: address(splitter),
                    computeMarket: address(compute)
                })
            )
        );
    }

    function _poolData() private view returns (bytes memory) {
        return abi.encodeCall(HealthDataPool.initialize, (address(manager), 0, SCORE_CAP, VALUE_AGE));
    }

    function _newMarket() private returns (address) {
        return address(
            new LicenceMarket(
                LicenceMarket.Peers({
                    usdc: usdc,
                    passes: passes,
                    datasets: datasets,
                    pool: pool,
                    compliance: compliance,
                    breaker: breaker,
                    splitter: splitter
                })
            )
        );
    }

    /// @dev Clinical and genomic data are for sale.
    function _marketData() private view returns (bytes memory) {
        uint256[] memory prices = new uint256[](2);
        prices[0] = PRICE_PER_1000;
        prices[1] = 4 * PRICE_PER_1000;
        return abi.encodeCall(LicenceMarket.initialize, (address(manager), TERM, prices));
    }

    function _newCompute() private returns (address) {
        return address(
            new ComputeMarket(
                ComputeMarket.Peers({
                    usdc: usdc,
                    passes: passes,
                    datasets: datasets,
                    pool: pool,
                    registry: registry,
                    compliance: compliance,
                    consents: consents,
                    attestations: oracle,
                    provenance: provenance,
                    breaker: breaker,
                    splitter: splitter
                })
            )
        );
    }

    function _newSplitter() private returns (address) {
        return address(
            new RevenueSplitter(
                RevenueSplitter.Peers({
                    usdc: usdc,
                    datasets: datasets,
                    pool: pool,
                    claims: claims,
                    streams: streams,
                    licenceMarket: address(market),
                    computeMarket: address(compute),
                    treasury: address(treasury)
                })
            )
        );
    }

    function _newClaims() private returns (address) {
        return address(
            new MemberClaims(
                MemberClaims.Peers({
                    usdc: usdc,
                    datasets: datasets,
                    membership: membership,
                    registry: registry,
                    attestations: oracle,
                    streams: streams,
                    splitter: address(splitter)
                })
            )
        );
    }

    // ---------------------------------------------------------------- settings while the deployer is admin

    /// @dev A small table: the EU lends to itself, to the US with standard clauses, never to China; the US lends to both,
    /// and says nothing of China.
    function _setTable() internal {
        bytes2[] memory countries = new bytes2[](4);
        bytes2[] memory regions = new bytes2[](4);
        (countries[0], regions[0]) = ("DE", "EU");
        (countries[1], regions[1]) = ("FR", "EU");
        (countries[2], regions[2]) = ("US", "US");
        (countries[3], regions[3]) = ("CN", "CN");
        rules.setCountries(countries, regions);

        string[] memory laws = new string[](4);
        laws[0] = "GDPR Art. 6";
        laws[1] = "GDPR Art. 44";
        laws[2] = "GDPR Art. 46";
        laws[3] = "45 CFR 164.514";
        rules.setLaws(0, laws);

        RuleRow[] memory rows = new RuleRow[](5);
        rows[0] = RuleRow(0, "EU", "EU", 0, Rule(1, 0, 5, 3_000, false, 0));
        rows[1] = RuleRow(0, "EU", "US", 0, Rule(2, 1, 5, 2_000, false, 2));
        rows[2] = RuleRow(0, "EU", "CN", 0, Rule(3, 0, 0, 0, false, 1));
        rows[3] = RuleRow(0, "US", "US", 0, Rule(1, 0, 5, 0, false, 3));
        rows[4] = RuleRow(0, "US", "EU", 0, Rule(1, 0, 5, 0, false, 3));
        rules.setRules(rows);
    }

    // ---------------------------------------------------------------- attestors

    function _attestors() internal view returns (address[] memory attestors) {
        attestors = new address[](attestorKeys.length);
        for (uint256 i; i < attestors.length; ++i) {
            attestors[i] = vm.addr(attestorKeys[i]);
        }
    }

    function _sortedKeys(uint256 count) internal pure returns (uint256[] memory keys) {
        keys = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            keys[i] = uint256(keccak256(abi.encode("attestor", i)));
            for (uint256 j = i; j > 0 && vm.addr(keys[j]) < vm.addr(keys[j - 1]); --j) {
                (keys[j], keys[j - 1]) = (keys[j - 1], keys[j]);
            }
        }
    }
}
