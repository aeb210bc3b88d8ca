// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {Escrow} from "../../src/market/Escrow.sol";
import {RebasingToken} from "../support/HostileTokens.sol";
import {Trading} from "../support/Trading.sol";

/// @notice What happens to those who bring a token, an amount or a number of people that nobody expects.
contract HostileTest is Trading {
    uint96 private constant AMOUNT = 100e6;

    RebasingToken private token;
    Escrow private deals;

    function setUp() public override {
        super.setUp();
        token = new RebasingToken(address(this));
        deals = Escrow(
            _proxy(
                address(new Escrow(token, registry, breaker)),
                abi.encodeCall(Escrow.initialize, (address(manager), _arbitration()))
            )
        );
        token.mint(researcher, 3 * AMOUNT);
        vm.prank(researcher);
        token.approve(address(deals), type(uint256).max);
    }

    function _open() private returns (uint256 id) {
        vm.startPrank(researcher);
        id = deals.open(berlin, AMOUNT, "terms", uint64(block.timestamp + 5 days), 3 days, _noPermit());
        vm.stopPrank();
    }

    function _release(uint256 id) private {
        vm.prank(researcher);
        deals.release(id);
    }

    function test_a_token_that_shrinks_is_paid_out_until_it_is_gone_and_never_twice() public {
        (uint256 first, uint256 second) = (_open(), _open());
        token.rebase(5_000);
        assertEq(token.balanceOf(address(deals)), AMOUNT);
        _release(first);
        assertEq(token.balanceOf(berlin), AMOUNT);
        // What is no longer there is credited, and paid when it came back.
        _release(second);
        assertEq(token.balanceOf(berlin), AMOUNT);
        assertEq(deals.due(berlin), AMOUNT);
        assertEq(deals.owed(), AMOUNT);
        token.mint(address(deals), AMOUNT);
        deals.withdrawDue(berlin);
        assertEq(token.balanceOf(berlin), 2 * AMOUNT);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.Dues_NothingDue.selector, berlin));
        deals.withdrawDue(berlin);
    }

    function test_what_a_token_grows_by_belongs_to_nobody_and_changes_no_debt() public {
        uint256 id = _open();
        token.rebase(20_000);
        assertEq(token.balanceOf(address(deals)), 2 * AMOUNT);
        _release(id);
        assertEq(token.balanceOf(berlin), AMOUNT);
        assertEq(deals.owed(), 0);
    }

    // ---------------------------------------------------------------- a million holders, by arithmetic

    /// @dev A share in a million gets a millionth, whoever holds the others: no loop, and nothing is lost to rounding.
    function test_one_of_a_million_holders_gets_a_millionth_and_its_fractions_wait() public {
        uint256 id = _mint(berlin, _mintRequest(1, 1_000_000, 1_000_000));
        _deposit(berlin, id, _neutral());
        address ada = _join("ada");
        _transferShares(berlin, ada, 1e18);
        _yield(1e6);
        assertEq(pool.claimable(ada), 1);
        assertEq(pool.claimable(berlin), 999_999);
        pool.claimRewards(ada);
        _yield(1e6 - 1);
        assertEq(pool.claimable(ada), 0);
        _yield(1);
        assertEq(pool.claimable(ada), 1);
    }

    function test_the_greatest_pool_and_payment_that_can_be_do_not_overflow() public {
        uint256 id = _mint(berlin, _mintRequest(1, 1, type(uint64).max));
        _deposit(berlin, id, _neutral());
        // As much USDC as there will ever be, a million times.
        _yield(1e24);
        _yield(1e24);
        // With 2^64 shares a step of the accumulator is worth 2^64 x 1e18 / 1e36 = 18.4 units; less than one is carried.
        assertGe(pool.claimable(berlin), 2e24 - 19);
        assertLe(pool.claimable(berlin), 2e24);
        pool.claimRewards(berlin);
    }

    function _yield(uint256 amount) private {
        _giveUSDC(address(pool), amount);
        vm.prank(address(splitter));
        pool.notifyYield(amount);
    }
}
