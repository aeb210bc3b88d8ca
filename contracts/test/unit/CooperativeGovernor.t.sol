// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {AccessRoles} from "../../src/common/Codes.sol";
import {CooperativeGovernor} from "../../src/governance/CooperativeGovernor.sol";
import {ParticipantRegistry} from "../../src/identity/ParticipantRegistry.sol";
import {Cooperative} from "./Cooperative.sol";

/// @notice Governance as it stands after deployment: the timelock is the only admin.
contract CooperativeGovernorTest is Cooperative {
    uint48 private constant DELAY = 1 days;
    uint32 private constant PERIOD = 7 days;
    uint256 private constant WAIT = 2 days;

    TimelockController private timelock;
    CooperativeGovernor private governor;
    address[5] private members;

    address[] private targets;
    uint256[] private values;
    bytes[] private calls;

    function setUp() public override {
        super.setUp();
        timelock = new TimelockController(WAIT, new address[](0), new address[](1), address(this));
        governor = new CooperativeGovernor(membership, timelock, DELAY, PERIOD, 40);
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        timelock.grantRole(timelock.CANCELLER_ROLE(), address(governor));
        timelock.renounceRole(timelock.DEFAULT_ADMIN_ROLE(), address(this));
        manager.grantRole(AccessRoles.ADMIN, address(timelock), 0);
        manager.renounceRole(AccessRoles.ADMIN, address(this));

        string[5] memory names = ["Ada", "Grace", "Emmy", "Lise", "Rosalind"];
        for (uint256 i; i < 5; ++i) {
            (members[i],) = _join(names[i]);
        }
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
