// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {PartyRoles} from "../common/Codes.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {IHealthDataPool} from "../interfaces/IHealthDataPool.sol";
import {IMembershipToken} from "../interfaces/IMembershipToken.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {IPoolShare} from "../interfaces/IPoolShare.sol";

/// @title PoolShare
/// @notice The shares of the pool. It has no parameters, so nobody governs it.
contract PoolShare is IPoolShare, ERC20Permit {
    IHealthDataPool public immutable POOL;
    IParticipantRegistry public immutable REGISTRY;
    IMembershipToken public immutable MEMBERSHIP;

    modifier onlyPool() {
        if (msg.sender != address(POOL)) revert MarketErrors.PoolShare_NotPool(msg.sender);
        _;
    }

    constructor(IHealthDataPool pool, IParticipantRegistry registry, IMembershipToken membership)
        ERC20("Shared Health Data Pool", "sHDP")
        ERC20Permit("Shared Health Data Pool")
    {
        POOL = pool;
        REGISTRY = registry;
        MEMBERSHIP = membership;
    }

    // ---------------------------------------------------------------- the pool

    /// @inheritdoc IPoolShare
    function mint(address to, uint256 shares) external onlyPool {
        _mint(to, shares);
    }

    /// @inheritdoc IPoolShare
    function burn(address from, uint256 shares) external onlyPool {
        _burn(from, shares);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IPoolShare
    function mayHold(address account) public view returns (bool) {
        return MEMBERSHIP.isMember(account)
            || (REGISTRY.isVerified(account)
                && REGISTRY.participant(account).roles & PartyRoles.CUSTODIAN != 0);
    }

    // ---------------------------------------------------------------- internal

    /// @dev Minting and burning ask for no standing: the pool asked before it mints, and nothing may block an exit.
    function _update(address from, address to, uint256 value) internal override {
        if (from != address(0) && to != address(0)) {
            if (!mayHold(from)) revert MarketErrors.PoolShare_NotVerified(from);
            if (!mayHold(to)) revert MarketErrors.PoolShare_NotVerified(to);
        }
        super._update(from, to, value);
        POOL.settle(from, to);
    }
}
