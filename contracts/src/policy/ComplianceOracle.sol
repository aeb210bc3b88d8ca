// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyRoles, Purposes, Verdicts} from "../common/Codes.sol";
import {Module} from "../common/Module.sol";
import {IComplianceOracle} from "../interfaces/IComplianceOracle.sol";
import {DatasetBrief, IDatasetToken} from "../interfaces/IDatasetToken.sol";
import {IJurisdictionRules, Rule} from "../interfaces/IJurisdictionRules.sol";
import {IParticipantRegistry, Participant} from "../interfaces/IParticipantRegistry.sol";
import {ISafeguardEvidence} from "../interfaces/ISafeguardEvidence.sol";

/// @title ComplianceOracle
/// @notice The one place that answers: may this party use this dataset, for this purpose, at this privacy cost?
contract ComplianceOracle is IComplianceOracle, Module {
    /// @custom:storage-location erc7201:caduceus.storage.ComplianceOracle
    struct ComplianceOracleStorage {
        /// zero when there is none
        ISafeguardEvidence evidence;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.ComplianceOracle")) - 1)
    ) & ~bytes32(uint256(0xff));

    IParticipantRegistry public immutable REGISTRY;
    IJurisdictionRules public immutable RULES;
    IDatasetToken public immutable DATASETS;

    constructor(IParticipantRegistry registry, IJurisdictionRules rules, IDatasetToken datasets) {
        REGISTRY = registry;
        RULES = rules;
        DATASETS = datasets;
    }

    /// @notice Connects the oracle to its authority; once, by the proxy's constructor.
    function initialize(address authority) external initializer {
        __AccessManaged_init(authority);
    }

    /// @inheritdoc IComplianceOracle
    function checkAccess(address buyer, uint256 datasetId, uint8 purpose, uint32 epsilonMilli)
        public
        view
        returns (bool ok, string memory law)
    {
        (ok, law) = REGISTRY.standing(buyer, PartyRoles.RESEARCHER);
        if (!ok) return (false, law);
        if (purpose == Purposes.ANY || purpose > Purposes.LAST) return (false, "purpose unknown");
        if (!DATASETS.exists(datasetId)) return (false, "dataset unknown");

        DatasetBrief memory dataset = DATASETS.brief(datasetId);
        Participant memory party = REGISTRY.participant(buyer);
        Rule memory rule =
            RULES.applying(dataset.dataClass, dataset.jurisdiction, party.jurisdiction, purpose);
        if (rule.verdict == Verdicts.NONE) return (false, "no rule");
        uint32 safeguards = party.safeguards;
        if (rule.verdict == Verdicts.ALLOW_WITH_SAFEGUARD && rule.safeguards & safeguards == 0) {
            safeguards |= _evidenced(buyer, dataset.custodian, datasetId);
        }
        if (_allows(rule, safeguards, dataset.k, epsilonMilli)) return (true, "");
        return (false, RULES.law(rule.lawId));
    }

    /// @inheritdoc IComplianceOracle
    function checkSwap(address buyer, address token, uint256 id)
        external
        view
        returns (bool ok, string memory law)
    {
        if (token != address(DATASETS)) return (false, "dataset unknown");
        return checkAccess(buyer, id, Purposes.GRU, 0);
    }

    /// @inheritdoc IComplianceOracle
    function setEvidence(ISafeguardEvidence evidence_) external restricted {
        _storage().evidence = evidence_;
        emit EvidenceSet(evidence_);
    }

    /// @inheritdoc IComplianceOracle
    function evidence() external view returns (ISafeguardEvidence) {
        return _storage().evidence;
    }

    /// @dev What two parties agreed between themselves.
    function _evidenced(address buyer, address custodian, uint256 datasetId) private view returns (uint32) {
        ISafeguardEvidence source = _storage().evidence;
        return address(source) == address(0) ? 0 : source.safeguardsOf(buyer, custodian, datasetId);
    }

    /// @dev Whichever condition fails, the row's law is what set it.
    function _allows(Rule memory rule, uint32 safeguards, uint16 k, uint32 epsilonMilli)
        private
        pure
        returns (bool)
    {
        if (rule.verdict == Verdicts.DENY) return false;
        if (rule.verdict == Verdicts.ALLOW_WITH_SAFEGUARD && rule.safeguards & safeguards == 0) return false;
        if (k < rule.minimumK) return false;
        return rule.maximumEpsilonMilli == 0 || epsilonMilli <= rule.maximumEpsilonMilli;
    }

    function _storage() private pure returns (ComplianceOracleStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
