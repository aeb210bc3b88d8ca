// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Errors
/// @notice Every custom error of the identity, consent, policy, data and governance contracts.
/// @dev A name is the contract that reverts and the reason; the arguments are what a person needs to act on it.
library Errors {
    // ---------------------------------------------------------------- general

    /// @notice The rules forbid this use. `law` is what a person reads, for example "GDPR Art. 44".
    error Blocked(string law);

    /// @notice A signed statement was presented after its deadline (unix seconds).
    error Signed_Expired(uint64 deadline);

    /// @notice The signature is not that of `signer` over this statement with its current nonce.
    error Signed_BadSignature(address signer);

    /// @notice An address that must be set is zero.
    error Common_ZeroAddress();

    // ---------------------------------------------------------------- identity

    /// @notice Membership is bound to its member: it cannot be transferred or approved.
    error MembershipToken_Soulbound();

    /// @notice This person is a member already, through `member`.
    error MembershipToken_PersonAlreadyMember(bytes32 personId, address member);

    /// @notice This wallet holds a membership already.
    error MembershipToken_WalletAlreadyMember(address member);

    /// @notice This wallet holds no membership.
    error MembershipToken_NotMember(address account);

    /// @notice A person identifier must not be zero.
    error MembershipToken_ZeroPerson();

    /// @notice The party is registered already; `update` changes it.
    error ParticipantRegistry_AlreadyRegistered(address party);

    /// @notice The party is not registered.
    error ParticipantRegistry_NotRegistered(address party);

    /// @notice The status is neither active (1) nor suspended (2).
    error ParticipantRegistry_BadStatus(uint8 status);

    /// @notice A country is two capital letters (ISO 3166-1 alpha-2).
    error ParticipantRegistry_BadJurisdiction(bytes2 jurisdiction);

    /// @notice An encryption key must not be zero.
    error ParticipantRegistry_ZeroKey();

    /// @notice The caller is not one of the contracts that may spend attestations.
    error AttestationOracle_NotConsumer(address caller);

    /// @notice The threshold is zero or above the number of attestors.
    error AttestationOracle_BadThreshold(uint8 threshold, uint256 attestors);

    /// @notice More attestors than the oracle keeps at once.
    error AttestationOracle_TooManyAttestors(uint256 attestors, uint256 maximum);

    /// @notice The same attestor, or the zero address, is listed out of ascending order.
    error AttestationOracle_BadAttestorOrder(address attestor);

    /// @notice Signers must be strictly ascending, which also makes them distinct.
    error AttestationOracle_BadSignerOrder(address signer);

    /// @notice The number of signers and of signatures differ.
    error AttestationOracle_LengthMismatch(uint256 signers, uint256 signatures);

    /// @notice Fewer signers than the threshold.
    error AttestationOracle_BelowThreshold(uint256 signers, uint8 threshold);

    /// @notice The signer is not an attestor.
    error AttestationOracle_NotAttestor(address signer);

    /// @notice The signer is an attestor that is suspended, or whose registration ran out.
    error AttestationOracle_AttestorNotInGoodStanding(address signer);

    /// @notice The signature is not that of `signer` over this attestation.
    error AttestationOracle_BadSignature(address signer);

    /// @notice The attestation is not yet or no longer valid (unix seconds).
    error AttestationOracle_NotValidNow(uint64 issuedAt, uint64 expiresAt);

    /// @notice This attestation was spent before.
    error AttestationOracle_AlreadyConsumed(bytes32 digest);

    /// @notice The attestation is about something else than the action it was presented for.
    error AttestationOracle_WrongStatement(bytes32 kind, bytes32 subject, bytes32 payloadHash);

    // ---------------------------------------------------------------- consent

    /// @notice Only a member may grant consent.
    error ConsentRegistry_NotMember(address account);

    /// @notice A grant names its custodian, at least one class, purpose and jurisdiction, and a time to come.
    error ConsentRegistry_BadGrant(string part);

    /// @notice The member has the greatest number of live grants with this custodian; one must be revoked first.
    error ConsentRegistry_TooManyGrants(address member, address custodian);

    /// @notice No such grant, or it was revoked before.
    error ConsentRegistry_NotLive(uint256 grantId);

    /// @notice The grant was made by another person.
    error ConsentRegistry_NotGrantor(uint256 grantId, address account);

    /// @notice The member has no live grant with this custodian.
    error ConsentRegistry_NothingToRevoke(address member, address custodian);

    /// @notice The caller is not the dataset's custodian in good standing.
    error ConsentRegistry_NotCustodian(uint256 datasetId, address account);

    /// @notice A consent root must not be zero.
    error ConsentRegistry_ZeroRoot();

    // ---------------------------------------------------------------- policy

    /// @notice Two lists that belong together differ in length.
    error JurisdictionRules_LengthMismatch(uint256 left, uint256 right);

    /// @notice A country or region is two capital letters.
    error JurisdictionRules_BadCode(bytes2 code);

    /// @notice The code is neither a listed country nor a listed region; list it with `setCountries` first.
    error JurisdictionRules_UnknownCode(bytes2 code);

    /// @notice The code names a region of other countries and cannot become a country of another region.
    error JurisdictionRules_CodeIsRegion(bytes2 code);

    /// @notice The code names a country of another region and cannot become a region.
    error JurisdictionRules_CodeIsCountry(bytes2 code);

    /// @notice All 255 region indexes are in use.
    error JurisdictionRules_TooManyRegions();

    /// @notice A verdict is 1, 2 or 3, and 2 (and only 2) names safeguards.
    error JurisdictionRules_BadVerdict(uint8 verdict, uint32 safeguards);

    /// @notice No law has this identifier; set its text with `setLaws` first.
    error JurisdictionRules_UnknownLaw(uint256 lawId);

    /// @notice The data class or purpose does not exist.
    error JurisdictionRules_BadKey(uint8 dataClass, uint8 purpose);

    /// @notice There is no such row to remove.
    error JurisdictionRules_NoRule();

    /// @notice The agreement is not in the state that the call needs.
    error TransferAgreement_WrongState(uint256 agreementId, uint8 state);

    /// @notice A part of the terms is missing or out of bounds.
    error TransferAgreement_BadTerms(string part);

    /// @notice A side may not conclude; `reason` says why, for example "accreditation expired".
    error TransferAgreement_NotInGoodStanding(address party, string reason);

    /// @notice The deadline for delivery passed (unix seconds); anyone may call `refund`.
    error TransferAgreement_DeadlinePassed(uint256 agreementId, uint64 deadline);

    /// @notice The deadline for delivery has not passed (unix seconds); only the exporter gives up before.
    error TransferAgreement_DeadlineNotPassed(uint256 agreementId, uint64 deadline);

    /// @notice Only the sides of an agreement end it.
    error TransferAgreement_NotSide(uint256 agreementId, address caller);

    // ---------------------------------------------------------------- data

    /// @notice A dataset moves only between its custodian and the pool.
    error DatasetToken_Soulbound();

    /// @notice The caller may not mint; `reason` says why, for example "accreditation expired".
    error DatasetToken_NotInGoodStanding(address custodian, string reason);

    /// @notice The content was minted before, as `tokenId`.
    error DatasetToken_ContentExists(uint256 tokenId);

    /// @notice A part of the request is missing or out of bounds.
    error DatasetToken_BadRequest(string part);

    /// @notice The custodian's part is above the governed cap (basis points).
    error DatasetToken_CustodianPartTooHigh(uint16 custodianBps, uint16 maximumBps);

    /// @notice The parent does not exist or belongs to another custodian.
    error DatasetToken_BadParent(uint256 parent);

    /// @notice Only the pool may lock and unlock datasets.
    error DatasetToken_NotPool(address caller);

    /// @notice The dataset is not where the action needs it.
    error DatasetToken_WrongHolder(uint256 tokenId, address holder);

    /// @notice No such dataset.
    error DatasetToken_Unknown(uint256 tokenId);

    /// @notice A cap in basis points is above 10,000.
    error DatasetToken_BadCap(uint16 bps);

    /// @notice Only a custodian in good standing may anchor; `reason` says what fails.
    error ProvenanceLog_NotInGoodStanding(address custodian, string reason);

    /// @notice A sequence must be above the last one anchored.
    error ProvenanceLog_SequenceNotAbove(uint64 sequence, uint64 last);

    /// @notice A head must not be zero.
    error ProvenanceLog_ZeroHead();

    /// @notice Only the compute market records accesses.
    error ProvenanceLog_NotComputeMarket(address caller);

    // ---------------------------------------------------------------- governance

    /// @notice The scopes are empty or include one that does not exist.
    error CircuitBreaker_BadScopes(uint256 scopes);

    /// @notice A guardian pauses for at least one second and at most `maximum` seconds.
    error CircuitBreaker_BadDuration(uint64 duration, uint64 maximum);

    /// @notice The guardian paused this scope lately and may again from `from` (unix seconds).
    error CircuitBreaker_CoolingDown(uint256 scope, uint64 from);

    /// @notice The time must lie ahead.
    error CircuitBreaker_NotInFuture(uint64 until);

    /// @notice The scope is paused until `until` (unix seconds).
    error CircuitBreaker_Paused(uint256 scope, uint64 until);

    /// @notice Governance tokens move only between verified parties and members.
    error GovernanceToken_NotVerified(address account);

    /// @notice The amount is above what may still be minted this year (1e18 units).
    error DataToken_AboveYearlyCap(uint256 amount, uint256 left);

    /// @notice The yearly cap is at most 500 basis points.
    error DataToken_BadCap(uint16 bps);

    /// @notice The lock ended at `end` (unix seconds) and is to be withdrawn first.
    error VoteEscrow_Ended(address account, uint48 end);

    /// @notice A lock ends in a week that is ahead, at most 208 weeks, and not before the present lock (unix seconds).
    error VoteEscrow_BadEnd(uint48 end);

    /// @notice Neither the amount nor the end of the lock would change.
    error VoteEscrow_NothingToLock();

    /// @notice The account has locked nothing.
    error VoteEscrow_NothingLocked(address account);

    /// @notice The lock ends at `end` (unix seconds).
    error VoteEscrow_NotEnded(address account, uint48 end);

    /// @notice Votes are known of times that are over (unix seconds).
    error VoteEscrow_NotPast(uint256 timepoint, uint48 present);

    /// @notice A payment is of at least one unit.
    error Treasury_ZeroAmount();

    /// @notice The calls of one proposal must be of one kind.
    error CooperativeGovernor_MixedKinds(uint8 kind, uint8 other);

    /// @notice The function carries other calls, which would hide what is decided; propose them directly.
    error CooperativeGovernor_HiddenCall(bytes4 selector);

    /// @notice There is no such kind of proposal.
    error CooperativeGovernor_BadKind(uint8 kind);

    /// @notice The account had no vote of the membership when that mattered, or was struck in this poll.
    error Signalling_NoVote(address account);

    /// @notice A part of the poll is missing or out of bounds.
    error Signalling_BadPoll(string part);

    /// @notice The poll is closed, or there is none.
    error Signalling_Closed(uint256 pollId);

    /// @notice The poll is still open, or there is none.
    error Signalling_NotClosed(uint256 pollId);

    /// @notice There are fewer answers to choose from.
    error Signalling_BadOption(uint8 option, uint8 options);

    /// @notice The poll has a count; it must be struck first.
    error Signalling_AlreadyCounted(uint256 pollId);

    /// @notice The last ballot does not show that the count is that of the tree.
    error Signalling_BadCount(uint256 pollId);

    /// @notice The poll has no count, or it can be struck no more.
    error Signalling_NotStrikable(uint256 pollId);

    /// @notice The ballot is not in the count.
    error Signalling_NotCounted(uint256 pollId, uint32 index);

    /// @notice The two ballots do not stand beside each other.
    error Signalling_NotNeighbours(uint32 left, uint32 right);

    /// @notice The signature is another than the one that was counted.
    error Signalling_OtherSignature(uint256 pollId, uint32 index);

    /// @notice What was shown is as it should be.
    error Signalling_NothingWrong(uint256 pollId);
}
