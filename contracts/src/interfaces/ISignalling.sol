// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice A question to the members and what they answered. Five storage slots.
struct Poll {
    /// unix seconds; who had a vote of the membership then may answer
    uint48 openedAt;
    /// unix seconds, the last moment at which a ballot can be delivered
    uint48 closesAt;
    /// unix seconds, the last moment at which the present count can be struck; zero without one
    uint48 strikableUntil;
    /// how many answers there are to choose from, 2 to 8
    uint8 options;
    /// how many ballots the present count holds
    uint32 ballots;
    /// hash of the question and its answers
    bytes32 question;
    /// root of the tree of ballots, zero without a count
    bytes32 root;
    /// what each answer got, 32 bits each, the first in the lowest
    uint256 tally;
    /// who made the present count
    address counter;
}

/// @notice A ballot as it stands in the tree.
struct CountedBallot {
    /// its place, from 0, in ascending order of voters
    uint32 index;
    address voter;
    /// the answer chosen, from 0
    uint8 option;
    /// keccak256 of the voter's signature
    bytes32 signatureHash;
    /// what each answer got up to and with this ballot, as `Poll.tally`
    uint256 running;
}

/// @notice A ballot with the way from its place to the root.
struct Inclusion {
    CountedBallot ballot;
    bytes32[] proof;
}

/// @title ISignalling
/// @notice Asks the members without cost to them: ballots are signed off chain, the count is anchored here with a root over
/// all of them, and anybody who recounts can strike a count that is wrong.
/// @dev A ballot is the EIP-712 statement Ballot(uint256 pollId,address voter,uint8 option), domain "Caduceus Signalling",
/// version "1", ECDSA or EIP-1271. Who signs two different ones leaves it to the counter which is counted, unless one was
/// delivered here. The tree has 2^d places with the least d that holds all ballots, zeros in those that are empty, inner
/// nodes keccak256(left ++ right), and leaves
/// keccak256(bytes.concat(keccak256(abi.encode(pollId, index, voter, option, signatureHash, running)))).
/// Voters ascend strictly, so that nobody counts twice, and each ballot carries the sums up to it, so that every wrong sum
/// shows in one ballot or in two neighbours: a false count can always be struck by who has the ballots. Who does not get them
/// from the counter cannot recount, and should not believe the count. Nothing is decided by a poll.
interface ISignalling {
    /// @notice A member asked.
    event PollOpened(
        uint256 indexed pollId, address indexed opener, bytes32 question, uint8 options, uint48 closesAt
    );
    /// @notice A ballot was delivered here, and every count must hold it.
    event BallotDelivered(uint256 indexed pollId, address indexed voter, uint8 option);
    /// @notice A count was anchored; `ballotsURI` says where all ballots are found.
    event Counted(
        uint256 indexed pollId,
        address indexed counter,
        bytes32 root,
        uint32 ballots,
        uint256 tally,
        string ballotsURI
    );
    /// @notice A count was wrong.
    event CountStruck(uint256 indexed pollId, address indexed counter, string reason);

    /// @notice Opens a poll. Who has a vote of the membership now only.
    /// @param question hash of the question and its answers; not zero
    /// @param options 2 to 8
    /// @param period seconds, one hour to 60 days
    function open(bytes32 question, uint8 options, uint48 period) external returns (uint256 pollId);

    /// @notice Delivers a signed ballot here, for voters whom a counter might pass over. Anyone may call until the poll
    /// closes; a later one of the same voter replaces the earlier.
    function deliver(uint256 pollId, address voter, uint8 option, bytes calldata signature) external;

    /// @notice Anchors a count of a closed poll that has none. Who had a vote when the poll opened and has not been struck in
    /// this poll before. The last ballot shows that the sums are those of the tree; with no ballots, root and tally are zero
    /// and `last` is passed over.
    function count(
        uint256 pollId,
        bytes32 root,
        uint32 ballots,
        uint256 tally,
        Inclusion calldata last,
        string calldata ballotsURI
    ) external;

    /// @notice Strikes a count for one ballot: its answer does not exist, its voter had no vote, its signature is not the
    /// voter's, or it is the first and its sums are not its own. Anyone may call, in 7 days.
    /// @param signature the one whose hash the ballot carries
    function strikeBallot(uint256 pollId, Inclusion calldata ballot, bytes calldata signature) external;

    /// @notice Strikes a count for two neighbours: out of order, or the sums of the second are not those of the first and
    /// its own. Anyone may call, in 7 days.
    function strikeNeighbours(uint256 pollId, Inclusion calldata left, Inclusion calldata right) external;

    /// @notice Strikes a count that holds another ballot than the one that was delivered here. Anyone may call, in 7 days.
    function strikeReplaced(uint256 pollId, Inclusion calldata ballot) external;

    /// @notice Strikes a count that does not hold a ballot that was delivered here: `left` and `right` are the neighbours
    /// between which it would stand. Where it would be the first or the last, both are that neighbour; with no ballots both
    /// are passed over. Anyone may call, in 7 days.
    function strikeMissing(uint256 pollId, address voter, Inclusion calldata left, Inclusion calldata right)
        external;

    /// @notice The poll; all zero when there is none.
    function poll(uint256 pollId) external view returns (Poll memory);

    /// @notice What each answer got, and whether that can be struck no more.
    function result(uint256 pollId) external view returns (uint32[] memory votes, bool isFinal);

    /// @notice Whether this ballot is in the present count.
    function isCounted(uint256 pollId, Inclusion calldata ballot) external view returns (bool);

    /// @notice The answer that was delivered here for a voter.
    function delivered(uint256 pollId, address voter) external view returns (bool exists, uint8 option);

    /// @notice What a voter signs.
    function digestOf(uint256 pollId, address voter, uint8 option) external view returns (bytes32);

    /// @notice How many polls there ever were; the last one has this number.
    function pollCount() external view returns (uint256);
}
