// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Kinds} from "../../src/common/Kinds.sol";
import {Contribution} from "../../src/interfaces/IContributionRewards.sol";
import {Scene} from "./Scene.sol";

/// @notice What the tests of rewards in DATA share.
abstract contract RewardsScene is Scene {
    uint256 internal constant YEARLY = GENESIS * 3 / 100;

    function _contribution(address member, bytes32 contentHash, uint256 datasetId)
        internal
        pure
        returns (Contribution memory)
    {
        return Contribution({
            member: member,
            source: "clinic",
            contentHash: contentHash,
            datasetId: datasetId,
            quality: 8_000,
            rarity: 15_000
        });
    }

    function _reward(Contribution memory c) internal returns (uint256 points) {
        bytes32 personId = membership.personOf(c.member);
        return rewards.reward(c, _proof(Kinds.POINTS, personId, keccak256(abi.encode(c))));
    }

    /// @dev A job on the dataset, settled.
    function _settledJob(address custodian, uint256 datasetId) internal returns (uint256 jobId) {
        jobId = _ask(researcher, _buy(researcher, _ids(datasetId), 1), _ids(datasetId));
        _answer(custodian, jobId);
    }

    function _recordUse(uint256 datasetId, uint256 jobId) internal {
        bytes32 payload = keccak256(abi.encode(datasetId, jobId, bytes32("approval")));
        vault.recordUse(datasetId, jobId, "approval", _proof(Kinds.USE, bytes32(datasetId), payload));
    }

    function _selectors(bytes4 one) internal pure returns (bytes4[] memory list) {
        list = new bytes4[](1);
        list[0] = one;
    }
}
