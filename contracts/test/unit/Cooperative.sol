// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {AccessRoles, PartyRoles, PartyStatus} from "../../src/common/Codes.sol";
import {Kinds} from "../../src/common/Kinds.sol";
import {ConsentRegistry} from "../../src/consent/ConsentRegistry.sol";
import {DatasetToken} from "../../src/data/DatasetToken.sol";
import {ProvenanceLog} from "../../src/data/ProvenanceLog.sol";
import {CircuitBreaker} from "../../src/governance/CircuitBreaker.sol";
import {AttestationOracle} from "../../src/identity/AttestationOracle.sol";
import {MembershipToken} from "../../src/identity/MembershipToken.sol";
import {ParticipantRegistry} from "../../src/identity/ParticipantRegistry.sol";
import {Attestation, Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {MintRequest} from "../../src/interfaces/IDatasetToken.sol";
import {JoinRequest} from "../../src/interfaces/IMembershipToken.sol";
import {Participant} from "../../src/interfaces/IParticipantRegistry.sol";
import {ComplianceOracle} from "../../src/policy/ComplianceOracle.sol";
import {JurisdictionRules} from "../../src/policy/JurisdictionRules.sol";
import {UnitTest} from "./UnitTest.sol";

/// @notice The contracts of identity, consent, policy and data, with this test as their admin, three attestors of whom two
/// must sign, and plain addresses in place of the pool and the compute market.
abstract contract Cooperative is UnitTest {
    uint64 internal constant NOW = 1_800_000_000;
    bytes32 internal constant JOIN_TYPEHASH =
        keccak256("Join(address member,bytes32 personId,bytes32 didHash,uint256 nonce,uint64 deadline)");

    AccessManager internal manager;
    ParticipantRegistry internal registry;
    AttestationOracle internal oracle;
    MembershipToken internal membership;
    CircuitBreaker internal breaker;
    DatasetToken internal datasets;
    JurisdictionRules internal rules;
    ComplianceOracle internal compliance;
    ConsentRegistry internal consents;
    ProvenanceLog internal provenance;

    address internal registrar = makeAddr("registrar");
    address internal guardian = makeAddr("guardian");
    address internal pool = makeAddr("pool");
    address internal computeMarket = makeAddr("compute market");
    address internal stranger = makeAddr("stranger");
    address internal custodian = makeAddr("custodian");
    address internal researcher = makeAddr("researcher");

    /// @dev Ordered by address, as the oracle wants its signers.
    uint256[] internal attestorKeys;
    uint256 private _attestationCount;

    function setUp() public virtual {
        vm.warp(NOW);
        manager = new AccessManager(address(this));
        registry = ParticipantRegistry(_proxy(address(new ParticipantRegistry()), _onlyAuthority()));
        breaker = CircuitBreaker(_proxy(address(new CircuitBreaker()), _onlyAuthority()));
        _setRoles();

        attestorKeys = _sortedKeys(3);
        address[] memory attestors = new address[](3);
        for (uint256 i; i < 3; ++i) {
            attestors[i] = vm.addr(attestorKeys[i]);
            _register(attestors[i], PartyRoles.ATTESTOR, "DE");
        }
        bytes memory data =
            abi.encodeCall(AttestationOracle.initialize, (address(manager), attestors, 2, new address[](0)));
        oracle = AttestationOracle(_proxy(address(new AttestationOracle(registry)), data));
        membership = new MembershipToken(address(manager), oracle);
        datasets = new DatasetToken(address(manager), registry, oracle, breaker, pool);
        oracle.setConsumer(address(membership), true);
        oracle.setConsumer(address(datasets), true);

        rules = JurisdictionRules(_proxy(address(new JurisdictionRules()), _onlyAuthority()));
        compliance = ComplianceOracle(
            _proxy(address(new ComplianceOracle(registry, rules, datasets)), _onlyAuthority())
        );
        consents = ConsentRegistry(
            _proxy(address(new ConsentRegistry(membership, registry, rules, datasets)), _onlyAuthority())
        );
        provenance =
            ProvenanceLog(_proxy(address(new ProvenanceLog(registry, computeMarket)), _onlyAuthority()));

        _register(custodian, PartyRoles.CUSTODIAN, "DE");
        _register(researcher, PartyRoles.RESEARCHER, "US");
    }

    // ---------------------------------------------------------------- parties

    function _register(address party, uint32 roles, bytes2 country) internal {
        vm.prank(registrar);
        registry.register(party, _participant(roles, country));
    }

    function _participant(uint32 roles, bytes2 country) internal pure returns (Participant memory) {
        return Participant({
            status: PartyStatus.ACTIVE,
            roles: roles,
            jurisdiction: country,
            kycExpiry: NOW + 365 days,
            accreditationExpiry: NOW + 180 days,
            safeguards: 0
        });
    }

    function _join(string memory name) internal returns (address member, uint256 key) {
        key = uint256(keccak256(bytes(name)));
        member = vm.addr(key);
        _joinAs(key, keccak256(abi.encode("person", name)));
    }

    function _joinAs(uint256 key, bytes32 personId) internal returns (uint256 tokenId) {
        JoinRequest memory request = JoinRequest(vm.addr(key), personId, "did", NOW + 400 days);
        bytes memory signature = _sign(key, _joinDigest(request));
        return membership.join(request, signature, _identityProof(request));
    }

    function _joinDigest(JoinRequest memory r) internal view returns (bytes32) {
        bytes32 structHash = keccak256(
            abi.encode(
                JOIN_TYPEHASH, r.member, r.personId, r.didHash, membership.nonces(r.member), r.deadline
            )
        );
        return _typed("Caduceus MembershipToken", address(membership), structHash);
    }

    function _identityProof(JoinRequest memory r) internal returns (Proof memory) {
        return _proof(Kinds.IDENTITY, r.personId, keccak256(abi.encode(r.member, r.personId, r.didHash)));
    }

    // ---------------------------------------------------------------- datasets

    function _mintRequest(bytes32 contentHash) internal pure returns (MintRequest memory) {
        return MintRequest({
            contentHash: contentHash,
            tableCommitment: "table",
            schemaId: "schema",
            schemaVersion: 1,
            metadataURI: "ipfs://description",
            dataClass: 1,
            recordCount: 5_000,
            personCount: 1_000,
            consentRoot: "root",
            k: 5,
            l: 2,
            method: "generalization",
            custodianBps: 1_500,
            parent: 0
        });
    }

    function _mintAs(address who, MintRequest memory r) internal returns (uint256) {
        (Proof memory authenticity, Proof memory consent, Proof memory anonymization) = _mintProofs(who, r);
        vm.prank(who);
        return datasets.mint(r, authenticity, consent, anonymization);
    }

    function _mintProofs(address who, MintRequest memory r)
        internal
        returns (Proof memory authenticity, Proof memory consent, Proof memory anonymization)
    {
        bytes32 authentic = keccak256(
            abi.encode(
                who,
                r.contentHash,
                r.tableCommitment,
                r.schemaId,
                r.schemaVersion,
                r.dataClass,
                r.recordCount,
                r.personCount
            )
        );
        bytes32 consented = keccak256(abi.encode(who, r.contentHash, r.consentRoot, r.personCount));
        bytes32 protected = keccak256(abi.encode(r.contentHash, r.k, r.l, r.method));
        authenticity = _proof(Kinds.AUTHENTICITY, r.contentHash, authentic);
        consent = _proof(Kinds.CONSENT, r.contentHash, consented);
        anonymization = _proof(Kinds.ANONYMIZATION, r.contentHash, protected);
    }

    // ---------------------------------------------------------------- signing

    /// @dev Signed by the first two attestors, valid for a day, with a nonce of its own.
    function _proof(bytes32 kind, bytes32 subject, bytes32 payloadHash) internal returns (Proof memory) {
        uint64 time = uint64(block.timestamp);
        Attestation memory a =
            Attestation(kind, subject, payloadHash, time, time + 1 days, bytes32(++_attestationCount));
        return _signedBy(a, 2);
    }

    function _signedBy(Attestation memory a, uint256 count) internal view returns (Proof memory proof) {
        bytes32 digest = oracle.digestOf(a);
        proof = Proof(a, new address[](count), new bytes[](count));
        for (uint256 i; i < count; ++i) {
            proof.signers[i] = vm.addr(attestorKeys[i]);
            proof.signatures[i] = _sign(attestorKeys[i], digest);
        }
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev EIP-712, written out again so that it does not lean on what it tests.
    function _typed(string memory name, address verifier, bytes32 structHash)
        internal
        view
        returns (bytes32)
    {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
                ),
                keccak256(bytes(name)),
                keccak256("1"),
                block.chainid,
                verifier
            )
        );
        return keccak256(abi.encodePacked(hex"1901", domain, structHash));
    }

    // ---------------------------------------------------------------- deployment

    function _proxy(address implementation, bytes memory data) internal returns (address) {
        return address(new ERC1967Proxy(implementation, data));
    }

    function _onlyAuthority() internal view returns (bytes memory) {
        return abi.encodeCall(ParticipantRegistry.initialize, (address(manager)));
    }

    function _setRoles() private {
        bytes4[] memory selectors = new bytes4[](4);
        selectors[3] = ParticipantRegistry.setIssuer.selector;
        selectors[0] = ParticipantRegistry.register.selector;
        selectors[1] = ParticipantRegistry.update.selector;
        selectors[2] = ParticipantRegistry.suspend.selector;
        manager.setTargetFunctionRole(address(registry), selectors, AccessRoles.REGISTRAR);
        manager.grantRole(AccessRoles.REGISTRAR, registrar, 0);

        selectors = new bytes4[](2);
        selectors[0] = CircuitBreaker.pause.selector;
        selectors[1] = CircuitBreaker.lift.selector;
        manager.setTargetFunctionRole(address(breaker), selectors, AccessRoles.GUARDIAN);
        manager.grantRole(AccessRoles.GUARDIAN, guardian, 0);
    }

    function _sortedKeys(uint256 count) private pure returns (uint256[] memory keys) {
        keys = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            keys[i] = uint256(keccak256(abi.encode("attestor", i)));
            for (uint256 j = i; j > 0 && vm.addr(keys[j]) < vm.addr(keys[j - 1]); --j) {
                (keys[j], keys[j - 1]) = (keys[j - 1], keys[j]);
            }
        }
    }
}
