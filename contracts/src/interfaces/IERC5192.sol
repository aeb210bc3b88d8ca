// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title IERC5192
/// @notice Minimal soulbound tokens (ERC-5192). Its interface identifier is 0xb45a3c0e.
interface IERC5192 {
    /// @notice The token became bound to its holder.
    event Locked(uint256 tokenId);

    /// @notice The token became transferable.
    event Unlocked(uint256 tokenId);

    /// @notice Whether the token is bound to its holder. Reverts for a token that does not exist.
    function locked(uint256 tokenId) external view returns (bool);
}
