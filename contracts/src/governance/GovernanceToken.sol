// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {Time} from "@openzeppelin/contracts/utils/types/Time.sol";
import {Errors} from "../common/Errors.sol";
import {IMembershipToken} from "../interfaces/IMembershipToken.sol";
import {IParticipantRegistry} from "../interfaces/IParticipantRegistry.sol";

/// @title GovernanceToken
/// @notice GOV, 18 decimals: votes by timestamp, moves only between verified parties, members and the timelock.
contract GovernanceToken is ERC20, ERC20Permit, ERC20Votes, AccessManaged {
    IParticipantRegistry public immutable REGISTRY;
    IMembershipToken public immutable MEMBERSHIP;
    address public immutable TIMELOCK;

    /// @notice Contracts of the protocol that may hold GOV.
    mapping(address account => bool) public isHolder;
    /// @notice Those of them that give what they hold back to whoever put it in, also to who is verified no more.
    mapping(address account => bool) public isVault;

    /// @notice Governance let a contract hold GOV, or stopped it.
    event HolderSet(address indexed account, bool holds, bool vault);

    constructor(
        address authority_,
        IParticipantRegistry registry,
        IMembershipToken membership,
        address timelock
    ) ERC20("Caduceus Governance", "GOV") ERC20Permit("Caduceus Governance") AccessManaged(authority_) {
        REGISTRY = registry;
        MEMBERSHIP = membership;
        TIMELOCK = timelock;
    }

    /// @notice Mints `amount` (1e18 units) to a verified party, a member or the timelock. Minters only.
    function mint(address to, uint256 amount) external restricted {
        _mint(to, amount);
    }

    /// @notice Lets a contract of the protocol hold GOV, or stops it. Governance only.
    /// @param vault whether it gives back what was put in, and to nobody else: its word stands for the receiver's standing
    function setHolder(address account, bool holds, bool vault) external restricted {
        isHolder[account] = holds;
        isVault[account] = holds && vault;
        emit HolderSet(account, holds, isVault[account]);
    }

    /// @notice Whether the account may hold and move GOV now.
    function mayHold(address account) public view returns (bool) {
        return account == TIMELOCK || isHolder[account] || MEMBERSHIP.isMember(account)
            || REGISTRY.isVerified(account);
    }

    /// @notice The clock by which votes are counted: unix seconds.
    function clock() public view override returns (uint48) {
        return Time.timestamp();
    }

    /// @notice The clock's description (ERC-6372).
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    /// @notice The account's next nonce, for permits and for delegations alike.
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 value) internal override(ERC20, ERC20Votes) {
        if (from != address(0) && !mayHold(from)) revert Errors.GovernanceToken_NotVerified(from);
        if (!isVault[from] && !mayHold(to)) revert Errors.GovernanceToken_NotVerified(to);
        super._update(from, to, value);
    }
}
