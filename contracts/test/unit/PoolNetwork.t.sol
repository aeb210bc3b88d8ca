// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessRoles, Purposes, Scopes} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {ComputeMarket} from "../../src/compute/ComputeMarket.sol";
import {DatasetToken} from "../../src/data/DatasetToken.sol";
import {IComputeMarket, Job, JobStates} from "../../src/interfaces/IComputeMarket.sol";
import {ILicenceMarket} from "../../src/interfaces/ILicenceMarket.sol";
import {Leg, NetworkOrder, NetworkPool, NetworkQuestion} from "../../src/interfaces/IPoolNetwork.sol";
import {LicenceMarket} from "../../src/market/LicenceMarket.sol";
import {HealthDataPool} from "../../src/pool/HealthDataPool.sol";
import {PoolNetwork} from "../../src/pool/PoolNetwork.sol";
import {SecondPool} from "../support/SecondPool.sol";
import {Trading} from "../support/Trading.sol";

contract PoolNetworkTest is Trading {
    uint128 private constant OTHER_FEE = 7e6;

    SecondPool private other;
    uint256 private german;
    uint256 private american;

    function setUp() public override {
        super.setUp();
        other = new SecondPool(
            SecondPool.Shared({
                manager: manager,
                usdc: usdc,
                data: data,
                registry: registry,
                oracle: oracle,
                rules: rules,
                membership: membership,
                consents: consents,
                breaker: breaker,
                treasury: address(treasury)
            })
        );
        other.create(2 * PRICE_PER_1000, OTHER_FEE, _defaultWindows(), _defaultSplit());
        _connectOther();
        german = _pooled(berlin);
        american = _pooledInOther(boston);
        _list(address(market), address(compute), address(splitter));
        _list(address(other.market()), address(other.compute()), address(other.splitter()));
        _fund(researcher, address(network), 10_000e6);
    }

    function _connectOther() private {
        bytes4[] memory selling = new bytes4[](2);
        (selling[0], selling[1]) = (LicenceMarket.issue.selector, LicenceMarket.remit.selector);
        bytes4[] memory asking = new bytes4[](1);
        asking[0] = ComputeMarket.requestFor.selector;
        vm.startPrank(address(timelock));
        manager.setTargetFunctionRole(address(other.market()), selling, AccessRoles.SELLER);
        manager.setTargetFunctionRole(address(other.compute()), asking, AccessRoles.NETWORK);
        oracle.setConsumer(address(other.datasets()), true);
        oracle.setConsumer(address(other.pool()), true);
        oracle.setConsumer(address(other.compute()), true);
        vm.stopPrank();
    }

    /// @dev A dataset of the other pool, minted and deposited there by the same functions.
    function _pooledInOther(address custodian) private returns (uint256 id) {
        DatasetToken ownDatasets = datasets;
        HealthDataPool ownPool = pool;
        (datasets, pool) = (other.datasets(), other.pool());
        id = _pooled(custodian);
        (datasets, pool) = (ownDatasets, ownPool);
    }

    function _list(address market_, address compute_, address splitter_) private {
        vm.prank(address(timelock));
        network.list(_poolOf(market_, compute_, splitter_));
    }

    function _poolOf(address market_, address compute_, address splitter_)
        private
        pure
        returns (NetworkPool memory)
    {
        return NetworkPool(ILicenceMarket(market_), IComputeMarket(compute_), splitter_, true, "a pool");
    }

    function _legs() private view returns (Leg[] memory legs) {
        legs = new Leg[](2);
        legs[0] = Leg(1, _ids(german));
        legs[1] = Leg(2, _ids(american));
    }

    function _orderOf(Leg[] memory legs) private pure returns (NetworkOrder memory) {
        return NetworkOrder({
            legs: legs, purpose: Purposes.HMB, uses: 2, maxPrice: type(uint256).max, deadline: FOREVER
        });
    }

    function _bought() private returns (uint256) {
        vm.prank(researcher);
        return network.buy(_orderOf(_legs()), _noPermit());
    }

    function _questionOf(uint256 licenceId, Leg[] memory legs) private pure returns (NetworkQuestion memory) {
        return NetworkQuestion({
            licenceId: licenceId,
            legs: legs,
            questionHash: "question",
            epsilonMilli: 1_000,
            maxFee: type(uint256).max
        });
    }

    function _assertRefused(address who, bytes memory data_, bytes memory refusal) private {
        _assertReverts(who, address(network), data_, refusal);
    }

    // ---------------------------------------------------------------- one licence, two pools

    function test_one_licence_over_two_pools_pays_each_for_its_own_part() public {
        // 5 x 50 x 2 and 5 x 100 x 2.
        assertEq(network.quote(_legs(), 2), 1_500e6);
        uint256 licenceId = _bought();
        assertEq(network.holderOf(licenceId), researcher);
        assertEq(usdc.balanceOf(researcher), 8_500e6);
        _assertHolds(address(network), 0);
        assertEq(usdc.balanceOf(address(splitter)), splitter.totalOwed() + splitter.buybackReserve());
        assertEq(splitter.owed(address(treasury)), 50e6);
        assertEq(other.splitter().owed(address(treasury)), 100e6);
        assertEq(passes.ownerOf(network.passOf(licenceId, 1)), researcher);
        assertEq(other.passes().ownerOf(network.passOf(licenceId, 2)), researcher);
        assertEq(network.passOf(licenceId, 3), 0);
    }

    function test_two_pools_answer_one_question() public {
        uint256 licenceId = _bought();
        vm.prank(researcher);
        network.ask(_questionOf(licenceId, _legs()), _noPermit());
        assertEq(usdc.balanceOf(researcher), 8_500e6 - JOB_FEE - OTHER_FEE);
        _assertHolds(address(network), 0);
        Job memory a = compute.job(1);
        Job memory b = other.compute().job(1);
        assertEq(a.researcher, researcher);
        assertEq(b.researcher, researcher);
        assertEq(a.questionHash, b.questionHash);
        assertEq(b.escrow, OTHER_FEE);
        _answer(berlin, 1);
        compute = other.compute();
        _answer(boston, 1);
        assertEq(compute.job(1).state, JobStates.SETTLED);
    }

    function test_what_a_pool_does_not_answer_goes_back_to_the_researcher() public {
        uint256 licenceId = _bought();
        vm.prank(researcher);
        network.ask(_questionOf(licenceId, _legs()), _noPermit());
        uint256 before = usdc.balanceOf(researcher);
        ComputeMarket theirs = other.compute();
        vm.prank(boston);
        theirs.decline(1);
        assertEq(usdc.balanceOf(researcher), before + OTHER_FEE);
    }

    function test_one_signature_buys_over_all_pools() public {
        vm.prank(researcher);
        usdc.approve(address(network), 0);
        bytes memory data_ = abi.encodeCall(
            PoolNetwork.buy, (_orderOf(_legs()), _permit("researcher", address(network), 1_500e6))
        );
        vm.prank(researcher);
        (bool ok,) = address(network).call(data_);
        assertTrue(ok);
    }

    // ---------------------------------------------------------------- refusals

    function test_a_pool_that_refuses_stops_the_whole_order() public {
        _fund(barred, address(network), 10_000e6);
        _assertRefused(
            barred,
            abi.encodeCall(PoolNetwork.buy, (_orderOf(_legs()), _noPermit())),
            abi.encodeWithSelector(Errors.Blocked.selector, "GDPR Art. 44")
        );
        _pause(Scopes.TRADING);
        _assertRefused(
            researcher,
            abi.encodeCall(PoolNetwork.buy, (_orderOf(_legs()), _noPermit())),
            abi.encodeWithSelector(Errors.CircuitBreaker_Paused.selector, Scopes.TRADING, START + 7 days)
        );
        assertEq(usdc.balanceOf(barred), 10_000e6);
    }

    function test_orders_beyond_their_bounds_are_refused() public {
        NetworkOrder memory order = _orderOf(_legs());
        order.deadline = START - 1;
        _assertRefused(
            researcher,
            abi.encodeCall(PoolNetwork.buy, (order, _noPermit())),
            abi.encodeWithSelector(MarketErrors.PoolNetwork_OrderExpired.selector, START - 1)
        );
        order = _orderOf(_legs());
        order.maxPrice = 1_500e6 - 1;
        bytes4 above = MarketErrors.PoolNetwork_AboveMaximum.selector;
        _assertRefused(
            researcher,
            abi.encodeCall(PoolNetwork.buy, (order, _noPermit())),
            abi.encodeWithSelector(above, 1_500e6, 1_500e6 - 1)
        );
        NetworkQuestion memory question = _questionOf(_bought(), _legs());
        question.maxFee = JOB_FEE + OTHER_FEE - 1;
        _assertRefused(
            researcher,
            abi.encodeCall(PoolNetwork.ask, (question, _noPermit())),
            abi.encodeWithSelector(above, JOB_FEE + OTHER_FEE, JOB_FEE + OTHER_FEE - 1)
        );
    }

    function test_legs_are_named_once_each_in_order_of_active_pools() public {
        Leg[] memory legs = _legs();
        (legs[0], legs[1]) = (legs[1], legs[0]);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.PoolNetwork_BadLegOrder.selector, 1));
        network.quote(legs, 1);
        legs = _legs();
        legs[1].poolId = 3;
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.PoolNetwork_NotActive.selector, 3));
        network.quote(legs, 1);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.PoolNetwork_BadLegCount.selector, 0, 8));
        network.quote(new Leg[](0), 1);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.PoolNetwork_BadLegCount.selector, 9, 8));
        network.quote(new Leg[](9), 1);
        vm.prank(address(timelock));
        network.setActive(2, false);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.PoolNetwork_NotActive.selector, 2));
        network.quote(_legs(), 1);
    }

    function test_only_the_holder_asks_and_only_pools_of_the_licence() public {
        uint256 licenceId = _bought();
        NetworkQuestion memory question = _questionOf(licenceId, _legs());
        _assertRefused(
            stranger,
            abi.encodeCall(PoolNetwork.ask, (question, _noPermit())),
            abi.encodeWithSelector(MarketErrors.PoolNetwork_NotHolder.selector, licenceId, stranger)
        );
        Leg[] memory one = new Leg[](1);
        one[0] = Leg(1, _ids(german));
        vm.prank(researcher);
        licenceId = network.buy(_orderOf(one), _noPermit());
        question = _questionOf(licenceId, _legs());
        _assertRefused(
            researcher,
            abi.encodeCall(PoolNetwork.ask, (question, _noPermit())),
            abi.encodeWithSelector(MarketErrors.PoolNetwork_NotCovered.selector, licenceId, 2)
        );
    }

    function test_nobody_asks_in_the_name_of_another() public {
        uint256 licenceId = _bought();
        uint256 passId = network.passOf(licenceId, 1);
        _assertReverts(
            stranger,
            address(compute),
            abi.encodeCall(ComputeMarket.requestFor, (researcher, _question(passId, _ids(german)))),
            abi.encodeWithSignature("AccessManagedUnauthorized(address)", stranger)
        );
    }

    function test_pools_are_listed_whole_and_by_governance() public {
        NetworkPool[3] memory broken = [
            _poolOf(address(0), address(1), address(1)),
            _poolOf(address(1), address(0), address(1)),
            _poolOf(address(1), address(1), address(0))
        ];
        for (uint256 i; i < 3; ++i) {
            _assertRefused(
                address(timelock),
                abi.encodeCall(PoolNetwork.list, (broken[i])),
                abi.encodeWithSelector(Errors.Common_ZeroAddress.selector)
            );
        }
        _assertRefused(
            address(timelock),
            abi.encodeCall(PoolNetwork.setActive, (3, true)),
            abi.encodeWithSelector(MarketErrors.PoolNetwork_NotActive.selector, 3)
        );
        assertEq(network.poolCount(), 2);
        assertEq(address(network.pool(2).market), address(other.market()));
        _assertGoverned(
            address(network), abi.encodeCall(PoolNetwork.list, (_poolOf(address(1), address(1), address(1))))
        );
        _assertGoverned(address(network), abi.encodeCall(PoolNetwork.setActive, (1, false)));
    }
}
