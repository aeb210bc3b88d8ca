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
import {Split} from "../../src/interfaces/IRevenueSplitter.sol";
import {IPoolShare} from "../../src/interfaces/IPoolShare.sol";
import {IProviderBoost} from "../../src/interfaces/IProviderBoost.sol";
import {BondingCurve} from "../../src/pool/BondingCurve.sol";
import {HealthDataPool} from "../../src/pool/HealthDataPool.sol";
import {RevenueSplitter} from "../../src/rewards/RevenueSplitter.sol";
import {VestingVault} from "../../src/rewards/VestingVault.sol";

/// @notice The cheat codes that a symbolic check needs.
interface SymbolicVm {
    function assume(bool condition) external pure;
    function warp(uint256 time) external;
}

/// @notice Peers that take what they are given.
contract Peer {
    uint256 public funded;
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

    function fund(uint256[] calldata, uint256[] calldata amounts) external {
        for (uint256 i; i < amounts.length; ++i) {
            funded += amounts[i];
        }
    }

    /// @dev A dataset whose custodian gets 15 %.
    function payeeOf(uint256) external view returns (address, uint16) {
        return (address(this), 1_500);
    }
}

/// @notice What holds for every value of the arguments, not only for those that a fuzzer tries.
contract Symbolic {
    uint256 private constant T0 = 1_800_000_000;
    uint256 private constant YEAR = 365 days;

    SymbolicVm private constant VM = SymbolicVm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    TestUSDC private token;
    Peer private peer;
    VestingVault private vault;
    RevenueSplitter private splitter;
    BondingCurve private curve;
    HealthDataPool private pool;

    function setUp() public {
        VM.warp(T0);
        AccessManager manager = new AccessManager(address(this));
        token = new TestUSDC(address(this));
        peer = new Peer();
        vault = new VestingVault(
            address(manager), token, IAttestationOracle(address(0)), IComputeMarket(address(0)), _datasets()
        );
        RevenueSplitter.Peers memory peers = RevenueSplitter.Peers({
            usdc: token,
            datasets: _datasets(),
            pool: IHealthDataPool(address(peer)),
            claims: IMemberClaims(address(peer)),
            streams: IPayoutStreams(address(0)),
            licenceMarket: address(this),
            computeMarket: address(this),
            treasury: address(0x7ea)
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
        curve = new BondingCurve(_curvePeers(), address(manager), 1e6, 100e18, 100);
        pool = HealthDataPool(
            address(
                new ERC1967Proxy(
                    address(new HealthDataPool(_poolPeers())),
                    abi.encodeCall(HealthDataPool.initialize, (address(manager), 1, 60_000, 30 days))
                )
            )
        );
    }

    function _poolPeers() private view returns (HealthDataPool.Peers memory) {
        return HealthDataPool.Peers({
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
    }

    function _datasets() private view returns (IDatasetToken) {
        return IDatasetToken(address(peer));
    }

    function _curvePeers() private view returns (BondingCurve.Peers memory) {
        return BondingCurve.Peers({
            usdc: token,
            market: ILicenceMarket(address(0)),
            splitter: address(splitter),
            datasets: _datasets(),
            registry: IParticipantRegistry(address(peer)),
            breaker: ICircuitBreaker(address(peer)),
            treasury: address(0x7ea)
        });
    }

    /// @notice A vesting never gives more than its whole, and what it gave once it does not give again.
    function check_a_vesting_pays_its_whole_and_no_more(uint64 total, uint32 first) public {
        VM.assume(total != 0 && first <= YEAR);
        token.mint(address(vault), total);
        uint256 id = vault.open(address(0xbeef), total, uint48(T0), uint48(T0), uint48(T0 + YEAR), 0);
        VM.warp(T0 + first);
        uint256 then = vault.releasable(id);
        assert(then <= total);
        if (then != 0) vault.release(id);
        assert(vault.owed() == total - then);
        VM.warp(T0 + YEAR);
        assert(vault.releasable(id) == total - then);
    }

    /// @notice Every unit of a payment is owed to somebody or was handed on, and the splitter holds what it owes.
    function check_a_split_is_of_the_whole(uint64 amount) public {
        token.mint(address(splitter), amount);
        uint256[] memory one = new uint256[](1);
        one[0] = 1;
        splitter.distribute(amount, one, one);
        uint256 kept = splitter.totalOwed() + splitter.buybackReserve();
        assert(token.balanceOf(address(splitter)) == kept);
        assert(kept + token.balanceOf(address(peer)) == amount);
    }

    /// @notice Two payments over shares that change between them: nobody gets from before they came, and together the
    /// holders get all but a unit each.
    function check_yield_is_shared_and_not_with_who_comes_later(uint32 first, uint32 second) public {
        (address ada, address ben) = (address(0xada), address(0xbe));
        peer.setEffective(ada, 3e18);
        pool.refresh(ada);
        pool.notifyYield(first);
        peer.setEffective(ben, 5e18);
        pool.refresh(ben);
        assert(pool.claimable(ben) == 0);
        uint256 before = pool.claimable(ada);
        assert(before <= first && before + 1 >= first);
        pool.notifyYield(second);
        uint256 sum = pool.claimable(ada) + pool.claimable(ben);
        assert(sum <= uint256(first) + second);
        assert(sum + 2 >= uint256(first) + second);
        assert(pool.claimable(ada) >= before);
    }

    /// @notice What units cost is at least what they give back, and at most one unit more for the rounding.
    function check_a_cost_is_the_proceeds_rounded_up(uint64 units) public view {
        uint256 cost = curve.costOf(units);
        // The same integral in one division, since a supply of zero leaves base n + slope n^2 / 2.
        uint256 exact = uint256(units) * (2e36 * 1e6 + 100e18 * uint256(units));
        assert(cost * 2e54 >= exact);
        assert(cost == 0 || (cost - 1) * 2e54 < exact);
    }
}
