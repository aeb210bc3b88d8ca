// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyRoles, Scopes} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {TestUSDC} from "../../src/development/TestUSDC.sol";
import {Arbitration, ArbitrationTerms} from "../../src/interfaces/IArbitrated.sol";
import {IArbitrator} from "../../src/interfaces/IArbitrator.sol";
import {Deal, DealStates} from "../../src/interfaces/IEscrow.sol";
import {Escrow} from "../../src/market/Escrow.sol";
import {FreezableUSDC} from "../support/FreezableUSDC.sol";
import {FeeOnTransferToken, HookToken, Reentrant, SilentToken} from "../support/HostileTokens.sol";
import {Trading} from "../support/Trading.sol";

/// @notice Rules inside `createDispute`, or gives every dispute the same number.
contract OddArbitrator {
    bool public rulesAtOnce;

    constructor(bool rulesAtOnce_) {
        rulesAtOnce = rulesAtOnce_;
    }

    function arbitrationCost(bytes calldata) external pure returns (uint256) {
        return 0;
    }

    function createDispute(uint256, bytes calldata) external payable returns (uint256) {
        if (rulesAtOnce) Escrow(msg.sender).rule(7, 1);
        return 7;
    }

    function rule(Escrow escrow, uint256 ruling) external {
        escrow.rule(7, ruling);
    }
}

contract EscrowTest is Trading {
    uint96 private constant AMOUNT = 1_000e6 + 1;
    uint24 private constant INSPECTION = 3 days;
    uint64 private constant DELIVER_BY = START + 10 days;

    function _createUSDC() internal override returns (TestUSDC) {
        return new FreezableUSDC(deployer);
    }

    function setUp() public override {
        super.setUp();
        _fund(researcher, address(escrow), 1_000_000e6);
        _deal(researcher, 10 ether);
    }

    function _openCall(address payee, uint96 amount, uint64 deliverBy, uint24 inspection)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(Escrow.open, (payee, amount, "terms", deliverBy, inspection, _noPermit()));
    }

    function _opened() private returns (uint256 id) {
        vm.prank(researcher);
        id = escrow.open(berlin, AMOUNT, "terms", DELIVER_BY, INSPECTION, _noPermit());
    }

    function _delivered() private returns (uint256 id) {
        id = _opened();
        vm.prank(berlin);
        escrow.deliver(id, "goods");
    }

    function _disputed() private returns (uint256 id) {
        id = _delivered();
        vm.prank(researcher);
        escrow.dispute{value: ARBITRATION_COST}(id, "ipfs://broken");
    }

    function _rule(uint256 ruling) private {
        vm.prank(judge);
        arbitrator.giveRuling(0, ruling);
    }

    function _assertEnded(uint256 id, uint8 state, uint256 toPayer, uint256 toPayee) private view {
        assertEq(escrow.deal(id).state, state);
        assertEq(escrow.deal(id).deadline, 0);
        assertEq(usdc.balanceOf(researcher), 1_000_000e6 - AMOUNT + toPayer);
        assertEq(usdc.balanceOf(berlin), toPayee);
        assertEq(escrow.owed(), 0);
        _assertHolds(address(escrow), 0);
    }

    function _assertWrongState(address who, bytes memory data_, uint256 id, uint8 state) private {
        bytes memory refusal = abi.encodeWithSelector(MarketErrors.Escrow_WrongState.selector, id, state);
        _assertReverts(who, address(escrow), data_, refusal);
    }

    // ---------------------------------------------------------------- the plain way

    function test_a_deal_goes_from_payment_over_delivery_to_release() public {
        uint256 id = _delivered();
        Deal memory d = escrow.deal(id);
        assertEq(escrow.dealCount(), id);
        assertEq(d.payer, researcher);
        assertEq(d.payee, berlin);
        assertEq(d.amount, AMOUNT);
        assertEq(d.termsHash, bytes32("terms"));
        assertEq(d.deliveryHash, bytes32("goods"));
        assertEq(d.deadline, START + INSPECTION);
        assertEq(escrow.owed(), AMOUNT);
        _assertHolds(address(escrow), AMOUNT);
        vm.prank(researcher);
        escrow.release(id);
        _assertEnded(id, DealStates.RELEASED, 0, AMOUNT);
    }

    function test_the_payer_may_release_before_delivery_and_the_payee_may_refund_at_any_time() public {
        uint256 id = _opened();
        vm.prank(researcher);
        escrow.release(id);
        _assertEnded(id, DealStates.RELEASED, 0, AMOUNT);

        id = _delivered();
        vm.prank(berlin);
        escrow.refund(id);
        assertEq(escrow.deal(id).state, DealStates.REFUNDED);
        assertEq(usdc.balanceOf(researcher), 1_000_000e6 - AMOUNT);
    }

    function test_one_signature_opens_a_deal() public {
        _giveUSDC(boston, AMOUNT);
        bytes memory data_ = abi.encodeCall(
            Escrow.open,
            (berlin, AMOUNT, "terms", DELIVER_BY, INSPECTION, _permit("boston", address(escrow), AMOUNT))
        );
        vm.prank(boston);
        (bool ok,) = address(escrow).call(data_);
        assertTrue(ok);
        assertEq(escrow.deal(1).payer, boston);
    }

    // ---------------------------------------------------------------- deadlines

    function test_what_is_not_delivered_in_time_goes_back_to_the_payer() public {
        uint256 id = _opened();
        vm.warp(DELIVER_BY);
        bytes memory early =
            abi.encodeWithSelector(MarketErrors.Escrow_DeadlineNotPassed.selector, id, DELIVER_BY);
        _assertReverts(stranger, address(escrow), abi.encodeCall(Escrow.expire, (id)), early);
        vm.warp(DELIVER_BY + 1);
        bytes memory late =
            abi.encodeWithSelector(MarketErrors.Escrow_DeadlinePassed.selector, id, DELIVER_BY);
        _assertReverts(berlin, address(escrow), abi.encodeCall(Escrow.deliver, (id, "late")), late);
        vm.prank(stranger);
        escrow.expire(id);
        _assertEnded(id, DealStates.REFUNDED, AMOUNT, 0);
    }

    function test_what_is_not_disputed_in_time_goes_to_the_payee() public {
        uint256 id = _delivered();
        uint64 deadline = START + INSPECTION;
        vm.warp(deadline + 1);
        bytes memory late = abi.encodeWithSelector(MarketErrors.Escrow_DeadlinePassed.selector, id, deadline);
        _assertReverts(researcher, address(escrow), abi.encodeCall(Escrow.dispute, (id, "late")), late);
        escrow.expire(id);
        _assertEnded(id, DealStates.RELEASED, 0, AMOUNT);
    }

    // ---------------------------------------------------------------- disputes

    function test_a_ruling_for_the_payer_refunds() public {
        uint256 id = _disputed();
        Arbitration memory a = escrow.arbitrationOf(id);
        assertEq(address(a.arbitrator), address(arbitrator));
        assertEq(a.deadline, START + RULING_WINDOW);
        _rule(1);
        _assertEnded(id, DealStates.REFUNDED, AMOUNT, 0);
        assertEq(escrow.arbitrationOf(id).deadline, 0);
        assertEq(judge.balance, ARBITRATION_COST);
        assertEq(uint256(arbitrator.disputeStatus(0)), uint256(IArbitrator.DisputeStatus.Solved));
        assertEq(arbitrator.currentRuling(0), 1);
    }

    function test_a_ruling_for_the_payee_releases() public {
        uint256 id = _disputed();
        assertEq(uint256(arbitrator.disputeStatus(0)), uint256(IArbitrator.DisputeStatus.Waiting));
        _rule(2);
        _assertEnded(id, DealStates.RELEASED, 0, AMOUNT);
    }

    function test_a_refused_ruling_divides_and_the_odd_unit_goes_to_the_payer() public {
        uint256 id = _disputed();
        _rule(0);
        _assertEnded(id, DealStates.DIVIDED, 500e6 + 1, 500e6);
    }

    function test_a_dispute_that_nobody_rules_ends_as_if_refused() public {
        uint256 id = _disputed();
        uint64 deadline = START + RULING_WINDOW;
        vm.warp(deadline);
        bytes memory early =
            abi.encodeWithSelector(MarketErrors.Arbitrated_DeadlineNotPassed.selector, id, deadline);
        _assertReverts(stranger, address(escrow), abi.encodeCall(escrow.endUnruled, (id)), early);
        vm.warp(deadline + 1);
        vm.prank(stranger);
        escrow.endUnruled(id);
        _assertEnded(id, DealStates.DIVIDED, 500e6 + 1, 500e6);
        // The ruling that comes after all changes nothing.
        bytes memory refusal =
            abi.encodeWithSelector(MarketErrors.Arbitrated_NoSuchDispute.selector, address(arbitrator), 0);
        _assertReverts(judge, address(arbitrator), abi.encodeCall(arbitrator.giveRuling, (0, 1)), refusal);
    }

    function test_a_disputed_deal_moves_only_by_a_ruling() public {
        uint256 id = _disputed();
        _assertWrongState(researcher, abi.encodeCall(Escrow.release, (id)), id, DealStates.DISPUTED);
        _assertWrongState(berlin, abi.encodeCall(Escrow.refund, (id)), id, DealStates.DISPUTED);
        _assertWrongState(stranger, abi.encodeCall(Escrow.expire, (id)), id, DealStates.DISPUTED);
        _assertWrongState(berlin, abi.encodeCall(Escrow.deliver, (id, "x")), id, DealStates.DISPUTED);
        _assertWrongState(researcher, abi.encodeCall(Escrow.dispute, (id, "x")), id, DealStates.DISPUTED);
        _rule(1);
        _assertWrongState(researcher, abi.encodeCall(Escrow.release, (id)), id, DealStates.REFUNDED);
        _assertWrongState(researcher, abi.encodeCall(Escrow.release, (99)), 99, DealStates.NONE);
    }

    function test_only_the_sides_of_an_open_dispute_give_evidence() public {
        uint256 id = _disputed();
        vm.prank(berlin);
        escrow.submitEvidence(id, "ipfs://sound");
        vm.prank(researcher);
        escrow.submitEvidence(id, "ipfs://unsound");
        bytes memory data_ = abi.encodeCall(escrow.submitEvidence, (id, "ipfs://gossip"));
        _assertReverts(
            stranger,
            address(escrow),
            data_,
            abi.encodeWithSelector(MarketErrors.Arbitrated_NotSide.selector, id, stranger)
        );
        _rule(2);
        _assertReverts(
            berlin,
            address(escrow),
            data_,
            abi.encodeWithSelector(MarketErrors.Arbitrated_NotDisputed.selector, id)
        );
    }

    function test_a_dispute_costs_exactly_what_the_arbitrator_asks() public {
        uint256 id = _delivered();
        assertEq(escrow.arbitrationCost(), ARBITRATION_COST);
        for (uint256 sent; sent <= 2; sent += 2) {
            vm.prank(researcher);
            vm.expectRevert(
                abi.encodeWithSelector(
                    MarketErrors.Arbitrated_WrongFee.selector, sent * ARBITRATION_COST, ARBITRATION_COST
                )
            );
            escrow.dispute{value: sent * ARBITRATION_COST}(id, "x");
        }
    }

    function test_only_the_arbitrator_of_the_dispute_rules_and_only_within_the_choices() public {
        _disputed();
        bytes memory refusal =
            abi.encodeWithSelector(MarketErrors.Arbitrated_NoSuchDispute.selector, stranger, 0);
        _assertReverts(stranger, address(escrow), abi.encodeCall(escrow.rule, (0, 1)), refusal);
        refusal = abi.encodeWithSelector(MarketErrors.Arbitrated_BadRuling.selector, 3, 2);
        _assertReverts(address(arbitrator), address(escrow), abi.encodeCall(escrow.rule, (0, 3)), refusal);
        _assertReverts(judge, address(arbitrator), abi.encodeCall(arbitrator.giveRuling, (0, 3)), refusal);
        refusal = abi.encodeWithSelector(MarketErrors.CentralizedArbitrator_NotArbitrator.selector, stranger);
        _assertReverts(stranger, address(arbitrator), abi.encodeCall(arbitrator.giveRuling, (0, 1)), refusal);
        _rule(1);
        refusal = abi.encodeWithSelector(MarketErrors.CentralizedArbitrator_Solved.selector, 0);
        _assertReverts(judge, address(arbitrator), abi.encodeCall(arbitrator.giveRuling, (0, 1)), refusal);
    }

    function test_the_development_arbitrator_knows_no_appeal_and_wants_its_fee() public {
        _disputed();
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.CentralizedArbitrator_NoAppeal.selector, 0));
        arbitrator.appeal(0, "");
        assertEq(arbitrator.appealCost(0, ""), type(uint256).max);
        (uint256 start, uint256 end) = arbitrator.appealPeriod(0);
        assertEq(start + end, 0);
        vm.expectRevert(
            abi.encodeWithSelector(MarketErrors.Arbitrated_WrongFee.selector, 0, ARBITRATION_COST)
        );
        arbitrator.createDispute(2, "");
    }

    function test_a_dispute_stays_with_its_arbitrator_when_governance_sets_another() public {
        uint256 id = _disputed();
        OddArbitrator other = new OddArbitrator(false);
        vm.prank(address(timelock));
        escrow.setArbitration(ArbitrationTerms(IArbitrator(address(other)), 1 hours, "court", "ipfs://new"));
        assertEq(address(escrow.arbitrator()), address(other));
        assertEq(escrow.rulingWindow(), 1 hours);
        assertEq(escrow.arbitrationCost(), 0);
        _rule(1);
        _assertEnded(id, DealStates.REFUNDED, AMOUNT, 0);
    }

    function test_an_arbitrator_that_rules_at_once_or_repeats_a_number_is_refused() public {
        OddArbitrator hasty = new OddArbitrator(true);
        OddArbitrator forgetful = new OddArbitrator(false);
        uint256 first = _delivered();
        uint256 second = _delivered();
        vm.prank(address(timelock));
        escrow.setArbitration(ArbitrationTerms(IArbitrator(address(hasty)), 1 days, "", ""));
        vm.prank(researcher);
        vm.expectRevert();
        escrow.dispute(first, "x");

        vm.prank(address(timelock));
        escrow.setArbitration(ArbitrationTerms(IArbitrator(address(forgetful)), 1 days, "", ""));
        vm.prank(researcher);
        escrow.dispute(first, "x");
        bytes memory refusal =
            abi.encodeWithSelector(MarketErrors.Arbitrated_DisputeExists.selector, address(forgetful), 7);
        _assertReverts(researcher, address(escrow), abi.encodeCall(Escrow.dispute, (second, "x")), refusal);
        forgetful.rule(escrow, 2);
        assertEq(escrow.deal(first).state, DealStates.RELEASED);
        // When the first is over, the number is free again.
        vm.prank(researcher);
        escrow.dispute(second, "x");
    }

    // ---------------------------------------------------------------- who may, and bounds

    function test_each_step_is_for_one_side_only() public {
        uint256 id = _opened();
        bytes memory refusal = abi.encodeWithSelector(MarketErrors.Escrow_NotYours.selector, id, stranger);
        _assertReverts(stranger, address(escrow), abi.encodeCall(Escrow.deliver, (id, "x")), refusal);
        _assertReverts(stranger, address(escrow), abi.encodeCall(Escrow.release, (id)), refusal);
        _assertReverts(stranger, address(escrow), abi.encodeCall(Escrow.refund, (id)), refusal);
        vm.prank(berlin);
        escrow.deliver(id, "x");
        _assertReverts(stranger, address(escrow), abi.encodeCall(Escrow.dispute, (id, "x")), refusal);
    }

    function test_deals_out_of_bounds_are_refused() public {
        bytes4 bad = MarketErrors.Escrow_BadDeal.selector;
        address e = address(escrow);
        bytes memory r = abi.encodeWithSelector(bad, "amount");
        _assertReverts(researcher, e, _openCall(berlin, 0, DELIVER_BY, INSPECTION), r);
        r = abi.encodeWithSelector(bad, "payee");
        _assertReverts(researcher, e, _openCall(researcher, 1, DELIVER_BY, INSPECTION), r);
        r = abi.encodeWithSelector(bad, "deliverBy");
        _assertReverts(researcher, e, _openCall(berlin, 1, START, INSPECTION), r);
        _assertReverts(researcher, e, _openCall(berlin, 1, START + 365 days + 1, INSPECTION), r);
        r = abi.encodeWithSelector(bad, "inspection");
        _assertReverts(researcher, e, _openCall(berlin, 1, DELIVER_BY, 1 hours - 1), r);
        _assertReverts(researcher, e, _openCall(berlin, 1, DELIVER_BY, 90 days + 1), r);
        r = abi.encodeWithSelector(MarketErrors.Escrow_NotVerified.selector, stranger);
        _assertReverts(researcher, e, _openCall(stranger, 1, DELIVER_BY, INSPECTION), r);
        _assertReverts(stranger, e, _openCall(berlin, 1, DELIVER_BY, INSPECTION), r);
    }

    function test_arbitration_terms_out_of_bounds_are_refused() public {
        vm.startPrank(address(timelock));
        vm.expectRevert(Errors.Common_ZeroAddress.selector);
        escrow.setArbitration(ArbitrationTerms(IArbitrator(address(0)), 1 days, "", ""));
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.Arbitrated_BadWindow.selector, 1 hours - 1));
        escrow.setArbitration(ArbitrationTerms(arbitrator, 1 hours - 1, "", ""));
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.Arbitrated_BadWindow.selector, 180 days + 1));
        escrow.setArbitration(ArbitrationTerms(arbitrator, 180 days + 1, "", ""));
        vm.stopPrank();
        _assertGoverned(address(escrow), abi.encodeCall(escrow.setArbitration, (_arbitration())));
    }

    function test_a_pause_stops_new_deals_and_nothing_else() public {
        uint256 id = _disputed();
        uint256 second = _delivered();
        _pause(Scopes.ALL);
        bytes memory refusal =
            abi.encodeWithSelector(Errors.CircuitBreaker_Paused.selector, Scopes.TRADING, START + 7 days);
        _assertReverts(researcher, address(escrow), _openCall(berlin, 1, DELIVER_BY, INSPECTION), refusal);
        _rule(2);
        vm.prank(researcher);
        escrow.release(second);
        assertEq(escrow.deal(id).state, DealStates.RELEASED);
        assertEq(escrow.deal(second).state, DealStates.RELEASED);
    }

    // ---------------------------------------------------------------- tokens

    function test_a_frozen_side_keeps_nobody_else_and_is_paid_when_it_is_free() public {
        uint256 id = _disputed();
        FreezableUSDC(address(usdc)).setFrozen(berlin, true);
        _rule(0);
        assertEq(escrow.deal(id).state, DealStates.DIVIDED);
        assertEq(escrow.due(berlin), 500e6);
        assertEq(escrow.owed(), 500e6);
        _assertHolds(address(escrow), 500e6);
        vm.expectRevert(abi.encodeWithSelector(FreezableUSDC.Frozen.selector, berlin));
        escrow.withdrawDue(berlin);
        FreezableUSDC(address(usdc)).setFrozen(berlin, false);
        assertEq(escrow.withdrawDue(berlin), 500e6);
        assertEq(usdc.balanceOf(berlin), 500e6);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.Dues_NothingDue.selector, berlin));
        escrow.withdrawDue(berlin);
        _assertHolds(address(escrow), 0);
    }

    function _escrowOf(TestUSDC token) private returns (Escrow) {
        return Escrow(
            _proxy(
                address(new Escrow(token, registry, breaker)),
                abi.encodeCall(Escrow.initialize, (address(manager), _arbitration()))
            )
        );
    }

    function test_a_token_that_takes_a_fee_is_refused() public {
        FeeOnTransferToken token = new FeeOnTransferToken(address(this));
        Escrow e = _escrowOf(token);
        token.mint(researcher, 100);
        vm.startPrank(researcher);
        token.approve(address(e), 100);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.Payments_ShortPayment.selector, 99, 100));
        e.open(berlin, 100, "terms", DELIVER_BY, INSPECTION, _noPermit());
        vm.stopPrank();
    }

    function test_a_token_without_return_values_works() public {
        SilentToken token = new SilentToken();
        Escrow e = _escrowOf(TestUSDC(address(token)));
        token.mint(researcher, 100);
        vm.startPrank(researcher);
        token.approve(address(e), 100);
        uint256 id = e.open(berlin, 100, "terms", DELIVER_BY, INSPECTION, _noPermit());
        e.release(id);
        vm.stopPrank();
        assertEq(token.balanceOf(berlin), 100);
    }

    function test_a_payee_that_calls_back_while_it_is_paid_gets_nothing_more() public {
        HookToken token = new HookToken(address(this));
        Escrow e = _escrowOf(token);
        Reentrant thief = new Reentrant();
        _register(address(thief), PartyRoles.CUSTODIAN, "DE", 0);
        token.mint(researcher, 200);
        vm.startPrank(researcher);
        token.approve(address(e), 200);
        uint256 first = e.open(address(thief), 100, "terms", DELIVER_BY, INSPECTION, _noPermit());
        e.open(address(thief), 100, "terms", DELIVER_BY, INSPECTION, _noPermit());
        vm.stopPrank();
        thief.arm(token, address(e), abi.encodeCall(Escrow.refund, (first)));
        vm.prank(researcher);
        e.release(first);
        assertTrue(thief.called());
        assertFalse(thief.succeeded());
        assertEq(token.balanceOf(address(thief)), 100);
        assertEq(token.balanceOf(address(e)), e.owed());
    }

    // ---------------------------------------------------------------- amounts

    function testFuzz_whatever_is_ruled_the_parts_are_the_whole(uint96 amount, uint8 ruling) public {
        amount = uint96(bound(amount, 1, type(uint96).max));
        ruling = uint8(bound(ruling, 0, 2));
        _giveUSDC(researcher, amount);
        vm.prank(researcher);
        uint256 id = escrow.open(berlin, amount, "terms", DELIVER_BY, INSPECTION, _noPermit());
        vm.prank(berlin);
        escrow.deliver(id, "goods");
        vm.prank(researcher);
        escrow.dispute{value: ARBITRATION_COST}(id, "x");
        uint256 before = usdc.balanceOf(researcher);
        _rule(ruling);
        uint256 toPayer = usdc.balanceOf(researcher) - before;
        assertEq(toPayer + usdc.balanceOf(berlin), amount);
        if (ruling == 0) assertEq(toPayer, (uint256(amount) + 1) / 2);
        else assertEq(toPayer, ruling == 1 ? amount : 0);
        _assertHolds(address(escrow), 0);
    }
}
