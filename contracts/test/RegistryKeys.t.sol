// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {RegistryTestBase, TestWeights} from "./RegistryTestBase.sol";

contract RegistryKeysTest is RegistryTestBase {
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);

    function test_aNewKeyIsForTheEpochsWithALaterSnapshot() external {
        join(ALICE, 1, 10);
        vm.warp(GENESIS);
        rotate(ALICE, 2, 1);
        vm.warp(GENESIS + EPOCH);
        assertEq(keyAt(1, 0), publicKeyOf(1));
        assertEq(keyAt(2, 0), publicKeyOf(2));
        assertEq(registry.keyCount(ALICE), 2);
        // Fixing an earlier epoch late gives it the key of its own time.
        bytes32 late = registry.fixEpoch(1);
        assertTrue(late != registry.fixEpoch(2));
        assertEq(keyAt(1, 0), publicKeyOf(1));
    }

    function test_theLastKeyBeforeTheSnapshotCounts() external {
        join(ALICE, 1, 10);
        rotate(ALICE, 2, 1);
        vm.warp(GENESIS - 1);
        rotate(ALICE, 3, 2);
        vm.warp(GENESIS);
        assertEq(keyAt(0, 0), publicKeyOf(3));
    }

    function test_announcesTheRotatedKeyWithItsNonce() external {
        join(ALICE, 1, 10);
        bytes memory key = publicKeyOf(2);
        bytes memory proof = proofOf(ALICE, 2, 1);
        vm.expectEmit(address(registry));
        emit IRegistry.KeyRegistered(ALICE, key, 1);
        vm.prank(ALICE);
        registry.rotateKey(key, proof);
    }

    function test_noKeyComesBackToWhomeverItWas() external {
        join(ALICE, 1, 10);
        join(BOB, 9, 10);
        rotate(ALICE, 2, 1);
        refuseTaken(ALICE, 1, 2);
        refuseTaken(ALICE, 2, 2);
        refuseTaken(BOB, 2, 1);
        refuseTaken(ALICE, 9, 2);
    }

    function test_aRotationNeedsAProofForItsOwnNonce() external {
        join(ALICE, 1, 10);
        bytes memory key = publicKeyOf(2);
        for (uint256 nonce = 0; nonce < 3; nonce++) {
            if (nonce == 1) continue;
            bytes memory proof = proofOf(ALICE, 2, nonce);
            vm.prank(ALICE);
            vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidProof.selector));
            registry.rotateKey(key, proof);
        }
        bytes memory bobs = proofOf(BOB, 2, 1);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidProof.selector));
        registry.rotateKey(key, bobs);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidPublicKey.selector));
        registry.rotateKey(new bytes(128), bobs);
    }

    function test_onlyAnOperatorRotates() external {
        bytes memory key = publicKeyOf(1);
        bytes memory proof = proofOf(ALICE, 1, 0);
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.OperatorNotRegistered.selector, ALICE));
        registry.rotateKey(key, proof);
    }

    function test_rotatingChangesNeitherWeightNorPlace() external {
        join(ALICE, 1, 10);
        join(BOB, 9, 20);
        rotate(ALICE, 2, 1);
        vm.warp(GENESIS);
        (address[] memory list,, uint256[] memory all) = registry.operatorsAt(0);
        assertEq(list.length, 2);
        assertEq(registry.operatorCount(), 2);
        assertEq(list[1], ALICE);
        assertEq(all[1], 10);
    }

    function rotate(address operator, uint256 secret, uint256 nonce) private {
        _rotate(operator, secret, nonce, "");
    }

    function refuseTaken(address operator, uint256 secret, uint256 nonce) private {
        bytes32 keyHash = keccak256(publicKeyOf(secret));
        _rotate(
            operator, secret, nonce, abi.encodeWithSelector(IRegistry.KeyAlreadyRegistered.selector, keyHash)
        );
    }

    function _rotate(address operator, uint256 secret, uint256 nonce, bytes memory reason) private {
        bytes memory key = publicKeyOf(secret);
        bytes memory proof = proofOf(operator, secret, nonce);
        vm.prank(operator);
        if (reason.length > 0) vm.expectRevert(reason);
        registry.rotateKey(key, proof);
    }

    function keyAt(uint64 epoch, uint256 index) private view returns (bytes memory) {
        (, bytes32[4][] memory keys,) = registry.operatorsAt(epoch);
        return abi.encodePacked(keys[index]);
    }
}

contract RegistryPartsTest is RegistryTestBase {
    uint256 private constant COUNT = 11;

    function setUp() public override {
        super.setUp();
        for (uint256 i = 1; i <= COUNT; i++) {
            // Every fourth has no weight any more when the snapshot is taken.
            join(operatorOf(i), i, i);
            if (i % 4 == 0) weights.set(operatorOf(i), 0);
        }
        vm.warp(GENESIS);
    }

    /// forge-config: default.fuzz.runs = 24
    function test_partsOfAnySizeByAnyoneGiveTheHashOfOneCall(uint256 seed) external {
        bytes32 expected = expectedHash();
        bytes32 setHash = 0;
        for (uint256 i = 0; setHash == 0; i++) {
            assertEq(registry.operatorSetHash(0), 0);
            vm.prank(address(uint160(seed % 1_000 + i + 1)));
            setHash = registry.fixEpochInParts(0, uint256(keccak256(abi.encode(seed, i))) % 4);
        }
        assertEq(setHash, expected);
        assertEq(registry.operatorSetHash(0), expected);
    }

    function test_whoJoinsOrRotatesMeanwhileChangesNothing() external {
        bytes32 expected = expectedHash();
        registry.fixEpochInParts(0, 3);
        join(address(1), 100, 50);
        join(address(type(uint160).max), 101, 50);
        join(address(uint160(operatorOf(5)) + 1), 102, 50);
        bytes memory key = publicKeyOf(103);
        bytes memory proof = proofOf(operatorOf(6), 103, 1);
        vm.prank(operatorOf(6));
        registry.rotateKey(key, proof);
        weights.set(operatorOf(7), 1_000);
        assertEq(registry.fixEpochInParts(0, 3), 0);
        assertEq(registry.fixEpochInParts(0, 100), expected);
    }

    function test_oneCallInTheMidstOfPartsIsTheSame() external {
        registry.fixEpochInParts(0, 3);
        bytes32 setHash = registry.fixEpoch(0);
        vm.recordLogs();
        assertEq(registry.fixEpochInParts(0, 3), setHash);
        assertEq(registry.fixEpochInParts(0, 0), setHash);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_epochsAreFixedInPartsSideBySide() external {
        vm.warp(GENESIS + EPOCH);
        uint256 state = vm.snapshotState();
        (bytes32 first, bytes32 second) = (registry.fixEpoch(0), registry.fixEpoch(2));
        vm.revertToState(state);
        registry.fixEpochInParts(0, 5);
        registry.fixEpochInParts(2, 4);
        assertEq(registry.fixEpochInParts(0, 20), first);
        assertEq(registry.fixEpochInParts(2, 20), second);
    }

    function test_aFailingWeightSourceLosesNoProgressAndFixesNothing() external {
        uint256 state = vm.snapshotState();
        registry.fixEpochInParts(0, 3);
        weights.fail();
        vm.expectRevert(abi.encodeWithSelector(TestWeights.Unavailable.selector));
        registry.fixEpochInParts(0, 3);
        assertEq(registry.operatorSetHash(0), 0);
        vm.revertToState(state);
        assertEq(registry.fixEpochInParts(0, 100), registry.fixEpoch(0));
    }

    function test_noPartBeforeTheSnapshotIsDetermined() external {
        vm.warp(GENESIS - 1);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.SnapshotNotReady.selector, 0, GENESIS));
        registry.fixEpochInParts(0, 3);
    }

    function test_withoutWeightThereIsNoSet() external {
        vm.warp(GENESIS + EPOCH - 1);
        for (uint256 i = 1; i <= COUNT; i++) {
            weights.set(operatorOf(i), 0);
        }
        vm.warp(GENESIS + EPOCH);
        registry.fixEpochInParts(2, 10);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NoOperators.selector, 2));
        registry.fixEpochInParts(2, 10);
    }

    function expectedHash() private returns (bytes32 expected) {
        uint256 state = vm.snapshotState();
        expected = registry.fixEpoch(0);
        vm.revertToState(state);
    }

    function operatorOf(uint256 number) private pure returns (address) {
        return address(uint160(number << 40));
    }
}
