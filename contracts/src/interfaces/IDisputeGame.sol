// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What is asked of an OP Stack dispute game over an output root
/// @notice As FaultDisputeGame, its permissioned form and ZKDisputeGame have it. The games over super
/// roots have no l2ChainId: they are over several chains at a time.
interface IDisputeGame {
    /// @notice The root that the game is about
    function rootClaim() external view returns (bytes32);

    /// @notice The EIP-155 chain id of the rollup whose output root this is
    function l2ChainId() external view returns (uint256);
}
