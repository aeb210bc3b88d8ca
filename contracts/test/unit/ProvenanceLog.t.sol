// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Errors} from "../../src/common/Errors.sol";
import {Cooperative} from "./Cooperative.sol";

contract ProvenanceLogTest is Cooperative {
    function test_a_custodian_anchors_and_anyone_reads_it_back() public {
        vm.startPrank(custodian);
        provenance.anchor(3, "third");
        provenance.anchor(9, "ninth");
        vm.stopPrank();
        (uint64 sequence, bytes32 head) = provenance.head(custodian);
        assertEq(sequence, 9);
        assertEq(head, bytes32("ninth"));
        assertEq(provenance.anchorAt(custodian, 3), bytes32("third"));
        assertEq(provenance.anchorAt(custodian, 4), bytes32(0));
    }

    function test_fuzz_history_is_never_anchored_twice(uint64 first, uint64 second) public {
        first = uint64(bound(first, 1, type(uint64).max));
        second = uint64(bound(second, 0, first));
        vm.startPrank(custodian);
        provenance.anchor(first, "head");
        vm.expectRevert(abi.encodeWithSelector(Errors.ProvenanceLog_SequenceNotAbove.selector, second, first));
        provenance.anchor(second, "another");
        vm.stopPrank();
    }

    function test_only_custodians_in_good_standing_anchor() public {
        vm.prank(researcher);
        vm.expectRevert(
            abi.encodeWithSelector(
                Errors.ProvenanceLog_NotInGoodStanding.selector, researcher, "role not held"
            )
        );
        provenance.anchor(1, "head");
        vm.prank(custodian);
        vm.expectRevert(Errors.ProvenanceLog_ZeroHead.selector);
        provenance.anchor(1, 0);
    }

    function test_only_the_compute_market_records_accesses() public {
        vm.prank(computeMarket);
        provenance.recordAccess(1, researcher, 2, 3, 1);
        vm.prank(custodian);
        vm.expectRevert(abi.encodeWithSelector(Errors.ProvenanceLog_NotComputeMarket.selector, custodian));
        provenance.recordAccess(1, researcher, 2, 3, 1);
    }
}
