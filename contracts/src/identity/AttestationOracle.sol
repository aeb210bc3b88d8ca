// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {
    EIP712Upgradeable
} from "@openzeppelin/contracts-upgradeable/utils/cryptography/EIP712Upgradeable.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {PartyRoles} from "../common/Codes.sol";
import {Errors} from "../common/Errors.sol";
import {Module} from "../common/Module.sol";
import {Attestation, IAttestationOracle, Proof} from "../interfaces/IAttestationOracle.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";

/// @title AttestationOracle
/// @notice Accepts a statement once, when enough distinct attestors signed it.
contract AttestationOracle is IAttestationOracle, Module, EIP712Upgradeable {
    /// @custom:storage-location erc7201:caduceus.storage.AttestationOracle
    struct AttestationOracleStorage {
        address[] attestors;
        mapping(address account => bool) isAttestor;
        mapping(address account => bool) isConsumer;
        mapping(bytes32 digest => bool) isConsumed;
        uint8 threshold;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.AttestationOracle")) - 1)
    ) & ~bytes32(uint256(0xff));

    bytes32 private constant ATTESTATION_TYPEHASH = keccak256(
        "Attestation(bytes32 kind,bytes32 subject,bytes32 payloadHash,uint64 issuedAt,uint64 expiresAt,bytes32 nonce)"
    );

    /// @notice The most attestors at once: `setAttestors` walks over all of them.
    uint256 public constant MAXIMUM_ATTESTORS = 64;

    IParticipantRegistry public immutable REGISTRY;

    constructor(IParticipantRegistry registry) {
        REGISTRY = registry;
    }

    /// @notice Sets the first attestors and consumers; once, by the proxy's constructor.
    function initialize(
        address authority,
        address[] calldata attestors_,
        uint8 threshold_,
        address[] calldata consumers
    ) external initializer {
        __AccessManaged_init(authority);
        __EIP712_init("Caduceus AttestationOracle", "1");
        _setAttestors(attestors_, threshold_);
        for (uint256 i; i < consumers.length; ++i) {
            _setConsumer(consumers[i], true);
        }
    }

    // ---------------------------------------------------------------- spending

    /// @inheritdoc IAttestationOracle
    function consume(Proof calldata proof, bytes32 kind, bytes32 subject, bytes32 payloadHash)
        external
        returns (bytes32 digest)
    {
        AttestationOracleStorage storage $ = _storage();
        if (!$.isConsumer[msg.sender]) revert Errors.AttestationOracle_NotConsumer(msg.sender);

        Attestation calldata a = proof.attestation;
        if (a.kind != kind || a.subject != subject || a.payloadHash != payloadHash) {
            revert Errors.AttestationOracle_WrongStatement(a.kind, a.subject, a.payloadHash);
        }
        digest = _check(proof);

        $.isConsumed[digest] = true;
        emit AttestationConsumed(kind, subject, digest, msg.sender, proof.signers);
    }

    /// @inheritdoc IAttestationOracle
    function verify(Proof calldata proof) external view {
        _check(proof);
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IAttestationOracle
    function setAttestors(address[] calldata attestors_, uint8 threshold_) external restricted {
        _setAttestors(attestors_, threshold_);
    }

    /// @inheritdoc IAttestationOracle
    function setConsumer(address consumer, bool allowed) external restricted {
        _setConsumer(consumer, allowed);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IAttestationOracle
    function digestOf(Attestation calldata attestation) public view returns (bytes32) {
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    ATTESTATION_TYPEHASH,
                    attestation.kind,
                    attestation.subject,
                    attestation.payloadHash,
                    attestation.issuedAt,
                    attestation.expiresAt,
                    attestation.nonce
                )
            )
        );
    }

    /// @inheritdoc IAttestationOracle
    function isConsumed(bytes32 digest) external view returns (bool) {
        return _storage().isConsumed[digest];
    }

    /// @inheritdoc IAttestationOracle
    function isAttestor(address account) external view returns (bool) {
        return _storage().isAttestor[account];
    }

    /// @inheritdoc IAttestationOracle
    function isConsumer(address account) external view returns (bool) {
        return _storage().isConsumer[account];
    }

    /// @inheritdoc IAttestationOracle
    function attestors() external view returns (address[] memory) {
        return _storage().attestors;
    }

    /// @inheritdoc IAttestationOracle
    function threshold() external view returns (uint8) {
        return _storage().threshold;
    }

    // ---------------------------------------------------------------- internal

    function _check(Proof calldata proof) private view returns (bytes32 digest) {
        AttestationOracleStorage storage $ = _storage();
        Attestation calldata a = proof.attestation;
        if (block.timestamp < a.issuedAt || block.timestamp >= a.expiresAt) {
            revert Errors.AttestationOracle_NotValidNow(a.issuedAt, a.expiresAt);
        }
        digest = digestOf(a);
        if ($.isConsumed[digest]) revert Errors.AttestationOracle_AlreadyConsumed(digest);

        uint256 count = proof.signers.length;
        if (count != proof.signatures.length) {
            revert Errors.AttestationOracle_LengthMismatch(count, proof.signatures.length);
        }
        if (count < $.threshold) revert Errors.AttestationOracle_BelowThreshold(count, $.threshold);

        // Every signer given must be good, not only the first m: a proof holds nothing unchecked.
        address previous;
        for (uint256 i; i < count; ++i) {
            address signer = proof.signers[i];
            if (signer <= previous) revert Errors.AttestationOracle_BadSignerOrder(signer);
            previous = signer;
            if (!$.isAttestor[signer]) revert Errors.AttestationOracle_NotAttestor(signer);
            if (!REGISTRY.inGoodStanding(signer, PartyRoles.ATTESTOR)) {
                revert Errors.AttestationOracle_AttestorNotInGoodStanding(signer);
            }
            if (!SignatureChecker.isValidSignatureNowCalldata(signer, digest, proof.signatures[i])) {
                revert Errors.AttestationOracle_BadSignature(signer);
            }
        }
    }

    function _setAttestors(address[] calldata attestors_, uint8 threshold_) private {
        AttestationOracleStorage storage $ = _storage();
        uint256 count = attestors_.length;
        if (count > MAXIMUM_ATTESTORS) {
            revert Errors.AttestationOracle_TooManyAttestors(count, MAXIMUM_ATTESTORS);
        }
        if (threshold_ == 0 || threshold_ > count) {
            revert Errors.AttestationOracle_BadThreshold(threshold_, count);
        }

        uint256 former = $.attestors.length;
        for (uint256 i; i < former; ++i) {
            $.isAttestor[$.attestors[i]] = false;
        }
        address previous;
        for (uint256 i; i < count; ++i) {
            address attestor = attestors_[i];
            if (attestor <= previous) revert Errors.AttestationOracle_BadAttestorOrder(attestor);
            previous = attestor;
            $.isAttestor[attestor] = true;
        }
        $.attestors = attestors_;
        $.threshold = threshold_;
        emit AttestorsSet(attestors_, threshold_);
    }

    function _setConsumer(address consumer, bool allowed) private {
        if (consumer == address(0)) revert Errors.Common_ZeroAddress();
        _storage().isConsumer[consumer] = allowed;
        emit ConsumerSet(consumer, allowed);
    }

    function _storage() private pure returns (AttestationOracleStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
