// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Errors} from "../../src/common/Errors.sol";
import {Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {JoinRequest} from "../../src/interfaces/IMembershipToken.sol";
import {Cooperative} from "./Cooperative.sol";

contract MembershipTokenTest is Cooperative {
    bytes32 private constant RESIGN_TYPEHASH =
        keccak256("Resign(address member,uint256 nonce,uint64 deadline)");
    bytes32 private constant PERSON = "person";
    uint256 private constant KEY = 11;
    uint256 private constant OTHER_KEY = 12;

    address private member = vm.addr(KEY);
    address private other = vm.addr(OTHER_KEY);

    function _resignDigest(address who, uint64 deadline) private view returns (bytes32) {
        bytes32 structHash = keccak256(abi.encode(RESIGN_TYPEHASH, who, membership.nonces(who), deadline));
        return _typed("Caduceus MembershipToken", address(membership), structHash);
    }

    function test_a_person_joins_and_has_one_vote() public {
        uint256 tokenId = _joinAs(KEY, PERSON);
        assertEq(membership.memberOf(PERSON), member);
        assertEq(membership.personOf(member), PERSON);
        assertEq(membership.tokenOf(member), tokenId);
        assertEq(membership.didHashOf(tokenId), bytes32("did"));
        assertEq(membership.ownerOf(tokenId), member);
        assertEq(membership.getVotes(member), 1);
        assertEq(membership.totalMembers(), 1);
        assertTrue(membership.isMember(member));
        assertTrue(membership.locked(tokenId));
        assertTrue(membership.supportsInterface(0xb45a3c0e));
    }

    function test_a_second_join_of_the_same_person_reverts() public {
        _joinAs(KEY, PERSON);
        JoinRequest memory request = JoinRequest(other, PERSON, "did", NOW);
        bytes memory signature = _sign(OTHER_KEY, _joinDigest(request));
        Proof memory proof = _identityProof(request);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.MembershipToken_PersonAlreadyMember.selector, PERSON, member)
        );
        membership.join(request, signature, proof);
    }

    function test_a_wallet_holds_one_membership() public {
        _joinAs(KEY, PERSON);
        JoinRequest memory request = JoinRequest(member, "someone else", "did", NOW);
        bytes memory signature = _sign(KEY, _joinDigest(request));
        Proof memory proof = _identityProof(request);
        vm.expectRevert(abi.encodeWithSelector(Errors.MembershipToken_WalletAlreadyMember.selector, member));
        membership.join(request, signature, proof);
    }

    function test_nobody_joins_without_the_wallets_signature_or_after_its_deadline() public {
        JoinRequest memory request = JoinRequest(member, PERSON, "did", NOW);
        bytes memory forged = _sign(OTHER_KEY, _joinDigest(request));
        bytes memory signature = _sign(KEY, _joinDigest(request));
        Proof memory proof = _identityProof(request);
        vm.expectRevert(abi.encodeWithSelector(Errors.Signed_BadSignature.selector, member));
        membership.join(request, forged, proof);
        vm.warp(NOW + 1);
        vm.expectRevert(abi.encodeWithSelector(Errors.Signed_Expired.selector, NOW));
        membership.join(request, signature, proof);
    }

    function test_nobody_joins_on_an_attestation_for_another_wallet() public {
        JoinRequest memory request = JoinRequest(member, PERSON, "did", NOW);
        bytes memory signature = _sign(KEY, _joinDigest(request));
        Proof memory proof = _identityProof(JoinRequest(other, PERSON, "did", NOW));
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        membership.join(request, signature, proof);
        assertFalse(membership.isMember(member));
    }

    function test_nobody_joins_twice_on_one_attestation() public {
        JoinRequest memory request = JoinRequest(member, PERSON, "did", NOW);
        Proof memory proof = _identityProof(request);
        membership.join(request, _sign(KEY, _joinDigest(request)), proof);
        vm.prank(member);
        membership.resign();
        bytes memory signature = _sign(KEY, _joinDigest(request));
        vm.expectPartialRevert(Errors.AttestationOracle_AlreadyConsumed.selector);
        membership.join(request, signature, proof);
    }

    function test_a_join_request_cannot_be_replayed_after_leaving() public {
        JoinRequest memory request = JoinRequest(member, PERSON, "did", NOW);
        bytes memory signature = _sign(KEY, _joinDigest(request));
        membership.join(request, signature, _identityProof(request));
        vm.prank(member);
        membership.resign();
        Proof memory proof = _identityProof(request);
        vm.expectRevert(abi.encodeWithSelector(Errors.Signed_BadSignature.selector, member));
        membership.join(request, signature, proof);
    }

    function test_a_transfer_or_an_approval_reverts() public {
        uint256 tokenId = _joinAs(KEY, PERSON);
        vm.startPrank(member);
        vm.expectRevert(Errors.MembershipToken_Soulbound.selector);
        membership.transferFrom(member, other, tokenId);
        vm.expectRevert(Errors.MembershipToken_Soulbound.selector);
        membership.safeTransferFrom(member, other, tokenId);
        vm.expectRevert(Errors.MembershipToken_Soulbound.selector);
        membership.approve(other, tokenId);
        vm.expectRevert(Errors.MembershipToken_Soulbound.selector);
        membership.setApprovalForAll(other, true);
        vm.stopPrank();
    }

    function test_a_member_leaves_and_joins_again_with_another_wallet() public {
        uint256 first = _joinAs(KEY, PERSON);
        vm.prank(member);
        membership.resign();
        assertFalse(membership.isMember(member));
        assertEq(membership.memberOf(PERSON), address(0));
        assertEq(membership.getVotes(member), 0);
        assertEq(membership.totalMembers(), 0);

        uint256 second = _joinAs(OTHER_KEY, PERSON);
        assertTrue(second != first);
        assertEq(membership.memberOf(PERSON), other);
        assertEq(membership.getVotes(other), 1);
    }

    function test_leaving_is_relayed_once() public {
        _joinAs(KEY, PERSON);
        bytes memory signature = _sign(KEY, _resignDigest(member, NOW));
        vm.prank(stranger);
        membership.resignBySig(member, NOW, signature);
        assertFalse(membership.isMember(member));

        _joinAs(KEY, PERSON);
        vm.expectRevert(abi.encodeWithSelector(Errors.Signed_BadSignature.selector, member));
        membership.resignBySig(member, NOW, signature);
    }

    function test_nobody_else_makes_a_member_leave() public {
        _joinAs(KEY, PERSON);
        bytes memory forged = _sign(OTHER_KEY, _resignDigest(member, NOW));
        vm.expectRevert(abi.encodeWithSelector(Errors.Signed_BadSignature.selector, member));
        membership.resignBySig(member, NOW, forged);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Errors.MembershipToken_NotMember.selector, stranger));
        membership.resign();
    }

    function test_governance_and_nobody_else_removes_a_member() public {
        _joinAs(KEY, PERSON);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        membership.remove(member);
        membership.remove(member);
        assertFalse(membership.isMember(member));
    }

    function test_a_delegated_vote_ends_with_the_membership() public {
        _joinAs(KEY, PERSON);
        _joinAs(OTHER_KEY, "another person");
        vm.prank(member);
        membership.delegate(other);
        assertEq(membership.getVotes(other), 2);
        vm.prank(member);
        membership.resign();
        assertEq(membership.getVotes(other), 1);
        _joinAs(KEY, PERSON);
        assertEq(membership.getVotes(member), 1);
        assertEq(membership.getVotes(other), 1);
    }

    function test_fuzz_votes_are_as_many_as_members(uint8[16] memory steps) public {
        for (uint256 i; i < steps.length; ++i) {
            uint256 key = uint256(steps[i] % 5) + 100;
            if (membership.isMember(vm.addr(key))) {
                vm.prank(vm.addr(key));
                membership.resign();
            } else {
                _joinAs(key, bytes32(key));
            }
        }
        uint256 votes;
        for (uint256 key = 100; key < 105; ++key) {
            votes += membership.getVotes(vm.addr(key));
        }
        vm.warp(NOW + 1);
        assertEq(votes, membership.totalMembers());
        assertEq(votes, membership.getPastTotalSupply(NOW));
    }

    function test_nobody_joins_as_nobody() public {
        JoinRequest memory request = JoinRequest(address(0), PERSON, "did", NOW);
        Proof memory proof = _identityProof(request);
        vm.expectRevert(Errors.Common_ZeroAddress.selector);
        membership.join(request, "", proof);
        request = JoinRequest(member, 0, "did", NOW);
        proof = _identityProof(request);
        vm.expectRevert(Errors.MembershipToken_ZeroPerson.selector);
        membership.join(request, "", proof);
    }
}
