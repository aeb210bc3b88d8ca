// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {
    GovernorCountingSimple
} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {
    GovernorTimelockControl
} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {
    GovernorVotesQuorumFraction
} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Errors} from "../common/Errors.sol";
import {ICooperativeGovernor, KindRow, Minimums, ProposalKinds} from "../interfaces/ICooperativeGovernor.sol";
import {IVoteEscrow} from "../interfaces/IVoteEscrow.sol";

/// @title CooperativeGovernor
/// @notice Decides on everything that the timelock may do, by one of three ways of counting that follow from what a
/// proposal calls. Any member may propose.
/// @dev OpenZeppelin's Governor over MembershipToken: times are unix seconds, the quorum is a percentage, rounded down, met
/// by votes for and abstentions; a proposal needs more votes for than against.
contract CooperativeGovernor is
    ICooperativeGovernor,
    Governor,
    GovernorSettings,
    GovernorCountingSimple,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorTimelockControl
{
    /// @notice Where votes come from, and when and how many are needed.
    struct Setup {
        /// one vote for each member
        IVotes membership;
        /// votes of which the square root counts
        IVotes gov;
        /// votes that decay
        IVoteEscrow escrow;
        /// executes what was decided
        TimelockController timelock;
        /// seconds from proposal to the start of voting
        uint48 votingDelay;
        /// seconds of voting
        uint32 votingPeriod;
        /// the part of all votes that must take part, percent
        uint256 quorumPercent;
        /// when the other two ways of counting are used
        Minimums minimums;
    }

    IVotes public immutable GOV;
    IVoteEscrow public immutable ESCROW;

    /// @inheritdoc ICooperativeGovernor
    mapping(uint256 proposalId => uint8) public proposalKind;

    Minimums private _minimums;
    mapping(address target => mapping(bytes4 selector => uint8)) private _kinds;
    /// @dev Membership votes of those for and abstaining, for payments only.
    mapping(uint256 proposalId => uint256) private _heads;

    constructor(Setup memory setup, KindRow[] memory rows)
        Governor("Caduceus CooperativeGovernor")
        GovernorSettings(setup.votingDelay, setup.votingPeriod, 1)
        GovernorVotes(setup.membership)
        GovernorVotesQuorumFraction(setup.quorumPercent)
        GovernorTimelockControl(setup.timelock)
    {
        GOV = setup.gov;
        ESCROW = setup.escrow;
        _setMinimums(setup.minimums);
        _setKinds(rows);
    }

    // ---------------------------------------------------------------- kinds

    /// @inheritdoc ICooperativeGovernor
    function setKinds(KindRow[] calldata rows) external onlyGovernance {
        _setKinds(rows);
    }

    /// @inheritdoc ICooperativeGovernor
    function setMinimums(Minimums calldata minimums_) external onlyGovernance {
        _setMinimums(minimums_);
    }

    /// @inheritdoc ICooperativeGovernor
    function minimums() external view returns (Minimums memory) {
        return _minimums;
    }

    /// @inheritdoc ICooperativeGovernor
    function kindOf(address[] memory targets, bytes[] memory calldatas) public view returns (uint8 kind) {
        for (uint256 i; i < calldatas.length; ++i) {
            uint8 next = _kindOfCall(targets[i], calldatas[i]);
            if (kind != ProposalKinds.NONE && kind != next) {
                revert Errors.CooperativeGovernor_MixedKinds(kind, next);
            }
            kind = next;
        }
    }

    // ---------------------------------------------------------------- counting

    /// @inheritdoc ICooperativeGovernor
    function weightOf(uint256 proposalId, address account) external view returns (uint256) {
        uint256 snapshot = proposalSnapshot(proposalId);
        return _weight(proposalKind[proposalId], account, snapshot, _getVotes(account, snapshot, ""));
    }

    /// @inheritdoc ICooperativeGovernor
    function participation(uint256 proposalId) public view returns (uint256 needed, uint256 present) {
        uint256 snapshot = proposalSnapshot(proposalId);
        uint8 kind = proposalKind[proposalId];
        (, uint256 votesFor, uint256 abstentions) = proposalVotes(proposalId);
        present = kind == ProposalKinds.TREASURY ? _heads[proposalId] : votesFor + abstentions;
        needed = kind == ProposalKinds.PARAMETERS
            ? Math.mulDiv(ESCROW.getPastTotalSupply(snapshot), quorumNumerator(snapshot), quorumDenominator())
            : quorum(snapshot);
    }

    // ---------------------------------------------------------------- OpenZeppelin's

    /// @inheritdoc Governor
    function state(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (ProposalState)
    {
        return super.state(proposalId);
    }

    /// @inheritdoc Governor
    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    /// @notice How many votes a proposer needs: one, so that every member may propose.
    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    // ---------------------------------------------------------------- internal: kinds

    function _propose(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description,
        address proposer
    ) internal override returns (uint256 proposalId) {
        proposalId = super._propose(targets, values, calldatas, description, proposer);
        uint8 kind = kindOf(targets, calldatas);
        if (!_isReady(kind)) kind = ProposalKinds.MEMBERS;
        proposalKind[proposalId] = kind;
        emit ProposalKindFixed(proposalId, kind);
    }

    function _kindOfCall(address target, bytes memory data) private view returns (uint8 kind) {
        if (data.length == 0) return ProposalKinds.TREASURY;
        // The first four bytes name the function. Fewer are filled up with zeros, as a contract would read them.
        // forge-lint: disable-next-line(unsafe-typecast)
        bytes4 selector = bytes4(data);
        if (_carriesCalls(selector)) revert Errors.CooperativeGovernor_HiddenCall(selector);
        kind = _kinds[target][selector];
        if (kind == ProposalKinds.NONE) kind = _kinds[address(0)][selector];
        if (kind == ProposalKinds.NONE) kind = ProposalKinds.MEMBERS;
    }

    function _carriesCalls(bytes4 selector) private pure returns (bool) {
        return selector == AccessManager.execute.selector || selector == AccessManager.schedule.selector
            || selector == Multicall.multicall.selector || selector == Governor.relay.selector
            || selector == TimelockController.schedule.selector
            || selector == TimelockController.scheduleBatch.selector
            || selector == TimelockController.execute.selector
            || selector == TimelockController.executeBatch.selector;
    }

    function _setKinds(KindRow[] memory rows) private {
        for (uint256 i; i < rows.length; ++i) {
            KindRow memory r = rows[i];
            if (r.kind > ProposalKinds.LAST) revert Errors.CooperativeGovernor_BadKind(r.kind);
            _kinds[r.target][r.selector] = r.kind;
            emit KindSet(r.target, r.selector, r.kind);
        }
    }

    /// @dev Whether there is enough of what this kind is counted by, a second ago.
    function _isReady(uint8 kind) private view returns (bool) {
        uint256 time = clock() - 1;
        if (kind == ProposalKinds.TREASURY) return GOV.getPastTotalSupply(time) >= _minimums.gov;
        if (kind == ProposalKinds.PARAMETERS) return ESCROW.getPastTotalSupply(time) >= _minimums.escrow;
        return true;
    }

    function _setMinimums(Minimums memory m) private {
        _minimums = m;
        emit MinimumsSet(m);
    }

    // ---------------------------------------------------------------- internal: counting

    /// @dev `heads` are the votes of the membership, which the caller knows already.
    function _weight(uint8 kind, address account, uint256 snapshot, uint256 heads)
        private
        view
        returns (uint256)
    {
        if (kind == ProposalKinds.PARAMETERS) return ESCROW.getPastVotes(account, snapshot);
        if (kind == ProposalKinds.TREASURY && heads != 0) {
            return Math.sqrt(GOV.getPastVotes(account, snapshot));
        }
        return heads;
    }

    function _countVote(
        uint256 proposalId,
        address account,
        uint8 support,
        uint256 heads,
        bytes memory params
    ) internal override(Governor, GovernorCountingSimple) returns (uint256) {
        uint8 kind = proposalKind[proposalId];
        uint256 weight = heads;
        if (kind != ProposalKinds.MEMBERS) {
            weight = _weight(kind, account, proposalSnapshot(proposalId), heads);
            if (kind == ProposalKinds.TREASURY && support != uint8(VoteType.Against)) {
                _heads[proposalId] += heads;
            }
        }
        return super._countVote(proposalId, account, support, weight, params);
    }

    function _quorumReached(uint256 proposalId)
        internal
        view
        override(Governor, GovernorCountingSimple)
        returns (bool)
    {
        (uint256 needed, uint256 present) = participation(proposalId);
        return needed <= present;
    }

    // ---------------------------------------------------------------- internal: OpenZeppelin's

    function _queueOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint48) {
        return super._queueOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _executeOperations(
        uint256 proposalId,
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) {
        super._executeOperations(proposalId, targets, values, calldatas, descriptionHash);
    }

    function _cancel(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        bytes32 descriptionHash
    ) internal override(Governor, GovernorTimelockControl) returns (uint256) {
        return super._cancel(targets, values, calldatas, descriptionHash);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }
}
