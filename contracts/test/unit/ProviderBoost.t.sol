// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {RewardErrors} from "../../src/common/RewardErrors.sol";
import {MintRequest} from "../../src/interfaces/IDatasetToken.sol";
import {IHealthDataPool} from "../../src/interfaces/IHealthDataPool.sol";
import {IProviderBoost} from "../../src/interfaces/IProviderBoost.sol";
import {ProviderBoost} from "../../src/rewards/ProviderBoost.sol";
import {FeeToken, HookedToken, SilentToken} from "../support/HostileTokens.sol";
import {Scene} from "../support/Scene.sol";

contract ProviderBoostTest is Scene {
    function setUp() public override {
        super.setUp();
        _giveData(berlin, 10_000e18);
        _giveData(boston, 10_000e18);
    }

    function _stake(address who, uint256 amount) private {
        vm.startPrank(who);
        data.approve(address(boost), amount);
        boost.stake(amount, _noPermit());
        vm.stopPrank();
    }

    function _unstake(address who, uint256 amount) private {
        vm.prank(who);
        boost.announceUnstake(amount);
    }

    function _yield(uint256 amount) private {
        _giveUSDC(address(pool), amount);
        vm.prank(address(splitter));
        pool.notifyYield(amount);
    }

    function _pooledOf(address custodian, uint64 persons) private {
        MintRequest memory r = _mintRequest(1, 5_000, persons);
        uint256 id = _mint(custodian, r);
        _deposit(custodian, id, _neutral());
    }

    // ---------------------------------------------------------------- the formula

    function test_without_stakes_all_shares_earn_alike() public {
        _pooledOf(berlin, 3_000);
        _pooledOf(boston, 1_000);
        assertEq(pool.effectiveOf(berlin), 1_200e18);
        assertEq(pool.effectiveOf(boston), 400e18);
        assertEq(pool.totalEffective(), 1_600e18);
        _yield(100e6);
        assertEq(pool.claimable(berlin), 75e6);
        assertEq(pool.claimable(boston), 25e6);
    }

    function test_the_best_boosted_share_earns_two_and_a_half_times_what_an_unboosted_one_does() public {
        _pooledOf(berlin, 1_000);
        _pooledOf(boston, 1_000);
        _stake(berlin, 1);
        assertEq(pool.effectiveOf(berlin), 1_000e18);
        assertEq(pool.effectiveOf(boston), 400e18);
        _yield(140e6);
        assertEq(pool.claimable(berlin), 100e6);
        assertEq(pool.claimable(boston), 40e6);
        // More stake does not help further.
        _stake(berlin, 5_000e18);
        assertEq(pool.effectiveOf(berlin), 1_000e18);
    }

    function test_a_boost_is_by_the_part_of_all_stakes() public {
        _pooledOf(berlin, 1_000);
        _pooledOf(boston, 3_000);
        _stake(boston, 900e18);
        _stake(berlin, 100e18);
        // 0.4 x 1,000 + 0.6 x 4,000 x 100 / 1,000.
        assertEq(pool.effectiveOf(berlin), 640e18);
        // Boston's stands as it was counted when it alone had a stake.
        assertEq(pool.effectiveOf(boston), 3_000e18);
        pool.refresh(boston);
        // 0.4 x 3,000 + 0.6 x 4,000 x 900 / 1,000 = 3,360, but never more than the shares.
        assertEq(pool.effectiveOf(boston), 3_000e18);
        _stake(berlin, 800e18);
        pool.refresh(boston);
        assertEq(pool.effectiveOf(boston), 1_200e18 + 1_200e18);
        assertEq(pool.totalEffective(), 2_400e18 + 1_000e18);
    }

    function testFuzz_effective_shares_follow_the_formula_between_two_fifths_and_the_whole(
        uint128 shares,
        uint128 others,
        uint96 own,
        uint96 stakes
    ) public {
        own = uint96(bound(own, 0, 10_000e18));
        stakes = uint96(bound(stakes, 0, 10_000e18));
        if (own != 0) _stake(berlin, own);
        if (stakes != 0) _stake(boston, stakes);
        uint256 supply = uint256(shares) + others;
        uint256 effective = boost.effectiveShares(berlin, shares, supply);

        uint256 expected = uint256(shares) * 2 / 5;
        // 131 + 96 bits: the plain product fits here.
        if (own != 0) expected += supply * 3 * own / (5 * (uint256(own) + stakes));
        if (expected > shares) expected = shares;
        assertEq(effective, expected);
        assertGe(effective, uint256(shares) * 2 / 5);
        assertLe(effective, shares);
    }

    function test_the_greatest_amounts_fit() public {
        _stake(berlin, 10_000e18);
        uint256 most = type(uint64).max * uint256(1e18) * 16 * 1_000;
        assertEq(boost.effectiveShares(berlin, most, most), most);
        assertEq(boost.effectiveShares(boston, most, most), most / 5 * 2 + most % 5 * 2 / 5);
        assertEq(boost.effectiveShares(boston, 1, most), 0);
        assertEq(boost.effectiveShares(boston, 0, 0), 0);
    }

    // ---------------------------------------------------------------- settling

    function test_what_was_earned_before_a_change_of_stake_is_not_changed_by_it() public {
        _pooledOf(berlin, 1_000);
        _pooledOf(boston, 1_000);
        _yield(100e6);
        _stake(berlin, 1_000e18);
        assertEq(pool.claimable(berlin), 50e6);
        assertEq(pool.claimable(boston), 50e6);
        _yield(140e6);
        _unstake(berlin, 1_000e18);
        assertEq(pool.claimable(berlin), 150e6);
        _yield(100e6);
        assertEq(pool.claimable(berlin), 200e6);
        assertEq(pool.claimable(boston), 140e6);
        assertEq(pool.claimRewards(berlin) + pool.claimRewards(boston), 340e6);
        assertEq(pool.owed(), 0);
    }

    function test_shares_that_change_hands_are_counted_by_their_new_holders_stake() public {
        address ada = _join("Ada");
        _pooledOf(berlin, 1_000);
        _stake(berlin, 1e18);
        _yield(10e6);
        _transferShares(berlin, ada, 500e18);
        assertEq(pool.effectiveOf(berlin), 500e18);
        assertEq(pool.effectiveOf(ada), 200e18);
        assertEq(pool.claimable(ada), 0);
        _yield(7e6);
        assertEq(pool.claimable(berlin), 15e6);
        assertEq(pool.claimable(ada), 2e6);
    }

    function test_a_share_too_small_to_count_earns_nothing_and_yield_waits_while_no_share_counts() public {
        MintRequest memory r = _mintRequest(1, 5_000, 1);
        uint256 id = _mint(berlin, r);
        _deposit(berlin, id, _neutral());
        _transferShares(berlin, boston, 2);
        assertEq(pool.effectiveOf(boston), 0);
        _announce(berlin, id);
        vm.prank(boston);
        assertTrue(share.transfer(berlin, 2));
        _withdraw(berlin, id);
        assertEq(pool.totalEffective(), 0);
        _yield(5e6);
        assertEq(pool.claimable(berlin), 0);
        _pooledOf(boston, 1);
        assertEq(pool.claimable(boston), 5e6);
    }

    function testFuzz_all_effective_shares_add_up_and_no_yield_is_lost(
        uint8[12] memory actions,
        uint64[12] memory amounts
    ) public {
        address[2] memory who = [berlin, boston];
        _pooledOf(berlin, 700);
        _pooledOf(boston, 1_300);
        uint256 paid;
        uint256 received;
        for (uint256 i; i < actions.length; ++i) {
            address account = who[actions[i] & 1];
            uint256 action = actions[i] % 5;
            uint256 amount = bound(amounts[i], 1, 100e18);
            if (action == 0) _stake(account, amount);
            uint256 active = boost.stakeOf(account).active;
            if (action == 1 && active != 0) _unstake(account, bound(amount, 1, active));
            if (action == 2) pool.refresh(account);
            if (action == 3) {
                received += amount % 1e12;
                _yield(amount % 1e12);
            }
            if (action == 4 && pool.claimable(account) != 0) paid += pool.claimRewards(account);
            assertEq(pool.effectiveOf(berlin) + pool.effectiveOf(boston), pool.totalEffective());
            uint256 due = pool.claimable(berlin) + pool.claimable(boston);
            assertLe(due, received - paid);
            // At most one unit for each account and the carry of less than a unit.
            assertLe(received - paid, due + 2);
            assertEq(data.balanceOf(address(boost)), boost.owed());
        }
    }

    function test_refreshing_without_a_change_does_nothing() public {
        _pooledOf(berlin, 1_000);
        _pause(15);
        pool.refresh(berlin);
        pool.refresh(stranger);
        assertEq(pool.effectiveOf(berlin), 400e18);
        assertEq(pool.effectiveOf(stranger), 0);
    }

    // ---------------------------------------------------------------- staking

    function test_a_stake_leaves_the_boost_at_once_and_the_contract_after_seven_days() public {
        _pooledOf(berlin, 1_000);
        _stake(berlin, 100e18);
        _unstake(berlin, 60e18);
        assertEq(boost.stakeOf(berlin).active, 40e18);
        assertEq(boost.stakeOf(berlin).leaving, 60e18);
        assertEq(boost.totalStake(), 40e18);
        assertEq(boost.owed(), 100e18);
        vm.warp(START + 7 days - 1);
        vm.expectRevert(
            abi.encodeWithSelector(RewardErrors.ProviderBoost_Locked.selector, berlin, START + 7 days)
        );
        boost.withdraw(berlin);
        vm.warp(START + 7 days);
        vm.prank(stranger);
        assertEq(boost.withdraw(berlin), 60e18);
        assertEq(data.balanceOf(berlin), 9_960e18);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ProviderBoost_NothingLeaving.selector, berlin));
        boost.withdraw(berlin);
    }

    function test_a_later_leaving_makes_an_earlier_one_wait_with_it() public {
        _stake(berlin, 100e18);
        _unstake(berlin, 60e18);
        vm.warp(START + 3 days);
        _unstake(berlin, 40e18);
        assertEq(boost.stakeOf(berlin).availableAt, START + 10 days);
        vm.warp(START + 10 days);
        assertEq(boost.withdraw(berlin), 100e18);
    }

    function test_a_stake_borrowed_for_a_moment_cannot_be_paid_back_in_it() public {
        _pooledOf(berlin, 1_000);
        _pooledOf(boston, 1_000);
        _stake(berlin, 10_000e18);
        _yield(14e6);
        _unstake(berlin, 10_000e18);
        vm.expectRevert(
            abi.encodeWithSelector(RewardErrors.ProviderBoost_Locked.selector, berlin, START + 7 days)
        );
        boost.withdraw(berlin);
    }

    function test_only_who_may_hold_shares_stakes_and_who_lost_that_still_gets_everything_back() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ProviderBoost_NotVerified.selector, stranger));
        boost.stake(1, _noPermit());
        _stake(berlin, 5);
        _suspend(berlin);
        _pause(15);
        _unstake(berlin, 5);
        vm.warp(START + 7 days);
        assertEq(boost.withdraw(berlin), 5);
    }

    function test_amounts_that_make_no_sense_are_refused() public {
        vm.startPrank(berlin);
        vm.expectRevert(RewardErrors.ProviderBoost_ZeroAmount.selector);
        boost.stake(0, _noPermit());
        vm.expectRevert(RewardErrors.ProviderBoost_ZeroAmount.selector);
        boost.announceUnstake(0);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ProviderBoost_AboveStake.selector, 1, 0));
        boost.announceUnstake(1);
        vm.expectRevert(
            abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 128, uint256(1) << 128)
        );
        boost.stake(uint256(1) << 128, _noPermit());
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- hostile tokens

    function _with(address token) private returns (ProviderBoost) {
        return new ProviderBoost(IERC20(token), IHealthDataPool(address(new Deaf())), share);
    }

    function test_a_token_that_keeps_a_fee_is_refused() public {
        FeeToken token = new FeeToken();
        ProviderBoost other = _with(address(token));
        token.mint(berlin, 1_000);
        vm.startPrank(berlin);
        token.approve(address(other), 1_000);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.Payments_ShortPayment.selector, 990, 1_000));
        other.stake(1_000, _noPermit());
        vm.stopPrank();
    }

    function test_a_token_that_answers_nothing_works() public {
        SilentToken token = new SilentToken();
        ProviderBoost other = _with(address(token));
        token.mint(berlin, 1_000);
        vm.startPrank(berlin);
        token.approve(address(other), 1_000);
        other.stake(1_000, _noPermit());
        other.announceUnstake(1_000);
        vm.stopPrank();
        vm.warp(START + 7 days);
        assertEq(other.withdraw(berlin), 1_000);
        assertEq(token.balanceOf(berlin), 1_000);
    }

    function test_a_token_that_calls_back_gets_nowhere() public {
        HookedToken token = new HookedToken();
        ProviderBoost other = _with(address(token));
        token.mint(berlin, 1_000);
        vm.startPrank(berlin);
        token.approve(address(other), 1_000);
        other.stake(1_000, _noPermit());
        other.announceUnstake(1_000);
        vm.stopPrank();
        vm.warp(START + 7 days);
        token.onTransfer(address(other), abi.encodeCall(IProviderBoost.withdraw, (berlin)));
        other.withdraw(berlin);
        assertTrue(token.calledBack());
        assertFalse(token.succeeded());
        assertEq(token.balanceOf(berlin), 1_000);
    }
}

/// @notice Stands for a pool that has nothing to do with what is tested.
contract Deaf {
    function refresh(address) external {}
}
