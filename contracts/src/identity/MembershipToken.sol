// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721Votes} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721Votes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";
import {Errors} from "../common/Errors.sol";
import {Kinds} from "../common/Kinds.sol";
import {Signed} from "../common/Signed.sol";
import {IAttestationOracle, Proof} from "../interfaces/IAttestationOracle.sol";
import {IERC5192} from "../interfaces/IERC5192.sol";
import {IMembershipToken, JoinRequest} from "../interfaces/IMembershipToken.sol";

/// @title MembershipToken
/// @notice One soulbound token and one vote for each verified person.
/// @dev Votes are counted by timestamp (ERC-6372) and given to the member at joining; a member may delegate the vote.
contract MembershipToken is IMembershipToken, IERC5192, ERC721Votes, AccessManaged {
    bytes32 private constant JOIN_TYPEHASH =
        keccak256("Join(address member,bytes32 personId,bytes32 didHash,uint256 nonce,uint64 deadline)");
    bytes32 private constant RESIGN_TYPEHASH =
        keccak256("Resign(address member,uint256 nonce,uint64 deadline)");

    IAttestationOracle public immutable ORACLE;

    /// @inheritdoc IMembershipToken
    mapping(bytes32 personId => address) public memberOf;
    /// @inheritdoc IMembershipToken
    mapping(address member => bytes32) public personOf;
    /// @inheritdoc IMembershipToken
    mapping(address member => uint256) public tokenOf;
    /// @inheritdoc IMembershipToken
    uint256 public totalMembers;

    mapping(uint256 tokenId => bytes32) private _didHashes;
    uint256 private _lastTokenId;

    constructor(address authority_, IAttestationOracle oracle)
        ERC721("Caduceus Membership", "CADM")
        EIP712("Caduceus MembershipToken", "1")
        AccessManaged(authority_)
    {
        ORACLE = oracle;
    }

    // ---------------------------------------------------------------- joining and leaving

    /// @inheritdoc IMembershipToken
    function join(JoinRequest calldata request, bytes calldata signature, Proof calldata proof)
        external
        returns (uint256 tokenId)
    {
        (address member, bytes32 personId, bytes32 didHash) =
            (request.member, request.personId, request.didHash);
        if (member == address(0)) revert Errors.Common_ZeroAddress();
        if (personId == 0) revert Errors.MembershipToken_ZeroPerson();
        if (memberOf[personId] != address(0)) {
            revert Errors.MembershipToken_PersonAlreadyMember(personId, memberOf[personId]);
        }
        if (personOf[member] != 0) revert Errors.MembershipToken_WalletAlreadyMember(member);
        bytes32 structHash = keccak256(
            abi.encode(JOIN_TYPEHASH, member, personId, didHash, _useNonce(member), request.deadline)
        );
        Signed.check(member, _hashTypedDataV4(structHash), request.deadline, signature);

        tokenId = ++_lastTokenId;
        ++totalMembers;
        memberOf[personId] = member;
        personOf[member] = personId;
        tokenOf[member] = tokenId;
        _didHashes[tokenId] = didHash;
        _mint(member, tokenId);
        // Also for one who left and returns: a delegation from an earlier membership does not outlive it.
        if (delegates(member) != member) _delegate(member, member);
        emit Locked(tokenId);
        emit MemberJoined(member, personId, tokenId, didHash);

        ORACLE.consume(proof, Kinds.IDENTITY, personId, keccak256(abi.encode(member, personId, didHash)));
    }

    /// @inheritdoc IMembershipToken
    function resign() external {
        _leave(msg.sender);
    }

    /// @inheritdoc IMembershipToken
    function resignBySig(address member, uint64 deadline, bytes calldata signature) external {
        bytes32 structHash = keccak256(abi.encode(RESIGN_TYPEHASH, member, _useNonce(member), deadline));
        Signed.check(member, _hashTypedDataV4(structHash), deadline, signature);
        _leave(member);
    }

    /// @inheritdoc IMembershipToken
    function remove(address member) external restricted {
        (bytes32 personId, uint256 tokenId) = _end(member);
        emit MemberRemoved(member, personId, tokenId);
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IMembershipToken
    function isMember(address account) external view returns (bool) {
        return tokenOf[account] != 0;
    }

    /// @inheritdoc IMembershipToken
    function didHashOf(uint256 tokenId) external view returns (bytes32) {
        _requireOwned(tokenId);
        return _didHashes[tokenId];
    }

    /// @inheritdoc IERC5192
    function locked(uint256 tokenId) external view returns (bool) {
        _requireOwned(tokenId);
        return true;
    }

    /// @notice The clock by which votes are counted: unix seconds.
    function clock() public view override returns (uint48) {
        return Time.timestamp();
    }

    /// @notice The clock's description (ERC-6372).
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    /// @notice ERC-165, with ERC-5192 beside ERC-721.
    function supportsInterface(bytes4 interfaceId) public view override returns (bool) {
        return interfaceId == type(IERC5192).interfaceId || super.supportsInterface(interfaceId);
    }

    // ---------------------------------------------------------------- soulbound

    /// @notice Always reverts: nobody can be approved to move a membership.
    function approve(address, uint256) public pure override(ERC721) {
        revert Errors.MembershipToken_Soulbound();
    }

    /// @notice Always reverts: nobody can be approved to move a membership.
    function setApprovalForAll(address, bool) public pure override(ERC721) {
        revert Errors.MembershipToken_Soulbound();
    }

    /// @dev Minting and burning only.
    function _update(address to, uint256 tokenId, address auth) internal override returns (address) {
        if (to != address(0) && _ownerOf(tokenId) != address(0)) revert Errors.MembershipToken_Soulbound();
        return super._update(to, tokenId, auth);
    }

    // ---------------------------------------------------------------- internal

    function _leave(address member) private {
        (bytes32 personId, uint256 tokenId) = _end(member);
        emit MemberLeft(member, personId, tokenId);
    }

    function _end(address member) private returns (bytes32 personId, uint256 tokenId) {
        tokenId = tokenOf[member];
        if (tokenId == 0) revert Errors.MembershipToken_NotMember(member);
        personId = personOf[member];

        --totalMembers;
        delete memberOf[personId];
        delete personOf[member];
        delete tokenOf[member];
        delete _didHashes[tokenId];
        _burn(tokenId);
    }
}
