// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {ERC1967Utils} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Utils.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {AccessRoles} from "../../src/common/Codes.sol";
import {ComputeMarket} from "../../src/compute/ComputeMarket.sol";
import {Windows} from "../../src/interfaces/IComputeMarket.sol";
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

    /// @dev Every call that only governance may make, with arguments that it could make it with.
    function _governed() private view returns (Guarded[] memory calls) {
        calls = new Guarded[](14);
        Split memory split = Split(7_000, 2_000, 1_000, 5_000);
        Windows memory windows = Windows(1 days, 1 days, 1 days, 1 days);
        calls[0] = Guarded(address(splitter), abi.encodeCall(splitter.setSplit, (split)));
        calls[1] = Guarded(address(splitter), abi.encodeCall(splitter.releaseBuyback, (stranger, 0)));
        calls[2] = Guarded(address(pool), abi.encodeCall(pool.setScoreBounds, (1, 2)));
        calls[3] = Guarded(address(pool), abi.encodeCall(pool.setMaximumValueAge, (2 hours)));
        calls[4] = Guarded(address(market), abi.encodeCall(market.setPrice, (3, 1)));
        calls[5] = Guarded(address(market), abi.encodeCall(market.setTerm, (1 days)));
        calls[6] = Guarded(address(compute), abi.encodeCall(compute.setJobFee, (1)));
        calls[7] = Guarded(address(compute), abi.encodeCall(compute.setWindows, (windows)));
        calls[8] = Guarded(address(datasets), abi.encodeCall(datasets.setCustodianCap, (1)));
        calls[9] = Guarded(address(rules), abi.encodeCall(rules.removeRule, (0, "EU", "CN", 0)));
        calls[10] = Guarded(address(oracle), abi.encodeCall(oracle.setConsumer, (stranger, true)));
        calls[11] = Guarded(address(breaker), abi.encodeCall(breaker.extend, (15, FOREVER)));
        calls[12] = Guarded(address(data), abi.encodeCall(data.setCapBps, (100)));
        calls[13] = Guarded(address(data), abi.encodeCall(data.mint, (stranger, 1)));
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
        for (uint64 role; role <= AccessRoles.MINTER; ++role) {
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
        bytes[5] memory again = [
            abi.encodeCall(HealthDataPool.initialize, (stranger, 0, 1, 1 days)),
            abi.encodeCall(LicenceMarket.initialize, (stranger, 1 days, new uint256[](0))),
            abi.encodeCall(ComputeMarket.initialize, (stranger, 1, _defaultWindows())),
            abi.encodeCall(RevenueSplitter.initialize, (stranger, _defaultSplit())),
            abi.encodeCall(MemberClaims.initialize, (stranger))
        ];
        // The last five modules are ours, in this order.
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
        assertEq(splitter.treasury(), address(timelock));
        assertEq(claims.SPLITTER(), address(splitter));
        assertEq(datasets.POOL(), address(pool));
        assertEq(provenance.COMPUTE_MARKET(), address(compute));
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
