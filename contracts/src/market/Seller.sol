// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Dues} from "../common/Dues.sol";
import {Module} from "../common/Module.sol";
import {ILicenceMarket} from "../interfaces/ILicenceMarket.sol";

/// @title Seller
/// @notice A contract that sells licences in its own way: it holds the buyers' money, and `LicenceMarket` checks, mints
/// and divides.
abstract contract Seller is Module, Dues {
    ILicenceMarket public immutable MARKET;
    address public immutable SPLITTER;

    constructor(IERC20 usdc, ILicenceMarket market, address splitter) Dues(usdc) {
        MARKET = market;
        SPLITTER = splitter;
    }

    /// @dev Passes `amount` (1e6 USDC units) on as revenue of one dataset.
    function _earn(uint256 amount, uint256 datasetId) internal {
        if (amount == 0) return;
        _handOver(SPLITTER, amount);
        MARKET.remit(amount, _one(datasetId), _one(1));
    }

    function _one(uint256 value) internal pure returns (uint256[] memory list) {
        list = new uint256[](1);
        list[0] = value;
    }
}
