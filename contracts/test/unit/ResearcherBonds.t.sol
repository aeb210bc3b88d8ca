// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyRoles, Scopes} from "../../src/common/Codes.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {IResearcherBonds} from "../../src/interfaces/IResearcherBonds.sol";
import {Accusation, Bond, BondTerms} from "../../src/interfaces/IResearcherBonds.sol";
import {ResearcherBonds} from "../../src/market/ResearcherBonds.sol";
import {Trading} from "../support/Trading.sol";

contract ResearcherBondsTest is Trading {
    uint256 private german;

    function setUp() public override {
        super.setUp();
        german = _pooled(berlin);
        _fund(researcher, address(bonds), 10_000e6);
        _deal(berlin, 10 ether);
    }

    function _bonded() private {
        vm.prank(researcher);
        bonds.deposit(LEAST_BOND, _noPermit());
    }

    function _accuse(uint96 amount) private returns (uint256) {
        vm.prank(berlin);
        return bonds.accuse{value: ARBITRATION_COST}(researcher, amount, "ipfs://misuse");
    }

    function _announceLeave() private {
        vm.prank(researcher);
        bonds.announceWithdrawal();
    }

    function _assertRefused(address who, bytes memory data_, bytes memory refusal) private {
        _assertReverts(who, address(bonds), data_, refusal);
    }

    // ---------------------------------------------------------------- in and out

    function test_a_bond_leaves_after_its_notice() public {
        _bonded();
        assertEq(bonds.bondOf(researcher).amount, LEAST_BOND);
        bytes memory withdrawal = abi.encodeCall(ResearcherBonds.withdraw, ());
        bytes4 notLeaving = MarketErrors.ResearcherBonds_NotLeaving.selector;
        _assertRefused(researcher, withdrawal, abi.encodeWithSelector(notLeaving, researcher, 0));
        _announceLeave();
        uint64 leavesAt = START + NOTICE;
        _assertRefused(
            researcher,
            abi.encodeCall(ResearcherBonds.announceWithdrawal, ()),
            abi.encodeWithSelector(MarketErrors.ResearcherBonds_Leaving.selector, researcher, leavesAt)
        );
        vm.warp(leavesAt - 1);
        _assertRefused(researcher, withdrawal, abi.encodeWithSelector(notLeaving, researcher, leavesAt));
        vm.warp(leavesAt);
        _pause(Scopes.ALL);
        vm.prank(researcher);
        bonds.withdraw();
        assertEq(usdc.balanceOf(researcher), 10_000e6);
        assertEq(bonds.owed(), 0);
        _assertHolds(address(bonds), 0);
        _assertRefused(
            researcher, withdrawal, abi.encodeWithSelector(MarketErrors.ResearcherBonds_NoAmount.selector)
        );
    }

    function test_a_deposit_takes_an_announced_withdrawal_back() public {
        _bonded();
        _announceLeave();
        _bonded();
        assertEq(bonds.bondOf(researcher).leavesAt, 0);
        assertEq(bonds.bondOf(researcher).amount, 2 * LEAST_BOND);
        _assertRefused(
            researcher,
            abi.encodeCall(ResearcherBonds.deposit, (0, _noPermit())),
            abi.encodeWithSelector(MarketErrors.ResearcherBonds_NoAmount.selector)
        );
    }

    // ---------------------------------------------------------------- licences and jobs

    function test_where_governance_asks_for_bonds_a_licence_needs_one_and_keeps_it() public {
        _buy(researcher, _ids(german), 1);
        _askForBonds();
        assertEq(address(market.bonds()), address(bonds));
        assertEq(address(compute.bonds()), address(bonds));
        uint256 price = market.quote(_ids(german), 1);
        _fund(researcher, address(market), price);
        _assertReverts(
            researcher,
            address(market),
            abi.encodeCall(market.buy, (_order(_ids(german), 1), _noPermit())),
            abi.encodeWithSelector(
                MarketErrors.ResearcherBonds_BelowAmount.selector, researcher, 0, LEAST_BOND
            )
        );
        _bonded();
        _buy(researcher, _ids(german), 1);
        assertEq(bonds.bondOf(researcher).engagedUntil, START + TERM);
        _announceLeave();
        assertEq(bonds.bondOf(researcher).leavesAt, START + TERM + NOTICE);
    }

    function test_a_question_keeps_the_bond_until_its_last_deadline_has_passed() public {
        uint256 passId = _buy(researcher, _ids(german), 1);
        _askForBonds();
        _bonded();
        vm.prank(address(timelock));
        bonds.setBondTerms(BondTerms(0, 1 hours, 0));
        vm.warp(START + TERM - 1);
        _ask(researcher, passId, _ids(german));
        assertEq(bonds.bondOf(researcher).engagedUntil, START + TERM - 1 + 14 days);
    }

    function test_a_shorter_engagement_changes_nothing_and_who_leaves_starts_no_business() public {
        _bonded();
        vm.startPrank(address(compute));
        bonds.engage(researcher, START + 10);
        bonds.engage(researcher, START + 5);
        vm.stopPrank();
        assertEq(bonds.bondOf(researcher).engagedUntil, START + 10);
        _announceLeave();
        bytes memory engage = abi.encodeCall(ResearcherBonds.engage, (researcher, START + 20));
        _assertRefused(
            address(market),
            engage,
            abi.encodeWithSelector(
                MarketErrors.ResearcherBonds_Leaving.selector, researcher, START + 10 + NOTICE
            )
        );
        _assertRefused(
            stranger,
            engage,
            abi.encodeWithSelector(MarketErrors.ResearcherBonds_NotMarket.selector, stranger)
        );
    }

    // ---------------------------------------------------------------- accusations

    function test_an_upheld_accusation_slashes_for_the_accuser_and_the_treasury() public {
        _bonded();
        uint256 id = _accuse(400e6 + 3);
        Accusation memory a = bonds.accusation(id);
        assertEq(a.accuser, berlin);
        assertEq(a.researcher, researcher);
        assertEq(bonds.bondOf(researcher).frozen, 400e6 + 3);
        vm.prank(judge);
        arbitrator.giveRuling(0, 1);
        // A fifth, rounded down.
        assertEq(usdc.balanceOf(berlin), 80e6);
        assertEq(usdc.balanceOf(address(treasury)), 320e6 + 3);
        Bond memory b = bonds.bondOf(researcher);
        assertEq(b.amount, LEAST_BOND - 400e6 - 3);
        assertEq(b.frozen, 0);
        assertEq(bonds.accusation(id).amount, 0);
        assertEq(bonds.owed(), b.amount);
        _assertHolds(address(bonds), b.amount);
    }

    function test_an_accusation_that_is_refused_rejected_or_unruled_slashes_nothing() public {
        _bonded();
        _accuse(100e6);
        _accuse(200e6);
        uint256 last = _accuse(300e6);
        assertEq(bonds.accusationCount(), last);
        vm.startPrank(judge);
        arbitrator.giveRuling(0, 0);
        arbitrator.giveRuling(1, 2);
        vm.stopPrank();
        vm.warp(START + RULING_WINDOW + 1);
        bonds.endUnruled(last);
        assertEq(bonds.bondOf(researcher).amount, LEAST_BOND);
        assertEq(bonds.bondOf(researcher).frozen, 0);
        assertEq(usdc.balanceOf(berlin), 0);
    }

    function test_an_accused_bond_neither_leaves_nor_counts_for_new_business() public {
        _bonded();
        uint256 id = _accuse(1);
        _announceLeave();
        vm.warp(START + NOTICE);
        _assertRefused(
            researcher,
            abi.encodeCall(ResearcherBonds.withdraw, ()),
            abi.encodeWithSelector(MarketErrors.ResearcherBonds_Accused.selector, researcher, 1)
        );
        _assertRefused(
            address(market),
            abi.encodeCall(ResearcherBonds.engage, (researcher, START)),
            abi.encodeWithSelector(
                MarketErrors.ResearcherBonds_BelowAmount.selector, researcher, LEAST_BOND - 1, LEAST_BOND
            )
        );
        // Once the bond may leave nobody can hold it back with another accusation.
        _assertRefused(
            berlin,
            abi.encodeCall(ResearcherBonds.accuse, (researcher, 1, "again")),
            abi.encodeWithSelector(MarketErrors.ResearcherBonds_Leaving.selector, researcher, START + NOTICE)
        );
        vm.warp(START + RULING_WINDOW + 1);
        bonds.endUnruled(id);
        vm.prank(researcher);
        bonds.withdraw();
        assertEq(usdc.balanceOf(researcher), 10_000e6);
    }

    function test_who_accuses_is_verified_and_asks_for_no_more_than_is_free() public {
        _bonded();
        _assertRefused(
            stranger,
            abi.encodeCall(ResearcherBonds.accuse, (researcher, 1, "")),
            abi.encodeWithSelector(MarketErrors.ResearcherBonds_NotVerified.selector, stranger)
        );
        _assertRefused(
            berlin,
            abi.encodeCall(ResearcherBonds.accuse, (researcher, 0, "")),
            abi.encodeWithSelector(MarketErrors.ResearcherBonds_NoAmount.selector)
        );
        _accuse(LEAST_BOND - 1);
        _assertRefused(
            berlin,
            abi.encodeCall(ResearcherBonds.accuse, (researcher, 2, "")),
            abi.encodeWithSelector(MarketErrors.ResearcherBonds_BelowAmount.selector, researcher, 1, 2)
        );
    }

    function test_both_sides_give_evidence() public {
        _bonded();
        uint256 id = _accuse(1);
        vm.prank(berlin);
        bonds.submitEvidence(id, "a");
        vm.prank(researcher);
        bonds.submitEvidence(id, "b");
        _assertRefused(
            boston,
            abi.encodeCall(bonds.submitEvidence, (id, "c")),
            abi.encodeWithSelector(MarketErrors.Arbitrated_NotSide.selector, id, boston)
        );
    }

    // ---------------------------------------------------------------- terms

    function test_terms_out_of_bounds_are_refused() public {
        bytes4 bad = MarketErrors.ResearcherBonds_BadTerms.selector;
        address gov_ = address(timelock);
        bytes memory r = abi.encodeWithSelector(bad, "notice");
        _assertRefused(gov_, abi.encodeCall(bonds.setBondTerms, (BondTerms(0, 1 hours - 1, 0))), r);
        _assertRefused(gov_, abi.encodeCall(bonds.setBondTerms, (BondTerms(0, 90 days + 1, 0))), r);
        r = abi.encodeWithSelector(bad, "accuserBps");
        _assertRefused(gov_, abi.encodeCall(bonds.setBondTerms, (BondTerms(0, 1 hours, 5_001))), r);
        assertEq(bonds.bondTerms().notice, NOTICE);
        _assertGoverned(address(bonds), abi.encodeCall(bonds.setBondTerms, (_bondTerms())));
        _assertGoverned(address(market), abi.encodeCall(market.setBonds, (IResearcherBonds(address(0)))));
        _assertGoverned(address(compute), abi.encodeCall(compute.setBonds, (IResearcherBonds(address(0)))));
    }

    function testFuzz_a_slash_is_divided_to_the_unit(uint96 amount, uint16 accuserBps) public {
        amount = uint96(bound(amount, 1, type(uint96).max - LEAST_BOND));
        accuserBps = uint16(bound(accuserBps, 0, 5_000));
        vm.prank(address(timelock));
        bonds.setBondTerms(BondTerms(0, 1 hours, accuserBps));
        _giveUSDC(researcher, amount);
        vm.prank(researcher);
        bonds.deposit(amount, _noPermit());
        _accuse(amount);
        vm.prank(judge);
        arbitrator.giveRuling(0, 1);
        assertEq(usdc.balanceOf(berlin), uint256(amount) * accuserBps / 10_000);
        assertEq(usdc.balanceOf(berlin) + usdc.balanceOf(address(treasury)), amount);
        _assertHolds(address(bonds), 0);
    }
}
