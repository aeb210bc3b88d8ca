// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {
    AccessManagedUpgradeable
} from "@openzeppelin/contracts-upgradeable/access/manager/AccessManagedUpgradeable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";

/// @title Module
/// @notice What every upgradeable contract of the protocol has in common: one AccessManager as its authority, upgrades
/// by governance only, and an implementation that nobody can initialize.
/// @dev Peers are immutables of the implementation, because they are proxies and do not move. Parameters and state live
/// in a namespaced struct (ERC-7201). An upgrade keeps the struct's order and only appends to it.
abstract contract Module is AccessManagedUpgradeable, UUPSUpgradeable {
    constructor() {
        _disableInitializers();
    }

    /// @dev The AccessManager sees the selector of `upgradeToAndCall`, which no role but its admin has.
    function _authorizeUpgrade(address) internal override restricted {}
}
