// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Errors} from "./Errors.sol";

/// @title Signed
/// @notice The two checks that every relayed statement goes through.
library Signed {
    /// @notice Reverts unless `signer` signed `digest` (ECDSA, or EIP-1271 for a contract) and the deadline is not past.
    /// @param deadline unix seconds, the last moment at which the statement counts
    function check(address signer, bytes32 digest, uint64 deadline, bytes calldata signature) internal view {
        if (block.timestamp > deadline) revert Errors.Signed_Expired(deadline);
        if (!SignatureChecker.isValidSignatureNowCalldata(signer, digest, signature)) {
            revert Errors.Signed_BadSignature(signer);
        }
    }
}
