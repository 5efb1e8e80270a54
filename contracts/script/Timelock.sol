// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// Names OpenZeppelin's timelock, so that it is compiled and its creation code is generated with ours.
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
