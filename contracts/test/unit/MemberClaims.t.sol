// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Scopes} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {MerkleTree} from "../support/MerkleTree.sol";
import {Scene} from "../support/Scene.sol";

contract MemberClaimsTest is Scene {
    uint256 private german;
    string[3] private names = ["ada", "ben", "cleo"];

    function setUp() public override {
        super.setUp();
        german = _pooled(berlin);
    }

    function _fund(uint256 amount) private {
        _giveUSDC(address(claims), amount);
        vm.prank(address(splitter));
        claims.fund(_ids(german), _ids(amount));
    }

    function _leaves(uint256[3] memory amounts) private view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](3);
        for (uint256 i; i < 3; ++i) {
            leaves[i] = claims.leafOf(german, _personOf(names[i]), amounts[i]);
        }
    }

    function _post(uint256[3] memory amounts) private {
        _postRoot(berlin, german, MerkleTree.root(_leaves(amounts)), amounts[0] + amounts[1] + amounts[2]);
    }

    function _claim(uint256[3] memory amounts, uint256 index) private returns (uint256) {
        return claims.claim(
            german, _personOf(names[index]), amounts[index], MerkleTree.proof(_leaves(amounts), index)
        );
    }

    // ---------------------------------------------------------------- claiming

    function test_each_member_claims_their_part_through_anyone() public {
        address ada = _join("ada");
        address cleo = _join("cleo");
        _fund(100e6);
        uint256[3] memory amounts = [uint256(50e6), 30e6, 20e6];
        _post(amounts);
        vm.startPrank(stranger);
        assertEq(_claim(amounts, 0), 50e6);
        assertEq(_claim(amounts, 2), 20e6);
        vm.stopPrank();
        assertEq(usdc.balanceOf(ada), 50e6);
        assertEq(usdc.balanceOf(cleo), 20e6);
        assertEq(claims.owed(), 30e6);
        assertEq(claims.claimsOf(german).paid, 70e6);
        assertEq(claims.claimed(german, _personOf("ada")), 50e6);
    }

    function test_nothing_is_paid_twice_and_later_earnings_are_added() public {
        address ada = _join("ada");
        _join("ben");
        _fund(200e6);
        uint256[3] memory first = [uint256(50e6), 30e6, 20e6];
        _post(first);
        _claim(first, 0);
        bytes32 person = _personOf("ada");
        bytes32[] memory proof = MerkleTree.proof(_leaves(first), 0);
        vm.expectRevert(
            abi.encodeWithSelector(MarketErrors.MemberClaims_NothingToClaim.selector, german, person)
        );
        claims.claim(german, person, 50e6, proof);

        uint256[3] memory second = [uint256(90e6), 60e6, 50e6];
        _post(second);
        assertEq(_claim(second, 0), 40e6);
        assertEq(usdc.balanceOf(ada), 90e6);
        // The older tree no longer counts.
        person = _personOf("ben");
        proof = MerkleTree.proof(_leaves(first), 1);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.MemberClaims_BadProof.selector, german, person));
        claims.claim(german, person, 30e6, proof);
    }

    function test_who_has_not_joined_finds_the_money_later() public {
        _fund(100e6);
        uint256[3] memory amounts = [uint256(50e6), 30e6, 20e6];
        _post(amounts);
        bytes32 person = _personOf("ben");
        bytes32[] memory proof = MerkleTree.proof(_leaves(amounts), 1);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.MemberClaims_NotMember.selector, person));
        claims.claim(german, person, 30e6, proof);
        address ben = _join("ben");
        claims.claim(german, person, 30e6, proof);
        assertEq(usdc.balanceOf(ben), 30e6);
    }

    function test_a_person_who_joined_again_with_another_wallet_is_not_paid_again() public {
        address ada = _join("ada");
        _fund(100e6);
        uint256[3] memory amounts = [uint256(50e6), 30e6, 20e6];
        _post(amounts);
        _claim(amounts, 0);
        vm.prank(ada);
        membership.resign();
        _join("ada");
        bytes32 person = _personOf("ada");
        bytes32[] memory proof = MerkleTree.proof(_leaves(amounts), 0);
        vm.expectRevert(
            abi.encodeWithSelector(MarketErrors.MemberClaims_NothingToClaim.selector, german, person)
        );
        claims.claim(german, person, 50e6, proof);
    }

    function test_another_amount_person_or_dataset_is_not_in_the_tree() public {
        _join("ada");
        _fund(100e6);
        uint256[3] memory amounts = [uint256(50e6), 30e6, 20e6];
        _post(amounts);
        uint256 other = _pooled(berlin);
        bytes32 person = _personOf("ada");
        bytes32[] memory proof = MerkleTree.proof(_leaves(amounts), 0);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.MemberClaims_BadProof.selector, german, person));
        claims.claim(german, person, 50e6 + 1, proof);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.MemberClaims_BadProof.selector, other, person));
        claims.claim(other, person, 50e6, proof);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.MemberClaims_BadProof.selector, german, person));
        claims.claim(german, person, 50e6, new bytes32[](0));
    }

    function test_claims_cannot_be_paused() public {
        _join("ada");
        _fund(100e6);
        uint256[3] memory amounts = [uint256(50e6), 30e6, 20e6];
        _post(amounts);
        _pause(Scopes.ALL);
        _claim(amounts, 0);
    }

    function test_a_tree_that_promises_more_than_its_total_cannot_take_from_others() public {
        _join("ada");
        _join("ben");
        uint256 other = _pooled(berlin);
        _fund(100e6);
        _giveUSDC(address(claims), 100e6);
        vm.prank(address(splitter));
        claims.fund(_ids(other), _ids(100e6));
        uint256[3] memory amounts = [uint256(60e6), 35e6, 0];
        _postRoot(berlin, german, MerkleTree.root(_leaves(amounts)), 90e6);
        _claim(amounts, 0);
        bytes32[] memory proof = MerkleTree.proof(_leaves(amounts), 1);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.MemberClaims_AboveTotal.selector, 95e6, 90e6));
        claims.claim(german, _personOf("ben"), 35e6, proof);
    }

    function testFuzz_in_a_tree_of_any_size_everyone_claims_exactly_their_leaf(uint8 size, uint8 who) public {
        uint256 count = bound(size, 1, 200);
        uint256 chosen = bound(who, 0, count - 1);
        address ada = _join("ada");
        bytes32[] memory leaves = new bytes32[](count);
        uint256 total;
        for (uint256 i; i < count; ++i) {
            bytes32 person = i == chosen ? _personOf("ada") : bytes32(i + 1);
            leaves[i] = claims.leafOf(german, person, 7 * i + 1);
            total += 7 * i + 1;
        }
        _fund(total);
        _postRoot(berlin, german, MerkleTree.root(leaves), total);
        claims.claim(german, _personOf("ada"), 7 * chosen + 1, MerkleTree.proof(leaves, chosen));
        assertEq(usdc.balanceOf(ada), 7 * chosen + 1);
        assertEq(claims.owed(), total - 7 * chosen - 1);
    }

    // ---------------------------------------------------------------- posting

    function test_a_total_lies_between_the_previous_one_and_what_came_in() public {
        _fund(100);
        _postRoot(berlin, german, "root", 60);
        Proof memory low = _contributionProof(german, "root", 59);
        Proof memory high = _contributionProof(german, "root", 101);
        vm.startPrank(berlin);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.MemberClaims_BadTotal.selector, 59, 60, 100));
        claims.postRoot(german, "root", 59, low);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.MemberClaims_BadTotal.selector, 101, 60, 100));
        claims.postRoot(german, "root", 101, high);
        vm.stopPrank();
        _postRoot(berlin, german, "newer root", 60);
    }

    function test_only_the_datasets_custodian_in_good_standing_posts_what_attestors_confirmed() public {
        _fund(100);
        Proof memory proof = _contributionProof(german, "root", 60);
        vm.prank(boston);
        vm.expectRevert(
            abi.encodeWithSelector(MarketErrors.MemberClaims_NotCustodian.selector, german, boston)
        );
        claims.postRoot(german, "root", 60, proof);
        vm.startPrank(berlin);
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        claims.postRoot(german, "root", 61, proof);
        vm.expectRevert(MarketErrors.MemberClaims_ZeroRoot.selector);
        claims.postRoot(german, 0, 60, proof);
        vm.stopPrank();
        _suspend(berlin);
        vm.prank(berlin);
        vm.expectRevert(
            abi.encodeWithSelector(MarketErrors.MemberClaims_NotInGoodStanding.selector, berlin, "suspended")
        );
        claims.postRoot(german, "root", 60, proof);
    }

    function test_only_the_splitter_funds() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.MemberClaims_NotSplitter.selector, stranger));
        claims.fund(_ids(german), _ids(1));
    }
}
