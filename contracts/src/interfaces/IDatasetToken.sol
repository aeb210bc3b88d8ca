// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Proof} from "./IAttestationOracle.sol";

/// @notice What a custodian asks to be minted.
struct MintRequest {
    /// sha2-256 digest of the CIDv1 of the sealed dataset
    bytes32 contentHash;
    /// commitment to the table inside
    bytes32 tableCommitment;
    bytes32 schemaId;
    uint32 schemaVersion;
    string metadataURI;
    /// one of `DataClasses`
    uint8 dataClass;
    uint64 recordCount;
    uint64 personCount;
    /// Merkle root over the consent receipts at the time of minting
    bytes32 consentRoot;
    /// k-anonymity reached
    uint16 k;
    /// l-diversity reached
    uint16 l;
    /// identifier of the anonymization method
    bytes32 method;
    /// the custodian's part of the dataset's usage yield, basis points, up to the governed cap
    uint16 custodianBps;
    /// the version this one replaces, zero for none
    uint256 parent;
}

/// @notice A dataset version.
struct Dataset {
    address custodian;
    /// country of the custodian when minted, ISO 3166-1 alpha-2
    bytes2 jurisdiction;
    uint8 dataClass;
    uint16 k;
    uint16 l;
    uint16 custodianBps;
    uint32 schemaVersion;
    uint64 recordCount;
    uint64 personCount;
    /// unix seconds
    uint64 mintedAt;
    bytes32 contentHash;
    bytes32 tableCommitment;
    bytes32 schemaId;
    bytes32 consentRoot;
    bytes32 method;
    uint256 parent;
    string metadataURI;
}

/// @notice What markets and law ask of a dataset, from two storage slots instead of a dozen.
struct DatasetBrief {
    address custodian;
    /// country of the custodian when minted, ISO 3166-1 alpha-2
    bytes2 jurisdiction;
    uint8 dataClass;
    uint16 k;
    uint16 custodianBps;
    uint64 recordCount;
}

/// @title IDatasetToken
/// @notice One soulbound token per dataset version (Data NFT).
interface IDatasetToken {
    /// @notice A dataset was minted.
    event DatasetMinted(
        uint256 indexed datasetId, address indexed custodian, bytes32 indexed contentHash, uint256 parent
    );
    /// @notice The pool took a dataset in.
    event DatasetLocked(uint256 indexed datasetId);
    /// @notice The pool gave a dataset back to its custodian.
    event DatasetReturned(uint256 indexed datasetId);
    /// @notice Governance set the most a custodian may keep of usage yield, basis points.
    event CustodianCapSet(uint16 bps);

    /// @notice Mints a dataset to the caller, a custodian in good standing, in whose country it lies.
    /// @dev Three attestations, all with subject contentHash and these payloads:
    /// AUTHENTICITY keccak256(abi.encode(custodian, contentHash, tableCommitment, schemaId, schemaVersion, dataClass,
    /// recordCount, personCount)); CONSENT keccak256(abi.encode(custodian, contentHash, consentRoot, personCount));
    /// ANONYMIZATION keccak256(abi.encode(contentHash, k, l, method)).
    /// Reverts when minting is paused, on content minted before, on a part out of bounds, and as the oracle does.
    function mint(
        MintRequest calldata request,
        Proof calldata authenticity,
        Proof calldata consent,
        Proof calldata anonymization
    ) external returns (uint256 datasetId);

    /// @notice Moves a dataset from its custodian into the pool. Pool only, on the custodian's own call to it.
    function lock(uint256 datasetId) external;

    /// @notice Moves a dataset from the pool back to its custodian. Pool only.
    function release(uint256 datasetId) external;

    /// @notice Sets the most a custodian may keep of usage yield, basis points. Governance only; minted datasets keep
    /// theirs.
    function setCustodianCap(uint16 bps) external;

    /// @notice The dataset. Reverts when there is none.
    function dataset(uint256 datasetId) external view returns (Dataset memory);

    /// @notice What markets and law ask of the dataset. Reverts when there is none.
    function brief(uint256 datasetId) external view returns (DatasetBrief memory);

    /// @notice Who gets the custodian's part of a dataset's usage yield, and that part in basis points. Reverts when there
    /// is no such dataset.
    function payeeOf(uint256 datasetId) external view returns (address custodian, uint16 custodianBps);

    /// @notice The custodian who minted the dataset, wherever the token is now. Reverts when there is none.
    function custodianOf(uint256 datasetId) external view returns (address);

    /// @notice Whether there is such a dataset.
    function exists(uint256 datasetId) external view returns (bool);

    /// @notice The dataset with this content, else zero.
    function tokenOfContent(bytes32 contentHash) external view returns (uint256);

    /// @notice The most a custodian may keep of usage yield, basis points.
    function custodianCap() external view returns (uint16);
}
