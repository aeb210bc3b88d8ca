// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Errors} from "../../src/common/Errors.sol";
import {TestUSDC} from "../../src/development/TestUSDC.sol";
import {DataToken} from "../../src/governance/DataToken.sol";
import {GovernanceToken} from "../../src/governance/GovernanceToken.sol";
import {Cooperative} from "./Cooperative.sol";

contract GovernanceTokenTest is Cooperative {
    address private timelock = makeAddr("timelock");
    GovernanceToken private token;

    function setUp() public override {
        super.setUp();
        token = new GovernanceToken(address(manager), registry, membership, timelock);
    }

    function test_it_moves_between_verified_parties_members_and_the_timelock() public {
        (address member,) = _join("Ada");
        token.mint(timelock, 100);
        vm.prank(timelock);
        assertTrue(token.transfer(custodian, 60));
        vm.prank(custodian);
        assertTrue(token.transfer(member, 40));
        vm.prank(member);
        assertTrue(token.transfer(timelock, 10));
        assertEq(token.balanceOf(member), 30);
    }

    function test_it_does_not_move_to_or_from_anyone_else() public {
        token.mint(custodian, 100);
        bytes memory refusal = abi.encodeWithSelector(Errors.GovernanceToken_NotVerified.selector, stranger);
        vm.expectRevert(refusal);
        token.mint(stranger, 1);
        vm.prank(custodian);
        vm.expectRevert(refusal);
        token.transfer(stranger, 1);
        vm.prank(registrar);
        registry.suspend(custodian);
        vm.prank(custodian);
        vm.expectRevert(abi.encodeWithSelector(Errors.GovernanceToken_NotVerified.selector, custodian));
        token.transfer(researcher, 1);
    }

    function test_votes_follow_balances_once_delegated() public {
        token.mint(custodian, 100);
        vm.prank(custodian);
        token.delegate(custodian);
        assertEq(token.getVotes(custodian), 100);
        vm.prank(custodian);
        assertTrue(token.transfer(researcher, 30));
        assertEq(token.getVotes(custodian), 70);
        assertEq(token.CLOCK_MODE(), "mode=timestamp");
        assertEq(token.clock(), NOW);
    }

    function test_only_minters_mint() public {
        vm.prank(custodian);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, custodian));
        token.mint(custodian, 1);
    }
}

contract DataTokenTest is Cooperative {
    address private timelock = makeAddr("timelock");
    DataToken private token;

    function setUp() public override {
        super.setUp();
        token = new DataToken(address(manager), timelock, 1_000_000e18);
    }

    function test_three_percent_of_the_years_first_supply_may_be_minted() public {
        token.mint(custodian, 20_000e18);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.DataToken_AboveYearlyCap.selector, 10_000e18 + 1, 10_000e18)
        );
        token.mint(custodian, 10_000e18 + 1);
        token.mint(custodian, 10_000e18);
        vm.warp(NOW + 365 days - 1);
        vm.expectRevert(abi.encodeWithSelector(Errors.DataToken_AboveYearlyCap.selector, 1, 0));
        token.mint(custodian, 1);
        vm.warp(NOW + 365 days);
        token.mint(custodian, 30_900e18);
        (uint256 cap, uint256 minted) = token.yearlyCap();
        assertEq(cap, 30_900e18);
        assertEq(minted, 30_900e18);
    }

    function test_burning_before_the_first_minting_does_not_change_the_years_cap() public {
        vm.warp(NOW + 365 days);
        vm.prank(timelock);
        token.burn(500_000e18);
        (uint256 cap,) = token.yearlyCap();
        assertEq(cap, 30_000e18);
        vm.warp(NOW + 2 * 365 days);
        (cap,) = token.yearlyCap();
        assertEq(cap, 15_000e18);
    }

    function test_a_new_cap_counts_from_the_next_year() public {
        vm.warp(NOW + 365 days);
        token.setCapBps(0);
        token.mint(custodian, 30_000e18);
        vm.warp(NOW + 2 * 365 days);
        vm.expectRevert(abi.encodeWithSelector(Errors.DataToken_AboveYearlyCap.selector, 1, 0));
        token.mint(custodian, 1);
        vm.expectRevert(abi.encodeWithSelector(Errors.DataToken_BadCap.selector, 501));
        token.setCapBps(501);
    }

    function test_only_minters_mint_and_only_governance_sets_the_cap() public {
        bytes memory refusal =
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.startPrank(stranger);
        vm.expectRevert(refusal);
        token.mint(stranger, 1);
        vm.expectRevert(refusal);
        token.setCapBps(1);
        vm.stopPrank();
    }

    function test_fuzz_no_year_mints_more_than_five_percent(
        uint256[12] memory amounts,
        uint16[12] memory days_
    ) public {
        token.setCapBps(500);
        uint256 time = NOW;
        uint256 year = token.year();
        uint256 first = token.totalSupply();
        uint256 mintedNow;
        for (uint256 i; i < amounts.length; ++i) {
            time += uint256(days_[i] % 200) * 1 days;
            vm.warp(time);
            if (token.year() != year) (year, first, mintedNow) = (token.year(), token.totalSupply(), 0);
            uint256 amount = bound(amounts[i], 0, 40_000e18);
            try token.mint(custodian, amount) {
                mintedNow += amount;
            } catch {}
            if (amounts[i] % 3 == 0) {
                vm.prank(timelock);
                token.burn(1_000e18);
            }
            assertTrue(mintedNow * 10_000 <= first * 500);
        }
    }
}

contract TestUSDCTest is Cooperative {
    function test_its_owner_makes_it_with_six_decimals() public {
        TestUSDC usdc = new TestUSDC(address(this));
        usdc.mint(researcher, 5e6);
        assertEq(usdc.balanceOf(researcher), 5e6);
        assertEq(usdc.decimals(), 6);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, stranger));
        usdc.mint(stranger, 1);
    }
}
