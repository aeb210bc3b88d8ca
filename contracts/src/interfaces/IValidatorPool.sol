// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Permit} from "../common/Payments.sol";
import {Proof} from "./IAttestationOracle.sol";

/// @title CheckStates
/// @notice Where a check of quality stands. Paid, Slashed and Returned are final.
library CheckStates {
    uint8 internal constant NONE = 0;
    /// @notice Waits for a validator, without a deadline; who asked may take it back.
    uint8 internal constant REQUESTED = 1;
    /// @notice A validator works on it, for the report window.
    uint8 internal constant TAKEN = 2;
    /// @notice The report stands open to challenge, for the challenge window.
    uint8 internal constant REPORTED = 3;
    /// @notice Somebody says that the report is wrong; waits for attestors, for the ruling window.
    uint8 internal constant CHALLENGED = 4;
    /// @notice The report stood; the validator was paid.
    uint8 internal constant PAID = 5;
    /// @notice The report was wrong or never came; the validator lost the bond.
    uint8 internal constant SLASHED = 6;
    /// @notice Taken back, or nobody ruled in time; everyone got back what they put in.
    uint8 internal constant RETURNED = 7;
}

/// @notice A check of a dataset's quality, for pay.
struct Check {
    address requester;
    /// one of `CheckStates`
    uint8 state;
    /// what the validator reports, basis points
    uint16 quality;
    /// unix seconds, the last moment of the present state; zero where it has none
    uint64 deadline;
    address validator;
    address challenger;
    uint256 datasetId;
    /// 1e18 units of DATA for the validator
    uint128 pay;
    /// 1e18 units of the validator's stake that are locked
    uint128 bond;
    /// 1e18 units that the challenger put in
    uint128 challengeBond;
    /// hash of the report
    bytes32 report;
}

/// @notice A validator's stake. One storage slot.
struct ValidatorStake {
    /// 1e18 units
    uint104 staked;
    /// the part that checks lock, 1e18 units
    uint104 locked;
    /// checks that stood
    uint24 right;
    /// checks that were wrong or never came
    uint24 wrong;
}

/// @notice What governance decides about checks. Two storage slots.
struct CheckTerms {
    /// what a check locks of a validator's stake, 1e18 units
    uint104 bond;
    /// what a challenge costs when it is wrong, 1e18 units
    uint104 challengeBond;
    /// the part of a lost bond that goes to whom the wrong check harmed or who found it, basis points, at most 5,000; the rest is
    /// burned
    uint16 finderBps;
    /// seconds
    uint48 reportWindow;
    uint48 challengeWindow;
    uint48 rulingWindow;
}

/// @title IValidatorPool
/// @notice Validators stake DATA, check the quality of datasets for pay, and lose their bond for a wrong check.
/// @dev Requested -> Taken -> Reported -> Paid. In time anyone may challenge a report with a bond of their own; attestors
/// rule. Wrong: the validator's bond is lost (finderBps of it, rounded down, to the challenger, the rest burned), the
/// challenger gets the bond back and the requester the pay. Right: the validator gets the pay and the challenger's bond.
/// No ruling in time: everyone gets back what they put in. A report that never comes loses the bond too: finderBps of it
/// go to the requester, with the pay. Terms count as they stood when the check was taken or challenged. Nothing but
/// requesting and taking can be paused.
interface IValidatorPool {
    /// @notice A validator staked, 1e18 units.
    event ValidatorStaked(address indexed validator, uint256 amount);
    /// @notice A validator took stake back, 1e18 units.
    event ValidatorUnstaked(address indexed validator, uint256 amount);
    /// @notice Somebody asked for a check; pay in 1e18 units.
    event CheckRequested(
        uint256 indexed checkId, uint256 indexed datasetId, address indexed requester, uint256 pay
    );
    /// @notice A validator took a check on.
    event CheckTaken(uint256 indexed checkId, address indexed validator, uint64 deadline);
    /// @notice A validator reported.
    event CheckReported(uint256 indexed checkId, uint16 quality, bytes32 report, uint64 deadline);
    /// @notice Somebody says that the report is wrong; `evidence` is the hash of why.
    event CheckChallenged(
        uint256 indexed checkId, address indexed challenger, bytes32 evidence, uint64 deadline
    );
    /// @notice A check ended in a final state.
    event CheckEnded(uint256 indexed checkId, uint8 state);
    /// @notice A validator lost a bond, 1e18 units.
    event ValidatorSlashed(
        uint256 indexed checkId, address indexed validator, uint256 burned, uint256 toFinder
    );
    /// @notice Governance set the terms.
    event CheckTermsSet(CheckTerms terms);

    /// @notice Stakes the caller's DATA. A validator in good standing only.
    function stake(uint256 amount, Permit calldata permit) external;

    /// @notice Takes back stake that no check locks. Never paused, and the caller's standing is not asked.
    function unstake(uint256 amount) external;

    /// @notice Asks for a check of a dataset and pays for it in advance. Anyone may call, unless jobs are paused.
    /// @param pay 1e18 units of DATA
    function request(uint256 datasetId, uint128 pay, Permit calldata permit)
        external
        returns (uint256 checkId);

    /// @notice Takes a request back that no validator took. The requester only, never paused.
    function cancel(uint256 checkId) external;

    /// @notice Takes a check on and locks the bond. A validator in good standing who neither asked for the check nor holds
    /// the dataset, unless jobs are paused.
    function take(uint256 checkId) external;

    /// @notice Reports. The validator who took the check, in time.
    /// @param quality basis points, at most 10,000
    /// @param report hash of the whole report; not zero
    function report(uint256 checkId, uint16 quality, bytes32 report) external;

    /// @notice Says that a report is wrong and puts in a bond. Anyone but its validator, in time.
    /// @param evidence hash of what shows it
    function challenge(uint256 checkId, bytes32 evidence, Permit calldata permit) external;

    /// @notice Ends a challenge as attestors ruled, in time. Anyone may call. Attestation: kind VERDICT, subject
    /// bytes32(checkId), payload keccak256(abi.encode(checkId, report, wrong)).
    function rule(uint256 checkId, bool wrong, Proof calldata verdict) external;

    /// @notice Moves a check on whose deadline passed: pays what nobody challenged, slashes who did not report, returns
    /// what nobody ruled on. Anyone may call, never paused.
    function conclude(uint256 checkId) external;

    /// @notice Sets the terms of checks to come. Governance only.
    function setTerms(CheckTerms calldata terms) external;

    /// @notice The terms.
    function terms() external view returns (CheckTerms memory);

    /// @notice The check; all zero when there is none.
    function check(uint256 checkId) external view returns (Check memory);

    /// @notice How many checks there ever were; the last one has this number.
    function checkCount() external view returns (uint256);

    /// @notice A validator's stake.
    function stakeOf(address validator) external view returns (ValidatorStake memory);

    /// @notice All stakes, and pay and bonds of open checks, 1e18 units. The contract always holds at least this much.
    function owed() external view returns (uint256);
}
