// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {PartyRoles} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {Kinds} from "../../src/common/Kinds.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {RewardErrors} from "../../src/common/RewardErrors.sol";
import {Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {IDataToken} from "../../src/interfaces/IDataToken.sol";
import {Check, CheckStates, CheckTerms, IValidatorPool} from "../../src/interfaces/IValidatorPool.sol";
import {ValidatorPool} from "../../src/rewards/ValidatorPool.sol";
import {FeeToken, HookedToken} from "../support/HostileTokens.sol";
import {RewardsScene} from "../support/RewardsScene.sol";

contract ValidatorPoolTest is RewardsScene {
    uint256 private constant BOND = 100e18;
    uint256 private constant STAKE = 250e18;
    uint128 private constant PAY = 8e18;

    address private vera = makeAddr("Vera");
    address private carl = makeAddr("Carl");
    uint256 private dataset;

    function setUp() public override {
        super.setUp();
        _register(vera, PartyRoles.VALIDATOR, "FR", 0);
        dataset = _mint(berlin);
        address[4] memory rich = [vera, carl, researcher, berlin];
        for (uint256 i; i < 4; ++i) {
            _giveData(rich[i], 1_000e18);
            vm.prank(rich[i]);
            data.approve(address(checks), type(uint256).max);
        }
        vm.prank(vera);
        checks.stake(STAKE, _noPermit());
    }

    function _checks(address token) private returns (ValidatorPool) {
        return ValidatorPool(
            _proxy(
                _newChecks(IDataToken(token)),
                abi.encodeCall(ValidatorPool.initialize, (address(manager), _checkTerms()))
            )
        );
    }

    function _request() private returns (uint256 id) {
        vm.prank(researcher);
        return checks.request(dataset, PAY, _noPermit());
    }

    function _taken() private returns (uint256 id) {
        id = _request();
        vm.prank(vera);
        checks.take(id);
    }

    function _reported() private returns (uint256 id) {
        id = _taken();
        vm.prank(vera);
        checks.report(id, 9_000, "report");
    }

    function _challenged() private returns (uint256 id) {
        id = _reported();
        vm.prank(carl);
        checks.challenge(id, "evidence", _noPermit());
    }

    function _verdict(uint256 id, bool wrong) private returns (Proof memory) {
        bytes32 report = checks.check(id).report;
        return _proof(Kinds.VERDICT, bytes32(id), keccak256(abi.encode(id, report, wrong)));
    }

    function _assertState(uint256 id, uint8 state) private view {
        assertEq(checks.check(id).state, state);
        assertEq(data.balanceOf(address(checks)), checks.owed());
    }

    function _assertStake(uint256 staked, uint256 locked, uint256 right, uint256 wrong) private view {
        assertEq(checks.stakeOf(vera).staked, staked);
        assertEq(checks.stakeOf(vera).locked, locked);
        assertEq(checks.stakeOf(vera).right, right);
        assertEq(checks.stakeOf(vera).wrong, wrong);
    }

    // ---------------------------------------------------------------- the paths

    function test_a_report_that_nobody_challenges_is_paid() public {
        uint256 id = _reported();
        Check memory c = checks.check(id);
        assertEq(c.quality, 9_000);
        assertEq(c.validator, vera);
        assertEq(c.deadline, START + 3 days);
        _assertStake(STAKE, BOND, 0, 0);
        vm.warp(START + 3 days + 1);
        checks.conclude(id);
        _assertState(id, CheckStates.PAID);
        _assertStake(STAKE, 0, 1, 0);
        assertEq(data.balanceOf(vera), 1_000e18 - STAKE + PAY);
        vm.prank(vera);
        checks.unstake(STAKE);
        assertEq(checks.owed(), 0);
    }

    function test_a_wrong_report_costs_its_validator_the_bond_and_pays_who_found_it() public {
        uint256 id = _challenged();
        uint256 supply = data.totalSupply();
        Proof memory proof = _verdict(id, true);
        vm.prank(stranger);
        checks.rule(id, true, proof);
        _assertState(id, CheckStates.SLASHED);
        _assertStake(STAKE - BOND, 0, 0, 1);
        assertEq(data.balanceOf(carl), 1_030e18);
        assertEq(data.balanceOf(researcher), 1_000e18);
        assertEq(data.totalSupply(), supply - 70e18);
    }

    function test_a_challenge_that_fails_pays_the_validator() public {
        uint256 id = _challenged();
        checks.rule(id, false, _verdict(id, false));
        _assertState(id, CheckStates.PAID);
        _assertStake(STAKE, 0, 1, 0);
        assertEq(data.balanceOf(carl), 960e18);
        assertEq(data.balanceOf(vera), 1_000e18 - STAKE + PAY + 40e18);
    }

    function test_who_takes_a_check_and_does_not_report_loses_the_bond() public {
        uint256 id = _taken();
        uint256 supply = data.totalSupply();
        vm.warp(START + 2 days + 1);
        vm.prank(vera);
        vm.expectRevert(
            abi.encodeWithSelector(RewardErrors.ValidatorPool_DeadlinePassed.selector, id, START + 2 days)
        );
        checks.report(id, 1, "late");
        checks.conclude(id);
        _assertState(id, CheckStates.SLASHED);
        _assertStake(STAKE - BOND, 0, 0, 1);
        assertEq(data.balanceOf(researcher), 1_030e18);
        assertEq(data.totalSupply(), supply - 70e18);
    }

    function test_when_nobody_rules_everyone_gets_back_what_they_put_in() public {
        uint256 id = _challenged();
        _pause(15);
        vm.warp(START + 5 days + 1);
        Proof memory proof = _verdict(id, true);
        vm.expectRevert(
            abi.encodeWithSelector(RewardErrors.ValidatorPool_DeadlinePassed.selector, id, START + 5 days)
        );
        checks.rule(id, true, proof);
        checks.conclude(id);
        _assertState(id, CheckStates.RETURNED);
        _assertStake(STAKE, 0, 0, 0);
        assertEq(data.balanceOf(carl), 1_000e18);
        assertEq(data.balanceOf(researcher), 1_000e18);
    }

    function test_a_request_that_nobody_took_goes_back_to_who_made_it() public {
        uint256 id = _request();
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(RewardErrors.ValidatorPool_NotRequester.selector, id, stranger)
        );
        checks.cancel(id);
        _pause(15);
        vm.prank(researcher);
        checks.cancel(id);
        _assertState(id, CheckStates.RETURNED);
        assertEq(data.balanceOf(researcher), 1_000e18);
    }

    function testFuzz_of_a_lost_bond_every_unit_is_burned_or_paid(
        uint104 bond,
        uint16 finderBps,
        uint104 challengeBond
    ) public {
        CheckTerms memory t = _checkTerms();
        t.bond = uint104(bound(bond, 1, STAKE));
        t.challengeBond = uint104(bound(challengeBond, 1, 1_000e18));
        t.finderBps = uint16(bound(finderBps, 0, 5_000));
        vm.prank(address(timelock));
        checks.setTerms(t);
        uint256 id = _challenged();
        uint256 supply = data.totalSupply();
        checks.rule(id, true, _verdict(id, true));
        uint256 toFinder = uint256(t.bond) * t.finderBps / 10_000;
        assertEq(data.balanceOf(carl), 1_000e18 + toFinder);
        assertEq(supply - data.totalSupply(), t.bond - toFinder);
        assertGe(t.bond - toFinder, toFinder);
        _assertState(id, CheckStates.SLASHED);
    }

    // ---------------------------------------------------------------- who may

    function test_only_a_validator_in_good_standing_without_a_part_in_it_takes_a_check() public {
        uint256 id = _request();
        vm.prank(carl);
        vm.expectRevert(
            abi.encodeWithSelector(
                RewardErrors.ValidatorPool_NotInGoodStanding.selector, carl, "not registered"
            )
        );
        checks.take(id);
        vm.prank(carl);
        vm.expectRevert(
            abi.encodeWithSelector(
                RewardErrors.ValidatorPool_NotInGoodStanding.selector, carl, "not registered"
            )
        );
        checks.stake(1, _noPermit());

        address walter = makeAddr("Walter");
        _register(walter, PartyRoles.VALIDATOR | PartyRoles.CUSTODIAN, "DE", 0);
        uint256 own = _mint(walter);
        vm.prank(researcher);
        uint256 second = checks.request(own, PAY, _noPermit());
        vm.prank(walter);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ValidatorPool_Partial.selector, second, walter));
        checks.take(second);

        vm.startPrank(vera);
        uint256 third = checks.request(dataset, PAY, _noPermit());
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ValidatorPool_Partial.selector, third, vera));
        checks.take(third);
        vm.stopPrank();
    }

    function test_a_check_needs_a_free_bond() public {
        _taken();
        _taken();
        uint256 third = _request();
        vm.startPrank(vera);
        vm.expectRevert(
            abi.encodeWithSelector(RewardErrors.ValidatorPool_AboveFreeStake.selector, BOND, 50e18)
        );
        checks.take(third);
        vm.expectRevert(
            abi.encodeWithSelector(RewardErrors.ValidatorPool_AboveFreeStake.selector, 50e18 + 1, 50e18)
        );
        checks.unstake(50e18 + 1);
        checks.unstake(50e18);
        vm.stopPrank();
    }

    function test_only_its_validator_reports_and_only_others_challenge() public {
        uint256 id = _taken();
        vm.prank(carl);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ValidatorPool_NotValidator.selector, id, carl));
        checks.report(id, 1, "report");
        vm.startPrank(vera);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ValidatorPool_BadReport.selector, "quality"));
        checks.report(id, 10_001, "report");
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ValidatorPool_BadReport.selector, "report"));
        checks.report(id, 10_000, 0);
        checks.report(id, 10_000, "report");
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ValidatorPool_Partial.selector, id, vera));
        checks.challenge(id, "evidence", _noPermit());
        vm.stopPrank();
    }

    function test_a_validator_that_was_suspended_leaves_with_what_is_free() public {
        _suspend(vera);
        _pause(15);
        vm.prank(vera);
        checks.unstake(STAKE);
        assertEq(data.balanceOf(vera), 1_000e18);
    }

    function test_a_verdict_on_something_else_is_refused() public {
        uint256 id = _challenged();
        Proof memory proof = _verdict(id, false);
        bytes32 payload = keccak256(abi.encode(id, bytes32("report"), false));
        vm.expectRevert(
            abi.encodeWithSelector(
                Errors.AttestationOracle_WrongStatement.selector, Kinds.VERDICT, bytes32(id), payload
            )
        );
        checks.rule(id, true, proof);
    }

    // ---------------------------------------------------------------- states and amounts

    function test_each_step_happens_in_its_state_only() public {
        uint256 id = _challenged();
        bytes memory refusal = abi.encodeWithSelector(
            RewardErrors.ValidatorPool_WrongState.selector, id, CheckStates.CHALLENGED
        );
        vm.startPrank(vera);
        vm.expectRevert(refusal);
        checks.take(id);
        vm.expectRevert(refusal);
        checks.report(id, 1, "again");
        vm.expectRevert(refusal);
        checks.challenge(id, "again", _noPermit());
        vm.expectRevert(refusal);
        checks.cancel(id);
        vm.stopPrank();
        vm.expectRevert(
            abi.encodeWithSelector(RewardErrors.ValidatorPool_DeadlineNotPassed.selector, id, START + 5 days)
        );
        checks.conclude(id);

        checks.rule(id, false, _verdict(id, false));
        uint256 waiting = _request();
        uint256[3] memory ended = [id, waiting, 99];
        uint8[3] memory states = [CheckStates.PAID, CheckStates.REQUESTED, CheckStates.NONE];
        for (uint256 i; i < 3; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(RewardErrors.ValidatorPool_WrongState.selector, ended[i], states[i])
            );
            checks.conclude(ended[i]);
        }
        assertEq(checks.checkCount(), 2);
    }

    function test_nothing_is_staked_unstaked_or_paid_for_nothing() public {
        vm.startPrank(vera);
        vm.expectRevert(RewardErrors.ValidatorPool_ZeroAmount.selector);
        checks.stake(0, _noPermit());
        vm.expectRevert(RewardErrors.ValidatorPool_ZeroAmount.selector);
        checks.unstake(0);
        vm.expectRevert(RewardErrors.ValidatorPool_ZeroAmount.selector);
        checks.request(dataset, 0, _noPermit());
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ValidatorPool_UnknownDataset.selector, 99));
        checks.request(99, 1, _noPermit());
        vm.stopPrank();
    }

    function test_a_pause_of_jobs_stops_requesting_and_taking() public {
        uint256 id = _request();
        _pause(8);
        bytes memory refusal =
            abi.encodeWithSelector(Errors.CircuitBreaker_Paused.selector, 8, START + 7 days);
        vm.startPrank(vera);
        vm.expectRevert(refusal);
        checks.request(dataset, PAY, _noPermit());
        vm.expectRevert(refusal);
        checks.take(id);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- governance

    function test_governance_sets_terms_inside_their_bounds() public {
        CheckTerms memory t = _checkTerms();
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        checks.setTerms(t);
        t.bond = 0;
        _refuse(t, "bond");
        t = _checkTerms();
        t.challengeBond = 0;
        _refuse(t, "challengeBond");
        t = _checkTerms();
        t.finderBps = 5_001;
        _refuse(t, "finderBps");
        t = _checkTerms();
        t.reportWindow = 1 hours - 1;
        _refuse(t, "reportWindow");
        t = _checkTerms();
        t.challengeWindow = 30 days + 1;
        _refuse(t, "challengeWindow");
        t = _checkTerms();
        t.rulingWindow = 0;
        _refuse(t, "rulingWindow");
        t = _checkTerms();
        t.bond = 7;
        vm.prank(address(timelock));
        checks.setTerms(t);
        assertEq(checks.terms().bond, 7);
    }

    function _refuse(CheckTerms memory t, string memory part) private {
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ValidatorPool_BadTerms.selector, part));
        checks.setTerms(t);
    }

    // ---------------------------------------------------------------- hostile tokens

    function test_a_token_that_keeps_a_fee_is_refused() public {
        FeeToken token = new FeeToken();
        ValidatorPool other = _checks(address(token));
        token.mint(vera, 1_000);
        vm.startPrank(vera);
        token.approve(address(other), 1_000);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.Payments_ShortPayment.selector, 990, 1_000));
        other.stake(1_000, _noPermit());
        vm.stopPrank();
    }

    function test_a_token_that_calls_back_gets_nowhere() public {
        HookedToken token = new HookedToken();
        ValidatorPool other = _checks(address(token));
        token.mint(researcher, 1_000);
        vm.startPrank(researcher);
        token.approve(address(other), 1_000);
        uint256 id = other.request(dataset, 1_000, _noPermit());
        token.onTransfer(address(other), abi.encodeCall(IValidatorPool.conclude, (id)));
        other.cancel(id);
        vm.stopPrank();
        assertTrue(token.calledBack());
        assertFalse(token.succeeded());
        assertEq(token.balanceOf(researcher), 1_000);
    }
}
