// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Vm} from "./Vm.sol";

/// @notice What the tests need from forge, and nothing more.
abstract contract Test {
    /// @notice Which functions of a contract an invariant test calls.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    /// @notice By this forge knows a test contract.
    bool public constant IS_TEST = true;

    // solhint-disable-next-line const-name-snakecase
    Vm internal constant vm = Vm(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D);

    address[] private _targets;
    FuzzSelector[] private _selectors;

    // ---------------------------------------------------------------- invariant tests

    /// @dev Lets an invariant test call these functions of `target`, and nothing else that was not named too.
    function _target(address target, bytes4[] memory selectors) internal {
        _targets.push(target);
        _selectors.push(FuzzSelector(target, selectors));
    }

    /// @notice Asked by forge: the contracts that an invariant test calls.
    function targetContracts() external view returns (address[] memory) {
        return _targets;
    }

    /// @notice Asked by forge: the functions of them that it calls.
    function targetSelectors() external view returns (FuzzSelector[] memory) {
        return _selectors;
    }

    // ---------------------------------------------------------------- assertions

    function assertEq(uint256 left, uint256 right) internal pure {
        vm.assertEq(left, right);
    }

    function assertEq(uint256 left, uint256 right, string memory message) internal pure {
        vm.assertEq(left, right, message);
    }

    function assertEq(address left, address right) internal pure {
        vm.assertEq(left, right);
    }

    function assertEq(address left, address right, string memory message) internal pure {
        vm.assertEq(left, right, message);
    }

    function assertEq(bytes32 left, bytes32 right) internal pure {
        vm.assertEq(left, right);
    }

    function assertEq(bytes32 left, bytes32 right, string memory message) internal pure {
        vm.assertEq(left, right, message);
    }

    function assertEq(bool left, bool right) internal pure {
        vm.assertEq(left, right);
    }

    function assertEq(string memory left, string memory right) internal pure {
        vm.assertEq(left, right);
    }

    function assertLe(uint256 left, uint256 right) internal pure {
        vm.assertLe(left, right);
    }

    function assertLe(uint256 left, uint256 right, string memory message) internal pure {
        vm.assertLe(left, right, message);
    }

    function assertGe(uint256 left, uint256 right) internal pure {
        vm.assertGe(left, right);
    }

    function assertTrue(bool condition) internal pure {
        vm.assertTrue(condition);
    }

    function assertTrue(bool condition, string memory message) internal pure {
        vm.assertTrue(condition, message);
    }

    function assertFalse(bool condition) internal pure {
        vm.assertFalse(condition);
    }

    function assertFalse(bool condition, string memory message) internal pure {
        vm.assertFalse(condition, message);
    }

    // ---------------------------------------------------------------- values

    /// @dev The key of `makeAddr(name)`.
    function makeKey(string memory name) internal pure returns (uint256) {
        return uint256(keccak256(bytes(name)));
    }

    /// @dev An address that has a key, the same for the same name.
    function makeAddr(string memory name) internal pure returns (address) {
        return vm.addr(makeKey(name));
    }

    /// @dev A fuzzed value inside [low, high]; `high - low` is below the greatest uint256.
    function bound(uint256 value, uint256 low, uint256 high) internal pure returns (uint256) {
        if (value >= low && value <= high) return value;
        return low + value % (high - low + 1);
    }
}
