// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Registry} from "../src/Registry.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {BLS} from "../src/libraries/BLS.sol";
import {OperatorSets} from "../src/libraries/OperatorSets.sol";
import {RegistryTestBase} from "./RegistryTestBase.sol";

/// @dev Fixes several epochs in one transaction, as a keeper would: one revert and none is fixed
contract EpochBatch {
    function fixAll(Registry registry, uint64[] calldata epochs) external {
        for (uint256 i = 0; i < epochs.length; i++) {
            registry.fixEpoch(epochs[i]);
        }
    }
}

/// @dev What audits found in registries of other networks, tried on this one
contract FindingsRegistryTest is RegistryTestBase {
    address private constant ALICE = address(0xA11CE);
    address private constant MALLORY = address(0xBAD);

    // Points of the curves whose order divides the cofactor: added to a point of the subgroup they give
    // another outside it, which G1ADD and G2ADD take.
    bytes private constant G1_TORSION =
        hex"000000000000000000000000000000000ccd40884cb1834492efbd0149a414535890f30477f9535103082ff438ca13d7f7e36e2f1d15dd8ca30397f12170831a"
        hex"00000000000000000000000000000000157112d2c2dfffc1f042dd01e9cc104f0609ada5f5fb621f5eb44c9b1b3174267681bbdea41aacc3af76740445774b94";
    bytes private constant G2_TORSION =
        hex"000000000000000000000000000000000d3925372c636a26a79c89a525225cfbb6c94743eff9bf0898698c82a693c42590ce206cdc937dec55e0cd57aade3602"
        hex"000000000000000000000000000000000e35f87bd26f0218f1928af3bf7c223b73482e509ae40ca19d3128233c763810135c6cde0296930a95ad34a74ce3b6be"
        hex"00000000000000000000000000000000078f5d68db8cb3dc095de74eaf680601fc2757659b3593952f04822043c2b5195a0d112ec42626be8813dcaadc079de4"
        hex"00000000000000000000000000000000139fdf17a2f3b961e247b8f705b7c6b0cffe8ad23ec0e619ee80de97da53e8e0739debcda494f2ab5ce56ea4b38b7a97";

    /// @dev A null key with any power forged a quorum
    function test_theZeroKeyIsNeverRegisteredWhateverItsWeight() external {
        join(ALICE, 1, 1);
        weights.set(MALLORY, type(uint128).max - 1);
        _refuse(MALLORY, new bytes(128), new bytes(256), IRegistry.InvalidPublicKey.selector);
        _refuse(MALLORY, new bytes(128), proofOf(MALLORY, 2, 0), IRegistry.InvalidPublicKey.selector);
        vm.warp(GENESIS);
        (address[] memory list,,) = registry.operatorsAt(0);
        assertEq(list.length, 1);
    }

    function test_aKeyOutsideTheSubgroupIsNeverRegistered() external {
        bytes memory shifted = precompile(0x0b, bytes.concat(publicKeyOf(7), G1_TORSION));
        bytes memory proof = sign(7, BLS.PROOF_OF_POSSESSION_TAG, digestOf(ALICE, shifted, 0));
        weights.set(ALICE, 1);
        _refusePoint(shifted, proof);
        _refusePoint(G1_TORSION, proof);
        join(ALICE, 7, 1);
        proof = sign(7, BLS.PROOF_OF_POSSESSION_TAG, digestOf(ALICE, shifted, 1));
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(BLS.PrecompileFailed.selector, address(0x0f)));
        registry.rotateKey(shifted, proof);
    }

    function test_aKeyOffTheCurveIsNeverRegistered() external {
        weights.set(ALICE, 1);
        bytes memory key = publicKeyOf(7);
        bytes memory proof = proofOf(ALICE, 7, 0);
        key[63] ^= 0x01;
        _refusePoint(key, proof);
        // A field element and no y at all.
        _refusePoint(bytes.concat(new bytes(63), hex"01", new bytes(64)), proof);
    }

    function test_aProofOutsideTheSubgroupIsRefused() external {
        weights.set(ALICE, 1);
        bytes memory proof = proofOf(ALICE, 7, 0);
        _refusePoint(publicKeyOf(7), precompile(0x0d, bytes.concat(proof, G2_TORSION)));
        _refusePoint(publicKeyOf(7), G2_TORSION);
        register(ALICE, 7);
    }

    function test_aKeyIsOfOneOperatorAlsoAsItsNegative() external {
        join(ALICE, 7, 1);
        weights.set(MALLORY, 1);
        // The negative is another key, for whoever has its secret; together they are no set.
        register(MALLORY, CURVE_ORDER - 7);
        vm.warp(GENESIS);
        vm.expectRevert(abi.encodeWithSelector(OperatorSets.AggregateAtInfinity.selector));
        registry.fixEpoch(0);
        vm.expectRevert(abi.encodeWithSelector(OperatorSets.AggregateAtInfinity.selector));
        registry.fixEpochInParts(0, 10);
        // One honest operator, whose secret they do not have, and they stop nothing.
        join(address(0xB0B), 9, 1);
        vm.warp(GENESIS + EPOCH);
        assertTrue(registry.fixEpoch(2) != 0);
    }

    function test_weightsBeyondAWordFixNothing() external {
        join(ALICE, 1, 1 << 255);
        join(MALLORY, 2, 1 << 255);
        vm.warp(GENESIS);
        bytes memory overflow = abi.encodeWithSignature("Panic(uint256)", 0x11);
        vm.expectRevert(overflow);
        registry.fixEpoch(0);
        vm.expectRevert(overflow);
        registry.fixEpochInParts(0, 10);
        registry.fixEpochInParts(0, 1);
        vm.expectRevert(overflow);
        registry.fixEpochInParts(0, 1);
        assertEq(registry.operatorSetHash(0), 0);
    }

    /// @dev 67 per cent read as basis points was less than one in a hundred
    function test_aThresholdInPerCentIsNoRollups() external {
        for (uint16 percent = 0; percent <= 100; percent++) {
            vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidRollup.selector));
            registry.addRollup(901, "op", 1, percent, 1, address(0));
        }
    }

    /// @dev A list that anyone's registration made longer was too long to be read
    function test_theListOfRollupsIsBounded() external {
        for (uint64 id = 1; id <= 256; id++) {
            registry.addRollup(id, "op", 1, 6667, 1, address(0));
        }
        vm.expectRevert(abi.encodeWithSelector(IRegistry.TooManyRollups.selector));
        registry.addRollup(257, "op", 1, 6667, 1, address(0));
        // A retired one keeps its place with its id.
        registry.retireRollup(7);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.TooManyRollups.selector));
        registry.addRollup(257, "op", 1, 6667, 1, address(0));
        vm.warp(GENESIS);
        assertEq(registry.rollupsAt(0).length, 255);
    }

    /// @dev A jump to the greatest epoch bricked a chain of headers
    function test_theLastEpochOfAllCannotBeFixedAheadAndStopsNoOther() external {
        join(ALICE, 1, 1);
        vm.warp(GENESIS);
        bytes memory notReady = abi.encodeWithSelector(
            IRegistry.SnapshotNotReady.selector,
            type(uint64).max,
            GENESIS + (uint256(type(uint64).max) - 1) * EPOCH
        );
        vm.expectRevert(notReady);
        registry.fixEpoch(type(uint64).max);
        vm.expectRevert(notReady);
        registry.fixEpochInParts(type(uint64).max, 1);
        assertTrue(registry.fixEpoch(0) != 0);
    }

    /// @dev Operators that were skipped left gaps in a sparse array, and a wrong root
    function test_operatorsWithoutWeightLeaveNoGaps() external {
        for (uint160 i = 1; i <= 5; i++) {
            join(address(i), i, 10 * i);
        }
        weights.set(address(1), 0);
        weights.set(address(3), 0);
        weights.set(address(5), 0);
        vm.warp(GENESIS);
        address[] memory operators = new address[](2);
        bytes32[4][] memory keys = new bytes32[4][](2);
        uint256[] memory set = new uint256[](2);
        (operators[0], keys[0], set[0]) = (address(2), toKey(publicKeyOf(2)), 20);
        (operators[1], keys[1], set[1]) = (address(4), toKey(publicKeyOf(4)), 40);
        assertEq(registry.fixEpoch(0), OperatorSets.hash(0, operators, keys, set));
        registry.fixEpochInParts(1, 1);
        assertEq(registry.fixEpochInParts(1, 9), OperatorSets.hash(1, operators, keys, set));
    }

    function test_aRegistrationThatWasSeenIsOfNoUseToAnother() external {
        bytes memory key = publicKeyOf(7);
        bytes memory proof = proofOf(ALICE, 7, 0);
        weights.set(ALICE, 1);
        weights.set(MALLORY, 1);
        _refuse(MALLORY, key, proof, IRegistry.InvalidProof.selector);
        vm.prank(ALICE);
        registry.registerOperator(key, proof);
        assertEq(registry.keyCount(ALICE), 1);
    }

    function test_aRotationThatWasSeenIsOfNoUseToAnother() external {
        join(ALICE, 7, 1);
        join(MALLORY, 8, 1);
        bytes memory key = publicKeyOf(9);
        bytes memory proof = proofOf(ALICE, 9, 1);
        vm.prank(MALLORY);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidProof.selector));
        registry.rotateKey(key, proof);
        vm.prank(ALICE);
        registry.rotateKey(key, proof);
        assertEq(registry.keyCount(ALICE), 2);
    }

    /// @dev An update that somebody else had made reverted the whole batch
    function test_aBatchOfEpochsThatWasFrontRunGoesThrough() external {
        join(ALICE, 1, 1);
        join(address(0xB0B), 2, 1);
        vm.warp(GENESIS + EPOCH);
        uint64[] memory epochs = new uint64[](3);
        (epochs[1], epochs[2]) = (1, 2);
        EpochBatch batch = new EpochBatch();
        uint256 state = vm.snapshotState();
        batch.fixAll(registry, epochs);
        bytes32[3] memory alone = _hashes();
        vm.revertToState(state);

        // One is fixed already, one half, one is fixed in parts to its end.
        vm.prank(MALLORY);
        registry.fixEpoch(0);
        registry.fixEpochInParts(1, 1);
        registry.fixEpochInParts(2, 1);
        registry.fixEpochInParts(2, 1);
        batch.fixAll(registry, epochs);
        assertEq(abi.encode(_hashes()), abi.encode(alone));
    }

    function test_partsOfNothingStopNoOthersParts(uint8 wasted) external {
        join(ALICE, 1, 1);
        vm.warp(GENESIS);
        for (uint256 i = 0; i < uint256(wasted) % 8; i++) {
            vm.prank(MALLORY);
            assertEq(registry.fixEpochInParts(0, 0), 0);
        }
        assertTrue(registry.fixEpochInParts(0, type(uint256).max) != 0);
    }

    function test_aProofIsForOneSideOfAForkOfL1() external {
        weights.set(ALICE, 1);
        bytes memory key = publicKeyOf(7);
        bytes memory proof = proofOf(ALICE, 7, 0);
        vm.chainId(CHAIN + 1);
        _refuse(ALICE, key, proof, IRegistry.InvalidProof.selector);
        vm.chainId(CHAIN);
        vm.prank(ALICE);
        registry.registerOperator(key, proof);
    }

    function _hashes() private view returns (bytes32[3] memory hashes) {
        for (uint64 epoch = 0; epoch < 3; epoch++) {
            hashes[epoch] = registry.operatorSetHash(epoch);
            assertTrue(hashes[epoch] != 0);
        }
    }

    function _refusePoint(bytes memory key, bytes memory proof) private {
        vm.prank(ALICE);
        vm.expectRevert(abi.encodeWithSelector(BLS.PrecompileFailed.selector, address(0x0f)));
        registry.registerOperator(key, proof);
    }

    function _refuse(address operator, bytes memory key, bytes memory proof, bytes4 selector) private {
        vm.prank(operator);
        vm.expectRevert(abi.encodeWithSelector(selector));
        registry.registerOperator(key, proof);
    }
}
