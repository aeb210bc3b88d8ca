// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Scopes} from "../../src/common/Codes.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {ComputeMarket} from "../../src/compute/ComputeMarket.sol";
import {JobDisputes} from "../../src/compute/JobDisputes.sol";
import {JobStates} from "../../src/interfaces/IComputeMarket.sol";
import {Trading} from "../support/Trading.sol";

contract JobDisputesTest is Trading {
    uint256 private german;
    uint256 private jobId;

    function setUp() public override {
        super.setUp();
        german = _pooled(berlin);
        uint256 passId = _buy(researcher, _ids(german), 1);
        jobId = _ask(researcher, passId, _ids(german));
        _deal(researcher, 10 ether);
    }

    function _committed() private {
        _accept(berlin, jobId);
        _commit(berlin, jobId);
    }

    function _dispute() private {
        vm.prank(researcher);
        jobDisputes.dispute{value: ARBITRATION_COST}(jobId, "ipfs://nothing arrived");
    }

    function _rule(uint256 ruling) private {
        vm.prank(judge);
        arbitrator.giveRuling(0, ruling);
    }

    function _assertWrongState(address who, bytes memory data_, uint8 state) private {
        bytes memory refusal =
            abi.encodeWithSelector(MarketErrors.ComputeMarket_WrongState.selector, jobId, state);
        _assertReverts(who, address(compute), data_, refusal);
    }

    function test_an_upheld_dispute_refunds_and_gives_the_use_back() public {
        _committed();
        _pause(Scopes.ALL);
        _dispute();
        assertEq(compute.job(jobId).state, JobStates.DISPUTED);
        assertEq(compute.job(jobId).deadline, START + 200 days);
        _rule(1);
        assertEq(compute.job(jobId).state, JobStates.REFUNDED);
        assertEq(usdc.balanceOf(researcher), JOB_FEE);
        assertEq(compute.owed(), 0);
        assertEq(pool.depositOf(german).openJobs, 0);
        assertEq(passes.pass(1).usesLeft, 1);
    }

    function test_a_rejected_dispute_lets_the_job_go_on_where_it_stood_and_once_only() public {
        _committed();
        vm.warp(START + 1 days);
        _dispute();
        vm.warp(START + 10 days);
        _rule(2);
        assertEq(compute.job(jobId).state, JobStates.COMMITTED);
        assertEq(compute.job(jobId).deadline, START + 12 days);
        vm.prank(researcher);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.ComputeMarket_DisputedBefore.selector, jobId));
        jobDisputes.dispute{value: ARBITRATION_COST}(jobId, "again");
        _verify(jobId);
        compute.settle(jobId);
        assertEq(compute.job(jobId).state, JobStates.SETTLED);
    }

    function test_a_dispute_that_nobody_rules_leaves_a_verified_job_verified() public {
        _committed();
        _verify(jobId);
        _dispute();
        vm.warp(START + RULING_WINDOW + 1);
        jobDisputes.endUnruled(jobId);
        assertEq(compute.job(jobId).state, JobStates.VERIFIED);
        assertEq(compute.job(jobId).deadline, START + RULING_WINDOW + 1 + 7 days);
        compute.settle(jobId);
    }

    function test_a_disputed_job_neither_moves_nor_is_paid_meanwhile() public {
        _committed();
        _dispute();
        _assertWrongState(stranger, abi.encodeCall(ComputeMarket.settle, (jobId)), JobStates.DISPUTED);
        _assertWrongState(berlin, abi.encodeCall(ComputeMarket.decline, (jobId)), JobStates.DISPUTED);
        _assertReverts(
            stranger,
            address(compute),
            abi.encodeCall(ComputeMarket.expire, (jobId)),
            abi.encodeWithSelector(
                MarketErrors.ComputeMarket_DeadlineNotPassed.selector, jobId, START + 200 days
            )
        );
        // Should the contract for disputes ever fail, the job still ends.
        vm.warp(START + 200 days + 1);
        compute.expire(jobId);
        assertEq(usdc.balanceOf(researcher), JOB_FEE);
        _assertReverts(
            judge,
            address(arbitrator),
            abi.encodeCall(arbitrator.giveRuling, (0, 1)),
            abi.encodeWithSelector(MarketErrors.ComputeMarket_WrongState.selector, jobId, JobStates.EXPIRED)
        );
    }

    function test_only_the_researcher_disputes_and_only_a_committed_answer_in_time() public {
        bytes memory data_ = abi.encodeCall(JobDisputes.dispute, (jobId, "x"));
        _assertReverts(
            berlin,
            address(jobDisputes),
            data_,
            abi.encodeWithSelector(MarketErrors.JobDisputes_NotResearcher.selector, jobId, berlin)
        );
        bytes memory refusal = abi.encodeWithSelector(
            MarketErrors.ComputeMarket_WrongState.selector, jobId, JobStates.REQUESTED
        );
        _assertReverts(researcher, address(jobDisputes), data_, refusal);
        _committed();
        vm.warp(START + 2 days + 1);
        refusal =
            abi.encodeWithSelector(MarketErrors.ComputeMarket_DeadlinePassed.selector, jobId, START + 2 days);
        _assertReverts(researcher, address(jobDisputes), data_, refusal);
        _assertGoverned(address(compute), abi.encodeCall(ComputeMarket.suspend, (jobId)));
        _assertGoverned(address(compute), abi.encodeCall(ComputeMarket.resolve, (jobId, true)));
    }

    function test_researcher_and_custodian_give_evidence() public {
        _committed();
        _dispute();
        vm.prank(researcher);
        jobDisputes.submitEvidence(jobId, "a");
        vm.prank(berlin);
        jobDisputes.submitEvidence(jobId, "b");
        _assertReverts(
            boston,
            address(jobDisputes),
            abi.encodeCall(jobDisputes.submitEvidence, (jobId, "c")),
            abi.encodeWithSelector(MarketErrors.Arbitrated_NotSide.selector, jobId, boston)
        );
    }
}
