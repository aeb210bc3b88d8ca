// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IArbitrable} from "./IArbitrable.sol";

/// @title IArbitrator
/// @notice Who rules on disputes, by ERC-792 (https://eips.ethereum.org/EIPS/eip-792). Fees are in wei.
interface IArbitrator {
    /// @notice Waiting for a ruling, ruled but open to appeal, or ruled for good.
    enum DisputeStatus {
        Waiting,
        Appealable,
        Solved
    }

    /// @notice A dispute was created by `arbitrable`.
    event DisputeCreation(uint256 indexed disputeId, IArbitrable indexed arbitrable);
    /// @notice The present ruling may be appealed.
    event AppealPossible(uint256 indexed disputeId, IArbitrable indexed arbitrable);
    /// @notice The present ruling was appealed.
    event AppealDecision(uint256 indexed disputeId, IArbitrable indexed arbitrable);

    /// @notice Creates a dispute for the caller; costs `arbitrationCost(extraData)` wei.
    /// @param choices how many rulings there are besides 0, which refuses to rule
    function createDispute(uint256 choices, bytes calldata extraData)
        external
        payable
        returns (uint256 disputeId);

    /// @notice What a dispute costs, wei.
    function arbitrationCost(bytes calldata extraData) external view returns (uint256 cost);

    /// @notice Appeals a ruling; costs `appealCost` wei.
    function appeal(uint256 disputeId, bytes calldata extraData) external payable;

    /// @notice What an appeal costs, wei.
    function appealCost(uint256 disputeId, bytes calldata extraData) external view returns (uint256 cost);

    /// @notice When a ruling can be appealed, unix seconds; both zero when it cannot.
    function appealPeriod(uint256 disputeId) external view returns (uint256 start, uint256 end);

    /// @notice Where a dispute stands.
    function disputeStatus(uint256 disputeId) external view returns (DisputeStatus status);

    /// @notice The ruling that would be given now.
    function currentRuling(uint256 disputeId) external view returns (uint256 ruling);
}
