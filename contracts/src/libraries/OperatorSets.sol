// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BLS} from "./BLS.sol";

/// @title The hash of an operator set: its leaves, their Merkle root and the sum of the keys
library OperatorSets {
    /// @notice No operator has weight: there is no set
    error EmptySet();
    /// @notice The total weight is 2^128 or more
    error TotalWeightTooLarge(uint256 totalWeight);
    /// @notice The keys cancel each other out
    error AggregateAtInfinity();

    /// @notice A set of which the first operators are known. frontier holds, for each bit of the count,
    /// the root of that many leaves: a binary counter of complete subtrees, enough for 256 operators.
    struct Partial {
        uint32 count;
        uint256 totalWeight;
        bytes32[4] aggregatePublicKey;
        bytes32[9] frontier;
    }

    /// @notice The hash that stands for a set of operators, given in ascending order of address
    function hash(
        uint64 epoch,
        address[] memory operators,
        bytes32[4][] memory publicKeys,
        uint256[] memory weights
    ) internal view returns (bytes32) {
        uint256 count = operators.length;
        bytes32[] memory leaves = new bytes32[](count);
        bytes32[4] memory aggregate;
        uint256 totalWeight = 0;
        for (uint256 i = 0; i < count; i++) {
            leaves[i] = leaf(i, operators[i], publicKeys[i], weights[i]);
            aggregate = BLS.addG1(aggregate, publicKeys[i]);
            totalWeight += weights[i];
        }
        return _hash(epoch, count, totalWeight, aggregate, root(leaves));
    }

    /// @notice Adds the next operator in ascending order of address
    function append(Partial memory set, address operator, bytes32[4] memory publicKey, uint256 weight)
        internal
        view
    {
        uint256 index = set.count;
        bytes32 node = leaf(index, operator, publicKey, weight);
        uint256 level = 0;
        for (; index & 1 == 1; index >>= 1) {
            node = keccak256(abi.encodePacked(set.frontier[level], node));
            level++;
        }
        set.frontier[level] = node;
        set.count++;
        set.totalWeight += weight;
        set.aggregatePublicKey = BLS.addG1(set.aggregatePublicKey, publicKey);
    }

    /// @notice The hash of a set that was appended to the end: what `hash` gives for it
    function finish(Partial memory set, uint64 epoch) internal pure returns (bytes32) {
        return _hash(epoch, set.count, set.totalWeight, set.aggregatePublicKey, _root(set));
    }

    /// @notice The leaf of one operator
    function leaf(uint256 index, address operator, bytes32[4] memory publicKey, uint256 weight)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(index, operator, publicKey, weight));
    }

    /// @notice The root of the binary tree of depth ceil(log2(count)); missing leaves are zero
    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        uint256 width = 1;
        while (width < leaves.length) {
            width *= 2;
        }
        bytes32[] memory nodes = new bytes32[](width);
        for (uint256 i = 0; i < leaves.length; i++) {
            nodes[i] = leaves[i];
        }
        for (width /= 2; width > 0; width /= 2) {
            for (uint256 i = 0; i < width; i++) {
                nodes[i] = keccak256(abi.encodePacked(nodes[2 * i], nodes[2 * i + 1]));
            }
        }
        return nodes[0];
    }

    function _hash(
        uint64 epoch,
        uint256 count,
        uint256 totalWeight,
        bytes32[4] memory aggregate,
        bytes32 operatorsRoot
    ) private pure returns (bytes32) {
        if (count == 0) revert EmptySet();
        if (totalWeight > type(uint128).max) revert TotalWeightTooLarge(totalWeight);
        if (BLS.isInfinity(aggregate)) revert AggregateAtInfinity();
        // A count is that of a list in memory, which 2^32 leaves would not fit into.
        // forge-lint: disable-next-line(unsafe-typecast)
        return keccak256(abi.encode(epoch, uint32(count), totalWeight, aggregate, operatorsRoot));
    }

    function _root(Partial memory set) private pure returns (bytes32 node) {
        uint256 count = set.count;
        bytes32 missing = 0;
        uint256 level = 0;
        for (; 1 << level < count; level++) {
            node = count >> level & 1 == 1
                ? keccak256(abi.encodePacked(set.frontier[level], node))
                : keccak256(abi.encodePacked(node, missing));
            missing = keccak256(abi.encodePacked(missing, missing));
        }
        // A full tree is one complete subtree, and nothing is missing.
        if (1 << level == count) return set.frontier[level];
    }
}
