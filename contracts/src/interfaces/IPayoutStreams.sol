// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice What flows to an account. Two storage slots.
struct Stream {
    /// not flowed yet at `since`, 1e6 USDC units
    uint128 remaining;
    /// unix seconds, when this was last brought up to date
    uint48 since;
    /// unix seconds, when all has flowed
    uint48 end;
    /// flowed and not paid at `since`, 1e6 USDC units
    uint128 accrued;
    /// over how long what comes in from now on flows, seconds; zero for at once
    uint32 duration;
}

/// @title IPayoutStreams
/// @notice Pays what accounts are owed by the second instead of at once, for those who chose so.
/// @dev flowed(t) = accrued + remaining x (t - since) / (end - since), rounded down, all of it from `end` on. What comes in
/// while something flows joins it: the new end is the mean of what is left of both times, weighted by the amounts and
/// rounded up, so that a small payment can hardly delay a large one. Nothing here can be paused, changed or taken back.
interface IPayoutStreams {
    /// @notice An account chose over how long what it is owed flows, seconds; zero for at once.
    event DurationChosen(address indexed account, uint32 duration);
    /// @notice USDC came in for an account, 1e6 units, and all of it will have flowed at `end`, unix seconds.
    event Credited(address indexed account, uint256 amount, uint48 end);
    /// @notice What had flowed was paid, 1e6 USDC units.
    event Withdrawn(address indexed account, uint256 amount);

    /// @notice Chooses over how long what the caller is owed from now on flows: zero for at once, else one hour to 366 days.
    /// What flows already goes on as it does.
    function choose(uint32 duration) external;

    /// @notice Adds to what flows to an account; the amount was transferred here before the call, 1e6 units. The payers
    /// only. Its time is that which the account has chosen now.
    function credit(address account, uint256 amount) external;

    /// @notice Pays an account what has flowed. Anyone may call, never paused; reverts when it is nothing.
    /// @return amount paid, 1e6 USDC units
    function withdraw(address account) external returns (uint256 amount);

    /// @notice Over how long what an account is owed flows, seconds; zero for at once.
    function durationOf(address account) external view returns (uint32);

    /// @notice What an account can withdraw now, 1e6 USDC units.
    function flowed(address account) external view returns (uint256);

    /// @notice What flows to an account.
    function streamOf(address account) external view returns (Stream memory);

    /// @notice Everything credited and not paid, 1e6 USDC units. The contract always holds at least this much.
    function owed() external view returns (uint256);

    /// @notice Whether this contract credits accounts.
    function isPayer(address account) external view returns (bool);
}
