// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What is asked of the Rollup contract of an Arbitrum Orbit chain, since BoLD
interface IRollupCore {
    enum AssertionStatus {
        None,
        Pending,
        Confirmed
    }

    enum MachineStatus {
        Running,
        Finished,
        Errored
    }

    /// @dev Block hash and send root; position in the inbox and in its message
    struct GlobalState {
        bytes32[2] bytes32Vals;
        uint64[2] u64Vals;
    }

    struct AssertionState {
        GlobalState globalState;
        MachineStatus machineStatus;
        bytes32 endHistoryRoot;
    }

    struct AssertionNode {
        uint64 firstChildBlock;
        uint64 secondChildBlock;
        uint64 createdAtBlock;
        bool isFirstChild;
        AssertionStatus status;
        bytes32 configHash;
    }

    /// @notice The EIP-155 chain id of the rollup
    function chainId() external view returns (uint256);

    /// @notice What is known of an assertion, with the status None where nothing is
    function getAssertion(bytes32 assertionHash) external view returns (AssertionNode memory);
}
