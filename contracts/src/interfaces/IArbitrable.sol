// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IArbitrator} from "./IArbitrator.sol";

/// @title IArbitrable
/// @notice What an arbitrator rules over, by ERC-792 (https://eips.ethereum.org/EIPS/eip-792), with the evidence events
/// of ERC-1497 (https://eips.ethereum.org/EIPS/eip-1497), so that any arbitrator of these standards can be used.
interface IArbitrable {
    /// @notice The arbitrator ruled.
    event Ruling(IArbitrator indexed arbitrator, uint256 indexed disputeId, uint256 ruling);
    /// @notice What a dispute is about in general, as the address of a document.
    event MetaEvidence(uint256 indexed metaEvidenceId, string evidence);
    /// @notice A party gave evidence, as the address of a document.
    event Evidence(
        IArbitrator indexed arbitrator,
        uint256 indexed evidenceGroupId,
        address indexed party,
        string evidence
    );
    /// @notice A dispute was raised.
    event Dispute(
        IArbitrator indexed arbitrator,
        uint256 indexed disputeId,
        uint256 metaEvidenceId,
        uint256 evidenceGroupId
    );

    /// @notice Gives a ruling; 0 refuses to rule. The arbitrator of this dispute only, once.
    function rule(uint256 disputeId, uint256 ruling) external;
}
