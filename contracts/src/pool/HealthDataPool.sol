// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {PartyRoles, Scopes} from "../common/Codes.sol";
import {Kinds} from "../common/Kinds.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {Module} from "../common/Module.sol";
import {IAttestationOracle, Proof} from "../interfaces/IAttestationOracle.sol";
import {ICircuitBreaker} from "../interfaces/ICircuitBreaker.sol";
import {IDatasetToken} from "../interfaces/IDatasetToken.sol";
import {Deposit, IHealthDataPool, Value} from "../interfaces/IHealthDataPool.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {IPoolShare} from "../interfaces/IPoolShare.sol";
import {IProviderBoost} from "../interfaces/IProviderBoost.sol";

/// @title HealthDataPool
/// @notice Holds the datasets, and shares the pool's yield among those who hold its shares.
contract HealthDataPool is IHealthDataPool, Module, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice The contracts that the pool works with.
    struct Peers {
        IERC20 usdc;
        IPoolShare share;
        IDatasetToken datasets;
        IParticipantRegistry registry;
        IAttestationOracle attestations;
        ICircuitBreaker breaker;
        IProviderBoost boost;
        address splitter;
        address computeMarket;
    }

    /// @custom:storage-location erc7201:caduceus.storage.HealthDataPool
    struct HealthDataPoolStorage {
        mapping(uint256 datasetId => Deposit) deposits;
        /// yield per 1e-18 effective share since the beginning, `SCALE` parts of 1e-6 USDC
        uint256 accumulator;
        /// yield that no share has got yet: what the last division left over, or all while no share was effective
        uint256 carry;
        /// the accumulator at which each account was last settled
        mapping(address account => uint256) settledAt;
        /// what each account earned and was not paid, `SCALE` parts of 1e-6 USDC
        mapping(address account => uint256) earned;
        /// 1e6 USDC units
        uint256 owed;
        uint64 maximumValueAge;
        uint16 scoreFloor;
        uint16 scoreCap;
        /// zero when there is none
        address lending;
        /// shares that earn yield, 1e18 units
        mapping(address account => uint256) effective;
        uint256 totalEffective;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.HealthDataPool")) - 1)
    ) & ~bytes32(uint256(0xff));

    /// @dev Parts of 1e-6 USDC in which yield is counted. With 1e36, the product of an accumulator's step and a balance
    /// is at most yield x 1e36, so it fits for any amount of USDC below 1e41 units.
    uint256 private constant SCALE = 1e36;

    /// @dev One share per person at the neutral score.
    uint256 private constant SHARES_PER_PERSON = 1e18;

    /// @dev 10,000^4: the score is a product of four parts in basis points.
    uint256 private constant NEUTRAL_SCORE = 1e16;

    uint64 private constant LEAST_VALUE_AGE = 1 hours;

    IERC20 public immutable USDC;
    IPoolShare public immutable SHARE;
    IDatasetToken public immutable DATASETS;
    IParticipantRegistry public immutable REGISTRY;
    IAttestationOracle public immutable ATTESTATIONS;
    ICircuitBreaker public immutable BREAKER;
    IProviderBoost public immutable BOOST;
    address public immutable SPLITTER;
    address public immutable COMPUTE_MARKET;

    constructor(Peers memory peers) {
        USDC = peers.usdc;
        SHARE = peers.share;
        DATASETS = peers.datasets;
        REGISTRY = peers.registry;
        ATTESTATIONS = peers.attestations;
        BREAKER = peers.breaker;
        BOOST = peers.boost;
        SPLITTER = peers.splitter;
        COMPUTE_MARKET = peers.computeMarket;
    }

    /// @notice Sets the first parameters; once, by the proxy's constructor.
    function initialize(address authority, uint16 floor, uint16 cap, uint64 maximumAge) external initializer {
        __AccessManaged_init(authority);
        _setScoreBounds(floor, cap);
        _setMaximumValueAge(maximumAge);
    }

    modifier onlyComputeMarket() {
        if (msg.sender != COMPUTE_MARKET && msg.sender != _storage().lending) {
            revert MarketErrors.HealthDataPool_NotComputeMarket(msg.sender);
        }
        _;
    }

    // ---------------------------------------------------------------- in and out

    /// @inheritdoc IHealthDataPool
    function deposit(uint256 datasetId, Value calldata value, Proof calldata proof)
        external
        nonReentrant
        returns (uint256 shares)
    {
        HealthDataPoolStorage storage $ = _storage();
        BREAKER.requireLive(Scopes.DEPOSITS);
        _requireCustodian(datasetId);
        _requireValue(datasetId, value, proof);
        shares = _sharesOf(DATASETS.dataset(datasetId).personCount, value);
        if (shares == 0) revert MarketErrors.HealthDataPool_NoShares(datasetId);

        $.deposits[datasetId] =
            Deposit({depositor: msg.sender, openJobs: 0, announced: false, shares: shares});
        emit Deposited(datasetId, msg.sender, shares, value);

        // Reverts when the dataset is in the pool already: its custodian does not hold it then.
        DATASETS.lock(datasetId);
        SHARE.mint(msg.sender, shares);
        // What came in while nobody held a share goes to whoever is here now.
        _distribute(0);
    }

    /// @inheritdoc IHealthDataPool
    function announceWithdrawal(uint256 datasetId) external {
        Deposit storage d = _ownDeposit(datasetId);
        if (d.announced) revert MarketErrors.HealthDataPool_WithdrawalAnnounced(datasetId);
        d.announced = true;
        emit WithdrawalAnnounced(datasetId, msg.sender);
    }

    /// @inheritdoc IHealthDataPool
    function withdraw(uint256 datasetId) external nonReentrant {
        Deposit storage d = _ownDeposit(datasetId);
        if (!d.announced) revert MarketErrors.HealthDataPool_WithdrawalNotAnnounced(datasetId);
        if (d.openJobs != 0) revert MarketErrors.HealthDataPool_JobsOpen(datasetId, d.openJobs);
        uint256 shares = d.shares;

        delete _storage().deposits[datasetId];
        emit Withdrawn(datasetId, msg.sender, shares);

        SHARE.burn(msg.sender, shares);
        DATASETS.release(datasetId);
    }

    // ---------------------------------------------------------------- yield

    /// @inheritdoc IHealthDataPool
    function claimRewards(address provider) external nonReentrant returns (uint256 amount) {
        HealthDataPoolStorage storage $ = _storage();
        _settle(provider);
        uint256 earned = $.earned[provider];
        amount = earned / SCALE;
        if (amount == 0) revert MarketErrors.HealthDataPool_NothingToClaim(provider);

        $.earned[provider] = earned % SCALE;
        $.owed -= amount;
        emit RewardsClaimed(provider, amount);

        USDC.safeTransfer(provider, amount);
    }

    /// @inheritdoc IHealthDataPool
    function settle(address from, address to) external {
        if (msg.sender != address(SHARE)) revert MarketErrors.HealthDataPool_NotShare(msg.sender);
        if (from != address(0)) _refresh(from);
        if (to != address(0)) _refresh(to);
    }

    /// @inheritdoc IHealthDataPool
    function refresh(address account) external {
        _refresh(account);
    }

    /// @inheritdoc IHealthDataPool
    function notifyYield(uint256 amount) external {
        if (msg.sender != SPLITTER) revert MarketErrors.HealthDataPool_NotSplitter(msg.sender);
        _storage().owed += amount;
        emit YieldAdded(amount);
        _distribute(amount);
    }

    // ---------------------------------------------------------------- jobs

    /// @inheritdoc IHealthDataPool
    function jobOpened(uint256 datasetId) external onlyComputeMarket {
        Deposit storage d = _storage().deposits[datasetId];
        if (d.depositor == address(0)) revert MarketErrors.HealthDataPool_NotDeposited(datasetId);
        if (d.announced) revert MarketErrors.HealthDataPool_WithdrawalAnnounced(datasetId);
        d.openJobs += 1;
    }

    /// @inheritdoc IHealthDataPool
    function jobClosed(uint256 datasetId) external onlyComputeMarket {
        _storage().deposits[datasetId].openJobs -= 1;
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IHealthDataPool
    function setScoreBounds(uint16 floor, uint16 cap) external restricted {
        _setScoreBounds(floor, cap);
    }

    /// @inheritdoc IHealthDataPool
    function setMaximumValueAge(uint64 maximumAge) external restricted {
        _setMaximumValueAge(maximumAge);
    }

    /// @inheritdoc IHealthDataPool
    function setLending(address lending_) external restricted {
        HealthDataPoolStorage storage $ = _storage();
        if ($.lending != address(0)) revert MarketErrors.HealthDataPool_LendingIsSet($.lending);
        $.lending = lending_;
        emit LendingSet(lending_);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IHealthDataPool
    function lending() external view returns (address) {
        return _storage().lending;
    }

    /// @inheritdoc IHealthDataPool
    function effectiveOf(address account) external view returns (uint256) {
        return _storage().effective[account];
    }

    /// @inheritdoc IHealthDataPool
    function totalEffective() external view returns (uint256) {
        return _storage().totalEffective;
    }

    /// @inheritdoc IHealthDataPool
    function claimable(address provider) external view returns (uint256) {
        return (_storage().earned[provider] + _unsettled(provider)) / SCALE;
    }

    /// @inheritdoc IHealthDataPool
    function isLive(uint256 datasetId) external view returns (bool) {
        Deposit storage d = _storage().deposits[datasetId];
        return d.depositor != address(0) && !d.announced;
    }

    /// @inheritdoc IHealthDataPool
    function depositOf(uint256 datasetId) external view returns (Deposit memory) {
        return _storage().deposits[datasetId];
    }

    /// @inheritdoc IHealthDataPool
    function owed() external view returns (uint256) {
        return _storage().owed;
    }

    /// @inheritdoc IHealthDataPool
    function scoreBounds() external view returns (uint16 floor, uint16 cap) {
        return (_storage().scoreFloor, _storage().scoreCap);
    }

    /// @inheritdoc IHealthDataPool
    function maximumValueAge() external view returns (uint64) {
        return _storage().maximumValueAge;
    }

    // ---------------------------------------------------------------- internal

    function _requireCustodian(uint256 datasetId) private view {
        if (DATASETS.custodianOf(datasetId) != msg.sender) {
            revert MarketErrors.HealthDataPool_NotCustodian(datasetId, msg.sender);
        }
        (bool ok, string memory reason) = REGISTRY.standing(msg.sender, PartyRoles.CUSTODIAN);
        if (!ok) revert MarketErrors.HealthDataPool_NotInGoodStanding(msg.sender, reason);
    }

    /// @dev Spends the attestation of the value, after checking its bounds and age.
    function _requireValue(uint256 datasetId, Value calldata value, Proof calldata proof) private {
        _requireInBounds(value.completeness);
        _requireInBounds(value.freshness);
        _requireInBounds(value.rarity);
        _requireInBounds(value.reputation);

        uint64 maximumAge = _storage().maximumValueAge;
        uint64 issuedAt = proof.attestation.issuedAt;
        if (block.timestamp > uint256(issuedAt) + maximumAge) {
            revert MarketErrors.HealthDataPool_StaleValue(issuedAt, maximumAge);
        }
        bytes32 payload = keccak256(
            abi.encode(datasetId, value.completeness, value.freshness, value.rarity, value.reputation)
        );
        ATTESTATIONS.consume(proof, Kinds.VALUE, bytes32(datasetId), payload);
    }

    function _requireInBounds(uint16 bps) private view {
        HealthDataPoolStorage storage $ = _storage();
        if (bps < $.scoreFloor || bps > $.scoreCap) {
            revert MarketErrors.HealthDataPool_ScoreOutOfBounds(bps, $.scoreFloor, $.scoreCap);
        }
    }

    /// @dev One product and one division, so that it rounds once. The product has at most 64 + 60 + 4 x 16 bits.
    function _sharesOf(uint64 persons, Value calldata value) private pure returns (uint256) {
        uint256 score =
            uint256(value.completeness) * value.freshness * uint256(value.rarity) * value.reputation;
        return uint256(persons) * SHARES_PER_PERSON * score / NEUTRAL_SCORE;
    }

    function _ownDeposit(uint256 datasetId) private view returns (Deposit storage d) {
        d = _storage().deposits[datasetId];
        if (d.depositor == address(0)) revert MarketErrors.HealthDataPool_NotDeposited(datasetId);
        if (d.depositor != msg.sender) {
            revert MarketErrors.HealthDataPool_NotDepositor(datasetId, msg.sender);
        }
    }

    /// @dev Gives `amount` and the carry to all effective shares alike; what does not divide is carried on.
    function _distribute(uint256 amount) private {
        HealthDataPoolStorage storage $ = _storage();
        uint256 scaled = amount * SCALE + $.carry;
        uint256 effective = $.totalEffective;
        if (effective == 0) {
            $.carry = scaled;
        } else {
            $.accumulator += scaled / effective;
            $.carry = scaled % effective;
        }
    }

    function _settle(address account) private {
        HealthDataPoolStorage storage $ = _storage();
        $.earned[account] += _unsettled(account);
        $.settledAt[account] = $.accumulator;
    }

    /// @dev Settles by what was effective until now, then counts again by the balance and the stake as they are.
    function _refresh(address account) private {
        HealthDataPoolStorage storage $ = _storage();
        _settle(account);
        uint256 before = $.effective[account];
        uint256 effective = BOOST.effectiveShares(account, SHARE.balanceOf(account), SHARE.totalSupply());
        if (effective == before) return;
        $.effective[account] = effective;
        $.totalEffective = $.totalEffective - before + effective;
    }

    /// @dev What the account earned since it was settled last; what is effective has not changed since.
    function _unsettled(address account) private view returns (uint256) {
        HealthDataPoolStorage storage $ = _storage();
        return $.effective[account] * ($.accumulator - $.settledAt[account]);
    }

    function _setScoreBounds(uint16 floor, uint16 cap) private {
        if (floor > cap || cap == 0) revert MarketErrors.HealthDataPool_BadScoreBounds(floor, cap);
        _storage().scoreFloor = floor;
        _storage().scoreCap = cap;
        emit ScoreBoundsSet(floor, cap);
    }

    function _setMaximumValueAge(uint64 maximumAge) private {
        if (maximumAge < LEAST_VALUE_AGE) revert MarketErrors.HealthDataPool_BadValueAge(maximumAge);
        _storage().maximumValueAge = maximumAge;
        emit MaximumValueAgeSet(maximumAge);
    }

    function _storage() private pure returns (HealthDataPoolStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
