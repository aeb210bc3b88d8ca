// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Permit} from "../common/Payments.sol";

/// @notice What somebody has staked. Two storage slots.
struct Stake {
    /// counts for the boost, 1e18 units
    uint128 active;
    /// on its way out, counts no more, 1e18 units
    uint128 leaving;
    /// unix seconds, from when on what leaves can be withdrawn
    uint64 availableAt;
}

/// @title IProviderBoost
/// @notice Holds staked DATA, which raises the part of the pool's yield that a provider's shares earn.
/// @dev effective = min(s, 0.4 s + 0.6 S x stake / Stake) with s of S shares and stake of Stake staked, both terms rounded
/// down: between 0.4 s and s, so that the best boosted share earns 2.5 times what an unboosted one does. While nobody
/// stakes, all shares count 0.4 and earn alike. What is effective stands as of the last change of the account's own shares
/// or stake, or of the last `refresh` of the pool, which anyone may call.
/// WARNING: a stake stops to count when its leaving is announced and is locked for 7 days more, so that nobody can borrow
/// a boost for the moment in which yield comes in. Nothing here can be paused or changed.
interface IProviderBoost {
    /// @notice DATA was staked, 1e18 units.
    event Staked(address indexed provider, uint256 amount);
    /// @notice A part of a stake is leaving, 1e18 units; all that leaves is available from `availableAt`, unix seconds.
    event UnstakeAnnounced(address indexed provider, uint256 amount, uint64 availableAt);
    /// @notice What left was paid back, 1e18 units.
    event StakeWithdrawn(address indexed provider, uint256 amount);

    /// @notice Stakes the caller's DATA. Who may hold pool shares only; reverts on zero.
    /// @param amount 1e18 units
    /// @param permit the caller's allowance of DATA to this contract; zero `value` when there is one already
    function stake(uint256 amount, Permit calldata permit) external;

    /// @notice Takes a part of the caller's stake out of the boost at once; it can be withdrawn after 7 days. What was
    /// leaving already waits with it. Reverts on zero and above the stake.
    /// @param amount 1e18 units
    function announceUnstake(uint256 amount) external;

    /// @notice Pays a provider what has left. Anyone may call; reverts before its time and when there is nothing.
    /// @return amount paid, 1e18 units
    function withdraw(address provider) external returns (uint256 amount);

    /// @notice How many of `shares` out of `supply` earn yield for this provider, rounded down, all in 1e18 units.
    function effectiveShares(address provider, uint256 shares, uint256 supply) external view returns (uint256);

    /// @notice A provider's stake.
    function stakeOf(address provider) external view returns (Stake memory);

    /// @notice All that counts for boosts, 1e18 units.
    function totalStake() external view returns (uint256);

    /// @notice All that is held for providers, leaving parts included, 1e18 units. The contract always holds at least this.
    function owed() external view returns (uint256);
}
