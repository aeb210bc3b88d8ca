// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Proof} from "./IAttestationOracle.sol";

/// @notice A person's wish to join, signed by the wallet that will hold the membership.
/// @dev EIP-712 type (domain "Caduceus MembershipToken", version "1"; the nonce is the member's current one):
/// Join(address member,bytes32 personId,bytes32 didHash,uint256 nonce,uint64 deadline)
struct JoinRequest {
    address member;
    /// pseudonym of the verified person, never a number that others know the person by
    bytes32 personId;
    /// hash of the person's DID document
    bytes32 didHash;
    /// unix seconds, the last moment at which the request counts
    uint64 deadline;
}

/// @title IMembershipToken
/// @notice One soulbound token and one vote for each verified person.
interface IMembershipToken {
    /// @notice A person joined.
    event MemberJoined(
        address indexed member, bytes32 indexed personId, uint256 indexed tokenId, bytes32 didHash
    );
    /// @notice A person left.
    event MemberLeft(address indexed member, bytes32 indexed personId, uint256 indexed tokenId);
    /// @notice Governance removed a person.
    event MemberRemoved(address indexed member, bytes32 indexed personId, uint256 indexed tokenId);

    /// @notice Makes a person a member, with one vote of their own. Anyone may call: the request is signed by the
    /// member, and attestors vouch for the person (kind IDENTITY, subject personId, payload
    /// keccak256(abi.encode(member, personId, didHash))). A person who left may join again, with any wallet.
    /// @dev Reverts when the person or the wallet is a member already, on a bad or late signature, and as the
    /// attestation oracle does.
    function join(JoinRequest calldata request, bytes calldata signature, Proof calldata proof)
        external
        returns (uint256 tokenId);

    /// @notice The caller leaves. Can never be paused. Consents stay as they are until revoked.
    function resign() external;

    /// @notice As `resign`, relayed by anyone for the member who signed
    /// Resign(address member,uint256 nonce,uint64 deadline).
    function resignBySig(address member, uint64 deadline, bytes calldata signature) external;

    /// @notice Ends a membership. Governance only.
    function remove(address member) external;

    /// @notice The wallet of a person who is a member, else zero.
    function memberOf(bytes32 personId) external view returns (address);

    /// @notice The person behind a member's wallet, else zero.
    function personOf(address member) external view returns (bytes32);

    /// @notice The membership of a wallet, else zero.
    function tokenOf(address member) external view returns (uint256);

    /// @notice The hash of the DID document that the person joined with. Reverts for a token that does not exist.
    function didHashOf(uint256 tokenId) external view returns (bytes32);

    /// @notice Whether the wallet holds a membership.
    function isMember(address account) external view returns (bool);

    /// @notice How many members there are.
    function totalMembers() external view returns (uint256);
}
