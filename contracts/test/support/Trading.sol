// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyRoles} from "../../src/common/Codes.sol";
import {Scene} from "./Scene.sol";

/// @notice Test functions that the markets' tests need besides those of `Vm`.
interface MoreVm {
    function deal(address account, uint256 balance) external;
}

/// @notice The deployed protocol with a judge, and what the tests of selling, lending and settling disputes share.
abstract contract Trading is Scene {
    address internal immutable judge = makeAddr("judge");

    function setUp() public virtual override {
        super.setUp();
        _register(judge, PartyRoles.ARBITRATOR, "CH", 0);
    }

    /// @dev Governance asks for bonds from now on.
    function _askForBonds() internal {
        vm.startPrank(address(timelock));
        market.setBonds(bonds);
        compute.setBonds(bonds);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- money

    function _deal(address account, uint256 balance) internal {
        MoreVm(address(vm)).deal(account, balance);
    }

    /// @dev Gives an account USDC that `spender` may take.
    function _fund(address account, address spender, uint256 amount) internal {
        _giveUSDC(account, amount);
        vm.prank(account);
        usdc.approve(spender, type(uint256).max);
    }

    /// @dev The address holds as many units as it owes.
    function _assertHolds(address who, uint256 owed) internal view {
        assertEq(usdc.balanceOf(who), owed, "it does not hold what it owes");
    }

    /// @dev A call by `who` that must revert with exactly this.
    function _assertReverts(address who, address target, bytes memory data_, bytes memory refusal) internal {
        vm.prank(who);
        (bool ok, bytes memory answer) = target.call(data_);
        assertFalse(ok, "it went through");
        assertEq(keccak256(answer), keccak256(refusal), "it reverted with something else");
    }

    /// @dev A call by a stranger that only governance may make.
    function _assertGoverned(address target, bytes memory data_) internal {
        _assertReverts(
            stranger, target, data_, abi.encodeWithSignature("AccessManagedUnauthorized(address)", stranger)
        );
    }
}
