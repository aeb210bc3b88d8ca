// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Errors} from "../../src/common/Errors.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {MintRequest} from "../../src/interfaces/IDatasetToken.sol";
import {Split} from "../../src/interfaces/IRevenueSplitter.sol";
import {Scene} from "../support/Scene.sol";

contract RevenueSplitterTest is Scene {
    uint256 private german;
    uint256 private american;

    function setUp() public override {
        super.setUp();
        german = _pooled(berlin);
        american = _pooled(boston);
    }

    /// @dev A payment as the licence market makes it.
    function _pay(uint256 amount, uint256[] memory ids, uint256[] memory weights) private {
        _giveUSDC(address(splitter), amount);
        vm.prank(address(market));
        splitter.distribute(amount, ids, weights);
    }

    function _assertCovered() private view {
        assertEq(usdc.balanceOf(address(splitter)), splitter.totalOwed() + splitter.buybackReserve());
        assertEq(usdc.balanceOf(address(pool)), pool.owed());
        assertEq(usdc.balanceOf(address(claims)), claims.owed());
    }

    function test_a_hundred_usdc_is_divided_as_the_protocol_says() public {
        _pay(100e6, _ids(german), _ids(1));
        assertEq(splitter.owed(address(treasury)), 10e6);
        assertEq(splitter.buybackReserve(), 5e6);
        assertEq(pool.owed(), 25.5e6);
        assertEq(splitter.owed(berlin), 8.925e6);
        assertEq(claims.claimsOf(german).funded, 50.575e6);
        _assertCovered();
    }

    function test_what_rounding_leaves_goes_to_contributors_members_and_the_last_dataset() public {
        _pay(1, _ids(german), _ids(1));
        assertEq(claims.claimsOf(german).funded, 1);
        assertEq(splitter.totalOwed() + splitter.buybackReserve() + pool.owed(), 0);
        // Usage of 1,001 x 85 % = 851, less 255 to the pool: 596, of which 397.33 and 198.67.
        _pay(1_001, _ids(german, american), _ids(2, 1));
        assertEq(pool.owed(), 255);
        assertEq(splitter.owed(berlin) + claims.claimsOf(german).funded, 397 + 1);
        assertEq(splitter.owed(boston) + claims.claimsOf(american).funded, 199);
        _assertCovered();
    }

    function testFuzz_every_unit_of_every_payment_is_accounted_for(
        uint96 amount,
        uint128 weightA,
        uint128 weightB,
        uint16 treasuryBps,
        uint16 buybackBps,
        uint16 poolYieldBps
    ) public {
        Split memory s;
        s.treasuryBps = uint16(bound(treasuryBps, 0, 10_000));
        s.buybackBps = uint16(bound(buybackBps, 0, 10_000 - s.treasuryBps));
        s.contributorsBps = 10_000 - s.treasuryBps - s.buybackBps;
        s.poolYieldBps = uint16(bound(poolYieldBps, 0, 10_000));
        vm.prank(address(timelock));
        splitter.setSplit(s);
        weightA = uint128(bound(weightA, 1, type(uint128).max));

        _pay(amount, _ids(german, american), _ids(weightA, weightB));

        uint256 treasuryPart = uint256(amount) * s.treasuryBps / 10_000;
        uint256 buyback = uint256(amount) * s.buybackBps / 10_000;
        uint256 contributors = amount - treasuryPart - buyback;
        uint256 usage = contributors - contributors * s.poolYieldBps / 10_000;
        // 96 + 128 bits: the plain product fits here, which the contract need not rely on.
        uint256 partA = usage * weightA / (uint256(weightA) + weightB);
        assertEq(splitter.owed(address(treasury)), treasuryPart);
        assertEq(splitter.buybackReserve(), buyback);
        assertEq(pool.owed(), contributors - usage);
        assertEq(splitter.owed(berlin), partA * 1_500 / 10_000);
        assertEq(claims.claimsOf(german).funded, partA - partA * 1_500 / 10_000);
        uint256 partB = usage - partA;
        assertEq(splitter.owed(boston), partB * 1_500 / 10_000);
        assertEq(claims.claimsOf(american).funded, partB - partB * 1_500 / 10_000);
        assertEq(splitter.totalOwed() + buyback + pool.owed() + claims.owed(), amount);
        _assertCovered();
    }

    function test_a_licence_is_divided_by_what_each_dataset_cost() public {
        MintRequest memory r = _mintRequest(1, 15_000, 10);
        uint256 large = _mint(berlin, r);
        _deposit(berlin, large, _neutral());
        _buy(researcher, _ids(american, large), 1);
        // 250 and 750 USDC.
        assertEq(
            3 * (splitter.owed(boston) + claims.claimsOf(american).funded),
            splitter.owed(berlin) + claims.claimsOf(large).funded
        );
        _assertCovered();
    }

    function test_anyone_releases_what_an_account_is_owed_once() public {
        _pay(100e6, _ids(german), _ids(1));
        vm.startPrank(stranger);
        assertEq(splitter.release(berlin), 8.925e6);
        splitter.release(address(treasury));
        assertEq(usdc.balanceOf(berlin), 8.925e6);
        assertEq(usdc.balanceOf(address(treasury)), 10e6);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.RevenueSplitter_NothingOwed.selector, berlin));
        splitter.release(berlin);
        vm.stopPrank();
        _assertCovered();
    }

    function test_whoever_governance_lets_buy_back_takes_from_the_reserve_and_no_more_than_it_holds() public {
        _pay(100e6, _ids(german), _ids(1));
        vm.startPrank(address(burner));
        splitter.releaseBuyback(stranger, 3e6);
        assertEq(usdc.balanceOf(stranger), 3e6);
        vm.expectRevert(
            abi.encodeWithSelector(MarketErrors.RevenueSplitter_AboveReserve.selector, 2e6 + 1, 2e6)
        );
        splitter.releaseBuyback(stranger, 2e6 + 1);
        vm.expectRevert(Errors.Common_ZeroAddress.selector);
        splitter.releaseBuyback(address(0), 1);
        vm.stopPrank();
        _assertCovered();
    }

    function test_only_the_markets_distribute_and_only_what_is_there() public {
        _giveUSDC(address(splitter), 1_000);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.RevenueSplitter_NotMarket.selector, stranger));
        splitter.distribute(1_000, _ids(german), _ids(1));
        vm.startPrank(address(compute));
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.RevenueSplitter_NotFunded.selector, 1_000, 1_001));
        splitter.distribute(1_001, _ids(german), _ids(1));
        splitter.distribute(1_000, _ids(german), _ids(1));
        // Neither what is owed nor what is reserved is there to be distributed again.
        uint256 held = usdc.balanceOf(address(splitter));
        vm.expectRevert(
            abi.encodeWithSelector(MarketErrors.RevenueSplitter_NotFunded.selector, held, held + 1)
        );
        splitter.distribute(1, _ids(german), _ids(1));
        vm.stopPrank();
    }

    function test_weights_must_match_the_datasets_and_not_all_be_zero() public {
        _giveUSDC(address(splitter), 10);
        vm.startPrank(address(market));
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.RevenueSplitter_BadWeights.selector, 1, 2));
        splitter.distribute(10, _ids(german), _ids(1, 1));
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.RevenueSplitter_BadWeights.selector, 1, 1));
        splitter.distribute(10, _ids(german), _ids(0));
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.RevenueSplitter_BadWeights.selector, 0, 0));
        splitter.distribute(10, new uint256[](0), new uint256[](0));
        vm.stopPrank();
    }

    function test_a_split_adds_up_to_the_whole() public {
        Split[3] memory bad = [
            Split(8_500, 1_000, 501, 3_000), Split(8_500, 1_000, 499, 3_000), Split(8_500, 1_000, 500, 10_001)
        ];
        vm.startPrank(address(timelock));
        for (uint256 i; i < bad.length; ++i) {
            vm.expectPartialRevert(MarketErrors.RevenueSplitter_BadSplit.selector);
            splitter.setSplit(bad[i]);
        }
        splitter.setSplit(Split(0, 10_000, 0, 0));
        vm.stopPrank();
    }
}
