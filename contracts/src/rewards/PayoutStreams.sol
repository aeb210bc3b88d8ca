// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {RewardErrors} from "../common/RewardErrors.sol";
import {IPayoutStreams, Stream} from "../interfaces/IPayoutStreams.sol";

/// @title PayoutStreams
/// @notice Pays what accounts are owed by the second instead of at once, for those who chose so.
/// @dev It has no parameters and holds what people own, so nobody governs it.
contract PayoutStreams is IPayoutStreams {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @notice The shortest and the longest time over which a payment flows, seconds.
    uint32 public constant LEAST_DURATION = 1 hours;
    uint32 public constant GREATEST_DURATION = 366 days;

    IERC20 public immutable USDC;
    address public immutable SPLITTER;
    address public immutable CLAIMS;

    /// @inheritdoc IPayoutStreams
    uint256 public owed;

    mapping(address account => Stream) private _streams;

    constructor(IERC20 usdc, address splitter, address claims) {
        USDC = usdc;
        SPLITTER = splitter;
        CLAIMS = claims;
    }

    // ---------------------------------------------------------------- choosing and paying in

    /// @inheritdoc IPayoutStreams
    function choose(uint32 duration) external {
        if (duration != 0 && (duration < LEAST_DURATION || duration > GREATEST_DURATION)) {
            revert RewardErrors.PayoutStreams_BadDuration(duration, LEAST_DURATION, GREATEST_DURATION);
        }
        _streams[msg.sender].duration = duration;
        emit DurationChosen(msg.sender, duration);
    }

    /// @inheritdoc IPayoutStreams
    function credit(address account, uint256 amount) external {
        if (!isPayer(msg.sender)) revert RewardErrors.PayoutStreams_NotPayer(msg.sender);
        uint256 needed = owed + amount;
        uint256 held = USDC.balanceOf(address(this));
        if (held < needed) revert RewardErrors.PayoutStreams_NotFunded(held, needed);

        owed = needed;
        Stream storage s = _streams[account];
        uint256 flowing = _bringUpToDate(s);
        uint256 timeLeft = flowing == 0 ? 0 : s.end - block.timestamp;
        uint256 total = flowing + amount;
        s.remaining = total.toUint128();
        if (total != 0) {
            // Amounts have 128 bits and times fewer than 48.
            uint256 mean = Math.ceilDiv(flowing * timeLeft + amount * s.duration, total);
            s.end = (block.timestamp + mean).toUint48();
        }
        emit Credited(account, amount, s.end);
    }

    // ---------------------------------------------------------------- paying out

    /// @inheritdoc IPayoutStreams
    function withdraw(address account) external returns (uint256 amount) {
        Stream storage s = _streams[account];
        _bringUpToDate(s);
        amount = s.accrued;
        if (amount == 0) revert RewardErrors.PayoutStreams_NothingFlowed(account);

        s.accrued = 0;
        owed -= amount;
        emit Withdrawn(account, amount);

        USDC.safeTransfer(account, amount);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IPayoutStreams
    function durationOf(address account) external view returns (uint32) {
        return _streams[account].duration;
    }

    /// @inheritdoc IPayoutStreams
    function flowed(address account) external view returns (uint256) {
        Stream storage s = _streams[account];
        return s.accrued + _flowedSince(s);
    }

    /// @inheritdoc IPayoutStreams
    function streamOf(address account) external view returns (Stream memory) {
        return _streams[account];
    }

    /// @inheritdoc IPayoutStreams
    function isPayer(address account) public view returns (bool) {
        return account == SPLITTER || account == CLAIMS;
    }

    // ---------------------------------------------------------------- internal

    /// @dev What has flowed since `since`, at most `remaining`.
    function _flowedSince(Stream storage s) private view returns (uint256) {
        if (block.timestamp >= s.end) return s.remaining;
        return uint256(s.remaining) * (block.timestamp - s.since) / (s.end - s.since);
    }

    /// @dev Moves what has flowed to `accrued`. Rounding delays a unit, at most until the end.
    function _bringUpToDate(Stream storage s) private returns (uint256 flowing) {
        uint256 passed = _flowedSince(s);
        flowing = s.remaining - passed;
        s.remaining = flowing.toUint128();
        s.accrued += passed.toUint128();
        s.since = uint48(block.timestamp);
    }
}
