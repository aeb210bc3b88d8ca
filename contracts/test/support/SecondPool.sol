// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ComputeMarket} from "../../src/compute/ComputeMarket.sol";
import {DatasetToken} from "../../src/data/DatasetToken.sol";
import {ProvenanceLog} from "../../src/data/ProvenanceLog.sol";
import {IAttestationOracle} from "../../src/interfaces/IAttestationOracle.sol";
import {ICircuitBreaker} from "../../src/interfaces/ICircuitBreaker.sol";
import {Windows} from "../../src/interfaces/IComputeMarket.sol";
import {IConsentRegistry} from "../../src/interfaces/IConsentRegistry.sol";
import {IJurisdictionRules} from "../../src/interfaces/IJurisdictionRules.sol";
import {IMembershipToken} from "../../src/interfaces/IMembershipToken.sol";
import {IParticipantRegistry} from "../../src/interfaces/IParticipantRegistry.sol";
import {Split} from "../../src/interfaces/IRevenueSplitter.sol";
import {LicenceMarket} from "../../src/market/LicenceMarket.sol";
import {LicencePass} from "../../src/market/LicencePass.sol";
import {ComplianceOracle} from "../../src/policy/ComplianceOracle.sol";
import {HealthDataPool} from "../../src/pool/HealthDataPool.sol";
import {PoolShare} from "../../src/pool/PoolShare.sol";
import {MemberClaims} from "../../src/rewards/MemberClaims.sol";
import {PayoutStreams} from "../../src/rewards/PayoutStreams.sol";
import {ProviderBoost} from "../../src/rewards/ProviderBoost.sol";
import {RevenueSplitter} from "../../src/rewards/RevenueSplitter.sol";

/// @notice Another pool with its own data, markets and money, of the same people under the same law.
contract SecondPool {
    /// @notice What both pools have in common.
    struct Shared {
        AccessManager manager;
        IERC20 usdc;
        IERC20 data;
        IParticipantRegistry registry;
        IAttestationOracle oracle;
        IJurisdictionRules rules;
        IMembershipToken membership;
        IConsentRegistry consents;
        ICircuitBreaker breaker;
        address treasury;
    }

    Shared private _s;

    DatasetToken public datasets;
    PoolShare public share;
    LicencePass public passes;
    ComplianceOracle public compliance;
    ProvenanceLog public provenance;
    HealthDataPool public pool;
    LicenceMarket public market;
    ComputeMarket public compute;
    RevenueSplitter public splitter;
    MemberClaims public claims;
    ProviderBoost public boost;
    PayoutStreams public streams;

    constructor(Shared memory s) {
        _s = s;
        // Plain contracts at the nonces 1 to 3, then for each module its implementation and its proxy.
        datasets = DatasetToken(_at(1));
        share = PoolShare(_at(2));
        passes = LicencePass(_at(3));
        compliance = ComplianceOracle(_at(5));
        provenance = ProvenanceLog(_at(7));
        pool = HealthDataPool(_at(9));
        market = LicenceMarket(_at(11));
        compute = ComputeMarket(_at(13));
        splitter = RevenueSplitter(_at(15));
        claims = MemberClaims(_at(17));
        boost = ProviderBoost(_at(18));
        streams = PayoutStreams(_at(19));
    }

    /// @dev Apart from the constructor, which could not hold all the code.
    function create(uint256 pricePer1000, uint128 jobFee, Windows calldata windows, Split calldata split)
        external
    {
        address authority = address(_s.manager);
        new DatasetToken(authority, _s.registry, _s.oracle, _s.breaker, address(pool));
        new PoolShare(pool, _s.registry, _s.membership);
        new LicencePass(address(market), address(compute));
        _proxy(
            address(new ComplianceOracle(_s.registry, _s.rules, datasets)),
            abi.encodeCall(ComplianceOracle.initialize, (authority))
        );
        _proxy(
            address(new ProvenanceLog(_s.registry, address(compute))),
            abi.encodeCall(ProvenanceLog.initialize, (authority))
        );
        _proxy(_newPool(), abi.encodeCall(HealthDataPool.initialize, (authority, 0, 20_000, 7 days)));
        uint256[] memory prices = new uint256[](1);
        prices[0] = pricePer1000;
        _proxy(_newMarket(), abi.encodeCall(LicenceMarket.initialize, (authority, 90 days, prices)));
        _proxy(_newCompute(), abi.encodeCall(ComputeMarket.initialize, (authority, jobFee, windows)));
        _proxy(_newSplitter(), abi.encodeCall(RevenueSplitter.initialize, (authority, split)));
        _proxy(_newClaims(), abi.encodeCall(MemberClaims.initialize, (authority)));
        new ProviderBoost(_s.data, pool, share);
        new PayoutStreams(_s.usdc, address(splitter), address(claims));
        require(address(streams).code.length != 0, "a contract is not where its peers look for it");
    }

    /// @dev The address of this contract's creation with a nonce below 128 (RLP of the pair of address and nonce).
    function _at(uint8 nonce) private view returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(hex"d694", address(this), nonce)))));
    }

    function _proxy(address implementation, bytes memory data) private {
        new ERC1967Proxy(implementation, data);
    }

    function _newPool() private returns (address) {
        return address(
            new HealthDataPool(
                HealthDataPool.Peers({
                    usdc: _s.usdc,
                    share: share,
                    datasets: datasets,
                    registry: _s.registry,
                    attestations: _s.oracle,
                    breaker: _s.breaker,
                    boost: boost,
                    splitter: address(splitter),
                    computeMarket: address(compute)
                })
            )
        );
    }

    function _newMarket() private returns (address) {
        return address(
            new LicenceMarket(
                LicenceMarket.Peers({
                    usdc: _s.usdc,
                    passes: passes,
                    datasets: datasets,
                    pool: pool,
                    compliance: compliance,
                    breaker: _s.breaker,
                    splitter: splitter
                })
            )
        );
    }

    function _newCompute() private returns (address) {
        return address(
            new ComputeMarket(
                ComputeMarket.Peers({
                    usdc: _s.usdc,
                    passes: passes,
                    datasets: datasets,
                    pool: pool,
                    registry: _s.registry,
                    compliance: compliance,
                    consents: _s.consents,
                    attestations: _s.oracle,
                    provenance: provenance,
                    breaker: _s.breaker,
                    splitter: splitter
                })
            )
        );
    }

    function _newSplitter() private returns (address) {
        return address(
            new RevenueSplitter(
                RevenueSplitter.Peers({
                    usdc: _s.usdc,
                    datasets: datasets,
                    pool: pool,
                    claims: claims,
                    streams: streams,
                    licenceMarket: address(market),
                    computeMarket: address(compute),
                    treasury: _s.treasury
                })
            )
        );
    }

    function _newClaims() private returns (address) {
        return address(
            new MemberClaims(
                MemberClaims.Peers({
                    usdc: _s.usdc,
                    datasets: datasets,
                    membership: _s.membership,
                    registry: _s.registry,
                    attestations: _s.oracle,
                    streams: streams,
                    splitter: address(splitter)
                })
            )
        );
    }
}
