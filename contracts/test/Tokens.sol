// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {LocalToken} from "../script/LocalToken.sol";

/// @dev Takes a tenth of every transfer
contract FeeToken is LocalToken {
    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(0), amount / 10);
    }
}

/// @dev Refuses transfers to whom it has blocked
contract BlockingToken is LocalToken {
    error Blocked(address account);

    mapping(address account => bool) private _isBlocked;

    function setBlocked(address account, bool isBlocked) external {
        _isBlocked[account] = isBlocked;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (_isBlocked[to]) revert Blocked(to);
        super._update(from, to, amount);
    }
}

/// @dev Calls somebody on every transfer, as tokens with hooks let receivers and senders do
contract HookedToken is LocalToken {
    address private _target;
    bytes private _call;

    function callOnTransfer(address target, bytes calldata call) external {
        (_target, _call) = (target, call);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (_target == address(0) || from == address(0)) return;
        (bool isDone, bytes memory answer) = _target.call(_call);
        if (isDone) return;
        assembly ("memory-safe") {
            revert(add(answer, 32), mload(answer))
        }
    }
}

/// @dev No ERC-20 to the letter: its transfers answer nothing, or false without doing anything
contract SilentToken {
    mapping(address account => uint256) public balanceOf;
    bool private _isRefusing;

    function mint(address account, uint256 amount) external {
        balanceOf[account] += amount;
    }

    function answerFalse() external {
        _isRefusing = true;
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        if (_isRefusing) {
            assembly ("memory-safe") {
                mstore(0, 0)
                return(0, 32)
            }
        }
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}
