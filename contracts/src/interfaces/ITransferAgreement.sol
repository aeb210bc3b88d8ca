// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Permit} from "../common/Payments.sol";
import {Proof} from "./IAttestationOracle.sol";
import {ISafeguardEvidence} from "./ISafeguardEvidence.sol";

/// @title AgreementStates
/// @notice Where an agreement stands.
library AgreementStates {
    uint8 internal constant NONE = 0;
    /// @notice Both signed, the payment is held; until the deadline for delivery.
    uint8 internal constant CONCLUDED = 1;
    /// @notice Attestors saw the delivery, the exporter was paid.
    uint8 internal constant DELIVERED = 2;
    /// @notice The deadline passed or the exporter gave up; the importer was paid back. No longer in force.
    uint8 internal constant REFUNDED = 3;
    /// @notice A side ended it after the delivery. No longer in force.
    uint8 internal constant TERMINATED = 4;
}

/// @title SccModules
/// @notice The modules of the standard contractual clauses, Commission Implementing Decision (EU) 2021/914, Annex.
library SccModules {
    uint8 internal constant CONTROLLER_TO_CONTROLLER = 1;
    uint8 internal constant CONTROLLER_TO_PROCESSOR = 2;
    uint8 internal constant PROCESSOR_TO_PROCESSOR = 3;
    uint8 internal constant PROCESSOR_TO_CONTROLLER = 4;
}

/// @notice What both sides sign.
/// @dev EIP-712 type (domain "Caduceus TransferAgreement", version "1"):
/// Terms(address exporter,address importer,uint8 module,uint256 datasetId,bytes32 documentHash,uint96 payment,
/// uint64 deliverBy,uint64 expiry,uint256 nonce,uint64 deadline)
struct Terms {
    /// the custodian who gives the data
    address exporter;
    /// the researcher who gets them, and pays
    address importer;
    /// one of `SccModules`
    uint8 module;
    /// zero for all datasets of the exporter
    uint256 datasetId;
    /// hash of the document that both agreed on
    bytes32 documentHash;
    /// 1e6 USDC units
    uint96 payment;
    /// unix seconds, the last moment of delivery
    uint64 deliverBy;
    /// unix seconds, the first moment at which it is no longer in force
    uint64 expiry;
    /// the importer's current one
    uint256 nonce;
    /// unix seconds, the last moment at which the signatures count
    uint64 deadline;
}

/// @notice An agreement.
struct Agreement {
    address exporter;
    /// one of `AgreementStates`
    uint8 state;
    /// one of `SccModules`
    uint8 module;
    uint64 deliverBy;
    address importer;
    /// 1e6 USDC units
    uint96 payment;
    uint64 expiry;
    uint256 datasetId;
    bytes32 documentHash;
}

/// @title ITransferAgreement
/// @notice Data transfer agreements: both sides sign the hash of a document with standard contractual clauses, the
/// payment is held until attested delivery, and while it is in force the compliance oracle takes it as the safeguard that
/// a rule may ask for.
/// @dev Only concluding can be paused. The money leaves in bounded time: `deliverBy` is at most 365 days ahead.
interface ITransferAgreement is ISafeguardEvidence {
    /// @notice An agreement was concluded.
    event AgreementConcluded(
        uint256 indexed agreementId,
        address indexed exporter,
        address indexed importer,
        uint8 module,
        uint256 datasetId,
        bytes32 documentHash,
        uint256 payment
    );
    /// @notice Attestors saw the delivery; the exporter was paid, 1e6 USDC units.
    event AgreementDelivered(uint256 indexed agreementId, bytes32 deliveryHash, uint256 payment);
    /// @notice The importer was paid back, 1e6 USDC units.
    event AgreementRefunded(uint256 indexed agreementId, uint256 payment);
    /// @notice A side ended the agreement.
    event AgreementTerminated(uint256 indexed agreementId, address indexed by);

    /// @notice Concludes an agreement that both sides signed. Anyone may call; the importer pays.
    /// @dev Reverts when trading is paused, when the exporter is not a custodian or the importer not a researcher in good
    /// standing, when the dataset is not the exporter's, on bad or late signatures (EIP-1271 for contracts), a used nonce,
    /// and on terms out of bounds.
    /// @param permit the importer's allowance of USDC to this contract; zero `value` when there is one already
    function conclude(
        Terms calldata terms,
        bytes calldata exporterSignature,
        bytes calldata importerSignature,
        Permit calldata permit
    ) external returns (uint256 agreementId);

    /// @notice Shows that attestors saw the delivery, and pays the exporter. Anyone may call, until `deliverBy`, never
    /// paused. Attestation: kind TRANSFER, subject bytes32(agreementId), payload
    /// keccak256(abi.encode(address(this), agreementId, documentHash, deliveryHash)).
    function deliver(uint256 agreementId, bytes32 deliveryHash, Proof calldata proof) external;

    /// @notice Pays the importer back and ends the agreement: after `deliverBy` by anyone, before by the exporter. Never
    /// paused.
    function refund(uint256 agreementId) external;

    /// @notice Ends an agreement that was delivered. Either side, never paused.
    function terminate(uint256 agreementId) external;

    /// @notice The agreement; all zero when there is none.
    function agreement(uint256 agreementId) external view returns (Agreement memory);

    /// @notice How many agreements there ever were; the last one has this number.
    function agreementCount() external view returns (uint256);

    /// @notice The agreement between two parties for a dataset (zero: all datasets) that was concluded last; zero when
    /// there is none. It alone counts as evidence.
    function latest(address importer, address exporter, uint256 datasetId) external view returns (uint256);

    /// @notice Whether an agreement is concluded or delivered and not expired.
    function isInForce(uint256 agreementId) external view returns (bool);

    /// @notice The EIP-712 digest that both sides sign.
    function digestOf(Terms calldata terms) external view returns (bytes32);
}
