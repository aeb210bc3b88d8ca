// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {PartyRoles, Scopes} from "../common/Codes.sol";
import {Errors} from "../common/Errors.sol";
import {MarketErrors} from "../common/MarketErrors.sol";
import {Permit} from "../common/Payments.sol";
import {ICircuitBreaker} from "../interfaces/ICircuitBreaker.sol";
import {IComplianceOracle} from "../interfaces/IComplianceOracle.sol";
import {Auction, AuctionKinds, IDatasetAuction, Lot, SealedBid} from "../interfaces/IDatasetAuction.sol";
import {IDatasetToken} from "../interfaces/IDatasetToken.sol";
import {IHealthDataPool} from "../interfaces/IHealthDataPool.sol";
import {ILicenceMarket} from "../interfaces/ILicenceMarket.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";
import {Seller} from "./Seller.sol";

/// @title DatasetAuction
/// @notice Auctions of licences for rare data: English, or sealed with second price.
contract DatasetAuction is IDatasetAuction, Seller {
    /// @notice The contracts that auctions work with, and the treasury.
    struct Peers {
        IERC20 usdc;
        ILicenceMarket market;
        address splitter;
        IDatasetToken datasets;
        IHealthDataPool pool;
        IParticipantRegistry registry;
        IComplianceOracle compliance;
        ICircuitBreaker breaker;
        address treasury;
    }

    /// @custom:storage-location erc7201:caduceus.storage.DatasetAuction
    struct DatasetAuctionStorage {
        mapping(uint256 auctionId => Auction) auctions;
        mapping(uint256 auctionId => mapping(address bidder => SealedBid)) sealedBids;
        uint256 auctionCount;
    }

    bytes32 private constant STORAGE = keccak256(
        abi.encode(uint256(keccak256("caduceus.storage.DatasetAuction")) - 1)
    ) & ~bytes32(uint256(0xff));

    uint256 private constant BPS = 10_000;
    /// @dev A bid is above the highest by at least this part of it.
    uint256 private constant INCREMENT_BPS = 500;
    /// @dev The part of the reserve that a bid loses which was not revealed.
    uint256 private constant FORFEIT_BPS = 1_000;

    uint64 private constant LEAST_BIDDING = 1 hours;
    uint64 private constant GREATEST_BIDDING = 30 days;
    uint64 private constant LEAST_REVEALING = 1 hours;
    uint64 private constant GREATEST_REVEALING = 7 days;
    uint64 private constant LEAST_TERM = 1 days;
    uint64 private constant GREATEST_TERM = 3650 days;
    uint64 private constant LAST_CALL = 10 minutes;
    uint64 private constant GREATEST_EXTENSION = 1 days;
    uint64 private constant SETTLE_WINDOW = 7 days;

    IDatasetToken public immutable DATASETS;
    IHealthDataPool public immutable POOL;
    IParticipantRegistry public immutable REGISTRY;
    IComplianceOracle public immutable COMPLIANCE;
    ICircuitBreaker public immutable BREAKER;
    address public immutable TREASURY;

    constructor(Peers memory peers) Seller(peers.usdc, peers.market, peers.splitter) {
        DATASETS = peers.datasets;
        POOL = peers.pool;
        REGISTRY = peers.registry;
        COMPLIANCE = peers.compliance;
        BREAKER = peers.breaker;
        TREASURY = peers.treasury;
    }

    /// @notice Connects the auctions to their authority; once, by the proxy's constructor.
    function initialize(address authority) external initializer {
        __AccessManaged_init(authority);
    }

    // ---------------------------------------------------------------- the custodian

    /// @inheritdoc IDatasetAuction
    function call(Lot calldata lot) external returns (uint256 auctionId) {
        DatasetAuctionStorage storage $ = _storage();
        BREAKER.requireLive(Scopes.TRADING);
        _requireWellFormed(lot);
        if (DATASETS.custodianOf(lot.datasetId) != msg.sender) {
            revert MarketErrors.DatasetAuction_NotCustodian(lot.datasetId, msg.sender);
        }
        (bool ok, string memory reason) = REGISTRY.standing(msg.sender, PartyRoles.CUSTODIAN);
        if (!ok) revert MarketErrors.DatasetAuction_NotInGoodStanding(msg.sender, reason);
        if (!POOL.isLive(lot.datasetId)) revert MarketErrors.DatasetAuction_NotLive(lot.datasetId);

        auctionId = ++$.auctionCount;
        $.auctions[auctionId].lot = lot;
        $.auctions[auctionId].ends = lot.biddingEnds;
        emit AuctionCalled(auctionId, msg.sender, lot);
    }

    // ---------------------------------------------------------------- English

    /// @inheritdoc IDatasetAuction
    function bid(uint256 auctionId, uint96 amount, Permit calldata permit) external nonReentrant {
        Auction storage a = _bidding(auctionId, AuctionKinds.ENGLISH);
        uint256 least = a.leader == address(0)
            ? a.lot.reserve
            : uint256(a.highest) + Math.ceilDiv(uint256(a.highest) * INCREMENT_BPS, BPS);
        if (amount < least) revert MarketErrors.DatasetAuction_BidTooLow(auctionId, amount, least);

        address outbid = a.leader;
        uint96 back = a.highest;
        a.leader = msg.sender;
        a.highest = amount;
        a.price = amount;
        _extend(a);
        emit BidPlaced(auctionId, msg.sender, amount, a.ends);

        _take(msg.sender, amount, permit);
        _pay(outbid, back);
    }

    // ---------------------------------------------------------------- sealed

    /// @inheritdoc IDatasetAuction
    function seal(uint256 auctionId, bytes32 commitment, uint96 deposit, Permit calldata permit)
        external
        nonReentrant
    {
        Auction storage a = _bidding(auctionId, AuctionKinds.SEALED);
        if (commitment == 0) revert MarketErrors.DatasetAuction_BadCommitment(auctionId, msg.sender);
        if (deposit < a.lot.reserve) {
            revert MarketErrors.DatasetAuction_BidTooLow(auctionId, deposit, a.lot.reserve);
        }
        SealedBid storage b = _storage().sealedBids[auctionId][msg.sender];
        if (b.number != 0) revert MarketErrors.DatasetAuction_BidBefore(auctionId, msg.sender);

        a.bids += 1;
        b.commitment = commitment;
        b.deposit = deposit;
        b.number = a.bids;
        emit BidSealed(auctionId, msg.sender, commitment, deposit);
        _take(msg.sender, deposit, permit);
    }

    /// @inheritdoc IDatasetAuction
    function reveal(uint256 auctionId, address bidder, uint96 amount, bytes32 salt) external nonReentrant {
        Auction storage a = _of(auctionId, AuctionKinds.SEALED);
        if (block.timestamp <= a.ends || block.timestamp > a.lot.revealEnds) {
            revert MarketErrors.DatasetAuction_NotNow(auctionId, a.lot.revealEnds);
        }
        SealedBid storage b = _unrevealed(auctionId, bidder);
        // What is above the deposit was never covered, and counts as not revealed.
        if (amount > b.deposit || b.commitment != commitmentOf(auctionId, bidder, amount, salt)) {
            revert MarketErrors.DatasetAuction_BadCommitment(auctionId, bidder);
        }
        b.revealed = true;
        emit BidRevealed(auctionId, bidder, amount);
        _rank(auctionId, bidder, amount);
    }

    /// @inheritdoc IDatasetAuction
    function forfeit(uint256 auctionId, address bidder) external nonReentrant {
        Auction storage a = _of(auctionId, AuctionKinds.SEALED);
        if (block.timestamp <= a.lot.revealEnds) {
            revert MarketErrors.DatasetAuction_NotNow(auctionId, a.lot.revealEnds);
        }
        SealedBid storage b = _unrevealed(auctionId, bidder);
        b.revealed = true;
        // The deposit is at least the reserve, so there is always enough.
        uint256 lost = uint256(a.lot.reserve) * FORFEIT_BPS / BPS;
        emit BidForfeited(auctionId, bidder, lost, b.deposit - lost);
        _pay(TREASURY, lost);
        _pay(bidder, b.deposit - lost);
    }

    // ---------------------------------------------------------------- the end

    /// @inheritdoc IDatasetAuction
    function settle(uint256 auctionId) external nonReentrant returns (uint256 passId) {
        Auction storage a = _ended(auctionId, 0);
        address winner = a.leader;
        a.closed = true;
        if (winner == address(0)) {
            emit AuctionCancelled(auctionId, winner);
            return 0;
        }
        uint96 price = a.price;
        passId = MARKET.issue(
            winner, a.lot.purpose, uint64(block.timestamp) + a.lot.term, a.lot.uses, _one(a.lot.datasetId)
        );
        emit AuctionSettled(auctionId, winner, passId, price);
        _earn(price, a.lot.datasetId);
        _pay(winner, _heldFor(a, auctionId) - price);
    }

    /// @inheritdoc IDatasetAuction
    function cancel(uint256 auctionId) external nonReentrant {
        Auction storage a = _ended(auctionId, SETTLE_WINDOW);
        a.closed = true;
        emit AuctionCancelled(auctionId, a.leader);
        _pay(a.leader, _heldFor(a, auctionId));
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IDatasetAuction
    function auction(uint256 auctionId) external view returns (Auction memory) {
        return _storage().auctions[auctionId];
    }

    /// @inheritdoc IDatasetAuction
    function sealedBid(uint256 auctionId, address bidder) external view returns (SealedBid memory) {
        return _storage().sealedBids[auctionId][bidder];
    }

    /// @inheritdoc IDatasetAuction
    function auctionCount() external view returns (uint256) {
        return _storage().auctionCount;
    }

    /// @inheritdoc IDatasetAuction
    function commitmentOf(uint256 auctionId, address bidder, uint96 amount, bytes32 salt)
        public
        view
        returns (bytes32)
    {
        return keccak256(abi.encode(block.chainid, address(this), auctionId, bidder, amount, salt));
    }

    // ---------------------------------------------------------------- internal

    function _requireWellFormed(Lot calldata lot) private view {
        uint64 time = uint64(block.timestamp);
        if (lot.biddingEnds < time + LEAST_BIDDING || lot.biddingEnds > time + GREATEST_BIDDING) {
            revert MarketErrors.DatasetAuction_BadLot("biddingEnds");
        }
        if (lot.kind == AuctionKinds.SEALED) {
            if (
                lot.revealEnds < lot.biddingEnds + LEAST_REVEALING
                    || lot.revealEnds > lot.biddingEnds + GREATEST_REVEALING
            ) revert MarketErrors.DatasetAuction_BadLot("revealEnds");
        } else {
            if (lot.kind != AuctionKinds.ENGLISH) revert MarketErrors.DatasetAuction_BadLot("kind");
            if (lot.revealEnds != 0) revert MarketErrors.DatasetAuction_BadLot("revealEnds");
        }
        if (lot.uses == 0) revert MarketErrors.DatasetAuction_BadLot("uses");
        if (lot.term < LEAST_TERM || lot.term > GREATEST_TERM) {
            revert MarketErrors.DatasetAuction_BadLot("term");
        }
        if (lot.reserve == 0) revert MarketErrors.DatasetAuction_BadLot("reserve");
    }

    function _of(uint256 auctionId, uint8 kind) private view returns (Auction storage a) {
        a = _storage().auctions[auctionId];
        if (a.lot.kind != kind) revert MarketErrors.DatasetAuction_WrongKind(auctionId, a.lot.kind);
    }

    /// @dev The auction, when the caller may bid in it now.
    function _bidding(uint256 auctionId, uint8 kind) private view returns (Auction storage a) {
        BREAKER.requireLive(Scopes.TRADING);
        a = _of(auctionId, kind);
        if (block.timestamp > a.ends) revert MarketErrors.DatasetAuction_NotNow(auctionId, a.ends);
        (bool ok, string memory law) = COMPLIANCE.checkAccess(msg.sender, a.lot.datasetId, a.lot.purpose, 0);
        if (!ok) revert Errors.Blocked(law);
        if (!POOL.isLive(a.lot.datasetId)) revert MarketErrors.DatasetAuction_NotLive(a.lot.datasetId);
    }

    /// @dev The auction, when it is over for at least `time` seconds and was not closed.
    function _ended(uint256 auctionId, uint64 time) private view returns (Auction storage a) {
        a = _storage().auctions[auctionId];
        if (a.ends == 0 || a.closed) revert MarketErrors.DatasetAuction_Closed(auctionId);
        uint64 last = a.lot.kind == AuctionKinds.SEALED ? a.lot.revealEnds : a.ends;
        if (block.timestamp <= last + time) {
            revert MarketErrors.DatasetAuction_NotNow(auctionId, last + time);
        }
    }

    function _unrevealed(uint256 auctionId, address bidder) private view returns (SealedBid storage b) {
        b = _storage().sealedBids[auctionId][bidder];
        if (b.number == 0 || b.revealed) revert MarketErrors.DatasetAuction_NoBid(auctionId, bidder);
    }

    /// @dev A bid near the end gives the others time to answer, but not without end.
    function _extend(Auction storage a) private {
        uint64 wanted = uint64(block.timestamp) + LAST_CALL;
        uint64 latest = a.lot.biddingEnds + GREATEST_EXTENSION;
        if (wanted > latest) wanted = latest;
        if (wanted > a.ends) a.ends = wanted;
    }

    /// @dev Puts a revealed bid into its place, and pays back whoever does not lead.
    function _rank(uint256 auctionId, address bidder, uint96 amount) private {
        DatasetAuctionStorage storage $ = _storage();
        Auction storage a = $.auctions[auctionId];
        SealedBid storage b = $.sealedBids[auctionId][bidder];
        address leader = a.leader;
        if (amount < a.lot.reserve) {
            _pay(bidder, b.deposit);
        } else if (leader == address(0)) {
            _lead(a, bidder, amount, a.lot.reserve, b.number);
        } else if (amount > a.highest || (amount == a.highest && b.number < a.leaderBid)) {
            _lead(a, bidder, amount, a.highest, b.number);
            _pay(leader, $.sealedBids[auctionId][leader].deposit);
        } else {
            if (amount > a.price) a.price = amount;
            _pay(bidder, b.deposit);
        }
    }

    function _lead(Auction storage a, address bidder, uint96 highest, uint96 price, uint32 number) private {
        a.leader = bidder;
        a.highest = highest;
        a.price = price;
        a.leaderBid = number;
    }

    /// @dev What is held for the leader, 1e6 USDC units.
    function _heldFor(Auction storage a, uint256 auctionId) private view returns (uint96) {
        if (a.lot.kind == AuctionKinds.ENGLISH) return a.highest;
        return _storage().sealedBids[auctionId][a.leader].deposit;
    }

    function _storage() private pure returns (DatasetAuctionStorage storage $) {
        bytes32 slot = STORAGE;
        assembly ("memory-safe") {
            $.slot := slot
        }
    }
}
