// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Walks a chain of block headers from a block down to its ancestors
library Headers {
    /// @notice A header is not the preimage of the hash that the one above it, or the block, names
    error BrokenHeaderChain(uint256 position);
    /// @notice Neither an RLP list that begins with a hash, nor EraVM's 128 bytes
    error InvalidHeader();

    /// @dev Of the block's number among the fields of an RLP header
    uint256 private constant NUMBER_FIELD = 8;

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

    /// @notice The block's number in a block hash's preimage: the ninth field of an RLP header
    function blockNumber(bytes calldata header) internal pure returns (uint256) {
        if (header.length == ERA_HEADER_LENGTH) return uint256(bytes32(header[0:32]));
        // Also checks the list's own prefix, which ends where its first field, a hash, begins.
        parentHash(header);
        uint256 position = uint256(uint8(header[0])) - 0xf6;
        for (uint256 i = 0; i < NUMBER_FIELD; i++) {
            position += _itemLength(header, position);
        }
        uint256 length = _itemLength(header, position);
        uint8 first = uint8(header[position]);
        if (first < 0x80) return first;
        if (first > 0xa0 || header.length < position + length) revert InvalidHeader();
        if (length == 1) return 0;
        return uint256(bytes32(header[position + 1:position + length])) >> (8 * (33 - length));
    }

    /// @dev Of a string with its prefix. What lies behind the header's end is refused where it is read.
    function _itemLength(bytes calldata header, uint256 position) private pure returns (uint256) {
        if (position >= header.length) revert InvalidHeader();
        uint256 first = uint8(header[position]);
        if (first < 0x80) return 1;
        if (first < 0xb8) return first - 0x7f;
        // No field of a header is a list, or so long that its length takes more than four bytes.
        if (first > 0xbb || header.length < position + 33) revert InvalidHeader();
        uint256 lengthOfLength = first - 0xb7;
        uint256 length = uint256(bytes32(header[position + 1:position + 33])) >> (8 * (32 - lengthOfLength));
        return 1 + lengthOfLength + length;
    }
}
