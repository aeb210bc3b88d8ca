// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {Scene} from "../support/Scene.sol";

contract PoolShareTest is Scene {
    function test_only_the_pool_mints_and_burns() public {
        vm.startPrank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.PoolShare_NotPool.selector, address(timelock)));
        share.mint(berlin, 1);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.PoolShare_NotPool.selector, address(timelock)));
        share.burn(berlin, 1);
        vm.stopPrank();
    }

    function test_shares_move_between_custodians_and_members() public {
        _pooled(berlin);
        address ada = _join("ada");
        _transferShares(berlin, ada, 3e18);
        _transferShares(ada, boston, 1e18);
        assertEq(share.balanceOf(ada), 2e18);
        assertEq(share.balanceOf(boston), 1e18);
    }

    function test_shares_do_not_go_to_strangers_or_to_parties_that_are_no_custodians() public {
        _pooled(berlin);
        address[2] memory others = [stranger, researcher];
        for (uint256 i; i < others.length; ++i) {
            assertFalse(share.mayHold(others[i]));
            _assertTransferRefused(berlin, others[i], others[i]);
        }
    }

    function test_a_suspended_custodian_neither_sends_nor_receives() public {
        _pooled(berlin);
        _pooled(boston);
        _suspend(boston);
        _assertTransferRefused(berlin, boston, boston);
        _assertTransferRefused(boston, berlin, boston);
    }

    function test_a_member_who_left_keeps_shares_and_their_yield() public {
        _pooled(berlin);
        address ada = _join("ada");
        _transferShares(berlin, ada, 500e18);
        vm.prank(ada);
        membership.resign();
        _giveUSDC(address(pool), 10e6);
        vm.prank(address(splitter));
        pool.notifyYield(10e6);
        pool.claimRewards(ada);
        assertEq(usdc.balanceOf(ada), 5e6);
    }

    function test_a_holder_who_sends_to_themselves_gains_nothing() public {
        _pooled(berlin);
        _giveUSDC(address(pool), 10e6);
        vm.prank(address(splitter));
        pool.notifyYield(10e6);
        _transferShares(berlin, berlin, 1_000e18);
        assertEq(pool.claimable(berlin), 10e6);
        assertEq(share.balanceOf(berlin), 1_000e18);
    }
}
