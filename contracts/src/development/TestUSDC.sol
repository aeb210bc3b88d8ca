// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title TestUSDC
/// @notice Play money with USDC's 6 decimals and permit, for development ledgers and tests only. Its owner makes it.
/// @dev On a chain with real USDC the deployment takes that token's address and this contract is not deployed.
contract TestUSDC is ERC20, ERC20Permit, Ownable {
    constructor(address owner) ERC20("Test USD Coin", "tUSDC") ERC20Permit("Test USD Coin") Ownable(owner) {}

    /// @notice Makes `amount` (1e6 units) for `to`. Owner only.
    function mint(address to, uint256 amount) external onlyOwner {
        _mint(to, amount);
    }

    /// @notice 6, as USDC has.
    function decimals() public pure override returns (uint8) {
        return 6;
    }
}
