// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OperatorSets} from "../src/libraries/OperatorSets.sol";
import {Points} from "./Points.sol";
import {TestBase} from "./TestBase.sol";

contract OperatorSetsHarness {
    function hash(
        uint64 epoch,
        address[] memory operators,
        bytes32[4][] memory publicKeys,
        uint256[] memory weights
    ) external view returns (bytes32) {
        return OperatorSets.hash(epoch, operators, publicKeys, weights);
    }

    function hashInParts(
        uint64 epoch,
        address[] memory operators,
        bytes32[4][] memory publicKeys,
        uint256[] memory weights
    ) external view returns (bytes32) {
        OperatorSets.Partial memory set;
        for (uint256 i = 0; i < operators.length; i++) {
            OperatorSets.append(set, operators[i], publicKeys[i], weights[i]);
        }
        return OperatorSets.finish(set, epoch);
    }

    function leaf(uint256 index, address operator, bytes32[4] memory publicKey, uint256 weight)
        external
        pure
        returns (bytes32)
    {
        return OperatorSets.leaf(index, operator, publicKey, weight);
    }

    function root(bytes32[] memory leaves) external pure returns (bytes32) {
        return OperatorSets.root(leaves);
    }
}

contract OperatorSetsTest is TestBase {
    OperatorSetsHarness private harness = new OperatorSetsHarness();

    function test_vectors() external view {
        string memory json = vm.readFile("../test/vectors/mach/operator-sets.json");
        uint256 count = 0;
        for (; vm.keyExistsJson(json, jsonPath("$", count, "")); count++) {
            _checkVector(json, jsonPath("$", count, ""));
        }
        assertEq(count, 7);
    }

    function test_refusesAnEmptySet() external {
        vm.expectRevert(abi.encodeWithSelector(OperatorSets.EmptySet.selector));
        harness.hash(1, new address[](0), new bytes32[4][](0), new uint256[](0));
    }

    function test_refusesATotalWeightOf2To128() external {
        (address[] memory operators, bytes32[4][] memory keys, uint256[] memory weights) = _pair(1, 2);
        (weights[0], weights[1]) = (type(uint128).max - 1, 1);
        harness.hash(1, operators, keys, weights);
        weights[1] = 2;
        vm.expectRevert(abi.encodeWithSelector(OperatorSets.TotalWeightTooLarge.selector, 1 << 128));
        harness.hash(1, operators, keys, weights);
        weights[0] = type(uint256).max;
        vm.expectRevert(abi.encodeWithSignature("Panic(uint256)", 0x11));
        harness.hash(1, operators, keys, weights);
    }

    function test_refusesKeysThatCancelEachOtherOut() external {
        (address[] memory operators, bytes32[4][] memory keys, uint256[] memory weights) =
            _pair(5, CURVE_ORDER - 5);
        vm.expectRevert(abi.encodeWithSelector(OperatorSets.AggregateAtInfinity.selector));
        harness.hash(1, operators, keys, weights);
    }

    function test_aSetThatIsAppendedToHasTheSameHash(uint256 seed) external view {
        _compareInParts(uint256(keccak256(abi.encode(seed))) % 60 + 1, seed);
    }

    function test_theLargestSetThatIsAppendedToHasTheSameHash() external view {
        uint16[6] memory counts = [uint16(1), 2, 128, 129, 255, 256];
        for (uint256 i = 0; i < counts.length; i++) {
            _compareInParts(counts[i], i);
        }
    }

    function test_appendingHasTheSameLimits() external {
        vm.expectRevert(abi.encodeWithSelector(OperatorSets.EmptySet.selector));
        harness.hashInParts(1, new address[](0), new bytes32[4][](0), new uint256[](0));
        (address[] memory operators, bytes32[4][] memory keys, uint256[] memory weights) = _pair(1, 2);
        (weights[0], weights[1]) = (type(uint128).max - 1, 2);
        vm.expectRevert(abi.encodeWithSelector(OperatorSets.TotalWeightTooLarge.selector, 1 << 128));
        harness.hashInParts(1, operators, keys, weights);
        (operators, keys, weights) = _pair(5, CURVE_ORDER - 5);
        vm.expectRevert(abi.encodeWithSelector(OperatorSets.AggregateAtInfinity.selector));
        harness.hashInParts(1, operators, keys, weights);
    }

    function _compareInParts(uint256 count, uint256 seed) private view {
        address[] memory operators = new address[](count);
        bytes32[4][] memory keys = new bytes32[4][](count);
        uint256[] memory weights = new uint256[](count);
        for (uint256 i = 0; i < count; i++) {
            operators[i] = address(uint160(i + 1));
            keys[i] = toKey(publicKeyOf(i + 1));
            weights[i] = uint256(keccak256(abi.encode(seed, i))) >> 200;
        }
        assertEq(
            harness.hashInParts(7, operators, keys, weights), harness.hash(7, operators, keys, weights)
        );
    }

    function _pair(uint256 first, uint256 second)
        private
        view
        returns (address[] memory operators, bytes32[4][] memory keys, uint256[] memory weights)
    {
        (operators, keys, weights) = (new address[](2), new bytes32[4][](2), new uint256[](2));
        (operators[0], operators[1]) = (address(1), address(2));
        (keys[0], keys[1]) = (toKey(publicKeyOf(first)), toKey(publicKeyOf(second)));
        (weights[0], weights[1]) = (1, 1);
    }

    function _checkVector(string memory json, string memory path) private view {
        uint256 count = 0;
        while (vm.keyExistsJson(json, jsonPath(string.concat(path, ".operators"), count, ""))) count++;
        address[] memory operators = new address[](count);
        bytes32[4][] memory keys = new bytes32[4][](count);
        uint256[] memory weights = new uint256[](count);
        bytes32[] memory leaves = new bytes32[](count);
        for (uint256 i = 0; i < count; i++) {
            string memory each = jsonPath(string.concat(path, ".operators"), i, "");
            operators[i] = vm.parseJsonAddress(json, string.concat(each, ".operator"));
            weights[i] = vm.parseJsonUint(json, string.concat(each, ".weight"));
            keys[i] = toKey(Points.decompressG1(vm.parseJsonBytes(json, string.concat(each, ".publicKey"))));
            leaves[i] = harness.leaf(i, operators[i], keys[i], weights[i]);
            assertEq(leaves[i], vm.parseJsonBytes32(json, jsonPath(string.concat(path, ".leaves"), i, "")));
        }
        assertEq(
            harness.root(leaves), vm.parseJsonBytes32(json, string.concat(path, ".operatorsRoot"))
        );
        uint64 epoch = uint64(vm.parseJsonUint(json, string.concat(path, ".epoch")));
        assertEq(
            harness.hash(epoch, operators, keys, weights),
            vm.parseJsonBytes32(json, string.concat(path, ".operatorSetHash"))
        );
    }
}
