// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Permit} from "../common/Payments.sol";
import {IResearcherBonds} from "./IResearcherBonds.sol";

/// @notice What a buyer wants.
struct Order {
    /// strictly ascending, 1 to 16
    uint256[] datasetIds;
    /// one of `Purposes`
    uint8 purpose;
    /// questions that can be asked
    uint32 uses;
    /// 1e6 USDC units
    uint256 maxPrice;
    /// unix seconds, the last moment at which the order counts
    uint64 deadline;
}

/// @title ILicenceMarket
/// @notice Sells licence passes at a fixed price per 1,000 records, set by governance for each data class.
interface ILicenceMarket {
    /// @notice A licence was sold for `price` (1e6 USDC units).
    event LicenceSold(
        uint256 indexed passId, address indexed buyer, uint8 indexed purpose, uint32 uses, uint256 price
    );
    /// @notice A seller of the protocol issued a licence.
    event LicenceIssued(
        uint256 indexed passId, address indexed holder, address indexed seller, uint8 purpose, uint32 uses
    );
    /// @notice Governance set where researchers' bonds are kept; zero asks for none.
    event BondsSet(IResearcherBonds bonds);
    /// @notice Governance set a price, 1e6 USDC units for 1,000 records and one use.
    event PriceSet(uint8 indexed dataClass, uint256 pricePer1000);
    /// @notice Governance set how long a licence lasts, seconds.
    event TermSet(uint64 term);

    /// @notice Buys a licence in one transaction: compliance check, payment, split, pass.
    /// @dev Reverts when trading is paused, with `Errors.Blocked(law)` when the rules forbid the use of any of the
    /// datasets, when one is not live in the pool or its class has no price, and when the price is above `maxPrice`.
    /// @param permit the buyer's allowance of USDC to this contract; zero `value` when there is one already
    function buy(Order calldata order, Permit calldata permit) external returns (uint256 passId);

    /// @notice Issues a licence that was sold in another way: at auction, metered, swapped, lent, for units, or over
    /// several pools. Sellers only; what the buyer must fulfil is the same as in `buy`, and is checked here.
    /// @dev Reverts as `buy` does, but knows no price.
    /// @param expiry unix seconds, ahead, at most ten years
    function issue(address holder, uint8 purpose, uint64 expiry, uint32 uses, uint256[] calldata datasetIds)
        external
        returns (uint256 passId);

    /// @notice Divides revenue that a seller has transferred to the splitter before the call. Sellers only, never paused.
    /// @param amount 1e6 USDC units
    /// @param weights in which proportion the datasets earned it; not all zero
    function remit(uint256 amount, uint256[] calldata datasetIds, uint256[] calldata weights) external;

    /// @notice Sets where researchers' bonds are kept; every licence from now on engages the buyer's bond until its
    /// expiry. Zero asks for none. Governance only.
    function setBonds(IResearcherBonds bonds) external;

    /// @notice Sets the price of a data class, 1e6 USDC units for 1,000 records and one use; zero takes it off the market.
    /// Governance only.
    function setPrice(uint8 dataClass, uint256 pricePer1000) external;

    /// @notice Sets how long a licence lasts from its purchase, seconds, one day to ten years. Governance only.
    function setTerm(uint64 term) external;

    /// @notice The price now: the sum over the datasets of records x price / 1,000, each rounded up, times uses.
    /// @return price 1e6 USDC units
    function quote(uint256[] calldata datasetIds, uint32 uses) external view returns (uint256 price);

    /// @notice The price of a data class, 1e6 USDC units for 1,000 records and one use; zero when not for sale.
    function pricePer1000(uint8 dataClass) external view returns (uint256);

    /// @notice Where researchers' bonds are kept; zero when none are asked for.
    function bonds() external view returns (IResearcherBonds);

    /// @notice How long a licence lasts, seconds.
    function term() external view returns (uint64);
}
