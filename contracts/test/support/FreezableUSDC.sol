// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {TestUSDC} from "../../src/development/TestUSDC.sol";

/// @notice Test USDC that refuses transfers to and from frozen accounts, as its model can.
contract FreezableUSDC is TestUSDC {
    error Frozen(address account);

    mapping(address account => bool) public isFrozen;

    constructor(address owner) TestUSDC(owner) {}

    function setFrozen(address account, bool frozen) external {
        isFrozen[account] = frozen;
    }

    function _update(address from, address to, uint256 value) internal override {
        if (isFrozen[from]) revert Frozen(from);
        if (isFrozen[to]) revert Frozen(to);
        super._update(from, to, value);
    }
}
