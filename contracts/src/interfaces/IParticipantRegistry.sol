// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice What the cooperative knows of a party that acts professionally. One storage slot and a half.
struct Participant {
    /// 0 none, 1 active, 2 suspended (`PartyStatus`)
    uint8 status;
    /// bitmap of `PartyRoles`
    uint32 roles;
    /// ISO 3166-1 alpha-2
    bytes2 jurisdiction;
    /// unix seconds, the first moment at which the identity check no longer counts
    uint64 kycExpiry;
    /// unix seconds, likewise for the accreditation of researchers and custodians
    uint64 accreditationExpiry;
    /// bitmap of `Safeguards` that the party holds
    uint32 safeguards;
}

/// @notice What the word of an issuer of credentials counts for.
struct Issuer {
    /// the registered party that answers for it; counts only while that one is in good standing as `PartyRoles.ISSUER`
    address party;
    /// bitmap of `CredentialKinds`; none where it is not trusted
    uint32 kinds;
    /// whether its word counts for every country and not only for its own
    bool anywhere;
}

/// @title IParticipantRegistry
/// @notice Who may act as what, and until when. Every guarded call of the protocol asks here at the time of the call.
interface IParticipantRegistry {
    /// @notice A party was registered.
    event ParticipantRegistered(address indexed party, Participant participant);
    /// @notice A party's registration was changed.
    event ParticipantUpdated(address indexed party, Participant participant);
    /// @notice A party was suspended.
    event ParticipantSuspended(address indexed party);
    /// @notice A party published the key to which its results are encrypted.
    event EncryptionKeySet(address indexed party, bytes32 key);
    /// @notice What an issuer's word counts for was set.
    event IssuerSet(bytes32 indexed didHash, Issuer issuer);

    /// @notice Registers a party. Registrar only; reverts when it is registered already.
    function register(address party, Participant calldata participant) external;

    /// @notice Replaces a party's registration, also to end a suspension. Registrar only; reverts when unknown.
    function update(address party, Participant calldata participant) external;

    /// @notice Suspends a party: nothing that asks for good standing works for it from now on. Registrar only.
    function suspend(address party) external;

    /// @notice Sets what the word of an issuer counts for; with no kinds it is not trusted any more. `didHash` is the
    /// keccak-256 of its decentralized identifier in UTF-8. Registrar only; reverts when the party is unknown.
    function setIssuer(bytes32 didHash, Issuer calldata issuer) external;

    /// @notice Publishes the caller's X25519 public key, to which results are encrypted. Registered parties only.
    function setEncryptionKey(bytes32 key) external;

    /// @notice The registration; all zero when there is none.
    function participant(address party) external view returns (Participant memory);

    /// @notice The party's country; zero when not registered.
    function jurisdictionOf(address party) external view returns (bytes2);

    /// @notice The party's X25519 public key; zero when it published none.
    function encryptionKey(address party) external view returns (bytes32);

    /// @notice What the word of an issuer counts for, by the hash of its identifier; all zero when it was never set. The
    /// standing of its party is asked for apart.
    function issuer(bytes32 didHash) external view returns (Issuer memory);

    /// @notice Active, identity check in force.
    function isVerified(address party) external view returns (bool);

    /// @notice Verified, holds `role`, and (researchers and custodians) accreditation in force.
    function inGoodStanding(address party, uint32 role) external view returns (bool);

    /// @notice As `inGoodStanding`, with the reason in words: "not registered", "suspended", "identity check expired",
    /// "role not held", "accreditation expired". Empty when ok.
    function standing(address party, uint32 role) external view returns (bool ok, string memory reason);
}
