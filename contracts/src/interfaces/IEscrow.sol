// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Permit} from "../common/Payments.sol";

/// @title DealStates
/// @notice Where a deal stands. Released, Refunded and Divided are final.
library DealStates {
    uint8 internal constant NONE = 0;
    /// @notice Paid in; waits for the payee until the deadline, then goes back.
    uint8 internal constant FUNDED = 1;
    /// @notice The payee says it delivered; the payer inspects until the deadline, then the payee is paid.
    uint8 internal constant DELIVERED = 2;
    /// @notice Waits for the arbitrator.
    uint8 internal constant DISPUTED = 3;
    /// @notice The payee was paid.
    uint8 internal constant RELEASED = 4;
    /// @notice The payer was paid back.
    uint8 internal constant REFUNDED = 5;
    /// @notice Half each: the arbitrator refused to rule or did not.
    uint8 internal constant DIVIDED = 6;
}

/// @notice Money held until something was delivered.
struct Deal {
    address payer;
    /// one of `DealStates`
    uint8 state;
    /// unix seconds, the last moment of the present state; zero while disputed and in a final state
    uint64 deadline;
    /// seconds that the payer has to inspect a delivery
    uint24 inspection;
    address payee;
    /// 1e6 USDC units
    uint96 amount;
    /// hash of what was agreed
    bytes32 termsHash;
    /// hash of what was delivered; set at delivery
    bytes32 deliveryHash;
}

/// @title IEscrow
/// @notice Holds a payment between two parties until delivery, and lets an arbitrator decide when they disagree about a
/// breach, the quality, or the access.
/// @dev Funded -> Delivered -> Released; Delivered -> Disputed -> Released, Refunded or Divided. In a dispute the payer
/// is the claimant. Only opening a deal can be paused. A deal ends in bounded time whatever either side or the arbitrator
/// does or omits: the deadline of Funded, then at most 90 days of inspection, then the ruling window.
interface IEscrow {
    /// @notice A deal was opened and paid in, 1e6 USDC units.
    event DealOpened(
        uint256 indexed dealId,
        address indexed payer,
        address indexed payee,
        uint256 amount,
        bytes32 termsHash,
        uint64 deliverBy
    );
    /// @notice The payee delivered.
    event Delivered(uint256 indexed dealId, bytes32 deliveryHash, uint64 inspectBy);
    /// @notice The payer disputes the delivery.
    event Disputed(uint256 indexed dealId);
    /// @notice A deal ended; what each side got, 1e6 USDC units.
    event DealClosed(uint256 indexed dealId, uint8 state, uint256 toPayer, uint256 toPayee);

    /// @notice Opens a deal with the caller as payer. Both sides must be verified parties. Reverts when trading is paused.
    /// @param amount 1e6 USDC units, not zero
    /// @param deliverBy unix seconds, ahead, at most 365 days
    /// @param inspection seconds that the caller has to inspect, one hour to 90 days
    /// @param permit the caller's allowance of USDC to this contract; zero `value` when there is one already
    function open(
        address payee,
        uint96 amount,
        bytes32 termsHash,
        uint64 deliverBy,
        uint24 inspection,
        Permit calldata permit
    ) external returns (uint256 dealId);

    /// @notice Says that it was delivered. Payee only, until the deadline.
    function deliver(uint256 dealId, bytes32 deliveryHash) external;

    /// @notice Pays the payee. Payer only, when funded or delivered.
    function release(uint256 dealId) external;

    /// @notice Pays the payer back. Payee only, when funded or delivered.
    function refund(uint256 dealId) external;

    /// @notice Asks the arbitrator. Payer only, while inspecting; costs exactly `arbitrationCost()` wei, which the
    /// arbitrator keeps.
    /// @param evidence address of a document
    function dispute(uint256 dealId, string calldata evidence) external payable;

    /// @notice Ends a deal whose deadline passed: Funded goes back to the payer, Delivered goes to the payee. Anyone may
    /// call. A dispute ends by `endUnruled`.
    function expire(uint256 dealId) external;

    /// @notice The deal; all zero when there is none.
    function deal(uint256 dealId) external view returns (Deal memory);

    /// @notice How many deals there ever were; the last one has this number.
    function dealCount() external view returns (uint256);
}
