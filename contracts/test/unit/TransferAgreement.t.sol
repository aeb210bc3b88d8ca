// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {PartyRoles, Purposes, Safeguards, Scopes} from "../../src/common/Codes.sol";
import {Errors} from "../../src/common/Errors.sol";
import {Kinds} from "../../src/common/Kinds.sol";
import {Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {ISafeguardEvidence} from "../../src/interfaces/ISafeguardEvidence.sol";
import {Agreement, AgreementStates, Terms} from "../../src/interfaces/ITransferAgreement.sol";
import {TransferAgreement} from "../../src/policy/TransferAgreement.sol";
import {Trading} from "../support/Trading.sol";

/// @notice A wallet that is a contract: it accepts what its owner signed.
contract ContractWallet is IERC1271 {
    address public immutable OWNER;

    constructor(address owner) {
        OWNER = owner;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (bytes32 r, bytes32 s) = abi.decode(signature[:64], (bytes32, bytes32));
        bool ok = ecrecover(hash, uint8(signature[64]), r, s) == OWNER;
        return ok ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

contract TransferAgreementTest is Trading {
    bytes32 private constant TYPEHASH = keccak256(
        "Terms(address exporter,address importer,uint8 module,uint256 datasetId,bytes32 documentHash,uint96 payment,uint64 deliverBy,uint64 expiry,uint256 nonce,uint64 deadline)"
    );
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;
    uint256 private constant ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    uint64 private constant DELIVER_BY = START + 20 days;
    uint64 private constant EXPIRY = START + 400 days;
    uint96 private constant PAYMENT = 5_000e6;

    address private immutable importer = makeAddr("importer");
    uint256 private german;

    function setUp() public override {
        super.setUp();
        german = _pooled(berlin);
        // From the US, without any safeguard of its own.
        _register(importer, PartyRoles.RESEARCHER, "US", 0);
        _fund(importer, address(agreements), 100_000e6);
    }

    function _terms() private view returns (Terms memory) {
        return Terms({
            exporter: berlin,
            importer: importer,
            module: 1,
            datasetId: german,
            documentHash: "document",
            payment: PAYMENT,
            deliverBy: DELIVER_BY,
            expiry: EXPIRY,
            nonce: agreements.nonces(importer),
            deadline: START + 1 days
        });
    }

    function _digest(Terms memory t) private view returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                TYPEHASH,
                t.exporter,
                t.importer,
                t.module,
                t.datasetId,
                t.documentHash,
                t.payment,
                t.deliverBy,
                t.expiry,
                t.nonce,
                t.deadline
            )
        );
        return _typed("Caduceus TransferAgreement", address(agreements), structHash);
    }

    function _concludeCall(Terms memory t) private view returns (bytes memory) {
        bytes32 digest = _digest(t);
        return abi.encodeCall(
            TransferAgreement.conclude,
            (t, _sign(makeKey("berlin"), digest), _sign(makeKey("importer"), digest), _noPermit())
        );
    }

    function _conclude(Terms memory t) private returns (uint256) {
        bytes32 digest = _digest(t);
        bytes memory a = _sign(makeKey("berlin"), digest);
        bytes memory b = _sign(makeKey("importer"), digest);
        vm.prank(stranger);
        return agreements.conclude(t, a, b, _noPermit());
    }

    function _delivery(uint256 id) private returns (Proof memory) {
        bytes32 payload =
            keccak256(abi.encode(address(agreements), id, bytes32("document"), bytes32("delivery")));
        return _proof(Kinds.TRANSFER, bytes32(id), payload);
    }

    function _deliver(uint256 id) private {
        agreements.deliver(id, "delivery", _delivery(id));
    }

    function _assertRefused(address who, bytes memory data_, bytes memory refusal) private {
        _assertReverts(who, address(agreements), data_, refusal);
    }

    function _assertBad(Terms memory t, string memory part) private {
        _assertRefused(
            stranger,
            _concludeCall(t),
            abi.encodeWithSelector(Errors.TransferAgreement_BadTerms.selector, part)
        );
    }

    function _allowed() private view returns (bool ok) {
        (ok,) = compliance.checkAccess(importer, german, Purposes.HMB, 0);
    }

    // ---------------------------------------------------------------- the whole life

    function test_an_agreement_is_paid_on_attested_delivery() public {
        uint256 id = _conclude(_terms());
        Agreement memory a = agreements.agreement(id);
        assertEq(a.state, AgreementStates.CONCLUDED);
        assertEq(a.exporter, berlin);
        assertEq(a.importer, importer);
        assertEq(a.documentHash, bytes32("document"));
        assertEq(agreements.owed(), PAYMENT);
        assertEq(agreements.latest(importer, berlin, german), id);
        assertEq(agreements.agreementCount(), id);
        vm.warp(DELIVER_BY);
        _pause(Scopes.ALL);
        _deliver(id);
        assertEq(usdc.balanceOf(berlin), PAYMENT);
        assertEq(agreements.owed(), 0);
        _assertHolds(address(agreements), 0);
        assertTrue(agreements.isInForce(id));
        _assertRefused(
            stranger,
            abi.encodeCall(TransferAgreement.refund, (id)),
            abi.encodeWithSelector(
                Errors.TransferAgreement_WrongState.selector, id, AgreementStates.DELIVERED
            )
        );
    }

    function test_what_is_not_delivered_in_time_is_refunded() public {
        uint256 id = _conclude(_terms());
        vm.warp(DELIVER_BY);
        bytes memory data_ = abi.encodeCall(TransferAgreement.refund, (id));
        _assertRefused(
            importer,
            data_,
            abi.encodeWithSelector(Errors.TransferAgreement_DeadlineNotPassed.selector, id, DELIVER_BY)
        );
        vm.warp(DELIVER_BY + 1);
        assertFalse(agreements.isInForce(id));
        Proof memory proof = _delivery(id);
        _assertRefused(
            stranger,
            abi.encodeCall(TransferAgreement.deliver, (id, "delivery", proof)),
            abi.encodeWithSelector(Errors.TransferAgreement_DeadlinePassed.selector, id, DELIVER_BY)
        );
        vm.prank(stranger);
        agreements.refund(id);
        assertEq(usdc.balanceOf(importer), 100_000e6);
        assertEq(agreements.agreement(id).state, AgreementStates.REFUNDED);
        _assertHolds(address(agreements), 0);
    }

    function test_the_exporter_may_give_up_before() public {
        uint256 id = _conclude(_terms());
        vm.prank(berlin);
        agreements.refund(id);
        assertEq(usdc.balanceOf(importer), 100_000e6);
        assertFalse(agreements.isInForce(id));
    }

    function test_either_side_ends_a_delivered_agreement_and_nobody_else() public {
        address[2] memory sides = [berlin, importer];
        for (uint256 i; i < 2; ++i) {
            uint256 id = _conclude(_terms());
            bytes memory data_ = abi.encodeCall(TransferAgreement.terminate, (id));
            _assertRefused(
                sides[i],
                data_,
                abi.encodeWithSelector(
                    Errors.TransferAgreement_WrongState.selector, id, AgreementStates.CONCLUDED
                )
            );
            _deliver(id);
            _assertRefused(
                stranger,
                data_,
                abi.encodeWithSelector(Errors.TransferAgreement_NotSide.selector, id, stranger)
            );
            vm.prank(sides[i]);
            agreements.terminate(id);
            assertFalse(agreements.isInForce(id));
        }
    }

    // ---------------------------------------------------------------- evidence of a safeguard

    function test_an_agreement_in_force_is_the_safeguard_that_a_rule_asks_for() public {
        (bool ok, string memory law) = compliance.checkAccess(importer, german, Purposes.HMB, 0);
        assertFalse(ok);
        assertEq(law, "GDPR Art. 46");
        uint256 id = _conclude(_terms());
        assertTrue(_allowed());
        assertEq(agreements.safeguardsOf(importer, berlin, german), Safeguards.SCC);
        assertEq(agreements.safeguardsOf(importer, boston, german), 0);
        assertEq(agreements.safeguardsOf(researcher, berlin, german), 0);
        _deliver(id);
        assertTrue(_allowed());
        vm.warp(EXPIRY);
        assertFalse(agreements.isInForce(id));
        assertEq(agreements.safeguardsOf(importer, berlin, german), 0);
    }

    function test_an_agreement_over_all_datasets_covers_each_and_one_over_another_covers_none() public {
        uint256 second = _pooled(berlin);
        Terms memory t = _terms();
        t.datasetId = second;
        _conclude(t);
        assertFalse(_allowed());
        t = _terms();
        t.datasetId = 0;
        uint256 id = _conclude(t);
        assertTrue(_allowed());
        vm.prank(berlin);
        agreements.refund(id);
        assertFalse(_allowed());
    }

    function test_no_agreement_helps_where_the_rule_denies() public {
        _register(makeAddr("beijing"), PartyRoles.RESEARCHER, "CN", 0);
        Terms memory t = _terms();
        t.importer = makeAddr("beijing");
        t.payment = 0;
        t.nonce = 0;
        bytes32 digest = _digest(t);
        agreements.conclude(
            t, _sign(makeKey("berlin"), digest), _sign(makeKey("beijing"), digest), _noPermit()
        );
        (bool ok, string memory law) = compliance.checkAccess(t.importer, german, Purposes.HMB, 0);
        assertFalse(ok);
        assertEq(law, "GDPR Art. 44");
    }

    function test_without_evidence_the_registry_alone_counts() public {
        _conclude(_terms());
        vm.prank(address(timelock));
        compliance.setEvidence(ISafeguardEvidence(address(0)));
        assertEq(address(compliance.evidence()), address(0));
        assertFalse(_allowed());
        bytes memory data_ = abi.encodeCall(compliance.setEvidence, (agreements));
        _assertGoverned(address(compliance), data_);
    }

    // ---------------------------------------------------------------- signatures

    function test_the_digest_is_that_of_eip_712() public view {
        assertEq(agreements.digestOf(_terms()), _digest(_terms()));
    }

    function test_an_agreement_is_concluded_once() public {
        Terms memory t = _terms();
        bytes memory again = _concludeCall(t);
        _conclude(t);
        _assertRefused(
            stranger, again, abi.encodeWithSignature("InvalidAccountNonce(address,uint256)", importer, 1)
        );
    }

    function test_signatures_of_others_for_elsewhere_or_too_late_are_refused() public {
        Terms memory t = _terms();
        bytes memory bad = abi.encodeWithSelector(Errors.Signed_BadSignature.selector, berlin);
        bytes memory onThisChain = _concludeCall(t);
        vm.chainId(1);
        _assertRefused(stranger, onThisChain, bad);
        vm.chainId(31337);
        bytes32 elsewhere = _typed("Caduceus TransferAgreement", address(escrow), "struct");
        bytes memory a = _sign(makeKey("berlin"), elsewhere);
        bytes memory b = _sign(makeKey("importer"), _digest(t));
        _assertRefused(stranger, abi.encodeCall(TransferAgreement.conclude, (t, a, b, _noPermit())), bad);
        a = _sign(makeKey("berlin"), _digest(t));
        b = _sign(makeKey("boston"), _digest(t));
        _assertRefused(
            stranger,
            abi.encodeCall(TransferAgreement.conclude, (t, a, b, _noPermit())),
            abi.encodeWithSelector(Errors.Signed_BadSignature.selector, importer)
        );
        vm.warp(t.deadline + 1);
        _assertRefused(
            stranger, onThisChain, abi.encodeWithSelector(Errors.Signed_Expired.selector, t.deadline)
        );
    }

    function test_the_other_signature_with_a_high_s_is_refused() public {
        Terms memory t = _terms();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(makeKey("berlin"), _digest(t));
        assertTrue(uint256(s) <= HALF_ORDER);
        bytes memory flipped = abi.encodePacked(r, ORDER - uint256(s), v == 27 ? uint8(28) : uint8(27));
        bytes memory b = _sign(makeKey("importer"), _digest(t));
        _assertRefused(
            stranger,
            abi.encodeCall(TransferAgreement.conclude, (t, flipped, b, _noPermit())),
            abi.encodeWithSelector(Errors.Signed_BadSignature.selector, berlin)
        );
    }

    function test_a_wallet_that_is_a_contract_concludes_by_its_owners_signature() public {
        ContractWallet wallet = new ContractWallet(makeAddr("owner"));
        _register(address(wallet), PartyRoles.RESEARCHER, "US", 0);
        _fund(address(wallet), address(agreements), PAYMENT);
        Terms memory t = _terms();
        t.importer = address(wallet);
        bytes32 digest = _digest(t);
        bytes memory a = _sign(makeKey("berlin"), digest);
        bytes memory wrong = _sign(makeKey("stranger"), digest);
        _assertRefused(
            stranger,
            abi.encodeCall(TransferAgreement.conclude, (t, a, wrong, _noPermit())),
            abi.encodeWithSelector(Errors.Signed_BadSignature.selector, address(wallet))
        );
        uint256 id = agreements.conclude(t, a, _sign(makeKey("owner"), digest), _noPermit());
        assertEq(agreements.agreement(id).importer, address(wallet));
    }

    // ---------------------------------------------------------------- bounds

    function test_terms_out_of_bounds_are_refused() public {
        Terms memory t = _terms();
        t.module = 0;
        _assertBad(t, "module");
        t.module = 5;
        _assertBad(t, "module");
        t = _terms();
        t.documentHash = 0;
        _assertBad(t, "documentHash");
        t = _terms();
        t.deliverBy = START;
        _assertBad(t, "deliverBy");
        t.deliverBy = START + 365 days + 1;
        _assertBad(t, "deliverBy");
        t = _terms();
        t.expiry = DELIVER_BY - 1;
        _assertBad(t, "expiry");
        t = _terms();
        t.datasetId = _pooled(boston);
        _assertBad(t, "datasetId");
    }

    function test_both_sides_must_be_in_good_standing() public {
        bytes memory data_ = _concludeCall(_terms());
        bytes4 refusal = Errors.TransferAgreement_NotInGoodStanding.selector;
        _suspend(importer);
        _assertRefused(stranger, data_, abi.encodeWithSelector(refusal, importer, "suspended"));
        _suspend(berlin);
        _assertRefused(stranger, data_, abi.encodeWithSelector(refusal, berlin, "suspended"));
    }

    function test_concluding_can_be_paused() public {
        bytes memory data_ = _concludeCall(_terms());
        _pause(Scopes.TRADING);
        _assertRefused(
            stranger,
            data_,
            abi.encodeWithSelector(Errors.CircuitBreaker_Paused.selector, Scopes.TRADING, START + 7 days)
        );
    }

    function test_a_delivery_must_be_attested_for_this_agreement() public {
        uint256 first = _conclude(_terms());
        uint256 second = _conclude(_terms());
        Proof memory proof = _delivery(first);
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        agreements.deliver(second, "delivery", proof);
        vm.expectPartialRevert(Errors.AttestationOracle_WrongStatement.selector);
        agreements.deliver(first, "another", proof);
    }
}
