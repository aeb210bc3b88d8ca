// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Scopes} from "../common/Codes.sol";
import {Errors} from "../common/Errors.sol";
import {Module} from "../common/Module.sol";
import {ICircuitBreaker} from "../interfaces/ICircuitBreaker.sol";

/// @title CircuitBreaker
/// @notice Stops new business for a short time.
contract CircuitBreaker is ICircuitBreaker, Module {
    /// @dev Both in unix seconds; zero when there was none.
    struct Pause {
        /// end of the last guardian's pause
        uint64 guarded;
        /// end of the last pause by governance
        uint64 governed;
    }

    /// @custom:storage-location erc7201:caduceus.storage.CircuitBreaker
    struct CircuitBreakerStorage {
        mapping(uint256 scope => Pause) pauses;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.CircuitBreaker")) - 1)
    ) & ~bytes32(uint256(0xff));

    /// @notice The longest pause by a guardian, seconds.
    uint64 public constant MAXIMUM_PAUSE = 7 days;
    /// @notice How long after its last guardian's pause a scope cannot be paused again by a guardian, seconds.
    uint64 public constant COOL_DOWN = 7 days;

    /// @notice Connects the breaker to its authority; once, by the proxy's constructor.
    function initialize(address authority) external initializer {
        __AccessManaged_init(authority);
    }

    // ---------------------------------------------------------------- guardians

    /// @inheritdoc ICircuitBreaker
    function pause(uint256 scopes, uint64 duration) external restricted {
        _requireScopes(scopes);
        if (duration == 0 || duration > MAXIMUM_PAUSE) {
            revert Errors.CircuitBreaker_BadDuration(duration, MAXIMUM_PAUSE);
        }
        uint64 until = _now() + duration;
        for (uint256 scope = 1; scope <= Scopes.ALL; scope <<= 1) {
            if (scopes & scope == 0) continue;
            uint64 last = _storage().pauses[scope].guarded;
            if (last != 0 && _now() < last + COOL_DOWN) {
                revert Errors.CircuitBreaker_CoolingDown(scope, last + COOL_DOWN);
            }
            _storage().pauses[scope].guarded = until;
        }
        emit Paused(scopes, until, msg.sender);
    }

    /// @inheritdoc ICircuitBreaker
    function lift(uint256 scopes) external restricted {
        _requireScopes(scopes);
        _endGuarded(scopes);
        emit Lifted(scopes, msg.sender);
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc ICircuitBreaker
    function extend(uint256 scopes, uint64 until) external restricted {
        _requireScopes(scopes);
        if (until <= _now()) revert Errors.CircuitBreaker_NotInFuture(until);
        for (uint256 scope = 1; scope <= Scopes.ALL; scope <<= 1) {
            if (scopes & scope != 0) _storage().pauses[scope].governed = until;
        }
        emit Extended(scopes, until);
    }

    /// @inheritdoc ICircuitBreaker
    function reopen(uint256 scopes) external restricted {
        _requireScopes(scopes);
        _endGuarded(scopes);
        for (uint256 scope = 1; scope <= Scopes.ALL; scope <<= 1) {
            if (scopes & scope != 0) _storage().pauses[scope].governed = 0;
        }
        emit Reopened(scopes);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc ICircuitBreaker
    function isPaused(uint256 scope) external view returns (bool) {
        return _now() < pausedUntil(scope);
    }

    /// @inheritdoc ICircuitBreaker
    function pausedUntil(uint256 scope) public view returns (uint64) {
        Pause memory p = _storage().pauses[scope];
        return p.guarded > p.governed ? p.guarded : p.governed;
    }

    /// @inheritdoc ICircuitBreaker
    function requireLive(uint256 scope) external view {
        uint64 until = pausedUntil(scope);
        if (_now() < until) revert Errors.CircuitBreaker_Paused(scope, until);
    }

    // ---------------------------------------------------------------- internal

    /// @dev A pause ended early counts as ended now, so that the cool-down starts now.
    function _endGuarded(uint256 scopes) private {
        for (uint256 scope = 1; scope <= Scopes.ALL; scope <<= 1) {
            if (scopes & scope != 0 && _storage().pauses[scope].guarded > _now()) {
                _storage().pauses[scope].guarded = _now();
            }
        }
    }

    function _requireScopes(uint256 scopes) private pure {
        if (scopes == 0 || scopes > Scopes.ALL) revert Errors.CircuitBreaker_BadScopes(scopes);
    }

    function _now() private view returns (uint64) {
        return uint64(block.timestamp);
    }

    function _storage() private pure returns (CircuitBreakerStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
