// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Kinds} from "../common/Kinds.sol";
import {RewardErrors} from "../common/RewardErrors.sol";
import {IAttestationOracle, Proof} from "../interfaces/IAttestationOracle.sol";
import {IComputeMarket, Job, JobStates} from "../interfaces/IComputeMarket.sol";
import {IDatasetToken} from "../interfaces/IDatasetToken.sol";
import {IVestingVault, Vesting} from "../interfaces/IVestingVault.sol";

/// @title VestingVault
/// @notice Holds tokens that are earned already and paid out over time.
/// @dev Not upgradeable: what people earned does not depend on code to come.
contract VestingVault is IVestingVault, AccessManaged {
    using SafeERC20 for IERC20;
    using SafeCast for uint256;

    /// @notice The most versions between a dataset and the one that was used: `recordUse` walks over them.
    uint256 public constant MAXIMUM_DESCENT = 16;

    IERC20 public immutable TOKEN;
    IAttestationOracle public immutable ATTESTATIONS;
    IComputeMarket public immutable COMPUTE_MARKET;
    IDatasetToken public immutable DATASETS;

    /// @inheritdoc IVestingVault
    uint256 public vestingCount;
    /// @inheritdoc IVestingVault
    uint256 public owed;
    /// @inheritdoc IVestingVault
    mapping(uint256 datasetId => uint64) public usedAt;

    mapping(uint256 vestingId => Vesting) private _vestings;

    constructor(
        address authority_,
        IERC20 token,
        IAttestationOracle attestations,
        IComputeMarket computeMarket,
        IDatasetToken datasets
    ) AccessManaged(authority_) {
        TOKEN = token;
        ATTESTATIONS = attestations;
        COMPUTE_MARKET = computeMarket;
        DATASETS = datasets;
    }

    // ---------------------------------------------------------------- earning

    /// @inheritdoc IVestingVault
    function open(
        address beneficiary,
        uint256 amount,
        uint48 start,
        uint48 cliff,
        uint48 end,
        uint256 datasetId
    ) external restricted returns (uint256 vestingId) {
        if (beneficiary == address(0)) revert RewardErrors.VestingVault_BadTerms("beneficiary");
        if (amount == 0) revert RewardErrors.VestingVault_BadTerms("amount");
        if (end <= start) revert RewardErrors.VestingVault_BadTerms("end");
        if (cliff < start || cliff > end) revert RewardErrors.VestingVault_BadTerms("cliff");
        uint256 needed = owed + amount;
        uint256 held = TOKEN.balanceOf(address(this));
        if (held < needed) revert RewardErrors.VestingVault_NotFunded(held, needed);

        owed = needed;
        vestingId = ++vestingCount;
        Vesting memory v = Vesting({
            beneficiary: beneficiary,
            start: start,
            end: end,
            total: amount.toUint104(),
            released: 0,
            cliff: cliff,
            datasetId: datasetId
        });
        _vestings[vestingId] = v;
        emit VestingOpened(vestingId, beneficiary, v);
    }

    /// @inheritdoc IVestingVault
    function recordUse(uint256 datasetId, uint256 jobId, bytes32 approval, Proof calldata proof) external {
        if (usedAt[datasetId] != 0) {
            revert RewardErrors.VestingVault_AlreadyUsed(datasetId, usedAt[datasetId]);
        }
        Job memory j = COMPUTE_MARKET.job(jobId);
        if (approval == 0 || j.state != JobStates.SETTLED || !_descends(j.datasetId, datasetId)) {
            revert RewardErrors.VestingVault_NotAUse(datasetId, jobId);
        }

        usedAt[datasetId] = uint64(block.timestamp);
        emit UseRecorded(datasetId, jobId, approval);

        bytes32 payload = keccak256(abi.encode(datasetId, jobId, approval));
        ATTESTATIONS.consume(proof, Kinds.USE, bytes32(datasetId), payload);
    }

    // ---------------------------------------------------------------- paying

    /// @inheritdoc IVestingVault
    function release(uint256 vestingId) external returns (uint256 amount) {
        Vesting storage v = _vestings[vestingId];
        address beneficiary = v.beneficiary;
        amount = _releasable(v);
        if (amount == 0) revert RewardErrors.VestingVault_NothingToRelease(vestingId);

        v.released += amount.toUint104();
        owed -= amount;
        emit VestingReleased(vestingId, beneficiary, amount);

        TOKEN.safeTransfer(beneficiary, amount);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IVestingVault
    function releasable(uint256 vestingId) external view returns (uint256) {
        return _releasable(_vestings[vestingId]);
    }

    /// @inheritdoc IVestingVault
    function vesting(uint256 vestingId) external view returns (Vesting memory v) {
        v = _vestings[vestingId];
        if (v.beneficiary == address(0)) revert RewardErrors.VestingVault_Unknown(vestingId);
    }

    // ---------------------------------------------------------------- internal

    function _releasable(Vesting storage stored) private view returns (uint256) {
        Vesting memory v = stored;
        if (block.timestamp < v.cliff) return 0;
        if (v.datasetId != 0 && usedAt[v.datasetId] == 0) return 0;
        if (block.timestamp >= v.end) return v.total - v.released;
        // 104 + 48 bits.
        uint256 vested = uint256(v.total) * (block.timestamp - v.start) / (v.end - v.start);
        return vested - v.released;
    }

    /// @dev Whether `later` is `earlier` or descends from it.
    function _descends(uint256 later, uint256 earlier) private view returns (bool) {
        for (uint256 i; i < MAXIMUM_DESCENT && later > earlier; ++i) {
            // A parent is minted before its child, so its number is below.
            later = DATASETS.dataset(later).parent;
        }
        return later == earlier;
    }
}
