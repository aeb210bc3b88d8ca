// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title IDataToken
/// @notice DATA as the modules use it: minted under a yearly cap, burned by whoever holds it. All amounts in 1e18 units.
interface IDataToken is IERC20 {
    /// @notice Mints to `to`. Minters only; reverts above what is left of the year's cap.
    function mint(address to, uint256 amount) external;

    /// @notice Burns the caller's.
    function burn(uint256 amount) external;

    /// @notice Burns what `owner` allowed the caller to spend.
    function burnFrom(address owner, uint256 amount) external;
}
