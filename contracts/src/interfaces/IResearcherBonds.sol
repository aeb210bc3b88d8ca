// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Permit} from "../common/Payments.sol";

/// @notice A researcher's bond. One slot and a half.
struct Bond {
    /// 1e6 USDC units
    uint96 amount;
    /// the part of `amount` that open accusations ask for, 1e6 USDC units
    uint96 frozen;
    /// unix seconds, until when licences and jobs keep the bond
    uint64 engagedUntil;
    /// unix seconds, from when it can be taken back; zero when its withdrawal was not announced
    uint64 leavesAt;
}

/// @notice Somebody says that a researcher broke the rules of ethical use.
struct Accusation {
    address researcher;
    /// what is to be slashed, 1e6 USDC units; frozen until the end
    uint96 amount;
    address accuser;
}

/// @notice What governance sets.
struct BondTerms {
    /// the least free bond of a researcher who starts new business, 1e6 USDC units
    uint96 minimum;
    /// seconds between the end of business and the withdrawal, one hour to 90 days; time to accuse
    uint64 notice;
    /// the accuser's part of what is slashed, at most 5,000 basis points, rounded down; the treasury gets the rest
    uint16 accuserBps;
}

/// @title IResearcherBonds
/// @notice The stake that researchers put up for ethical use, slashed when an accusation is upheld.
/// @dev The accuser is the claimant. Nothing here can be paused. A bond leaves in bounded time: announced, it starts no
/// new business; it leaves `notice` after the last licence and job end; accusations can be raised until then, and each
/// ends within the ruling window.
interface IResearcherBonds {
    /// @notice A bond grew, 1e6 USDC units.
    event BondDeposited(address indexed researcher, uint256 amount);
    /// @notice A licence or a job keeps the bond until a time, unix seconds.
    event BondEngaged(address indexed researcher, uint64 until);
    /// @notice A bond will leave, unix seconds.
    event BondLeaving(address indexed researcher, uint64 leavesAt);
    /// @notice A bond was taken back, 1e6 USDC units.
    event BondWithdrawn(address indexed researcher, uint256 amount);
    /// @notice An accusation was raised over `amount`, 1e6 USDC units.
    event Accused(
        uint256 indexed accusationId, address indexed researcher, address indexed accuser, uint256 amount
    );
    /// @notice An accusation ended.
    event AccusationClosed(uint256 indexed accusationId, bool upheld);
    /// @notice A bond was slashed, 1e6 USDC units.
    event BondSlashed(address indexed researcher, uint256 toAccuser, uint256 toTreasury);
    /// @notice Governance set the terms.
    event BondTermsSet(BondTerms terms);

    /// @notice Adds to the caller's bond, and takes an announced withdrawal back.
    /// @param amount 1e6 USDC units, not zero
    /// @param permit the caller's allowance of USDC to this contract; zero `value` when there is one already
    function deposit(uint96 amount, Permit calldata permit) external;

    /// @notice Says that the bond will leave. From now on the caller starts no new business.
    function announceWithdrawal() external;

    /// @notice Pays the whole bond back. Reverts before its time and while an accusation is open.
    function withdraw() external;

    /// @notice Accuses a researcher of a breach. Verified parties only; costs exactly `arbitrationCost()` wei, which the
    /// arbitrator keeps. Reverts when the free bond is below `amount`, and once the bond may leave.
    /// @param amount what is to be slashed, 1e6 USDC units, not zero
    /// @param evidence address of a document
    function accuse(address researcher, uint96 amount, string calldata evidence)
        external
        payable
        returns (uint256 accusationId);

    /// @notice Keeps a researcher's bond until a time, unix seconds. The licence market and the compute market only;
    /// reverts when the free bond is below the minimum or about to leave.
    function engage(address researcher, uint64 until) external;

    /// @notice Sets the terms; withdrawals announced before keep their time. Governance only.
    function setBondTerms(BondTerms calldata terms) external;

    /// @notice A researcher's bond; all zero when there is none.
    function bondOf(address researcher) external view returns (Bond memory);

    /// @notice The open accusation; all zero when there is none or it ended.
    function accusation(uint256 accusationId) external view returns (Accusation memory);

    /// @notice How many accusations there ever were; the last one has this number.
    function accusationCount() external view returns (uint256);

    /// @notice The terms.
    function bondTerms() external view returns (BondTerms memory);
}
