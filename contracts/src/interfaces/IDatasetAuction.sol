// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Permit} from "../common/Payments.sol";

/// @title AuctionKinds
/// @notice How bids are made.
library AuctionKinds {
    /// @notice Open and ascending; the winner pays the own bid.
    uint8 internal constant ENGLISH = 1;
    /// @notice Sealed, then revealed; the winner pays the second bid, or the reserve.
    uint8 internal constant SEALED = 2;
}

/// @notice What is for sale.
struct Lot {
    uint256 datasetId;
    /// one of `AuctionKinds`
    uint8 kind;
    /// one of `Purposes`
    uint8 purpose;
    /// questions that the winner can ask; 1 for a pass that burns on its use
    uint32 uses;
    /// seconds that the licence lasts from the settlement
    uint64 term;
    /// unix seconds, the last moment of bidding
    uint64 biddingEnds;
    /// unix seconds, the last moment of revealing; for sealed bids only, else zero
    uint64 revealEnds;
    /// the least price, 1e6 USDC units, not zero
    uint96 reserve;
}

/// @notice An auction.
struct Auction {
    Lot lot;
    /// who has the highest bid, zero when nobody
    address leader;
    /// the highest bid, 1e6 USDC units
    uint96 highest;
    /// what the leader would pay, 1e6 USDC units
    uint96 price;
    /// sealed bids that were made; the earlier one wins a tie
    uint32 bids;
    /// the leader's number among them
    uint32 leaderBid;
    /// whether it was settled or cancelled
    bool closed;
    /// English: the last moment of bidding after extensions, unix seconds
    uint64 ends;
}

/// @notice A sealed bid.
struct SealedBid {
    bytes32 commitment;
    /// 1e6 USDC units; at least the bid inside
    uint96 deposit;
    /// its number, from 1 on
    uint32 number;
    bool revealed;
}

/// @title IDatasetAuction
/// @notice Auctions of licences for rare data, called by the dataset's custodian.
/// @dev Who bids must be allowed the use when bidding, and again when the auction is settled. Bids that are outbid go back
/// at once. An English auction is extended to ten minutes after its last bid, by a day at most. What is won is paid as
/// revenue of the dataset through the splitter. Calling and bidding can be paused; revealing, refunds and forfeits cannot.
/// When the licence cannot be issued until seven days after the end (the pause, the rules, the dataset's withdrawal),
/// anyone cancels and the leader is paid back.
/// A sealed bid that is not revealed loses 10 % of the reserve, rounded down, to the treasury, whatever its deposit:
/// else bidders could bid several times and reveal as it suits them.
interface IDatasetAuction {
    /// @notice An auction was called.
    event AuctionCalled(uint256 indexed auctionId, address indexed custodian, Lot lot);
    /// @notice An open bid, 1e6 USDC units; bidding ends at `ends`, unix seconds.
    event BidPlaced(uint256 indexed auctionId, address indexed bidder, uint256 amount, uint64 ends);
    /// @notice A sealed bid; the deposit is in 1e6 USDC units.
    event BidSealed(uint256 indexed auctionId, address indexed bidder, bytes32 commitment, uint256 deposit);
    /// @notice A sealed bid was revealed, 1e6 USDC units.
    event BidRevealed(uint256 indexed auctionId, address indexed bidder, uint256 amount);
    /// @notice A sealed bid was not revealed, 1e6 USDC units.
    event BidForfeited(
        uint256 indexed auctionId, address indexed bidder, uint256 forfeited, uint256 returned
    );
    /// @notice The winner got the licence, 1e6 USDC units.
    event AuctionSettled(
        uint256 indexed auctionId, address indexed winner, uint256 indexed passId, uint256 price
    );
    /// @notice An auction ended without a sale.
    event AuctionCancelled(uint256 indexed auctionId, address leader);

    /// @notice Calls an auction. The custodian of a live dataset, in good standing, only. Reverts when trading is paused.
    /// @dev Bidding lasts one hour to thirty days, revealing one hour to seven days.
    function call(Lot calldata lot) external returns (uint256 auctionId);

    /// @notice Bids in an English auction. Reverts when trading is paused, with `Errors.Blocked(law)` when the rules
    /// forbid the caller this use, and when the bid is below the reserve or less than 5 % above the highest.
    /// @param amount 1e6 USDC units
    /// @param permit the caller's allowance of USDC to this contract; zero `value` when there is one already
    function bid(uint256 auctionId, uint96 amount, Permit calldata permit) external;

    /// @notice Bids in a sealed auction, once. Reverts as `bid` does. The deposit hides the bid: make it larger.
    /// @param commitment `commitmentOf(auctionId, caller, amount, salt)`; nobody else can use it
    /// @param deposit 1e6 USDC units, at least the reserve
    function seal(uint256 auctionId, bytes32 commitment, uint96 deposit, Permit calldata permit) external;

    /// @notice Reveals a sealed bid. Anyone who knows it may call. A bid below the reserve goes back.
    /// @param amount 1e6 USDC units, at most the deposit
    function reveal(uint256 auctionId, address bidder, uint96 amount, bytes32 salt) external;

    /// @notice Ends a sealed bid that was not revealed in time: pays the deposit back but for the forfeit. Anyone may call.
    function forfeit(uint256 auctionId, address bidder) external;

    /// @notice Gives the licence to the winner and takes the price. Anyone may call after the end. Without a bid the
    /// auction just ends.
    /// @return passId zero when nobody won
    function settle(uint256 auctionId) external returns (uint256 passId);

    /// @notice Pays the leader back and ends an auction that could not be settled. Anyone may call, seven days after the
    /// end.
    function cancel(uint256 auctionId) external;

    /// @notice The auction; all zero when there is none.
    function auction(uint256 auctionId) external view returns (Auction memory);

    /// @notice A sealed bid; all zero when there is none.
    function sealedBid(uint256 auctionId, address bidder) external view returns (SealedBid memory);

    /// @notice How many auctions there ever were; the last one has this number.
    function auctionCount() external view returns (uint256);

    /// @notice The commitment of a bid: keccak256(abi.encode(chain, this contract, auctionId, bidder, amount, salt)).
    function commitmentOf(uint256 auctionId, address bidder, uint96 amount, bytes32 salt)
        external
        view
        returns (bytes32);
}
