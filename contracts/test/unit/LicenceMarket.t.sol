// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {PartyRoles, Purposes, Scopes} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {Permit} from "../../src/common/Payments.sol";
import {Rule, RuleRow} from "../../src/interfaces/IJurisdictionRules.sol";
import {Order} from "../../src/interfaces/ILicenceMarket.sol";
import {Pass} from "../../src/interfaces/ILicencePass.sol";
import {Scene} from "../support/Scene.sol";

contract LicenceMarketTest is Scene {
    uint256 private german;
    uint256 private american;

    function setUp() public override {
        super.setUp();
        german = _pooled(berlin);
        american = _pooled(boston);
        _giveUSDC(researcher, 1_000_000e6);
    }

    function _assertRefused(address buyer, Order memory order, bytes memory refusal) private {
        vm.startPrank(buyer);
        usdc.approve(address(market), type(uint256).max);
        vm.expectRevert(refusal);
        market.buy(order, _noPermit());
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- buying

    function test_a_licence_is_bought_with_one_signature_in_one_transaction() public {
        Permit memory permit = _permit("researcher", address(market), 500e6);
        vm.prank(researcher);
        uint256 passId = market.buy(_order(_ids(german, american), 1), permit);

        assertEq(usdc.balanceOf(researcher), 1_000_000e6 - 500e6);
        assertEq(usdc.balanceOf(address(market)), 0);
        assertEq(passes.ownerOf(passId), researcher);
        Pass memory pass = passes.pass(passId);
        assertEq(pass.purpose, Purposes.HMB);
        assertEq(pass.expiry, block.timestamp + TERM);
        assertEq(pass.usesLeft, 1);
        assertEq(pass.datasetIds.length, 2);
        assertTrue(passes.covers(passId, german, Purposes.HMB));
        assertFalse(passes.covers(passId, german, Purposes.COM));
        assertFalse(passes.covers(passId, 99, Purposes.HMB));
    }

    function test_a_permit_that_somebody_presented_before_does_not_stop_the_purchase() public {
        Permit memory permit = _permit("researcher", address(market), 500e6);
        usdc.permit(researcher, address(market), 500e6, permit.deadline, permit.v, permit.r, permit.s);
        vm.prank(researcher);
        market.buy(_order(_ids(german, american), 1), permit);
    }

    function test_a_purchase_without_allowance_or_with_a_foreign_permit_reverts() public {
        bytes memory refusal = abi.encodeWithSelector(
            IERC20Errors.ERC20InsufficientAllowance.selector, address(market), 0, 250e6
        );
        Permit memory foreign = _permit("barred", address(market), 250e6);
        vm.startPrank(researcher);
        vm.expectRevert(refusal);
        market.buy(_order(_ids(german), 1), _noPermit());
        vm.expectRevert(refusal);
        market.buy(_order(_ids(german), 1), foreign);
        vm.stopPrank();
    }

    function testFuzz_the_price_is_the_sum_over_datasets_each_rounded_up_times_uses(
        uint64 recordsA,
        uint64 recordsB,
        uint256 price,
        uint32 uses
    ) public {
        price = bound(price, 1, type(uint128).max);
        uses = uint32(bound(uses, 1, type(uint32).max));
        recordsA = uint64(bound(recordsA, 1, type(uint64).max));
        recordsB = uint64(bound(recordsB, 1, type(uint64).max));
        vm.prank(address(timelock));
        market.setPrice(3, price);
        uint256 a = _mint(berlin, _mintRequest(3, recordsA, 1));
        uint256 b = _mint(berlin, _mintRequest(3, recordsB, 1));
        uint256 whole = (recordsA * price + 999) / 1000 + (recordsB * price + 999) / 1000;
        assertEq(market.quote(_ids(a, b), uses), whole * uses);
    }

    function test_the_term_and_the_price_are_those_of_the_day() public {
        uint256 first = _buy(researcher, _ids(german), 1);
        vm.startPrank(address(timelock));
        market.setTerm(10 days);
        market.setPrice(1, 2 * PRICE_PER_1000);
        vm.stopPrank();
        uint256 second = _buy(researcher, _ids(german), 1);
        assertEq(passes.pass(first).expiry, START + TERM);
        assertEq(passes.pass(second).expiry, START + 10 days);
        assertEq(market.quote(_ids(german), 1), 500e6);
    }

    // ---------------------------------------------------------------- refusals

    function test_a_buyer_whom_the_rules_bar_is_refused_with_the_laws_name() public {
        _assertRefused(
            barred, _order(_ids(german), 1), abi.encodeWithSelector(Errors.Blocked.selector, "GDPR Art. 44")
        );
        _assertRefused(
            barred, _order(_ids(american), 1), abi.encodeWithSelector(Errors.Blocked.selector, "no rule")
        );
    }

    function test_a_buyer_without_the_safeguard_is_refused_with_the_laws_name() public {
        address unsafeguarded = makeAddr("unsafeguarded");
        _register(unsafeguarded, PartyRoles.RESEARCHER, "US", 0);
        _assertRefused(
            unsafeguarded,
            _order(_ids(german), 1),
            abi.encodeWithSelector(Errors.Blocked.selector, "GDPR Art. 46")
        );
    }

    function test_a_buyer_without_accreditation_is_refused() public {
        vm.warp(FOREVER);
        _assertRefused(
            researcher,
            _order(_ids(american), 1),
            abi.encodeWithSelector(Errors.Blocked.selector, "identity check expired")
        );
    }

    function test_one_barred_dataset_among_many_stops_the_whole_order() public {
        vm.prank(address(timelock));
        RuleRow[] memory rows = new RuleRow[](1);
        rows[0] = RuleRow(0, "US", "US", Purposes.HMB, Rule(3, 0, 0, 0, false, 3));
        rules.setRules(rows);
        _assertRefused(
            researcher,
            _order(_ids(german, american), 1),
            abi.encodeWithSelector(Errors.Blocked.selector, "45 CFR 164.514")
        );
    }

    function test_a_dataset_that_is_not_in_the_pool_or_leaves_it_is_not_sold() public {
        uint256 unpooled = _mint(berlin);
        _assertRefused(
            researcher,
            _order(_ids(unpooled), 1),
            abi.encodeWithSelector(MarketErrors.LicenceMarket_NotLive.selector, unpooled)
        );
        _announce(berlin, german);
        _assertRefused(
            researcher,
            _order(_ids(german), 1),
            abi.encodeWithSelector(MarketErrors.LicenceMarket_NotLive.selector, german)
        );
    }

    function test_a_class_without_a_price_is_not_sold() public {
        vm.prank(address(timelock));
        market.setPrice(1, 0);
        _assertRefused(
            researcher,
            _order(_ids(german), 1),
            abi.encodeWithSelector(MarketErrors.LicenceMarket_NotForSale.selector, 1)
        );
    }

    function test_malformed_orders_are_refused() public {
        Order memory order = _order(_ids(american, german), 1);
        _assertRefused(
            researcher,
            order,
            abi.encodeWithSelector(MarketErrors.LicenceMarket_BadDatasetOrder.selector, german)
        );
        order = _order(_ids(german, german), 1);
        _assertRefused(
            researcher,
            order,
            abi.encodeWithSelector(MarketErrors.LicenceMarket_BadDatasetOrder.selector, german)
        );
        order = _order(new uint256[](0), 1);
        _assertRefused(
            researcher,
            order,
            abi.encodeWithSelector(MarketErrors.LicenceMarket_BadDatasetCount.selector, 0, 16)
        );
        uint256[] memory many = new uint256[](17);
        for (uint256 i; i < 17; ++i) {
            many[i] = german;
        }
        _assertRefused(
            researcher,
            _order(many, 1),
            abi.encodeWithSelector(MarketErrors.LicenceMarket_BadDatasetCount.selector, 17, 16)
        );
        _assertRefused(
            researcher,
            _order(_ids(german), 0),
            abi.encodeWithSelector(MarketErrors.LicenceMarket_NoUses.selector)
        );
        order = _order(_ids(german), 1);
        order.deadline = START - 1;
        _assertRefused(
            researcher,
            order,
            abi.encodeWithSelector(MarketErrors.LicenceMarket_OrderExpired.selector, START - 1)
        );
        order = _order(_ids(german), 2);
        order.maxPrice = 500e6 - 1;
        _assertRefused(
            researcher,
            order,
            abi.encodeWithSelector(MarketErrors.LicenceMarket_PriceAboveMaximum.selector, 500e6, 500e6 - 1)
        );
    }

    function test_trading_can_be_paused() public {
        _pause(Scopes.TRADING);
        _assertRefused(
            researcher,
            _order(_ids(german), 1),
            abi.encodeWithSelector(Errors.CircuitBreaker_Paused.selector, Scopes.TRADING, START + 7 days)
        );
    }

    function test_terms_and_classes_out_of_range_are_refused() public {
        vm.startPrank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.LicenceMarket_BadTerm.selector, 1 days - 1));
        market.setTerm(1 days - 1);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.LicenceMarket_BadTerm.selector, 3650 days + 1));
        market.setTerm(3650 days + 1);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.LicenceMarket_BadDataClass.selector, 0));
        market.setPrice(0, 1);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.LicenceMarket_BadDataClass.selector, 7));
        market.setPrice(7, 1);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- the pass

    function test_a_pass_is_bound_to_its_holder() public {
        uint256 passId = _buy(researcher, _ids(german), 1);
        assertTrue(passes.locked(passId));
        assertTrue(passes.supportsInterface(0xb45a3c0e));
        vm.startPrank(researcher);
        vm.expectRevert(MarketErrors.LicencePass_Soulbound.selector);
        passes.transferFrom(researcher, stranger, passId);
        vm.expectRevert(MarketErrors.LicencePass_Soulbound.selector);
        passes.approve(stranger, passId);
        vm.expectRevert(MarketErrors.LicencePass_Soulbound.selector);
        passes.setApprovalForAll(stranger, true);
        vm.stopPrank();
    }

    function test_only_the_markets_drive_passes() public {
        uint256 passId = _buy(researcher, _ids(german), 1);
        vm.startPrank(stranger);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.LicencePass_NotLicenceMarket.selector, stranger));
        passes.mint(stranger, 1, FOREVER, 1, _ids(german));
        bytes memory notCompute =
            abi.encodeWithSelector(MarketErrors.LicencePass_NotComputeMarket.selector, stranger);
        vm.expectRevert(notCompute);
        passes.consumeUse(passId, researcher);
        vm.expectRevert(notCompute);
        passes.restoreUse(passId);
        vm.expectRevert(notCompute);
        passes.settleUse(passId);
        vm.stopPrank();
    }

    function test_a_use_that_was_not_taken_cannot_be_settled_or_given_back() public {
        uint256 passId = _buy(researcher, _ids(german), 1);
        vm.startPrank(address(compute));
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.LicencePass_NoOpenUse.selector, passId));
        passes.restoreUse(passId);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.LicencePass_NoOpenUse.selector, passId));
        passes.settleUse(passId);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.LicencePass_Unknown.selector, 99));
        passes.settleUse(99);
        vm.stopPrank();
    }

    /// @dev The market asks before it drives a pass; a pass does not rely on that.
    function test_a_pass_gives_no_use_after_its_expiry_or_when_none_is_left() public {
        uint256 passId = _buy(researcher, _ids(german), 1);
        uint64 expiry = passes.pass(passId).expiry;
        vm.prank(address(compute));
        passes.consumeUse(passId, researcher);
        vm.prank(address(compute));
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.LicencePass_Spent.selector, passId));
        passes.consumeUse(passId, researcher);
        vm.warp(expiry);
        vm.prank(address(compute));
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.LicencePass_Expired.selector, passId, expiry));
        passes.consumeUse(passId, researcher);
    }

    function test_a_pass_names_and_covers_the_datasets_that_were_bought_and_no_other() public {
        uint256[] memory ids = new uint256[](3);
        for (uint256 i; i < 3; ++i) {
            ids[i] = _pooled(boston);
        }
        uint256 passId = _buy(researcher, ids, 1);
        assertEq(keccak256(abi.encode(passes.pass(passId).datasetIds)), keccak256(abi.encode(ids)));
        for (uint256 i; i < 3; ++i) {
            assertTrue(passes.covers(passId, ids[i], Purposes.HMB));
        }
        assertFalse(passes.covers(passId, german, Purposes.HMB));
    }
}
