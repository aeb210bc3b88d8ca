// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Scopes} from "../common/Codes.sol";
import {Kinds} from "../common/Kinds.sol";
import {Module} from "../common/Module.sol";
import {RewardErrors} from "../common/RewardErrors.sol";
import {IAttestationOracle, Proof} from "../interfaces/IAttestationOracle.sol";
import {ICircuitBreaker} from "../interfaces/ICircuitBreaker.sol";
import {Contribution, IContributionRewards, RewardTerms} from "../interfaces/IContributionRewards.sol";
import {IDataToken} from "../interfaces/IDataToken.sol";
import {IMembershipToken} from "../interfaces/IMembershipToken.sol";
import {IVestingVault} from "../interfaces/IVestingVault.sol";

/// @title ContributionRewards
/// @notice Rewards members for contributing, in points and in DATA.
contract ContributionRewards is IContributionRewards, Module, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice The contracts that the rewards work with.
    struct Peers {
        IDataToken data;
        IVestingVault vault;
        IMembershipToken membership;
        IAttestationOracle attestations;
        ICircuitBreaker breaker;
    }

    /// @dev One storage slot.
    struct Row {
        /// unix seconds of the last reward
        uint64 last;
        /// rewards in a row, the last one included
        uint32 length;
    }

    /// @custom:storage-location erc7201:caduceus.storage.ContributionRewards
    struct ContributionRewardsStorage {
        RewardTerms terms;
        mapping(bytes32 personId => mapping(bytes32 source => Row)) rows;
        mapping(bytes32 personId => uint256) points;
        mapping(bytes32 contentHash => bool) rewarded;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.ContributionRewards")) - 1)
    ) & ~bytes32(uint256(0xff));

    /// @notice How long a person waits between two rewards for the same source, seconds.
    uint64 public constant COOL_DOWN = 7 days;

    /// @notice The longest vesting, seconds.
    uint48 public constant MAXIMUM_VESTING = 10 * 365 days;

    uint256 private constant BPS = 10_000;

    IDataToken public immutable DATA;
    IVestingVault public immutable VAULT;
    IMembershipToken public immutable MEMBERSHIP;
    IAttestationOracle public immutable ATTESTATIONS;
    ICircuitBreaker public immutable BREAKER;

    constructor(Peers memory peers) {
        DATA = peers.data;
        VAULT = peers.vault;
        MEMBERSHIP = peers.membership;
        ATTESTATIONS = peers.attestations;
        BREAKER = peers.breaker;
    }

    /// @notice Sets the first terms; once, by the proxy's constructor.
    function initialize(address authority, RewardTerms calldata terms_) external initializer {
        __AccessManaged_init(authority);
        _setTerms(terms_);
    }

    // ---------------------------------------------------------------- rewarding

    /// @inheritdoc IContributionRewards
    function reward(Contribution calldata c, Proof calldata proof)
        external
        nonReentrant
        returns (uint256 points)
    {
        ContributionRewardsStorage storage $ = _storage();
        BREAKER.requireLive(Scopes.MINTING);
        bytes32 personId = MEMBERSHIP.personOf(c.member);
        if (personId == 0) revert RewardErrors.ContributionRewards_NotMember(c.member);
        _requireWellFormed(c);
        Row memory r = $.rows[personId][c.source];
        if (r.last != 0 && block.timestamp < r.last + COOL_DOWN) {
            revert RewardErrors.ContributionRewards_CoolingDown(c.source, r.last + COOL_DOWN);
        }

        uint32 before = _unbroken(r);
        points = _points(c.quality, c.rarity, before);
        (uint256 immediate, uint256 vested) = _amounts(points);
        if (immediate + vested == 0) revert RewardErrors.ContributionRewards_NothingEarned(points);

        $.rewarded[c.contentHash] = true;
        $.rows[personId][c.source] = Row({last: uint64(block.timestamp), length: before + 1});
        $.points[personId] += points;
        ATTESTATIONS.consume(proof, Kinds.POINTS, personId, keccak256(abi.encode(c)));
        uint256 vestingId = _pay(c.member, immediate, vested, c.datasetId);
        emit ContributionRewarded(personId, c.source, c.datasetId, points, immediate, vested, vestingId);
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IContributionRewards
    function setTerms(RewardTerms calldata terms_) external restricted {
        _setTerms(terms_);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IContributionRewards
    function terms() external view returns (RewardTerms memory) {
        return _storage().terms;
    }

    /// @inheritdoc IContributionRewards
    function pointsOf(bytes32 personId, bytes32 source, uint16 quality, uint32 rarity)
        external
        view
        returns (uint256)
    {
        return _points(quality, rarity, _unbroken(_storage().rows[personId][source]));
    }

    /// @inheritdoc IContributionRewards
    function amountOf(uint256 points) external view returns (uint256 immediate, uint256 vested) {
        return _amounts(points);
    }

    /// @inheritdoc IContributionRewards
    function rowOf(bytes32 personId, bytes32 source) external view returns (uint64 last, uint32 row) {
        Row memory r = _storage().rows[personId][source];
        return (r.last, r.length);
    }

    /// @inheritdoc IContributionRewards
    function totalPoints(bytes32 personId) external view returns (uint256) {
        return _storage().points[personId];
    }

    /// @inheritdoc IContributionRewards
    function isRewarded(bytes32 contentHash) external view returns (bool) {
        return _storage().rewarded[contentHash];
    }

    /// @inheritdoc IContributionRewards
    function reserve() public view returns (uint256) {
        return DATA.balanceOf(address(this));
    }

    // ---------------------------------------------------------------- internal

    function _requireWellFormed(Contribution calldata c) private view {
        ContributionRewardsStorage storage $ = _storage();
        if (c.source == 0) revert RewardErrors.ContributionRewards_BadContribution("source");
        if (c.contentHash == 0) revert RewardErrors.ContributionRewards_BadContribution("contentHash");
        // Zero would vest without waiting for a use.
        if (c.datasetId == 0) revert RewardErrors.ContributionRewards_BadContribution("datasetId");
        if (c.quality > BPS) revert RewardErrors.ContributionRewards_BadContribution("quality");
        if (c.rarity > $.terms.maximumRarity) {
            revert RewardErrors.ContributionRewards_BadContribution("rarity");
        }
        if ($.rewarded[c.contentHash]) {
            revert RewardErrors.ContributionRewards_AlreadyRewarded(c.contentHash);
        }
    }

    /// @dev How many rewards in a row went before one that came now.
    function _unbroken(Row memory r) private view returns (uint32) {
        return block.timestamp > uint256(r.last) + _storage().terms.bonusGap ? 0 : r.length;
    }

    function _points(uint16 quality, uint32 rarity, uint32 row) private view returns (uint256) {
        RewardTerms memory t = _storage().terms;
        return uint256(quality) * rarity / BPS + uint256(t.bonusPoints) * Math.min(row, t.bonusSteps);
    }

    function _amounts(uint256 points) private view returns (uint256 immediate, uint256 vested) {
        RewardTerms memory t = _storage().terms;
        uint256 amount = Math.mulDiv(points, t.rate, BPS);
        immediate = Math.mulDiv(amount, t.immediateBps, BPS);
        vested = amount - immediate;
    }

    /// @dev Spends the reserve first. Each transfer moves DATA of this contract only.
    function _pay(address member, uint256 immediate, uint256 vested, uint256 datasetId)
        private
        returns (uint256 vestingId)
    {
        uint256 held = reserve();
        uint256 amount = immediate + vested;
        if (amount > held) DATA.mint(address(this), amount - held);
        if (immediate != 0) IERC20(address(DATA)).safeTransfer(member, immediate);
        if (vested != 0) {
            uint48 start = uint48(block.timestamp);
            IERC20(address(DATA)).safeTransfer(address(VAULT), vested);
            vestingId =
                VAULT.open(member, vested, start, start, start + _storage().terms.vestingTerm, datasetId);
        }
    }

    function _setTerms(RewardTerms calldata t) private {
        if (t.immediateBps > BPS) revert RewardErrors.ContributionRewards_BadTerms("immediateBps");
        if (t.vestingTerm == 0 || t.vestingTerm > MAXIMUM_VESTING) {
            revert RewardErrors.ContributionRewards_BadTerms("vestingTerm");
        }
        if (t.bonusGap <= COOL_DOWN) revert RewardErrors.ContributionRewards_BadTerms("bonusGap");
        if (t.maximumRarity == 0) revert RewardErrors.ContributionRewards_BadTerms("maximumRarity");
        _storage().terms = t;
        emit RewardTermsSet(t);
    }

    function _storage() private pure returns (ContributionRewardsStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
