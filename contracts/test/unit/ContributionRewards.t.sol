// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Errors} from "../../src/common/Errors.sol";
import {Kinds} from "../../src/common/Kinds.sol";
import {RewardErrors} from "../../src/common/RewardErrors.sol";
import {Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {Contribution, RewardTerms} from "../../src/interfaces/IContributionRewards.sol";
import {RewardsScene} from "../support/RewardsScene.sol";

contract ContributionRewardsTest is RewardsScene {
    address private ada;
    uint256 private dataset;
    uint256 private contents;

    function setUp() public override {
        super.setUp();
        ada = _join("Ada");
        dataset = _pooled(berlin);
    }

    function _next() private returns (Contribution memory) {
        return _contribution(ada, bytes32(++contents), dataset);
    }

    /// @dev Called from outside, so that the expected revert is that of the reward and not of what prepares it.
    function give(Contribution memory c) external returns (uint256) {
        return _reward(c);
    }

    function _refuse(Contribution memory c, bytes memory reason) private {
        vm.expectRevert(reason);
        this.give(c);
    }

    function _refusePart(Contribution memory c, string memory part) private {
        _refuse(c, abi.encodeWithSelector(RewardErrors.ContributionRewards_BadContribution.selector, part));
    }

    // ---------------------------------------------------------------- points

    function test_points_are_quality_times_rarity_plus_a_bonus_for_each_week_in_a_row() public {
        assertEq(_reward(_next()), 12_000);
        vm.warp(START + 7 days);
        assertEq(_reward(_next()), 12_100);
        vm.warp(START + 14 days);
        assertEq(_reward(_next()), 12_200);
        (uint64 last, uint32 row) = rewards.rowOf(_personOf("Ada"), "clinic");
        assertEq(last, START + 14 days);
        assertEq(row, 3);
        assertEq(rewards.totalPoints(_personOf("Ada")), 36_300);
    }

    function test_a_break_longer_than_the_gap_begins_a_new_row() public {
        _reward(_next());
        vm.warp(START + 30 days);
        assertEq(_reward(_next()), 12_100);
        vm.warp(START + 60 days + 1);
        assertEq(_reward(_next()), 12_000);
    }

    function test_the_bonus_stops_growing_after_its_steps() public {
        RewardTerms memory t = _rewardTerms();
        t.bonusSteps = 2;
        vm.prank(address(timelock));
        rewards.setTerms(t);
        uint256[5] memory expected = [uint256(12_000), 12_100, 12_200, 12_200, 12_200];
        for (uint256 i; i < 5; ++i) {
            vm.warp(START + i * 7 days);
            assertEq(rewards.pointsOf(_personOf("Ada"), "clinic", 8_000, 15_000), expected[i]);
            assertEq(_reward(_next()), expected[i]);
        }
    }

    function test_a_table_of_cases_to_the_last_digit() public view {
        uint16[6] memory qualities = [uint16(10_000), 9_999, 1, 1, 0, 10_000];
        uint32[6] memory rarities = [uint32(10_000), 10_001, 9_999, 10_000, 50_000, 50_000];
        uint256[6] memory points = [uint256(10_000), 9_999, 0, 1, 0, 50_000];
        uint256[6] memory immediate = [uint256(4e18), 3.9996e18, 0, 0.0004e18, 0, 20e18];
        uint256[6] memory vested = [uint256(6e18), 5.9994e18, 0, 0.0006e18, 0, 30e18];
        for (uint256 i; i < 6; ++i) {
            uint256 p = rewards.pointsOf(0, 0, qualities[i], rarities[i]);
            assertEq(p, points[i]);
            (uint256 now_, uint256 later) = rewards.amountOf(p);
            assertEq(now_, immediate[i]);
            assertEq(later, vested[i]);
        }
    }

    function testFuzz_amounts_follow_the_terms_and_nothing_is_lost_between_the_parts(
        uint16 quality,
        uint32 rarity,
        uint128 rate,
        uint16 immediateBps
    ) public {
        RewardTerms memory t = _rewardTerms();
        t.rate = uint128(bound(rate, 1e5, 100e18));
        t.immediateBps = uint16(bound(immediateBps, 0, 10_000));
        vm.prank(address(timelock));
        rewards.setTerms(t);
        Contribution memory c = _next();
        c.quality = uint16(bound(quality, 1, 10_000));
        c.rarity = uint32(bound(rarity, 10_000, t.maximumRarity));

        uint256 points = _reward(c);
        assertEq(points, uint256(c.quality) * c.rarity / 10_000);
        uint256 amount = points * t.rate / 10_000;
        uint256 immediate = amount * t.immediateBps / 10_000;
        assertEq(data.balanceOf(ada), immediate);
        assertEq(data.balanceOf(address(vault)), amount - immediate);
        assertEq(vault.owed(), amount - immediate);
        assertEq(data.totalSupply(), GENESIS + amount);
        assertEq(rewards.reserve(), 0);
    }

    // ---------------------------------------------------------------- DATA

    function test_a_part_is_paid_at_once_and_the_rest_waits_for_the_first_use() public {
        _reward(_next());
        assertEq(data.balanceOf(ada), 4.8e18);
        assertEq(vault.vesting(1).total, 7.2e18);
        assertEq(vault.vesting(1).beneficiary, ada);
        vm.warp(START + 365 days);
        assertEq(vault.releasable(1), 0);
        vm.warp(START + 73 days);
        _recordUse(dataset, _settledJob(berlin, dataset));
        assertEq(vault.release(1), 1.44e18);
        assertEq(data.balanceOf(ada), 6.24e18);
    }

    function test_all_at_once_opens_no_vesting_and_all_later_pays_nothing_now() public {
        RewardTerms memory t = _rewardTerms();
        t.immediateBps = 10_000;
        vm.prank(address(timelock));
        rewards.setTerms(t);
        _reward(_next());
        assertEq(data.balanceOf(ada), 12e18);
        assertEq(vault.vestingCount(), 0);

        t.immediateBps = 0;
        vm.prank(address(timelock));
        rewards.setTerms(t);
        vm.warp(START + 7 days);
        _reward(_next());
        assertEq(data.balanceOf(ada), 12e18);
        assertEq(vault.owed(), 12.1e18);
    }

    function test_what_it_holds_is_spent_before_anything_is_minted() public {
        _giveData(address(rewards), 20e18);
        _reward(_next());
        assertEq(data.totalSupply(), GENESIS);
        assertEq(rewards.reserve(), 8e18);
        vm.warp(START + 7 days);
        _reward(_next());
        assertEq(rewards.reserve(), 0);
        assertEq(data.totalSupply(), GENESIS + 4.1e18);
    }

    function test_above_the_yearly_cap_nothing_is_spent_and_the_reward_can_be_had_next_year() public {
        vm.prank(address(timelock));
        data.mint(stranger, YEARLY - 12e18 + 1);
        Contribution memory c = _next();
        _refuse(
            c, abi.encodeWithSelector(Errors.DataToken_AboveYearlyCap.selector, 12e18, uint256(12e18 - 1))
        );
        assertFalse(rewards.isRewarded(c.contentHash));
        vm.warp(START + 365 days);
        _reward(c);
        assertTrue(rewards.isRewarded(c.contentHash));
        assertEq(data.balanceOf(ada), 4.8e18);
    }

    // ---------------------------------------------------------------- refusals

    function test_seven_days_lie_between_two_rewards_of_a_person_and_source() public {
        _reward(_next());
        vm.warp(START + 7 days - 1);
        _refuse(
            _next(),
            abi.encodeWithSelector(
                RewardErrors.ContributionRewards_CoolingDown.selector, bytes32("clinic"), START + 7 days
            )
        );
        // Another source has a cool-down of its own.
        Contribution memory watch = _next();
        watch.source = "watch";
        _reward(watch);
    }

    function test_a_new_wallet_does_not_end_the_cool_down() public {
        _reward(_next());
        vm.prank(ada);
        membership.resign();
        _refuse(_next(), abi.encodeWithSelector(RewardErrors.ContributionRewards_NotMember.selector, ada));
        _join("Ada");
        _refuse(
            _next(),
            abi.encodeWithSelector(
                RewardErrors.ContributionRewards_CoolingDown.selector, bytes32("clinic"), START + 7 days
            )
        );
    }

    function test_the_same_content_is_rewarded_once_whoever_brings_it() public {
        Contribution memory c = _next();
        _reward(c);
        vm.warp(START + 8 days);
        c.member = _join("Grace");
        _refuse(
            c,
            abi.encodeWithSelector(RewardErrors.ContributionRewards_AlreadyRewarded.selector, c.contentHash)
        );
    }

    function test_parts_out_of_bounds_are_refused() public {
        Contribution memory c = _next();
        c.source = 0;
        _refusePart(c, "source");
        c = _next();
        c.contentHash = 0;
        _refusePart(c, "contentHash");
        c = _next();
        c.datasetId = 0;
        _refusePart(c, "datasetId");
        c = _next();
        c.quality = 10_001;
        _refusePart(c, "quality");
        c = _next();
        c.rarity = 50_001;
        _refusePart(c, "rarity");
        c = _next();
        c.quality = 0;
        _refuse(c, abi.encodeWithSelector(RewardErrors.ContributionRewards_NothingEarned.selector, 0));
    }

    function test_an_attestation_of_another_contribution_is_refused() public {
        Contribution memory c = _next();
        bytes32 attested = keccak256(abi.encode(c));
        Proof memory proof = _proof(Kinds.POINTS, _personOf("Ada"), attested);
        c.quality = 10_000;
        vm.expectRevert(
            abi.encodeWithSelector(
                Errors.AttestationOracle_WrongStatement.selector, Kinds.POINTS, _personOf("Ada"), attested
            )
        );
        rewards.reward(c, proof);
    }

    function test_a_pause_of_minting_stops_rewards() public {
        _pause(1);
        _refuse(_next(), abi.encodeWithSelector(Errors.CircuitBreaker_Paused.selector, 1, START + 7 days));
    }

    // ---------------------------------------------------------------- governance

    function test_governance_sets_terms_inside_their_bounds() public {
        RewardTerms memory t = _rewardTerms();
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        rewards.setTerms(t);

        t.immediateBps = 10_001;
        _refuseTerms(t, "immediateBps");
        t = _rewardTerms();
        t.vestingTerm = 0;
        _refuseTerms(t, "vestingTerm");
        t.vestingTerm = 10 * 365 days + 1;
        _refuseTerms(t, "vestingTerm");
        t = _rewardTerms();
        t.bonusGap = 7 days;
        _refuseTerms(t, "bonusGap");
        t = _rewardTerms();
        t.maximumRarity = 0;
        _refuseTerms(t, "maximumRarity");

        t = _rewardTerms();
        t.rate = 7;
        vm.prank(address(timelock));
        rewards.setTerms(t);
        assertEq(rewards.terms().rate, 7);
    }

    function _refuseTerms(RewardTerms memory t, string memory part) private {
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ContributionRewards_BadTerms.selector, part));
        rewards.setTerms(t);
    }
}
