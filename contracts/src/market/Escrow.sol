// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Scopes} from "../common/Codes.sol";
import {Dues} from "../common/Dues.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {Permit} from "../common/Payments.sol";
import {ArbitrationTerms, Rulings} from "../interfaces/IArbitrated.sol";
import {ICircuitBreaker} from "../interfaces/ICircuitBreaker.sol";
import {Deal, DealStates, IEscrow} from "../interfaces/IEscrow.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {Arbitrated} from "./Arbitrated.sol";

/// @title Escrow
/// @notice Holds a payment between two parties until delivery, with an arbitrator for when they disagree.
contract Escrow is IEscrow, Arbitrated, Dues {
    /// @custom:storage-location erc7201:caduceus.storage.Escrow
    struct EscrowStorage {
        mapping(uint256 dealId => Deal) deals;
        uint256 dealCount;
    }

    bytes32 private constant STORAGE =
        keccak256(abi.encode(uint256(keccak256("caduceus.storage.Escrow")) - 1)) & ~bytes32(uint256(0xff));

    uint64 private constant GREATEST_DELIVERY = 365 days;
    uint24 private constant LEAST_INSPECTION = 1 hours;
    uint24 private constant GREATEST_INSPECTION = 90 days;

    IParticipantRegistry public immutable REGISTRY;
    ICircuitBreaker public immutable BREAKER;

    constructor(IERC20 usdc, IParticipantRegistry registry, ICircuitBreaker breaker) Dues(usdc) {
        REGISTRY = registry;
        BREAKER = breaker;
    }

    /// @notice Connects the escrow to its authority and its arbitrator; once, by the proxy's constructor.
    function initialize(address authority, ArbitrationTerms calldata terms) external initializer {
        __AccessManaged_init(authority);
        _setArbitration(terms);
    }

    // ---------------------------------------------------------------- the two sides

    /// @inheritdoc IEscrow
    function open(
        address payee,
        uint96 amount,
        bytes32 termsHash,
        uint64 deliverBy,
        uint24 inspection,
        Permit calldata permit
    ) external nonReentrant returns (uint256 dealId) {
        EscrowStorage storage $ = _storage();
        BREAKER.requireLive(Scopes.TRADING);
        _requireVerified(msg.sender);
        _requireVerified(payee);
        if (amount == 0) revert MarketErrors.Escrow_BadDeal("amount");
        if (payee == msg.sender) revert MarketErrors.Escrow_BadDeal("payee");
        if (deliverBy <= block.timestamp || deliverBy > block.timestamp + GREATEST_DELIVERY) {
            revert MarketErrors.Escrow_BadDeal("deliverBy");
        }
        if (inspection < LEAST_INSPECTION || inspection > GREATEST_INSPECTION) {
            revert MarketErrors.Escrow_BadDeal("inspection");
        }

        Deal memory d;
        d.payer = msg.sender;
        d.state = DealStates.FUNDED;
        d.deadline = deliverBy;
        d.inspection = inspection;
        d.payee = payee;
        d.amount = amount;
        d.termsHash = termsHash;
        dealId = ++$.dealCount;
        $.deals[dealId] = d;
        emit DealOpened(dealId, msg.sender, payee, amount, termsHash, deliverBy);
        _take(msg.sender, amount, permit);
    }

    /// @inheritdoc IEscrow
    function deliver(uint256 dealId, bytes32 deliveryHash) external {
        Deal storage d = _current(dealId, DealStates.FUNDED);
        _requireSide(dealId, d.payee);
        d.state = DealStates.DELIVERED;
        d.deadline = uint64(block.timestamp) + d.inspection;
        d.deliveryHash = deliveryHash;
        emit Delivered(dealId, deliveryHash, d.deadline);
    }

    /// @inheritdoc IEscrow
    function release(uint256 dealId) external nonReentrant {
        Deal storage d = _undisputed(dealId);
        _requireSide(dealId, d.payer);
        _close(dealId, DealStates.RELEASED, 0);
    }

    /// @inheritdoc IEscrow
    function refund(uint256 dealId) external nonReentrant {
        Deal storage d = _undisputed(dealId);
        _requireSide(dealId, d.payee);
        _close(dealId, DealStates.REFUNDED, d.amount);
    }

    /// @inheritdoc IEscrow
    function dispute(uint256 dealId, string calldata evidence) external payable nonReentrant {
        Deal storage d = _current(dealId, DealStates.DELIVERED);
        _requireSide(dealId, d.payer);
        d.state = DealStates.DISPUTED;
        d.deadline = 0;
        emit Disputed(dealId);
        _raise(dealId, evidence);
    }

    // ---------------------------------------------------------------- anyone

    /// @inheritdoc IEscrow
    function expire(uint256 dealId) external nonReentrant {
        Deal storage d = _undisputed(dealId);
        if (block.timestamp <= d.deadline) {
            revert MarketErrors.Escrow_DeadlineNotPassed(dealId, d.deadline);
        }
        if (d.state == DealStates.FUNDED) _close(dealId, DealStates.REFUNDED, d.amount);
        else _close(dealId, DealStates.RELEASED, 0);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IEscrow
    function deal(uint256 dealId) external view returns (Deal memory) {
        return _storage().deals[dealId];
    }

    /// @inheritdoc IEscrow
    function dealCount() external view returns (uint256) {
        return _storage().dealCount;
    }

    // ---------------------------------------------------------------- internal

    /// @dev The payer is the claimant. When nobody ruled, neither side gains by it; an odd unit goes to the payer.
    function _ruled(uint256 dealId, uint256 ruling) internal override {
        uint96 amount = _storage().deals[dealId].amount;
        if (ruling == Rulings.FOR_CLAIMANT) _close(dealId, DealStates.REFUNDED, amount);
        else if (ruling == Rulings.FOR_RESPONDENT) _close(dealId, DealStates.RELEASED, 0);
        else _close(dealId, DealStates.DIVIDED, amount - amount / 2);
    }

    function _isSide(uint256 dealId, address account) internal view override returns (bool) {
        Deal storage d = _storage().deals[dealId];
        return account == d.payer || account == d.payee;
    }

    function _close(uint256 dealId, uint8 state, uint96 toPayer) private {
        Deal storage d = _storage().deals[dealId];
        uint96 toPayee = d.amount - toPayer;
        d.state = state;
        d.deadline = 0;
        emit DealClosed(dealId, state, toPayer, toPayee);
        _pay(d.payer, toPayer);
        _pay(d.payee, toPayee);
    }

    /// @dev The deal, when it is in `state` and its deadline has not passed.
    function _current(uint256 dealId, uint8 state) private view returns (Deal storage d) {
        d = _storage().deals[dealId];
        if (d.state != state) revert MarketErrors.Escrow_WrongState(dealId, d.state);
        if (block.timestamp > d.deadline) revert MarketErrors.Escrow_DeadlinePassed(dealId, d.deadline);
    }

    /// @dev The deal, when it is funded or delivered.
    function _undisputed(uint256 dealId) private view returns (Deal storage d) {
        d = _storage().deals[dealId];
        if (d.state != DealStates.FUNDED && d.state != DealStates.DELIVERED) {
            revert MarketErrors.Escrow_WrongState(dealId, d.state);
        }
    }

    function _requireSide(uint256 dealId, address side) private view {
        if (msg.sender != side) revert MarketErrors.Escrow_NotYours(dealId, msg.sender);
    }

    function _requireVerified(address party) private view {
        if (!REGISTRY.isVerified(party)) revert MarketErrors.Escrow_NotVerified(party);
    }

    function _storage() private pure returns (EscrowStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
