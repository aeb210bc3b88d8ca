// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Errors as OzErrors} from "@openzeppelin/contracts/utils/Errors.sol";
import {Errors} from "../../src/common/Errors.sol";
import {Treasury} from "../../src/governance/Treasury.sol";
import {ITreasury} from "../../src/interfaces/ITreasury.sol";
import {HookedToken, SilentToken} from "../support/HostileTokens.sol";
import {ISafe, Safes} from "../support/Safes.sol";
import {Scene} from "../support/Scene.sol";

/// @notice The cheat code that gives an account the chain's own money.
interface Mint {
    function deal(address account, uint256 amount) external;
}

contract TreasuryTest is Scene, Safes {
    bytes32 private constant PURPOSE = keccak256("a grant");

    function setUp() public override {
        super.setUp();
    }

    function _giveNative(address to, uint256 amount) private {
        Mint(address(vm)).deal(to, amount);
    }

    function _pay(IERC20 token, address to, uint256 amount) private {
        vm.prank(address(timelock));
        treasury.pay(token, to, amount, PURPOSE);
    }

    // ---------------------------------------------------------------- paying

    function test_governance_pays_any_token_and_the_chains_own_money() public {
        _giveUSDC(address(treasury), 100e6);
        vm.expectEmit(address(treasury));
        emit ITreasury.Paid(usdc, stranger, 60e6, PURPOSE);
        _pay(usdc, stranger, 60e6);
        assertEq(usdc.balanceOf(stranger), 60e6);
        assertEq(usdc.balanceOf(address(treasury)), 40e6);

        SilentToken old = new SilentToken();
        old.mint(address(treasury), 5);
        _pay(IERC20(address(old)), stranger, 5);
        assertEq(old.balanceOf(stranger), 5);

        _giveNative(address(this), 3 ether);
        vm.expectEmit(address(treasury));
        emit ITreasury.Received(address(this), 3 ether);
        (bool ok,) = address(treasury).call{value: 3 ether}("");
        assertTrue(ok);
        vm.prank(address(timelock));
        treasury.payNative(payable(stranger), 1 ether, PURPOSE);
        assertEq(stranger.balance, 1 ether);
        assertEq(address(treasury).balance, 2 ether);
    }

    function test_nobody_else_pays() public {
        bytes memory refusal =
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        _giveUSDC(address(treasury), 1);
        vm.startPrank(stranger);
        vm.expectRevert(refusal);
        treasury.pay(usdc, stranger, 1, PURPOSE);
        vm.expectRevert(refusal);
        treasury.payNative(payable(stranger), 1, PURPOSE);
        vm.stopPrank();
    }

    function test_payments_that_make_no_sense_or_do_not_arrive_are_refused() public {
        vm.startPrank(address(timelock));
        vm.expectRevert(Errors.Common_ZeroAddress.selector);
        treasury.pay(usdc, address(0), 1, PURPOSE);
        vm.expectRevert(Errors.Treasury_ZeroAmount.selector);
        treasury.pay(usdc, stranger, 0, PURPOSE);
        vm.expectRevert(Errors.Treasury_ZeroAmount.selector);
        treasury.payNative(payable(stranger), 0, PURPOSE);
        vm.expectRevert(Errors.Common_ZeroAddress.selector);
        treasury.payNative(payable(0), 1, PURPOSE);
        vm.expectRevert(abi.encodeWithSelector(OzErrors.InsufficientBalance.selector, 0, 1));
        treasury.payNative(payable(stranger), 1, PURPOSE);
        _giveNative(address(treasury), 1);
        // This test takes no money without a call.
        vm.expectRevert(OzErrors.FailedCall.selector);
        treasury.payNative(payable(address(this)), 1, PURPOSE);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, stranger));
        treasury.pay(IERC20(stranger), stranger, 1, PURPOSE);
        vm.stopPrank();
    }

    function test_a_token_that_calls_back_is_nobody() public {
        HookedToken token = new HookedToken();
        token.mint(address(treasury), 10);
        token.onTransfer(address(treasury), abi.encodeCall(ITreasury.pay, (token, stranger, 10, PURPOSE)));
        _pay(token, stranger, 4);
        assertTrue(token.calledBack());
        assertFalse(token.succeeded());
        assertEq(token.balanceOf(stranger), 4);
    }

    // ---------------------------------------------------------------- a Safe of five, of whom three sign

    function _ownerKeys() private pure returns (uint256[] memory keys) {
        keys = new uint256[](5);
        for (uint256 i; i < 5; ++i) {
            keys[i] = uint256(keccak256(abi.encode("owner", i)));
        }
        return _byAddress(keys);
    }

    function _signatures(bytes32 hash, uint256 count) private pure returns (bytes memory all) {
        uint256[] memory keys = _ownerKeys();
        for (uint256 i; i < count; ++i) {
            all = bytes.concat(all, _sign(keys[i], hash));
        }
    }

    function _safe() private returns (ISafe) {
        uint256[] memory keys = _ownerKeys();
        address[] memory owners = new address[](5);
        for (uint256 i; i < 5; ++i) {
            owners[i] = vm.addr(keys[i]);
        }
        return _newSafe(owners, 3);
    }

    function _execute(ISafe safe, address to, uint256 value, bytes memory data, bytes memory signatures)
        private
        returns (bool)
    {
        return safe.execTransaction(to, value, data, 0, 0, 0, 0, address(0), payable(address(0)), signatures);
    }

    function test_a_safe_of_three_in_five_gets_treasury_money_and_spends_it() public {
        ISafe safe = _safe();
        assertEq(safe.getThreshold(), 3);
        assertEq(safe.getOwners().length, 5);
        _giveUSDC(address(treasury), 100e6);
        _pay(usdc, address(safe), 70e6);
        _giveNative(address(treasury), 2 ether);
        vm.prank(address(timelock));
        treasury.payNative(payable(address(safe)), 2 ether, PURPOSE);
        assertEq(usdc.balanceOf(address(safe)), 70e6);

        bytes memory spend = abi.encodeCall(IERC20.transfer, (researcher, 30e6));
        bytes32 hash = _safeHash(safe, address(usdc), 0, spend);
        assertTrue(_execute(safe, address(usdc), 0, spend, _signatures(hash, 3)));
        assertEq(usdc.balanceOf(researcher), 30e6);
        hash = _safeHash(safe, stranger, 1 ether, "");
        assertTrue(_execute(safe, stranger, 1 ether, "", _signatures(hash, 3)));
        assertEq(stranger.balance, 1 ether);
    }

    function test_two_owners_are_not_enough_and_a_spending_counts_once() public {
        ISafe safe = _safe();
        _giveUSDC(address(treasury), 100e6);
        _pay(usdc, address(safe), 70e6);
        bytes memory spend = abi.encodeCall(IERC20.transfer, (stranger, 30e6));
        bytes32 hash = _safeHash(safe, address(usdc), 0, spend);
        bytes memory two = _signatures(hash, 2);
        // GS020: too few signatures.
        vm.expectRevert(bytes("GS020"));
        _execute(safe, address(usdc), 0, spend, two);
        bytes memory three = _signatures(hash, 3);
        _execute(safe, address(usdc), 0, spend, three);
        // GS026: not the owners' signatures over the next call.
        vm.expectRevert(bytes("GS026"));
        _execute(safe, address(usdc), 0, spend, three);
        assertEq(usdc.balanceOf(stranger), 30e6);
    }

    function test_a_safe_pays_back_into_the_treasury() public {
        ISafe safe = _safe();
        _giveNative(address(safe), 1 ether);
        bytes32 hash = _safeHash(safe, address(treasury), 1 ether, "");
        assertTrue(_execute(safe, address(treasury), 1 ether, "", _signatures(hash, 3)));
        assertEq(address(treasury).balance, 1 ether);
    }
}
