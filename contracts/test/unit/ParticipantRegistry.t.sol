// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {CredentialKinds, PartyRoles, PartyStatus} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {Issuer, Participant} from "../../src/interfaces/IParticipantRegistry.sol";
import {Cooperative} from "./Cooperative.sol";

contract ParticipantRegistryTest is Cooperative {
    address private party = makeAddr("party");

    function _assertStanding(uint32 role, string memory expected) private view {
        (bool ok, string memory reason) = registry.standing(party, role);
        assertEq(reason, expected);
        assertEq(ok, bytes(expected).length == 0);
        assertEq(registry.inGoodStanding(party, role), ok);
    }

    function test_standing_says_in_words_what_fails() public {
        _assertStanding(PartyRoles.RESEARCHER, "not registered");
        _register(party, PartyRoles.RESEARCHER, "JP");
        _assertStanding(PartyRoles.RESEARCHER, "");
        _assertStanding(PartyRoles.CUSTODIAN, "role not held");
        _assertStanding(PartyRoles.RESEARCHER | PartyRoles.CUSTODIAN, "role not held");
        _assertStanding(0, "role not held");
        vm.warp(NOW + 180 days);
        _assertStanding(PartyRoles.RESEARCHER, "accreditation expired");
        vm.warp(NOW + 365 days);
        _assertStanding(PartyRoles.RESEARCHER, "identity check expired");
        vm.prank(registrar);
        registry.suspend(party);
        _assertStanding(PartyRoles.RESEARCHER, "suspended");
    }

    function test_the_registrar_alone_says_what_an_issuers_word_counts_for() public {
        bytes32 did = keccak256("did:web:ministry.example");
        Issuer memory issuer = Issuer(party, CredentialKinds.CUSTODIAN_ACCREDITATION, false);
        vm.prank(registrar);
        vm.expectRevert(abi.encodeWithSelector(Errors.ParticipantRegistry_NotRegistered.selector, party));
        registry.setIssuer(did, issuer);
        _register(party, PartyRoles.ISSUER, "DE");
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        registry.setIssuer(did, issuer);
        vm.prank(registrar);
        registry.setIssuer(did, issuer);
        assertEq(registry.issuer(did).party, party);
        assertEq(registry.issuer(did).kinds, CredentialKinds.CUSTODIAN_ACCREDITATION);
        assertFalse(registry.issuer(did).anywhere);
        _assertStanding(PartyRoles.ISSUER, "");
        issuer.kinds = 0;
        vm.prank(registrar);
        registry.setIssuer(did, issuer);
        assertEq(registry.issuer(did).kinds, 0);
    }

    function test_attestors_need_no_accreditation() public {
        _register(party, PartyRoles.ATTESTOR, "JP");
        vm.warp(NOW + 180 days);
        _assertStanding(PartyRoles.ATTESTOR, "");
    }

    function test_a_suspension_ends_by_an_update() public {
        _register(party, PartyRoles.RESEARCHER, "JP");
        vm.startPrank(registrar);
        registry.suspend(party);
        assertFalse(registry.isVerified(party));
        registry.update(party, _participant(PartyRoles.RESEARCHER, "BR"));
        vm.stopPrank();
        assertTrue(registry.isVerified(party));
        assertEq(registry.jurisdictionOf(party), bytes2("BR"));
    }

    function test_only_the_registrar_changes_the_registry() public {
        Participant memory p = _participant(PartyRoles.RESEARCHER, "JP");
        vm.startPrank(stranger);
        bytes memory refusal =
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.expectRevert(refusal);
        registry.register(stranger, p);
        vm.expectRevert(refusal);
        registry.update(researcher, p);
        vm.expectRevert(refusal);
        registry.suspend(researcher);
        vm.stopPrank();
    }

    function test_a_party_is_registered_once_and_changed_only_when_known() public {
        Participant memory p = _participant(PartyRoles.RESEARCHER, "JP");
        vm.startPrank(registrar);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.ParticipantRegistry_AlreadyRegistered.selector, researcher)
        );
        registry.register(researcher, p);
        vm.expectRevert(abi.encodeWithSelector(Errors.ParticipantRegistry_NotRegistered.selector, party));
        registry.update(party, p);
        vm.expectRevert(abi.encodeWithSelector(Errors.ParticipantRegistry_NotRegistered.selector, party));
        registry.suspend(party);
        vm.stopPrank();
    }

    function test_a_registration_without_status_or_country_is_refused() public {
        Participant memory p = _participant(PartyRoles.RESEARCHER, "jp");
        vm.startPrank(registrar);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.ParticipantRegistry_BadJurisdiction.selector, bytes2("jp"))
        );
        registry.register(party, p);
        p.jurisdiction = "JP";
        p.status = PartyStatus.NONE;
        vm.expectRevert(abi.encodeWithSelector(Errors.ParticipantRegistry_BadStatus.selector, 0));
        registry.register(party, p);
        vm.stopPrank();
    }

    function test_a_party_publishes_its_own_key() public {
        vm.prank(researcher);
        registry.setEncryptionKey("key");
        assertEq(registry.encryptionKey(researcher), bytes32("key"));
        vm.prank(researcher);
        vm.expectRevert(Errors.ParticipantRegistry_ZeroKey.selector);
        registry.setEncryptionKey(0);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Errors.ParticipantRegistry_NotRegistered.selector, stranger));
        registry.setEncryptionKey("key");
    }

    function test_fuzz_good_standing_is_all_of_its_parts(Participant memory p, uint32 role, uint64 time)
        public
    {
        p.status = uint8(bound(p.status, 1, 2));
        p.jurisdiction = "JP";
        p.roles &= 127;
        role &= 127;
        vm.prank(registrar);
        registry.register(party, p);
        vm.warp(time);
        bool accredited = role & 3 == 0 || time < p.accreditationExpiry;
        bool expected =
            p.status == 1 && time < p.kycExpiry && role != 0 && p.roles & role == role && accredited;
        assertEq(registry.inGoodStanding(party, role), expected);
        assertEq(registry.isVerified(party), p.status == 1 && time < p.kycExpiry);
    }

    function test_nobody_is_no_party() public {
        Participant memory p = _participant(PartyRoles.RESEARCHER, "JP");
        vm.prank(registrar);
        vm.expectRevert(Errors.Common_ZeroAddress.selector);
        registry.register(address(0), p);
    }
}
