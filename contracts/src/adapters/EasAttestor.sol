// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {
    Attestation as EasAttestation
} from "@ethereum-attestation-service/eas-contracts/contracts/Common.sol";
import {IEAS} from "@ethereum-attestation-service/eas-contracts/contracts/IEAS.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @title EasAttestor
/// @notice An attestor whose signatures are attestations in the Ethereum Attestation Service.
/// @dev Listed in `AttestationOracle` like any attestor; the oracle asks it by EIP-1271. One contract stands for one
/// attester, so that the oracle's m of n counts attesters and not this service.
contract EasAttestor is IERC1271 {
    /// @notice The service.
    IEAS public immutable EAS;
    /// @notice The schema in it: `bytes32 digest`, what `AttestationOracle.digestOf` gives.
    bytes32 public immutable SCHEMA;
    /// @notice The account whose attestations count.
    address public immutable ATTESTER;

    constructor(IEAS eas, bytes32 schema, address attester) {
        EAS = eas;
        SCHEMA = schema;
        ATTESTER = attester;
    }

    /// @notice EIP-1271. `uid` is the 32 bytes of an attestation's identifier. It counts while it is of the schema, by the
    /// attester, about this digest, neither revoked nor expired.
    function isValidSignature(bytes32 digest, bytes calldata uid) external view returns (bytes4) {
        if (uid.length != 32) return bytes4(0);
        bytes32 id = abi.decode(uid, (bytes32));
        if (id == 0) return bytes4(0);
        EasAttestation memory a = EAS.getAttestation(id);
        bool counts = a.uid == id && a.schema == SCHEMA && a.attester == ATTESTER && a.revocationTime == 0
            && (a.expirationTime == 0 || block.timestamp < a.expirationTime) && a.data.length == 32
            && abi.decode(a.data, (bytes32)) == digest;
        return counts ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
