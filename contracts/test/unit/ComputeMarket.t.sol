// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyRoles, Purposes, Scopes} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {Permit} from "../../src/common/Payments.sol";
import {TestUSDC} from "../../src/development/TestUSDC.sol";
import {Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {Job, JobStates, Question, Windows} from "../../src/interfaces/IComputeMarket.sol";
import {IProvenanceLog} from "../../src/interfaces/IProvenanceLog.sol";
import {Rule, RuleRow} from "../../src/interfaces/IJurisdictionRules.sol";
import {FreezableUSDC} from "../support/FreezableUSDC.sol";
import {Scene} from "../support/Scene.sol";

contract ComputeMarketTest is Scene {
    uint256 private german;
    uint256 private american;
    uint256 private passId;

    function setUp() public override {
        super.setUp();
        german = _pooled(berlin);
        american = _pooled(boston);
        passId = _buy(researcher, _ids(german, american), 2);
    }

    function _createUSDC() internal override returns (TestUSDC) {
        return new FreezableUSDC(deployer);
    }

    function _freeze(address account, bool frozen) private {
        FreezableUSDC(address(usdc)).setFrozen(account, frozen);
    }

    function _state(uint256 jobId) private view returns (uint8) {
        return compute.job(jobId).state;
    }

    function _assertRefused(address asker, Question memory question, bytes memory refusal) private {
        _giveUSDC(asker, 100e6);
        vm.startPrank(asker);
        usdc.approve(address(compute), type(uint256).max);
        vm.expectRevert(refusal);
        compute.request(question, _noPermit());
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- the whole way

    function test_a_question_becomes_a_job_per_dataset_and_holds_their_fees() public {
        _giveUSDC(researcher, 2 * JOB_FEE);
        Permit memory permit = _permit("researcher", address(compute), 2 * JOB_FEE);
        vm.prank(researcher);
        uint256 first = compute.request(_question(passId, _ids(german, american)), permit);

        assertEq(first, 1);
        assertEq(compute.jobCount(), 2);
        assertEq(compute.owed(), 2 * JOB_FEE);
        assertEq(usdc.balanceOf(address(compute)), 2 * JOB_FEE);
        Job memory job = compute.job(2);
        assertEq(job.researcher, researcher);
        assertEq(job.state, JobStates.REQUESTED);
        assertEq(job.purpose, Purposes.HMB);
        assertEq(job.epsilonMilli, 1_000);
        assertEq(job.escrow, JOB_FEE);
        assertEq(job.deadline, START + 2 days);
        assertEq(job.questionId, 1);
        assertEq(job.datasetId, american);
        assertEq(pool.depositOf(german).openJobs, 1);
        assertEq(passes.pass(passId).usesLeft, 1);
        assertEq(passes.pass(passId).usesOpen, 1);
    }

    function test_an_answer_is_paid_and_its_access_recorded() public {
        uint256 id = _ask(researcher, passId, _ids(german));
        _accept(berlin, id);
        assertEq(_state(id), JobStates.ACCEPTED);
        _commit(berlin, id);
        assertEq(_state(id), JobStates.COMMITTED);
        assertEq(compute.job(id).spentEpsilonMilli, 900);
        _verify(id);
        assertEq(_state(id), JobStates.VERIFIED);

        uint256 before = usdc.balanceOf(address(splitter));
        uint256 treasuryBefore = splitter.owed(address(treasury));
        vm.expectEmit(address(provenance));
        emit IProvenanceLog.AccessRecorded(german, researcher, passId, id, Purposes.HMB);
        vm.prank(stranger);
        compute.settle(id);

        assertEq(_state(id), JobStates.SETTLED);
        assertEq(compute.owed(), 0);
        assertEq(usdc.balanceOf(address(compute)), 0);
        assertEq(splitter.owed(address(treasury)) - treasuryBefore, JOB_FEE / 10);
        assertTrue(usdc.balanceOf(address(splitter)) > before);
        assertEq(pool.depositOf(german).openJobs, 0);
        assertEq(passes.pass(passId).usesOpen, 0);
        assertEq(passes.pass(passId).usesLeft, 1);
    }

    function test_a_pass_burns_when_its_last_use_is_settled() public {
        for (uint256 i; i < 2; ++i) {
            _answer(berlin, _ask(researcher, passId, _ids(german)));
        }
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.LicencePass_Unknown.selector, passId));
        passes.pass(passId);
        assertEq(passes.balanceOf(researcher), 0);
    }

    function test_a_free_job_goes_the_same_way() public {
        vm.prank(address(timelock));
        compute.setJobFee(0);
        _answer(berlin, _ask(researcher, passId, _ids(german)));
        uint256 id = _ask(researcher, passId, _ids(german));
        vm.prank(berlin);
        compute.decline(id);
        assertEq(_state(id), JobStates.REFUNDED);
    }

    // ---------------------------------------------------------------- asking

    function test_a_question_needs_a_pass_that_is_the_askers_and_in_force() public {
        address other = makeAddr("other");
        _register(other, PartyRoles.RESEARCHER, "DE", 0);
        _assertRefused(
            other,
            _question(passId, _ids(german)),
            abi.encodeWithSelector(MarketErrors.LicencePass_NotHolder.selector, passId, other)
        );
        _assertRefused(
            researcher,
            _question(99, _ids(german)),
            abi.encodeWithSelector(MarketErrors.LicencePass_Unknown.selector, 99)
        );
        uint256 third = _pooled(berlin);
        _assertRefused(
            researcher,
            _question(passId, _ids(third)),
            abi.encodeWithSelector(MarketErrors.ComputeMarket_NotCovered.selector, passId, third)
        );
        _ask(researcher, passId, _ids(german));
        _ask(researcher, passId, _ids(german));
        _assertRefused(
            researcher,
            _question(passId, _ids(german)),
            abi.encodeWithSelector(MarketErrors.ComputeMarket_NotCovered.selector, passId, german)
        );
        vm.warp(START + TERM);
        passId = _buy(researcher, _ids(german), 1);
        vm.warp(START + 2 * TERM);
        _assertRefused(
            researcher,
            _question(passId, _ids(german)),
            abi.encodeWithSelector(MarketErrors.ComputeMarket_NotCovered.selector, passId, german)
        );
    }

    function test_a_question_above_the_laws_epsilon_is_refused_with_its_name() public {
        Question memory question = _question(passId, _ids(german));
        question.epsilonMilli = 2_001;
        _assertRefused(researcher, question, abi.encodeWithSelector(Errors.Blocked.selector, "GDPR Art. 46"));
    }

    function test_a_researcher_suspended_since_the_purchase_cannot_ask() public {
        _suspend(researcher);
        _assertRefused(
            researcher,
            _question(passId, _ids(german)),
            abi.encodeWithSelector(Errors.Blocked.selector, "suspended")
        );
    }

    function test_no_question_goes_to_a_dataset_that_leaves() public {
        _announce(berlin, german);
        _assertRefused(
            researcher,
            _question(passId, _ids(german)),
            abi.encodeWithSelector(MarketErrors.ComputeMarket_NotLive.selector, german)
        );
    }

    function test_malformed_questions_are_refused() public {
        Question memory question = _question(passId, new uint256[](0));
        _assertRefused(
            researcher,
            question,
            abi.encodeWithSelector(MarketErrors.ComputeMarket_BadDatasetCount.selector, 0, 16)
        );
        _assertRefused(
            researcher,
            _question(passId, new uint256[](17)),
            abi.encodeWithSelector(MarketErrors.ComputeMarket_BadDatasetCount.selector, 17, 16)
        );
        _assertRefused(
            researcher,
            _question(passId, _ids(german, german)),
            abi.encodeWithSelector(MarketErrors.ComputeMarket_BadDatasetOrder.selector, german)
        );
        question = _question(passId, _ids(german));
        question.questionHash = 0;
        _assertRefused(
            researcher,
            question,
            abi.encodeWithSelector(MarketErrors.ComputeMarket_BadQuestion.selector, "questionHash")
        );
        question = _question(passId, _ids(german));
        question.epsilonMilli = 0;
        _assertRefused(
            researcher,
            question,
            abi.encodeWithSelector(MarketErrors.ComputeMarket_BadQuestion.selector, "epsilonMilli")
        );
        question = _question(passId, _ids(german));
        question.maxFee = JOB_FEE - 1;
        _assertRefused(
            researcher,
            question,
            abi.encodeWithSelector(MarketErrors.ComputeMarket_FeeAboveMaximum.selector, JOB_FEE, JOB_FEE - 1)
        );
    }

    // ---------------------------------------------------------------- answering

    function test_only_the_datasets_custodian_acts_on_a_job() public {
        uint256 id = _ask(researcher, passId, _ids(german));
        bytes memory refusal =
            abi.encodeWithSelector(MarketErrors.ComputeMarket_NotCustodian.selector, id, boston);
        vm.startPrank(boston);
        vm.expectRevert(refusal);
        compute.accept(id);
        vm.expectRevert(refusal);
        compute.decline(id);
        vm.stopPrank();
        _accept(berlin, id);
        vm.prank(boston);
        vm.expectRevert(refusal);
        compute.commit(id, "result", 900, 0);
    }

    function test_a_suspended_custodian_cannot_accept_or_commit_but_can_decline() public {
        uint256 first = _ask(researcher, passId, _ids(german));
        uint256 second = _ask(researcher, passId, _ids(german));
        _accept(berlin, first);
        _suspend(berlin);
        bytes memory refusal = abi.encodeWithSelector(
            MarketErrors.ComputeMarket_NotInGoodStanding.selector, berlin, "suspended"
        );
        vm.startPrank(berlin);
        vm.expectRevert(refusal);
        compute.commit(first, "result", 900, 0);
        vm.expectRevert(refusal);
        compute.accept(second);
        compute.decline(second);
        vm.stopPrank();
    }

    function test_compliance_is_asked_again_when_the_custodian_accepts() public {
        uint256 id = _ask(researcher, passId, _ids(german));
        RuleRow[] memory rows = new RuleRow[](1);
        rows[0] = RuleRow(0, "EU", "US", 0, Rule(3, 0, 0, 0, false, 1));
        vm.prank(address(timelock));
        rules.setRules(rows);
        vm.prank(berlin);
        vm.expectRevert(abi.encodeWithSelector(Errors.Blocked.selector, "GDPR Art. 44"));
        compute.accept(id);
    }

    function test_a_lower_bound_on_epsilon_since_the_request_stops_the_acceptance() public {
        uint256 id = _ask(researcher, passId, _ids(german));
        RuleRow[] memory rows = new RuleRow[](1);
        rows[0] = RuleRow(0, "EU", "US", 0, Rule(2, 1, 5, 999, false, 2));
        vm.prank(address(timelock));
        rules.setRules(rows);
        vm.prank(berlin);
        vm.expectRevert(abi.encodeWithSelector(Errors.Blocked.selector, "GDPR Art. 46"));
        compute.accept(id);
    }

    function test_an_answer_under_an_old_consent_counter_cannot_be_committed() public {
        uint256 id = _ask(researcher, passId, _ids(german));
        _accept(berlin, id);
        uint64 counter = consents.revocationCounter(berlin);
        vm.startPrank(berlin);
        consents.postConsentRoot(german, "newer root");
        vm.expectRevert(
            abi.encodeWithSelector(
                MarketErrors.ComputeMarket_OldConsentCounter.selector, counter, counter + 1
            )
        );
        compute.commit(id, "result", 900, counter);
        // Nor can a counter be guessed ahead.
        vm.expectRevert(
            abi.encodeWithSelector(
                MarketErrors.ComputeMarket_OldConsentCounter.selector, counter + 2, counter + 1
            )
        );
        compute.commit(id, "result", 900, counter + 2);
        compute.commit(id, "computed again", 900, counter + 1);
        vm.stopPrank();
        assertEq(compute.job(id).consentCounter, counter + 1);
    }

    function test_an_answer_costs_no_more_privacy_than_was_asked_for() public {
        uint256 id = _ask(researcher, passId, _ids(german));
        _accept(berlin, id);
        vm.startPrank(berlin);
        vm.expectRevert(
            abi.encodeWithSelector(MarketErrors.ComputeMarket_EpsilonAboveAsked.selector, 1_001, 1_000)
        );
        compute.commit(id, "result", 1_001, 0);
        vm.expectRevert(MarketErrors.ComputeMarket_ZeroResult.selector);
        compute.commit(id, 0, 1_000, 0);
        compute.commit(id, "a repeated answer costs nothing", 0, 0);
        vm.stopPrank();
    }

    function test_verification_needs_the_attestors_word_on_this_very_result() public {
        uint256 first = _ask(researcher, passId, _ids(german));
        uint256 second = _ask(researcher, passId, _ids(german));
        _accept(berlin, first);
        _accept(berlin, second);
        _commit(berlin, first);
        _commit(berlin, second);
        Proof memory other = _deliveryProof(second);
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        compute.verify(first, other);
        Proof memory proof = _deliveryProof(first);
        proof.signatures[1] = proof.signatures[0];
        vm.expectPartialRevert(Errors.AttestationOracle_BadSignature.selector);
        compute.verify(first, proof);
        vm.prank(stranger);
        compute.verify(second, other);
        assertEq(_state(first), JobStates.COMMITTED);
        assertEq(_state(second), JobStates.VERIFIED);
    }

    function test_every_step_needs_the_state_before_it() public {
        uint256 id = _ask(researcher, passId, _ids(german));
        Proof memory proof = _deliveryProof(id);
        bytes memory requested =
            abi.encodeWithSelector(MarketErrors.ComputeMarket_WrongState.selector, id, JobStates.REQUESTED);
        vm.expectRevert(requested);
        compute.verify(id, proof);
        vm.expectRevert(requested);
        compute.settle(id);
        vm.prank(berlin);
        vm.expectRevert(requested);
        compute.commit(id, "result", 1, 0);
        _answer(berlin, id);
        bytes memory settled =
            abi.encodeWithSelector(MarketErrors.ComputeMarket_WrongState.selector, id, JobStates.SETTLED);
        vm.expectRevert(settled);
        compute.settle(id);
        vm.expectRevert(settled);
        compute.expire(id);
        vm.startPrank(berlin);
        vm.expectRevert(settled);
        compute.accept(id);
        vm.expectRevert(settled);
        compute.decline(id);
        vm.stopPrank();
        vm.expectRevert(
            abi.encodeWithSelector(MarketErrors.ComputeMarket_WrongState.selector, 99, JobStates.NONE)
        );
        compute.expire(99);
    }

    // ---------------------------------------------------------------- ends without an answer

    function test_a_declined_job_is_refunded_at_once_and_its_use_given_back() public {
        uint256 id = _ask(researcher, passId, _ids(german));
        _accept(berlin, id);
        vm.prank(berlin);
        compute.decline(id);
        assertEq(_state(id), JobStates.REFUNDED);
        assertEq(usdc.balanceOf(researcher), JOB_FEE);
        assertEq(compute.owed(), 0);
        assertEq(passes.pass(passId).usesLeft, 2);
        assertEq(pool.depositOf(german).openJobs, 0);
    }

    function test_a_committed_job_cannot_be_declined() public {
        uint256 id = _ask(researcher, passId, _ids(german));
        _accept(berlin, id);
        _commit(berlin, id);
        vm.prank(berlin);
        vm.expectRevert(
            abi.encodeWithSelector(MarketErrors.ComputeMarket_WrongState.selector, id, JobStates.COMMITTED)
        );
        compute.decline(id);
    }

    function test_every_open_state_can_be_expired_by_anyone_after_its_deadline_and_not_before() public {
        for (uint8 state = JobStates.REQUESTED; state <= JobStates.VERIFIED; ++state) {
            uint256 id = _ask(researcher, passId, _ids(german));
            if (state >= JobStates.ACCEPTED) _accept(berlin, id);
            if (state >= JobStates.COMMITTED) _commit(berlin, id);
            if (state >= JobStates.VERIFIED) _verify(id);
            uint64 deadline = compute.job(id).deadline;
            uint256 before = usdc.balanceOf(researcher);

            vm.warp(deadline);
            vm.expectRevert(
                abi.encodeWithSelector(MarketErrors.ComputeMarket_DeadlineNotPassed.selector, id, deadline)
            );
            compute.expire(id);
            vm.warp(deadline + 1);
            vm.prank(stranger);
            compute.expire(id);
            assertEq(_state(id), JobStates.EXPIRED);
            assertEq(usdc.balanceOf(researcher) - before, JOB_FEE);
            assertEq(passes.pass(passId).usesLeft, 2);
        }
        assertEq(pool.depositOf(german).openJobs, 0);
    }

    function test_nothing_moves_forward_after_its_deadline_but_a_verified_job_can_still_be_paid() public {
        uint256 id = _ask(researcher, passId, _ids(german));
        vm.warp(START + 2 days + 1);
        bytes memory late =
            abi.encodeWithSelector(MarketErrors.ComputeMarket_DeadlinePassed.selector, id, START + 2 days);
        vm.prank(berlin);
        vm.expectRevert(late);
        compute.accept(id);

        vm.warp(START);
        _accept(berlin, id);
        _commit(berlin, id);
        _verify(id);
        vm.warp(START + 30 days);
        compute.settle(id);
        assertEq(_state(id), JobStates.SETTLED);
    }

    function test_a_use_is_spent_when_one_of_the_questions_jobs_was_answered() public {
        uint256 first = _ask(researcher, passId, _ids(german, american));
        vm.prank(boston);
        compute.decline(first + 1);
        _answer(berlin, first);
        assertEq(passes.pass(passId).usesLeft, 1);
        assertEq(passes.pass(passId).usesOpen, 0);

        uint256 second = _ask(researcher, passId, _ids(german, american));
        _answer(berlin, second);
        assertEq(passes.pass(passId).usesOpen, 1);
        vm.prank(boston);
        compute.decline(second + 1);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.LicencePass_Unknown.selector, passId));
        passes.pass(passId);
    }

    function test_a_refund_that_cannot_be_sent_waits_and_keeps_nobody() public {
        uint256 id = _ask(researcher, passId, _ids(german));
        _announce(berlin, german);
        _freeze(researcher, true);
        vm.warp(START + 2 days + 1);
        compute.expire(id);
        assertEq(compute.refundable(researcher), JOB_FEE);
        assertEq(compute.owed(), JOB_FEE);
        _withdraw(berlin, german);

        vm.expectRevert(abi.encodeWithSelector(FreezableUSDC.Frozen.selector, researcher));
        compute.withdrawRefund(researcher);
        _freeze(researcher, false);
        vm.prank(stranger);
        compute.withdrawRefund(researcher);
        assertEq(usdc.balanceOf(researcher), JOB_FEE);
        assertEq(compute.owed(), 0);
        vm.expectRevert(
            abi.encodeWithSelector(MarketErrors.ComputeMarket_NothingToRefund.selector, researcher)
        );
        compute.withdrawRefund(researcher);
    }

    function test_refunds_that_wait_add_up() public {
        _ask(researcher, passId, _ids(german, american));
        _freeze(researcher, true);
        vm.warp(START + 2 days + 1);
        compute.expire(1);
        compute.expire(2);
        _freeze(researcher, false);
        assertEq(compute.withdrawRefund(researcher), 2 * JOB_FEE);
    }

    function test_a_verified_job_that_cannot_be_paid_is_refunded_in_the_end() public {
        uint256 id = _ask(researcher, passId, _ids(german));
        _accept(berlin, id);
        _commit(berlin, id);
        _verify(id);
        _freeze(address(claims), true);
        vm.expectRevert(abi.encodeWithSelector(FreezableUSDC.Frozen.selector, address(claims)));
        compute.settle(id);
        vm.warp(START + 7 days + 1);
        compute.expire(id);
        assertEq(usdc.balanceOf(researcher), JOB_FEE);
    }

    function test_a_provider_withdraws_once_the_last_job_ended() public {
        uint256 id = _ask(researcher, passId, _ids(german));
        _announce(berlin, german);
        vm.prank(berlin);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_JobsOpen.selector, german, 1));
        pool.withdraw(german);
        _answer(berlin, id);
        _withdraw(berlin, german);
    }

    // ---------------------------------------------------------------- pause and parameters

    function test_a_pause_stops_asking_and_accepting_and_nothing_else() public {
        uint256 first = _ask(researcher, passId, _ids(german, american));
        _accept(berlin, first);
        _pause(Scopes.ALL);
        bytes memory paused =
            abi.encodeWithSelector(Errors.CircuitBreaker_Paused.selector, Scopes.JOBS, START + 7 days);
        _assertRefused(researcher, _question(passId, _ids(german)), paused);
        vm.prank(boston);
        vm.expectRevert(paused);
        compute.accept(first + 1);

        _commit(berlin, first);
        _verify(first);
        compute.settle(first);
        vm.prank(boston);
        compute.decline(first + 1);
    }

    function test_windows_out_of_range_are_refused() public {
        Windows[4] memory bad = [
            Windows(1 hours - 1, 1 days, 1 days, 1 days),
            Windows(1 days, 30 days + 1, 1 days, 1 days),
            Windows(1 days, 1 days, 0, 1 days),
            Windows(1 days, 1 days, 1 days, type(uint64).max)
        ];
        vm.startPrank(address(timelock));
        for (uint256 i; i < bad.length; ++i) {
            vm.expectPartialRevert(MarketErrors.ComputeMarket_BadWindow.selector);
            compute.setWindows(bad[i]);
        }
        vm.stopPrank();
    }

    function test_a_new_fee_or_window_leaves_jobs_under_way_as_they_are() public {
        uint256 id = _ask(researcher, passId, _ids(german));
        vm.startPrank(address(timelock));
        compute.setJobFee(9e6);
        compute.setWindows(Windows(1 hours, 1 hours, 1 hours, 1 hours));
        vm.stopPrank();
        assertEq(compute.job(id).escrow, JOB_FEE);
        assertEq(compute.job(id).deadline, START + 2 days);
    }
}
