// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {DataClasses} from "../common/Codes.sol";
import {Kinds} from "../common/Kinds.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {Permit} from "../common/Payments.sol";
import {IAttestationOracle, Proof} from "../interfaces/IAttestationOracle.sol";
import {IDatasetToken} from "../interfaces/IDatasetToken.sol";
import {ILicenceMarket} from "../interfaces/ILicenceMarket.sol";
import {IMeteredLicence, Meter, MeterOrder} from "../interfaces/IMeteredLicence.sol";
import {Seller} from "./Seller.sol";

/// @title MeteredLicence
/// @notice Licences with a price per unit of computation, paid out of a deposit by attested counts.
contract MeteredLicence is IMeteredLicence, Seller {
    /// @custom:storage-location erc7201:caduceus.storage.MeteredLicence
    struct MeteredLicenceStorage {
        mapping(uint256 meterId => Meter) meters;
        mapping(uint8 dataClass => uint96) unitPrice;
        uint256 meterCount;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.MeteredLicence")) - 1)
    ) & ~bytes32(uint256(0xff));

    uint64 private constant SETTLE_WINDOW = 14 days;

    IDatasetToken public immutable DATASETS;
    IAttestationOracle public immutable ATTESTATIONS;

    constructor(
        IERC20 usdc,
        ILicenceMarket market,
        address splitter,
        IDatasetToken datasets,
        IAttestationOracle attestations
    ) Seller(usdc, market, splitter) {
        DATASETS = datasets;
        ATTESTATIONS = attestations;
    }

    /// @notice Connects the licences to their authority; once, by the proxy's constructor.
    function initialize(address authority) external initializer {
        __AccessManaged_init(authority);
    }

    // ---------------------------------------------------------------- life of a licence

    /// @inheritdoc IMeteredLicence
    function open(MeterOrder calldata order, Permit calldata permit)
        external
        nonReentrant
        returns (uint256 meterId)
    {
        MeteredLicenceStorage storage $ = _storage();
        uint96 price = _requirePrice(order);
        meterId = ++$.meterCount;
        Meter memory m;
        m.buyer = msg.sender;
        m.expiry = uint64(block.timestamp) + MARKET.term();
        m.deposit = order.deposit;
        m.price = price;
        m.datasetId = order.datasetId;
        m.passId = MARKET.issue(msg.sender, order.purpose, m.expiry, order.uses, _one(order.datasetId));
        $.meters[meterId] = m;
        emit MeterOpened(meterId, msg.sender, order.datasetId, m.passId, price, order.deposit);
        _take(msg.sender, order.deposit, permit);
    }

    /// @inheritdoc IMeteredLicence
    function settle(uint256 meterId, uint64 units, bool last, Proof calldata proof) external nonReentrant {
        Meter storage m = _running(meterId);
        if (block.timestamp > m.expiry + SETTLE_WINDOW) {
            revert MarketErrors.MeteredLicence_TooLate(meterId, m.expiry + SETTLE_WINDOW);
        }
        if (units < m.units) revert MarketErrors.MeteredLicence_CountFell(meterId, units, m.units);
        uint256 cost = uint256(units - m.units) * m.price;
        if (cost > m.deposit) cost = m.deposit;

        m.units = units;
        m.deposit -= SafeCast.toUint96(cost);
        emit MeterSettled(meterId, units, cost);

        bytes32 payload = keccak256(abi.encode(address(this), meterId, units, last));
        ATTESTATIONS.consume(proof, Kinds.USAGE, bytes32(meterId), payload);
        _earn(cost, m.datasetId);
        if (last) _close(meterId, m);
    }

    /// @inheritdoc IMeteredLicence
    function close(uint256 meterId) external nonReentrant {
        Meter storage m = _running(meterId);
        if (block.timestamp <= m.expiry + SETTLE_WINDOW) {
            revert MarketErrors.MeteredLicence_TooEarly(meterId, m.expiry + SETTLE_WINDOW);
        }
        _close(meterId, m);
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IMeteredLicence
    function setUnitPrice(uint8 dataClass, uint96 price) external restricted {
        if (dataClass == DataClasses.ANY || dataClass > DataClasses.LAST) {
            revert MarketErrors.LicenceMarket_BadDataClass(dataClass);
        }
        _storage().unitPrice[dataClass] = price;
        emit UnitPriceSet(dataClass, price);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IMeteredLicence
    function unitPrice(uint8 dataClass) external view returns (uint96) {
        return _storage().unitPrice[dataClass];
    }

    /// @inheritdoc IMeteredLicence
    function meter(uint256 meterId) external view returns (Meter memory) {
        return _storage().meters[meterId];
    }

    /// @inheritdoc IMeteredLicence
    function meterCount() external view returns (uint256) {
        return _storage().meterCount;
    }

    // ---------------------------------------------------------------- internal

    function _requirePrice(MeterOrder calldata order) private view returns (uint96 price) {
        uint8 dataClass = DATASETS.brief(order.datasetId).dataClass;
        price = _storage().unitPrice[dataClass];
        if (price == 0) revert MarketErrors.MeteredLicence_NotForSale(dataClass);
        if (price > order.maxPrice) {
            revert MarketErrors.MeteredLicence_PriceAboveMaximum(price, order.maxPrice);
        }
        if (order.deposit < price) {
            revert MarketErrors.MeteredLicence_DepositTooLow(order.deposit, price);
        }
    }

    function _running(uint256 meterId) private view returns (Meter storage m) {
        m = _storage().meters[meterId];
        if (m.buyer == address(0) || m.closed) revert MarketErrors.MeteredLicence_NotRunning(meterId);
    }

    function _close(uint256 meterId, Meter storage m) private {
        uint96 rest = m.deposit;
        m.closed = true;
        m.deposit = 0;
        emit MeterClosed(meterId, rest);
        _pay(m.buyer, rest);
    }

    function _storage() private pure returns (MeteredLicenceStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
