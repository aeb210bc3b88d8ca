// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title IPoolShare
/// @notice The shares of the pool, 18 decimals. They move only between verified custodians and members, and with every
/// change of a balance the yield of both sides is settled by what they held before.
interface IPoolShare is IERC20 {
    /// @notice Mints shares (1e18 units). Pool only.
    function mint(address to, uint256 shares) external;

    /// @notice Burns shares (1e18 units). Pool only; reverts when `from` holds less. The holder's standing is not asked:
    /// a provider can always leave.
    function burn(address from, uint256 shares) external;

    /// @notice Whether the account may send and receive shares now.
    function mayHold(address account) external view returns (bool);
}
