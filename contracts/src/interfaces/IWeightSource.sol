// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What an operator's restaked assets count for
interface IWeightSource {
    /// @notice The weight of an operator after all blocks with a timestamp below the given one.
    /// @dev For a timestamp at or below the present block's the answer never changes again. A source
    /// that cannot tell reverts: an unknown weight is never 0.
    /// @param operator The operator
    /// @param timestamp In seconds, exclusive
    function weightAt(address operator, uint256 timestamp) external view returns (uint256);
}
