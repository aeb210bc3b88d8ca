// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title IDues
/// @notice Money that a contract holds for others. What cannot be sent waits for its owner, so that a token that refuses
/// one account keeps nobody else.
interface IDues {
    /// @notice USDC was paid out, 1e6 units.
    event Paid(address indexed account, uint256 amount);
    /// @notice USDC could not be sent and waits for `withdrawDue`, 1e6 units.
    event Credited(address indexed account, uint256 amount);

    /// @notice Sends what waits for an account. Anyone may call, never paused; reverts when nothing waits.
    /// @return amount paid, 1e6 USDC units
    function withdrawDue(address account) external returns (uint256 amount);

    /// @notice What waits for an account, 1e6 USDC units.
    function due(address account) external view returns (uint256);

    /// @notice Everything that this contract holds for others, 1e6 USDC units. It always has at least this much.
    function owed() external view returns (uint256);
}
