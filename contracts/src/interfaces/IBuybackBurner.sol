// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice What governance decides about buying back. Three storage slots.
struct BuybackTerms {
    /// what is paid right after a purchase of `limit`, 1e6 USDC units for 1e18 units of DATA
    uint128 floorPrice;
    /// the most that is ever paid, 1e6 USDC units for 1e18 units of DATA
    uint128 capPrice;
    /// the most that is spent at once, 1e6 USDC units
    uint128 limit;
    /// how long the price rises from floor to cap, seconds
    uint48 ramp;
    /// the part of what was bought that is burned, basis points; the rest rewards contributors again
    uint16 burnBps;
    /// where `buy` buys, an `IDataMarket`; zero for nowhere
    address market;
}

/// @title IBuybackBurner
/// @notice Spends the revenue that is kept for buying back: on DATA that holders bring, or on a market, and burns it.
/// @dev price(t) = floorPrice + (capPrice - floorPrice) x elapsed / ramp, rounded down, where `elapsed` is the time since
/// the clock was set, at most `ramp`. A purchase of u USDC sets the clock so that elapsed x (limit - u) / limit remains,
/// rounded down: what was spent lowers the price by as much as it was of the limit. The price rises while nobody sells, so
/// holders meet it where DATA is worth it, and no exchange rate of the moment, which somebody could move before a purchase
/// and back after it, is ever believed. On a market the same price is the most that is paid.
interface IBuybackBurner {
    /// @notice DATA was bought: USDC in 1e6 units, DATA in 1e18 units. `seller` is the market when it was bought there.
    event BoughtBack(address indexed seller, uint256 usdcSpent, uint256 dataBought);
    /// @notice What was bought was used, 1e18 units.
    event Used(uint256 burned, uint256 toContributors);
    /// @notice Revenue was fetched from the splitter, 1e6 USDC units.
    event Collected(uint256 amount);
    /// @notice Governance set the terms.
    event BuybackTermsSet(BuybackTerms terms);

    /// @notice Fetches what the splitter keeps for buying back. Anyone may call; reverts when it is nothing.
    /// @return amount 1e6 USDC units
    function collect() external returns (uint256 amount);

    /// @notice Sells the caller's DATA at the present price, by allowance. Anyone may call, unless trading is paused.
    /// Reverts below `minUsdc`, above the limit, above what is held, and when it would pay nothing.
    /// @param dataIn 1e18 units
    /// @param minUsdc the least that the caller accepts, 1e6 units
    /// @return usdcOut 1e6 units, rounded down
    function sell(uint256 dataIn, uint256 minUsdc) external returns (uint256 usdcOut);

    /// @notice Buys on the governed market. Anyone may call, unless trading is paused: whoever arranges the market around
    /// the call cannot make it pay more than the present price. Reverts with no market, on zero, above the limit or what
    /// is held, and when the market gives less than the price demands.
    /// @param usdcIn at most, 1e6 units; what the market leaves stays here
    /// @return dataOut 1e18 units
    function buy(uint256 usdcIn) external returns (uint256 dataOut);

    /// @notice Sets the terms and the clock to zero. Governance only.
    function setTerms(BuybackTerms calldata terms) external;

    /// @notice The terms.
    function terms() external view returns (BuybackTerms memory);

    /// @notice What is paid now, 1e6 USDC units for 1e18 units of DATA.
    function price() external view returns (uint256);

    /// @notice USDC that can be spent, 1e6 units, beside what the splitter still keeps.
    function funds() external view returns (uint256);
}
