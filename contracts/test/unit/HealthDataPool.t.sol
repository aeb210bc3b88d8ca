// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {PartyRoles, Scopes} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {Value} from "../../src/interfaces/IHealthDataPool.sol";
import {Scene} from "../support/Scene.sol";

contract HealthDataPoolTest is Scene {
    /// @dev Yield as the splitter brings it.
    function _yield(uint256 amount) private {
        _giveUSDC(address(pool), amount);
        vm.prank(address(splitter));
        pool.notifyYield(amount);
    }

    // ---------------------------------------------------------------- deposits

    function test_a_deposit_mints_a_share_per_person_and_locks_the_dataset() public {
        uint256 id = _mint(berlin);
        uint256 shares = _deposit(berlin, id, _neutral());
        assertEq(shares, 1_000e18);
        assertEq(share.balanceOf(berlin), 1_000e18);
        assertEq(datasets.ownerOf(id), address(pool));
        assertTrue(pool.isLive(id));
        assertEq(pool.depositOf(id).depositor, berlin);
        assertEq(pool.depositOf(id).shares, shares);
    }

    function testFuzz_shares_are_persons_times_the_score_rounded_down(
        uint64 persons,
        uint16 c,
        uint16 f,
        uint16 r,
        uint16 p
    ) public {
        persons = uint64(bound(persons, 1, type(uint64).max));
        Value memory v = Value(
            uint16(bound(c, 1, SCORE_CAP)),
            uint16(bound(f, 1, SCORE_CAP)),
            uint16(bound(r, 1, SCORE_CAP)),
            uint16(bound(p, 1, SCORE_CAP))
        );
        uint256 id = _mint(berlin, _mintRequest(1, 1, persons));
        uint256 shares = _deposit(berlin, id, v);
        uint256 exact = uint256(persons) * 100 * v.completeness * v.freshness * v.rarity * v.reputation;
        assertEq(shares, exact);
    }

    function test_a_score_of_zero_is_refused() public {
        uint256 id = _mint(berlin);
        Value memory v = Value(0, 10_000, 10_000, 10_000);
        Proof memory proof = _valueProof(id, v);
        vm.prank(berlin);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_NoShares.selector, id));
        pool.deposit(id, v, proof);
    }

    function test_a_part_outside_the_governed_bounds_is_refused() public {
        vm.prank(address(timelock));
        pool.setScoreBounds(5_000, 15_000);
        uint256 id = _mint(berlin);
        Value[4] memory values = [
            Value(4_999, 10_000, 10_000, 10_000),
            Value(10_000, 15_001, 10_000, 10_000),
            Value(10_000, 10_000, 4_999, 10_000),
            Value(10_000, 10_000, 10_000, 15_001)
        ];
        for (uint256 i; i < values.length; ++i) {
            Proof memory proof = _valueProof(id, values[i]);
            vm.prank(berlin);
            vm.expectPartialRevert(MarketErrors.HealthDataPool_ScoreOutOfBounds.selector);
            pool.deposit(id, values[i], proof);
        }
        assertEq(_deposit(berlin, id, Value(5_000, 15_000, 10_000, 10_000)), 750e18);
    }

    function test_only_the_datasets_custodian_deposits_it() public {
        uint256 id = _mint(berlin);
        Proof memory proof = _valueProof(id, _neutral());
        vm.prank(boston);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_NotCustodian.selector, id, boston));
        pool.deposit(id, _neutral(), proof);
    }

    function test_a_suspended_custodian_cannot_deposit_and_learns_why() public {
        uint256 id = _mint(berlin);
        Proof memory proof = _valueProof(id, _neutral());
        _suspend(berlin);
        vm.prank(berlin);
        vm.expectRevert(
            abi.encodeWithSelector(
                MarketErrors.HealthDataPool_NotInGoodStanding.selector, berlin, "suspended"
            )
        );
        pool.deposit(id, _neutral(), proof);
    }

    function test_a_dataset_in_the_pool_cannot_be_deposited_again() public {
        uint256 id = _pooled(berlin);
        Proof memory proof = _valueProof(id, _neutral());
        vm.prank(berlin);
        vm.expectRevert(abi.encodeWithSelector(Errors.DatasetToken_WrongHolder.selector, id, address(pool)));
        pool.deposit(id, _neutral(), proof);
    }

    function test_another_value_than_the_attested_one_is_refused() public {
        uint256 id = _mint(berlin);
        Proof memory proof = _valueProof(id, _neutral());
        vm.prank(berlin);
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        pool.deposit(id, Value(10_000, 10_000, 10_000, 10_001), proof);
    }

    function test_an_old_value_is_refused() public {
        vm.prank(address(timelock));
        pool.setMaximumValueAge(1 hours);
        uint256 id = _mint(berlin);
        Proof memory proof = _valueProof(id, _neutral());
        vm.warp(block.timestamp + 1 hours + 1);
        vm.prank(berlin);
        vm.expectRevert(
            abi.encodeWithSelector(
                MarketErrors.HealthDataPool_StaleValue.selector, proof.attestation.issuedAt, 1 hours
            )
        );
        pool.deposit(id, _neutral(), proof);
        vm.warp(block.timestamp - 1);
        vm.prank(berlin);
        pool.deposit(id, _neutral(), proof);
    }

    function test_deposits_can_be_paused_and_withdrawals_and_claims_cannot() public {
        uint256 id = _pooled(berlin);
        uint256 other = _mint(berlin);
        Proof memory proof = _valueProof(other, _neutral());
        _yield(100e6);
        _pause(Scopes.ALL);
        vm.prank(berlin);
        vm.expectPartialRevert(Errors.CircuitBreaker_Paused.selector);
        pool.deposit(other, _neutral(), proof);

        _announce(berlin, id);
        _withdraw(berlin, id);
        pool.claimRewards(berlin);
        assertEq(usdc.balanceOf(berlin), 100e6);
        assertEq(datasets.ownerOf(id), berlin);
    }

    // ---------------------------------------------------------------- withdrawals

    function test_a_withdrawal_burns_the_deposits_shares_and_returns_the_dataset() public {
        uint256 id = _pooled(berlin);
        uint256 other = _pooled(berlin);
        _announce(berlin, id);
        assertFalse(pool.isLive(id));
        _withdraw(berlin, id);
        assertEq(share.balanceOf(berlin), 1_000e18);
        assertEq(datasets.ownerOf(id), berlin);
        assertEq(pool.depositOf(id).depositor, address(0));
        assertTrue(pool.isLive(other));
    }

    function test_a_suspended_provider_withdraws_and_claims_all_the_same() public {
        uint256 id = _pooled(berlin);
        _yield(10e6);
        _suspend(berlin);
        _announce(berlin, id);
        _withdraw(berlin, id);
        pool.claimRewards(berlin);
        assertEq(usdc.balanceOf(berlin), 10e6);
    }

    function test_a_withdrawal_must_be_announced_once_and_by_the_depositor() public {
        uint256 id = _pooled(berlin);
        vm.startPrank(berlin);
        vm.expectRevert(
            abi.encodeWithSelector(MarketErrors.HealthDataPool_WithdrawalNotAnnounced.selector, id)
        );
        pool.withdraw(id);
        pool.announceWithdrawal(id);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_WithdrawalAnnounced.selector, id));
        pool.announceWithdrawal(id);
        vm.stopPrank();

        vm.startPrank(boston);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_NotDepositor.selector, id, boston));
        pool.announceWithdrawal(id);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_NotDepositor.selector, id, boston));
        pool.withdraw(id);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_NotDeposited.selector, 99));
        pool.withdraw(99);
        vm.stopPrank();
    }

    function test_who_gave_shares_away_needs_them_back_to_withdraw() public {
        uint256 id = _pooled(berlin);
        _transferShares(berlin, boston, 1e18);
        _announce(berlin, id);
        vm.prank(berlin);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, berlin, 999e18, 1_000e18)
        );
        pool.withdraw(id);
        _transferShares(boston, berlin, 1e18);
        _withdraw(berlin, id);
    }

    function test_a_withdrawn_dataset_can_come_back_with_a_new_value() public {
        uint256 id = _pooled(berlin);
        _announce(berlin, id);
        _withdraw(berlin, id);
        _deposit(berlin, id, Value(20_000, 10_000, 10_000, 10_000));
        assertEq(share.balanceOf(berlin), 2_000e18);
        assertTrue(pool.isLive(id));
    }

    // ---------------------------------------------------------------- yield

    function test_yield_is_shared_by_shares_and_not_with_later_joiners() public {
        _pooled(berlin);
        _yield(90e6);
        _pooled(boston);
        assertEq(pool.claimable(boston), 0);
        _yield(100e6);
        assertEq(pool.claimable(berlin), 140e6);
        assertEq(pool.claimable(boston), 50e6);
        assertEq(pool.owed(), 190e6);
        vm.prank(stranger);
        assertEq(pool.claimRewards(berlin), 140e6);
        assertEq(usdc.balanceOf(berlin), 140e6);
        assertEq(pool.owed(), 50e6);
    }

    function test_yield_earned_before_a_transfer_stays_with_who_earned_it() public {
        _pooled(berlin);
        _yield(60e6);
        _transferShares(berlin, boston, 500e18);
        _yield(40e6);
        assertEq(pool.claimable(berlin), 80e6);
        assertEq(pool.claimable(boston), 20e6);
    }

    function test_yield_without_shares_waits_for_the_next_deposit() public {
        _yield(7e6);
        assertEq(pool.owed(), 7e6);
        _pooled(berlin);
        assertEq(pool.claimable(berlin), 7e6);
    }

    function test_claiming_nothing_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_NothingToClaim.selector, berlin));
        pool.claimRewards(berlin);
    }

    function test_fractions_of_a_unit_are_never_lost() public {
        // Three equal holders and one unit at a time: each payment divides by three with a remainder.
        _register(stranger, PartyRoles.CUSTODIAN, "FR", 0);
        _pooled(berlin);
        _pooled(boston);
        _pooled(stranger);
        for (uint256 i; i < 30; ++i) {
            _yield(1);
        }
        // What cannot be given yet is below one accumulator unit per share, so each is short of 10 by less than a unit.
        uint256 claimable = pool.claimable(berlin) + pool.claimable(boston) + pool.claimable(stranger);
        assertGe(claimable, 27);
        pool.claimRewards(berlin);
        _yield(3);
        assertEq(pool.claimable(berlin) + usdc.balanceOf(berlin), pool.claimable(boston));
        assertEq(usdc.balanceOf(address(pool)), pool.owed());
    }

    /// @dev A reference that keeps each holder's exact claim as a fraction: with all deposits in place first, a holder's
    /// part of everything that ever came in is balance / supply, whenever it was settled in between.
    function testFuzz_all_yield_reaches_the_holders_but_a_unit_each(
        uint64[3] memory persons,
        uint64[6] memory amounts,
        uint256 claimsBits
    ) public {
        address[3] memory holders = [berlin, boston, stranger];
        _register(stranger, PartyRoles.CUSTODIAN, "FR", 0);
        uint256 supply;
        for (uint256 i; i < 3; ++i) {
            persons[i] = uint64(bound(persons[i], 1, 1e10));
            uint256 id = _mint(holders[i], _mintRequest(1, 1, persons[i]));
            supply += _deposit(holders[i], id, _neutral());
        }
        uint256 sum;
        for (uint256 i; i < 6; ++i) {
            _yield(amounts[i]);
            sum += amounts[i];
            address holder = holders[i % 3];
            if (claimsBits & (1 << i) != 0 && pool.claimable(holder) != 0) pool.claimRewards(holder);
        }
        uint256 total;
        for (uint256 i; i < 3; ++i) {
            uint256 got = usdc.balanceOf(holders[i]) + pool.claimable(holders[i]);
            uint256 exact = sum * persons[i] * 1e18 / supply;
            assertLe(got, exact);
            assertLe(exact, got + 1);
            total += got;
        }
        assertLe(total, sum);
        assertLe(sum, total + 3);
        assertEq(usdc.balanceOf(address(pool)), pool.owed());
    }

    /// @dev Looks into the pool's storage, at the fields `carry` (2) and `earned` (4) of its namespace.
    function testFuzz_not_a_fraction_of_yield_is_lost(uint64[3] memory persons, uint64[4] memory amounts)
        public
    {
        address[3] memory holders = [berlin, boston, stranger];
        _register(stranger, PartyRoles.CUSTODIAN, "FR", 0);
        uint256 sum;
        for (uint256 i; i < 3; ++i) {
            uint256 id = _mint(holders[i], _mintRequest(1, 1, uint64(bound(persons[i], 1, 1e10))));
            _deposit(holders[i], id, Value(9_973, 10_007, 9_941, 10_009));
            _yield(amounts[i]);
            sum += amounts[i];
            _transferShares(holders[0], holders[i], share.balanceOf(holders[0]) / 3);
        }
        _yield(amounts[3]);
        sum += amounts[3];

        bytes32 base = keccak256(abi.encode(uint256(keccak256("caduceus.storage.HealthDataPool")) - 1))
            & ~bytes32(uint256(0xff));
        uint256 scaled = uint256(vm.load(address(pool), bytes32(uint256(base) + 2)));
        for (uint256 i; i < 3; ++i) {
            // Moving nothing settles.
            _transferShares(holders[i], holders[i], 0);
            bytes32 slot = keccak256(abi.encode(holders[i], uint256(base) + 4));
            scaled += uint256(vm.load(address(pool), slot));
        }
        assertEq(scaled, sum * 1e36);
    }

    // ---------------------------------------------------------------- who may call

    function test_only_its_peers_drive_the_pool() public {
        uint256 id = _pooled(berlin);
        vm.startPrank(stranger);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_NotSplitter.selector, stranger));
        pool.notifyYield(1);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_NotShare.selector, stranger));
        pool.settle(berlin, boston);
        vm.expectRevert(
            abi.encodeWithSelector(MarketErrors.HealthDataPool_NotComputeMarket.selector, stranger)
        );
        pool.jobOpened(id);
        vm.expectRevert(
            abi.encodeWithSelector(MarketErrors.HealthDataPool_NotComputeMarket.selector, stranger)
        );
        pool.jobClosed(id);
        vm.stopPrank();
    }

    function test_no_job_opens_on_a_dataset_that_is_absent_or_leaves() public {
        uint256 id = _pooled(berlin);
        _announce(berlin, id);
        vm.startPrank(address(compute));
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_WithdrawalAnnounced.selector, id));
        pool.jobOpened(id);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_NotDeposited.selector, 99));
        pool.jobOpened(99);
        vm.stopPrank();
    }

    function test_parameters_that_would_stop_every_deposit_are_refused() public {
        vm.startPrank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_BadScoreBounds.selector, 2, 1));
        pool.setScoreBounds(2, 1);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_BadScoreBounds.selector, 0, 0));
        pool.setScoreBounds(0, 0);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_BadValueAge.selector, 3_599));
        pool.setMaximumValueAge(3_599);
        vm.stopPrank();
    }
}
