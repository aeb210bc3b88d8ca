// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyRoles, Purposes, Scopes} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {Kinds} from "../../src/common/Kinds.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {Sigmoid} from "../../src/common/Sigmoid.sol";
import {Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {Features, PriceCurve} from "../../src/interfaces/IDatasetExchange.sol";
import {DatasetExchange} from "../../src/pool/DatasetExchange.sol";
import {Trading} from "../support/Trading.sol";

contract SigmoidTest is Trading {
    function setUp() public override {}

    function _assertClose(uint256 left, uint256 right, uint256 most) private pure {
        assertLe(left > right ? left - right : right - left, most);
    }

    /// @dev Values of 1 / (1 + exp(-z)) to 18 places, computed with 60 digits.
    function test_known_values_are_met_to_the_last_place() public pure {
        assertEq(Sigmoid.value(0), 0.5e18);
        _assertClose(Sigmoid.value(1e18), 731_058_578_630_004_879, 1);
        _assertClose(Sigmoid.value(-1e18), 268_941_421_369_995_120, 1);
        _assertClose(Sigmoid.value(2e18), 880_797_077_977_882_444, 1);
        _assertClose(Sigmoid.value(0.5e18), 622_459_331_201_854_564, 1);
        _assertClose(Sigmoid.value(5e18), 993_307_149_075_715_144, 1);
        _assertClose(Sigmoid.value(-10e18), 45_397_868_702_434, 1);
        _assertClose(Sigmoid.value(-20e18), 2_061_153_618, 1);
        _assertClose(Sigmoid.value(-40e18), 4, 1);
    }

    function test_far_out_it_is_zero_and_one_and_never_reverts() public pure {
        assertEq(Sigmoid.value(63e18), 1e18);
        assertEq(Sigmoid.value(-63e18), 0);
        assertEq(Sigmoid.value(type(int256).max), 1e18);
        assertEq(Sigmoid.value(type(int256).min), 0);
    }

    /// @dev Against another way: exp(-y) = (1 - y / 2^40)^(2^40) by forty squarings in parts of 1e36 has a relative error
    /// of about y^2 / 2^41, which is below 1e-9 here.
    function testFuzz_it_agrees_with_repeated_squaring(uint256 seed) public pure {
        uint256 y = bound(seed, 0, 40e18);
        uint256 e = 1e36 - y * 1e18 / 2 ** 40;
        for (uint256 i; i < 40; ++i) {
            e = e * e / 1e36;
        }
        uint256 expected = 1e36 * 1e18 / (1e36 + e);
        // forge-lint: disable-next-line(unsafe-typecast)
        int256 z = int256(y);
        _assertClose(Sigmoid.value(z), expected, 1e9);
        _assertClose(Sigmoid.value(-z), 1e18 - expected, 1e9);
    }

    function testFuzz_both_sides_add_up_to_one_and_it_rises(int256 z, uint256 step) public pure {
        // forge-lint: disable-next-line(unsafe-typecast)
        z = int256(bound(uint256(z), 0, 80e18));
        _assertClose(Sigmoid.value(z) + Sigmoid.value(-z), 1e18, 1);
        // forge-lint: disable-next-line(unsafe-typecast)
        int256 further = z + int256(bound(step, 0, 10e18));
        assertLe(Sigmoid.value(z), Sigmoid.value(further) + 1);
        assertLe(Sigmoid.value(-further), Sigmoid.value(-z) + 1);
    }
}

contract DatasetExchangeTest is Trading {
    address private immutable paris = makeAddr("paris");
    uint256 private german;
    uint256 private french;
    uint256 private american;

    function setUp() public override {
        super.setUp();
        // Custodians who also do research.
        _register(paris, PartyRoles.CUSTODIAN | PartyRoles.RESEARCHER, "FR", 0);
        vm.prank(registrar);
        registry.update(berlin, _participant(PartyRoles.CUSTODIAN | PartyRoles.RESEARCHER, "DE", 0));
        german = _pooled(berlin);
        french = _pooled(paris);
        american = _pooled(boston);
        _assess(german, 5_000);
        _assess(french, 5_000);
        _assess(american, 8_000);
    }

    function _features(uint16 all) private pure returns (Features memory) {
        return Features(all, all, all, all);
    }

    function _featuresProof(uint256 id, Features memory f) private returns (Proof memory) {
        return _proof(
            Kinds.FEATURES,
            bytes32(id),
            keccak256(abi.encode(id, f.completeness, f.rarity, f.sensitivity, f.breadth))
        );
    }

    function _assess(uint256 id, uint16 all) private {
        Features memory f = _features(all);
        exchange.setFeatures(id, f, _featuresProof(id, f));
    }

    function _bring(address who, uint256 id, uint32 uses) private {
        vm.prank(who);
        exchange.bring(id, uses);
    }

    function _assertRefused(address who, bytes memory data_, bytes memory refusal) private {
        _assertReverts(who, address(exchange), data_, refusal);
    }

    function _swapCall(uint256 give, uint32 giveUses, uint256 want, uint32 wantUses, uint256 most)
        private
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(DatasetExchange.swap, (give, giveUses, want, wantUses, most));
    }

    // ---------------------------------------------------------------- prices

    function test_prices_follow_the_curve() public {
        // In the middle, half way: 10 + 100 / 2.
        assertEq(exchange.priceOf(german), 60e6);
        // 10 + 100 / (1 + exp(-10 (0.8 - 0.5))) = 105.2574126822...
        assertEq(exchange.priceOf(american), 105_257_412);
        vm.warp(START + 1);
        _assess(german, 0);
        // 10 + 100 / (1 + exp(5)) = 10.6692850924...
        assertEq(exchange.priceOf(german), 10_669_285);
        // With the fee of one per cent, rounded up.
        assertEq(exchange.chargeFor(american, 3), 318_929_959);
    }

    function testFuzz_a_better_dataset_never_costs_less_and_prices_stay_between_floor_and_cap(
        uint16 a,
        uint16 b,
        uint16 c,
        uint16 d,
        uint16 more
    ) public {
        Features memory f;
        f.completeness = uint16(bound(a, 0, 10_000));
        f.rarity = uint16(bound(b, 0, 10_000));
        f.sensitivity = uint16(bound(c, 0, 10_000));
        f.breadth = uint16(bound(d, 0, 10_000));
        vm.warp(START + 1);
        exchange.setFeatures(german, f, _featuresProof(german, f));
        uint256 price = exchange.priceOf(german);
        assertLe(10e6, price);
        assertLe(price, 110e6);
        f.rarity = uint16(bound(more, f.rarity, 10_000));
        vm.warp(START + 2);
        exchange.setFeatures(german, f, _featuresProof(german, f));
        assertLe(price, exchange.priceOf(german));
    }

    function test_features_are_attested_bounded_and_never_older() public {
        Features memory f = _features(10_001);
        Proof memory proof = _featuresProof(german, f);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.DatasetExchange_BadFeature.selector, 10_001));
        exchange.setFeatures(german, f, proof);
        f = _features(1);
        proof = _featuresProof(german, f);
        vm.expectRevert(
            abi.encodeWithSelector(MarketErrors.DatasetExchange_OldFeatures.selector, german, START, START)
        );
        exchange.setFeatures(german, f, proof);
        vm.warp(START + 1);
        proof = _featuresProof(german, f);
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        exchange.setFeatures(french, f, proof);
        exchange.setFeatures(german, f, proof);
        assertEq(exchange.listing(german).assessedAt, START + 1);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.DatasetExchange_NotAssessed.selector, 99));
        exchange.priceOf(99);
    }

    // ---------------------------------------------------------------- swapping

    function test_uses_of_one_dataset_become_uses_of_another_and_a_licence() public {
        _bring(boston, american, 10);
        assertEq(exchange.creditOf(boston), 1_052_574_120);
        vm.prank(berlin);
        exchange.swap(german, 4, american, 2, 0);
        // Brought 240, taken 2 x 105.257412 and one per cent, rounded up.
        assertEq(exchange.creditOf(berlin), 240e6 - 212_619_973);
        assertEq(exchange.usesOf(berlin, american), 2);
        assertEq(exchange.listing(american).stock, 8);
        assertEq(exchange.listing(german).stock, 4);

        vm.prank(berlin);
        uint256 passId = exchange.redeem(american, 1, Purposes.HMB);
        assertEq(passes.ownerOf(passId), berlin);
        assertEq(passes.pass(passId).usesLeft, 1);
        assertEq(exchange.usesOf(berlin, american), 1);
        _assertRefused(
            berlin,
            abi.encodeCall(DatasetExchange.redeem, (american, 2, Purposes.HMB)),
            abi.encodeWithSelector(MarketErrors.DatasetExchange_TooFewUses.selector, american, 1, 2)
        );
        // And back: who brought first takes with its credit.
        vm.prank(registrar);
        registry.update(boston, _participant(PartyRoles.CUSTODIAN | PartyRoles.RESEARCHER, "US", 1));
        vm.prank(boston);
        exchange.take(german, 4, 242.4e6);
        assertEq(exchange.creditOf(boston), 1_052_574_120 - 242.4e6);
        assertEq(exchange.usesOf(boston, german), 4);
    }

    function test_a_swap_may_cost_credit_up_to_the_callers_bound() public {
        _bring(boston, american, 10);
        _bring(berlin, german, 10);
        uint256 charge = exchange.chargeFor(american, 2) - 60e6;
        _assertRefused(
            berlin,
            _swapCall(german, 1, american, 2, charge - 1),
            abi.encodeWithSelector(MarketErrors.DatasetExchange_AboveMaximum.selector, charge, charge - 1)
        );
        vm.prank(berlin);
        exchange.swap(german, 1, american, 2, charge);
        assertEq(exchange.creditOf(berlin), 600e6 - charge);
    }

    function test_a_swap_that_comes_out_even_moves_no_credit() public {
        vm.prank(address(timelock));
        exchange.setTerms(0, 100);
        _bring(paris, french, 1);
        vm.prank(berlin);
        exchange.swap(german, 1, french, 1, 0);
        assertEq(exchange.creditOf(berlin), 0);
        assertEq(exchange.usesOf(berlin, french), 1);
    }

    function test_a_refused_swap_names_the_law() public {
        _bring(paris, french, 1);
        // Boston is no researcher; then it is one without the safeguard.
        _assertRefused(
            boston,
            _swapCall(american, 1, french, 1, 0),
            abi.encodeWithSelector(Errors.Blocked.selector, "role not held")
        );
        vm.prank(registrar);
        registry.update(boston, _participant(PartyRoles.CUSTODIAN | PartyRoles.RESEARCHER, "US", 0));
        _assertRefused(
            boston,
            _swapCall(american, 1, french, 1, 0),
            abi.encodeWithSelector(Errors.Blocked.selector, "GDPR Art. 46")
        );
    }

    function test_what_was_brought_and_not_taken_goes_back_for_the_credit() public {
        _bring(berlin, german, 3);
        bytes memory data_ = abi.encodeCall(DatasetExchange.bringBack, (german, 2));
        _assertRefused(
            paris,
            data_,
            abi.encodeWithSelector(MarketErrors.DatasetExchange_NotCustodian.selector, german, paris)
        );
        vm.prank(berlin);
        exchange.bringBack(german, 2);
        assertEq(exchange.creditOf(berlin), 60e6);
        assertEq(exchange.listing(german).stock, 1);
        // When the price has risen, one credit no longer buys the use back.
        vm.warp(START + 1);
        _assess(german, 10_000);
        uint256 price = exchange.priceOf(german);
        _assertRefused(
            berlin,
            abi.encodeCall(DatasetExchange.bringBack, (german, 1)),
            abi.encodeWithSelector(MarketErrors.DatasetExchange_TooLittleCredit.selector, 60e6, price)
        );
    }

    function test_stock_is_bounded_and_uses_are_counted() public {
        bytes4 cap = MarketErrors.DatasetExchange_AboveStockCap.selector;
        bytes memory data_ = abi.encodeCall(DatasetExchange.bring, (german, 101));
        _assertRefused(berlin, data_, abi.encodeWithSelector(cap, german, 101, 100));
        data_ = abi.encodeCall(DatasetExchange.bring, (german, 0));
        _assertRefused(berlin, data_, abi.encodeWithSelector(cap, german, 0, 100));
        _bring(berlin, german, 100);
        data_ = abi.encodeCall(DatasetExchange.bring, (german, type(uint32).max));
        _assertRefused(
            berlin, data_, abi.encodeWithSelector(cap, german, uint256(type(uint32).max) + 100, 100)
        );
        bytes4 few = MarketErrors.DatasetExchange_TooFewUses.selector;
        data_ = abi.encodeCall(DatasetExchange.take, (german, 101, 1e18));
        _assertRefused(paris, data_, abi.encodeWithSelector(few, german, 100, 101));
        data_ = abi.encodeCall(DatasetExchange.take, (german, 0, 1e18));
        _assertRefused(paris, data_, abi.encodeWithSelector(few, german, 100, 0));
        data_ = abi.encodeCall(DatasetExchange.take, (german, 1, 1e18));
        _assertRefused(
            paris,
            data_,
            abi.encodeWithSelector(MarketErrors.DatasetExchange_TooLittleCredit.selector, 0, 60.6e6)
        );
    }

    function test_only_custodians_of_live_datasets_trade() public {
        bytes memory data_ = abi.encodeCall(DatasetExchange.bring, (german, 1));
        _assertRefused(
            paris,
            data_,
            abi.encodeWithSelector(MarketErrors.DatasetExchange_NotCustodian.selector, german, paris)
        );
        _assertRefused(
            researcher,
            abi.encodeCall(DatasetExchange.take, (german, 1, 1)),
            abi.encodeWithSelector(
                MarketErrors.DatasetExchange_NotInGoodStanding.selector, researcher, "role not held"
            )
        );
        _bring(berlin, german, 5);
        _announce(berlin, german);
        bytes memory gone = abi.encodeWithSelector(MarketErrors.DatasetExchange_NotLive.selector, german);
        _assertRefused(berlin, data_, gone);
        _assertRefused(paris, _swapCall(french, 1, german, 1, 0), gone);
        _suspend(paris);
        _assertRefused(
            paris,
            abi.encodeCall(DatasetExchange.bring, (french, 1)),
            abi.encodeWithSelector(
                MarketErrors.DatasetExchange_NotInGoodStanding.selector, paris, "suspended"
            )
        );
    }

    function test_a_pause_stops_trading_and_not_taking_back() public {
        _bring(berlin, german, 5);
        _pause(Scopes.ALL);
        bytes memory paused =
            abi.encodeWithSelector(Errors.CircuitBreaker_Paused.selector, Scopes.TRADING, START + 7 days);
        _assertRefused(berlin, abi.encodeCall(DatasetExchange.bring, (german, 1)), paused);
        _assertRefused(paris, abi.encodeCall(DatasetExchange.take, (german, 1, 1)), paused);
        _assertRefused(paris, _swapCall(french, 1, german, 1, 0), paused);
        vm.prank(berlin);
        exchange.bringBack(german, 5);
        assertEq(exchange.creditOf(berlin), 0);
    }

    // ---------------------------------------------------------------- governance

    function _assertBadCurve(PriceCurve memory c, string memory part) private {
        _assertRefused(
            address(timelock),
            abi.encodeCall(DatasetExchange.setPriceCurve, (c)),
            abi.encodeWithSelector(MarketErrors.DatasetExchange_BadCurve.selector, part)
        );
    }

    function test_curves_and_terms_out_of_bounds_are_refused() public {
        PriceCurve memory c = _priceCurve();
        c.floor = 0;
        _assertBadCurve(c, "floor");
        c.floor = c.cap + 1;
        _assertBadCurve(c, "floor");
        c = _priceCurve();
        c.steepness = 1_000e18 + 1;
        _assertBadCurve(c, "steepness");
        c = _priceCurve();
        c.midpoint = 1e18 + 1;
        _assertBadCurve(c, "midpoint");
        c = _priceCurve();
        c.breadth += 1;
        _assertBadCurve(c, "weights");
        _assertRefused(
            address(timelock),
            abi.encodeCall(DatasetExchange.setTerms, (1_001, 1)),
            abi.encodeWithSelector(MarketErrors.DatasetExchange_BadFee.selector, 1_001)
        );
        _assertGoverned(address(exchange), abi.encodeCall(DatasetExchange.setPriceCurve, (_priceCurve())));
        _assertGoverned(address(exchange), abi.encodeCall(DatasetExchange.setTerms, (1, 1)));
        c = _priceCurve();
        c.cap = 210e6;
        vm.prank(address(timelock));
        exchange.setPriceCurve(c);
        assertEq(exchange.priceOf(german), 110e6);
        assertEq(exchange.priceCurve().cap, 210e6);
        (uint16 fee, uint32 cap) = exchange.exchangeTerms();
        assertEq(fee, 100);
        assertEq(cap, 100);
    }

    /// @dev Receipts have 21,000 and the calldata on top of what is measured here. A party's first swap also pays 34,200
    /// for the two slots that it opens, its credit and its uses.
    function test_a_swap_with_compliance_inside_stays_within_its_gas() public {
        _bring(paris, french, 10);
        vm.prank(berlin);
        exchange.swap(german, 2, french, 1, 0);
        vm.prank(berlin);
        uint256 before = gasleft();
        exchange.swap(german, 2, french, 1, 0);
        uint256 used = before - gasleft();
        assertLe(used + 22_000, 150_000, "a swap costs too much gas");
    }
}
