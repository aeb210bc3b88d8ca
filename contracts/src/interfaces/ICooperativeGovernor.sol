// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title ProposalKinds
/// @notice How votes on a proposal are counted.
library ProposalKinds {
    uint8 internal constant NONE = 0;
    /// @notice One member, one vote: consent and data policy, code, permissions, and whatever has no other kind.
    uint8 internal constant MEMBERS = 1;
    /// @notice Members by the square root of their GOV: payments.
    uint8 internal constant TREASURY = 2;
    /// @notice By GOV that is locked and the time that is left of it: parameters.
    uint8 internal constant PARAMETERS = 3;
    uint8 internal constant LAST = PARAMETERS;
}

/// @notice Which kind a call has.
struct KindRow {
    /// the contract that is called; zero for any
    address target;
    bytes4 selector;
    /// one of `ProposalKinds`, zero to remove the row
    uint8 kind;
}

/// @notice How much there must be for the other two ways of counting; below it members decide.
struct Minimums {
    /// GOV in existence, 1e18 units, for payments
    uint128 gov;
    /// votes of the escrow, 1e18 units, for parameters
    uint128 escrow;
}

/// @title ICooperativeGovernor
/// @notice What the cooperative's governor adds to OpenZeppelin's: the kind of a proposal follows from what it calls.
/// @dev A call's kind is that of the row for its target and selector, else of the row for any target and its selector, else
/// TREASURY when it has no data (a plain payment), else MEMBERS. All calls of a proposal have one kind. Calls that only
/// carry other calls (of the access manager, the timelock, multicall, relay) are refused, so that no call hides in another.
/// Members can reach everything, since they can change code and permissions; the other two kinds reach only what their
/// rows name.
/// MEMBERS: weight = votes of the membership; quorum by those for and abstaining, of all members.
/// TREASURY: weight = square root (rounded down) of the GOV votes of who holds votes of the membership; more weight for than
/// against; quorum by the membership votes of those for and abstaining, of all members.
/// PARAMETERS: weight = votes of the escrow; quorum by those for and abstaining, of all votes of the escrow. Where
/// there is less than the minimum of what a kind is counted by when a proposal is made, its kind becomes MEMBERS.
/// All weights and totals are those at the start of voting.
interface ICooperativeGovernor {
    /// @notice A proposal was made and is counted in this way.
    event ProposalKindFixed(uint256 indexed proposalId, uint8 kind);
    /// @notice The kind of a call was set.
    event KindSet(address indexed target, bytes4 indexed selector, uint8 kind);
    /// @notice The minimums were set.
    event MinimumsSet(Minimums minimums);

    /// @notice Sets the kinds of calls. By a proposal only.
    function setKinds(KindRow[] calldata rows) external;

    /// @notice Sets how much there must be for the other two ways of counting. By a proposal only.
    function setMinimums(Minimums calldata minimums) external;

    /// @notice The kind that a proposal of these calls would have now, apart from the minimums. Reverts when it could
    /// not be made.
    function kindOf(address[] memory targets, bytes[] memory calldatas) external view returns (uint8);

    /// @notice How votes on a proposal are counted; zero when there is none.
    function proposalKind(uint256 proposalId) external view returns (uint8);

    /// @notice What an account's vote on a proposal weighs. Reverts before voting starts.
    function weightOf(uint256 proposalId, address account) external view returns (uint256);

    /// @notice What a proposal needs of those for and abstaining, and what it has. Reverts before voting starts.
    function participation(uint256 proposalId) external view returns (uint256 needed, uint256 present);

    /// @notice How much there must be for the other two ways of counting.
    function minimums() external view returns (Minimums memory);
}
