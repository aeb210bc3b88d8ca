// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC6372} from "@openzeppelin/contracts/interfaces/IERC6372.sol";
import {Permit} from "../common/Payments.sol";

/// @notice What somebody has locked. One storage slot.
struct Lock {
    /// unix seconds, since when it stands like this
    uint48 since;
    /// unix seconds, when it ends: a multiple of a week
    uint48 end;
    /// 1e18 units of GOV
    uint128 amount;
}

/// @title IVoteEscrow
/// @notice Locks GOV for a time; votes are the amount by the time that is left.
/// @dev votes(t) = amount x (end - t) / 208 weeks, rounded down, zero from the end on. All votes together are the same of
/// the sums over all locks, rounded down once, so that they are never below the sum of the parts and above it by less than
/// one unit for each lock. Times are unix seconds. Votes cannot be given away, sold or lent. Nothing here can be paused.
interface IVoteEscrow is IERC6372 {
    /// @notice A lock was made, raised or prolonged; `amount` is what it holds now, 1e18 units, `end` unix seconds.
    event Locked(address indexed account, uint256 amount, uint48 end);
    /// @notice A lock that had ended was paid back, 1e18 units.
    event Unlocked(address indexed account, uint256 amount);

    /// @notice Locks more GOV of the caller, or for longer, or both.
    /// @dev Reverts when neither would change, when the end is not ahead, more than 208 weeks ahead or before that of the
    /// present lock, and when the present lock has ended and waits to be withdrawn.
    /// @param amount 1e18 units to add; may be zero
    /// @param end unix seconds, rounded down to a week
    /// @param permit the caller's allowance of GOV to this contract; zero `value` when there is one already
    function lock(uint256 amount, uint48 end, Permit calldata permit) external;

    /// @notice Pays back a lock that has ended. Anyone may call. The owner's standing is not asked: what was locked goes
    /// back to who locked it.
    /// @return amount paid, 1e18 units
    function withdraw(address account) external returns (uint256 amount);

    /// @notice An account's votes now.
    function getVotes(address account) external view returns (uint256);

    /// @notice An account's votes at a time that is over. Reverts for the present and the future.
    function getPastVotes(address account, uint256 timepoint) external view returns (uint256);

    /// @notice All votes at a time that is over. Reverts for the present and the future. Walks over at most 208 weeks.
    function getPastTotalSupply(uint256 timepoint) external view returns (uint256);

    /// @notice What an account has locked; all zero when it never did.
    function lockOf(address account) external view returns (Lock memory);

    /// @notice All GOV that is held for accounts, 1e18 units. The contract always holds at least this much.
    function owed() external view returns (uint256);
}
