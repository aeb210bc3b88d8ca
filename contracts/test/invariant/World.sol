// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {PartyRoles, Purposes, Scopes} from "../../src/common/Codes.sol";
import {TestUSDC} from "../../src/development/TestUSDC.sol";
import {Job, JobStates, Question, Windows} from "../../src/interfaces/IComputeMarket.sol";
import {Grant} from "../../src/interfaces/IConsentRegistry.sol";
import {Dataset, MintRequest} from "../../src/interfaces/IDatasetToken.sol";
import {Deposit, Value} from "../../src/interfaces/IHealthDataPool.sol";
import {Rule, RuleRow} from "../../src/interfaces/IJurisdictionRules.sol";
import {Order} from "../../src/interfaces/ILicenceMarket.sol";
import {Pass} from "../../src/interfaces/ILicencePass.sol";
import {Split} from "../../src/interfaces/IRevenueSplitter.sol";
import {FreezableUSDC} from "../support/FreezableUSDC.sol";
import {MerkleTree} from "../support/MerkleTree.sol";
import {Trading} from "../support/Trading.sol";

/// @notice The deployed protocol and everybody around it. Each action is something that somebody may try; two numbers
/// choose who and what. An action that is not possible now reverts, and forge counts it.
/// @dev What happened is also written down here, independently of the contracts, for the promises to be held against.
/// A revert does not take back what it told forge, so that no action may start a prank that it might not end.
abstract contract World is Trading {
    /// @dev Nobody can do this now.
    error Nothing();

    uint256 internal constant DATASETS_AT_MOST = 12;

    address[] internal custodians;
    address[] internal researchers;
    string[] internal people;

    // ---------------------------------------------------------------- what happened, in our own books

    uint256[] internal datasetIds;
    uint256[] internal passIds;
    /// @dev Shares of each dataset that is in the pool.
    mapping(uint256 datasetId => uint256) internal sharesIn;
    /// @dev Uses of each pass when it was bought.
    mapping(uint256 passId => uint32) internal usesBought;
    /// @dev Where each job ended, zero while it is open.
    mapping(uint256 jobId => uint8) internal ended;
    /// @dev The custodian's consent counter in the registry when the job was committed.
    mapping(uint256 jobId => uint64) internal counterAtCommit;
    /// @dev What each person earned from each dataset, as last posted.
    mapping(uint256 datasetId => uint256[6]) internal cumulative;
    mapping(address party => bool) internal suspended;

    Split internal split;
    Windows internal windows;
    uint128 internal jobFee;
    uint256 internal clinicalPrice;
    Rule internal transatlantic;

    uint256 internal dataYear;
    uint256 internal dataSupplyAtStart;
    uint256 internal dataMinted;

    /// @dev What must never happen, counted.
    uint256 internal complianceBroken;
    uint256 internal consentBroken;
    uint256 internal intrusions;

    function setUp() public virtual override {
        super.setUp();
        custodians = [berlin, boston, makeAddr("paris")];
        researchers = [researcher, makeAddr("lyon"), makeAddr("austin"), barred];
        people = ["ada", "ben", "cleo", "dora", "emil", "fay"];
        _register(custodians[2], PartyRoles.CUSTODIAN, "FR", 0);
        _register(researchers[1], PartyRoles.RESEARCHER, "FR", 0);
        _register(researchers[2], PartyRoles.RESEARCHER, "US", 0);
        split = _defaultSplit();
        windows = _defaultWindows();
        jobFee = JOB_FEE;
        clinicalPrice = PRICE_PER_1000;
        transatlantic = rules.ruleAt(0, "EU", "US", 0);
        dataSupplyAtStart = GENESIS;
        _begin();
    }

    /// @dev A world in which every kind of thing is there, so that a run of any length reaches what lies behind it.
    function _begin() private {
        for (uint256 i; i < people.length; ++i) {
            _join(people[i]);
        }
        for (uint256 i; i < 6; ++i) {
            uint256 id = _mint(custodians[i % 3], _mintRequest(uint8(bound(i, 1, 2)), 5_000, 1_000));
            sharesIn[id] = _deposit(custodians[i % 3], id, _neutral());
            datasetIds.push(id);
        }
        for (uint256 i; i < 4; ++i) {
            passIds.push(_buy(researcher, _ids(datasetIds[i], datasetIds[i + 1]), 3));
            usesBought[passIds[i]] = 3;
            // The jobs of the first question stay requested, those of the second are accepted, and so on.
            uint256 job = _ask(researcher, passIds[i], _ids(datasetIds[i], datasetIds[i + 1]));
            for (uint256 j; j < 2; ++j) {
                address custodian = custodians[(i + j) % 3];
                if (i > 0) _accept(custodian, job + j);
                if (i > 1) _commit(custodian, job + j);
                if (i > 2) _verify(job + j);
            }
        }
    }

    /// @notice Everything that can be tried, as function signatures.
    function actions() public pure returns (string[] memory list) {
        list = new string[](35);
        list[0] = "join(uint256)";
        list[1] = "resign(uint256)";
        list[2] = "grantConsent(uint256,uint256)";
        list[3] = "revokeConsent(uint256,uint256)";
        list[4] = "postConsentRoot(uint256)";
        list[5] = "mintDataset(uint256,uint256)";
        list[6] = "depositDataset(uint256,uint256)";
        list[7] = "announceWithdrawal(uint256)";
        list[8] = "withdrawDataset(uint256)";
        list[9] = "moveShares(uint256,uint256)";
        list[10] = "claimYield(uint256)";
        list[11] = "buyLicence(uint256,uint256)";
        list[12] = "askQuestion(uint256,uint256)";
        list[13] = "acceptJob(uint256)";
        list[14] = "declineJob(uint256)";
        list[15] = "commitJob(uint256,uint256)";
        list[16] = "verifyJob(uint256)";
        list[17] = "settleJob(uint256)";
        list[18] = "expireJob(uint256,uint256)";
        list[19] = "withdrawRefund(uint256)";
        list[20] = "postClaims(uint256,uint256)";
        list[21] = "claimAsMember(uint256,uint256)";
        list[22] = "releaseOwed(uint256)";
        list[23] = "freezeAccount(uint256)";
        list[24] = "suspendParty(uint256)";
        list[25] = "restoreParty(uint256)";
        list[26] = "changeRule(uint256)";
        list[27] = "changeMoney(uint256,uint256)";
        list[28] = "changeWindows(uint256,uint256)";
        list[29] = "pauseScopes(uint256,uint256)";
        list[30] = "reopenScopes()";
        list[31] = "mintData(uint256,uint256)";
        list[32] = "releaseBuyback(uint256)";
        list[33] = "wait(uint256)";
        list[34] = "intrude(uint256,uint256)";
    }

    // ---------------------------------------------------------------- members

    function join(uint256 a) external {
        string storage name = people[a % people.length];
        if (membership.isMember(makeAddr(name))) revert Nothing();
        _join(name);
    }

    function resign(uint256 a) external {
        vm.prank(_someMember(a));
        membership.resign();
    }

    function grantConsent(uint256 a, uint256 b) external {
        address member = _someMember(a);
        Grant memory terms = Grant({
            custodian: custodians[b % custodians.length],
            grantee: b % 5 == 0 ? researcher : address(0),
            classes: 2 + 4 * (a % 2),
            purposes: 2 * (1 + b % 200),
            jurisdictions: 1,
            expiry: uint64(block.timestamp + bound(a, 1, 100 days)),
            documentHash: bytes32(b)
        });
        vm.prank(member);
        consents.grant(terms);
    }

    function revokeConsent(uint256 a, uint256 b) external {
        // Also one who left may revoke.
        address member = makeAddr(people[a % people.length]);
        vm.prank(member);
        consents.revokeAll(custodians[b % custodians.length]);
    }

    // ---------------------------------------------------------------- custodians

    function postConsentRoot(uint256 a) external {
        uint256 id = _someDataset(a);
        vm.prank(datasets.custodianOf(id));
        consents.postConsentRoot(id, keccak256(abi.encode(a)));
    }

    function mintDataset(uint256 a, uint256 b) external {
        if (datasetIds.length == DATASETS_AT_MOST) revert Nothing();
        MintRequest memory r =
            _mintRequest(uint8(bound(b, 1, 2)), uint64(bound(a, 1, 1e6)), uint64(bound(b, 1, 1e5)));
        // Now and then less anonymous than any rule allows.
        r.k = uint16(a % 8 == 0 ? 4 : 5 + a % 3);
        r.custodianBps = uint16(bound(b, 0, 2_000));
        datasetIds.push(_mint(custodians[a % custodians.length], r));
    }

    function depositDataset(uint256 a, uint256 b) external {
        uint256 id = _someDatasetWhere(a, false);
        Value memory v = Value(
            uint16(bound(a, 1, SCORE_CAP)),
            uint16(bound(b, 1, SCORE_CAP)),
            uint16(bound(a ^ b, 1, SCORE_CAP)),
            10_000
        );
        sharesIn[id] = _deposit(datasets.custodianOf(id), id, v);
    }

    function announceWithdrawal(uint256 a) external {
        // Leaving is rare, or nothing else would get far.
        if (a % 4 != 0) revert Nothing();
        uint256 id = _someDatasetWhere(a / 4, true);
        _announce(pool.depositOf(id).depositor, id);
    }

    function withdrawDataset(uint256 a) external {
        for (uint256 i; i < datasetIds.length; ++i) {
            uint256 id = datasetIds[_wrap(a, i, datasetIds.length)];
            Deposit memory d = pool.depositOf(id);
            if (!d.announced) continue;
            _withdraw(d.depositor, id);
            sharesIn[id] = 0;
            return;
        }
        revert Nothing();
    }

    function moveShares(uint256 a, uint256 b) external {
        for (uint256 i; i < custodians.length + people.length; ++i) {
            address from = _someHolder(_wrap(a, i, custodians.length + people.length));
            uint256 balance = share.balanceOf(from);
            if (balance == 0) continue;
            _transferShares(from, _someHolder(b), bound(a ^ b, 0, balance));
            return;
        }
        revert Nothing();
    }

    function claimYield(uint256 a) external {
        for (uint256 i; i < custodians.length + people.length; ++i) {
            address holder = _someHolder(_wrap(a, i, custodians.length + people.length));
            if (pool.claimable(holder) == 0) continue;
            vm.prank(stranger);
            pool.claimRewards(holder);
            return;
        }
        revert Nothing();
    }

    // ---------------------------------------------------------------- researchers

    function buyLicence(uint256 a, uint256 b) external {
        address buyer = _someBuyer(a);
        uint256[] memory ids = _oneOrTwo(b);
        uint32 uses = uint32(bound(b, 1, 3));
        uint256 price = market.quote(ids, uses);
        _giveUSDC(buyer, price);
        Order memory order = _order(ids, uses);
        // Computed before the prank, so that the purchase is the call that is made as the buyer.
        bool allowed = _modelAllows(buyer, ids, 0);
        vm.prank(buyer);
        require(usdc.approve(address(market), price));
        vm.prank(buyer);
        uint256 passId = market.buy(order, _noPermit());

        if (!allowed) ++complianceBroken;
        passIds.push(passId);
        usesBought[passId] = uses;
    }

    function askQuestion(uint256 a, uint256 b) external {
        uint256 passId = _somePass(a);
        address asker = passes.ownerOf(passId);
        Question memory question = _question(passId, _someOf(passes.pass(passId).datasetIds, b));
        question.epsilonMilli = uint32(bound(b, 1, a % 4 == 0 ? 3_500 : 1_000));
        uint256 fee = uint256(jobFee) * question.datasetIds.length;
        _giveUSDC(asker, fee);
        bool allowed = _modelAllows(asker, question.datasetIds, question.epsilonMilli);
        vm.prank(asker);
        require(usdc.approve(address(compute), fee));
        vm.prank(asker);
        compute.request(question, _noPermit());
        if (!allowed) ++complianceBroken;
    }

    function withdrawRefund(uint256 a) external {
        for (uint256 i; i < researchers.length; ++i) {
            address owed = researchers[_wrap(a, i, researchers.length)];
            if (compute.refundable(owed) == 0) continue;
            compute.withdrawRefund(owed);
            return;
        }
        revert Nothing();
    }

    // ---------------------------------------------------------------- jobs

    function acceptJob(uint256 a) external {
        uint256 id = _someJob(a, JobStates.REQUESTED);
        Job memory j = compute.job(id);
        bool allowed = _modelAllows(j.researcher, _ids(j.datasetId), j.epsilonMilli);
        _accept(datasets.custodianOf(j.datasetId), id);
        if (!allowed) ++complianceBroken;
    }

    function declineJob(uint256 a) external {
        uint256 id = _someJob(a / 2, a % 2 == 0 ? JobStates.REQUESTED : JobStates.ACCEPTED);
        vm.prank(datasets.custodianOf(compute.job(id).datasetId));
        compute.decline(id);
        ended[id] = JobStates.REFUNDED;
    }

    function commitJob(uint256 a, uint256 b) external {
        uint256 id = _someJob(a, JobStates.ACCEPTED);
        Job memory j = compute.job(id);
        address custodian = datasets.custodianOf(j.datasetId);
        uint64 counter = consents.revocationCounter(custodian);
        // A vault that did not notice the latest revocation must not get through.
        uint64 named = b % 4 == 0 && counter != 0 ? counter - 1 : counter;
        vm.prank(custodian);
        compute.commit(id, keccak256(abi.encode(b)), uint32(bound(b, 0, j.epsilonMilli)), named);
        if (named != counter) ++consentBroken;
        counterAtCommit[id] = counter;
    }

    function verifyJob(uint256 a) external {
        _verify(_someJob(a, JobStates.COMMITTED));
    }

    function settleJob(uint256 a) external {
        uint256 id = _someJob(a, JobStates.VERIFIED);
        vm.prank(stranger);
        compute.settle(id);
        ended[id] = JobStates.SETTLED;
    }

    function expireJob(uint256 a, uint256 b) external {
        uint256 count = compute.jobCount();
        for (uint256 i; i < count; ++i) {
            uint256 id = 1 + _wrap(a, i, count);
            Job memory j = compute.job(id);
            if (ended[id] != 0) continue;
            if (block.timestamp <= j.deadline) {
                // A dispute may last so long that little would be left of a run.
                if (b % 4 != 0 || j.state == JobStates.DISPUTED) continue;
                vm.warp(j.deadline + 1);
            }
            vm.prank(stranger);
            compute.expire(id);
            ended[id] = JobStates.EXPIRED;
            return;
        }
        revert Nothing();
    }

    // ---------------------------------------------------------------- earnings

    function postClaims(uint256 a, uint256 b) external {
        uint256 id = _someFundedDataset(a);
        uint256 left = claims.claimsOf(id).funded - claims.claimsOf(id).total;
        // What is new is given to everyone in turn, in random parts; what is left waits for the next tree.
        uint256 total = claims.claimsOf(id).total;
        for (uint256 i; i < people.length; ++i) {
            uint256 part = bound(uint256(keccak256(abi.encode(b, i))), 0, left);
            cumulative[id][i] += part;
            left -= part;
            total += part;
        }
        _postRoot(datasets.custodianOf(id), id, MerkleTree.root(_leaves(id)), total);
    }

    function claimAsMember(uint256 a, uint256 b) external {
        uint256 id = _someDataset(a);
        for (uint256 i; i < people.length; ++i) {
            uint256 index = _wrap(b, i, people.length);
            bytes32 person = _personOf(people[index]);
            uint256 due = cumulative[id][index] - claims.claimed(id, person);
            if (due == 0 || membership.memberOf(person) == address(0)) continue;
            bytes32[] memory proof = MerkleTree.proof(_leaves(id), index);
            vm.prank(stranger);
            claims.claim(id, person, cumulative[id][index], proof);
            return;
        }
        revert Nothing();
    }

    function releaseOwed(uint256 a) external {
        for (uint256 i; i <= custodians.length; ++i) {
            uint256 chosen = _wrap(a, i, custodians.length + 1);
            address account = chosen == custodians.length ? address(treasury) : custodians[chosen];
            if (splitter.owed(account) == 0) continue;
            splitter.release(account);
            return;
        }
        revert Nothing();
    }

    // ---------------------------------------------------------------- those outside, and governance

    /// @notice The issuer of USDC freezes one account and frees the others.
    function freezeAccount(uint256 a) external {
        _freeNobodyBut(a % 3 == 0 ? _someHolder(a / 3) : researchers[(a / 3) % researchers.length]);
    }

    function suspendParty(uint256 a) external {
        // Rare, like leaving.
        if (a % 4 != 0) revert Nothing();
        address party = _someParty(a / 4);
        if (suspended[party]) revert Nothing();
        _suspend(party);
        suspended[party] = true;
    }

    function restoreParty(uint256 a) external {
        for (uint256 i; i < custodians.length + researchers.length; ++i) {
            address party = _someParty(_wrap(a, i, custodians.length + researchers.length));
            if (!suspended[party]) continue;
            _restore(party);
            return;
        }
        revert Nothing();
    }

    function changeRule(uint256 a) external {
        transatlantic = a % 5 == 0
            ? Rule(3, 0, 0, 0, false, 1)
            : Rule(2, 1, uint16(bound(a, 4, 6)), uint32(bound(a, 0, 3_000)), false, 2);
        RuleRow[] memory rows = new RuleRow[](1);
        rows[0] = RuleRow(0, "EU", "US", 0, transatlantic);
        vm.prank(address(timelock));
        rules.setRules(rows);
    }

    function changeMoney(uint256 a, uint256 b) external {
        split.treasuryBps = uint16(bound(a, 0, 5_000));
        split.buybackBps = uint16(bound(b, 0, 5_000));
        split.contributorsBps = 10_000 - split.treasuryBps - split.buybackBps;
        split.poolYieldBps = uint16(bound(a ^ b, 0, 10_000));
        clinicalPrice = bound(a, 1, 1_000e6);
        jobFee = uint128(bound(b, 0, 20e6));
        vm.prank(address(timelock));
        splitter.setSplit(split);
        vm.prank(address(timelock));
        market.setPrice(1, clinicalPrice);
        vm.prank(address(timelock));
        compute.setJobFee(jobFee);
    }

    function changeWindows(uint256 a, uint256 b) external {
        windows = Windows(
            uint64(bound(a, 1 hours, 30 days)),
            uint64(bound(b, 1 hours, 30 days)),
            uint64(bound(a ^ b, 1 hours, 30 days)),
            uint64(bound(a / 2 + b / 2, 1 hours, 30 days))
        );
        vm.prank(address(timelock));
        compute.setWindows(windows);
    }

    function pauseScopes(uint256 a, uint256 b) external {
        if (b % 3 != 0) revert Nothing();
        vm.prank(guardian);
        breaker.pause(bound(a, 1, Scopes.ALL), uint64(bound(a, 1, 1 days)));
    }

    function reopenScopes() external {
        vm.prank(address(timelock));
        breaker.reopen(Scopes.ALL);
    }

    function mintData(uint256 a, uint256 b) external {
        _turnTheYear();
        uint256 amount = bound(a, 1, GENESIS / 200);
        vm.prank(address(timelock));
        data.setCapBps(uint16(bound(b, 0, 500)));
        vm.prank(address(timelock));
        data.mint(address(timelock), amount);
        dataMinted += amount;
    }

    /// @dev To be called before anything that mints or burns DATA: a year's cap is of the supply before.
    function _turnTheYear() internal {
        uint256 year = (block.timestamp - START) / 365 days;
        if (year == dataYear) return;
        dataYear = year;
        dataSupplyAtStart = data.totalSupply();
        dataMinted = 0;
    }

    function releaseBuyback(uint256 a) external {
        uint256 reserve = splitter.buybackReserve();
        if (reserve == 0) revert Nothing();
        vm.prank(address(burner));
        splitter.releaseBuyback(stranger, bound(a, 1, reserve));
    }

    function wait(uint256 a) external {
        // Now and then long enough for deadlines and passes to run out.
        vm.warp(block.timestamp + bound(a, 1, a % 5 == 0 ? 40 days : 1 days));
    }

    /// @notice Somebody tries what only governance or a peer may do.
    function intrude(uint256 a, uint256 b) external {
        (address target, bytes memory call_) = _forbidden(a % 16);
        address[6] memory who = [stranger, deployer, guardian, registrar, berlin, researcher];
        vm.prank(who[b % 6]);
        (bool ok,) = target.call(call_);
        if (ok) ++intrusions;
    }

    function _forbidden(uint256 which) private view returns (address target, bytes memory call_) {
        if (which == 0) return (address(splitter), abi.encodeCall(splitter.setSplit, (_defaultSplit())));
        if (which == 1) return (address(splitter), abi.encodeCall(splitter.releaseBuyback, (stranger, 1)));
        if (which == 2) return (address(market), abi.encodeCall(market.setPrice, (1, 1)));
        if (which == 3) return (address(compute), abi.encodeCall(compute.setJobFee, (0)));
        if (which == 4) return (address(pool), abi.encodeCall(pool.setScoreBounds, (1, 2)));
        if (which == 5) return (address(pool), abi.encodeCall(pool.notifyYield, (1e6)));
        if (which == 6) return (address(pool), abi.encodeCall(pool.settle, (berlin, boston)));
        if (which == 7) return (address(share), abi.encodeCall(share.mint, (stranger, 1e18)));
        if (which == 8) return (address(share), abi.encodeCall(share.burn, (berlin, 1)));
        if (which == 9) return (address(claims), abi.encodeCall(claims.fund, (_ids(1), _ids(1e6))));
        if (which == 10) {
            return (address(passes), abi.encodeCall(passes.mint, (stranger, 1, FOREVER, 9, _ids(1))));
        }
        if (which == 11) return (address(passes), abi.encodeCall(passes.restoreUse, (1)));
        if (which == 12) return (address(data), abi.encodeCall(data.mint, (stranger, 1)));
        if (which == 13) return (address(datasets), abi.encodeCall(datasets.release, (1)));
        if (which == 14) {
            return (address(splitter), abi.encodeCall(splitter.distribute, (0, _ids(1), _ids(1))));
        }
        return (address(pool), abi.encodeCall(pool.upgradeToAndCall, (address(share), "")));
    }

    // ---------------------------------------------------------------- the law as we understand it

    /// @dev The rule table of `Deployment` once more, as plain conditions.
    function _modelAllows(address buyer, uint256[] memory ids, uint32 epsilonMilli)
        internal
        view
        returns (bool)
    {
        for (uint256 i; i < ids.length; ++i) {
            if (!_modelAllowsOne(buyer, datasets.dataset(ids[i]), epsilonMilli)) return false;
        }
        return true;
    }

    function _modelAllowsOne(address buyer, Dataset memory d, uint32 epsilonMilli)
        private
        view
        returns (bool)
    {
        if (suspended[buyer] || buyer == barred) return false;
        bool toAmerica = buyer == researchers[0] || buyer == researchers[2];
        if (d.jurisdiction == "US") return d.k >= 5;
        if (!toAmerica) return d.k >= 5 && epsilonMilli <= 3_000;
        bool hasClauses = buyer == researchers[0];
        if (transatlantic.verdict == 3 || !hasClauses || d.k < transatlantic.minimumK) return false;
        uint32 most = transatlantic.maximumEpsilonMilli;
        return most == 0 || epsilonMilli <= most;
    }

    // ---------------------------------------------------------------- choosing

    function _createUSDC() internal override returns (TestUSDC) {
        return new FreezableUSDC(deployer);
    }

    function _wrap(uint256 a, uint256 i, uint256 count) internal pure returns (uint256) {
        return (a % count + i) % count;
    }

    function _someMember(uint256 a) internal view returns (address) {
        for (uint256 i; i < people.length; ++i) {
            address member = makeAddr(people[_wrap(a, i, people.length)]);
            if (membership.isMember(member)) return member;
        }
        revert Nothing();
    }

    /// @dev Custodians first, then people, members or not.
    function _someHolder(uint256 a) internal view returns (address) {
        uint256 chosen = a % (custodians.length + people.length);
        if (chosen < custodians.length) return custodians[chosen];
        return makeAddr(people[chosen - custodians.length]);
    }

    function _someParty(uint256 a) internal view returns (address) {
        uint256 chosen = a % (custodians.length + researchers.length);
        return chosen < custodians.length ? custodians[chosen] : researchers[chosen - custodians.length];
    }

    function _someDataset(uint256 a) internal view returns (uint256) {
        if (datasetIds.length == 0) revert Nothing();
        return datasetIds[a % datasetIds.length];
    }

    function _someDatasetWhere(uint256 a, bool live) internal view returns (uint256) {
        for (uint256 i; i < datasetIds.length; ++i) {
            uint256 id = datasetIds[_wrap(a, i, datasetIds.length)];
            if (live ? pool.isLive(id) : pool.depositOf(id).depositor == address(0)) return id;
        }
        revert Nothing();
    }

    function _someJob(uint256 a, uint8 state) internal view returns (uint256) {
        uint256 count = compute.jobCount();
        for (uint256 i; i < count; ++i) {
            uint256 id = 1 + _wrap(a, i, count);
            if (compute.job(id).state == state) return id;
        }
        revert Nothing();
    }

    /// @dev Mostly somebody whom some rule allows something.
    function _someBuyer(uint256 a) private view returns (address) {
        uint256[8] memory chosen = [uint256(0), 0, 0, 0, 1, 1, 2, 3];
        return researchers[chosen[a % 8]];
    }

    function _somePass(uint256 a) private view returns (uint256) {
        for (uint256 i; i < passIds.length; ++i) {
            uint256 id = passIds[_wrap(a, i, passIds.length)];
            try passes.pass(id) returns (Pass memory p) {
                if (p.usesLeft != 0 && block.timestamp < p.expiry) return id;
            } catch {}
        }
        revert Nothing();
    }

    function _someFundedDataset(uint256 a) private view returns (uint256) {
        for (uint256 i; i < datasetIds.length; ++i) {
            uint256 id = datasetIds[_wrap(a, i, datasetIds.length)];
            if (claims.claimsOf(id).funded > claims.claimsOf(id).total) return id;
        }
        revert Nothing();
    }

    function _oneOrTwo(uint256 b) private view returns (uint256[] memory) {
        uint256 one = _someDatasetWhere(b, true);
        uint256 two = _someDatasetWhere(b / 7, true);
        if (one == two || b % 2 == 0) return _ids(one);
        return one < two ? _ids(one, two) : _ids(two, one);
    }

    function _someOf(uint256[] memory ids, uint256 b) private pure returns (uint256[] memory) {
        return b % 2 == 0 ? ids : _ids(ids[b % ids.length]);
    }

    function _leaves(uint256 id) internal view returns (bytes32[] memory leaves) {
        leaves = new bytes32[](people.length);
        for (uint256 i; i < people.length; ++i) {
            leaves[i] = claims.leafOf(id, _personOf(people[i]), cumulative[id][i]);
        }
    }

    // ---------------------------------------------------------------- parties, by their own books

    function _restore(address party) internal {
        bool isCustodian = party == custodians[0] || party == custodians[1] || party == custodians[2];
        bytes2 country = registry.jurisdictionOf(party);
        uint32 safeguards = registry.participant(party).safeguards;
        vm.prank(registrar);
        registry.update(
            party,
            _participant(isCustodian ? PartyRoles.CUSTODIAN : PartyRoles.RESEARCHER, country, safeguards)
        );
        suspended[party] = false;
    }

    function _freeNobodyBut(address frozen) internal {
        FreezableUSDC token = FreezableUSDC(address(usdc));
        for (uint256 i; i < custodians.length + people.length; ++i) {
            token.setFrozen(_someHolder(i), false);
        }
        for (uint256 i; i < researchers.length; ++i) {
            token.setFrozen(researchers[i], false);
        }
        if (frozen != address(0)) token.setFrozen(frozen, true);
    }
}
