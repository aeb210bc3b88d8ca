// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {TestUSDC} from "../../src/development/TestUSDC.sol";
import {IAttestationOracle} from "../../src/interfaces/IAttestationOracle.sol";
import {ICircuitBreaker} from "../../src/interfaces/ICircuitBreaker.sol";
import {IComputeMarket} from "../../src/interfaces/IComputeMarket.sol";
import {IDatasetToken} from "../../src/interfaces/IDatasetToken.sol";
import {IHealthDataPool} from "../../src/interfaces/IHealthDataPool.sol";
import {ILicenceMarket} from "../../src/interfaces/ILicenceMarket.sol";
import {IMemberClaims} from "../../src/interfaces/IMemberClaims.sol";
import {IParticipantRegistry} from "../../src/interfaces/IParticipantRegistry.sol";
import {IPayoutStreams} from "../../src/interfaces/IPayoutStreams.sol";
import {IPoolShare} from "../../src/interfaces/IPoolShare.sol";
import {IProviderBoost} from "../../src/interfaces/IProviderBoost.sol";
import {Split} from "../../src/interfaces/IRevenueSplitter.sol";
import {BondingCurve} from "../../src/pool/BondingCurve.sol";
import {HealthDataPool} from "../../src/pool/HealthDataPool.sol";
import {RevenueSplitter} from "../../src/rewards/RevenueSplitter.sol";
import {VestingVault} from "../../src/rewards/VestingVault.sol";

/// @notice The cheat codes that a symbolic check needs.
interface SymbolicVm {
    function assume(bool condition) external pure;
    function warp(uint256 time) external;
    function store(address account, bytes32 slot, bytes32 value) external;
}

/// @notice Peers that take what they are given.
contract Peer {
    uint256 public funded;
    uint256[] public fundedParts;
    mapping(address account => uint256) private effective;

    function setEffective(address account, uint256 shares) external {
        effective[account] = shares;
    }

    /// @dev As the boost that the pool asks.
    function effectiveShares(address account, uint256, uint256) external view returns (uint256) {
        return effective[account];
    }

    /// @dev As the pool's shares.
    function balanceOf(address) external pure returns (uint256) {
        return 0;
    }

    function totalSupply() external pure returns (uint256) {
        return 0;
    }

    function notifyYield(uint256) external {}

    function requireLive(uint256) external pure {}

    function isVerified(address) external pure returns (bool) {
        return true;
    }

    /// @dev As the members' claims.
    function fund(uint256[] calldata, uint256[] calldata amounts) external {
        for (uint256 i; i < amounts.length; ++i) {
            funded += amounts[i];
            fundedParts.push(amounts[i]);
        }
    }

    /// @dev A dataset whose custodian, an account by the dataset's number, gets 15 %.
    function payeeOf(uint256 datasetId) external pure returns (address, uint16) {
        // The numbers of the checks are short.
        // forge-lint: disable-next-line(unsafe-typecast)
        return (address(uint160(datasetId)), 1_500);
    }
}

/// @notice What holds for every value of the arguments within the bounds that each check names, not only for those that a
/// fuzzer tries. A call that reverts by an overflow or a division by zero fails the check as a false assertion does.
abstract contract Symbolic {
    SymbolicVm internal constant VM = SymbolicVm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint48 internal constant T0 = 1_800_000_000;
    address internal constant TREASURY = address(0x7ea);

    AccessManager internal manager;
    TestUSDC internal token;
    Peer internal peer;

    function setUp() public virtual {
        VM.warp(T0);
        manager = new AccessManager(address(this));
        token = new TestUSDC(address(this));
        peer = new Peer();
    }

    function _datasets() internal view returns (IDatasetToken) {
        return IDatasetToken(address(peer));
    }
}

/// @notice The price of units of access, with the base and the slope that are shipped.
contract SymbolicCurve is Symbolic {
    uint96 private constant BASE = 8e6;
    uint96 private constant SLOPE = 2e21;
    /// @dev The place of `_totalSupply` among the storage of ERC20.
    bytes32 private constant SUPPLY = bytes32(uint256(2));

    BondingCurve private curve;
    BondingCurve private flat;

    function setUp() public override {
        super.setUp();
        curve = _curve(SLOPE);
        flat = _curve(0);
    }

    function _curve(uint96 slope) private returns (BondingCurve) {
        BondingCurve.Peers memory peers = BondingCurve.Peers({
            usdc: token,
            market: ILicenceMarket(address(0)),
            splitter: address(0),
            datasets: _datasets(),
            registry: IParticipantRegistry(address(peer)),
            breaker: ICircuitBreaker(address(peer)),
            treasury: TREASURY
        });
        return new BondingCurve(peers, address(manager), BASE, slope, 100);
    }

    function _supply(uint256 supply) private {
        VM.store(address(curve), SUPPLY, bytes32(supply));
    }

    /// @notice What is bought and sold again at once brings back at most what it cost, and a unit of money less at most,
    /// before fees: for supplies and amounts below 2^88 (300 million units), where the product fits one word.
    function check_units_bring_back_what_they_cost_but_for_rounding(uint88 supply, uint88 units) public {
        _supply(supply);
        uint256 cost = curve.costOf(units);
        _supply(uint256(supply) + units);
        uint256 proceeds = curve.proceedsOf(units);
        assert(proceeds <= cost);
        assert(cost <= proceeds + 1);
    }

    /// @notice More units cost no less, for supplies below 2^88 and amounts below 2^81 (2.4 million units).
    function check_more_units_cost_more(uint88 supply, uint80 fewer, uint80 extra) public {
        _supply(supply);
        assert(curve.costOf(fewer) <= curve.costOf(uint256(fewer) + extra));
    }

    /// @notice Units cost no less the more of them exist, in the same bounds.
    function check_later_units_cost_more(uint88 earlier, uint88 later, uint88 units) public {
        VM.assume(earlier <= later);
        _supply(earlier);
        uint256 before = curve.costOf(units);
        _supply(later);
        assert(before <= curve.costOf(units));
    }

    /// @notice What units cost is the integral of the price, rounded up, in the same bounds.
    function check_a_cost_is_the_integral_rounded_up(uint88 supply, uint88 units) public {
        _supply(supply);
        uint256 cost = curve.costOf(units);
        uint256 exact = uint256(units) * (2e36 * uint256(BASE) + SLOPE * (2 * uint256(supply) + units));
        assert(cost * 2e54 >= exact);
        assert(cost == 0 || (cost - 1) * 2e54 < exact);
    }

    /// @notice Buying and selling at once, with fees and money that moves, makes nobody richer; on a curve without slope, for
    /// every payment below 2^64 (18 trillion USDC). With a slope, minting takes a root, which fuzz tests cover.
    function check_a_round_trip_never_profits(uint64 paid) public {
        token.mint(address(this), paid);
        token.approve(address(flat), paid);
        uint256 units = flat.mint(paid, 0);
        assert(token.balanceOf(address(this)) == 0);
        flat.burn(units, 0);
        assert(token.balanceOf(address(this)) <= paid);
        assert(flat.totalSupply() == 0);
        assert(token.balanceOf(address(flat)) == flat.reserve() + flat.fees());
    }
}

/// @notice The division of a payment.
contract SymbolicSplitter is Symbolic {
    uint160 private constant FIRST = 0x1001;
    uint160 private constant SECOND = 0x1002;

    RevenueSplitter private splitter;

    function setUp() public override {
        super.setUp();
        RevenueSplitter.Peers memory peers = RevenueSplitter.Peers({
            usdc: token,
            datasets: _datasets(),
            pool: IHealthDataPool(address(peer)),
            claims: IMemberClaims(address(peer)),
            streams: IPayoutStreams(address(0)),
            licenceMarket: address(this),
            computeMarket: address(this),
            treasury: TREASURY
        });
        Split memory split =
            Split({contributorsBps: 8_500, treasuryBps: 1_000, buybackBps: 500, poolYieldBps: 3_000});
        splitter = RevenueSplitter(
            address(
                new ERC1967Proxy(
                    address(new RevenueSplitter(peers)),
                    abi.encodeCall(RevenueSplitter.initialize, (address(manager), split))
                )
            )
        );
    }

    function _distribute(uint256 amount, uint256 firstWeight, uint256 secondWeight) private {
        token.mint(address(splitter), amount);
        uint256[] memory ids = new uint256[](2);
        uint256[] memory weights = new uint256[](2);
        (ids[0], ids[1]) = (FIRST, SECOND);
        (weights[0], weights[1]) = (firstWeight, secondWeight);
        splitter.distribute(amount, ids, weights);
    }

    /// @notice Every unit of a payment below 2^64 is owed to somebody or was handed on, and the splitter holds what it owes,
    /// whatever the weights of the two datasets.
    function check_the_parts_of_a_payment_are_the_whole(uint64 amount, uint32 first, uint32 second) public {
        VM.assume(first != 0 || second != 0);
        _distribute(amount, first, second);
        uint256 owed =
            splitter.owed(TREASURY) + splitter.owed(address(FIRST)) + splitter.owed(address(SECOND));
        assert(splitter.totalOwed() == owed);
        assert(token.balanceOf(address(splitter)) == owed + splitter.buybackReserve());
        assert(token.balanceOf(address(splitter)) + token.balanceOf(address(peer)) == amount);
    }

    /// @notice The treasury, the buy-back and the first of two datasets get no more than their part, whatever the weights; the
    /// last dataset gets what rounding left. For payments below 2^64.
    function check_nobody_gets_more_than_their_part(uint64 amount, uint32 first, uint32 second) public {
        VM.assume(first != 0 && second != 0);
        _distribute(amount, first, second);
        uint256 treasury = splitter.owed(TREASURY);
        assert(treasury * 10_000 <= uint256(amount) * 1_000);
        uint256 buyback = splitter.buybackReserve();
        assert(buyback * 10_000 <= uint256(amount) * 500);
        uint256 usage = splitter.owed(address(FIRST)) + splitter.owed(address(SECOND)) + peer.funded();
        uint256 part = splitter.owed(address(FIRST)) + peer.fundedParts(0);
        assert(part * (uint256(first) + second) <= usage * first);
    }
}

/// @notice The pool's yield per effective share.
contract SymbolicYield is Symbolic {
    address private constant ADA = address(0xada);
    address private constant BEN = address(0xbe);

    HealthDataPool private pool;

    function setUp() public override {
        super.setUp();
        HealthDataPool.Peers memory peers = HealthDataPool.Peers({
            usdc: token,
            share: IPoolShare(address(peer)),
            datasets: _datasets(),
            registry: IParticipantRegistry(address(peer)),
            attestations: IAttestationOracle(address(0)),
            breaker: ICircuitBreaker(address(peer)),
            boost: IProviderBoost(address(peer)),
            splitter: address(this),
            computeMarket: address(0)
        });
        pool = HealthDataPool(
            address(
                new ERC1967Proxy(
                    address(new HealthDataPool(peers)),
                    abi.encodeCall(HealthDataPool.initialize, (address(manager), 1, 60_000, 30 days))
                )
            )
        );
    }

    function _hold(address account, uint256 shares) private {
        peer.setEffective(account, shares);
        pool.refresh(account);
    }

    /// @notice Two holders of any shares below 2^96 together get no more than was paid in, and all of it but a unit each.
    function check_holders_get_what_was_paid_in_and_no_more(uint96 adas, uint96 bens, uint64 paid) public {
        VM.assume(adas != 0);
        _hold(ADA, adas);
        _hold(BEN, bens);
        pool.notifyYield(paid);
        uint256 sum = pool.claimable(ADA) + pool.claimable(BEN);
        assert(sum <= paid);
        assert(pool.claimable(ADA) <= paid);
    }

    /// @notice Two payments with a holder who comes between them: nobody gets from before they came, what one has does not
    /// fall, and together they get all but a unit each. For shares of 3 and 5 and payments below 2^64.
    function check_yield_is_not_shared_with_who_comes_later(uint64 first, uint64 second) public {
        _hold(ADA, 3e18);
        pool.notifyYield(first);
        _hold(BEN, 5e18);
        assert(pool.claimable(BEN) == 0);
        uint256 before = pool.claimable(ADA);
        assert(before <= first && before + 1 >= first);
        pool.notifyYield(second);
        uint256 sum = pool.claimable(ADA) + pool.claimable(BEN);
        assert(sum <= uint256(first) + second);
        assert(sum + 2 >= uint256(first) + second);
        assert(pool.claimable(ADA) >= before);
    }
}

/// @notice Money that is earned already and paid out over time.
contract SymbolicVesting is Symbolic {
    uint48 private constant YEAR = 365 days;

    VestingVault private vault;

    function setUp() public override {
        super.setUp();
        vault = new VestingVault(
            address(manager), token, IAttestationOracle(address(0)), IComputeMarket(address(0)), _datasets()
        );
    }

    function _open(uint256 total, uint48 lasts) private returns (uint256) {
        token.mint(address(vault), total);
        return vault.open(address(0xbeef), total, T0, T0, T0 + lasts, 0);
    }

    /// @notice What can be released never falls and is never more than the whole, for every total below 2^64 and every length
    /// of a vesting below 2^32 seconds (136 years).
    function check_what_is_vested_never_falls(uint64 total, uint32 lasts, uint32 early, uint32 late) public {
        VM.assume(total != 0 && lasts != 0 && early <= late);
        uint256 id = _open(total, lasts);
        VM.warp(uint256(T0) + early);
        uint256 then = vault.releasable(id);
        VM.warp(uint256(T0) + late);
        assert(then <= vault.releasable(id));
        assert(vault.releasable(id) <= total);
        assert(late < lasts || vault.releasable(id) == total);
    }

    /// @notice What was released is not released again, and at the end all is out: over a year, for every total below 2^64.
    function check_a_vesting_pays_its_whole_and_no_more(uint64 total, uint32 first) public {
        VM.assume(total != 0 && first <= YEAR);
        uint256 id = _open(total, YEAR);
        VM.warp(uint256(T0) + first);
        uint256 then = vault.releasable(id);
        assert(then <= total);
        if (then != 0) vault.release(id);
        assert(vault.owed() == total - then);
        VM.warp(uint256(T0) + YEAR);
        assert(vault.releasable(id) == total - then);
        if (then != total) vault.release(id);
        assert(token.balanceOf(address(0xbeef)) == total);
        assert(vault.owed() == 0);
    }
}
