// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {NoncesUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/NoncesUpgradeable.sol";
import {
    EIP712Upgradeable
} from "@openzeppelin/contracts-upgradeable/utils/cryptography/EIP712Upgradeable.sol";
import {DataClasses, PartyRoles, Purposes} from "../common/Codes.sol";
import {Errors} from "../common/Errors.sol";
import {Module} from "../common/Module.sol";
import {Signed} from "../common/Signed.sol";
import {Grant, IConsentRegistry, IdentifiedGrant} from "../interfaces/IConsentRegistry.sol";
import {IDatasetToken} from "../interfaces/IDatasetToken.sol";
import {IJurisdictionRules} from "../interfaces/IJurisdictionRules.sol";
import {IMembershipToken} from "../interfaces/IMembershipToken.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";

/// @title ConsentRegistry
/// @notice Who agreed to what use of their data, and the counters by which a vault proves that it knew the latest.
contract ConsentRegistry is IConsentRegistry, Module, EIP712Upgradeable, NoncesUpgradeable {
    /// @dev A grant, by whom, and whether it still stands.
    struct Record {
        address member;
        bool revoked;
        bytes32 personId;
        Grant terms;
    }

    /// @custom:storage-location erc7201:caduceus.storage.ConsentRegistry
    struct ConsentRegistryStorage {
        uint256 lastGrantId;
        mapping(uint256 grantId => Record) records;
        mapping(address member => mapping(address custodian => uint256[])) live;
        mapping(address custodian => uint64) counters;
        mapping(uint256 datasetId => bytes32) roots;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.ConsentRegistry")) - 1)
    ) & ~bytes32(uint256(0xff));

    bytes32 private constant GRANT_TYPEHASH = keccak256(
        "Grant(address member,address custodian,address grantee,uint256 classes,uint256 purposes,uint256 jurisdictions,uint64 expiry,bytes32 documentHash,uint256 nonce,uint64 deadline)"
    );
    bytes32 private constant REVOKE_TYPEHASH =
        keccak256("Revoke(address member,uint256 grantId,uint256 nonce,uint64 deadline)");
    bytes32 private constant REVOKE_ALL_TYPEHASH =
        keccak256("RevokeAll(address member,address custodian,uint256 nonce,uint64 deadline)");

    /// @notice The most grants of one member with one custodian that stand at once, so that every walk is bounded.
    uint256 public constant MAXIMUM_GRANTS = 32;

    /// @dev Bits of the classes and purposes that exist: 1 to the last one. Bit 0 would mean any, which nobody can
    /// consent to in advance.
    uint256 private constant CLASS_BITS = (uint256(1) << (DataClasses.LAST + 1)) - 2;
    uint256 private constant PURPOSE_BITS = (uint256(1) << (Purposes.LAST + 1)) - 2;

    /// @dev How far a grant covers a use; the greatest over all grants gives the reason.
    uint8 private constant OTHER_PARTY = 0;
    uint8 private constant OTHER_CLASS = 1;
    uint8 private constant OTHER_PURPOSE = 2;
    uint8 private constant OTHER_JURISDICTION = 3;
    uint8 private constant EXPIRED = 4;
    uint8 private constant PERMITTED = 5;

    IMembershipToken public immutable MEMBERSHIP;
    IParticipantRegistry public immutable REGISTRY;
    IJurisdictionRules public immutable RULES;
    IDatasetToken public immutable DATASETS;

    constructor(
        IMembershipToken membership,
        IParticipantRegistry registry,
        IJurisdictionRules rules,
        IDatasetToken datasets
    ) {
        MEMBERSHIP = membership;
        REGISTRY = registry;
        RULES = rules;
        DATASETS = datasets;
    }

    /// @notice Connects the registry to its authority; once, by the proxy's constructor.
    function initialize(address authority) external initializer {
        __AccessManaged_init(authority);
        __EIP712_init("Caduceus ConsentRegistry", "1");
    }

    // ---------------------------------------------------------------- granting

    /// @inheritdoc IConsentRegistry
    function grant(Grant calldata terms) external returns (uint256 grantId) {
        return _grant(msg.sender, terms);
    }

    /// @inheritdoc IConsentRegistry
    function grantFor(address member, Grant calldata terms, uint64 deadline, bytes calldata signature)
        external
        returns (uint256 grantId)
    {
        bytes32 structHash = _hashGrant(member, terms, _useNonce(member), deadline);
        Signed.check(member, _hashTypedDataV4(structHash), deadline, signature);
        return _grant(member, terms);
    }

    // ---------------------------------------------------------------- revoking

    /// @inheritdoc IConsentRegistry
    function revoke(uint256 grantId) external {
        _revoke(msg.sender, grantId);
    }

    /// @inheritdoc IConsentRegistry
    function revokeBySig(address member, uint256 grantId, uint64 deadline, bytes calldata signature)
        external
    {
        bytes32 structHash =
            keccak256(abi.encode(REVOKE_TYPEHASH, member, grantId, _useNonce(member), deadline));
        Signed.check(member, _hashTypedDataV4(structHash), deadline, signature);
        _revoke(member, grantId);
    }

    /// @inheritdoc IConsentRegistry
    function revokeAll(address custodian) external {
        _revokeAll(msg.sender, custodian);
    }

    /// @inheritdoc IConsentRegistry
    function revokeAllBySig(address member, address custodian, uint64 deadline, bytes calldata signature)
        external
    {
        bytes32 structHash =
            keccak256(abi.encode(REVOKE_ALL_TYPEHASH, member, custodian, _useNonce(member), deadline));
        Signed.check(member, _hashTypedDataV4(structHash), deadline, signature);
        _revokeAll(member, custodian);
    }

    // ---------------------------------------------------------------- custodians

    /// @inheritdoc IConsentRegistry
    function postConsentRoot(uint256 datasetId, bytes32 root) external {
        if (root == 0) revert Errors.ConsentRegistry_ZeroRoot();
        if (
            DATASETS.custodianOf(datasetId) != msg.sender
                || !REGISTRY.inGoodStanding(msg.sender, PartyRoles.CUSTODIAN)
        ) revert Errors.ConsentRegistry_NotCustodian(datasetId, msg.sender);

        ConsentRegistryStorage storage $ = _storage();
        $.roots[datasetId] = root;
        emit ConsentRootPosted(datasetId, msg.sender, root, ++$.counters[msg.sender]);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IConsentRegistry
    function permits(
        address member,
        address custodian,
        address grantee,
        uint8 dataClass,
        uint8 purpose,
        bytes2 jurisdiction
    ) external view returns (bool ok, string memory reason) {
        uint256[] storage ids = _storage().live[member][custodian];
        uint256 regionBits = 1 | (1 << RULES.regionIndex(RULES.regionOf(jurisdiction)));
        bool researcher = REGISTRY.inGoodStanding(grantee, PartyRoles.RESEARCHER);

        uint8 furthest = OTHER_PARTY;
        for (uint256 i; i < ids.length; ++i) {
            Grant storage terms = _storage().records[ids[i]].terms;
            bool party = terms.grantee == address(0) ? researcher : terms.grantee == grantee;
            uint8 reached = party ? _reach(terms, dataClass, purpose, regionBits) : OTHER_PARTY;
            if (reached > furthest) furthest = reached;
        }
        return (furthest == PERMITTED, _reason(furthest));
    }

    /// @inheritdoc IConsentRegistry
    function hasAnyGrant(address member, address custodian) external view returns (bool) {
        uint256[] storage ids = _storage().live[member][custodian];
        for (uint256 i; i < ids.length; ++i) {
            if (block.timestamp < _storage().records[ids[i]].terms.expiry) return true;
        }
        return false;
    }

    /// @inheritdoc IConsentRegistry
    function grantsOf(address member, address custodian)
        external
        view
        returns (IdentifiedGrant[] memory grants)
    {
        uint256[] storage ids = _storage().live[member][custodian];
        grants = new IdentifiedGrant[](ids.length);
        for (uint256 i; i < ids.length; ++i) {
            grants[i] = IdentifiedGrant({id: ids[i], terms: _storage().records[ids[i]].terms});
        }
    }

    /// @inheritdoc IConsentRegistry
    function grantOf(uint256 grantId)
        external
        view
        returns (address member, bytes32 personId, bool revoked, Grant memory terms)
    {
        Record storage record = _storage().records[grantId];
        return (record.member, record.personId, record.revoked, record.terms);
    }

    /// @inheritdoc IConsentRegistry
    function consentRoot(uint256 datasetId) external view returns (bytes32) {
        bytes32 posted = _storage().roots[datasetId];
        return posted != 0 ? posted : DATASETS.dataset(datasetId).consentRoot;
    }

    /// @inheritdoc IConsentRegistry
    function revocationCounter(address custodian) external view returns (uint64) {
        return _storage().counters[custodian];
    }

    // ---------------------------------------------------------------- internal

    function _grant(address member, Grant calldata terms) private returns (uint256 grantId) {
        bytes32 personId = MEMBERSHIP.personOf(member);
        if (personId == 0) revert Errors.ConsentRegistry_NotMember(member);
        _requireWellFormed(terms);

        ConsentRegistryStorage storage $ = _storage();
        uint256[] storage ids = $.live[member][terms.custodian];
        if (ids.length >= MAXIMUM_GRANTS) _dropExpired(ids);
        if (ids.length >= MAXIMUM_GRANTS) {
            revert Errors.ConsentRegistry_TooManyGrants(member, terms.custodian);
        }

        grantId = ++$.lastGrantId;
        ids.push(grantId);
        $.records[grantId] = Record({member: member, revoked: false, personId: personId, terms: terms});
        emit ConsentGranted(member, terms.custodian, grantId, personId, terms);
    }

    function _requireWellFormed(Grant calldata terms) private view {
        if (terms.custodian == address(0)) revert Errors.ConsentRegistry_BadGrant("custodian");
        if (terms.classes == 0 || terms.classes & ~CLASS_BITS != 0) {
            revert Errors.ConsentRegistry_BadGrant("classes");
        }
        if (terms.purposes == 0 || terms.purposes & ~PURPOSE_BITS != 0) {
            revert Errors.ConsentRegistry_BadGrant("purposes");
        }
        if (terms.jurisdictions == 0) revert Errors.ConsentRegistry_BadGrant("jurisdictions");
        if (terms.expiry <= block.timestamp) revert Errors.ConsentRegistry_BadGrant("expiry");
    }

    function _revoke(address account, uint256 grantId) private {
        ConsentRegistryStorage storage $ = _storage();
        Record storage record = $.records[grantId];
        if (record.member == address(0) || record.revoked) revert Errors.ConsentRegistry_NotLive(grantId);
        // The person may have lost the wallet that granted; the personId of a wallet without membership is zero.
        if (account != record.member && MEMBERSHIP.personOf(account) != record.personId) {
            revert Errors.ConsentRegistry_NotGrantor(grantId, account);
        }

        (address member, address custodian) = (record.member, record.terms.custodian);
        record.revoked = true;
        _removeFrom($.live[member][custodian], grantId);
        emit ConsentRevoked(member, custodian, grantId, ++$.counters[custodian]);
    }

    function _revokeAll(address member, address custodian) private {
        ConsentRegistryStorage storage $ = _storage();
        uint256[] memory ids = $.live[member][custodian];
        if (ids.length == 0) revert Errors.ConsentRegistry_NothingToRevoke(member, custodian);

        delete $.live[member][custodian];
        uint64 counter = ++$.counters[custodian];
        for (uint256 i; i < ids.length; ++i) {
            $.records[ids[i]].revoked = true;
            emit ConsentRevoked(member, custodian, ids[i], counter);
        }
    }

    /// @dev At most MAXIMUM_GRANTS steps. A grant that expired unlisted can still be revoked: it is not listed, so
    /// nothing is removed.
    function _removeFrom(uint256[] storage ids, uint256 grantId) private {
        uint256 last = ids.length;
        for (uint256 i; i < last; ++i) {
            if (ids[i] == grantId) {
                ids[i] = ids[last - 1];
                ids.pop();
                return;
            }
        }
    }

    /// @dev At most MAXIMUM_GRANTS steps. An expired grant permits nothing, so that leaving it out changes no answer but
    /// the reason.
    function _dropExpired(uint256[] storage ids) private {
        uint256 i;
        while (i < ids.length) {
            if (block.timestamp >= _storage().records[ids[i]].terms.expiry) {
                ids[i] = ids[ids.length - 1];
                ids.pop();
            } else {
                ++i;
            }
        }
    }

    /// @dev The order of these checks is the order of `crates/policy`.
    function _reach(Grant storage terms, uint8 dataClass, uint8 purpose, uint256 regionBits)
        private
        view
        returns (uint8)
    {
        if (terms.classes & (uint256(1) << dataClass) == 0) return OTHER_CLASS;
        if (terms.purposes & (uint256(1) << purpose) == 0) return OTHER_PURPOSE;
        if (terms.jurisdictions & regionBits == 0) return OTHER_JURISDICTION;
        if (block.timestamp >= terms.expiry) return EXPIRED;
        return PERMITTED;
    }

    function _reason(uint8 reached) private pure returns (string memory) {
        if (reached == OTHER_PARTY) return "no grant to this party";
        if (reached == OTHER_CLASS) return "data class not covered";
        if (reached == OTHER_PURPOSE) return "purpose not covered";
        if (reached == OTHER_JURISDICTION) return "jurisdiction not covered";
        if (reached == EXPIRED) return "expired";
        return "";
    }

    function _hashGrant(address member, Grant calldata terms, uint256 nonce, uint64 deadline)
        private
        pure
        returns (bytes32)
    {
        return keccak256(
            abi.encode(
                GRANT_TYPEHASH,
                member,
                terms.custodian,
                terms.grantee,
                terms.classes,
                terms.purposes,
                terms.jurisdictions,
                terms.expiry,
                terms.documentHash,
                nonce,
                deadline
            )
        );
    }

    function _storage() private pure returns (ConsentRegistryStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
