// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Kinds
/// @notice What an attestation can be about. A kind is the hash of its name, so that a signer's wallet shows a value
/// that anyone can recompute.
library Kinds {
    /// @notice A verified person is behind a wallet. Subject: the person's identifier.
    bytes32 internal constant IDENTITY = keccak256("IDENTITY");
    /// @notice A dataset is what its custodian says. Subject: the content hash.
    bytes32 internal constant AUTHENTICITY = keccak256("AUTHENTICITY");
    /// @notice Every person in a dataset consented. Subject: the content hash.
    bytes32 internal constant CONSENT = keccak256("CONSENT");
    /// @notice A dataset has the anonymity it claims. Subject: the content hash.
    bytes32 internal constant ANONYMIZATION = keccak256("ANONYMIZATION");
    /// @notice The score that sets a deposit's shares. Subject: the dataset's token.
    bytes32 internal constant VALUE = keccak256("VALUE");
    /// @notice A job's result was computed and delivered as promised. Subject: the job.
    bytes32 internal constant DELIVERY = keccak256("DELIVERY");
    /// @notice The weights by which members share a dataset's yield. Subject: the dataset's token.
    bytes32 internal constant CONTRIBUTION = keccak256("CONTRIBUTION");
    /// @notice How many units of computation a metered licence used. Subject: the licence.
    bytes32 internal constant USAGE = keccak256("USAGE");
    /// @notice Data was delivered under a transfer agreement. Subject: the agreement.
    bytes32 internal constant TRANSFER = keccak256("TRANSFER");
    /// @notice What sets a dataset's price in the exchange. Subject: the dataset's token.
    bytes32 internal constant FEATURES = keccak256("FEATURES");
    /// @notice A borrower deleted what it borrowed. Subject: the loan.
    bytes32 internal constant DELETION = keccak256("DELETION");
    /// @notice What one contribution of a member is worth in points. Subject: the person's identifier.
    bytes32 internal constant POINTS = keccak256("POINTS");
    /// @notice A dataset was used in a study that was approved. Subject: the dataset's token.
    bytes32 internal constant USE = keccak256("USE");
    /// @notice Whether a validator's report was wrong. Subject: the check.
    bytes32 internal constant VERDICT = keccak256("VERDICT");
}
