// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Errors} from "../../src/common/Errors.sol";
import {Grant} from "../../src/interfaces/IConsentRegistry.sol";
import {Cooperative} from "./Cooperative.sol";

contract ConsentRegistryTest is Cooperative {
    bytes32 private constant GRANT_TYPEHASH = keccak256(
        "Grant(address member,address custodian,address grantee,uint256 classes,uint256 purposes,uint256 jurisdictions,uint64 expiry,bytes32 documentHash,uint256 nonce,uint64 deadline)"
    );
    bytes32 private constant REVOKE_TYPEHASH =
        keccak256("Revoke(address member,uint256 grantId,uint256 nonce,uint64 deadline)");
    bytes32 private constant REVOKE_ALL_TYPEHASH =
        keccak256("RevokeAll(address member,address custodian,uint256 nonce,uint64 deadline)");

    uint64 private constant COUNTRIES_ANY = 1;

    address private member;
    uint256 private key;

    function setUp() public override {
        super.setUp();
        (member, key) = _join("Ada");
        bytes2[] memory countries = new bytes2[](3);
        bytes2[] memory regions = new bytes2[](3);
        (countries[0], countries[1], countries[2]) = (bytes2("DE"), bytes2("FR"), bytes2("US"));
        (regions[0], regions[1], regions[2]) = (bytes2("EU"), bytes2("EU"), bytes2("US"));
        rules.setCountries(countries, regions);
    }

    // ---------------------------------------------------------------- helpers

    /// @dev Clinical data, general research, in the US, for a year, by this researcher.
    function _terms() private view returns (Grant memory) {
        return Grant({
            custodian: custodian,
            grantee: researcher,
            classes: 1 << 1,
            purposes: 1 << 1,
            jurisdictions: 1 << rules.regionIndex("US"),
            expiry: NOW + 365 days,
            documentHash: "document"
        });
    }

    function _grant(Grant memory terms) private returns (uint256) {
        vm.prank(member);
        return consents.grant(terms);
    }

    function _assertPermits(
        address grantee,
        uint8 dataClass,
        uint8 purpose,
        bytes2 where,
        string memory expected
    ) private view {
        (bool ok, string memory reason) =
            consents.permits(member, custodian, grantee, dataClass, purpose, where);
        assertEq(reason, expected);
        assertEq(ok, bytes(expected).length == 0);
    }

    function _signRevoke(uint256 grantId, uint64 deadline) private view returns (bytes memory) {
        bytes32 structHash =
            keccak256(abi.encode(REVOKE_TYPEHASH, member, grantId, consents.nonces(member), deadline));
        return _sign(key, _typed("Caduceus ConsentRegistry", address(consents), structHash));
    }

    function _signGrant(Grant memory t, uint64 deadline) private view returns (bytes memory) {
        bytes32 structHash = keccak256(
            abi.encode(
                GRANT_TYPEHASH,
                member,
                t.custodian,
                t.grantee,
                t.classes,
                t.purposes,
                t.jurisdictions,
                t.expiry,
                t.documentHash,
                consents.nonces(member),
                deadline
            )
        );
        return _sign(key, _typed("Caduceus ConsentRegistry", address(consents), structHash));
    }

    // ---------------------------------------------------------------- what a grant permits

    function test_the_reason_names_the_dimension_that_fails() public {
        _assertPermits(researcher, 1, 1, "US", "no grant to this party");
        _grant(_terms());
        _assertPermits(researcher, 1, 1, "US", "");
        _assertPermits(stranger, 1, 1, "US", "no grant to this party");
        _assertPermits(researcher, 2, 1, "US", "data class not covered");
        _assertPermits(researcher, 1, 6, "US", "purpose not covered");
        _assertPermits(researcher, 1, 1, "DE", "jurisdiction not covered");
        _assertPermits(researcher, 1, 1, "XX", "jurisdiction not covered");
        vm.warp(NOW + 365 days - 1);
        _assertPermits(researcher, 1, 1, "US", "");
        vm.warp(NOW + 365 days);
        _assertPermits(researcher, 1, 1, "US", "expired");
    }

    function test_of_several_grants_the_one_that_comes_closest_gives_the_reason() public {
        Grant memory terms = _terms();
        terms.classes = 1 << 2;
        _grant(terms);
        _assertPermits(researcher, 1, 6, "US", "data class not covered");
        _grant(_terms());
        _assertPermits(researcher, 1, 6, "US", "purpose not covered");
    }

    function test_one_grants_purpose_does_not_join_another_grants_class() public {
        Grant memory terms = _terms();
        terms.purposes = 1 << 6;
        _grant(terms);
        terms = _terms();
        terms.classes = 1 << 2;
        _grant(terms);
        _assertPermits(researcher, 1, 1, "US", "purpose not covered");
        _assertPermits(researcher, 1, 6, "US", "");
        _assertPermits(researcher, 2, 1, "US", "");
        _assertPermits(researcher, 2, 6, "US", "purpose not covered");
    }

    function test_a_region_covers_its_countries_and_bit_zero_covers_every_place() public {
        Grant memory terms = _terms();
        terms.jurisdictions = 1 << rules.regionIndex("EU");
        _grant(terms);
        _assertPermits(researcher, 1, 1, "DE", "");
        _assertPermits(researcher, 1, 1, "FR", "");
        _assertPermits(researcher, 1, 1, "US", "jurisdiction not covered");
        terms.jurisdictions = COUNTRIES_ANY;
        _grant(terms);
        _assertPermits(researcher, 1, 1, "US", "");
        _assertPermits(researcher, 1, 1, "XX", "");
    }

    function test_a_grant_to_the_class_of_researchers_asks_for_good_standing() public {
        Grant memory terms = _terms();
        terms.grantee = address(0);
        _grant(terms);
        _assertPermits(researcher, 1, 1, "US", "");
        _assertPermits(stranger, 1, 1, "US", "no grant to this party");
        vm.prank(registrar);
        registry.suspend(researcher);
        _assertPermits(researcher, 1, 1, "US", "no grant to this party");
    }

    function test_consent_for_one_custodian_says_nothing_about_another() public {
        _grant(_terms());
        (bool ok,) = consents.permits(member, stranger, researcher, 1, 1, "US");
        assertFalse(ok);
        assertFalse(consents.hasAnyGrant(member, stranger));
        assertTrue(consents.hasAnyGrant(member, custodian));
    }

    // ---------------------------------------------------------------- granting

    function test_only_members_grant() public {
        Grant memory terms = _terms();
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Errors.ConsentRegistry_NotMember.selector, stranger));
        consents.grant(terms);
    }

    function test_a_grant_names_everything() public {
        Grant memory terms = _terms();
        terms.custodian = address(0);
        _assertBadGrant(terms, "custodian");
        terms = _terms();
        terms.classes = 0;
        _assertBadGrant(terms, "classes");
        terms.classes = 1;
        _assertBadGrant(terms, "classes");
        terms.classes = 1 << 7;
        _assertBadGrant(terms, "classes");
        terms = _terms();
        terms.purposes = 1 << 9;
        _assertBadGrant(terms, "purposes");
        terms = _terms();
        terms.jurisdictions = 0;
        _assertBadGrant(terms, "jurisdictions");
        terms = _terms();
        terms.expiry = NOW;
        _assertBadGrant(terms, "expiry");
    }

    function _assertBadGrant(Grant memory terms, string memory part) private {
        vm.prank(member);
        vm.expectRevert(abi.encodeWithSelector(Errors.ConsentRegistry_BadGrant.selector, part));
        consents.grant(terms);
    }

    function test_a_grant_is_relayed_once() public {
        Grant memory terms = _terms();
        bytes memory signature = _signGrant(terms, NOW);
        vm.prank(stranger);
        uint256 grantId = consents.grantFor(member, terms, NOW, signature);
        (address who, bytes32 personId, bool revoked, Grant memory stored) = consents.grantOf(grantId);
        assertEq(who, member);
        assertEq(personId, membership.personOf(member));
        assertFalse(revoked);
        assertEq(keccak256(abi.encode(stored)), keccak256(abi.encode(terms)));
        vm.expectRevert(abi.encodeWithSelector(Errors.Signed_BadSignature.selector, member));
        consents.grantFor(member, terms, NOW, signature);
    }

    function test_a_relayed_grant_cannot_be_widened() public {
        Grant memory terms = _terms();
        bytes memory signature = _signGrant(terms, NOW);
        terms.purposes |= 1 << 6;
        vm.expectRevert(abi.encodeWithSelector(Errors.Signed_BadSignature.selector, member));
        consents.grantFor(member, terms, NOW, signature);
    }

    function test_a_relayed_grant_has_a_deadline() public {
        Grant memory terms = _terms();
        bytes memory signature = _signGrant(terms, NOW - 1);
        vm.expectRevert(abi.encodeWithSelector(Errors.Signed_Expired.selector, NOW - 1));
        consents.grantFor(member, terms, NOW - 1, signature);
    }

    function test_thirty_two_grants_stand_and_expired_ones_make_room() public {
        Grant memory terms = _terms();
        Grant memory brief = _terms();
        brief.expiry = NOW + 1;
        uint256 first = _grant(brief);
        for (uint256 i = 1; i < 32; ++i) {
            _grant(terms);
        }
        vm.prank(member);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.ConsentRegistry_TooManyGrants.selector, member, custodian)
        );
        consents.grant(terms);
        vm.warp(NOW + 1);
        _grant(terms);
        assertEq(consents.grantsOf(member, custodian).length, 32);
        // What was dropped from the list can still be revoked, for the record.
        vm.prank(member);
        consents.revoke(first);
        assertEq(consents.grantsOf(member, custodian).length, 32);
    }

    // ---------------------------------------------------------------- revoking

    function test_revoking_ends_the_grant_and_advances_the_counter() public {
        uint256 grantId = _grant(_terms());
        assertEq(consents.revocationCounter(custodian), 0);
        vm.prank(member);
        consents.revoke(grantId);
        assertEq(consents.revocationCounter(custodian), 1);
        assertEq(consents.grantsOf(member, custodian).length, 0);
        _assertPermits(researcher, 1, 1, "US", "no grant to this party");
        vm.prank(member);
        vm.expectRevert(abi.encodeWithSelector(Errors.ConsentRegistry_NotLive.selector, grantId));
        consents.revoke(grantId);
    }

    function test_nobody_else_revokes() public {
        uint256 grantId = _grant(_terms());
        (address other,) = _join("Grace");
        address[2] memory others = [stranger, other];
        for (uint256 i; i < 2; ++i) {
            vm.prank(others[i]);
            vm.expectRevert(
                abi.encodeWithSelector(Errors.ConsentRegistry_NotGrantor.selector, grantId, others[i])
            );
            consents.revoke(grantId);
        }
    }

    function test_who_left_still_revokes() public {
        uint256 grantId = _grant(_terms());
        vm.startPrank(member);
        membership.resign();
        consents.revoke(grantId);
        vm.stopPrank();
        assertFalse(consents.hasAnyGrant(member, custodian));
    }

    function test_a_person_revokes_with_a_new_wallet() public {
        uint256 grantId = _grant(_terms());
        bytes32 personId = membership.personOf(member);
        vm.prank(member);
        membership.resign();
        _joinAs(77, personId);
        vm.prank(vm.addr(77));
        consents.revoke(grantId);
        assertFalse(consents.hasAnyGrant(member, custodian));
    }

    function test_revoking_works_while_everything_is_paused() public {
        uint256 grantId = _grant(_terms());
        breaker.extend(15, NOW + 365 days);
        vm.prank(member);
        consents.revoke(grantId);
        assertEq(consents.revocationCounter(custodian), 1);
    }

    function test_a_revocation_is_relayed_once() public {
        uint256 grantId = _grant(_terms());
        bytes memory signature = _signRevoke(grantId, NOW);
        vm.prank(stranger);
        consents.revokeBySig(member, grantId, NOW, signature);
        assertEq(consents.revocationCounter(custodian), 1);
        uint256 second = _grant(_terms());
        vm.expectRevert(abi.encodeWithSelector(Errors.Signed_BadSignature.selector, member));
        consents.revokeBySig(member, second, NOW, signature);
    }

    function test_all_grants_with_a_custodian_end_at_once() public {
        _grant(_terms());
        _grant(_terms());
        vm.prank(member);
        consents.revokeAll(custodian);
        assertFalse(consents.hasAnyGrant(member, custodian));
        assertEq(consents.revocationCounter(custodian), 1);
        vm.prank(member);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.ConsentRegistry_NothingToRevoke.selector, member, custodian)
        );
        consents.revokeAll(custodian);
    }

    function test_ending_all_grants_is_relayed() public {
        _grant(_terms());
        bytes32 structHash =
            keccak256(abi.encode(REVOKE_ALL_TYPEHASH, member, custodian, consents.nonces(member), NOW));
        bytes memory signature = _sign(key, _typed("Caduceus ConsentRegistry", address(consents), structHash));
        vm.prank(stranger);
        consents.revokeAllBySig(member, custodian, NOW, signature);
        assertFalse(consents.hasAnyGrant(member, custodian));
    }

    // ---------------------------------------------------------------- consent roots

    function test_a_datasets_root_is_the_minted_one_until_its_custodian_posts_another() public {
        uint256 datasetId = _mintAs(custodian, _mintRequest("content"));
        assertEq(consents.consentRoot(datasetId), bytes32("root"));
        assertEq(consents.revocationCounter(custodian), 0);
        vm.prank(custodian);
        consents.postConsentRoot(datasetId, "new root");
        assertEq(consents.consentRoot(datasetId), bytes32("new root"));
        assertEq(consents.revocationCounter(custodian), 1);
    }

    function test_only_the_datasets_custodian_in_good_standing_posts_a_root() public {
        uint256 datasetId = _mintAs(custodian, _mintRequest("content"));
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.ConsentRegistry_NotCustodian.selector, datasetId, stranger)
        );
        consents.postConsentRoot(datasetId, "new root");
        vm.prank(custodian);
        vm.expectRevert(Errors.ConsentRegistry_ZeroRoot.selector);
        consents.postConsentRoot(datasetId, 0);
        vm.warp(NOW + 180 days);
        vm.prank(custodian);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.ConsentRegistry_NotCustodian.selector, datasetId, custodian)
        );
        consents.postConsentRoot(datasetId, "new root");
    }

    // ---------------------------------------------------------------- laws

    function test_fuzz_one_grant_permits_exactly_what_it_says(
        uint256 classes,
        uint256 purposes,
        uint256 places,
        uint8 dataClass,
        uint8 purpose,
        uint64 time
    ) public {
        Grant memory terms = _terms();
        terms.classes = bound(classes, 1, 63) << 1;
        terms.purposes = bound(purposes, 1, 255) << 1;
        terms.jurisdictions = bound(places, 1, 7);
        terms.expiry = NOW + 1_000;
        _grant(terms);
        dataClass = uint8(bound(dataClass, 1, 6));
        purpose = uint8(bound(purpose, 1, 8));
        uint256 place = time % 3;
        vm.warp(bound(time, NOW, NOW + 2_000));

        bytes2 country = [bytes2("XX"), bytes2("FR"), bytes2("US")][place];
        uint256 bits = place == 0 ? 1 : place == 1 ? 3 : 5;
        bool expected = terms.classes & (1 << dataClass) != 0 && terms.purposes & (1 << purpose) != 0
            && terms.jurisdictions & bits != 0 && block.timestamp < terms.expiry;
        (bool ok, string memory reason) =
            consents.permits(member, custodian, researcher, dataClass, purpose, country);
        assertEq(ok, expected);
        assertEq(bytes(reason).length == 0, expected);
    }

    function test_fuzz_the_counter_counts_every_change_and_never_goes_back(uint8[24] memory steps) public {
        uint256 datasetId = _mintAs(custodian, _mintRequest("content"));
        uint64 expected;
        for (uint256 i; i < steps.length; ++i) {
            uint256 step = steps[i] % 4;
            uint256 live = consents.grantsOf(member, custodian).length;
            if (step < 2) {
                _grant(_terms());
            } else if (step == 2 && live > 0) {
                uint256 id = consents.grantsOf(member, custodian)[steps[i] % live].id;
                vm.prank(member);
                consents.revoke(id);
                ++expected;
            } else if (step == 3) {
                vm.prank(custodian);
                consents.postConsentRoot(datasetId, bytes32(i + 1));
                ++expected;
            }
            assertEq(consents.revocationCounter(custodian), expected);
        }
    }
}
