// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";
import {Errors} from "../common/Errors.sol";
import {CountedBallot, Inclusion, ISignalling, Poll} from "../interfaces/ISignalling.sol";

/// @title Signalling
/// @notice Asks the members without cost to them, and lets anybody strike a count that is wrong.
/// @dev It has no parameters and holds no money, so nobody governs it.
contract Signalling is ISignalling, EIP712 {
    bytes32 private constant BALLOT_TYPEHASH = keccak256("Ballot(uint256 pollId,address voter,uint8 option)");

    uint8 private constant LEAST_OPTIONS = 2;
    uint8 private constant MOST_OPTIONS = 8;
    uint48 private constant LEAST_PERIOD = 1 hours;
    uint48 private constant GREATEST_PERIOD = 60 days;

    /// @notice How long a count can be struck, seconds.
    uint48 public constant STRIKE_WINDOW = 7 days;

    IVotes public immutable MEMBERSHIP;

    /// @inheritdoc ISignalling
    uint256 public pollCount;

    mapping(uint256 pollId => Poll) private _polls;
    /// @dev The answer plus one, zero for none.
    mapping(uint256 pollId => mapping(address voter => uint8)) private _delivered;
    mapping(uint256 pollId => mapping(address counter => bool)) private _struck;

    constructor(IVotes membership) EIP712("Caduceus Signalling", "1") {
        MEMBERSHIP = membership;
    }

    // ---------------------------------------------------------------- asking and answering

    /// @inheritdoc ISignalling
    function open(bytes32 question, uint8 options, uint48 period) external returns (uint256 pollId) {
        if (MEMBERSHIP.getVotes(msg.sender) == 0) revert Errors.Signalling_NoVote(msg.sender);
        if (question == 0) revert Errors.Signalling_BadPoll("question");
        if (options < LEAST_OPTIONS || options > MOST_OPTIONS) {
            revert Errors.Signalling_BadPoll("options");
        }
        if (period < LEAST_PERIOD || period > GREATEST_PERIOD) {
            revert Errors.Signalling_BadPoll("period");
        }
        pollId = ++pollCount;
        Poll storage p = _polls[pollId];
        p.openedAt = Time.timestamp();
        p.closesAt = Time.timestamp() + period;
        p.options = options;
        p.question = question;
        emit PollOpened(pollId, msg.sender, question, options, p.closesAt);
    }

    /// @inheritdoc ISignalling
    function deliver(uint256 pollId, address voter, uint8 option, bytes calldata signature) external {
        Poll storage p = _polls[pollId];
        // There is no poll that closes at zero, so this is also for polls that do not exist.
        if (block.timestamp > p.closesAt) revert Errors.Signalling_Closed(pollId);
        if (option >= p.options) revert Errors.Signalling_BadOption(option, p.options);
        // Votes of a moment are known when it is over.
        if (block.timestamp == p.openedAt || MEMBERSHIP.getPastVotes(voter, p.openedAt) == 0) {
            revert Errors.Signalling_NoVote(voter);
        }
        if (!SignatureChecker.isValidSignatureNowCalldata(voter, digestOf(pollId, voter, option), signature))
        {
            revert Errors.Signed_BadSignature(voter);
        }
        _delivered[pollId][voter] = option + 1;
        emit BallotDelivered(pollId, voter, option);
    }

    // ---------------------------------------------------------------- counting

    /// @inheritdoc ISignalling
    function count(
        uint256 pollId,
        bytes32 root,
        uint32 ballots,
        uint256 tally,
        Inclusion calldata last,
        string calldata ballotsURI
    ) external {
        Poll storage p = _polls[pollId];
        if (p.options == 0 || block.timestamp <= p.closesAt) revert Errors.Signalling_NotClosed(pollId);
        if (p.strikableUntil != 0) revert Errors.Signalling_AlreadyCounted(pollId);
        if (_struck[pollId][msg.sender] || MEMBERSHIP.getPastVotes(msg.sender, p.openedAt) == 0) {
            revert Errors.Signalling_NoVote(msg.sender);
        }
        p.root = root;
        p.ballots = ballots;
        p.tally = tally;
        p.counter = msg.sender;
        p.strikableUntil = Time.timestamp() + STRIKE_WINDOW;
        if (ballots == 0) {
            if (root != 0 || tally != 0) revert Errors.Signalling_BadCount(pollId);
        } else if (
            !isCounted(pollId, last) || last.ballot.index != ballots - 1 || last.ballot.running != tally
        ) {
            revert Errors.Signalling_BadCount(pollId);
        }
        emit Counted(pollId, msg.sender, root, ballots, tally, ballotsURI);
    }

    // ---------------------------------------------------------------- recounting

    /// @inheritdoc ISignalling
    function strikeBallot(uint256 pollId, Inclusion calldata ballot, bytes calldata signature) external {
        Poll storage p = _strikable(pollId);
        _requireCounted(pollId, ballot);
        CountedBallot calldata b = ballot.ballot;
        if (b.option >= p.options) return _strike(pollId, "no such answer");
        if (MEMBERSHIP.getPastVotes(b.voter, p.openedAt) == 0) return _strike(pollId, "no vote");
        if (b.index == 0 && b.running != _one(b.option)) return _strike(pollId, "wrong sum");
        if (keccak256(signature) != b.signatureHash) {
            revert Errors.Signalling_OtherSignature(pollId, b.index);
        }
        if (SignatureChecker.isValidSignatureNowCalldata(
                b.voter, digestOf(pollId, b.voter, b.option), signature
            )) {
            revert Errors.Signalling_NothingWrong(pollId);
        }
        _strike(pollId, "not the voter's signature");
    }

    /// @inheritdoc ISignalling
    function strikeNeighbours(uint256 pollId, Inclusion calldata left, Inclusion calldata right) external {
        _strikable(pollId);
        _requireNeighbours(pollId, left, right);
        CountedBallot calldata l = left.ballot;
        CountedBallot calldata r = right.ballot;
        if (r.voter <= l.voter) return _strike(pollId, "out of order");
        // An answer that does not exist is for `strikeBallot`; its shift beyond the word adds nothing.
        unchecked {
            // A sum may have been chosen so that it overflows; it is wrong then, and must not stop the strike.
            if (r.running == l.running + _one(r.option)) revert Errors.Signalling_NothingWrong(pollId);
        }
        _strike(pollId, "wrong sum");
    }

    /// @inheritdoc ISignalling
    function strikeReplaced(uint256 pollId, Inclusion calldata ballot) external {
        _strikable(pollId);
        _requireCounted(pollId, ballot);
        uint8 asDelivered = _delivered[pollId][ballot.ballot.voter];
        if (asDelivered == 0 || asDelivered - 1 == ballot.ballot.option) {
            revert Errors.Signalling_NothingWrong(pollId);
        }
        _strike(pollId, "another ballot was delivered");
    }

    /// @inheritdoc ISignalling
    function strikeMissing(uint256 pollId, address voter, Inclusion calldata left, Inclusion calldata right)
        external
    {
        uint32 ballots = _strikable(pollId).ballots;
        if (_delivered[pollId][voter] == 0) revert Errors.Signalling_NothingWrong(pollId);
        if (ballots != 0 && !_isBesides(pollId, ballots, voter, left, right)) {
            revert Errors.Signalling_NothingWrong(pollId);
        }
        _strike(pollId, "a delivered ballot is missing");
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc ISignalling
    function poll(uint256 pollId) external view returns (Poll memory) {
        return _polls[pollId];
    }

    /// @inheritdoc ISignalling
    function result(uint256 pollId) external view returns (uint32[] memory votes, bool isFinal) {
        Poll storage p = _polls[pollId];
        votes = new uint32[](p.options);
        for (uint256 i; i < votes.length; ++i) {
            // forge-lint: disable-next-line(unsafe-typecast)
            votes[i] = uint32(p.tally >> (32 * i));
        }
        isFinal = p.strikableUntil != 0 && block.timestamp > p.strikableUntil;
    }

    /// @inheritdoc ISignalling
    function isCounted(uint256 pollId, Inclusion calldata ballot) public view returns (bool) {
        Poll storage p = _polls[pollId];
        CountedBallot calldata b = ballot.ballot;
        if (b.index >= p.ballots || ballot.proof.length != Math.log2(p.ballots, Math.Rounding.Ceil)) {
            return false;
        }
        // Hashed twice, so that no inner node can pass for a leaf.
        bytes32 node = keccak256(
            bytes.concat(
                keccak256(abi.encode(pollId, b.index, b.voter, b.option, b.signatureHash, b.running))
            )
        );
        uint256 place = b.index;
        for (uint256 i; i < ballot.proof.length; ++i) {
            bytes32 beside = ballot.proof[i];
            node = place & 1 == 0
                ? Hashes.efficientKeccak256(node, beside)
                : Hashes.efficientKeccak256(beside, node);
            place >>= 1;
        }
        return node == p.root;
    }

    /// @inheritdoc ISignalling
    function delivered(uint256 pollId, address voter) external view returns (bool exists, uint8 option) {
        uint8 stored = _delivered[pollId][voter];
        return stored == 0 ? (false, 0) : (true, stored - 1);
    }

    /// @inheritdoc ISignalling
    function digestOf(uint256 pollId, address voter, uint8 option) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(BALLOT_TYPEHASH, pollId, voter, option)));
    }

    // ---------------------------------------------------------------- internal

    /// @dev The poll, when its count can still be struck.
    function _strikable(uint256 pollId) private view returns (Poll storage p) {
        p = _polls[pollId];
        if (block.timestamp > p.strikableUntil) revert Errors.Signalling_NotStrikable(pollId);
    }

    function _requireCounted(uint256 pollId, Inclusion calldata ballot) private view {
        if (!isCounted(pollId, ballot)) revert Errors.Signalling_NotCounted(pollId, ballot.ballot.index);
    }

    function _requireNeighbours(uint256 pollId, Inclusion calldata left, Inclusion calldata right)
        private
        view
    {
        _requireCounted(pollId, left);
        _requireCounted(pollId, right);
        if (uint256(left.ballot.index) + 1 != right.ballot.index) {
            revert Errors.Signalling_NotNeighbours(left.ballot.index, right.ballot.index);
        }
    }

    /// @dev Whether the voter would stand where the count holds nobody.
    function _isBesides(
        uint256 pollId,
        uint32 ballots,
        address voter,
        Inclusion calldata left,
        Inclusion calldata right
    ) private view returns (bool) {
        if (left.ballot.index == right.ballot.index) {
            _requireCounted(pollId, left);
            return (left.ballot.index == 0 && voter < left.ballot.voter)
                || (left.ballot.index == ballots - 1 && voter > left.ballot.voter);
        }
        _requireNeighbours(pollId, left, right);
        return left.ballot.voter < voter && voter < right.ballot.voter;
    }

    /// @dev One vote for this answer, in the packing of a tally.
    function _one(uint8 option) private pure returns (uint256) {
        return uint256(1) << (32 * uint256(option));
    }

    /// @dev The poll can be counted again, by somebody else.
    function _strike(uint256 pollId, string memory reason) private {
        Poll storage p = _polls[pollId];
        address counter = p.counter;
        _struck[pollId][counter] = true;
        p.root = 0;
        p.ballots = 0;
        p.tally = 0;
        p.counter = address(0);
        p.strikableUntil = 0;
        emit CountStruck(pollId, counter, reason);
    }
}
