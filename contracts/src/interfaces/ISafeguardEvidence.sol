// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title ISafeguardEvidence
/// @notice Says which safeguards two parties agreed on for a dataset.
interface ISafeguardEvidence {
    /// @notice Bits of `Safeguards` in force now for what `custodian` gives to `buyer`.
    function safeguardsOf(address buyer, address custodian, uint256 datasetId) external view returns (uint32);
}
