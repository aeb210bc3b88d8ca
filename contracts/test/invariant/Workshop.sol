// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Kinds} from "../../src/common/Kinds.sol";
import {JobStates} from "../../src/interfaces/IComputeMarket.sol";
import {Contribution} from "../../src/interfaces/IContributionRewards.sol";
import {Check, CheckStates} from "../../src/interfaces/IValidatorPool.sol";
import {Service} from "../../src/interfaces/IServiceDesk.sol";
import {PartyRoles, Scopes} from "../../src/common/Codes.sol";
import {Bazaar} from "./Bazaar.sol";

/// @notice What can be tried with DATA and GOV, in the same world as everything else, and what must hold of them.
contract Workshop is Bazaar {
    address private immutable vera = makeAddr("vera");
    address[6] private savers;
    uint256 private contributions;

    function setUp() public override {
        super.setUp();
        _register(vera, PartyRoles.VALIDATOR, "FR", 0);
        savers = [custodians[0], custodians[1], makeAddr(people[0]), makeAddr(people[1]), vera, researcher];
        address[5] memory spenders =
            [address(boost), address(checks), address(desk), address(burner), address(voteEscrow)];
        for (uint256 i; i < savers.length; ++i) {
            _giveData(savers[i], 10_000e18);
            vm.prank(address(timelock));
            gov.mint(savers[i], 10_000e18);
            for (uint256 j; j < spenders.length; ++j) {
                vm.prank(savers[i]);
                data.approve(spenders[j], type(uint256).max);
            }
            vm.prank(savers[i]);
            gov.approve(address(voteEscrow), type(uint256).max);
        }
        vm.prank(address(timelock));
        desk.setService(1, Service(custodians[0], true, 1e18, "visit"));
        vm.prank(vera);
        checks.stake(1_000e18, _noPermit());
        _begunJobs();
    }

    /// @dev Of the jobs that are there from the start one is paid, so that there is revenue and a use.
    function _begunJobs() private {
        uint256 id = _someJob(0, JobStates.VERIFIED);
        compute.settle(id);
        ended[id] = JobStates.SETTLED;
    }

    /// @notice Everything that can be tried here, as function signatures.
    function workshopActions() public pure returns (string[] memory list) {
        list = new string[](17);
        list[0] = "stakeForBoost(uint256,uint256)";
        list[1] = "leaveBoost(uint256,uint256)";
        list[2] = "refreshShares(uint256)";
        list[3] = "chooseStream(uint256,uint256)";
        list[4] = "drawStream(uint256)";
        list[5] = "contribute(uint256,uint256)";
        list[6] = "recordUse(uint256)";
        list[7] = "releaseVesting(uint256)";
        list[8] = "buyBack(uint256,uint256)";
        list[9] = "buyService(uint256,uint256)";
        list[10] = "takeService(uint256,uint256)";
        list[11] = "requestCheck(uint256,uint256)";
        list[12] = "workOnCheck(uint256,uint256)";
        list[13] = "challengeCheck(uint256)";
        list[14] = "endCheck(uint256,uint256)";
        list[15] = "lockGov(uint256,uint256)";
        list[16] = "unlockGov(uint256)";
    }

    /// @notice Everything that can be tried anywhere, as function signatures.
    function everything() public pure returns (string[] memory list) {
        string[][3] memory parts = [actions(), marketActions(), workshopActions()];
        list = new string[](parts[0].length + parts[1].length + parts[2].length);
        uint256 next;
        for (uint256 i; i < parts.length; ++i) {
            for (uint256 j; j < parts[i].length; ++j) {
                list[next++] = parts[i][j];
            }
        }
    }

    function _saver(uint256 a) private view returns (address) {
        return savers[a % savers.length];
    }

    // ---------------------------------------------------------------- boost and streams

    function stakeForBoost(uint256 a, uint256 b) external {
        address who = savers[a % 4];
        vm.prank(who);
        boost.stake(1 + b % 100e18, _noPermit());
    }

    function leaveBoost(uint256 a, uint256 b) external {
        address who = savers[a % 4];
        if (b % 2 == 0) {
            boost.withdraw(who);
        } else {
            uint256 active = boost.stakeOf(who).active;
            if (active == 0) revert Nothing();
            vm.prank(who);
            boost.announceUnstake(1 + b % active);
        }
    }

    function refreshShares(uint256 a) external {
        pool.refresh(_someHolder(a));
    }

    function chooseStream(uint256 a, uint256 b) external {
        vm.prank(_someHolder(a));
        streams.choose(b % 3 == 0 ? 0 : uint32(1 hours + b % 90 days));
    }

    function drawStream(uint256 a) external {
        for (uint256 i; i < custodians.length + people.length; ++i) {
            address holder = _someHolder(_wrap(a, i, custodians.length + people.length));
            if (streams.flowed(holder) == 0) continue;
            streams.withdraw(holder);
            return;
        }
        revert Nothing();
    }

    // ---------------------------------------------------------------- rewards

    function contribute(uint256 a, uint256 b) external {
        Contribution memory c = Contribution({
            member: _someMember(a),
            source: bytes32(1 + b % 3),
            contentHash: keccak256(abi.encode("contribution", ++contributions)),
            datasetId: _someDataset(b),
            quality: uint16(b % 10_001),
            rarity: uint32(a % 50_001)
        });
        bytes32 personId = membership.personOf(c.member);
        bytes32 payload = keccak256(abi.encode(c));
        _turnTheYear();
        uint256 before = data.totalSupply();
        rewards.reward(c, _proof(Kinds.POINTS, personId, payload));
        dataMinted += data.totalSupply() - before;
    }

    function recordUse(uint256 a) external {
        uint256 jobId = _someJob(a, JobStates.SETTLED);
        uint256 datasetId = compute.job(jobId).datasetId;
        bytes32 payload = keccak256(abi.encode(datasetId, jobId, bytes32("approval")));
        vault.recordUse(datasetId, jobId, "approval", _proof(Kinds.USE, bytes32(datasetId), payload));
    }

    function releaseVesting(uint256 a) external {
        uint256 count = vault.vestingCount();
        for (uint256 i; i < count; ++i) {
            uint256 id = 1 + _wrap(a, i, count);
            if (vault.releasable(id) == 0) continue;
            vault.release(id);
            return;
        }
        revert Nothing();
    }

    function buyBack(uint256 a, uint256 b) external {
        _turnTheYear();
        if (splitter.buybackReserve() != 0) burner.collect();
        uint256 most = burner.funds() < 1_000e6 ? burner.funds() : 1_000e6;
        if (most == 0) revert Nothing();
        uint256 amount = (1 + b % most) * 1e18 / burner.price();
        uint256 supply_ = data.totalSupply();
        vm.prank(_saver(a));
        burner.sell(amount, 0);
        assertEq(data.totalSupply(), supply_ - amount, "what was bought back was not burned");
    }

    // ---------------------------------------------------------------- services and checks

    function buyService(uint256 a, uint256 b) external {
        _turnTheYear();
        vm.prank(_saver(a));
        desk.buy(1, _saver(b), 1 + b % 5, type(uint256).max, _noPermit());
    }

    function takeService(uint256 a, uint256 b) external {
        uint256 units = desk.unitsOf(1, _saver(a));
        if (units == 0) revert Nothing();
        vm.prank(custodians[0]);
        desk.take(1, _saver(a), 1 + b % units, "visit");
    }

    function requestCheck(uint256 a, uint256 b) external {
        uint256 id = _someDataset(b);
        vm.prank(researcher);
        checks.request(id, uint128(1 + a % 10e18), _noPermit());
    }

    function _checkIn(uint256 a, uint8 state) private view returns (uint256) {
        uint256 count = checks.checkCount();
        for (uint256 i; i < count; ++i) {
            uint256 id = 1 + _wrap(a, i, count);
            if (checks.check(id).state == state) return id;
        }
        revert Nothing();
    }

    function workOnCheck(uint256 a, uint256 b) external {
        uint256 id = _checkIn(a, b % 2 == 0 ? CheckStates.REQUESTED : CheckStates.TAKEN);
        vm.prank(vera);
        if (b % 2 == 0) checks.take(id);
        else checks.report(id, uint16(a % 10_001), "report");
    }

    function challengeCheck(uint256 a) external {
        uint256 id = _checkIn(a, CheckStates.REPORTED);
        vm.prank(researcher);
        checks.challenge(id, "evidence", _noPermit());
    }

    function endCheck(uint256 a, uint256 b) external {
        _turnTheYear();
        if (b % 3 == 0) {
            uint256 id = _checkIn(a, CheckStates.CHALLENGED);
            bool wrong = a % 2 == 0;
            bytes32 payload = keccak256(abi.encode(id, checks.check(id).report, wrong));
            checks.rule(id, wrong, _proof(Kinds.VERDICT, bytes32(id), payload));
        } else if (b % 3 == 1) {
            checks.conclude(1 + a % (checks.checkCount() + 1));
        } else {
            uint256 id = _checkIn(a, CheckStates.REQUESTED);
            vm.prank(researcher);
            checks.cancel(id);
        }
    }

    // ---------------------------------------------------------------- locking GOV

    function lockGov(uint256 a, uint256 b) external {
        address who = _saver(a);
        uint256 end = block.timestamp + 7 days + b % (200 * 7 days);
        uint48 last = voteEscrow.lockOf(who).end;
        vm.prank(who);
        // forge-lint: disable-next-line(unsafe-typecast)
        voteEscrow.lock(1 + a % 100e18, end < last ? last : uint48(end), _noPermit());
    }

    function unlockGov(uint256 a) external {
        for (uint256 i; i < savers.length; ++i) {
            address who = _saver(_wrap(a, i, savers.length));
            if (voteEscrow.lockOf(who).amount == 0 || block.timestamp < voteEscrow.lockOf(who).end) continue;
            voteEscrow.withdraw(who);
            return;
        }
        revert Nothing();
    }

    // ---------------------------------------------------------------- what must always hold

    /// @notice DATA, GOV and streamed USDC are where they are owed, to the unit.
    function workshopSolvency() external view {
        assertEq(data.balanceOf(address(boost)), boost.owed(), "the boost does not hold its stakes");
        assertEq(data.balanceOf(address(vault)), vault.owed(), "the vault does not hold what it owes");
        assertEq(data.balanceOf(address(checks)), checks.owed(), "the checks do not hold what they owe");
        assertEq(data.balanceOf(address(desk)), 0, "the desk keeps money");
        assertEq(gov.balanceOf(address(voteEscrow)), voteEscrow.owed(), "the escrow does not hold its locks");
        assertEq(usdc.balanceOf(address(streams)), streams.owed(), "the streams do not hold what they owe");
        (uint256 staked, uint256 active) = (0, 0);
        for (uint256 i; i < 4; ++i) {
            active += boost.stakeOf(savers[i]).active;
            staked += boost.stakeOf(savers[i]).active + boost.stakeOf(savers[i]).leaving;
        }
        assertEq(boost.totalStake(), active, "stakes do not add up");
        assertEq(boost.owed(), staked, "what the boost owes does not add up");
        uint256 locked;
        for (uint256 i; i < savers.length; ++i) {
            locked += voteEscrow.lockOf(savers[i]).amount;
        }
        assertEq(voteEscrow.owed(), locked, "locks do not add up");
        _checksOweWhatTheySay();
        _effectiveSharesAddUp();
    }

    function _checksOweWhatTheySay() private view {
        uint256 sum = checks.stakeOf(vera).staked;
        uint256 locked;
        for (uint256 id = 1; id <= checks.checkCount(); ++id) {
            Check memory c = checks.check(id);
            if (c.state > CheckStates.CHALLENGED) continue;
            sum += c.pay;
            if (c.state != CheckStates.REQUESTED) locked += c.bond;
            if (c.state == CheckStates.CHALLENGED) sum += c.challengeBond;
        }
        assertEq(checks.owed(), sum, "what the checks owe does not add up");
        assertEq(checks.stakeOf(vera).locked, locked, "a bond is locked for nothing");
    }

    function _effectiveSharesAddUp() private view {
        uint256 sum;
        for (uint256 i; i < custodians.length + people.length; ++i) {
            address holder = _someHolder(i);
            uint256 effective = pool.effectiveOf(holder);
            assertLe(effective, share.balanceOf(holder), "more than every share earns");
            assertLe(share.balanceOf(holder) * 2, effective * 5 + 4, "less than two fifths earn");
            sum += effective;
        }
        assertEq(pool.totalEffective(), sum, "effective shares do not add up");
    }

    // ---------------------------------------------------------------- exit

    /// @notice Paused for good, everybody gets out of everything with what is theirs. Ends the world.
    function exit() external {
        vm.prank(address(timelock));
        breaker.extend(Scopes.ALL, type(uint64).max);
        // Who wants to be paid at once says so.
        for (uint256 i; i < custodians.length + people.length; ++i) {
            vm.prank(_someHolder(i));
            streams.choose(0);
        }
        _endTheMarket();
        _endTheChecks();
        _endTheWorld();
        _unlockEverything();
    }

    function _endTheChecks() private {
        for (uint256 id = 1; id <= checks.checkCount(); ++id) {
            uint8 state = checks.check(id).state;
            if (state == CheckStates.REQUESTED) {
                vm.prank(researcher);
                checks.cancel(id);
            } else if (state <= CheckStates.CHALLENGED) {
                checks.conclude(id);
            }
        }
        uint256 free = checks.stakeOf(vera).staked;
        if (free != 0) {
            vm.prank(vera);
            checks.unstake(free);
        }
        assertEq(checks.owed(), 0, "the checks still owe");
    }

    function _unlockEverything() private {
        for (uint256 i; i < 4; ++i) {
            uint256 active = boost.stakeOf(savers[i]).active;
            if (active == 0) continue;
            vm.prank(savers[i]);
            boost.announceUnstake(active);
        }
        // The longest lock is 208 weeks; streams and stakes are over long before.
        vm.warp(block.timestamp + 209 weeks);
        for (uint256 i; i < 4; ++i) {
            if (boost.stakeOf(savers[i]).leaving != 0) boost.withdraw(savers[i]);
        }
        for (uint256 i; i < custodians.length + people.length; ++i) {
            if (streams.flowed(_someHolder(i)) != 0) streams.withdraw(_someHolder(i));
        }
        for (uint256 i; i < savers.length; ++i) {
            if (voteEscrow.lockOf(savers[i]).amount != 0) voteEscrow.withdraw(savers[i]);
        }
        for (uint256 id = 1; id <= vault.vestingCount(); ++id) {
            if (vault.releasable(id) != 0) vault.release(id);
        }
        assertEq(boost.owed(), 0, "the boost still owes");
        assertEq(streams.owed(), 0, "the streams still owe");
        assertEq(voteEscrow.owed(), 0, "the escrow still owes");
    }
}
