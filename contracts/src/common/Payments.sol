// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {MarketErrors} from "./MarketErrors.sol";

/// @notice An ERC-2612 signature over an allowance, so that a purchase needs one transaction. A zero `value` stands for
/// none: the allowance was given before.
struct Permit {
    uint256 value;
    /// unix seconds
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// @title Payments
/// @notice Takes USDC from a payer.
library Payments {
    using SafeERC20 for IERC20;

    /// @notice Moves exactly `amount` (1e6 units) from `payer` to `recipient`.
    /// @dev A permit that fails is passed over: somebody may have presented it already, and then the allowance is
    /// there; when it is not, the transfer reverts. The caller must have made sure that `payer` wants this.
    function pull(IERC20 usdc, address payer, address recipient, uint256 amount, Permit calldata permit)
        internal
    {
        if (permit.value != 0) {
            try IERC20Permit(address(usdc))
                .permit(payer, address(this), permit.value, permit.deadline, permit.v, permit.r, permit.s) {}
                catch {}
        }
        pull(usdc, payer, recipient, amount);
    }

    /// @notice As above, by an allowance that was given before.
    function pull(IERC20 usdc, address payer, address recipient, uint256 amount) internal {
        uint256 before = usdc.balanceOf(recipient);
        usdc.safeTransferFrom(payer, recipient, amount);
        uint256 received = usdc.balanceOf(recipient) - before;
        if (received != amount) revert MarketErrors.Payments_ShortPayment(received, amount);
    }
}
