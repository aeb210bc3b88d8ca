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

    /// @notice Nothing waits for this account.
    error Dues_NothingDue(address account);

    // ---------------------------------------------------------------- disputes

    /// @notice The caller is not the arbitrator of an open dispute with this number.
    error Arbitrated_NoSuchDispute(address caller, uint256 disputeId);

    /// @notice A ruling lies between 0 and `choices`.
    error Arbitrated_BadRuling(uint256 ruling, uint256 choices);

    /// @notice The case has no open dispute.
    error Arbitrated_NotDisputed(uint256 caseId);

    /// @notice Only the sides of the dispute give evidence.
    error Arbitrated_NotSide(uint256 caseId, address account);

    /// @notice The arbitrator has time until `deadline` (unix seconds).
    error Arbitrated_DeadlineNotPassed(uint256 caseId, uint64 deadline);

    /// @notice Exactly the arbitrator's cost must be sent along (wei).
    error Arbitrated_WrongFee(uint256 sent, uint256 cost);

    /// @notice The arbitrator gave the number of another open dispute.
    error Arbitrated_DisputeExists(address arbitrator, uint256 disputeId);

    /// @notice An arbitrator has one hour to 180 days (seconds).
    error Arbitrated_BadWindow(uint64 window);

    /// @notice The caller is not a registered arbitrator in good standing.
    error CentralizedArbitrator_NotArbitrator(address caller);

    /// @notice The dispute was ruled before.
    error CentralizedArbitrator_Solved(uint256 disputeId);

    /// @notice Rulings of this arbitrator are final.
    error CentralizedArbitrator_NoAppeal(uint256 disputeId);

    /// @notice A part of the deal is missing or out of bounds.
    error Escrow_BadDeal(string part);

    /// @notice Both sides of a deal are verified parties.
    error Escrow_NotVerified(address party);

    /// @notice The deal is not in the state that the call needs.
    error Escrow_WrongState(uint256 dealId, uint8 state);

    /// @notice The deal's deadline passed (unix seconds); anyone may call `expire`.
    error Escrow_DeadlinePassed(uint256 dealId, uint64 deadline);

    /// @notice The deal's deadline has not passed (unix seconds).
    error Escrow_DeadlineNotPassed(uint256 dealId, uint64 deadline);

    /// @notice This is for the other side of the deal to do.
    error Escrow_NotYours(uint256 dealId, address caller);

    /// @notice The amount is zero, or there is no bond.
    error ResearcherBonds_NoAmount();

    /// @notice The free bond is below what is needed (1e6 USDC units).
    error ResearcherBonds_BelowAmount(address researcher, uint256 free, uint256 needed);

    /// @notice The bond's withdrawal was announced; it leaves at `leavesAt` (unix seconds).
    error ResearcherBonds_Leaving(address researcher, uint64 leavesAt);

    /// @notice The withdrawal was not announced (zero), or its time has not come (unix seconds).
    error ResearcherBonds_NotLeaving(address researcher, uint64 leavesAt);

    /// @notice Open accusations ask for `frozen` of the bond (1e6 USDC units).
    error ResearcherBonds_Accused(address researcher, uint256 frozen);

    /// @notice Only verified parties accuse.
    error ResearcherBonds_NotVerified(address account);

    /// @notice Only the licence market and the compute market engage bonds.
    error ResearcherBonds_NotMarket(address caller);

    /// @notice A part of the terms is out of bounds.
    error ResearcherBonds_BadTerms(string part);

    // ---------------------------------------------------------------- pool

    /// @notice Only the pool mints and burns shares.
    error PoolShare_NotPool(address caller);

    /// @notice Pool shares move only between verified custodians and members.
    error PoolShare_NotVerified(address account);

    /// @notice Only the share token settles yield, before each change of a balance.
    error HealthDataPool_NotShare(address caller);

    /// @notice Only the revenue splitter notifies yield.
    error HealthDataPool_NotSplitter(address caller);

    /// @notice Only the compute market opens and closes jobs, and lending loans.
    error HealthDataPool_NotComputeMarket(address caller);

    /// @notice The contract that lends datasets was set before; its code is upgraded, its address stays.
    error HealthDataPool_LendingIsSet(address lending);

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

    /// @notice A flat curve needs a base, and one with a slope a base of at most 2^126 / 1e36 times it.
    error BondingCurve_BadCurve(uint256 base, uint256 slope);

    /// @notice The fee is at most 500 basis points.
    error BondingCurve_BadFee(uint16 feeBps);

    /// @notice Units are bought and moved by verified parties only.
    error BondingCurve_NotVerified(address account);

    /// @notice The caller would get less than asked for, or nothing.
    error BondingCurve_BelowMinimum(uint256 amount, uint256 minimum);

    /// @notice More would be needed, paid or minted than the caller or the curve allows.
    error BondingCurve_AboveMaximum(uint256 amount, uint256 maximum);

    /// @notice A feature lies between 0 and 10,000 basis points.
    error DatasetExchange_BadFeature(uint16 bps);

    /// @notice Newer features are known (unix seconds).
    error DatasetExchange_OldFeatures(uint256 datasetId, uint64 issuedAt, uint64 assessedAt);

    /// @notice The dataset's features were never attested.
    error DatasetExchange_NotAssessed(uint256 datasetId);

    /// @notice The dataset is not in the pool, or leaves it.
    error DatasetExchange_NotLive(uint256 datasetId);

    /// @notice The caller is not the dataset's custodian.
    error DatasetExchange_NotCustodian(uint256 datasetId, address caller);

    /// @notice Only custodians trade here; `reason` says why not, for example "accreditation expired".
    error DatasetExchange_NotInGoodStanding(address party, string reason);

    /// @notice The stock would be above the greatest one, or nothing was brought.
    error DatasetExchange_AboveStockCap(uint256 datasetId, uint256 stock, uint256 stockCap);

    /// @notice There are fewer uses than asked for, or none was asked for.
    error DatasetExchange_TooFewUses(uint256 datasetId, uint256 available, uint256 wanted);

    /// @notice The charge is above what the caller agreed to (1e6 units).
    error DatasetExchange_AboveMaximum(uint256 charge, uint256 maximum);

    /// @notice The caller's credit is less (1e6 units).
    error DatasetExchange_TooLittleCredit(uint256 credit, uint256 charge);

    /// @notice A part of the price curve is out of bounds.
    error DatasetExchange_BadCurve(string part);

    /// @notice The fee is at most 1,000 basis points.
    error DatasetExchange_BadFee(uint16 feeBps);

    /// @notice A loan lasts one to ninety days (seconds).
    error DatasetLending_BadTerm(uint64 term);

    /// @notice The collateral is below the ratio (1e6 USDC units).
    error DatasetLending_TooLittle(uint256 collateral, uint256 least);

    /// @notice The fee is above what the borrower agreed to (1e6 USDC units).
    error DatasetLending_FeeAboveMaximum(uint256 fee, uint256 maximum);

    /// @notice The loan is not open.
    error DatasetLending_NotOpen(uint256 loanId, uint8 state);

    /// @notice The collateral is above the margin, or the margin was called before.
    error DatasetLending_NoMarginCall(uint256 loanId);

    /// @notice Neither the grace (unix seconds) nor a margin call (unix seconds, zero for none) has run out.
    error DatasetLending_NotSeizable(uint256 loanId, uint64 graceEnds, uint64 marginDeadline);

    /// @notice A part of the terms is out of bounds.
    error DatasetLending_BadTerms(string part);

    /// @notice The order came after its deadline (unix seconds).
    error PoolNetwork_OrderExpired(uint64 deadline);

    /// @notice The price or fee is above what the caller agreed to (1e6 USDC units).
    error PoolNetwork_AboveMaximum(uint256 amount, uint256 maximum);

    /// @notice The licence belongs to somebody else.
    error PoolNetwork_NotHolder(uint256 licenceId, address caller);

    /// @notice One to `maximum` pools.
    error PoolNetwork_BadLegCount(uint256 count, uint256 maximum);

    /// @notice Pools must be named once each, in ascending order.
    error PoolNetwork_BadLegOrder(uint256 poolId);

    /// @notice There is no such pool, or it is closed to new business.
    error PoolNetwork_NotActive(uint256 poolId);

    /// @notice The licence has no part in this pool.
    error PoolNetwork_NotCovered(uint256 licenceId, uint256 poolId);

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

    /// @notice A part of the lot is missing or out of bounds.
    error DatasetAuction_BadLot(string part);

    /// @notice The caller is not the dataset's custodian.
    error DatasetAuction_NotCustodian(uint256 datasetId, address caller);

    /// @notice The custodian may not call an auction; `reason` says why, for example "accreditation expired".
    error DatasetAuction_NotInGoodStanding(address custodian, string reason);

    /// @notice The dataset is not in the pool, or leaves it.
    error DatasetAuction_NotLive(uint256 datasetId);

    /// @notice There is no such auction, or its bids are made in the other way.
    error DatasetAuction_WrongKind(uint256 auctionId, uint8 kind);

    /// @notice The time for this ends or begins at `time` (unix seconds).
    error DatasetAuction_NotNow(uint256 auctionId, uint64 time);

    /// @notice The bid or deposit is below the least one (1e6 USDC units).
    error DatasetAuction_BidTooLow(uint256 auctionId, uint256 amount, uint256 least);

    /// @notice This account made its sealed bid before.
    error DatasetAuction_BidBefore(uint256 auctionId, address bidder);

    /// @notice The commitment is zero, or not that of this bid, or the bid is above its deposit.
    error DatasetAuction_BadCommitment(uint256 auctionId, address bidder);

    /// @notice This account has no sealed bid that is not revealed.
    error DatasetAuction_NoBid(uint256 auctionId, address bidder);

    /// @notice There is no such auction, or it was settled or cancelled.
    error DatasetAuction_Closed(uint256 auctionId);

    /// @notice Governance has set no price of computation for this data class.
    error MeteredLicence_NotForSale(uint8 dataClass);

    /// @notice The price of a unit is above what the buyer agreed to (1e6 USDC units).
    error MeteredLicence_PriceAboveMaximum(uint256 price, uint256 maximum);

    /// @notice The deposit does not pay one unit (1e6 USDC units).
    error MeteredLicence_DepositTooLow(uint256 deposit, uint256 price);

    /// @notice There is no such licence, or it was closed.
    error MeteredLicence_NotRunning(uint256 meterId);

    /// @notice A count is of all units since the beginning and cannot fall.
    error MeteredLicence_CountFell(uint256 meterId, uint64 units, uint64 last);

    /// @notice The time for settling ended at `time` (unix seconds); anyone may call `close`.
    error MeteredLicence_TooLate(uint256 meterId, uint64 time);

    /// @notice The time for settling ends at `time` (unix seconds).
    error MeteredLicence_TooEarly(uint256 meterId, uint64 time);

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

    /// @notice A job is disputed once at most.
    error ComputeMarket_DisputedBefore(uint256 jobId);

    /// @notice Only the researcher disputes a job.
    error JobDisputes_NotResearcher(uint256 jobId, address caller);

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
