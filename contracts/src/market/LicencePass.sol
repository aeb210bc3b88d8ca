// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {IERC5192} from "../interfaces/IERC5192.sol";
import {ILicencePass, Pass} from "../interfaces/ILicencePass.sol";

/// @title LicencePass
/// @notice A soulbound token that lets its holder ask questions. It has no parameters, so nobody governs it.
contract LicencePass is ILicencePass, IERC5192, ERC721 {
    using SafeCast for uint256;

    address public immutable LICENCE_MARKET;
    address public immutable COMPUTE_MARKET;

    /// @dev A pass as it is stored: most name one dataset, and then need one slot. Datasets are counted from one, so that
    /// 64 bits never run out.
    struct StoredPass {
        uint8 purpose;
        uint64 expiry;
        uint32 usesLeft;
        uint32 usesOpen;
        uint64 firstDataset;
        uint64[] otherDatasets;
    }

    mapping(uint256 passId => StoredPass) private _passes;
    uint256 private _count;

    modifier onlyComputeMarket() {
        if (msg.sender != COMPUTE_MARKET) revert MarketErrors.LicencePass_NotComputeMarket(msg.sender);
        _;
    }

    constructor(address licenceMarket, address computeMarket) ERC721("Caduceus Licence Pass", "CLP") {
        LICENCE_MARKET = licenceMarket;
        COMPUTE_MARKET = computeMarket;
    }

    // ---------------------------------------------------------------- life of a pass

    /// @inheritdoc ILicencePass
    /// @dev Does not call the holder, who may be a contract: its buyer wants the pass, and a call out could re-enter.
    function mint(address holder, uint8 purpose, uint64 expiry, uint32 uses, uint256[] calldata datasetIds)
        external
        returns (uint256 passId)
    {
        if (msg.sender != LICENCE_MARKET) revert MarketErrors.LicencePass_NotLicenceMarket(msg.sender);
        passId = ++_count;
        StoredPass storage p = _passes[passId];
        p.purpose = purpose;
        p.expiry = expiry;
        p.usesLeft = uses;
        p.firstDataset = datasetIds[0].toUint64();
        for (uint256 i = 1; i < datasetIds.length; ++i) {
            p.otherDatasets.push(datasetIds[i].toUint64());
        }
        _mint(holder, passId);
        emit PassMinted(passId, holder, purpose, expiry, uses, datasetIds);
        emit Locked(passId);
    }

    /// @inheritdoc ILicencePass
    function consumeUse(uint256 passId, address researcher)
        external
        onlyComputeMarket
        returns (uint8 purpose)
    {
        StoredPass storage p = _pass(passId);
        if (_ownerOf(passId) != researcher) revert MarketErrors.LicencePass_NotHolder(passId, researcher);
        if (block.timestamp >= p.expiry) revert MarketErrors.LicencePass_Expired(passId, p.expiry);
        if (p.usesLeft == 0) revert MarketErrors.LicencePass_Spent(passId);
        p.usesLeft -= 1;
        p.usesOpen += 1;
        emit UseConsumed(passId, p.usesLeft);
        return p.purpose;
    }

    /// @inheritdoc ILicencePass
    function restoreUse(uint256 passId) external onlyComputeMarket {
        StoredPass storage p = _openPass(passId);
        p.usesOpen -= 1;
        p.usesLeft += 1;
        emit UseRestored(passId, p.usesLeft);
    }

    /// @inheritdoc ILicencePass
    function settleUse(uint256 passId) external onlyComputeMarket {
        StoredPass storage p = _openPass(passId);
        p.usesOpen -= 1;
        emit UseSettled(passId, p.usesLeft);
        if (p.usesLeft == 0 && p.usesOpen == 0) {
            delete _passes[passId];
            _burn(passId);
        }
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc ILicencePass
    function covers(uint256 passId, uint256 datasetId, uint8 purpose) external view returns (bool) {
        StoredPass storage p = _passes[passId];
        if (p.purpose != purpose || p.usesLeft == 0 || block.timestamp >= p.expiry) return false;
        if (p.firstDataset == datasetId) return true;
        uint256 count = p.otherDatasets.length;
        for (uint256 i; i < count; ++i) {
            if (p.otherDatasets[i] == datasetId) return true;
        }
        return false;
    }

    /// @inheritdoc ILicencePass
    function pass(uint256 passId) external view returns (Pass memory) {
        StoredPass storage p = _pass(passId);
        uint256[] memory datasetIds = new uint256[](1 + p.otherDatasets.length);
        datasetIds[0] = p.firstDataset;
        for (uint256 i = 1; i < datasetIds.length; ++i) {
            datasetIds[i] = p.otherDatasets[i - 1];
        }
        return Pass(p.purpose, p.expiry, p.usesLeft, p.usesOpen, datasetIds);
    }

    /// @inheritdoc IERC5192
    function locked(uint256 passId) external view returns (bool) {
        _pass(passId);
        return true;
    }

    /// @notice ERC-165.
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IERC5192).interfaceId || super.supportsInterface(interfaceId);
    }

    // ---------------------------------------------------------------- soulbound

    /// @notice Always reverts: a pass is bound to its holder.
    function approve(address, uint256) public pure override {
        revert MarketErrors.LicencePass_Soulbound();
    }

    /// @notice Always reverts: a pass is bound to its holder.
    function setApprovalForAll(address, bool) public pure override {
        revert MarketErrors.LicencePass_Soulbound();
    }

    function _update(address to, uint256 passId, address auth) internal override returns (address from) {
        from = _ownerOf(passId);
        if (from != address(0) && to != address(0)) revert MarketErrors.LicencePass_Soulbound();
        return super._update(to, passId, auth);
    }

    // ---------------------------------------------------------------- internal

    function _pass(uint256 passId) private view returns (StoredPass storage p) {
        p = _passes[passId];
        if (p.expiry == 0) revert MarketErrors.LicencePass_Unknown(passId);
    }

    function _openPass(uint256 passId) private view returns (StoredPass storage p) {
        p = _pass(passId);
        if (p.usesOpen == 0) revert MarketErrors.LicencePass_NoOpenUse(passId);
    }
}
