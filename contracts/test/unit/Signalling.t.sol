// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {Signalling} from "../../src/governance/Signalling.sol";
import {CountedBallot, Inclusion, ISignalling} from "../../src/interfaces/ISignalling.sol";
import {Scene} from "../support/Scene.sol";

/// @notice A wallet that takes the signatures of its owner.
contract Wallet is IERC1271 {
    bool public agrees = true;

    function setAgrees(bool agrees_) external {
        agrees = agrees_;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4) {
        return agrees ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

contract SignallingTest is Scene {
    uint48 private constant PERIOD = 5 days;

    uint256 private pollId;
    /// @dev Five members and their keys, ascending by address.
    uint256[] private keys;

    /// @dev The ballots of a count and the signatures over them.
    CountedBallot[] private ballots;
    bytes[] private signatures;

    function setUp() public override {
        super.setUp();
        string[5] memory names = ["Ada", "Grace", "Emmy", "Lise", "Rosalind"];
        for (uint256 i; i < 5; ++i) {
            _join(names[i]);
            keys.push(makeKey(names[i]));
        }
        for (uint256 i; i < 5; ++i) {
            for (uint256 j = i; j > 0 && _voter(j) < _voter(j - 1); --j) {
                (keys[j], keys[j - 1]) = (keys[j - 1], keys[j]);
            }
        }
        vm.prank(_voter(0));
        pollId = signals.open("more wearables?", 3, PERIOD);
        vm.warp(START + 1);
    }

    // ---------------------------------------------------------------- counting off chain

    function _voter(uint256 index) private view returns (address) {
        return vm.addr(keys[index]);
    }

    function _vote(uint256 index, uint8 option) private {
        _add(_voter(index), option, _sign(keys[index], signals.digestOf(pollId, _voter(index), option)));
    }

    function _add(address voter, uint8 option, bytes memory signature) private {
        uint256 count = ballots.length;
        uint256 running = count == 0 ? 0 : ballots[count - 1].running;
        unchecked {
            // Also for counters who chose their sums so that they overflow.
            running += uint256(1) << (32 * uint256(option));
        }
        ballots.push(CountedBallot(uint32(count), voter, option, keccak256(signature), running));
        signatures.push(signature);
    }

    /// @dev Answers 0, 2, 2, 1, 2 of all five.
    function _all() private {
        uint8[5] memory options = [0, 2, 2, 1, 2];
        for (uint256 i; i < 5; ++i) {
            _vote(i, options[i]);
        }
    }

    function _leaf(CountedBallot memory b) private view returns (bytes32) {
        return keccak256(
            bytes.concat(
                keccak256(abi.encode(pollId, b.index, b.voter, b.option, b.signatureHash, b.running))
            )
        );
    }

    /// @dev All places of the tree, level by level, zeros where there is no ballot.
    function _tree() private view returns (bytes32[][] memory levels) {
        uint256 depth;
        while (uint256(1) << depth < ballots.length) ++depth;
        levels = new bytes32[][](depth + 1);
        levels[0] = new bytes32[](uint256(1) << depth);
        for (uint256 i; i < ballots.length; ++i) {
            levels[0][i] = _leaf(ballots[i]);
        }
        for (uint256 level = 1; level <= depth; ++level) {
            levels[level] = new bytes32[](levels[level - 1].length / 2);
            for (uint256 i; i < levels[level].length; ++i) {
                levels[level][i] =
                    keccak256(abi.encodePacked(levels[level - 1][2 * i], levels[level - 1][2 * i + 1]));
            }
        }
    }

    function _root() private view returns (bytes32) {
        bytes32[][] memory levels = _tree();
        return levels[levels.length - 1][0];
    }

    function _inclusion(uint256 index) private view returns (Inclusion memory inclusion) {
        bytes32[][] memory levels = _tree();
        inclusion.ballot = ballots[index];
        inclusion.proof = new bytes32[](levels.length - 1);
        for (uint256 level; level + 1 < levels.length; ++level) {
            inclusion.proof[level] = levels[level][(index >> level) ^ 1];
        }
    }

    function _count(address counter) private {
        vm.warp(START + PERIOD + 10);
        uint256 last = ballots.length - 1;
        bytes32 root = _root();
        Inclusion memory end = _inclusion(last);
        vm.prank(counter);
        signals.count(pollId, root, uint32(last + 1), ballots[last].running, end, "ipfs://ballots");
    }

    function _deliver(uint256 index, uint8 option) private {
        bytes memory signature = _sign(keys[index], signals.digestOf(pollId, _voter(index), option));
        signals.deliver(pollId, _voter(index), option, signature);
    }

    function _assertStruck() private view {
        assertEq(signals.poll(pollId).root, bytes32(0));
        assertEq(signals.poll(pollId).strikableUntil, 0);
        (uint32[] memory votes, bool isFinal) = signals.result(pollId);
        assertEq(votes[0] + votes[1] + votes[2], 0);
        assertFalse(isFinal);
    }

    function _nothingWrong() private {
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_NothingWrong.selector, pollId));
    }

    // ---------------------------------------------------------------- an honest count

    function test_a_right_count_stands_and_is_final_after_its_week() public {
        _all();
        _count(_voter(3));
        (uint32[] memory votes, bool isFinal) = signals.result(pollId);
        assertEq(votes.length, 3);
        assertEq(votes[0], 1);
        assertEq(votes[1], 1);
        assertEq(votes[2], 3);
        assertFalse(isFinal);
        for (uint256 i; i < 5; ++i) {
            assertTrue(signals.isCounted(pollId, _inclusion(i)));
            Inclusion memory inclusion = _inclusion(i);
            _nothingWrong();
            signals.strikeBallot(pollId, inclusion, signatures[i]);
            if (i != 0) {
                Inclusion memory before = _inclusion(i - 1);
                _nothingWrong();
                signals.strikeNeighbours(pollId, before, inclusion);
            }
            _nothingWrong();
            signals.strikeReplaced(pollId, inclusion);
        }
        vm.warp(block.timestamp + 7 days + 1);
        (, isFinal) = signals.result(pollId);
        assertTrue(isFinal);
        Inclusion memory first = _inclusion(0);
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_NotStrikable.selector, pollId));
        signals.strikeBallot(pollId, first, signatures[0]);
    }

    function testFuzz_any_number_of_ballots_is_counted_as_cast(uint8 count, uint8[5] memory options) public {
        count = uint8(bound(count, 1, 5));
        uint256[3] memory expected;
        for (uint256 i; i < count; ++i) {
            options[i] %= 3;
            expected[options[i]] += 1;
            _vote(i, options[i]);
        }
        _count(_voter(0));
        (uint32[] memory votes,) = signals.result(pollId);
        for (uint256 i; i < 3; ++i) {
            assertEq(votes[i], expected[i]);
        }
        for (uint256 i; i < count; ++i) {
            assertTrue(signals.isCounted(pollId, _inclusion(i)));
        }
    }

    function test_a_poll_that_nobody_answered_has_an_empty_count() public {
        vm.warp(START + PERIOD + 1);
        Inclusion memory none;
        vm.startPrank(_voter(0));
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_BadCount.selector, pollId));
        signals.count(pollId, "root", 0, 0, none, "");
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_BadCount.selector, pollId));
        signals.count(pollId, 0, 0, 1, none, "");
        signals.count(pollId, 0, 0, 0, none, "");
        vm.stopPrank();
        assertFalse(signals.isCounted(pollId, none));
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_AlreadyCounted.selector, pollId));
        signals.count(pollId, 0, 0, 0, none, "");
        vm.warp(block.timestamp + 8 days);
        (, bool isFinal) = signals.result(pollId);
        assertTrue(isFinal);
    }

    // ---------------------------------------------------------------- recounting

    function test_an_invented_signature_is_struck_and_its_counter_cannot_count_again() public {
        _vote(0, 1);
        _add(_voter(1), 1, "invented");
        _count(_voter(4));
        Inclusion memory bad = _inclusion(1);
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_OtherSignature.selector, pollId, 1));
        signals.strikeBallot(pollId, bad, "another");
        vm.expectEmit(address(signals));
        emit ISignalling.CountStruck(pollId, _voter(4), "not the voter's signature");
        vm.prank(stranger);
        signals.strikeBallot(pollId, bad, "invented");
        _assertStruck();

        Inclusion memory none;
        vm.prank(_voter(4));
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_NoVote.selector, _voter(4)));
        signals.count(pollId, 0, 0, 0, none, "");
        delete ballots;
        _vote(0, 1);
        _count(_voter(3));
        assertEq(signals.poll(pollId).ballots, 1);
    }

    function test_a_ballot_of_who_had_no_vote_is_struck() public {
        uint256 key = makeKey("stranger");
        _add(stranger, 1, _sign(key, signals.digestOf(pollId, stranger, 1)));
        _count(_voter(0));
        signals.strikeBallot(pollId, _inclusion(0), "");
        _assertStruck();
    }

    function test_an_answer_that_does_not_exist_is_struck() public {
        _vote(0, 3);
        _count(_voter(0));
        signals.strikeBallot(pollId, _inclusion(0), "");
        _assertStruck();
    }

    function test_a_first_ballot_that_begins_with_more_than_itself_is_struck() public {
        _vote(0, 1);
        ballots[0].running += 5;
        _vote(1, 1);
        _count(_voter(0));
        signals.strikeBallot(pollId, _inclusion(0), "");
        _assertStruck();
    }

    function test_a_sum_that_jumps_is_struck() public {
        _vote(0, 1);
        _vote(1, 1);
        ballots[1].running += uint256(7) << 64;
        _vote(2, 0);
        _count(_voter(0));
        signals.strikeNeighbours(pollId, _inclusion(0), _inclusion(1));
        _assertStruck();
    }

    function test_a_sum_that_overflows_is_struck_too() public {
        _vote(0, 1);
        ballots[0].running = type(uint256).max;
        _add(_voter(1), 9, "");
        _vote(2, 0);
        _count2();
        signals.strikeNeighbours(pollId, _inclusion(1), _inclusion(2));
        _assertStruck();
    }

    /// @dev With a last ballot that begins anew.
    function _count2() private {
        ballots[2].running = 1;
        _count(_voter(0));
    }

    function test_who_is_counted_twice_or_out_of_order_is_struck() public {
        _vote(1, 1);
        _vote(1, 1);
        _count(_voter(0));
        signals.strikeNeighbours(pollId, _inclusion(0), _inclusion(1));
        _assertStruck();
        delete ballots;
        _vote(2, 1);
        _vote(1, 1);
        _count(_voter(1));
        signals.strikeNeighbours(pollId, _inclusion(0), _inclusion(1));
        _assertStruck();
    }

    function test_only_neighbours_in_the_count_can_be_held_against_it() public {
        _all();
        _count(_voter(0));
        Inclusion memory first = _inclusion(0);
        Inclusion memory third = _inclusion(2);
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_NotNeighbours.selector, 0, 2));
        signals.strikeNeighbours(pollId, first, third);
        first.ballot.option = 2;
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_NotCounted.selector, pollId, 0));
        signals.strikeBallot(pollId, first, "");
        // The empty places behind the last ballot are no ballots.
        third.ballot.index = 5;
        assertFalse(signals.isCounted(pollId, third));
        third = _inclusion(2);
        third.proof = new bytes32[](2);
        assertFalse(signals.isCounted(pollId, third));
    }

    function test_a_wallet_that_signs_by_contract_is_heard_and_asked_again() public {
        Wallet wallet = new Wallet();
        vm.prank(_voter(4));
        membership.delegate(address(wallet));
        vm.warp(START + 2);
        vm.prank(address(wallet));
        pollId = signals.open("and now?", 2, PERIOD);
        vm.warp(START + 3);
        signals.deliver(pollId, address(wallet), 1, "by contract");
        _add(address(wallet), 1, "by contract");
        _count(address(wallet));
        Inclusion memory only = _inclusion(0);
        _nothingWrong();
        signals.strikeBallot(pollId, only, "by contract");
        wallet.setAgrees(false);
        signals.strikeBallot(pollId, only, "by contract");
        assertEq(signals.poll(pollId).ballots, 0);
    }

    // ---------------------------------------------------------------- ballots that a counter passes over

    function test_a_delivered_ballot_that_is_missing_is_struck_wherever_it_would_stand() public {
        uint256[3] memory missing = [uint256(0), 2, 4];
        for (uint256 i; i < 3; ++i) {
            _deliver(missing[i], 1);
        }
        for (uint256 round; round < 3; ++round) {
            delete ballots;
            for (uint256 i; i < 5; ++i) {
                if (i != missing[round]) _vote(i, 1);
            }
            _count(_voter(round));
            // Nobody is missing in a place where somebody else stands.
            Inclusion memory a = _inclusion(0);
            Inclusion memory b = _inclusion(1);
            if (round == 2) {
                _nothingWrong();
                signals.strikeMissing(pollId, _voter(4), a, b);
                _nothingWrong();
                signals.strikeMissing(pollId, _voter(4), a, a);
                (a, b) = (_inclusion(3), _inclusion(3));
            } else if (round == 1) {
                (a, b) = (_inclusion(1), _inclusion(2));
            } else {
                _nothingWrong();
                signals.strikeMissing(pollId, _voter(0), a, b);
                b = a;
            }
            signals.strikeMissing(pollId, _voter(missing[round]), a, b);
            _assertStruck();
        }
    }

    function test_who_is_counted_or_delivered_nothing_is_not_missing() public {
        _deliver(2, 2);
        _all();
        _count(_voter(0));
        Inclusion memory own = _inclusion(2);
        Inclusion memory next = _inclusion(3);
        _nothingWrong();
        signals.strikeMissing(pollId, _voter(2), own, own);
        _nothingWrong();
        signals.strikeMissing(pollId, _voter(2), own, next);
        _nothingWrong();
        signals.strikeMissing(pollId, _voter(1), own, next);
        _nothingWrong();
        signals.strikeReplaced(pollId, own);
        (bool exists, uint8 option) = signals.delivered(pollId, _voter(2));
        assertTrue(exists);
        assertEq(option, 2);
        (exists,) = signals.delivered(pollId, _voter(1));
        assertFalse(exists);
    }

    function test_an_empty_count_is_struck_by_any_delivered_ballot() public {
        _deliver(2, 2);
        vm.warp(START + PERIOD + 1);
        Inclusion memory none;
        vm.prank(_voter(0));
        signals.count(pollId, 0, 0, 0, none, "");
        signals.strikeMissing(pollId, _voter(2), none, none);
        _assertStruck();
    }

    function test_another_ballot_than_the_delivered_one_is_struck() public {
        _deliver(1, 0);
        _deliver(1, 2);
        _vote(1, 0);
        _count(_voter(0));
        signals.strikeReplaced(pollId, _inclusion(0));
        _assertStruck();
    }

    // ---------------------------------------------------------------- refusals

    function _refuseDelivery(address voter, uint8 option, bytes memory signature, bytes memory reason)
        private
    {
        vm.expectRevert(reason);
        signals.deliver(pollId, voter, option, signature);
    }

    function test_a_ballot_counts_on_this_chain_in_this_contract_and_this_poll_only() public {
        address voter = _voter(0);
        bytes memory refusal = abi.encodeWithSelector(Errors.Signed_BadSignature.selector, voter);
        bytes memory other = _sign(keys[0], signals.digestOf(pollId + 1, voter, 1));
        _refuseDelivery(voter, 1, other, refusal);
        Signalling twin = new Signalling(IVotes(address(membership)));
        _refuseDelivery(voter, 1, _sign(keys[0], twin.digestOf(pollId, voter, 1)), refusal);
        bytes memory good = _sign(keys[0], signals.digestOf(pollId, voter, 1));
        _refuseDelivery(voter, 2, good, refusal);
        uint256 chain = block.chainid;
        vm.chainId(chain + 1);
        _refuseDelivery(voter, 1, good, refusal);
        vm.chainId(chain);
        _refuseDelivery(voter, 1, _highS(keys[0], signals.digestOf(pollId, voter, 1)), refusal);
        signals.deliver(pollId, voter, 1, good);
    }

    /// @dev The same signature with the other s.
    function _highS(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        uint256 order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, bytes32(order - uint256(s)), v == 27 ? uint8(28) : uint8(27));
    }

    function test_a_voter_signs_typed_data() public view {
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Ballot(uint256 pollId,address voter,uint8 option)"), pollId, stranger, uint8(1)
            )
        );
        assertEq(
            signals.digestOf(pollId, stranger, 1), _typed("Caduceus Signalling", address(signals), structHash)
        );
    }

    function test_a_ballot_is_delivered_in_time_for_an_answer_by_who_has_a_vote() public {
        _refuseDelivery(_voter(0), 3, "", abi.encodeWithSelector(Errors.Signalling_BadOption.selector, 3, 3));
        _refuseDelivery(stranger, 1, "", abi.encodeWithSelector(Errors.Signalling_NoVote.selector, stranger));
        vm.prank(_voter(0));
        uint256 second = signals.open("q", 2, PERIOD);
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_NoVote.selector, _voter(0)));
        signals.deliver(second, _voter(0), 1, "");
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_Closed.selector, 99));
        signals.deliver(99, _voter(0), 1, "");
        vm.warp(START + PERIOD + 1);
        _refuseDelivery(_voter(0), 1, "", abi.encodeWithSelector(Errors.Signalling_Closed.selector, pollId));
    }

    function test_only_who_had_a_vote_counts_and_only_a_closed_poll() public {
        Inclusion memory none;
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_NotClosed.selector, pollId));
        signals.count(pollId, 0, 0, 0, none, "");
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_NotClosed.selector, 99));
        signals.count(99, 0, 0, 0, none, "");
        vm.warp(START + PERIOD + 1);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_NoVote.selector, stranger));
        signals.count(pollId, 0, 0, 0, none, "");
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_NotStrikable.selector, pollId));
        signals.strikeMissing(pollId, _voter(0), none, none);
    }

    function test_the_last_ballot_shows_the_sums_and_the_number() public {
        _all();
        vm.warp(START + PERIOD + 1);
        bytes32 root = _root();
        Inclusion memory last = _inclusion(4);
        Inclusion memory before = _inclusion(3);
        uint256 tally = ballots[4].running;
        bytes memory refusal = abi.encodeWithSelector(Errors.Signalling_BadCount.selector, pollId);
        vm.startPrank(_voter(0));
        vm.expectRevert(refusal);
        signals.count(pollId, root, 5, tally + 1, last, "");
        vm.expectRevert(refusal);
        signals.count(pollId, root, 5, ballots[3].running, before, "");
        vm.expectRevert(refusal);
        signals.count(pollId, "root", 5, tally, last, "");
        vm.expectRevert(refusal);
        signals.count(pollId, root, 6, tally, last, "");
        vm.stopPrank();
    }

    function _refusePoll(bytes32 question, uint8 options, uint48 period, string memory part) private {
        vm.prank(_voter(0));
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_BadPoll.selector, part));
        signals.open(question, options, period);
    }

    function test_a_poll_has_a_question_two_to_eight_answers_and_an_end() public {
        _refusePoll(0, 2, PERIOD, "question");
        _refusePoll("q", 1, PERIOD, "options");
        _refusePoll("q", 9, PERIOD, "options");
        _refusePoll("q", 8, 1 hours - 1, "period");
        _refusePoll("q", 8, 60 days + 1, "period");
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Errors.Signalling_NoVote.selector, stranger));
        signals.open("q", 2, PERIOD);
        assertEq(signals.pollCount(), 1);
        assertEq(signals.poll(1).question, bytes32("more wearables?"));
    }
}
