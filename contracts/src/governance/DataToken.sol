// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Errors} from "../common/Errors.sol";

/// @title DataToken
/// @notice DATA, 18 decimals: minted under a yearly cap, burned by anyone.
/// @dev A year is 365 days, the first one starts at deployment. A year's cap is fixed at the first change of supply in
/// it: the cap's basis points, as they stand then, of the supply that the year began with, rounded down. The genesis
/// allotment stands outside every cap.
contract DataToken is ERC20, ERC20Permit, ERC20Burnable, AccessManaged {
    uint256 private constant BPS = 10_000;

    /// @notice The most that governance can set the yearly cap to, basis points.
    uint16 public constant MAXIMUM_CAP_BPS = 500;
    /// @notice Length of a year, seconds.
    uint256 public constant YEAR = 365 days;
    /// @notice When the first year began, unix seconds.
    uint256 public immutable START;

    /// @notice The yearly cap, basis points of the supply at the year's start; counts from the next year that begins.
    uint16 public capBps = 300;

    uint256 private _year;
    uint256 private _cap;
    uint256 private _minted;

    /// @notice Governance set the yearly cap.
    event CapSet(uint16 bps);
    /// @notice A year's cap was fixed, 1e18 units.
    event YearOpened(uint256 indexed year, uint256 cap);

    /// @param genesis minted to the timelock at deployment, 1e18 units
    constructor(address authority_, address timelock, uint256 genesis)
        ERC20("Caduceus Data", "DATA")
        ERC20Permit("Caduceus Data")
        AccessManaged(authority_)
    {
        START = block.timestamp;
        _mint(timelock, genesis);
        _openYear(0);
    }

    /// @notice Mints `amount` (1e18 units). Minters only; reverts above what is left of the year's cap.
    function mint(address to, uint256 amount) external restricted {
        _turnYear();
        uint256 left = _cap - _minted;
        if (amount > left) revert Errors.DataToken_AboveYearlyCap(amount, left);
        _minted += amount;
        _mint(to, amount);
    }

    /// @notice Sets the yearly cap, at most 500 basis points, from the next year on. Governance only.
    function setCapBps(uint16 bps) external restricted {
        if (bps > MAXIMUM_CAP_BPS) revert Errors.DataToken_BadCap(bps);
        // The year that runs keeps the cap it began with, also when nothing has moved in it yet.
        _turnYear();
        capBps = bps;
        emit CapSet(bps);
    }

    /// @notice The running year, from 0.
    function year() public view returns (uint256) {
        return (block.timestamp - START) / YEAR;
    }

    /// @notice What may be minted in the running year and what was, 1e18 units.
    function yearlyCap() external view returns (uint256 cap, uint256 minted) {
        if (year() == _year) return (_cap, _minted);
        return (_capOf(totalSupply()), 0);
    }

    /// @dev Burning closes the old year first: a year's cap is of the supply before anything burned in it.
    function _update(address from, address to, uint256 value) internal override {
        if (to == address(0)) _turnYear();
        super._update(from, to, value);
    }

    function _turnYear() private {
        uint256 current = year();
        if (current != _year) _openYear(current);
    }

    function _openYear(uint256 current) private {
        _year = current;
        _cap = _capOf(totalSupply());
        _minted = 0;
        emit YearOpened(current, _cap);
    }

    function _capOf(uint256 supply) private view returns (uint256) {
        return Math.mulDiv(supply, capBps, BPS);
    }
}
