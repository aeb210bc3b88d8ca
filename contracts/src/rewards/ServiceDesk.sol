// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Errors} from "../common/Errors.sol";
import {Module} from "../common/Module.sol";
import {Payments, Permit} from "../common/Payments.sol";
import {RewardErrors} from "../common/RewardErrors.sol";
import {IDataToken} from "../interfaces/IDataToken.sol";
import {IServiceDesk, Service} from "../interfaces/IServiceDesk.sol";

/// @title ServiceDesk
/// @notice Services inside the cooperative, priced and paid in DATA, which is burned.
contract ServiceDesk is IServiceDesk, Module, ReentrancyGuardTransient {
    using Payments for IERC20;

    /// @custom:storage-location erc7201:caduceus.storage.ServiceDesk
    struct ServiceDeskStorage {
        mapping(uint256 serviceId => Service) services;
        mapping(uint256 serviceId => mapping(address buyer => uint256)) units;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.ServiceDesk")) - 1)
    ) & ~bytes32(uint256(0xff));

    IDataToken public immutable DATA;

    constructor(IDataToken data) {
        DATA = data;
    }

    /// @notice Connects the desk to its authority; once, by the proxy's constructor.
    function initialize(address authority) external initializer {
        __AccessManaged_init(authority);
    }

    // ---------------------------------------------------------------- buying and using

    /// @inheritdoc IServiceDesk
    function buy(uint256 serviceId, address buyer, uint256 units, uint256 maxPrice, Permit calldata permit)
        external
        nonReentrant
        returns (uint256 price)
    {
        Service memory s = _storage().services[serviceId];
        if (!s.forSale) revert RewardErrors.ServiceDesk_NotForSale(serviceId);
        if (units == 0) revert RewardErrors.ServiceDesk_NoUnits();
        if (buyer == address(0)) revert Errors.Common_ZeroAddress();
        price = units * s.price;
        if (price > maxPrice) revert RewardErrors.ServiceDesk_PriceAboveMaximum(price, maxPrice);

        _storage().units[serviceId][buyer] += units;
        emit ServiceBought(serviceId, buyer, msg.sender, units, price);

        IERC20(address(DATA)).pull(msg.sender, address(this), price, permit);
        DATA.burn(price);
    }

    /// @inheritdoc IServiceDesk
    function take(uint256 serviceId, address buyer, uint256 units, bytes32 receipt) external {
        ServiceDeskStorage storage $ = _storage();
        if (msg.sender != $.services[serviceId].provider) {
            revert RewardErrors.ServiceDesk_NotProvider(serviceId, msg.sender);
        }
        uint256 left = $.units[serviceId][buyer];
        if (units > left) revert RewardErrors.ServiceDesk_AboveBalance(units, left);
        if (units == 0) revert RewardErrors.ServiceDesk_NoUnits();
        $.units[serviceId][buyer] = left - units;
        emit ServiceUsed(serviceId, buyer, units, receipt);
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IServiceDesk
    function setService(uint256 serviceId, Service calldata s) external restricted {
        if (s.provider == address(0)) revert RewardErrors.ServiceDesk_BadService("provider");
        if (s.description == 0) revert RewardErrors.ServiceDesk_BadService("description");
        _storage().services[serviceId] = s;
        emit ServiceSet(serviceId, s);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IServiceDesk
    function service(uint256 serviceId) external view returns (Service memory) {
        return _storage().services[serviceId];
    }

    /// @inheritdoc IServiceDesk
    function unitsOf(uint256 serviceId, address buyer) external view returns (uint256) {
        return _storage().units[serviceId][buyer];
    }

    // ---------------------------------------------------------------- internal

    function _storage() private pure returns (ServiceDeskStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
