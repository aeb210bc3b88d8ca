//! The statements that people sign (EIP-712): the structs that the contracts hash, field for field.

alloy::sol! {
    /// `MembershipToken.join`.
    #[derive(Debug)]
    struct Join {
        address member;
        bytes32 personId;
        bytes32 didHash;
        uint256 nonce;
        uint64 deadline;
    }

    /// `MembershipToken.resignBySig`.
    #[derive(Debug)]
    struct Resign {
        address member;
        uint256 nonce;
        uint64 deadline;
    }

    /// `ConsentRegistry.grantFor`.
    #[derive(Debug)]
    struct Grant {
        address member;
        address custodian;
        address grantee;
        uint256 classes;
        uint256 purposes;
        uint256 jurisdictions;
        uint64 expiry;
        bytes32 documentHash;
        uint256 nonce;
        uint64 deadline;
    }

    /// `ConsentRegistry.revokeAllBySig`.
    #[derive(Debug)]
    struct RevokeAll {
        address member;
        address custodian;
        uint256 nonce;
        uint64 deadline;
    }

    /// `ConsentRegistry.revokeBySig`.
    #[derive(Debug)]
    struct Revoke {
        address member;
        uint256 grantId;
        uint256 nonce;
        uint64 deadline;
    }

    /// `permit` of ERC-2612.
    #[derive(Debug)]
    struct Permit {
        address owner;
        address spender;
        uint256 value;
        uint256 nonce;
        uint256 deadline;
    }

    /// `Governor.castVoteBySig` of OpenZeppelin 5.
    #[derive(Debug)]
    struct Ballot {
        uint256 proposalId;
        uint8 support;
        address voter;
        uint256 nonce;
    }
}
