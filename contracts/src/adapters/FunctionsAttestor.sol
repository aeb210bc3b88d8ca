// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {
    FunctionsRequest
} from "@chainlink/contracts/src/v0.8/functions/v1_0_0/libraries/FunctionsRequest.sol";
import {FunctionsClient} from "@chainlink/contracts/src/v0.8/functions/v1_3_0/FunctionsClient.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {PartyRoles} from "../common/Codes.sol";
import {Attestation, IAttestationOracle} from "../interfaces/IAttestationOracle.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";

/// @title FunctionsAttestor
/// @notice An attestor whose signatures are answers of a Chainlink Functions network.
/// @dev Listed in `AttestationOracle` like any attestor; the oracle asks it by EIP-1271. A subscription of the router pays
/// for each request in LINK, and this contract is a consumer of it.
contract FunctionsAttestor is FunctionsClient, IERC1271 {
    using FunctionsRequest for FunctionsRequest.Request;

    /// @notice Only custodians in good standing may spend the subscription.
    error FunctionsAttestor_NotCustodian(address caller, string reason);
    /// @notice An answer to something that was not asked.
    error FunctionsAttestor_UnknownRequest(bytes32 requestId);

    /// @notice The network was asked about a statement.
    event Asked(bytes32 indexed digest, bytes32 indexed requestId);
    /// @notice The network answered; `agreed` where it stands by the statement.
    event Answered(bytes32 indexed digest, bytes32 indexed requestId, bool agreed);

    IAttestationOracle public immutable ORACLE;
    IParticipantRegistry public immutable REGISTRY;
    /// @notice Which network.
    bytes32 public immutable DON;
    /// @notice Which subscription pays.
    uint64 public immutable SUBSCRIPTION;
    /// @notice The gas for taking an answer in.
    uint32 public constant CALLBACK_GAS = 100_000;

    /// @notice What the network runs: it gets kind, subject, payload hash and digest in hex, looks at the evidence, and
    /// returns the 32 bytes of the digest where it stands by the statement.
    string public source;

    mapping(bytes32 requestId => bytes32 digest) private _asked;
    mapping(bytes32 digest => bool) private _agreed;

    constructor(
        address router,
        IAttestationOracle oracle,
        IParticipantRegistry registry,
        bytes32 don,
        uint64 subscription,
        string memory source_
    ) FunctionsClient(router) {
        ORACLE = oracle;
        REGISTRY = registry;
        DON = don;
        SUBSCRIPTION = subscription;
        source = source_;
    }

    /// @notice Asks the network about a statement. Custodians in good standing only.
    function ask(Attestation calldata attestation) external returns (bytes32 requestId) {
        (bool ok, string memory reason) = REGISTRY.standing(msg.sender, PartyRoles.CUSTODIAN);
        if (!ok) revert FunctionsAttestor_NotCustodian(msg.sender, reason);
        bytes32 digest = ORACLE.digestOf(attestation);
        FunctionsRequest.Request memory request;
        request.initializeRequestForInlineJavaScript(source);
        string[] memory arguments = new string[](4);
        arguments[0] = _hex(attestation.kind);
        arguments[1] = _hex(attestation.subject);
        arguments[2] = _hex(attestation.payloadHash);
        arguments[3] = _hex(digest);
        request.setArgs(arguments);
        requestId = _sendRequest(request.encodeCBOR(), SUBSCRIPTION, CALLBACK_GAS, DON);
        _asked[requestId] = digest;
        emit Asked(digest, requestId);
    }

    /// @notice EIP-1271. Whether the network stands by the statement with this digest; the signature is not looked at.
    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return _agreed[digest] ? IERC1271.isValidSignature.selector : bytes4(0);
    }

    function _fulfillRequest(bytes32 requestId, bytes memory response, bytes memory err) internal override {
        bytes32 digest = _asked[requestId];
        if (digest == 0) revert FunctionsAttestor_UnknownRequest(requestId);
        delete _asked[requestId];
        bool agreed = err.length == 0 && response.length == 32 && abi.decode(response, (bytes32)) == digest;
        if (agreed) _agreed[digest] = true;
        emit Answered(digest, requestId, agreed);
    }

    function _hex(bytes32 word) private pure returns (string memory) {
        return Strings.toHexString(uint256(word), 32);
    }
}
