// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title IJobDisputes
/// @notice Lets a researcher ask an arbitrator about an answer that was committed and is not paid yet.
/// @dev The researcher is the claimant, the custodian the respondent. For the claimant, the job is refunded. For the
/// respondent, or when nobody rules, the job goes on where it stood, with a new window; a job is disputed once at most, so
/// that it still ends in bounded time. The case has the job's number. Disputing can never be paused.
interface IJobDisputes {
    /// @notice A researcher disputes an answer.
    event JobDisputed(uint256 indexed jobId, address indexed researcher);

    /// @notice Disputes a committed or verified job within its deadline. Its researcher only; costs exactly
    /// `arbitrationCost()` wei, which the arbitrator keeps.
    /// @param evidence address of a document
    function dispute(uint256 jobId, string calldata evidence) external payable;
}
