// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice A Merkle tree over sorted pairs, built the plain way: an odd node moves up as it is.
library MerkleTree {
    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        while (leaves.length > 1) leaves = _above(leaves);
        return leaves[0];
    }

    function proof(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory path) {
        path = new bytes32[](0);
        while (leaves.length > 1) {
            uint256 sibling = index ^ 1;
            if (sibling < leaves.length) path = _append(path, leaves[sibling]);
            leaves = _above(leaves);
            index /= 2;
        }
    }

    function _above(bytes32[] memory nodes) private pure returns (bytes32[] memory parents) {
        parents = new bytes32[]((nodes.length + 1) / 2);
        for (uint256 i; i < parents.length; ++i) {
            parents[i] = 2 * i + 1 < nodes.length ? _pair(nodes[2 * i], nodes[2 * i + 1]) : nodes[2 * i];
        }
    }

    function _pair(bytes32 a, bytes32 b) private pure returns (bytes32) {
        return a < b ? keccak256(abi.encodePacked(a, b)) : keccak256(abi.encodePacked(b, a));
    }

    function _append(bytes32[] memory list, bytes32 last) private pure returns (bytes32[] memory longer) {
        longer = new bytes32[](list.length + 1);
        for (uint256 i; i < list.length; ++i) {
            longer[i] = list[i];
        }
        longer[list.length] = last;
    }
}
