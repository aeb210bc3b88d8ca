// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Purposes} from "../../src/common/Codes.sol";
import {Kinds} from "../../src/common/Kinds.sol";
import {Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {Auction, AuctionKinds, Lot, SealedBid} from "../../src/interfaces/IDatasetAuction.sol";
import {Borrowing, LoanStates} from "../../src/interfaces/IDatasetLending.sol";
import {IDues} from "../../src/interfaces/IDues.sol";
import {JobStates} from "../../src/interfaces/IComputeMarket.sol";
import {Deal, DealStates} from "../../src/interfaces/IEscrow.sol";
import {MeterOrder} from "../../src/interfaces/IMeteredLicence.sol";
import {AgreementStates, Terms} from "../../src/interfaces/ITransferAgreement.sol";
import {FreezableUSDC} from "../support/FreezableUSDC.sol";
import {Promises} from "./Promises.sol";

/// @notice What can be tried in the market and around the pool, in the same world as everything else.
abstract contract Bazaar is Promises {
    address[4] private parties;
    mapping(uint256 jobId => bool) private wasDisputed;

    function setUp() public virtual override {
        super.setUp();
        parties = [berlin, boston, researcher, makeAddr("lyon")];
        address[7] memory spenders = [
            address(escrow),
            address(bonds),
            address(auctions),
            address(meters),
            address(agreements),
            address(lending),
            address(curve)
        ];
        for (uint256 i; i < parties.length; ++i) {
            _giveUSDC(parties[i], 1e15);
            _deal(parties[i], 1e6 ether);
            for (uint256 j; j < spenders.length; ++j) {
                vm.prank(parties[i]);
                usdc.approve(spenders[j], type(uint256).max);
            }
        }
    }

    /// @notice Everything that can be tried here, as function signatures.
    function marketActions() public pure returns (string[] memory list) {
        list = new string[](24);
        list[0] = "openDeal(uint256,uint256)";
        list[1] = "moveDeal(uint256,uint256)";
        list[2] = "disputeDeal(uint256)";
        list[3] = "ruleDispute(uint256,uint256)";
        list[4] = "endDispute(uint256)";
        list[5] = "depositBond(uint256,uint256)";
        list[6] = "accuse(uint256,uint256)";
        list[7] = "leaveBond(uint256)";
        list[8] = "callAuction(uint256,uint256)";
        list[9] = "bid(uint256,uint256)";
        list[10] = "seal(uint256,uint256)";
        list[11] = "reveal(uint256,uint256)";
        list[12] = "endAuction(uint256,uint256)";
        list[13] = "openMeter(uint256,uint256)";
        list[14] = "settleMeter(uint256,uint256)";
        list[15] = "conclude(uint256,uint256)";
        list[16] = "endAgreement(uint256,uint256)";
        list[17] = "borrow(uint256,uint256)";
        list[18] = "endLoan(uint256,uint256)";
        list[19] = "mintUnits(uint256,uint256)";
        list[20] = "burnUnits(uint256,uint256)";
        list[21] = "redeemUnits(uint256,uint256)";
        list[22] = "collectDues(uint256)";
        list[23] = "disputeJob(uint256,uint256)";
    }

    // ---------------------------------------------------------------- choosing

    function _party(uint256 a) private view returns (address) {
        return parties[a % 4];
    }

    function _oneOf(uint256 a, uint256 count) private pure returns (uint256) {
        if (count == 0) revert Nothing();
        return 1 + a % count;
    }

    function _amount(uint256 b) private pure returns (uint96) {
        return uint96(1 + b % 10 ** (1 + b / 2 ** 200 % 11));
    }

    // ---------------------------------------------------------------- escrow and bonds

    function openDeal(uint256 a, uint256 b) external {
        vm.prank(_party(a));
        escrow.open(
            _party(a + 1 + b % 3), _amount(b), "terms", uint64(block.timestamp + 5 days), 3 days, _noPermit()
        );
    }

    function moveDeal(uint256 a, uint256 b) external {
        uint256 id = _oneOf(a, escrow.dealCount());
        Deal memory d = escrow.deal(id);
        vm.prank(b % 2 == 0 ? d.payer : d.payee);
        if (b % 7 == 0) escrow.release(id);
        else if (b % 7 == 1) escrow.refund(id);
        else if (b % 7 == 2) escrow.expire(id);
        else escrow.deliver(id, "goods");
    }

    function disputeDeal(uint256 a) external {
        uint256 count = escrow.dealCount();
        for (uint256 i; i < count; ++i) {
            uint256 id = 1 + (a % count + i) % count;
            Deal memory d = escrow.deal(id);
            if (d.state != DealStates.DELIVERED || block.timestamp > d.deadline) continue;
            vm.prank(d.payer);
            return escrow.dispute{value: ARBITRATION_COST}(id, "x");
        }
        revert Nothing();
    }

    /// @dev Disputes have the numbers 0, 1, ...; what was ruled is refused.
    function ruleDispute(uint256 a, uint256 b) external {
        uint256 total = escrow.dealCount() + bonds.accusationCount() + compute.jobCount();
        vm.prank(judge);
        arbitrator.giveRuling(a % (total + 1), b % 3);
        _noteRuledJobs();
    }

    /// @dev A ruling for the researcher is the one way to end a job that no action of its own ends.
    function _noteRuledJobs() private {
        for (uint256 id = 1; id <= compute.jobCount(); ++id) {
            if (ended[id] == 0 && compute.job(id).state == JobStates.REFUNDED) {
                assertTrue(wasDisputed[id], "a job was refunded that nobody disputed");
                ended[id] = JobStates.REFUNDED;
            }
        }
    }

    function endDispute(uint256 a) external {
        if (a % 2 == 0) bonds.endUnruled(_oneOf(a / 2, bonds.accusationCount()));
        else escrow.endUnruled(_oneOf(a / 2, escrow.dealCount()));
    }

    function depositBond(uint256 a, uint256 b) external {
        vm.prank(_party(a));
        bonds.deposit(_amount(b), _noPermit());
    }

    function accuse(uint256 a, uint256 b) external {
        address accused = _party(a);
        uint96 free = bonds.bondOf(accused).amount - bonds.bondOf(accused).frozen;
        if (free == 0) revert Nothing();
        vm.prank(_party(b));
        bonds.accuse{value: ARBITRATION_COST}(accused, uint96(1 + b % free), "x");
    }

    function leaveBond(uint256 a) external {
        address who = _party(a);
        bool announced = bonds.bondOf(who).leavesAt != 0;
        vm.prank(who);
        if (announced) bonds.withdraw();
        else bonds.announceWithdrawal();
    }

    // ---------------------------------------------------------------- auctions and meters

    function callAuction(uint256 a, uint256 b) external {
        uint8 kind = b % 2 == 0 ? AuctionKinds.ENGLISH : AuctionKinds.SEALED;
        uint64 ends = uint64(block.timestamp + 2 days);
        uint256 id = _someDatasetWhere(a, true);
        Lot memory lot = Lot({
            datasetId: id,
            kind: kind,
            purpose: Purposes.HMB,
            uses: 1,
            term: 30 days,
            biddingEnds: ends,
            revealEnds: kind == AuctionKinds.SEALED ? ends + 2 days : 0,
            reserve: uint96(1 + b % 1e6)
        });
        vm.prank(datasets.custodianOf(id));
        auctions.call(lot);
    }

    /// @dev The first auction of the kind, from a random one on, that takes bids.
    function _bidding(uint256 a, uint8 kind) private view returns (uint256) {
        uint256 count = auctions.auctionCount();
        for (uint256 i; i < count; ++i) {
            uint256 id = 1 + (a % count + i) % count;
            Auction memory auction = auctions.auction(id);
            if (auction.lot.kind == kind && block.timestamp <= auction.ends) return id;
        }
        revert Nothing();
    }

    function bid(uint256 a, uint256 b) external {
        uint256 id = _bidding(a, AuctionKinds.ENGLISH);
        Auction memory auction = auctions.auction(id);
        uint96 amount = auction.highest * 2 + auction.lot.reserve + uint96(b % 1e6);
        vm.prank(parties[2 + b % 2]);
        auctions.bid(id, amount, _noPermit());
    }

    /// @dev The bid and its salt follow from who bids where.
    function _secret(uint256 id, address bidder) private pure returns (uint96) {
        return uint96(uint256(keccak256(abi.encode(id, bidder))) % 2e6);
    }

    function seal(uint256 a, uint256 b) external {
        uint256 id = _bidding(a, AuctionKinds.SEALED);
        address bidder = parties[2 + b % 2];
        bytes32 commitment = auctions.commitmentOf(id, bidder, _secret(id, bidder), "salt");
        vm.prank(bidder);
        auctions.seal(id, commitment, 2e6, _noPermit());
    }

    function reveal(uint256 a, uint256 b) external {
        uint256 count = auctions.auctionCount();
        address bidder = parties[2 + b % 2];
        for (uint256 i; i < count; ++i) {
            uint256 id = 1 + (a % count + i) % count;
            Auction memory auction = auctions.auction(id);
            SealedBid memory sealedBid = auctions.sealedBid(id, bidder);
            if (sealedBid.number == 0 || sealedBid.revealed || block.timestamp <= auction.ends) continue;
            if (block.timestamp > auction.lot.revealEnds) auctions.forfeit(id, bidder);
            else auctions.reveal(id, bidder, _secret(id, bidder), "salt");
            return;
        }
        revert Nothing();
    }

    function endAuction(uint256 a, uint256 b) external {
        uint256 id = _oneOf(a, auctions.auctionCount());
        if (b % 4 == 0) auctions.cancel(id);
        else auctions.settle(id);
    }

    function openMeter(uint256 a, uint256 b) external {
        MeterOrder memory order =
            MeterOrder(_someDatasetWhere(b, true), Purposes.HMB, 1, UNIT_PRICE, UNIT_PRICE + _amount(b));
        vm.prank(parties[2 + a % 2]);
        meters.open(order, _noPermit());
    }

    function settleMeter(uint256 a, uint256 b) external {
        uint256 id = _oneOf(a, meters.meterCount());
        if (b % 8 == 0) return meters.close(id);
        uint64 units = meters.meter(id).units + uint64(b % 100);
        bool last = b % 3 == 0;
        Proof memory proof =
            _proof(Kinds.USAGE, bytes32(id), keccak256(abi.encode(address(meters), id, units, last)));
        meters.settle(id, units, last, proof);
    }

    // ---------------------------------------------------------------- agreements and loans

    function conclude(uint256 a, uint256 b) external {
        bool lyon = a % 2 == 1;
        Terms memory t = Terms({
            exporter: b % 2 == 0 ? berlin : boston,
            importer: parties[2 + a % 2],
            module: 1,
            datasetId: 0,
            documentHash: "document",
            payment: _amount(b),
            deliverBy: uint64(block.timestamp + 4 days),
            expiry: uint64(block.timestamp + 40 days),
            nonce: agreements.nonces(parties[2 + a % 2]),
            deadline: FOREVER
        });
        bytes32 digest = agreements.digestOf(t);
        bytes memory x = _sign(makeKey(b % 2 == 0 ? "berlin" : "boston"), digest);
        bytes memory y = _sign(makeKey(lyon ? "lyon" : "researcher"), digest);
        agreements.conclude(t, x, y, _noPermit());
    }

    function endAgreement(uint256 a, uint256 b) external {
        uint256 id = _oneOf(a, agreements.agreementCount());
        if (b % 3 == 0) {
            vm.prank(b % 2 == 0 ? stranger : agreements.agreement(id).exporter);
            return agreements.refund(id);
        }
        bytes32 payload =
            keccak256(abi.encode(address(agreements), id, bytes32("document"), bytes32("delivery")));
        agreements.deliver(id, "delivery", _proof(Kinds.TRANSFER, bytes32(id), payload));
    }

    function borrow(uint256 a, uint256 b) external {
        uint64 term = uint64(1 days + b % 5 days);
        uint256 id = _someDatasetWhere(b, true);
        (uint256 least, uint256 fee) = lending.quote(id, term);
        Borrowing memory order = Borrowing(id, Purposes.HMB, 1, term, uint96(least + b % 1e6), uint96(fee));
        vm.prank(parties[2 + a % 2]);
        lending.borrow(order, _noPermit());
    }

    function endLoan(uint256 a, uint256 b) external {
        uint256 id = _oneOf(a, lending.loanCount());
        if (b % 3 == 0) return lending.seize(id);
        uint256 dataset = lending.loan(id).datasetId;
        bytes32 payload = keccak256(abi.encode(address(lending), id, dataset, bytes32("deleted")));
        lending.giveBack(id, "deleted", _proof(Kinds.DELETION, bytes32(id), payload));
    }

    // ---------------------------------------------------------------- units

    function mintUnits(uint256 a, uint256 b) external {
        vm.prank(_party(a));
        curve.mint(100 + _amount(b), 0);
    }

    function burnUnits(uint256 a, uint256 b) external {
        uint256 units = Math.mulDiv(curve.balanceOf(_party(a)), b % 101, 100);
        if (units == 0) revert Nothing();
        vm.prank(_party(a));
        curve.burn(units, 0);
    }

    function redeemUnits(uint256 a, uint256 b) external {
        uint256[] memory datasetIds = _ids(_someDatasetWhere(b, true));
        vm.prank(parties[2 + a % 2]);
        curve.redeem(datasetIds, Purposes.HMB, uint32(1 + b % 2), type(uint256).max);
    }

    // ---------------------------------------------------------------- the world

    function collectDues(uint256 a) external {
        address who = _party(a);
        IDues[6] memory holders = _holders();
        for (uint256 i; i < holders.length; ++i) {
            IDues holder = holders[_wrap(a / 4, i, holders.length)];
            if (holder.due(who) == 0) continue;
            holder.withdrawDue(who);
            return;
        }
        revert Nothing();
    }

    /// @dev A researcher disputes an answer, or the judge rules on it, or its time runs out.
    function disputeJob(uint256 a, uint256 b) external {
        if (b % 3 == 0) {
            uint256 id = _someJob(a, JobStates.DISPUTED);
            uint256 disputeId = jobDisputes.arbitrationOf(id).disputeId;
            bool refund = b % 2 == 0;
            vm.prank(judge);
            arbitrator.giveRuling(disputeId, refund ? 1 : 2);
            _noteRuledJobs();
        } else {
            uint256 id = _someJob(a, b % 2 == 0 ? JobStates.COMMITTED : JobStates.VERIFIED);
            address asker = compute.job(id).researcher;
            _deal(asker, asker.balance + ARBITRATION_COST);
            vm.prank(asker);
            jobDisputes.dispute{value: ARBITRATION_COST}(id, "x");
            wasDisputed[id] = true;
        }
    }

    // ---------------------------------------------------------------- what must always hold

    function _holders() private view returns (IDues[6] memory) {
        return [IDues(escrow), bonds, auctions, meters, agreements, lending];
    }

    /// @notice Each contract holds what it owes to the unit, and owes what its books say; the curve's reserve covers the
    /// integral of its price.
    function marketSolvency() external view {
        uint256[6] memory open = [_deals(), _bonds(), _auctions(), _meters(), _agreements(), _loans()];
        IDues[6] memory holders = _holders();
        for (uint256 i; i < holders.length; ++i) {
            uint256 dues = holders[i].due(address(treasury)) + holders[i].due(address(this));
            for (uint256 j; j < parties.length; ++j) {
                dues += holders[i].due(parties[j]);
            }
            assertEq(holders[i].owed(), open[i] + dues, "what is owed does not add up");
            assertEq(usdc.balanceOf(address(holders[i])), holders[i].owed(), "it does not hold what it owes");
        }
        uint256 supply = curve.totalSupply();
        uint256 exact = Math.mulDiv(supply, 2e36 * uint256(BASE) + SLOPE * supply, 2e54, Math.Rounding.Ceil);
        assertLe(exact, curve.reserve(), "the reserve is below the integral");
        assertEq(usdc.balanceOf(address(curve)), curve.reserve() + curve.fees(), "the curve's book is wrong");
        assertEq(usdc.balanceOf(address(network)), 0, "the network keeps money");
    }

    function _deals() private view returns (uint256 sum) {
        for (uint256 id = 1; id <= escrow.dealCount(); ++id) {
            Deal memory d = escrow.deal(id);
            if (d.state <= DealStates.DISPUTED) sum += d.amount;
            assertTrue(
                (escrow.arbitrationOf(id).deadline != 0) == (d.state == DealStates.DISPUTED),
                "a dispute without a disputed deal, or the other way round"
            );
        }
    }

    function _bonds() private view returns (uint256 sum) {
        uint256 frozen;
        for (uint256 i; i < parties.length; ++i) {
            sum += bonds.bondOf(parties[i]).amount;
            frozen += bonds.bondOf(parties[i]).frozen;
        }
        for (uint256 id = 1; id <= bonds.accusationCount(); ++id) {
            frozen -= bonds.accusation(id).amount;
        }
        assertEq(frozen, 0, "frozen bonds are not those of open accusations");
    }

    function _auctions() private view returns (uint256 sum) {
        for (uint256 id = 1; id <= auctions.auctionCount(); ++id) {
            Auction memory a = auctions.auction(id);
            if (a.lot.kind == AuctionKinds.ENGLISH && !a.closed) sum += a.highest;
            for (uint256 i = 2; i < 4; ++i) {
                SealedBid memory b = auctions.sealedBid(id, parties[i]);
                if (!b.revealed || (a.leader == parties[i] && !a.closed)) sum += b.deposit;
            }
        }
    }

    function _meters() private view returns (uint256 sum) {
        for (uint256 id = 1; id <= meters.meterCount(); ++id) {
            sum += meters.meter(id).deposit;
        }
    }

    function _agreements() private view returns (uint256 sum) {
        for (uint256 id = 1; id <= agreements.agreementCount(); ++id) {
            if (agreements.agreement(id).state == AgreementStates.CONCLUDED) {
                sum += agreements.agreement(id).payment;
            }
        }
    }

    function _loans() private view returns (uint256 sum) {
        for (uint256 id = 1; id <= lending.loanCount(); ++id) {
            if (lending.loan(id).state == LoanStates.OPEN) sum += lending.loan(id).collateral;
        }
    }

    /// @inheritdoc Promises
    function _loansOn(uint256 datasetId) internal view override returns (uint256 count) {
        for (uint256 id = 1; id <= lending.loanCount(); ++id) {
            if (lending.loan(id).state == LoanStates.OPEN && lending.loan(id).datasetId == datasetId) {
                ++count;
            }
        }
    }

    // ---------------------------------------------------------------- exit

    function _withdrawDues(address who) private {
        IDues[6] memory holders = _holders();
        for (uint256 i; i < holders.length; ++i) {
            if (holders[i].due(who) != 0) holders[i].withdrawDue(who);
        }
    }

    /// @dev Paused for good, everything ends in bounded time and everybody has what is theirs.
    function _endTheMarket() internal {
        for (uint256 i; i < parties.length; ++i) {
            FreezableUSDC(address(usdc)).setFrozen(parties[i], false);
        }
        vm.warp(block.timestamp + 200 days);
        _endDealsAndBonds();
        _endSales();
        for (uint256 i; i < parties.length; ++i) {
            _withdrawDues(parties[i]);
            uint256 units = curve.balanceOf(parties[i]);
            vm.prank(parties[i]);
            curve.burn(units, 0);
        }
        IDues[6] memory holders = _holders();
        for (uint256 i; i < holders.length; ++i) {
            assertEq(holders[i].owed(), 0, "somebody is still owed");
        }
        assertEq(curve.totalSupply(), 0);
    }

    function _endDealsAndBonds() private {
        for (uint256 id = 1; id <= escrow.dealCount(); ++id) {
            uint8 state = escrow.deal(id).state;
            if (state == DealStates.DISPUTED) escrow.endUnruled(id);
            else if (state < DealStates.DISPUTED) escrow.expire(id);
        }
        for (uint256 id = 1; id <= bonds.accusationCount(); ++id) {
            if (bonds.accusation(id).amount != 0) bonds.endUnruled(id);
        }
        for (uint256 i; i < parties.length; ++i) {
            if (bonds.bondOf(parties[i]).leavesAt == 0) {
                vm.prank(parties[i]);
                bonds.announceWithdrawal();
            }
        }
        vm.warp(block.timestamp + NOTICE);
        for (uint256 i; i < parties.length; ++i) {
            if (bonds.bondOf(parties[i]).amount == 0) continue;
            vm.prank(parties[i]);
            bonds.withdraw();
        }
    }

    function _endSales() private {
        for (uint256 id = 1; id <= auctions.auctionCount(); ++id) {
            for (uint256 i = 2; i < 4; ++i) {
                SealedBid memory b = auctions.sealedBid(id, parties[i]);
                if (b.number != 0 && !b.revealed) auctions.forfeit(id, parties[i]);
            }
            if (!auctions.auction(id).closed) auctions.cancel(id);
        }
        for (uint256 id = 1; id <= meters.meterCount(); ++id) {
            if (!meters.meter(id).closed) meters.close(id);
        }
        for (uint256 id = 1; id <= agreements.agreementCount(); ++id) {
            if (agreements.agreement(id).state == AgreementStates.CONCLUDED) agreements.refund(id);
        }
        for (uint256 id = 1; id <= lending.loanCount(); ++id) {
            if (lending.loan(id).state == LoanStates.OPEN) lending.seize(id);
        }
    }
}
