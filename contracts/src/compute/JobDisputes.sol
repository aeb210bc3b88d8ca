// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {MarketErrors} from "../common/MarketErrors.sol";
import {ArbitrationTerms, Rulings} from "../interfaces/IArbitrated.sol";
import {IComputeMarket} from "../interfaces/IComputeMarket.sol";
import {IDatasetToken} from "../interfaces/IDatasetToken.sol";
import {IJobDisputes} from "../interfaces/IJobDisputes.sol";
import {Arbitrated} from "../market/Arbitrated.sol";

/// @title JobDisputes
/// @notice Lets a researcher ask an arbitrator about an answer that was committed and is not paid yet.
/// @dev Apart from `ComputeMarket`, which holds the states and the money and would not fit with this in one contract.
contract JobDisputes is IJobDisputes, Arbitrated {
    IComputeMarket public immutable COMPUTE_MARKET;
    IDatasetToken public immutable DATASETS;

    constructor(IComputeMarket computeMarket, IDatasetToken datasets) {
        COMPUTE_MARKET = computeMarket;
        DATASETS = datasets;
    }

    /// @notice Connects the disputes to their authority and their arbitrator; once, by the proxy's constructor.
    function initialize(address authority, ArbitrationTerms calldata terms) external initializer {
        __AccessManaged_init(authority);
        _setArbitration(terms);
    }

    /// @inheritdoc IJobDisputes
    function dispute(uint256 jobId, string calldata evidence) external payable nonReentrant {
        if (COMPUTE_MARKET.job(jobId).researcher != msg.sender) {
            revert MarketErrors.JobDisputes_NotResearcher(jobId, msg.sender);
        }
        emit JobDisputed(jobId, msg.sender);
        COMPUTE_MARKET.suspend(jobId);
        _raise(jobId, evidence);
    }

    function _ruled(uint256 jobId, uint256 ruling) internal override {
        COMPUTE_MARKET.resolve(jobId, ruling == Rulings.FOR_CLAIMANT);
    }

    function _isSide(uint256 jobId, address account) internal view override returns (bool) {
        if (account == COMPUTE_MARKET.job(jobId).researcher) return true;
        return account == DATASETS.custodianOf(COMPUTE_MARKET.job(jobId).datasetId);
    }
}
