// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {TestUSDC} from "../../src/development/TestUSDC.sol";

/// @notice Takes one per cent of each transfer.
contract FeeOnTransferToken is TestUSDC {
    constructor(address owner) TestUSDC(owner) {}

    function _update(address from, address to, uint256 value) internal override {
        if (from == address(0) || to == address(0)) return super._update(from, to, value);
        super._update(from, address(0xfee), value / 100);
        super._update(from, to, value - value / 100);
    }
}

/// @notice Whom a token with hooks calls when it receives.
interface ITokenReceiver {
    function tokensReceived() external;
}

/// @notice Calls the recipient of each transfer, as ERC-777 does, when it asked for that.
contract HookToken is TestUSDC {
    mapping(address account => bool) public wantsCall;

    constructor(address owner) TestUSDC(owner) {}

    function setHook(bool wanted) external {
        wantsCall[msg.sender] = wanted;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (wantsCall[to]) ITokenReceiver(to).tokensReceived();
    }
}

/// @notice Moves value and returns nothing, as some old tokens do.
contract SilentToken {
    mapping(address account => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @notice Calls back when it is paid, once, and remembers whether that went through.
contract Reentrant is ITokenReceiver {
    address public target;
    bytes public data;
    bool public called;
    bool public succeeded;

    function arm(HookToken token, address target_, bytes calldata data_) external {
        token.setHook(true);
        (target, data) = (target_, data_);
    }

    function run(address to, bytes calldata data_) external payable returns (bytes memory) {
        (bool ok, bytes memory answer) = to.call{value: msg.value}(data_);
        require(ok, "the call failed");
        return answer;
    }

    function tokensReceived() external {
        if (called) return;
        called = true;
        (succeeded,) = target.call(data);
    }
}

/// @notice Anyone mints; each transfer can be used to call somebody in the middle of it, as ERC-777 receivers can.
contract HookedToken is ERC20 {
    address private _target;
    bytes private _call;
    bool public calledBack;
    bool public succeeded;

    constructor() ERC20("Hooked", "HOOK") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function burn(uint256 amount) external {
        _burn(msg.sender, amount);
    }

    /// @notice Makes the next transfers call `target` first.
    function onTransfer(address target, bytes calldata call_) external {
        (_target, _call) = (target, call_);
        calledBack = false;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (_target != address(0) && !calledBack) {
            calledBack = true;
            (succeeded,) = _target.call(_call);
        }
    }
}

/// @notice Keeps one percent of each transfer.
contract FeeToken is ERC20 {
    constructor() ERC20("Fee", "FEE") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function burn(uint256 amount) external {
        _burn(msg.sender, amount);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (from != address(0) && to != address(0)) {
            uint256 fee = value / 100;
            super._update(from, address(0), fee);
            value -= fee;
        }
        super._update(from, to, value);
    }
}

/// @notice Scales everybody's balance, as rebasing tokens do.
contract RebasingToken is TestUSDC {
    uint256 private _bps = 10_000;

    constructor(address owner) TestUSDC(owner) {}

    /// @notice From now on a balance is so many ten-thousandths of what was moved before.
    function rebase(uint256 bps) external {
        _bps = _bps * bps / 10_000;
    }

    function balanceOf(address account) public view override returns (uint256) {
        return super.balanceOf(account) * _bps / 10_000;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value * 10_000 / _bps);
    }
}
