// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {DeployNetwork} from "../script/DeployNetwork.s.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {ISlashableSource} from "../src/interfaces/ISlashableSource.sol";
import {ISlasher} from "../src/interfaces/ISlasher.sol";
import {IStakeVault} from "../src/interfaces/IStakeVault.sol";
import {IWeightSource} from "../src/interfaces/IWeightSource.sol";
import {IWeightedSources} from "../src/interfaces/IWeightedSources.sol";
import {Slasher} from "../src/Slasher.sol";
import {DeploymentTestBase} from "./DeploymentTestBase.sol";

/// @dev The table "Who may do what" of contracts/README.md, on a network as the script leaves it. The
/// light client's row is in LightClientPowers.t.sol.
contract PowersTest is DeploymentTestBase {
    address private timelock;
    address private sources;
    address private registry;
    address private slasher;
    address private vault;

    function setUp() external {
        setUpChain(1);
        vm.etch(0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0, hex"00");
        string memory example = vm.readFile("script/network.example.json");
        (timelock, sources, registry, slasher, vault,,) = new DeployNetwork().run(example);
    }

    function test_nobodyButTheTimelockChangesTheRegistry(address caller) external {
        _expectOwners(registry, abi.encodeCall(IRegistry.addRollup, (8453, "op", 1, 6667, 1, address(0))), caller);
        _expectOwners(registry, abi.encodeCall(IRegistry.setRollup, (10, "op", 2, 6667, 1, address(0))), caller);
        _expectOwners(registry, abi.encodeCall(IRegistry.setMinimumWeight, (1)), caller);
        _expectOwners(registry, abi.encodeCall(IRegistry.retireRollup, (10)), caller);
        _expectOwnersOwnership(registry, caller);
    }

    function test_nobodyButTheTimelockChangesWhatWeighs(address caller) external {
        bytes memory call = abi.encodeCall(IWeightedSources.setSource, (IWeightSource(vault), 0, 1));
        _expectOwners(sources, call, caller);
        _expectOwnersOwnership(sources, caller);
    }

    function test_nobodyButTheTimelockChangesWhatAConvictionCosts(address caller) external {
        ISlasher.Parameters memory parameters = Slasher(slasher).parameters();
        parameters.destination = address(0xb2);
        _expectOwners(slasher, abi.encodeCall(ISlasher.setParameters, (parameters)), caller);
        _expectOwnersOwnership(slasher, caller);
    }

    function test_nobodyButTheSlasherSlashes(address caller) external {
        vm.assume(caller != slasher);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(ISlashableSource.NotTheSlasher.selector, caller));
        IStakeVault(vault).slash(address(0xcafe), 1, "because");
        // Not even who owns everything else.
        vm.prank(timelock);
        vm.expectRevert(abi.encodeWithSelector(ISlashableSource.NotTheSlasher.selector, timelock));
        IStakeVault(vault).slash(address(0xcafe), 1, "because");
    }

    function test_theSlasherObeysNoOwnerThatActsTooSoon() external {
        vm.prank(timelock);
        (bool isShortened,) = timelock.call(abi.encodeWithSignature("updateDelay(uint256)", 14 days));
        assertTrue(isShortened);
        ISlasher.Parameters memory parameters = Slasher(slasher).parameters();
        vm.prank(timelock);
        vm.expectRevert(
            abi.encodeWithSelector(ISlasher.DelayTooShort.selector, 14 days, 14 days + 1)
        );
        Slasher(slasher).setParameters(parameters);
    }

    /// @dev Refuses everyone, also those who may tell the timelock, and does as the timelock says
    function _expectOwners(address target, bytes memory call, address caller) private {
        vm.assume(caller != timelock);
        address[3] memory others = [caller, DEPLOYER, GOVERNOR];
        for (uint256 i = 0; i < others.length; i++) {
            vm.prank(others[i]);
            (bool isDone, bytes memory reason) = target.call(call);
            assertTrue(!isDone);
            assertEq(reason, abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, others[i]));
        }
        vm.prank(timelock);
        (bool isAllowed,) = target.call(call);
        assertTrue(isAllowed);
    }

    function _expectOwnersOwnership(address target, address caller) private {
        vm.assume(caller != address(0));
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, caller));
        Ownable2Step(target).acceptOwnership();
        _expectOwners(target, abi.encodeCall(Ownable.transferOwnership, (address(0xb2))), caller);
        _expectOwners(target, abi.encodeCall(Ownable.renounceOwnership, ()), caller);
    }
}
