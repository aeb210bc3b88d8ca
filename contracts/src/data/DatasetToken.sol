// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {DataClasses, PartyRoles, Scopes} from "../common/Codes.sol";
import {Errors} from "../common/Errors.sol";
import {Kinds} from "../common/Kinds.sol";
import {IAttestationOracle, Proof} from "../interfaces/IAttestationOracle.sol";
import {ICircuitBreaker} from "../interfaces/ICircuitBreaker.sol";
import {Dataset, DatasetBrief, IDatasetToken, MintRequest} from "../interfaces/IDatasetToken.sol";
import {IERC5192} from "../interfaces/IERC5192.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";

/// @title DatasetToken
/// @notice One soulbound token per dataset version (Data NFT).
/// @dev The pool is the one place a token may go, and it comes back only to its custodian, so that a token is bound
/// (ERC-5192) wherever it is.
contract DatasetToken is IDatasetToken, IERC5192, ERC721, AccessManaged {
    uint16 private constant BPS = 10_000;

    IParticipantRegistry public immutable REGISTRY;
    IAttestationOracle public immutable ORACLE;
    ICircuitBreaker public immutable BREAKER;
    address public immutable POOL;

    /// @inheritdoc IDatasetToken
    uint16 public custodianCap = 2_000;
    /// @inheritdoc IDatasetToken
    mapping(bytes32 contentHash => uint256) public tokenOfContent;

    mapping(uint256 datasetId => Dataset) private _datasets;
    uint256 private _lastDatasetId;

    constructor(
        address authority_,
        IParticipantRegistry registry,
        IAttestationOracle oracle,
        ICircuitBreaker breaker,
        address pool
    ) ERC721("Caduceus Dataset", "CADD") AccessManaged(authority_) {
        REGISTRY = registry;
        ORACLE = oracle;
        BREAKER = breaker;
        POOL = pool;
    }

    // ---------------------------------------------------------------- minting

    /// @inheritdoc IDatasetToken
    function mint(
        MintRequest calldata request,
        Proof calldata authenticity,
        Proof calldata consent,
        Proof calldata anonymization
    ) external returns (uint256 datasetId) {
        BREAKER.requireLive(Scopes.MINTING);
        (bool ok, string memory reason) = REGISTRY.standing(msg.sender, PartyRoles.CUSTODIAN);
        if (!ok) revert Errors.DatasetToken_NotInGoodStanding(msg.sender, reason);
        _requireWellFormed(request);

        datasetId = ++_lastDatasetId;
        tokenOfContent[request.contentHash] = datasetId;
        _record(datasetId, request);
        _mint(msg.sender, datasetId);
        emit Locked(datasetId);
        emit DatasetMinted(datasetId, msg.sender, request.contentHash, request.parent);

        ORACLE.consume(authenticity, Kinds.AUTHENTICITY, request.contentHash, _authenticityPayload(request));
        ORACLE.consume(consent, Kinds.CONSENT, request.contentHash, _consentPayload(request));
        ORACLE.consume(
            anonymization, Kinds.ANONYMIZATION, request.contentHash, _anonymizationPayload(request)
        );
    }

    // ---------------------------------------------------------------- the pool

    /// @inheritdoc IDatasetToken
    function lock(uint256 datasetId) external {
        if (msg.sender != POOL) revert Errors.DatasetToken_NotPool(msg.sender);
        _move(datasetId, custodianOf(datasetId), POOL);
        emit DatasetLocked(datasetId);
    }

    /// @inheritdoc IDatasetToken
    function release(uint256 datasetId) external {
        if (msg.sender != POOL) revert Errors.DatasetToken_NotPool(msg.sender);
        _move(datasetId, POOL, custodianOf(datasetId));
        emit DatasetReturned(datasetId);
    }

    // ---------------------------------------------------------------- governance

    /// @inheritdoc IDatasetToken
    function setCustodianCap(uint16 bps) external restricted {
        if (bps > BPS) revert Errors.DatasetToken_BadCap(bps);
        custodianCap = bps;
        emit CustodianCapSet(bps);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IDatasetToken
    function dataset(uint256 datasetId) external view returns (Dataset memory) {
        _requireExists(datasetId);
        return _datasets[datasetId];
    }

    /// @inheritdoc IDatasetToken
    function brief(uint256 datasetId) external view returns (DatasetBrief memory) {
        _requireExists(datasetId);
        Dataset storage d = _datasets[datasetId];
        return DatasetBrief({
            custodian: d.custodian,
            jurisdiction: d.jurisdiction,
            dataClass: d.dataClass,
            k: d.k,
            custodianBps: d.custodianBps,
            recordCount: d.recordCount
        });
    }

    /// @inheritdoc IDatasetToken
    function payeeOf(uint256 datasetId) external view returns (address custodian, uint16 custodianBps) {
        Dataset storage d = _datasets[datasetId];
        (custodian, custodianBps) = (d.custodian, d.custodianBps);
        if (custodian == address(0)) revert Errors.DatasetToken_Unknown(datasetId);
    }

    /// @inheritdoc IDatasetToken
    function custodianOf(uint256 datasetId) public view returns (address) {
        _requireExists(datasetId);
        return _datasets[datasetId].custodian;
    }

    /// @inheritdoc IDatasetToken
    function exists(uint256 datasetId) public view returns (bool) {
        return _datasets[datasetId].custodian != address(0);
    }

    /// @inheritdoc IERC5192
    function locked(uint256 tokenId) external view returns (bool) {
        _requireExists(tokenId);
        return true;
    }

    /// @notice Where the dataset's public description is. Reverts when there is no such dataset.
    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        _requireExists(tokenId);
        return _datasets[tokenId].metadataURI;
    }

    /// @notice ERC-165, with ERC-5192 beside ERC-721.
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IERC5192).interfaceId || super.supportsInterface(interfaceId);
    }

    // ---------------------------------------------------------------- soulbound

    /// @notice Always reverts: nobody can be approved to move a dataset.
    function approve(address, uint256) public pure override {
        revert Errors.DatasetToken_Soulbound();
    }

    /// @notice Always reverts: nobody can be approved to move a dataset.
    function setApprovalForAll(address, bool) public pure override {
        revert Errors.DatasetToken_Soulbound();
    }

    /// @notice Always reverts: only `lock` and `release` move a dataset.
    function transferFrom(address, address, uint256) public pure override {
        revert Errors.DatasetToken_Soulbound();
    }

    // ---------------------------------------------------------------- internal

    function _requireWellFormed(MintRequest calldata r) private view {
        if (r.contentHash == 0) revert Errors.DatasetToken_BadRequest("contentHash");
        if (tokenOfContent[r.contentHash] != 0) {
            revert Errors.DatasetToken_ContentExists(tokenOfContent[r.contentHash]);
        }
        if (r.dataClass == DataClasses.ANY || r.dataClass > DataClasses.LAST) {
            revert Errors.DatasetToken_BadRequest("dataClass");
        }
        if (r.recordCount == 0) revert Errors.DatasetToken_BadRequest("recordCount");
        if (r.personCount == 0) revert Errors.DatasetToken_BadRequest("personCount");
        if (r.consentRoot == 0) revert Errors.DatasetToken_BadRequest("consentRoot");
        if (r.k == 0) revert Errors.DatasetToken_BadRequest("k");
        if (r.custodianBps > custodianCap) {
            revert Errors.DatasetToken_CustodianPartTooHigh(r.custodianBps, custodianCap);
        }
        if (r.parent != 0 && _datasets[r.parent].custodian != msg.sender) {
            revert Errors.DatasetToken_BadParent(r.parent);
        }
    }

    function _record(uint256 datasetId, MintRequest calldata r) private {
        Dataset storage d = _datasets[datasetId];
        d.custodian = msg.sender;
        d.jurisdiction = REGISTRY.jurisdictionOf(msg.sender);
        d.dataClass = r.dataClass;
        d.k = r.k;
        d.l = r.l;
        d.custodianBps = r.custodianBps;
        d.schemaVersion = r.schemaVersion;
        d.recordCount = r.recordCount;
        d.personCount = r.personCount;
        d.mintedAt = uint64(block.timestamp);
        d.contentHash = r.contentHash;
        d.tableCommitment = r.tableCommitment;
        d.schemaId = r.schemaId;
        d.consentRoot = r.consentRoot;
        d.method = r.method;
        d.parent = r.parent;
        d.metadataURI = r.metadataURI;
    }

    function _move(uint256 datasetId, address from, address to) private {
        address holder = ownerOf(datasetId);
        if (holder != from) revert Errors.DatasetToken_WrongHolder(datasetId, holder);
        _transfer(from, to, datasetId);
    }

    function _requireExists(uint256 datasetId) private view {
        if (!exists(datasetId)) revert Errors.DatasetToken_Unknown(datasetId);
    }

    function _authenticityPayload(MintRequest calldata r) private view returns (bytes32) {
        return keccak256(
            abi.encode(
                msg.sender,
                r.contentHash,
                r.tableCommitment,
                r.schemaId,
                r.schemaVersion,
                r.dataClass,
                r.recordCount,
                r.personCount
            )
        );
    }

    function _consentPayload(MintRequest calldata r) private view returns (bytes32) {
        return keccak256(abi.encode(msg.sender, r.contentHash, r.consentRoot, r.personCount));
    }

    function _anonymizationPayload(MintRequest calldata r) private pure returns (bytes32) {
        return keccak256(abi.encode(r.contentHash, r.k, r.l, r.method));
    }
}
