// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title RewardErrors
/// @notice Every custom error of what is paid in DATA: rewards, vesting, boosts, buy-back, checks and services, and of
/// pay-out by the second.
/// @dev A name is the contract that reverts and the reason; the arguments are what a person needs to act on it.
library RewardErrors {
    // ---------------------------------------------------------------- vesting

    /// @notice Nobody, nothing, or a time that ends before it begins cannot be vested; `part` says which.
    error VestingVault_BadTerms(string part);

    /// @notice The vault holds less than what it owes with this vesting (1e18 units).
    error VestingVault_NotFunded(uint256 held, uint256 needed);

    /// @notice No such vesting.
    error VestingVault_Unknown(uint256 vestingId);

    /// @notice Nothing can be released now: too early, or the dataset was not used yet.
    error VestingVault_NothingToRelease(uint256 vestingId);

    /// @notice The dataset's use was recorded before (unix seconds).
    error VestingVault_AlreadyUsed(uint256 datasetId, uint64 since);

    /// @notice The job was not answered and paid, or ran on data that does not descend from the dataset.
    error VestingVault_NotAUse(uint256 datasetId, uint256 jobId);

    // ---------------------------------------------------------------- contributions

    /// @notice The wallet holds no membership.
    error ContributionRewards_NotMember(address account);

    /// @notice A part of the contribution is missing or out of bounds.
    error ContributionRewards_BadContribution(string part);

    /// @notice The member was rewarded for this source lately and will be again from `from` (unix seconds).
    error ContributionRewards_CoolingDown(bytes32 source, uint64 from);

    /// @notice This very content was rewarded before.
    error ContributionRewards_AlreadyRewarded(bytes32 contentHash);

    /// @notice The points are so few that they earn nothing at the present rate.
    error ContributionRewards_NothingEarned(uint256 points);

    /// @notice A part of the terms is out of bounds.
    error ContributionRewards_BadTerms(string part);

    // ---------------------------------------------------------------- boost

    /// @notice Only who may hold pool shares stakes for a boost.
    error ProviderBoost_NotVerified(address account);

    /// @notice Nothing was to be staked or unstaked.
    error ProviderBoost_ZeroAmount();

    /// @notice The provider has staked less (1e18 units).
    error ProviderBoost_AboveStake(uint256 amount, uint256 staked);

    /// @notice Nothing of this provider's stake is leaving.
    error ProviderBoost_NothingLeaving(address provider);

    /// @notice What leaves is locked until `availableAt` (unix seconds).
    error ProviderBoost_Locked(address provider, uint64 availableAt);

    // ---------------------------------------------------------------- streams

    /// @notice A payment flows at once (zero) or for a time between the two (seconds).
    error PayoutStreams_BadDuration(uint32 duration, uint32 least, uint32 greatest);

    /// @notice Only the revenue splitter and the members' claims let payments flow.
    error PayoutStreams_NotPayer(address caller);

    /// @notice The USDC held does not cover what is owed with this payment (1e6 units).
    error PayoutStreams_NotFunded(uint256 held, uint256 needed);

    /// @notice Nothing has flowed to this account since it was paid.
    error PayoutStreams_NothingFlowed(address account);

    // ---------------------------------------------------------------- buying back

    /// @notice The splitter keeps nothing for buying back.
    error BuybackBurner_NothingToCollect();

    /// @notice The present price pays less than the seller accepts (1e6 USDC units).
    error BuybackBurner_BelowMinimum(uint256 usdcOut, uint256 minUsdc);

    /// @notice Nothing, or more than is spent at once or held, was to be spent (1e6 USDC units).
    error BuybackBurner_AboveLimit(uint256 amount, uint256 limit);

    /// @notice Governance named no market.
    error BuybackBurner_NoMarket();

    /// @notice The market gave less DATA (1e18 units) for the USDC (1e6 units) than the present price demands.
    error BuybackBurner_TooDear(uint256 usdcSpent, uint256 dataOut, uint256 least);

    /// @notice A part of the terms is out of bounds.
    error BuybackBurner_BadTerms(string part);

    // ---------------------------------------------------------------- services

    /// @notice There is no such service, or it is not sold now.
    error ServiceDesk_NotForSale(uint256 serviceId);

    /// @notice A service is bought for at least one unit.
    error ServiceDesk_NoUnits();

    /// @notice The price is above what the buyer agreed to (1e18 units of DATA).
    error ServiceDesk_PriceAboveMaximum(uint256 price, uint256 maximum);

    /// @notice Only the service's provider takes units.
    error ServiceDesk_NotProvider(uint256 serviceId, address caller);

    /// @notice The buyer has fewer units left.
    error ServiceDesk_AboveBalance(uint256 units, uint256 left);

    /// @notice A service has a provider and a description.
    error ServiceDesk_BadService(string part);

    // ---------------------------------------------------------------- checks

    /// @notice The validator may not act; `reason` says why, for example "identity check expired".
    error ValidatorPool_NotInGoodStanding(address validator, string reason);

    /// @notice Nothing was to be staked, unstaked or paid.
    error ValidatorPool_ZeroAmount();

    /// @notice The validator's stake that is not locked by checks is less (1e18 units).
    error ValidatorPool_AboveFreeStake(uint256 amount, uint256 free);

    /// @notice The dataset does not exist.
    error ValidatorPool_UnknownDataset(uint256 datasetId);

    /// @notice The check is not in the state that the call needs.
    error ValidatorPool_WrongState(uint256 checkId, uint8 state);

    /// @notice The check's deadline passed (unix seconds); anyone may move it on.
    error ValidatorPool_DeadlinePassed(uint256 checkId, uint64 deadline);

    /// @notice The check's deadline has not passed (unix seconds).
    error ValidatorPool_DeadlineNotPassed(uint256 checkId, uint64 deadline);

    /// @notice Who asked for a check, or holds the dataset, cannot carry it out; nor can a validator challenge itself.
    error ValidatorPool_Partial(uint256 checkId, address account);

    /// @notice Only the validator who took the check reports on it.
    error ValidatorPool_NotValidator(uint256 checkId, address caller);

    /// @notice Only who asked for the check takes it back.
    error ValidatorPool_NotRequester(uint256 checkId, address caller);

    /// @notice A quality is at most 10,000 basis points and a report's hash not zero.
    error ValidatorPool_BadReport(string part);

    /// @notice A part of the terms is out of bounds.
    error ValidatorPool_BadTerms(string part);
}
