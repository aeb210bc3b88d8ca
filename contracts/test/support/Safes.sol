// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Test} from "./Test.sol";

/// @notice What the tests call of a Safe 1.4.1.
interface ISafe {
    function setup(
        address[] calldata owners,
        uint256 threshold,
        address to,
        bytes calldata data,
        address fallbackHandler,
        address paymentToken,
        uint256 payment,
        address payable paymentReceiver
    ) external;

    function execTransaction(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address payable refundReceiver,
        bytes memory signatures
    ) external payable returns (bool);

    function getTransactionHash(
        address to,
        uint256 value,
        bytes calldata data,
        uint8 operation,
        uint256 safeTxGas,
        uint256 baseGas,
        uint256 gasPrice,
        address gasToken,
        address refundReceiver,
        uint256 nonce
    ) external view returns (bytes32);

    function nonce() external view returns (uint256);
    function getThreshold() external view returns (uint256);
    function getOwners() external view returns (address[] memory);
}

interface ISafeProxyFactory {
    function createProxyWithNonce(address singleton, bytes calldata initializer, uint256 salt)
        external
        returns (address proxy);
}

/// @notice The cheat codes that read a contract's bytecode from a file.
interface Files {
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
}

/// @notice Safes as their makers compiled them, deployed through their own factory.
abstract contract Safes is Test {
    string private constant ARTIFACTS = "node_modules/@safe-global/safe-contracts/build/artifacts/contracts/";

    /// @dev A Safe of these owners, of whom `threshold` must sign.
    function _newSafe(address[] memory owners, uint256 threshold) internal returns (ISafe) {
        address singleton = _create("Safe.sol/Safe.json");
        ISafeProxyFactory factory =
            ISafeProxyFactory(_create("proxies/SafeProxyFactory.sol/SafeProxyFactory.json"));
        bytes memory setup = abi.encodeCall(
            ISafe.setup, (owners, threshold, address(0), "", address(0), address(0), 0, payable(0))
        );
        return ISafe(factory.createProxyWithNonce(singleton, setup, 1));
    }

    /// @dev The hash that owners sign for the Safe's next call.
    function _safeHash(ISafe safe, address to, uint256 value, bytes memory data)
        internal
        view
        returns (bytes32)
    {
        return safe.getTransactionHash(to, value, data, 0, 0, 0, 0, address(0), address(0), safe.nonce());
    }

    /// @dev Keys in ascending order of their addresses, as a Safe wants its signatures.
    function _byAddress(uint256[] memory keys) internal pure returns (uint256[] memory) {
        for (uint256 i; i < keys.length; ++i) {
            for (uint256 j = i; j > 0 && vm.addr(keys[j]) < vm.addr(keys[j - 1]); --j) {
                (keys[j], keys[j - 1]) = (keys[j - 1], keys[j]);
            }
        }
        return keys;
    }

    function _create(string memory artifact) private returns (address created) {
        Files files = Files(address(vm));
        string memory json = files.readFile(string.concat(ARTIFACTS, artifact));
        bytes memory code = files.parseJsonBytes(json, ".bytecode");
        assembly ("memory-safe") {
            created := create(0, add(code, 32), mload(code))
        }
        assertTrue(created != address(0), "the Safe was not created");
    }
}
