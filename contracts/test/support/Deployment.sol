// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {AccessRoles} from "../../src/common/Codes.sol";
import {ComputeMarket} from "../../src/compute/ComputeMarket.sol";
import {JobDisputes} from "../../src/compute/JobDisputes.sol";
import {CentralizedArbitrator} from "../../src/development/CentralizedArbitrator.sol";
import {CircuitBreaker} from "../../src/governance/CircuitBreaker.sol";
import {DataToken} from "../../src/governance/DataToken.sol";
import {GovernanceToken} from "../../src/governance/GovernanceToken.sol";
import {Signalling} from "../../src/governance/Signalling.sol";
import {Treasury} from "../../src/governance/Treasury.sol";
import {VoteEscrow} from "../../src/governance/VoteEscrow.sol";
import {ParticipantRegistry} from "../../src/identity/ParticipantRegistry.sol";
import {ArbitrationTerms} from "../../src/interfaces/IArbitrated.sol";
import {BuybackTerms} from "../../src/interfaces/IBuybackBurner.sol";
import {RewardTerms} from "../../src/interfaces/IContributionRewards.sol";
import {PriceCurve} from "../../src/interfaces/IDatasetExchange.sol";
import {LendingTerms} from "../../src/interfaces/IDatasetLending.sol";
import {IDataToken} from "../../src/interfaces/IDataToken.sol";
import {BondTerms} from "../../src/interfaces/IResearcherBonds.sol";
import {CheckTerms} from "../../src/interfaces/IValidatorPool.sol";
import {DatasetAuction} from "../../src/market/DatasetAuction.sol";
import {Escrow} from "../../src/market/Escrow.sol";
import {LicenceMarket} from "../../src/market/LicenceMarket.sol";
import {MeteredLicence} from "../../src/market/MeteredLicence.sol";
import {ResearcherBonds} from "../../src/market/ResearcherBonds.sol";
import {TransferAgreement} from "../../src/policy/TransferAgreement.sol";
import {BondingCurve} from "../../src/pool/BondingCurve.sol";
import {DatasetExchange} from "../../src/pool/DatasetExchange.sol";
import {DatasetLending} from "../../src/pool/DatasetLending.sol";
import {PoolNetwork} from "../../src/pool/PoolNetwork.sol";
import {BuybackBurner} from "../../src/rewards/BuybackBurner.sol";
import {ContributionRewards} from "../../src/rewards/ContributionRewards.sol";
import {PayoutStreams} from "../../src/rewards/PayoutStreams.sol";
import {ProviderBoost} from "../../src/rewards/ProviderBoost.sol";
import {RevenueSplitter} from "../../src/rewards/RevenueSplitter.sol";
import {ServiceDesk} from "../../src/rewards/ServiceDesk.sol";
import {ValidatorPool} from "../../src/rewards/ValidatorPool.sol";
import {VestingVault} from "../../src/rewards/VestingVault.sol";
import {Foundation} from "./Foundation.sol";

/// @notice The whole protocol, deployed as in production: each proxy initialized in its constructor, every contract
/// connected to the others by the deployer, and at the end the timelock as the only admin.
abstract contract Deployment is Foundation {
    uint256 internal constant ARBITRATION_COST = 0.1 ether;
    uint64 internal constant RULING_WINDOW = 30 days;
    uint96 internal constant LEAST_BOND = 1_000e6;
    uint64 internal constant NOTICE = 14 days;
    uint96 internal constant UNIT_PRICE = 2e6;
    /// @dev As shipped: 8 USDC for the first unit, and 0.002 more for each.
    uint96 internal constant BASE = 8e6;
    uint96 internal constant SLOPE = 2e21;
    uint16 internal constant CURVE_FEE = 100;

    function setUp() public virtual {
        vm.warp(START);
        attestorKeys = _sortedKeys(3);
        _predict();
        vm.startPrank(deployer);
        _createPlain();
        _createModules();
        _createMorePlain();
        _createSettlement();
        _createSellers();
        _createRewards();
        _setTable();
        _connect();
        _setPermissions();
        _handOver();
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- parameters

    function _arbitration() internal view returns (ArbitrationTerms memory) {
        return ArbitrationTerms(arbitrator, RULING_WINDOW, "", "ipfs://disputes");
    }

    function _bondTerms() internal pure returns (BondTerms memory) {
        return BondTerms({minimum: LEAST_BOND, notice: NOTICE, accuserBps: 2_000});
    }

    function _priceCurve() internal pure returns (PriceCurve memory) {
        return PriceCurve({
            floor: 10e6,
            cap: 110e6,
            steepness: 10e18,
            midpoint: 0.5e18,
            completeness: 4_000,
            rarity: 3_000,
            sensitivity: 2_000,
            breadth: 1_000
        });
    }

    function _lendingTerms() internal pure returns (LendingTerms memory) {
        return LendingTerms({collateralBps: 15_000, marginBps: 12_000, feeBps: 2_000, seizureBps: 100});
    }

    /// @dev 10 DATA for each 10,000 points, 40 % at once, the rest over a year.
    function _rewardTerms() internal pure returns (RewardTerms memory) {
        return RewardTerms({
            rate: 10e18,
            maximumRarity: 50_000,
            bonusPoints: 100,
            bonusSteps: 52,
            immediateBps: 4_000,
            vestingTerm: 365 days,
            bonusGap: 30 days
        });
    }

    /// @dev From 0.10 to 0.50 USDC for one DATA in a day, 1,000 USDC at once, all burned.
    function _buyTerms() internal pure returns (BuybackTerms memory) {
        return BuybackTerms({
            floorPrice: 0.1e6,
            capPrice: 0.5e6,
            limit: 1_000e6,
            ramp: 1 days,
            burnBps: 10_000,
            market: address(0)
        });
    }

    function _checkTerms() internal pure returns (CheckTerms memory) {
        return CheckTerms({
            bond: 100e18,
            challengeBond: 40e18,
            finderBps: 3_000,
            reportWindow: 2 days,
            challengeWindow: 3 days,
            rulingWindow: 5 days
        });
    }

    // ---------------------------------------------------------------- creations, in order

    function _createMorePlain() private {
        address authority = address(manager);
        _expect(address(new ProviderBoost(data, pool, share)), address(boost));
        _expect(address(new PayoutStreams(usdc, address(splitter), address(claims))), address(streams));
        _expect(address(new VoteEscrow(gov)), address(voteEscrow));
        _expect(address(new Treasury(authority)), address(treasury));
        _expect(address(new VestingVault(authority, data, oracle, compute, datasets)), address(vault));
        _expect(address(new Signalling(IVotes(address(membership)))), address(signals));
        _expect(address(_newCurve(BASE, SLOPE, CURVE_FEE)), address(curve));
        _expect(address(new CentralizedArbitrator(registry, ARBITRATION_COST)), address(arbitrator));
    }

    function _newCurve(uint96 base, uint96 slope, uint16 feeBps) internal returns (BondingCurve) {
        BondingCurve.Peers memory peers = BondingCurve.Peers({
            usdc: usdc,
            market: market,
            splitter: address(splitter),
            datasets: datasets,
            registry: registry,
            breaker: breaker,
            treasury: address(treasury)
        });
        return new BondingCurve(peers, address(manager), base, slope, feeBps);
    }

    function _createSettlement() private {
        address authority = address(manager);
        _module(
            address(new Escrow(usdc, registry, breaker)),
            abi.encodeCall(Escrow.initialize, (authority, _arbitration())),
            address(escrow)
        );
        _module(
            address(new JobDisputes(compute, datasets)),
            abi.encodeCall(JobDisputes.initialize, (authority, _arbitration())),
            address(jobDisputes)
        );
        ResearcherBonds.Peers memory peers = ResearcherBonds.Peers({
            usdc: usdc,
            registry: registry,
            licenceMarket: address(market),
            computeMarket: address(compute),
            treasury: address(treasury)
        });
        _module(
            address(new ResearcherBonds(peers)),
            abi.encodeCall(ResearcherBonds.initialize, (authority, _arbitration(), _bondTerms())),
            address(bonds)
        );
        TransferAgreement.Peers memory sides = TransferAgreement.Peers({
            usdc: usdc, datasets: datasets, registry: registry, attestations: oracle, breaker: breaker
        });
        _module(
            address(new TransferAgreement(sides)),
            abi.encodeCall(TransferAgreement.initialize, (authority)),
            address(agreements)
        );
    }

    function _createSellers() private {
        address authority = address(manager);
        _module(_newAuctions(), abi.encodeCall(DatasetAuction.initialize, (authority)), address(auctions));
        _module(
            address(new MeteredLicence(usdc, market, address(splitter), datasets, oracle)),
            abi.encodeCall(MeteredLicence.initialize, (authority)),
            address(meters)
        );
        DatasetExchange.Peers memory peers = DatasetExchange.Peers({
            market: market,
            datasets: datasets,
            pool: pool,
            registry: registry,
            compliance: compliance,
            attestations: oracle,
            breaker: breaker
        });
        _module(
            address(new DatasetExchange(peers)),
            abi.encodeCall(DatasetExchange.initialize, (authority, _priceCurve(), 100, 100)),
            address(exchange)
        );
        _module(
            address(new DatasetLending(usdc, market, address(splitter), pool, oracle)),
            abi.encodeCall(DatasetLending.initialize, (authority, _lendingTerms())),
            address(lending)
        );
        _module(
            address(new PoolNetwork(usdc)),
            abi.encodeCall(PoolNetwork.initialize, (authority)),
            address(network)
        );
    }

    function _newAuctions() private returns (address) {
        return address(
            new DatasetAuction(
                DatasetAuction.Peers({
                    usdc: usdc,
                    market: market,
                    splitter: address(splitter),
                    datasets: datasets,
                    pool: pool,
                    registry: registry,
                    compliance: compliance,
                    breaker: breaker,
                    treasury: address(treasury)
                })
            )
        );
    }

    function _createRewards() private {
        address authority = address(manager);
        ContributionRewards.Peers memory peers = ContributionRewards.Peers({
            data: IDataToken(address(data)),
            vault: vault,
            membership: membership,
            attestations: oracle,
            breaker: breaker
        });
        _module(
            address(new ContributionRewards(peers)),
            abi.encodeCall(ContributionRewards.initialize, (authority, _rewardTerms())),
            address(rewards)
        );
        BuybackBurner.Peers memory buyers = BuybackBurner.Peers({
            usdc: usdc,
            data: IDataToken(address(data)),
            splitter: splitter,
            breaker: breaker,
            rewards: address(rewards)
        });
        _module(
            address(new BuybackBurner(buyers)),
            abi.encodeCall(BuybackBurner.initialize, (authority, _buyTerms())),
            address(burner)
        );
        _module(
            address(new ServiceDesk(IDataToken(address(data)))),
            abi.encodeCall(ServiceDesk.initialize, (authority)),
            address(desk)
        );
        _module(
            _newChecks(IDataToken(address(data))),
            abi.encodeCall(ValidatorPool.initialize, (authority, _checkTerms())),
            address(checks)
        );
    }

    function _newChecks(IDataToken token) internal returns (address) {
        ValidatorPool.Peers memory peers = ValidatorPool.Peers({
            data: token, datasets: datasets, registry: registry, attestations: oracle, breaker: breaker
        });
        return address(new ValidatorPool(peers));
    }

    // ---------------------------------------------------------------- settings while the deployer is admin

    /// @dev What governance decides so that the modules work together. Bonds are asked for only where a test says so.
    function _connect() private {
        pool.setLending(address(lending));
        compliance.setEvidence(agreements);
        meters.setUnitPrice(1, UNIT_PRICE);
        gov.setHolder(address(voteEscrow), true, true);
    }

    function _setPermissions() private {
        bytes4[] memory selectors = new bytes4[](4);
        selectors[3] = ParticipantRegistry.setIssuer.selector;
        selectors[0] = ParticipantRegistry.register.selector;
        selectors[1] = ParticipantRegistry.update.selector;
        selectors[2] = ParticipantRegistry.suspend.selector;
        manager.setTargetFunctionRole(address(registry), selectors, AccessRoles.REGISTRAR);

        _allow(address(breaker), CircuitBreaker.pause.selector, AccessRoles.GUARDIAN);
        _allow(address(breaker), CircuitBreaker.lift.selector, AccessRoles.GUARDIAN);
        _allow(address(gov), GovernanceToken.mint.selector, AccessRoles.MINTER);
        _allow(address(data), DataToken.mint.selector, AccessRoles.REWARDER);
        _allow(address(vault), VestingVault.open.selector, AccessRoles.REWARDER);
        _allow(address(splitter), RevenueSplitter.releaseBuyback.selector, AccessRoles.BUYER);
        _allow(address(market), LicenceMarket.issue.selector, AccessRoles.SELLER);
        _allow(address(market), LicenceMarket.remit.selector, AccessRoles.SELLER);
        _allow(address(compute), ComputeMarket.requestFor.selector, AccessRoles.NETWORK);
        _allow(address(compute), ComputeMarket.suspend.selector, AccessRoles.DISPUTES);
        _allow(address(compute), ComputeMarket.resolve.selector, AccessRoles.DISPUTES);

        manager.grantRole(AccessRoles.REGISTRAR, registrar, 0);
        manager.grantRole(AccessRoles.GUARDIAN, guardian, 0);
        manager.grantRole(AccessRoles.MINTER, address(timelock), 0);
        manager.grantRole(AccessRoles.REWARDER, address(timelock), 0);
        manager.grantRole(AccessRoles.REWARDER, address(rewards), 0);
        manager.grantRole(AccessRoles.BUYER, address(burner), 0);
        manager.grantRole(AccessRoles.DISPUTES, address(jobDisputes), 0);
        manager.grantRole(AccessRoles.NETWORK, address(network), 0);
        address[6] memory sellers = [
            address(auctions),
            address(meters),
            address(curve),
            address(exchange),
            address(lending),
            address(network)
        ];
        for (uint256 i; i < sellers.length; ++i) {
            manager.grantRole(AccessRoles.SELLER, sellers[i], 0);
        }
    }

    function _handOver() private {
        manager.grantRole(AccessRoles.ADMIN, address(timelock), 0);
        manager.renounceRole(AccessRoles.ADMIN, deployer);
    }

    function _allow(address target, bytes4 selector, uint64 role) private {
        bytes4[] memory selectors = new bytes4[](1);
        selectors[0] = selector;
        manager.setTargetFunctionRole(target, selectors, role);
    }
}
