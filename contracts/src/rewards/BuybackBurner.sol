// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Scopes} from "../common/Codes.sol";
import {Module} from "../common/Module.sol";
import {RewardErrors} from "../common/RewardErrors.sol";
import {BuybackTerms, IBuybackBurner} from "../interfaces/IBuybackBurner.sol";
import {ICircuitBreaker} from "../interfaces/ICircuitBreaker.sol";
import {IDataMarket} from "../interfaces/IDataMarket.sol";
import {IDataToken} from "../interfaces/IDataToken.sol";
import {IRevenueSplitter} from "../interfaces/IRevenueSplitter.sol";

/// @title BuybackBurner
/// @notice Spends the revenue that is kept for buying back, and burns what it bought.
/// @dev It holds nobody's money: all USDC here is to be spent, and all DATA that comes in leaves in the same call.
contract BuybackBurner is IBuybackBurner, Module, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @notice The contracts that it works with, and where the DATA goes that rewards contributors again.
    struct Peers {
        IERC20 usdc;
        IDataToken data;
        IRevenueSplitter splitter;
        ICircuitBreaker breaker;
        address rewards;
    }

    /// @custom:storage-location erc7201:caduceus.storage.BuybackBurner
    struct BuybackBurnerStorage {
        BuybackTerms terms;
        /// unix seconds, from when on the price rises
        uint64 clock;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.BuybackBurner")) - 1)
    ) & ~bytes32(uint256(0xff));

    uint256 private constant BPS = 10_000;

    /// @dev Prices are for so many units of DATA.
    uint256 private constant ONE_DATA = 1e18;

    IERC20 public immutable USDC;
    IDataToken public immutable DATA;
    IRevenueSplitter public immutable SPLITTER;
    ICircuitBreaker public immutable BREAKER;
    address public immutable REWARDS;

    constructor(Peers memory peers) {
        USDC = peers.usdc;
        DATA = peers.data;
        SPLITTER = peers.splitter;
        BREAKER = peers.breaker;
        REWARDS = peers.rewards;
    }

    /// @notice Sets the first terms; once, by the proxy's constructor.
    function initialize(address authority, BuybackTerms calldata terms_) external initializer {
        __AccessManaged_init(authority);
        _setTerms(terms_);
    }

    // ---------------------------------------------------------------- buying

    /// @inheritdoc IBuybackBurner
    function collect() external returns (uint256 amount) {
        amount = SPLITTER.buybackReserve();
        if (amount == 0) revert RewardErrors.BuybackBurner_NothingToCollect();
        emit Collected(amount);
        SPLITTER.releaseBuyback(address(this), amount);
    }

    /// @inheritdoc IBuybackBurner
    function sell(uint256 dataIn, uint256 minUsdc) external nonReentrant returns (uint256 usdcOut) {
        BREAKER.requireLive(Scopes.TRADING);
        usdcOut = Math.mulDiv(dataIn, price(), ONE_DATA);
        if (usdcOut < minUsdc) revert RewardErrors.BuybackBurner_BelowMinimum(usdcOut, minUsdc);
        _requireSpendable(usdcOut);
        _spend(usdcOut);
        emit BoughtBack(msg.sender, usdcOut, dataIn);

        IERC20(address(DATA)).safeTransferFrom(msg.sender, address(this), dataIn);
        _use(dataIn);
        USDC.safeTransfer(msg.sender, usdcOut);
    }

    /// @inheritdoc IBuybackBurner
    function buy(uint256 usdcIn) external nonReentrant returns (uint256 dataOut) {
        BREAKER.requireLive(Scopes.TRADING);
        address market = _storage().terms.market;
        if (market == address(0)) revert RewardErrors.BuybackBurner_NoMarket();
        _requireSpendable(usdcIn);
        uint256 highest = price();
        uint256 usdcBefore = USDC.balanceOf(address(this));
        uint256 dataBefore = DATA.balanceOf(address(this));

        USDC.forceApprove(market, usdcIn);
        IDataMarket(market).buyData(usdcIn, _leastFor(usdcIn, highest), address(this));
        USDC.forceApprove(market, 0);

        // What the market says is not asked; what it did is measured.
        uint256 spent = usdcBefore - USDC.balanceOf(address(this));
        dataOut = DATA.balanceOf(address(this)) - dataBefore;
        uint256 least = _leastFor(spent, highest);
        if (dataOut < least || dataOut == 0) {
            revert RewardErrors.BuybackBurner_TooDear(spent, dataOut, least);
        }
        _spend(spent);
        emit BoughtBack(market, spent, dataOut);
        _use(dataOut);
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IBuybackBurner
    function setTerms(BuybackTerms calldata terms_) external restricted {
        _setTerms(terms_);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IBuybackBurner
    function terms() external view returns (BuybackTerms memory) {
        return _storage().terms;
    }

    /// @inheritdoc IBuybackBurner
    function price() public view returns (uint256) {
        BuybackTerms memory t = _storage().terms;
        return t.floorPrice + Math.mulDiv(t.capPrice - t.floorPrice, _elapsed(t.ramp), t.ramp);
    }

    /// @inheritdoc IBuybackBurner
    function funds() public view returns (uint256) {
        return USDC.balanceOf(address(this));
    }

    // ---------------------------------------------------------------- internal

    function _requireSpendable(uint256 amount) private view {
        uint256 limit = Math.min(_storage().terms.limit, funds());
        if (amount == 0 || amount > limit) revert RewardErrors.BuybackBurner_AboveLimit(amount, limit);
    }

    /// @dev The least DATA for so much USDC, rounded up.
    function _leastFor(uint256 usdc, uint256 highest) private pure returns (uint256) {
        return Math.mulDiv(usdc, ONE_DATA, highest, Math.Rounding.Ceil);
    }

    function _elapsed(uint256 ramp) private view returns (uint256) {
        return Math.min(block.timestamp - _storage().clock, ramp);
    }

    /// @dev Sets the clock back by as much as `amount` is of the limit.
    function _spend(uint256 amount) private {
        BuybackTerms memory t = _storage().terms;
        uint256 left = Math.mulDiv(_elapsed(t.ramp), t.limit - amount, t.limit);
        _storage().clock = (block.timestamp - left).toUint64();
    }

    /// @dev Burns the governed part, rounded up, and gives the rest to contributors.
    function _use(uint256 amount) private {
        uint256 given = Math.mulDiv(amount, BPS - _storage().terms.burnBps, BPS);
        emit Used(amount - given, given);
        if (amount != given) DATA.burn(amount - given);
        if (given != 0) IERC20(address(DATA)).safeTransfer(REWARDS, given);
    }

    function _setTerms(BuybackTerms calldata t) private {
        if (t.floorPrice == 0 || t.floorPrice > t.capPrice) {
            revert RewardErrors.BuybackBurner_BadTerms("price");
        }
        if (t.limit == 0) revert RewardErrors.BuybackBurner_BadTerms("limit");
        if (t.ramp == 0) revert RewardErrors.BuybackBurner_BadTerms("ramp");
        if (t.burnBps > BPS) revert RewardErrors.BuybackBurner_BadTerms("burnBps");
        _storage().terms = t;
        _storage().clock = uint64(block.timestamp);
        emit BuybackTermsSet(t);
    }

    function _storage() private pure returns (BuybackBurnerStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
