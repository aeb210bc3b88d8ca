// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {PartyRoles, Scopes} from "../common/Codes.sol";
import {Errors} from "../common/Errors.sol";
import {Kinds} from "../common/Kinds.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {Module} from "../common/Module.sol";
import {Payments, Permit} from "../common/Payments.sol";
import {IAttestationOracle, Proof} from "../interfaces/IAttestationOracle.sol";
import {ICircuitBreaker} from "../interfaces/ICircuitBreaker.sol";
import {IComplianceOracle} from "../interfaces/IComplianceOracle.sol";
import {IComputeMarket, Job, JobStates, Question, Windows} from "../interfaces/IComputeMarket.sol";
import {IConsentRegistry} from "../interfaces/IConsentRegistry.sol";
import {IDatasetToken} from "../interfaces/IDatasetToken.sol";
import {IHealthDataPool} from "../interfaces/IHealthDataPool.sol";
import {ILicencePass} from "../interfaces/ILicencePass.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {IProvenanceLog} from "../interfaces/IProvenanceLog.sol";
import {IResearcherBonds} from "../interfaces/IResearcherBonds.sol";
import {IRevenueSplitter} from "../interfaces/IRevenueSplitter.sol";

/// @title ComputeMarket
/// @notice Questions go to the vaults, answers are paid when they were delivered, everything else is refunded.
contract ComputeMarket is IComputeMarket, Module, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using Payments for IERC20;

    /// @notice The contracts that the market works with.
    struct Peers {
        IERC20 usdc;
        ILicencePass passes;
        IDatasetToken datasets;
        IHealthDataPool pool;
        IParticipantRegistry registry;
        IComplianceOracle compliance;
        IConsentRegistry consents;
        IAttestationOracle attestations;
        IProvenanceLog provenance;
        ICircuitBreaker breaker;
        IRevenueSplitter splitter;
    }

    /// @dev How the jobs of one question stand, for the one use of the pass that they share.
    struct Progress {
        uint64 openJobs;
        bool answered;
    }

    /// @custom:storage-location erc7201:caduceus.storage.ComputeMarket
    struct ComputeMarketStorage {
        mapping(uint256 jobId => Job) jobs;
        mapping(uint256 questionId => Progress) progress;
        mapping(address researcher => uint256) refundable;
        uint256 jobCount;
        /// escrows of open jobs and waiting refunds, 1e6 USDC units
        uint256 owed;
        Windows windows;
        uint128 jobFee;
        /// zero when none are asked for
        IResearcherBonds bonds;
        /// in which state a job was disputed; stays when the dispute has ended
        mapping(uint256 jobId => uint8 state) disputedIn;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.ComputeMarket")) - 1)
    ) & ~bytes32(uint256(0xff));

    /// @notice The most datasets in one question: `request` walks over all of them.
    uint256 public constant MAXIMUM_DATASETS = 16;

    uint64 private constant LEAST_WINDOW = 1 hours;
    uint64 private constant GREATEST_WINDOW = 30 days;
    /// @dev Longer than any arbitrator has, so that a dispute ends by its own rules unless its contract fails.
    uint64 private constant DISPUTE_WINDOW = 200 days;

    IERC20 public immutable USDC;
    ILicencePass public immutable PASSES;
    IDatasetToken public immutable DATASETS;
    IHealthDataPool public immutable POOL;
    IParticipantRegistry public immutable REGISTRY;
    IComplianceOracle public immutable COMPLIANCE;
    IConsentRegistry public immutable CONSENTS;
    IAttestationOracle public immutable ATTESTATIONS;
    IProvenanceLog public immutable PROVENANCE;
    ICircuitBreaker public immutable BREAKER;
    IRevenueSplitter public immutable SPLITTER;

    constructor(Peers memory peers) {
        USDC = peers.usdc;
        PASSES = peers.passes;
        DATASETS = peers.datasets;
        POOL = peers.pool;
        REGISTRY = peers.registry;
        COMPLIANCE = peers.compliance;
        CONSENTS = peers.consents;
        ATTESTATIONS = peers.attestations;
        PROVENANCE = peers.provenance;
        BREAKER = peers.breaker;
        SPLITTER = peers.splitter;
    }

    /// @notice Sets the first parameters; once, by the proxy's constructor.
    /// @param jobFee_ 1e6 USDC units
    function initialize(address authority, uint128 jobFee_, Windows calldata windows_) external initializer {
        __AccessManaged_init(authority);
        _setJobFee(jobFee_);
        _setWindows(windows_);
    }

    // ---------------------------------------------------------------- the researcher

    /// @inheritdoc IComputeMarket
    function request(Question calldata question, Permit calldata permit)
        external
        nonReentrant
        returns (uint256 firstJobId)
    {
        uint256 total;
        (firstJobId, total) = _request(msg.sender, question);
        USDC.pull(msg.sender, address(this), total, permit);
    }

    /// @inheritdoc IComputeMarket
    function requestFor(address researcher, Question calldata question)
        external
        restricted
        nonReentrant
        returns (uint256 firstJobId)
    {
        uint256 total;
        (firstJobId, total) = _request(researcher, question);
        USDC.pull(msg.sender, address(this), total);
    }

    /// @inheritdoc IComputeMarket
    function withdrawRefund(address researcher) external nonReentrant returns (uint256 amount) {
        ComputeMarketStorage storage $ = _storage();
        amount = $.refundable[researcher];
        if (amount == 0) revert MarketErrors.ComputeMarket_NothingToRefund(researcher);
        $.refundable[researcher] = 0;
        $.owed -= amount;
        emit Refunded(researcher, amount);
        USDC.safeTransfer(researcher, amount);
    }

    // ---------------------------------------------------------------- the custodian

    /// @inheritdoc IComputeMarket
    function accept(uint256 jobId) external {
        BREAKER.requireLive(Scopes.JOBS);
        Job storage j = _current(jobId, JobStates.REQUESTED);
        _requireCustodian(jobId, j.datasetId);
        _requireStanding();
        (bool ok, string memory law) =
            COMPLIANCE.checkAccess(j.researcher, j.datasetId, j.purpose, j.epsilonMilli);
        if (!ok) revert Errors.Blocked(law);

        _advance(j, JobStates.ACCEPTED, _storage().windows.compute);
        emit JobAccepted(jobId, msg.sender);
    }

    /// @inheritdoc IComputeMarket
    function decline(uint256 jobId) external nonReentrant {
        Job storage j = _storage().jobs[jobId];
        if (j.state != JobStates.REQUESTED && j.state != JobStates.ACCEPTED) {
            revert MarketErrors.ComputeMarket_WrongState(jobId, j.state);
        }
        _requireCustodian(jobId, j.datasetId);
        emit JobDeclined(jobId, msg.sender);
        _refund(j, JobStates.REFUNDED);
    }

    /// @inheritdoc IComputeMarket
    function commit(uint256 jobId, bytes32 resultHash, uint32 spentEpsilonMilli, uint64 consentCounter)
        external
    {
        Job storage j = _current(jobId, JobStates.ACCEPTED);
        _requireCustodian(jobId, j.datasetId);
        _requireStanding();
        if (resultHash == 0) revert MarketErrors.ComputeMarket_ZeroResult();
        if (spentEpsilonMilli > j.epsilonMilli) {
            revert MarketErrors.ComputeMarket_EpsilonAboveAsked(spentEpsilonMilli, j.epsilonMilli);
        }
        uint64 counter = CONSENTS.revocationCounter(msg.sender);
        if (consentCounter != counter) {
            revert MarketErrors.ComputeMarket_OldConsentCounter(consentCounter, counter);
        }

        j.resultHash = resultHash;
        j.spentEpsilonMilli = spentEpsilonMilli;
        j.consentCounter = consentCounter;
        _advance(j, JobStates.COMMITTED, _storage().windows.verify);
        emit JobCommitted(jobId, resultHash, spentEpsilonMilli, consentCounter);
    }

    // ---------------------------------------------------------------- anyone

    /// @inheritdoc IComputeMarket
    function verify(uint256 jobId, Proof calldata delivery) external {
        Job storage j = _current(jobId, JobStates.COMMITTED);
        _advance(j, JobStates.VERIFIED, _storage().windows.settle);
        emit JobVerified(jobId);

        bytes32 payload = keccak256(abi.encode(jobId, j.resultHash, j.spentEpsilonMilli, j.consentCounter));
        ATTESTATIONS.consume(delivery, Kinds.DELIVERY, bytes32(jobId), payload);
    }

    /// @inheritdoc IComputeMarket
    function settle(uint256 jobId) external nonReentrant {
        Job storage j = _storage().jobs[jobId];
        if (j.state != JobStates.VERIFIED) revert MarketErrors.ComputeMarket_WrongState(jobId, j.state);
        uint256 paid = j.escrow;

        _close(j, JobStates.SETTLED);
        _storage().owed -= paid;
        emit JobSettled(jobId, paid);

        PROVENANCE.recordAccess(j.datasetId, j.researcher, j.passId, jobId, j.purpose);
        USDC.safeTransfer(address(SPLITTER), paid);
        uint256[] memory datasetIds = new uint256[](1);
        uint256[] memory weights = new uint256[](1);
        datasetIds[0] = j.datasetId;
        weights[0] = 1;
        SPLITTER.distribute(paid, datasetIds, weights);
    }

    /// @inheritdoc IComputeMarket
    function expire(uint256 jobId) external nonReentrant {
        Job storage j = _storage().jobs[jobId];
        uint8 state = j.state;
        bool open = state >= JobStates.REQUESTED && state <= JobStates.VERIFIED;
        if (!open && state != JobStates.DISPUTED) {
            revert MarketErrors.ComputeMarket_WrongState(jobId, state);
        }
        if (block.timestamp <= j.deadline) {
            revert MarketErrors.ComputeMarket_DeadlineNotPassed(jobId, j.deadline);
        }
        emit JobExpired(jobId, state);
        _refund(j, JobStates.EXPIRED);
    }

    // ---------------------------------------------------------------- disputes

    /// @inheritdoc IComputeMarket
    function suspend(uint256 jobId) external restricted {
        ComputeMarketStorage storage $ = _storage();
        uint8 state = $.jobs[jobId].state;
        Job storage j =
            _current(jobId, state == JobStates.VERIFIED ? JobStates.VERIFIED : JobStates.COMMITTED);
        if ($.disputedIn[jobId] != JobStates.NONE) revert MarketErrors.ComputeMarket_DisputedBefore(jobId);
        $.disputedIn[jobId] = state;
        _advance(j, JobStates.DISPUTED, DISPUTE_WINDOW);
        emit JobSuspended(jobId);
    }

    /// @inheritdoc IComputeMarket
    function resolve(uint256 jobId, bool refund) external restricted nonReentrant {
        Job storage j = _storage().jobs[jobId];
        if (j.state != JobStates.DISPUTED) revert MarketErrors.ComputeMarket_WrongState(jobId, j.state);
        uint8 state = refund ? JobStates.REFUNDED : _storage().disputedIn[jobId];
        emit JobResolved(jobId, state);
        if (refund) {
            _refund(j, state);
        } else {
            Windows storage w = _storage().windows;
            _advance(j, state, state == JobStates.VERIFIED ? w.settle : w.verify);
        }
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IComputeMarket
    function setJobFee(uint128 jobFee_) external restricted {
        _setJobFee(jobFee_);
    }

    /// @inheritdoc IComputeMarket
    function setWindows(Windows calldata windows_) external restricted {
        _setWindows(windows_);
    }

    /// @inheritdoc IComputeMarket
    function setBonds(IResearcherBonds bonds_) external restricted {
        _storage().bonds = bonds_;
        emit BondsSet(bonds_);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IComputeMarket
    function bonds() external view returns (IResearcherBonds) {
        return _storage().bonds;
    }

    /// @inheritdoc IComputeMarket
    function job(uint256 jobId) external view returns (Job memory) {
        return _storage().jobs[jobId];
    }

    /// @inheritdoc IComputeMarket
    function jobCount() external view returns (uint256) {
        return _storage().jobCount;
    }

    /// @inheritdoc IComputeMarket
    function refundable(address researcher) external view returns (uint256) {
        return _storage().refundable[researcher];
    }

    /// @inheritdoc IComputeMarket
    function owed() external view returns (uint256) {
        return _storage().owed;
    }

    /// @inheritdoc IComputeMarket
    function jobFee() external view returns (uint128) {
        return _storage().jobFee;
    }

    /// @inheritdoc IComputeMarket
    function windows() external view returns (Windows memory) {
        return _storage().windows;
    }

    // ---------------------------------------------------------------- internal: asking

    /// @dev Opens the jobs. `total` (1e6 USDC units) counts as held; the caller takes it in.
    function _request(address researcher, Question calldata question)
        private
        returns (uint256 firstJobId, uint256 total)
    {
        ComputeMarketStorage storage $ = _storage();
        BREAKER.requireLive(Scopes.JOBS);
        uint128 fee = $.jobFee;
        total = _requireWellFormed(question, fee);
        uint8 purpose = PASSES.pass(question.passId).purpose;
        _requireAllowed(researcher, question, purpose);

        // Takes the use, and reverts unless the pass is the researcher's and in force.
        PASSES.consumeUse(question.passId, researcher);
        uint256 count = question.datasetIds.length;
        firstJobId = $.jobCount + 1;
        $.jobCount += count;
        $.owed += total;
        for (uint256 i; i < count; ++i) {
            _open(researcher, firstJobId, i, question, purpose, fee);
        }
        _engageBond(researcher);
    }

    /// @dev The question keeps the researcher's bond until its jobs have ended for certain, where governance asks for one.
    function _engageBond(address researcher) private {
        IResearcherBonds bonds_ = _storage().bonds;
        if (address(bonds_) == address(0)) return;
        Windows memory w = _storage().windows;
        bonds_.engage(researcher, uint64(block.timestamp) + w.accept + w.compute + w.verify + w.settle);
    }

    function _requireWellFormed(Question calldata question, uint128 fee)
        private
        pure
        returns (uint256 total)
    {
        uint256 count = question.datasetIds.length;
        if (count == 0 || count > MAXIMUM_DATASETS) {
            revert MarketErrors.ComputeMarket_BadDatasetCount(count, MAXIMUM_DATASETS);
        }
        if (question.questionHash == 0) revert MarketErrors.ComputeMarket_BadQuestion("questionHash");
        if (question.epsilonMilli == 0) revert MarketErrors.ComputeMarket_BadQuestion("epsilonMilli");
        total = fee * count;
        if (total > question.maxFee) {
            revert MarketErrors.ComputeMarket_FeeAboveMaximum(total, question.maxFee);
        }
    }

    function _requireAllowed(address researcher, Question calldata question, uint8 purpose) private view {
        uint256 previous;
        for (uint256 i; i < question.datasetIds.length; ++i) {
            uint256 id = question.datasetIds[i];
            if (id <= previous) revert MarketErrors.ComputeMarket_BadDatasetOrder(id);
            previous = id;
            (bool ok, string memory law) =
                COMPLIANCE.checkAccess(researcher, id, purpose, question.epsilonMilli);
            if (!ok) revert Errors.Blocked(law);
            if (!POOL.isLive(id)) revert MarketErrors.ComputeMarket_NotLive(id);
            if (!PASSES.covers(question.passId, id, purpose)) {
                revert MarketErrors.ComputeMarket_NotCovered(question.passId, id);
            }
        }
    }

    function _open(
        address researcher,
        uint256 firstJobId,
        uint256 index,
        Question calldata question,
        uint8 purpose,
        uint128 fee
    ) private {
        uint256 jobId = firstJobId + index;
        uint256 datasetId = question.datasetIds[index];
        Job storage j = _storage().jobs[jobId];
        j.researcher = researcher;
        j.purpose = purpose;
        j.epsilonMilli = question.epsilonMilli;
        j.escrow = fee;
        j.questionId = firstJobId;
        j.passId = question.passId;
        j.datasetId = datasetId;
        j.questionHash = question.questionHash;
        _storage().progress[firstJobId].openJobs += 1;
        _advance(j, JobStates.REQUESTED, _storage().windows.accept);
        emit JobRequested(
            jobId,
            datasetId,
            researcher,
            firstJobId,
            question.passId,
            question.questionHash,
            question.epsilonMilli,
            fee
        );
        POOL.jobOpened(datasetId);
    }

    // ---------------------------------------------------------------- internal: states

    /// @dev The job, when it is in `state` and its deadline has not passed.
    function _current(uint256 jobId, uint8 state) private view returns (Job storage j) {
        j = _storage().jobs[jobId];
        if (j.state != state) revert MarketErrors.ComputeMarket_WrongState(jobId, j.state);
        if (block.timestamp > j.deadline) {
            revert MarketErrors.ComputeMarket_DeadlinePassed(jobId, j.deadline);
        }
    }

    function _requireCustodian(uint256 jobId, uint256 datasetId) private view {
        if (DATASETS.custodianOf(datasetId) != msg.sender) {
            revert MarketErrors.ComputeMarket_NotCustodian(jobId, msg.sender);
        }
    }

    function _requireStanding() private view {
        (bool ok, string memory reason) = REGISTRY.standing(msg.sender, PartyRoles.CUSTODIAN);
        if (!ok) revert MarketErrors.ComputeMarket_NotInGoodStanding(msg.sender, reason);
    }

    function _advance(Job storage j, uint8 state, uint64 window) private {
        j.state = state;
        j.deadline = uint64(block.timestamp) + window;
    }

    /// @dev Ends a job. The last one of its question settles the use of the pass, or gives it back when none answered.
    function _close(Job storage j, uint8 state) private {
        Progress storage p = _storage().progress[j.questionId];
        j.state = state;
        j.deadline = 0;
        j.escrow = 0;
        p.openJobs -= 1;
        if (state == JobStates.SETTLED) p.answered = true;

        POOL.jobClosed(j.datasetId);
        if (p.openJobs == 0) {
            if (p.answered) PASSES.settleUse(j.passId);
            else PASSES.restoreUse(j.passId);
        }
    }

    /// @dev Ends a job without an answer. A token that refuses to pay the researcher must not keep the job open, so the
    /// refund then waits for `withdrawRefund`. The balance is credited after the call, under the reentrancy guard.
    function _refund(Job storage j, uint8 state) private {
        ComputeMarketStorage storage $ = _storage();
        address researcher = j.researcher;
        uint256 amount = j.escrow;
        _close(j, state);
        if (amount == 0) return;
        if (USDC.trySafeTransfer(researcher, amount)) {
            $.owed -= amount;
            emit Refunded(researcher, amount);
        } else {
            $.refundable[researcher] += amount;
            emit RefundCredited(researcher, amount);
        }
    }

    // ---------------------------------------------------------------- internal: parameters

    function _setJobFee(uint128 jobFee_) private {
        _storage().jobFee = jobFee_;
        emit JobFeeSet(jobFee_);
    }

    function _setWindows(Windows calldata w) private {
        _requireWindow(w.accept);
        _requireWindow(w.compute);
        _requireWindow(w.verify);
        _requireWindow(w.settle);
        _storage().windows = w;
        emit WindowsSet(w);
    }

    function _requireWindow(uint64 window) private pure {
        if (window < LEAST_WINDOW || window > GREATEST_WINDOW) {
            revert MarketErrors.ComputeMarket_BadWindow(window);
        }
    }

    function _storage() private pure returns (ComputeMarketStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
