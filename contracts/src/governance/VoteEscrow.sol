// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";
import {Errors} from "../common/Errors.sol";
import {Payments, Permit} from "../common/Payments.sol";
import {IVoteEscrow, Lock} from "../interfaces/IVoteEscrow.sol";

/// @title VoteEscrow
/// @notice Locks GOV for a time; votes are the amount by the time that is left.
/// @dev It has no parameters and holds what people own, so nobody governs it. Locks end at multiples of a week, so that a
/// total of an earlier moment follows from the last change before it and from what ended in the weeks between.
contract VoteEscrow is IVoteEscrow, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;
    using Payments for IERC20;

    /// @dev All locks at a moment. Two storage slots.
    struct Total {
        /// unix seconds
        uint48 since;
        /// sum of the amounts of locks that have not ended
        uint128 locked;
        /// sum of amount x end of the same locks
        uint256 weighted;
    }

    /// @notice Locks end at multiples of this, seconds.
    uint48 public constant WEEK = 7 days;
    /// @notice The longest lock, seconds.
    uint48 public constant MAXIMUM_LOCK = 208 * WEEK;

    IERC20 public immutable GOV;

    /// @inheritdoc IVoteEscrow
    uint256 public owed;

    mapping(address account => Lock[]) private _locks;
    Total[] private _totals;
    mapping(uint256 end => uint256) private _endingAt;

    constructor(IERC20 gov) {
        GOV = gov;
    }

    // ---------------------------------------------------------------- locking

    /// @inheritdoc IVoteEscrow
    function lock(uint256 amount, uint48 end, Permit calldata permit) external nonReentrant {
        end -= end % WEEK;
        Lock memory before = lockOf(msg.sender);
        if (before.amount != 0 && before.end <= block.timestamp) {
            revert Errors.VoteEscrow_Ended(msg.sender, before.end);
        }
        if (end <= block.timestamp || end > block.timestamp + MAXIMUM_LOCK || end < before.end) {
            revert Errors.VoteEscrow_BadEnd(end);
        }
        if (amount == 0 && (before.amount == 0 || end == before.end)) {
            revert Errors.VoteEscrow_NothingToLock();
        }

        Lock memory later = Lock(clock(), end, (before.amount + amount).toUint128());
        owed += amount;
        _pushLock(msg.sender, later);
        _pushTotal(before, later);
        emit Locked(msg.sender, later.amount, end);

        GOV.pull(msg.sender, address(this), amount, permit);
    }

    /// @inheritdoc IVoteEscrow
    function withdraw(address account) external nonReentrant returns (uint256 amount) {
        Lock memory l = lockOf(account);
        amount = l.amount;
        if (amount == 0) revert Errors.VoteEscrow_NothingLocked(account);
        if (block.timestamp < l.end) revert Errors.VoteEscrow_NotEnded(account, l.end);

        // The totals lost it when it ended.
        owed -= amount;
        _pushLock(account, Lock(clock(), 0, 0));
        emit Unlocked(account, amount);

        GOV.safeTransfer(account, amount);
    }

    // ---------------------------------------------------------------- votes

    /// @inheritdoc IVoteEscrow
    function getVotes(address account) external view returns (uint256) {
        return _votes(lockOf(account), block.timestamp);
    }

    /// @inheritdoc IVoteEscrow
    function getPastVotes(address account, uint256 timepoint) external view returns (uint256) {
        _requirePast(timepoint);
        Lock[] storage locks = _locks[account];
        (uint256 low, uint256 high) = (0, locks.length);
        while (low < high) {
            uint256 middle = Math.average(low, high);
            if (locks[middle].since > timepoint) high = middle;
            else low = middle + 1;
        }
        return low == 0 ? 0 : _votes(locks[low - 1], timepoint);
    }

    /// @inheritdoc IVoteEscrow
    function getPastTotalSupply(uint256 timepoint) external view returns (uint256) {
        _requirePast(timepoint);
        (uint256 low, uint256 high) = (0, _totals.length);
        while (low < high) {
            uint256 middle = Math.average(low, high);
            if (_totals[middle].since > timepoint) high = middle;
            else low = middle + 1;
        }
        if (low == 0) return 0;
        Total memory t = _at(_totals[low - 1], timepoint);
        return (t.weighted - t.locked * timepoint) / MAXIMUM_LOCK;
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IVoteEscrow
    function lockOf(address account) public view returns (Lock memory) {
        Lock[] storage locks = _locks[account];
        uint256 count = locks.length;
        return count == 0 ? Lock(0, 0, 0) : locks[count - 1];
    }

    /// @notice The clock by which votes are counted: unix seconds.
    function clock() public view returns (uint48) {
        return Time.timestamp();
    }

    /// @notice The clock's description (ERC-6372).
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() external pure returns (string memory) {
        return "mode=timestamp";
    }

    // ---------------------------------------------------------------- internal

    function _requirePast(uint256 timepoint) private view {
        if (timepoint >= block.timestamp) revert Errors.VoteEscrow_NotPast(timepoint, clock());
    }

    /// @dev 128 + 48 bits at most.
    function _votes(Lock memory l, uint256 time) private pure returns (uint256) {
        return time < l.end ? l.amount * (l.end - time) / MAXIMUM_LOCK : 0;
    }

    /// @dev What `t` has become at `time`: without the locks that ended since. No lock ends later than 208 weeks after
    /// `t`, and with the last one nothing is left, so this ends.
    function _at(Total memory t, uint256 time) private view returns (Total memory) {
        uint256 week = t.since - t.since % WEEK + WEEK;
        for (; week <= time && t.locked != 0; week += WEEK) {
            uint256 ending = _endingAt[week];
            t.locked -= ending.toUint128();
            t.weighted -= ending * week;
        }
        t.since = time.toUint48();
        return t;
    }

    function _pushLock(address account, Lock memory l) private {
        Lock[] storage locks = _locks[account];
        uint256 count = locks.length;
        if (count != 0 && locks[count - 1].since == l.since) locks[count - 1] = l;
        else locks.push(l);
    }

    /// @dev Replaces one lock by another in the totals and in what ends when.
    function _pushTotal(Lock memory before, Lock memory later) private {
        uint256 count = _totals.length;
        Total memory t;
        if (count != 0) t = _at(_totals[count - 1], block.timestamp);
        t.since = clock();
        t.locked = t.locked - before.amount + later.amount;
        t.weighted = t.weighted - uint256(before.amount) * before.end + uint256(later.amount) * later.end;
        _endingAt[before.end] -= before.amount;
        _endingAt[later.end] += later.amount;
        if (count != 0 && _totals[count - 1].since == t.since) _totals[count - 1] = t;
        else _totals.push(t);
    }
}
