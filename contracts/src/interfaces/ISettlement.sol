// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What L1 knows of how a rollup settled
/// @notice One adapter for each rollup; it reads the contracts that confirm the rollup's blocks. Whoever
/// asks brings the proof, and nothing that is not settled for good is ever answered.
interface ISettlement {
    /// @notice The rollup whose settlement this reads
    function rollupId() external view returns (uint64);

    /// @notice A block that L1 has settled, and the output root that it confirmed for it
    /// @dev Reverts where the proof does not show a settled block
    /// @param proof In the adapter's own format: what the confirmed root or assertion is the hash of
    /// @return blockHash The hash of the settled block
    /// @return outputRoot What a claim about this block had to name as its outputRoot
    function settled(bytes calldata proof) external view returns (bytes32 blockHash, bytes32 outputRoot);
}
