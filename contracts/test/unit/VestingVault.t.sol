// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Errors} from "../../src/common/Errors.sol";
import {Kinds} from "../../src/common/Kinds.sol";
import {RewardErrors} from "../../src/common/RewardErrors.sol";
import {Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {MintRequest} from "../../src/interfaces/IDatasetToken.sol";
import {IVestingVault, Vesting} from "../../src/interfaces/IVestingVault.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {VestingVault} from "../../src/rewards/VestingVault.sol";
import {HookedToken} from "../support/HostileTokens.sol";
import {RewardsScene} from "../support/RewardsScene.sol";

contract VestingVaultTest is RewardsScene {
    uint48 private constant T0 = uint48(START);
    uint48 private constant YEAR = 365 days;

    address private ada = makeAddr("Ada");

    function _open(uint256 amount, uint48 start, uint48 cliff, uint48 end, uint256 datasetId)
        private
        returns (uint256)
    {
        _giveData(address(vault), amount);
        vm.prank(address(timelock));
        return vault.open(ada, amount, start, cliff, end, datasetId);
    }

    function _refuse(string memory part, address to, uint256 amount, uint48 start, uint48 cliff, uint48 end)
        private
    {
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.VestingVault_BadTerms.selector, part));
        vault.open(to, amount, start, cliff, end, 0);
    }

    // ---------------------------------------------------------------- time

    function test_a_team_share_waits_for_its_cliff_and_is_whole_at_its_end() public {
        uint256 id = _open(400e18, T0, T0 + YEAR, T0 + 4 * YEAR, 0);
        vm.warp(T0 + YEAR - 1);
        assertEq(vault.releasable(id), 0);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.VestingVault_NothingToRelease.selector, id));
        vault.release(id);

        vm.warp(T0 + YEAR);
        vm.prank(stranger);
        assertEq(vault.release(id), 100e18);
        assertEq(data.balanceOf(ada), 100e18);
        vm.warp(T0 + 4 * YEAR);
        assertEq(vault.release(id), 300e18);
        assertEq(data.balanceOf(ada), 400e18);
        assertEq(vault.owed(), 0);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.VestingVault_NothingToRelease.selector, id));
        vault.release(id);
    }

    function testFuzz_what_is_released_is_the_linear_part_however_often_it_is_asked_for(
        uint104 total,
        uint48 term,
        uint48[8] memory pauses
    ) public {
        total = uint104(bound(total, 1, GENESIS));
        term = uint48(bound(term, 1, 20 * YEAR));
        uint256 id = _open(total, T0, T0, T0 + term, 0);
        uint256 time = T0;
        uint256 paid;
        for (uint256 i; i < pauses.length; ++i) {
            time += pauses[i] % (uint256(term) / 4 + 1);
            vm.warp(time);
            if (vault.releasable(id) != 0) paid += vault.release(id);
            uint256 passed = time - T0 > term ? term : time - T0;
            assertEq(paid, uint256(total) * passed / term);
            assertEq(vault.owed(), total - paid);
            assertEq(data.balanceOf(address(vault)), vault.owed());
        }
        vm.warp(T0 + term);
        if (vault.releasable(id) != 0) paid += vault.release(id);
        assertEq(paid, total);
    }

    function test_one_unit_is_paid_at_the_very_end() public {
        uint256 id = _open(1, T0, T0, T0 + YEAR, 0);
        vm.warp(T0 + YEAR - 1);
        assertEq(vault.releasable(id), 0);
        vm.warp(T0 + YEAR);
        assertEq(vault.release(id), 1);
    }

    function test_a_vesting_that_begins_later_gives_nothing_before() public {
        uint256 id = _open(100, T0 + YEAR, T0 + YEAR, T0 + 2 * YEAR, 0);
        assertEq(vault.releasable(id), 0);
        vm.warp(T0 + YEAR + YEAR / 2);
        assertEq(vault.releasable(id), 50);
    }

    // ---------------------------------------------------------------- use

    function test_no_use_no_release_and_after_the_first_use_what_time_has_vested() public {
        uint256 dataset = _pooled(berlin);
        uint256 id = _open(365e18, T0, T0, T0 + YEAR, dataset);
        vm.warp(T0 + 100 days);
        assertEq(vault.releasable(id), 0);

        uint256 job = _settledJob(berlin, dataset);
        assertEq(vault.usedAt(dataset), 0);
        _recordUse(dataset, job);
        assertEq(vault.usedAt(dataset), block.timestamp);
        assertEq(vault.releasable(id), 100e18);
        vm.expectRevert(
            abi.encodeWithSelector(
                RewardErrors.VestingVault_AlreadyUsed.selector, dataset, uint64(block.timestamp)
            )
        );
        this.recordUse(dataset, job);
    }

    function recordUse(uint256 dataset, uint256 job) external {
        _recordUse(dataset, job);
    }

    function test_the_use_of_a_later_version_counts_and_that_of_an_earlier_one_does_not() public {
        uint256 first = _pooled(berlin);
        MintRequest memory r = _mintRequest(1, 5_000, 1_000);
        r.parent = first;
        uint256 second = _mint(berlin, r);
        _deposit(berlin, second, _neutral());
        uint256 other = _pooled(boston);

        uint256 early = _settledJob(berlin, first);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.VestingVault_NotAUse.selector, second, early));
        this.recordUse(second, early);
        uint256 late = _settledJob(berlin, second);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.VestingVault_NotAUse.selector, other, late));
        this.recordUse(other, late);
        _recordUse(first, late);
        assertTrue(vault.usedAt(first) != 0);
    }

    function test_a_descent_longer_than_sixteen_versions_is_not_followed() public {
        uint256 first = _mint(berlin);
        uint256 last = first;
        uint256 second;
        for (uint256 i; i < 17; ++i) {
            MintRequest memory r = _mintRequest(1, 5_000, 1_000);
            r.parent = last;
            last = _mint(berlin, r);
            if (i == 0) second = last;
        }
        _deposit(berlin, last, _neutral());
        uint256 job = _settledJob(berlin, last);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.VestingVault_NotAUse.selector, first, job));
        this.recordUse(first, job);
        _recordUse(second, job);
        assertTrue(vault.usedAt(second) != 0);
    }

    function test_a_job_that_was_not_settled_or_a_study_without_approval_is_no_use() public {
        uint256 dataset = _pooled(berlin);
        uint256 job = _ask(researcher, _buy(researcher, _ids(dataset), 1), _ids(dataset));
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.VestingVault_NotAUse.selector, dataset, job));
        this.recordUse(dataset, job);
        _answer(berlin, job);
        Proof memory proof =
            _proof(Kinds.USE, bytes32(dataset), keccak256(abi.encode(dataset, job, bytes32(0))));
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.VestingVault_NotAUse.selector, dataset, job));
        vault.recordUse(dataset, job, 0, proof);
    }

    function test_a_use_that_nobody_attested_is_refused() public {
        uint256 dataset = _pooled(berlin);
        uint256 job = _settledJob(berlin, dataset);
        bytes32 attested = keccak256(abi.encode(dataset, job, bytes32("other")));
        Proof memory proof = _proof(Kinds.USE, bytes32(dataset), attested);
        vm.expectRevert(
            abi.encodeWithSelector(
                Errors.AttestationOracle_WrongStatement.selector, Kinds.USE, bytes32(dataset), attested
            )
        );
        vault.recordUse(dataset, job, "approval", proof);
    }

    function test_a_pause_stops_neither_recording_a_use_nor_paying() public {
        uint256 dataset = _pooled(berlin);
        uint256 id = _open(100, T0, T0, T0 + 100, dataset);
        uint256 job = _settledJob(berlin, dataset);
        _pause(15);
        vm.warp(T0 + 50);
        _recordUse(dataset, job);
        assertEq(vault.release(id), 50);
    }

    // ---------------------------------------------------------------- opening

    function test_terms_that_make_no_sense_are_refused() public {
        _giveData(address(vault), 10);
        _refuse("beneficiary", address(0), 1, T0, T0, T0 + 1);
        _refuse("amount", ada, 0, T0, T0, T0 + 1);
        _refuse("end", ada, 1, T0, T0, T0);
        _refuse("cliff", ada, 1, T0, T0 - 1, T0 + 1);
        _refuse("cliff", ada, 1, T0, T0 + 2, T0 + 1);
    }

    function test_it_promises_no_more_than_it_holds() public {
        _open(100, T0, T0, T0 + 1, 0);
        _giveData(address(vault), 9);
        vm.startPrank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.VestingVault_NotFunded.selector, 109, 110));
        vault.open(ada, 10, T0, T0, T0 + 1, 0);
        vault.open(ada, 9, T0, T0, T0 + 1, 0);
        vm.stopPrank();
        assertEq(vault.owed(), 109);
    }

    function test_an_amount_above_104_bits_is_refused() public {
        HugeToken huge = new HugeToken();
        VestingVault other =
            new VestingVault(address(manager), IERC20(address(huge)), oracle, compute, datasets);
        vm.prank(address(timelock));
        vm.expectRevert(
            abi.encodeWithSelector(SafeCast.SafeCastOverflowedUintDowncast.selector, 104, uint256(1) << 104)
        );
        other.open(ada, uint256(1) << 104, T0, T0, T0 + 1, 0);
    }

    function test_only_rewarders_open() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        vault.open(ada, 1, T0, T0, T0 + 1, 0);
    }

    function test_a_vesting_shows_its_terms_and_an_unknown_one_reverts() public {
        uint256 id = _open(5, T0, T0 + 1, T0 + 2, 7);
        Vesting memory v = vault.vesting(id);
        assertEq(v.beneficiary, ada);
        assertEq(v.start, T0);
        assertEq(v.cliff, T0 + 1);
        assertEq(v.end, T0 + 2);
        assertEq(v.total, 5);
        assertEq(v.released, 0);
        assertEq(v.datasetId, 7);
        assertEq(vault.vestingCount(), 1);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.VestingVault_Unknown.selector, 2));
        vault.vesting(2);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.VestingVault_NothingToRelease.selector, 2));
        vault.release(2);
    }

    function test_a_beneficiary_that_calls_back_is_paid_once() public {
        HookedToken token = new HookedToken();
        VestingVault other =
            new VestingVault(address(manager), IERC20(address(token)), oracle, compute, datasets);
        token.mint(address(other), 100);
        vm.prank(address(timelock));
        uint256 id = other.open(ada, 100, T0, T0, T0 + 10, 0);
        vm.warp(T0 + 5);
        token.onTransfer(address(other), abi.encodeCall(IVestingVault.release, (id)));
        other.release(id);
        assertTrue(token.calledBack());
        assertFalse(token.succeeded());
        assertEq(token.balanceOf(ada), 50);
        assertEq(other.owed(), 50);
    }
}

/// @notice A token of which everybody holds the maximum.
contract HugeToken {
    function balanceOf(address) external pure returns (uint256) {
        return type(uint256).max;
    }
}
