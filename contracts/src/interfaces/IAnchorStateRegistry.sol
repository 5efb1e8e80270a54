// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDisputeGame} from "./IDisputeGame.sol";

/// @title What is asked of the OP Stack's AnchorStateRegistry
interface IAnchorStateRegistry {
    /// @notice Whether the game's root claim counts: of the factory, of the type that was respected when
    /// it was created, neither blacklisted nor retired, resolved for the defender, and that for longer
    /// than the finality delay; never while the system is paused
    function isGameClaimValid(IDisputeGame game) external view returns (bool);
}
