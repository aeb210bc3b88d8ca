// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Test} from "../support/Test.sol";
import {Bazaar} from "./Bazaar.sol";

/// @notice Random actors over the market's and the pool's money; after every action every contract holds what it owes.
contract BazaarInvariants is Test {
    uint256 private constant STEPS = 3_000;

    Bazaar private bazaar;

    /// @dev By this name forge prints it.
    // solhint-disable-next-line event-name-capwords
    event log_named_uint(string key, uint256 val);

    function setUp() public {
        bazaar = new Bazaar();
        bazaar.setUp();
        string[] memory actions = bazaar.actions();
        bytes4[] memory selectors = new bytes4[](actions.length);
        for (uint256 i; i < actions.length; ++i) {
            selectors[i] = _selector(actions[i]);
        }
        _target(address(bazaar), selectors);
    }

    /// @notice Solvency, to the unit.
    function invariant_every_contract_holds_what_it_owes() public view {
        bazaar.solvency();
    }

    /// @notice Called by forge when a run is over: from wherever it came, everybody gets out.
    function afterInvariant() public {
        bazaar.exit();
    }

    /// @dev An action that never succeeds would make the promise above say less than it seems to.
    function test_every_action_of_the_bazaar_succeeds_in_a_long_walk() public {
        string[] memory actions = bazaar.actions();
        uint256[] memory successes = new uint256[](actions.length);
        for (uint256 step; step < STEPS; ++step) {
            uint256 chosen = _random("action", step) % actions.length;
            // A number too many is not read.
            (bool ok,) = address(bazaar)
                .call(
                    abi.encodeWithSelector(_selector(actions[chosen]), _random("a", step), _random("b", step))
                );
            if (ok) ++successes[chosen];
            if (step % 50 == 0) bazaar.solvency();
        }
        for (uint256 i; i < actions.length; ++i) {
            emit log_named_uint(string.concat("succeeded ", actions[i]), successes[i]);
            assertTrue(successes[i] != 0, string.concat("never succeeds: ", actions[i]));
        }
        bazaar.exit();
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
