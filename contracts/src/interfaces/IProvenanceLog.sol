// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title IProvenanceLog
/// @notice Anchors of the vaults' audit logs, and the public record of every access.
interface IProvenanceLog {
    /// @notice A vault anchored the head of its hash chain.
    event Anchored(address indexed custodian, uint64 indexed sequence, bytes32 head);
    /// @notice A dataset answered a question.
    event AccessRecorded(
        uint256 indexed datasetId,
        address indexed researcher,
        uint256 passId,
        uint256 indexed jobId,
        uint8 purpose
    );

    /// @notice Anchors the caller's hash chain. Custodians in good standing only.
    /// @param sequence number of the last event under `head`, above every one anchored before
    /// @param head hash of that event
    function anchor(uint64 sequence, bytes32 head) external;

    /// @notice Records that a dataset answered. The compute market only.
    function recordAccess(uint256 datasetId, address researcher, uint256 passId, uint256 jobId, uint8 purpose)
        external;

    /// @notice A custodian's latest anchor; zero when there is none.
    function head(address custodian) external view returns (uint64 sequence, bytes32 headHash);

    /// @notice The anchor of exactly this sequence; zero when there is none.
    function anchorAt(address custodian, uint64 sequence) external view returns (bytes32);
}
