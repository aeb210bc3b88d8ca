// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {AccessRoles} from "../../src/common/Codes.sol";
import {Kinds} from "../../src/common/Kinds.sol";
import {DataToken} from "../../src/governance/DataToken.sol";
import {Contribution, RewardTerms} from "../../src/interfaces/IContributionRewards.sol";
import {IDataToken} from "../../src/interfaces/IDataToken.sol";
import {ContributionRewards} from "../../src/rewards/ContributionRewards.sol";
import {VestingVault} from "../../src/rewards/VestingVault.sol";
import {Scene} from "./Scene.sol";

/// @notice The deployed protocol with the contracts that reward members in DATA.
abstract contract RewardsScene is Scene {
    uint256 internal constant YEARLY = GENESIS * 3 / 100;

    VestingVault internal vault;
    ContributionRewards internal rewards;

    function setUp() public virtual override {
        super.setUp();
        vault = new VestingVault(address(manager), data, oracle, compute, datasets);
        rewards = ContributionRewards(
            _proxy(
                address(
                    new ContributionRewards(
                        ContributionRewards.Peers({
                            data: IDataToken(address(data)),
                            vault: vault,
                            membership: membership,
                            attestations: oracle,
                            breaker: breaker
                        })
                    )
                ),
                abi.encodeCall(ContributionRewards.initialize, (address(manager), _terms()))
            )
        );
        vm.startPrank(address(timelock));
        manager.setTargetFunctionRole(
            address(data), _selectors(DataToken.mint.selector), AccessRoles.REWARDER
        );
        manager.setTargetFunctionRole(
            address(vault), _selectors(VestingVault.open.selector), AccessRoles.REWARDER
        );
        manager.grantRole(AccessRoles.REWARDER, address(timelock), 0);
        manager.grantRole(AccessRoles.REWARDER, address(rewards), 0);
        oracle.setConsumer(address(vault), true);
        oracle.setConsumer(address(rewards), true);
        vm.stopPrank();
    }

    /// @dev 10 DATA for each 10,000 points, 40 % at once, the rest over a year.
    function _terms() internal pure returns (RewardTerms memory) {
        return RewardTerms({
            rate: 10e18,
            maximumRarity: 50_000,
            bonusPoints: 100,
            bonusSteps: 52,
            immediateBps: 4_000,
            vestingTerm: 365 days,
            bonusGap: 30 days
        });
    }

    function _contribution(address member, bytes32 contentHash, uint256 datasetId)
        internal
        pure
        returns (Contribution memory)
    {
        return Contribution({
            member: member,
            source: "clinic",
            contentHash: contentHash,
            datasetId: datasetId,
            quality: 8_000,
            rarity: 15_000
        });
    }

    function _reward(Contribution memory c) internal returns (uint256 points) {
        bytes32 personId = membership.personOf(c.member);
        return rewards.reward(c, _proof(Kinds.POINTS, personId, keccak256(abi.encode(c))));
    }

    /// @dev A job on the dataset, settled.
    function _settledJob(address custodian, uint256 datasetId) internal returns (uint256 jobId) {
        jobId = _ask(researcher, _buy(researcher, _ids(datasetId), 1), _ids(datasetId));
        _answer(custodian, jobId);
    }

    function _recordUse(uint256 datasetId, uint256 jobId) internal {
        bytes32 payload = keccak256(abi.encode(datasetId, jobId, bytes32("approval")));
        vault.recordUse(datasetId, jobId, "approval", _proof(Kinds.USE, bytes32(datasetId), payload));
    }

    function _giveData(address to, uint256 amount) internal {
        vm.prank(address(timelock));
        assertTrue(data.transfer(to, amount));
    }

    function _proxy(address implementation, bytes memory initialization) internal returns (address) {
        return address(new ERC1967Proxy(implementation, initialization));
    }

    function _selectors(bytes4 one) internal pure returns (bytes4[] memory list) {
        list = new bytes4[](1);
        list[0] = one;
    }
}
