// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Purposes} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {Kinds} from "../../src/common/Kinds.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {Meter, MeterOrder} from "../../src/interfaces/IMeteredLicence.sol";
import {MeteredLicence} from "../../src/market/MeteredLicence.sol";
import {Trading} from "../support/Trading.sol";

contract MeteredLicenceTest is Trading {
    uint256 private german;

    function setUp() public override {
        super.setUp();
        german = _pooled(berlin);
        _fund(researcher, address(meters), 1_000e6);
        _fund(barred, address(meters), 1_000e6);
    }

    function _openCall(uint96 maxPrice, uint96 deposit) private view returns (bytes memory) {
        return abi.encodeCall(
            MeteredLicence.open, (MeterOrder(german, Purposes.HMB, 3, maxPrice, deposit), _noPermit())
        );
    }

    function _opened(uint96 deposit) private returns (uint256) {
        vm.prank(researcher);
        return meters.open(MeterOrder(german, Purposes.HMB, 3, UNIT_PRICE, deposit), _noPermit());
    }

    function _usage(uint256 id, uint64 units, bool last) private returns (Proof memory) {
        return _proof(Kinds.USAGE, bytes32(id), keccak256(abi.encode(address(meters), id, units, last)));
    }

    function _assertRefused(address who, bytes memory data_, bytes memory refusal) private {
        _assertReverts(who, address(meters), data_, refusal);
    }

    function _revenue() private view returns (uint256) {
        return splitter.totalOwed() + splitter.buybackReserve() + pool.owed() + claims.owed();
    }

    function test_use_is_paid_by_attested_counts_and_the_rest_goes_back() public {
        uint256 id = _opened(100e6);
        Meter memory m = meters.meter(id);
        assertEq(passes.ownerOf(m.passId), researcher);
        assertEq(passes.pass(m.passId).usesLeft, 3);
        assertEq(meters.owed(), 100e6);
        meters.settle(id, 10, false, _usage(id, 10, false));
        assertEq(_revenue(), 20e6);
        assertEq(meters.owed(), 80e6);
        // The same count again costs nothing.
        meters.settle(id, 10, false, _usage(id, 10, false));
        assertEq(_revenue(), 20e6);
        meters.settle(id, 15, true, _usage(id, 15, true));
        assertEq(_revenue(), 30e6);
        assertEq(usdc.balanceOf(researcher), 970e6);
        assertEq(meters.owed(), 0);
        _assertHolds(address(meters), 0);
        assertTrue(meters.meter(id).closed);
        assertEq(meters.meterCount(), id);
    }

    function test_no_more_than_the_deposit_is_ever_paid() public {
        uint256 id = _opened(UNIT_PRICE);
        Proof memory proof = _usage(id, type(uint64).max, false);
        meters.settle(id, type(uint64).max, false, proof);
        assertEq(_revenue(), UNIT_PRICE);
        assertEq(meters.owed(), 0);
    }

    function test_without_a_count_everything_goes_back_two_weeks_after_the_end() public {
        uint256 id = _opened(100e6);
        uint64 last = START + TERM + 14 days;
        vm.warp(last);
        bytes memory data_ = abi.encodeCall(MeteredLicence.close, (id));
        _assertRefused(
            stranger, data_, abi.encodeWithSelector(MarketErrors.MeteredLicence_TooEarly.selector, id, last)
        );
        vm.warp(last + 1);
        Proof memory proof = _usage(id, 1, false);
        _assertRefused(
            stranger,
            abi.encodeCall(MeteredLicence.settle, (id, 1, false, proof)),
            abi.encodeWithSelector(MarketErrors.MeteredLicence_TooLate.selector, id, last)
        );
        vm.prank(stranger);
        meters.close(id);
        assertEq(usdc.balanceOf(researcher), 1_000e6);
        bytes memory over = abi.encodeWithSelector(MarketErrors.MeteredLicence_NotRunning.selector, id);
        _assertRefused(stranger, data_, over);
        over = abi.encodeWithSelector(MarketErrors.MeteredLicence_NotRunning.selector, 99);
        _assertRefused(stranger, abi.encodeCall(MeteredLicence.close, (99)), over);
    }

    function test_counts_do_not_fall_and_must_be_attested() public {
        uint256 id = _opened(100e6);
        meters.settle(id, 10, false, _usage(id, 10, false));
        Proof memory proof = _usage(id, 9, false);
        _assertRefused(
            stranger,
            abi.encodeCall(MeteredLicence.settle, (id, 9, false, proof)),
            abi.encodeWithSelector(MarketErrors.MeteredLicence_CountFell.selector, id, 9, 10)
        );
        proof = _usage(id, 11, false);
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        meters.settle(id, 12, false, proof);
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        meters.settle(id, 11, true, proof);
    }

    function test_a_licence_keeps_the_price_it_was_opened_at() public {
        uint256 id = _opened(100e6);
        vm.prank(address(timelock));
        meters.setUnitPrice(1, 50e6);
        meters.settle(id, 1, false, _usage(id, 1, false));
        assertEq(_revenue(), UNIT_PRICE);
    }

    function test_what_cannot_be_sold_is_refused() public {
        _assertRefused(
            researcher,
            _openCall(UNIT_PRICE - 1, 100e6),
            abi.encodeWithSelector(
                MarketErrors.MeteredLicence_PriceAboveMaximum.selector, UNIT_PRICE, UNIT_PRICE - 1
            )
        );
        _assertRefused(
            researcher,
            _openCall(UNIT_PRICE, UNIT_PRICE - 1),
            abi.encodeWithSelector(
                MarketErrors.MeteredLicence_DepositTooLow.selector, UNIT_PRICE - 1, UNIT_PRICE
            )
        );
        _assertRefused(
            barred,
            _openCall(UNIT_PRICE, 100e6),
            abi.encodeWithSelector(Errors.Blocked.selector, "GDPR Art. 44")
        );
        vm.prank(address(timelock));
        meters.setUnitPrice(1, 0);
        assertEq(meters.unitPrice(1), 0);
        _assertRefused(
            researcher,
            _openCall(UNIT_PRICE, 100e6),
            abi.encodeWithSelector(MarketErrors.MeteredLicence_NotForSale.selector, 1)
        );
    }

    function test_prices_are_of_existing_classes_and_governed() public {
        for (uint8 i; i < 8; i += 7) {
            _assertRefused(
                address(timelock),
                abi.encodeCall(MeteredLicence.setUnitPrice, (i, 1)),
                abi.encodeWithSelector(MarketErrors.LicenceMarket_BadDataClass.selector, i)
            );
        }
        _assertGoverned(address(meters), abi.encodeCall(MeteredLicence.setUnitPrice, (1, 1)));
    }

    function testFuzz_paid_and_returned_are_the_deposit(uint96 deposit, uint96 price, uint64 units) public {
        price = uint96(bound(price, 1, type(uint96).max));
        deposit = uint96(bound(deposit, price, type(uint96).max));
        vm.prank(address(timelock));
        meters.setUnitPrice(1, price);
        _giveUSDC(researcher, deposit);
        vm.prank(researcher);
        uint256 id = meters.open(MeterOrder(german, Purposes.HMB, 1, price, deposit), _noPermit());
        meters.settle(id, units, true, _usage(id, units, true));
        uint256 cost = uint256(units) * price;
        if (cost > deposit) cost = deposit;
        assertEq(_revenue(), cost);
        assertEq(usdc.balanceOf(researcher), 1_000e6 + uint256(deposit) - cost);
        _assertHolds(address(meters), 0);
    }
}
