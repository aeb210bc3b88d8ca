// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Proof} from "./IAttestationOracle.sol";

/// @notice What sets a dataset's price, each in basis points, 0 to 10,000.
struct Features {
    uint16 completeness;
    uint16 rarity;
    uint16 sensitivity;
    /// of what the consents allow
    uint16 breadth;
}

/// @notice The price of one use: floor + (cap - floor) / (1 + exp(-steepness (x - midpoint))), with x the weighted mean of
/// the features as a part of one. Two slots.
struct PriceCurve {
    /// credits, 1e6 units
    uint96 floor;
    /// credits, 1e6 units
    uint96 cap;
    /// 1e18 parts, at most 1,000
    uint80 steepness;
    /// 1e18 parts, at most one
    uint64 midpoint;
    /// weights of the four features, basis points, together 10,000
    uint16 completeness;
    uint16 rarity;
    uint16 sensitivity;
    uint16 breadth;
}

/// @notice A dataset in the exchange. One slot.
struct Listing {
    Features features;
    /// unix seconds, when the features were attested; zero when they never were
    uint64 assessedAt;
    /// uses that can be taken
    uint32 stock;
}

/// @title IDatasetExchange
/// @notice Custodians swap uses of their datasets for uses of others', at sigmoid prices, without money.
/// @dev What a custodian brings is credited at the price, what it takes is charged at the price plus the fee; credits
/// (1e6 units) are worth nothing outside the exchange. Credit is rounded down, a charge up. A swap brings and takes at
/// once. Who takes must be allowed general research use of the dataset at that moment, and again, for the purpose of the
/// pass, when the uses become one. A dataset's stock is bounded, so that nobody gets more credit than others want uses.
/// Nothing but `redeem` and taking can be paused.
/// WARNING: uses of a dataset that leaves the pool can no longer be redeemed. A dataset can always leave.
interface IDatasetExchange {
    /// @notice A dataset's features were attested.
    event FeaturesSet(uint256 indexed datasetId, Features features, uint64 assessedAt);
    /// @notice A custodian brought uses, for `credit` (1e6 units).
    event Brought(address indexed custodian, uint256 indexed datasetId, uint32 uses, uint256 credit);
    /// @notice A custodian took uses back that nobody had taken, for `charge` (1e6 units).
    event BroughtBack(address indexed custodian, uint256 indexed datasetId, uint32 uses, uint256 charge);
    /// @notice A party took uses, for `charge` (1e6 units).
    event Taken(address indexed party, uint256 indexed datasetId, uint32 uses, uint256 charge);
    /// @notice Uses became a licence.
    event Redeemed(address indexed party, uint256 indexed datasetId, uint256 indexed passId, uint32 uses);
    /// @notice Governance set the price curve.
    event PriceCurveSet(PriceCurve curve);
    /// @notice Governance set the fee (basis points) and the greatest stock of a dataset.
    event ExchangeTermsSet(uint16 feeBps, uint32 stockCap);

    /// @notice Sets a dataset's features. Anyone may call. Attestation: kind FEATURES, subject bytes32(datasetId), payload
    /// keccak256(abi.encode(datasetId, completeness, rarity, sensitivity, breadth)), issued after the last one.
    function setFeatures(uint256 datasetId, Features calldata features, Proof calldata proof) external;

    /// @notice Brings uses of the caller's dataset. Its custodian only; the dataset must be live and assessed. Reverts
    /// above the greatest stock.
    function bring(uint256 datasetId, uint32 uses) external;

    /// @notice Takes back uses that nobody took, charged at the price of now, without fee. Its custodian only.
    function bringBack(uint256 datasetId, uint32 uses) external;

    /// @notice Takes uses of a dataset out of the caller's credit. Reverts with `Errors.Blocked(law)` when the rules forbid
    /// it, when the stock is less, and when the charge is above `maxCharge` (1e6 units) or the credit.
    function take(uint256 datasetId, uint32 uses, uint256 maxCharge) external;

    /// @notice Brings uses of one dataset and takes uses of another at once; the caller's credit pays or gets the
    /// difference. Reverts as `bring` and `take` do.
    /// @param maxCharge the most that the credit may pay on top, 1e6 units
    function swap(uint256 bringId, uint32 bringUses, uint256 takeId, uint32 takeUses, uint256 maxCharge)
        external;

    /// @notice Turns taken uses into a licence pass. Reverts as `LicenceMarket.issue` does.
    function redeem(uint256 datasetId, uint32 uses, uint8 purpose) external returns (uint256 passId);

    /// @notice Sets the price curve. Governance only.
    function setPriceCurve(PriceCurve calldata curve) external;

    /// @notice Sets the fee, at most 1,000 basis points, and the greatest stock of a dataset. Governance only.
    function setTerms(uint16 feeBps, uint32 stockCap) external;

    /// @notice The price of one use, 1e6 units, rounded down. Reverts while the dataset was not assessed.
    function priceOf(uint256 datasetId) external view returns (uint256);

    /// @notice What taking costs now with fee, 1e6 units, rounded up.
    function chargeFor(uint256 datasetId, uint32 uses) external view returns (uint256);

    /// @notice The dataset's entry; all zero when there is none.
    function listing(uint256 datasetId) external view returns (Listing memory);

    /// @notice A party's credit, 1e6 units.
    function creditOf(address party) external view returns (uint256);

    /// @notice Uses that a party took and has not redeemed.
    function usesOf(address party, uint256 datasetId) external view returns (uint256);

    /// @notice The price curve.
    function priceCurve() external view returns (PriceCurve memory);

    /// @notice The fee (basis points) and the greatest stock of a dataset.
    function exchangeTerms() external view returns (uint16 feeBps, uint32 stockCap);
}
