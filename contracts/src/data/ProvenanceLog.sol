// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyRoles} from "../common/Codes.sol";
import {Errors} from "../common/Errors.sol";
import {Module} from "../common/Module.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {IProvenanceLog} from "../interfaces/IProvenanceLog.sol";

/// @title ProvenanceLog
/// @notice Anchors of the vaults' audit logs, and the public record of every access.
contract ProvenanceLog is IProvenanceLog, Module {
    /// @custom:storage-location erc7201:caduceus.storage.ProvenanceLog
    struct ProvenanceLogStorage {
        mapping(address custodian => uint64) last;
        mapping(address custodian => mapping(uint64 sequence => bytes32)) anchors;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.ProvenanceLog")) - 1)
    ) & ~bytes32(uint256(0xff));

    IParticipantRegistry public immutable REGISTRY;
    address public immutable COMPUTE_MARKET;

    constructor(IParticipantRegistry registry, address computeMarket) {
        REGISTRY = registry;
        COMPUTE_MARKET = computeMarket;
    }

    /// @notice Connects the log to its authority; once, by the proxy's constructor.
    function initialize(address authority) external initializer {
        __AccessManaged_init(authority);
    }

    /// @inheritdoc IProvenanceLog
    function anchor(uint64 sequence, bytes32 head_) external {
        (bool ok, string memory reason) = REGISTRY.standing(msg.sender, PartyRoles.CUSTODIAN);
        if (!ok) revert Errors.ProvenanceLog_NotInGoodStanding(msg.sender, reason);
        if (head_ == 0) revert Errors.ProvenanceLog_ZeroHead();
        ProvenanceLogStorage storage $ = _storage();
        uint64 last = $.last[msg.sender];
        if (sequence <= last) revert Errors.ProvenanceLog_SequenceNotAbove(sequence, last);

        $.last[msg.sender] = sequence;
        $.anchors[msg.sender][sequence] = head_;
        emit Anchored(msg.sender, sequence, head_);
    }

    /// @inheritdoc IProvenanceLog
    function recordAccess(uint256 datasetId, address researcher, uint256 passId, uint256 jobId, uint8 purpose)
        external
    {
        if (msg.sender != COMPUTE_MARKET) revert Errors.ProvenanceLog_NotComputeMarket(msg.sender);
        emit AccessRecorded(datasetId, researcher, passId, jobId, purpose);
    }

    /// @inheritdoc IProvenanceLog
    function head(address custodian) external view returns (uint64 sequence, bytes32 headHash) {
        sequence = _storage().last[custodian];
        headHash = _storage().anchors[custodian][sequence];
    }

    /// @inheritdoc IProvenanceLog
    function anchorAt(address custodian, uint64 sequence) external view returns (bytes32) {
        return _storage().anchors[custodian][sequence];
    }

    function _storage() private pure returns (ProvenanceLogStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
