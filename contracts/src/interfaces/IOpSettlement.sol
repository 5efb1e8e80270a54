// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAnchorStateRegistry} from "./IAnchorStateRegistry.sol";
import {IDisputeGame} from "./IDisputeGame.sol";
import {ISettlement} from "./ISettlement.sol";

/// @title How a rollup of the OP Stack settled, by its dispute games
/// @notice What the rollup's portal pays withdrawals on, and nothing else: a game whose claim is valid,
/// after its finality delay. Its guardian can still take such a game back, and it counts no more.
interface IOpSettlement is ISettlement {
    /// @notice What a proof is, by abi.encode: a game, and the four words of an output root of version 0
    struct Proof {
        IDisputeGame game;
        bytes32 version;
        bytes32 stateRoot;
        bytes32 messagePasserStorageRoot;
        bytes32 blockHash;
    }

    /// @notice The registry is no contract or the rollup is zero
    error InvalidConfiguration();
    /// @notice Not the length of a Proof
    error InvalidProof();
    /// @notice The registry does not hold the game's claim to be valid: not now, or never
    error GameNotValid(IDisputeGame game);
    /// @notice The game is about another rollup, or does not say about which
    error GameOfAnotherRollup(IDisputeGame game);
    /// @notice An output root of another version, of which nothing here knows the words
    error UnknownVersion(bytes32 version);
    /// @notice The game is about another root than that of these words: a super root, for example
    error NotTheRootClaim(bytes32 outputRoot, bytes32 rootClaim);
    /// @notice The output root names no block
    error NoBlock();

    /// @notice Says which games count
    function anchorStateRegistry() external view returns (IAnchorStateRegistry);
}
