// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Permit} from "../common/Payments.sol";

/// @title IBondingCurve
/// @notice Sells units of access at a price that rises with their number, and buys them back. A unit (18 decimals) is one
/// question to 1,000 records.
/// @dev With s units in existence, n more cost base n + slope (s n + n^2 / 2) before the fee, in one division that is
/// rounded up when minting and down when burning, so that the reserve always covers the integral of the price over all
/// units. Base and slope never change: no vote can take from those who hold units. Fees are rounded up.
/// Units move only between verified parties. Minting can be paused; burning cannot, and asks for no standing.
interface IBondingCurve is IERC20 {
    /// @notice Units (1e18) were sold for `paid`, of which `fee` was the fee, 1e6 USDC units.
    event UnitsMinted(address indexed buyer, uint256 units, uint256 paid, uint256 fee);
    /// @notice Units (1e18) were bought back for `received`, after the fee, 1e6 USDC units.
    event UnitsBurned(address indexed seller, uint256 units, uint256 received, uint256 fee);
    /// @notice Units (1e18) became a licence; what they had cost became revenue, 1e6 USDC units.
    event UnitsRedeemed(address indexed holder, uint256 indexed passId, uint256 units, uint256 revenue);
    /// @notice The treasury got the fees, 1e6 USDC units.
    event FeesCollected(uint256 amount);
    /// @notice Governance set the fee, basis points.
    event FeeSet(uint16 feeBps);

    /// @notice Buys as many units as `usdcIn` pays for. Verified parties only; by an allowance that was given before.
    /// Reverts when trading is paused and when there would be no unit or fewer than `minUnits`.
    /// @param usdcIn 1e6 USDC units, the fee included, all of which is taken; below 2^64
    /// @param minUnits 1e18 units
    /// @return units 1e18 units, the most whose cost is not above the payment
    function mint(uint256 usdcIn, uint256 minUnits) external returns (uint256 units);

    /// @notice As `mint`, with the caller's allowance signed.
    function mintWithPermit(uint256 usdcIn, uint256 minUnits, Permit calldata permit)
        external
        returns (uint256 units);

    /// @notice Sells units back. Reverts when less than `minUsdc` would be paid.
    /// @param units 1e18 units
    /// @param minUsdc 1e6 USDC units
    /// @return usdcOut 1e6 USDC units after the fee
    function burn(uint256 units, uint256 minUsdc) external returns (uint256 usdcOut);

    /// @notice Turns units into a licence: for each dataset records x 1e18 / 1,000, rounded up, times uses. What the
    /// curve would pay for the units, without fee, becomes revenue of the datasets by their records.
    /// @dev Reverts as `LicenceMarket.issue` does, and when more than `maxUnits` (1e18) were needed.
    function redeem(uint256[] calldata datasetIds, uint8 purpose, uint32 uses, uint256 maxUnits)
        external
        returns (uint256 passId);

    /// @notice Sends the fees to the treasury. Anyone may call.
    function collectFees() external returns (uint256 amount);

    /// @notice Sets the fee, at most 500 basis points. Governance only.
    function setFee(uint16 feeBps) external;

    /// @notice What `units` more would cost now without fee, 1e6 USDC units, rounded up.
    function costOf(uint256 units) external view returns (uint256);

    /// @notice What burning `units` would pay now before the fee, 1e6 USDC units, rounded down.
    function proceedsOf(uint256 units) external view returns (uint256);

    /// @notice How many units `usdcIn` would buy now, the fee included.
    function unitsFor(uint256 usdcIn) external view returns (uint256);

    /// @notice Units (1e18) that a licence needs.
    function unitsNeeded(uint256[] calldata datasetIds, uint32 uses) external view returns (uint256);

    /// @notice What stands behind all units, 1e6 USDC units.
    function reserve() external view returns (uint256);

    /// @notice Fees that were not collected, 1e6 USDC units.
    function fees() external view returns (uint256);

    /// @notice The fee, basis points.
    function feeBps() external view returns (uint16);
}
