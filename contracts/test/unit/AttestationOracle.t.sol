// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAccessManaged} from "@openzeppelin/contracts/access/manager/IAccessManaged.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {Errors} from "../../src/common/Errors.sol";
import {PartyRoles} from "../../src/common/Codes.sol";
import {AttestationOracle} from "../../src/identity/AttestationOracle.sol";
import {Attestation, Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {Cooperative} from "./Cooperative.sol";

/// @notice A contract wallet that accepts what it is told to.
contract Wallet is IERC1271 {
    mapping(bytes32 digest => bool) public accepts;

    function accept(bytes32 digest) external {
        accepts[digest] = true;
    }

    function isValidSignature(bytes32 digest, bytes calldata) external view returns (bytes4) {
        return accepts[digest] ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

contract AttestationOracleTest is Cooperative {
    bytes32 private constant KIND = keccak256("IDENTITY");

    function setUp() public override {
        super.setUp();
        oracle.setConsumer(address(this), true);
    }

    function _attestation() private pure returns (Attestation memory) {
        return Attestation(KIND, "subject", "payload", NOW, NOW + 1 days, "nonce");
    }

    function _consume(Proof memory proof) private {
        oracle.consume(proof, KIND, "subject", "payload");
    }

    function test_two_of_three_attestors_are_enough_and_three_are_too() public {
        _consume(_signedBy(_attestation(), 2));
        Attestation memory other = _attestation();
        other.nonce = "another";
        _consume(_signedBy(other, 3));
        assertTrue(oracle.isConsumed(oracle.digestOf(other)));
    }

    function test_the_digest_is_what_eip_712_says() public view {
        Attestation memory a = _attestation();
        bytes32 typeHash = keccak256(
            "Attestation(bytes32 kind,bytes32 subject,bytes32 payloadHash,uint64 issuedAt,uint64 expiresAt,bytes32 nonce)"
        );
        bytes32 structHash = keccak256(
            abi.encode(typeHash, a.kind, a.subject, a.payloadHash, a.issuedAt, a.expiresAt, a.nonce)
        );
        assertEq(oracle.digestOf(a), _typed("Caduceus AttestationOracle", address(oracle), structHash));
    }

    function test_one_attestor_is_not_enough() public {
        Proof memory proof = _signedBy(_attestation(), 1);
        vm.expectRevert(abi.encodeWithSelector(Errors.AttestationOracle_BelowThreshold.selector, 1, 2));
        _consume(proof);
    }

    function test_one_attestor_signing_twice_is_not_two() public {
        Proof memory proof = _signedBy(_attestation(), 2);
        proof.signers[1] = proof.signers[0];
        proof.signatures[1] = proof.signatures[0];
        vm.expectRevert(
            abi.encodeWithSelector(Errors.AttestationOracle_BadSignerOrder.selector, proof.signers[0])
        );
        _consume(proof);
    }

    function test_an_attestation_counts_once() public {
        Proof memory proof = _signedBy(_attestation(), 2);
        _consume(proof);
        bytes32 digest = oracle.digestOf(proof.attestation);
        vm.expectRevert(abi.encodeWithSelector(Errors.AttestationOracle_AlreadyConsumed.selector, digest));
        _consume(proof);
        // The third attestor's signature does not make it another statement.
        proof = _signedBy(_attestation(), 3);
        vm.expectRevert(abi.encodeWithSelector(Errors.AttestationOracle_AlreadyConsumed.selector, digest));
        _consume(proof);
    }

    function test_a_statement_about_something_else_is_refused() public {
        Proof memory proof = _signedBy(_attestation(), 2);
        bytes memory refusal = abi.encodeWithSelector(
            Errors.AttestationOracle_WrongStatement.selector, KIND, bytes32("subject"), bytes32("payload")
        );
        vm.expectRevert(refusal);
        oracle.consume(proof, keccak256("VALUE"), "subject", "payload");
        vm.expectRevert(refusal);
        oracle.consume(proof, KIND, "other", "payload");
        vm.expectRevert(refusal);
        oracle.consume(proof, KIND, "subject", "other");
    }

    function test_validity_includes_its_first_second_and_excludes_its_last() public {
        Proof memory proof = _signedBy(_attestation(), 2);
        bytes memory refusal =
            abi.encodeWithSelector(Errors.AttestationOracle_NotValidNow.selector, NOW, NOW + 1 days);
        vm.warp(NOW - 1);
        vm.expectRevert(refusal);
        oracle.verify(proof);
        vm.warp(NOW);
        oracle.verify(proof);
        vm.warp(NOW + 1 days - 1);
        oracle.verify(proof);
        vm.warp(NOW + 1 days);
        vm.expectRevert(refusal);
        oracle.verify(proof);
    }

    function test_only_the_protocols_contracts_spend_attestations() public {
        Proof memory proof = _signedBy(_attestation(), 2);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(Errors.AttestationOracle_NotConsumer.selector, stranger));
        _consume(proof);
    }

    function test_a_stranger_among_the_signers_spoils_the_proof() public {
        Proof memory proof = _signedBy(_attestation(), 3);
        uint256 key = uint256(keccak256("nobody"));
        address nobody = vm.addr(key);
        // Whatever the order of addresses, the list stays ascending.
        proof.signers = new address[](3);
        proof.signatures = new bytes[](3);
        uint256[3] memory keys = [attestorKeys[0], attestorKeys[1], key];
        for (uint256 i; i < 3; ++i) {
            uint256 rank;
            for (uint256 j; j < 3; ++j) {
                if (vm.addr(keys[j]) < vm.addr(keys[i])) ++rank;
            }
            proof.signers[rank] = vm.addr(keys[i]);
            proof.signatures[rank] = _sign(keys[i], oracle.digestOf(proof.attestation));
        }
        vm.expectRevert(abi.encodeWithSelector(Errors.AttestationOracle_NotAttestor.selector, nobody));
        _consume(proof);
    }

    function test_a_suspended_attestor_no_longer_counts() public {
        Proof memory proof = _signedBy(_attestation(), 2);
        vm.prank(registrar);
        registry.suspend(proof.signers[1]);
        vm.expectRevert(
            abi.encodeWithSelector(
                Errors.AttestationOracle_AttestorNotInGoodStanding.selector, proof.signers[1]
            )
        );
        _consume(proof);
    }

    function test_a_signature_for_another_chain_is_refused() public {
        Proof memory proof = _signedBy(_attestation(), 2);
        vm.chainId(block.chainid + 1);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.AttestationOracle_BadSignature.selector, proof.signers[0])
        );
        _consume(proof);
    }

    function test_a_signature_for_another_oracle_is_refused() public {
        address[] memory consumers = new address[](1);
        consumers[0] = address(this);
        bytes memory data = abi.encodeCall(
            AttestationOracle.initialize, (address(manager), oracle.attestors(), 2, consumers)
        );
        AttestationOracle other = AttestationOracle(_proxy(address(new AttestationOracle(registry)), data));
        Proof memory proof = _signedBy(_attestation(), 2);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.AttestationOracle_BadSignature.selector, proof.signers[0])
        );
        other.consume(proof, KIND, "subject", "payload");
    }

    function test_a_contract_wallet_can_be_an_attestor() public {
        Wallet wallet = new Wallet();
        _register(address(wallet), PartyRoles.ATTESTOR, "DE");
        address[] memory attestors = new address[](1);
        attestors[0] = address(wallet);
        oracle.setAttestors(attestors, 1);

        Proof memory proof = Proof(_attestation(), attestors, new bytes[](1));
        vm.expectRevert(
            abi.encodeWithSelector(Errors.AttestationOracle_BadSignature.selector, address(wallet))
        );
        _consume(proof);
        wallet.accept(oracle.digestOf(proof.attestation));
        _consume(proof);
    }

    function test_new_attestors_replace_the_former_ones() public {
        Proof memory proof = _signedBy(_attestation(), 2);
        address[] memory attestors = new address[](1);
        attestors[0] = vm.addr(attestorKeys[2]);
        oracle.setAttestors(attestors, 1);
        assertEq(oracle.attestors().length, 1);
        assertFalse(oracle.isAttestor(proof.signers[0]));
        vm.expectRevert(
            abi.encodeWithSelector(Errors.AttestationOracle_NotAttestor.selector, proof.signers[0])
        );
        _consume(proof);
    }

    function test_attestors_are_distinct_and_the_threshold_can_be_met() public {
        address[] memory attestors = oracle.attestors();
        vm.expectRevert(abi.encodeWithSelector(Errors.AttestationOracle_BadThreshold.selector, 0, 3));
        oracle.setAttestors(attestors, 0);
        vm.expectRevert(abi.encodeWithSelector(Errors.AttestationOracle_BadThreshold.selector, 4, 3));
        oracle.setAttestors(attestors, 4);
        attestors[1] = attestors[0];
        vm.expectRevert(
            abi.encodeWithSelector(Errors.AttestationOracle_BadAttestorOrder.selector, attestors[0])
        );
        oracle.setAttestors(attestors, 2);
        vm.expectRevert(abi.encodeWithSelector(Errors.AttestationOracle_TooManyAttestors.selector, 65, 64));
        oracle.setAttestors(new address[](65), 2);
    }

    function test_only_governance_sets_attestors_and_consumers() public {
        address[] memory attestors = oracle.attestors();
        vm.startPrank(stranger);
        bytes memory refusal =
            abi.encodeWithSelector(IAccessManaged.AccessManagedUnauthorized.selector, stranger);
        vm.expectRevert(refusal);
        oracle.setAttestors(attestors, 1);
        vm.expectRevert(refusal);
        oracle.setConsumer(stranger, true);
        vm.stopPrank();
    }

    function test_fuzz_changing_anything_in_a_statement_voids_its_signatures(uint256 field, bytes32 noise)
        public
    {
        Proof memory proof = _signedBy(_attestation(), 2);
        Attestation memory a = proof.attestation;
        bytes32 before = keccak256(abi.encode(a));
        field = bound(field, 0, 5);
        if (field == 0) a.kind = noise;
        if (field == 1) a.subject = noise;
        if (field == 2) a.payloadHash = noise;
        if (field == 3) a.issuedAt = uint64(bound(uint256(noise), 0, NOW));
        if (field == 4) a.expiresAt = uint64(bound(uint256(noise), NOW + 1, type(uint64).max));
        if (field == 5) a.nonce = noise;
        vm.assume(keccak256(abi.encode(a)) != before);
        vm.expectRevert(
            abi.encodeWithSelector(Errors.AttestationOracle_BadSignature.selector, proof.signers[0])
        );
        oracle.consume(proof, a.kind, a.subject, a.payloadHash);
    }

    function test_a_proof_has_a_signature_for_each_signer() public {
        Proof memory proof = _signedBy(_attestation(), 2);
        bytes[] memory one = new bytes[](1);
        one[0] = proof.signatures[0];
        proof.signatures = one;
        vm.expectRevert(abi.encodeWithSelector(Errors.AttestationOracle_LengthMismatch.selector, 2, 1));
        _consume(proof);
    }

    function test_governance_adds_and_removes_consumers_that_are_somebody() public {
        assertEq(oracle.threshold(), 2);
        assertTrue(oracle.isConsumer(address(this)));
        oracle.setConsumer(address(this), false);
        assertFalse(oracle.isConsumer(address(this)));
        vm.expectRevert(Errors.Common_ZeroAddress.selector);
        oracle.setConsumer(address(0), true);
    }
}
