// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Proof} from "./IAttestationOracle.sol";

/// @notice What the members in a dataset earned, 1e6 USDC units; all amounts only grow.
struct Claims {
    /// Merkle root over what each person earned since the beginning
    bytes32 root;
    /// sum of all amounts in the tree
    uint256 total;
    /// received from the splitter
    uint256 funded;
    /// paid to members
    uint256 paid;
}

/// @title IMemberClaims
/// @notice Pays the members' part of a dataset's usage yield, by Merkle proof against a root that the custodian posts and
/// attestors confirm.
/// @dev Leaf: keccak256(bytes.concat(keccak256(abi.encode(uint256 datasetId, bytes32 personId, uint256 cumulative)))),
/// pairs hashed in sorted order (OpenZeppelin's standard tree). Amounts are cumulative: a newer root replaces an older one
/// without loss. Nothing here can be paused, and unclaimed money waits.
interface IMemberClaims {
    /// @notice A custodian posted a newer tree.
    event RootPosted(uint256 indexed datasetId, bytes32 root, uint256 total);
    /// @notice A person was paid, 1e6 USDC units.
    event Claimed(
        uint256 indexed datasetId, bytes32 indexed personId, address indexed member, uint256 amount
    );

    /// @notice Adds to what the members of each dataset earned; the splitter has transferred the sum. The splitter only,
    /// whose `UsageCredited` is the record of it.
    /// @param amounts 1e6 USDC units, one for each dataset
    function fund(uint256[] calldata datasetIds, uint256[] calldata amounts) external;

    /// @notice Replaces a dataset's tree. Its custodian in good standing only. Attestation: kind CONTRIBUTION, subject
    /// bytes32(datasetId), payload keccak256(abi.encode(datasetId, root, total)).
    /// @param total sum of the tree's amounts, 1e6 USDC units, not below the previous one, not above what was funded
    function postRoot(uint256 datasetId, bytes32 root, uint256 total, Proof calldata contribution) external;

    /// @notice Pays a person what they earned beyond what they were paid, to the wallet of their membership, at once or by
    /// the second as the wallet chose (`IPayoutStreams`). Anyone may call, never paused. Reverts while the person has not
    /// joined.
    /// @param cumulative the amount in the tree, 1e6 USDC units
    /// @return amount paid, 1e6 USDC units
    function claim(uint256 datasetId, bytes32 personId, uint256 cumulative, bytes32[] calldata proof)
        external
        returns (uint256 amount);

    /// @notice What a person was paid from a dataset, 1e6 USDC units.
    function claimed(uint256 datasetId, bytes32 personId) external view returns (uint256);

    /// @notice A dataset's account.
    function claimsOf(uint256 datasetId) external view returns (Claims memory);

    /// @notice The USDC that lies here, 1e6 units: everything that was funded and not paid, to the unit, and what somebody
    /// sent without being asked, which nobody can take. No second book is kept of the sum.
    function owed() external view returns (uint256);

    /// @notice The leaf of one person.
    function leafOf(uint256 datasetId, bytes32 personId, uint256 cumulative) external pure returns (bytes32);
}
