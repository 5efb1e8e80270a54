// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Walks a chain of block headers from a block down to its ancestors
library Headers {
    /// @notice A header is not the preimage of the hash that the one above it, or the block, names
    error BrokenHeaderChain(uint256 position);
    /// @notice Neither an RLP list that begins with a hash, nor EraVM's 128 bytes
    error InvalidHeader();

    /// @dev EraVM's block hash is that of abi.encode(number, timestamp, parentHash, txRollingHash)
    uint256 private constant ERA_HEADER_LENGTH = 128;

    /// @notice The hash that is as many blocks below `blockHash` as there are headers
    /// @param blockHash The hash of the newest header
    /// @param headers Newest first, each the parent of the one before it
    function ancestorOf(bytes32 blockHash, bytes[] calldata headers) internal pure returns (bytes32) {
        for (uint256 i = 0; i < headers.length; i++) {
            if (keccak256(headers[i]) != blockHash) revert BrokenHeaderChain(i);
            blockHash = parentHash(headers[i]);
        }
        return blockHash;
    }

    /// @notice The parent hash in a block hash's preimage: the first field of an RLP header
    function parentHash(bytes calldata header) internal pure returns (bytes32) {
        if (header.length == ERA_HEADER_LENGTH) return bytes32(header[64:96]);
        // A list of more than 55 bytes: its length is in as many bytes as the prefix is above 0xf7.
        if (header.length < 57 || header[0] < 0xf8) revert InvalidHeader();
        uint256 start = uint256(uint8(header[0])) - 0xf6;
        uint256 length = uint256(bytes32(header[1:33])) >> (8 * (33 - start));
        if (header.length != start + length || header[start] != 0xa0) revert InvalidHeader();
        return bytes32(header[start + 1:start + 33]);
    }
}
