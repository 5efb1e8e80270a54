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

    /// @notice The hash that stands for a set of operators, given in ascending order of address
    function hash(
        uint64 epoch,
        address[] memory operators,
        bytes32[4][] memory publicKeys,
        uint256[] memory weights
    ) internal view returns (bytes32) {
        uint256 count = operators.length;
        if (count == 0) revert EmptySet();
        bytes32[] memory leaves = new bytes32[](count);
        bytes32[4] memory aggregate;
        uint256 totalWeight = 0;
        for (uint256 i = 0; i < count; i++) {
            leaves[i] = leaf(i, operators[i], publicKeys[i], weights[i]);
            aggregate = BLS.addG1(aggregate, publicKeys[i]);
            totalWeight += weights[i];
        }
        if (totalWeight > type(uint128).max) revert TotalWeightTooLarge(totalWeight);
        if (BLS.isInfinity(aggregate)) revert AggregateAtInfinity();
        return keccak256(abi.encode(epoch, uint32(count), totalWeight, aggregate, root(leaves)));
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
}
