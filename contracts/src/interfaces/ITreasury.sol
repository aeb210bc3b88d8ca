// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title ITreasury
/// @notice The cooperative's money, in any token and in the chain's own, paid by vote through the timelock.
interface ITreasury {
    /// @notice The chain's own money came in, wei.
    event Received(address indexed from, uint256 amount);
    /// @notice Money was paid, in the token's units, or wei for the zero token; `purpose` is the hash of what for.
    event Paid(IERC20 indexed token, address indexed to, uint256 amount, bytes32 indexed purpose);

    /// @notice Pays a token. Governance only. Reverts for a zero recipient or amount and when the token does.
    /// @param amount in the token's units; a token that takes a fee on transfer delivers less
    function pay(IERC20 token, address to, uint256 amount, bytes32 purpose) external;

    /// @notice Pays the chain's own money, wei. Governance only. Reverts for a zero recipient or amount and when the
    /// recipient does.
    function payNative(address payable to, uint256 amount, bytes32 purpose) external;
}
