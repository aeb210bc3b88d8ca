// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {PartyRoles, PartyStatus, Purposes} from "../../src/common/Codes.sol";
import {Kinds} from "../../src/common/Kinds.sol";
import {MarketErrors} from "../../src/common/MarketErrors.sol";
import {Permit} from "../../src/common/Payments.sol";
import {Attestation, Proof} from "../../src/interfaces/IAttestationOracle.sol";
import {Question} from "../../src/interfaces/IComputeMarket.sol";
import {MintRequest} from "../../src/interfaces/IDatasetToken.sol";
import {Value} from "../../src/interfaces/IHealthDataPool.sol";
import {Order} from "../../src/interfaces/ILicenceMarket.sol";
import {JoinRequest} from "../../src/interfaces/IMembershipToken.sol";
import {Participant} from "../../src/interfaces/IParticipantRegistry.sol";
import {Deployment} from "./Deployment.sol";

/// @notice The deployed protocol with its parties in place, and each step of a record's way as a function.
abstract contract Scene is Deployment {
    bytes32 private constant JOIN_TYPEHASH =
        keccak256("Join(address member,bytes32 personId,bytes32 didHash,uint256 nonce,uint64 deadline)");
    bytes32 private constant PERMIT_TYPEHASH =
        keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");

    uint64 internal constant FOREVER = START + 100 * 365 days;

    address internal immutable berlin = makeAddr("berlin");
    address internal immutable boston = makeAddr("boston");
    address internal immutable researcher = makeAddr("researcher");
    address internal immutable barred = makeAddr("barred");
    address internal immutable stranger = makeAddr("stranger");

    uint256 private _attestationCount;
    uint256 private _contentCount;

    function setUp() public virtual override {
        super.setUp();
        for (uint256 i; i < attestorKeys.length; ++i) {
            _register(vm.addr(attestorKeys[i]), PartyRoles.ATTESTOR, "DE", 0);
        }
        _register(berlin, PartyRoles.CUSTODIAN, "DE", 0);
        _register(boston, PartyRoles.CUSTODIAN, "US", 0);
        _register(researcher, PartyRoles.RESEARCHER, "US", 1);
        _register(barred, PartyRoles.RESEARCHER, "CN", 0);
    }

    // ---------------------------------------------------------------- what governance does

    function _proxy(address implementation, bytes memory initialization) internal returns (address) {
        return address(new ERC1967Proxy(implementation, initialization));
    }

    function _giveData(address to, uint256 amount) internal {
        vm.prank(address(timelock));
        assertTrue(data.transfer(to, amount));
    }

    // ---------------------------------------------------------------- parties

    function _register(address party, uint32 roles, bytes2 country, uint32 safeguards) internal {
        vm.prank(registrar);
        registry.register(party, _participant(roles, country, safeguards));
    }

    function _participant(uint32 roles, bytes2 country, uint32 safeguards)
        internal
        pure
        returns (Participant memory)
    {
        return Participant({
            status: PartyStatus.ACTIVE,
            roles: roles,
            jurisdiction: country,
            kycExpiry: FOREVER,
            accreditationExpiry: FOREVER,
            safeguards: safeguards
        });
    }

    function _suspend(address party) internal {
        vm.prank(registrar);
        registry.suspend(party);
    }

    function _personOf(string memory name) internal pure returns (bytes32) {
        return keccak256(abi.encode("person", name));
    }

    /// @dev Makes the person of this name a member, with the wallet of this name.
    function _join(string memory name) internal returns (address member) {
        member = makeAddr(name);
        JoinRequest memory request = JoinRequest(member, _personOf(name), "did", FOREVER);
        bytes32 structHash = keccak256(
            abi.encode(
                JOIN_TYPEHASH,
                member,
                request.personId,
                request.didHash,
                membership.nonces(member),
                request.deadline
            )
        );
        bytes memory signature =
            _sign(makeKey(name), _typed("Caduceus MembershipToken", address(membership), structHash));
        Proof memory proof = _proof(
            Kinds.IDENTITY, request.personId, keccak256(abi.encode(member, request.personId, request.didHash))
        );
        membership.join(request, signature, proof);
    }

    // ---------------------------------------------------------------- datasets and the pool

    function _mintRequest(uint8 dataClass, uint64 records, uint64 persons)
        internal
        returns (MintRequest memory)
    {
        return MintRequest({
            contentHash: keccak256(abi.encode("content", ++_contentCount)),
            tableCommitment: "table",
            schemaId: "schema",
            schemaVersion: 1,
            metadataURI: "ipfs://description",
            dataClass: dataClass,
            recordCount: records,
            personCount: persons,
            consentRoot: "root",
            k: 5,
            l: 2,
            method: "generalization",
            custodianBps: 1_500,
            parent: 0
        });
    }

    function _mint(address custodian, MintRequest memory r) internal returns (uint256) {
        bytes32 authentic = keccak256(
            abi.encode(
                custodian,
                r.contentHash,
                r.tableCommitment,
                r.schemaId,
                r.schemaVersion,
                r.dataClass,
                r.recordCount,
                r.personCount
            )
        );
        bytes32 consented = keccak256(abi.encode(custodian, r.contentHash, r.consentRoot, r.personCount));
        bytes32 protected = keccak256(abi.encode(r.contentHash, r.k, r.l, r.method));
        Proof memory a = _proof(Kinds.AUTHENTICITY, r.contentHash, authentic);
        Proof memory b = _proof(Kinds.CONSENT, r.contentHash, consented);
        Proof memory c = _proof(Kinds.ANONYMIZATION, r.contentHash, protected);
        vm.prank(custodian);
        return datasets.mint(r, a, b, c);
    }

    /// @dev A clinical dataset of 5,000 records of 1,000 people.
    function _mint(address custodian) internal returns (uint256) {
        return _mint(custodian, _mintRequest(1, 5_000, 1_000));
    }

    function _neutral() internal pure returns (Value memory) {
        return Value(10_000, 10_000, 10_000, 10_000);
    }

    function _valueProof(uint256 datasetId, Value memory v) internal returns (Proof memory) {
        return _proof(
            Kinds.VALUE,
            bytes32(datasetId),
            keccak256(abi.encode(datasetId, v.completeness, v.freshness, v.rarity, v.reputation))
        );
    }

    function _deposit(address custodian, uint256 datasetId, Value memory v)
        internal
        returns (uint256 shares)
    {
        Proof memory proof = _valueProof(datasetId, v);
        vm.prank(custodian);
        return pool.deposit(datasetId, v, proof);
    }

    /// @dev A dataset of `_mint`, deposited at the neutral value: 1,000 shares.
    function _pooled(address custodian) internal returns (uint256 datasetId) {
        datasetId = _mint(custodian);
        _deposit(custodian, datasetId, _neutral());
    }

    function _announce(address custodian, uint256 datasetId) internal {
        vm.prank(custodian);
        pool.announceWithdrawal(datasetId);
    }

    function _withdraw(address custodian, uint256 datasetId) internal {
        vm.prank(custodian);
        pool.withdraw(datasetId);
    }

    function _transferShares(address from, address to, uint256 shares) internal {
        vm.prank(from);
        assertTrue(share.transfer(to, shares));
    }

    function _assertTransferRefused(address from, address to, address culprit) internal {
        vm.prank(from);
        (bool ok, bytes memory answer) = address(share).call(abi.encodeCall(share.transfer, (to, 1)));
        assertFalse(ok);
        assertEq(
            keccak256(answer),
            keccak256(abi.encodeWithSelector(MarketErrors.PoolShare_NotVerified.selector, culprit))
        );
    }

    // ---------------------------------------------------------------- licences

    function _giveUSDC(address to, uint256 amount) internal {
        vm.prank(deployer);
        usdc.mint(to, amount);
    }

    function _noPermit() internal pure returns (Permit memory permit) {}

    /// @dev The allowance that the account of this name signs.
    function _permit(string memory name, address spender, uint256 value)
        internal
        view
        returns (Permit memory)
    {
        address owner = makeAddr(name);
        bytes32 structHash = keccak256(
            abi.encode(PERMIT_TYPEHASH, owner, spender, value, usdc.nonces(owner), uint256(FOREVER))
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", usdc.DOMAIN_SEPARATOR(), structHash));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(makeKey(name), digest);
        return Permit(value, FOREVER, v, r, s);
    }

    function _ids(uint256 one) internal pure returns (uint256[] memory ids) {
        ids = new uint256[](1);
        ids[0] = one;
    }

    function _ids(uint256 one, uint256 two) internal pure returns (uint256[] memory ids) {
        ids = new uint256[](2);
        (ids[0], ids[1]) = (one, two);
    }

    function _order(uint256[] memory datasetIds, uint32 uses) internal pure returns (Order memory) {
        return Order({
            datasetIds: datasetIds,
            purpose: Purposes.HMB,
            uses: uses,
            maxPrice: type(uint256).max,
            deadline: FOREVER
        });
    }

    /// @dev Gives `buyer` just enough USDC and buys.
    function _buy(address buyer, uint256[] memory datasetIds, uint32 uses) internal returns (uint256 passId) {
        uint256 price = market.quote(datasetIds, uses);
        _giveUSDC(buyer, price);
        vm.startPrank(buyer);
        usdc.approve(address(market), price);
        passId = market.buy(_order(datasetIds, uses), _noPermit());
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- jobs

    function _question(uint256 passId, uint256[] memory datasetIds) internal pure returns (Question memory) {
        return Question({
            passId: passId,
            datasetIds: datasetIds,
            questionHash: "question",
            epsilonMilli: 1_000,
            maxFee: type(uint256).max
        });
    }

    /// @dev Gives `asker` just enough USDC and asks.
    function _ask(address asker, uint256 passId, uint256[] memory datasetIds)
        internal
        returns (uint256 firstJobId)
    {
        uint256 fee = compute.jobFee() * datasetIds.length;
        _giveUSDC(asker, fee);
        vm.startPrank(asker);
        usdc.approve(address(compute), fee);
        firstJobId = compute.request(_question(passId, datasetIds), _noPermit());
        vm.stopPrank();
    }

    function _accept(address custodian, uint256 jobId) internal {
        vm.prank(custodian);
        compute.accept(jobId);
    }

    function _commit(address custodian, uint256 jobId) internal {
        uint64 counter = consents.revocationCounter(custodian);
        vm.prank(custodian);
        compute.commit(jobId, "result", 900, counter);
    }

    function _deliveryProof(uint256 jobId) internal returns (Proof memory) {
        bytes32 payload = keccak256(
            abi.encode(
                jobId,
                compute.job(jobId).resultHash,
                compute.job(jobId).spentEpsilonMilli,
                compute.job(jobId).consentCounter
            )
        );
        return _proof(Kinds.DELIVERY, bytes32(jobId), payload);
    }

    function _verify(uint256 jobId) internal {
        compute.verify(jobId, _deliveryProof(jobId));
    }

    /// @dev From the request to the payment.
    function _answer(address custodian, uint256 jobId) internal {
        _accept(custodian, jobId);
        _commit(custodian, jobId);
        _verify(jobId);
        compute.settle(jobId);
    }

    // ---------------------------------------------------------------- claims

    function _contributionProof(uint256 datasetId, bytes32 root, uint256 total)
        internal
        returns (Proof memory)
    {
        return _proof(Kinds.CONTRIBUTION, bytes32(datasetId), keccak256(abi.encode(datasetId, root, total)));
    }

    function _postRoot(address custodian, uint256 datasetId, bytes32 root, uint256 total) internal {
        Proof memory proof = _contributionProof(datasetId, root, total);
        vm.prank(custodian);
        claims.postRoot(datasetId, root, total, proof);
    }

    // ---------------------------------------------------------------- governance

    function _pause(uint256 scopes) internal {
        vm.prank(guardian);
        breaker.pause(scopes, 7 days);
    }

    // ---------------------------------------------------------------- signing

    /// @dev Signed by the first two attestors, valid for a day, with a nonce of its own.
    function _proof(bytes32 kind, bytes32 subject, bytes32 payloadHash)
        internal
        returns (Proof memory proof)
    {
        uint64 time = uint64(block.timestamp);
        proof.attestation =
            Attestation(kind, subject, payloadHash, time, time + 1 days, bytes32(++_attestationCount));
        proof.signers = new address[](THRESHOLD);
        proof.signatures = new bytes[](THRESHOLD);
        bytes32 digest = oracle.digestOf(proof.attestation);
        for (uint256 i; i < THRESHOLD; ++i) {
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
}
