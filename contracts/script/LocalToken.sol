// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title An asset to stake on local networks, where anyone may mint it. Worth nothing anywhere.
contract LocalToken is ERC20("Local stake", "STAKE") {
    function mint(address account, uint256 amount) external {
        _mint(account, amount);
    }
}
