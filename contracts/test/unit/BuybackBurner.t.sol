// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {AccessRoles} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {RewardErrors} from "../../src/common/RewardErrors.sol";
import {BuybackTerms, IBuybackBurner} from "../../src/interfaces/IBuybackBurner.sol";
import {IDataMarket} from "../../src/interfaces/IDataMarket.sol";
import {IDataToken} from "../../src/interfaces/IDataToken.sol";
import {BuybackBurner} from "../../src/rewards/BuybackBurner.sol";
import {RevenueSplitter} from "../../src/rewards/RevenueSplitter.sol";
import {RewardsScene} from "../support/RewardsScene.sol";

/// @notice x y = k without a fee, which anyone can trade with, before and after the one who is watched.
contract Amm is IDataMarket {
    IERC20 private immutable USDC;
    IERC20 private immutable DATA;

    constructor(IERC20 usdc, IERC20 data) {
        (USDC, DATA) = (usdc, data);
    }

    function buyData(uint256 usdcIn, uint256 minDataOut, address to)
        external
        virtual
        returns (uint256 dataOut)
    {
        (uint256 x, uint256 y) = (USDC.balanceOf(address(this)), DATA.balanceOf(address(this)));
        dataOut = y * usdcIn / (x + usdcIn);
        require(dataOut >= minDataOut, "slippage");
        require(USDC.transferFrom(msg.sender, address(this), usdcIn), "payment");
        require(DATA.transfer(to, dataOut), "delivery");
    }
}

/// @notice Takes the money and says that it delivered.
contract Liar is IDataMarket {
    IERC20 private immutable USDC;

    constructor(IERC20 usdc) {
        USDC = usdc;
    }

    function buyData(uint256 usdcIn, uint256 minDataOut, address) external returns (uint256) {
        require(USDC.transferFrom(msg.sender, address(this), usdcIn), "payment");
        return minDataOut;
    }
}

/// @notice Comes back while it is asked.
contract Returning is IDataMarket {
    function buyData(uint256 usdcIn, uint256, address) external returns (uint256) {
        return IBuybackBurner(msg.sender).buy(usdcIn);
    }
}

/// @notice Takes nothing and gives nothing.
contract Closed is IDataMarket {
    function buyData(uint256, uint256, address) external pure returns (uint256) {
        return 0;
    }
}

contract BuybackBurnerTest is RewardsScene {
    Amm private amm;

    function setUp() public override {
        super.setUp();
        amm = new Amm(usdc, data);
        _giveData(boston, 100_000e18);
    }

    function _set(BuybackTerms memory t) private {
        vm.prank(address(timelock));
        burner.setTerms(t);
    }

    function _setMarket(address market) private {
        BuybackTerms memory t = _buyTerms();
        t.market = market;
        _set(t);
    }

    function _sell(address seller, uint256 amount, uint256 least) private returns (uint256) {
        vm.startPrank(seller);
        data.approve(address(burner), amount);
        uint256 out = burner.sell(amount, least);
        vm.stopPrank();
        return out;
    }

    // ---------------------------------------------------------------- revenue

    function test_revenue_that_is_kept_for_it_buys_and_burns_and_the_supply_falls_by_exactly_that() public {
        uint256 dataset = _pooled(berlin);
        _buy(researcher, _ids(dataset), 1);
        uint256 reserve = splitter.buybackReserve();
        vm.prank(stranger);
        assertEq(burner.collect(), reserve);
        assertEq(burner.funds(), reserve);
        assertEq(splitter.buybackReserve(), 0);
        vm.expectRevert(RewardErrors.BuybackBurner_NothingToCollect.selector);
        burner.collect();

        uint256 supply = data.totalSupply();
        assertEq(_sell(boston, 10e18, 1e6), 1e6);
        assertEq(data.totalSupply(), supply - 10e18);
        assertEq(usdc.balanceOf(boston), 1e6);
        assertEq(burner.funds(), reserve - 1e6);
    }

    function test_a_governed_part_rewards_contributors_again() public {
        BuybackTerms memory t = _buyTerms();
        t.burnBps = 2_500;
        _set(t);
        _giveUSDC(address(burner), 10e6);
        uint256 supply = data.totalSupply();
        _sell(boston, 100e18 + 1, 0);
        assertEq(supply - data.totalSupply(), 25e18 + 1);
        assertEq(rewards.reserve(), 75e18);
        t.burnBps = 0;
        _set(t);
        _giveUSDC(address(burner), 10e6);
        supply = data.totalSupply();
        _sell(boston, 100e18, 0);
        assertEq(data.totalSupply(), supply);
        assertEq(rewards.reserve(), 175e18);
    }

    // ---------------------------------------------------------------- the price

    function test_the_price_rises_while_nobody_sells_and_falls_by_what_was_bought() public {
        _giveUSDC(address(burner), 10_000e6);
        assertEq(burner.price(), 0.1e6);
        vm.warp(START + 12 hours);
        assertEq(burner.price(), 0.3e6);
        // A fifth of the limit takes a fifth of the elapsed time.
        assertEq(_sell(boston, 666.7e18, 0), 200.01e6);
        assertEq(burner.price(), 0.1e6 + 0.4e6 * (uint256(43_200) * 799_990_000 / 1_000_000_000) / 86_400);
        vm.warp(START + 10 days);
        assertEq(burner.price(), 0.5e6);
        _sell(boston, 2_000e18, 1_000e6);
        assertEq(burner.price(), 0.1e6);
    }

    function test_a_sale_of_dust_does_not_hold_the_price_down() public {
        _giveUSDC(address(burner), 10_000e6);
        vm.warp(START + 1 days);
        for (uint256 i; i < 10; ++i) {
            _sell(boston, 1e15, 0);
        }
        assertGe(burner.price(), 0.4999e6);
    }

    function testFuzz_what_is_paid_is_the_price_rounded_down_and_never_above_the_cap(
        uint32 wait,
        uint96 amount,
        uint64 floorPrice,
        uint64 spread,
        uint32 ramp
    ) public {
        BuybackTerms memory t = _buyTerms();
        t.floorPrice = bound64(floorPrice, 1, 1e12);
        t.capPrice = t.floorPrice + bound64(spread, 0, 1e12);
        t.ramp = uint48(bound(ramp, 1, 365 days));
        t.limit = 1e30;
        _set(t);
        _giveUSDC(address(burner), 1e30);
        vm.warp(START + wait);
        uint256 elapsed = wait < t.ramp ? wait : t.ramp;
        uint256 price = t.floorPrice + uint256(t.capPrice - t.floorPrice) * elapsed / t.ramp;
        assertEq(burner.price(), price);
        assertLe(price, t.capPrice);

        amount = uint96(bound(amount, 1, 100_000e18));
        uint256 expected = uint256(amount) * price / 1e18;
        if (expected == 0) return;
        assertEq(_sell(boston, amount, expected), expected);
        uint256 left = elapsed * (t.limit - expected) / t.limit;
        assertEq(burner.price(), t.floorPrice + uint256(t.capPrice - t.floorPrice) * left / t.ramp);
    }

    function bound64(uint64 value, uint256 low, uint256 high) private pure returns (uint64) {
        return uint64(bound(value, low, high));
    }

    // ---------------------------------------------------------------- selling

    function test_a_seller_gets_no_less_than_they_accept() public {
        _giveUSDC(address(burner), 10e6);
        vm.startPrank(boston);
        data.approve(address(burner), 10e18);
        vm.expectRevert(
            abi.encodeWithSelector(RewardErrors.BuybackBurner_BelowMinimum.selector, 1e6, 1e6 + 1)
        );
        burner.sell(10e18, 1e6 + 1);
        vm.stopPrank();
    }

    function test_nothing_above_the_limit_or_what_is_held_is_spent() public {
        vm.startPrank(boston);
        data.approve(address(burner), type(uint256).max);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.BuybackBurner_AboveLimit.selector, 1e6, 0));
        burner.sell(10e18, 0);
        vm.stopPrank();
        _giveUSDC(address(burner), 5_000e6);
        vm.startPrank(boston);
        vm.expectRevert(
            abi.encodeWithSelector(RewardErrors.BuybackBurner_AboveLimit.selector, 1_000.1e6, 1_000e6)
        );
        burner.sell(10_001e18, 0);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.BuybackBurner_AboveLimit.selector, 0, 1_000e6));
        burner.sell(1, 0);
        vm.stopPrank();
    }

    function test_a_pause_of_trading_stops_it() public {
        _pause(4);
        bytes memory refusal =
            abi.encodeWithSelector(Errors.CircuitBreaker_Paused.selector, 4, START + 7 days);
        vm.expectRevert(refusal);
        burner.sell(1, 0);
        vm.expectRevert(refusal);
        burner.buy(1);
    }

    // ---------------------------------------------------------------- buying on a market

    function test_it_buys_on_the_market_while_that_is_cheap_enough() public {
        _setMarket(address(amm));
        // 0.05 USDC for one DATA.
        _giveUSDC(address(amm), 1_000e6);
        _giveData(address(amm), 20_000e18);
        _giveUSDC(address(burner), 100e6);
        uint256 supply = data.totalSupply();
        uint256 bought = burner.buy(100e6);
        assertEq(bought, uint256(20_000e18) * 100 / 1_100);
        assertEq(data.totalSupply(), supply - bought);
        assertEq(burner.funds(), 0);
        assertEq(usdc.allowance(address(burner), address(amm)), 0);
    }

    function test_whoever_moves_the_market_before_the_purchase_makes_it_fail_and_not_dear() public {
        _setMarket(address(amm));
        _giveUSDC(address(amm), 1_000e6);
        _giveData(address(amm), 20_000e18);
        _giveUSDC(address(burner), 100e6);
        // Somebody buys first, so that the purchase pays more, to sell after it.
        _giveUSDC(stranger, 1_000e6);
        vm.startPrank(stranger);
        usdc.approve(address(amm), 1_000e6);
        amm.buyData(1_000e6, 0, stranger);
        vm.stopPrank();
        vm.expectRevert(bytes("slippage"));
        burner.buy(100e6);
        assertEq(burner.funds(), 100e6);
    }

    function test_a_market_that_lies_or_comes_back_or_does_nothing_is_not_paid() public {
        _giveUSDC(address(burner), 100e6);
        _setMarket(address(new Liar(usdc)));
        vm.expectRevert(
            abi.encodeWithSelector(RewardErrors.BuybackBurner_TooDear.selector, 100e6, 0, 1_000e18)
        );
        burner.buy(100e6);
        _setMarket(address(new Returning()));
        vm.expectRevert(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        burner.buy(50e6);
        _setMarket(address(new Closed()));
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.BuybackBurner_TooDear.selector, 0, 0, 0));
        burner.buy(100e6);
        assertEq(burner.funds(), 100e6);
    }

    function test_it_buys_nowhere_while_no_market_is_named_and_within_its_limits() public {
        vm.expectRevert(RewardErrors.BuybackBurner_NoMarket.selector);
        burner.buy(1);
        _setMarket(address(amm));
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.BuybackBurner_AboveLimit.selector, 1, 0));
        burner.buy(1);
    }

    // ---------------------------------------------------------------- governance

    function test_governance_sets_terms_inside_their_bounds() public {
        BuybackTerms memory t = _buyTerms();
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        burner.setTerms(t);
        t.floorPrice = 0;
        _refuse(t, "price");
        t.floorPrice = 0.5e6 + 1;
        _refuse(t, "price");
        t = _buyTerms();
        t.limit = 0;
        _refuse(t, "limit");
        t = _buyTerms();
        t.ramp = 0;
        _refuse(t, "ramp");
        t = _buyTerms();
        t.burnBps = 10_001;
        _refuse(t, "burnBps");
        vm.warp(START + 5 hours);
        t = _buyTerms();
        t.ramp = 2 days;
        _set(t);
        assertEq(burner.price(), 0.1e6);
        assertEq(burner.terms().ramp, 2 days);
    }

    function _refuse(BuybackTerms memory t, string memory part) private {
        vm.prank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.BuybackBurner_BadTerms.selector, part));
        burner.setTerms(t);
    }
}
