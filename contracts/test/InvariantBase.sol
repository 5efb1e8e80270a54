// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TestBase} from "./TestBase.sol";

/// @dev forge asks which functions of which contract it may call between two checks of the invariants
abstract contract InvariantBase is TestBase {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetContracts() external view returns (address[] memory list) {
        list = new address[](1);
        list[0] = handlerAddress();
    }

    function targetSelectors() external view returns (FuzzSelector[] memory list) {
        list = new FuzzSelector[](1);
        list[0] = FuzzSelector(handlerAddress(), actions());
    }

    function handlerAddress() internal view virtual returns (address);

    function actions() internal pure virtual returns (bytes4[] memory);
}
