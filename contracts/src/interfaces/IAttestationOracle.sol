// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice A statement that attestors sign.
/// @dev EIP-712 type:
/// Attestation(bytes32 kind,bytes32 subject,bytes32 payloadHash,uint64 issuedAt,uint64 expiresAt,bytes32 nonce)
struct Attestation {
    /// what the statement is about, see `Kinds`
    bytes32 kind;
    /// whom or what it is about: a person, a content hash, a token, a job
    bytes32 subject;
    /// hash of everything it says
    bytes32 payloadHash;
    /// unix seconds, not in the future when presented
    uint64 issuedAt;
    /// unix seconds, the first moment at which it no longer counts
    uint64 expiresAt;
    /// chosen by the signers, so that the same statement can be made again
    bytes32 nonce;
}

/// @notice An attestation with those who signed it.
struct Proof {
    Attestation attestation;
    /// strictly ascending
    address[] signers;
    /// one for each signer, in the same order
    bytes[] signatures;
}

/// @title IAttestationOracle
/// @notice Accepts a statement once, when enough distinct attestors signed it.
/// @dev An attestor counts when governance listed it here **and** `ParticipantRegistry` has it in good standing as
/// ATTESTOR at the time of the call, so that the registrar's suspension stops it at once.
interface IAttestationOracle {
    /// @notice An attestation was spent by `consumer`.
    event AttestationConsumed(
        bytes32 indexed kind, bytes32 indexed subject, bytes32 digest, address consumer, address[] signers
    );

    /// @notice Governance replaced the attestors.
    event AttestorsSet(address[] attestors, uint8 threshold);

    /// @notice Governance allowed a contract to spend attestations, or stopped it.
    event ConsumerSet(address indexed consumer, bool allowed);

    /// @notice Spends an attestation that must say exactly (kind, subject, payloadHash).
    /// @dev Only consumers. Reverts when it says something else, is not valid now (issuedAt <= now < expiresAt), was
    /// spent before, or is not signed by at least the threshold of attestors.
    /// @param proof the attestation, its signers in strictly ascending order, their signatures (EOA or EIP-1271)
    /// @return digest the EIP-712 digest that was spent
    function consume(Proof calldata proof, bytes32 kind, bytes32 subject, bytes32 payloadHash)
        external
        returns (bytes32 digest);

    /// @notice Replaces all attestors. Governance only.
    /// @param attestors strictly ascending, at most 64
    /// @param threshold how many must sign, 1 to the number of attestors
    function setAttestors(address[] calldata attestors, uint8 threshold) external;

    /// @notice Allows a contract to spend attestations, or stops it. Governance only.
    function setConsumer(address consumer, bool allowed) external;

    /// @notice Reverts with the reason when `proof` would not be accepted now; says nothing about whether its content
    /// is what an action needs.
    function verify(Proof calldata proof) external view;

    /// @notice The EIP-712 digest that attestors sign.
    function digestOf(Attestation calldata attestation) external view returns (bytes32);

    /// @notice Whether the attestation with this digest was spent.
    function isConsumed(bytes32 digest) external view returns (bool);

    /// @notice Whether governance lists this attestor.
    function isAttestor(address account) external view returns (bool);

    /// @notice Whether this contract may spend attestations.
    function isConsumer(address account) external view returns (bool);

    /// @notice All attestors, ascending.
    function attestors() external view returns (address[] memory);

    /// @notice How many attestors must sign.
    function threshold() external view returns (uint8);
}
