// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IDues} from "../interfaces/IDues.sol";
import {MarketErrors} from "./MarketErrors.sol";
import {Payments, Permit} from "./Payments.sol";

/// @title Dues
/// @notice Keeps count of the USDC that a contract holds for others.
/// @dev `held` counts every unit from the moment it was pulled until it was sent, so that solvency is one comparison.
abstract contract Dues is IDues, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using Payments for IERC20;

    /// @custom:storage-location erc7201:caduceus.storage.Dues
    struct DuesStorage {
        mapping(address account => uint256) due;
        uint256 held;
    }

    bytes32 private constant DUES_STORAGE =
        keccak256(abi.encode(uint256(keccak256("caduceus.storage.Dues")) - 1)) & ~bytes32(uint256(0xff));

    IERC20 public immutable USDC;

    constructor(IERC20 usdc) {
        USDC = usdc;
    }

    /// @inheritdoc IDues
    function withdrawDue(address account) external nonReentrant returns (uint256 amount) {
        DuesStorage storage $ = _duesStorage();
        amount = $.due[account];
        if (amount == 0) revert MarketErrors.Dues_NothingDue(account);
        $.due[account] = 0;
        $.held -= amount;
        emit Paid(account, amount);
        USDC.safeTransfer(account, amount);
    }

    /// @inheritdoc IDues
    function due(address account) external view returns (uint256) {
        return _duesStorage().due[account];
    }

    /// @inheritdoc IDues
    function owed() external view returns (uint256) {
        return _duesStorage().held;
    }

    /// @dev Takes USDC in. The caller must have made sure that `payer` wants this.
    function _take(address payer, uint256 amount, Permit calldata permit) internal {
        _duesStorage().held += amount;
        USDC.pull(payer, address(this), amount, permit);
    }

    /// @dev Pays, or credits when the token refuses. To be called under the reentrancy guard.
    function _pay(address account, uint256 amount) internal {
        if (amount == 0) return;
        DuesStorage storage $ = _duesStorage();
        $.held -= amount;
        if (USDC.trySafeTransfer(account, amount)) {
            emit Paid(account, amount);
        } else {
            $.held += amount;
            $.due[account] += amount;
            emit Credited(account, amount);
        }
    }

    /// @dev Pays a contract of the protocol, or reverts.
    function _handOver(address recipient, uint256 amount) internal {
        _duesStorage().held -= amount;
        USDC.safeTransfer(recipient, amount);
    }

    function _duesStorage() private pure returns (DuesStorage storage $) {
        bytes32 slot = DUES_STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
