// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {PartyRoles, Scopes} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {Dataset, MintRequest} from "../../src/interfaces/IDatasetToken.sol";
import {Cooperative} from "./Cooperative.sol";

contract DatasetTokenTest is Cooperative {
    function _assertRefused(address who, MintRequest memory r, bytes memory refusal) private {
        (Proof memory authenticity, Proof memory consent, Proof memory anonymization) = _mintProofs(who, r);
        vm.prank(who);
        vm.expectRevert(refusal);
        datasets.mint(r, authenticity, consent, anonymization);
    }

    function test_a_dataset_keeps_everything_it_was_minted_with() public {
        MintRequest memory r = _mintRequest("content");
        uint256 id = _mintAs(custodian, r);
        Dataset memory d = datasets.dataset(id);
        Dataset memory expected = Dataset({
            custodian: custodian,
            jurisdiction: "DE",
            dataClass: r.dataClass,
            k: r.k,
            l: r.l,
            custodianBps: r.custodianBps,
            schemaVersion: r.schemaVersion,
            recordCount: r.recordCount,
            personCount: r.personCount,
            mintedAt: NOW,
            contentHash: r.contentHash,
            tableCommitment: r.tableCommitment,
            schemaId: r.schemaId,
            consentRoot: r.consentRoot,
            method: r.method,
            parent: 0,
            metadataURI: r.metadataURI
        });
        assertEq(keccak256(abi.encode(d)), keccak256(abi.encode(expected)));
        assertEq(datasets.ownerOf(id), custodian);
        assertEq(datasets.custodianOf(id), custodian);
        assertEq(datasets.tokenOfContent("content"), id);
        assertEq(datasets.tokenURI(id), "ipfs://description");
        assertTrue(datasets.locked(id));
        assertTrue(datasets.supportsInterface(0xb45a3c0e));
    }

    function test_minting_without_one_of_its_three_proofs_reverts() public {
        MintRequest memory r = _mintRequest("content");
        (Proof memory a, Proof memory b, Proof memory c) = _mintProofs(custodian, r);
        vm.startPrank(custodian);
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        datasets.mint(r, b, b, c);
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        datasets.mint(r, a, a, c);
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        datasets.mint(r, a, b, b);
        c.signatures[1] = c.signatures[0];
        vm.expectPartialRevert(Errors.AttestationOracle_BadSignature.selector);
        datasets.mint(r, a, b, c);
        vm.stopPrank();
        assertEq(datasets.tokenOfContent("content"), 0);
    }

    function test_fuzz_no_attested_fact_can_be_changed_on_the_way(uint256 field, uint64 noise) public {
        MintRequest memory r = _mintRequest("content");
        (Proof memory a, Proof memory b, Proof memory c) = _mintProofs(custodian, r);
        bytes32 before = keccak256(abi.encode(r));
        field = bound(field, 0, 9);
        if (field == 0) r.tableCommitment = bytes32(uint256(noise));
        if (field == 1) r.schemaId = bytes32(uint256(noise));
        if (field == 2) r.schemaVersion = uint32(noise);
        if (field == 3) r.dataClass = uint8(bound(noise, 1, 6));
        if (field == 4) r.recordCount = uint64(bound(noise, 1, type(uint64).max));
        if (field == 5) r.personCount = uint64(bound(noise, 1, type(uint64).max));
        if (field == 6) r.consentRoot = bytes32(uint256(noise) + 1);
        if (field == 7) r.k = uint16(bound(noise, 1, type(uint16).max));
        if (field == 8) r.l = uint16(noise);
        if (field == 9) r.method = bytes32(uint256(noise));
        vm.assume(keccak256(abi.encode(r)) != before);
        vm.prank(custodian);
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        datasets.mint(r, a, b, c);
    }

    function test_attestations_for_one_custodian_do_not_serve_another() public {
        address other = makeAddr("other custodian");
        _register(other, PartyRoles.CUSTODIAN, "US");
        MintRequest memory r = _mintRequest("content");
        (Proof memory a, Proof memory b, Proof memory c) = _mintProofs(custodian, r);
        vm.prank(other);
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        datasets.mint(r, a, b, c);
    }

    function test_only_a_custodian_in_good_standing_mints() public {
        MintRequest memory r = _mintRequest("content");
        _assertRefused(
            researcher,
            r,
            abi.encodeWithSelector(
                Errors.DatasetToken_NotInGoodStanding.selector, researcher, "role not held"
            )
        );
        vm.warp(NOW + 180 days);
        _assertRefused(
            custodian,
            r,
            abi.encodeWithSelector(
                Errors.DatasetToken_NotInGoodStanding.selector, custodian, "accreditation expired"
            )
        );
    }

    function test_content_is_minted_once() public {
        MintRequest memory r = _mintRequest("content");
        uint256 id = _mintAs(custodian, r);
        _assertRefused(custodian, r, abi.encodeWithSelector(Errors.DatasetToken_ContentExists.selector, id));
    }

    function test_a_pause_of_minting_stops_minting() public {
        vm.prank(guardian);
        breaker.pause(Scopes.MINTING, 1 days);
        bytes memory refusal =
            abi.encodeWithSelector(Errors.CircuitBreaker_Paused.selector, Scopes.MINTING, NOW + 1 days);
        _assertRefused(custodian, _mintRequest("content"), refusal);
    }

    function test_a_version_follows_only_its_own_custodians_dataset() public {
        uint256 first = _mintAs(custodian, _mintRequest("first"));
        MintRequest memory r = _mintRequest("second");
        r.parent = first;
        uint256 second = _mintAs(custodian, r);
        assertEq(datasets.dataset(second).parent, first);

        address other = makeAddr("other custodian");
        _register(other, PartyRoles.CUSTODIAN, "US");
        r.contentHash = "third";
        _assertRefused(other, r, abi.encodeWithSelector(Errors.DatasetToken_BadParent.selector, first));
        r.parent = 99;
        _assertRefused(custodian, r, abi.encodeWithSelector(Errors.DatasetToken_BadParent.selector, 99));
    }

    function test_a_request_with_a_part_missing_is_refused() public {
        MintRequest memory r = _mintRequest(0);
        _assertRefused(
            custodian, r, abi.encodeWithSelector(Errors.DatasetToken_BadRequest.selector, "contentHash")
        );
        r = _mintRequest("content");
        r.dataClass = 7;
        _assertRefused(
            custodian, r, abi.encodeWithSelector(Errors.DatasetToken_BadRequest.selector, "dataClass")
        );
        r = _mintRequest("content");
        r.recordCount = 0;
        _assertRefused(
            custodian, r, abi.encodeWithSelector(Errors.DatasetToken_BadRequest.selector, "recordCount")
        );
        r = _mintRequest("content");
        r.personCount = 0;
        _assertRefused(
            custodian, r, abi.encodeWithSelector(Errors.DatasetToken_BadRequest.selector, "personCount")
        );
        r = _mintRequest("content");
        r.consentRoot = 0;
        _assertRefused(
            custodian, r, abi.encodeWithSelector(Errors.DatasetToken_BadRequest.selector, "consentRoot")
        );
        r = _mintRequest("content");
        r.k = 0;
        _assertRefused(custodian, r, abi.encodeWithSelector(Errors.DatasetToken_BadRequest.selector, "k"));
    }

    function test_the_custodians_part_stays_under_the_governed_cap() public {
        MintRequest memory r = _mintRequest("content");
        r.custodianBps = 2_001;
        bytes memory refusal =
            abi.encodeWithSelector(Errors.DatasetToken_CustodianPartTooHigh.selector, 2_001, 2_000);
        _assertRefused(custodian, r, refusal);
        datasets.setCustodianCap(2_001);
        uint256 id = _mintAs(custodian, r);
        datasets.setCustodianCap(0);
        assertEq(datasets.dataset(id).custodianBps, 2_001);

        vm.expectRevert(abi.encodeWithSelector(Errors.DatasetToken_BadCap.selector, 10_001));
        datasets.setCustodianCap(10_001);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger));
        datasets.setCustodianCap(1);
    }

    function test_a_dataset_goes_into_the_pool_and_back_to_its_custodian_only() public {
        uint256 id = _mintAs(custodian, _mintRequest("content"));
        vm.startPrank(pool);
        datasets.lock(id);
        assertEq(datasets.ownerOf(id), pool);
        assertEq(datasets.custodianOf(id), custodian);
        vm.expectRevert(abi.encodeWithSelector(Errors.DatasetToken_WrongHolder.selector, id, pool));
        datasets.lock(id);
        vm.expectRevert(Errors.DatasetToken_Soulbound.selector);
        datasets.transferFrom(pool, stranger, id);
        datasets.release(id);
        assertEq(datasets.ownerOf(id), custodian);
        vm.expectRevert(abi.encodeWithSelector(Errors.DatasetToken_WrongHolder.selector, id, custodian));
        datasets.release(id);
        vm.stopPrank();
    }

    function test_nobody_but_the_pool_moves_a_dataset() public {
        uint256 id = _mintAs(custodian, _mintRequest("content"));
        vm.startPrank(custodian);
        vm.expectRevert(Errors.DatasetToken_Soulbound.selector);
        datasets.transferFrom(custodian, pool, id);
        vm.expectRevert(Errors.DatasetToken_Soulbound.selector);
        datasets.safeTransferFrom(custodian, pool, id);
        vm.expectRevert(Errors.DatasetToken_Soulbound.selector);
        datasets.approve(stranger, id);
        vm.expectRevert(Errors.DatasetToken_Soulbound.selector);
        datasets.setApprovalForAll(stranger, true);
        vm.expectRevert(abi.encodeWithSelector(Errors.DatasetToken_NotPool.selector, custodian));
        datasets.lock(id);
        vm.expectRevert(abi.encodeWithSelector(Errors.DatasetToken_NotPool.selector, custodian));
        datasets.release(id);
        vm.stopPrank();
    }

    function test_questions_about_a_dataset_that_is_not_there_revert() public {
        bytes memory refusal = abi.encodeWithSelector(Errors.DatasetToken_Unknown.selector, 1);
        vm.expectRevert(refusal);
        datasets.dataset(1);
        vm.expectRevert(refusal);
        datasets.custodianOf(1);
        vm.expectRevert(refusal);
        datasets.payeeOf(1);
        vm.expectRevert(refusal);
        datasets.locked(1);
        vm.expectRevert(refusal);
        datasets.tokenURI(1);
        assertFalse(datasets.exists(1));
        assertFalse(datasets.exists(0));
    }
}
