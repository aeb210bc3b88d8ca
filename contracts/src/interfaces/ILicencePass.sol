// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice What a licence allows.
struct Pass {
    /// one of `Purposes`
    uint8 purpose;
    /// unix seconds, the first moment at which no question can be asked with it
    uint64 expiry;
    /// questions that can still be asked
    uint32 usesLeft;
    /// questions that were asked and have not come to their end
    uint32 usesOpen;
    /// ascending
    uint256[] datasetIds;
}

/// @title ILicencePass
/// @notice A soulbound token that lets its holder ask questions to certain datasets for one purpose.
/// @dev A use is taken when a question is asked. It is settled when an answer was paid, and given back when all jobs of
/// the question ended without one. The pass burns when its last use is settled.
interface ILicencePass {
    /// @notice A pass was minted.
    event PassMinted(
        uint256 indexed passId,
        address indexed holder,
        uint8 purpose,
        uint64 expiry,
        uint32 uses,
        uint256[] datasetIds
    );
    /// @notice A use was taken.
    event UseConsumed(uint256 indexed passId, uint32 usesLeft);
    /// @notice A use was given back.
    event UseRestored(uint256 indexed passId, uint32 usesLeft);
    /// @notice A use came to its end with an answer.
    event UseSettled(uint256 indexed passId, uint32 usesLeft);

    /// @notice Mints a pass. The licence market only.
    function mint(address holder, uint8 purpose, uint64 expiry, uint32 uses, uint256[] calldata datasetIds)
        external
        returns (uint256 passId);

    /// @notice Takes a use for a question of `researcher`. The compute market only; reverts when the pass is not theirs,
    /// expired, or spent.
    /// @return purpose what the pass is for
    function consumeUse(uint256 passId, address researcher) external returns (uint8 purpose);

    /// @notice Gives back a use that led to no answer. The compute market only.
    function restoreUse(uint256 passId) external;

    /// @notice Ends a use that led to an answer, and burns the pass when it was the last. The compute market only.
    function settleUse(uint256 passId) external;

    /// @notice Whether the pass is for this dataset and purpose and neither expired nor spent. False for a pass that does
    /// not exist.
    function covers(uint256 passId, uint256 datasetId, uint8 purpose) external view returns (bool);

    /// @notice The pass. Reverts when there is none.
    function pass(uint256 passId) external view returns (Pass memory);
}
