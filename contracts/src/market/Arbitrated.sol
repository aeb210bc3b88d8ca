// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Errors} from "../common/Errors.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {Module} from "../common/Module.sol";
import {IArbitrable} from "../interfaces/IArbitrable.sol";
import {Arbitration, ArbitrationTerms, IArbitrated, Rulings} from "../interfaces/IArbitrated.sol";
import {IArbitrator} from "../interfaces/IArbitrator.sol";

/// @title Arbitrated
/// @notice The side of ERC-792 that asks for rulings. A contract says what its cases are, who their sides are, and what a
/// ruling does.
abstract contract Arbitrated is IArbitrated, Module, ReentrancyGuardTransient {
    /// @custom:storage-location erc7201:caduceus.storage.Arbitrated
    struct ArbitratedStorage {
        IArbitrator arbitrator;
        uint64 rulingWindow;
        /// number of the latest document that says what disputes are about
        uint32 metaEvidenceId;
        bytes extraData;
        mapping(uint256 caseId => Arbitration) arbitrations;
        /// a case's number is never zero
        mapping(address arbitrator => mapping(uint256 disputeId => uint256 caseId)) cases;
    }

    bytes32 private constant ARBITRATED_STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.Arbitrated")) - 1)
    ) & ~bytes32(uint256(0xff));

    uint256 private constant CHOICES = 2;
    uint64 private constant LEAST_RULING_WINDOW = 1 hours;
    uint64 private constant GREATEST_RULING_WINDOW = 180 days;

    // ---------------------------------------------------------------- the arbitrator

    /// @inheritdoc IArbitrable
    function rule(uint256 disputeId, uint256 ruling) external nonReentrant {
        uint256 caseId = _arbitratedStorage().cases[msg.sender][disputeId];
        if (caseId == 0) revert MarketErrors.Arbitrated_NoSuchDispute(msg.sender, disputeId);
        if (ruling > CHOICES) revert MarketErrors.Arbitrated_BadRuling(ruling, CHOICES);
        _forget(caseId);
        emit Ruling(IArbitrator(msg.sender), disputeId, ruling);
        _ruled(caseId, ruling);
    }

    // ---------------------------------------------------------------- everybody else

    /// @inheritdoc IArbitrated
    function submitEvidence(uint256 caseId, string calldata evidence) external {
        Arbitration storage a = _open(caseId);
        if (!_isSide(caseId, msg.sender)) revert MarketErrors.Arbitrated_NotSide(caseId, msg.sender);
        emit Evidence(a.arbitrator, caseId, msg.sender, evidence);
    }

    /// @inheritdoc IArbitrated
    function endUnruled(uint256 caseId) external nonReentrant {
        uint64 deadline = _open(caseId).deadline;
        if (block.timestamp <= deadline) {
            revert MarketErrors.Arbitrated_DeadlineNotPassed(caseId, deadline);
        }
        _forget(caseId);
        emit Unruled(caseId);
        _ruled(caseId, Rulings.REFUSED);
    }

    /// @inheritdoc IArbitrated
    function setArbitration(ArbitrationTerms calldata terms) external restricted {
        _setArbitration(terms);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IArbitrated
    function arbitrator() external view returns (IArbitrator) {
        return _arbitratedStorage().arbitrator;
    }

    /// @inheritdoc IArbitrated
    function arbitrationCost() external view returns (uint256) {
        ArbitratedStorage storage $ = _arbitratedStorage();
        return $.arbitrator.arbitrationCost($.extraData);
    }

    /// @inheritdoc IArbitrated
    function rulingWindow() external view returns (uint64) {
        return _arbitratedStorage().rulingWindow;
    }

    /// @inheritdoc IArbitrated
    function arbitrationOf(uint256 caseId) external view returns (Arbitration memory) {
        return _arbitratedStorage().arbitrations[caseId];
    }

    // ---------------------------------------------------------------- for the contract that asks

    /// @dev What a ruling does. The dispute is closed when this is called, under the reentrancy guard.
    function _ruled(uint256 caseId, uint256 ruling) internal virtual;

    /// @dev Whether the account may give evidence on the case.
    function _isSide(uint256 caseId, address account) internal view virtual returns (bool);

    /// @dev Raises a dispute in the name of the caller, who pays the arbitrator exactly its cost. To be called under the
    /// reentrancy guard, after everything else has changed: an arbitrator that rules inside its own `createDispute` is
    /// refused by the guard.
    function _raise(uint256 caseId, string calldata evidence) internal {
        ArbitratedStorage storage $ = _arbitratedStorage();
        IArbitrator chosen = $.arbitrator;
        bytes memory extraData = $.extraData;
        uint256 cost = chosen.arbitrationCost(extraData);
        if (msg.value != cost) revert MarketErrors.Arbitrated_WrongFee(msg.value, cost);
        uint256 disputeId = chosen.createDispute{value: cost}(CHOICES, extraData);
        if ($.cases[address(chosen)][disputeId] != 0) {
            revert MarketErrors.Arbitrated_DisputeExists(address(chosen), disputeId);
        }

        $.cases[address(chosen)][disputeId] = caseId;
        $.arbitrations[caseId] = Arbitration({
            arbitrator: chosen, deadline: uint64(block.timestamp) + $.rulingWindow, disputeId: disputeId
        });
        emit Dispute(chosen, disputeId, $.metaEvidenceId, caseId);
        emit Evidence(chosen, caseId, msg.sender, evidence);
    }

    function _setArbitration(ArbitrationTerms calldata terms) internal {
        ArbitratedStorage storage $ = _arbitratedStorage();
        if (address(terms.arbitrator) == address(0)) revert Errors.Common_ZeroAddress();
        uint64 window = terms.rulingWindow;
        if (window < LEAST_RULING_WINDOW || window > GREATEST_RULING_WINDOW) {
            revert MarketErrors.Arbitrated_BadWindow(window);
        }
        $.arbitrator = terms.arbitrator;
        $.rulingWindow = window;
        $.extraData = terms.extraData;
        $.metaEvidenceId += 1;
        emit ArbitrationSet(terms.arbitrator, terms.extraData, window);
        emit MetaEvidence($.metaEvidenceId, terms.metaEvidence);
    }

    // ---------------------------------------------------------------- internal

    function _open(uint256 caseId) private view returns (Arbitration storage a) {
        a = _arbitratedStorage().arbitrations[caseId];
        if (a.deadline == 0) revert MarketErrors.Arbitrated_NotDisputed(caseId);
    }

    function _forget(uint256 caseId) private {
        ArbitratedStorage storage $ = _arbitratedStorage();
        Arbitration storage a = $.arbitrations[caseId];
        delete $.cases[address(a.arbitrator)][a.disputeId];
        delete $.arbitrations[caseId];
    }

    function _arbitratedStorage() private pure returns (ArbitratedStorage storage $) {
        bytes32 slot = ARBITRATED_STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
