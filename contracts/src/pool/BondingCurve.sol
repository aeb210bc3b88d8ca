// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Scopes} from "../common/Codes.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {Payments, Permit} from "../common/Payments.sol";
import {IBondingCurve} from "../interfaces/IBondingCurve.sol";
import {ICircuitBreaker} from "../interfaces/ICircuitBreaker.sol";
import {IDatasetToken} from "../interfaces/IDatasetToken.sol";
import {ILicenceMarket} from "../interfaces/ILicenceMarket.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";

/// @title BondingCurve
/// @notice Sells units of access at a price that rises with their number, and buys them back.
/// @dev It holds what people own, units and reserve, so it cannot be upgraded. Widths: base and slope have 96 bits,
/// supplies 100 and payments 64, so that every sum below fits in 256 and every product in the 512 of `mulDiv`.
contract BondingCurve is IBondingCurve, ERC20Permit, AccessManaged, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using Payments for IERC20;
    using SafeCast for uint256;

    /// @notice The contracts that the curve works with, and the treasury.
    struct Peers {
        IERC20 usdc;
        ILicenceMarket market;
        address splitter;
        IDatasetToken datasets;
        IParticipantRegistry registry;
        ICircuitBreaker breaker;
        address treasury;
    }

    /// @dev One slot.
    struct Book {
        /// 1e6 USDC units
        uint120 reserve;
        /// 1e6 USDC units
        uint120 fees;
        uint16 feeBps;
    }

    /// @notice The most units that can exist, 1e18 units.
    uint256 public constant MAXIMUM_SUPPLY = 2 ** 100;

    uint256 private constant BPS = 10_000;
    uint16 private constant GREATEST_FEE_BPS = 500;
    uint256 private constant UNIT = 1e18;
    uint256 private constant RECORDS_PER_UNIT = 1_000;
    /// @dev The one denominator of the cost: 2 x 1e18 (slope's parts) x 1e18 x 1e18 (units squared).
    uint256 private constant DENOMINATOR = 2e54;
    /// @dev What brings the base to the same denominator: 2 x 1e18 x 1e18.
    uint256 private constant BASE_SCALE = 2e36;
    /// @dev The most that base / slope may be, 1e-18 units, for the square in `_unitsFor`.
    uint256 private constant GREATEST_OFFSET = 2 ** 126;

    IERC20 public immutable USDC;
    ILicenceMarket public immutable MARKET;
    address public immutable SPLITTER;
    IDatasetToken public immutable DATASETS;
    IParticipantRegistry public immutable REGISTRY;
    ICircuitBreaker public immutable BREAKER;
    address public immutable TREASURY;
    /// @notice The price of the first unit, 1e6 USDC units.
    uint256 public immutable BASE;
    /// @notice By how much the price rises with each unit, 1e-18 x 1e6 USDC units.
    uint256 public immutable SLOPE;

    Book private _book;

    /// @param base 1e6 USDC units for a unit
    /// @param slope 1e-18 x 1e6 USDC units for a unit, for each unit that exists
    constructor(Peers memory peers, address authority_, uint96 base, uint96 slope, uint16 feeBps_)
        ERC20("Caduceus Access Unit", "CAU")
        ERC20Permit("Caduceus Access Unit")
        AccessManaged(authority_)
    {
        bool tooFlat = slope == 0 ? base == 0 : uint256(base) * 1e36 / slope > GREATEST_OFFSET;
        if (tooFlat) revert MarketErrors.BondingCurve_BadCurve(base, slope);
        USDC = peers.usdc;
        MARKET = peers.market;
        SPLITTER = peers.splitter;
        DATASETS = peers.datasets;
        REGISTRY = peers.registry;
        BREAKER = peers.breaker;
        TREASURY = peers.treasury;
        BASE = base;
        SLOPE = slope;
        _setFee(feeBps_);
    }

    // ---------------------------------------------------------------- buying and selling

    /// @inheritdoc IBondingCurve
    function mint(uint256 usdcIn, uint256 minUnits) external nonReentrant returns (uint256 units) {
        units = _sell(usdcIn, minUnits);
        USDC.pull(msg.sender, address(this), usdcIn);
    }

    /// @inheritdoc IBondingCurve
    function mintWithPermit(uint256 usdcIn, uint256 minUnits, Permit calldata permit_)
        external
        nonReentrant
        returns (uint256 units)
    {
        units = _sell(usdcIn, minUnits);
        USDC.pull(msg.sender, address(this), usdcIn, permit_);
    }

    /// @inheritdoc IBondingCurve
    function burn(uint256 units, uint256 minUsdc) external nonReentrant returns (uint256 usdcOut) {
        Book memory book = _book;
        uint256 gross = _release(units);
        uint256 fee = _feeOn(gross, book.feeBps);
        usdcOut = gross - fee;
        if (usdcOut < minUsdc) revert MarketErrors.BondingCurve_BelowMinimum(usdcOut, minUsdc);

        book.reserve -= gross.toUint120();
        book.fees += fee.toUint120();
        _book = book;
        emit UnitsBurned(msg.sender, units, usdcOut, fee);
        USDC.safeTransfer(msg.sender, usdcOut);
    }

    /// @inheritdoc IBondingCurve
    function redeem(uint256[] calldata datasetIds, uint8 purpose, uint32 uses, uint256 maxUnits)
        external
        nonReentrant
        returns (uint256 passId)
    {
        (uint256 units, uint256[] memory weights) = _needed(datasetIds, uses);
        if (units > maxUnits) revert MarketErrors.BondingCurve_AboveMaximum(units, maxUnits);
        uint256 revenue = _release(units);
        _book.reserve -= revenue.toUint120();

        uint64 expiry = uint64(block.timestamp) + MARKET.term();
        passId = MARKET.issue(msg.sender, purpose, expiry, uses, datasetIds);
        emit UnitsRedeemed(msg.sender, passId, units, revenue);
        USDC.safeTransfer(SPLITTER, revenue);
        MARKET.remit(revenue, datasetIds, weights);
    }

    // ---------------------------------------------------------------- fees

    /// @inheritdoc IBondingCurve
    function collectFees() external nonReentrant returns (uint256 amount) {
        amount = _book.fees;
        _book.fees = 0;
        emit FeesCollected(amount);
        USDC.safeTransfer(TREASURY, amount);
    }

    /// @inheritdoc IBondingCurve
    function setFee(uint16 feeBps_) external restricted {
        _setFee(feeBps_);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IBondingCurve
    function costOf(uint256 units) external view returns (uint256) {
        _requireSupply(totalSupply(), units);
        return _area(totalSupply(), units, Math.Rounding.Ceil);
    }

    /// @inheritdoc IBondingCurve
    function proceedsOf(uint256 units) external view returns (uint256) {
        return _area(totalSupply() - units, units, Math.Rounding.Floor);
    }

    /// @inheritdoc IBondingCurve
    function unitsFor(uint256 usdcIn) external view returns (uint256) {
        return _unitsFor(totalSupply(), usdcIn - _feeOn(usdcIn, _book.feeBps));
    }

    /// @inheritdoc IBondingCurve
    function unitsNeeded(uint256[] calldata datasetIds, uint32 uses) external view returns (uint256 units) {
        (units,) = _needed(datasetIds, uses);
    }

    /// @inheritdoc IBondingCurve
    function reserve() external view returns (uint256) {
        return _book.reserve;
    }

    /// @inheritdoc IBondingCurve
    function fees() external view returns (uint256) {
        return _book.fees;
    }

    /// @inheritdoc IBondingCurve
    function feeBps() external view returns (uint16) {
        return _book.feeBps;
    }

    // ---------------------------------------------------------------- internal: the curve

    /// @dev base n + slope (s n + n^2 / 2) = n (2 base + slope (2 s + n)) / 2, in 1e6 USDC units. The bracket has at most
    /// 218 bits, its product with n 318.
    function _area(uint256 supply, uint256 n, Math.Rounding rounding) private view returns (uint256) {
        return Math.mulDiv(n, BASE_SCALE * BASE + SLOPE * (2 * supply + n), DENOMINATOR, rounding);
    }

    /// @dev The greatest n with `_area(supply, n)`, rounded up, at most `paid`. With slope m > 0 it is the root
    /// n = sqrt(p^2 + t) - p, p = s + base / m, t = 2 paid / m, rounded down. The root falls in p by at most 1 for 1, so
    /// with p rounded down it is too large by less than 1, and rounding t down changes nothing, since p is an integer
    /// then and floor(sqrt(x)) = floor(sqrt(floor(x))). One step down corrects it.
    function _unitsFor(uint256 supply, uint256 paid) private view returns (uint256 n) {
        if (paid > type(uint64).max) revert MarketErrors.BondingCurve_AboveMaximum(paid, type(uint64).max);
        if (SLOPE == 0) {
            n = Math.mulDiv(paid, UNIT, BASE);
        } else {
            uint256 p = supply + BASE_SCALE / 2 * BASE / SLOPE;
            uint256 t = paid * DENOMINATOR / SLOPE;
            n = Math.sqrt(p * p + t) - p;
            if (n <= MAXIMUM_SUPPLY && _area(supply, n, Math.Rounding.Ceil) > paid) n -= 1;
        }
        _requireSupply(supply, n);
    }

    function _requireSupply(uint256 supply, uint256 n) private pure {
        if (n > MAXIMUM_SUPPLY - supply) {
            revert MarketErrors.BondingCurve_AboveMaximum(n, MAXIMUM_SUPPLY - supply);
        }
    }

    function _feeOn(uint256 amount, uint16 bps) private pure returns (uint256) {
        return Math.mulDiv(amount, bps, BPS, Math.Rounding.Ceil);
    }

    /// @dev Mints to the caller; the caller of this takes the money.
    function _sell(uint256 usdcIn, uint256 minUnits) private returns (uint256 units) {
        BREAKER.requireLive(Scopes.TRADING);
        _requireVerified(msg.sender);
        Book memory book = _book;
        uint256 fee = _feeOn(usdcIn, book.feeBps);
        uint256 net = usdcIn - fee;
        units = _unitsFor(totalSupply(), net);
        if (units == 0 || units < minUnits) revert MarketErrors.BondingCurve_BelowMinimum(units, minUnits);

        book.reserve += net.toUint120();
        book.fees += fee.toUint120();
        _book = book;
        _mint(msg.sender, units);
        emit UnitsMinted(msg.sender, units, usdcIn, fee);
    }

    /// @dev Burns the caller's units and says what they give up of the reserve.
    function _release(uint256 units) private returns (uint256) {
        _burn(msg.sender, units);
        return _area(totalSupply(), units, Math.Rounding.Floor);
    }

    function _needed(uint256[] calldata datasetIds, uint32 uses)
        private
        view
        returns (uint256 units, uint256[] memory weights)
    {
        uint256 count = datasetIds.length;
        // More are refused by the market, but this loop comes first.
        if (count > 16) revert MarketErrors.LicenceMarket_BadDatasetCount(count, 16);
        weights = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            weights[i] = DATASETS.brief(datasetIds[i]).recordCount;
            units += Math.ceilDiv(weights[i] * UNIT, RECORDS_PER_UNIT) * uses;
        }
    }

    // ---------------------------------------------------------------- internal: who may

    /// @dev Burning asks for no standing: nothing may block an exit. Minting asked before.
    function _update(address from, address to, uint256 value) internal override {
        if (from != address(0) && to != address(0)) {
            _requireVerified(from);
            _requireVerified(to);
        }
        super._update(from, to, value);
    }

    function _requireVerified(address account) private view {
        if (!REGISTRY.isVerified(account)) revert MarketErrors.BondingCurve_NotVerified(account);
    }

    function _setFee(uint16 feeBps_) private {
        if (feeBps_ > GREATEST_FEE_BPS) revert MarketErrors.BondingCurve_BadFee(feeBps_);
        _book.feeBps = feeBps_;
        emit FeeSet(feeBps_);
    }
}
