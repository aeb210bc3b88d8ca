// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {PartyRoles, Scopes} from "../common/Codes.sol";
import {Kinds} from "../common/Kinds.sol";
import {Module} from "../common/Module.sol";
import {Payments, Permit} from "../common/Payments.sol";
import {RewardErrors} from "../common/RewardErrors.sol";
import {IAttestationOracle, Proof} from "../interfaces/IAttestationOracle.sol";
import {ICircuitBreaker} from "../interfaces/ICircuitBreaker.sol";
import {IDataToken} from "../interfaces/IDataToken.sol";
import {IDatasetToken} from "../interfaces/IDatasetToken.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {
    Check,
    CheckStates,
    CheckTerms,
    IValidatorPool,
    ValidatorStake
} from "../interfaces/IValidatorPool.sol";

/// @title ValidatorPool
/// @notice Validators stake DATA, check the quality of datasets for pay, and lose their bond for a wrong check.
contract ValidatorPool is IValidatorPool, Module, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;
    using Payments for IERC20;

    /// @notice The contracts that the pool works with.
    struct Peers {
        IDataToken data;
        IDatasetToken datasets;
        IParticipantRegistry registry;
        IAttestationOracle attestations;
        ICircuitBreaker breaker;
    }

    /// @custom:storage-location erc7201:caduceus.storage.ValidatorPool
    struct ValidatorPoolStorage {
        mapping(address validator => ValidatorStake) stakes;
        mapping(uint256 checkId => Check) checks;
        uint256 checkCount;
        uint256 owed;
        CheckTerms terms;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.ValidatorPool")) - 1)
    ) & ~bytes32(uint256(0xff));

    /// @notice The most of a lost bond that goes to a finder, basis points.
    uint16 public constant MAXIMUM_FINDER_BPS = 5_000;

    uint256 private constant BPS = 10_000;
    uint48 private constant LEAST_WINDOW = 1 hours;
    uint48 private constant GREATEST_WINDOW = 30 days;

    IDataToken public immutable DATA;
    IDatasetToken public immutable DATASETS;
    IParticipantRegistry public immutable REGISTRY;
    IAttestationOracle public immutable ATTESTATIONS;
    ICircuitBreaker public immutable BREAKER;

    constructor(Peers memory peers) {
        DATA = peers.data;
        DATASETS = peers.datasets;
        REGISTRY = peers.registry;
        ATTESTATIONS = peers.attestations;
        BREAKER = peers.breaker;
    }

    /// @notice Sets the first terms; once, by the proxy's constructor.
    function initialize(address authority, CheckTerms calldata terms_) external initializer {
        __AccessManaged_init(authority);
        _setTerms(terms_);
    }

    // ---------------------------------------------------------------- stakes

    /// @inheritdoc IValidatorPool
    function stake(uint256 amount, Permit calldata permit) external nonReentrant {
        _requireStanding();
        if (amount == 0) revert RewardErrors.ValidatorPool_ZeroAmount();
        _storage().stakes[msg.sender].staked += amount.toUint104();
        _storage().owed += amount;
        emit ValidatorStaked(msg.sender, amount);
        _data().pull(msg.sender, address(this), amount, permit);
    }

    /// @inheritdoc IValidatorPool
    function unstake(uint256 amount) external nonReentrant {
        ValidatorStake storage s = _storage().stakes[msg.sender];
        if (amount == 0) revert RewardErrors.ValidatorPool_ZeroAmount();
        uint256 free = s.staked - s.locked;
        if (amount > free) revert RewardErrors.ValidatorPool_AboveFreeStake(amount, free);
        s.staked -= amount.toUint104();
        emit ValidatorUnstaked(msg.sender, amount);
        _send(msg.sender, amount);
    }

    // ---------------------------------------------------------------- asking

    /// @inheritdoc IValidatorPool
    function request(uint256 datasetId, uint128 pay, Permit calldata permit)
        external
        nonReentrant
        returns (uint256 checkId)
    {
        ValidatorPoolStorage storage $ = _storage();
        BREAKER.requireLive(Scopes.JOBS);
        if (pay == 0) revert RewardErrors.ValidatorPool_ZeroAmount();
        if (!DATASETS.exists(datasetId)) revert RewardErrors.ValidatorPool_UnknownDataset(datasetId);

        checkId = ++$.checkCount;
        Check storage c = $.checks[checkId];
        c.requester = msg.sender;
        c.state = CheckStates.REQUESTED;
        c.datasetId = datasetId;
        c.pay = pay;
        $.owed += pay;
        emit CheckRequested(checkId, datasetId, msg.sender, pay);

        _data().pull(msg.sender, address(this), pay, permit);
    }

    /// @inheritdoc IValidatorPool
    function cancel(uint256 checkId) external nonReentrant {
        Check storage c = _inState(checkId, CheckStates.REQUESTED);
        if (msg.sender != c.requester) {
            revert RewardErrors.ValidatorPool_NotRequester(checkId, msg.sender);
        }
        _end(checkId, c, CheckStates.RETURNED);
        _send(c.requester, c.pay);
    }

    // ---------------------------------------------------------------- checking

    /// @inheritdoc IValidatorPool
    function take(uint256 checkId) external {
        BREAKER.requireLive(Scopes.JOBS);
        Check storage c = _inState(checkId, CheckStates.REQUESTED);
        _requireStanding();
        if (msg.sender == c.requester || msg.sender == DATASETS.custodianOf(c.datasetId)) {
            revert RewardErrors.ValidatorPool_Partial(checkId, msg.sender);
        }
        CheckTerms memory t = _storage().terms;
        ValidatorStake storage s = _storage().stakes[msg.sender];
        uint256 free = s.staked - s.locked;
        if (t.bond > free) revert RewardErrors.ValidatorPool_AboveFreeStake(t.bond, free);

        s.locked += t.bond;
        c.validator = msg.sender;
        c.bond = t.bond;
        _advance(c, CheckStates.TAKEN, t.reportWindow);
        emit CheckTaken(checkId, msg.sender, c.deadline);
    }

    /// @inheritdoc IValidatorPool
    function report(uint256 checkId, uint16 quality, bytes32 report_) external {
        Check storage c = _current(checkId, CheckStates.TAKEN);
        if (msg.sender != c.validator) {
            revert RewardErrors.ValidatorPool_NotValidator(checkId, msg.sender);
        }
        if (quality > BPS) revert RewardErrors.ValidatorPool_BadReport("quality");
        if (report_ == 0) revert RewardErrors.ValidatorPool_BadReport("report");

        c.quality = quality;
        c.report = report_;
        _advance(c, CheckStates.REPORTED, _storage().terms.challengeWindow);
        emit CheckReported(checkId, quality, report_, c.deadline);
    }

    /// @inheritdoc IValidatorPool
    function challenge(uint256 checkId, bytes32 evidence, Permit calldata permit) external nonReentrant {
        Check storage c = _current(checkId, CheckStates.REPORTED);
        if (msg.sender == c.validator) revert RewardErrors.ValidatorPool_Partial(checkId, msg.sender);
        CheckTerms memory t = _storage().terms;

        c.challenger = msg.sender;
        c.challengeBond = t.challengeBond;
        _storage().owed += t.challengeBond;
        _advance(c, CheckStates.CHALLENGED, t.rulingWindow);
        emit CheckChallenged(checkId, msg.sender, evidence, c.deadline);

        _data().pull(msg.sender, address(this), t.challengeBond, permit);
    }

    // ---------------------------------------------------------------- ending

    /// @inheritdoc IValidatorPool
    function rule(uint256 checkId, bool wrong, Proof calldata verdict) external nonReentrant {
        Check storage c = _current(checkId, CheckStates.CHALLENGED);
        ATTESTATIONS.consume(
            verdict, Kinds.VERDICT, bytes32(checkId), keccak256(abi.encode(checkId, c.report, wrong))
        );
        if (wrong) {
            _end(checkId, c, CheckStates.SLASHED);
            uint256 toFinder = _slash(checkId, c);
            _send(c.challenger, toFinder + c.challengeBond);
            _send(c.requester, c.pay);
        } else {
            _end(checkId, c, CheckStates.PAID);
            _free(c);
            _storage().stakes[c.validator].right += 1;
            _send(c.validator, uint256(c.pay) + c.challengeBond);
        }
    }

    /// @inheritdoc IValidatorPool
    function conclude(uint256 checkId) external nonReentrant {
        Check storage c = _storage().checks[checkId];
        uint8 state = c.state;
        if (state < CheckStates.TAKEN || state > CheckStates.CHALLENGED) {
            revert RewardErrors.ValidatorPool_WrongState(checkId, state);
        }
        if (block.timestamp <= c.deadline) {
            revert RewardErrors.ValidatorPool_DeadlineNotPassed(checkId, c.deadline);
        }
        if (state == CheckStates.TAKEN) {
            _end(checkId, c, CheckStates.SLASHED);
            uint256 toFinder = _slash(checkId, c);
            _send(c.requester, toFinder + c.pay);
        } else if (state == CheckStates.REPORTED) {
            _end(checkId, c, CheckStates.PAID);
            _free(c);
            _storage().stakes[c.validator].right += 1;
            _send(c.validator, c.pay);
        } else {
            _end(checkId, c, CheckStates.RETURNED);
            _free(c);
            _send(c.challenger, c.challengeBond);
            _send(c.requester, c.pay);
        }
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IValidatorPool
    function setTerms(CheckTerms calldata terms_) external restricted {
        _setTerms(terms_);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IValidatorPool
    function terms() external view returns (CheckTerms memory) {
        return _storage().terms;
    }

    /// @inheritdoc IValidatorPool
    function check(uint256 checkId) external view returns (Check memory) {
        return _storage().checks[checkId];
    }

    /// @inheritdoc IValidatorPool
    function checkCount() external view returns (uint256) {
        return _storage().checkCount;
    }

    /// @inheritdoc IValidatorPool
    function stakeOf(address validator) external view returns (ValidatorStake memory) {
        return _storage().stakes[validator];
    }

    /// @inheritdoc IValidatorPool
    function owed() external view returns (uint256) {
        return _storage().owed;
    }

    // ---------------------------------------------------------------- internal

    function _data() private view returns (IERC20) {
        return IERC20(address(DATA));
    }

    function _requireStanding() private view {
        (bool ok, string memory reason) = REGISTRY.standing(msg.sender, PartyRoles.VALIDATOR);
        if (!ok) revert RewardErrors.ValidatorPool_NotInGoodStanding(msg.sender, reason);
    }

    function _inState(uint256 checkId, uint8 state) private view returns (Check storage c) {
        c = _storage().checks[checkId];
        if (c.state != state) revert RewardErrors.ValidatorPool_WrongState(checkId, c.state);
    }

    /// @dev The check, when it is in `state` and its deadline has not passed.
    function _current(uint256 checkId, uint8 state) private view returns (Check storage c) {
        c = _inState(checkId, state);
        if (block.timestamp > c.deadline) {
            revert RewardErrors.ValidatorPool_DeadlinePassed(checkId, c.deadline);
        }
    }

    function _advance(Check storage c, uint8 state, uint48 window) private {
        c.state = state;
        c.deadline = uint64(block.timestamp) + window;
    }

    function _end(uint256 checkId, Check storage c, uint8 state) private {
        c.state = state;
        c.deadline = 0;
        emit CheckEnded(checkId, state);
    }

    /// @dev Unlocks the validator's bond.
    function _free(Check storage c) private {
        _storage().stakes[c.validator].locked -= uint256(c.bond).toUint104();
    }

    /// @dev Takes the validator's bond, burns a part and returns what is for the finder, rounded down; it is still owed.
    function _slash(uint256 checkId, Check storage c) private returns (uint256 toFinder) {
        uint256 bond = c.bond;
        ValidatorStake storage s = _storage().stakes[c.validator];
        _free(c);
        s.staked -= bond.toUint104();
        s.wrong += 1;
        toFinder = bond * _storage().terms.finderBps / BPS;
        _storage().owed -= bond - toFinder;
        emit ValidatorSlashed(checkId, c.validator, bond - toFinder, toFinder);
        DATA.burn(bond - toFinder);
    }

    /// @dev Pays what was owed.
    function _send(address to, uint256 amount) private {
        _storage().owed -= amount;
        _data().safeTransfer(to, amount);
    }

    function _setTerms(CheckTerms calldata t) private {
        // A report that costs nothing when it is wrong is worth nothing, and so is a challenge.
        if (t.bond == 0) revert RewardErrors.ValidatorPool_BadTerms("bond");
        if (t.challengeBond == 0) revert RewardErrors.ValidatorPool_BadTerms("challengeBond");
        // Who challenges their own wrong report through a friend must still lose.
        if (t.finderBps > MAXIMUM_FINDER_BPS) revert RewardErrors.ValidatorPool_BadTerms("finderBps");
        _requireWindow(t.reportWindow, "reportWindow");
        _requireWindow(t.challengeWindow, "challengeWindow");
        _requireWindow(t.rulingWindow, "rulingWindow");
        _storage().terms = t;
        emit CheckTermsSet(t);
    }

    function _requireWindow(uint48 window, string memory part) private pure {
        if (window < LEAST_WINDOW || window > GREATEST_WINDOW) {
            revert RewardErrors.ValidatorPool_BadTerms(part);
        }
    }

    function _storage() private pure returns (ValidatorPoolStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
