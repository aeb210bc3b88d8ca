// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Test} from "../support/Test.sol";
import {Workshop} from "./Workshop.sol";

/// @notice Random actors over the whole protocol; after every action, everything that must hold does. Forge's table at
/// the end shows how often each action was tried and how often it was not possible.
contract Invariants is Test {
    uint256 private constant STEPS = 4_000;

    Workshop private world;

    /// @dev By this name forge prints it.
    // solhint-disable-next-line event-name-capwords
    event log_named_uint(string key, uint256 val);

    function setUp() public {
        world = new Workshop();
        world.setUp();
        string[] memory actions = world.everything();
        bytes4[] memory selectors = new bytes4[](actions.length);
        for (uint256 i; i < actions.length; ++i) {
            selectors[i] = _selector(actions[i]);
        }
        _target(address(world), selectors);
    }

    /// @notice All promises but leaving, which ends the world and comes last.
    function invariant_everything_that_must_hold_does() public view {
        world.solvency();
        world.marketSolvency();
        world.workshopSolvency();
        world.supply();
        world.consent();
        world.lawfulness();
        world.authority();
    }

    /// @notice Called by forge when a run is over.
    function afterInvariant() public {
        world.exit();
    }

    /// @dev An action that never succeeds would make the promises above say less than they seem to. With -vv, forge shows
    /// how often each one was tried and did.
    function test_every_action_succeeds_in_a_long_walk() public {
        string[] memory actions = world.everything();
        uint256[] memory calls = new uint256[](actions.length);
        uint256[] memory successes = new uint256[](actions.length);
        for (uint256 step; step < STEPS; ++step) {
            uint256 chosen = _random("action", step) % actions.length;
            // A number too many is not read.
            (bool ok,) = address(world)
                .call(
                    abi.encodeWithSelector(_selector(actions[chosen]), _random("a", step), _random("b", step))
                );
            ++calls[chosen];
            if (ok) ++successes[chosen];
            if (step % 50 == 0) invariant_everything_that_must_hold_does();
        }
        for (uint256 i; i < actions.length; ++i) {
            emit log_named_uint(string.concat("tried     ", actions[i]), calls[i]);
            emit log_named_uint(string.concat("succeeded ", actions[i]), successes[i]);
            assertTrue(successes[i] != 0, string.concat("never succeeds: ", actions[i]));
        }
        world.exit();
    }

    function _selector(string memory signature) private pure returns (bytes4 selector) {
        bytes32 hash = keccak256(bytes(signature));
        for (uint256 i; i < 4; ++i) {
            selector |= bytes4(hash[i]) >> (8 * i);
        }
    }

    function _random(string memory what, uint256 step) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(what, step)));
    }
}
