// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Proof} from "./IAttestationOracle.sol";

/// @notice What a member contributed, as attestors saw it.
struct Contribution {
    /// the wallet of the membership
    address member;
    /// where it came from, for example the hash of a device's or a clinic's identifier; not zero
    bytes32 source;
    /// hash of what was contributed; rewarded once
    bytes32 contentHash;
    /// the dataset version that holds it, whose approved use releases the vested part
    uint256 datasetId;
    /// completeness and validity, basis points, at most 10,000
    uint16 quality;
    /// how rare it is in the pool, basis points: 10,000 is the neutral multiplier
    uint32 rarity;
}

/// @notice What governance decides about rewards. Two storage slots.
struct RewardTerms {
    /// DATA for each 10,000 points, 1e18 units
    uint128 rate;
    /// the greatest rarity that counts, basis points
    uint32 maximumRarity;
    /// points for each contribution of the same member and source that went before without a break
    uint32 bonusPoints;
    /// the most of those contributions that count
    uint16 bonusSteps;
    /// the part that is paid at once, basis points
    uint16 immediateBps;
    /// how long the rest vests, seconds
    uint48 vestingTerm;
    /// a pause between contributions longer than this breaks the row, seconds; above the cool-down of 7 days
    uint48 bonusGap;
}

/// @title IContributionRewards
/// @notice Rewards members for contributing, in points that are computed here from what attestors saw, and in DATA.
/// @dev points = quality x rarity / 10,000, rounded down, + bonusPoints x min(row, bonusSteps), where `row` is the number
/// of rewarded contributions of this person and source that went before, each within `bonusGap` of the next.
/// amount = points x rate / 10,000, immediate = amount x immediateBps / 10,000, both rounded down, vested = amount -
/// immediate. DATA that this contract holds (bought back, or given) is spent first, the rest is minted under the yearly cap.
/// Above the cap the call reverts and the attestation stays unspent, so that it can be presented in the next year.
interface IContributionRewards {
    /// @notice A contribution was rewarded; amounts in 1e18 units. `vestingId` is zero when nothing vests.
    event ContributionRewarded(
        bytes32 indexed personId,
        bytes32 indexed source,
        uint256 indexed datasetId,
        uint256 points,
        uint256 immediate,
        uint256 vested,
        uint256 vestingId
    );
    /// @notice Governance set the terms.
    event RewardTermsSet(RewardTerms terms);

    /// @notice Rewards a contribution, at most once in 7 days per person and source. Anyone may call: the attestation says
    /// everything. Attestation: kind POINTS, subject the member's person, payload keccak256(abi.encode(contribution)).
    /// @dev Reverts when minting is paused, for who is no member, on a part out of bounds, on content rewarded before, in
    /// the cool-down, when it would earn nothing, above DATA's yearly cap, and as the oracle does.
    /// @return points of the contribution
    function reward(Contribution calldata contribution, Proof calldata proof)
        external
        returns (uint256 points);

    /// @notice Sets the terms of rewards to come. Governance only.
    function setTerms(RewardTerms calldata terms) external;

    /// @notice The terms.
    function terms() external view returns (RewardTerms memory);

    /// @notice The points that a contribution with these parts would get now.
    function pointsOf(bytes32 personId, bytes32 source, uint16 quality, uint32 rarity)
        external
        view
        returns (uint256);

    /// @notice What so many points earn, 1e18 units of DATA.
    function amountOf(uint256 points) external view returns (uint256 immediate, uint256 vested);

    /// @notice How a person and source stand: their last reward (unix seconds, zero for none) and how many in a row.
    function rowOf(bytes32 personId, bytes32 source) external view returns (uint64 last, uint32 row);

    /// @notice All points of a person.
    function totalPoints(bytes32 personId) external view returns (uint256);

    /// @notice Whether this content was rewarded.
    function isRewarded(bytes32 contentHash) external view returns (bool);

    /// @notice DATA that is spent before any is minted, 1e18 units.
    function reserve() external view returns (uint256);
}
