// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IRollupCore} from "./IRollupCore.sol";
import {ISettlement} from "./ISettlement.sol";

/// @title How an Arbitrum Orbit chain settled, by its confirmed assertions
/// @notice What the chain's Rollup contract has confirmed, by whatever way it confirms: the chain's
/// outbox pays out on the same.
interface IOrbitSettlement is ISettlement {
    /// @notice What a proof is, by abi.encode: what BoLD's hash of an assertion is made of
    struct Proof {
        bytes32 parentAssertionHash;
        IRollupCore.AssertionState afterState;
        bytes32 inboxAccumulator;
    }

    /// @notice The Rollup contract is none, of another chain, or the rollup is zero
    error InvalidConfiguration();
    /// @notice Not the length of a Proof
    error InvalidProof();
    /// @notice The assertion is unknown or still pending
    error NotConfirmed(bytes32 assertionHash, IRollupCore.AssertionStatus status);
    /// @notice The assertion's machine did not come to an end, or to one that is no block
    error MachineNotFinished(IRollupCore.MachineStatus status);
    /// @notice The assertion names no block, as the first of a chain
    error NoBlock();

    /// @notice Says which assertions are confirmed
    function rollup() external view returns (IRollupCore);
}
