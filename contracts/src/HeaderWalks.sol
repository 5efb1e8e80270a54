// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IHeaderWalks} from "./interfaces/IHeaderWalks.sol";
import {Headers} from "./libraries/Headers.sol";

/// @title Remembers which block is how many below another
contract HeaderWalks is IHeaderWalks {
    mapping(bytes32 start => mapping(uint256 distance => bytes32 blockHash)) private _checkpoints;

    /// @inheritdoc IHeaderWalks
    function walk(bytes32 start, uint64 from, bytes[] calldata headers)
        external
        returns (bytes32 blockHash)
    {
        blockHash = ancestorOf(start, from, headers);
        uint256 distance = from + headers.length;
        if (distance == 0 || _checkpoints[start][distance] != 0) return blockHash;
        _checkpoints[start][distance] = blockHash;
        emit Walked(start, distance, blockHash);
    }

    /// @inheritdoc IHeaderWalks
    function ancestorOf(bytes32 start, uint64 from, bytes[] calldata headers)
        public
        view
        returns (bytes32)
    {
        bytes32 blockHash = checkpoint(start, from);
        if (blockHash == 0) revert NotWalked(start, from);
        return Headers.ancestorOf(blockHash, headers);
    }

    /// @inheritdoc IHeaderWalks
    function checkpoint(bytes32 start, uint64 distance) public view returns (bytes32) {
        return distance == 0 ? start : _checkpoints[start][distance];
    }
}
