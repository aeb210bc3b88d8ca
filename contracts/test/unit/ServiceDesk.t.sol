// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {Errors} from "../../src/common/Errors.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {Permit} from "../../src/common/Payments.sol";
import {RewardErrors} from "../../src/common/RewardErrors.sol";
import {IDataToken} from "../../src/interfaces/IDataToken.sol";
import {IServiceDesk, Service} from "../../src/interfaces/IServiceDesk.sol";
import {ServiceDesk} from "../../src/rewards/ServiceDesk.sol";
import {FeeToken, HookedToken} from "../support/HostileTokens.sol";
import {RewardsScene} from "../support/RewardsScene.sol";

contract ServiceDeskTest is RewardsScene {
    bytes32 private constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    address private clinic = makeAddr("clinic");
    address private ada = makeAddr("Ada");

    function setUp() public override {
        super.setUp();
        _giveData(ada, 1_000e18);
        _set(desk, 1, Service(clinic, true, 20e18, "second opinion"));
    }

    function _desk(address token) private returns (ServiceDesk) {
        return ServiceDesk(
            _proxy(
                address(new ServiceDesk(IDataToken(token))),
                abi.encodeCall(ServiceDesk.initialize, (address(manager)))
            )
        );
    }

    function _set(ServiceDesk to, uint256 id, Service memory s) private {
        vm.prank(address(timelock));
        to.setService(id, s);
    }

    function test_a_service_is_bought_with_data_that_is_burned_and_taken_by_its_provider() public {
        uint256 supply = data.totalSupply();
        vm.startPrank(ada);
        data.approve(address(desk), 60e18);
        assertEq(desk.buy(1, ada, 3, 60e18, _noPermit()), 60e18);
        vm.stopPrank();
        assertEq(data.totalSupply(), supply - 60e18);
        assertEq(data.balanceOf(ada), 940e18);
        assertEq(desk.unitsOf(1, ada), 3);
        vm.prank(clinic);
        desk.take(1, ada, 2, "visit");
        assertEq(desk.unitsOf(1, ada), 1);
        vm.startPrank(clinic);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ServiceDesk_AboveBalance.selector, 2, 1));
        desk.take(1, ada, 2, "visit");
        vm.expectRevert(RewardErrors.ServiceDesk_NoUnits.selector);
        desk.take(1, ada, 0, "visit");
        vm.stopPrank();
    }

    function test_one_signature_and_one_transaction_are_enough_and_a_gift_is_possible() public {
        bytes32 structHash = keccak256(
            abi.encode(PERMIT_TYPEHASH, ada, address(desk), 20e18, data.nonces(ada), uint256(FOREVER))
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", data.DOMAIN_SEPARATOR(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(makeKey("Ada"), digest);
        vm.prank(ada);
        desk.buy(1, stranger, 1, 20e18, Permit(20e18, FOREVER, v, r, s));
        assertEq(desk.unitsOf(1, stranger), 1);
        assertEq(desk.unitsOf(1, ada), 0);
    }

    function testFuzz_the_price_is_that_of_one_unit_times_the_units(uint64 units, uint64 price) public {
        units = uint64(bound(units, 1, 1e6));
        price = uint64(bound(price, 0, 1e15));
        _set(desk, 2, Service(clinic, true, price, "else"));
        uint256 supply = data.totalSupply();
        vm.startPrank(ada);
        data.approve(address(desk), type(uint256).max);
        desk.buy(2, ada, units, type(uint256).max, _noPermit());
        vm.stopPrank();
        assertEq(supply - data.totalSupply(), uint256(units) * price);
    }

    function test_what_cannot_be_bought_is_refused_and_what_was_bought_stays() public {
        vm.startPrank(ada);
        data.approve(address(desk), 100e18);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ServiceDesk_NotForSale.selector, 7));
        desk.buy(7, ada, 1, 100e18, _noPermit());
        vm.expectRevert(RewardErrors.ServiceDesk_NoUnits.selector);
        desk.buy(1, ada, 0, 100e18, _noPermit());
        vm.expectRevert(Errors.Common_ZeroAddress.selector);
        desk.buy(1, address(0), 1, 100e18, _noPermit());
        vm.expectRevert(
            abi.encodeWithSelector(RewardErrors.ServiceDesk_PriceAboveMaximum.selector, 20e18, 20e18 - 1)
        );
        desk.buy(1, ada, 1, 20e18 - 1, _noPermit());
        desk.buy(1, ada, 1, 20e18, _noPermit());
        vm.stopPrank();

        _set(desk, 1, Service(clinic, false, 20e18, "second opinion"));
        assertFalse(desk.service(1).forSale);
        vm.prank(ada);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ServiceDesk_NotForSale.selector, 1));
        desk.buy(1, ada, 1, 20e18, _noPermit());
        vm.prank(clinic);
        desk.take(1, ada, 1, "visit");
    }

    function test_only_the_provider_takes_units() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ServiceDesk_NotProvider.selector, 1, stranger));
        desk.take(1, ada, 1, "visit");
    }

    function test_governance_sets_services_that_have_a_provider_and_a_description() public {
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        desk.setService(1, Service(clinic, true, 1, "x"));
        vm.startPrank(address(timelock));
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ServiceDesk_BadService.selector, "provider"));
        desk.setService(1, Service(address(0), true, 1, "x"));
        vm.expectRevert(abi.encodeWithSelector(RewardErrors.ServiceDesk_BadService.selector, "description"));
        desk.setService(1, Service(clinic, true, 1, 0));
        vm.stopPrank();
    }

    function test_a_token_that_keeps_a_fee_is_refused_and_one_that_calls_back_gets_nowhere() public {
        FeeToken fee = new FeeToken();
        ServiceDesk other = _desk(address(fee));
        _set(other, 1, Service(clinic, true, 1_000, "x"));
        fee.mint(ada, 1_000);
        vm.startPrank(ada);
        fee.approve(address(other), 1_000);
        vm.expectRevert(abi.encodeWithSelector(MarketErrors.Payments_ShortPayment.selector, 990, 1_000));
        other.buy(1, ada, 1, 1_000, _noPermit());
        vm.stopPrank();

        HookedToken hooked = new HookedToken();
        other = _desk(address(hooked));
        _set(other, 1, Service(clinic, true, 0, "x"));
        hooked.onTransfer(address(other), abi.encodeCall(IServiceDesk.buy, (1, ada, 1, 0, _noPermit())));
        vm.prank(ada);
        other.buy(1, ada, 1, 0, _noPermit());
        assertTrue(hooked.calledBack());
        assertFalse(hooked.succeeded());
        assertEq(other.unitsOf(1, ada), 1);
    }
}
