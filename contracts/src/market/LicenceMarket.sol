// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {DataClasses, Scopes} from "../common/Codes.sol";
import {Errors} from "../common/Errors.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {Module} from "../common/Module.sol";
import {Payments, Permit} from "../common/Payments.sol";
import {ICircuitBreaker} from "../interfaces/ICircuitBreaker.sol";
import {IComplianceOracle} from "../interfaces/IComplianceOracle.sol";
import {DatasetBrief, IDatasetToken} from "../interfaces/IDatasetToken.sol";
import {IHealthDataPool} from "../interfaces/IHealthDataPool.sol";
import {ILicenceMarket, Order} from "../interfaces/ILicenceMarket.sol";
import {ILicencePass} from "../interfaces/ILicencePass.sol";
import {IResearcherBonds} from "../interfaces/IResearcherBonds.sol";
import {IRevenueSplitter} from "../interfaces/IRevenueSplitter.sol";

/// @title LicenceMarket
/// @notice Sells licence passes at a fixed price per 1,000 records.
contract LicenceMarket is ILicenceMarket, Module, ReentrancyGuardTransient {
    using Payments for IERC20;

    /// @notice The contracts that the market works with.
    struct Peers {
        IERC20 usdc;
        ILicencePass passes;
        IDatasetToken datasets;
        IHealthDataPool pool;
        IComplianceOracle compliance;
        ICircuitBreaker breaker;
        IRevenueSplitter splitter;
    }

    /// @custom:storage-location erc7201:caduceus.storage.LicenceMarket
    struct LicenceMarketStorage {
        mapping(uint8 dataClass => uint256) pricePer1000;
        uint64 term;
        /// zero when none are asked for
        IResearcherBonds bonds;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.LicenceMarket")) - 1)
    ) & ~bytes32(uint256(0xff));

    /// @notice The most datasets in one order: `buy` walks over all of them.
    uint256 public constant MAXIMUM_DATASETS = 16;

    uint64 private constant LEAST_TERM = 1 days;
    uint64 private constant GREATEST_TERM = 3650 days;

    IERC20 public immutable USDC;
    ILicencePass public immutable PASSES;
    IDatasetToken public immutable DATASETS;
    IHealthDataPool public immutable POOL;
    IComplianceOracle public immutable COMPLIANCE;
    ICircuitBreaker public immutable BREAKER;
    IRevenueSplitter public immutable SPLITTER;

    constructor(Peers memory peers) {
        USDC = peers.usdc;
        PASSES = peers.passes;
        DATASETS = peers.datasets;
        POOL = peers.pool;
        COMPLIANCE = peers.compliance;
        BREAKER = peers.breaker;
        SPLITTER = peers.splitter;
    }

    /// @notice Sets the first term and prices; once, by the proxy's constructor.
    /// @param term_ seconds
    /// @param prices 1e6 USDC units for 1,000 records and one use, of the data classes from 1 on
    function initialize(address authority, uint64 term_, uint256[] calldata prices) external initializer {
        __AccessManaged_init(authority);
        _setTerm(term_);
        // A class beyond the last is refused, long before the counter could wrap.
        for (uint8 i; i < prices.length; ++i) {
            _setPrice(i + 1, prices[i]);
        }
    }

    // ---------------------------------------------------------------- buying

    /// @inheritdoc ILicenceMarket
    function buy(Order calldata order, Permit calldata permit)
        external
        nonReentrant
        returns (uint256 passId)
    {
        BREAKER.requireLive(Scopes.TRADING);
        if (block.timestamp > order.deadline) revert MarketErrors.LicenceMarket_OrderExpired(order.deadline);
        _requireAllowed(msg.sender, order.purpose, order.datasetIds);
        (uint256 price, uint256[] memory parts) = _quote(order.datasetIds, order.uses);
        if (price > order.maxPrice) {
            revert MarketErrors.LicenceMarket_PriceAboveMaximum(price, order.maxPrice);
        }

        uint64 expiry = uint64(block.timestamp) + _storage().term;
        passId = PASSES.mint(msg.sender, order.purpose, expiry, order.uses, order.datasetIds);
        emit LicenceSold(passId, msg.sender, order.purpose, order.uses, price);
        _engageBond(msg.sender, expiry);

        USDC.pull(msg.sender, address(SPLITTER), price, permit);
        SPLITTER.distribute(price, order.datasetIds, parts);
    }

    /// @inheritdoc ILicenceMarket
    function issue(address holder, uint8 purpose, uint64 expiry, uint32 uses, uint256[] calldata datasetIds)
        external
        restricted
        nonReentrant
        returns (uint256 passId)
    {
        BREAKER.requireLive(Scopes.TRADING);
        _requireWellFormed(datasetIds, uses);
        _requireAllowed(holder, purpose, datasetIds);
        if (expiry <= block.timestamp || expiry > block.timestamp + GREATEST_TERM) {
            revert MarketErrors.LicenceMarket_BadTerm(expiry);
        }
        passId = PASSES.mint(holder, purpose, expiry, uses, datasetIds);
        emit LicenceIssued(passId, holder, msg.sender, purpose, uses);
        _engageBond(holder, expiry);
    }

    /// @inheritdoc ILicenceMarket
    function remit(uint256 amount, uint256[] calldata datasetIds, uint256[] calldata weights)
        external
        restricted
        nonReentrant
    {
        SPLITTER.distribute(amount, datasetIds, weights);
    }

    /// @inheritdoc ILicenceMarket
    function quote(uint256[] calldata datasetIds, uint32 uses) external view returns (uint256 price) {
        (price,) = _quote(datasetIds, uses);
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc ILicenceMarket
    function setPrice(uint8 dataClass, uint256 pricePer1000_) external restricted {
        _setPrice(dataClass, pricePer1000_);
    }

    /// @inheritdoc ILicenceMarket
    function setTerm(uint64 term_) external restricted {
        _setTerm(term_);
    }

    /// @inheritdoc ILicenceMarket
    function setBonds(IResearcherBonds bonds_) external restricted {
        _storage().bonds = bonds_;
        emit BondsSet(bonds_);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc ILicenceMarket
    function bonds() external view returns (IResearcherBonds) {
        return _storage().bonds;
    }

    /// @inheritdoc ILicenceMarket
    function pricePer1000(uint8 dataClass) external view returns (uint256) {
        return _storage().pricePer1000[dataClass];
    }

    /// @inheritdoc ILicenceMarket
    function term() external view returns (uint64) {
        return _storage().term;
    }

    // ---------------------------------------------------------------- internal

    function _requireAllowed(address buyer, uint8 purpose, uint256[] calldata datasetIds) private view {
        for (uint256 i; i < datasetIds.length; ++i) {
            uint256 id = datasetIds[i];
            (bool ok, string memory law) = COMPLIANCE.checkAccess(buyer, id, purpose, 0);
            if (!ok) revert Errors.Blocked(law);
            if (!POOL.isLive(id)) revert MarketErrors.LicenceMarket_NotLive(id);
        }
    }

    function _requireWellFormed(uint256[] calldata datasetIds, uint32 uses) private pure {
        uint256 count = datasetIds.length;
        if (count == 0 || count > MAXIMUM_DATASETS) {
            revert MarketErrors.LicenceMarket_BadDatasetCount(count, MAXIMUM_DATASETS);
        }
        if (uses == 0) revert MarketErrors.LicenceMarket_NoUses();
        uint256 previous;
        for (uint256 i; i < count; ++i) {
            uint256 id = datasetIds[i];
            if (id <= previous) revert MarketErrors.LicenceMarket_BadDatasetOrder(id);
            previous = id;
        }
    }

    /// @dev The licence keeps the buyer's bond, where governance asks for one.
    function _engageBond(address buyer, uint64 expiry) private {
        IResearcherBonds bonds_ = _storage().bonds;
        if (address(bonds_) != address(0)) bonds_.engage(buyer, expiry);
    }

    /// @dev The whole price and each dataset's part of it, by which the revenue is divided.
    function _quote(uint256[] calldata datasetIds, uint32 uses)
        private
        view
        returns (uint256 price, uint256[] memory parts)
    {
        _requireWellFormed(datasetIds, uses);
        uint256 count = datasetIds.length;
        parts = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            parts[i] = _priceOf(datasetIds[i]) * uses;
            price += parts[i];
        }
    }

    function _priceOf(uint256 datasetId) private view returns (uint256) {
        DatasetBrief memory d = DATASETS.brief(datasetId);
        uint256 per1000 = _storage().pricePer1000[d.dataClass];
        if (per1000 == 0) revert MarketErrors.LicenceMarket_NotForSale(d.dataClass);
        return Math.ceilDiv(d.recordCount * per1000, 1000);
    }

    function _setPrice(uint8 dataClass, uint256 pricePer1000_) private {
        if (dataClass == DataClasses.ANY || dataClass > DataClasses.LAST) {
            revert MarketErrors.LicenceMarket_BadDataClass(dataClass);
        }
        _storage().pricePer1000[dataClass] = pricePer1000_;
        emit PriceSet(dataClass, pricePer1000_);
    }

    function _setTerm(uint64 term_) private {
        if (term_ < LEAST_TERM || term_ > GREATEST_TERM) revert MarketErrors.LicenceMarket_BadTerm(term_);
        _storage().term = term_;
        emit TermSet(term_);
    }

    function _storage() private pure returns (LicenceMarketStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
