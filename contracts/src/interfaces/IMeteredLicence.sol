// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Permit} from "../common/Payments.sol";
import {Proof} from "./IAttestationOracle.sol";

/// @notice What a buyer wants.
struct MeterOrder {
    uint256 datasetId;
    /// one of `Purposes`
    uint8 purpose;
    /// questions that can be asked
    uint32 uses;
    /// 1e6 USDC units for one unit of computation
    uint96 maxPrice;
    /// 1e6 USDC units
    uint96 deposit;
}

/// @notice A licence that is paid by what was computed.
struct Meter {
    address buyer;
    /// unix seconds, the first moment at which no question can be asked with the pass
    uint64 expiry;
    /// whether it was closed
    bool closed;
    /// 1e6 USDC units that are left of the deposit
    uint96 deposit;
    /// 1e6 USDC units for one unit of computation, fixed when opened
    uint96 price;
    /// units of computation that were paid
    uint64 units;
    uint256 datasetId;
    uint256 passId;
}

/// @title IMeteredLicence
/// @notice Licences with a price per unit of computation. The buyer deposits, attestors say how many units were used,
/// each settlement is paid out of the deposit, and what is left goes back.
/// @dev Opening can be paused, nothing else. Settling has until 14 days after the expiry; then, or before with the last
/// attested count, the deposit's rest goes back. No more than the deposit is ever paid: the vault stops at
/// `deposit / price` units.
interface IMeteredLicence {
    /// @notice A metered licence was sold; amounts in 1e6 USDC units.
    event MeterOpened(
        uint256 indexed meterId,
        address indexed buyer,
        uint256 indexed datasetId,
        uint256 passId,
        uint256 price,
        uint256 deposit
    );
    /// @notice Use was paid, 1e6 USDC units; `units` is the count since the beginning.
    event MeterSettled(uint256 indexed meterId, uint64 units, uint256 paid);
    /// @notice A licence ended and the rest of its deposit went back, 1e6 USDC units.
    event MeterClosed(uint256 indexed meterId, uint256 returned);
    /// @notice Governance set a price, 1e6 USDC units for one unit of computation.
    event UnitPriceSet(uint8 indexed dataClass, uint96 price);

    /// @notice Opens a metered licence for a dataset with the caller's deposit. Reverts as `LicenceMarket.issue` does, when
    /// the class has no price, when the price is above `maxPrice`, and when the deposit does not pay one unit.
    /// @param permit the caller's allowance of USDC to this contract; zero `value` when there is one already
    function open(MeterOrder calldata order, Permit calldata permit) external returns (uint256 meterId);

    /// @notice Pays use by an attested count. Anyone may call. Attestation: kind USAGE, subject bytes32(meterId), payload
    /// keccak256(abi.encode(address(this), meterId, units, last)).
    /// @param units of computation since the beginning, not below the last count
    /// @param last whether no more will come; the licence then ends and the rest goes back
    function settle(uint256 meterId, uint64 units, bool last, Proof calldata proof) external;

    /// @notice Pays the rest of the deposit back. Anyone may call, 14 days after the expiry.
    function close(uint256 meterId) external;

    /// @notice Sets the price of a data class, 1e6 USDC units for one unit of computation; zero takes it off the market.
    /// Open licences keep theirs. Governance only.
    function setUnitPrice(uint8 dataClass, uint96 price) external;

    /// @notice The price of a data class, 1e6 USDC units for one unit of computation; zero when not for sale.
    function unitPrice(uint8 dataClass) external view returns (uint96);

    /// @notice The licence; all zero when there is none.
    function meter(uint256 meterId) external view returns (Meter memory);

    /// @notice How many licences there ever were; the last one has this number.
    function meterCount() external view returns (uint256);
}
