// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Scopes} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {Cooperative} from "./Cooperative.sol";

contract CircuitBreakerTest is Cooperative {
    function _pause(uint256 scopes, uint64 duration) private {
        vm.prank(guardian);
        breaker.pause(scopes, duration);
    }

    function test_a_pause_covers_its_scopes_for_its_time_and_ends_by_itself() public {
        _pause(Scopes.TRADING | Scopes.JOBS, 7 days);
        assertTrue(breaker.isPaused(Scopes.TRADING));
        assertTrue(breaker.isPaused(Scopes.JOBS));
        assertFalse(breaker.isPaused(Scopes.DEPOSITS));
        breaker.requireLive(Scopes.MINTING);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.CircuitBreaker_Paused.selector, Scopes.JOBS, NOW + 7 days)
        );
        breaker.requireLive(Scopes.JOBS);
        vm.warp(NOW + 7 days);
        breaker.requireLive(Scopes.JOBS);
    }

    function test_a_guardian_pauses_for_seven_days_at_most() public {
        vm.startPrank(guardian);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.CircuitBreaker_BadDuration.selector, 7 days + 1, 7 days)
        );
        breaker.pause(Scopes.JOBS, 7 days + 1);
        vm.expectRevert(abi.encodeWithSelector(Errors.CircuitBreaker_BadDuration.selector, 0, 7 days));
        breaker.pause(Scopes.JOBS, 0);
        vm.expectRevert(abi.encodeWithSelector(Errors.CircuitBreaker_BadScopes.selector, 0));
        breaker.pause(0, 1 days);
        vm.expectRevert(abi.encodeWithSelector(Errors.CircuitBreaker_BadScopes.selector, 16));
        breaker.pause(16, 1 days);
        vm.stopPrank();
    }

    function test_a_guardian_waits_seven_days_after_its_pause_ended() public {
        _pause(Scopes.JOBS, 2 days);
        vm.warp(NOW + 9 days - 1);
        vm.prank(guardian);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.CircuitBreaker_CoolingDown.selector, Scopes.JOBS, NOW + 9 days)
        );
        breaker.pause(Scopes.JOBS | Scopes.TRADING, 1 days);
        _pause(Scopes.TRADING, 1 days);
        vm.warp(NOW + 9 days);
        _pause(Scopes.JOBS, 1 days);
    }

    function test_a_pause_lifted_early_cools_down_from_then() public {
        _pause(Scopes.JOBS, 7 days);
        vm.warp(NOW + 1 days);
        vm.prank(guardian);
        breaker.lift(Scopes.ALL);
        breaker.requireLive(Scopes.JOBS);
        vm.warp(NOW + 8 days);
        _pause(Scopes.JOBS, 1 days);
    }

    function test_governance_extends_a_pause_and_only_governance_ends_that() public {
        _pause(Scopes.JOBS, 1 days);
        breaker.extend(Scopes.JOBS, NOW + 30 days);
        vm.prank(guardian);
        breaker.lift(Scopes.JOBS);
        assertTrue(breaker.isPaused(Scopes.JOBS));
        assertEq(breaker.pausedUntil(Scopes.JOBS), NOW + 30 days);
        breaker.reopen(Scopes.JOBS);
        assertFalse(breaker.isPaused(Scopes.JOBS));
        vm.expectRevert(abi.encodeWithSelector(Errors.CircuitBreaker_NotInFuture.selector, NOW));
        breaker.extend(Scopes.JOBS, NOW);
    }

    function test_governance_ends_a_guardians_pause() public {
        _pause(Scopes.ALL, 7 days);
        breaker.reopen(Scopes.ALL);
        for (uint256 scope = 1; scope <= Scopes.ALL; scope <<= 1) {
            assertFalse(breaker.isPaused(scope));
        }
    }

    function test_everyone_has_their_own_part() public {
        vm.startPrank(stranger);
        bytes memory refusal =
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.expectRevert(refusal);
        breaker.pause(Scopes.JOBS, 1 days);
        vm.expectRevert(refusal);
        breaker.lift(Scopes.JOBS);
        vm.stopPrank();
        vm.startPrank(guardian);
        refusal = abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, guardian);
        vm.expectRevert(refusal);
        breaker.extend(Scopes.JOBS, NOW + 1);
        vm.expectRevert(refusal);
        breaker.reopen(Scopes.JOBS);
        vm.stopPrank();
    }

    function test_fuzz_a_guardian_alone_never_pauses_more_than_half_of_the_time(uint32[20] memory waits)
        public
    {
        uint256 start = block.timestamp;
        uint256 paused;
        uint256 time = start;
        for (uint256 i; i < waits.length; ++i) {
            time += waits[i] % 3 days;
            vm.warp(time);
            uint64 until = breaker.pausedUntil(Scopes.JOBS);
            vm.prank(guardian);
            try breaker.pause(Scopes.JOBS, 7 days) {
                if (until != 0) assertTrue(time >= uint256(until) + 7 days);
                paused += 7 days;
            } catch {}
        }
        // The last pause may still run: beyond it, every pause was followed by as long a rest.
        assertTrue(paused <= (time - start) / 2 + 7 days);
    }
}
