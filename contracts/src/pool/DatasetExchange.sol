// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {PartyRoles, Scopes} from "../common/Codes.sol";
import {Errors} from "../common/Errors.sol";
import {Kinds} from "../common/Kinds.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {Module} from "../common/Module.sol";
import {Sigmoid} from "../common/Sigmoid.sol";
import {IAttestationOracle, Proof} from "../interfaces/IAttestationOracle.sol";
import {ICircuitBreaker} from "../interfaces/ICircuitBreaker.sol";
import {IComplianceOracle} from "../interfaces/IComplianceOracle.sol";
import {Features, IDatasetExchange, Listing, PriceCurve} from "../interfaces/IDatasetExchange.sol";
import {IDatasetToken} from "../interfaces/IDatasetToken.sol";
import {IHealthDataPool} from "../interfaces/IHealthDataPool.sol";
import {ILicenceMarket} from "../interfaces/ILicenceMarket.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";

/// @title DatasetExchange
/// @notice Custodians swap uses of their datasets for uses of others', at sigmoid prices.
contract DatasetExchange is IDatasetExchange, Module {
    using SafeCast for uint256;

    /// @notice The contracts that the exchange works with.
    struct Peers {
        ILicenceMarket market;
        IDatasetToken datasets;
        IHealthDataPool pool;
        IParticipantRegistry registry;
        IComplianceOracle compliance;
        IAttestationOracle attestations;
        ICircuitBreaker breaker;
    }

    /// @custom:storage-location erc7201:caduceus.storage.DatasetExchange
    struct DatasetExchangeStorage {
        mapping(uint256 datasetId => Listing) listings;
        mapping(address party => mapping(uint256 datasetId => uint256)) uses;
        /// 1e6 units
        mapping(address party => uint256) credit;
        PriceCurve curve;
        uint16 feeBps;
        uint32 stockCap;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.DatasetExchange")) - 1)
    ) & ~bytes32(uint256(0xff));

    uint256 private constant BPS = 10_000;
    uint16 private constant GREATEST_FEE_BPS = 1_000;
    uint80 private constant GREATEST_STEEPNESS = 1_000e18;
    uint64 private constant WAD = 1e18;
    /// @dev Basis points squared, as parts of 1e18.
    uint256 private constant SCORE_SCALE = 1e10;

    ILicenceMarket public immutable MARKET;
    IDatasetToken public immutable DATASETS;
    IHealthDataPool public immutable POOL;
    IParticipantRegistry public immutable REGISTRY;
    IComplianceOracle public immutable COMPLIANCE;
    IAttestationOracle public immutable ATTESTATIONS;
    ICircuitBreaker public immutable BREAKER;

    constructor(Peers memory peers) {
        MARKET = peers.market;
        DATASETS = peers.datasets;
        POOL = peers.pool;
        REGISTRY = peers.registry;
        COMPLIANCE = peers.compliance;
        ATTESTATIONS = peers.attestations;
        BREAKER = peers.breaker;
    }

    /// @notice Sets the first parameters; once, by the proxy's constructor.
    function initialize(address authority, PriceCurve calldata curve, uint16 feeBps, uint32 stockCap)
        external
        initializer
    {
        __AccessManaged_init(authority);
        _setPriceCurve(curve);
        _setTerms(feeBps, stockCap);
    }

    // ---------------------------------------------------------------- bringing and taking

    /// @inheritdoc IDatasetExchange
    function setFeatures(uint256 datasetId, Features calldata features, Proof calldata proof) external {
        Listing storage l = _storage().listings[datasetId];
        _requireFeature(features.completeness);
        _requireFeature(features.rarity);
        _requireFeature(features.sensitivity);
        _requireFeature(features.breadth);
        uint64 issuedAt = proof.attestation.issuedAt;
        if (issuedAt <= l.assessedAt) {
            revert MarketErrors.DatasetExchange_OldFeatures(datasetId, issuedAt, l.assessedAt);
        }
        l.features = features;
        l.assessedAt = issuedAt;
        emit FeaturesSet(datasetId, features, issuedAt);

        bytes32 payload = keccak256(
            abi.encode(
                datasetId, features.completeness, features.rarity, features.sensitivity, features.breadth
            )
        );
        ATTESTATIONS.consume(proof, Kinds.FEATURES, bytes32(datasetId), payload);
    }

    /// @inheritdoc IDatasetExchange
    function bring(uint256 datasetId, uint32 uses) external {
        BREAKER.requireLive(Scopes.TRADING);
        _storage().credit[msg.sender] += _bring(datasetId, uses);
    }

    /// @inheritdoc IDatasetExchange
    function bringBack(uint256 datasetId, uint32 uses) external {
        _requireCustodian(datasetId);
        _unstock(datasetId, uses);
        uint256 charge = priceOf(datasetId) * uses;
        _charge(charge);
        emit BroughtBack(msg.sender, datasetId, uses, charge);
    }

    /// @inheritdoc IDatasetExchange
    function take(uint256 datasetId, uint32 uses, uint256 maxCharge) external {
        BREAKER.requireLive(Scopes.TRADING);
        _requireCustodianStanding();
        _pay(_take(datasetId, uses), maxCharge);
    }

    /// @inheritdoc IDatasetExchange
    function swap(uint256 bringId, uint32 bringUses, uint256 takeId, uint32 takeUses, uint256 maxCharge)
        external
    {
        BREAKER.requireLive(Scopes.TRADING);
        uint256 brought = _bring(bringId, bringUses);
        uint256 charge = _take(takeId, takeUses);
        if (charge > brought) _pay(charge - brought, maxCharge);
        else if (charge < brought) _storage().credit[msg.sender] += brought - charge;
    }

    /// @inheritdoc IDatasetExchange
    function redeem(uint256 datasetId, uint32 uses, uint8 purpose) external returns (uint256 passId) {
        DatasetExchangeStorage storage $ = _storage();
        uint256 held = $.uses[msg.sender][datasetId];
        if (uses > held) revert MarketErrors.DatasetExchange_TooFewUses(datasetId, held, uses);
        $.uses[msg.sender][datasetId] = held - uses;

        uint256[] memory datasetIds = new uint256[](1);
        datasetIds[0] = datasetId;
        uint64 expiry = uint64(block.timestamp) + MARKET.term();
        passId = MARKET.issue(msg.sender, purpose, expiry, uses, datasetIds);
        emit Redeemed(msg.sender, datasetId, passId, uses);
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IDatasetExchange
    function setPriceCurve(PriceCurve calldata curve) external restricted {
        _setPriceCurve(curve);
    }

    /// @inheritdoc IDatasetExchange
    function setTerms(uint16 feeBps, uint32 stockCap) external restricted {
        _setTerms(feeBps, stockCap);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IDatasetExchange
    function priceOf(uint256 datasetId) public view returns (uint256) {
        DatasetExchangeStorage storage $ = _storage();
        Listing memory l = $.listings[datasetId];
        if (l.assessedAt == 0) revert MarketErrors.DatasetExchange_NotAssessed(datasetId);
        PriceCurve memory c = $.curve;
        uint256 score = uint256(c.completeness) * l.features.completeness + uint256(c.rarity)
            * l.features.rarity + uint256(c.sensitivity) * l.features.sensitivity + uint256(c.breadth)
            * l.features.breadth;
        // Scores and midpoints have 60 bits, so that with the steepness it is 140.
        int256 distance = (score * SCORE_SCALE).toInt256() - uint256(c.midpoint).toInt256();
        uint256 part = Sigmoid.value(uint256(c.steepness).toInt256() * distance / Sigmoid.WAD);
        return c.floor + (c.cap - c.floor) * part / WAD;
    }

    /// @inheritdoc IDatasetExchange
    function chargeFor(uint256 datasetId, uint32 uses) public view returns (uint256) {
        return Math.ceilDiv(priceOf(datasetId) * uses * (BPS + _storage().feeBps), BPS);
    }

    /// @inheritdoc IDatasetExchange
    function listing(uint256 datasetId) external view returns (Listing memory) {
        return _storage().listings[datasetId];
    }

    /// @inheritdoc IDatasetExchange
    function creditOf(address party) external view returns (uint256) {
        return _storage().credit[party];
    }

    /// @inheritdoc IDatasetExchange
    function usesOf(address party, uint256 datasetId) external view returns (uint256) {
        return _storage().uses[party][datasetId];
    }

    /// @inheritdoc IDatasetExchange
    function priceCurve() external view returns (PriceCurve memory) {
        return _storage().curve;
    }

    /// @inheritdoc IDatasetExchange
    function exchangeTerms() external view returns (uint16 feeBps, uint32 stockCap) {
        return (_storage().feeBps, _storage().stockCap);
    }

    // ---------------------------------------------------------------- internal

    function _bring(uint256 datasetId, uint32 uses) private returns (uint256 credit) {
        DatasetExchangeStorage storage $ = _storage();
        _requireCustodian(datasetId);
        _requireCustodianStanding();
        if (!POOL.isLive(datasetId)) revert MarketErrors.DatasetExchange_NotLive(datasetId);
        Listing storage l = $.listings[datasetId];
        uint256 stock = uint256(l.stock) + uses;
        if (uses == 0 || stock > $.stockCap) {
            revert MarketErrors.DatasetExchange_AboveStockCap(datasetId, stock, $.stockCap);
        }
        credit = priceOf(datasetId) * uses;
        l.stock += uses;
        emit Brought(msg.sender, datasetId, uses, credit);
    }

    function _take(uint256 datasetId, uint32 uses) private returns (uint256 charge) {
        (bool ok, string memory law) = COMPLIANCE.checkSwap(msg.sender, address(DATASETS), datasetId);
        if (!ok) revert Errors.Blocked(law);
        if (!POOL.isLive(datasetId)) revert MarketErrors.DatasetExchange_NotLive(datasetId);
        _unstock(datasetId, uses);
        charge = chargeFor(datasetId, uses);
        _storage().uses[msg.sender][datasetId] += uses;
        emit Taken(msg.sender, datasetId, uses, charge);
    }

    function _unstock(uint256 datasetId, uint32 uses) private {
        Listing storage l = _storage().listings[datasetId];
        uint32 stock = l.stock;
        if (uses == 0 || uses > stock) {
            revert MarketErrors.DatasetExchange_TooFewUses(datasetId, stock, uses);
        }
        l.stock = stock - uses;
    }

    function _pay(uint256 charge, uint256 maxCharge) private {
        if (charge > maxCharge) revert MarketErrors.DatasetExchange_AboveMaximum(charge, maxCharge);
        _charge(charge);
    }

    function _charge(uint256 charge) private {
        uint256 credit = _storage().credit[msg.sender];
        if (charge > credit) revert MarketErrors.DatasetExchange_TooLittleCredit(credit, charge);
        _storage().credit[msg.sender] = credit - charge;
    }

    function _requireCustodian(uint256 datasetId) private view {
        if (DATASETS.custodianOf(datasetId) != msg.sender) {
            revert MarketErrors.DatasetExchange_NotCustodian(datasetId, msg.sender);
        }
    }

    function _requireCustodianStanding() private view {
        (bool ok, string memory reason) = REGISTRY.standing(msg.sender, PartyRoles.CUSTODIAN);
        if (!ok) revert MarketErrors.DatasetExchange_NotInGoodStanding(msg.sender, reason);
    }

    function _requireFeature(uint16 bps) private pure {
        if (bps > BPS) revert MarketErrors.DatasetExchange_BadFeature(bps);
    }

    function _setPriceCurve(PriceCurve calldata c) private {
        if (c.floor == 0 || c.floor > c.cap) revert MarketErrors.DatasetExchange_BadCurve("floor");
        if (c.steepness > GREATEST_STEEPNESS) revert MarketErrors.DatasetExchange_BadCurve("steepness");
        if (c.midpoint > WAD) revert MarketErrors.DatasetExchange_BadCurve("midpoint");
        if (uint256(c.completeness) + c.rarity + c.sensitivity + c.breadth != BPS) {
            revert MarketErrors.DatasetExchange_BadCurve("weights");
        }
        _storage().curve = c;
        emit PriceCurveSet(c);
    }

    function _setTerms(uint16 feeBps, uint32 stockCap) private {
        if (feeBps > GREATEST_FEE_BPS) revert MarketErrors.DatasetExchange_BadFee(feeBps);
        _storage().feeBps = feeBps;
        _storage().stockCap = stockCap;
        emit ExchangeTermsSet(feeBps, stockCap);
    }

    function _storage() private pure returns (DatasetExchangeStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
