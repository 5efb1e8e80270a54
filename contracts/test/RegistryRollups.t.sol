// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {RegistryTestBase} from "./RegistryTestBase.sol";

/// @dev An adapter that only says whose it is
contract TestSettlement {
    uint64 public immutable rollupId;

    constructor(uint64 rollupId_) {
        rollupId = rollupId_;
    }
}

contract RegistryRollupsTest is RegistryTestBase {
    address private constant STRANGER = address(0xBAD);

    function test_parametersAreThoseOfTheEpochsSnapshot() external {
        registry.addRollup(901, "op", 1, 6667, 1, address(0));
        vm.warp(GENESIS);
        registry.setRollup(901, "op", 10, 8000, 2, address(0));
        registry.addRollup(902, "evm", 2, 10_000, 1, address(0));
        vm.warp(GENESIS + EPOCH);
        registry.retireRollup(901);
        vm.warp(GENESIS + 2 * EPOCH);

        IRegistry.Rollup[] memory first = registry.rollupsAt(1);
        assertEq(first.length, 1);
        assertEq(abi.encode(first[0]), abi.encode(IRegistry.Rollup(901, "op", 1, 6667, 1, address(0))));
        assertEq(abi.encode(registry.rollupsAt(0)), abi.encode(first));

        IRegistry.Rollup[] memory second = registry.rollupsAt(2);
        assertEq(second.length, 2);
        assertEq(abi.encode(second[0]), abi.encode(IRegistry.Rollup(901, "op", 10, 8000, 2, address(0))));
        assertEq(abi.encode(second[1]), abi.encode(IRegistry.Rollup(902, "evm", 2, 10_000, 1, address(0))));

        IRegistry.Rollup[] memory third = registry.rollupsAt(3);
        assertEq(third.length, 1);
        assertEq(third[0].rollupId, 902);
    }

    function test_aRollupOfAnEpochIsThatOfItsSnapshot() external {
        address settlement = address(new TestSettlement(901));
        registry.addRollup(901, "op", 1, 6667, 1, address(0));
        vm.warp(GENESIS);
        registry.setRollup(901, "op", 10, 8000, 2, settlement);
        vm.warp(GENESIS + EPOCH);
        registry.retireRollup(901);
        vm.expectRevert(
            abi.encodeWithSelector(IRegistry.SnapshotNotReady.selector, 3, registry.snapshotTime(3))
        );
        registry.rollupAt(901, 3);
        vm.warp(GENESIS + 2 * EPOCH);

        IRegistry.Rollup memory first = IRegistry.Rollup(901, "op", 1, 6667, 1, address(0));
        assertEq(abi.encode(registry.rollupAt(901, 0)), abi.encode(first));
        assertEq(abi.encode(registry.rollupAt(901, 1)), abi.encode(first));
        IRegistry.Rollup memory second = IRegistry.Rollup(901, "op", 10, 8000, 2, settlement);
        assertEq(abi.encode(registry.rollupAt(901, 2)), abi.encode(second));
        vm.expectRevert(abi.encodeWithSelector(IRegistry.UnknownRollup.selector, 901));
        registry.rollupAt(901, 3);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.UnknownRollup.selector, 902));
        registry.rollupAt(902, 0);
    }

    function test_aSettlementIsOfThisRollupOrNone() external {
        address settlement = address(new TestSettlement(902));
        _refuse(IRegistry.Rollup(901, "op", 1, 6667, 1, settlement));
        _refuse(IRegistry.Rollup(901, "op", 1, 6667, 1, STRANGER));
        registry.addRollup(902, "op", 1, 6667, 1, settlement);
        vm.expectRevert();
        registry.addRollup(901, "op", 1, 6667, 1, address(weights));
    }

    function test_theLastChangeWithinABlockCounts() external {
        registry.addRollup(901, "op", 1, 6667, 1, address(0));
        registry.setRollup(901, "op", 5, 6667, 1, address(0));
        registry.addRollup(902, "op", 1, 6667, 1, address(0));
        registry.retireRollup(902);
        vm.warp(GENESIS);
        IRegistry.Rollup[] memory list = registry.rollupsAt(0);
        assertEq(list.length, 1);
        assertEq(list[0].attestationInterval, 5);
    }

    function test_anIdIsNeverUsedAgain() external {
        registry.addRollup(901, "op", 1, 6667, 1, address(0));
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RollupAlreadyAdded.selector, 901));
        registry.addRollup(901, "op", 1, 6667, 1, address(0));
        registry.retireRollup(901);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.RollupAlreadyAdded.selector, 901));
        registry.addRollup(901, "op", 1, 6667, 1, address(0));
        bytes memory unknown = abi.encodeWithSelector(IRegistry.UnknownRollup.selector, 901);
        vm.expectRevert(unknown);
        registry.setRollup(901, "op", 1, 6667, 1, address(0));
        vm.expectRevert(unknown);
        registry.retireRollup(901);
    }

    function test_refusesParametersOutOfRange() external {
        _refuse(IRegistry.Rollup(0, "op", 1, 6667, 1, address(0)));
        _refuse(IRegistry.Rollup(901, "", 1, 6667, 1, address(0)));
        _refuse(IRegistry.Rollup(901, "op", 0, 6667, 1, address(0)));
        _refuse(IRegistry.Rollup(901, "op", 1, 6666, 1, address(0)));
        _refuse(IRegistry.Rollup(901, "op", 1, 10_001, 1, address(0)));
        _refuse(IRegistry.Rollup(901, "op", 1, 6667, 0, address(0)));
        _refuse(IRegistry.Rollup(901, "op", 1, 6667, 3, address(0)));
        registry.addRollup(901, "op", type(uint64).max, 10_000, 2, address(0));
        vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidRollup.selector));
        registry.setRollup(901, "op", 1, 6666, 1, address(0));
    }

    function test_onlyTheOwnerChangesWhatIsListed() external {
        registry.addRollup(901, "op", 1, 6667, 1, address(0));
        bytes memory refusal =
            abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER);
        vm.prank(STRANGER);
        vm.expectRevert(refusal);
        registry.addRollup(902, "op", 1, 6667, 1, address(0));
        vm.prank(STRANGER);
        vm.expectRevert(refusal);
        registry.setRollup(901, "op", 1, 10_000, 1, address(0));
        vm.prank(STRANGER);
        vm.expectRevert(refusal);
        registry.retireRollup(901);
        vm.prank(STRANGER);
        vm.expectRevert(refusal);
        registry.setMinimumWeight(0);
    }

    function test_aNewOwnerHasToAccept() external {
        registry.transferOwnership(STRANGER);
        assertEq(registry.owner(), address(this));
        vm.prank(STRANGER);
        registry.acceptOwnership();
        assertEq(registry.owner(), STRANGER);
    }

    function _refuse(IRegistry.Rollup memory rollup) private {
        vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidRollup.selector));
        registry.addRollup(
            rollup.rollupId,
            rollup.stack,
            rollup.attestationInterval,
            rollup.thresholdBps,
            rollup.verification,
            rollup.settlement
        );
    }
}
