// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {DeploymentScript} from "../script/DeploymentScript.sol";
import {TestBase} from "./TestBase.sol";

/// @dev A cheatcode more than TestBase's
interface TextVm {
    function replace(string calldata text, string calldata from, string calldata to)
        external
        pure
        returns (string memory);
}

/// @dev What the tests of the deployment scripts share: the examples as parameters, one of them replaced
abstract contract DeploymentTestBase is TestBase {
    address internal constant PROXY = 0x4e59b44847b379578588920cA78FbF26c0B4956C;
    address internal constant DEPLOYER = address(0xd1);
    address internal constant GOVERNOR = address(0xa1);
    uint256 internal constant DELAY = 16 days;
    uint256 internal constant GENESIS = 1_830_297_600;

    function setUpChain(uint256 chainId) internal {
        vm.chainId(chainId);
        vm.warp(GENESIS - 1 days);
        // The proxy's code, as it is on every chain that has it.
        vm.etch(
            PROXY,
            hex"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe036016000816020"
            hex"82378035828234f58015156039578182fd5b8082525050506014600cf3"
        );
    }

    function with(string memory json, string memory from, string memory to)
        internal
        pure
        returns (string memory changed)
    {
        changed = TextVm(address(vm)).replace(json, from, to);
        assertTrue(keccak256(bytes(changed)) != keccak256(bytes(json)));
    }

    function assertRefused(bytes memory reason, string memory parameter) internal pure {
        assertEq(bytes32(bytes4(reason)), bytes32(DeploymentScript.InvalidParameter.selector));
        bytes memory arguments = new bytes(reason.length - 4);
        for (uint256 i = 0; i < arguments.length; i++) {
            arguments[i] = reason[i + 4];
        }
        (string memory name,) = abi.decode(arguments, (string, string));
        assertEq(bytes(name), bytes(parameter));
    }

    /// @dev Whatever the timelock lets someone do, it lets nobody but the governor, after the delay
    function assertPowerless(TimelockController timelock, address account) internal {
        bytes memory call = abi.encodeCall(timelock.updateDelay, (0));
        address target = address(timelock);
        bytes[8] memory calls = [
            abi.encodeCall(timelock.schedule, (target, 0, call, 0, 0, DELAY)),
            abi.encodeCall(timelock.schedule, (target, 0, call, 0, 0, 0)),
            abi.encodeCall(timelock.execute, (target, 0, call, 0, 0)),
            abi.encodeCall(timelock.cancel, (0)),
            abi.encodeCall(timelock.grantRole, (timelock.PROPOSER_ROLE(), account)),
            abi.encodeCall(timelock.grantRole, (timelock.DEFAULT_ADMIN_ROLE(), account)),
            abi.encodeCall(timelock.revokeRole, (timelock.PROPOSER_ROLE(), GOVERNOR)),
            call
        ];
        for (uint256 i = 0; i < calls.length; i++) {
            vm.prank(account);
            (bool isDone,) = target.call(calls[i]);
            assertTrue(!isDone);
        }
    }

    function assertGoverned(TimelockController timelock, address target, bytes memory call) internal {
        vm.prank(GOVERNOR);
        vm.expectRevert();
        timelock.schedule(target, 0, call, 0, 0, DELAY - 1);
        vm.prank(GOVERNOR);
        timelock.schedule(target, 0, call, 0, 0, DELAY);
        vm.warp(vm.getBlockTimestamp() + DELAY - 1);
        vm.expectRevert();
        timelock.execute(target, 0, call, 0, 0);
        vm.warp(vm.getBlockTimestamp() + 1);
        // Anyone executes what is due.
        vm.prank(address(0xF00D));
        timelock.execute(target, 0, call, 0, 0);
    }
}
