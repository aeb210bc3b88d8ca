// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Errors} from "../common/Errors.sol";
import {ITreasury} from "../interfaces/ITreasury.sol";

/// @title Treasury
/// @notice The cooperative's money, paid by vote through the timelock.
/// @dev Not upgradeable. It writes nothing down, so a token or a recipient that calls back finds nothing to exploit, and
/// only governance pays.
contract Treasury is ITreasury, AccessManaged {
    using SafeERC20 for IERC20;

    constructor(address authority_) AccessManaged(authority_) {}

    /// @notice Takes the chain's own money from anybody.
    receive() external payable {
        emit Received(msg.sender, msg.value);
    }

    /// @inheritdoc ITreasury
    function pay(IERC20 token, address to, uint256 amount, bytes32 purpose) external restricted {
        _requirePayment(to, amount);
        emit Paid(token, to, amount, purpose);
        token.safeTransfer(to, amount);
    }

    /// @inheritdoc ITreasury
    function payNative(address payable to, uint256 amount, bytes32 purpose) external restricted {
        _requirePayment(to, amount);
        emit Paid(IERC20(address(0)), to, amount, purpose);
        Address.sendValue(to, amount);
    }

    function _requirePayment(address to, uint256 amount) private pure {
        if (to == address(0)) revert Errors.Common_ZeroAddress();
        if (amount == 0) revert Errors.Treasury_ZeroAmount();
    }
}
