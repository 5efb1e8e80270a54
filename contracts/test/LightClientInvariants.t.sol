// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {InvariantBase} from "./InvariantBase.sol";
import {LightClientHandler} from "./LightClientHandler.sol";

contract LightClientInvariants is InvariantBase {
    LightClientHandler private _handler;

    function setUp() external {
        _handler = new LightClientHandler();
        _handler.start();
    }

    function invariant_aLightClientNeverHoldsTwoBlocksAtOneHeight() external {
        _handler.look();
    }

    function handlerAddress() internal view override returns (address) {
        return address(_handler);
    }

    function actions() internal pure override returns (bytes4[] memory list) {
        list = new bytes4[](10);
        // Certificates come more often than the rest.
        (list[0], list[1]) = (LightClientHandler.certify.selector, LightClientHandler.follow.selector);
        (list[2], list[3]) = (LightClientHandler.report.selector, LightClientHandler.resume.selector);
        (list[4], list[5]) = (LightClientHandler.pause.selector, LightClientHandler.trust.selector);
        list[6] = LightClientHandler.wait.selector;
        for (uint256 i = 7; i < 10; i++) {
            list[i] = LightClientHandler.certify.selector;
        }
    }
}
