// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyRoles, PartyStatus} from "../common/Codes.sol";
import {Errors} from "../common/Errors.sol";
import {Module} from "../common/Module.sol";
import {IParticipantRegistry, Issuer, Participant} from "../interfaces/IParticipantRegistry.sol";

/// @title ParticipantRegistry
/// @notice Who may act as what, and until when.
contract ParticipantRegistry is IParticipantRegistry, Module {
    /// @custom:storage-location erc7201:caduceus.storage.ParticipantRegistry
    struct ParticipantRegistryStorage {
        mapping(address party => Participant) participants;
        mapping(address party => bytes32) encryptionKeys;
        mapping(bytes32 didHash => Issuer) issuers;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.ParticipantRegistry")) - 1)
    ) & ~bytes32(uint256(0xff));

    /// @dev Roles whose holders need an accreditation beside their identity check.
    uint32 private constant ACCREDITED = PartyRoles.CUSTODIAN | PartyRoles.RESEARCHER;

    /// @notice Connects the registry to its authority; once, by the proxy's constructor.
    function initialize(address authority) external initializer {
        __AccessManaged_init(authority);
    }

    // ---------------------------------------------------------------- the registrar

    /// @inheritdoc IParticipantRegistry
    function register(address party, Participant calldata participant_) external restricted {
        if (party == address(0)) revert Errors.Common_ZeroAddress();
        if (_storage().participants[party].status != PartyStatus.NONE) {
            revert Errors.ParticipantRegistry_AlreadyRegistered(party);
        }
        _set(party, participant_);
        emit ParticipantRegistered(party, participant_);
    }

    /// @inheritdoc IParticipantRegistry
    function update(address party, Participant calldata participant_) external restricted {
        _requireRegistered(party);
        _set(party, participant_);
        emit ParticipantUpdated(party, participant_);
    }

    /// @inheritdoc IParticipantRegistry
    function suspend(address party) external restricted {
        _requireRegistered(party);
        _storage().participants[party].status = PartyStatus.SUSPENDED;
        emit ParticipantSuspended(party);
    }

    /// @inheritdoc IParticipantRegistry
    function setIssuer(bytes32 didHash, Issuer calldata issuer_) external restricted {
        _requireRegistered(issuer_.party);
        _storage().issuers[didHash] = issuer_;
        emit IssuerSet(didHash, issuer_);
    }

    // ---------------------------------------------------------------- the party

    /// @inheritdoc IParticipantRegistry
    function setEncryptionKey(bytes32 key) external {
        _requireRegistered(msg.sender);
        if (key == 0) revert Errors.ParticipantRegistry_ZeroKey();
        _storage().encryptionKeys[msg.sender] = key;
        emit EncryptionKeySet(msg.sender, key);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IParticipantRegistry
    function participant(address party) external view returns (Participant memory) {
        return _storage().participants[party];
    }

    /// @inheritdoc IParticipantRegistry
    function jurisdictionOf(address party) external view returns (bytes2) {
        return _storage().participants[party].jurisdiction;
    }

    /// @inheritdoc IParticipantRegistry
    function encryptionKey(address party) external view returns (bytes32) {
        return _storage().encryptionKeys[party];
    }

    /// @inheritdoc IParticipantRegistry
    function issuer(bytes32 didHash) external view returns (Issuer memory) {
        return _storage().issuers[didHash];
    }

    /// @inheritdoc IParticipantRegistry
    function isVerified(address party) external view returns (bool) {
        return bytes(_verification(_storage().participants[party])).length == 0;
    }

    /// @inheritdoc IParticipantRegistry
    function inGoodStanding(address party, uint32 role) external view returns (bool ok) {
        (ok,) = standing(party, role);
    }

    /// @inheritdoc IParticipantRegistry
    function standing(address party, uint32 role) public view returns (bool ok, string memory reason) {
        Participant memory p = _storage().participants[party];
        reason = _verification(p);
        if (bytes(reason).length != 0) return (false, reason);
        if (role == 0 || p.roles & role != role) return (false, "role not held");
        if (role & ACCREDITED != 0 && block.timestamp >= p.accreditationExpiry) {
            return (false, "accreditation expired");
        }
        return (true, "");
    }

    // ---------------------------------------------------------------- internal

    /// @dev Why the party is not verified, empty when it is.
    function _verification(Participant memory p) private view returns (string memory) {
        if (p.status == PartyStatus.NONE) return "not registered";
        if (p.status == PartyStatus.SUSPENDED) return "suspended";
        if (block.timestamp >= p.kycExpiry) return "identity check expired";
        return "";
    }

    function _set(address party, Participant calldata p) private {
        if (p.status != PartyStatus.ACTIVE && p.status != PartyStatus.SUSPENDED) {
            revert Errors.ParticipantRegistry_BadStatus(p.status);
        }
        if (!_isCapital(p.jurisdiction[0]) || !_isCapital(p.jurisdiction[1])) {
            revert Errors.ParticipantRegistry_BadJurisdiction(p.jurisdiction);
        }
        _storage().participants[party] = p;
    }

    function _isCapital(bytes1 letter) private pure returns (bool) {
        return letter >= "A" && letter <= "Z";
    }

    function _requireRegistered(address party) private view {
        if (_storage().participants[party].status == PartyStatus.NONE) {
            revert Errors.ParticipantRegistry_NotRegistered(party);
        }
    }

    function _storage() private pure returns (ParticipantRegistryStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
