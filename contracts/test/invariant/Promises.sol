// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";
import {AccessRoles, Scopes} from "../../src/common/Codes.sol";
import {Job, JobStates} from "../../src/interfaces/IComputeMarket.sol";
import {Deposit} from "../../src/interfaces/IHealthDataPool.sol";
import {Claims} from "../../src/interfaces/IMemberClaims.sol";
import {MerkleTree} from "../support/MerkleTree.sol";
import {World} from "./World.sol";

/// @notice What must always hold, whatever happened in the world. Each promise reverts with what is broken.
abstract contract Promises is World {
    address[] private _implementations;

    function setUp() public virtual override {
        super.setUp();
        for (uint256 i; i < modules.length; ++i) {
            _implementations.push(_implementationOf(modules[i]));
        }
    }

    // ---------------------------------------------------------------- 1 solvency

    /// @notice Every contract holds the USDC that it owes, to the unit.
    function solvency() external view {
        assertEq(
            usdc.balanceOf(address(splitter)),
            splitter.totalOwed() + splitter.buybackReserve(),
            "the splitter does not hold what it owes"
        );
        assertEq(usdc.balanceOf(address(pool)), pool.owed(), "the pool does not hold what it owes");
        assertEq(usdc.balanceOf(address(compute)), compute.owed(), "the jobs do not hold what they owe");
        assertEq(usdc.balanceOf(address(market)), 0, "the licence market keeps money");
        _splitterOwesWhatItSays();
        _poolOwesItsHolders();
        _claimsOweTheirMembers();
        _jobsOweTheirResearchers();
    }

    function _splitterOwesWhatItSays() private view {
        uint256 sum = splitter.owed(address(treasury));
        for (uint256 i; i < custodians.length; ++i) {
            sum += splitter.owed(custodians[i]);
        }
        assertEq(sum, splitter.totalOwed(), "what the splitter owes does not add up");
    }

    function _poolOwesItsHolders() private view {
        uint256 sum;
        uint256 held;
        uint256 holders = custodians.length + people.length;
        for (uint256 i; i < holders; ++i) {
            sum += pool.claimable(_someHolder(i));
            held += share.balanceOf(_someHolder(i));
        }
        assertEq(held, share.totalSupply(), "somebody else holds shares");
        assertLe(sum, pool.owed(), "holders can claim more than came in");
        // A fraction of a unit stays with each holder, and one more is carried.
        if (held != 0) assertLe(pool.owed(), sum + holders + 1, "yield was lost");
    }

    function _claimsOweTheirMembers() private view {
        uint256 sum;
        for (uint256 i; i < datasetIds.length; ++i) {
            Claims memory c = claims.claimsOf(datasetIds[i]);
            assertLe(c.paid, c.total, "members were paid more than was posted");
            assertLe(c.total, c.funded, "more was posted than came in");
            sum += c.funded - c.paid;
        }
        assertEq(usdc.balanceOf(address(claims)), sum, "the claims do not hold what they owe");
    }

    function _jobsOweTheirResearchers() private view {
        uint256 sum;
        for (uint256 id = 1; id <= compute.jobCount(); ++id) {
            sum += compute.job(id).escrow;
        }
        for (uint256 i; i < researchers.length; ++i) {
            sum += compute.refundable(researchers[i]);
        }
        assertEq(sum, compute.owed(), "escrows and refunds do not add up");
    }

    // ---------------------------------------------------------------- 2 supply

    /// @notice Shares are those of the datasets in the pool; DATA grew no more than it may in a year.
    function supply() external view {
        uint256 sum;
        for (uint256 i; i < datasetIds.length; ++i) {
            uint256 id = datasetIds[i];
            Deposit memory d = pool.depositOf(id);
            assertEq(d.shares, sharesIn[id], "a deposit has other shares than it minted");
            address holder = d.depositor == address(0) ? datasets.custodianOf(id) : address(pool);
            assertEq(datasets.ownerOf(id), holder, "a dataset is not where its deposit says");
            sum += sharesIn[id];
        }
        assertEq(share.totalSupply(), sum, "shares are not those of the datasets");
        assertLe(dataMinted, dataSupplyAtStart * 500 / 10_000, "more DATA in a year than may be");
    }

    // ---------------------------------------------------------------- 3 consent

    /// @notice No answer was fixed under a counter that was not the registry's at that moment, and jobs end once.
    function consent() external view {
        assertEq(consentBroken, 0, "an answer under an old counter was committed");
        for (uint256 id = 1; id <= compute.jobCount(); ++id) {
            Job memory j = compute.job(id);
            if (j.state == JobStates.SETTLED) {
                assertEq(j.consentCounter, counterAtCommit[id], "settled under another counter");
                assertLe(j.spentEpsilonMilli, j.epsilonMilli, "an answer cost more privacy than asked");
            }
            if (_isFinal(j.state)) {
                assertEq(j.escrow, 0, "an ended job holds money");
            }
            assertEq(_isFinal(j.state) ? j.state : 0, ended[id], "a job left its final state");
        }
    }

    function _isFinal(uint8 state) private pure returns (bool) {
        return state >= JobStates.SETTLED && state != JobStates.DISPUTED;
    }

    // ---------------------------------------------------------------- 4 compliance

    /// @notice No pass and no job came to be that the rules forbade at that time; passes count their uses and the pool
    /// its jobs.
    function lawfulness() external view {
        assertEq(complianceBroken, 0, "something forbidden went through");
        Tally memory t = _tally();
        for (uint256 i; i < passIds.length; ++i) {
            uint256 id = passIds[i];
            _passCountsItsUses(id, t.usesOpen[id], t.usesSettled[id]);
        }
        for (uint256 i; i < datasetIds.length; ++i) {
            uint256 id = datasetIds[i];
            assertEq(pool.depositOf(id).openJobs, t.jobsOpen[id] + _loansOn(id), "the pool counts other jobs");
        }
    }

    /// @dev Loans of a dataset that are open, which the pool counts like jobs.
    function _loansOn(uint256 datasetId) internal view virtual returns (uint256);

    /// @dev What passes and pool must have counted, by identifier: both are numbered from one.
    struct Tally {
        uint256[] usesOpen;
        uint256[] usesSettled;
        uint256[] jobsOpen;
    }

    function _tally() private view returns (Tally memory t) {
        // Passes are numbered by all who sell, so the last that was bought has the greatest number here.
        uint256 greatest = passIds[passIds.length - 1];
        t.usesOpen = new uint256[](greatest + 1);
        t.usesSettled = new uint256[](greatest + 1);
        t.jobsOpen = new uint256[](datasetIds.length + 1);
        uint256 count = compute.jobCount();
        uint256 id = 1;
        while (id <= count) {
            uint256 question = id;
            uint256 passId;
            bool isOpen;
            bool isAnswered;
            for (; id <= count; ++id) {
                Job memory j = compute.job(id);
                if (j.questionId != question) break;
                passId = j.passId;
                isAnswered = isAnswered || j.state == JobStates.SETTLED;
                if (_isFinal(j.state)) continue;
                isOpen = true;
                ++t.jobsOpen[j.datasetId];
            }
            if (isOpen) ++t.usesOpen[passId];
            else if (isAnswered) ++t.usesSettled[passId];
        }
    }

    function _passCountsItsUses(uint256 passId, uint256 open, uint256 settled) private view {
        uint256 left = usesBought[passId] - open - settled;
        if (left == 0 && open == 0) {
            (bool exists,) = address(passes).staticcall(abi.encodeCall(passes.pass, (passId)));
            assertFalse(exists, "a spent pass lives on");
        } else {
            assertEq(passes.pass(passId).usesLeft, left, "a pass has other uses left");
            assertEq(passes.pass(passId).usesOpen, open, "a pass has other uses open");
        }
    }

    // ---------------------------------------------------------------- 5 exit

    /// @dev Paused for good, everybody gets out with what is theirs.
    function _endTheWorld() internal {
        _endEveryJob();
        _withdrawEveryDataset();
        // A frozen account is the token's matter; it keeps nobody else, and is paid once it is free.
        _freeNobodyBut(address(0));
        _payEverybody();
        _everyMemberLeaves();

        assertEq(compute.owed(), 0, "jobs still owe");
        assertEq(splitter.totalOwed(), 0, "the splitter still owes");
        assertEq(membership.totalMembers(), 0, "a member is kept");
    }

    function _endEveryJob() private {
        for (uint256 id = 1; id <= compute.jobCount(); ++id) {
            Job memory j = compute.job(id);
            if (_isFinal(j.state)) continue;
            uint256 longest = j.state == JobStates.DISPUTED ? 200 days : 30 days;
            assertLe(j.deadline, block.timestamp + longest, "a job may last too long");
            if (block.timestamp <= j.deadline) vm.warp(j.deadline + 1);
            uint256 before = usdc.balanceOf(j.researcher) + compute.refundable(j.researcher);
            compute.expire(id);
            uint256 after_ = usdc.balanceOf(j.researcher) + compute.refundable(j.researcher);
            assertEq(after_ - before, j.escrow, "a researcher was not refunded");
        }
    }

    function _withdrawEveryDataset() private {
        for (uint256 i; i < datasetIds.length; ++i) {
            uint256 id = datasetIds[i];
            Deposit memory d = pool.depositOf(id);
            // Who gave shares away has to get them back first.
            if (d.depositor == address(0) || share.balanceOf(d.depositor) < d.shares) continue;
            if (!d.announced) _announce(d.depositor, id);
            _withdraw(d.depositor, id);
            assertEq(datasets.ownerOf(id), d.depositor, "a dataset was kept");
        }
    }

    function _payEverybody() private {
        for (uint256 i; i < custodians.length + people.length; ++i) {
            address holder = _someHolder(i);
            uint256 claimable = pool.claimable(holder);
            uint256 before = usdc.balanceOf(holder);
            if (claimable != 0) pool.claimRewards(holder);
            assertEq(usdc.balanceOf(holder) - before, claimable, "yield was not paid");
            if (splitter.owed(holder) != 0) splitter.release(holder);
        }
        if (splitter.owed(address(treasury)) != 0) splitter.release(address(treasury));
        for (uint256 i; i < researchers.length; ++i) {
            if (compute.refundable(researchers[i]) != 0) compute.withdrawRefund(researchers[i]);
        }
        for (uint256 i; i < datasetIds.length; ++i) {
            for (uint256 j; j < people.length; ++j) {
                _payMember(datasetIds[i], j);
            }
        }
    }

    function _payMember(uint256 id, uint256 index) private {
        bytes32 person = _personOf(people[index]);
        uint256 due = cumulative[id][index] - claims.claimed(id, person);
        address member = membership.memberOf(person);
        if (due == 0 || member == address(0)) return;
        uint256 before = usdc.balanceOf(member);
        claims.claim(id, person, cumulative[id][index], MerkleTree.proof(_leaves(id), index));
        assertEq(usdc.balanceOf(member) - before, due, "a member was not paid");
    }

    function _everyMemberLeaves() private {
        for (uint256 i; i < people.length; ++i) {
            address member = makeAddr(people[i]);
            for (uint256 j; j < custodians.length; ++j) {
                if (consents.grantsOf(member, custodians[j]).length == 0) continue;
                vm.prank(member);
                consents.revokeAll(custodians[j]);
            }
            if (!membership.isMember(member)) continue;
            vm.prank(member);
            membership.resign();
        }
    }

    // ---------------------------------------------------------------- 6 authority

    /// @notice Parameters, rules and code are those that governance set, and only it holds power.
    function authority() external view {
        assertEq(intrusions, 0, "somebody did what only governance or a peer may do");
        assertEq(keccak256(abi.encode(splitter.split())), keccak256(abi.encode(split)), "another split");
        assertEq(keccak256(abi.encode(compute.windows())), keccak256(abi.encode(windows)), "other windows");
        assertEq(compute.jobFee(), jobFee, "another fee");
        assertEq(market.pricePer1000(1), clinicalPrice, "another price");
        assertEq(
            keccak256(abi.encode(rules.ruleAt(0, "EU", "US", 0))),
            keccak256(abi.encode(transatlantic)),
            "another rule"
        );
        (, uint16 cap) = pool.scoreBounds();
        assertEq(cap, SCORE_CAP, "another cap");
        for (uint256 i; i < modules.length; ++i) {
            assertEq(_implementationOf(modules[i]), _implementations[i], "other code");
        }
        _onlyTheTimelockIsAdmin();
    }

    function _onlyTheTimelockIsAdmin() private view {
        (bool held,) = manager.hasRole(AccessRoles.ADMIN, address(timelock));
        assertTrue(held, "the timelock lost its power");
        address[5] memory others = [deployer, registrar, guardian, stranger, berlin];
        for (uint256 i; i < others.length; ++i) {
            (held,) = manager.hasRole(AccessRoles.ADMIN, others[i]);
            assertFalse(held, "somebody became admin");
        }
    }

    function _implementationOf(address module) private view returns (address) {
        return address(uint160(uint256(vm.load(module, ERC1967Utils.IMPLEMENTATION_SLOT))));
    }
}
