// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Purposes, Scopes} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {TestUSDC} from "../../src/development/TestUSDC.sol";
import {BondingCurve} from "../../src/pool/BondingCurve.sol";
import {FeeOnTransferToken, HookToken, Reentrant} from "../support/HostileTokens.sol";
import {Trading} from "../support/Trading.sol";

contract BondingCurveTest is Trading {
    address private immutable second = makeAddr("second");

    function setUp() public override {
        super.setUp();
        _register(second, 2, "DE", 0);
        _fund(researcher, address(curve), 1_000_000_000e6);
        _fund(second, address(curve), 1_000_000_000e6);
    }

    function _mint(address buyer, uint256 usdcIn) private returns (uint256) {
        vm.prank(buyer);
        return curve.mint(usdcIn, 0);
    }

    function _burn(address seller, uint256 units) private returns (uint256) {
        vm.prank(seller);
        return curve.burn(units, 0);
    }

    /// @dev The cost x 2e54, exactly, as a sum of 512-bit products: 2e36 base n + slope (2 s n + n^2).
    function _exact(uint256 base, uint256 slope, uint256 s, uint256 n)
        private
        pure
        returns (uint256 high, uint256 low)
    {
        (high, low) = Math.mul512(2e36 * base, n);
        (uint256 h, uint256 l) = Math.mul512(slope * 2 * s, n);
        (high, low) = _add(high, low, h, l);
        (h, l) = Math.mul512(slope * n, n);
        (high, low) = _add(high, low, h, l);
    }

    function _add(uint256 ah, uint256 al, uint256 bh, uint256 bl)
        private
        pure
        returns (uint256 high, uint256 low)
    {
        (high, low) = Math.add512(al, bl);
        high += ah + bh;
    }

    /// @dev Whether n units cost at most `paid`.
    function _affords(BondingCurve c, uint256 s, uint256 n, uint256 paid) private view returns (bool) {
        (uint256 high, uint256 low) = _exact(c.BASE(), c.SLOPE(), s, n);
        (uint256 h, uint256 l) = Math.mul512(paid, 2e54);
        return high < h || (high == h && low <= l);
    }

    function _assertCovered(BondingCurve c) private view {
        assertTrue(_affords(c, 0, c.totalSupply(), c.reserve()), "the reserve is below the integral");
        assertEq(usdc.balanceOf(address(c)), c.reserve() + c.fees());
    }

    function _assertRefused(address who, bytes memory data_, bytes memory refusal) private {
        _assertReverts(who, address(curve), data_, refusal);
    }

    // ---------------------------------------------------------------- the curve by numbers

    function test_the_first_thousand_units_cost_what_the_formula_says() public view {
        // 1,000 x 8 + 0.002 x 1,000^2 / 2 = 9,000 USDC
        assertEq(curve.costOf(1_000e18), 9_000e6);
        assertEq(curve.costOf(1), 1);
        assertEq(curve.costOf(0), 0);
        assertEq(curve.unitsFor(0), 0);
    }

    function test_minting_and_burning_by_numbers() public {
        // 9,000 is 99 % of 9,090.909091, less the fee rounded up.
        uint256 units = _mint(researcher, 9_090_909_091);
        assertEq(units, 1_000e18);
        assertEq(curve.reserve(), 9_000e6);
        assertEq(curve.fees(), 90_909_091);
        // The upper half of them is worth 500 x 8 + 0.002 (500^2 + 500^2 / 2) = 4,750.
        assertEq(curve.proceedsOf(500e18), 4_750e6);
        assertEq(_burn(researcher, 500e18), 4_750e6 - 47.5e6);
        assertEq(curve.reserve(), 4_250e6);
        _assertCovered(curve);
        vm.prank(stranger);
        assertEq(curve.collectFees(), 90_909_091 + 47.5e6);
        assertEq(usdc.balanceOf(address(treasury)), 90_909_091 + 47.5e6);
        assertEq(curve.fees(), 0);
        _assertCovered(curve);
    }

    function test_a_flat_curve_sells_at_its_base() public {
        BondingCurve flat = _newCurve(3, 0, 0);
        _fund(researcher, address(flat), 10);
        vm.prank(researcher);
        uint256 units = flat.mint(10, 0);
        // Ten thirds, rounded down to the last part.
        assertEq(units, 3_333_333_333_333_333_333);
        vm.prank(researcher);
        assertEq(flat.burn(units, 0), 9);
        _assertCovered(flat);
    }

    function test_a_curve_that_begins_at_zero_works() public {
        BondingCurve steep = _newCurve(0, 1e18, 0);
        _fund(researcher, address(steep), 50);
        vm.prank(researcher);
        // n^2 / 2 = 50
        assertEq(steep.mint(50, 0), 10e18);
        _assertCovered(steep);
    }

    // ---------------------------------------------------------------- the curve by law

    function testFuzz_minting_gives_the_most_units_that_the_payment_affords(
        uint96 base,
        uint96 slope,
        uint64 before,
        uint64 paid
    ) public {
        // As flat as a curve may be, and as steep as 10^10 USDC more for each unit.
        slope = uint96(bound(slope, 1, 1e28));
        base = uint96(bound(base, 0, _min(type(uint64).max, uint256(slope) * 85)));
        BondingCurve c = _newCurve(base, slope, 0);
        _fund(researcher, address(c), type(uint128).max);
        vm.startPrank(researcher);
        uint256 s;
        (bool ok, uint256 n) = _tryUnits(c, before);
        if (ok && n != 0) s = c.mint(before, 0);
        (ok, n) = _tryUnits(c, paid);
        if (!ok) {
            // Only what would lie beyond the greatest supply is refused.
            assertTrue(_affords(c, s, 2 ** 100 - s, paid), "an affordable mint was refused");
            return;
        }
        assertTrue(_affords(c, s, n, paid), "the units cost more than was paid");
        assertFalse(_affords(c, s, n + 1, paid), "one more unit was affordable");
        if (n == 0) return;
        assertEq(c.mint(paid, n), n);
        _assertCovered(c);
        assertLe(c.burn(n, 0), paid, "a round trip made money");
        _assertCovered(c);
    }

    function _tryUnits(BondingCurve c, uint256 paid) private view returns (bool ok, uint256 n) {
        try c.unitsFor(paid) returns (uint256 units) {
            return (true, units);
        } catch {
            return (false, 0);
        }
    }

    function testFuzz_costs_and_proceeds_are_the_integral_rounded_for_the_reserve(
        uint64 before,
        uint256 n,
        uint16 fee
    ) public {
        fee = uint16(bound(fee, 0, 500));
        vm.prank(address(timelock));
        curve.setFee(fee);
        before = uint64(bound(before, 100, 1e15));
        uint256 s = _mint(researcher, before);
        n = bound(n, 0, s);
        // At these sizes nothing needs more than 256 bits: n below 1e28, slope 1e20.
        uint256 top = 2e36 * uint256(BASE) * n / 1e36 + uint256(SLOPE) * (2 * (s - n) + n) / 1e18 * n / 1e18;
        uint256 proceeds = curve.proceedsOf(n);
        assertLe(proceeds * 2e18, top + 4e18);
        assertLe(top, (proceeds + 1) * 2e18 + 4e18);
        uint256 got = _burn(researcher, n);
        assertEq(got, proceeds - (proceeds * fee + 9_999) / 10_000);
        _assertCovered(curve);
    }

    function testFuzz_no_sequence_of_trades_takes_from_the_reserve(uint256 seed) public {
        for (uint256 i; i < 12; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            address who = seed % 2 == 0 ? researcher : second;
            if (seed % 3 == 0) _burn(who, curve.balanceOf(who) * (seed >> 128) / 2 ** 128);
            else _mint(who, 100 + (seed >> 8) % 10 ** (2 + seed % 11));
            _assertCovered(curve);
        }
        _burn(researcher, curve.balanceOf(researcher));
        _burn(second, curve.balanceOf(second));
        assertEq(curve.totalSupply(), 0);
        _assertCovered(curve);
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    // ---------------------------------------------------------------- slippage and sandwiches

    function test_slippage_bounds_hold_in_both_directions() public {
        uint256 expected = curve.unitsFor(1_000e6);
        _assertRefused(
            researcher,
            abi.encodeCall(BondingCurve.mint, (1_000e6, expected + 1)),
            abi.encodeWithSelector(MarketErrors.BondingCurve_BelowMinimum.selector, expected, expected + 1)
        );
        vm.prank(researcher);
        uint256 units = curve.mint(1_000e6, expected);
        uint256 gross = curve.proceedsOf(units);
        uint256 net = gross - (gross + 99) / 100;
        _assertRefused(
            researcher,
            abi.encodeCall(BondingCurve.burn, (units, net + 1)),
            abi.encodeWithSelector(MarketErrors.BondingCurve_BelowMinimum.selector, net, net + 1)
        );
        vm.prank(researcher);
        assertEq(curve.burn(units, net), net);
    }

    function test_a_sandwich_fails_on_the_victims_bound_and_loses_on_small_trades() public {
        uint256 expected = curve.unitsFor(10_000e6);
        uint256 front = _mint(second, 10_000e6);
        // The victim's bound of one per cent stops a trade that was moved too far.
        vm.prank(researcher);
        vm.expectPartialRevert(MarketErrors.BondingCurve_BelowMinimum.selector);
        curve.mint(10_000e6, expected * 99 / 100);
        // Without a victim the attacker has paid both fees for nothing.
        assertLe(_burn(second, front), 10_000e6 - 190e6);
    }

    function test_dust_buys_nothing_and_pays_no_more_than_nothing() public {
        _assertRefused(
            researcher,
            abi.encodeCall(BondingCurve.mint, (1, 0)),
            abi.encodeWithSelector(MarketErrors.BondingCurve_BelowMinimum.selector, 0, 0)
        );
        _mint(researcher, 1_000e6);
        assertEq(_burn(researcher, 1), 0);
        assertEq(_burn(researcher, 0), 0);
        _assertCovered(curve);
    }

    function test_maximum_values_are_refused_and_not_wrapped() public {
        bytes4 above = MarketErrors.BondingCurve_AboveMaximum.selector;
        vm.expectPartialRevert(above);
        curve.unitsFor(type(uint128).max);
        uint256 most = 2 ** 100;
        vm.expectRevert(abi.encodeWithSelector(above, most + 1, most));
        curve.costOf(most + 1);
        curve.costOf(most);
        BondingCurve cheap = _newCurve(1, 0, 0);
        vm.expectPartialRevert(above);
        cheap.unitsFor(type(uint64).max);
    }

    // ---------------------------------------------------------------- redeeming

    function test_units_become_a_licence_and_what_they_cost_becomes_revenue() public {
        uint256[] memory ids = _ids(_pooled(berlin), _pooled(boston));
        // Two datasets of 5,000 records each, three questions.
        assertEq(curve.unitsNeeded(ids, 3), 30e18);
        uint256 units = _mint(researcher, 400e6);
        uint256 worth = curve.proceedsOf(30e18);
        vm.prank(researcher);
        uint256 passId = curve.redeem(ids, Purposes.HMB, 3, 30e18);
        assertEq(passes.ownerOf(passId), researcher);
        assertEq(passes.pass(passId).usesLeft, 3);
        assertEq(curve.balanceOf(researcher), units - 30e18);
        assertEq(splitter.totalOwed() + splitter.buybackReserve() + pool.owed() + claims.owed(), worth);
        _assertCovered(curve);
        _assertRefused(
            researcher,
            abi.encodeCall(BondingCurve.redeem, (ids, Purposes.HMB, 3, 30e18 - 1)),
            abi.encodeWithSelector(MarketErrors.BondingCurve_AboveMaximum.selector, 30e18, 30e18 - 1)
        );
    }

    function test_redeeming_needs_the_units_and_the_law() public {
        uint256[] memory ids = _ids(_pooled(berlin));
        _assertRefused(
            researcher,
            abi.encodeCall(BondingCurve.redeem, (ids, Purposes.HMB, 1, 5e18)),
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, researcher, 0, 5e18)
        );
        _fund(barred, address(curve), 100e6);
        _mint(barred, 100e6);
        _assertRefused(
            barred,
            abi.encodeCall(BondingCurve.redeem, (ids, Purposes.HMB, 1, 5e18)),
            abi.encodeWithSelector(Errors.Blocked.selector, "GDPR Art. 44")
        );
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.LicenceMarket_BadDatasetCount.selector, 17, 16));
        curve.unitsNeeded(new uint256[](17), 1);
    }

    // ---------------------------------------------------------------- who may

    function test_only_verified_parties_buy_and_move_units_but_anyone_leaves() public {
        bytes memory refusal =
            abi.encodeWithSelector(MarketErrors.BondingCurve_NotVerified.selector, stranger);
        _assertRefused(stranger, abi.encodeCall(BondingCurve.mint, (100e6, 0)), refusal);
        uint256 units = _mint(researcher, 100e6);
        _assertRefused(researcher, abi.encodeCall(curve.transfer, (stranger, 1)), refusal);
        vm.prank(researcher);
        assertTrue(curve.transfer(second, units / 2));
        _suspend(second);
        refusal = abi.encodeWithSelector(MarketErrors.BondingCurve_NotVerified.selector, second);
        _assertRefused(second, abi.encodeCall(curve.transfer, (researcher, 1)), refusal);
        _burn(second, units / 2);
        _assertCovered(curve);
    }

    function test_a_pause_stops_minting_and_not_burning() public {
        uint256 units = _mint(researcher, 100e6);
        _pause(Scopes.ALL);
        _assertRefused(
            researcher,
            abi.encodeCall(BondingCurve.mint, (100e6, 0)),
            abi.encodeWithSelector(Errors.CircuitBreaker_Paused.selector, Scopes.TRADING, START + 7 days)
        );
        _burn(researcher, units);
        curve.collectFees();
    }

    function test_units_are_bought_with_one_signature() public {
        vm.prank(researcher);
        usdc.approve(address(curve), 0);
        bytes memory data_ = abi.encodeCall(
            BondingCurve.mintWithPermit, (100e6, 1, _permit("researcher", address(curve), 100e6))
        );
        vm.prank(researcher);
        (bool ok,) = address(curve).call(data_);
        assertTrue(ok);
        assertEq(usdc.balanceOf(researcher), 1_000_000_000e6 - 100e6);
    }

    function test_fees_and_curves_out_of_bounds_are_refused() public {
        bytes memory data_ = abi.encodeCall(BondingCurve.setFee, (501));
        _assertRefused(
            address(timelock), data_, abi.encodeWithSelector(MarketErrors.BondingCurve_BadFee.selector, 501)
        );
        _assertGoverned(address(curve), data_);
        assertEq(curve.feeBps(), CURVE_FEE);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.BondingCurve_BadCurve.selector, 0, 0));
        _newCurve(0, 0, 0);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.BondingCurve_BadCurve.selector, 100, 1));
        _newCurve(100, 1, 0);
    }

    // ---------------------------------------------------------------- tokens

    function _curveOf(TestUSDC token) private returns (BondingCurve) {
        BondingCurve.Peers memory peers = BondingCurve.Peers({
            usdc: token,
            market: market,
            splitter: address(splitter),
            datasets: datasets,
            registry: registry,
            breaker: breaker,
            treasury: address(treasury)
        });
        return new BondingCurve(peers, address(manager), BASE, SLOPE, 0);
    }

    function test_a_token_that_takes_a_fee_is_refused() public {
        FeeOnTransferToken token = new FeeOnTransferToken(address(this));
        BondingCurve c = _curveOf(token);
        token.mint(researcher, 100e6);
        vm.startPrank(researcher);
        token.approve(address(c), 100e6);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.Payments_ShortPayment.selector, 99e6, 100e6));
        c.mint(100e6, 0);
        vm.stopPrank();
    }

    function test_a_seller_that_calls_back_while_it_is_paid_gets_nothing_more() public {
        HookToken token = new HookToken(address(this));
        BondingCurve c = _curveOf(token);
        Reentrant thief = new Reentrant();
        _register(address(thief), 2, "US", 0);
        token.mint(address(thief), 200e6);
        thief.run(address(token), abi.encodeCall(token.approve, (address(c), 200e6)));
        thief.run(address(c), abi.encodeCall(BondingCurve.mint, (200e6, 0)));
        thief.arm(token, address(c), abi.encodeCall(BondingCurve.burn, (1e18, 0)));
        thief.run(address(c), abi.encodeCall(BondingCurve.burn, (10e18, 0)));
        assertTrue(thief.called());
        assertFalse(thief.succeeded());
        assertEq(token.balanceOf(address(c)), c.reserve());
    }

    // ---------------------------------------------------------------- gas

    /// @dev Receipts have 21,000 and the calldata on top of what is measured here.
    function test_minting_and_burning_stay_within_their_gas() public {
        _mint(second, 1_000e6);
        vm.prank(researcher);
        uint256 before = gasleft();
        uint256 units = curve.mint(1_000e6, 1);
        uint256 used = before - gasleft();
        assertLe(used + 21_700, 110_000, "minting costs too much gas");
        vm.prank(researcher);
        before = gasleft();
        curve.burn(units / 2, 1);
        used = before - gasleft();
        assertLe(used + 21_700, 85_000, "burning costs too much gas");
    }
}
