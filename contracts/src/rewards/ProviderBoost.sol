// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Payments, Permit} from "../common/Payments.sol";
import {RewardErrors} from "../common/RewardErrors.sol";
import {IHealthDataPool} from "../interfaces/IHealthDataPool.sol";
import {IPoolShare} from "../interfaces/IPoolShare.sol";
import {IProviderBoost, Stake} from "../interfaces/IProviderBoost.sol";

/// @title ProviderBoost
/// @notice Holds staked DATA, which raises the part of the pool's yield that a provider's shares earn.
/// @dev It has no parameters and holds what people own, so nobody governs it.
contract ProviderBoost is IProviderBoost, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;
    using Payments for IERC20;

    /// @notice How long a stake stays locked after its leaving was announced, seconds.
    uint64 public constant UNSTAKE_DELAY = 7 days;

    IERC20 public immutable DATA;
    IHealthDataPool public immutable POOL;
    IPoolShare public immutable SHARE;

    /// @inheritdoc IProviderBoost
    uint256 public totalStake;
    /// @inheritdoc IProviderBoost
    uint256 public owed;

    mapping(address provider => Stake) private _stakes;

    constructor(IERC20 data, IHealthDataPool pool, IPoolShare share) {
        DATA = data;
        POOL = pool;
        SHARE = share;
    }

    // ---------------------------------------------------------------- providers

    /// @inheritdoc IProviderBoost
    function stake(uint256 amount, Permit calldata permit) external nonReentrant {
        if (!SHARE.mayHold(msg.sender)) revert RewardErrors.ProviderBoost_NotVerified(msg.sender);
        if (amount == 0) revert RewardErrors.ProviderBoost_ZeroAmount();

        _stakes[msg.sender].active += amount.toUint128();
        totalStake += amount;
        owed += amount;
        emit Staked(msg.sender, amount);

        POOL.refresh(msg.sender);
        DATA.pull(msg.sender, address(this), amount, permit);
    }

    /// @inheritdoc IProviderBoost
    function announceUnstake(uint256 amount) external nonReentrant {
        Stake storage s = _stakes[msg.sender];
        if (amount == 0) revert RewardErrors.ProviderBoost_ZeroAmount();
        if (amount > s.active) revert RewardErrors.ProviderBoost_AboveStake(amount, s.active);

        uint64 availableAt = uint64(block.timestamp) + UNSTAKE_DELAY;
        s.active -= amount.toUint128();
        s.leaving += amount.toUint128();
        s.availableAt = availableAt;
        totalStake -= amount;
        emit UnstakeAnnounced(msg.sender, amount, availableAt);

        POOL.refresh(msg.sender);
    }

    /// @inheritdoc IProviderBoost
    function withdraw(address provider) external nonReentrant returns (uint256 amount) {
        Stake storage s = _stakes[provider];
        amount = s.leaving;
        if (amount == 0) revert RewardErrors.ProviderBoost_NothingLeaving(provider);
        if (block.timestamp < s.availableAt) {
            revert RewardErrors.ProviderBoost_Locked(provider, s.availableAt);
        }

        s.leaving = 0;
        owed -= amount;
        emit StakeWithdrawn(provider, amount);

        DATA.safeTransfer(provider, amount);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IProviderBoost
    function effectiveShares(address provider, uint256 shares, uint256 supply)
        external
        view
        returns (uint256)
    {
        uint256 least = Math.mulDiv(shares, 2, 5);
        uint256 own = _stakes[provider].active;
        if (own == 0) return least;
        return Math.min(shares, least + Math.mulDiv(3 * supply, own, 5 * totalStake));
    }

    /// @inheritdoc IProviderBoost
    function stakeOf(address provider) external view returns (Stake memory) {
        return _stakes[provider];
    }
}
