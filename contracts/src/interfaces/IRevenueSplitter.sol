// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice How revenue is divided, basis points.
struct Split {
    /// those who contribute data; they also get what rounding leaves over
    uint16 contributorsBps;
    uint16 treasuryBps;
    /// kept for buying back and burning DATA
    uint16 buybackBps;
    /// the part of the contributors' part that all pool shares earn; the rest goes to the datasets used
    uint16 poolYieldBps;
}

/// @title IRevenueSplitter
/// @notice Divides every payment at once, to the unit.
/// @dev amount = contributors + treasury + buyback, contributors = poolYield + usage, usage = the datasets' parts, a
/// dataset's part = custodian's + members'. Treasury, buyback, pool yield and custodian's part are rounded down; what is
/// left over goes to contributors, usage and members, and among datasets to the last.
interface IRevenueSplitter {
    /// @notice A payment was divided, 1e6 USDC units; `poolYield` is part of `contributors`.
    event RevenueDistributed(
        uint256 amount, uint256 contributors, uint256 treasury, uint256 buyback, uint256 poolYield
    );
    /// @notice A dataset's use was credited, 1e6 USDC units.
    event UsageCredited(
        uint256 indexed datasetId, address indexed custodian, uint256 custodianPart, uint256 membersPart
    );
    /// @notice An account was paid what it was owed, 1e6 USDC units.
    event Released(address indexed account, uint256 amount);
    /// @notice Governance took from the reserve for buying back, 1e6 USDC units.
    event BuybackReleased(address indexed to, uint256 amount);
    /// @notice Governance set the split.
    event SplitSet(Split split);

    /// @notice Divides a payment that was transferred here before the call. The licence market and the compute market only.
    /// @param amount 1e6 USDC units
    /// @param datasetIds the datasets used
    /// @param weights in which proportion they were used; not all zero
    function distribute(uint256 amount, uint256[] calldata datasetIds, uint256[] calldata weights) external;

    /// @notice Pays an account what it is owed, at once or by the second as it chose (`IPayoutStreams`). Anyone may call, never paused; reverts when nothing is owed.
    /// @return amount paid, 1e6 USDC units
    function release(address account) external returns (uint256 amount);

    /// @notice Takes from the reserve for buying back, 1e6 USDC units. Governance and buyers (`AccessRoles.BUYER`) only.
    function releaseBuyback(address to, uint256 amount) external;

    /// @notice Sets the split of payments to come. Governance only; the first three parts add up to 10,000 exactly.
    function setSplit(Split calldata split) external;

    /// @notice The split, basis points.
    function split() external view returns (Split memory);

    /// @notice What an account is owed, 1e6 USDC units.
    function owed(address account) external view returns (uint256);

    /// @notice What all accounts together are owed, 1e6 USDC units.
    function totalOwed() external view returns (uint256);

    /// @notice What is kept for buying back, 1e6 USDC units.
    function buybackReserve() external view returns (uint256);

    /// @notice Where the treasury's part goes.
    function treasury() external view returns (address);
}
