// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Errors} from "../common/Errors.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {Module} from "../common/Module.sol";
import {Payouts} from "../common/Payouts.sol";
import {IDatasetToken} from "../interfaces/IDatasetToken.sol";
import {IHealthDataPool} from "../interfaces/IHealthDataPool.sol";
import {IMemberClaims} from "../interfaces/IMemberClaims.sol";
import {IPayoutStreams} from "../interfaces/IPayoutStreams.sol";
import {IRevenueSplitter, Split} from "../interfaces/IRevenueSplitter.sol";

/// @title RevenueSplitter
/// @notice Divides every payment at once, to the unit.
contract RevenueSplitter is IRevenueSplitter, Module, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @notice The contracts that the splitter works with, and the treasury.
    struct Peers {
        IERC20 usdc;
        IDatasetToken datasets;
        IHealthDataPool pool;
        IMemberClaims claims;
        IPayoutStreams streams;
        address licenceMarket;
        address computeMarket;
        address treasury;
    }

    /// @custom:storage-location erc7201:caduceus.storage.RevenueSplitter
    struct RevenueSplitterStorage {
        mapping(address account => uint256) owed;
        /// 128 bits are more than all money, and one slot for both
        uint128 totalOwed;
        uint128 buybackReserve;
        Split split;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.RevenueSplitter")) - 1)
    ) & ~bytes32(uint256(0xff));

    uint256 private constant BPS = 10_000;

    IERC20 public immutable USDC;
    IDatasetToken public immutable DATASETS;
    IHealthDataPool public immutable POOL;
    IMemberClaims public immutable CLAIMS;
    IPayoutStreams public immutable STREAMS;
    address public immutable LICENCE_MARKET;
    address public immutable COMPUTE_MARKET;
    address public immutable TREASURY;

    constructor(Peers memory peers) {
        USDC = peers.usdc;
        DATASETS = peers.datasets;
        POOL = peers.pool;
        CLAIMS = peers.claims;
        STREAMS = peers.streams;
        LICENCE_MARKET = peers.licenceMarket;
        COMPUTE_MARKET = peers.computeMarket;
        TREASURY = peers.treasury;
    }

    /// @notice Sets the first split; once, by the proxy's constructor.
    function initialize(address authority, Split calldata split_) external initializer {
        __AccessManaged_init(authority);
        _setSplit(split_);
    }

    // ---------------------------------------------------------------- dividing

    /// @inheritdoc IRevenueSplitter
    function distribute(uint256 amount, uint256[] calldata datasetIds, uint256[] calldata weights)
        external
        nonReentrant
    {
        RevenueSplitterStorage storage $ = _storage();
        if (msg.sender != LICENCE_MARKET && msg.sender != COMPUTE_MARKET) {
            revert MarketErrors.RevenueSplitter_NotMarket(msg.sender);
        }
        uint256 needed = uint256($.totalOwed) + $.buybackReserve + amount;
        uint256 held = USDC.balanceOf(address(this));
        if (held < needed) revert MarketErrors.RevenueSplitter_NotFunded(held, needed);

        Split memory s = $.split;
        uint256 toTreasury = amount * s.treasuryBps / BPS;
        uint256 toBuyback = amount * s.buybackBps / BPS;
        uint256 toContributors = amount - toTreasury - toBuyback;
        uint256 toPool = toContributors * s.poolYieldBps / BPS;

        $.owed[TREASURY] += toTreasury;
        $.totalOwed += toTreasury.toUint128();
        $.buybackReserve += toBuyback.toUint128();
        emit RevenueDistributed(amount, toContributors, toTreasury, toBuyback, toPool);

        USDC.safeTransfer(address(POOL), toPool);
        POOL.notifyYield(toPool);
        _creditUsage(toContributors - toPool, datasetIds, weights);
    }

    // ---------------------------------------------------------------- paying out

    /// @inheritdoc IRevenueSplitter
    function release(address account) external nonReentrant returns (uint256 amount) {
        RevenueSplitterStorage storage $ = _storage();
        amount = $.owed[account];
        if (amount == 0) revert MarketErrors.RevenueSplitter_NothingOwed(account);
        $.owed[account] = 0;
        $.totalOwed -= amount.toUint128();
        emit Released(account, amount);
        Payouts.pay(USDC, STREAMS, account, amount);
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IRevenueSplitter
    function releaseBuyback(address to, uint256 amount) external restricted nonReentrant {
        RevenueSplitterStorage storage $ = _storage();
        if (to == address(0)) revert Errors.Common_ZeroAddress();
        if (amount > $.buybackReserve) {
            revert MarketErrors.RevenueSplitter_AboveReserve(amount, $.buybackReserve);
        }
        $.buybackReserve -= amount.toUint128();
        emit BuybackReleased(to, amount);
        USDC.safeTransfer(to, amount);
    }

    /// @inheritdoc IRevenueSplitter
    function setSplit(Split calldata split_) external restricted {
        _setSplit(split_);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IRevenueSplitter
    function split() external view returns (Split memory) {
        return _storage().split;
    }

    /// @inheritdoc IRevenueSplitter
    function owed(address account) external view returns (uint256) {
        return _storage().owed[account];
    }

    /// @inheritdoc IRevenueSplitter
    function totalOwed() external view returns (uint256) {
        return _storage().totalOwed;
    }

    /// @inheritdoc IRevenueSplitter
    function buybackReserve() external view returns (uint256) {
        return _storage().buybackReserve;
    }

    /// @inheritdoc IRevenueSplitter
    function treasury() external view returns (address) {
        return TREASURY;
    }

    // ---------------------------------------------------------------- internal

    /// @dev Divides `usage` among the datasets by weight; the last one also gets what rounding left over.
    function _creditUsage(uint256 usage, uint256[] calldata datasetIds, uint256[] calldata weights) private {
        uint256 count = datasetIds.length;
        uint256 sum;
        for (uint256 i; i < weights.length; ++i) {
            sum += weights[i];
        }
        if (count != weights.length || sum == 0) {
            revert MarketErrors.RevenueSplitter_BadWeights(count, weights.length);
        }

        uint256 left = usage;
        uint256 toMembers;
        uint256[] memory membersParts = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            uint256 part = i + 1 == count ? left : Math.mulDiv(usage, weights[i], sum);
            left -= part;
            membersParts[i] = _creditCustodian(datasetIds[i], part);
            toMembers += membersParts[i];
        }
        _storage().totalOwed += (usage - toMembers).toUint128();
        USDC.safeTransfer(address(CLAIMS), toMembers);
        CLAIMS.fund(datasetIds, membersParts);
    }

    /// @dev The custodian's part is kept here until released, and the caller adds it to the total. The members' part is
    /// for where they claim it, and the caller sends it there.
    function _creditCustodian(uint256 datasetId, uint256 part) private returns (uint256 membersPart) {
        (address custodian, uint16 custodianBps) = DATASETS.payeeOf(datasetId);
        uint256 custodianPart = part * custodianBps / BPS;
        membersPart = part - custodianPart;
        _storage().owed[custodian] += custodianPart;
        emit UsageCredited(datasetId, custodian, custodianPart, membersPart);
    }

    function _setSplit(Split calldata s) private {
        uint256 sum = uint256(s.contributorsBps) + s.treasuryBps + s.buybackBps;
        if (sum != BPS || s.poolYieldBps > BPS) {
            revert MarketErrors.RevenueSplitter_BadSplit(sum, s.poolYieldBps);
        }
        _storage().split = s;
        emit SplitSet(s);
    }

    function _storage() private pure returns (RevenueSplitterStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
