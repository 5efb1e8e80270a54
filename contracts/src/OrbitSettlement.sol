// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IOrbitSettlement} from "./interfaces/IOrbitSettlement.sol";
import {IRollupCore} from "./interfaces/IRollupCore.sol";
import {ISettlement} from "./interfaces/ISettlement.sol";

/// @title How an Arbitrum Orbit chain settled, by its confirmed assertions
contract OrbitSettlement is IOrbitSettlement {
    uint256 private constant PROOF_LENGTH = 256;

    /// @inheritdoc ISettlement
    uint64 public immutable rollupId;
    /// @inheritdoc IOrbitSettlement
    IRollupCore public immutable rollup;

    constructor(uint64 rollupId_, IRollupCore rollup_) {
        if (rollupId_ == 0 || address(rollup_).code.length == 0 || rollup_.chainId() != rollupId_) {
            revert InvalidConfiguration();
        }
        (rollupId, rollup) = (rollupId_, rollup_);
    }

    /// @inheritdoc ISettlement
    function settled(bytes calldata proof) external view returns (bytes32 blockHash, bytes32 outputRoot) {
        if (proof.length != PROOF_LENGTH) revert InvalidProof();
        Proof memory shown = abi.decode(proof, (Proof));
        bytes32 hash = _assertionHash(shown);
        IRollupCore.AssertionStatus status = rollup.getAssertion(hash).status;
        if (status != IRollupCore.AssertionStatus.Confirmed) revert NotConfirmed(hash, status);
        // A machine that erred ends where it began: its block is confirmed by an assertion before.
        IRollupCore.MachineStatus machine = shown.afterState.machineStatus;
        if (machine != IRollupCore.MachineStatus.Finished) revert MachineNotFinished(machine);
        blockHash = shown.afterState.globalState.bytes32Vals[0];
        if (blockHash == 0) revert NoBlock();
        return (blockHash, keccak256(abi.encode(blockHash, shown.afterState.globalState.bytes32Vals[1])));
    }

    /// @dev BoLD's RollupLib.assertionHash over AssertionStateLib.hash
    function _assertionHash(Proof memory shown) private pure returns (bytes32) {
        bytes32 stateHash = keccak256(abi.encode(shown.afterState));
        return keccak256(abi.encodePacked(shown.parentAssertionHash, stateHash, shown.inboxAccumulator));
    }
}
