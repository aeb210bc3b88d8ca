// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Purposes, Scopes} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {TestUSDC} from "../../src/development/TestUSDC.sol";
import {Auction, AuctionKinds, Lot} from "../../src/interfaces/IDatasetAuction.sol";
import {DatasetAuction} from "../../src/market/DatasetAuction.sol";
import {LicenceMarket} from "../../src/market/LicenceMarket.sol";
import {FreezableUSDC} from "../support/FreezableUSDC.sol";
import {Trading} from "../support/Trading.sol";

contract DatasetAuctionTest is Trading {
    uint96 private constant RESERVE = 1_000e6;
    uint64 private constant ENDS = START + 5 days;
    uint64 private constant REVEALED = ENDS + 2 days;

    address private immutable other = makeAddr("other");
    address private immutable third = makeAddr("third");
    uint256 private german;

    function _createUSDC() internal override returns (TestUSDC) {
        return new FreezableUSDC(deployer);
    }

    function setUp() public override {
        super.setUp();
        german = _pooled(berlin);
        _register(other, 2, "DE", 0);
        _register(third, 2, "FR", 0);
        address[4] memory bidders = [researcher, other, third, barred];
        for (uint256 i; i < bidders.length; ++i) {
            _fund(bidders[i], address(auctions), 100_000e6);
        }
    }

    function _lot(uint8 kind) private view returns (Lot memory) {
        return Lot({
            datasetId: german,
            kind: kind,
            purpose: Purposes.HMB,
            uses: 1,
            term: 30 days,
            biddingEnds: ENDS,
            revealEnds: kind == AuctionKinds.SEALED ? REVEALED : 0,
            reserve: RESERVE
        });
    }

    function _called(uint8 kind) private returns (uint256) {
        vm.prank(berlin);
        return auctions.call(_lot(kind));
    }

    function _bid(address bidder, uint256 id, uint96 amount) private {
        vm.prank(bidder);
        auctions.bid(id, amount, _noPermit());
    }

    function _seal(address bidder, uint256 id, uint96 amount, uint96 deposit) private {
        bytes32 commitment = auctions.commitmentOf(id, bidder, amount, "salt");
        vm.prank(bidder);
        auctions.seal(id, commitment, deposit, _noPermit());
    }

    function _reveal(address bidder, uint256 id, uint96 amount) private {
        vm.prank(stranger);
        auctions.reveal(id, bidder, amount, "salt");
    }

    function _assertRefused(address who, bytes memory data_, bytes memory refusal) private {
        _assertReverts(who, address(auctions), data_, refusal);
    }

    function _spent(address bidder) private view returns (uint256) {
        return 100_000e6 - usdc.balanceOf(bidder);
    }

    function _assertCovered() private view {
        _assertHolds(address(auctions), auctions.owed());
    }

    // ---------------------------------------------------------------- English

    function test_the_highest_open_bid_wins_a_single_use_pass_and_the_rest_goes_back() public {
        uint256 id = _called(AuctionKinds.ENGLISH);
        _bid(researcher, id, RESERVE);
        _bid(other, id, 1_050e6);
        assertEq(_spent(researcher), 0);
        assertEq(auctions.owed(), 1_050e6);
        _bid(researcher, id, 2_000e6);
        vm.warp(ENDS + 1);
        uint256 passId = auctions.settle(id);
        assertEq(passes.ownerOf(passId), researcher);
        assertEq(passes.pass(passId).usesLeft, 1);
        assertEq(passes.pass(passId).expiry, ENDS + 1 + 30 days);
        assertEq(_spent(researcher), 2_000e6);
        assertEq(_spent(other), 0);
        assertEq(auctions.owed(), 0);
        _assertCovered();
        // The price was divided as any other revenue of the dataset.
        assertEq(splitter.owed(address(treasury)), 200e6);
        assertEq(splitter.totalOwed() + splitter.buybackReserve() + pool.owed() + claims.owed(), 2_000e6);
        // The pass burns when its one use is answered.
        uint256 jobId = _ask(researcher, passId, _ids(german));
        _answer(berlin, jobId);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.LicencePass_Unknown.selector, passId));
        passes.pass(passId);
    }

    function test_a_bid_below_the_reserve_or_the_increment_is_refused() public {
        uint256 id = _called(AuctionKinds.ENGLISH);
        bytes4 low = MarketErrors.DatasetAuction_BidTooLow.selector;
        _assertRefused(
            researcher,
            abi.encodeCall(DatasetAuction.bid, (id, RESERVE - 1, _noPermit())),
            abi.encodeWithSelector(low, id, RESERVE - 1, RESERVE)
        );
        _bid(researcher, id, RESERVE + 1);
        _assertRefused(
            other,
            abi.encodeCall(DatasetAuction.bid, (id, 1_050e6 + 1, _noPermit())),
            abi.encodeWithSelector(low, id, 1_050e6 + 1, 1_050e6 + 2)
        );
        _bid(other, id, 1_050e6 + 2);
    }

    function test_a_bid_near_the_end_extends_the_auction_but_by_a_day_at_most() public {
        uint256 id = _called(AuctionKinds.ENGLISH);
        uint96 amount = RESERVE;
        vm.warp(ENDS - 10 minutes);
        _bid(researcher, id, amount);
        assertEq(auctions.auction(id).ends, ENDS);
        for (uint256 i; i < 144; ++i) {
            vm.warp(auctions.auction(id).ends);
            amount = amount * 105 / 100 + 1;
            _giveUSDC(researcher, amount);
            _bid(researcher, id, amount);
            if (auctions.auction(id).ends == ENDS + 1 days) break;
        }
        assertEq(auctions.auction(id).ends, ENDS + 1 days);
        vm.warp(ENDS + 1 days);
        _giveUSDC(researcher, amount * 2);
        _bid(researcher, id, amount * 2);
        assertEq(auctions.auction(id).ends, ENDS + 1 days);
        vm.warp(ENDS + 1 days + 1);
        _assertRefused(
            other,
            abi.encodeCall(DatasetAuction.bid, (id, amount * 4, _noPermit())),
            abi.encodeWithSelector(MarketErrors.DatasetAuction_NotNow.selector, id, ENDS + 1 days)
        );
    }

    function test_a_frozen_bidder_does_not_stop_the_others() public {
        uint256 id = _called(AuctionKinds.ENGLISH);
        _bid(researcher, id, RESERVE);
        FreezableUSDC(address(usdc)).setFrozen(researcher, true);
        _bid(other, id, 2 * RESERVE);
        assertEq(auctions.due(researcher), RESERVE);
        _assertCovered();
        FreezableUSDC(address(usdc)).setFrozen(researcher, false);
        auctions.withdrawDue(researcher);
        assertEq(_spent(researcher), 0);
    }

    function test_an_auction_without_bids_just_ends() public {
        uint256 id = _called(AuctionKinds.ENGLISH);
        vm.warp(ENDS + 1);
        assertEq(auctions.settle(id), 0);
        assertTrue(auctions.auction(id).closed);
        _assertRefused(
            stranger,
            abi.encodeCall(DatasetAuction.settle, (id)),
            abi.encodeWithSelector(MarketErrors.DatasetAuction_Closed.selector, id)
        );
        _assertRefused(
            stranger,
            abi.encodeCall(DatasetAuction.cancel, (99)),
            abi.encodeWithSelector(MarketErrors.DatasetAuction_Closed.selector, 99)
        );
    }

    // ---------------------------------------------------------------- sealed

    function test_the_highest_sealed_bid_wins_and_pays_the_second() public {
        uint256 id = _called(AuctionKinds.SEALED);
        _seal(researcher, id, 3_000e6, 10_000e6);
        _seal(other, id, 2_000e6, 5_000e6);
        _seal(third, id, 2_500e6, 2_500e6);
        assertEq(auctions.owed(), 17_500e6);
        vm.warp(ENDS + 1);
        _reveal(other, id, 2_000e6);
        _reveal(researcher, id, 3_000e6);
        _reveal(third, id, 2_500e6);
        // Those who do not lead have everything back by now.
        assertEq(_spent(other), 0);
        assertEq(_spent(third), 0);
        Auction memory a = auctions.auction(id);
        assertEq(a.leader, researcher);
        assertEq(a.price, 2_500e6);
        vm.warp(REVEALED + 1);
        uint256 passId = auctions.settle(id);
        assertEq(passes.ownerOf(passId), researcher);
        assertEq(_spent(researcher), 2_500e6);
        assertEq(auctions.owed(), 0);
        _assertCovered();
    }

    function test_a_single_sealed_bid_pays_the_reserve() public {
        uint256 id = _called(AuctionKinds.SEALED);
        _seal(researcher, id, 3_000e6, 3_000e6);
        vm.warp(REVEALED);
        _reveal(researcher, id, 3_000e6);
        vm.warp(REVEALED + 1);
        auctions.settle(id);
        assertEq(_spent(researcher), RESERVE);
    }

    function test_a_tie_goes_to_the_earlier_bid_in_whatever_order_they_are_revealed() public {
        for (uint256 order; order < 2; ++order) {
            uint256 id = _called(AuctionKinds.SEALED);
            _seal(researcher, id, 2_000e6, 2_000e6);
            _seal(other, id, 2_000e6, 3_000e6);
            vm.warp(ENDS + 1);
            (address first, address second) = order == 0 ? (researcher, other) : (other, researcher);
            _reveal(first, id, 2_000e6);
            _reveal(second, id, 2_000e6);
            assertEq(auctions.auction(id).leader, researcher);
            assertEq(auctions.auction(id).price, 2_000e6);
            vm.warp(REVEALED + 1);
            auctions.settle(id);
            assertEq(_spent(other), 0);
            assertEq(_spent(researcher), (order + 1) * 2_000e6);
            vm.warp(START);
        }
    }

    function test_a_bid_that_is_not_revealed_loses_a_tenth_of_the_reserve_and_no_more() public {
        uint256 id = _called(AuctionKinds.SEALED);
        _seal(researcher, id, 3_000e6, 3_000e6);
        _seal(other, id, 90_000e6, 90_000e6);
        vm.warp(REVEALED);
        _reveal(researcher, id, 3_000e6);
        bytes memory data_ = abi.encodeCall(DatasetAuction.forfeit, (id, other));
        _assertRefused(
            stranger, data_, abi.encodeWithSelector(MarketErrors.DatasetAuction_NotNow.selector, id, REVEALED)
        );
        vm.warp(REVEALED + 1);
        vm.prank(stranger);
        auctions.forfeit(id, other);
        assertEq(_spent(other), 100e6);
        assertEq(usdc.balanceOf(address(treasury)), 100e6);
        bytes memory none = abi.encodeWithSelector(MarketErrors.DatasetAuction_NoBid.selector, id, other);
        _assertRefused(stranger, data_, none);
        none = abi.encodeWithSelector(MarketErrors.DatasetAuction_NoBid.selector, id, third);
        _assertRefused(stranger, abi.encodeCall(DatasetAuction.forfeit, (id, third)), none);
        auctions.settle(id);
        _assertCovered();
    }

    function test_a_bid_below_the_reserve_goes_back_and_does_not_win() public {
        uint256 id = _called(AuctionKinds.SEALED);
        _seal(researcher, id, RESERVE - 1, RESERVE);
        vm.warp(ENDS + 1);
        _reveal(researcher, id, RESERVE - 1);
        assertEq(_spent(researcher), 0);
        vm.warp(REVEALED + 1);
        assertEq(auctions.settle(id), 0);
    }

    function test_a_commitment_is_worth_nothing_to_anyone_else_elsewhere_or_with_another_bid() public {
        uint256 id = _called(AuctionKinds.SEALED);
        _seal(researcher, id, 2_000e6, 3_000e6);
        // A copy of what somebody else sealed cannot be revealed by who copied it.
        bytes32 commitment = auctions.commitmentOf(id, researcher, 2_000e6, "salt");
        vm.prank(other);
        auctions.seal(id, commitment, 3_000e6, _noPermit());
        // A bid above its deposit is sealed, but was never covered.
        _seal(third, id, 3_000e6, 2_000e6);
        vm.warp(ENDS + 1);
        bytes4 bad = MarketErrors.DatasetAuction_BadCommitment.selector;
        _assertRefused(
            other,
            abi.encodeCall(DatasetAuction.reveal, (id, other, 2_000e6, "salt")),
            abi.encodeWithSelector(bad, id, other)
        );
        _assertRefused(
            researcher,
            abi.encodeCall(DatasetAuction.reveal, (id, researcher, 2_001e6, "salt")),
            abi.encodeWithSelector(bad, id, researcher)
        );
        _assertRefused(
            third,
            abi.encodeCall(DatasetAuction.reveal, (id, third, 3_000e6, "salt")),
            abi.encodeWithSelector(bad, id, third)
        );
        bytes32 here = auctions.commitmentOf(id, researcher, 2_000e6, "salt");
        vm.chainId(1);
        assertTrue(here != auctions.commitmentOf(id, researcher, 2_000e6, "salt"));
        vm.chainId(31337);
        // Whoever saw the reveal coming can only do it first.
        vm.prank(barred);
        auctions.reveal(id, researcher, 2_000e6, "salt");
        assertEq(auctions.auction(id).leader, researcher);
        _assertRefused(
            researcher,
            abi.encodeCall(DatasetAuction.reveal, (id, researcher, 2_000e6, "salt")),
            abi.encodeWithSelector(MarketErrors.DatasetAuction_NoBid.selector, id, researcher)
        );
    }

    function test_sealed_bids_are_made_once_in_time_and_cover_the_reserve() public {
        uint256 id = _called(AuctionKinds.SEALED);
        _assertRefused(
            researcher,
            abi.encodeCall(DatasetAuction.seal, (id, "c", RESERVE - 1, _noPermit())),
            abi.encodeWithSelector(MarketErrors.DatasetAuction_BidTooLow.selector, id, RESERVE - 1, RESERVE)
        );
        _assertRefused(
            researcher,
            abi.encodeCall(DatasetAuction.seal, (id, 0, RESERVE, _noPermit())),
            abi.encodeWithSelector(MarketErrors.DatasetAuction_BadCommitment.selector, id, researcher)
        );
        _seal(researcher, id, RESERVE, RESERVE);
        assertEq(auctions.sealedBid(id, researcher).number, 1);
        _assertRefused(
            researcher,
            abi.encodeCall(DatasetAuction.seal, (id, "c", RESERVE, _noPermit())),
            abi.encodeWithSelector(MarketErrors.DatasetAuction_BidBefore.selector, id, researcher)
        );
        bytes memory reveal = abi.encodeCall(DatasetAuction.reveal, (id, researcher, RESERVE, "salt"));
        bytes memory notNow =
            abi.encodeWithSelector(MarketErrors.DatasetAuction_NotNow.selector, id, REVEALED);
        vm.warp(ENDS);
        _assertRefused(researcher, reveal, notNow);
        vm.warp(REVEALED + 1);
        _assertRefused(researcher, reveal, notNow);
        _assertRefused(
            researcher,
            abi.encodeCall(DatasetAuction.bid, (id, RESERVE, _noPermit())),
            abi.encodeWithSelector(MarketErrors.DatasetAuction_WrongKind.selector, id, AuctionKinds.SEALED)
        );
    }

    function testFuzz_the_winner_of_a_sealed_auction_pays_the_second_price(
        uint96 a,
        uint96 b,
        uint96 c,
        uint8 order
    ) public {
        uint96[3] memory bids;
        bids[0] = uint96(bound(a, 1, 90_000e6));
        bids[1] = uint96(bound(b, 1, 90_000e6));
        bids[2] = uint96(bound(c, 1, 90_000e6));
        address[3] memory who = [researcher, other, third];
        uint256 id = _called(AuctionKinds.SEALED);
        for (uint256 i; i < 3; ++i) {
            _seal(who[i], id, bids[i], bids[i] < RESERVE ? RESERVE : bids[i]);
        }
        vm.warp(ENDS + 1);
        for (uint256 i; i < 3; ++i) {
            _reveal(who[(i + order % 3) % 3], id, bids[(i + order % 3) % 3]);
        }
        // The winner and the price, found by sorting.
        uint256 best = 3;
        uint256 second = RESERVE;
        for (uint256 i; i < 3; ++i) {
            if (bids[i] >= RESERVE && (best == 3 || bids[i] > bids[best])) best = i;
        }
        for (uint256 i; i < 3; ++i) {
            if (i != best && bids[i] > second) second = bids[i];
        }
        vm.warp(REVEALED + 1);
        auctions.settle(id);
        for (uint256 i; i < 3; ++i) {
            assertEq(_spent(who[i]), i == best ? second : 0);
        }
        assertEq(auctions.owed(), 0);
        _assertCovered();
    }

    // ---------------------------------------------------------------- what stands in the way of a sale

    function test_who_may_not_use_the_data_may_not_bid() public {
        bytes memory blocked = abi.encodeWithSelector(Errors.Blocked.selector, "GDPR Art. 44");
        uint256 open = _called(AuctionKinds.ENGLISH);
        uint256 closed = _called(AuctionKinds.SEALED);
        _assertRefused(barred, abi.encodeCall(DatasetAuction.bid, (open, RESERVE, _noPermit())), blocked);
        _assertRefused(
            barred, abi.encodeCall(DatasetAuction.seal, (closed, "c", RESERVE, _noPermit())), blocked
        );
    }

    function test_a_winner_who_lost_standing_is_paid_back_after_a_week() public {
        uint256 id = _called(AuctionKinds.SEALED);
        _seal(researcher, id, 2_000e6, 3_000e6);
        vm.warp(ENDS + 1);
        _reveal(researcher, id, 2_000e6);
        _suspend(researcher);
        vm.warp(REVEALED + 1);
        _assertRefused(
            stranger,
            abi.encodeCall(DatasetAuction.settle, (id)),
            abi.encodeWithSelector(Errors.Blocked.selector, "suspended")
        );
        uint64 later = REVEALED + 7 days;
        bytes memory data_ = abi.encodeCall(DatasetAuction.cancel, (id));
        vm.warp(later);
        _assertRefused(
            stranger, data_, abi.encodeWithSelector(MarketErrors.DatasetAuction_NotNow.selector, id, later)
        );
        vm.warp(later + 1);
        _pause(Scopes.ALL);
        vm.prank(stranger);
        auctions.cancel(id);
        assertEq(_spent(researcher), 0);
        _assertCovered();
    }

    function test_a_dataset_that_leaves_is_neither_called_nor_sold_and_bids_go_back() public {
        uint256 id = _called(AuctionKinds.ENGLISH);
        _bid(researcher, id, RESERVE);
        _announce(berlin, german);
        bytes memory gone = abi.encodeWithSelector(MarketErrors.DatasetAuction_NotLive.selector, german);
        _assertRefused(other, abi.encodeCall(DatasetAuction.bid, (id, 2 * RESERVE, _noPermit())), gone);
        _assertRefused(berlin, abi.encodeCall(DatasetAuction.call, (_lot(1))), gone);
        vm.warp(ENDS + 1);
        _assertRefused(
            stranger,
            abi.encodeCall(DatasetAuction.settle, (id)),
            abi.encodeWithSelector(MarketErrors.LicenceMarket_NotLive.selector, german)
        );
        vm.warp(ENDS + 7 days + 1);
        auctions.cancel(id);
        assertEq(_spent(researcher), 0);
    }

    function test_a_pause_stops_calling_and_bidding() public {
        uint256 id = _called(AuctionKinds.ENGLISH);
        _pause(Scopes.TRADING);
        bytes memory paused =
            abi.encodeWithSelector(Errors.CircuitBreaker_Paused.selector, Scopes.TRADING, START + 7 days);
        _assertRefused(berlin, abi.encodeCall(DatasetAuction.call, (_lot(1))), paused);
        _assertRefused(researcher, abi.encodeCall(DatasetAuction.bid, (id, RESERVE, _noPermit())), paused);
    }

    function test_only_the_custodian_in_good_standing_calls_an_auction() public {
        _assertRefused(
            boston,
            abi.encodeCall(DatasetAuction.call, (_lot(1))),
            abi.encodeWithSelector(MarketErrors.DatasetAuction_NotCustodian.selector, german, boston)
        );
        _suspend(berlin);
        _assertRefused(
            berlin,
            abi.encodeCall(DatasetAuction.call, (_lot(1))),
            abi.encodeWithSelector(
                MarketErrors.DatasetAuction_NotInGoodStanding.selector, berlin, "suspended"
            )
        );
    }

    function _assertBadLot(Lot memory lot, string memory part) private {
        _assertRefused(
            berlin,
            abi.encodeCall(DatasetAuction.call, (lot)),
            abi.encodeWithSelector(MarketErrors.DatasetAuction_BadLot.selector, part)
        );
    }

    function test_lots_out_of_bounds_are_refused() public {
        Lot memory lot = _lot(AuctionKinds.ENGLISH);
        lot.biddingEnds = START + 1 hours - 1;
        _assertBadLot(lot, "biddingEnds");
        lot.biddingEnds = START + 30 days + 1;
        _assertBadLot(lot, "biddingEnds");
        lot = _lot(AuctionKinds.ENGLISH);
        lot.revealEnds = REVEALED;
        _assertBadLot(lot, "revealEnds");
        lot = _lot(AuctionKinds.SEALED);
        lot.revealEnds = ENDS + 1 hours - 1;
        _assertBadLot(lot, "revealEnds");
        lot.revealEnds = ENDS + 7 days + 1;
        _assertBadLot(lot, "revealEnds");
        lot = _lot(3);
        _assertBadLot(lot, "kind");
        lot = _lot(AuctionKinds.ENGLISH);
        lot.uses = 0;
        _assertBadLot(lot, "uses");
        lot.uses = 1;
        lot.term = 1 days - 1;
        _assertBadLot(lot, "term");
        lot.term = 3650 days + 1;
        _assertBadLot(lot, "term");
        lot.term = 1 days;
        lot.reserve = 0;
        _assertBadLot(lot, "reserve");
        assertEq(auctions.auctionCount(), 0);
    }

    // ---------------------------------------------------------------- the market's hooks

    function test_only_sellers_issue_and_remit() public {
        _assertReverts(
            stranger,
            address(market),
            abi.encodeCall(LicenceMarket.issue, (researcher, 1, FOREVER, 1, _ids(german))),
            abi.encodeWithSignature("AccessManagedUnauthorized(address)", stranger)
        );
        _assertReverts(
            stranger,
            address(market),
            abi.encodeCall(LicenceMarket.remit, (0, _ids(german), _ids(1))),
            abi.encodeWithSignature("AccessManagedUnauthorized(address)", stranger)
        );
    }

    function test_a_seller_cannot_issue_what_the_market_would_not_sell() public {
        address seller = address(auctions);
        address m = address(market);
        bytes memory data_ = abi.encodeCall(LicenceMarket.issue, (researcher, 2, START, 1, _ids(german)));
        _assertReverts(
            seller, m, data_, abi.encodeWithSelector(MarketErrors.LicenceMarket_BadTerm.selector, START)
        );
        data_ = abi.encodeCall(LicenceMarket.issue, (researcher, 2, START + 3650 days + 1, 1, _ids(german)));
        _assertReverts(
            seller,
            m,
            data_,
            abi.encodeWithSelector(MarketErrors.LicenceMarket_BadTerm.selector, START + 3650 days + 1)
        );
        data_ = abi.encodeCall(LicenceMarket.issue, (barred, 2, ENDS, 1, _ids(german)));
        _assertReverts(seller, m, data_, abi.encodeWithSelector(Errors.Blocked.selector, "GDPR Art. 44"));
        data_ = abi.encodeCall(LicenceMarket.issue, (researcher, 2, ENDS, 0, _ids(german)));
        _assertReverts(seller, m, data_, abi.encodeWithSelector(MarketErrors.LicenceMarket_NoUses.selector));
        _pause(Scopes.TRADING);
        data_ = abi.encodeCall(LicenceMarket.issue, (researcher, 2, ENDS, 1, _ids(german)));
        _assertReverts(
            seller,
            m,
            data_,
            abi.encodeWithSelector(Errors.CircuitBreaker_Paused.selector, Scopes.TRADING, START + 7 days)
        );
    }
}
