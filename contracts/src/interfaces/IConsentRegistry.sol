// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice What a member agrees to.
struct Grant {
    /// who holds the data
    address custodian;
    /// who may use it; zero for every researcher in good standing
    address grantee;
    /// bitmap of `DataClasses`, bit `1 << class`
    uint256 classes;
    /// bitmap of `Purposes`, bit `1 << purpose`
    uint256 purposes;
    /// bitmap of regions, bit `1 << JurisdictionRules.regionIndex(region)`; bit 0 stands for every region
    uint256 jurisdictions;
    /// unix seconds, the first moment at which it no longer counts
    uint64 expiry;
    /// hash of the consent document that the member saw
    bytes32 documentHash;
}

/// @notice A grant with its identifier.
struct IdentifiedGrant {
    uint256 id;
    Grant terms;
}

/// @title IConsentRegistry
/// @notice Who agreed to what use of their data, and the counters by which a vault proves that it knew the latest.
/// @dev Nothing here can be paused. EIP-712 domain "Caduceus ConsentRegistry", version "1"; nonces by `nonces(member)`:
/// Grant(address member,address custodian,address grantee,uint256 classes,uint256 purposes,uint256 jurisdictions,uint64 expiry,bytes32 documentHash,uint256 nonce,uint64 deadline)
/// Revoke(address member,uint256 grantId,uint256 nonce,uint64 deadline)
/// RevokeAll(address member,address custodian,uint256 nonce,uint64 deadline)
interface IConsentRegistry {
    /// @notice A member agreed.
    event ConsentGranted(
        address indexed member,
        address indexed custodian,
        uint256 indexed grantId,
        bytes32 personId,
        Grant terms
    );
    /// @notice A member took consent back; answers computed under an older counter no longer settle.
    event ConsentRevoked(
        address indexed member, address indexed custodian, uint256 indexed grantId, uint64 counter
    );
    /// @notice A custodian posted the root over the consent receipts of a dataset.
    event ConsentRootPosted(
        uint256 indexed datasetId, address indexed custodian, bytes32 root, uint64 counter
    );

    /// @notice Records the caller's consent. Members only, at most 32 live grants per member and custodian.
    function grant(Grant calldata terms) external returns (uint256 grantId);

    /// @notice As `grant`, relayed by anyone for the member who signed.
    /// @param deadline unix seconds, the last moment at which the signature counts
    function grantFor(address member, Grant calldata terms, uint64 deadline, bytes calldata signature)
        external
        returns (uint256 grantId);

    /// @notice Takes a grant back. Only the wallet that made it or the same person's present wallet; also after
    /// leaving.
    function revoke(uint256 grantId) external;

    /// @notice As `revoke`, relayed by anyone for the `member` who signed.
    function revokeBySig(address member, uint256 grantId, uint64 deadline, bytes calldata signature) external;

    /// @notice Takes back everything the caller granted with a custodian. Reverts when there is nothing.
    function revokeAll(address custodian) external;

    /// @notice As `revokeAll`, relayed by anyone for the member who signed.
    function revokeAllBySig(address member, address custodian, uint64 deadline, bytes calldata signature)
        external;

    /// @notice Posts the Merkle root over a dataset's consent receipts. Its custodian in good standing only.
    /// Advances the custodian's counter.
    function postConsentRoot(uint256 datasetId, bytes32 root) external;

    /// @notice Whether the member's grants with the custodian permit this use now.
    /// @param jurisdiction the country in which the grantee uses it, ISO 3166-1 alpha-2
    /// @return ok whether some grant permits it
    /// @return reason empty when ok, else what fails in the grant that comes closest: "no grant to this party",
    /// "data class not covered", "purpose not covered", "jurisdiction not covered", "expired"
    function permits(
        address member,
        address custodian,
        address grantee,
        uint8 dataClass,
        uint8 purpose,
        bytes2 jurisdiction
    ) external view returns (bool ok, string memory reason);

    /// @notice Whether the member has a grant with the custodian that is neither revoked nor expired.
    function hasAnyGrant(address member, address custodian) external view returns (bool);

    /// @notice All grants of a member with a custodian that were not revoked, expired ones included. At most 32.
    function grantsOf(address member, address custodian) external view returns (IdentifiedGrant[] memory);

    /// @notice A grant, who made it, and whether it was revoked. All zero when there is none.
    function grantOf(uint256 grantId)
        external
        view
        returns (address member, bytes32 personId, bool revoked, Grant memory terms);

    /// @notice The latest root over a dataset's consent receipts: the one posted last, else the one it was minted with.
    function consentRoot(uint256 datasetId) external view returns (bytes32);

    /// @notice How often consent changed at a custodian, by revocation or by a new root. A job names the counter it ran
    /// under.
    function revocationCounter(address custodian) external view returns (uint64);
}
