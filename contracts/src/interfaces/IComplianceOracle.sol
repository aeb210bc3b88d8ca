// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ISafeguardEvidence} from "./ISafeguardEvidence.sol";

/// @title IComplianceOracle
/// @notice The one place that answers: may this party use this dataset, for this purpose, at this privacy cost?
interface IComplianceOracle {
    /// @notice Governance set where evidence of safeguards is found beside the registry; zero asks the registry alone.
    event EvidenceSet(ISafeguardEvidence evidence);

    /// @notice Decides an access. Checked in this order: the buyer's standing as a researcher, the purpose, the
    /// dataset, the rule table from the dataset's country to the buyer's, the safeguard it asks for, its minimum k, its
    /// maximum epsilon. A safeguard counts when the buyer's registration has it, or evidence says so for this dataset.
    /// @param purpose one of `Purposes`
    /// @param epsilonMilli privacy loss asked for, epsilon x 1000; zero when nothing is asked yet
    /// @return ok whether it may go ahead
    /// @return law empty when ok, else what forbids it: a law, or what is wrong with the buyer's standing. Callers
    /// revert with `Errors.Blocked(law)`.
    function checkAccess(address buyer, uint256 datasetId, uint8 purpose, uint32 epsilonMilli)
        external
        view
        returns (bool ok, string memory law);

    /// @notice Sets where evidence of safeguards is found beside the registry, zero for nowhere. Governance only.
    function setEvidence(ISafeguardEvidence evidence) external;

    /// @notice Where evidence of safeguards is found beside the registry; zero when nowhere.
    function evidence() external view returns (ISafeguardEvidence);

    /// @notice `checkAccess` for general research use, with nothing asked yet; `token` must be the dataset token.
    function checkSwap(address buyer, address token, uint256 id)
        external
        view
        returns (bool ok, string memory law);
}
