// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title ICircuitBreaker
/// @notice Stops new business for a short time. Leaving, revoking, withdrawing, claiming, refunds and voting never ask it.
/// @dev Scopes are bits of `Scopes`; several may be given at once where the argument is called `scopes`.
interface ICircuitBreaker {
    /// @notice A guardian paused the scopes until `until` (unix seconds).
    event Paused(uint256 scopes, uint64 until, address guardian);
    /// @notice A guardian ended its pause.
    event Lifted(uint256 scopes, address guardian);
    /// @notice Governance paused the scopes until `until` (unix seconds).
    event Extended(uint256 scopes, uint64 until);
    /// @notice Governance ended every pause of the scopes.
    event Reopened(uint256 scopes);

    /// @notice Pauses for `duration` seconds, at most 7 days. Guardian only. A scope can be paused again by a guardian
    /// only 7 days after its last guardian's pause ended.
    function pause(uint256 scopes, uint64 duration) external;

    /// @notice Ends a guardian's pause early; a pause by governance stays. Guardian only.
    function lift(uint256 scopes) external;

    /// @notice Pauses until a time ahead, unix seconds. Governance only.
    function extend(uint256 scopes, uint64 until) external;

    /// @notice Ends every pause of the scopes. Governance only.
    function reopen(uint256 scopes) external;

    /// @notice Whether the scope (one bit) is paused now.
    function isPaused(uint256 scope) external view returns (bool);

    /// @notice When the scope's latest pause ends or ended, unix seconds; zero when there was none.
    function pausedUntil(uint256 scope) external view returns (uint64);

    /// @notice Reverts with `CircuitBreaker_Paused(scope, until)` when the scope is paused.
    function requireLive(uint256 scope) external view;
}
