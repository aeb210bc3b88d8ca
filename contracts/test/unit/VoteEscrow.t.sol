// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Errors} from "../../src/common/Errors.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {VoteEscrow} from "../../src/governance/VoteEscrow.sol";
import {IVoteEscrow} from "../../src/interfaces/IVoteEscrow.sol";
import {FeeToken, HookedToken, SilentToken} from "../support/HostileTokens.sol";
import {Scene} from "../support/Scene.sol";

contract VoteEscrowTest is Scene {
    uint256 private constant WEEK = 7 days;
    uint256 private constant MOST = 208 weeks;
    /// @dev The first week that begins after the start.
    uint48 private constant W0 = uint48(START - START % 7 days + 7 days);

    address[4] private holders;

    function setUp() public override {
        super.setUp();
        holders = [berlin, boston, researcher, _join("Ada")];
        vm.startPrank(address(timelock));
        for (uint256 i; i < holders.length; ++i) {
            gov.mint(holders[i], 1_000_000e18);
        }
        vm.stopPrank();
        for (uint256 i; i < holders.length; ++i) {
            vm.prank(holders[i]);
            gov.approve(address(voteEscrow), type(uint256).max);
        }
    }

    function _lock(address who, uint256 amount, uint256 end) private {
        vm.prank(who);
        voteEscrow.lock(amount, uint48(end), _noPermit());
    }

    function _refuse(address who, uint256 amount, uint256 end, bytes memory reason) private {
        vm.prank(who);
        vm.expectRevert(reason);
        voteEscrow.lock(amount, uint48(end), _noPermit());
    }

    function _total(uint256 time) private view returns (uint256) {
        return voteEscrow.getPastTotalSupply(time);
    }

    // ---------------------------------------------------------------- votes

    function test_votes_are_the_amount_by_the_time_that_is_left() public {
        vm.warp(W0);
        _lock(berlin, 208e18, W0 + MOST);
        assertEq(voteEscrow.getVotes(berlin), 208e18);
        vm.warp(W0 + MOST / 2);
        assertEq(voteEscrow.getVotes(berlin), 104e18);
        vm.warp(W0 + MOST - WEEK);
        assertEq(voteEscrow.getVotes(berlin), 1e18);
        vm.warp(W0 + MOST);
        assertEq(voteEscrow.getVotes(berlin), 0);
        assertEq(voteEscrow.getPastVotes(berlin, W0 + MOST / 2), 104e18);
        assertEq(voteEscrow.getPastVotes(berlin, W0), 208e18);
        assertEq(voteEscrow.getPastVotes(berlin, W0 - 1), 0);
        assertEq(_total(W0 + MOST / 2), 104e18);
        assertEq(_total(W0 - 1), 0);
    }

    function test_an_end_is_rounded_down_to_a_week() public {
        _lock(berlin, 1e18, W0 + WEEK + 6 days);
        assertEq(voteEscrow.lockOf(berlin).end, W0 + WEEK);
    }

    function test_a_lock_can_be_raised_and_prolonged_and_the_past_stays_as_it_was() public {
        vm.warp(W0);
        _lock(berlin, 104e18, W0 + MOST / 2);
        vm.warp(W0 + 52 * WEEK);
        assertEq(voteEscrow.getVotes(berlin), 26e18);
        _lock(berlin, 104e18, W0 + MOST / 2);
        assertEq(voteEscrow.getVotes(berlin), 52e18);
        vm.warp(W0 + 53 * WEEK);
        _lock(berlin, 0, W0 + MOST);
        assertEq(voteEscrow.getVotes(berlin), 155e18);
        vm.warp(W0 + 60 * WEEK);
        assertEq(voteEscrow.getPastVotes(berlin, W0 + 52 * WEEK - 1), _total(W0 + 52 * WEEK - 1));
        assertEq(voteEscrow.getPastVotes(berlin, W0 + 52 * WEEK), 52e18);
        assertEq(voteEscrow.getPastVotes(berlin, W0 + 53 * WEEK), 155e18);
        assertEq(_total(W0 + 53 * WEEK), 155e18);
    }

    function test_two_changes_in_one_block_count_as_one() public {
        vm.warp(W0);
        _lock(berlin, 1e18, W0 + WEEK);
        _lock(berlin, 1e18, W0 + MOST);
        vm.warp(W0 + 1);
        assertEq(voteEscrow.getPastVotes(berlin, W0), 2e18);
        assertEq(_total(W0), 2e18);
    }

    function testFuzz_all_votes_are_those_of_the_locks_at_every_moment(
        uint96[10] memory amounts,
        uint16[10] memory terms,
        uint24[10] memory pauses,
        uint32[6] memory moments
    ) public {
        uint256 time = START;
        for (uint256 i; i < amounts.length; ++i) {
            address who = holders[amounts[i] % 4];
            uint256 held = gov.balanceOf(who);
            uint48 end = voteEscrow.lockOf(who).end;
            if (voteEscrow.lockOf(who).amount != 0 && end <= time) {
                voteEscrow.withdraw(who);
                end = 0;
            }
            uint256 least = end > time ? end : time + WEEK;
            if (held != 0 && least <= time + MOST) {
                _lock(who, bound(amounts[i], 1, held), bound(uint256(terms[i]) * 1 days, least, time + MOST));
            }
            time += uint256(pauses[i]) * 3;
            vm.warp(time);
            assertEq(gov.balanceOf(address(voteEscrow)), voteEscrow.owed());
        }
        time += 1;
        vm.warp(time);
        for (uint256 i; i < moments.length; ++i) {
            uint256 moment = bound(moments[i], START - 1, time - 1);
            uint256 sum;
            for (uint256 j; j < 4; ++j) {
                sum += voteEscrow.getPastVotes(holders[j], moment);
            }
            assertLe(sum, _total(moment));
            assertLe(_total(moment), sum + 3);
        }
    }

    function testFuzz_what_is_known_of_a_moment_never_changes(uint96 amount, uint32 wait, uint96 more)
        public
    {
        vm.warp(W0 + 5);
        _lock(berlin, bound(amount, 1, 1_000e18), W0 + 30 * WEEK);
        _lock(boston, 7e18, W0 + 3 * WEEK);
        uint256 moment = W0 + 5 + bound(wait, 0, 2 * MOST);
        vm.warp(moment + 1);
        (uint256 own, uint256 all) = (voteEscrow.getPastVotes(berlin, moment), _total(moment));
        if (moment + 1 >= W0 + 3 * WEEK) voteEscrow.withdraw(boston);
        _lock(researcher, bound(more, 1, 1_000e18), moment + 10 * WEEK);
        if (moment + 1 < W0 + 30 * WEEK) _lock(berlin, 5e18, W0 + 30 * WEEK);
        vm.warp(moment + 300 * WEEK);
        assertEq(voteEscrow.getPastVotes(berlin, moment), own);
        assertEq(_total(moment), all);
    }

    function test_votes_of_the_present_and_the_future_are_not_told() public {
        bytes memory refusal =
            abi.encodeWithSelector(Errors.VoteEscrow_NotPast.selector, START, uint48(START));
        vm.expectRevert(refusal);
        voteEscrow.getPastVotes(berlin, START);
        vm.expectRevert(refusal);
        voteEscrow.getPastTotalSupply(START);
        assertEq(_total(START - 1), 0);
        assertEq(voteEscrow.getPastVotes(berlin, START - 1), 0);
        assertEq(voteEscrow.clock(), START);
        assertEq(voteEscrow.CLOCK_MODE(), "mode=timestamp");
    }

    // ---------------------------------------------------------------- locking and leaving

    function test_a_lock_that_ended_goes_back_to_its_owner_through_anyone() public {
        _lock(berlin, 5e18, W0 + WEEK);
        vm.warp(W0 + WEEK - 1);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.VoteEscrow_NotEnded.selector, berlin, uint48(W0 + WEEK))
        );
        voteEscrow.withdraw(berlin);
        vm.warp(W0 + WEEK);
        _refuse(
            berlin,
            1,
            W0 + 9 * WEEK,
            abi.encodeWithSelector(Errors.VoteEscrow_Ended.selector, berlin, uint48(W0 + WEEK))
        );
        vm.prank(stranger);
        assertEq(voteEscrow.withdraw(berlin), 5e18);
        assertEq(gov.balanceOf(berlin), 1_000_000e18);
        vm.expectRevert(abi.encodeWithSelector(Errors.VoteEscrow_NothingLocked.selector, berlin));
        voteEscrow.withdraw(berlin);
        _lock(berlin, 1e18, W0 + 9 * WEEK);
        vm.warp(W0 + 2 * WEEK);
        assertEq(_total(W0 + WEEK), uint256(1e18) * 8 * WEEK / MOST);
    }

    function test_who_is_verified_no_more_still_gets_back_what_they_locked() public {
        _lock(berlin, 5e18, W0);
        address ada = holders[3];
        _lock(ada, 7e18, W0);
        _suspend(berlin);
        vm.prank(ada);
        membership.resign();
        _pause(15);
        vm.warp(W0);
        voteEscrow.withdraw(berlin);
        voteEscrow.withdraw(ada);
        assertEq(gov.balanceOf(ada), 1_000_000e18);
        vm.prank(berlin);
        vm.expectRevert(abi.encodeWithSelector(Errors.GovernanceToken_NotVerified.selector, berlin));
        gov.transfer(boston, 1);
    }

    function test_an_end_lies_ahead_and_at_most_four_years_of_weeks() public {
        vm.warp(W0);
        _refuse(berlin, 1, W0 + WEEK - 1, abi.encodeWithSelector(Errors.VoteEscrow_BadEnd.selector, W0));
        _refuse(
            berlin,
            1,
            W0 + MOST + WEEK,
            abi.encodeWithSelector(Errors.VoteEscrow_BadEnd.selector, uint48(W0 + MOST + WEEK))
        );
        _lock(berlin, 1, W0 + 2 * WEEK);
        _refuse(
            berlin, 1, W0 + WEEK, abi.encodeWithSelector(Errors.VoteEscrow_BadEnd.selector, uint48(W0 + WEEK))
        );
    }

    function test_a_lock_that_changes_nothing_is_refused() public {
        bytes memory refusal = abi.encodeWithSelector(Errors.VoteEscrow_NothingToLock.selector);
        _refuse(berlin, 0, W0 + WEEK, refusal);
        _lock(berlin, 1, W0 + WEEK);
        _refuse(berlin, 0, W0 + WEEK, refusal);
        _refuse(
            berlin,
            type(uint128).max,
            W0 + WEEK,
            abi.encodeWithSelector(
                SafeCast.SafeCastOverflowedUintDowncast.selector, 128, uint256(type(uint128).max) + 1
            )
        );
    }

    function test_one_unit_has_no_vote_but_at_its_longest() public {
        vm.warp(W0);
        _lock(berlin, 1, W0 + MOST);
        _lock(boston, 1, W0 + MOST - WEEK);
        assertEq(voteEscrow.getVotes(berlin), 1);
        assertEq(voteEscrow.getVotes(boston), 0);
    }

    function test_only_governance_lets_contracts_hold_gov() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        gov.setHolder(stranger, true, true);
        vm.startPrank(address(timelock));
        gov.setHolder(stranger, true, false);
        gov.mint(stranger, 5);
        vm.stopPrank();
        vm.startPrank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.GovernanceToken_NotVerified.selector, makeAddr("nobody"))
        );
        gov.transfer(makeAddr("nobody"), 1);
        assertTrue(gov.transfer(berlin, 1));
        vm.stopPrank();
        vm.prank(address(timelock));
        gov.setHolder(stranger, false, true);
        assertFalse(gov.isVault(stranger));
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Errors.GovernanceToken_NotVerified.selector, stranger));
        gov.transfer(berlin, 1);
    }

    // ---------------------------------------------------------------- hostile tokens

    function test_a_token_that_keeps_a_fee_is_refused() public {
        FeeToken token = new FeeToken();
        VoteEscrow other = new VoteEscrow(token);
        token.mint(berlin, 1_000);
        vm.startPrank(berlin);
        token.approve(address(other), 1_000);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.Payments_ShortPayment.selector, 990, 1_000));
        other.lock(1_000, W0 + 7 days, _noPermit());
        vm.stopPrank();
    }

    function test_a_token_that_answers_nothing_works() public {
        SilentToken token = new SilentToken();
        VoteEscrow other = new VoteEscrow(IERC20(address(token)));
        token.mint(berlin, 1_000);
        vm.startPrank(berlin);
        token.approve(address(other), 1_000);
        other.lock(1_000, W0, _noPermit());
        vm.stopPrank();
        vm.warp(W0);
        other.withdraw(berlin);
        assertEq(token.balanceOf(berlin), 1_000);
    }

    function test_a_token_that_calls_back_gets_nowhere() public {
        HookedToken token = new HookedToken();
        VoteEscrow other = new VoteEscrow(token);
        token.mint(berlin, 1_000);
        vm.startPrank(berlin);
        token.approve(address(other), 1_000);
        other.lock(1_000, W0, _noPermit());
        vm.stopPrank();
        vm.warp(W0);
        token.onTransfer(address(other), abi.encodeCall(IVoteEscrow.withdraw, (berlin)));
        other.withdraw(berlin);
        assertTrue(token.calledBack());
        assertFalse(token.succeeded());
        assertEq(token.balanceOf(berlin), 1_000);
    }
}
