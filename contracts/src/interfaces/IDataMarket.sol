// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title IDataMarket
/// @notice Wherever DATA is sold for USDC: an exchange, a curve, or an adapter to one.
interface IDataMarket {
    /// @notice Takes up to `usdcIn` (1e6 units) from the caller by allowance and sends DATA to `to`. Reverts when that would
    /// be less than `minDataOut` (1e18 units).
    /// @return dataOut what was sent, 1e18 units
    function buyData(uint256 usdcIn, uint256 minDataOut, address to) external returns (uint256 dataOut);
}
