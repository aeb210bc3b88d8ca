// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IPayoutStreams} from "../interfaces/IPayoutStreams.sol";

/// @title Payouts
/// @notice Pays USDC that somebody is owed, in the way that they chose.
library Payouts {
    using SafeERC20 for IERC20;

    /// @notice Sends `amount` (1e6 units) to `account`, or lets it flow when the account chose so.
    /// @dev The last thing that a function does: everything it owes has been written down before.
    function pay(IERC20 usdc, IPayoutStreams streams, address account, uint256 amount) internal {
        if (streams.durationOf(account) == 0) {
            usdc.safeTransfer(account, amount);
        } else {
            usdc.safeTransfer(address(streams), amount);
            streams.credit(account, amount);
        }
    }
}
