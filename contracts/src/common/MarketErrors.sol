// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title MarketErrors
/// @notice Every custom error of the pool, market, compute and rewards contracts.
/// @dev A name is the contract that reverts and the reason; the arguments are what a person needs to act on it. A use
/// that the rules forbid reverts with `Errors.Blocked(law)`.
library MarketErrors {
    // ---------------------------------------------------------------- common

    /// @notice Less USDC arrived than was sent (1e6 units): tokens that take a fee on transfer are not accepted.
    error Payments_ShortPayment(uint256 received, uint256 expected);

    // ---------------------------------------------------------------- pool

    /// @notice Only the pool mints and burns shares.
    error PoolShare_NotPool(address caller);

    /// @notice Pool shares move only between verified custodians and members.
    error PoolShare_NotVerified(address account);

    /// @notice Only the share token settles yield, before each change of a balance.
    error HealthDataPool_NotShare(address caller);

    /// @notice Only the revenue splitter notifies yield.
    error HealthDataPool_NotSplitter(address caller);

    /// @notice Only the compute market opens and closes jobs.
    error HealthDataPool_NotComputeMarket(address caller);

    /// @notice The caller is not the dataset's custodian.
    error HealthDataPool_NotCustodian(uint256 datasetId, address caller);

    /// @notice The custodian may not deposit; `reason` says why, for example "accreditation expired".
    error HealthDataPool_NotInGoodStanding(address custodian, string reason);

    /// @notice A part of the score lies outside the governed bounds (basis points).
    error HealthDataPool_ScoreOutOfBounds(uint16 bps, uint16 floor, uint16 cap);

    /// @notice The floor is above the cap, or the cap is zero (basis points).
    error HealthDataPool_BadScoreBounds(uint16 floor, uint16 cap);

    /// @notice The value was attested at `issuedAt` and is older than `maximumAge` seconds; a new one is needed.
    error HealthDataPool_StaleValue(uint64 issuedAt, uint64 maximumAge);

    /// @notice The greatest age of an attested value must be at least one hour (seconds).
    error HealthDataPool_BadValueAge(uint64 maximumAge);

    /// @notice The score is so low that the deposit would earn no share.
    error HealthDataPool_NoShares(uint256 datasetId);

    /// @notice The dataset is not in the pool.
    error HealthDataPool_NotDeposited(uint256 datasetId);

    /// @notice Only the depositor may do this.
    error HealthDataPool_NotDepositor(uint256 datasetId, address caller);

    /// @notice The dataset's withdrawal was announced.
    error HealthDataPool_WithdrawalAnnounced(uint256 datasetId);

    /// @notice The withdrawal must be announced first.
    error HealthDataPool_WithdrawalNotAnnounced(uint256 datasetId);

    /// @notice Jobs on the dataset are still open; each ends by its deadline at the latest.
    error HealthDataPool_JobsOpen(uint256 datasetId, uint256 jobs);

    /// @notice Nothing to claim.
    error HealthDataPool_NothingToClaim(address provider);

    // ---------------------------------------------------------------- market

    /// @notice A pass is bound to its holder: it cannot be transferred or approved.
    error LicencePass_Soulbound();

    /// @notice Only the licence market mints passes.
    error LicencePass_NotLicenceMarket(address caller);

    /// @notice Only the compute market uses passes.
    error LicencePass_NotComputeMarket(address caller);

    /// @notice No such pass, or its last use was settled.
    error LicencePass_Unknown(uint256 passId);

    /// @notice The pass belongs to somebody else.
    error LicencePass_NotHolder(uint256 passId, address account);

    /// @notice The pass expired at `expiry` (unix seconds).
    error LicencePass_Expired(uint256 passId, uint64 expiry);

    /// @notice The pass has no use left.
    error LicencePass_Spent(uint256 passId);

    /// @notice The pass has no use that is under way.
    error LicencePass_NoOpenUse(uint256 passId);

    /// @notice The order came after its deadline (unix seconds).
    error LicenceMarket_OrderExpired(uint64 deadline);

    /// @notice An order names one to `maximum` datasets.
    error LicenceMarket_BadDatasetCount(uint256 count, uint256 maximum);

    /// @notice Datasets must be named once each, in ascending order.
    error LicenceMarket_BadDatasetOrder(uint256 datasetId);

    /// @notice An order is for at least one use.
    error LicenceMarket_NoUses();

    /// @notice The dataset is not in the pool, or leaves it.
    error LicenceMarket_NotLive(uint256 datasetId);

    /// @notice Governance has set no price for this data class.
    error LicenceMarket_NotForSale(uint8 dataClass);

    /// @notice The price is above what the buyer agreed to (1e6 USDC units).
    error LicenceMarket_PriceAboveMaximum(uint256 price, uint256 maximum);

    /// @notice There is no such data class.
    error LicenceMarket_BadDataClass(uint8 dataClass);

    /// @notice The term of a licence lies between one day and ten years (seconds).
    error LicenceMarket_BadTerm(uint64 term);

    // ---------------------------------------------------------------- compute

    /// @notice A question names one to `maximum` datasets.
    error ComputeMarket_BadDatasetCount(uint256 count, uint256 maximum);

    /// @notice Datasets must be named once each, in ascending order.
    error ComputeMarket_BadDatasetOrder(uint256 datasetId);

    /// @notice A part of the question is missing.
    error ComputeMarket_BadQuestion(string part);

    /// @notice The pass does not cover this dataset.
    error ComputeMarket_NotCovered(uint256 passId, uint256 datasetId);

    /// @notice The dataset is not in the pool, or leaves it.
    error ComputeMarket_NotLive(uint256 datasetId);

    /// @notice The fee is above what the researcher agreed to (1e6 USDC units).
    error ComputeMarket_FeeAboveMaximum(uint256 fee, uint256 maximum);

    /// @notice The job is not in the state that the call needs.
    error ComputeMarket_WrongState(uint256 jobId, uint8 state);

    /// @notice The job's deadline passed (unix seconds); anyone may call `expire`.
    error ComputeMarket_DeadlinePassed(uint256 jobId, uint64 deadline);

    /// @notice The job's deadline has not passed (unix seconds).
    error ComputeMarket_DeadlineNotPassed(uint256 jobId, uint64 deadline);

    /// @notice The caller is not the custodian of the job's dataset.
    error ComputeMarket_NotCustodian(uint256 jobId, address caller);

    /// @notice The custodian may not act now; `reason` says why, for example "accreditation expired".
    error ComputeMarket_NotInGoodStanding(address custodian, string reason);

    /// @notice The answer cost more privacy than was asked for (epsilon x 1000).
    error ComputeMarket_EpsilonAboveAsked(uint32 spent, uint32 asked);

    /// @notice Consent changed since the answer was computed: it must be computed again under counter `current`.
    error ComputeMarket_OldConsentCounter(uint64 named, uint64 current);

    /// @notice A result's hash must not be zero.
    error ComputeMarket_ZeroResult();

    /// @notice Nothing to refund.
    error ComputeMarket_NothingToRefund(address researcher);

    /// @notice Each window lies between one hour and thirty days (seconds).
    error ComputeMarket_BadWindow(uint64 window);

    // ---------------------------------------------------------------- rewards

    /// @notice Only the licence market and the compute market distribute revenue.
    error RevenueSplitter_NotMarket(address caller);

    /// @notice The parts do not add up to 10,000 basis points, or the pool's part is above it.
    error RevenueSplitter_BadSplit(uint256 sum, uint16 poolYieldBps);

    /// @notice The USDC held does not cover what is owed and what is to be distributed (1e6 units).
    error RevenueSplitter_NotFunded(uint256 held, uint256 needed);

    /// @notice Datasets and weights differ in number, there are none, or all weights are zero.
    error RevenueSplitter_BadWeights(uint256 datasets, uint256 weights);

    /// @notice Nothing is owed to this account.
    error RevenueSplitter_NothingOwed(address account);

    /// @notice The reserve for buying back holds less (1e6 USDC units).
    error RevenueSplitter_AboveReserve(uint256 amount, uint256 reserve);

    /// @notice Only the revenue splitter funds claims.
    error MemberClaims_NotSplitter(address caller);

    /// @notice The caller is not the dataset's custodian.
    error MemberClaims_NotCustodian(uint256 datasetId, address caller);

    /// @notice The custodian may not post; `reason` says why, for example "accreditation expired".
    error MemberClaims_NotInGoodStanding(address custodian, string reason);

    /// @notice A root must not be zero.
    error MemberClaims_ZeroRoot();

    /// @notice A root's total lies between the previous total and what the dataset's members earned (1e6 USDC units).
    error MemberClaims_BadTotal(uint256 total, uint256 previous, uint256 funded);

    /// @notice This person has not joined; the money waits until they do.
    error MemberClaims_NotMember(bytes32 personId);

    /// @notice The amount is not in the dataset's current tree.
    error MemberClaims_BadProof(uint256 datasetId, bytes32 personId);

    /// @notice The person was paid this much already (1e6 USDC units).
    error MemberClaims_NothingToClaim(uint256 datasetId, bytes32 personId);

    /// @notice The tree promises more than its total (1e6 USDC units).
    error MemberClaims_AboveTotal(uint256 paid, uint256 total);
}
