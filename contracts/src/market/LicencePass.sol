// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {IERC5192} from "../interfaces/IERC5192.sol";
import {ILicencePass, Pass} from "../interfaces/ILicencePass.sol";

/// @title LicencePass
/// @notice A soulbound token that lets its holder ask questions. It has no parameters, so nobody governs it.
contract LicencePass is ILicencePass, IERC5192, ERC721 {
    address public immutable LICENCE_MARKET;
    address public immutable COMPUTE_MARKET;

    mapping(uint256 passId => Pass) private _passes;
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
        _passes[passId] =
            Pass({purpose: purpose, expiry: expiry, usesLeft: uses, usesOpen: 0, datasetIds: datasetIds});
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
        Pass storage p = _pass(passId);
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
        Pass storage p = _openPass(passId);
        p.usesOpen -= 1;
        p.usesLeft += 1;
        emit UseRestored(passId, p.usesLeft);
    }

    /// @inheritdoc ILicencePass
    function settleUse(uint256 passId) external onlyComputeMarket {
        Pass storage p = _openPass(passId);
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
        Pass storage p = _passes[passId];
        if (p.purpose != purpose || p.usesLeft == 0 || block.timestamp >= p.expiry) return false;
        uint256 count = p.datasetIds.length;
        for (uint256 i; i < count; ++i) {
            if (p.datasetIds[i] == datasetId) return true;
        }
        return false;
    }

    /// @inheritdoc ILicencePass
    function pass(uint256 passId) external view returns (Pass memory) {
        return _pass(passId);
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

    function _pass(uint256 passId) private view returns (Pass storage p) {
        p = _passes[passId];
        if (p.expiry == 0) revert MarketErrors.LicencePass_Unknown(passId);
    }

    function _openPass(uint256 passId) private view returns (Pass storage p) {
        p = _pass(passId);
        if (p.usesOpen == 0) revert MarketErrors.LicencePass_NoOpenUse(passId);
    }
}
