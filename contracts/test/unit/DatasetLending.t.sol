// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Purposes, Scopes} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {Kinds} from "../../src/common/Kinds.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {TestUSDC} from "../../src/development/TestUSDC.sol";
import {Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {Borrowing, LendingTerms, Loan, LoanStates} from "../../src/interfaces/IDatasetLending.sol";
import {DatasetLending} from "../../src/pool/DatasetLending.sol";
import {FreezableUSDC} from "../support/FreezableUSDC.sol";
import {Trading} from "../support/Trading.sol";

contract DatasetLendingTest is Trading {
    /// @dev 5,000 records at 50 USDC for 1,000.
    uint96 private constant PRICE = 250e6;
    uint96 private constant COLLATERAL = 375e6;
    /// @dev A fifth of the price for a year, of which thirty days.
    uint96 private constant FEE = 4_109_590;

    uint256 private german;

    function _createUSDC() internal override returns (TestUSDC) {
        return new FreezableUSDC(deployer);
    }

    function setUp() public override {
        super.setUp();
        german = _pooled(berlin);
        _fund(researcher, address(lending), 10_000e6);
        _fund(barred, address(lending), 10_000e6);
    }

    function _borrowing() private view returns (Borrowing memory) {
        return Borrowing({
            datasetId: german,
            purpose: Purposes.HMB,
            uses: 5,
            term: 30 days,
            collateral: COLLATERAL,
            maxFee: FEE
        });
    }

    function _borrowed() private returns (uint256) {
        vm.prank(researcher);
        return lending.borrow(_borrowing(), _noPermit());
    }

    function _borrowCall(Borrowing memory b) private pure returns (bytes memory) {
        return abi.encodeCall(DatasetLending.borrow, (b, _noPermit()));
    }

    function _deletion(uint256 id) private returns (Proof memory) {
        bytes32 payload = keccak256(abi.encode(address(lending), id, german, bytes32("deleted")));
        return _proof(Kinds.DELETION, bytes32(id), payload);
    }

    function _assertRefused(address who, bytes memory data_, bytes memory refusal) private {
        _assertReverts(who, address(lending), data_, refusal);
    }

    function _setPrice(uint256 per1000) private {
        vm.prank(address(timelock));
        market.setPrice(1, per1000);
    }

    function _revenue() private view returns (uint256) {
        return splitter.totalOwed() + splitter.buybackReserve() + pool.owed() + claims.owed();
    }

    // ---------------------------------------------------------------- the plain way

    function test_a_loan_gives_a_pass_for_its_term_and_ends_with_attested_deletion() public {
        (uint256 least, uint256 fee) = lending.quote(german, 30 days);
        assertEq(least, COLLATERAL);
        assertEq(fee, FEE);
        uint256 id = _borrowed();
        Loan memory l = lending.loan(id);
        assertEq(l.dueAt, START + 30 days);
        assertEq(passes.ownerOf(l.passId), researcher);
        assertEq(passes.pass(l.passId).expiry, l.dueAt);
        assertEq(usdc.balanceOf(researcher), 10_000e6 - COLLATERAL - FEE);
        assertEq(_revenue(), FEE);
        assertEq(lending.owed(), COLLATERAL);
        _assertHolds(address(lending), COLLATERAL);
        assertEq(pool.depositOf(german).openJobs, 1);

        _pause(Scopes.ALL);
        vm.prank(stranger);
        lending.giveBack(id, "deleted", _deletion(id));
        assertEq(usdc.balanceOf(researcher), 10_000e6 - FEE);
        assertEq(lending.loan(id).state, LoanStates.RETURNED);
        assertEq(pool.depositOf(german).openJobs, 0);
        _assertHolds(address(lending), 0);
        Proof memory proof = _deletion(id);
        _assertRefused(
            stranger,
            abi.encodeCall(DatasetLending.giveBack, (id, "deleted", proof)),
            abi.encodeWithSelector(MarketErrors.DatasetLending_NotOpen.selector, id, LoanStates.RETURNED)
        );
        assertEq(lending.loanCount(), id);
    }

    function test_a_dataset_leaves_when_its_loans_have_ended_and_makes_no_new_ones() public {
        uint256 id = _borrowed();
        _announce(berlin, german);
        vm.prank(berlin);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.HealthDataPool_JobsOpen.selector, german, 1));
        pool.withdraw(german);
        _assertRefused(
            researcher,
            _borrowCall(_borrowing()),
            abi.encodeWithSelector(MarketErrors.LicenceMarket_NotLive.selector, german)
        );
        lending.giveBack(id, "deleted", _deletion(id));
        _withdraw(berlin, german);
        assertEq(datasets.ownerOf(german), berlin);
    }

    function test_a_deletion_must_be_attested_for_this_loan() public {
        uint256 first = _borrowed();
        uint256 second = _borrowed();
        Proof memory proof = _deletion(first);
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        lending.giveBack(second, "deleted", proof);
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        lending.giveBack(first, "kept", proof);
    }

    // ---------------------------------------------------------------- refusals

    function test_an_under_collateralized_loan_is_refused() public {
        Borrowing memory b = _borrowing();
        b.collateral -= 1;
        _assertRefused(
            researcher,
            _borrowCall(b),
            abi.encodeWithSelector(MarketErrors.DatasetLending_TooLittle.selector, COLLATERAL - 1, COLLATERAL)
        );
        b = _borrowing();
        b.maxFee -= 1;
        _assertRefused(
            researcher,
            _borrowCall(b),
            abi.encodeWithSelector(MarketErrors.DatasetLending_FeeAboveMaximum.selector, FEE, FEE - 1)
        );
        b.term = 1 days - 1;
        _assertRefused(
            researcher,
            _borrowCall(b),
            abi.encodeWithSelector(MarketErrors.DatasetLending_BadTerm.selector, 1 days - 1)
        );
        b.term = 90 days + 1;
        _assertRefused(
            researcher,
            _borrowCall(b),
            abi.encodeWithSelector(MarketErrors.DatasetLending_BadTerm.selector, 90 days + 1)
        );
    }

    function test_who_may_not_use_the_data_may_not_borrow_and_borrowing_can_be_paused() public {
        _assertRefused(
            barred, _borrowCall(_borrowing()), abi.encodeWithSelector(Errors.Blocked.selector, "GDPR Art. 44")
        );
        _pause(Scopes.TRADING);
        _assertRefused(
            researcher,
            _borrowCall(_borrowing()),
            abi.encodeWithSelector(Errors.CircuitBreaker_Paused.selector, Scopes.TRADING, START + 7 days)
        );
    }

    // ---------------------------------------------------------------- seizing

    function test_collateral_is_seized_when_nothing_was_deleted_a_week_after_the_term() public {
        uint256 id = _borrowed();
        uint64 grace = START + 37 days;
        bytes memory data_ = abi.encodeCall(DatasetLending.seize, (id));
        vm.warp(grace);
        _assertRefused(
            stranger,
            data_,
            abi.encodeWithSelector(MarketErrors.DatasetLending_NotSeizable.selector, id, grace, 0)
        );
        vm.warp(grace + 1);
        _pause(Scopes.ALL);
        vm.prank(stranger);
        lending.seize(id);
        assertEq(usdc.balanceOf(stranger), 3.75e6);
        assertEq(_revenue(), FEE + COLLATERAL - 3.75e6);
        assertEq(lending.loan(id).state, LoanStates.SEIZED);
        assertEq(pool.depositOf(german).openJobs, 0);
        _assertHolds(address(lending), 0);
        _assertRefused(
            stranger,
            data_,
            abi.encodeWithSelector(MarketErrors.DatasetLending_NotOpen.selector, id, LoanStates.SEIZED)
        );
    }

    function test_a_margin_call_that_nobody_used_gives_notice_again() public {
        uint256 id = _borrowed();
        _setPrice(62.6e6);
        lending.callMargin(id);
        // The price falls back and, much later, rises again.
        _setPrice(50e6);
        vm.warp(START + 6 days + 1);
        _setPrice(62.6e6);
        _assertRefused(
            stranger,
            abi.encodeCall(DatasetLending.seize, (id)),
            abi.encodeWithSelector(
                MarketErrors.DatasetLending_NotSeizable.selector, id, START + 37 days, START + 3 days
            )
        );
        lending.callMargin(id);
        assertEq(lending.loan(id).marginDeadline, START + 9 days + 1);
        vm.warp(START + 9 days + 2);
        lending.seize(id);
    }

    function test_a_called_margin_is_topped_up_or_seized_after_three_days() public {
        uint256 id = _borrowed();
        bytes memory call_ = abi.encodeCall(DatasetLending.callMargin, (id));
        bytes memory seize = abi.encodeCall(DatasetLending.seize, (id));
        bytes memory none = abi.encodeWithSelector(MarketErrors.DatasetLending_NoMarginCall.selector, id);
        _assertRefused(stranger, call_, none);
        // 375 is exactly 1.2 times 312.5.
        _setPrice(62.5e6);
        _assertRefused(stranger, call_, none);
        _setPrice(62.6e6);
        vm.prank(stranger);
        lending.callMargin(id);
        _assertRefused(stranger, call_, none);
        // 0.6 USDC are missing to 1.2 times 313.
        vm.prank(researcher);
        lending.topUp(id, 0.5e6, _noPermit());
        assertEq(lending.loan(id).marginDeadline, START + 3 days);
        vm.warp(START + 3 days);
        _assertRefused(
            stranger,
            seize,
            abi.encodeWithSelector(
                MarketErrors.DatasetLending_NotSeizable.selector, id, START + 37 days, START + 3 days
            )
        );
        vm.prank(researcher);
        lending.topUp(id, 0.1e6, _noPermit());
        assertEq(lending.loan(id).marginDeadline, 0);
        vm.warp(START + 3 days + 1);
        _assertRefused(
            stranger,
            seize,
            abi.encodeWithSelector(MarketErrors.DatasetLending_NotSeizable.selector, id, START + 37 days, 0)
        );

        _setPrice(70e6);
        lending.callMargin(id);
        vm.warp(START + 6 days + 2);
        // The price fell again meanwhile: nothing to seize; then it rose.
        _setPrice(50e6);
        _assertRefused(
            stranger,
            seize,
            abi.encodeWithSelector(
                MarketErrors.DatasetLending_NotSeizable.selector, id, START + 37 days, START + 6 days + 1
            )
        );
        _setPrice(70e6);
        vm.prank(stranger);
        lending.seize(id);
        assertEq(lending.loan(id).state, LoanStates.SEIZED);
        _assertHolds(address(lending), 0);
    }

    function test_a_top_up_without_a_margin_call_only_adds() public {
        uint256 id = _borrowed();
        vm.prank(researcher);
        lending.topUp(id, 1, _noPermit());
        assertEq(lending.loan(id).collateral, COLLATERAL + 1);
        _assertRefused(
            researcher,
            abi.encodeCall(DatasetLending.topUp, (99, 1, _noPermit())),
            abi.encodeWithSelector(MarketErrors.DatasetLending_NotOpen.selector, 99, 0)
        );
    }

    function test_a_class_that_is_no_longer_sold_has_no_margin_and_its_loans_still_end() public {
        uint256 id = _borrowed();
        _setPrice(0);
        bytes memory none = abi.encodeWithSelector(MarketErrors.DatasetLending_NoMarginCall.selector, id);
        _assertRefused(stranger, abi.encodeCall(DatasetLending.callMargin, (id)), none);
        vm.warp(START + 37 days + 1);
        lending.seize(id);
        assertEq(pool.depositOf(german).openJobs, 0);
    }

    function test_a_frozen_borrower_does_not_keep_the_dataset() public {
        uint256 id = _borrowed();
        FreezableUSDC(address(usdc)).setFrozen(researcher, true);
        lending.giveBack(id, "deleted", _deletion(id));
        assertEq(lending.due(researcher), COLLATERAL);
        assertEq(pool.depositOf(german).openJobs, 0);
        _assertHolds(address(lending), lending.owed());
    }

    // ---------------------------------------------------------------- governance

    function _assertBadTerms(LendingTerms memory t, string memory part) private {
        _assertRefused(
            address(timelock),
            abi.encodeCall(DatasetLending.setLendingTerms, (t)),
            abi.encodeWithSelector(MarketErrors.DatasetLending_BadTerms.selector, part)
        );
    }

    function test_terms_out_of_bounds_are_refused() public {
        _assertBadTerms(LendingTerms(15_000, 9_999, 0, 0), "marginBps");
        _assertBadTerms(LendingTerms(15_000, 15_001, 0, 0), "marginBps");
        _assertBadTerms(LendingTerms(100_001, 10_000, 0, 0), "collateralBps");
        _assertBadTerms(LendingTerms(10_000, 10_000, 100_001, 0), "feeBps");
        _assertBadTerms(LendingTerms(10_000, 10_000, 0, 501), "seizureBps");
        assertEq(lending.lendingTerms().collateralBps, 15_000);
        _assertGoverned(address(lending), abi.encodeCall(DatasetLending.setLendingTerms, (_lendingTerms())));
    }

    function test_the_pools_lending_contract_is_set_once_by_governance() public {
        assertEq(pool.lending(), address(lending));
        _assertReverts(
            address(timelock),
            address(pool),
            abi.encodeCall(pool.setLending, (stranger)),
            abi.encodeWithSelector(MarketErrors.HealthDataPool_LendingIsSet.selector, address(lending))
        );
        _assertGoverned(address(pool), abi.encodeCall(pool.setLending, (stranger)));
    }

    // ---------------------------------------------------------------- amounts

    function testFuzz_every_unit_of_a_loan_is_accounted_for(
        uint64 per1000,
        uint64 term,
        uint96 extra,
        uint32 feeBps,
        bool returned
    ) public {
        per1000 = uint64(bound(per1000, 1, type(uint64).max));
        term = uint64(bound(term, 1 days, 90 days));
        extra = uint96(bound(extra, 0, type(uint88).max));
        feeBps = uint32(bound(feeBps, 0, 100_000));
        _setPrice(per1000);
        vm.prank(address(timelock));
        lending.setLendingTerms(LendingTerms(15_000, 12_000, feeBps, 100));
        uint256 price = uint256(per1000) * 5;
        uint256 fee = (price * feeBps * term + 10_000 * 365 days - 1) / (uint256(10_000) * 365 days);
        uint256 collateral = (price * 3 + 1) / 2 + extra;
        Borrowing memory b = _borrowing();
        b.term = term;
        b.collateral = uint96(collateral);
        b.maxFee = uint96(fee);
        _giveUSDC(researcher, collateral + fee);
        vm.prank(researcher);
        uint256 id = lending.borrow(b, _noPermit());
        assertEq(_revenue(), fee);
        if (returned) {
            lending.giveBack(id, "deleted", _deletion(id));
            assertEq(usdc.balanceOf(researcher), 10_000e6 + collateral);
        } else {
            vm.warp(START + term + 7 days + 1);
            vm.prank(stranger);
            lending.seize(id);
            assertEq(usdc.balanceOf(stranger), collateral / 100);
            assertEq(_revenue(), fee + collateral - collateral / 100);
        }
        _assertHolds(address(lending), 0);
    }
}
