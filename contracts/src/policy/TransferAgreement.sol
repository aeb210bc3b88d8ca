// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {
    EIP712Upgradeable
} from "@openzeppelin/contracts-upgradeable/utils/cryptography/EIP712Upgradeable.sol";
import {NoncesUpgradeable} from "@openzeppelin/contracts-upgradeable/utils/NoncesUpgradeable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {PartyRoles, Safeguards, Scopes} from "../common/Codes.sol";
import {Dues} from "../common/Dues.sol";
import {Errors} from "../common/Errors.sol";
import {Kinds} from "../common/Kinds.sol";
import {Module} from "../common/Module.sol";
import {Permit} from "../common/Payments.sol";
import {Signed} from "../common/Signed.sol";
import {IAttestationOracle, Proof} from "../interfaces/IAttestationOracle.sol";
import {ICircuitBreaker} from "../interfaces/ICircuitBreaker.sol";
import {IDatasetToken} from "../interfaces/IDatasetToken.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {ISafeguardEvidence} from "../interfaces/ISafeguardEvidence.sol";
import {
    Agreement,
    AgreementStates,
    ITransferAgreement,
    SccModules,
    Terms
} from "../interfaces/ITransferAgreement.sol";

/// @title TransferAgreement
/// @notice Data transfer agreements with standard contractual clauses, paid on attested delivery.
contract TransferAgreement is ITransferAgreement, Module, Dues, EIP712Upgradeable, NoncesUpgradeable {
    /// @notice The contracts that agreements work with.
    struct Peers {
        IERC20 usdc;
        IDatasetToken datasets;
        IParticipantRegistry registry;
        IAttestationOracle attestations;
        ICircuitBreaker breaker;
    }

    /// @custom:storage-location erc7201:caduceus.storage.TransferAgreement
    struct TransferAgreementStorage {
        mapping(uint256 agreementId => Agreement) agreements;
        mapping(address importer => mapping(address exporter => mapping(uint256 datasetId => uint256)))
            latest;
        uint256 agreementCount;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.TransferAgreement")) - 1)
    ) & ~bytes32(uint256(0xff));

    bytes32 private constant TERMS_TYPEHASH = keccak256(
        "Terms(address exporter,address importer,uint8 module,uint256 datasetId,bytes32 documentHash,uint96 payment,"
        "uint64 deliverBy,uint64 expiry,uint256 nonce,uint64 deadline)"
    );

    uint64 private constant GREATEST_DELIVERY = 365 days;

    IDatasetToken public immutable DATASETS;
    IParticipantRegistry public immutable REGISTRY;
    IAttestationOracle public immutable ATTESTATIONS;
    ICircuitBreaker public immutable BREAKER;

    constructor(Peers memory peers) Dues(peers.usdc) {
        DATASETS = peers.datasets;
        REGISTRY = peers.registry;
        ATTESTATIONS = peers.attestations;
        BREAKER = peers.breaker;
    }

    /// @notice Connects the agreements to their authority; once, by the proxy's constructor.
    function initialize(address authority) external initializer {
        __AccessManaged_init(authority);
        __EIP712_init("Caduceus TransferAgreement", "1");
    }

    // ---------------------------------------------------------------- life of an agreement

    /// @inheritdoc ITransferAgreement
    function conclude(
        Terms calldata terms,
        bytes calldata exporterSignature,
        bytes calldata importerSignature,
        Permit calldata permit
    ) external nonReentrant returns (uint256 agreementId) {
        BREAKER.requireLive(Scopes.TRADING);
        _requireWellFormed(terms);
        bytes32 digest = digestOf(terms);
        Signed.check(terms.exporter, digest, terms.deadline, exporterSignature);
        Signed.check(terms.importer, digest, terms.deadline, importerSignature);
        _useCheckedNonce(terms.importer, terms.nonce);

        agreementId = _record(terms);
        _take(terms.importer, terms.payment, permit);
    }

    /// @inheritdoc ITransferAgreement
    function deliver(uint256 agreementId, bytes32 deliveryHash, Proof calldata proof) external nonReentrant {
        Agreement storage a = _in(agreementId, AgreementStates.CONCLUDED);
        if (block.timestamp > a.deliverBy) {
            revert Errors.TransferAgreement_DeadlinePassed(agreementId, a.deliverBy);
        }
        a.state = AgreementStates.DELIVERED;
        emit AgreementDelivered(agreementId, deliveryHash, a.payment);

        bytes32 payload = keccak256(abi.encode(address(this), agreementId, a.documentHash, deliveryHash));
        ATTESTATIONS.consume(proof, Kinds.TRANSFER, bytes32(agreementId), payload);
        _pay(a.exporter, a.payment);
    }

    /// @inheritdoc ITransferAgreement
    function refund(uint256 agreementId) external nonReentrant {
        Agreement storage a = _in(agreementId, AgreementStates.CONCLUDED);
        if (block.timestamp <= a.deliverBy && msg.sender != a.exporter) {
            revert Errors.TransferAgreement_DeadlineNotPassed(agreementId, a.deliverBy);
        }
        a.state = AgreementStates.REFUNDED;
        emit AgreementRefunded(agreementId, a.payment);
        _pay(a.importer, a.payment);
    }

    /// @inheritdoc ITransferAgreement
    function terminate(uint256 agreementId) external {
        Agreement storage a = _in(agreementId, AgreementStates.DELIVERED);
        if (msg.sender != a.exporter && msg.sender != a.importer) {
            revert Errors.TransferAgreement_NotSide(agreementId, msg.sender);
        }
        a.state = AgreementStates.TERMINATED;
        emit AgreementTerminated(agreementId, msg.sender);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc ISafeguardEvidence
    function safeguardsOf(address buyer, address custodian, uint256 datasetId)
        external
        view
        returns (uint32)
    {
        TransferAgreementStorage storage $ = _storage();
        mapping(uint256 => uint256) storage between = $.latest[buyer][custodian];
        bool covered = isInForce(between[datasetId]) || isInForce(between[0]);
        return covered ? Safeguards.SCC : 0;
    }

    /// @inheritdoc ITransferAgreement
    function agreement(uint256 agreementId) external view returns (Agreement memory) {
        return _storage().agreements[agreementId];
    }

    /// @inheritdoc ITransferAgreement
    function agreementCount() external view returns (uint256) {
        return _storage().agreementCount;
    }

    /// @inheritdoc ITransferAgreement
    function latest(address importer, address exporter, uint256 datasetId) external view returns (uint256) {
        return _storage().latest[importer][exporter][datasetId];
    }

    /// @inheritdoc ITransferAgreement
    function isInForce(uint256 agreementId) public view returns (bool) {
        Agreement storage a = _storage().agreements[agreementId];
        if (block.timestamp >= a.expiry) return false;
        // One that was neither delivered in time nor refunded yet no longer counts.
        if (a.state == AgreementStates.CONCLUDED) return block.timestamp <= a.deliverBy;
        return a.state == AgreementStates.DELIVERED;
    }

    /// @inheritdoc ITransferAgreement
    function digestOf(Terms calldata terms) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(TERMS_TYPEHASH, terms)));
    }

    // ---------------------------------------------------------------- internal

    function _requireWellFormed(Terms calldata terms) private view {
        _requireStanding(terms.exporter, PartyRoles.CUSTODIAN);
        _requireStanding(terms.importer, PartyRoles.RESEARCHER);
        if (
            terms.module < SccModules.CONTROLLER_TO_CONTROLLER
                || terms.module > SccModules.PROCESSOR_TO_CONTROLLER
        ) revert Errors.TransferAgreement_BadTerms("module");
        if (terms.documentHash == 0) revert Errors.TransferAgreement_BadTerms("documentHash");
        if (terms.deliverBy <= block.timestamp || terms.deliverBy > block.timestamp + GREATEST_DELIVERY) {
            revert Errors.TransferAgreement_BadTerms("deliverBy");
        }
        if (terms.expiry < terms.deliverBy) revert Errors.TransferAgreement_BadTerms("expiry");
        if (terms.datasetId != 0 && DATASETS.custodianOf(terms.datasetId) != terms.exporter) {
            revert Errors.TransferAgreement_BadTerms("datasetId");
        }
    }

    function _record(Terms calldata terms) private returns (uint256 agreementId) {
        TransferAgreementStorage storage $ = _storage();
        agreementId = ++$.agreementCount;
        $.agreements[agreementId] = Agreement({
            exporter: terms.exporter,
            state: AgreementStates.CONCLUDED,
            module: terms.module,
            deliverBy: terms.deliverBy,
            importer: terms.importer,
            payment: terms.payment,
            expiry: terms.expiry,
            datasetId: terms.datasetId,
            documentHash: terms.documentHash
        });
        $.latest[terms.importer][terms.exporter][terms.datasetId] = agreementId;
        emit AgreementConcluded(
            agreementId,
            terms.exporter,
            terms.importer,
            terms.module,
            terms.datasetId,
            terms.documentHash,
            terms.payment
        );
    }

    function _requireStanding(address party, uint32 role) private view {
        (bool ok, string memory reason) = REGISTRY.standing(party, role);
        if (!ok) revert Errors.TransferAgreement_NotInGoodStanding(party, reason);
    }

    function _in(uint256 agreementId, uint8 state) private view returns (Agreement storage a) {
        a = _storage().agreements[agreementId];
        if (a.state != state) revert Errors.TransferAgreement_WrongState(agreementId, a.state);
    }

    function _storage() private pure returns (TransferAgreementStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
