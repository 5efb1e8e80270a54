// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Registry} from "../src/Registry.sol";
import {IRegistry} from "../src/interfaces/IRegistry.sol";
import {IWeightSource} from "../src/interfaces/IWeightSource.sol";
import {BLS} from "../src/libraries/BLS.sol";
import {OperatorSets} from "../src/libraries/OperatorSets.sol";
import {RegistryTestBase, TestWeights} from "./RegistryTestBase.sol";

contract RegistryEpochsTest is RegistryTestBase {
    function test_fixesTheHashOfTheSnapshot() external {
        join(address(0x30), 3, 26);
        join(address(0x10), 1, 22);
        join(address(0x20), 2, 24);
        vm.warp(GENESIS);
        address[] memory operators = new address[](3);
        bytes32[4][] memory keys = new bytes32[4][](3);
        uint256[] memory set = new uint256[](3);
        for (uint256 i = 0; i < 3; i++) {
            operators[i] = address(uint160(0x10 * (i + 1)));
            (keys[i], set[i]) = (toKey(publicKeyOf(i + 1)), 22 + 2 * i);
        }
        bytes32 expected = OperatorSets.hash(0, operators, keys, set);
        vm.expectEmit(address(registry));
        emit IRegistry.EpochFixed(0, expected);
        assertEq(registry.fixEpoch(0), expected);
        assertEq(registry.operatorSetHash(0), expected);

        (address[] memory list, bytes32[4][] memory listKeys, uint256[] memory listWeights) =
            registry.operatorsAt(0);
        assertEq(abi.encode(list, listKeys, listWeights), abi.encode(operators, keys, set));
    }

    function test_theSnapshotEndsOneEpochAheadAndAtGenesisForTheFirstTwo() external view {
        assertEq(registry.snapshotTime(0), GENESIS);
        assertEq(registry.snapshotTime(1), GENESIS);
        assertEq(registry.snapshotTime(2), GENESIS + EPOCH);
        assertEq(
            registry.snapshotTime(type(uint64).max), GENESIS + uint256(type(uint64).max - 1) * EPOCH
        );
    }

    function test_anEpochIsFixedFromTheSecondOfItsSnapshotOn() external {
        join(address(1), 1, 1);
        vm.warp(GENESIS + EPOCH - 1);
        bytes memory notReady =
            abi.encodeWithSelector(IRegistry.SnapshotNotReady.selector, 2, GENESIS + EPOCH);
        vm.expectRevert(notReady);
        registry.fixEpoch(2);
        vm.expectRevert(notReady);
        registry.operatorsAt(2);
        vm.expectRevert(notReady);
        registry.rollupsAt(2);
        assertTrue(registry.fixEpoch(1) != 0);
        vm.warp(GENESIS + EPOCH);
        assertTrue(registry.fixEpoch(2) != 0);
    }

    function test_whoJoinsInTheSecondOfTheSnapshotIsNotInIt() external {
        vm.warp(GENESIS - 1);
        join(address(1), 1, 1);
        vm.warp(GENESIS);
        join(address(2), 2, 1);
        assertEq(_countAt(0), 1);
        assertEq(_countAt(1), 1);
        vm.warp(GENESIS + EPOCH);
        join(address(3), 3, 1);
        assertEq(_countAt(1), 1);
        assertEq(_countAt(2), 2);
    }

    function test_fixingAgainChangesNothingAndSaysNothing() external {
        join(address(1), 1, 1);
        vm.warp(GENESIS);
        bytes32 first = registry.fixEpoch(1);
        weights.fail();
        vm.recordLogs();
        assertEq(registry.fixEpoch(1), first);
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_whenAndByWhomAnEpochIsFixedDoesNotMatter(uint16 delay, address caller) external {
        join(address(1), 1, 5);
        vm.warp(GENESIS);
        uint256 state = vm.snapshotState();
        bytes32 early = registry.fixEpoch(1);
        vm.revertToState(state);
        assertEq(registry.operatorSetHash(1), 0);

        weights.set(address(1), 9);
        join(address(2), 2, 5);
        vm.warp(uint256(GENESIS) + delay);
        vm.prank(caller);
        assertEq(registry.fixEpoch(1), early);
    }

    function test_anEpochThatWasNeverFixedHasNoHashAndALaterOneStillCan() external {
        join(address(1), 1, 1);
        vm.warp(GENESIS + 10 * EPOCH);
        registry.fixEpoch(9);
        assertEq(registry.operatorSetHash(8), 0);
        assertTrue(registry.operatorSetHash(9) != 0);
        assertTrue(registry.fixEpoch(8) != registry.operatorSetHash(9));
    }

    function test_withoutWeightThereIsNoSet() external {
        join(address(1), 1, 1);
        weights.set(address(1), 0);
        vm.warp(GENESIS);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.NoOperators.selector, 0));
        registry.fixEpoch(0);
        assertEq(registry.operatorSetHash(0), 0);
    }

    function test_onlyOperatorsWithWeightAreInTheSet() external {
        join(address(1), 1, 1);
        join(address(2), 2, 1);
        weights.set(address(1), 0);
        vm.warp(GENESIS);
        (address[] memory list,,) = registry.operatorsAt(0);
        assertEq(list.length, 1);
        assertEq(list[0], address(2));
    }

    function test_aFailingWeightSourceFixesNothing() external {
        join(address(1), 1, 1);
        vm.warp(GENESIS);
        weights.fail();
        vm.expectRevert(abi.encodeWithSelector(TestWeights.Unavailable.selector));
        registry.fixEpoch(0);
    }

    function test_aTotalWeightBeyondTheProtocolsFixesNothing() external {
        join(address(1), 1, type(uint128).max);
        join(address(2), 2, 1);
        vm.warp(GENESIS);
        vm.expectRevert(abi.encodeWithSelector(OperatorSets.TotalWeightTooLarge.selector, 1 << 128));
        registry.fixEpoch(0);
    }

    function test_refusesAConfigurationThatCannotWork() external {
        vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidConfiguration.selector));
        new Registry(address(this), weights, START, EPOCH);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidConfiguration.selector));
        new Registry(address(this), weights, GENESIS, 0);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidConfiguration.selector));
        new Registry(address(this), IWeightSource(address(0xdead)), GENESIS, EPOCH);
    }

    function _countAt(uint64 epoch) private view returns (uint256) {
        (address[] memory list,,) = registry.operatorsAt(epoch);
        return list.length;
    }
}

contract RegistryOperatorsTest is RegistryTestBase {
    address private constant OPERATOR = address(0xA11CE);

    function test_acceptsTheVectorsProofAndRefusesThoseOfOtherNonces() external {
        string memory json = vm.readFile("../test/vectors/mach/keys.json");
        for (uint256 i = 0; vm.keyExistsJson(json, jsonPath("$", i, "")); i++) {
            vm.chainId(vm.parseJsonUint(json, jsonPath("$", i, ".domain.chainId")));
            Registry there = Registry(vm.parseJsonAddress(json, jsonPath("$", i, ".domain.verifyingContract")));
            vm.etch(address(there), address(registry).code);
            address operator = vm.parseJsonAddress(json, jsonPath("$", i, ".operator"));
            weights.set(operator, 1);
            bytes memory key = vm.parseJsonBytes(json, jsonPath("$", i, ".publicKeyEip2537"));
            bytes memory proof = vm.parseJsonBytes(json, jsonPath("$", i, ".keyRegistration.proofEip2537"));
            bool isFirst = vm.parseJsonUint(json, jsonPath("$", i, ".keyRegistration.nonce")) == 0;
            vm.prank(operator);
            if (!isFirst) vm.expectRevert(abi.encodeWithSelector(IRegistry.InvalidProof.selector));
            there.registerOperator(key, proof);
            assertEq(there.keyCount(operator), isFirst ? 1 : 0);
        }
    }

    function test_aKeyIsRegisteredOnceEver() external {
        join(address(1), 7, 1);
        weights.set(OPERATOR, 1);
        bytes memory key = publicKeyOf(7);
        bytes memory proof = proofOf(OPERATOR, 7, 0);
        vm.prank(OPERATOR);
        vm.expectRevert(
            abi.encodeWithSelector(IRegistry.KeyAlreadyRegistered.selector, keccak256(key))
        );
        registry.registerOperator(key, proof);
    }

    function test_anOperatorRegistersOnce() external {
        join(OPERATOR, 7, 1);
        bytes memory key = publicKeyOf(8);
        bytes memory proof = proofOf(OPERATOR, 8, 1);
        vm.prank(OPERATOR);
        vm.expectRevert(
            abi.encodeWithSelector(IRegistry.OperatorAlreadyRegistered.selector, OPERATOR)
        );
        registry.registerOperator(key, proof);
        assertEq(registry.keyCount(OPERATOR), 1);
    }

    function test_refusesProofsOfAnythingElse() external {
        bytes memory key = publicKeyOf(7);
        bytes32 digest = digestOf(OPERATOR, key, 0);
        _refuse(key, proofOf(OPERATOR, 8, 0), IRegistry.InvalidProof.selector);
        _refuse(key, proofOf(OPERATOR, 7, 1), IRegistry.InvalidProof.selector);
        _refuse(key, proofOf(address(1), 7, 0), IRegistry.InvalidProof.selector);
        _refuse(
            key,
            sign(7, "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_", digest),
            IRegistry.InvalidProof.selector
        );
        bytes32 elsewhere = keyRegistrationDigest(1, address(registry), OPERATOR, key, 0);
        _refuse(key, sign(7, BLS.PROOF_OF_POSSESSION_TAG, elsewhere), IRegistry.InvalidProof.selector);
        _refuse(key, new bytes(256), IRegistry.InvalidProof.selector);
        _refuse(key, bytes.concat(proofOf(OPERATOR, 7, 0), hex"00"), IRegistry.InvalidProof.selector);
        _refuse(key, "", IRegistry.InvalidProof.selector);
        bytes memory padded = proofOf(OPERATOR, 7, 0);
        padded[0] = 0x01;
        _refuse(key, padded, IRegistry.InvalidProof.selector);

        register(OPERATOR, 7);
    }

    function test_refusesInfinityAndEveryOtherEncodingOfAKey() external {
        bytes memory proof = proofOf(OPERATOR, 7, 0);
        bytes memory key = publicKeyOf(7);
        _refuse(new bytes(128), proof, IRegistry.InvalidPublicKey.selector);
        _refuse(bytes.concat(key, hex"00"), proof, IRegistry.InvalidPublicKey.selector);
        _refuse("", proof, IRegistry.InvalidPublicKey.selector);
        bytes memory padded = bytes.concat(key);
        padded[15] = 0x01;
        _refuse(padded, proof, IRegistry.InvalidPublicKey.selector);
        _refuse(_plusModulus(key), proof, IRegistry.InvalidPublicKey.selector);
        key[127] ^= 0x01;
        weights.set(OPERATOR, 1);
        vm.prank(OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(BLS.PrecompileFailed.selector, address(0x0f)));
        registry.registerOperator(key, proof);
    }

    function test_registeringNeedsWeight() external {
        bytes memory key = publicKeyOf(7);
        bytes memory proof = proofOf(OPERATOR, 7, 0);
        vm.prank(OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.WeightTooLow.selector, 0, 1));
        registry.registerOperator(key, proof);

        registry.setMinimumWeight(10);
        weights.set(OPERATOR, 9);
        vm.prank(OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.WeightTooLow.selector, 9, 10));
        registry.registerOperator(key, proof);

        registry.setMinimumWeight(0);
        weights.set(OPERATOR, 0);
        vm.prank(OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(IRegistry.WeightTooLow.selector, 0, 0));
        registry.registerOperator(key, proof);
    }

    function test_announcesTheKey() external {
        weights.set(OPERATOR, 1);
        bytes memory key = publicKeyOf(7);
        bytes memory proof = proofOf(OPERATOR, 7, 0);
        vm.expectEmit(address(registry));
        emit IRegistry.KeyRegistered(OPERATOR, key, 0);
        vm.prank(OPERATOR);
        registry.registerOperator(key, proof);
    }

    function test_operatorsAreListedInAscendingOrderByPages(uint160[6] memory seeds) external {
        for (uint256 i = 0; i < 6; i++) {
            // The upper half keeps clear of precompiles and of the contracts of the test.
            seeds[i] |= 1 << 159;
            for (uint256 j = 0; j < i; j++) {
                vm.assume(seeds[i] != seeds[j]);
            }
            join(address(seeds[i]), i + 1, 1);
        }
        assertEq(registry.operatorCount(), 6);
        address[] memory all = registry.operators(address(0), type(uint256).max);
        assertEq(all.length, 6);
        for (uint256 i = 1; i < 6; i++) {
            assertTrue(all[i - 1] < all[i]);
        }
        address[] memory page = registry.operators(all[1], 3);
        assertEq(page.length, 3);
        assertEq(page[0], all[2]);
        assertEq(registry.operators(all[4], 3).length, 1);
        assertEq(registry.operators(all[5], 3).length, 0);
        vm.warp(GENESIS);
        (address[] memory list,,) = registry.operatorsAt(0);
        assertEq(abi.encode(list), abi.encode(all));
    }

    function _refuse(bytes memory key, bytes memory proof, bytes4 selector) private {
        weights.set(OPERATOR, 1);
        vm.prank(OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(selector));
        registry.registerOperator(key, proof);
    }

    /// @dev The same point with x written as x + p, which still fits into 48 bytes
    function _plusModulus(bytes memory key) private pure returns (bytes memory) {
        (uint256 high, uint256 low, bytes32 third, bytes32 fourth) =
            abi.decode(key, (uint256, uint256, bytes32, bytes32));
        uint256 modulusLow = 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab;
        unchecked {
            uint256 sum = low + modulusLow;
            high += 0x1a0111ea397fe69a4b1ba7b6434bacd7 + (sum < low ? 1 : 0);
            return abi.encode(high, sum, third, fourth);
        }
    }
}
