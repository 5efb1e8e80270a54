// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Remembers which block is how many below another
/// @notice A walk begins at a block hash and goes down by headers, over as many transactions as it takes.
/// A chain of hashes has one way down, so whoever continues a walk continues it for all, and what is
/// known once stays true.
interface IHeaderWalks {
    /// @notice The walk was never taken down to here
    error NotWalked(bytes32 start, uint64 distance);

    /// @notice The walk from a block is known down to another
    event Walked(bytes32 indexed start, uint256 indexed distance, bytes32 blockHash);

    /// @notice Continues a walk from a checkpoint, and remembers where it arrives as another
    /// @param start The hash of the block from which the walk began
    /// @param from How many blocks below `start` the checkpoint is; zero is `start` itself
    /// @param headers Newest first, the checkpoint's own first: RLP, or EraVM's 128 bytes
    /// @return blockHash The hash of the block that is `from` plus the number of headers below `start`
    function walk(bytes32 start, uint64 from, bytes[] calldata headers)
        external
        returns (bytes32 blockHash);

    /// @notice As `walk`, remembering nothing
    function ancestorOf(bytes32 start, uint64 from, bytes[] calldata headers)
        external
        view
        returns (bytes32 blockHash);

    /// @notice The block that is so many below another; zero where no checkpoint is
    function checkpoint(bytes32 start, uint64 distance) external view returns (bytes32 blockHash);
}
