// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Permit} from "../common/Payments.sol";
import {IComputeMarket} from "./IComputeMarket.sol";
import {ILicenceMarket} from "./ILicenceMarket.sol";

/// @notice A pool of the network, by the contracts through which it is used.
struct NetworkPool {
    ILicenceMarket market;
    IComputeMarket compute;
    /// its revenue splitter
    address splitter;
    /// whether new licences and questions go to it
    bool active;
    /// what people call it
    string name;
}

/// @notice Some datasets of one pool.
struct Leg {
    uint256 poolId;
    /// strictly ascending, 1 to 16
    uint256[] datasetIds;
}

/// @notice A licence over several pools.
struct NetworkOrder {
    /// strictly ascending by pool, 1 to 8
    Leg[] legs;
    /// one of `Purposes`
    uint8 purpose;
    /// questions that can be asked to each pool
    uint32 uses;
    /// 1e6 USDC units
    uint256 maxPrice;
    /// unix seconds, the last moment at which the order counts
    uint64 deadline;
}

/// @notice One question to several pools.
struct NetworkQuestion {
    uint256 licenceId;
    /// strictly ascending by pool; each of a pool of the licence
    Leg[] legs;
    /// hash of the question's text
    bytes32 questionHash;
    /// privacy loss per dataset at most, epsilon x 1000
    uint32 epsilonMilli;
    /// 1e6 USDC units for all jobs together
    uint256 maxFee;
}

/// @title IPoolNetwork
/// @notice Several pools, one licence over them, one question to all of them; each pool is paid for its own part.
/// @dev A pool takes part when governance lists it and its own AccessManager gives this contract the seller's role. Each
/// pool checks compliance by its own rules and divides its part by its own split; this contract holds nothing.
interface IPoolNetwork {
    /// @notice Governance listed a pool.
    event PoolListed(uint256 indexed poolId, NetworkPool pool);
    /// @notice Governance opened or closed a pool to new business.
    event PoolActivated(uint256 indexed poolId, bool active);
    /// @notice A licence was sold, 1e6 USDC units.
    event NetworkLicenceSold(
        uint256 indexed licenceId, address indexed buyer, uint8 purpose, uint32 uses, uint256 price
    );
    /// @notice The part of a licence in one pool, 1e6 USDC units.
    event LegSold(uint256 indexed licenceId, uint256 indexed poolId, uint256 passId, uint256 price);
    /// @notice A question was asked.
    event NetworkAsked(
        uint256 indexed questionId,
        uint256 indexed licenceId,
        address indexed researcher,
        bytes32 questionHash
    );
    /// @notice The jobs of a question in one pool.
    event LegAsked(uint256 indexed questionId, uint256 indexed poolId, uint256 firstJobId, uint256 jobs);

    /// @notice Buys a licence over several pools in one transaction. Reverts as each pool's `LicenceMarket.issue` does, and
    /// when the price is above `maxPrice`.
    /// @param permit the caller's allowance of USDC to this contract; zero `value` when there is one already
    function buy(NetworkOrder calldata order, Permit calldata permit) external returns (uint256 licenceId);

    /// @notice Asks one question to several pools of a licence. Its holder only. Reverts as each pool's
    /// `ComputeMarket.request` does, and when the fees together are above `maxFee`.
    /// @param permit the caller's allowance of USDC to this contract; zero `value` when there is one already
    function ask(NetworkQuestion calldata question, Permit calldata permit)
        external
        returns (uint256 questionId);

    /// @notice Lists a pool. Governance only.
    function list(NetworkPool calldata pool) external returns (uint256 poolId);

    /// @notice Opens or closes a pool to new business. Governance only.
    function setActive(uint256 poolId, bool active) external;

    /// @notice The price of a licence now, 1e6 USDC units. Reverts as `buy` does on orders that are not well-formed.
    function quote(Leg[] calldata legs, uint32 uses) external view returns (uint256);

    /// @notice The pool; all zero when there is none.
    function pool(uint256 poolId) external view returns (NetworkPool memory);

    /// @notice How many pools there are; the last one has this number.
    function poolCount() external view returns (uint256);

    /// @notice Who holds a licence; zero when there is none.
    function holderOf(uint256 licenceId) external view returns (address);

    /// @notice The pass of a licence in one pool; zero when it has none there.
    function passOf(uint256 licenceId, uint256 poolId) external view returns (uint256);
}
