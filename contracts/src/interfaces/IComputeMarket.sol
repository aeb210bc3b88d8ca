// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Permit} from "../common/Payments.sol";
import {Proof} from "./IAttestationOracle.sol";
import {IResearcherBonds} from "./IResearcherBonds.sol";

/// @title JobStates
/// @notice Where a job stands. Settled, Refunded and Expired are final.
library JobStates {
    uint8 internal constant NONE = 0;
    /// @notice Waits for the custodian, for the accept window.
    uint8 internal constant REQUESTED = 1;
    /// @notice The custodian computes, for the compute window.
    uint8 internal constant ACCEPTED = 2;
    /// @notice The answer's hash is fixed; waits for attestors, for the verify window.
    uint8 internal constant COMMITTED = 3;
    /// @notice Attestors saw the delivery; anyone may settle, and after the settle window anyone may refund.
    uint8 internal constant VERIFIED = 4;
    /// @notice Answered and paid.
    uint8 internal constant SETTLED = 5;
    /// @notice Declined by the custodian, paid back.
    uint8 internal constant REFUNDED = 6;
    /// @notice A deadline passed, paid back.
    uint8 internal constant EXPIRED = 7;
    /// @notice Waits for an arbitrator, for 200 days at most; not final.
    uint8 internal constant DISPUTED = 8;
}

/// @notice What a researcher asks.
struct Question {
    uint256 passId;
    /// strictly ascending, 1 to 16; each becomes one job
    uint256[] datasetIds;
    /// hash of the question's text
    bytes32 questionHash;
    /// privacy loss per dataset at most, epsilon x 1000
    uint32 epsilonMilli;
    /// 1e6 USDC units for all jobs together
    uint256 maxFee;
}

/// @notice One question to one dataset.
struct Job {
    address researcher;
    /// one of `JobStates`
    uint8 state;
    /// one of `Purposes`
    uint8 purpose;
    /// privacy loss asked for at most, epsilon x 1000
    uint32 epsilonMilli;
    /// privacy loss that the answer cost, epsilon x 1000; set at commitment
    uint32 spentEpsilonMilli;
    /// 1e6 USDC units held until the end
    uint128 escrow;
    /// unix seconds, the last moment of the present state; zero in a final state
    uint64 deadline;
    /// the custodian's consent counter under which the answer was computed; set at commitment
    uint64 consentCounter;
    /// identifier of the question: the first of its jobs
    uint256 questionId;
    uint256 passId;
    uint256 datasetId;
    bytes32 questionHash;
    /// hash of the encrypted answer; set at commitment
    bytes32 resultHash;
}

/// @notice How long each state may last, seconds.
struct Windows {
    uint64 accept;
    uint64 compute;
    uint64 verify;
    uint64 settle;
}

/// @title IComputeMarket
/// @notice Questions go to the vaults, answers are paid when they were delivered, everything else is refunded.
/// @dev Requested -> Accepted -> Committed -> Verified -> Settled. The custodian may decline until it committed
/// (Refunded); after the deadline of any state anyone may end the job (Expired). Committed and Verified may once become
/// Disputed, and go on from there when the dispute does not end in a refund. Nothing but asking and accepting can be paused.
interface IComputeMarket {
    /// @notice A job was requested.
    event JobRequested(
        uint256 indexed jobId,
        uint256 indexed datasetId,
        address indexed researcher,
        uint256 questionId,
        uint256 passId,
        bytes32 questionHash,
        uint32 epsilonMilli,
        uint256 escrow
    );
    /// @notice The custodian accepted.
    event JobAccepted(uint256 indexed jobId, address indexed custodian);
    /// @notice The custodian declined.
    event JobDeclined(uint256 indexed jobId, address indexed custodian);
    /// @notice The custodian fixed its answer.
    event JobCommitted(
        uint256 indexed jobId, bytes32 resultHash, uint32 spentEpsilonMilli, uint64 consentCounter
    );
    /// @notice Attestors confirmed the delivery.
    event JobVerified(uint256 indexed jobId);
    /// @notice The answer was paid, 1e6 USDC units.
    event JobSettled(uint256 indexed jobId, uint256 paid);
    /// @notice A job waits for an arbitrator.
    event JobSuspended(uint256 indexed jobId);
    /// @notice A dispute ended, in a refund or back in the state where the job stood.
    event JobResolved(uint256 indexed jobId, uint8 state);
    /// @notice A deadline passed in `state`.
    event JobExpired(uint256 indexed jobId, uint8 state);
    /// @notice USDC went back to the researcher, 1e6 units.
    event Refunded(address indexed researcher, uint256 amount);
    /// @notice USDC could not be sent to the researcher and waits for `withdrawRefund`, 1e6 units.
    event RefundCredited(address indexed researcher, uint256 amount);
    /// @notice Governance set the fee of a job, 1e6 USDC units.
    event JobFeeSet(uint128 jobFee);
    /// @notice Governance set where researchers' bonds are kept; zero asks for none.
    event BondsSet(IResearcherBonds bonds);
    /// @notice Governance set the windows.
    event WindowsSet(Windows windows);

    /// @notice Asks a question with a licence pass: one job per dataset with consecutive numbers, one use of the pass for
    /// all of them, the fee of each held until its end.
    /// @dev Reverts when jobs are paused, when the pass is not the caller's, expired, spent or does not cover a dataset,
    /// with `Errors.Blocked(law)` when the rules forbid it, and when a dataset is not live in the pool.
    /// @param permit the caller's allowance of USDC to this contract; zero `value` when there is one already
    function request(Question calldata question, Permit calldata permit) external returns (uint256 firstJobId);

    /// @notice As `request`, for a researcher who asked a contract of the protocol. Sellers only; the caller pays, by an
    /// allowance that it gave before, and refunds go to the researcher.
    function requestFor(address researcher, Question calldata question) external returns (uint256 firstJobId);

    /// @notice The custodian of the dataset, in good standing, takes the job on. Compliance is checked again. Reverts
    /// after the deadline and when jobs are paused.
    function accept(uint256 jobId) external;

    /// @notice The custodian of the dataset declines, before or after accepting; the researcher is refunded at once. Never
    /// paused.
    function decline(uint256 jobId) external;

    /// @notice The custodian, in good standing, fixes its answer. Reverts when `consentCounter` is not the present one of
    /// `ConsentRegistry.revocationCounter(custodian)`: the answer must then be computed again.
    /// @param resultHash hash of the answer, encrypted to the researcher
    /// @param spentEpsilonMilli privacy loss, epsilon x 1000, at most what was asked for; zero for a repeated answer
    function commit(uint256 jobId, bytes32 resultHash, uint32 spentEpsilonMilli, uint64 consentCounter)
        external;

    /// @notice Shows that attestors saw the delivery. Anyone may call. Attestation: kind DELIVERY, subject
    /// bytes32(jobId), payload keccak256(abi.encode(jobId, resultHash, spentEpsilonMilli, consentCounter)).
    function verify(uint256 jobId, Proof calldata delivery) external;

    /// @notice Pays a verified job's escrow through the splitter and records the access. Anyone may call.
    function settle(uint256 jobId) external;

    /// @notice Ends a job whose deadline passed and refunds the researcher. Anyone may call, never paused.
    function expire(uint256 jobId) external;

    /// @notice Makes a committed or verified job wait for an arbitrator, once, within its deadline. The contract for
    /// disputes only, when the researcher asked it to.
    function suspend(uint256 jobId) external;

    /// @notice Ends a dispute: refunds the researcher, or lets the job go on where it stood with a new window. The contract
    /// for disputes only.
    function resolve(uint256 jobId, bool refund) external;

    /// @notice Sends what waits for a researcher because it could not be sent before. Anyone may call, never paused.
    function withdrawRefund(address researcher) external returns (uint256 amount);

    /// @notice Sets the fee of a job, 1e6 USDC units; jobs under way keep theirs. Governance only.
    function setJobFee(uint128 jobFee) external;

    /// @notice Sets the windows, seconds, one hour to thirty days each; states begun keep their deadline. Governance only.
    function setWindows(Windows calldata windows) external;

    /// @notice Sets where researchers' bonds are kept; every question from now on engages the researcher's bond until its
    /// last deadline can have passed. Zero asks for none. Governance only.
    function setBonds(IResearcherBonds bonds) external;

    /// @notice Where researchers' bonds are kept; zero when none are asked for.
    function bonds() external view returns (IResearcherBonds);

    /// @notice The job; all zero when there is none.
    function job(uint256 jobId) external view returns (Job memory);

    /// @notice How many jobs there ever were; the last one has this number.
    function jobCount() external view returns (uint256);

    /// @notice What waits for a researcher, 1e6 USDC units.
    function refundable(address researcher) external view returns (uint256);

    /// @notice All escrows of open jobs and all waiting refunds, 1e6 USDC units. The contract always holds at least this.
    function owed() external view returns (uint256);

    /// @notice The fee of a job, 1e6 USDC units.
    function jobFee() external view returns (uint128);

    /// @notice How long each state may last.
    function windows() external view returns (Windows memory);
}
