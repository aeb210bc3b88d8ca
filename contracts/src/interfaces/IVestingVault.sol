// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Proof} from "./IAttestationOracle.sol";

/// @notice What somebody gets bit by bit. Three storage slots.
struct Vesting {
    address beneficiary;
    /// unix seconds, from when on it vests
    uint48 start;
    /// unix seconds, from when on all of it is vested; after `start`
    uint48 end;
    /// 1e18 units
    uint104 total;
    /// 1e18 units
    uint104 released;
    /// unix seconds, before which nothing is released; between `start` and `end`
    uint48 cliff;
    /// nothing is released before this dataset, or one that descends from it, was used; zero for none
    uint256 datasetId;
}

/// @title IVestingVault
/// @notice Holds tokens that are earned already and paid out over time: rewards of members, which also wait for the first
/// approved use of their data, and the shares of team and foundation, which wait for a cliff.
/// @dev vested(t) = 0 before the cliff, total x (t - start) / (end - start) rounded down from there, total from the end
/// on; releasable = vested - released, or nothing while the dataset waits for its use. A vesting is never taken back and
/// nothing here can be paused.
/// WARNING: the token is one that the protocol deployed; one that takes a fee on transfer would short the beneficiary.
interface IVestingVault {
    /// @notice A vesting began.
    event VestingOpened(uint256 indexed vestingId, address indexed beneficiary, Vesting vesting);
    /// @notice A part was paid, 1e18 units.
    event VestingReleased(uint256 indexed vestingId, address indexed beneficiary, uint256 amount);
    /// @notice The first approved use of a dataset was recorded; `approval` is the hash of what approved the study.
    event UseRecorded(uint256 indexed datasetId, uint256 indexed jobId, bytes32 approval);

    /// @notice Begins a vesting over tokens that were transferred here before the call. Rewarders and governance only.
    /// Reverts when they are not there, when the amount is zero or above 2^104 - 1, and unless start <= cliff <= end and
    /// start < end.
    /// @param amount 1e18 units
    /// @param datasetId whose use it waits for; zero for none
    function open(
        address beneficiary,
        uint256 amount,
        uint48 start,
        uint48 cliff,
        uint48 end,
        uint256 datasetId
    ) external returns (uint256 vestingId);

    /// @notice Pays the beneficiary what is releasable. Anyone may call, never paused; reverts when it is nothing.
    /// @return amount paid, 1e18 units
    function release(uint256 vestingId) external returns (uint256 amount);

    /// @notice Records that a dataset was used in an approved study, once. Anyone may call. The job must be settled, on
    /// the dataset itself or on one that descends from it in at most 16 steps. Attestation: kind USE, subject
    /// bytes32(datasetId), payload keccak256(abi.encode(datasetId, jobId, approval)).
    /// @param approval hash of the document by which the study was approved; not zero
    function recordUse(uint256 datasetId, uint256 jobId, bytes32 approval, Proof calldata proof) external;

    /// @notice What can be released now, 1e18 units.
    function releasable(uint256 vestingId) external view returns (uint256);

    /// @notice The vesting. Reverts when there is none.
    function vesting(uint256 vestingId) external view returns (Vesting memory);

    /// @notice How many vestings there ever were; the last one has this number.
    function vestingCount() external view returns (uint256);

    /// @notice When the dataset's first approved use was recorded, unix seconds; zero when it was not.
    function usedAt(uint256 datasetId) external view returns (uint64);

    /// @notice What all vestings together have not paid, 1e18 units. The vault always holds at least this much.
    function owed() external view returns (uint256);
}
