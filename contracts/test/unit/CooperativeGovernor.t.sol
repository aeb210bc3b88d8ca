// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {Permit} from "../../src/common/Payments.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {AccessRoles} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {CooperativeGovernor} from "../../src/governance/CooperativeGovernor.sol";
import {GovernanceToken} from "../../src/governance/GovernanceToken.sol";
import {Treasury} from "../../src/governance/Treasury.sol";
import {VoteEscrow} from "../../src/governance/VoteEscrow.sol";
import {ParticipantRegistry} from "../../src/identity/ParticipantRegistry.sol";
import {KindRow, Minimums, ProposalKinds} from "../../src/interfaces/ICooperativeGovernor.sol";
import {Cooperative} from "./Cooperative.sol";

/// @notice Governance as it stands after deployment: the timelock is the only admin.
contract CooperativeGovernorTest is Cooperative {
    uint48 private constant DELAY = 1 days;
    uint32 private constant PERIOD = 7 days;
    uint256 private constant WAIT = 2 days;

    TimelockController private timelock;
    CooperativeGovernor private governor;
    GovernanceToken private token;
    VoteEscrow private escrow;
    Treasury private chest;
    address[5] private members;

    address[] private targets;
    uint256[] private values;
    bytes[] private calls;

    function setUp() public override {
        super.setUp();
        timelock = new TimelockController(WAIT, new address[](0), new address[](1), address(this));
        token = new GovernanceToken(address(manager), registry, membership, address(timelock));
        escrow = new VoteEscrow(token);
        token.setHolder(address(escrow), true, true);
        chest = new Treasury(address(manager));
        governor = new CooperativeGovernor(_setup(), _rows());
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        timelock.grantRole(timelock.CANCELLER_ROLE(), address(governor));
        timelock.renounceRole(timelock.DEFAULT_ADMIN_ROLE(), address(this));
        manager.grantRole(AccessRoles.ADMIN, address(timelock), 0);
        manager.setTargetFunctionRole(address(token), _one(token.mint.selector), AccessRoles.MINTER);
        manager.grantRole(AccessRoles.MINTER, address(this), 0);
        manager.renounceRole(AccessRoles.ADMIN, address(this));

        string[5] memory names = ["Ada", "Grace", "Emmy", "Lise", "Rosalind"];
        for (uint256 i; i < 5; ++i) {
            (members[i],) = _join(names[i]);
        }
    }

    function _setup() private view returns (CooperativeGovernor.Setup memory) {
        return CooperativeGovernor.Setup({
            membership: membership,
            gov: token,
            escrow: escrow,
            timelock: timelock,
            votingDelay: DELAY,
            votingPeriod: PERIOD,
            quorumPercent: 40,
            minimums: Minimums({gov: 1_000e18, escrow: 1_000e18})
        });
    }

    function _rows() private view returns (KindRow[] memory rows) {
        rows = new KindRow[](3);
        rows[0] = KindRow(address(0), Treasury.pay.selector, ProposalKinds.TREASURY);
        rows[1] = KindRow(address(datasets), datasets.setCustodianCap.selector, ProposalKinds.PARAMETERS);
        rows[2] = KindRow(address(0), IERC20.transfer.selector, ProposalKinds.TREASURY);
    }

    // ---------------------------------------------------------------- helpers

    function _propose(address target, bytes memory call) private returns (uint256 proposal) {
        targets = [target];
        values = [uint256(0)];
        calls = [call];
        vm.warp(block.timestamp + 1);
        vm.prank(members[0]);
        proposal = governor.propose(targets, values, calls, "a proposal");
        vm.warp(governor.proposalSnapshot(proposal) + 1);
    }

    function _vote(uint256 proposal, uint256 voters, uint8 support) private {
        for (uint256 i; i < voters; ++i) {
            vm.prank(members[i]);
            governor.castVote(proposal, support);
        }
    }

    function _finish(uint256 proposal) private {
        vm.warp(governor.proposalDeadline(proposal) + 1);
        governor.queue(targets, values, calls, keccak256("a proposal"));
        vm.warp(block.timestamp + WAIT);
        governor.execute(targets, values, calls, keccak256("a proposal"));
    }

    function _assertState(uint256 proposal, IGovernor.ProposalState expected) private view {
        assertEq(uint256(governor.state(proposal)), uint256(expected));
    }

    // ---------------------------------------------------------------- votes

    function test_members_change_a_parameter_by_vote_and_nobody_else_does() public {
        bytes memory refusal =
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(this));
        vm.expectRevert(refusal);
        datasets.setCustodianCap(1_000);

        uint256 proposal = _propose(address(datasets), abi.encodeCall(datasets.setCustodianCap, (1_000)));
        _vote(proposal, 3, 1);
        _finish(proposal);
        _assertState(proposal, IGovernor.ProposalState.Executed);
        assertEq(datasets.custodianCap(), 1_000);
    }

    function test_a_proposal_without_a_majority_or_a_quorum_fails() public {
        uint256 proposal = _propose(address(datasets), abi.encodeCall(datasets.setCustodianCap, (1_000)));
        _vote(proposal, 1, 1);
        vm.warp(governor.proposalDeadline(proposal) + 1);
        _assertState(proposal, IGovernor.ProposalState.Defeated);

        proposal = _propose(address(datasets), abi.encodeCall(datasets.setCustodianCap, (1_001)));
        _vote(proposal, 4, 0);
        vm.prank(members[4]);
        governor.castVote(proposal, 1);
        vm.warp(governor.proposalDeadline(proposal) + 1);
        _assertState(proposal, IGovernor.ProposalState.Defeated);
    }

    function test_who_joined_after_the_proposal_has_no_vote_on_it() public {
        uint256 proposal = _propose(address(datasets), abi.encodeCall(datasets.setCustodianCap, (1_000)));
        (address late,) = _join("Late");
        vm.prank(late);
        governor.castVote(proposal, 1);
        (, uint256 votesFor,) = governor.proposalVotes(proposal);
        assertEq(votesFor, 0);
    }

    function test_only_members_propose() public {
        targets = [address(datasets)];
        values = [uint256(0)];
        calls = [abi.encodeCall(datasets.setCustodianCap, (1_000))];
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(IGovernor.GovernorInsufficientProposerVotes.selector, stranger, 0, 1)
        );
        governor.propose(targets, values, calls, "a proposal");
    }

    function test_a_pause_does_not_stop_voting() public {
        vm.prank(guardian);
        breaker.pause(15, 7 days);
        uint256 proposal = _propose(address(breaker), abi.encodeCall(breaker.reopen, (15)));
        _vote(proposal, 5, 1);
        _assertState(proposal, IGovernor.ProposalState.Active);
        (, uint256 votesFor,) = governor.proposalVotes(proposal);
        assertEq(votesFor, 5);
    }

    // ---------------------------------------------------------------- kinds

    function _one(bytes4 selector) private pure returns (bytes4[] memory list) {
        list = new bytes4[](1);
        list[0] = selector;
    }

    /// @dev Ada holds 10,000 GOV, the next three 100 each, Rosalind none; Grace locks 80 of hers for almost four years and
    /// Ada 2,000.
    function _spread() private {
        uint256[5] memory amounts = [uint256(10_000e18), 100e18, 100e18, 100e18, 0];
        Permit memory none;
        for (uint256 i; i < 5; ++i) {
            token.mint(members[i], amounts[i]);
            vm.startPrank(members[i]);
            token.delegate(members[i]);
            token.approve(address(escrow), type(uint256).max);
            vm.stopPrank();
        }
        vm.prank(members[0]);
        escrow.lock(2_000e18, uint48(block.timestamp + 207 weeks), none);
        vm.prank(members[1]);
        escrow.lock(80e18, uint48(block.timestamp + 207 weeks), none);
        vm.prank(members[0]);
        token.delegate(members[0]);
        vm.warp(block.timestamp + 1);
    }

    /// @dev Ada for, three against, Rosalind abstains.
    function _ballot(uint256 proposal) private {
        for (uint256 i; i < 5; ++i) {
            vm.prank(members[i]);
            governor.castVote(proposal, i == 0 ? 1 : i == 4 ? 2 : 0);
        }
    }

    function _assertVotes(uint256 proposal, uint256 votesFor, uint256 against, uint256 abstentions)
        private
        view
    {
        (uint256 a, uint256 f, uint256 n) = governor.proposalVotes(proposal);
        assertEq(f, votesFor);
        assertEq(a, against);
        assertEq(n, abstentions);
    }

    function _end(uint256 proposal) private returns (uint256) {
        vm.warp(governor.proposalDeadline(proposal) + 1);
        return uint256(governor.state(proposal));
    }

    function test_the_same_ballot_under_each_way_of_counting() public {
        _spread();
        // Consent and data policy, code and permissions: heads.
        uint256 proposal = _propose(address(membership), abi.encodeCall(membership.remove, (stranger)));
        assertEq(governor.proposalKind(proposal), ProposalKinds.MEMBERS);
        _ballot(proposal);
        _assertVotes(proposal, 1, 3, 1);
        assertEq(_end(proposal), uint256(IGovernor.ProposalState.Defeated));

        // Payments: the square root of 8,000 GOV against three square roots of 100 or less.
        proposal = _propose(address(chest), abi.encodeCall(chest.pay, (token, stranger, 1, "x")));
        assertEq(governor.proposalKind(proposal), ProposalKinds.TREASURY);
        _ballot(proposal);
        _assertVotes(proposal, 89_442_719_099, 4_472_135_954 + 2 * 10_000_000_000, 0);
        (uint256 needed, uint256 present) = governor.participation(proposal);
        assertEq(needed, 2);
        assertEq(present, 2);
        assertEq(_end(proposal), uint256(IGovernor.ProposalState.Succeeded));

        // Parameters: what is locked, by the time that is left of it.
        proposal = _propose(address(datasets), abi.encodeCall(datasets.setCustodianCap, (1_000)));
        assertEq(governor.proposalKind(proposal), ProposalKinds.PARAMETERS);
        _ballot(proposal);
        uint256 snapshot = governor.proposalSnapshot(proposal);
        uint256 ada = escrow.getPastVotes(members[0], snapshot);
        _assertVotes(proposal, ada, escrow.getPastVotes(members[1], snapshot), 0);
        (needed, present) = governor.participation(proposal);
        assertEq(needed, escrow.getPastTotalSupply(snapshot) * 40 / 100);
        assertEq(present, ada);
        assertEq(governor.weightOf(proposal, members[0]), ada);
        assertEq(_end(proposal), uint256(IGovernor.ProposalState.Succeeded));
    }

    function test_a_payment_needs_heads_and_not_only_riches() public {
        _spread();
        uint256 proposal = _propose(address(chest), abi.encodeCall(chest.pay, (token, stranger, 1, "x")));
        vm.prank(members[0]);
        governor.castVote(proposal, 1);
        // One of five members is below 40 percent; one against counts no head for it.
        vm.prank(members[4]);
        governor.castVote(proposal, 0);
        assertEq(_end(proposal), uint256(IGovernor.ProposalState.Defeated));
    }

    function test_who_is_no_member_has_no_vote_on_payments_however_rich() public {
        _spread();
        token.mint(custodian, 1_000_000e18);
        vm.prank(custodian);
        token.delegate(custodian);
        uint256 proposal = _propose(address(chest), abi.encodeCall(chest.pay, (token, stranger, 1, "x")));
        vm.prank(custodian);
        governor.castVote(proposal, 0);
        _assertVotes(proposal, 0, 0, 0);
        assertEq(governor.weightOf(proposal, custodian), 0);
        assertEq(governor.weightOf(proposal, members[1]), 4_472_135_954);
    }

    function test_where_too_little_gov_exists_or_is_locked_members_decide() public {
        token.mint(members[0], 999e18);
        uint256 proposal = _propose(address(chest), abi.encodeCall(chest.pay, (token, stranger, 1, "x")));
        assertEq(governor.proposalKind(proposal), ProposalKinds.MEMBERS);
        token.mint(members[0], 1e18);
        proposal = _propose(address(chest), abi.encodeCall(chest.pay, (token, stranger, 2, "x")));
        assertEq(governor.proposalKind(proposal), ProposalKinds.TREASURY);
        proposal = _propose(address(datasets), abi.encodeCall(datasets.setCustodianCap, (1_000)));
        assertEq(governor.proposalKind(proposal), ProposalKinds.MEMBERS);
    }

    function test_a_plain_payment_is_a_payment_and_an_unknown_call_is_for_members() public {
        _spread();
        uint256 proposal = _propose(stranger, "");
        assertEq(governor.proposalKind(proposal), ProposalKinds.TREASURY);
        proposal = _propose(stranger, hex"01");
        assertEq(governor.proposalKind(proposal), ProposalKinds.MEMBERS);
        proposal = _propose(address(token), abi.encodeCall(token.transfer, (stranger, 1)));
        assertEq(governor.proposalKind(proposal), ProposalKinds.TREASURY);
        proposal = _propose(address(breaker), abi.encodeCall(breaker.reopen, (15)));
        assertEq(governor.proposalKind(proposal), ProposalKinds.MEMBERS);
        assertEq(governor.proposalKind(12_345), ProposalKinds.NONE);
    }

    function test_no_payment_rides_on_another_kind() public {
        targets = [address(chest), address(datasets)];
        values = [uint256(0), 0];
        calls = [
            abi.encodeCall(chest.pay, (token, stranger, 1, "x")),
            abi.encodeCall(datasets.setCustodianCap, (1_000))
        ];
        vm.warp(block.timestamp + 1);
        vm.prank(members[0]);
        vm.expectRevert(
            abi.encodeWithSelector(
                Errors.CooperativeGovernor_MixedKinds.selector,
                ProposalKinds.TREASURY,
                ProposalKinds.PARAMETERS
            )
        );
        governor.propose(targets, values, calls, "two in one");
        calls[1] = calls[0];
        targets[1] = targets[0];
        vm.prank(members[0]);
        governor.propose(targets, values, calls, "two of one");
    }

    function test_no_call_hides_in_another() public {
        bytes4[8] memory carriers = [
            AccessManager.execute.selector,
            AccessManager.schedule.selector,
            Multicall.multicall.selector,
            Governor.relay.selector,
            TimelockController.schedule.selector,
            TimelockController.scheduleBatch.selector,
            TimelockController.execute.selector,
            TimelockController.executeBatch.selector
        ];
        targets = [address(manager)];
        values = [uint256(0)];
        vm.warp(block.timestamp + 1);
        for (uint256 i; i < carriers.length; ++i) {
            calls = [abi.encodePacked(carriers[i], uint256(0))];
            vm.prank(members[0]);
            vm.expectRevert(
                abi.encodeWithSelector(Errors.CooperativeGovernor_HiddenCall.selector, carriers[i])
            );
            governor.propose(targets, values, calls, "hidden");
        }
    }

    function test_members_change_the_kinds_and_the_minimums_by_vote_and_nobody_else_does() public {
        KindRow[] memory rows = new KindRow[](2);
        rows[0] = KindRow(address(breaker), breaker.reopen.selector, ProposalKinds.PARAMETERS);
        rows[1] = KindRow(address(datasets), datasets.setCustodianCap.selector, ProposalKinds.NONE);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorOnlyExecutor.selector, address(this)));
        governor.setKinds(rows);
        vm.expectRevert(abi.encodeWithSelector(IGovernor.GovernorOnlyExecutor.selector, address(this)));
        governor.setMinimums(Minimums(0, 0));

        uint256 proposal = _propose(address(governor), abi.encodeCall(governor.setKinds, (rows)));
        _vote(proposal, 3, 1);
        _finish(proposal);
        proposal = _propose(address(governor), abi.encodeCall(governor.setMinimums, (Minimums(0, 0))));
        _vote(proposal, 3, 1);
        _finish(proposal);
        assertEq(governor.minimums().escrow, 0);

        proposal = _propose(address(breaker), abi.encodeCall(breaker.reopen, (15)));
        assertEq(governor.proposalKind(proposal), ProposalKinds.PARAMETERS);
        proposal = _propose(address(datasets), abi.encodeCall(datasets.setCustodianCap, (1_000)));
        assertEq(governor.proposalKind(proposal), ProposalKinds.MEMBERS);
        // Without a minimum, nobody who locks nothing passes anything.
        proposal = _propose(address(breaker), abi.encodeCall(breaker.reopen, (1)));
        _vote(proposal, 5, 1);
        assertEq(_end(proposal), uint256(IGovernor.ProposalState.Defeated));
    }

    function test_a_kind_that_does_not_exist_is_refused() public {
        KindRow[] memory rows = new KindRow[](1);
        rows[0] = KindRow(address(breaker), breaker.reopen.selector, 4);
        vm.expectRevert(abi.encodeWithSelector(Errors.CooperativeGovernor_BadKind.selector, 4));
        new CooperativeGovernor(_setup(), rows);
    }

    // ---------------------------------------------------------------- upgrades

    function test_an_upgrade_by_vote_keeps_state() public {
        address implementation = address(new ParticipantRegistry());
        bytes memory upgrade = abi.encodeCall(UUPSUpgradeable.upgradeToAndCall, (implementation, ""));
        vm.expectRevert(
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, address(this))
        );
        registry.upgradeToAndCall(implementation, "");

        uint256 proposal = _propose(address(registry), upgrade);
        _vote(proposal, 5, 1);
        _finish(proposal);
        assertEq(_implementationOf(address(registry)), implementation);
        assertEq(registry.jurisdictionOf(custodian), bytes2("DE"));
    }

    function _implementationOf(address proxy) private view returns (address) {
        bytes32 slot = bytes32(uint256(keccak256("eip1967.proxy.implementation")) - 1);
        return address(uint160(uint256(vm.load(proxy, slot))));
    }

    function test_nobody_initializes_a_module_again_or_an_implementation() public {
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        registry.initialize(stranger);
        ParticipantRegistry implementation = new ParticipantRegistry();
        vm.expectRevert(Initializable.InvalidInitialization.selector);
        implementation.initialize(stranger);
    }
}
