// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Permit} from "../common/Payments.sol";

/// @notice Something that the cooperative sells for DATA.
struct Service {
    /// who renders it and takes units for it
    address provider;
    /// whether it is sold now
    bool forSale;
    /// 1e18 units of DATA for one unit of the service
    uint128 price;
    /// hash of what it is, in words that both sides keep
    bytes32 description;
}

/// @title IServiceDesk
/// @notice Services inside the cooperative, priced and paid in DATA, which is burned.
/// @dev What was bought stays the buyer's when the price changes or the sale ends.
interface IServiceDesk {
    /// @notice Governance set a service.
    event ServiceSet(uint256 indexed serviceId, Service service);
    /// @notice A service was bought and DATA burned, 1e18 units.
    event ServiceBought(
        uint256 indexed serviceId, address indexed buyer, address indexed payer, uint256 units, uint256 burned
    );
    /// @notice The provider took units for what it rendered; `receipt` is the provider's own.
    event ServiceUsed(
        uint256 indexed serviceId, address indexed buyer, uint256 units, bytes32 indexed receipt
    );

    /// @notice Buys units of a service for anybody and burns the caller's DATA. Anyone may call. Reverts when it is not for
    /// sale, on zero units and above the maximum.
    /// @param maxPrice 1e18 units of DATA for all units
    /// @param permit the caller's allowance of DATA to this contract; zero `value` when there is one already
    /// @return price burned, 1e18 units
    function buy(uint256 serviceId, address buyer, uint256 units, uint256 maxPrice, Permit calldata permit)
        external
        returns (uint256 price);

    /// @notice Takes units for a service rendered. The service's provider only.
    function take(uint256 serviceId, address buyer, uint256 units, bytes32 receipt) external;

    /// @notice Sets a service; a number that was not used before makes a new one. Governance only.
    function setService(uint256 serviceId, Service calldata service) external;

    /// @notice The service; all zero when there is none.
    function service(uint256 serviceId) external view returns (Service memory);

    /// @notice The units that a buyer has left.
    function unitsOf(uint256 serviceId, address buyer) external view returns (uint256);
}
