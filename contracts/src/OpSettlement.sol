// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAnchorStateRegistry} from "./interfaces/IAnchorStateRegistry.sol";
import {IDisputeGame} from "./interfaces/IDisputeGame.sol";
import {IOpSettlement} from "./interfaces/IOpSettlement.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";

/// @title How a rollup of the OP Stack settled, by its dispute games
contract OpSettlement is IOpSettlement {
    uint256 private constant PROOF_LENGTH = 160;

    /// @inheritdoc ISettlement
    uint64 public immutable rollupId;
    /// @inheritdoc IOpSettlement
    IAnchorStateRegistry public immutable anchorStateRegistry;

    constructor(uint64 rollupId_, IAnchorStateRegistry anchorStateRegistry_) {
        if (rollupId_ == 0 || address(anchorStateRegistry_).code.length == 0) revert InvalidConfiguration();
        (rollupId, anchorStateRegistry) = (rollupId_, anchorStateRegistry_);
    }

    /// @inheritdoc ISettlement
    function settled(bytes calldata proof) external view returns (bytes32 blockHash, bytes32 outputRoot) {
        if (proof.length != PROOF_LENGTH) revert InvalidProof();
        Proof memory shown = abi.decode(proof, (Proof));
        // First of all: a contract that is no game of the factory may answer whatever it likes.
        if (!anchorStateRegistry.isGameClaimValid(shown.game)) revert GameNotValid(shown.game);
        _requireRollup(shown.game);
        if (shown.version != 0) revert UnknownVersion(shown.version);
        if (shown.blockHash == 0) revert NoBlock();
        outputRoot = keccak256(
            abi.encode(shown.version, shown.stateRoot, shown.messagePasserStorageRoot, shown.blockHash)
        );
        bytes32 rootClaim = shown.game.rootClaim();
        if (rootClaim != outputRoot) revert NotTheRootClaim(outputRoot, rootClaim);
        return (shown.blockHash, outputRoot);
    }

    /// @dev Rollups of one cluster share a registry: its games are not all of this one
    function _requireRollup(IDisputeGame game) private view {
        try game.l2ChainId() returns (uint256 chainId) {
            if (chainId == rollupId) return;
        } catch {
            // A game over super roots names no chain; the answer is the same as for another's.
        }
        revert GameOfAnotherRollup(game);
    }
}
