// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {PartyRoles} from "../common/Codes.sol";
import {Kinds} from "../common/Kinds.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {Module} from "../common/Module.sol";
import {Payouts} from "../common/Payouts.sol";
import {IAttestationOracle, Proof} from "../interfaces/IAttestationOracle.sol";
import {IDatasetToken} from "../interfaces/IDatasetToken.sol";
import {Claims, IMemberClaims} from "../interfaces/IMemberClaims.sol";
import {IMembershipToken} from "../interfaces/IMembershipToken.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {IPayoutStreams} from "../interfaces/IPayoutStreams.sol";

/// @title MemberClaims
/// @notice Pays the members' part of a dataset's usage yield by Merkle proof.
contract MemberClaims is IMemberClaims, Module, ReentrancyGuardTransient {
    using SafeCast for uint256;

    /// @notice The contracts that the claims work with.
    struct Peers {
        IERC20 usdc;
        IDatasetToken datasets;
        IMembershipToken membership;
        IParticipantRegistry registry;
        IAttestationOracle attestations;
        IPayoutStreams streams;
        address splitter;
    }

    /// @custom:storage-location erc7201:caduceus.storage.MemberClaims
    struct MemberClaimsStorage {
        mapping(uint256 datasetId => Account) accounts;
        mapping(uint256 datasetId => mapping(bytes32 personId => uint256)) claimed;
    }

    /// @dev `Claims` as they are stored: what a claim reads and writes lies together.
    struct Account {
        bytes32 root;
        uint128 total;
        uint128 paid;
        uint256 funded;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.MemberClaims")) - 1)
    ) & ~bytes32(uint256(0xff));

    IERC20 public immutable USDC;
    IDatasetToken public immutable DATASETS;
    IMembershipToken public immutable MEMBERSHIP;
    IParticipantRegistry public immutable REGISTRY;
    IAttestationOracle public immutable ATTESTATIONS;
    IPayoutStreams public immutable STREAMS;
    address public immutable SPLITTER;

    constructor(Peers memory peers) {
        USDC = peers.usdc;
        DATASETS = peers.datasets;
        MEMBERSHIP = peers.membership;
        REGISTRY = peers.registry;
        ATTESTATIONS = peers.attestations;
        STREAMS = peers.streams;
        SPLITTER = peers.splitter;
    }

    /// @notice Connects the claims to their authority; once, by the proxy's constructor.
    function initialize(address authority) external initializer {
        __AccessManaged_init(authority);
    }

    // ---------------------------------------------------------------- earning

    /// @inheritdoc IMemberClaims
    function fund(uint256[] calldata datasetIds, uint256[] calldata amounts) external {
        if (msg.sender != SPLITTER) revert MarketErrors.MemberClaims_NotSplitter(msg.sender);
        for (uint256 i; i < datasetIds.length; ++i) {
            _storage().accounts[datasetIds[i]].funded += amounts[i];
        }
    }

    /// @inheritdoc IMemberClaims
    function postRoot(uint256 datasetId, bytes32 root, uint256 total, Proof calldata contribution) external {
        if (DATASETS.custodianOf(datasetId) != msg.sender) {
            revert MarketErrors.MemberClaims_NotCustodian(datasetId, msg.sender);
        }
        (bool ok, string memory reason) = REGISTRY.standing(msg.sender, PartyRoles.CUSTODIAN);
        if (!ok) revert MarketErrors.MemberClaims_NotInGoodStanding(msg.sender, reason);
        if (root == 0) revert MarketErrors.MemberClaims_ZeroRoot();
        Account storage c = _storage().accounts[datasetId];
        if (total < c.total || total > c.funded) {
            revert MarketErrors.MemberClaims_BadTotal(total, c.total, c.funded);
        }

        c.root = root;
        c.total = total.toUint128();
        emit RootPosted(datasetId, root, total);

        bytes32 payload = keccak256(abi.encode(datasetId, root, total));
        ATTESTATIONS.consume(contribution, Kinds.CONTRIBUTION, bytes32(datasetId), payload);
    }

    // ---------------------------------------------------------------- claiming

    /// @inheritdoc IMemberClaims
    function claim(uint256 datasetId, bytes32 personId, uint256 cumulative, bytes32[] calldata proof)
        external
        nonReentrant
        returns (uint256 amount)
    {
        MemberClaimsStorage storage $ = _storage();
        Account storage c = $.accounts[datasetId];
        address member = MEMBERSHIP.memberOf(personId);
        if (member == address(0)) revert MarketErrors.MemberClaims_NotMember(personId);
        if (!MerkleProof.verifyCalldata(proof, c.root, leafOf(datasetId, personId, cumulative))) {
            revert MarketErrors.MemberClaims_BadProof(datasetId, personId);
        }
        uint256 before = $.claimed[datasetId][personId];
        if (cumulative <= before) revert MarketErrors.MemberClaims_NothingToClaim(datasetId, personId);
        amount = cumulative - before;
        // A tree whose amounts exceed its total would take from other datasets' members.
        if (c.paid + amount > c.total) revert MarketErrors.MemberClaims_AboveTotal(c.paid + amount, c.total);

        $.claimed[datasetId][personId] = cumulative;
        c.paid += amount.toUint128();
        emit Claimed(datasetId, personId, member, amount);

        Payouts.pay(USDC, STREAMS, member, amount);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IMemberClaims
    function claimed(uint256 datasetId, bytes32 personId) external view returns (uint256) {
        return _storage().claimed[datasetId][personId];
    }

    /// @inheritdoc IMemberClaims
    function claimsOf(uint256 datasetId) external view returns (Claims memory) {
        Account storage c = _storage().accounts[datasetId];
        return Claims({root: c.root, total: c.total, funded: c.funded, paid: c.paid});
    }

    /// @inheritdoc IMemberClaims
    function owed() external view returns (uint256) {
        return USDC.balanceOf(address(this));
    }

    /// @inheritdoc IMemberClaims
    function leafOf(uint256 datasetId, bytes32 personId, uint256 cumulative) public pure returns (bytes32) {
        // Hashed twice, so that no inner node of a tree can pass for a leaf.
        return keccak256(bytes.concat(keccak256(abi.encode(datasetId, personId, cumulative))));
    }

    // ---------------------------------------------------------------- internal

    function _storage() private pure returns (MemberClaimsStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
