// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {PartyRoles} from "../common/Codes.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {IArbitrable} from "../interfaces/IArbitrable.sol";
import {IArbitrator} from "../interfaces/IArbitrator.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";

/// @title CentralizedArbitrator
/// @notice An ERC-792 arbitrator for development ledgers and tests: any registered arbitrator in good standing rules, at
/// once and for good, and gets the fee.
/// @dev On a chain with a court, governance sets that court's address instead and this contract is not deployed.
contract CentralizedArbitrator is IArbitrator {
    struct Case {
        IArbitrable arbitrable;
        bool solved;
        uint256 choices;
        uint256 ruling;
    }

    IParticipantRegistry public immutable REGISTRY;
    /// @notice What a dispute costs, wei.
    uint256 public immutable COST;

    Case[] private _cases;

    constructor(IParticipantRegistry registry, uint256 cost) {
        REGISTRY = registry;
        COST = cost;
    }

    /// @inheritdoc IArbitrator
    function createDispute(uint256 choices, bytes calldata) external payable returns (uint256 disputeId) {
        if (msg.value != COST) revert MarketErrors.Arbitrated_WrongFee(msg.value, COST);
        disputeId = _cases.length;
        _cases.push(Case(IArbitrable(msg.sender), false, choices, 0));
        emit DisputeCreation(disputeId, IArbitrable(msg.sender));
    }

    /// @notice Rules on a dispute. Arbitrators in good standing only, once; pays the fee to the caller.
    function giveRuling(uint256 disputeId, uint256 ruling) external {
        if (!REGISTRY.inGoodStanding(msg.sender, PartyRoles.ARBITRATOR)) {
            revert MarketErrors.CentralizedArbitrator_NotArbitrator(msg.sender);
        }
        Case storage c = _cases[disputeId];
        if (c.solved) revert MarketErrors.CentralizedArbitrator_Solved(disputeId);
        if (ruling > c.choices) revert MarketErrors.Arbitrated_BadRuling(ruling, c.choices);
        c.solved = true;
        c.ruling = ruling;
        c.arbitrable.rule(disputeId, ruling);
        Address.sendValue(payable(msg.sender), COST);
    }

    /// @inheritdoc IArbitrator
    /// @dev Rulings here are final.
    function appeal(uint256 disputeId, bytes calldata) external payable {
        revert MarketErrors.CentralizedArbitrator_NoAppeal(disputeId);
    }

    /// @inheritdoc IArbitrator
    function arbitrationCost(bytes calldata) external view returns (uint256) {
        return COST;
    }

    /// @inheritdoc IArbitrator
    function appealCost(uint256, bytes calldata) external pure returns (uint256) {
        return type(uint256).max;
    }

    /// @inheritdoc IArbitrator
    function appealPeriod(uint256) external pure returns (uint256 start, uint256 end) {
        return (0, 0);
    }

    /// @inheritdoc IArbitrator
    function disputeStatus(uint256 disputeId) external view returns (DisputeStatus) {
        return _cases[disputeId].solved ? DisputeStatus.Solved : DisputeStatus.Waiting;
    }

    /// @inheritdoc IArbitrator
    function currentRuling(uint256 disputeId) external view returns (uint256) {
        return _cases[disputeId].ruling;
    }
}
