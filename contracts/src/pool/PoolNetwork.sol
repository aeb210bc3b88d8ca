// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Errors} from "../common/Errors.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {Module} from "../common/Module.sol";
import {Payments, Permit} from "../common/Payments.sol";
import {Question} from "../interfaces/IComputeMarket.sol";
import {IPoolNetwork, Leg, NetworkOrder, NetworkPool, NetworkQuestion} from "../interfaces/IPoolNetwork.sol";

/// @title PoolNetwork
/// @notice Several pools, one licence over them, one question to all of them.
contract PoolNetwork is IPoolNetwork, Module, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using Payments for IERC20;

    struct Licence {
        address holder;
        mapping(uint256 poolId => uint256) passes;
    }

    /// @custom:storage-location erc7201:caduceus.storage.PoolNetwork
    struct PoolNetworkStorage {
        mapping(uint256 poolId => NetworkPool) pools;
        mapping(uint256 licenceId => Licence) licences;
        uint256 poolCount;
        uint256 licenceCount;
        uint256 questionCount;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.PoolNetwork")) - 1)
    ) & ~bytes32(uint256(0xff));

    /// @notice The most pools in one order or question: both walk over all of them.
    uint256 public constant MAXIMUM_LEGS = 8;

    IERC20 public immutable USDC;

    constructor(IERC20 usdc) {
        USDC = usdc;
    }

    /// @notice Connects the network to its authority; once, by the proxy's constructor.
    function initialize(address authority) external initializer {
        __AccessManaged_init(authority);
    }

    // ---------------------------------------------------------------- the researcher

    /// @inheritdoc IPoolNetwork
    function buy(NetworkOrder calldata order, Permit calldata permit)
        external
        nonReentrant
        returns (uint256 licenceId)
    {
        PoolNetworkStorage storage $ = _storage();
        if (block.timestamp > order.deadline) revert MarketErrors.PoolNetwork_OrderExpired(order.deadline);
        uint256 price = quote(order.legs, order.uses);
        if (price > order.maxPrice) {
            revert MarketErrors.PoolNetwork_AboveMaximum(price, order.maxPrice);
        }

        licenceId = ++$.licenceCount;
        $.licences[licenceId].holder = msg.sender;
        emit NetworkLicenceSold(licenceId, msg.sender, order.purpose, order.uses, price);
        USDC.pull(msg.sender, address(this), price, permit);
        for (uint256 i; i < order.legs.length; ++i) {
            _buyLeg(licenceId, order.legs[i], order.purpose, order.uses);
        }
    }

    /// @inheritdoc IPoolNetwork
    function ask(NetworkQuestion calldata question, Permit calldata permit)
        external
        nonReentrant
        returns (uint256 questionId)
    {
        PoolNetworkStorage storage $ = _storage();
        if ($.licences[question.licenceId].holder != msg.sender) {
            revert MarketErrors.PoolNetwork_NotHolder(question.licenceId, msg.sender);
        }
        _requireWellFormed(question.legs);
        uint256 fee = _feeFor(question.legs);
        if (fee > question.maxFee) revert MarketErrors.PoolNetwork_AboveMaximum(fee, question.maxFee);

        questionId = ++$.questionCount;
        emit NetworkAsked(questionId, question.licenceId, msg.sender, question.questionHash);
        USDC.pull(msg.sender, address(this), fee, permit);
        for (uint256 i; i < question.legs.length; ++i) {
            _askLeg(questionId, question, question.legs[i]);
        }
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IPoolNetwork
    function list(NetworkPool calldata pool_) external restricted returns (uint256 poolId) {
        if (
            address(pool_.market) == address(0) || address(pool_.compute) == address(0)
                || pool_.splitter == address(0)
        ) revert Errors.Common_ZeroAddress();
        poolId = ++_storage().poolCount;
        _storage().pools[poolId] = pool_;
        emit PoolListed(poolId, pool_);
    }

    /// @inheritdoc IPoolNetwork
    function setActive(uint256 poolId, bool active) external restricted {
        NetworkPool storage p = _storage().pools[poolId];
        if (p.splitter == address(0)) revert MarketErrors.PoolNetwork_NotActive(poolId);
        p.active = active;
        emit PoolActivated(poolId, active);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IPoolNetwork
    function quote(Leg[] calldata legs, uint32 uses) public view returns (uint256 price) {
        _requireWellFormed(legs);
        for (uint256 i; i < legs.length; ++i) {
            price += _storage().pools[legs[i].poolId].market.quote(legs[i].datasetIds, uses);
        }
    }

    /// @inheritdoc IPoolNetwork
    function pool(uint256 poolId) external view returns (NetworkPool memory) {
        return _storage().pools[poolId];
    }

    /// @inheritdoc IPoolNetwork
    function poolCount() external view returns (uint256) {
        return _storage().poolCount;
    }

    /// @inheritdoc IPoolNetwork
    function holderOf(uint256 licenceId) external view returns (address) {
        return _storage().licences[licenceId].holder;
    }

    /// @inheritdoc IPoolNetwork
    function passOf(uint256 licenceId, uint256 poolId) external view returns (uint256) {
        return _storage().licences[licenceId].passes[poolId];
    }

    // ---------------------------------------------------------------- internal

    /// @dev One to eight active pools, each once.
    function _requireWellFormed(Leg[] calldata legs) private view {
        uint256 count = legs.length;
        if (count == 0 || count > MAXIMUM_LEGS) {
            revert MarketErrors.PoolNetwork_BadLegCount(count, MAXIMUM_LEGS);
        }
        uint256 previous;
        for (uint256 i; i < count; ++i) {
            uint256 poolId = legs[i].poolId;
            if (poolId <= previous) revert MarketErrors.PoolNetwork_BadLegOrder(poolId);
            previous = poolId;
            if (!_storage().pools[poolId].active) revert MarketErrors.PoolNetwork_NotActive(poolId);
        }
    }

    function _buyLeg(uint256 licenceId, Leg calldata leg, uint8 purpose, uint32 uses) private {
        NetworkPool storage p = _storage().pools[leg.poolId];
        (uint256 price, uint256[] memory parts) = _partsOf(p, leg.datasetIds, uses);
        uint64 expiry = uint64(block.timestamp) + p.market.term();
        uint256 passId = p.market.issue(msg.sender, purpose, expiry, uses, leg.datasetIds);
        _storage().licences[licenceId].passes[leg.poolId] = passId;
        emit LegSold(licenceId, leg.poolId, passId, price);
        USDC.safeTransfer(p.splitter, price);
        p.market.remit(price, leg.datasetIds, parts);
    }

    /// @dev The price of each dataset alone: by these the pool's revenue is divided, as in its own sales.
    function _partsOf(NetworkPool storage p, uint256[] calldata datasetIds, uint32 uses)
        private
        view
        returns (uint256 price, uint256[] memory parts)
    {
        uint256 count = datasetIds.length;
        parts = new uint256[](count);
        uint256[] memory one = new uint256[](1);
        for (uint256 i; i < count; ++i) {
            one[0] = datasetIds[i];
            parts[i] = p.market.quote(one, uses);
            price += parts[i];
        }
    }

    function _feeFor(Leg[] calldata legs) private view returns (uint256 fee) {
        for (uint256 i; i < legs.length; ++i) {
            fee += _storage().pools[legs[i].poolId].compute.jobFee() * legs[i].datasetIds.length;
        }
    }

    function _askLeg(uint256 questionId, NetworkQuestion calldata question, Leg calldata leg) private {
        NetworkPool storage p = _storage().pools[leg.poolId];
        uint256 passId = _storage().licences[question.licenceId].passes[leg.poolId];
        if (passId == 0) revert MarketErrors.PoolNetwork_NotCovered(question.licenceId, leg.poolId);
        uint256 jobs = leg.datasetIds.length;
        uint256 fee = p.compute.jobFee() * jobs;
        USDC.forceApprove(address(p.compute), fee);
        uint256 firstJobId = p.compute
            .requestFor(
                msg.sender,
                Question({
                    passId: passId,
                    datasetIds: leg.datasetIds,
                    questionHash: question.questionHash,
                    epsilonMilli: question.epsilonMilli,
                    maxFee: fee
                })
            );
        emit LegAsked(questionId, leg.poolId, firstJobId, jobs);
    }

    function _storage() private pure returns (PoolNetworkStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
