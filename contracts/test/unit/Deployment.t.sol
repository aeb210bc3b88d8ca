// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {AccessRoles} from "../../src/common/Codes.sol";
import {ComputeMarket} from "../../src/compute/ComputeMarket.sol";
import {JobDisputes} from "../../src/compute/JobDisputes.sol";
import {Question, Windows} from "../../src/interfaces/IComputeMarket.sol";
import {RuleRow} from "../../src/interfaces/IJurisdictionRules.sol";
import {NetworkPool} from "../../src/interfaces/IPoolNetwork.sol";
import {Service} from "../../src/interfaces/IServiceDesk.sol";
import {DatasetAuction} from "../../src/market/DatasetAuction.sol";
import {Escrow} from "../../src/market/Escrow.sol";
import {MeteredLicence} from "../../src/market/MeteredLicence.sol";
import {ResearcherBonds} from "../../src/market/ResearcherBonds.sol";
import {TransferAgreement} from "../../src/policy/TransferAgreement.sol";
import {DatasetExchange} from "../../src/pool/DatasetExchange.sol";
import {DatasetLending} from "../../src/pool/DatasetLending.sol";
import {PoolNetwork} from "../../src/pool/PoolNetwork.sol";
import {BuybackBurner} from "../../src/rewards/BuybackBurner.sol";
import {ContributionRewards} from "../../src/rewards/ContributionRewards.sol";
import {ServiceDesk} from "../../src/rewards/ServiceDesk.sol";
import {ValidatorPool} from "../../src/rewards/ValidatorPool.sol";
import {Split} from "../../src/interfaces/IRevenueSplitter.sol";
import {LicenceMarket} from "../../src/market/LicenceMarket.sol";
import {HealthDataPool} from "../../src/pool/HealthDataPool.sol";
import {MemberClaims} from "../../src/rewards/MemberClaims.sol";
import {RevenueSplitter} from "../../src/rewards/RevenueSplitter.sol";
import {Scene} from "../support/Scene.sol";

contract DeploymentTest is Scene {
    struct Guarded {
        address target;
        bytes data;
    }

    Guarded[] private _calls;

    /// @dev Every call that only governance may make, with arguments that it could make it with.
    function _governed() private returns (Guarded[] memory) {
        Windows memory windows = Windows(1 days, 1 days, 1 days, 1 days);
        _add(address(splitter), abi.encodeCall(splitter.setSplit, (Split(7_000, 2_000, 1_000, 5_000))));
        _add(address(pool), abi.encodeCall(pool.setScoreBounds, (1, 2)));
        _add(address(pool), abi.encodeCall(pool.setMaximumValueAge, (2 hours)));
        _add(address(market), abi.encodeCall(market.setPrice, (3, 1)));
        _add(address(market), abi.encodeCall(market.setTerm, (1 days)));
        _add(address(market), abi.encodeCall(market.setBonds, (bonds)));
        _add(address(compute), abi.encodeCall(compute.setJobFee, (1)));
        _add(address(compute), abi.encodeCall(compute.setWindows, (windows)));
        _add(address(compute), abi.encodeCall(compute.setBonds, (bonds)));
        _add(address(datasets), abi.encodeCall(datasets.setCustodianCap, (1)));
        _add(address(rules), abi.encodeCall(rules.removeRule, (0, "EU", "CN", 0)));
        _add(address(rules), abi.encodeCall(rules.setCountries, (new bytes2[](0), new bytes2[](0))));
        _add(address(rules), abi.encodeCall(rules.setLaws, (0, new string[](0))));
        _add(address(rules), abi.encodeCall(rules.setRules, (new RuleRow[](0))));
        _add(address(oracle), abi.encodeCall(oracle.setConsumer, (stranger, true)));
        _add(address(oracle), abi.encodeCall(oracle.setAttestors, (_attestors(), 1)));
        _add(address(breaker), abi.encodeCall(breaker.extend, (15, FOREVER)));
        _add(address(breaker), abi.encodeCall(breaker.reopen, (15)));
        _add(address(data), abi.encodeCall(data.setCapBps, (100)));
        _add(address(data), abi.encodeCall(data.mint, (stranger, 1)));
        _add(address(gov), abi.encodeCall(gov.setHolder, (stranger, true, false)));
        _add(address(gov), abi.encodeCall(gov.mint, (stranger, 1)));
        _governedLater();
        return _calls;
    }

    function _governedLater() private {
        _add(address(compliance), abi.encodeCall(compliance.setEvidence, (agreements)));
        _add(address(escrow), abi.encodeCall(escrow.setArbitration, (_arbitration())));
        _add(address(jobDisputes), abi.encodeCall(jobDisputes.setArbitration, (_arbitration())));
        _add(address(bonds), abi.encodeCall(bonds.setArbitration, (_arbitration())));
        _add(address(bonds), abi.encodeCall(bonds.setBondTerms, (_bondTerms())));
        _add(address(meters), abi.encodeCall(meters.setUnitPrice, (1, 1)));
        _add(address(curve), abi.encodeCall(curve.setFee, (1)));
        _add(address(exchange), abi.encodeCall(exchange.setPriceCurve, (_priceCurve())));
        _add(address(exchange), abi.encodeCall(exchange.setTerms, (1, 1)));
        _add(address(lending), abi.encodeCall(lending.setLendingTerms, (_lendingTerms())));
        _add(
            address(network),
            abi.encodeCall(network.list, (NetworkPool(market, compute, address(splitter), true, "one")))
        );
        _add(address(network), abi.encodeCall(network.setActive, (1, false)));
        _add(address(rewards), abi.encodeCall(rewards.setTerms, (_rewardTerms())));
        _add(address(burner), abi.encodeCall(burner.setTerms, (_buyTerms())));
        _add(address(desk), abi.encodeCall(desk.setService, (1, Service(berlin, true, 1, "tea"))));
        _add(address(checks), abi.encodeCall(checks.setTerms, (_checkTerms())));
        _giveUSDC(address(treasury), 1);
        _add(address(treasury), abi.encodeCall(treasury.pay, (usdc, stranger, 1, "grant")));
    }

    function _add(address target, bytes memory data_) private {
        _calls.push(Guarded(target, data_));
    }

    /// @dev What only a contract of the protocol may do, not even governance without a vote on permissions.
    function _ofPeers() private returns (Guarded[] memory) {
        delete _calls;
        _add(address(splitter), abi.encodeCall(splitter.releaseBuyback, (stranger, 0)));
        _add(address(market), abi.encodeCall(market.issue, (stranger, 1, FOREVER, 1, _ids(1))));
        _add(address(market), abi.encodeCall(market.remit, (0, _ids(1), _ids(1))));
        _add(
            address(compute),
            abi.encodeCall(compute.requestFor, (stranger, Question(1, _ids(1), bytes32("q"), 1, 0)))
        );
        _add(address(compute), abi.encodeCall(compute.suspend, (1)));
        _add(address(compute), abi.encodeCall(compute.resolve, (1, true)));
        return _calls;
    }

    function _assertUnauthorized(address who, Guarded memory call_) private {
        vm.prank(who);
        (bool ok, bytes memory answer) = call_.target.call(call_.data);
        assertFalse(ok, "a stranger got through");
        assertEq(
            keccak256(answer),
            keccak256(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, who))
        );
    }

    function test_the_timelock_is_the_only_admin_and_the_deployer_keeps_nothing() public view {
        (bool timelockIsAdmin, uint32 delay) = manager.hasRole(AccessRoles.ADMIN, address(timelock));
        assertTrue(timelockIsAdmin);
        assertEq(delay, 0);
        for (uint64 role; role <= AccessRoles.LAST; ++role) {
            (bool held,) = manager.hasRole(role, deployer);
            assertFalse(held, "the deployer holds a role");
        }
        assertFalse(timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), deployer));
        assertFalse(timelock.hasRole(timelock.PROPOSER_ROLE(), deployer));
        assertTrue(timelock.hasRole(timelock.DEFAULT_ADMIN_ROLE(), address(timelock)));
        assertTrue(timelock.hasRole(timelock.PROPOSER_ROLE(), address(governor)));
        assertTrue(timelock.hasRole(timelock.EXECUTOR_ROLE(), address(0)));
    }

    function test_whatever_governance_may_do_nobody_else_may() public {
        Guarded[] memory calls = _governed();
        address[5] memory others = [deployer, registrar, guardian, berlin, stranger];
        for (uint256 i; i < calls.length; ++i) {
            for (uint256 j; j < others.length; ++j) {
                _assertUnauthorized(others[j], calls[i]);
            }
        }
        for (uint256 i; i < calls.length; ++i) {
            vm.prank(address(timelock));
            (bool ok,) = calls[i].target.call(calls[i].data);
            assertTrue(ok, "governance was refused");
        }
    }

    function test_what_a_peer_may_do_neither_people_nor_the_timelock_may() public {
        Guarded[] memory calls = _ofPeers();
        address[6] memory others = [deployer, registrar, guardian, berlin, stranger, address(timelock)];
        for (uint256 i; i < calls.length; ++i) {
            for (uint256 j; j < others.length; ++j) {
                _assertUnauthorized(others[j], calls[i]);
            }
        }
    }

    function test_only_governance_upgrades_a_module() public {
        address[5] memory others = [deployer, registrar, guardian, berlin, stranger];
        for (uint256 i; i < modules.length; ++i) {
            address implementation =
                address(uint160(uint256(vm.load(modules[i], ERC1967Utils.IMPLEMENTATION_SLOT))));
            bytes memory upgrade = abi.encodeCall(UUPSUpgradeable.upgradeToAndCall, (implementation, ""));
            for (uint256 j; j < others.length; ++j) {
                _assertUnauthorized(others[j], Guarded(modules[i], upgrade));
            }
            vm.prank(address(timelock));
            UUPSUpgradeable(modules[i]).upgradeToAndCall(implementation, "");
        }
    }

    function test_no_module_and_no_implementation_can_be_initialized_again() public {
        bytes[18] memory again = [
            abi.encodeCall(HealthDataPool.initialize, (stranger, 0, 1, 1 days)),
            abi.encodeCall(LicenceMarket.initialize, (stranger, 1 days, new uint256[](0))),
            abi.encodeCall(ComputeMarket.initialize, (stranger, 1, _defaultWindows())),
            abi.encodeCall(RevenueSplitter.initialize, (stranger, _defaultSplit())),
            abi.encodeCall(MemberClaims.initialize, (stranger)),
            abi.encodeCall(Escrow.initialize, (stranger, _arbitration())),
            abi.encodeCall(JobDisputes.initialize, (stranger, _arbitration())),
            abi.encodeCall(ResearcherBonds.initialize, (stranger, _arbitration(), _bondTerms())),
            abi.encodeCall(TransferAgreement.initialize, (stranger)),
            abi.encodeCall(DatasetAuction.initialize, (stranger)),
            abi.encodeCall(MeteredLicence.initialize, (stranger)),
            abi.encodeCall(DatasetExchange.initialize, (stranger, _priceCurve(), 1, 1)),
            abi.encodeCall(DatasetLending.initialize, (stranger, _lendingTerms())),
            abi.encodeCall(PoolNetwork.initialize, (stranger)),
            abi.encodeCall(ContributionRewards.initialize, (stranger, _rewardTerms())),
            abi.encodeCall(BuybackBurner.initialize, (stranger, _buyTerms())),
            abi.encodeCall(ServiceDesk.initialize, (stranger)),
            abi.encodeCall(ValidatorPool.initialize, (stranger, _checkTerms()))
        ];
        // The last of the modules, in this order.
        for (uint256 i; i < again.length; ++i) {
            address module = modules[modules.length - again.length + i];
            address implementation =
                address(uint160(uint256(vm.load(module, ERC1967Utils.IMPLEMENTATION_SLOT))));
            _assertCannotInitialize(module, again[i]);
            _assertCannotInitialize(implementation, again[i]);
        }
    }

    function _assertCannotInitialize(address target, bytes memory data_) private {
        vm.prank(stranger);
        (bool ok, bytes memory answer) = target.call(data_);
        assertFalse(ok);
        assertEq(
            keccak256(answer), keccak256(abi.encodeWithSelector(Initializable.InvalidInitialization.selector))
        );
    }

    function test_every_contract_knows_the_right_peers() public view {
        assertEq(address(pool.SHARE()), address(share));
        assertEq(pool.SPLITTER(), address(splitter));
        assertEq(pool.COMPUTE_MARKET(), address(compute));
        assertEq(address(share.POOL()), address(pool));
        assertEq(passes.LICENCE_MARKET(), address(market));
        assertEq(passes.COMPUTE_MARKET(), address(compute));
        assertEq(address(market.SPLITTER()), address(splitter));
        assertEq(address(compute.PASSES()), address(passes));
        assertEq(address(splitter.CLAIMS()), address(claims));
        assertEq(splitter.LICENCE_MARKET(), address(market));
        assertEq(splitter.COMPUTE_MARKET(), address(compute));
        assertEq(splitter.treasury(), address(treasury));
        assertEq(claims.SPLITTER(), address(splitter));
        assertEq(datasets.POOL(), address(pool));
        assertEq(provenance.COMPUTE_MARKET(), address(compute));
        assertEq(address(pool.BOOST()), address(boost));
        assertEq(pool.lending(), address(lending));
        assertEq(address(splitter.STREAMS()), address(streams));
        assertEq(address(claims.STREAMS()), address(streams));
        assertEq(address(governor.ESCROW()), address(voteEscrow));
        assertEq(address(rewards.VAULT()), address(vault));
        assertEq(burner.REWARDS(), address(rewards));
        assertEq(auctions.TREASURY(), address(treasury));
        assertEq(curve.TREASURY(), address(treasury));
    }

    function test_members_change_the_split_by_vote() public {
        address ada = _join("ada");
        _join("ben");
        vm.warp(block.timestamp + 1);
        address[] memory targets = new address[](1);
        uint256[] memory values = new uint256[](1);
        bytes[] memory calls = new bytes[](1);
        targets[0] = address(splitter);
        calls[0] = abi.encodeCall(splitter.setSplit, (Split(8_000, 1_000, 1_000, 3_000)));

        vm.prank(ada);
        uint256 proposal = governor.propose(targets, values, calls, "more for burning");
        vm.warp(block.timestamp + VOTING_DELAY + 1);
        vm.prank(ada);
        governor.castVote(proposal, 1);
        vm.warp(block.timestamp + VOTING_PERIOD + 1);
        governor.queue(targets, values, calls, keccak256("more for burning"));
        vm.warp(block.timestamp + TIMELOCK_DELAY + 1);
        governor.execute(targets, values, calls, keccak256("more for burning"));
        assertEq(splitter.split().contributorsBps, 8_000);
        assertEq(splitter.split().buybackBps, 1_000);
    }
}
