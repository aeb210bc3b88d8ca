// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {RewardErrors} from "../../src/common/RewardErrors.sol";
import {Stream} from "../../src/interfaces/IPayoutStreams.sol";
import {Scene} from "../support/Scene.sol";

contract PayoutStreamsTest is Scene {
    function _credit(address account, uint256 amount) private {
        _giveUSDC(address(streams), amount);
        vm.prank(address(splitter));
        streams.credit(account, amount);
    }

    function _choose(address account, uint32 duration) private {
        vm.prank(account);
        streams.choose(duration);
    }

    function test_what_is_owed_flows_by_the_second() public {
        _choose(berlin, 100 days);
        _credit(berlin, 864e6);
        assertEq(streams.flowed(berlin), 0);
        vm.warp(START + 1);
        assertEq(streams.flowed(berlin), 100);
        vm.warp(START + 50 days);
        vm.prank(stranger);
        assertEq(streams.withdraw(berlin), 432e6);
        assertEq(usdc.balanceOf(berlin), 432e6);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.PayoutStreams_NothingFlowed.selector, berlin));
        streams.withdraw(berlin);
        vm.warp(START + 200 days);
        assertEq(streams.withdraw(berlin), 432e6);
        assertEq(streams.owed(), 0);
    }

    function test_a_custodian_is_paid_by_the_second_once_it_chose_so() public {
        uint256 dataset = _pooled(berlin);
        _buy(researcher, _ids(dataset), 1);
        _choose(berlin, 10 days);
        uint256 due = splitter.owed(berlin);
        assertTrue(due != 0);
        splitter.release(berlin);
        assertEq(usdc.balanceOf(berlin), 0);
        vm.warp(START + 5 days);
        assertEq(streams.withdraw(berlin), due / 2);
        _choose(berlin, 0);
        _buy(researcher, _ids(dataset), 1);
        splitter.release(berlin);
        assertEq(usdc.balanceOf(berlin), due / 2 + due);
        vm.warp(START + 10 days);
        streams.withdraw(berlin);
        assertEq(usdc.balanceOf(berlin), 2 * due);
    }

    function test_a_member_is_paid_by_the_second_once_they_chose_so() public {
        uint256 dataset = _pooled(berlin);
        _buy(researcher, _ids(dataset), 1);
        address ada = _join("Ada");
        _choose(ada, 1 hours);
        bytes32[] memory leaves = new bytes32[](1);
        leaves[0] = claims.leafOf(dataset, _personOf("Ada"), 3_600);
        _postRoot(berlin, dataset, leaves[0], 3_600);
        assertEq(claims.claim(dataset, _personOf("Ada"), 3_600, new bytes32[](0)), 3_600);
        assertEq(usdc.balanceOf(ada), 0);
        vm.warp(START + 17);
        assertEq(streams.withdraw(ada), 17);
        assertEq(usdc.balanceOf(ada), 17);
    }

    function test_a_second_payment_ends_at_the_weighted_mean() public {
        _choose(berlin, 10 days);
        _credit(berlin, 100e6);
        vm.warp(START + 5 days);
        _credit(berlin, 50e6);
        // 50 left for 5 days and 50 for 10 days: 100 for 7.5 days.
        assertEq(streams.streamOf(berlin).end, START + 12.5 days);
        assertEq(streams.flowed(berlin), 50e6);
        vm.warp(START + 8.75 days);
        assertEq(streams.flowed(berlin), 100e6);
    }

    function test_dust_hardly_delays_a_payment() public {
        _choose(berlin, 10 days);
        _credit(berlin, 1_000e6);
        vm.warp(START + 9 days);
        _credit(berlin, 1);
        assertLe(streams.streamOf(berlin).end, START + 10 days + 1);
        _credit(boston, 0);
        assertEq(streams.streamOf(boston).end, 0);
    }

    function test_who_changed_to_at_once_gets_the_next_payment_sooner() public {
        _choose(berlin, 10 days);
        _credit(berlin, 100e6);
        _choose(berlin, 0);
        _credit(berlin, 100e6);
        assertEq(streams.streamOf(berlin).end, START + 5 days);
        _credit(boston, 7);
        assertEq(streams.flowed(boston), 7);
        assertEq(streams.withdraw(boston), 7);
    }

    function testFuzz_every_unit_flows_and_none_before_its_time(
        uint32 duration,
        uint64[6] memory amounts,
        uint32[6] memory pauses
    ) public {
        duration = uint32(bound(duration, 1 hours, 366 days));
        _choose(berlin, duration);
        uint256 time = START;
        uint256 credited;
        uint256 paid;
        for (uint256 i; i < amounts.length; ++i) {
            Stream memory before = streams.streamOf(berlin);
            _credit(berlin, amounts[i]);
            credited += amounts[i];
            Stream memory later = streams.streamOf(berlin);
            assertLe(later.end, block.timestamp + duration);
            if (amounts[i] != 0) assertGe(uint256(later.end) + 1, before.end);

            uint256 atStart = streams.flowed(berlin);
            time += bound(pauses[i], 0, duration);
            vm.warp(time);
            uint256 passed = time - later.since;
            uint256 expected = time >= later.end
                ? later.remaining
                : uint256(later.remaining) * passed / (later.end - later.since);
            assertEq(streams.flowed(berlin), atStart + expected);
            if (i % 2 == 0 && streams.flowed(berlin) != 0) paid += streams.withdraw(berlin);
            assertEq(streams.owed(), credited - paid);
            assertEq(usdc.balanceOf(address(streams)), streams.owed());
        }
        vm.warp(time + duration);
        if (credited != paid) paid += streams.withdraw(berlin);
        assertEq(paid, credited);
    }

    function test_a_pause_does_not_stop_what_flows() public {
        _choose(berlin, 1 hours);
        _credit(berlin, 3_600);
        _pause(15);
        _choose(boston, 1 hours);
        vm.warp(START + 60);
        assertEq(streams.withdraw(berlin), 60);
    }

    function test_only_the_payers_credit_and_only_what_is_there() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.PayoutStreams_NotPayer.selector, stranger));
        streams.credit(berlin, 0);
        _giveUSDC(address(streams), 5);
        vm.startPrank(address(claims));
        streams.credit(berlin, 4);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.PayoutStreams_NotFunded.selector, 5, 6));
        streams.credit(boston, 2);
        vm.stopPrank();
        assertTrue(streams.isPayer(address(splitter)));
    }

    function test_a_time_is_zero_or_between_an_hour_and_a_year() public {
        uint32[2] memory bad = [uint32(1 hours - 1), 366 days + 1];
        for (uint256 i; i < 2; ++i) {
            vm.prank(berlin);
            vm.expectRevert(
                abi.encodeWithSelector(
                    RewardErrors.PayoutStreams_BadDuration.selector, bad[i], uint32(1 hours), uint32(366 days)
                )
            );
            streams.choose(bad[i]);
        }
        _choose(berlin, 366 days);
        assertEq(streams.durationOf(berlin), 366 days);
    }

    function test_an_amount_above_128_bits_is_refused_by_what_is_held() public {
        vm.prank(address(splitter));
        vm.expectRevert(
            abi.encodeWithSelector(RewardErrors.PayoutStreams_NotFunded.selector, 0, uint256(1) << 128)
        );
        streams.credit(berlin, uint256(1) << 128);
    }
}
