// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {AccessRoles, PartyRoles} from "../../src/common/Codes.sol";
import {ComputeMarket} from "../../src/compute/ComputeMarket.sol";
import {JobDisputes} from "../../src/compute/JobDisputes.sol";
import {CentralizedArbitrator} from "../../src/development/CentralizedArbitrator.sol";
import {ArbitrationTerms} from "../../src/interfaces/IArbitrated.sol";
import {PriceCurve} from "../../src/interfaces/IDatasetExchange.sol";
import {LendingTerms} from "../../src/interfaces/IDatasetLending.sol";
import {BondTerms} from "../../src/interfaces/IResearcherBonds.sol";
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
import {Scene} from "./Scene.sol";

/// @notice Test functions that the markets' tests need besides those of `Vm`.
interface MoreVm {
    function deal(address account, uint256 balance) external;
}

/// @notice The deployed protocol with every way of selling, lending and settling disputes, each connected by governance.
abstract contract Trading is Scene {
    uint256 internal constant ARBITRATION_COST = 0.1 ether;
    uint64 internal constant RULING_WINDOW = 30 days;
    uint96 internal constant LEAST_BOND = 1_000e6;
    uint64 internal constant NOTICE = 14 days;
    uint96 internal constant UNIT_PRICE = 2e6;
    /// @dev 1 USDC for the first unit, and a ten-thousandth more for each.
    uint96 internal constant BASE = 1e6;
    uint96 internal constant SLOPE = 100e18;
    uint16 internal constant CURVE_FEE = 100;

    address internal immutable judge = makeAddr("judge");

    CentralizedArbitrator internal arbitrator;
    Escrow internal escrow;
    JobDisputes internal jobDisputes;
    ResearcherBonds internal bonds;
    DatasetAuction internal auctions;
    MeteredLicence internal meters;
    TransferAgreement internal agreements;
    BondingCurve internal curve;
    DatasetExchange internal exchange;
    DatasetLending internal lending;
    PoolNetwork internal network;

    function setUp() public virtual override {
        super.setUp();
        _register(judge, PartyRoles.ARBITRATOR, "CH", 0);
        arbitrator = new CentralizedArbitrator(registry, ARBITRATION_COST);
        _createSettlement();
        _createSellers();
        _createPoolSide();
        _connect();
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

    // ---------------------------------------------------------------- creations

    function _proxy(address implementation, bytes memory data_) internal returns (address) {
        return address(new ERC1967Proxy(implementation, data_));
    }

    function _createSettlement() private {
        address authority = address(manager);
        escrow = Escrow(
            _proxy(
                address(new Escrow(usdc, registry, breaker)),
                abi.encodeCall(Escrow.initialize, (authority, _arbitration()))
            )
        );
        jobDisputes = JobDisputes(
            _proxy(
                address(new JobDisputes(compute, datasets)),
                abi.encodeCall(JobDisputes.initialize, (authority, _arbitration()))
            )
        );
        ResearcherBonds.Peers memory peers = ResearcherBonds.Peers({
            usdc: usdc,
            registry: registry,
            licenceMarket: address(market),
            computeMarket: address(compute),
            treasury: address(timelock)
        });
        bonds = ResearcherBonds(
            _proxy(
                address(new ResearcherBonds(peers)),
                abi.encodeCall(ResearcherBonds.initialize, (authority, _arbitration(), _bondTerms()))
            )
        );
        TransferAgreement.Peers memory sides = TransferAgreement.Peers({
            usdc: usdc, datasets: datasets, registry: registry, attestations: oracle, breaker: breaker
        });
        agreements = TransferAgreement(
            _proxy(
                address(new TransferAgreement(sides)),
                abi.encodeCall(TransferAgreement.initialize, (authority))
            )
        );
    }

    function _createSellers() private {
        DatasetAuction.Peers memory peers = DatasetAuction.Peers({
            usdc: usdc,
            market: market,
            splitter: address(splitter),
            datasets: datasets,
            pool: pool,
            registry: registry,
            compliance: compliance,
            breaker: breaker,
            treasury: address(timelock)
        });
        auctions = DatasetAuction(
            _proxy(
                address(new DatasetAuction(peers)),
                abi.encodeCall(DatasetAuction.initialize, (address(manager)))
            )
        );
        meters = MeteredLicence(
            _proxy(
                address(new MeteredLicence(usdc, market, address(splitter), datasets, oracle)),
                abi.encodeCall(MeteredLicence.initialize, (address(manager)))
            )
        );
    }

    function _createPoolSide() private {
        curve = _newCurve(BASE, SLOPE, CURVE_FEE);
        DatasetExchange.Peers memory peers = DatasetExchange.Peers({
            market: market,
            datasets: datasets,
            pool: pool,
            registry: registry,
            compliance: compliance,
            attestations: oracle,
            breaker: breaker
        });
        exchange = DatasetExchange(
            _proxy(
                address(new DatasetExchange(peers)),
                abi.encodeCall(DatasetExchange.initialize, (address(manager), _priceCurve(), 100, 100))
            )
        );
        lending = DatasetLending(
            _proxy(
                address(new DatasetLending(usdc, market, address(splitter), pool, oracle)),
                abi.encodeCall(DatasetLending.initialize, (address(manager), _lendingTerms()))
            )
        );
        network = PoolNetwork(
            _proxy(address(new PoolNetwork(usdc)), abi.encodeCall(PoolNetwork.initialize, (address(manager))))
        );
    }

    function _newCurve(uint96 base, uint96 slope, uint16 feeBps) internal returns (BondingCurve) {
        BondingCurve.Peers memory peers = BondingCurve.Peers({
            usdc: usdc,
            market: market,
            splitter: address(splitter),
            datasets: datasets,
            registry: registry,
            breaker: breaker,
            treasury: address(timelock)
        });
        return new BondingCurve(peers, address(manager), base, slope, feeBps);
    }

    /// @dev What governance decides so that the modules work together. Bonds are asked for only where a test says so.
    function _connect() private {
        bytes4[] memory selling = new bytes4[](2);
        (selling[0], selling[1]) = (LicenceMarket.issue.selector, LicenceMarket.remit.selector);
        bytes4[] memory asking = new bytes4[](1);
        asking[0] = ComputeMarket.requestFor.selector;
        bytes4[] memory disputing = new bytes4[](2);
        (disputing[0], disputing[1]) = (ComputeMarket.suspend.selector, ComputeMarket.resolve.selector);
        address[5] memory sellers =
            [address(auctions), address(meters), address(curve), address(exchange), address(lending)];

        vm.startPrank(address(timelock));
        manager.setTargetFunctionRole(address(market), selling, AccessRoles.SELLER);
        manager.setTargetFunctionRole(address(compute), asking, AccessRoles.SELLER);
        for (uint256 i; i < sellers.length; ++i) {
            manager.grantRole(AccessRoles.SELLER, sellers[i], 0);
        }
        manager.grantRole(AccessRoles.SELLER, address(network), 0);
        manager.setTargetFunctionRole(address(compute), disputing, AccessRoles.DISPUTES);
        manager.grantRole(AccessRoles.DISPUTES, address(jobDisputes), 0);
        oracle.setConsumer(address(meters), true);
        oracle.setConsumer(address(agreements), true);
        oracle.setConsumer(address(exchange), true);
        oracle.setConsumer(address(lending), true);
        pool.setLending(address(lending));
        compliance.setEvidence(agreements);
        meters.setUnitPrice(1, UNIT_PRICE);
        vm.stopPrank();
    }

    /// @dev Governance asks for bonds from now on.
    function _askForBonds() internal {
        vm.startPrank(address(timelock));
        market.setBonds(bonds);
        compute.setBonds(bonds);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- money

    function _deal(address account, uint256 balance) internal {
        MoreVm(address(vm)).deal(account, balance);
    }

    /// @dev Gives an account USDC that `spender` may take.
    function _fund(address account, address spender, uint256 amount) internal {
        _giveUSDC(account, amount);
        vm.prank(account);
        usdc.approve(spender, type(uint256).max);
    }

    /// @dev The address holds as many units as it owes.
    function _assertHolds(address who, uint256 owed) internal view {
        assertEq(usdc.balanceOf(who), owed, "it does not hold what it owes");
    }

    /// @dev A call by `who` that must revert with exactly this.
    function _assertReverts(address who, address target, bytes memory data_, bytes memory refusal) internal {
        vm.prank(who);
        (bool ok, bytes memory answer) = target.call(data_);
        assertFalse(ok, "it went through");
        assertEq(keccak256(answer), keccak256(refusal), "it reverted with something else");
    }

    /// @dev A call by a stranger that only governance may make.
    function _assertGoverned(address target, bytes memory data_) internal {
        _assertReverts(
            stranger, target, data_, abi.encodeWithSignature("AccessManagedUnauthorized(address)", stranger)
        );
    }
}
