// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title PartyRoles
/// @notice Bits of a participant's role set.
library PartyRoles {
    uint32 internal constant CUSTODIAN = 1;
    uint32 internal constant RESEARCHER = 2;
    uint32 internal constant ATTESTOR = 4;
    uint32 internal constant VALIDATOR = 8;
    uint32 internal constant GUARDIAN = 16;
    uint32 internal constant ARBITRATOR = 32;
    uint32 internal constant RELAYER = 64;
    uint32 internal constant ISSUER = 128;
}

/// @title CredentialKinds
/// @notice Bits of what an issuer's word counts for.
library CredentialKinds {
    uint32 internal constant PATIENT_IDENTITY = 1;
    uint32 internal constant CUSTODIAN_ACCREDITATION = 2;
    uint32 internal constant RESEARCHER_ACCREDITATION = 4;
    uint32 internal constant ETHICS_APPROVAL = 8;
}

/// @title PartyStatus
/// @notice Where a participant's registration stands.
library PartyStatus {
    uint8 internal constant NONE = 0;
    uint8 internal constant ACTIVE = 1;
    uint8 internal constant SUSPENDED = 2;
}

/// @title Safeguards
/// @notice Bits of the safeguards that a receiving party holds and a rule may ask for.
library Safeguards {
    uint32 internal constant SCC = 1;
    uint32 internal constant BCR = 2;
    uint32 internal constant EXPLICIT_CONSENT = 4;
    uint32 internal constant HIPAA_AUTHORIZATION = 8;
    uint32 internal constant DATA_USE_AGREEMENT = 16;
    uint32 internal constant EHDS_PERMIT = 32;
}

/// @title DataClasses
/// @notice What kind of health data a dataset holds. Zero stands for any class, in rules only.
library DataClasses {
    uint8 internal constant ANY = 0;
    uint8 internal constant CLINICAL = 1;
    uint8 internal constant GENOMIC = 2;
    uint8 internal constant IMAGING = 3;
    uint8 internal constant WEARABLE = 4;
    uint8 internal constant CLAIMS = 5;
    uint8 internal constant MENTAL_HEALTH = 6;
    uint8 internal constant LAST = MENTAL_HEALTH;
}

/// @title Purposes
/// @notice What data is used for: GA4GH Data Use Ontology and HL7 PurposeOfUse. In a bitmap the bit is `1 << purpose`.
/// Zero stands for any purpose, in rules only.
library Purposes {
    uint8 internal constant ANY = 0;
    /// @notice General research use (DUO:0000042).
    uint8 internal constant GRU = 1;
    /// @notice Health, medical or biomedical research (DUO:0000006).
    uint8 internal constant HMB = 2;
    /// @notice Disease-specific research (DUO:0000007).
    uint8 internal constant DS = 3;
    /// @notice Population origins or ancestry research (DUO:0000011).
    uint8 internal constant POA = 4;
    /// @notice Not-for-profit use (DUO:0000045).
    uint8 internal constant NPU = 5;
    /// @notice Commercial use: what DUO:0000046 (non-commercial use only) withholds.
    uint8 internal constant COM = 6;
    /// @notice Public health (HL7 PUBHLTH).
    uint8 internal constant PUBLIC_HEALTH = 7;
    /// @notice Quality improvement (HL7 HQUALIMP).
    uint8 internal constant QUALITY = 8;
    uint8 internal constant LAST = QUALITY;
}

/// @title Verdicts
/// @notice What a jurisdiction rule says.
library Verdicts {
    uint8 internal constant NONE = 0;
    uint8 internal constant ALLOW = 1;
    uint8 internal constant ALLOW_WITH_SAFEGUARD = 2;
    uint8 internal constant DENY = 3;
}

/// @title Scopes
/// @notice Bits of what the circuit breaker can pause. Leaving, revoking, withdrawing, claiming, refunds and voting
/// have no bit on purpose.
library Scopes {
    uint256 internal constant MINTING = 1;
    uint256 internal constant DEPOSITS = 2;
    uint256 internal constant TRADING = 4;
    uint256 internal constant JOBS = 8;
    uint256 internal constant ALL = 15;
}

/// @title AccessRoles
/// @notice Role identifiers in the one AccessManager. Zero is its admin role, the timelock after deployment.
library AccessRoles {
    uint64 internal constant ADMIN = 0;
    uint64 internal constant REGISTRAR = 1;
    uint64 internal constant GUARDIAN = 2;
    uint64 internal constant MINTER = 3;
    /// @notice Contracts of the protocol that sell licences through `LicenceMarket` in their own ways.
    uint64 internal constant SELLER = 4;
    /// @notice The contract through which jobs are disputed.
    uint64 internal constant DISPUTES = 5;
    /// @notice Mints DATA under the yearly cap and opens vestings.
    uint64 internal constant REWARDER = 6;
    /// @notice Fetches the revenue that is kept for buying back.
    uint64 internal constant BUYER = 7;
    /// @notice Asks questions of several pools in the name of the researcher who called it.
    uint64 internal constant NETWORK = 8;
    uint64 internal constant LAST = NETWORK;
}
