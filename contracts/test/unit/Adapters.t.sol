// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {MockV3Aggregator} from "@chainlink/contracts/src/v0.8/shared/mocks/MockV3Aggregator.sol";
import {
    MockLinkToken
} from "@chainlink/contracts/src/v0.8/functions/tests/v1_X/testhelpers/MockLinkToken.sol";
import {
    IFunctionsRouter
} from "@chainlink/contracts/src/v0.8/functions/v1_0_0/interfaces/IFunctionsRouter.sol";
import {
    IFunctionsSubscriptions
} from "@chainlink/contracts/src/v0.8/functions/v1_0_0/interfaces/IFunctionsSubscriptions.sol";
import {
    FunctionsResponse
} from "@chainlink/contracts/src/v0.8/functions/v1_0_0/libraries/FunctionsResponse.sol";
import {FunctionsCoordinator} from "@chainlink/contracts/src/v0.8/functions/v1_3_0/FunctionsCoordinator.sol";
import {
    FunctionsBillingConfig
} from "@chainlink/contracts/src/v0.8/functions/v1_3_0/interfaces/IFunctionsBilling.sol";
import {
    AttestationRequest,
    AttestationRequestData,
    IEAS,
    RevocationRequest,
    RevocationRequestData
} from "@ethereum-attestation-service/eas-contracts/contracts/IEAS.sol";
import {ISchemaRegistry} from "@ethereum-attestation-service/eas-contracts/contracts/ISchemaRegistry.sol";
import {
    ISchemaResolver
} from "@ethereum-attestation-service/eas-contracts/contracts/resolver/ISchemaResolver.sol";
import {EasAttestor} from "../../src/adapters/EasAttestor.sol";
import {FunctionsAttestor} from "../../src/adapters/FunctionsAttestor.sol";
import {Errors} from "../../src/common/Errors.sol";
import {PartyRoles} from "../../src/common/Codes.sol";
import {Attestation, Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {Cooperative} from "./Cooperative.sol";

/// @notice A log that the EVM kept.
struct Log {
    bytes32[] topics;
    bytes data;
    address emitter;
}

/// @notice What the router of Chainlink Functions is configured with.
struct RouterConfig {
    uint16 maxConsumersPerSubscription;
    uint72 adminFee;
    bytes4 handleOracleFulfillmentSelector;
    uint16 gasForCallExactCheck;
    uint32[] maxCallbackGasLimits;
    uint16 subscriptionDepositMinimumRequests;
    uint72 subscriptionDepositJuels;
}

/// @notice More cheat codes of forge.
interface MoreCheats {
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function recordLogs() external;
    function getRecordedLogs() external returns (Log[] memory);
    function deployCode(string calldata artifact, bytes calldata arguments) external returns (address);
}

/// @notice What both adapters have in common: one of two listed attestors is the adapter, the other signs by itself.
abstract contract AdapterTest is Cooperative {
    MoreCheats internal constant more = MoreCheats(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);
    uint256 internal constant SIGNER = 0x51;

    function _statement() internal pure returns (Attestation memory) {
        return Attestation("kind", "subject", "payload", NOW, NOW + 1 days, "nonce");
    }

    function _list(address adapter) internal {
        _register(adapter, PartyRoles.ATTESTOR, "DE");
        _register(vm.addr(SIGNER), PartyRoles.ATTESTOR, "DE");
        address[] memory both = new address[](2);
        (both[0], both[1]) = _ordered(adapter);
        oracle.setAttestors(both, 2);
        oracle.setConsumer(address(this), true);
    }

    function _ordered(address adapter) private pure returns (address, address) {
        address signer = vm.addr(SIGNER);
        return adapter < signer ? (adapter, signer) : (signer, adapter);
    }

    function _proof(address adapter, bytes memory word) internal view returns (Proof memory proof) {
        proof.attestation = _statement();
        bytes memory signed = _sign(SIGNER, oracle.digestOf(proof.attestation));
        proof.signers = new address[](2);
        (proof.signers[0], proof.signers[1]) = _ordered(adapter);
        proof.signatures = new bytes[](2);
        bool first = proof.signers[0] == adapter;
        proof.signatures[first ? 0 : 1] = word;
        proof.signatures[first ? 1 : 0] = signed;
    }

    function _refused(address adapter, bytes memory word) internal {
        Proof memory proof = _proof(adapter, word);
        vm.expectRevert(abi.encodeWithSelector(Errors.AttestationOracle_BadSignature.selector, adapter));
        oracle.verify(proof);
    }
}

/// @notice Against the published bytecode of the Ethereum Attestation Service.
contract EasAttestorTest is AdapterTest {
    string private constant PUBLISHED =
        "node_modules/@ethereum-attestation-service/eas-contracts/artifacts/contracts/";

    IEAS private eas;
    EasAttestor private adapter;
    bytes32 private schema;
    bytes32 private otherSchema;
    address private attester = makeAddr("attester");

    function setUp() public override {
        super.setUp();
        ISchemaRegistry schemas = ISchemaRegistry(_published("SchemaRegistry.sol/SchemaRegistry.json", ""));
        eas = IEAS(_published("EAS.sol/EAS.json", abi.encode(schemas)));
        schema = schemas.register("bytes32 digest", ISchemaResolver(address(0)), true);
        otherSchema = schemas.register("bytes32 other", ISchemaResolver(address(0)), true);
        adapter = new EasAttestor(eas, schema, attester);
        _list(address(adapter));
    }

    function _published(string memory file, bytes memory arguments) private returns (address made) {
        string memory json = more.readFile(string.concat(PUBLISHED, file));
        bytes memory code = bytes.concat(more.parseJsonBytes(json, ".bytecode"), arguments);
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
        assertTrue(made != address(0));
    }

    function _attest(address by, bytes32 under, bytes memory data, uint64 ends)
        private
        returns (bytes memory uid)
    {
        vm.prank(by);
        return abi.encode(
            eas.attest(AttestationRequest(under, AttestationRequestData(address(0), ends, true, 0, data, 0)))
        );
    }

    function _digest() private view returns (bytes memory) {
        return abi.encode(oracle.digestOf(_statement()));
    }

    function test_an_attestation_in_the_service_counts_as_the_attestors_signature() public {
        bytes memory uid = _attest(attester, schema, _digest(), 0);
        oracle.consume(_proof(address(adapter), uid), "kind", "subject", "payload");
    }

    function test_one_by_somebody_else_of_another_schema_or_about_something_else_does_not() public {
        _refused(address(adapter), _attest(stranger, schema, _digest(), 0));
        _refused(address(adapter), _attest(attester, otherSchema, _digest(), 0));
        _refused(address(adapter), _attest(attester, schema, abi.encode("another"), 0));
        _refused(address(adapter), _attest(attester, schema, abi.encode(bytes32("another")), 0));
        _refused(address(adapter), abi.encode("no attestation"));
        _refused(address(adapter), abi.encode(bytes32(0)));
        _refused(address(adapter), "");
    }

    function test_one_that_was_revoked_or_is_over_does_not() public {
        bytes memory uid = _attest(attester, schema, _digest(), 0);
        vm.prank(attester);
        eas.revoke(RevocationRequest(schema, RevocationRequestData(abi.decode(uid, (bytes32)), 0)));
        _refused(address(adapter), uid);
        uid = _attest(attester, schema, _digest(), NOW + 1 hours);
        oracle.verify(_proof(address(adapter), uid));
        vm.warp(NOW + 1 hours);
        _refused(address(adapter), uid);
    }
}

/// @notice Against the published router and coordinator of Chainlink Functions, with a network of four nodes.
/// @dev The router is deployed by its name and not imported (`support/PublishedRouter.sol` says why).
contract FunctionsAttestorTest is AdapterTest {
    bytes32 private constant DON = "don";
    uint256 private constant NODES = 0x400;

    MockLinkToken private link;
    address private router;
    IFunctionsSubscriptions private subscriptions;
    FunctionsCoordinator private coordinator;
    FunctionsAttestor private adapter;
    uint64 private subscription;

    function setUp() public override {
        super.setUp();
        link = new MockLinkToken();
        router = more.deployCode("FunctionsRouter.sol:FunctionsRouter", abi.encode(link, _routerConfig()));
        subscriptions = IFunctionsSubscriptions(router);
        coordinator = new FunctionsCoordinator(
            router,
            _billing(),
            address(new MockV3Aggregator(18, 6e15)),
            address(new MockV3Aggregator(8, 15e8))
        );
        address[] memory signers = new address[](4);
        address[] memory transmitters = new address[](4);
        for (uint256 i; i < 4; ++i) {
            signers[i] = vm.addr(NODES + i);
            transmitters[i] = vm.addr(NODES + 4 + i);
        }
        coordinator.setConfig(signers, transmitters, 1, "", 1, "");
        coordinator.setDONPublicKey("key");
        coordinator.setThresholdPublicKey("key");
        bytes32[] memory ids = new bytes32[](1);
        address[] memory routes = new address[](1);
        (ids[0], routes[0]) = (DON, address(coordinator));
        IFunctionsRouter(router).proposeContractsUpdate(ids, routes);
        IFunctionsRouter(router).updateContracts();

        subscription = subscriptions.createSubscription();
        adapter = new FunctionsAttestor(
            router, oracle, registry, DON, subscription, "return Buffer.from(args[3].slice(2), 'hex')"
        );
        subscriptions.addConsumer(subscription, address(adapter));
        link.transferAndCall(router, 10e18, abi.encode(subscription));
        _list(address(adapter));
    }

    function _routerConfig() private pure returns (RouterConfig memory config) {
        uint32[] memory limits = new uint32[](1);
        limits[0] = 300_000;
        config.maxConsumersPerSubscription = 3;
        config.handleOracleFulfillmentSelector = 0x0ca76175;
        config.maxCallbackGasLimits = limits;
        config.gasForCallExactCheck = 5000;
        config.subscriptionDepositMinimumRequests = 1;
        config.subscriptionDepositJuels = 1e18;
    }

    function _billing() private pure returns (FunctionsBillingConfig memory config) {
        config.feedStalenessSeconds = 1 days;
        config.gasOverheadAfterCallback = 93_942;
        config.gasOverheadBeforeCallback = 105_000;
        config.requestTimeoutSeconds = 5 minutes;
        config.donFeeCentsUsd = 100;
        config.operationFeeCentsUsd = 100;
        config.maxSupportedRequestDataVersion = 1;
        config.fulfillmentGasPriceOverEstimationBP = 5000;
        config.fallbackNativePerUnitLink = 5e15;
        config.fallbackUsdPerUnitLink = 14e8;
        config.fallbackUsdPerUnitLinkDecimals = 8;
        config.minimumEstimateGasPriceWei = 1 gwei;
    }

    /// @dev What the nodes need of a request, from the coordinator's log.
    function _ask() private returns (bytes32 requestId, bytes memory commitment) {
        more.recordLogs();
        vm.prank(custodian);
        requestId = adapter.ask(_statement());
        Log[] memory logs = more.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(coordinator)) continue;
            (,,,,,,, FunctionsResponse.Commitment memory found) = abi.decode(
                logs[i].data,
                (address, uint64, address, bytes, uint16, bytes32, uint64, FunctionsResponse.Commitment)
            );
            commitment = abi.encode(found);
        }
    }

    function _answer(bytes32 requestId, bytes memory commitment, bytes memory response, bytes memory err)
        private
    {
        bytes32[] memory ids = new bytes32[](1);
        bytes[][4] memory parts = [new bytes[](1), new bytes[](1), new bytes[](1), new bytes[](1)];
        (ids[0], parts[0][0], parts[1][0], parts[2][0]) = (requestId, response, err, commitment);
        bytes memory report = abi.encode(ids, parts[0], parts[1], parts[2], parts[3]);
        bytes32[3] memory context;
        bytes32 digest = keccak256(abi.encodePacked(keccak256(report), context));
        bytes32[] memory rs = new bytes32[](3);
        bytes32[] memory ss = new bytes32[](3);
        bytes memory vs = new bytes(32);
        for (uint256 i; i < 3; ++i) {
            uint8 v;
            (v, rs[i], ss[i]) = vm.sign(NODES + i, digest);
            vs[i] = bytes1(v - 27);
        }
        vm.prank(vm.addr(NODES + 4));
        coordinator.transmit(context, report, rs, ss, abi.decode(vs, (bytes32)));
    }

    function test_what_the_network_stands_by_counts_as_the_attestors_signature() public {
        _refused(address(adapter), "");
        (bytes32 requestId, bytes memory commitment) = _ask();
        _refused(address(adapter), "");
        bytes32 digest = oracle.digestOf(_statement());
        _answer(requestId, commitment, abi.encode(digest), "");
        oracle.consume(_proof(address(adapter), ""), "kind", "subject", "payload");
        assertTrue(subscriptions.getSubscription(subscription).balance < 10e18);
    }

    function test_an_error_another_answer_or_none_does_not() public {
        (bytes32 requestId, bytes memory commitment) = _ask();
        _answer(requestId, commitment, abi.encode("something else"), "");
        _refused(address(adapter), "");
        (requestId, commitment) = _ask();
        _answer(requestId, commitment, "", "the evidence does not bear it out");
        _refused(address(adapter), "");
    }

    function test_only_the_router_answers_and_only_what_was_asked() public {
        bytes memory digest = abi.encode(oracle.digestOf(_statement()));
        vm.expectRevert(bytes4(keccak256("OnlyRouterCanFulfill()")));
        adapter.handleOracleFulfillment("id", digest, "");
        vm.prank(router);
        vm.expectRevert(
            abi.encodeWithSelector(FunctionsAttestor.FunctionsAttestor_UnknownRequest.selector, bytes32("id"))
        );
        adapter.handleOracleFulfillment("id", digest, "");
    }

    function test_only_custodians_in_good_standing_spend_the_subscription() public {
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(
                FunctionsAttestor.FunctionsAttestor_NotCustodian.selector, stranger, "not registered"
            )
        );
        adapter.ask(_statement());
    }
}
